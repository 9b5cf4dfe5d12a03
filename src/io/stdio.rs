//! What every process is given: input, output, and a place for complaints.
//!
//! ```text
//!                     ┌─ pipe, socket, terminal, device ─► the reactor: when it is ready, std's call
//!   descriptor 0,1,2 ─┤
//!                     └─ file, folder, disk ─────────────► a thread of the pool
//! ```
//!
//! The law: *the descriptors stay blocking*. Whether a descriptor blocks is a property of what was
//! opened, and that is shared with others: make the shell's terminal non-blocking, and the shell will
//! read errors from it when the program has ended. So it is asked each time whether there is something
//! to read, or room to write; and of that room no more is used than is known to be there
//! (`PIPE_BUF`). What is asked and waited for is a copy of the descriptor, so the reactor knows it by
//! another number than the rest of the program.
//!
//! Read next: `io/stdio/input.rs`, `io/stdio/output.rs`.

mod input;
mod output;

use std::cell::OnceCell;
use std::fs::File;
use std::io::{Read as _, Result, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;

use rustix::event::PollFlags;

use crate::io::AsyncFd;
use crate::io::async_fd::would_block_unless;
use crate::io::pooled::Pooled;

pub use input::{Stdin, StdinLines, stdin};
pub use output::{Stderr, Stdout, stderr, stdout};

/// How many bytes are written at once: a pipe that has any room has room for these.
const PIECE_MAX_BYTES: usize = libc::PIPE_BUF;

/// One of the three; a copy of the descriptor is made when it is first used.
struct Standard {
    /// Copies the descriptor.
    copy: fn() -> Result<OwnedFd>,
    /// How it is used.
    used: OnceCell<Used>,
}

/// How a descriptor is used.
enum Used {
    /// When the reactor says that it is ready.
    Told(AsyncFd<File>),
    /// By threads; in a box, for it is large and most have none.
    Pooled(Box<Pooled>),
}

impl Standard {
    /// The one whose descriptor is copied by this.
    fn new(copy: fn() -> Result<OwnedFd>) -> Self {
        Self {
            copy,
            used: OnceCell::new(),
        }
    }

    /// Finds out how it is used.
    fn used(&self) -> Result<&Used> {
        if let Some(used) = self.used.get() {
            return Ok(used);
        }
        let file = File::from((self.copy)()?);
        let kind = file.metadata()?.file_type();
        let used = if kind.is_file() || kind.is_dir() || kind.is_block_device() {
            Used::Pooled(Box::new(Pooled::new(file)))
        } else {
            // It is not, and need not be: see the law.
            Used::Told(AsyncFd::from_nonblocking(file))
        };
        Ok(self.used.get_or_init(|| used))
    }

    /// Reads some bytes; zero is the end.
    async fn read(&self, buf: &mut [u8]) -> Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        match self.used()? {
            Used::Pooled(pooled) => pooled.read(buf).await,
            Used::Told(fd) => {
                let read = |mut file: &File| {
                    would_block_unless(file.as_fd(), PollFlags::IN)?;
                    file.read(buf)
                };
                fd.read_with(read).await
            }
        }
    }

    /// Writes some of the bytes.
    async fn write(&self, buf: &[u8]) -> Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        match self.used()? {
            Used::Pooled(pooled) => pooled.write(buf).await,
            Used::Told(fd) => {
                let piece = &buf[..buf.len().min(PIECE_MAX_BYTES)];
                let write = |mut file: &File| {
                    would_block_unless(file.as_fd(), PollFlags::OUT)?;
                    file.write(piece)
                };
                fd.write_with(write).await
            }
        }
    }

    /// Waits for a write that was dropped, and tells if it has failed.
    async fn flush(&self) -> Result<()> {
        if let Used::Pooled(pooled) = self.used()? {
            pooled.flush().await?;
        }
        Ok(())
    }
}
