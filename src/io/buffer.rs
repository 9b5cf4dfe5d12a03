//! Bytes that were read and not yet handed out: what [`BufReader`](super::BufReader) keeps.
//!
//! ```text
//!   storage  │ handed out │ filled ……… │ room to read into │
//!            0          start         end          storage.len()
//! ```
//!
//! It has a size it was made with, and grows beyond it only when one line, or one text, must lie
//! here whole; when the last byte is handed out it takes that size again.

use super::read::checked;

/// A queue of bytes in one piece.
pub(super) struct Buffer {
    /// Zeroed once; what lies outside `start..end` is left over.
    storage: Vec<u8>,
    /// The first byte not handed out.
    start: usize,
    /// Behind the last byte that was read.
    end: usize,
    /// The size to go back to.
    capacity: usize,
}

impl Buffer {
    /// Makes an empty one of `capacity` bytes.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Buffer {
            storage: vec![0; capacity],
            start: 0,
            end: 0,
            capacity,
        }
    }

    /// Returns the size it was made with.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns what was read and not handed out.
    pub(super) fn filled(&self) -> &[u8] {
        &self.storage[self.start..self.end]
    }

    /// Counts the first `n` bytes, or all if there are fewer, as handed out.
    pub(super) fn consume(&mut self, n: usize) {
        self.start = self.end.min(self.start.saturating_add(n));
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.storage.len() > self.capacity {
                self.storage.truncate(self.capacity);
                self.storage.shrink_to_fit();
            }
        }
    }

    /// Returns room to read into: enough that `total` bytes can lie here, and never none.
    ///
    /// The bytes move to the front only when they must, and grow by doubling: so a byte is moved
    /// a bounded number of times, however long the line.
    pub(super) fn room(&mut self, total: usize) -> &mut [u8] {
        let total = total.max(self.filled().len() + 1);
        if self.start + total > self.storage.len() {
            self.storage.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if total > self.storage.len() {
            let doubled = self.storage.len().saturating_mul(2);
            self.storage.resize(total.max(doubled), 0);
        }
        &mut self.storage[self.end..]
    }

    /// Counts `n` bytes of the room as filled.
    pub(super) fn advance(&mut self, n: usize) {
        self.end += checked(n, self.storage.len() - self.end);
    }

    /// Takes back the bytes that were handed out last; nothing may be left behind them.
    pub(super) fn put_back(&mut self, bytes: &[u8]) {
        debug_assert!(self.filled().is_empty(), "the bytes would change places");
        self.room(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        self.advance(bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(buffer: &mut Buffer, bytes: &[u8]) {
        let total = buffer.filled().len() + bytes.len();
        buffer.room(total)[..bytes.len()].copy_from_slice(bytes);
        buffer.advance(bytes.len());
    }

    #[test]
    fn bytes_move_to_the_front_only_when_room_is_short() {
        let mut buffer = Buffer::with_capacity(4);
        fill(&mut buffer, b"abc");
        buffer.consume(1);
        assert_eq!((buffer.start, buffer.end), (1, 3));
        fill(&mut buffer, b"d");
        assert_eq!((buffer.start, buffer.end), (1, 4), "there was room for one");
        fill(&mut buffer, b"e");
        assert_eq!((buffer.start, buffer.end), (0, 4), "moved, not grown");
        assert_eq!(buffer.filled(), b"bcde");
    }

    #[test]
    fn a_grown_buffer_takes_its_first_size_when_it_is_empty() {
        let mut buffer = Buffer::with_capacity(4);
        fill(&mut buffer, b"abcd");
        fill(&mut buffer, b"e");
        assert_eq!(buffer.storage.len(), 8, "doubled");
        buffer.consume(4);
        assert_eq!(buffer.storage.len(), 8, "a byte is left");
        buffer.consume(1);
        assert_eq!(buffer.storage.len(), 4);
        assert_eq!(buffer.filled(), b"");
    }

    #[test]
    fn a_buffer_of_nothing_still_has_room() {
        let mut buffer = Buffer::with_capacity(0);
        assert_eq!(buffer.room(0).len(), 1);
        buffer.consume(9);
        assert_eq!(buffer.storage.len(), 0);
    }

    #[test]
    #[should_panic(expected = "5 bytes were counted where 4 had room")]
    fn more_bytes_than_there_was_room_for_are_refused() {
        let mut buffer = Buffer::with_capacity(4);
        buffer.advance(5);
    }
}
