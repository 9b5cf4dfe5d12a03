//! `call`: a future run for a thread, as the task that waits for it.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::thread;

use bibelot::sync::{Condvar, Mutex, Queue, Semaphore};
use bibelot::task::{self, Local, TaskGroup, yield_now};
use bibelot::testing::{Sim, cancel_storm};
use bibelot::time::{Instant, effective_deadline, sleep, timeout};
use bibelot::worker::{CallerCancelled, call, is_cancelled, run_in_thread};
use bibelot::{Executor, run, spawn};

use crate::support::{Trace, panic_of, reporting_to, text_of};
use crate::{ms, run_until};

#[test]
fn a_future_runs_on_the_executor_and_the_thread_has_its_value() {
    let here = thread::current().id();
    let (there, inside) = run(run_in_thread(|| {
        let inside = call(|| async {
            yield_now().await;
            thread::current().id()
        });
        (thread::current().id(), inside.unwrap())
    }));
    assert_eq!(inside, here);
    assert_ne!(there, here);
}

#[test]
fn what_it_makes_need_not_be_send() {
    let value = run(run_in_thread(|| {
        call(|| {
            let shared = Rc::new(42);
            async move {
                yield_now().await;
                *shared
            }
        })
    }));
    assert_eq!(value, Ok(42));
}

#[test]
fn it_is_the_calling_task_with_its_name_and_locals_and_deadline() {
    static USER: Local<&str> = Local::new();
    Sim::new().run(async {
        let task = task::Builder::new()
            .name("asks")
            .spawn(USER.scope("Ann", async {
                let limit = timeout(
                    ms(3_600_000),
                    run_in_thread(|| {
                        call(|| async {
                            let name = task::current().name().map(String::from);
                            (name, USER.get(), effective_deadline().is_some())
                        })
                    }),
                );
                limit.await
            }));
        let seen = task.await.unwrap().unwrap().unwrap();
        assert_eq!(seen, (Some(String::from("asks")), Some("Ann"), true));
    });
}

#[test]
fn a_thread_calls_as_often_as_it_likes() {
    let sum = run(run_in_thread(|| {
        (1..=1000)
            .map(|n| call(move || async move { n }).unwrap())
            .sum::<u32>()
    }));
    assert_eq!(sum, 500_500);
}

#[test]
fn virtual_time_jumps_while_the_thread_waits_for_its_call() {
    Sim::new().run(async {
        let start = Instant::now();
        let slept = run_in_thread(|| call(|| sleep(ms(3_600_000)))).await;
        assert_eq!(slept, Ok(()));
        assert!(start.elapsed() >= ms(3_600_000));
    });
}

#[test]
fn a_deadlock_within_a_call_is_seen() {
    let text = panic_of(|| {
        Sim::new().run(run_in_thread(|| {
            call(|| async {
                let event = bibelot::sync::Event::new();
                event.wait().await;
            })
        }))
    });
    assert!(text.contains("deadlock"), "{text}");
}

#[test]
fn a_panic_of_the_future_is_raised_again_in_the_thread() {
    let text = run(run_in_thread(|| {
        let caught = catch_unwind(AssertUnwindSafe(|| call(|| async { panic!("inside") })));
        let text = text_of(&*caught.unwrap_err());
        assert_eq!(call(|| async { 42 }), Ok(42), "and the task goes on");
        text
    }));
    assert_eq!(text, "inside");
}

#[test]
fn a_panic_that_the_thread_does_not_catch_is_the_callers() {
    let text = panic_of(|| {
        run(run_in_thread(|| {
            call(|| async { panic!("through and through") })
        }))
    });
    assert_eq!(text, "through and through");
}

#[test]
fn a_panic_of_the_futures_destructor_is_raised_again_in_the_thread() {
    /// Panics when it is dropped.
    struct Sore;
    impl Drop for Sore {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }
    let text = panic_of(|| {
        run(run_in_thread(|| {
            call(|| {
                let sore = Sore;
                async move {
                    let _sore = sore;
                    yield_now().await;
                }
            })
        }))
    });
    assert_eq!(text, "in drop");
}

#[test]
fn a_caller_that_is_cancelled_lets_the_call_fail_and_every_later_one() {
    let (say, said) = channel();
    let trace = Trace::new();
    Sim::new().run(async {
        let dropped = trace.on_drop("the future is dropped");
        // What is not `Send` comes from the executor's side.
        HELD.set(Some(dropped));
        let job = run_in_thread(move || {
            let first = call(|| {
                let dropped = HELD.take();
                async move {
                    let _dropped = dropped;
                    pending::<()>().await;
                }
            });
            say.send((first, is_cancelled(), call(|| async {})))
                .unwrap();
        });
        // The clock jumps as soon as the thread waits for its call.
        assert!(timeout(ms(3_600_000), job).await.is_err());
        trace.say("the timeout returns");
    });
    let (first, is_cancelled, second) = said.recv().unwrap();
    assert!(matches!(first, Err(CallerCancelled { .. })));
    assert!(is_cancelled);
    assert!(second.is_err());
    assert_eq!(
        trace.take(),
        ["the future is dropped", "the timeout returns"]
    );
}

/// What says so when it is dropped.
type Held = crate::support::OnDrop<Box<dyn FnMut()>>;

thread_local! {
    /// What a future takes on the executor's thread.
    static HELD: std::cell::Cell<Option<Held>> = const { std::cell::Cell::new(None) };
}

#[test]
fn a_timeout_inside_a_call_is_the_calls_own() {
    Sim::new().run(async {
        let value = run_in_thread(|| {
            let late = call(|| timeout(ms(5), pending::<()>())).unwrap();
            assert!(late.is_err());
            call(|| async { "goes on" })
        });
        assert_eq!(value.await, Ok("goes on"));
    });
}

#[test]
fn what_a_cancelled_call_owes_is_paid_before_the_canceller_returns() {
    let trace = Trace::new();
    Sim::from_builder(reporting_to(&trace)).run(async {
        let job = run_in_thread(|| {
            call(|| {
                task::finally(pending::<()>(), async {
                    sleep(ms(1)).await;
                    spawn(async {}).await.unwrap();
                    PAID.set(true);
                })
            })
        });
        // The clock jumps as soon as the thread waits for its call.
        assert!(timeout(ms(3_600_000), job).await.is_err());
        assert!(PAID.get(), "before the timeout returned");
    });
    assert!(trace.is_empty());
}

thread_local! {
    /// Whether a cleanup was done.
    static PAID: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

#[test]
fn a_call_may_ask_for_another_thread() {
    let value = run(run_in_thread(|| {
        call(|| run_in_thread(|| call(|| async { 42 })))
    }));
    assert_eq!(value, Ok(Ok(42)));
}

#[test]
fn a_thread_of_its_own_executor_may_call_its_caller_when_that_has_ended() {
    let value = run(run_in_thread(|| {
        let inner = run(async { 40 });
        call(move || async move { inner + 2 })
    }));
    assert_eq!(value, Ok(42));
}

#[test]
fn a_call_inside_an_executor_on_the_same_thread_is_refused() {
    let text = panic_of(|| run(run_in_thread(|| run(async { call(|| async {}) }))));
    assert!(text.starts_with("this would block the executor"), "{text}");
}

#[test]
fn a_call_of_a_thread_for_which_no_task_waits_is_refused() {
    let text = panic_of(|| call(|| async {}));
    assert!(text.starts_with("no task waits for this thread"), "{text}");
}

#[test]
fn an_executor_that_ends_lets_the_call_fail() {
    let (say, said) = channel();
    let executor = Executor::new().unwrap();
    drop(executor.spawn(run_in_thread(move || {
        say.send(None).unwrap();
        say.send(Some(call(pending::<()>))).unwrap();
    })));
    executor.turn(Some(ms(0)));
    assert_eq!(said.recv().unwrap(), None);
    drop(executor);
    assert!(said.recv().unwrap().unwrap().is_err());
}

#[test]
fn a_storm_over_a_call_always_answers_the_thread() {
    let suspensions = cancel_storm(async |storm| {
        let (say, said) = channel();
        let done = storm
            .strike(run_in_thread(move || {
                let called = call(|| async {
                    sleep(ms(1)).await;
                    42
                });
                say.send(called).unwrap();
            }))
            .await;
        let called = run_in_thread(move || said.recv()).await;
        // The receiving thread has ended, so the sending one was answered, or never began.
        if done.is_some() {
            assert_eq!(called, Ok(Ok(42)));
        }
    });
    assert!(suspensions >= 1, "for its call, at least");
}

/// What trio copies into the thread is here seen where it can be used: in what the thread calls.
#[test]
fn a_thread_sees_the_locals_of_its_task_in_its_calls_alone() {
    static NAME: Local<&str> = Local::new();
    let seen = run(NAME.scope("ours", async {
        run_in_thread(|| (NAME.get(), call(|| async { NAME.get() }))).await
    }));
    assert_eq!(seen, (None, Ok(Some("ours"))));
}

/// What tasks of one executor share, as a future finds it that a thread calls.
#[derive(Default)]
struct Common {
    mutex: Mutex<Vec<&'static str>>,
    changed: Condvar,
    queue: Queue<u32>,
}

thread_local! {
    /// What the tasks of this thread share.
    static COMMON: Rc<Common> = Rc::default();
}

/// What the tasks of this thread share.
fn common() -> Rc<Common> {
    COMMON.with(Rc::clone)
}

/// curio's `test_thread_sync`.
#[test]
fn a_call_has_the_mutex_of_the_tasks_in_its_turn() {
    Sim::new().run(async {
        let shared = common();
        let mut held = shared.mutex.lock().await;
        let job = spawn(run_in_thread(|| {
            call(|| async {
                let common = common();
                common.mutex.lock().await.push("thread");
            })
        }));
        run_until(|| shared.mutex.statistics().waiting == 1).await;
        held.push("task");
        drop(held);
        job.await.unwrap().unwrap();
        assert_eq!(*shared.mutex.lock().await, ["task", "thread"]);
    });
}

#[test]
fn a_call_waits_for_a_condition_that_a_task_brings_about() {
    Sim::new().run(async {
        let shared = common();
        let job = spawn(run_in_thread(|| {
            call(|| async {
                let common = common();
                let guard = common.mutex.lock().await;
                let guard = common.changed.wait_while(guard, |said| said.is_empty());
                guard.await.pop()
            })
        }));
        run_until(|| shared.changed.statistics().waiting == 1).await;
        shared.mutex.lock().await.push("task");
        shared.changed.notify_all();
        assert_eq!(job.await.unwrap(), Ok(Some("task")));
    });
}

#[test]
fn a_thread_puts_and_gets_by_its_calls_what_tasks_get_and_put() {
    Sim::new().run(async {
        let shared = common();
        let job = spawn(run_in_thread(|| {
            (0..10).try_for_each(|n| {
                let put = call(move || async move { common().queue.put(n).await });
                put.map(Result::unwrap)
            })?;
            call(|| async { common().queue.join().await })
        }));
        for n in 0..10 {
            assert_eq!(shared.queue.get().await, Ok(n));
            shared.queue.task_done();
        }
        assert_eq!(job.await.unwrap(), Ok(()));
    });
}

#[test]
fn a_call_that_is_given_up_gives_its_permit_back() {
    thread_local! {
        static ONE: Rc<Semaphore> = Rc::new(Semaphore::new(1));
    }
    Sim::new().run(async {
        let one = ONE.with(Rc::clone);
        let job = run_in_thread(|| {
            call(|| async {
                let one = ONE.with(Rc::clone);
                let _permit = one.acquire().await;
                pending::<()>().await;
            })
        });
        // The clock jumps as soon as the thread waits for its call.
        assert!(timeout(ms(3_600_000), job).await.is_err());
        assert_eq!(one.available_permits(), 1);
    });
}

/// curio's `test_task_group_thread`.
#[test]
fn a_call_makes_a_group_and_joins_it() {
    Sim::new().run(async {
        let sum = run_in_thread(|| {
            call(|| async {
                let group = TaskGroup::<u64, ()>::new();
                for n in 1..=3 {
                    group.spawn(async move {
                        sleep(ms(n)).await;
                        Ok(n)
                    });
                }
                group.join().await.unwrap().into_iter().sum::<u64>()
            })
        });
        assert_eq!(sum.await, Ok(6));
    });
}
