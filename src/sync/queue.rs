//! [`Queue`]: items on their way from tasks to tasks.
//!
//! ```text
//!   put: takes room ─► [ item │ item │ … ] ─► get: takes what is filled
//!        gives filled                              gives room
//! ```
//!
//! Two counts: of items, for getters, and of room, for putters. What is granted is the right to one
//! item or to room for one, and not which. A getter takes the head out when it is polled, a putter has
//! its item in hand until it is: so who is dropped before that has moved nothing, its right goes to
//! the next, and items come out in the order in which they went in, whoever is cancelled.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::task::{Poll, ready};

use crate::sync::event::Event;
use crate::sync::permits::{Permits, Refused};

/// Items that tasks put and other tasks get, first in, first out; curio's `Queue`, and for one thread
/// what [`std::sync::mpsc`] is, with any number of getters and one handle for both sides.
///
/// Items come out in the order in which they went in. Getters that wait are served in the order in
/// which they came, and so are putters that wait for room. [`close`](Self::close) says that no more will come. Who wants to know when everything that
/// was put has been dealt with, and not only been taken, waits for [`join`](Self::join).
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
    /// What was put and not taken.
    items: RefCell<VecDeque<T>>,
    /// How many may lie here, if there is a limit.
    capacity: Option<usize>,
    /// Those items that no getter was granted.
    filled: Permits,
    /// The room that no putter was granted.
    room: Permits,
    /// Whether no more are to come.
    is_closed: Cell<bool>,
    /// How many items were put and not yet done with.
    undone: Cell<usize>,
    /// Set while there are none.
    all_done: Event,
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
        let room = capacity.unwrap_or(usize::MAX);
        let all_done = Event::new();
        all_done.set();
        Self {
            items: RefCell::default(),
            capacity,
            filled: Permits::new(0, usize::MAX),
            room: Permits::new(room, room),
            is_closed: Cell::new(false),
            undone: Cell::new(0),
            all_done,
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
        let mut room = self.room.take(1);
        let mut item = Some(item);
        poll_fn(move |cx| {
            let has_room = ready!(room.poll(cx)).is_ok();
            let item = item.take().expect("it is not polled after it was ready");
            // Room that was granted before the queue was closed is of no use any more.
            if !has_room || self.is_closed() {
                return Poll::Ready(Err(Closed(item)));
            }
            self.land(item);
            Poll::Ready(Ok(()))
        })
    }

    /// Puts an item at the end if there is room and nobody waits for it.
    ///
    /// # Errors
    ///
    /// Returns the item in the error if there is none, or if the queue is closed.
    pub fn try_put(&self, item: T) -> Result<(), TryPutError<T>> {
        if self.is_closed() {
            Err(TryPutError::Closed(item))
        } else if self.room.try_take(1) {
            self.land(item);
            Ok(())
        } else {
            Err(TryPutError::Full(item))
        }
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
        let mut filled = self.filled.take(1);
        poll_fn(move |cx| {
            Poll::Ready(match ready!(filled.poll(cx)) {
                Ok(()) => Ok(self.take_head()),
                Err(Refused) => Err(Closed(())),
            })
        })
    }

    /// Takes the item that came first, if there is one and nobody waits for it.
    ///
    /// # Errors
    ///
    /// Returns an error if there is none, which says whether one may still come.
    pub fn try_get(&self) -> Result<T, TryGetError> {
        if self.filled.try_take(1) {
            Ok(self.take_head())
        } else if self.is_closed() {
            Err(TryGetError::Closed)
        } else {
            Err(TryGetError::Empty)
        }
    }

    /// Closes the queue: no more can be put. What lies in it can still be got, and after that getters
    /// get [`Closed`]; putters get it at once, with their items, also those who wait. Twice changes
    /// nothing.
    pub fn close(&self) {
        if !self.is_closed.replace(true) {
            self.filled.lower_limit(0);
            self.room.lower_limit(0);
        }
    }

    /// Returns whether the queue was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// Returns how many items lie in the queue.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.borrow().len()
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
        !self.room.has(1)
    }

    /// Returns how many items may lie in the queue; `None` if there is no limit.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        self.capacity
    }

    /// Says that an item which was put is done with; when all are, [`join`](Self::join) returns.
    ///
    /// # Panics
    ///
    /// Panics if it is called more often than items were put.
    #[track_caller]
    pub fn task_done(&self) {
        let undone = self.undone.get().checked_sub(1);
        let undone =
            undone.expect("task_done() is called once for each item that was put, no more");
        self.undone.set(undone);
        if undone == 0 {
            self.all_done.set();
        }
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
        self.all_done.wait()
    }

    /// Puts an item for which there is room.
    fn land(&self, item: T) {
        self.items.borrow_mut().push_back(item);
        self.undone.set(self.undone.get() + 1);
        self.all_done.clear();
        self.filled.give(1);
    }

    /// Takes the first item, by the right to one.
    fn take_head(&self) -> T {
        let head = self.items.borrow_mut().pop_front();
        self.room.give(1);
        head.expect("there are as many items as rights to them")
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("len", &self.len())
            .field("capacity", &self.capacity)
            .field("is_closed", &self.is_closed())
            .field("getters_waiting", &self.filled.waiting())
            .field("putters_waiting", &self.room.waiting())
            .finish_non_exhaustive()
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
