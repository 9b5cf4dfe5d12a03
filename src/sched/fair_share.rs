//! [`FairShare`]: time in proportion to weights.
//!
//! ```text
//!   weight 1   ├──── poll of 4 ms ────┤                 finish = start + 4 ms / 1
//!   weight 2   ├─ 4 ms ──┤├─ 4 ms ──┤                   finish = start + 4 ms / 2
//!              ──────────────────────────────────────►  virtual time
//! ```
//!
//! Start-time fair queueing (Goyal, Vin and Cheng, "Start-time fair queuing", SIGCOMM 1996). Each poll has
//! a start on a line of virtual time, and a finish that is later by what it took over the task's weight.
//! The task with the earliest start comes next, and virtual time is the start of the task that came last.
//! A task that becomes ready starts at its last finish, or now, if that is over: it need not be known
//! before how long a poll takes, and nobody saves up time by sleeping.

use std::collections::HashMap;
use std::time::Duration;

use crate::sched::urgency::Urgency;
use crate::sched::{Policy, ReadyTask};
use crate::task::TaskId;

/// What a poll counts at least, in nanoseconds: on a virtual clock most take no time at all.
const LEAST: u64 = 100;

/// How many virtual nanoseconds a nanosecond has for a task of weight one, so that it can be divided.
const UNIT: u128 = 1 << 32;

/// How many tasks are remembered before those are looked for that need not be.
const MANY: usize = 64;

/// The task next that has had the least of its share: a task of [weight](crate::task::Builder::weight) 2
/// has twice the time of one of weight 1, if both can use it. Nobody starves.
#[derive(Debug)]
pub struct FairShare {
    /// By start.
    tasks: Urgency<u128>,
    /// The start of the task that came last.
    now: u128,
    /// When those have started that were polled.
    starts: HashMap<TaskId, u128>,
    /// How many are remembered before those are looked for that need not be.
    many: usize,
}

impl FairShare {
    /// Everybody has had nothing so far.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tasks: Urgency::default(),
            now: 0,
            starts: HashMap::new(),
            many: MANY,
        }
    }

    /// Forgets the tasks whose last poll began a second of virtual time ago or more, ended ones among them:
    /// what they have had counts no longer.
    fn forget_old(&mut self) {
        if self.starts.len() < self.many {
            return;
        }
        let long_ago = self
            .now
            .saturating_sub(virtual_time(Duration::from_secs(1), 1));
        self.starts.retain(|_, start| *start > long_ago);
        self.many = MANY.max(2 * self.starts.len());
    }
}

/// How much virtual time it is that a task of this weight was polled for so long.
fn virtual_time(took: Duration, weight: u32) -> u128 {
    let nanos = took.as_nanos().max(u128::from(LEAST));
    nanos.saturating_mul(UNIT) / u128::from(weight.max(1))
}

impl Default for FairShare {
    fn default() -> Self {
        Self::new()
    }
}

impl Policy for FairShare {
    fn push(&mut self, task: ReadyTask) {
        let last = self.starts.remove(&task.id());
        let finish = last.map_or(0, |start| start + virtual_time(task.last(), task.weight()));
        self.tasks.push(self.now.max(finish), task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        let (start, task) = self.tasks.pop()?;
        self.now = start;
        self.starts.insert(task.id(), start);
        self.forget_old();
        Some(task)
    }
}
