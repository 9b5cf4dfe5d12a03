//! [`Queue`]: items on their way between tasks and threads.
//!
//! The counts are those of `sync/queue.rs`, of items and of room, and so is the law: what is granted
//! is the right to an item, and not which. A getter takes the head out when it is polled. So an item
//! that was granted to one who is dropped has never left the head.

use std::collections::VecDeque;
use std::fmt;
use std::task::Waker;
use std::time::Duration;

use crate::block;
use crate::counted::Counted;
use crate::primitive::{Mutex, MutexGuard};
use crate::sync::queue::{Closed, TryGetError, TryPutError};
use crate::sync::statistics::QueueStatistics;
use crate::sync::universal::transit::{Get, Put};
use crate::waker;

/// Items that tasks and threads put and get, first in, first out: [`sync::Queue`](crate::sync::Queue),
/// shared with threads.
///
/// # Examples
///
/// A thread that works for tasks:
///
/// ```
/// use bibelot::sync::universal::Queue;
/// use std::sync::Arc;
///
/// let jobs = Arc::new(Queue::bounded(1));
/// let done = Arc::new(Queue::new());
/// let thread = std::thread::spawn({
///     let (jobs, done) = (Arc::clone(&jobs), Arc::clone(&done));
///     move || {
///         while let Ok(n) = jobs.get_blocking() {
///             done.put_blocking(n * n).unwrap();
///         }
///     }
/// });
/// let sum = bibelot::run(async {
///     let mut sum = 0;
///     for n in 1..=3 {
///         jobs.put(n).await.unwrap();
///         sum += done.get().await.unwrap();
///     }
///     jobs.close();
///     sum
/// });
/// assert_eq!(sum, 14);
/// thread.join().unwrap();
/// ```
pub struct Queue<T> {
    /// What all share.
    state: Mutex<State<T>>,
    /// How many items may lie here, if there is a limit.
    capacity: Option<usize>,
}

/// What is behind the lock.
pub(super) struct State<T> {
    /// What was put and not taken.
    items: VecDeque<T>,
    /// Those items that no getter was granted.
    pub(super) filled: Counted,
    /// The room that no putter was granted.
    pub(super) room: Counted,
    /// Whether no more are to come.
    pub(super) is_closed: bool,
    /// How many items were ever put.
    put: u64,
    /// How many were ever taken.
    taken: u64,
}

impl<T> State<T> {
    /// Takes the head, by the right to an item. Who is to be woken for the room comes back.
    pub(super) fn take_head(&mut self) -> (T, Option<Waker>) {
        let head = self.items.pop_front();
        let head = head.expect("there are as many items as rights to them");
        self.taken += 1;
        (head, self.room.give())
    }

    /// Puts an item at the end, by the right to room. Who is to be woken for the item comes back.
    pub(super) fn land(&mut self, item: T) -> Option<Waker> {
        self.items.push_back(item);
        self.put += 1;
        self.filled.give()
    }
}

/// Wakes who was granted something.
pub(super) fn wake(granted: Option<Waker>) {
    if let Some(waker) = granted {
        waker::wake_kept(waker);
    }
}

impl<T> Queue<T> {
    /// Makes a queue without a limit, into which putting never waits.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_room(None)
    }

    /// Makes a queue that holds up to `capacity` items: putting waits while it is full.
    ///
    /// # Panics
    ///
    /// Panics if `capacity` is zero.
    #[must_use]
    #[track_caller]
    pub const fn bounded(capacity: usize) -> Self {
        assert!(
            capacity > 0,
            "a queue without room could carry nothing; Queue::new() makes one without a limit"
        );
        Self::with_room(Some(capacity))
    }

    /// Makes a queue that holds up to so many.
    const fn with_room(capacity: Option<usize>) -> Self {
        let room = match capacity {
            Some(capacity) => capacity,
            None => usize::MAX,
        };
        Self {
            state: Mutex::new(State {
                items: VecDeque::new(),
                filled: Counted::new(0),
                room: Counted::new(room),
                is_closed: false,
                put: 0,
                taken: 0,
            }),
            capacity,
        }
    }

    /// What is behind the lock.
    pub(super) fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock()
    }

    /// Puts an item at the end; waits while the queue is full.
    ///
    /// # Errors
    ///
    /// Returns the item in a [`Closed`] if the queue is closed, or is closed while this waits.
    ///
    /// # Cancel safety
    ///
    /// The item is dropped with the future, and was not put; the place in line is lost.
    #[track_caller]
    pub fn put(&self, item: T) -> impl Future<Output = Result<(), Closed<T>>> + use<'_, T> {
        Put::new(self, item)
    }

    /// Puts an item at the end; blocks this thread while the queue is full.
    ///
    /// # Errors
    ///
    /// Returns the item in a [`Closed`] if the queue is closed, or is closed while this waits.
    ///
    /// # Panics
    ///
    /// Panics on a thread that runs an executor: use [`put`](Self::put) there.
    #[track_caller]
    pub fn put_blocking(&self, item: T) -> Result<(), Closed<T>> {
        block::assert_may_block();
        let item = match self.try_put(item) {
            Ok(()) => return Ok(()),
            Err(TryPutError::Closed(item)) => return Err(Closed(item)),
            Err(TryPutError::Full(item)) => item,
        };
        let done = block::block_on(Put::new(self, item), None);
        done.expect("without a limit it ends with the future")
    }

    /// [`put_blocking`](Self::put_blocking), but no longer than `limit`.
    ///
    /// # Errors
    ///
    /// Returns the item in the error if there was no room in time, or if the queue is closed.
    ///
    /// # Panics
    ///
    /// Panics on a thread that runs an executor.
    #[track_caller]
    pub fn put_timeout(&self, item: T, limit: Duration) -> Result<(), TryPutError<T>> {
        let mut put = Put::new(self, item);
        match block::block_on(&mut put, Some(limit)) {
            Some(done) => done.map_err(|Closed(item)| TryPutError::Closed(item)),
            None => Err(TryPutError::Full(put.take_item())),
        }
    }

    /// Puts an item at the end if there is room and nobody waits for it.
    ///
    /// # Errors
    ///
    /// Returns the item in the error if there is none, or if the queue is closed.
    pub fn try_put(&self, item: T) -> Result<(), TryPutError<T>> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(TryPutError::Closed(item));
        }
        if !state.room.try_take() {
            return Err(TryPutError::Full(item));
        }
        let granted = state.land(item);
        drop(state);
        wake(granted);
        Ok(())
    }

    /// Takes the item that came first; waits while there is none.
    ///
    /// # Errors
    ///
    /// Returns [`Closed`] if the queue is closed and empty, or every item in it is granted to somebody
    /// who came before.
    ///
    /// # Cancel safety
    ///
    /// The place in line is lost, and nothing else: an item that was granted meanwhile stays at the
    /// head of the queue, for the next.
    #[track_caller]
    pub fn get(&self) -> impl Future<Output = Result<T, Closed>> + use<'_, T> {
        Get::new(self)
    }

    /// Takes the item that came first; blocks this thread while there is none.
    ///
    /// # Errors
    ///
    /// Returns [`Closed`] as [`get`](Self::get) does.
    ///
    /// # Panics
    ///
    /// Panics on a thread that runs an executor: use [`get`](Self::get) there.
    #[track_caller]
    pub fn get_blocking(&self) -> Result<T, Closed> {
        block::assert_may_block();
        match self.try_get() {
            Ok(item) => return Ok(item),
            Err(TryGetError::Closed) => return Err(Closed(())),
            Err(TryGetError::Empty) => {}
        }
        let done = block::block_on(Get::new(self), None);
        done.expect("without a limit it ends with the future")
    }

    /// [`get_blocking`](Self::get_blocking), but no longer than `limit`.
    ///
    /// # Errors
    ///
    /// Returns an error if there was no item in time, which says whether one may still come.
    ///
    /// # Panics
    ///
    /// Panics on a thread that runs an executor.
    #[track_caller]
    pub fn get_timeout(&self, limit: Duration) -> Result<T, TryGetError> {
        match block::block_on(Get::new(self), Some(limit)) {
            Some(done) => done.map_err(|Closed(())| TryGetError::Closed),
            None => Err(TryGetError::Empty),
        }
    }

    /// Takes the item that came first, if there is one and nobody waits for it.
    ///
    /// # Errors
    ///
    /// Returns an error if there is none, which says whether one may still come.
    pub fn try_get(&self) -> Result<T, TryGetError> {
        let mut state = self.lock();
        if state.filled.try_take() {
            let (item, granted) = state.take_head();
            drop(state);
            wake(granted);
            return Ok(item);
        }
        Err(if state.is_closed {
            TryGetError::Closed
        } else {
            TryGetError::Empty
        })
    }

    /// Closes the queue: no more can be put. What lies in it can still be got, and after that getters
    /// get [`Closed`]; putters get it at once, with their items, also those who wait. Twice changes
    /// nothing.
    pub fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let mut wakers = state.filled.wake_all();
        wakers.extend(state.room.wake_all());
        drop(state);
        wakers.into_iter().for_each(waker::wake_kept);
    }

    /// Returns whether the queue was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Returns how many items lie in the queue.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// Returns whether no item lies in the queue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many items may lie in the queue; `None` if there is no limit.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        self.capacity
    }

    /// Returns how things stand, as at one moment.
    #[must_use]
    pub fn statistics(&self) -> QueueStatistics {
        let state = self.lock();
        QueueStatistics {
            len: state.items.len(),
            capacity: self.capacity,
            put: state.put,
            taken: state.taken,
            getters_waiting: state.filled.waiting(),
            putters_waiting: state.room.waiting(),
        }
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Queue")
            .field("len", &state.items.len())
            .field("capacity", &self.capacity)
            .field("is_closed", &state.is_closed)
            .field("getters_waiting", &state.filled.waiting())
            .field("putters_waiting", &state.room.waiting())
            .finish_non_exhaustive()
    }
}
