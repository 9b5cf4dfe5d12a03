//! Signals: what the system, or who sits before the terminal, wants of the process.
//!
//! ```text
//!   SIGINT ─► handler ─► pipe ─► helper thread ─┬─► count + 1
//!   (in any thread)   one byte    (blocks)      └─► all who wait, collected, then woken
//! ```
//!
//! The handler does nothing but write (`sys.rs`), since hardly anything else is allowed in one. The
//! thread turns that into wakes, which any thread may make and any number of executors receive,
//! whatever their reactors are; it is started with the first wait and blocks until there is a signal,
//! so nobody else pays for it.
//!
//! No delivery is lost. A wait remembers the count at its call, and is over when the count is
//! another; it is looked at, and the waker left, under one lock. Signals that come faster than the
//! thread reads may be counted as one, as the system itself does with them.
//!
//! Wakers are cloned, woken and dropped when the lock is free: a foreign one is user code. Read next:
//! `sys.rs`.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{self, ErrorKind, PipeReader, Read};
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::thread;

use parking_lot::Mutex;

use crate::executor::context;
use crate::task::waits::Waits;
use crate::task::yields;
use crate::{place, sys, waker};

/// Waits until the process is interrupted, as by Ctrl-C (`SIGINT`), counted from the call.
///
/// All who wait see the same interrupt, in every executor of the process.
///
/// **From the first call on Ctrl-C does not end the process any more**, also when nobody waits: the
/// program must see to that. A handler that was installed before is replaced and not called. A
/// thread is started that blocks until there is a signal, and lasts as long as the process.
///
/// # Errors
///
/// Returns the system's error if the pipe, the thread or the handler could not be had.
///
/// # Cancel safety
///
/// Nothing is lost for others. A new call waits for an interrupt that comes after it.
///
/// # Examples
///
/// ```no_run
/// use bibelot::signal;
///
/// # async fn serve() {}
/// fn main() -> std::io::Result<()> {
///     bibelot::run(async {
///         let server = bibelot::spawn(serve());
///         signal::ctrl_c().await?;
///         server.cancel();
///         Ok(())
///     })
/// }
/// ```
#[track_caller]
pub fn ctrl_c() -> impl Future<Output = io::Result<()>> {
    let mut interrupts = INTERRUPTS.lock();
    let error = interrupts.watch().err();
    Delivery {
        seen: interrupts.count,
        key: None,
        error,
        at: place::here(),
    }
}

/// The deliveries of one signal, and who waits for the next.
struct Deliveries {
    /// Whether the handler is installed.
    is_watched: bool,
    /// How many there were.
    count: u64,
    /// Who waits, in the order in which they came.
    waiters: BTreeMap<u64, Waker>,
    /// The next waiter's key.
    next: u64,
}

/// Those of `SIGINT`.
static INTERRUPTS: Mutex<Deliveries> = Mutex::new(Deliveries {
    is_watched: false,
    count: 0,
    waiters: BTreeMap::new(),
    next: 0,
});

impl Deliveries {
    /// Sees to it that deliveries are counted from now on. If it fails, the next call tries again.
    fn watch(&mut self) -> io::Result<()> {
        if self.is_watched {
            return Ok(());
        }
        let (reader, writer) = io::pipe()?;
        // Full is as good as written, and a handler must not block.
        rustix::io::ioctl_fionbio(&writer, true)?;
        thread::Builder::new()
            .name(String::from("bibelot-signals"))
            .spawn(move || deliver_all(reader))?;
        sys::catch_interrupts(writer)?;
        self.is_watched = true;
        Ok(())
    }
}

/// The helper thread: counts deliveries and wakes who waits for them. Ends when the handler could
/// not be installed, which closes the pipe.
fn deliver_all(mut pipe: PipeReader) {
    loop {
        match pipe.read(&mut [0; 64]) {
            Ok(0) => return,
            Ok(_) => deliver(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return eprintln!("bibelot: waiting for signals: {error}"),
        }
    }
}

/// Counts one delivery.
fn deliver() {
    let waiters = {
        let mut interrupts = INTERRUPTS.lock();
        interrupts.count += 1;
        mem::take(&mut interrupts.waiters)
    };
    for waker in waiters.into_values() {
        waker::wake_kept(waker);
    }
}

/// The leaf future: waits for the next delivery.
struct Delivery {
    /// How many there were at the call.
    seen: u64,
    /// What it waits under, once it does.
    key: Option<u64>,
    /// Why none can be seen.
    error: Option<io::Error>,
    /// Where the task waits.
    at: &'static Location<'static>,
}

impl Future for Delivery {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Some(error) = this.error.take() {
            return Poll::Ready(Err(error));
        }
        let waker = waker::keep(cx.waker());
        let mut interrupts = INTERRUPTS.lock();
        if interrupts.count != this.seen {
            drop(interrupts);
            ready!(yields::spend(cx, this.at));
            return Poll::Ready(Ok(()));
        }
        let key = *this.key.get_or_insert_with(|| {
            interrupts.next += 1;
            interrupts.next
        });
        let replaced = interrupts.waiters.insert(key, waker);
        drop(interrupts);
        drop(replaced);
        context::note(Waits::THREAD, this.at);
        Poll::Pending
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let waker = INTERRUPTS.lock().waiters.remove(&key);
            drop(waker);
        }
    }
}
