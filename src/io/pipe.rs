//! The system's pipes: [`std::io::pipe`], where reading and writing wait.
//!
//! Between two tasks [`duplex`](super::duplex()) needs no system; a pipe is for what lies outside: a
//! child process, a thread, a library that wants a descriptor. Read next: `io/async_fd.rs`.

use std::future::Future;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use super::inherent::{reads, writes};
use super::{AsyncFd, Read, Write};
use crate::task::yields::at_once;

/// Makes a pipe, as [`std::io::pipe`] does: what is written to its writer is read from its reader.
///
/// # Errors
///
/// Returns the system's error if it has no more descriptors.
///
/// # Examples
///
/// ```
/// use bibelot::io;
///
/// # bibelot::run(async {
/// let (reader, writer) = io::pipe()?;
/// let writer = writer.into_std()?; // for a thread, which may block
/// let thread = std::thread::spawn(move || {
///     use std::io::Write;
///     (&writer).write_all(b"from a thread")
/// });
/// let mut text = String::new();
/// reader.read_to_string(&mut text).await?;
/// assert_eq!(text, "from a thread");
/// thread.join().unwrap()?;
/// # Ok::<(), io::Error>(())
/// # }).unwrap();
/// ```
pub fn pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    Ok((PipeReader::from_std(reader)?, PipeWriter::from_std(writer)?))
}

/// The end of a pipe that is read from; made by [`pipe()`]. It reads the end when all writers are
/// gone.
#[derive(Debug)]
pub struct PipeReader {
    /// The descriptor.
    pub(super) fd: AsyncFd<io::PipeReader>,
}

/// The end of a pipe that is written to; made by [`pipe()`]. Its writes fail with `BrokenPipe` when
/// all readers are gone.
#[derive(Debug)]
pub struct PipeWriter {
    /// The descriptor.
    pub(super) fd: AsyncFd<io::PipeWriter>,
}

reads!(PipeReader);
writes!(PipeWriter);

impl Read for PipeReader {
    fn read(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        self.fd.read_with(move |mut pipe| pipe.read(buf))
    }

    fn read_vectored(
        &self,
        bufs: &mut [io::IoSliceMut<'_>],
    ) -> impl Future<Output = io::Result<usize>> {
        self.fd.read_with(move |mut pipe| pipe.read_vectored(bufs))
    }
}

impl Write for PipeWriter {
    fn write(&self, buf: &[u8]) -> impl Future<Output = io::Result<usize>> {
        self.fd.write_with(move |mut pipe| pipe.write(buf))
    }

    fn write_vectored(&self, bufs: &[io::IoSlice<'_>]) -> impl Future<Output = io::Result<usize>> {
        self.fd
            .write_with(move |mut pipe| pipe.write_vectored(bufs))
    }

    fn flush(&self) -> impl Future<Output = io::Result<()>> {
        at_once(|| Ok(()))
    }
}

/// What both ends have: the ways from std's and back, and the descriptor.
macro_rules! ends {
    ($($end:ident),*) => {$(
        impl $end {
            /// Takes in an end that std has made, and makes it non-blocking.
            ///
            /// # Errors
            ///
            /// Returns the system's error if it cannot be made non-blocking.
            pub fn from_std(end: io::$end) -> io::Result<Self> {
                Ok(Self { fd: AsyncFd::new(end)? })
            }

            /// Returns std's end, blocking again, as a thread or a child process wants it.
            ///
            /// # Errors
            ///
            /// Returns the system's error if it cannot be made blocking; the end is closed then.
            pub fn into_std(self) -> io::Result<io::$end> {
                let end = self.fd.into_inner();
                rustix::io::ioctl_fionbio(&end, false)?;
                Ok(end)
            }
        }

        impl AsFd for $end {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.fd.as_fd()
            }
        }

        impl AsRawFd for $end {
            fn as_raw_fd(&self) -> RawFd {
                self.fd.as_raw_fd()
            }
        }

        /// The descriptor stays non-blocking.
        impl From<$end> for OwnedFd {
            fn from(end: $end) -> Self {
                end.fd.into_inner().into()
            }
        }
    )*};
}

ends!(PipeReader, PipeWriter);
