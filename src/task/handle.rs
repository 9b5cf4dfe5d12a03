//! [`Task`]: what can be known of a task, and the way to unpark it; std's `Thread`.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use parking_lot::Mutex;

use crate::task::id::{Current, TaskId};
use crate::waker;

/// A handle to a task, as [`std::thread::Thread`] is one to a thread: it names the task and can
/// unpark it, but neither joins nor cancels it. It may be sent to other threads.
///
/// # Examples
///
/// ```
/// use bibelot::task;
///
/// bibelot::run(async {
///     let handle = task::Builder::new().name("fetch").spawn(async { task::current() });
///     let task = handle.await.unwrap();
///     assert_eq!(task.name(), Some("fetch"));
///     assert!(task.spawned_at().line() > 0);
/// });
/// ```
#[derive(Clone)]
pub struct Task {
    /// Shared by all handles to one task, so that they share the park token.
    inner: Arc<Inner>,
}

/// What the handles share.
struct Inner {
    /// Who the task is.
    who: Current,
    /// The name that the user gave it.
    name: Option<String>,
    /// Whether `unpark` was called since the last `park`.
    unparked: AtomicBool,
    /// Whom `unpark` wakes: the `park` that waits.
    parked: Mutex<Option<Waker>>,
}

impl Task {
    /// The handle to a task.
    pub(crate) fn new(who: Current, name: Option<String>) -> Self {
        let inner = Inner {
            who,
            name,
            unparked: AtomicBool::new(false),
            parked: Mutex::new(None),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The task's number.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.inner.who.id
    }

    /// The name given with [`Builder::name`](crate::task::Builder::name); the main task's is `main`.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.inner.name.as_deref()
    }

    /// The task that spawned it; `None` if it was spawned from outside of a task.
    #[must_use]
    pub fn parent(&self) -> Option<TaskId> {
        self.inner.who.parent
    }

    /// Where the task was spawned.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.inner.who.spawned_at
    }

    /// Lets the task's current or next [`park`](crate::thread::park) return, as
    /// [`Thread::unpark`](std::thread::Thread::unpark) does. Works from any thread, and does nothing
    /// when the task has ended.
    pub fn unpark(&self) {
        // Release: what was done before is seen by the task that returns from `park`.
        self.inner.unparked.store(true, Ordering::Release);
        let parked = self.inner.parked.lock().take();
        match parked {
            Some(parked) => waker::wake_kept(parked),
            // It may be about to park; a poll too many does no harm.
            None => waker::wake(self.inner.who.token),
        }
    }

    /// Sets whom the next unpark wakes; returns whom it would have woken before.
    pub(crate) fn set_parked(&self, parked: Option<Waker>) -> Option<Waker> {
        std::mem::replace(&mut *self.inner.parked.lock(), parked)
    }

    /// Takes the park token, if it is there.
    pub(crate) fn take_unparked(&self) -> bool {
        self.inner.unparked.swap(false, Ordering::Acquire)
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("spawned_at", &format_args!("{}", self.spawned_at()))
            .finish()
    }
}
