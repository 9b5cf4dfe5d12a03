//! A reader's bytes up to a certain one: lines, and text.
//!
//! A line is *gathered* before it is handed out: the buffer is read into, and grows where it must,
//! until it holds the end of the line. Only then, and without a wait in between, the line moves to
//! the caller. Whatever ends the gathering early (a drop, an error, a limit) finds every byte
//! where it was.

use std::error;
use std::fmt;
use std::future::Future;
use std::io::{BufRead, Error, ErrorKind, Result};

use super::BufReader;
use crate::io::read::text;
use crate::io::{Lines, Read, Split};
use crate::place::placed;
use crate::task::yields::at_once;

impl<R> BufReader<R> {
    /// Refuses lines of more than `bytes_max` bytes, their end not counted.
    ///
    /// Without it, as in std, a line may be as long as memory, which no server should allow its
    /// clients. The limit holds for [`read_line`](Self::read_line),
    /// [`read_until`](Self::read_until), [`lines`](Self::lines) and [`split`](Self::split): they
    /// fail with [`LineTooLong`], and the line stays unread. [`skip_until`](Self::skip_until)
    /// passes over it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::cell::Cell;
    ///
    /// use bibelot::io::{self, BufReader};
    ///
    /// # bibelot::run(async {
    /// let source = Cell::new("rather long\nshort\n".as_bytes());
    /// let mut reader = BufReader::new(source).line_limit(8);
    /// let mut line = String::new();
    ///
    /// let error = reader.read_line(&mut line).await.unwrap_err();
    /// assert_eq!(error.to_string(), "line is longer than the limit of 8 bytes");
    /// reader.skip_until(b'\n').await?;
    /// reader.read_line(&mut line).await?;
    /// assert_eq!(line, "short\n");
    /// # Ok::<(), io::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn line_limit(mut self, bytes_max: usize) -> Self {
        self.line_max = Some(bytes_max);
        self
    }

    /// Returns the lines, without their ends, one by one.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::cell::Cell;
    ///
    /// use bibelot::io::{self, BufReader};
    ///
    /// # bibelot::run(async {
    /// let mut lines = BufReader::new(Cell::new("one\r\ntwo".as_bytes())).lines();
    /// assert_eq!(lines.next().await.transpose()?.as_deref(), Some("one"));
    /// assert_eq!(lines.next().await.transpose()?.as_deref(), Some("two"));
    /// assert!(lines.next().await.is_none());
    /// # Ok::<(), io::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn lines(self) -> Lines<R> {
        Lines::of(self)
    }

    /// Returns what lies between the places where `byte` is, piece by piece.
    pub fn split(self, byte: u8) -> Split<R> {
        Split::of(self, byte)
    }
}

impl<R: Read> BufReader<R> {
    /// Reads up to and including the next `byte`, or to the end, appends it to `buf`, and returns
    /// how many bytes that was. Zero means the end.
    ///
    /// # Errors
    ///
    /// [`LineTooLong`] (`InvalidData`), else those of the source, except `Interrupted`. Nothing was
    /// appended; what was read is in the [`buffer`](Self::buffer).
    ///
    /// # Cancel safety
    ///
    /// No byte is lost. Nothing is appended before all is there; called again, it goes on.
    #[track_caller]
    pub fn read_until(
        &mut self,
        byte: u8,
        buf: &mut Vec<u8>,
    ) -> impl Future<Output = Result<usize>> {
        placed(async move {
            let n = self.gather_until(byte).await?;
            buf.extend_from_slice(&self.buffer()[..n]);
            self.consume(n);
            Ok(n)
        })
    }

    /// Reads a line with its end (`\n`), or what is left before the end of the source, appends it
    /// to `line`, and returns how many bytes that was. Zero means the end.
    ///
    /// # Errors
    ///
    /// `InvalidData` when the line is not UTF-8: `line` is as it was, and the source is behind the
    /// bad line. Else those of [`read_until`](Self::read_until).
    ///
    /// # Cancel safety
    ///
    /// No byte is lost. Nothing is appended before the line is whole; called again, it goes on.
    #[track_caller]
    pub fn read_line(&mut self, line: &mut String) -> impl Future<Output = Result<usize>> {
        placed(async move {
            let n = self.gather_until(b'\n').await?;
            self.hand_out_text(n, line)
        })
    }

    /// Reads past the next `byte`, or to the end, keeps nothing, and returns how many bytes that
    /// was. No line is too long for it.
    ///
    /// # Errors
    ///
    /// Those of the source, except `Interrupted`.
    ///
    /// # Cancel safety
    ///
    /// What was skipped stays skipped; called again, it goes on, but the count begins anew.
    #[track_caller]
    pub fn skip_until(&mut self, byte: u8) -> impl Future<Output = Result<usize>> {
        placed(async move {
            let mut skipped = 0;
            loop {
                // As in `copy`, no memory bounds this.
                at_once(|| ()).await;
                let found = find(byte, self.buffer());
                let n = found.map_or(self.buffer().len(), |at| at + 1);
                self.consume(n);
                skipped += n;
                if found.is_some() || self.read_more_uninterrupted().await? == 0 {
                    return Ok(skipped);
                }
            }
        })
    }

    /// Reads until the end, appends it all to `buf` as text, and returns how many bytes that was.
    ///
    /// # Errors
    ///
    /// `InvalidData` when the bytes are not UTF-8; then they are gone, as in std. Else those of the
    /// source, except `Interrupted`; then what was read is in the [`buffer`](Self::buffer). In
    /// each case `buf` is as it was.
    ///
    /// # Cancel safety
    ///
    /// No byte is lost. Nothing is appended before all is there; called again, it goes on.
    #[track_caller]
    pub fn read_to_string(&mut self, buf: &mut String) -> impl Future<Output = Result<usize>> {
        placed(async move {
            while self.read_more_uninterrupted().await? > 0 {}
            self.hand_out_text(self.buffer().len(), buf)
        })
    }

    /// Reads until the buffer holds `byte`, or all there is, and returns how long that is. Nothing
    /// is handed out, so nothing is lost where this stops early.
    async fn gather_until(&mut self, byte: u8) -> Result<usize> {
        let mut searched = 0;
        loop {
            let found = find(byte, &self.buffer()[searched..]).map(|at| searched + at);
            searched = self.buffer().len();
            if let Some(limit) = self.line_max
                && found.unwrap_or(searched) > limit
            {
                return Err(Error::new(ErrorKind::InvalidData, LineTooLong { limit }));
            }
            if let Some(at) = found {
                return Ok(at + 1);
            }
            if self.read_more_uninterrupted().await? == 0 {
                return Ok(searched);
            }
        }
    }

    /// Hands out the first `n` bytes as text; those that are none are gone.
    fn hand_out_text(&mut self, n: usize, buf: &mut String) -> Result<usize> {
        let text = text(&self.buffer.filled()[..n]).map(|text| buf.push_str(text));
        self.buffer.consume(n);
        text.map(|()| n)
    }

    /// As [`read_more`](Self::read_more), again when interrupted.
    async fn read_more_uninterrupted(&mut self) -> Result<usize> {
        loop {
            match self.read_more().await {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

/// The error of a line longer than [`BufReader::line_limit`] allows.
///
/// It is inside an [`Error`] of kind `InvalidData`; `error.get_ref()` and `is` tell it from text
/// that is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineTooLong {
    /// In bytes.
    limit: usize,
}

impl LineTooLong {
    /// Returns the limit, in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }
}

impl fmt::Display for LineTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line is longer than the limit of {} bytes", self.limit)
    }
}

impl error::Error for LineTooLong {}

/// Returns where `byte` is first. std's fast search is its own, but `skip_until` lends it.
fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    let skipped = BufRead::skip_until(&mut rest, byte).expect("a slice reads without error");
    bytes[..skipped].last().filter(|last| **last == byte)?;
    Some(skipped - 1)
}
