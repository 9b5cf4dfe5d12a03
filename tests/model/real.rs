//! Programs run by bibelot, in virtual time.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bibelot::task::{self, CancelScope, FailureKind, GroupError, JoinError, JoinHandle};
use bibelot::task::{Failure, Member, Spawner, TaskGroup};
use bibelot::testing::Sim;
use bibelot::time::{Duration, Instant, sleep, timeout};
use bibelot::{Executor, Report};

use crate::program::{Block, How, Id, Step, What};
use crate::trace::{End, Entry, Event, Fate};
use crate::{GRACE, NOBODY};

/// What a block or a task gives.
type Outcome = Result<Id, Id>;

/// What the steps of a program share.
#[derive(Default)]
struct World {
    /// When the program has started.
    start: RefCell<Option<Instant>>,
    /// What has happened.
    trace: RefCell<Vec<Entry>>,
    /// The handles of tasks.
    tasks: RefCell<BTreeMap<Id, JoinHandle<Outcome>>>,
    /// Tasks that somebody joins.
    joined: RefCell<BTreeSet<Id>>,
    /// The handles of members.
    members: RefCell<BTreeMap<Id, Member<Id, Id>>>,
    /// The scopes.
    scopes: RefCell<BTreeMap<Id, CancelScope>>,
    /// The groups whose bodies run.
    groups: RefCell<BTreeMap<Id, TaskGroup<Id, Id>>>,
    /// Who may start members.
    spawners: RefCell<BTreeMap<Id, Spawner<Id, Id>>>,
}

/// A step or block that has begun; says so if it is dropped before its end.
struct Watch<'w> {
    /// Where to say so.
    world: &'w World,
    /// The task.
    task: Id,
    /// Its name.
    id: Id,
    /// Whether it has ended.
    has_ended: bool,
}

impl Watch<'_> {
    /// It has ended.
    fn end(mut self, end: End) {
        self.has_ended = true;
        self.world.say(self.task, Event::End(self.id, end));
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.world.say(self.task, Event::Dropped(self.id));
        }
    }
}

impl World {
    /// Records what has happened.
    fn say(&self, task: Id, event: Event) {
        let start = self.start.borrow().expect("the program has started");
        let at = start.elapsed().as_millis() as u64;
        self.trace.borrow_mut().push(Entry { at, task, event });
    }

    /// Records that something begins.
    fn begin(&self, task: Id, id: Id) -> Watch<'_> {
        self.say(task, Event::Begin(id));
        Watch {
            world: self,
            task,
            id,
            has_ended: false,
        }
    }

    /// Starts a member of a group, unless that has ended.
    fn spawn_in(self: &Rc<Self>, group: Id, id: Id, block: &Block) -> End {
        let spawner = self.spawners.borrow().get(&group).cloned();
        let member = spawner.map(|spawner| spawner.spawn(run_block(self, id, block)));
        match member {
            Some(Ok(member)) => {
                self.members.borrow_mut().insert(id, member);
                End::Done
            }
            _ => End::Absent,
        }
    }

    /// Asks that a task or member be cancelled.
    fn cancel(&self, id: Id) -> End {
        if let Some(handle) = self.tasks.borrow().get(&id) {
            handle.cancel();
        } else if let Some(member) = self.members.borrow().get(&id) {
            member.cancel();
        } else {
            return End::Absent;
        }
        End::Done
    }

    /// Asks that a task end in time.
    fn cancel_within(&self, id: Id, time: u64) -> End {
        match self.tasks.borrow().get(&id) {
            Some(handle) => {
                handle.cancel_within(Duration::from_millis(time));
                End::Done
            }
            None => End::Absent,
        }
    }

    /// Drops the handle of a task.
    fn detach(&self, id: Id) -> End {
        if self.joined.borrow().contains(&id) {
            return End::Absent;
        }
        let handle = self.tasks.borrow_mut().remove(&id);
        if handle.is_some() {
            End::Done
        } else {
            End::Absent
        }
    }

    /// Waits for a task.
    async fn join(&self, id: Id) -> End {
        /// Lets others join.
        struct Leave<'w>(&'w World, Id);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.joined.borrow_mut().remove(&self.1);
            }
        }
        if !self.tasks.borrow().contains_key(&id) || !self.joined.borrow_mut().insert(id) {
            return End::Absent;
        }
        let leave = Leave(self, id);
        let poll = |cx: &mut Context<'_>| {
            let mut tasks = self.tasks.borrow_mut();
            let handle = tasks.get_mut(&id).expect("nobody else takes it meanwhile");
            Pin::new(handle).poll(cx)
        };
        let fate = fate(poll_fn(poll).await);
        drop(leave);
        self.tasks.borrow_mut().remove(&id);
        End::Joined(fate)
    }

    /// Waits for a member, by its own handle.
    async fn join_member(&self, id: Id) -> End {
        let member = self.members.borrow_mut().remove(&id);
        match member {
            Some(member) if member.task().is_some() => End::Joined(fate(member.join().await)),
            _ => End::Absent,
        }
    }

    /// Drops a group whose body runs, if it was not taken out before.
    fn drop_group(&self, id: Id) {
        let group = self.groups.borrow_mut().remove(&id);
        drop(group);
    }

    /// What the handles say that are left when all tasks have ended.
    fn take_left(&self) {
        let mut left = Vec::new();
        let cx = &mut Context::from_waker(Waker::noop());
        for (id, mut handle) in self.tasks.take() {
            left.push((id, Pin::new(&mut handle).poll(cx)));
        }
        for (id, member) in self.members.take() {
            if member.task().is_some() {
                left.push((id, pin!(member.join()).poll(cx)));
            }
        }
        left.sort_by_key(|(id, _)| *id);
        for (id, outcome) in left {
            let Poll::Ready(outcome) = outcome else {
                panic!("#{id} is alive after the run");
            };
            let event = Event::Left(id, fate(outcome));
            let at = u64::MAX;
            let task = NOBODY;
            self.trace.borrow_mut().push(Entry { at, task, event });
        }
    }
}

/// The step that a panic names.
fn culprit(text: Option<&str>) -> Id {
    let number = text.and_then(|text| text.strip_prefix("planned "));
    let number = number.and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("an unplanned panic: {text:?}"))
}

/// How a task has ended.
fn fate(outcome: Result<Outcome, JoinError>) -> Fate {
    match outcome {
        Ok(Ok(value)) => Fate::Value(value),
        Ok(Err(step)) => Fate::Failed(step),
        Err(JoinError::Panicked(panicked)) => Fate::Panicked(culprit(panicked.message())),
        Err(_) => Fate::Cancelled,
    }
}

/// How a member has failed.
fn failure(failure: &Failure<Id>) -> Fate {
    match failure.kind() {
        FailureKind::Error(step) => Fate::Failed(*step),
        FailureKind::Panicked(panicked) => Fate::Panicked(culprit(panicked.message())),
    }
}

/// How a group has ended.
fn group_end(ended: Result<Vec<Id>, GroupError<Id>>) -> End {
    End::Group(ended.map_err(|error| error.failures().iter().map(failure).collect()))
}

/// A block, as a future.
fn run_block(
    world: &Rc<World>,
    task: Id,
    block: &Block,
) -> Pin<Box<dyn Future<Output = Outcome> + 'static>> {
    let (world, block) = (Rc::clone(world), block.clone());
    Box::pin(async move {
        let watch = world.begin(task, block.id);
        for step in &block.steps {
            if let Err(error) = run_step(&world, task, step).await {
                watch.end(End::Failed(error));
                return Err(error);
            }
        }
        watch.end(End::Done);
        Ok(block.id)
    })
}

/// A block that ends silently.
async fn run_cleanup(world: Rc<World>, task: Id, block: Block) {
    let _outcome = run_block(&world, task, &block).await;
}

/// A step, as a future. The error is that of a block inside.
async fn run_step(world: &Rc<World>, task: Id, step: &Step) -> Result<(), Id> {
    let watch = world.begin(task, step.id);
    let end = match &step.what {
        What::Sleep(time) => {
            sleep(Duration::from_millis(*time)).await;
            End::Done
        }
        What::Yield => {
            task::yield_now().await;
            End::Done
        }
        What::Fail => End::Failed(step.id),
        What::Panic => resume_unwind(Box::new(format!("planned {}", step.id))),
        What::Spawn(block) => {
            let handle = bibelot::spawn(run_block(world, step.id, block));
            world.tasks.borrow_mut().insert(step.id, handle);
            End::Done
        }
        What::SpawnIn(group, block) => world.spawn_in(*group, step.id, block),
        What::Join(id) => world.join(*id).await,
        What::JoinMember(id) => world.join_member(*id).await,
        What::Cancel(id) => world.cancel(*id),
        What::CancelWithin(id, time) => world.cancel_within(*id, *time),
        What::Cancelled(time) => {
            let noticed = timeout(Duration::from_millis(*time), task::cancelled()).await;
            noticed.map_or(End::Elapsed, |()| End::Done)
        }
        What::Detach(id) => world.detach(*id),
        What::CancelScope(id) => match world.scopes.borrow().get(id) {
            Some(scope) => {
                scope.cancel();
                End::Done
            }
            None => End::Absent,
        },
        What::MoveScope(id, time) => match world.scopes.borrow().get(id) {
            Some(scope) => {
                scope.set_deadline(Instant::now() + Duration::from_millis(*time));
                End::Done
            }
            None => End::Absent,
        },
        What::CancelAll(id) => match world.groups.borrow().get(id) {
            Some(group) => {
                group.cancel_all();
                End::Done
            }
            None => End::Absent,
        },
        What::Group(body, how) => run_group(world, task, step.id, body, *how).await,
        _ => run_nested(world, task, step).await,
    };
    let error = match end {
        End::Failed(error) => Err(error),
        _ => Ok(()),
    };
    watch.end(end);
    error
}

/// A step with blocks of the same task in it.
async fn run_nested(world: &Rc<World>, task: Id, step: &Step) -> End {
    let run = |block| run_block(world, task, block);
    let ended = match &step.what {
        What::Shield(block) => Some(task::shield(run(block)).await),
        What::Finally(body, cleanup) => {
            let cleanup = run_cleanup(Rc::clone(world), task, cleanup.clone());
            Some(task::finally(run(body), cleanup).await)
        }
        What::Bracket(body, release) => {
            let resource = (Rc::clone(world), release.clone());
            let body = async |_: &mut (Rc<World>, Block)| run(body).await;
            let release = async move |(world, release)| run_cleanup(world, task, release).await;
            Some(task::bracket(resource, body, release).await)
        }
        What::Timeout(time, block) => {
            let ended = timeout(Duration::from_millis(*time), run(block)).await;
            ended.ok()
        }
        What::Scope(block) => {
            let scope = CancelScope::new();
            world.scopes.borrow_mut().insert(step.id, scope.clone());
            scope.run(run(block)).await
        }
        What::Race(a, b) => Some(task::race(run(a), run(b)).await),
        What::Both(a, b) => {
            let (a, b) = task::join(run(a), run(b)).await;
            Some(a.and(b))
        }
        _ => unreachable!("it has no blocks of this task"),
    };
    match ended {
        Some(Ok(_)) => End::Done,
        Some(Err(error)) => End::Failed(error),
        None => End::Elapsed,
    }
}

/// A group.
async fn run_group(world: &Rc<World>, task: Id, id: Id, body: &Block, how: How) -> End {
    /// Drops the group after its body.
    struct Owner<'w>(&'w World, Id);
    impl Drop for Owner<'_> {
        fn drop(&mut self) {
            self.0.drop_group(self.1);
        }
    }
    let group = TaskGroup::new();
    world.spawners.borrow_mut().insert(id, group.spawner());
    world.groups.borrow_mut().insert(id, group);
    let owner = Owner(world, id);
    if let Err(error) = run_block(world, task, body).await {
        return End::Failed(error);
    }
    let group = world.groups.borrow_mut().remove(&id);
    let mut group = group.expect("the owner alone takes it");
    drop(owner);
    let say = |next: Option<Result<Id, Failure<Id>>>| {
        let fate = match next {
            Some(Ok(value)) => Fate::Value(value),
            Some(Err(error)) => failure(&error),
            None => return false,
        };
        world.say(task, Event::Next(id, fate));
        true
    };
    let one = |ended: Result<Id, GroupError<Id>>| group_end(ended.map(|value| vec![value]));
    match how {
        How::Join => group_end(group.join().await),
        How::NextAll => {
            while say(group.next().await) {}
            End::Done
        }
        How::NextOnce => {
            say(group.next().await);
            End::Done
        }
        How::NextWithin(time) => {
            if let Ok(next) = timeout(Duration::from_millis(time), group.next()).await {
                say(next);
            }
            group_end(group.join().await)
        }
        How::Any => one(group.join_any().await),
        How::FirstOk => one(group.join_first_ok().await),
        How::Drop => End::Done,
    }
}

/// Runs a program; with a seed, whoever is ready may be next.
pub(crate) fn run(program: &Block, shuffle: Option<u64>) -> Vec<Entry> {
    let world = Rc::new(World::default());
    let reported = Rc::clone(&world);
    let builder = Executor::builder()
        .grace(Duration::from_millis(GRACE))
        .on_report(move |report| {
            let event = match report {
                Report::Panicked(panicked) => Event::Reported(culprit(panicked.message())),
                Report::Abandoned(_) => Event::Abandoned,
                other => panic!("an unplanned report: {other}"),
            };
            reported.say(NOBODY, event);
        });
    let mut sim = Sim::from_builder(builder);
    if let Some(seed) = shuffle {
        sim = sim.seed(seed);
    }
    let main = {
        let world = Rc::clone(&world);
        async move {
            *world.start.borrow_mut() = Some(Instant::now());
            run_block(&world, 0, program).await
        }
    };
    let _outcome = sim.run(main);
    world.take_left();
    world.trace.take()
}
