//! [`Metrics`]: an observer that keeps figures.
//!
//! ```text
//!            spawned        woken          polled      parked      woken  polled   finished
//!   task     ├───────────────┼───────────────├───────────┤ ………………… ├───────├────────┤
//!                                                                   wake to run
//!            ├── response ───────────────────┤
//!            ├── turnaround ────────────────────────────────────────────────────────┤
//! ```
//!
//! Of each task that is alive there are a few words, of one that has ended nothing but what it has added
//! to the figures. So it can be told of any number of events.
//!
//! A [`Recording`](crate::trace::Recording) has its figures counted by the same code. It may begin in the
//! middle of things: then those count that can be known. Read next: `trace/histogram.rs` (where the
//! durations go), `trace/summary.rs` (what is said of them).

use std::collections::HashMap;
use std::fmt;

use crate::clock::Instant;
use crate::observer::{Event, Finish, Observer};
use crate::task::TaskId;
use crate::task::extras::Spread;
use crate::time::Duration;
use crate::trace::desk::Desk;
use crate::trace::polled::Polled;
use crate::trace::summary::{Shares, Summary};

/// An observer that keeps figures of an executor: what [`Summary`] says, of the whole time, in memory
/// that does not grow with it.
///
/// It is a handle: one clone goes to the [builder](crate::ExecutorBuilder::observer), and one stays
/// outside to ask for the [`summary`](Self::summary). It is for one executor, as a
/// [`Recorder`](crate::trace::Recorder) is, and refuses a second one in the same way.
///
/// # Examples
///
/// ```
/// use bibelot::testing::Sim;
/// use bibelot::time::Duration;
/// use bibelot::trace::Metrics;
/// use bibelot::{Executor, task};
///
/// let metrics = Metrics::new();
/// let builder = Executor::builder().observer(metrics.clone());
/// Sim::from_builder(builder).run(async {
///     for _ in 0..3 {
///         bibelot::spawn(async { task::consume(Duration::from_millis(10)) });
///     }
/// });
/// let summary = metrics.summary();
/// // They were spawned together, and ran one after another.
/// assert_eq!(summary.response().max(), Some(Duration::from_millis(20)));
/// assert_eq!(summary.turnaround().max(), Some(Duration::from_millis(30)));
/// assert_eq!(summary.fairness(), 1.0);
/// println!("{summary}");
/// ```
#[derive(Clone)]
pub struct Metrics(Desk<Figures>);

impl Metrics {
    /// Figures of nothing so far.
    #[must_use]
    pub fn new() -> Self {
        Self(Desk::new(Figures::default()))
    }

    /// The figures up to now, as a copy. An executor tells between two polls: within a task, what has
    /// happened since its poll began does not count yet.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.0.ask(Figures::summary)
    }

    /// Begins anew, after a warm-up say: with the next event, of whichever executor tells first. If
    /// that is the same, the tasks that are alive keep the moments of their spawns and wakes.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::trace::{Metrics, Summary};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let metrics = Metrics::new();
    /// let executor = bibelot::Executor::builder().observer(metrics.clone()).build()?;
    /// executor.run(async { /* warm up */ });
    /// metrics.clear();
    /// assert_eq!(metrics.summary(), Summary::default());
    /// executor.run(async { /* and measure */ });
    /// assert_eq!(metrics.summary().spawned(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn clear(&self) {
        self.0.open(Figures::clear);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for Metrics {
    fn observe(&mut self, at: Instant, event: &Event) {
        let count = |figures: &mut Figures| figures.count(at, event);
        let renew = |figures: &mut Figures| *figures = Figures::default();
        self.0.tell("metrics observer", renew, count);
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Metrics").field(&self.summary()).finish()
    }
}

/// What is known of a task that is alive.
#[derive(Debug, Default)]
struct State {
    /// When it was spawned, if that is known.
    spawned: Option<Instant>,
    /// Since when it is ready, if it is.
    ready: Option<Instant>,
    /// Whether it was polled.
    was_polled: bool,
    /// How long it has run.
    ran: Duration,
}

/// The figures, as they are counted.
#[derive(Debug, Default)]
pub(super) struct Figures {
    /// What does not depend on who is alive.
    summary: Summary,
    /// When the first event happened, and the last one.
    span: Option<(Instant, Instant)>,
    /// Since when the executor sleeps, if it does.
    asleep: Option<Instant>,
    /// Who is being polled.
    polled: Polled,
    /// Whose turn the last one was.
    last: Option<TaskId>,
    /// The tasks that are alive.
    tasks: HashMap<TaskId, State, Spread>,
    /// The shares of those that have ended.
    shares: Shares,
}

impl Figures {
    /// Begins in the middle of things: these are being polled, and these were spawned before, when is
    /// known.
    pub(super) fn join_late(
        &mut self,
        polled: Polled,
        spawned: impl Iterator<Item = (TaskId, Instant)>,
    ) {
        self.polled = polled;
        self.tasks.extend(spawned.map(|(task, at)| {
            let state = State {
                spawned: Some(at),
                // Nobody knows. If it was not, its response would be that of a poll that is not the
                // first.
                was_polled: true,
                ..State::default()
            };
            (task, state)
        }));
    }

    /// Begins anew, with the tasks that are alive.
    fn clear(&mut self) {
        self.summary = Summary::default();
        self.shares = Shares::default();
        self.span = None;
        self.asleep = None;
        for state in self.tasks.values_mut() {
            state.ran = Duration::ZERO;
        }
    }

    /// Counts an event.
    pub(super) fn count(&mut self, at: Instant, event: &Event) {
        self.span.get_or_insert((at, at)).1 = at;
        match *event {
            Event::Turn { .. } => self.polled.clear(),
            Event::Asleep { .. } => {
                self.polled.clear();
                self.asleep = Some(at);
            }
            Event::Awake => {
                if let Some(since) = self.asleep.take() {
                    self.summary.asleep += at - since;
                }
            }
            Event::Spawned { task, .. } => {
                self.summary.spawned += 1;
                let state = State {
                    spawned: Some(at),
                    ready: Some(at),
                    ..State::default()
                };
                self.tasks.insert(task, state);
            }
            Event::Woken { task, .. } => {
                // One that has ended may be woken by what it leaves behind.
                if let Some(state) = self.tasks.get_mut(&task) {
                    state.ready.get_or_insert(at);
                }
            }
            Event::Polled { task } => self.begin_poll(at, task),
            Event::Parked { task, .. } => {
                self.end_poll(at, task);
                // While it ran it did not wait to run.
                if let Some(state) = self.tasks.get_mut(&task)
                    && state.ready.is_some()
                {
                    state.ready = Some(at);
                }
            }
            Event::Finished { task, how } => {
                self.end_poll(at, task);
                self.end(at, task, how);
            }
            _ => {}
        }
    }

    /// Counts the begin of a poll.
    fn begin_poll(&mut self, at: Instant, task: TaskId) {
        if self.polled.depth() > 0 {
            self.summary.child_polls += 1;
        } else {
            self.summary.polls += 1;
            if self.last.replace(task).is_some_and(|last| last != task) {
                self.summary.switches += 1;
            }
        }
        let outer = self.polled.begin(at, task);
        self.charge(outer);
        let Some(state) = self.tasks.get_mut(&task) else {
            return;
        };
        if let Some(since) = state.ready.take() {
            self.summary.wake_to_run.record(at - since);
        }
        if !std::mem::replace(&mut state.was_polled, true)
            && let Some(spawned) = state.spawned
        {
            self.summary.response.record(at - spawned);
        }
    }

    /// Counts the end of a poll.
    fn end_poll(&mut self, at: Instant, task: TaskId) {
        let charged = self.polled.end(at, task);
        self.charge(charged);
    }

    /// Counts that a task has run for so long.
    fn charge(&mut self, charged: Option<(TaskId, Duration)>) {
        if let Some((task, took)) = charged {
            self.summary.polled += took;
            if let Some(state) = self.tasks.get_mut(&task) {
                state.ran += took;
            }
        }
    }

    /// Counts that a task has ended.
    fn end(&mut self, at: Instant, task: TaskId, how: Finish) {
        match how {
            Finish::Returned => self.summary.returned += 1,
            Finish::Cancelled => self.summary.cancelled += 1,
            Finish::Panicked => self.summary.panicked += 1,
        }
        let Some(state) = self.tasks.remove(&task) else {
            return;
        };
        if let Some(spawned) = state.spawned {
            self.summary.turnaround.record(at - spawned);
        }
        self.shares.add_of(&state);
    }

    /// The figures up to now.
    pub(super) fn summary(&self) -> Summary {
        let mut shares = self.shares;
        for state in self.tasks.values() {
            shares.add_of(state);
        }
        let elapsed = self.span.map(|(first, last)| last - first);
        Summary {
            elapsed: elapsed.unwrap_or_default(),
            fairness: shares.fairness(),
            ..self.summary.clone()
        }
    }
}

impl Shares {
    /// Adds what a task had, unless it was polled and has asked for nothing.
    fn add_of(&mut self, state: &State) {
        if !state.ran.is_zero() || !state.was_polled {
            self.add(state.ran);
        }
    }
}
