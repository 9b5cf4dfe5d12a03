//! Every interleaving of the inbox: loom runs each model here under all orders of its threads that
//! the C11 memory model allows (with at most as many preemptions as `check` says).
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test --lib --release models
//! ```
//!
//! The executor of a model does what the real one does: take, poll what was woken, look, sleep. A
//! task is *polled* by reading, without any order of its own, what its waker had announced before
//! the wake. A lost wake therefore shows as a deadlock: the executor sleeps and nobody rings.
//!
//! Mutants that were made by hand, and what failed:
//!
//! - no second look before the sleep, or the look before the flag is set, or the flag read before
//!   the push: `a_wake_ends_the_sleep` and most others;
//! - no fence in `ring_if_asleep`, or none in `set_asleep`: `the_last_remote_ends_the_sleep` (the
//!   lock in the model's queue stands in for the fences elsewhere);
//! - the equal wake skipped by a load and not by a swap, or `last` never cleared, or cleared without
//!   acquiring: `an_equal_wake_that_is_skipped_is_seen`;
//! - `take` pops until nothing is left: `a_wake_during_the_taking_is_not_skipped`;
//! - `call` marks `last` with a store: `a_call_hides_no_wake_that_was_skipped`;
//! - `call` lets the lock go before it pushes: `a_call_is_made_or_dropped_but_never_forgotten`;
//! - no look at the remotes before the sleep, or no ring by the last one:
//!   `the_last_remote_ends_the_sleep`;
//! - no look in `leave_to_host`: `a_wake_between_two_turns_rings`;
//! - a ring by all who see the flag: `a_sleep_is_ended_by_one_ring`;
//! - `close` drops wakes as it drops calls:
//!   `a_wake_that_meets_a_shutdown_is_seen_by_what_goes_on`.

use std::sync::atomic::{AtomicUsize as StdAtomicUsize, Ordering as StdOrdering};

use loom::model::Builder;
use loom::sync::atomic::AtomicUsize;
use loom::sync::{Arc, Notify};
use loom::thread;

use super::{Bell, Inbox, Message, Token};
use crate::primitive::Ordering;
use crate::registry;

/// A bell that keeps its ring until somebody has waited for it, as an edge-triggered `eventfd` does.
#[derive(Clone)]
struct ModelBell(Arc<(Notify, AtomicUsize)>);

impl ModelBell {
    fn new() -> Self {
        Self(Arc::new((Notify::new(), AtomicUsize::new(0))))
    }

    /// Sleeps until the next ring, or returns at once if there was one.
    fn wait(&self) {
        self.0.0.wait();
    }

    /// How often it was rung.
    fn rings(&self) -> usize {
        self.0.1.load(Ordering::Relaxed)
    }
}

impl Bell for ModelBell {
    fn ring(&self) {
        self.0.1.fetch_add(1, Ordering::Relaxed);
        self.0.0.notify();
    }
}

/// Threads of a model, the executor's included, need more preemptions the more they are; three find
/// all the mutants above.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// An inbox and its bell.
fn inbox() -> (Arc<Inbox>, ModelBell) {
    let bell = ModelBell::new();
    (Arc::new(Inbox::new(Box::new(bell.clone()))), bell)
}

/// The token of the task in this slot.
fn task(slot: u32) -> Token {
    Token::new(1, 1, slot)
}

/// What a waker's thread has done before it wakes.
type Done = Arc<AtomicUsize>;

/// A thread that does something and then wakes the task.
fn waker(inbox: &Arc<Inbox>, token: Token, done: &Done) -> thread::JoinHandle<()> {
    let (inbox, done) = (Arc::clone(inbox), Arc::clone(done));
    thread::spawn(move || {
        done.fetch_add(1, Ordering::Relaxed);
        inbox.wake(token);
    })
}

/// Runs an executor until `poll`, called after each taking with the slots that were woken, says that
/// all is done.
fn run(inbox: &Inbox, bell: &ModelBell, mut poll: impl FnMut(&[usize]) -> bool) {
    loop {
        let mut woken = Vec::new();
        inbox.take(|message| {
            if let Message::Wake(token) = message {
                woken.push(token.slot());
            }
        });
        if poll(&woken) {
            return;
        }
        if inbox.prepare_sleep(inbox.has_remotes()) {
            bell.wait();
            inbox.end_sleep();
        }
    }
}

#[test]
fn a_wake_ends_the_sleep() {
    check(|| {
        let (inbox, bell) = inbox();
        let done = Done::default();
        let thread = waker(&inbox, task(0), &done);
        run(&inbox, &bell, |woken| {
            !woken.is_empty() && done.load(Ordering::Relaxed) == 1
        });
        thread.join().unwrap();
    });
}

#[test]
fn two_wakes_of_two_tasks_are_both_taken() {
    check(|| {
        let (inbox, bell) = inbox();
        let done = [Done::default(), Done::default()];
        let threads = [0, 1].map(|slot| waker(&inbox, task(slot), &done[slot as usize]));
        let mut polled = [false, false];
        run(&inbox, &bell, |woken| {
            for &slot in woken {
                polled[slot] = done[slot].load(Ordering::Relaxed) == 1;
            }
            polled == [true, true]
        });
        threads.map(|thread| thread.join().unwrap());
    });
}

#[test]
fn an_equal_wake_that_is_skipped_is_seen() {
    check(|| {
        let (inbox, bell) = inbox();
        let done = [Done::default(), Done::default()];
        let threads = [0, 1].map(|nth: usize| waker(&inbox, task(0), &done[nth]));
        let mut seen = 0;
        run(&inbox, &bell, |woken| {
            if !woken.is_empty() {
                // One poll looks at both: whichever wake was skipped, what it announced is there.
                seen = done.iter().map(|done| done.load(Ordering::Relaxed)).sum();
            }
            seen == 2
        });
        threads.map(|thread| thread.join().unwrap());
    });
}

/// The executor takes a message; while it does, a wake comes and is taken too; after the poll comes
/// an equal wake. It must not be taken for one that is still on its way.
#[test]
fn a_wake_during_the_taking_is_not_skipped() {
    check(|| {
        let (inbox, bell) = inbox();
        let done = Done::default();
        inbox.wake(task(1));
        let thread = {
            let (inbox, done) = (Arc::clone(&inbox), Arc::clone(&done));
            thread::spawn(move || {
                inbox.wake(task(0));
                done.store(1, Ordering::Relaxed);
                inbox.wake(task(0));
            })
        };
        let mut seen = 0;
        run(&inbox, &bell, |woken| {
            if woken.contains(&0) {
                seen = done.load(Ordering::Relaxed);
            }
            seen == 1
        });
        thread.join().unwrap();
    });
}

/// A wake is skipped because an equal one is on its way; a call comes between the two.
#[test]
fn a_call_hides_no_wake_that_was_skipped() {
    check(|| {
        let (inbox, bell) = inbox();
        let done = [Done::default(), Done::default()];
        let threads = [0, 1].map(|nth: usize| waker(&inbox, task(0), &done[nth]));
        assert!(inbox.call(Box::new(|| {})).is_ok());
        let mut seen = 0;
        run(&inbox, &bell, |woken| {
            if !woken.is_empty() {
                seen = done.iter().map(|done| done.load(Ordering::Relaxed)).sum();
            }
            seen == 2
        });
        threads.map(|thread| thread.join().unwrap());
    });
}

/// The call is not the executor's own: so the mark that it leaves on `last` is a third thread's.
#[test]
fn a_call_of_a_third_thread_hides_no_wake_that_was_skipped() {
    let mut builder = Builder::new();
    // Four threads: two preemptions keep it to seconds, and suffice for the mutant.
    builder.preemption_bound = Some(2);
    builder.check(|| {
        let (inbox, bell) = inbox();
        let done = [Done::default(), Done::default()];
        let threads = [0, 1].map(|nth: usize| waker(&inbox, task(0), &done[nth]));
        let caller = {
            let inbox = Arc::clone(&inbox);
            thread::spawn(move || assert!(inbox.call(Box::new(|| {})).is_ok()))
        };
        let mut seen = 0;
        run(&inbox, &bell, |woken| {
            if !woken.is_empty() {
                seen = done.iter().map(|done| done.load(Ordering::Relaxed)).sum();
            }
            seen == 2
        });
        threads.map(|thread| thread.join().unwrap());
        caller.join().unwrap();
    });
}

#[test]
fn a_sleep_is_ended_by_one_ring() {
    check(|| {
        let (inbox, bell) = inbox();
        assert!(inbox.prepare_sleep(false));
        let done = Done::default();
        let threads = [0, 1].map(|slot| waker(&inbox, task(slot), &done));
        threads.map(|thread| thread.join().unwrap());
        assert_eq!(bell.rings(), 1, "whoever clears the flag rings");
    });
}

#[test]
fn a_call_is_made_or_dropped_but_never_forgotten() {
    /// Counts its end, whether called or not.
    struct Counted(std::sync::Arc<StdAtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, StdOrdering::Relaxed);
        }
    }
    check(|| {
        let (inbox, _bell) = inbox();
        let ends = std::sync::Arc::new(StdAtomicUsize::new(0));
        let thread = {
            let (inbox, counted) = (Arc::clone(&inbox), Counted(ends.clone()));
            thread::spawn(move || drop(inbox.call(Box::new(move || drop(counted)))))
        };
        inbox.take(|message| {
            if let Message::Call(call) = message {
                call();
            }
        });
        inbox.close(|_| {});
        thread.join().unwrap();
        assert_eq!(ends.load(StdOrdering::Relaxed), 1);
    });
}

/// An executor that waits only because some thread may still call notices that none can any more.
#[test]
fn the_last_remote_ends_the_sleep() {
    check(|| {
        let (inbox, bell) = inbox();
        inbox.add_remote();
        let thread = {
            let inbox = Arc::clone(&inbox);
            thread::spawn(move || inbox.remove_remote())
        };
        while inbox.has_remotes() {
            if inbox.prepare_sleep(true) {
                bell.wait();
                inbox.end_sleep();
            }
        }
        thread.join().unwrap();
    });
}

#[test]
fn a_wake_between_two_turns_rings() {
    check(|| {
        let (inbox, bell) = inbox();
        let done = Done::default();
        let thread = waker(&inbox, task(0), &done);
        let mut seen = 0;
        while seen == 0 {
            // What the host does between turns: it waits for the bell and for nothing else.
            inbox.leave_to_host(false);
            bell.wait();
            inbox.end_sleep();
            inbox.take(|_| seen = done.load(Ordering::Relaxed));
        }
        thread.join().unwrap();
    });
}

/// The shutdown of an executor, as `executor/shutdown.rs` has it: no more calls, but cleanups go on,
/// and what they wait for in threads still wakes them: before the closing, beside it, and in the sleeps
/// between that and the end.
#[test]
fn a_wake_that_meets_a_shutdown_is_seen_by_what_goes_on() {
    check(|| {
        let (_, bell) = inbox();
        let inbox = std::sync::Arc::new(Inbox::new(Box::new(bell.clone())));
        let (id, generation) = registry::enlist(std::sync::Arc::clone(&inbox)).unwrap();
        let done = Done::default();
        let thread = {
            let done = Arc::clone(&done);
            thread::spawn(move || {
                done.store(1, Ordering::Relaxed);
                registry::deliver(Token::new(id, generation, 0));
            })
        };
        let mut is_ready = false;
        inbox.close(|_| is_ready = true);
        inbox.end_sleep();
        run(&inbox, &bell, |woken| {
            is_ready |= !woken.is_empty();
            is_ready && done.load(Ordering::Relaxed) == 1
        });
        drop(registry::strike_off(id, generation));
        thread.join().unwrap();
    });
}

/// The end of an executor, as `executor/shutdown.rs` has it: no more calls, then off the list.
#[test]
fn a_wake_that_meets_the_end_of_its_executor_changes_nothing_and_keeps_nothing() {
    check(|| {
        let (_, bell) = inbox();
        let inbox = std::sync::Arc::new(Inbox::new(Box::new(bell)));
        let left = std::sync::Arc::downgrade(&inbox);
        let (id, generation) = registry::enlist(std::sync::Arc::clone(&inbox)).unwrap();
        let token = Token::new(id, generation, 0);
        let thread = thread::spawn(move || registry::deliver(token));
        inbox.close(|_| {});
        drop(registry::strike_off(id, generation));
        assert!(inbox.call(Box::new(|| {})).is_err());
        drop(inbox);
        thread.join().unwrap();
        assert!(left.upgrade().is_none(), "whoever is last drops it");
        registry::deliver(token);
    });
}
