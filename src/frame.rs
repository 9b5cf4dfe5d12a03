//! What encloses the poll that is under way: who may cancel it, and until when it may go on.
//!
//! ```text
//!   task                          key of the task      no deadline
//!    └─ timeout(5 ms)             key k1               5 ms
//!        └─ timeout(9 ms)         key k2               5 ms: inner cannot extend outer
//!            └─ finally(body, …)  dropped now, its cleanup is owed under k2
//! ```
//!
//! One thread-local cell holds it: what is polled further in sees it, in whatever combinator. The laws:
//!
//! 1. A canceller (a timeout, a cancel scope, a race, a scope) sets the frame for as long as it polls or
//!    drops what is inside, and puts the one before back, also when that panics. So a frame is known by
//!    the call stack alone, and a canceller that is forgotten or moved to another task leaves nothing
//!    behind.
//! 2. From canceller to canceller a deadline only comes nearer on the way in. An epilogue is outside of
//!    them: it has no deadline but a limit, which all that it encloses has as well.
//! 3. No key is used twice on a thread, so what is owed is never taken for another's.
//!
//! Read next: `executor/ledger.rs` (what is owed), `canceller.rs` (who sets frames).

use std::cell::Cell;

use crate::clock::Instant;

/// Under which name something is owed: a canceller's, or the task's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(u64);

impl Key {
    /// The task's own.
    pub(crate) const TASK: Self = Self(0);

    /// One that nobody has had on this thread.
    pub(crate) fn new() -> Self {
        let key = NEXT_KEY.get();
        NEXT_KEY.set(key + 1);
        Self(key)
    }
}

/// What encloses a poll.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    /// The innermost canceller's key.
    pub(crate) key: Key,
    /// The earliest deadline of the cancellers around.
    pub(crate) deadline: Instant,
    /// When the epilogue that is polled is given up; what it owes in turn is given up then, too.
    pub(crate) limit: Instant,
}

impl Frame {
    /// What encloses a task: nothing.
    pub(crate) const OPEN: Self = Self {
        key: Key::TASK,
        deadline: Instant::NEVER,
        limit: Instant::NEVER,
    };
}

thread_local! {
    /// What encloses the poll that is under way.
    static FRAME: Cell<Frame> = const { Cell::new(Frame::OPEN) };
    /// The next canceller's key.
    static NEXT_KEY: Cell<u64> = const { Cell::new(1) };
}

/// What encloses the poll that is under way.
pub(crate) fn current() -> Frame {
    FRAME.get()
}

/// Calls `f` within `frame`.
pub(crate) fn within<R>(frame: Frame, f: impl FnOnce() -> R) -> R {
    let _restore = enter(frame);
    f()
}

/// Sets what encloses all until the guard is dropped: for who must not call by a closure, which would be
/// the caller that a leaf is told of.
#[must_use]
pub(crate) fn enter(frame: Frame) -> Restore {
    Restore(FRAME.replace(frame))
}

/// Puts the frame before back, also in an unwind.
pub(crate) struct Restore(Frame);

impl Drop for Restore {
    fn drop(&mut self) {
        FRAME.set(self.0);
    }
}
