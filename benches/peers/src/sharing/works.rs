//! The workloads of tasks that share: each in a runtime, with the locks and channels of a library.

use std::cell::{Cell, RefCell};
use std::future::ready;
use std::io;
use std::rc::Rc;
use std::time::Instant;

use super::library::{Channel, Lock, Once};
use crate::cells::{Slot, Yield};
use crate::machine::{cpu, process_cpu};
use crate::runtime::Runtime;
use crate::workload::run;

/// How many items are sent to a channel without a limit before its receiver has its turn.
const BURST: u64 = 100;

/// Nanoseconds per operation, by each clock.
#[derive(Clone, Copy)]
pub struct Nanos {
    pub thread: f64,
    pub process: f64,
    pub wall: f64,
}

/// When a batch began.
pub struct Since {
    thread: u64,
    process: u64,
    wall: Instant,
}

impl Since {
    pub fn now() -> Since {
        Since {
            wall: Instant::now(),
            process: process_cpu(),
            thread: cpu(),
        }
    }

    /// What each of so many operations has cost.
    pub fn per(self, ops: u64) -> Nanos {
        let [thread, process, wall] = [
            cpu() - self.thread,
            process_cpu() - self.process,
            self.wall.elapsed().as_nanos() as u64,
        ]
        .map(|nanos| nanos as f64 / ops as f64);
        Nanos {
            thread,
            process,
            wall,
        }
    }
}

/// One task takes a lock that is free; several hand it to each other, each gives way inside.
pub fn lock<R: Runtime, L: Lock, const TASKS: u64>(ops: u64) -> io::Result<Nanos> {
    run::<R, _>(async move {
        let lock = Rc::new(L::free());
        let since = Since::now();
        if TASKS == 1 {
            for _ in 0..ops {
                lock.hold(ready(())).await;
            }
            return since.per(ops);
        }
        let tasks = (0..TASKS).map(|_| {
            let lock = lock.clone();
            R::spawn(async move {
                for _ in 0..ops / TASKS {
                    lock.hold(Yield::default()).await;
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await;
        }
        since.per(ops)
    })
}

/// One task sends and another receives.
pub fn channel<R: Runtime, C: Channel, const BOUND: u64>(ops: u64) -> io::Result<Nanos> {
    run::<R, _>(async move {
        let (mut sender, mut receiver) = C::open();
        let since = Since::now();
        let sends = R::spawn(async move {
            for item in 0..ops {
                C::send(&mut sender, item).await;
                if BOUND == u64::MAX && item % BURST == 0 {
                    Yield::default().await;
                }
            }
        });
        let receives = R::spawn(async move {
            for item in 0..ops {
                assert_eq!(C::recv(&mut receiver).await, item);
            }
        });
        sends.await;
        receives.await;
        since.per(ops)
    })
}

/// One task makes a channel for one item, sends, and receives; or another sends, while it waits.
pub fn once<R: Runtime, C: Once, const TASKS: u64>(ops: u64) -> io::Result<Nanos> {
    run::<R, _>(async move {
        let since = Since::now();
        if TASKS == 1 {
            for item in 0..ops {
                let (sender, receiver) = C::open();
                C::send(sender, item);
                assert_eq!(C::recv(receiver).await, item);
            }
            return since.per(ops);
        }
        let asked = Rc::new((Slot::default(), RefCell::new(None), Cell::new(0)));
        let asks = R::spawn({
            let asked = asked.clone();
            async move {
                for item in 0..ops {
                    let (sender, receiver) = C::open();
                    asked.1.replace(Some(sender));
                    asked.0.send(item);
                    asked.2.set(asked.2.get() + C::recv(receiver).await);
                }
            }
        });
        let answers = R::spawn({
            let asked = asked.clone();
            async move {
                for _ in 0..ops {
                    let item = asked.0.recv().await;
                    let sender = asked.1.take().expect("it was put there before");
                    C::send(sender, item);
                }
            }
        });
        asks.await;
        answers.await;
        assert_eq!(asked.2.get(), ops * (ops - 1) / 2);
        since.per(ops)
    })
}
