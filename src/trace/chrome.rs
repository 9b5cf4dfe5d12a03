//! A recording as Chrome trace JSON: what is written.
//!
//! ```text
//!   executor   ├ turn ────────────────────────┤├ asleep ──────┤├ turn ─────
//!   main       ├ poll ┤├ a task to end ───────────────────────────────┤├ …
//!                 ╲ spawn
//!   fetch      ├ ready ▼├ poll ┤├ a deadline ───────────────┤├ ready ┤├ poll
//! ```
//!
//! The format is the one of "Trace Event Format" (Google, 2016): a list of objects, each with a phase
//! `ph`. Slices are complete ones (`X`), arrows a start and an end of one number (`s`, `f`), marks
//! instants (`i`), the curve a counter (`C`), names of lanes metadata (`M`). An arrow belongs to the
//! slice around its start, and with `"bp":"e"` to the one around its end.
//!
//! Slices of no length, of which a simulation has many, have an inside only by the order of the file;
//! and if they were complete ones, Perfetto would take those of one moment for nested ones. So they
//! have a begin and an end (`B`, `E`), and everything comes in the order of its moments, and of the
//! events it comes from.
//!
//! Moments are microseconds since the first event, so that a `double` has them to the nanosecond, for
//! a hundred days. There is no `displayTimeUnit`: some versions of Perfetto have taken it for the
//! unit of the moments. Read next: `trace/chrome/lanes.rs`, which draws.

mod lanes;

use std::fmt;
use std::io;

use crate::clock::Instant;
use crate::trace::chrome::lanes::Lanes;
use crate::trace::recording::Recording;

/// The lane of the executor. Not 0: Perfetto takes that for the idle thread.
const EXECUTOR: u64 = 1;

/// Writes a recording.
pub(super) fn write(recording: &Recording, out: &mut dyn io::Write) -> io::Result<()> {
    let mut lanes = Lanes::default();
    lanes.draw(recording);
    let start = recording.start().unwrap_or(Instant::PAST);
    write!(
        out,
        "{{\"traceEvents\":[\n{}",
        Metadata("process_name", EXECUTOR, &Named("bibelot"))
    )?;
    write!(
        out,
        ",\n{}",
        Metadata("thread_name", EXECUTOR, &Named("executor"))
    )?;
    write!(
        out,
        ",\n{}",
        Metadata("thread_sort_index", EXECUTOR, &Sorted(EXECUTOR))
    )?;
    for lane in lanes.used() {
        let named = Named(&lanes.name(lane, recording));
        write!(out, ",\n{}", Metadata("thread_name", lane, &named))?;
        write!(
            out,
            ",\n{}",
            Metadata("thread_sort_index", lane, &Sorted(lane))
        )?;
    }
    for item in lanes.into_items() {
        write!(out, ",\n{}", Stamped(start, &item))?;
    }
    let lost = recording.lost();
    writeln!(out, "\n],\"otherData\":{{\"lost events\":\"{lost}\"}}}}")
}

/// Something in the picture.
struct Item {
    /// When it is, or begins.
    at: Instant,
    /// Among those of one moment, the event from which it comes.
    nth: usize,
    /// In which lane.
    lane: u64,
    /// What it is.
    shape: Shape,
}

/// What there can be in the picture.
enum Shape {
    /// A slice: its end, its category, its name, and what else is to be said.
    Slice(Instant, &'static str, String, Vec<Arg>),
    /// The begin of a slice of no length: its category, its name, and what else is to be said.
    Begin(&'static str, String, Vec<Arg>),
    /// Its end.
    Close,
    /// A mark: its name, and what else is to be said.
    Mark(&'static str, Vec<Arg>),
    /// The start of an arrow: its number, and its name.
    Start(u64, &'static str),
    /// The end of an arrow.
    End(u64, &'static str),
    /// How many tasks are ready.
    Ready(usize),
}

/// Something else that is to be said: its name, and its text or number.
type Arg = (&'static str, Value);

/// A text or a number.
enum Value {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

/// A moment, in microseconds.
struct Micros(u128);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// A text in quotes.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                // Also what has a meaning where the text is pasted into a page.
                '<' | '\u{0}'..='\u{1f}' | '\u{7f}' | '\u{2028}' | '\u{2029}' => {
                    write!(f, "\\u{:04x}", u32::from(c))?;
                }
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// The name of a lane.
struct Named<'a>(&'a str);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"{{"name":{}}}"#, Quoted(self.0))
    }
}

/// Where a lane comes.
struct Sorted(u64);

impl fmt::Display for Sorted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"{{"sort_index":{}}}"#, self.0)
    }
}

/// What is said of a lane.
struct Metadata<'a>(&'static str, u64, &'a dyn fmt::Display);

impl fmt::Display for Metadata<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(what, lane, args) = self;
        write!(
            f,
            r#"{{"ph":"M","name":"{what}","pid":1,"tid":{lane},"args":{args}}}"#
        )
    }
}

/// Something in the picture, of which the first event is at this moment.
struct Stamped<'a>(Instant, &'a Item);

impl fmt::Display for Stamped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(
            start,
            Item {
                at, lane, shape, ..
            },
        ) = self;
        let ts = Micros((*at - *start).as_nanos());
        let place = format_args!(r#""pid":1,"tid":{lane},"ts":{ts}"#);
        match shape {
            Shape::Slice(end, category, name, args) => {
                let dur = Micros((*end - *at).as_nanos());
                let name = Quoted(name);
                write!(
                    f,
                    r#"{{"ph":"X",{place},"dur":{dur},"cat":"{category}","name":{name}"#
                )?;
                write_args(f, args)
            }
            Shape::Begin(category, name, args) => {
                let name = Quoted(name);
                write!(f, r#"{{"ph":"B",{place},"cat":"{category}","name":{name}"#)?;
                write_args(f, args)
            }
            Shape::Close => write!(f, r#"{{"ph":"E",{place}}}"#),
            Shape::Mark(name, args) => {
                write!(
                    f,
                    r#"{{"ph":"i",{place},"s":"t","cat":"mark","name":"{name}""#
                )?;
                write_args(f, args)
            }
            Shape::Start(id, name) => {
                write!(
                    f,
                    r#"{{"ph":"s",{place},"id":{id},"cat":"wake","name":"{name}"}}"#
                )
            }
            Shape::End(id, name) => {
                write!(
                    f,
                    r#"{{"ph":"f","bp":"e",{place},"id":{id},"cat":"wake","name":"{name}"}}"#
                )
            }
            Shape::Ready(count) => {
                write!(
                    f,
                    r#"{{"ph":"C",{place},"name":"ready","args":{{"tasks":{count}}}}}"#
                )
            }
        }
    }
}

/// Writes what else is to be said, and the end of the object.
fn write_args(f: &mut fmt::Formatter<'_>, args: &[Arg]) -> fmt::Result {
    f.write_str(r#","args":{"#)?;
    for (nth, (name, value)) in args.iter().enumerate() {
        if nth > 0 {
            f.write_str(",")?;
        }
        match value {
            Value::Text(text) => write!(f, r#""{name}":{}"#, Quoted(text))?,
            Value::Number(number) => write!(f, r#""{name}":{number}"#)?,
        }
    }
    f.write_str("}}")
}
