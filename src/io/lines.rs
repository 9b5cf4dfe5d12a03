//! A reader's bytes, piece by piece: what `for line in reader.lines()` becomes here.
//!
//! ```text
//!   for line in reader.lines() {            let mut lines = reader.lines();
//!       …                                   while let Some(line) = lines.next().await {
//!   }                                           …
//!                                           }
//! ```

use std::fmt;
use std::future::Future;
use std::io::Result;

use super::{BufReader, LineTooLong, Read};
use crate::place::placed;

/// The lines of a [`BufReader`], without their ends. See [`BufReader::lines`].
pub struct Lines<R> {
    /// At the first line that was not handed out.
    reader: BufReader<R>,
    /// Set behind a line that is too long: it is still there, and would be told of for ever.
    ended: bool,
}

impl<R> Lines<R> {
    /// Begins with the reader's next line.
    pub(super) fn of(reader: BufReader<R>) -> Self {
        Lines {
            reader,
            ended: false,
        }
    }

    /// Returns the reader, at the first line that was not handed out.
    pub fn into_inner(self) -> BufReader<R> {
        self.reader
    }
}

impl<R: Read> Lines<R> {
    /// Waits for the next line and returns it without its `\n` or `\r\n`; none means the end.
    ///
    /// # Errors
    ///
    /// Those of [`BufReader::read_line`]. A line that is not UTF-8 is passed over, and the next one
    /// follows it; a line that is too long is the last.
    ///
    /// # Cancel safety
    ///
    /// No byte is lost; called again, it goes on with the same line.
    #[track_caller]
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator's next does not wait"
    )]
    pub fn next(&mut self) -> impl Future<Output = Option<Result<String>>> {
        placed(async move {
            if self.ended {
                return None;
            }
            let mut line = String::new();
            let read = self.reader.read_line(&mut line).await;
            let read = kept(read, &mut self.ended)?;
            Some(read.map(|()| without_end(line)))
        })
    }
}

/// The pieces of a [`BufReader`] between two of a byte. See [`BufReader::split`].
pub struct Split<R> {
    /// At the first piece that was not handed out.
    reader: BufReader<R>,
    /// What is between two pieces.
    byte: u8,
    /// As in [`Lines`].
    ended: bool,
}

impl<R> Split<R> {
    /// Begins with the reader's next piece.
    pub(super) fn of(reader: BufReader<R>, byte: u8) -> Self {
        Split {
            reader,
            byte,
            ended: false,
        }
    }

    /// Returns the reader, at the first piece that was not handed out.
    pub fn into_inner(self) -> BufReader<R> {
        self.reader
    }
}

impl<R: Read> Split<R> {
    /// Waits for the next piece and returns it without the byte behind it; none means the end.
    ///
    /// # Errors
    ///
    /// Those of [`BufReader::read_until`]. A piece that is too long is the last.
    ///
    /// # Cancel safety
    ///
    /// No byte is lost; called again, it goes on with the same piece.
    #[track_caller]
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator's next does not wait"
    )]
    pub fn next(&mut self) -> impl Future<Output = Option<Result<Vec<u8>>>> {
        placed(async move {
            if self.ended {
                return None;
            }
            let mut piece = Vec::new();
            let read = self.reader.read_until(self.byte, &mut piece).await;
            let read = kept(read, &mut self.ended)?;
            Some(read.map(|()| {
                piece.pop_if(|last| *last == self.byte);
                piece
            }))
        })
    }
}

/// Returns a line without its `\n` or `\r\n`.
pub(super) fn without_end(mut line: String) -> String {
    if line.ends_with('\n') {
        line.pop();
        if line.ends_with('\r') {
            line.pop();
        }
    }
    line
}

/// Returns none at the end, and notes when there is nothing behind this.
fn kept(read: Result<usize>, ended: &mut bool) -> Option<Result<()>> {
    match read {
        Ok(0) => None,
        Ok(_) => Some(Ok(())),
        Err(e) => {
            *ended = e.get_ref().is_some_and(|e| e.is::<LineTooLong>());
            Some(Err(e))
        }
    }
}

impl<R: fmt::Debug> fmt::Debug for Lines<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lines").field(&self.reader).finish()
    }
}

impl<R: fmt::Debug> fmt::Debug for Split<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Split")
            .field("reader", &self.reader)
            .field("byte", &self.byte)
            .finish()
    }
}
