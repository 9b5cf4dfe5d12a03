//! `std::thread`, for one thread.
//!
//! Programs that read like threaded code (`spawn`, `join`, `sleep`, `accept`) and differ from it by
//! `async` and `.await`, run by a small executor on one thread. Tasks need not be `Send`, what they share
//! is not locked, no task is lost, and nothing fails silently.
//!
//! ```no_run
//! use bibelot::net::{TcpListener, TcpStream};
//! use std::io;
//!
//! async fn echo(client: TcpStream) -> io::Result<()> {
//!     let mut buf = [0; 4096];
//!     loop {
//!         let n = client.read(&mut buf).await?;
//!         if n == 0 {
//!             return Ok(());
//!         }
//!         client.write_all(&buf[..n]).await?;
//!     }
//! }
//!
//! fn main() -> io::Result<()> {
//!     bibelot::run(async {
//!         let listener = TcpListener::bind("127.0.0.1:25000").await?;
//!         loop {
//!             let (client, _from) = listener.accept().await?;
//!             bibelot::spawn(echo(client));
//!         }
//!     })
//! }
//! ```
//!
//! # Where to begin
//!
//! [`run`] and [`spawn`]; then [`task`] for what a task can do, [`sync`] for what tasks share, [`net`]
//! and [`io`] for the world outside, [`fs`] and [`process`] for the machine, [`time`] for waiting,
//! [`worker`] for real threads. [`Executor`] is for those who want to keep it, ask it how it does, or
//! drive it from a loop of their own. [`testing`] makes time jump, simulates a network and tries every
//! order; [`sched`] says who comes first; and [`trace`] shows what has happened.
//!
//! The modules `fs`, `process`, `signal`, `sync`, `testing`, `trace` and `worker` are features of these
//! names, on by default.
//!
//! # How it works
//!
//! A waker is a number that names a task. A wake puts the number into the ready queue; a turn polls
//! what is ready, each task once; when nothing is, the thread sleeps in the reactor until the next
//! deadline, event or wake from another thread. `executor.rs` has the picture and the laws, and the
//! README the order in which to read the source.
//!
//! # Words
//!
//! A *task* is a future with a place in an executor. It is *polled* until it *waits*, and *woken*
//! when it need not wait any longer: then it is *ready*, until its *turn* comes. The executor has
//! turns as well: in one of those, each task that is ready has its own. A *waker* is the *token* that
//! names a task. The *inbox* is where wakes of other threads arrive, and its *bell* ends the sleep of
//! the executor. A *leaf future* is one that registers a waker somewhere: with a *source* of the
//! *reactor*, a *deadline* of the timers, a queue, another task's end; all other futures are made of
//! these. A task is *cancelled*, a handle *detached*; a task *waits*, a thread *blocks*.

// The floors of the house: what is above uses what is below, never the other way round
// (`tests/tidy.rs` looks). This is also an order in which to read.

// 0: words and numbers.
mod clock;
mod counter;
mod error;
mod place;
mod primitive;
mod report;
mod rng;
mod sys;

// 1: who is ready, who is awaited, how a wake comes in, and what is around a poll.
#[cfg(feature = "sync")]
mod counted;
mod frame;
mod inbox;
mod locals;
mod maybe_done;
mod observer;
mod ready;
mod registry;
pub mod sched;
mod scheduler;
#[cfg(feature = "sync")]
mod sleeper;
mod timers;
mod wait_queue;
mod waker;

// 2: one task; one descriptor.
mod reactor;
pub mod task;

// 3: the loop.
mod executor;

// 4: waiting, and ending what waits.
#[cfg(feature = "sync")]
mod block;
mod cancel_scope;
mod cancelled;
mod canceller;
mod consume;
mod epilogue;
mod group;
mod group_error;
mod local;
mod race;
mod reply;
mod scope;
pub mod thread;
pub mod time;

// 5: among tasks, and with threads.
#[cfg(feature = "sync")]
pub mod sync;
#[cfg(feature = "worker")]
pub mod worker;

// 6: the world outside.
#[cfg(feature = "fs")]
pub mod fs;
pub mod io;
pub mod net;
#[cfg(feature = "process")]
pub mod process;
#[cfg(feature = "signal")]
pub mod signal;

// 7: to look at it, and for tests.
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "trace")]
pub mod trace;

pub use executor::builder::ExecutorBuilder;
pub use executor::face::{Executor, run};
pub use executor::host::{ExecutorEnded, Remote};
pub use executor::stats::Stats;
pub use report::{Abandoned, Report, SlowPoll};
pub use task::spawn;

/// The README's program compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
