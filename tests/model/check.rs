//! What holds of every run, whoever is next among those that are ready.
//!
//! Each node of the program (a step, a block) lies in others: a step in its block, a block in its
//! step, a member's block in its group. The checks ask of the trace, node by node:
//!
//! - whatever began has ended or was dropped, once;
//! - nobody is alive after his timeout, scope, race or group returned, or after he was joined;
//! - no cleanup is skipped, begins before its body is gone, or before one further in has ended;
//!   what has begun of one is not dropped, except by its own panic or the end of its grace;
//! - sleeps and timeouts end when they should, and of two that are over at once the outer one;
//! - who joins is told what has happened.

use std::collections::BTreeMap;

use crate::program::{Block, How, Id, Step, What};
use crate::trace::{End, Entry, Event, Fate};

/// A node of the program.
struct Node<'p> {
    /// The node around; for a member's block, its group.
    around: Option<Id>,
    /// The task.
    task: Id,
    /// What it does, if it is a step.
    what: Option<&'p What>,
}

/// How a node has ended.
#[derive(Clone)]
enum Last {
    /// It ended by itself.
    End(End),
    /// It was dropped.
    Dropped,
}

/// When something happened: its place in the trace, and the time.
type When = (usize, u64);

/// A program and what has become of it.
struct Check<'p> {
    /// The nodes.
    nodes: BTreeMap<Id, Node<'p>>,
    /// When they began.
    begun: BTreeMap<Id, When>,
    /// When and how they ended.
    ended: BTreeMap<Id, (When, Last)>,
    /// When tasks were joined.
    joined: BTreeMap<Id, When>,
    /// Whether epilogues were given up.
    has_abandoned: bool,
}

/// What is wrong with a run, if anything is.
pub(crate) fn wrong(program: &Block, trace: &[Entry]) -> Result<(), String> {
    let mut check = Check {
        nodes: BTreeMap::new(),
        begun: BTreeMap::new(),
        ended: BTreeMap::new(),
        joined: BTreeMap::new(),
        has_abandoned: false,
    };
    check.add_block(program, None, 0);
    check.read(trace)?;
    for (id, node) in &check.nodes {
        check.order(*id)?;
        match node.what {
            Some(What::Sleep(time)) => check.sleep(*id, *time)?,
            Some(What::Timeout(time, block)) => check.timeout(*id, *time, block.id)?,
            Some(What::Finally(body, cleanup) | What::Bracket(body, cleanup)) => {
                check.cleanup(*id, body.id, cleanup.id)?;
                check.unbroken(cleanup.id)?;
            }
            Some(What::Shield(block)) => check.unbroken(block.id)?,
            _ => {}
        }
    }
    for entry in trace {
        match &entry.event {
            Event::End(id, End::Joined(fate)) => match check.nodes[id].what {
                Some(What::Join(task) | What::JoinMember(task)) => check.fate(*task, *fate)?,
                _ => unreachable!("only joins have joined"),
            },
            Event::Left(task, fate) => check.fate(*task, *fate)?,
            _ => {}
        }
    }
    Ok(())
}

impl<'p> Check<'p> {
    /// Adds a block.
    fn add_block(&mut self, block: &'p Block, around: Option<Id>, task: Id) {
        let what = None;
        let node = Node { around, task, what };
        self.nodes.insert(block.id, node);
        for step in &block.steps {
            self.add_step(step, block.id, task);
        }
    }

    /// Adds a step.
    fn add_step(&mut self, step: &'p Step, around: Id, task: Id) {
        let node = Node {
            around: Some(around),
            task,
            what: Some(&step.what),
        };
        self.nodes.insert(step.id, node);
        let (inside, task) = match &step.what {
            What::Spawn(_) => (None, step.id),
            What::SpawnIn(group, _) => (Some(*group), step.id),
            _ => (Some(step.id), task),
        };
        for block in step.what.blocks() {
            self.add_block(block, inside, task);
        }
    }

    /// Notes what has happened.
    fn read(&mut self, trace: &[Entry]) -> Result<(), String> {
        let mut now = 0;
        for (place, entry) in trace.iter().enumerate() {
            let when = (place, entry.at);
            if entry.at < now {
                return Err(format!("time goes backwards at {entry:?}"));
            }
            now = entry.at;
            let is_new = match &entry.event {
                Event::Begin(id) => self.begun.insert(*id, when).is_none(),
                Event::End(id, end) => {
                    if let (End::Joined(_), Some(What::Join(task) | What::JoinMember(task))) =
                        (end, self.nodes[id].what)
                    {
                        self.joined.insert(*task, when);
                    }
                    let last = (when, Last::End(end.clone()));
                    self.begun.contains_key(id) && self.ended.insert(*id, last).is_none()
                }
                Event::Dropped(id) => {
                    let last = (when, Last::Dropped);
                    self.begun.contains_key(id) && self.ended.insert(*id, last).is_none()
                }
                Event::Abandoned => {
                    self.has_abandoned = true;
                    true
                }
                Event::Next(..) | Event::Reported(_) | Event::Left(..) => true,
            };
            if !is_new {
                return Err(format!("out of turn: {entry:?}"));
            }
        }
        match self.begun.keys().find(|id| !self.ended.contains_key(id)) {
            Some(id) => Err(format!("#{id} never ended")),
            None => Ok(()),
        }
    }

    /// Whether a node lies in another, in the same task.
    fn is_in(&self, id: Id, other: Id) -> bool {
        let node = &self.nodes[&id];
        let around = node.around.filter(|_| self.nodes[&other].task == node.task);
        around.is_some_and(|around| around == other || self.is_in(around, other))
    }

    /// Nothing happens to a node after what it lies in has returned.
    fn order(&self, id: Id) -> Result<(), String> {
        let Some((last, _)) = self.ended.get(&id) else {
            return Ok(());
        };
        let mut inside = id;
        let mut must_wait = true;
        loop {
            let node = &self.nodes[&inside];
            let is_task = node.what.is_none()
                && node
                    .around
                    .is_none_or(|around| self.nodes[&around].task != node.task);
            if is_task && self.joined.get(&node.task).is_some_and(|when| when < last) {
                return Err(format!("#{id} is alive after its task was joined"));
            }
            let Some(around) = node.around else {
                return Ok(());
            };
            let what = self.nodes[&around].what;
            let is_canceller = matches!(
                what,
                Some(What::Timeout(..) | What::Scope(_) | What::Race(..))
            );
            let end = self.ended.get(&around);
            if let (true, Some(What::Group(_, how))) = (is_task, what) {
                // A group that is dropped returns at once; who is around waits for its members.
                must_wait &= !matches!(how, How::Drop | How::NextOnce)
                    && matches!(end, Some((_, Last::End(End::Done | End::Group(_)))));
            }
            if let Some((when, Last::End(_))) = end
                && (must_wait || is_canceller)
                && when < last
            {
                return Err(format!("#{id} is alive after #{around} has returned"));
            }
            inside = around;
        }
    }

    /// A sleep ends on time.
    fn sleep(&self, id: Id, time: u64) -> Result<(), String> {
        if let (Some((_, begun)), Some(((_, ended), Last::End(_)))) =
            (self.begun.get(&id), self.ended.get(&id))
            && *ended != begun + time
        {
            return Err(format!("the sleep #{id} ended at {ended}"));
        }
        Ok(())
    }

    /// A timeout elapses on time, and not in the place of one around it.
    fn timeout(&self, id: Id, time: u64, block: Id) -> Result<(), String> {
        let (Some((_, begun)), Some((_, Last::End(end)))) =
            (self.begun.get(&id), self.ended.get(&id))
        else {
            return Ok(());
        };
        let due = begun + time;
        let gone = self.ended[&block].0.1;
        if *end != End::Elapsed {
            return if gone > due {
                Err(format!("#{id} is late"))
            } else {
                Ok(())
            };
        }
        if gone != due {
            return Err(format!("#{id} elapsed at {gone}"));
        }
        let mut inside = id;
        while let Some(around) = self.nodes[&inside].around {
            match self.nodes[&around].what {
                Some(What::Timeout(time, _)) if self.begun[&around].1 + time <= due => {
                    return Err(format!("#{id} elapsed in the place of #{around}"));
                }
                // There the deadlines around may not count.
                Some(What::Shield(_)) => return Ok(()),
                Some(What::Finally(_, cleanup) | What::Bracket(_, cleanup))
                    if cleanup.id == inside =>
                {
                    return Ok(());
                }
                _ if self.nodes[&around].task != self.nodes[&id].task => return Ok(()),
                _ => inside = around,
            }
        }
        Ok(())
    }

    /// The cleanup of a body that has begun begins, when the body is gone.
    fn cleanup(&self, id: Id, body: Id, cleanup: Id) -> Result<(), String> {
        if !self.begun.contains_key(&id) {
            return Ok(());
        }
        let Some(begun) = self.begun.get(&cleanup) else {
            let may_skip = self.has_abandoned;
            return may_skip.then_some(()).ok_or(format!("no cleanup of #{id}"));
        };
        if self.ended[&body].0 > *begun {
            return Err(format!(
                "the cleanup of #{id} has begun before its body was gone"
            ));
        }
        for (inner, node) in &self.nodes {
            let owed = match node.what {
                Some(What::Finally(_, owed) | What::Bracket(_, owed) | What::Shield(owed)) => owed,
                _ => continue,
            };
            let has_begun = self.begun.contains_key(&owed.id);
            if has_begun && self.is_in(*inner, body) && self.ended[&owed.id].0 > *begun {
                return Err(format!(
                    "the cleanup of #{id} has begun before that of #{inner}"
                ));
            }
        }
        Ok(())
    }

    /// What must be done is done to the end.
    fn unbroken(&self, block: Id) -> Result<(), String> {
        let is_culprit = |(id, node): (&Id, &Node<'_>)| {
            let has_begun = self.begun.contains_key(id);
            matches!(node.what, Some(What::Panic)) && has_begun && self.is_in(*id, block)
        };
        match self.ended.get(&block) {
            Some((_, Last::Dropped))
                if !self.has_abandoned && !self.nodes.iter().any(is_culprit) =>
            {
                Err(format!("#{block} was dropped, and nothing excuses it"))
            }
            _ => Ok(()),
        }
    }

    /// Who joins a task is told what has happened.
    fn fate(&self, task: Id, fate: Fate) -> Result<(), String> {
        let root = match self.nodes[&task].what {
            Some(What::Spawn(block) | What::SpawnIn(_, block)) => block.id,
            _ => unreachable!("only tasks are joined"),
        };
        let is_right = match (self.ended.get(&root), fate) {
            (Some((_, Last::End(End::Done))), Fate::Value(value)) => value == root,
            (Some((_, Last::End(End::Failed(error)))), Fate::Failed(step)) => *error == step,
            (Some((_, Last::Dropped)), Fate::Panicked(step)) => {
                self.begun.contains_key(&step) && self.nodes[&step].task == task
            }
            (None | Some((_, Last::Dropped)), Fate::Cancelled) => true,
            _ => false,
        };
        let wrong = || format!("#{task} is said to have ended as {fate:?}");
        is_right.then_some(()).ok_or_else(wrong)
    }
}
