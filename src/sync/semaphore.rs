//! [`Semaphore`]: a number of permits.
//!
//! ```text
//!   acquire ─► Permits: free, or in line ─► Permit ─ dropped ─► back, or on to the first in line
//! ```
//!
//! The counting and the line are `sync/permits.rs`; this gives a permit an owner. The law: *each permit
//! is free, or held by one [`Permit`], or granted to one who has not been polled since*, so there are
//! never more than there were. A wait that is dropped gives back what it was granted.
//!
//! Read next: `sync/rwlock.rs`, many permits and a cell.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;

use crate::sync::permits::{Permits, Refused};
use crate::sync::statistics::SemaphoreStatistics;
use crate::task::waits::Thing;

/// A number of permits, which tasks take, hold and give back: so many may do something at once.
///
/// A [`Permit`] gives itself back when it is dropped, so there is nothing to release, and never more
/// permits than the semaphore was made with (trio's `max_value`, always). Permits that are given back
/// go to the first who waits, once it can have all that it wants, and only then to the next: one that
/// wants many is not overtaken by those who want few.
///
/// To count up what others wait for, use a [`Queue`](crate::sync::Queue); to let all go on at once, an
/// [`Event`](crate::sync::Event).
///
/// # Examples
///
/// ```
/// use bibelot::sync::Semaphore;
/// use bibelot::time::{Duration, Instant, sleep};
/// use std::rc::Rc;
///
/// bibelot::testing::Sim::new().run(async {
///     let start = Instant::now();
///     let two_at_once = Rc::new(Semaphore::new(2));
///     let tasks = (0..6).map(|_| {
///         let two_at_once = Rc::clone(&two_at_once);
///         bibelot::spawn(async move {
///             let _permit = two_at_once.acquire().await;
///             sleep(Duration::from_secs(1)).await;
///         })
///     });
///     for task in tasks.collect::<Vec<_>>() {
///         task.await.unwrap();
///     }
///     assert_eq!(start.elapsed(), Duration::from_secs(3));
/// });
/// ```
pub struct Semaphore {
    /// The permits.
    permits: Permits,
}

impl Semaphore {
    /// Makes a semaphore of so many permits.
    #[must_use]
    pub const fn new(permits: usize) -> Self {
        Self::of(permits, Thing::Permit)
    }

    /// One whose permits texts name so.
    pub(super) const fn of(permits: usize, thing: Thing) -> Self {
        Self {
            permits: Permits::new(permits, permits, thing),
        }
    }

    /// Waits for a permit; see [`acquire_many`](Self::acquire_many).
    ///
    /// # Panics
    ///
    /// Panics, when polled, if the semaphore has no permits at all, not even ones that others hold.
    ///
    /// # Cancel safety
    ///
    /// The place in line is lost, and nothing else: a permit that was granted meanwhile goes to the
    /// next in line.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::sync::Semaphore;
    ///
    /// # bibelot::run(async {
    /// let semaphore = Semaphore::new(2);
    /// let permit = semaphore.acquire().await;
    /// assert_eq!(semaphore.available_permits(), 1);
    /// drop(permit);
    /// assert_eq!(semaphore.available_permits(), 2);
    /// # });
    /// ```
    #[track_caller]
    pub fn acquire(&self) -> impl Future<Output = Permit<'_>> {
        self.acquire_many(1)
    }

    /// Waits for `count` permits, which are granted together: those who wait are served in the order
    /// in which they came.
    ///
    /// # Panics
    ///
    /// Panics, when polled, if the semaphore has not so many permits, not even if all others gave
    /// theirs back: it would wait for ever, and so would everybody behind it. That is so as well if it
    /// comes about while this waits, by [`Permit::forget`].
    ///
    /// # Cancel safety
    ///
    /// The place in line is lost, and nothing else: permits that were granted meanwhile go to the
    /// next in line.
    #[track_caller]
    pub fn acquire_many(&self, count: usize) -> impl Future<Output = Permit<'_>> {
        let mut take = self.permits.take(count);
        poll_fn(move |cx| {
            take.poll(cx).map(|taken| match taken {
                Ok(()) => self.permit(count),
                Err(Refused) => panic!(
                    "a semaphore of {} permits can never grant {count}, which are waited for at {}; \
                     make it with more, or ask for fewer",
                    self.permits.limit(),
                    take.at(),
                ),
            })
        })
    }

    /// Takes a permit if one is available and nobody waits.
    ///
    /// # Errors
    ///
    /// Returns an error if it would have to wait.
    pub fn try_acquire(&self) -> Result<Permit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Takes `count` permits if so many are available and nobody waits.
    ///
    /// # Errors
    ///
    /// Returns an error if it would have to wait.
    pub fn try_acquire_many(&self, count: usize) -> Result<Permit<'_>, TryAcquireError> {
        if self.permits.try_take(count) {
            Ok(self.permit(count))
        } else {
            Err(TryAcquireError)
        }
    }

    /// Returns how many permits nobody holds. They may be too few for who waits.
    #[must_use]
    pub fn available_permits(&self) -> usize {
        self.permits.free()
    }

    /// Returns how many permits there are, and how many wait.
    #[must_use]
    pub fn statistics(&self) -> SemaphoreStatistics {
        SemaphoreStatistics {
            available: self.available_permits(),
            permits: self.permits.limit(),
            waiting: self.waiting(),
        }
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.permits.waiting()
    }

    /// The guard of permits that were taken.
    fn permit(&self, count: usize) -> Permit<'_> {
        Permit {
            permits: &self.permits,
            count,
        }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("available", &self.available_permits())
            .field("permits", &self.permits.limit())
            .field("waiting", &self.waiting())
            .finish()
    }
}

/// One permit or several of a [`Semaphore`], given back when dropped.
#[must_use = "a permit that is not held is given back at once"]
pub struct Permit<'a> {
    /// Whose.
    permits: &'a Permits,
    /// How many.
    count: usize,
}

impl Permit<'_> {
    /// Returns how many permits these are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Gives back all but so many.
    pub(super) fn keep(&mut self, count: usize) {
        let rest = self.count - count;
        self.count = count;
        self.permits.give(rest);
    }

    /// Takes the permits from the semaphore for good: from now on it has so many fewer.
    ///
    /// Whoever waits for more than are left panics; see [`Semaphore::acquire_many`].
    pub fn forget(mut self) {
        let count = std::mem::take(&mut self.count);
        self.permits.lower_limit(self.permits.limit() - count);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.permits.give(self.count);
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

/// The error of [`Semaphore::try_acquire`], and of
/// [`CapacityLimiter`](crate::sync::CapacityLimiter)'s: it would have to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TryAcquireError;

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not so many are available, or others wait for them")
    }
}

impl Error for TryAcquireError {}
