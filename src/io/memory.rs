//! Sources and sinks that never wait: bytes in memory, and std's [`empty`], [`sink`], [`repeat`].
//!
//! std reads from a `&[u8]` and writes to a `Vec<u8>` through `&mut`. Here access is shared, so
//! each of them moves into a [`Cell`], which is all it takes: the slice is copied out and its rest
//! put back, the vector is taken out, extended, and put back. There is no borrow that could fail.

use std::cell::Cell;
use std::io::Result;

use super::{Read, Write};

/// A source in memory: reading moves the start of the slice.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
///
/// use bibelot::io::{self, Read};
///
/// # bibelot::run(async {
/// let source = Cell::new("abc".as_bytes());
/// source.read_exact(&mut [0; 2]).await?;
/// assert_eq!(source.get(), b"c");
/// # Ok::<(), io::Error>(())
/// # }).unwrap();
/// ```
impl Read for Cell<&[u8]> {
    async fn read(&self, buf: &mut [u8]) -> Result<usize> {
        let rest = self.get();
        let n = rest.len().min(buf.len());
        let (taken, rest) = rest.split_at(n);
        buf[..n].copy_from_slice(taken);
        self.set(rest);
        Ok(n)
    }
}

/// A sink in memory: writing appends.
impl Write for Cell<Vec<u8>> {
    async fn write(&self, buf: &[u8]) -> Result<usize> {
        let mut bytes = self.take();
        bytes.extend_from_slice(buf);
        self.set(bytes);
        Ok(buf.len())
    }

    async fn flush(&self) -> Result<()> {
        Ok(())
    }
}

/// A source that is at its end. See [`empty`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Empty;

/// Returns a source that is at its end, and a sink as [`sink`] is.
///
/// # Examples
///
/// ```
/// use bibelot::io::{self, Read};
///
/// # bibelot::run(async {
/// let mut text = String::new();
/// assert_eq!(io::empty().read_to_string(&mut text).await?, 0);
/// # Ok::<(), io::Error>(())
/// # }).unwrap();
/// ```
pub const fn empty() -> Empty {
    Empty
}

impl Read for Empty {
    async fn read(&self, _buf: &mut [u8]) -> Result<usize> {
        Ok(0)
    }
}

impl Write for Empty {
    async fn write(&self, buf: &[u8]) -> Result<usize> {
        Ok(buf.len())
    }

    async fn flush(&self) -> Result<()> {
        Ok(())
    }
}

/// A sink that takes everything and keeps nothing. See [`sink`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Sink;

/// Returns a sink that takes everything and keeps nothing.
///
/// # Examples
///
/// ```
/// use bibelot::io;
///
/// # bibelot::run(async {
/// assert_eq!(io::copy(&io::empty(), &io::sink()).await?, 0);
/// # Ok::<(), io::Error>(())
/// # }).unwrap();
/// ```
pub const fn sink() -> Sink {
    Sink
}

impl Write for Sink {
    async fn write(&self, buf: &[u8]) -> Result<usize> {
        Ok(buf.len())
    }

    async fn flush(&self) -> Result<()> {
        Ok(())
    }
}

/// A source that gives one byte for ever. See [`repeat`].
#[derive(Clone, Copy, Debug)]
pub struct Repeat(u8);

/// Returns a source that gives `byte` for ever.
///
/// It never ends and never waits: reading it to its end holds the thread, and then the memory.
///
/// # Examples
///
/// ```
/// use bibelot::io::{self, Read};
///
/// # bibelot::run(async {
/// let mut buf = [0; 3];
/// io::repeat(b'a').read_exact(&mut buf).await?;
/// assert_eq!(&buf, b"aaa");
/// # Ok::<(), io::Error>(())
/// # }).unwrap();
/// ```
pub const fn repeat(byte: u8) -> Repeat {
    Repeat(byte)
}

impl Read for Repeat {
    async fn read(&self, buf: &mut [u8]) -> Result<usize> {
        buf.fill(self.0);
        Ok(buf.len())
    }
}
