//! Sources and sinks that never wait: bytes in memory, and std's [`empty`], [`sink`], [`repeat`].
//!
//! std reads from a `&[u8]` and writes to a `Vec<u8>` through `&mut`. Here access is shared, so
//! each of them moves into a [`Cell`], which is all it takes: the slice is copied out and its rest
//! put back, the vector is taken out, extended, and put back. There is no borrow that could fail.
//!
//! Ready is not free: each call spends from what its task may do in one poll, so that a loop over
//! these gives way as one over sockets does.

use std::cell::Cell;
use std::future::Future;
use std::io::Result;

use super::{Read, Write};
use crate::task::yields::at_once;

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
    fn read(&self, buf: &mut [u8]) -> impl Future<Output = Result<usize>> {
        at_once(move || {
            let rest = self.get();
            let n = rest.len().min(buf.len());
            let (taken, rest) = rest.split_at(n);
            buf[..n].copy_from_slice(taken);
            self.set(rest);
            Ok(n)
        })
    }
}

/// A sink in memory: writing appends.
impl Write for Cell<Vec<u8>> {
    fn write(&self, buf: &[u8]) -> impl Future<Output = Result<usize>> {
        at_once(move || {
            let mut bytes = self.take();
            bytes.extend_from_slice(buf);
            self.set(bytes);
            Ok(buf.len())
        })
    }

    fn flush(&self) -> impl Future<Output = Result<()>> {
        at_once(|| Ok(()))
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
    fn read(&self, _buf: &mut [u8]) -> impl Future<Output = Result<usize>> {
        at_once(|| Ok(0))
    }
}

impl Write for Empty {
    fn write(&self, buf: &[u8]) -> impl Future<Output = Result<usize>> {
        at_once(move || Ok(buf.len()))
    }

    fn flush(&self) -> impl Future<Output = Result<()>> {
        at_once(|| Ok(()))
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
    fn write(&self, buf: &[u8]) -> impl Future<Output = Result<usize>> {
        at_once(move || Ok(buf.len()))
    }

    fn flush(&self) -> impl Future<Output = Result<()>> {
        at_once(|| Ok(()))
    }
}

/// A source that gives one byte for ever. See [`repeat`].
#[derive(Clone, Copy, Debug)]
pub struct Repeat(u8);

/// Returns a source that gives `byte` for ever.
///
/// It never ends: reading it to its end takes all memory.
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
    fn read(&self, buf: &mut [u8]) -> impl Future<Output = Result<usize>> {
        at_once(move || {
            buf.fill(self.0);
            Ok(buf.len())
        })
    }
}
