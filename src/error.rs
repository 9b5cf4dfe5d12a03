//! What can go wrong with a task, and the words for it.
//!
//! The wording of the crate, here and elsewhere: lower case, no full stop, what could not be done
//! and, for misuse, what to do instead. A `Display` never repeats its source.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::Location;

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

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
            Self::Panicked(panicked) => panicked.0.payload,
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

impl fmt::Debug for JoinError {
    /// What `unwrap` shows: the variant is said once.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled(cancelled) => fmt::Debug::fmt(cancelled, f),
            Self::Panicked(panicked) => fmt::Debug::fmt(panicked, f),
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
///
/// It is one word, as [`Panicked`] is: a [`JoinError`] is carried through every join, and hardly ever
/// there.
#[derive(Clone)]
pub struct Cancelled(Box<Cancellation>);

/// What [`Cancelled`] knows.
#[derive(Clone)]
struct Cancellation {
    /// The task, as texts name it.
    task: String,
    /// Where the cancel was asked for.
    at: &'static Location<'static>,
    /// Why, if that was said.
    reason: Option<Cow<'static, str>>,
}

impl Cancelled {
    /// The cancel of a task that was asked for at this place.
    pub(crate) fn new(
        task: String,
        at: &'static Location<'static>,
        reason: Option<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Cancellation { task, at, reason }))
    }

    /// Where the cancel was asked for.
    #[must_use]
    pub fn at(&self) -> &'static Location<'static> {
        self.0.at
    }

    /// Why it was asked for, if that was said; see
    /// [`JoinHandle::cancel_because`](crate::task::JoinHandle::cancel_because).
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was cancelled at {}", self.0.task, self.0.at)?;
        match &self.0.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cancelled({self})")
    }
}

impl Error for Cancelled {}

/// How a task panicked.
pub struct Panicked(Box<Panic>);

/// What [`Panicked`] knows.
struct Panic {
    /// The task, as texts name it.
    task: String,
    /// What the panic carried.
    payload: Payload,
}

impl Panicked {
    /// The panic of a task.
    pub(crate) fn new(task: String, payload: Payload) -> Self {
        Self(Box::new(Panic { task, payload }))
    }

    /// The text of the panic, if it was one (it is, unless `panic_any` was used).
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        let payload = &*self.0.payload;
        let text = payload.downcast_ref::<&'static str>().copied();
        text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.message().unwrap_or("a value that is no text");
        write!(f, "{} panicked: {message}", self.0.task)
    }
}

impl fmt::Debug for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Panicked({self})")
    }
}

impl Error for Panicked {}
