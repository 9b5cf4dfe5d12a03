//! The pipes to a child, and from it; and how a pipe becomes a child's stdin, stdout or stderr.
//!
//! A pipe's two ends are non-blocking each for itself, so tasks use theirs without the child seeing
//! anything of it. An end that is given to a child is made blocking again: no program expects another.

use std::future::Future;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::process::Stdio;

use crate::io::inherent::{reads, writes};
use crate::io::{PipeReader, PipeWriter, Read, Write};

/// The pipe to a child's standard input. The child reads the end when this is dropped.
///
/// Its writes fail with `BrokenPipe` when the child has closed its end, be it by ending.
#[derive(Debug)]
pub struct ChildStdin {
    /// Our end.
    pub(crate) pipe: PipeWriter,
}

/// The pipe from a child's standard output.
#[derive(Debug)]
pub struct ChildStdout {
    /// Our end.
    pub(crate) pipe: PipeReader,
}

/// The pipe from a child's standard error.
#[derive(Debug)]
pub struct ChildStderr {
    /// Our end.
    pub(crate) pipe: PipeReader,
}

reads!(ChildStdout);
reads!(ChildStderr);
writes!(ChildStdin);

impl Write for ChildStdin {
    fn write(&self, buf: &[u8]) -> impl Future<Output = io::Result<usize>> {
        Write::write(&self.pipe, buf)
    }

    fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> impl Future<Output = io::Result<usize>> {
        Write::write_vectored(&self.pipe, bufs)
    }

    fn flush(&self) -> impl Future<Output = io::Result<()>> {
        Write::flush(&self.pipe)
    }
}

/// What all three have, and what the two that are read have.
macro_rules! pipes {
    ($($pipe:ident: $end:ident),*) => {$(
        impl $pipe {
            /// Takes in std's.
            ///
            /// # Errors
            ///
            /// Returns the system's error if it cannot be made non-blocking.
            pub fn from_std(pipe: std::process::$pipe) -> io::Result<Self> {
                let end = io::$end::from(OwnedFd::from(pipe));
                Ok(Self { pipe: $end::from_std(end)? })
            }
        }

        impl AsFd for $pipe {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.pipe.as_fd()
            }
        }

        impl AsRawFd for $pipe {
            fn as_raw_fd(&self) -> RawFd {
                self.pipe.as_raw_fd()
            }
        }

        /// The descriptor stays non-blocking.
        impl From<$pipe> for OwnedFd {
            fn from(pipe: $pipe) -> Self {
                pipe.pipe.into()
            }
        }

        /// Gives our end to another child, which finds it blocking.
        impl From<$pipe> for Stdio {
            fn from(pipe: $pipe) -> Self {
                pipe.pipe.into()
            }
        }
    )*};
    ($($end:ident),*) => {$(
        /// Gives this end to a child, which finds it blocking.
        impl From<$end> for Stdio {
            fn from(end: $end) -> Self {
                // The call that made it non-blocking was allowed, and no other error is known of.
                end.into_std().expect("a pipe can be made blocking").into()
            }
        }
    )*};
}

pipes!(ChildStdin: PipeWriter, ChildStdout: PipeReader, ChildStderr: PipeReader);
pipes!(PipeReader, PipeWriter);

/// Reads as our end does.
macro_rules! read {
    ($($pipe:ident),*) => {$(
        impl Read for $pipe {
            fn read(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
                Read::read(&self.pipe, buf)
            }

            fn read_vectored(
                &self,
                bufs: &mut [IoSliceMut<'_>],
            ) -> impl Future<Output = io::Result<usize>> {
                Read::read_vectored(&self.pipe, bufs)
            }
        }
    )*};
}

read!(ChildStdout, ChildStderr);
