//! [`broadcast`](bibelot::sync::broadcast).

use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc::SendError;

use bibelot::spawn;
use bibelot::sync::broadcast::{RecvError, TryRecvError, channel};
use bibelot::task::yield_now;
use bibelot::testing::{Sim, cancel_storm};
use bibelot::time::{Duration, sleep};

use crate::support::{Trace, panic_of, poll_once, same_every_time};
use crate::{now, waiting};

#[test]
fn all_receive_all_and_who_is_slow_is_told_what_it_has_missed() {
    same_every_time(all_receive_all_and_who_is_slow_is_told_what_it_has_missed);
    let trace = Trace::new();
    Sim::new().run(async {
        let (sender, receiver) = channel(2);
        for (name, secs) in [("quick", 0), ("slow", 3)] {
            let (receiver, trace) = (receiver.resubscribe(), trace.clone());
            spawn(async move {
                loop {
                    let received = receiver.recv().await;
                    trace.say(format!("{name}: {received:?}"));
                    if received == Err(RecvError::Closed) {
                        break;
                    }
                    sleep(Duration::from_secs(secs)).await;
                }
            });
        }
        drop(receiver);
        for value in 1..=4 {
            sleep(Duration::from_millis(900)).await;
            assert_eq!(sender.send(value), Ok(2));
        }
    });
    let expected = [
        "quick: Ok(1)",
        "slow: Ok(1)",
        "quick: Ok(2)",
        "quick: Ok(3)",
        "quick: Ok(4)",
        "quick: Err(Closed)",
        "slow: Err(Lagged(1))",
        "slow: Ok(3)",
        "slow: Ok(4)",
        "slow: Err(Closed)",
    ];
    assert_eq!(trace.take(), expected);
}

#[test]
fn who_comes_receives_what_is_sent_from_then_on() {
    let (sender, first) = channel(8);
    assert_eq!(first.try_recv(), Err(TryRecvError::Empty));
    sender.send(1).unwrap();
    let second = sender.subscribe();
    sender.clone().send(2).unwrap();
    assert_eq!((first.len(), second.len(), sender.len()), (2, 1, 2));
    assert_eq!((first.try_recv(), first.try_recv()), (Ok(1), Ok(2)));
    assert_eq!(sender.len(), 1, "what all have received is let go");
    assert_eq!(now(second.recv()), Ok(2));
    assert!(sender.is_empty() && second.is_empty());
    drop((first, second));
    assert_eq!(sender.send(3), Err(SendError(3)));
    let third = sender.subscribe();
    assert_eq!(sender.send(4), Ok(1));
    drop(sender);
    assert_eq!(
        (third.try_recv(), third.try_recv()),
        (Ok(4), Err(TryRecvError::Closed))
    );
}

#[test]
fn who_waits_is_woken_by_the_next_value_and_by_the_end() {
    let (sender, receiver) = channel(1);
    let other = receiver.resubscribe();
    let mut waits = waiting(receiver.recv());
    let mut waits_too = waiting(receiver.recv());
    sender.send(1).unwrap();
    assert!(
        poll_once(&mut waits)
            .map(|value| assert_eq!(value, Ok(1)))
            .is_ready()
    );
    assert!(
        poll_once(&mut waits_too).is_pending(),
        "it is the same receiver"
    );
    sender.send(2).unwrap();
    assert_eq!(now(other.recv()), Err(RecvError::Lagged(1)));
    assert!(
        poll_once(&mut waits_too)
            .map(|value| assert_eq!(value, Ok(2)))
            .is_ready()
    );
    let mut waits = waiting(receiver.recv());
    drop(sender);
    assert!(
        poll_once(&mut waits)
            .map(|value| assert_eq!(value, Err(RecvError::Closed)))
            .is_ready()
    );
    assert_eq!(now(other.recv()), Ok(2));
}

/// Counts its clones, and those that are alive.
struct Counted(Rc<Cell<(i32, i32)>>);

impl Counted {
    fn add(counts: &Rc<Cell<(i32, i32)>>, clones: i32) -> Self {
        let (cloned, alive) = counts.get();
        counts.set((cloned + clones, alive + 1));
        Self(Rc::clone(counts))
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::add(&self.0, 1)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let (cloned, alive) = self.0.get();
        self.0.set((cloned, alive - 1));
    }
}

#[test]
fn a_value_is_cloned_for_all_but_the_last_and_dropped_when_nobody_wants_it() {
    let counts = Rc::default();
    let (sender, first) = channel(2);
    let (second, third) = (first.resubscribe(), first.resubscribe());
    sender.send(Counted::add(&counts, 0)).ok().unwrap();
    for receiver in [&first, &second, &third] {
        drop(receiver.try_recv().ok().unwrap());
    }
    assert_eq!(counts.get(), (2, 0));
    for _ in 0..4 {
        sender.send(Counted::add(&counts, 0)).ok().unwrap();
    }
    assert_eq!(counts.get(), (2, 2), "the others were too many");
    assert!(matches!(first.try_recv(), Err(TryRecvError::Lagged(2))));
    drop(first.try_recv().ok().unwrap());
    drop(third);
    drop(second);
    assert_eq!(
        counts.get(),
        (3, 1),
        "what only the first has yet to receive"
    );
    drop(first);
    assert_eq!(counts.get(), (3, 0));
}

#[test]
fn to_ask_for_no_room_is_a_panic() {
    assert!(panic_of(|| channel::<u8>(0)).contains("without room"));
    assert_eq!(RecvError::Lagged(3).to_string(), "3 values were missed");
    assert_eq!(
        TryRecvError::Empty.to_string(),
        "receiving on an empty channel"
    );
    assert_eq!(
        TryRecvError::Closed.to_string(),
        "receiving on a closed channel"
    );
}

#[test]
fn nobody_misses_anything_by_being_cancelled_anywhere() {
    same_every_time(nobody_misses_anything_by_being_cancelled_anywhere);
    let suspensions = cancel_storm(async |storm| {
        let (sender, receiver) = channel(4);
        let other = receiver.resubscribe();
        let sends = spawn(async move {
            for value in 0..3 {
                yield_now().await;
                sender.send(value).unwrap();
            }
        });
        let sum = Cell::new(0);
        let receive = async || {
            while let Ok(value) = receiver.recv().await {
                sum.set(sum.get() * 10 + value);
            }
        };
        storm.strike(receive()).await;
        receive().await;
        assert_eq!(sum.get(), 12);
        sends.await.unwrap();
        assert_eq!(
            [now(other.recv()), now(other.recv()), now(other.recv())],
            [Ok(0), Ok(1), Ok(2)]
        );
    });
    assert!(suspensions >= 3, "{suspensions}");
}
