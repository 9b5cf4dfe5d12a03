//! Who waits for ever is told what for, and where: in the program, and not in this library.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bibelot::spawn;
use bibelot::sync::{
    Barrier, Borrower, CapacityLimiter, Condvar, Event, Mutex, OnceLock, PriorityQueue, Queue,
    RwLock, Semaphore, broadcast, mpsc, oneshot, universal, watch,
};
use bibelot::task::{join, scope, yield_now};
use bibelot::testing::Sim;
use bibelot::time::Instant;
use bibelot::{Executor, trace};

use crate::now;
use crate::support::{panic_of, same_every_time};

/// Fails unless the deadlock of this wait is told with its name, and with the place where it stands.
macro_rules! told {
    ($thing:expr, $wait:expr) => {
        let text = panic_of(|| {
            Sim::new().run(async {
                let _ = $wait.await;
            })
        });
        let place = format!("waits for {} at tests/sync/places.rs:{}", $thing, line!());
        assert!(text.contains(&place), "{place} is not in: {text}");
    };
}

#[test]
fn of_locks_and_what_is_beside_them() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let notified = "a condvar's notification";
    told!(notified, condvar.wait(now(mutex.lock())));
    let guard = now(mutex.lock());
    told!(notified, condvar.wait_while(guard, |_| true));
    let lock = RwLock::new(0);
    let writer = now(lock.write());
    told!("a read-write lock", lock.read());
    told!("a read-write lock", lock.write());
    drop(writer);
    let guard = now(mutex.lock());
    told!("a mutex", mutex.lock());
    drop(guard);
    let semaphore = Semaphore::new(1);
    let permit = now(semaphore.acquire());
    told!("a semaphore's permit", semaphore.acquire());
    told!("a semaphore's permit", semaphore.acquire_many(1));
    drop(permit);
    told!("an event", Event::new().wait());
    told!("the others at a barrier", Barrier::new(2).wait());
    let (limiter, who) = (CapacityLimiter::new(0), Borrower::new());
    told!("a limiter's token", limiter.acquire());
    told!("a limiter's token", limiter.acquire_on_behalf_of(who));
    let once = OnceLock::<u8>::new();
    told!("the value of a once-lock", once.wait());
    let _makes = crate::waiting(once.get_or_init(std::future::pending::<u8>));
    told!("the value of a once-lock", once.get_or_init(async || 1));
}

#[test]
fn a_wait_for_a_lock_that_is_had_again_is_told_where_the_whole_wait_is() {
    same_every_time(a_wait_for_a_lock_that_is_had_again_is_told_where_the_whole_wait_is);
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let mut line = 0;
    let text = panic_of(|| {
        Sim::new().run(async {
            let guard = mutex.lock().await;
            line = line!() + 1;
            let mut wait = std::pin::pin!(condvar.wait(guard));
            assert!(crate::support::poll_once(&mut wait).is_pending());
            // What a turn has noted stays until its end.
            yield_now().await;
            let _held = mutex.lock().await;
            condvar.notify_one();
            drop(wait.await);
        });
    });
    // The place at which the wait was asked for, whatever it waits for by now.
    let place = format!("waits for a mutex at tests/sync/places.rs:{line}");
    assert!(text.contains(&place), "{place} is not in: {text}");
}

#[test]
fn of_channels_and_queues() {
    let (sender, receiver) = mpsc::sync_channel::<u8>(0);
    told!("a channel's receiver", sender.send(1));
    told!("a channel's item", receiver.recv());
    told!("a channel's item", receiver.iter().next());
    told!("a channel's item", receiver.clone().into_iter().next());
    let (sender, receiver) = broadcast::channel::<u8>(1);
    told!("a broadcast's value", receiver.recv());
    drop(sender);
    let (sender, receiver) = watch::channel(0);
    told!("a watch's change", receiver.changed());
    told!("a watch's change", receiver.wait_for(|value| *value > 0));
    told!("the receivers to be gone", sender.closed());
    let (sender, receiver) = oneshot::channel::<u8>();
    told!("the receivers to be gone", sender.closed());
    drop(receiver);
    let (_sender, receiver) = oneshot::channel::<u8>();
    told!("a oneshot's value", receiver);
    let queue = Queue::bounded(1);
    told!("a queue's item", queue.get());
    queue.try_put(1).unwrap();
    told!("room in a queue", queue.put(2));
    told!("a queue to be worked off", queue.join());
    let (sender, receiver) = mpsc::sync_channel(1);
    sender.try_send(1).unwrap();
    told!("room in a channel", sender.send(2));
    drop(receiver);
    let queue = PriorityQueue::bounded(1);
    told!("a queue's item", queue.get());
    queue.try_put(1).unwrap();
    told!("room in a queue", queue.put(2));
    told!("a queue to be worked off", queue.join());
}

/// Fails unless an observer hears that a task waits for this, and in the place where it stands: of what may
/// still come, from a thread or when a deadline passes, no deadlock is told.
macro_rules! heard {
    ($thing:expr, $wait:expr) => {
        let heard = Rc::new(RefCell::new(String::new()));
        let told = Rc::clone(&heard);
        let hear = move |_: Instant, event: &trace::Event| match event {
            trace::Event::Parked { .. } => *told.borrow_mut() += &format!("{event}\n"),
            _ => {}
        };
        Executor::builder()
            .observer(hear)
            .build()
            .unwrap()
            .run(async {
                let mut wait = std::pin::pin!($wait);
                assert!(crate::support::poll_once(&mut wait).is_pending());
                yield_now().await;
            });
        let place = format!("{} at tests/sync/places.rs:{}", $thing, line!());
        let heard = heard.borrow();
        assert!(heard.contains(&place), "{place} is not in: {heard}");
    };
}

#[test]
fn of_what_threads_share() {
    let queue = universal::Queue::bounded(1);
    heard!("a queue's item", queue.get());
    queue.try_put(1).unwrap();
    heard!("room in a queue", queue.put(2));
    heard!("a queue to be worked off", queue.join());
    let (event, outcome) = (universal::Event::new(), universal::Outcome::<u8>::new());
    heard!("an event", event.wait());
    heard!("an outcome", outcome.wait());
}

#[test]
fn of_waits_with_a_limit() {
    let limit = Duration::from_secs(1);
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let notified = "a condvar's notification or a deadline";
    heard!(notified, condvar.wait_timeout(now(mutex.lock()), limit));
    let guard = now(mutex.lock());
    heard!(notified, condvar.wait_timeout_while(guard, limit, |_| true));
    let (sender, receiver) = mpsc::sync_channel(1);
    heard!(
        "a channel's item or a deadline",
        receiver.recv_timeout(limit)
    );
    sender.try_send(1).unwrap();
    heard!(
        "room in a channel or a deadline",
        sender.send_timeout(2, limit)
    );
}

/// What the deadlock report says of the main task.
fn told_of_main<T>(main: impl AsyncFnOnce() -> T) -> String {
    let text = panic_of(|| Sim::new().run(main()));
    let told = text.split(" waits for ").nth(1).unwrap();
    told.split(" at ").next().unwrap().to_owned()
}

#[test]
fn of_several_things_none_is_named_and_of_one_it_is() {
    same_every_time(of_several_things_none_is_named_and_of_one_it_is);
    let (event, queue) = (Event::new(), Queue::<u8>::new());
    let told = told_of_main(async || join(event.wait(), queue.get()).await);
    assert_eq!(told, "another task");
    let told = told_of_main(async || join(event.wait(), event.wait()).await);
    assert_eq!(told, "an event");
    let told = told_of_main(async || join(event.wait(), std::future::pending::<()>()).await);
    assert_eq!(told, "an event");
    let told = told_of_main(async || {
        let ended = spawn(std::future::pending::<()>());
        let _ = join(event.wait(), ended).await;
    });
    assert_eq!(told, "a task to end or an event");
}

#[test]
fn a_scope_names_what_its_only_child_waits_for_and_not_what_one_of_several_does() {
    same_every_time(a_scope_names_what_its_only_child_waits_for_and_not_what_one_of_several_does);
    let (event, queue) = (Event::new(), Queue::<u8>::new());
    let told = told_of_main(async || {
        scope(async |s| {
            s.spawn(event.wait());
        })
        .await;
    });
    assert_eq!(told, "an event");
    for first in [true, false] {
        let told = told_of_main(async || {
            scope(async |s| {
                s.spawn(async {
                    if first {
                        yield_now().await;
                    }
                    event.wait().await;
                });
                s.spawn(async { queue.get().await });
            })
            .await;
        });
        assert_eq!(told, "another task");
    }
}

#[test]
fn a_slow_poll_is_told_with_what_it_came_to_wait_for() {
    const WAITS: &str = ", until it came to wait for its turn or an event at tests/sync/places.rs:";
    let (say, said) = std::sync::mpsc::channel();
    let builder = Executor::builder()
        .slow_poll(Duration::ZERO)
        .on_report(move |report| say.send(report.to_string()).unwrap());
    builder.build().unwrap().run(async {
        let event = universal::Event::new();
        join(event.wait(), async {
            yield_now().await;
            event.set();
        })
        .await;
    });
    let said: Vec<String> = said.try_iter().collect();
    assert!(said.iter().any(|text| text.contains(WAITS)), "{said:?}");
}
