//! The readiness rule: an edge is told once, so nothing that it said may be forgotten.

use std::io::{self, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::task::Poll;

use bibelot::net::{Shutdown, TcpListener, TcpStream, UdpSocket, UnixStream};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

use crate::{look_outside, pair, poll_once, run, waiting};

#[test]
fn data_and_the_end_in_one_event_are_both_read_after_a_short_read() {
    run(async {
        let (here, there) = pair().await?;
        let mut buf = [0; 16];
        let read = waiting(here.read(&mut buf)).await;
        there.write_all(b"abc").await?;
        there.shutdown(Shutdown::Write)?;
        assert_eq!(read.await?, 3);
        assert_eq!(here.read(&mut buf).await?, 0);
        assert_eq!(here.read(&mut buf).await?, 0); // and for ever
        Ok(())
    });
}

#[test]
fn the_end_is_read_that_comes_after_the_event_and_before_the_short_read() {
    run(async {
        let (here, there) = pair().await?;
        let mut buf = [0; 16];
        let read = waiting(here.read(&mut buf)).await;
        there.write_all(b"abc").await?;
        look_outside().await?; // the event is that of the data alone
        there.shutdown(Shutdown::Write)?;
        assert_eq!(read.await?, 3);
        assert_eq!(here.read(&mut buf).await?, 0);
        Ok(())
    });
}

#[test]
fn what_comes_between_the_event_and_the_short_read_is_read() {
    run(async {
        let (here, there) = pair().await?;
        let mut buf = [0; 16];
        for _ in 0..10 {
            let read = waiting(here.read(&mut buf)).await;
            there.write_all(b"abc").await?;
            look_outside().await?;
            there.write_all(b"def").await?;
            let mut count = read.await?;
            while count < 6 {
                count += here.read(&mut buf).await?;
            }
            assert_eq!(count, 6);
        }
        Ok(())
    });
}

#[test]
fn what_is_behind_an_urgent_mark_is_read() {
    run(async {
        let (here, there) = pair().await?;
        let mut buf = [0; 16];
        let read = waiting(here.read(&mut buf)).await;
        there.write_all(b"ab").await?;
        rustix::net::send(&there, b"!", SendFlags::OOB)?;
        there.write_all(b"cd").await?;
        let count = read.await?; // stops short at the mark
        assert_eq!(&buf[..count], b"ab");
        let count = here.read(&mut buf).await?;
        assert_eq!(&buf[..count], b"cd");
        Ok(())
    });
}

#[test]
fn a_short_peek_clears_nothing() {
    run(async {
        let (here, there) = pair().await?;
        let mut buf = [0; 16];
        let peek = waiting(here.peek(&mut buf)).await;
        there.write_all(b"abc").await?;
        assert_eq!(peek.await?, 3);
        let mut read = Box::pin(here.read(&mut buf));
        let Poll::Ready(count) = poll_once(read.as_mut()).await else {
            panic!("what was peeked is there to be read");
        };
        assert_eq!(count?, 3);
        Ok(())
    });
}

/// Has a stream see that a read of four bytes empties it, so that it guesses the same of the next.
async fn used_to_fours(here: &TcpStream, there: &TcpStream) -> io::Result<()> {
    let mut buf = [0; 4];
    for _ in 0..2 {
        let mut read = Box::pin(here.read(&mut buf));
        assert!(poll_once(read.as_mut()).await.is_pending());
        there.write_all(b"full").await?;
        assert_eq!(read.await?, 4);
    }
    let mut read = Box::pin(here.read(&mut buf));
    assert!(poll_once(read.as_mut()).await.is_pending());
    Ok(())
}

#[test]
fn what_a_full_read_leaves_behind_is_read_though_the_last_one_left_nothing() {
    run(async {
        let (here, there) = pair().await?;
        used_to_fours(&here, &there).await?;
        there.write_all(b"abcdefghij").await?;
        look_outside().await?; // one event for all of it
        let mut buf = [0; 4];
        for piece in [&b"abcd"[..], b"efgh", b"ij"] {
            let count = here.read(&mut buf).await?;
            assert_eq!(&buf[..count], piece);
        }
        Ok(())
    });
}

#[test]
fn who_waits_in_line_reads_what_a_full_read_has_left_behind() {
    run(async {
        let (here, there) = pair().await?;
        used_to_fours(&here, &there).await?;
        let (mut one, mut two) = ([0; 4], [0; 4]);
        let mut first = Box::pin(here.read(&mut one));
        let mut second = Box::pin(here.read(&mut two));
        assert!(poll_once(first.as_mut()).await.is_pending());
        assert!(poll_once(second.as_mut()).await.is_pending());
        there.write_all(b"abcdefgh").await?;
        assert_eq!(first.await?, 4);
        assert_eq!(second.await?, 4);
        assert_eq!([one, two], [*b"abcd", *b"efgh"]);
        Ok(())
    });
}

#[test]
fn the_end_behind_a_full_read_is_read() {
    run(async {
        let (here, there) = pair().await?;
        used_to_fours(&here, &there).await?;
        let mut buf = [0; 4];
        let mut read = Box::pin(here.read(&mut buf));
        assert!(poll_once(read.as_mut()).await.is_pending());
        there.write_all(b"last").await?;
        look_outside().await?; // the event is that of the data alone
        there.shutdown(Shutdown::Write)?;
        assert_eq!(read.await?, 4);
        assert_eq!(here.read(&mut buf).await?, 0);
        Ok(())
    });
}

/// A host waits for the executor's descriptor, which no edge would make readable.
#[cfg(not(polling_test_poll_backend))]
#[test]
fn a_host_is_told_of_what_a_full_read_has_left_behind() {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let executor = bibelot::Executor::new().expect("an executor");
    let (here, there) = executor.run(async {
        let (here, there) = pair().await.expect("a pair");
        let used = used_to_fours(&here, &there).await;
        used.expect("no error");
        there.write_all(b"abcdefgh").await.expect("no error");
        (here, there)
    });
    let reader = executor.spawn(async move {
        let mut buf = [0; 4];
        here.read(&mut buf).await.expect("no error");
        here.read(&mut buf).await.expect("no error");
        buf
    });
    let limit = Timespec::try_from(crate::LIMIT).expect("a limit");
    while !reader.is_finished() {
        let mut fds = [PollFd::new(&executor, PollFlags::IN)];
        let ready = poll(&mut fds, Some(&limit)).expect("no error");
        assert_eq!(ready, 1, "the host was not told");
        executor.turn(Some(std::time::Duration::ZERO));
    }
    assert_eq!(executor.run(reader).expect("it ends"), *b"efgh");
    drop(there);
}

#[test]
fn what_is_behind_a_descriptor_passed_over_a_unix_stream_is_read() {
    run(async {
        let (here, there) = UnixStream::pair()?;
        let mut buf = [0; 16];
        let read = waiting(here.read(&mut buf)).await;
        there.write_all(b"ab").await?;
        let passed = [there.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&passed)));
        let data = [IoSlice::new(b"c")];
        rustix::net::sendmsg(&there, &data, &mut control, SendFlags::empty())?;
        there.write_all(b"de").await?;

        let mut pieces = vec![read.await?];
        while pieces.iter().sum::<usize>() < 5 {
            pieces.push(here.read(&mut buf).await?);
        }
        assert!(
            pieces.len() > 1,
            "no read stopped short, so this says nothing"
        );
        Ok(())
    });
}

#[test]
fn all_datagrams_of_one_event_are_received() {
    run(async {
        let here = UdpSocket::bind("127.0.0.1:0").await?;
        let there = UdpSocket::bind("127.0.0.1:0").await?;
        let mut buf = [0; 16];
        let first = waiting(here.recv_from(&mut buf)).await;
        for text in [b"one", b"two", b"six"] {
            there.send_to(text, here.local_addr()?).await?;
        }
        assert_eq!(first.await?, (3, there.local_addr()?));
        assert_eq!(&buf[..3], b"one");
        for text in [b"two", b"six"] {
            here.recv(&mut buf).await?;
            assert_eq!(&buf[..3], text);
        }
        Ok(())
    });
}

#[test]
fn all_clients_of_one_event_are_accepted() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let accept = waiting(listener.accept()).await;
        let mut clients = Vec::new();
        for _ in 0..3 {
            clients.push(TcpStream::connect(listener.local_addr()?).await?);
        }
        let mut from = vec![accept.await?.1];
        from.push(listener.accept().await?.1);
        from.push(listener.accept().await?.1);
        for client in &clients {
            assert!(from.contains(&client.local_addr()?));
        }
        Ok(())
    });
}

#[test]
fn a_std_socket_that_wrote_before_it_was_taken_in_is_read() {
    run(async {
        let (mut there, here) = std::os::unix::net::UnixStream::pair()?;
        there.write_all(b"early")?;
        let here = UnixStream::from_std(here)?;
        let mut buf = [0; 5];
        here.read_exact(&mut buf).await?;
        assert_eq!(&buf, b"early");
        Ok(())
    });
}
