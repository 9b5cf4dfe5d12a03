//! A recording as JSON, as `log.js` reads it.
//!
//! ```text
//!   {"version": 1, "title": "…", "lost": 0,
//!    "events": [[nanoseconds since the event before, what, …], …],
//!    "tasks": [[number, parent, name, place], …],
//!    "names": ["…"], "places": ["src/main.rs:3:5"], "waits": [[kind, "a mutex"]]}
//! ```
//!
//! What follows the `what` of an event is in [`Tables::event`], in the order of [`Event`]. Of tasks there is
//! what is known of those whose birth may be lost. Names, places
//! and waits are told once and known by their number. Moments are nanoseconds since the first event. No
//! task is 0, no name and no place -1, and a deadline that never comes `null`.
//!
//! Law: each character that HTML or JavaScript could take for something else is escaped.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::Hash;
use std::io;
use std::panic::Location;

use crate::clock::Instant;
use crate::observer::{Event, Finish};
use crate::sched::Reason;
use crate::task::TaskId;
use crate::task::waits::WaitKind;
use crate::trace::TaskInfo;

/// Of which form the JSON is; `log.js` refuses others.
const VERSION: u32 = 1;

/// Writes a recording as JSON.
pub(super) fn write(
    title: &str,
    events: &[(Instant, Event)],
    tasks: &[TaskInfo],
    lost: u64,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut tables = Tables::default();
    let title = as_json(title);
    write!(
        out,
        r#"{{"version":{VERSION},"title":{title},"lost":{lost},"events":["#
    )?;
    let first = events.first().map_or(Instant::PAST, |(at, _)| *at);
    let mut last = first;
    for (nth, (at, event)) in events.iter().enumerate() {
        let comma = if nth == 0 { "" } else { "," };
        let since = nanos(last, *at);
        last = last.max(*at);
        let what = tables.event(event, first);
        write!(out, "{comma}\n[{since},{what}]")?;
    }
    let known: Vec<String> = tasks.iter().map(|task| tables.task(task)).collect();
    let Tables {
        names,
        places,
        waits,
    } = tables;
    let [names, places, waits] =
        [names.lines, places.lines, waits.lines].map(|lines| lines.join(",\n"));
    write!(
        out,
        "],\n\"tasks\":[{}],\n\"names\":[{names}],\n\"places\":[{places}],\n\"waits\":[{waits}]}}",
        known.join(",\n")
    )
}

/// Nanoseconds from a moment to another one, not before it.
fn nanos(from: Instant, to: Instant) -> u128 {
    to.saturating_duration_since(from).as_nanos()
}

/// A moment, seen from the first one; `null` if it never comes.
fn moment(first: Instant, at: Instant) -> String {
    match at {
        Instant::NEVER => String::from("null"),
        at if at < first => format!("-{}", nanos(at, first)),
        at => nanos(first, at).to_string(),
    }
}

/// The number of a task, or 0.
fn number(task: Option<TaskId>) -> u64 {
    task.map_or(0, TaskId::get)
}

/// The number of something, or -1 if it is nothing.
fn or_none(number: Option<usize>) -> i64 {
    number.map_or(-1, |number| {
        i64::try_from(number).expect("fewer texts than bytes of memory")
    })
}

/// Texts that are told once.
struct Table<K> {
    /// The number of each.
    numbers: HashMap<K, usize>,
    /// Each, as JSON.
    lines: Vec<String>,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        let (numbers, lines) = Default::default();
        Self { numbers, lines }
    }
}

impl<K: Hash + Eq> Table<K> {
    /// The number of a text, which is written if it has none yet.
    fn number(&mut self, key: K, json: impl FnOnce(&K) -> String) -> usize {
        if let Some(&number) = self.numbers.get(&key) {
            return number;
        }
        let number = self.lines.len();
        self.lines.push(json(&key));
        self.numbers.insert(key, number);
        number
    }
}

/// All texts that events have in common.
#[derive(Default)]
struct Tables {
    /// Those of tasks.
    names: Table<String>,
    /// Where something is in a program.
    places: Table<&'static Location<'static>>,
    /// What tasks wait for, each with its kind.
    waits: Table<(usize, String)>,
}

impl Tables {
    /// The number of a place, or -1 if it is none.
    fn place(&mut self, at: Option<&'static Location<'static>>) -> i64 {
        let number = at.map(|at| self.places.number(at, |at| as_json(&at.to_string())));
        or_none(number)
    }

    /// The number of a name, or -1 if it is none.
    fn name(&mut self, name: Option<&str>) -> i64 {
        let number = name.map(|name| self.names.number(name.into(), |name| as_json(name)));
        or_none(number)
    }

    /// What is known of a task.
    fn task(&mut self, task: &TaskInfo) -> String {
        let (id, parent) = (task.id(), number(task.parent()));
        let (name, at) = (self.name(task.name()), self.place(Some(task.spawned_at())));
        format!("[{id},{parent},{name},{at}]")
    }

    /// An event, without its brackets and its time. A moment is seen from the `first` event.
    fn event(&mut self, event: &Event, first: Instant) -> String {
        match event {
            Event::Turn { ready } => format!("0,{ready}"),
            Event::Asleep { until } => {
                let until = until.map_or_else(|| String::from("null"), |at| moment(first, at));
                format!("1,{until}")
            }
            Event::Awake => String::from("2"),
            Event::Spawned {
                task,
                parent,
                name,
                at,
            } => {
                let name = self.name(name.as_deref());
                let (parent, at) = (number(*parent), self.place(Some(at)));
                format!("3,{task},{parent},{name},{at}")
            }
            Event::Woken { task, by } => {
                let by = match by {
                    Reason::Task(by) => by.to_string(),
                    Reason::Outside => String::from("0"),
                    Reason::Itself => String::from("-1"),
                    Reason::Spawned => String::from("-2"),
                };
                format!("4,{task},{by}")
            }
            Event::Polled { task } => format!("5,{task}"),
            Event::Parked { task, on, at } => {
                let wait = (kind(on.kind()), on.to_string());
                let json = |(kind, text): &(usize, String)| format!("[{kind},{}]", as_json(text));
                let on = self.waits.number(wait, json);
                format!("6,{task},{on},{}", self.place(*at))
            }
            Event::Finished { task, how } => {
                let how = match how {
                    Finish::Returned => 0,
                    Finish::Cancelled => 1,
                    Finish::Panicked => 2,
                };
                format!("7,{task},{how}")
            }
            Event::CancelAsked { task, by, at } => {
                format!("8,{task},{},{}", number(*by), self.place(Some(at)))
            }
            other => of_the_world(other, first),
        }
    }
}

/// The same, of a timer or a descriptor.
fn of_the_world(event: &Event, first: Instant) -> String {
    match event {
        Event::TimerSet {
            timer,
            task,
            deadline,
        } => {
            let deadline = moment(first, *deadline);
            format!("9,{timer},{},{deadline}", number(*task))
        }
        Event::TimerUnset { timer } => format!("10,{timer}"),
        Event::TimerFired { timer } => format!("11,{timer}"),
        Event::SourceAdded { fd, task } => format!("12,{fd},{}", number(*task)),
        Event::SourceRemoved { fd } => format!("13,{fd}"),
        Event::SourceReady { fd, read, write } => {
            format!("14,{fd},{},{}", u8::from(*read), u8::from(*write))
        }
        Event::SourceWanted { fd, task } => format!("15,{fd},{}", number(*task)),
        other => unreachable!("no timer and no descriptor: {other}"),
    }
}

/// The number of a kind of waits.
fn kind(kind: WaitKind) -> usize {
    match kind {
        WaitKind::Io => 0,
        WaitKind::Thread => 1,
        WaitKind::Task => 2,
        WaitKind::Join => 3,
        WaitKind::Foreign => 4,
        WaitKind::Time => 5,
        WaitKind::Turn => 6,
        WaitKind::Nothing => 7,
    }
}

/// A text as a JSON string that neither HTML nor JavaScript can take for more than that.
fn as_json(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            // What ends the script or begins a comment in it, what is no JSON, what ends a line in old
            // JavaScript, what turns the direction of writing, and what no text should begin with.
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\u{feff}' => escape(&mut json, c),
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                escape(&mut json, c);
            }
            c if c.is_control() => escape(&mut json, c),
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

/// Adds a character by its number.
fn escape(json: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        write!(json, "\\u{unit:04x}").expect("a string takes everything");
    }
}

#[cfg(test)]
mod tests;
