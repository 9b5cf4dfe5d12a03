//! [`ShortestJob`]: quick ones first, by what they were so far.
//!
//! ```text
//!   mean      0   1   2  …  31 │ 32–33  34–35  …  62–63 │ 64–67  68–71  …  124–127 │ …    nanoseconds
//!   class     0   1   2  …  31 │  32     33    …   47   │  48     49    …    63    │ …
//! ```
//!
//! What is known of a poll before it is made is a guess, and one that is a twentieth lower is no better guess.
//! So tasks are put into classes, sixteen for each doubling of the mean (they are HdrHistogram's buckets), and in
//! each class they wait in a queue. To put one in and to take the first one out takes as long whether there are
//! ten or a million, which no exact order can do.

use std::fmt;

use crate::sched::stack::Queue;
use crate::sched::used::Used;
use crate::sched::{Policy, ReadyTask};

/// How many classes there are for each doubling of the mean, by their bits.
const CLASS_BITS: u32 = 4;

/// The last mean that has a class of its own.
const SINGLE: u64 = (2 << CLASS_BITS) - 1;

/// How many there is room for: sixteen for each bit of a mean.
const CLASSES: usize = (u64::BITS as usize) << CLASS_BITS;

/// The task first whose polls were shortest so far, in the mean; one that was never polled before all
/// others. Among equals, first come, first served: means that differ by less than a sixteenth may count as equal.
///
/// No order has a shorter mean wait, if the past tells the future (W. E. Smith, "Various optimizers for
/// single-stage production", Naval Research Logistics Quarterly, 1956). Tasks with long polls starve while
/// there are enough of the others.
pub struct ShortestJob {
    /// The one that comes before all others, with its class, if it came when none of that class was there: often it
    /// gives way, and comes back as such.
    first: Option<(usize, ReadyTask)>,
    /// The others, by their classes.
    classes: Box<[Queue; CLASSES]>,
    /// Which classes have any.
    used: Used,
    /// The first one of those; beyond all if there are none.
    first_used: usize,
}

/// The class of this mean.
#[inline]
fn class(mean: u64) -> usize {
    let bits = (mean | SINGLE).ilog2() - CLASS_BITS;
    ((bits as usize) << CLASS_BITS) + (mean >> bits) as usize
}

impl Policy for ShortestJob {
    #[inline]
    fn push(&mut self, task: ReadyTask) {
        let account = task.known.account;
        let class = class(account.ran / account.polls.max(1));
        if self.first.is_some() {
            self.push_beside(class, task);
        } else if class < self.first_used {
            self.first = Some((class, task));
        } else {
            self.push_behind(class, task);
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<ReadyTask> {
        match self.first.take() {
            Some((_, first)) => Some(first),
            None => self.pop_behind(),
        }
    }
}

impl ShortestJob {
    /// Puts a task into its class, behind all of that.
    #[inline]
    fn push_behind(&mut self, class: usize, task: ReadyTask) {
        let tasks = &mut self.classes[class];
        let is_first = tasks.is_empty();
        tasks.push_back(task);
        if is_first {
            self.open(class);
        }
    }

    /// Takes the first one of the first class.
    #[inline]
    fn pop_behind(&mut self) -> Option<ReadyTask> {
        let tasks = self.classes.get_mut(self.first_used)?;
        let task = tasks.pop_front();
        if tasks.is_empty() {
            self.close_first();
        }
        task
    }

    /// Puts a task into its class, or in the place of the first one, which goes into its own then.
    #[inline(never)]
    fn push_beside(&mut self, class: usize, task: ReadyTask) {
        match self.first.take() {
            Some((later, first)) if class < later => {
                // It was there before all that have come since.
                self.classes[later].push_front(first);
                self.open(later);
                self.first = Some((class, task));
            }
            first => {
                self.first = first;
                self.push_behind(class, task);
            }
        }
    }

    /// Notes that a class has a task.
    #[inline(never)]
    fn open(&mut self, class: usize) {
        self.used.insert(class);
        self.first_used = self.first_used.min(class);
    }

    /// Notes that the first class has none any more.
    #[inline(never)]
    fn close_first(&mut self) {
        self.used.remove_first();
        self.first_used = self.used.first().unwrap_or(CLASSES);
    }
}

impl Default for ShortestJob {
    fn default() -> Self {
        Self {
            first: None,
            classes: Box::new([const { Queue::EMPTY }; CLASSES]),
            used: Used::new(),
            first_used: CLASSES,
        }
    }
}

impl fmt::Debug for ShortestJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShortestJob").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rng::Rng;

    /// A task that had two polls of this mean.
    fn task(nth: u64, mean: u64) -> ReadyTask {
        let mut task = ReadyTask::nth(nth);
        (task.known.account.polls, task.known.account.ran) = (2, 2 * mean);
        task
    }

    #[test]
    fn a_class_is_a_sixteenth_wide_at_most_and_no_mean_is_without_one() {
        let near = |bits: u32| {
            [
                (1_u64 << bits) - 1,
                1 << bits,
                (1 << bits) + (1 << (bits - 4)),
            ]
        };
        let means = (0..1 << 14).chain((14..64).flat_map(near));
        let (mut least, mut before) = (0, 0);
        for mean in means.chain([u64::MAX]) {
            let class = class(mean);
            assert!(class < CLASSES && class >= before, "{mean}");
            if class > before {
                (least, before) = (mean, class);
            }
            assert!(mean - least <= least / 16, "{least} and {mean}");
        }
    }

    #[test]
    fn tasks_come_by_class_and_in_each_as_they_came() {
        for seed in 0..8 {
            let (mut rng, mut policy) = (Rng::new(seed), ShortestJob::default());
            let (mut model, mut count) = (BTreeSet::new(), 0);
            for nth in 0..20_000 {
                // Few and many; far from each other and close by.
                if rng.below(100) < if nth / 500 % 2 == 0 { 60 } else { 40 } {
                    let mean = 900 + (rng.next() >> 54 >> rng.below(10));
                    policy.push(task(nth, mean));
                    model.insert((class(mean), nth));
                } else {
                    let taken = policy.pop().map(|task| task.id().get());
                    assert_eq!(taken, model.pop_first().map(|(_, nth)| nth));
                    count += usize::from(taken.is_some());
                }
            }
            assert!(count > 8_000, "{count}");
        }
    }

    #[test]
    fn a_class_of_any_size_is_dropped() {
        let mut policy = ShortestJob::default();
        for nth in 0..1_000_000 {
            policy.push(task(nth, 7));
        }
    }
}
