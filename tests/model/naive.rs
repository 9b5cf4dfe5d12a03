//! The model: a small slow machine that does what the design promises, over the program's tree.
//!
//! ```text
//!   ready (first in, first out) ─► turn of a task: dropped, if it was cancelled
//!      ▲                                           else its tree is walked, and goes on where it can
//!      │ nobody ready: the clock jumps             then what it owes
//!      └─ to the next time in any tree             ended, if it owes nothing: who waits is ready
//! ```
//!
//! There are no futures, wakers, timers or frames in it: a step that waits is a state, and each turn
//! walks the whole tree and looks whether what it waits for has come. What a walk needs from above
//! (who encloses it, until when) it is told on the way down. `groups.rs` and `debts.rs` have the rest.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::NOBODY;
use crate::debts::{Debt, Owing};
use crate::groups::{Group, InGroup};
use crate::program::{Block, Id, Step, What};
use crate::trace::{End, Entry, Event, Fate};

/// What never comes.
pub(crate) const NEVER: u64 = u64::MAX;
/// The key of what is owed to nobody but the task.
pub(crate) const OWN: u32 = 0;

/// What a walk has come to.
pub(crate) enum Walk<T> {
    /// It waits.
    Waits,
    /// It has ended.
    Ended(T),
    /// It has panicked at this step, and all that was inside is dropped.
    Panics(Id),
}

/// What a walk is told on the way down.
#[derive(Clone, Copy)]
pub(crate) struct Around {
    /// The task.
    pub(crate) task: Id,
    /// The name of the innermost canceller, under which it is owed what is dropped inside.
    pub(crate) key: u32,
    /// The earliest deadline of the cancellers around.
    pub(crate) deadline: u64,
    /// When the epilogue that is walked is given up.
    pub(crate) limit: u64,
}

impl Around {
    /// What is around a task.
    fn task(task: Id) -> Self {
        Self {
            task,
            key: OWN,
            deadline: NEVER,
            limit: NEVER,
        }
    }
}

/// A block that runs.
pub(crate) struct Run<'p> {
    /// The block.
    block: &'p Block,
    /// The step that comes next, or runs.
    next: usize,
    /// That step, if it runs.
    pub(crate) step: Option<Box<State<'p>>>,
    /// Whether it was walked.
    has_begun: bool,
}

/// A step that runs.
pub(crate) enum State<'p> {
    /// It waits for this time.
    Sleep(u64),
    /// It gives way, or has.
    Yield(bool),
    /// It waits to be asked to end, until this time.
    Cancelled(u64),
    /// It joins a task.
    Join(Id),
    /// It joins a member.
    JoinMember(Id),
    /// A shield.
    Shield(Run<'p>),
    /// A body, or its value, and a cleanup.
    Finally(Side<'p>, Run<'p>),
    /// A timeout, a scope or a race.
    Enclosed(Enclosed<'p>),
    /// Two at once.
    Both([Side<'p>; 2]),
    /// A group.
    Group(InGroup<'p>),
}

/// A block that runs, or its value.
pub(crate) enum Side<'p> {
    /// It runs.
    Runs(Run<'p>),
    /// It has ended.
    Ended(Result<Id, Id>),
}

/// What may be dropped from outside.
pub(crate) struct Enclosed<'p> {
    /// Its name.
    key: u32,
    /// Its deadline; that of a scope is where the scope is.
    deadline: u64,
    /// The scope, if it is one.
    scope: Option<Id>,
    /// One block, or the two of a race.
    inside: Vec<Run<'p>>,
    /// How what is inside has ended: `None` within says that it was dropped.
    end: Option<Option<Result<Id, Id>>>,
}

/// A scope.
#[derive(Clone, Copy)]
struct Scope {
    /// Whether it was cancelled.
    is_cancelled: bool,
    /// When it ends by itself.
    deadline: u64,
    /// The task that waits in it.
    waiter: Option<Id>,
}

/// A task.
#[derive(Default)]
pub(crate) struct Task<'p> {
    /// What it does, until that has ended.
    body: Option<Run<'p>>,
    /// How that has ended.
    pub(crate) fate: Option<Fate>,
    /// Whether it owes nothing any more, either.
    pub(crate) has_ended: bool,
    /// When it is dropped, if it was asked to end.
    due: Option<u64>,
    /// Whether nobody has its handle.
    pub(crate) is_detached: bool,
    /// Who waits by the handle.
    pub(crate) joiner: Option<Id>,
    /// The group that it is in.
    pub(crate) group: Option<Id>,
    /// What it owes: inner before outer.
    pub(crate) debts: Vec<Debt<'p>>,
    /// While one of these is walked: where that goes which it owes itself.
    pub(crate) behind: Option<usize>,
    /// The keys for which cancellers wait.
    pub(crate) waiting: BTreeSet<u32>,
}

/// The machine.
#[derive(Default)]
pub(crate) struct Machine<'p> {
    /// The time.
    pub(crate) now: u64,
    /// The tasks.
    pub(crate) tasks: BTreeMap<Id, Task<'p>>,
    /// Those that are ready.
    ready: VecDeque<Id>,
    /// Tasks that have handles.
    handles: BTreeSet<Id>,
    /// Tasks that somebody joins.
    joined: BTreeSet<Id>,
    /// Members that have handles.
    pub(crate) members: BTreeSet<Id>,
    /// The scopes.
    scopes: BTreeMap<Id, Scope>,
    /// The groups.
    pub(crate) groups: BTreeMap<Id, Group>,
    /// The last key.
    last_key: u32,
    /// What has happened.
    trace: Vec<Entry>,
    /// Whether two tasks have waited for one and the same time.
    is_tied: bool,
}

/// What the model says of a program: what happens, and whether it depends on the order of two tasks
/// that wait for the same time.
/// Nothing, if the main future would panic, which ends a run.
pub(crate) fn run(program: &Block) -> Option<(Vec<Entry>, bool)> {
    let mut machine = Machine::default();
    machine.spawn(0, program, None);
    loop {
        while let Some(task) = machine.ready.pop_front() {
            machine.turn(task);
        }
        if !machine.jump() {
            break;
        }
    }
    machine.say_left();
    let has_panicked = matches!(machine.tasks[&0].fate, Some(Fate::Panicked(_)));
    (!has_panicked).then_some((machine.trace, machine.is_tied))
}

impl<'p> Machine<'p> {
    /// Records what has happened.
    pub(crate) fn say(&mut self, task: Id, event: Event) {
        let at = self.now;
        self.trace.push(Entry { at, task, event });
    }

    /// A task.
    pub(crate) fn task(&mut self, task: Id) -> &mut Task<'p> {
        self.tasks.get_mut(&task).expect("a task that was spawned")
    }

    /// Makes a task ready.
    pub(crate) fn wake(&mut self, task: Id) {
        if !self.task(task).has_ended && !self.ready.contains(&task) {
            self.ready.push_back(task);
        }
    }

    /// Starts a task.
    pub(crate) fn spawn(&mut self, id: Id, block: &'p Block, group: Option<Id>) {
        let body = Some(Run::new(block));
        let task = Task {
            body,
            group,
            ..Task::default()
        };
        self.tasks.insert(id, task);
        self.wake(id);
    }

    /// Asks a task to end.
    pub(crate) fn cancel(&mut self, id: Id) {
        self.cancel_at(id, self.now);
    }

    /// Asks a task to end by itself before it is dropped then; of several requests the earliest counts.
    fn cancel_at(&mut self, id: Id, due: u64) {
        let task = self.task(id);
        if task.fate.is_none() {
            task.due = Some(task.due.map_or(due, |before| before.min(due)));
            self.wake(id);
        }
    }

    /// The turn of a task.
    fn turn(&mut self, id: Id) {
        if self.task(id).has_ended {
            return;
        }
        let around = Around::task(id);
        if let Some(mut body) = self.task(id).body.take() {
            let fate = if self.task(id).due.is_some_and(|due| due <= self.now) {
                self.drop_run(body, around);
                Some(Fate::Cancelled)
            } else {
                match self.walk(&mut body, around) {
                    Walk::Waits => {
                        self.task(id).body = Some(body);
                        None
                    }
                    Walk::Ended(Ok(value)) => Some(Fate::Value(value)),
                    Walk::Ended(Err(step)) => Some(Fate::Failed(step)),
                    Walk::Panics(step) => Some(Fate::Panicked(step)),
                }
            };
            self.task(id).fate = fate;
            if fate.is_some() {
                self.note_gone(id);
            }
        }
        self.pay(id);
        if self.task(id).fate.is_some() && self.task(id).debts.is_empty() {
            self.end(id);
        }
    }

    /// The end of a task.
    fn end(&mut self, id: Id) {
        let task = self.task(id);
        task.has_ended = true;
        let (joiner, is_detached, fate) = (task.joiner, task.is_detached, task.fate);
        if let (true, Some(Fate::Panicked(step))) = (is_detached, fate) {
            self.say(NOBODY, Event::Reported(step));
        }
        if let Some(joiner) = joiner {
            self.wake(joiner);
        }
        self.wake_owner_of(id);
    }

    /// Lets the clock jump to the next time for which somebody waits; `false` if nobody does.
    fn jump(&mut self) -> bool {
        let mut due: Vec<(u64, Id)> = Vec::new();
        for (id, task) in &self.tasks {
            let mut times = Vec::new();
            if let Some(body) = &task.body {
                times.extend(task.due);
                self.times(body, &mut times);
            }
            self.times_of_debts(&task.debts, &mut times);
            times.retain(|time| *time > self.now && *time < NEVER);
            due.extend(times.into_iter().min().map(|time| (time, *id)));
        }
        let Some(next) = due.iter().map(|(time, _)| *time).min() else {
            return false;
        };
        due.retain(|(time, _)| *time == next);
        self.is_tied |= due.len() > 1;
        self.now = next;
        for (_, task) in due {
            self.wake(task);
        }
        true
    }

    /// The times for which a block waits.
    pub(crate) fn times(&self, run: &Run<'p>, times: &mut Vec<u64>) {
        match run.step.as_deref() {
            Some(State::Sleep(until) | State::Cancelled(until)) => times.push(*until),
            Some(State::Shield(inside)) => self.times(inside, times),
            Some(State::Finally(Side::Runs(body), _)) => self.times(body, times),
            Some(State::Finally(Side::Ended(_), cleanup)) => self.times(cleanup, times),
            Some(State::Enclosed(enclosed)) if enclosed.end.is_none() => {
                times.push(self.deadline(enclosed));
                for inside in &enclosed.inside {
                    self.times(inside, times);
                }
            }
            Some(State::Both(sides)) => {
                for side in sides {
                    if let Side::Runs(side) = side {
                        self.times(side, times);
                    }
                }
            }
            Some(State::Group(group)) => {
                times.extend(group.deadline);
                if let Some(body) = &group.body {
                    self.times(body, times);
                }
            }
            _ => {}
        }
    }

    /// Walks a block.
    pub(crate) fn walk(&mut self, run: &mut Run<'p>, around: Around) -> Walk<Result<Id, Id>> {
        let (task, block) = (around.task, run.block);
        if !run.has_begun {
            run.has_begun = true;
            self.say(task, Event::Begin(block.id));
        }
        while let Some(step) = block.steps.get(run.next) {
            let ended = match &mut run.step {
                Some(state) => self.walk_step(state, around),
                None => {
                    self.say(task, Event::Begin(step.id));
                    match self.start(step) {
                        Ok(mut state) => {
                            let ended = self.walk_step(&mut state, around);
                            run.step = Some(Box::new(state));
                            ended
                        }
                        Err(ended) => ended,
                    }
                }
            };
            let end = match ended {
                Walk::Waits => return Walk::Waits,
                Walk::Ended(end) => end,
                Walk::Panics(culprit) => {
                    self.say(task, Event::Dropped(step.id));
                    self.say(task, Event::Dropped(block.id));
                    return Walk::Panics(culprit);
                }
            };
            run.step = None;
            run.next += 1;
            self.say(task, Event::End(step.id, end.clone()));
            if let End::Failed(error) = end {
                self.say(task, Event::End(block.id, end));
                return Walk::Ended(Err(error));
            }
        }
        self.say(task, Event::End(block.id, End::Done));
        Walk::Ended(Ok(block.id))
    }

    /// Drops a block: what is inside first.
    pub(crate) fn drop_run(&mut self, mut run: Run<'p>, around: Around) {
        if !run.has_begun {
            return;
        }
        if let Some(state) = run.step.take() {
            self.drop_step(*state, around);
            let step = &run.block.steps[run.next];
            self.say(around.task, Event::Dropped(step.id));
        }
        self.say(around.task, Event::Dropped(run.block.id));
    }

    /// Starts a step: it has to be walked then, or has ended at once.
    fn start(&mut self, step: &'p Step) -> Result<State<'p>, Walk<End>> {
        let done = |is_done| Err(Walk::Ended(if is_done { End::Done } else { End::Absent }));
        let id = step.id;
        match &step.what {
            What::Sleep(0) | What::Yield => Ok(State::Yield(false)),
            What::Sleep(time) => Ok(State::Sleep(self.now + time)),
            What::Fail => Err(Walk::Ended(End::Failed(id))),
            What::Panic => Err(Walk::Panics(id)),
            What::Spawn(block) => {
                self.spawn(id, block, None);
                self.handles.insert(id);
                done(true)
            }
            What::SpawnIn(group, block) => done(self.spawn_in(*group, id, block)),
            What::Join(task) if !self.handles.contains(task) || !self.joined.insert(*task) => {
                done(false)
            }
            What::Join(task) => Ok(State::Join(*task)),
            What::JoinMember(member) => match self.take_member(*member) {
                true => Ok(State::JoinMember(*member)),
                false => done(false),
            },
            What::Cancel(task) => {
                let is_there = self.handles.contains(task) || self.members.contains(task);
                if is_there && !self.is_taken(*task) {
                    self.cancel(*task);
                }
                done(is_there)
            }
            What::CancelWithin(task, time) => {
                let is_there = self.handles.contains(task);
                if is_there {
                    self.cancel_at(*task, self.now + time);
                }
                done(is_there)
            }
            What::Cancelled(time) => Ok(State::Cancelled(self.now + time)),
            What::Detach(task) => {
                let is_there = !self.joined.contains(task) && self.handles.remove(task);
                if is_there {
                    self.detach(*task);
                }
                done(is_there)
            }
            What::CancelScope(scope) => done(self.cancel_scope(*scope)),
            What::MoveScope(scope, time) => {
                let deadline = self.now + time;
                let scope = self.scopes.get_mut(scope);
                let is_there = scope.is_some();
                let waiter = scope.and_then(|scope| {
                    scope.deadline = deadline;
                    scope.waiter.take()
                });
                if let Some(waiter) = waiter {
                    self.wake(waiter);
                }
                done(is_there)
            }
            What::CancelAll(group) => done(self.cancel_all_in(*group)),
            _ => Ok(self.start_blocks(step)),
        }
    }

    /// Starts a step with blocks of the same task in it.
    fn start_blocks(&mut self, step: &'p Step) -> State<'p> {
        match &step.what {
            What::Shield(block) => State::Shield(Run::new(block)),
            What::Finally(body, cleanup) | What::Bracket(body, cleanup) => {
                State::Finally(Side::Runs(Run::new(body)), Run::new(cleanup))
            }
            What::Timeout(time, block) => self.enclose(self.now + time, None, &[block]),
            What::Scope(block) => {
                let scope = Scope {
                    is_cancelled: false,
                    deadline: NEVER,
                    waiter: None,
                };
                self.scopes.insert(step.id, scope);
                self.enclose(NEVER, Some(step.id), &[block])
            }
            What::Race(a, b) => self.enclose(NEVER, None, &[a, b]),
            What::Both(a, b) => State::Both([a, b].map(|block| Side::Runs(Run::new(block)))),
            What::Group(body, how) => State::Group(self.new_group(step.id, body, *how)),
            _ => unreachable!("it has no blocks of this task"),
        }
    }

    /// Drops a task's handle.
    pub(crate) fn detach(&mut self, id: Id) {
        let task = self.task(id);
        if let Some(Fate::Panicked(step)) = task.fate {
            self.say(NOBODY, Event::Reported(step));
        } else {
            task.is_detached = true;
        }
    }

    /// Cancels a scope.
    fn cancel_scope(&mut self, id: Id) -> bool {
        let Some(scope) = self.scopes.get_mut(&id) else {
            return false;
        };
        if !scope.is_cancelled {
            scope.is_cancelled = true;
            if let Some(waiter) = scope.waiter.take() {
                self.wake(waiter);
            }
        }
        true
    }

    /// A canceller.
    fn enclose(&mut self, deadline: u64, scope: Option<Id>, blocks: &[&'p Block]) -> State<'p> {
        self.last_key += 1;
        State::Enclosed(Enclosed {
            key: self.last_key,
            deadline,
            scope,
            inside: blocks.iter().map(|block| Run::new(block)).collect(),
            end: None,
        })
    }

    /// The deadline of a canceller. That of a cancelled scope has always passed.
    fn deadline(&self, enclosed: &Enclosed<'p>) -> u64 {
        match enclosed.scope.map(|scope| self.scopes[&scope]) {
            Some(scope) if scope.is_cancelled => 0,
            Some(scope) => scope.deadline,
            None => enclosed.deadline,
        }
    }

    /// Walks a step.
    fn walk_step(&mut self, state: &mut State<'p>, around: Around) -> Walk<End> {
        match state {
            State::Sleep(until) if *until <= self.now => Walk::Ended(End::Done),
            State::Sleep(_) => Walk::Waits,
            State::Cancelled(_) if self.task(around.task).due.is_some() => Walk::Ended(End::Done),
            State::Cancelled(until) if *until > self.now || self.leaves_it_to_outer(around) => {
                Walk::Waits
            }
            State::Cancelled(_) => Walk::Ended(End::Elapsed),
            State::Yield(true) => Walk::Ended(End::Done),
            State::Yield(has_yielded) => {
                *has_yielded = true;
                self.wake(around.task);
                Walk::Waits
            }
            State::Join(id) => {
                let task = self.task(*id);
                if !task.has_ended {
                    task.joiner = Some(around.task);
                    return Walk::Waits;
                }
                let fate = task.fate.expect("it has ended");
                self.handles.remove(id);
                self.joined.remove(id);
                Walk::Ended(End::Joined(fate))
            }
            State::JoinMember(id) => self.join_member(*id, around),
            State::Shield(inside) => self.walk(inside, around).map(end_of),
            State::Finally(body, cleanup) => self.walk_finally(body, cleanup, around),
            State::Enclosed(enclosed) => self.walk_enclosed(enclosed, around),
            State::Both(sides) => self.walk_both(sides, around),
            State::Group(group) => self.walk_group(group, around),
        }
    }

    /// Walks a body, and then its cleanup.
    fn walk_finally(
        &mut self,
        body: &mut Side<'p>,
        cleanup: &mut Run<'p>,
        around: Around,
    ) -> Walk<End> {
        if let Side::Runs(run) = body {
            match self.walk(run, around) {
                Walk::Waits => return Walk::Waits,
                Walk::Ended(value) => *body = Side::Ended(value),
                Walk::Panics(step) => {
                    let cleanup = std::mem::replace(cleanup, Run::new(cleanup.block));
                    self.owe(Owing::Run(cleanup), around);
                    return Walk::Panics(step);
                }
            }
        }
        let Side::Ended(value) = *body else {
            unreachable!("it has ended")
        };
        self.walk(cleanup, around).map(|_| end_of(value))
    }

    /// Walks two blocks.
    fn walk_both(&mut self, sides: &mut [Side<'p>; 2], around: Around) -> Walk<End> {
        for nth in 0..2 {
            let Side::Runs(run) = &mut sides[nth] else {
                continue;
            };
            match self.walk(run, around) {
                Walk::Waits => {}
                Walk::Ended(value) => sides[nth] = Side::Ended(value),
                Walk::Panics(step) => {
                    let other = std::mem::replace(&mut sides[1 - nth], Side::Ended(Ok(0)));
                    self.drop_side(other, around);
                    return Walk::Panics(step);
                }
            }
        }
        match sides {
            [Side::Ended(a), Side::Ended(b)] => Walk::Ended(end_of(a.and(*b))),
            _ => Walk::Waits,
        }
    }

    /// Walks what is in a canceller, drops it if its time has come, and waits for what is owed.
    fn walk_enclosed(&mut self, enclosed: &mut Enclosed<'p>, around: Around) -> Walk<End> {
        if enclosed.end.is_none() {
            let within = |deadline: u64| Around {
                key: enclosed.key,
                deadline: around.deadline.min(deadline),
                ..around
            };
            let inside = within(self.deadline(enclosed));
            for nth in 0..enclosed.inside.len() {
                match self.walk(&mut enclosed.inside[nth], inside) {
                    Walk::Waits => continue,
                    Walk::Ended(value) => {
                        enclosed.inside.remove(nth);
                        self.drop_runs(&mut enclosed.inside, inside);
                        enclosed.end = Some(Some(value));
                    }
                    Walk::Panics(step) => {
                        enclosed.inside.remove(nth);
                        self.drop_runs(&mut enclosed.inside, around);
                        self.pass_on(around.task, enclosed.key, around.key);
                        return Walk::Panics(step);
                    }
                }
                break;
            }
        }
        if enclosed.end.is_none() {
            let deadline = self.deadline(enclosed);
            if let Some(scope) = enclosed.scope.and_then(|scope| self.scopes.get_mut(&scope)) {
                scope.waiter = Some(around.task);
            }
            if deadline > self.now || self.leaves_it_to_outer(around) {
                return Walk::Waits;
            }
            if let Some(scope) = enclosed.scope {
                self.cancel_scope(scope);
            }
            let inside = Around {
                key: enclosed.key,
                deadline: 0,
                ..around
            };
            self.drop_runs(&mut enclosed.inside, inside);
            enclosed.end = Some(None);
        }
        let task = self.task(around.task);
        if task.debts.iter().any(|debt| debt.key == enclosed.key) {
            task.waiting.insert(enclosed.key);
            return Walk::Waits;
        }
        if let Some(scope) = enclosed.scope.and_then(|scope| self.scopes.get_mut(&scope)) {
            scope.waiter = None;
        }
        Walk::Ended(enclosed.end.flatten().map_or(End::Elapsed, end_of))
    }

    /// Of two that are over at once the outer one ends the inner, and the task has another turn.
    pub(crate) fn leaves_it_to_outer(&mut self, around: Around) -> bool {
        let is_over = around.deadline <= self.now;
        if is_over {
            self.wake(around.task);
        }
        is_over
    }

    /// Drops a step.
    fn drop_step(&mut self, state: State<'p>, around: Around) {
        match state {
            State::Sleep(_) | State::Cancelled(_) | State::Yield(_) => {}
            State::Join(id) => {
                self.joined.remove(&id);
            }
            State::JoinMember(id) => self.give_member_back(id),
            State::Shield(inside) => self.owe(Owing::Run(inside), around),
            State::Finally(body, cleanup) => {
                self.drop_side(body, around);
                self.owe(Owing::Run(cleanup), around);
            }
            State::Enclosed(mut enclosed) => {
                self.drop_runs(&mut enclosed.inside, around);
                self.pass_on(around.task, enclosed.key, around.key);
                if let Some(scope) = enclosed.scope.and_then(|scope| self.scopes.get_mut(&scope)) {
                    scope.waiter = None;
                }
            }
            State::Both(sides) => {
                for side in sides {
                    self.drop_side(side, around);
                }
            }
            State::Group(group) => {
                let id = group.id;
                if let Some(body) = group.body {
                    self.drop_run(body, around);
                }
                self.drop_group(id, around);
            }
        }
    }

    /// Drops blocks.
    fn drop_runs(&mut self, runs: &mut Vec<Run<'p>>, around: Around) {
        for run in runs.drain(..) {
            self.drop_run(run, around);
        }
    }

    /// Drops a block, unless it has ended.
    fn drop_side(&mut self, side: Side<'p>, around: Around) {
        if let Side::Runs(run) = side {
            self.drop_run(run, around);
        }
    }

    /// What the handles say that are left.
    fn say_left(&mut self) {
        let members = self
            .members
            .iter()
            .filter(|member| !self.is_taken(**member));
        let left: BTreeSet<Id> = self.handles.iter().chain(members).copied().collect();
        self.now = NEVER;
        for id in left {
            let task = self.task(id);
            let fate = task.fate.filter(|_| task.has_ended);
            let fate = fate.unwrap_or_else(|| panic!("the model: #{id} never ends"));
            self.say(NOBODY, Event::Left(id, fate));
        }
    }
}

impl<'p> Run<'p> {
    /// A block that has not begun.
    pub(crate) fn new(block: &'p Block) -> Self {
        Self {
            block,
            next: 0,
            step: None,
            has_begun: false,
        }
    }

    /// Whether it was walked.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }
}

impl<T> Walk<T> {
    /// The same with another value.
    fn map<U>(self, f: impl FnOnce(T) -> U) -> Walk<U> {
        match self {
            Self::Waits => Walk::Waits,
            Self::Ended(value) => Walk::Ended(f(value)),
            Self::Panics(step) => Walk::Panics(step),
        }
    }
}

/// How a step ends whose block has ended so.
fn end_of(value: Result<Id, Id>) -> End {
    match value {
        Ok(_) => End::Done,
        Err(error) => End::Failed(error),
    }
}
