//! Task groups: nobody is alive after its group, no failure is lost, and what is owed is paid first.

#[path = "../support/mod.rs"]
mod support;

mod ends;
mod joins;
mod members;

use std::future::pending;
use std::io;
use std::rc::Rc;

use bibelot::task::{self, TaskGroup};
use bibelot::testing::Sim;
use bibelot::time::{Duration, Instant, sleep};
use support::{Trace, same_every_time};

/// The error of the tests.
type Wrong = &'static str;

/// So many milliseconds.
const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Waits, says so, and gives `result`.
fn after<T>(
    wait: u64,
    trace: &Trace,
    line: &'static str,
    result: Result<T, Wrong>,
) -> impl Future<Output = Result<T, Wrong>> + use<T> {
    let trace = trace.clone();
    async move {
        sleep(ms(wait)).await;
        trace.say(line);
        result
    }
}

/// Never ends by itself, and says when it is dropped.
fn endless<T>(
    trace: &Trace,
    line: &'static str,
) -> impl Future<Output = Result<T, Wrong>> + use<T> {
    let dropped = trace.on_drop(line);
    async move {
        let _dropped = dropped;
        pending().await
    }
}

/// Never ends by itself; when it is dropped, cleans up for so many milliseconds.
fn tidy<T>(
    wait: u64,
    trace: &Trace,
    line: &'static str,
) -> impl Future<Output = Result<T, Wrong>> + use<T> {
    let trace = trace.clone();
    task::finally(pending(), async move {
        sleep(ms(wait)).await;
        trace.say(line);
    })
}

#[test]
fn a_group_without_members_joins_at_once() {
    same_every_time(a_group_without_members_joins_at_once);
    let values = Sim::new().run(async { TaskGroup::<u32, Wrong>::new().join().await });
    assert_eq!(values.unwrap(), [0; 0]);
}

#[test]
fn a_wake_of_a_member_polls_that_member_alone() {
    same_every_time(a_wake_of_a_member_polls_that_member_alone);
    Sim::new().run(async {
        let group = TaskGroup::<(), Wrong>::new();
        let polls = Rc::new(std::cell::Cell::new(0));
        for n in 0..100 {
            let polls = Rc::clone(&polls);
            group.spawn(async move {
                let mut sleep = std::pin::pin!(sleep(ms(n)));
                std::future::poll_fn(|cx| {
                    polls.set(polls.get() + 1);
                    sleep.as_mut().poll(cx)
                })
                .await;
                Ok(())
            });
        }
        group.join().await.unwrap();
        assert_eq!(polls.get(), 200);
    });
}

#[test]
fn memory_of_a_discarding_group_is_flat_after_a_million_members() {
    same_every_time(memory_of_a_discarding_group_is_flat_after_a_million_members);
    Sim::new().run(async {
        let group = TaskGroup::discarding();
        let mut most = 0;
        for n in 0..1_000_000_u32 {
            group.spawn(async move { Ok::<_, Wrong>(n) });
            most = most.max(group.len());
            if n % 16 == 0 {
                task::yield_now().await;
            }
        }
        assert!(most <= 64, "{most} members at a time");
        assert_eq!(group.join().await.unwrap(), [0; 0]);
    });
}

#[test]
fn a_discarding_group_keeps_failures_and_drops_values() {
    same_every_time(a_discarding_group_keeps_failures_and_drops_values);
    let trace = Trace::new();
    let error = Sim::new().run(async {
        let group = TaskGroup::discarding();
        let value = trace.on_drop("value dropped");
        group.spawn(async move { Ok(value) });
        group.spawn(async { Err("wrong") });
        sleep(ms(1)).await;
        group.spawn(async { Err("later") });
        trace.say("a member comes, and who has ended is forgotten");
        group.join().await.map(|values| values.len()).unwrap_err()
    });
    assert_eq!(
        trace.take(),
        [
            "value dropped",
            "a member comes, and who has ended is forgotten"
        ]
    );
    let errors = error.failures().iter().map(|failure| failure.as_error());
    assert_eq!(errors.collect::<Vec<_>>(), [Some(&"wrong")]);
}

#[test]
fn groups_may_be_nested_a_thousand_deep() {
    same_every_time(groups_may_be_nested_a_thousand_deep);
    fn nest(depth: u32) -> std::pin::Pin<Box<dyn Future<Output = Result<u32, Wrong>>>> {
        Box::pin(async move {
            if depth == 0 {
                sleep(ms(1)).await;
                return Ok(0);
            }
            let group = TaskGroup::new();
            group.spawn(nest(depth - 1));
            let below = group.join().await.map_err(|_| "failed")?;
            Ok(below[0] + 1)
        })
    }
    assert_eq!(Sim::new().run(nest(1000)), Ok(1000));
}

#[test]
fn an_error_tells_of_every_failure_with_name_and_place() {
    same_every_time(an_error_tells_of_every_failure_with_name_and_place);
    let error = Sim::new().run(async {
        let group = TaskGroup::<(), io::Error>::new();
        let named = task::Builder::new().name("fetch");
        named.spawn_in(&group, async { Err(io::ErrorKind::NotFound.into()) });
        group.spawn(async { panic!("on purpose") });
        group.join().await.unwrap_err()
    });
    let (first, second, here) = (line!() - 4, line!() - 3, file!());
    assert_eq!(
        error.to_string(),
        format!(
            "2 tasks failed: task \"fetch\" (spawned at {here}:{first}:15): entity not found; \
             task 3 (spawned at {here}:{second}:15) panicked: on purpose"
        )
    );
    let name = format!("task \"fetch\" (spawned at {here}:{first}:15)");
    assert_eq!(error.first().unwrap().task(), name);
    let lines = error.failures().iter().map(|one| one.spawned_at().line());
    assert_eq!(lines.collect::<Vec<_>>(), [first, second]);
    assert!(format!("{error:?}").starts_with(&format!("GroupError[{name}: ")));
    let error = io::Error::from(error);
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn time_goes_on_for_the_members_while_the_owner_is_busy() {
    same_every_time(time_goes_on_for_the_members_while_the_owner_is_busy);
    let took = Sim::new().run(async {
        let started = Instant::now();
        let group = TaskGroup::<(), Wrong>::new();
        for _ in 0..10 {
            group.spawn(async {
                sleep(ms(10)).await;
                Ok(())
            });
        }
        sleep(ms(8)).await;
        group.join().await.unwrap();
        started.elapsed()
    });
    assert_eq!(took, ms(10));
}
