//! The end of a group: nobody outlives it, whoever drops it, wherever.

use std::future::pending;
use std::mem;

use bibelot::task::{self, CancelScope, TaskGroup};
use bibelot::testing::Sim;
use bibelot::time::{Instant, sleep, timeout};
use bibelot::{Executor, Report};

use crate::support::{Trace, same_every_time};
use crate::{Wrong, after, endless, ms, tidy};

#[test]
fn a_timeout_around_a_join_ends_when_the_members_have() {
    same_every_time(a_timeout_around_a_join_ends_when_the_members_have);
    let trace = Trace::new();
    Sim::new().run(async {
        let started = Instant::now();
        let group = TaskGroup::<(), _>::new();
        group.spawn(tidy(5, &trace, "tidied"));
        group.spawn(endless(&trace, "dropped"));
        timeout(ms(1), group.join()).await.unwrap_err();
        trace.say("elapsed");
        assert_eq!(started.elapsed(), ms(6));
    });
    assert_eq!(trace.take(), ["dropped", "tidied", "elapsed"]);
}

#[test]
fn a_group_that_is_dropped_is_waited_for_by_the_canceller_around() {
    same_every_time(a_group_that_is_dropped_is_waited_for_by_the_canceller_around);
    let trace = Trace::new();
    Sim::new().run(async {
        let scope = CancelScope::new();
        let inside = async {
            let group = TaskGroup::<(), _>::new();
            group.spawn(tidy(5, &trace, "tidied"));
            task::yield_now().await;
            drop(group);
            trace.say("dropped");
            7
        };
        assert_eq!(scope.run(inside).await, Some(7));
        trace.say("left");
    });
    assert_eq!(trace.take(), ["dropped", "tidied", "left"]);
}

#[test]
fn a_group_that_is_dropped_is_waited_for_until_its_members_are_given_up() {
    same_every_time(a_group_that_is_dropped_is_waited_for_until_its_members_are_given_up);
    let trace = Trace::new();
    let said = trace.clone();
    let builder = Executor::builder().on_report(move |report| {
        assert!(matches!(report, Report::Abandoned(_)));
        said.say("reported");
    });
    Sim::from_builder(builder).run(async {
        let group = TaskGroup::<(), Wrong>::new();
        let dies = trace.on_drop("given up");
        group.spawn(task::finally(pending(), async move {
            let _dies = dies;
            pending::<()>().await;
        }));
        timeout(ms(1), group.join()).await.unwrap_err();
        trace.say("elapsed");
    });
    assert_eq!(trace.take(), ["reported", "given up", "elapsed"]);
}

#[test]
fn a_task_does_not_end_before_the_members_of_the_group_it_drops() {
    same_every_time(a_task_does_not_end_before_the_members_of_the_group_it_drops);
    let trace = Trace::new();
    Sim::new().run(async {
        let said = trace.clone();
        let owner = bibelot::spawn(async move {
            let group = TaskGroup::<(), _>::new();
            group.spawn(tidy(5, &said, "tidied"));
            pending::<()>().await;
        });
        sleep(ms(1)).await;
        owner.cancel();
        assert!(owner.await.unwrap_err().is_cancelled());
        trace.say("ended");
    });
    assert_eq!(trace.take(), ["tidied", "ended"]);
}

#[test]
fn nested_groups_end_from_the_inside_out() {
    same_every_time(nested_groups_end_from_the_inside_out);
    let trace = Trace::new();
    Sim::new().run(async {
        let outer = TaskGroup::<(), Wrong>::new();
        let said = trace.clone();
        outer.spawn(async move {
            let inner = TaskGroup::new();
            inner.spawn(tidy(5, &said, "inner tidied"));
            let tidied = said.clone();
            task::finally(inner.join(), async move { tidied.say("outer tidied") })
                .await
                .map(|_: Vec<()>| ())
                .map_err(|_| "failed")
        });
        timeout(ms(1), outer.join()).await.unwrap_err();
        trace.say("elapsed");
    });
    assert_eq!(trace.take(), ["inner tidied", "outer tidied", "elapsed"]);
}

#[test]
fn a_group_may_be_moved_to_another_task_and_be_joined_or_dropped_there() {
    same_every_time(a_group_may_be_moved_to_another_task_and_be_joined_or_dropped_there);
    let trace = Trace::new();
    Sim::new().run(async {
        let make = || {
            let group = TaskGroup::<u32, _>::new();
            group.spawn(after(2, &trace, "ended", Ok(1)));
            group.spawn(tidy(5, &trace, "tidied"));
            group
        };
        let mut group = make();
        let moved = bibelot::spawn(async move { group.next().await.unwrap().unwrap() });
        assert_eq!(moved.await.unwrap(), 1);
        trace.say("joined there");
        let group = make();
        task::yield_now().await;
        bibelot::spawn(async move { drop(group) }).await.unwrap();
        trace.say("dropped there");
    });
    assert_eq!(
        trace.take(),
        ["ended", "tidied", "joined there", "tidied", "dropped there"]
    );
}

#[test]
fn a_group_that_is_forgotten_lets_its_members_go_on() {
    same_every_time(a_group_that_is_forgotten_lets_its_members_go_on);
    let trace = Trace::new();
    Sim::new().run(async {
        let group = TaskGroup::new();
        group.spawn(after(1, &trace, "goes on", Ok(())));
        mem::forget(group);
    });
    assert_eq!(trace.take(), ["goes on"]);
}

#[test]
fn a_group_that_is_dropped_outside_of_its_executor_cancels_its_members() {
    let trace = Trace::new();
    let executor = Executor::new().unwrap();
    let group = executor.run(async {
        let group = TaskGroup::<(), _>::new();
        group.spawn(endless(&trace, "dropped"));
        task::yield_now().await;
        group
    });
    drop(group);
    assert_eq!(trace.take(), [""; 0]);
    executor.run(task::yield_now());
    assert_eq!(trace.take(), ["dropped"]);
}

#[test]
fn a_shutdown_pays_what_members_and_owner_owe() {
    let trace = Trace::new();
    let reports = trace.clone();
    let executor = Executor::builder()
        .on_report(move |report: &Report| reports.say(report.to_string()))
        .build()
        .unwrap();
    executor.run(async {
        let said = trace.clone();
        bibelot::spawn(async move {
            let group = TaskGroup::<(), _>::new();
            group.spawn(tidy(1, &said, "member tidied"));
            let tidied = said.clone();
            task::finally(group.join(), async move { tidied.say("owner tidied") })
                .await
                .unwrap();
        });
        task::yield_now().await;
        task::yield_now().await;
    });
    executor.shutdown();
    assert_eq!(trace.take(), ["member tidied", "owner tidied"]);
}

#[test]
fn a_panic_of_the_owner_ends_the_members() {
    same_every_time(a_panic_of_the_owner_ends_the_members);
    let trace = Trace::new();
    Sim::new().run(async {
        let said = trace.clone();
        let owner = bibelot::spawn(async move {
            let group = TaskGroup::<(), _>::new();
            group.spawn(tidy(1, &said, "tidied"));
            task::yield_now().await;
            panic!("on purpose");
        });
        assert!(owner.await.unwrap_err().is_panic());
        trace.say("joined");
    });
    assert_eq!(trace.take(), ["tidied", "joined"]);
}

#[test]
fn members_that_panic_in_a_dropped_group_are_reported() {
    same_every_time(members_that_panic_in_a_dropped_group_are_reported);
    let trace = Trace::new();
    let reports = trace.clone();
    let executor = Executor::builder().on_report(move |report: &Report| {
        let report = report.to_string();
        reports.say(report.rsplit(": ").next().unwrap_or_default());
    });
    Sim::from_builder(executor).run(async {
        let group = TaskGroup::<(), Wrong>::new();
        group.spawn(async {
            let _guard = crate::support::on_drop(|| panic!("in a destructor"));
            pending().await
        });
        task::yield_now().await;
        drop(group);
    });
    assert_eq!(trace.take(), ["in a destructor"]);
}

#[test]
fn a_cleanup_may_use_a_group_of_its_own() {
    same_every_time(a_cleanup_may_use_a_group_of_its_own);
    let trace = Trace::new();
    Sim::new().run(async {
        let said = trace.clone();
        let cleanup = async move {
            let group = TaskGroup::new();
            group.spawn(after(1, &said, "goodbye to one", Ok(())));
            group.spawn(after(2, &said, "goodbye to two", Ok(())));
            group.join().await.unwrap();
        };
        let body = task::finally(pending::<()>(), cleanup);
        timeout(ms(1), body).await.unwrap_err();
        trace.say("elapsed");
    });
    assert_eq!(
        trace.take(),
        ["goodbye to one", "goodbye to two", "elapsed"]
    );
}
