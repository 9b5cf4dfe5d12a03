//! [`Mutex`].

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bibelot::spawn;
use bibelot::sync::{Mutex, TryLockError};
use bibelot::task::yield_now;
use bibelot::testing::Sim;
use bibelot::time::{Duration, sleep, timeout};

use crate::support::{Trace, on_drop, panic_of, poll_once, reporting_to, same_every_time};
use crate::{now, waiting};

#[test]
fn the_lock_goes_round_in_the_order_in_which_it_was_asked_for() {
    same_every_time(the_lock_goes_round_in_the_order_in_which_it_was_asked_for);
    let trace = Trace::new();
    Sim::new().run(async {
        let mutex = Rc::new(Mutex::new(0));
        for name in ["a", "b", "c"] {
            let (mutex, trace) = (Rc::clone(&mutex), trace.clone());
            spawn(async move {
                for _ in 0..2 {
                    trace.say(format!("{name} asks"));
                    let mut count = mutex.lock().await;
                    *count += 1;
                    trace.say(format!("{name} has it, {count}"));
                    sleep(Duration::from_secs(1)).await;
                    trace.say(format!("{name} gives it back"));
                }
            });
        }
    });
    let expected = [
        "a asks",
        "a has it, 1", // nobody had it: no switch
        "b asks",
        "c asks",
        "a gives it back",
        "a asks", // and b has it by now
        "b has it, 2",
        "b gives it back",
        "b asks",
        "c has it, 3",
        "c gives it back",
        "c asks",
        "a has it, 4",
        "a gives it back",
        "b has it, 5",
        "b gives it back",
        "c has it, 6",
        "c gives it back",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn unlocking_hands_over_and_nobody_barges() {
    let mutex = Mutex::new(0);
    let first = mutex.try_lock().unwrap();
    assert_eq!(mutex.try_lock().unwrap_err(), TryLockError::WouldBlock);
    let mut second = waiting(mutex.lock());
    drop(first);
    // Second has not run yet, and has it.
    assert!(mutex.try_lock().is_err());
    let mut third = waiting(mutex.lock());
    assert!(poll_once(&mut third).is_pending());
    assert!(poll_once(&mut second).is_ready());
    // The guard was dropped with the answer.
    assert!(mutex.try_lock().is_err());
    assert!(poll_once(&mut third).is_ready());
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn a_waiter_that_is_dropped_in_any_state_leaves_the_others_their_turns() {
    let mutex = Mutex::new(());
    // Never polled.
    drop(mutex.lock());
    // Ready, but kept.
    let mut kept = Box::pin(mutex.lock());
    assert!(poll_once(&mut kept).is_ready());
    let first = now(mutex.lock());
    drop(kept);
    assert!(mutex.try_lock().is_err());

    let front = waiting(mutex.lock());
    let mut second = waiting(mutex.lock());
    let middle = waiting(mutex.lock());
    let mut fourth = waiting(mutex.lock());
    let end = waiting(mutex.lock());
    drop((front, middle, end));
    drop(first);
    assert!(poll_once(&mut fourth).is_pending());
    assert!(poll_once(&mut second).is_ready());
    assert!(poll_once(&mut fourth).is_ready());
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn a_lock_that_was_granted_to_who_is_dropped_goes_to_the_next() {
    let mutex = Mutex::new(());
    let first = now(mutex.lock());
    let granted = waiting(mutex.lock());
    let also = waiting(mutex.lock());
    let mut last = waiting(mutex.lock());
    drop(first);
    drop(granted);
    drop(also);
    assert!(mutex.try_lock().is_err());
    assert!(poll_once(&mut last).is_ready());

    let first = now(mutex.lock());
    let alone = waiting(mutex.lock());
    drop(first);
    drop(alone);
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn an_owner_that_is_cancelled_or_panics_unlocks() {
    same_every_time(an_owner_that_is_cancelled_or_panics_unlocks);
    let trace = Trace::new();
    Sim::from_builder(reporting_to(&trace)).run(async {
        let mutex = Rc::new(Mutex::new("as it was made"));
        let owner = spawn({
            let mutex = Rc::clone(&mutex);
            async move {
                let mut guard = mutex.lock().await;
                *guard = "as the cancelled left it";
                std::future::pending::<()>().await;
            }
        });
        let panics = spawn({
            let mutex = Rc::clone(&mutex);
            async move {
                let mut guard = mutex.lock().await;
                assert_eq!(*guard, "as the cancelled left it");
                *guard = "as the panic left it";
                panic!("on purpose");
            }
        });
        let next = spawn({
            let mutex = Rc::clone(&mutex);
            async move { *mutex.lock().await }
        });
        yield_now().await;
        owner.cancel();
        assert!(owner.await.unwrap_err().is_cancelled());
        assert!(panics.await.unwrap_err().is_panic());
        assert_eq!(next.await.unwrap(), "as the panic left it");
    });
    assert!(trace.take().is_empty());
}

#[test]
fn a_wait_for_a_lock_can_be_cancelled_or_run_out_of_time() {
    same_every_time(a_wait_for_a_lock_can_be_cancelled_or_run_out_of_time);
    Sim::new().run(async {
        let mutex = Rc::new(Mutex::new(()));
        let guard = mutex.lock().await;
        let short = timeout(Duration::from_secs(1), mutex.lock());
        assert!(short.await.is_err());
        let waiter = spawn({
            let mutex = Rc::clone(&mutex);
            async move { drop(mutex.lock().await) }
        });
        yield_now().await;
        waiter.cancel();
        assert!(waiter.await.unwrap_err().is_cancelled());
        assert_eq!(format!("{mutex:?}"), "Mutex { data: <locked>, waiting: 0 }");
        drop(guard);
        let long = timeout(Duration::from_secs(1), mutex.lock());
        assert!(long.await.is_ok());
    });
}

/// trio's `test_generic_lock_exclusion`.
#[test]
fn one_task_at_a_time_is_inside_in_every_order() {
    same_every_time(one_task_at_a_time_is_inside_in_every_order);
    for seed in 0..100 {
        Sim::new().seed(seed).run(async {
            let mutex = Rc::new(Mutex::new(0));
            let is_inside = Rc::new(Cell::new(false));
            for _ in 0..3 {
                let (mutex, is_inside) = (Rc::clone(&mutex), Rc::clone(&is_inside));
                spawn(async move {
                    for _ in 0..5 {
                        let mut count = mutex.lock().await;
                        assert!(!is_inside.replace(true));
                        *count += 1;
                        yield_now().await;
                        yield_now().await;
                        is_inside.set(false);
                    }
                });
            }
            while *mutex.lock().await < 15 {
                yield_now().await;
            }
        });
    }
}

#[test]
fn two_locks_taken_crosswise_are_told_as_a_deadlock_with_both_places() {
    same_every_time(two_locks_taken_crosswise_are_told_as_a_deadlock_with_both_places);
    let (mut line_a, mut line_b) = (0, 0);
    let text = panic_of(|| {
        Sim::new().run(async {
            let one = Rc::new(Mutex::new(()));
            let other = Rc::new(Mutex::new(()));
            spawn({
                let (one, other) = (Rc::clone(&one), Rc::clone(&other));
                async move {
                    let _one = one.lock().await;
                    yield_now().await;
                    let _other = other.lock().await;
                }
            });
            line_a = line!() - 3;
            let _other = other.lock().await;
            yield_now().await;
            line_b = line!() + 1;
            let _one = one.lock().await;
        });
    });
    for line in [line_a, line_b] {
        let place = format!("waits for a mutex at tests/sync/mutex.rs:{line}");
        assert!(text.contains(&place), "{place} is not in: {text}");
    }
}

#[test]
fn a_mutex_is_made_and_opened_as_stds_is() {
    let mut mutex = Mutex::from(1);
    *mutex.get_mut() += 1;
    assert_eq!(format!("{mutex:?}"), "Mutex { data: 2, waiting: 0 }");
    {
        let mut guard = now(mutex.lock());
        *guard += 1;
        assert_eq!(
            (format!("{guard}"), format!("{guard:?}")),
            ("3".into(), "3".into())
        );
        let waits = waiting(mutex.lock());
        assert_eq!(format!("{mutex:?}"), "Mutex { data: <locked>, waiting: 1 }");
        drop(waits);
    }
    assert_eq!(mutex.into_inner(), 3);
    assert_eq!(Mutex::<u32>::default().into_inner(), 0);
    // Unsized, behind a pointer.
    let bytes: Rc<Mutex<[u8]>> = Rc::new(Mutex::new([1, 2, 3]));
    now(bytes.lock())[1] = 0;
    assert_eq!(*now(bytes.lock()), [1, 0, 3]);
    assert_eq!(
        TryLockError::WouldBlock.to_string(),
        "the lock is held by somebody"
    );
}

#[test]
fn a_forgotten_guard_and_a_forgotten_grant_keep_the_lock_for_ever() {
    let mut mutex = Mutex::new(1);
    std::mem::forget(now(mutex.lock()));
    assert!(mutex.try_lock().is_err());
    assert_eq!(*mutex.get_mut(), 1);

    let mutex = Mutex::new(());
    let first = now(mutex.lock());
    let granted = waiting(mutex.lock());
    drop(first);
    std::mem::forget(granted);
    drop(waiting(mutex.lock()));
    assert_eq!(
        format!("{mutex:?}"),
        "Mutex { data: <locked>, waiting: 0 }",
        "it holds up a lock, and no place in line"
    );
}

#[test]
fn a_destructor_of_the_value_may_use_the_mutex() {
    let times = Rc::new(Cell::new(0));
    let mutex: Rc<Mutex<Option<Box<dyn Any>>>> = Rc::default();
    let (weak, counted) = (Rc::downgrade(&mutex), Rc::clone(&times));
    let inside = on_drop(move || {
        counted.set(counted.get() + 1);
        if let Some(mutex) = weak.upgrade() {
            assert!(mutex.try_lock().is_err());
        }
    });
    now(mutex.lock()).replace(Box::new(inside));
    *now(mutex.lock()) = None;
    assert_eq!(times.get(), 1);
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn tasks_that_hold_and_wait_are_shut_down_in_any_state() {
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    let mutex = Rc::new(Mutex::new(()));
    for name in ["holds", "waits", "waits too"] {
        let (mutex, trace) = (Rc::clone(&mutex), trace.clone());
        drop(executor.spawn(async move {
            let _said = trace.on_drop(format!("{name}: dropped"));
            let _guard = mutex.lock().await;
            trace.say(format!("{name}: has it"));
            std::future::pending::<()>().await;
        }));
    }
    executor.turn(Some(Duration::ZERO));
    // From outside, between two turns: granted to one that never runs.
    let late = RefCell::new(waiting(mutex.lock()));
    drop(executor);
    assert_eq!(
        trace.take(),
        [
            "holds: has it",
            "waits too: dropped",
            "waits: dropped",
            "holds: dropped"
        ]
    );
    assert!(poll_once(&mut *late.borrow_mut()).is_ready());
    drop(late);
    assert!(mutex.try_lock().is_ok());
}
