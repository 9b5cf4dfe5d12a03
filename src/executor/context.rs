//! Which executor runs on this thread, for everything that waits.
//!
//! The executor is found by the thread, so no handle is passed around; there is none outside of
//! `run`, `turn` and `shutdown`, and then what needs one panics and says so.

use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;

use crate::clock::{self, Instant};
use crate::executor::Core;
use crate::frame::{self, Frame};
use crate::locals::{self, Locals};
use crate::reactor::Reactor;
use crate::reactor::simulated::Network;
use crate::report::Hooked;
use crate::task::waits::Waits;
use crate::waker;

thread_local! {
    /// The executor that runs on this thread.
    static CORE: RefCell<Option<Rc<Core>>> = const { RefCell::new(None) };
}

/// Calls `f`, once, with `core` as the executor that runs on this thread. Not for each closure anew:
/// it is entered once a run or a turn.
pub(crate) fn enter(core: &Rc<Core>, f: &mut dyn FnMut()) {
    /// Puts the one before back, also when `f` unwinds.
    struct Restore<'a>(&'a Core, Option<Rc<Core>>);
    impl Drop for Restore<'_> {
        fn drop(&mut self) {
            self.0.is_entered.set(false);
            drop(replace(self.1.take()));
        }
    }
    /// Tells observers the rest, also when `f` unwinds.
    struct Told<'a>(&'a Core);
    impl Drop for Told<'_> {
        fn drop(&mut self) {
            self.0.tell();
        }
    }
    core.is_entered.set(true);
    let _restore = Restore(core, replace(Some(Rc::clone(core))));
    let _hooked = Hooked::by(core.hook());
    let _told = Told(core);
    let f = || locals::within_help(false, || locals::within(Locals::default(), f));
    waker::enter(core.scheduler(), || frame::within(Frame::OPEN, f))
}

/// Makes `core` the executor that runs on this thread, and returns the one before. During the end of
/// the thread there is no place for it any more: an executor in a thread-local can end, but what its
/// destructors ask of it they are refused.
fn replace(core: Option<Rc<Core>>) -> Option<Rc<Core>> {
    CORE.try_with(|current| current.replace(core))
        .ok()
        .flatten()
}

/// Calls `f` with the executor that runs on this thread, if there is one.
pub(crate) fn try_with<R>(f: impl FnOnce(&Rc<Core>) -> R) -> Option<R> {
    CORE.try_with(|core| core.borrow().as_ref().map(f))
        .ok()
        .flatten()
}

/// What is said where there is none.
pub(crate) const NO_EXECUTOR: &str =
    "no executor is running on this thread; call this inside bibelot::run()";

/// Calls `f` with the executor that runs on this thread.
///
/// # Panics
///
/// Panics if there is none.
#[track_caller]
pub(crate) fn with<R>(f: impl FnOnce(&Rc<Core>) -> R) -> R {
    match try_with(f) {
        Some(done) => done,
        None => panic!("{NO_EXECUTOR}"),
    }
}

/// The reactor of the executor that runs on this thread.
#[track_caller]
pub(crate) fn reactor() -> Rc<Reactor> {
    with(|core| Rc::clone(core.reactor()))
}

/// The simulated network of the executor that runs on this thread, if it has one.
pub(crate) fn network() -> Option<Rc<dyn Network>> {
    match cfg!(feature = "testing") {
        true => try_with(|core| core.network().cloned()).flatten(),
        false => None,
    }
}

/// Reads the clock of the executor that runs on this thread, or else the real one.
pub(crate) fn now() -> Instant {
    try_with(|core| core.clock().now()).unwrap_or_else(clock::real_now)
}

/// Notes what the running task waits for, and where.
pub(crate) fn note(waits: Waits, at: &'static Location<'static>) {
    waker::with_current(|scheduler| scheduler.note(waits, at));
}

/// Counts a system call that a leaf future makes.
pub(crate) fn count_call() {
    waker::with_current(crate::scheduler::Scheduler::count_call);
}
