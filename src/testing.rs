//! Tests that do not sleep, and find what order hides.
//!
//! [`Sim`] runs a program as [`run`](crate::run) does, with three differences: time jumps when nobody
//! is ready, a seed can shuffle the order in which ready tasks come, and a deadlock is a panic that
//! says who waits where. [`explore()`] runs a test under many schedules, finds the one that breaks it, and
//! writes it down for [`Sim::replay`]. [`cancel_storm`] cancels a future wherever it can be. [`fairness()`] finds out
//! whom a [policy](crate::sched) starves.

mod director;
mod explore;
mod fairness;
mod replay;
mod sim;
mod storm;

pub use explore::{Explored, Explorer, Found, explore};
pub use fairness::{Starved, fairness};
pub use replay::ReplayError;
pub use sim::Sim;
pub use storm::{Storm, Strike, cancel_storm};
