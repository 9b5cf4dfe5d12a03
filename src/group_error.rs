//! [`GroupError`]: how the members of a group, or the children of a scope, have failed.
//!
//! All failures are kept, each with the name of its task and where that was spawned: the first one
//! says why the others were cancelled, and what they failed with while they ended is not lost either.
//! (Python's `ExceptionGroup`, which trio, anyio and asyncio raise.)

use std::error::Error;
use std::fmt;
use std::io;
use std::panic::Location;

use crate::error::Panicked;
use crate::report;

/// The failures of a group's members, in the order in which they came.
///
/// # Examples
///
/// ```
/// use bibelot::task::TaskGroup;
/// use std::io;
///
/// async fn fetch(page: u32) -> io::Result<String> {
///     match page {
///         0 => Err(io::Error::other("no such page")),
///         _ => Ok(format!("page {page}")),
///     }
/// }
///
/// async fn fetch_all() -> io::Result<Vec<String>> {
///     let group = TaskGroup::new();
///     for page in 0..3 {
///         group.spawn(fetch(page));
///     }
///     Ok(group.join().await?) // a GroupError becomes an io::Error
/// }
///
/// bibelot::run(async {
///     let error = fetch_all().await.unwrap_err();
///     assert!(error.to_string().ends_with("no such page"));
/// });
/// ```
pub struct GroupError<E> {
    /// In the order in which they came; empty if nobody has failed and nobody has a value.
    failures: Vec<Failure<E>>,
}

impl<E> GroupError<E> {
    /// The error of these failures.
    pub(crate) fn new(failures: Vec<Failure<E>>) -> Self {
        Self { failures }
    }

    /// The failures, in the order in which they came. There is none if a group without members, or
    /// one whose members were all cancelled by hand, was asked for its first value.
    #[must_use]
    pub fn failures(&self) -> &[Failure<E>] {
        &self.failures
    }

    /// The failures, in the order in which they came.
    #[must_use]
    pub fn into_failures(self) -> Vec<Failure<E>> {
        self.failures
    }

    /// The failure that came first: the one for which a [`join`](crate::task::TaskGroup::join) and a
    /// [`try_scope`](crate::task::try_scope) cancel the others.
    #[must_use]
    pub fn first(&self) -> Option<&Failure<E>> {
        self.failures.first()
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failures.as_slice() {
            [] => f.write_str("no member of the group has come to a value"),
            [only] => only.fmt(f),
            [first, others @ ..] => {
                write!(f, "{} tasks failed: {first}", self.failures.len())?;
                others.iter().try_for_each(|other| write!(f, "; {other}"))
            }
        }
    }
}

impl<E: fmt::Debug> fmt::Debug for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupError")?;
        f.debug_list().entries(&self.failures).finish()
    }
}

impl<E: fmt::Debug + fmt::Display> Error for GroupError<E> {}

impl From<GroupError<io::Error>> for io::Error {
    /// The kind is that of the first failure; the text tells of all.
    fn from(error: GroupError<io::Error>) -> Self {
        let kind = match error.first().map(Failure::kind) {
            Some(FailureKind::Error(first)) => first.kind(),
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error.to_string())
    }
}

/// How one member has failed.
pub struct Failure<E> {
    /// The member, as texts name it.
    task: String,
    /// Where it was spawned.
    spawned_at: &'static Location<'static>,
    /// What happened.
    kind: FailureKind<E>,
}

/// What happened to a member that failed.
#[derive(Debug)]
pub enum FailureKind<E> {
    /// It came to an error.
    Error(E),
    /// It panicked, in a poll or while it was dropped.
    Panicked(Panicked),
}

impl<E> Failure<E> {
    /// The failure of a task that was spawned at this place.
    pub(crate) fn new(
        task: String,
        spawned_at: &'static Location<'static>,
        kind: FailureKind<E>,
    ) -> Self {
        Self {
            task,
            spawned_at,
            kind,
        }
    }

    /// Reports a panic, where nobody is left to see the failure.
    pub(crate) fn report_if_panic(self) {
        if let FailureKind::Panicked(panicked) = self.kind {
            report::send_panic(panicked);
        }
    }

    /// The member, by its name, or by its number if it has none, and by where it was spawned: the
    /// words with which the text of the failure begins.
    #[must_use]
    pub fn task(&self) -> &str {
        &self.task
    }

    /// Where the member was spawned. That of a scope's body is where the scope is.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::task::{Builder, TaskGroup};
    /// use std::io;
    ///
    /// bibelot::run(async {
    ///     let group = TaskGroup::<(), io::Error>::new();
    ///     let line = line!() + 1;
    ///     Builder::new().name("fetch").spawn_in(&group, async { Err(io::Error::other("no page")) });
    ///     let error = group.join().await.unwrap_err();
    ///
    ///     let failure = error.first().unwrap();
    ///     assert_eq!(failure.spawned_at().line(), line);
    ///     let text = format!("task \"fetch\" (spawned at {}): no page", failure.spawned_at());
    ///     assert_eq!(failure.to_string(), text);
    /// });
    /// ```
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    /// What happened.
    #[must_use]
    pub fn kind(&self) -> &FailureKind<E> {
        &self.kind
    }

    /// What happened.
    #[must_use]
    pub fn into_kind(self) -> FailureKind<E> {
        self.kind
    }

    /// The member's error, unless it panicked.
    #[must_use]
    pub fn as_error(&self) -> Option<&E> {
        match &self.kind {
            FailureKind::Error(error) => Some(error),
            FailureKind::Panicked(_) => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            FailureKind::Error(error) => write!(f, "{}: {error}", self.task),
            FailureKind::Panicked(panicked) => panicked.fmt(f),
        }
    }
}

impl<E: fmt::Debug> fmt::Debug for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            FailureKind::Error(error) => write!(f, "{}: {error:?}", self.task),
            FailureKind::Panicked(panicked) => panicked.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for Failure<E> {}

impl From<Failure<io::Error>> for io::Error {
    /// The kind is that of the member's error; the text names the member.
    fn from(failure: Failure<io::Error>) -> Self {
        let kind = failure
            .as_error()
            .map_or(io::ErrorKind::Other, io::Error::kind);
        Self::new(kind, failure.to_string())
    }
}
