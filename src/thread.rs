//! `std::thread`'s names, so that a program ports by `std::` → `bibelot::`.
//!
//! A thread is a task here, and everything that waits is awaited.

use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

pub use std::thread::{available_parallelism, panicking};

pub use crate::task::{
    JoinError, JoinHandle, Scope, ScopedJoinHandle, Task as Thread, TaskId as ThreadId, current,
    scope, spawn, yield_now,
};
pub use crate::time::{sleep, sleep_until};

use crate::executor::context;
use crate::place::{self, placed};
use crate::task;
use crate::task::waits::Waits;
use crate::time::timeout;
use crate::waker;

/// What [`JoinHandle::join`] returns, as [`std::thread::Result`].
pub type Result<T> = std::result::Result<T, JoinError>;

/// Gives a task a name before it starts, in the shape of [`std::thread::Builder`], whose `spawn` can
/// fail. Starting a task cannot; [`task::Builder`] says so.
///
/// # Examples
///
/// ```
/// use bibelot::thread;
///
/// # bibelot::run(async {
/// let handle = thread::Builder::new()
///     .name("foo".into())
///     .spawn(async { thread::current().name() == Some("foo") })
///     .unwrap();
/// assert!(handle.join().await.unwrap());
/// # });
/// ```
#[derive(Debug, Default)]
#[must_use = "no task is started until spawn() is called"]
pub struct Builder(task::Builder);

impl Builder {
    /// A builder for a task without a name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the task.
    pub fn name(self, name: String) -> Self {
        Self(self.0.name(name))
    }

    /// Starts the task; see [`spawn`].
    ///
    /// # Errors
    ///
    /// None: the type is std's.
    ///
    /// # Panics
    ///
    /// Panics if no executor is running on this thread.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + 'static,
    {
        Ok(self.0.spawn(future))
    }

    /// Starts the task as a child of a scope, whose name is told with its failures; see
    /// [`Scope::spawn`] and [`task::Builder::spawn_scoped`].
    ///
    /// # Errors
    ///
    /// None: the type is std's.
    ///
    /// # Panics
    ///
    /// Panics if no executor is running on this thread.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::thread;
    ///
    /// # bibelot::run(async {
    /// let mut a = vec![1, 2, 3];
    /// let mut x = 0;
    ///
    /// thread::scope(async |s| {
    ///     thread::Builder::new()
    ///         .name("first".to_string())
    ///         .spawn_scoped(s, async {
    ///             println!("hello from the first scoped task, which sees {a:?}");
    ///         })
    ///         .unwrap();
    ///     thread::Builder::new()
    ///         .name("second".to_string())
    ///         .spawn_scoped(s, async {
    ///             println!("hello from the second scoped task");
    ///             x += a[0] + a[2];
    ///         })
    ///         .unwrap();
    ///     println!("hello from the main task");
    /// })
    /// .await;
    ///
    /// a.push(4);
    /// assert_eq!(x, a.len());
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn_scoped<'scope, F>(
        self,
        scope: &'scope Scope<'scope, '_>,
        future: F,
    ) -> io::Result<ScopedJoinHandle<'scope, F::Output>>
    where
        F: Future + 'scope,
    {
        Ok(self.0.spawn_scoped(scope, future))
    }
}

/// Waits until [`Task::unpark`](crate::task::Task::unpark) is called for this task, or returns at
/// once if it was called since the last time; [`std::thread::park`], which may also return for no
/// reason, while this does not.
///
/// A task has one park, as a thread has: of several that wait in it side by side an unpark ends one,
/// and only the one polled last is sure to be woken. Let each wait in a task of its own.
///
/// std's own `park` blocks the thread, with all its tasks, and shares the thread's token with the
/// executor: see [`Executor`](crate::Executor).
///
/// # Panics
///
/// Panics, when polled, outside of a task.
///
/// # Cancel safety
///
/// Nothing is lost: an unpark that was not seen lets the next park return.
///
/// # Examples
///
/// ```
/// use bibelot::thread;
///
/// bibelot::run(async {
///     let parked = thread::spawn(thread::park());
///     parked.thread().unpark();
///     parked.join().await.unwrap();
/// });
/// ```
#[track_caller]
pub fn park() -> impl Future<Output = ()> {
    Park {
        task: None,
        at: place::here(),
    }
}

/// [`park`], but no longer than `duration`; [`std::thread::park_timeout`]. As there, it does not say
/// which of the two it was.
///
/// # Panics
///
/// Panics, when polled, outside of a task.
///
/// # Cancel safety
///
/// Nothing is lost: an unpark that was not seen lets the next park return.
///
/// # Examples
///
/// ```
/// use bibelot::thread;
/// use bibelot::time::{Duration, Instant};
///
/// bibelot::run(async {
///     let start = Instant::now();
///     thread::park_timeout(Duration::from_millis(1)).await;
///     assert!(start.elapsed() >= Duration::from_millis(1));
/// });
/// ```
#[track_caller]
pub fn park_timeout(duration: Duration) -> impl Future<Output = ()> {
    let parked = timeout(duration, park());
    placed(async move {
        let _was_in_time = parked.await;
    })
}

/// The leaf future of [`park`].
struct Park {
    /// The task that waits, once it does.
    task: Option<Thread>,
    /// Where it waits.
    at: &'static Location<'static>,
}

impl Future for Park {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let at = self.at;
        let task = self.task.get_or_insert_with(current);
        drop(task.set_parked(Some(waker::keep(cx.waker()))));
        // Looked at after that: an unpark before it is seen here, one after it wakes.
        if task.take_unparked() {
            return Poll::Ready(());
        }
        // Any thread may hold a handle to this task and unpark it.
        context::note(Waits::THREAD, at);
        Poll::Pending
    }
}

impl Drop for Park {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            drop(task.set_parked(None));
        }
    }
}
