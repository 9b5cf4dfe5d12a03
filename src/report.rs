//! What an executor has to tell although nobody asked: reports, and where they go.
//!
//! ```text
//!   send(report) ─► does an executor run on this thread, and has it a hook? ─ yes ─► hook(&report)
//!                                                                           └ no ──► a line on stderr
//! ```
//!
//! Nothing fails silently. A panic that nobody joins, a poll that holds the thread too long, a
//! client whose handler failed: each is a [`Report`]. The hook is user code, so it is cloned out of its
//! cell before it is called, and what it panics with ends here.
//!
//! A line on standard error is also all there is where no executor can be meant: when the thread that
//! takes the process's signals cannot read them (`signal/hub.rs`), or another thread cannot ring for an
//! executor (`reactor/portable.rs`) or tell its host (`inbox.rs`).

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use crate::error::Panicked;

/// Something that nobody waits for but somebody should know.
///
/// The hook set with [`ExecutorBuilder::on_report`](crate::ExecutorBuilder::on_report) receives it;
/// its `Display` is the line that goes to standard error otherwise.
#[derive(Debug)]
#[non_exhaustive]
pub enum Report {
    /// A task panicked, and nobody is left to join it.
    Panicked(Panicked),
    /// A poll took longer than [`ExecutorBuilder::slow_poll`](crate::ExecutorBuilder::slow_poll).
    SlowPoll(SlowPoll),
    /// A server could not accept a client, and goes on.
    AcceptFailed(io::Error),
    /// A handler of a server's client ended with an error.
    ClientFailed(io::Error),
    /// A cleanup was dropped before its end.
    Abandoned(Abandoned),
    /// A writer was dropped with bytes that were not written.
    Unwritten {
        /// How many bytes are lost.
        bytes: usize,
    },
    /// A child process that nobody waited for any more was asked to end, and had not when its grace
    /// was over.
    ChildKilled {
        /// The number it had.
        id: u32,
        /// Where it was spawned.
        at: &'static Location<'static>,
    },
    /// A [policy](crate::sched) panicked: `run` does so too, and what is left to do is done first come,
    /// first served.
    PolicyPanicked {
        /// The policy's [name](crate::sched::Policy::name).
        policy: &'static str,
    },
}

/// A poll that held the thread too long.
#[derive(Debug, Clone)]
pub struct SlowPoll {
    /// The task, as texts name it.
    pub(crate) task: String,
    /// Where the task was spawned.
    pub(crate) spawned_at: &'static Location<'static>,
    /// How long the poll took.
    pub(crate) took: Duration,
    /// What it waits for since, as texts say it.
    pub(crate) waits: String,
    /// Where the task waits since, if it waits.
    pub(crate) waits_at: Option<&'static Location<'static>>,
}

impl SlowPoll {
    /// The task, by its name, or by its number if it has none, and by where it was spawned.
    #[must_use]
    pub fn task(&self) -> &str {
        &self.task
    }

    /// Where the task was spawned.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    /// How long the poll took.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Where the task waits since, if it waits.
    #[must_use]
    pub fn waits_at(&self) -> Option<&'static Location<'static>> {
        self.waits_at
    }
}

impl fmt::Display for SlowPoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} held the thread for {:?}", self.task, self.took)?;
        match self.waits_at {
            Some(at) => write!(f, ", until it came to wait for {} at {at}", self.waits),
            None => Ok(()),
        }
    }
}

/// A cleanup that was dropped before its end: its grace was over, or it had none and nothing could wake
/// it while an executor that looks for deadlocks shut down, or no executor ran where it came to be owed. See [`task::finally`](crate::task::finally).
#[derive(Debug, Clone)]
pub struct Abandoned {
    /// The task that owed it, as texts name it.
    task: Option<String>,
    /// Where it was asked for.
    at: &'static Location<'static>,
    /// What there was too little of.
    why: &'static str,
}

impl Abandoned {
    /// One that a task did not bring to its end in time.
    pub(crate) fn too_late(task: String, at: &'static Location<'static>) -> Self {
        let (task, why) = (Some(task), "its grace is over");
        Self { task, at, why }
    }

    /// One that would have waited for ever, in an executor that shuts down and looks for deadlocks.
    pub(crate) fn stuck(task: String, at: &'static Location<'static>) -> Self {
        let (task, why) = (Some(task), "nothing could wake it");
        Self { task, at, why }
    }

    /// One that nobody could bring to its end.
    pub(crate) fn without_executor(at: &'static Location<'static>) -> Self {
        let (task, why) = (None, "no executor is running");
        Self { task, at, why }
    }

    /// The task that owed it, by its name, or by its number if it has none, and by where it was
    /// spawned; `None` if no executor was running.
    #[must_use]
    pub fn task(&self) -> Option<&str> {
        self.task.as_deref()
    }

    /// Where the cleanup was asked for.
    #[must_use]
    pub fn at(&self) -> &'static Location<'static> {
        self.at
    }
}

impl fmt::Display for Abandoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { task, at, why } = self;
        match task {
            Some(task) => write!(f, "{task} gave up the cleanup of {at}: {why}"),
            None => write!(f, "the cleanup of {at} was dropped: {why}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panicked) => panicked.fmt(f),
            Self::SlowPoll(slow) => slow.fmt(f),
            Self::AcceptFailed(error) => write!(f, "accepting a client: {error}; going on"),
            Self::ClientFailed(error) => write!(f, "serving a client: {error}"),
            Self::Abandoned(abandoned) => abandoned.fmt(f),
            Self::Unwritten { bytes } => {
                write!(
                    f,
                    "a writer was dropped with {bytes} bytes unwritten; call flush().await first"
                )
            }
            Self::ChildKilled { id, at } => {
                write!(
                    f,
                    "the child process {id} of {at} did not end when asked to, and was killed"
                )
            }
            Self::PolicyPanicked { policy } => {
                write!(
                    f,
                    "the policy {policy} panicked; from here on it is first come, first served"
                )
            }
        }
    }
}

/// Where reports go.
pub(crate) type Hook = Rc<dyn Fn(&Report)>;

thread_local! {
    /// The hook of the executor that runs on this thread.
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

/// While it lives, reports go to a hook.
pub(crate) struct Hooked(Option<Hook>);

impl Hooked {
    /// Makes `hook` the place where reports go.
    pub(crate) fn by(hook: Option<Hook>) -> Self {
        Self(replace(hook))
    }
}

impl Drop for Hooked {
    /// Puts the one before back.
    fn drop(&mut self) {
        drop(replace(self.0.take()));
    }
}

/// Makes `hook` the place where reports go, and returns the one before. During the end of the thread
/// there is none any more, and reports go to standard error.
fn replace(hook: Option<Hook>) -> Option<Hook> {
    HOOK.try_with(|current| current.replace(hook))
        .ok()
        .flatten()
}

/// A hook that tells on standard error if it panics, with what it should have reported.
pub(crate) fn hook(hook: impl Fn(&Report) + 'static) -> Hook {
    Rc::new(move |report| {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| hook(report))) {
            discard(payload);
            eprintln!("bibelot: the report hook panicked on: {report}");
        }
    })
}

/// The hook of the executor that runs on this thread.
fn current_hook() -> Option<Hook> {
    HOOK.try_with(|hook| hook.borrow().clone()).ok().flatten()
}

/// Sends a report to the hook of the executor that runs on this thread, or to standard error.
pub(crate) fn send(report: &Report) {
    match current_hook() {
        Some(hook) => hook(report),
        None => eprintln!("bibelot: {report}"),
    }
}

/// Reports a panic that nobody joins. Every program can have one, so this does not go by way of `send`,
/// which brings the words for all the other reports.
pub(crate) fn send_panic(panicked: Panicked) {
    let Some(hook) = current_hook() else {
        eprintln!("bibelot: {panicked}");
        // What the panic carries is the user's.
        return discard(panicked);
    };
    let report = Report::Panicked(panicked);
    hook(&report);
    discard(report);
}

/// Drops a value whose destructor may panic, when there is a panic to report already.
pub(crate) fn discard<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // The payload's own destructor may panic as well; no more is asked of it.
        std::mem::forget(payload);
    }
}
