//! [`Sleep`]: the leaf future that waits for a deadline.

use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::clock::Instant;
use crate::executor::{Core, context};
use crate::place;
use crate::task::YieldNow;
use crate::task::waits::Waits;
use crate::timers::TimerKey;
use crate::waker;

use std::time::Duration;

/// Waits for `duration`, counted from the call; [`std::thread::sleep`] for tasks.
///
/// Never returns early. A sleep of zero lets the other ready tasks have their turn; one of
/// [`Duration::MAX`] never ends.
///
/// # Panics
///
/// Panics, when polled, if no executor is running on this thread, or if it was called outside of the
/// simulation that it is awaited in ([`testing::Sim`](crate::testing::Sim)): there it counts on another clock.
///
/// # Cancel safety
///
/// Nothing is lost: the deadline is taken back.
///
/// # Examples
///
/// ```
/// use bibelot::time::{Duration, sleep};
///
/// bibelot::run(sleep(Duration::from_millis(1)));
/// ```
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    let at = place::here();
    let mut sleep = Sleep::at(Instant::now().saturating_add(duration), at);
    sleep.pause = duration.is_zero().then(|| YieldNow::new(at));
    sleep
}

/// Waits until `deadline`; returns at once if it has passed.
///
/// # Panics
///
/// Panics, when polled, if no executor is running on this thread.
///
/// # Cancel safety
///
/// Nothing is lost: the deadline is taken back.
///
/// # Examples
///
/// ```
/// use bibelot::time::{Duration, Instant, sleep_until};
///
/// bibelot::run(async {
///     let deadline = Instant::now() + Duration::from_millis(1);
///     sleep_until(deadline).await;
///     assert!(Instant::now() >= deadline);
/// });
/// ```
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep::at(deadline, place::here())
}

/// The future of [`sleep`] and [`sleep_until`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    /// When it ends.
    deadline: Instant,
    /// What a sleep of zero does instead: it gives way.
    pause: Option<YieldNow>,
    /// Where its deadline is set, once it was polled.
    timer: Option<(Rc<Core>, TimerKey)>,
    /// Where the task waits.
    at: &'static Location<'static>,
}

impl Sleep {
    /// A sleep that waits in the name of another place.
    pub(crate) fn at(deadline: Instant, at: &'static Location<'static>) -> Self {
        Self {
            deadline,
            pause: None,
            timer: None,
            at,
        }
    }

    /// Waits in the name of another place from now on.
    pub(super) fn set_place(&mut self, at: &'static Location<'static>) {
        self.at = at;
    }

    /// When it ends.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether it has ended, by the reading of the clock that the executor goes by.
    #[must_use]
    pub fn is_elapsed(&self) -> bool {
        let reading = context::try_with(|core| core.reading());
        reading.is_some_and(|reading| self.deadline <= reading)
    }

    /// Sets another deadline; a task that waits for the old one waits for the new one.
    pub fn reset(&mut self, deadline: Instant) {
        self.deadline = deadline;
        self.pause = None;
        if let Some((core, key)) = self.timer.take() {
            let waker = core.timers().borrow_mut().remove(key);
            if let Some(waker) = waker {
                let key = core.timers().borrow_mut().insert(deadline, waker);
                self.timer = Some((core, key));
            }
        }
    }

    /// Takes the deadline back.
    fn unset(&mut self) {
        if let Some((core, key)) = self.timer.take() {
            let waker = core.timers().borrow_mut().remove(key);
            drop(waker);
        }
    }

    /// Has the task woken at the deadline, by the executor that runs on this thread.
    ///
    /// Nothing may be borrowed: a foreign waker is cloned and dropped here.
    fn set(&mut self, core: Rc<Core>, cx: &Context<'_>) {
        let waker = waker::keep(cx.waker());
        if let Some((home, key)) = &self.timer {
            let has_fired = home.timers().borrow().has_fired(*key);
            if Rc::ptr_eq(home, &core) && !has_fired {
                let replaced = core.timers().borrow_mut().replace_waker(*key, waker);
                drop(replaced);
                return;
            }
            self.unset();
        }
        let key = core.timers().borrow_mut().insert(self.deadline, waker);
        self.timer = Some((core, key));
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if let Some(pause) = &mut this.pause {
            return Pin::new(pause).poll(cx);
        }
        let waits = context::with(|core| {
            let reading = core.reading();
            if this.deadline > reading {
                return Ok(Rc::clone(core));
            }
            Err(this.deadline.is_real_beside(reading))
        });
        let core = match waits {
            Ok(core) => core,
            Err(false) => return Poll::Ready(()),
            Err(true) => wrong_clock(this.at),
        };
        core.scheduler().note(Waits::TIME, this.at);
        this.set(core, cx);
        Poll::Pending
    }
}

/// Says that a deadline means nothing to the clock it is to be judged by.
#[cold]
fn wrong_clock(at: &'static Location<'static>) -> ! {
    panic!(
        "the deadline at {at} was counted on the real clock, which is not that of the simulation it is \
         awaited in; call this inside of testing::Sim::run()"
    );
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.unset();
    }
}
