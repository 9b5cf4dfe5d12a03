//! What a task waits for: one bit a kind, since a task may wait for several things at once.

use std::cell::Cell;
use std::fmt;
use std::ops::BitOr;

/// A set of things that a task waits for.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Waits(u8);

impl Waits {
    /// Nothing was noted.
    pub(crate) const NOTHING: Self = Self(0);
    /// A turn: it has given way and is ready again.
    pub(crate) const TURN: Self = Self(1);
    /// The end of another task.
    pub(crate) const JOIN: Self = Self(1 << 1);
    /// Another task's doing: a lock, a queue, an event, a pipe in memory.
    pub(crate) const TASK: Self = Self(1 << 2);
    /// A deadline.
    pub(crate) const TIME: Self = Self(1 << 3);
    /// A descriptor that can be read, or one that can be written.
    pub(crate) const IO: Self = Self(1 << 4);
    /// A thread's reply, or a signal.
    pub(crate) const THREAD: Self = Self(1 << 5);
    /// Anybody: a waker has left our own futures. It may still be kept somewhere when the task is
    /// polled again, so this bit stays for as long as the task lives.
    pub(crate) const FOREIGN: Self = Self(1 << 6);

    /// Not a wait: `extras` knows something about the task. It is noted in the same way.
    pub(crate) const EXTRAS: Self = Self(1 << 7);

    /// Whether `extras` knows something about the task.
    pub(crate) fn has_extras(self) -> bool {
        self.0 & Self::EXTRAS.0 != 0
    }

    /// Whether something outside the executor's tasks and timers may end the wait.
    pub(crate) fn outside(self) -> bool {
        self.0 & (Self::IO.0 | Self::THREAD.0 | Self::FOREIGN.0) != 0
    }

    /// What stays noted when the task is polled again.
    pub(crate) fn kept(self) -> Self {
        Self(self.0 & (Self::FOREIGN.0 | Self::EXTRAS.0))
    }
}

impl BitOr for Waits {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Waits {
    /// Writes what is waited for, as in "waits for a deadline or a task to end".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WORDS: [(Waits, &str); 7] = [
            (Waits::TURN, "its turn"),
            (Waits::JOIN, "a task to end"),
            (Waits::TASK, "another task"),
            (Waits::TIME, "a deadline"),
            (Waits::IO, "a descriptor"),
            (Waits::THREAD, "a thread"),
            (Waits::FOREIGN, "a foreign waker"),
        ];
        let mut words = WORDS
            .iter()
            .filter(|(bit, _)| self.0 & bit.0 != 0)
            .map(|(_, word)| word);
        match words.next() {
            None => f.write_str("nothing that could wake it")?,
            Some(first) => f.write_str(first)?,
        }
        for word in words {
            write!(f, " or {word}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Waits({self})")
    }
}

/// What many wait for, who say it one by one: how many of them there are for each kind.
#[derive(Debug, Default)]
pub(crate) struct Tally([Cell<u32>; 8]);

impl Tally {
    /// One of them waits for something else than before.
    pub(crate) fn change(&self, before: Waits, now: Waits) {
        for (nth, count) in self.0.iter().enumerate() {
            let bit = |waits: Waits| u32::from(waits.0 >> nth & 1);
            count.set(count.get() + bit(now) - bit(before));
        }
    }

    /// What they wait for together.
    pub(crate) fn union(&self) -> Waits {
        let bits = self.0.iter().enumerate();
        Waits(bits.fold(0, |bits, (nth, count)| {
            bits | u8::from(count.get() > 0) << nth
        }))
    }
}
