//! What observers are told, and what is made of it.

#[path = "../support/mod.rs"]
mod support;

mod chrome;
#[cfg(feature = "sync")]
mod hostile;
mod json;
mod observer;
mod programs;
mod recorder;
mod sources;
mod summary;
