//! [`twice`]: the same seed gives the same run, to the byte, or the test fails.
//!
//! ```text
//!   test() ─► every simulation in it keeps a log ──┐
//!                                                  ├─► the same? ─ no ─► the first line that differs
//!   test() ─► every simulation in it keeps a log ──┘
//! ```
//!
//! A schedule that was found once is worth something only if it comes again. So this is a test of the
//! test: whatever in it is not from the seed (the order of a `HashMap`, an address, a static, the real
//! clock) is found here, and not on the day when a failure cannot be repeated.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use crate::report::discard;
use crate::testing::log::Log;

thread_local! {
    /// The logs of the simulations since the test began, where somebody compares them.
    static LOGS: RefCell<Option<Vec<Log>>> = const { RefCell::new(None) };
}

/// A log for a simulation that begins on this thread, if somebody compares them.
pub(super) fn next_log() -> Option<Log> {
    LOGS.with_borrow_mut(|logs| {
        let log = Log::new();
        logs.as_mut()?.push(log.clone());
        Some(log)
    })
}

/// While it lives, simulations on this thread keep logs.
struct Keeping(Option<Vec<Log>>);

impl Keeping {
    /// Begins with none.
    fn begin() -> Self {
        Self(LOGS.replace(Some(Vec::new())))
    }

    /// Those that were kept.
    fn end(mut self) -> Vec<Log> {
        let logs = LOGS.replace(self.0.take());
        std::mem::forget(self);
        logs.unwrap_or_default()
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        LOGS.set(self.0.take());
    }
}

/// Runs a test once, and returns how it has ended and the logs of its simulations.
fn once<T>(test: &mut impl FnMut() -> T) -> (thread::Result<T>, Vec<Log>) {
    let keeping = Keeping::begin();
    let done = catch_unwind(AssertUnwindSafe(test));
    (done, keeping.end())
}

/// Where the logs of two runs are different.
fn difference(first: &[Log], second: &[Log]) -> Option<String> {
    let mut pairs = first.iter().zip(second).enumerate();
    let differing = pairs.find_map(|(nth, (one, other))| {
        let difference = one.difference(other)?;
        let which = match (nth, first.len()) {
            (_, 1) => String::new(),
            _ => format!("simulation {}, ", nth + 1),
        };
        Some(format!("{which}{difference}"))
    });
    let (one, other) = (first.len(), second.len());
    differing.or_else(|| {
        (one != other).then(|| format!("the first had {one} simulations, the second {other}"))
    })
}

/// Runs a test twice, and compares what happened in its simulations, all events of all of them, to the
/// byte. Returns what the second run has returned.
///
/// The test makes its simulations itself, so that both runs begin anew. What is really outside (a socket, a
/// thread) brings its own order along; a test that waits for such a thing cannot be the same twice.
///
/// # Panics
///
/// Panics if the runs differ, with the first line in which they do and some before it. If the test panics it
/// is still run a second time, and the first panic goes on; how the runs differ is told on standard error
/// then.
///
/// # Examples
///
/// ```
/// use bibelot::testing::{Sim, random, twice};
/// use bibelot::time::{Duration, sleep};
///
/// twice(|| {
///     Sim::new().seed(7).run(async {
///         for _ in 0..10 {
///             bibelot::spawn(sleep(Duration::from_millis(random(0..100))));
///         }
///     })
/// });
/// ```
///
/// Something in this one is not from the seed:
///
/// ```should_panic
/// use bibelot::task::yield_now;
/// use bibelot::testing::{Sim, twice};
/// use std::collections::HashSet;
///
/// twice(|| {
///     let names: HashSet<u32> = (0..100).collect();
///     Sim::new().run(async {
///         for name in &names {
///             let named = bibelot::task::Builder::new().name(name.to_string());
///             drop(named.spawn(yield_now()));
///         }
///     })
/// });
/// ```
#[track_caller]
pub fn twice<T>(mut test: impl FnMut() -> T) -> T {
    let (first, first_logs) = once(&mut test);
    let (second, second_logs) = once(&mut test);
    let difference = difference(&first_logs, &second_logs);
    let difference = difference.map(|difference| {
        format!(
            "two runs of the same test differ, in {difference}\nsomething in it is not from the seed: the \
             order of a HashMap, an address, a static, a thread, the real clock"
        )
    });
    match (first, second, difference) {
        (Ok(_), Ok(value), None) => value,
        (Err(payload), second, difference) => {
            if let Err(second) = second {
                discard(second);
            }
            if let Some(difference) = difference {
                eprintln!("bibelot: {difference}");
            }
            resume_unwind(payload)
        }
        (Ok(_), Ok(_), Some(difference)) => panic!("{difference}"),
        (Ok(_), Err(payload), difference) => {
            let difference = difference.map(|difference| format!(": {difference}"));
            eprintln!(
                "bibelot: only the second run of the same test panicked{}",
                difference.unwrap_or_default()
            );
            resume_unwind(payload)
        }
    }
}
