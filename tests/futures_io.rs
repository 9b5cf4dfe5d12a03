//! The traits of `futures-io`, called as those call them who are written against them: by hand.
#![cfg(feature = "futures-io")]

mod support;

use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice, IoSliceMut, Result};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bibelot::io::{AsyncFd, Duplex, duplex, pipe};
use bibelot::net;
use bibelot::spawn;
use bibelot::task::yield_now;
use bibelot::testing::Sim;
use futures_io::{AsyncRead, AsyncWrite};

use support::same_every_time;

/// Reads until `buf` is full or the source ends; returns how much came.
async fn read_full(mut source: impl AsyncRead + Unpin, buf: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < buf.len() {
        let rest = &mut buf[filled..];
        match poll_fn(|cx| Pin::new(&mut source).poll_read(cx, rest)).await? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

async fn write_all(mut sink: impl AsyncWrite + Unpin, mut buf: &[u8]) -> Result<()> {
    while !buf.is_empty() {
        let n = poll_fn(|cx| Pin::new(&mut sink).poll_write(cx, buf)).await?;
        buf = &buf[n..];
    }
    poll_fn(|cx| Pin::new(&mut sink).poll_flush(cx)).await
}

async fn close(mut sink: impl AsyncWrite + Unpin) -> Result<()> {
    poll_fn(|cx| Pin::new(&mut sink).poll_close(cx)).await
}

/// More than any buffer between the two ends, so that both have to wait.
fn long() -> Vec<u8> {
    (0..1_000_000_u32).map(|n| (n ^ n >> 8) as u8).collect()
}

/// Sends and receives by the traits, closes the writing half, and sees the other's end.
async fn exchange<S>(one: S, other: S)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
    for<'a> &'a S: AsyncRead + AsyncWrite,
{
    let sent = long();
    let expected = sent.clone();
    let echo = spawn(async move {
        let mut other = other;
        let mut buf = vec![0; expected.len() + 1];
        let n = read_full(&mut other, &mut buf).await.unwrap();
        assert!(buf[..n] == expected, "what was sent came, and the end");
        write_all(&other, b"got it").await.unwrap();
        other
    });
    write_all(&one, &sent).await.unwrap();
    close(&one).await.unwrap();
    close(&one).await.unwrap();
    let error = write_all(&one, b"x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    let mut buf = [0; 6];
    assert_eq!(read_full(&one, &mut buf).await.unwrap(), 6);
    assert_eq!(&buf, b"got it");
    let mut one = one;
    drop(echo.await.unwrap());
    assert_eq!(read_full(&mut one, &mut [0]).await.unwrap(), 0);
    close(&mut one).await.unwrap();
}

#[test]
fn a_duplex_has_the_traits() {
    same_every_time(a_duplex_has_the_traits);
    Sim::new().run(async {
        let (one, other) = duplex(1_000);
        exchange::<Duplex>(one, other).await;
    });
}

#[test]
fn any_descriptor_has_the_traits() {
    bibelot::run(async {
        let (one, other) = UnixStream::pair().unwrap();
        exchange(AsyncFd::new(one).unwrap(), AsyncFd::new(other).unwrap()).await;
    });
}

#[test]
fn streams_of_tcp_and_of_one_machine_have_the_traits() {
    bibelot::run(async {
        let listener = net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calling = spawn(net::TcpStream::connect(address));
        let (one, _) = listener.accept().await.unwrap();
        exchange(one, calling.await.unwrap().unwrap()).await;
        let (one, other) = net::UnixStream::pair().unwrap();
        exchange(one, other).await;
    });
}

#[test]
fn pipes_have_the_traits() {
    bibelot::run(async {
        let (reader, mut writer) = pipe().unwrap();
        let sent = long();
        let expected = sent.clone();
        let reading = spawn(async move {
            let mut buf = vec![0; expected.len() + 1];
            let n = read_full(reader, &mut buf).await.unwrap();
            assert!(buf[..n] == expected, "what was sent came, and the end");
        });
        write_all(&writer, &sent[..9]).await.unwrap();
        write_all(&mut writer, &sent[9..]).await.unwrap();
        // No socket: only the drop closes it.
        close(&mut writer).await.unwrap();
        drop(writer);
        reading.await.unwrap();
    });
}

#[test]
fn several_buffers_go_and_come_at_once() {
    bibelot::run(async {
        let (one, other) = UnixStream::pair().unwrap();
        let (mut one, other) = (AsyncFd::new(one).unwrap(), AsyncFd::new(other).unwrap());
        let bufs = [IoSlice::new(b"ab"), IoSlice::new(b"cde")];
        let n = poll_fn(|cx| Pin::new(&mut one).poll_write_vectored(cx, &bufs)).await;
        assert_eq!(n.unwrap(), 5);
        let (mut head, mut tail) = ([0; 3], [0; 3]);
        let mut bufs = [IoSliceMut::new(&mut head), IoSliceMut::new(&mut tail)];
        let n = poll_fn(|cx| Pin::new(&mut &other).poll_read_vectored(cx, &mut bufs)).await;
        assert_eq!(n.unwrap(), 5);
        assert_eq!((&head, &tail[..2]), (b"abc", &b"de"[..]));
    });
}

#[test]
fn a_loop_that_is_always_ready_gives_way() {
    bibelot::run(async {
        let endless = spawn(async {
            let (a, b) = duplex(8);
            loop {
                write_all(&a, b"x").await.unwrap();
                read_full(&b, &mut [0]).await.unwrap();
            }
        });
        for _ in 0..3 {
            yield_now().await;
        }
        endless.cancel();
        assert!(endless.await.is_err());
    });
}

/// Counts its wakes.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn of_those_who_poll_one_side_the_last_is_woken() {
    let (a, b) = duplex(1);
    let counts = [(); 3].map(|()| Arc::new(Count::default()));
    let wakers = counts.each_ref().map(|count| Waker::from(count.clone()));
    let [mut first, mut second, mut writer] = wakers.each_ref().map(Context::from_waker);
    let wakes = || {
        counts
            .each_ref()
            .map(|count| count.0.load(Ordering::Relaxed))
    };

    let mut byte = [0];
    let (mut a, mut b) = (&a, &b);
    assert!(
        Pin::new(&mut b)
            .poll_read(&mut first, &mut byte)
            .is_pending()
    );
    assert!(
        Pin::new(&mut b)
            .poll_read(&mut second, &mut byte)
            .is_pending()
    );
    assert!(Pin::new(&mut a).poll_write(&mut writer, b"x").is_ready());
    assert_eq!(wakes(), [0, 1, 0], "by the bytes");
    assert!(Pin::new(&mut a).poll_write(&mut writer, b"y").is_pending());
    assert!(
        Pin::new(&mut b)
            .poll_read(&mut second, &mut byte)
            .is_ready()
    );
    assert_eq!(wakes(), [0, 1, 1], "by the room");
    assert!(matches!(
        Pin::new(&mut a).poll_write(&mut writer, b"y"),
        Poll::Ready(Ok(1))
    ));
    assert!(Pin::new(&mut a).poll_write(&mut writer, b"z").is_pending());
    b.shutdown(std::net::Shutdown::Both).unwrap();
    assert_eq!(wakes(), [0, 1, 2], "by the end");
}

#[test]
fn who_polls_and_who_stands_in_line_are_both_served() {
    same_every_time(who_polls_and_who_stands_in_line_are_both_served);
    Sim::new().run(async {
        let (a, b) = duplex(1);
        let b = Rc::new(b);
        let in_line = spawn({
            let b = b.clone();
            async move { b.read_exact(&mut [0; 3]).await }
        });
        let polling = spawn(async move { read_full(&*b, &mut [0; 3]).await });
        yield_now().await;
        a.write_all(b"123456").await.unwrap();
        in_line.await.unwrap().unwrap();
        assert_eq!(polling.await.unwrap().unwrap(), 3);
    });
}

#[test]
fn a_deadlock_of_those_who_poll_is_reported_with_its_place() {
    same_every_time(a_deadlock_of_those_who_poll_is_reported_with_its_place);
    let mut line = 0;
    let dead = catch_unwind(AssertUnwindSafe(|| {
        Sim::new().run(async {
            let (a, _b) = duplex(1);
            line = line!() + 1;
            poll_fn(|cx| Pin::new(&mut &a).poll_read(cx, &mut [0])).await
        })
    }));
    let text = *dead.unwrap_err().downcast::<String>().unwrap();
    let place = format!("another task at {}:{line}:", file!());
    assert!(text.contains(&place), "{place} in {text}");
}

#[test]
#[cfg(feature = "process")]
fn a_child_is_talked_with_by_the_traits() {
    use bibelot::process::{Command, Stdio};
    bibelot::run(async {
        let mut command = Command::new("tee");
        command.arg("/dev/stderr").stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let writer = spawn(async move {
            write_all(&stdin, &long()).await.unwrap();
            close(stdin).await.unwrap();
        });
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let reader = spawn(async move {
            let mut buf = vec![0; long().len() + 1];
            let n = read_full(stderr, &mut buf).await.unwrap();
            assert!(buf[..n] == long());
        });
        let mut buf = vec![0; long().len() + 1];
        let n = read_full(&stdout, &mut buf).await.unwrap();
        assert!(buf[..n] == long());
        writer.await.unwrap();
        reader.await.unwrap();
        assert!(child.wait().await.unwrap().success());
    });
}
