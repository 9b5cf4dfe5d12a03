//! Tests that do not sleep, and find what order hides.
//!
//! [`Sim`] runs a program as [`run`](crate::run) does, with three differences: time jumps when nobody
//! is ready, or stands still until it is moved, a seed can shuffle the order in which ready tasks come, and
//! a deadlock is a panic that says who waits where. Inside of one, [`advance()`] lets time pass, [`settle()`]
//! waits until all others wait, a [`Sequencer`] forces one interleaving, and [`random()`] draws numbers that
//! the seed repeats. [`twice()`] holds a test to that: same seed, same [`Log`], to the byte. [`explore()`]
//! runs a test under many schedules, finds the one that breaks it, and writes it down for [`Sim::replay`].
//! A [`Network`] in memory takes the place of the machine's, with latency, losses and partitions.
//! [`cancel_storm`] cancels a future wherever it can be. [`fairness()`] finds out whom a
//! [policy](crate::sched) starves.

mod advance;
mod director;
mod explore;
mod fairness;
mod idle;
mod log;
mod network;
mod random;
mod replay;
mod sequencer;
mod settle;
mod sim;
mod storm;
mod twice;

pub use advance::{Advance, advance};
pub use explore::{Explored, Explorer, Found, explore};
pub use fairness::{Starved, fairness};
pub use log::Log;
pub use network::{Host, Link, Network, OnHost};
pub use random::{Number, RandomState, random, random_bool, shuffle};
pub use replay::ReplayError;
pub use sequencer::{Sequencer, Step, StepGuard};
pub use settle::{Settle, settle};
pub use sim::Sim;
pub use storm::{Storm, Strike, cancel_storm, cancel_storm_in};
pub use twice::twice;
