//! Who waits, in order: the queue under every place where a task can wait for an event.
//!
//! ```text
//!   join ─► [ t4 woken │ t7 │ t9 ] ◄─ leave, from anywhere
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
//! Why a `VecDeque` and a search and not links: waiters are few, tickets ascend so the search is
//! binary, and nothing is allocated once the queue has grown. Read next: `reactor/source.rs`.

use std::collections::VecDeque;
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
    /// In order of their tickets.
    waiters: VecDeque<Waiter>,
    /// The next ticket.
    next: u64,
}

impl WaitQueue {
    /// Takes a place at the end.
    pub(crate) fn join(&mut self, waker: Waker) -> Ticket {
        let ticket = Ticket(self.next);
        self.next += 1;
        self.waiters.push_back(Waiter {
            ticket,
            waker: Some(waker),
        });
        ticket
    }

    /// Whether this waiter was woken and has not waited again since.
    pub(crate) fn is_woken(&self, ticket: Ticket) -> bool {
        self.waiters[self.index(ticket)].waker.is_none()
    }

    /// Waits (again), in the same place; returns the waker that is replaced.
    #[must_use]
    pub(crate) fn wait(&mut self, ticket: Ticket, waker: Waker) -> Option<Waker> {
        let index = self.index(ticket);
        self.waiters[index].waker.replace(waker)
    }

    /// Gives up the place. A waiter that was not woken returns its waker; `None` says that it was.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<Waker> {
        let index = self.index(ticket);
        self.waiters.remove(index)?.waker
    }

    /// Marks the first waiter as woken and returns its waker; `None` if it was woken before, or if
    /// nobody waits.
    #[must_use]
    pub(crate) fn wake_first(&mut self) -> Option<Waker> {
        self.waiters.front_mut()?.waker.take()
    }

    /// Marks all waiters as woken and returns their wakers, in order.
    #[must_use]
    pub(crate) fn wake_all(&mut self) -> Vec<Waker> {
        let wakers = self
            .waiters
            .iter_mut()
            .filter_map(|waiter| waiter.waker.take());
        wakers.collect()
    }

    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// Where the waiter with this ticket stands.
    fn index(&self, ticket: Ticket) -> usize {
        self.waiters
            .binary_search_by_key(&ticket, |waiter| waiter.ticket)
            .expect("a ticket is good until it is given back")
    }
}
