//! `advance`: what is due runs, in order, each at its own moment, and then the clock stands where it was
//! sent to.

use bibelot::spawn;
use bibelot::task::{consume, join, yield_now};
use bibelot::testing::{Sim, advance, settle};
use bibelot::time::{Duration, Instant, interval, sleep, timeout};

use crate::support::{Trace, panic_of, poll_once, same_every_time};
use crate::{Flag, SECOND, ms, s, says_after};

/// A simulation with either clock.
fn both() -> [Sim; 2] {
    [Sim::new(), Sim::new().manual()]
}

#[test]
fn what_falls_due_runs_in_the_order_of_the_deadlines_each_at_its_own_moment() {
    for sim in both() {
        let trace = Trace::new();
        sim.run(async {
            let start = Instant::now();
            let naps = [(s(3), "c"), (s(1), "a"), (s(7), "late"), (s(2), "b")];
            for (nap, line) in naps {
                drop(says_after(&trace, start, nap, line));
            }
            advance(s(5)).await;
            assert_eq!(start.elapsed(), s(5));
            assert_eq!(trace.take(), ["1s a", "2s b", "3s c"]);
            advance(s(2)).await;
            assert_eq!(start.elapsed(), s(7));
            assert_eq!(trace.take(), ["7s late"], "due at its very end");
        });
    }
}

#[test]
fn what_falls_due_because_something_fell_due_runs_at_its_own_moment_as_well() {
    for sim in both() {
        let trace = Trace::new();
        let said = trace.clone();
        sim.run(async {
            let start = Instant::now();
            let other = trace.clone();
            drop(spawn(async move {
                sleep(SECOND).await;
                for _ in 0..3 {
                    yield_now().await;
                }
                drop(says_after(&said, start, ms(500), "spawned at 1s"));
                sleep(SECOND).await;
                said.say(format!("{:?} again", start.elapsed()));
            }));
            drop(says_after(&other, start, ms(1750), "between"));
            advance(s(2)).await;
            let expected = ["1.5s spawned at 1s", "1.75s between", "2s again"];
            assert_eq!(trace.take(), expected);
        });
    }
}

#[test]
fn an_interval_ticks_each_time_and_skips_none() {
    for sim in both() {
        sim.run(async {
            let trace = Trace::new();
            let (start, said) = (Instant::now(), trace.clone());
            let ticker = spawn(async move {
                let mut every = interval(SECOND);
                loop {
                    let tick = every.tick().await;
                    said.say(format!("{:?} {:?}", tick - start, start.elapsed()));
                }
            });
            advance(ms(3500)).await;
            assert_eq!(trace.take(), ["0ns 0ns", "1s 1s", "2s 2s", "3s 3s"]);
            ticker.cancel();
        });
    }
}

#[test]
fn all_has_come_to_rest_when_it_returns() {
    for sim in both() {
        sim.run(async {
            let flag = Flag::default();
            let done = flag.clone();
            drop(spawn(async move {
                sleep(SECOND).await;
                // A chain of tasks, each of which waits for the next.
                for _ in 0..100 {
                    spawn(yield_now()).await.unwrap();
                }
                done.set();
            }));
            advance(SECOND).await;
            assert!(flag.is_set());
        });
    }
}

#[test]
fn an_advance_of_zero_settles() {
    for sim in both() {
        sim.run(async {
            let start = Instant::now();
            let task = spawn(async {
                for _ in 0..50 {
                    yield_now().await;
                }
            });
            let sleeper = spawn(sleep(Duration::from_nanos(1)));
            advance(Duration::ZERO).await;
            assert!(task.is_finished() && !sleeper.is_finished());
            assert_eq!(start.elapsed(), Duration::ZERO);
            advance(Duration::from_nanos(1)).await;
            assert!(sleeper.is_finished());
        });
    }
}

#[test]
fn two_who_advance_at_once_are_like_two_who_sleep() {
    for sim in both() {
        sim.run(async {
            let start = Instant::now();
            let when = async |d| {
                advance(d).await;
                start.elapsed()
            };
            assert_eq!(join(when(s(2)), when(s(5))).await, (s(2), s(5)));
            assert_eq!(join(when(s(1)), when(s(1))).await, (s(6), s(6)));
            // One begins while the other is on its way.
            let later = async {
                sleep(s(3)).await;
                when(s(4)).await
            };
            assert_eq!(join(when(s(5)), later).await, (s(11), s(13)));
            assert_eq!(start.elapsed(), s(13));
        });
    }
}

#[test]
fn who_settles_while_another_advances_goes_on_at_the_next_step() {
    for sim in both() {
        sim.run(async {
            let (start, trace) = (Instant::now(), Trace::new());
            let said = trace.clone();
            drop(spawn(async move {
                for _ in 0..3 {
                    sleep(SECOND).await;
                    settle().await;
                    said.say(format!("{:?}", start.elapsed()));
                }
            }));
            advance(s(3)).await;
            assert_eq!(trace.take(), ["1s", "2s", "3s"]);
        });
    }
}

#[test]
fn a_task_that_advances_time_by_itself_moves_it_for_all() {
    same_every_time(a_task_that_advances_time_by_itself_moves_it_for_all);
    Sim::new().manual().run(async {
        let start = Instant::now();
        let driver = spawn(async {
            for _ in 0..10 {
                advance(SECOND).await;
            }
        });
        sleep(ms(4500)).await;
        assert_eq!(start.elapsed(), ms(4500));
        driver.await.unwrap();
        assert_eq!(start.elapsed(), s(10));
    });
}

#[test]
fn a_timeout_around_an_advance_leaves_the_clock_where_it_is() {
    for sim in both() {
        sim.run(async {
            let start = Instant::now();
            assert!(timeout(s(2), advance(s(5))).await.is_err());
            assert_eq!(start.elapsed(), s(2));
            // It was taken back: the clock goes no further than it is asked to.
            advance(SECOND).await;
            assert_eq!(start.elapsed(), s(3));
        });
    }
}

#[test]
fn an_advance_counts_from_its_first_poll_and_a_dropped_one_moves_nothing() {
    same_every_time(an_advance_counts_from_its_first_poll_and_a_dropped_one_moves_nothing);
    Sim::new().manual().run(async {
        let start = Instant::now();
        let unused = advance(s(100));
        let later = advance(s(2));
        advance(SECOND).await;
        later.await;
        assert_eq!(start.elapsed(), s(3));
        drop(unused);
        let mut polled = advance(s(100));
        assert!(poll_once(&mut polled).is_pending());
        drop(polled);
        advance(SECOND).await;
        assert_eq!(start.elapsed(), s(4));
    });
}

#[test]
fn work_on_the_way_moves_the_clock_too() {
    for sim in both() {
        sim.run(async {
            let start = Instant::now();
            drop(spawn(async {
                sleep(SECOND).await;
                consume(ms(500));
                sleep(SECOND).await;
                consume(s(10));
            }));
            advance(s(2)).await;
            assert_eq!(start.elapsed(), s(2));
            advance(SECOND).await;
            assert_eq!(start.elapsed(), ms(12_500), "beyond its end");
        });
    }
}

#[test]
fn time_cannot_be_advanced_beyond_its_end() {
    same_every_time(time_cannot_be_advanced_beyond_its_end);
    let text = panic_of(|| Sim::new().run(advance(Duration::MAX)));
    assert!(
        text.starts_with("time cannot be advanced by ")
            && text.ends_with(": the clock ends before"),
        "{text}"
    );
    Sim::new().run(async {
        let start = Instant::now();
        advance(s(100 * 365 * 24 * 3600)).await;
        assert_eq!(start.elapsed(), s(100 * 365 * 24 * 3600));
    });
}

#[test]
fn a_thousand_tasks_with_a_thousand_deadlines_run_in_order_in_any_schedule() {
    same_every_time(a_thousand_tasks_with_a_thousand_deadlines_run_in_order_in_any_schedule);
    for seed in 0..5 {
        let trace = Trace::new();
        Sim::new().manual().seed(seed).run(async {
            let start = Instant::now();
            for nth in 0..1000_u64 {
                let said = trace.clone();
                drop(spawn(async move {
                    let nap = Duration::from_nanos(nth * 7919 % 1000);
                    sleep(nap).await;
                    assert_eq!(start.elapsed(), nap);
                    said.say(format!("{:03}", nap.as_nanos()));
                }));
            }
            advance(SECOND).await;
            let expected: Vec<String> = (0..1000).map(|nanos| format!("{nanos:03}")).collect();
            assert_eq!(trace.take(), expected);
        });
    }
}
