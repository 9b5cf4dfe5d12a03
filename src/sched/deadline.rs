//! [`EarliestDeadline`]: what must be done soonest comes first.

use crate::sched::rising::Rising;
use crate::sched::{Fifo, Policy, ReadyTask};

/// The earliest [deadline](crate::task::Builder::deadline) first; those without one come after those with,
/// first come, first served.
///
/// As long as all deadlines can be met, this order meets them (Liu and Layland, "Scheduling algorithms for
/// multiprogramming in a hard-real-time environment", Journal of the ACM, 1973; here a poll is not
/// interrupted, so it can be late by one poll). When they cannot, later ones starve.
#[derive(Debug, Default)]
pub struct EarliestDeadline {
    /// Those with a deadline, by that: mostly who comes later has a later one.
    urgent: Rising,
    /// Those without.
    others: Fifo,
}

impl Policy for EarliestDeadline {
    fn push(&mut self, task: ReadyTask) {
        match task.deadline() {
            Some(deadline) => self.urgent.push(deadline.nanos(), task),
            None => self.others.push(task),
        }
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        self.urgent.pop().or_else(|| self.others.pop())
    }

    fn is_timed(&self) -> bool {
        false
    }
}
