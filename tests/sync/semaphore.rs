//! [`Semaphore`].

use std::rc::Rc;

use bibelot::spawn;
use bibelot::sync::Semaphore;
use bibelot::task::yield_now;
use bibelot::testing::Sim;
use bibelot::time::{Duration, sleep};

use crate::support::{Trace, panic_of, poll_once, same_every_time};
use crate::{now, waiting};

#[test]
fn as_many_as_there_are_permits_go_on_at_once_in_order() {
    same_every_time(as_many_as_there_are_permits_go_on_at_once_in_order);
    let trace = Trace::new();
    Sim::new().run(async {
        let semaphore = Rc::new(Semaphore::new(2));
        for name in ["a", "b", "c", "d"] {
            let (semaphore, trace) = (Rc::clone(&semaphore), trace.clone());
            spawn(async move {
                trace.say(format!("{name} asks"));
                let _permit = semaphore.acquire().await;
                trace.say(format!("{name} has one"));
                sleep(Duration::from_secs(1)).await;
                trace.say(format!("{name} gives it back"));
            });
        }
        yield_now().await;
        trace.say(format!("{semaphore:?}"));
    });
    let expected = [
        "a asks",
        "a has one",
        "b asks",
        "b has one",
        "c asks",
        "d asks",
        "Semaphore { available: 0, permits: 2, waiting: 2 }",
        "a gives it back",
        "b gives it back",
        "c has one",
        "d has one",
        "c gives it back",
        "d gives it back",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn one_that_wants_many_is_not_overtaken_by_those_who_want_few() {
    let semaphore = Semaphore::new(3);
    let one = now(semaphore.acquire());
    let mut three = waiting(semaphore.acquire_many(3));
    // Two are free, and not for who comes later.
    assert_eq!(semaphore.available_permits(), 2);
    assert!(semaphore.try_acquire().is_err());
    let mut few = waiting(semaphore.acquire());
    drop(one);
    assert!(poll_once(&mut few).is_pending());
    let std::task::Poll::Ready(permits) = poll_once(&mut three) else {
        panic!("three are free");
    };
    assert_eq!((permits.count(), semaphore.available_permits()), (3, 0));
    drop(permits);
    assert!(poll_once(&mut few).is_ready());
    assert_eq!(semaphore.available_permits(), 3);
}

#[test]
fn what_is_given_back_is_granted_to_all_who_can_have_theirs() {
    let semaphore = Semaphore::new(4);
    let all = now(semaphore.acquire_many(4));
    let mut one = waiting(semaphore.acquire());
    let mut two = waiting(semaphore.acquire_many(2));
    let mut also_two = waiting(semaphore.acquire_many(2));
    let mut last = waiting(semaphore.acquire());
    drop(all);
    // One and two have theirs; the other two must wait for more, and the last stands behind.
    assert_eq!(semaphore.available_permits(), 1);
    assert!(poll_once(&mut last).is_pending());
    assert!(poll_once(&mut also_two).is_pending());
    assert!(poll_once(&mut two).is_ready());
    assert!(poll_once(&mut also_two).is_ready());
    assert!(poll_once(&mut last).is_ready());
    assert!(poll_once(&mut one).is_ready());
    assert_eq!(semaphore.available_permits(), 4);
}

#[test]
fn who_stands_behind_one_that_leaves_goes_on_if_it_wants_less() {
    let semaphore = Semaphore::new(3);
    let _one = now(semaphore.acquire());
    let three = waiting(semaphore.acquire_many(3));
    let mut two = waiting(semaphore.acquire_many(2));
    drop(three);
    assert!(poll_once(&mut two).is_ready());
}

#[test]
fn permits_that_were_granted_to_who_is_dropped_go_on_to_the_next_ones() {
    let semaphore = Semaphore::new(2);
    let both = now(semaphore.acquire_many(2));
    let granted = waiting(semaphore.acquire_many(2));
    let mut one = waiting(semaphore.acquire());
    let mut other = waiting(semaphore.acquire());
    drop(both);
    drop(granted);
    assert_eq!(semaphore.available_permits(), 0);
    let (one, other) = (poll_once(&mut one), poll_once(&mut other));
    assert!(one.is_ready() && other.is_ready());
    drop((one, other));
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
fn to_ask_for_more_than_there_can_be_is_a_panic_and_not_a_wait() {
    let semaphore = Semaphore::new(2);
    let _one = now(semaphore.acquire());
    let line = line!() + 1;
    let text = panic_of(|| now(semaphore.acquire_many(3)));
    let expected = format!(
        "a semaphore of 2 permits can never grant 3, which are waited for at \
         tests/sync/semaphore.rs:{line}:42; make it with more, or ask for fewer"
    );
    assert_eq!(text, expected);
    // No place in line was taken.
    assert!(semaphore.try_acquire_many(3).is_err());
    assert!(semaphore.try_acquire().is_ok());
    let none = Semaphore::new(0);
    panic_of(|| now(none.acquire()));
}

#[test]
fn a_permit_that_is_forgotten_is_one_permit_fewer() {
    let semaphore = Semaphore::new(3);
    let first = now(semaphore.acquire());
    let second = now(semaphore.acquire());
    let mut three = waiting(semaphore.acquire_many(3));
    let mut two = waiting(semaphore.acquire_many(2));
    first.forget();
    assert_eq!(
        format!("{semaphore:?}"),
        "Semaphore { available: 1, permits: 2, waiting: 2 }"
    );
    // What can never be is refused, and then the next has its turn.
    let text = panic_of(|| poll_once(&mut three).is_ready());
    assert!(text.starts_with("a semaphore of 2 permits can never grant 3"));
    assert!(poll_once(&mut two).is_pending());
    drop(second);
    assert!(poll_once(&mut two).is_ready());
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
fn who_can_never_be_served_is_woken_to_learn_it() {
    same_every_time(who_can_never_be_served_is_woken_to_learn_it);
    Sim::new().run(async {
        let semaphore = Rc::new(Semaphore::new(2));
        let held = semaphore.acquire().await;
        let waiter = spawn({
            let semaphore = Rc::clone(&semaphore);
            async move { semaphore.acquire_many(2).await.count() }
        });
        let behind = spawn({
            let semaphore = Rc::clone(&semaphore);
            async move { semaphore.acquire().await.count() }
        });
        yield_now().await;
        held.forget();
        assert!(waiter.await.unwrap_err().is_panic());
        assert_eq!(behind.await.unwrap(), 1);
    });
}

#[test]
fn no_permits_are_had_at_once_but_behind_those_who_wait() {
    let semaphore = Semaphore::new(1);
    assert_eq!(now(semaphore.acquire_many(0)).count(), 0);
    let held = semaphore.try_acquire().unwrap();
    assert_eq!(semaphore.try_acquire_many(0).unwrap().count(), 0);
    let mut one = waiting(semaphore.acquire());
    let mut none = waiting(semaphore.acquire_many(0));
    drop(held);
    assert!(poll_once(&mut none).is_ready());
    assert!(poll_once(&mut one).is_ready());
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn a_forgotten_waiter_costs_its_permits_and_nothing_else() {
    let semaphore = Semaphore::new(2);
    let both = now(semaphore.acquire_many(2));
    std::mem::forget(waiting(semaphore.acquire()));
    let mut other = waiting(semaphore.acquire());
    drop(both);
    assert!(poll_once(&mut other).is_ready());
    assert_eq!(semaphore.available_permits(), 1);
    assert!(semaphore.try_acquire().is_ok());
}

#[test]
fn a_permit_and_its_error_say_what_they_are() {
    let semaphore = Semaphore::new(2);
    let permit = now(semaphore.acquire_many(2));
    assert_eq!(format!("{permit:?}"), "Permit { count: 2, .. }");
    assert_eq!(
        semaphore.try_acquire().unwrap_err().to_string(),
        "not so many are available, or others wait for them"
    );
}
