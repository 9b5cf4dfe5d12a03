//! What is known beside a file: bytes that dropped operations have moved, and the last of these.
//!
//! ```text
//!   file      │ handed out ………… │ ahead …… │ not read
//!             the program's position         the file's position
//! ```

use std::io::{ErrorKind, Result};
use std::mem;
use std::task::{Context, Poll, ready};

use super::CHUNK_MAX_BYTES;
use crate::io::read::checked;

/// A job that nobody waits for, and what is to be made of its result.
type Abandoned = Box<dyn FnMut(&mut State, &mut Context<'_>) -> Poll<()>>;

/// What is known beside a file.
#[derive(Default)]
pub(super) struct State {
    /// What was read and not handed out.
    pub(super) ahead: Ahead,
    /// What the last write was given.
    written: Vec<u8>,
    /// How many of these were written without anybody having counted them.
    uncounted: usize,
    /// The job that was left here.
    abandoned: Option<Abandoned>,
}

impl State {
    /// Leaves a job here.
    pub(super) fn abandon(&mut self, job: Abandoned) {
        self.abandoned = Some(job);
    }

    /// Waits for the job that was left here, if there is one.
    pub(super) fn poll_abandoned(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(mut job) = self.abandoned.take() {
            let polled = job(self, cx);
            if polled.is_pending() {
                self.abandoned = Some(job);
            }
            ready!(polled);
        }
        Poll::Ready(())
    }

    /// Keeps what a job has read.
    pub(super) fn keep_ahead(&mut self, (ahead, result): (Ahead, Result<usize>)) -> Result<()> {
        self.ahead = ahead;
        result.map(drop)
    }

    /// Room for the bytes of a write.
    pub(super) fn lend_written(&mut self) -> Vec<u8> {
        self.forget_written();
        let mut written = mem::take(&mut self.written);
        written.clear();
        written
    }

    /// Keeps what a job has written, until it is counted.
    pub(super) fn keep_written(
        &mut self,
        (written, result): (Vec<u8>, Result<usize>),
    ) -> Result<usize> {
        self.written = written;
        self.uncounted = match &result {
            Ok(count) => checked(*count, self.written.len()),
            Err(_) => 0,
        };
        result
    }

    /// Counts bytes that a dropped write has written, if these are the same.
    pub(super) fn count_written(&mut self, bytes: &[u8]) -> Option<usize> {
        let count = self.uncounted.min(bytes.len());
        if count == 0 || bytes[..count] != self.written[..count] {
            return None;
        }
        self.written.drain(..count);
        self.uncounted -= count;
        Some(count)
    }

    /// What was written is counted, or nobody can count it any more.
    pub(super) fn forget_written(&mut self) {
        self.uncounted = 0;
    }
}

/// What becomes of the bytes ahead when the file has stepped back over them.
pub(super) fn rewound(state: &mut State, result: Result<u64>) -> Result<()> {
    match result {
        Ok(_) => {
            state.ahead.clear();
            Ok(())
        }
        // A pipe: what was read from it has nothing to do with where it is written.
        Err(error) if error.kind() == ErrorKind::NotSeekable => Ok(()),
        Err(error) => Err(error),
    }
}

/// Bytes that were read and not handed out.
#[derive(Default)]
pub(super) struct Ahead {
    /// Zeroed once; what lies outside `start..end` is left over.
    storage: Vec<u8>,
    /// The first byte not handed out.
    start: usize,
    /// Behind the last byte.
    end: usize,
}

impl Ahead {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// There are none any more. What was large for once is let go.
    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
        if self.storage.len() > CHUNK_MAX_BYTES {
            self.storage = Vec::new();
        }
    }

    /// Hands all over, to come back by [`State::keep_ahead`].
    pub(super) fn lend(&mut self) -> Self {
        mem::take(self)
    }

    /// Returns room for so many bytes; there must be none here.
    pub(super) fn room(&mut self, bytes: usize) -> &mut [u8] {
        debug_assert!(self.is_empty(), "the bytes would be lost");
        if self.storage.len() < bytes {
            self.storage.resize(bytes, 0);
        }
        &mut self.storage[..bytes]
    }

    /// Counts what was read into the room.
    pub(super) fn filled(mut self, result: &Result<usize>) -> Self {
        if let Ok(count) = result {
            self.end = checked(*count, self.storage.len());
        }
        self
    }

    /// Hands out as many bytes as there are, or `buf` has room for.
    pub(super) fn hand_out(&mut self, buf: &mut [u8]) -> usize {
        let count = self.len().min(buf.len());
        buf[..count].copy_from_slice(&self.storage[self.start..self.start + count]);
        self.start += count;
        if self.is_empty() {
            self.clear();
        }
        count
    }

    /// The bytes.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.storage.truncate(self.end);
        self.storage.drain(..self.start);
        self.storage
    }
}

impl From<Vec<u8>> for Ahead {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            start: 0,
            end: bytes.len(),
            storage: bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ahead_is_handed_out_in_order() {
        let mut ahead = Ahead::default();
        ahead.room(6).copy_from_slice(b"abcdef");
        let mut ahead = ahead.filled(&Ok(5));
        let mut buf = [0; 2];
        assert_eq!((ahead.hand_out(&mut buf), &buf), (2, b"ab"));
        assert_eq!(ahead.len(), 3);
        assert_eq!(ahead.into_bytes(), b"cde");
    }

    #[test]
    fn a_buffer_is_kept_and_a_large_one_let_go() {
        let mut ahead = Ahead::default();
        for (bytes, kept) in [(8, 8), (CHUNK_MAX_BYTES, CHUNK_MAX_BYTES)] {
            ahead.room(bytes);
            ahead = ahead.filled(&Ok(bytes));
            ahead.hand_out(&mut vec![0; bytes]);
            assert_eq!(ahead.storage.len(), kept);
        }
        ahead = Ahead::from(vec![1; CHUNK_MAX_BYTES + 1]);
        ahead.hand_out(&mut [0; CHUNK_MAX_BYTES]);
        assert_eq!(ahead.len(), 1);
        ahead.hand_out(&mut [0; 2]);
        assert_eq!(ahead.storage.len(), 0);
    }

    #[test]
    fn what_was_written_counts_as_far_as_it_is_the_same() {
        let mut state = State::default();
        let mut write = |count| {
            let kept = state.keep_written((b"abcdef".to_vec(), Ok(count)));
            assert_eq!(kept.ok(), Some(count));
            mem::take(&mut state)
        };
        let mut state = write(4);
        assert_eq!(state.count_written(b"ab"), Some(2), "a shorter piece");
        assert_eq!(state.count_written(b"cdef"), Some(2), "no more than that");
        assert_eq!(state.count_written(b"ef"), None);
        let mut state = write(4);
        assert_eq!(state.count_written(b"abcX"), None, "something else");
        state.forget_written();
        assert_eq!(state.count_written(b"abcd"), None);
    }
}
