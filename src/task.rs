//! Tasks: concurrent activities of one thread; `std::thread` for futures.
//!
//! ```text
//!   spawn ──► ready ──► polled ──┬─► parked ── wake ──► ready …
//!                                ├─► ended: the handle has its value
//!                                └─► panicked: the handle has the error
//!   cancel() ──► ready ──► dropped, in its own turn ──► cancelled
//! ```
//!
//! A task is a future with a place in an executor: it advances whether or not anybody waits for it.
//! Dropping its [`JoinHandle`] lets it go on, as with a thread. What Rust cannot do to a thread can
//! be done to a task: [`JoinHandle::cancel`] drops its future where it waits, and its destructors
//! run.
//!
//! Read next: `task/cell.rs` (how a task lies in memory), `task/join.rs` (the handle),
//! `executor.rs` (who polls).

pub(crate) mod cell;
pub(crate) mod extras;
pub(crate) mod handle;
pub(crate) mod header;
pub(crate) mod id;
pub(crate) mod join;
pub(crate) mod pool;
pub(crate) mod waits;
pub(crate) mod yields;

pub use crate::cancel_scope::{CancelScope, Run};
pub use crate::cancelled::cancelled;
pub use crate::consume::consume;
pub use crate::epilogue::{Finally, Shield, bracket, finally, shield};
pub use crate::error::{Cancelled, JoinError, Panicked};
pub use crate::executor::spawn::{Builder, current, spawn, try_current};
pub use crate::group::{GroupEnded, JoinMember, Member, Ready, Spawner, StartError, TaskGroup};
pub use crate::group_error::{Failure, FailureKind, GroupError};
pub use crate::local::{Local, Scoped};
pub use crate::race::{Join, Race, join, race};
pub use crate::scope::handle::ScopedJoinHandle;
pub use crate::scope::named::AnyScope;
pub use crate::scope::try_scope::{Outcome, TryScope, try_scope};
pub use crate::scope::{Scope, scope};
pub use handle::Task;
pub use id::TaskId;
pub use join::JoinHandle;
pub use yields::{YieldNow, yield_now};
