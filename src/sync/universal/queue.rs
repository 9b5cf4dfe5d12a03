//! [`Queue`]: items on their way between tasks and threads.
//!
//! What one can do with it is here; where the items lie and what is promised of them is in
//! `sync/universal/store.rs`, which read next.

use std::fmt;
use std::task::Waker;
use std::time::Duration;

use crate::block;
use crate::sync::queue::{Closed, DONE_TOO_OFTEN, TryGetError, TryPutError};
use crate::sync::statistics::QueueStatistics;
use crate::sync::universal::store::Store;
use crate::sync::universal::transit::{Get, Put};
use crate::sync::universal::wait::Wait;
use crate::task::waits::Thing;
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
    /// The items, and who waits.
    pub(super) store: Store<T>,
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
        Self {
            store: Store::new(capacity),
        }
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
        let mut state = self.store.lock();
        if state.is_closed {
            return Err(TryPutError::Closed(item));
        }
        if !state.try_take_room() {
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
        let mut front = self.store.lock_front();
        if let Some(item) = front.as_mut().and_then(|front| front.take()) {
            return Ok(item);
        }
        let mut state = self.store.lock();
        if state.filled.try_take() {
            let (item, granted) = state.take_head(front.as_deref_mut());
            drop(state);
            drop(front);
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
        let mut state = self.store.lock();
        state.is_closed = true;
        let mut wakers = state.filled.wake_all();
        wakers.extend(state.room.wake_all());
        drop(state);
        wakers.into_iter().for_each(waker::wake_kept);
    }

    /// Returns whether the queue was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.store.lock().is_closed
    }

    /// Returns how many items lie in the queue.
    #[must_use]
    pub fn len(&self) -> usize {
        self.store.standing().len
    }

    /// Returns whether no item lies in the queue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many items may lie in the queue; `None` if there is no limit.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        self.store.capacity
    }

    /// Returns how things stand, as at one moment.
    #[must_use]
    pub fn statistics(&self) -> QueueStatistics {
        let now = self.store.standing();
        QueueStatistics {
            len: now.len,
            capacity: self.store.capacity,
            put: now.put,
            taken: now.taken,
            getters_waiting: now.getters,
            putters_waiting: now.putters,
        }
    }

    /// Says that an item which was put is done with; when all are, who [joins](Self::join) goes on.
    /// Tasks and threads may call it.
    ///
    /// # Panics
    ///
    /// Panics if it is called more often than items were put.
    #[track_caller]
    pub fn task_done(&self) {
        let joined = self.store.task_done().expect(DONE_TOO_OFTEN);
        joined.into_iter().for_each(waker::wake_kept);
    }

    /// Waits until every item that was put is done with, by [`task_done`](Self::task_done) (curio's
    /// `join`); returns at once if none was put. Closing the queue does not end it.
    ///
    /// When the last is done with, all who wait go on, although another item is put before their turn.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::sync::universal::Queue;
    ///
    /// static JOBS: Queue<&str> = Queue::new();
    ///
    /// std::thread::spawn(|| {
    ///     while let Ok(job) = JOBS.get_blocking() {
    ///         println!("does {job}");
    ///         JOBS.task_done();
    ///     }
    /// });
    /// bibelot::run(async {
    ///     JOBS.put("this").await.unwrap();
    ///     JOBS.put("that").await.unwrap();
    ///     JOBS.join().await;
    /// });
    /// ```
    #[track_caller]
    pub fn join(&self) -> impl Future<Output = ()> + use<'_, T> {
        Wait::new(&self.store, Thing::QueueDone)
    }

    /// Blocks this thread until every item that was put is done with.
    ///
    /// # Panics
    ///
    /// Panics on a thread that runs an executor: use [`join`](Self::join) there.
    #[track_caller]
    pub fn join_blocking(&self) {
        block::block_on(self.join(), None);
    }

    /// [`join_blocking`](Self::join_blocking), but no longer than `limit`. Returns whether every item
    /// was done with.
    ///
    /// # Panics
    ///
    /// Panics on a thread that runs an executor.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::sync::universal::Queue;
    /// use std::time::Duration;
    ///
    /// let queue = Queue::new();
    /// queue.put_blocking("an item").unwrap();
    /// assert!(!queue.join_timeout(Duration::from_millis(1)));
    /// assert_eq!(queue.get_blocking(), Ok("an item"));
    /// queue.task_done();
    /// assert!(queue.join_timeout(Duration::from_millis(1)));
    /// ```
    #[track_caller]
    pub fn join_timeout(&self, limit: Duration) -> bool {
        block::block_on(self.join(), Some(limit)).is_some()
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.store.standing();
        f.debug_struct("Queue")
            .field("len", &now.len)
            .field("capacity", &self.store.capacity)
            .field("is_closed", &now.is_closed)
            .field("getters_waiting", &now.getters)
            .field("putters_waiting", &now.putters)
            .finish_non_exhaustive()
    }
}
