//! Numbers from the seed: the same every time, even, and without an effect on the schedule.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::env;
use std::fmt::Write;
use std::process::Command;
use std::rc::Rc;

use bibelot::sched::{Fifo, Lifo, Policy};
use bibelot::task::yield_now;
use bibelot::testing::{RandomState, Sim, random, random_bool, shuffle};
use bibelot::time::{Duration, sleep};
use bibelot::{Executor, ExecutorBuilder, spawn};

use crate::support::{Trace, panic_of, same_every_time};

/// Numbers of all kinds, drawn in a simulation of this seed.
fn drawn(sim: Sim) -> String {
    sim.run(async {
        let mut text = String::new();
        for _ in 0..20 {
            let (die, any) = (random(1..=6), random::<u64>(..));
            let mut items = [1, 2, 3, 4];
            shuffle(&mut items);
            writeln!(text, "{die} {any} {} {items:?}", random_bool(0.5)).unwrap();
            yield_now().await;
        }
        text
    })
}

#[test]
fn the_same_seed_draws_the_same_numbers_and_another_one_others() {
    same_every_time(the_same_seed_draws_the_same_numbers_and_another_one_others);
    let all: BTreeSet<String> = (0..50).map(|seed| drawn(Sim::new().seed(seed))).collect();
    assert_eq!(all.len(), 50);
    assert_eq!(drawn(Sim::new().seed(7)), drawn(Sim::new().seed(7)));
    assert_eq!(
        drawn(Sim::new()),
        drawn(Sim::new().seed(0)),
        "0, unless one is said"
    );
}

#[test]
fn the_numbers_are_the_same_on_every_machine() {
    same_every_time(the_numbers_are_the_same_on_every_machine);
    Sim::new().seed(7).run(async {
        let numbers: Vec<u32> = (0..8).map(|_| random(0..1000)).collect();
        assert_eq!(numbers, EXPECTED);
    });
}

/// What seed 7 has drawn since there are numbers.
const EXPECTED: [u32; 8] = [967, 866, 786, 810, 577, 944, 8, 902];

#[test]
fn all_numbers_of_a_range_come_and_no_others() {
    same_every_time(all_numbers_of_a_range_come_and_no_others);
    Sim::new().seed(1).run(async {
        let dice: BTreeSet<i32> = (0..1000).map(|_| random(-2..=2)).collect();
        assert!(dice.into_iter().eq(-2..=2));
        let exclusive: BTreeSet<u8> = (0..1000).map(|_| random(3..5)).collect();
        assert!(exclusive.into_iter().eq(3..5));
        let bytes: BTreeSet<u8> = (0..10_000).map(|_| random(..)).collect();
        assert_eq!(bytes.len(), 256);
        assert_eq!(random(i64::MIN..=i64::MIN), i64::MIN);
        assert_eq!(random(u64::MAX..), u64::MAX);
        let (low, high) = (0..1000).fold((0, 0), |(low, high), _| {
            let is_high = random::<i64>(..) > 0;
            (low + usize::from(!is_high), high + usize::from(is_high))
        });
        assert!(low > 400 && high > 400, "{low} {high}");
    });
}

#[test]
fn what_is_likely_comes_that_often() {
    same_every_time(what_is_likely_comes_that_often);
    Sim::new().seed(3).run(async {
        let count = |probability| (0..10_000).filter(|_| random_bool(probability)).count();
        assert_eq!((count(0.0), count(1.0)), (0, 10_000));
        assert!((900..1100).contains(&count(0.1)));
        let mut firsts = [0; 4];
        for _ in 0..4000 {
            let mut items = [0, 1, 2, 3];
            shuffle(&mut items);
            firsts[items[0]] += 1;
        }
        assert!(
            firsts.iter().all(|count| (850..1150).contains(count)),
            "{firsts:?}"
        );
    });
}

#[test]
fn drawing_changes_nothing_for_the_schedule() {
    same_every_time(drawing_changes_nothing_for_the_schedule);
    let schedule = |draws: usize| {
        let trace = Trace::new();
        Sim::new().seed(5).run(async {
            for nth in 0..20 {
                let said = trace.clone();
                drop(spawn(async move {
                    for _ in 0..draws {
                        let _: u32 = random(0..10);
                    }
                    yield_now().await;
                    said.say(nth.to_string());
                }));
            }
        });
        trace.take()
    };
    let first = schedule(0);
    assert_eq!(schedule(1), first);
    assert_eq!(schedule(17), first);
    assert!(!first.is_sorted());
}

/// The order in which five tasks come under a seed, each twice, and what they draw.
fn come_and_draw(builder: ExecutorBuilder, seed: u64) -> (Vec<String>, Vec<u32>) {
    let trace = Trace::new();
    let drawn = Rc::new(RefCell::new(Vec::new()));
    Sim::from_builder(builder).seed(seed).run(async {
        for nth in 0..5 {
            let (trace, drawn) = (trace.clone(), Rc::clone(&drawn));
            drop(spawn(async move {
                for _ in 0..2 {
                    trace.say(nth.to_string());
                    drawn.borrow_mut().push(random(0..1_000_000));
                    yield_now().await;
                }
            }));
        }
    });
    (trace.take(), drawn.take())
}

#[test]
fn a_policy_keeps_its_order_under_a_seed_which_is_then_for_chance_alone() {
    same_every_time(a_policy_keeps_its_order_under_a_seed_which_is_then_for_chance_alone);
    type Make = fn() -> ExecutorBuilder;
    let policies: [(Make, &str); 3] = [
        (|| Executor::builder().policy(Fifo::default()), "0123401234"),
        (|| Executor::builder().policy(Lifo::default()), "4433221100"),
        (
            || Executor::builder().policy(Box::new(Lifo::default()) as Box<dyn Policy>),
            "4433221100",
        ),
    ];
    for (make, order) in policies {
        let draws: BTreeSet<Vec<u32>> = (0..20)
            .map(|seed| {
                let (came, drew) = come_and_draw(make(), seed);
                assert_eq!(came.concat(), order, "seed {seed}");
                // The same numbers as without a policy, in another order of tasks.
                assert_eq!(drew, come_and_draw(Executor::builder(), seed).1);
                drew
            })
            .collect();
        assert_eq!(draws.len(), 20, "each seed has its own chance");
    }
    // Without a policy the order is the seed's.
    let orders = (0..20).map(|seed| come_and_draw(Executor::builder(), seed).0);
    assert!(orders.collect::<BTreeSet<_>>().len() > 10);
}

#[test]
fn the_order_of_a_map_comes_from_the_seed_and_so_does_a_run_that_hangs_on_it() {
    same_every_time(the_order_of_a_map_comes_from_the_seed_and_so_does_a_run_that_hangs_on_it);
    let order = |seed| {
        Sim::new().seed(seed).run(async {
            let naps: HashMap<u64, (), RandomState> = (0..100).map(|nth| (nth, ())).collect();
            for nth in naps.keys() {
                drop(spawn(sleep(Duration::from_nanos(*nth))));
            }
            let twin: HashMap<u64, (), RandomState> = (0..100).map(|nth| (nth, ())).collect();
            (
                naps.into_keys().collect::<Vec<_>>(),
                twin.into_keys().collect::<Vec<_>>(),
            )
        })
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
    let (one, twin) = order(3);
    assert_ne!(one, twin, "each map has its own");
}

#[test]
fn outside_of_a_simulation_it_says_what_to_do() {
    same_every_time(outside_of_a_simulation_it_says_what_to_do);
    let expected = "no simulation is running on this thread, so there is no seed to draw from; call this \
                    inside testing::Sim::run()";
    assert_eq!(panic_of(|| random(0..10)), expected);
    assert_eq!(panic_of(|| random_bool(0.5)), expected);
    assert_eq!(panic_of(|| shuffle(&mut [1, 2])), expected);
    assert_eq!(panic_of(RandomState::new), expected);
    assert_eq!(panic_of(|| bibelot::run(async { random(0..10) })), expected);
    // Nor after one, be it one that has panicked.
    assert_eq!(
        panic_of(|| Sim::new().run(async { panic!("sore") })),
        "sore"
    );
    assert_eq!(panic_of(|| random(0..10)), expected);
}

#[test]
fn what_cannot_be_drawn_is_a_clear_panic() {
    same_every_time(what_cannot_be_drawn_is_a_clear_panic);
    Sim::new().run(async {
        let text = panic_of(|| random(5..5));
        assert_eq!(
            text,
            "no number can be drawn from an empty range: from 5 up to 4"
        );
        let text = panic_of(|| random_bool(1.5));
        assert_eq!(text, "a probability is between 0 and 1, and not 1.5");
    });
}

/// Set in the process that a test starts: which part it is to play.
const PART: &str = "BIBELOT_TEST_PART";

#[test]
fn the_seed_of_a_simulation_that_panics_is_told_on_standard_error() {
    match env::var(PART).as_deref() {
        Ok("seeded") => Sim::new().seed(4711).run(async { panic!("on purpose") }),
        Ok("unseeded") => Sim::new().run(async { panic!("on purpose") }),
        _ => {}
    }
    let told = |part: &str| {
        let mut command = Command::new(env::current_exe().unwrap());
        let name = "random::the_seed_of_a_simulation_that_panics_is_told_on_standard_error";
        command
            .args([name, "--exact", "--nocapture"])
            .env(PART, part);
        let output = command.output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let line = "bibelot: the simulation panicked; Sim::seed(4711) repeats it";
    let seeded = told("seeded");
    assert_eq!(
        seeded.lines().filter(|told| *told == line).count(),
        1,
        "{seeded}"
    );
    assert!(!told("unseeded").contains("repeats it"));
}

#[test]
fn a_deadlock_says_the_seed() {
    same_every_time(a_deadlock_says_the_seed);
    let text = panic_of(|| Sim::new().seed(9).run(std::future::pending::<()>()));
    let first = text.lines().next().unwrap();
    assert_eq!(
        first,
        "deadlock (seed 9): every task is waiting and no deadline is to come"
    );
}
