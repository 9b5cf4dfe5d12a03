//! [`Gallery`]: the observers of one executor, and what they have not been told.
//!
//! Most of what an event costs is the reading of the real clock. So events between which nothing of
//! the user's can run share one: a turn and its first poll, descriptors of one look, deadlines of one
//! look. That loses what the executor itself takes in between, a few nanoseconds each. A wake always
//! has a reading of its own: between two of them a poll may do anything.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use crate::clock::{Clock, Instant};
use crate::error::Panicked;
use crate::observer::{Audience, Event, Listens, Observer};
use crate::report::{self, discard};
use crate::sched::Reason;
use crate::task::TaskId;

/// How many events there may be room for when there are none: a turn that has had more of them,
/// having spawned a million tasks say, does not leave its room behind.
const ROOM: usize = 1024;

/// The observers of one executor, and what they have not been told.
pub(crate) struct Gallery {
    /// What the time is.
    clock: Clock,
    /// What they have not been told.
    untold: RefCell<Vec<(Instant, Event)>>,
    /// Who is being polled: the innermost comes last.
    polled: RefCell<Vec<TaskId>>,
    /// Who has waited last for each source that is watched.
    waiters: RefCell<BTreeMap<i32, Option<TaskId>>>,
    /// The observers; none while they are told.
    observers: Cell<Vec<Box<dyn Observer>>>,
}

impl Gallery {
    /// Seats the observers of an executor that goes by `clock`.
    pub(crate) fn seat(clock: Clock, observers: Vec<Box<dyn Observer>>) -> Rc<Audience> {
        Rc::new(Self {
            clock,
            untold: RefCell::default(),
            polled: RefCell::default(),
            waiters: RefCell::default(),
            observers: Cell::new(observers),
        })
    }
}

/// Whether an event has the moment of the one before it: nothing of the user's runs between these two.
fn is_of_one_moment(last: &Event, next: &Event) -> bool {
    matches!(
        (last, next),
        (Event::Turn { .. }, Event::Polled { .. })
            | (Event::TimerFired { .. }, Event::TimerFired { .. })
            | (
                Event::SourceReady { .. },
                Event::SourceReady { .. } | Event::Awake
            )
    )
}

/// Tells an observer. `false` says that it has panicked, which is reported.
fn has_heard(observer: &mut dyn Observer, events: &[(Instant, Event)]) -> bool {
    let told = catch_unwind(AssertUnwindSafe(|| {
        for (at, event) in events {
            observer.observe(*at, event);
        }
    }));
    told.map_err(|payload| {
        report::send_panic(Panicked::new(String::from("an observer"), payload));
    })
    .is_ok()
}

impl Listens for Gallery {
    fn note(&self, event: Event) {
        match event {
            Event::Polled { task } => self.polled.borrow_mut().push(task),
            Event::Parked { task, .. } | Event::Finished { task, .. } => {
                self.polled.borrow_mut().pop_if(|top| *top == task);
            }
            _ => {}
        }
        let mut untold = self.untold.borrow_mut();
        let at = match untold.last() {
            Some((at, last)) if is_of_one_moment(last, &event) => *at,
            _ => self.clock.now(),
        };
        untold.push((at, event));
    }

    fn note_woken(&self, task: TaskId, by: Option<TaskId>) {
        let by = match self.current().or(by) {
            None => Reason::Outside,
            Some(by) if by == task => Reason::Itself,
            Some(by) => Reason::Task(by),
        };
        self.note(Event::Woken { task, by });
    }

    fn name(&self, named: TaskId, new: &str) {
        for (_, event) in self.untold.borrow_mut().iter_mut().rev() {
            if let Event::Spawned { task, name, .. } = event
                && *task == named
            {
                *name = Some(Arc::from(new));
                return;
            }
        }
    }

    fn current(&self) -> Option<TaskId> {
        self.polled.borrow().last().copied()
    }

    fn note_wait(&self, fd: i32) {
        let task = self.current();
        let before = self.waiters.borrow_mut().insert(fd, task);
        match before {
            None => self.note(Event::SourceAdded { fd, task }),
            Some(before) if before != task => self.note(Event::SourceWanted { fd, task }),
            Some(_) => {}
        }
    }

    fn note_ready(&self, fd: i32, read: bool, write: bool) {
        if self.waiters.borrow().contains_key(&fd) {
            self.note(Event::SourceReady { fd, read, write });
        }
    }

    fn note_left(&self, fd: i32) {
        if self.waiters.borrow_mut().remove(&fd).is_some() {
            self.note(Event::SourceRemoved { fd });
        }
    }

    fn tell(&self) {
        if self.untold.borrow().is_empty() {
            return;
        }
        let mut events = take(&mut *self.untold.borrow_mut());
        let mut observers = self.observers.take();
        let mut nth = 0;
        while let Some(observer) = observers.get_mut(nth) {
            match has_heard(&mut **observer, &events) {
                true => nth += 1,
                false => discard(observers.remove(nth)),
            }
        }
        self.observers.set(observers);
        // The next events may have its room, unless there were some meanwhile.
        events.clear();
        events.shrink_to(ROOM);
        let mut untold = self.untold.borrow_mut();
        if untold.is_empty() {
            *untold = events;
        }
    }
}
