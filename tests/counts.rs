//! What things cost, in numbers that are the same on every machine: allocations, polls, and nothing
//! left behind. Each thread counts its own allocations, so that the tests do not see each other's.

#![cfg(feature = "sync")]
#![expect(unsafe_code, reason = "a global allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::{pending, poll_fn, ready};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::thread;

use bibelot::sync::{
    Barrier, CapacityLimiter, Condvar, Event, Mutex, OnceLock, Queue, RwLock, Semaphore, broadcast,
    mpsc, oneshot, watch,
};
use bibelot::task::{
    Builder, CancelScope, JoinHandle, Local, TaskGroup, current, finally, join, race, shield,
    yield_now,
};
use bibelot::thread::park;
use bibelot::time::{Duration, sleep, timeout};
use bibelot::{Executor, spawn};

/// Counts, and passes on to the system's.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static ALIVE: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: it is the system's allocator, with two counters beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        ALIVE.set(ALIVE.get() + 1);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        ALIVE.set(ALIVE.get() - 1);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many allocations the second of two calls makes: the first may grow the tables.
async fn allocations<F: AsyncFnMut()>(mut f: F) -> usize {
    f().await;
    let before = ALLOCATIONS.get();
    f().await;
    ALLOCATIONS.get() - before
}

#[test]
fn a_task_is_one_allocation() {
    bibelot::run(async {
        const TASKS: usize = 100;
        let mut handles: Vec<JoinHandle<usize>> = Vec::with_capacity(TASKS);
        let counted = allocations(async || {
            for nth in 0..TASKS {
                handles.push(spawn(async move {
                    yield_now().await;
                    nth
                }));
            }
            for (nth, handle) in handles.drain(..).enumerate() {
                assert_eq!(handle.await.unwrap(), nth);
            }
        });
        // One for future and output, joined or not; in a release build it is a cell that was kept.
        let expected = if cfg!(debug_assertions) { TASKS } else { 0 };
        assert_eq!(counted.await, expected);
    });
}

#[test]
fn a_wake_a_yield_a_sleep_and_a_timeout_are_no_allocation() {
    bibelot::run(async {
        let counted = allocations(async || {
            for _ in 0..100 {
                yield_now().await;
            }
        });
        assert_eq!(counted.await, 0, "yields");

        let counted = allocations(async || sleep(Duration::from_nanos(1)).await);
        assert_eq!(counted.await, 0, "a sleep");

        let counted = allocations(async || {
            for _ in 0..100 {
                timeout(Duration::from_secs(1), yield_now()).await.unwrap();
            }
        });
        assert_eq!(counted.await, 0, "timeouts");

        let counted = allocations(async || {
            for n in 0..100 {
                assert_eq!(timeout(Duration::from_secs(1), ready(n)).await, Ok(n));
            }
        });
        assert_eq!(counted.await, 0, "timeouts of what is ready");

        let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
        let counted = allocations(async || {
            for _ in 0..100 {
                let copy = waker.clone();
                copy.wake_by_ref();
                drop(copy);
            }
        });
        assert_eq!(counted.await, 0, "wakers cloned, woken and dropped");

        let task = current();
        let counted = allocations(async || {
            for _ in 0..100 {
                task.unpark();
                park().await;
            }
        });
        assert_eq!(counted.await, 0, "unparks");
    });
}

#[test]
fn a_member_of_a_group_is_one_allocation() {
    bibelot::run(async {
        const MEMBERS: usize = 100;
        let mut group = TaskGroup::<usize, Infallible>::new();
        // Twice, since a group has two stacks for values.
        let counted = allocations(async || {
            for _ in 0..2 {
                for nth in 0..MEMBERS {
                    group.spawn(async move { Ok(nth) });
                }
                let mut sum = 0;
                while let Some(nth) = group.next().await {
                    sum += nth.unwrap();
                }
                assert_eq!(sum, MEMBERS * (MEMBERS - 1) / 2);
            }
        });
        // As for any task; what the group knows of it has its room.
        let expected = if cfg!(debug_assertions) {
            2 * MEMBERS
        } else {
            0
        };
        assert_eq!(counted.await, expected);
    });
}

#[test]
fn a_cleanup_is_one_allocation_when_it_starts_and_none_before() {
    bibelot::run(async {
        let before = ALLOCATIONS.get();
        let body = async {
            yield_now().await;
            ALLOCATIONS.get()
        };
        let at_its_end = finally(body, yield_now()).await;
        assert_eq!(at_its_end, before, "while the body runs");
        assert_eq!(ALLOCATIONS.get(), before + 1, "when the cleanup has ended");

        let counted = allocations(async || {
            for _ in 0..100 {
                {
                    let mut future = pin!(finally(pending::<()>(), yield_now()));
                    let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
                    assert!(polled.is_pending());
                }
                yield_now().await;
                yield_now().await;
            }
        });
        assert_eq!(counted.await, 100, "when the task pays it");
    });
}

#[test]
fn what_is_shared_is_taken_given_and_waited_for_without_an_allocation() {
    bibelot::run(async {
        let (mutex, semaphore) = (Rc::new(Mutex::new(0)), Semaphore::new(3));
        let (event, queue) = (Event::new(), Queue::bounded(100));
        let counted = allocations(async || {
            for _ in 0..100 {
                *mutex.lock().await += 1;
                *mutex.try_lock().unwrap() += 1;
                drop(semaphore.acquire_many(2).await);
                drop(semaphore.try_acquire().unwrap());
                event.set();
                event.wait().await;
                event.clear();
                queue.put(1).await.unwrap();
                queue.try_put(2).unwrap();
                assert_eq!(queue.get().await.unwrap() + queue.try_get().unwrap(), 3);
                queue.task_done();
                queue.task_done();
                queue.join().await;
            }
        });
        assert_eq!(counted.await, 0, "what is there");

        let held = Rc::clone(&mutex);
        let rival = spawn(async move {
            loop {
                let _guard = held.lock().await;
                yield_now().await;
            }
        });
        let counted = allocations(async || {
            for _ in 0..100 {
                let _guard = mutex.lock().await;
                yield_now().await;
            }
        });
        assert_eq!(counted.await, 0, "what is waited for");
        rival.cancel();
    });
}

#[test]
fn what_ends_undisturbed_in_a_timeout_a_scope_or_a_race_is_no_allocation() {
    bibelot::run(async {
        let counted = allocations(async || {
            for _ in 0..100 {
                let second = Duration::from_secs(1);
                assert_eq!(timeout(second, ready(1)).await, Ok(1));
                assert_eq!(race(ready(1), yield_now_and(2)).await, 1);
                assert_eq!(join(yield_now_and(1), ready(2)).await, (1, 2));
            }
        });
        assert_eq!(counted.await, 0);
        let scope = CancelScope::new();
        let counted = allocations(async || {
            for _ in 0..100 {
                assert_eq!(scope.run(yield_now_and(1)).await, Some(1));
            }
        });
        assert_eq!(counted.await, 0);
    });
}

/// A value, after a turn of the others.
async fn yield_now_and<T>(value: T) -> T {
    yield_now().await;
    value
}

#[test]
fn a_cleanup_is_one_box_made_when_it_starts() {
    /// So large that its box is not to be overlooked.
    struct Large([u8; 1000]);
    bibelot::run(async {
        let cleanup = |large: Large| async move {
            yield_now().await;
            assert_eq!(large.0[0], 7);
        };
        let owing = || finally(pending::<()>(), cleanup(Large([7; 1000])));

        let counted = allocations(async || drop(owing()));
        assert_eq!(counted.await, 0, "never polled");

        let counted = allocations(async || {
            for _ in 0..10 {
                finally(ready(()), cleanup(Large([7; 1000]))).await;
            }
        });
        assert_eq!(counted.await, 10, "on the normal path");

        let counted = allocations(async || {
            for _ in 0..10 {
                shield(cleanup(Large([7; 1000]))).await;
            }
        });
        assert_eq!(counted.await, 10, "shields, at their first poll");

        // What is dropped has a page, which is that of who has paid before.
        let cancelled = async |count: usize| {
            let all: [_; 4] = std::array::from_fn(|nth| (nth < count).then(owing));
            let mut all = pin!(all.map(|one| one.map(Box::pin)));
            let before = ALLOCATIONS.get();
            let body = poll_fn(|cx| {
                for one in all.iter_mut().flatten() {
                    assert!(one.as_mut().poll(cx).is_pending());
                }
                *all = [const { None }; 4];
                Poll::Ready(())
            });
            assert_eq!(timeout(Duration::from_secs(1), body).await, Ok(()));
            ALLOCATIONS.get() - before
        };
        cancelled(4).await;
        let four = cancelled(4).await;
        assert_eq!(four, 4);
        assert_eq!(cancelled(1).await, 1);
        // What was started is in its box already.
        let counted = allocations(async || {
            let mut started = Box::pin(finally(ready(()), cleanup(Large([7; 1000]))));
            let body = poll_fn(|cx| {
                assert!(started.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            });
            body.await;
            drop(started);
            yield_now().await;
        });
        assert_eq!(counted.await, 1 + 1, "ours, and its box");
    });
}

#[test]
fn a_poll_of_what_a_cancelled_task_owes_is_no_allocation() {
    let counted = Rc::new(Cell::new(None));
    bibelot::run(async {
        let count = Rc::clone(&counted);
        let cleanup = async move {
            let counted = allocations(async || {
                for _ in 0..100 {
                    yield_now().await;
                }
            });
            count.set(Some(counted.await));
        };
        let task = spawn(finally(pending::<()>(), cleanup));
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
    assert_eq!(counted.get(), Some(0));
}

#[test]
fn nothing_is_left_of_what_was_owed() {
    static USER: Local<String> = Local::new();
    /// A cleanup that uses some of everything.
    async fn timeouts() {
        let inner = finally(pending::<()>(), yield_now());
        assert!(timeout(Duration::ZERO, inner).await.is_err());
    }
    let left = left_behind(|| {
        // The last one is left to the shutdown.
        Executor::new().unwrap().run(async {
            let owing = || {
                let cleanup = timeouts();
                USER.scope(String::from("ann"), finally(pending::<()>(), cleanup))
            };
            assert!(timeout(Duration::ZERO, owing()).await.is_err());
            let scope = CancelScope::new();
            scope.cancel_because(String::from("enough"));
            assert_eq!(scope.run(owing()).await, None);
            let task = spawn(owing());
            yield_now().await;
            task.cancel();
            assert!(task.await.is_err());
            drop(spawn(owing()));
            yield_now().await;
        });
    });
    assert!(left <= 1, "{left} (one: room in the table of numbers)");
}

#[test]
fn what_is_not_contended_is_no_allocation() {
    bibelot::run(async {
        let mutex = Mutex::new(0);
        let lock = RwLock::new(0);
        let counted = allocations(async || {
            for _ in 0..100 {
                *lock.write().await += 1;
                assert!(*lock.read().await > 0);
            }
        });
        assert_eq!(counted.await, 0, "a lock for readers and a writer");

        let (barrier, condvar, once) = (Barrier::new(1), Condvar::new(), OnceLock::from(1));
        let counted = allocations(async || {
            for _ in 0..100 {
                assert!(barrier.wait().await.is_leader());
                assert_eq!(once.get_or_init(async || 2).await, once.wait().await);
                condvar.notify_one();
                condvar.notify_all();
                let guard = mutex.lock().await;
                drop(condvar.wait_while(guard, |_| false).await);
            }
        });
        assert_eq!(counted.await, 0, "what does not have to wait");
    });
}

#[test]
fn a_channel_that_is_not_empty_is_no_allocation() {
    bibelot::run(async {
        let (sender, receiver) = mpsc::channel();
        let (sync_sender, sync_receiver) = mpsc::sync_channel(1);
        let counted = allocations(async || {
            for _ in 0..100 {
                sender.send(1).unwrap();
                assert_eq!(receiver.recv().await, Ok(1));
                sync_sender.send(2).await.unwrap();
                assert_eq!(sync_receiver.recv().await, Ok(2));
            }
        });
        assert_eq!(counted.await, 0, "channels");

        let limiter = CapacityLimiter::new(2);
        let counted = allocations(async || {
            for _ in 0..100 {
                drop(limiter.acquire().await);
            }
        });
        assert_eq!(counted.await, 0, "tokens");

        let (sender, receiver) = watch::channel(0);
        let counted = allocations(async || {
            for _ in 0..100 {
                sender.send(1).unwrap();
                receiver.changed().await.unwrap();
            }
        });
        assert_eq!(counted.await, 0, "changes");

        let (sender, receiver) = broadcast::channel(1);
        let counted = allocations(async || {
            sender.send(1).unwrap();
            assert_eq!(receiver.recv().await, Ok(1));
        });
        assert_eq!(counted.await, 1, "a value that is kept for all");

        let counted = allocations(async || {
            let (sender, receiver) = oneshot::channel();
            sender.send(1).unwrap();
            assert_eq!(receiver.await, Ok(1));
        });
        assert_eq!(counted.await, 1, "what the two ends share");
    });
}

#[test]
fn a_turn_is_no_allocation() {
    let executor = Executor::new().unwrap();
    drop(executor.spawn(async {
        loop {
            yield_now().await;
        }
    }));
    executor.turn(Some(Duration::ZERO));
    let counted = now(allocations(async || {
        for _ in 0..100 {
            executor.turn(Some(Duration::ZERO));
        }
    }));
    assert_eq!(counted, 0);
}

/// Polls a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut cx = std::task::Context::from_waker(Waker::noop());
    match std::pin::pin!(future).poll(&mut cx) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// How many allocations of the second of two calls are alive when it is over.
fn left_behind(mut f: impl FnMut()) -> isize {
    f();
    let before = ALIVE.get();
    f();
    ALIVE.get() - before
}

/// Asks who the current task is when dropped.
struct Asks;

impl Drop for Asks {
    fn drop(&mut self) {
        let _task = bibelot::task::try_current();
    }
}

#[test]
fn nothing_is_left_of_tasks_that_have_ended() {
    /// A way for a task to end.
    type Way = (&'static str, fn());
    let ways: [Way; 9] = [
        ("joined", || drop(spawn(async { 1 }))),
        ("named", || {
            drop(Builder::new().name("named").spawn(async {}))
        }),
        ("asked for", || drop(spawn(async { current().id() }).task())),
        ("cancelled unpolled", || spawn(pending::<()>()).cancel()),
        ("asks when its future is dropped", || {
            drop(spawn(async {
                let _asks = Asks;
                yield_now().await;
            }));
        }),
        ("asks when it is cancelled unpolled", || {
            let asks = Asks;
            spawn(async move { drop(asks) }).cancel();
        }),
        ("asks when its output is dropped", || {
            drop(spawn(async { Asks }))
        }),
        ("panicked", || {
            drop(spawn(async { std::panic::resume_unwind(Box::new(Asks)) }))
        }),
        ("sleeps and is cancelled", || {
            let handle = spawn(sleep(Duration::from_secs(3600)));
            spawn(async move { handle.cancel() });
        }),
    ];
    let executor = Executor::builder()
        .on_report(|_| drop(Asks))
        .build()
        .unwrap();
    for (name, way) in ways {
        let left = left_behind(|| {
            executor.run(async {
                for _ in 0..100 {
                    way();
                }
                for _ in 0..4 {
                    yield_now().await;
                }
            });
        });
        assert_eq!(left, 0, "a task that is {name}");
    }
    let left = left_behind(|| {
        let executor = Executor::new().unwrap();
        let nap = executor.spawn(sleep(Duration::from_secs(3600)));
        executor.run(yield_now());
        drop(executor);
        drop(nap);
    });
    assert!(
        left <= 1,
        "an executor leaves {left} (one: room in the table of numbers)"
    );
}

#[test]
fn a_wake_is_one_poll() {
    let executor = Executor::new().unwrap();
    executor.run(async {
        let polls = || executor.stats().polls;
        let place: Rc<RefCell<Option<Waker>>> = Rc::default();
        let left = Rc::clone(&place);
        let handle = spawn(poll_fn(move |cx| {
            *left.borrow_mut() = Some(cx.waker().clone());
            Poll::<()>::Pending
        }));
        yield_now().await;
        let waker = place.take().unwrap();
        let before = polls();
        for _ in 0..50 {
            waker.wake_by_ref();
            waker.wake_by_ref();
            yield_now().await;
        }
        // Two polls a round: the task's and main's.
        assert_eq!(polls() - before, 100);
        handle.cancel();
    });
}

/// A task that wakes itself in its last poll is in the ready queue when it ends.
#[test]
fn a_task_that_has_ended_does_not_count_although_it_was_woken() {
    let ends_woken = || {
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::Ready(())
        })
    };
    let executor = Executor::new().unwrap();
    executor.run(async {
        spawn(ends_woken()).await.unwrap();
        assert_eq!(executor.stats().tasks, 1);
    });
    executor.run(ends_woken());
    let stats = executor.stats();
    assert_eq!((stats.tasks, stats.polls), (0, 4));
    assert_eq!(executor.next_deadline(), None);
}

/// A thousand wakes of one task by another thread while the executor runs: no sleep, and few polls.
#[test]
fn a_thousand_wakes_of_a_running_executor_are_one_poll() {
    let executor = Executor::new().unwrap();
    let rings = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&rings);
    executor.on_wake(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    executor.run(async {
        let mut polls = 0;
        let handle = spawn(poll_fn(move |cx| {
            polls += 1;
            if polls == 2 {
                return Poll::Ready(());
            }
            let waker = cx.waker().clone();
            let thread = thread::spawn(move || (0..1000).for_each(|_| waker.wake_by_ref()));
            thread.join().unwrap();
            Poll::Pending
        }));
        handle.await.unwrap();
    });
    assert_eq!(rings.load(Ordering::Relaxed), 0);
    let stats = executor.stats();
    // Main twice, the task twice.
    assert_eq!((stats.polls, stats.sleeps), (4, 0));
}

#[test]
fn a_million_tasks_are_alive_at_once() {
    const TASKS: usize = 1_000_000;
    let executor = Executor::new().unwrap();
    let sum: usize = executor.run(async {
        let wakers = Rc::new(RefCell::new(Vec::with_capacity(TASKS)));
        let mut handles = Vec::with_capacity(TASKS);
        for nth in 0..TASKS {
            let left = Rc::clone(&wakers);
            let mut is_woken = false;
            handles.push(spawn(poll_fn(move |cx| {
                if std::mem::replace(&mut is_woken, true) {
                    return Poll::Ready(nth);
                }
                left.borrow_mut().push(cx.waker().clone());
                Poll::Pending
            })));
        }
        yield_now().await;
        assert_eq!(executor.stats().tasks, TASKS + 1);
        wakers.take().into_iter().rev().for_each(Waker::wake);
        let mut sum = 0;
        for handle in handles {
            sum += handle.await.unwrap();
        }
        sum
    });
    assert_eq!(sum, TASKS * (TASKS - 1) / 2);
    assert_eq!(executor.stats().tasks, 0);
}
