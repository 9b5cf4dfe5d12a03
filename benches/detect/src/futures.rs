//! The planted bugs in futures, as shuttle has them: with the awaits of `tests/explore/bugs.rs`, and
//! nothing else at which it could switch but its locks.

use std::cell::Cell;
use std::rc::Rc;

use shuttle::future::batch_semaphore::{BatchSemaphore, Fairness};
use shuttle::future::{JoinHandle, block_on, spawn_local, yield_now};
use shuttle::sync::{Condvar, Mutex};

/// In the order of `bugs::ALL`.
pub const ALL: [Option<crate::Case>; 7] = [
    Some(|| block_on(lost_update())),
    Some(|| block_on(lock_order())),
    Some(|| block_on(missed_notify())),
    Some(|| block_on(double_release())),
    Some(|| block_on(cancellation_hole())),
    Some(|| block_on(late_starter())),
    Some(|| block_on(three_in_a_row())),
];

/// Gives way so often.
async fn pause(times: usize) {
    for _ in 0..times {
        yield_now().await;
    }
}

async fn join(task: JoinHandle<()>) {
    task.await.unwrap();
}

async fn lost_update() {
    let balance = Rc::new(Cell::new(0));
    let deposit = |amount, before| {
        let balance = Rc::clone(&balance);
        spawn_local(async move {
            pause(before).await;
            let read = balance.get();
            yield_now().await;
            balance.set(read + amount);
        })
    };
    let (one, other) = (deposit(1, 0), deposit(2, 2));
    join(one).await;
    join(other).await;
    assert_eq!(balance.get(), 3, "an update was lost");
}

async fn lock_order() {
    let locks = Rc::new((Mutex::new(()), Mutex::new(())));
    let both = |is_first: bool, before| {
        let locks = Rc::clone(&locks);
        spawn_local(async move {
            pause(before).await;
            let (first, second) = match is_first {
                true => (&locks.0, &locks.1),
                false => (&locks.1, &locks.0),
            };
            let _first = first.lock().unwrap();
            yield_now().await;
            let _second = second.lock().unwrap();
        })
    };
    let (one, other) = (both(true, 0), both(false, 2));
    join(one).await;
    join(other).await;
}

async fn missed_notify() {
    let shared = Rc::new((Mutex::new(false), Condvar::new()));
    let (waiting, notifying) = (Rc::clone(&shared), Rc::clone(&shared));
    let waiter = spawn_local(async move {
        let is_done = *waiting.0.lock().unwrap();
        if !is_done {
            yield_now().await;
            let guard = waiting.0.lock().unwrap();
            drop(waiting.1.wait(guard));
        }
    });
    let notifier = spawn_local(async move {
        pause(3).await;
        *notifying.0.lock().unwrap() = true;
        notifying.1.notify_one();
    });
    join(waiter).await;
    join(notifier).await;
}

async fn double_release() {
    let (free, is_held) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(true)));
    let release = |free: &Cell<u32>| {
        free.set(free.get() + 1);
        assert!(free.get() <= 1, "a slot was given back twice");
    };
    let (slots, held) = (Rc::clone(&free), Rc::clone(&is_held));
    let worker = spawn_local(async move {
        pause(1).await;
        if held.get() {
            yield_now().await;
            held.set(false);
            release(&slots);
        }
    });
    let (slots, held) = (Rc::clone(&free), Rc::clone(&is_held));
    let watcher = spawn_local(async move {
        pause(4).await;
        if held.replace(false) {
            release(&slots);
        }
    });
    join(worker).await;
    join(watcher).await;
}

async fn cancellation_hole() {
    let jobs = Rc::new((BatchSemaphore::new(0, Fairness::StrictlyFair), Cell::new(0)));
    let noted = Rc::new(Cell::new(0));
    let (inbox, notes) = (Rc::clone(&jobs), Rc::clone(&noted));
    let worker = spawn_local(async move {
        loop {
            inbox.0.acquire(1).await.unwrap();
            inbox.1.set(inbox.1.get() - 1);
            yield_now().await;
            notes.set(notes.get() + 1);
        }
    });
    let inbox = Rc::clone(&jobs);
    let boss = spawn_local(async move {
        pause(1).await;
        inbox.1.set(1);
        inbox.0.release(1);
        pause(3).await;
        worker.abort();
        drop(worker.await);
    });
    join(boss).await;
    assert_eq!(noted.get() + jobs.1.get(), 1, "a job was lost");
}

async fn late_starter() {
    let is_closed = Rc::new(Cell::new(false));
    let closed = Rc::clone(&is_closed);
    let writer = spawn_local(async move {
        assert!(!closed.get(), "writing to a closed file");
    });
    pause(20).await;
    is_closed.set(true);
    join(writer).await;
}

async fn three_in_a_row() {
    let open = Rc::new(Cell::new(0));
    let window = |nth, before| {
        let open = Rc::clone(&open);
        spawn_local(async move {
            pause(before).await;
            if open.get() == nth {
                assert!(nth < 2, "all three at once");
                open.set(nth + 1);
                yield_now().await;
                open.set(nth);
            }
        })
    };
    for task in [window(0, 5), window(1, 3), window(2, 1)] {
        join(task).await;
    }
}
