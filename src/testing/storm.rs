//! [`cancel_storm`]: a future is cancelled wherever it can be.
//!
//! ```text
//!   run 1   poll ─ pending ✗
//!   run 2   poll ─ pending ─ woken ✗
//!   run 3   poll ─ pending ─ poll ─ pending ✗
//!   run 4   poll ─ pending ─ poll ─ pending ─ woken ✗
//!   run 5   poll ─ pending ─ poll ─ pending ─ poll ─ ready ✓     two suspensions
//! ```
//!
//! A future can be dropped at each of its suspensions, and a program has seen but a few of these when
//! it has passed its tests. The storm visits them all, and each twice: where the future has just begun
//! to wait, and where it was woken, so has perhaps been granted something, and is dropped before it
//! could take it.

use std::cell::Cell;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use pin_project_lite::pin_project;

use crate::canceller::Enclosed;
use crate::clock::Instant;
use crate::testing::Sim;

/// Runs a scenario again and again, each time in a [`Sim`] of its own, and cancels the future that it
/// gives to [`Storm::strike`] at the first suspension, at the second, and so on, until it comes to its
/// end undisturbed. Returns how many suspensions that has.
///
/// The scenario sets up what it needs, strikes, and looks whether all is as it should be; when
/// `strike` returns, everything that the future owed ([`task::finally`](crate::task::finally)) is
/// done. At each suspension the future is dropped twice, in two runs: as soon as it waits, and when
/// it is woken, instead of being polled. What it waits for must come: a future that never ends is a
/// deadlock here, as in every simulation.
///
/// # Panics
///
/// Panics as the scenario does, after a line on standard error that says where the storm had struck.
///
/// # Examples
///
/// Does a queue lose an item if its getter is cancelled?
///
/// ```
/// use bibelot::task::yield_now;
/// use bibelot::testing::cancel_storm;
/// use std::cell::RefCell;
/// use std::collections::VecDeque;
///
/// async fn get(queue: &RefCell<VecDeque<u32>>) -> u32 {
///     yield_now().await;
///     let item = queue.borrow_mut().pop_front().unwrap();
///     // A yield here would lose the item: try it.
///     item
/// }
///
/// let suspensions = cancel_storm(async |storm| {
///     let queue = RefCell::new(VecDeque::from([1, 2]));
///     let got = storm.strike(get(&queue)).await;
///     let left = queue.borrow().len();
///     assert_eq!(left, if got.is_some() { 1 } else { 2 });
/// });
/// assert_eq!(suspensions, 1);
/// ```
#[track_caller]
pub fn cancel_storm(scenario: impl AsyncFnMut(&Storm)) -> usize {
    cancel_storm_in(Sim::new, scenario)
}

/// [`cancel_storm`] in simulations that are not like all others: `sim` makes each of them, with a
/// [network](Sim::network) say, or a [seed](Sim::seed). They must do the same each time.
///
/// # Panics
///
/// Panics as the scenario does, after a line on standard error that says where the storm had struck.
///
/// # Examples
///
/// ```
/// use bibelot::net::{TcpListener, TcpStream};
/// use bibelot::testing::{Network, Sim, cancel_storm_in};
/// use std::time::Duration;
///
/// let network = Network::new().latency(Duration::from_millis(1));
/// let sim = || Sim::new().network(&network);
/// let suspensions = cancel_storm_in(sim, async |storm| {
///     let listener = TcpListener::bind("127.0.0.1:80").await.unwrap();
///     let _client = TcpStream::connect("127.0.0.1:80").await.unwrap();
///     if storm.strike(listener.accept()).await.is_none() {
///         listener.accept().await.unwrap(); // no client is lost
///     }
/// });
/// assert_eq!(suspensions, 1);
/// ```
#[track_caller]
pub fn cancel_storm_in(
    mut sim: impl FnMut() -> Sim,
    mut scenario: impl AsyncFnMut(&Storm),
) -> usize {
    let mut target = 1;
    let mut when = Moment::Waits;
    loop {
        let storm = Storm {
            target,
            when,
            seen: Cell::new(0),
            has_struck: Cell::new(false),
        };
        sim().run(scenario(&storm));
        if !storm.has_struck.get() {
            return storm.seen.get();
        }
        (target, when) = match when {
            Moment::Waits => (target, Moment::Woken),
            Moment::Woken => (target + 1, Moment::Waits),
        };
    }
}

/// When a suspension is struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// The future has just begun to wait.
    Waits,
    /// It was woken, and would be polled now.
    Woken,
}

/// One run of a [`cancel_storm`].
pub struct Storm {
    /// Which suspension is struck.
    target: usize,
    /// And when.
    when: Moment,
    /// How many suspensions there were so far.
    seen: Cell<usize>,
    /// Whether it has struck.
    has_struck: Cell<bool>,
}

impl Storm {
    /// Runs the future, and cancels it if it comes to the suspension whose turn it is: then `None`
    /// comes back, when all that it owed is done, and its value otherwise. If there are several in a
    /// scenario, one of them is cancelled.
    ///
    /// # Cancel safety
    ///
    /// That of `future`.
    pub fn strike<F: Future>(&self, future: F) -> Strike<'_, F> {
        Strike {
            inside: Enclosed::new(future),
            storm: self,
            has_waited: false,
        }
    }

    /// Whether it strikes a suspension that was just seen, or the end of the last one.
    fn strikes(&self, when: Moment) -> bool {
        let strikes = when == self.when && self.seen.get() == self.target && !self.has_struck.get();
        if strikes {
            self.has_struck.set(true);
        }
        strikes
    }
}

impl Drop for Storm {
    /// Says where it had struck, if the scenario has panicked.
    fn drop(&mut self) {
        if self.has_struck.get() && thread::panicking() {
            eprintln!("bibelot: {self:?}");
        }
    }
}

impl fmt::Debug for Storm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = match self.when {
            Moment::Waits => "when it began to wait",
            Moment::Woken => "when it was woken",
        };
        write!(f, "the storm strikes suspension {}, {when}", self.target)
    }
}

pin_project! {
    /// The future of [`Storm::strike`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Strike<'a, F: Future> {
        #[pin]
        inside: Enclosed<F>,
        storm: &'a Storm,
        has_waited: bool,
    }
}

impl<F: Future> Future for Strike<'_, F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let storm = *this.storm;
        if std::mem::take(this.has_waited) && storm.strikes(Moment::Woken) {
            this.inside.as_mut().cancel();
        } else if this
            .inside
            .as_mut()
            .poll_inside(Instant::NEVER, cx)
            .is_pending()
        {
            *this.has_waited = true;
            storm.seen.set(storm.seen.get() + 1);
            if !storm.strikes(Moment::Waits) {
                return Poll::Pending;
            }
            *this.has_waited = false;
            this.inside.as_mut().cancel();
        }
        this.inside.poll_end(cx)
    }
}

impl<F: Future> fmt::Debug for Strike<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Strike")
            .field("storm", &self.storm)
            .finish_non_exhaustive()
    }
}
