//! The one door through which other threads reach an executor, and how it sleeps without missing them.
//!
//! ```text
//!   any thread                                  the executor's thread
//!   (a) push the message ──► messages: [..] ──► take, at the start of a turn
//!   (b) fence                                   (1) set `asleep`   (2) fence
//!   (c) asleep? clear it, ring ──► bell ──────► (3) look at `messages` once more   (4) sleep
//! ```
//!
//! The laws:
//!
//! 1. No wake is lost. The two fences are in one order. If (b) came first, (3) sees the message. If (2)
//!    came first, (c) sees `asleep` and rings.
//! 2. Whoever clears the flag rings, so a thousand wakes of a sleeping executor ring once, and wakes of
//!    a running one never. What the bell is depends on what the executor sleeps in (`reactor/epoll.rs`).
//! 3. A message is taken once, in the order in which one thread pushed its own.
//!
//! A wake equal to the one pushed last is not pushed again: it leaves only its mark on `last`, in
//! the same atomic order as the executor's own, which counts the messages, clears `last`, and takes no
//! more than it has counted. So either that message is still to be taken (and then sees all that the
//! skipped wake announced) or `last` is clear and the wake is pushed.
//!
//! `inbox/models.rs` tries every interleaving of this file. Read next: `registry.rs` (how a token finds
//! its inbox), `reactor.rs` (the sleep).

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crossbeam::utils::CachePadded;

use crate::error::Panicked;
use crate::primitive::{AtomicBool, AtomicUsize, Mutex, Ordering, SegQueue, fence};
use crate::report;
use crate::waker::Token;

/// What a thread may want of an executor.
pub(crate) enum Message {
    /// That a task be polled.
    Wake(Token),
    /// That this be called on the executor's thread.
    Call(Box<dyn FnOnce() + Send>),
}

/// Wakes an executor that sleeps in its reactor.
pub(crate) trait Bell: Send + Sync {
    /// Ends the sleep that is, or the next one.
    fn ring(&self);
}

/// How many messages are taken at most before tasks, timers and sockets have their turn: as many as a
/// task may do operations in one poll (`scheduler.rs`), for the same reason.
const MESSAGES_PER_TAKE: usize = 128;

/// No token: what `last` says when the next wake must be pushed.
const NONE: usize = usize::MAX;

/// The host's function to call when an executor that it drives should have a turn.
type OnWake = Arc<dyn Fn() + Send + Sync>;

/// The door.
pub(crate) struct Inbox {
    /// What was asked for and not yet taken.
    messages: SegQueue<Message>,
    /// The token pushed last, or [`NONE`]. On a line of its own, as threads that wake write it.
    last: CachePadded<AtomicUsize>,
    /// Whether the executor sleeps, or is about to.
    asleep: CachePadded<AtomicBool>,
    /// What ends its sleep.
    bell: Box<dyn Bell>,
    /// What the host wants called when it is woken.
    on_wake: Mutex<Option<OnWake>>,
    /// Whether the executor has ended; held while a call is pushed, so that none is forgotten.
    is_closed: Mutex<bool>,
    /// How many handles there are by which a thread may call.
    remotes: AtomicUsize,
}

impl Inbox {
    /// An inbox whose executor is asleep, as it is until it first runs or is given a turn.
    pub(crate) fn new(bell: Box<dyn Bell>) -> Self {
        Self {
            messages: SegQueue::new(),
            last: CachePadded::new(AtomicUsize::new(NONE)),
            asleep: CachePadded::new(AtomicBool::new(true)),
            bell,
            on_wake: Mutex::new(None),
            is_closed: Mutex::new(false),
            remotes: AtomicUsize::new(0),
        }
    }

    /// Asks for a poll of the task. From any thread.
    pub(crate) fn wake(&self, token: Token) {
        let bits = token.to_bits();
        // A swap even if equal: the executor's own swap then acquires what was done before this wake.
        if self.last.swap(bits, Ordering::AcqRel) != bits {
            self.push(Message::Wake(token));
        }
    }

    /// Asks for `f` to be called on the executor's thread; gives it back if that has ended.
    pub(crate) fn call(&self, f: Box<dyn FnOnce() + Send>) -> Result<(), Box<dyn FnOnce() + Send>> {
        let is_closed = self.is_closed.lock();
        if *is_closed {
            return Err(f);
        }
        self.leave_call(f);
        drop(is_closed);
        self.ring_if_asleep();
        Ok(())
    }

    /// As `call`, without a ring: the caller [rings](Self::ring_for_calls) when it has said the rest.
    /// One that comes after the end is dropped some time, with the inbox at the latest, on whatever
    /// thread that is.
    pub(crate) fn leave_call(&self, f: Box<dyn FnOnce() + Send>) {
        // A swap and not a store, which would cut the executor off from wakes that were skipped before.
        self.last.swap(NONE, Ordering::AcqRel);
        self.messages.push(Message::Call(f));
    }

    /// Rings for what was left, if it was not taken in the meantime.
    #[cfg(feature = "worker")]
    pub(crate) fn ring_for_calls(&self) {
        if !self.is_empty() {
            self.ring_if_asleep();
        }
    }

    /// (a), then (b) and (c).
    fn push(&self, message: Message) {
        self.messages.push(message);
        self.ring_if_asleep();
    }

    /// (b) and (c).
    pub(crate) fn ring_if_asleep(&self) {
        fence(Ordering::SeqCst);
        // The load keeps the line shared while the executor is busy.
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::AcqRel) {
            self.bell.ring();
            let on_wake = self.on_wake.lock().clone();
            if let Some(on_wake) = on_wake {
                tell_host(on_wake);
            }
        }
    }

    /// (1), (2) and (3): whether the executor may sleep, which knows whether there were remotes. If
    /// not, it is as before.
    pub(crate) fn prepare_sleep(&self, had_remotes: bool) -> bool {
        self.set_asleep();
        let may_sleep = self.messages.is_empty() && self.has_remotes() == had_remotes;
        if !may_sleep {
            self.end_sleep();
        }
        may_sleep
    }

    /// (1) and (2).
    fn set_asleep(&self) {
        // A swap and not a store, here and in `end_sleep`: loom does not know that nothing comes between
        // the swap of a thread that rings and what that has read.
        self.asleep.swap(true, Ordering::AcqRel);
        fence(Ordering::SeqCst);
    }

    /// The executor is awake again.
    pub(crate) fn end_sleep(&self) {
        self.asleep.swap(false, Ordering::AcqRel);
    }

    /// Counts the executor as asleep until its next turn, which a host will give it. If there is
    /// something for it already, the bell rings at once.
    pub(crate) fn leave_to_host(&self, has_work: bool) {
        self.set_asleep();
        if has_work || !self.messages.is_empty() {
            self.ring_if_asleep();
        }
    }

    /// Takes what is there now, in order, but no more than [`MESSAGES_PER_TAKE`]; what comes meanwhile
    /// is left for the next time. So threads that never stop waking cannot keep the executor here.
    #[cold]
    pub(crate) fn take(&self, f: impl FnMut(Message)) {
        self.take_at_most(MESSAGES_PER_TAKE, f);
    }

    /// Takes what is there now, in order, up to a limit.
    fn take_at_most(&self, limit: usize, mut f: impl FnMut(Message)) {
        // Counted first: what is popped was then pushed before the swap. One popped beyond that could
        // leave its mark on `last`, and equal wakes would be skipped for ever.
        let count = self.messages.len().min(limit);
        self.last.swap(NONE, Ordering::AcqRel);
        for _ in 0..count {
            if let Some(message) = self.messages.pop() {
                f(message);
            }
        }
    }

    /// Whether there is nothing to take.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Lets no more calls in, and drops those that were not taken, and what the host wanted called.
    /// Wakes that were not taken are handed to `wake`: a cleanup that is under way may wait for them.
    pub(crate) fn close(&self, mut wake: impl FnMut(Token)) {
        *self.is_closed.lock() = true;
        let on_wake = self.on_wake.lock().take();
        report::discard(on_wake);
        self.take_at_most(usize::MAX, |message| match message {
            Message::Wake(token) => wake(token),
            Message::Call(call) => drop_call(call),
        });
    }

    /// Whether calls are refused.
    #[cfg(feature = "worker")]
    pub(crate) fn is_closed(&self) -> bool {
        *self.is_closed.lock()
    }

    /// Sets what the host wants called when it is woken.
    pub(crate) fn set_on_wake(&self, on_wake: Arc<dyn Fn() + Send + Sync>) {
        let before = self.on_wake.lock().replace(on_wake);
        // Only now: its destructor may wake, which takes the lock.
        drop(before);
    }

    /// Counts a handle by which a thread may call.
    pub(crate) fn add_remote(&self) {
        self.remotes.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one less; the last one rings, as the executor may be waiting for nobody else.
    pub(crate) fn remove_remote(&self) {
        if self.remotes.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.ring_if_asleep();
        }
    }

    /// Whether a thread may still call.
    pub(crate) fn has_remotes(&self) -> bool {
        self.remotes.load(Ordering::Acquire) > 0
    }
}

/// Calls what the host wants called. Its panic ends here: whoever wakes has nothing to do with the host.
fn tell_host(on_wake: OnWake) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(move || on_wake())) {
        report::discard(payload);
        eprintln!(
            "bibelot: on_wake panicked; the host may not know that its executor wants a turn"
        );
    }
}

/// Drops a call that is not made. It is user code, its destructor too.
fn drop_call(call: Box<dyn FnOnce() + Send>) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(call))) {
        let task = String::from("a call that was never made");
        report::send_panic(Panicked::new(task, payload));
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}
