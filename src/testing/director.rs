//! The policy under which a schedule is tried: it asks a pilot, and keeps a log.
//!
//! ```text
//!   ready, in the order of their wakes:  [ c  a  d ]      pilot ─► 1     the decision "1 of 3":
//!                                             │                          `a` overtakes `c`
//!                                             └──► polled
//! ```
//!
//! A test in a [`Sim`](crate::testing::Sim) is one thread on a clock that stands still, so all that can
//! differ between two runs of it is who is polled next. That is decided here and nowhere else: where one
//! task is ready there is nothing to decide; where there are more, the answer is a *decision*. Decision 0
//! is what an executor does that is told nothing, first come, first served; every other one is an
//! *overtake*. The list of a run's decisions is its *schedule*, and the same schedule gives the same run.
//!
//! The director also ends a run that has failed, which it does by a panic between two polls. From there on
//! it serves first come, first served, so that what tasks owe is done; and if that does not end either, it
//! lets time pass with each poll, until the grace of every cleanup is over. Read next: `testing/explore.rs`
//! (who plans), `explore/pilots.rs` (who decides).

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use crate::report::Report;
use crate::sched::{Policy, ReadyTask};
use crate::scheduler::Scheduler;
use crate::task::{TaskId, consume};
use crate::waker;

/// How much time each poll takes, when a run is over and its cleanups do not come to an end.
const TICK: Duration = Duration::from_millis(10);

/// Decides who is polled next.
pub(super) trait Pilot {
    /// The place in `ready`, which is not empty and in the order of wakes, of who is polled next; called
    /// for each poll. `before` is a hash of all that was decided so far, and of who is ready.
    ///
    /// # Errors
    ///
    /// Returns why there is no place to name: the run ends with that.
    fn choose(&mut self, ready: &[ReadyTask], before: u64) -> Result<usize, String>;
}

/// A task as texts and files name it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Who {
    /// Its number.
    pub(super) id: TaskId,
    /// Its name, if it has one.
    pub(super) name: Option<String>,
    /// Where it was spawned.
    pub(super) spawned_at: &'static Location<'static>,
}

impl Who {
    /// Who a ready task is, and where and for what it has waited.
    fn and_wait(task: &ReadyTask) -> (Self, Option<Wait>) {
        let known = waker::with_current(|scheduler| Scheduler::standing(scheduler, task));
        let standing = known.flatten().expect("a ready task is in its slot");
        let main = || standing.is_main.then_some("main");
        let who = Self {
            id: task.id(),
            name: task.name().or_else(main).map(String::from),
            spawned_at: standing.spawned_at,
        };
        let wait = standing.waits_at.filter(|_| task.polls() > 0);
        (who, wait.map(|at| (at, standing.waits)))
    }

    /// Who a ready task is.
    pub(super) fn of(task: &ReadyTask) -> Self {
        Self::and_wait(task).0
    }

    /// Whether it is the main task.
    pub(super) fn is_main(&self) -> bool {
        self.id == TaskId::new(1)
    }

    /// The task without its place.
    pub(super) fn called(&self) -> String {
        match &self.name {
            Some(name) if self.is_main() => name.clone(),
            Some(name) => format!("task {} {name:?}", self.id),
            None => format!("task {}", self.id),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (spawned at {})", self.called(), self.spawned_at)
    }
}

/// A choice between tasks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Decision {
    /// Who was chosen: 0 is the one that had been ready for longest.
    pub(super) chosen: u32,
    /// Of how many.
    pub(super) of: u32,
    /// A hash of all that was decided before, and of who was ready now.
    pub(super) before: u64,
}

/// Where a task has waited, and for what.
type Wait = (&'static Location<'static>, String);

/// A poll, for those who want to read of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    /// Whose it was.
    pub(super) who: Who,
    /// Where the task had waited; `None` before its first poll.
    pub(super) wait: Option<Wait>,
    /// Who was ready and was overtaken.
    pub(super) overtaken: Vec<Who>,
    /// How many were ready.
    pub(super) ready: usize,
}

/// Why a run was ended before its end.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stop {
    /// A task has panicked, and nobody was left to join it: the text.
    Panicked(String),
    /// There were so many polls.
    TooLong(u64),
    /// The pilot had nobody to name: why.
    Lost(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(text) => write!(f, "{text}; nobody was left to join it"),
            Self::TooLong(polls) => write!(
                f,
                "no end after {polls} polls: a task that waits by asking again and again, or a test that \
                 needs more; Explorer::polls_max() says how many are enough"
            ),
            Self::Lost(text) => text.fmt(f),
        }
    }
}

/// What there is to know of a run.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// What was decided.
    pub(super) decisions: RefCell<Vec<Decision>>,
    /// How many polls there were.
    pub(super) polls: Cell<u64>,
    /// A hash of all of them.
    pub(super) hash: Cell<u64>,
    /// The polls, if they are to be told.
    pub(super) story: RefCell<Option<Vec<Told>>>,
    /// The first reason to end the run.
    pub(super) stop: RefCell<Option<Stop>>,
    /// Whether the run is over, and only cleanups go on.
    pub(super) is_over: Cell<bool>,
}

impl Log {
    /// An empty one; `tells` says whether the polls are kept.
    pub(super) fn new(tells: bool) -> Rc<Self> {
        let story = RefCell::new(tells.then(Vec::new));
        Rc::new(Self {
            story,
            ..Self::default()
        })
    }

    /// Notes a panic that nobody joins: the run fails by that.
    pub(super) fn note(&self, report: &Report) {
        if let Report::Panicked(panicked) = report
            && !self.is_over.get()
        {
            let stop = &mut *self.stop.borrow_mut();
            stop.get_or_insert_with(|| Stop::Panicked(panicked.to_string()));
        }
    }

    /// Adds a number to the hash.
    fn mix(&self, number: u64) {
        // FNV-1a, eight bytes at a time; and one round of mixing, as the numbers are small.
        let hash = (self.hash.get() ^ number).wrapping_mul(0x0100_0000_01b3);
        self.hash.set(hash ^ (hash >> 29));
    }

    /// Adds who is ready, where there is a choice; returns the hash.
    fn add_ready(&self, ready: &[ReadyTask]) -> u64 {
        if ready.len() > 1 {
            for task in ready {
                self.mix(task.id().get());
            }
        }
        self.hash.get()
    }

    /// Adds a poll: `ready[chosen]` is polled.
    fn add(&self, ready: &[ReadyTask], chosen: usize, before: u64) {
        if ready.len() > 1 {
            self.decisions.borrow_mut().push(Decision {
                chosen: chosen as u32,
                of: ready.len() as u32,
                before,
            });
        }
        self.mix(ready[chosen].id().get());
        if let Some(story) = &mut *self.story.borrow_mut() {
            let (who, wait) = Who::and_wait(&ready[chosen]);
            story.push(Told {
                who,
                wait,
                overtaken: ready[..chosen].iter().map(Who::of).collect(),
                ready: ready.len(),
            });
        }
    }
}

/// The policy.
pub(super) struct Director {
    /// Who is ready, in the order of wakes.
    ready: Vec<ReadyTask>,
    /// Who decides.
    pilot: Box<dyn Pilot>,
    /// What it has decided.
    log: Rc<Log>,
    /// How many polls a run may have.
    polls_max: u64,
    /// How many there were at its end.
    polls_at_end: Option<u64>,
}

impl Director {
    /// One that asks this pilot.
    pub(super) fn new(pilot: Box<dyn Pilot>, log: &Rc<Log>, polls_max: u64) -> Self {
        Self {
            ready: Vec::new(),
            pilot,
            log: Rc::clone(log),
            polls_max,
            polls_at_end: None,
        }
    }

    /// Ends the run, for the reason that was noted first.
    fn stop(&self, stop: Option<Stop>) -> ! {
        self.log.is_over.set(true);
        let noted = self.log.stop.take().or(stop).expect("there is a reason");
        let why = noted.to_string();
        self.log.stop.replace(Some(noted));
        panic!("{why}");
    }
}

impl Policy for Director {
    fn push(&mut self, task: ReadyTask) {
        self.ready.push(task);
    }

    /// # Panics
    ///
    /// Panics where the run is to end.
    fn pop(&mut self) -> Option<ReadyTask> {
        if self.ready.is_empty() {
            return None;
        }
        let log = Rc::clone(&self.log);
        let polls = log.polls.get() + 1;
        log.polls.set(polls);
        if log.is_over.get() || thread::panicking() {
            let since = polls - *self.polls_at_end.get_or_insert(polls);
            if since > self.polls_max {
                consume(TICK);
            }
            return Some(self.ready.remove(0));
        }
        if log.stop.borrow().is_some() {
            self.stop(None);
        }
        if polls > self.polls_max {
            self.stop(Some(Stop::TooLong(self.polls_max)));
        }
        let before = log.add_ready(&self.ready);
        match self.pilot.choose(&self.ready, before) {
            Ok(chosen) => {
                log.add(&self.ready, chosen, before);
                Some(self.ready.remove(chosen))
            }
            Err(why) => self.stop(Some(Stop::Lost(why))),
        }
    }
}
