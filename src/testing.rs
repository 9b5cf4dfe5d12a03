//! Tests that do not sleep, and find what order hides.
//!
//! [`Sim`] runs a program as [`run`](crate::run) does, with three differences: time jumps when nobody
//! is ready, a seed can shuffle the order in which ready tasks come, and a deadlock is a panic that
//! says who waits where. [`cancel_storm`] cancels a future wherever it can be. [`fairness()`] finds out
//! whom a [policy](crate::sched) starves. A [`Network`] in memory takes the place of the machine's, with
//! latency, losses and partitions.

mod fairness;
mod network;
mod sim;
mod storm;

pub use fairness::{Starved, fairness};
pub use network::{Host, Link, Network, OnHost};
pub use sim::Sim;
pub use storm::{Storm, Strike, cancel_storm, cancel_storm_in};
