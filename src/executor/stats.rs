//! What an executor has done so far, in numbers.

use crate::counter::Counter;
use crate::executor::Core;

/// What is counted for [`Stats`] alone.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Turns of the loop.
    pub(crate) turns: Counter,
    /// Polls of tasks, the main one's included.
    pub(crate) polls: Counter,
    /// Sleeps in the reactor.
    pub(crate) sleeps: Counter,
}

/// What an executor has done since it was made; see [`Executor::stats`](crate::Executor::stats).
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let executor = bibelot::Executor::new()?;
/// executor.run(bibelot::task::yield_now());
/// let stats = executor.stats();
/// assert_eq!((stats.polls, stats.tasks), (2, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Tasks that have not ended, the main one included while it runs; children of scopes are parts of
    /// theirs.
    pub tasks: usize,
    /// Tasks spawned so far, a main one for each run and the children of scopes included.
    pub spawned: u64,
    /// Polls of tasks.
    pub polls: u64,
    /// Wakes that made a task ready; those of a task that was ready already do not count.
    pub wakes: u64,
    /// Turns of the loop.
    pub turns: u64,
    /// Sleeps until something happened.
    pub sleeps: u64,
    /// Deadlines that are set.
    pub timers: usize,
    /// System calls made for input and output: waits, registrations, and tries to read, write,
    /// accept or connect. Clocks are not counted: reading one is no system call.
    pub syscalls: u64,
}

impl Core {
    /// The numbers of this moment.
    pub(crate) fn stats(&self) -> Stats {
        Stats {
            tasks: self.scheduler.len(),
            spawned: self.scheduler.spawned(),
            polls: self.counters.polls.get(),
            wakes: self.scheduler.wakes(),
            turns: self.counters.turns.get(),
            sleeps: self.counters.sleeps.get(),
            timers: self.timers.borrow().len(),
            syscalls: self.reactor.calls() + self.scheduler.calls(),
        }
    }
}
