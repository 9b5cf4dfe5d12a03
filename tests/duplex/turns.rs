//! Who comes when: order, fairness, and what a report says of those who wait.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use bibelot::io::duplex;
use bibelot::spawn;
use bibelot::task::{Builder, yield_now};
use bibelot::testing::Sim;

use crate::support::same_every_time;
use crate::{Trace, poll_once};

#[test]
fn a_writer_waits_for_room_and_a_reader_for_bytes() {
    same_every_time(a_writer_waits_for_room_and_a_reader_for_bytes);
    let trace = Trace::default();
    Sim::new().run(async {
        let (a, b) = duplex(4);
        let writer = spawn({
            let trace = trace.clone();
            async move {
                for piece in ["abc", "def", "g"] {
                    a.write_all(piece.as_bytes()).await.unwrap();
                    trace.note(format!("wrote {piece}"));
                }
            }
        });
        let mut buf = [0; 3];
        loop {
            let n = b.read(&mut buf).await.unwrap();
            trace.note(format!("read {:?}", String::from_utf8_lossy(&buf[..n])));
            if n == 0 {
                break;
            }
        }
        writer.await.unwrap();
    });
    assert_eq!(
        trace.take(),
        [
            "wrote abc",     // there is room; only d fits behind it
            r#"read "abc""#, // the reader was woken by the first byte
            r#"read "d""#,   // it goes on without a switch
            "wrote def",
            "wrote g", // ef and g fit
            r#"read "efg""#,
            r#"read """#,
        ]
    );
}

#[test]
fn readers_are_served_first_come_first_served() {
    same_every_time(readers_are_served_first_come_first_served);
    let trace = Trace::default();
    Sim::new().run(async {
        let (a, b) = duplex(8);
        let b = Rc::new(b);
        let mut readers = Vec::new();
        for name in ["first", "second", "third"] {
            let (b, trace) = (b.clone(), trace.clone());
            readers.push(spawn(async move {
                for _ in 0..2 {
                    let mut byte = [0];
                    b.read_exact(&mut byte).await.unwrap();
                    trace.note(format!("{name}: {}", char::from(byte[0])));
                }
            }));
        }
        yield_now().await;
        a.write_all(b"abcdef").await.unwrap();
        for reader in readers {
            reader.await.unwrap();
        }
    });
    // One byte for each in line; who comes again stands behind those who wait.
    assert_eq!(
        trace.take(),
        [
            "first: a",
            "second: b",
            "third: c",
            "first: d",
            "second: e",
            "third: f",
        ]
    );
}

#[test]
fn writers_are_served_first_come_first_served() {
    same_every_time(writers_are_served_first_come_first_served);
    let mut got = Vec::new();
    Sim::new().run(async {
        let (a, b) = duplex(1);
        let a = Rc::new(a);
        for text in ["1", "2", "3", "4"] {
            let a = a.clone();
            spawn(async move { a.write_all(text.as_bytes()).await.unwrap() });
        }
        drop(a);
        b.read_to_end(&mut got).await.unwrap();
    });
    assert_eq!(got, b"1234");
}

/// Who keeps a future that is ready held up the line until it dropped it.
#[test]
fn a_finished_read_that_is_kept_lets_the_next_one_read() {
    same_every_time(a_finished_read_that_is_kept_lets_the_next_one_read);
    Sim::new().run(async {
        let (a, b) = duplex(8);
        let b = Rc::new(b);
        let mut buf = [0];
        let mut kept = pin!(b.read(&mut buf));
        assert!(
            kept.as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
        let next = spawn({
            let b = b.clone();
            async move { b.read(&mut [0]).await }
        });
        yield_now().await;
        a.write_all(b"12").await.unwrap();
        assert_eq!(kept.as_mut().await.unwrap(), 1);
        assert_eq!(next.await.unwrap().unwrap(), 1);
    });
}

#[test]
fn one_task_may_read_while_another_writes_at_the_same_end() {
    same_every_time(one_task_may_read_while_another_writes_at_the_same_end);
    Sim::new().run(async {
        let (a, b) = duplex(1);
        let (a, b) = (Rc::new(a), Rc::new(b));
        let echo = spawn(async move { bibelot::io::copy(&b, &b).await });
        let writer = spawn({
            let a = a.clone();
            async move {
                a.write_all(b"there and back").await.unwrap();
                a.shutdown(std::net::Shutdown::Write).unwrap();
            }
        });
        let mut text = String::new();
        a.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "there and back");
        assert_eq!(echo.await.unwrap().unwrap(), 14);
        writer.await.unwrap();
    });
}

#[test]
fn a_stream_that_is_always_ready_gives_way() {
    bibelot::run(async {
        let (a, b) = duplex(1 << 20);
        let endless = spawn(async move {
            loop {
                a.write_all(b"x").await.unwrap();
                b.read_exact(&mut [0]).await.unwrap();
                a.flush().await.unwrap();
            }
        });
        for _ in 0..3 {
            yield_now().await;
        }
        endless.cancel();
        assert!(endless.await.is_err());
    });
}

#[test]
fn giving_way_moves_no_byte() {
    let sent: Vec<u8> = (0..1_000_u32).map(|n| n as u8).collect();
    let mut got = Vec::new();
    bibelot::run(async {
        let (a, b) = duplex(2_000);
        for byte in &sent {
            assert_eq!(a.write(std::slice::from_ref(byte)).await.unwrap(), 1);
        }
        drop(a);
        let mut byte = [0];
        while b.read(&mut byte).await.unwrap() > 0 {
            got.push(byte[0]);
        }
    });
    assert_eq!(got, sent);
}

#[test]
fn a_deadlock_over_a_duplex_is_reported_with_who_waits_where() {
    same_every_time(a_deadlock_over_a_duplex_is_reported_with_who_waits_where);
    let mut lines = (0, 0);
    let dead = catch_unwind(AssertUnwindSafe(|| {
        Sim::new().run(async {
            let (a, b) = duplex(1);
            let other = Builder::new().name("other").spawn({
                lines.0 = line!() + 1;
                async move { b.read_exact(&mut [0; 2]).await }
            });
            lines.1 = line!() + 1;
            a.read(&mut [0]).await.unwrap();
            other.await.unwrap().unwrap();
        });
    }));
    let text = *dead.unwrap_err().downcast::<String>().unwrap();
    let text: Vec<&str> = text.lines().map(str::trim).collect();
    let file = file!();
    for (who, line) in [("main", lines.1), ("other", lines.0)] {
        let place = format!("{file}:{line}:");
        assert!(
            text.iter().any(|text| text.contains(who)
                && text.contains("another task")
                && text.contains(&place)),
            "{who} at {place} in {text:#?}"
        );
    }
}

#[test]
fn nothing_is_left_of_a_wait_that_was_dropped() {
    let (a, b) = duplex(1);
    for _ in 0..3 {
        assert!(poll_once(b.read(&mut [0])).is_pending());
    }
    assert!(poll_once(a.write(b"x")).is_ready());
    for _ in 0..3 {
        assert!(poll_once(a.write(b"y")).is_pending());
    }
    let mut byte = [0];
    assert!(poll_once(b.read(&mut byte)).is_ready());
    assert_eq!(&byte, b"x", "no y was written");
    assert!(poll_once(b.read(&mut byte)).is_pending());
}
