//! How tasks begin, and how a task learns who it is.

use std::panic::Location;

use crate::clock::Instant;
use crate::executor::{Place, context};
use crate::sched::Rank;
use crate::task::{JoinHandle, Task, extras};
use crate::waker;

/// Starts a task in the executor that runs on this thread; [`std::thread::spawn`] for futures.
///
/// The task is polled for the first time when the caller gives way; it goes on when the handle is
/// dropped. The future needs not be `Send`: it never leaves this thread. One allocation.
///
/// # Panics
///
/// Panics if no executor is running on this thread; call it inside [`run`](crate::run), or use
/// [`Executor::spawn`](crate::Executor::spawn).
///
/// # Examples
///
/// ```
/// bibelot::run(async {
///     let shared = std::rc::Rc::new(42);
///     let handle = bibelot::spawn({
///         let shared = shared.clone();
///         async move { *shared }
///     });
///     assert_eq!(handle.await.unwrap(), 42);
/// });
/// ```
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
{
    spawn_at(future, Location::caller())
}

/// Gives a task a name before it starts, as [`std::thread::Builder`] does to a thread, and what
/// [policies](crate::sched) go by.
///
/// # Examples
///
/// ```
/// bibelot::run(async {
///     let handle = bibelot::task::Builder::new()
///         .name("fetch")
///         .spawn(async { bibelot::task::current().name() == Some("fetch") });
///     assert!(handle.await.unwrap());
/// });
/// ```
#[derive(Debug, Default)]
#[must_use = "no task is started until spawn() is called"]
pub struct Builder {
    /// The name.
    name: Option<String>,
    /// What policies go by, if anything was said.
    rank: Option<Rank>,
}

impl Builder {
    /// A builder for a task without a name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the task, for reports and for whoever looks at it.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the task's priority, higher ones first; 0 if it is not called. Executors heed it whose
    /// [policy](crate::sched) does: [`sched::Priority`](crate::sched::Priority).
    pub fn priority(mut self, priority: i32) -> Self {
        self.rank_mut().priority = priority;
        self
    }

    /// Sets by when the task wants to be polled. Nothing happens when that is over; it says who comes
    /// first, under [`sched::EarliestDeadline`](crate::sched::EarliestDeadline).
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.rank_mut().deadline = Some(deadline);
        self
    }

    /// Sets the task's share of the time: a task of weight 2 is to have twice the time of one of weight 1,
    /// which is that of all tasks of which nothing is said. [`sched::FairShare`](crate::sched::FairShare)
    /// heeds it.
    ///
    /// # Panics
    ///
    /// Panics if it is zero: the task would never be polled.
    #[track_caller]
    pub fn weight(mut self, weight: u32) -> Self {
        assert!(weight > 0, "a task without weight would never be polled");
        self.rank_mut().weight = weight;
        self
    }

    /// The name, if one was given, for who starts the task without a cell.
    pub(crate) fn into_name(self) -> Option<String> {
        self.name
    }

    /// What policies go by.
    fn rank_mut(&mut self) -> &mut Rank {
        self.rank.get_or_insert(Rank::USUAL)
    }

    /// Gives a task that has not begun its name and what policies go by.
    pub(crate) fn fit_out<T>(self, handle: &JoinHandle<T>) {
        if let Some(name) = self.name {
            handle.set_name(name);
        }
        if let Some(rank) = self.rank {
            handle.set_rank(rank);
        }
    }

    /// Starts the task; see [`spawn`].
    ///
    /// # Panics
    ///
    /// Panics if no executor is running on this thread.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
    {
        let handle = spawn_at(future, Location::caller());
        self.fit_out(&handle);
        handle
    }
}

/// The task that is running, as [`std::thread::current`] is the thread. In a destructor that runs
/// because a task is cancelled or has ended, it is that task.
///
/// # Panics
///
/// Panics outside of a task; [`try_current`] does not.
#[track_caller]
#[must_use]
pub fn current() -> Task {
    try_current().expect("no task is running on this thread; call this inside bibelot::run()")
}

/// The task that is running, or `None` outside of a task.
///
/// # Examples
///
/// ```
/// assert!(bibelot::task::try_current().is_none());
/// bibelot::run(async { assert_eq!(bibelot::task::current().name(), Some("main")) });
/// ```
#[must_use]
pub fn try_current() -> Option<Task> {
    waker::with_current(|scheduler| {
        let current = scheduler.current()?;
        scheduler.note_extras();
        Some(extras::task_at(current))
    })?
}

/// Starts a task in the executor that runs on this thread.
#[track_caller]
pub(crate) fn spawn_at<F>(future: F, at: Place) -> JoinHandle<F::Output>
where
    F: Future + 'static,
{
    let spawned = waker::with_current(|scheduler| scheduler.spawn(future, at));
    let Some((_, task)) = spawned else {
        panic!("{}", context::NO_EXECUTOR);
    };
    JoinHandle::new(task)
}
