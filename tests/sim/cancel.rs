//! Whatever is cancelled while it settles, advances or waits for a step: nothing is left behind.

use std::rc::Rc;

use bibelot::spawn;
use bibelot::task::yield_now;
use bibelot::testing::{Sequencer, advance, cancel_storm, settle};
use bibelot::time::{Instant, sleep};

use crate::support::{Trace, same_every_time};
use crate::{SECOND, ms, s};

#[test]
fn a_settle_that_is_cancelled_anywhere_leaves_nobody_behind() {
    same_every_time(a_settle_that_is_cancelled_anywhere_leaves_nobody_behind);
    let suspensions = cancel_storm(async |storm| {
        let others = [spawn(settle()), spawn(settle())];
        storm
            .strike(async {
                settle().await;
                yield_now().await;
                settle().await;
            })
            .await;
        for other in others {
            other.await.unwrap();
        }
        settle().await;
    });
    assert_eq!(suspensions, 3);
}

#[test]
fn an_advance_that_is_cancelled_anywhere_leaves_the_clock_to_the_others() {
    same_every_time(an_advance_that_is_cancelled_anywhere_leaves_the_clock_to_the_others);
    let suspensions = cancel_storm(async |storm| {
        let start = Instant::now();
        let other = spawn(async move {
            advance(s(3)).await;
            start.elapsed()
        });
        let sleeper = spawn(sleep(ms(1500)));
        let struck = storm.strike(async {
            advance(SECOND).await;
            advance(SECOND).await;
            start.elapsed()
        });
        if let Some(when) = struck.await {
            assert_eq!(when, s(2));
        }
        sleeper.await.unwrap();
        assert_eq!(other.await.unwrap(), s(3));
        assert_eq!(start.elapsed(), s(3));
    });
    assert_eq!(suspensions, 2);
}

#[test]
fn a_step_that_is_cancelled_anywhere_either_was_its_own_or_breaks_the_sequence() {
    same_every_time(a_step_that_is_cancelled_anywhere_either_was_its_own_or_breaks_the_sequence);
    let trace = Trace::new();
    let suspensions = cancel_storm(async |storm| {
        let sequencer = Rc::new(Sequencer::new());
        let struck = async {
            sleep(SECOND).await;
            drop(sequencer.step(1).await);
            let _guard = sequencer.step(2).await;
            yield_now().await;
        };
        let own = Rc::clone(&sequencer);
        let first = spawn(async move {
            let _guard = own.step(0).await;
            sleep(s(2)).await;
        });
        storm.strike(struck).await;
        first.await.unwrap();
        let state = format!("{sequencer:?}");
        // Nobody is left in line, whatever has happened.
        assert!(state.contains("is_taken: false, waiting: []"), "{state}");
        trace.say(
            state
                .replace("Sequencer { ", "")
                .replace(" is_taken: false, waiting: [],", ""),
        );
    });
    assert_eq!(suspensions, 3);
    let [before, within, after] = [
        "current: 1, is_broken: false }",
        "current: 1, is_broken: true }",
        "current: 3, is_broken: false }",
    ];
    assert_eq!(
        trace.take(),
        [before, before, within, within, after, after, after]
    );
}
