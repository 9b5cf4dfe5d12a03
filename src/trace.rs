//! What an executor does, to be looked at.
//!
//! An [`Observer`] is told of every [`Event`]; it is set by
//! [`ExecutorBuilder::observer`](crate::ExecutorBuilder::observer).

pub use crate::observer::{Event, Finish, Observer, Wait};
pub use crate::sched::Reason;
pub use crate::task::waits::WaitKind;
