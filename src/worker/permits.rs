//! How many jobs one executor may have in threads at once.
//!
//! A permit is taken by the task that wants a job done and given back by the thread that has done it,
//! however long ago the task may have gone on: so there are never more threads than permits, whatever
//! is cancelled. (curio gives the slot back with the cancel, and live threads exceed its limit.)

use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::counted::Counted;
use crate::executor::context;
use crate::primitive::Mutex;
use crate::task::waits::{Thing, Waits};
use crate::wait_queue::Ticket;
use crate::waker;

/// The permits of one executor.
pub(super) type Permits = Arc<Mutex<Counted>>;

/// The right to one thread, given back when dropped.
pub(crate) struct Permit(Permits);

impl Drop for Permit {
    fn drop(&mut self) {
        give(&self.0);
    }
}

/// Gives a permit to the next in line.
fn give(permits: &Permits) {
    let next = permits.lock().give();
    if let Some(next) = next {
        waker::wake_kept(next);
    }
}

/// The leaf future that waits for a permit.
pub(crate) struct Acquire {
    /// Of which.
    permits: Permits,
    /// The place in line.
    ticket: Option<Ticket>,
    /// Where the task waits.
    at: &'static Location<'static>,
}

impl Acquire {
    /// Waits for a permit of the executor that runs on this thread.
    #[track_caller]
    pub(super) fn new(at: &'static Location<'static>) -> Self {
        let permits = context::with(|core| Arc::clone(core.thread_permits()));
        Self::of(permits, at)
    }

    /// Waits for one of these permits.
    pub(super) fn of(permits: Permits, at: &'static Location<'static>) -> Self {
        Self {
            permits,
            ticket: None,
            at,
        }
    }
}

impl Future for Acquire {
    type Output = Permit;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
        let this = &mut *self;
        let mut waker = Some(waker::keep(cx.waker()));
        let has_one = this.permits.lock().poll(&mut this.ticket, &mut waker);
        drop(waker);
        if has_one {
            return Poll::Ready(Permit(Arc::clone(&this.permits)));
        }
        // Nobody but a thread gives one back.
        context::note(Waits::THREAD.by_name(Thing::PoolPermit), this.at);
        Poll::Pending
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let (had_one, waker) = self.permits.lock().leave(ticket);
            drop(waker);
            if had_one {
                give(&self.permits);
            }
        }
    }
}
