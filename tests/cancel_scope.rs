//! What a `CancelScope` promises: a future ends where it waits, by a handle or at a deadline that
//! moves, and of several that end at once the outer one does it.

mod support;

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn, ready};
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Wake, Waker};

use bibelot::task::{CancelScope, Run, finally, join, race, yield_now};
use bibelot::testing::Sim;
use bibelot::time::{Duration, Instant, effective_deadline, sleep, timeout, timeout_at};
use bibelot::{Executor, spawn};

use support::{Trace, on_drop, panic_of, poll_once, same_every_time};

/// So many milliseconds.
fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A scope whose deadline is that far away.
fn within(millis: u64) -> CancelScope {
    CancelScope::new().deadline(Instant::now() + ms(millis))
}

// Cancels, and where they come from.

#[test]
fn a_cancel_takes_effect_where_the_future_waits_next() {
    same_every_time(a_cancel_takes_effect_where_the_future_waits_next);
    let trace = Trace::new();
    Sim::new().run(async {
        let scope = CancelScope::new();
        let outcome = scope.run(async {
            let _dies = trace.on_drop("dropped where it waits");
            scope.cancel();
            trace.say("goes on");
            yield_now().await;
            trace.say("never");
        });
        assert_eq!(outcome.await, None);
    });
    assert_eq!(trace.take(), ["goes on", "dropped where it waits"]);
}

#[test]
fn a_value_in_the_poll_of_the_cancel_stands() {
    same_every_time(a_value_in_the_poll_of_the_cancel_stands);
    Sim::new().run(async {
        let scope = CancelScope::new();
        let inside = async {
            scope.cancel();
            "value"
        };
        assert_eq!(scope.run(inside).await, Some("value"));
        assert!(scope.is_cancelled());
    });
}

#[test]
fn what_is_run_after_the_cancel_ends_at_its_first_suspension() {
    same_every_time(what_is_run_after_the_cancel_ends_at_its_first_suspension);
    let trace = Trace::new();
    Sim::new().run(async {
        let scope = CancelScope::new();
        scope.cancel();
        assert_eq!(scope.run(ready(42)).await, Some(42));
        for _ in 0..2 {
            let inside = async {
                trace.say("runs until it waits");
                yield_now().await;
                trace.say("never");
            };
            assert_eq!(scope.run(inside).await, None);
        }
    });
    assert_eq!(trace.take(), ["runs until it waits", "runs until it waits"]);
}

#[test]
fn whoever_holds_a_handle_may_cancel() {
    same_every_time(whoever_holds_a_handle_may_cancel);
    for ways in [
        "task",
        "child",
        "epilogue",
        "destructor",
        "timer of another",
    ] {
        let trace = Trace::new();
        Sim::new().run(async {
            let scope = CancelScope::new();
            let (handle, way) = (scope.clone(), ways);
            let cancels = async move {
                sleep(ms(1)).await;
                handle.cancel_because(way);
            };
            let inside = async {
                let _dies = trace.on_drop("dropped");
                match ways {
                    "child" => drop(spawn(cancels)),
                    "epilogue" => drop(poll_once(&mut Box::pin(finally(pending::<()>(), cancels)))),
                    "destructor" => {
                        let handle = scope.clone();
                        let cancels = on_drop(move || handle.cancel_because("destructor"));
                        drop(race(sleep(ms(1)), async move {
                            let _cancels = cancels;
                            pending().await
                        }));
                    }
                    _ => drop(spawn(cancels)),
                }
                pending::<()>().await;
            };
            assert_eq!(scope.run(inside).await, None);
            assert_eq!(scope.reason(), Some(ways));
        });
        assert_eq!(trace.take(), ["dropped"]);
    }
}

#[test]
fn the_first_cancel_is_told_with_its_place_and_reason() {
    same_every_time(the_first_cancel_is_told_with_its_place_and_reason);
    Sim::new().run(async {
        let scope = CancelScope::default();
        let told = |scope: &CancelScope| (scope.cancelled_at().is_some(), scope.is_cancelled());
        assert_eq!((told(&scope), scope.reason()), ((false, false), None));
        scope.cancel_because("first");
        let line = line!() - 1;
        scope.cancel_because(String::from("second"));
        scope.clone().cancel();
        let at = scope.cancelled_at().unwrap();
        assert_eq!((at.file(), at.line()), (file!(), line));
        assert_eq!(scope.reason(), Some("first"));
        scope.set_deadline(Instant::now() + ms(1));
        assert!(scope.is_cancelled());
        let text = format!("{scope:?}");
        assert!(
            text.starts_with("CancelScope { is_cancelled: true"),
            "{text}"
        );
    });
}

#[test]
fn a_cancel_ends_all_that_runs_inside_in_order() {
    same_every_time(a_cancel_ends_all_that_runs_inside_in_order);
    let trace = Trace::new();
    Sim::new().run(async {
        let scope = CancelScope::new();
        for name in ["first", "second", "third"] {
            let (scope, dies) = (scope.clone(), trace.on_drop(name));
            spawn(async move {
                let inside = async move {
                    let _dies = dies;
                    pending::<()>().await;
                };
                assert_eq!(scope.run(inside).await, None);
            });
        }
        yield_now().await;
        scope.cancel();
        assert!(trace.take().is_empty(), "not before their turns");
    });
    assert_eq!(trace.take(), ["first", "second", "third"]);
}

#[test]
fn a_cancel_after_the_end_ends_nothing() {
    same_every_time(a_cancel_after_the_end_ends_nothing);
    Sim::new().run(async {
        let scope = CancelScope::new();
        assert_eq!(scope.run(async { sleep(ms(1)).await }).await, Some(()));
        assert!(!scope.is_cancelled());
        drop(Box::pin(scope.run(pending::<()>())));
        let mut dropped = Box::pin(scope.run(pending::<()>()));
        assert!(poll_once(&mut dropped).is_pending());
        drop(dropped);
        let mut forgotten = Box::pin(scope.run(pending::<()>()));
        assert!(poll_once(&mut forgotten).is_pending());
        mem::forget(forgotten);
        scope.cancel();
        yield_now().await;
    });
}

#[test]
fn a_cancelled_task_leaves_the_scope_it_waits_in_as_it_is() {
    same_every_time(a_cancelled_task_leaves_the_scope_it_waits_in_as_it_is);
    Sim::new().run(async {
        let scope = CancelScope::new();
        let inside = scope.clone();
        let task = spawn(async move { inside.run(pending::<()>()).await });
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(!scope.is_cancelled());
    });
}

#[test]
fn a_panic_passes_through_and_the_scope_goes_on() {
    same_every_time(a_panic_passes_through_and_the_scope_goes_on);
    Sim::new().run(async {
        let scope = CancelScope::new();
        let inside = scope.clone();
        let task = spawn(async move { inside.run(async { panic!("bomb") }).await });
        let error: bibelot::task::JoinError = task.await.map(|_: Option<()>| ()).unwrap_err();
        assert!(error.is_panic());
        assert_eq!(scope.run(async { effective_deadline() }).await, Some(None));
        let bomb = on_drop(|| panic!("in the destructor"));
        let inside = scope.clone();
        let task = spawn(async move {
            let inner = async move {
                let _bomb = bomb;
                pending::<()>().await;
            };
            inside.run(inner).await
        });
        yield_now().await;
        scope.cancel();
        assert!(
            task.await
                .unwrap_err()
                .to_string()
                .ends_with("in the destructor")
        );
    });
}

#[test]
fn a_cancel_costs_one_poll_and_waiting_none() {
    same_every_time(a_cancel_costs_one_poll_and_waiting_none);
    Sim::new().run(async {
        let scope = CancelScope::new();
        let polls = Rc::new(Cell::new(0));
        let task = spawn({
            let (scope, polls) = (scope.clone(), Rc::clone(&polls));
            async move {
                let cleanup = async { sleep(ms(100)).await };
                let inside = finally(pending::<()>(), cleanup);
                let mut run = Box::pin(scope.run(inside));
                poll_fn(|cx| {
                    polls.set(polls.get() + 1);
                    run.as_mut().poll(cx)
                })
                .await
            }
        });
        sleep(ms(50)).await;
        assert_eq!(polls.get(), 1);
        scope.cancel();
        scope.cancel();
        sleep(ms(50)).await;
        assert_eq!(polls.get(), 2);
        assert_eq!(task.await.unwrap(), None);
        // One for the end of its sleep, in which it is paid, and one for who waits for that.
        assert_eq!(polls.get(), 4);
    });
}

// Deadlines.

#[test]
fn a_deadline_ends_what_runs_and_says_where_that_waited() {
    same_every_time(a_deadline_ends_what_runs_and_says_where_that_waited);
    Sim::new().run(async {
        let (start, scope) = (Instant::now(), within(5));
        assert_eq!(scope.run(pending::<()>()).await, None);
        let line = line!() - 1;
        assert_eq!(start.elapsed(), ms(5));
        assert!(scope.is_cancelled());
        assert_eq!(scope.cancelled_at().unwrap().line(), line);
        assert_eq!(scope.reason(), None);
    });
}

#[test]
fn a_deadline_that_has_passed_at_the_start_ends_the_first_wait() {
    same_every_time(a_deadline_that_has_passed_at_the_start_ends_the_first_wait);
    Sim::new().run(async {
        let scope = within(1);
        sleep(ms(2)).await;
        assert!(!scope.is_cancelled(), "nothing was ended yet");
        assert_eq!(
            scope.run(ready("late but done")).await,
            Some("late but done")
        );
        assert!(!scope.is_cancelled());
        assert_eq!(scope.run(yield_now()).await, None);
        assert!(scope.is_cancelled());
    });
}

#[test]
fn a_deadline_moves_while_the_future_runs_both_ways() {
    same_every_time(a_deadline_moves_while_the_future_runs_both_ways);
    Sim::new().run(async {
        for (first, then, ends) in [(5, 9, 9), (9, 5, 5), (5, 2, 3), (5, 6, 6)] {
            let start = Instant::now();
            let scope = CancelScope::new().deadline(start + ms(first));
            let moves = async {
                sleep(ms(3)).await;
                scope.set_deadline(start + ms(then));
            };
            let (none, ()) = join(scope.run(pending::<()>()), moves).await;
            assert_eq!((none, start.elapsed()), (None, ms(ends)));
        }
    });
}

#[test]
fn a_deadline_that_is_moved_a_thousand_times_is_one_timer() {
    let executor = Executor::new().unwrap();
    executor.run(async {
        let scope = CancelScope::new();
        let inside = scope.clone();
        let task = spawn(async move { inside.run(pending::<()>()).await });
        let mut most = 0;
        for nth in 0..1000 {
            scope.set_deadline(Instant::now() + Duration::from_secs(7200 - nth));
            if nth % 3 == 0 {
                yield_now().await;
            }
            most = most.max(executor.stats().timers);
        }
        yield_now().await;
        assert_eq!((most, executor.stats().timers), (1, 1));
        scope.cancel();
        assert_eq!(task.await.unwrap(), None);
        assert_eq!(executor.stats().timers, 0);
    });
}

#[test]
fn a_deadline_may_be_moved_from_within() {
    same_every_time(a_deadline_may_be_moved_from_within);
    Sim::new().run(async {
        let start = Instant::now();
        let scope = within(5);
        // A heartbeat: each step gives it more time.
        let inside = async {
            for _ in 0..3 {
                sleep(ms(4)).await;
                scope.set_deadline(Instant::now() + ms(5));
            }
            assert_eq!(
                effective_deadline(),
                Some(start + ms(13)),
                "as at the last poll"
            );
            yield_now().await;
            assert_eq!(effective_deadline(), Some(start + ms(17)));
            pending::<()>().await;
        };
        assert_eq!(scope.run(inside).await, None);
        assert_eq!(start.elapsed(), ms(17));
    });
}

#[test]
fn a_deadline_that_is_moved_after_it_has_ended_something_stays_passed() {
    same_every_time(a_deadline_that_is_moved_after_it_has_ended_something_stays_passed);
    Sim::new().run(async {
        let scope = within(1);
        assert_eq!(scope.run(pending::<()>()).await, None);
        scope.set_deadline(Instant::now() + ms(10));
        let start = Instant::now();
        assert_eq!(scope.run(pending::<()>()).await, None);
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_deadline_saved_at_the_last_moment_leaves_inner_ones_in_force() {
    same_every_time(a_deadline_saved_at_the_last_moment_leaves_inner_ones_in_force);
    Sim::new().run(async {
        let start = Instant::now();
        // The scope has no time left when it starts, and is given some in its very first poll.
        let scope = CancelScope::new().deadline(start);
        let inside = async {
            scope.set_deadline(start + ms(50));
            timeout(Duration::ZERO, pending::<()>()).await.is_err()
        };
        assert_eq!(scope.run(inside).await, Some(true));
        assert_eq!(start.elapsed(), Duration::ZERO);
        // The same at a later moment, where both deadlines pass by one reading.
        let start = Instant::now();
        let scope = CancelScope::new().deadline(start + ms(5));
        let inside = async {
            let moves = async {
                sleep(ms(5)).await;
                scope.set_deadline(start + ms(50));
            };
            join(moves, timeout(ms(5), pending::<()>()))
                .await
                .1
                .is_err()
        };
        assert_eq!(scope.run(inside).await, Some(true));
        assert_eq!(start.elapsed(), ms(5));
    });
}

// Who is it that ends it?

#[test]
fn of_nested_scopes_each_ends_its_own() {
    same_every_time(of_nested_scopes_each_ends_its_own);
    Sim::new().run(async {
        let (outer, inner) = (CancelScope::new(), CancelScope::new());
        let inside = async {
            inner.cancel();
            assert_eq!(inner.run(pending::<()>()).await, None);
            assert!(!outer.is_cancelled());
            "goes on"
        };
        assert_eq!(outer.run(inside).await, Some("goes on"));

        let (outer, inner) = (CancelScope::new(), CancelScope::new());
        let inside = async {
            outer.cancel();
            inner.run(pending::<()>()).await;
            unreachable!("the outer one ends it");
        };
        assert_eq!(outer.run(inside).await, None);
        assert!(!inner.is_cancelled());
    });
}

#[test]
fn of_two_that_end_together_the_outer_one_does() {
    same_every_time(of_two_that_end_together_the_outer_one_does);
    Sim::new().run(async {
        let deadline = || Instant::now() + ms(5);
        // Scope in scope.
        let (outer, inner) = (within(5), within(5));
        let inside = async {
            inner.run(pending::<()>()).await;
            unreachable!("the outer one ends it");
        };
        assert_eq!(outer.run(inside).await, None);
        assert!(outer.is_cancelled() && !inner.is_cancelled());
        // Scope in timeout.
        let inner = within(5);
        let inside = async {
            inner.run(pending::<()>()).await;
            unreachable!("the timeout ends it");
        };
        assert!(timeout_at(deadline(), inside).await.is_err());
        assert!(!inner.is_cancelled());
        // Timeout in scope, and the scope is cancelled at the very moment.
        let outer = CancelScope::new();
        let inside = async {
            timeout_at(deadline(), pending::<()>()).await.unwrap();
            unreachable!("the scope ends it");
        };
        let cancels = async {
            sleep(ms(5)).await;
            outer.cancel();
        };
        assert_eq!(join(cancels, outer.run(inside)).await.1, None);
        // Scopes in scopes, twenty deep.
        let scopes: Vec<_> = (0..20).map(|_| within(5)).collect();
        let mut nest: Pin<Box<dyn Future<Output = Option<()>>>> = Box::pin(pending());
        for scope in &scopes {
            let inside = nest;
            nest = Box::pin(async {
                assert_eq!(scope.run(inside).await, None);
                // Reached by the outermost one alone.
                Some(())
            });
        }
        assert_eq!(nest.await, Some(()));
        for (nth, scope) in scopes.iter().enumerate() {
            assert_eq!(scope.is_cancelled(), nth == 19, "{nth}");
        }
    });
}

#[test]
fn an_inner_wait_that_gave_precedence_is_polled_again_if_the_outer_one_does_not_take_it() {
    same_every_time(
        an_inner_wait_that_gave_precedence_is_polled_again_if_the_outer_one_does_not_take_it,
    );
    /// Polls what is inside only when that was woken, as collections of futures do.
    struct Lazy<F> {
        inside: F,
        woken: std::sync::Arc<Flag>,
    }
    /// Whether it was woken, and whom it wakes in turn.
    struct Flag {
        is_set: std::sync::atomic::AtomicBool,
        outer: std::sync::Mutex<Option<Waker>>,
    }
    impl Wake for Flag {
        fn wake(self: std::sync::Arc<Self>) {
            self.is_set
                .store(true, std::sync::atomic::Ordering::Relaxed);
            if let Some(outer) = self.outer.lock().unwrap().take() {
                outer.wake();
            }
        }
    }
    impl<F: Future + Unpin> Future for Lazy<F> {
        type Output = F::Output;

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
            *self.woken.outer.lock().unwrap() = Some(cx.waker().clone());
            if !self
                .woken
                .is_set
                .swap(false, std::sync::atomic::Ordering::Relaxed)
            {
                return Poll::Pending;
            }
            let waker = Waker::from(std::sync::Arc::clone(&self.woken));
            Pin::new(&mut self.inside).poll(&mut Context::from_waker(&waker))
        }
    }

    Sim::new().run(async {
        let deadline = Instant::now() + ms(5);
        let flag = Flag {
            is_set: true.into(),
            outer: None.into(),
        };
        let mut lazy = Lazy {
            inside: Box::pin(timeout_at(deadline, pending::<()>())),
            woken: flag.into(),
        };
        // The outer deadline passes at the same moment, but something else inside is ready then; what
        // waited beside it is kept, and awaited later.
        let outcome = timeout_at(deadline, async {
            join(
                race(async { Some(Pin::new(&mut lazy).await) }, async {
                    sleep(ms(5)).await;
                    None
                }),
                ready(()),
            )
            .await
            .0
        });
        assert_eq!(outcome.await, Ok(None));
        assert!(lazy.await.is_err(), "and not never");
    });
}

// Moves.

#[test]
fn a_run_may_move_to_another_task_and_another_executor() {
    same_every_time(a_run_may_move_to_another_task_and_another_executor);
    let scope = CancelScope::new();
    let mut run: Pin<Box<Run<_>>> = Box::pin(scope.run(pending::<()>()));
    Sim::new().run(async {
        assert!(poll_once(&mut run).is_pending());
    });
    let executor = Executor::new().unwrap();
    let handle = executor.spawn(run);
    executor.turn(Some(Duration::ZERO));
    let elsewhere = scope.clone();
    Sim::new().run(async move { elsewhere.cancel() });
    assert_eq!(executor.run(handle).unwrap(), None);
}

#[test]
fn a_scope_that_pays_may_move_to_another_task() {
    same_every_time(a_scope_that_pays_may_move_to_another_task);
    let trace = Trace::new();
    Sim::new().run(async {
        let scope = CancelScope::new();
        let said = trace.clone();
        let owed = finally(pending::<()>(), async move {
            sleep(ms(5)).await;
            said.say("paid by the task that owes it");
        });
        let place: Rc<RefCell<Option<Pin<Box<Run<_>>>>>> = Rc::default();
        let task = spawn({
            let (scope, place) = (scope.clone(), Rc::clone(&place));
            async move {
                let mut run = Box::pin(scope.run(owed));
                poll_fn(|cx| {
                    let polled = run.as_mut().poll(cx);
                    scope.cancel();
                    assert!(polled.is_pending());
                    assert!(run.as_mut().poll(cx).is_pending());
                    Poll::Ready(())
                })
                .await;
                *place.borrow_mut() = Some(run);
            }
        });
        yield_now().await;
        // Here it has nothing to wait for.
        let run = place.take().unwrap();
        assert_eq!(run.await, None);
        assert!(!task.is_finished());
        task.await.unwrap();
    });
    assert_eq!(trace.take(), ["paid by the task that owes it"]);
}

#[test]
fn a_handle_may_outlive_what_ran_and_the_executor() {
    same_every_time(a_handle_may_outlive_what_ran_and_the_executor);
    let scope = CancelScope::new();
    let run = scope.run(pending::<()>());
    let kept = Sim::new().run({
        let scope = scope.clone();
        async move {
            let mut kept = Box::pin(scope.run(pending::<()>()));
            assert!(poll_once(&mut kept).is_pending());
            Some(kept)
        }
    });
    scope.cancel();
    drop(kept);
    assert_eq!(Sim::new().run(run), None);
    let run = scope.run(ready(()));
    assert!(panic_of(|| poll_once(&mut Box::pin(scope.run(pending::<()>())))).contains("executor"));
    drop(run);
}
