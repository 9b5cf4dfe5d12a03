//! `run_in_thread`: values and panics come back, permits too, and who is dropped waits for nothing.

use std::cell::Cell;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;

use bibelot::task::{self, TaskGroup, yield_now};
use bibelot::testing::{Sim, cancel_storm};
use bibelot::time::{Instant, sleep, timeout};
use bibelot::worker::{Portal, call, is_cancelled, run_in_thread};
use bibelot::{Executor, Report, run, spawn};

use crate::support::{Trace, on_drop, panic_of, poll_once, reporting_to, text_of};
use crate::{abandon, gate, ms, run_until};

#[test]
fn a_job_runs_in_another_thread_and_its_value_comes_back() {
    let here = thread::current().id();
    let (there, value) = run(run_in_thread(|| (thread::current().id(), 42)));
    assert_ne!(here, there);
    assert_eq!(value, 42);
}

#[test]
fn tasks_go_on_while_a_thread_is_blocked() {
    run(async {
        let (open, gate) = gate();
        let job = spawn(run_in_thread(move || gate.pass()));
        for _ in 0..100 {
            yield_now().await;
        }
        assert!(!job.is_finished());
        open.open();
        job.await.unwrap();
    });
}

#[test]
fn a_panic_of_the_job_is_raised_again_in_the_task() {
    let text = panic_of(|| run(run_in_thread(|| panic!("on purpose"))));
    assert_eq!(text, "on purpose");
    run(async {
        let job = spawn(run_in_thread(|| panic!("in a task")));
        let error = job.await.unwrap_err();
        assert_eq!(text_of(&*error.into_panic()), "in a task");
    });
}

#[test]
fn a_thread_that_had_a_panic_does_the_next_job() {
    Executor::builder()
        .thread_limit(1)
        .build()
        .unwrap()
        .run(async {
            let panicked = spawn(run_in_thread(|| panic!("on purpose"))).await;
            assert!(panicked.unwrap_err().is_panic());
            assert_eq!(run_in_thread(|| 42).await, 42);
        });
}

#[test]
fn nothing_is_begun_before_the_first_poll() {
    run(async {
        let held = Arc::new(());
        let inside = Arc::clone(&held);
        drop(run_in_thread(move || drop(inside)));
        assert_eq!(
            Arc::strong_count(&held),
            1,
            "the closure is dropped uncalled"
        );
    });
}

#[test]
fn there_are_as_many_at_once_as_the_limit_says_and_no_more() {
    let executor = Executor::builder().thread_limit(3).build().unwrap();
    let now = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let met = Arc::new(Barrier::new(3));
    executor.run(async {
        let jobs: Vec<_> = (0..30)
            .map(|_| {
                let (now, most, met) = (now.clone(), most.clone(), met.clone());
                spawn(run_in_thread(move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    // Three have to be there for any to go on.
                    met.wait();
                    now.fetch_sub(1, Ordering::SeqCst);
                }))
            })
            .collect();
        for job in jobs {
            job.await.unwrap();
        }
    });
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[test]
fn jobs_that_wait_for_a_thread_come_in_the_order_of_their_tasks() {
    let executor = Executor::builder().thread_limit(1).build().unwrap();
    let (say, said) = channel();
    executor.run(async {
        let jobs: Vec<_> = (0..5)
            .map(|nth| {
                let say = say.clone();
                spawn(run_in_thread(move || say.send(nth).unwrap()))
            })
            .collect();
        for job in jobs {
            job.await.unwrap();
        }
    });
    drop(say);
    assert_eq!(said.iter().collect::<Vec<i32>>(), [0, 1, 2, 3, 4]);
}

#[test]
#[should_panic(expected = "without a thread no job would ever be done")]
fn a_limit_of_nothing_is_refused() {
    let _ = Executor::builder().thread_limit(0);
}

#[test]
fn a_caller_that_is_dropped_goes_on_at_once_and_the_job_learns_of_it() {
    let (seen, was_seen) = channel();
    let (open, gate) = gate();
    Sim::new().run(async {
        let job = run_in_thread(move || {
            seen.send(is_cancelled()).unwrap();
            gate.pass();
            seen.send(is_cancelled()).unwrap();
        });
        abandon(job, &open).await;
    });
    assert!(!was_seen.recv().unwrap(), "it was waited for then");
    open.open();
    assert!(was_seen.recv().unwrap(), "and is not now");
}

#[test]
fn a_timeout_does_not_wait_for_the_thread() {
    let (_open, gate) = gate();
    Sim::new().run(async {
        let start = Instant::now();
        let job = run_in_thread(move || gate.pass());
        assert!(timeout(ms(5), job).await.is_err());
        assert!(start.elapsed() >= ms(5));
    });
}

#[test]
fn outside_of_a_thread_nothing_is_cancelled() {
    assert!(!is_cancelled());
}

#[test]
fn the_next_job_of_a_thread_is_not_cancelled() {
    let executor = Executor::builder().thread_limit(1).build().unwrap();
    let (open, gate) = gate();
    let (begun, has_begun) = channel();
    executor.run(async {
        let job = spawn(run_in_thread(move || {
            begun.send(()).unwrap();
            gate.pass();
            assert!(is_cancelled());
        }));
        run_until(|| has_begun.try_recv().is_ok()).await;
        job.cancel();
        assert!(job.await.unwrap_err().is_cancelled());
        open.open();
        assert!(!run_in_thread(is_cancelled).await);
    });
}

#[test]
fn the_permit_comes_back_when_the_thread_has_really_ended() {
    let executor = Executor::builder().thread_limit(1).build().unwrap();
    let trace = Trace::new();
    let (open, gate) = gate();
    let (begun, has_begun) = channel();
    executor.run(async {
        let first = spawn(run_in_thread(move || {
            begun.send(()).unwrap();
            gate.pass();
        }));
        run_until(|| has_begun.try_recv().is_ok()).await;
        let second = spawn({
            let trace = trace.clone();
            async move {
                run_in_thread(|| {}).await;
                trace.say("the second has a thread");
            }
        });
        first.cancel();
        assert!(first.await.unwrap_err().is_cancelled());
        trace.say("the first has gone");
        for _ in 0..100 {
            yield_now().await;
        }
        trace.say("its thread ends");
        open.open();
        second.await.unwrap();
    });
    let expected = [
        "the first has gone",
        "its thread ends",
        "the second has a thread",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_job_that_no_thread_has_begun_is_not_run_when_its_caller_is_dropped() {
    let executor = Executor::builder().thread_limit(1).build().unwrap();
    let (open, gate) = gate();
    let (say, said) = channel();
    executor.run(async {
        let first = spawn(run_in_thread(move || gate.pass()));
        yield_now().await;
        let second = spawn(run_in_thread({
            let say = say.clone();
            move || say.send("the second").unwrap()
        }));
        let third = spawn(run_in_thread(move || say.send("the third").unwrap()));
        yield_now().await;
        second.cancel();
        assert!(second.await.unwrap_err().is_cancelled());
        open.open();
        first.await.unwrap();
        third.await.unwrap();
    });
    assert_eq!(said.iter().collect::<Vec<_>>(), ["the third"]);
}

#[test]
fn the_panic_of_a_job_that_nobody_waits_for_is_reported_with_its_place() {
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    let (open, gate) = gate();
    let line = line!() + 2;
    executor.run(async {
        let job = run_in_thread(move || {
            gate.pass();
            panic!("too late");
        });
        abandon(job, &open).await;
        open.open();
        run_until(|| !trace.is_empty()).await;
    });
    let file = file!();
    let expected = format!("the thread of {file}:{line}:19 panicked: too late");
    assert_eq!(trace.take(), [expected]);
}

#[test]
fn a_panic_that_has_come_when_the_caller_is_dropped_is_reported() {
    let trace = Trace::new();
    let executor = reporting_to(&trace).thread_limit(1).build().unwrap();
    let (open, gate) = gate();
    executor.run(async {
        let mut job = Box::pin(run_in_thread(move || {
            gate.pass();
            panic!("unseen");
        }));
        assert!(poll_once(&mut job).is_pending());
        open.open();
        // It has the same permit. That comes back just before the answer, so whether the panic is
        // with the thread or with the task when that lets go is open: it is reported once.
        run_in_thread(|| {}).await;
        drop(job);
        run_until(|| !trace.is_empty()).await;
    });
    let reports = trace.take();
    assert_eq!(reports.len(), 1);
    assert!(reports[0].ends_with("panicked: unseen"), "{reports:?}");
}

#[test]
fn a_value_that_nobody_wants_is_dropped_in_its_thread_and_its_panic_reported() {
    /// Panics when it is dropped, elsewhere than where it must be.
    struct Sore;
    impl Drop for Sore {
        fn drop(&mut self) {
            panic!("dropped in {:?}", thread::current().name().unwrap());
        }
    }
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    let (open, gate) = gate();
    executor.run(async {
        let job = run_in_thread(move || {
            gate.pass();
            Sore
        });
        abandon(job, &open).await;
        open.open();
        run_until(|| !trace.is_empty()).await;
    });
    let reports = trace.take();
    assert!(
        reports[0].ends_with(r#"panicked: dropped in "bibelot-worker""#),
        "{reports:?}"
    );
}

#[test]
fn an_executor_may_end_while_a_job_runs_on() {
    let (open, gate) = gate();
    let (seen, was_seen) = channel();
    let (begun, has_begun) = channel();
    let executor = Executor::new().unwrap();
    let job = executor.spawn(run_in_thread(move || {
        begun.send(()).unwrap();
        gate.pass();
        seen.send(is_cancelled()).unwrap();
    }));
    executor.turn(Some(ms(0)));
    has_begun.recv().unwrap();
    drop(executor);
    assert!(job.is_finished(), "it was dropped with its executor");
    open.open();
    assert!(was_seen.recv().unwrap());
}

#[test]
fn a_group_that_fails_does_not_wait_for_its_threads() {
    let (open, gate) = gate();
    let group = TaskGroup::<(), &str>::new();
    Sim::new().run(async {
        group.spawn(async {
            run_in_thread(move || gate.pass()).await;
            Ok(())
        });
        group.spawn(async { Err("fails") });
        assert!(group.join().await.is_err());
    });
    open.open();
}

#[test]
fn a_destructor_may_ask_for_a_thread() {
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    let done = Rc::new(Cell::new(false));
    executor.run(async {
        let handle = spawn({
            let done = done.clone();
            async move {
                let _later = on_drop(move || {
                    let done = done.clone();
                    drop(spawn(async move { done.set(run_in_thread(|| true).await) }));
                });
                pending::<()>().await;
            }
        });
        yield_now().await;
        handle.cancel();
        assert!(handle.await.unwrap_err().is_cancelled());
        run_until(|| done.get()).await;
    });
    assert!(trace.is_empty());
}

#[test]
fn without_an_executor_it_says_so() {
    let mut job = Box::pin(run_in_thread(|| ()));
    let text = panic_of(AssertUnwindSafe(|| poll_once(&mut job)));
    assert!(
        text.starts_with("no executor is running on this thread"),
        "{text}"
    );
}

#[test]
fn a_deadlock_is_not_seen_where_a_thread_is_waited_for() {
    let executor = Executor::builder()
        .detect_deadlock()
        .thread_limit(1)
        .build()
        .unwrap();
    let (open, gate) = gate();
    executor.run(async {
        abandon(run_in_thread(move || gate.pass()), &open).await;
        // Nobody waits for the thread but who wants its permit.
        let waits = spawn(run_in_thread(|| 42));
        let opens = thread::spawn(move || open.open());
        assert_eq!(waits.await.unwrap(), 42);
        opens.join().unwrap();
    });
}

#[test]
fn virtual_time_goes_on_as_the_real_one_while_a_thread_is_waited_for() {
    Sim::new().run(async {
        let start = Instant::now();
        run_in_thread(|| {}).await;
        assert!(start.elapsed() < ms(60_000));
        sleep(ms(3_600_000)).await;
        assert!(start.elapsed() >= ms(3_600_000), "and jumps when none is");
    });
}

#[test]
fn a_storm_over_a_job_loses_neither_permit_nor_thread() {
    let suspensions = cancel_storm(async |storm| {
        let ended = Arc::new(AtomicUsize::new(0));
        let counted = ended.clone();
        let (open, gate) = gate();
        let done = storm.strike(run_in_thread(move || {
            gate.pass();
            counted.fetch_add(1, Ordering::SeqCst)
        }));
        spawn(async move { open.open() });
        let done = done.await;
        if done.is_some() {
            assert_eq!(ended.load(Ordering::SeqCst), 1);
        }
        // Sixty-four at once: the permit has come back, or comes.
        let met = Arc::new(Barrier::new(64));
        let group = TaskGroup::<(), ()>::new();
        for _ in 0..64 {
            let met = met.clone();
            group.spawn(async {
                run_in_thread(move || met.wait()).await;
                Ok(())
            });
        }
        group.join().await.unwrap();
    });
    assert_eq!(suspensions, 1);
}

#[test]
fn a_storm_over_the_wait_for_a_permit_leaves_the_line_in_order() {
    let suspensions = cancel_storm(async |storm| {
        let most = 64;
        let (mut opens, mut held) = (Vec::new(), Vec::new());
        for _ in 0..most {
            let (open, gate) = gate();
            opens.push(open);
            held.push(spawn(run_in_thread(move || gate.pass())));
        }
        yield_now().await;
        let next = spawn(async {
            yield_now().await;
            run_in_thread(|| "next").await
        });
        spawn(async move {
            yield_now().await;
            yield_now().await;
            drop(opens);
        });
        let mine = storm.strike(run_in_thread(|| "mine")).await;
        assert!(mine.is_none_or(|mine| mine == "mine"));
        assert_eq!(next.await.unwrap(), "next");
    });
    // For the permit; and for the thread, unless that is faster than the poll that starts it.
    assert!((1..=2).contains(&suspensions), "{suspensions}");
}

#[test]
fn a_polled_job_that_is_forgotten_harms_nobody() {
    run(async {
        let (open, gate) = gate();
        let mut job = Box::pin(run_in_thread(move || gate.pass()));
        assert!(poll_once(&mut job).is_pending());
        std::mem::forget(job);
        open.open();
        assert_eq!(run_in_thread(|| 43).await, 43);
    });
}

#[test]
fn a_shielded_job_is_waited_for() {
    let (open, gate) = gate();
    let trace = Trace::new();
    Sim::new().run(async {
        let traced = trace.clone();
        let job = task::shield(async move {
            run_in_thread(move || gate.pass()).await;
            traced.say("the thread has ended");
        });
        spawn(async move {
            sleep(ms(2)).await;
            open.open();
        });
        assert!(timeout(ms(1), job).await.is_err());
        trace.say("the timeout returns");
    });
    assert_eq!(
        trace.take(),
        ["the thread has ended", "the timeout returns"]
    );
}

#[test]
fn a_panic_in_a_job_does_not_unwind_the_pool() {
    let caught = catch_unwind(|| run(run_in_thread(|| std::panic::panic_any(7_u8))));
    assert_eq!(caught.unwrap_err().downcast_ref(), Some(&7_u8));
}

#[test]
fn a_cleanup_may_use_a_thread_while_the_executor_shuts_down() {
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    let traced = trace.clone();
    drop(executor.spawn(task::finally(pending::<()>(), async move {
        let called = run_in_thread(|| call(|| async { task::current().id() })).await;
        assert_eq!(called, Ok(task::current().id()));
        traced.say("cleaned up, with a thread's help");
        let refused = Portal::current().spawn(|| async {}).await;
        assert!(
            refused.unwrap_err().has_ended(),
            "nobody from outside is let in any more"
        );
    })));
    executor.turn(Some(ms(0)));
    drop(executor);
    assert_eq!(trace.take(), ["cleaned up, with a thread's help"]);
}

/// The cleanup was begun before the shutdown, and its thread has answered, but the executor has had no turn
/// since. The child of a scope, which waits for it, is woken by nothing else.
#[test]
fn a_shutdown_hears_the_answer_that_a_cleanup_waits_for() {
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    let (wants_turn, wanted) = channel();
    executor.on_wake(move || wants_turn.send(()).unwrap());
    let (open, gate) = gate();
    let traced = trace.clone();
    let child = async move {
        run_in_thread(move || gate.pass()).await;
        traced.say("the thread has answered");
    };
    let cleanup = async { task::scope(async |s| drop(s.spawn(child))).await };
    let handle = executor.spawn(task::finally(pending::<()>(), cleanup));
    executor.turn(Some(ms(0)));
    handle.cancel();
    while wanted.try_recv().is_ok() {
        executor.turn(Some(ms(0)));
    }
    open.wait();
    open.open();
    wanted.recv().unwrap();
    drop(executor);
    assert!(handle.is_finished());
    assert_eq!(trace.take(), ["the thread has answered"]);
}

#[test]
fn a_task_that_waits_for_a_thread_says_where() {
    let executor = Executor::builder().slow_poll(ms(0)).on_report({
        let seen = SEEN.with(Rc::clone);
        move |report| {
            if let Report::SlowPoll(slow) = report
                && let Some(at) = slow.waits_at()
            {
                seen.set(at.line());
            }
        }
    });
    let (open, gate) = gate();
    let executor = executor.build().unwrap();
    let line = line!() + 1;
    let job = executor.spawn(async { run_in_thread(move || gate.pass()).await });
    executor.turn(Some(ms(0)));
    assert_eq!(SEEN.with(|seen| seen.get()), line);
    open.open();
    executor.run(job).unwrap();
}

thread_local! {
    /// The line where a task was last seen to wait.
    static SEEN: Rc<Cell<u32>> = Rc::default();
}

#[test]
fn a_slow_poll_is_told_with_the_permit_it_came_to_wait_for() {
    const WAITS: &str = ", until it came to wait for a permit of the pool at tests/worker/jobs.rs:";
    let trace = Trace::new();
    let said = trace.clone();
    let builder = Executor::builder()
        .thread_limit(1)
        .slow_poll(ms(0))
        .on_report(move |report| said.say(report.to_string()));
    builder.build().unwrap().run(async {
        let (open, gate) = gate();
        let first = spawn(run_in_thread(move || gate.pass()));
        let second = spawn(run_in_thread(|| {}));
        yield_now().await;
        open.open();
        first.await.unwrap();
        second.await.unwrap();
    });
    assert!(trace.take().iter().any(|text| text.contains(WAITS)));
}
