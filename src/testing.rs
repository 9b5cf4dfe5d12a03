//! Tests that do not sleep, and find what order hides.
//!
//! [`Sim`] runs a program as [`run`](crate::run) does, with three differences: time jumps when nobody
//! is ready, a seed can shuffle the order in which ready tasks come, and a deadlock is a panic that
//! says who waits where.

mod sim;

pub use sim::Sim;
