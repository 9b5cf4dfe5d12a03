//! The same of who waits until a queue is worked off.
//!
//! Mutants that were made by hand, and what failed:
//!
//! - a last item that lets the first go on only, or tells nobody; a joiner that looks under another lock
//!   than the one under which it comes to wait: `all_who_join_go_on`;
//! - a joiner that looks whether all is done with and not at what it was granted, or that asks how many
//!   were put before it has the lock: `an_item_that_comes_next_keeps_nobody`;
//! - one that does not ask how many were put: `an_item_that_is_put_meanwhile…`;
//! - a `task_done` that asks before it has the lock: `what_was_got_is_known_to_have_been_put`;
//! - a join that is dropped and stays in line: `who_leaves_a_join_is_out_of_line`.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{check, get_or_leave, with};
use crate::sync::universal::Queue;
use crate::sync::universal::wait::Flag;

/// A queue with so many items in it.
fn filled(items: u32) -> Arc<Queue<u32>> {
    let queue = Queue::new();
    (1..=items).for_each(|item| queue.try_put(item).unwrap());
    Arc::new(queue)
}

/// Gets an item, and is done with it.
fn work(queue: &Queue<u32>) {
    queue.get_blocking().unwrap();
    queue.task_done();
}

/// How many have joined and wait.
fn joining(queue: &Queue<u32>) -> usize {
    queue.store.look(|_, line| line.len())
}

#[test]
fn who_joins_goes_on_after_the_last_and_sees_what_all_have_done() {
    check(|| {
        let queue = filled(2);
        let done = Arc::new(AtomicUsize::new(0));
        let workers = [(); 2].map(|()| {
            let done = Arc::clone(&done);
            with(&queue, move |queue| {
                queue.get_blocking().unwrap();
                done.fetch_add(1, Ordering::Relaxed);
                queue.task_done();
            })
        });
        queue.join_blocking();
        assert_eq!(done.load(Ordering::Relaxed), 2);
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

#[test]
fn all_who_join_go_on() {
    check(|| {
        let queue = filled(1);
        let joins = [(); 2].map(|()| with(&queue, Queue::join_blocking));
        work(&queue);
        for join in joins {
            join.join().unwrap();
        }
    });
}

/// Who waits when all is done with goes on, although the next item is there before it is: nobody is
/// done with that one, unless the joiner came too late.
#[test]
fn an_item_that_comes_next_keeps_nobody() {
    check(|| {
        let queue = filled(1);
        let join = with(&queue, Queue::join_blocking);
        let is_waiting = joining(&queue) == 1;
        work(&queue);
        queue.put_blocking(2).unwrap();
        if !is_waiting {
            work(&queue);
        }
        join.join().unwrap();
    });
}

/// The same with an item that may come before, between and after.
#[test]
fn an_item_that_is_put_meanwhile_is_waited_for_or_not_but_never_forgotten() {
    check(|| {
        let queue = filled(1);
        let join = with(&queue, Queue::join_blocking);
        let putter = with(&queue, |queue| queue.put_blocking(2).unwrap());
        work(&queue);
        putter.join().unwrap();
        assert!(!queue.join_timeout(Duration::ZERO));
        work(&queue);
        join.join().unwrap();
        assert!(queue.join_timeout(Duration::ZERO));
    });
}

/// Each puts one, and is done with one, which may be the other's: it has been put by then, so nobody
/// hears that none was left.
#[test]
fn what_was_got_is_known_to_have_been_put() {
    check(|| {
        let queue = filled(0);
        let put_and_work = |queue: &Queue<u32>| {
            queue.put_blocking(1).unwrap();
            work(queue);
        };
        let other = with(&queue, put_and_work);
        put_and_work(&queue);
        other.join().unwrap();
        queue.join_blocking();
    });
}

/// An item that was granted to one who leaves is done with once, whoever gets it.
#[test]
fn an_item_of_a_cancelled_getter_is_done_with_once() {
    check(|| {
        let queue = filled(0);
        let leaves = with(&queue, |queue| {
            let got = get_or_leave(queue);
            got.inspect(|_| queue.task_done()).is_some()
        });
        queue.put_blocking(1).unwrap();
        let join = with(&queue, Queue::join_blocking);
        if !leaves.join().unwrap() {
            assert!(!queue.join_timeout(Duration::ZERO));
            work(&queue);
        }
        join.join().unwrap();
    });
}

#[test]
fn who_leaves_a_join_takes_nobody_with_it() {
    check(|| {
        let queue = filled(1);
        let leaves = with(&queue, |queue| queue.join_timeout(Duration::ZERO));
        let stays = with(&queue, Queue::join_blocking);
        work(&queue);
        stays.join().unwrap();
        leaves.join().unwrap();
        assert_eq!(joining(&queue), 0);
    });
}

#[test]
fn who_leaves_a_join_is_out_of_line() {
    check(|| {
        let queue = filled(1);
        let leave = [(); 2].map(|()| with(&queue, |queue| queue.join_timeout(Duration::ZERO)));
        for leaves in leave {
            assert!(!leaves.join().unwrap());
        }
        assert_eq!(joining(&queue), 0);
    });
}
