//! A schedule that fails, made small: as few overtakes as can be.
//!
//! Delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE
//! Transactions on Software Engineering, 2002) over the overtakes: leave out all, halves, quarters, … single
//! ones, and keep what still fails for the same reason. A schedule that has lost an overtake is another run,
//! with other decisions from there on; what counts is what that run has really decided. Then the rest is
//! moved to earlier decisions, and to who comes sooner, as long as something becomes less.

use crate::testing::explore::attempt::Attempt;
use crate::testing::explore::pilots::{Overtake, overtakes};

/// Runs the schedule of these overtakes.
pub(super) type Rerun<'a> = &'a mut dyn FnMut(&[Overtake]) -> Attempt;

/// How many polls all runs may have together: those of a test without an end are long.
const POLLS_MAX: u64 = 20_000_000;

/// Makes a failing run smaller, in no more than so many others.
pub(super) struct Shrink<'a> {
    /// The smallest that has failed for the same reason.
    best: Attempt,
    /// How many more may be run.
    left: usize,
    /// How many polls those may have.
    polls_left: u64,
    /// Runs one.
    rerun: Rerun<'a>,
}

impl<'a> Shrink<'a> {
    /// Begins with a run that has failed.
    pub(super) fn new(failed: Attempt, reruns_max: usize, rerun: Rerun<'a>) -> Self {
        Self {
            best: failed,
            left: reruns_max,
            polls_left: POLLS_MAX,
            rerun,
        }
    }

    /// The smallest run that fails for the same reason, and how many more might have been tried.
    pub(super) fn run(mut self) -> (Attempt, usize) {
        loop {
            let before = size(&self.best);
            self.leave_out();
            self.move_ahead();
            self.choose_sooner();
            if size(&self.best) == before || self.is_spent() {
                return (self.best, self.left);
            }
        }
    }

    /// Whether no more may be run.
    fn is_spent(&self) -> bool {
        self.left == 0 || self.polls_left == 0
    }

    /// Leaves out overtakes, as many as can be at a time.
    fn leave_out(&mut self) {
        let mut many = overtakes(&self.best.decisions).len();
        while many > 0 {
            let mut from = 0;
            loop {
                let mut schedule = overtakes(&self.best.decisions);
                if from >= schedule.len() {
                    break;
                }
                let end = (from + many).min(schedule.len());
                schedule.drain(from..end);
                if !self.is_better(&schedule) {
                    from = end;
                }
            }
            many /= 2;
        }
    }

    /// Moves each overtake, with those after it, to earlier decisions.
    fn move_ahead(&mut self) {
        for nth in 0..overtakes(&self.best.decisions).len() {
            let mut by = u32::MAX;
            while by > 0 {
                let mut schedule = overtakes(&self.best.decisions);
                let Some((at, _)) = schedule.get(nth) else {
                    return;
                };
                let room = match nth.checked_sub(1) {
                    Some(last) => at - schedule[last].0 - 1,
                    None => *at,
                };
                by = by.min(room);
                for (at, _) in &mut schedule[nth..] {
                    *at -= by;
                }
                if by > 0 && !self.is_better(&schedule) {
                    by /= 2;
                }
            }
        }
    }

    /// Chooses whoever is ready for longer, where that does as well.
    fn choose_sooner(&mut self) {
        for nth in 0..overtakes(&self.best.decisions).len() {
            let schedule = overtakes(&self.best.decisions);
            let chosen = schedule.get(nth).map_or(0, |(_, chosen)| *chosen);
            for sooner in 1..chosen {
                let mut schedule = schedule.clone();
                schedule[nth].1 = sooner;
                if self.is_better(&schedule) {
                    break;
                }
            }
        }
    }

    /// Runs a schedule, and keeps it if it fails for the same reason and is smaller.
    fn is_better(&mut self, schedule: &[Overtake]) -> bool {
        if self.is_spent() {
            return false;
        }
        self.left -= 1;
        let attempt = (self.rerun)(schedule);
        self.polls_left = self.polls_left.saturating_sub(attempt.polls);
        let is_better = is_like(&attempt, &self.best) && size(&attempt) < size(&self.best);
        if is_better {
            self.best = attempt;
        }
        is_better
    }
}

/// Whether two runs have failed for the same reason.
pub(super) fn is_like(one: &Attempt, other: &Attempt) -> bool {
    match (&one.failure, &other.failure) {
        (Some(one), Some(other)) => one.is_like(other),
        _ => false,
    }
}

/// What is to become less: overtakes, then decisions, then how far somebody is overtaken, then polls.
fn size(attempt: &Attempt) -> (usize, usize, u64, u64) {
    let chosen = attempt.decisions.iter().map(|it| u64::from(it.chosen));
    (
        overtakes(&attempt.decisions).len(),
        attempt.decisions.len(),
        chosen.sum(),
        attempt.polls,
    )
}
