//! [`PriorityQueue`].

use std::cmp::Reverse;
use std::rc::Rc;

use bibelot::spawn;
use bibelot::sync::{Closed, PriorityQueue, TryGetError, TryPutError};
use bibelot::task::yield_now;
use bibelot::testing::{Sim, cancel_storm};

use crate::support::{panic_of, poll_once, same_every_time};
use crate::{now, waiting};

/// curio's `test_priority_queue`.
#[test]
fn the_least_comes_first_and_of_equals_the_one_that_came_first() {
    let queue = PriorityQueue::new();
    for item in [(3, 'a'), (1, 'b'), (2, 'c'), (1, 'a')] {
        queue.try_put(item).unwrap();
    }
    let items: Vec<_> = std::iter::from_fn(|| queue.try_get().ok()).collect();
    assert_eq!(items, [(1, 'a'), (1, 'b'), (2, 'c'), (3, 'a')]);

    /// Equal to all others.
    #[derive(Debug)]
    struct Same(u32);
    impl Ord for Same {
        fn cmp(&self, _: &Self) -> std::cmp::Ordering {
            std::cmp::Ordering::Equal
        }
    }
    impl PartialOrd for Same {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
    impl PartialEq for Same {
        fn eq(&self, _: &Self) -> bool {
            true
        }
    }
    impl Eq for Same {}
    let queue = PriorityQueue::new();
    for number in 0..100 {
        queue.try_put(Same(number)).unwrap();
    }
    assert!((0..100).all(|number| now(queue.get()).unwrap().0 == number));

    let queue = PriorityQueue::new();
    for number in 0..10 {
        queue.try_put(Reverse(number)).unwrap();
    }
    assert_eq!(now(queue.get()), Ok(Reverse(9)));
}

#[test]
fn getters_wait_in_turn_and_each_has_the_least_of_its_time() {
    let queue = PriorityQueue::bounded(2);
    let mut first = waiting(queue.get());
    let mut second = waiting(queue.get());
    queue.try_put(2).unwrap();
    assert_eq!(queue.try_get(), Err(TryGetError::Empty), "it is granted");
    queue.try_put(1).unwrap();
    assert!(queue.is_full() && queue.len() == 2);
    assert_eq!(queue.try_put(3), Err(TryPutError::Full(3)));
    let mut put = waiting(queue.put(0));
    assert!(
        poll_once(&mut first)
            .map(|item| assert_eq!(item, Ok(1)))
            .is_ready()
    );
    assert!(poll_once(&mut put).is_ready());
    assert!(
        poll_once(&mut second)
            .map(|item| assert_eq!(item, Ok(0)))
            .is_ready()
    );
    assert_eq!((queue.capacity(), queue.is_empty()), (Some(2), false));
}

#[test]
fn it_is_closed_drained_and_joined_as_a_queue_is() {
    same_every_time(it_is_closed_drained_and_joined_as_a_queue_is);
    Sim::new().run(async {
        let queue = Rc::new(PriorityQueue::new());
        let worker = spawn({
            let queue = Rc::clone(&queue);
            async move {
                let mut order = Vec::new();
                while let Ok(item) = queue.get().await {
                    yield_now().await;
                    order.push(item);
                    queue.task_done();
                }
                order
            }
        });
        for item in [3, 1, 2] {
            queue.put(item).await.unwrap();
        }
        queue.join().await;
        queue.close();
        assert!(queue.is_closed());
        assert_eq!(queue.put(4).await, Err(Closed(4)));
        assert_eq!(worker.await.unwrap(), [1, 2, 3]);
        assert_eq!(
            format!("{queue:?}"),
            "PriorityQueue { len: 0, capacity: None, is_closed: true, getters_waiting: 0, \
             putters_waiting: 0, .. }"
        );
        assert!(panic_of(|| queue.task_done()).contains("no more"));
    });
    assert!(panic_of(|| PriorityQueue::<u8>::bounded(0)).contains("without a limit"));
    assert_eq!(PriorityQueue::<u8>::default().capacity(), None);
}

#[test]
fn no_item_is_lost_when_a_getter_is_cancelled_anywhere() {
    same_every_time(no_item_is_lost_when_a_getter_is_cancelled_anywhere);
    let suspensions = cancel_storm(async |storm| {
        let queue = Rc::new(PriorityQueue::bounded(1));
        let puts = spawn({
            let queue = Rc::clone(&queue);
            async move {
                for item in [2, 1, 3, 0] {
                    yield_now().await;
                    queue.put(item).await.unwrap();
                }
                queue.close();
            }
        });
        let mut got = Vec::new();
        let struck = storm.strike(async {
            while let Ok(item) = queue.get().await {
                got.push(item);
            }
        });
        struck.await;
        while let Ok(item) = queue.get().await {
            got.push(item);
        }
        puts.await.unwrap();
        assert_eq!(got, [2, 1, 3, 0]);
    });
    assert!(suspensions >= 3, "{suspensions}");
}

#[test]
fn no_room_is_lost_and_nothing_is_put_when_a_putter_is_cancelled_anywhere() {
    same_every_time(no_room_is_lost_and_nothing_is_put_when_a_putter_is_cancelled_anywhere);
    let suspensions = cancel_storm(async |storm| {
        let queue = Rc::new(PriorityQueue::bounded(1));
        queue.put(5).await.unwrap();
        let next = spawn({
            let queue = Rc::clone(&queue);
            async move {
                yield_now().await;
                queue.put(7).await.unwrap();
            }
        });
        let gets = spawn({
            let queue = Rc::clone(&queue);
            async move {
                let mut got = Vec::new();
                while let Ok(item) = queue.get().await {
                    got.push(item);
                    yield_now().await;
                }
                got
            }
        });
        let put = storm.strike(queue.put(3)).await;
        next.await.unwrap();
        queue.close();
        let mut expected = vec![5];
        expected.extend(put.map(|put| {
            put.unwrap();
            3
        }));
        expected.push(7);
        let mut got = gets.await.unwrap();
        got.sort_unstable();
        expected.sort_unstable();
        assert_eq!(got, expected);
    });
    assert_eq!(suspensions, 1);
}

#[test]
fn who_is_cancelled_anywhere_while_it_joins_leaves_the_others_to_the_end() {
    same_every_time(who_is_cancelled_anywhere_while_it_joins_leaves_the_others_to_the_end);
    let suspensions = cancel_storm(async |storm| {
        let queue = Rc::new(PriorityQueue::new());
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
