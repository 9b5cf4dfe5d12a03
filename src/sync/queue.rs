//! [`Queue`]: items on their way from tasks to tasks.
//!
//! The shelf of a [`Stock`] on which what came first is first; the stock does the rest.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::future::poll_fn;

use crate::sync::statistics::QueueStatistics;
use crate::sync::stock::Stock;
use crate::task::waits::Thing;

/// Items that tasks put and other tasks get, first in, first out; curio's `Queue`, and for one thread
/// what [`std::sync::mpsc`] is, with any number of getters and one handle for both sides.
///
/// Items come out in the order in which they went in. Getters that wait are served in the order in
/// which they came, and so are putters that wait for room. [`close`](Self::close) says that no more
/// will come. Who wants to know when everything that was put has been dealt with, and not only been
/// taken, waits for [`join`](Self::join).
///
/// # Examples
///
/// ```
/// use bibelot::sync::{Closed, Queue};
///
/// # bibelot::run(async {
/// let queue = Queue::new();
/// queue.put("first").await?;
/// queue.put("last").await?;
/// queue.close();
/// assert_eq!(queue.get().await, Ok("first"));
/// assert_eq!(queue.get().await, Ok("last"));
/// assert_eq!(queue.get().await, Err(Closed(())));
/// # Ok::<(), Closed<&str>>(())
/// # }).unwrap();
/// ```
pub struct Queue<T> {
    /// The items, and who waits.
    stock: Stock<VecDeque<T>>,
}

impl<T> Queue<T> {
    /// Makes a queue without a limit, into which putting never waits.
    #[must_use]
    pub fn new() -> Self {
        Self::with_room(None)
    }

    /// Makes a queue that holds up to `capacity` items: putting waits while it is full.
    ///
    /// # Panics
    ///
    /// Panics if `capacity` is zero, which means no limit to some (curio) and that putter and getter
    /// must meet to others (std, trio).
    #[must_use]
    #[track_caller]
    pub fn bounded(capacity: usize) -> Self {
        assert!(
            capacity > 0,
            "a queue without room could carry nothing; Queue::new() makes one without a limit"
        );
        Self::with_room(Some(capacity))
    }

    /// Makes a queue that holds up to so many.
    fn with_room(capacity: Option<usize>) -> Self {
        Self {
            stock: Stock::new(capacity, Thing::QueueItem, Thing::QueueRoom),
        }
    }

    /// Puts an item at the end; waits while the queue is full.
    ///
    /// # Errors
    ///
    /// Returns the item in a [`Closed`] if the queue is closed, or is closed while this waits.
    ///
    /// # Panics
    ///
    /// Panics if it is polled again after it was ready.
    ///
    /// # Cancel safety
    ///
    /// The item is dropped with the future, and was not put; the place in line is lost.
    #[track_caller]
    pub fn put(&self, item: T) -> impl Future<Output = Result<(), Closed<T>>> {
        let mut put = self.stock.put(item);
        poll_fn(move |cx| put.poll(cx).map_ok(drop))
    }

    /// Puts an item at the end if there is room and nobody waits for it.
    ///
    /// # Errors
    ///
    /// Returns the item in the error if there is none, or if the queue is closed.
    pub fn try_put(&self, item: T) -> Result<(), TryPutError<T>> {
        self.stock.try_put(item)
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
    pub fn get(&self) -> impl Future<Output = Result<T, Closed>> {
        let mut get = self.stock.get();
        poll_fn(move |cx| get.poll(cx))
    }

    /// Takes the item that came first, if there is one and nobody waits for it.
    ///
    /// # Errors
    ///
    /// Returns an error if there is none, which says whether one may still come.
    pub fn try_get(&self) -> Result<T, TryGetError> {
        self.stock.try_get()
    }

    /// Closes the queue: no more can be put. What lies in it can still be got, and after that getters
    /// get [`Closed`]; putters get it at once, with their items, also those who wait. Twice changes
    /// nothing.
    pub fn close(&self) {
        self.stock.close();
    }

    /// Returns whether the queue was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.stock.is_closed()
    }

    /// Returns how many items lie in the queue.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stock.len()
    }

    /// Returns whether no item lies in the queue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether there is no room for one more, or what there is was granted to who waited for
    /// it.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.stock.is_full()
    }

    /// Returns how many items may lie in the queue; `None` if there is no limit.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        self.stock.capacity()
    }

    /// Returns how many items there are and were, and how many wait.
    #[must_use]
    pub fn statistics(&self) -> QueueStatistics {
        self.stock.statistics()
    }

    /// Says that an item which was put is done with; when all are, [`join`](Self::join) returns.
    ///
    /// # Panics
    ///
    /// Panics if it is called more often than items were put.
    #[track_caller]
    pub fn task_done(&self) {
        let done = self.stock.task_done();
        done.expect(DONE_TOO_OFTEN);
    }

    /// Waits until every item that was put is done with, by [`task_done`](Self::task_done) (curio's
    /// `join`); returns at once if none was put.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::sync::Queue;
    /// use std::rc::Rc;
    ///
    /// # bibelot::run(async {
    /// let queue = Rc::new(Queue::new());
    /// let worker = bibelot::spawn({
    ///     let queue = Rc::clone(&queue);
    ///     async move {
    ///         while let Ok(item) = queue.get().await {
    ///             println!("deals with {item}");
    ///             queue.task_done();
    ///         }
    ///     }
    /// });
    /// queue.put("an item").await.unwrap();
    /// queue.join().await;
    /// worker.cancel();
    /// # });
    /// ```
    #[track_caller]
    pub fn join(&self) -> impl Future<Output = ()> {
        self.stock.join()
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stock.debug("Queue", f)
    }
}

/// The error of a [`Queue`] that is closed: of [`put`](Queue::put), with the item that was not put, and
/// of [`get`](Queue::get).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Closed<T = ()>(pub T);

impl<T> fmt::Debug for Closed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Closed(..)")
    }
}

impl<T> fmt::Display for Closed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(CLOSED)
    }
}

impl<T> Error for Closed<T> {}

/// What is said of a queue that is closed.
const CLOSED: &str = "the queue is closed";

/// What is said of a `task_done()` too many.
pub(super) const DONE_TOO_OFTEN: &str =
    "task_done() is called once for each item that was put, no more";

/// The error of [`Queue::try_put`], with the item that was not put.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TryPutError<T> {
    /// There is no room, or others wait for it.
    Full(T),
    /// The queue is closed.
    Closed(T),
}

impl<T> fmt::Debug for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the queue is full",
            Self::Closed(_) => CLOSED,
        })
    }
}

impl<T> Error for TryPutError<T> {}

/// The error of [`Queue::try_get`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryGetError {
    /// There is no item, or none that is not granted to who waited for it.
    Empty,
    /// The same, and none will come: the queue is closed.
    Closed,
}

impl fmt::Display for TryGetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the queue is empty",
            Self::Closed => CLOSED,
        })
    }
}

impl Error for TryGetError {}
