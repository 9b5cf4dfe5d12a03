//! [`Histogram`]: how long things took, in little room.
//!
//! ```text
//!   nanoseconds   0 1 2 … 127 │ 128 130 … 254 │ 256 260 … 508 │ 512 520 …
//!   buckets          128 of 1 │       64 of 2 │       64 of 4 │  64 of 8
//! ```
//!
//! Gil Tene's idea (HdrHistogram, 2012): buckets of one width would be too many or too wide, and those of
//! a logarithmic one cannot be found without a logarithm. So each power of two has the same number of
//! buckets of one width, and two shifts find the one for a value. With 64 of them a bucket is as wide as
//! a 64th of its values, at most.
//!
//! A bucket keeps the greatest value it was given. So an answer is always a value that has occurred, at
//! most 1.6 % above the true one; and exactly that where the values in a bucket are equal, as they often
//! are in a simulation.

use std::time::Duration;

/// How many buckets a power of two has, as a power of two itself.
const BITS: u32 = 6;

/// How long things took: how often, how long at most, and how long at least for which share of them.
///
/// Count, minimum, maximum and mean are exact. A percentile is a value that was recorded, less than
/// 1/64 above the true one. It has room for every `Duration` of up to 584 years, and takes 16 bytes a
/// bucket up to that of the longest: 30 kB for ten seconds.
///
/// # Examples
///
/// ```
/// use bibelot::time::Duration;
/// use bibelot::trace::Histogram;
///
/// let mut histogram = Histogram::new();
/// for millis in 1..=100 {
///     histogram.record(Duration::from_millis(millis));
/// }
/// assert_eq!(histogram.max(), Some(Duration::from_millis(100)));
/// assert_eq!(histogram.mean(), Some(Duration::from_micros(50_500)));
/// let median = histogram.p50().unwrap().as_secs_f64();
/// assert!((0.050..0.051).contains(&median));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    /// As many as the longest needs.
    buckets: Vec<Bucket>,
    /// How many values there are.
    count: u64,
    /// The least, in nanoseconds.
    min: u64,
    /// All together, in nanoseconds.
    sum: u128,
}

/// Values that are nearly the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Bucket {
    /// How many there are.
    count: u64,
    /// The greatest, in nanoseconds.
    max: u64,
}

/// The bucket of a value.
fn bucket_of(nanos: u64) -> usize {
    let shift = (u64::BITS - nanos.leading_zeros()).saturating_sub(BITS + 1);
    ((shift << BITS) as usize) + (nanos >> shift) as usize
}

impl Histogram {
    /// A histogram without values.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value. One of more than 584 years counts as 584 years.
    pub fn record(&mut self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let nth = bucket_of(nanos);
        if nth >= self.buckets.len() {
            self.buckets.resize(nth + 1, Bucket::default());
        }
        let bucket = &mut self.buckets[nth];
        bucket.count += 1;
        bucket.max = bucket.max.max(nanos);
        self.min = match self.count {
            0 => nanos,
            _ => self.min.min(nanos),
        };
        self.count += 1;
        self.sum += u128::from(nanos);
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The shortest; `None` without values.
    #[must_use]
    pub fn min(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_nanos(self.min))
    }

    /// The longest; `None` without values.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        self.buckets.last().map(|last| nanos_of(last.max))
    }

    /// The arithmetic mean, rounded down to nanoseconds; `None` without values.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        let mean = self.sum.checked_div(u128::from(self.count))?;
        u64::try_from(mean).ok().map(nanos_of)
    }

    /// The median: half of the values are at most that long. `None` without values.
    #[must_use]
    pub fn p50(&self) -> Option<Duration> {
        self.percentile(50.0)
    }

    /// 99 of 100 values are at most that long. `None` without values.
    #[must_use]
    pub fn p99(&self) -> Option<Duration> {
        self.percentile(99.0)
    }

    /// 999 of 1000 values are at most that long. `None` without values.
    #[must_use]
    pub fn p999(&self) -> Option<Duration> {
        self.percentile(99.9)
    }

    /// The least value that at least `percent` of 100 values do not exceed (nearest rank), or one less
    /// than 1/64 above it. `None` without values. Of `percent` four digits after the point count.
    ///
    /// # Panics
    ///
    /// Panics unless `percent` is from 0 to 100.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::time::Duration;
    /// use bibelot::trace::Histogram;
    ///
    /// let mut histogram = Histogram::new();
    /// (1..=100).for_each(|nanos| histogram.record(Duration::from_nanos(nanos)));
    /// assert_eq!(histogram.percentile(90.0), Some(Duration::from_nanos(90)));
    /// assert_eq!(histogram.percentile(0.0), histogram.min());
    /// assert_eq!(histogram.percentile(100.0), histogram.max());
    /// ```
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Option<Duration> {
        assert!(
            (0.0..=100.0).contains(&percent),
            "a percentile is from 0 to 100, and {percent} is not"
        );
        // In whole numbers: 99.9 % of a thousand is 999, and not a little more.
        let millionths = (percent * 10_000.0).round() as u128;
        let rank = (u128::from(self.count) * millionths).div_ceil(1_000_000);
        let mut left = u64::try_from(rank).unwrap_or(u64::MAX).max(1);
        let is_it = |bucket: &&Bucket| {
            left = left.saturating_sub(bucket.count);
            left == 0
        };
        let bucket = self.buckets.iter().find(is_it)?;
        Some(nanos_of(bucket.max))
    }

    /// Adds all values of another one.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::time::Duration;
    /// use bibelot::trace::Histogram;
    ///
    /// let (mut one, mut other) = (Histogram::new(), Histogram::new());
    /// one.record(Duration::from_secs(1));
    /// other.record(Duration::from_secs(3));
    /// one.merge(&other);
    /// assert_eq!(one.mean(), Some(Duration::from_secs(2)));
    /// ```
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.buckets.len() < other.buckets.len() {
            self.buckets.resize(other.buckets.len(), Bucket::default());
        }
        for (bucket, more) in self.buckets.iter_mut().zip(&other.buckets) {
            bucket.count += more.count;
            bucket.max = bucket.max.max(more.max);
        }
        self.min = match self.count {
            0 => other.min,
            _ => self.min.min(other.min),
        };
        self.count += other.count;
        self.sum += other.sum;
    }

    /// The values in classes, from the shortest to the longest, for a plot: the longest of each
    /// class, and how many there are in it.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::time::Duration;
    /// use bibelot::trace::Histogram;
    ///
    /// let mut histogram = Histogram::new();
    /// for millis in [5, 1, 5] {
    ///     histogram.record(Duration::from_millis(millis));
    /// }
    /// let ms = Duration::from_millis;
    /// assert_eq!(Vec::from_iter(histogram.iter()), [(ms(1), 1), (ms(5), 2)]);
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (Duration, u64)> {
        let filled = self.buckets.iter().filter(|bucket| bucket.count > 0);
        filled.map(|bucket| (nanos_of(bucket.max), bucket.count))
    }
}

/// So many nanoseconds.
fn nanos_of(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_has_a_bucket_and_buckets_are_in_their_order() {
        let mut last = 0;
        for nanos in 0..100_000 {
            let nth = bucket_of(nanos);
            assert!(
                nth == last || nth == last + 1,
                "{nanos} is in {nth} after {last}"
            );
            last = nth;
        }
        assert_eq!(bucket_of(127), 127);
        assert_eq!(bucket_of(128), 128);
        assert_eq!(bucket_of(130), 129);
        assert_eq!(bucket_of(u64::MAX), 64 * 57 + 127);
    }

    #[test]
    fn a_bucket_is_as_wide_as_a_64th_of_its_values_at_most() {
        for exponent in 7..64 {
            let first = 1_u64 << exponent;
            let width = first >> BITS;
            assert_eq!(bucket_of(first), bucket_of(first + (width - 1)));
            assert_ne!(bucket_of(first), bucket_of(first + width));
        }
    }
}
