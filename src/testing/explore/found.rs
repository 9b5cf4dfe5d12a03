//! What an exploration comes back with: [`Explored`], or [`Found`].

use std::collections::HashSet;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::Location;
use std::path::{Path, PathBuf};

use crate::testing::director::{Told, Who};
use crate::testing::explore::attempt::{Attempt, Failure};
use crate::testing::explore::pilots::overtakes;

/// How many polls of a schedule are told without gaps.
const LINES_MAX: usize = 60;

/// How many polls are told around an overtake, and before the end, in a long one.
const AROUND: usize = 5;

/// What an exploration has seen, none of which has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explored {
    /// How many were run.
    pub(super) schedules: usize,
    /// How many of those were not the same as an earlier one.
    pub(super) distinct: usize,
    /// Whether these are all there are.
    pub(super) is_complete: bool,
    /// How many overtakes a schedule may have to have been seen for sure.
    pub(super) complete_to: usize,
    /// The most decisions in one.
    pub(super) decisions_max: usize,
    /// The most polls in one.
    pub(super) polls_max: u64,
}

impl Explored {
    /// How many schedules were run.
    #[must_use]
    pub fn schedules(&self) -> usize {
        self.schedules
    }

    /// How many different ones that were: two are the same if the same tasks were polled in the same order.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.distinct
    }

    /// Whether these are all there are: then the test cannot fail by the order in which its tasks are
    /// polled.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// All schedules that overtake so often at most were run; 0 is the plain order alone, and
    /// [`usize::MAX`] all there are.
    #[must_use]
    pub fn complete_to(&self) -> usize {
        self.complete_to
    }

    /// How many decisions the longest one had: polls for which more than one task was ready.
    #[must_use]
    pub fn decisions_max(&self) -> usize {
        self.decisions_max
    }

    /// How many polls the longest one had.
    #[must_use]
    pub fn polls_max(&self) -> u64 {
        self.polls_max
    }
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            schedules,
            distinct,
            complete_to,
            decisions_max,
            polls_max,
            ..
        } = self;
        let were = if *schedules == 1 { "was" } else { "were" };
        let schedules = count(*schedules, "schedule");
        let distinct = count(*distinct, "different one");
        write!(f, "{schedules} {were} run, {distinct}")?;
        match *complete_to {
            _ if self.is_complete => write!(f, ": all there are")?,
            0 => {}
            n => write!(f, ", with all that overtake at most {}", count(n, "time"))?,
        }
        let decisions = count(*decisions_max, "decision");
        let polls = count(*polls_max, "poll");
        write!(f, "; the longest had {decisions} in {polls}")
    }
}

/// What was seen so far.
#[derive(Default)]
pub(super) struct Seen {
    /// The hashes of the schedules.
    hashes: HashSet<u64>,
    /// How many were run.
    pub(super) schedules: usize,
    /// The most decisions in one.
    decisions_max: usize,
    /// The most polls in one.
    pub(super) polls_max: u64,
}

impl Seen {
    /// Adds a run.
    pub(super) fn add(&mut self, attempt: &Attempt) {
        self.schedules += 1;
        self.hashes.insert(attempt.hash);
        self.decisions_max = self.decisions_max.max(attempt.decisions.len());
        self.polls_max = self.polls_max.max(attempt.polls);
    }

    /// How many of those that were run were not the same as an earlier one.
    pub(super) fn distinct(&self) -> usize {
        self.hashes.len()
    }

    /// All of it. `None` is for all schedules there are, a number for how often they overtake at most.
    pub(super) fn explored(&self, complete_to: Option<usize>) -> Explored {
        Explored {
            schedules: self.schedules,
            distinct: self.distinct(),
            is_complete: complete_to.is_none(),
            complete_to: complete_to.unwrap_or(usize::MAX),
            decisions_max: self.decisions_max,
            polls_max: self.polls_max,
        }
    }
}

/// A schedule under which a test fails. Its `Display` is a text of some lines: what failed, how it was
/// found, the schedule, and how to see it again.
pub struct Found(pub(super) Box<Finding>);

/// What [`Found`] knows.
pub(super) struct Finding {
    /// How it failed.
    pub(super) failure: Failure,
    /// By which strategy it was found.
    pub(super) strategy: String,
    /// The explorer's seed.
    pub(super) seed: u64,
    /// How many schedules were run before it, and it.
    pub(super) schedules: usize,
    /// How many of those were not the same as an earlier one.
    pub(super) distinct: usize,
    /// How many overtakes it had before it was made small.
    pub(super) overtakes_before: usize,
    /// The run under the small one.
    pub(super) attempt: Attempt,
    /// How many runs it took to make it small.
    pub(super) reruns: usize,
    /// Where the replay file is, or why it is not.
    pub(super) replay: Result<PathBuf, io::Error>,
    /// Whether the test runs in a network in memory.
    pub(super) has_network: bool,
    /// Where the test was explored.
    pub(super) at: &'static Location<'static>,
}

impl Found {
    /// How the test failed: the text of the panic with the task's name, the deadlock with who waits for
    /// what, or that it came to no end.
    #[must_use]
    pub fn message(&self) -> String {
        self.0.failure.to_string()
    }

    /// How many schedules were run until one failed, with that one; what it took to make it small does not
    /// count.
    #[must_use]
    pub fn schedules(&self) -> usize {
        self.0.schedules
    }

    /// How many different ones that were: two are the same if the same tasks were polled in the same order.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.0.distinct
    }

    /// How many of the decisions of the small schedule are not first come, first served.
    #[must_use]
    pub fn overtakes(&self) -> usize {
        overtakes(&self.0.attempt.decisions).len()
    }

    /// Where the replay file is; `None` if it could not be written, or if the test does not do the same
    /// twice.
    #[must_use]
    pub fn replay_file(&self) -> Option<&Path> {
        self.0.replay.as_deref().ok()
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding {
            failure,
            strategy,
            seed,
            schedules,
            distinct,
            at,
            ..
        } = &*self.0;
        if let Failure::NotDeterministic(_) = failure {
            writeln!(f, "the test at {at} cannot be explored: {failure}")?;
            return write!(
                f,
                "what a test does must follow from the order of its polls alone: no counter that outlives a \
                 run, no real clock, no random numbers without a seed, no order of a HashMap, no thread"
            );
        }
        writeln!(
            f,
            "a schedule was found under which the test at {at} fails\n"
        )?;
        for line in failure.to_string().lines() {
            writeln!(f, "  {line}")?;
        }
        self.tell_panics(f)?;
        writeln!(
            f,
            "\nfound by {strategy} (seed {seed}), as schedule number {schedules}, with {} seen",
            count(*distinct, "different one"),
        )?;
        self.tell_size(f)?;
        self.tell_schedule(f)?;
        match &self.0.replay {
            Ok(path) => write!(
                f,
                "\nto see it again:  Sim::replay({path:?}).unwrap(){}.run(async {{ … }})",
                if self.0.has_network {
                    ".network(&…)"
                } else {
                    ""
                }
            ),
            Err(error) => write!(f, "\nthe replay file could not be written: {error}"),
        }
    }
}

impl Found {
    /// The panics on the way, which were not printed.
    fn tell_panics(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.message();
        let heard = self.0.attempt.heard.iter();
        for heard in
            heard.filter(|heard| !message.contains(&heard.at) && !message.starts_with(&heard.text))
        {
            writeln!(f, "\n  on the way, at {}:", heard.at)?;
            for line in heard.text.lines() {
                writeln!(f, "  {line}")?;
            }
        }
        Ok(())
    }

    /// How many overtakes there are, and were.
    fn tell_size(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decisions = self.0.attempt.decisions.len();
        let (before, reruns) = (self.0.overtakes_before, self.0.reruns);
        match self.overtakes() {
            0 => writeln!(f, "it is the plain order: first come, first served"),
            n => writeln!(
                f,
                "it overtakes {} in {}, after {} to make it small (it was {}):",
                count(n, "time"),
                count(decisions, "decision"),
                count(reruns, "run"),
                count(before, "time"),
            ),
        }
    }

    /// The polls, or those that matter.
    fn tell_schedule(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let story = &self.0.attempt.story;
        let overtakes = |told: &Told| !told.overtaken.is_empty();
        let mut has_gap = false;
        for (nth, told) in story.iter().enumerate() {
            let around = nth.saturating_sub(AROUND)..(nth + AROUND + 1).min(story.len());
            let is_told = story.len() <= LINES_MAX
                || nth + 2 * AROUND >= story.len()
                || story[around].iter().any(overtakes);
            if is_told {
                let mark = if overtakes(told) { '!' } else { ' ' };
                writeln!(f, "  {:>4} {mark} {}", nth + 1, Line(told))?;
            } else if !has_gap {
                writeln!(f, "         …")?;
            }
            has_gap = !is_told;
        }
        Ok(())
    }
}

/// So many of a thing, in words.
fn count<N: fmt::Display + PartialEq + From<u8>>(number: N, thing: &str) -> String {
    let plural = if number == N::from(1) { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

/// A poll in a line.
struct Line<'a>(&'a Told);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.0;
        match &told.wait {
            None => write!(f, "{} begins", told.who)?,
            Some((at, waits)) => write!(
                f,
                "{} goes on at {at}, where it waited for {waits}",
                told.who.called()
            )?,
        }
        if !told.overtaken.is_empty() {
            let overtaken: Vec<String> = told.overtaken.iter().map(Who::called).collect();
            write!(f, ", ahead of {}", overtaken.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Found {
    /// What `unwrap` shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Found {}
