//! Who waits, in order: the queue under every place where a task can wait for an event.
//!
//! ```text
//!   join ─► [ t4 woken ][ t7 │ t9 ] ◄─ leave, from anywhere
//!               ▲ wake_first marks it; it stays in line until it leaves or has to wait again
//! ```
//!
//! A waiter that was woken keeps its place until it has done what it came for. So a reader that is
//! woken and finds nothing does not lose its turn, and one that is dropped between its wake and its
//! poll is seen to leave with a wake in hand, which its place of waiting then gives to the next.
//!
//! Law: no user code in here. What a waker's `drop` may run is handed back to the caller, who drops
//! it when nothing is borrowed.
//!
//! The first in line lies in the queue itself: nearly always there is no other, and then nothing is
//! allocated and nothing is searched. Why a `VecDeque` and a search behind it and not links: tickets
//! ascend, so the search is binary. Read next: `reactor/source.rs`.

use std::collections::VecDeque;
use std::mem;
use std::task::Waker;

/// The right to a place in a queue; given back with [`WaitQueue::leave`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// One who waits.
#[derive(Debug)]
struct Waiter {
    /// Its place.
    ticket: Ticket,
    /// Whom to wake; `None` once woken.
    waker: Option<Waker>,
}

/// Those who wait, first come first.
#[derive(Debug, Default)]
pub(crate) struct WaitQueue {
    /// The first.
    first: Option<Waiter>,
    /// Those behind it, in order of their tickets.
    others: VecDeque<Waiter>,
    /// The next ticket.
    next: u64,
}

impl WaitQueue {
    /// Takes a place at the end.
    pub(crate) fn join(&mut self, waker: Waker) -> Ticket {
        let ticket = Ticket(self.next);
        self.next += 1;
        let waiter = Waiter {
            ticket,
            waker: Some(waker),
        };
        match self.first {
            None => self.first = Some(waiter),
            Some(_) => self.others.push_back(waiter),
        }
        ticket
    }

    /// Whether this waiter was woken and has not waited again since.
    pub(crate) fn is_woken(&self, ticket: Ticket) -> bool {
        let waiter = match &self.first {
            Some(first) if first.ticket == ticket => first,
            _ => &self.others[self.index(ticket)],
        };
        waiter.waker.is_none()
    }

    /// Waits (again), in the same place; returns the waker that is replaced.
    #[must_use]
    pub(crate) fn wait(&mut self, ticket: Ticket, waker: Waker) -> Option<Waker> {
        let waiter = match &mut self.first {
            Some(first) if first.ticket == ticket => first,
            _ => {
                let index = self.index(ticket);
                &mut self.others[index]
            }
        };
        waiter.waker.replace(waker)
    }

    /// Gives up the place. A waiter that was not woken returns its waker; `None` says that it was.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<Waker> {
        let left = match &self.first {
            Some(first) if first.ticket == ticket => {
                mem::replace(&mut self.first, self.others.pop_front())
            }
            _ => self.others.remove(self.index(ticket)),
        };
        left?.waker
    }

    /// Marks the first waiter as woken and returns its waker; `None` if it was woken before, or if
    /// nobody waits.
    #[must_use]
    pub(crate) fn wake_first(&mut self) -> Option<Waker> {
        self.first.as_mut()?.waker.take()
    }

    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Where the waiter with this ticket stands behind the first.
    #[cold]
    fn index(&self, ticket: Ticket) -> usize {
        self.others
            .binary_search_by_key(&ticket, |waiter| waiter.ticket)
            .expect("a ticket is good until it is given back")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_from_anywhere_leaves_the_others_in_order() {
        let mut queue = WaitQueue::default();
        let [first, second, third, fourth] = [(); 4].map(|()| queue.join(Waker::noop().clone()));
        assert!(queue.leave(third).is_some(), "from between");
        assert!(queue.leave(first).is_some(), "from the front");

        assert!(queue.wake_first().is_some());
        assert!(queue.is_woken(second) && !queue.is_woken(fourth));
        assert!(queue.wake_first().is_none(), "one wake at a time");
        let replaced = queue.wait(second, Waker::noop().clone());
        assert!(replaced.is_none() && !queue.is_woken(second));
        let replaced = queue.wait(fourth, Waker::noop().clone());
        assert!(replaced.is_some(), "it was not woken");
        assert!(queue.leave(second).is_some());

        assert!(queue.wake_first().is_some() && queue.is_woken(fourth));
        assert!(queue.leave(fourth).is_none(), "with a wake in hand");
        assert!(queue.is_empty());
    }
}
