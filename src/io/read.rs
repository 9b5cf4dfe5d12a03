//! The trait of what bytes come from, and what one `read` is enough to build.
//!
//! One function is required. The provided ones are loops over it, with std's rules: an answer of
//! zero is the end, an interrupted read is made again, any other error ends the loop.
//!
//! The functions are plain and tracked, not `async fn`, so that a report of who waits where names
//! the program's line (see `place.rs`). An implementor may still write `async fn read`.

use std::future::Future;
use std::io::{Error, ErrorKind, IoSliceMut, Result};

use crate::place::placed;

/// The least room a read into a growing vector is given, in bytes: std's buffer size. Less costs
/// a system call per few bytes, more costs memory that short answers never fill.
const ROOM_MIN_BYTES: usize = 8 * 1024;

/// A source of bytes: [`std::io::Read`], awaited, through `&self`.
///
/// Shared access is what lets one task read while another writes, and two tasks read in turn. A
/// source whose position is a plain field needs a cell around it; `Cell<&[u8]>` is one.
///
/// Take `impl Read`, not `dyn Read`: a function that returns a future of its own type cannot be
/// called through a vtable.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
///
/// use bibelot::io::{self, Read};
///
/// async fn shout(source: impl Read) -> io::Result<String> {
///     let mut text = String::new();
///     source.read_to_string(&mut text).await?;
///     Ok(text.to_uppercase())
/// }
///
/// # bibelot::run(async {
/// assert_eq!(shout(Cell::new("hello".as_bytes())).await?, "HELLO");
/// # Ok::<(), io::Error>(())
/// # }).unwrap();
/// ```
pub trait Read {
    /// Reads some bytes into `buf` and returns how many, waiting until there is at least one.
    ///
    /// Zero means the end, or that `buf` is empty.
    ///
    /// # Errors
    ///
    /// Whatever the source answers; then no byte was read. `Interrupted` means: try again.
    ///
    /// # Cancel safety
    ///
    /// No byte is lost. That is a demand on implementors: a byte may leave the source only in the
    /// poll that returns it. All the others here rest on it.
    #[track_caller]
    fn read(&self, buf: &mut [u8]) -> impl Future<Output = Result<usize>>;

    /// Reads into several buffers, one after the other.
    ///
    /// Unless the source can do better, this is a [`read`](Read::read) into the first buffer that
    /// is not empty.
    ///
    /// # Errors
    ///
    /// Those of `read`.
    ///
    /// # Cancel safety
    ///
    /// No byte is lost.
    #[track_caller]
    fn read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> impl Future<Output = Result<usize>> {
        let first = bufs.iter_mut().find(|buf| !buf.is_empty());
        self.read(first.map_or(&mut [][..], |buf| &mut **buf))
    }

    /// Reads until `buf` is full.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` when the source ends before, else those of `read`. What was read by then
    /// lies in `buf`, but how much that is, is not known.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: as after an error. [`BufReader::read_exact`](super::BufReader::read_exact)
    /// is, and loses nothing.
    #[track_caller]
    fn read_exact(&self, buf: &mut [u8]) -> impl Future<Output = Result<()>> {
        placed(async move {
            let mut filled = 0;
            while filled < buf.len() {
                match self.read(&mut buf[filled..]).await {
                    Ok(0) => return Err(ended_early()),
                    Ok(n) => filled += checked(n, buf.len() - filled),
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    Err(e) => return Err(e),
                }
            }
            Ok(())
        })
    }

    /// Reads until the end, appends it all to `buf`, and returns how many bytes that was.
    ///
    /// # Errors
    ///
    /// Those of `read`, except `Interrupted`. What was read by then has been appended.
    ///
    /// # Cancel safety
    ///
    /// No byte is lost: what was read has been appended to `buf`. Called again with the same
    /// vector, it goes on.
    #[track_caller]
    fn read_to_end(&self, buf: &mut Vec<u8>) -> impl Future<Output = Result<usize>> {
        placed(async move {
            let before = buf.len();
            let mut tail = Tail::of(buf);
            loop {
                match self.read(tail.room()).await {
                    Ok(0) => return Ok(tail.filled - before),
                    Ok(n) => tail.advance(n),
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    Err(e) => return Err(e),
                }
            }
        })
    }

    /// Reads until the end, appends it all to `buf` as text, and returns how many bytes that was.
    ///
    /// # Errors
    ///
    /// `InvalidData` when the bytes are not UTF-8, else those of `read`, except `Interrupted`. In
    /// each case `buf` is as it was, and what was read is lost.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: what was read is lost.
    /// [`BufReader::read_to_string`](super::BufReader::read_to_string) loses nothing.
    #[track_caller]
    fn read_to_string(&self, buf: &mut String) -> impl Future<Output = Result<usize>> {
        placed(async move {
            let mut bytes = Vec::new();
            self.read_to_end(&mut bytes).await?;
            buf.push_str(text(&bytes)?);
            Ok(bytes.len())
        })
    }
}

/// The growing end of a vector that is read into.
///
/// Between reads the vector is longer than what was read, so that its zeroes are written once;
/// the drop, which a cancelled read comes to as well, cuts it to `filled`.
struct Tail<'a> {
    /// What was read, and behind that zeroes.
    bytes: &'a mut Vec<u8>,
    /// How much of it was read, or was there before.
    filled: usize,
}

impl<'a> Tail<'a> {
    /// Begins behind what is there.
    fn of(bytes: &'a mut Vec<u8>) -> Self {
        let filled = bytes.len();
        Tail { bytes, filled }
    }

    /// Returns the room behind what was read, never empty.
    fn room(&mut self) -> &mut [u8] {
        if self.filled == self.bytes.len() {
            self.bytes.reserve(ROOM_MIN_BYTES);
            self.bytes.resize(self.bytes.capacity(), 0);
        }
        &mut self.bytes[self.filled..]
    }

    /// Counts `n` bytes of the room as read.
    fn advance(&mut self, n: usize) {
        self.filled += checked(n, self.bytes.len() - self.filled);
    }
}

impl Drop for Tail<'_> {
    fn drop(&mut self) {
        self.bytes.truncate(self.filled);
    }
}

/// Returns `n`, as counted by a `read` or `write`, unless that counts wrong: then nothing that is
/// built on it could be right.
pub(super) fn checked(n: usize, room: usize) -> usize {
    assert!(n <= room, "{n} bytes were counted where {room} had room");
    n
}

/// Returns the error of a source that ended while more was asked for.
pub(super) fn ended_early() -> Error {
    Error::new(
        ErrorKind::UnexpectedEof,
        "stream ended before the buffer was full",
    )
}

/// Returns the bytes as text, or the error std has for bytes that are none.
pub(super) fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes)
        .map_err(|_| Error::new(ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
}
