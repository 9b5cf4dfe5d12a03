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
//! A start counts in grains: of starts that lie in the same one nobody can tell which is fair, and who came first
//! comes first. They never lie before virtual time, so the order is one of [rising](super::rising) numbers. What
//! lies below a grain is kept, or the short polls of a task of great weight would count nothing.

use crate::sched::rising::Rising;
use crate::sched::{Policy, ReadyTask};

/// How many bits a grain of virtual time has in nanoseconds: 64 of them, of a task of weight one.
const GRAIN_BITS: u32 = 6;

/// What a poll counts at least, in nanoseconds, two grains: on a virtual clock most take no time at all.
const LEAST: u64 = 2 << GRAIN_BITS;

/// The task next that has had the least of its share: a task of [weight](crate::task::Builder::weight) 2
/// has twice the time of one of weight 1, if both can use it. Nobody starves.
#[derive(Debug, Default)]
pub struct FairShare {
    /// By the grains of their starts. The start itself, in 2⁶⁴ths of a grain, is each one's mark. Virtual time
    /// is the number of the one that was taken last.
    tasks: Rising,
}

impl FairShare {
    /// Everybody has had nothing so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// How much virtual time it is that a task of this weight is polled for a nanosecond, in 2⁶⁴ths of a grain: the
/// inverse of its weight, kept with the task so that no poll needs a division. It is never zero.
fn pace(weight: u32) -> u64 {
    (1 << (u64::BITS - GRAIN_BITS)) / u64::from(weight.max(1))
}

impl Policy for FairShare {
    #[inline]
    fn push(&mut self, mut task: ReadyTask) {
        let known = &mut task.known;
        let now = self.tasks.last();
        let finish = match known.pace {
            0 => {
                known.pace = pace(known.rank.weight);
                u128::from(now + (LEAST >> GRAIN_BITS)) << u64::BITS
            }
            pace => {
                let took = known.account.last.max(LEAST);
                known.mark + u128::from(took) * u128::from(pace)
            }
        };
        let start = finish.max(u128::from(now) << u64::BITS);
        known.mark = start;
        self.tasks.push((start >> u64::BITS) as u64, task);
    }

    #[inline]
    fn pop(&mut self) -> Option<ReadyTask> {
        self.tasks.pop()
    }
}
