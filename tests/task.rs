//! What tasks promise: order, joining, panics, and what can be known of them.

mod support;

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::panic::panic_any;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::thread;

use bibelot::io::AsyncFd;
use bibelot::task::{
    Builder, JoinError, JoinHandle, current, finally, join, race, shield, try_current, yield_now,
};
use bibelot::testing::Sim;
use bibelot::thread::park;
use bibelot::time::{Duration, Instant, sleep, timeout};
use bibelot::{Executor, Report, spawn};

use support::{Trace, on_drop, panic_of, reporting_to, same_every_time, without_places};

/// What a program says, which is given a trace to say it to.
fn said_by(program: impl AsyncFnOnce(Trace)) -> Vec<String> {
    let trace = Trace::new();
    Sim::new().run(program(trace.clone()));
    trace.take()
}

/// An executor, and the trace of what it reports.
fn reporting() -> (Trace, Executor) {
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    (trace, executor)
}

/// Spawns a task with a name.
#[track_caller]
fn named<F: Future + 'static>(name: &str, future: F) -> JoinHandle<F::Output> {
    Builder::new().name(name).spawn(future)
}

#[test]
fn spawn_does_not_switch_and_children_come_in_order() {
    same_every_time(spawn_does_not_switch_and_children_come_in_order);
    let said = said_by(async |said| {
        for name in ["first", "second", "third"] {
            let said = said.clone();
            spawn(async move { said.say(name) });
        }
        said.say("spawned all");
        yield_now().await;
        said.say("main again");
    });
    assert_eq!(
        said,
        ["spawned all", "first", "second", "third", "main again"]
    );
}

#[test]
fn yielding_lets_every_other_ready_task_have_its_turn_once() {
    same_every_time(yielding_lets_every_other_ready_task_have_its_turn_once);
    let said = said_by(async |said| {
        for name in ["a", "b"] {
            let said = said.clone();
            spawn(async move {
                for nth in 0..3 {
                    said.say(format!("{name}{nth}"));
                    yield_now().await;
                }
            });
        }
    });
    assert_eq!(said, ["a0", "b0", "a1", "b1", "a2", "b2"]);
}

#[test]
fn a_dropped_handle_lets_its_task_go_on() {
    same_every_time(a_dropped_handle_lets_its_task_go_on);
    let said = said_by(async |said| {
        let handle = spawn(async move {
            yield_now().await;
            said.say("went on");
        });
        yield_now().await;
        drop(handle);
    });
    assert_eq!(said, ["went on"]);
}

#[test]
fn join_gives_the_value_whenever_it_is_asked_for() {
    bibelot::run(async {
        let early = spawn(async {
            yield_now().await;
            "early"
        });
        assert_eq!(early.join().await.unwrap(), "early");
        let late = spawn(async { "late" });
        for _ in 0..3 {
            yield_now().await;
        }
        assert!(late.is_finished());
        assert_eq!(late.join().await.unwrap(), "late");
    });
}

#[test]
fn a_joiner_is_woken_once_and_in_the_order_of_ends() {
    same_every_time(a_joiner_is_woken_once_and_in_the_order_of_ends);
    let said = said_by(async |said| {
        for nth in [3, 1, 2] {
            let said = said.clone();
            let handle = spawn(sleep(Duration::from_secs(nth)));
            spawn(async move {
                handle.await.unwrap();
                said.say(format!("{nth} s"));
            });
        }
    });
    assert_eq!(said, ["1 s", "2 s", "3 s"]);
}

#[test]
fn a_handle_awaited_by_reference_can_be_given_up_and_awaited_again() {
    same_every_time(a_handle_awaited_by_reference_can_be_given_up_and_awaited_again);
    Sim::new().run(async {
        let mut handle = spawn(async {
            sleep(Duration::from_secs(2)).await;
            "value"
        });
        let given_up = timeout(Duration::from_secs(1), &mut handle).await;
        assert!(given_up.is_err());
        assert_eq!((&mut handle).await.unwrap(), "value");
    });
}

#[test]
fn a_handle_awaited_by_value_and_given_up_lets_the_task_go_on() {
    same_every_time(a_handle_awaited_by_value_and_given_up_lets_the_task_go_on);
    let said = said_by(async |said| {
        let handle = spawn(async move {
            sleep(Duration::from_secs(2)).await;
            said.say("went on");
        });
        assert!(timeout(Duration::from_secs(1), handle).await.is_err());
    });
    assert_eq!(said, ["went on"]);
}

#[test]
fn a_handle_that_moves_to_another_task_wakes_that_one() {
    same_every_time(a_handle_that_moves_to_another_task_wakes_that_one);
    Sim::new().run(async {
        let mut handle = spawn(async {
            sleep(Duration::from_secs(2)).await;
            "value"
        });
        // Here main is the one to be woken; a second later it is another task.
        assert!(timeout(Duration::from_secs(1), &mut handle).await.is_err());
        let value = spawn(async move { handle.await.unwrap() }).await;
        assert_eq!(value.unwrap(), "value");
    });
}

#[test]
fn a_handle_polled_after_its_value_is_a_clear_panic() {
    bibelot::run(async {
        let mut handle = spawn(async {});
        (&mut handle).await.unwrap();
        let text = panic_of(|| support::poll_once(&mut handle));
        assert_eq!(text, "a JoinHandle was polled after it had given its value");
    });
}

#[test]
fn a_task_that_joins_itself_is_a_deadlock_that_the_simulation_names() {
    same_every_time(a_task_that_joins_itself_is_a_deadlock_that_the_simulation_names);
    let lines = Rc::new(Cell::new((0, 0)));
    let told = Rc::clone(&lines);
    let text = panic_of(|| {
        Sim::new().run(async move {
            let own: Rc<RefCell<Option<JoinHandle<()>>>> = Rc::default();
            let handle = Rc::clone(&own);
            let spawned = line!() + 1;
            let narcissus = named("narcissus", async move {
                yield_now().await;
                let own = own.take().unwrap();
                told.set((spawned, line!() + 1));
                own.await.unwrap();
            });
            *handle.borrow_mut() = Some(narcissus);
        })
    });
    let (spawned, line) = lines.get();
    let here = file!();
    let expected = format!(
        "deadlock: every task is waiting and no deadline is to come\n  \
         task \"narcissus\" (spawned at {here}:{spawned}:29 by task 1, which has ended) \
         waits for a task to end at {here}:{line}:21"
    );
    assert_eq!(text, expected);
}

#[test]
fn a_deadlock_report_says_who_waits_for_what_and_where_and_who_spawned_it_where() {
    same_every_time(a_deadlock_report_says_who_waits_for_what_and_where_and_who_spawned_it_where);
    let base = line!();
    async fn joins_it(handle: JoinHandle<()>) {
        handle.await.unwrap(); // base + 2
    }
    let text = panic_of(|| {
        Sim::new().run(async {
            let silent = spawn(pending()); // base + 6
            let joins = named("joins", async {
                let endless = sleep(Duration::MAX); // base + 8
                drop(named("endless", endless)); // base + 9
                joins_it(silent).await;
            });
            joins.await.unwrap(); // base + 12
        })
    });
    let at = |line, column| format!("{}:{}:{column}", file!(), base + line);
    let expected = [
        String::from("deadlock: every task is waiting and no deadline is to come"),
        format!(
            "  task \"main\" (spawned at {}) waits for a task to end at {}",
            at(5, 20),
            at(12, 19)
        ),
        format!(
            "    task 2 (spawned at {}) waits for nothing that could wake it",
            at(6, 26)
        ),
        format!(
            "    task \"joins\" (spawned at {}) waits for a task to end at {}",
            at(7, 25),
            at(2, 16)
        ),
        format!(
            "      task \"endless\" (spawned at {}) waits for a deadline at {}",
            at(9, 22),
            at(8, 31)
        ),
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

/// A handle is told of where it is awaited, and so is what has it inside; where nobody is who awaits it, of
/// where it was made.
#[test]
fn a_join_within_something_else_says_where_that_is_awaited() {
    same_every_time(a_join_within_something_else_says_where_that_is_awaited);
    fn waits_at(waits: impl Future<Output = ()>) -> u32 {
        let text = panic_of(|| Sim::new().run(waits));
        let main = text.lines().nth(1).unwrap();
        let (_, at) = main.split_once("a task to end at ").expect(main);
        let at = at.split_once(':').unwrap();
        assert_eq!(at.0, file!(), "{text}");
        at.1.split(':').next().unwrap().parse().unwrap()
    }
    let silent = || spawn(pending::<()>());
    let line = line!();
    let lines = [
        waits_at(async { drop(race(silent(), pending()).await) }),
        waits_at(async { drop(join(silent(), async {}).await) }),
        waits_at(async { drop(finally(silent(), async {}).await) }),
        waits_at(async { drop(shield(silent()).await) }),
    ];
    assert_eq!(lines, [2, 3, 4, 5].map(|nth| line + nth));
    let boxed = || Box::pin(silent()) as Pin<Box<dyn Future<Output = _>>>;
    assert_eq!(waits_at(async { drop(boxed().await) }), line - 1);
    let text = panic_of(|| Sim::new().run(async { drop(spawn(silent()).await) }));
    let at = format!("waits for a task to end at {}:{}:", file!(), line - 1);
    assert!(text.contains(&at), "{text}");
}

#[test]
fn a_deadlock_is_detected_in_a_real_run_that_asks_for_it() {
    let executor = Executor::builder().detect_deadlock().build().unwrap();
    let handle = executor.spawn(pending::<()>());
    let text = panic_of(|| executor.run(handle));
    assert!(text.starts_with("deadlock: "), "{text}");
    assert!(
        without_places(&text).contains("task \"main\" (spawned at here) waits for a task to end"),
        "{text}"
    );
    // Nothing is broken: the executor goes on.
    assert_eq!(executor.run(async { 1 }), 1);
}

#[test]
fn who_waits_for_the_world_outside_is_not_in_a_deadlock() {
    let executor = Executor::builder().detect_deadlock().build().unwrap();
    // A waker that somebody else has: it may come at any time.
    let mut is_first = true;
    executor.run(poll_fn(|cx| {
        if !std::mem::take(&mut is_first) {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        thread::spawn(move || waker.wake());
        Poll::Pending
    }));
    // A thread that unparks.
    executor.run(async {
        let task = current();
        thread::spawn(move || task.unpark());
        park().await;
    });
    // A descriptor.
    executor.run(async {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let ours = AsyncFd::new(ours).unwrap();
        let writer = thread::spawn(move || (&theirs).write_all(b"x").unwrap());
        let read = ours.read_with(|mut stream| stream.read(&mut [0]));
        assert_eq!(read.await.unwrap(), 1);
        writer.join().unwrap();
    });
    // A remote.
    let (woken, remote) = (executor.spawn(park()), executor.remote());
    let task = woken.task();
    let thread = thread::spawn(move || {
        let unparked = remote.spawn(move || async move { task.unpark() });
        unparked.unwrap();
    });
    executor.run(woken).unwrap();
    thread.join().unwrap();
}

#[test]
fn a_panic_is_joined() {
    bibelot::run(async {
        let error = spawn(async { panic!("with a {}", std::hint::black_box("text")) }).await;
        let error = error.unwrap_err();
        assert!(error.is_panic() && !error.is_cancelled());
        let JoinError::Panicked(panicked) = &error else {
            panic!("{error:?}");
        };
        assert_eq!(panicked.message(), Some("with a text"));
        assert_eq!(
            *error.into_panic().downcast::<String>().unwrap(),
            "with a text"
        );

        let error = spawn(async { panic_any(42) }).await.unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with(" panicked: a value that is no text")
        );
        assert_eq!(*error.into_panic().downcast::<i32>().unwrap(), 42);
    });
}

#[test]
fn into_panic_of_a_cancelled_task_says_what_to_do() {
    bibelot::run(async {
        let handle = named("fetch", pending::<()>());
        handle.cancel();
        let (here, spawned, line) = (file!(), line!() - 2, line!() - 1);
        let error = handle.await.unwrap_err();
        let expected = format!(
            "the task did not panic: task \"fetch\" (spawned at {here}:{spawned}:22) \
             was cancelled at {here}:{line}:16; ask is_panic() first"
        );
        assert_eq!(panic_of(|| error.into_panic()), expected);
    });
}

#[test]
fn a_panic_that_nobody_joins_is_reported_with_name_and_place() {
    let (trace, executor) = reporting();
    executor.run(async {
        drop(named("fetch", async { panic!("no route") }));
        let (here, line) = (file!(), line!() - 1);
        drop(spawn(async { panic!("nameless") }));
        yield_now().await;
        let (first, second) = (line, line + 2);
        let expected = [
            format!("task \"fetch\" (spawned at {here}:{first}:14) panicked: no route"),
            format!("task 3 (spawned at {here}:{second}:14) panicked: nameless"),
        ];
        assert_eq!(trace.take(), expected);

        let handle = named("late", async { panic!("too late") });
        yield_now().await;
        assert!(trace.take().is_empty(), "it may still be joined");
        drop(handle);
        let line = line!() - 4;
        let expected = format!("task \"late\" (spawned at {here}:{line}:22) panicked: too late");
        assert_eq!(trace.take(), [expected]);

        let joined = named("joined", async { panic!("seen") });
        let error = joined.await;
        drop(error);
        assert!(trace.take().is_empty(), "it was joined");
    });
}

#[test]
fn the_report_of_a_panic_carries_its_message() {
    let messages = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&messages);
    let builder = Executor::builder().on_report(move |report| {
        if let Report::Panicked(panicked) = report {
            seen.borrow_mut().push(panicked.message().map(String::from));
        }
    });
    builder.build().unwrap().run(async {
        drop(spawn(async { panic!("a text") }));
        drop(spawn(async { panic_any(0) }));
        yield_now().await;
    });
    assert_eq!(messages.take(), [Some(String::from("a text")), None]);
}

#[test]
fn a_report_hook_that_panics_harms_nobody() {
    let builder = Executor::builder().on_report(|_| panic!("the hook's own"));
    let executor = builder.build().unwrap();
    executor.run(async {
        drop(spawn(async { panic!("on purpose") }));
        yield_now().await;
        assert_eq!(spawn(async { 1 }).await.unwrap(), 1);
    });
    assert_eq!(executor.stats().tasks, 0);
}

/// A value whose destructor panics.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

/// Ends with `output`, and holds a value to be dropped after that.
struct Ends<T, G>(Option<T>, G);

impl<T, G> Unpin for Ends<T, G> {}

impl<T, G> Future for Ends<T, G> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        Poll::Ready(self.0.take().expect("polled once"))
    }
}

#[test]
fn a_panic_in_the_destructor_of_a_future_makes_its_task_panicked() {
    let (trace, executor) = reporting();
    executor.run(async {
        // The future ends with a value, and its remains panic: the value is dropped, once.
        let value = trace.on_drop("value dropped");
        let error = spawn(Ends(Some(value), Bomb("remains"))).await.map(|_| ());
        assert!(
            error
                .unwrap_err()
                .to_string()
                .ends_with("panicked: remains")
        );
        assert_eq!(trace.take(), ["value dropped"]);

        // The value's own destructor panics as well: the first panic is the one told.
        let error = spawn(Ends(Some(Bomb("value")), Bomb("remains"))).await;
        let error = error.map(std::mem::forget).unwrap_err();
        assert!(error.to_string().ends_with("panicked: remains"));

        // The poll panics, and what is left panics when it is dropped.
        let future = Ends::<(), _>(None, Bomb("remains"));
        let error = spawn(future).await.unwrap_err();
        assert!(error.to_string().ends_with("panicked: polled once"));
    });
    assert!(trace.take().is_empty());
}

#[test]
fn a_panic_in_the_destructor_of_an_output_that_nobody_wants_is_reported() {
    let (trace, executor) = reporting();
    executor.run(async {
        drop(named("detached", async { Bomb("unwanted") }));
        yield_now().await;
        let only = |name| format!("task {name:?} (spawned at here) panicked: unwanted");
        assert_eq!(without_places(&trace.take().join("\n")), only("detached"));
        let handle = named("late", async { Bomb("unwanted") });
        yield_now().await;
        drop(handle);
        assert_eq!(without_places(&trace.take().join("\n")), only("late"));
        // It is still a task like any other: nothing is left of it.
        assert_eq!(executor.stats().tasks, 1);
    });
}

/// A panic carries a value, whose destructor may panic when the report is done with it.
#[test]
fn a_panic_whose_payload_panics_when_dropped_harms_nobody() {
    let (trace, executor) = reporting();
    executor.run(async {
        drop(named("a", async { panic_any(Bomb("payload")) }));
        yield_now().await;
        let handle = named("b", async { panic_any(Bomb("payload")) });
        yield_now().await;
        drop(handle);
        let handle = named("c", async { on_drop(|| panic_any(Bomb("payload"))) });
        yield_now().await;
        drop(handle);
        assert_eq!(executor.stats().tasks, 1);
    });
    let expected = ["a", "b", "c"]
        .map(|name| format!("task {name:?} (spawned at here) panicked: a value that is no text"));
    let lines = trace.take();
    let lines: Vec<_> = lines.iter().map(|line| without_places(line)).collect();
    assert_eq!(lines, expected);
}

#[test]
fn a_hook_whose_panic_panics_when_dropped_harms_nobody() {
    let builder = Executor::builder().on_report(|_| panic_any(Bomb("payload")));
    let executor = builder.build().unwrap();
    executor.run(async {
        drop(spawn(async { panic!("on purpose") }));
        yield_now().await;
        assert_eq!(spawn(async { 1 }).await.unwrap(), 1);
    });
    assert_eq!(executor.stats().tasks, 0);
}

#[test]
fn a_task_knows_its_name_number_parent_and_place() {
    let executor = Executor::new().unwrap();
    let orphan = executor.spawn(async { current() });
    executor.run(async {
        let main = current();
        assert_eq!((main.name(), main.parent()), (Some("main"), None));
        let line = line!() + 1;
        let handle = named("fetch", async { current() });
        let task = handle.task();
        assert_eq!(task.name(), Some("fetch"));
        assert_eq!(task.parent(), Some(main.id()));
        assert!(task.id() > main.id());
        let place = task.spawned_at();
        assert_eq!((place.file(), place.line()), (file!(), line));
        // The handle, the task itself and its joiner speak of the same.
        assert_eq!(handle.await.unwrap().id(), task.id());
        assert_eq!(spawn(async {}).task().name(), None);
    });
    assert_eq!(executor.run(orphan).unwrap().parent(), None);
}

#[test]
fn try_current_is_the_running_task_in_polls_and_destructors() {
    let trace = Trace::new();
    let said = trace.clone();
    let tell = move |what: &str| {
        let name = try_current().and_then(|task| task.name().map(String::from));
        said.say(format!("{what}: {}", name.as_deref().unwrap_or("nobody")));
    };
    tell("outside");
    let guard = |what: &'static str| {
        let tell = tell.clone();
        on_drop(move || tell(what))
    };
    bibelot::run(async {
        tell("main");
        let (local, output) = (guard("local"), guard("unwanted output"));
        drop(named("detached", async move {
            let _local = local;
            output
        }));
        yield_now().await;
        let output = guard("output dropped with its handle");
        let handle = named("joined", async move { output });
        yield_now().await;
        drop(handle);
    });
    tell("outside");
    let expected = [
        "outside: nobody",
        "main: main",
        "local: detached",
        "unwanted output: detached",
        "output dropped with its handle: main",
        "outside: nobody",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_destructor_of_main_itself_runs_as_main() {
    /// A future by hand, which keeps its fields to the end.
    struct ByHand<G>(G);
    impl<G> Future for ByHand<G> {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }
    let trace = Trace::new();
    let guard = on_drop(|| trace.say(current().name().unwrap()));
    bibelot::run(ByHand(guard));
    assert_eq!(trace.take(), ["main"]);
}

#[test]
fn main_is_dropped_as_the_current_task_when_a_deadlock_ends_the_run() {
    let trace = Trace::new();
    let executor = Executor::builder().detect_deadlock().build().unwrap();
    let text = panic_of(|| {
        executor.run(async {
            let _guard = on_drop(|| trace.say(current().name().unwrap()));
            pending::<()>().await;
        })
    });
    assert!(text.starts_with("deadlock"), "{text}");
    assert_eq!(trace.take(), ["main"]);
    assert_eq!(executor.stats().tasks, 0);
}

#[test]
fn a_destructor_of_main_that_panics_is_a_panic_of_run() {
    let executor = Executor::new().unwrap();
    let value = Trace::new();
    let run = || {
        executor.run(Ends(
            Some(value.on_drop("value dropped")),
            Bomb("main's remains"),
        ))
    };
    assert_eq!(panic_of(run), "main's remains");
    assert_eq!(value.take(), ["value dropped"]);
    assert_eq!(executor.run(async { 1 }), 1);
    let run = || executor.run(Ends(Some(Bomb("value")), Bomb("remains")));
    assert_eq!(panic_of(|| std::mem::forget(run())), "remains");
    // The poll panics first: that is what is told.
    let run = || executor.run(Ends::<(), _>(None, Bomb("main's remains")));
    assert_eq!(panic_of(run), "polled once");
    assert_eq!(executor.stats().tasks, 0);
}

#[test]
fn unpark_before_park_lets_it_return_once() {
    let trace = Trace::new();
    let said = trace.clone();
    let text = panic_of(|| {
        let executor = Executor::builder().detect_deadlock().build().unwrap();
        executor.run(async {
            current().unpark();
            current().unpark();
            park().await;
            said.say("once");
            // Twice unparked is once, as with std's threads: the next one waits.
            let again = timeout(Duration::from_millis(1), park()).await;
            said.say(format!("{}", again.is_err()));
            panic!("end");
        })
    });
    assert_eq!(text, "end");
    assert_eq!(trace.take(), ["once", "true"]);
}

#[test]
fn a_park_that_was_given_up_leaves_its_unpark_to_the_next() {
    bibelot::run(async {
        let given_up = timeout(Duration::from_millis(1), park()).await;
        assert!(given_up.is_err());
        current().unpark();
        park().await;
    });
}

#[test]
fn unpark_comes_from_tasks_and_threads_and_after_the_end() {
    bibelot::run(async {
        let handle = spawn(async {
            park().await;
            park().await;
        });
        let task = handle.task();
        yield_now().await;
        task.unpark();
        yield_now().await;
        let elsewhere = task.clone();
        thread::spawn(move || elsewhere.unpark()).join().unwrap();
        handle.await.unwrap();
        task.unpark();
        thread::spawn(move || task.unpark()).join().unwrap();
    });
}

/// What is written before the unpark is seen after the park.
#[test]
fn unpark_publishes_what_was_done_before() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static DATA: AtomicUsize = AtomicUsize::new(0);
    bibelot::run(async {
        for round in 1..1000 {
            let task = current();
            let thread = thread::spawn(move || {
                DATA.store(round, Ordering::Relaxed);
                task.unpark();
            });
            park().await;
            assert_eq!(DATA.load(Ordering::Relaxed), round);
            thread.join().unwrap();
        }
    });
}

/// 300 bytes are there, and are read one at a time without ever having to wait: after 128 of them
/// the task gives way.
#[test]
fn a_task_gives_way_after_128_ready_operations() {
    let said = said_by(async |said| {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let ours = AsyncFd::new(ours).unwrap();
        theirs.write_all(&[0; 300]).unwrap();
        let read = Rc::new(Cell::new(0));
        let counted = Rc::clone(&read);
        spawn(async move {
            for _ in 0..300 {
                let one = ours.read_with(|mut stream| stream.read(&mut [0]));
                assert_eq!(one.await.unwrap(), 1);
                counted.set(counted.get() + 1);
            }
        });
        for _ in 0..4 {
            yield_now().await;
            said.say(format!("{}", read.get()));
        }
    });
    assert_eq!(said, ["128", "256", "300", "300"]);
}

#[test]
fn a_slow_poll_is_reported_with_name_and_place() {
    const LIMIT: Duration = Duration::from_millis(2);
    let spin = || {
        let start = Instant::now();
        while start.elapsed() <= LIMIT {
            std::hint::spin_loop();
        }
    };
    let slow = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&slow);
    let builder = Executor::builder()
        .slow_poll(LIMIT)
        .on_report(move |report| {
            if let Report::SlowPoll(poll) = report {
                assert!(poll.took() > LIMIT);
                let place = poll.spawned_at();
                assert!(poll.task().ends_with(&format!(" (spawned at {place})")));
                let line = poll.waits_at().map(std::panic::Location::line);
                let text = format!("{poll}").replace(&format!("{:?}", poll.took()), "long");
                seen.borrow_mut().push((place.line(), line, text));
            }
        });
    builder.build().unwrap().run(async move {
        let hog = named("hog", async move {
            spin();
            yield_now().await;
            spin();
        });
        let (spawned, waits, here) = (line!() - 5, line!() - 3, file!());
        hog.await.unwrap();
        let hog = format!("task \"hog\" (spawned at {here}:{spawned}:19) held the thread for long");
        let until = format!("{hog}, until it came to wait for its turn at {here}:{waits}:13");
        let expected = [(spawned, Some(waits), until), (spawned, None, hog)];
        // A machine that is busy with other things may be slow at more than these.
        for wanted in expected {
            assert!(slow.borrow().contains(&wanted), "{:?}", slow.borrow());
        }
    });
}

#[test]
fn without_a_limit_and_with_the_longest_no_poll_is_slow() {
    for limit in [None, Some(Duration::MAX)] {
        let trace = Trace::new();
        let builder = reporting_to(&trace);
        let builder = match limit {
            Some(limit) => builder.slow_poll(limit),
            None => builder,
        };
        builder.build().unwrap().run(async {
            let start = Instant::now();
            while start.elapsed() < Duration::from_millis(2) {
                std::hint::spin_loop();
            }
        });
        assert!(trace.take().is_empty());
    }
}
