//! The port rule, kept to: the examples of std's own pages, ported by it, do what the originals do.
//!
//! `std::` → `bibelot::`, `fn` → `async fn`, `.await` where it waits, `||` → an async block, `for x in
//! incoming()` → `while let`. Each test is named after its page and its example. It has the original
//! and the port, one above the other, and compares what they come to; where the original sleeps, only
//! what it comes to. What the rule does not say is said at its place, and in the README:
//!
//! - there is no poisoning, and so no `unwrap` after `lock()`, and no example of it;
//! - what tasks share is in an `Rc` or an `Arc`, and not in a `static`;
//! - a task has no stack: no `stack_size`;
//! - a scope's child is a part of the task around it: no `ScopedJoinHandle::thread`;
//! - addresses are looked up by `lookup_host`, which waits, and not by `to_socket_addrs`;
//! - sockets have no `set_read_timeout`: `time::timeout` limits any wait;
//! - nor `set_nonblocking`, as no call of theirs blocks the thread;
//! - what std's `join` returns is the error's `into_panic()`;
//! - an entry of a folder is awaited, so `read_dir` gives no iterator: `while let Some(entry)`;
//! - `write!` into what waits is a `format!` that is then written;
//! - a `thread_local!` is the thread's, which is one: what is to be each task's own is a `task::Local`.
//!
//! The examples of `std::process` are in `tests/process/std_examples.rs`, where each can look whether
//! it has left a child behind.
#![cfg(feature = "worker")]
#![expect(
    clippy::arc_with_non_send_sync,
    reason = "the ported keep std's `Arc`, though an `Rc` would do for tasks of one thread"
)]
#![expect(
    clippy::too_many_lines,
    reason = "each test has an example of std's twice"
)]

#[cfg(feature = "fs")]
mod fs;
mod locks;
mod mpsc;
mod net;
mod scope;
mod sync;
mod thread;
mod unix;

use std::fmt::Debug;

use bibelot::testing::Sim;

/// Runs both, which come to the same.
#[track_caller]
fn same<T: PartialEq + Debug>(original: impl FnOnce() -> T, ported: impl AsyncFnOnce() -> T) {
    gives(original(), ported);
}

/// Runs the port of an example that comes to this.
#[track_caller]
fn gives<T: PartialEq + Debug>(expected: T, ported: impl AsyncFnOnce() -> T) {
    assert_eq!(Sim::new().run(ported()), expected);
}
