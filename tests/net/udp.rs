//! Datagrams over UDP.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr};

use bibelot::net::UdpSocket;
use bibelot::time::{Duration, timeout};

use crate::{has_v6, run};

#[test]
fn a_datagram_is_echoed() {
    run(async {
        let server = UdpSocket::bind("127.0.0.1:0").await?;
        let address = server.local_addr()?;
        let echo = bibelot::spawn(async move {
            let mut buf = [0; 64];
            let (count, from) = server.recv_from(&mut buf).await?;
            server.send_to(&buf[..count], from).await
        });
        let client = UdpSocket::bind("127.0.0.1:0").await?;
        assert_eq!(client.send_to(b"hello", address).await?, 5);
        let mut buf = [0; 64];
        assert_eq!(client.recv_from(&mut buf).await?, (5, address));
        assert_eq!(&buf[..5], b"hello");
        assert_eq!(echo.await??, 5);
        Ok(())
    });
}

#[test]
fn a_datagram_goes_over_v6_too() {
    if !has_v6() {
        return;
    }
    run(async {
        let here = UdpSocket::bind("[::1]:0").await?;
        let there = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).await?;
        assert!(here.local_addr()?.is_ipv6());
        there.send_to(b"hello", here.local_addr()?).await?;
        let mut buf = [0; 64];
        assert_eq!(here.recv_from(&mut buf).await?, (5, there.local_addr()?));
        assert_eq!(&buf[..5], b"hello");
        Ok(())
    });
}

#[test]
fn a_peer_that_is_set_is_the_only_one_heard() {
    run(async {
        let here = UdpSocket::bind("127.0.0.1:0").await?;
        let peer = UdpSocket::bind("127.0.0.1:0").await?;
        let stranger = UdpSocket::bind("127.0.0.1:0").await?;
        here.connect(peer.local_addr()?).await?;
        assert_eq!(here.peer_addr()?, peer.local_addr()?);
        stranger.send_to(b"stranger", here.local_addr()?).await?;
        peer.send_to(b"peer", here.local_addr()?).await?;
        let mut buf = [0; 64];
        assert_eq!(here.recv(&mut buf).await?, 4);
        here.send(b"answer").await?;
        assert_eq!(peer.recv(&mut buf).await?, 6);
        Ok(())
    });
}

#[test]
fn a_peeked_datagram_is_still_there() {
    run(async {
        let here = UdpSocket::bind("127.0.0.1:0").await?;
        let there = UdpSocket::bind("127.0.0.1:0").await?;
        there.send_to(b"hello", here.local_addr()?).await?;
        let mut buf = [0; 64];
        assert_eq!(here.peek_from(&mut buf).await?, (5, there.local_addr()?));
        assert_eq!(here.peek(&mut buf).await?, 5);
        assert_eq!(here.recv_from(&mut buf).await?, (5, there.local_addr()?));
        Ok(())
    });
}

#[test]
fn what_does_not_fit_is_lost() {
    run(async {
        let here = UdpSocket::bind("127.0.0.1:0").await?;
        let there = UdpSocket::bind("127.0.0.1:0").await?;
        there.send_to(b"hello", here.local_addr()?).await?;
        there.send_to(b"next", here.local_addr()?).await?;
        let mut buf = [0; 2];
        assert_eq!(here.recv(&mut buf).await?, 2);
        assert_eq!(here.recv(&mut buf).await?, 2);
        assert_eq!(&buf, b"ne");
        Ok(())
    });
}

#[test]
fn an_empty_datagram_is_one() {
    run(async {
        let here = UdpSocket::bind("127.0.0.1:0").await?;
        let there = UdpSocket::bind("127.0.0.1:0").await?;
        there.send_to(b"", here.local_addr()?).await?;
        assert_eq!(here.recv_from(&mut [0; 8]).await?, (0, there.local_addr()?));
        Ok(())
    });
}

#[test]
fn a_receive_that_timed_out_or_was_cancelled_has_lost_nothing() {
    run(async {
        let here = UdpSocket::bind("127.0.0.1:0").await?;
        let mut buf = [0; 8];
        let waits = timeout(Duration::from_millis(1), here.recv_from(&mut buf));
        assert!(waits.await.is_err());
        let again = here.try_clone()?;
        let cancelled = bibelot::spawn(async move { again.recv(&mut [0; 8]).await });
        bibelot::task::yield_now().await;
        cancelled.cancel();
        assert!(cancelled.await.unwrap_err().is_cancelled());
        let there = UdpSocket::bind("127.0.0.1:0").await?;
        there.send_to(b"late", here.local_addr()?).await?;
        assert_eq!(here.recv(&mut buf).await?, 4);
        Ok(())
    });
}

#[test]
fn a_datagram_that_is_too_long_is_an_error() {
    run(async {
        let here = UdpSocket::bind("127.0.0.1:0").await?;
        let to = here.local_addr()?;
        assert!(here.send_to(&[0; 70_000], to).await.is_err());
        Ok(())
    });
}

#[test]
fn nobody_at_the_peer_is_told_later_as_in_std() {
    run(async {
        let gone = UdpSocket::bind("127.0.0.1:0").await?.local_addr()?;
        let here = UdpSocket::bind("127.0.0.1:0").await?;
        here.connect(gone).await?;
        here.send(b"anybody?").await?;
        let error = here.recv(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        Ok(())
    });
}

#[test]
fn many_datagrams_are_sent_without_a_wait_in_between() {
    run(async {
        let here = UdpSocket::bind("127.0.0.1:0").await?;
        let there = UdpSocket::bind("127.0.0.1:0").await?;
        here.connect(there.local_addr()?).await?;
        for _ in 0..5000 {
            here.send(&[0; 1000]).await?; // what has no room there is lost, here none waits for it
        }
        Ok(())
    });
}

#[test]
fn options_are_those_of_the_socket() {
    run(async {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        socket.set_broadcast(true)?;
        assert!(socket.broadcast()?);
        socket.set_ttl(42)?;
        assert_eq!(socket.ttl()?, 42);
        socket.set_multicast_ttl_v4(7)?;
        assert_eq!(socket.multicast_ttl_v4()?, 7);
        assert!(socket.take_error()?.is_none());
        let std = socket.into_std()?;
        assert!(UdpSocket::from_std(std)?.broadcast()?);
        Ok(())
    });
}

#[test]
fn a_group_is_heard_from_the_join_to_the_leave() {
    let group = Ipv4Addr::new(239, 255, 77, 33); // RFC 2365: of this site alone
    let interface = Ipv4Addr::LOCALHOST;
    run(async {
        let here = UdpSocket::bind("0.0.0.0:0").await?;
        let there = UdpSocket::bind("0.0.0.0:0").await?;
        rustix::net::sockopt::set_ip_multicast_if(&there, &interface)?;
        let port = here.local_addr()?.port();
        let mut buf = [0; 64];

        here.join_multicast_v4(&group, &interface)?;
        let twice = here.join_multicast_v4(&group, &interface).unwrap_err();
        assert_eq!(twice.kind(), ErrorKind::AddrInUse);
        there.send_to(b"to all", (group, port)).await?;
        assert_eq!(here.recv(&mut buf).await?, 6);
        assert_eq!(&buf[..6], b"to all");

        here.leave_multicast_v4(&group, &interface)?;
        let twice = here.leave_multicast_v4(&group, &interface).unwrap_err();
        assert_eq!(twice.kind(), ErrorKind::AddrNotAvailable);
        there.send_to(b"to all", (group, port)).await?;
        there
            .send_to(b"to you", (Ipv4Addr::LOCALHOST, port))
            .await?;
        assert_eq!(here.recv(&mut buf).await?, 6);
        assert_eq!(&buf[..6], b"to you");

        let no_group = here.join_multicast_v4(&Ipv4Addr::LOCALHOST, &interface);
        assert_eq!(no_group.unwrap_err().kind(), ErrorKind::InvalidInput);
        Ok(())
    });
}

#[test]
fn a_group_of_v6_is_joined_and_left_once() {
    if !has_v6() {
        return;
    }
    let group = "ff02::7733".parse().expect("an address");
    let interface = 1; // the loopback, wherever there is one
    run(async {
        let socket = UdpSocket::bind("[::]:0").await?;
        let unjoined = socket.leave_multicast_v6(&group, interface).unwrap_err();
        assert_eq!(unjoined.kind(), ErrorKind::AddrNotAvailable);
        socket.join_multicast_v6(&group, interface)?;
        let twice = socket.join_multicast_v6(&group, interface).unwrap_err();
        assert_eq!(twice.kind(), ErrorKind::AddrInUse);
        socket.leave_multicast_v6(&group, interface)?;
        let twice = socket.leave_multicast_v6(&group, interface).unwrap_err();
        assert_eq!(twice.kind(), ErrorKind::AddrNotAvailable);
        Ok(())
    });
}

#[test]
fn whether_what_is_sent_to_a_group_comes_back_is_said_for_each_family() {
    run(async {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        for comes_back in [false, true] {
            socket.set_multicast_loop_v4(comes_back)?;
            assert_eq!(socket.multicast_loop_v4()?, comes_back);
        }
        if has_v6() {
            let socket = UdpSocket::bind("[::]:0").await?;
            for comes_back in [false, true] {
                socket.set_multicast_loop_v6(comes_back)?;
                assert_eq!(socket.multicast_loop_v6()?, comes_back);
            }
        }
        Ok(())
    });
}
