//! Every interleaving of what tasks and threads share, as `inbox/models.rs` does it:
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test --lib --release models
//! ```
//!
//! A wait with a limit of zero looks once, and is dropped: so it is the wait that is cancelled, and
//! whatever is granted to it comes between the look and the drop. A waiter that is forgotten shows as
//! a deadlock, an item that is lost or doubled in the sums. Who waits is a thread here, as a task's
//! waker differs in nothing that happens under the lock; how its wake comes in is the inbox's model.
//!
//! Mutants that were made by hand, and what failed:
//!
//! - a getter or a putter that leaves and does not give on what it was granted, or does not leave:
//!   `an_item_of_a_cancelled_getter_goes_to_the_next`, `room_of_a_cancelled_putter_goes_to_the_next`;
//! - a close that wakes only the getters: `a_close_wakes_a_putter_of_a_full_queue`; only the putters:
//!   `a_close_ends_all_getters_and_loses_no_item`; a putter that does not look whether it is closed:
//!   `a_close_wakes_every_putter`;
//! - a getter that looks whether it is closed under another lock than the one under which it found
//!   nothing: `a_close_during_a_cancel_loses_no_item`;
//! - an item, or room, that is granted and not told: most of them;
//! - a getter that comes to wait and does not lock the front:
//!   `nobody_waits_behind_a_front_that_was_filled_meanwhile`; one that takes over what was granted:
//!   `what_is_taken_over_stays_in_order`;
//! - a sleeper that is told before it sleeps: all that block;
//! - a set that wakes the first only: `a_set_ends_every_wait`; a wait that is dropped and stays in
//!   line: `who_leaves_an_event_is_out_of_line`;
//! - a wait that looks at the flag and not at what it was granted: `a_clear_takes_nothing_back`;
//! - a value that is looked for and then set, or set after the event: `of_two_values_one_stands…`.
//!
//! Those of who waits until a queue is worked off are in `models/join.rs`.

mod join;

use std::sync::Arc as StdArc;
use std::time::Duration;

use loom::model::Builder;
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};

use super::{Closed, Event, Outcome, Queue, TryGetError, TryPutError};
use crate::block::block_on;

/// Three preemptions find all the mutants above.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// A thread that does something with a thing that is shared.
fn with<S, T>(shared: &Arc<S>, f: impl FnOnce(&S) -> T + 'static) -> JoinHandle<T>
where
    S: 'static,
    T: 'static,
{
    let shared = Arc::clone(shared);
    thread::spawn(move || f(&shared))
}

/// A getter that is cancelled unless its item is there at once.
fn get_or_leave(queue: &Queue<u32>) -> Option<u32> {
    queue.get_timeout(Duration::ZERO).ok()
}

/// Gets until the queue is closed; the sum of the items.
fn drain(queue: &Queue<u32>) -> u32 {
    let mut sum = 0;
    while let Ok(item) = queue.get_blocking() {
        sum += item;
    }
    sum
}

#[test]
fn a_getter_that_sleeps_has_what_is_put() {
    check(|| {
        let queue = Arc::new(Queue::new());
        let getter = with(&queue, Queue::get_blocking);
        queue.put_blocking(1).unwrap();
        assert_eq!(getter.join().unwrap(), Ok(1));
        assert!(queue.is_empty());
    });
}

/// The item that one who leaves was granted goes to the other, who sleeps.
#[test]
fn an_item_of_a_cancelled_getter_goes_to_the_next() {
    check(|| {
        let queue = Arc::new(Queue::new());
        let leaves = with(&queue, get_or_leave);
        let stays = with(&queue, Queue::get_blocking);
        queue.put_blocking(1).unwrap();
        let left_with = leaves.join().unwrap();
        if left_with.is_some() {
            queue.put_blocking(1).unwrap();
        }
        assert_eq!(stays.join().unwrap(), Ok(1));
        assert!(queue.is_empty());
    });
}

/// With nobody else there, it is at the head, before what came later.
#[test]
fn an_item_of_a_cancelled_getter_goes_back_to_the_head() {
    check(|| {
        let queue = Arc::new(Queue::new());
        let getter = with(&queue, get_or_leave);
        queue.put_blocking(1).unwrap();
        queue.put_blocking(2).unwrap();
        let got = getter.join().unwrap();
        let mut rest = Vec::new();
        while let Ok(item) = queue.try_get() {
            rest.push(item);
        }
        match got {
            None => assert_eq!(rest, [1, 2]),
            Some(item) => assert_eq!((item, rest), (1, vec![2])),
        }
    });
}

/// Two getters find nothing; the one takes an item, and the other item over. The other must not wait
/// behind that.
#[test]
fn nobody_waits_behind_a_front_that_was_filled_meanwhile() {
    check(|| {
        let queue = Arc::new(Queue::new());
        let getters = [(); 2].map(|()| with(&queue, Queue::get_blocking));
        queue.put_blocking(1).unwrap();
        queue.put_blocking(2).unwrap();
        let got = getters.map(|getter| getter.join().unwrap().unwrap());
        assert_eq!(got.iter().sum::<u32>(), 3);
        assert!(queue.is_empty());
    });
}

/// Two getters take over what the other has not taken, while more is put: each has what it has in
/// order, and what was granted to one who has to wait is not taken over by the other.
#[test]
fn what_is_taken_over_stays_in_order() {
    check(|| {
        let queue = Arc::new(Queue::new());
        let two = |queue: &Queue<u32>| [(); 2].map(|()| queue.get_blocking().unwrap());
        queue.put_blocking(1).unwrap();
        queue.put_blocking(2).unwrap();
        let getter = with(&queue, two);
        let putter = with(&queue, |queue| {
            queue.put_blocking(3).unwrap();
            queue.put_blocking(4).unwrap();
        });
        let mine = two(&queue);
        let theirs = getter.join().unwrap();
        putter.join().unwrap();
        assert!(mine[0] < mine[1] && theirs[0] < theirs[1]);
        let mut all = [mine, theirs].concat();
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3, 4]);
        assert!(queue.is_empty());
    });
}

#[test]
fn room_of_a_cancelled_putter_goes_to_the_next() {
    check(|| {
        let queue = Arc::new(Queue::bounded(1));
        queue.try_put(0).unwrap();
        let leaves = with(&queue, |queue| queue.put_timeout(1, Duration::ZERO));
        let stays = with(&queue, |queue| queue.put_blocking(2));
        assert_eq!(queue.get_blocking(), Ok(0));
        let mut expected = 2;
        match leaves.join().unwrap() {
            Ok(()) => expected += 1,
            Err(error) => assert_eq!(error, TryPutError::Full(1)),
        }
        let mut sum = queue.get_blocking().unwrap();
        if expected == 3 {
            sum += queue.get_blocking().unwrap();
        }
        assert_eq!(stays.join().unwrap(), Ok(()));
        assert_eq!(sum, expected);
        assert_eq!(queue.try_get(), Err(TryGetError::Empty));
        assert_eq!(queue.try_put(3), Ok(()), "there is room again");
    });
}

#[test]
fn a_close_ends_all_getters_and_loses_no_item() {
    check(|| {
        let queue = Arc::new(Queue::new());
        let getters = [with(&queue, drain), with(&queue, drain)];
        queue.put_blocking(1).unwrap();
        queue.close();
        let sums = getters.map(|getter| getter.join().unwrap());
        assert_eq!(sums.iter().sum::<u32>(), 1);
    });
}

/// One who leaves gives its item on although the queue is closed meanwhile; if nobody waits any more,
/// it lies there for who asks.
#[test]
fn a_close_during_a_cancel_loses_no_item() {
    check(|| {
        let queue = Arc::new(Queue::new());
        let leaves = with(&queue, get_or_leave);
        let stays = with(&queue, drain);
        queue.put_blocking(1).unwrap();
        queue.close();
        let left_with = leaves.join().unwrap().unwrap_or(0);
        let sum = left_with + stays.join().unwrap() + drain(&queue);
        assert_eq!(sum, 1);
    });
}

#[test]
fn a_close_gives_a_putter_its_item_back_or_it_was_put() {
    check(|| {
        let queue = Arc::new(Queue::bounded(1));
        queue.try_put(1).unwrap();
        let putter = with(&queue, |queue| queue.put_blocking(2));
        let closer = with(&queue, Queue::close);
        let mut sum = drain(&queue);
        closer.join().unwrap();
        match putter.join().unwrap() {
            Ok(()) => {}
            Err(Closed(item)) => sum += item,
        }
        assert_eq!(sum, 3);
        assert!(queue.is_empty());
    });
}

/// Both sleep for room. A getter that comes meanwhile may give it to one of them, in a queue that is
/// closed.
#[test]
fn a_close_wakes_every_putter() {
    check(|| {
        let queue = Arc::new(Queue::bounded(1));
        queue.try_put(1).unwrap();
        let putters = [2, 4].map(|item| with(&queue, move |queue| queue.put_blocking(item)));
        queue.close();
        let mut sum = queue.try_get().unwrap();
        for putter in putters {
            if let Err(Closed(item)) = putter.join().unwrap() {
                sum += item;
            }
        }
        assert_eq!(sum + drain(&queue), 7);
    });
}

/// The same, and nobody makes room.
#[test]
fn a_close_wakes_a_putter_of_a_full_queue() {
    check(|| {
        let queue = Arc::new(Queue::bounded(1));
        queue.try_put(1).unwrap();
        let putter = with(&queue, |queue| queue.put_blocking(2));
        queue.close();
        assert_eq!(putter.join().unwrap(), Err(Closed(2)));
        assert_eq!(drain(&queue), 1);
    });
}

#[test]
fn a_set_ends_every_wait() {
    check(|| {
        let event = Arc::new(Event::new());
        let waits = [
            with(&event, Event::wait_blocking),
            with(&event, Event::wait_blocking),
        ];
        event.set();
        waits.map(|wait| wait.join().unwrap());
    });
}

/// One who waited goes on although the event is cleared before it comes to it.
#[test]
fn a_clear_takes_nothing_back() {
    check(|| {
        let event = Arc::new(Event::new());
        let waiter = with(&event, Event::wait_blocking);
        let is_waiting = event.statistics().waiting == 1;
        event.set();
        event.clear();
        if !is_waiting {
            // It may have come between or before; one that came too late needs another.
            event.set();
        }
        waiter.join().unwrap();
    });
}

#[test]
fn one_who_leaves_an_event_takes_nobody_with_it() {
    check(|| {
        let event = Arc::new(Event::new());
        let leaves = with(&event, |event| event.wait_timeout(Duration::ZERO));
        let stays = with(&event, Event::wait_blocking);
        event.set();
        stays.join().unwrap();
        leaves.join().unwrap();
    });
}

#[test]
fn who_leaves_an_event_is_out_of_line() {
    check(|| {
        let event = Arc::new(Event::new());
        let leave = [(); 2].map(|()| with(&event, |event| event.wait_timeout(Duration::ZERO)));
        for leaves in leave {
            assert!(!leaves.join().unwrap());
        }
        assert_eq!(event.statistics().waiting, 0);
    });
}

#[test]
fn of_two_values_one_stands_and_all_see_it() {
    check(|| {
        let outcome = Arc::new(Outcome::new());
        let waiters = [(); 2].map(|()| with(&outcome, |outcome| *outcome.wait_blocking()));
        let setter = with(&outcome, |outcome| outcome.set(1));
        let mine = outcome.set(2);
        let theirs = setter.join().unwrap();
        let value = *outcome.get().unwrap();
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), value);
        }
        match value {
            1 => assert_eq!((theirs, mine), (Ok(()), Err(2))),
            _ => assert_eq!((theirs, mine), (Err(1), Ok(()))),
        }
    });
}

/// A future, as a task polls it, and not the form that blocks.
#[test]
fn an_outcome_is_there_for_who_awaits_it() {
    check(|| {
        let outcome = StdArc::new(Outcome::new());
        let setter = {
            let outcome = StdArc::clone(&outcome);
            thread::spawn(move || outcome.set(42).unwrap())
        };
        assert_eq!(block_on(outcome.wait(), None), Some(&42));
        setter.join().unwrap();
    });
}
