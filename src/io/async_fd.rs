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
//! out, whatever `as_fd` answers by then. Read next: `net/tcp.rs`, which is std's methods over this.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::executor::context;
use crate::place;
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
    source: Rc<Source>,
    /// The descriptor.
    lent: Lent,
    /// The descriptor's owner; `None` only on the way out.
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
        rustix::io::ioctl_fionbio(fd.lent.as_fd(), true)?;
        Ok(fd)
    }

    /// Takes in a descriptor that is non-blocking already.
    pub(crate) fn from_nonblocking(inner: T) -> Self {
        Self {
            source: Source::new(),
            lent: Lent::by(&inner),
            inner: Some(inner),
        }
    }
}

impl<T: AsFd> AsyncFd<T> {
    /// The descriptor's owner.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "it is there until into_inner")]
    pub fn get_ref(&self) -> &T {
        self.inner
            .as_ref()
            .expect("it is taken out only by into_inner, which consumes the AsyncFd")
    }

    /// Gives the descriptor's owner back. The descriptor stays non-blocking.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "it is there until now")]
    pub fn into_inner(mut self) -> T {
        self.source.leave(self.lent.as_fd());
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
    pub fn read_with<R, F>(&self, op: F) -> impl Future<Output = io::Result<R>>
    where
        F: FnMut(&T) -> io::Result<R>,
    {
        self.operation(Direction::Read, op)
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
    pub fn write_with<R, F>(&self, op: F) -> impl Future<Output = io::Result<R>>
    where
        F: FnMut(&T) -> io::Result<R>,
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
        self.operation(Direction::Read, |_: &T| {
            would_block_unless(self.lent.as_fd(), rustix::event::PollFlags::IN)
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
        self.operation(Direction::Write, |_: &T| {
            would_block_unless(self.lent.as_fd(), rustix::event::PollFlags::OUT)
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

    /// Tries `op` and, if it would block, has the task woken when it is worth another try: for
    /// `poll_read` and its like, which keep no place in line. Only the last one to poll is woken.
    #[cfg(feature = "futures-io")]
    pub(crate) fn poll_with<R>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        at: &'static Location<'static>,
        mut op: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        ready!(yields::spend(cx, at));
        match attempt(self.get_ref(), &mut op) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return Poll::Ready(result),
        }
        self.source.would_block(direction);
        context::note(Waits::IO, at);
        let fd = self.lent.as_fd();
        let reactor = context::reactor();
        match self.source.wait_unqueued(direction, cx, fd, &reactor) {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
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
fn attempt<T, R>(inner: &T, op: &mut impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
    loop {
        context::count_call();
        match op(inner) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

impl<T: AsFd> Drop for AsyncFd<T> {
    fn drop(&mut self) {
        if self.inner.is_some() {
            self.source.leave(self.lent.as_fd());
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
        f.debug_tuple("AsyncFd").field(self.get_ref()).finish()
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
    F: FnMut(&T) -> io::Result<R>,
{
    type Output = io::Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        let this = &mut *self;
        if this.place.may_try() {
            ready!(yields::spend(cx, this.at));
            match attempt(this.fd.get_ref(), &mut this.op) {
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
        context::note(Waits::IO, this.at);
        let reactor = context::reactor();
        let fd = this.fd.lent.as_fd();
        this.place.wait(cx, fd, &reactor).map(Err)
    }
}
