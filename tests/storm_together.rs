//! What tasks do together, cancelled wherever it can be: locks, permits, events and queues, groups and
//! scopes. Nothing granted is lost, nobody is alive who should have ended.

#![cfg(feature = "sync")]

mod support;

use std::cell::Cell;
use std::rc::Rc;

use bibelot::spawn;
use bibelot::sync::{Event, Mutex, Queue, Semaphore};
use bibelot::task::{TaskGroup, finally, join, scope, try_scope, yield_now};
use bibelot::testing::{Storm, cancel_storm};
use bibelot::time::{Duration, sleep};

use support::{OnDrop, on_drop, same_every_time};

/// The error of the tests.
type Wrong = &'static str;

/// So many milliseconds.
fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// How many there are of something.
#[derive(Clone, Default)]
struct Count(Rc<Cell<i32>>);

impl Count {
    /// One more, as long as the value lives.
    fn one(&self) -> OnDrop<impl FnMut() + use<>> {
        let count = self.clone();
        count.0.set(count.0.get() + 1);
        on_drop(move || count.0.set(count.0.get() - 1))
    }

    fn get(&self) -> i32 {
        self.0.get()
    }
}

/// A member that is alive for so long, then cleans up for a millisecond, and counts itself meanwhile.
fn member(alive: &Count, millis: u64) -> impl Future<Output = Result<u64, Wrong>> + use<> {
    let (body, cleanup) = (alive.one(), alive.one());
    finally(
        async move {
            let _body = body;
            sleep(ms(millis)).await;
            Ok(millis)
        },
        async move {
            let _cleanup = cleanup;
            sleep(ms(1)).await;
        },
    )
}

#[test]
fn a_lock_is_free_again() {
    same_every_time(a_lock_is_free_again);
    let suspensions = cancel_storm(async |storm| {
        let mutex = Rc::new(Mutex::new(0));
        let others: Vec<_> = (0..3)
            .map(|_| {
                let mutex = Rc::clone(&mutex);
                spawn(async move {
                    let mut guard = mutex.lock().await;
                    sleep(ms(1)).await;
                    *guard += 1;
                })
            })
            .collect();
        sleep(ms(0)).await;
        let struck = storm.strike(async {
            let mut guard = mutex.lock().await;
            yield_now().await;
            *guard += 1;
        });
        let expected = if struck.await.is_some() { 4 } else { 3 };
        for other in others {
            other.await.unwrap();
        }
        assert_eq!(*mutex.try_lock().expect("nobody holds it"), expected);
    });
    assert_eq!(suspensions, 2);
}

#[test]
fn all_permits_are_back() {
    same_every_time(all_permits_are_back);
    let suspensions = cancel_storm(async |storm| {
        let semaphore = Rc::new(Semaphore::new(3));
        let holder = spawn({
            let semaphore = Rc::clone(&semaphore);
            async move {
                let _permits = semaphore.acquire_many(2).await;
                sleep(ms(2)).await;
            }
        });
        yield_now().await;
        let many = async {
            let _permits = semaphore.acquire_many(3).await;
            yield_now().await;
        };
        let behind = spawn({
            let semaphore = Rc::clone(&semaphore);
            async move { drop(semaphore.acquire().await) }
        });
        storm.strike(many).await;
        behind.await.unwrap();
        holder.await.unwrap();
        assert_eq!(semaphore.available_permits(), 3);
    });
    assert_eq!(suspensions, 2);
}

#[test]
fn an_event_wakes_the_others() {
    same_every_time(an_event_wakes_the_others);
    let suspensions = cancel_storm(async |storm| {
        let event = Rc::new(Event::new());
        let other = spawn({
            let event = Rc::clone(&event);
            async move { event.wait().await }
        });
        let setter = spawn({
            let event = Rc::clone(&event);
            async move {
                sleep(ms(1)).await;
                event.set();
                event.clear();
            }
        });
        storm.strike(event.wait()).await;
        setter.await.unwrap();
        other.await.unwrap();
    });
    assert_eq!(suspensions, 1);
}

#[test]
fn a_getter_that_is_cancelled_leaves_its_item_to_the_next() {
    same_every_time(a_getter_that_is_cancelled_leaves_its_item_to_the_next);
    let suspensions = cancel_storm(async |storm| {
        let queue = Rc::new(Queue::new());
        let other = spawn({
            let queue = Rc::clone(&queue);
            async move { queue.get().await.unwrap() }
        });
        yield_now().await;
        let putter = spawn({
            let queue = Rc::clone(&queue);
            async move {
                for item in 1..=3 {
                    sleep(ms(1)).await;
                    queue.put(item).await.unwrap();
                }
            }
        });
        let got = storm.strike(queue.get()).await;
        putter.await.unwrap();
        assert_eq!(other.await.unwrap(), 1);
        let mut left = Vec::from_iter(got.map(Result::unwrap));
        left.extend(std::iter::from_fn(|| queue.try_get().ok()));
        assert_eq!(left, [2, 3]);
    });
    assert_eq!(suspensions, 1);
}

#[test]
fn a_putter_that_is_cancelled_keeps_no_room() {
    same_every_time(a_putter_that_is_cancelled_keeps_no_room);
    let suspensions = cancel_storm(async |storm| {
        let queue = Rc::new(Queue::bounded(1));
        queue.put(1).await.unwrap();
        let getter = spawn({
            let queue = Rc::clone(&queue);
            async move {
                sleep(ms(1)).await;
                queue.get().await.unwrap()
            }
        });
        let put = storm.strike(queue.put(2)).await;
        assert_eq!(getter.await.unwrap(), 1);
        assert_eq!(queue.try_get().ok(), put.map(|_| 2));
        queue.try_put(3).expect("there is room for one");
        assert!(queue.is_full());
    });
    assert_eq!(suspensions, 1);
}

#[test]
fn a_join_of_a_queue_takes_nothing_with_it() {
    same_every_time(a_join_of_a_queue_takes_nothing_with_it);
    let suspensions = cancel_storm(async |storm| {
        let queue = Rc::new(Queue::new());
        let done = Rc::new(Cell::new(0));
        for item in 1..=3 {
            queue.put(item).await.unwrap();
        }
        let worker = spawn({
            let (queue, done) = (Rc::clone(&queue), Rc::clone(&done));
            async move {
                while let Ok(item) = queue.get().await {
                    sleep(ms(1)).await;
                    done.set(done.get() + item);
                    queue.task_done();
                }
            }
        });
        let other = spawn({
            let (queue, done) = (Rc::clone(&queue), Rc::clone(&done));
            async move {
                queue.join().await;
                done.get()
            }
        });
        storm.strike(queue.join()).await;
        queue.join().await;
        assert_eq!((done.get(), other.await.unwrap()), (6, 6));
        queue.close();
        worker.await.unwrap();
    });
    assert_eq!(suspensions, 1);
}

/// Strikes what `make` does with a group of three; then nobody may be alive.
#[track_caller]
fn storm_group<F: Future>(make: impl Fn(TaskGroup<u64, Wrong>) -> F) -> usize {
    cancel_storm(async |storm: &Storm| {
        let alive = Count::default();
        let group = TaskGroup::new();
        for millis in 1..=3 {
            group.spawn(member(&alive, millis));
        }
        storm.strike(make(group)).await;
        assert_eq!(alive.get(), 0, "members outlive their group");
    })
}

#[test]
fn nobody_outlives_a_group_however_it_is_joined() {
    assert!(storm_group(|group| async { group.join().await.unwrap() }) >= 3);
    assert!(storm_group(|group| async { group.join_any().await.unwrap() }) >= 2);
    assert!(storm_group(|group| async { group.join_first_ok().await.unwrap() }) >= 2);
    let all = storm_group(|mut group| async move {
        while let Some(result) = group.next().await {
            result.unwrap();
        }
    });
    assert!(all >= 3);
    let dropped = storm_group(|group| async move {
        yield_now().await;
        drop(group);
    });
    // Dropping it is no suspension, but leaving the struck future is.
    assert_eq!(dropped, 1);
}

#[test]
fn nobody_outlives_a_group_in_which_one_fails() {
    let suspensions = storm_group(|group| async {
        group.spawn(async {
            sleep(ms(2)).await;
            Err("wrong")
        });
        group.spawn_daemon(std::future::pending());
        group.join().await.unwrap_err()
    });
    assert!(suspensions >= 2);
}

#[test]
fn a_start_that_is_cancelled_leaves_no_member_that_is_not_ready() {
    same_every_time(a_start_that_is_cancelled_leaves_no_member_that_is_not_ready);
    let suspensions = cancel_storm(async |storm| {
        let alive = Count::default();
        let group = TaskGroup::<_, Wrong>::new();
        let counted = alive.clone();
        let started = storm.strike(group.start(async move |ready| {
            let _alive = counted.one();
            sleep(ms(1)).await;
            ready.set("ready");
            sleep(ms(1)).await;
            Ok(())
        }));
        let is_ready = started.await.is_some();
        let values = group.join().await.unwrap();
        assert!(is_ready <= (values.len() == 1));
        assert_eq!(alive.get(), 0);
    });
    assert_eq!(suspensions, 1);
}

#[test]
fn a_join_of_one_member_gives_it_back() {
    same_every_time(a_join_of_one_member_gives_it_back);
    let suspensions = cancel_storm(async |storm| {
        let alive = Count::default();
        let group = TaskGroup::new();
        let one = group.spawn(member(&alive, 2));
        group.spawn(member(&alive, 1));
        let joined = storm.strike(one.join()).await;
        let values = group.join().await.unwrap();
        assert_eq!(
            values,
            if joined.is_some() {
                vec![1]
            } else {
                vec![2, 1]
            }
        );
        assert_eq!(alive.get(), 0);
    });
    assert_eq!(suspensions, 1);
}

#[test]
fn nobody_outlives_a_scope() {
    same_every_time(nobody_outlives_a_scope);
    let suspensions = cancel_storm(async |storm| {
        let alive = Count::default();
        let sum = Cell::new(0);
        let add = async |millis| {
            let millis = member(&alive, millis).await.unwrap();
            sum.set(sum.get() + millis);
        };
        let struck = storm.strike(scope(async |s| {
            let first = s.spawn(async {
                add(1).await;
                s.spawn(add(2));
            });
            s.spawn(add(3));
            first.await.unwrap();
        }));
        let is_whole = struck.await.is_some();
        assert_eq!(alive.get(), 0, "children outlive their scope");
        assert!(is_whole <= (sum.get() == 6));
    });
    assert!(suspensions >= 3, "{suspensions}");
}

#[test]
fn nobody_outlives_a_scope_in_which_one_fails() {
    same_every_time(nobody_outlives_a_scope_in_which_one_fails);
    let suspensions = cancel_storm(async |storm| {
        let alive = Count::default();
        let struck = storm.strike(try_scope(async |s| {
            s.spawn(async { member(&alive, 5).await });
            s.spawn(async {
                sleep(ms(2)).await;
                Err::<(), _>("wrong")
            });
            let (joined, ()) = join(member(&alive, 5), yield_now()).await;
            joined
        }));
        if let Some(outcome) = struck.await {
            assert_eq!(outcome.unwrap_err().failures().len(), 1);
        }
        assert_eq!(alive.get(), 0, "children outlive their scope");
    });
    assert!(suspensions >= 3, "{suspensions}");
}
