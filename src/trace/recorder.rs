//! [`Recorder`]: an observer that keeps the last events.

use std::fmt;

use crate::clock::Instant;
use crate::observer::{Event, Observer};
use crate::trace::desk::Desk;
use crate::trace::recording::Recording;
use crate::trace::ring::Ring;

/// An observer that keeps the last events of an executor, and what is known of their tasks.
///
/// It is a handle: one clone goes to the [builder](crate::ExecutorBuilder::observer), and one stays
/// outside to ask for the [`recording`](Self::recording) — while the executor runs, or when it is long
/// gone. The newest event overwrites the oldest. An event takes 32 bytes; a task that is alive, or is in
/// the events, some 100 and its name.
///
/// A recorder is for one executor, since tasks have the same numbers in each. If a second one tells it
/// something it panics, as an observer may: that executor [reports](crate::Report) it, removes it, and
/// goes on unrecorded; what was recorded stays. After a [`clear`](Self::clear) another one may begin.
///
/// # Examples
///
/// ```
/// use bibelot::Executor;
/// use bibelot::trace::Recorder;
///
/// # fn main() -> std::io::Result<()> {
/// let recorder = Recorder::new(100_000);
/// let executor = Executor::builder().observer(recorder.clone()).build()?;
/// executor.run(bibelot::task::yield_now());
/// for (at, event) in recorder.recording().events() {
///     println!("{at:?} {event}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Recorder(Desk<Ring>);

impl Recorder {
    /// A recorder that keeps so many events: 32 bytes each, taken when there are events to fill them.
    ///
    /// # Panics
    ///
    /// Panics if `events` is zero.
    #[must_use]
    pub fn new(events: usize) -> Self {
        assert!(events > 0, "a recorder keeps at least one event");
        Self(Desk::new(Ring::new(events)))
    }

    /// How many events it keeps.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.ask(Ring::capacity)
    }

    /// How many events it was told since it was made or [cleared](Self::clear); those that were
    /// overwritten are among them.
    #[must_use]
    pub fn told(&self) -> u64 {
        self.0.ask(Ring::told)
    }

    /// What it has kept up to now, as a copy. An executor tells between two polls: within a task, what
    /// has happened since its poll began is not in there yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::testing::Sim;
    /// use bibelot::time::{Duration, sleep};
    /// use bibelot::trace::{Event, Recorder};
    ///
    /// let recorder = Recorder::new(1000);
    /// let so_far = recorder.clone();
    /// let builder = bibelot::Executor::builder().observer(recorder.clone());
    /// Sim::from_builder(builder).run(async move {
    ///     sleep(Duration::from_millis(5)).await;
    ///     let recording = so_far.recording();
    ///     let last = recording.events().last();
    ///     assert!(matches!(last, Some((_, Event::Woken { .. }))));
    /// });
    /// let recording = recorder.recording();
    /// let last = recording.events().last();
    /// assert!(matches!(last, Some((_, Event::Finished { .. }))));
    /// ```
    #[must_use]
    pub fn recording(&self) -> Recording {
        self.0.ask(Ring::recording)
    }

    /// Forgets all events so far, a warm-up say. The next ones are recorded, of whichever executor tells
    /// first; if that is the same, the tasks that are alive keep their names.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::testing::Sim;
    /// use bibelot::trace::Recorder;
    ///
    /// let recorder = Recorder::new(1000);
    /// for _ in 0..2 {
    ///     recorder.clear();
    ///     let builder = bibelot::Executor::builder().observer(recorder.clone());
    ///     Sim::from_builder(builder).run(async {});
    ///     assert_eq!(recorder.told(), 4);
    /// }
    /// ```
    pub fn clear(&self) {
        self.0.open(Ring::clear);
    }
}

impl Observer for Recorder {
    fn observe(&mut self, at: Instant, event: &Event) {
        let push = |ring: &mut Ring| ring.push(at, event);
        self.0.tell("recorder", Ring::renew, push);
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("capacity", &self.capacity())
            .field("told", &self.told())
            .finish()
    }
}
