//! A reader that asks for much at a time and hands out little: lines above all.
//!
//! What it has read and not handed out is its own, and that is the whole of its cancel safety:
//!
//! | call | while it waits, the bytes lie | when it is dropped, they |
//! | --- | --- | --- |
//! | `fill_buf`, `read` | in the source | stay there |
//! | `read_line`, `read_until`, `read_to_string` | here, until all is there | stay here |
//! | `read_exact` | in the caller's slice | come back here |
//! | `read_to_end` | in the caller's vector | stay there, counted by its length |
//!
//! So a call that was dropped, or failed, can be made again and goes on. std's `read_line` appends
//! to the caller's string as it goes; dropped between the two bytes of an `é`, it could keep
//! neither the first of them nor the string's promise. Here nothing moves before the line is whole.
//!
//! Read next: `io/buffer.rs`, which holds the bytes, and `io/buf_reader/until.rs`, which finds the
//! lines.

mod until;

use std::fmt;
use std::future::Future;
use std::io::{ErrorKind, Result};

use super::Read;
use super::buffer::Buffer;
use super::read::{checked, ended_early};
use crate::place::placed;

pub use until::LineTooLong;

/// The size of a buffer unless said otherwise, in bytes: std's.
pub(super) const CAPACITY_BYTES: usize = 8 * 1024;

/// Reads from `R` through a buffer: [`std::io::BufReader`], awaited.
///
/// The functions are std's, those of its `BufRead` among them, and need no trait to be imported.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
///
/// use bibelot::io::{self, BufReader};
///
/// # bibelot::run(async {
/// let source = Cell::new("length: 5\nhello".as_bytes());
/// let mut reader = BufReader::new(source).line_limit(1024);
///
/// let mut header = String::new();
/// reader.read_line(&mut header).await?;
/// assert_eq!(header, "length: 5\n");
///
/// let mut body = [0; 5];
/// reader.read_exact(&mut body).await?;
/// assert_eq!(&body, b"hello");
/// # Ok::<(), io::Error>(())
/// # }).unwrap();
/// ```
pub struct BufReader<R> {
    /// Where the bytes come from.
    inner: R,
    /// What came and was not handed out.
    buffer: Buffer,
    /// The longest line allowed, in bytes, its end not counted.
    line_max: Option<usize>,
}

impl<R> BufReader<R> {
    /// Makes a reader with a buffer of 8 KiB.
    pub fn new(inner: R) -> Self {
        Self::with_capacity(CAPACITY_BYTES, inner)
    }

    /// Makes a reader with a buffer of `capacity` bytes.
    pub fn with_capacity(capacity: usize, inner: R) -> Self {
        BufReader {
            inner,
            buffer: Buffer::with_capacity(capacity),
            line_max: None,
        }
    }

    /// Returns the source.
    ///
    /// What is read from it directly is missing here.
    pub fn get_ref(&self) -> &R {
        &self.inner
    }

    /// Returns the source, to be changed.
    ///
    /// What is read from it directly is missing here.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// Returns the source; what lies in the [`buffer`](Self::buffer) is lost.
    pub fn into_inner(self) -> R {
        self.inner
    }

    /// Returns what was read and not handed out, without reading.
    pub fn buffer(&self) -> &[u8] {
        self.buffer.filled()
    }

    /// Returns the size of the buffer. For a long line it grows, and then shrinks again.
    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Counts the first `n` bytes of the buffer as handed out.
    pub fn consume(&mut self, n: usize) {
        self.buffer.consume(n);
    }
}

impl<R: Read> BufReader<R> {
    /// Returns the buffer, having filled it if it was empty. Empty means the end.
    ///
    /// # Errors
    ///
    /// Those of the source.
    ///
    /// # Cancel safety
    ///
    /// No byte is lost.
    ///
    /// # Examples
    ///
    /// Copies the rest of a buffered stream:
    ///
    /// ```
    /// use bibelot::io::{self, BufReader, Read, Write};
    ///
    /// async fn copy_rest(from: &mut BufReader<impl Read>, to: impl Write) -> io::Result<()> {
    ///     loop {
    ///         let chunk = from.fill_buf().await?;
    ///         if chunk.is_empty() {
    ///             return Ok(());
    ///         }
    ///         to.write_all(chunk).await?;
    ///         let n = chunk.len();
    ///         from.consume(n);
    ///     }
    /// }
    ///
    /// # bibelot::run(copy_rest(&mut BufReader::new(io::empty()), io::sink())).unwrap();
    /// ```
    #[track_caller]
    pub fn fill_buf(&mut self) -> impl Future<Output = Result<&[u8]>> {
        placed(async move {
            if self.buffer().is_empty() {
                self.read_more().await?;
            }
            Ok(self.buffer.filled())
        })
    }

    /// Reads some bytes and returns how many; zero means the end, or that `buf` is empty.
    ///
    /// With nothing buffered, a read of at least [`capacity`](Self::capacity) bytes goes past the
    /// buffer.
    ///
    /// # Errors
    ///
    /// Those of the source.
    ///
    /// # Cancel safety
    ///
    /// No byte is lost.
    #[track_caller]
    pub fn read(&mut self, buf: &mut [u8]) -> impl Future<Output = Result<usize>> {
        placed(async move {
            if self.buffer().is_empty() && buf.len() >= self.capacity() {
                return Ok(checked(self.inner.read(buf).await?, buf.len()));
            }
            if self.buffer().is_empty() && !buf.is_empty() {
                self.read_more().await?;
            }
            let bytes = self.buffer.filled();
            let n = bytes.len().min(buf.len());
            buf[..n].copy_from_slice(&bytes[..n]);
            self.consume(n);
            Ok(n)
        })
    }

    /// Reads until `buf` is full.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` when the source ends before, else those of the source, except
    /// `Interrupted`. What was read is in the [`buffer`](Self::buffer) again.
    ///
    /// # Cancel safety
    ///
    /// No byte is lost: what was read is in the buffer again.
    #[track_caller]
    pub fn read_exact(&mut self, buf: &mut [u8]) -> impl Future<Output = Result<()>> {
        placed(async move {
            let mut exact = Exact {
                reader: self,
                buf,
                filled: 0,
            };
            while exact.filled < exact.buf.len() {
                match exact.reader.read(&mut exact.buf[exact.filled..]).await {
                    Ok(0) => return Err(ended_early()),
                    Ok(n) => exact.filled += n,
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    Err(e) => return Err(e),
                }
            }
            exact.filled = 0; // All of it is the caller's, none comes back.
            Ok(())
        })
    }

    /// Reads until the end, appends it all to `buf`, and returns how many bytes that was.
    ///
    /// # Errors
    ///
    /// Those of the source, except `Interrupted`. What was read by then has been appended.
    ///
    /// # Cancel safety
    ///
    /// No byte is lost: what was read has been appended to `buf`. Called again with the same
    /// vector, it goes on.
    #[track_caller]
    pub fn read_to_end(&mut self, buf: &mut Vec<u8>) -> impl Future<Output = Result<usize>> {
        placed(async move {
            let buffered = self.buffer().len();
            buf.extend_from_slice(self.buffer());
            self.consume(buffered);
            Ok(buffered + self.inner.read_to_end(buf).await?)
        })
    }

    /// Reads once, behind what is buffered; zero means the end.
    async fn read_more(&mut self) -> Result<usize> {
        let n = self.inner.read(self.buffer.room(0)).await?;
        self.buffer.advance(n);
        Ok(n)
    }
}

impl<R: fmt::Debug> fmt::Debug for BufReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fill = format_args!("{}/{}", self.buffer().len(), self.capacity());
        f.debug_struct("BufReader")
            .field("reader", &self.inner)
            .field("buffer", &fill)
            .finish()
    }
}

/// A `read_exact` under way. Dropped before its end, it gives back what it took.
struct Exact<'a, R> {
    /// Where the bytes come from, and go back to.
    reader: &'a mut BufReader<R>,
    /// The caller's.
    buf: &'a mut [u8],
    /// How many of them are there.
    filled: usize,
}

impl<R> Drop for Exact<'_, R> {
    fn drop(&mut self) {
        // It waits, fails and sees the end only when the reader's buffer is empty: so what comes
        // back is in its order.
        if self.filled > 0 {
            self.reader.buffer.put_back(&self.buf[..self.filled]);
        }
    }
}
