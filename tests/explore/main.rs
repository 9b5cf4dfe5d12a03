//! Exploring: planted bugs are found, small schedules are told, files replay them, and each strategy keeps
//! what it promises.

#![cfg(feature = "sync")]

#[path = "../support/mod.rs"]
mod support;

mod bugs;
mod network;
mod planted;
mod replay;
mod report;
mod strategies;

use std::fs;
use std::path::PathBuf;

/// A folder of this name that is not there yet.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join("explore")
        .join(name);
    drop(fs::remove_dir_all(&folder));
    folder
}
