//! The ways to join a group.

use std::cell::Cell;
use std::panic::panic_any;
use std::rc::Rc;

use bibelot::task::{FailureKind, TaskGroup, yield_now};
use bibelot::testing::Sim;
use bibelot::time::{sleep, timeout};

use crate::support::{OnDrop, Trace, on_drop, panic_of, same_every_time};
use crate::{Wrong, after, endless, ms, tidy};

#[test]
fn values_come_in_the_order_of_creation() {
    same_every_time(values_come_in_the_order_of_creation);
    let trace = Trace::new();
    let values = Sim::new().run(async {
        let group = TaskGroup::new();
        group.spawn(after(3, &trace, "first", Ok(1)));
        group.spawn(after(1, &trace, "second", Ok(2)));
        group.spawn(after(2, &trace, "third", Ok(3)));
        group.join().await.unwrap()
    });
    assert_eq!(values, [1, 2, 3]);
    assert_eq!(trace.take(), ["second", "third", "first"]);
}

#[test]
fn the_first_failure_cancels_the_others_and_waits_for_them() {
    same_every_time(the_first_failure_cancels_the_others_and_waits_for_them);
    let trace = Trace::new();
    let error = Sim::new().run(async {
        let group = TaskGroup::<(), _>::new();
        group.spawn(tidy(5, &trace, "tidied"));
        group.spawn(endless(&trace, "dropped"));
        group.spawn(after(1, &trace, "fails", Err("wrong")));
        let error = group.join().await.unwrap_err();
        trace.say("joined");
        error
    });
    assert_eq!(trace.take(), ["fails", "dropped", "tidied", "joined"]);
    assert_eq!(error.failures().len(), 1);
    assert_eq!(error.first().unwrap().as_error(), Some(&"wrong"));
}

#[test]
fn all_failures_are_kept() {
    same_every_time(all_failures_are_kept);
    let trace = Trace::new();
    let error = Sim::new().run(async {
        let group = TaskGroup::<(), _>::new();
        group.spawn(after(1, &trace, "a", Err("a")));
        group.spawn(after(1, &trace, "b", Err("b")));
        group.spawn(async { panic_any(7_u32) });
        group.spawn(async {
            let _guard = on_drop(|| panic!("in a destructor"));
            std::future::pending().await
        });
        group.join().await.unwrap_err()
    });
    let kinds: Vec<_> = error
        .into_failures()
        .into_iter()
        .map(|failure| match failure.into_kind() {
            FailureKind::Error(error) => error.to_string(),
            FailureKind::Panicked(panicked) => panicked.message().unwrap_or("7").to_owned(),
        })
        .collect();
    assert_eq!(kinds, ["7", "in a destructor"]);
}

#[test]
fn a_failure_does_nothing_before_the_owner_asks() {
    same_every_time(a_failure_does_nothing_before_the_owner_asks);
    let trace = Trace::new();
    Sim::new().run(async {
        let group = TaskGroup::new();
        group.spawn(after(1, &trace, "fails", Err("wrong")));
        group.spawn(after(2, &trace, "goes on", Ok(())));
        sleep(ms(3)).await;
        let error = group.join().await.unwrap_err();
        assert_eq!(error.failures().len(), 1);
    });
    assert_eq!(trace.take(), ["fails", "goes on"]);
}

#[test]
fn members_may_come_while_the_group_is_joined() {
    same_every_time(members_may_come_while_the_group_is_joined);
    let trace = Trace::new();
    let values = Sim::new().run(async {
        let group = TaskGroup::<_, Wrong>::new();
        let spawner = group.spawner();
        group.spawn(async move {
            sleep(ms(1)).await;
            let late = spawner.spawn(async {
                sleep(ms(5)).await;
                Ok("late")
            });
            drop(late.unwrap());
            Ok("early")
        });
        group.join().await.unwrap()
    });
    assert_eq!(values, ["early", "late"]);
    drop(trace);
}

#[test]
fn next_gives_results_in_the_order_of_completion_and_bears_failures() {
    same_every_time(next_gives_results_in_the_order_of_completion_and_bears_failures);
    let trace = Trace::new();
    let results = Sim::new().run(async {
        let mut group = TaskGroup::new();
        group.spawn(after(3, &trace, "", Ok(3)));
        group.spawn(after(1, &trace, "", Ok(1)));
        group.spawn(after(2, &trace, "", Err("two")));
        group.spawn(endless(&trace, "")).cancel();
        let mut results = Vec::new();
        while let Some(result) = group.next().await {
            results.push(result.map_err(|failure| *failure.as_error().unwrap()));
        }
        results
    });
    assert_eq!(results, [Ok(1), Err("two"), Ok(3)]);
}

#[test]
fn a_next_that_is_dropped_loses_nothing() {
    same_every_time(a_next_that_is_dropped_loses_nothing);
    let trace = Trace::new();
    Sim::new().run(async {
        let mut group = TaskGroup::<_, Wrong>::new();
        group.spawn(after(2, &trace, "", Ok(2)));
        timeout(ms(1), group.next()).await.unwrap_err();
        assert_eq!(group.next().await.unwrap().unwrap(), 2);
        assert!(group.next().await.is_none());
    });
}

#[test]
fn join_any_takes_the_first_that_ends_and_waits_for_the_others() {
    same_every_time(join_any_takes_the_first_that_ends_and_waits_for_the_others);
    let trace = Trace::new();
    Sim::new().run(async {
        let group = TaskGroup::new();
        group.spawn(tidy(5, &trace, "tidied"));
        group.spawn(after(1, &trace, "first", Ok(1)));
        group.spawn(after(2, &trace, "never", Ok(2)));
        assert_eq!(group.join_any().await.unwrap(), 1);
        trace.say("joined");
        let group = TaskGroup::new();
        group.spawn(after(2, &trace, "never", Ok(())));
        group.spawn(after(1, &trace, "fails", Err("wrong")));
        let error = group.join_any().await.unwrap_err();
        assert_eq!(error.failures().len(), 1);
    });
    assert_eq!(trace.take(), ["first", "tidied", "joined", "fails"]);
}

#[test]
fn join_first_ok_bears_failures() {
    same_every_time(join_first_ok_bears_failures);
    let trace = Trace::new();
    Sim::new().run(async {
        let group = TaskGroup::new();
        group.spawn(after(1, &trace, "fails", Err("one")));
        group.spawn(after(2, &trace, "wins", Ok(2)));
        group.spawn(after(3, &trace, "never", Ok(3)));
        assert_eq!(group.join_first_ok().await.unwrap(), 2);
        let group = TaskGroup::<(), _>::new();
        group.spawn(after(2, &trace, "fails", Err("two")));
        group.spawn(after(1, &trace, "fails", Err("one")));
        let error = group.join_first_ok().await.unwrap_err();
        let errors = error
            .failures()
            .iter()
            .map(|failure| *failure.as_error().unwrap());
        assert_eq!(errors.collect::<Vec<_>>(), ["one", "two"]);
    });
    assert_eq!(trace.take(), ["fails", "wins", "fails", "fails"]);
}

#[test]
fn a_race_without_runners_is_an_error_and_no_hang() {
    same_every_time(a_race_without_runners_is_an_error_and_no_hang);
    Sim::new().run(async {
        let error = TaskGroup::<(), Wrong>::new().join_any().await.unwrap_err();
        assert!(error.failures().is_empty());
        assert_eq!(
            error.to_string(),
            "no member of the group has come to a value"
        );
        let group = TaskGroup::<(), Wrong>::new();
        group.spawn(std::future::pending()).cancel();
        assert!(group.join_first_ok().await.unwrap_err().first().is_none());
    });
}

/// What is said when a group is joined whose thousand members have ended by then.
fn join_a_thousand(member: fn(u32) -> Result<u32, Wrong>) -> Vec<String> {
    let trace = Trace::new();
    Sim::new().run(async {
        let group = TaskGroup::new();
        for n in 0..1000 {
            group.spawn(async move { member(n) });
        }
        sleep(ms(1)).await;
        let other = bibelot::spawn({
            let trace = trace.clone();
            async move { trace.say("another has its turn") }
        });
        let count = match group.join().await {
            Ok(values) => values.len(),
            Err(error) => error.failures().len(),
        };
        trace.say(format!("{count} joined"));
        other.await.unwrap();
    });
    trace.take()
}

#[test]
fn a_thousand_that_have_failed_do_not_hold_the_thread() {
    same_every_time(a_thousand_that_have_failed_do_not_hold_the_thread);
    let said = join_a_thousand(|_| Err("wrong"));
    assert_eq!(said, ["another has its turn", "1000 joined"]);
}

#[test]
fn a_thousand_values_that_are_there_are_one_operation() {
    same_every_time(a_thousand_values_that_are_there_are_one_operation);
    let said = join_a_thousand(Ok);
    assert_eq!(said, ["1000 joined", "another has its turn"]);
}

/// A value whose destructor does something.
type Value = OnDrop<Box<dyn FnMut()>>;

/// Comes to a value, or to a failure, that `alive` counts.
fn counted(
    alive: &Rc<Cell<u32>>,
    is_value: bool,
) -> impl Future<Output = Result<Value, Value>> + use<> {
    let alive = Rc::clone(alive);
    async move {
        alive.set(alive.get() + 1);
        let value: Value = on_drop(Box::new(move || alive.set(alive.get() - 1)));
        if is_value { Ok(value) } else { Err(value) }
    }
}

#[test]
fn a_value_whose_destructor_panics_leaks_no_other_value_and_no_failure() {
    same_every_time(a_value_whose_destructor_panics_leaks_no_other_value_and_no_failure);
    for has_failure in [true, false] {
        let alive = Rc::new(Cell::new(0));
        let text = panic_of(|| {
            Sim::new().run(async {
                let group = TaskGroup::new();
                group.spawn(counted(&alive, !has_failure));
                let bomb: Value = on_drop(Box::new(|| panic!("bomb")));
                group.spawn(async { Ok(bomb) });
                yield_now().await;
                assert_eq!(alive.get(), 1);
                if has_failure {
                    drop(group.join().await);
                } else {
                    drop(group.join_any().await);
                }
            })
        });
        assert_eq!((text.as_str(), alive.get()), ("bomb", 0));
    }
}
