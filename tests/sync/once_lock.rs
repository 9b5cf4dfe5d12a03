//! [`OnceLock`].

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;

use bibelot::spawn;
use bibelot::sync::OnceLock;
use bibelot::task::yield_now;
use bibelot::testing::{Sim, cancel_storm};
use bibelot::time::{Duration, sleep};

use crate::support::{Trace, panic_of, poll_once, reporting_to, same_every_time};
use crate::{now, waiting};

#[test]
fn the_first_makes_it_and_all_have_the_same() {
    same_every_time(the_first_makes_it_and_all_have_the_same);
    let trace = Trace::new();
    Sim::new().run(async {
        let lock = Rc::new(OnceLock::new());
        for name in ["a", "b", "c"] {
            let (lock, trace) = (Rc::clone(&lock), trace.clone());
            spawn(async move {
                let value = lock.get_or_init(async || {
                    trace.say(format!("{name} makes it"));
                    sleep(Duration::from_secs(1)).await;
                    name
                });
                trace.say(format!("{name}: {}", value.await));
            });
        }
        let waiter = spawn({
            let (lock, trace) = (Rc::clone(&lock), trace.clone());
            async move { trace.say(format!("d: {}", lock.wait().await)) }
        });
        waiter.await.unwrap();
        assert_eq!(lock.get(), Some(&"a"));
    });
    let expected = ["a makes it", "a: a", "b: a", "c: a", "d: a"];
    let mut said = trace.take();
    said.sort_by_key(|line| !line.ends_with("makes it"));
    said[1..].sort();
    assert_eq!(said, expected);
}

#[test]
fn the_next_makes_it_if_one_is_cancelled_panics_or_fails() {
    same_every_time(the_next_makes_it_if_one_is_cancelled_panics_or_fails);
    let trace = Trace::new();
    Sim::from_builder(reporting_to(&trace)).run(async {
        let lock = Rc::new(OnceLock::<&str>::new());
        let cancelled = spawn({
            let lock = Rc::clone(&lock);
            async move { *lock.get_or_init(async || pending().await).await }
        });
        let panics = spawn({
            let lock = Rc::clone(&lock);
            async move { *lock.get_or_init(async || panic!("on purpose")).await }
        });
        let fails = spawn({
            let lock = Rc::clone(&lock);
            async move {
                let value = lock.get_or_try_init(async || {
                    yield_now().await;
                    Err("wrong")
                });
                value.await.map(|_| ())
            }
        });
        let makes = spawn({
            let lock = Rc::clone(&lock);
            async move { *lock.get_or_init(async || "made").await }
        });
        yield_now().await;
        assert_eq!(lock.get(), None);
        cancelled.cancel();
        assert!(cancelled.await.unwrap_err().is_cancelled());
        assert!(panics.await.unwrap_err().is_panic());
        assert_eq!(fails.await.unwrap(), Err("wrong"));
        assert_eq!(makes.await.unwrap(), "made");
    });
    assert!(trace.take().is_empty());
}

#[test]
fn what_is_set_meanwhile_stands_and_nobody_waits_for_the_other() {
    let lock = OnceLock::new();
    let mut makes = waiting(lock.get_or_init(async || {
        yield_now().await;
        1
    }));
    let mut waits = waiting(lock.get_or_init(async || 2));
    let mut only_waits = waiting(lock.wait());
    assert_eq!(lock.set(3), Ok(()));
    assert_eq!(lock.set(4), Err(4));
    assert!(
        poll_once(&mut waits)
            .map(|value| assert_eq!(*value, 3))
            .is_ready()
    );
    assert!(
        poll_once(&mut only_waits)
            .map(|value| assert_eq!(*value, 3))
            .is_ready()
    );
    assert_eq!(*now(lock.get_or_init(async || 5)), 3);
    assert!(
        poll_once(&mut makes)
            .map(|value| assert_eq!(*value, 3))
            .is_ready()
    );
    assert_eq!(*now(lock.get_or_init(async || 6)), 3);
}

#[test]
fn who_wants_it_to_make_it_waits_for_itself_and_is_told() {
    same_every_time(who_wants_it_to_make_it_waits_for_itself_and_is_told);
    let text = panic_of(|| {
        Sim::new().run(async {
            let lock = OnceLock::<u32>::new();
            let _value = lock
                .get_or_init(async || *lock.get_or_init(async || 1).await)
                .await;
        });
    });
    let place = "waits for the value of a once-lock at tests/sync/once_lock.rs:";
    assert!(text.contains(place), "{place} is not in: {text}");
}

#[test]
fn it_is_made_once_whoever_is_cancelled_anywhere() {
    same_every_time(it_is_made_once_whoever_is_cancelled_anywhere);
    let suspensions = cancel_storm(async |storm| {
        let lock = Rc::new(OnceLock::new());
        let made = Rc::new(Cell::new(0));
        let makes = async |lock: Rc<OnceLock<u32>>, made: Rc<Cell<u32>>| {
            let value = lock.get_or_init(async || {
                yield_now().await;
                sleep(Duration::from_secs(1)).await;
                made.set(made.get() + 1);
                made.get()
            });
            *value.await
        };
        let struck = storm.strike(makes(Rc::clone(&lock), Rc::clone(&made)));
        let other = spawn(makes(Rc::clone(&lock), Rc::clone(&made)));
        struck.await;
        assert_eq!(other.await.unwrap(), 1);
        assert_eq!(made.get(), 1);
        assert_eq!(lock.get(), Some(&1));
    });
    assert_eq!(suspensions, 2);
}

#[test]
fn it_is_made_and_opened_as_stds_is() {
    let mut lock = OnceLock::from(1);
    *lock.get_mut().unwrap() += 1;
    assert_eq!(format!("{lock:?}"), "OnceLock(2)");
    assert!(lock.clone() == lock && lock != OnceLock::new());
    assert_eq!(lock.take(), Some(2));
    assert_eq!(format!("{lock:?}"), "OnceLock(<uninit>)");
    // It begins anew.
    assert_eq!(*now(lock.get_or_init(async || 3)), 3);
    assert_eq!(lock.into_inner(), Some(3));
    assert_eq!(OnceLock::<u32>::default().into_inner(), None);
}

#[test]
fn it_is_made_at_the_second_try_whoever_is_cancelled_anywhere() {
    same_every_time(it_is_made_at_the_second_try_whoever_is_cancelled_anywhere);
    let suspensions = cancel_storm(async |storm| {
        let lock = Rc::new(OnceLock::new());
        let tries = Rc::new(Cell::new(0));
        let makes = async |lock: Rc<OnceLock<u32>>, tries: Rc<Cell<u32>>| {
            loop {
                let made = lock.get_or_try_init(async || {
                    yield_now().await;
                    sleep(Duration::from_secs(1)).await;
                    tries.set(tries.get() + 1);
                    match tries.get() {
                        1 => Err("not yet"),
                        nth => Ok(nth),
                    }
                });
                if let Ok(value) = made.await {
                    return *value;
                }
            }
        };
        let struck = storm.strike(makes(Rc::clone(&lock), Rc::clone(&tries)));
        let other = spawn(makes(Rc::clone(&lock), Rc::clone(&tries)));
        let struck = struck.await;
        assert!(struck.is_none_or(|value| value == 2));
        assert_eq!(other.await.unwrap(), 2);
        assert_eq!((tries.get(), lock.get()), (2, Some(&2)));
        assert_eq!(lock.statistics().waiting, 0);
    });
    assert!(suspensions >= 3, "{suspensions}");
}

#[test]
fn who_waits_for_it_and_is_cancelled_leaves_it_to_the_others() {
    same_every_time(who_waits_for_it_and_is_cancelled_leaves_it_to_the_others);
    let suspensions = cancel_storm(async |storm| {
        let lock = Rc::new(OnceLock::new());
        let waits = async |lock: Rc<OnceLock<u32>>| *lock.wait().await;
        let before = spawn(waits(Rc::clone(&lock)));
        yield_now().await;
        let maker = spawn({
            let lock = Rc::clone(&lock);
            async move {
                sleep(Duration::from_secs(1)).await;
                *lock.get_or_init(async || 1).await
            }
        });
        let struck = storm.strike(waits(Rc::clone(&lock)));
        let after = spawn(waits(Rc::clone(&lock)));
        let struck = struck.await;
        assert!(struck.is_none_or(|value| value == 1));
        for task in [before, after, maker] {
            assert_eq!(task.await.unwrap(), 1);
        }
        assert_eq!(lock.statistics().waiting, 0);
    });
    assert_eq!(suspensions, 1);
}
