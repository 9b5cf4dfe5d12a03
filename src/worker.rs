//! Real threads beside the tasks of one executor: for what blocks, and for what is not async.
//!
//! ```text
//!   task                                     thread of the pool
//!   run_in_thread(f).await ── job ─────────► f() … is_cancelled()?
//!      │ the task waits                       │
//!      │ ◄──── errand: make the future ───────┤ call(|| async { … })
//!      │ runs it, as itself ── value ────────►│ (blocks meanwhile)
//!      ◄────────────── value, or panic ───────┘
//! ```
//!
//! A system call that blocks, a long computation, a library that knows nothing of tasks: each would
//! hold the executor's thread with all its tasks. [`run_in_thread`] has it done by another thread, and
//! the task waits as for anything else. From inside there, [`call`] runs a future as a part of that
//! task and blocks for its value: within its timeouts, its groups and its locals.
//!
//! The laws:
//!
//! 1. Only what is `Send` crosses: closures and values. Futures stay where they are made, on the
//!    executor's thread, so tasks and what they share need not be `Send`.
//! 2. A thread blocks for a task, never a task for a thread.
//! 3. What a job [`call`]s is a part of the task that waits for it, and ends with that.
//! 4. A job that nobody waits for any more ends all the same, and has its token until then.
//!
//! # A thread cannot be cancelled
//!
//! It can be asked. When the task that waits for a job is dropped, it goes on at once, and the job
//! runs to its end, for nobody: its value is dropped, its panic reported. Meanwhile
//! [`is_cancelled`] says so inside, and every [`call`] fails. [`spawn_thread`] is for what has a life
//! of its own: it has a handle, like a task's.
//!
//! ```
//! use bibelot::worker;
//!
//! # bibelot::run(async {
//! let sum = worker::run_in_thread(|| (1..=1_000_000_u64).sum::<u64>()).await;
//! assert_eq!(sum, 500_000_500_000);
//! # });
//! ```
//!
//! # How many there are
//!
//! Each job of an executor borrows a token of its [`limiter`], a
//! [`CapacityLimiter`](crate::sync::CapacityLimiter) of 64, and gives it back when it has really ended,
//! whether anybody waits for it or not. There one sees how many jobs there are, and may have more or
//! fewer, at any time. What [`spawn_thread`] starts is not counted.
//!
//! # A thread that no task waits for
//!
//! It has a [`Portal`]: the way into an executor from any thread, with a value that comes back.
//! [`start_portal`] runs an executor in a thread of its own, for a program that is not async and wants
//! to use what is.
//!
//! Read next: `worker/pool.rs` (the threads), `worker/link.rs` (what task and thread share),
//! `worker/job.rs`, `worker/limit.rs`, `worker/portal.rs`.

mod job;
mod limit;
mod link;
#[cfg(all(test, loom))]
mod models;
mod pool;
mod portal;
mod thread;

pub use job::run_in_thread;
#[cfg(feature = "fs")]
pub(crate) use job::{Work, permit, try_in_thread};
pub use limit::limiter;
pub use link::{CallerCancelled, call, is_cancelled};
#[cfg(all(test, feature = "fs", not(loom)))]
pub(crate) use pool::scarce;
pub use portal::{Portal, PortalError, PortalHandle, start_portal};
pub use thread::{Builder, ThreadHandle, spawn_thread};
