//! One descriptor: what is known of its readiness, and who waits for it.
//!
//! The readiness rule. An edge is told once, so what it said is remembered:
//!
//! ```text
//!                    event                 would block
//!   [not ready] ───────────────► [ready] ───────────────► [not ready]
//!                                   │  short read of a TCP stream, if the last event told of
//!                                   ├─ data alone ───────► [not ready]     (Linux)
//!                                   └─ full read ────────► [in doubt] ─ asked ─► either
//! ```
//!
//! Try first; *only would-block clears it*. A short read would tell as well that nothing is left,
//! and saves the call that would find that out, but it does so only for a TCP stream: a Unix stream
//! stops short at a passed descriptor, a datagram or a terminal line is short by nature. And not if
//! the event told of more than data: after the end, an error or an urgent mark no second edge comes.
//! A `peek` consumes nothing and clears nothing; nor does any error, since after `EMFILE` no edge
//! comes.
//!
//! A read that fills its buffer tells nothing. But if one that brought as much was followed by a
//! would-block, this one probably will be, too, as where all messages are of one size. Then it is not
//! tried but asked about, together with others (`reactor/doubts.rs`); and if that guess was wrong,
//! which is seen by more data without an event, the next one is not made.
//!
//! Several tasks may wait on one side: first come, first served. Who is woken and leaves without
//! having found would-block passes the wake on, whether it was dropped or served (see
//! `wait_queue.rs`). Read next: `io/async_fd.rs`, the leaf future.

use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::iter;
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::reactor::simulated::Socket;
use crate::reactor::{Event, Interest, Key, Reactor};
use crate::wait_queue::{Ticket, WaitQueue};
use crate::waker;

/// One of the two things that can be done with a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Read, accept, receive.
    Read,
    /// Write, connect, send.
    Write,
}

/// One side of a source, in the order in which it is looked at (see [`Source`]).
#[repr(C)]
pub(super) struct Side {
    /// Whether the operation is worth a try.
    pub(super) is_ready: Cell<bool>,
    /// Who polls from outside our own leaf future: at most one, which has no place in line, and is
    /// woken at every event.
    pub(super) poller: Cell<Option<Waker>>,
    /// Who waits.
    queue: RefCell<WaitQueue>,
}

impl Side {
    /// A side that was not tried yet.
    fn new() -> Self {
        Self {
            is_ready: Cell::new(true),
            poller: Cell::new(None),
            queue: RefCell::default(),
        }
    }

    /// Notes that it is ready; who is to be woken goes to `wakers`.
    pub(super) fn on_event(&self, wakers: &mut Vec<Waker>) {
        self.is_ready.set(true);
        if let Some(first) = self.queue.borrow_mut().wake_first() {
            wakers.push(first);
        }
        if let Some(poller) = self.poller.take() {
            wakers.push(poller);
        }
    }

    /// Whether anybody waits for it to become ready.
    fn is_wanted(&self) -> bool {
        let poller = self.poller.take();
        let is_polled = poller.is_some();
        self.poller.set(poller);
        !self.is_ready.get() && (is_polled || !self.queue.borrow().is_empty())
    }
}

/// A reactor that a descriptor is registered with.
struct Home {
    /// The reactor.
    reactor: Rc<Reactor>,
    /// The source's name there.
    key: Key,
    /// The one it was registered with before.
    next: Option<Box<Self>>,
}

/// One descriptor that tasks wait for.
///
/// Among a thousand sockets each request finds all this out of the cache. So what it looks at lies
/// together, in this order, and the one home that nearly all have lies within.
#[repr(C)]
pub(crate) struct Source {
    /// Where it is registered: with every executor under which somebody has had to wait, unless that
    /// has ended.
    home: RefCell<Option<Home>>,
    /// How much the last read brought, if it filled its buffer and no event came since; else zero.
    filled: Cell<usize>,
    /// How much such a read brings, as it seems, when it leaves nothing behind; or zero.
    emptied: Cell<usize>,
    /// Whether the last event told of more than data.
    more_than_data: Cell<bool>,
    /// Reading.
    read: Side,
    /// Writing.
    write: Side,
    /// The simulated socket whose readiness this is, if there is no descriptor. Set behind the constructor:
    /// a compiler that sees only one kind of socket passed there keeps all its code, also where none is.
    pub(super) socket: OnceCell<Rc<dyn Socket>>,
}

impl Source {
    /// A source that is registered nowhere.
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self {
            home: RefCell::new(None),
            filled: Cell::new(0),
            emptied: Cell::new(0),
            more_than_data: Cell::new(false),
            read: Side::new(),
            write: Side::new(),
            socket: OnceCell::new(),
        })
    }

    /// One side.
    pub(super) fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }

    /// Notes what an event tells.
    pub(crate) fn on_event(&self, event: Event, wakers: &mut Vec<Waker>) {
        if event.read {
            self.filled.set(0);
            self.on_answer(Some(event), wakers);
        }
        if event.write {
            self.write.on_event(wakers);
        }
    }

    /// Notes what there is to read, asked because of a doubt.
    pub(crate) fn on_answer(&self, answer: Option<Event>, wakers: &mut Vec<Waker>) {
        if let Some(event) = answer {
            self.more_than_data.set(event.more_than_data);
            self.read.on_event(wakers);
        }
    }

    /// Whether the operation is worth a try now, for who has this ticket, or none yet.
    #[inline]
    pub(crate) fn may_try(&self, direction: Direction, ticket: Option<Ticket>) -> bool {
        let side = self.side(direction);
        side.is_ready.get()
            && match ticket {
                Some(ticket) => side.queue.borrow().is_woken(ticket),
                None => side.queue.borrow().is_empty(),
            }
    }

    /// Waits for an event, in the place of `ticket`, or at the end if there is none yet.
    ///
    /// # Errors
    ///
    /// Returns an error if the kernel cannot watch the descriptor.
    pub(crate) fn wait(
        self: &Rc<Self>,
        direction: Direction,
        ticket: &mut Option<Ticket>,
        cx: &Context<'_>,
        fd: BorrowedFd<'_>,
        reactor: &Rc<Reactor>,
    ) -> io::Result<()> {
        self.join_line(direction, ticket, cx);
        self.watch(fd, reactor)
    }

    /// Waits in the place of `ticket`, or at the end of the line if there is none yet.
    pub(super) fn join_line(
        &self,
        direction: Direction,
        ticket: &mut Option<Ticket>,
        cx: &Context<'_>,
    ) {
        let side = self.side(direction);
        let waker = waker::keep(cx.waker());
        let replaced = side.queue.borrow_mut().wait(ticket, waker, ());
        drop(replaced);
    }

    /// Waits for an event without a place in line; replaces who waited so before.
    ///
    /// # Errors
    ///
    /// Returns an error if the kernel cannot watch the descriptor.
    #[cfg(feature = "futures-io")]
    pub(crate) fn wait_unqueued(
        self: &Rc<Self>,
        direction: Direction,
        cx: &Context<'_>,
        fd: BorrowedFd<'_>,
        reactor: &Rc<Reactor>,
    ) -> io::Result<()> {
        let waker = waker::keep(cx.waker());
        drop(self.side(direction).poller.replace(Some(waker)));
        self.watch(fd, reactor)
    }

    /// Notes that the operation would have blocked.
    pub(crate) fn would_block(&self, direction: Direction) {
        self.side(direction).is_ready.set(false);
        if direction == Direction::Read {
            self.more_than_data.set(false);
            let filled = self.filled.take();
            if filled > 0 {
                self.emptied.set(filled);
            }
        }
    }

    /// Notes that a consuming read of a TCP stream brought less than there was room for.
    pub(crate) fn short_read(&self) {
        self.note_filled(0);
        if self.tells_of_data_alone() {
            self.read.is_ready.set(false);
        }
    }

    /// Notes that a consuming read of a TCP stream brought `count` bytes, all there was room for.
    pub(crate) fn full_read(&self, count: usize, fd: BorrowedFd<'_>) {
        self.note_filled(count);
        if count == self.emptied.get() && self.tells_of_data_alone() {
            self.read.is_ready.set(false);
            for home in homes(&self.home.borrow()) {
                home.reactor.doubt(fd, home.key);
            }
        }
    }

    /// Notes how much a read brought if it filled its buffer. That there was something to read, and no
    /// event, tells that the read before it had left it behind.
    fn note_filled(&self, count: usize) {
        let before = self.filled.replace(count);
        if before > 0 && before == self.emptied.get() {
            self.emptied.set(0);
        }
    }

    /// Whether nothing but data is there to read, and an event will tell of what comes.
    fn tells_of_data_alone(&self) -> bool {
        cfg!(target_os = "linux") && self.is_registered() && !self.more_than_data.get()
    }

    /// Gives up a place in line, with a wake in hand or without.
    fn leave_line(&self, direction: Direction, ticket: Ticket) {
        let side = self.side(direction);
        let mut queue = side.queue.borrow_mut();
        let unwoken = queue.leave(ticket);
        let next = if unwoken.is_none() && side.is_ready.get() {
            queue.wake_first()
        } else {
            None
        };
        drop(queue);
        drop(unwoken);
        if let Some(next) = next {
            waker::wake_kept(next);
        }
    }

    /// Whether somebody has had to wait, so that events come.
    fn is_registered(&self) -> bool {
        self.home.borrow().is_some()
    }

    /// Has the kernel watch the descriptor for what is wanted, on behalf of this reactor too.
    fn watch(self: &Rc<Self>, fd: BorrowedFd<'_>, reactor: &Rc<Reactor>) -> io::Result<()> {
        let mut home = self.home.borrow_mut();
        let known = homes(&home).find(|home| Rc::ptr_eq(&home.reactor, reactor));
        let key = match known {
            Some(known) => known.key,
            None => {
                leave_ended(&mut home, fd);
                let key = reactor.add(fd, Rc::clone(self))?;
                let reactor = Rc::clone(reactor);
                let next = home.take().map(Box::new);
                *home = Some(Home { reactor, key, next });
                key
            }
        };
        let wanted = || Interest {
            read: self.read.is_wanted(),
            write: self.write.is_wanted(),
        };
        reactor.rearm(fd, key, wanted)
    }

    /// Takes the source out wherever it is; the descriptor may be closed then.
    pub(crate) fn leave(&self, fd: BorrowedFd<'_>) {
        let home = self.home.take();
        homes(&home).for_each(|home| home.reactor.remove(fd, home.key));
    }
}

/// A home and those behind it.
fn homes(first: &Option<Home>) -> impl Iterator<Item = &Home> {
    iter::successors(first.as_ref(), |home| home.next.as_deref())
}

/// Leaves the reactors that have ended: a socket may outlive any number of executors, and would keep their
/// descriptors.
fn leave_ended(first: &mut Option<Home>, fd: BorrowedFd<'_>) {
    let mut rest = first.take();
    while let Some(mut home) = rest {
        rest = home.next.take().map(|next| *next);
        if home.reactor.has_ended() {
            home.reactor.remove(fd, home.key);
        } else {
            home.next = first.take().map(Box::new);
            *first = Some(home);
        }
    }
}

/// A place in the line of one side, given up when it is dropped.
pub(crate) struct Place<'a> {
    /// Whose line.
    pub(crate) source: &'a Rc<Source>,
    /// Which side.
    pub(crate) direction: Direction,
    /// The place, once taken.
    pub(crate) ticket: Option<Ticket>,
}

impl Place<'_> {
    /// Whether the operation is worth a try now.
    #[inline]
    pub(crate) fn may_try(&self) -> bool {
        self.source.may_try(self.direction, self.ticket)
    }

    /// Waits for an event in this place.
    pub(crate) fn wait(
        &mut self,
        cx: &Context<'_>,
        fd: BorrowedFd<'_>,
        reactor: &Rc<Reactor>,
    ) -> Poll<io::Error> {
        let Self {
            source,
            direction,
            ticket,
        } = self;
        match source.wait(*direction, ticket, cx, fd, reactor) {
            Ok(()) => Poll::Pending,
            Err(error) => {
                self.leave();
                Poll::Ready(error)
            }
        }
    }

    /// Gives up the place: what was waited for is done.
    #[inline]
    pub(crate) fn leave(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.source.leave_line(self.direction, ticket);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}
