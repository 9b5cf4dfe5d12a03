//! Everything from a source to a sink.

use std::future::Future;
use std::io::{ErrorKind, Result};

use super::{Read, Write};
use crate::place::placed;
use crate::task::yields::at_once;

/// How much is moved at a time, in bytes: std's buffer size.
const CHUNK_BYTES: usize = 8 * 1024;

/// Copies everything from `reader` to `writer`, and returns how many bytes that was.
///
/// Ends that are always ready do not keep the thread: the task gives way now and then.
///
/// As in std, the writer is not flushed. The buffer is on the heap, so that the future stays small.
/// What a [`BufReader`](super::BufReader) has already read is not in `reader` any more; to copy
/// the rest of a buffered stream, loop over its [`fill_buf`](super::BufReader::fill_buf).
///
/// # Errors
///
/// The first error of either side, except `Interrupted`, after which it tries again.
///
/// # Cancel safety
///
/// Not cancel safe: what was read and not yet written is lost, and so is the count. Give a copy
/// that may be cut short its own two ends, and drop them with it.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
///
/// use bibelot::io;
///
/// # bibelot::run(async {
/// let (source, target) = (Cell::new("hello".as_bytes()), Cell::new(Vec::new()));
/// assert_eq!(io::copy(&source, &target).await?, 5);
/// assert_eq!(target.take(), b"hello");
/// # Ok::<(), io::Error>(())
/// # }).unwrap();
/// ```
#[track_caller]
pub fn copy<R, W>(reader: &R, writer: &W) -> impl Future<Output = Result<u64>>
where
    R: Read + ?Sized,
    W: Write + ?Sized,
{
    placed(async move {
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut copied = 0;
        loop {
            // The two ends may be the program's own, and neither wait nor spend.
            at_once(|| ()).await;
            let n = match reader.read(&mut chunk).await {
                Ok(0) => return Ok(copied),
                Ok(n) => n,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            writer.write_all(&chunk[..n]).await?;
            copied += n as u64;
        }
    })
}
