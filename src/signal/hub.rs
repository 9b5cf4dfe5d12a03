//! Where the deliveries of the whole process come together, and from where each [`Signals`] has them.
//!
//! ```text
//!   HUB ─┬─ caught: HUP, INT                  (never given back)
//!        ├─ heard: HUP × 7, INT × 1           (of what has rung: the rest is on its way)
//!        └─ listeners ─┬─ 1: HUP       [ HUP × 2 ]         latest HUP   waker
//!                      └─ 2: HUP, INT  [ HUP │ INT │ HUP ] latest HUP
//! ```
//!
//! Between the handler and here a delivery is on its way through a pipe, and somebody may be added in
//! the meantime, for whom it comes too early. So handlers count, for each signal, and so do we: a new
//! listener lets as many go by as they are ahead. Deliveries of one signal are all alike.
//!
//! One lock. A handler never takes it: it interrupts a thread anywhere, perhaps one that has the lock.
//! Wakers are cloned, woken and dropped when it is free, as a foreign one is user code. Read next:
//! `signal/runs.rs` (what a listener has yet to take), `sys.rs` (the handler, and its pipe).
//!
//! [`Signals`]: super::Signals

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, PipeReader, Read};
use std::sync::Arc;
use std::task::{Context, Waker};
use std::thread;

use parking_lot::Mutex;

use super::Signal;
use super::runs::Runs;
use crate::sys::SignalBell;
use crate::waker;

/// All that is known of signals in this process.
static HUB: Mutex<Hub> = Mutex::new(Hub {
    bell: None,
    caught: Set::EMPTY,
    heard: [0; SignalBell::SIGNALS as usize],
    listeners: BTreeMap::new(),
    next: 0,
});

/// See the picture.
struct Hub {
    /// What handlers ring, once the thread that hears it was started.
    bell: Option<Arc<SignalBell>>,
    /// The signals that have a handler.
    caught: Set,
    /// For each signal, how many deliveries have come here.
    heard: [u64; SignalBell::SIGNALS as usize],
    /// Who wants deliveries.
    listeners: BTreeMap<u64, Listener>,
    /// The next listener's key.
    next: u64,
}

/// What one listener has.
struct Listener {
    /// What it wants.
    wanted: Set,
    /// How many deliveries are on their way from before it was made, where there are some.
    early: Vec<(Signal, u64)>,
    /// What it has not taken yet.
    pending: Runs,
    /// What came last.
    latest: Option<Signal>,
    /// Who waits for the next one.
    waker: Option<Waker>,
}

/// A set of signals: one bit for each number.
#[derive(Clone, Copy)]
pub(super) struct Set(u128);

impl Set {
    /// No signal.
    const EMPTY: Self = Self(0);

    /// The set of these.
    ///
    /// # Errors
    ///
    /// An error of kind `InvalidInput` if one of them cannot be caught.
    pub(super) fn of(signals: impl IntoIterator<Item = Signal>) -> io::Result<Self> {
        let mut set = Self::EMPTY;
        for signal in signals {
            set.insert(signal)?;
        }
        Ok(set)
    }

    /// Adds a signal.
    ///
    /// # Errors
    ///
    /// An error of kind `InvalidInput` if it cannot be caught.
    fn insert(&mut self, signal: Signal) -> io::Result<()> {
        let number = signal.as_raw();
        let is_forbidden = signal_hook_registry::FORBIDDEN.contains(&number);
        if is_forbidden || !(1..SignalBell::SIGNALS).contains(&number) {
            let text = format!("{signal} cannot be caught");
            return Err(io::Error::new(ErrorKind::InvalidInput, text));
        }
        self.0 |= 1 << number;
        Ok(())
    }

    /// Whether it has a signal that can be caught.
    fn contains(self, signal: Signal) -> bool {
        self.0 >> signal.as_raw() & 1 == 1
    }

    /// Its signals, by their numbers.
    pub(super) fn iter(self) -> impl Iterator<Item = Signal> {
        let all = (1..SignalBell::SIGNALS).map(Signal::from_raw);
        all.filter(move |signal| self.contains(*signal))
    }
}

impl Hub {
    /// Has these signals handled by us. If it fails, the next call tries again.
    fn catch(&mut self, wanted: Set) -> io::Result<()> {
        for signal in wanted.iter() {
            if !self.caught.contains(signal) {
                self.bell()?.catch(signal.as_raw())?;
                self.caught.insert(signal)?;
            }
        }
        Ok(())
    }

    /// The bell, with a thread that hears it. Without the thread there is none: it is dropped, and
    /// the next call makes another.
    fn bell(&mut self) -> io::Result<&Arc<SignalBell>> {
        if self.bell.is_none() {
            let (pipe, bell) = SignalBell::new()?;
            let heard = Arc::clone(&bell);
            thread::Builder::new()
                .name(String::from("bibelot-signals"))
                .spawn(move || deliver_all(pipe, &heard))?;
            self.bell = Some(bell);
        }
        Ok(self.bell.as_ref().expect("made just now, or before"))
    }

    /// What has rung and was not heard yet, of these signals.
    fn on_the_way(&self, wanted: Set) -> Vec<(Signal, u64)> {
        let Some(bell) = &self.bell else {
            return Vec::new();
        };
        let counts = wanted.iter().map(|signal| {
            let number = signal.as_raw();
            (signal, bell.rung(number) - self.heard[number as usize])
        });
        counts.filter(|(_, count)| *count > 0).collect()
    }
}

impl Listener {
    /// Adds deliveries to what is pending, and says who is to be woken.
    fn hear(&mut self, signal: Signal, count: u64) -> Option<Waker> {
        let count = count - self.let_go_by(signal, count);
        if count == 0 || !self.wanted.contains(signal) {
            return None;
        }
        self.pending.push(signal, count);
        self.latest = Some(signal);
        self.waker.take()
    }

    /// How many of these were before it was made.
    fn let_go_by(&mut self, signal: Signal, count: u64) -> u64 {
        let Some(nth) = self.early.iter().position(|(early, _)| *early == signal) else {
            return 0;
        };
        let early = &mut self.early[nth].1;
        let gone = count.min(*early);
        *early -= gone;
        if *early == 0 {
            self.early.swap_remove(nth);
        }
        gone
    }
}

/// The helper thread: hears the bell as long as the process lives.
fn deliver_all(mut pipe: PipeReader, bell: &SignalBell) {
    let mut rung = [0; 256];
    loop {
        match pipe.read(&mut rung) {
            Ok(0) => return,
            Ok(n) => {
                let in_order = rung[..n].iter().map(|&number| (i32::from(number), 1));
                deliver(in_order.chain(bell.take_missed()));
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return eprintln!("bibelot: waiting for signals: {error}"),
        }
    }
}

/// Gives deliveries to all who want them, and wakes who waits. Number zero is none.
fn deliver(deliveries: impl Iterator<Item = (i32, u64)>) {
    let mut wakers = Vec::new();
    let mut hub = HUB.lock();
    for (number, count) in deliveries {
        let signal = Signal::from_raw(number);
        hub.heard[number as usize] += count;
        let listeners = hub.listeners.values_mut();
        wakers.extend(listeners.filter_map(|listener| listener.hear(signal, count)));
    }
    drop(hub);
    for waker in wakers {
        waker::wake_kept(waker);
    }
}

/// Has these signals delivered to a new listener, and returns its key.
pub(super) fn listen(wanted: Set) -> io::Result<u64> {
    let mut hub = HUB.lock();
    hub.catch(wanted)?;
    let key = hub.next;
    hub.next += 1;
    let listener = Listener {
        wanted,
        early: hub.on_the_way(wanted),
        pending: Runs::default(),
        latest: None,
        waker: None,
    };
    hub.listeners.insert(key, listener);
    Ok(key)
}

/// Ends a listener.
pub(super) fn leave(key: u64) {
    let listener = HUB.lock().listeners.remove(&key);
    drop(listener);
}

/// Calls `f` with a listener, which must be there.
fn with<R>(key: u64, f: impl FnOnce(&mut Listener) -> R) -> R {
    let mut hub = HUB.lock();
    f(hub.listeners.get_mut(&key).expect("it leaves when dropped"))
}

/// Takes the first delivery that a listener has not taken yet.
pub(super) fn take(key: u64) -> Option<Signal> {
    with(key, |listener| listener.pending.pop())
}

/// The delivery that came last to a listener.
pub(super) fn latest(key: u64) -> Option<Signal> {
    with(key, |listener| listener.latest)
}

/// The signals that a listener wants.
pub(super) fn wanted(key: u64) -> Set {
    with(key, |listener| listener.wanted)
}

/// Whether a listener must wait; then it is woken at the next delivery.
pub(super) fn must_wait(key: u64, cx: &Context<'_>) -> bool {
    let waker = waker::keep(cx.waker());
    let (must_wait, unused) = with(key, |listener| {
        if listener.pending.is_empty() {
            (true, listener.waker.replace(waker))
        } else {
            (false, Some(waker))
        }
    });
    drop(unused);
    must_wait
}

/// Wakes a listener no more.
pub(super) fn forget(key: u64) {
    let waker = with(key, |listener| listener.waker.take());
    drop(waker);
}
