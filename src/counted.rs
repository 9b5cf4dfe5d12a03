//! So many of something, counted out to threads and tasks in one line: what lies under a lock where
//! they share it.
//!
//! ```text
//!   poll ─► nobody waits and one is free? ─► has it
//!              │ no: in line                        give
//!              └─► [ waker │ waker │ … ] ◄── the first has it, or, if nobody waits, it is free
//! ```
//!
//! The laws are those of `sync/line.rs`: first come, first served; what is given while somebody
//! waits is never free in between; what was granted to a wait that is dropped goes to the next. So
//! nobody waits while one is free, and the line is not even looked at then. Why that file does not do:
//! it is one thread's, and borrows; this is looked into under a lock.
//!
//! No user code runs in here. Wakers go in as copies that were made before the lock was taken, and
//! come out to be woken or dropped when it is free.
//!
//! Read next: `sync/universal/queue.rs`, which has two of them.

use std::task::Waker;

use crate::wait_queue::{Ticket, WaitQueue};

/// A number of things, and who waits for one.
#[derive(Debug)]
pub(crate) struct Counted {
    /// How many can be had.
    free: usize,
    /// Who waits.
    line: WaitQueue,
}

impl Counted {
    /// So many, all of them free.
    pub(crate) const fn new(free: usize) -> Self {
        Self {
            free,
            line: WaitQueue::new(),
        }
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.line.len()
    }

    /// How many can be had.
    pub(crate) fn free(&self) -> usize {
        self.free
    }

    /// Takes all that can be had.
    pub(crate) fn take_all(&mut self) {
        self.free = 0;
    }

    /// Takes one, if a newcomer can have it at once.
    #[inline]
    pub(crate) fn try_take(&mut self) -> bool {
        let has_one = self.free > 0;
        self.free -= usize::from(has_one);
        has_one
    }

    /// Gives one to the first in line, whose waker comes back, or makes it free.
    #[inline]
    #[must_use]
    pub(crate) fn give(&mut self) -> Option<Waker> {
        if self.free > 0 || self.line.is_empty() {
            self.free += 1;
            return None;
        }
        self.line.grant_first()
    }

    /// Takes one in its turn: `true` says that it has it, and has left the line. If not, `waker` is
    /// taken, to be woken when there is one; what it leaves is to be dropped when the lock is free.
    pub(crate) fn poll(&mut self, ticket: &mut Option<Ticket>, waker: &mut Option<Waker>) -> bool {
        match *ticket {
            Some(waiting) if self.line.is_granted(waiting) => {
                *ticket = None;
                return true;
            }
            None if self.try_take() => return true,
            _ => {}
        }
        let Some(new) = waker.take() else {
            return false;
        };
        *waker = self.line.wait(ticket, new, ());
        false
    }

    /// Leaves the line: `true` says that it had one, which the caller gives on. The waker that comes
    /// back is to be dropped when the lock is free.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> (bool, Option<Waker>) {
        if self.line.is_granted(ticket) {
            return (true, None);
        }
        (false, self.line.leave(ticket))
    }

    /// Takes the wakers of all who wait, to be woken when the lock is free. They keep their places.
    #[must_use]
    pub(crate) fn wake_all(&mut self) -> Vec<Waker> {
        self.line.wake_all(|()| true)
    }
}
