//! Numbers for a test, from the seed of its simulation.
//!
//! They come from a stream of their own: what a test draws does not change the order in which tasks come,
//! and the other way round. So a test that draws one more number still runs the schedule that it ran
//! before.

use std::cell::RefCell;
use std::fmt;
use std::hash::{BuildHasher, DefaultHasher, Hasher};
use std::ops::{Bound, RangeBounds};

use crate::rng::Rng;

thread_local! {
    /// The chance of the simulation on this thread.
    static CHANCE: RefCell<Option<Chance>> = const { RefCell::new(None) };
}

/// Which of the streams of a seed is for the test.
const PURPOSE: u64 = 1;

/// What a simulation leaves to chance.
struct Chance {
    /// What all of it comes from.
    seed: u64,
    /// The numbers for the test.
    rng: Rng,
}

/// While it lives, numbers can be drawn on this thread.
pub(super) struct Drawing(Option<Chance>);

impl Drawing {
    /// Draws from this seed.
    pub(super) fn begin(seed: u64) -> Self {
        let rng = Rng::aside(seed, PURPOSE);
        Self(CHANCE.replace(Some(Chance { seed, rng })))
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        CHANCE.set(self.0.take());
    }
}

/// Another stream of chance for the simulation on this thread; each `purpose` has its own.
pub(super) fn stream(purpose: u64) -> Rng {
    let seed = CHANCE.with_borrow(|chance| chance.as_ref().map(|chance| chance.seed));
    Rng::aside(seed.expect("a simulation runs"), purpose)
}

/// The next number.
///
/// # Panics
///
/// Panics outside of a simulation.
#[track_caller]
fn next() -> u64 {
    let drawn = CHANCE.with_borrow_mut(|chance| Some(chance.as_mut()?.rng.next()));
    match drawn {
        Some(number) => number,
        None => panic!(
            "no simulation is running on this thread, so there is no seed to draw from; call this inside \
             testing::Sim::run()"
        ),
    }
}

/// A number below `bound`, which is between one and 2⁶⁴.
#[track_caller]
fn below(bound: u128) -> u128 {
    (u128::from(next()) * bound) >> 64
}

/// The integers that [`random`] draws: all up to 64 bits.
///
/// It is sealed: no other types can have it.
pub trait Number: sealed::Sealed + Copy + fmt::Debug {
    /// The least one.
    #[doc(hidden)]
    const LEAST: i128;
    /// The greatest one.
    #[doc(hidden)]
    const GREATEST: i128;

    /// The same number, in a type that has all of them.
    #[doc(hidden)]
    fn widened(self) -> i128;

    /// The number of this type, which has it.
    #[doc(hidden)]
    fn narrowed(wide: i128) -> Self;
}

/// Keeps [`Number`] to the types that are here.
mod sealed {
    /// An integer.
    pub trait Sealed {}
}

/// Makes these integers numbers.
macro_rules! numbers {
    ($($integer:ty)*) => {$(
        impl sealed::Sealed for $integer {}

        impl Number for $integer {
            const LEAST: i128 = <$integer>::MIN as i128;
            const GREATEST: i128 = <$integer>::MAX as i128;

            fn widened(self) -> i128 {
                self as i128
            }

            fn narrowed(wide: i128) -> Self {
                wide as Self
            }
        }
    )*};
}

numbers! { u8 u16 u32 u64 usize i8 i16 i32 i64 isize }

/// Returns a number in this range, each as likely as the others, from the seed of the simulation that runs
/// ([`Sim::seed`](crate::testing::Sim::seed); 0 unless that was called; in an exploration the
/// [explorer's](crate::testing::Explorer::seed)). The same seed gives the same numbers
/// every time, on every machine. Drawing changes nothing for the order in which tasks come.
///
/// # Panics
///
/// Panics outside of a simulation, and if the range is empty.
///
/// # Examples
///
/// ```
/// use bibelot::testing::{Sim, random};
/// use bibelot::time::{Duration, sleep};
///
/// let draw = || Sim::new().seed(7).run(async { random(1..=6) });
/// assert_eq!(draw(), draw());
///
/// Sim::new().seed(7).run(async {
///     for _ in 0..10 {
///         bibelot::spawn(sleep(Duration::from_millis(random(0..1000))));
///     }
/// });
/// ```
#[track_caller]
pub fn random<T: Number>(range: impl RangeBounds<T>) -> T {
    let first = match range.start_bound() {
        Bound::Included(first) => first.widened(),
        Bound::Excluded(before) => before.widened() + 1,
        Bound::Unbounded => T::LEAST,
    };
    let last = match range.end_bound() {
        Bound::Included(last) => last.widened(),
        Bound::Excluded(after) => after.widened() - 1,
        Bound::Unbounded => T::GREATEST,
    };
    assert!(
        first <= last,
        "no number can be drawn from an empty range: from {first} up to {last}"
    );
    let count = last.abs_diff(first) + 1;
    T::narrowed(first + below(count) as i128)
}

/// Returns whether something happens that has this probability; see [`random`].
///
/// # Panics
///
/// Panics outside of a simulation, and if the probability is not between 0 and 1.
///
/// # Examples
///
/// ```
/// use bibelot::testing::{Sim, random_bool};
///
/// Sim::new().seed(7).run(async {
///     let heads = (0..1000).filter(|_| random_bool(0.5)).count();
///     assert!((400..600).contains(&heads));
/// });
/// ```
#[track_caller]
pub fn random_bool(probability: f64) -> bool {
    assert!(
        (0.0..=1.0).contains(&probability),
        "a probability is between 0 and 1, and not {probability}"
    );
    // As many bits as an f64 has: a number below 1, so that what is certain always happens.
    let number = (next() >> 11) as f64 / (1_u64 << 53) as f64;
    number < probability
}

/// Puts items in any order, each as likely as the others; see [`random`].
///
/// # Panics
///
/// Panics outside of a simulation, unless there are fewer than two items.
///
/// # Examples
///
/// ```
/// use bibelot::testing::{Sim, shuffle};
///
/// let mut items = [1, 2, 3, 4, 5];
/// Sim::new().seed(7).run(async { shuffle(&mut items) });
/// items.sort();
/// assert_eq!(items, [1, 2, 3, 4, 5]);
/// ```
#[track_caller]
pub fn shuffle<T>(items: &mut [T]) {
    // Fisher and Yates, as Durstenfeld wrote it down (1964).
    for last in (1..items.len()).rev() {
        let nth = below(last as u128 + 1) as usize;
        items.swap(last, nth);
    }
}

/// How the maps and sets of a test hash, from the seed; std's
/// [`RandomState`](std::hash::RandomState), whose maps have another order in every process.
///
/// A `HashMap<K, V, RandomState>` has an order that nobody can rely on, as maps have, but one that comes
/// again with the same seed (and the same compiler, whose hash function it is).
///
/// # Examples
///
/// ```
/// use bibelot::testing::{RandomState, Sim};
/// use std::collections::HashSet;
///
/// let order = |seed| {
///     Sim::new().seed(seed).run(async {
///         let set: HashSet<u32, RandomState> = (0..20).collect();
///         set.into_iter().collect::<Vec<_>>()
///     })
/// };
/// assert_eq!(order(7), order(7));
/// assert_ne!(order(7), order(8));
/// ```
#[derive(Debug, Clone)]
pub struct RandomState {
    /// What each hash begins with.
    key: u64,
}

impl RandomState {
    /// Draws one; see [`random`].
    ///
    /// # Panics
    ///
    /// Panics outside of a simulation.
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        Self { key: next() }
    }
}

impl Default for RandomState {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl BuildHasher for RandomState {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.key);
        hasher
    }
}
