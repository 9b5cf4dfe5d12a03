//! What the primitives of `sync` promise: who is served when, that nobody barges, that nothing granted
//! is lost, and what each of them is for.
//!
//! What a wait does in every state is tried by hand, with futures polled one by one and no executor;
//! what tasks see of it, in simulations.

#![cfg(feature = "sync")]

#[path = "../support/mod.rs"]
mod support;

mod barrier;
mod broadcast;
mod cancel;
mod capacity_limiter;
mod condvar;
mod event;
mod fairness;
mod foreign;
mod mpsc;
mod mutex;
mod once_lock;
mod oneshot;
mod places;
mod priority_queue;
mod queue;
mod rwlock;
mod semaphore;
mod statistics;
mod waker;
mod watch;

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// The value of a future that needs no waiting.
#[track_caller]
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// A future that has been polled once and waits.
#[track_caller]
fn waiting<'a, F: Future + 'a>(future: F) -> Pin<Box<F>> {
    let mut future = Box::pin(future);
    let polled = support::poll_once(&mut future);
    assert!(polled.is_pending(), "it does not wait");
    future
}
