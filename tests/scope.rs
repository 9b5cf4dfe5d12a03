//! What `task::scope` and `task::try_scope` promise, and that what borrows is sound: whatever is
//! forgotten, leaked, moved or dropped, at every suspension.

mod support;

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bibelot::task::{
    self, Builder, FailureKind, JoinError, Local, Scope, current, scope, try_scope, yield_now,
};
use bibelot::testing::Sim;
use bibelot::time::{Duration, Instant, sleep, timeout};
use bibelot::{Executor, spawn};

use support::foreign::Foreign;
use support::{Trace, on_drop, panic_of, reporting_to, same_every_time, text_of, without_places};

/// A millisecond, and some of them.
const MS: Duration = Duration::from_millis(1);

/// Polls once, as the task does.
async fn poll_once<F: Future + ?Sized>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// The waker that a future is polled with.
async fn own_waker() -> Waker {
    poll_fn(|cx| Poll::Ready(cx.waker().clone())).await
}

/// Waits until `is` holds, and counts the polls that takes.
async fn until(polls: &Cell<u32>, is: &Cell<bool>) {
    poll_fn(|_| {
        polls.set(polls.get() + 1);
        if is.get() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

// What children do.

#[test]
fn children_change_what_is_around_in_turn() {
    same_every_time(children_change_what_is_around_in_turn);
    let mut numbers = vec![1, 2, 3];
    let (mut sum, mut text) = (0, String::new());
    let last = Sim::new().run(async {
        scope(async |s| {
            let (first, others) = numbers.split_first_mut().unwrap();
            s.spawn(async {
                for _ in 0..3 {
                    *first += 10;
                    sleep(MS).await;
                }
            });
            s.spawn(async {
                for other in others.iter_mut() {
                    *other += 100;
                    yield_now().await;
                    sum += *other;
                }
            });
            let text = s.spawn(async {
                text.push_str("said");
                yield_now().await;
                text.push_str(" twice");
                text.len()
            });
            text.await.unwrap()
        })
        .await
    });
    assert_eq!((numbers, sum), (vec![31, 102, 103], 205));
    assert_eq!((last, text.as_str()), (10, "said twice"));
}

#[test]
fn a_scope_is_left_when_all_have_ended() {
    same_every_time(a_scope_is_left_when_all_have_ended);
    Sim::new().run(async {
        let (start, ended) = (Instant::now(), Cell::new(0));
        let value = scope(async |s| {
            for nth in 1..=10 {
                let ended = &ended;
                s.spawn(async move {
                    sleep(MS * nth).await;
                    ended.set(ended.get() + 1);
                });
            }
            "early"
        });
        assert_eq!(value.await, "early");
        assert_eq!((ended.get(), start.elapsed()), (10, MS * 10));
        assert_eq!(scope(async |_| 1).await, 1);
    });
}

#[test]
fn siblings_are_polled_in_the_order_of_their_wakes() {
    same_every_time(siblings_are_polled_in_the_order_of_their_wakes);
    let trace = Trace::new();
    Sim::new().run(scope(async |s| {
        for name in ["a", "b", "c"] {
            let trace = &trace;
            s.spawn(async move {
                trace.say(name);
                s.spawn(async move { trace.say(format!("child of {name}")) });
                yield_now().await;
                trace.say(format!("{name} again"));
            });
        }
        trace.say("body");
    }));
    let expected = [
        "body",
        "a",
        "b",
        "c",
        "child of a",
        "a again",
        "child of b",
        "b again",
        "child of c",
        "c again",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_wake_polls_the_child_that_is_meant_and_no_other() {
    same_every_time(a_wake_polls_the_child_that_is_meant_and_no_other);
    let polls: [Cell<u32>; 5] = Default::default();
    let is_over = Cell::new(false);
    Sim::new().run(async {
        scope(async |s| {
            let [a, b, woken, body, around] = &polls;
            s.spawn(until(a, &is_over));
            s.spawn(until(b, &is_over));
            let (place, others) = (RefCell::new(Vec::new()), (a, b));
            let wakers: Rc<RefCell<Vec<Waker>>> = Rc::new(place);
            for polls in [others.0, others.1] {
                let wakers = Rc::clone(&wakers);
                let is_over = &is_over;
                s.spawn(async move {
                    let waker = own_waker().await;
                    wakers.borrow_mut().push(waker);
                    until(polls, is_over).await;
                });
            }
            let is_over = &is_over;
            s.spawn(async move {
                for _ in 0..10 {
                    woken.set(woken.get() + 1);
                    sleep(MS).await;
                }
                assert_eq!((a.get(), b.get()), (2, 2), "one poll each, of two");
                is_over.set(true);
                s.cancel();
            });
            until(body, &Cell::new(true)).await;
            around.set(1);
        })
        .await;
        let polls: Vec<u32> = polls.iter().map(Cell::get).collect();
        assert_eq!(polls, [2, 2, 10, 1, 1]);
    });
}

#[test]
fn many_wakes_are_one_poll_and_a_stale_one_is_none() {
    Executor::new().unwrap().run(scope(async |s| {
        let (polls, is_over) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(false)));
        let place = Rc::new(RefCell::new(None));
        let (kept, counted, over) = (Rc::clone(&place), Rc::clone(&polls), Rc::clone(&is_over));
        let first = s.spawn(async move {
            kept.replace(Some(own_waker().await));
            until(&counted, &over).await;
        });
        yield_now().await;
        let waker = place.take().unwrap();
        for _ in 0..3 {
            waker.wake_by_ref();
        }
        for _ in 0..3 {
            yield_now().await;
        }
        assert_eq!(polls.get(), 2, "queued once");
        first.cancel();
        drop(first.await);
        // Takes the place of the first.
        let (kept, counted, over) = (Rc::clone(&place), Rc::clone(&polls), Rc::clone(&is_over));
        let second = s.spawn(async move {
            kept.replace(Some(own_waker().await));
            until(&counted, &over).await;
        });
        yield_now().await;
        assert_eq!(polls.replace(0), 3);
        waker.wake();
        yield_now().await;
        yield_now().await;
        assert_eq!(polls.get(), 0, "a waker of one that has ended");
        place.take().unwrap().wake();
        yield_now().await;
        assert_eq!(polls.get(), 1, "its own still wakes it");
        second.cancel();
    }));
}

#[test]
fn a_child_that_wakes_itself_starves_nobody() {
    same_every_time(a_child_that_wakes_itself_starves_nobody);
    Sim::new().run(async {
        let turns = Rc::new(Cell::new(0));
        let counted = Rc::clone(&turns);
        let other = spawn(async move {
            for _ in 0..100 {
                counted.set(counted.get() + 1);
                yield_now().await;
            }
        });
        let seen = &turns;
        scope(async |s| {
            s.spawn(async {
                while seen.get() < 100 {
                    yield_now().await;
                }
            });
            s.spawn(async {
                while seen.get() < 50 {
                    yield_now().await;
                }
            });
        })
        .await;
        other.await.unwrap();
        assert_eq!(turns.get(), 100);
    });
}

#[test]
fn one_that_is_always_ready_leaves_the_others_their_operations() {
    same_every_time(one_that_is_always_ready_leaves_the_others_their_operations);
    Sim::new().run(async {
        let (near, far) = bibelot::io::duplex(1 << 20);
        far.write_all(&[0; 100_000]).await.unwrap();
        let (done, others) = (Cell::new(false), Cell::new(0));
        scope(async |s| {
            s.spawn(async {
                let mut byte = [0];
                for _ in 0..100_000 {
                    near.read_exact(&mut byte).await.unwrap();
                }
                done.set(true);
            });
            for _ in 0..2 {
                s.spawn(async {
                    let (a, b) = bibelot::io::duplex(16);
                    for _ in 0..100 {
                        a.write_all(b"x").await.unwrap();
                        b.read_exact(&mut [0]).await.unwrap();
                    }
                    assert!(!done.get(), "starved");
                    others.set(others.get() + 1);
                });
            }
        })
        .await;
        assert_eq!(others.get(), 2);
    });
}

#[test]
fn to_a_child_the_current_task_is_the_one_around_and_it_inherits_locals() {
    same_every_time(to_a_child_the_current_task_is_the_one_around_and_it_inherits_locals);
    static USER: Local<&str> = Local::new();
    let user = || USER.get().unwrap_or("nobody");
    Sim::new().run(async {
        let (id, trace) = (current().id(), Trace::new());
        scope(async |s| {
            let said = &trace;
            let ask = move || async move {
                assert_eq!(current().id(), id);
                yield_now().await;
                let guard = on_drop(move || said.say(user()));
                said.say(user());
                drop(guard);
            };
            let outer = s.spawn(ask());
            USER.scope("ann", async { drop(s.spawn(ask())) }).await;
            outer.await.unwrap();
        })
        .await;
        assert_eq!(trace.take(), ["nobody", "nobody", "ann", "ann"]);
    });
}

// How children end.

#[test]
fn a_panic_that_nobody_joined_is_raised_when_all_have_ended() {
    same_every_time(a_panic_that_nobody_joined_is_raised_when_all_have_ended);
    let trace = Trace::new();
    let sim = Sim::from_builder(reporting_to(&trace));
    let said = trace.clone();
    let text = panic_of(|| {
        sim.run(scope(async |s| {
            s.spawn(async { panic!("first") });
            s.spawn(async { panic!("second") });
            let joined = s.spawn(async { panic!("joined") });
            s.spawn(async {
                sleep(MS).await;
                said.say("the others go on");
            });
            let error: JoinError = joined.join().await.unwrap_err();
            assert_eq!(text_of(&*error.into_panic()), "joined");
        }))
    });
    assert_eq!(text, "first");
    let lines = trace.take();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0], "the others go on");
    assert!(
        lines[1].contains("(spawned at tests/scope.rs:"),
        "{lines:?}"
    );
    assert!(lines[1].ends_with("panicked: second"), "{lines:?}");
}

#[test]
fn a_panic_whose_handle_is_leaked_is_raised_as_well() {
    same_every_time(a_panic_whose_handle_is_leaked_is_raised_as_well);
    let text = panic_of(|| {
        Sim::new().run(scope(async |s| {
            std::mem::forget(s.spawn(async { panic!("leaked") }));
        }))
    });
    assert_eq!(text, "leaked");
}

#[test]
fn a_panic_of_the_body_drops_the_children_newest_first_and_waits_for_what_they_owe() {
    same_every_time(
        a_panic_of_the_body_drops_the_children_newest_first_and_waits_for_what_they_owe,
    );
    let trace = Trace::new();
    let paid = trace.clone();
    let text = panic_of(|| {
        Sim::new().run(scope(async |s| {
            for name in ["old", "new"] {
                let (trace, paid) = (&trace, paid.clone());
                s.spawn(async move {
                    let _guard = on_drop(|| trace.say(format!("{name} dropped")));
                    let cleanup = async move {
                        sleep(MS).await;
                        paid.say(format!("{name} paid"));
                    };
                    task::finally(pending::<()>(), cleanup).await;
                });
            }
            yield_now().await;
            trace.say("panic");
            panic!("of the body");
        }))
    });
    assert_eq!(text, "of the body");
    let expected = [
        "panic",
        "new dropped",
        "old dropped",
        "new paid",
        "old paid",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_panic_in_a_childs_destructor_is_its_own() {
    same_every_time(a_panic_in_a_childs_destructor_is_its_own);
    let trace = Trace::new();
    let sim = Sim::from_builder(reporting_to(&trace));
    let text = panic_of(|| {
        sim.run(scope(async |s| {
            let dropped = s.spawn(async {
                let _guard = on_drop(|| panic!("in drop"));
                pending::<()>().await;
            });
            yield_now().await;
            dropped.cancel();
            assert!(dropped.await.unwrap_err().is_panic());
            let value = s.spawn(async { on_drop(|| panic!("of a value")) });
            drop(value);
            let twice = s.spawn(async {
                let _guard = on_drop(|| drop(panic_of(|| panic!("contained"))));
                panic!("in poll");
            });
            assert!(twice.await.unwrap_err().is_panic());
        }))
    });
    assert_eq!(text, "of a value");
    assert!(trace.take().is_empty());
}

#[test]
fn a_child_that_is_cancelled_has_ended_when_it_has_paid() {
    same_every_time(a_child_that_is_cancelled_has_ended_when_it_has_paid);
    Sim::new().run(async {
        let (start, trace) = (Instant::now(), Trace::new());
        scope(async |s| {
            let said = trace.clone();
            let cleanup = async move {
                sleep(MS * 5).await;
                said.say("paid");
            };
            let handle = s.spawn(task::finally(pending::<()>(), cleanup));
            yield_now().await;
            handle.cancel_because("enough");
            handle.cancel();
            assert!(!handle.is_finished());
            let JoinError::Cancelled(cancelled) = handle.await.unwrap_err() else {
                panic!("cancelled");
            };
            assert_eq!(cancelled.reason(), Some("enough"));
            trace.say("joined");
            assert_eq!(start.elapsed(), MS * 5);
            let unpolled = s.spawn(async { trace.say("never") });
            unpolled.cancel();
            assert!(unpolled.await.unwrap_err().is_cancelled());
        })
        .await;
        assert_eq!(trace.take(), ["paid", "joined"]);
    });
}

#[test]
fn a_value_of_the_poll_that_was_cancelled_stands() {
    same_every_time(a_value_of_the_poll_that_was_cancelled_stands);
    Sim::new().run(scope(async |s| {
        let place = Rc::new(RefCell::new(None));
        let own = Rc::clone(&place);
        *place.borrow_mut() = Some(s.spawn(async move {
            let handle: task::ScopedJoinHandle<'_, u32> = own.borrow_mut().take().unwrap();
            handle.cancel();
            std::mem::forget(handle);
            42
        }));
        let kept = s.spawn(async { 42 });
        yield_now().await;
        kept.cancel();
        assert_eq!(kept.await.unwrap(), 42);
    }));
}

#[test]
fn cancel_ends_the_children_and_those_to_come_but_not_the_body() {
    same_every_time(cancel_ends_the_children_and_those_to_come_but_not_the_body);
    let trace = Trace::new();
    let value = Sim::new().run(scope(async |s| {
        for name in ["a", "b"] {
            let trace = &trace;
            s.spawn(async move {
                let _guard = on_drop(|| {
                    trace.say(name);
                    // A destructor that spawns: refused, or this would not end.
                    s.spawn(async { trace.say("never") });
                });
                pending::<()>().await;
            });
        }
        let own = s.spawn(async {
            s.cancel();
            trace.say("goes on until it waits");
            yield_now().await;
            trace.say("never");
        });
        let error = own.await.unwrap_err();
        let late = s.spawn(async { trace.say("never") }).await.unwrap_err();
        trace.say(format!("{} {}", error.is_cancelled(), late.is_cancelled()));
        sleep(MS).await;
        "value"
    }));
    assert_eq!(value, "value");
    let expected = ["goes on until it waits", "b", "a", "true true"];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_child_may_cancel_the_task_around_which_takes_it_along() {
    same_every_time(a_child_may_cancel_the_task_around_which_takes_it_along);
    let trace = Trace::new();
    Sim::new().run(async {
        let place: Rc<RefCell<Option<task::JoinHandle<()>>>> = Rc::default();
        let (around, said) = (Rc::clone(&place), trace.clone());
        *place.borrow_mut() = Some(spawn(async move {
            let _dropped = said.on_drop("task dropped");
            scope(async |s| {
                let paid = said.clone();
                s.spawn(task::finally(pending::<()>(), async move {
                    sleep(MS).await;
                    paid.say("sibling paid");
                }));
                s.spawn(async {
                    let _dropped = said.on_drop("child dropped");
                    yield_now().await;
                    around.borrow().as_ref().unwrap().cancel();
                    said.say("child cancels the task");
                    yield_now().await;
                    said.say("never");
                });
            })
            .await;
        }));
        sleep(MS).await;
        let around = place.take().unwrap();
        assert!(around.await.unwrap_err().is_cancelled());
        trace.say("joined");
    });
    let expected = [
        "child cancels the task",
        "child dropped",
        "task dropped",
        "sibling paid",
        "joined",
    ];
    assert_eq!(trace.take(), expected);
}

// try_scope.

/// Fails, or waits.
async fn fails(is_so: bool, name: &'static str) -> Result<(), &'static str> {
    match is_so {
        true => Err(name),
        false => pending().await,
    }
}

#[test]
fn the_first_failure_cancels_siblings_and_body_at_once() {
    same_every_time(the_first_failure_cancels_siblings_and_body_at_once);
    let trace = Trace::new();
    let result = Sim::new().run(try_scope(async |s| {
        let _body = trace.on_drop("body");
        for name in ["old", "failing", "new", "newest"] {
            let trace = &trace;
            s.spawn(async move {
                let _guard = on_drop(|| trace.say(name));
                yield_now().await;
                trace.say(format!("{name} goes on"));
                fails(name == "failing", name).await
            });
        }
        pending::<Result<(), _>>().await
    }));
    let error = result.unwrap_err();
    assert_eq!(error.failures().len(), 1);
    assert_eq!(
        error.first().and_then(|first| first.as_error()),
        Some(&"failing")
    );
    assert!(error.first().unwrap().task().contains("tests/scope.rs"));
    let expected = [
        "old goes on",
        "failing goes on",
        "failing",
        "newest",
        "new",
        "old",
        "body",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn all_failures_are_kept_in_their_order() {
    same_every_time(all_failures_are_kept_in_their_order);
    let result = Sim::new().run(try_scope(async |s| {
        s.spawn(async {
            let _guard = on_drop(|| panic!("in drop"));
            fails(false, "").await
        });
        s.spawn(async { sleep(MS).await });
        s.spawn(fails(true, "first"));
        Ok(())
    }));
    let error = result.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("2 tasks failed: task "), "{text}");
    assert!(
        text.contains("): first; task ") && text.ends_with("panicked: in drop"),
        "{text}"
    );
    let kinds: Vec<_> = error
        .into_failures()
        .into_iter()
        .map(|one| one.into_kind())
        .collect();
    assert!(matches!(kinds[0], FailureKind::Error("first")));
    assert!(matches!(kinds[1], FailureKind::Panicked(_)));
}

#[test]
fn a_child_with_a_name_is_told_of_with_name_and_place() {
    same_every_time(a_child_with_a_name_is_told_of_with_name_and_place);
    let result = Sim::new().run(try_scope(async |s| {
        let named = |name| Builder::new().name(name);
        let cancelled = named("unwanted").spawn_scoped(s, pending::<()>());
        cancelled.cancel();
        let debug = format!("{cancelled:?}");
        assert!(debug.contains("unwanted"), "{debug}");
        let error = cancelled.await.unwrap_err();
        assert_eq!(
            without_places(&error.to_string()),
            "task \"unwanted\" (spawned at here) was cancelled at here"
        );
        named("sore").spawn_scoped(s, async {
            let _guard = on_drop(|| panic!("no route"));
            pending::<()>().await;
        });
        named("fetch").spawn_scoped(s, fails(true, "too many"));
        Ok(())
    }));
    let (sore, fetch, here) = (line!() - 7, line!() - 3, file!());
    let error = result.unwrap_err();
    let first = error.first().unwrap();
    let name = format!("task \"fetch\" (spawned at {here}:{fetch}:24)");
    assert_eq!(first.task(), name);
    assert_eq!(first.spawned_at().line(), fetch);
    let text = format!(
        "2 tasks failed: {name}: too many; \
         task \"sore\" (spawned at {here}:{sore}:23) panicked: no route"
    );
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_named_child_of_a_plain_scope_borrows_and_its_unseen_panic_is_reported_with_its_name() {
    same_every_time(
        a_named_child_of_a_plain_scope_borrows_and_its_unseen_panic_is_reported_with_its_name,
    );
    let trace = Trace::new();
    let sim = Sim::from_builder(reporting_to(&trace));
    let mut count = 0;
    let text = panic_of(|| {
        sim.run(scope(async |s| {
            s.spawn(async { panic!("raised") });
            let other = Builder::new().name("other").priority(1);
            other.spawn_scoped(s, async { panic!("reported") });
            let counts = Builder::new().name("counts");
            let counted = counts.spawn_scoped(s, async {
                count += 1;
                count
            });
            assert_eq!(counted.await.unwrap(), 1);
            s.cancel();
            let late = Builder::new().name("late").spawn_scoped(s, async {});
            let error = late.await.unwrap_err().to_string();
            let expected = "task \"late\" (spawned at here) was cancelled at here";
            assert_eq!(without_places(&error), expected);
        }))
    });
    assert_eq!(text, "raised");
    let reported = without_places(&trace.take().join("\n"));
    let expected = "task \"other\" (spawned at here) panicked: reported";
    assert_eq!(reported, expected);
    assert_eq!(count, 1);
}

#[test]
fn a_panic_of_a_child_ends_the_scope_and_one_of_the_body_is_raised() {
    same_every_time(a_panic_of_a_child_ends_the_scope_and_one_of_the_body_is_raised);
    let result: Result<(), _> = Sim::new().run(try_scope(async |s| {
        s.spawn(async {
            yield_now().await;
            assert!(s.spawn(async {}).await.is_err(), "of a child");
        });
        fails(false, "").await
    }));
    assert!(
        result
            .unwrap_err()
            .to_string()
            .ends_with("panicked: of a child")
    );

    let trace = Trace::new();
    let text = panic_of(|| {
        Sim::new().run(try_scope(async |s| {
            s.spawn(async {
                let _guard = on_drop(|| trace.say("dropped"));
                fails(false, "").await
            });
            yield_now().await;
            if trace.take().is_empty() {
                panic!("of the body");
            }
            Ok(())
        }))
    });
    assert_eq!(
        (text.as_str(), trace.take()),
        ("of the body", vec!["dropped".into()])
    );
}

#[test]
fn a_value_of_the_body_whose_destructor_panics_leaks_no_failure() {
    same_every_time(a_value_of_the_body_whose_destructor_panics_leaks_no_failure);
    let trace = Trace::new();
    let text = panic_of(|| {
        Sim::new().run(async {
            let outcome = try_scope(async |s| {
                let failure = trace.on_drop("failure dropped");
                s.spawn(async { Err::<(), _>(failure) });
                Ok(on_drop(|| panic!("bomb")))
            });
            drop(outcome.await);
        });
    });
    assert_eq!(text, "bomb");
    assert_eq!(trace.take(), ["failure dropped"]);
}

#[test]
fn an_error_of_the_body_cancels_the_children() {
    same_every_time(an_error_of_the_body_cancels_the_children);
    let trace = Trace::new();
    let result: Result<(), _> = Sim::new().run(try_scope(async |s| {
        s.spawn(async {
            let _guard = on_drop(|| trace.say("dropped"));
            pending::<()>().await;
        });
        yield_now().await;
        Err(io::Error::from(io::ErrorKind::NotFound))
    }));
    assert_eq!(trace.take(), ["dropped"]);
    let error = result.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the body of the scope at tests/scope.rs:")
    );
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
}

#[test]
fn who_waits_for_a_child_takes_its_failure() {
    same_every_time(who_waits_for_a_child_takes_its_failure);
    let result = Sim::new().run(try_scope(async |s| {
        let failing = s.spawn(async {
            sleep(MS).await;
            fails(true, "taken").await
        });
        let cancelled = s.spawn(fails(false, ""));
        let waiting = s.spawn(async {
            sleep(MS * 2).await;
            Ok::<_, &str>(42)
        });
        assert_eq!(failing.await.unwrap(), Err("taken"));
        cancelled.cancel();
        assert!(cancelled.await.unwrap_err().is_cancelled());
        Ok(waiting.await.unwrap().unwrap())
    }));
    assert_eq!(result.unwrap(), 42);
}

#[test]
fn a_failure_that_is_not_taken_after_all_is_the_scopes() {
    same_every_time(a_failure_that_is_not_taken_after_all_is_the_scopes);
    // Waited for and given up: the handle remembers that somebody waited.
    let went_on = Cell::new(false);
    let result: Result<(), _> = Sim::new().run(try_scope(async |s| {
        let mut failing = s.spawn(async {
            sleep(MS * 2).await;
            fails(true, "left").await
        });
        assert!(timeout(MS, &mut failing).await.is_err());
        sleep(MS * 2).await;
        assert!(failing.is_finished());
        drop(failing);
        yield_now().await;
        went_on.set(true);
        Ok(())
    }));
    assert!(result.unwrap_err().to_string().ends_with(": left"));
    assert!(!went_on.get(), "the scope ends when the handle is dropped");
}

#[test]
fn what_a_failure_cancels_is_paid_before_the_scope_is_left() {
    same_every_time(what_a_failure_cancels_is_paid_before_the_scope_is_left);
    let trace = Trace::new();
    Sim::new().run(async {
        let start = Instant::now();
        let said = trace.clone();
        let result: Result<(), _> = try_scope(async |s| {
            let cleanup = async move {
                sleep(MS * 3).await;
                said.say("paid");
            };
            s.spawn(task::finally(pending::<()>(), cleanup));
            sleep(MS).await;
            Err("body")
        })
        .await;
        assert!(result.is_err());
        trace.say("left");
        assert_eq!(start.elapsed(), MS * 4);
    });
    assert_eq!(trace.take(), ["paid", "left"]);
}

// In company.

#[test]
fn a_timeout_around_drops_all_and_waits_for_what_they_owe() {
    same_every_time(a_timeout_around_drops_all_and_waits_for_what_they_owe);
    let trace = Trace::new();
    Sim::new().run(async {
        let data = String::from("borrowed");
        let paid = trace.clone();
        let start = Instant::now();
        let inside = scope(async |s| {
            for name in ["old", "new"] {
                let (trace, data, paid) = (&trace, &data, paid.clone());
                s.spawn(async move {
                    let _guard = on_drop(|| trace.say(format!("{name} {data} dropped")));
                    let cleanup = async move {
                        sleep(MS).await;
                        paid.say(format!("{name} paid"));
                    };
                    task::finally(pending::<()>(), cleanup).await;
                });
            }
            let _body = on_drop(|| trace.say("body dropped"));
            pending::<()>().await;
        });
        assert!(timeout(MS * 10, inside).await.is_err());
        assert_eq!(start.elapsed(), MS * 12);
        trace.say("left");
    });
    let expected = [
        "new borrowed dropped",
        "old borrowed dropped",
        "body dropped",
        "new paid",
        "old paid",
        "left",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_deadline_is_seen_by_children_and_settled_by_its_owner() {
    same_every_time(a_deadline_is_seen_by_children_and_settled_by_its_owner);
    Sim::new().run(async {
        let (start, is_inner) = (Instant::now(), Cell::new(false));
        let inside = scope(async |s| {
            s.spawn(async {
                let deadline = bibelot::time::effective_deadline();
                assert_eq!(deadline, Some(start + MS * 5));
                is_inner.set(timeout(MS * 5, pending::<()>()).await.is_err());
            });
            s.spawn(async { assert!(timeout(MS, pending::<()>()).await.is_err()) });
        });
        let elapsed = timeout(MS * 5, inside).await;
        assert!(
            elapsed.is_err() && !is_inner.get(),
            "both at once: the outer one"
        );
    });
}

#[test]
fn a_race_and_a_join_with_scopes() {
    same_every_time(a_race_and_a_join_with_scopes);
    Sim::new().run(async {
        let (mut a, mut b) = (0, 0);
        let slow = scope(async |s| {
            s.spawn(async {
                a += 1;
                sleep(MS * 10).await;
                a += 1;
            });
            "slow"
        });
        let fast = scope(async |s| {
            s.spawn(async { b += 1 });
            sleep(MS).await;
            "fast"
        });
        assert_eq!(task::race(slow, fast).await, "fast");
        assert_eq!((a, b), (1, 1));
        let (x, y) = (Cell::new(0), Cell::new(0));
        let count = async |count: &Cell<u32>| {
            scope(async |s| {
                for _ in 0..3 {
                    s.spawn(async {
                        sleep(MS).await;
                        count.set(count.get() + 1);
                    });
                }
            })
            .await;
        };
        task::join(count(&x), count(&y)).await;
        assert_eq!((x.get(), y.get()), (3, 3));
    });
}

#[test]
fn a_scope_under_a_foreign_waker_is_woken_by_it() {
    same_every_time(a_scope_under_a_foreign_waker_is_woken_by_it);
    Sim::new().run(async {
        let mut count = 0;
        let inside = scope(async |s| {
            s.spawn(async {
                for _ in 0..3 {
                    sleep(MS).await;
                    yield_now().await;
                    count += 1;
                }
            });
        });
        Foreign(Box::pin(inside)).await;
        assert_eq!(count, 3);
    });
}

#[test]
fn a_scope_moves_to_another_task_and_to_another_executor() {
    let count = Rc::new(Cell::new(0));
    let counted = Rc::clone(&count);
    let mut inside: Pin<Box<dyn Future<Output = ()>>> = Box::pin(scope(async move |s| {
        for _ in 0..2 {
            let counted = Rc::clone(&counted);
            s.spawn(async move {
                for _ in 0..10 {
                    sleep(MS).await;
                    counted.set(counted.get() + 1);
                }
            });
        }
    }));
    let first = Executor::new().unwrap();
    first.run(async {
        for _ in 0..3 {
            assert!(poll_once(inside.as_mut()).await.is_pending());
        }
    });
    let second = Executor::builder().build().unwrap();
    let place = Rc::new(RefCell::new(None));
    let back = Rc::clone(&place);
    second.run(async {
        spawn(async move {
            assert!(timeout(MS * 3, &mut inside).await.is_err());
            *back.borrow_mut() = Some(inside);
        })
        .await
        .unwrap();
    });
    let mut inside = place.take().unwrap();
    drop(first);
    let after = count.get();
    assert!((2..20).contains(&after), "{after}");
    Executor::new()
        .unwrap()
        .run(async { inside.as_mut().await });
    assert_eq!(count.get(), 20);
}

#[test]
fn a_child_that_came_from_another_executor_can_be_cancelled() {
    let mut inside = Box::pin(scope(async |s| {
        let child = s.spawn(pending::<()>());
        yield_now().await;
        yield_now().await;
        child.cancel();
        child.await.unwrap_err().is_cancelled()
    }));
    let (first, second) = (Executor::new().unwrap(), Executor::new().unwrap());
    first.run(async { assert!(poll_once(inside.as_mut()).await.is_pending()) });
    assert!(second.run(inside));
}

#[test]
fn a_shutdown_drops_the_children_of_a_task() {
    let trace = Trace::new();
    let executor = Executor::new().unwrap();
    let said = trace.clone();
    let handle = executor.spawn(async move {
        let data = said.on_drop("data");
        scope(async |s| {
            for name in ["old", "new"] {
                let (said, data) = (&said, &data);
                s.spawn(async move {
                    let _guard = on_drop(|| said.say(name));
                    let _data = data;
                    pending::<()>().await;
                });
            }
        })
        .await;
    });
    executor.run(async {
        yield_now().await;
        yield_now().await;
    });
    executor.shutdown();
    assert!(handle.is_finished());
    assert_eq!(trace.take(), ["new", "old", "data"]);
}

#[test]
fn scopes_a_thousand_deep() {
    /// A scope in a child of a scope, and so on; counts on the way back.
    fn nest<'a>(depth: u32, count: &'a Cell<u32>) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
        Box::pin(async move {
            if depth == 0 {
                for _ in 0..3 {
                    sleep(MS).await;
                }
                return;
            }
            scope(async |s| {
                s.spawn(nest(depth - 1, count));
            })
            .await;
            count.set(count.get() + 1);
        })
    }
    let deep = || {
        let count = Cell::new(0);
        Sim::new().run(nest(1000, &count));
        assert_eq!(count.get(), 1000);
        // And dropped in the middle.
        Sim::new().run(async {
            assert!(timeout(MS, nest(1000, &count)).await.is_err());
        });
        assert_eq!(count.get(), 1000);
    };
    let thread = std::thread::Builder::new().stack_size(256 << 20);
    thread.spawn(deep).unwrap().join().unwrap();
}

// What is known of those that wait.

#[test]
fn what_a_child_waits_for_is_known_while_another_is_polled() {
    // One waits for a thread's doing: the clock must not jump although the other only sleeps.
    let (reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
    Sim::new().run(async {
        let reader = bibelot::net::UnixStream::from_std(reader).unwrap();
        scope(async |s| {
            s.spawn(async {
                let mut byte = [0];
                reader.read_exact(&mut byte).await.unwrap();
            });
            s.spawn(async {
                for _ in 0..3 {
                    sleep(MS).await;
                }
                s.spawn(async {
                    yield_now().await;
                    use std::io::Write;
                    (&writer).write_all(b"x").unwrap();
                });
            });
        })
        .await;
    });
}

#[test]
fn a_child_that_waits_for_ever_is_a_deadlock_that_says_where() {
    same_every_time(a_child_that_waits_for_ever_is_a_deadlock_that_says_where);
    let text = panic_of(|| {
        Sim::new().run(scope(async |s| {
            let cell = Rc::new(RefCell::new(None));
            let inside = Rc::clone(&cell);
            *cell.borrow_mut() = Some(s.spawn(async move {
                let own: task::ScopedJoinHandle<'_, ()> = inside.take().unwrap();
                drop(own.await);
            }));
            sleep(MS).await;
        }))
    });
    assert!(text.starts_with("deadlock"), "{text}");
    assert!(text.contains("a task to end"), "{text}");
}

// Soundness: what borrows does not outlive what it borrows from.

/// What children borrow: shows that it is alive, and how it was used.
struct Lent {
    alive: Rc<Cell<bool>>,
    uses: Vec<u32>,
}

impl Lent {
    fn new() -> Self {
        Self {
            alive: Rc::new(Cell::new(true)),
            uses: Vec::new(),
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.alive.set(false);
        self.uses.clear();
    }
}

/// How often a scope of [`borrower`] is polled to its end.
const SUSPENSIONS: usize = 12;

/// Children that change what is lent to them in many steps, one of whose wakers other threads keep.
async fn borrower(lent: &mut Lent, wakers: &RefCell<Vec<Waker>>) {
    let Lent { alive, uses } = lent;
    let alive = &*alive;
    let uses = RefCell::new(uses);
    let step = async |nth: u32| {
        let waker = own_waker().await;
        wakers.borrow_mut().push(waker);
        for _ in 0..5 {
            assert!(alive.get());
            uses.borrow_mut().push(nth);
            yield_now().await;
        }
    };
    scope(async |s: &Scope<'_, '_>| {
        for nth in 0..2 {
            let step = &step;
            s.spawn(async move {
                step(nth).await;
                let inner = s.spawn(step(nth + 10));
                inner.await.unwrap();
            });
        }
        step(100).await;
        let nested = s.spawn(scope(async |inner| {
            inner.spawn(step(200));
            inner.spawn(step(300));
        }));
        nested.await.unwrap();
    })
    .await;
}

/// Wakes all, here and from another thread, and lets the executor deliver that.
async fn wake_all(wakers: &RefCell<Vec<Waker>>) {
    for _ in 0..3 {
        let copies = wakers.borrow().clone();
        copies.iter().for_each(Waker::wake_by_ref);
        std::thread::spawn(move || copies.into_iter().for_each(Waker::wake))
            .join()
            .unwrap();
        for _ in 0..5 {
            yield_now().await;
        }
    }
}

/// A cycle that is never freed, with a future in it.
struct Cycle<'a> {
    _own: RefCell<Option<Rc<Cycle<'a>>>>,
    _future: RefCell<Option<Pin<Box<dyn Future<Output = ()> + 'a>>>>,
}

#[test]
fn a_scope_that_is_forgotten_leaked_or_dropped_at_any_suspension_touches_nothing_more() {
    for polls in 0..SUSPENSIONS {
        for how in ["forget", "cycle", "drop", "other task"] {
            Executor::new().unwrap().run(async {
                let wakers = Rc::new(RefCell::new(Vec::new()));
                let mut lent = Box::new(Lent::new());
                let mut future: Pin<Box<dyn Future<Output = ()> + '_>> =
                    Box::pin(borrower(&mut lent, &wakers));
                for _ in 0..polls {
                    assert!(poll_once(future.as_mut()).await.is_pending());
                }
                match how {
                    "forget" => std::mem::forget(future),
                    "cycle" => {
                        let cycle = Rc::new(Cycle {
                            _own: RefCell::default(),
                            _future: RefCell::new(Some(future)),
                        });
                        *cycle._own.borrow_mut() = Some(Rc::clone(&cycle));
                    }
                    "drop" => drop(future),
                    _ => scope(async move |s| drop(s.spawn(async move { drop(future) }))).await,
                }
                let seen = lent.uses.len();
                wake_all(&wakers).await;
                assert_eq!(lent.uses.len(), seen, "nobody goes on");
                drop(lent);
                wake_all(&wakers).await;
            });
        }
    }
}

#[test]
fn the_borrower_of_these_tests_takes_more_polls_than_they_make() {
    Executor::new().unwrap().run(async {
        let wakers = RefCell::new(Vec::new());
        let mut lent = Lent::new();
        let mut polls = 0;
        {
            let mut future = pin!(borrower(&mut lent, &wakers));
            while poll_once(future.as_mut()).await.is_pending() {
                polls += 1;
            }
        }
        assert!((SUSPENSIONS..30).contains(&polls), "{polls}");
        assert_eq!(lent.uses.len(), 7 * 5);
        // After the end, and when all is gone.
        wake_all(&wakers).await;
    });
}

#[test]
fn wakers_of_children_outlive_scope_and_executor() {
    let wakers = Rc::new(RefCell::new(Vec::new()));
    let mut lent = Lent::new();
    Executor::new().unwrap().run(borrower(&mut lent, &wakers));
    drop(lent);
    let kept = wakers.take();
    assert_eq!(kept.len(), 7);
    // Another executor may have the number by now, and children in the same slots.
    Executor::new().unwrap().run(scope(async |s| {
        let polls = Rc::new(Cell::new(0));
        for _ in 0..7 {
            let polls = Rc::clone(&polls);
            s.spawn(async move {
                for _ in 0..3 {
                    polls.set(polls.get() + 1);
                    yield_now().await;
                }
            });
        }
        kept.iter().for_each(Waker::wake_by_ref);
        std::thread::spawn(move || kept.into_iter().for_each(Waker::wake))
            .join()
            .unwrap();
        sleep(MS).await;
        assert_eq!(polls.get(), 21);
    }));
}

#[test]
fn a_child_is_woken_by_a_thread() {
    Executor::new().unwrap().run(async {
        let mut seen = 0;
        let is_woken = std::sync::atomic::AtomicBool::new(false);
        let is_woken = std::sync::Arc::new(is_woken);
        scope(async |s| {
            s.spawn(scope(async |inner| {
                inner.spawn(async {
                    let (waker, flag) = (own_waker().await, is_woken.clone());
                    let thread = std::thread::spawn(move || {
                        flag.store(true, std::sync::atomic::Ordering::Release);
                        waker.wake();
                    });
                    poll_fn(
                        |_| match is_woken.load(std::sync::atomic::Ordering::Acquire) {
                            true => Poll::Ready(()),
                            false => Poll::Pending,
                        },
                    )
                    .await;
                    thread.join().unwrap();
                    seen += 1;
                });
            }));
        })
        .await;
        assert_eq!(seen, 1);
    });
}

/// Ends of a handle and its value, tied.
#[derive(Default)]
struct Knot<'scope>(RefCell<Option<task::ScopedJoinHandle<'scope, Rc<Knot<'scope>>>>>);

#[test]
fn a_handle_that_leaks_with_its_child_in_a_cycle_touches_nothing_more() {
    same_every_time(a_handle_that_leaks_with_its_child_in_a_cycle_touches_nothing_more);
    Sim::new().run(async {
        let mut lent = Box::new(Lent::new());
        let (uses, alive) = (RefCell::new(&mut lent.uses), &lent.alive);
        scope(async |s| {
            let knot = Rc::new(Knot::default());
            let (own, uses) = (Rc::clone(&knot), &uses);
            let handle = s.spawn(async move {
                assert!(alive.get());
                uses.borrow_mut().push(1);
                own
            });
            let waiting = s.spawn(async {
                yield_now().await;
                uses.borrow_mut().push(2);
            });
            // The value holds the handle that holds the value.
            *knot.0.borrow_mut() = Some(handle);
            std::mem::forget(waiting);
        })
        .await;
        assert_eq!(lent.uses, [1, 2]);
        drop(lent);
    });
}

#[test]
fn a_scope_may_be_moved_before_its_first_poll_and_dropped_unpolled() {
    same_every_time(a_scope_may_be_moved_before_its_first_poll_and_dropped_unpolled);
    Sim::new().run(async {
        let mut lent = Lent::new();
        let uses = &mut lent.uses;
        let unpolled = scope(async |s| drop(s.spawn(async { uses.push(1) })));
        let moved = vec![unpolled];
        drop(moved);
        let uses = &mut lent.uses;
        let later = scope(async |s| drop(s.spawn(async { uses.push(2) })));
        let moved = Box::new(later);
        Box::into_pin(moved).await;
        assert_eq!(lent.uses, [2]);
    });
}

#[test]
fn a_destructor_that_spawns_while_the_scope_is_dropped_is_refused() {
    let trace = Trace::new();
    let mut inside = Box::pin(scope(async |s| {
        s.spawn(async {
            let _guard = on_drop(|| {
                let late = s.spawn(async { trace.say("never") });
                trace.say(format!("refused: {}", late.is_finished()));
            });
            pending::<()>().await;
        });
    }));
    let executor = Executor::new().unwrap();
    executor.run(async {
        for _ in 0..2 {
            assert!(poll_once(inside.as_mut()).await.is_pending());
        }
    });
    // No executor is running here.
    drop(inside);
    assert_eq!(trace.take(), ["refused: true"]);
}

#[test]
fn outside_of_an_executor_it_says_what_to_do() {
    let text = panic_of(|| {
        let mut inside = pin!(scope(async |_| 1));
        inside
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
    });
    assert!(text.contains("no executor is running"), "{text}");
}
