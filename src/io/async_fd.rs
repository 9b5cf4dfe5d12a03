//! [`AsyncFd`]: any descriptor, waited for; and the leaf future under every socket operation.
//!
//! ```text
//!   poll ─► may try? ─ no ──────────────────────────► wait in line
//!              │ yes                                      ▲
//!              ▼                                          │
//!          operation ─┬─ would block: readiness cleared ──┘
//!                     └─ anything else: done, the line moves on
//! ```
//!
//! Law: the owner is asked for its descriptor once, when it is taken in. What was registered is taken
//! out, whatever `as_fd` answers by then.
//!
//! A socket of `net` may be simulated (`reactor/simulated.rs`). Then there is neither owner nor
//! descriptor here, and the line and the readiness are the same: only the events come from elsewhere.
//! Read next: `net/tcp.rs`, which is std's methods over this.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::executor::context;
use crate::place;
use crate::reactor::simulated::On;
use crate::reactor::source::{Direction, Place, Source};
use crate::sys::Lent;
use crate::task::waits::Waits;
use crate::task::yields;

/// A descriptor that tasks can wait for: a socket, a pipe, a terminal, a device, an `eventfd`.
///
/// `T` owns the descriptor or has a share in it, as an `Rc` does; while it is in here it must answer
/// the same one to every `as_fd`, and the first is the one that is waited for.
///
/// Any number of tasks may wait on each of its sides, first come, first served: share the `AsyncFd`,
/// since two of them cannot wait for one descriptor. It may be made outside of an executor and waited
/// on under any one of its thread.
///
/// # Examples
///
/// ```
/// use bibelot::io::AsyncFd;
/// use std::io::{Read, Write};
/// use std::os::unix::net::UnixStream;
///
/// # fn main() -> std::io::Result<()> {
/// bibelot::run(async {
///     let (ours, mut theirs) = UnixStream::pair()?;
///     let ours = AsyncFd::new(ours)?;
///     theirs.write_all(b"hello")?;
///     let mut buf = [0; 8];
///     let n = ours.read_with(|mut stream| stream.read(&mut buf)).await?;
///     assert_eq!(&buf[..n], b"hello");
///     Ok(())
/// })
/// # }
/// ```
///
/// Nobody closes it under somebody who waits, since who waits borrows it:
///
/// ```compile_fail,E0505
/// # use bibelot::io::{self, AsyncFd};
/// # use std::os::unix::net::UnixStream;
/// # bibelot::run(async {
/// let (ours, theirs) = UnixStream::pair()?;
/// let ours = AsyncFd::new(ours)?;
/// let waits = ours.readable();
/// drop(ours);
/// waits.await
/// # });
/// ```
pub struct AsyncFd<T: AsFd> {
    /// What is known of its readiness.
    pub(super) source: Rc<Source>,
    /// The descriptor; `None` if it is a simulated socket.
    pub(super) lent: Option<Lent>,
    /// The descriptor's owner; `None` if it is a simulated socket, and on the way out.
    inner: Option<T>,
}

impl<T: AsFd + 'static> AsyncFd<T> {
    /// Takes a descriptor in and makes it non-blocking.
    ///
    /// # Errors
    ///
    /// Returns the system's error if it cannot be made non-blocking. A descriptor that cannot be
    /// waited for, such as a file's, is found out only when a task has to wait.
    pub fn new(inner: T) -> io::Result<Self> {
        let fd = Self::from_nonblocking(inner);
        rustix::io::ioctl_fionbio(fd.lent().as_fd(), true)?;
        Ok(fd)
    }

    /// Takes in a descriptor that is non-blocking already.
    pub(crate) fn from_nonblocking(inner: T) -> Self {
        Self {
            source: Source::new(),
            lent: Some(Lent::by(&inner)),
            inner: Some(inner),
        }
    }
}

impl<T: AsFd> AsyncFd<T> {
    /// Takes in a simulated socket.
    pub(crate) fn simulated(source: Rc<Source>) -> Self {
        Self {
            source,
            lent: None,
            inner: None,
        }
    }

    /// Another handle of the same socket, if it is a simulated one.
    pub(crate) fn clone_simulated(&self) -> Option<Self> {
        let is_simulated = self.inner.is_none();
        is_simulated.then(|| Self::simulated(Rc::clone(&self.source)))
    }

    /// What operations are tried on.
    #[inline]
    pub(crate) fn on(&self) -> On<'_, T> {
        match &self.inner {
            Some(owner) => On::Kernel(owner),
            None => On::Simulated(self.source.socket()),
        }
    }

    /// The descriptor's owner.
    #[must_use]
    pub fn get_ref(&self) -> &T {
        self.on().owner()
    }

    /// The descriptor.
    fn lent(&self) -> &Lent {
        self.lent
            .as_ref()
            .expect("of a socket that is the kernel's")
    }

    /// Gives the descriptor's owner back. The descriptor stays non-blocking.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "it is there until now")]
    pub fn into_inner(mut self) -> T {
        self.source.leave(self.lent().as_fd());
        self.inner.take().expect("into_inner consumes the AsyncFd")
    }

    /// Calls `op`, and whenever it answers `WouldBlock` waits for the descriptor to become readable
    /// and calls it again. Returns what it answers at last.
    ///
    /// # Errors
    ///
    /// Returns `op`'s error, or the system's if it cannot watch the descriptor.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: `op` has not succeeded when this future is dropped.
    #[track_caller]
    pub fn read_with<R, F>(&self, mut op: F) -> impl Future<Output = io::Result<R>>
    where
        F: FnMut(&T) -> io::Result<R>,
    {
        self.read_on(move |on| op(on.owner()))
    }

    /// Like [`read_with`](Self::read_with), for an operation that waits until the descriptor is
    /// writable.
    ///
    /// # Errors
    ///
    /// Returns `op`'s error, or the system's if it cannot watch the descriptor.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: `op` has not succeeded when this future is dropped.
    #[track_caller]
    pub fn write_with<R, F>(&self, mut op: F) -> impl Future<Output = io::Result<R>>
    where
        F: FnMut(&T) -> io::Result<R>,
    {
        self.write_on(move |on| op(on.owner()))
    }

    /// [`read_with`](Self::read_with), for a socket that may be simulated.
    #[track_caller]
    pub(crate) fn read_on<R, F>(&self, op: F) -> impl Future<Output = io::Result<R>>
    where
        F: FnMut(On<'_, T>) -> io::Result<R>,
    {
        self.operation(Direction::Read, op)
    }

    /// [`write_with`](Self::write_with), for a socket that may be simulated.
    #[track_caller]
    pub(crate) fn write_on<R, F>(&self, op: F) -> impl Future<Output = io::Result<R>>
    where
        F: FnMut(On<'_, T>) -> io::Result<R>,
    {
        self.operation(Direction::Write, op)
    }

    /// Waits until the descriptor can be read, as the kernel tells it: there is data, an end or an
    /// error.
    ///
    /// # Errors
    ///
    /// Returns the system's error if it cannot watch the descriptor.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    #[track_caller]
    pub fn readable(&self) -> impl Future<Output = io::Result<()>> {
        self.operation(Direction::Read, |_: On<'_, T>| {
            would_block_unless(self.lent().as_fd(), rustix::event::PollFlags::IN)
        })
    }

    /// Waits until the descriptor can be written, as the kernel tells it: there is room, or an error.
    ///
    /// # Errors
    ///
    /// Returns the system's error if it cannot watch the descriptor.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    #[track_caller]
    pub fn writable(&self) -> impl Future<Output = io::Result<()>> {
        self.operation(Direction::Write, |_: On<'_, T>| {
            would_block_unless(self.lent().as_fd(), rustix::event::PollFlags::OUT)
        })
    }

    /// The leaf future of an operation.
    #[track_caller]
    fn operation<F>(&self, direction: Direction, op: F) -> Operation<'_, T, F> {
        Operation {
            fd: self,
            place: Place {
                source: &self.source,
                direction,
                ticket: None,
            },
            op,
            at: place::here(),
        }
    }

    /// Notes that a consuming read of a TCP stream brought `count` bytes where there was room for
    /// `room` (see `reactor/source.rs`).
    pub(crate) fn note_read(&self, count: usize, room: usize) {
        if 0 < count && count < room {
            self.source.short_read();
        } else if count > 0 {
            self.source.full_read(count, self.as_fd());
        }
    }
}

/// Asks the kernel whether a descriptor is ready, without waiting.
pub(super) fn would_block_unless(
    fd: BorrowedFd<'_>,
    wanted: rustix::event::PollFlags,
) -> io::Result<()> {
    let mut polled = [rustix::event::PollFd::new(&fd, wanted)];
    let zero = rustix::event::Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    match rustix::event::poll(&mut polled, Some(&zero))? {
        0 => Err(io::ErrorKind::WouldBlock.into()),
        _ => Ok(()),
    }
}

/// Calls `op` until no signal interrupts it.
pub(super) fn attempt<T: AsFd, R>(
    fd: &AsyncFd<T>,
    op: &mut impl FnMut(On<'_, T>) -> io::Result<R>,
) -> io::Result<R> {
    loop {
        let on = fd.on();
        if let On::Kernel(_) = on {
            context::count_call();
        }
        match op(on) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

impl<T: AsFd> Drop for AsyncFd<T> {
    fn drop(&mut self) {
        if let (Some(_), Some(lent)) = (&self.inner, &self.lent) {
            self.source.leave(lent.as_fd());
        }
    }
}

impl<T: AsFd> AsFd for AsyncFd<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}

impl<T: AsFd> AsRawFd for AsyncFd<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl<T: AsFd + fmt::Debug> fmt::Debug for AsyncFd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.on() {
            On::Kernel(owner) => f.debug_tuple("AsyncFd").field(owner).finish(),
            On::Simulated(socket) => socket.fmt(f),
        }
    }
}

/// The leaf future: an operation that is tried when it is worth it.
struct Operation<'a, T: AsFd, F> {
    /// On what.
    fd: &'a AsyncFd<T>,
    /// The place in line.
    place: Place<'a>,
    /// What is tried.
    op: F,
    /// Where the task waits.
    at: &'static Location<'static>,
}

// Nothing in it is pinned: the operation is called, not polled.
impl<T: AsFd, F> Unpin for Operation<'_, T, F> {}

impl<T, F, R> Future for Operation<'_, T, F>
where
    T: AsFd,
    F: FnMut(On<'_, T>) -> io::Result<R>,
{
    type Output = io::Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        let this = &mut *self;
        if this.place.may_try() {
            ready!(yields::spend(cx, this.at));
            match attempt(this.fd, &mut this.op) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    this.fd.source.would_block(this.place.direction);
                }
                result => {
                    // Not only in drop: who keeps a future that is ready must not hold up the line.
                    this.place.leave();
                    return Poll::Ready(result);
                }
            }
        }
        let Some(lent) = &this.fd.lent else {
            let socket = this.fd.source.socket();
            socket.wait(&mut this.place, cx, this.at)?;
            return Poll::Pending;
        };
        context::note(Waits::IO, this.at);
        let reactor = context::reactor();
        this.place.wait(cx, lent.as_fd(), &reactor).map(Err)
    }
}
