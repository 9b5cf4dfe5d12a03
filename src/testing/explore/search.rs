//! The parts of a plan, one after another, until a schedule fails.

use std::io;
use std::panic::Location;

use crate::rng::Rng;
use crate::testing::director::{Pilot, Told};
use crate::testing::explore::Explorer;
use crate::testing::explore::attempt::{Attempt, Failure, Orders};
use crate::testing::explore::found::{Finding, Found, Seen};
use crate::testing::explore::frontier::{Frontier, Order};
use crate::testing::explore::pilots::{Follow, Overtake, Pct, Random, overtakes};
use crate::testing::explore::shrink::{Shrink, is_like};

/// Runs the test once.
pub(super) type Run<'a> = &'a mut dyn FnMut(Orders) -> Attempt;

/// An exploration under way.
pub(super) struct Search<'a> {
    /// What it was told.
    pub(super) explorer: &'a Explorer,
    /// Where.
    pub(super) at: &'static Location<'static>,
    /// The test.
    pub(super) run: Run<'a>,
    /// What was seen so far.
    pub(super) seen: Seen,
    /// Where the seeds of pilots come from.
    pub(super) rng: Rng,
}

impl Search<'_> {
    /// Runs the plain order, twice.
    pub(super) fn plain(&mut self) -> Result<Attempt, Found> {
        let strategy = || String::from("running it in the plain order");
        let first = self.tell(&[]);
        let second = self.tell(&[]);
        if let Some(what) = difference(&first, &second) {
            return Err(self.not_deterministic(first, what, strategy()));
        }
        self.seen.add(&first);
        match first.failure {
            Some(_) => Err(self.found(first, strategy())),
            None => Ok(first),
        }
    }

    /// Runs all schedules, in this order, but no more than `limit`. What comes back is up to how many
    /// overtakes all were run; `None` if there are no others.
    pub(super) fn all(
        &mut self,
        plain: &Attempt,
        limit: usize,
        order: Order,
    ) -> Result<Option<usize>, Found> {
        let mut frontier = Frontier::new(order, self.explorer.overtakes_max);
        // The plain order is the first of them.
        let mut left = limit.saturating_sub(1);
        frontier.add(&plain.decisions, left);
        while left > 0
            && let Some((schedule, before)) = frontier.next()
        {
            left -= 1;
            let strategy = || match order {
                Order::Fewest => String::from("exhaustive search, fewest overtakes first"),
                Order::Deepest => String::from("exhaustive search, depth first"),
            };
            let run = self.take(Follow::expecting(&schedule, before), &strategy)?;
            if overtakes(&run.decisions) != schedule {
                let what = "it has ended before a decision that it came to in an earlier run with \
                            the same decisions";
                return Err(self.not_deterministic(run, what.into(), strategy()));
            }
            frontier.add(&run.decisions, left);
        }
        let complete_to = frontier.complete_to();
        Ok((!frontier.is_complete()).then_some(complete_to))
    }

    /// Runs so many schedules by PCT.
    pub(super) fn pct(&mut self, count: usize, depth: u32) -> Result<(), Found> {
        for _ in 0..count {
            let pilot = Pct::new(self.rng.next(), depth, self.seen.polls_max);
            self.take(pilot, &|| format!("PCT of depth {depth}"))?;
        }
        Ok(())
    }

    /// Runs so many schedules at random.
    pub(super) fn random(&mut self, count: usize) -> Result<(), Found> {
        for _ in 0..count {
            let pilot = Box::new(Random(Rng::new(self.rng.next())));
            self.take(pilot, &|| String::from("random choice"))?;
        }
        Ok(())
    }

    /// Runs a schedule.
    fn take(
        &mut self,
        pilot: Box<dyn Pilot>,
        strategy: &dyn Fn() -> String,
    ) -> Result<Attempt, Found> {
        let attempt = self.run(pilot, false);
        self.seen.add(&attempt);
        match attempt.failure {
            Some(_) => Err(self.found(attempt, strategy())),
            None => Ok(attempt),
        }
    }

    /// Runs the test under a pilot.
    fn run(&mut self, pilot: Box<dyn Pilot>, tells: bool) -> Attempt {
        // Chance is the same in all runs: only the schedule differs.
        (self.run)(Orders {
            pilot,
            seed: self.explorer.seed,
            polls_max: self.explorer.polls_max,
            tells,
        })
    }

    /// Runs the schedule of these overtakes, and keeps its polls.
    fn tell(&mut self, schedule: &[Overtake]) -> Attempt {
        self.run(Follow::new(schedule), true)
    }

    /// A schedule has failed: makes it small, writes it down, and tells of it.
    fn found(&mut self, failed: Attempt, strategy: String) -> Found {
        let before = overtakes(&failed.decisions);
        if let Some(Failure::NotDeterministic(what)) = &failed.failure {
            let what = what.clone();
            return self.not_deterministic(failed, what, strategy);
        }
        let again = self.tell(&before);
        if !is_like(&again, &failed) {
            let what = match (&failed.failure, &again.failure) {
                (Some(first), None) => {
                    format!("it failed, and under the same schedule once more it did not: {first}")
                }
                (first, second) => format!(
                    "under the same schedule it failed in two ways: {}; and: {}",
                    first.as_ref().map_or_else(String::new, ToString::to_string),
                    second
                        .as_ref()
                        .map_or_else(String::new, ToString::to_string),
                ),
            };
            return self.not_deterministic(failed, what, strategy);
        }
        let reruns_max = self.explorer.reruns_max;
        let mut rerun = |schedule: &[Overtake]| self.run(Follow::new(schedule), false);
        let (small, left) = Shrink::new(again, reruns_max, &mut rerun).run();
        let told = self.tell(&overtakes(&small.decisions));
        if !is_like(&told, &small) {
            let what = String::from("a small schedule failed, and once more it did not");
            return self.not_deterministic(failed, what, strategy);
        }
        let mut finding = Finding {
            failure: told.failure.clone().expect("it is like one that failed"),
            strategy,
            seed: self.explorer.seed,
            schedules: self.seen.schedules,
            distinct: self.seen.distinct(),
            overtakes_before: before.len(),
            attempt: told,
            reruns: reruns_max - left,
            replay: Err(io::ErrorKind::NotFound.into()),
            has_network: self.explorer.network.is_some(),
            at: self.at,
        };
        finding.replay = self.explorer.place.save(&finding, self.explorer.polls_max);
        Found(Box::new(finding))
    }

    /// The test does not do the same twice.
    fn not_deterministic(&self, attempt: Attempt, what: String, strategy: String) -> Found {
        Found(Box::new(Finding {
            failure: Failure::NotDeterministic(what),
            strategy,
            seed: self.explorer.seed,
            schedules: self.seen.schedules,
            distinct: self.seen.distinct(),
            overtakes_before: 0,
            attempt,
            reruns: 0,
            replay: Err(io::ErrorKind::NotFound.into()),
            has_network: self.explorer.network.is_some(),
            at: self.at,
        }))
    }
}

/// In what two runs of one schedule differ, if they do.
fn difference(first: &Attempt, second: &Attempt) -> Option<String> {
    let polls = first.story.iter().zip(&second.story).zip(1..);
    let is_same = |one: &Told, other: &Told| one.who == other.who && one.ready == other.ready;
    for ((one, other), nth) in polls {
        if !is_same(one, other) {
            return Some(format!(
                "under one schedule poll {nth} was of {} the first time, and of {} the second time, with {} and \
                 {} tasks ready",
                one.who, other.who, one.ready, other.ready
            ));
        }
    }
    let (one, other) = (first.polls, second.polls);
    if one != other {
        return Some(format!(
            "under one schedule it had {one} polls the first time, and {other} the second time"
        ));
    }
    match (&first.failure, &second.failure) {
        (Some(failure), None) => Some(format!("only the first of two runs failed: {failure}")),
        (None, Some(failure)) => Some(format!("only the second of two runs failed: {failure}")),
        _ => None,
    }
}
