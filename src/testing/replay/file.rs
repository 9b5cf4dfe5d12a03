//! The file of a schedule: written, and read with an eye on every line.

use std::fmt;
use std::panic::Location;

use crate::testing::director::{Decision, Told, Who};

/// The first line: what the file is, and of which format.
const FIRST: &str = "bibelot replay 2";

/// How the first line begins in every format.
const FIRST_OF_ANY: &str = "bibelot replay ";

/// The version of this crate, which is that of its schedules.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a file is made of.
pub(in crate::testing) struct Record<'a> {
    /// Where the test was explored.
    pub(in crate::testing) at: &'static Location<'static>,
    /// How the schedule was found.
    pub(in crate::testing) found: &'a str,
    /// What chance goes by.
    pub(in crate::testing) seed: u64,
    /// How it fails.
    pub(in crate::testing) fails: String,
    /// How many polls a run may have.
    pub(in crate::testing) polls_max: u64,
    /// What was decided.
    pub(in crate::testing) decisions: &'a [Decision],
    /// The polls.
    pub(in crate::testing) story: &'a [Told],
}

impl Record<'_> {
    /// The text of the file.
    pub(in crate::testing) fn to_text(&self) -> String {
        let mut text = format!("{FIRST}\n");
        let mut check = Check::new();
        let mut add = |line: String| {
            let check = check.of(&line);
            text += &format!("{line} #{check:08x}\n");
        };
        add(format!("version {VERSION}"));
        add(format!("program {}", program()));
        add(format!("test {}", self.at));
        add(format!("found {}", self.found));
        add(format!("seed {}", self.seed));
        add(format!("fails {:?}", self.fails));
        add(format!("polls_max {}", self.polls_max));
        let count = self.decisions.len();
        let decided = self.story.iter().filter(|told| told.ready > 1);
        for ((told, decision), nth) in decided.zip(self.decisions).zip(1..) {
            let line = Line {
                chosen: decision.chosen as usize,
                of: told.ready,
                id: told.who.id.get(),
                name: told.who.name.as_ref().map(|name| format!("{name:?}")),
                at: told.who.spawned_at.to_string(),
            };
            add(format!("decision {nth} of {count}: {line}"));
        }
        add("end".into());
        text
    }
}

/// This program's name, as its file has it, without what cargo adds.
pub(in crate::testing) fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let is_hash = |tail: &str| tail.len() == 16 && tail.chars().all(|c| c.is_ascii_hexdigit());
    match name.rsplit_once('-') {
        Some((name, tail)) if is_hash(tail) => name.into(),
        _ => name.into(),
    }
}

/// The check at the end of lines: FNV-1a over all so far.
struct Check(u32);

impl Check {
    /// That of nothing.
    fn new() -> Self {
        Self(0x811c_9dc5)
    }

    /// That of one line more.
    fn of(&mut self, line: &str) -> u32 {
        for byte in line.bytes().chain([b'\n']) {
            self.0 = (self.0 ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
        self.0
    }
}

/// A decision of the file.
#[derive(Debug)]
pub(super) struct Line {
    /// Who is chosen, counted from 0.
    pub(super) chosen: usize,
    /// How many are ready.
    pub(super) of: usize,
    /// The task's number.
    id: u64,
    /// Its name, as `Debug` writes it.
    name: Option<String>,
    /// Where it was spawned.
    pub(super) at: String,
}

impl Line {
    /// Reads one.
    fn parse(text: &str) -> Option<Self> {
        let (chosen, rest) = text.split_once(" of ")?;
        let (of, rest) = rest.split_once(", task ")?;
        let (id, at) = rest.split_once(" at ")?;
        let (at, name) = match at.split_once(", named ") {
            Some((at, name)) => (at, Some(name.to_owned())),
            None => (at, None),
        };
        Some(Self {
            chosen: chosen.parse::<usize>().ok()?.checked_sub(1)?,
            of: of.parse().ok()?,
            id: id.parse().ok()?,
            name,
            at: at.to_owned(),
        })
    }

    /// Whether this is the task.
    pub(super) fn is(&self, who: &Who) -> bool {
        let name = who.name.as_ref().map(|name| format!("{name:?}"));
        let file = format!("{}:", who.spawned_at.file());
        // The main task is wherever it is replayed.
        let is_there = who.is_main() || self.at.starts_with(&file);
        self.id == who.id.get() && self.name == name && is_there
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of, id, at, .. } = self;
        write!(f, "{} of {of}, task {id} at {at}", self.chosen + 1)?;
        match &self.name {
            Some(name) => write!(f, ", named {name}"),
            None => Ok(()),
        }
    }
}

/// What a file says.
#[derive(Debug)]
pub(super) struct Script {
    /// Whose it is.
    pub(super) whose: String,
    /// What chance goes by.
    pub(super) seed: u64,
    /// How many polls a run may have.
    pub(super) polls_max: u64,
    /// Each decision, with its line in the file.
    pub(super) decisions: Vec<(usize, Line)>,
}

impl Script {
    /// Reads a file's text.
    ///
    /// # Errors
    ///
    /// Returns what is wrong, and in which line.
    pub(super) fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut lines = Lines::new(text)?;
        let version = lines.field("version")?;
        if version != VERSION {
            let what = format!(
                "written by version {version} of bibelot, and this is {VERSION}, whose schedules may be \
                 others; explore the test again"
            );
            return Err((2, what));
        }
        let owner = lines.field("program")?;
        let whose = format!("program {owner}, test {}", lines.field("test")?);
        lines.field("found")?;
        let seed = lines.number("seed")?;
        lines.field("fails")?;
        let polls_max = lines.number("polls_max")?;
        let mut decisions = Vec::new();
        loop {
            let line = lines.next()?;
            if line == "end" {
                break;
            }
            let nth = decisions.len() + 1;
            let decision = line
                .strip_prefix(&format!("decision {nth} of "))
                .and_then(|rest| Line::parse(rest.split_once(": ")?.1))
                .ok_or_else(|| lines.unknown())?;
            decisions.push((lines.nth, decision));
        }
        lines.end()?;
        // With decisions, it is found out at the first that does not fit; here there are none.
        if decisions.is_empty() && owner != program() {
            let what = format!(
                "written by the program {owner}, and this is {}; without a decision nothing else tells them apart",
                program()
            );
            return Err((3, what));
        }
        Ok(Self {
            whose,
            seed,
            polls_max,
            decisions,
        })
    }
}

/// The lines of a file whose checks fit.
struct Lines<'a> {
    /// Those to come.
    lines: std::str::Lines<'a>,
    /// How many were taken.
    nth: usize,
    /// The check of those.
    check: Check,
}

impl<'a> Lines<'a> {
    /// Takes the first one, which says what the file is.
    fn new(text: &'a str) -> Result<Self, (usize, String)> {
        let mut lines = text.lines();
        match lines.next() {
            Some(FIRST) => {}
            Some(other) if other.starts_with(FIRST_OF_ANY) => {
                let what = format!(
                    "expected {FIRST:?}, found {other:?}: another format; explore the test again"
                );
                return Err((1, what));
            }
            other => {
                let found = other.unwrap_or_default();
                let what = format!("expected {FIRST:?}, found {found:?}: no replay file");
                return Err((1, what));
            }
        }
        let (nth, check) = (1, Check::new());
        Ok(Self { lines, nth, check })
    }

    /// The next one, without its check.
    fn next(&mut self) -> Result<&'a str, (usize, String)> {
        self.nth += 1;
        let Some(whole) = self.lines.next() else {
            let what =
                "expected another line, found the end: the file was cut, its last line is \"end\"";
            return Err((self.nth, what.into()));
        };
        let parts = whole.rsplit_once(" #");
        let Some((line, found)) = parts else {
            let what = format!(
                "expected a line that ends with its check, found {whole:?}: it was cut, or changed"
            );
            return Err((self.nth, what));
        };
        let expected = format!("{:08x}", self.check.of(line));
        if found != expected {
            let what = format!(
                "expected the check #{expected}, found #{found} behind {line:?}: this line was changed, or one \
                 was taken out or put in before it"
            );
            return Err((self.nth, what));
        }
        Ok(line)
    }

    /// That there is none any more.
    fn end(&mut self) -> Result<(), (usize, String)> {
        match self.lines.next() {
            None => Ok(()),
            Some(more) => {
                let what = format!("expected the end, found {more:?}: it was added");
                Err((self.nth + 1, what))
            }
        }
    }

    /// The rest of the next line, which begins with this word.
    fn field(&mut self, name: &str) -> Result<&'a str, (usize, String)> {
        let line = self.next()?;
        let rest = line
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix(' '));
        rest.ok_or_else(|| (self.nth, format!("expected {name:?}, found {line:?}")))
    }

    /// The number in the next line, which begins with this word.
    fn number(&mut self, name: &str) -> Result<u64, (usize, String)> {
        let text = self.field(name)?;
        let what = || format!("expected a number behind {name:?}, found {text:?}");
        text.parse().map_err(|_| (self.nth, what()))
    }

    /// That the last line is not what it should be, though its check fits.
    fn unknown(&self) -> (usize, String) {
        (
            self.nth,
            "expected a decision or \"end\", found another line".into(),
        )
    }
}
