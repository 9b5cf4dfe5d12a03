//! What a pair of streams in memory promises: who is served when, how it ends, and that a wait which
//! is dropped has moved no byte.

#[path = "../support/mod.rs"]
mod support;

mod cancel;
mod ends;
mod turns;
mod waker;

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// What happened, line by line; shared by the tasks of a test.
#[derive(Clone, Default)]
struct Trace(Rc<RefCell<Vec<String>>>);

impl Trace {
    fn note(&self, line: impl Into<String>) {
        self.0.borrow_mut().push(line.into());
    }

    /// Returns what was noted since the last call.
    fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

/// Polls once, and drops the future.
fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// The value of a future that needs no waiting.
#[track_caller]
fn now<T>(future: impl Future<Output = T>) -> T {
    match poll_once(future) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}
