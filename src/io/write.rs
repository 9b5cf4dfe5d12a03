//! The trait of what bytes go to, and what one `write` is enough to build.
//!
//! The twin of `io/read.rs`: two functions are required, the provided ones are loops over `write`.
//! With [`write_fmt`](Write::write_fmt), std's own `write!` and `writeln!` serve, with an
//! `.await` behind them.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::io::{Error, ErrorKind, IoSlice, Result};

use crate::place::placed;

/// A sink of bytes: [`std::io::Write`], awaited, through `&self`.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
///
/// use bibelot::io::{self, Write};
///
/// # bibelot::run(async {
/// let sink = Cell::new(Vec::new());
/// sink.write_all(b"hello, ").await?;
/// writeln!(sink, "{}", "world").await?;
/// assert_eq!(sink.take(), b"hello, world\n");
/// # Ok::<(), io::Error>(())
/// # }).unwrap();
/// ```
pub trait Write {
    /// Writes some of the bytes and returns how many, waiting until at least one was taken.
    ///
    /// Zero means that the sink takes no more, or that `buf` is empty.
    ///
    /// # Errors
    ///
    /// Whatever the sink answers; then no byte was written. `Interrupted` means: try again.
    ///
    /// # Cancel safety
    ///
    /// No byte was written. That is a demand on implementors: a byte may be taken only in the poll
    /// that counts it. All the others here rest on it.
    #[track_caller]
    fn write(&self, buf: &[u8]) -> impl Future<Output = Result<usize>>;

    /// Waits until what was written has left the sink's own buffers, if it has any.
    ///
    /// # Errors
    ///
    /// Whatever the sink answers.
    ///
    /// # Cancel safety
    ///
    /// No byte is lost or repeated; flush again.
    #[track_caller]
    fn flush(&self) -> impl Future<Output = Result<()>>;

    /// Writes several buffers, one after the other.
    ///
    /// Unless the sink can do better, this is a [`write`](Write::write) of the first buffer that is
    /// not empty.
    ///
    /// # Errors
    ///
    /// Those of `write`.
    ///
    /// # Cancel safety
    ///
    /// No byte was written.
    #[track_caller]
    fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> impl Future<Output = Result<usize>> {
        let first = bufs.iter().find(|buf| !buf.is_empty());
        self.write(first.map_or(&[][..], |buf| &**buf))
    }

    /// Writes all the bytes.
    ///
    /// # Errors
    ///
    /// `WriteZero` when the sink takes no more, else those of `write`, except `Interrupted`. How
    /// much was written by then is not known.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: as after an error. [`BufWriter::write_all`](super::BufWriter::write_all)
    /// takes all the bytes or none; a loop over `write` knows how far it came.
    #[track_caller]
    fn write_all(&self, mut buf: &[u8]) -> impl Future<Output = Result<()>> {
        placed(async move {
            while !buf.is_empty() {
                match self.write(buf).await {
                    Ok(0) => return Err(takes_no_more()),
                    Ok(n) => buf = &buf[n..],
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    Err(e) => return Err(e),
                }
            }
            Ok(())
        })
    }

    /// Writes what `write!` or `writeln!` puts together.
    ///
    /// The text is made whole before the first byte is written.
    ///
    /// # Errors
    ///
    /// As [`write_all`](Write::write_all), and an error of kind `Other` when a value's own
    /// formatting fails; then nothing was written.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe, as `write_all`.
    #[track_caller]
    fn write_fmt(&self, text: fmt::Arguments<'_>) -> impl Future<Output = Result<()>> {
        let text = formatted(text);
        placed(async move { self.write_all(text?.as_bytes()).await })
    }
}

/// Returns the text, without a copy where it has no arguments.
pub(super) fn formatted(text: fmt::Arguments<'_>) -> Result<Cow<'static, str>> {
    if let Some(text) = text.as_str() {
        return Ok(Cow::Borrowed(text));
    }
    let mut whole = String::new();
    match fmt::write(&mut whole, text) {
        Ok(()) => Ok(Cow::Owned(whole)),
        Err(fmt::Error) => Err(Error::other("a value could not be formatted")),
    }
}

/// Returns the error of a sink that answers zero to bytes.
pub(super) fn takes_no_more() -> Error {
    Error::new(ErrorKind::WriteZero, "the writer takes no more bytes")
}
