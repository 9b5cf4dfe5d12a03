//! [`Sequencer`]: makes tasks come in the order that a test wants.
//!
//! ```text
//!   step(0) ─► guard ─ dropped ─► step(1) ─► guard ─ dropped ─► step(2) …      whichever task each is in
//! ```
//!
//! It has two promises to keep: no step is taken twice, and none is skipped. So a step that is given up
//! before its turn breaks the whole sequence: those who wait for later ones would wait for ever.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::executor::context;
use crate::place;
use crate::task::waits::{Thing, Waits};
use crate::waker;

/// Where in the program.
type At = &'static Location<'static>;

/// Forces one interleaving: numbers what is to happen, in whatever tasks, and each waits until the one before
/// is done. (trio's `testing.Sequencer`.)
///
/// A test that wants to see what happens if *this* comes just between *those two* says so with it,
/// instead of counting yields. Steps begin with 0, each is for one use, and none is left out.
///
/// # Examples
///
/// ```
/// use bibelot::task;
/// use bibelot::testing::{Sequencer, Sim};
/// use std::cell::RefCell;
///
/// let (order, sequencer) = (RefCell::new(String::new()), Sequencer::new());
/// Sim::new().run(task::scope(async |s| {
///     s.spawn(async {
///         let step = sequencer.step(0).await;
///         order.borrow_mut().push('a');
///         drop(step);
///         let _step = sequencer.step(2).await;
///         order.borrow_mut().push('c');
///     });
///     s.spawn(async {
///         let _step = sequencer.step(1).await;
///         order.borrow_mut().push('b');
///     });
/// }));
/// assert_eq!(order.into_inner(), "abc");
/// ```
#[derive(Default)]
pub struct Sequencer {
    /// How far it is.
    state: RefCell<State>,
}

/// How far a sequence is.
#[derive(Default)]
struct State {
    /// The step whose turn it is.
    current: usize,
    /// Where that was taken, once it was.
    taken: Option<At>,
    /// Those who wait, by their steps: where they were asked for, and whom to wake, if they were not woken.
    waiting: BTreeMap<usize, (At, Option<Waker>)>,
    /// Which step was given up, and where that was asked for.
    broken: Option<(usize, At)>,
}

impl State {
    /// Where this step was taken before: the place, if it is still known.
    fn taken(&self, step: usize) -> Option<Option<At>> {
        if step < self.current {
            return Some(None);
        }
        let waits = self.waiting.get(&step).map(|(at, _)| *at);
        let taken = self.taken.filter(|_| step == self.current);
        taken.or(waits).map(Some)
    }

    /// Breaks the sequence; those who are to be woken come back.
    fn give_up(&mut self, step: usize, at: At) -> Vec<Waker> {
        self.broken.get_or_insert((step, at));
        let waiting = std::mem::take(&mut self.waiting);
        waiting
            .into_values()
            .filter_map(|(_, waker)| waker)
            .collect()
    }
}

impl Sequencer {
    /// Makes a sequence whose first step is 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits for the turn of this step; the next one's comes when the guard is dropped.
    ///
    /// # Panics
    ///
    /// Panics, when polled, if this step was asked for before, or if the sequence is broken: some step was
    /// cancelled before its turn.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: a step that was polled and is dropped before it has its guard breaks the
    /// sequence, and everybody who waits for another one, or will, panics.
    #[track_caller]
    pub fn step(&self, step: usize) -> Step<'_> {
        Step {
            sequencer: self,
            step,
            is_claimed: false,
            at: place::here(),
        }
    }

    /// # Panics
    ///
    /// Panics if the sequence is broken.
    fn assert_whole(&self, step: usize, at: At) {
        if let Some((broken, broken_at)) = self.state.borrow().broken {
            panic!(
                "the sequence is broken: step {broken} of {broken_at} was cancelled before its turn, so \
                 step {step} at {at} never comes"
            );
        }
    }
}

impl fmt::Debug for Sequencer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.borrow();
        f.debug_struct("Sequencer")
            .field("current", &state.current)
            .field("is_taken", &state.taken.is_some())
            .field("waiting", &state.waiting.keys())
            .field("is_broken", &state.broken.is_some())
            .finish()
    }
}

/// The future of [`Sequencer::step`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Step<'a> {
    /// Whose step it is.
    sequencer: &'a Sequencer,
    /// Its number.
    step: usize,
    /// Whether the number is its own, and it has no guard yet.
    is_claimed: bool,
    /// Where it was asked for.
    at: At,
}

impl<'a> Future for Step<'a> {
    type Output = StepGuard<'a>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<StepGuard<'a>> {
        let this = &mut *self;
        let (sequencer, step, at) = (this.sequencer, this.step, this.at);
        if !this.is_claimed {
            sequencer.assert_whole(step, at);
            let taken = sequencer.state.borrow().taken(step);
            if let Some(before) = taken {
                let before = before.map(|before| format!(" at {before}"));
                panic!(
                    "step {step} at {at} was asked for before{}; each is for one use",
                    before.unwrap_or_default()
                );
            }
            this.is_claimed = true;
        } else if sequencer.state.borrow().broken.is_some() {
            this.is_claimed = false;
            sequencer.assert_whole(step, at);
        }
        if sequencer.state.borrow().current == step {
            this.is_claimed = false;
            let mut state = sequencer.state.borrow_mut();
            state.taken = Some(at);
            let own = state.waiting.remove(&step);
            drop(state);
            drop(own);
            return Poll::Ready(StepGuard { sequencer, step });
        }
        let waits = (at, Some(waker::keep(cx.waker())));
        let replaced = sequencer.state.borrow_mut().waiting.insert(step, waits);
        drop(replaced);
        context::note(Waits::TASK.by_name(Thing::Step), at);
        Poll::Pending
    }
}

impl Drop for Step<'_> {
    /// Breaks the sequence, if its turn has not come.
    fn drop(&mut self) {
        if !self.is_claimed {
            return;
        }
        let mut state = self.sequencer.state.borrow_mut();
        let own = state.waiting.remove(&self.step);
        let others = state.give_up(self.step, self.at);
        drop(state);
        drop(own);
        others.into_iter().for_each(waker::wake_kept);
    }
}

/// The turn of one step of a [`Sequencer`]; the next one's comes when this is dropped.
#[must_use = "if it is dropped at once, so is the step done"]
pub struct StepGuard<'a> {
    /// Whose step it is.
    sequencer: &'a Sequencer,
    /// Its number.
    step: usize,
}

impl Drop for StepGuard<'_> {
    fn drop(&mut self) {
        let mut state = self.sequencer.state.borrow_mut();
        state.current = self.step + 1;
        state.taken = None;
        let next = state.current;
        // Who was woken keeps its place until it is polled: by that the step is known to be asked for.
        let waiting = state.waiting.get_mut(&next);
        let waker = waiting.and_then(|(_, waker)| waker.take());
        drop(state);
        if let Some(waker) = waker {
            waker::wake_kept(waker);
        }
    }
}

impl fmt::Debug for StepGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StepGuard").field(&self.step).finish()
    }
}
