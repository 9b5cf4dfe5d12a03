//! Connections: what std promises of them.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;
use std::thread;

use bibelot::io::{IoSlice, IoSliceMut};
use bibelot::net::{Shutdown, TcpListener, TcpStream};
use bibelot::time::{Duration, timeout};

use crate::{has_v6, pair, run};

/// An echo over the loopback of one family.
async fn echo_over(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let server = bibelot::spawn(async move {
        let (client, _) = listener.accept().await?;
        bibelot::io::copy(&client, &client).await
    });
    let stream = TcpStream::connect(address).await?;
    assert_eq!(stream.peer_addr()?, address);
    for text in ["hello, ", "world", "!"] {
        stream.write_all(text.as_bytes()).await?;
    }
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    assert_eq!(stream.read_to_string(&mut answer).await?, 13);
    assert_eq!(answer, "hello, world!");
    assert_eq!(server.await??, 13);
    Ok(())
}

#[test]
fn an_echo_comes_back() {
    run(echo_over("127.0.0.1:0"));
}

#[test]
fn an_echo_comes_back_over_v6() {
    if has_v6() {
        run(echo_over("[::1]:0"));
    }
}

#[test]
fn more_than_any_buffer_holds_arrives_whole() {
    const BYTES: usize = 16 << 20;
    run(async {
        let (here, there) = pair().await?;
        let sender = bibelot::spawn(async move {
            let block: Vec<u8> = (0..BYTES).map(|at| (at % 251) as u8).collect();
            there.write_all(&block).await
        });
        let mut all = Vec::new();
        assert_eq!(here.read_to_end(&mut all).await?, BYTES);
        assert!(
            all.iter()
                .enumerate()
                .all(|(at, byte)| *byte == (at % 251) as u8)
        );
        sender.await??;
        Ok(())
    });
}

#[test]
fn each_half_closes_for_itself() {
    run(async {
        let (here, there) = pair().await?;
        here.shutdown(Shutdown::Write)?;
        let mut nothing = Vec::new();
        assert_eq!(there.read_to_end(&mut nothing).await?, 0);
        assert!(here.write(b"a").await.is_err());
        there.write_all(b"still").await?;
        there.shutdown(Shutdown::Write)?;
        let mut rest = String::new();
        here.read_to_string(&mut rest).await?;
        assert_eq!(rest, "still");
        Ok(())
    });
}

#[test]
fn a_shutdown_of_reading_wakes_who_reads() {
    run(async {
        let (here, _there) = pair().await?;
        let here = Rc::new(here);
        let reader = bibelot::spawn({
            let here = Rc::clone(&here);
            async move { here.read(&mut [0; 8]).await }
        });
        bibelot::task::yield_now().await;
        here.shutdown(Shutdown::Read)?;
        assert_eq!(reader.await??, 0);
        Ok(())
    });
}

#[test]
fn a_reset_in_the_middle_of_a_message_is_an_error() {
    run(async {
        let (here, there) = pair().await?;
        there.write_all(b"abc").await?;
        rustix::net::sockopt::set_socket_linger(&there, Some(Duration::ZERO))?;
        drop(there);
        let error = here.read_exact(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        Ok(())
    });
}

#[test]
fn a_reset_wakes_who_waits_to_read() {
    run(async {
        let (here, there) = pair().await?;
        let reader = bibelot::spawn(async move { here.read(&mut [0; 8]).await });
        bibelot::task::yield_now().await;
        rustix::net::sockopt::set_socket_linger(&there, Some(Duration::ZERO))?;
        drop(there);
        let error = reader.await?.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        Ok(())
    });
}

#[test]
fn writing_to_who_is_gone_is_an_error_and_no_signal() {
    run(async {
        let (here, there) = pair().await?;
        drop(there);
        let error = loop {
            if let Err(error) = here.write(b"anybody?").await {
                break error;
            }
        };
        let expected = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset];
        assert!(expected.contains(&error.kind()), "{error}");
        Ok(())
    });
}

#[test]
fn an_exact_read_of_a_shorter_stream_ends_early() {
    run(async {
        let (here, there) = pair().await?;
        there.write_all(b"abc").await?;
        drop(there);
        let error = here.read_exact(&mut [0; 4]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        Ok(())
    });
}

#[test]
fn text_that_is_none_is_an_error() {
    run(async {
        let (here, there) = pair().await?;
        there.write_all(b"ab\xff").await?;
        drop(there);
        let mut text = String::from("before");
        let error = here.read_to_string(&mut text).await.unwrap_err();
        assert_eq!((error.kind(), &*text), (ErrorKind::InvalidData, "before"));
        Ok(())
    });
}

#[test]
fn nothing_is_written_and_read_exactly_at_once() {
    run(async {
        let (here, _there) = pair().await?;
        assert_eq!(here.write(b"").await?, 0);
        here.write_all(b"").await?;
        here.read_exact(&mut []).await?;
        here.flush().await
    });
}

#[test]
fn a_read_into_nothing_waits_for_something_as_a_thread_does() {
    run(async {
        let (here, there) = pair().await?;
        let waits = timeout(Duration::from_millis(1), here.read(&mut []));
        assert!(waits.await.is_err());
        there.write_all(b"a").await?;
        assert_eq!(here.read(&mut []).await?, 0);
        assert_eq!(here.read(&mut [0; 8]).await?, 1);
        Ok(())
    });
}

#[test]
fn several_buffers_are_written_and_read_in_one_go() {
    run(async {
        let (here, there) = pair().await?;
        let parts = [
            IoSlice::new(b"one"),
            IoSlice::new(b""),
            IoSlice::new(b"two"),
        ];
        assert_eq!(there.write_vectored(&parts).await?, 6);
        let (mut first, mut second) = ([0; 2], [0; 8]);
        let mut parts = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(here.read_vectored(&mut parts).await?, 6);
        assert_eq!((&first[..], &second[..4]), (&b"on"[..], &b"etwo"[..]));
        Ok(())
    });
}

#[test]
fn text_is_written_by_the_macros() {
    run(async {
        let (here, there) = pair().await?;
        writeln!(there, "{} and {}", 1, 2).await?;
        drop(there);
        let mut text = String::new();
        here.read_to_string(&mut text).await?;
        assert_eq!(text, "1 and 2\n");
        Ok(())
    });
}

#[test]
fn an_accept_that_timed_out_or_was_cancelled_has_lost_no_client() {
    run(async {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:0").await?);
        let accept = timeout(Duration::from_millis(1), listener.accept());
        assert!(accept.await.is_err());
        let cancelled = bibelot::spawn({
            let listener = Rc::clone(&listener);
            async move { listener.accept().await.map(|_| ()) }
        });
        bibelot::task::yield_now().await;
        cancelled.cancel();
        assert!(cancelled.await.unwrap_err().is_cancelled());
        let client = TcpStream::connect(listener.local_addr()?).await?;
        assert_eq!(listener.accept().await?.1, client.local_addr()?);
        Ok(())
    });
}

#[test]
fn incoming_brings_one_client_after_the_other() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut clients = Vec::new();
        for _ in 0..3 {
            clients.push(TcpStream::connect(listener.local_addr()?).await?);
        }
        let mut incoming = listener.incoming();
        for client in clients {
            let stream = incoming.next().await.expect("it never ends")?;
            assert_eq!(stream.peer_addr()?, client.local_addr()?);
        }
        Ok(())
    });
}

#[test]
fn what_std_gives_std_gets_back_blocking() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("its address");
    let peer = thread::spawn(move || {
        let mut stream = std::net::TcpStream::connect(address)?;
        let mut buf = [0; 5];
        stream.read_exact(&mut buf)?;
        stream.write_all(&buf)?;
        io::Result::Ok(buf)
    });
    let client = run(async {
        let listener = TcpListener::from_std(listener)?;
        let (client, _) = listener.accept().await?;
        client.write_all(b"hello").await?;
        client.into_std()
    });
    let mut echo = [0; 5];
    (&client)
        .read_exact(&mut echo)
        .expect("it blocks until all is there");
    assert_eq!(&echo, b"hello");
    peer.join().expect("no panic").expect("no error");
}

#[test]
fn options_are_those_of_the_socket() {
    run(async {
        let (here, there) = pair().await?;
        here.set_nodelay(true)?;
        assert!(here.nodelay()?);
        here.set_ttl(42)?;
        assert_eq!(here.ttl()?, 42);
        assert_eq!(here.peer_addr()?, there.local_addr()?);
        assert!(here.take_error()?.is_none());
        assert!(format!("{here:?}").contains("TcpStream"));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        listener.set_ttl(43)?;
        assert_eq!(listener.ttl()?, 43);
        let again = listener.try_clone()?;
        assert_eq!(again.local_addr()?, listener.local_addr()?);
        Ok(())
    });
}

#[test]
fn a_peer_that_is_always_ready_starves_nobody() {
    run(async {
        let (here, there) = pair().await?;
        let turns = Rc::new(Cell::new(0));
        bibelot::spawn({
            let turns = Rc::clone(&turns);
            async move {
                while turns.get() >= 0 {
                    turns.set(turns.get() + 1);
                    bibelot::task::yield_now().await;
                }
            }
        });
        // Never would-block: what is read was written just before.
        for _ in 0..1000 {
            there.write_all(b"a").await?;
            here.read_exact(&mut [0; 1]).await?;
        }
        assert!(turns.get() > 5, "the other task had {} turns", turns.get());
        turns.set(-1);
        Ok(())
    });
}

#[test]
fn a_queue_of_clients_starves_nobody() {
    run(async {
        const CLIENTS: usize = 300;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(TcpStream::connect(listener.local_addr()?).await?);
        }
        let other = bibelot::spawn(async {});
        let mut accepted = 0;
        while !other.is_finished() {
            listener.accept().await?;
            accepted += 1;
        }
        assert!(accepted < CLIENTS, "the other task came after all of them");
        Ok(())
    });
}

#[test]
fn a_burst_of_clients_finds_room_to_wait() {
    run(async {
        // More than std's backlog of 128; connects beyond it would take a second each.
        const CLIENTS: usize = 300;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            let connect = TcpStream::connect_timeout(&address, Duration::from_millis(900));
            clients.push(connect.await?);
        }
        Ok(())
    });
}
