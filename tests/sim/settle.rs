//! `settle`: goes on when all others wait; trio's `wait_all_tasks_blocked`.
//!
//! Its `cushion`, so many real seconds for which all must have waited, is not there: it is a guess of how long
//! the world outside will take, and a test that needs something from there waits for just that.

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use bibelot::io::AsyncFd;
use bibelot::task::{JoinHandle, consume, join, race, yield_now};
use bibelot::testing::{Log, Sim, advance, settle};
use bibelot::thread::park;
use bibelot::time::{Duration, Instant, sleep, timeout};
use bibelot::{Executor, spawn};

use crate::support::foreign::{self, Call, Foreign};
use crate::support::{Trace, panic_of, poll_once, same_every_time};
use crate::{Flag, SECOND, ms, s};

/// A task that gives way so often, and then says so.
fn busy(turns: usize, flag: &Flag) -> JoinHandle<()> {
    let flag = flag.clone();
    spawn(async move {
        for _ in 0..turns {
            yield_now().await;
        }
        flag.set();
    })
}

#[test]
fn it_goes_on_when_all_others_wait() {
    same_every_time(it_goes_on_when_all_others_wait);
    let program = async || {
        let flag = Flag::default();
        let busy = busy(200, &flag);
        let parked = spawn(park());
        settle().await;
        assert!(flag.is_set() && busy.is_finished());
        assert!(!parked.is_finished());
        parked.task().unpark();
        settle().await;
        assert!(parked.is_finished());
    };
    bibelot::run(program());
    Sim::new().run(program());
    Sim::new().manual().run(program());
    for seed in 0..10 {
        Sim::new().seed(seed).run(program());
    }
}

#[test]
fn it_goes_on_when_there_are_no_others() {
    same_every_time(it_goes_on_when_there_are_no_others);
    bibelot::run(settle());
    Sim::new().run(async {
        settle().await;
        settle().await;
    });
}

#[test]
fn several_go_on_together() {
    same_every_time(several_go_on_together);
    let trace = Trace::new();
    Sim::new().run(async {
        let flag = Flag::default();
        drop(busy(10, &flag));
        for nth in 0..5 {
            let (said, flag) = (trace.clone(), flag.clone());
            drop(spawn(async move {
                settle().await;
                said.say(format!("{nth} {}", flag.is_set()));
                // Nobody goes on a second time while another is still to go on.
                settle().await;
                said.say(format!("{nth} again"));
            }));
        }
    });
    let once = (0..5).map(|nth| format!("{nth} true"));
    let again = (0..5).map(|nth| format!("{nth} again"));
    assert_eq!(trace.take(), once.chain(again).collect::<Vec<_>>());
}

#[test]
fn time_does_not_jump_before_who_settles_goes_on() {
    same_every_time(time_does_not_jump_before_who_settles_goes_on);
    Sim::new().run(async {
        let start = Instant::now();
        let sleeper = spawn(sleep(Duration::from_nanos(1)));
        for _ in 0..100 {
            settle().await;
        }
        assert!(!sleeper.is_finished() && start.elapsed().is_zero());
        // Nor does a timeout run out.
        assert!(timeout(Duration::from_nanos(1), settle()).await.is_ok());
        assert!(start.elapsed().is_zero());
        sleeper.await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_nanos(1));
    });
}

#[test]
fn who_settles_goes_on_before_who_sleeps_and_may_sleep_on_behind() {
    same_every_time(who_settles_goes_on_before_who_sleeps_and_may_sleep_on_behind);
    let trace = Trace::new();
    Sim::new().run(async {
        let said = trace.clone();
        drop(spawn(async move {
            sleep(s(100)).await;
            said.say("the sleeper yawns");
        }));
        settle().await;
        trace.say("settled");
        sleep(s(1000)).await;
        trace.say("slept");
    });
    assert_eq!(trace.take(), ["settled", "the sleeper yawns", "slept"]);
}

#[test]
fn a_sleep_is_seen_to_start_and_after_enough_time_to_end() {
    same_every_time(a_sleep_is_seen_to_start_and_after_enough_time_to_end);
    Sim::new().manual().run(async {
        let trace = Trace::new();
        let said = trace.clone();
        drop(spawn(async move {
            said.say("starts");
            sleep(s(5)).await;
            said.say("has ended");
        }));
        settle().await;
        assert_eq!(trace.take(), ["starts"]);
        advance(s(10)).await;
        assert_eq!(trace.take(), ["has ended"]);
    });
}

#[test]
fn one_that_is_cancelled_does_not_go_on() {
    same_every_time(one_that_is_cancelled_does_not_go_on);
    Sim::new().run(async {
        let (flag, settled) = (Flag::default(), Flag::default());
        drop(busy(10, &flag));
        let waits = spawn({
            let settled = settled.clone();
            async move {
                settle().await;
                settled.set();
            }
        });
        yield_now().await;
        waits.cancel();
        settle().await;
        assert!(flag.is_set() && !settled.is_set());
        assert!(waits.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn what_is_due_runs_before_and_what_is_not_does_not() {
    same_every_time(what_is_due_runs_before_and_what_is_not_does_not);
    for sim in [Sim::new(), Sim::new().manual()] {
        sim.run(async {
            let due = spawn(sleep(SECOND));
            let not_due = spawn(sleep(s(3)));
            yield_now().await;
            consume(s(2));
            settle().await;
            assert!(due.is_finished() && !not_due.is_finished());
            not_due.cancel();
        });
    }
}

#[test]
fn one_that_is_dropped_or_whose_race_is_lost_is_forgotten() {
    same_every_time(one_that_is_dropped_or_whose_race_is_lost_is_forgotten);
    Sim::new().run(async {
        let mut dropped = settle();
        assert!(poll_once(&mut dropped).is_pending());
        drop(dropped);
        let start = Instant::now();
        race(
            async {
                settle().await;
                pending::<()>().await;
            },
            sleep(SECOND),
        )
        .await;
        assert_eq!(start.elapsed(), SECOND);
        race(pending::<()>(), settle()).await;
        join(settle(), settle()).await;
    });
}

#[test]
fn one_that_was_woken_and_is_not_polled_any_more_stops_nobody() {
    same_every_time(one_that_was_woken_and_is_not_polled_any_more_stops_nobody);
    // Its future is held, and its task awaits something else.
    Sim::new().run(async {
        let start = Instant::now();
        let mut held = pin!(settle());
        assert!(poll_once(&mut held).is_pending());
        sleep(SECOND).await;
        assert_eq!(start.elapsed(), SECOND);
        assert!(poll_once(&mut held).is_ready());
    });
}

#[test]
fn a_foreign_waker_is_woken_and_its_code_runs_where_nothing_is_borrowed() {
    let calls = Rc::new(Cell::new(0));
    let called = Rc::clone(&calls);
    foreign::set_hook(move |call| {
        // Another one comes and goes, from inside of whatever has called this.
        let mut other = settle();
        assert!(poll_once(&mut other).is_pending());
        called.set(called.get() + usize::from(call == Call::Wake));
    });
    Sim::new().run(async {
        Foreign(settle()).await;
        settle().await;
        let mut dropped = Foreign(settle());
        poll_fn(|cx| Poll::Ready(Pin::new(&mut dropped).poll(cx).is_pending())).await;
    });
    assert_eq!(calls.get(), 1);
}

#[test]
fn a_task_that_settles_for_ever_keeps_time_still_until_it_stops() {
    same_every_time(a_task_that_settles_for_ever_keeps_time_still_until_it_stops);
    Sim::new().run(async {
        let start = Instant::now();
        let sleeper = spawn(sleep(SECOND));
        let rounds = Rc::new(Cell::new(0));
        let count = Rc::clone(&rounds);
        let looping = spawn(async move {
            while count.get() < 1000 {
                settle().await;
                assert!(start.elapsed().is_zero());
                count.set(count.get() + 1);
            }
        });
        sleeper.await.unwrap();
        assert!(looping.is_finished());
        assert_eq!((rounds.get(), start.elapsed()), (1000, SECOND));
    });
}

#[test]
fn bytes_that_are_there_are_brought_before_all_others_wait() {
    let program = async || {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let ours = AsyncFd::new(ours).unwrap();
        let reader =
            spawn(async move { ours.read_with(|mut stream| stream.read(&mut [0; 8])).await });
        settle().await;
        assert!(!reader.is_finished());
        (&theirs).write_all(b"hello").unwrap();
        settle().await;
        assert!(reader.is_finished());
        assert_eq!(reader.await.unwrap().unwrap(), 5);
    };
    bibelot::run(program());
    Sim::new().run(program());
    Sim::new().manual().run(program());
}

#[test]
fn wakes_of_another_thread_that_are_there_are_brought_before_all_others_wait() {
    let program = async || {
        let parked = spawn(park());
        settle().await;
        let task = parked.task();
        std::thread::spawn(move || task.unpark()).join().unwrap();
        settle().await;
        assert!(parked.is_finished());
    };
    bibelot::run(program());
    Sim::new().run(program());
}

#[test]
fn who_settles_in_an_executor_that_a_host_drives_gets_its_turns() {
    let executor = Executor::new().unwrap();
    let sleeper = executor.spawn(sleep(Duration::from_secs(3600)));
    let flag = Flag::default();
    let done = flag.clone();
    let settled = executor.spawn(async move {
        settle().await;
        done.set();
    });
    executor.turn(Some(Duration::ZERO));
    let mut turns = 0;
    while !settled.is_finished() {
        // The host is told that it is not to wait.
        let wait = executor.next_deadline().map(|next| next - Instant::now());
        assert_eq!(wait, Some(Duration::ZERO));
        executor.turn(Some(s(3600)));
        turns += 1;
        assert!(turns < 5);
    }
    assert!(flag.is_set() && !sleeper.is_finished());
    sleeper.cancel();
}

#[test]
fn one_that_moves_to_another_executor_waits_there() {
    same_every_time(one_that_moves_to_another_executor_waits_there);
    let (first, second) = (Executor::new().unwrap(), Executor::new().unwrap());
    let mut moved = settle();
    first.run(async { assert!(poll_once(&mut moved).is_pending()) });
    second.run(&mut moved);
    // In the first nobody waits any more.
    first.run(sleep(ms(1)));
}

#[test]
fn what_it_waits_for_is_told_in_words() {
    same_every_time(what_it_waits_for_is_told_in_words);
    let (log, line) = (Log::new(), line!() + 1);
    Sim::new().log(&log).run(async { settle().await });
    let place = format!("{}:{line}:", file!());
    let told = format!("task 1 waits for all others to wait at {place}");
    assert!(log.text().contains(&told), "{told} is not in: {log}");
}

#[test]
fn without_an_executor_it_says_what_to_do() {
    let text = panic_of(|| poll_once(&mut settle()));
    assert!(text.contains("call this inside bibelot::run()"), "{text}");
}

#[test]
fn a_deadlock_that_a_settled_task_finds_itself_in_is_still_one() {
    same_every_time(a_deadlock_that_a_settled_task_finds_itself_in_is_still_one);
    let text = panic_of(|| {
        Sim::new().run(async {
            settle().await;
            poll_fn(|_| Poll::<()>::Pending).await;
        })
    });
    assert!(text.starts_with("deadlock: "), "{text}");
}
