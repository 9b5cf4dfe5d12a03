//! Ctrl-C, and the wakes that come with it.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::{io, thread};

use bibelot::Executor;
use bibelot::signal::ctrl_c;
use bibelot::spawn;
use bibelot::task::{race, yield_now};
use bibelot::testing::{Sim, cancel_storm};
use bibelot::time::{Duration, sleep};
use rustix::process::{Signal, getpid, kill_process};

use super::{one_at_a_time, poll};

/// Sends an interrupt to this process; somebody must have called `ctrl_c` before.
fn interrupt() {
    kill_process(getpid(), Signal::INT).unwrap();
}

/// Sends an interrupt, and returns when it has been delivered: so none is left for the next test.
fn interrupt_and_wait() {
    let seen = ctrl_c();
    interrupt();
    bibelot::run(seen).unwrap();
}

#[test]
fn all_who_wait_see_the_same_interrupt_in_every_executor() {
    let _one = one_at_a_time();
    let all_wait = Arc::new(Barrier::new(3));
    let executors = [(); 2].map(|()| {
        let all_wait = Arc::clone(&all_wait);
        thread::spawn(move || {
            bibelot::run(async {
                let waiters = [(); 3].map(|()| spawn(ctrl_c()));
                yield_now().await;
                all_wait.wait();
                for waiter in waiters {
                    waiter.await.unwrap().unwrap();
                }
            });
        })
    });
    all_wait.wait();
    interrupt();
    for executor in executors {
        executor.join().unwrap();
    }
}

#[test]
fn an_interrupt_between_the_call_and_the_first_poll_is_kept() {
    let _one = one_at_a_time();
    let mut early = pin!(ctrl_c());
    interrupt_and_wait();
    assert!(matches!(poll(early.as_mut()), Poll::Ready(Ok(()))));
}

#[test]
fn an_interrupt_before_the_call_is_not_for_it() {
    let _one = one_at_a_time();
    interrupt_and_wait();
    let mut late = pin!(ctrl_c());
    assert!(poll(late.as_mut()).is_pending());
    interrupt_and_wait();
    assert!(poll(late.as_mut()).is_ready(), "the next one is");
}

#[test]
fn a_task_may_wait_again_and_again() {
    let _one = one_at_a_time();
    bibelot::run(async {
        for _ in 0..3 {
            let next = ctrl_c();
            interrupt();
            next.await.unwrap();
        }
    });
}

#[test]
fn who_waits_for_an_interrupt_is_in_no_deadlock() {
    let _one = one_at_a_time();
    let sender = Sim::new().run(async {
        let interrupted = ctrl_c();
        let waiter = spawn(interrupted);
        yield_now().await;
        let sender = thread::spawn(interrupt);
        waiter.await.unwrap().unwrap();
        sender
    });
    sender.join().unwrap();
}

/// Counts its wakes.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_wait_that_is_dropped_leaves_nothing_behind() {
    let _one = one_at_a_time();
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    let cx = &mut Context::from_waker(&waker);
    let mut dropped = Box::pin(ctrl_c());
    assert!(dropped.as_mut().poll(cx).is_pending());
    assert!(dropped.as_mut().poll(cx).is_pending());
    assert_eq!(Arc::strong_count(&count), 3, "kept once");
    drop(dropped);
    assert_eq!(Arc::strong_count(&count), 2);
    interrupt_and_wait();
    assert_eq!(count.0.load(Ordering::Relaxed), 0);
}

/// Panics where it is woken, which is the thread that all waits depend on.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("on purpose");
    }
}

#[test]
fn a_waker_that_panics_does_not_keep_the_interrupt_from_others() {
    let _one = one_at_a_time();
    let waker = Waker::from(Arc::new(Panics));
    let mut bad = pin!(ctrl_c());
    assert!(
        bad.as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    interrupt_and_wait();
    interrupt_and_wait();
    assert!(poll(bad.as_mut()).is_ready());
}

/// Wakes come from the thread that the signals go to, and find executors that run, that are being
/// shut down, and that are no more.
#[test]
fn a_waker_called_from_the_signal_thread_while_the_executor_shuts_down_does_nothing() {
    let _one = one_at_a_time();
    for round in 0..50 {
        let executor_waits = Arc::new(Barrier::new(2));
        let host = {
            let executor_waits = Arc::clone(&executor_waits);
            thread::spawn(move || -> io::Result<()> {
                let executor = Executor::new()?;
                for _ in 0..20 {
                    executor.spawn(async { ctrl_c().await.unwrap() });
                }
                executor.turn(Some(Duration::ZERO));
                executor_waits.wait();
                if round % 2 == 0 {
                    executor.turn(Some(Duration::ZERO));
                }
                drop(executor);
                Ok(())
            })
        };
        executor_waits.wait();
        for _ in 0..3 {
            interrupt_and_wait();
        }
        host.join().unwrap().unwrap();
        interrupt_and_wait();
    }
}

#[test]
fn a_signal_is_not_lost_for_others() {
    let _one = one_at_a_time();
    let suspensions = cancel_storm(async |storm| {
        let other = spawn(ctrl_c());
        let interrupted = ctrl_c();
        spawn(async {
            yield_now().await;
            interrupt();
        });
        storm.strike(interrupted).await;
        other.await.unwrap().unwrap();
        // One that is not sent: its wait is taken back.
        race(
            async { drop(ctrl_c().await) },
            sleep(Duration::from_millis(1)),
        )
        .await;
    });
    assert!(suspensions >= 1, "{suspensions}");
}
