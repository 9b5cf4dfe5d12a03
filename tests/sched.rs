//! Policies: who comes first, what a policy is told, and what happens if it does not keep its promise.

mod support;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use bibelot::sched::{
    EarliestDeadline, FairShare, Fifo, Lifo, Policy, Priority, ReadyTask, Reason, ShortestJob,
    Shuffle,
};
use bibelot::task::{Builder, TaskId, consume, finally, yield_now};
use bibelot::testing::{Sim, fairness};
use bibelot::time::{Duration, Instant, sleep};
use bibelot::{Executor, spawn};

use support::{Trace, panic_of, reporting_to, same_every_time};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn sim(policy: impl Policy + 'static) -> Sim {
    Sim::from_builder(Executor::builder().policy(policy))
}

/// A task's name, and what its builder is told.
type Named = (&'static str, fn(Builder) -> Builder);

/// What tasks of these names say, which do so twice and give way in between.
fn order(policy: impl Policy + 'static, tasks: &[Named]) -> Vec<String> {
    let trace = Trace::new();
    sim(policy).run(async {
        for (name, with) in tasks {
            let (trace, name) = (trace.clone(), name.to_string());
            let task = async move {
                trace.say(format!("{name}1"));
                yield_now().await;
                trace.say(format!("{name}2"));
            };
            drop(with(Builder::new()).spawn(task));
        }
    });
    trace.take()
}

fn usual(builder: Builder) -> Builder {
    builder
}

#[test]
fn first_come_first_served() {
    same_every_time(first_come_first_served);
    let tasks: [Named; 3] = [("a", usual), ("b", usual), ("c", usual)];
    let expected = ["a1", "b1", "c1", "a2", "b2", "c2"];
    assert_eq!(order(Fifo::default(), &tasks), expected);
    assert_eq!(
        order(Box::new(Fifo::default()), &tasks),
        expected,
        "as a policy like any other"
    );
}

#[test]
fn last_come_first_served() {
    same_every_time(last_come_first_served);
    let tasks: [Named; 3] = [("a", usual), ("b", usual), ("c", usual)];
    assert_eq!(
        order(Lifo::default(), &tasks),
        ["c1", "c2", "b1", "b2", "a1", "a2"]
    );
}

#[test]
fn the_highest_priority_comes_first_and_equals_in_order() {
    same_every_time(the_highest_priority_comes_first_and_equals_in_order);
    let tasks: [Named; 4] = [
        ("low", |builder| builder.priority(-1)),
        ("a", usual),
        ("b", usual),
        ("high", |builder| builder.priority(5)),
    ];
    let expected = ["high1", "high2", "a1", "b1", "a2", "b2", "low1", "low2"];
    assert_eq!(order(Priority::new(), &tasks), expected);
    assert_eq!(order(Priority::aging(u64::MAX), &tasks), expected);
    // Where nothing is to be gained by a priority, only the order counts.
    let flat = ["low1", "a1", "b1", "high1", "low2", "a2", "b2", "high2"];
    assert_eq!(order(Priority::aging(0), &tasks), flat);
}

#[test]
fn who_waits_long_enough_comes_before_a_higher_priority() {
    same_every_time(who_waits_long_enough_comes_before_a_higher_priority);
    let polls = Rc::new(Cell::new(0_u64));
    let waited = sim(Priority::aging(10)).run(async {
        let counted = Rc::clone(&polls);
        let flood = Builder::new().priority(3).spawn(async move {
            loop {
                counted.set(counted.get() + 1);
                yield_now().await;
            }
        });
        let waited = spawn(async move { polls.get() }).await.unwrap();
        flood.cancel();
        waited
    });
    // Three levels of ten arrivals each.
    assert_eq!(waited, 30);
}

#[test]
fn the_earliest_deadline_comes_first_and_none_is_the_last() {
    same_every_time(the_earliest_deadline_comes_first_and_none_is_the_last);
    let tasks: [Named; 3] = [
        ("none", usual),
        ("late", |builder| builder.deadline(Instant::now() + ms(20))),
        ("soon", |builder| builder.deadline(Instant::now() + ms(10))),
    ];
    let expected = ["soon1", "soon2", "late1", "late2", "none1", "none2"];
    assert_eq!(order(EarliestDeadline::default(), &tasks), expected);
}

/// How often tasks of these weights and costs are polled in a second of work.
fn shares(policy: impl Policy + 'static, tasks: &'static [(u32, u64)]) -> Vec<u64> {
    let polls = Rc::new(RefCell::new(vec![0; tasks.len()]));
    sim(policy).run(async {
        let end = Instant::now() + Duration::from_secs(1);
        for (nth, &(weight, cost)) in tasks.iter().enumerate() {
            let polls = Rc::clone(&polls);
            drop(Builder::new().weight(weight).spawn(async move {
                while Instant::now() < end {
                    consume(ms(cost));
                    polls.borrow_mut()[nth] += 1;
                    yield_now().await;
                }
            }));
        }
    });
    polls.take()
}

#[test]
fn shares_are_in_proportion_to_weights_whatever_a_poll_costs() {
    same_every_time(shares_are_in_proportion_to_weights_whatever_a_poll_costs);
    // 1, 2 and 7 of ten parts of 1000 ms, in polls of 1, 1 and 5 ms: the last poll of each may be
    // one too many.
    let polls = shares(FairShare::new(), &[(1, 1), (2, 1), (7, 5)]);
    let close = |polls: u64, expected: u64| polls.abs_diff(expected) <= 5;
    assert!(
        close(polls[0], 100) && close(polls[1], 200) && close(polls[2], 140),
        "{polls:?}"
    );
    // Without weights each has as much time; first in, first out each has as many polls.
    let polls = shares(FairShare::new(), &[(1, 1), (1, 4)]);
    assert!(close(polls[0], 500) && close(polls[1], 125), "{polls:?}");
    assert_eq!(shares(Fifo::default(), &[(1, 1), (1, 4)]), [200, 200]);
}

#[test]
fn nobody_saves_up_a_share_by_sleeping() {
    same_every_time(nobody_saves_up_a_share_by_sleeping);
    let trace = Trace::new();
    sim(FairShare::new()).run(async {
        let end = Instant::now() + ms(200);
        for (name, begins) in [("early", 0), ("late", 100)] {
            let trace = trace.clone();
            drop(Builder::new().name(name).spawn(async move {
                sleep(ms(begins)).await;
                while Instant::now() < end {
                    consume(ms(10));
                    trace.say(name);
                    yield_now().await;
                }
            }));
        }
    });
    let said = trace.take();
    let (before, after) = said.split_at(10);
    assert_eq!(
        before.iter().filter(|name| *name == "late").count(),
        0,
        "{said:?}"
    );
    let late = after.iter().filter(|name| *name == "late").count();
    assert!((4..=6).contains(&late), "half of the rest: {said:?}");
}

#[test]
fn those_who_never_come_back_starve_nobody_of_its_share() {
    same_every_time(those_who_never_come_back_starve_nobody_of_its_share);
    /// A task that ends, and has spawned the next one.
    fn link(left: Rc<Cell<u32>>) {
        consume(ms(1));
        left.set(left.get().saturating_sub(1));
        if left.get() > 0 {
            drop(spawn(async move { link(left) }));
        }
    }
    let left = Rc::new(Cell::new(1_000));
    sim(FairShare::new()).run(async {
        let chain = Rc::clone(&left);
        drop(spawn(async move { link(chain) }));
        for _ in 0..100 {
            yield_now().await;
        }
        assert!(left.get() > 850, "{} are left", left.get());
        left.set(0);
    });
}

#[test]
fn the_task_with_the_shortest_polls_comes_first() {
    same_every_time(the_task_with_the_shortest_polls_comes_first);
    let trace = Trace::new();
    sim(ShortestJob::default()).run(async {
        for (name, cost) in [("long", 9), ("short", 1)] {
            let trace = trace.clone();
            drop(spawn(async move {
                for _ in 0..3 {
                    consume(ms(cost));
                    trace.say(name);
                    yield_now().await;
                }
            }));
        }
    });
    // Of nobody anything is known before the first poll.
    assert_eq!(
        trace.take(),
        ["long", "short", "short", "short", "long", "long"]
    );
}

#[test]
fn a_shuffle_reaches_every_order_and_repeats_each() {
    same_every_time(a_shuffle_reaches_every_order_and_repeats_each);
    let tasks: [Named; 3] = [("a", usual), ("b", usual), ("c", usual)];
    let mut firsts = std::collections::BTreeSet::new();
    for seed in 0..100 {
        let said = order(Shuffle::new(seed), &tasks);
        assert_eq!(said, order(Shuffle::new(seed), &tasks));
        let firsts_of: String = said
            .iter()
            .filter(|line| line.ends_with('1'))
            .map(|l| &l[..1])
            .collect();
        firsts.insert(firsts_of);
    }
    assert_eq!(firsts.len(), 6, "{firsts:?}");
}

/// First in, first out, and remembers what it was told.
#[derive(Default)]
struct Curious {
    queue: Fifo,
    told: Rc<RefCell<Vec<String>>>,
}

impl Policy for Curious {
    fn push(&mut self, task: ReadyTask) {
        let who = task.name().unwrap_or("main");
        let text = format!(
            "{who}: {:?} at {:?}, {} polls, {:?}",
            task.reason(),
            task.since(),
            task.polls(),
            task.ran()
        );
        self.told.borrow_mut().push(text);
        self.queue.push(task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        self.queue.pop()
    }
}

#[test]
fn a_policy_is_told_why_and_when_a_task_is_ready_and_what_it_has_taken() {
    same_every_time(a_policy_is_told_why_and_when_a_task_is_ready_and_what_it_has_taken);
    let policy = Curious::default();
    let told = Rc::clone(&policy.told);
    let start = Rc::new(Cell::new(None));
    let started = Rc::clone(&start);
    sim(policy).run(async move {
        started.set(Some(Instant::now()));
        let task = Builder::new().name("worker").spawn(async {
            consume(ms(3));
            yield_now().await;
            consume(ms(4));
            sleep(ms(10)).await;
        });
        task.await.unwrap();
    });
    let start: Instant = start.get().unwrap();
    let at = |after: u64| start + ms(after);
    let expected = [
        format!("main: Spawned at {:?}, 0 polls, 0ns", at(0)),
        format!("worker: Spawned at {:?}, 0 polls, 0ns", at(0)),
        format!("worker: Itself at {:?}, 1 polls, 3ms", at(3)),
        format!("worker: Outside at {:?}, 2 polls, 7ms", at(17)),
        format!(
            "main: {:?} at {:?}, 1 polls, 0ns",
            Reason::Task(worker_id()),
            at(17)
        ),
    ];
    assert_eq!(*told.borrow(), expected);
}

/// The number of the first task after the main one.
fn worker_id() -> TaskId {
    bibelot::run(async { spawn(async {}).task().id() })
}

/// Keeps all tasks for itself.
struct Greedy(Vec<ReadyTask>);

impl Policy for Greedy {
    fn push(&mut self, task: ReadyTask) {
        self.0.push(task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        None
    }
}

#[test]
fn a_policy_that_gives_no_task_is_told_so_in_a_panic() {
    same_every_time(a_policy_that_gives_no_task_is_told_so_in_a_panic);
    let boxed: Box<dyn Policy> = Box::new(Greedy(Vec::new()));
    for sim in [sim(Greedy(Vec::new())), sim(boxed)] {
        let text = panic_of(|| sim.run(async {}));
        assert!(
            text.starts_with("the policy sched::Greedy keeps 1 ready tasks and gives none"),
            "{text}"
        );
    }
}

/// First in, first out, until it panics at its `n`th task.
struct Bad(Fifo, u32);

impl Policy for Bad {
    fn push(&mut self, task: ReadyTask) {
        self.0.push(task);
        self.1 -= 1;
        assert!(self.1 > 0, "bad policy");
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        self.0.pop()
    }
}

#[test]
fn a_policy_that_panics_takes_down_the_run_and_loses_no_destructor() {
    same_every_time(a_policy_that_panics_takes_down_the_run_and_loses_no_destructor);
    let trace = Trace::new();
    let text = panic_of(|| {
        sim(Bad(Fifo::default(), 4)).run(async {
            for name in ["a", "b", "c"] {
                let dropped = trace.on_drop(name);
                drop(spawn(async move {
                    yield_now().await;
                    drop(dropped);
                }));
            }
            yield_now().await;
        });
    });
    assert!(text.contains("bad policy"), "{text}");
    let mut dropped = trace.take();
    dropped.sort();
    assert_eq!(dropped, ["a", "b", "c"]);
}

/// A policy that does something when it is dropped.
struct Last<F: Fn()>(Fifo, F);

impl<F: Fn()> Policy for Last<F> {
    fn push(&mut self, task: ReadyTask) {
        self.0.push(task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        self.0.pop()
    }
}

impl<F: Fn()> Drop for Last<F> {
    fn drop(&mut self) {
        self.1();
    }
}

#[test]
fn the_destructor_of_a_policy_may_wake_spawn_and_panic() {
    same_every_time(the_destructor_of_a_policy_may_wake_spawn_and_panic);
    let trace = Trace::new();
    let kept = Rc::new(RefCell::new(None));
    let waker = Rc::clone(&kept);
    let spawning = trace.clone();
    let policy = Last(Fifo::default(), move || {
        Waker::wake(waker.take().expect("main has left it"));
        let dropped = spawning.on_drop("spawned");
        drop(spawn(async move { drop(dropped) }));
        panic!("at its end");
    });
    Sim::from_builder(reporting_to(&trace).policy(policy)).run(poll_fn(|cx| {
        kept.replace(Some(cx.waker().clone()));
        Poll::Ready(())
    }));
    let said = trace.take();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].contains("Last<") && said[0].contains("panicked"),
        "{said:?}"
    );
    assert_eq!(said[1], "spawned");
}

/// A policy that spawns and wakes when it is told of a task.
struct Meddler(Fifo, bool, Trace);

impl Policy for Meddler {
    fn push(&mut self, task: ReadyTask) {
        if !std::mem::replace(&mut self.1, true) {
            let trace = self.2.clone();
            drop(spawn(async move { trace.say("spawned by the policy") }));
        }
        self.0.push(task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        self.0.pop()
    }
}

#[test]
fn a_policy_may_spawn() {
    same_every_time(a_policy_may_spawn);
    let trace = Trace::new();
    sim(Meddler(Fifo::default(), false, trace.clone())).run(async { trace.say("main") });
    assert_eq!(trace.take(), ["main", "spawned by the policy"]);
}

/// Shares its tasks with another executor's, and gives the first one or the last.
struct Smuggler(Rc<RefCell<Vec<ReadyTask>>>, bool);

impl Policy for Smuggler {
    fn push(&mut self, task: ReadyTask) {
        self.0.borrow_mut().push(task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        let mut tasks = self.0.borrow_mut();
        let nth = if self.1 {
            0
        } else {
            tasks.len().checked_sub(1)?
        };
        Some(tasks.remove(nth))
    }
}

#[test]
fn a_task_of_another_executor_is_refused() {
    let shared = Rc::default();
    let executor = |is_first: bool| {
        let policy = Smuggler(Rc::clone(&shared), is_first);
        Executor::builder().policy(policy).build().unwrap()
    };
    let (last, first) = (executor(false), executor(true));
    last.run(async {
        drop(spawn(async {
            unreachable!("the main task is always the last")
        }));
        yield_now().await;
    });
    let text = panic_of(|| first.run(async {}));
    assert!(text.contains("a task of another executor"), "{text}");
}

/// First in, first out, but drops the task of this name.
struct Forgetful(Fifo, &'static str);

impl Policy for Forgetful {
    fn push(&mut self, task: ReadyTask) {
        if task.name() != Some(self.1) {
            self.0.push(task);
        }
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        self.0.pop()
    }
}

/// Tasks of these names that give way for ever, and owe a cleanup that waits.
fn owing(names: &[&'static str], trace: &Trace) {
    for &name in names {
        let (begun, ended) = (trace.clone(), trace.clone());
        let forever = async move {
            loop {
                begun.say(format!("{name} polled"));
                yield_now().await;
            }
        };
        let cleanup = async move {
            sleep(ms(1)).await;
            ended.say(format!("{name} cleaned up"));
        };
        drop(Builder::new().name(name).spawn(finally(forever, cleanup)));
    }
}

#[test]
fn a_policy_that_loses_a_task_is_told_at_once_with_both_names() {
    same_every_time(a_policy_that_loses_a_task_is_told_at_once_with_both_names);
    let trace = Trace::new();
    let text = panic_of(|| {
        sim(Forgetful(Fifo::default(), "b")).run(async {
            owing(&["a", "b", "c"], &trace);
            std::future::pending::<()>().await;
        });
    });
    let here = "(spawned at tests/sched.rs:";
    assert!(
        text.starts_with(&format!(
            "the policy sched::Forgetful has lost task \"b\" {here}"
        )),
        "{text}"
    );
    assert!(
        text.ends_with("must give each task that Policy::push() was given"),
        "{text}"
    );
    // None was polled after that, so none owes anything.
    assert!(trace.is_empty());
}

#[test]
fn what_tasks_owe_is_done_also_when_a_policy_has_broken_its_promise() {
    same_every_time(what_tasks_owe_is_done_also_when_a_policy_has_broken_its_promise);
    /// How a task is taken.
    type Pop = fn(&mut Fifo) -> Option<ReadyTask>;
    /// First in, first out, until there were so many; then it does wrong.
    struct Until(Fifo, u32, Pop);
    impl Policy for Until {
        fn push(&mut self, task: ReadyTask) {
            self.0.push(task);
        }
        fn pop(&mut self) -> Option<ReadyTask> {
            self.1 -= 1;
            match self.1 {
                0 => (self.2)(&mut self.0),
                _ => self.0.pop(),
            }
        }
    }
    let wrongs: [(&str, Pop); 3] = [
        ("has lost task \"a\"", |queue| {
            drop(queue.pop());
            queue.pop()
        }),
        ("gives none, not even task \"a\"", |_| None),
        ("on purpose", |_| panic!("on purpose")),
    ];
    for (expected, wrong) in wrongs {
        let trace = Trace::new();
        let text = panic_of(|| {
            // Main, a, b, and at the fourth poll it does wrong.
            let policy = Until(Fifo::default(), 4, wrong);
            Sim::from_builder(reporting_to(&trace).policy(policy)).run(async {
                owing(&["a", "b"], &trace);
                std::future::pending::<()>().await;
            });
        });
        assert!(text.contains(expected), "{text}");
        let mut said = trace.take();
        assert_eq!(
            said.drain(..2).collect::<Vec<_>>(),
            ["a polled", "b polled"]
        );
        if expected == "on purpose" {
            let report = said.remove(0);
            assert!(
                report.starts_with("the policy ") && report.contains("Until panicked"),
                "{report}"
            );
        }
        said.sort();
        assert_eq!(said, ["a cleaned up", "b cleaned up"]);
    }
}

#[test]
fn a_task_that_is_dropped_behind_the_policys_back_is_missed_as_well() {
    same_every_time(a_task_that_is_dropped_behind_the_policys_back_is_missed_as_well);
    let shared: Rc<RefCell<Vec<ReadyTask>>> = Rc::default();
    let text = panic_of(|| {
        sim(Smuggler(Rc::clone(&shared), true)).run(async {
            drop(Builder::new().name("a").spawn(yield_now()));
            drop(Builder::new().name("b").spawn(async {}));
            let c = Builder::new().name("c").spawn(async move {
                // It is told of `a` again before the next poll.
                let b = shared.borrow_mut().pop();
                drop(b);
            });
            drop(c);
            yield_now().await;
        });
    });
    assert!(text.contains("has lost task "), "{text}");
}

#[test]
fn an_executor_whose_policy_was_found_out_goes_on_first_come_first_served() {
    let policy = Forgetful(Fifo::default(), "b");
    let executor = Executor::builder().policy(policy).build().unwrap();
    let trace = Trace::new();
    for name in ["a", "b", "c"] {
        let trace = trace.clone();
        drop(executor.spawn(async move {
            Builder::new()
                .name(name)
                .spawn(async move { trace.say(name) })
                .await
                .unwrap();
        }));
    }
    let text = panic_of(|| executor.run(sleep(ms(0))));
    assert!(text.contains("has lost task \"b\""), "{text}");
    executor.run(async {
        while executor.stats().tasks > 1 {
            yield_now().await;
        }
    });
    let mut said = trace.take();
    said.sort();
    assert_eq!(said, ["a", "b", "c"]);
}

#[test]
fn a_ready_task_of_an_executor_that_has_ended_is_refused_also_in_its_successor() {
    /// A task that is not polled any more, and was ready when its executor ended.
    fn stale() -> ReadyTask {
        let shared = Rc::default();
        let policy = Smuggler(Rc::clone(&shared), false);
        let executor = Executor::builder().policy(policy).build().unwrap();
        executor.run(async {
            drop(spawn(std::future::pending::<()>()));
            yield_now().await;
        });
        drop(executor);
        shared.take().remove(0)
    }
    // Numbers of executors come again after a while: then the task seems to be one of the new one's.
    for later in 0..1000 {
        let shared = Rc::new(RefCell::new(vec![stale()]));
        for _ in 0..later % 32 {
            drop(Executor::new().unwrap());
        }
        let policy = Smuggler(shared, true);
        let executor = Executor::builder().policy(policy).build().unwrap();
        let text = panic_of(|| executor.run(async {}));
        if text.contains("gives task 2, which is not ready") {
            return;
        }
        assert!(text.contains("a task of another executor"), "{text}");
    }
    unreachable!("no number came again");
}

#[test]
fn a_cancelled_task_that_is_ready_leaves_no_slot_behind() {
    for policy in [
        Box::new(Lifo::default()) as Box<dyn Policy>,
        Box::new(FairShare::new()),
    ] {
        let executor = Executor::builder().policy(policy).build().unwrap();
        executor.run(async {
            for _ in 0..100 {
                let task = spawn(std::future::pending::<()>());
                task.cancel();
                assert!(task.await.is_err());
            }
        });
        assert_eq!(executor.stats().tasks, 0);
    }
}

#[test]
fn a_million_polls_under_a_policy_need_no_more_room_than_its_tasks() {
    same_every_time(a_million_polls_under_a_policy_need_no_more_room_than_its_tasks);
    sim(FairShare::new()).run(async {
        for _ in 0..10_000 {
            spawn(yield_now()).await.unwrap();
        }
    });
}

#[test]
fn a_policy_that_starves_is_named_with_the_task() {
    fn verdict<P: Policy + 'static>(make: impl Fn() -> P) -> Option<(String, String)> {
        let starved = fairness(make).err()?;
        Some((starved.load().into(), starved.task().into()))
    }
    let starves = |load: &str, task: &str| Some((load.to_string(), task.to_string()));
    assert_eq!(verdict(Fifo::default), None);
    assert_eq!(verdict(|| Shuffle::new(42)), None);
    assert_eq!(verdict(FairShare::new), None);
    assert_eq!(verdict(Priority::new), None);
    assert_eq!(
        verdict(|| Priority::aging(u64::MAX)),
        starves("mixed", "slow")
    );
    assert_eq!(verdict(Lifo::default), starves("self-waker", "patient 0"));
    assert_eq!(verdict(EarliestDeadline::default), starves("mixed", "slow"));
    // The first poll of the one who begins the game is two rounds long.
    assert_eq!(verdict(ShortestJob::default), starves("mixed", "player 0"));
    let text = fairness(Lifo::default).unwrap_err().to_string();
    let expected = "bibelot::sched::order::Lifo starves task \"patient 0\" under the load \"self-waker\": \
                    ready, and passed over for 10001 polls";
    assert_eq!(text, expected);
    let boxed = || Box::new(Lifo::default()) as Box<dyn Policy>;
    assert_eq!(fairness(boxed).unwrap_err().to_string(), expected);
}

/// First come, first served, but for tasks of whom something holds: these come when there are no others.
struct Against {
    queue: Fifo,
    last: Fifo,
    is_against: fn(&ReadyTask) -> bool,
}

impl Against {
    fn those(is_against: fn(&ReadyTask) -> bool) -> Self {
        Self {
            queue: Fifo::default(),
            last: Fifo::default(),
            is_against,
        }
    }
}

impl Policy for Against {
    fn push(&mut self, task: ReadyTask) {
        match (self.is_against)(&task) {
            true => self.last.push(task),
            false => self.queue.push(task),
        }
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        self.queue.pop().or_else(|| self.last.pop())
    }
}

#[test]
fn a_policy_that_starves_whom_it_will_is_found_out_whoever_that_is() {
    let starved = |is_against| {
        let starved = fairness(|| Against::those(is_against)).unwrap_err();
        (starved.load().to_owned(), starved.task().to_owned())
    };
    let named = |load: &str, task: &str| (load.to_owned(), task.to_owned());
    // By what has woken them: another task, or a socket.
    let by_task = |task: &ReadyTask| matches!(task.reason(), Reason::Task(_));
    assert_eq!(starved(by_task), named("ping-pong", "player 0"));
    let from_outside = |task: &ReadyTask| task.reason() == Reason::Outside;
    let (load, task) = starved(from_outside);
    assert_eq!(load, "sockets");
    assert!(task.starts_with("socket "), "{task}");
    let not_by_themselves =
        |task: &ReadyTask| matches!(task.reason(), Reason::Task(_) | Reason::Outside);
    assert_eq!(starved(not_by_themselves), named("ping-pong", "player 0"));
    // By their names; who was spawned last is passed over by those as well who came before it.
    let is_player = |task: &ReadyTask| task.name().is_some_and(|name| name.starts_with("player"));
    assert_eq!(starved(is_player), named("ping-pong", "player 1"));
    let is_socket = |task: &ReadyTask| task.name().is_some_and(|name| name.starts_with("socket"));
    assert_eq!(starved(is_socket), named("sockets", "socket 7"));
    let is_one = |task: &ReadyTask| task.name() == Some("socket 5");
    assert_eq!(starved(is_one), named("sockets", "socket 5"));
    // To be against nobody is fair.
    assert_eq!(fairness(|| Against::those(|_| false)), Ok(()));
}

/// First in, first out; counts on the mark of each task, and notes what it is told.
struct Counting {
    queue: Fifo,
    is_timed: bool,
    /// The task, its mark, and how long it ran.
    told: Rc<RefCell<Vec<(TaskId, u128, Duration)>>>,
}

impl Policy for Counting {
    fn push(&mut self, task: ReadyTask) {
        let told = (task.id(), task.mark(), task.ran());
        self.told.borrow_mut().push(told);
        self.queue.push(task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        let mut task = self.queue.pop()?;
        task.set_mark(task.mark() + 1);
        Some(task)
    }

    fn is_timed(&self) -> bool {
        self.is_timed
    }
}

#[test]
fn a_policy_is_told_in_the_order_of_the_wakes_and_of_nobody_who_has_ended() {
    same_every_time(a_policy_is_told_in_the_order_of_the_wakes_and_of_nobody_who_has_ended);
    let told: Rc<RefCell<Vec<_>>> = Rc::default();
    let policy = Counting {
        queue: Fifo::default(),
        is_timed: false,
        told: Rc::clone(&told),
    };
    let ids = sim(policy).run(async move {
        let parked: Rc<RefCell<Option<Waker>>> = Rc::default();
        let left = Rc::clone(&parked);
        let other = spawn(poll_fn(move |cx| {
            left.replace(Some(cx.waker().clone()));
            Poll::<()>::Pending
        }));
        // Wakes itself and the other one, itself alone, the other one and itself, and itself in its last poll.
        let polls = Cell::new(0);
        let both = spawn(poll_fn(move |cx| {
            polls.set(polls.get() + 1);
            let wake_other = || parked.borrow().as_ref().map(Waker::wake_by_ref);
            match polls.get() {
                1 => {
                    cx.waker().wake_by_ref();
                    wake_other();
                }
                2 => cx.waker().wake_by_ref(),
                3 => {
                    wake_other();
                    cx.waker().wake_by_ref();
                }
                _ => {
                    cx.waker().wake_by_ref();
                    return Poll::Ready(());
                }
            }
            Poll::Pending
        }));
        let (other_id, both_id) = (other.task().id(), both.task().id());
        both.await.unwrap();
        other.cancel();
        [other_id, both_id]
    });
    let told = told.take().into_iter();
    let told: Vec<_> = told
        .filter_map(|(task, ..)| ids.iter().position(|id| *id == task))
        .collect();
    assert_eq!(told, [0, 1, 1, 0, 1, 0, 1, 0]);
}

/// The marks of two tasks, one after the other in the same slot, that work for 50 µs twice, and how long they
/// ran, as a policy is told.
fn told_of_two(is_timed: bool, is_virtual: bool) -> Vec<(u128, Duration)> {
    let told = Rc::default();
    let policy = Counting {
        queue: Fifo::default(),
        is_timed,
        told: Rc::clone(&told),
    };
    let builder = Executor::builder().policy(policy);
    let main = async {
        for _ in 0..2 {
            let task = spawn(async {
                consume(Duration::from_micros(50));
                yield_now().await;
                consume(Duration::from_micros(50));
            });
            task.await.unwrap();
        }
    };
    match is_virtual {
        true => Sim::from_builder(builder).run(main),
        false => builder.build().unwrap().run(main),
    }
    let told = told.take();
    let of_tasks = told.iter().filter(|(task, ..)| *task != told[0].0);
    of_tasks.map(|(_, mark, ran)| (*mark, *ran)).collect()
}

#[test]
fn a_mark_stays_with_its_task_and_with_no_other() {
    let told = told_of_two(true, true).into_iter();
    assert_eq!(told.map(|(mark, _)| mark).collect::<Vec<_>>(), [0, 1, 0, 1]);
}

#[test]
fn a_policy_that_does_not_go_by_time_is_told_no_times_but_on_a_virtual_clock() {
    let ran = |is_timed, is_virtual| -> Vec<Duration> {
        let told = told_of_two(is_timed, is_virtual).into_iter();
        told.map(|(_, ran)| ran).collect()
    };
    let exact = [0, 50, 0, 50].map(Duration::from_micros);
    assert_eq!(ran(true, true), exact);
    assert_eq!(ran(false, true), exact);
    let real = ran(true, false);
    assert!(real[1] >= exact[1] && real[3] >= exact[3], "{real:?}");
    assert_eq!(ran(false, false), [Duration::ZERO; 4]);
}

/// How long the processor has worked for this thread.
fn worked() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.try_into().expect("it goes up from zero")
}

#[test]
fn what_is_consumed_for_real_is_work_of_the_processor_and_what_is_simulated_is_none() {
    same_every_time(
        what_is_consumed_for_real_is_work_of_the_processor_and_what_is_simulated_is_none,
    );
    // Another thread may have the processor in between: then it has worked for less, and tries again.
    let burns = || {
        (0..100).any(|_| {
            let (before, start) = (worked(), Instant::now());
            consume(ms(1));
            assert!(start.elapsed() >= ms(1));
            worked() - before >= ms(1) * 9 / 10
        })
    };
    assert!(burns(), "without an executor");
    assert!(Executor::new().unwrap().run(async { burns() }));
    let before = worked();
    Sim::new().run(async { consume(Duration::from_secs(3600)) });
    assert!(worked() - before < Duration::from_secs(1));
}

/// Another policy, and whom it has given.
struct Noting<P>(P, Rc<RefCell<Vec<TaskId>>>);

impl<P: Policy> Policy for Noting<P> {
    fn push(&mut self, task: ReadyTask) {
        self.0.push(task);
    }

    fn pop(&mut self) -> Option<ReadyTask> {
        let task = self.0.pop()?;
        self.1.borrow_mut().push(task.id());
        Some(task)
    }

    fn is_timed(&self) -> bool {
        self.0.is_timed()
    }
}

/// Tasks that work and give way, one of which works for so long that a deadline passes meanwhile.
async fn works() {
    let sleeper = spawn(async {
        sleep(ms(20)).await;
        consume(Duration::from_micros(100));
    });
    let quick = [1, 2, 3].map(|nth| {
        Builder::new().priority(nth).spawn(async move {
            for _ in 0..4 {
                consume(Duration::from_micros(100) * nth.unsigned_abs());
                yield_now().await;
            }
        })
    });
    let long = spawn(async {
        yield_now().await;
        consume(ms(40));
        yield_now().await;
    });
    // A run for real does not wait for who is left.
    for task in quick.into_iter().chain([long, sleeper]) {
        task.await.unwrap();
    }
}

#[test]
fn a_workload_is_polled_in_the_same_order_simulated_and_for_real() {
    same_every_time(a_workload_is_polled_in_the_same_order_simulated_and_for_real);
    fn polls<P: Policy + 'static>(policy: P, is_virtual: bool) -> Vec<TaskId> {
        let noted = Rc::default();
        let builder = Executor::builder().policy(Noting(policy, Rc::clone(&noted)));
        match is_virtual {
            true => Sim::from_builder(builder).run(works()),
            false => builder.build().unwrap().run(works()),
        }
        noted.take()
    }
    let fifo = polls(Fifo::default(), true);
    assert_eq!(polls(Fifo::default(), false), fifo);
    let lifo = polls(Lifo::default(), true);
    assert_eq!(polls(Lifo::default(), false), lifo);
    let priority = polls(Priority::new(), true);
    assert_eq!(polls(Priority::new(), false), priority);
    assert!(fifo != lifo && lifo != priority && priority != fifo);
    // The sleeper's deadline has passed during the long work: it comes behind those who were ready then.
    let (sleeper, long) = (fifo[1], fifo[5]);
    let rest: Vec<_> = { fifo[6..].iter() }
        .filter(|task| [sleeper, long].contains(task))
        .collect();
    assert_eq!(rest, [&long, &long, &sleeper], "{fifo:?}");
}
