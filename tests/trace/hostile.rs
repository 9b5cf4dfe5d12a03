//! Observers that do what nobody should, at the worst moment.

use std::cell::Cell;
use std::collections::HashSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use bibelot::Executor;
use bibelot::sync::Event as Flag;
use bibelot::task::{self, TaskGroup};
use bibelot::testing::{Sim, settle};
use bibelot::time::{Duration, Instant, sleep, timeout};
use bibelot::trace::{Event, Finish, Reason, Recorder};

use crate::programs::{keeper, ms};
use crate::support::same_every_time;

#[test]
fn one_that_wakes_when_the_executor_would_sleep_is_no_deadlock_and_no_delay() {
    same_every_time(one_that_wakes_when_the_executor_would_sleep_is_no_deadlock_and_no_delay);
    let flag = Rc::new(Flag::new());
    let by_observer = flag.clone();
    let observer = move |_: Instant, event: &Event| {
        if let Event::Asleep { .. } = event {
            by_observer.set();
        }
    };
    let sim = Sim::from_builder(Executor::builder().observer(observer));
    sim.run(async {
        flag.wait().await;
        flag.clear();
        bibelot::spawn(sleep(Duration::from_secs(1)));
        let before = Instant::now();
        flag.wait().await;
        assert_eq!(before.elapsed(), Duration::ZERO);
    });
}

#[test]
fn one_that_spawns_at_the_end_of_the_last_poll_has_its_task_run_before_the_clock_jumps() {
    same_every_time(
        one_that_spawns_at_the_end_of_the_last_poll_has_its_task_run_before_the_clock_jumps,
    );
    let began = Rc::new(Cell::new(None));
    let at = began.clone();
    let mut first = true;
    let observer = move |_: Instant, event: &Event| {
        if let Event::Parked { .. } = event
            && std::mem::take(&mut first)
        {
            let at = at.clone();
            bibelot::spawn(async move { at.set(Some(Instant::now())) });
        }
    };
    Sim::from_builder(Executor::builder().observer(observer)).run(async {
        let start = Instant::now();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(began.get(), Some(start));
    });
}

#[test]
fn all_have_settled_only_when_those_have_whom_an_observer_wakes() {
    same_every_time(all_have_settled_only_when_those_have_whom_an_observer_wakes);
    let flag = Rc::new(Flag::new());
    let by_observer = flag.clone();
    let observer = move |_: Instant, event: &Event| {
        if let Event::Parked { task, .. } = event
            && task.get() == 2
        {
            by_observer.set();
        }
    };
    Sim::from_builder(Executor::builder().observer(observer)).run(async {
        let waits = bibelot::spawn(async move { flag.wait().await });
        settle().await;
        assert!(waits.is_finished());
    });
}

#[test]
fn who_is_woken_by_an_observer_is_woken_from_outside() {
    same_every_time(who_is_woken_by_an_observer_is_woken_from_outside);
    let flag = Rc::new(Flag::new());
    let by_observer = flag.clone();
    let (keep, told) = keeper();
    let observer = move |_: Instant, event: &Event| {
        if let Event::Parked { .. } = event {
            by_observer.set();
        }
    };
    let builder = Executor::builder().observer(keep).observer(observer);
    Sim::from_builder(builder).run(async {
        let other = bibelot::spawn(async { std::future::pending::<()>().await });
        flag.wait().await;
        task::yield_now().await;
        other.cancel();
    });
    let woken: Vec<_> = { told.take().into_iter() }
        .filter_map(|(_, event)| match event {
            Event::Woken { task, by } => Some((task.get(), by)),
            _ => None,
        })
        .collect();
    assert_eq!(woken[0], (1, Reason::Outside), "{woken:?}");
}

#[test]
fn a_main_task_whose_run_unwinds_has_its_end() {
    same_every_time(a_main_task_whose_run_unwinds_has_its_end);
    let recorder = Recorder::new(100);
    let sim = Sim::from_builder(Executor::builder().observer(recorder.clone()));
    let run = AssertUnwindSafe(|| sim.run(std::future::pending::<()>()));
    catch_unwind(run).expect_err("a deadlock");
    let recording = recorder.recording();
    let (_, how) = recording.tasks()[0].ended().expect("an end");
    assert_eq!(how, Finish::Cancelled);
}

/// A member or child that works, sleeps, gives way, has a cleanup to pay, a scope of its own, or panics.
async fn some_life(nth: u64) {
    let cleanup = async {
        sleep(ms(2)).await;
        task::yield_now().await;
    };
    let work = async move {
        task::consume(ms(nth % 3));
        sleep(ms(nth % 7)).await;
        task::yield_now().await;
        assert!(nth % 11 != 10, "on purpose");
        if nth % 4 == 1 {
            let short = task::scope(async |s| {
                s.spawn(sleep(ms(nth % 5)));
                s.spawn(async { task::yield_now().await });
                let endless = s.spawn(std::future::pending::<()>());
                sleep(ms(1)).await;
                endless.cancel();
            });
            let _late = timeout(ms(nth % 6), short).await;
        }
        if nth % 5 == 2 {
            std::future::pending::<()>().await;
        }
    };
    task::finally(work, cleanup).await;
}

/// Groups that end in each way, beside tasks that are cancelled, dropped and left behind.
async fn storm(seed: u64) {
    let group = TaskGroup::<(), io::Error>::new();
    for nth in 0..12 {
        group.spawn(async move {
            some_life(nth * 3 + seed).await;
            Ok(())
        });
    }
    let _late = timeout(ms(4 + seed % 9), group.join()).await;
    let tasks: Vec<_> = (0..12)
        .map(|nth| bibelot::spawn(some_life(nth + seed)))
        .collect();
    sleep(ms(seed % 5)).await;
    tasks.iter().step_by(2).for_each(|task| task.cancel());
    for task in tasks.into_iter().step_by(3) {
        let _how = timeout(ms(9), task).await;
    }
}

#[test]
fn in_any_storm_each_life_is_told_once_and_each_poll_has_its_end() {
    same_every_time(in_any_storm_each_life_is_told_once_and_each_poll_has_its_end);
    for seed in 0..40 {
        let (keep, told) = keeper();
        let builder = Executor::builder().on_report(|_| ()).observer(keep);
        let sim = Sim::from_builder(builder).seed(seed);
        // What is left waits for ever, which a simulation says: then all are dropped.
        let run = AssertUnwindSafe(|| sim.run(storm(seed)));
        let _deadlock = catch_unwind(run);
        let (mut alive, mut ended, mut polled) = (HashSet::new(), HashSet::new(), Vec::new());
        for (_, event) in told.take() {
            let said = format!("seed {seed}: {event}");
            match event {
                Event::Spawned { task, parent, .. } => {
                    assert!(alive.insert(task), "{said}, twice");
                    assert_eq!(parent, polled.last().copied(), "{said}");
                }
                Event::Polled { task } => {
                    assert!(alive.contains(&task) && !polled.contains(&task), "{said}");
                    polled.push(task);
                }
                Event::Parked { task, .. } => assert_eq!(polled.pop(), Some(task), "{said}"),
                Event::Finished { task, .. } => {
                    assert!(alive.remove(&task) && ended.insert(task), "{said}");
                    polled.pop_if(|top| *top == task);
                }
                Event::Woken { task, .. } | Event::CancelAsked { task, .. } => {
                    assert!(alive.contains(&task) || ended.contains(&task), "{said}");
                }
                Event::Turn { .. } | Event::Asleep { .. } | Event::Awake => {
                    assert!(polled.is_empty(), "{said} within a poll");
                }
                _ => {}
            }
        }
        assert!(alive.is_empty(), "seed {seed}: {alive:?} have no end");
        assert!(ended.len() >= 25, "seed {seed}: {}", ended.len());
    }
}
