//! One run of a test under one schedule, and what came of it.

use std::cell::RefCell;
use std::fmt;
use std::mem;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::rc::Rc;
use std::sync::Once;

use crate::error::Payload;
use crate::executor::Place;
use crate::executor::face::Executor;
use crate::report::discard;
use crate::testing::Network;
use crate::testing::director::{Decision, Director, Log, Pilot, Stop, Told};
use crate::testing::random::Drawing;

/// How a text begins that tells of a deadlock (`executor/sleep.rs`).
const DEADLOCK: &str = "deadlock: ";

/// What a run is told.
pub(super) struct Orders {
    /// Who decides.
    pub(super) pilot: Box<dyn Pilot>,
    /// What chance goes by.
    pub(super) seed: u64,
    /// How many polls it may have.
    pub(super) polls_max: u64,
    /// Whether its polls are kept, to be told.
    pub(super) tells: bool,
}

/// What came of a run.
#[derive(Debug)]
pub(super) struct Attempt {
    /// What was decided.
    pub(super) decisions: Vec<Decision>,
    /// How many polls there were.
    pub(super) polls: u64,
    /// A hash of all of them.
    pub(super) hash: u64,
    /// The polls, if they were kept.
    pub(super) story: Vec<Told>,
    /// The panics that were not printed.
    pub(super) heard: Vec<Heard>,
    /// How it failed, if it did.
    pub(super) failure: Option<Failure>,
}

/// How a run failed.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// By a panic: the text with whose it was, and the line, if that was seen.
    Panicked(String, Option<String>),
    /// All were waiting for each other: who for what.
    Deadlock(String),
    /// By so many polls.
    TooLong(String),
    /// It did not do the same under the same schedule: where.
    NotDeterministic(String),
}

impl Failure {
    /// Whether two runs failed for the same reason, as far as one can tell.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Panicked(_, Some(here)), Self::Panicked(_, Some(there))) => here == there,
            (Self::Panicked(here, _), Self::Panicked(there, _)) => here == there,
            _ => mem::discriminant(self) == mem::discriminant(other),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(text, Some(at)) => write!(f, "{text}\n  at {at}"),
            Self::Panicked(text, None)
            | Self::Deadlock(text)
            | Self::TooLong(text)
            | Self::NotDeterministic(text) => text.fmt(f),
        }
    }
}

/// Runs a test once, which is asked for at this place, in a network if there is one.
///
/// # Panics
///
/// Panics if the system gives no executor.
pub(super) fn attempt(
    at: Place,
    test: impl Future<Output = ()>,
    orders: Orders,
    network: Option<&Network>,
) -> Attempt {
    let log = Log::new(orders.tells);
    let director = Director::new(orders.pilot, &log, orders.polls_max);
    let noted = Rc::clone(&log);
    let mut builder = Executor::builder()
        .simulated(false, None)
        .on_report(move |report| noted.note(report))
        .directed(director);
    if let Some(network) = network {
        builder = builder.network(Rc::new(network.clone()));
    }
    let executor = builder.build();
    let executor = executor.unwrap_or_else(|error| panic!("making an executor: {error}"));
    let _drawing = Drawing::begin(orders.seed);
    let quiet = Quiet::begin();
    let result = catch_unwind(AssertUnwindSafe(|| executor.run_all_at(at, test)));
    log.is_over.set(true);
    let end = catch_unwind(AssertUnwindSafe(|| executor.shutdown()));
    drop(executor);
    let heard = quiet.end();
    discard(end);
    let failure = failure_of(&log, result, &heard);
    Attempt {
        decisions: log.decisions.take(),
        polls: log.polls.get(),
        hash: log.hash.get(),
        story: log.story.take().unwrap_or_default(),
        heard,
        failure,
    }
}

/// How a run failed, if it did.
fn failure_of(log: &Log, result: Result<(), Payload>, heard: &[Heard]) -> Option<Failure> {
    let place = |is_it: &dyn Fn(&str) -> bool| {
        let said = heard.iter().find(|heard| is_it(&heard.text))?;
        Some(said.at.clone())
    };
    let stop = log.stop.take();
    let failure = match (stop, &result) {
        (Some(Stop::Panicked(text)), _) => {
            let at = place(&|said| !said.is_empty() && text.ends_with(said));
            Failure::Panicked(format!("{text}; nobody was left to join it"), at)
        }
        (Some(stop @ Stop::TooLong(_)), _) => Failure::TooLong(stop.to_string()),
        (Some(Stop::Lost(why)), _) => Failure::NotDeterministic(why),
        (None, Ok(())) => return None,
        (None, Err(payload)) => match text_of(payload) {
            Some(text) if text.starts_with(DEADLOCK) => Failure::Deadlock(text.into()),
            Some(text) => {
                let at = place(&|said| said == text);
                Failure::Panicked(format!("the test panicked: {text}"), at)
            }
            None => Failure::Panicked("the test panicked with no text".into(), None),
        },
    };
    discard(result);
    Some(failure)
}

/// The text of a panic, if it has one.
fn text_of(payload: &Payload) -> Option<&str> {
    let text = payload.downcast_ref::<&'static str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

/// A panic that was heard of.
#[derive(Debug)]
pub(super) struct Heard {
    /// What it says.
    pub(super) text: String,
    /// Where it was.
    pub(super) at: String,
}

thread_local! {
    /// The panics of this thread since it became quiet; `None` while it is not.
    static HEARD: RefCell<Option<Vec<Heard>>> = const { RefCell::new(None) };
}

/// While it lives, panics of this thread are kept instead of printed.
struct Quiet(());

impl Quiet {
    /// Becomes quiet. The first time in a process this puts a hook before the one that there is; it asks
    /// that for all panics of threads that are not quiet.
    fn begin() -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                if !keep(info) {
                    before(info);
                }
            }));
        });
        HEARD.set(Some(Vec::new()));
        Self(())
    }

    /// The panics that there were.
    fn end(self) -> Vec<Heard> {
        HEARD.take().unwrap_or_default()
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        HEARD.set(None);
    }
}

/// Keeps a panic, if this thread is quiet.
fn keep(info: &PanicHookInfo<'_>) -> bool {
    let kept = HEARD.try_with(|heard| {
        let Some(heard) = &mut *heard.borrow_mut() else {
            return false;
        };
        let payload = info.payload();
        let text = payload.downcast_ref::<&'static str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        heard.push(Heard {
            text: text.unwrap_or_default().into(),
            at: info.location().map(ToString::to_string).unwrap_or_default(),
        });
        true
    });
    kept.unwrap_or(false)
}
