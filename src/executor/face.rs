//! [`run`] and [`Executor`]: what users see.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::executor::builder::ExecutorBuilder;
use crate::executor::stats::Stats;
use crate::executor::{Core, Place, context};
use crate::report::discard;
use crate::task::JoinHandle;
use crate::waker;

/// Runs a future on this thread to its end, and every task that it has spawned, and returns the
/// future's value.
///
/// The future may borrow from the caller and needs to be neither `Send` nor `'static`. No task
/// outlives the call: it returns when the last one has ended, as a `main` would that joins all its
/// threads. (curio's `run`, with trio's promise.)
///
/// # Panics
///
/// Panics if an executor is running on this thread already, or if the system gives no poll instance
/// ([`Executor::new`] returns that as an error). A panic of `main` is raised again here, when all
/// other tasks have been dropped.
///
/// # Examples
///
/// ```
/// let mut greeting = String::from("hello");
/// let length = bibelot::run(async {
///     greeting.push_str(", world");
///     greeting.len()
/// });
/// assert_eq!((length, greeting.as_str()), (12, "hello, world"));
/// ```
#[track_caller]
pub fn run<F: Future>(main: F) -> F::Output {
    run_to_end(Executor::builder(), main)
}

/// [`run`], by an executor that is not like all others.
#[track_caller]
pub(crate) fn run_to_end<F: Future>(builder: ExecutorBuilder, main: F) -> F::Output {
    let executor = match builder.build() {
        Ok(executor) => executor,
        Err(error) => panic!("making an executor: {error}; Executor::new() returns this instead"),
    };
    executor.run_all(main)
}

/// Drops a future that has panicked; what its destructor panics with is not told any more.
fn discard_future<F>(mut future: Pin<&mut Option<F>>) {
    let dropped = catch_unwind(AssertUnwindSafe(|| future.set(None)));
    if let Err(payload) = dropped {
        discard(payload);
    }
}

/// An executor: tasks of one thread, and the loop that polls them.
///
/// [`run`] makes one for the time of a call. Made by hand it can be told more
/// ([`builder`](Self::builder)), run again and again with tasks that stay parked in between, and
/// driven by a loop that is not its own (see [`turn`](Self::turn)).
///
/// Dropping it is a [`shutdown`](Self::shutdown). It stays on its thread; [`remote`](Self::remote)
/// gives other threads a way in.
///
/// When no task is ready and no descriptor is awaited, it may sleep in [`std::thread::park`]. Whoever
/// uses that on the same thread shares its one token: a sleep of the executor may take an `unpark`
/// that was meant for the program's own `park`, and leave one that lets that return for no reason. So
/// look at what is waited for before each `park`, and again after it, as std asks for.
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let executor = bibelot::Executor::new()?;
/// let handle = executor.spawn(async { 6 * 7 });
/// assert_eq!(executor.run(handle).unwrap(), 42);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Executor {
    /// All of it.
    pub(super) core: Rc<Core>,
}

impl Executor {
    /// Makes an executor like most.
    ///
    /// # Errors
    ///
    /// Returns an error if the system gives no poll instance, for want of descriptors say.
    pub fn new() -> io::Result<Self> {
        Self::builder().build()
    }

    /// Returns a builder for an executor that is not like all others.
    pub fn builder() -> ExecutorBuilder {
        ExecutorBuilder::default()
    }

    /// The executor that was built.
    pub(super) fn new_from(core: Rc<Core>) -> Self {
        Self { core }
    }

    /// Runs a future to its end and returns its value. Tasks that have not ended then stay parked,
    /// and go on in the next run.
    ///
    /// # Panics
    ///
    /// Panics if an executor is running on this thread already, or after a shutdown. A panic of
    /// `main` is raised again here; the other tasks stay.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let executor = bibelot::Executor::new()?;
    /// let handle = executor.run(async { bibelot::spawn(async { "still here" }) });
    /// assert_eq!(executor.run(handle).unwrap(), "still here");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn run<F: Future>(&self, main: F) -> F::Output {
        /// Leaves the executor to a host, also when the run unwinds.
        struct Leave<'a>(&'a Core);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.leave_to_host();
            }
        }
        self.assert_may_turn();
        let _leave = Leave(&self.core);
        self.run_main(Location::caller(), main)
    }

    /// Runs a future and every task to the end, and returns the future's value.
    #[track_caller]
    pub(crate) fn run_all<F: Future>(&self, main: F) -> F::Output {
        self.run_all_at(Location::caller(), main)
    }

    /// [`run_all`](Self::run_all), asked for at this place.
    #[track_caller]
    pub(crate) fn run_all_at<F: Future>(&self, at: Place, main: F) -> F::Output {
        let value = self.run_main(at, main);
        context::enter(&self.core, &mut || self.core.run(&mut None));
        value
    }

    /// [`run`](Self::run), after which the executor still counts as awake.
    #[track_caller]
    fn run_main<F: Future>(&self, at: Place, main: F) -> F::Output {
        self.assert_may_turn();
        self.core.inbox.end_sleep();
        let value = Cell::new(None);
        let mut main = Some(main);
        context::enter(&self.core, &mut || {
            let mut main = pin!(main.take());
            let mut poll = |cx: Option<&mut Context<'_>>| {
                let polled = catch_unwind(AssertUnwindSafe(|| {
                    if let (Some(main), Some(cx)) = (main.as_mut().as_pin_mut(), cx) {
                        let output = ready!(main.poll(cx));
                        value.set(Some(Ok(output)));
                    }
                    main.set(None);
                    Poll::Ready(())
                }));
                polled.unwrap_or_else(|payload| {
                    discard(value.replace(Some(Err(payload))));
                    discard_future(main.as_mut());
                    Poll::Ready(())
                })
            };
            self.core.run_main(&mut poll, at);
        });
        match value.take() {
            Some(Ok(value)) => value,
            Some(Err(payload)) => resume_unwind(payload),
            None => unreachable!("run_main returns when the main future has ended"),
        }
    }

    /// Starts a task; it is polled when the executor runs or is given a turn. See
    /// [`spawn`](crate::spawn), which is the same from inside.
    ///
    /// # Panics
    ///
    /// Panics after a shutdown.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
    {
        self.assert_not_shut_down();
        let (_, handle) = self.core.scheduler.spawn(future, Location::caller());
        self.core.inbox.ring_if_asleep();
        JoinHandle::new(handle)
    }

    /// Returns what the executor has done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.core.stats()
    }

    /// Ends the executor: all tasks are dropped, newest first, each as the current task, and their
    /// joiners see them cancelled. Then what they owe ([`task::finally`](crate::task::finally)) is done,
    /// side by side, and the call returns; for all of it together there is one grace
    /// ([`ExecutorBuilder::grace`](crate::ExecutorBuilder::grace)). What is spawned meanwhile goes on as
    /// long as somebody holds its handle, and ends cancelled otherwise, unpolled. A cleanup that was begun
    /// before is left the tasks that it has spawned, on the same terms. Wakers that are left somewhere do
    /// nothing from then on. A second shutdown does nothing.
    ///
    /// # Panics
    ///
    /// Panics if it is called from one of the executor's own tasks, which could not be dropped.
    #[track_caller]
    pub fn shutdown(&self) {
        assert!(
            !self.is_running(),
            "an executor cannot be shut down by one of its own tasks; return from run() first"
        );
        if !self.core.is_shut_down.get() {
            self.core.shut_down(Location::caller());
        }
    }

    /// Whether this executor runs, further down the stack.
    fn is_running(&self) -> bool {
        self.core.is_entered.get()
    }

    /// # Panics
    ///
    /// Panics if a turn cannot be taken now.
    #[track_caller]
    pub(super) fn assert_may_turn(&self) {
        assert!(
            waker::with_current(|_| ()).is_none(),
            "an executor is already running on this thread; await the future or spawn it instead"
        );
        self.assert_not_shut_down();
    }

    /// # Panics
    ///
    /// Panics after a shutdown.
    #[track_caller]
    fn assert_not_shut_down(&self) {
        assert!(
            !self.core.is_shut_down.get(),
            "this executor has been shut down; make a new one"
        );
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        debug_assert!(!self.is_running(), "run and turn borrow the executor");
        if !self.core.is_shut_down.get() {
            self.core.shut_down(Location::caller());
        }
        self.core.strike_off();
    }
}
