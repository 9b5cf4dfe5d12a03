//! [`Sim`]: an executor with a virtual clock.

use crate::executor::builder::ExecutorBuilder;
use crate::executor::face::{Executor, run_to_end};
use crate::sched::Shuffle;
use crate::testing::replay::Followed;

/// Runs programs on a virtual clock.
///
/// When no task is ready the clock jumps to the next deadline, so an hour of sleeps takes no time
/// and is exact to the nanosecond. If something outside is awaited (a socket, a thread, a waker that
/// somebody keeps) the clock goes on as the real one does instead, until the deadline: what is
/// outside has the time it would have. If every task waits for another, that is a deadlock: the
/// simulation panics and says who waits for what, and where. (trio's `MockClock` and eio's mock
/// backend.)
///
/// # Examples
///
/// ```
/// use bibelot::testing::Sim;
/// use bibelot::time::{Duration, Instant, sleep};
///
/// Sim::new().run(async {
///     let start = Instant::now();
///     sleep(Duration::from_secs(3600)).await;
///     assert_eq!(start.elapsed(), Duration::from_secs(3600));
/// });
/// ```
#[derive(Debug, Default)]
#[must_use = "nothing is simulated until run() is called"]
pub struct Sim {
    /// What the executor is told.
    builder: ExecutorBuilder,
    /// The replay file that it follows.
    pub(super) followed: Option<Followed>,
}

impl Sim {
    /// A simulation in which tasks come first in, first out.
    pub fn new() -> Self {
        Self::from_builder(Executor::builder())
    }

    /// A simulation by an executor that is told more: where reports go, say.
    pub fn from_builder(builder: ExecutorBuilder) -> Self {
        Self {
            builder: builder.simulated(),
            followed: None,
        }
    }

    /// Shuffles: whenever several tasks are ready, any of them may come next. The same seed gives the
    /// same order every time. Children of one scope are parts of one task, and keep the order in which
    /// they were woken. ([`sched::Shuffle`](crate::sched::Shuffle); any other
    /// [policy](crate::ExecutorBuilder::policy) works as well.)
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::testing::Sim;
    ///
    /// for seed in 0..100 {
    ///     Sim::new().seed(seed).run(async { /* must hold in every order */ });
    /// }
    /// ```
    pub fn seed(mut self, seed: u64) -> Self {
        self.builder = self.builder.policy(Shuffle::new(seed));
        self
    }

    /// Runs a future and all its tasks to the end; see [`run`](crate::run).
    ///
    /// # Panics
    ///
    /// Panics as `run` does, and at a deadlock; and where it does not do what the file says that it
    /// [follows](Self::replay).
    #[track_caller]
    pub fn run<F: Future>(self, main: F) -> F::Output {
        let value = run_to_end(self.builder, main);
        if let Some(followed) = self.followed {
            followed.assert_ended();
        }
        value
    }
}
