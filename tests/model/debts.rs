//! The model's ledger: what a task owes for what was dropped.

use crate::naive::{Around, Machine, NEVER, Run, Walk};
use crate::program::Id;
use crate::trace::Event;
use crate::{GRACE, NOBODY};

/// What is to be done.
pub(crate) enum Owing<'p> {
    /// A cleanup, or the rest of a shield.
    Run(Run<'p>),
    /// The members of a group that was dropped are to be waited for.
    Group(Id),
}

/// Something that is owed.
pub(crate) struct Debt<'p> {
    /// To which canceller.
    pub(crate) key: u32,
    /// What; `None` while it is walked.
    what: Option<Owing<'p>>,
    /// When it is given up.
    limit: u64,
    /// Whether it was walked.
    has_started: bool,
}

impl<'p> Machine<'p> {
    /// The times for which debts wait.
    pub(crate) fn times_of_debts(&self, debts: &[Debt<'p>], times: &mut Vec<u64>) {
        for debt in debts {
            if debt.has_started {
                times.push(debt.limit);
            }
            if let Some(Owing::Run(run)) = &debt.what {
                self.times(run, times);
            }
        }
    }

    /// Has the task owe something to the innermost canceller.
    pub(crate) fn owe(&mut self, what: Owing<'p>, around: Around) {
        let (has_started, limit) = match &what {
            Owing::Run(run) => (run.has_begun(), around.limit.min(self.now + GRACE)),
            // The members have limits, and nobody leaves before them.
            Owing::Group(_) => (false, NEVER),
        };
        let debt = Debt {
            key: around.key,
            what: Some(what),
            limit,
            has_started,
        };
        let task = self.task(around.task);
        let nth = task.behind.unwrap_or(task.debts.len());
        task.behind = task.behind.map(|nth| nth + 1);
        task.debts.insert(nth, debt);
    }

    /// Passes what is owed to one canceller to another.
    pub(crate) fn pass_on(&mut self, task: Id, from: u32, to: u32) {
        let task = self.task(task);
        for debt in task.debts.iter_mut().filter(|debt| debt.key == from) {
            debt.key = to;
        }
        task.waiting.remove(&from);
    }

    /// Walks what may be paid: what has started, and the first of each key.
    pub(crate) fn pay(&mut self, id: Id) {
        let mut nth = 0;
        while nth < self.task(id).debts.len() {
            let debts = &self.task(id).debts;
            let key = debts[nth].key;
            let is_first = debts[..nth].iter().all(|debt| debt.key != key);
            if !debts[nth].has_started && !is_first {
                nth += 1;
                continue;
            }
            let limit = debts[nth].limit;
            let around = Around {
                task: id,
                key,
                deadline: NEVER,
                limit,
            };
            let what = self.task(id).debts[nth].what.take();
            let mut what = what.expect("it is back after each walk");
            self.task(id).behind = Some(nth + 1);
            if limit <= self.now {
                self.say(NOBODY, Event::Abandoned);
                self.abandon(what, around);
            } else if self.walk_owing(&mut what, around) {
                let task = self.task(id);
                task.behind = None;
                let debt = &mut task.debts[nth];
                debt.has_started = true;
                debt.what = Some(what);
                nth += 1;
                continue;
            }
            let task = self.task(id);
            task.behind = None;
            let key = task.debts.remove(nth).key;
            let is_last = task.debts.iter().all(|debt| debt.key != key);
            if is_last && task.waiting.remove(&key) {
                self.wake(id);
            }
        }
    }

    /// Walks what is owed; `true` if it waits.
    fn walk_owing(&mut self, what: &mut Owing<'p>, around: Around) -> bool {
        match what {
            Owing::Run(run) => match self.walk(run, around) {
                Walk::Waits => true,
                Walk::Ended(_) => false,
                Walk::Panics(step) => {
                    self.say(NOBODY, Event::Reported(step));
                    false
                }
            },
            Owing::Group(group) => self.walk_orphans(*group, around.task),
        }
    }

    /// Gives up what is owed.
    fn abandon(&mut self, what: Owing<'p>, around: Around) {
        match what {
            Owing::Run(run) => self.drop_run(run, around),
            Owing::Group(group) => self.leave_group(group),
        }
    }
}
