//! What must still finish: `finally`, `bracket` and `shield`, and who waits for what they owe.
#![expect(clippy::async_yields_async, reason = "what is owed is handed about")]

mod support;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn, ready};
use std::mem;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::thread;

use bibelot::task::{
    Builder, CancelScope, JoinHandle, Local, TaskGroup, bracket, current, finally, join, race,
    scope, shield, try_current, yield_now,
};
use bibelot::testing::Sim;
use bibelot::time::{Duration, Instant, effective_deadline, sleep, timeout};
use bibelot::{Executor, spawn};

use support::foreign::{self, Call};
use support::{Trace, on_drop, panic_of, poll_once, reporting_to, same_every_time, without_places};

/// A future in a box.
type Boxed<T> = Pin<Box<dyn Future<Output = T>>>;

/// So many milliseconds.
fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Adds a line with the virtual time.
fn say(trace: &Trace, line: &str) {
    let now = format!("{:?}", Instant::now());
    let now = now.trim_start_matches("Instant(+").trim_end_matches(')');
    trace.say(format!("{now} {line}"));
}

/// A cleanup that says when it starts and when it ends, so many milliseconds later.
fn cleanup(trace: &Trace, name: &'static str, millis: u64) -> impl Future<Output = ()> + use<> {
    let said = trace.clone();
    async move {
        say(&said, &format!("{name} starts"));
        sleep(ms(millis)).await;
        say(&said, &format!("{name} ends"));
    }
}

/// Waits for ever, and says when it dies.
async fn endless(trace: Trace, name: &'static str) {
    let _dies = on_drop(move || say(&trace, &format!("{name} dies")));
    pending::<()>().await;
}

/// Runs under virtual time, with reports in the trace.
fn simulate<F: Future>(trace: &Trace, main: F) -> F::Output {
    Sim::from_builder(reporting_to(trace)).run(main)
}

/// The lines so far, without places.
fn lines(trace: &Trace) -> Vec<String> {
    let lines = trace.take();
    lines.iter().map(|line| without_places(line)).collect()
}

// What is owed, and when.

#[test]
fn nothing_is_owed_before_the_first_poll() {
    same_every_time(nothing_is_owed_before_the_first_poll);
    let trace = Trace::new();
    simulate(&trace, async {
        drop(finally(ready(()), cleanup(&trace, "cleanup", 0)));
        drop(shield(cleanup(&trace, "shielded", 0)));
        let resource = trace.on_drop("the resource is dropped");
        drop(bracket(
            resource,
            async |_| {},
            async |_| panic!("never released"),
        ));
        let handle = spawn(finally(ready(()), cleanup(&trace, "unpolled", 0)));
        handle.cancel();
        assert!(handle.await.unwrap_err().is_cancelled());
    });
    assert_eq!(trace.take(), ["the resource is dropped"]);
}

#[test]
fn from_the_first_poll_on_the_cleanup_is_owed() {
    same_every_time(from_the_first_poll_on_the_cleanup_is_owed);
    let trace = Trace::new();
    simulate(&trace, async {
        let mut owed = Box::pin(finally(pending::<()>(), cleanup(&trace, "cleanup", 0)));
        assert!(poll_once(&mut owed).is_pending());
        drop(owed);
        say(&trace, "dropped");
        yield_now().await;
    });
    assert_eq!(
        trace.take(),
        ["0ns dropped", "0ns cleanup starts", "0ns cleanup ends"]
    );
}

#[test]
fn the_cleanup_runs_after_the_body_whatever_becomes_of_that() {
    same_every_time(the_cleanup_runs_after_the_body_whatever_becomes_of_that);
    let trace = Trace::new();
    simulate(&trace, async {
        let value = finally(async { 42 }, cleanup(&trace, "after a value", 1)).await;
        assert_eq!(value, 42);
        let body = async { panic!("the body's own") };
        let panicked = spawn(finally(body, cleanup(&trace, "after a panic", 1)));
        let error = panicked.await.unwrap_err();
        say(&trace, error.to_string().rsplit(": ").next().unwrap());
        let cancelled = spawn(finally(
            endless(trace.clone(), "body"),
            cleanup(&trace, "after a cancel", 1),
        ));
        yield_now().await;
        cancelled.cancel();
        assert!(cancelled.await.unwrap_err().is_cancelled());
        say(&trace, "joined");
    });
    let expected = [
        "0ns after a value starts",
        "1ms after a value ends",
        "1ms after a panic starts",
        "2ms after a panic ends",
        "2ms the body's own",
        "2ms body dies",
        "2ms after a cancel starts",
        "3ms after a cancel ends",
        "3ms joined",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn inner_cleanups_are_paid_before_outer_ones_and_each_after_its_body() {
    same_every_time(inner_cleanups_are_paid_before_outer_ones_and_each_after_its_body);
    let trace = Trace::new();
    simulate(&trace, async {
        let said = trace.clone();
        let inner = async move {
            let _outside = said.on_drop("what the inner one is in dies");
            finally(
                endless(said.clone(), "inner body"),
                cleanup(&said, "inner", 1),
            )
            .await;
        };
        let outer = finally(inner, cleanup(&trace, "outer", 1));
        assert!(timeout(ms(5), outer).await.is_err());
        say(&trace, "elapsed");
    });
    let expected = [
        "5ms inner body dies",
        "what the inner one is in dies",
        "5ms inner starts",
        "6ms inner ends",
        "6ms outer starts",
        "7ms outer ends",
        "7ms elapsed",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn under_one_canceller_one_after_another_and_several_cancellers_side_by_side() {
    same_every_time(under_one_canceller_one_after_another_and_several_cancellers_side_by_side);
    let trace = Trace::new();
    simulate(&trace, async {
        let two = |first, second| {
            join(
                finally(pending::<()>(), cleanup(&trace, first, 3)),
                finally(pending::<()>(), cleanup(&trace, second, 3)),
            )
        };
        let (a, b) = join(
            timeout(ms(1), two("a1", "a2")),
            timeout(ms(2), two("b1", "b2")),
        )
        .await;
        assert!(a.is_err() && b.is_err());
    });
    let expected = [
        "1ms a1 starts",
        "2ms b1 starts",
        "4ms a1 ends",
        "4ms a2 starts",
        "5ms b1 ends",
        "5ms b2 starts",
        "7ms a2 ends",
        "8ms b2 ends",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_cleanup_that_was_started_on_the_normal_path_goes_on_where_it_was() {
    same_every_time(a_cleanup_that_was_started_on_the_normal_path_goes_on_where_it_was);
    let trace = Trace::new();
    simulate(&trace, async {
        let outcome = timeout(ms(1), finally(ready(()), cleanup(&trace, "cleanup", 3))).await;
        assert!(outcome.is_err());
        say(&trace, "elapsed");
    });
    // Not 4 ms: it has not begun anew.
    assert_eq!(
        trace.take(),
        ["0ns cleanup starts", "3ms cleanup ends", "3ms elapsed"]
    );
}

#[test]
fn once_started_a_cleanup_is_not_paused_by_one_that_comes_to_stand_before_it() {
    same_every_time(once_started_a_cleanup_is_not_paused_by_one_that_comes_to_stand_before_it);
    let trace = Trace::new();
    simulate(&trace, async {
        let said = trace.clone();
        let task = spawn(async move {
            // Under the task's own key from the start …
            let mut first = Box::pin(finally(pending::<()>(), cleanup(&said, "first", 5)));
            assert!(poll_once(&mut first).is_pending());
            drop(first);
            // … and this one under the timeout's, until the cancel passes it on.
            let second = finally(pending::<()>(), cleanup(&said, "second", 5));
            timeout(ms(1), second).await.unwrap();
        });
        sleep(ms(2)).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        say(&trace, "joined");
    });
    let expected = [
        "0ns first starts",
        "1ms second starts",
        "5ms first ends",
        "6ms second ends",
        "6ms joined",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn what_an_epilogue_owes_itself_is_paid_before_what_waits_for_that_epilogue() {
    same_every_time(what_an_epilogue_owes_itself_is_paid_before_what_waits_for_that_epilogue);
    let trace = Trace::new();
    simulate(&trace, async {
        let said = trace.clone();
        let broken = async move {
            sleep(ms(2)).await;
            said.say("2ms the shielded rest panics");
            std::panic::resume_unwind(Box::new(()));
        };
        let inner = shield(finally(broken, cleanup(&trace, "inner", 1)));
        let outer = finally(inner, cleanup(&trace, "outer", 1));
        assert!(timeout(ms(1), outer).await.is_err());
        say(&trace, "elapsed");
    });
    let mut lines = lines(&trace);
    lines.retain(|line| !line.contains("panicked"));
    let expected = [
        "2ms the shielded rest panics",
        "2ms inner starts",
        "3ms inner ends",
        "3ms outer starts",
        "4ms outer ends",
        "4ms elapsed",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_shielded_rest_is_not_paused_by_a_cleanup_that_was_dropped_before_it() {
    same_every_time(a_shielded_rest_is_not_paused_by_a_cleanup_that_was_dropped_before_it);
    let trace = Trace::new();
    simulate(&trace, async {
        let both = join(
            finally(pending::<()>(), cleanup(&trace, "cleanup", 5)),
            shield(cleanup(&trace, "shielded", 3)),
        );
        assert!(timeout(ms(1), both).await.is_err());
        say(&trace, "elapsed");
    });
    let expected = [
        "0ns shielded starts",
        "1ms cleanup starts",
        "3ms shielded ends",
        "6ms cleanup ends",
        "6ms elapsed",
    ];
    assert_eq!(trace.take(), expected);
}

// Who waits.

#[test]
fn every_canceller_waits_until_its_key_is_empty() {
    same_every_time(every_canceller_waits_until_its_key_is_empty);
    let trace = Trace::new();
    simulate(&trace, async {
        let owing = |name| finally(pending::<()>(), cleanup(&trace, name, 2));
        assert!(timeout(ms(1), owing("timeout")).await.is_err());
        say(&trace, "1");
        race(owing("race"), sleep(ms(1))).await;
        say(&trace, "2");
        let scope = CancelScope::new();
        let (none, ()) = join(scope.run(owing("scope")), async { scope.cancel() }).await;
        assert_eq!(none, None);
        say(&trace, "3");
        let task = spawn(owing("task"));
        yield_now().await;
        task.cancel();
        assert!(task.await.is_err());
        say(&trace, "4");
    });
    let expected = [
        "1ms timeout starts",
        "3ms timeout ends",
        "3ms 1",
        "4ms race starts",
        "6ms race ends",
        "6ms 2",
        "6ms scope starts",
        "8ms scope ends",
        "8ms 3",
        "8ms task starts",
        "10ms task ends",
        "10ms 4",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_canceller_waits_for_what_was_dropped_inside_it_also_when_it_succeeds() {
    same_every_time(a_canceller_waits_for_what_was_dropped_inside_it_also_when_it_succeeds);
    let trace = Trace::new();
    simulate(&trace, async {
        let inside = async {
            let mut owed = Box::pin(finally(pending::<()>(), cleanup(&trace, "cleanup", 2)));
            assert!(poll_once(&mut owed).is_pending());
            drop(owed);
            "value"
        };
        assert_eq!(timeout(ms(1), inside).await, Ok("value"));
        say(&trace, "succeeded");
    });
    let expected = ["0ns cleanup starts", "2ms cleanup ends", "2ms succeeded"];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_canceller_that_is_dropped_while_it_waits_passes_on_what_it_waits_for() {
    same_every_time(a_canceller_that_is_dropped_while_it_waits_passes_on_what_it_waits_for);
    let trace = Trace::new();
    simulate(&trace, async {
        let inner = timeout(
            ms(1),
            finally(pending::<()>(), cleanup(&trace, "cleanup", 5)),
        );
        // Each of these drops the one inside while it waits, and waits in its place.
        let middle = timeout(ms(2), inner);
        let (outer, ()) = join(timeout(ms(3), middle), async {
            sleep(ms(4)).await;
            say(&trace, "meanwhile");
        })
        .await;
        assert!(outer.is_err());
        say(&trace, "the outer one has elapsed");
    });
    let expected = [
        "1ms cleanup starts",
        "4ms meanwhile",
        "6ms cleanup ends",
        "6ms the outer one has elapsed",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn an_epilogue_that_drops_who_waits_for_it_does_not_wait_for_itself() {
    same_every_time(an_epilogue_that_drops_who_waits_for_it_does_not_wait_for_itself);
    let trace = Trace::new();
    simulate(&trace, async {
        let place: Rc<RefCell<Option<Boxed<()>>>> = Rc::default();
        let (own, said) = (Rc::clone(&place), trace.clone());
        let drops = async move {
            sleep(ms(1)).await;
            // Within a canceller of its own, to which what is owed would be passed on.
            timeout(ms(1), async { drop(own.take()) }).await.unwrap();
            say(&said, "dropped");
        };
        let mut paying: Boxed<()> = Box::pin(async move {
            assert!(
                timeout(Duration::ZERO, finally(pending::<()>(), drops))
                    .await
                    .is_err()
            );
        });
        poll_fn(|cx| {
            assert!(paying.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        *place.borrow_mut() = Some(paying);
        sleep(ms(5)).await;
        assert!(place.take().is_none());
    });
    assert_eq!(trace.take(), ["1ms dropped"]);
}

#[test]
fn a_forgotten_canceller_leaves_its_task_to_pay() {
    same_every_time(a_forgotten_canceller_leaves_its_task_to_pay);
    for ways in 0..2 {
        let trace = Trace::new();
        simulate(&trace, async {
            let said = trace.clone();
            let task = spawn(async move {
                let owed = finally(pending::<()>(), cleanup(&said, "cleanup", 5));
                let mut paying = Box::pin(timeout(ms(1), owed));
                let until = race(
                    async { assert!(paying.as_mut().await.is_err()) },
                    sleep(ms(2)),
                );
                // The timeout has expired and waits.
                until.await;
                if ways == 0 {
                    mem::forget(paying);
                } else {
                    let cycle: Rc<RefCell<Option<Rc<dyn std::any::Any>>>> = Rc::default();
                    *cycle.borrow_mut() = Some(Rc::new((Rc::clone(&cycle), paying)));
                }
                say(&said, "forgotten");
            });
            task.await.unwrap();
            say(&trace, "joined");
        });
        let expected = [
            "1ms cleanup starts",
            "2ms forgotten",
            "6ms cleanup ends",
            "6ms joined",
        ];
        assert_eq!(trace.take(), expected);
    }
}

#[test]
fn a_foreign_select_in_a_loop_owes_at_most_one_if_each_cleanup_is_done_in_one_poll() {
    same_every_time(
        a_foreign_select_in_a_loop_owes_at_most_one_if_each_cleanup_is_done_in_one_poll,
    );
    let (owed, most) = (Rc::new(Cell::new(0_i32)), Rc::new(Cell::new(0)));
    Sim::new().run(async {
        for _ in 0..1_000 {
            let (count, most) = (Rc::clone(&owed), Rc::clone(&most));
            let cleanup = async move {
                count.set(count.get() - 1);
            };
            let mut body = pin!(finally(pending::<()>(), cleanup));
            let mut other = pin!(yield_now());
            let (count, most) = (Rc::clone(&owed), most);
            // Not ours: it knows nothing of what its branches owe.
            poll_fn(|cx| {
                assert!(body.as_mut().poll(cx).is_pending());
                other.as_mut().poll(cx)
            })
            .await;
            count.set(count.get() + 1);
            most.set(most.get().max(count.get()));
        }
    });
    assert_eq!((owed.get(), most.get()), (0, 1));
}

/// Runs a loop of a hundred selects, whose losers' cleanups take a millisecond each. Returns how many
/// were owed at a time, at most, and how many after the loop.
fn slow_losers(select: impl AsyncFn(Boxed<()>)) -> (i32, i32) {
    let (owed, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let left = Sim::new().run(async {
        for _ in 0..100 {
            let (count, most) = (Rc::clone(&owed), Rc::clone(&most));
            let body = async move {
                count.set(count.get() + 1);
                most.set(most.get().max(count.get()));
                pending::<()>().await;
            };
            let count = Rc::clone(&owed);
            let cleanup = async move {
                sleep(ms(1)).await;
                count.set(count.get() - 1);
            };
            select(Box::pin(finally(body, cleanup))).await;
        }
        owed.get()
    });
    assert_eq!(owed.get(), 0, "all is paid in the end");
    (most.get(), left)
}

#[test]
fn a_foreign_select_in_a_loop_does_not_wait_for_slow_cleanups_and_a_race_does() {
    same_every_time(a_foreign_select_in_a_loop_does_not_wait_for_slow_cleanups_and_a_race_does);
    // Not ours: it goes on at once, and the task owes what it has dropped.
    let foreign = async |mut body: Boxed<()>| {
        let mut other = pin!(yield_now());
        poll_fn(|cx| {
            assert!(body.as_mut().poll(cx).is_pending());
            other.as_mut().poll(cx)
        })
        .await;
    };
    assert_eq!(slow_losers(foreign), (100, 100));
    let ours = async |body: Boxed<()>| race(body, yield_now()).await;
    assert_eq!(slow_losers(ours), (1, 0));
}

#[test]
fn joiners_see_the_end_only_when_all_is_paid() {
    same_every_time(joiners_see_the_end_only_when_all_is_paid);
    let trace = Trace::new();
    simulate(&trace, async {
        let ended = spawn(async {
            let mut owed = Box::pin(finally(pending::<()>(), sleep(ms(2))));
            assert!(poll_once(&mut owed).is_pending());
            "value"
        });
        let cancelled = spawn(finally(pending::<()>(), sleep(ms(2))));
        yield_now().await;
        cancelled.cancel();
        for _ in 0..3 {
            let finished = (ended.is_finished(), cancelled.is_finished());
            say(&trace, &format!("{finished:?}"));
            sleep(ms(1)).await;
        }
        // What the task has is its value already.
        ended.cancel();
        assert_eq!(ended.await.unwrap(), "value");
        assert!(cancelled.await.unwrap_err().is_cancelled());
    });
    let expected = [
        "0ns (false, false)",
        "1ms (false, false)",
        "2ms (true, true)",
    ];
    assert_eq!(trace.take(), expected);
}

// The grace.

#[test]
fn all_cleanups_of_one_cancel_have_one_grace() {
    same_every_time(all_cleanups_of_one_cancel_have_one_grace);
    let trace = Trace::new();
    let builder = reporting_to(&trace).grace(ms(5));
    Sim::from_builder(builder).run(async {
        let said = trace.clone();
        let task = Builder::new().name("victim").spawn(async move {
            join(
                finally(pending::<()>(), cleanup(&said, "in time", 3)),
                join(
                    finally(pending::<()>(), cleanup(&said, "cut short", 3)),
                    finally(pending::<()>(), cleanup(&said, "never started", 0)),
                ),
            )
            .await;
        });
        sleep(ms(10)).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        say(&trace, "joined");
    });
    let expected = [
        "10ms in time starts",
        "13ms in time ends",
        "13ms cut short starts",
        "task \"victim\" (spawned at here) gave up the cleanup of here: its grace is over",
        "task \"victim\" (spawned at here) gave up the cleanup of here: its grace is over",
        "15ms joined",
    ];
    assert_eq!(lines(&trace), expected);
}

#[test]
fn each_cancel_has_a_grace_of_its_own() {
    same_every_time(each_cancel_has_a_grace_of_its_own);
    let trace = Trace::new();
    let builder = reporting_to(&trace).grace(ms(5));
    Sim::from_builder(builder).run(async {
        let said = trace.clone();
        let task = spawn(async move {
            let slow = finally(pending::<()>(), cleanup(&said, "of the timeout", 4));
            let inner = async { assert!(timeout(ms(1), slow).await.is_err()) };
            finally(inner, cleanup(&said, "of the task", 4)).await;
        });
        sleep(ms(3)).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        say(&trace, "joined");
    });
    // The first cancel's cleanup is passed on, and would end at 5 ms, before its limit of 6 ms. The
    // second cancel, at 3 ms, has until 8 ms; its cleanup starts at 5 ms and would end at 9 ms.
    let expected = [
        "1ms of the timeout starts",
        "5ms of the timeout ends",
        "5ms of the task starts",
        "task 2 (spawned at here) gave up the cleanup of here: its grace is over",
        "8ms joined",
    ];
    assert_eq!(lines(&trace), expected);
}

#[test]
fn what_is_given_up_is_dropped_with_what_that_incurs() {
    same_every_time(what_is_given_up_is_dropped_with_what_that_incurs);
    let trace = Trace::new();
    let builder = reporting_to(&trace).grace(ms(5));
    Sim::from_builder(builder).run(async {
        let inner = cleanup(&trace, "inner", 0);
        let nested = finally(endless(trace.clone(), "the cleanup's body"), inner);
        let owing = finally(pending::<()>(), async {
            assert!(timeout(ms(1), nested).await.is_err())
        });
        let nested = cleanup(&trace, "of the cleanup", 0);
        let deep = finally(
            pending::<()>(),
            finally(endless(trace.clone(), "a cleanup that never ends"), nested),
        );
        assert!(timeout(ms(1), owing).await.is_err());
        say(&trace, "in time");
        assert!(timeout(ms(1), deep).await.is_err());
        say(&trace, "elapsed");
    });
    let expected = [
        "2ms the cleanup's body dies",
        "2ms inner starts",
        "2ms inner ends",
        "2ms in time",
        "task \"main\" (spawned at here) gave up the cleanup of here: its grace is over",
        "8ms a cleanup that never ends dies",
        "task \"main\" (spawned at here) gave up the cleanup of here: its grace is over",
        "8ms elapsed",
    ];
    assert_eq!(lines(&trace), expected);
}

#[test]
fn deadlines_from_outside_do_not_count_in_a_cleanup() {
    same_every_time(deadlines_from_outside_do_not_count_in_a_cleanup);
    let trace = Trace::new();
    simulate(&trace, async {
        let said = trace.clone();
        let cleanup = async move {
            assert_eq!(effective_deadline(), None);
            // Of its own it may have some.
            assert!(timeout(ms(3), pending::<()>()).await.is_err());
            say(&said, "its own has passed");
            assert_eq!(timeout(ms(3), sleep(ms(2))).await, Ok(()));
            say(&said, "ends");
        };
        let inner = timeout(ms(1), finally(pending::<()>(), cleanup));
        assert!(timeout(ms(2), inner).await.is_err());
        say(&trace, "elapsed");
    });
    let expected = ["4ms its own has passed", "6ms ends", "6ms elapsed"];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_grace_without_end_is_none() {
    same_every_time(a_grace_without_end_is_none);
    let trace = Trace::new();
    let builder = reporting_to(&trace).grace(Duration::MAX);
    Sim::from_builder(builder).run(async {
        let owed = finally(pending::<()>(), cleanup(&trace, "cleanup", 1_000_000));
        assert!(timeout(ms(1), owed).await.is_err());
    });
    assert_eq!(
        trace.take(),
        ["1ms cleanup starts", "1000.001s cleanup ends"]
    );
}

#[test]
fn a_cleanup_without_end_and_without_a_grace_is_a_deadlock() {
    same_every_time(a_cleanup_without_end_and_without_a_grace_is_a_deadlock);
    let trace = Trace::new();
    let text = panic_of(|| {
        let builder = reporting_to(&trace).grace(Duration::MAX);
        Sim::from_builder(builder).run(async {
            let cleanup = endless(trace.clone(), "cleanup");
            assert!(
                timeout(ms(1), finally(pending::<()>(), cleanup))
                    .await
                    .is_err()
            );
        });
    });
    assert!(
        text.starts_with("deadlock: every task is waiting"),
        "{text}"
    );
    // Somebody has to end it: the shutdown that follows gives it up.
    let expected = [
        "task 2 (spawned at here) gave up the cleanup of here: nothing could wake it",
        "1ms cleanup dies",
    ];
    assert_eq!(lines(&trace), expected);
}

// Panics.

#[test]
fn a_panic_on_the_normal_path_is_the_callers() {
    same_every_time(a_panic_on_the_normal_path_is_the_callers);
    let trace = Trace::new();
    simulate(&trace, async {
        let cleanup = async { panic!("in a cleanup") };
        let error = spawn(finally(ready(()), cleanup)).await.unwrap_err();
        say(&trace, error.to_string().rsplit(": ").next().unwrap());
        let error = spawn(shield(async { panic!("in a shield") })).await;
        say(
            &trace,
            error.unwrap_err().to_string().rsplit(": ").next().unwrap(),
        );
        let error = spawn(bracket(
            (),
            async |()| {},
            async |()| panic!("in a release"),
        ))
        .await;
        say(
            &trace,
            error.unwrap_err().to_string().rsplit(": ").next().unwrap(),
        );
    });
    assert_eq!(
        trace.take(),
        ["0ns in a cleanup", "0ns in a shield", "0ns in a release"]
    );
}

#[test]
fn a_panic_of_an_epilogue_is_contained_and_reported() {
    let trace = Trace::new();
    simulate(&trace, async {
        let bomb = |text: &'static str| async move {
            yield_now().await;
            panic!("{text}");
        };
        let said = trace.clone();
        let task = Builder::new().name("victim").spawn(async move {
            let first = finally(pending::<()>(), bomb("cleanup"));
            let second = shield(async {
                sleep(ms(2)).await;
                panic!("shield");
            });
            let third = bracket(
                (),
                async |()| pending::<()>().await,
                async |()| panic!("release"),
            );
            let last = finally(pending::<()>(), cleanup(&said, "last", 1));
            join(join(first, second), join(third, last)).await;
        });
        sleep(ms(1)).await;
        task.cancel();
        let error = task.await.unwrap_err();
        assert!(error.is_cancelled(), "{error}");
        say(&trace, "joined");
    });
    let expected = [
        "task \"victim\" (spawned at here) panicked: cleanup",
        "task \"victim\" (spawned at here) panicked: shield",
        "task \"victim\" (spawned at here) panicked: release",
        "2ms last starts",
        "3ms last ends",
        "3ms joined",
    ];
    assert_eq!(lines(&trace), expected);
}

#[test]
fn a_panic_in_the_destructor_of_an_epilogue_is_contained_and_reported() {
    same_every_time(a_panic_in_the_destructor_of_an_epilogue_is_contained_and_reported);
    let trace = Trace::new();
    let builder = reporting_to(&trace).grace(ms(5));
    Sim::from_builder(builder).run(async {
        let bomb = on_drop(|| panic!("at its end"));
        let ends = async move {
            let _bomb = bomb;
        };
        let bomb = on_drop(|| panic!("given up"));
        let stays = async move {
            let _bomb = bomb;
            pending::<()>().await;
        };
        let owing = join(
            finally(pending::<()>(), ends),
            finally(pending::<()>(), stays),
        );
        assert!(timeout(ms(1), owing).await.is_err());
        say(&trace, "elapsed");
    });
    let expected = [
        "task \"main\" (spawned at here) panicked: at its end",
        "task \"main\" (spawned at here) gave up the cleanup of here: its grace is over",
        "task \"main\" (spawned at here) panicked: given up",
        "6ms elapsed",
    ];
    assert_eq!(lines(&trace), expected);
}

#[test]
fn a_body_whose_destructor_panics_owes_its_cleanup_all_the_same() {
    same_every_time(a_body_whose_destructor_panics_owes_its_cleanup_all_the_same);
    let trace = Trace::new();
    simulate(&trace, async {
        let said = trace.clone();
        let task = Builder::new().name("victim").spawn(async move {
            let bomb = on_drop(|| panic!("bomb"));
            let body = async move {
                let _bomb = bomb;
                pending::<()>().await;
            };
            finally(body, cleanup(&said, "cleanup", 1)).await;
        });
        yield_now().await;
        task.cancel();
        assert_eq!(
            without_places(&task.await.unwrap_err().to_string()),
            "task \"victim\" (spawned at here) panicked: bomb"
        );
    });
    assert_eq!(trace.take(), ["0ns cleanup starts", "1ms cleanup ends"]);
}

#[test]
fn a_hook_that_panics_stops_no_payment() {
    same_every_time(a_hook_that_panics_stops_no_payment);
    let trace = Trace::new();
    let builder = Executor::builder()
        .on_report(|_| panic!("hook"))
        .grace(ms(5));
    Sim::from_builder(builder).run(async {
        let owing = join(
            finally(pending::<()>(), async { panic!("cleanup") }),
            join(
                finally(pending::<()>(), cleanup(&trace, "good", 1)),
                finally(pending::<()>(), endless(trace.clone(), "endless")),
            ),
        );
        assert!(timeout(ms(1), owing).await.is_err());
        say(&trace, "elapsed");
    });
    let expected = [
        "1ms good starts",
        "2ms good ends",
        "6ms endless dies",
        "6ms elapsed",
    ];
    assert_eq!(trace.take(), expected);
}

// The three forms.

#[test]
fn the_value_of_a_cancelled_shield_is_lost_and_its_effect_is_not() {
    same_every_time(the_value_of_a_cancelled_shield_is_lost_and_its_effect_is_not);
    let trace = Trace::new();
    simulate(&trace, async {
        let (value, said) = (trace.on_drop("the value is dropped"), trace.clone());
        let saves = async move {
            sleep(ms(3)).await;
            say(&said, "saved");
            value
        };
        assert!(timeout(ms(1), shield(saves)).await.is_err());
        say(&trace, "elapsed");
        assert_eq!(shield(async { 42 }).await, 42);
    });
    assert_eq!(
        trace.take(),
        ["3ms saved", "the value is dropped", "3ms elapsed"]
    );
}

#[test]
fn a_resource_is_released_however_its_bracket_ends() {
    same_every_time(a_resource_is_released_however_its_bracket_ends);
    let trace = Trace::new();
    simulate(&trace, async {
        let said = trace.clone();
        let release = move |_: OnRelease| {
            let said = said.clone();
            async move {
                sleep(ms(1)).await;
                say(&said, "released");
            }
        };
        let resource = || OnRelease(trace.clone());
        let value = bracket(resource(), async |_| "value", release.clone()).await;
        say(&trace, value);
        let wait = async |_: &mut OnRelease| pending::<()>().await;
        assert!(
            timeout(ms(1), bracket(resource(), wait, release.clone()))
                .await
                .is_err()
        );
        say(&trace, "elapsed");
        let bomb = async |_: &mut OnRelease| panic!("bomb");
        let task = spawn(bracket(resource(), bomb, release));
        assert!(task.await.unwrap_err().is_panic());
        say(&trace, "joined");
    });
    let expected = [
        "0ns the resource is dropped",
        "1ms released",
        "1ms value",
        "2ms the resource is dropped",
        "3ms released",
        "3ms elapsed",
        "3ms the resource is dropped",
        "4ms released",
        "4ms joined",
    ];
    assert_eq!(trace.take(), expected);
}

/// A resource that says when it is dropped.
struct OnRelease(Trace);

impl Drop for OnRelease {
    fn drop(&mut self) {
        say(&self.0, "the resource is dropped");
    }
}

// What an epilogue may do.

#[test]
fn an_epilogue_may_use_timeouts_scopes_shields_and_tasks() {
    same_every_time(an_epilogue_may_use_timeouts_scopes_shields_and_tasks);
    let trace = Trace::new();
    simulate(&trace, async {
        let said = trace.clone();
        let everything = async move {
            let inner = finally(pending::<()>(), cleanup(&said, "of the timeout", 1));
            assert!(timeout(ms(1), inner).await.is_err());
            let scope = CancelScope::new().deadline(Instant::now() + ms(1));
            let inner = finally(pending::<()>(), cleanup(&said, "of the scope", 1));
            assert_eq!(scope.run(inner).await, None);
            race(shield(cleanup(&said, "shielded", 1)), ready(())).await;
            let task = spawn(finally(pending::<()>(), cleanup(&said, "of the task", 1)));
            yield_now().await;
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            say(&said, "ends");
        };
        assert!(
            timeout(ms(1), finally(pending::<()>(), everything))
                .await
                .is_err()
        );
        say(&trace, "elapsed");
    });
    let expected = [
        "2ms of the timeout starts",
        "3ms of the timeout ends",
        "4ms of the scope starts",
        "5ms of the scope ends",
        "5ms shielded starts",
        "6ms shielded ends",
        "6ms of the task starts",
        "7ms of the task ends",
        "7ms ends",
        "7ms elapsed",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn in_an_epilogue_task_name_and_locals_are_those_of_its_future() {
    static USER: Local<&str> = Local::new();
    let trace = Trace::new();
    simulate(&trace, async {
        let said = trace.clone();
        let who = move || {
            let said = said.clone();
            async move {
                yield_now().await;
                let (task, user) = (current(), USER.get());
                say(
                    &said,
                    &format!("{:?} {user:?} parent {:?}", task.name(), task.parent()),
                );
                let child = spawn(async move { (current().parent(), USER.get()) });
                assert_eq!(child.await.unwrap(), (Some(task.id()), user));
            }
        };
        let owing = {
            let who = who.clone();
            move || {
                join(
                    USER.scope("ann", finally(pending::<()>(), who())),
                    finally(pending::<()>(), who()),
                )
            }
        };
        let id = current().id();
        let task = Builder::new().name("victim").spawn(owing());
        yield_now().await;
        task.cancel();
        assert!(task.await.is_err());
        USER.scope("bob", async {
            assert!(timeout(ms(1), owing()).await.is_err())
        })
        .await;
        assert_eq!(current().id(), id);
    });
    let expected = [
        "0ns Some(\"victim\") Some(\"ann\") parent Some(TaskId(1))",
        "0ns Some(\"victim\") None parent Some(TaskId(1))",
        "1ms Some(\"main\") Some(\"ann\") parent None",
        "1ms Some(\"main\") Some(\"bob\") parent None",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn an_epilogue_may_cancel_its_own_task() {
    same_every_time(an_epilogue_may_cancel_its_own_task);
    let trace = Trace::new();
    simulate(&trace, async {
        let own: Rc<RefCell<Option<JoinHandle<()>>>> = Rc::default();
        let (place, said) = (Rc::clone(&own), trace.clone());
        let handle = spawn(async move {
            let suicide = {
                let said = said.clone();
                async move {
                    place.borrow().as_ref().unwrap().cancel_because("enough");
                    sleep(ms(2)).await;
                    say(&said, "goes on to its end");
                }
            };
            let _body = on_drop({
                let said = said.clone();
                move || say(&said, "body dies")
            });
            timeout(ms(1), finally(pending::<()>(), suicide))
                .await
                .unwrap();
            say(&said, "never");
        });
        *own.borrow_mut() = Some(handle);
        sleep(ms(2)).await;
        let handle = own.take().unwrap();
        let error = handle.await.unwrap_err();
        assert!(error.is_cancelled() && error.to_string().ends_with(": enough"));
    });
    assert_eq!(trace.take(), ["1ms body dies", "3ms goes on to its end"]);
}

#[test]
fn a_timeout_kills_no_cleanup_that_a_cancel_has_begun() {
    same_every_time(a_timeout_kills_no_cleanup_that_a_cancel_has_begun);
    let trace = Trace::new();
    simulate(&trace, async {
        let scope = CancelScope::new();
        let owing = finally(pending::<()>(), cleanup(&trace, "cleanup", 10));
        let cancels = async {
            sleep(ms(1)).await;
            scope.cancel();
        };
        // The deadline passes while the scope waits for the cleanup: now the timeout waits for it.
        let (ended, ()) = join(timeout(ms(5), scope.run(owing)), cancels).await;
        assert!(ended.is_err() && scope.is_cancelled());
        say(&trace, "ended");
    });
    let expected = ["1ms cleanup starts", "11ms cleanup ends", "11ms ended"];
    assert_eq!(trace.take(), expected);
}

#[test]
fn two_cancels_do_not_confuse_each_other() {
    same_every_time(two_cancels_do_not_confuse_each_other);
    let trace = Trace::new();
    simulate(&trace, async {
        let scopes = [CancelScope::new(), CancelScope::new()];
        let owing = |name| finally(pending::<()>(), cleanup(&trace, name, 3));
        let run = async |nth: usize, name| {
            assert_eq!(scopes[nth].run(owing(name)).await, None);
            say(&trace, &format!("{name} is left"));
        };
        let cancels = async {
            scopes[0].cancel();
            sleep(ms(1)).await;
            scopes[1].cancel();
            scopes[0].cancel();
        };
        join(join(run(0, "a"), run(1, "b")), cancels).await;
    });
    let expected = [
        "0ns a starts",
        "1ms b starts",
        "3ms a ends",
        "3ms a is left",
        "4ms b ends",
        "4ms b is left",
    ];
    assert_eq!(trace.take(), expected);
}

// Main, the executor, and none.

#[test]
fn mains_epilogues_are_paid_before_its_value_comes_back() {
    let trace = Trace::new();
    let owe = |name| {
        let mut owed = Box::pin(finally(pending::<()>(), cleanup(&trace, name, 2)));
        assert!(poll_once(&mut owed).is_pending());
    };
    let value = simulate(&trace, async {
        owe("of a run");
        "value"
    });
    assert_eq!(value, "value");
    let text = panic_of(|| {
        simulate(&trace, async {
            owe("of a panic");
            panic!("bomb");
        });
    });
    assert_eq!(text, "bomb");
    let executor = reporting_to(&trace).build().unwrap();
    executor.run(async {
        let said = trace.clone();
        let cleanup = async move {
            yield_now().await;
            said.say("of Executor::run");
        };
        let mut owed = Box::pin(finally(pending::<()>(), cleanup));
        assert!(poll_once(&mut owed).is_pending());
    });
    let expected = [
        "0ns of a run starts",
        "2ms of a run ends",
        "0ns of a panic starts",
        "2ms of a panic ends",
        "of Executor::run",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_shutdown_pays_side_by_side_under_one_grace() {
    same_every_time(a_shutdown_pays_side_by_side_under_one_grace);
    let trace = Trace::new();
    let spawn_owing = |name: &'static str, cleanup: Boxed<()>| {
        let said = trace.clone();
        Builder::new().name(name).spawn(async move {
            finally(endless(said, name), cleanup).await;
        })
    };
    let text = panic_of(|| {
        let builder = reporting_to(&trace).grace(ms(5));
        Sim::from_builder(builder).run(async {
            let said = trace.clone();
            let works = async move {
                let child = spawn(async { sleep(ms(1)).await });
                assert_eq!(child.await.ok(), Some(()));
                say(&said, "a child was joined");
                let newcomer = said.on_drop("a detached newcomer is dropped unpolled");
                spawn(async move {
                    let _newcomer = newcomer;
                    unreachable!("never polled");
                });
            };
            spawn_owing("works", Box::pin(works));
            spawn_owing("slow", Box::pin(cleanup(&trace, "slow", 3)));
            spawn_owing("too slow", Box::pin(cleanup(&trace, "too slow", 8)));
            yield_now().await;
            panic!("main");
        });
    });
    assert_eq!(text, "main");
    let expected = [
        "0ns too slow dies",
        "0ns slow dies",
        "0ns works dies",
        "0ns too slow starts",
        "0ns slow starts",
        "1ms a child was joined",
        "a detached newcomer is dropped unpolled",
        "3ms slow ends",
        "task \"too slow\" (spawned at here) gave up the cleanup of here: its grace is over",
    ];
    assert_eq!(lines(&trace), expected);
}

/// Spawns what owes these cleanups, has it cancelled so that they begin, and shuts the executor down when
/// they are under way.
fn shut_down_in_the_midst_of(trace: &Trace, cleanups: impl FnOnce() -> [Boxed<()>; 3]) {
    let text = panic_of(|| {
        simulate(trace, async {
            let begun = cleanups().map(|cleanup| spawn(finally(pending::<()>(), cleanup)));
            yield_now().await;
            begun.iter().for_each(JoinHandle::cancel);
            for _ in 0..5 {
                yield_now().await;
            }
            panic!("main");
        });
    });
    assert_eq!(text, "main");
}

/// Those whom they have spawned go on, and theirs, as they do if all begins with the shutdown.
#[test]
fn a_shutdown_leaves_a_cleanup_that_is_under_way_those_who_help_it() {
    same_every_time(a_shutdown_leaves_a_cleanup_that_is_under_way_those_who_help_it);
    let trace = Trace::new();
    let said = trace.clone();
    let joins = async move {
        let helper = spawn(async {
            let second = spawn(async {
                sleep(ms(2)).await;
                "second"
            });
            second.await.unwrap()
        });
        say(&said, &format!("joined: {:?}", helper.await));
    };
    let said = trace.clone();
    let groups = async move {
        let group: TaskGroup<u64, ()> = TaskGroup::new();
        for millis in [1, 3] {
            group.spawn(async move {
                sleep(ms(millis)).await;
                Ok(millis)
            });
        }
        say(&said, &format!("the group: {:?}", group.join().await));
    };
    let said = trace.clone();
    let has_children = async move {
        let helper = scope(async |s| s.spawn(async { spawn(sleep(ms(4))) }).await).await;
        say(&said, &format!("a child's: {:?}", helper.unwrap().await));
    };
    shut_down_in_the_midst_of(&trace, || {
        [Box::pin(joins), Box::pin(groups), Box::pin(has_children)]
    });
    let expected = [
        "2ms joined: Ok(\"second\")",
        "3ms the group: Ok([1, 3])",
        "4ms a child's: Ok(())",
    ];
    assert_eq!(trace.take(), expected);
}

/// A cleanup that is polled in the place of its body, and what is shielded, go on in the ledger.
#[test]
fn a_shutdown_drops_at_once_who_helps_nobody_that_must_finish() {
    same_every_time(a_shutdown_drops_at_once_who_helps_nobody_that_must_finish);
    let trace = Trace::new();
    let dies = |name: &str| {
        let dies = trace.on_drop(format!("{name} dies"));
        async move {
            let _dies = dies;
            pending::<()>().await;
        }
    };
    let (bodys, detached) = (dies("a body's own"), dies("a detached one"));
    let helped = |name: &'static str, millis| {
        let said = trace.clone();
        async move {
            let helper = spawn(sleep(ms(millis)));
            say(&said, &format!("{name}: {:?}", helper.await));
        }
    };
    let (in_place, shielded) = (helped("in its place", 1), helped("shielded", 2));
    let detaches = async move {
        drop(spawn(detached));
        sleep(ms(3)).await;
    };
    shut_down_in_the_midst_of(&trace, || {
        spawn(finally(ready(()), in_place));
        spawn(shield(shielded));
        spawn(async move { spawn(bodys).await });
        [Box::pin(detaches), Box::pin(ready(())), Box::pin(ready(()))]
    });
    let expected = [
        "a detached one dies",
        "a body's own dies",
        "1ms in its place: Ok(())",
        "2ms shielded: Ok(())",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn those_who_help_a_cleanup_end_with_its_grace() {
    same_every_time(those_who_help_a_cleanup_end_with_its_grace);
    let trace = Trace::new();
    let text = panic_of(|| {
        let builder = reporting_to(&trace).grace(ms(5));
        Sim::from_builder(builder).run(async {
            let said = trace.clone();
            let joins = async move {
                let _dies = said.on_drop("the cleanup dies");
                let helper = spawn(finally(
                    endless(said.clone(), "the helper"),
                    cleanup(&said, "what the helper owes", 0),
                ));
                drop(helper.await);
            };
            let owing = Builder::new()
                .name("owing")
                .spawn(finally(pending::<()>(), joins));
            yield_now().await;
            owing.cancel();
            sleep(ms(1)).await;
            panic!("main");
        });
    });
    assert_eq!(text, "main");
    let expected = [
        "task \"owing\" (spawned at here) gave up the cleanup of here: its grace is over",
        "the cleanup dies",
        "5ms the helper dies",
        "5ms what the helper owes starts",
        "5ms what the helper owes ends",
    ];
    assert_eq!(lines(&trace), expected);
}

/// A cleanup is under way, in a scope's child: only a wake of its own gets that polled. The wake has come
/// between two turns, from a thread or from the host itself, when the executor is shut down.
#[test]
fn a_shutdown_loses_no_wake_that_a_cleanup_waits_for() {
    for is_by_thread in [false, true] {
        let trace = Trace::new();
        let executor = reporting_to(&trace).build().unwrap();
        let kept: Rc<RefCell<Option<Waker>>> = Rc::default();
        let (said, place) = (trace.clone(), Rc::clone(&kept));
        let child = async move {
            let mut is_first = true;
            poll_fn(|cx| match mem::take(&mut is_first) {
                true => {
                    *place.borrow_mut() = Some(cx.waker().clone());
                    Poll::Pending
                }
                false => Poll::Ready(()),
            })
            .await;
            said.say("the child was woken");
        };
        let cleanup = async { scope(async |s| drop(s.spawn(child))).await };
        let handle = executor.spawn(finally(pending::<()>(), cleanup));
        executor.turn(Some(Duration::ZERO));
        handle.cancel();
        while kept.borrow().is_none() {
            executor.turn(Some(Duration::ZERO));
        }
        let waker = kept.take().unwrap();
        match is_by_thread {
            true => thread::spawn(move || waker.wake()).join().unwrap(),
            false => waker.wake(),
        }
        executor.shutdown();
        assert!(handle.is_finished());
        assert_eq!(trace.take(), ["the child was woken"]);
    }
}

#[test]
fn tasks_that_are_left_over_pay_in_the_next_run_or_at_the_end() {
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    let handle = executor.run(async {
        let said = trace.clone();
        let cleanup = async move {
            yield_now().await;
            said.say("paid");
        };
        spawn(finally(pending::<()>(), cleanup))
    });
    executor.run(yield_now());
    handle.cancel();
    let error = executor.run(handle).unwrap_err();
    trace.say(format!("joined, cancelled: {}", error.is_cancelled()));
    let said = trace.clone();
    let later = finally(pending::<()>(), async move { said.say("paid at the end") });
    let handle = executor.spawn(later);
    executor.turn(Some(Duration::ZERO));
    executor.shutdown();
    trace.say(format!("finished: {}", handle.is_finished()));
    let expected = [
        "paid",
        "joined, cancelled: true",
        "paid at the end",
        "finished: true",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn outside_of_any_task_the_executor_owes() {
    let trace = Trace::new();
    let place: Rc<RefCell<Option<Boxed<()>>>> = Rc::default();
    simulate(&trace, async {
        let said = trace.clone();
        let pays = async move {
            let who = current();
            say(&said, &format!("paid by a task named {:?}", who.name()));
            sleep(ms(2)).await;
            say(&said, "paid");
        };
        let mut owed: Boxed<()> = Box::pin(finally(pending::<()>(), pays));
        assert!(poll_once(&mut owed).is_pending());
        *place.borrow_mut() = Some(owed);
        let (place, said) = (Rc::clone(&place), trace.clone());
        foreign::set_hook(move |call| {
            if call == Call::Wake && place.borrow().is_some() {
                // The timers wake: no task is running.
                assert!(try_current().is_none());
                drop(place.take());
                say(&said, "dropped");
            }
        });
        foreign::Foreign(sleep(ms(1))).await;
        say(&trace, "main ends");
    });
    let expected = [
        "1ms dropped",
        "1ms paid by a task named None",
        "1ms main ends",
        "3ms paid",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn with_no_executor_what_is_owed_is_dropped() {
    same_every_time(with_no_executor_what_is_owed_is_dropped);
    let trace = Trace::new();
    let owed = simulate(&trace, async {
        let inside = trace.on_drop("dropped");
        let cleanup = async move {
            let _inside = inside;
            unreachable!("never polled");
        };
        let mut owed = Box::pin(finally(pending::<()>(), cleanup));
        assert!(poll_once(&mut owed).is_pending());
        owed
    });
    assert!(trace.take().is_empty());
    drop(owed);
    assert_eq!(trace.take(), ["dropped"]);
    let bomb = on_drop(|| panic!("bomb"));
    let mut owed = Box::pin(finally(pending::<()>(), async move { drop(bomb) }));
    assert!(poll_once(&mut owed).is_pending());
    // On standard error, and no further.
    drop(AssertUnwindSafe(owed));
}

#[test]
fn what_ends_while_its_value_is_dropped_is_paid_by_another_task() {
    same_every_time(what_ends_while_its_value_is_dropped_is_paid_by_another_task);
    let trace = Trace::new();
    simulate(&trace, async {
        let said = trace.clone();
        spawn(async move {
            let mut owed = Box::pin(finally(pending::<()>(), cleanup(&said, "cleanup", 1)));
            assert!(poll_once(&mut owed).is_pending());
            owed // nobody joins, so it is dropped when the task has ended
        });
        yield_now().await;
        say(&trace, "main ends");
    });
    let expected = ["0ns main ends", "0ns cleanup starts", "1ms cleanup ends"];
    assert_eq!(trace.take(), expected);
}
