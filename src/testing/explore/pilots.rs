//! The strategies, each as what decides in one run: follow, random, PCT.

use std::collections::HashMap;

use crate::rng::Rng;
use crate::sched::ReadyTask;
use crate::task::TaskId;
use crate::testing::director::{Decision, Pilot};

/// A decision that is not first come, first served: its number in the run, counted from 0, and who is
/// chosen.
pub(super) type Overtake = (u32, u32);

/// The overtakes among decisions.
pub(super) fn overtakes(decisions: &[Decision]) -> Vec<Overtake> {
    let numbered = decisions.iter().zip(0..);
    let chosen = numbered.map(|(decision, nth)| (nth, decision.chosen));
    chosen.filter(|(_, chosen)| *chosen > 0).collect()
}

/// First come, first served, but for some overtakes.
pub(super) struct Follow {
    /// Those to come, the next one last.
    overtakes: Vec<Overtake>,
    /// How many decisions there were.
    decided: u32,
    /// At which decision what must have happened before.
    expects: Option<(u32, u64)>,
}

impl Follow {
    /// One that overtakes there, as far as it can; ascending.
    pub(super) fn new(overtakes: &[Overtake]) -> Box<Self> {
        Box::new(Self {
            overtakes: overtakes.iter().rev().copied().collect(),
            decided: 0,
            expects: None,
        })
    }

    /// One that also looks whether all is as it was when the last of these was found to be possible.
    pub(super) fn expecting(overtakes: &[Overtake], before: u64) -> Box<Self> {
        let mut follow = Self::new(overtakes);
        follow.expects = overtakes.last().map(|(nth, _)| (*nth, before));
        follow
    }
}

impl Pilot for Follow {
    fn choose(&mut self, ready: &[ReadyTask], before: u64) -> Result<usize, String> {
        if ready.len() == 1 {
            return Ok(0);
        }
        let nth = self.decided;
        self.decided += 1;
        if self
            .expects
            .is_some_and(|(at, expected)| at == nth && expected != before)
        {
            let nth = nth + 1;
            return Err(format!(
                "at decision {nth} other tasks were ready than in an earlier run with the same decisions"
            ));
        }
        match self.overtakes.last() {
            Some((at, chosen)) if *at == nth => {
                let chosen = (*chosen as usize).min(ready.len() - 1);
                self.overtakes.pop();
                Ok(chosen)
            }
            _ => Ok(0),
        }
    }
}

/// Any of the ready tasks, each as likely as the others.
pub(super) struct Random(pub(super) Rng);

impl Pilot for Random {
    fn choose(&mut self, ready: &[ReadyTask], _: u64) -> Result<usize, String> {
        Ok(self.0.below(ready.len()))
    }
}

/// For how many polls the task that has been ready for longest may be passed over.
const PATIENCE: u64 = 1_000;

/// The highest priority first, where priorities are by chance, and some fall at points by chance.
///
/// (Burckhardt, Kothari, Musuvathi and Nagarakatte, "A randomized scheduler with probabilistic guarantees
/// of finding bugs", ASPLOS 2010.) Strict priorities starve: two tasks that keep waking each other until a
/// third one stops them would never end. So when the task that has been ready for longest was passed over
/// for a thousand polls, those before it fall behind all others.
pub(super) struct Pct {
    /// Chance.
    rng: Rng,
    /// What tasks have; a new one is above all that have fallen.
    priorities: HashMap<TaskId, i64>,
    /// At which poll whose turn it is falls, and to what.
    falls: Vec<(u64, i64)>,
    /// How many polls there were.
    polls: u64,
    /// Below all priorities so far.
    bottom: i64,
    /// Who has been ready for longest, and since which poll.
    first: (TaskId, u64),
}

impl Pct {
    /// One for bugs of this depth, in a run of about so many polls.
    pub(super) fn new(seed: u64, depth: u32, polls: u64) -> Box<Self> {
        let mut rng = Rng::new(seed);
        let polls = usize::try_from(polls.max(1)).unwrap_or(usize::MAX);
        let falls = (1..depth).map(|nth| (rng.below(polls) as u64 + 1, i64::from(nth)));
        let falls = falls.collect();
        Box::new(Self {
            rng,
            priorities: HashMap::new(),
            falls,
            polls: 0,
            bottom: 0,
            first: (TaskId::new(0), 0),
        })
    }

    /// The place of the highest priority.
    fn highest(&self, ready: &[ReadyTask]) -> usize {
        let priority = |nth: &usize| self.priorities[&ready[*nth].id()];
        (0..ready.len()).max_by_key(priority).expect("one is ready")
    }

    /// Lets those fall that have kept the first one waiting for too long.
    fn end_starving(&mut self, ready: &[ReadyTask]) {
        let first = ready[0].id();
        if self.first.0 != first {
            self.first = (first, self.polls);
        }
        if self.polls - self.first.1 > PATIENCE {
            loop {
                let highest = self.highest(ready);
                if highest == 0 {
                    return;
                }
                self.bottom -= 1;
                self.priorities.insert(ready[highest].id(), self.bottom);
            }
        }
    }
}

impl Pilot for Pct {
    fn choose(&mut self, ready: &[ReadyTask], _: u64) -> Result<usize, String> {
        self.polls += 1;
        for task in ready {
            // Above all the depths there are.
            let rng = &mut self.rng;
            let above = || (rng.next() >> 1) as i64 | 1 << 40;
            self.priorities.entry(task.id()).or_insert_with(above);
        }
        let now = self.polls;
        for nth in 0..self.falls.len() {
            let (at, to) = self.falls[nth];
            if at == now {
                let highest = self.highest(ready);
                self.priorities.insert(ready[highest].id(), to);
            }
        }
        self.end_starving(ready);
        let chosen = self.highest(ready);
        if chosen == 0 {
            self.first.0 = TaskId::new(0);
        }
        Ok(chosen)
    }
}
