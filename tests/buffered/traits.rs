//! The plain traits, the pointers that hand them on, what lies in memory, and `copy`.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use bibelot::io::{self, BufReader, BufWriter, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use bibelot::task::{spawn, yield_now};

use crate::script::{Fail, Script, Take, Wait, block_on, give};

#[test]
fn read_exact_asks_until_it_is_full() {
    let source = Script::new([give("ab"), Fail(ErrorKind::Interrupted), Wait, give("cdef")]);
    let mut buf = [0; 5];
    block_on(source.read_exact(&mut buf)).unwrap();
    assert_eq!(&buf, b"abcde");
    assert_eq!(
        source.trace(),
        [
            "read 5: ab",
            "read 3: operation interrupted",
            "read 3: waits",
            "read 3: cde",
        ]
    );
    let error = block_on(source.read_exact(&mut buf)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(&buf, b"fbcde", "what came is there");
    block_on(source.read_exact(&mut [])).unwrap();
}

#[test]
fn read_to_end_appends_and_keeps_what_came_before_an_error() {
    let source = Script::new([
        give("b"),
        Fail(ErrorKind::Interrupted),
        give("c"),
        Fail(ErrorKind::TimedOut),
        give("d"),
    ]);
    let mut bytes = b"a".to_vec();
    let error = block_on(source.read_to_end(&mut bytes)).unwrap_err();
    assert_eq!(
        (error.kind(), &bytes[..]),
        (ErrorKind::TimedOut, &b"abc"[..])
    );
    assert_eq!(block_on(source.read_to_end(&mut bytes)).unwrap(), 1);
    assert_eq!(bytes, b"abcd");
}

#[test]
fn read_to_end_reads_more_than_one_buffer() {
    let long: Vec<u8> = (0..100_000_u32).map(|n| n as u8).collect();
    let mut bytes = Vec::new();
    let n = block_on(Cell::new(&long[..]).read_to_end(&mut bytes)).unwrap();
    assert_eq!((n, bytes), (long.len(), long));
}

#[test]
fn read_to_string_leaves_the_string_alone_when_it_fails() {
    let mut text = String::from("> ");
    let torn = Script::new([give(b"\xc3"), give(b"\xb6")]);
    assert_eq!(block_on(torn.read_to_string(&mut text)).unwrap(), 2);
    assert_eq!(text, "> ö");
    let bad = Script::new([give(b"a\xff")]);
    let error = block_on(bad.read_to_string(&mut text)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    let failing = Script::new([give("a"), Fail(ErrorKind::TimedOut)]);
    assert!(block_on(failing.read_to_string(&mut text)).is_err());
    assert_eq!(text, "> ö");
}

#[test]
fn several_buffers_are_one_unless_the_other_end_knows_better() {
    let script = Script::new([give("abc"), Take(1)]);
    let (mut none, mut two) = ([0; 0], [0; 2]);
    let mut bufs = [IoSliceMut::new(&mut none), IoSliceMut::new(&mut two)];
    assert_eq!(block_on(script.read_vectored(&mut bufs)).unwrap(), 2);
    assert_eq!(block_on(script.read_vectored(&mut [])).unwrap(), 0);
    let bufs = [IoSlice::new(b""), IoSlice::new(b"xyz")];
    let _rest = block_on(script.read(&mut [0; 9]));
    assert_eq!(block_on(script.write_vectored(&bufs)).unwrap(), 1);
    assert_eq!(
        script.trace(),
        ["read 2: ab", "read 0: ", "read 9: c", "write xyz: 1"]
    );
}

#[test]
fn write_all_asks_until_all_is_taken() {
    let sink = Script::new([
        Take(2),
        Fail(ErrorKind::Interrupted),
        Wait,
        Take(9),
        Take(0),
    ]);
    block_on(sink.write_all(b"abcde")).unwrap();
    assert_eq!(
        sink.trace(),
        [
            "write abcde: 2",
            "write cde: operation interrupted",
            "write cde: waits",
            "write cde: 3",
        ]
    );
    let error = block_on(sink.write_all(b"f")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WriteZero);
    block_on(sink.write_all(b"")).unwrap();
}

/// A value that can not be shown.
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Err(fmt::Error)
    }
}

#[test]
fn write_and_writeln_serve_with_an_await_behind_them() {
    let sink = Script::default();
    block_on(async {
        let made = "made";
        write!(sink, "plain").await?;
        writeln!(&sink, " and {made}").await?;
        let error = write!(sink, "half {Broken}").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Other);
        assert_eq!(error.to_string(), "a value could not be formatted");
        io::Result::Ok(())
    })
    .unwrap();
    assert_eq!(sink.trace(), ["write plain: 5", "write  and made\n: 10"]);
}

/// Does every function in its own way, so that a default one would be seen.
struct Own;

impl Read for Own {
    async fn read(&self, _: &mut [u8]) -> io::Result<usize> {
        Ok(1)
    }
    async fn read_vectored(&self, _: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        Ok(2)
    }
    async fn read_exact(&self, buf: &mut [u8]) -> io::Result<()> {
        buf.fill(3);
        Ok(())
    }
    async fn read_to_end(&self, _: &mut Vec<u8>) -> io::Result<usize> {
        Ok(4)
    }
    async fn read_to_string(&self, _: &mut String) -> io::Result<usize> {
        Ok(5)
    }
}

impl Write for Own {
    async fn write(&self, _: &[u8]) -> io::Result<usize> {
        Ok(6)
    }
    async fn flush(&self) -> io::Result<()> {
        Err(ErrorKind::TimedOut.into())
    }
    async fn write_vectored(&self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(7)
    }
    async fn write_all(&self, _: &[u8]) -> io::Result<()> {
        Err(ErrorKind::BrokenPipe.into())
    }
    async fn write_fmt(&self, _: fmt::Arguments<'_>) -> io::Result<()> {
        Err(ErrorKind::InvalidInput.into())
    }
}

fn asks_each_function(end: impl Read + Write) {
    block_on(async {
        let mut buf = [0];
        assert_eq!(end.read(&mut buf).await?, 1);
        assert_eq!(end.read_vectored(&mut []).await?, 2);
        end.read_exact(&mut buf).await?;
        assert_eq!(buf, [3]);
        assert_eq!(end.read_to_end(&mut Vec::new()).await?, 4);
        assert_eq!(end.read_to_string(&mut String::new()).await?, 5);
        assert_eq!(end.write(b"").await?, 6);
        assert_eq!(end.flush().await.unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(end.write_vectored(&[]).await?, 7);
        let error = end.write_all(b"").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        let error = write!(end, "").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        io::Result::Ok(())
    })
    .unwrap();
}

#[test]
fn a_pointer_to_an_end_is_that_end() {
    asks_each_function(&Own);
    asks_each_function(&mut Own);
    asks_each_function(Box::new(Own));
    asks_each_function(Rc::new(Own));
    asks_each_function(Arc::new(Own));
}

#[test]
fn what_never_waits_answers_as_in_std() {
    block_on(async {
        let mut buf = *b"..";
        assert_eq!(io::empty().read(&mut buf).await?, 0);
        assert_eq!(io::empty().write(&buf).await?, 2);
        assert_eq!(io::sink().write(&buf).await?, 2);
        assert_eq!(io::repeat(7).read(&mut buf).await?, 2);
        assert_eq!(buf, [7, 7]);
        io::empty().flush().await?;
        io::sink().flush().await?;

        let (source, sink) = (Cell::new(&b"abc"[..]), Cell::new(b">".to_vec()));
        assert_eq!(source.read(&mut buf).await?, 2);
        assert_eq!(sink.write(&buf).await?, 2);
        assert_eq!((source.get(), sink.take()), (&b"c"[..], b">ab".to_vec()));
        sink.flush().await
    })
    .unwrap();
}

#[test]
fn a_copy_reads_and_writes_in_turn_and_does_not_flush() {
    let source = Script::new([give("abc"), Wait, Fail(ErrorKind::Interrupted), give("de")]);
    let sink = Script::new([Take(1), Wait]);
    assert_eq!(block_on(io::copy(&source, &sink)).unwrap(), 5);
    assert_eq!(
        source.trace(),
        [
            "read 8192: abc",
            "read 8192: waits",
            "read 8192: operation interrupted",
            "read 8192: de",
            "read 8192: end",
        ]
    );
    assert_eq!(
        sink.trace(),
        [
            "write abc: 1",
            "write bc: waits",
            "write bc: 2",
            "write de: 2"
        ]
    );
}

#[test]
fn a_copy_ends_with_the_first_error_of_either_side() {
    let source = Script::new([give("abc"), Fail(ErrorKind::TimedOut)]);
    let error = block_on(io::copy(&source, &io::sink())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let sink = Script::new([Fail(ErrorKind::BrokenPipe)]);
    let error = block_on(io::copy(&io::repeat(0), &sink)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

#[test]
fn the_future_of_a_copy_is_small() {
    let (source, sink) = (io::empty(), io::sink());
    let copy = io::copy(&source, &sink);
    assert!(size_of_val(&copy) < 256, "{} bytes", size_of_val(&copy));
}

/// A program's own ends, which know nothing of a budget.
struct Endless;

impl Read for Endless {
    async fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(buf.len())
    }
}

impl Write for Endless {
    async fn write(&self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    async fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Each of these loops held the thread for ever: no end of it ever waited.
#[test]
fn loops_that_never_wait_give_way() {
    bibelot::run(async {
        let loops = [
            spawn(async { drop(io::copy(&io::repeat(0), &io::sink()).await) }),
            spawn(async { drop(io::copy(&Endless, &Endless).await) }),
            spawn(async { drop(BufReader::new(Endless).skip_until(b'.').await) }),
            spawn(async { while io::empty().read(&mut [0]).await.is_ok() {} }),
            spawn(async { while io::empty().write(b"a").await.is_ok() {} }),
            spawn(async {
                let mut writer = BufWriter::new(io::sink());
                while writer.flush().await.is_ok() {}
            }),
            spawn(async { while Cell::new(&b"a"[..]).read(&mut [0]).await.is_ok() {} }),
            spawn(async { while Cell::new(Vec::new()).write_all(b"a").await.is_ok() {} }),
        ];
        for _ in 0..3 {
            yield_now().await;
        }
        for endless in loops {
            endless.cancel();
            assert!(endless.await.is_err(), "it had no end of its own");
        }
    });
}

#[test]
fn giving_way_moves_no_byte() {
    let long: Vec<u8> = (0..3_000_u32).map(|n| n as u8).collect();
    bibelot::run(async {
        let (source, target) = (Cell::new(&long[..]), Cell::new(Vec::new()));
        let mut byte = [0];
        while source.read(&mut byte).await.unwrap() > 0 {
            target.write_all(&byte).await.unwrap();
        }
        assert_eq!(target.take(), long);
    });
}
