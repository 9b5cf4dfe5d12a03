//! `std::thread`'s names, so that a program ports by `std::` → `bibelot::`.
//!
//! A thread is a task here, and everything that waits is awaited.

use std::future::poll_fn;
use std::task::Poll;

pub use std::thread::available_parallelism;

pub use crate::task::{
    Builder, JoinError, JoinHandle, Task as Thread, TaskId as ThreadId, current, spawn, yield_now,
};
pub use crate::time::{sleep, sleep_until};

use crate::executor::context;
use crate::place;
use crate::task::waits::Waits;

/// What [`JoinHandle::join`] returns, as [`std::thread::Result`].
pub type Result<T> = std::result::Result<T, JoinError>;

/// Waits until [`Task::unpark`](crate::task::Task::unpark) is called for this task, or returns at
/// once if it was called since the last time; [`std::thread::park`], which may also return for no
/// reason, while this does not.
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
///     parked.task().unpark();
///     parked.join().await.unwrap();
/// });
/// ```
#[track_caller]
pub fn park() -> impl Future<Output = ()> {
    let at = place::here();
    poll_fn(move |_cx| {
        let task = current();
        if task.take_unparked() {
            return Poll::Ready(());
        }
        // Any thread may hold a handle to this task and unpark it.
        context::note(Waits::THREAD, at);
        Poll::Pending
    })
}
