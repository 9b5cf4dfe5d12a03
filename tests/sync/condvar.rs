//! [`Condvar`].

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

use bibelot::spawn;
use bibelot::sync::{Condvar, Mutex};
use bibelot::task::yield_now;
use bibelot::testing::{Sim, cancel_storm};
use bibelot::time::{Duration, Instant, sleep};

use crate::support::{Trace, poll_once, same_every_time};
use crate::{now, waiting};

/// So many seconds.
fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A mutex and its condition variable.
type Pair<T> = Rc<(Mutex<T>, Condvar)>;

/// curio's `test_cond_sequence` and `test_cond_notify_all`, as one.
#[test]
fn one_is_notified_or_all_in_the_order_in_which_they_came() {
    same_every_time(one_is_notified_or_all_in_the_order_in_which_they_came);
    let trace = Trace::new();
    Sim::new().run(async {
        let pair = Pair::<u32>::default();
        for name in ["a", "b", "c", "d"] {
            let (pair, trace) = (Rc::clone(&pair), trace.clone());
            spawn(async move {
                let (mutex, condvar) = &*pair;
                let guard = mutex.lock().await;
                trace.say(format!("{name} waits"));
                let guard = condvar.wait(guard).await;
                trace.say(format!("{name} has it: {guard}"));
                sleep(seconds(1)).await;
                trace.say(format!("{name}: over"));
            });
        }
        sleep(seconds(1)).await;
        let (mutex, condvar) = &*pair;
        *mutex.lock().await = 1;
        condvar.notify_one();
        trace.say("notified one");
        sleep(seconds(2)).await;
        *mutex.lock().await = 2;
        condvar.notify_all();
        condvar.notify_all();
        trace.say("notified all");
    });
    let expected = [
        "a waits", // and unlocks
        "b waits",
        "c waits",
        "d waits",
        "notified one",
        "a has it: 1",
        "a: over",
        "notified all",
        "b has it: 2", // and the others wait for the lock
        "b: over",
        "c has it: 2",
        "c: over",
        "d has it: 2",
        "d: over",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn it_unlocks_when_it_is_polled_and_misses_nothing_from_then_on() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    condvar.notify_one();
    let mut waits = Box::pin(condvar.wait(now(mutex.lock())));
    assert!(mutex.try_lock().is_err(), "not yet");
    assert!(poll_once(&mut waits).is_pending(), "nothing is kept for it");
    let guard = mutex.try_lock().unwrap();
    condvar.notify_one();
    assert!(poll_once(&mut waits).is_pending(), "it has no lock");
    drop(guard);
    assert!(mutex.try_lock().is_err(), "that is the waiter's by now");
    assert!(poll_once(&mut waits).is_ready());
    assert!(mutex.try_lock().is_ok());
}

/// anyio's `test_notification_handover_on_cancel`, in each state.
#[test]
fn a_notification_goes_to_the_next_if_its_owner_is_dropped_before_it_has_the_lock() {
    for (is_polled, gets_lock) in [(false, false), (true, false), (true, true)] {
        let (mutex, condvar) = (Mutex::new(()), Condvar::new());
        let mut first = waiting(condvar.wait(now(mutex.lock())));
        let mut second = waiting(condvar.wait(now(mutex.lock())));
        let mut third = waiting(condvar.wait(now(mutex.lock())));
        let held = now(mutex.lock());
        condvar.notify_one();
        if is_polled {
            assert!(poll_once(&mut first).is_pending(), "it waits for the lock");
        }
        let held = (!gets_lock).then_some(held);
        drop(first);
        drop(held);
        assert!(poll_once(&mut second).is_ready());
        assert!(poll_once(&mut third).is_pending());
        assert!(mutex.try_lock().is_ok());
    }
}

#[test]
fn who_came_after_all_were_notified_is_not_given_what_one_of_them_left() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let first = waiting(condvar.wait(now(mutex.lock())));
    condvar.notify_all();
    let mut late = waiting(condvar.wait(now(mutex.lock())));
    drop(first);
    assert!(poll_once(&mut late).is_pending());
    condvar.notify_one();
    assert!(poll_once(&mut late).is_ready());
}

#[test]
fn who_is_dropped_while_it_waits_is_passed_over_and_its_guard_is_gone() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    drop(condvar.wait(now(mutex.lock())));
    assert!(mutex.try_lock().is_ok(), "never polled");
    let first = waiting(condvar.wait(now(mutex.lock())));
    let mut second = waiting(condvar.wait(now(mutex.lock())));
    drop(first);
    condvar.notify_one();
    assert!(poll_once(&mut second).is_ready());
    drop(second);
    condvar.notify_one();
    let mut last = waiting(condvar.wait(now(mutex.lock())));
    assert!(poll_once(&mut last).is_pending());
}

/// curio's `test_cond_waitfor`.
#[test]
fn a_wait_with_a_condition_looks_whenever_it_is_notified() {
    same_every_time(a_wait_with_a_condition_looks_whenever_it_is_notified);
    let trace = Trace::new();
    Sim::new().run(async {
        let pair = Pair::<u32>::default();
        let consumer = spawn({
            let (pair, trace) = (Rc::clone(&pair), trace.clone());
            async move {
                let guard = pair.0.lock().await;
                let guard = pair.1.wait_while(guard, |n| {
                    trace.say(format!("looks at {n}"));
                    *n < 3
                });
                let guard = guard.await;
                // True at once: it does not unlock.
                *pair.1.wait_while(guard, |n| *n == 0).await
            }
        });
        for _ in 0..3 {
            sleep(seconds(1)).await;
            *pair.0.lock().await += 1;
            pair.1.notify_one();
        }
        assert_eq!(consumer.await.unwrap(), 3);
    });
    let expected = ["looks at 0", "looks at 1", "looks at 2", "looks at 3"];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_wait_that_runs_out_of_time_comes_back_with_the_lock() {
    same_every_time(a_wait_that_runs_out_of_time_comes_back_with_the_lock);
    Sim::new().run(async {
        let pair = Pair::<u32>::default();
        let (mutex, condvar) = &*pair;
        let start = Instant::now();
        let guard = mutex.lock().await;
        let (guard, outcome) = condvar.wait_timeout(guard, seconds(1)).await;
        assert!(outcome.timed_out() && start.elapsed() == seconds(1));
        let holder = spawn({
            let pair = Rc::clone(&pair);
            async move {
                let _guard = pair.0.lock().await;
                pair.1.notify_one();
                sleep(seconds(5)).await;
            }
        });
        // Notified in time, and locked long after that.
        let (guard, outcome) = condvar.wait_timeout(guard, seconds(2)).await;
        assert!(!outcome.timed_out() && start.elapsed() == seconds(6));
        holder.await.unwrap();
        drop(guard);

        let mut guard = mutex.lock().await;
        *guard = 0;
        let helper = spawn({
            let pair = Rc::clone(&pair);
            async move {
                for _ in 0..3 {
                    sleep(seconds(1)).await;
                    *pair.0.lock().await += 1;
                    pair.1.notify_all();
                }
            }
        });
        let two = seconds(2) + Duration::from_millis(500);
        let (guard, outcome) = condvar.wait_timeout_while(guard, two, |n| *n < 9).await;
        assert!(outcome.timed_out() && *guard == 2);
        let (guard, outcome) = condvar.wait_timeout_while(guard, two, |n| *n < 3).await;
        assert!(!outcome.timed_out() && *guard == 3);
        let (guard, outcome) = condvar
            .wait_timeout_while(guard, Duration::ZERO, |n| *n < 3)
            .await;
        assert!(!outcome.timed_out(), "it did not have to wait");
        drop(guard);
        helper.await.unwrap();
        assert_eq!(format!("{condvar:?}"), "Condvar { waiting: 0 }");
    });
}

/// Puts an item, with a notification, and then lets others have the lock.
async fn put(pair: &Pair<VecDeque<u32>>, item: u32, all: bool) {
    let (mutex, condvar) = &**pair;
    let mut guard = mutex.lock().await;
    guard.push_back(item);
    if all {
        condvar.notify_all();
    } else {
        condvar.notify_one();
    }
    // So whoever was notified waits for the lock as well.
    yield_now().await;
}

/// Takes an item, and waits until there is one.
async fn take(pair: Pair<VecDeque<u32>>) -> u32 {
    let (mutex, condvar) = &*pair;
    let guard = mutex.lock().await;
    let mut guard = condvar.wait_while(guard, |items| items.is_empty()).await;
    guard.pop_front().unwrap()
}

/// Items behind a mutex, one notification each, and no more than are needed: if one got lost, a
/// consumer would starve.
#[test]
fn no_notification_is_lost_when_a_waiter_is_cancelled_anywhere() {
    same_every_time(no_notification_is_lost_when_a_waiter_is_cancelled_anywhere);
    for all in [false, true] {
        let suspensions = cancel_storm(async |storm| {
            let pair = Pair::<VecDeque<u32>>::default();
            let before = spawn(take(Rc::clone(&pair)));
            yield_now().await;
            let producer = spawn({
                let pair = Rc::clone(&pair);
                async move {
                    sleep(seconds(1)).await;
                    for item in 0..2 {
                        put(&pair, item, all).await;
                    }
                }
            });
            let after = spawn({
                let take = take(Rc::clone(&pair));
                async move {
                    sleep(Duration::from_millis(1)).await;
                    take.await
                }
            });
            let struck = storm.strike(take(Rc::clone(&pair))).await;
            producer.await.unwrap();
            if struck.is_some() {
                put(&pair, 2, all).await;
            }
            let taken = [struck, before.await.ok(), after.await.ok()];
            let mut taken = Vec::from_iter(taken.into_iter().flatten());
            taken.sort_unstable();
            assert!(taken.into_iter().eq(0..2 + u32::from(struck.is_some())));
        });
        assert!(suspensions >= 2, "{suspensions}");
    }
}

/// The same, with a limit of time that is over before a notification comes, or as it comes.
#[test]
fn no_notification_is_lost_when_a_waiter_runs_out_of_time_or_is_cancelled_anywhere() {
    same_every_time(
        no_notification_is_lost_when_a_waiter_runs_out_of_time_or_is_cancelled_anywhere,
    );
    for (all, limit) in [(false, 400), (false, 1000), (true, 400), (true, 1000)] {
        let (is_short, limit) = (limit < 1000, Duration::from_millis(limit));
        for waits_while in [false, true] {
            let timeouts = Cell::new(0);
            let suspensions = cancel_storm(async |storm| {
                let pair = Pair::<VecDeque<u32>>::default();
                let (mutex, condvar) = &*pair;
                let others = [(); 2].map(|()| {
                    let pair = Rc::clone(&pair);
                    spawn(async move {
                        // Behind who is struck.
                        sleep(Duration::from_millis(900)).await;
                        take(pair).await
                    })
                });
                let producer = spawn({
                    let pair = Rc::clone(&pair);
                    async move {
                        for item in 0..2 {
                            sleep(seconds(1)).await;
                            put(&pair, item, all).await;
                        }
                    }
                });
                yield_now().await;
                timeouts.set(0);
                let takes = async {
                    loop {
                        let guard = mutex.lock().await;
                        let (mut guard, outcome) = if waits_while {
                            let is_empty = |items: &mut VecDeque<u32>| items.is_empty();
                            condvar.wait_timeout_while(guard, limit, is_empty).await
                        } else {
                            condvar.wait_timeout(guard, limit).await
                        };
                        timeouts.set(timeouts.get() + u32::from(outcome.timed_out()));
                        if let Some(item) = guard.pop_front() {
                            return item;
                        }
                    }
                };
                let struck = storm.strike(takes).await;
                producer.await.unwrap();
                if struck.is_some() {
                    put(&pair, 2, all).await;
                }
                let mut taken = Vec::from_iter(struck);
                for other in others {
                    taken.push(other.await.unwrap());
                }
                taken.sort_unstable();
                assert!(taken.into_iter().eq(0..2 + u32::from(struck.is_some())));
                assert_eq!(condvar.statistics().waiting, 0);
            });
            assert!(suspensions >= 2, "{suspensions}");
            assert_eq!(timeouts.get() > 0, is_short);
        }
    }
}
