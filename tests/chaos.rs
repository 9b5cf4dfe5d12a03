//! Chaos: random programs of everything that cancels, owes, panics and moves, under random orders.
//! Whatever happens, each cleanup that came to be owed is begun once and ended once, before anybody is
//! told that its task has ended, and nothing is left alive.

mod support;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::Poll;
use std::thread;

use bibelot::task::{
    CancelScope, JoinHandle, Local, Member, TaskGroup, bracket, cancelled, finally, join, race,
    scope, shield, try_scope, yield_now,
};
use bibelot::testing::Sim;
use bibelot::time::{Duration, Instant, sleep, timeout};
use bibelot::{Executor, spawn};

use support::{on_drop, poll_once};

/// Longer than anything takes that does not wait for itself.
const LONG: Duration = Duration::from_millis(50);

/// A future in a box.
type Boxed = Pin<Box<dyn Future<Output = ()>>>;
/// A value whose destructor does something.
type Value = Box<dyn Any>;
/// A group whose values and failures are such values.
type Group = TaskGroup<Value, Value>;

/// Set in cleanups, and in what these spawn.
static IS_CLEANUP: Local<()> = Local::new();
/// What the task owes in whose name this is polled, as long as nothing moves between tasks.
static OWED: Local<Rc<Cell<i64>>> = Local::new();

/// What all parts of one program share.
#[derive(Clone)]
struct World(Rc<State>);

/// What they share.
struct State {
    /// Random numbers: xorshift.
    seed: Cell<u64>,
    /// How many cleanups are owed and not ended.
    owed: Cell<i64>,
    /// How many came to be owed.
    total: Cell<u64>,
    /// How many values are alive.
    alive: Cell<i64>,
    /// Tasks that anybody may cancel.
    handles: RefCell<Vec<JoinHandle<()>>>,
    /// Scopes that anybody may cancel.
    scopes: RefCell<Vec<CancelScope>>,
    /// Groups that anybody may cancel, as long as nobody joins them.
    groups: RefCell<Vec<Weak<Group>>>,
    /// Members that anybody may cancel.
    members: RefCell<Vec<Member<Value, Value>>>,
    /// Futures that were begun by one task and go on in another.
    orphans: RefCell<Vec<Boxed>>,
    /// What happened and must not.
    wrong: RefCell<Vec<&'static str>>,
    /// What may happen.
    mode: Mode,
}

/// What may happen.
#[derive(Clone, Copy)]
struct Mode {
    /// Anything may panic.
    has_panics: bool,
    /// Futures may move between tasks.
    has_orphans: bool,
    /// The executor ends in the midst of it.
    is_shut_down: bool,
}

impl World {
    fn new(seed: u64, mode: Mode) -> Self {
        Self(Rc::new(State {
            seed: Cell::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            owed: Cell::new(0),
            total: Cell::new(0),
            alive: Cell::new(0),
            handles: RefCell::default(),
            scopes: RefCell::default(),
            groups: RefCell::default(),
            members: RefCell::default(),
            orphans: RefCell::default(),
            wrong: RefCell::default(),
            mode,
        }))
    }

    /// A number below another.
    fn below(&self, end: u64) -> u64 {
        let mut seed = self.0.seed.get();
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        self.0.seed.set(seed);
        seed % end
    }

    /// A short time.
    fn short(&self) -> Duration {
        Duration::from_millis(self.below(4))
    }

    /// Takes any of them.
    fn any<T>(&self, from: &RefCell<Vec<T>>) -> Option<T> {
        let mut from = from.borrow_mut();
        let len = from.len() as u64;
        (len > 0).then(|| from.swap_remove(self.below(len) as usize))
    }

    /// Takes any future that was left to others. Cleanups take none: two that take who waits for the
    /// other one would wait for each other, until the grace is over.
    fn any_orphan(&self) -> Option<Boxed> {
        match IS_CLEANUP.get() {
            None => self.any(&self.0.orphans),
            Some(()) => None,
        }
    }

    /// Panics without a line on standard error, seldom, and not while something panics already.
    fn maybe_panic(&self) {
        if self.0.mode.has_panics && !thread::panicking() && self.below(12) == 0 {
            resume_unwind(Box::new("chaos"));
        }
    }

    /// Cancels somebody, somehow.
    fn cancel_any(&self) {
        match self.below(9) {
            0 => drop(self.any(&self.0.handles)),
            1 | 2 => {
                if let Some(handle) = self.any(&self.0.handles) {
                    handle.cancel();
                    self.0.handles.borrow_mut().push(handle);
                }
            }
            3 => {
                if let Some(handle) = self.any(&self.0.handles) {
                    handle.cancel_within(self.short());
                }
            }
            4 => {
                if let Some(scope) = self.any(&self.0.scopes) {
                    scope.cancel_because("chaos");
                }
            }
            5 => {
                if let Some(scope) = self.any(&self.0.scopes) {
                    scope.set_deadline(Instant::now() + self.short());
                    self.0.scopes.borrow_mut().push(scope);
                }
            }
            6 | 7 => {
                if let Some(group) = self.any(&self.0.groups).and_then(|group| group.upgrade()) {
                    group.cancel_all();
                }
            }
            _ => {
                if let Some(member) = self.any(&self.0.members) {
                    member.cancel();
                }
            }
        }
    }

    /// A value whose destructor is counted, and does something.
    fn value(&self) -> Value {
        self.0.alive.set(self.0.alive.get() + 1);
        let world = self.clone();
        Box::new(on_drop(move || {
            world.0.alive.set(world.0.alive.get() - 1);
            match world.below(8) {
                0 => world.cancel_any(),
                1 => drop(world.any_orphan()),
                2 => world.maybe_panic(),
                _ => {}
            }
        }))
    }

    /// Comes to a value or, less often, to a failure, when `inside` has ended.
    fn result(&self, inside: Boxed) -> impl Future<Output = Result<Value, Value>> + use<> {
        let world = self.clone();
        async move {
            inside.await;
            let value = world.value();
            match world.below(3) {
                0 => Err(value),
                _ => Ok(value),
            }
        }
    }

    /// A group of some, joined in one way or another, or dropped.
    fn group(&self, inside: [Boxed; 3]) -> Boxed {
        let world = self.clone();
        Box::pin(async move {
            let group = Rc::new(Group::new());
            for inside in inside {
                match world.below(6) {
                    0 => group.spawn_daemon(inside),
                    1 => {
                        let spawner = group.spawner();
                        let inside = world.result(inside);
                        group.spawn(async move {
                            yield_now().await;
                            drop(spawner.spawn(inside));
                            pending().await
                        });
                    }
                    2 => {
                        let member = group.spawn(world.result(inside));
                        world.0.members.borrow_mut().push(member);
                    }
                    _ => drop(group.spawn(world.result(inside))),
                }
            }
            if world.below(2) == 0 {
                world.0.groups.borrow_mut().push(Rc::downgrade(&group));
                sleep(world.short()).await;
            }
            let mut group = Rc::into_inner(group).expect("others have it for a moment only");
            let limit = world.short();
            match world.below(6) {
                0 => drop(group),
                1 => drop(timeout(LONG, group.join_any()).await),
                2 => drop(timeout(LONG, group.join_first_ok()).await),
                3 => while let Ok(Some(_)) = timeout(limit, group.next()).await {},
                4 => drop(timeout(limit, group.join()).await),
                _ => drop(timeout(LONG, group.join()).await),
            }
        })
    }

    /// A scope with some children and a body.
    fn scope(&self, [a, b, body]: [Boxed; 3]) -> Boxed {
        let world = self.clone();
        Box::pin(scope(async move |s| {
            let first = s.spawn(a);
            if world.below(2) == 0 {
                drop(s.spawn(b));
            } else {
                drop(s.spawn(async {
                    yield_now().await;
                    drop(s.spawn(b));
                }));
            }
            body.await;
            match world.below(6) {
                0 => first.cancel(),
                1 => s.cancel(),
                2 => drop(first.await),
                3 => drop(timeout(world.short(), first).await),
                _ => {}
            }
        }))
    }

    /// A scope that ends with the first failure.
    fn try_scope(&self, [a, b, body]: [Boxed; 3]) -> Boxed {
        let world = self.clone();
        Box::pin(async move {
            let ended = try_scope(async |s| {
                let first = s.spawn(world.result(a));
                drop(s.spawn(world.result(b)));
                match world.below(6) {
                    0 => {
                        first.cancel();
                        drop(first);
                    }
                    1 => {
                        drop(first);
                        s.cancel();
                    }
                    2 => drop(first.await),
                    3 => drop(timeout(world.short(), first).await),
                    // Here and not at the end: a destructor that panics behind a value that is
                    // returned leaks that one, as the language has it.
                    _ => drop(first),
                }
                world.result(body).await
            });
            drop(ended.await);
        })
    }

    /// A cleanup that counts as owed from the first poll of its body on, which is to call `begin`.
    fn cleanup(&self, depth: u64) -> (impl FnOnce() + use<>, Boxed) {
        let (world, inside) = (self.clone(), self.tree(depth));
        let owner: Rc<Cell<Option<Rc<Cell<i64>>>>> = Rc::default();
        let place = Rc::clone(&owner);
        let count = move |world: &Self, owner: &Cell<i64>, by: i64| {
            world.0.owed.set(world.0.owed.get() + by);
            owner.set(owner.get() + by);
        };
        let cleanup = Box::pin(async move {
            let begun = owner.take();
            world.check(begun.is_some(), "begun twice, or before its body");
            let owner = begun.unwrap_or_default();
            let ends = world.clone();
            let _ended = on_drop(move || count(&ends, &owner, -1));
            IS_CLEANUP.scope((), inside).await;
        });
        let world = self.clone();
        let begin = move || {
            let owner = OWED.get().unwrap_or_default();
            count(&world, &owner, 1);
            world.0.total.set(world.0.total.get() + 1);
            place.set(Some(owner));
        };
        (begin, cleanup)
    }

    /// Starts a task, and one that waits for its end and looks whether all was paid then.
    fn start(&self, inside: Boxed) -> JoinHandle<()> {
        let owed: Rc<Cell<i64>> = Rc::default();
        let task = spawn(OWED.scope(Rc::clone(&owed), inside));
        let world = self.clone();
        if self.0.mode.has_orphans || self.below(2) == 0 {
            return task;
        }
        spawn(async move {
            if world.below(2) == 0 {
                sleep(world.short()).await;
                task.cancel();
            }
            drop(task.await);
            world.check(owed.get() == 0, "not paid at the end of its task");
        })
    }

    /// Notes what must not be.
    fn check(&self, is_good: bool, text: &'static str) {
        if !is_good {
            self.0.wrong.borrow_mut().push(text);
        }
    }

    /// A random program that comes to its end.
    #[expect(clippy::too_many_lines, reason = "a list")]
    fn tree(&self, depth: u64) -> Boxed {
        let world = self.clone();
        let value = self.value();
        let kinds = if depth == 0 { 5 } else { 23 };
        let inside = |world: &Self| world.tree(depth - 1);
        let three = |world: &Self| [(); 3].map(|()| world.tree(depth - 1));
        let tree: Boxed = match self.below(kinds) {
            0 => Box::pin(sleep(self.short())),
            1 => Box::pin(yield_now()),
            2 => {
                let short = self.short();
                Box::pin(async move {
                    let _ = timeout(short, pending::<()>()).await;
                })
            }
            3 => Box::pin(async move { world.cancel_any() }),
            4 => Box::pin(async move { world.maybe_panic() }),
            5 | 6 => {
                let (short, inside) = (self.short(), inside(self));
                Box::pin(async move {
                    let _ = timeout(short, inside).await;
                })
            }
            7 => Box::pin(race(inside(self), inside(self))),
            8 => {
                let both = join(inside(self), inside(self));
                Box::pin(async move {
                    let _ = both.await;
                })
            }
            9..=11 => {
                let (begin, cleanup) = self.cleanup(depth - 1);
                let inside = inside(self);
                let body = async move {
                    begin();
                    inside.await;
                };
                Box::pin(finally(body, cleanup))
            }
            12 => {
                let (begin, cleanup) = self.cleanup(depth - 1);
                Box::pin(shield(async move {
                    begin();
                    cleanup.await;
                }))
            }
            13 => {
                let (begin, cleanup) = self.cleanup(depth - 1);
                let inside = inside(self);
                let body = async move |_: &mut Boxed| {
                    begin();
                    inside.await;
                };
                Box::pin(bracket(cleanup, body, async |cleanup| cleanup.await))
            }
            14 => {
                let scope = CancelScope::new();
                let scope = match self.below(2) {
                    0 => scope.deadline(Instant::now() + self.short()),
                    _ => scope,
                };
                self.0.scopes.borrow_mut().push(scope.clone());
                let inside = inside(self);
                Box::pin(async move {
                    let _ = scope.run(inside).await;
                })
            }
            15 | 16 => {
                let (inside, fate) = (inside(self), self.below(4));
                Box::pin(async move {
                    // Where futures move, a task may come to wait for itself: so not for ever.
                    let handle = world.start(inside);
                    match fate {
                        0 => drop(timeout(LONG, handle).await),
                        1 => world.0.handles.borrow_mut().push(handle),
                        2 => {
                            yield_now().await;
                            handle.cancel();
                            drop(timeout(LONG, handle).await);
                        }
                        _ => {
                            handle.cancel_within(world.short());
                            drop(timeout(LONG, handle).await);
                        }
                    }
                })
            }
            17 => {
                // A select that is not ours.
                let (mut a, mut b) = (inside(self), inside(self));
                Box::pin(async move {
                    poll_fn(|cx| match a.as_mut().poll(cx) {
                        Poll::Pending => b.as_mut().poll(cx),
                        ready => ready,
                    })
                    .await;
                    drop((b, a));
                })
            }
            // A group that moves may come to be dropped by who is waited for by one of its members.
            18 | 19 if !self.0.mode.has_orphans => self.group(three(self)),
            18..=20 => self.scope(three(self)),
            21 => self.try_scope(three(self)),
            _ => {
                // One that begins here and ends elsewhere.
                let mut inside = inside(self);
                Box::pin(async move {
                    if world.0.mode.has_orphans && poll_once(&mut inside).is_pending() {
                        world.0.orphans.borrow_mut().push(inside);
                    }
                    yield_now().await;
                    let orphan = world.any_orphan();
                    if let Some(orphan) = orphan {
                        let _ = timeout(world.short(), orphan).await;
                    }
                })
            }
        };
        Box::pin(async move {
            let _value = value;
            if depth % 2 == 1 {
                tree.await;
            } else {
                // Some take notice of a polite cancel.
                race(tree, cancelled()).await;
            }
        })
    }

    /// Ends what is left, from inside.
    async fn end(&self) {
        loop {
            let handle = self.any(&self.0.handles);
            let orphan = self.any(&self.0.orphans);
            if handle.is_none() && orphan.is_none() {
                break;
            }
            // Their destructors may panic.
            drop(catch_unwind(AssertUnwindSafe(|| drop(orphan))));
            if let Some(handle) = handle {
                handle.cancel();
                drop(handle.await);
            }
        }
    }
}

/// One random program, to its end or to that of its executor. Returns how often something was owed.
fn program(seed: u64, mode: Mode) -> u64 {
    let world = World::new(seed, mode);
    let builder = Executor::builder()
        .on_report(|_| {})
        .grace(Duration::from_secs(1 << 20));
    let ran = catch_unwind(AssertUnwindSafe(|| {
        Sim::from_builder(builder).seed(seed).run(async {
            for _ in 0..4 {
                let handle = world.start(world.tree(5));
                world.0.handles.borrow_mut().push(handle);
            }
            sleep(Duration::from_millis(2)).await;
            if mode.is_shut_down {
                resume_unwind(Box::new("shutdown"));
            }
            world.end().await;
            // What ended last may have left something again.
            sleep(Duration::from_millis(100)).await;
            world.end().await;
        });
    }));
    assert_eq!(ran.is_err(), mode.is_shut_down, "seed {seed}");
    assert!(world.0.wrong.take().is_empty(), "seed {seed}");
    drop(world.0.handles.take());
    // They keep what their groups have come to.
    for member in world.0.members.take() {
        drop(catch_unwind(AssertUnwindSafe(|| drop(member))));
    }
    let orphans = world.0.orphans.take();
    if orphans.is_empty() {
        assert_eq!(world.0.owed.get(), 0, "seed {seed}: not paid");
        assert_eq!(world.0.alive.get(), 0, "seed {seed}: left behind");
    }
    // What is left outside of all executors cannot be paid any more.
    for orphan in orphans {
        drop(catch_unwind(AssertUnwindSafe(|| drop(orphan))));
    }
    world.0.total.get()
}

/// Many random programs.
fn programs(mode: Mode) {
    let total: u64 = (0..300).map(|seed| program(seed, mode)).sum();
    assert!(total > 300, "only {total} cleanups were owed");
}

#[test]
fn whatever_happens_all_is_paid() {
    for has_panics in [false, true] {
        programs(Mode {
            has_panics,
            has_orphans: false,
            is_shut_down: false,
        });
    }
}

#[test]
fn whatever_moves_between_tasks_is_paid() {
    for has_panics in [false, true] {
        programs(Mode {
            has_panics,
            has_orphans: true,
            is_shut_down: false,
        });
    }
}

#[test]
fn whatever_is_shut_down_is_paid() {
    for has_panics in [false, true] {
        programs(Mode {
            has_panics,
            has_orphans: has_panics,
            is_shut_down: true,
        });
    }
}
