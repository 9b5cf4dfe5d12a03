//! Numbers of tasks, and what goes with them: who a task is.

use std::fmt;
use std::panic::Location;

use crate::waker::Token;

/// The number of a task: unique among all tasks of its executor, in order of their creation.
///
/// # Examples
///
/// ```
/// bibelot::run(async {
///     let handle = bibelot::spawn(async { bibelot::task::current().id() });
///     let id = handle.task().id();
///     assert_eq!(handle.await.unwrap(), id);
///     assert_ne!(bibelot::task::current().id(), id);
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(u64);

impl TaskId {
    /// The task that is the `number`th of its executor, counting from one.
    pub(crate) fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number itself, for logs and tables.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskId({})", self.0)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who a task is: what is known of the one that is being polled or dropped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Current {
    /// Its token.
    pub(crate) token: Token,
    /// Its number.
    pub(crate) id: TaskId,
    /// Who spawned it.
    pub(crate) parent: Option<TaskId>,
    /// Where it was spawned.
    pub(crate) spawned_at: &'static Location<'static>,
    /// Whether it is the main task of a run.
    pub(crate) is_main: bool,
}

/// A task by its name, or by its number if it has none: what texts begin with.
pub(crate) struct Called<'a>(pub(crate) Option<&'a str>, pub(crate) TaskId);

impl fmt::Display for Called<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(Some(name), _) => write!(f, "task {name:?}"),
            Self(None, id) => write!(f, "task {id}"),
        }
    }
}

/// A task as texts name it, with where it was spawned: a name alone is often that of many.
pub(crate) struct Spawned<'a>(pub(crate) Called<'a>, pub(crate) &'static Location<'static>);

impl fmt::Display for Spawned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (spawned at {})", self.0, self.1)
    }
}
