//! [`watch`](bibelot::sync::watch).

use std::sync::mpsc::{RecvError, SendError};

use bibelot::spawn;
use bibelot::sync::watch::channel;
use bibelot::task::yield_now;
use bibelot::testing::{Sim, cancel_storm};
use bibelot::time::{Duration, sleep};

use crate::support::{Trace, panic_of, poll_once, same_every_time};
use crate::{now, waiting};

#[test]
fn who_is_slow_sees_the_newest_and_each_change_wakes_once() {
    same_every_time(who_is_slow_sees_the_newest_and_each_change_wakes_once);
    let trace = Trace::new();
    Sim::new().run(async {
        let (sender, receiver) = channel(0);
        for (name, secs) in [("quick", 0), ("slow", 2)] {
            let (receiver, trace) = (receiver.clone(), trace.clone());
            spawn(async move {
                while receiver.changed().await.is_ok() {
                    trace.say(format!("{name} sees {}", *receiver.borrow()));
                    sleep(Duration::from_secs(secs)).await;
                }
                trace.say(format!("{name} is told the end"));
            });
        }
        drop(receiver);
        for value in 1..=4 {
            yield_now().await;
            trace.say(format!("sends {value}"));
            sender.send(value).unwrap();
            sleep(Duration::from_millis(900)).await;
        }
    });
    let expected = [
        "sends 1",
        "quick sees 1",
        "slow sees 1",
        "sends 2",
        "quick sees 2",
        "sends 3",
        "quick sees 3",
        "slow sees 3", // and never 2
        "sends 4",
        "quick sees 4",
        "quick is told the end",
        "slow sees 4", // after the end
        "slow is told the end",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn what_is_new_is_so_until_it_is_seen() {
    let (sender, receiver) = channel(0);
    assert_eq!(receiver.has_changed(), Ok(false));
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    let same = receiver.clone();
    let other = sender.subscribe();
    assert_eq!((receiver.has_changed(), *receiver.borrow()), (Ok(true), 2));
    assert_eq!(other.has_changed(), Ok(false));
    assert_eq!(now(receiver.changed()), Ok(()));
    assert_eq!(receiver.has_changed(), Ok(false));
    assert_eq!(*same.borrow_and_update(), 2);
    assert_eq!(same.has_changed(), Ok(false));
    sender.send_modify(|value| *value += 1);
    assert!(!sender.send_if_modified(|value| *value > 3));
    assert_eq!((sender.send_replace(5), *sender.borrow()), (3, 5));
    let clone = sender.clone();
    drop(sender);
    assert_eq!(now(receiver.changed()), Ok(()));
    drop(clone);
    assert_eq!(now(receiver.changed()), Err(RecvError));
    assert_eq!(receiver.has_changed(), Err(RecvError));
    assert_eq!(
        (other.has_changed(), now(other.changed())),
        (Ok(true), Ok(()))
    );
    assert_eq!(now(other.changed()), Err(RecvError));
}

#[test]
fn a_sender_learns_that_nobody_watches() {
    let (sender, receiver) = channel(0);
    let other = receiver.clone();
    let mut closed = waiting(sender.closed());
    assert_eq!(sender.receiver_count(), 2);
    drop(receiver);
    assert!(poll_once(&mut closed).is_pending());
    drop(other);
    assert!(poll_once(&mut closed).is_ready());
    assert_eq!(sender.send(1), Err(SendError(1)));
    assert_eq!((sender.send_replace(2), sender.is_closed()), (0, true));
    let late = sender.subscribe();
    assert!(sender.send(3).is_ok() && *late.borrow() == 3);
}

#[test]
fn a_wait_for_some_value_looks_at_each_that_it_sees() {
    same_every_time(a_wait_for_some_value_looks_at_each_that_it_sees);
    Sim::new().run(async {
        let (sender, receiver) = channel(0);
        let other = receiver.clone();
        let waits = spawn(async move { receiver.wait_for(|value| *value > 2).await.map(|v| *v) });
        for value in 1..=4 {
            yield_now().await;
            sender.send(value).unwrap();
        }
        assert_eq!(waits.await.unwrap(), Ok(3));
        assert_eq!(other.wait_for(|value| *value == 4).await.map(|v| *v), Ok(4));
        drop(sender);
        let never = other.wait_for(|value| *value == 9).await;
        assert_eq!(never.map(|v| *v), Err(RecvError));
    });
}

#[test]
fn to_change_what_is_looked_at_is_a_panic_that_says_so() {
    let (sender, receiver) = channel(0);
    let held = receiver.borrow();
    let text = panic_of(|| sender.send(1));
    assert!(text.contains("before the next await"), "{text}");
    drop(held);
    sender.send(1).unwrap();
}

#[test]
fn a_change_is_not_seen_by_who_is_cancelled_anywhere() {
    same_every_time(a_change_is_not_seen_by_who_is_cancelled_anywhere);
    let suspensions = cancel_storm(async |storm| {
        let (sender, receiver) = channel(0);
        let other = receiver.clone();
        let waits = spawn(async move { other.changed().await });
        let sends = spawn(async move {
            sleep(Duration::from_secs(1)).await;
            sender.send(1).unwrap();
            sender
        });
        let struck = storm.strike(receiver.changed()).await;
        assert_eq!(waits.await.unwrap(), Ok(()));
        let _sender = sends.await.unwrap();
        assert_eq!(receiver.has_changed(), Ok(struck.is_none()));
    });
    assert_eq!(suspensions, 1);
}

#[test]
fn who_is_cancelled_while_it_waits_for_some_value_has_seen_what_it_looked_at() {
    same_every_time(who_is_cancelled_while_it_waits_for_some_value_has_seen_what_it_looked_at);
    let suspensions = cancel_storm(async |storm| {
        let (sender, receiver) = channel(0);
        let other = receiver.clone();
        let sends = spawn(async move {
            for value in 1..=3 {
                sleep(Duration::from_secs(1)).await;
                sender.send(value).unwrap();
            }
            sender
        });
        let struck = storm.strike(receiver.wait_for(|value| *value == 3)).await;
        let seen = struck.map(|value| *value.unwrap());
        assert!(seen.is_none_or(|value| value == 3));
        // Neither the other one nor the same one in another try misses the value.
        assert_eq!(*other.wait_for(|value| *value == 3).await.unwrap(), 3);
        assert_eq!(*receiver.wait_for(|value| *value == 3).await.unwrap(), 3);
        let sender = sends.await.unwrap();
        assert_eq!(receiver.has_changed(), Ok(false));
        assert_eq!(sender.statistics().receivers_waiting, 0);
    });
    assert_eq!(suspensions, 3, "one a change");
}

#[test]
fn a_sender_that_is_cancelled_anywhere_leaves_the_others_to_learn_that_nobody_watches() {
    same_every_time(
        a_sender_that_is_cancelled_anywhere_leaves_the_others_to_learn_that_nobody_watches,
    );
    let suspensions = cancel_storm(async |storm| {
        let (sender, receiver) = channel(0);
        let other = sender.clone();
        let waits = spawn(async move { other.closed().await });
        let leaves = spawn(async move {
            sleep(Duration::from_secs(1)).await;
            drop(receiver);
        });
        let struck = storm.strike(sender.closed()).await;
        assert!(struck.is_none() || sender.is_closed());
        waits.await.unwrap();
        leaves.await.unwrap();
        sender.closed().await;
    });
    assert_eq!(suspensions, 1);
}
