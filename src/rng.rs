//! A small seeded generator of numbers, for schedules that can be repeated.
//!
//! SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA
//! 2014): one addition and three mixing steps a number, every seed good, the same on every machine.
//! Not for secrets.

/// A generator whose whole future is in its seed.
#[derive(Debug, Clone)]
pub(crate) struct Rng {
    /// The counter that the mixing hides.
    state: u64,
}

impl Rng {
    /// The generator of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Another generator for the same seed, whose numbers have nothing to do with those of [`Rng::new`]: what
    /// is drawn from it changes nothing for who draws from that one. Each `purpose` has its own.
    #[cfg(feature = "testing")]
    pub(crate) fn aside(seed: u64, purpose: u64) -> Self {
        Self::new(Self::new(seed ^ Self::new(purpose).next()).next())
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not zero; even enough for a schedule (Lemire's reduction).
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.next()) * bound as u128;
        (wide >> 64) as usize
    }
}
