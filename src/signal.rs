//! Signals: what the system, or who sits before the terminal, wants of the process.
//!
//! ```text
//!   SIGHUP ─► handler ─► pipe ─► helper thread ─┬─► Signals [ HUP │ INT │ HUP × 3 ] ─► next()
//!   (in any thread)   its number  (blocks)      └─► Signals [ HUP ]                 ─► next()
//! ```
//!
//! A signal interrupts a thread anywhere, and hardly anything is allowed there. So the handler does
//! nothing but write the signal's number to a pipe (`sys.rs`). A thread reads that, adds the delivery
//! to the queue of each [`Signals`] that wants it, and wakes who waits: wakes may come from any
//! thread, and any number of executors receive them, whatever their reactors are. The thread is
//! started with the first interest and blocks until there is a signal, so nobody else pays for it.
//!
//! The laws. (1) *No delivery is lost*: who makes a [`Signals`] has every delivery from then on and
//! none from before, in order, one by one, whenever it looks. Only the system itself takes several of
//! one signal for one, when they come before the first was handled. (2) *Memory is bounded*: equal
//! deliveries in a row are counted (`signal/runs.rs`). (3) *All see it*: a delivery is not used up by
//! who takes it first. (4) *A signal that was once caught stays caught*: it does not end the process
//! any more, also when nobody is interested. Who drops its interest too early would otherwise die of
//! the next Ctrl-C, and the rest of the program with it. A handler that another library had installed
//! before is still called.
//!
//! Why not `signalfd` or the reactor: every thread would have to block the signal, those of other
//! libraries too, and child processes would be born with it blocked. A child starts with none of this:
//! what is caught here is back to its default there.
//!
//! Read next: `signal/hub.rs`, then `sys.rs`.

mod hub;
mod number;
mod runs;

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::executor::context;
use crate::place::{self, placed};
use crate::task::waits::Waits;
use crate::task::yields;

pub use number::Signal;

/// Waits until the process is interrupted, as by Ctrl-C (`SIGINT`), counted from the call.
///
/// All who wait see the same interrupt, in every executor of the process.
///
/// **From the first call on Ctrl-C does not end the process any more**, also when nobody waits: the
/// program must see to that. See [`Signals`], of which this is the shortest use.
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
    let interrupts = Signals::new([Signal::INTERRUPT]);
    placed(async {
        interrupts?.next().await;
        Ok(())
    })
}

/// The deliveries of some signals, from the making of this on, as a queue: each is taken once, in
/// order. (curio's `SignalQueue`, and with [`latest`](Self::latest) its `SignalEvent`; trio's
/// `open_signal_receiver`, which keeps no order.)
///
/// Every `Signals` has its own queue: each delivery is in all of them, whatever executor they are
/// awaited under. If the program is more than some hundred changes from one signal to another behind,
/// order is given up, and the number of deliveries is not.
///
/// **A signal that is named here once does not end the process any more**, until the process ends,
/// also when this is dropped: then it does nothing. A handler that was installed before is still
/// called. A thread is started that blocks until there is a signal, and lasts as long as the process.
///
/// When this is dropped, deliveries that were not taken are forgotten.
///
/// # Examples
///
/// A server that reads its configuration anew, or ends:
///
/// ```
/// use bibelot::signal::{Signal, Signals};
///
/// # fn kill_myself(signal: Signal) {
/// #     use rustix::process::{Signal, getpid, kill_process};
/// #     let signal = Signal::from_named_raw(signal.as_raw()).unwrap();
/// #     kill_process(getpid(), signal).unwrap();
/// # }
/// # fn main() -> std::io::Result<()> {
/// bibelot::run(async {
///     let mut signals = Signals::new([Signal::HANGUP, Signal::TERMINATE])?;
///     # kill_myself(Signal::HANGUP);
///     let mut reloads = 0;
///     loop {
///         match signals.next().await {
///             Signal::HANGUP => reloads += 1,
///             _ => break,
///         }
///         # kill_myself(Signal::TERMINATE);
///     }
///     assert_eq!(reloads, 1);
///     Ok(())
/// })
/// # }
/// ```
pub struct Signals {
    /// Its name among the listeners.
    key: u64,
}

impl Signals {
    /// Has these signals delivered here from now on. Naming one twice changes nothing.
    ///
    /// # Errors
    ///
    /// An error of kind `InvalidInput` if one of them cannot be caught: `SIGKILL` and `SIGSTOP`, which
    /// the system allows nobody, `SIGILL`, `SIGFPE` and `SIGSEGV`, which are no messages but faults of
    /// the very instruction that would go on, and what is no signal at all. Else the system's error if
    /// the pipe, the thread or a handler could not be had. No delivery comes here then.
    pub fn new(signals: impl IntoIterator<Item = Signal>) -> io::Result<Self> {
        let key = hub::listen(hub::Set::of(signals)?)?;
        Ok(Self { key })
    }

    /// Waits for the next delivery, and takes it.
    ///
    /// # Cancel safety
    ///
    /// No delivery is lost.
    #[track_caller]
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator's next does not wait"
    )]
    pub fn next(&mut self) -> impl Future<Output = Signal> {
        Next {
            signals: self,
            at: place::here(),
        }
    }

    /// Takes the next delivery, if there is one.
    pub fn try_next(&mut self) -> Option<Signal> {
        hub::take(self.key)
    }

    /// The signal that was delivered last, whether it was taken or not: the level, where
    /// [`next`](Self::next) gives the edges.
    #[must_use]
    pub fn latest(&self) -> Option<Signal> {
        hub::latest(self.key)
    }

    /// Takes the next delivery, or has the task woken when there is one.
    fn poll_signal(
        &mut self,
        cx: &mut Context<'_>,
        at: &'static Location<'static>,
    ) -> Poll<Signal> {
        if hub::must_wait(self.key, cx) {
            context::note(Waits::THREAD, at);
            return Poll::Pending;
        }
        ready!(yields::spend(cx, at));
        Poll::Ready(self.try_next().expect("nobody else takes it"))
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        hub::leave(self.key);
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = hub::wanted(self.key).iter();
        f.debug_list().entries(wanted).finish()
    }
}

/// Never ends. Feature `stream`.
#[cfg(feature = "stream")]
impl futures_core::Stream for Signals {
    type Item = Signal;

    #[track_caller]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Signal>> {
        self.poll_signal(cx, place::here()).map(Some)
    }
}

/// The leaf future: waits for the next delivery.
struct Next<'a> {
    /// Of what.
    signals: &'a mut Signals,
    /// Where the task waits.
    at: &'static Location<'static>,
}

impl Future for Next<'_> {
    type Output = Signal;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Signal> {
        let at = self.at;
        self.signals.poll_signal(cx, at)
    }
}

impl Drop for Next<'_> {
    fn drop(&mut self) {
        hub::forget(self.signals.key);
    }
}
