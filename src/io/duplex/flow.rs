//! One direction of a pair of streams in memory: bytes on their way, and who waits at either side.
//!
//! There is a line of readers and one of writers, first come, first served. The law of both: *while
//! there is something to do for a line, its first waiter is woken* (and stays in line until it has
//! done it, see `wait_queue.rs`). So whatever gives a line something to do wakes its first, and
//! whoever leaves it, served or dropped, wakes the next if there is still something to do: no wake is
//! lost with who was to have it.
//!
//! Nothing is borrowed while a waker is cloned, woken or dropped: a foreign one is user code. Read
//! next: `io/async_fd.rs`, which is the same over a descriptor.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Result};
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use crate::executor::context;
use crate::place;
use crate::reactor::source::Direction;
use crate::task::waits::Waits;
use crate::task::yields;
use crate::wait_queue::{Ticket, WaitQueue};
use crate::waker;

/// One direction: bytes on their way.
pub(super) struct Flow {
    /// What was written and not read.
    bytes: RefCell<VecDeque<u8>>,
    /// How many bytes may lie here.
    capacity: usize,
    /// Whether no more are to come, by whichever end.
    is_closed: Cell<bool>,
    /// Who waits for bytes.
    readers: Line,
    /// Who waits for room.
    writers: Line,
}

impl Flow {
    /// An open one with nothing in it.
    pub(super) fn new(capacity: usize) -> Rc<Self> {
        Rc::new(Self {
            bytes: RefCell::default(),
            capacity,
            is_closed: Cell::new(false),
            readers: Line::default(),
            writers: Line::default(),
        })
    }

    /// Moves bytes to `buf`, and gives the writers their room; pending if there are none yet.
    pub(super) fn take(&self, buf: &mut [u8]) -> Poll<Result<usize>> {
        let mut bytes = self.bytes.borrow_mut();
        if bytes.is_empty() && !self.is_closed.get() && !buf.is_empty() {
            return Poll::Pending;
        }
        // A ring has two halves, of which a read takes the first.
        let mut taken = bytes.read(buf)?;
        taken += bytes.read(&mut buf[taken..])?;
        drop(bytes);
        if taken > 0 {
            self.writers.wake_first();
        }
        Poll::Ready(Ok(taken))
    }

    /// Moves as many bytes of `buf` here as have room, and gives them to the readers; pending if
    /// none has.
    pub(super) fn put(&self, buf: &[u8]) -> Poll<Result<usize>> {
        if self.is_closed.get() {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let mut bytes = self.bytes.borrow_mut();
        let room = self.capacity - bytes.len();
        if room == 0 && !buf.is_empty() {
            return Poll::Pending;
        }
        let put = buf.len().min(room);
        bytes.extend(&buf[..put]);
        drop(bytes);
        if put > 0 {
            self.readers.wake_first();
        }
        Poll::Ready(Ok(put))
    }

    /// Lets no more bytes in.
    pub(super) fn close(&self) {
        self.is_closed.set(true);
        self.readers.wake_first();
        self.writers.wake_first();
    }

    /// Drops what lies here: nobody can read it any more, however long the other end lives.
    pub(super) fn forget(&self) {
        self.bytes.take();
    }

    /// How many bytes lie here.
    pub(super) fn len(&self) -> usize {
        self.bytes.borrow().len()
    }

    /// How many may lie here.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// One of the two lines.
    fn line(&self, direction: Direction) -> &Line {
        match direction {
            Direction::Read => &self.readers,
            Direction::Write => &self.writers,
        }
    }

    /// Whether there is something to do for a line.
    fn is_ready(&self, direction: Direction) -> bool {
        let len = self.len();
        let has_bytes_or_room = match direction {
            Direction::Read => len > 0,
            Direction::Write => len < self.capacity,
        };
        self.is_closed.get() || has_bytes_or_room
    }

    /// Gives up a place in line; the next in it is woken if there is something to do.
    fn leave(&self, direction: Direction, ticket: Ticket) {
        let line = self.line(direction);
        let waker = line.queue.borrow_mut().leave(ticket);
        drop(waker);
        if self.is_ready(direction) {
            line.wake_next();
        }
    }

    /// Tries `attempt`, and has the task woken when it is worth another try.
    #[cfg(feature = "futures-io")]
    #[track_caller]
    pub(super) fn poll_unqueued<T>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        attempt: impl FnOnce() -> Poll<T>,
    ) -> Poll<T> {
        let at = place::here();
        ready!(yields::spend(cx, at));
        let polled = attempt();
        if polled.is_pending() {
            context::note(Waits::TASK, at);
            let waker = waker::keep(cx.waker());
            let line = self.line(direction);
            drop(line.poller.replace(Some(waker)));
            // As in `Operation`.
            if self.is_ready(direction) {
                line.wake_first();
            }
        }
        polled
    }
}

/// Who waits for one thing.
#[derive(Default)]
struct Line {
    /// Those who have a place.
    queue: RefCell<WaitQueue>,
    /// Who polls without one: at most one, woken whenever there is something to do.
    poller: Cell<Option<Waker>>,
}

impl Line {
    /// Wakes the first in line, unless it is woken, and who polls: there is something to do.
    fn wake_first(&self) {
        let poller = self.poller.take();
        self.wake_next();
        if let Some(poller) = poller {
            waker::wake_kept(poller);
        }
    }

    /// Wakes the first in line, unless it is woken. Who polls has seen for itself that there was
    /// nothing to do, and was woken by what came since.
    fn wake_next(&self) {
        let first = self.queue.borrow_mut().wake_first();
        if let Some(first) = first {
            waker::wake_kept(first);
        }
    }

    /// Whether who has this ticket, or none yet, may try now.
    fn may_try(&self, ticket: Option<Ticket>) -> bool {
        let queue = self.queue.borrow();
        match ticket {
            Some(ticket) => queue.is_woken(ticket),
            None => queue.is_empty(),
        }
    }

    /// Waits in the place of `ticket`, or at the end if there is none yet.
    fn wait(&self, ticket: &mut Option<Ticket>, cx: &Context<'_>) {
        let waker = waker::keep(cx.waker());
        let replaced = self.queue.borrow_mut().wait(ticket, waker, ());
        drop(replaced);
    }
}

/// The leaf future: a read or a write that is tried when its turn has come.
pub(super) struct Operation<'a, F> {
    /// On what.
    flow: &'a Flow,
    /// In which of its lines.
    direction: Direction,
    /// The place in it, while there is one.
    ticket: Option<Ticket>,
    /// What is tried.
    attempt: F,
    /// Where the task waits.
    at: &'static Location<'static>,
}

impl<'a, F, T> Operation<'a, F>
where
    F: FnMut(&Flow) -> Poll<T>,
{
    /// One that was not tried yet.
    #[track_caller]
    pub(super) fn new(flow: &'a Flow, direction: Direction, attempt: F) -> Self {
        Self {
            flow,
            direction,
            ticket: None,
            attempt,
            at: place::here(),
        }
    }
}

impl<F> Operation<'_, F> {
    /// Gives up the place in line.
    fn leave(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.flow.leave(self.direction, ticket);
        }
    }
}

// Nothing in it is pinned: the attempt is called, not polled.
impl<F> Unpin for Operation<'_, F> {}

impl<F, T> Future for Operation<'_, F>
where
    F: FnMut(&Flow) -> Poll<T>,
{
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = &mut *self;
        let line = this.flow.line(this.direction);
        if line.may_try(this.ticket) {
            ready!(yields::spend(cx, this.at));
            if let Poll::Ready(done) = (this.attempt)(this.flow) {
                // Not only in drop: who keeps a future that is ready must not hold up the line.
                this.leave();
                return Poll::Ready(done);
            }
        }
        context::note(Waits::TASK, this.at);
        line.wait(&mut this.ticket, cx);
        // A foreign waker was cloned, which may have done anything since the attempt.
        if this.flow.is_ready(this.direction) {
            line.wake_next();
        }
        Poll::Pending
    }
}

impl<F> Drop for Operation<'_, F> {
    fn drop(&mut self) {
        self.leave();
    }
}
