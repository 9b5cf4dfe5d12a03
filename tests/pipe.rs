//! The system's pipes, and with them what every descriptor promises: order, ends, dropped waits.

use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use bibelot::io::{BufReader, ErrorKind, IoSlice, IoSliceMut, Read, Write, pipe};
use bibelot::spawn;
use bibelot::task::yield_now;

#[test]
fn what_goes_in_comes_out_however_long() {
    let sent: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
    let mut got = Vec::new();
    bibelot::run(async {
        let (reader, writer) = pipe().unwrap();
        let expected = sent.clone();
        let writing = spawn(async move { writer.write_all(&expected).await });
        assert_eq!(reader.read_to_end(&mut got).await.unwrap(), sent.len());
        writing.await.unwrap().unwrap();
    });
    assert_eq!(got, sent);
}

#[test]
fn a_reader_sees_the_end_and_a_writer_that_nobody_reads() {
    bibelot::run(async {
        let (reader, writer) = pipe().unwrap();
        let reading = spawn(async move {
            let mut lines = BufReader::new(&reader).lines();
            let mut all = Vec::new();
            while let Some(line) = lines.next().await {
                all.push(line.unwrap());
            }
            all
        });
        let two = 2;
        writeln!(writer, "line 1").await.unwrap();
        writeln!(writer, "line {two}").await.unwrap();
        writer.flush().await.unwrap();
        drop(writer);
        assert_eq!(reading.await.unwrap(), ["line 1", "line 2"]);

        let (reader, writer) = pipe().unwrap();
        let filling = spawn(async move {
            let error = writer.write_all(&[0; 1 << 20]).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        });
        yield_now().await;
        drop(reader);
        filling.await.unwrap();
    });
}

#[test]
fn several_buffers_go_and_come_at_once() {
    bibelot::run(async {
        let (reader, writer) = pipe().unwrap();
        let bufs = [IoSlice::new(b"ab"), IoSlice::new(b"cde")];
        assert_eq!(writer.write_vectored(&bufs).await.unwrap(), 5);
        let (mut one, mut two) = ([0; 3], [0; 3]);
        let mut bufs = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)];
        assert_eq!(reader.read_vectored(&mut bufs).await.unwrap(), 5);
        assert_eq!((&one, &two[..2]), (b"abc", &b"de"[..]));
    });
}

#[test]
fn the_ends_can_be_given_to_std_and_come_back() {
    let (reader, writer) = pipe().unwrap();
    assert!(reader.as_raw_fd() >= 0 && writer.as_fd().as_raw_fd() >= 0);
    let (mut reader, mut writer) = (reader.into_std().unwrap(), writer.into_std().unwrap());
    let thread = std::thread::spawn(move || {
        let mut buf = [0; 5];
        reader.read_exact(&mut buf).unwrap(); // would fail if it did not block
        (reader, buf)
    });
    writer.write_all(b"hello").unwrap();
    let (reader, buf) = thread.join().unwrap();
    assert_eq!(&buf, b"hello");

    let reader = bibelot::io::PipeReader::from_std(reader).unwrap();
    bibelot::run(async {
        let mut bytes = Vec::new();
        let mut again = pin!(reader.read_to_end(&mut bytes));
        assert!(
            again
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
        drop(writer);
        assert_eq!(again.await.unwrap(), 0);
    });
    drop(OwnedFd::from(reader));
}

/// It held its place in line until it was dropped, and who stood behind it waited for ever.
#[test]
fn a_finished_read_that_is_kept_lets_the_next_one_read() {
    bibelot::run(async {
        let (reader, writer) = pipe().unwrap();
        let reader = Rc::new(reader);
        let mut byte = [0];
        let mut kept = pin!(reader.read(&mut byte));
        let first = kept.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(first.is_pending());
        let next = spawn({
            let reader = Rc::clone(&reader);
            async move { reader.read(&mut [0]).await }
        });
        yield_now().await;
        writer.write_all(b"12").await.unwrap();
        assert_eq!(kept.as_mut().await.unwrap(), 1);
        assert_eq!(next.await.unwrap().unwrap(), 1);
    });
}

#[test]
fn readers_are_served_first_come_first_served_and_the_dropped_are_passed_over() {
    let mut trace = Vec::new();
    bibelot::run(async {
        let (reader, writer) = pipe().unwrap();
        let reader = Rc::new(reader);
        let readers = ["first", "second", "third"].map(|name| {
            let reader = Rc::clone(&reader);
            spawn(async move {
                let mut byte = [0];
                reader.read_exact(&mut byte).await.unwrap();
                format!("{name}: {}", char::from(byte[0]))
            })
        });
        yield_now().await;
        writer.write_all(b"ab").await.unwrap();
        let [first, second, third] = readers;
        second.cancel();
        trace.push(first.await.unwrap());
        trace.push(third.await.unwrap());
        assert!(second.await.is_err());
    });
    assert_eq!(trace, ["first: a", "third: b"]);
}
