//! Same seed, same log, to the byte: what a log says, and a test that is run twice and compared.

use std::cell::Cell;
use std::collections::HashMap;
use std::env;
use std::process::Command;

use bibelot::sched::Lifo;
use bibelot::task::{Builder, scope, yield_now};
use bibelot::testing::{Log, Sim, advance, random, settle, twice};
use bibelot::time::{Duration, sleep};
use bibelot::{Executor, spawn};

use crate::SECOND;
use crate::support::{panic_of, same_every_time, without_places};

/// Tasks, children, sleeps, a cancel and a panic, by chance.
async fn mixture() {
    for nth in 0..20_u64 {
        let task = spawn(async move {
            for _ in 0..nth % 5 {
                yield_now().await;
            }
            sleep(Duration::from_millis(random(0..50))).await;
            scope(async |s| {
                for _ in 0..random(1..4) {
                    s.spawn(sleep(Duration::from_micros(random(0..50))));
                }
            })
            .await;
        });
        if random(0..4) == 0 {
            task.cancel();
        }
    }
    settle().await;
    advance(SECOND).await;
}

#[test]
fn the_same_seed_gives_the_same_log_and_another_one_another() {
    same_every_time(the_same_seed_gives_the_same_log_and_another_one_another);
    let logged = |seed| {
        let log = Log::new();
        Sim::new().seed(seed).log(&log).run(mixture());
        log.text()
    };
    for seed in 0..20 {
        let first = logged(seed);
        assert!(first.lines().count() > 300);
        assert_eq!(logged(seed), first);
        assert_ne!(logged(seed + 1), first);
    }
}

#[test]
fn a_log_has_a_line_for_each_event_with_the_time_since_the_start() {
    same_every_time(a_log_has_a_line_for_each_event_with_the_time_since_the_start);
    let log = Log::new();
    Sim::new().log(&log).run(async {
        let naps = Builder::new().name("naps");
        naps.spawn(sleep(SECOND)).await.unwrap();
    });
    let text = log.text();
    let lines: Vec<String> = text.lines().map(without_places).collect();
    let expected = [
        "0ns task 1 \"main\" spawned at here",
        "0ns turn of 1",
        "0ns task 1 polled",
        "0ns task 2 \"naps\" spawned at here by task 1",
        "0ns task 1 waits for a task to end at here",
        "0ns turn of 1",
        "0ns task 2 polled",
        "0ns timer 0 set to Instant(+1s) by task 2",
        "0ns task 2 waits for a deadline at here",
        "0ns asleep until Instant(+1s)",
        "1s awake",
        "1s timer 0 fired",
        "1s task 2 woken by the world outside",
        "1s turn of 1",
        "1s task 2 polled",
        "1s task 2 returned",
        "1s task 1 woken by task 2",
        "1s turn of 1",
        "1s task 1 polled",
        "1s task 1 returned",
    ];
    assert_eq!(lines, expected);
    assert_eq!(log.to_string(), text);
    assert_eq!(format!("{log:?}"), "Log(20 lines)");
}

#[test]
fn a_log_is_there_also_after_a_panic_and_those_of_several_runs_follow_each_other() {
    same_every_time(a_log_is_there_also_after_a_panic_and_those_of_several_runs_follow_each_other);
    let log = Log::new();
    let text = panic_of(|| Sim::new().log(&log).run(async { panic!("on purpose") }));
    assert_eq!(text, "on purpose");
    let first = log.text();
    assert!(first.contains("task 1 polled"), "{first}");
    Sim::new().log(&log).run(yield_now());
    let both = log.text();
    let second = both.strip_prefix(&first).unwrap();
    assert!(
        second.starts_with("0ns task 1 \"main\" spawned at "),
        "{second}"
    );
}

#[test]
fn a_test_that_is_all_from_the_seed_passes_and_gives_its_value() {
    let runs = Cell::new(0);
    let value = twice(|| {
        runs.set(runs.get() + 1);
        Sim::new().seed(3).run(mixture());
        Sim::new().manual().run(mixture());
        let policy = Executor::builder().policy(Lifo::default());
        Sim::from_builder(policy).run(mixture());
        Sim::new().seed(3).run(async { random(0..1_000_000) })
    });
    assert_eq!(runs.get(), 2);
    assert_eq!(
        value,
        Sim::new().seed(3).run(async { random(0..1_000_000) })
    );
}

#[test]
fn a_test_that_is_not_is_told_the_first_line_that_differs_and_some_before_it() {
    let run = Cell::new(0);
    let text = panic_of(|| {
        twice(|| {
            run.set(run.get() + 1);
            Sim::new().run(async {
                for _ in 0..4 {
                    yield_now().await;
                }
                sleep(run.get() * SECOND).await;
            })
        })
    });
    let lines: Vec<String> = text.lines().map(without_places).collect();
    assert_eq!(lines[0], "two runs of the same test differ, in line 20:");
    assert_eq!(lines.len(), 14);
    assert_eq!(lines[4], "    0ns task 1 waits for its turn at here");
    let expected = [
        "    0ns task 1 polled",
        "  - 0ns timer 0 set to Instant(+1s) by task 1",
        "  + 0ns timer 0 set to Instant(+2s) by task 1",
        "something in it is not from the seed: the order of a HashMap, an address, a static, a thread, the \
         real clock",
    ];
    assert_eq!(lines[10..], expected);
}

#[test]
fn which_simulation_differs_is_told_and_one_that_is_not_there_and_one_that_ends_early() {
    let run = Cell::new(0);
    let text = panic_of(|| {
        twice(|| {
            Sim::new().run(async {});
            run.set(run.get() + 1);
            Sim::new().run(async {
                if run.get() == 1 {
                    yield_now().await;
                }
            });
        })
    });
    let first = text.lines().next().unwrap();
    assert_eq!(
        first,
        "two runs of the same test differ, in simulation 2, line 4:"
    );
    let run = Cell::new(0);
    let text = panic_of(|| {
        twice(|| {
            run.set(run.get() + 1);
            for _ in 0..run.get() {
                Sim::new().run(async {});
            }
        })
    });
    let first = text.lines().next().unwrap();
    assert!(
        first.ends_with(" in the first had 1 simulations, the second 2"),
        "{first}"
    );
}

#[test]
fn the_order_of_a_hash_map_is_found() {
    let text = panic_of(|| {
        twice(|| {
            let map: HashMap<u32, ()> = (0..1000).map(|key| (key, ())).collect();
            Sim::new().run(async {
                for key in map.keys() {
                    drop(spawn(sleep(Duration::from_nanos(u64::from(*key)))));
                }
            })
        })
    });
    assert!(
        text.starts_with("two runs of the same test differ, in line "),
        "{text}"
    );
}

#[test]
fn a_test_that_panics_is_run_twice_and_the_first_panic_goes_on() {
    let run = Cell::new(0);
    let text = panic_of(|| {
        twice(|| {
            run.set(run.get() + 1);
            Sim::new().run(async {
                panic!("in run {}", run.get());
            })
        })
    });
    assert_eq!((text.as_str(), run.get()), ("in run 1", 2));
    // And one that panics only the second time.
    let run = Cell::new(0);
    let text = panic_of(|| {
        twice(|| {
            run.set(run.get() + 1);
            Sim::new().run(async { assert!(run.get() == 1, "in run {}", run.get()) })
        })
    });
    assert_eq!(text, "in run 2");
}

/// Set in the process that a test starts.
const PART: &str = "BIBELOT_TEST_REPEAT";

#[test]
fn how_runs_that_panic_differ_is_told_on_standard_error() {
    if env::var(PART).is_ok() {
        let run = Cell::new(0);
        twice(|| {
            run.set(run.get() + 1);
            Sim::new().run(async {
                sleep(run.get() * SECOND).await;
                panic!("on purpose");
            })
        });
    }
    let mut command = Command::new(env::current_exe().unwrap());
    let name = "repeat::how_runs_that_panic_differ_is_told_on_standard_error";
    command
        .args([name, "--exact", "--nocapture"])
        .env(PART, "1");
    let output = command.output().unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("bibelot: two runs of the same test differ, in line "),
        "{told}"
    );
}

#[test]
fn executors_that_are_no_simulations_keep_no_logs() {
    let run = Cell::new(0);
    twice(|| {
        run.set(run.get() + 1);
        bibelot::run(async {
            for _ in 0..run.get() {
                yield_now().await;
            }
        });
    });
}

#[test]
fn one_within_another_compares_its_own_and_the_outer_one_the_rest() {
    let value = twice(|| {
        Sim::new().run(yield_now());
        let inner = twice(|| Sim::new().run(async { 7 }));
        Sim::new().run(yield_now());
        inner
    });
    assert_eq!(value, 7);
}
