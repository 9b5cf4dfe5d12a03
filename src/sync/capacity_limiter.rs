//! [`CapacityLimiter`]: tokens that somebody has borrowed, and a number of them that may change.
//!
//! ```text
//!   total_tokens 3   [ task 4 │ task 9 │ · ]   ◄── in line: task 12
//!                      borrowers                   has one when fewer than the total are borrowed
//! ```
//!
//! A semaphore counts what is free; this counts what is borrowed, and by whom. So the total can be
//! lowered below it: nobody has a new one then until enough are given back.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::ops::Deref;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use crate::place;
use crate::scheduler::Scheduler;
use crate::sync::line::{Line, Seat, Standing};
use crate::sync::semaphore::TryAcquireError;
use crate::sync::statistics::CapacityLimiterStatistics;
use crate::task::TaskId;
use crate::task::waits::Thing;
#[cfg(feature = "worker")]
use crate::task::waits::Waits;
use crate::waker;

/// Who has borrowed a token: a task, or anything that a number was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Borrower(Name);

/// What names a borrower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Name {
    /// A task.
    Task(TaskId),
    /// What [`Borrower::new`] made.
    Number(u64),
}

/// The next number.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Borrower {
    /// Makes a borrower that is like no other: a connection, say, on whose behalf tasks do things.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        Self(Name::Number(NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    /// The running task; outside of one, somebody new.
    fn current() -> Self {
        let task = waker::with_current(Scheduler::current).flatten();
        task.map_or_else(Self::new, |task| task.id.into())
    }
}

impl From<TaskId> for Borrower {
    fn from(task: TaskId) -> Self {
        Self(Name::Task(task))
    }
}

/// A number of tokens, each of which one borrower at a time may hold; trio's `CapacityLimiter`.
///
/// It limits how many do something at once, as a [`Semaphore`](crate::sync::Semaphore) does, and knows
/// who: nobody can borrow two, which would be to wait for oneself one day. And how many there are can
/// be changed while it is used.
///
/// # Examples
///
/// ```
/// use bibelot::sync::CapacityLimiter;
///
/// # bibelot::run(async {
/// let limiter = CapacityLimiter::new(2);
/// let token = limiter.acquire().await;
/// assert_eq!((limiter.borrowed_tokens(), limiter.available_tokens()), (1, 1));
/// limiter.set_total_tokens(1);
/// assert_eq!(limiter.available_tokens(), 0);
/// drop(token);
/// # });
/// ```
pub struct CapacityLimiter {
    /// How many may be borrowed.
    total: Cell<usize>,
    /// Who has one.
    borrowers: RefCell<Vec<Borrower>>,
    /// Who waits.
    line: Line<Borrower>,
}

impl CapacityLimiter {
    /// Makes a limiter of so many tokens; [`usize::MAX`] is no limit.
    #[must_use]
    pub const fn new(total_tokens: usize) -> Self {
        Self {
            total: Cell::new(total_tokens),
            borrowers: RefCell::new(Vec::new()),
            line: Line::new(Thing::Token),
        }
    }

    /// Makes one whose tokens are mostly held by jobs in threads, so that those who wait here wait for a
    /// thread.
    #[cfg(feature = "worker")]
    pub(crate) fn of_threads(total_tokens: usize) -> Self {
        Self {
            line: Line::noting(Waits::THREAD.by_name(Thing::PoolPermit)),
            ..Self::new(total_tokens)
        }
    }

    /// Waits for a token on behalf of the running task; see
    /// [`acquire_on_behalf_of`](Self::acquire_on_behalf_of).
    ///
    /// # Panics
    ///
    /// Panics, when polled, if this task has one already.
    ///
    /// # Cancel safety
    ///
    /// The place in line is lost, and nothing else.
    #[track_caller]
    pub fn acquire(&self) -> impl Future<Output = Token<'_>> {
        self.borrow(None)
    }

    /// Waits until fewer tokens than there are have been borrowed, and borrows one; who waits is
    /// served in the order of coming.
    ///
    /// # Panics
    ///
    /// Panics, when polled, if the borrower has one already.
    ///
    /// # Cancel safety
    ///
    /// The place in line is lost, and nothing else: a token that was granted meanwhile goes to the
    /// next in line.
    #[track_caller]
    pub fn acquire_on_behalf_of(
        &self,
        borrower: impl Into<Borrower>,
    ) -> impl Future<Output = Token<'_>> {
        self.borrow(Some(borrower.into()))
    }

    /// Borrows a token on behalf of the running task, if one is available and nobody waits.
    ///
    /// # Errors
    ///
    /// Returns an error if it would have to wait.
    ///
    /// # Panics
    ///
    /// Panics if this task has one already.
    #[track_caller]
    pub fn try_acquire(&self) -> Result<Token<'_>, TryAcquireError> {
        self.try_acquire_on_behalf_of(Borrower::current())
    }

    /// Borrows a token, if one is available and nobody waits.
    ///
    /// # Errors
    ///
    /// Returns an error if it would have to wait.
    ///
    /// # Panics
    ///
    /// Panics if the borrower has one already.
    #[track_caller]
    pub fn try_acquire_on_behalf_of(
        &self,
        borrower: impl Into<Borrower>,
    ) -> Result<Token<'_>, TryAcquireError> {
        let borrower = borrower.into();
        self.forbid_another(borrower);
        let is_lent = self.has_one() && self.lend(borrower);
        is_lent.then(|| self.token(borrower)).ok_or(TryAcquireError)
    }

    /// Returns how many tokens there are.
    #[must_use]
    pub fn total_tokens(&self) -> usize {
        self.total.get()
    }

    /// Changes how many tokens there are. If there are more, those who wait have them at once; if
    /// fewer are left than are borrowed, nobody has another until enough are given back.
    pub fn set_total_tokens(&self, total_tokens: usize) {
        self.total.set(total_tokens);
        self.settle();
    }

    /// Returns how many tokens are borrowed; for a while it may be more than there are.
    #[must_use]
    pub fn borrowed_tokens(&self) -> usize {
        self.borrowers.borrow().len()
    }

    /// Returns how many tokens can be borrowed.
    #[must_use]
    pub fn available_tokens(&self) -> usize {
        self.total_tokens().saturating_sub(self.borrowed_tokens())
    }

    /// Returns who has a token, or was granted one.
    #[must_use]
    pub fn borrowers(&self) -> Vec<Borrower> {
        self.borrowers.borrow().clone()
    }

    /// Returns how many tokens there are, and how many wait.
    #[must_use]
    pub fn statistics(&self) -> CapacityLimiterStatistics {
        CapacityLimiterStatistics {
            borrowed_tokens: self.borrowed_tokens(),
            total_tokens: self.total_tokens(),
            waiting: self.line.len(),
        }
    }

    /// Borrows when there is one.
    #[track_caller]
    fn borrow(&self, borrower: Option<Borrower>) -> impl Future<Output = Token<'_>> {
        let mut wait = WaitForToken::new(self, borrower, place::here());
        poll_fn(move |cx| wait.poll(cx).map(|borrower| self.token(borrower)))
    }

    /// Whether a newcomer can have one at once.
    fn has_one(&self) -> bool {
        self.line.is_empty() && self.available_tokens() > 0
    }

    /// Whether this one has borrowed.
    fn has_lent(&self, borrower: Borrower) -> bool {
        self.borrowers.borrow().contains(&borrower)
    }

    /// Refuses who has one already.
    #[track_caller]
    fn forbid_another(&self, borrower: Borrower) {
        assert!(
            !self.has_lent(borrower),
            "{borrower:?} has borrowed a token of this limiter already, and would wait for itself; \
             drop that one first, or borrow on behalf of another"
        );
    }

    /// Lends one, if it is available.
    fn lend(&self, borrower: Borrower) -> bool {
        let is_available = self.available_tokens() > 0;
        if is_available {
            self.borrowers.borrow_mut().push(borrower);
        }
        is_available
    }

    /// Takes one back; from who has none, nothing.
    pub(crate) fn take_back(&self, borrower: Borrower) {
        let mut borrowers = self.borrowers.borrow_mut();
        let Some(index) = borrowers.iter().position(|other| *other == borrower) else {
            return;
        };
        borrowers.swap_remove(index);
        drop(borrowers);
        self.settle();
    }

    /// Lends to those who wait as long as there is one.
    fn settle(&self) {
        while self.line.grant_first(|_, &borrower| self.lend(borrower)) {}
    }

    /// The guard of what was lent.
    fn token(&self, borrower: Borrower) -> Token<'_> {
        Token {
            limiter: self,
            borrower,
        }
    }
}

impl fmt::Debug for CapacityLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CapacityLimiter")
            .field("borrowed", &self.borrowed_tokens())
            .field("total", &self.total_tokens())
            .field("waiting", &self.line.len())
            .finish()
    }
}

/// The wait for a token; what was granted and not taken is given back when it is dropped.
pub(crate) struct WaitForToken<L: Deref<Target = CapacityLimiter>> {
    /// Of which.
    limiter: L,
    /// The place in line.
    seat: Seat,
    /// For whom; `None` is the task that polls it first.
    borrower: Option<Borrower>,
    /// Where the task waits.
    at: &'static Location<'static>,
}

impl<L: Deref<Target = CapacityLimiter>> WaitForToken<L> {
    /// One that was not polled.
    pub(crate) fn new(
        limiter: L,
        borrower: Option<Borrower>,
        at: &'static Location<'static>,
    ) -> Self {
        Self {
            limiter,
            seat: Seat::default(),
            borrower,
            at,
        }
    }

    /// Of which it waits for a token.
    #[cfg(feature = "worker")]
    pub(crate) fn limiter(&self) -> &L {
        &self.limiter
    }

    /// Waits; ready says who has borrowed a token now.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Borrower> {
        let limiter = &*self.limiter;
        let borrower = match self.borrower {
            Some(borrower) => borrower,
            None => *self.borrower.insert(Borrower::current()),
        };
        loop {
            // Who waits has none, unless it was granted.
            let is_over = |standing| {
                standing == Standing::Outside && (limiter.has_one() || limiter.has_lent(borrower))
            };
            let polled = self
                .seat
                .poll(&limiter.line, self.at, cx, borrower, is_over);
            ready!(polled);
            if self.seat.leave(&limiter.line) == Standing::Granted {
                return Poll::Ready(borrower);
            }
            limiter.forbid_another(borrower);
            if limiter.has_one() && limiter.lend(borrower) {
                return Poll::Ready(borrower);
            }
            // What was there was taken in between, by the destructor of a foreign waker.
        }
    }
}

impl<L: Deref<Target = CapacityLimiter>> Drop for WaitForToken<L> {
    fn drop(&mut self) {
        if self.seat.leave(&self.limiter.line) == Standing::Granted
            && let Some(borrower) = self.borrower
        {
            self.limiter.take_back(borrower);
        }
    }
}

/// A token of a [`CapacityLimiter`], given back when dropped.
#[must_use = "a token that is not held is given back at once"]
pub struct Token<'a> {
    /// Whose.
    limiter: &'a CapacityLimiter,
    /// Who has it.
    borrower: Borrower,
}

impl Token<'_> {
    /// Returns who has borrowed it.
    #[must_use]
    pub fn borrower(&self) -> Borrower {
        self.borrower
    }
}

impl Drop for Token<'_> {
    fn drop(&mut self) {
        self.limiter.take_back(self.borrower);
    }
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("borrower", &self.borrower)
            .finish_non_exhaustive()
    }
}
