//! Locks and channels of all libraries, each as its users would use it.

use std::future::Future;

use ::bibelot::sync::{self as ours, oneshot as our_oneshot};
use ::futures::channel::{mpsc as futures_mpsc, oneshot as futures_oneshot};
use ::futures::{SinkExt, StreamExt};
use ::glommio::channels::local_channel;
use ::smol::{channel as smol_channel, lock as smol_lock};
use ::tokio::sync::{self as tokio_sync, oneshot as tokio_oneshot};
use local_sync::{mpsc as local_mpsc, oneshot as local_oneshot, semaphore as local_semaphore};

/// What one task at a time may hold.
pub trait Lock: 'static {
    /// A free one.
    fn free() -> Self;

    /// Waits for it, does what is to be done inside, and gives it back.
    fn hold(&self, inside: impl Future<Output = ()>) -> impl Future<Output = ()>;
}

macro_rules! locks {
    ($($lock:ty: $free:expr, $wait:ident $(($n:expr))? $(, $unwrap:ident)?;)+) => {$(
        impl Lock for $lock {
            fn free() -> Self {
                $free
            }

            async fn hold(&self, inside: impl Future<Output = ()>) {
                let _held = self.$wait($($n)?).await $(.$unwrap())?;
                inside.await;
            }
        }
    )+};
}

locks! {
    ours::Mutex<u64>: ours::Mutex::new(0), lock;
    tokio_sync::Mutex<u64>: tokio_sync::Mutex::new(0), lock;
    smol_lock::Mutex<u64>: smol_lock::Mutex::new(0), lock;
    ::futures::lock::Mutex<u64>: ::futures::lock::Mutex::new(0), lock;
    ours::Semaphore: ours::Semaphore::new(1), acquire;
    tokio_sync::Semaphore: tokio_sync::Semaphore::new(1), acquire, unwrap;
    smol_lock::Semaphore: smol_lock::Semaphore::new(1), acquire;
    local_semaphore::Semaphore: local_semaphore::Semaphore::new(1), acquire, unwrap;
    ::glommio::sync::Semaphore: ::glommio::sync::Semaphore::new(1), acquire_permit(1), unwrap;
}

/// A channel of a kind.
pub trait Channel: 'static {
    type Sender: 'static;
    type Receiver: 'static;

    fn open() -> (Self::Sender, Self::Receiver);
    fn send(sender: &mut Self::Sender, item: u64) -> impl Future<Output = ()>;
    fn recv(receiver: &mut Self::Receiver) -> impl Future<Output = u64>;
}

macro_rules! channels {
    ($($name:ident $(<$bound:ident>)?: $Sender:ty, $Receiver:ty, $open:expr,
        |$sender:ident, $item:ident| $send:expr, |$receiver:ident| $recv:expr;)+) => {$(
        pub struct $name $(<const $bound: usize>)?;

        impl $(<const $bound: usize>)? Channel for $name $(<$bound>)? {
            type Sender = $Sender;
            type Receiver = $Receiver;

            fn open() -> (Self::Sender, Self::Receiver) {
                $open
            }

            async fn send($sender: &mut Self::Sender, $item: u64) {
                $send.expect("it is open");
            }

            async fn recv($receiver: &mut Self::Receiver) -> u64 {
                $recv.expect("it is open")
            }
        }
    )+};
}

channels! {
    Ours<N>: ours::mpsc::SyncSender<u64>, ours::mpsc::Receiver<u64>, ours::mpsc::sync_channel(N),
        |to, item| to.send(item).await, |from| from.recv().await;
    Tokio<N>: tokio_sync::mpsc::Sender<u64>, tokio_sync::mpsc::Receiver<u64>,
        tokio_sync::mpsc::channel(N), |to, item| to.send(item).await, |from| from.recv().await;
    Smol<N>: smol_channel::Sender<u64>, smol_channel::Receiver<u64>, smol_channel::bounded(N),
        |to, item| to.send(item).await, |from| from.recv().await;
    // It has a place of its own for each sender.
    Futures<N>: futures_mpsc::Sender<u64>, futures_mpsc::Receiver<u64>, futures_mpsc::channel(N - 1),
        |to, item| to.send(item).await, |from| from.next().await;
    Flume<N>: flume::Sender<u64>, flume::Receiver<u64>, flume::bounded(N),
        |to, item| to.send_async(item).await, |from| from.recv_async().await;
    Local<N>: local_mpsc::bounded::Tx<u64>, local_mpsc::bounded::Rx<u64>,
        local_mpsc::bounded::channel(N), |to, item| to.send(item).await.ok(),
        |from| from.recv().await;
    Glommio<N>: local_channel::LocalSender<u64>, local_channel::LocalReceiver<u64>,
        local_channel::new_bounded(N), |to, item| to.send(item).await.ok(), |from| from.recv().await;

    OursUnbounded: ours::mpsc::Sender<u64>, ours::mpsc::Receiver<u64>, ours::mpsc::channel(),
        |to, item| to.send(item), |from| from.recv().await;
    TokioUnbounded: tokio_sync::mpsc::UnboundedSender<u64>,
        tokio_sync::mpsc::UnboundedReceiver<u64>, tokio_sync::mpsc::unbounded_channel(),
        |to, item| to.send(item), |from| from.recv().await;
    SmolUnbounded: smol_channel::Sender<u64>, smol_channel::Receiver<u64>,
        smol_channel::unbounded(), |to, item| to.try_send(item), |from| from.recv().await;
    FuturesUnbounded: futures_mpsc::UnboundedSender<u64>, futures_mpsc::UnboundedReceiver<u64>,
        futures_mpsc::unbounded(), |to, item| to.unbounded_send(item), |from| from.next().await;
    FlumeUnbounded: flume::Sender<u64>, flume::Receiver<u64>, flume::unbounded(),
        |to, item| to.send(item), |from| from.recv_async().await;
    LocalUnbounded: local_mpsc::unbounded::Tx<u64>, local_mpsc::unbounded::Rx<u64>,
        local_mpsc::unbounded::channel(), |to, item| to.send(item).ok(), |from| from.recv().await;
    GlommioUnbounded: local_channel::LocalSender<u64>, local_channel::LocalReceiver<u64>,
        local_channel::new_unbounded(), |to, item| to.try_send(item).ok(),
        |from| from.recv().await;
}

/// A channel for one item.
pub trait Once: 'static {
    type Sender: 'static;
    type Receiver: 'static;

    fn open() -> (Self::Sender, Self::Receiver);
    fn send(sender: Self::Sender, item: u64);
    fn recv(receiver: Self::Receiver) -> impl Future<Output = u64>;
}

macro_rules! onces {
    ($($name:ident: $library:ident;)+) => {$(
        pub struct $name;

        impl Once for $name {
            type Sender = $library::Sender<u64>;
            type Receiver = $library::Receiver<u64>;

            fn open() -> (Self::Sender, Self::Receiver) {
                $library::channel()
            }

            fn send(sender: Self::Sender, item: u64) {
                assert!(sender.send(item).is_ok(), "it is open");
            }

            async fn recv(receiver: Self::Receiver) -> u64 {
                receiver.await.expect("it was sent")
            }
        }
    )+};
}

onces! {
    OursOnce: our_oneshot;
    TokioOnce: tokio_oneshot;
    FuturesOnce: futures_oneshot;
    LocalOnce: local_oneshot;
}
