//! What is to happen when, and the timer that has it happen.
//!
//! The executor's timers hold one deadline for the whole network, that of the first event. Its waker is
//! none of a task: it calls the network of the executor whose timers have run out.

use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::clock::Instant;
use crate::executor::{Core, context};
use crate::timers::TimerKey;

/// The name of an event: its moment, and how many were set before it.
pub(super) type EventKey = (Instant, u64);

/// The waker of the network's deadline.
struct Alarm;

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        if let Some(network) = context::network() {
            network.deliver();
        }
    }
}

/// Events in the order in which they happen.
pub(super) struct Timetable<E> {
    /// Whose clock it is.
    core: Weak<Core>,
    /// The events.
    events: BTreeMap<EventKey, E>,
    /// How many were set.
    count: u64,
    /// The deadline that is set, if one is.
    timer: Option<(Instant, TimerKey)>,
    /// What it wakes.
    alarm: Waker,
}

impl<E> Timetable<E> {
    /// An empty one, by no clock.
    pub(super) fn new() -> Self {
        Self {
            core: Weak::new(),
            events: BTreeMap::new(),
            count: 0,
            timer: None,
            alarm: Waker::from(Arc::new(Alarm)),
        }
    }

    /// Empties it, and goes by another clock from now on.
    pub(super) fn begin(&mut self, core: &Rc<Core>) {
        self.core = Rc::downgrade(core);
        self.events.clear();
        self.count = 0;
        self.timer = None;
    }

    /// Whether it goes by the clock of this executor.
    pub(super) fn is_of(&self, core: &Rc<Core>) -> bool {
        self.core.as_ptr() == Rc::as_ptr(core)
    }

    /// What time it is; where the executor is gone, no more events come anyhow.
    pub(super) fn now(&self) -> Instant {
        let core = self.core.upgrade();
        core.map_or(Instant::PAST, |core| core.clock().now())
    }

    /// Has something happen at a moment, after all that is to happen then already.
    pub(super) fn set(&mut self, at: Instant, event: E) -> EventKey {
        let key = (at, self.count);
        self.count += 1;
        self.events.insert(key, event);
        self.arm();
        key
    }

    /// Takes an event back.
    pub(super) fn unset(&mut self, key: EventKey) {
        self.events.remove(&key);
        self.arm();
    }

    /// Takes the next event that is due, if one is.
    pub(super) fn next_due(&mut self, now: Instant) -> Option<E> {
        let first = self.events.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// Sets the deadline of the first event, unless it is set. To be called when all that is due has
    /// happened, too: a deadline that has fired is given back then.
    pub(super) fn arm(&mut self) {
        let first = self.events.first_key_value().map(|(key, _)| key.0);
        let is_set = self.timer.map(|(at, _)| at) == first;
        let Some(core) = self.core.upgrade() else {
            return;
        };
        let mut timers = core.timers().borrow_mut();
        if is_set && self.timer.is_none_or(|(_, key)| !timers.has_fired(key)) {
            return;
        }
        // Wakers of ours, which may be dropped while anything is borrowed.
        if let Some((_, before)) = self.timer.take() {
            drop(timers.remove(before));
        }
        self.timer = first.map(|at| (at, timers.insert(at, self.alarm.clone())));
    }
}
