//! Members wanted one by one: cancelled, joined, started, named; daemons and spawners.

use std::cell::RefCell;
use std::future::{pending, ready};
use std::rc::Rc;

use bibelot::spawn;
use bibelot::task::{self, GroupEnded, JoinHandle, Ready, StartError, TaskGroup};
use bibelot::testing::Sim;
use bibelot::time::{sleep, timeout};

use crate::support::{Trace, on_drop, panic_of, same_every_time};
use crate::{Wrong, after, endless, ms, tidy};

#[test]
fn a_member_that_is_cancelled_by_hand_is_no_failure() {
    same_every_time(a_member_that_is_cancelled_by_hand_is_no_failure);
    let trace = Trace::new();
    let values = Sim::new().run(async {
        let group = TaskGroup::new();
        let member = group.spawn(endless(&trace, "cancelled"));
        group.spawn(after(1, &trace, "goes on", Ok(1)));
        member.cancel();
        group.join().await.unwrap()
    });
    assert_eq!(values, [1]);
    assert_eq!(trace.take(), ["cancelled", "goes on"]);
}

#[test]
fn joining_a_member_takes_its_failure_out() {
    same_every_time(joining_a_member_takes_its_failure_out);
    let trace = Trace::new();
    let values = Sim::new().run(async {
        let group = TaskGroup::new();
        let member = group.spawn(after(1, &trace, "fails", Err("wrong")));
        group.spawn(after(2, &trace, "goes on", Ok(2)));
        assert_eq!(member.join().await.unwrap(), Err("wrong"));
        group.join().await.unwrap()
    });
    assert_eq!(values, [2]);
    assert_eq!(trace.take(), ["fails", "goes on"]);
}

#[test]
fn a_member_is_joined_while_the_group_is() {
    same_every_time(a_member_is_joined_while_the_group_is);
    let trace = Trace::new();
    Sim::new().run(async {
        let group = TaskGroup::new();
        let member = group.spawn(after(1, &trace, "fails", Err("wrong")));
        group.spawn(after(2, &trace, "goes on", Ok(2)));
        let (joined, values) = task::join(member.join(), group.join()).await;
        assert_eq!(joined.unwrap(), Err("wrong"));
        assert_eq!(values.unwrap(), [2]);
    });
}

#[test]
fn a_join_of_a_member_that_is_dropped_gives_it_back() {
    same_every_time(a_join_of_a_member_that_is_dropped_gives_it_back);
    let trace = Trace::new();
    Sim::new().run(async {
        let group = TaskGroup::<_, Wrong>::new();
        let member = group.spawn(after(2, &trace, "", Ok(1)));
        timeout(ms(1), member.join()).await.unwrap_err();
        let ended = group.spawn(ready(Ok(2)));
        let mut joining = ended.join();
        let polled = crate::support::poll_once(&mut joining);
        assert!(polled.is_pending());
        sleep(ms(3)).await;
        drop(joining);
        assert_eq!(group.join().await.unwrap(), [1, 2]);
    });
}

#[test]
fn a_member_that_was_joined_leaves_nothing_to_who_takes_its_slot() {
    same_every_time(a_member_that_was_joined_leaves_nothing_to_who_takes_its_slot);
    let trace = Trace::new();
    let values = Sim::new().run(async {
        let mut group = TaskGroup::<_, Wrong>::new();
        let _first = group.spawn(ready(Ok(1)));
        let joined = group.spawn(ready(Ok(0)));
        let joined_late = group.spawn(ready(Ok(0)));
        joined.join().await.unwrap().unwrap(); // claimed before its end
        joined_late.join().await.unwrap().unwrap(); // and after it
        group.spawn(after(1, &trace, "", Ok(2)));
        group.spawn(after(2, &trace, "", Ok(3)));
        sleep(ms(3)).await;
        let mut values = Vec::new();
        while let Some(value) = group.next().await {
            values.push(value.unwrap());
        }
        values
    });
    assert_eq!(values, [1, 2, 3]);
}

#[test]
fn a_member_whose_value_was_given_away_cannot_be_joined() {
    same_every_time(a_member_whose_value_was_given_away_cannot_be_joined);
    let text = Sim::new().run(async {
        let mut group = TaskGroup::<_, Wrong>::new();
        let member = group.spawn(ready(Ok(1)));
        group.next().await.unwrap().unwrap();
        assert!(member.is_finished() && member.task().is_none());
        let mut joining = member.join();
        panic_of(|| crate::support::poll_once(&mut joining).is_ready())
    });
    assert_eq!(
        text,
        "the value of this member was given to who joined its group"
    );
}

#[test]
fn daemons_are_not_waited_for_and_end_with_the_group() {
    same_every_time(daemons_are_not_waited_for_and_end_with_the_group);
    let trace = Trace::new();
    Sim::new().run(async {
        let group = TaskGroup::new();
        let dropped = trace.on_drop("daemon dropped");
        let said = trace.clone();
        group.spawn_daemon(task::finally(
            async move {
                let _dropped = dropped;
                pending().await
            },
            async move {
                sleep(ms(2)).await;
                said.say("daemon tidied");
            },
        ));
        group.spawn(after(1, &trace, "member", Ok(1)));
        assert_eq!(group.len(), 1);
        assert_eq!(group.join().await.unwrap(), [1]);
        trace.say("joined");
    });
    assert_eq!(
        trace.take(),
        ["member", "daemon dropped", "daemon tidied", "joined"]
    );
}

#[test]
fn a_daemon_that_panics_has_failed() {
    same_every_time(a_daemon_that_panics_has_failed);
    let error = Sim::new().run(async {
        let group = TaskGroup::<(), Wrong>::new();
        group.spawn(pending());
        group.spawn_daemon(async { panic!("on purpose") });
        group.join().await.unwrap_err()
    });
    assert!(error.to_string().ends_with("panicked: on purpose"));
}

#[test]
fn a_spawner_fails_when_its_group_has_ended() {
    same_every_time(a_spawner_fails_when_its_group_has_ended);
    let trace = Trace::new();
    Sim::new().run(async {
        let group = TaskGroup::<(), Wrong>::new();
        let spawner = group.spawner();
        spawner.spawn(ready(Ok(()))).unwrap();
        group.join().await.unwrap();
        let future = endless(&trace, "dropped");
        assert_eq!(spawner.clone().spawn(future).err(), Some(GroupEnded));
        let group = TaskGroup::<(), Wrong>::new();
        let spawner = group.spawner();
        drop(group);
        assert!(spawner.spawn(pending()).is_err());
    });
    assert_eq!(trace.take(), ["dropped"]);
}

#[test]
fn start_comes_back_when_the_member_says_that_it_is_ready() {
    same_every_time(start_comes_back_when_the_member_says_that_it_is_ready);
    let trace = Trace::new();
    Sim::new().run(async {
        let group = TaskGroup::new();
        let said = trace.clone();
        let value = group
            .start(|ready| async move {
                sleep(ms(1)).await;
                ready.set("address");
                said.say("ready");
                sleep(ms(1)).await;
                said.say("ended");
                Ok::<_, Wrong>(7)
            })
            .await;
        assert_eq!(value.unwrap(), "address");
        trace.say("started");
        assert_eq!(group.join().await.unwrap(), [7]);
    });
    assert_eq!(trace.take(), ["ready", "started", "ended"]);
}

#[test]
fn a_failure_before_it_is_ready_is_raised_from_start_and_not_in_the_group() {
    same_every_time(a_failure_before_it_is_ready_is_raised_from_start_and_not_in_the_group);
    Sim::new().run(async {
        let group = TaskGroup::<(), _>::new();
        let failed = group.start(|ready: Ready<()>| async move {
            sleep(ms(1)).await;
            drop(ready);
            Err("wrong")
        });
        match failed.await {
            Err(StartError::Failed(failure)) => assert_eq!(failure.as_error(), Some(&"wrong")),
            other => panic!("{other:?}"),
        }
        let silent = group.start(|ready: Ready<()>| async move {
            drop(ready);
            sleep(ms(1)).await;
            Ok(())
        });
        let error = silent.await.unwrap_err();
        assert!(matches!(error, StartError::Silent));
        assert!(error.to_string().ends_with("call Ready::set()"));
        assert_eq!(group.join().await.unwrap(), []);
    });
}

#[test]
fn a_start_that_is_dropped_cancels_the_member_unless_that_is_ready() {
    same_every_time(a_start_that_is_dropped_cancels_the_member_unless_that_is_ready);
    let trace = Trace::new();
    Sim::new().run(async {
        let group = TaskGroup::<(), _>::new();
        let member = endless(&trace, "cancelled");
        let starting = group.start(|_ready: Ready<()>| member);
        timeout(ms(1), starting).await.unwrap_err();
        let member = after(3, &trace, "goes on", Ok(()));
        let starting = group.start(|ready| {
            ready.set(());
            member
        });
        drop(starting);
        assert_eq!(group.join().await.unwrap().len(), 0);
    });
    // Nobody saw that the second one is ready.
    assert_eq!(trace.take(), ["cancelled"]);
}

#[test]
fn ready_and_ended_in_one_turn_is_ready_and_the_end_is_the_groups() {
    same_every_time(ready_and_ended_in_one_turn_is_ready_and_the_end_is_the_groups);
    Sim::new().run(async {
        let group = TaskGroup::<(), _>::new();
        let started = group.start(|ready| async move {
            ready.set(1);
            Err("afterwards")
        });
        assert_eq!(started.await.unwrap(), 1);
        let error = group.join().await.unwrap_err();
        assert_eq!(error.first().unwrap().as_error(), Some(&"afterwards"));
    });
}

#[test]
fn a_member_may_cancel_itself_its_siblings_and_its_group() {
    same_every_time(a_member_may_cancel_itself_its_siblings_and_its_group);
    let trace = Trace::new();
    Sim::new().run(async {
        let group = Rc::new(RefCell::new(Some(TaskGroup::<(), Wrong>::new())));
        {
            let borrowed = group.borrow();
            let group_ref = borrowed.as_ref().unwrap();
            group_ref.spawn(tidy(1, &trace, "sibling tidied"));
            let (own, said) = (Rc::clone(&group), trace.clone());
            let dropped = trace.on_drop("itself dropped");
            group_ref.spawn(async move {
                let _dropped = dropped;
                sleep(ms(1)).await;
                own.borrow().as_ref().unwrap().cancel_all();
                said.say("cancels all");
                pending().await
            });
        }
        sleep(ms(2)).await;
        let group = group.take().unwrap();
        assert_eq!(group.join().await.unwrap().len(), 0);
        trace.say("joined");
    });
    assert_eq!(
        trace.take(),
        ["cancels all", "itself dropped", "sibling tidied", "joined"]
    );
}

#[test]
fn who_is_spawned_or_started_after_a_cancel_of_all_goes_on() {
    same_every_time(who_is_spawned_or_started_after_a_cancel_of_all_goes_on);
    let trace = Trace::new();
    Sim::new().run(async {
        let group = TaskGroup::<u32, Wrong>::new();
        group.spawn(endless(&trace, "cancelled"));
        group.cancel_all();
        group.spawn(after(1, &trace, "spawned", Ok(1)));
        let said = trace.clone();
        let started = group.start(async move |ready: Ready<_>| {
            ready.set("ready");
            after(2, &said, "started", Ok(2)).await
        });
        trace.say(started.await.unwrap());
        assert!(group.spawner().spawn(async { Ok(3) }).is_ok());
        assert_eq!(group.join().await.unwrap(), [1, 2, 3]);
    });
    assert_eq!(trace.take(), ["cancelled", "ready", "spawned", "started"]);
}

#[test]
fn a_member_may_cancel_the_task_that_owns_its_group() {
    same_every_time(a_member_may_cancel_the_task_that_owns_its_group);
    let trace = Trace::new();
    Sim::new().run(async {
        let place: Rc<RefCell<Option<JoinHandle<()>>>> = Rc::default();
        let (owner, said) = (Rc::clone(&place), trace.clone());
        *place.borrow_mut() = Some(spawn(async move {
            let _dropped = said.on_drop("owner dropped");
            let group = TaskGroup::<(), Wrong>::new();
            group.spawn(tidy(1, &said, "sibling tidied"));
            let (said, inside) = (said.clone(), said.on_drop("itself dropped"));
            group.spawn(async move {
                let _inside = inside;
                sleep(ms(1)).await;
                owner.borrow().as_ref().unwrap().cancel();
                said.say("cancels its owner");
                pending().await
            });
            group.join().await.unwrap();
        }));
        sleep(ms(2)).await;
        let owner = place.take().unwrap();
        assert!(owner.await.unwrap_err().is_cancelled());
        trace.say("joined");
    });
    let expected = [
        "cancels its owner",
        "owner dropped",
        "itself dropped",
        "sibling tidied",
        "joined",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_member_may_cancel_its_group_from_its_destructor_and_from_its_epilogue() {
    same_every_time(a_member_may_cancel_its_group_from_its_destructor_and_from_its_epilogue);
    for is_epilogue in [false, true] {
        let trace = Trace::new();
        Sim::new().run(async {
            let group = Rc::new(RefCell::new(Some(TaskGroup::<(), Wrong>::new())));
            let cancels = {
                let (own, said) = (Rc::clone(&group), trace.clone());
                move || {
                    own.borrow().as_ref().unwrap().cancel_all();
                    said.say("cancels all");
                }
            };
            let own = {
                let group = group.borrow();
                let group = group.as_ref().unwrap();
                group.spawn(tidy(2, &trace, "sibling tidied"));
                if is_epilogue {
                    group.spawn(task::finally(pending(), async move {
                        cancels();
                        // A second cancel ends no epilogue.
                        sleep(ms(1)).await;
                    }))
                } else {
                    let cancels = on_drop(cancels);
                    group.spawn(async move {
                        let _cancels = cancels;
                        pending().await
                    })
                }
            };
            sleep(ms(1)).await;
            own.cancel();
            sleep(ms(1)).await;
            let group = group.take().unwrap();
            assert_eq!(group.join().await.unwrap().len(), 0);
            trace.say("joined");
        });
        assert_eq!(trace.take(), ["cancels all", "sibling tidied", "joined"]);
    }
}

#[test]
fn a_member_may_drop_its_own_group_and_ends_without_waiting_for_itself() {
    same_every_time(a_member_may_drop_its_own_group_and_ends_without_waiting_for_itself);
    // In its body, in its destructor, in its epilogue.
    for place in 0..3 {
        let trace = Trace::new();
        Sim::new().run(async {
            let group = Rc::new(RefCell::new(Some(TaskGroup::<(), Wrong>::new())));
            let drops = {
                let (own, said) = (Rc::clone(&group), trace.clone());
                move || {
                    let group = own.take();
                    drop(group);
                    said.say("dropped");
                }
            };
            let own = {
                let group = group.borrow();
                let group = group.as_ref().unwrap();
                group.spawn(tidy(2, &trace, "sibling tidied"));
                match place {
                    0 => group.spawn(async move {
                        drops();
                        pending().await
                    }),
                    1 => {
                        let drops = on_drop(drops);
                        group.spawn(async move {
                            let _drops = drops;
                            pending().await
                        })
                    }
                    _ => group.spawn(task::finally(pending(), async move { drops() })),
                }
            };
            sleep(ms(1)).await;
            own.cancel();
            // If it waited for itself this would be a deadlock.
        });
        assert_eq!(trace.take(), ["dropped", "sibling tidied"]);
    }
}
