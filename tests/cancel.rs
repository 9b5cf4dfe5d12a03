//! What `JoinHandle::cancel` promises: a request, delivered in the task's own turn by dropping its
//! future there.

mod support;

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use bibelot::task::{Builder, JoinError, JoinHandle, cancelled, current, finally, join, yield_now};
use bibelot::testing::Sim;
use bibelot::time::{Duration, Instant, sleep, timeout};
use bibelot::{Executor, spawn};

use support::{Trace, on_drop, reporting_to, same_every_time, without_places};

/// Where a task finds the handle to itself, or another's.
type Place<T> = Rc<RefCell<Option<JoinHandle<T>>>>;

#[test]
fn cancel_is_a_request_delivered_in_the_tasks_own_turn() {
    let trace = Trace::new();
    let said = trace.clone();
    bibelot::run(async move {
        let inside = {
            let said = said.clone();
            on_drop(move || said.say(format!("dropped as {}", current().name().unwrap())))
        };
        let victim = Builder::new().name("victim").spawn(async move {
            let _inside = inside;
            pending::<()>().await;
        });
        let before = said.clone();
        spawn(async move {
            yield_now().await;
            before.say("a task that was ready before");
        });
        yield_now().await;
        victim.cancel();
        said.say(format!("requested, finished: {}", victim.is_finished()));
        let error = victim.await.unwrap_err();
        said.say(format!("joined, cancelled: {}", error.is_cancelled()));
    });
    let expected = [
        "requested, finished: false",
        "a task that was ready before",
        "dropped as victim",
        "joined, cancelled: true",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_task_that_was_never_polled_is_dropped_unpolled() {
    let trace = Trace::new();
    let said = trace.clone();
    bibelot::run(async move {
        let inside = said.on_drop("dropped");
        let handle = spawn(async move {
            let _inside = inside;
            said.say("polled");
        });
        handle.cancel();
        assert!(handle.await.unwrap_err().is_cancelled());
    });
    assert_eq!(trace.take(), ["dropped"]);
}

#[test]
fn locals_are_dropped_in_the_reverse_order_of_their_birth() {
    let trace = Trace::new();
    bibelot::run(async {
        let captured = trace.on_drop("captured");
        let said = trace.clone();
        let handle = spawn(async move {
            let _captured = captured;
            let _first = said.on_drop("first");
            let _second = said.on_drop("second");
            pending::<()>().await;
        });
        yield_now().await;
        handle.cancel();
        assert!(handle.await.unwrap_err().is_cancelled());
    });
    assert_eq!(trace.take(), ["second", "first", "captured"]);
}

#[test]
fn a_task_that_cancels_itself_goes_on_until_it_has_to_wait() {
    let trace = Trace::new();
    bibelot::run(async {
        let own: Place<()> = Rc::default();
        let (place, said) = (Rc::clone(&own), trace.clone());
        let handle = spawn(async move {
            let own = place.take().unwrap();
            own.cancel();
            said.say("goes on");
            let _guard = said.on_drop("dropped where it waits");
            yield_now().await;
            said.say("never");
        });
        *own.borrow_mut() = Some(handle);
        while own.borrow().is_some() {
            yield_now().await;
        }
        yield_now().await;
    });
    assert_eq!(trace.take(), ["goes on", "dropped where it waits"]);
}

#[test]
fn a_value_returned_by_the_poll_of_the_cancel_stands() {
    bibelot::run(async {
        let own: Place<&str> = Rc::default();
        let place = Rc::clone(&own);
        let handle = spawn(async move {
            place.borrow().as_ref().unwrap().cancel();
            "value"
        });
        *own.borrow_mut() = Some(handle);
        yield_now().await;
        let handle = own.take().unwrap();
        assert_eq!(handle.await.unwrap(), "value");
    });
}

#[test]
fn a_task_that_is_ready_when_it_is_cancelled_is_dropped_all_the_same() {
    let trace = Trace::new();
    let said = trace.clone();
    bibelot::run(async move {
        let handle = spawn(async move {
            yield_now().await;
            said.say("never");
        });
        yield_now().await;
        // It has given way, so it is ready, and its next poll would end it.
        handle.cancel();
        assert!(handle.await.unwrap_err().is_cancelled());
    });
    assert!(trace.take().is_empty());
}

#[test]
fn cancelling_twice_changes_nothing_and_the_first_place_is_told() {
    let trace = Trace::new();
    bibelot::run(async {
        let inside = trace.on_drop("dropped");
        let handle = Builder::new().name("victim").spawn(async move {
            let _inside = inside;
            pending::<()>().await;
        });
        yield_now().await;
        handle.cancel();
        let line = line!() - 1;
        handle.cancel();
        let JoinError::Cancelled(cancelled) = handle.await.unwrap_err() else {
            panic!("it was cancelled");
        };
        assert_eq!(
            (cancelled.at().file(), cancelled.at().line()),
            (file!(), line)
        );
        let (spawned, here) = (line - 5, file!());
        let expected = format!(
            "task \"victim\" (spawned at {here}:{spawned}:52) was cancelled at {here}:{line}:16"
        );
        assert_eq!(cancelled.to_string(), expected);
    });
    assert_eq!(trace.take(), ["dropped"]);
}

#[test]
fn cancelling_a_task_that_has_ended_changes_nothing() {
    bibelot::run(async {
        let handle = spawn(async { "value" });
        yield_now().await;
        assert!(handle.is_finished());
        handle.cancel();
        yield_now().await;
        assert_eq!(handle.await.unwrap(), "value");
    });
}

#[test]
fn a_cancelled_task_whose_handle_is_dropped_is_dropped_in_silence() {
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    executor.run(async {
        let inside = trace.on_drop("dropped");
        let handle = spawn(async move {
            let _inside = inside;
            pending::<()>().await;
        });
        yield_now().await;
        handle.cancel();
        drop(handle);
        yield_now().await;
    });
    assert_eq!(trace.take(), ["dropped"]);
}

#[test]
fn a_panic_in_a_destructor_during_a_cancel_makes_the_task_panicked() {
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    executor.run(async {
        let spawned = |name: &str| {
            let said = trace.clone();
            Builder::new().name(name).spawn(async move {
                let _outer = said.on_drop("the other locals are dropped");
                let _bomb = on_drop(|| panic!("bomb"));
                pending::<()>().await;
            })
        };
        let joined = spawned("joined");
        yield_now().await;
        joined.cancel();
        let error = joined.await.unwrap_err();
        assert!(error.is_panic());
        assert_eq!(
            without_places(&error.to_string()),
            "task \"joined\" (spawned at here) panicked: bomb"
        );
        assert_eq!(trace.take(), ["the other locals are dropped"]);

        let detached = spawned("detached");
        yield_now().await;
        detached.cancel();
        drop(detached);
        yield_now().await;
        let expected = [
            "the other locals are dropped",
            "task \"detached\" (spawned at here) panicked: bomb",
        ];
        let lines = trace.take();
        let lines: Vec<_> = lines.iter().map(|line| without_places(line)).collect();
        assert_eq!(lines, expected);
    });
    assert_eq!(executor.stats().tasks, 0);
}

#[test]
fn a_destructor_may_cancel_another_task() {
    let trace = Trace::new();
    bibelot::run(async {
        let spawned = |name: &'static str, next: Option<JoinHandle<()>>| {
            let said = trace.clone();
            spawn(async move {
                let _guard = on_drop(move || {
                    said.say(name);
                    if let Some(next) = &next {
                        next.cancel();
                    }
                });
                pending::<()>().await;
            })
        };
        let third = spawned("third", None);
        let second = spawned("second", Some(third));
        let first = spawned("first", Some(second));
        yield_now().await;
        first.cancel();
        // Each in a turn of its own, not one inside another.
        yield_now().await;
        assert_eq!(trace.take(), ["first"]);
        yield_now().await;
        assert_eq!(trace.take(), ["second"]);
        yield_now().await;
        assert_eq!(trace.take(), ["third"]);
    });
}

#[test]
fn a_destructor_may_cancel_its_own_task() {
    let trace = Trace::new();
    bibelot::run(async {
        let own: Place<()> = Rc::default();
        let (place, said) = (Rc::clone(&own), trace.clone());
        let handle = spawn(async move {
            let _guard = on_drop(move || {
                place.borrow().as_ref().unwrap().cancel();
                said.say("dropped");
            });
            pending::<()>().await;
        });
        *own.borrow_mut() = Some(handle);
        yield_now().await;
        own.borrow().as_ref().unwrap().cancel();
        yield_now().await;
        let handle = own.take().unwrap();
        assert!(handle.await.unwrap_err().is_cancelled());
    });
    assert_eq!(trace.take(), ["dropped"]);
}

/// The handle of a task may lie in that task's own future, and so be dropped with it.
#[test]
fn a_future_may_hold_the_handle_of_its_own_task() {
    let executor = Executor::new().unwrap();
    let own: Place<()> = Rc::default();
    let place = Rc::clone(&own);
    let trace = Trace::new();
    let guard = trace.on_drop("dropped");
    let handle = executor.spawn(async move {
        let _guard = guard;
        let _own = poll_fn(|_| place.take().map_or(Poll::Pending, Poll::Ready)).await;
        pending::<()>().await;
    });
    let task = handle.task();
    *own.borrow_mut() = Some(handle);
    executor.turn(Some(Duration::ZERO));
    assert!(own.borrow().is_none());
    assert!(trace.take().is_empty());
    task.unpark();
    executor.shutdown();
    assert_eq!(trace.take(), ["dropped"]);
}

#[test]
fn a_destructor_of_a_cancelled_task_spawns_what_goes_on() {
    let trace = Trace::new();
    let said = trace.clone();
    bibelot::run(async move {
        let guard = on_drop(move || {
            let said = said.clone();
            drop(spawn(async move {
                yield_now().await;
                said.say("cleaned up");
            }));
        });
        let handle = spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        });
        yield_now().await;
        handle.cancel();
        assert!(handle.await.unwrap_err().is_cancelled());
    });
    assert_eq!(trace.take(), ["cleaned up"]);
}

/// curio: `test_task_cancel_join`, `test_task_child_cancel`.
#[test]
fn a_cancel_reaches_neither_the_children_of_a_task_nor_its_joiners() {
    same_every_time(a_cancel_reaches_neither_the_children_of_a_task_nor_its_joiners);
    let trace = Trace::new();
    let said = trace.clone();
    Sim::new().run(async move {
        let in_parent = said.clone();
        let parent = Rc::new(RefCell::new(None));
        *parent.borrow_mut() = Some(spawn(async move {
            let in_child = in_parent.clone();
            let child = spawn(async move {
                sleep(Duration::from_secs(2)).await;
                in_child.say("child went on");
            });
            child.await.unwrap();
            in_parent.say("never");
        }));
        let (joined, in_joiner) = (Rc::clone(&parent), said.clone());
        spawn(async move {
            let error = poll_fn(|cx| {
                let mut handle = joined.borrow_mut();
                Pin::new(handle.as_mut().unwrap()).poll(cx)
            });
            assert!(error.await.unwrap_err().is_cancelled());
            in_joiner.say("joiner went on");
        });
        sleep(Duration::from_secs(1)).await;
        parent.borrow().as_ref().unwrap().cancel();
    });
    assert_eq!(trace.take(), ["joiner went on", "child went on"]);
}

/// curio: `test_task_cancel_timeout`: a cancel takes the timeouts of its victim with it.
#[test]
fn a_cancel_takes_the_victims_deadlines_back() {
    let executor = Executor::new().unwrap();
    executor.run(async {
        let handle = spawn(async {
            let _late = timeout(Duration::from_secs(3600), sleep(Duration::from_secs(7200))).await;
        });
        yield_now().await;
        assert_eq!(executor.stats().timers, 2);
        handle.cancel();
        assert!(handle.await.unwrap_err().is_cancelled());
        assert_eq!(executor.stats().timers, 0);
    });
}

/// curio: `test_cancel_noblock`: who asks does not wait.
#[test]
fn cancel_does_not_wait() {
    same_every_time(cancel_does_not_wait);
    Sim::new().run(async {
        let start = Instant::now();
        let handle = spawn(sleep(Duration::from_secs(3600)));
        yield_now().await;
        handle.cancel();
        assert!(!handle.is_finished());
        assert!(handle.await.unwrap_err().is_cancelled());
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

/// A joiner gives up at the very moment at which its task is to end: the task ends all the same.
#[test]
fn a_cancelled_joiner_leaves_the_task_alone() {
    same_every_time(a_cancelled_joiner_leaves_the_task_alone);
    let trace = Trace::new();
    let said = trace.clone();
    Sim::new().run(async move {
        let task = spawn(async move {
            sleep(Duration::from_secs(1)).await;
            said.say("task ended");
        });
        let joiner = spawn(async move { task.await.unwrap() });
        sleep(Duration::from_secs(1)).await;
        joiner.cancel();
        assert!(joiner.await.unwrap_err().is_cancelled());
    });
    assert_eq!(trace.take(), ["task ended"]);
}

#[test]
fn a_cancel_error_is_an_io_error_that_is_not_retried() {
    bibelot::run(async {
        let handle = Builder::new().name("fetch").spawn(pending::<()>());
        handle.cancel();
        let error = std::io::Error::from(handle.await.unwrap_err());
        assert_eq!(error.kind(), std::io::ErrorKind::Other);
        assert_eq!(
            without_places(&error.to_string()),
            "task \"fetch\" (spawned at here) was cancelled at here"
        );
    });
}

/// Many tasks that wait for each other and are cancelled in a shuffled order: all end, each once.
#[test]
fn a_storm_of_cancels_ends_every_task_once_in_any_order() {
    same_every_time(a_storm_of_cancels_ends_every_task_once_in_any_order);
    for seed in 0..50 {
        let trace = Trace::new();
        Sim::new().seed(seed).run(async {
            let mut handles: Vec<JoinHandle<()>> = Vec::new();
            for nth in 0..20 {
                let guard = trace.on_drop(format!("{nth:02}"));
                handles.push(spawn(async move {
                    let _guard = guard;
                    loop {
                        sleep(Duration::from_secs(1 + nth % 3)).await;
                        yield_now().await;
                    }
                }));
            }
            sleep(Duration::from_secs(seed % 5)).await;
            for handle in &handles {
                handle.cancel();
            }
            for handle in handles {
                assert!(handle.await.unwrap_err().is_cancelled());
            }
        });
        let mut ends = trace.take();
        ends.sort();
        let expected: Vec<String> = (0..20).map(|nth| format!("{nth:02}")).collect();
        assert_eq!(ends, expected);
    }
}

// Reasons, and a polite cancel.

#[test]
fn a_cancel_may_say_why_and_the_first_reason_stands() {
    bibelot::run(async {
        let victim = Builder::new().name("victim").spawn(pending::<()>());
        victim.cancel_because("too old");
        let line = line!() - 1;
        victim.cancel_because(String::from("too slow"));
        let JoinError::Cancelled(cancelled) = victim.await.unwrap_err() else {
            panic!("it was cancelled");
        };
        assert_eq!(cancelled.reason(), Some("too old"));
        let (spawned, here) = (line - 1, file!());
        let expected = format!(
            "task \"victim\" (spawned at {here}:{spawned}:52) was cancelled at {here}:{line}:16: \
             too old"
        );
        assert_eq!(cancelled.to_string(), expected);
    });
}

#[test]
fn a_task_that_takes_notice_ends_by_itself_within_the_grace() {
    same_every_time(a_task_that_takes_notice_ends_by_itself_within_the_grace);
    let trace = Trace::new();
    Sim::new().run(async {
        let said = trace.clone();
        let start = Instant::now();
        let polite = spawn(async move {
            cancelled().await;
            said.say(format!("noticed after {:?}", start.elapsed()));
            // It is said once and for all.
            cancelled().await;
            sleep(Duration::from_millis(3)).await;
            "goodbye"
        });
        sleep(Duration::from_millis(2)).await;
        polite.cancel_within(Duration::from_millis(5));
        assert_eq!(polite.await.unwrap(), "goodbye");
        assert_eq!(start.elapsed(), Duration::from_millis(5));
    });
    assert_eq!(trace.take(), ["noticed after 2ms"]);
}

#[test]
fn a_task_that_takes_no_notice_is_dropped_when_the_grace_is_over() {
    same_every_time(a_task_that_takes_no_notice_is_dropped_when_the_grace_is_over);
    let trace = Trace::new();
    Sim::new().run(async {
        let start = Instant::now();
        let dropped = {
            let said = trace.clone();
            on_drop(move || said.say(format!("dropped after {:?}", start.elapsed())))
        };
        let deaf = spawn(async move {
            let _dropped = dropped;
            for _ in 0..1_000 {
                // Woken often, and not asked sooner for that.
                sleep(Duration::from_millis(1)).await;
            }
        });
        sleep(Duration::from_millis(2)).await;
        deaf.cancel_within(Duration::from_millis(5));
        let line = line!() - 1;
        let JoinError::Cancelled(cancelled) = deaf.await.unwrap_err() else {
            panic!("it was cancelled");
        };
        assert_eq!(cancelled.at().line(), line);
        assert_eq!(start.elapsed(), Duration::from_millis(7));
    });
    assert_eq!(trace.take(), ["dropped after 7ms"]);
}

#[test]
fn of_several_requests_the_earliest_is_due() {
    same_every_time(of_several_requests_the_earliest_is_due);
    Sim::new().run(async {
        let ms = Duration::from_millis;
        let cases: [(&[Duration], Duration); 5] = [
            (&[ms(5), ms(2)], ms(2)),
            (&[ms(2), ms(5)], ms(2)),
            (&[Duration::MAX, ms(4)], ms(4)),
            (&[Duration::MAX, Duration::ZERO], Duration::ZERO),
            (&[ms(4), Duration::MAX], ms(4)),
        ];
        for (graces, ends) in cases {
            let start = Instant::now();
            let task = spawn(pending::<()>());
            yield_now().await;
            for grace in graces {
                task.cancel_within(*grace);
                yield_now().await;
            }
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!(start.elapsed(), ends, "{graces:?}");
        }
        // A plain cancel does not wait for the grace of one before.
        let start = Instant::now();
        let task = spawn(async {
            cancelled().await;
            pending::<()>().await;
        });
        yield_now().await;
        task.cancel_within(ms(5));
        sleep(ms(1)).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(start.elapsed(), ms(1));
    });
}

#[test]
fn a_plain_cancel_is_not_noticed_and_a_polite_one_ends_nothing_that_has_ended() {
    same_every_time(a_plain_cancel_is_not_noticed_and_a_polite_one_ends_nothing_that_has_ended);
    let trace = Trace::new();
    Sim::new().run(async {
        let said = trace.clone();
        let task = spawn(async move {
            cancelled().await;
            said.say("never");
        });
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());

        let ended = spawn(async { "value" });
        yield_now().await;
        ended.cancel_within(Duration::ZERO);
        assert_eq!(ended.await.unwrap(), "value");
        // Nor does it leave a deadline that would keep the run.
        let start = Instant::now();
        let polite = spawn(cancelled());
        yield_now().await;
        polite.cancel_within(Duration::from_secs(3600));
        polite.await.unwrap();
        sleep(Duration::from_millis(1)).await;
        assert_eq!(start.elapsed(), Duration::from_millis(1));
    });
    assert!(trace.take().is_empty());
}

#[test]
fn all_who_wait_for_the_notice_have_it_also_in_an_epilogue() {
    same_every_time(all_who_wait_for_the_notice_have_it_also_in_an_epilogue);
    let trace = Trace::new();
    Sim::new().run(async {
        let said = trace.clone();
        let notices = move |who: &'static str| {
            let said = said.clone();
            async move {
                cancelled().await;
                said.say(who);
            }
        };
        let task = spawn(async move {
            let both = join(notices("left"), notices("right"));
            finally(both, notices("cleanup")).await;
        });
        yield_now().await;
        task.cancel_within(Duration::from_millis(1));
        task.await.unwrap();
    });
    assert_eq!(trace.take(), ["left", "right", "cleanup"]);
}

/// A future in a box.
type Boxed = Pin<Box<dyn Future<Output = ()>>>;

#[test]
fn a_notice_may_move_to_another_task_and_is_that_tasks_then() {
    same_every_time(a_notice_may_move_to_another_task_and_is_that_tasks_then);
    Sim::new().run(async {
        let place: Rc<RefCell<Option<Boxed>>> = Rc::default();
        let left = Rc::clone(&place);
        let first = spawn(async move {
            let mut notice: Boxed = Box::pin(cancelled());
            poll_fn(|cx| {
                assert!(notice.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            *left.borrow_mut() = Some(notice);
            pending::<()>().await;
        });
        yield_now().await;
        let second = spawn(place.take().unwrap());
        yield_now().await;
        first.cancel();
        assert!(first.await.is_err());
        yield_now().await;
        assert!(!second.is_finished());
        second.cancel_within(Duration::from_millis(1));
        second.await.unwrap();
    });
}

#[test]
fn a_task_that_pays_before_its_end_comes_to_that_within_the_grace() {
    same_every_time(a_task_that_pays_before_its_end_comes_to_that_within_the_grace);
    let trace = Trace::new();
    Sim::new().run(async {
        let said = trace.clone();
        let task = spawn(async move {
            let cleanup = async move {
                sleep(Duration::from_millis(3)).await;
                said.say("cleaned up");
            };
            timeout(Duration::ZERO, finally(pending::<()>(), cleanup))
                .await
                .unwrap_err();
            "value"
        });
        sleep(Duration::from_millis(1)).await;
        task.cancel_within(Duration::from_millis(5));
        assert_eq!(task.await.unwrap(), "value");
    });
    assert_eq!(trace.take(), ["cleaned up"]);
}

// Attacks: whoever cancels whom, and whenever.

#[test]
fn a_task_may_cancel_its_parent_and_goes_on_itself() {
    same_every_time(a_task_may_cancel_its_parent_and_goes_on_itself);
    let trace = Trace::new();
    Sim::new().run(async {
        let place: Place<()> = Rc::default();
        let (parent, said) = (Rc::clone(&place), trace.clone());
        *place.borrow_mut() = Some(spawn(async move {
            let _dropped = said.on_drop("parent dropped");
            let said = said.clone();
            let child = spawn(async move {
                parent.borrow().as_ref().unwrap().cancel();
                said.say("child cancels its parent");
                yield_now().await;
                said.say("child goes on");
            });
            child.await.unwrap();
        }));
        sleep(Duration::from_secs(1)).await;
        let parent = place.take().unwrap();
        assert!(parent.await.unwrap_err().is_cancelled());
    });
    let expected = [
        "child cancels its parent",
        "parent dropped",
        "child goes on",
    ];
    assert_eq!(trace.take(), expected);
}

/// A task whose timeout is over after a second, and one that cancels it at that very instant, polled
/// before it or after it. Returns what happened.
fn cancel_at_the_deadline(is_before: bool, owes: bool) -> Vec<String> {
    let trace = Trace::new();
    Sim::new().run(async {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let say = |line: &str| trace.say(format!("{}s {line}", start.elapsed().as_secs()));
        let (said, dropped) = (trace.clone(), trace.on_drop("body dropped"));
        let victim = async move {
            let body = async move {
                let _dropped = dropped;
                pending::<()>().await;
            };
            let outcome = if owes {
                let cleaned = said.clone();
                let cleanup = async move {
                    sleep(second).await;
                    cleaned.say("cleaned up");
                };
                timeout(second, finally(body, cleanup)).await
            } else {
                timeout(second, body).await
            };
            said.say(format!("elapsed: {}", outcome.is_err()));
        };
        let place: Place<()> = Rc::default();
        let cancels = async {
            sleep(second).await;
            place.borrow().as_ref().unwrap().cancel();
            say("cancelled");
        };
        // Timers of one instant fire in the order in which they were set.
        let starts = async { *place.borrow_mut() = Some(spawn(victim)) };
        if is_before {
            join(cancels, starts).await;
        } else {
            starts.await;
            yield_now().await;
            cancels.await;
        }
        let outcome = place.take().unwrap().await;
        say(if outcome.is_ok() {
            "ended"
        } else {
            "was cancelled"
        });
    });
    trace.take()
}

#[test]
fn a_cancel_before_a_timeout_of_the_same_instant_is_all_that_happens() {
    same_every_time(a_cancel_before_a_timeout_of_the_same_instant_is_all_that_happens);
    let expected = ["1s cancelled", "body dropped", "1s was cancelled"];
    assert_eq!(cancel_at_the_deadline(true, false), expected);
    let expected = [
        "1s cancelled",
        "body dropped",
        "cleaned up",
        "2s was cancelled",
    ];
    assert_eq!(cancel_at_the_deadline(true, true), expected);
}

#[test]
fn a_cancel_after_a_timeout_of_the_same_instant_finds_the_task_ended_or_paying() {
    same_every_time(a_cancel_after_a_timeout_of_the_same_instant_finds_the_task_ended_or_paying);
    let expected = ["body dropped", "elapsed: true", "1s cancelled", "1s ended"];
    assert_eq!(cancel_at_the_deadline(false, false), expected);
    // What the timeout has begun goes on, once; nothing behind it does.
    let expected = [
        "body dropped",
        "1s cancelled",
        "cleaned up",
        "2s was cancelled",
    ];
    assert_eq!(cancel_at_the_deadline(false, true), expected);
}
