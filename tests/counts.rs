//! What things cost, in numbers that are the same on every machine: allocations, polls, and nothing
//! left behind. Each thread counts its own allocations, so that the tests do not see each other's.
#![expect(unsafe_code, reason = "a global allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::thread;

use bibelot::sync::{
    Barrier, CapacityLimiter, Condvar, Event, Mutex, OnceLock, Queue, RwLock, Semaphore, broadcast,
    mpsc, oneshot, watch,
};
use bibelot::task::{Builder, JoinHandle, current, yield_now};
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
