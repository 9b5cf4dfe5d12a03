//! [`ShortestJob`]: quick ones first, by what they were so far.

use std::time::Duration;

use crate::sched::urgency::Urgency;
use crate::sched::{Policy, ReadyTask};

/// The task first whose polls were shortest so far, in the mean; one that was never polled before all
/// others. Among equals, first come, first served.
///
/// No order has a shorter mean wait, if the past tells the future (W. E. Smith, "Various optimizers for
/// single-stage production", Naval Research Logistics Quarterly, 1956). Tasks with long polls starve while
/// there are enough of the others.
#[derive(Debug, Default)]
pub struct ShortestJob {
    /// By the mean of their polls.
    tasks: Urgency<Duration>,
}

impl Policy for ShortestJob {
    fn push(&mut self, task: ReadyTask) {
        let polls = u32::try_from(task.polls()).unwrap_or(u32::MAX);
        self.tasks.push(task.ran() / polls.max(1), task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        self.tasks.pop().map(|(_, task)| task)
    }
}
