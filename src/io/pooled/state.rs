//! What is known beside a file: bytes that dropped operations have moved, and the last of these.
//!
//! ```text
//!   file      │ handed out ………… │ ahead …… │ not read
//!             the program's position         the file's position
//! ```

use std::io::{Error, ErrorKind, Result};
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
    /// What came of it, if nobody was told yet: how many of these bytes were written, or an error.
    untold: Option<Result<usize>>,
    /// The first error of which nobody can be told by the same write any more.
    failed: Option<Error>,
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
        self.part_from_written();
        let mut written = mem::take(&mut self.written);
        written.clear();
        written
    }

    /// Keeps what a job has written and what came of it, until somebody is told.
    pub(super) fn keep_written(&mut self, (written, result): (Vec<u8>, Result<usize>)) {
        self.untold = Some(result.map(|count| checked(count, written.len())));
        self.written = written;
    }

    /// Tells what came of the last write: to who has waited for it.
    pub(super) fn told(&mut self) -> Option<Result<usize>> {
        self.untold.take()
    }

    /// Tells what came of a dropped write, if these bytes begin as its bytes do: it is made again.
    pub(super) fn told_again(&mut self, bytes: &[u8]) -> Option<Result<usize>> {
        let last = match self.untold.as_ref()? {
            Ok(count) => *count,
            Err(_) => self.written.len(),
        };
        let same = last.min(bytes.len());
        if same == 0 || bytes[..same] != self.written[..same] {
            return None;
        }
        if let Some(Ok(count)) = &mut self.untold
            && same < *count
        {
            *count -= same;
            self.written.drain(..same);
            return Some(Ok(same));
        }
        self.untold.take()
    }

    /// The last write is not made again: what it has written counts for nobody, and its error is told
    /// by the next flush.
    pub(super) fn part_from_written(&mut self) {
        if let Some(Err(error)) = self.untold.take() {
            self.failed.get_or_insert(error);
        }
    }

    /// Tells, once, that a dropped write has failed.
    pub(super) fn check(&mut self) -> Result<()> {
        if matches!(self.untold, Some(Err(_))) {
            self.part_from_written();
        }
        self.failed.take().map_or(Ok(()), Err)
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

    /// What is known after a dropped write of six bytes.
    fn after(result: Result<usize>) -> State {
        let mut state = State::default();
        state.keep_written((b"abcdef".to_vec(), result));
        state
    }

    #[test]
    fn what_was_written_counts_as_far_as_it_is_the_same() {
        let counted = |state: &mut State, bytes| state.told_again(bytes).and_then(Result::ok);
        let mut state = after(Ok(4));
        assert_eq!(counted(&mut state, b"ab"), Some(2), "a shorter piece");
        assert_eq!(counted(&mut state, b"cdef"), Some(2), "no more than that");
        assert_eq!(counted(&mut state, b"ef"), None);
        let mut state = after(Ok(4));
        assert_eq!(counted(&mut state, b"abcX"), None, "something else");
        state.check().expect("it has not failed");
        state.part_from_written();
        assert_eq!(counted(&mut state, b"abcd"), None);
    }

    #[test]
    fn a_failure_is_told_once_to_the_same_write_or_to_a_flush() {
        let failed = || after(Err(ErrorKind::StorageFull.into()));
        let kind = |error: Error| error.kind();
        for again in ["ab", "abcdef", "abcdef and more"] {
            let mut state = failed();
            assert!(state.told_again(b"else").is_none(), "another write");
            let told = state.told_again(again.as_bytes()).expect(again);
            assert_eq!(told.map_err(kind), Err(ErrorKind::StorageFull));
            assert!(state.told_again(again.as_bytes()).is_none(), "once");
            state.check().expect("it was told");
        }
        let mut state = failed();
        assert_eq!(state.check().map_err(kind), Err(ErrorKind::StorageFull));
        assert!(state.told_again(b"abcdef").is_none(), "once");
        state.check().expect("once");
    }

    #[test]
    fn what_parts_a_failure_from_the_same_write_leaves_it_to_the_flush() {
        let mut state = after(Err(ErrorKind::StorageFull.into()));
        state.part_from_written();
        assert!(state.told_again(b"abcdef").is_none());
        state.keep_written((b"ok".to_vec(), Ok(2)));
        assert!(matches!(state.told(), Some(Ok(2))));
        state.keep_written((b"more".to_vec(), Err(ErrorKind::BrokenPipe.into())));
        let error = state.check().expect_err("both have failed");
        assert_eq!(error.kind(), ErrorKind::StorageFull, "that was the first");
        state.check().expect("it was told");
    }
}
