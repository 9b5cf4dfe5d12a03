//! What users of other runtimes have complained of, about timers, paused clocks and chance: each as a test
//! that shows that it is not so here, with the complaint above it.
//!
//! Some are answered elsewhere: that a real socket is waited for while the clock jumps, in `outside.rs`; that
//! the order of a hash map differs in each run, and that a failure does not say its seed, in `random.rs`; that a
//! seed alone does not repeat what is not from the seed, in `repeat.rs`; that a failure cannot be written down
//! and followed, in `tests/explore/replay.rs`.
//!
//! And some do not apply. A clock cannot be paused too late, or twice, or on one of several threads: it is
//! chosen before the run, and the run has one. Nor does an order need a build with other flags, or a macro that
//! draws which branch it asks first: a seed is a method of the simulation, and a race asks its branches in the
//! order in which they are written.

use std::cell::Cell;
use std::rc::Rc;
use std::thread;

use bibelot::spawn;
use bibelot::task::{race, yield_now};
use bibelot::testing::{Sim, advance, random, settle};
use bibelot::time::{Duration, Instant, interval, sleep, sleep_until, timeout};

use crate::support::{Trace, same_every_time};
use crate::{Flag, SECOND, ms, s};

// Timers are rounded up to milliseconds.

/// "A sleep until now ends a millisecond later, also when the clock is paused."
#[test]
fn sleep_until_now_adds_no_millisecond() {
    same_every_time(sleep_until_now_adds_no_millisecond);
    Sim::new().run(async {
        let now = Instant::now();
        sleep_until(now).await;
        assert_eq!(now.elapsed(), Duration::ZERO);
    });
}

/// "A sleep until a moment on a millisecond ends at the next one: a paused test has to expect one too many."
#[test]
fn sleep_until_a_whole_second_ends_at_that_second_and_not_a_millisecond_later() {
    same_every_time(sleep_until_a_whole_second_ends_at_that_second_and_not_a_millisecond_later);
    Sim::new().run(async {
        let at = Instant::now() + SECOND;
        sleep_until(at).await;
        assert_eq!(Instant::now(), at);
    });
}

/// "What is shorter than a millisecond cannot be waited for; one needs another timer for that, or to spin."
#[test]
fn timers_can_be_finer_than_a_millisecond_without_another_timer() {
    same_every_time(timers_can_be_finer_than_a_millisecond_without_another_timer);
    Sim::new().run(async {
        let start = Instant::now();
        let mut every = interval(Duration::from_micros(17));
        for tick in 0..1000_u32 {
            every.tick().await;
            assert_eq!(start.elapsed(), tick * Duration::from_micros(17));
        }
    });
}

/// "A wait is rounded up each time, so that many short ones take much longer than they should together."
#[test]
fn a_thousand_sleeps_of_a_millisecond_add_up_to_no_more_than_a_second() {
    same_every_time(a_thousand_sleeps_of_a_millisecond_add_up_to_no_more_than_a_second);
    Sim::new().run(async {
        let start = Instant::now();
        for _ in 0..1000 {
            sleep(ms(1)).await;
        }
        assert_eq!(start.elapsed(), SECOND);
    });
}

/// "Timers that are due close together wake the processor for each one; on a battery that counts."
#[test]
fn timers_that_are_due_close_together_can_be_made_to_cost_one_wake_of_the_thread() {
    let executor = bibelot::Executor::builder()
        .timer_slack(ms(20))
        .build()
        .unwrap();
    executor.run(async {
        let start = Instant::now();
        let naps: Vec<_> = (0..10)
            .map(|nth| spawn(sleep_until(start + ms(nth))))
            .collect();
        for nap in naps {
            nap.await.unwrap();
        }
        assert!(start.elapsed() >= ms(9));
    });
    let sleeps = executor.stats().sleeps;
    assert!(sleeps <= 3, "{sleeps}");
}

// A paused clock moves while something else is waited for.

/// "A paused clock jumps while a job is in a thread, and the timeout around it runs out at once."
#[test]
#[cfg(feature = "worker")]
fn a_timeout_around_a_job_in_a_thread_does_not_run_out_at_once() {
    use bibelot::task::join;
    use bibelot::worker::run_in_thread;
    let (open, gate) = std::sync::mpsc::channel();
    Sim::new().run(async {
        let job = run_in_thread(move || gate.recv().unwrap());
        let opens = async {
            yield_now().await;
            open.send(42).unwrap();
        };
        let (done, ()) = join(timeout(s(100), job), opens).await;
        assert_eq!(done.unwrap(), 42);
    });
}

/// "Since a paused clock waits for jobs in threads, one that nobody waits for any more stops it for ever."
#[test]
#[cfg(feature = "worker")]
fn a_job_that_nobody_waits_for_does_not_keep_time_from_going_on() {
    use bibelot::worker::run_in_thread;
    let (open, gate) = std::sync::mpsc::channel::<()>();
    Sim::new().run(async {
        let job = spawn(run_in_thread(move || gate.recv().is_ok()));
        yield_now().await;
        job.cancel();
        assert!(job.await.unwrap_err().is_cancelled());
        let start = Instant::now();
        sleep(s(3600)).await;
        assert_eq!(start.elapsed(), s(3600));
    });
    drop(open);
}

/// "While one task prepares with input and output, the paused clock runs ahead, and intervals tick."
#[test]
fn an_interval_does_not_tick_while_another_task_prepares_with_input_and_output() {
    let ticks = Trace::new();
    let said = ticks.clone();
    Sim::new().manual().run(async move {
        let ticker = spawn(async move {
            let mut every = interval(SECOND);
            loop {
                every.tick().await;
                said.say("tick");
            }
        });
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let ours = bibelot::io::AsyncFd::new(ours).unwrap();
        // The thread may be faster than the read.
        yield_now().await;
        let prepares =
            thread::spawn(move || std::io::Write::write_all(&mut &theirs, b"x").unwrap());
        let read = ours.read_with(|mut stream| std::io::Read::read(&mut stream, &mut [0]));
        assert_eq!(read.await.unwrap(), 1);
        prepares.join().unwrap();
        settle().await;
        assert_eq!(ticks.take(), ["tick"], "the one at once");
        advance(s(3)).await;
        assert_eq!(ticks.take(), ["tick"; 3]);
        ticker.cancel();
    });
}

/// "A paused clock moves before all bytes are through a pipe in memory, though nothing is waited for but those."
#[test]
fn bytes_that_go_through_memory_are_all_moved_before_any_time_passes() {
    same_every_time(bytes_that_go_through_memory_are_all_moved_before_any_time_passes);
    Sim::new().run(async {
        let (a, b) = bibelot::io::duplex(1024);
        let writer = spawn(async move { a.write_all(&[1; 64 * 1024]).await.unwrap() });
        let reader = spawn(async move {
            let mut data = Vec::new();
            b.read_to_end(&mut data).await.unwrap()
        });
        sleep(Duration::from_nanos(1)).await;
        assert!(writer.is_finished() && reader.is_finished());
        assert_eq!(reader.await.unwrap(), 64 * 1024);
    });
}

/// "Time goes on by itself when all wait, and there is no way to keep it from that."
#[test]
fn a_clock_that_is_not_to_move_by_itself_does_not() {
    same_every_time(a_clock_that_is_not_to_move_by_itself_does_not);
    Sim::new().manual().run(async {
        let start = Instant::now();
        assert!(
            timeout(Duration::from_nanos(1), async {
                for _ in 0..1000 {
                    yield_now().await;
                }
            })
            .await
            .is_ok()
        );
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

/// "If time does not go on by itself, a test that only sleeps hangs, and does not say why."
#[test]
fn a_paused_clock_with_nothing_but_sleeps_does_not_hang_the_test() {
    same_every_time(a_paused_clock_with_nothing_but_sleeps_does_not_hang_the_test);
    let text = crate::support::panic_of(|| Sim::new().manual().run(async { sleep(SECOND).await }));
    assert!(text.contains("call testing::advance"), "{text}");
}

// `advance` does not do what was expected of it.

/// "An advance does nothing for a task that was just spawned: its sleep begins after it."
#[test]
fn an_advance_wakes_a_task_that_was_just_spawned_and_had_not_slept_yet() {
    same_every_time(an_advance_wakes_a_task_that_was_just_spawned_and_had_not_slept_yet);
    Sim::new().manual().run(async {
        let flag = Flag::default();
        let done = flag.clone();
        drop(spawn(async move {
            sleep(ms(300)).await;
            done.set();
        }));
        // The task has not been polled: it starts its sleep in here, before any time has passed.
        advance(ms(500)).await;
        assert!(flag.is_set());
    });
}

/// "After an advance one has to yield, who knows how often, until the tasks that were woken have done something."
#[test]
fn no_yields_are_needed_after_an_advance() {
    same_every_time(no_yields_are_needed_after_an_advance);
    Sim::new().manual().run(async {
        let flag = Flag::default();
        let done = flag.clone();
        let worker = spawn(async move {
            for _ in 0..3 {
                sleep(ms(100)).await;
                yield_now().await;
            }
            done.set();
        });
        settle().await;
        advance(ms(300)).await;
        assert!(flag.is_set() && worker.is_finished());
    });
}

/// "An advance goes further than it was told, or past a deadline that a task sets on the way."
#[test]
fn an_advance_skips_no_deadline_and_never_goes_too_far() {
    same_every_time(an_advance_skips_no_deadline_and_never_goes_too_far);
    Sim::new().manual().run(async {
        for nanos in [1, 999, 1000, 1_000_001, 3_141_592_653, 3_123_456] {
            let (before, nap) = (Instant::now(), Duration::from_nanos(nanos));
            let sleeper = spawn(async move {
                sleep(nap / 2).await;
                let half = before.elapsed();
                sleep(nap - nap / 2).await;
                (half, before.elapsed())
            });
            advance(nap).await;
            assert_eq!(before.elapsed(), nap);
            assert_eq!(sleeper.await.unwrap(), (nap / 2, nap));
        }
    });
}

/// "An advance by a long time fires all timers at its end at once, and in any order."
#[test]
fn what_falls_due_on_the_way_does_so_at_its_moment_and_in_order() {
    same_every_time(what_falls_due_on_the_way_does_so_at_its_moment_and_in_order);
    let trace = Trace::new();
    Sim::new().manual().run(async {
        let start = Instant::now();
        for nap in [3, 1, 2] {
            let said = trace.clone();
            drop(spawn(async move {
                for _ in 0..2 {
                    sleep(s(nap)).await;
                    said.say(format!("{nap} at {:?}", start.elapsed()));
                }
            }));
        }
        advance(s(10)).await;
        trace.say(format!("back at {:?}", start.elapsed()));
    });
    let expected = [
        "1 at 1s",
        "2 at 2s",
        "1 at 2s",
        "3 at 3s",
        "2 at 4s",
        "3 at 6s",
        "back at 10s",
    ];
    assert_eq!(trace.take(), expected);
}

// Runs differ from each other.

/// "Times under a paused clock differ from run to run by a millisecond or so."
#[test]
fn paused_time_is_the_same_in_every_run() {
    same_every_time(paused_time_is_the_same_in_every_run);
    let run = || {
        let trace = Trace::new();
        Sim::new().run(async {
            let start = Instant::now();
            for _ in 0..5 {
                sleep(SECOND / 11).await;
                trace.say(format!("{:?}", start.elapsed()));
            }
        });
        trace.take()
    };
    let first = run();
    assert_eq!(first[0], "90.90909ms");
    for _ in 0..10 {
        assert_eq!(run(), first);
    }
}

/// "There is no one seed for all that a run leaves to chance, or it strictly shrinks that and is no guarantee."
#[test]
fn one_seed_says_all_that_chance_says_ready_tasks_races_equal_deadlines_and_numbers() {
    same_every_time(
        one_seed_says_all_that_chance_says_ready_tasks_races_equal_deadlines_and_numbers,
    );
    let run = |seed| {
        let trace = Trace::new();
        Sim::new().seed(seed).run(async {
            let deadline = Instant::now() + SECOND;
            for nth in 0..10 {
                let said = trace.clone();
                drop(spawn(async move {
                    said.say(format!("{nth} is polled"));
                    sleep_until(deadline).await;
                    said.say(format!("{nth} was due with the others"));
                    let nap = ms(random(0..3));
                    let naps = (spawn(sleep(nap)), spawn(sleep(ms(1))));
                    let mut won = "first";
                    race(async { drop(naps.0.await) }, async {
                        drop(naps.1.await);
                        won = "second";
                    })
                    .await;
                    said.say(format!("{nth}: the {won} after {nap:?}"));
                }));
            }
        });
        trace.take()
    };
    for seed in 0..5 {
        assert_eq!(run(seed), run(seed));
        assert_ne!(run(seed), run(seed + 1));
    }
}

/// "A test fails once in a while, and nobody can make it fail again."
#[test]
fn a_test_that_fails_now_and_then_fails_for_some_seed_and_for_that_one_always() {
    same_every_time(a_test_that_fails_now_and_then_fails_for_some_seed_and_for_that_one_always);
    // Two tasks, of which the first is hoped to come first.
    let counted = |seed| {
        Sim::new().seed(seed).run(async {
            let counter = Rc::new(Cell::new(0));
            for nth in 0..2 {
                let counter = Rc::clone(&counter);
                drop(spawn(async move {
                    if counter.get() == nth {
                        counter.set(counter.get() + 1);
                    }
                }));
            }
            settle().await;
            counter.get()
        })
    };
    let failing: Vec<u64> = (0..100).filter(|seed| counted(*seed) != 2).collect();
    assert!((30..70).contains(&failing.len()), "{failing:?}");
    for seed in failing {
        assert_eq!(counted(seed), 1);
    }
}
