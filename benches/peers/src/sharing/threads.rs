//! The workloads of a task and a thread: items from one to the other, and a closure that a thread runs.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::mpsc as std_mpsc;
use std::thread;

use ::bibelot::sync::universal::Queue;
use ::smol::channel as smol_channel;
use ::tokio::sync::mpsc as tokio_mpsc;

use super::works::{Nanos, Since};
use crate::machine::pin;
use crate::runtime::Runtime;
use crate::workload::run;

/// A channel between a task and a thread.
pub trait Crossing: 'static {
    type Sender: Send + 'static;
    type Receiver: Send + 'static;

    fn open() -> (Self::Sender, Self::Receiver);
    fn send(sender: &mut Self::Sender, item: u64) -> impl Future<Output = ()>;
    fn recv(receiver: &mut Self::Receiver) -> impl Future<Output = u64>;
    fn send_blocking(sender: &mut Self::Sender, item: u64);
    fn recv_blocking(receiver: &mut Self::Receiver) -> u64;
}

macro_rules! crossings {
    ($($name:ident $(<$bound:ident>)?: $Sender:ty, $Receiver:ty, $open:expr,
        |$to:ident, $item:ident| $send:expr, $send_blocking:expr,
        |$from:ident| $recv:expr, $recv_blocking:expr;)+) => {$(
        pub struct $name $(<const $bound: usize>)?;

        impl $(<const $bound: usize>)? Crossing for $name $(<$bound>)? {
            type Sender = $Sender;
            type Receiver = $Receiver;

            fn open() -> (Self::Sender, Self::Receiver) {
                $open
            }

            async fn send($to: &mut Self::Sender, $item: u64) {
                $send.expect("it is open");
            }

            async fn recv($from: &mut Self::Receiver) -> u64 {
                $recv.expect("it is open")
            }

            fn send_blocking($to: &mut Self::Sender, $item: u64) {
                $send_blocking.expect("it is open");
            }

            fn recv_blocking($from: &mut Self::Receiver) -> u64 {
                $recv_blocking.expect("it is open")
            }
        }
    )+};
}

crossings! {
    Ours<N>: Arc<Queue<u64>>, Arc<Queue<u64>>, twice(Queue::bounded(N)),
        |to, item| to.put(item).await, to.put_blocking(item),
        |from| from.get().await, from.get_blocking();
    // A task that blocks: it has its thread for itself.
    Std<N>: std_mpsc::SyncSender<u64>, std_mpsc::Receiver<u64>, std_mpsc::sync_channel(N),
        |to, item| to.send(item), to.send(item),
        |from| from.recv(), from.recv();
    Tokio<N>: tokio_mpsc::Sender<u64>, tokio_mpsc::Receiver<u64>, tokio_mpsc::channel(N),
        |to, item| to.send(item).await, to.blocking_send(item),
        |from| from.recv().await, from.blocking_recv();
    Smol<N>: smol_channel::Sender<u64>, smol_channel::Receiver<u64>, smol_channel::bounded(N),
        |to, item| to.send(item).await, to.send_blocking(item),
        |from| from.recv().await, from.recv_blocking();
    Flume<N>: flume::Sender<u64>, flume::Receiver<u64>, flume::bounded(N),
        |to, item| to.send_async(item).await, to.send(item),
        |from| from.recv_async().await, from.recv();

    OursUnbounded: Arc<Queue<u64>>, Arc<Queue<u64>>, twice(Queue::new()),
        |to, item| to.try_put(item), to.try_put(item),
        |from| from.get().await, from.get_blocking();
    StdUnbounded: std_mpsc::Sender<u64>, std_mpsc::Receiver<u64>, std_mpsc::channel(),
        |to, item| to.send(item), to.send(item),
        |from| from.recv(), from.recv();
    TokioUnbounded: tokio_mpsc::UnboundedSender<u64>, tokio_mpsc::UnboundedReceiver<u64>,
        tokio_mpsc::unbounded_channel(),
        |to, item| to.send(item), to.send(item),
        |from| from.recv().await, from.blocking_recv();
    SmolUnbounded: smol_channel::Sender<u64>, smol_channel::Receiver<u64>, smol_channel::unbounded(),
        |to, item| to.try_send(item), to.try_send(item),
        |from| from.recv().await, from.recv_blocking();
    FlumeUnbounded: flume::Sender<u64>, flume::Receiver<u64>, flume::unbounded(),
        |to, item| to.send(item), to.send(item),
        |from| from.recv_async().await, from.recv();
}

/// One for each side.
fn twice(queue: Queue<u64>) -> (Arc<Queue<u64>>, Arc<Queue<u64>>) {
    let queue = Arc::new(queue);
    (queue.clone(), queue)
}

/// A thread on the other core.
fn elsewhere(f: impl FnOnce() + Send + 'static) -> thread::JoinHandle<()> {
    thread::spawn(|| {
        pin(1);
        f();
    })
}

/// A thread sends, a task receives.
pub fn to_task<R: Runtime, C: Crossing>(ops: u64) -> io::Result<Nanos> {
    pin(0);
    run::<R, _>(async move {
        let (mut sender, mut receiver) = C::open();
        let since = Since::now();
        let thread = elsewhere(move || {
            for item in 0..ops {
                C::send_blocking(&mut sender, item);
            }
        });
        for item in 0..ops {
            assert_eq!(C::recv(&mut receiver).await, item);
        }
        let nanos = since.per(ops);
        thread.join().expect("it ends");
        nanos
    })
}

/// A task sends, a thread receives.
pub fn to_thread<R: Runtime, C: Crossing>(ops: u64) -> io::Result<Nanos> {
    pin(0);
    run::<R, _>(async move {
        let (mut sender, mut receiver) = C::open();
        let since = Since::now();
        let thread = elsewhere(move || {
            for item in 0..ops {
                assert_eq!(C::recv_blocking(&mut receiver), item);
            }
        });
        for item in 0..ops {
            C::send(&mut sender, item).await;
        }
        thread.join().expect("it ends");
        since.per(ops)
    })
}

/// A task sends an item, and a thread sends it back.
pub fn round_trip<R: Runtime, C: Crossing>(ops: u64) -> io::Result<Nanos> {
    pin(0);
    run::<R, _>(async move {
        let (mut there, mut heard) = C::open();
        let (mut back, mut answered) = C::open();
        let thread = elsewhere(move || {
            for _ in 0..ops {
                let item = C::recv_blocking(&mut heard);
                C::send_blocking(&mut back, item);
            }
        });
        let since = Since::now();
        for item in 0..ops {
            C::send(&mut there, item).await;
            assert_eq!(C::recv(&mut answered).await, item);
        }
        let nanos = since.per(ops);
        thread.join().expect("it ends");
        nanos
    })
}

/// How a runtime has a closure run by another thread.
pub trait Worker: 'static {
    fn call(n: u64) -> impl Future<Output = u64>;
}

macro_rules! workers {
    ($($name:ident: |$n:ident| $call:expr;)+) => {$(
        pub struct $name;

        impl Worker for $name {
            async fn call($n: u64) -> u64 {
                $call
            }
        }
    )+};
}

workers! {
    OurWorker: |n| ::bibelot::worker::run_in_thread(move || n).await;
    TokioWorker: |n| ::tokio::task::spawn_blocking(move || n).await.expect("it does not panic");
    SmolWorker: |n| ::smol::unblock(move || n).await;
}

/// Another thread runs a closure, and the task waits for its value. Neither is bound to a core.
pub fn in_thread<R: Runtime, W: Worker>(ops: u64) -> io::Result<Nanos> {
    run::<R, _>(async move {
        assert_eq!(W::call(1).await, 1, "and now there is a thread");
        let since = Since::now();
        for n in 0..ops {
            assert_eq!(W::call(n).await, n);
        }
        since.per(ops)
    })
}
