//! Two bells in one: which of them ends a sleep is said before that sleep.
//!
//! ```text
//!   the executor's thread                        any thread
//!   (0) say which   (1) set `asleep`  ...        ... (c) asleep? clear it, and ring what (0) says
//! ```
//!
//! The law: what is said comes before the inbox says that the executor sleeps (1), and is read by who
//! has seen that (c). So it needs no order of its own. One who comes late may read what is said for
//! the next sleep, and end none; but then its message is seen before that sleep (`inbox.rs`).
//!
//! Why it is a type of its own, for any two bells: the models at its end try every interleaving of
//! the code that ships, with bells that loom can see into.

use std::sync::Arc;

use crate::inbox;
use crate::primitive::{AtomicBool, Ordering};

/// A bell for a thread that is parked, and one for a thread that waits for events.
pub(super) struct Bell<P, E> {
    /// Ends a park.
    parked: P,
    /// Ends a wait for events.
    waiting: E,
    /// Whether the thread is parked in the sleep that is, or the next one.
    is_parked: AtomicBool,
}

impl<P, E> Bell<P, E> {
    /// One that rings for who waits for events.
    pub(super) fn new(parked: P, waiting: E) -> Self {
        Self {
            parked,
            waiting,
            is_parked: AtomicBool::new(false),
        }
    }

    /// Says which bell ends the next sleep. Comes before the inbox is told of that.
    pub(super) fn prepare(&self, is_parked: bool) {
        self.is_parked.store(is_parked, Ordering::Relaxed);
    }

    /// What was said: whether the thread is to be parked.
    pub(super) fn is_for_parked(&self) -> bool {
        self.is_parked.load(Ordering::Relaxed)
    }
}

impl<P: inbox::Bell, E: inbox::Bell> inbox::Bell for Arc<Bell<P, E>> {
    fn ring(&self) {
        if self.is_for_parked() {
            self.parked.ring();
        } else {
            self.waiting.ring();
        }
    }
}

#[cfg(all(test, loom))]
mod models {
    //! A lost wake shows as a deadlock. A mutant that was made by hand: what is said comes after the
    //! inbox is told of the sleep.

    use loom::model::Builder;
    use loom::sync::Notify;
    use loom::thread;

    use super::{Arc, Bell};
    use crate::inbox::{self, Inbox};
    use crate::waker::Token;

    /// A bell that keeps its ring until somebody has waited for it, as both real ones do.
    #[derive(Clone)]
    struct Kept(loom::sync::Arc<Notify>);

    impl inbox::Bell for Kept {
        fn ring(&self) {
            self.0.notify();
        }
    }

    #[test]
    fn a_wake_rings_the_bell_of_the_sleep_that_it_ends() {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(|| {
            let new = || Kept(loom::sync::Arc::new(Notify::new()));
            let (parked, waiting) = (new(), new());
            let bell = Arc::new(Bell::new(parked.clone(), waiting.clone()));
            let inbox = loom::sync::Arc::new(Inbox::new(Box::new(Arc::clone(&bell))));
            inbox.end_sleep();
            let thread = {
                let inbox = loom::sync::Arc::clone(&inbox);
                thread::spawn(move || {
                    inbox.wake(Token::new(1, 1, 0));
                    inbox.wake(Token::new(1, 1, 1));
                })
            };
            // It sleeps in the one and in the other, in turns, until it has seen both wakes.
            let (mut seen, mut may_park) = (0, false);
            while seen < 2 {
                inbox.take(|_| seen += 1);
                if seen == 2 {
                    break;
                }
                may_park = !may_park;
                bell.prepare(may_park);
                if inbox.prepare_sleep(false) {
                    match bell.is_for_parked() {
                        true => parked.0.wait(),
                        false => waiting.0.wait(),
                    }
                    inbox.end_sleep();
                }
            }
            thread.join().unwrap();
        });
    }
}
