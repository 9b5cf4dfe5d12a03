//! What an executor promises as a guest in another loop: turns, its descriptor, its deadline, and the
//! ways in from other threads.

mod support;

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Poll, Waker};
use std::thread;

use bibelot::task::{current, yield_now};
use bibelot::thread::park;
use bibelot::time::{Duration, Instant, sleep, timeout};
use bibelot::{Executor, ExecutorEnded, spawn};

use support::{Trace, on_drop, reporting_to};

/// Runs `f` on another thread, to its end.
fn elsewhere<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    thread::spawn(f).join().unwrap()
}

/// A task that keeps its waker in a place and ends when it is polled again.
fn leave_waker(executor: &Executor) -> Rc<RefCell<Option<Waker>>> {
    let place = Rc::new(RefCell::new(None));
    let left = Rc::clone(&place);
    let mut is_first = true;
    drop(executor.spawn(poll_fn(move |cx| {
        *left.borrow_mut() = Some(cx.waker().clone());
        if std::mem::take(&mut is_first) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })));
    place
}

/// Counts how often the executor asked for a turn.
fn count_wakes(executor: &Executor) -> Arc<AtomicUsize> {
    let wakes = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&wakes);
    executor.on_wake(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    wakes
}

#[test]
fn a_turn_of_no_time_does_not_wait() {
    let executor = Executor::new().unwrap();
    let handle = executor.spawn(pending::<()>());
    for _ in 0..3 {
        executor.turn(Some(Duration::ZERO));
    }
    assert!(!handle.is_finished());
    assert_eq!(executor.stats().polls, 1);
}

#[test]
fn a_turn_waits_no_longer_than_told() {
    let executor = Executor::new().unwrap();
    drop(executor.spawn(sleep(Duration::from_secs(3600))));
    executor.turn(Some(Duration::ZERO));
    let start = Instant::now();
    executor.turn(Some(Duration::from_millis(2)));
    assert!(start.elapsed() >= Duration::from_millis(2));
    assert!(start.elapsed() < Duration::from_secs(3600));
}

#[test]
fn a_turn_waits_for_a_deadline_and_polls_whom_it_wakes() {
    let executor = Executor::new().unwrap();
    let handle = executor.spawn(sleep(Duration::from_millis(1)));
    executor.turn(Some(Duration::ZERO));
    executor.turn(None);
    assert!(handle.is_finished());
}

/// The wake ends the sleep, and the turn that slept polls the task: not only the next one.
#[test]
fn a_turn_waits_for_a_thread_and_polls_whom_it_wakes() {
    for _ in 0..100 {
        let executor = Executor::new().unwrap();
        let handle = executor.spawn(park());
        let task = handle.task();
        executor.turn(Some(Duration::ZERO));
        let waker = thread::spawn(move || task.unpark());
        executor.turn(None);
        assert!(handle.is_finished());
        waker.join().unwrap();
    }
}

#[test]
fn the_next_deadline_says_when_a_turn_is_wanted() {
    let executor = Executor::new().unwrap();
    assert_eq!(executor.next_deadline(), None, "nothing to do");

    let before = Instant::now();
    let handle = executor.spawn(sleep(Duration::from_secs(10)));
    let now = executor.next_deadline().expect("a task is ready");
    assert!(before <= now && now <= Instant::now());

    executor.turn(Some(Duration::ZERO));
    let deadline = executor.next_deadline().expect("a deadline is set");
    assert!(before + Duration::from_secs(10) <= deadline);
    assert!(deadline <= Instant::now() + Duration::from_secs(10));

    let task = handle.task();
    elsewhere(move || task.unpark());
    assert!(executor.next_deadline().expect("a wake came") <= Instant::now());
    executor.turn(Some(Duration::ZERO));

    handle.cancel();
    executor.turn(Some(Duration::ZERO));
    assert_eq!(
        executor.next_deadline(),
        None,
        "the deadline was taken back"
    );

    drop(executor.spawn(sleep(Duration::MAX)));
    executor.turn(Some(Duration::ZERO));
    assert_eq!(
        executor.next_deadline(),
        None,
        "a deadline that never comes is none"
    );
}

#[test]
fn the_next_deadline_has_the_slack_in_it() {
    let slack = Duration::from_secs(5);
    let executor = Executor::builder().timer_slack(slack).build().unwrap();
    let start = Instant::now();
    drop(executor.spawn(sleep(Duration::from_secs(10))));
    executor.turn(Some(Duration::ZERO));
    let deadline = executor.next_deadline().expect("a deadline is set");
    assert!(deadline >= start + Duration::from_secs(15));
}

#[test]
fn on_wake_is_called_once_per_sleep_from_the_thread_that_wakes() {
    let executor = Executor::new().unwrap();
    let place = leave_waker(&executor);
    let (told, by) = mpsc::channel();
    executor.on_wake(move || told.send(thread::current().id()).unwrap());
    executor.turn(Some(Duration::ZERO));
    assert!(by.try_recv().is_err(), "nobody has woken anybody");

    let waker = place.borrow().clone().unwrap();
    let thread = elsewhere(move || {
        for _ in 0..100 {
            waker.wake_by_ref();
        }
        thread::current().id()
    });
    assert_eq!(by.try_recv(), Ok(thread));
    assert!(by.try_recv().is_err(), "once is enough");

    executor.turn(Some(Duration::ZERO));
    assert_eq!(executor.stats().tasks, 0);
    assert!(by.try_recv().is_err());
    drop(executor.spawn(async {}));
    assert_eq!(by.try_recv(), Ok(thread::current().id()), "the next sleep");
}

#[test]
fn a_turn_that_leaves_work_asks_for_the_next() {
    let executor = Executor::new().unwrap();
    let wakes = count_wakes(&executor);
    drop(executor.spawn(async {
        yield_now().await;
        yield_now().await;
    }));
    let spawned = wakes.load(Ordering::Relaxed);
    for expected in [1, 2, 2, 2] {
        executor.turn(Some(Duration::ZERO));
        assert_eq!(wakes.load(Ordering::Relaxed) - spawned, expected);
    }
}

/// A host may wait for its executor before it gives it the first turn.
#[test]
fn an_executor_counts_as_asleep_before_its_first_turn() {
    let executor = Executor::new().unwrap();
    let wakes = count_wakes(&executor);
    let remote = executor.remote();
    elsewhere(move || remote.spawn(|| async {})).unwrap();
    assert_eq!(wakes.load(Ordering::Relaxed), 1);

    let executor = Executor::new().unwrap();
    let wakes = count_wakes(&executor);
    drop(executor.spawn(async {}));
    assert_eq!(wakes.load(Ordering::Relaxed), 1);
}

#[test]
fn an_executor_counts_as_asleep_after_a_run() {
    let executor = Executor::new().unwrap();
    let wakes = count_wakes(&executor);
    let handle = executor.spawn(park());
    let task = handle.task();
    executor.run(yield_now());
    let before = wakes.load(Ordering::Relaxed);
    elsewhere(move || task.unpark());
    assert_eq!(wakes.load(Ordering::Relaxed), before + 1);
    executor.turn(Some(Duration::ZERO));
    assert!(handle.is_finished());
}

#[test]
fn an_executor_that_runs_is_not_rung_for() {
    let executor = Executor::new().unwrap();
    let wakes = count_wakes(&executor);
    executor.run(async {
        let handle = spawn(park());
        yield_now().await;
        let task = handle.task();
        elsewhere(move || task.unpark());
        handle.await.unwrap();
    });
    assert_eq!(wakes.load(Ordering::Relaxed), 0);
}

/// A hook that is replaced is dropped, and its destructor is user code: here it wakes a task.
#[test]
fn a_replaced_on_wake_may_wake_when_it_is_dropped() {
    /// Wakes when dropped.
    struct WakesAtLast(Waker);
    impl Drop for WakesAtLast {
        fn drop(&mut self) {
            self.0.wake_by_ref();
        }
    }
    let executor = Executor::new().unwrap();
    let place = leave_waker(&executor);
    executor.turn(Some(Duration::ZERO));
    let guard = WakesAtLast(place.take().unwrap());
    executor.on_wake(move || {
        let _guard = &guard;
    });
    let wakes = count_wakes(&executor);
    assert_eq!(wakes.load(Ordering::Relaxed), 1);
    executor.turn(Some(Duration::ZERO));
    assert_eq!(executor.stats().tasks, 0);
}

/// It is called in the midst of somebody else's business, which goes on.
#[test]
fn a_panic_of_on_wake_is_not_that_of_who_wakes() {
    let executor = Executor::new().unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    executor.on_wake(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        panic!("the host, on purpose");
    });
    let assert_calls = |expected| assert_eq!(calls.swap(0, Ordering::Relaxed), expected);
    // Who spawns.
    let place = leave_waker(&executor);
    assert_calls(1);
    executor.turn(Some(Duration::ZERO));
    // Another thread.
    let waker = place.take().unwrap();
    elsewhere(move || waker.wake());
    assert_calls(1);
    // The turn itself, which leaves work.
    let handle = executor.spawn(yield_now());
    executor.turn(Some(Duration::ZERO));
    assert_calls(1);
    executor.turn(Some(Duration::ZERO));
    assert!(handle.is_finished());
    // A thread that unwinds, and would not bear another panic.
    let remote = executor.remote();
    let thread = thread::spawn(move || {
        let _last = remote;
        panic!("the thread, on purpose");
    });
    assert!(thread.join().is_err());
    assert_calls(1);
    assert_eq!(executor.stats().tasks, 0);
}

#[test]
fn remotes_spawn_from_many_threads() {
    let executor = Executor::new().unwrap();
    let done = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (remote, done) = (executor.remote(), Arc::clone(&done));
            thread::spawn(move || {
                for _ in 0..100 {
                    let done = Arc::clone(&done);
                    let spawned = remote.clone().spawn(move || async move {
                        // Not Send, and made here.
                        let shared = Rc::new(Cell::new(1));
                        yield_now().await;
                        done.fetch_add(shared.get(), Ordering::Relaxed);
                    });
                    spawned.unwrap();
                }
            })
        })
        .collect();
    while done.load(Ordering::Relaxed) < 400 {
        executor.turn(None);
    }
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(executor.stats().spawned, 400);
}

#[test]
fn a_remote_spawns_on_the_executors_thread_in_the_name_of_its_caller() {
    let executor = Executor::new().unwrap();
    let (told, heard) = mpsc::channel();
    let remote = executor.remote();
    let line = elsewhere(move || {
        let spawned = remote.spawn(move || {
            let made_on = thread::current().id();
            async move { told.send((made_on, current())).unwrap() }
        });
        spawned.unwrap();
        line!() - 5
    });
    executor
        .run(async { timeout(Duration::from_secs(20), yield_now()).await })
        .unwrap();
    executor.turn(Some(Duration::ZERO));
    let (made_on, task) = heard.recv().unwrap();
    assert_eq!(made_on, thread::current().id());
    assert_eq!((task.parent(), task.spawned_at().line()), (None, line));
    assert_eq!(task.spawned_at().file(), file!());
}

#[test]
fn a_panic_of_what_a_remote_spawns_is_reported() {
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    let remote = executor.remote();
    elsewhere(move || {
        let make = || {
            assert!(std::hint::black_box(false), "in the closure");
            async {}
        };
        remote.spawn(make).unwrap();
        remote.spawn(|| async { panic!("in the future") }).unwrap();
    });
    executor.turn(Some(Duration::ZERO));
    let lines = trace.take();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].ends_with("panicked: in the closure"), "{lines:?}");
    assert!(lines[1].ends_with("panicked: in the future"), "{lines:?}");
}

#[test]
fn a_remote_of_an_executor_that_has_ended_gives_the_closure_back_to_be_dropped() {
    let executor = Executor::new().unwrap();
    let remote = executor.remote();
    executor.shutdown();
    let dropped = Arc::new(AtomicUsize::new(0));
    let counted = |counter: &Arc<AtomicUsize>| {
        let counter = Arc::clone(counter);
        on_drop(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        })
    };
    let guard = counted(&dropped);
    let make = move || {
        drop(guard);
        async {}
    };
    assert_eq!(remote.spawn(make), Err(ExecutorEnded));
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    drop(executor);
    let guard = counted(&dropped);
    let result = elsewhere(move || {
        remote.spawn(move || {
            drop(guard);
            async {}
        })
    });
    assert_eq!(result, Err(ExecutorEnded));
    assert_eq!(dropped.load(Ordering::Relaxed), 2);
    let text = "spawning in an executor that has ended";
    assert_eq!(ExecutorEnded.to_string(), text);
}

#[test]
fn a_call_that_was_accepted_is_dropped_by_a_shutdown_on_the_executors_thread() {
    let home = thread::current().id();
    let executor = Executor::new().unwrap();
    let remote = executor.remote();
    let (told, heard) = mpsc::channel();
    elsewhere(move || {
        let guard = on_drop(move || told.send(thread::current().id()).unwrap());
        let make = move || {
            drop(guard);
            async {}
        };
        remote.spawn(make).unwrap();
    });
    assert!(heard.try_recv().is_err());
    executor.shutdown();
    assert_eq!(heard.try_recv(), Ok(home));
}

/// The destructor of a closure that is never called panics: the tasks are dropped all the same.
#[test]
fn a_call_whose_destructor_panics_does_not_stop_a_shutdown() {
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    let guard = trace.on_drop("task dropped");
    let handle = executor.spawn(async move {
        let _guard = guard;
        sleep(Duration::from_secs(3600)).await;
    });
    executor.turn(Some(Duration::ZERO));
    let remote = executor.remote();
    for _ in 0..2 {
        let bomb = on_drop(|| panic!("bomb"));
        let make = move || {
            drop(bomb);
            async {}
        };
        remote.spawn(make).unwrap();
    }
    executor.shutdown();
    assert!(handle.is_finished());
    let expected = [
        "a call that was never made panicked: bomb",
        "a call that was never made panicked: bomb",
        "task dropped",
    ];
    assert_eq!(trace.take(), expected);
}

/// The loop of a host that waits for the descriptor.
#[cfg(not(polling_test_poll_backend))]
mod descriptor {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use bibelot::io::AsyncFd;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    /// Waits until the executor's descriptor is readable (true) or the time is up.
    fn is_readable(executor: &Executor, timeout: Option<Duration>) -> bool {
        let fd = executor.as_fd();
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: timeout.as_secs() as i64,
            tv_nsec: timeout.subsec_nanos().into(),
        });
        poll(&mut [PollFd::new(&fd, PollFlags::IN)], timeout.as_ref()).unwrap() > 0
    }

    /// Drives the executor until `is_done`; returns how many turns it took.
    fn host(executor: &Executor, mut is_done: impl FnMut() -> bool) -> usize {
        let mut turns = 0;
        while !is_done() {
            let now = Instant::now();
            let limit = executor.next_deadline().map(|deadline| deadline - now);
            // Twenty seconds without anything is a wake that was lost.
            let patience = Duration::from_secs(20);
            let is_readable = is_readable(executor, Some(limit.unwrap_or(patience)));
            assert!(
                is_readable || limit.is_some(),
                "the descriptor says nothing"
            );
            executor.turn(Some(Duration::ZERO));
            turns += 1;
        }
        turns
    }

    #[test]
    fn a_host_drives_an_executor_by_its_descriptor_and_deadline() {
        let executor = Executor::new().unwrap();
        let trace = Trace::new();
        let said = trace.clone();
        let handle = executor.spawn(async move {
            sleep(Duration::from_millis(2)).await;
            said.say("slept");
            let (ours, theirs) = UnixStream::pair().unwrap();
            let ours = AsyncFd::new(ours).unwrap();
            let writer = thread::spawn(move || (&theirs).write_all(b"x").unwrap());
            let read = ours.read_with(|mut stream| stream.read(&mut [0]));
            assert_eq!(read.await.unwrap(), 1);
            said.say("read");
            writer.join().unwrap();
            let task = current();
            let unparker = thread::spawn(move || task.unpark());
            park().await;
            said.say("unparked");
            unparker.join().unwrap();
            spawn(yield_now()).await.unwrap();
            said.say("joined");
        });
        let turns = host(&executor, || handle.is_finished());
        assert_eq!(trace.take(), ["slept", "read", "unparked", "joined"]);
        assert!(turns < 40, "{turns} turns: the host spins");
    }

    #[test]
    fn the_descriptor_is_readable_from_a_wake_to_the_turn() {
        let executor = Executor::new().unwrap();
        let place = leave_waker(&executor);
        executor.turn(Some(Duration::ZERO));
        executor.turn(Some(Duration::ZERO));
        assert!(!is_readable(&executor, Some(Duration::ZERO)));

        let waker = place.borrow().clone().unwrap();
        elsewhere(move || waker.wake());
        assert!(is_readable(&executor, Some(Duration::ZERO)));
        assert!(
            is_readable(&executor, Some(Duration::ZERO)),
            "looking takes nothing"
        );

        executor.turn(Some(Duration::ZERO));
        assert_eq!(executor.stats().tasks, 0);
        executor.turn(Some(Duration::ZERO));
        assert!(!is_readable(&executor, Some(Duration::ZERO)));
    }

    #[test]
    fn the_descriptor_is_readable_for_every_way_in() {
        let executor = Executor::new().unwrap();
        let settle = || {
            for _ in 0..3 {
                executor.turn(Some(Duration::ZERO));
            }
            assert!(!is_readable(&executor, Some(Duration::ZERO)));
        };
        let check = |what: &str| {
            assert!(is_readable(&executor, Some(Duration::ZERO)), "{what}");
            settle();
        };
        // Before the first turn.
        let remote = executor.remote();
        elsewhere(move || remote.spawn(|| async {})).unwrap();
        check("a remote");

        drop(executor.spawn(async {}));
        check("a spawn");

        let handle = executor.spawn(pending::<()>());
        settle();
        handle.task().unpark();
        check("an unpark by the host's own thread");
        handle.cancel();
        check("a cancel by the host's own thread");
        assert!(handle.is_finished());

        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let ours = AsyncFd::new(ours).unwrap();
        let read =
            executor.spawn(async move { ours.read_with(|mut stream| stream.read(&mut [0])).await });
        settle();
        theirs.write_all(b"x").unwrap();
        check("a descriptor of a task");
        assert!(read.is_finished());

        drop(executor.spawn(async {
            loop {
                yield_now().await;
            }
        }));
        executor.turn(Some(Duration::ZERO));
        assert!(is_readable(&executor, Some(Duration::ZERO)), "work is left");
    }
}

// The longest of everything.

#[test]
fn a_turn_of_the_longest_timeout_waits_until_something_is_there() {
    let executor = Executor::new().unwrap();
    let sleeper = executor.spawn(sleep(Duration::from_micros(1)));
    executor.turn(Some(Duration::ZERO));
    while !sleeper.is_finished() {
        executor.turn(Some(Duration::MAX));
    }
    let parked = executor.spawn(park());
    executor.turn(Some(Duration::ZERO));
    let task = parked.task();
    let waker = thread::spawn(move || task.unpark());
    while !parked.is_finished() {
        executor.turn(Some(Duration::MAX));
    }
    waker.join().unwrap();
}

#[test]
fn the_longest_slack_asks_for_no_turn_and_any_turn_fires_what_is_due() {
    let builder = Executor::builder().timer_slack(Duration::MAX);
    let executor = builder.build().unwrap();
    let sleeper = executor.spawn(sleep(Duration::from_nanos(1)));
    executor.turn(Some(Duration::ZERO));
    assert_eq!(executor.next_deadline(), None);
    while !sleeper.is_finished() {
        executor.turn(Some(Duration::ZERO));
    }
}
