//! [`Barrier`]: a point that tasks pass together.
//!
//! The line is the count: whoever comes when all but one wait is the last, and lets them through. So
//! one that is cancelled while it waits has left the count, too.

use std::fmt;
use std::future::poll_fn;
use std::task::{Poll, ready};

use crate::sync::line::{Line, Place, Standing};
use crate::sync::statistics::BarrierStatistics;
use crate::task::waits::Thing;

/// Lets so many tasks wait for each other, and then go on together; [`std::sync::Barrier`] for tasks.
///
/// # Examples
///
/// ```
/// use bibelot::sync::Barrier;
/// use std::rc::Rc;
///
/// # bibelot::run(async {
/// let barrier = Rc::new(Barrier::new(3));
/// let tasks = [(); 3].map(|()| {
///     let barrier = Rc::clone(&barrier);
///     bibelot::spawn(async move { barrier.wait().await.is_leader() })
/// });
/// let mut leaders = 0;
/// for task in tasks {
///     leaders += usize::from(task.await.unwrap());
/// }
/// assert_eq!(leaders, 1);
/// # });
/// ```
pub struct Barrier {
    /// How many pass together.
    size: usize,
    /// Those who are there.
    line: Line,
}

impl Barrier {
    /// Makes a barrier that so many pass together; with 0 or 1 nobody ever waits.
    #[must_use]
    pub const fn new(size: usize) -> Self {
        Self {
            size,
            line: Line::new(Thing::Barrier),
        }
    }

    /// Waits until as many are there as the barrier was made for. The last to come is the leader, and
    /// does not wait; the others go on in the order in which they came. Then it begins anew.
    ///
    /// # Cancel safety
    ///
    /// Who is dropped while it waits is not counted any more. Who is dropped when the last has come
    /// has passed.
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = BarrierWaitResult> {
        let mut place = Place::new(&self.line);
        poll_fn(move |cx| {
            loop {
                let is_last = |standing| standing == Standing::Outside && self.lacks_one();
                ready!(place.poll(cx, (), is_last));
                if place.leave() == Standing::Granted {
                    return Poll::Ready(BarrierWaitResult(false));
                }
                if self.lacks_one() {
                    self.line.grant_all();
                    return Poll::Ready(BarrierWaitResult(true));
                }
                // Somebody left in between, by the destructor of a foreign waker.
            }
        })
    }

    /// Returns how many are there.
    #[must_use]
    pub fn statistics(&self) -> BarrierStatistics {
        BarrierStatistics {
            size: self.size,
            waiting: self.line.len(),
        }
    }

    /// Whether the next to come is the last.
    fn lacks_one(&self) -> bool {
        self.line.len() + 1 >= self.size
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("size", &self.size)
            .field("waiting", &self.line.len())
            .finish()
    }
}

/// Which of those who passed a [`Barrier`] one is; as [`std::sync::BarrierWaitResult`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// Returns whether it was the last to come; one of each round is.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.0
    }
}
