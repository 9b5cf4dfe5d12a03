//! What is ready does not switch, and does not starve anybody either.

use std::future::Future;
use std::rc::Rc;

use bibelot::spawn;
use bibelot::sync::{
    Barrier, CapacityLimiter, Event, Mutex, OnceLock, Queue, RwLock, Semaphore, broadcast, mpsc,
    watch,
};
use bibelot::task::yield_now;
use bibelot::testing::Sim;
use bibelot::time::{Duration, sleep};

use crate::support::{Trace, same_every_time};

/// How many of a thousand ready operations come before another task has a turn.
fn before_others<F: Future>(mut operation: impl FnMut() -> F) -> usize {
    Sim::new().run(async {
        let other = spawn(async {});
        for nth in 0..1000 {
            operation().await;
            if other.is_finished() {
                return nth;
            }
        }
        panic!("the other task starves");
    })
}

#[test]
fn operations_that_are_ready_do_not_switch_and_give_way_after_128() {
    same_every_time(operations_that_are_ready_do_not_switch_and_give_way_after_128);
    let (mutex, semaphore, event) = (Mutex::new(0), Semaphore::new(3), Event::new());
    let (queue, closed) = (Queue::new(), Queue::<u32>::new());
    event.set();
    closed.close();
    assert_eq!(before_others(async || *mutex.lock().await += 1), 128);
    assert_eq!(
        before_others(async || drop(semaphore.acquire_many(2).await)),
        128
    );
    assert_eq!(before_others(|| event.wait()), 128);
    assert_eq!(before_others(|| queue.put(1)), 128);
    assert_eq!(before_others(|| queue.get()), 128);
    assert_eq!(before_others(|| closed.put(1)), 128);
    assert_eq!(before_others(|| closed.get()), 128);
    assert_eq!(before_others(|| closed.join()), 128);
}

#[test]
fn what_came_later_gives_way_as_well() {
    same_every_time(what_came_later_gives_way_as_well);
    let (lock, once) = (RwLock::new(0), OnceLock::from(1));
    let (barrier, limiter) = (Barrier::new(1), CapacityLimiter::new(1));
    assert_eq!(before_others(async || *lock.write().await += 1), 128);
    assert_eq!(before_others(async || drop(lock.read().await)), 128);
    assert_eq!(before_others(|| once.wait()), 128);
    assert_eq!(before_others(|| once.get_or_init(async || 2)), 128);
    assert_eq!(before_others(|| barrier.wait()), 128);
    assert_eq!(before_others(async || drop(limiter.acquire().await)), 128);
    let (sender, receiver) = mpsc::sync_channel(1000);
    assert_eq!(before_others(|| sender.send(1)), 128);
    assert_eq!(before_others(|| receiver.recv()), 128);
    drop((sender, receiver.try_iter().count()));
    assert_eq!(before_others(|| receiver.recv()), 128, "at its end too");
    let (sender, receiver) = watch::channel(1);
    drop(sender);
    assert_eq!(before_others(|| receiver.changed()), 128);
    let (sender, receiver) = broadcast::channel(1000);
    for value in 0..1000 {
        sender.send(value).unwrap();
    }
    assert_eq!(before_others(|| receiver.recv()), 128);
}

/// On the real clock: a virtual one stands still as long as somebody is ready.
#[test]
fn tasks_that_are_never_idle_let_a_timer_run() {
    let counts = bibelot::run(async {
        let mutex = Rc::new(Mutex::new(true));
        let goes_on = Rc::new(Mutex::new(true));
        let [one, other] = [0, 1].map(|_| {
            let (mutex, goes_on) = (Rc::clone(&mutex), Rc::clone(&goes_on));
            spawn(async move {
                let mut count = 0_u64;
                while *goes_on.lock().await {
                    drop(mutex.lock().await);
                    count += 1;
                }
                count
            })
        });
        sleep(Duration::from_micros(1)).await;
        *goes_on.lock().await = false;
        [one.await.unwrap(), other.await.unwrap()]
    });
    // Neither of the two starves the other, or the timer.
    assert!(counts.iter().all(|count| *count >= 60), "{counts:?}");
}

/// trio's `test_generic_lock_fifo_fairness` and `test_channel_fairness`.
#[test]
fn tasks_that_compete_take_turns() {
    same_every_time(tasks_that_compete_take_turns);
    let trace = Trace::new();
    Sim::new().run(async {
        let mutex = Rc::new(Mutex::new(()));
        let queue = Rc::new(Queue::bounded(1));
        for name in ["a", "b", "c"] {
            let (locked, trace) = (Rc::clone(&mutex), trace.clone());
            spawn(async move {
                for _ in 0..3 {
                    let _guard = locked.lock().await;
                    trace.say(format!("{name} locks"));
                    yield_now().await;
                }
            });
        }
        for name in ["a", "b"] {
            let queue = Rc::clone(&queue);
            spawn(async move {
                for _ in 0..3 {
                    queue.put(name).await.unwrap();
                }
            });
        }
        for _ in 0..6 {
            let name = queue.get().await.unwrap();
            trace.say(format!("{name} puts"));
        }
    });
    let said = trace.take();
    let of = |what: &str| -> String {
        let names = said.iter().filter_map(|line| line.strip_suffix(what));
        names.collect()
    };
    assert_eq!(of(" locks"), "abcabcabc");
    assert_eq!(of(" puts"), "aababb");
}

#[test]
fn a_granted_task_is_polled_once() {
    let polls = |executor: &bibelot::Executor| executor.stats().polls;
    let executor = bibelot::Executor::new().unwrap();
    executor.run(async {
        let event = Rc::new(Event::new());
        let waiter = spawn({
            let event = Rc::clone(&event);
            async move { event.wait().await }
        });
        yield_now().await;
        let before = polls(&executor);
        event.set();
        waiter.await.unwrap();
        // The waiter's, and main's own next one.
        assert_eq!(polls(&executor) - before, 2);
    });
}
