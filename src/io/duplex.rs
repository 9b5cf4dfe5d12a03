//! Two connected streams in memory.
//!
//! ```text
//!   one end                          flow                          other end
//!   write ─► writers in line ─► [ bytes … capacity ] ─► readers in line ─► read
//!   read  ◄─ readers in line ◄─ [ capacity … bytes ] ◄─ writers in line ◄─ write
//! ```
//!
//! An end is two flows: one that it reads from, and one that it writes to. Read next:
//! `io/duplex/flow.rs`, which is one direction.

mod flow;

use std::fmt;
use std::future::Future;
use std::io::Result;
use std::net::Shutdown;
use std::rc::Rc;
#[cfg(feature = "futures-io")]
use std::task::{Context, Poll};

use flow::{Flow, Operation};

use super::inherent::{reads, writes};
use super::{Read, Write};
use crate::reactor::source::Direction;
use crate::task::yields::at_once;

/// Returns two streams in memory, connected to each other: what is written to one is read from the
/// other. A writer waits while `capacity` bytes lie unread.
///
/// It behaves as a pair of Unix streams does, so it serves to test what is written for sockets, on a
/// virtual clock if need be, and to connect two tasks without the kernel. Memory is taken when bytes
/// lie there, not before.
///
/// # Panics
///
/// Panics if `capacity` is zero: no byte could ever pass.
///
/// # Examples
///
/// ```
/// use bibelot::io;
///
/// # bibelot::run(async {
/// let (client, server) = io::duplex(64);
/// let echo = bibelot::spawn(async move { io::copy(&server, &server).await });
///
/// client.write_all(b"hello").await?;
/// let mut buf = [0; 5];
/// client.read_exact(&mut buf).await?;
/// assert_eq!(&buf, b"hello");
///
/// drop(client);
/// assert_eq!(echo.await.unwrap()?, 5);
/// # Ok::<(), io::Error>(())
/// # }).unwrap();
/// ```
#[must_use]
#[track_caller]
pub fn duplex(capacity: usize) -> (Duplex, Duplex) {
    assert!(
        capacity > 0,
        "a duplex without capacity could carry nothing; give it one byte at least"
    );
    let (there, back) = (Flow::new(capacity), Flow::new(capacity));
    let one = Duplex {
        incoming: Rc::clone(&back),
        outgoing: Rc::clone(&there),
    };
    let other = Duplex {
        incoming: there,
        outgoing: back,
    };
    (one, other)
}

/// One end of a pair of streams in memory; made by [`duplex`].
///
/// Any number of tasks may read from it and write to it, each side first come, first served. When it
/// is dropped, the other end reads what is left and then the end, and its writes fail with
/// `BrokenPipe`.
pub struct Duplex {
    /// What the other end writes.
    incoming: Rc<Flow>,
    /// What the other end reads.
    outgoing: Rc<Flow>,
}

impl Duplex {
    /// Ends one direction or both, as [`TcpStream::shutdown`](std::net::TcpStream::shutdown) does.
    ///
    /// After `Write` the other end reads what is left, and then the end. After `Read` the writes of
    /// the other end fail; what lies unread can still be read here. Who waits is woken. Twice changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// None; the result is that of sockets.
    pub fn shutdown(&self, how: Shutdown) -> Result<()> {
        if matches!(how, Shutdown::Write | Shutdown::Both) {
            self.outgoing.close();
        }
        if matches!(how, Shutdown::Read | Shutdown::Both) {
            self.incoming.close();
        }
        Ok(())
    }
}

reads!(Duplex);
writes!(Duplex);

impl Read for Duplex {
    fn read(&self, buf: &mut [u8]) -> impl Future<Output = Result<usize>> {
        Operation::new(&self.incoming, Direction::Read, |flow| flow.take(buf))
    }
}

impl Write for Duplex {
    fn write(&self, buf: &[u8]) -> impl Future<Output = Result<usize>> {
        Operation::new(&self.outgoing, Direction::Write, |flow| flow.put(buf))
    }

    fn flush(&self) -> impl Future<Output = Result<()>> {
        at_once(|| Ok(()))
    }
}

/// The same without a place in line, for traits that poll: only the last one to poll a side is woken.
#[cfg(feature = "futures-io")]
impl Duplex {
    /// Reads.
    #[track_caller]
    pub(super) fn poll_read(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize>> {
        let flow = &self.incoming;
        flow.poll_unqueued(Direction::Read, cx, || flow.take(buf))
    }

    /// Writes.
    #[track_caller]
    pub(super) fn poll_write(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        let flow = &self.outgoing;
        flow.poll_unqueued(Direction::Write, cx, || flow.put(buf))
    }
}

impl Drop for Duplex {
    fn drop(&mut self) {
        self.outgoing.close();
        self.incoming.close();
        self.incoming.forget();
    }
}

impl fmt::Debug for Duplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duplex")
            .field("unread", &self.incoming.len())
            .field("unread_there", &self.outgoing.len())
            .field("capacity", &self.outgoing.capacity())
            .finish()
    }
}
