//! [`Barrier`].

use std::rc::Rc;

use bibelot::spawn;
use bibelot::sync::Barrier;
use bibelot::testing::{Sim, cancel_storm};
use bibelot::time::{Duration, sleep};

use crate::support::{Trace, poll_once, same_every_time};
use crate::{now, waiting};

#[test]
fn they_go_on_together_round_by_round_and_the_last_to_come_leads() {
    same_every_time(they_go_on_together_round_by_round_and_the_last_to_come_leads);
    let trace = Trace::new();
    Sim::new().run(async {
        let barrier = Rc::new(Barrier::new(3));
        for (name, secs) in [("a", 3), ("b", 1), ("c", 2)] {
            let (barrier, trace) = (Rc::clone(&barrier), trace.clone());
            spawn(async move {
                for round in 1..=2 {
                    sleep(Duration::from_secs(secs)).await;
                    trace.say(format!("{name} comes"));
                    let leads = barrier.wait().await.is_leader();
                    trace.say(format!("{name} passes {round}, {leads}"));
                }
            });
        }
    });
    let expected = [
        "b comes",
        "c comes",
        "a comes",
        "a passes 1, true", // without a switch
        "b passes 1, false",
        "c passes 1, false",
        "b comes",
        "c comes",
        "a comes",
        "a passes 2, true",
        "b passes 2, false",
        "c passes 2, false",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn who_is_dropped_while_it_waits_leaves_the_count() {
    let barrier = Barrier::new(2);
    drop(waiting(barrier.wait()));
    let mut first = waiting(barrier.wait());
    assert_eq!(format!("{barrier:?}"), "Barrier { size: 2, waiting: 1 }");
    assert!(now(barrier.wait()).is_leader());
    // The next round is another one, also before the first has gone on.
    let next = waiting(barrier.wait());
    assert!(
        poll_once(&mut first)
            .map(|result| !result.is_leader())
            .is_ready()
    );
    drop(next);
    drop(waiting(barrier.wait()));
}

#[test]
fn one_for_nobody_or_for_one_lets_everybody_pass() {
    for size in [0, 1] {
        let barrier = Barrier::new(size);
        assert!(now(barrier.wait()).is_leader());
        assert!(now(barrier.wait()).is_leader());
    }
}

#[test]
fn the_others_pass_without_one_that_is_cancelled_anywhere() {
    same_every_time(the_others_pass_without_one_that_is_cancelled_anywhere);
    let suspensions = cancel_storm(async |storm| {
        let barrier = Rc::new(Barrier::new(2));
        let come_later = |secs| {
            let barrier = Rc::clone(&barrier);
            spawn(async move {
                sleep(Duration::from_secs(secs)).await;
                barrier.wait().await.is_leader()
            })
        };
        let other = come_later(1);
        let struck = storm.strike(barrier.wait()).await;
        assert!(struck.is_none_or(|result| !result.is_leader()));
        // If it was struck before the other had come, one is missing.
        let last = (!other.is_finished()).then(|| come_later(1));
        let led = other.await.unwrap();
        assert_eq!(led, last.is_none());
        if let Some(last) = last {
            assert!(last.await.unwrap());
        }
    });
    assert_eq!(suspensions, 1);
}
