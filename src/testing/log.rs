//! [`Log`]: all that happens in a simulation, a line for each event.

use std::cell::RefCell;
use std::fmt::{self, Write};
use std::rc::Rc;

use crate::clock::Instant;
use crate::observer::{Event, Observer};

/// What has happened in a simulation that it was given to ([`Sim::log`](crate::testing::Sim::log)): a line for
/// each event, with the time since the start. Clones are the same log.
///
/// The same seed gives the same log, to the byte, as long as nothing is outside:
/// [`twice`](crate::testing::twice()) holds a test to that.
///
/// # Examples
///
/// ```
/// use bibelot::testing::{Log, Sim};
/// use bibelot::time::{Duration, sleep};
///
/// let log = Log::new();
/// Sim::new().log(&log).run(async { sleep(Duration::from_secs(3)).await });
/// let text = log.text();
/// let mut lines = text.lines();
/// assert!(lines.next().unwrap().starts_with("0ns task 1 \"main\" spawned at "));
/// assert!(text.contains("\n3s timer 0 fired\n"));
/// assert_eq!(lines.last(), Some("3s task 1 returned"));
/// ```
#[derive(Clone, Default)]
pub struct Log(Rc<RefCell<String>>);

impl Log {
    /// Makes an empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the lines so far. The events since the last poll are told before the next one.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.borrow().clone()
    }

    /// What writes it, for one simulation.
    pub(super) fn observer(&self) -> impl Observer + 'static {
        let (log, mut start) = (self.clone(), None);
        move |at: Instant, event: &Event| {
            let start = *start.get_or_insert(at);
            let written = writeln!(log.0.borrow_mut(), "{:?} {event}", at - start);
            debug_assert!(written.is_ok(), "a string takes all");
        }
    }

    /// Where another log is different: the first line of that kind in each, after some that are the same.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        /// How many of those are told.
        const LINES_BEFORE: usize = 10;
        let (one, other) = (self.0.borrow(), other.0.borrow());
        if *one == *other {
            return None;
        }
        let same = one.lines().zip(other.lines());
        let same = same.take_while(|(one, other)| one == other).count();
        let mut text = format!("line {}:", same + 1);
        for line in one
            .lines()
            .take(same)
            .skip(same.saturating_sub(LINES_BEFORE))
        {
            text += &format!("\n    {line}");
        }
        for (mark, log) in [('-', &one), ('+', &other)] {
            let line = log.lines().nth(same).unwrap_or("(it has ended)");
            text += &format!("\n  {mark} {line}");
        }
        Some(text)
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.borrow())
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.0.borrow().lines().count();
        write!(f, "Log({lines} lines)")
    }
}
