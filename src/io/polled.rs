//! The traits of the `futures-io` crate, for what others have written against them: TLS, HTTP,
//! compression. Feature `futures-io`.
//!
//! ```text
//!   TcpStream ─► &TcpStream ─► &AsyncFd ─► AsyncFd::poll_with
//!   Duplex ────► &Duplex ────────────────► Flow::poll_unqueued
//! ```
//!
//! As in `async-net`, not only the streams have them but `&` of each as well. Who polls has no place
//! in line, since nobody would tell when it has left: *of each side only the last one to poll is
//! woken*. Tasks that use the stream's own functions meanwhile are woken as ever.
//!
//! A stream with a descriptor is two lines at the end of this file, `reads_by_fd!` and `writes_by_fd!`,
//! which need to see its field `fd`.

use std::io::{Error, ErrorKind, IoSlice, IoSliceMut, Read, Result, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

use super::async_fd::{AsyncFd, attempt};
use super::{Duplex, PipeReader, PipeWriter};
use crate::executor::context;
use crate::place;
use crate::reactor::simulated::On;
use crate::reactor::source::Direction;
use crate::task::waits::Waits;
use crate::task::yields;

impl<T: AsFd> AsyncFd<T> {
    /// Tries `op` and, if it would block, has the task woken when it is worth another try: for
    /// `poll_read` and its like, which keep no place in line. Only the last one to poll is woken.
    fn poll_with<R>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        at: &'static Location<'static>,
        mut op: impl FnMut(On<'_, T>) -> Result<R>,
    ) -> Poll<Result<R>> {
        ready!(yields::spend(cx, at));
        match attempt(self, &mut op) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            result => return Poll::Ready(result),
        }
        self.source.would_block(direction);
        let Some(lent) = &self.lent else {
            let socket = self.source.socket();
            socket.wait_unqueued(&self.source, direction, cx, at)?;
            return Poll::Pending;
        };
        context::note(Waits::IO, at);
        let reactor = context::reactor();
        match self
            .source
            .wait_unqueued(direction, cx, lent.as_fd(), &reactor)
        {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

/// Reads by std's `Read` of the descriptor's owner. Only the last one to poll is woken.
impl<T> AsyncRead for &AsyncFd<T>
where
    T: AsFd,
    for<'a> &'a T: Read,
{
    #[track_caller]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize>> {
        let at = place::here();
        self.poll_with(Direction::Read, cx, at, |on| match on {
            On::Kernel(mut owner) => owner.read(buf),
            On::Simulated(socket) => socket.read(&mut [IoSliceMut::new(buf)]),
        })
    }

    #[track_caller]
    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<Result<usize>> {
        let at = place::here();
        self.poll_with(Direction::Read, cx, at, |on| match on {
            On::Kernel(mut owner) => owner.read_vectored(bufs),
            On::Simulated(socket) => socket.read(bufs),
        })
    }
}

/// Writes by std's `Write` of the descriptor's owner. Only the last one to poll is woken. Closing shuts
/// down the writing half of a socket; of anything else it does nothing, since only a drop closes a
/// descriptor.
impl<T> AsyncWrite for &AsyncFd<T>
where
    T: AsFd,
    for<'a> &'a T: Write,
{
    #[track_caller]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        let at = place::here();
        self.poll_with(Direction::Write, cx, at, |on| match on {
            On::Kernel(mut owner) => owner.write(buf),
            On::Simulated(socket) => socket.write(&[IoSlice::new(buf)]),
        })
    }

    #[track_caller]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let at = place::here();
        self.poll_with(Direction::Write, cx, at, |on| match on {
            On::Kernel(mut owner) => owner.write_vectored(bufs),
            On::Simulated(socket) => socket.write(bufs),
        })
    }

    #[track_caller]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let at = place::here();
        self.poll_with(Direction::Write, cx, at, |on| match on {
            On::Kernel(mut owner) => owner.flush(),
            On::Simulated(_) => Ok(()),
        })
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        use rustix::io::Errno;
        let On::Kernel(owner) = self.on() else {
            let closed = self.source.socket().shutdown(Shutdown::Write);
            // As below.
            let is_gone = |error: &Error| error.kind() == ErrorKind::NotConnected;
            return Poll::Ready(closed.or_else(|error| is_gone(&error).then_some(()).ok_or(error)));
        };
        context::count_call();
        Poll::Ready(
            match rustix::net::shutdown(owner, rustix::net::Shutdown::Write) {
                // No socket; or one whose peer has gone, so that nothing is left to shut down.
                Ok(()) | Err(Errno::NOTSOCK | Errno::NOTCONN) => Ok(()),
                Err(error) => Err(error.into()),
            },
        )
    }
}

/// Only the last one to poll is woken.
impl AsyncRead for &Duplex {
    #[track_caller]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize>> {
        (**self).poll_read(cx, buf)
    }
}

/// Only the last one to poll is woken. Closing shuts down the writing half.
impl AsyncWrite for &Duplex {
    #[track_caller]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        (**self).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(self.shutdown(Shutdown::Write))
    }
}

/// Has a stream poll as another one does, which it leads to.
macro_rules! poll_read {
    ([$($generics:tt)*] $stream:ty, |$this:ident| $other:expr, [$($bounds:tt)*]) => {
        impl<$($generics)*> AsyncRead for $stream
        where
            $($bounds)*
        {
            #[track_caller]
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut [u8],
            ) -> Poll<Result<usize>> {
                let $this = &*self;
                Pin::new(&mut { $other }).poll_read(cx, buf)
            }

            #[track_caller]
            fn poll_read_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &mut [IoSliceMut<'_>],
            ) -> Poll<Result<usize>> {
                let $this = &*self;
                Pin::new(&mut { $other }).poll_read_vectored(cx, bufs)
            }
        }
    };
}

/// The same for writing.
macro_rules! poll_write {
    ([$($generics:tt)*] $stream:ty, |$this:ident| $other:expr, [$($bounds:tt)*]) => {
        impl<$($generics)*> AsyncWrite for $stream
        where
            $($bounds)*
        {
            #[track_caller]
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<Result<usize>> {
                let $this = &*self;
                Pin::new(&mut { $other }).poll_write(cx, buf)
            }

            #[track_caller]
            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<Result<usize>> {
                let $this = &*self;
                Pin::new(&mut { $other }).poll_write_vectored(cx, bufs)
            }

            #[track_caller]
            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
                let $this = &*self;
                Pin::new(&mut { $other }).poll_flush(cx)
            }

            #[track_caller]
            fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
                let $this = &*self;
                Pin::new(&mut { $other }).poll_close(cx)
            }
        }
    };
}

/// A stream that is read by its field `fd`, and `&` of it.
macro_rules! reads_by_fd {
    ($stream:ty) => {
        poll_read!([] &$stream, |this| &this.fd, []);
        poll_read!([] $stream, |this| this, []);
    };
}

/// A stream that is written by its field `fd`, and `&` of it.
macro_rules! writes_by_fd {
    ($stream:ty) => {
        poll_write!([] &$stream, |this| &this.fd, []);
        poll_write!([] $stream, |this| this, []);
    };
}

poll_read!([T: AsFd] AsyncFd<T>, |this| this, [for<'a> &'a T: Read]);
poll_write!([T: AsFd] AsyncFd<T>, |this| this, [for<'a> &'a T: Write]);

poll_read!([] Duplex, |this| this, []);
poll_write!([] Duplex, |this| this, []);

reads_by_fd!(PipeReader);
writes_by_fd!(PipeWriter);

reads_by_fd!(crate::net::TcpStream);
writes_by_fd!(crate::net::TcpStream);

reads_by_fd!(crate::net::UnixStream);
writes_by_fd!(crate::net::UnixStream);

/// The pipes of a child.
#[cfg(feature = "process")]
mod child {
    use super::{AsyncRead, AsyncWrite, Context, IoSlice, IoSliceMut, Pin, Poll, Result};
    use crate::process::{ChildStderr, ChildStdin, ChildStdout};

    poll_read!([] & ChildStdout, |this| &this.pipe, []);
    poll_read!([] ChildStdout, |this| this, []);
    poll_read!([] & ChildStderr, |this| &this.pipe, []);
    poll_read!([] ChildStderr, |this| this, []);
    poll_write!([] & ChildStdin, |this| &this.pipe, []);
    poll_write!([] ChildStdin, |this| this, []);
}
