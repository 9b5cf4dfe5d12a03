//! What tasks of one thread share and wait for: `std::sync`, where what blocks there waits here.
//!
//! ```text
//!   RwLock ─► Semaphore, Mutex ──────────► Permits ─┐
//!   Queue, PriorityQueue, mpsc ─► Stock ─► Permits ─┤
//!   CapacityLimiter, watch, broadcast, Event, ──────┼─► Line: who waits, first come, first served
//!   Condvar, Barrier, OnceLock                      │
//!   oneshot: one waker; who waits for its end ──────┘
//! ```
//!
//! One task may change what another waits for, and it can do so only between two awaits: so nothing
//! here is locked, and a value that no await separates from its use needs no [`Mutex`] but a `Cell`
//! or `RefCell`. None of this needs an executor to be made, only tasks to wait; all of it is shared by
//! reference or by [`Rc`](std::rc::Rc), and stays on its thread.
//!
//! ```
//! use std::rc::Rc;
//!
//! use bibelot::sync::Queue;
//!
//! # bibelot::run(async {
//! let queue = Rc::new(Queue::bounded(2));
//! let consumer = bibelot::spawn({
//!     let queue = Rc::clone(&queue);
//!     async move {
//!         let mut sum = 0;
//!         while let Ok(item) = queue.get().await {
//!             sum += item;
//!         }
//!         sum
//!     }
//! });
//! for item in 1..=10 {
//!     queue.put(item).await.unwrap();
//! }
//! queue.close();
//! assert_eq!(consumer.await.unwrap(), 55);
//! # });
//! ```
//!
//! # What all of them promise
//!
//! - First come, first served, and handed over: what is given back goes to who waits for it, at once,
//!   and is never free in between. So nobody barges, and nobody starves.
//! - What is there is taken without a switch to another task, an allocation or a lock. A loop that
//!   never has to wait gives way now and then, as every loop of waits does.
//! - What gives (`set`, `put` that finds room, a guard that is dropped) never switches either: who
//!   was waiting is ready, and has its turn when its turn comes.
//! - Nothing granted is lost. A wait that is dropped after it was granted, and before it was polled
//!   again, gives what it has to the next in line.
//!
//! That cuts both ways: a future that was granted has what it waited for, whether it is polled or
//! not. One that is kept without being polled (beside another that is awaited, say) keeps it from the
//! others; one that is given to [`mem::forget`](std::mem::forget) keeps it for ever, as a forgotten
//! guard does.
//!
//! # Which of them
//!
//! - One at a time uses a value: [`Mutex`]; many look at it: [`RwLock`]; it is made once: [`OnceLock`].
//! - So many at once do something: [`Semaphore`]; and it is to be known who: [`CapacityLimiter`].
//! - Something has happened: [`Event`]; what a mutex guards has changed: [`Condvar`]; all are there:
//!   [`Barrier`].
//! - Items go from some to others: [`mpsc`], whose handles end it, or [`Queue`], which one closes and can
//!   wait for to be worked off; the most urgent first: [`PriorityQueue`].
//! - One value, once: [`oneshot`]; the newest of many: [`watch`]; every value to everybody:
//!   [`broadcast`].
//!
//! All tell how they stand by `statistics()`.
//!
//! What tasks share with threads is in [`universal`].
//!
//! Nothing is poisoned: what a task panics or is cancelled over is unlocked, for the others to judge.
//! Types of `std::sync` that wait for no other task are here under their names: what a [`LazyLock`] or
//! a [`Once`] makes is made in one go. Read next: `wait_queue.rs`, then
//! `sync/line.rs`.

mod handles;
mod line;
mod permits;
mod statistics;
mod stock;

mod barrier;
pub mod broadcast;
mod capacity_limiter;
mod condvar;
mod event;
pub mod mpsc;
mod mutex;
mod once_lock;
pub mod oneshot;
mod priority_queue;
mod queue;
mod rwlock;
mod semaphore;
pub mod universal;
pub mod watch;

pub use std::sync::{Arc, LazyLock, Once, OnceState, Weak, atomic};

pub use barrier::{Barrier, BarrierWaitResult};
#[cfg(feature = "worker")]
pub(crate) use capacity_limiter::WaitForToken;
pub use capacity_limiter::{Borrower, CapacityLimiter, Token};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use event::Event;
pub use mutex::{Mutex, MutexGuard, TryLockError};
pub use once_lock::OnceLock;
pub use priority_queue::PriorityQueue;
pub use queue::{Closed, Queue, TryGetError, TryPutError};
pub use rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use semaphore::{Permit, Semaphore, TryAcquireError};
pub use statistics::{
    BarrierStatistics, CapacityLimiterStatistics, ChannelStatistics, MutexStatistics,
    QueueStatistics, RwLockStatistics, SemaphoreStatistics, WaitStatistics,
};
