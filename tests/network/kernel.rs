//! The same program against the kernel and in the network, with the same transcript of all that it sees.
//!
//! The kernel is Linux's: others differ in what they make of a shutdown of reading, and of a reset.

#![cfg(target_os = "linux")]

use std::cell::RefCell;
use std::fmt::Debug;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use bibelot::io::{IoSlice, IoSliceMut};
use bibelot::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use bibelot::task::yield_now;
use bibelot::testing::{Network, Sim};
use bibelot::time::{Duration, sleep, timeout};
use std::future::poll_fn;

use crate::pair;

/// What a program has seen.
#[derive(Default)]
struct Transcript(RefCell<Vec<String>>);

impl Transcript {
    /// Notes something.
    fn note(&self, what: impl Debug) {
        self.0.borrow_mut().push(format!("{what:?}"));
    }

    /// Notes what an operation has answered: an error by its kind.
    fn answer<T: Debug>(&self, what: &str, answer: io::Result<T>) {
        let answer = answer.map_err(|error| error.kind());
        self.0.borrow_mut().push(format!("{what}: {answer:?}"));
    }
}

/// Runs a program here and there, and compares.
#[track_caller]
fn same_in_both(program: impl AsyncFn(&Transcript) -> io::Result<()>) {
    let transcript_of = |network: Option<&Network>| {
        let transcript = Transcript::default();
        let mut sim = Sim::new();
        if let Some(network) = network {
            sim = sim.network(network);
        }
        let limit = Duration::from_secs(60);
        let done = sim.run(async { timeout(limit, program(&transcript)).await });
        done.expect("it hangs").expect("no error");
        transcript.0.into_inner()
    };
    let real = transcript_of(None);
    for network in [
        Network::new(),
        Network::new().latency(Duration::from_millis(1)),
    ] {
        assert_eq!(transcript_of(Some(&network)), real);
    }
}

/// Waits until what was sent has arrived.
async fn settle() {
    sleep(Duration::from_millis(5)).await;
}

/// Whether a future has to wait.
async fn waits<F: Future>(future: F) -> bool {
    let mut future = pin!(future);
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

#[test]
fn an_echo_server_and_its_clients_see_the_same() {
    same_in_both(async |seen| {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = bibelot::spawn(async move {
            let mut incoming = listener.incoming();
            for _ in 0..3 {
                let client = incoming.next().await.expect("never the end")?;
                bibelot::spawn(async move { bibelot::io::copy(&client, &client).await });
            }
            io::Result::Ok(())
        });
        for nth in 0..3 {
            let stream = TcpStream::connect(("localhost", address.port())).await?;
            stream.set_nodelay(true)?;
            seen.note((
                stream.nodelay()?,
                stream.ttl()?,
                stream.take_error()?.is_none(),
            ));
            writeln!(stream, "hello, {nth}").await?;
            seen.answer("shutdown", stream.shutdown(Shutdown::Write));
            let mut answer = String::new();
            seen.answer("read", stream.read_to_string(&mut answer).await);
            seen.note(answer);
        }
        server.await??;
        Ok(())
    });
}

#[test]
fn reads_see_the_same() {
    same_in_both(async |seen| {
        let (here, there) = pair().await?;
        let mut buf = [0; 4];
        seen.note(waits(here.read(&mut buf)).await);
        seen.note(waits(here.peek(&mut buf)).await);
        seen.note(waits(here.read(&mut [])).await);
        there.write_all(b"abcdef").await?;
        settle().await;
        seen.answer("nothing", here.read(&mut []).await);
        seen.answer("peek", here.peek(&mut buf).await);
        seen.note(buf);
        seen.answer("read", here.read(&mut buf).await);
        seen.note(buf);
        let (mut one, mut other) = ([0; 1], [0; 5]);
        let mut bufs = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut other)];
        seen.answer("vectored", here.read_vectored(&mut bufs).await);
        seen.note((one, other));
        there
            .write_vectored(&[IoSlice::new(b""), IoSlice::new(b"gh"), IoSlice::new(b"i")])
            .await?;
        drop(there);
        settle().await;
        for _ in 0..3 {
            seen.answer("end", here.read(&mut buf).await);
        }
        seen.answer("peek of the end", here.peek(&mut buf).await);
        Ok(())
    });
}

#[test]
fn shutdowns_see_the_same() {
    same_in_both(async |seen| {
        let (here, there) = pair().await?;
        seen.answer("write half", here.shutdown(Shutdown::Write));
        seen.answer("again", here.shutdown(Shutdown::Write));
        seen.answer("a write", here.write(b"a").await);
        seen.answer("an empty write", here.write(b"").await);
        let mut buf = [0; 8];
        seen.answer("the end", there.read(&mut buf).await);
        seen.answer("back", there.write(b"back").await);
        seen.answer("read", here.read(&mut buf).await);
        seen.answer("read half", here.shutdown(Shutdown::Read));
        seen.answer("a read", here.read(&mut buf).await);
        // What comes then is for nobody.
        there.write_all(b"late").await?;
        settle().await;
        seen.answer("a late read", here.read(&mut buf).await);
        seen.answer("a read after it", here.read(&mut buf).await);
        seen.answer("a late write", there.write(b"later").await);
        Ok(())
    });
}

#[test]
fn a_reader_that_is_shut_down_sees_the_same() {
    same_in_both(async |seen| {
        let (here, there) = pair().await?;
        here.shutdown(Shutdown::Read)?;
        let mut buf = [0; 8];
        seen.answer("a read", here.read(&mut buf).await);
        // What comes then is taken all the same.
        there.write_all(b"late").await?;
        settle().await;
        seen.answer("a late read", here.read(&mut buf).await);
        seen.answer("a read after it", here.read(&mut buf).await);
        seen.answer("a write", here.write(b"still").await);
        seen.answer("both", here.shutdown(Shutdown::Both));
        let mut text = String::new();
        seen.answer("the rest", there.read_to_string(&mut text).await);
        Ok(())
    });
}

#[test]
fn a_shutdown_wakes_who_reads_in_both() {
    same_in_both(async |seen| {
        let (here, _there) = pair().await?;
        let here = Rc::new(here);
        let reader = bibelot::spawn({
            let here = Rc::clone(&here);
            async move { here.read(&mut [0; 8]).await }
        });
        yield_now().await;
        here.shutdown(Shutdown::Read)?;
        seen.answer("read", reader.await?);
        Ok(())
    });
}

#[test]
fn a_peer_that_has_gone_is_seen_the_same() {
    same_in_both(async |seen| {
        let (here, there) = pair().await?;
        drop(there);
        settle().await;
        for nth in 0..3 {
            seen.answer(&format!("write {nth}"), here.write(b"abc").await);
            settle().await;
        }
        seen.answer("read", here.read(&mut [0; 8]).await);
        seen.answer("shutdown", here.shutdown(Shutdown::Write));
        seen.answer("peer", here.peer_addr().map(drop));
        Ok(())
    });
}

#[test]
fn a_peer_that_goes_with_unread_data_is_seen_the_same() {
    same_in_both(async |seen| {
        let (here, there) = pair().await?;
        here.write_all(b"never read").await?;
        there.write_all(b"last words").await?;
        settle().await;
        drop(there);
        settle().await;
        let mut buf = [0; 4];
        for nth in 0..5 {
            seen.answer(&format!("read {nth}"), here.read(&mut buf).await);
        }
        seen.answer("write", here.write(b"abc").await);
        seen.answer("shutdown", here.shutdown(Shutdown::Write));
        seen.answer("peer", here.peer_addr().map(drop));
        Ok(())
    });
}

#[test]
fn a_write_learns_of_a_reset_the_same() {
    same_in_both(async |seen| {
        let (here, there) = pair().await?;
        here.write_all(b"never read").await?;
        settle().await;
        drop(there);
        settle().await;
        for nth in 0..3 {
            seen.answer(&format!("write {nth}"), here.write(b"abc").await);
        }
        seen.answer("read", here.read(&mut [0; 8]).await);
        seen.answer(
            "error",
            here.take_error()
                .map(|error| error.map(|error| error.kind())),
        );
        Ok(())
    });
}

#[test]
fn listeners_see_the_same() {
    same_in_both(async |seen| {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        seen.note((address.ip(), address.port() > 0));
        seen.answer("twice", TcpListener::bind(address).await.map(drop));
        seen.answer(
            "all",
            TcpListener::bind(("0.0.0.0", address.port()))
                .await
                .map(drop),
        );
        seen.answer("other", TcpListener::bind("192.0.2.1:0").await.map(drop));
        let none: &[std::net::SocketAddr] = &[];
        seen.answer("none", TcpListener::bind(none).await.map(drop));
        seen.note(waits(listener.accept()).await);
        // Connected, written to and closed before it is accepted.
        let early = TcpStream::connect(address).await?;
        early.write_all(b"early").await?;
        drop(early);
        settle().await;
        let (client, _) = listener.accept().await?;
        let mut text = String::new();
        seen.answer("early", client.read_to_string(&mut text).await);
        seen.note(text);
        // Never accepted.
        let late = TcpStream::connect(address).await?;
        settle().await;
        drop(listener);
        settle().await;
        seen.answer("late", late.read(&mut [0; 8]).await);
        seen.answer("refused", TcpStream::connect(address).await.map(drop));
        seen.answer("bound again", TcpListener::bind(address).await.map(drop));
        Ok(())
    });
}

#[test]
fn a_connect_that_nobody_accepts_stands_the_same() {
    same_in_both(async |seen| {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let stream = TcpStream::connect(listener.local_addr()?).await?;
        seen.answer("write", stream.write(b"hello").await);
        let same = stream.peer_addr()? == listener.local_addr()?;
        seen.note(same);
        drop(stream);
        settle().await;
        let (client, from) = listener.accept().await?;
        seen.note(client.peer_addr()? == from);
        let mut text = String::new();
        seen.answer("read", client.read_to_string(&mut text).await);
        Ok(())
    });
}

#[test]
fn families_see_the_same() {
    same_in_both(async |seen| {
        let listener = TcpListener::bind("[::]:0").await?;
        let port = listener.local_addr()?.port();
        let _v4 = TcpStream::connect(("127.0.0.1", port)).await?;
        let (client, from) = listener.accept().await?;
        seen.note((from.ip(), client.local_addr()?.ip()));
        let v6 = TcpStream::connect(("::1", port)).await?;
        let (_, from) = listener.accept().await?;
        seen.note((from.ip(), v6.peer_addr()?.ip()));
        let any = TcpStream::connect(("0.0.0.0", port)).await?;
        seen.note((any.peer_addr()?.ip(), any.local_addr()?.ip()));
        Ok(())
    });
}

#[test]
fn handles_of_one_socket_see_the_same() {
    same_in_both(async |seen| {
        let (here, there) = pair().await?;
        let again = here.try_clone()?;
        seen.note(again.local_addr()? == here.local_addr()?);
        drop(here);
        there.write_all(b"still here").await?;
        let mut buf = [0; 16];
        seen.answer("read", again.read(&mut buf).await);
        drop(again);
        settle().await;
        seen.answer("end", there.read(&mut buf).await);
        Ok(())
    });
}

#[test]
fn datagrams_see_the_same() {
    same_in_both(async |seen| {
        let here = UdpSocket::bind("127.0.0.1:0").await?;
        let there = UdpSocket::bind("127.0.0.1:0").await?;
        let (near, far) = (here.local_addr()?, there.local_addr()?);
        let mut buf = [0; 4];
        seen.note(waits(here.recv(&mut buf)).await);
        seen.answer("no peer", here.send(b"hello").await);
        seen.answer("no peer's address", here.peer_addr().map(drop));
        seen.answer("sent", here.send_to(b"longer than that", far).await);
        seen.answer("empty", here.send_to(b"", far).await);
        seen.answer("too long", here.send_to(&[0; 65_508], far).await);
        settle().await;
        let from =
            |result: io::Result<(usize, _)>| result.map(|(count, from)| (count, from == near));
        seen.answer("peek", from(there.peek_from(&mut buf).await));
        seen.answer("cut off", from(there.recv_from(&mut buf).await));
        seen.note(buf);
        seen.answer("empty", from(there.recv_from(&mut buf).await));
        there.connect(near).await?;
        seen.note((there.peer_addr()? == near, there.broadcast()?, there.ttl()?));
        seen.answer("to the peer", there.send(b"back").await);
        seen.answer("received", here.recv(&mut buf).await);
        // Only the peer's are received.
        let third = UdpSocket::bind("127.0.0.1:0").await?;
        third.send_to(b"no", far).await?;
        here.send_to(b"yes", far).await?;
        settle().await;
        seen.answer("the peer's", there.recv(&mut buf).await);
        seen.note(buf);
        seen.note(waits(there.recv(&mut buf)).await);
        Ok(())
    });
}

#[test]
fn a_peer_without_a_socket_is_learned_of_the_same() {
    same_in_both(async |seen| {
        let gone = UdpSocket::bind("127.0.0.1:0").await?;
        let address = gone.local_addr()?;
        drop(gone);
        let here = UdpSocket::bind("127.0.0.1:0").await?;
        seen.answer("unconnected", here.send_to(b"hello?", address).await);
        settle().await;
        seen.answer("again", here.send_to(b"hello?", address).await);
        here.connect(address).await?;
        seen.answer("connected", here.send(b"hello?").await);
        settle().await;
        seen.answer("receive", here.recv(&mut [0; 8]).await);
        seen.answer("sent", here.send(b"hello?").await);
        settle().await;
        seen.answer("send", here.send(b"hello?").await);
        Ok(())
    });
}
