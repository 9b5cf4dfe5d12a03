//! The two clocks: one jumps when nobody is ready, the other moves when it is told to.
//!
//! The `rate` of trio's `MockClock`, so many virtual seconds in each real one, is not there: what happens would
//! hang on how fast the machine is, and no seed would repeat it.

use std::future::pending;

use bibelot::task::{consume, yield_now};
use bibelot::testing::{Sim, advance};
use bibelot::time::{Duration, Instant, interval, sleep, sleep_until, timeout};
use bibelot::{Executor, spawn};

use crate::support::{Trace, panic_of, reporting_to, same_every_time, without_places};
use crate::{Flag, SECOND, ms, s, says_after};

#[test]
fn an_automatic_clock_jumps_from_deadline_to_deadline_and_nowhere_else() {
    same_every_time(an_automatic_clock_jumps_from_deadline_to_deadline_and_nowhere_else);
    let trace = Trace::new();
    Sim::new().run(async {
        let start = Instant::now();
        for (nap, line) in [(s(9), "third"), (s(1), "first"), (ms(1500), "second")] {
            drop(says_after(&trace, start, nap, line));
        }
        for _ in 0..100 {
            yield_now().await;
            assert_eq!(start.elapsed(), Duration::ZERO, "somebody is ready");
        }
    });
    assert_eq!(trace.take(), ["1s first", "1.5s second", "9s third"]);
}

#[test]
fn timeouts_around_sleeps_take_no_real_time_and_the_nearer_one_wins() {
    same_every_time(timeouts_around_sleeps_take_no_real_time_and_the_nearer_one_wins);
    Sim::new().run(async {
        let start = Instant::now();
        for hours in 1..10 {
            let (near, far) = (s(3600 * hours), s(3600 * hours + 1));
            assert!(timeout(near, sleep(far)).await.is_err());
            assert!(timeout(far, sleep(near)).await.is_ok());
        }
        assert_eq!(start.elapsed(), s(2 * 3600 * 45));
    });
}

#[test]
fn a_manual_clock_stands_still_while_tasks_run() {
    same_every_time(a_manual_clock_stands_still_while_tasks_run);
    Sim::new().manual().run(async {
        let start = Instant::now();
        let flag = Flag::default();
        let sleeper = spawn({
            let flag = flag.clone();
            async move {
                sleep(SECOND).await;
                flag.set();
            }
        });
        for _ in 0..1000 {
            yield_now().await;
        }
        assert!(!flag.is_set() && start.elapsed().is_zero());
        advance(ms(999)).await;
        assert!(!flag.is_set());
        assert_eq!(start.elapsed(), ms(999));
        advance(ms(1)).await;
        assert!(flag.is_set() && sleeper.is_finished());
        assert_eq!(start.elapsed(), SECOND);
    });
}

#[test]
fn a_deadline_that_has_passed_needs_nobody_to_move_a_manual_clock() {
    same_every_time(a_deadline_that_has_passed_needs_nobody_to_move_a_manual_clock);
    Sim::new().manual().run(async {
        let start = Instant::now();
        sleep(Duration::ZERO).await;
        sleep_until(start).await;
        let mut every = interval(s(5));
        assert_eq!(every.tick().await, start);
        // Work moves the clock, and what is due by then is due.
        let sleeper = spawn(sleep(s(3)));
        yield_now().await;
        consume(s(4));
        sleeper.await.unwrap();
        assert_eq!(start.elapsed(), s(4));
    });
}

#[test]
fn who_waits_for_a_manual_clock_that_nobody_moves_is_told_until_when_and_where() {
    same_every_time(who_waits_for_a_manual_clock_that_nobody_moves_is_told_until_when_and_where);
    let base = line!();
    let text = panic_of(|| {
        Sim::new().manual().run(async {
            let nap = spawn(async {
                consume(ms(500));
                timeout(s(7), sleep(s(3))).await // base + 5
            });
            drop(spawn(pending::<()>()));
            nap.await.unwrap().unwrap(); // base + 8
        })
    });
    let at = |line, column| format!("{}:{}:{column}", file!(), base + line);
    let expected = [
        String::from(
            "the clock stands still: every task is waiting, and the clock is manual: call \
             testing::advance",
        ),
        format!(
            "  task \"main\" (spawned at {}) waits for a task to end at {}",
            at(2, 29),
            at(8, 17)
        ),
        format!(
            "    task 2 (spawned at {}) waits for a deadline at {}, due in 3s",
            at(3, 23),
            at(5, 17)
        ),
        format!(
            "    task 3 (spawned at {}) waits for nothing that could wake it",
            at(7, 18)
        ),
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn tasks_that_outlive_main_and_sleep_are_told_as_well() {
    same_every_time(tasks_that_outlive_main_and_sleep_are_told_as_well);
    let text = panic_of(|| {
        Sim::new().manual().run(async {
            drop(spawn(sleep(SECOND)));
        })
    });
    let lines: Vec<_> = text.lines().skip(1).map(without_places).collect();
    assert_eq!(
        lines,
        [
            "  task 2 (spawned at here by task 1, which has ended) waits for a deadline at here due in 1s"
        ]
    );
}

#[test]
fn a_deadlock_under_a_manual_clock_is_one_that_no_advance_would_end() {
    same_every_time(a_deadlock_under_a_manual_clock_is_one_that_no_advance_would_end);
    let text = panic_of(|| Sim::new().manual().run(pending::<()>()));
    assert!(text.starts_with("deadlock: "), "{text}");
    let text = panic_of(|| Sim::new().manual().run(sleep(Duration::MAX)));
    assert!(text.starts_with("deadlock: "), "{text}");
}

#[test]
fn a_simulation_that_stands_still_gives_up_what_its_tasks_owe_and_ends() {
    same_every_time(a_simulation_that_stands_still_gives_up_what_its_tasks_owe_and_ends);
    use bibelot::task::finally;
    let trace = Trace::new();
    let said = trace.clone();
    let text = panic_of(|| {
        let sim = Sim::from_builder(reporting_to(&trace)).manual();
        sim.run(async move {
            drop(spawn(finally(pending::<()>(), async move {
                said.say("cleans up");
                sleep(SECOND).await;
                said.say("never");
            })));
            sleep(SECOND).await;
        })
    });
    assert!(text.starts_with("the clock stands still: "), "{text}");
    let lines = trace.take();
    assert_eq!(lines[0], "cleans up");
    assert!(lines[1].ends_with("nothing could wake it"), "{lines:?}");
    assert_eq!(lines.len(), 2);
}

#[test]
fn both_clocks_start_at_the_same_moment_every_time() {
    same_every_time(both_clocks_start_at_the_same_moment_every_time);
    let now = || async { Instant::now() };
    let first = Sim::new().run(now());
    assert_eq!(Sim::new().run(now()), first);
    assert_eq!(Sim::new().manual().run(now()), first);
}

#[test]
fn a_deadline_that_was_counted_outside_is_told_and_not_taken_for_one_of_the_simulation() {
    let expected = |line: u32, column: u32| {
        format!(
            "the deadline at {}:{line}:{column} was counted on the real clock, which is not that of the \
             simulation it is awaited in; call this inside of testing::Sim::run()",
            file!()
        )
    };
    for sim in [Sim::new, || Sim::new().manual()] {
        let text = panic_of(|| sim().run(sleep(SECOND)));
        assert_eq!(text, expected(line!() - 1, 42));
        let text = panic_of(|| sim().run(timeout(SECOND, pending::<()>())));
        assert_eq!(text, expected(line!() - 1, 42));
        let outside = Instant::now();
        let text = panic_of(|| sim().run(async { sleep_until(outside).await }));
        assert_eq!(text, expected(line!() - 1, 50));
        // What never comes never comes on any clock.
        let ended = timeout(Duration::MAX, async { 1 });
        assert_eq!(sim().run(ended), Ok(1));
        // And what is long over in here is over.
        sim().run(async {
            let early = sleep(SECOND);
            consume(s(100 * 365 * 24 * 3600));
            early.await;
        });
    }
    // On the real clock it counts from the call, wherever that was.
    let start = Instant::now();
    bibelot::run(sleep(ms(1)));
    assert!(start.elapsed() >= ms(1));
}

#[test]
fn the_clock_of_a_real_executor_cannot_be_advanced() {
    let base = line!();
    let text = panic_of(|| bibelot::run(async { advance(SECOND).await }));
    assert_eq!(
        text,
        format!(
            "time cannot be advanced at {}:{}:49: this executor's clock is the real one, which goes by \
             itself; run this in a testing::Sim",
            file!(),
            base + 1
        )
    );
    let executor = Executor::new().unwrap();
    assert_eq!(executor.run(async { 1 }), 1);
}
