//! Which public types may cross threads, and which may be polled by reference: checked when this file
//! is compiled. A line that does not hold is an error; `not` says that one must not hold.
//!
//! A task lives and dies on its own thread, so what belongs to one is `!Send`; names, errors and the
//! ways in from other threads are `Send + Sync`.

#![cfg(feature = "worker")]

use std::cell::Cell;
use std::future::Ready;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bibelot::io::AsyncFd;
use bibelot::net::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream};
use bibelot::sync::universal::{self, Outcome};
use bibelot::sync::{
    Barrier, BarrierWaitResult, Borrower, CapacityLimiter, ChannelStatistics, Closed, Condvar,
    Event, Mutex, MutexGuard, OnceLock, Permit, PriorityQueue, Queue, QueueStatistics, RwLock,
    RwLockReadGuard, RwLockWriteGuard, Semaphore, Token, TryAcquireError, TryGetError,
    TryLockError, TryPutError, WaitTimeoutResult, broadcast, mpsc, oneshot, watch,
};
use bibelot::task::{
    self, Builder, CancelScope, Cancelled, Failure, Finally, GroupError, JoinError, JoinHandle,
    Panicked, Scope, ScopedJoinHandle, Shield, Task, TaskId, TryScope, YieldNow,
};
use bibelot::testing::{
    Advance, Explorer, Host, Link, Log, Network, OnHost, RandomState, Sequencer, Settle, Sim, Step,
    StepGuard,
};
use bibelot::time::{Elapsed, Instant, Interval, Sleep, Timeout};
use bibelot::trace::{self, Histogram, Metrics, Recorder, Recording, Summary, TaskInfo};
use bibelot::worker::{self, CallerCancelled, Portal, PortalError, PortalHandle, ThreadHandle};
use bibelot::{Executor, ExecutorBuilder, ExecutorEnded, Remote, Report, SlowPoll, Stats};

/// Compiles if all hold.
macro_rules! is {
    ($type:ty: $($bound:ident)+) => {
        const _: fn() = || {
            fn holds<T: $($bound +)+ ?Sized>() {}
            holds::<$type>();
        };
    };
}

/// Compiles if none holds: if the trait holds, both impls fit, and the call is ambiguous.
macro_rules! not {
    ($type:ty: $($bound:ident)+) => {
        $(const _: fn() = || {
            trait IfNot<A> {
                fn ambiguous() {}
            }
            impl<T: ?Sized> IfNot<()> for T {}
            impl<T: ?Sized + $bound> IfNot<u8> for T {}
            <$type as IfNot<_>>::ambiguous();
        };)+
    };
}

/// A type that must stay on its thread.
type Local = Rc<Cell<()>>;

/// A future that must stay where it is.
struct Pinned(PhantomPinned);

impl Future for Pinned {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

// The executor and what belongs to its tasks.
not!(Executor: Send Sync);
not!(ExecutorBuilder: Send Sync);
not!(JoinHandle<()>: Send Sync);
not!(Sleep: Send Sync);
not!(Interval: Send Sync);
not!(Timeout<Ready<()>>: Send Sync);
not!(CancelScope: Send Sync);
not!(Scope<'static, 'static>: Send Sync);
not!(TryScope<'static, 'static, ()>: Send Sync);
not!(ScopedJoinHandle<'static, ()>: Send Sync);
is!(task::Local<Rc<()>>: Send Sync);
not!(AsyncFd<std::fs::File>: Send Sync);
not!(ThreadHandle<()>: Send Sync);
not!(Sim: Send Sync);
not!(Log: Send Sync);
not!(Settle: Send Sync);
not!(Advance: Send Sync);
not!(Sequencer: Send Sync);
not!(Step<'static>: Send Sync);
not!(StepGuard<'static>: Send Sync);
not!(Recorder: Send Sync);
not!(Metrics: Send Sync);
not!(Network: Send Sync);
not!(Explorer: Send Sync);
not!(Host: Send Sync);
not!(Link: Send Sync);
not!(OnHost<Ready<()>>: Send Sync);

// Sockets: who waits for one has a waker there.
not!(TcpListener: Send Sync);
not!(TcpStream: Send Sync);
not!(UdpSocket: Send Sync);
not!(UnixListener: Send Sync);
not!(UnixStream: Send Sync);
not!(UnixDatagram: Send Sync);

// Files, whose line belongs to an executor's thread; what is only known of them does not.
#[cfg(feature = "fs")]
mod files {
    use bibelot::fs::{DirBuilder, DirEntry, File, OpenOptions, ReadDir};
    use bibelot::io::{Stderr, Stdin, StdinLines, Stdout};

    not!(File: Send Sync);
    not!(ReadDir: Send Sync);
    not!(Stdin: Send Sync);
    not!(StdinLines: Send Sync);
    not!(Stdout: Send Sync);
    not!(Stderr: Send Sync);
    is!(DirEntry: Send Sync);
    is!(DirBuilder: Send Sync);
    is!(OpenOptions: Send Sync Clone);
    is!(File: Unpin);
    is!(ReadDir: Unpin);
}

// What its tasks share.
not!(Event: Send Sync);
not!(Barrier: Send Sync);
not!(CapacityLimiter: Send Sync);
not!(Token<'static>: Send Sync);
not!(Condvar: Send Sync);
not!(OnceLock<()>: Send Sync);
not!(Mutex<()>: Send Sync);
not!(mpsc::Sender<()>: Send Sync);
not!(mpsc::SyncSender<()>: Send Sync);
not!(mpsc::Receiver<()>: Send Sync);
not!(broadcast::Sender<()>: Send Sync);
not!(broadcast::Receiver<()>: Send Sync);
not!(watch::Sender<()>: Send Sync);
not!(watch::Receiver<()>: Send Sync);
not!(oneshot::Sender<()>: Send Sync);
not!(oneshot::Receiver<()>: Send Sync);
not!(MutexGuard<'static, ()>: Send Sync);
not!(Queue<()>: Send Sync);
not!(PriorityQueue<()>: Send Sync);
not!(RwLock<()>: Send Sync);
not!(RwLockReadGuard<'static, ()>: Send Sync);
not!(RwLockWriteGuard<'static, ()>: Send Sync);
not!(Semaphore: Send Sync);
not!(Permit<'static>: Send Sync);

// What they share with threads.
is!(universal::Event: Send Sync);
is!(universal::Queue<Cell<()>>: Send Sync);
not!(universal::Queue<Rc<()>>: Send Sync);
is!(Outcome<()>: Send Sync);
not!(Outcome<Cell<()>>: Sync);
const _: fn(&universal::Event, &universal::Queue<Cell<()>>) = |event, queue| {
    fn is_send(_: impl Send) {}
    is_send(event.wait());
    is_send((queue.put(Cell::new(())), queue.get(), queue.join()));
};

// Children belong to their executor; signals to the process.
#[cfg(feature = "process")]
mod process {
    use bibelot::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

    not!(Child: Send Sync Clone);
    not!(ChildStdin: Send Sync);
    not!(ChildStdout: Send Sync);
    not!(ChildStderr: Send Sync);
    is!(Command: Send Sync);
}
#[cfg(feature = "signal")]
mod signal {
    use bibelot::signal::{Signal, Signals};

    is!(Signal: Send Sync Copy Ord);
    is!(Signals: Send Sync);
}

// Names, numbers and the ways in.
is!(Task: Send Sync Clone);
is!(TaskId: Send Sync Copy Ord);
is!(Remote: Send Sync Clone);
is!(Portal: Send Sync Clone);
is!(PortalHandle<Cell<()>>: Send Sync);
not!(PortalHandle<Rc<()>>: Send Sync);
is!(Stats: Send Sync Copy);
is!(Instant: Send Sync Copy Ord);
is!(Builder: Send Sync);
is!(worker::Builder: Send Sync);
is!(YieldNow: Send Sync);
is!(BarrierWaitResult: Send Sync Copy);
is!(ChannelStatistics: Send Sync Copy);
is!(QueueStatistics: Send Sync Copy);
is!(Borrower: Send Sync Copy Ord);
is!(WaitTimeoutResult: Send Sync Copy);

// Errors travel: an `io::Error` must take them, and so must a thread that is joined.
is!(CallerCancelled: Send Sync Copy);
is!(Cancelled: Send Sync Clone);
is!(Elapsed: Send Sync Copy);
is!(ExecutorEnded: Send Sync Copy);
is!(Closed: Send Sync Copy);
is!(TryAcquireError: Send Sync Copy);
is!(TryGetError: Send Sync Copy);
is!(TryLockError: Send Sync Copy);
is!(TryPutError<()>: Send Sync Copy);
is!(broadcast::RecvError: Send Sync Copy);
is!(broadcast::TryRecvError: Send Sync Copy);
is!(mpsc::SendTimeoutError<()>: Send Sync Copy);
is!(SlowPoll: Send Sync Clone);
is!(RandomState: Send Sync Clone);
is!(trace::Event: Send Sync Clone);
is!(Recording: Send Sync Clone);
is!(TaskInfo: Send Sync Clone);
is!(Summary: Send Sync Clone);
is!(Histogram: Send Sync Clone);
is!(JoinError: Send);
is!(PortalError: Send);
is!(Panicked: Send);
is!(Failure<()>: Send);
is!(GroupError<()>: Send);
is!(Report: Send);
// A panic's payload is `Send` and no more, as std's is.
not!(JoinError: Sync);

// What may be polled by reference, whatever is inside.
is!(JoinHandle<PhantomPinned>: Unpin);
is!(ScopedJoinHandle<'static, PhantomPinned>: Unpin);
is!(ThreadHandle<PhantomPinned>: Unpin);
is!(PortalHandle<PhantomPinned>: Unpin);
is!(oneshot::Receiver<PhantomPinned>: Unpin);
is!(Sleep: Unpin);
is!(Interval: Unpin);
is!(YieldNow: Unpin);
is!(Settle: Unpin);
is!(Advance: Unpin);
is!(Step<'static>: Unpin);
is!(AsyncFd<std::fs::File>: Unpin);
is!(Timeout<Ready<Local>>: Unpin);
not!(Timeout<Pinned>: Unpin);
is!(Shield<Pinned>: Unpin);
not!(Finally<Pinned, Pinned>: Unpin);
is!(Finally<Ready<()>, Pinned>: Unpin);

#[test]
fn the_assertions_above_hold() {}
