//! Observers that do what nobody should, at the worst moment.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use bibelot::sync::Event as Flag;
use bibelot::testing::{Sim, settle};
use bibelot::time::{Duration, Instant, sleep};
use bibelot::trace::{Event, Finish, Reason, Recorder};
use bibelot::{Executor, task};

use crate::programs::keeper;

#[test]
fn one_that_wakes_when_the_executor_would_sleep_is_no_deadlock_and_no_delay() {
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
    let recorder = Recorder::new(100);
    let sim = Sim::from_builder(Executor::builder().observer(recorder.clone()));
    let run = AssertUnwindSafe(|| sim.run(std::future::pending::<()>()));
    catch_unwind(run).expect_err("a deadlock");
    let recording = recorder.recording();
    let (_, how) = recording.tasks()[0].ended().expect("an end");
    assert_eq!(how, Finish::Cancelled);
}
