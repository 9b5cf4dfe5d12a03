//! Planted bugs, each beside its mended version. None of them shows in the plain order.
//!
//! `benches/detect` measures them as well, beside the same in threads.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;

use bibelot::sync::{Condvar, Mutex, Queue};
use bibelot::task::{Builder, JoinHandle, yield_now};

/// A test with a bug, or without.
pub(crate) struct Bug {
    /// What it is called.
    pub(crate) name: &'static str,
    /// What it fails with.
    pub(crate) says: &'static str,
    /// The test.
    run: fn(is_mended: bool) -> Test,
}

/// The future of a test.
type Test = Pin<Box<dyn Future<Output = ()>>>;

impl Bug {
    /// The test as it should not be.
    pub(crate) fn broken(&self) -> Test {
        (self.run)(false)
    }

    /// The test as it should be.
    pub(crate) fn mended(&self) -> Test {
        (self.run)(true)
    }
}

/// All of them.
pub(crate) const ALL: [Bug; 6] = [
    Bug {
        name: "lost update",
        says: "an update was lost",
        run: |is_mended| Box::pin(lost_update(is_mended)),
    },
    Bug {
        name: "lock order",
        says: "deadlock: ",
        run: |is_mended| Box::pin(lock_order(is_mended)),
    },
    Bug {
        name: "missed notify",
        says: "deadlock: ",
        run: |is_mended| Box::pin(missed_notify(is_mended)),
    },
    Bug {
        name: "double release",
        says: "a slot was given back twice",
        run: |is_mended| Box::pin(double_release(is_mended)),
    },
    Bug {
        name: "cancellation hole",
        says: "a job was lost",
        run: |is_mended| Box::pin(cancellation_hole(is_mended)),
    },
    Bug {
        name: "late starter",
        says: "writing to a closed file",
        run: |is_mended| Box::pin(late_starter(is_mended)),
    },
];

#[track_caller]
fn spawn(name: &'static str, task: impl Future<Output = ()> + 'static) -> JoinHandle<()> {
    Builder::new().name(name).spawn(task)
}

/// Gives way so often: what a task does that is none of our business.
async fn pause(times: usize) {
    for _ in 0..times {
        yield_now().await;
    }
}

/// The balance is read, then something is awaited, then it is written.
async fn lost_update(is_mended: bool) {
    let balance = Rc::new(Cell::new(0));
    let deposit = |amount, before| {
        let balance = Rc::clone(&balance);
        async move {
            pause(before).await;
            if is_mended {
                yield_now().await;
                balance.set(balance.get() + amount);
            } else {
                let read = balance.get();
                yield_now().await;
                balance.set(read + amount);
            }
        }
    };
    let one = spawn("one", deposit(1, 0));
    let other = spawn("other", deposit(2, 2));
    one.await.unwrap();
    other.await.unwrap();
    assert_eq!(balance.get(), 3, "an update was lost");
}

/// Two locks, taken in two orders.
async fn lock_order(is_mended: bool) {
    let locks = Rc::new((Mutex::new(()), Mutex::new(())));
    let both = |is_first: bool, before| {
        let locks = Rc::clone(&locks);
        async move {
            pause(before).await;
            let (first, second) = match is_first || is_mended {
                true => (&locks.0, &locks.1),
                false => (&locks.1, &locks.0),
            };
            let _first = first.lock().await;
            yield_now().await;
            let _second = second.lock().await;
        }
    };
    let one = spawn("one", both(true, 0));
    let other = spawn("other", both(false, 2));
    one.await.unwrap();
    other.await.unwrap();
}

/// Looks whether it is done, and waits for a notification if not: which may have come in between.
async fn missed_notify(is_mended: bool) {
    let shared = Rc::new((Mutex::new(false), Condvar::new()));
    let (waiting, notifying) = (Rc::clone(&shared), Rc::clone(&shared));
    let waiter = spawn("waiter", async move {
        let (is_done, condvar) = &*waiting;
        let mut guard = is_done.lock().await;
        if is_mended {
            while !*guard {
                guard = condvar.wait(guard).await;
            }
        } else if !*guard {
            drop(guard);
            yield_now().await;
            let guard = is_done.lock().await;
            drop(condvar.wait(guard).await);
        }
    });
    let notifier = spawn("notifier", async move {
        let (is_done, condvar) = &*notifying;
        pause(3).await;
        *is_done.lock().await = true;
        condvar.notify_one();
    });
    waiter.await.unwrap();
    notifier.await.unwrap();
}

/// A worker gives its slot back when it is done, and so does who gives up waiting for it.
async fn double_release(is_mended: bool) {
    let (free, is_held) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(true)));
    let release = |free: &Cell<u32>| {
        free.set(free.get() + 1);
        assert!(free.get() <= 1, "a slot was given back twice");
    };
    let (slots, held) = (Rc::clone(&free), Rc::clone(&is_held));
    let worker = spawn("worker", async move {
        pause(1).await;
        if is_mended {
            if held.replace(false) {
                yield_now().await;
                release(&slots);
            }
        } else if held.get() {
            yield_now().await;
            held.set(false);
            release(&slots);
        }
    });
    let (slots, held) = (Rc::clone(&free), Rc::clone(&is_held));
    let watcher = spawn("watcher", async move {
        pause(4).await;
        if held.replace(false) {
            release(&slots);
        }
    });
    worker.await.unwrap();
    watcher.await.unwrap();
    assert_eq!(free.get(), 1);
}

/// A worker takes a job, and awaits something before it has noted it; a cancel comes there.
async fn cancellation_hole(is_mended: bool) {
    let jobs = Rc::new(Queue::new());
    let noted = Rc::new(RefCell::new(Vec::new()));
    let (inbox, notes) = (Rc::clone(&jobs), Rc::clone(&noted));
    let worker = spawn("worker", async move {
        loop {
            let Ok(job) = inbox.get().await else { return };
            if is_mended {
                notes.borrow_mut().push(job);
                yield_now().await;
            } else {
                yield_now().await;
                notes.borrow_mut().push(job);
            }
        }
    });
    let inbox = Rc::clone(&jobs);
    let boss = spawn("boss", async move {
        pause(1).await;
        inbox.try_put("job").unwrap();
        pause(3).await;
        worker.cancel();
        drop(worker.await);
    });
    boss.await.unwrap();
    let left = jobs.len();
    assert_eq!(noted.borrow().len() + left, 1, "a job was lost");
}

/// A file is closed after a while, and a writer that has been ready all the time writes to it after that.
async fn late_starter(is_mended: bool) {
    let is_closed = Rc::new(Cell::new(false));
    let closed = Rc::clone(&is_closed);
    let writer = spawn("writer", async move {
        assert!(!closed.get(), "writing to a closed file");
    });
    if is_mended {
        writer.await.unwrap();
    } else {
        pause(20).await;
    }
    is_closed.set(true);
}
