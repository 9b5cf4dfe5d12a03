//! Who waits, in order: the queue under every place where tasks wait in line.
//!
//! ```text
//!                   woken: keeps its place until it leaves, or has to wait again
//!   join ─► [ t4 │ t7 │ t9 ] ◄─ leave, from anywhere
//!              └─ granted: out of line, and what it came for is its own
//! ```
//!
//! There are two ways to serve a waiter. Where it has to try (a descriptor, a pipe) it is *woken*,
//! and keeps its place until it has done what it came for: a reader that is woken and finds nothing
//! does not lose its turn, and one that is dropped between its wake and its poll is seen to leave
//! with a wake in hand, which its place of waiting then gives to the next. Where what it wants can be
//! counted out (a lock, a permit, an event) it is *granted*: it is out of line, and by that, when it
//! is polled, it knows. One that is dropped before it knew finds the same, and gives back what it
//! has. So a granted waiter that nobody polls or drops any more holds up no line.
//!
//! Law: no user code in here. What a waker's `drop` may run is handed back to the caller, who drops
//! it when nothing is borrowed.
//!
//! Why a `VecDeque` and a search and not links: waiters are few, tickets ascend so the search is
//! binary, and nothing is allocated once the queue has grown. Read next: `reactor/source.rs`, where
//! waiters are woken, and `sync/line.rs`, where they are granted.

use std::collections::VecDeque;
use std::task::Waker;

/// The right to a place in a queue; given back with [`WaitQueue::leave`], or taken by a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// One who waits.
#[derive(Debug)]
struct Waiter<W> {
    /// Its place.
    ticket: Ticket,
    /// Whom to wake; `None` once woken.
    waker: Option<Waker>,
    /// What it wants.
    wants: W,
}

/// Those who wait, first come first, and what each wants.
#[derive(Debug)]
pub(crate) struct WaitQueue<W = ()> {
    /// In order of their tickets.
    waiters: VecDeque<Waiter<W>>,
    /// The next ticket.
    next: Ticket,
}

impl<W> WaitQueue<W> {
    /// A queue in which nobody waits.
    pub(crate) const fn new() -> Self {
        Self {
            waiters: VecDeque::new(),
            next: Ticket(0),
        }
    }

    /// Takes a place at the end.
    pub(crate) fn join(&mut self, waker: Waker, wants: W) -> Ticket {
        let ticket = self.next;
        self.next = Ticket(ticket.0 + 1);
        self.waiters.push_back(Waiter {
            ticket,
            waker: Some(waker),
            wants,
        });
        ticket
    }

    /// Whether this waiter was woken and has not waited again since.
    pub(crate) fn is_woken(&self, ticket: Ticket) -> bool {
        self.waiters[self.index(ticket)].waker.is_none()
    }

    /// Whether this waiter was granted what it wants.
    pub(crate) fn is_granted(&self, ticket: Ticket) -> bool {
        self.find(ticket).is_none()
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

    /// Marks all those as woken whose wants are `hopeless`, and returns their wakers.
    #[must_use]
    pub(crate) fn wake_all(&mut self, hopeless: impl Fn(&W) -> bool) -> Vec<Waker> {
        let waiters = self.waiters.iter_mut();
        waiters
            .filter(|waiter| hopeless(&waiter.wants))
            .filter_map(|waiter| waiter.waker.take())
            .collect()
    }

    /// The first waiter, and what it wants.
    pub(crate) fn first(&self) -> Option<(Ticket, &W)> {
        let first = self.waiters.front()?;
        Some((first.ticket, &first.wants))
    }

    /// Takes the first waiter out of line, whose own is then what it wants; returns its waker, if it
    /// was not woken before.
    #[must_use]
    pub(crate) fn grant_first(&mut self) -> Option<Waker> {
        self.waiters.pop_front()?.waker
    }

    /// The ticket of whoever comes next: all who wait have lower ones.
    pub(crate) fn next(&self) -> Ticket {
        self.next
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.waiters.len()
    }

    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// Where the waiter with this ticket stands.
    fn index(&self, ticket: Ticket) -> usize {
        self.find(ticket)
            .expect("a ticket is good until it is given back")
    }

    /// Where the waiter with this ticket stands, if it is in line.
    fn find(&self, ticket: Ticket) -> Option<usize> {
        let by_ticket = |waiter: &Waiter<W>| waiter.ticket;
        self.waiters.binary_search_by_key(&ticket, by_ticket).ok()
    }
}

impl<W> Default for WaitQueue<W> {
    fn default() -> Self {
        Self::new()
    }
}
