//! Child processes: `std::process`, where what blocks there waits here.
//!
//! ```text
//!   Command ── spawn ──► Child ─┬─ stdin, stdout, stderr   pipes, read and written by tasks
//!                               └─ wait                    the end, as a descriptor (process/end.rs)
//!                          │ dropped
//!                          ├─ has ended ────────► reaped there and then
//!                          ├─ kill_on_drop ─────► the ledger: SIGTERM, a grace, SIGKILL, reaped
//!                          └─ else it lives on ─► the reaper's thread, until it ends
//! ```
//!
//! The laws. (1) *No zombie*: whatever becomes of a [`Child`] and of the executor, the process is
//! reaped when it ends. (2) *No stranger is hit*: a process that was reaped is never signalled, as its
//! number may be another's by then. (3) *No deadlock on full pipes*: what captures output reads both
//! pipes side by side, and writes beside that. (4) *Nothing runs on unseen*: [`Command::output`] and
//! [`Command::status`] own their child. Cancelled, they end it, and whoever cancelled them (a timeout,
//! a race, a scope, who joins the task) goes on when it is gone. A [`Child`] is a handle, as in std:
//! dropped, it lets the process live on, unless [`Command::kill_on_drop`] was called.
//!
//! ```
//! use bibelot::process::Command;
//!
//! # bibelot::run(async {
//! let output = Command::new("echo").arg("hello").output().await?;
//! assert_eq!(output.stdout, b"hello\n");
//! # Ok::<(), std::io::Error>(())
//! # }).unwrap();
//! ```
//!
//! # What blocks all the same
//!
//! [`Command::spawn`] is std's own: it returns when the program has been found and started, which
//! takes a millisecond or less and holds the executor's thread for so long. [`Command::output`] and
//! [`Command::status`] begin with the same. Who cannot have that has another thread spawn it, and
//! takes the child in ([`Child::from_std`]).
//!
//! [`exit`] and [`abort`] end this process at once, with all its tasks: nothing that they owe is done.
//! To end in order return from `main`, which may return an [`ExitCode`] that
//! [`run`](crate::run) has given.
//!
//! # How the end is seen
//!
//! On Linux by a `pidfd`, a descriptor of the process that becomes readable when it ends; else by a
//! thread that waits, and a pipe. Why not `SIGCHLD`: it is one for all children, those of other
//! libraries too, and merges. A program that ignores `SIGCHLD`, or that reaps all children itself,
//! takes the exit status away from here, as from std: then [`Child::wait`] is an error.
//!
//! Read next: `process/child.rs`, `process/running.rs` (who reaps), `process/end.rs`,
//! `process/reaper.rs`.

mod child;
mod command;
mod end;
mod pipes;
mod reaper;
mod running;

pub use std::process::{
    CommandArgs, CommandEnvs, ExitCode, ExitStatus, Output, Stdio, Termination, abort, exit, id,
};

pub use child::Child;
pub use command::Command;
pub use pipes::{ChildStderr, ChildStdin, ChildStdout};
