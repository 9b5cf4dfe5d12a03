//! [`Gallery`]: the observers of one executor, and what they have not been told.

use std::cell::{Cell, RefCell};
use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use crate::clock::{Clock, Instant};
use crate::error::Panicked;
use crate::observer::{Audience, Event, Observer};
use crate::report::{self, discard};
use crate::sched::Reason;
use crate::task::TaskId;

/// Makes an audience of observers, for an executor that goes by this clock.
pub(crate) type Seat = fn(Clock, Vec<Box<dyn Observer>>) -> Rc<dyn Audience>;

/// The observers of one executor, and what they have not been told.
pub(crate) struct Gallery {
    /// What the time is.
    clock: Clock,
    /// What they have not been told.
    untold: RefCell<Vec<(Instant, Event)>>,
    /// Who is being polled: the innermost comes last.
    polled: RefCell<Vec<TaskId>>,
    /// The observers; none while they are told.
    observers: Cell<Vec<Box<dyn Observer>>>,
}

impl Gallery {
    /// Seats the observers of an executor that goes by `clock`.
    pub(crate) fn seat(clock: Clock, observers: Vec<Box<dyn Observer>>) -> Rc<dyn Audience> {
        Rc::new(Self {
            clock,
            untold: RefCell::default(),
            polled: RefCell::default(),
            observers: Cell::new(observers),
        })
    }
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

impl Audience for Gallery {
    fn note(&self, event: Event) {
        match event {
            Event::Polled { task } => self.polled.borrow_mut().push(task),
            Event::Parked { task, .. } | Event::Finished { task, .. } => {
                self.polled.borrow_mut().pop_if(|top| *top == task);
            }
            _ => {}
        }
        self.untold.borrow_mut().push((self.clock.now(), event));
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

    fn tell(&self) {
        if self.untold.borrow().is_empty() {
            return;
        }
        let mut events = take(&mut *self.untold.borrow_mut());
        let mut observers = self.observers.take();
        for panicked in observers.extract_if(.., |observer| !has_heard(&mut **observer, &events)) {
            discard(panicked);
        }
        self.observers.set(observers);
        // The next events may have its room, unless there were some meanwhile.
        events.clear();
        let mut untold = self.untold.borrow_mut();
        if untold.is_empty() {
            *untold = events;
        }
    }
}
