//! [`Priority`]: the highest one first, but nobody waits for ever.

use crate::sched::urgency::Urgency;
use crate::sched::{Policy, ReadyTask};

/// How many arrivals a level of priority is worth, unless it is said.
const AGE: u64 = 64;

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
    tasks: Urgency<i128>,
    /// How many arrivals a level is worth.
    age: u64,
}

impl Priority {
    /// A level is worth 64 arrivals.
    #[must_use]
    pub fn new() -> Self {
        Self::aging(AGE)
    }

    /// A level is worth so many arrivals: the fewer, the less priorities count. With [`u64::MAX`] they are
    /// strict, and the lower ones can starve.
    #[must_use]
    pub fn aging(arrivals: u64) -> Self {
        Self {
            tasks: Urgency::default(),
            age: arrivals,
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
        let bonus = i128::from(self.age) * i128::from(task.priority());
        let urgency = i128::from(self.tasks.arrivals()) - bonus;
        self.tasks.push(urgency, task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        self.tasks.pop().map(|(_, task)| task)
    }
}
