//! Universal objects: tasks of any executor and threads wait for them in one line.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;

use bibelot::sync::universal::{Closed, Event, Outcome, Queue, TryGetError, TryPutError};
use bibelot::task::yield_now;
use bibelot::testing::{Sim, cancel_storm};
use bibelot::time::timeout;
use bibelot::worker::run_in_thread;
use bibelot::{run, spawn};

use crate::support::foreign::{self, Foreign};
use crate::support::{panic_of, poll_once};
use crate::{ms, run_until};

#[test]
fn what_tasks_put_tasks_get_in_order() {
    let got = run(async {
        let queue = Arc::new(Queue::bounded(2));
        let producer = spawn({
            let queue = Arc::clone(&queue);
            async move {
                for n in 0..10 {
                    queue.put(n).await.unwrap();
                }
                queue.close();
            }
        });
        let mut got = Vec::new();
        while let Ok(n) = queue.get().await {
            assert!(queue.len() <= 2);
            got.push(n);
        }
        producer.await.unwrap();
        got
    });
    assert_eq!(got, (0..10).collect::<Vec<_>>());
}

#[test]
fn what_a_thread_puts_a_task_gets() {
    let queue = Arc::new(Queue::bounded(1));
    let thread = thread::spawn({
        let queue = Arc::clone(&queue);
        move || {
            (0..1000).for_each(|n| queue.put_blocking(n).unwrap());
            queue.close();
        }
    });
    let got = run(async {
        let mut got = Vec::new();
        while let Ok(n) = queue.get().await {
            got.push(n);
        }
        got
    });
    thread.join().unwrap();
    assert_eq!(got, (0..1000).collect::<Vec<_>>());
}

#[test]
fn what_a_task_puts_a_thread_gets() {
    let queue = Arc::new(Queue::bounded(1));
    let thread = thread::spawn({
        let queue = Arc::clone(&queue);
        move || std::iter::from_fn(|| queue.get_blocking().ok()).collect::<Vec<_>>()
    });
    run(async {
        for n in 0..1000 {
            queue.put(n).await.unwrap();
        }
        queue.close();
    });
    assert_eq!(thread.join().unwrap(), (0..1000).collect::<Vec<_>>());
}

#[test]
fn several_executors_and_threads_share_one_queue_and_lose_nothing() {
    let queue = Arc::new(Queue::bounded(3));
    let sum = Arc::new(AtomicUsize::new(0));
    let met = Arc::new(Barrier::new(5));
    let mut threads = Vec::new();
    for nth in 0..4 {
        let (queue, sum, met) = (queue.clone(), sum.clone(), met.clone());
        threads.push(thread::spawn(move || {
            met.wait();
            if nth % 2 == 0 {
                while let Ok(n) = queue.get_blocking() {
                    sum.fetch_add(n, Ordering::Relaxed);
                }
            } else {
                run(async {
                    while let Ok(n) = queue.get().await {
                        sum.fetch_add(n, Ordering::Relaxed);
                    }
                });
            }
        }));
    }
    let producer = thread::spawn({
        let (queue, met) = (queue.clone(), met.clone());
        move || {
            met.wait();
            (1..=1000).for_each(|n| queue.put_blocking(n).unwrap());
        }
    });
    run(async {
        for n in 1..=1000 {
            queue.put(n).await.unwrap();
        }
    });
    producer.join().unwrap();
    queue.close();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert_eq!(sum.load(Ordering::Relaxed), 2 * 500_500);
}

#[test]
fn getters_are_served_in_the_order_in_which_they_came() {
    let queue = Queue::new();
    let mut first = Box::pin(queue.get());
    let mut second = Box::pin(queue.get());
    assert!(poll_once(&mut first).is_pending());
    assert!(poll_once(&mut second).is_pending());
    queue.try_put("a").unwrap();
    assert_eq!(queue.try_get(), Err(TryGetError::Empty), "it is granted");
    queue.try_put("b").unwrap();
    assert!(poll_once(&mut second).map(Result::unwrap) == std::task::Poll::Ready("a"));
    assert!(poll_once(&mut first).map(Result::unwrap) == std::task::Poll::Ready("b"));
}

#[test]
fn the_item_of_a_getter_that_is_dropped_is_at_the_head() {
    let queue = Queue::new();
    let mut getter = Box::pin(queue.get());
    assert!(poll_once(&mut getter).is_pending());
    queue.try_put("first").unwrap();
    queue.try_put("second").unwrap();
    drop(getter);
    assert_eq!(queue.try_get(), Ok("first"));
    assert_eq!(queue.try_get(), Ok("second"));
}

#[test]
fn the_item_of_a_getter_that_is_dropped_goes_to_who_waits_next() {
    let queue = Queue::new();
    let mut first = Box::pin(queue.get());
    assert!(poll_once(&mut first).is_pending());
    let thread_gets = thread::scope(|scope| {
        let thread = scope.spawn(|| queue.get_blocking());
        // The thread waits as soon as the queue says so.
        while !format!("{queue:?}").contains("getters_waiting: 2") {
            thread::yield_now();
        }
        queue.try_put(42).unwrap();
        drop(first);
        thread.join().unwrap()
    });
    assert_eq!(thread_gets, Ok(42));
}

#[test]
fn a_full_queue_with_a_dropped_getter_loses_nothing() {
    let queue = Queue::bounded(1);
    let mut getter = Box::pin(queue.get());
    assert!(poll_once(&mut getter).is_pending());
    queue.try_put(1).unwrap();
    assert_eq!(queue.try_put(2), Err(TryPutError::Full(2)));
    let mut putter = Box::pin(queue.put(2));
    assert!(poll_once(&mut putter).is_pending());
    drop(getter);
    assert_eq!(queue.try_get(), Ok(1));
    assert!(poll_once(&mut putter).is_ready());
    assert_eq!(queue.try_get(), Ok(2));
}

#[test]
fn the_room_of_a_putter_that_is_dropped_goes_to_the_next() {
    let queue = Queue::bounded(1);
    queue.try_put(1).unwrap();
    let mut dropped = Box::pin(queue.put(2));
    let mut next = Box::pin(queue.put(3));
    assert!(poll_once(&mut dropped).is_pending());
    assert!(poll_once(&mut next).is_pending());
    assert_eq!(queue.try_get(), Ok(1));
    assert!(poll_once(&mut next).is_pending(), "the room is the first's");
    drop(dropped);
    assert!(poll_once(&mut next).is_ready());
    assert_eq!(queue.try_get(), Ok(3));
}

#[test]
fn a_limit_of_time_ends_a_blocking_wait_and_gives_the_item_back() {
    let queue = Queue::bounded(1);
    assert_eq!(queue.get_timeout(ms(1)), Err(TryGetError::Empty));
    queue.put_blocking("there").unwrap();
    assert_eq!(
        queue.put_timeout("more", ms(1)),
        Err(TryPutError::Full("more"))
    );
    assert_eq!(queue.get_timeout(ms(1)), Ok("there"));
    assert_eq!(queue.put_timeout("more", ms(1)), Ok(()));
    assert_eq!(queue.len(), 1, "and who has gone is not waited for");
    queue.close();
    assert_eq!(
        queue.put_timeout("late", ms(1)),
        Err(TryPutError::Closed("late"))
    );
    assert_eq!(queue.get_timeout(ms(1)), Ok("more"));
    assert_eq!(queue.get_timeout(ms(1)), Err(TryGetError::Closed));
}

#[test]
fn closing_lets_getters_drain_and_putters_go() {
    let queue = Arc::new(Queue::bounded(1));
    queue.try_put(1).unwrap();
    let mut putter = Box::pin(queue.put(2));
    assert!(poll_once(&mut putter).is_pending());
    let blocked = thread::spawn({
        let queue = Arc::clone(&queue);
        move || queue.put_blocking(3)
    });
    while !format!("{queue:?}").contains("putters_waiting: 2") {
        thread::yield_now();
    }
    queue.close();
    queue.close();
    assert!(queue.is_closed());
    assert_eq!(blocked.join().unwrap(), Err(Closed(3)));
    assert_eq!(run(putter), Err(Closed(2)));
    assert_eq!(queue.try_put(4), Err(TryPutError::Closed(4)));
    assert_eq!(queue.get_blocking(), Ok(1));
    assert_eq!(queue.get_blocking(), Err(Closed(())));
    assert_eq!(queue.try_get(), Err(TryGetError::Closed));
}

#[test]
fn closing_wakes_all_getters() {
    let queue = Arc::new(Queue::<u32>::new());
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || queue.get_blocking())
        })
        .collect();
    run(async {
        let getter = spawn({
            let queue = Arc::clone(&queue);
            async move { queue.get().await }
        });
        run_until(|| format!("{queue:?}").contains("getters_waiting: 4")).await;
        queue.close();
        assert_eq!(getter.await.unwrap(), Err(Closed(())));
    });
    for thread in threads {
        assert_eq!(thread.join().unwrap(), Err(Closed(())));
    }
}

#[test]
fn a_timeout_over_a_get_loses_nothing() {
    Sim::new().run(async {
        let queue = Queue::new();
        assert!(timeout(ms(1), queue.get()).await.is_err());
        queue.put(42).await.unwrap();
        assert_eq!(queue.get().await, Ok(42));
    });
}

#[test]
fn a_loop_that_never_waits_gives_way() {
    run(async {
        let other = spawn(async {});
        let queue = Queue::new();
        for n in 0..200 {
            queue.put(n).await.unwrap();
            queue.get().await.unwrap();
        }
        assert!(other.is_finished());
    });
}

#[test]
fn what_blocks_is_refused_in_an_executor() {
    run(async {
        let queue = Queue::new();
        queue.put(1).await.unwrap();
        for text in [
            panic_of(|| queue.get_blocking()),
            panic_of(|| queue.put_timeout(1, ms(1))),
            panic_of(|| Event::new().wait_blocking()),
        ] {
            assert!(text.starts_with("this would block the executor"), "{text}");
        }
        assert_eq!(queue.len(), 1);
    });
}

#[test]
fn an_event_releases_tasks_and_threads() {
    static EVENT: Event = Event::new();
    let threads: Vec<_> = (0..3)
        .map(|_| thread::spawn(|| EVENT.wait_blocking()))
        .collect();
    run(async {
        let tasks: Vec<_> = (0..3).map(|_| spawn(EVENT.wait())).collect();
        run_until(|| format!("{EVENT:?}").contains("waiting: 6")).await;
        assert!(!EVENT.is_set());
        run_in_thread(|| EVENT.set()).await;
        for task in tasks {
            task.await.unwrap();
        }
        EVENT.wait().await;
    });
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    EVENT.wait_blocking();
    EVENT.clear();
    assert!(!EVENT.wait_timeout(ms(1)));
    EVENT.set();
    assert!(EVENT.wait_timeout(ms(1)));
}

#[test]
fn who_waited_goes_on_although_the_event_was_cleared_again() {
    let event = Event::new();
    let mut waits = Box::pin(event.wait());
    assert!(poll_once(&mut waits).is_pending());
    event.set();
    event.clear();
    assert!(poll_once(&mut waits).is_ready());
    let mut late = Box::pin(event.wait());
    assert!(poll_once(&mut late).is_pending());
}

#[test]
fn an_outcome_is_set_once_and_seen_by_all() {
    static OUTCOME: Outcome<Result<u32, String>> = Outcome::new();
    let thread = thread::spawn(|| OUTCOME.wait_blocking().clone());
    assert_eq!(OUTCOME.wait_timeout(ms(1)), None);
    run(async {
        let task = spawn(async { OUTCOME.wait().await.clone() });
        yield_now().await;
        assert_eq!(OUTCOME.get(), None);
        assert_eq!(OUTCOME.set(Err(String::from("wrong"))), Ok(()));
        assert_eq!(OUTCOME.set(Ok(42)), Err(Ok(42)), "the first stands");
        assert_eq!(task.await.unwrap(), Err(String::from("wrong")));
    });
    assert_eq!(thread.join().unwrap(), Err(String::from("wrong")));
    assert_eq!(
        OUTCOME.wait_timeout(ms(1)),
        Some(&Err(String::from("wrong")))
    );
}

/// curio's `test_uevent_get_wait_timeout`, for tasks.
#[test]
fn a_timeout_over_an_event_or_an_outcome_leaves_the_others_in_line() {
    let (event, outcome) = (Event::new(), Outcome::new());
    run(async {
        let mut others = (Box::pin(event.wait()), Box::pin(outcome.wait()));
        assert!(poll_once(&mut others.0).is_pending());
        assert!(poll_once(&mut others.1).is_pending());
        assert!(timeout(ms(1), event.wait()).await.is_err());
        assert!(timeout(ms(1), outcome.wait()).await.is_err());
        let waiting = (event.statistics().waiting, outcome.statistics().waiting);
        assert_eq!(waiting, (1, 1), "who is out of time has left");
        event.set();
        outcome.set(42).unwrap();
        assert!(poll_once(&mut others.0).is_ready());
        assert_eq!(others.1.await, &42);
        assert!(timeout(ms(0), event.wait()).await.is_ok(), "it is set");
    });
}

/// A getter takes over what lies there for those who come after it: they find it in its order, before
/// what was put later, counted, and also when the queue is closed.
#[test]
fn what_was_put_before_and_after_a_get_comes_in_order_and_is_counted() {
    let queue = Queue::new();
    for n in 0..4 {
        queue.try_put(n).unwrap();
    }
    assert_eq!(queue.try_get(), Ok(0));
    queue.try_put(4).unwrap();
    assert_eq!(queue.len(), 4);
    assert!(format!("{queue:?}").starts_with("Queue { len: 4, capacity: None, is_closed: false"));
    assert_eq!(run(queue.get()), Ok(1));
    assert_eq!(queue.get_timeout(ms(0)), Ok(2));
    queue.close();
    let now = queue.statistics();
    assert_eq!((now.len, now.put, now.taken), (2, 5, 3));
    assert_eq!(queue.try_put(5), Err(TryPutError::Closed(5)));
    assert_eq!(queue.get_blocking(), Ok(3));
    assert_eq!(queue.get_blocking(), Ok(4));
    assert_eq!(queue.try_get(), Err(TryGetError::Closed));
    assert_eq!(run(queue.get()), Err(Closed(())));
    assert!(queue.is_empty());
    assert_eq!(queue.statistics().taken, 5);
}

/// The item of a getter that is dropped is not lost behind what others take over, nor is it theirs.
#[test]
fn what_was_granted_is_taken_over_by_nobody() {
    run(async {
        let queue = Queue::new();
        let (mut first, mut second) = (Box::pin(queue.get()), Box::pin(queue.get()));
        assert!(poll_once(&mut first).is_pending());
        assert!(poll_once(&mut second).is_pending());
        for n in 0..4 {
            queue.try_put(n).unwrap();
        }
        // Two are granted, two are for all.
        assert_eq!(queue.try_get(), Ok(0));
        assert_eq!(queue.try_get(), Ok(1));
        assert_eq!(queue.try_get(), Err(TryGetError::Empty));
        drop(first);
        assert_eq!(queue.try_get(), Ok(2));
        queue.try_put(4).unwrap();
        assert_eq!(second.await, Ok(3));
        assert_eq!(queue.get().await, Ok(4));
    });
}

/// curio's `test_repr`.
#[test]
fn each_shows_how_it_stands() {
    let queue = Queue::bounded(2);
    queue.try_put(1).unwrap();
    let shown = "Queue { len: 1, capacity: Some(2), is_closed: false, getters_waiting: 0, \
                 putters_waiting: 0, .. }";
    assert_eq!(format!("{queue:?}"), shown);
    assert_eq!(
        (queue.len(), queue.is_empty(), queue.capacity()),
        (1, false, Some(2))
    );
    let event = Event::default();
    assert_eq!(format!("{event:?}"), "Event { is_set: false, waiting: 0 }");
    let outcome = Outcome::default();
    assert_eq!(format!("{outcome:?}"), "Outcome(None)");
    outcome.set(42).unwrap();
    assert_eq!(format!("{outcome:?}"), "Outcome(Some(42))");
    assert_eq!(outcome.into_inner(), Some(42));
}

#[test]
fn a_foreign_waker_may_do_anything_when_it_is_cloned_woken_or_dropped() {
    let queue = Arc::new(Queue::new());
    let event = Arc::new(Event::new());
    foreign::set_hook({
        let (queue, event) = (Arc::clone(&queue), Arc::clone(&event));
        move |_| {
            let _ = queue.try_put(0);
            let _ = queue.try_get();
            event.set();
            event.clear();
        }
    });
    let mut get = Box::pin(Foreign(queue.get()));
    let mut wait = Box::pin(Foreign(event.wait()));
    // A lock that is held while the hook runs would never come free.
    for _ in 0..2 {
        let _ = poll_once(&mut get);
        let _ = poll_once(&mut wait);
    }
    queue.try_put(1).unwrap();
    event.set();
    drop(get);
    drop(wait);
    queue.close();
}

#[test]
fn a_storm_over_a_get_loses_no_item() {
    let suspensions = cancel_storm(async |storm| {
        let queue = Arc::new(Queue::bounded(1));
        let (go, going) = channel();
        let thread = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                going.recv().unwrap();
                (1..=3).for_each(|n| queue.put_blocking(n).unwrap());
            }
        });
        let getting = spawn(async move { go.send(()).unwrap() });
        let got = storm.strike(queue.get()).await;
        getting.await.unwrap();
        let mut rest = Vec::from_iter(got.map(Result::unwrap));
        while rest.len() < 3 {
            rest.push(queue.get().await.unwrap());
        }
        assert_eq!(rest, [1, 2, 3]);
        run_in_thread(|| thread.join().unwrap()).await;
    });
    assert_eq!(suspensions, 1);
}

#[test]
fn a_storm_over_a_put_loses_no_room() {
    let suspensions = cancel_storm(async |storm| {
        let queue = Arc::new(Queue::bounded(1));
        queue.put(0).await.unwrap();
        let (go, going) = channel();
        let thread = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                going.recv().unwrap();
                queue.get_blocking()
            }
        });
        let goes = spawn(async move { go.send(()).unwrap() });
        let put = storm.strike(queue.put(1)).await;
        goes.await.unwrap();
        assert_eq!(run_in_thread(|| thread.join().unwrap()).await, Ok(0));
        assert_eq!(queue.len(), usize::from(put.is_some()));
        if put.is_none() {
            queue.put(2).await.unwrap();
        }
        assert_eq!(queue.try_put(3), Err(TryPutError::Full(3)));
    });
    assert_eq!(suspensions, 1);
}

/// Sets the event in a thread when it is told to.
fn sets(event: &'static Event) -> (std::sync::mpsc::Sender<()>, thread::JoinHandle<()>) {
    let (go, going) = channel();
    let thread = thread::spawn(move || {
        going.recv().unwrap();
        event.set();
    });
    (go, thread)
}

#[test]
fn a_storm_over_the_wait_for_an_event_leaves_the_others_in_line() {
    let suspensions = cancel_storm(async |storm| {
        let event: &Event = Box::leak(Box::default());
        let (go, thread) = sets(event);
        let other = spawn(event.wait());
        let goes = spawn(async move { go.send(()).unwrap() });
        let struck = storm.strike(event.wait()).await;
        assert!(struck.is_none() || event.is_set());
        goes.await.unwrap();
        other.await.unwrap();
        event.wait().await;
        assert_eq!(event.statistics().waiting, 0);
        run_in_thread(|| thread.join().unwrap()).await;
    });
    assert_eq!(suspensions, 1);
}

#[test]
fn a_storm_over_the_wait_for_an_outcome_loses_it_for_nobody() {
    let suspensions = cancel_storm(async |storm| {
        let outcome: &Outcome<u32> = Box::leak(Box::default());
        let (go, going) = channel();
        let thread = thread::spawn(move || {
            going.recv().unwrap();
            outcome.set(42).unwrap();
        });
        let other = spawn(async { *outcome.wait().await });
        let goes = spawn(async move { go.send(()).unwrap() });
        let struck = storm.strike(outcome.wait()).await;
        assert!(struck.is_none_or(|value| *value == 42));
        goes.await.unwrap();
        assert_eq!(other.await.unwrap(), 42);
        assert_eq!(outcome.wait().await, &42);
        assert_eq!(outcome.statistics().waiting, 0);
        run_in_thread(|| thread.join().unwrap()).await;
    });
    assert_eq!(suspensions, 1);
}
