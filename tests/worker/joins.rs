//! Universal queues that are worked off: `task_done` and `join`, from tasks and from threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use bibelot::sync::universal::{Queue, TryGetError};
use bibelot::testing::cancel_storm;
use bibelot::time::timeout;
use bibelot::worker::run_in_thread;
use bibelot::{run, spawn};

use crate::ms;
use crate::support::foreign::{self, Foreign};
use crate::support::{Trace, panic_of, poll_once};

/// What is said of a `task_done()` too many, here as everywhere.
const TOO_OFTEN: &str = "task_done() is called once for each item that was put, no more";

/// Queues of either kind, with items 0 and 1 in them.
fn filled() -> [Queue<u32>; 2] {
    let queues = [Queue::new(), Queue::bounded(2)];
    for queue in &queues {
        queue.try_put(0).unwrap();
        queue.put_blocking(1).unwrap();
    }
    queues
}

/// Gets an item that is there, and is done with it.
#[track_caller]
fn work(queue: &Queue<u32>) {
    queue.try_get().unwrap();
    queue.task_done();
}

/// curio's `test_queue_simple`, without its pauses: a clock that waits for a thread does not jump.
#[test]
fn a_producer_and_a_consumer_work_hand_in_hand() {
    let trace = Trace::new();
    run(async {
        let queue = Arc::new(Queue::new());
        let consumer = spawn({
            let (queue, trace) = (Arc::clone(&queue), trace.clone());
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
            queue.join().await;
        }
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
fn join_waits_until_all_that_was_put_is_done_with() {
    run(Queue::<u32>::new().join());
    for queue in filled() {
        let mut join = Box::pin(queue.join());
        assert!(poll_once(&mut join).is_pending());
        assert_eq!((queue.try_get(), queue.try_get()), (Ok(0), Ok(1)));
        queue.task_done();
        assert!(poll_once(&mut join).is_pending(), "one is left");
        queue.task_done();
        queue.try_put(2).unwrap();
        // All was done with for a moment, which is enough for who waited then.
        assert!(poll_once(&mut join).is_ready());
        let mut late = Box::pin(queue.join());
        assert!(poll_once(&mut late).is_pending());
        drop(late);
        work(&queue);
        queue.join_blocking();
    }
}

/// Whatever was put when somebody last looked, or was done with.
#[test]
fn what_is_put_while_others_are_done_with_is_waited_for() {
    for queue in filled() {
        let mut join = Box::pin(queue.join());
        assert!(poll_once(&mut join).is_pending());
        work(&queue);
        queue.try_put(2).unwrap();
        work(&queue);
        assert!(poll_once(&mut join).is_pending());
        assert!(!is_worked_off(&queue));
        work(&queue);
        assert!(poll_once(&mut join).is_ready());
        queue.try_put(3).unwrap();
        assert!(!is_worked_off(&queue));
    }
}

#[test]
fn task_done_too_often_is_refused_and_changes_nothing() {
    assert_eq!(panic_of(|| Queue::<u32>::new().task_done()), TOO_OFTEN);
    for queue in filled() {
        queue.task_done();
        queue.task_done();
        assert_eq!(panic_of(|| queue.task_done()), TOO_OFTEN);
        run(async { assert_eq!(panic_of(|| queue.task_done()), TOO_OFTEN) });
        // No lock is held any more, and nothing was counted.
        assert_eq!(queue.try_get(), Ok(0));
        queue.try_put(2).unwrap();
        assert!(!queue.join_timeout(ms(0)));
        queue.task_done();
        assert!(queue.join_timeout(ms(0)));
    }
}

/// Whoever is done with the last, everybody goes on, and sees what all have done.
#[test]
fn tasks_and_threads_join_what_tasks_and_threads_work_off() {
    const ITEMS: usize = 200;
    for queue in [Queue::new(), Queue::bounded(3)] {
        let done = AtomicUsize::new(0);
        let is_done = |_| {
            done.fetch_add(1, Ordering::Relaxed);
            queue.task_done();
        };
        // With the first we are done ourselves, so that nobody joins before there is anything.
        queue.try_put(0).unwrap();
        assert_eq!(queue.try_get(), Ok(0));
        let (is_early, seen) = thread::scope(|scope| {
            let join_blocking = || {
                queue.join_blocking();
                done.load(Ordering::Relaxed)
            };
            let join = || {
                run(queue.join());
                done.load(Ordering::Relaxed)
            };
            let joiners = [scope.spawn(join_blocking), scope.spawn(join)];
            for _ in 0..2 {
                scope.spawn(|| while queue.get_blocking().map(is_done).is_ok() {});
            }
            scope.spawn(|| run(async { while queue.get().await.map(is_done).is_ok() {} }));
            let putters = [(); 2].map(|()| {
                scope.spawn(|| (0..ITEMS / 2).for_each(|n| queue.put_blocking(n).unwrap()))
            });
            for putter in putters {
                putter.join().unwrap();
            }
            let is_early = queue.join_timeout(ms(1));
            is_done(0);
            let seen = joiners.map(|joiner| joiner.join().unwrap());
            let seen = [seen[0], seen[1], join_blocking()];
            queue.close();
            (is_early, seen)
        });
        assert!(!is_early, "the first is left");
        assert_eq!(seen, [ITEMS + 1; 3]);
    }
}

#[test]
fn an_item_of_a_getter_that_is_dropped_is_done_with_once() {
    for queue in [Queue::new(), Queue::bounded(1)] {
        let mut granted = Box::pin(queue.get());
        assert!(poll_once(&mut granted).is_pending());
        queue.try_put(0).unwrap();
        let mut join = Box::pin(queue.join());
        assert!(poll_once(&mut join).is_pending());
        drop(granted);
        assert!(poll_once(&mut join).is_pending(), "it is at the head again");
        work(&queue);
        assert!(poll_once(&mut join).is_ready());
        assert_eq!(panic_of(|| queue.task_done()), TOO_OFTEN);
    }
}

#[test]
fn an_item_that_was_not_put_is_not_waited_for() {
    let queue = Queue::bounded(1);
    queue.try_put(0).unwrap();
    assert!(queue.try_put(1).is_err());
    assert!(queue.put_timeout(1, ms(0)).is_err());
    let mut granted = Box::pin(queue.put(1));
    assert!(poll_once(&mut granted).is_pending());
    let mut refused = Box::pin(queue.put(2));
    assert!(poll_once(&mut refused).is_pending());
    work(&queue);
    drop(granted);
    queue.join_blocking();
    queue.close();
    assert!(poll_once(&mut refused).is_ready());
    assert!(queue.try_put(3).is_err());
    queue.join_blocking();
}

#[test]
fn a_close_ends_no_join() {
    for queue in filled() {
        let mut join = Box::pin(queue.join());
        assert!(poll_once(&mut join).is_pending());
        queue.close();
        assert!(poll_once(&mut join).is_pending());
        assert!(!queue.join_timeout(ms(0)));
        work(&queue);
        work(&queue);
        assert_eq!(queue.try_get(), Err(TryGetError::Closed));
        assert!(poll_once(&mut join).is_ready());
    }
}

#[test]
fn a_limit_of_time_ends_a_join_and_leaves_the_others_in_line() {
    for queue in filled() {
        run(async {
            let mut before = Box::pin(queue.join());
            assert!(poll_once(&mut before).is_pending());
            assert!(timeout(ms(1), queue.join()).await.is_err());
            let mut after = Box::pin(queue.join());
            assert!(poll_once(&mut after).is_pending());
            work(&queue);
            work(&queue);
            queue.try_put(2).unwrap();
            assert!(poll_once(&mut before).is_ready());
            assert!(poll_once(&mut after).is_ready());
        });
    }
}

/// Whether it is, as who comes now finds it.
fn is_worked_off(queue: &Queue<u32>) -> bool {
    poll_once(&mut Box::pin(queue.join())).is_ready()
}

#[test]
fn what_blocks_is_refused_in_an_executor() {
    run(async {
        let queue = Queue::<u32>::new();
        for text in [
            panic_of(|| queue.join_blocking()),
            panic_of(|| queue.join_timeout(ms(0))),
        ] {
            assert!(text.starts_with("this would block the executor"), "{text}");
        }
    });
}

#[test]
fn a_foreign_waker_may_do_anything_when_it_is_cloned_woken_or_dropped() {
    let queue = Arc::new(Queue::new());
    foreign::set_hook({
        let queue = Arc::clone(&queue);
        move |_| {
            queue.try_put(0).unwrap();
            work(&queue);
            let _ = is_worked_off(&queue);
        }
    });
    queue.try_put(0).unwrap();
    let mut stays = Box::pin(Foreign(queue.join()));
    let mut leaves = Box::pin(Foreign(queue.join()));
    // A lock that is held while the hook runs would never come free.
    for _ in 0..2 {
        assert!(poll_once(&mut stays).is_pending());
        assert!(poll_once(&mut leaves).is_pending());
    }
    drop(leaves);
    work(&queue);
    assert!(poll_once(&mut stays).is_ready());
}

#[test]
fn a_storm_over_a_join_leaves_the_others_to_the_end() {
    let suspensions = cancel_storm(async |storm| {
        let queue = Arc::new(Queue::new());
        queue.put(0).await.unwrap();
        queue.put(1).await.unwrap();
        let (go, going) = channel();
        let thread = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                going.recv().unwrap();
                while queue.get_blocking().is_ok() {
                    queue.task_done();
                }
            }
        });
        let other = spawn({
            let queue = Arc::clone(&queue);
            async move { queue.join().await }
        });
        let goes = spawn(async move { go.send(()).unwrap() });
        let struck = storm.strike(queue.join()).await;
        assert!(struck.is_none() || queue.is_empty());
        goes.await.unwrap();
        other.await.unwrap();
        queue.join().await;
        queue.close();
        run_in_thread(|| thread.join().unwrap()).await;
    });
    assert_eq!(suspensions, 1);
}

/// Who is struck between the end and its own turn has nothing to give back, and keeps nobody.
#[test]
fn one_who_is_dropped_after_the_end_keeps_nobody() {
    for queue in filled() {
        let mut joins = [(); 3].map(|()| Box::pin(queue.join()));
        assert!(joins.iter_mut().all(|join| poll_once(join).is_pending()));
        work(&queue);
        work(&queue);
        let [first, mut second, third] = joins;
        drop((first, third));
        assert!(poll_once(&mut second).is_ready());
        assert!(is_worked_off(&queue));
    }
}

#[test]
fn a_loop_that_only_joins_gives_way() {
    run(async {
        let other = spawn(async {});
        let queue = Queue::<u32>::new();
        for _ in 0..200 {
            queue.join().await;
        }
        assert!(other.is_finished());
    });
}
