//! A writer that takes little at a time and hands on much.
//!
//! ```text
//!   bytes │ sent │ unsent ………… │ spare │
//!         0      sent           len     capacity
//! ```
//!
//! `sent` moves as soon as a write to the sink returns. A flush that fails, or is dropped while it
//! waits, leaves exactly what the sink has not taken; the next one goes on there.
//!
//! `write_all` takes all its bytes or none: while it waits for room none of them has moved, and
//! after it has begun to move them it does not wait again. What the sink does not take at once of
//! a large piece therefore lies here, beyond the capacity, and the next write waits for that.
//!
//! A drop cannot wait. std's `BufWriter` flushes when it is dropped and swallows the error; this
//! one loses what is unsent, and says so.

use std::error;
use std::fmt;
use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::mem;

use super::Write;
use super::buf_reader::CAPACITY_BYTES;
use super::read::checked;
use super::write::{formatted, takes_no_more};
use crate::place::placed;
use crate::report::{self, Report};

/// Writes to `W` through a buffer: [`std::io::BufWriter`], awaited.
///
/// **Flush it before it is dropped**: a drop cannot wait, so what is still unsent then is lost,
/// and reported.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
///
/// use bibelot::io::{self, BufWriter};
///
/// # bibelot::run(async {
/// let mut writer = BufWriter::new(Cell::new(Vec::new()));
/// for n in 1..=3 {
///     writeln!(writer, "line {n}").await?;
/// }
/// writer.flush().await?;
/// assert_eq!(writer.get_ref().take(), b"line 1\nline 2\nline 3\n");
/// # Ok::<(), io::Error>(())
/// # }).unwrap();
/// ```
pub struct BufWriter<W> {
    /// Where the bytes go.
    inner: W,
    /// What has still to go there.
    unsent: Unsent,
}

impl<W> BufWriter<W> {
    /// Makes a writer with a buffer of 8 KiB.
    pub fn new(inner: W) -> Self {
        Self::with_capacity(CAPACITY_BYTES, inner)
    }

    /// Makes a writer with a buffer of `capacity` bytes.
    pub fn with_capacity(capacity: usize, inner: W) -> Self {
        BufWriter {
            inner,
            unsent: Unsent {
                bytes: Vec::with_capacity(capacity),
                sent: 0,
                capacity,
            },
        }
    }

    /// Returns the sink.
    ///
    /// What is written to it directly comes before what is [unsent](Self::buffer).
    pub fn get_ref(&self) -> &W {
        &self.inner
    }

    /// Returns the sink, to be changed.
    ///
    /// What is written to it directly comes before what is [unsent](Self::buffer).
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.inner
    }

    /// Returns what was written here and the sink has not taken.
    pub fn buffer(&self) -> &[u8] {
        self.unsent.as_slice()
    }

    /// Returns the size of the buffer.
    pub fn capacity(&self) -> usize {
        self.unsent.capacity
    }

    /// Returns the sink, and what it has not taken. Does not wait; nothing is lost.
    pub fn into_parts(self) -> (W, Vec<u8>) {
        let mut unsent = self.unsent;
        (self.inner, unsent.take())
    }
}

impl<W: Write> BufWriter<W> {
    /// Writes some of the bytes and returns how many; waits only when the buffer is full.
    ///
    /// With nothing buffered, at least [`capacity`](Self::capacity) bytes go past the buffer.
    ///
    /// # Errors
    ///
    /// Those of the sink, and `WriteZero` when it takes no more. None of `data` was taken.
    ///
    /// # Cancel safety
    ///
    /// None of `data` was taken; what was taken before is sent or still here.
    #[track_caller]
    pub fn write(&mut self, data: &[u8]) -> impl Future<Output = Result<usize>> {
        placed(async move {
            self.make_room(data.len()).await?;
            if data.len() >= self.capacity() {
                return self.inner.write(data).await;
            }
            self.unsent.push(data);
            Ok(data.len())
        })
    }

    /// Writes all the bytes; waits only when the buffer is full.
    ///
    /// Of a piece larger than the buffer, what the sink does not take at once stays here until the
    /// next write or flush.
    ///
    /// # Errors
    ///
    /// Those of the sink, except `Interrupted`, and `WriteZero` when it takes no more. None of
    /// `data` was taken.
    ///
    /// # Cancel safety
    ///
    /// None of `data` was taken: no message is ever torn. What was taken before is sent or still
    /// here.
    #[track_caller]
    pub fn write_all(&mut self, data: &[u8]) -> impl Future<Output = Result<()>> {
        placed(async move {
            self.make_room(data.len()).await?;
            let mut taken = 0;
            if !data.is_empty() && data.len() >= self.capacity() {
                taken = write_some(&self.inner, data).await?;
            }
            // From here on no wait.
            self.unsent.push(&data[taken..]);
            Ok(())
        })
    }

    /// Writes what `write!` or `writeln!` puts together; waits only when the buffer is full.
    ///
    /// # Errors
    ///
    /// As [`write_all`](Self::write_all), and an error of kind `Other` when a value's own
    /// formatting fails. Nothing was taken.
    ///
    /// # Cancel safety
    ///
    /// Nothing was taken.
    #[track_caller]
    pub fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> impl Future<Output = Result<()>> {
        let text = formatted(text);
        placed(async move { self.write_all(text?.as_bytes()).await })
    }

    /// Waits until the sink has taken everything, and has flushed it.
    ///
    /// # Errors
    ///
    /// Those of the sink, except `Interrupted`, and `WriteZero` when it takes no more. What it has
    /// not taken is in the [`buffer`](Self::buffer).
    ///
    /// # Cancel safety
    ///
    /// No byte is lost or repeated. What the sink has not taken is in the buffer; called again, it
    /// goes on.
    #[track_caller]
    pub fn flush(&mut self) -> impl Future<Output = Result<()>> {
        placed(async move {
            self.send_buffer().await?;
            self.inner.flush().await
        })
    }

    /// Sends everything and returns the sink.
    ///
    /// # Errors
    ///
    /// Those of [`flush`](Self::flush), together with the writer, which has what is unsent.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: the writer is dropped with the future, and what is unsent is lost and
    /// reported. Flush first; then this does not wait.
    #[track_caller]
    pub fn into_inner(
        mut self,
    ) -> impl Future<Output = std::result::Result<W, IntoInnerError<BufWriter<W>>>> {
        placed(async move {
            match self.flush().await {
                Ok(()) => Ok(self.into_parts().0),
                Err(error) => Err(IntoInnerError {
                    writer: self,
                    error,
                }),
            }
        })
    }

    /// Waits until `len` bytes fit, or nothing is left that could be sent before them.
    async fn make_room(&mut self, len: usize) -> Result<()> {
        if self.buffer().len().saturating_add(len) > self.capacity() {
            self.send_buffer().await?;
        }
        Ok(())
    }

    /// Waits until the sink has taken everything.
    async fn send_buffer(&mut self) -> Result<()> {
        while !self.buffer().is_empty() {
            let n = write_some(&self.inner, self.unsent.as_slice()).await?;
            self.unsent.remove(n);
        }
        Ok(())
    }
}

/// Writes at least one byte of `data`, which is not empty.
async fn write_some(sink: &impl Write, data: &[u8]) -> Result<usize> {
    loop {
        match sink.write(data).await {
            Ok(0) => return Err(takes_no_more()),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

impl<W: fmt::Debug> fmt::Debug for BufWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fill = format_args!("{}/{}", self.buffer().len(), self.capacity());
        f.debug_struct("BufWriter")
            .field("writer", &self.inner)
            .field("buffer", &fill)
            .finish()
    }
}

/// The bytes a sink has not taken. They own the drop, so that the writer can be taken apart.
struct Unsent {
    /// What was written here since all was sent.
    bytes: Vec<u8>,
    /// How many at the front have been sent.
    sent: usize,
    /// The size to go back to.
    capacity: usize,
}

impl Unsent {
    /// Returns the unsent ones.
    fn as_slice(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    /// Takes bytes, moving the unsent ones to the front.
    fn push(&mut self, data: &[u8]) {
        self.bytes.drain(..mem::take(&mut self.sent));
        self.bytes.extend_from_slice(data);
    }

    /// Counts the first `n` as sent.
    fn remove(&mut self, n: usize) {
        self.sent += checked(n, self.as_slice().len());
        if self.as_slice().is_empty() {
            self.bytes.clear();
            self.bytes.shrink_to(self.capacity);
            self.sent = 0;
        }
    }

    /// Returns the bytes; none are left.
    fn take(&mut self) -> Vec<u8> {
        self.bytes.drain(..mem::take(&mut self.sent));
        mem::take(&mut self.bytes)
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        if !self.as_slice().is_empty() {
            report_unflushed(self.as_slice().len());
        }
    }
}

/// Reports bytes that were written and never sent.
fn report_unflushed(bytes: usize) {
    report::send(&Report::Unwritten { bytes });
}

/// The error of [`BufWriter::into_inner`]: what went wrong, and the writer.
#[derive(Debug)]
pub struct IntoInnerError<W> {
    /// It has what is unsent.
    writer: W,
    /// What its flush failed with.
    error: Error,
}

impl<W> IntoInnerError<W> {
    /// Returns what went wrong.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Returns the writer, with what is unsent.
    pub fn into_inner(self) -> W {
        self.writer
    }

    /// Returns what went wrong; the writer is dropped.
    pub fn into_error(self) -> Error {
        self.error
    }

    /// Returns what went wrong, and the writer.
    pub fn into_parts(self) -> (Error, W) {
        (self.error, self.writer)
    }
}

impl<W> From<IntoInnerError<W>> for Error {
    fn from(error: IntoInnerError<W>) -> Self {
        error.error
    }
}

impl<W> fmt::Display for IntoInnerError<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl<W: fmt::Debug> error::Error for IntoInnerError<W> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_takes_no_memory() {
        let mut unsent = Unsent {
            bytes: Vec::new(),
            sent: 0,
            capacity: 4,
        };
        unsent.push(b"abcdefgh");
        unsent.remove(6);
        unsent.push(b"ijk");
        assert_eq!(unsent.bytes, b"ghijk");
        unsent.remove(5);
        assert!(unsent.bytes.is_empty());
        assert!(unsent.bytes.capacity() <= 4, "its first size");
    }
}
