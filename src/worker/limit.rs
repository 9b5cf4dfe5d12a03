//! [`limiter`]: how many jobs one executor may have in threads at once.
//!
//! ```text
//!   task                                            thread
//!   Acquire ─► Permit ─ lend ─┬─► Loan ───────────► does the job, to its end
//!                             ▼                        │ dropped: word to the executor
//!                           Debt ─ has its answer      ▼
//!                             └──────────► limiter ◄── inbox
//! ```
//!
//! A token is borrowed by the task that wants a job done, in the name of that job, and comes back when
//! the thread has ended it, however long ago the task may have gone on: so there are never more threads
//! than tokens, whatever is cancelled. (trio's rule. curio gives the slot back with the cancel, and live
//! threads exceed its limit.)
//!
//! The limiter is the executor's own and not locked, so the thread sends word that it has ended, and
//! the token is back when the executor has heard it: before it takes up whatever the thread says next,
//! the answer above all. A task that finds the answer earlier gives the token back itself, and the word
//! then changes nothing. So who has an answer finds the token free.
//!
//! The word does not ring: the answer does that, or the thread when it has no more to say. Why the task
//! alone does not do: it may have gone, or be busy with something else, and the others wait.
//!
//! Read next: `sync/capacity_limiter.rs`.

use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::executor::context;
use crate::inbox::Inbox;
use crate::sync::{Borrower, CapacityLimiter, WaitForToken};

/// Returns what limits how many jobs the executor that runs on this thread has in threads at once;
/// trio's `current_default_thread_limiter`.
///
/// Each job of [`run_in_thread`](crate::worker::run_in_thread), and each of [`fs`](crate::fs), borrows a
/// token in its own name, until its thread has ended it. There are 64 of them, or as many as
/// [`ExecutorBuilder::thread_limit`](crate::ExecutorBuilder::thread_limit) says, and
/// [`set_total_tokens`](CapacityLimiter::set_total_tokens) changes that at any time: if there are more,
/// the jobs that wait begin at once; if there are fewer, those under way go on, and no other begins
/// until enough have ended; if there are none, no other ever does.
///
/// A task may borrow a token for itself, to keep a thread from the others.
///
/// # Panics
///
/// Panics if no executor is running on this thread.
///
/// # Examples
///
/// ```
/// use bibelot::worker;
/// use std::sync::mpsc;
///
/// # bibelot::run(async {
/// let limiter = worker::limiter();
/// limiter.set_total_tokens(8); // the disk likes no more
/// let (open, gate) = mpsc::channel();
/// let job = bibelot::spawn(worker::run_in_thread(move || gate.recv().unwrap()));
/// bibelot::task::yield_now().await;
/// assert_eq!((limiter.borrowed_tokens(), limiter.available_tokens()), (1, 7));
/// open.send(()).unwrap();
/// job.await.unwrap();
/// assert_eq!(limiter.available_tokens(), 8);
/// # });
/// ```
#[must_use]
#[track_caller]
pub fn limiter() -> Rc<CapacityLimiter> {
    context::with(|core| core.limiter(CapacityLimiter::of_threads))
}

/// The leaf future that waits for a permit.
pub(crate) struct Acquire {
    /// The wait for the token.
    token: WaitForToken<Rc<CapacityLimiter>>,
    /// The door of the executor whose it is.
    home: Arc<Inbox>,
}

impl Acquire {
    /// Waits for a permit of the executor that runs on this thread.
    #[track_caller]
    pub(super) fn new(at: &'static Location<'static>) -> Self {
        let home = context::with(|core| Arc::clone(core.inbox()));
        Self::of(limiter(), home, at)
    }

    /// Waits for a permit of this limiter, whose executor has that door.
    pub(super) fn of(
        limiter: Rc<CapacityLimiter>,
        home: Arc<Inbox>,
        at: &'static Location<'static>,
    ) -> Self {
        // Of somebody new, since a task may have several jobs.
        let job = Borrower::new();
        let token = WaitForToken::new(limiter, Some(job), at);
        Self { token, home }
    }
}

impl Future for Acquire {
    type Output = Permit;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
        let job = ready!(self.token.poll(cx));
        let debt = Debt {
            limiter: Some(Rc::clone(self.token.limiter())),
            job,
        };
        let home = Arc::clone(&self.home);
        Poll::Ready(Permit { debt, home })
    }
}

/// The right to one thread, given back when dropped.
pub(crate) struct Permit {
    /// The token.
    debt: Debt,
    /// The door of the executor whose it is.
    home: Arc<Inbox>,
}

impl Permit {
    /// Parts what goes with the job and what the task keeps.
    pub(super) fn lend(self) -> (Loan, Debt) {
        let word = Word(self.debt.job);
        let word: Box<dyn FnOnce() + Send> = Box::new(move || drop(word));
        let loan = Loan {
            home: self.home,
            word: Some(word),
        };
        (loan, self.debt)
    }
}

/// The task's half of a token: given back when dropped, if the thread has not said so before.
pub(super) struct Debt {
    /// Whose; `None` if that is left to the thread.
    limiter: Option<Rc<CapacityLimiter>>,
    /// Who has borrowed it.
    job: Borrower,
}

impl Debt {
    /// Leaves it to the thread to say when it has ended.
    pub(super) fn leave(mut self) {
        self.limiter = None;
    }
}

impl Drop for Debt {
    fn drop(&mut self) {
        if let Some(limiter) = self.limiter.take() {
            limiter.take_back(self.job);
        }
    }
}

/// The thread's half of a token: when it is dropped, word is left that the job has ended. Whoever drops
/// it rings after that.
pub(super) struct Loan {
    /// The door of the executor whose it is.
    home: Arc<Inbox>,
    /// What is to be called there; `None` once it was sent.
    word: Option<Box<dyn FnOnce() + Send>>,
}

impl Loan {
    /// The door of the executor.
    pub(super) fn home(&self) -> &Arc<Inbox> {
        &self.home
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(word) = self.word.take() {
            self.home.leave_call(word);
        }
    }
}

/// That a job has ended. It is heard when it is dropped: also by an executor that shuts down and calls
/// nothing any more, but whose cleanups may want a thread. Elsewhere it says nothing, as no other
/// executor knows that job.
struct Word(Borrower);

impl Drop for Word {
    fn drop(&mut self) {
        let limiter = context::try_with(|core| core.limiter(CapacityLimiter::of_threads));
        if let Some(limiter) = limiter {
            limiter.take_back(self.0);
        }
    }
}
