//! [`EarliestDeadline`]: what must be done soonest comes first.

use crate::clock::Instant;
use crate::sched::urgency::Urgency;
use crate::sched::{Policy, ReadyTask};

/// The earliest [deadline](crate::task::Builder::deadline) first; those without one come after those with,
/// first come, first served.
///
/// As long as all deadlines can be met, this order meets them (Liu and Layland, "Scheduling algorithms for
/// multiprogramming in a hard-real-time environment", Journal of the ACM, 1973; here a poll is not
/// interrupted, so it can be late by one poll). When they cannot, later ones starve.
#[derive(Debug, Default)]
pub struct EarliestDeadline {
    /// By deadline.
    tasks: Urgency,
}

impl Policy for EarliestDeadline {
    fn push(&mut self, task: ReadyTask) {
        let deadline = task.deadline().unwrap_or(Instant::NEVER);
        self.tasks.push(deadline.nanos(), task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        self.tasks.pop()
    }

    fn is_timed(&self) -> bool {
        false
    }
}
