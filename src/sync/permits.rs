//! Things that are counted out: permits, room, items.
//!
//! ```text
//!   take(n) ─► nobody waits and n are free? ─► has them
//!                  │ no: in line                     give(n)
//!                  └─► [ wants 2 │ wants 1 │ … ] ◄── free += n, and as long as the first in line
//!                        └─► has them                can have what it wants, it has it
//! ```
//!
//! The law: *while somebody waits, the first in line wants more than is free*. So whatever makes more
//! free or takes a waiter out of line settles, that is grants until the law holds again. A newcomer
//! never looks at what is free while somebody waits: it cannot barge, and a big want is not starved by
//! small ones.
//!
//! There is a limit to what can ever be free at once. Whoever wants more than that is refused, now or
//! when the limit falls below what it waits for, and does not wait for ever. A limit of nothing is how
//! the line is closed: what is free can still be had, and nobody waits any more.
//!
//! Read next: `sync/semaphore.rs`, then `sync/queue.rs`.

use std::cell::Cell;
use std::panic::Location;
use std::task::{Context, Poll, ready};

use crate::place;
use crate::sync::line::{Line, Seat, Standing};
use crate::task::waits::Thing;
use crate::task::yields;

/// A number of things, and who waits for some of them.
pub(super) struct Permits {
    /// How many can be had.
    free: Cell<usize>,
    /// How many there may ever be at once.
    limit: Cell<usize>,
    /// Who waits, and for how many.
    line: Line<usize>,
}

impl Permits {
    /// This many things, of which there may once be so many as the limit says, and how texts name one.
    pub(super) const fn new(free: usize, limit: usize, thing: Thing) -> Self {
        Self {
            free: Cell::new(free),
            limit: Cell::new(limit),
            line: Line::new(thing),
        }
    }

    /// How many can be had.
    pub(super) fn free(&self) -> usize {
        self.free.get()
    }

    /// How many there may ever be at once.
    pub(super) fn limit(&self) -> usize {
        self.limit.get()
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.line.len()
    }

    /// Whether a newcomer can have `count` at once.
    pub(super) fn has(&self, count: usize) -> bool {
        self.line.is_empty() && count <= self.free.get()
    }

    /// Takes `count`, if a newcomer can have them at once.
    pub(super) fn try_take(&self, count: usize) -> bool {
        self.has(count) && self.charge(count)
    }

    /// Takes `count` in its turn.
    #[track_caller]
    pub(super) fn take(&self, count: usize) -> Take<'_> {
        Take {
            permits: self,
            count,
            seat: Seat::default(),
            at: place::here(),
        }
    }

    /// Takes `count` in the turn of a seat, whose owner [leaves](Self::leave) it when it is dropped.
    /// They are the caller's then.
    ///
    /// # Errors
    ///
    /// Returns an error if it can never have so many.
    #[inline]
    pub(super) fn poll_take(
        &self,
        seat: &mut Seat,
        at: &'static Location<'static>,
        cx: &mut Context<'_>,
        count: usize,
    ) -> Poll<Result<(), Refused>> {
        if seat.is_outside() && self.has(count) {
            ready!(yields::spend(cx, at));
            self.free.set(self.free.get() - count);
            return Poll::Ready(Ok(()));
        }
        self.poll_line(seat, at, cx, count)
    }

    /// The same where there is something to wait for.
    #[inline(never)]
    fn poll_line(
        &self,
        seat: &mut Seat,
        at: &'static Location<'static>,
        cx: &mut Context<'_>,
        count: usize,
    ) -> Poll<Result<(), Refused>> {
        loop {
            ready!(seat.poll(&self.line, at, cx, count, |standing| {
                let is_there = standing == Standing::Outside && self.has(count);
                is_there || count > self.limit.get()
            }));
            if seat.leave(&self.line) == Standing::Granted || self.try_take(count) {
                return Poll::Ready(Ok(()));
            }
            if count > self.limit.get() {
                // Whoever stood behind it may want less.
                self.settle();
                return Poll::Ready(Err(Refused));
            }
            // What was there was taken in between, by the destructor of a foreign waker.
        }
    }

    /// Gives up a seat in which `count` were waited for, and what was granted and not taken.
    #[inline]
    pub(super) fn leave(&self, seat: &mut Seat, count: usize) {
        match seat.leave(&self.line) {
            Standing::Outside => {}
            Standing::Waiting => self.settle(),
            Standing::Granted => self.give(count),
        }
    }

    /// Gives `count` to those who wait, or makes them free.
    #[inline]
    pub(super) fn give(&self, count: usize) {
        self.free.set(self.free.get() + count);
        if !self.line.is_empty() {
            self.settle();
        }
    }

    /// Lowers the limit; refuses those who wait for more.
    pub(super) fn lower_limit(&self, limit: usize) {
        self.limit.set(limit);
        self.line.wake_all(|&wanted| wanted > limit);
    }

    /// Grants what can be granted.
    #[inline(never)]
    fn settle(&self) {
        while self.line.grant_first(|_, &wanted| self.charge(wanted)) {}
    }

    /// Takes `count` of what is free, if it is enough.
    fn charge(&self, count: usize) -> bool {
        let left = self.free.get().checked_sub(count);
        self.free.set(left.unwrap_or(self.free.get()));
        left.is_some()
    }
}

/// More was wanted than there can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused;

/// The wait for some permits; what was granted and not taken is given back when it is dropped.
pub(super) struct Take<'a> {
    /// Of which.
    permits: &'a Permits,
    /// How many.
    count: usize,
    /// The seat in line.
    seat: Seat,
    /// Where the task waits.
    at: &'static Location<'static>,
}

impl Take<'_> {
    /// Waits until it has them; they are the caller's then.
    ///
    /// # Errors
    ///
    /// Returns an error if it can never have so many.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        let Self { permits, count, .. } = *self;
        permits.poll_take(&mut self.seat, self.at, cx, count)
    }

    /// Where the task waits.
    pub(super) fn at(&self) -> &'static Location<'static> {
        self.at
    }
}

impl Drop for Take<'_> {
    fn drop(&mut self) {
        self.permits.leave(&mut self.seat, self.count);
    }
}
