//! What a `Local` promises: a value seen by a future, by what that awaits and spawns, and by nobody
//! else.
#![expect(clippy::async_yields_async, reason = "futures are handed about")]

mod support;

use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bibelot::task::{Builder, CancelScope, Local, finally, join, race, shield, yield_now};
use bibelot::testing::Sim;
use bibelot::time::{Duration, sleep, timeout};
use bibelot::{Executor, spawn};

use support::{OnDrop, Trace, on_drop, poll_once, reporting_to, same_every_time, without_places};

/// A value that says when it is dropped.
type Guard = OnDrop<Box<dyn FnMut()>>;

static USER: Local<&str> = Local::new();
static DEPTH: Local<u32> = Local::new();

/// So many milliseconds.
fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What is seen here.
fn seen() -> (Option<&'static str>, Option<u32>) {
    (USER.get(), DEPTH.get())
}

#[test]
fn a_value_is_seen_inside_and_nowhere_else() {
    same_every_time(a_value_is_seen_inside_and_nowhere_else);
    assert_eq!(seen(), (None, None));
    Sim::new().run(async {
        let inside = USER.scope("ann", async {
            assert_eq!(USER.with(|user| user.map(|user| user.len())), Some(3));
            yield_now().await;
            DEPTH.scope(1, async { seen() }).await
        });
        assert_eq!(seen(), (None, None));
        assert_eq!(inside.await, (Some("ann"), Some(1)));
        assert_eq!(seen(), (None, None));
    });
    // It is a matter of futures, and needs no executor.
    let mut inside = Box::pin(USER.scope("ann", async { seen() }));
    assert_eq!(poll_once(&mut inside), Poll::Ready((Some("ann"), None)));
    assert_eq!(seen(), (None, None));
}

#[test]
fn an_inner_value_hides_the_outer_one_for_as_long_as_it_lasts() {
    same_every_time(an_inner_value_hides_the_outer_one_for_as_long_as_it_lasts);
    Sim::new().run(USER.scope("ann", async {
        let inner = USER.scope("bob", async {
            yield_now().await;
            USER.get()
        });
        assert_eq!(inner.await, Some("bob"));
        assert_eq!(USER.get(), Some("ann"));
    }));
}

#[test]
fn branches_have_their_own() {
    same_every_time(branches_have_their_own);
    Sim::new().run(async {
        let branch = |name| {
            USER.scope(name, async move {
                for _ in 0..3 {
                    yield_now().await;
                    assert_eq!(USER.get(), Some(name));
                }
                name
            })
        };
        let both = join(branch("ann"), branch("bob")).await;
        assert_eq!(both, ("ann", "bob"));
        assert_eq!(race(branch("ann"), branch("bob")).await, "ann");
        let scope = CancelScope::new();
        let inside = timeout(ms(1), scope.run(shield(branch("eve"))));
        assert_eq!(inside.await, Ok(Some("eve")));
        assert_eq!(USER.get(), None);
    });
}

#[test]
fn tasks_inherit_what_is_seen_where_they_are_spawned() {
    same_every_time(tasks_inherit_what_is_seen_where_they_are_spawned);
    Sim::new().run(async {
        let handle = USER.scope("ann", async {
            let child = spawn(async {
                let grandchild = DEPTH.scope(2, async {
                    Builder::new().name("grandchild").spawn(async {
                        sleep(ms(1)).await;
                        seen()
                    })
                });
                let grandchild = vec![grandchild.await];
                assert_eq!(seen(), (Some("ann"), None));
                grandchild
            });
            vec![child]
        });
        let handle = handle.await.pop().unwrap();
        // The scope has ended, and the tasks see its value all the same.
        let grandchild = handle.await.unwrap().pop().unwrap();
        assert_eq!(grandchild.await.unwrap(), (Some("ann"), Some(2)));
        assert_eq!(spawn(async { seen() }).await.unwrap(), (None, None));
    });
}

#[test]
fn tasks_inherit_however_they_are_spawned() {
    let executor = Rc::new(Executor::new().unwrap());
    let inside = Rc::clone(&executor);
    let here = executor.run(USER.scope("ann", async move {
        inside.spawn(async { USER.get() }).await.unwrap()
    }));
    assert_eq!(here, Some("ann"));
    let outside = executor.spawn(async { USER.get() });
    assert_eq!(executor.run(outside).unwrap(), None);
}

#[test]
fn each_task_has_its_own_from_the_spawn_on() {
    same_every_time(each_task_has_its_own_from_the_spawn_on);
    Sim::new().run(USER.scope("ann", async {
        let child = spawn(async {
            let inner = USER.scope("bob", async {
                yield_now().await;
                yield_now().await;
                USER.get()
            });
            (inner.await, USER.get())
        });
        for _ in 0..3 {
            yield_now().await;
            assert_eq!(USER.get(), Some("ann"));
        }
        assert_eq!(child.await.unwrap(), (Some("bob"), Some("ann")));
    }));
}

#[test]
fn destructors_and_epilogues_see_what_their_future_saw() {
    same_every_time(destructors_and_epilogues_see_what_their_future_saw);
    let trace = Trace::new();
    let say = |trace: &Trace, who: &str| trace.say(format!("{who} {:?}", USER.get()));
    Sim::new().run(async {
        let body = || {
            let said = trace.clone();
            async move {
                let _dies = on_drop(|| say(&said, "body"));
                pending::<()>().await;
            }
        };
        let cleanup = || {
            let said = trace.clone();
            async move {
                yield_now().await;
                said.say(format!("cleanup {:?}", USER.get()));
            }
        };
        let owing = || USER.scope("ann", finally(body(), cleanup()));
        assert!(timeout(ms(1), owing()).await.is_err());
        let around = USER.scope("bob", async {
            assert!(timeout(ms(1), owing()).await.is_err());
            say(&trace, "around");
            let mut left = Box::pin(finally(body(), cleanup()));
            assert!(poll_once(&mut left).is_pending());
            left
        });
        // Polled in there, dropped out here: what is owed sees what its owner's destructor sees.
        let left = vec![around.await];
        drop(left);
        yield_now().await;
        yield_now().await;
    });
    let expected = [
        "body Some(\"ann\")",
        "cleanup Some(\"ann\")",
        "body Some(\"ann\")",
        "cleanup Some(\"ann\")",
        "around Some(\"bob\")",
        "body None",
        "cleanup None",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_task_that_is_cancelled_or_shut_down_dies_with_its_values() {
    same_every_time(a_task_that_is_cancelled_or_shut_down_dies_with_its_values);
    let trace = Trace::new();
    let executor = reporting_to(&trace).build().unwrap();
    let waits = |who: &'static str| {
        let said = trace.clone();
        async move {
            let said = said;
            let _dies = on_drop(|| said.say(format!("{who} {:?}", USER.get())));
            pending::<()>().await;
        }
    };
    executor.run(USER.scope("ann", async {
        let cancelled = spawn(waits("cancelled"));
        yield_now().await;
        cancelled.cancel();
        assert!(cancelled.await.is_err());
        spawn(waits("shut down"));
        drop(spawn(USER.scope("bob", waits("inside"))));
        yield_now().await;
    }));
    drop(executor);
    let expected = [
        "cancelled Some(\"ann\")",
        "inside Some(\"bob\")",
        "shut down Some(\"ann\")",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_value_is_dropped_when_the_last_who_see_it_have_ended() {
    same_every_time(a_value_is_dropped_when_the_last_who_see_it_have_ended);
    static OWNED: Local<Rc<Guard>> = Local::new();
    let trace = Trace::new();
    Sim::new().run(async {
        let said = trace.clone();
        let value = on_drop(Box::new(move || said.say("value dropped")) as Box<dyn FnMut()>);
        let child = OWNED.scope(Rc::new(value), async {
            vec![spawn(async {
                yield_now().await;
                assert!(OWNED.with(|value| value.is_some()));
            })]
        });
        let mut child = child.await;
        trace.say("scope left");
        child.pop().unwrap().await.unwrap();
        yield_now().await;
        trace.say("child joined");
    });
    let expected = ["scope left", "value dropped", "child joined"];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_value_whose_destructor_panics_is_reported_and_the_others_go_on() {
    same_every_time(a_value_whose_destructor_panics_is_reported_and_the_others_go_on);
    static BOMB: Local<OnDrop<fn()>> = Local::new();
    let bomb = || on_drop((|| panic!("bomb")) as fn());
    let trace = Trace::new();
    let builder = reporting_to(&trace);
    Sim::from_builder(builder).run(async {
        // The child is the last to see it.
        let child = BOMB.scope(bomb(), async {
            drop(
                Builder::new()
                    .name("child")
                    .spawn(async { sleep(ms(1)).await }),
            );
        });
        child.await;
        sleep(ms(2)).await;
        // An epilogue is.
        let said = trace.clone();
        let task = Builder::new().name("owing").spawn(async move {
            let cleanup = async move {
                sleep(ms(1)).await;
                said.say("cleaned up");
            };
            BOMB.scope(bomb(), finally(pending::<()>(), cleanup)).await;
        });
        yield_now().await;
        task.cancel();
        trace.say(task.await.unwrap_err().to_string());
    });
    let expected = [
        "task \"child\" (spawned at here) panicked: bomb",
        "cleaned up",
        "task \"owing\" (spawned at here) panicked: bomb",
        "task \"owing\" (spawned at here) was cancelled at here",
    ];
    let lines = trace.take();
    let lines: Vec<_> = lines.iter().map(|line| without_places(line)).collect();
    assert_eq!(lines, expected);
}

#[test]
fn a_value_may_use_its_own_key_and_spawn_when_it_is_dropped() {
    same_every_time(a_value_may_use_its_own_key_and_spawn_when_it_is_dropped);
    static NESTED: Local<Rc<Guard>> = Local::new();
    let trace = Trace::new();
    Sim::new().run(async {
        let said = trace.clone();
        let value = on_drop(Box::new(move || {
            said.say(format!(
                "sees one: {}",
                NESTED.with(|value| value.is_some())
            ));
            let said = said.clone();
            spawn(async move { said.say("spawned from a destructor") });
        }) as Box<dyn FnMut()>);
        let inside = async { drop(spawn(async {})) };
        NESTED.scope(Rc::new(value), inside).await;
        trace.say("left");
    });
    let expected = ["left", "sees one: false", "spawned from a destructor"];
    assert_eq!(trace.take(), expected);
}

#[test]
fn a_panic_inside_leaves_nothing_behind() {
    same_every_time(a_panic_inside_leaves_nothing_behind);
    Sim::new().run(async {
        let task = spawn(async {
            let mut inside = Box::pin(USER.scope("ann", async { panic!("bomb") }));
            poll_fn(|cx| {
                let poll = || inside.as_mut().poll(cx);
                assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll)).is_err());
                Poll::Ready(USER.get())
            })
            .await
        });
        assert_eq!(task.await.unwrap(), None);
    });
}

#[test]
fn a_future_may_move_and_sees_the_values_of_where_it_is() {
    same_every_time(a_future_may_move_and_sees_the_values_of_where_it_is);
    Sim::new().run(async {
        let rounds = Rc::new(Cell::new(0));
        let count = Rc::clone(&rounds);
        let mut inside: Pin<Box<dyn Future<Output = ()>>> = Box::pin(DEPTH.scope(7, async move {
            loop {
                let expected = [Some("ann"), Some("bob"), None][count.get()];
                assert_eq!(seen(), (expected, Some(7)));
                count.set(count.get() + 1);
                pending_once().await;
            }
        }));
        for around in ["ann", "bob"] {
            let polled = USER.scope(
                around,
                poll_fn(|cx| Poll::Ready(inside.as_mut().poll(cx).is_pending())),
            );
            assert!(polled.await);
        }
        let task = spawn(inside);
        yield_now().await;
        task.cancel();
        assert!(task.await.is_err());
        assert_eq!(rounds.get(), 3);
    });
}

/// Is pending once; somebody else polls again.
async fn pending_once() {
    let mut is_first = true;
    poll_fn(|_: &mut Context<'_>| match std::mem::take(&mut is_first) {
        true => Poll::Pending,
        false => Poll::Ready(()),
    })
    .await;
}
