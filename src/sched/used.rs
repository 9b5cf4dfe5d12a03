//! Which of 4096 places are used, and which of those is the first.
//!
//! ```text
//!   words   …1 0 1     a bit for each word of `used` that is not zero
//!             │   └── used[0]   …0 0 1 0 0     a bit for each place
//!             └────── used[2]   …1 0 0 0 1
//! ```
//!
//! Each word tells its lowest bit in one instruction, so two of them tell the first place: 64 times 64. What has
//! tasks in such places: `sched/rising.rs`, by the digits of a number; `sched/shortest_job.rs`, by classes.

/// How many places there are, by their bits: two times six, as two words in turn say where to look.
pub(super) const PLACE_BITS: u32 = 12;

/// How many words it takes to have a bit for each.
const WORDS: usize = (1 << PLACE_BITS) / u64::BITS as usize;

/// Places, of which the first one is at hand.
#[derive(Debug)]
pub(super) struct Used {
    /// Which words of `used` are not zero.
    words: u64,
    /// Which places are used.
    used: [u64; WORDS],
}

impl Used {
    /// None of them.
    pub(super) const fn new() -> Self {
        Self {
            words: 0,
            used: [0; WORDS],
        }
    }

    /// Adds a place, if it is not there.
    #[inline]
    pub(super) fn insert(&mut self, place: usize) {
        let word = place / u64::BITS as usize;
        if self.used[word] == 0 {
            self.words |= 1 << word;
        }
        self.used[word] |= 1 << (place % u64::BITS as usize);
    }

    /// The first place.
    #[inline]
    pub(super) fn first(&self) -> Option<usize> {
        if self.words == 0 {
            return None;
        }
        let word = self.words.trailing_zeros() as usize % WORDS;
        Some(word * u64::BITS as usize + self.used[word].trailing_zeros() as usize)
    }

    /// Removes the first place, if there are any.
    #[inline]
    pub(super) fn remove_first(&mut self) {
        let word = self.words.trailing_zeros() as usize % WORDS;
        let used = &mut self.used[word];
        *used &= used.wrapping_sub(1);
        if *used == 0 {
            self.words &= self.words.wrapping_sub(1);
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.words == 0
    }
}
