//! The leaf futures of a universal queue: an item on its way in, and one on its way out.
//!
//! Both look, take what they can have and leave their waker otherwise, under one lock; so an item that
//! comes at the same time finds either the waker or nobody who waits.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::executor::context;
use crate::place;
use crate::sync::queue::{Closed, TryPutError};
use crate::sync::universal::Queue;
use crate::sync::universal::queue::wake;
use crate::task::waits::{Thing, Waits};
use crate::task::yields;
use crate::wait_queue::Ticket;
use crate::waker;

/// The wait for room.
pub(super) struct Put<'a, T> {
    /// Where it goes.
    queue: &'a Queue<T>,
    /// What is put.
    item: Option<T>,
    /// The place in line, once it has had to wait.
    ticket: Option<Ticket>,
    /// Where the task waits.
    at: &'static Location<'static>,
}

impl<'a, T> Put<'a, T> {
    /// One that was not polled.
    #[track_caller]
    pub(super) fn new(queue: &'a Queue<T>, item: T) -> Self {
        Self {
            queue,
            item: Some(item),
            ticket: None,
            at: place::here(),
        }
    }

    /// Takes the item back, or has it to put it.
    pub(super) fn take_item(&mut self) -> T {
        let item = self.item.take();
        item.expect("it is not polled after it was ready")
    }

    /// Waits for what was not there at the first look.
    #[inline(never)]
    fn poll_in_line(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed<T>>> {
        let mut waker = Some(waker::keep(cx.waker()));
        let mut state = self.queue.store.lock();
        if state.is_closed {
            drop(state);
            self.leave();
            return Poll::Ready(Err(Closed(self.take_item())));
        }
        if !state.poll_room(&mut self.ticket, &mut waker) {
            drop(state);
            drop(waker);
            context::note(Waits::THREAD.by_name(Thing::QueueRoom), self.at);
            return Poll::Pending;
        }
        let granted = state.land(self.take_item());
        drop(state);
        drop(waker);
        wake(granted);
        Poll::Ready(Ok(()))
    }

    /// Leaves the line; room that was granted goes to the next.
    fn leave(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let mut state = self.queue.store.lock();
            let (had_room, waker) = state.room.leave(ticket);
            let granted = had_room.then(|| state.room.give()).flatten();
            drop(state);
            drop(waker);
            wake(granted);
        }
    }
}

/// The item lies in it as in an `Option`.
impl<T> Unpin for Put<'_, T> {}

impl<T> Future for Put<'_, T> {
    type Output = Result<(), Closed<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        assert!(this.item.is_some(), "it was polled after it was ready");
        ready!(yields::spend(cx, this.at));
        if this.ticket.is_none() {
            match this.queue.try_put(this.take_item()) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(TryPutError::Closed(item)) => return Poll::Ready(Err(Closed(item))),
                Err(TryPutError::Full(item)) => this.item = Some(item),
            }
        }
        this.poll_in_line(cx)
    }
}

impl<T> Drop for Put<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.ticket.is_some() {
            self.leave();
        }
    }
}

/// The wait for an item.
pub(super) struct Get<'a, T> {
    /// Where it comes from.
    queue: &'a Queue<T>,
    /// The place in line, once it has had to wait.
    ticket: Option<Ticket>,
    /// Where the task waits.
    at: &'static Location<'static>,
}

impl<'a, T> Get<'a, T> {
    /// One that was not polled.
    #[track_caller]
    pub(super) fn new(queue: &'a Queue<T>) -> Self {
        Self {
            queue,
            ticket: None,
            at: place::here(),
        }
    }

    /// Waits for what was not there at the first look.
    #[inline(never)]
    fn poll_in_line(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Closed>> {
        let mut waker = Some(waker::keep(cx.waker()));
        // Before who waits there is nothing in front.
        let mut front = match self.ticket {
            None => self.queue.store.lock_front(),
            Some(_) => None,
        };
        if let Some(item) = front.as_mut().and_then(|front| front.take()) {
            drop(front);
            drop(waker);
            return Poll::Ready(Ok(item));
        }
        let mut state = self.queue.store.lock();
        if state.filled.poll(&mut self.ticket, &mut waker) {
            let (item, granted) = state.take_head(front.as_deref_mut());
            drop(state);
            drop(front);
            drop(waker);
            wake(granted);
            return Poll::Ready(Ok(item));
        }
        drop(front);
        let is_closed = state.is_closed;
        // Under the same lock, so nothing was granted since.
        let left = self.ticket.take_if(|_| is_closed);
        let left = left.map(|ticket| state.filled.leave(ticket));
        drop(state);
        drop((waker, left));
        if is_closed {
            return Poll::Ready(Err(Closed(())));
        }
        context::note(Waits::THREAD.by_name(Thing::QueueItem), self.at);
        Poll::Pending
    }

    /// Leaves the line; an item that was granted goes to the next, or has never left the head.
    fn leave(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let mut state = self.queue.store.lock();
            let (had_one, waker) = state.filled.leave(ticket);
            let granted = had_one.then(|| state.filled.give()).flatten();
            drop(state);
            drop(waker);
            wake(granted);
        }
    }
}

impl<T> Future for Get<'_, T> {
    type Output = Result<T, Closed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        ready!(yields::spend(cx, this.at));
        if this.ticket.is_none()
            && let Ok(item) = this.queue.try_get()
        {
            return Poll::Ready(Ok(item));
        }
        this.poll_in_line(cx)
    }
}

impl<T> Drop for Get<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.ticket.is_some() {
            self.leave();
        }
    }
}
