//! What tasks and threads share: one object, awaited by the ones and blocked on by the others.
//!
//! ```text
//!   task of any executor: get().await ──┐
//!                                       ├─► lock: items, and who waits, first come, first served
//!   any thread: get_blocking() ─────────┘         (a task's waker, or one that ends a thread's sleep)
//! ```
//!
//! The types of [`sync`](crate::sync) belong to one thread and cost no lock. These are `Send` and
//! `Sync`, so they lie in a `static` or an [`Arc`](std::sync::Arc), and promise the same: first come,
//! first served, whoever comes, task or thread; what is granted to a wait that is dropped goes to the
//! next, or back to the head. (curio's universal queue, event and result.)
//!
//! A thread that blocks has one more way to wait, with `_timeout`; a task has
//! [`time::timeout`](crate::time::timeout). What blocks panics on a thread that runs an executor.
//!
//! ```
//! use bibelot::sync::universal::Queue;
//!
//! static LINES: Queue<String> = Queue::new();
//!
//! let thread = std::thread::spawn(|| {
//!     for line in ["first", "last"] {
//!         LINES.put_blocking(line.to_owned()).unwrap();
//!     }
//!     LINES.close();
//! });
//! bibelot::run(async {
//!     while let Ok(line) = LINES.get().await {
//!         println!("{line}");
//!     }
//! });
//! thread.join().unwrap();
//! ```
//!
//! A task that waits here waits for what another thread may do. So neither does a simulation's clock
//! jump meanwhile, nor is it ever taken for a deadlock.
//!
//! A lock is held for a few instructions, and no waker is cloned, woken or dropped under it. Read
//! next: `counted.rs`, `sync/universal/event.rs`, `sync/universal/store.rs`, `block.rs`;
//! `sync/universal/models.rs` tries every interleaving.

mod event;
#[cfg(all(test, loom))]
mod models;
mod outcome;
mod queue;
mod store;
mod tally;
mod transit;
mod wait;

pub use event::Event;
pub use outcome::Outcome;
pub use queue::Queue;

pub use crate::sync::queue::{Closed, TryGetError, TryPutError};
