//! How a pair begins and ends: capacity, shutdown, drop.

use std::net::Shutdown;

use bibelot::io::{BufReader, ErrorKind, Read, Write, duplex};
use bibelot::spawn;
use bibelot::testing::Sim;

use crate::support::same_every_time;
use crate::{now, poll_once};

#[test]
fn what_one_end_writes_the_other_reads() {
    let (a, b) = duplex(16);
    let mut buf = [0; 16];
    assert_eq!(now(a.write(b"to b")).unwrap(), 4);
    assert_eq!(now(b.write(b"to a, too")).unwrap(), 9);
    assert_eq!(now(a.read(&mut buf)).unwrap(), 9);
    assert_eq!(&buf[..9], b"to a, too");
    assert_eq!(now(b.read(&mut buf)).unwrap(), 4);
    assert_eq!(&buf[..4], b"to b");
    assert!(poll_once(a.read(&mut buf)).is_pending());
    assert!(poll_once(b.read(&mut buf)).is_pending());
}

#[test]
fn each_direction_holds_as_much_as_its_capacity() {
    let (a, b) = duplex(4);
    assert_eq!(now(a.write(b"abcdef")).unwrap(), 4);
    assert!(poll_once(a.write(b"ef")).is_pending(), "full");
    assert_eq!(now(b.write(b"xy")).unwrap(), 2, "the other way has room");
    let mut buf = [0; 3];
    assert_eq!(now(b.read(&mut buf)).unwrap(), 3);
    assert_eq!(now(a.write(b"efgh")).unwrap(), 3, "as much as was read");
    let mut buf = [0; 8];
    assert_eq!(now(b.read(&mut buf)).unwrap(), 4, "round the ring's end");
    assert_eq!(&buf[..4], b"defg");
}

#[test]
fn an_empty_buffer_never_waits() {
    let (a, b) = duplex(1);
    assert_eq!(now(a.read(&mut [])).unwrap(), 0);
    now(a.write_all(b"x")).unwrap();
    assert_eq!(now(a.write(b"")).unwrap(), 0);
    drop(b);
    assert_eq!(now(a.write(b"")).unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[test]
fn memory_is_taken_when_bytes_come() {
    let (a, b) = duplex(usize::MAX);
    now(a.write_all(&[7; 10_000])).unwrap();
    let mut buf = [0; 10_000];
    now(b.read_exact(&mut buf)).unwrap();
    assert_eq!(buf, [7; 10_000]);
}

#[test]
#[should_panic(expected = "a duplex without capacity could carry nothing")]
fn a_capacity_of_zero_is_refused() {
    drop(duplex(0));
}

#[test]
fn when_an_end_is_dropped_the_other_reads_what_is_left_and_then_the_end() {
    let (a, b) = duplex(16);
    now(a.write_all(b"the last")).unwrap();
    drop(a);
    let mut text = String::new();
    assert_eq!(now(b.read_to_string(&mut text)).unwrap(), 8);
    assert_eq!(text, "the last");
    assert_eq!(now(b.read(&mut [0])).unwrap(), 0, "and again");
    assert_eq!(
        now(b.write(b"x")).unwrap_err().kind(),
        ErrorKind::BrokenPipe
    );
    assert_eq!(
        format!("{b:?}"),
        "Duplex { unread: 0, unread_there: 0, capacity: 16 }"
    );
}

#[test]
fn what_nobody_can_read_any_more_takes_no_memory() {
    let (a, b) = duplex(16);
    now(a.write_all(b"never read")).unwrap();
    assert_eq!(
        format!("{a:?}"),
        "Duplex { unread: 0, unread_there: 10, capacity: 16 }"
    );
    drop(b);
    assert_eq!(
        format!("{a:?}"),
        "Duplex { unread: 0, unread_there: 0, capacity: 16 }"
    );
}

#[test]
fn each_half_can_be_shut_down() {
    let (a, b) = duplex(4);
    now(a.write_all(b"abc")).unwrap();
    a.shutdown(Shutdown::Write).unwrap();
    a.shutdown(Shutdown::Write).unwrap();
    assert_eq!(
        now(a.write(b"d")).unwrap_err().kind(),
        ErrorKind::BrokenPipe
    );
    let mut bytes = Vec::new();
    assert_eq!(now(b.read_to_end(&mut bytes)).unwrap(), 3, "what is left");
    assert_eq!(now(b.read(&mut [0])).unwrap(), 0, "then the end");

    now(b.write_all(b"xyz")).unwrap();
    a.shutdown(Shutdown::Read).unwrap();
    assert_eq!(
        now(b.write(b"!")).unwrap_err().kind(),
        ErrorKind::BrokenPipe
    );
    assert_eq!(now(a.read_to_end(&mut bytes)).unwrap(), 3);
    assert_eq!(bytes, b"abcxyz");

    let (a, b) = duplex(4);
    a.shutdown(Shutdown::Both).unwrap();
    assert_eq!(now(b.read(&mut [0])).unwrap(), 0);
    assert_eq!(
        now(b.write(b"!")).unwrap_err().kind(),
        ErrorKind::BrokenPipe
    );
}

#[test]
fn who_waits_is_told_of_the_end() {
    same_every_time(who_waits_is_told_of_the_end);
    Sim::new().run(async {
        let (a, b) = duplex(1);
        a.write_all(b"x").await.unwrap();
        let a = std::rc::Rc::new(a);
        let (reader, writer) = (a.clone(), a.clone());
        let reader = spawn(async move { reader.read(&mut [0]).await });
        let second = spawn(async move { writer.write(b"y").await });
        let third = spawn(async move { a.write(b"z").await });
        bibelot::task::yield_now().await;
        drop(b);
        assert_eq!(reader.await.unwrap().unwrap(), 0);
        for writer in [second, third] {
            let error = writer.await.unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        }
    });
}

#[test]
fn who_waits_is_told_of_a_shutdown_at_its_own_end() {
    same_every_time(who_waits_is_told_of_a_shutdown_at_its_own_end);
    Sim::new().run(async {
        let (a, _b) = duplex(1);
        let a = std::rc::Rc::new(a);
        let reader = spawn({
            let a = a.clone();
            async move { a.read(&mut [0]).await }
        });
        bibelot::task::yield_now().await;
        a.shutdown(Shutdown::Read).unwrap();
        assert_eq!(reader.await.unwrap().unwrap(), 0);
    });
}

/// Tells of a stream through the traits alone, as generic code does.
async fn by_traits(stream: impl Read + Write) -> std::io::Result<String> {
    stream.write_all(b"hello\n").await?;
    stream.flush().await?;
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line).await?;
    Ok(line)
}

#[test]
fn an_end_is_a_source_and_a_sink() {
    same_every_time(an_end_is_a_source_and_a_sink);
    Sim::new().run(async {
        let (a, b) = duplex(2);
        let answer = spawn(by_traits(a));
        let mut lines = BufReader::new(&b).lines();
        assert_eq!(lines.next().await.unwrap().unwrap(), "hello");
        let name = "you";
        writeln!(b, "and {name}").await.unwrap();
        b.flush().await.unwrap();
        assert_eq!(answer.await.unwrap().unwrap(), "and you\n");
    });
}
