//! [`PriorityQueue`]: a queue whose least item comes out first.
//!
//! The shelf of a [`Stock`] is a heap; the stock does the rest. Each item has its number beside it, so
//! that of two that are equal the one that came first goes first.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fmt;
use std::future::poll_fn;

use crate::sync::queue::{Closed, DONE_TOO_OFTEN, TryGetError, TryPutError};
use crate::sync::statistics::QueueStatistics;
use crate::sync::stock::{Shelf, Stock};
use crate::task::waits::Thing;

/// A [`Queue`](crate::sync::Queue) whose least item comes out first, and of equal ones the one that
/// came first; curio's `PriorityQueue`. For the greatest first put [`Reverse`]s.
///
/// A pair of a priority and an item does as an item if both can be compared. While two are compared,
/// which `Ord` of the items does, the queue itself is not to be used.
///
/// # Examples
///
/// ```
/// use bibelot::sync::PriorityQueue;
///
/// # bibelot::run(async {
/// let queue = PriorityQueue::new();
/// queue.put((2, "wash up")).await.unwrap();
/// queue.put((1, "cook")).await.unwrap();
/// assert_eq!(queue.get().await, Ok((1, "cook")));
/// assert_eq!(queue.get().await, Ok((2, "wash up")));
/// # });
/// ```
pub struct PriorityQueue<T: Ord> {
    /// The items, and who waits.
    stock: Stock<Heap<T>>,
}

impl<T: Ord> PriorityQueue<T> {
    /// Makes a queue without a limit, into which putting never waits.
    #[must_use]
    pub fn new() -> Self {
        Self {
            stock: Stock::new(None, Thing::QueueItem, Thing::QueueRoom),
        }
    }

    /// Makes a queue that holds up to `capacity` items: putting waits while it is full.
    ///
    /// # Panics
    ///
    /// Panics if `capacity` is zero.
    #[must_use]
    #[track_caller]
    pub fn bounded(capacity: usize) -> Self {
        assert!(
            capacity > 0,
            "a queue without room could carry nothing; PriorityQueue::new() makes one without a limit"
        );
        Self {
            stock: Stock::new(Some(capacity), Thing::QueueItem, Thing::QueueRoom),
        }
    }

    /// Puts an item; waits while the queue is full.
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

    /// Puts an item if there is room and nobody waits for it.
    ///
    /// # Errors
    ///
    /// Returns the item in the error if there is none, or if the queue is closed.
    pub fn try_put(&self, item: T) -> Result<(), TryPutError<T>> {
        self.stock.try_put(item)
    }

    /// Takes the least item; waits while there is none. It is the one that is least when this is
    /// polled, and not when it was granted.
    ///
    /// # Errors
    ///
    /// Returns [`Closed`] if the queue is closed and empty, or every item in it is granted to somebody
    /// who came before.
    ///
    /// # Cancel safety
    ///
    /// The place in line is lost, and nothing else.
    #[track_caller]
    pub fn get(&self) -> impl Future<Output = Result<T, Closed>> {
        let mut get = self.stock.get();
        poll_fn(move |cx| get.poll(cx))
    }

    /// Takes the least item, if there is one and nobody waits for it.
    ///
    /// # Errors
    ///
    /// Returns an error if there is none, which says whether one may still come.
    pub fn try_get(&self) -> Result<T, TryGetError> {
        self.stock.try_get()
    }

    /// Closes the queue, as [`Queue::close`](crate::sync::Queue::close) does.
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

    /// Waits until every item that was put is done with; see
    /// [`Queue::join`](crate::sync::Queue::join).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    #[track_caller]
    pub fn join(&self) -> impl Future<Output = ()> {
        self.stock.join()
    }
}

impl<T: Ord> Default for PriorityQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Ord> fmt::Debug for PriorityQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stock.debug("PriorityQueue", f)
    }
}

/// The least on top.
struct Heap<T> {
    /// The items.
    items: BinaryHeap<Reverse<Numbered<T>>>,
    /// The number of the next.
    next: u64,
}

impl<T: Ord> Default for Heap<T> {
    fn default() -> Self {
        Self {
            items: BinaryHeap::new(),
            next: 0,
        }
    }
}

impl<T: Ord> Shelf for Heap<T> {
    type Item = T;

    fn push(&mut self, item: T) {
        let number = self.next;
        self.next += 1;
        self.items.push(Reverse(Numbered { item, number }));
    }

    fn pop(&mut self) -> Option<T> {
        let Reverse(first) = self.items.pop()?;
        Some(first.item)
    }

    fn len(&self) -> usize {
        self.items.len()
    }
}

/// An item, and when it came.
struct Numbered<T> {
    /// The item.
    item: T,
    /// Its number.
    number: u64,
}

impl<T: Ord> Ord for Numbered<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_item = self.item.cmp(&other.item);
        by_item.then(self.number.cmp(&other.number))
    }
}

impl<T: Ord> PartialOrd for Numbered<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> PartialEq for Numbered<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T: Ord> Eq for Numbered<T> {}
