//! Wakers that have outlived what they wake: the task, its slot's next tasks, the executor, and young
//! executors with its number.
//!
//! The tests run beside each other, and each executor may hear stale wakes from all others: so none of
//! them expects that its own wake is the first to be taken.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::thread;

use bibelot::Executor;
use bibelot::time::Duration;

/// Gives turns until `is_done`, which it must be soon.
fn turn_until(executor: &Executor, is_done: impl Fn() -> bool) {
    for _ in 0..10_000 {
        executor.turn(Some(Duration::ZERO));
        if is_done() {
            return;
        }
    }
    panic!("10000 turns, and it is not done");
}

/// Gives turns until nothing is left to take.
fn settle(executor: &Executor) {
    turn_until(executor, || executor.next_deadline().is_none());
}

/// A future that keeps the waker it was polled with.
fn leave_waker(place: &Rc<RefCell<Option<Waker>>>) -> impl Future<Output = ()> + use<> {
    let place = Rc::clone(place);
    let mut is_first = true;
    poll_fn(move |cx| {
        *place.borrow_mut() = Some(cx.waker().clone());
        if std::mem::take(&mut is_first) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
}

#[test]
fn a_wake_after_the_end_does_nothing() {
    let executor = Executor::new().unwrap();
    let place = Rc::default();
    drop(executor.spawn(leave_waker(&place)));
    executor.turn(Some(Duration::ZERO));
    let waker = place.take().unwrap();
    waker.wake_by_ref();
    turn_until(&executor, || executor.stats().tasks == 0);

    let polls = executor.stats().polls;
    waker.wake_by_ref();
    let elsewhere = waker.clone();
    thread::spawn(move || elsewhere.wake()).join().unwrap();
    settle(&executor);
    assert_eq!(executor.stats().polls, polls, "after the task's end");

    drop(executor);
    waker.wake_by_ref();
    let elsewhere = waker.clone();
    thread::spawn(move || elsewhere.wake()).join().unwrap();
    bibelot::run(async move { waker.wake() });
}

#[test]
fn a_stale_waker_does_not_wake_the_next_tasks_in_its_slot() {
    let executor = Executor::new().unwrap();
    let place = Rc::default();
    let mut stale = Vec::new();
    for _ in 0..1000 {
        // One task at a time, so each has the slot of the one before.
        let handle = executor.spawn(leave_waker(&place));
        executor.turn(Some(Duration::ZERO));
        stale.push(place.take().unwrap());
        handle.cancel();
        turn_until(&executor, || handle.is_finished());
    }
    let handle = executor.spawn(leave_waker(&place));
    executor.turn(Some(Duration::ZERO));
    let polls = executor.stats().polls;
    for waker in &stale {
        waker.wake_by_ref();
    }
    settle(&executor);
    assert_eq!(executor.stats().polls, polls);
    place.take().unwrap().wake();
    turn_until(&executor, || handle.is_finished());
}

/// More executors than numbers are kept free, each with a task in its first slot: whoever gets the
/// number of the first does not hear its wakers.
#[test]
fn a_stale_waker_does_not_reach_a_young_executor_with_its_number() {
    let mut stale = Vec::new();
    for _ in 0..200 {
        let executor = Executor::new().unwrap();
        let place = Rc::default();
        drop(executor.spawn(leave_waker(&place)));
        executor.turn(Some(Duration::ZERO));
        let polls = executor.stats().polls;
        for waker in &stale {
            Waker::wake_by_ref(waker);
        }
        settle(&executor);
        assert_eq!(executor.stats().polls, polls);
        stale.push(place.take().unwrap());
    }
}

/// Tests of this file run beside each other, so that numbers are taken and given back all the time.
#[test]
fn wakers_of_ended_executors_are_woken_from_many_threads() {
    let threads: Vec<_> = (0..4)
        .map(|_| {
            thread::spawn(|| {
                let mut stale = Vec::new();
                for _ in 0..50 {
                    let executor = Executor::new().unwrap();
                    let place = Rc::default();
                    let handle = executor.spawn(leave_waker(&place));
                    executor.turn(Some(Duration::ZERO));
                    stale.push(place.take().unwrap());
                    for waker in &stale {
                        waker.wake_by_ref();
                    }
                    turn_until(&executor, || handle.is_finished());
                }
                stale
            })
        })
        .collect();
    let stale: Vec<_> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    stale.into_iter().flatten().for_each(Waker::wake);
}
