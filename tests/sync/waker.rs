//! Wakers that are not the executor's own: another one at every poll, and such as come back with
//! anything whenever they are cloned, woken or dropped.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bibelot::sync::{Event, Mutex, Queue, Semaphore, oneshot};

use crate::support::foreign::{self, Call};
use crate::support::{poll_once, text_of};
use crate::{now, waiting};

/// Counts its wakes.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Polls with a waker that counts.
fn poll_counting<F: Future + Unpin>(future: &mut F, count: &Arc<Count>) -> Poll<F::Output> {
    let waker = Waker::from(Arc::clone(count));
    Pin::new(future).poll(&mut Context::from_waker(&waker))
}

/// Polls with a waker whose every call is told to the hook.
fn poll_foreign<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    let waker = foreign::waker();
    Pin::new(future).poll(&mut Context::from_waker(&waker))
}

#[test]
fn the_last_waker_is_woken_once_and_none_is_kept() {
    let mutex = Mutex::new(());
    let (old, new) = (Arc::<Count>::default(), Arc::<Count>::default());
    let guard = now(mutex.lock());
    let mut second = Box::pin(mutex.lock());
    assert!(poll_counting(&mut second, &old).is_pending());
    assert!(poll_counting(&mut second, &new).is_pending());
    assert_eq!(Arc::strong_count(&old), 1, "what is replaced is dropped");
    let mut third = Box::pin(mutex.lock());
    assert!(poll_counting(&mut third, &old).is_pending());
    drop(guard);
    let wakes = |count: &Arc<Count>| count.0.load(Ordering::Relaxed);
    assert_eq!((wakes(&old), wakes(&new)), (0, 1));
    // Polled with yet another one when it is granted.
    assert!(poll_counting(&mut second, &old).is_ready());
    assert_eq!(wakes(&old), 1, "the third's");
    drop(third);
    assert_eq!((Arc::strong_count(&old), Arc::strong_count(&new)), (1, 1));
}

#[test]
fn a_receiver_keeps_the_last_waker_and_only_while_it_may_wait() {
    let (old, new) = (Arc::<Count>::default(), Arc::<Count>::default());
    let (sender, mut receiver) = oneshot::channel::<u8>();
    assert!(poll_counting(&mut receiver, &old).is_pending());
    assert!(poll_counting(&mut receiver, &new).is_pending());
    assert_eq!(Arc::strong_count(&old), 1, "what is replaced is dropped");
    receiver.close();
    assert_eq!(Arc::strong_count(&new), 1, "nothing can be sent any more");
    drop(sender);
    assert_eq!(new.0.load(Ordering::Relaxed), 0);

    let (sender, mut receiver) = oneshot::channel::<u8>();
    assert!(poll_counting(&mut receiver, &new).is_pending());
    drop(receiver);
    assert_eq!(Arc::strong_count(&new), 1);
    assert!(sender.send(0).is_err());

    let (sender, mut receiver) = oneshot::channel::<u8>();
    assert!(poll_counting(&mut receiver, &new).is_pending());
    drop(sender);
    assert_eq!(new.0.load(Ordering::Relaxed), 1);
    assert!(poll_counting(&mut receiver, &new).is_ready());
}

#[test]
fn an_operation_that_is_ready_keeps_no_waker() {
    let clones = Rc::new(Cell::new(0));
    let counted = Rc::clone(&clones);
    foreign::set_hook(move |call| {
        if call == Call::Clone {
            counted.set(counted.get() + 1);
        }
    });
    let (mutex, event, queue) = (Mutex::new(()), Event::new(), Queue::bounded(1));
    event.set();
    assert!(poll_foreign(&mut Box::pin(mutex.lock())).is_ready());
    assert!(poll_foreign(&mut Box::pin(event.wait())).is_ready());
    assert!(poll_foreign(&mut Box::pin(queue.put(0))).is_ready());
    assert!(poll_foreign(&mut Box::pin(queue.get())).is_ready());
    let (sender, receiver) = oneshot::channel();
    sender.send(0).unwrap();
    assert!(poll_foreign(&mut Box::pin(receiver)).is_ready());
    assert_eq!(clones.get(), 0);
    drop(now(mutex.lock()));
    assert!(poll_foreign(&mut Box::pin(queue.get())).is_pending());
    assert_eq!(clones.get(), 1);
}

/// The clone of a waker gives what was not there when it was looked for.
#[test]
fn what_comes_while_the_waker_is_cloned_is_not_missed() {
    let mutex: &Mutex<()> = Box::leak(Box::default());
    let held = RefCell::new(Some(now(mutex.lock())));
    foreign::set_hook(move |call| {
        if call == Call::Clone {
            drop(held.take());
        }
    });
    assert!(poll_foreign(&mut Box::pin(mutex.lock())).is_ready());

    let held = RefCell::new(Some(now(mutex.lock())));
    let mut waits = waiting(mutex.lock());
    foreign::set_hook(move |call| {
        if call == Call::Clone {
            drop(held.take());
        }
    });
    // It stood in line with another waker, which was woken.
    assert!(poll_foreign(&mut waits).is_ready());
    drop(waits);

    let event: &Event = Box::leak(Box::default());
    foreign::set_hook(move |call| {
        if call == Call::Clone {
            event.set();
        }
    });
    assert!(poll_foreign(&mut Box::pin(event.wait())).is_ready());

    let (sender, receiver) = oneshot::channel();
    let sender = Cell::new(Some(sender));
    foreign::set_hook(move |call| {
        if call == Call::Clone {
            sender.take().unwrap().send(0).unwrap();
        }
    });
    assert!(poll_foreign(&mut Box::pin(receiver)).is_ready());

    let queue: &Queue<u8> = Box::leak(Box::default());
    foreign::set_hook(move |call| {
        if call == Call::Clone {
            queue.close();
        }
    });
    assert!(poll_foreign(&mut Box::pin(queue.get())).is_ready());
}

/// The clone of a waker gives what was not there, so the clone is not needed, and its drop takes it.
#[test]
fn what_goes_while_a_waker_is_dropped_is_waited_for() {
    let mutex: &Mutex<()> = Box::leak(Box::default());
    let held = Rc::new(RefCell::new(Some(now(mutex.lock()))));
    let taken = Rc::clone(&held);
    let is_over = Rc::new(Cell::new(false));
    let ended = Rc::clone(&is_over);
    foreign::set_hook(move |call| match call {
        Call::Clone if taken.borrow().is_some() => drop(taken.take()),
        Call::Drop if !ended.replace(true) => drop(taken.replace(mutex.try_lock().ok())),
        Call::Clone | Call::Drop | Call::Wake => {}
    });
    let mut lock = Box::pin(mutex.lock());
    let waker = ManuallyDrop::new(foreign::waker());
    let polled = lock.as_mut().poll(&mut Context::from_waker(&waker));
    // The first pass kept a waker in vain; a second one took the lock again in its clone.
    assert!(is_over.get());
    assert!(polled.is_ready());
    foreign::set_hook(|_| {});
    drop((held.take(), polled));
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn a_wake_may_come_back_with_anything() {
    let mutex: &Mutex<()> = Box::leak(Box::default());
    let semaphore: &Semaphore = Box::leak(Box::new(Semaphore::new(2)));
    let event: &Event = Box::leak(Box::default());
    let queue: &Queue<u8> = Box::leak(Box::new(Queue::bounded(1)));
    let times = Rc::new(Cell::new(0));
    let counted = Rc::clone(&times);
    let meddle = move |_| {
        counted.set(counted.get() + 1);
        let _ = format!("{mutex:?} {semaphore:?} {event:?} {queue:?}");
        drop(mutex.try_lock());
        drop(semaphore.try_acquire());
        for mut wait in [
            waiting_or_not(mutex.lock()),
            waiting_or_not(semaphore.acquire()),
        ] {
            let _ = wait();
        }
        let _ = waiting_or_not(event.wait())();
        let _ = waiting_or_not(queue.get())();
        let _ = waiting_or_not(queue.put(0))();
        let _ = queue.try_get();
        let _ = queue.try_put(1);
        let _ = waiting_or_not(queue.join())();
        event.set();
        event.clear();
    };
    foreign::set_hook(meddle);
    for _ in 0..3 {
        let guard = now(mutex.lock());
        let permits = now(semaphore.acquire_many(2));
        let mut lock = Box::pin(mutex.lock());
        let mut again = Box::pin(mutex.lock());
        let mut acquire = Box::pin(semaphore.acquire());
        let mut wait = Box::pin(event.wait());
        let mut get = Box::pin(queue.get());
        let _ = poll_foreign(&mut lock).is_ready();
        let _ = poll_foreign(&mut again).is_ready();
        let _ = poll_foreign(&mut acquire).is_ready();
        let _ = poll_foreign(&mut wait).is_ready();
        let _ = poll_foreign(&mut get).is_ready();
        drop((guard, permits));
        event.set();
        let _ = queue.try_put(0);
        let _ = poll_foreign(&mut again).is_ready();
    }
    assert!(times.get() > 20, "{}", times.get());
    foreign::set_hook(|_| {});
    assert!(mutex.try_lock().is_ok());
    assert!(semaphore.try_acquire_many(2).is_ok());
}

/// A future to be polled once, whatever comes of it.
fn waiting_or_not<'a, F: Future + 'a>(future: F) -> Box<dyn FnMut() -> bool + 'a> {
    let mut future = Box::pin(future);
    Box::new(move || poll_foreign(&mut future).is_ready())
}

/// By a waker that polls on the spot, as some executors of others do.
#[test]
fn who_is_polled_in_its_wake_finds_what_it_was_granted() {
    let mutex: &Mutex<u32> = Box::leak(Box::default());
    let queue: &Queue<u32> = Box::leak(Box::default());
    let guard = now(mutex.lock());
    let mut both = Box::pin(async {
        let mut count = mutex.lock().await;
        *count += queue.get().await.unwrap();
    });
    assert!(poll_foreign(&mut both).is_pending());
    let polled = Rc::new(RefCell::new(Vec::new()));
    let (both, seen) = (RefCell::new(both), Rc::clone(&polled));
    foreign::set_hook(move |call| {
        if call == Call::Wake {
            let is_ready = poll_foreign(&mut *both.borrow_mut()).is_ready();
            seen.borrow_mut().push(is_ready);
        }
    });
    drop(guard);
    assert!(mutex.try_lock().is_err());
    queue.try_put(5).unwrap();
    assert_eq!(polled.take(), [false, true]);
    assert_eq!(*mutex.try_lock().unwrap(), 5);
}

#[test]
fn who_comes_while_an_event_wakes_the_others_is_not_released_with_them() {
    let event: &'static Event = Box::leak(Box::default());
    let late = Rc::new(RefCell::new(None));
    let (left, is_first) = (Rc::clone(&late), Cell::new(true));
    let mut before = [Box::pin(event.wait()), Box::pin(event.wait())];
    for wait in &mut before {
        assert!(poll_foreign(wait).is_pending());
    }
    foreign::set_hook(move |call| {
        if call == Call::Wake && is_first.replace(false) {
            event.clear();
            *left.borrow_mut() = Some(waiting(event.wait()));
        }
    });
    event.set();
    for wait in &mut before {
        assert!(poll_once(wait).is_ready());
    }
    let mut late = late.take().unwrap();
    assert!(poll_once(&mut late).is_pending());
    event.set();
    assert!(poll_once(&mut late).is_ready());
}

/// The panic of a waker is its own: it is reported, and all others are woken.
#[test]
fn a_waker_that_panics_keeps_nobody_from_being_woken() {
    let event: &'static Event = Box::leak(Box::default());
    foreign::set_hook(|call| assert!(call != Call::Wake, "on purpose"));
    let mut panics = Box::pin(event.wait());
    assert!(poll_foreign(&mut panics).is_pending());
    let mut other = waiting(event.wait());
    event.set();
    assert!(poll_once(&mut panics).is_ready() && poll_once(&mut other).is_ready());

    // One that panics when it is cloned takes no place.
    foreign::set_hook(|call| assert!(call != Call::Clone, "on purpose"));
    let mutex = Mutex::new(());
    let guard = now(mutex.lock());
    let mut lock = Box::pin(mutex.lock());
    let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        poll_foreign(&mut lock).is_ready()
    }));
    assert_eq!(text_of(&*polled.unwrap_err()), "on purpose");
    foreign::set_hook(|_| {});
    drop(guard);
    assert!(mutex.try_lock().is_ok());
}
