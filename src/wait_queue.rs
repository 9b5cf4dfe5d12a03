//! Who waits, in order: the queue under every place where tasks wait in line.
//!
//! ```text
//!                   woken: keeps its place until it leaves, or has to wait again
//!   wait ─► [ t4 │ t7 │ t9 ] ◄─ leave, from anywhere
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
//! The first in line lies in the queue itself: nearly always there is no other, and then nothing is
//! allocated and nothing is searched. Why a `VecDeque` and a search behind it and not links: tickets
//! ascend, so the search is binary. Read next: `reactor/source.rs`, where waiters are woken, and
//! `sync/line.rs`, where they are granted.

use std::collections::VecDeque;
use std::mem;
use std::task::Waker;

/// The right to a place in a queue, had by [`WaitQueue::wait`]; given back with [`WaitQueue::leave`],
/// or taken by a grant.
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

/// Those who wait, first come first, and what each wants. In this order, as the others are mostly not looked at.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct WaitQueue<W = ()> {
    /// The first.
    first: Option<Waiter<W>>,
    /// The next ticket.
    next: Ticket,
    /// Those behind it, in order of their tickets.
    others: VecDeque<Waiter<W>>,
}

impl<W> WaitQueue<W> {
    /// A queue in which nobody waits.
    pub(crate) const fn new() -> Self {
        Self {
            first: None,
            next: Ticket(0),
            others: VecDeque::new(),
        }
    }

    /// Takes a place at the end.
    fn join(&mut self, waker: Waker, wants: W) -> Ticket {
        let ticket = self.next;
        self.next = Ticket(ticket.0 + 1);
        let waiter = Waiter {
            ticket,
            waker: Some(waker),
            wants,
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

    /// Waits (again) in the place of `ticket`, or at the end if there is none yet; what a waiter
    /// wants stays as it was when it came. Returns the waker that is replaced.
    #[must_use]
    pub(crate) fn wait(
        &mut self,
        ticket: &mut Option<Ticket>,
        waker: Waker,
        wants: W,
    ) -> Option<Waker> {
        let Some(ticket) = *ticket else {
            *ticket = Some(self.join(waker, wants));
            return None;
        };
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
            Some(first) if first.ticket == ticket => self.take_first(),
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

    /// Marks all those as woken whose wants are `hopeless`, and returns their wakers.
    #[must_use]
    pub(crate) fn wake_all(&mut self, hopeless: impl Fn(&W) -> bool) -> Vec<Waker> {
        let waiters = self.first.iter_mut().chain(&mut self.others);
        waiters
            .filter(|waiter| hopeless(&waiter.wants))
            .filter_map(|waiter| waiter.waker.take())
            .collect()
    }

    /// What those want who were not woken, in line.
    pub(crate) fn wants(&self) -> impl Iterator<Item = &W> {
        let waiters = self.first.iter().chain(&self.others);
        waiters
            .filter(|waiter| waiter.waker.is_some())
            .map(|waiter| &waiter.wants)
    }

    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Takes the first waiter out of line.
    fn take_first(&mut self) -> Option<Waiter<W>> {
        mem::replace(&mut self.first, self.others.pop_front())
    }

    /// Where the waiter with this ticket stands behind the first.
    #[cold]
    fn index(&self, ticket: Ticket) -> usize {
        let by_ticket = |waiter: &Waiter<W>| waiter.ticket;
        let index = self.others.binary_search_by_key(&ticket, by_ticket);
        index.expect("a ticket is good until it is given back")
    }
}

/// What is handed over in line.
#[cfg(feature = "sync")]
impl<W> WaitQueue<W> {
    /// Whether this waiter was granted what it wants: tickets ascend, and only the first is granted,
    /// so all who wait have higher ones.
    pub(crate) fn is_granted(&self, ticket: Ticket) -> bool {
        self.first
            .as_ref()
            .is_none_or(|first| ticket < first.ticket)
    }

    /// The first waiter, and what it wants.
    pub(crate) fn first(&self) -> Option<(Ticket, &W)> {
        let first = self.first.as_ref()?;
        Some((first.ticket, &first.wants))
    }

    /// Takes the first waiter out of line, whose own is then what it wants; returns its waker, if it
    /// was not woken before.
    #[must_use]
    pub(crate) fn grant_first(&mut self) -> Option<Waker> {
        self.take_first()?.waker
    }

    /// Takes all who wait out of line, in order, as [`grant_first`](Self::grant_first) does the first.
    #[must_use]
    pub(crate) fn grant_all(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::new();
        while !self.is_empty() {
            wakers.extend(self.grant_first());
        }
        wakers
    }

    /// The ticket of whoever comes next: all who wait have lower ones.
    pub(crate) fn next(&self) -> Ticket {
        self.next
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }
}

impl<W> Default for WaitQueue<W> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_from_anywhere_leaves_the_others_in_order() {
        let mut queue = WaitQueue::default();
        let [first, second, third, fourth] =
            [(); 4].map(|()| queue.join(Waker::noop().clone(), ()));
        assert!(queue.leave(third).is_some(), "from between");
        assert!(queue.leave(first).is_some(), "from the front");

        assert!(queue.wake_first().is_some());
        assert!(queue.is_woken(second) && !queue.is_woken(fourth));
        assert!(queue.wake_first().is_none(), "one wake at a time");
        let replaced = queue.wait(&mut Some(second), Waker::noop().clone(), ());
        assert!(replaced.is_none() && !queue.is_woken(second));
        let replaced = queue.wait(&mut Some(fourth), Waker::noop().clone(), ());
        assert!(replaced.is_some(), "it was not woken");
        assert!(queue.leave(second).is_some());

        assert!(queue.wake_first().is_some() && queue.is_woken(fourth));
        assert!(queue.leave(fourth).is_none(), "with a wake in hand");
        assert!(queue.is_empty());
    }
}
