//! What `run`, `Executor::run` and `shutdown` promise: who is waited for, what comes back, what is
//! dropped and in which order, and what misuse says.

mod support;

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::thread;

use bibelot::task::{JoinHandle, yield_now};
use bibelot::time::{Duration, sleep};
use bibelot::{Executor, spawn};

use support::{Trace, on_drop, panic_of, reporting_to, without_places};

#[test]
fn run_returns_the_value_of_main() {
    assert_eq!(bibelot::run(async { 6 * 7 }), 42);
}

#[test]
fn main_may_borrow_and_need_not_be_send() {
    let mut text = String::from("hello");
    let shared = Rc::new(Cell::new(0));
    let length = bibelot::run(async {
        yield_now().await;
        shared.set(1);
        text.push_str(", world");
        text.len()
    });
    assert_eq!(
        (length, text.as_str(), shared.get()),
        (12, "hello, world", 1)
    );
}

#[test]
fn run_waits_for_every_task() {
    let trace = Trace::new();
    let said = trace.clone();
    let value = bibelot::run(async move {
        spawn({
            let said = said.clone();
            async move {
                sleep(Duration::from_millis(1)).await;
                said.say("child");
                spawn(async move {
                    yield_now().await;
                    said.say("grandchild");
                });
            }
        });
        said.say("main");
        "value"
    });
    assert_eq!(value, "value");
    assert_eq!(trace.take(), ["main", "child", "grandchild"]);
}

#[test]
fn a_panic_of_main_comes_out_of_run_when_all_tasks_are_dropped() {
    let trace = Trace::new();
    let inside = trace.on_drop("task dropped");
    let text = panic_of(|| {
        bibelot::run(async {
            spawn(async move {
                let _inside = inside;
                pending::<()>().await;
            });
            yield_now().await;
            let _local = trace.on_drop("local of main dropped");
            panic!("main's own words");
        })
    });
    assert_eq!(text, "main's own words");
    assert_eq!(trace.take(), ["local of main dropped", "task dropped"]);
}

#[test]
fn a_panic_of_main_leaves_the_tasks_of_an_executor_as_they_were() {
    let executor = Executor::new().unwrap();
    let handle = executor.spawn(async {
        yield_now().await;
        "still here"
    });
    assert_eq!(
        panic_of(|| executor.run(async { panic!("on purpose") })),
        "on purpose"
    );
    assert_eq!(executor.run(handle).unwrap(), "still here");
}

#[test]
fn tasks_park_between_two_runs_and_go_on_in_the_next() {
    let executor = Executor::new().unwrap();
    let trace = Trace::new();
    let said = trace.clone();
    executor.run(async {
        spawn(async move {
            for nth in 0.. {
                said.say(format!("turn {nth}"));
                yield_now().await;
            }
        });
        yield_now().await;
    });
    // Main was woken before the task gave way, so it ends the run before the task's second turn.
    assert_eq!(trace.take(), ["turn 0"]);
    executor.run(async {});
    // Ready since before the run, so it comes before main.
    assert_eq!(trace.take(), ["turn 1"]);
    assert_eq!(executor.stats().tasks, 1);
}

#[test]
fn a_handle_of_one_run_is_joined_in_the_next() {
    let executor = Executor::new().unwrap();
    let mut handle = None;
    executor.run(async { handle = Some(spawn(async { 42 })) });
    let handle = handle.unwrap();
    assert!(!handle.is_finished());
    assert_eq!(executor.run(handle).unwrap(), 42);
}

#[test]
fn a_shutdown_drops_the_newest_first_each_as_the_current_task() {
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    for name in ["oldest", "middle", "newest"] {
        let said = trace.clone();
        let task = bibelot::task::Builder::new().name(name);
        let guard = on_drop(move || {
            let current = bibelot::task::current();
            said.say(format!("{name} as {:?}", current.name().unwrap()));
        });
        executor.run(async {
            drop(task.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            }));
            yield_now().await;
        });
    }
    executor.shutdown();
    let expected = [
        "newest as \"newest\"",
        "middle as \"middle\"",
        "oldest as \"oldest\"",
    ];
    assert_eq!(trace.take(), expected);
    assert_eq!(executor.stats().tasks, 0);
    executor.shutdown();
    drop(executor);
    assert!(trace.take().is_empty(), "a second shutdown does nothing");
}

/// Newest is by number, not by slot: slots are used again.
#[test]
fn a_shutdown_goes_by_age_also_when_slots_were_used_before() {
    let trace = Trace::new();
    let executor = Executor::new().unwrap();
    let spawned = |name: &str| {
        let guard = trace.on_drop(name);
        executor.spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        })
    };
    let (first, _second) = (spawned("first"), spawned("second"));
    first.cancel();
    executor.turn(Some(Duration::ZERO));
    assert_eq!(trace.take(), ["first"]);
    let _third = spawned("third");
    executor.shutdown();
    assert_eq!(trace.take(), ["third", "second"]);
}

#[test]
fn dropping_an_executor_shuts_it_down() {
    let executor = Executor::new().unwrap();
    let handle = executor.spawn(pending::<()>());
    let (here, spawned) = (file!(), line!() - 1);
    drop(executor);
    let error = bibelot::run(handle).unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    // No destructor is told who calls it, so the place is that of the executor's own.
    let begins =
        format!("task 1 (spawned at {here}:{spawned}:27) was cancelled at src/executor/face.rs:");
    let text = error.to_string();
    assert!(text.starts_with(&begins), "{text}");
    assert!(text.ends_with(": its executor was shut down"), "{text}");
}

#[test]
fn joiners_see_a_shutdown_as_a_cancel_and_where_it_was() {
    let executor = Executor::new().unwrap();
    let handle = executor.spawn(pending::<()>());
    let spawned = line!() - 1;
    executor.shutdown();
    let line = line!() - 1;
    assert!(handle.is_finished());
    let error = bibelot::run(handle).unwrap_err();
    let here = file!();
    let expected = format!(
        "task 1 (spawned at {here}:{spawned}:27) was cancelled at {here}:{line}:14: \
         its executor was shut down"
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn what_is_spawned_during_a_shutdown_ends_cancelled_and_unpolled() {
    let executor = Executor::new().unwrap();
    let trace = Trace::new();
    let late: Rc<RefCell<Option<JoinHandle<()>>>> = Rc::default();
    let guard = {
        let (trace, late) = (trace.clone(), Rc::clone(&late));
        on_drop(move || {
            let inside = trace.on_drop("newcomer dropped");
            let said = trace.clone();
            *late.borrow_mut() = Some(spawn(async move {
                let _inside = inside;
                said.say("newcomer polled");
            }));
            trace.say("spawned");
        })
    };
    drop(executor.spawn(async move {
        let _guard = guard;
        pending::<()>().await;
    }));
    executor.turn(Some(Duration::ZERO));
    executor.shutdown();
    assert_eq!(trace.take(), ["spawned", "newcomer dropped"]);
    let handle = late.take().unwrap();
    assert!(bibelot::run(handle).unwrap_err().is_cancelled());
}

#[test]
fn a_shutdown_does_not_wait_in_between() {
    let executor = Executor::new().unwrap();
    let handle = executor.spawn(async {
        sleep(Duration::from_secs(3600)).await;
    });
    executor.turn(Some(Duration::ZERO));
    executor.shutdown();
    assert!(handle.is_finished());
    assert_eq!(executor.stats().timers, 0);
}

#[test]
fn a_destructor_that_panics_does_not_stop_a_shutdown() {
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    for name in ["oldest", "middle", "newest"] {
        let guard = trace.on_drop(format!("{name} dropped"));
        let bomb = on_drop(move || assert!(name != "middle", "middle's bomb"));
        executor.run(async {
            drop(bibelot::task::Builder::new().name(name).spawn(async move {
                let _both = (guard, bomb);
                pending::<()>().await;
            }));
            yield_now().await;
        });
    }
    executor.shutdown();
    let expected = [
        "newest dropped",
        "middle dropped",
        "task \"middle\" (spawned at here) panicked: middle's bomb",
        "oldest dropped",
    ];
    let lines = trace.take();
    let lines: Vec<_> = lines.iter().map(|line| without_places(line)).collect();
    assert_eq!(lines, expected);
}

#[test]
fn the_use_of_an_executor_that_was_shut_down_is_a_clear_panic() {
    let executor = Executor::new().unwrap();
    executor.shutdown();
    let text = "this executor has been shut down; make a new one";
    assert_eq!(panic_of(|| executor.run(async {})), text);
    assert_eq!(panic_of(|| executor.spawn(async {})), text);
    assert_eq!(panic_of(|| executor.turn(None)), text);
}

#[test]
fn a_shutdown_by_one_of_its_own_tasks_is_a_clear_panic() {
    let executor = Executor::new().unwrap();
    let text = executor.run(async { panic_of(|| executor.shutdown()) });
    let expected =
        "an executor cannot be shut down by one of its own tasks; return from run() first";
    assert_eq!(text, expected);
    assert_eq!(executor.run(async { "and goes on" }), "and goes on");
}

#[test]
fn a_nested_run_is_a_clear_panic() {
    let text =
        "an executor is already running on this thread; await the future or spawn it instead";
    bibelot::run(async {
        assert_eq!(panic_of(|| bibelot::run(async {})), text);
        let other = Executor::new().unwrap();
        assert_eq!(panic_of(|| other.run(async {})), text);
        assert_eq!(panic_of(|| other.turn(None)), text);
    });
    // It has left nothing behind.
    assert_eq!(bibelot::run(async { 1 }), 1);
}

#[test]
fn what_needs_an_executor_says_so_outside_of_one() {
    let text = "no executor is running on this thread; call this inside bibelot::run()";
    assert_eq!(panic_of(|| spawn(async {})), text);
    assert_eq!(
        panic_of(|| bibelot::task::Builder::new().spawn(async {})),
        text
    );
    let mut nap = sleep(Duration::from_secs(1));
    assert_eq!(panic_of(|| support::poll_once(&mut nap)), text);
    let limited = std::pin::pin!(bibelot::time::timeout(
        Duration::from_secs(1),
        pending::<()>()
    ));
    let mut limited = limited;
    assert_eq!(panic_of(|| support::poll_once(&mut limited)), text);
    let text = "no task is running on this thread; call this inside bibelot::run()";
    assert_eq!(panic_of(bibelot::task::current), text);
    let mut park = Box::pin(bibelot::thread::park());
    assert_eq!(panic_of(|| support::poll_once(&mut park)), text);
    assert!(bibelot::task::try_current().is_none());
}

#[test]
fn executors_in_several_threads_know_nothing_of_each_other() {
    let threads: Vec<_> = (0..4)
        .map(|nth| {
            thread::spawn(move || {
                bibelot::run(async move {
                    let mut sum = 0;
                    for _ in 0..100 {
                        sum += spawn(async move {
                            yield_now().await;
                            nth
                        })
                        .await
                        .unwrap();
                    }
                    sum
                })
            })
        })
        .collect();
    let sums: Vec<usize> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    assert_eq!(sums, [0, 100, 200, 300]);
}

#[test]
fn an_executor_may_live_in_a_thread_local_and_end_with_the_thread() {
    thread_local! {
        static EXECUTOR: Executor = Executor::new().unwrap();
    }
    let (sent, dropped) = std::sync::mpsc::channel();
    thread::spawn(move || {
        EXECUTOR.with(|executor| {
            let guard = on_drop(move || sent.send("dropped").unwrap());
            drop(executor.spawn(async move {
                let _guard = guard;
                sleep(Duration::from_secs(3600)).await;
            }));
            executor.run(yield_now());
        });
    })
    .join()
    .unwrap();
    assert_eq!(dropped.recv().unwrap(), "dropped");
}

#[test]
fn two_executors_on_one_thread_take_turns_and_join_each_other() {
    let (a, b) = (Executor::new().unwrap(), Executor::new().unwrap());
    let trace = Trace::new();
    let said = trace.clone();
    let asked = a.spawn(async move {
        said.say("a works");
        yield_now().await;
        "a's value"
    });
    let said = trace.clone();
    let joiner = b.spawn(async move {
        said.say("b waits");
        let value = asked.await.unwrap();
        said.say(format!("b has {value}"));
    });
    let mut turns = 0;
    while !joiner.is_finished() {
        a.turn(Some(Duration::ZERO));
        b.turn(Some(Duration::ZERO));
        turns += 1;
        assert!(turns < 5, "{:?}", trace.take());
    }
    assert_eq!(trace.take(), ["a works", "b waits", "b has a's value"]);
}

#[test]
fn a_task_of_one_executor_cancels_and_wakes_a_task_of_another() {
    let (a, b) = (Executor::new().unwrap(), Executor::new().unwrap());
    let trace = Trace::new();
    let guard = trace.on_drop("dropped");
    let victim = a.spawn(async move {
        let _guard = guard;
        pending::<()>().await;
    });
    let said = trace.clone();
    let parked = a.spawn(async move {
        bibelot::thread::park().await;
        said.say("unparked");
    });
    a.turn(Some(Duration::ZERO));
    b.run(async {
        victim.cancel();
        parked.task().unpark();
    });
    assert!(trace.take().is_empty(), "a has had no turn yet");
    a.turn(Some(Duration::ZERO));
    assert_eq!(trace.take(), ["dropped", "unparked"]);
    assert!(victim.is_finished() && parked.is_finished());
}
