//! [`RwLock`].

use std::cell::Cell;
use std::rc::Rc;

use bibelot::spawn;
use bibelot::sync::{RwLock, RwLockWriteGuard, TryLockError};
use bibelot::task::yield_now;
use bibelot::testing::{Sim, cancel_storm};
use bibelot::time::{Duration, sleep, timeout};

use crate::support::{Trace, panic_of, poll_once, same_every_time};
use crate::{now, waiting};

/// So many seconds.
fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_writer_holds_up_later_readers_and_those_come_in_together() {
    same_every_time(a_writer_holds_up_later_readers_and_those_come_in_together);
    let trace = Trace::new();
    Sim::new().run(async {
        let lock = Rc::new(RwLock::new(0));
        for (name, writes) in [
            ("a reads", false),
            ("b reads", false),
            ("c writes", true),
            ("d reads", false),
            ("e reads", false),
            ("f writes", true),
            ("g reads", false),
        ] {
            let (lock, trace) = (Rc::clone(&lock), trace.clone());
            spawn(async move {
                if writes {
                    let mut value = lock.write().await;
                    *value += 1;
                    trace.say(format!("{name} {value}"));
                    sleep(seconds(1)).await;
                } else {
                    let value = lock.read().await;
                    trace.say(format!("{name} {value}"));
                    sleep(seconds(1)).await;
                }
                trace.say(format!("{name}: over"));
            });
        }
    });
    let expected = [
        "a reads 0",
        "b reads 0",
        "a reads: over",
        "b reads: over", // and c has it, not d
        "c writes 1",
        "c writes: over",
        "d reads 1",
        "e reads 1", // with d, and g has to wait for f
        "d reads: over",
        "e reads: over",
        "f writes 2",
        "f writes: over",
        "g reads 2",
        "g reads: over",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn who_tries_does_not_overtake_who_waits() {
    let lock = RwLock::new(());
    let reader = lock.try_read().unwrap();
    assert_eq!(lock.try_write().unwrap_err(), TryLockError::WouldBlock);
    assert!(lock.try_read().is_ok());
    let mut writer = waiting(lock.write());
    assert_eq!(lock.try_read().unwrap_err(), TryLockError::WouldBlock);
    drop(reader);
    // The writer has not run yet, and has it.
    assert!(lock.try_read().is_err());
    let mut late = waiting(lock.read());
    assert!(poll_once(&mut writer).is_ready());
    // Its guard was dropped with the answer.
    assert!(poll_once(&mut late).is_ready());
    assert!(lock.try_write().is_ok());
}

#[test]
fn a_writer_that_gives_up_lets_in_whom_it_held_up() {
    let lock = RwLock::new(());
    let reader = now(lock.read());
    let writer = waiting(lock.write());
    let mut second = waiting(lock.read());
    let mut third = waiting(lock.read());
    drop(writer);
    assert!(poll_once(&mut second).is_ready());
    assert!(poll_once(&mut third).is_ready());
    drop(reader);
    assert!(lock.try_write().is_ok());
}

#[test]
fn a_lock_that_was_granted_to_who_is_dropped_goes_to_the_next() {
    let lock = RwLock::new(());
    let first = now(lock.write());
    let granted = [waiting(lock.read()), waiting(lock.read())];
    let writer = waiting(lock.write());
    let mut last = waiting(lock.read());
    drop(first);
    drop(granted);
    assert!(lock.try_read().is_err(), "it is the writer's");
    drop(writer);
    assert!(poll_once(&mut last).is_ready());
    assert!(lock.try_write().is_ok());
}

#[test]
fn a_writer_becomes_a_reader_and_lets_in_the_readers_behind_it() {
    let lock = RwLock::new(1);
    let mut writer = now(lock.write());
    let mut reader = waiting(lock.read());
    let mut next = waiting(lock.write());
    *writer += 1;
    let kept = RwLockWriteGuard::downgrade(writer);
    let read = poll_once(&mut reader).map(|guard| *guard);
    assert!(read.is_ready() && *kept == 2);
    assert!(poll_once(&mut next).is_pending());
    drop(kept);
    assert!(poll_once(&mut next).is_ready());
}

#[test]
fn a_wait_for_it_can_run_out_of_time() {
    same_every_time(a_wait_for_it_can_run_out_of_time);
    Sim::new().run(async {
        let lock = RwLock::new(());
        let reader = lock.read().await;
        assert!(timeout(seconds(1), lock.write()).await.is_err());
        let other = timeout(seconds(1), lock.read()).await;
        assert!(other.is_ok(), "nobody waits to write any more");
        drop((reader, other));
        assert!(lock.try_write().is_ok());
    });
}

#[test]
fn many_read_or_one_writes_in_every_order() {
    same_every_time(many_read_or_one_writes_in_every_order);
    for seed in 0..100 {
        Sim::new().seed(seed).run(async {
            let lock = Rc::new(RwLock::new(0));
            let inside = Rc::new(Cell::new(0));
            let tasks: Vec<_> = (0..6)
                .map(|nth| {
                    let (lock, inside) = (Rc::clone(&lock), Rc::clone(&inside));
                    spawn(async move {
                        for _ in 0..5 {
                            if nth % 3 == 0 {
                                let mut value = lock.write().await;
                                assert_eq!(inside.replace(-1), 0);
                                let before = *value;
                                yield_now().await;
                                *value = before + 1;
                                inside.set(0);
                            } else {
                                let value = lock.read().await;
                                assert!(inside.get() >= 0);
                                inside.set(inside.get() + 1);
                                let before = *value;
                                yield_now().await;
                                assert_eq!(*value, before);
                                inside.set(inside.get() - 1);
                            }
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(*lock.try_read().unwrap(), 10);
        });
    }
}

#[test]
fn nothing_is_lost_when_a_reader_or_a_writer_is_cancelled_anywhere() {
    same_every_time(nothing_is_lost_when_a_reader_or_a_writer_is_cancelled_anywhere);
    for writes in [false, true] {
        let suspensions = cancel_storm(async |storm| {
            let lock = Rc::new(RwLock::new(0));
            let others: Vec<_> = [true, false, true, false]
                .map(|writes| {
                    let lock = Rc::clone(&lock);
                    spawn(async move {
                        if writes {
                            let mut value = lock.write().await;
                            sleep(seconds(1)).await;
                            *value += 1;
                        } else {
                            let _value = lock.read().await;
                            sleep(seconds(1)).await;
                        }
                    })
                })
                .into();
            yield_now().await;
            let struck = storm.strike(async {
                if writes {
                    let mut value = lock.write().await;
                    yield_now().await;
                    *value += 10;
                } else {
                    let _value = lock.read().await;
                    yield_now().await;
                }
            });
            let is_whole = struck.await.is_some();
            for other in others {
                other.await.unwrap();
            }
            let expected = if is_whole && writes { 12 } else { 2 };
            assert_eq!(*lock.try_write().expect("nobody holds it"), expected);
        });
        assert_eq!(suspensions, 2);
    }
}

#[test]
fn who_reads_and_wants_to_write_waits_for_itself_and_is_told() {
    same_every_time(who_reads_and_wants_to_write_waits_for_itself_and_is_told);
    let mut line = 0;
    let text = panic_of(|| {
        Sim::new().run(async {
            let lock = RwLock::new(());
            let _reader = lock.read().await;
            line = line!() + 1;
            drop(lock.write().await);
        });
    });
    let place = format!("waits for a read-write lock at tests/sync/rwlock.rs:{line}");
    assert!(text.contains(&place), "{place} is not in: {text}");
}

#[test]
fn it_is_made_and_opened_as_stds_is() {
    let mut lock = RwLock::from(1);
    *lock.get_mut() += 1;
    assert_eq!(format!("{lock:?}"), "RwLock { data: 2, waiting: 0 }");
    {
        let mut guard = now(lock.write());
        *guard += 1;
        assert_eq!(format!("{guard} {guard:?}"), "3 3");
        assert_eq!(format!("{lock:?}"), "RwLock { data: <locked>, waiting: 0 }");
    }
    {
        let guard = now(lock.read());
        assert_eq!(format!("{guard} {guard:?}"), "3 3");
        let waits = waiting(lock.write());
        assert_eq!(format!("{lock:?}"), "RwLock { data: 3, waiting: 1 }");
        drop(waits);
    }
    assert_eq!(lock.into_inner(), 3);
    assert_eq!(RwLock::<u32>::default().into_inner(), 0);
    let bytes: Rc<RwLock<[u8]>> = Rc::new(RwLock::new([1, 2, 3]));
    now(bytes.write())[1] = 0;
    assert_eq!(*now(bytes.read()), [1, 0, 3]);
}
