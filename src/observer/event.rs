//! [`Event`]: what can happen in an executor, and the line of a log that says so.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::clock::Instant;
use crate::sched::Reason;
use crate::task::TaskId;
use crate::task::waits::{WaitKind, Waits};

/// Something that has happened in an executor. Its `Display` is one line of a log.
///
/// Tasks are known by their numbers; [`Spawned`](Event::Spawned) tells the rest. The children of scopes
/// are tasks here, whose polls lie within those of the task that polls their scope.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A turn has begun: each task that is ready now will be polled once.
    Turn {
        /// How many those are.
        ready: usize,
    },
    /// No task is ready: the executor sleeps, or its clock jumps.
    Asleep {
        /// To the next deadline, if there is one.
        until: Option<Instant>,
    },
    /// The sleep, or the jump, has ended.
    Awake,
    /// A task was spawned. It is ready.
    Spawned {
        /// Its number.
        task: TaskId,
        /// Who spawned it.
        parent: Option<TaskId>,
        /// Its name, if it has one.
        name: Option<Arc<str>>,
        /// Where it was spawned.
        at: &'static Location<'static>,
    },
    /// A task has become ready.
    Woken {
        /// Which.
        task: TaskId,
        /// By whom.
        by: Reason,
    },
    /// A poll of a task has begun.
    Polled {
        /// Whose.
        task: TaskId,
    },
    /// The poll has ended, and the task waits; if it was woken meanwhile it is ready again.
    Parked {
        /// Which task.
        task: TaskId,
        /// What it waits for.
        on: Wait,
        /// Where.
        at: Option<&'static Location<'static>>,
    },
    /// A task has ended, in a poll, or because it was dropped.
    Finished {
        /// Which.
        task: TaskId,
        /// In what way.
        how: Finish,
    },
    /// Somebody has asked that a task be cancelled.
    CancelAsked {
        /// Which.
        task: TaskId,
        /// The task that has asked, unless it was none.
        by: Option<TaskId>,
        /// Where that was.
        at: &'static Location<'static>,
    },
    /// A deadline was set.
    TimerSet {
        /// Its number, until it is fired or unset; then another one's.
        timer: u32,
        /// The task that has set it, unless it was none.
        task: Option<TaskId>,
        /// When it is due.
        deadline: Instant,
    },
    /// A deadline was taken back.
    TimerUnset {
        /// Its number.
        timer: u32,
    },
    /// A deadline has passed.
    TimerFired {
        /// Its number.
        timer: u32,
    },
    /// A descriptor is watched from now on: somebody has had to wait for it.
    ///
    /// A socket of a [simulated network](crate::testing::Network) has none, and is told of in the same way,
    /// by a number below zero: `-1` is the first socket of the run, and a number is never another one's
    /// later. So it is in all three events that follow.
    SourceAdded {
        /// Its number.
        fd: i32,
        /// The task that waits for it, unless it is none.
        task: Option<TaskId>,
    },
    /// Another task waits for a descriptor than the one that was told of last. It may read while that one
    /// writes, or have got the descriptor from it.
    SourceWanted {
        /// Its number.
        fd: i32,
        /// The task that waits for it now, unless it is none.
        task: Option<TaskId>,
    },
    /// A descriptor is watched no more.
    SourceRemoved {
        /// Its number.
        fd: i32,
    },
    /// Something has come for a descriptor.
    SourceReady {
        /// Its number.
        fd: i32,
        /// It may be read.
        read: bool,
        /// It may be written.
        write: bool,
    },
}

/// How a task has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Finish {
    /// By itself, with a value. So has the main task, also if its panic ends the run.
    Returned,
    /// It was cancelled.
    Cancelled,
    /// With a panic.
    Panicked,
}

/// What a task waits for. Its `Display` says it in words: "a mutex or a deadline".
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Wait(Waits);

impl Wait {
    /// Of which kind it is; of several the one that comes first in [`WaitKind`].
    #[must_use]
    pub fn kind(&self) -> WaitKind {
        self.0.kind()
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wait({self})")
    }
}

impl Event {
    /// A task parks that has noted what it waits for, and where.
    pub(crate) fn parked(task: TaskId, on: Waits, at: Option<&'static Location<'static>>) -> Self {
        let on = Wait(on);
        Self::Parked { task, on, at }
    }
}

#[cfg(feature = "trace")]
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Turn { ready } => write!(f, "turn of {ready}"),
            Self::Asleep { until: None } => write!(f, "asleep"),
            Self::Asleep { until: Some(until) } => write!(f, "asleep until {until:?}"),
            Self::Awake => write!(f, "awake"),
            Self::Spawned {
                task,
                parent,
                name,
                at,
            } => {
                write!(f, "task {task}")?;
                if let Some(name) = name {
                    write!(f, " {name:?}")?;
                }
                write!(f, " spawned at {at}")?;
                by(f, *parent)
            }
            Self::Woken { task, by } => write!(f, "task {task} woken by {by}"),
            Self::Polled { task } => write!(f, "task {task} polled"),
            Self::Parked { task, on, at } => {
                write!(f, "task {task} waits for {on}")?;
                at.map_or(Ok(()), |at| write!(f, " at {at}"))
            }
            Self::Finished { task, how } => write!(f, "task {task} {how}"),
            Self::CancelAsked { task, by: who, at } => {
                write!(f, "task {task} to be cancelled, asked at {at}")?;
                by(f, *who)
            }
            Self::TimerSet {
                timer,
                task,
                deadline,
            } => {
                write!(f, "timer {timer} set to {deadline:?}")?;
                by(f, *task)
            }
            Self::TimerUnset { timer } => write!(f, "timer {timer} unset"),
            Self::TimerFired { timer } => write!(f, "timer {timer} fired"),
            Self::SourceAdded { fd, task } => {
                write!(f, "{} watched", Source(*fd))?;
                by(f, *task)
            }
            Self::SourceWanted { fd, task } => {
                write!(f, "{} waited for", Source(*fd))?;
                by(f, *task)
            }
            Self::SourceRemoved { fd } => write!(f, "{} left", Source(*fd)),
            Self::SourceReady { fd, read, write } => {
                let what = match (read, write) {
                    (true, true) => "be read or written",
                    (true, false) => "be read",
                    (false, true) => "be written",
                    (false, false) => "be looked at",
                };
                write!(f, "{} may {what}", Source(*fd))
            }
        }
    }
}

/// What a source is called: a descriptor, or a simulated socket.
struct Source(i32);

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            fd @ 0.. => write!(f, "descriptor {fd}"),
            simulated => write!(f, "simulated socket {}", simulated.unsigned_abs()),
        }
    }
}

/// Writes who it was, if it was a task.
fn by(f: &mut fmt::Formatter<'_>, task: Option<TaskId>) -> fmt::Result {
    task.map_or(Ok(()), |task| write!(f, " by task {task}"))
}

impl fmt::Display for Finish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Returned => "returned",
            Self::Cancelled => "was cancelled",
            Self::Panicked => "panicked",
        })
    }
}
