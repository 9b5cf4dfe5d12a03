//! [`spawn_thread`]: a real thread with the face of a task.
//!
//! ```text
//!   ThreadHandle ── join ──► task of its own: runs the errands, waits for the answer
//!        │ cancel                 ▲          │ call(…)
//!        └──► flag, wake ─────────┘          ▼
//!                 └──────────────────► thread: is_cancelled()
//! ```
//!
//! A task stands for the thread: it has the name, the parent, the locals and the place, and ends when
//! the thread has. So whatever waits for tasks waits for threads, `run` above all, and a panic goes the
//! way of every task's.
//!
//! A cancel cannot drop what a thread does. It drops the errand that the thread waits for, lets every
//! later one fail, and says so when the thread asks; the task goes on waiting until the thread ends,
//! and has the value that it ends with. (curio's `spawn_thread`, where a cancel is seen in `AWAIT`.)

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use crate::executor::spawn::spawn_at;
use crate::task::{JoinError, JoinHandle, Task};
use crate::waker;
use crate::worker::job;
use crate::worker::link::Link;

/// Starts a thread of its own that calls `f`, with a task that stands for it.
///
/// Inside, [`worker::call`](crate::worker::call) runs a future as a part of that task, and
/// [`worker::is_cancelled`](crate::worker::is_cancelled) says whether the thread should end. It counts
/// among no limit, and may last; [`run`](crate::run) does not return before it has ended.
///
/// If the executor is shut down, it does not wait for the thread, whose value is lost then.
///
/// # Panics
///
/// Panics if no executor is running on this thread, or if the system gives no thread;
/// [`Builder::spawn`] returns that as an error.
///
/// # Examples
///
/// ```
/// use bibelot::time::{Duration, sleep};
/// use bibelot::worker;
///
/// # bibelot::run(async {
/// let thread = worker::spawn_thread(|| {
///     worker::call(|| sleep(Duration::from_millis(1))).unwrap();
///     "slept as a task does"
/// });
/// assert_eq!(thread.join().await.unwrap(), "slept as a task does");
/// # });
/// ```
#[track_caller]
pub fn spawn_thread<F, T>(f: F) -> ThreadHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    match spawn_thread_at(f, None, Location::caller()) {
        Ok(handle) => handle,
        Err(error) => panic!("starting a thread: {error}"),
    }
}

/// Gives a thread a name before it starts, as [`std::thread::Builder`] does.
///
/// # Examples
///
/// ```
/// use bibelot::worker;
///
/// # bibelot::run(async {
/// let thread = worker::Builder::new()
///     .name("indexer")
///     .spawn(|| std::thread::current().name() == Some("indexer"))
///     .unwrap();
/// assert_eq!(thread.task().name(), Some("indexer"));
/// assert!(thread.join().await.unwrap());
/// # });
/// ```
#[derive(Debug, Default)]
#[must_use = "no thread is started until spawn() is called"]
pub struct Builder {
    /// The name.
    name: Option<String>,
}

impl Builder {
    /// A builder for a thread without a name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the thread, and the task that stands for it. A zero in the name panics in
    /// [`spawn`](Self::spawn), as in std's.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Starts the thread; see [`spawn_thread`].
    ///
    /// # Errors
    ///
    /// Returns an error if the system gives no thread.
    ///
    /// # Panics
    ///
    /// Panics if no executor is running on this thread.
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<ThreadHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        spawn_thread_at(f, self.name, Location::caller())
    }
}

/// Starts a thread, and the task that stands for it.
#[track_caller]
fn spawn_thread_at<F, T>(
    f: F,
    name: Option<String>,
    at: &'static Location<'static>,
) -> io::Result<ThreadHandle<T>>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let link = Link::new();
    let (job, mut work) = job::prepare(f, None, Arc::clone(&link), at);
    let mut builder = thread::Builder::new();
    if let Some(name) = &name {
        builder = builder.name(name.clone());
    }
    drop(builder.spawn(job)?);
    let task = spawn_at(poll_fn(move |cx| work.poll(cx)), at);
    if let Some(name) = name {
        task.set_name(name);
    }
    Ok(ThreadHandle { link, task })
}

/// The right to a thread's value; made by [`spawn_thread`].
///
/// It is a future: `handle.await` waits for the thread to end, and so does [`join`](Self::join).
/// Dropping it lets the thread go on, and its panic is reported.
///
/// # Cancel safety
///
/// As for a [`JoinHandle`]: one that is awaited by `&mut` can be awaited again, and the thread goes on
/// in any case.
pub struct ThreadHandle<T> {
    /// What is shared with the thread.
    link: Arc<Link>,
    /// The task that stands for it.
    task: JoinHandle<T>,
}

impl<T> ThreadHandle<T> {
    /// Waits for the thread to end and returns its value.
    ///
    /// # Errors
    ///
    /// Returns an error if the thread has panicked, or the executor was shut down before it ended.
    pub fn join(self) -> impl Future<Output = Result<T, JoinError>> {
        self
    }

    /// Asks the thread to end, and returns at once.
    ///
    /// A [`worker::call`](crate::worker::call) under way is dropped, that one and every later one
    /// fails, and [`worker::is_cancelled`](crate::worker::is_cancelled) says so. When the thread ends,
    /// which it does by itself, joining it gives the value that it ends with.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::worker::{self, CallerCancelled};
    /// use std::future::pending;
    ///
    /// # bibelot::run(async {
    /// let thread = worker::spawn_thread(|| -> Result<(), CallerCancelled> {
    ///     worker::call(|| pending::<()>())
    /// });
    /// thread.cancel();
    /// assert!(thread.join().await.unwrap().is_err());
    /// # });
    /// ```
    pub fn cancel(&self) {
        if let Some(waker) = self.link.cancel() {
            waker::wake_kept(waker);
        }
    }

    /// Whether the thread has ended, in whatever way, and its task with it.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// Returns the handle that names the task which stands for the thread.
    #[must_use]
    pub fn task(&self) -> Task {
        self.task.task()
    }
}

impl<T> Future for ThreadHandle<T> {
    type Output = Result<T, JoinError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(cx)
    }
}

impl<T> fmt::Debug for ThreadHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadHandle")
            .field("task", &self.task)
            .field("is_cancelled", &self.link.is_cancelled())
            .finish()
    }
}
