//! [`ShortestJob`]: quick ones first, by what they were so far.

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
    /// By the mean of their polls in nanoseconds.
    tasks: Urgency,
}

impl Policy for ShortestJob {
    fn push(&mut self, task: ReadyTask) {
        let account = task.known.account;
        let mean = account.ran / account.polls.max(1);
        self.tasks.push(mean, task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        self.tasks.pop()
    }
}
