//! [`Lanes`]: what is drawn of a recording, a lane a task.
//!
//! A task is in one of three ways at any moment: it is polled, or waits, or is ready. Whenever it
//! comes to another one, the slice of the one before is complete. What an arrow needs to know of its
//! start, the poll in which the wake was, is at hand when the wake is read; it is drawn when its end
//! is known, at the next poll of the task.

use std::collections::{BTreeMap, HashMap};
use std::panic::Location;

use crate::clock::Instant;
use crate::observer::{Event, Finish, Wait};
use crate::sched::Reason;
use crate::task::TaskId;
use crate::trace::chrome::{Arg, EXECUTOR, Item, Shape, Value};
use crate::trace::recording::Recording;

/// A moment, and the number of the event of which it is, from 1 on; 0 is before all.
type Moment = (Instant, usize);

/// What a task does.
#[derive(Default)]
enum Does {
    /// Nobody knows: it has been doing it since before the recording.
    #[default]
    Something,
    /// It is polled.
    Runs(Moment),
    /// It waits, for something, somewhere.
    Waits(Moment, Wait, Option<&'static Location<'static>>),
    /// It is ready.
    IsReady(Moment),
    /// It has ended, in this way; or the recording has.
    HasEnded(Option<Finish>),
}

/// The lane of a task.
#[derive(Default)]
struct Lane {
    /// What it does.
    does: Does,
    /// When its last poll ended.
    polled_until: Option<Moment>,
    /// Whether it was woken in the poll that goes on.
    is_woken: bool,
    /// The start of the arrow to its next poll: in whose lane, when, and its name.
    arrow: Option<(u64, Moment, &'static str)>,
}

/// What is drawn.
#[derive(Default)]
pub(super) struct Lanes {
    /// The lanes of tasks.
    tasks: BTreeMap<TaskId, Lane>,
    /// The turn that goes on: when it began, how many tasks were ready, and when its last poll ended.
    turn: Option<(Moment, usize, Moment)>,
    /// The sleep that goes on, and until when.
    sleep: Option<(Moment, Option<Instant>)>,
    /// In whose lanes deadlines are.
    timers: HashMap<u32, u64>,
    /// How many arrows there are.
    arrows: u64,
    /// Everything.
    items: Vec<Item>,
}

/// The lane of a task.
fn lane_of(task: TaskId) -> u64 {
    EXECUTOR.saturating_add(task.get())
}

/// A text to be said.
fn text(name: &'static str, value: impl ToString) -> Arg {
    (name, Value::Text(value.to_string()))
}

/// A number to be said.
fn number(name: &'static str, value: impl Into<i64>) -> Arg {
    (name, Value::Number(value.into()))
}

impl Lanes {
    /// Draws a recording.
    pub(super) fn draw(&mut self, recording: &Recording) {
        let (Some(start), Some(end)) = (recording.start(), recording.end()) else {
            return;
        };
        for &task in recording.polled_at_start().stack() {
            self.tasks.entry(task).or_default().does = Does::Runs((start, 0));
        }
        for (nth, (at, event)) in recording.events().iter().enumerate() {
            self.add((*at, nth + 1), event);
        }
        // What goes on is drawn to the end.
        let nth = recording.events().len() + 1;
        let tasks: Vec<TaskId> = self.tasks.keys().copied().collect();
        for task in tasks {
            self.change(task, (end, nth), Does::HasEnded(None));
        }
        self.end_turn();
        self.end_sleep((end, nth));
    }

    /// The lanes of tasks.
    pub(super) fn used(&self) -> impl Iterator<Item = u64> {
        self.tasks.keys().map(|&task| lane_of(task))
    }

    /// The name of a lane.
    pub(super) fn name(&self, lane: u64, recording: &Recording) -> String {
        let task = TaskId::new(lane - EXECUTOR);
        let name = recording.task(task).and_then(|known| known.name());
        match name {
            Some(name) => format!("{name} ({task})"),
            None => format!("task {task}"),
        }
    }

    /// Everything, in the order of its moments.
    pub(super) fn into_items(mut self) -> Vec<Item> {
        // What is of one event: a slice ends, of which an arrow may start, before another begins, in
        // which one may end.
        let order = |item: &Item| match item.shape {
            Shape::Start(..) => 0,
            Shape::Close => 1,
            Shape::End(..) => 3,
            _ => 2,
        };
        self.items
            .sort_by_key(|item| (item.at, item.nth, order(item)));
        self.items
    }

    /// Draws an event.
    fn add(&mut self, now: Moment, event: &Event) {
        match *event {
            Event::Turn { ready } => {
                self.end_turn();
                self.turn = Some((now, ready, now));
                self.put(now, EXECUTOR, Shape::Ready(ready));
            }
            Event::Asleep { until } => {
                self.end_turn();
                self.sleep = Some((now, until));
                self.put(now, EXECUTOR, Shape::Ready(0));
            }
            Event::Awake => self.end_sleep(now),
            Event::Spawned { task, parent, .. } => {
                self.tasks.insert(task, Lane::default());
                self.change(task, now, Does::IsReady(now));
                if let Some(parent) = parent {
                    self.start_arrow(parent, task, now, "spawn");
                }
            }
            Event::Woken { task, by } => {
                self.wake(task, now);
                if let Reason::Task(by) = by {
                    self.start_arrow(by, task, now, "wake");
                }
            }
            Event::Polled { task } => {
                self.change(task, now, Does::Runs(now));
                self.end_arrow(task, now);
            }
            Event::Parked { task, on, at } => {
                let lane = self.tasks.entry(task).or_default();
                let is_woken = std::mem::take(&mut lane.is_woken);
                self.change(task, now, Does::Waits(now, on, at));
                if is_woken {
                    self.change(task, now, Does::IsReady(now));
                }
            }
            Event::Finished { task, how } => {
                let lane = self.tasks.entry(task).or_default();
                if !matches!(lane.does, Does::Runs(_)) {
                    self.put(now, lane_of(task), Shape::Mark("dropped", vec![]));
                }
                self.change(task, now, Does::HasEnded(Some(how)));
            }
            ref mark => self.mark(now, mark),
        }
    }

    /// A task has become ready; one that runs is so when it no longer does.
    fn wake(&mut self, task: TaskId, now: Moment) {
        let lane = self.tasks.entry(task).or_default();
        match lane.does {
            Does::Runs(_) => lane.is_woken = true,
            // By what it has left behind.
            Does::HasEnded(_) => {}
            _ => self.change(task, now, Does::IsReady(now)),
        }
    }

    /// A task does something else: the slice of what it did is complete.
    fn change(&mut self, task: TaskId, now: Moment, next: Does) {
        let lane = self.tasks.entry(task).or_default();
        let end = match next {
            Does::HasEnded(how) => how.map(|how| text("end", how)),
            _ => None,
        };
        let (begin, category, name, mut args) = match std::mem::replace(&mut lane.does, next) {
            Does::Something | Does::HasEnded(_) => return,
            Does::Runs(begin) => {
                lane.polled_until = Some(now);
                if let Some((.., until)) = &mut self.turn {
                    *until = now;
                }
                (begin, "poll", String::from("poll"), Vec::new())
            }
            Does::Waits(begin, on, at) => {
                let at = at.map(|at| text("at", at));
                (begin, "wait", on.to_string(), Vec::from_iter(at))
            }
            Does::IsReady(begin) => (begin, "ready", String::from("ready"), Vec::new()),
        };
        // Between a poll and what follows at once there is nothing to be seen.
        if category != "poll" && begin.0 == now.0 {
            return;
        }
        let id = i64::try_from(task.get()).unwrap_or(i64::MAX);
        args.push(number("task", id));
        args.extend(end);
        self.slice(lane_of(task), (begin, now), category, name, args);
    }

    /// A task has made another one ready: the arrow starts in its poll, or at the end of its last one.
    fn start_arrow(&mut self, from: TaskId, to: TaskId, now: Moment, name: &'static str) {
        let start = match self.tasks.get(&from) {
            Some(lane) => match (&lane.does, lane.polled_until) {
                (Does::Runs(_), _) => now,
                (_, Some(until)) => until,
                (_, None) => return,
            },
            None => return,
        };
        if let Some(lane) = self.tasks.get_mut(&to) {
            lane.arrow = Some((lane_of(from), start, name));
        }
    }

    /// The poll has begun to which an arrow goes.
    fn end_arrow(&mut self, to: TaskId, now: Moment) {
        let arrow = self.tasks.get_mut(&to).and_then(|lane| lane.arrow.take());
        if let Some((from, start, name)) = arrow {
            self.arrows += 1;
            self.put(start, from, Shape::Start(self.arrows, name));
            self.put(now, lane_of(to), Shape::End(self.arrows, name));
        }
    }

    /// The turn is over, if there was one.
    fn end_turn(&mut self) {
        if let Some((begin, ready, until)) = self.turn.take() {
            let ready = number("ready", i64::try_from(ready).unwrap_or(i64::MAX));
            let name = String::from("turn");
            self.slice(EXECUTOR, (begin, until), "turn", name, vec![ready]);
        }
    }

    /// The sleep is over, if there was one.
    fn end_sleep(&mut self, now: Moment) {
        if let Some((begin, until)) = self.sleep.take() {
            let until =
                until.map(|until| text("until", format_args!("{:?} later", until - begin.0)));
            let (name, args) = (String::from("asleep"), Vec::from_iter(until));
            self.slice(EXECUTOR, (begin, now), "sleep", name, args);
        }
    }

    /// Draws what has no length.
    fn mark(&mut self, now: Moment, event: &Event) {
        let tasks = &mut self.tasks;
        let mut lane = |task: Option<TaskId>| {
            task.map_or(EXECUTOR, |task| {
                tasks.entry(task).or_default();
                lane_of(task)
            })
        };
        let (lane, name, args) = match *event {
            Event::CancelAsked { task, by, at } => {
                let by = by.map(|by| text("by", format_args!("task {by}")));
                let mut args = Vec::from_iter(by);
                args.push(text("at", at));
                (lane(Some(task)), "cancel asked", args)
            }
            Event::TimerSet {
                timer,
                task,
                deadline,
            } => {
                let lane = lane(task);
                self.timers.insert(timer, lane);
                let due = text("due", format_args!("{:?} later", deadline - now.0));
                (lane, "deadline set", vec![number("timer", timer), due])
            }
            Event::TimerUnset { timer } => {
                let lane = self.timers.remove(&timer).unwrap_or(EXECUTOR);
                (lane, "deadline unset", vec![number("timer", timer)])
            }
            Event::TimerFired { timer } => {
                let lane = self.timers.remove(&timer).unwrap_or(EXECUTOR);
                (lane, "deadline passed", vec![number("timer", timer)])
            }
            Event::SourceAdded { fd, task } => {
                (lane(task), "descriptor watched", vec![number("fd", fd)])
            }
            Event::SourceWanted { fd, task } => {
                (lane(task), "descriptor wanted", vec![number("fd", fd)])
            }
            Event::SourceRemoved { fd } => (EXECUTOR, "descriptor left", vec![number("fd", fd)]),
            Event::SourceReady { fd, read, write } => {
                let can = |can: bool| i32::from(can);
                let read = number("read", can(read));
                let write = number("write", can(write));
                let args = vec![number("fd", fd), read, write];
                (EXECUTOR, "descriptor ready", args)
            }
            _ => return,
        };
        self.put(now, lane, Shape::Mark(name, args));
    }

    /// Puts a slice into the picture.
    fn slice(
        &mut self,
        lane: u64,
        (begin, end): (Moment, Moment),
        category: &'static str,
        name: String,
        args: Vec<Arg>,
    ) {
        if begin.0 < end.0 {
            self.put(begin, lane, Shape::Slice(end.0, category, name, args));
        } else if begin != end {
            self.put(begin, lane, Shape::Begin(category, name, args));
            self.put(end, lane, Shape::Close);
        }
    }

    /// Puts something into the picture.
    fn put(&mut self, (at, nth): Moment, lane: u64, shape: Shape) {
        self.items.push(Item {
            at,
            nth,
            lane,
            shape,
        });
    }
}
