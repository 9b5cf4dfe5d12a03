//! The workloads, each written once and run by every runtime. A workload is a task itself, or
//! the runtime's main future where that is cheaper; what it measures runs in tasks it spawned.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::hint;
use std::io;
use std::process::exit;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use crate::cells::{Doorbell, Parked, Slot, Yield};
use crate::client;
use crate::machine::{CpuClock, cpu, pin, resident};
use crate::rows::{Kind, Row};
use crate::runtime::Runtime;

/// What a child is asked for besides the row.
#[derive(Clone, Copy, Default)]
pub struct Ask {
    /// Exactly one batch of so many operations, for a tool that counts instructions.
    pub ops: Option<u64>,
    /// Less time for each cell.
    pub quick: bool,
}

/// What a child has measured: CPU nanoseconds (or bytes) per operation, and how late timers were.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub value: f64,
    /// Mean and 99th percentile, in milliseconds.
    pub late: Option<(f64, f64)>,
}

impl Cost {
    /// The line by which a child tells its parent.
    pub fn tell(self) {
        match self.late {
            Some((mean, p99)) => println!("cost {} {mean} {p99}", self.value),
            None => println!("cost {}", self.value),
        }
    }

    pub fn parse(line: &str) -> Option<Cost> {
        let mut words = line
            .strip_prefix("cost ")?
            .split(' ')
            .map(str::parse::<f64>);
        let mut next = || words.next().and_then(Result::ok);
        let value = next()?;
        Some(Cost {
            value,
            late: next().zip(next()),
        })
    }
}

impl From<f64> for Cost {
    fn from(value: f64) -> Cost {
        Cost { value, late: None }
    }
}

/// Measures one row on one runtime. Kinds that a runtime lacks are an error.
pub fn measure<R: Runtime>(row: Row, ask: Ask) -> io::Result<Cost> {
    let tasks = row.tasks;
    match row.kind {
        Kind::SpawnJoin => run::<R, _>(cheapest(row, ask, move |n| spawn_join::<R>(tasks, n))),
        Kind::Yield => run::<R, _>(cheapest(row, ask, move |n| yields::<R>(tasks, n))),
        Kind::PingPong => run::<R, _>(cheapest(row, ask, ping_pong::<R>)),
        Kind::Ring => run::<R, _>(cheapest(row, ask, move |n| ring::<R>(tasks, n))),
        Kind::Timers | Kind::Timeout if !R::SLEEPS => Err(io::ErrorKind::Unsupported.into()),
        Kind::Timers => R::run_timers(in_task::<R, _>(timers::<R>(ask.ops.unwrap_or(row.ops)))),
        Kind::Timeout => run::<R, _>(cheapest(row, ask, timeouts::<R>)),
        Kind::CrossWake => {
            pin(0);
            run::<R, _>(cheapest(row, ask, cross_wake::<R>))
        }
        Kind::Memory => run::<R, _>(memory::<R>(ask.ops.unwrap_or(row.ops))),
        Kind::Echo { .. } if !R::SERVES => Err(io::ErrorKind::Unsupported.into()),
        Kind::Echo { connections, bytes } => {
            pin(0);
            R::run(echo::<R>(connections, bytes, ask.quick)).flatten()
        }
    }
}

/// Runs the workload where it costs the runtime least.
pub fn run<R: Runtime, T: Copy + 'static>(
    workload: impl Future<Output = T> + 'static,
) -> io::Result<T> {
    if R::IN_MAIN {
        R::run(workload)
    } else {
        R::run(in_task::<R, _>(workload))
    }
}

async fn in_task<R: Runtime, T: Copy + 'static>(workload: impl Future<Output = T> + 'static) -> T {
    let cost = Rc::new(Cell::new(None));
    let task = R::spawn({
        let cost = cost.clone();
        async move { cost.set(Some(workload.await)) }
    });
    task.await;
    cost.get().expect("the task has ended")
}

/// Runs batches for a while, and keeps the cheapest.
async fn cheapest<F: Future<Output = f64>>(row: Row, ask: Ask, batch: impl Fn(u64) -> F) -> Cost {
    if let Some(ops) = ask.ops {
        return batch(ops).await.into();
    }
    let (time, least) = if ask.quick { (60, 1) } else { (250, 3) };
    let start = Instant::now();
    let mut best = f64::INFINITY;
    let mut batches = 0;
    while batches < least || start.elapsed() < Duration::from_millis(time) {
        best = best.min(batch(row.ops).await);
        batches += 1;
    }
    best.into()
}

fn per(ops: u64, since: u64) -> f64 {
    (cpu() - since) as f64 / ops as f64
}

async fn spawn_join<R: Runtime>(tasks: u64, ops: u64) -> f64 {
    if tasks == 1 {
        let since = cpu();
        for _ in 0..ops {
            R::spawn(async {}).await;
        }
        return per(ops, since);
    }
    let mut handles = Vec::with_capacity(tasks as usize);
    let since = cpu();
    for _ in 0..ops / tasks {
        for _ in 0..tasks {
            handles.push(R::spawn(async {}));
        }
        for handle in handles.drain(..) {
            handle.await;
        }
    }
    per(ops, since)
}

async fn yields<R: Runtime>(tasks: u64, ops: u64) -> f64 {
    let each = ops / tasks;
    let since = cpu();
    let mut handles = Vec::with_capacity(tasks as usize);
    for _ in 0..tasks {
        handles.push(R::spawn(async move {
            for _ in 0..each {
                Yield::default().await;
            }
        }));
    }
    for handle in handles {
        handle.await;
    }
    per(ops, since)
}

async fn ping_pong<R: Runtime>(ops: u64) -> f64 {
    let (ping, pong) = (Rc::new(Slot::default()), Rc::new(Slot::default()));
    let since = cpu();
    let there = R::spawn({
        let (ping, pong) = (ping.clone(), pong.clone());
        async move {
            for i in 0..ops {
                ping.send(i);
                pong.recv().await;
            }
        }
    });
    let back = R::spawn(async move {
        for _ in 0..ops {
            let i = ping.recv().await;
            pong.send(i);
        }
    });
    there.await;
    back.await;
    per(ops, since)
}

/// The token counts down the hops; at 1 they are done, and 0 goes round once to end the tasks.
async fn ring<R: Runtime>(tasks: u64, ops: u64) -> f64 {
    let slots: Rc<[Slot]> = (0..tasks).map(|_| Slot::default()).collect();
    let (waiting, all_wait) = (Rc::new(Cell::new(0)), Rc::new(Slot::default()));
    let end = Rc::new(Cell::new(0));
    let mut handles = Vec::with_capacity(tasks as usize);
    for me in 0..tasks as usize {
        let (slots, end) = (slots.clone(), end.clone());
        let (waiting, all_wait) = (waiting.clone(), all_wait.clone());
        handles.push(R::spawn(async move {
            waiting.set(waiting.get() + 1);
            if waiting.get() == tasks {
                all_wait.send(tasks);
            }
            let next = if me + 1 == slots.len() { 0 } else { me + 1 };
            loop {
                match slots[me].recv().await {
                    0 => break slots[next].send(0),
                    1 => {
                        end.set(cpu());
                        slots[next].send(0);
                    }
                    hops => slots[next].send(hops - 1),
                }
            }
        }));
    }
    all_wait.recv().await;
    let since = cpu();
    slots[0].send(ops);
    for handle in handles {
        handle.await;
    }
    (end.get() - since) as f64 / ops as f64
}

/// Spawns a hundred tasks at a time and lets them start: a hundred thousand at once would be late
/// for each other's sake, and not for the timer's.
async fn timers<R: Runtime>(ops: u64) -> Cost {
    let late = Rc::new(RefCell::new(Vec::with_capacity(ops as usize)));
    let mut handles = Vec::with_capacity(ops as usize);
    let since = cpu();
    for i in 0..ops {
        if i % 100 == 0 {
            Yield::default().await;
        }
        let late = late.clone();
        handles.push(R::spawn(async move {
            let scattered = i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
            let time = Duration::from_micros(1_000 + scattered % 200_000);
            let start = Instant::now();
            R::sleep(time).await;
            let over = start.elapsed().as_secs_f64() - time.as_secs_f64();
            late.borrow_mut().push(over * 1e3);
        }));
    }
    for handle in handles {
        handle.await;
    }
    let value = per(ops, since);
    let mut late = late.take();
    late.sort_by(f64::total_cmp);
    let mean = late.iter().sum::<f64>() / late.len() as f64;
    Cost {
        value,
        late: Some((mean, late[late.len() * 99 / 100])),
    }
}

async fn timeouts<R: Runtime>(ops: u64) -> f64 {
    let since = cpu();
    for _ in 0..ops {
        let mut sleep = Box::pin(R::sleep(Duration::from_secs(30)));
        poll_fn(|cx| {
            assert!(sleep.as_mut().poll(cx).is_pending(), "30 s cannot be over");
            Poll::Ready(())
        })
        .await;
    }
    per(ops, since)
}

async fn cross_wake<R: Runtime>(ops: u64) -> f64 {
    let bell = Doorbell::default();
    let answers = Arc::new(AtomicU64::new(0));
    let thread = thread::spawn({
        let (bell, answers) = (bell.clone(), answers.clone());
        move || {
            pin(1);
            for i in 1..=ops {
                // Until the executor is asleep, and not only about to be.
                let answered = Instant::now();
                while answered.elapsed() < Duration::from_micros(20) {
                    hint::spin_loop();
                }
                bell.ring(i);
                while answers.load(Ordering::Acquire) < i {
                    thread::park();
                }
            }
        }
    });
    let other = thread.thread().clone();
    let since = cpu();
    let task = R::spawn(async move {
        for i in 1..=ops {
            bell.reached(i).await;
            answers.store(i, Ordering::Release);
            other.unpark();
        }
    });
    task.await;
    let cost = per(ops, since);
    thread.join().expect("the other thread ends");
    cost
}

async fn memory<R: Runtime>(ops: u64) -> Cost {
    let before = resident().expect("the kernel tells");
    for _ in 0..ops {
        R::detach(Parked);
    }
    Parked::reached(ops as usize).await;
    let after = resident().expect("the kernel tells");
    Cost::from((after - before) as f64 / ops as f64).tell();
    exit(0) // the tasks never end
}

async fn echo<R: Runtime>(connections: usize, bytes: usize, quick: bool) -> io::Result<Cost> {
    with_client(connections, bytes, quick, |listening, buffer| {
        R::serve(listening, buffer)
    })
    .await?;
    Err(io::Error::other("the server ended"))
}

/// Starts a server on this thread, and a client as soon as it listens. When the client has
/// measured, it ends the process, because the server never ends.
pub fn with_client<T>(
    connections: usize,
    bytes: usize,
    quick: bool,
    serve: impl FnOnce(Box<dyn FnOnce(u16)>, usize) -> T,
) -> T {
    let server = CpuClock::of_this_thread();
    let listening = move |port| {
        thread::spawn(move || {
            pin(1);
            let cost = client::drive(port, connections, bytes, server, quick);
            cost.expect("the client works").tell();
            exit(0)
        });
    };
    serve(Box::new(listening), bytes.max(4096))
}
