//! [`Ring`]: the last events, each in 32 bytes.
//!
//! ```text
//!   tasks     1 "main"   2 "fetch", ended   3                    names, places, parents
//!                            ▲ until a turn after its end is overwritten
//!   events   ┌────────┬──────┼─┬────────┬────────┬────────┐
//!            │ new ►  │ old    │        │        │        │      as many as there is room for
//!            └────────┴────────┴────────┴────────┴────────┘
//!   open      who was being polled when the oldest happened
//! ```
//!
//! What an [`Event`] says of its task beyond the number is kept once, in a table. A task leaves it
//! when it has ended and no event can name it any more: it may still be named until the end of the
//! turn in which it ends, as the one that wakes its joiner. So it leaves when the first turn or sleep
//! after its end is overwritten; and at the latest when as many tasks have ended after it as there is
//! room for events. Requests to cancel are rare and do not fit into 32 bytes: the rest of them lies
//! beside the ring, in their order. Read next: `trace/recorder.rs` (who writes), `trace/recording.rs` (who
//! reads).

use std::collections::{HashMap, VecDeque};
use std::mem::replace;
use std::panic::Location;

use crate::clock::Instant;
use crate::observer::{Event, Finish, Wait};
use crate::sched::Reason;
use crate::task::TaskId;
use crate::task::extras::Spread;
use crate::trace::polled::Polled;
use crate::trace::recording::{Recording, TaskInfo};

/// A place in the source.
type Place = &'static Location<'static>;

/// The number of no task: they count from one.
const NOBODY: u64 = 0;

/// An event in the ring.
#[derive(Clone, Copy)]
struct Entry {
    /// When it happened.
    at: Instant,
    /// What it is.
    what: Packed,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Entry>() == 32, "an event has 32 bytes");

/// An [`Event`] without what is in the tables.
#[derive(Clone, Copy)]
enum Packed {
    /// A turn.
    Turn(usize),
    /// A sleep without a deadline.
    Asleep,
    /// A sleep with one.
    AsleepUntil(Instant),
    /// Its end.
    Awake,
    /// A birth, and where; the rest is in the table of tasks.
    Spawned(TaskId, Place),
    /// A wake by a task, or by birth.
    WokenBy(TaskId, TaskId),
    /// A wake by birth.
    WokenByBirth(TaskId),
    /// A wake by itself.
    WokenByItself(TaskId),
    /// A wake from outside.
    WokenFromOutside(TaskId),
    /// The begin of a poll.
    Polled(TaskId),
    /// Its end.
    Parked(TaskId, Wait, Option<Place>),
    /// An end.
    Finished(TaskId, Finish),
    /// A request to cancel; the rest lies beside the ring.
    CancelAsked(TaskId),
    /// A deadline, its task or [`NOBODY`], and when it is due.
    TimerSet(u32, u64, Instant),
    /// One less.
    TimerUnset(u32),
    /// One that has passed.
    TimerFired(u32),
    /// A descriptor, and its task or [`NOBODY`].
    SourceAdded(i32, u64),
    /// The same, of another task that waits for it.
    SourceWanted(i32, u64),
    /// One less.
    SourceRemoved(i32),
    /// A descriptor that is ready, to be read, to be written.
    SourceReady(i32, bool, bool),
}

/// The rest of a request to cancel: by whom, and where.
type Asked = (Option<TaskId>, Place);

/// The last events, and what is known of their tasks.
pub(super) struct Ring {
    /// As many as there have been, or as there is room for.
    entries: Vec<Entry>,
    /// How many there is room for.
    capacity: usize,
    /// Where the oldest is, when there is no more room.
    oldest: usize,
    /// How many were told.
    told: u64,
    /// The rest of the requests to cancel that are in the ring.
    asked: VecDeque<Asked>,
    /// The tasks that are alive, or may be named by an event in the ring.
    tasks: HashMap<TaskId, TaskInfo, Spread>,
    /// Those of them that have ended, in that order, and how many events were told until then.
    ended: VecDeque<(u64, TaskId)>,
    /// Who was being polled when the oldest event happened.
    open: Polled,
}

impl Ring {
    /// Room for so many events.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            entries: Vec::new(),
            capacity,
            oldest: 0,
            told: 0,
            asked: VecDeque::new(),
            tasks: HashMap::default(),
            ended: VecDeque::new(),
            open: Polled::default(),
        }
    }

    /// How many events there is room for.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many events were told since it was cleared.
    pub(super) fn told(&self) -> u64 {
        self.told
    }

    /// Forgets all events, and the tasks that have ended.
    pub(super) fn clear(&mut self) {
        let lost = self.told - self.entries.len() as u64;
        for nth in 0..self.entries.len() {
            self.forget(self.order(nth), lost + nth as u64);
        }
        for (_, task) in self.ended.drain(..) {
            self.tasks.remove(&task);
        }
        self.entries.clear();
        self.oldest = 0;
        self.told = 0;
    }

    /// Forgets everything.
    pub(super) fn renew(&mut self) {
        *self = Self::new(self.capacity);
    }

    /// Adds an event; the oldest makes room for it.
    #[inline]
    pub(super) fn push(&mut self, at: Instant, event: &Event) {
        let what = self.pack(at, event);
        self.told += 1;
        if self.entries.len() < self.capacity {
            self.entries.push(Entry { at, what });
            return;
        }
        let before = replace(&mut self.entries[self.oldest], Entry { at, what });
        self.oldest += 1;
        if self.oldest == self.capacity {
            self.oldest = 0;
        }
        self.forget(before, self.told - 1 - self.capacity as u64);
    }

    /// The `nth` event, from the oldest on.
    fn order(&self, nth: usize) -> Entry {
        let (new, old) = self.entries.split_at(self.oldest);
        *old.get(nth).unwrap_or_else(|| &new[nth - old.len()])
    }

    /// Makes an event small; the tables take the rest.
    #[inline]
    fn pack(&mut self, at: Instant, event: &Event) -> Packed {
        match *event {
            Event::Turn { ready } => Packed::Turn(ready),
            Event::Asleep { until: None } => Packed::Asleep,
            Event::Asleep { until: Some(until) } => Packed::AsleepUntil(until),
            Event::Awake => Packed::Awake,
            Event::Spawned {
                task,
                parent,
                ref name,
                at: place,
            } => {
                let known = TaskInfo::new(task, parent, name.clone(), place, at);
                self.tasks.insert(task, known);
                Packed::Spawned(task, place)
            }
            Event::Woken { task, by } => match by {
                Reason::Spawned => Packed::WokenByBirth(task),
                Reason::Itself => Packed::WokenByItself(task),
                Reason::Task(by) => Packed::WokenBy(task, by),
                Reason::Outside => Packed::WokenFromOutside(task),
            },
            Event::Polled { task } => Packed::Polled(task),
            Event::Parked { task, on, at } => Packed::Parked(task, on, at),
            Event::Finished { task, how } => {
                self.end(at, task, how);
                Packed::Finished(task, how)
            }
            Event::CancelAsked { task, by, at } => {
                self.asked.push_back((by, at));
                Packed::CancelAsked(task)
            }
            Event::TimerSet {
                timer,
                task,
                deadline,
            } => Packed::TimerSet(timer, task.map_or(NOBODY, TaskId::get), deadline),
            Event::TimerUnset { timer } => Packed::TimerUnset(timer),
            Event::TimerFired { timer } => Packed::TimerFired(timer),
            Event::SourceAdded { fd, task } => {
                Packed::SourceAdded(fd, task.map_or(NOBODY, TaskId::get))
            }
            Event::SourceWanted { fd, task } => {
                Packed::SourceWanted(fd, task.map_or(NOBODY, TaskId::get))
            }
            Event::SourceRemoved { fd } => Packed::SourceRemoved(fd),
            Event::SourceReady { fd, read, write } => Packed::SourceReady(fd, read, write),
        }
    }

    /// Notes that a task has ended.
    fn end(&mut self, at: Instant, task: TaskId, how: Finish) {
        let Some(known) = self.tasks.get_mut(&task) else {
            return;
        };
        known.end(at, how);
        self.ended.push_back((self.told, task));
        if self.ended.len() > self.capacity {
            self.release(self.told.saturating_sub(self.capacity as u64));
        }
    }

    /// Forgets what only an event has needed that is overwritten, and before which so many were told.
    #[inline]
    fn forget(&mut self, before: Entry, told: u64) {
        match before.what {
            Packed::Polled(task) => {
                self.open.begin(before.at, task);
            }
            Packed::Parked(task, ..) | Packed::Finished(task, _) => {
                self.open.end(before.at, task);
            }
            Packed::CancelAsked(_) => {
                self.asked.pop_front();
            }
            Packed::Turn(_) | Packed::Asleep | Packed::AsleepUntil(_) => {
                self.open.clear();
                self.release(told);
            }
            _ => {}
        }
    }

    /// Forgets the tasks that had ended before so many events were told.
    fn release(&mut self, told: u64) {
        while let Some((ended, task)) = self.ended.front().copied()
            && ended < told
        {
            self.ended.pop_front();
            self.tasks.remove(&task);
        }
    }

    /// What is in the ring, and what is known of its tasks.
    pub(super) fn recording(&self) -> Recording {
        let mut asked = self.asked.iter().copied();
        let entries = (0..self.entries.len()).map(|nth| self.order(nth));
        let events: Vec<_> = entries
            .map(|entry| (entry.at, self.unpack(entry.what, &mut asked)))
            .collect();
        let lost = self.told - events.len() as u64;
        let tasks = self.tasks.values().cloned().collect();
        Recording::new(events, tasks, lost, self.open.stack().to_vec())
    }

    /// The event that was made small.
    fn unpack(&self, what: Packed, asked: &mut impl Iterator<Item = Asked>) -> Event {
        let task_of = |number| (number != NOBODY).then(|| TaskId::new(number));
        let woken = |task, by| Event::Woken { task, by };
        match what {
            Packed::Turn(ready) => Event::Turn { ready },
            Packed::Asleep => Event::Asleep { until: None },
            Packed::AsleepUntil(until) => Event::Asleep { until: Some(until) },
            Packed::Awake => Event::Awake,
            Packed::Spawned(task, at) => {
                let known = self.tasks.get(&task);
                Event::Spawned {
                    task,
                    parent: known.and_then(TaskInfo::parent),
                    name: known.and_then(TaskInfo::shared_name),
                    at,
                }
            }
            Packed::WokenBy(task, by) => woken(task, Reason::Task(by)),
            Packed::WokenByBirth(task) => woken(task, Reason::Spawned),
            Packed::WokenByItself(task) => woken(task, Reason::Itself),
            Packed::WokenFromOutside(task) => woken(task, Reason::Outside),
            Packed::Polled(task) => Event::Polled { task },
            Packed::Parked(task, on, at) => Event::Parked { task, on, at },
            Packed::Finished(task, how) => Event::Finished { task, how },
            Packed::CancelAsked(task) => {
                let (by, at) = asked.next().expect("as many as are in the ring");
                Event::CancelAsked { task, by, at }
            }
            Packed::TimerSet(timer, task, deadline) => Event::TimerSet {
                timer,
                task: task_of(task),
                deadline,
            },
            Packed::TimerUnset(timer) => Event::TimerUnset { timer },
            Packed::TimerFired(timer) => Event::TimerFired { timer },
            Packed::SourceAdded(fd, task) => Event::SourceAdded {
                fd,
                task: task_of(task),
            },
            Packed::SourceWanted(fd, task) => Event::SourceWanted {
                fd,
                task: task_of(task),
            },
            Packed::SourceRemoved(fd) => Event::SourceRemoved { fd },
            Packed::SourceReady(fd, read, write) => Event::SourceReady { fd, read, write },
        }
    }
}
