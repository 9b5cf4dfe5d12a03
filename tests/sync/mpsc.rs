//! [`mpsc`]: with room for any number, for some, and for none.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};

use bibelot::spawn;
use bibelot::sync::mpsc::{Receiver, SendTimeoutError, channel, sync_channel};
use bibelot::task::yield_now;
use bibelot::testing::{Sim, cancel_storm};
use bibelot::time::{Duration, Instant, sleep};

use crate::support::{Trace, on_drop, panic_of, poll_once, same_every_time};
use crate::{now, waiting};

/// So many seconds.
fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// All that comes.
async fn drain<T>(receiver: Receiver<T>) -> Vec<T> {
    let mut items = receiver.into_iter();
    let mut drained = Vec::new();
    while let Some(item) = items.next().await {
        drained.push(item);
    }
    drained
}

#[test]
fn a_channel_without_a_limit_never_waits_to_send_and_keeps_the_order() {
    let (sender, receiver) = channel();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    for item in 0..100 {
        sender.send(item).unwrap();
    }
    assert_eq!(now(receiver.recv()), Ok(0));
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(
        receiver.try_iter().collect::<Vec<_>>(),
        (2..100).collect::<Vec<_>>()
    );
    sender.send(7).unwrap();
    drop(sender);
    assert_eq!(now(receiver.iter().next()), Some(7));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(now(receiver.recv()), Err(RecvError));
    assert_eq!(now(receiver.iter().next()), None);
}

/// trio's `test_channel_multiple_producers` and `test_channel_multiple_consumers`.
#[test]
fn what_many_send_many_receive_each_once_and_in_turn() {
    same_every_time(what_many_send_many_receive_each_once_and_in_turn);
    for bound in 0..4 {
        for seed in 0..20 {
            Sim::new().seed(seed).run(async {
                let (sender, receiver) = sync_channel(bound);
                for from in 0..3 {
                    let sender = sender.clone();
                    spawn(async move {
                        for item in from * 10..from * 10 + 10 {
                            sender.send(item).await.unwrap();
                        }
                    });
                }
                drop(sender);
                let receivers = [(); 3].map(|()| spawn(drain(receiver.clone())));
                drop(receiver);
                let mut all = Vec::new();
                for receiver in receivers {
                    let some = receiver.await.unwrap();
                    for from in 0..3 {
                        assert!(some.iter().filter(|item| *item / 10 == from).is_sorted());
                    }
                    all.extend(some);
                }
                all.sort_unstable();
                assert_eq!(all, (0..30).collect::<Vec<_>>());
            });
        }
    }
}

/// trio's `test_channel_fairness`: one that takes and gives in a loop does not starve another.
#[test]
fn who_waits_is_served_before_who_comes_back() {
    let (sender, receiver) = channel();
    let mut first = waiting(receiver.recv());
    let mut second = waiting(receiver.recv());
    sender.send(1).unwrap();
    assert_eq!(
        receiver.try_recv(),
        Err(TryRecvError::Empty),
        "it is granted"
    );
    let mut third = waiting(receiver.recv());
    sender.send(2).unwrap();
    assert!(poll_once(&mut third).is_pending());
    assert!(
        poll_once(&mut first)
            .map(|item| assert_eq!(item, Ok(1)))
            .is_ready()
    );
    assert!(
        poll_once(&mut second)
            .map(|item| assert_eq!(item, Ok(2)))
            .is_ready()
    );
    drop(sender);
    assert!(
        poll_once(&mut third)
            .map(|item| assert_eq!(item, Err(RecvError)))
            .is_ready()
    );
}

#[test]
fn a_full_channel_makes_senders_wait_in_their_order() {
    same_every_time(a_full_channel_makes_senders_wait_in_their_order);
    let trace = Trace::new();
    Sim::new().run(async {
        let (sender, receiver) = sync_channel(1);
        for name in ["a", "b", "c"] {
            let (sender, trace) = (sender.clone(), trace.clone());
            spawn(async move {
                sender.send(name).await.unwrap();
                trace.say(format!("{name} sent"));
            });
        }
        sleep(seconds(1)).await;
        assert_eq!(sender.try_send("late"), Err(TrySendError::Full("late")));
        drop(sender);
        while let Ok(name) = receiver.recv().await {
            trace.say(format!("received {name}"));
            sleep(seconds(1)).await;
        }
    });
    let expected = [
        "a sent",
        "received a",
        "b sent",
        "received b",
        "c sent",
        "received c",
    ];
    assert_eq!(trace.take(), expected);
}

/// trio's `test_unbuffered`.
#[test]
fn a_rendezvous_is_over_when_the_item_was_received() {
    same_every_time(a_rendezvous_is_over_when_the_item_was_received);
    let trace = Trace::new();
    Sim::new().run(async {
        let (sender, receiver) = sync_channel(0);
        assert_eq!(sender.try_send(0), Err(TrySendError::Full(0)));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        let sends = spawn({
            let trace = trace.clone();
            async move {
                for item in 1..=2 {
                    trace.say(format!("sends {item}"));
                    sender.send(item).await.unwrap();
                    trace.say(format!("{item} is received"));
                }
                sender
            }
        });
        sleep(seconds(1)).await;
        trace.say(format!("receives {:?}", receiver.try_recv()));
        yield_now().await;
        trace.say(format!("receives {:?}", receiver.recv().await));
        let sender = sends.await.unwrap();
        let receives = spawn(async move { (receiver.recv().await, receiver.recv().await) });
        yield_now().await;
        sender.try_send(3).unwrap();
        sender.send(4).await.unwrap();
        assert_eq!(receives.await.unwrap(), (Ok(3), Ok(4)));
        assert_eq!(sender.send(5).await, Err(SendError(5)));
        assert_eq!(sender.try_send(5), Err(TrySendError::Disconnected(5)));
    });
    let expected = [
        "sends 1",
        "receives Ok(1)",
        "1 is received",
        "sends 2",
        "receives Ok(2)",
        "2 is received",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn an_item_of_a_rendezvous_comes_back_unless_a_receiver_was_granted_it() {
    let (sender, receiver) = sync_channel(0);
    let offered = waiting(sender.send(1));
    let mut behind = waiting(sender.send(2));
    drop(offered);
    assert!(poll_once(&mut behind).is_pending());
    assert_eq!(receiver.try_recv(), Ok(2));
    assert!(poll_once(&mut behind).is_ready());

    let first = waiting(receiver.recv());
    let mut second = waiting(receiver.recv());
    drop(waiting(sender.send(3)));
    drop(first);
    assert!(
        poll_once(&mut second)
            .map(|item| assert_eq!(item, Ok(3)))
            .is_ready()
    );

    // Nobody is left who was granted it, and its sender has gone: it waits for the next.
    let first = waiting(receiver.recv());
    drop(waiting(sender.send(4)));
    drop(first);
    let mut late = waiting(sender.send(5));
    assert_eq!(receiver.try_recv(), Ok(4));
    assert!(poll_once(&mut late).is_pending());
    assert_eq!(now(receiver.recv()), Ok(5));
    assert!(poll_once(&mut late).is_ready());
}

/// trio's `test_close_basics`, `test_close_multiple_send_handles` and `…_receive_handles`.
#[test]
fn the_last_handle_of_a_side_tells_the_other() {
    for bound in 0..3 {
        let (sender, receiver) = sync_channel::<u8>(bound);
        let other = sender.clone();
        let mut receives = waiting(receiver.recv());
        drop(sender);
        assert!(poll_once(&mut receives).is_pending());
        drop(other);
        assert!(
            poll_once(&mut receives)
                .map(|item| assert_eq!(item, Err(RecvError)))
                .is_ready()
        );
        drop(receives);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));

        let dropped = Rc::new(Cell::new(0));
        let item = || {
            let dropped = Rc::clone(&dropped);
            on_drop(move || dropped.set(dropped.get() + 1))
        };
        let (sender, receiver) = sync_channel(bound);
        let other = receiver.clone();
        for _ in 0..bound {
            assert!(sender.try_send(item()).is_ok());
        }
        let mut sends = waiting(sender.send(item()));
        let mut sends_too = waiting(sender.send(item()));
        drop(receiver);
        assert!(poll_once(&mut sends).is_pending());
        drop(other);
        assert_eq!(dropped.get(), bound, "what nobody will receive");
        assert!(
            poll_once(&mut sends)
                .map(|sent| assert!(sent.is_err()))
                .is_ready()
        );
        assert!(
            poll_once(&mut sends_too)
                .map(|sent| assert!(sent.is_err()))
                .is_ready()
        );
        assert_eq!(dropped.get(), bound + 2);
        assert!(matches!(
            sender.try_send(item()),
            Err(TrySendError::Disconnected(_))
        ));
    }
    let (sender, receiver) = channel();
    drop(receiver);
    assert_eq!(sender.send(1), Err(SendError(1)));
}

#[test]
fn waits_with_a_time_limit_say_what_ended_them_and_give_the_item_back() {
    same_every_time(waits_with_a_time_limit_say_what_ended_them_and_give_the_item_back);
    for bound in [0, 1] {
        Sim::new().run(async {
            let (sender, receiver) = sync_channel(bound);
            let start = Instant::now();
            let outcome = receiver.recv_timeout(seconds(1)).await;
            assert_eq!(outcome, Err(RecvTimeoutError::Timeout));
            if bound == 1 {
                sender.send_timeout(0, seconds(1)).await.unwrap();
            }
            let outcome = sender.send_timeout(1, seconds(1)).await;
            assert_eq!(outcome, Err(SendTimeoutError::Timeout(1)));
            assert_eq!(start.elapsed(), seconds(2));
            if bound == 1 {
                assert_eq!(receiver.recv_timeout(seconds(1)).await, Ok(0));
            }
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));

            let receives = spawn(async move {
                sleep(seconds(1)).await;
                (receiver.recv().await, receiver)
            });
            sender.send_timeout(2, seconds(2)).await.unwrap();
            let (received, receiver) = receives.await.unwrap();
            assert_eq!(received, Ok(2));
            if bound == 1 {
                sender.try_send(3).unwrap();
            }
            spawn(async move {
                sleep(seconds(1)).await;
                drop(receiver);
            });
            let outcome = sender.send_timeout(4, seconds(2)).await;
            assert_eq!(outcome, Err(SendTimeoutError::Disconnected(4)));
            let (sender, receiver) = channel::<u8>();
            drop(sender);
            let outcome = receiver.recv_timeout(seconds(1)).await;
            assert_eq!(outcome, Err(RecvTimeoutError::Disconnected));
        });
    }
    let text = SendTimeoutError::Timeout(1).to_string();
    assert_eq!(text, "timed out waiting on send operation");
    let text = SendTimeoutError::Disconnected(1).to_string();
    assert_eq!(text, "sending on a closed channel");
    assert_eq!(format!("{:?}", SendTimeoutError::Timeout(1)), "Timeout(..)");
}

#[test]
fn who_waits_to_send_is_woken_when_the_last_receiver_leaves() {
    same_every_time(who_waits_to_send_is_woken_when_the_last_receiver_leaves);
    for bound in [0, 1] {
        Sim::new().run(async {
            let (sender, receiver) = sync_channel(bound);
            let senders = [1, 2, 3].map(|item| {
                let sender = sender.clone();
                spawn(async move { sender.send(item).await })
            });
            sleep(seconds(1)).await;
            drop(receiver);
            let start = Instant::now();
            for (nth, sender) in (1..).zip(senders) {
                let sent = sender.await.unwrap();
                // What lies in the channel was sent, and is lost; what waits beside it was not.
                let is_in = bound == 1 && nth == 1;
                assert_eq!(sent, if is_in { Ok(()) } else { Err(SendError(nth)) });
            }
            assert_eq!(start.elapsed(), Duration::ZERO);
        });
    }
}

#[test]
fn an_item_is_received_or_dropped_once_whoever_is_cancelled_anywhere() {
    same_every_time(an_item_is_received_or_dropped_once_whoever_is_cancelled_anywhere);
    for bound in 0..3 {
        // A sender.
        let suspensions = cancel_storm(async |storm| {
            let (sender, receiver) = sync_channel(bound);
            let receives = spawn(async move {
                sleep(seconds(1)).await;
                drain(receiver).await
            });
            let other = sender.clone();
            let sends = spawn(async move {
                for item in 10..14 {
                    other.send(item).await.unwrap();
                }
            });
            let struck = storm.strike(async {
                for item in 0..4 {
                    sender.send(item).await.unwrap();
                }
            });
            let is_whole = struck.await.is_some();
            drop(sender);
            sends.await.unwrap();
            let mut received = receives.await.unwrap();
            received.sort_unstable();
            let mine = received.iter().filter(|item| **item < 10);
            assert!(mine.clone().copied().eq(0..mine.clone().count()));
            assert!(is_whole <= (mine.count() == 4));
            assert!(received.ends_with(&[10, 11, 12, 13]));
        });
        assert!(suspensions >= 2, "{suspensions}");
        // A receiver.
        let suspensions = cancel_storm(async |storm| {
            let (sender, receiver) = sync_channel(bound);
            let sends = spawn(async move {
                for item in 0..6 {
                    sleep(seconds(1)).await;
                    sender.send(item).await.unwrap();
                }
            });
            let mine = Cell::new(0);
            let other = receiver.clone();
            let struck = storm.strike(async {
                while receiver.recv().await.is_ok() {
                    mine.set(mine.get() + 1);
                }
            });
            let others = spawn(drain(other));
            struck.await;
            sends.await.unwrap();
            drop(receiver);
            assert_eq!(mine.get() + others.await.unwrap().len(), 6);
        });
        assert!(suspensions >= 3, "{suspensions}");
    }
}

#[test]
fn a_destructor_may_use_the_channel_that_it_lay_in() {
    let (sender, receiver) = channel::<Option<Box<dyn Any>>>();
    let (inside, counted) = (sender.clone(), Rc::new(Cell::new(0)));
    let count = Rc::clone(&counted);
    let item = on_drop(move || {
        count.set(count.get() + 1);
        assert!(inside.send(None).is_err());
    });
    sender.send(Some(Box::new(item))).ok().unwrap();
    drop(receiver);
    assert_eq!(counted.get(), 1);
}

#[test]
fn who_waits_for_a_handle_that_it_holds_itself_is_told_where() {
    same_every_time(who_waits_for_a_handle_that_it_holds_itself_is_told_where);
    let mut line = 0;
    let text = panic_of(|| {
        Sim::new().run(async {
            let (_sender, receiver) = channel::<u8>();
            line = line!() + 1;
            let _item = receiver.iter().next().await;
        });
    });
    let place = format!("waits for a channel's item at tests/sync/mpsc.rs:{line}");
    assert!(text.contains(&place), "{place} is not in: {text}");
}

/// Some items come before the time of a wait is up, some after, and some at that very moment.
#[test]
fn an_item_is_received_once_whoever_runs_out_of_time_or_is_cancelled_anywhere() {
    same_every_time(an_item_is_received_once_whoever_runs_out_of_time_or_is_cancelled_anywhere);
    for bound in 0..3 {
        // The last: as the time is up, but before it is seen.
        for (limit, is_first) in [(400, false), (1000, false), (1000, true)] {
            let limit = Duration::from_millis(limit);
            let (timeouts, whole) = (Cell::new(0), Cell::new(0));
            let suspensions = cancel_storm(async |storm| {
                let (sender, receiver) = sync_channel(bound);
                let sends = spawn(async move {
                    for item in 0..4 {
                        sleep(seconds(1)).await;
                        sender.send(item).await.unwrap();
                    }
                });
                if is_first {
                    yield_now().await;
                }
                timeouts.set(0);
                let received = RefCell::new(Vec::new());
                let struck = storm.strike(async {
                    loop {
                        match receiver.recv_timeout(limit).await {
                            Ok(item) => received.borrow_mut().push(item),
                            Err(RecvTimeoutError::Timeout) => timeouts.set(timeouts.get() + 1),
                            Err(RecvTimeoutError::Disconnected) => return,
                        }
                    }
                });
                if struck.await.is_some() {
                    whole.set(received.borrow().len());
                }
                let statistics = receiver.statistics();
                assert_eq!(statistics.receivers_waiting, 0);
                let mut received = received.take();
                received.extend(drain(receiver).await);
                assert_eq!(received, [0, 1, 2, 3]);
                sends.await.unwrap();
            });
            assert!(suspensions >= 4, "{suspensions}");
            assert_eq!(whole.get(), 4);
            // In a rendezvous the sender sleeps again only after the receiver waits again.
            assert_eq!(timeouts.get() == 0, is_first && bound > 0);
        }
    }
}

#[test]
fn an_item_is_sent_or_given_back_whoever_runs_out_of_time_or_is_cancelled_anywhere() {
    same_every_time(
        an_item_is_sent_or_given_back_whoever_runs_out_of_time_or_is_cancelled_anywhere,
    );
    for bound in 0..3 {
        for limit in [seconds(1), Duration::from_millis(400)] {
            let timeouts = Cell::new(0);
            let suspensions = cancel_storm(async |storm| {
                let (sender, receiver) = sync_channel(bound);
                let receives = spawn(async move {
                    let mut received = Vec::new();
                    loop {
                        sleep(seconds(1)).await;
                        match receiver.recv().await {
                            Ok(item) => received.push(item),
                            Err(RecvError) => return received,
                        }
                    }
                });
                let (sent, back) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
                let struck = storm.strike(async {
                    for item in 0..6 {
                        match sender.send_timeout(item, limit).await {
                            Ok(()) => sent.borrow_mut().push(item),
                            Err(SendTimeoutError::Timeout(item)) => back.borrow_mut().push(item),
                            Err(SendTimeoutError::Disconnected(_)) => unreachable!("it is there"),
                        }
                    }
                });
                let is_struck = struck.await.is_none();
                assert_eq!(sender.statistics().senders_waiting, 0);
                drop(sender);
                let (sent, back) = (sent.take(), back.take());
                timeouts.set(back.len());
                let received = receives.await.unwrap();
                // Of what is cancelled, a receiver may have been granted the item in a rendezvous.
                assert!(received.starts_with(&sent), "{sent:?}, {received:?}");
                let granted = received.len() - sent.len();
                assert!(granted <= usize::from(is_struck && bound == 0));
                assert!(received.iter().all(|item| !back.contains(item)));
                assert!(is_struck || sent.len() + back.len() == 6);
            });
            assert!(suspensions >= 3, "{suspensions}");
            assert!(timeouts.get() >= 1, "some are late");
        }
    }
}

#[test]
fn an_iteration_that_is_cancelled_anywhere_is_gone_on_with() {
    same_every_time(an_iteration_that_is_cancelled_anywhere_is_gone_on_with);
    for bound in 0..3 {
        let suspensions = cancel_storm(async |storm| {
            let (sender, receiver) = sync_channel(bound);
            let sends = spawn(async move {
                for item in 0..6 {
                    if item % 2 == 0 {
                        sleep(seconds(1)).await;
                    }
                    sender.send(item).await.unwrap();
                }
            });
            let mut received = Vec::new();
            let mut items = receiver.iter();
            let struck = storm.strike(async {
                for _ in 0..3 {
                    received.push(items.next().await.unwrap());
                }
            });
            struck.await;
            let mut items = receiver.into_iter();
            let mut rest = Vec::new();
            let struck = storm.strike(async {
                while let Some(item) = items.next().await {
                    rest.push(item);
                }
            });
            struck.await;
            received.append(&mut rest);
            while let Some(item) = items.next().await {
                received.push(item);
            }
            assert_eq!(received, [0, 1, 2, 3, 4, 5]);
            sends.await.unwrap();
        });
        assert!(suspensions >= 3, "{suspensions}");
    }
}
