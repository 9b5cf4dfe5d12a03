//! [`Priority`]: the highest one first, but nobody waits for ever.

use crate::sched::rising::Rising;
use crate::sched::{Policy, ReadyTask};

/// How many arrivals a level of priority is worth, unless it is said.
const AGE: u64 = 64;

/// Where urgencies begin: as far from either end as priorities reach, with as much to spare for arrivals.
const BEGINNING: u64 = 1 << 63;

/// How many it may be worth: times a priority that is half of what an [`i64`] has room for.
const AGE_MAX: i64 = 1 << 31;

/// The highest [priority](crate::task::Builder::priority) first; among equals, first come, first served.
///
/// Waiting counts: a task that has waited while 64 others became ready stands where a newcomer of one
/// level more would. So a flood of important tasks delays the others, and never for ever.
///
/// That needs no second look at anybody: with `n` the number of the arrival, a task that comes at `n`
/// with priority `p` has the urgency `n - 64 p`, the least comes first, and how two tasks stand to each
/// other never changes (J. R. Jackson, "Some problems in queueing with dynamic priorities", Naval
/// Research Logistics Quarterly, 1960).
#[derive(Debug)]
pub struct Priority {
    /// By urgency.
    tasks: Rising,
    /// The urgency of one of priority zero that arrives now.
    now: u64,
    /// How much more it is at the next arrival: nothing if no number of arrivals is worth a level.
    step: u64,
    /// How much less it is for each level.
    level: i64,
}

impl Priority {
    /// A level is worth 64 arrivals.
    #[must_use]
    pub fn new() -> Self {
        Self::aging(AGE)
    }

    /// A level is worth so many arrivals: the fewer, the less priorities count. With [`u64::MAX`] they are
    /// strict, and the lower ones can starve; short of that, more than 2³¹ count as that many.
    #[must_use]
    pub fn aging(arrivals: u64) -> Self {
        let is_strict = arrivals == u64::MAX;
        Self {
            tasks: Rising::default(),
            now: BEGINNING,
            step: u64::from(!is_strict),
            level: i64::try_from(arrivals).map_or(AGE_MAX, |age| age.min(AGE_MAX)),
        }
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::new()
    }
}

impl Policy for Priority {
    fn push(&mut self, task: ReadyTask) {
        let earlier = self.level * i64::from(task.priority());
        let urgency = self.now.wrapping_add_signed(-earlier);
        self.now += self.step;
        self.tasks.push(urgency, task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        self.tasks.pop()
    }

    fn is_timed(&self) -> bool {
        false
    }
}
