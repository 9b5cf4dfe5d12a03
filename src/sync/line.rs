//! A line of those who wait to be granted something, and the leaf future's place in it.
//!
//! ```text
//!   Outside ── poll: nothing there ──► Waiting ── grant ──► Granted
//!      │ poll: it is there                │ leave              │ poll: takes it
//!      ▼                                  ▼                    ▼ leave: must give it on
//! ```
//!
//! Whatever tasks of one thread wait for in line they wait for here, so this is where the laws are
//! kept: nothing is borrowed while a waker is cloned, woken or dropped (a foreign one is user code, and
//! may come back with anything), and what was looked at before that is looked at again. Two wait
//! without: the one receiver of a `sync/oneshot.rs`, and all who share a `sync/universal.rs` with
//! threads.
//!
//! Read next: `sync/event.rs`, the smallest use, and `sync/permits.rs`, on which all stand that count.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::panic::Location;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::executor::context;
use crate::place;
use crate::task::waits::{Thing, Waits};
use crate::task::yields;
use crate::wait_queue::{Ticket, WaitQueue};
use crate::waker;

/// Who waits to be granted something; `W` is how much or what of it.
pub(super) struct Line<W = ()> {
    /// In order.
    queue: RefCell<WaitQueue<W>>,
    /// What is noted of who waits here.
    waits: Waits,
    /// Nothing in here would forbid it, but what tasks share stays on their thread.
    not_send: PhantomData<Rc<()>>,
}

impl<W> Line<W> {
    /// A line in which nobody waits for the thing, which other tasks give.
    pub(super) const fn new(thing: Thing) -> Self {
        Self::noting(Waits::TASK.by_name(thing))
    }

    /// A line in which nobody waits; of who does, this is noted.
    pub(super) const fn noting(waits: Waits) -> Self {
        Self {
            queue: RefCell::new(WaitQueue::new()),
            waits,
            not_send: PhantomData,
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.queue.borrow().len()
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.borrow().is_empty()
    }

    /// Grants the first in line what it wants, if `charge` can pay for it. Returns whether it could.
    pub(super) fn grant_first(&self, charge: impl FnOnce(Ticket, &W) -> bool) -> bool {
        let mut queue = self.queue.borrow_mut();
        let first = queue.first();
        if !first.is_some_and(|(ticket, wants)| charge(ticket, wants)) {
            return false;
        }
        let waker = queue.grant_first();
        drop(queue);
        if let Some(waker) = waker {
            waker::wake_kept(waker);
        }
        true
    }

    /// Grants all who wait now what they want, in order.
    pub(super) fn grant_all(&self) {
        // Not those who come while these are woken.
        let end = self.queue.borrow().next();
        while self.grant_first(|ticket, _| ticket < end) {}
    }

    /// Wakes all whose wants are `hopeless`, for them to see it.
    pub(super) fn wake_all(&self, hopeless: impl Fn(&W) -> bool) {
        let wakers = self.queue.borrow_mut().wake_all(hopeless);
        wakers.into_iter().for_each(waker::wake_kept);
    }
}

/// How a future stands to its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has not had to wait.
    Outside,
    /// It waits.
    Waiting,
    /// It has what it waited for.
    Granted,
}

/// The part of a leaf future that waits in a line; leaves it when dropped.
pub(super) struct Place<'a, W = ()> {
    /// The line.
    line: &'a Line<W>,
    /// The seat in it.
    seat: Seat,
    /// Where the task waits.
    at: &'static Location<'static>,
}

impl<'a, W> Place<'a, W> {
    /// None yet.
    #[track_caller]
    pub(super) fn new(line: &'a Line<W>) -> Self {
        Self {
            line,
            seat: Seat::default(),
            at: place::here(),
        }
    }

    /// Waits; see [`Seat::poll`].
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        wants: W,
        is_over: impl Fn(Standing) -> bool,
    ) -> Poll<()> {
        self.seat.poll(self.line, self.at, cx, wants, is_over)
    }

    /// Gives up the place, and says how it stood: what was granted is the caller's from now on.
    pub(super) fn leave(&mut self) -> Standing {
        self.seat.leave(self.line)
    }
}

impl<W> Drop for Place<'_, W> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The same for a future that owns what the line is in: it says each time which line it means, always
/// the same, and leaves it when it is dropped.
#[derive(Default)]
pub(super) struct Seat {
    /// The place in the line, once it has had to wait.
    ticket: Option<Ticket>,
}

impl Seat {
    /// How it stands now.
    fn standing<W>(&self, line: &Line<W>) -> Standing {
        match self.ticket {
            None => Standing::Outside,
            Some(ticket) if line.queue.borrow().is_granted(ticket) => Standing::Granted,
            Some(_) => Standing::Waiting,
        }
    }

    /// Waits until it is granted `wants`, or `is_over` says of how it stands that there is nothing
    /// more to wait for. Then the caller [leaves](Self::leave), in this poll, and takes what is there,
    /// if it still is: a waker that was kept for nothing has been dropped meanwhile.
    pub(super) fn poll<W>(
        &mut self,
        line: &Line<W>,
        at: &'static Location<'static>,
        cx: &mut Context<'_>,
        wants: W,
        is_over: impl Fn(Standing) -> bool,
    ) -> Poll<()> {
        let mut kept = None;
        loop {
            let standing = self.standing(line);
            if standing == Standing::Granted || is_over(standing) {
                return yields::spend(cx, at);
            }
            let Some(waker) = kept.take() else {
                // The clone of a foreign waker may do anything: after it, all is looked at again.
                kept = Some(waker::keep(cx.waker()));
                continue;
            };
            let replaced = line.queue.borrow_mut().wait(&mut self.ticket, waker, wants);
            drop(replaced);
            context::note(line.waits, at);
            return Poll::Pending;
        }
    }

    /// Whether it has not had to wait, which nearly all have not.
    #[inline]
    pub(super) fn is_outside(&self) -> bool {
        self.ticket.is_none()
    }

    /// Gives up the place, and says how it stood: what was granted is the caller's from now on.
    #[inline]
    pub(super) fn leave<W>(&mut self, line: &Line<W>) -> Standing {
        if self.is_outside() {
            return Standing::Outside;
        }
        self.leave_line(line)
    }

    /// The same for one that had to wait.
    #[inline(never)]
    fn leave_line<W>(&mut self, line: &Line<W>) -> Standing {
        let standing = self.standing(line);
        if let Some(ticket) = self.ticket.take()
            && standing == Standing::Waiting
        {
            let waker = line.queue.borrow_mut().leave(ticket);
            drop(waker);
        }
        standing
    }
}
