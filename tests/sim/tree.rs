//! The report of a deadlock: a tree of who spawned whom, the children of scopes among them.

use std::future::pending;
use std::pin::pin;

use bibelot::sync::Event;
use bibelot::task::{Builder, TaskGroup, scope, try_scope, yield_now};
use bibelot::testing::Sim;
use bibelot::time::{Duration, sleep};
use bibelot::{Executor, spawn};

use crate::support::{panic_of, poll_once, same_every_time};
use crate::{SECOND, ms};

/// The lines of a report, without places.
fn told<T>(main: impl Future<Output = T>) -> Vec<String> {
    lines(&panic_of(|| Sim::new().run(main)))
}

/// The lines of a report, without places; the first one, which is always the same, is left out.
fn lines(text: &str) -> Vec<String> {
    let mut lines = text.lines();
    let first = lines.next().unwrap();
    assert_eq!(
        first,
        "deadlock: every task is waiting and no deadline is to come"
    );
    lines.map(without_places).collect()
}

/// A line in which each place is `here`.
fn without_places(line: &str) -> String {
    let mut without = String::new();
    for (nth, part) in line.split("tests/sim/tree.rs:").enumerate() {
        if nth == 0 {
            without += part;
            continue;
        }
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
        without += "here";
        without += rest;
    }
    without
}

/// A task of this name.
fn named<F: Future + 'static>(name: &str, future: F) -> bibelot::task::JoinHandle<F::Output> {
    Builder::new().name(name).spawn(future)
}

#[test]
fn tasks_stand_below_who_spawned_them_in_the_order_of_their_spawns() {
    same_every_time(tasks_stand_below_who_spawned_them_in_the_order_of_their_spawns);
    let lines = told(async {
        let ended = spawn(async {
            drop(named("orphan", pending::<()>()));
        });
        ended.await.unwrap();
        let father = named("father", async {
            let son = named("son", async {
                named("grandson", pending::<()>()).await.unwrap();
            });
            drop(named("daughter", pending::<()>()));
            son.await.unwrap();
        });
        drop(named("uncle", pending::<()>()));
        father.await.unwrap();
    });
    let expected = [
        "  task \"main\" (spawned at here) waits for a task to end at here",
        "    task \"father\" (spawned at here) waits for a task to end at here",
        "      task \"son\" (spawned at here) waits for a task to end at here",
        "        task \"grandson\" (spawned at here) waits for nothing that could wake it",
        "      task \"daughter\" (spawned at here) waits for nothing that could wake it",
        "    task \"uncle\" (spawned at here) waits for nothing that could wake it",
        "  task \"orphan\" (spawned at here by task 2, which has ended) waits for nothing that could \
         wake it",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn children_of_scopes_are_told_with_their_names_and_what_each_waits_for() {
    same_every_time(children_of_scopes_are_told_with_their_names_and_what_each_waits_for);
    let event = Event::new();
    let lines = told(scope(async |s| {
        Builder::new().name("listens").spawn_scoped(s, event.wait());
        s.spawn(async {
            scope(async |inner| {
                inner.spawn(pending::<()>());
                event.wait().await;
            })
            .await;
        });
        s.spawn(sleep(SECOND)).join().await.unwrap();
        spawn(pending::<()>()).await.unwrap();
    }));
    let expected = [
        "  task \"main\" (spawned at here) waits for a task to end or another task at here",
        "    the body of the scope at here waits for a task to end at here",
        "    task \"listens\" (spawned at here) waits for an event at here",
        "    task 4 (spawned at here) waits for another task at here",
        "      the body of the scope at here waits for an event at here",
        "      task 7 (spawned at here) waits for nothing that could wake it",
        "    task 8 (spawned at here) waits for nothing that could wake it",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn children_that_fail_or_end_are_told_no_more() {
    same_every_time(children_that_fail_or_end_are_told_no_more);
    let lines = told(async {
        let failed = try_scope(async |s| {
            s.spawn(async { Err::<(), _>("on purpose") });
            s.spawn(pending::<()>());
            Ok(())
        });
        assert!(failed.await.is_err());
        let mut dropped = Box::pin(scope(async |s| {
            s.spawn(pending::<()>());
        }));
        assert!(poll_once(&mut dropped).is_pending());
        drop(dropped);
        scope(async |s| {
            s.spawn(yield_now());
        })
        .await;
        pending::<()>().await;
    });
    // Its waker was seen by a scope that was polled by hand.
    assert_eq!(lines.len(), 1, "{lines:#?}");
}

#[test]
fn a_child_that_is_ready_in_a_scope_that_nobody_polls_is_told_as_such() {
    same_every_time(a_child_that_is_ready_in_a_scope_that_nobody_polls_is_told_as_such);
    let event = Event::new();
    let lines = told(async {
        let mut held = pin!(scope(async |s| {
            Builder::new()
                .name("holds the lock")
                .spawn_scoped(s, event.wait());
        }));
        // As a select does: polled once, and then something else is awaited that it is needed for.
        std::future::poll_fn(|cx| {
            assert!(held.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        event.set();
        Event::new().wait().await;
    });
    let expected = [
        "  task \"main\" (spawned at here) waits for an event at here",
        "    task \"holds the lock\" (spawned at here) is ready, but nobody polls its scope",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn members_of_groups_are_tasks_and_stand_below_their_owner() {
    same_every_time(members_of_groups_are_tasks_and_stand_below_their_owner);
    let lines = told(async {
        let owner = named("owner", async {
            let mut group = TaskGroup::<(), ()>::new();
            group.spawn(async {
                pending::<()>().await;
                Ok(())
            });
            drop(group.next().await);
        });
        owner.await.unwrap();
    });
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines[1].starts_with("    task \"owner\" (spawned at here) waits for "));
    assert!(lines[2].starts_with("      task 3 (spawned at here) waits for nothing"));
}

#[test]
fn an_executor_that_looks_for_deadlocks_tells_the_same() {
    let executor = Executor::builder().detect_deadlock().build().unwrap();
    let event = Event::new();
    let text = panic_of(|| {
        executor.run(scope(async |s| {
            Builder::new().name("listens").spawn_scoped(s, event.wait());
        }))
    });
    let expected = [
        "  task \"main\" (spawned at here) waits for an event at here",
        "    task \"listens\" (spawned at here) waits for an event at here",
    ];
    assert_eq!(lines(&text), expected);
}

#[test]
fn a_scope_that_moves_to_another_executor_takes_along_what_is_known_of_its_children() {
    same_every_time(
        a_scope_that_moves_to_another_executor_takes_along_what_is_known_of_its_children,
    );
    let build = || Executor::builder().detect_deadlock().build().unwrap();
    let (first, second) = (build(), build());
    let event = Event::new();
    let mut moved = Box::pin(scope(async |s| {
        Builder::new().name("listens").spawn_scoped(s, event.wait());
    }));
    first.run(async { assert!(poll_once(&mut moved).is_pending()) });
    let text = panic_of(|| second.run(&mut moved));
    let expected = [
        "  task \"main\" (spawned at here) waits for an event at here",
        "    task \"listens\" (spawned at here) waits for an event at here",
    ];
    assert_eq!(lines(&text), expected);
}

#[test]
fn a_long_chain_of_tasks_is_told_without_an_indent_that_grows_for_ever() {
    same_every_time(a_long_chain_of_tasks_is_told_without_an_indent_that_grows_for_ever);
    /// Each spawns the next one, and waits for it.
    async fn link(left: usize) {
        if left == 0 {
            return pending().await;
        }
        let next: std::pin::Pin<Box<dyn Future<Output = ()>>> = Box::pin(link(left - 1));
        spawn(next).await.unwrap();
    }
    let lines = told(link(3000));
    assert_eq!(lines.len(), 3001);
    let longest = lines.iter().map(String::len).max().unwrap();
    assert!(longest < 200, "{longest}");
}

#[test]
fn under_a_manual_clock_a_child_is_told_with_its_deadline() {
    same_every_time(under_a_manual_clock_a_child_is_told_with_its_deadline);
    let text = panic_of(|| {
        Sim::new().manual().run(scope(async |s| {
            Builder::new().name("naps").spawn_scoped(s, sleep(ms(1500)));
            sleep(Duration::MAX).await;
        }))
    });
    let lines: Vec<String> = text.lines().skip(1).map(without_places).collect();
    let expected = [
        "  task \"main\" (spawned at here) waits for a deadline at here",
        "    the body of the scope at here waits for a deadline at here",
        "    task \"naps\" (spawned at here) waits for a deadline at here, due in 1.5s",
    ];
    assert_eq!(lines, expected);
}
