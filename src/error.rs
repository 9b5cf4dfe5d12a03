//! What can go wrong with a task, and the words for it.
//!
//! The wording of the crate, here and elsewhere: lower case, no full stop, what could not be done
//! and, for misuse, what to do instead. A `Display` never repeats its source.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::Location;

/// Why a task has no value to give to who joins it.
///
/// # Examples
///
/// ```
/// use bibelot::task::JoinError;
///
/// bibelot::run(async {
///     let handle = bibelot::spawn(std::future::pending::<()>());
///     handle.cancel();
///     match handle.await {
///         Err(JoinError::Cancelled(cancelled)) => assert!(cancelled.at().file().ends_with(".rs")),
///         other => panic!("{other:?}"),
///     }
/// });
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum JoinError {
    /// It was cancelled before it ended.
    Cancelled(Cancelled),
    /// It panicked, in a poll or while it was dropped.
    Panicked(Panicked),
}

impl JoinError {
    /// Whether the task was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled(_))
    }

    /// Whether the task panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self, Self::Panicked(_))
    }

    /// Returns what the task panicked with, to be raised again with
    /// [`resume_unwind`](std::panic::resume_unwind), as std's `join` returns it.
    ///
    /// # Panics
    ///
    /// Panics if the task did not panic; [`JoinError::is_panic`] tells.
    #[must_use]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        match self {
            Self::Panicked(panicked) => panicked.payload,
            Self::Cancelled(_) => panic!("the task did not panic: {self}; ask is_panic() first"),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled(cancelled) => cancelled.fmt(f),
            Self::Panicked(panicked) => panicked.fmt(f),
        }
    }
}

impl Error for JoinError {}

impl From<JoinError> for io::Error {
    /// An error of kind `Interrupted` would be retried, so a cancelled task is `Other`, as a
    /// panicked one is.
    fn from(error: JoinError) -> Self {
        Self::other(error.to_string())
    }
}

/// How a task was cancelled.
#[derive(Debug, Clone)]
pub struct Cancelled {
    /// The task, as texts name it.
    pub(crate) task: String,
    /// Where `cancel` was called.
    pub(crate) at: &'static Location<'static>,
}

impl Cancelled {
    /// Where the cancel was asked for.
    #[must_use]
    pub fn at(&self) -> &'static Location<'static> {
        self.at
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was cancelled at {}", self.task, self.at)
    }
}

impl Error for Cancelled {}

/// How a task panicked.
pub struct Panicked {
    /// The task, as texts name it.
    pub(crate) task: String,
    /// What the panic carried.
    pub(crate) payload: Box<dyn Any + Send>,
}

impl Panicked {
    /// The text of the panic, if it was one (it is, unless `panic_any` was used).
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        panic_message(&*self.payload)
    }
}

/// The text in the payload of a panic.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<&'static str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.message().unwrap_or("a value that is no text");
        write!(f, "{} panicked: {message}", self.task)
    }
}

impl fmt::Debug for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panicked")
            .field("task", &self.task)
            .field("message", &self.message())
            .finish()
    }
}

impl Error for Panicked {}
