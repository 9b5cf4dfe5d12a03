//! Who waits for ever is told what for, and where: in the program, and not in this library.

use bibelot::spawn;
use bibelot::sync::{
    Barrier, CapacityLimiter, Condvar, Event, Mutex, OnceLock, PriorityQueue, Queue, RwLock,
    Semaphore, broadcast, mpsc, oneshot, watch,
};
use bibelot::task::{join, scope, yield_now};
use bibelot::testing::Sim;

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
    drop(permit);
    told!("an event", Event::new().wait());
    told!("the others at a barrier", Barrier::new(2).wait());
    told!("a limiter's token", CapacityLimiter::new(0).acquire());
    told!("the value of a once-lock", OnceLock::<u8>::new().wait());
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
    told!("a queue's item", PriorityQueue::<u8>::new().get());
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
    let builder = bibelot::Executor::builder()
        .slow_poll(std::time::Duration::ZERO)
        .on_report(move |report| say.send(report.to_string()).unwrap());
    builder.build().unwrap().run(async {
        let event = bibelot::sync::universal::Event::new();
        join(event.wait(), async {
            yield_now().await;
            event.set();
        })
        .await;
    });
    let said: Vec<String> = said.try_iter().collect();
    assert!(said.iter().any(|text| text.contains(WAITS)), "{said:?}");
}
