//! The strategies: what exhaustive counts, how chance is spread, and the bound that PCT promises.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use bibelot::spawn;
use bibelot::sync::Mutex;
use bibelot::task::{scope, yield_now};
use bibelot::testing::{Explored, Explorer};
use bibelot::time::{Duration, sleep};

/// So many tasks that give way so often, which nobody joins: main is no part of it.
async fn tasks(count: usize, yields: usize) {
    for _ in 0..count {
        drop(spawn(async move {
            for _ in 0..yields {
                yield_now().await;
            }
        }));
    }
}

/// All schedules of so many tasks with so many yields, in both orders of searching.
fn all(count: usize, yields: usize) -> Explored {
    let fewest = Explorer::new().exhaustive(100_000);
    let deepest = Explorer::new().depth_first(100_000);
    let fewest = fewest.run(|| tasks(count, yields));
    assert_eq!(fewest, deepest.run(|| tasks(count, yields)));
    assert!(fewest.is_complete() && fewest.complete_to() == usize::MAX);
    assert_eq!(fewest.schedules(), fewest.distinct());
    fewest
}

#[test]
fn exhaustive_sees_each_interleaving_once() {
    // A task of n yields has p = n + 1 polls, and is ready between all of them. So a schedule of two is a
    // word of p a's and p b's: 2p choose p.
    let two: Vec<usize> = (0..5).map(|yields| all(2, yields).schedules()).collect();
    assert_eq!(two, [2, 6, 20, 70, 252]);
    // Of three it is (3p)! / (p!)³, and of m without yields, m!.
    let three: Vec<usize> = (0..3).map(|yields| all(3, yields).schedules()).collect();
    assert_eq!(three, [6, 90, 1680]);
    assert_eq!(all(5, 0).schedules(), 120);
    assert_eq!(all(1, 9).schedules(), 1);
}

#[test]
fn who_waits_is_no_choice() {
    let explorer = Explorer::new().exhaustive(1_000);
    let explored = explorer.run(async || {
        let mutex = Rc::new(Mutex::new(()));
        for _ in 0..2 {
            let mutex = Rc::clone(&mutex);
            drop(spawn(async move {
                let _guard = mutex.lock().await;
                yield_now().await;
            }));
        }
    });
    // Either is first; then the other one comes to wait for the lock in between, or does not.
    assert_eq!((explored.schedules(), explored.is_complete()), (4, true));
    let sleepers = Explorer::new().run(async || {
        for ms in [1, 2, 3] {
            drop(spawn(sleep(Duration::from_millis(ms))));
        }
    });
    // They begin in 3! orders; the clock wakes one after another.
    assert_eq!((sleepers.schedules(), sleepers.is_complete()), (6, true));
}

#[test]
fn children_of_a_scope_are_parts_of_one_task() {
    let explored = Explorer::new().run(async || {
        scope(async |s| {
            drop(s.spawn(async { yield_now().await }));
            drop(s.spawn(async { yield_now().await }));
        })
        .await;
    });
    assert_eq!((explored.schedules(), explored.is_complete()), (1, true));
}

#[test]
fn a_bound_on_overtakes_is_a_promise_up_to_there() {
    let bounded = |overtakes| {
        let explorer = Explorer::new().exhaustive(1_000);
        explorer.overtakes_max(overtakes).run(|| tasks(2, 2))
    };
    // a b a b a b has a choice at all polls but the last.
    let counts: Vec<_> = (0..3).map(|n| bounded(n).schedules()).collect();
    assert_eq!(counts[..2], [1, 6]);
    assert!(counts[2] > 6 && counts[2] < 20);
    assert_eq!(bounded(1).complete_to(), 1);
    assert!(!bounded(1).is_complete());
    assert!(
        bounded(5).is_complete(),
        "20 schedules have no more than five"
    );
}

#[test]
fn a_limit_on_schedules_says_what_was_not_seen() {
    let some = Explorer::new().exhaustive(10).run(|| tasks(2, 3));
    assert_eq!((some.schedules(), some.distinct()), (10, 10));
    // The plain order, all seven with one overtake, and two more.
    assert_eq!((some.is_complete(), some.complete_to()), (false, 1));
    let corner = Explorer::new().depth_first(10).run(|| tasks(2, 3));
    assert_eq!((corner.schedules(), corner.complete_to()), (10, 0));
    let just = Explorer::new().exhaustive(70).run(|| tasks(2, 3));
    assert!(just.is_complete());
    assert_eq!(
        just.to_string(),
        "70 schedules were run, 70 different ones: all there are; the longest had 7 decisions in 9 polls"
    );
}

#[test]
fn a_plan_ends_when_all_was_seen() {
    let explored = Explorer::new()
        .exhaustive(6)
        .random(100)
        .run(|| tasks(2, 1));
    assert_eq!(explored.schedules(), 6);
    let explored = Explorer::new()
        .exhaustive(5)
        .random(100)
        .run(|| tasks(2, 1));
    assert_eq!((explored.schedules(), explored.distinct()), (105, 6));
}

/// Two tasks with a yield; in which order they were polled is added to `orders`.
async fn ordered(orders: &RefCell<BTreeMap<String, usize>>) {
    let order = Rc::new(RefCell::new(String::new()));
    let polls = |name| {
        let order = Rc::clone(&order);
        async move {
            order.borrow_mut().push(name);
            yield_now().await;
            order.borrow_mut().push(name);
        }
    };
    let (a, b) = (spawn(polls('a')), spawn(polls('b')));
    a.await.unwrap();
    b.await.unwrap();
    *orders.borrow_mut().entry(order.take()).or_default() += 1;
}

#[test]
fn random_choice_is_even_at_each_decision() {
    let orders = RefCell::default();
    let runs = 8_000;
    let _seen = Explorer::new()
        .random(runs)
        .run(async || ordered(&orders).await);
    let orders = orders.into_inner();
    // While both are ready each comes next in half of all cases; one is left alone after its second poll.
    let expected = [
        ("aabb", 4),
        ("abab", 8),
        ("abba", 8),
        ("baab", 8),
        ("baba", 8),
        ("bbaa", 4),
    ];
    assert_eq!(orders.len(), expected.len());
    for (order, part) in expected {
        let (count, expected) = (orders[order], runs / part);
        let off = count.abs_diff(expected);
        // Four standard deviations are less than that; the seed is always the same.
        assert!(off * 10 < expected * 2, "{order}: {count} of {expected}");
    }
}

#[test]
fn other_seeds_take_other_schedules_and_the_same_takes_the_same() {
    let first = |seed| {
        let orders = RefCell::default();
        let explorer = Explorer::new().random(5).pct(5, 2).seed(seed);
        let _seen = explorer.run(async || ordered(&orders).await);
        orders.into_inner()
    };
    assert_eq!(first(1), first(1));
    let kinds: Vec<_> = (0..10).map(first).collect();
    assert!(kinds.iter().any(|kind| *kind != kinds[0]));
}

/// Of so many schedules by PCT, how many hit; the first two runs are the plain order.
fn hits(count: usize, depth: u32, test: impl AsyncFn() -> bool) -> usize {
    let hits = Cell::new(0);
    let runs = Cell::new(0);
    let _seen = Explorer::new().pct(count, depth).run(async || {
        runs.set(runs.get() + 1);
        let is_planned = runs.get() > 2;
        if test().await && is_planned {
            hits.set(hits.get() + 1);
        }
    });
    hits.get()
}

#[test]
fn pct_keeps_its_bound_at_depth_one() {
    // One task must come after all polls of the others: one in n, whatever the number of polls.
    for (count, yields) in [(3, 5), (5, 20), (9, 2)] {
        let hit = hits(2_000, 1, async || {
            let left = Rc::new(Cell::new(count - 1));
            for _ in 1..count {
                let left = Rc::clone(&left);
                drop(spawn(async move {
                    for _ in 0..yields {
                        yield_now().await;
                    }
                    left.set(left.get() - 1);
                }));
            }
            spawn(async move { left.get() == 0 }).await.unwrap()
        });
        // Main is one of n.
        let bound = 2_000 / (count + 1);
        assert!(
            hit >= bound,
            "{count} tasks with {yields} yields: {hit} of {bound}"
        );
    }
}

#[test]
fn pct_keeps_its_bound_at_depth_two() {
    // One task must come to the middle of its yields, and the other must do all of its own then.
    for (before, after) in [(3, 3), (1, 10), (10, 10)] {
        let hit = hits(4_000, 2, async || {
            let is_open = Rc::new(Cell::new(false));
            let opened = Rc::clone(&is_open);
            let one = spawn(async move {
                for _ in 0..before {
                    yield_now().await;
                }
                opened.set(true);
                yield_now().await;
                opened.set(false);
            });
            let other = spawn(async move {
                for _ in 0..after {
                    yield_now().await;
                }
                is_open.get()
            });
            one.await.unwrap();
            other.await.unwrap()
        });
        // Three tasks; main has at most three polls.
        let polls = (before + 2) + (after + 1) + 3;
        let bound = 4_000 / (3 * polls);
        assert!(
            hit >= bound,
            "{before} and {after} yields: {hit} of {bound}"
        );
    }
}

#[test]
fn pct_starves_nobody() {
    // Two that wake each other, and one that spins, until a third comes to stop them.
    let explorer = Explorer::new().pct(300, 3).polls_max(20_000);
    let explored = explorer.run(async || {
        let is_over = Rc::new(Cell::new(false));
        for _ in 0..3 {
            let is_over = Rc::clone(&is_over);
            drop(spawn(async move {
                while !is_over.get() {
                    yield_now().await;
                }
            }));
        }
        drop(spawn(async move { is_over.set(true) }));
    });
    assert!(
        explored.polls_max() > 1_000,
        "some were patient: {explored}"
    );
}

#[test]
#[should_panic(expected = "a bug without depth fails in every schedule")]
fn a_depth_of_zero_is_refused() {
    let _ = Explorer::new().pct(1, 0);
}
