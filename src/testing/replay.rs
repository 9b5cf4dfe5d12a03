//! [`Sim::replay`]: a schedule from a file, followed to the letter.
//!
//! ```text
//!   bibelot replay 2
//!   version 0.1.0 #5fd2a1c7                      each line ends with a check of itself
//!   program tests #90be41d2                      and of all those before it
//!   test tests/bank.rs:12:5 #…
//!   found exhaustive search, … #…
//!   seed 0 #…
//!   fails "the test panicked: …" #…
//!   polls_max 100000 #…
//!   decision 1 of 2: 1 of 2, task 2 at tests/bank.rs:20:10, named "deposit" #…
//!   decision 2 of 2: 2 of 3, task 4 at tests/bank.rs:25:10 #…
//!   end #…
//! ```
//!
//! A decision names the place of the chosen task among the ready ones, in the order of their wakes, and
//! the task: number, name, and where it was spawned. All must be as they were but for the line of that
//! place, so that a program in which some prints were added can still be followed. Where something else is
//! ready, the run ends, and says what the file says and what there is. A file that was cut, or changed by
//! hand, is refused when it is read: by the first line whose check does not fit.
//!
//! The seed is the explorer's: what a run draws, and what becomes of the messages in its network, is the same
//! again. So a file needs no word on chance but this number.
//!
//! After the last decision of the file the run goes on first come, first served: a file ends where its run
//! failed, and says nothing of what a mended program does from there on.

pub(super) mod file;

use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::executor::face::Executor;
use crate::report::Report;
use crate::sched::ReadyTask;
use crate::testing::Sim;
use crate::testing::director::{Director, Log, Pilot, Stop, Who};
use crate::testing::replay::file::Script;

impl Sim {
    /// A simulation that follows the replay file of a schedule which an
    /// [exploration](crate::testing::explore()) has found: at each decision the task that was polled then, and
    /// the same chance, from the [explorer's seed](crate::testing::Explorer::seed), which is in the file.
    ///
    /// What is run must be what was explored. At the end of the file the run goes on first come, first
    /// served. What fails there by a panic that nobody joins fails here as well, in a panic of
    /// [`run`](Self::run); so does a run that needs more polls than it might have then.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read, is no replay file, is of another version of this crate,
    /// or was cut or changed.
    ///
    /// # Panics
    ///
    /// [`run`](Self::run) panics where other tasks are ready than the file says, and when the program ends
    /// before the file does.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use bibelot::testing::Sim;
    ///
    /// Sim::replay("bank.replay").unwrap().run(async { /* the same test */ });
    /// ```
    pub fn replay(path: impl AsRef<Path>) -> Result<Self, ReplayError> {
        let path = path.as_ref();
        let error = |kind| ReplayError {
            path: path.into(),
            kind,
        };
        let text = fs::read_to_string(path).map_err(|io| error(Kind::Unread(io)))?;
        let script =
            Script::parse(&text).map_err(|(line, what)| error(Kind::Wrong { line, what }))?;
        let log = Log::new(false);
        let (noted, polls_max) = (Rc::clone(&log), script.polls_max);
        let script = Rc::new(script);
        let pilot = Box::new(Replay {
            script: Rc::clone(&script),
            path: path.into(),
            decided: 0,
            has_told: false,
        });
        let builder = Executor::builder().on_report(move |report: &Report| {
            eprintln!("bibelot: {report}");
            noted.note(report);
        });
        let director = Director::new(pilot, &log, polls_max);
        let mut sim = Self::from_builder(builder.directed(director));
        sim.followed = Some(Followed {
            script,
            path: path.into(),
            log,
        });
        Ok(sim)
    }
}

/// The pilot that follows a file.
struct Replay {
    /// What it says.
    script: Rc<Script>,
    /// Where it is.
    path: PathBuf,
    /// How many decisions there were.
    decided: usize,
    /// Whether a line that has moved was told.
    has_told: bool,
}

impl Replay {
    /// Says, once, that a task is spawned in another line than it was.
    fn tell_moved(&mut self, was: &str, who: &Who) {
        if was != who.spawned_at.to_string() && !who.is_main() && !self.has_told {
            self.has_told = true;
            eprintln!(
                "bibelot: following the replay file {:?}, in which {who} was spawned at {was}",
                self.path
            );
        }
    }
}

impl Pilot for Replay {
    fn choose(&mut self, ready: &[ReadyTask], _: u64) -> Result<usize, String> {
        if ready.len() == 1 {
            return Ok(0);
        }
        let script = Rc::clone(&self.script);
        let Some((line, decision)) = script.decisions.get(self.decided) else {
            return Ok(0);
        };
        self.decided += 1;
        let chosen = ready.get(decision.chosen).map(Who::of);
        if ready.len() == decision.of
            && let Some(who) = chosen.filter(|who| decision.is(who))
        {
            self.tell_moved(&decision.at, &who);
            return Ok(decision.chosen);
        }
        let ready: Vec<String> = ready.iter().map(|task| Who::of(task).to_string()).collect();
        Err(format!(
            "line {line} of the replay file {:?}: decision {} is {decision}, but ready are {} tasks: {}; what \
             runs here is not what was explored ({}), or has changed since, or does not do the same twice",
            self.path,
            self.decided,
            ready.len(),
            ready.join(", "),
            script.whose,
        ))
    }
}

/// A file that a simulation follows.
pub(super) struct Followed {
    /// What it says.
    script: Rc<Script>,
    /// Where it is.
    path: PathBuf,
    /// What was done.
    log: Rc<Log>,
}

impl Followed {
    /// What chance went by when it was written.
    pub(super) fn seed(&self) -> u64 {
        self.script.seed
    }

    /// Looks, at the end of the run, whether it has failed unseen, and whether all was followed.
    ///
    /// # Panics
    ///
    /// Panics if a panic was not joined, or if the file goes on.
    #[track_caller]
    pub(super) fn assert_ended(&self) {
        if let Some(stop @ Stop::Panicked(_)) = &*self.log.stop.borrow() {
            panic!("{stop}");
        }
        let (done, all) = (
            self.log.decisions.borrow().len(),
            self.script.decisions.len(),
        );
        assert!(
            done >= all,
            "the program has ended after {done} of the {all} decisions in the replay file {:?}; what runs here \
             is not what was explored ({}), or has changed since",
            self.path,
            self.script.whose,
        );
    }
}

impl fmt::Debug for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Followed").field(&self.path).finish()
    }
}

/// The error of [`Sim::replay`]: the file cannot be followed.
#[derive(Debug)]
pub struct ReplayError {
    /// Which file.
    path: PathBuf,
    /// Why.
    kind: Kind,
}

/// Why a file cannot be followed.
#[derive(Debug)]
enum Kind {
    /// It could not be read.
    Unread(io::Error),
    /// It is not as it should be.
    Wrong {
        /// In which line.
        line: usize,
        /// What was expected there, and what was found.
        what: String,
    },
}

impl ReplayError {
    /// The line at which the file is not as it should be; `None` if it could not be read.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match &self.kind {
            Kind::Unread(_) => None,
            Kind::Wrong { line, .. } => Some(*line),
        }
    }
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.kind {
            Kind::Unread(_) => write!(f, "reading the replay file {path:?}"),
            Kind::Wrong { line, what } => {
                write!(f, "line {line} of the replay file {path:?}: {what}")
            }
        }
    }
}

impl Error for ReplayError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            Kind::Unread(error) => Some(error),
            Kind::Wrong { .. } => None,
        }
    }
}
