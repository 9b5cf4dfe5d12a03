//! What an executor does, to be looked at: while it happens, in figures, and afterwards.
//!
//! ```text
//!                                   ┌─► a closure        does what it likes
//!   executor ── Event, Instant ──►  ├─► Metrics ──────►  Summary: figures of the whole run
//!     (between two polls)           └─► Recorder ─────►  Recording: the last events, in order
//!                                                          ├─► Summary of those
//!                                                          ├─► a page: the run drawn, and played again
//!                                                          └─► Chrome trace, for Perfetto
//! ```
//!
//! An [`Observer`] is told of every [`Event`]: who was spawned, woken by whom, polled, parked on what,
//! ended how; deadlines, descriptors, sleeps and turns. It is set by
//! [`ExecutorBuilder::observer`](crate::ExecutorBuilder::observer), and there may be several. Two are
//! in the box. [`Metrics`] keeps figures: it answers "how well is this scheduled?", also after a
//! billion events. [`Recorder`] keeps the last events: it answers "what happened, and who woke whom?".
//!
//! ```
//! use bibelot::testing::Sim;
//! use bibelot::time::{Duration, sleep};
//! use bibelot::trace::Recorder;
//! use bibelot::{Executor, task};
//!
//! let recorder = Recorder::new(10_000);
//! let builder = Executor::builder().observer(recorder.clone());
//! Sim::from_builder(builder).run(async {
//!     let worker = task::Builder::new().name("worker").spawn(async {
//!         sleep(Duration::from_millis(30)).await;
//!         task::consume(Duration::from_millis(10));
//!     });
//!     worker.await.unwrap();
//! });
//! let recording = recorder.recording();
//! let summary = recording.summary();
//! assert_eq!(summary.utilisation(), 0.25);
//! assert_eq!(summary.turnaround().max(), Some(Duration::from_millis(40)));
//!
//! let mut json = Vec::new();
//! recording.write_chrome(&mut json)?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! `examples/trace.rs` makes a page of a small program: `cargo run --example trace`.
//!
//! Under [`Sim`](crate::testing::Sim) time stands still but for sleeps and
//! [`task::consume`](crate::task::consume), so each figure is exact, and the same on every machine.
//!
//! # What it costs
//!
//! An executor without an observer notes nothing, and has none of this code. With one, an event takes
//! a few dozen nanoseconds, most of which is the reading of the real clock. Memory is bounded: a
//! [`Recorder`] has 32 bytes an event it may keep, beside what is known of the tasks that are alive or
//! are in its events; [`Metrics`] has some tens of kilobytes, and 80 bytes a task that is alive. What
//! happens within one poll is kept until that ends.
//!
//! # Laws
//!
//! - Events come in the order in which they happened, also those of one moment.
//! - One recorder, one executor: tasks have the same numbers in each. A second one that tells it
//!   anything is refused with a panic, which is reported, and goes on without it.
//! - Polls of the children of a scope lie within those of the task that polls their scope. Each has the
//!   time in which it was the innermost, so nothing is counted twice.
//!
//! Read next: `trace/metrics.rs` (what each figure means), `trace/ring.rs` (32 bytes an event),
//! `trace/chrome.rs` (what is drawn), `observer.rs` (how an executor tells).

mod chrome;
mod desk;
mod histogram;
mod metrics;
mod page;
mod polled;
mod recorder;
mod recording;
mod ring;
mod summary;

pub use crate::observer::{Event, Finish, Observer, Wait};
pub use crate::sched::Reason;
pub use crate::task::waits::WaitKind;
pub use histogram::Histogram;
pub use metrics::Metrics;
pub use page::write_page;
pub use recorder::Recorder;
pub use recording::{Recording, TaskInfo};
pub use summary::{Summary, fairness};
