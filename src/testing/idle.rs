//! A place among those who wait for their executor to be idle; what [`settle`](crate::testing::settle())
//! and [`advance`](crate::testing::advance()) have in common.

use std::panic::Location;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::clock::Instant;
use crate::executor::{Core, context};
use crate::task::waits::Waits;
use crate::wait_queue::Ticket;
use crate::waker;

/// A place, once it was polled.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// Where it is.
    ticket: Option<(Rc<Core>, Ticket)>,
}

impl Place {
    /// Waits until the executor that runs on this thread is idle, at `until` or later.
    ///
    /// Nothing may be borrowed: a foreign waker is cloned and dropped here.
    pub(super) fn poll(
        &mut self,
        until: Instant,
        waits: Waits,
        at: &'static Location<'static>,
        cx: &Context<'_>,
    ) -> Poll<()> {
        let core = context::with(Rc::clone);
        let here = self.ticket.as_ref();
        let here = here.and_then(|(home, ticket)| Rc::ptr_eq(home, &core).then_some(*ticket));
        if here.is_none() {
            // It has moved here from another executor, or is new.
            self.leave();
        } else if here.is_some_and(|ticket| core.idlers().is_woken(ticket)) {
            self.leave();
            return Poll::Ready(());
        }
        core.scheduler().note(waits, at);
        let mut ticket = here;
        let replaced = core
            .idlers()
            .wait(&mut ticket, waker::keep(cx.waker()), until);
        drop(replaced);
        self.ticket = ticket.map(|ticket| (core, ticket));
        Poll::Pending
    }

    /// Gives the place up.
    fn leave(&mut self) {
        if let Some((core, ticket)) = self.ticket.take() {
            let waker = core.idlers().leave(ticket);
            drop(waker);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}
