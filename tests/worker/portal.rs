//! Portals: what a thread asks of an executor is done there, and comes back, or it is told why not.
//!
//! Of anyio's tests of portals those are out of scope that need what a portal has not got here: a task
//! that says when it has started, an async context manager as a blocking one, a stop that cancels what
//! is left, a portal on lease, and a choice of event loops.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::thread;

use bibelot::sync::Event;
use bibelot::task::{self, yield_now};
use bibelot::testing::{Sim, cancel_storm};
use bibelot::time::{sleep, timeout};
use bibelot::worker::{Portal, PortalHandle, run_in_thread, start_portal};
use bibelot::{Executor, run, spawn};

use crate::support::{Trace, on_drop, panic_of, reporting_to};
use crate::{gate, ms, run_until};

/// A portal of an executor that has ended.
fn ended() -> Portal {
    Executor::new().unwrap().portal()
}

#[test]
fn a_thread_calls_and_has_the_value() {
    run(async {
        let portal = Portal::current();
        let here = thread::current().id();
        let there = run_in_thread(move || {
            portal
                .call(|| async {
                    let shared = Rc::new(thread::current().id());
                    yield_now().await;
                    *shared
                })
                .unwrap()
        });
        assert_eq!(there.await, here);
    });
}

#[test]
fn many_threads_call_at_once() {
    let sum = run(async {
        let portal = Portal::current();
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let portal = portal.clone();
                spawn(run_in_thread(move || {
                    (0..100)
                        .map(|n| portal.call(move || async move { n }).unwrap())
                        .sum::<u32>()
                }))
            })
            .collect();
        let mut sum = 0;
        for thread in threads {
            sum += thread.await.unwrap();
        }
        sum
    });
    assert_eq!(sum, 8 * 4950);
}

#[test]
fn a_call_is_a_task_with_its_place() {
    run(async {
        let portal = Portal::current();
        let line = line!() + 2;
        let place = run_in_thread(move || {
            portal
                .call(|| async { task::current().spawned_at() })
                .unwrap()
        });
        let place = place.await;
        assert!(place.line() == line || place.line() == line + 1, "{place}");
        assert!(place.file().ends_with("portal.rs"));
    });
}

#[test]
fn an_executor_does_what_was_asked_when_it_runs() {
    let executor = Executor::new().unwrap();
    let portal = executor.portal();
    let handle = portal.spawn(|| async { 42 });
    assert!(!handle.is_finished());
    executor.run(async {
        run_until(|| handle.is_finished()).await;
    });
    assert_eq!(executor.run(handle).unwrap(), 42);
}

#[test]
fn a_panic_is_told_and_reported_to_nobody_else() {
    let trace = Trace::new();
    reporting_to(&trace).build().unwrap().run(async {
        let portal = Portal::current();
        let error = run_in_thread(move || {
            let make = || async { assert!(!portal_panics(), "on purpose") };
            portal.call(make).unwrap_err()
        });
        let error = error.await;
        assert!(error.is_panic() && !error.is_cancelled() && !error.has_ended());
        assert!(
            error.to_string().ends_with("panicked: on purpose"),
            "{error}"
        );
    });
    assert!(trace.is_empty());
}

#[test]
fn a_panic_while_the_future_is_made_is_told_too() {
    run(async {
        let portal = Portal::current();
        let error = run_in_thread(move || {
            portal.call(|| {
                if portal_panics() {
                    panic!("while making");
                }
                async {}
            })
        });
        assert!(error.await.unwrap_err().is_panic());
    });
}

/// What the compiler does not know.
fn portal_panics() -> bool {
    true
}

#[test]
fn a_panic_that_nobody_joins_is_reported() {
    let trace = Trace::new();
    reporting_to(&trace).build().unwrap().run(async {
        drop(Portal::current().spawn(|| async { panic!("unseen") }));
        run_until(|| !trace.is_empty()).await;
        // One whose panic has come before the handle is dropped.
        let handle = Portal::current().spawn(|| async { panic!("unseen as well") });
        run_until(|| handle.is_finished()).await;
        drop::<PortalHandle<()>>(handle);
    });
    let reports = trace.take();
    assert_eq!(reports.len(), 2, "{reports:?}");
    assert!(reports[0].ends_with("panicked: unseen"));
    assert!(reports[1].ends_with("panicked: unseen as well"));
}

#[test]
fn a_cancel_drops_the_future_and_says_where() {
    let trace = Trace::new();
    Sim::new().run(async {
        let inside = trace.clone();
        TRACE.set(Some(inside));
        let handle = Portal::current().spawn(|| async {
            let trace = TRACE.take().unwrap();
            let _dropped = trace.on_drop("dropped");
            trace.say("begun");
            std::future::pending::<()>().await;
        });
        run_until(|| !trace.is_empty()).await;
        let (error, line) = run_in_thread(move || {
            handle.cancel();
            let line = line!() - 1;
            handle.cancel();
            (handle.join().unwrap_err(), line)
        })
        .await;
        trace.say("joined");
        assert!(error.is_cancelled());
        let text = error.to_string();
        let place = format!("{}:{line}:", file!());
        assert!(
            text.contains(" was cancelled at ") && text.contains(&place),
            "{text}"
        );
    });
    assert_eq!(trace.take(), ["begun", "dropped", "joined"]);
}

thread_local! {
    /// What a future takes on the executor's thread.
    static TRACE: std::cell::Cell<Option<Trace>> = const { std::cell::Cell::new(None) };
}

#[test]
fn what_is_cancelled_before_it_began_is_never_made() {
    run(async {
        let handle = Portal::current().spawn(|| {
            assert!(!portal_panics(), "it is made");
            async {}
        });
        handle.cancel();
        assert!(handle.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_value_that_is_there_stands_although_it_is_cancelled() {
    run(async {
        let handle = Portal::current().spawn(|| async { 42 });
        run_until(|| handle.is_finished()).await;
        handle.cancel();
        assert_eq!(handle.await.unwrap(), 42);
    });
}

#[test]
fn what_is_owed_is_paid_before_a_cancel_is_told() {
    Sim::new().run(async {
        let start = bibelot::time::Instant::now();
        let handle = Portal::current().spawn(|| async {
            BEGUN.set(true);
            task::finally(std::future::pending::<()>(), sleep(ms(50))).await;
        });
        run_until(|| BEGUN.get()).await;
        handle.cancel();
        assert!(handle.await.unwrap_err().is_cancelled());
        assert!(start.elapsed() >= ms(50));
    });
}

thread_local! {
    /// Whether the future has begun.
    static BEGUN: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

#[test]
fn a_panic_in_a_destructor_that_a_cancel_runs_is_told() {
    run(async {
        let handle = Portal::current().spawn(|| async {
            let _sore = on_drop(|| panic!("in drop"));
            BEGUN.set(true);
            std::future::pending::<()>().await;
        });
        run_until(|| BEGUN.get()).await;
        handle.cancel();
        let error = handle.await.unwrap_err();
        assert!(error.to_string().ends_with("panicked: in drop"), "{error}");
    });
}

#[test]
fn a_handle_that_is_dropped_lets_the_task_go_on() {
    let (say, said) = channel();
    run(async {
        drop(Portal::current().spawn(move || async move {
            yield_now().await;
            say.send("done").unwrap();
        }));
        // The task is there as soon as the message is taken, and run waits for tasks.
        yield_now().await;
        run_until(|| said.try_recv() == Ok("done")).await;
    });
}

#[test]
fn a_wait_with_a_limit_can_be_made_again() {
    let portal = start_portal().unwrap();
    let (open, gate) = gate();
    let mut handle = portal.spawn(move || async {
        run_in_thread(move || gate.pass()).await;
        42
    });
    assert!(handle.wait_timeout(ms(1)).is_none());
    assert!(!handle.is_finished());
    open.open();
    assert_eq!(handle.wait_timeout(ms(3_600_000)).unwrap().unwrap(), 42);
    assert!(handle.is_finished());
    let text = panic_of(AssertUnwindSafe(|| handle.wait_timeout(ms(1))));
    assert!(text.contains("after it has given its value"), "{text}");
}

#[test]
fn a_task_of_another_executor_awaits_what_it_asked_for() {
    let portal = start_portal().unwrap();
    let value = run(async move {
        let handle = portal.spawn(|| async { thread::current().name().map(String::from) });
        handle.await.unwrap()
    });
    assert_eq!(value.as_deref(), Some("bibelot-portal"));
}

#[test]
fn what_would_wait_for_itself_says_so() {
    run(async {
        let portal = Portal::current();
        let handle = portal.spawn(|| async {});
        for text in [
            panic_of(AssertUnwindSafe(|| portal.call(|| async {}))),
            panic_of(AssertUnwindSafe(|| handle.join())),
        ] {
            assert!(text.starts_with("this would block the executor"), "{text}");
        }
    });
    // Not inside, and yet on the one thread that could run it.
    let executor = Executor::new().unwrap();
    let portal = executor.portal();
    let text = panic_of(AssertUnwindSafe(|| portal.call(|| async {})));
    assert!(
        text.starts_with("this would wait for the executor of this very thread"),
        "{text}"
    );
    // What was refused was not begun: nothing is there to run.
    executor.turn(Some(ms(0)));
    assert_eq!(executor.stats().spawned, 0);
}

#[test]
fn after_the_end_it_says_so() {
    let portal = ended();
    let error = thread::spawn(move || {
        let handle = portal.spawn(|| async {});
        assert!(handle.is_finished());
        assert!(handle.join().unwrap_err().has_ended());
        portal.call(|| async {}).unwrap_err()
    });
    let error = error.join().unwrap();
    assert!(error.has_ended());
    assert_eq!(
        error.to_string(),
        "calling through a portal whose executor has ended, or which was stopped"
    );
}

/// Where the executor was, nobody is waited for any more.
#[test]
fn after_the_end_it_says_so_on_the_executors_own_thread_too() {
    let executor = Executor::new().unwrap();
    let portal = executor.portal();
    let begun = portal.spawn(std::future::pending::<()>);
    let mut asked = portal.spawn(std::future::pending::<()>);
    executor.turn(Some(ms(0)));
    drop(executor);
    assert!(portal.call(|| async {}).unwrap_err().has_ended());
    assert!(begun.join().unwrap_err().has_ended());
    let ended = asked.wait_timeout(ms(3_600_000)).expect("it is answered");
    assert!(ended.unwrap_err().has_ended());
    assert!(portal.spawn(|| async {}).join().unwrap_err().has_ended());
}

#[test]
fn what_has_come_is_had_on_the_executors_own_thread_too() {
    let executor = Executor::new().unwrap();
    let portal = executor.portal();
    let (joined, mut waited) = (portal.spawn(|| async { 42 }), portal.spawn(|| async { 43 }));
    let slow = portal.spawn(std::future::pending::<()>);
    executor.turn(Some(ms(0)));
    assert!(joined.is_finished() && waited.is_finished());
    assert_eq!(joined.join().unwrap(), 42);
    let value = waited.wait_timeout(ms(0)).expect("it is answered");
    assert_eq!(value.unwrap(), 43);
    // What has not come cannot come meanwhile, though the portal lets nobody in.
    portal.stop();
    assert!(portal.call(|| async {}).unwrap_err().has_ended());
    let text = panic_of(AssertUnwindSafe(|| slow.join()));
    assert!(
        text.starts_with("this would wait for the executor of this very thread"),
        "{text}"
    );
}

#[test]
fn an_executor_that_is_dropped_answers_all_who_call() {
    let executor = Executor::new().unwrap();
    let portal = executor.portal();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let portal = portal.clone();
            thread::spawn(move || {
                let mut calls = 0;
                while portal.call(yield_now).is_ok() {
                    calls += 1;
                }
                let last = portal.call(std::future::pending::<()>);
                assert!(last.unwrap_err().has_ended());
                calls
            })
        })
        .collect();
    let begun = portal.spawn(std::future::pending::<()>);
    for _ in 0..1000 {
        executor.turn(Some(ms(0)));
    }
    drop(executor);
    for thread in threads {
        thread.join().unwrap();
    }
    // On this thread, where the executor was, it can be awaited still.
    assert!(run(begun).unwrap_err().has_ended());
}

#[test]
fn a_portal_that_was_stopped_lets_nobody_in_and_nobody_down() {
    let (open, gate) = gate();
    let executor = Executor::new().unwrap();
    let portal = executor.portal();
    executor.run(async {
        let begun = portal.spawn(move || run_in_thread(move || gate.pass()));
        run_in_thread(move || open.wait()).await;
        portal.clone().stop();
        assert!(portal.spawn(|| async {}).await.unwrap_err().has_ended());
        assert!(
            Portal::current().spawn(|| async {}).await.is_ok(),
            "another is not stopped"
        );
        assert!(begun.await.is_ok(), "the opener was dropped");
    });
}

#[test]
fn a_portal_of_its_own_ends_its_thread_when_it_is_stopped() {
    let portal = start_portal().unwrap();
    let (say, said) = channel();
    let (open, gate) = gate();
    let begun = portal.spawn(move || async move {
        run_in_thread(move || gate.pass()).await;
        say.send("ended by itself").unwrap();
    });
    open.wait();
    open.open();
    portal.stop();
    assert_eq!(said.try_recv(), Ok("ended by itself"), "stop waits for it");
    assert!(begun.join().is_ok());
    assert!(portal.call(|| async {}).unwrap_err().has_ended());
    portal.stop();
}

#[test]
fn a_portal_of_its_own_may_be_stopped_by_a_task() {
    let portal = start_portal().unwrap();
    let inside = portal.clone();
    let stopped = portal.spawn(move || async move { inside.stop() });
    assert!(stopped.join().is_ok());
    portal.stop();
    assert!(portal.spawn(|| async {}).join().unwrap_err().has_ended());
}

#[test]
fn the_last_clone_of_a_portal_of_its_own_ends_its_thread() {
    /// Says so when the thread ends.
    struct Ends(std::sync::mpsc::Sender<()>);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
        }
    }
    thread_local! {
        static ENDS: std::cell::Cell<Option<Ends>> = const { std::cell::Cell::new(None) };
    }
    let portal = start_portal().unwrap();
    let (say, said) = channel();
    portal
        .call(move || async move { ENDS.set(Some(Ends(say))) })
        .unwrap();
    let other = portal.clone();
    drop(portal);
    assert!(other.call(|| async {}).is_ok());
    assert!(said.try_recv().is_err());
    drop(other);
    said.recv().unwrap();
}

#[test]
fn tasks_of_a_portal_share_what_is_not_send() {
    thread_local! {
        static EVENT: Rc<Event> = Rc::new(Event::new());
    }
    let portal = start_portal().unwrap();
    let waits = portal.spawn(|| async {
        let event = EVENT.with(Rc::clone);
        event.wait().await;
        "set"
    });
    portal
        .call(|| async { EVENT.with(|event| event.set()) })
        .unwrap();
    assert_eq!(waits.join().unwrap(), "set");
}

#[test]
fn a_storm_over_an_awaited_handle_leaves_the_task_alone() {
    let suspensions = cancel_storm(async |storm| {
        let mut handle = Portal::current().spawn(|| async {
            yield_now().await;
            42
        });
        let seen = storm.strike(&mut handle).await;
        match seen {
            Some(value) => assert_eq!(value.unwrap(), 42),
            None => assert_eq!(handle.await.unwrap(), 42),
        }
    });
    assert_eq!(suspensions, 1);
}

#[test]
fn a_timeout_over_a_handle_leaves_the_task_alone() {
    Sim::new().run(async {
        let mut handle = Portal::current().spawn(|| async {
            sleep(ms(20)).await;
            42
        });
        assert!(timeout(ms(1), &mut handle).await.is_err());
        assert_eq!(handle.await.unwrap(), 42);
    });
}

/// anyio's `test_start_task_soon_cancel_after_stop`.
#[test]
fn what_was_started_may_be_cancelled_after_the_portal_was_stopped() {
    let portal = start_portal().unwrap();
    let (say, said) = channel();
    let begun = portal.spawn(move || async move {
        say.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    said.recv().unwrap();
    let stopper = portal.clone();
    // It waits for the task, which ends when it is cancelled.
    let stopper = thread::spawn(move || stopper.stop());
    while portal.call(|| async {}).is_ok() {}
    begun.cancel();
    stopper.join().unwrap();
    assert!(begun.join().unwrap_err().is_cancelled());
}

#[test]
fn several_threads_may_stop_a_portal_and_each_sees_its_tasks_ended() {
    let portal = start_portal().unwrap();
    let (open, gate) = gate();
    let begun = portal.spawn(move || run_in_thread(move || gate.pass()));
    open.wait();
    let stoppers = [(); 4].map(|()| {
        let portal = portal.clone();
        thread::spawn(move || portal.stop())
    });
    while portal.call(|| async {}).is_ok() {}
    open.open();
    for stopper in stoppers {
        stopper.join().unwrap();
    }
    assert!(begun.is_finished());
    assert!(begun.join().is_ok());
}

/// trio's `test_await_in_trio_thread_while_main_exits`, and its end: there the call is cancelled.
#[test]
fn run_does_not_return_before_what_a_thread_asked_for_has_ended() {
    let (open, gate) = gate();
    let thread = run(async {
        let portal = Portal::current();
        let thread = thread::spawn(move || {
            portal.call(move || async move {
                run_in_thread(move || gate.pass()).await;
                42
            })
        });
        run_in_thread(move || {
            open.wait();
            // And main ends with it, while the other goes on.
            open
        })
        .await;
        thread
    });
    assert_eq!(thread.join().unwrap().unwrap(), 42);
}
