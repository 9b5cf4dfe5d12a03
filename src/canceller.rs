//! The one idea under timeouts, cancel scopes, races and scopes: whoever drops a future waits for
//! what it still owes.
//!
//! ```text
//!   Running ── ready ───────────► Ended(value) ─┐
//!      └────── cancel ──────────► Ended(none) ──┴─► is anything owed under our key? ── no ──► ready
//!              the future is dropped within               └─ yes: woken when it is paid
//!              our frame, so that what it owes
//!              is owed under our key
//! ```
//!
//! The laws:
//!
//! 1. An [`Enclosed`] future is left only when nothing is left of it: neither the future nor its
//!    epilogues. It keeps the value meanwhile.
//! 2. If it is dropped itself while it waits, what is owed passes to the canceller around it.
//! 3. If it is forgotten, the task pays all the same (`executor/ledger.rs`).
//! 4. Of several deadlines that are over by one reading of the clock, the outermost ends its future: it
//!    would drop the inner ones anyway ([`leaves_it_to_outer`]).
//!
//! Read next: `time/timeout.rs`, the simplest user.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::clock::Instant;
use crate::executor::context;
use crate::frame::{self, Frame, Key, Restore};
use crate::maybe_done::MaybeDone;
use crate::scheduler::Scheduler;
use crate::waker;

/// One who may drop what is inside it, and then waits until that has paid what it owes.
#[derive(Debug)]
pub(crate) struct Canceller {
    /// Its name in the ledger; the task's own as long as nothing can be owed under one.
    key: Key,
}

impl Canceller {
    /// One that has not been polled.
    pub(crate) fn new() -> Self {
        Self { key: Key::TASK }
    }

    /// Makes this the innermost canceller until the guard is dropped: what is inside is polled or dropped
    /// meanwhile.
    #[must_use]
    pub(crate) fn enclose(&mut self, deadline: Instant) -> Restore {
        if self.key == Key::TASK {
            self.key = Key::new();
        }
        let around = frame::current();
        let frame = Frame {
            key: self.key,
            deadline: around.deadline.min(deadline),
            limit: around.limit,
        };
        frame::enter(frame)
    }

    /// Waits until nothing is owed under its key.
    #[inline]
    pub(crate) fn poll_paid(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if waker::with_current(Scheduler::is_owing) == Some(true) {
            ready!(self.poll_ledger(cx));
        }
        // Nothing is left to be passed on.
        self.key = Key::TASK;
        Poll::Ready(())
    }

    /// Asks the ledger whether anything is owed under its key.
    #[cold]
    fn poll_ledger(&self, cx: &mut Context<'_>) -> Poll<()> {
        let core = context::with(Rc::clone);
        let waker = waker::keep(cx.waker());
        let waits = core.ledger().zip(core.scheduler().current_token());
        let waits = waits.map(|(ledger, token)| ledger.wait(token, self.key, waker));
        match waits {
            Some((true, _unused)) => Poll::Pending,
            _ => Poll::Ready(()),
        }
    }

    /// Passes what is owed under its key to the canceller around it.
    #[cold]
    fn pass_on(&self) {
        let waiter = context::try_with(|core| {
            let (ledger, token) = core.ledger().zip(core.scheduler().current_token())?;
            ledger.pass_on(token, self.key, frame::current().key)
        });
        drop(waiter);
    }
}

impl Drop for Canceller {
    #[inline]
    fn drop(&mut self) {
        if self.key != Key::TASK && waker::with_current(Scheduler::is_owing) == Some(true) {
            self.pass_on();
        }
    }
}

/// Whether what encloses this poll has to end as well, by the same reading of the clock. Then that
/// does it, in this very poll, and whoever asks answers pending. If it does not after all, since its
/// deadline was moved meanwhile or it has a value, whoever asks is polled again.
pub(crate) fn leaves_it_to_outer(cx: &Context<'_>) -> bool {
    let is_over = frame::current().deadline <= context::with(|core| core.reading());
    if is_over {
        cx.waker().wake_by_ref();
    }
    is_over
}

pin_project! {
    /// A future that can be ended from outside, and is left when all that it owed is paid.
    pub(crate) struct Enclosed<F: Future> {
        #[pin]
        inside: MaybeDone<F>,
        canceller: Canceller,
    }
}

impl<F: Future> Enclosed<F> {
    /// A future that has not been polled.
    pub(crate) fn new(future: F) -> Self {
        Self {
            inside: MaybeDone::new(future),
            canceller: Canceller::new(),
        }
    }

    /// Whether the future is still there.
    pub(crate) fn is_running(&self) -> bool {
        self.inside.is_running()
    }

    /// Polls the future, which is to be over at `deadline`. Ready says that it has ended, in
    /// whatever way: then [`poll_end`](Self::poll_end) goes on.
    #[track_caller]
    pub(crate) fn poll_inside(
        self: Pin<&mut Self>,
        deadline: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let this = self.project();
        if !this.inside.is_running() {
            return Poll::Ready(());
        }
        let _enclosed = this.canceller.enclose(deadline);
        this.inside.poll(cx)
    }

    /// Drops the future.
    pub(crate) fn cancel(self: Pin<&mut Self>) {
        let this = self.project();
        let _enclosed = this.canceller.enclose(Instant::PAST);
        this.inside.clear();
    }

    /// Waits until all is paid. The value comes back, or `None` if it was cancelled before.
    pub(crate) fn poll_end(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let this = self.project();
        ready!(this.canceller.poll_paid(cx));
        Poll::Ready(this.inside.take())
    }
}
