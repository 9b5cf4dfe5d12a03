//! Who waits for ever is told where: in the program, and not in this library.

use bibelot::sync::{
    Barrier, CapacityLimiter, Condvar, Mutex, OnceLock, PriorityQueue, Queue, RwLock, broadcast,
    mpsc, oneshot, watch,
};
use bibelot::testing::Sim;

use crate::now;
use crate::support::panic_of;

/// Fails unless the deadlock of this wait is told with the place where it stands.
macro_rules! told {
    ($wait:expr) => {
        let text = panic_of(|| {
            Sim::new().run(async {
                let _ = $wait.await;
            })
        });
        let place = format!("waits for another task at tests/sync/places.rs:{}", line!());
        assert!(text.contains(&place), "{place} is not in: {text}");
    };
}

#[test]
fn of_locks_and_what_is_beside_them() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    told!(condvar.wait(now(mutex.lock())));
    told!(condvar.wait_while(now(mutex.lock()), |_| true));
    let lock = RwLock::new(0);
    let writer = now(lock.write());
    told!(lock.read());
    told!(lock.write());
    drop(writer);
    told!(Barrier::new(2).wait());
    told!(CapacityLimiter::new(0).acquire());
    told!(OnceLock::<u8>::new().wait());
}

#[test]
fn a_wait_for_a_lock_that_is_had_again_is_told_where_the_whole_wait_is() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let mut line = 0;
    let text = panic_of(|| {
        Sim::new().run(async {
            let guard = mutex.lock().await;
            line = line!() + 1;
            let mut wait = std::pin::pin!(condvar.wait(guard));
            assert!(crate::support::poll_once(&mut wait).is_pending());
            let _held = mutex.lock().await;
            condvar.notify_one();
            drop(wait.await);
        });
    });
    // The place at which the wait was asked for, whatever it waits for by now.
    let place = format!("waits for another task at tests/sync/places.rs:{line}");
    assert!(text.contains(&place), "{place} is not in: {text}");
}

#[test]
fn of_channels_and_queues() {
    let (sender, receiver) = mpsc::sync_channel::<u8>(0);
    told!(sender.send(1));
    told!(receiver.recv());
    told!(receiver.iter().next());
    told!(receiver.clone().into_iter().next());
    let (sender, receiver) = broadcast::channel::<u8>(1);
    told!(receiver.recv());
    drop(sender);
    let (sender, receiver) = watch::channel(0);
    told!(receiver.changed());
    told!(receiver.wait_for(|value| *value > 0));
    told!(sender.closed());
    let (sender, receiver) = oneshot::channel::<u8>();
    told!(sender.closed());
    drop(receiver);
    let (_sender, receiver) = oneshot::channel::<u8>();
    told!(receiver);
    let queue = Queue::bounded(1);
    told!(queue.get());
    queue.try_put(1).unwrap();
    told!(queue.put(2));
    told!(queue.join());
    told!(PriorityQueue::<u8>::new().get());
}
