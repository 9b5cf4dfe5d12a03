//! [`Recording`]: what a recorder has kept, to be looked at.

use std::collections::HashMap;
use std::io;
use std::panic::Location;
use std::sync::Arc;

use crate::clock::Instant;
use crate::observer::{Event, Finish};
use crate::task::TaskId;
use crate::task::extras::Spread;
use crate::time::Duration;
use crate::trace::chrome;
use crate::trace::metrics::Figures;
use crate::trace::page;
use crate::trace::polled::Polled;
use crate::trace::summary::Summary;

/// What a [`Recorder`](crate::trace::Recorder) has kept: the last events of an executor in their order,
/// and what is known of the tasks. It is a copy, owns all it has, and may go to another thread.
///
/// # Examples
///
/// What did each task do?
///
/// ```
/// use bibelot::testing::Sim;
/// use bibelot::trace::Recorder;
/// use bibelot::{Executor, task};
///
/// let recorder = Recorder::new(1000);
/// let builder = Executor::builder().observer(recorder.clone());
/// Sim::from_builder(builder).run(async {
///     task::Builder::new().name("worker").spawn(task::yield_now());
/// });
/// let recording = recorder.recording();
/// for task in recording.tasks() {
///     let name = task.name().unwrap_or("a task");
///     println!("{name} of {} ran {:?}", task.spawned_at(), task.ran());
/// }
/// let worker = &recording.tasks()[1];
/// assert_eq!((worker.name(), worker.polls()), (Some("worker"), 2));
/// assert_eq!(worker.parent(), Some(recording.tasks()[0].id()));
/// ```
#[derive(Debug, Clone)]
pub struct Recording {
    /// With the moment at which each happened.
    events: Vec<(Instant, Event)>,
    /// By number.
    tasks: Vec<TaskInfo>,
    /// How many older events were overwritten.
    lost: u64,
    /// Who was being polled when the oldest happened, the innermost last.
    open: Vec<TaskId>,
}

impl Recording {
    /// Events, and the tasks they name.
    pub(super) fn new(
        events: Vec<(Instant, Event)>,
        mut tasks: Vec<TaskInfo>,
        lost: u64,
        open: Vec<TaskId>,
    ) -> Self {
        tasks.sort_unstable_by_key(TaskInfo::id);
        let mut recording = Self {
            events,
            tasks,
            lost,
            open,
        };
        recording.count_polls();
        recording
    }

    /// Counts for each task how long it has run.
    fn count_polls(&mut self) {
        let mut ran: HashMap<TaskId, (Duration, u64), Spread> = HashMap::default();
        let mut polled = self.polled_at_start();
        for &(at, ref event) in &self.events {
            let charged = match *event {
                Event::Polled { task } => {
                    ran.entry(task).or_default().1 += 1;
                    polled.begin(at, task)
                }
                Event::Parked { task, .. } | Event::Finished { task, .. } => polled.end(at, task),
                Event::Turn { .. } | Event::Asleep { .. } => {
                    polled.clear();
                    None
                }
                _ => None,
            };
            if let Some((task, took)) = charged {
                ran.entry(task).or_default().0 += took;
            }
        }
        for task in &mut self.tasks {
            (task.ran, task.polls) = ran.get(&task.id).copied().unwrap_or_default();
        }
    }

    /// Who was being polled when the oldest event happened, for as long as that is known.
    pub(super) fn polled_at_start(&self) -> Polled {
        Polled::since(self.start(), self.open.clone())
    }

    /// The events, each with the moment at which it happened, on the executor's clock.
    #[must_use]
    pub fn events(&self) -> &[(Instant, Event)] {
        &self.events
    }

    /// How many events were told before the first one here, and were overwritten.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The tasks that are in the events or were alive at the end, in the order of their spawns; also
    /// those whose spawn was overwritten.
    #[must_use]
    pub fn tasks(&self) -> &[TaskInfo] {
        &self.tasks
    }

    /// The task of this number.
    #[must_use]
    pub fn task(&self, id: TaskId) -> Option<&TaskInfo> {
        let place = self.tasks.binary_search_by_key(&id, TaskInfo::id);
        place.ok().map(|place| &self.tasks[place])
    }

    /// When the first event happened; `None` if there is none.
    #[must_use]
    pub fn start(&self) -> Option<Instant> {
        self.events.first().map(|&(at, _)| at)
    }

    /// When the last event happened; `None` if there is none.
    #[must_use]
    pub fn end(&self) -> Option<Instant> {
        self.events.last().map(|&(at, _)| at)
    }

    /// The figures of what is recorded, as [`Metrics`](crate::trace::Metrics) would have had them. If
    /// events were [lost](Self::lost) they are those of the time since: a poll that was going on
    /// counts from the first event, a wait that began before it does not count, and a life from its
    /// beginning; the response of a task that was spawned before is not known.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::testing::Sim;
    /// use bibelot::trace::{Metrics, Recorder};
    ///
    /// let (recorder, metrics) = (Recorder::new(1000), Metrics::new());
    /// let builder = bibelot::Executor::builder()
    ///     .observer(recorder.clone())
    ///     .observer(metrics.clone());
    /// Sim::from_builder(builder).run(bibelot::task::yield_now());
    /// assert_eq!(recorder.recording().summary(), metrics.summary());
    /// ```
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut figures = Figures::default();
        let spawned = self.tasks.iter().map(|task| (task.id, task.spawned));
        figures.join_late(self.polled_at_start(), spawned);
        for (at, event) in &self.events {
            figures.count(*at, event);
        }
        figures.summary()
    }

    /// Writes the recording as Chrome trace JSON, which <https://ui.perfetto.dev> opens, as do Chrome's
    /// `about:tracing` and speedscope.
    ///
    /// Each task has a lane of its own, called by its name, with a slice for each poll, for each wait
    /// (called by what is waited for) and for each time that it was ready; and an arrow from the poll
    /// in which it was spawned or woken to the one that this led to. The executor has a lane with its
    /// turns and sleeps, and a curve of how many tasks were ready when a turn began. Deadlines,
    /// descriptors and requests to cancel are marks. Moments count from the first event, in
    /// microseconds, with the nanoseconds after the point.
    ///
    /// It takes time and memory in proportion to the events: 100 000 are about 15 MB. Give it a
    /// `BufWriter`, and flush that.
    ///
    /// # Errors
    ///
    /// Returns the errors of `out`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::fs::File;
    /// use std::io::{BufWriter, Write};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let recorder = bibelot::trace::Recorder::new(100_000);
    /// // … run an executor with it …
    /// let mut file = BufWriter::new(File::create("trace.json")?);
    /// recorder.recording().write_chrome(&mut file)?;
    /// file.flush()
    /// # }
    /// ```
    pub fn write_chrome(&self, out: &mut impl io::Write) -> io::Result<()> {
        chrome::write(self, out)
    }

    /// Writes the recording as an HTML page: one file, which draws the run and plays it again, and works
    /// offline. See [`trace::write_page`](crate::trace::write_page) for what it shows.
    ///
    /// # Errors
    ///
    /// Returns the errors of `out`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::fs::File;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let recorder = bibelot::trace::Recorder::new(100_000);
    /// // … run an executor with it …
    /// let file = File::create("run.html")?;
    /// recorder.recording().write_page("what went on", std::io::BufWriter::new(file))
    /// # }
    /// ```
    pub fn write_page(&self, title: &str, mut out: impl io::Write) -> io::Result<()> {
        page::write(title, &self.events, &self.tasks, self.lost, &mut out)
    }
}

/// What a [`Recording`] knows of a task: see [`Recording::tasks`].
#[derive(Debug, Clone)]
pub struct TaskInfo {
    /// Its number.
    id: TaskId,
    /// Who spawned it.
    parent: Option<TaskId>,
    /// Its name.
    name: Option<Arc<str>>,
    /// Where it was spawned.
    spawned_at: &'static Location<'static>,
    /// When it was spawned.
    spawned: Instant,
    /// When it ended, and how.
    ended: Option<(Instant, Finish)>,
    /// How long its polls took.
    ran: Duration,
    /// How many there were.
    polls: u64,
}

impl TaskInfo {
    /// A task that was spawned just now.
    pub(super) fn new(
        id: TaskId,
        parent: Option<TaskId>,
        name: Option<Arc<str>>,
        spawned_at: &'static Location<'static>,
        spawned: Instant,
    ) -> Self {
        Self {
            id,
            parent,
            name,
            spawned_at,
            spawned,
            ended: None,
            ran: Duration::ZERO,
            polls: 0,
        }
    }

    /// It has ended.
    pub(super) fn end(&mut self, at: Instant, how: Finish) {
        self.ended = Some((at, how));
    }

    /// Its name, to be shared.
    pub(super) fn shared_name(&self) -> Option<Arc<str>> {
        self.name.clone()
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Who spawned it, unless it was none.
    #[must_use]
    pub fn parent(&self) -> Option<TaskId> {
        self.parent
    }

    /// Its name, if it has one. Main tasks are called "main", and the body of a scope "body".
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where it was spawned.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    /// When it was spawned.
    #[must_use]
    pub fn spawned(&self) -> Instant {
        self.spawned
    }

    /// When it ended, and how; `None` while it is alive.
    #[must_use]
    pub fn ended(&self) -> Option<(Instant, Finish)> {
        self.ended
    }

    /// How long it was polled within the recording, without the polls of its scopes' children, which are
    /// those of other tasks.
    #[must_use]
    pub fn ran(&self) -> Duration {
        self.ran
    }

    /// How often it was polled within the recording.
    #[must_use]
    pub fn polls(&self) -> u64 {
        self.polls
    }
}
