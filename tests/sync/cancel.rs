//! Every wait cancelled, in every state: nothing granted is lost, and nothing happens twice.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::mem::forget;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use bibelot::spawn;
use bibelot::sync::{CapacityLimiter, Condvar, Mutex, Queue, RwLock, Semaphore, mpsc};
use bibelot::testing::Sim;
use bibelot::time::{Duration, sleep, timeout};

use crate::support::same_every_time;

/// A place to wait at, where each grant serves one waiter and no more.
#[derive(Clone)]
struct Place {
    name: &'static str,
    wait: Rc<dyn Fn() -> Pin<Box<dyn Future<Output = ()>>>>,
    grant: Rc<dyn Fn()>,
}

impl Place {
    fn new<F: Future<Output = ()> + 'static>(
        name: &'static str,
        wait: impl Fn() -> F + 'static,
        grant: impl Fn() + 'static,
    ) -> Self {
        Self {
            name,
            wait: Rc::new(move || Box::pin(wait())),
            grant: Rc::new(grant),
        }
    }

    /// One of each kind.
    fn all() -> Vec<Self> {
        let mutex: &Mutex<()> = Box::leak(Box::default());
        let guard = RefCell::new(mutex.try_lock().ok());
        let semaphore: &Semaphore = Box::leak(Box::new(Semaphore::new(2)));
        let permit = RefCell::new(semaphore.try_acquire_many(2).ok());
        let empty: &Queue<u8> = Box::leak(Box::default());
        let full: &Queue<u8> = Box::leak(Box::new(Queue::bounded(1)));
        full.try_put(0).unwrap();
        vec![
            Self::new(
                "lock",
                || async { forget(mutex.lock().await) },
                move || drop(guard.take()),
            ),
            Self::new(
                "acquire_many",
                || async { forget(semaphore.acquire_many(2).await) },
                move || drop(permit.take()),
            ),
            Self::new(
                "get",
                || async { assert_eq!(empty.get().await, Ok(1)) },
                || empty.try_put(1).unwrap(),
            ),
            Self::new(
                "put",
                || async { full.put(1).await.unwrap() },
                || assert!(full.try_get().is_ok()),
            ),
        ]
        .into_iter()
        .chain(Self::more())
        .collect()
    }

    /// One of each kind that came later.
    fn more() -> Vec<Self> {
        let lock: &RwLock<()> = Box::leak(Box::default());
        let reader = RefCell::new(lock.try_read().ok());
        let pair: &(Mutex<()>, Condvar) = Box::leak(Box::default());
        let limiter: &CapacityLimiter = Box::leak(Box::new(CapacityLimiter::new(0)));
        let (sender, empty) = mpsc::channel();
        vec![
            Self::new(
                "write",
                || async { forget(lock.write().await) },
                move || drop(reader.take()),
            ),
            Self::new(
                "wait",
                || async {
                    let guard = pair.0.lock().await;
                    drop(pair.1.wait(guard).await);
                },
                || pair.1.notify_one(),
            ),
            Self::new(
                "borrow",
                || async { forget(limiter.acquire().await) },
                || limiter.set_total_tokens(1),
            ),
            Self::new(
                "recv",
                move || {
                    let empty = empty.clone();
                    async move { assert_eq!(empty.recv().await, Ok(1)) }
                },
                move || sender.send(1).unwrap(),
            ),
        ]
    }
}

/// Lets all that are ready have their turns.
async fn settle() {
    sleep(Duration::from_nanos(1)).await;
}

/// Runs the scenario with each place, and in several orders.
fn everywhere(scenario: impl AsyncFn(Place)) {
    for seed in 0..20 {
        for place in Place::all() {
            println!("{}, seed {seed}", place.name);
            Sim::new().seed(seed).run(scenario(place));
        }
    }
}

#[test]
fn who_is_cancelled_in_the_turn_of_its_grant_passes_it_on() {
    same_every_time(who_is_cancelled_in_the_turn_of_its_grant_passes_it_on);
    for is_cancelled_first in [false, true] {
        everywhere(async |place| {
            let first = spawn((place.wait)());
            settle().await;
            let second = spawn((place.wait)());
            settle().await;
            let third = spawn((place.wait)());
            settle().await;
            if is_cancelled_first {
                first.cancel();
                (place.grant)();
            } else {
                (place.grant)();
                first.cancel();
            }
            settle().await;
            assert!(first.await.unwrap_err().is_cancelled());
            assert!(second.is_finished());
            assert!(!third.is_finished());
            third.cancel();
        });
    }
}

#[test]
fn who_is_cancelled_in_the_middle_of_the_line_is_passed_over() {
    same_every_time(who_is_cancelled_in_the_middle_of_the_line_is_passed_over);
    everywhere(async |place| {
        let front = spawn((place.wait)());
        settle().await;
        let middle = spawn((place.wait)());
        settle().await;
        let end = spawn((place.wait)());
        settle().await;
        middle.cancel();
        settle().await;
        front.cancel();
        settle().await;
        (place.grant)();
        end.await.unwrap();
        assert!(front.is_finished() && middle.is_finished());
    });
}

#[test]
fn a_timeout_in_the_instant_of_the_grant_has_one_outcome() {
    same_every_time(a_timeout_in_the_instant_of_the_grant_has_one_outcome);
    let second = Duration::from_secs(1);
    let outcomes = Rc::new(Cell::new([0, 0]));
    for is_granted_first in [false, true] {
        everywhere(async |place| {
            let wait = Rc::clone(&place.wait);
            let in_time = move || spawn(timeout(second, wait()));
            let grant = Rc::clone(&place.grant);
            let granter = move || {
                let nap = sleep(second);
                spawn(async move {
                    nap.await;
                    grant();
                })
            };
            // Whose deadline is first when both are due.
            let (first, granter) = if is_granted_first {
                let granter = granter();
                (in_time(), granter)
            } else {
                let first = in_time();
                (first, granter())
            };
            settle().await;
            let next = spawn((place.wait)());
            granter.await.unwrap();
            settle().await;
            // Either it was in time, or the next one has what it left.
            let was_in_time = first.await.unwrap().is_ok();
            assert_eq!(next.is_finished(), !was_in_time);
            next.cancel();
            let mut seen = outcomes.get();
            seen[usize::from(was_in_time)] += 1;
            outcomes.set(seen);
        });
    }
    let [late, in_time] = outcomes.get();
    assert!(late > 0 && in_time > 0, "{late} late, {in_time} in time");
}

/// A number from a seed, without a crate for it.
fn next(random: &Cell<u64>) -> u64 {
    let mut x = random.get();
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    random.set(x);
    x >> 32
}

/// Awaits a future, or drops it where it waits: at once, or when it has been woken and before it is
/// polled again.
async fn stormily<T>(random: &Cell<u64>, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let choice = next(random) % 4;
    let mut has_waited = false;
    poll_fn(|cx| {
        if has_waited && choice == 1 {
            return Poll::Ready(None);
        }
        if let Poll::Ready(value) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(value));
        }
        has_waited = true;
        if choice == 0 {
            return Poll::Ready(None);
        }
        Poll::Pending
    })
    .await
}

/// Gives way as often as the number says, up to three times.
async fn dawdle(random: &Cell<u64>) {
    for _ in 0..next(random) % 4 {
        bibelot::task::yield_now().await;
    }
}

#[test]
fn a_storm_of_cancels_loses_no_lock_and_no_permit() {
    same_every_time(a_storm_of_cancels_loses_no_lock_and_no_permit);
    for seed in 1..=300 {
        Sim::new().seed(seed).run(async {
            let random = Rc::new(Cell::new(u64::wrapping_mul(seed, 0x9E37_79B9_7F4A_7C15)));
            let mutex = Rc::new(Mutex::new(0));
            let semaphore = Rc::new(Semaphore::new(3));
            let had = Rc::new(Cell::new(0));
            let tasks: Vec<_> = (0..5)
                .map(|_| {
                    let (random, mutex) = (Rc::clone(&random), Rc::clone(&mutex));
                    let (semaphore, had) = (Rc::clone(&semaphore), Rc::clone(&had));
                    spawn(async move {
                        for _ in 0..10 {
                            if let Some(mut count) = stormily(&random, mutex.lock()).await {
                                had.set(had.get() + 1);
                                let before = *count;
                                dawdle(&random).await;
                                *count = before + 1;
                            }
                            let many = 1 + next(&random) as usize % 3;
                            let permit = stormily(&random, semaphore.acquire_many(many)).await;
                            dawdle(&random).await;
                            assert!(permit.is_none_or(|permit| permit.count() == many));
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(*mutex.try_lock().unwrap(), had.get());
            assert_eq!(semaphore.available_permits(), 3);
            assert!(semaphore.try_acquire_many(3).is_ok());
        });
    }
}

#[test]
fn a_storm_of_cancels_loses_no_item_and_no_room() {
    same_every_time(a_storm_of_cancels_loses_no_item_and_no_room);
    for seed in 1..=300 {
        Sim::new().seed(seed).run(async {
            let random = Rc::new(Cell::new(u64::wrapping_mul(seed, 0x9E37_79B9_7F4A_7C15)));
            let queue = Rc::new(Queue::bounded(2));
            let (put, got) = (Rc::new(RefCell::new(vec![])), Rc::new(RefCell::new(vec![])));
            let putters: Vec<_> = (0..3)
                .map(|putter| {
                    let (random, queue, put) =
                        (Rc::clone(&random), Rc::clone(&queue), Rc::clone(&put));
                    spawn(async move {
                        for nth in 0..10 {
                            let item = putter * 100 + nth;
                            if let Some(done) = stormily(&random, queue.put(item)).await {
                                done.unwrap();
                                put.borrow_mut().push(item);
                            }
                            dawdle(&random).await;
                        }
                    })
                })
                .collect();
            let getters: Vec<_> = (0..3)
                .map(|_| {
                    let (random, queue, got) =
                        (Rc::clone(&random), Rc::clone(&queue), Rc::clone(&got));
                    spawn(async move {
                        loop {
                            match stormily(&random, queue.get()).await {
                                Some(Ok(item)) => got.borrow_mut().push(item),
                                Some(Err(_)) => break,
                                None => {}
                            }
                            dawdle(&random).await;
                        }
                    })
                })
                .collect();
            for putter in putters {
                putter.await.unwrap();
            }
            queue.close();
            for getter in getters {
                getter.await.unwrap();
            }
            assert!(queue.is_empty());
            assert_eq!(put.take(), got.take(), "in the same order too");
        });
    }
}

#[test]
fn a_storm_of_cancels_loses_no_item_of_a_channel_and_receives_none_twice() {
    same_every_time(a_storm_of_cancels_loses_no_item_of_a_channel_and_receives_none_twice);
    for seed in 1..=300_u64 {
        let bound = seed as usize % 3;
        Sim::new().seed(seed).run(async {
            let random = Rc::new(Cell::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
            let (sender, receiver) = mpsc::sync_channel(bound);
            let (sent, left) = (Rc::new(RefCell::new(vec![])), Rc::new(RefCell::new(vec![])));
            let got = Rc::new(RefCell::new(vec![]));
            for from in 0..3 {
                let (random, sender) = (Rc::clone(&random), sender.clone());
                let (sent, left) = (Rc::clone(&sent), Rc::clone(&left));
                spawn(async move {
                    for nth in 0..10 {
                        let item = from * 100 + nth;
                        match stormily(&random, sender.send(item)).await {
                            Some(done) => {
                                done.unwrap();
                                sent.borrow_mut().push(item);
                            }
                            None => left.borrow_mut().push(item),
                        }
                        dawdle(&random).await;
                    }
                });
            }
            drop(sender);
            let receivers = [(); 3].map(|()| {
                let (random, receiver) = (Rc::clone(&random), receiver.clone());
                let got = Rc::clone(&got);
                spawn(async move {
                    loop {
                        match stormily(&random, receiver.recv()).await {
                            Some(Ok(item)) => got.borrow_mut().push(item),
                            Some(Err(_)) => break,
                            None => {}
                        }
                        dawdle(&random).await;
                    }
                })
            });
            for receiver in receivers {
                receiver.await.unwrap();
            }
            let (mut sent, left, mut got) = (sent.take(), left.take(), got.take());
            // Of a rendezvous that was left, the item may have been granted before.
            got.sort_unstable();
            assert!(got.windows(2).all(|two| two[0] != two[1]), "twice: {got:?}");
            let before = got.len();
            got.retain(|item| !left.contains(item));
            assert!(bound == 0 || got.len() == before);
            sent.sort_unstable();
            assert_eq!(sent, got);
        });
    }
}
