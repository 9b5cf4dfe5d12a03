//! What observers are told, and what is made of it.

mod chrome;
#[cfg(feature = "sync")]
mod hostile;
mod json;
mod observer;
mod programs;
mod recorder;
mod sources;
mod summary;
