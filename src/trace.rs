//! What an executor does, to be looked at.
//!
//! An [`Observer`] is told of every [`Event`]; it is set by
//! [`ExecutorBuilder::observer`](crate::ExecutorBuilder::observer). What it has kept can be
//! [written](write_page) as a page that draws the run, and plays it again step by step.

mod page;

pub use crate::observer::{Event, Finish, Observer, Wait};
pub use crate::sched::Reason;
pub use crate::task::waits::WaitKind;
pub use page::write_page;
