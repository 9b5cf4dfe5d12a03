//! Wakers of others, whose every call comes back with anything, at all that is built of lines: nothing
//! is borrowed meanwhile, and all is as it should be afterwards.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc::TryRecvError;
use std::task::Context;

use bibelot::sync::{
    Barrier, Borrower, CapacityLimiter, Condvar, Mutex, OnceLock, PriorityQueue, RwLock, broadcast,
    mpsc, oneshot, watch,
};

use crate::support::foreign::{self, Call};
use crate::support::poll_once;
use crate::{now, waiting};

/// Whether a future is ready, polled with a waker whose every call is told to the hook.
fn is_ready<F: Future + Unpin>(future: &mut F) -> bool {
    let waker = foreign::waker();
    Pin::new(future)
        .poll(&mut Context::from_waker(&waker))
        .is_ready()
}

/// Polls a future once, whatever comes of it.
fn touch(future: impl Future) {
    is_ready(&mut Box::pin(future));
}

/// Calls `f` at every call of a foreign waker, and not again while it runs.
fn meddle(f: impl Fn() + 'static) -> Rc<Cell<usize>> {
    let times = Rc::new(Cell::new(0));
    let counted = Rc::clone(&times);
    let is_inside = Cell::new(false);
    foreign::set_hook(move |_| {
        if !is_inside.replace(true) {
            counted.set(counted.get() + 1);
            f();
            is_inside.set(false);
        }
    });
    times
}

#[test]
fn locks_and_what_is_waited_for_beside_them() {
    let lock: &RwLock<u8> = Box::leak(Box::default());
    let mutex: &Mutex<u8> = Box::leak(Box::default());
    let condvar: &Condvar = Box::leak(Box::default());
    let barrier: &Barrier = Box::leak(Box::new(Barrier::new(3)));
    let limiter: &CapacityLimiter = Box::leak(Box::new(CapacityLimiter::new(2)));
    let times = meddle(move || {
        let _ = format!("{lock:?} {mutex:?} {condvar:?} {barrier:?} {limiter:?}");
        touch(lock.read());
        touch(lock.write());
        condvar.notify_one();
        touch(limiter.acquire_on_behalf_of(Borrower::new()));
        limiter.set_total_tokens(limiter.total_tokens() % 3 + 1);
        touch(barrier.wait());
        if let Ok(guard) = mutex.try_lock() {
            touch(condvar.wait(guard));
        }
        condvar.notify_all();
    });
    for _ in 0..5 {
        let reader = now(lock.read());
        let token = limiter.try_acquire();
        let mut write = Box::pin(lock.write());
        let mut read = Box::pin(lock.read());
        let mut borrow = Box::pin(limiter.acquire());
        let mut wait = Box::pin(condvar.wait(now(mutex.lock())));
        let is_over = is_ready(&mut wait);
        let mut other = Box::pin(async {
            let guard = mutex.lock().await;
            drop(condvar.wait(guard).await);
        });
        let mut comes = Box::pin(barrier.wait());
        let _ = (
            is_ready(&mut write),
            is_ready(&mut read),
            is_ready(&mut borrow),
        );
        let _ = (is_ready(&mut other), is_ready(&mut comes));
        condvar.notify_all();
        drop((reader, token));
        let _ = is_over || is_ready(&mut wait);
        let _ = is_ready(&mut read);
    }
    assert!(times.get() > 20, "{}", times.get());
    foreign::set_hook(|_| {});
    assert!(lock.try_write().is_ok());
    assert!(mutex.try_lock().is_ok());
    assert_eq!(
        (condvar.statistics().waiting, barrier.statistics().waiting),
        (0, 0)
    );
    assert_eq!(limiter.borrowed_tokens(), 0);
}

#[test]
fn channels_and_values() {
    let (sender, receiver) = mpsc::sync_channel(0);
    let (one, all) = broadcast::channel(2);
    let (changes, watches) = watch::channel(0);
    let queue: &PriorityQueue<u8> = Box::leak(Box::new(PriorityQueue::bounded(1)));
    let times = {
        let (sender, receiver) = (sender.clone(), receiver.clone());
        let (one, all) = (one.clone(), all.resubscribe());
        let (changes, watches) = (changes.clone(), watches.clone());
        meddle(move || {
            let _ = format!(
                "{sender:?} {receiver:?} {one:?} {all:?} {changes:?} {watches:?} {queue:?}"
            );
            let _ = (sender.try_send(1), receiver.try_recv());
            touch(sender.send(2));
            touch(receiver.recv());
            let _ = one.send(1);
            let _ = all.try_recv();
            touch(all.recv());
            let _ = changes.send(1);
            touch(watches.changed());
            let _ = (queue.try_put(1), queue.try_get());
            touch(queue.get());
        })
    };
    for _ in 0..5 {
        let mut recv = Box::pin(receiver.recv());
        let mut send = Box::pin(sender.send(3));
        let mut behind = Box::pin(sender.send(4));
        let mut all_recv = Box::pin(all.recv());
        let mut changed = Box::pin(watches.changed());
        let mut get = Box::pin(queue.get());
        let mut put = Box::pin(queue.put(2));
        let _ = (
            is_ready(&mut recv),
            is_ready(&mut send),
            is_ready(&mut behind),
        );
        let _ = (is_ready(&mut all_recv), is_ready(&mut changed));
        let _ = (is_ready(&mut get), is_ready(&mut put));
        let _ = (one.send(2), changes.send(2), queue.try_get());
        let _ = receiver.try_recv();
        let (sent, received) = oneshot::channel();
        let mut received = received;
        let _ = is_ready(&mut received);
        sent.send(5).unwrap();
        assert!(is_ready(&mut received));
    }
    assert!(times.get() > 20, "{}", times.get());
    foreign::set_hook(|_| {});
    // All who waited are gone: the channel carries as on the first day.
    while receiver.try_recv().is_ok() {}
    let mut sends = waiting(sender.send(9));
    assert_eq!(receiver.try_recv(), Ok(9));
    assert!(poll_once(&mut sends).is_ready());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(sender.statistics().senders_waiting, 0);
    assert_eq!(sender.statistics().receivers_waiting, 0);
    while queue.try_get().is_ok() {}
    queue.try_put(7).unwrap();
    assert_eq!(now(queue.get()), Ok(7));
}

/// A waker that polls on the spot, so that the receiver has the item before its sender knows.
#[test]
fn an_item_may_be_received_while_it_is_sent() {
    let (sender, receiver) = mpsc::sync_channel(0);
    let receiver: &'static mpsc::Receiver<u8> = Box::leak(Box::new(receiver));
    let receives = Box::pin(async move { (receiver.recv().await, receiver.recv().await) });
    let receives = Rc::new(RefCell::new(receives));
    assert!(!is_ready(&mut *receives.borrow_mut()));
    let inside = Rc::clone(&receives);
    let is_over = Rc::new(Cell::new(false));
    let over = Rc::clone(&is_over);
    foreign::set_hook(move |call| {
        if call == Call::Wake {
            over.set(is_ready(&mut *inside.borrow_mut()));
        }
    });
    now(sender.send(1)).unwrap();
    assert!(!is_over.get());
    now(sender.send(2)).unwrap();
    assert!(is_over.get());
    foreign::set_hook(|_| {});
    assert_eq!(sender.statistics().len, 0);
}

/// A waker that polls on the spot, so that the next sender has put its item before the one before it
/// is told that its own was received.
#[test]
fn who_comes_up_while_an_item_is_received_still_waits_for_its_own() {
    let (sender, receiver) = mpsc::sync_channel(0);
    let sender: &'static mpsc::SyncSender<u8> = Box::leak(Box::new(sender));
    let mut first = waiting(sender.send(1));
    let second = Rc::new(RefCell::new(Box::pin(sender.send(2))));
    assert!(!is_ready(&mut *second.borrow_mut()));
    let inside = Rc::clone(&second);
    let has_put = Cell::new(false);
    foreign::set_hook(move |call| {
        if call == Call::Wake && !has_put.replace(true) {
            assert!(!is_ready(&mut *inside.borrow_mut()));
        }
    });
    assert_eq!(receiver.try_recv(), Ok(1));
    foreign::set_hook(|_| {});
    assert!(poll_once(&mut first).is_ready());
    assert!(poll_once(&mut *second.borrow_mut()).is_pending());
    assert_eq!(receiver.try_recv(), Ok(2));
    assert!(poll_once(&mut *second.borrow_mut()).is_ready());
}

#[test]
fn a_value_that_is_set_while_a_waker_is_cloned_is_not_missed() {
    let lock: &'static OnceLock<u8> = Box::leak(Box::default());
    foreign::set_hook(move |call| {
        if call == Call::Clone {
            let _ = lock.set(1);
        }
    });
    assert!(is_ready(&mut Box::pin(lock.wait())));
    let (sender, receiver) = watch::channel(0);
    foreign::set_hook(move |call| {
        if call == Call::Clone {
            let _ = sender.send(1);
        }
    });
    assert!(is_ready(&mut Box::pin(receiver.changed())));
    let barrier: &'static Barrier = Box::leak(Box::new(Barrier::new(2)));
    let other = RefCell::new(None);
    foreign::set_hook(move |call| {
        if call == Call::Clone && other.borrow().is_none() {
            *other.borrow_mut() = Some(waiting(barrier.wait()));
        }
    });
    assert!(
        is_ready(&mut Box::pin(barrier.wait())),
        "the other came first"
    );
}
