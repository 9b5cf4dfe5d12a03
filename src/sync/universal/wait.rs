//! The leaf future of all who wait in one line until something is so, and then go on together: an
//! event is set, a queue is worked off.
//!
//! Who looks and finds it so goes on at once. Who waited when it became so goes on as well, although it
//! is so no longer when its turn comes: it was granted, and nobody takes that back.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use crate::executor::context;
use crate::place;
use crate::task::waits::{Thing, Waits};
use crate::task::yields;
use crate::wait_queue::{Ticket, WaitQueue};
use crate::waker;

/// What is so or is not, and the line of those who wait for it: behind one lock.
pub(super) trait Flag {
    /// Shows, under the lock, whether it is so and who waits for it. Whoever makes it so
    /// [grants](WaitQueue::grant_all) it to all in line under the same lock.
    fn look<R>(&self, f: impl FnOnce(bool, &mut WaitQueue) -> R) -> R;
}

/// The wait until it is so.
pub(super) struct Wait<'a, F: Flag> {
    /// What is waited for.
    flag: &'a F,
    /// The place in line, once it has had to wait.
    ticket: Option<Ticket>,
    /// What texts call it.
    thing: Thing,
    /// Where the task waits.
    at: &'static Location<'static>,
}

impl<'a, F: Flag> Wait<'a, F> {
    /// One that was not polled.
    #[track_caller]
    pub(super) fn new(flag: &'a F, thing: Thing) -> Self {
        Self {
            flag,
            ticket: None,
            thing,
            at: place::here(),
        }
    }

    /// Whether it is over; if not, the waker is taken. What it leaves is to be dropped outside.
    fn look(&mut self, waker: &mut Option<Waker>) -> bool {
        self.flag.look(|is_so, line| {
            let is_granted = self.ticket.is_some_and(|ticket| line.is_granted(ticket));
            if is_granted || is_so {
                return true;
            }
            if let Some(new) = waker.take() {
                *waker = line.wait(&mut self.ticket, new, ());
            }
            false
        })
    }
}

impl<F: Flag> Future for Wait<'_, F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let at = self.at;
        ready!(yields::spend(cx, at));
        let mut waker = Some(waker::keep(cx.waker()));
        let is_over = self.look(&mut waker);
        drop(waker);
        if is_over {
            return Poll::Ready(());
        }
        context::note(Waits::THREAD.by_name(self.thing), at);
        Poll::Pending
    }
}

impl<F: Flag> Drop for Wait<'_, F> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else {
            return;
        };
        let waker = self.flag.look(|_, line| {
            if line.is_granted(ticket) {
                None
            } else {
                line.leave(ticket)
            }
        });
        drop(waker);
    }
}
