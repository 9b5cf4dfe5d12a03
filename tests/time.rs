//! What sleeps, timeouts and intervals promise: never early, exact on a virtual clock, the outer
//! deadline first, and a deadline that does not come.

mod support;

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::future::{pending, poll_fn};
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::thread;

use bibelot::io::AsyncFd;
use bibelot::task::yield_now;
use bibelot::testing::Sim;
use bibelot::time::{
    Duration, Elapsed, Instant, Sleep, effective_deadline, interval, sleep, sleep_until, timeout,
    timeout_at,
};
use bibelot::{Executor, Report, spawn};

use support::{Trace, panic_of, poll_once, same_every_time};

const SECOND: Duration = Duration::from_secs(1);

/// Seconds.
fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Spins on the real clock.
fn spin(duration: Duration) {
    let start = Instant::now();
    while start.elapsed() < duration {
        std::hint::spin_loop();
    }
}

#[test]
fn a_sleep_is_exact_to_the_nanosecond_on_a_virtual_clock() {
    same_every_time(a_sleep_is_exact_to_the_nanosecond_on_a_virtual_clock);
    Sim::new().run(async {
        for nanos in [1, 999, 1_000_001, 123_456_789_012_345] {
            let (start, nap) = (Instant::now(), Duration::from_nanos(nanos));
            sleep(nap).await;
            assert_eq!(start.elapsed(), nap);
        }
    });
}

#[test]
fn a_sleep_is_never_early_on_a_real_clock() {
    bibelot::run(async {
        for micros in [0, 1, 50, 100, 999, 1500] {
            let (start, nap) = (Instant::now(), Duration::from_micros(micros));
            sleep(nap).await;
            assert!(start.elapsed() >= nap);
        }
    });
}

#[test]
fn a_sleep_counts_from_the_call_and_not_from_the_poll() {
    same_every_time(a_sleep_counts_from_the_call_and_not_from_the_poll);
    Sim::new().run(async {
        let start = Instant::now();
        let called_early = sleep(s(3));
        sleep(s(2)).await;
        called_early.await;
        assert_eq!(start.elapsed(), s(3));
    });
    // The clock is read at the call: not when the turn began, however long ago that was.
    bibelot::run(async {
        spin(Duration::from_millis(3));
        let called = Instant::now();
        sleep(Duration::from_millis(1)).await;
        assert!(called.elapsed() >= Duration::from_millis(1));
    });
}

#[test]
fn equal_deadlines_fire_in_the_order_in_which_they_were_set() {
    same_every_time(equal_deadlines_fire_in_the_order_in_which_they_were_set);
    let trace = Trace::new();
    Sim::new().run(async {
        let deadline = Instant::now() + SECOND;
        for nth in 0..20 {
            let said = trace.clone();
            spawn(async move {
                sleep_until(deadline).await;
                said.say(format!("{nth:02}"));
            });
        }
    });
    let expected: Vec<String> = (0..20).map(|nth| format!("{nth:02}")).collect();
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_sleep_of_zero_lets_the_others_have_their_turn() {
    same_every_time(a_sleep_of_zero_lets_the_others_have_their_turn);
    let program = |trace: Trace| async move {
        let said = trace.clone();
        spawn(async move { said.say("other") });
        sleep(Duration::ZERO).await;
        trace.say("slept");
    };
    let trace = Trace::new();
    bibelot::run(program(trace.clone()));
    assert_eq!(trace.take(), ["other", "slept"], "on a real clock");
    Sim::new().run(program(trace.clone()));
    assert_eq!(trace.take(), ["other", "slept"], "on a virtual clock");
}

#[test]
fn a_sleep_of_zero_takes_no_time() {
    same_every_time(a_sleep_of_zero_takes_no_time);
    Sim::new().run(async {
        let start = Instant::now();
        for _ in 0..10 {
            sleep(Duration::ZERO).await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_deadline_in_the_past_has_passed() {
    same_every_time(a_deadline_in_the_past_has_passed);
    Sim::new().run(async {
        let start = Instant::now();
        sleep(SECOND).await;
        sleep_until(start).await;
        assert!(poll_once(&mut sleep_until(start)).is_ready());
        assert_eq!(start.elapsed(), SECOND);
        assert!(timeout_at(start, pending::<()>()).await.is_err());
    });
    bibelot::run(async {
        let start = Instant::now();
        spin(Duration::from_millis(1));
        sleep_until(start).await;
    });
}

#[test]
fn a_sleep_of_the_longest_duration_never_ends() {
    same_every_time(a_sleep_of_the_longest_duration_never_ends);
    let text = panic_of(|| Sim::new().run(sleep(Duration::MAX)));
    assert!(text.starts_with("deadlock"), "{text}");
    Sim::new().run(async {
        let start = Instant::now();
        let endless = timeout(Duration::MAX, sleep(s(100 * 365 * 24 * 3600)));
        assert!(endless.await.is_ok());
        assert_eq!(start.elapsed(), s(100 * 365 * 24 * 3600));
        assert!(timeout(SECOND, sleep(Duration::MAX)).await.is_err());
    });
}

#[test]
fn an_interval_of_the_longest_period_ticks_once() {
    same_every_time(an_interval_of_the_longest_period_ticks_once);
    Sim::new().run(async {
        let start = Instant::now();
        let mut every = interval(Duration::MAX);
        assert_eq!(every.tick().await, start);
        assert!(timeout(SECOND, every.tick()).await.is_err());
        assert_eq!((every.period(), start.elapsed()), (Duration::MAX, SECOND));
    });
}

#[test]
fn a_sleep_that_is_reset_to_never_does_not_end() {
    same_every_time(a_sleep_that_is_reset_to_never_does_not_end);
    Sim::new().run(async {
        let start = Instant::now();
        let never = sleep(Duration::MAX).deadline();
        let mut nap = sleep(SECOND);
        assert!(poll_once(&mut nap).is_pending());
        nap.reset(never);
        assert!(timeout(s(5), &mut nap).await.is_err());
        assert_eq!(start.elapsed(), s(5));
    });
    let text = panic_of(|| {
        Sim::new().run(async {
            let nap = Rc::new(RefCell::new(sleep(SECOND)));
            let slept = Rc::clone(&nap);
            spawn(poll_fn(move |cx| {
                Pin::new(&mut *slept.borrow_mut()).poll(cx)
            }));
            yield_now().await;
            nap.borrow_mut().reset(sleep(Duration::MAX).deadline());
        })
    });
    assert!(text.starts_with("deadlock"), "{text}");
}

#[test]
fn a_sleep_that_is_reset_ends_at_the_new_deadline_also_for_who_waits_already() {
    same_every_time(a_sleep_that_is_reset_ends_at_the_new_deadline_also_for_who_waits_already);
    for (first, second) in [(s(1), s(5)), (s(5), s(1)), (Duration::MAX, s(1))] {
        Sim::new().run(async {
            let start = Instant::now();
            let nap = Rc::new(RefCell::new(sleep(first)));
            let slept = Rc::clone(&nap);
            let waiter = spawn(async move {
                poll_fn(|cx| Pin::new(&mut *slept.borrow_mut()).poll(cx)).await;
                start.elapsed()
            });
            yield_now().await;
            nap.borrow_mut().reset(start + second);
            assert_eq!(
                waiter.await.unwrap(),
                second,
                "{first:?} reset to {second:?}"
            );
        });
    }
}

#[test]
fn a_sleep_that_has_ended_can_be_reset_and_awaited_again() {
    same_every_time(a_sleep_that_has_ended_can_be_reset_and_awaited_again);
    Sim::new().run(async {
        let start = Instant::now();
        let mut nap = sleep(SECOND);
        (&mut nap).await;
        assert!(nap.is_elapsed());
        nap.reset(start + s(3));
        assert!(!nap.is_elapsed());
        (&mut nap).await;
        assert_eq!(start.elapsed(), s(3));
        assert_eq!(nap.deadline(), start + s(3));
    });
}

#[test]
fn a_sleep_polled_under_one_executor_may_be_awaited_under_another() {
    let (a, b) = (Executor::new().unwrap(), Executor::new().unwrap());
    let deadline = Instant::now() + Duration::from_millis(2);
    let mut nap = sleep_until(deadline);
    a.run(async { assert!(poll_once(&mut nap).is_pending()) });
    assert_eq!((a.stats().timers, b.stats().timers), (1, 0));
    b.run(async {
        assert!(poll_once(&mut nap).is_pending());
        assert_eq!((a.stats().timers, b.stats().timers), (0, 1));
        nap.await;
        assert!(Instant::now() >= deadline);
    });
    assert_eq!((a.stats().timers, b.stats().timers), (0, 0));
}

#[test]
fn a_sleep_outlives_its_executor() {
    let executor = Executor::new().unwrap();
    let mut nap = sleep(Duration::from_millis(1));
    executor.run(async { assert!(poll_once(&mut nap).is_pending()) });
    drop(executor);
    bibelot::run(nap);
}

#[test]
fn a_hundred_thousand_timers_set_and_taken_back_in_any_order() {
    same_every_time(a_hundred_thousand_timers_set_and_taken_back_in_any_order);
    const TIMERS: u64 = 100_000;
    let executor = Executor::new().unwrap();
    let trace = Rc::new(RefCell::new(Vec::new()));
    // A step that has no common factor with the number visits all, in no order that a heap likes.
    let shuffled = (0..TIMERS).map(|nth| nth * 61_803 % TIMERS);
    executor.run(async {
        let start = Instant::now();
        let mut naps: Vec<Sleep> = shuffled
            .clone()
            .map(|nth| sleep_until(start + s(3600 + nth)))
            .collect();
        for nap in &mut naps {
            assert!(poll_once(nap).is_pending());
        }
        assert_eq!(executor.stats().timers, TIMERS as usize);
        for nth in shuffled {
            let nap = &mut naps[nth as usize];
            if nth % 2 == 0 {
                *nap = sleep(Duration::ZERO);
            }
        }
        assert_eq!(executor.stats().timers, TIMERS as usize / 2);
        drop(naps);
        assert_eq!(executor.stats().timers, 0);
    });
    // And on a virtual clock those that are left fire in order.
    const LEFT: u64 = 5_000;
    Sim::new().run(async {
        let start = Instant::now();
        for nth in (0..LEFT).map(|nth| nth * 61_803 % LEFT) {
            let trace = Rc::clone(&trace);
            let handle = spawn(async move {
                sleep_until(start + s(nth)).await;
                assert_eq!(start.elapsed(), s(nth));
                trace.borrow_mut().push(nth);
            });
            if nth % 3 == 0 {
                handle.cancel();
            }
        }
    });
    let expected: Vec<u64> = (0..LEFT).filter(|nth| nth % 3 != 0).collect();
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_timeout_expires_at_its_deadline_and_drops_what_is_inside() {
    same_every_time(a_timeout_expires_at_its_deadline_and_drops_what_is_inside);
    let trace = Trace::new();
    Sim::new().run(async {
        let start = Instant::now();
        let guard = trace.on_drop("dropped");
        let result = timeout(s(2), async {
            let _guard = guard;
            pending::<()>().await;
        })
        .await;
        trace.say("expired");
        assert!(result.is_err());
        assert_eq!(start.elapsed(), s(2));
    });
    assert_eq!(trace.take(), ["dropped", "expired"]);
}

#[test]
fn what_is_ready_has_succeeded_however_late() {
    same_every_time(what_is_ready_has_succeeded_however_late);
    Sim::new().run(async {
        assert_eq!(timeout(Duration::ZERO, async { 42 }).await, Ok(42));
        // Ready at the very moment of the deadline.
        assert_eq!(timeout(s(2), sleep(s(2))).await, Ok(()));
    });
    // It has never waited, and is long past its deadline when it ends.
    bibelot::run(async {
        let busy = timeout(Duration::from_nanos(1), async {
            spin(Duration::from_millis(1))
        });
        assert_eq!(busy.await, Ok(()));
    });
}

#[test]
fn a_timeout_counts_from_the_call() {
    same_every_time(a_timeout_counts_from_the_call);
    Sim::new().run(async {
        let start = Instant::now();
        let limited = timeout(s(3), pending::<()>());
        sleep(s(2)).await;
        assert!(limited.await.is_err());
        assert_eq!(start.elapsed(), s(3));
    });
}

/// Which timeouts have expired, and when.
async fn nested(outer: Duration, inner: Duration) -> (&'static str, Duration) {
    let start = Instant::now();
    let result = timeout(outer, timeout(inner, pending::<()>())).await;
    let who = match result {
        Err(Elapsed { .. }) => "outer",
        Ok(Err(Elapsed { .. })) => "inner",
        Ok(Ok(())) => "nobody",
    };
    (who, start.elapsed())
}

#[test]
fn an_inner_timeout_expires_alone_but_cannot_extend_the_outer() {
    same_every_time(an_inner_timeout_expires_alone_but_cannot_extend_the_outer);
    Sim::new().run(async {
        assert_eq!(nested(s(5), s(3)).await, ("inner", s(3)));
        assert_eq!(nested(s(3), s(5)).await, ("outer", s(3)));
        assert_eq!(nested(Duration::MAX, s(3)).await, ("inner", s(3)));
        assert_eq!(nested(s(3), Duration::MAX).await, ("outer", s(3)));
    });
}

#[test]
fn of_two_timeouts_that_pass_together_the_outer_wins() {
    same_every_time(of_two_timeouts_that_pass_together_the_outer_wins);
    Sim::new().run(async {
        assert_eq!(nested(s(3), s(3)).await, ("outer", s(3)));
        // Three levels: the outermost of those that have passed.
        let inside = timeout(s(2), timeout(s(2), timeout(s(2), pending::<()>())));
        assert!(inside.await.is_err());
        let inside = timeout(s(9), timeout(s(2), timeout(s(2), pending::<()>())));
        assert!(matches!(inside.await, Ok(Err(_))));
        // Both have passed when they are looked at, although not at the same time.
        let start = Instant::now();
        let late = timeout_at(
            start + s(2),
            timeout_at(start + s(1), sleep_until(start + s(9))),
        );
        let mut late = pin!(late);
        assert!(poll_once(&mut late).is_pending());
        sleep(s(5)).await;
        assert!(matches!(poll_once(&mut late), Poll::Ready(Err(_))));
    });
}

#[test]
fn after_an_inner_timeout_the_outer_one_still_stands() {
    same_every_time(after_an_inner_timeout_the_outer_one_still_stands);
    Sim::new().run(async {
        let start = Instant::now();
        let result = timeout(s(5), async {
            assert!(timeout(s(1), pending::<()>()).await.is_err());
            assert!(timeout(s(9), sleep(s(1))).await.is_ok());
            pending::<()>().await;
        });
        assert!(result.await.is_err());
        assert_eq!(start.elapsed(), s(5));
    });
}

/// A timeout around one task is none around the tasks that it spawns or joins.
#[test]
fn a_timeout_encloses_its_own_task_only() {
    same_every_time(a_timeout_encloses_its_own_task_only);
    Sim::new().run(async {
        let result = timeout(s(1), async {
            let child = spawn(async { timeout(s(1), pending::<()>()).await.is_err() });
            child.await.unwrap()
        });
        // The child was set later at the same moment, expires by itself, and main does at once.
        assert!(result.await.is_err());
        let trace = Trace::new();
        let said = trace.clone();
        let child = spawn(async move {
            let result = timeout(s(1), pending::<()>()).await;
            said.say(format!("child expired: {}", result.is_err()));
        });
        assert!(timeout(s(1), pending::<()>()).await.is_err());
        child.await.unwrap();
        assert_eq!(trace.take(), ["child expired: true"]);
    });
}

#[test]
fn a_panic_inside_a_timeout_leaves_no_deadline_around() {
    same_every_time(a_panic_inside_a_timeout_leaves_no_deadline_around);
    Sim::new().run(async {
        let panicked = spawn(timeout(SECOND, async { panic!("on purpose") }));
        assert!(panicked.await.is_err());
        let start = Instant::now();
        assert!(timeout(s(2), pending::<()>()).await.is_err());
        assert_eq!(start.elapsed(), s(2));
    });
}

#[test]
fn elapsed_says_where_and_becomes_an_io_error() {
    same_every_time(elapsed_says_where_and_becomes_an_io_error);
    Sim::new().run(async {
        let line = line!() + 1;
        let elapsed = timeout(SECOND, pending::<()>()).await.unwrap_err();
        assert_eq!((elapsed.at().file(), elapsed.at().line()), (file!(), line));
        let text = format!("the timeout at {}:{line}:23 elapsed", file!());
        assert_eq!(elapsed.to_string(), text);
        let error = io::Error::from(elapsed);
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let inside = error
            .get_ref()
            .and_then(|inside| inside.downcast_ref::<Elapsed>());
        assert_eq!(inside, Some(&elapsed));
        assert!(elapsed.source().is_none());
        // As `?` does it.
        let asked: io::Result<()> = async { Ok(timeout(SECOND, pending()).await?) }.await;
        assert_eq!(asked.unwrap_err().kind(), io::ErrorKind::TimedOut);
    });
}

#[test]
fn elapsed_tells_what_the_time_was_for() {
    same_every_time(elapsed_tells_what_the_time_was_for);
    Sim::new().run(async {
        let line = line!() + 1;
        let greeting = timeout(s(1), pending::<()>()).because("no greeting");
        assert_eq!(greeting.deadline(), Instant::now() + s(1));
        let elapsed = greeting.await.unwrap_err();
        let place = format!("{}:{line}:24", file!());
        let expected = format!("the timeout at {place} elapsed: no greeting");
        assert_eq!(elapsed.to_string(), expected);
        assert_eq!(format!("{elapsed:?}"), format!("Elapsed({expected})"));
        let read = async || -> io::Result<()> {
            timeout(s(1), pending::<()>())
                .because("no greeting")
                .await?;
            Ok(())
        };
        let error = read().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().ends_with(" elapsed: no greeting"));
        let inner = error.get_ref().unwrap().downcast_ref::<Elapsed>().unwrap();
        assert_eq!(inner.reason(), Some("no greeting"));
    });
}

#[test]
fn the_effective_deadline_is_the_earliest_around() {
    same_every_time(the_effective_deadline_is_the_earliest_around);
    Sim::new().run(async {
        let start = Instant::now();
        assert_eq!(effective_deadline(), None);
        let inside = async || effective_deadline().map(|deadline| deadline - start);
        assert_eq!(timeout(s(5), inside()).await, Ok(Some(s(5))));
        assert_eq!(
            timeout(s(5), timeout(s(9), inside())).await,
            Ok(Ok(Some(s(5))))
        );
        assert_eq!(
            timeout(s(9), timeout(s(5), inside())).await,
            Ok(Ok(Some(s(5))))
        );
        assert_eq!(timeout(Duration::MAX, inside()).await, Ok(None));
        // A task of its own has none.
        let child = async { spawn(async { effective_deadline() }).await.unwrap() };
        assert_eq!(timeout(s(5), child).await, Ok(None));
        assert_eq!(effective_deadline(), None);
    });
}

#[test]
fn an_interval_ticks_at_once_and_then_once_a_period() {
    same_every_time(an_interval_ticks_at_once_and_then_once_a_period);
    Sim::new().run(async {
        let start = Instant::now();
        let mut every = interval(s(10));
        for nth in 0..5 {
            let tick = every.tick().await;
            assert_eq!(tick, start + s(10) * nth);
            assert_eq!(Instant::now(), tick);
            // What is done between two ticks does not shift them.
            sleep(s(3)).await;
        }
        assert_eq!(every.period(), s(10));
    });
}

#[test]
fn an_interval_skips_the_ticks_that_were_missed() {
    same_every_time(an_interval_skips_the_ticks_that_were_missed);
    Sim::new().run(async {
        let start = Instant::now();
        let mut every = interval(s(10));
        let mut ticks = Vec::new();
        for busy in [s(0), s(35), s(0), s(10), s(0)] {
            sleep(busy).await;
            let tick = every.tick().await;
            ticks.push((
                tick.duration_since(start).as_secs(),
                start.elapsed().as_secs(),
            ));
        }
        let expected = [
            (0, 0),   // at once
            (10, 35), // late; 20 and 30 are gone
            (40, 40), // a whole number of periods after the first
            (50, 50), // exactly when it was due
            (60, 60),
        ];
        assert_eq!(ticks, expected);
    });
}

#[test]
fn a_tick_that_was_given_up_is_not_lost() {
    same_every_time(a_tick_that_was_given_up_is_not_lost);
    Sim::new().run(async {
        let start = Instant::now();
        let mut every = interval(s(10));
        every.tick().await;
        assert!(timeout(s(4), every.tick()).await.is_err());
        assert_eq!(every.tick().await, start + s(10));
    });
}

#[test]
fn a_tick_waits_where_it_is_asked_for() {
    same_every_time(a_tick_waits_where_it_is_asked_for);
    let line = Rc::new(Cell::new(None));
    let seen = Rc::clone(&line);
    let builder = Executor::builder()
        .slow_poll(Duration::ZERO) // so every poll is reported, and says where it came to wait
        .on_report(move |report| {
            if let Report::SlowPoll(poll) = report {
                seen.set(poll.waits_at().map(Location::line));
            }
        });
    Sim::from_builder(builder).run(async {
        let mut every = interval(s(10));
        every.tick().await;
        every.tick().await;
        assert_eq!(line.get(), Some(line!() - 1));
    });
}

#[test]
fn an_interval_of_zero_is_a_clear_panic() {
    assert_eq!(
        panic_of(|| interval(Duration::ZERO)),
        "an interval's period cannot be zero"
    );
}

#[test]
fn timer_slack_lets_many_deadlines_fire_in_one_wake() {
    let sleeps = |slack: Duration| {
        let executor = Executor::builder().timer_slack(slack).build().unwrap();
        let start = Instant::now();
        executor.run(async {
            for nth in 0..20 {
                spawn(sleep_until(start + Duration::from_micros(500 + 500 * nth)));
            }
            sleep_until(start + Duration::from_millis(20)).await;
        });
        assert!(start.elapsed() >= Duration::from_millis(20));
        executor.stats().sleeps
    };
    // All but the first are due before the slack of the first is over.
    let slack = Duration::from_millis(25);
    assert_eq!(sleeps(slack), 1);
}

#[test]
fn slack_makes_nothing_early_and_nothing_later_than_said() {
    let slack = Duration::from_millis(3);
    let executor = Executor::builder().timer_slack(slack).build().unwrap();
    let deadline = Instant::now() + Duration::from_millis(1);
    let sleeper = executor.spawn(sleep_until(deadline));
    executor.turn(Some(Duration::ZERO));
    // Whoever waits, be it a host or the executor, waits so long and no longer.
    assert_eq!(executor.next_deadline(), Some(deadline + slack));
    executor.run(sleeper).unwrap();
    assert!(Instant::now() >= deadline);
}

#[test]
fn time_jumps_only_while_nothing_outside_is_awaited() {
    Sim::new().run(async {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let ours = AsyncFd::new(ours).unwrap();
        let start = Instant::now();
        // A byte that comes from a thread, in real time, is in time for a long deadline, which a
        // clock that jumped would have missed.
        let writer = thread::spawn(move || (&theirs).write_all(b"x").unwrap());
        let read = ours.read_with(|mut stream| io::Read::read(&mut stream, &mut [0]));
        assert_eq!(timeout(s(3600), read).await.unwrap().unwrap(), 1);
        assert!(start.elapsed() < s(3600));
        writer.join().unwrap();
        // With nothing outside, it jumps again.
        let start = Instant::now();
        sleep(s(3600)).await;
        assert_eq!(start.elapsed(), s(3600));
    });
}

#[test]
fn while_something_outside_is_awaited_virtual_time_goes_on_as_real_time_does() {
    Sim::new().run(async {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let ours = AsyncFd::new(ours).unwrap();
        let start = Instant::now();
        let read = ours.read_with(|mut stream| io::Read::read(&mut stream, &mut [0]));
        assert!(timeout(Duration::from_millis(3), read).await.is_err());
        assert_eq!(
            start.elapsed(),
            Duration::from_millis(3),
            "exact all the same"
        );
    });
}

#[test]
fn a_foreign_waker_holds_the_virtual_clock() {
    Sim::new().run(async {
        let start = Instant::now();
        let is_set = Rc::new(Cell::new(false));
        let mut thread = None;
        let unparked = poll_fn(|cx| {
            if is_set.replace(true) {
                return Poll::Ready(());
            }
            let waker = cx.waker().clone();
            thread = Some(thread::spawn(move || waker.wake()));
            Poll::Pending
        });
        assert!(timeout(s(3600), unparked).await.is_ok());
        assert!(start.elapsed() < s(3600));
    });
}

#[test]
fn instants_of_the_virtual_clock_stand_still_while_tasks_run() {
    same_every_time(instants_of_the_virtual_clock_stand_still_while_tasks_run);
    Sim::new().run(async {
        let start = Instant::now();
        for _ in 0..1000 {
            yield_now().await;
        }
        assert_eq!(Instant::now(), start);
    });
}

#[test]
fn instants_add_and_subtract_as_those_of_std_do() {
    let now = Instant::now();
    let later = now + SECOND;
    assert_eq!(later - now, SECOND);
    assert_eq!(now - later, Duration::ZERO);
    assert_eq!(later.duration_since(now), SECOND);
    assert_eq!(now.checked_duration_since(later), None);
    assert_eq!(now.saturating_duration_since(later), Duration::ZERO);
    assert_eq!(later - SECOND, now);
    assert_eq!(now.checked_add(Duration::MAX), None);
    assert_eq!(now.checked_sub(Duration::MAX), None);
    let mut moved = now;
    moved += SECOND;
    moved -= SECOND;
    assert_eq!(moved, now);
    let overflow = "overflow when adding a duration to an instant";
    assert_eq!(panic_of(|| now + Duration::MAX), overflow);
}
