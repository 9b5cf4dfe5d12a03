//! Bytes that come and go: `std::io`, where what blocks there waits here.
//!
//! [`Read`] and [`Write`] are std's traits with two differences. Their functions are awaited, and
//! they take `&self`, as std itself does in `impl Read for &TcpStream`: so one task may read from
//! a stream while another writes to it, and nothing has to be split. [`BufReader`] and
//! [`BufWriter`] own their bytes and take `&mut self`, as in std.
//!
//! ```
//! use std::cell::Cell;
//!
//! use bibelot::io::{self, BufReader};
//!
//! # bibelot::run(async {
//! let source = Cell::new("one\ntwo\n".as_bytes());
//! let mut lines = BufReader::new(source).lines();
//! while let Some(line) = lines.next().await {
//!     println!("{}", line?);
//! }
//! # Ok::<(), io::Error>(())
//! # }).unwrap();
//! ```
//!
//! # What a dropped future loses
//!
//! A wait that is cancelled is a future that is dropped. Everything here rests on one law, which
//! [`Read::read`] and [`Write::write`] have to keep: **a future of theirs that is dropped before
//! it is ready has moved no byte.** What is built of several reads or writes says under *Cancel
//! safety* what becomes of those that were done. In short: the buffered reader and writer lose
//! nothing and repeat nothing, and the same call made again goes on where the first was; so they
//! may stand in a race or under a timeout, in a loop. The plain traits own no bytes, and
//! `read_exact`, `write_all` and [`copy()`] cannot say how far they came.
//!
//! # Sources and sinks in memory
//!
//! `&self` wants a cell around what moves: a `Cell<&[u8]>` is a source, a `Cell<Vec<u8>>` is a
//! sink. Beside them stand [`empty`], [`sink`] and [`repeat`]. None of these ever
//! waits for anything; in a loop over them the task gives way now and then.
//!
//! # Streams
//!
//! [`duplex()`] connects two tasks without the system, on a virtual clock too; [`pipe()`] leads out, to
//! a thread or a child; [`AsyncFd`] takes in any other descriptor. Sockets are in [`net`](crate::net).
//! [`stdin`], [`stdout`] and [`stderr`] are what the process was given: with the feature `fs`, since they
//! may be files.
//! With the feature `futures-io` all of them have `AsyncRead` and `AsyncWrite`.
//!
//! Errors are std's own. Read next: `io/read.rs`, then `io/buf_reader.rs`.

pub(crate) mod async_fd;

mod read;
mod write;

mod delegate;
mod memory;

mod buf_reader;
mod buf_writer;
mod buffer;
mod lines;

mod copy;

pub(crate) mod inherent;

mod duplex;
mod pipe;

#[cfg(feature = "fs")]
pub(crate) mod pooled;
#[cfg(feature = "fs")]
mod stdio;

#[cfg(feature = "futures-io")]
mod polled;

pub use std::io::{Error, ErrorKind, IoSlice, IoSliceMut, IsTerminal, Result, SeekFrom};

pub use async_fd::AsyncFd;
pub use buf_reader::{BufReader, LineTooLong};
pub use buf_writer::{BufWriter, IntoInnerError};
pub use copy::copy;
pub use duplex::{Duplex, duplex};
pub use lines::{Lines, Split};
pub use memory::{Empty, Repeat, Sink, empty, repeat, sink};
pub use pipe::{PipeReader, PipeWriter, pipe};
pub use read::Read;
#[cfg(feature = "fs")]
pub use stdio::{Stderr, Stdin, StdinLines, Stdout, stderr, stdin, stdout};
pub use write::Write;
