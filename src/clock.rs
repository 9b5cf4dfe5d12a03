//! Time, real or virtual: the only place that reads a clock.
//!
//! ```text
//!   Instant::now() ──► the clock of the running executor ──► Real: the machine's monotonic clock
//!                  └─► outside of one: Real                 Virtual: a number that jumps
//!                                                           Manual:  one that is told to
//! ```
//!
//! An [`Instant`] is a count of nanoseconds, so that deadlines are exact and a simulation gives the
//! same figures on every machine. Everything that waits for time takes it from here; a test under a
//! virtual clock therefore never sleeps.
//!
//! Read next: `timers.rs`.

use std::cell::Cell;
use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;

use crate::sys;

/// A moment on the clock of the running executor; `std::time::Instant` for code under a clock that
/// may be virtual.
///
/// Two instants can be compared only if they come from the same clock. [`Instant::now`] inside an
/// executor reads that executor's clock, elsewhere the real one.
///
/// # Examples
///
/// ```
/// use bibelot::time::{Duration, Instant, sleep};
///
/// bibelot::run(async {
///     let start = Instant::now();
///     sleep(Duration::from_millis(2)).await;
///     assert!(start.elapsed() >= Duration::from_millis(2));
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    /// Nanoseconds since the clock's own beginning: enough for 584 years.
    nanos: u64,
}

/// Where the real clock starts. Not zero, so that a little arithmetic into the past does not fail at once.
const BEGINNING: Instant = Instant { nanos: 1 << 60 };

/// Where the other clocks start: a hundred years later, so that an instant tells whose it is.
const VIRTUAL_BEGINNING: Instant = Instant { nanos: 1 << 62 };

/// What is before is the real clock's, for the 36 years to come.
const MIDDLE: Instant = Instant { nanos: 1 << 61 };

impl Instant {
    /// The moment before all others: a deadline that has always passed.
    pub(crate) const PAST: Self = Self { nanos: 0 };

    /// The moment after all others: a deadline that never comes.
    pub(crate) const NEVER: Self = Self { nanos: u64::MAX };

    /// Nanoseconds since the clock's own beginning.
    pub(crate) fn nanos(self) -> u64 {
        self.nanos
    }

    /// Returns this moment moved by `duration` into the future, or the last moment there is.
    ///
    /// A deadline of `now + Duration::MAX` is thereby no deadline at all.
    #[must_use]
    pub(crate) fn saturating_add(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self {
            nanos: self.nanos.saturating_add(nanos),
        }
    }

    /// Whether this is a moment of the real clock, and `now` one of a clock that is not.
    pub(crate) fn is_real_beside(self, now: Self) -> bool {
        now >= MIDDLE && self < MIDDLE && self != Self::PAST
    }

    /// Returns the time from `earlier` to this moment, or zero if `earlier` is later.
    #[must_use]
    pub fn duration_since(&self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }

    /// Returns the time from `earlier` to this moment, or zero if `earlier` is later.
    #[must_use]
    pub fn saturating_duration_since(&self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanos.saturating_sub(earlier.nanos))
    }

    /// Returns the time from `earlier` to this moment, or `None` if `earlier` is later.
    #[must_use]
    pub fn checked_duration_since(&self, earlier: Self) -> Option<Duration> {
        self.nanos
            .checked_sub(earlier.nanos)
            .map(Duration::from_nanos)
    }

    /// Returns this moment moved into the future, or `None` where the clock ends.
    #[must_use]
    pub fn checked_add(&self, duration: Duration) -> Option<Self> {
        let nanos = u64::try_from(duration.as_nanos()).ok()?;
        let nanos = self.nanos.checked_add(nanos)?;
        Some(Self { nanos })
    }

    /// Returns this moment moved into the past, or `None` where the clock begins.
    #[must_use]
    pub fn checked_sub(&self, duration: Duration) -> Option<Self> {
        let nanos = u64::try_from(duration.as_nanos()).ok()?;
        let nanos = self.nanos.checked_sub(nanos)?;
        Some(Self { nanos })
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// # Panics
    ///
    /// Panics where the clock ends, as std's does; [`Instant::checked_add`] does not.
    fn add(self, duration: Duration) -> Self {
        self.checked_add(duration)
            .expect("overflow when adding a duration to an instant")
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    /// # Panics
    ///
    /// Panics where the clock begins, as std's does; [`Instant::checked_sub`] does not.
    fn sub(self, duration: Duration) -> Self {
        self.checked_sub(duration)
            .expect("overflow when subtracting a duration from an instant")
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let beginning = match *self < MIDDLE {
            true => BEGINNING,
            false => VIRTUAL_BEGINNING,
        };
        let since = i128::from(self.nanos) - i128::from(beginning.nanos);
        let sign = if since < 0 { '-' } else { '+' };
        let nanos = u64::try_from(since.unsigned_abs()).unwrap_or(u64::MAX);
        write!(f, "Instant({sign}{:?})", Duration::from_nanos(nanos))
    }
}

/// What an executor takes for the time. Only simulations make one that is not real.
#[cfg_attr(
    not(feature = "testing"),
    allow(dead_code, reason = "nobody simulates")
)]
#[derive(Debug, Clone)]
pub(crate) enum Clock {
    /// The machine's monotonic clock.
    Real,
    /// A clock that stands still until nobody is ready, and jumps then. Its clones are the same clock.
    Virtual(Rc<Cell<Instant>>),
    /// A clock that stands still until the program moves it. Its clones are the same clock.
    Manual(Rc<Cell<Instant>>),
}

impl Clock {
    /// A virtual clock at its beginning.
    #[cfg(feature = "testing")]
    pub(crate) fn new_virtual() -> Self {
        Self::Virtual(Rc::new(Cell::new(VIRTUAL_BEGINNING)))
    }

    /// A manual clock at its beginning.
    #[cfg(feature = "testing")]
    pub(crate) fn new_manual() -> Self {
        Self::Manual(Rc::new(Cell::new(VIRTUAL_BEGINNING)))
    }

    /// Reads the clock.
    pub(crate) fn now(&self) -> Instant {
        match self {
            Self::Real => real_now(),
            Self::Virtual(now) | Self::Manual(now) => now.get(),
        }
    }

    /// Moves a clock that is not real forward to `then`; does nothing to a real one.
    pub(crate) fn advance_to(&self, then: Instant) {
        if let Self::Virtual(now) | Self::Manual(now) = self {
            now.set(now.get().max(then));
        }
    }

    /// Whether this clock stands still while tasks run.
    pub(crate) fn is_virtual(&self) -> bool {
        cfg!(feature = "testing") && !matches!(self, Self::Real)
    }

    /// Whether this clock does not even move when nobody is ready.
    pub(crate) fn is_manual(&self) -> bool {
        cfg!(feature = "testing") && matches!(self, Self::Manual(_))
    }
}

/// How many nanoseconds are to be added to what the machine's clock says.
static BEFORE: OnceLock<u64> = OnceLock::new();

/// Reads the real clock. The first reading of all is its beginning.
#[inline]
pub(crate) fn real_now() -> Instant {
    let now = sys::monotonic_nanos();
    let before = BEFORE.get().copied().unwrap_or_else(|| begin(now));
    Instant {
        nanos: now.wrapping_add(before),
    }
}

/// Has the real clock begin now, if it has not.
#[cold]
fn begin(now: u64) -> u64 {
    *BEFORE.get_or_init(|| BEGINNING.nanos.wrapping_sub(now))
}
