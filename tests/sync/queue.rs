//! [`Queue`].

use std::any::Any;
use std::cell::Cell;
use std::rc::Rc;

use bibelot::spawn;
use bibelot::sync::{Closed, Queue, TryGetError, TryPutError};
use bibelot::task::yield_now;
use bibelot::testing::{Sim, cancel_storm};
use bibelot::time::{Duration, Instant, sleep, timeout};

use crate::support::{Trace, panic_of, poll_once, same_every_time};
use crate::{now, waiting};
use std::task::Poll;

/// A queue with these items.
fn filled<T>(queue: Queue<T>, items: impl IntoIterator<Item = T>) -> Queue<T> {
    for item in items {
        now(queue.put(item)).unwrap();
    }
    queue
}

/// All items that can be had at once.
fn drained<T>(queue: &Queue<T>) -> Vec<T> {
    std::iter::from_fn(|| queue.try_get().ok()).collect()
}

/// curio's `test_queue_simple`, whole.
#[test]
fn a_producer_and_a_consumer_work_hand_in_hand() {
    same_every_time(a_producer_and_a_consumer_work_hand_in_hand);
    let trace = Trace::new();
    Sim::new().run(async {
        let queue = Rc::new(Queue::new());
        let consumer = spawn({
            let (queue, trace) = (Rc::clone(&queue), trace.clone());
            async move {
                while let Ok(item) = queue.get().await {
                    trace.say(format!("gets {item}"));
                    queue.task_done();
                }
                trace.say("no more");
            }
        });
        for item in 0..3 {
            trace.say(format!("puts {item}"));
            queue.put(item).await.unwrap();
            sleep(Duration::from_secs(1)).await;
        }
        queue.join().await;
        trace.say("all are done with");
        queue.close();
        consumer.await.unwrap();
    });
    let expected = [
        "puts 0",
        "gets 0",
        "puts 1",
        "gets 1",
        "puts 2",
        "gets 2",
        "all are done with",
        "no more",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_queue_without_a_limit_never_waits_to_put() {
    let queue = filled(Queue::default(), 0..10_000);
    assert_eq!((queue.len(), queue.capacity()), (10_000, None));
    assert!(!queue.is_full() && !queue.is_empty());
    assert!(drained(&queue).into_iter().eq(0..10_000));
    assert!(queue.is_empty());
}

#[test]
fn a_full_queue_lets_putters_wait_and_serves_them_in_order() {
    same_every_time(a_full_queue_lets_putters_wait_and_serves_them_in_order);
    let trace = Trace::new();
    Sim::new().run(async {
        let queue = Rc::new(Queue::bounded(2));
        for name in ["a", "b", "c", "d"] {
            let (queue, trace) = (Rc::clone(&queue), trace.clone());
            spawn(async move {
                queue.put(name).await.unwrap();
                trace.say(format!("{name} is in"));
            });
        }
        yield_now().await;
        trace.say(format!("{queue:?}"));
        for _ in 0..4 {
            trace.say(format!("got {}", queue.get().await.unwrap()));
            sleep(Duration::from_secs(1)).await;
        }
    });
    let expected = [
        "a is in",
        "b is in",
        "Queue { len: 2, capacity: Some(2), is_closed: false, getters_waiting: 0, \
         putters_waiting: 2, .. }",
        "got a",
        "c is in",
        "got b",
        "d is in",
        "got c",
        "got d",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn getters_are_served_in_the_order_in_which_they_came() {
    same_every_time(getters_are_served_in_the_order_in_which_they_came);
    let trace = Trace::new();
    Sim::new().run(async {
        let queue = Rc::new(Queue::new());
        for name in ["a", "b", "c"] {
            let (queue, trace) = (Rc::clone(&queue), trace.clone());
            spawn(async move {
                let item = queue.get().await.unwrap();
                trace.say(format!("{name} gets {item}"));
            });
        }
        yield_now().await;
        for item in 0..5 {
            queue.put(item).await.unwrap();
        }
        // Three have a right to one each, so who comes now has one to two; and all come in order.
        trace.say(format!("main gets {}", queue.get().await.unwrap()));
        trace.say(format!("main gets {}", queue.try_get().unwrap()));
        trace.say(format!(
            "main gets {:?}, and {} lie here",
            queue.try_get(),
            queue.len()
        ));
    });
    let expected = [
        "main gets 0",
        "main gets 1",
        "main gets Err(Empty), and 3 lie here",
        "a gets 2",
        "b gets 3",
        "c gets 4",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn nobody_barges_past_a_putter_that_waits() {
    let queue = filled(Queue::bounded(1), [0]);
    assert_eq!(queue.try_put(9), Err(TryPutError::Full(9)));
    let mut first = waiting(queue.put(1));
    assert_eq!(now(queue.get()), Ok(0));
    // There is room for one, and it is the first's.
    assert!(queue.is_empty() && queue.is_full());
    assert_eq!(queue.try_put(9), Err(TryPutError::Full(9)));
    let mut second = waiting(queue.put(2));
    assert!(poll_once(&mut second).is_pending());
    assert_eq!(poll_once(&mut first), Poll::Ready(Ok(())));
    assert_eq!(now(queue.get()), Ok(1));
    assert_eq!(poll_once(&mut second), Poll::Ready(Ok(())));
    assert_eq!(now(queue.get()), Ok(2));
    assert!(!queue.is_full());
}

#[test]
fn an_item_granted_to_a_getter_that_is_dropped_stays_at_the_head() {
    let queue = Queue::new();
    let granted = waiting(queue.get());
    let mut next = waiting(queue.get());
    let queue = filled_in(&queue, [0]);
    drop(granted);
    assert_eq!(queue.try_get(), Err(TryGetError::Empty));
    assert_eq!(poll_once(&mut next), Poll::Ready(Ok(0)));

    let granted = waiting(queue.get());
    filled_in(queue, [1, 2, 3]);
    assert_eq!(queue.try_get(), Ok(1));
    drop(granted);
    assert_eq!(drained(queue), [2, 3]);
}

/// Puts into a queue that others wait for.
fn filled_in<T>(queue: &Queue<T>, items: impl IntoIterator<Item = T>) -> &Queue<T> {
    for item in items {
        now(queue.put(item)).unwrap();
    }
    queue
}

#[test]
fn room_granted_to_a_putter_that_is_dropped_goes_to_the_next() {
    let trace = Trace::new();
    let queue = filled(Queue::bounded(1), [trace.on_drop("first dropped")]);
    let granted = waiting(queue.put(trace.on_drop("second dropped")));
    let mut third = waiting(queue.put(trace.on_drop("third dropped")));
    let first = now(queue.get());
    assert!(trace.take().is_empty());
    drop(granted);
    assert_eq!(trace.take(), ["second dropped"], "its item goes with it");
    assert!(matches!(poll_once(&mut third), Poll::Ready(Ok(()))));
    assert_eq!(queue.len(), 1);
    drop(first);
    drop(third);
    drop(queue);
    assert_eq!(trace.take(), ["first dropped", "third dropped"]);
}

#[test]
fn cancelled_and_late_getters_and_putters_leave_the_queue_as_it_was() {
    same_every_time(cancelled_and_late_getters_and_putters_leave_the_queue_as_it_was);
    Sim::new().run(async {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let queue = Rc::new(Queue::bounded(1));
        assert!(timeout(second, queue.get()).await.is_err());
        let getter = spawn({
            let queue = Rc::clone(&queue);
            async move { queue.get().await }
        });
        yield_now().await;
        getter.cancel();
        assert!(getter.await.unwrap_err().is_cancelled());
        queue.put(0).await.unwrap();
        assert!(timeout(second, queue.put(1)).await.is_err());
        let putter = spawn({
            let queue = Rc::clone(&queue);
            async move { queue.put(2).await }
        });
        yield_now().await;
        putter.cancel();
        assert!(putter.await.unwrap_err().is_cancelled());
        assert_eq!(queue.get().await, Ok(0));
        assert_eq!(queue.try_get(), Err(TryGetError::Empty));
        assert_eq!(start.elapsed(), 2 * second);
    });
}

#[test]
fn a_closed_queue_is_drained_and_then_at_its_end() {
    let queue = filled(Queue::new(), ["a", "b"]);
    assert!(!queue.is_closed());
    queue.close();
    queue.close();
    assert!(queue.is_closed());
    assert_eq!(now(queue.put("c")), Err(Closed("c")));
    assert_eq!(queue.try_put("c"), Err(TryPutError::Closed("c")));
    assert_eq!(now(queue.get()), Ok("a"));
    assert_eq!(queue.try_get(), Ok("b"));
    assert_eq!(queue.try_get(), Err(TryGetError::Closed));
    assert_eq!(now(queue.get()), Err(Closed(())));
    assert_eq!(now(queue.put("c")), Err(Closed("c")));
}

#[test]
fn who_waits_when_a_queue_is_closed_learns_it_in_order() {
    same_every_time(who_waits_when_a_queue_is_closed_learns_it_in_order);
    let trace = Trace::new();
    Sim::new().run(async {
        let empty = Rc::new(Queue::<&str>::new());
        let full = Rc::new(filled(Queue::bounded(1), ["in"]));
        for name in ["a", "b"] {
            let (queue, said) = (Rc::clone(&empty), trace.clone());
            spawn(async move { said.say(format!("{name}: {:?}", queue.get().await)) });
            let (queue, said) = (Rc::clone(&full), trace.clone());
            spawn(async move {
                let Closed(item) = queue.put(name).await.unwrap_err();
                said.say(format!("{item} is given back"));
            });
        }
        yield_now().await;
        empty.close();
        full.close();
        trace.say("closed, without a switch");
        assert_eq!(full.get().await, Ok("in"));
        assert_eq!(full.get().await, Err(Closed(())));
    });
    let expected = [
        "closed, without a switch",
        "a: Err(Closed(..))",
        "b: Err(Closed(..))",
        "a is given back",
        "b is given back",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn what_was_granted_before_the_close_is_got_and_what_was_not_is_not_stolen() {
    let queue = Queue::new();
    let mut granted = waiting(queue.get());
    let mut refused = waiting(queue.get());
    now(queue.put(0)).unwrap();
    queue.close();
    assert_eq!(poll_once(&mut refused), Poll::Ready(Err(Closed(()))));
    assert_eq!(now(queue.get()), Err(Closed(())));
    assert_eq!(poll_once(&mut granted), Poll::Ready(Ok(0)));

    let queue = Queue::new();
    let granted = waiting(queue.get());
    let mut refused = waiting(queue.get());
    now(queue.put(0)).unwrap();
    queue.close();
    drop(granted);
    // It was told of the end, has not looked yet, and now there is an item after all.
    assert_eq!(poll_once(&mut refused), Poll::Ready(Ok(0)));

    // Room that was granted before is of no use.
    let queue = filled(Queue::bounded(1), [0]);
    let mut granted = waiting(queue.put(1));
    assert_eq!(now(queue.get()), Ok(0));
    queue.close();
    assert_eq!(poll_once(&mut granted), Poll::Ready(Err(Closed(1))));
    assert!(queue.is_empty());
}

#[test]
fn join_waits_until_all_that_was_put_is_done_with() {
    let queue = Queue::new();
    now(queue.join());
    now(queue.put(0)).unwrap();
    queue.try_put(1).unwrap();
    let mut join = waiting(queue.join());
    assert_eq!(drained(&queue), [0, 1]);
    queue.task_done();
    assert!(poll_once(&mut join).is_pending());
    queue.task_done();
    now(queue.put(2)).unwrap();
    // All was done with for a moment, which is enough for who waited then.
    assert!(poll_once(&mut join).is_ready());
    drop(waiting(queue.join()));
    queue.task_done();
    let text = panic_of(|| queue.task_done());
    assert_eq!(
        text,
        "task_done() is called once for each item that was put, no more"
    );
    now(queue.join());
}

#[test]
fn a_queue_that_could_hold_nothing_is_refused() {
    let text = panic_of(|| Queue::<()>::bounded(0));
    assert_eq!(
        text,
        "a queue without room could carry nothing; Queue::new() makes one without a limit"
    );
    assert_eq!(
        Queue::<()>::bounded(usize::MAX).capacity(),
        Some(usize::MAX)
    );
}

#[test]
fn a_queue_is_dropped_with_its_items_and_they_may_look_at_it() {
    let queue: Rc<Queue<Box<dyn Any>>> = Rc::default();
    let times = Rc::new(Cell::new(0));
    for _ in 0..2 {
        let (weak, times) = (Rc::downgrade(&queue), Rc::clone(&times));
        let item = crate::support::on_drop(move || {
            times.set(times.get() + 1);
            if let Some(queue) = weak.upgrade() {
                assert!(queue.len() < 2);
                let _ = format!("{queue:?}");
            }
        });
        assert!(queue.try_put(Box::new(item)).is_ok());
    }
    drop(queue.try_get());
    assert_eq!(times.get(), 1);
    drop(queue);
    assert_eq!(times.get(), 2);
}

#[test]
fn a_forgotten_getter_costs_its_item_and_nothing_else() {
    let queue = Queue::bounded(2);
    std::mem::forget(waiting(queue.get()));
    let mut other = waiting(queue.get());
    filled_in(&queue, [0, 1]);
    assert!(poll_once(&mut other).is_ready());
    assert_eq!(queue.try_get(), Err(TryGetError::Empty));
    filled_in(&queue, [2]);
    assert!(queue.try_get().is_ok());
}

#[test]
fn the_errors_say_what_is_the_matter_without_the_item() {
    struct Silent;
    let queue = Queue::bounded(1);
    assert!(queue.try_put(Silent).is_ok());
    let full = queue.try_put(Silent).err().unwrap();
    assert_eq!(
        (full.to_string(), format!("{full:?}")),
        ("the queue is full".into(), "Full(..)".into())
    );
    queue.close();
    let closed = queue.try_put(Silent).err().unwrap();
    assert_eq!(
        (closed.to_string(), format!("{closed:?}")),
        ("the queue is closed".into(), "Closed(..)".into())
    );
    let closed = now(queue.put(Silent)).err().unwrap();
    assert_eq!(
        (closed.to_string(), format!("{closed:?}")),
        ("the queue is closed".into(), "Closed(..)".into())
    );
    assert_eq!(TryGetError::Empty.to_string(), "the queue is empty");
    assert_eq!(TryGetError::Closed.to_string(), "the queue is closed");
}

#[test]
fn who_is_cancelled_anywhere_while_it_joins_leaves_the_others_to_the_end() {
    same_every_time(who_is_cancelled_anywhere_while_it_joins_leaves_the_others_to_the_end);
    let suspensions = cancel_storm(async |storm| {
        let queue = Rc::new(Queue::new());
        queue.put(1).await.unwrap();
        queue.put(2).await.unwrap();
        let other = spawn({
            let queue = Rc::clone(&queue);
            async move { queue.join().await }
        });
        let works = spawn({
            let queue = Rc::clone(&queue);
            async move {
                while queue.get().await.is_ok() {
                    yield_now().await;
                    queue.task_done();
                }
            }
        });
        let is_done = storm.strike(queue.join()).await.is_some();
        assert!(!is_done || queue.is_empty());
        other.await.unwrap();
        queue.join().await;
        queue.close();
        works.await.unwrap();
    });
    assert_eq!(suspensions, 1);
}
