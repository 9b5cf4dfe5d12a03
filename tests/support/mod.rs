//! What the tests share: a trace to compare whole, a destructor that does something, reports, and a
//! foreign waker whose every call is user code.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod foreign;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bibelot::{Executor, ExecutorBuilder, Report};

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Trace(Rc<RefCell<Vec<String>>>);

impl Trace {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a line.
    pub(crate) fn say(&self, line: impl Into<String>) {
        self.0.borrow_mut().push(line.into());
    }

    /// The lines so far; the trace begins anew.
    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }

    /// Whether there are no lines.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// A value that adds a line when it is dropped.
    #[must_use]
    pub(crate) fn on_drop(&self, line: impl Into<String>) -> OnDrop<Box<dyn FnMut()>> {
        let (trace, line) = (self.clone(), line.into());
        on_drop(Box::new(move || trace.say(line.clone())))
    }
}

/// A value whose destructor is `f`.
pub(crate) struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// A value whose destructor is `f`.
#[must_use]
pub(crate) fn on_drop<F: FnMut()>(f: F) -> OnDrop<F> {
    OnDrop(f)
}

/// A builder whose executor adds what it reports to the trace.
pub(crate) fn reporting_to(trace: &Trace) -> ExecutorBuilder {
    let trace = trace.clone();
    Executor::builder().on_report(move |report: &Report| trace.say(report.to_string()))
}

/// The text of a panic.
pub(crate) fn text_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .expect("a panic with a text")
}

/// The text with which `f` panics, which it must.
#[track_caller]
pub(crate) fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("should have panicked"),
        Err(payload) => text_of(&*payload),
    }
}

/// A text in which each place in a test is `here`.
pub(crate) fn without_places(text: &str) -> String {
    let mut parts = text.split("tests/");
    let mut without = parts.next().expect("a split has a part").to_owned();
    for part in parts {
        let end = part.find([')', ' ']).unwrap_or(part.len());
        without += "here";
        without += if part[..end].ends_with(':') { ":" } else { "" };
        without += &part[end..];
    }
    without
}

/// Runs the test from which this is called twice before, and compares the logs of its simulations, to the byte.
/// Then the test goes on as always: without a log.
pub(crate) fn same_every_time(test: fn()) {
    thread_local! {
        /// Whether such a test is running.
        static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
    }
    if !IS_RUNNING.replace(true) {
        let _done = on_drop(|| IS_RUNNING.set(false));
        bibelot::testing::twice(test);
    }
}

/// Polls once, with a waker that does nothing.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}
