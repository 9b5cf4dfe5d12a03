//! Every wait cancelled: no byte is lost and none comes twice.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use bibelot::io::{Duplex, duplex};
use bibelot::spawn;
use bibelot::testing::Sim;

use crate::support::same_every_time;

/// Says which suspensions end in a drop.
#[derive(Clone)]
struct Cancels {
    /// Bit n set: the future is dropped at suspension n.
    plan: u64,
    /// How many suspensions there were.
    seen: Rc<Cell<u32>>,
}

impl Cancels {
    fn new(plan: u64) -> Self {
        Self {
            plan,
            seen: Rc::default(),
        }
    }

    /// Awaits a future; `None` if it was dropped where it waited, which the plan decides.
    async fn or_drop<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(value) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(value));
            }
            let now = self.seen.replace(self.seen.get() + 1);
            match self.plan.checked_shr(now).unwrap_or(0) & 1 {
                1 => Poll::Ready(None),
                _ => Poll::Pending,
            }
        })
        .await
    }

    /// Makes the call until it returns.
    async fn call<T>(&self, mut make: impl AsyncFnMut() -> T) -> T {
        loop {
            if let Some(value) = self.or_drop(make()).await {
                return value;
            }
        }
    }
}

/// Runs the scenario with every choice of waits cancelled, and in several orders.
fn every_choice_of_cancels(scenario: impl AsyncFn(Cancels)) {
    let run = |plan, seed| {
        let cancels = Cancels::new(plan);
        Sim::new().seed(seed).run(scenario(cancels.clone()));
        cancels.seen.get()
    };
    let waits = (0..4).map(|seed| run(0, seed)).max().unwrap();
    assert!((1..12).contains(&waits), "{waits} waits");
    for plan in 1..1 << waits {
        for seed in 0..4 {
            run(plan, seed);
        }
    }
}

#[test]
fn a_cancelled_read_goes_on() {
    same_every_time(a_cancelled_read_goes_on);
    every_choice_of_cancels(async |cancels| {
        let (a, b) = duplex(2);
        spawn(async move { a.write_all(b"abcdefg").await.unwrap() });
        let mut got = Vec::new();
        loop {
            let mut buf = [0; 3];
            let n = cancels.call(async || b.read(&mut buf).await).await.unwrap();
            if n == 0 {
                break;
            }
            got.extend_from_slice(&buf[..n]);
        }
        assert_eq!(got, b"abcdefg");
    });
}

#[test]
fn a_cancelled_write_goes_on() {
    same_every_time(a_cancelled_write_goes_on);
    every_choice_of_cancels(async |cancels| {
        let (a, b) = duplex(2);
        let reader = spawn(async move {
            let mut got = Vec::new();
            b.read_to_end(&mut got).await.unwrap();
            got
        });
        let mut rest = &b"abcdefghi"[..];
        while !rest.is_empty() {
            let n = cancels.call(async || a.write(rest).await).await.unwrap();
            rest = &rest[n..];
        }
        drop(a);
        assert_eq!(reader.await.unwrap(), b"abcdefghi");
    });
}

/// It cannot say how far it came, but what came is a beginning, and comes once.
#[test]
fn a_cancelled_write_all_has_written_a_beginning() {
    same_every_time(a_cancelled_write_all_has_written_a_beginning);
    for plan in 0..8 {
        for seed in 0..4 {
            Sim::new().seed(seed).run(async {
                let cancels = Cancels::new(1 << plan);
                let (a, b) = duplex(2);
                let reader = spawn(async move {
                    let mut got = Vec::new();
                    b.read_to_end(&mut got).await.unwrap();
                    got
                });
                let sent = b"abcdefghijk";
                let done = cancels.or_drop(a.write_all(sent)).await;
                a.write_all(b"|").await.unwrap();
                drop(a);
                let got = reader.await.unwrap();
                let (last, beginning) = got.split_last().unwrap();
                assert_eq!(*last, b'|');
                assert!(sent.starts_with(beginning), "{beginning:?}");
                assert_eq!(done.is_some(), beginning.len() == sent.len());
                assert!(done.is_some() || beginning.len() >= 2, "what had room");
            });
        }
    }
}

/// A number from a seed, without a crate for it.
fn next(random: &mut u64) -> usize {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    (*random >> 32) as usize
}

/// Awaits a future, or drops it where it waits: at once, or when it has been woken and before it is
/// polled again.
async fn stormily<T>(random: &mut u64, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let (at_once, when_woken) = match next(random) % 4 {
        0 => (true, false),
        1 => (false, true),
        _ => (false, false),
    };
    let mut has_waited = false;
    poll_fn(|cx| {
        if has_waited && when_woken {
            return Poll::Ready(None);
        }
        has_waited = true;
        match future.as_mut().poll(cx) {
            Poll::Pending if at_once => Poll::Ready(None),
            polled => polled.map(Some),
        }
    })
    .await
}

/// How many bytes each writer of the storm sends.
const BYTES: usize = 200;

/// Writes the numbers of one writer, in pieces of all sizes; each byte says whose it is.
async fn write_stormily(stream: Rc<Duplex>, writer: u8, mut random: u64) {
    let sent: Vec<u8> = (0..BYTES).map(|n| writer << 6 | n as u8 & 63).collect();
    let mut done = 0;
    while done < BYTES {
        let end = BYTES.min(done + 1 + next(&mut random) % 9);
        if let Some(n) = stormily(&mut random, stream.write(&sent[done..end])).await {
            done += n.unwrap();
        }
    }
}

/// Reads in pieces of all sizes what comes, until the end.
async fn read_stormily(stream: Rc<Duplex>, got: Rc<RefCell<Vec<u8>>>, mut random: u64) {
    loop {
        let mut buf = vec![0; 1 + next(&mut random) % 9];
        match stormily(&mut random, stream.read(&mut buf)).await {
            Some(Ok(0)) => break,
            Some(n) => got.borrow_mut().extend_from_slice(&buf[..n.unwrap()]),
            None => {}
        }
    }
}

/// Three tasks at each end, and every other wait dropped, at once or when it was woken.
#[test]
fn a_storm_of_cancels_loses_no_byte_and_repeats_none() {
    same_every_time(a_storm_of_cancels_loses_no_byte_and_repeats_none);
    for seed in 1..=100_u64 {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let capacity = 1 + next(&mut random) % 7;
        let got = Rc::new(RefCell::new(Vec::new()));
        Sim::new().seed(seed).run(async {
            let (a, b) = duplex(capacity);
            let (a, b) = (Rc::new(a), Rc::new(b));
            for task in 0..3 {
                let random = random.rotate_left(u32::from(task) * 7);
                spawn(write_stormily(a.clone(), task, random));
                spawn(read_stormily(b.clone(), got.clone(), !random));
            }
        });
        for task in 0..3 {
            let got: Vec<u8> = got
                .borrow()
                .iter()
                .copied()
                .filter(|byte| byte >> 6 == task)
                .collect();
            let sent: Vec<u8> = (0..BYTES).map(|n| task << 6 | n as u8 & 63).collect();
            assert_eq!(got, sent, "writer {task}, seed {seed}, capacity {capacity}");
        }
    }
}
