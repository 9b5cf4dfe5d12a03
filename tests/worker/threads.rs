//! `spawn_thread`: a thread with the face of a task.

use std::future::pending;
use std::sync::mpsc::channel;
use std::thread;

use bibelot::task::{self, Local, TaskGroup, yield_now};
use bibelot::testing::{Sim, cancel_storm};
use bibelot::time::{Instant, sleep, timeout};
use bibelot::worker::{self, call, is_cancelled, spawn_thread};
use bibelot::{Executor, run, spawn};

use crate::support::{Trace, panic_of, reporting_to, text_of, without_places};
use crate::{gate, ms};

#[test]
fn joining_gives_the_value() {
    let value = run(async { spawn_thread(|| 42).join().await });
    assert_eq!(value.unwrap(), 42);
}

#[test]
fn joining_gives_the_panic() {
    let error = run(async { spawn_thread(|| panic!("on purpose")).await }).unwrap_err();
    assert!(
        error.to_string().ends_with("panicked: on purpose"),
        "{error}"
    );
    assert_eq!(text_of(&*error.into_panic()), "on purpose");
}

#[test]
fn a_panic_that_nobody_joins_is_reported() {
    let trace = Trace::new();
    reporting_to(&trace).build().unwrap().run(async {
        let thread = worker::Builder::new()
            .name("sore")
            .spawn(|| panic!("on purpose"));
        drop(thread.unwrap());
        while trace.is_empty() {
            yield_now().await;
        }
    });
    assert_eq!(
        without_places(&trace.take().join("\n")),
        r#"task "sore" (spawned at here) panicked: on purpose"#
    );
}

#[test]
fn run_does_not_return_before_the_thread_has_ended() {
    let (say, said) = channel();
    run(async {
        drop(spawn_thread(move || say.send("ended").unwrap()));
    });
    assert_eq!(said.try_recv(), Ok("ended"));
}

#[test]
fn it_has_a_name_a_parent_a_place_and_the_locals_of_its_spawner() {
    static USER: Local<&str> = Local::new();
    run(USER.scope("Ann", async {
        let line = line!() + 2;
        let builder = worker::Builder::new().name("indexer");
        let thread = builder.spawn(|| {
            let user = call(|| async { USER.get() }).unwrap();
            (thread::current().name().map(String::from), user)
        });
        let thread = thread.unwrap();
        let task = thread.task();
        assert_eq!(task.name(), Some("indexer"));
        assert_eq!(task.parent(), Some(task::current().id()));
        assert_eq!(task.spawned_at().line(), line);
        let seen = thread.await.unwrap();
        assert_eq!(seen, (Some(String::from("indexer")), Some("Ann")));
    }));
}

#[test]
fn a_call_runs_as_the_task_that_stands_for_the_thread() {
    run(async {
        let thread = spawn_thread(|| call(|| async { task::current().id() }));
        let id = thread.task().id();
        assert_eq!(thread.await.unwrap(), Ok(id));
        assert_ne!(id, task::current().id());
    });
}

#[test]
fn nobody_need_join_it_for_its_calls_to_run() {
    Sim::new().run(async {
        let start = Instant::now();
        let (say, said) = channel();
        drop(spawn_thread(move || {
            call(|| sleep(ms(5))).unwrap();
            say.send(()).unwrap();
        }));
        while said.try_recv().is_err() {
            sleep(ms(1)).await;
        }
        assert!(start.elapsed() >= ms(5));
    });
}

#[test]
fn a_cancel_is_seen_by_the_call_under_way_and_by_the_thread() {
    let trace = Trace::new();
    Sim::new().run(async {
        let (begun, mut has_begun) = (channel(), false);
        let (say, said) = begun;
        let thread = spawn_thread(move || {
            let first = call(move || {
                say.send(()).unwrap();
                pending::<()>()
            });
            let later = call(|| async {});
            (
                first.is_err(),
                later.is_err(),
                is_cancelled(),
                "ends by itself",
            )
        });
        while !has_begun {
            yield_now().await;
            has_begun = said.try_recv().is_ok();
        }
        assert!(!thread.is_finished());
        thread.cancel();
        thread.cancel();
        trace.say("asked");
        assert_eq!(thread.await.unwrap(), (true, true, true, "ends by itself"));
    });
    assert_eq!(trace.take(), ["asked"]);
}

#[test]
fn a_thread_that_never_asks_keeps_its_value_though_it_was_cancelled() {
    run(async {
        let (open, gate) = gate();
        let thread = spawn_thread(move || {
            gate.pass();
            42
        });
        thread.cancel();
        for _ in 0..10 {
            yield_now().await;
        }
        assert!(!thread.is_finished(), "nobody can end a thread");
        open.open();
        assert_eq!(thread.await.unwrap(), 42);
    });
}

#[test]
fn what_a_cancelled_call_owes_is_paid_before_the_thread_is_joined() {
    Sim::new().run(async {
        let start = Instant::now();
        let (say, said) = channel();
        let thread = spawn_thread(|| {
            call(move || {
                say.send(()).unwrap();
                task::finally(pending::<()>(), sleep(ms(50)))
            })
        });
        while said.try_recv().is_err() {
            yield_now().await;
        }
        thread.cancel();
        assert!(thread.await.unwrap().is_err());
        assert!(start.elapsed() >= ms(50));
    });
}

#[test]
fn a_join_that_is_dropped_can_be_made_again() {
    run(async {
        let (open, gate) = gate();
        let mut thread = spawn_thread(move || gate.pass());
        assert!(timeout(ms(1), &mut thread).await.is_err());
        open.open();
        thread.await.unwrap();
    });
}

#[test]
fn a_shutdown_does_not_wait_for_threads() {
    let (open, gate) = gate();
    let (say, said) = channel();
    let executor = Executor::new().unwrap();
    let mut thread = None;
    executor.run(async {
        thread = Some(spawn_thread(move || {
            gate.pass();
            say.send((is_cancelled(), call(|| async {}).is_err()))
                .unwrap();
        }));
    });
    drop(executor);
    assert!(thread.unwrap().is_finished());
    open.open();
    assert_eq!(said.recv().unwrap(), (true, true));
}

#[test]
fn outside_of_an_executor_it_says_so() {
    let text = panic_of(|| spawn_thread(|| ()));
    assert!(
        text.starts_with("no executor is running on this thread"),
        "{text}"
    );
}

#[test]
fn many_threads_and_tasks_pass_a_value_around() {
    let sum = run(async {
        let threads: Vec<_> = (0..8)
            .map(|nth| {
                spawn_thread(move || {
                    (0..100)
                        .map(|_| {
                            call(move || async move {
                                yield_now().await;
                                nth
                            })
                        })
                        .sum::<Result<u32, _>>()
                })
            })
            .collect();
        let mut sum = 0;
        for thread in threads {
            sum += thread.await.unwrap().unwrap();
        }
        sum
    });
    assert_eq!(sum, 2800);
}

/// curio's task groups of threads.
#[test]
fn threads_are_members_of_a_group_by_their_handles() {
    let values = run(async {
        let group = TaskGroup::new();
        for n in 1..=3 {
            group.spawn(spawn_thread(move || {
                call(move || async move { n }).unwrap()
            }));
        }
        group.join().await
    });
    assert_eq!(values.unwrap(), [1, 2, 3], "in the order of their start");
}

/// The group waits for its tasks, and its threads go on: they are asked by nobody.
#[test]
fn a_thread_goes_on_although_its_group_has_failed() {
    let (open, gate) = gate();
    let (say, said) = channel();
    run(async {
        let group = TaskGroup::new();
        group.spawn(spawn_thread(move || {
            gate.pass();
            say.send(is_cancelled()).unwrap();
        }));
        group.spawn(spawn_thread(|| panic!("on purpose")));
        let failed = group.join().await.unwrap_err();
        assert!(failed.to_string().contains("on purpose"), "{failed}");
        open.wait();
        open.open();
    });
    assert_eq!(said.recv(), Ok(false));
}

#[test]
fn a_storm_over_a_join_leaves_the_thread_and_its_value() {
    let suspensions = cancel_storm(async |storm| {
        let (open, gate) = gate();
        let mut thread = spawn_thread(move || {
            gate.pass();
            assert!(!is_cancelled());
            42
        });
        spawn(async move { open.open() });
        let joined = storm.strike(&mut thread).await;
        // Taken once: by the join that was not struck, or by the next.
        match joined {
            Some(value) => assert_eq!(value.unwrap(), 42),
            None => assert_eq!(thread.await.unwrap(), 42),
        }
    });
    assert_eq!(suspensions, 1);
}
