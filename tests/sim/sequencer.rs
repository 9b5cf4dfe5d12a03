//! The sequencer: one interleaving, and no other.

use std::future::pending;
use std::rc::Rc;

use bibelot::spawn;
use bibelot::task::{join, race, scope, yield_now};
use bibelot::testing::{Sequencer, Sim};
use bibelot::time::{sleep, timeout};

use crate::SECOND;
use crate::support::{Trace, panic_of, poll_once, same_every_time, text_of, without_places};

#[test]
fn steps_come_in_their_order_whatever_the_schedule() {
    same_every_time(steps_come_in_their_order_whatever_the_schedule);
    for seed in 0..50 {
        let trace = Trace::new();
        let sequencer = Sequencer::new();
        Sim::new().seed(seed).run(scope(async |s| {
            for steps in [[0, 5, 6], [8, 3, 1], [4, 2, 7]] {
                // Each in a task of its own; those of one column begin together.
                for step in steps {
                    let (sequencer, trace) = (&sequencer, &trace);
                    s.spawn(async move {
                        let _guard = sequencer.step(step).await;
                        trace.say(format!("{step} begins"));
                        yield_now().await;
                        trace.say(format!("{step} ends"));
                    });
                }
            }
        }));
        let expected = (0..9).flat_map(|step| [format!("{step} begins"), format!("{step} ends")]);
        assert_eq!(trace.take(), expected.collect::<Vec<_>>());
    }
}

#[test]
fn two_tasks_are_made_to_take_turns() {
    same_every_time(two_tasks_are_made_to_take_turns);
    let (trace, sequencer) = (Trace::new(), Rc::new(Sequencer::new()));
    Sim::new().run(async {
        for (name, steps) in [("odd", [1, 3, 5]), ("even", [0, 2, 4])] {
            let (said, sequencer) = (trace.clone(), Rc::clone(&sequencer));
            drop(spawn(async move {
                for step in steps {
                    let _guard = sequencer.step(step).await;
                    sleep(SECOND).await;
                    said.say(format!("{name} {step}"));
                }
            }));
        }
    });
    let expected = ["even 0", "odd 1", "even 2", "odd 3", "even 4", "odd 5"];
    assert_eq!(trace.take(), expected);
}

#[test]
fn the_first_step_and_one_whose_turn_it_is_do_not_wait() {
    same_every_time(the_first_step_and_one_whose_turn_it_is_do_not_wait);
    Sim::new().run(async {
        let sequencer = Sequencer::new();
        for step in 0..3 {
            assert!(poll_once(&mut sequencer.step(step)).is_ready());
        }
    });
}

#[test]
fn a_step_that_is_used_twice_is_a_panic_that_says_where_it_was_used() {
    same_every_time(a_step_that_is_used_twice_is_a_panic_that_says_where_it_was_used);
    let sequencer = Sequencer::new();
    Sim::new().run(async {
        let base = line!();
        let guard = sequencer.step(0).await; // base + 1
        let mut later = sequencer.step(1); // base + 2
        assert!(poll_once(&mut later).is_pending());
        let again = |step| panic_of(|| poll_once(&mut sequencer.step(step)));
        let here = file!();
        let expected = |step, line, column: u32| {
            format!(
                "step {step} at here was asked for before at {here}:{}:{column}; each is for one use",
                base + line
            )
        };
        let without = |text: String| {
            let (own, before) = text.split_once(" was asked").unwrap();
            format!("{} was asked{before}", without_places(own))
        };
        assert_eq!(without(again(0)), expected(0, 1, 31));
        assert_eq!(without(again(1)), expected(1, 2, 35));
        drop(guard);
        assert_eq!(
            without_places(&again(0)),
            "step 0 at here was asked for before; each is for one use"
        );
        // Nothing is broken by that.
        drop(later.await);
        assert!(poll_once(&mut sequencer.step(2)).is_ready());
    });
}

#[test]
fn one_that_is_cancelled_before_its_turn_breaks_the_sequence_for_all_others() {
    same_every_time(one_that_is_cancelled_before_its_turn_breaks_the_sequence_for_all_others);
    let sequencer = Rc::new(Sequencer::new());
    Sim::new().run(async {
        let take = |step| {
            let sequencer = Rc::clone(&sequencer);
            spawn(async move { drop(sequencer.step(step).await) })
        };
        let (second, third) = (take(2), take(3));
        yield_now().await;
        assert!(timeout(SECOND, sequencer.step(1)).await.is_err());
        for (step, task) in [(2, second), (3, third), (4, take(4)), (0, take(0))] {
            let payload = task.await.unwrap_err().into_panic();
            assert_eq!(
                without_places(&text_of(&*payload)),
                format!(
                    "the sequence is broken: step 1 of here was cancelled before its turn, so step {step} \
                     at here never comes"
                )
            );
        }
    });
    assert!(format!("{sequencer:?}").contains("is_broken: true"));
}

#[test]
fn one_that_is_cancelled_between_its_turn_and_its_poll_breaks_it_too() {
    same_every_time(one_that_is_cancelled_between_its_turn_and_its_poll_breaks_it_too);
    Sim::new().run(async {
        let sequencer = Sequencer::new();
        let guard = sequencer.step(0).await;
        let mut next = sequencer.step(1);
        assert!(poll_once(&mut next).is_pending());
        drop(guard);
        drop(next);
        let text = panic_of(|| poll_once(&mut sequencer.step(2)));
        assert!(
            text.starts_with("the sequence is broken: step 1 "),
            "{text}"
        );
    });
}

#[test]
fn one_that_is_dropped_unpolled_or_is_cancelled_in_its_step_breaks_nothing() {
    same_every_time(one_that_is_dropped_unpolled_or_is_cancelled_in_its_step_breaks_nothing);
    Sim::new().run(async {
        let sequencer = Sequencer::new();
        drop(sequencer.step(3));
        let in_step = async {
            let _guard = sequencer.step(0).await;
            pending::<()>().await;
        };
        assert!(timeout(SECOND, in_step).await.is_err());
        drop(sequencer.step(1).await);
        drop(join(sequencer.step(2), async {}).await);
        assert!(poll_once(&mut sequencer.step(3)).is_ready());
    });
}

#[test]
fn a_panic_in_a_step_lets_the_next_one_in() {
    same_every_time(a_panic_in_a_step_lets_the_next_one_in);
    let sequencer = Rc::new(Sequencer::new());
    Sim::new().run(async {
        let own = Rc::clone(&sequencer);
        let sore = spawn(async move {
            let _guard = own.step(0).await;
            panic!("on purpose");
        });
        drop(sequencer.step(1).await);
        assert!(sore.await.unwrap_err().is_panic());
    });
}

#[test]
fn who_waits_for_a_step_that_nobody_takes_is_told_in_the_deadlock() {
    same_every_time(who_waits_for_a_step_that_nobody_takes_is_told_in_the_deadlock);
    let mut line = 0;
    let text = panic_of(|| {
        Sim::new().run(async {
            let sequencer = Sequencer::new();
            line = line!() + 1;
            drop(sequencer.step(1).await);
        })
    });
    let place = format!("waits for its step of a sequence at {}:{line}:", file!());
    assert!(text.contains(&place), "{place} is not in: {text}");
}

#[test]
fn a_race_that_a_step_loses_breaks_it() {
    same_every_time(a_race_that_a_step_loses_breaks_it);
    Sim::new().run(async {
        let sequencer = Sequencer::new();
        race(
            async {
                drop(sequencer.step(1).await);
            },
            sleep(SECOND),
        )
        .await;
        assert!(format!("{sequencer:?}").contains("is_broken: true"));
    });
}
