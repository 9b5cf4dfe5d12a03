//! `statistics()` of each.

use std::rc::Rc;

use bibelot::sync::{
    Barrier, Borrower, CapacityLimiter, Condvar, Event, Mutex, OnceLock, PriorityQueue, Queue,
    RwLock, Semaphore, broadcast, mpsc, oneshot, universal, watch,
};

use crate::{now, waiting};

#[test]
fn who_only_waits_is_counted() {
    let event = Event::new();
    let waits = [waiting(event.wait()), waiting(event.wait())];
    assert_eq!(event.statistics().waiting, 2);
    drop(waits);
    assert_eq!(event.statistics().waiting, 0);

    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let waits = waiting(condvar.wait(now(mutex.lock())));
    assert_eq!(condvar.statistics().waiting, 1);
    drop(waits);

    let barrier = Barrier::new(3);
    let _waits = [waiting(barrier.wait()), waiting(barrier.wait())];
    let of_barrier = barrier.statistics();
    assert_eq!((of_barrier.size, of_barrier.waiting), (3, 2));

    let lock = OnceLock::<u8>::new();
    let _makes = waiting(lock.get_or_init(std::future::pending::<u8>));
    let _waits = waiting(lock.get_or_init(async || 1));
    let _waits_too = waiting(lock.wait());
    assert_eq!(lock.statistics().waiting, 2);
}

#[test]
fn of_locks_and_permits_it_is_said_how_many_hold_and_how_many_wait() {
    let mutex = Mutex::new(());
    assert!(!mutex.statistics().is_locked);
    let guard = now(mutex.lock());
    let waits = waiting(mutex.lock());
    let stats = mutex.statistics();
    assert_eq!((stats.is_locked, stats.waiting), (true, 1));
    drop(guard);
    let stats = mutex.statistics();
    assert_eq!((stats.is_locked, stats.waiting), (true, 0), "granted");
    drop(waits);

    let lock = RwLock::new(());
    let readers = [now(lock.read()), now(lock.read())];
    let writer = waiting(lock.write());
    let stats = lock.statistics();
    assert_eq!(
        (stats.readers, stats.has_writer, stats.waiting),
        (2, false, 1)
    );
    drop(readers);
    let stats = lock.statistics();
    assert_eq!(
        (stats.readers, stats.has_writer, stats.waiting),
        (0, true, 0)
    );
    drop(writer);

    let semaphore = Semaphore::new(3);
    let _permit = now(semaphore.acquire());
    let _waits = waiting(semaphore.acquire_many(3));
    let stats = semaphore.statistics();
    assert_eq!((stats.available, stats.permits, stats.waiting), (2, 3, 1));

    let limiter = CapacityLimiter::new(1);
    let _token = now(limiter.acquire_on_behalf_of(Borrower::new()));
    let _waits = waiting(limiter.acquire());
    let stats = limiter.statistics();
    assert_eq!(
        (stats.borrowed_tokens, stats.total_tokens, stats.waiting),
        (1, 1, 1)
    );
}

#[test]
fn of_queues_it_is_said_what_went_through_them_too() {
    let queue = Queue::bounded(1);
    queue.try_put(1).unwrap();
    assert!(queue.try_get().is_ok());
    queue.try_put(2).unwrap();
    let waits = waiting(queue.put(3));
    let stats = queue.statistics();
    assert_eq!(
        (stats.len, stats.capacity, stats.put, stats.taken),
        (1, Some(1), 2, 1)
    );
    assert_eq!((stats.getters_waiting, stats.putters_waiting), (0, 1));
    drop(waits);
    let queue = PriorityQueue::<u8>::new();
    let _waits = waiting(queue.get());
    let stats = queue.statistics();
    assert_eq!(
        (stats.len, stats.capacity, stats.getters_waiting),
        (0, None, 1)
    );
}

/// trio's `test_statistics` of memory channels.
#[test]
fn of_channels_it_is_said_how_many_handles_they_have() {
    for bound in [0, 1] {
        let (sender, receiver) = mpsc::sync_channel(bound);
        let other = sender.clone();
        let mut waits = [0, 1].map(|item| Box::pin(other.send(item)));
        let polled = waits.each_mut().map(crate::support::poll_once);
        assert_eq!(polled[0].is_ready(), bound == 1);
        let stats = sender.statistics();
        assert_eq!(stats, receiver.statistics());
        assert_eq!((stats.len, stats.capacity), (1, Some(bound)));
        assert_eq!((stats.senders, stats.receivers), (2, 1));
        assert_eq!(stats.senders_waiting, 2 - bound);
        drop(waits);
    }
    let (sender, receiver) = mpsc::channel::<u8>();
    let _waits = waiting(receiver.recv());
    let stats = sender.statistics();
    assert_eq!((stats.capacity, stats.receivers_waiting), (None, 1));

    let (sender, mut receiver) = oneshot::channel();
    let polled = crate::support::poll_once(&mut receiver);
    assert!(polled.is_pending());
    let waits = waiting(sender.closed());
    let stats = sender.statistics();
    assert_eq!(stats, receiver.statistics());
    assert_eq!((stats.len, stats.capacity), (0, Some(1)));
    assert_eq!((stats.senders, stats.receivers), (1, 1));
    assert_eq!((stats.senders_waiting, stats.receivers_waiting), (1, 1));
    drop(waits);
    sender.send(42).unwrap();
    let stats = receiver.statistics();
    assert_eq!((stats.len, stats.senders), (1, 0));
    assert_eq!((stats.senders_waiting, stats.receivers_waiting), (0, 0));
    assert_eq!(now(receiver), Ok(42), "it was only counted");

    let (sender, receiver) = watch::channel(0);
    let receiver = Rc::new(receiver);
    let _waits = (waiting(receiver.changed()), waiting(sender.closed()));
    let stats = sender.statistics();
    assert_eq!(stats, receiver.statistics());
    assert_eq!(
        (stats.senders, stats.receivers, stats.receivers_waiting),
        (1, 1, 1)
    );
    assert_eq!(stats.senders_waiting, 1);

    let (sender, receiver) = broadcast::channel::<u8>(3);
    let _waits = waiting(receiver.recv());
    let stats = sender.statistics();
    assert_eq!(stats, receiver.statistics());
    assert_eq!(
        (stats.len, stats.capacity, stats.receivers_waiting),
        (0, Some(3), 1)
    );
}

#[test]
fn of_what_threads_share_it_is_said_as_well() {
    let queue = universal::Queue::bounded(1);
    queue.try_put(1).unwrap();
    assert!(queue.try_get().is_ok());
    let getter = waiting(queue.get());
    let stats = queue.statistics();
    assert_eq!(
        (stats.len, stats.capacity, stats.put, stats.taken),
        (0, Some(1), 1, 1)
    );
    assert_eq!((stats.getters_waiting, stats.putters_waiting), (1, 0));
    drop(getter);
    queue.try_put(2).unwrap();
    let putter = waiting(queue.put(3));
    let stats = queue.statistics();
    assert_eq!((stats.put, stats.putters_waiting), (2, 1));
    drop(putter);

    let event = universal::Event::new();
    let waits = [waiting(event.wait()), waiting(event.wait())];
    assert_eq!(event.statistics().waiting, 2);
    drop(waits);
    assert_eq!(event.statistics().waiting, 0);

    let outcome = universal::Outcome::<u8>::new();
    let _waits = waiting(outcome.wait());
    assert_eq!(outcome.statistics().waiting, 1);
}
