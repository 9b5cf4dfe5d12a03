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
//! before how long a poll takes, and nobody saves up time by sleeping. A new one starts as if it had had the
//! shortest poll there is: if it started now, tasks that each spawn the next one and end would keep virtual
//! time where it is, and all others waiting for ever.
//!
//! Starts never lie before virtual time, so the order is one of [rising](super::rising) numbers.

use crate::sched::rising::Rising;
use crate::sched::{Policy, ReadyTask};

/// What a poll counts at least, in nanoseconds: on a virtual clock most take no time at all.
const LEAST: u64 = 100;

/// How many virtual nanoseconds a nanosecond has for a task of weight one, so that it can be divided.
const UNIT: u64 = 1 << 20;

/// How many bits of a start are below the grain of the order, 64 ns: of starts as close as that nobody can
/// tell which is fair, and who came first comes first.
const GRAIN_BITS: u32 = 26;

/// The task next that has had the least of its share: a task of [weight](crate::task::Builder::weight) 2
/// has twice the time of one of weight 1, if both can use it. Nobody starves.
#[derive(Debug, Default)]
pub struct FairShare {
    /// By start, which is each one's mark, in grains.
    tasks: Rising,
    /// The start of the task that came last.
    now: u128,
}

impl FairShare {
    /// Everybody has had nothing so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// How much virtual time it is that a task of this weight was polled for so many nanoseconds: for up to five
/// hours, that is; a poll that takes longer counts no more.
fn virtual_time(took: u64, weight: u32) -> u64 {
    took.max(LEAST).saturating_mul(UNIT) / u64::from(weight.max(1))
}

impl Policy for FairShare {
    fn push(&mut self, mut task: ReadyTask) {
        let account = task.known.account;
        let start = match account.polls {
            0 => self.now + u128::from(virtual_time(LEAST, 1)),
            _ => {
                let finish = task.mark() + u128::from(virtual_time(account.last, task.weight()));
                self.now.max(finish)
            }
        };
        task.set_mark(start);
        self.tasks.push((start >> GRAIN_BITS) as u64, task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        let task = self.tasks.pop()?;
        self.now = self.now.max(task.mark());
        Some(task)
    }
}
