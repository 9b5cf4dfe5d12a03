//! The hand-written futures under the workloads: one and the same code for every runtime.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// Gives way once: wakes itself and returns pending.
#[derive(Default)]
pub struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A channel for one value on one thread: the value, and who waits for it.
#[derive(Default)]
pub struct Slot {
    value: Cell<Option<u64>>,
    waiter: Cell<Option<Waker>>,
}

impl Slot {
    /// Puts a value in and wakes whoever waits for it.
    pub fn send(&self, value: u64) {
        self.value.set(Some(value));
        if let Some(waker) = self.waiter.take() {
            waker.wake();
        }
    }

    /// Takes the value, and waits for one where there is none.
    pub fn recv(&self) -> impl Future<Output = u64> {
        poll_fn(|cx| match self.value.take() {
            Some(value) => Poll::Ready(value),
            None => {
                self.waiter.set(Some(cx.waker().clone()));
                Poll::Pending
            }
        })
    }
}

/// A counter that another thread raises and a task waits for.
#[derive(Clone, Default)]
pub struct Doorbell(Arc<Mutex<(u64, Option<Waker>)>>);

impl Doorbell {
    /// Raises the counter to `count` and wakes the task.
    pub fn ring(&self, count: u64) {
        let waker = {
            let mut state = self.0.lock().unwrap();
            state.0 = count;
            state.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Waits until the counter has reached `count`.
    pub fn reached(&self, count: u64) -> impl Future<Output = ()> {
        poll_fn(move |cx| {
            let mut state = self.0.lock().unwrap();
            if state.0 >= count {
                return Poll::Ready(());
            }
            state.1 = Some(cx.waker().clone());
            Poll::Pending
        })
    }
}

thread_local! {
    static PARKED: Cell<usize> = const { Cell::new(0) };
    static AWAITED: Cell<usize> = const { Cell::new(usize::MAX) };
    static WATCHER: Cell<Option<Waker>> = const { Cell::new(None) };
}

/// Parks its task for ever and takes no room in it.
pub struct Parked;

impl Parked {
    /// Waits until so many tasks of this thread are parked.
    pub fn reached(count: usize) -> impl Future<Output = ()> {
        poll_fn(move |cx| {
            if PARKED.get() >= count {
                return Poll::Ready(());
            }
            AWAITED.set(count);
            WATCHER.set(Some(cx.waker().clone()));
            Poll::Pending
        })
    }
}

impl Future for Parked {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
        PARKED.set(PARKED.get() + 1);
        if PARKED.get() == AWAITED.get()
            && let Some(watcher) = WATCHER.take()
        {
            watcher.wake();
        }
        Poll::Pending
    }
}
