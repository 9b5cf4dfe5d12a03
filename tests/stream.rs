//! The `Stream` of `futures-core`, polled as those poll it who are written against it: by hand.
#![cfg(all(feature = "stream", feature = "sync"))]

mod support;

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bibelot::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use bibelot::spawn;
use bibelot::sync::broadcast::{self, RecvError};
use bibelot::sync::{mpsc, watch};
use bibelot::testing::{Sim, cancel_storm};
use bibelot::time::{Duration, Instant, interval, sleep};
use futures_core::Stream;

use support::{panic_of, same_every_time};

/// The next item.
async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

/// What one poll gives.
fn poll_once<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
}

/// So many seconds.
fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_receiver_is_a_stream_to_its_end() {
    same_every_time(a_receiver_is_a_stream_to_its_end);
    for bound in 0..3 {
        Sim::new().run(async {
            let (sender, receiver) = mpsc::sync_channel(bound);
            spawn(async move {
                for item in 0..5 {
                    sleep(seconds(item % 2)).await;
                    sender.send(item).await.unwrap();
                }
            });
            let mut items = receiver.into_iter();
            for item in 0..5 {
                assert_eq!(next(&mut items).await, Some(item));
            }
            assert_eq!(next(&mut items).await, None);
            assert_eq!(items.next().await, None);
        });
    }
}

#[test]
fn what_a_stream_was_granted_and_is_dropped_with_goes_to_the_next() {
    let (sender, receiver) = mpsc::channel();
    let mut first = receiver.clone().into_iter();
    let mut second = receiver.clone().into_iter();
    let mut third = receiver.into_iter();
    assert!(poll_once(&mut first).is_pending());
    assert!(poll_once(&mut second).is_pending());
    assert!(poll_once(&mut third).is_pending());
    sender.send(1).unwrap();
    assert!(poll_once(&mut second).is_pending(), "it is the first's");
    drop(first);
    assert_eq!(poll_once(&mut second), Poll::Ready(Some(1)));
    drop(second);
    sender.send(2).unwrap();
    assert_eq!(poll_once(&mut third), Poll::Ready(Some(2)));
    assert!(poll_once(&mut third).is_pending());
    drop(third);
    assert!(sender.send(3).is_err());
}

#[test]
fn no_item_is_lost_when_the_stream_is_left_anywhere() {
    same_every_time(no_item_is_lost_when_the_stream_is_left_anywhere);
    let suspensions = cancel_storm(async |storm| {
        let (sender, receiver) = mpsc::sync_channel(1);
        let sends = spawn(async move {
            for item in 0..4 {
                sleep(seconds(1)).await;
                sender.send(item).await.unwrap();
            }
        });
        let other = receiver.clone();
        let mut items = receiver.into_iter();
        let mut got = Vec::new();
        let struck = storm.strike(async {
            while let Some(item) = next(&mut items).await {
                got.push(item);
            }
        });
        struck.await;
        drop(items);
        let mut others = other.into_iter();
        while let Some(item) = next(&mut others).await {
            got.push(item);
        }
        sends.await.unwrap();
        assert_eq!(got, [0, 1, 2, 3]);
    });
    assert!(suspensions >= 3, "{suspensions}");
}

#[test]
fn a_broadcast_is_a_stream_that_tells_what_was_missed() {
    let (sender, mut receiver) = broadcast::channel(2);
    assert!(poll_once(&mut receiver).is_pending());
    for value in 0..3 {
        sender.send(value).unwrap();
    }
    assert_eq!(
        poll_once(&mut receiver),
        Poll::Ready(Some(Err(RecvError::Lagged(1))))
    );
    assert_eq!(poll_once(&mut receiver), Poll::Ready(Some(Ok(1))));
    assert_eq!(poll_once(&mut receiver), Poll::Ready(Some(Ok(2))));
    assert!(poll_once(&mut receiver).is_pending());
    let mut other = receiver.resubscribe();
    assert!(poll_once(&mut other).is_pending());
    assert_eq!(sender.statistics().receivers_waiting, 2);
    drop(receiver);
    assert_eq!(
        sender.statistics().receivers_waiting,
        1,
        "it has left the line"
    );
    drop(sender);
    assert_eq!(poll_once(&mut other), Poll::Ready(None));
}

#[test]
fn a_watch_is_a_stream_of_the_newest_values() {
    let (sender, mut receiver) = watch::channel(0);
    assert!(poll_once(&mut receiver).is_pending(), "the first was seen");
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    assert_eq!(poll_once(&mut receiver), Poll::Ready(Some(2)));
    assert!(poll_once(&mut receiver).is_pending());
    let mut other = receiver.clone();
    assert!(poll_once(&mut other).is_pending());
    assert_eq!(sender.statistics().receivers_waiting, 2);
    drop(other);
    assert_eq!(
        sender.statistics().receivers_waiting,
        1,
        "it has left the line"
    );
    sender.send(3).unwrap();
    assert_eq!(*receiver.borrow_and_update(), 3);
    assert!(poll_once(&mut receiver).is_pending(), "it was seen so too");
    sender.send(4).unwrap();
    drop(sender);
    assert_eq!(poll_once(&mut receiver), Poll::Ready(Some(4)));
    assert_eq!(poll_once(&mut receiver), Poll::Ready(None));
}

#[test]
fn the_newest_value_is_not_lost_when_the_stream_is_left_anywhere() {
    same_every_time(the_newest_value_is_not_lost_when_the_stream_is_left_anywhere);
    let suspensions = cancel_storm(async |storm| {
        let (sender, mut receiver) = watch::channel(0);
        spawn(async move {
            for value in 1..=3 {
                sleep(seconds(1)).await;
                sender.send(value).unwrap();
            }
        });
        let mut got = Vec::new();
        let struck = storm.strike(async {
            while let Some(value) = next(&mut receiver).await {
                got.push(value);
            }
        });
        struck.await;
        while let Some(value) = next(&mut receiver).await {
            got.push(value);
        }
        assert_eq!(got, [1, 2, 3]);
    });
    // One a value; the end comes with the last.
    assert_eq!(suspensions, 3);
}

/// Also by way of both: what was begun as a stream does not stand in the way.
#[test]
fn who_polled_a_receiver_as_a_stream_may_await_it() {
    same_every_time(who_polled_a_receiver_as_a_stream_may_await_it);
    Sim::new().run(async {
        let (sender, receiver) = mpsc::channel();
        let mut items = receiver.into_iter();
        assert!(poll_once(&mut items).is_pending());
        spawn(async move { sender.send(1).unwrap() });
        assert_eq!(items.next().await, Some(1));
        assert_eq!(poll_once(&mut items), Poll::Ready(None));
    });
}

#[test]
fn the_clients_of_a_listener_are_a_stream() {
    bibelot::run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let mut clients = listener.incoming();
        for _ in 0..3 {
            let visit = spawn(TcpStream::connect(server));
            let client = next(&mut clients).await.unwrap().unwrap();
            let visitor = visit.await.unwrap().unwrap();
            assert_eq!(client.peer_addr().unwrap(), visitor.local_addr().unwrap());
        }
    });
}

/// One is dropped while it is the first in line, and one goes on without being a stream.
#[test]
fn a_stream_of_clients_that_is_left_loses_none() {
    let path = std::env::temp_dir().join(format!("bibelot-{}.stream", std::process::id()));
    bibelot::run(async {
        let listener = UnixListener::bind(&path).unwrap();
        let mut first = listener.incoming();
        let mut second = listener.incoming();
        let mut third = listener.incoming();
        poll_fn(|cx| {
            for clients in [&mut first, &mut second, &mut third] {
                assert!(Pin::new(clients).poll_next(cx).is_pending());
            }
            Poll::Ready(())
        })
        .await;
        let _visitors = [
            UnixStream::connect(&path).await.unwrap(),
            UnixStream::connect(&path).await.unwrap(),
        ];
        drop(first);
        assert!(next(&mut second).await.unwrap().is_ok());
        assert!(third.next().await.unwrap().is_ok());
    });
    std::fs::remove_file(path).unwrap();
}

#[test]
fn no_client_is_lost_when_the_stream_is_left_anywhere() {
    let suspensions = cancel_storm(async |storm| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let visits = [(); 3].map(|()| spawn(TcpStream::connect(server)));
        let mut clients = listener.incoming();
        let mut got = Vec::new();
        let struck = storm.strike(async {
            while got.len() < 3 {
                got.push(next(&mut clients).await.unwrap().unwrap());
            }
        });
        struck.await;
        drop(clients);
        let mut others = listener.incoming();
        while got.len() < 3 {
            got.push(next(&mut others).await.unwrap().unwrap());
        }
        for visit in visits {
            visit.await.unwrap().unwrap();
        }
    });
    assert!(suspensions >= 1, "{suspensions}");
}

#[test]
fn an_interval_is_a_stream_without_an_end() {
    same_every_time(an_interval_is_a_stream_without_an_end);
    Sim::new().run(async {
        let start = Instant::now();
        let mut ticks = interval(seconds(1));
        for nth in 0..3 {
            assert_eq!(next(&mut ticks).await, Some(start + seconds(nth)));
        }
        assert_eq!(start.elapsed(), seconds(2));
    });
}

#[test]
fn who_waits_for_a_stream_is_told_where_it_is_polled() {
    same_every_time(who_waits_for_a_stream_is_told_where_it_is_polled);
    let text = panic_of(|| {
        Sim::new().run(async {
            let (_sender, receiver) = mpsc::channel::<u8>();
            next(&mut receiver.into_iter()).await;
        });
    });
    assert!(
        text.contains("waits for a channel's item at tests/stream.rs:"),
        "{text}"
    );
}
