//! [`oneshot`](bibelot::sync::oneshot).

use std::sync::mpsc::{RecvError, SendError, TryRecvError};

use bibelot::spawn;
use bibelot::sync::oneshot::channel;
use bibelot::task::yield_now;
use bibelot::testing::{Sim, cancel_storm};
use bibelot::time::{Duration, sleep, timeout};

use crate::support::{Trace, panic_of, poll_once, same_every_time};
use crate::waiting;

#[test]
fn what_is_sent_is_received_once() {
    same_every_time(what_is_sent_is_received_once);
    let trace = Trace::new();
    Sim::new().run(async {
        let (sender, receiver) = channel();
        spawn({
            let trace = trace.clone();
            async move {
                trace.say("sends");
                sender.send(1).unwrap();
                trace.say("goes on");
            }
        });
        trace.say("waits");
        let received = receiver.await;
        trace.say(format!("receives {received:?}"));
    });
    assert_eq!(
        trace.take(),
        ["waits", "sends", "goes on", "receives Ok(1)"]
    );

    let (sender, mut receiver) = channel();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    sender.send(1).unwrap();
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    assert!(
        poll_once(&mut receiver)
            .map(|value| assert_eq!(value, Err(RecvError)))
            .is_ready()
    );
}

#[test]
fn each_end_learns_that_the_other_is_gone() {
    let (sender, mut receiver) = channel::<u8>();
    assert!(poll_once(&mut receiver).is_pending());
    drop(sender);
    assert!(
        poll_once(&mut receiver)
            .map(|value| assert_eq!(value, Err(RecvError)))
            .is_ready()
    );

    let (sender, receiver) = channel();
    let mut closed = waiting(sender.closed());
    assert_eq!(format!("{sender:?}"), "Sender { is_closed: false, .. }");
    drop(receiver);
    assert!(poll_once(&mut closed).is_ready());
    drop(closed);
    assert!(sender.is_closed());
    assert_eq!(sender.send(1), Err(SendError(1)));

    let (sender, mut receiver) = channel();
    receiver.close();
    assert_eq!(sender.send(1), Err(SendError(1)));
    assert!(
        poll_once(&mut receiver)
            .map(|value| assert_eq!(value, Err(RecvError)))
            .is_ready()
    );
    // What was sent before can still be had.
    let (sender, mut receiver) = channel();
    sender.send(1).unwrap();
    receiver.close();
    assert_eq!(receiver.try_recv(), Ok(1));
}

#[test]
fn a_wait_that_runs_out_of_time_can_be_taken_up_again() {
    same_every_time(a_wait_that_runs_out_of_time_can_be_taken_up_again);
    Sim::new().run(async {
        let (sender, mut receiver) = channel();
        let second = Duration::from_secs(1);
        assert!(timeout(second, &mut receiver).await.is_err());
        spawn(async move {
            sleep(second).await;
            sender.send(1)
        });
        assert_eq!(timeout(second * 2, &mut receiver).await, Ok(Ok(1)));
    });
}

#[test]
fn a_value_that_is_not_received_is_dropped() {
    let trace = Trace::new();
    let (sender, receiver) = channel();
    sender.send(trace.on_drop("dropped")).ok().unwrap();
    drop(receiver);
    assert_eq!(trace.take(), ["dropped"]);
}

#[test]
fn who_waits_for_nobody_is_told_where() {
    same_every_time(who_waits_for_nobody_is_told_where);
    let mut line = 0;
    let text = panic_of(|| {
        Sim::new().run(async {
            let (_sender, receiver) = channel::<u8>();
            line = line!() + 1;
            let _value = receiver.await;
        });
    });
    let place = format!("waits for a oneshot's value at tests/sync/oneshot.rs:{line}");
    assert!(text.contains(&place), "{place} is not in: {text}");
}

#[test]
fn a_receiver_that_is_cancelled_anywhere_tells_the_sender() {
    same_every_time(a_receiver_that_is_cancelled_anywhere_tells_the_sender);
    let suspensions = cancel_storm(async |storm| {
        let (sender, receiver) = channel();
        let trace = Trace::new();
        let value = trace.on_drop("dropped");
        let sends = spawn(async move {
            yield_now().await;
            sender.send(value).is_ok()
        });
        let struck = storm.strike(receiver).await;
        let is_sent = sends.await.unwrap();
        assert!(is_sent || struck.is_none());
        drop(struck);
        assert_eq!(trace.take(), ["dropped"]);
    });
    assert_eq!(suspensions, 1);
}

#[test]
fn a_sender_that_is_cancelled_anywhere_while_it_waits_for_the_end_may_still_send() {
    same_every_time(a_sender_that_is_cancelled_anywhere_while_it_waits_for_the_end_may_still_send);
    let suspensions = cancel_storm(async |storm| {
        let (sender, mut receiver) = channel();
        let leaves = spawn(async move {
            sleep(Duration::from_secs(1)).await;
            receiver.close();
            receiver.await
        });
        let struck = storm.strike(sender.closed()).await;
        assert!(struck.is_none() || sender.is_closed());
        assert_eq!(
            sender.statistics().senders_waiting,
            0,
            "it has left the line"
        );
        let is_early = !sender.is_closed();
        assert_eq!(sender.send(1).is_ok(), is_early);
        assert_eq!(leaves.await.unwrap().is_ok(), is_early);
    });
    assert_eq!(suspensions, 1);
}
