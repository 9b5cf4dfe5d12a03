//! [`Summary`]: how well it was scheduled, in figures.

use std::fmt;

use crate::time::Duration;
use crate::trace::histogram::Histogram;

/// How well an executor schedules, in figures; its `Display` is a table.
///
/// It comes from [`Metrics`](crate::trace::Metrics), of a whole run, or from a
/// [`Recording`](crate::trace::Recording), of the events in it. *Elapsed* is the time from the first
/// event to the last one. The main task and the children of scopes, their bodies among them, are
/// tasks like all others; but a child has its polls within those of the task that polls its scope.
///
/// # Examples
///
/// ```
/// use bibelot::testing::Sim;
/// use bibelot::time::{Duration, sleep};
/// use bibelot::trace::Metrics;
/// use bibelot::{Executor, task};
///
/// let metrics = Metrics::new();
/// let builder = Executor::builder().observer(metrics.clone());
/// Sim::from_builder(builder).run(async {
///     task::consume(Duration::from_millis(3));
///     sleep(Duration::from_millis(1)).await;
/// });
/// let summary = metrics.summary();
/// assert_eq!(summary.utilisation(), 0.75);
/// let table = summary.to_string();
/// assert!(table.starts_with("elapsed          4.00ms: 75.0 % polled, 25.0 % asleep"), "{table}");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// From the first event to the last.
    pub(super) elapsed: Duration,
    /// How long somebody was polled.
    pub(super) polled: Duration,
    /// How long it slept.
    pub(super) asleep: Duration,
    /// Tasks that were spawned.
    pub(super) spawned: u64,
    /// Tasks that have returned.
    pub(super) returned: u64,
    /// Tasks that were cancelled.
    pub(super) cancelled: u64,
    /// Tasks that have panicked.
    pub(super) panicked: u64,
    /// Polls by the executor.
    pub(super) polls: u64,
    /// Polls by scopes.
    pub(super) child_polls: u64,
    /// Polls of another task than before.
    pub(super) switches: u64,
    /// Jain's index.
    pub(super) fairness: f64,
    /// From ready to polled.
    pub(super) wake_to_run: Histogram,
    /// From spawned to polled.
    pub(super) response: Histogram,
    /// From spawned to ended.
    pub(super) turnaround: Histogram,
}

impl Default for Summary {
    /// The summary of no events.
    fn default() -> Self {
        Self {
            elapsed: Duration::ZERO,
            polled: Duration::ZERO,
            asleep: Duration::ZERO,
            spawned: 0,
            returned: 0,
            cancelled: 0,
            panicked: 0,
            polls: 0,
            child_polls: 0,
            switches: 0,
            fairness: 1.0,
            wake_to_run: Histogram::new(),
            response: Histogram::new(),
            turnaround: Histogram::new(),
        }
    }
}

impl Summary {
    /// From the first event to the last one.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// How long somebody was being polled. The polls of children lie within others, and count once.
    #[must_use]
    pub fn polled(&self) -> Duration {
        self.polled
    }

    /// How long the executor slept, or its virtual clock jumped. Of the time that is neither this nor
    /// [`polled`](Self::polled), the executor, its policy and its observers had the most.
    #[must_use]
    pub fn asleep(&self) -> Duration {
        self.asleep
    }

    /// The part of the time elapsed in which somebody was polled, from 0 to 1; 0 if none has elapsed.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        self.part(self.polled)
    }

    /// How many tasks were spawned.
    #[must_use]
    pub fn spawned(&self) -> u64 {
        self.spawned
    }

    /// How many tasks have ended, in any way.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.returned + self.cancelled + self.panicked
    }

    /// How many tasks have returned.
    #[must_use]
    pub fn returned(&self) -> u64 {
        self.returned
    }

    /// How many tasks were cancelled.
    #[must_use]
    pub fn cancelled(&self) -> u64 {
        self.cancelled
    }

    /// How many tasks have panicked.
    #[must_use]
    pub fn panicked(&self) -> u64 {
        self.panicked
    }

    /// How many polls the executor has made. Those of children are in them, and not among them.
    #[must_use]
    pub fn polls(&self) -> u64 {
        self.polls
    }

    /// How many polls scopes have made, of their children.
    #[must_use]
    pub fn child_polls(&self) -> u64 {
        self.child_polls
    }

    /// Context switches: how many of the executor's [`polls`](Self::polls) were of another task than
    /// the one before.
    #[must_use]
    pub fn switches(&self) -> u64 {
        self.switches
    }

    /// Throughput: tasks that have [ended](Self::ended), a second of the time elapsed; 0 if none has
    /// elapsed.
    #[must_use]
    pub fn tasks_per_second(&self) -> f64 {
        self.per_second(self.ended())
    }

    /// Throughput: [`polls`](Self::polls), a second of the time elapsed; 0 if none has elapsed.
    #[must_use]
    pub fn polls_per_second(&self) -> f64 {
        self.per_second(self.polls)
    }

    /// Jain's [index of fairness](fairness) over what the tasks have run: each for the time in which
    /// it, and no child within it, was polled. A task that was polled and has run for no time has
    /// asked for none, and does not count; one that was never polled does.
    ///
    /// It says how even the shares are, not how fair it is that they are: a long job and a short one
    /// that both have ended had different shares. The main task counts too, and on a real clock has
    /// always run for some time; for the index over tasks of one's choice, [`fairness`] takes what
    /// [`TaskInfo::ran`](crate::trace::TaskInfo::ran) says.
    #[must_use]
    pub fn fairness(&self) -> f64 {
        self.fairness
    }

    /// From when a task is ready to the begin of its poll. It is ready when it is spawned or woken;
    /// if that is in its own poll, when this ends. One value a poll.
    #[must_use]
    pub fn wake_to_run(&self) -> &Histogram {
        &self.wake_to_run
    }

    /// From the spawn of a task to the begin of its first poll. One value a task that was polled.
    #[must_use]
    pub fn response(&self) -> &Histogram {
        &self.response
    }

    /// From the spawn of a task to its end, in whatever way it ended. One value a task that has ended.
    #[must_use]
    pub fn turnaround(&self) -> &Histogram {
        &self.turnaround
    }

    /// What part of the time elapsed that is.
    fn part(&self, time: Duration) -> f64 {
        match self.elapsed.is_zero() {
            true => 0.0,
            false => time.as_nanos() as f64 / self.elapsed.as_nanos() as f64,
        }
    }

    /// How many a second those are.
    fn per_second(&self, count: u64) -> f64 {
        match self.elapsed.is_zero() {
            true => 0.0,
            false => count as f64 / self.elapsed.as_secs_f64(),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (polled, asleep) = (self.utilisation(), self.part(self.asleep));
        writeln!(
            f,
            "elapsed      {:>10.2?}: {:.1} % polled, {:.1} % asleep",
            self.elapsed,
            100.0 * polled,
            100.0 * asleep,
        )?;
        writeln!(
            f,
            "tasks        {:>10} spawned, {} returned, {} cancelled, {} panicked: {:.1} a second",
            self.spawned,
            self.returned,
            self.cancelled,
            self.panicked,
            self.tasks_per_second(),
        )?;
        writeln!(
            f,
            "polls        {:>10} with {} switches, and {} of children: {:.1} a second",
            self.polls,
            self.switches,
            self.child_polls,
            self.polls_per_second(),
        )?;
        writeln!(f, "fairness     {:>10.3}", self.fairness)?;
        let heads = ["count", "p50", "p99", "p99.9", "max", "mean"];
        write!(f, "{:12}", "")?;
        for head in heads {
            write!(f, " {head:>10}")?;
        }
        row(f, "wake to run", &self.wake_to_run)?;
        row(f, "response", &self.response)?;
        row(f, "turnaround", &self.turnaround)
    }
}

/// Writes a line of the table.
fn row(f: &mut fmt::Formatter<'_>, name: &str, times: &Histogram) -> fmt::Result {
    write!(f, "\n{name:12} {:>10}", times.count())?;
    let (p50, p99, p999) = (times.p50(), times.p99(), times.p999());
    for time in [p50, p99, p999, times.max(), times.mean()] {
        match time {
            Some(time) => write!(f, " {time:>10.2?}")?,
            None => write!(f, " {:>10}", "-")?,
        }
    }
    Ok(())
}

/// Shares that are added up for Jain's index.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shares {
    /// How many there are.
    count: u64,
    /// Their sum, in nanoseconds: whole numbers, so that the order does not matter.
    sum: u128,
    /// The sum of their squares.
    squares: u128,
}

impl Shares {
    /// Adds one.
    pub(super) fn add(&mut self, share: Duration) {
        let share = share.as_nanos();
        self.count += 1;
        self.sum = self.sum.saturating_add(share);
        self.squares = self.squares.saturating_add(share.saturating_mul(share));
    }

    /// Jain's index.
    pub(super) fn fairness(&self) -> f64 {
        if self.squares == 0 {
            return 1.0;
        }
        let sum = self.sum as f64;
        sum * sum / (self.count as f64 * self.squares as f64)
    }
}

/// Jain's index of fairness: how evenly something is shared.
///
/// (Σ *x*)² / (*n* Σ *x*²), from 1 / *n*, when one has all, to 1, when all have the same; *k* of *n*
/// that have the same while the others have nothing give *k* / *n*. If nobody has anything it is 1.
/// (Jain, Chiu and Hawe, "A quantitative measure of fairness and discrimination for resource
/// allocation in shared computer systems", DEC TR-301, 1984.) Shares by weight are to be divided by
/// it before.
///
/// # Examples
///
/// ```
/// use bibelot::time::Duration;
/// use bibelot::trace::fairness;
///
/// let seconds = |shares: [u64; 4]| fairness(shares.map(Duration::from_secs));
/// assert_eq!(seconds([5, 5, 5, 5]), 1.0);
/// assert_eq!(seconds([5, 5, 0, 0]), 0.5);
/// assert_eq!(seconds([5, 0, 0, 0]), 0.25);
/// ```
pub fn fairness(shares: impl IntoIterator<Item = Duration>) -> f64 {
    let mut all = Shares::default();
    for share in shares {
        all.add(share);
    }
    all.fairness()
}
