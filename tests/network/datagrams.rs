//! Datagrams between hosts: when they arrive, and when they do not.

use std::io::ErrorKind;

use bibelot::net::UdpSocket;
use bibelot::testing::Network;
use bibelot::time::{Duration, Instant, sleep, timeout};

use crate::support::same_every_time;
use crate::{ms, run, timed};

/// A socket on one host and one on another, which knows the first as its peer.
async fn pair_between(
    network: &Network,
    one: &str,
    other: &str,
) -> std::io::Result<(UdpSocket, UdpSocket)> {
    let (one, other) = (network.host(one), network.host(other));
    let here = one.scope(UdpSocket::bind("0.0.0.0:0")).await?;
    let there = other.scope(UdpSocket::bind("0.0.0.0:0")).await?;
    there.connect((one.ip(), here.local_addr()?.port())).await?;
    here.connect(there.local_addr()?).await?;
    Ok((here, there))
}

#[test]
fn a_datagram_takes_the_latency_and_its_share_of_the_bandwidth() {
    same_every_time(a_datagram_takes_the_latency_and_its_share_of_the_bandwidth);
    let network = Network::new().latency(ms(10)).bandwidth(1000);
    run(&network, async {
        let (here, there) = pair_between(&network, "one", "other").await?;
        let start = Instant::now();
        here.send(&[1; 100]).await?;
        here.send(&[2; 200]).await?;
        assert_eq!(start.elapsed(), Duration::ZERO, "to send never waits");
        let mut buf = [0; 300];
        assert_eq!(there.recv(&mut buf).await?, 100);
        assert_eq!(start.elapsed(), ms(110));
        assert_eq!(there.recv(&mut buf).await?, 200);
        assert_eq!(start.elapsed(), ms(310));
        Ok(())
    });
}

#[test]
fn a_partition_swallows_datagrams_and_a_hold_does_not() {
    same_every_time(a_partition_swallows_datagrams_and_a_hold_does_not);
    let network = Network::new().latency(ms(10));
    run(&network, async {
        let (here, there) = pair_between(&network, "one", "other").await?;
        let mut buf = [0; 16];
        network.partition("one", "other");
        here.send(b"swallowed").await?;
        network.heal("one", "other");
        here.send(b"under way").await?;
        network.partition("one", "other");
        sleep(ms(20)).await;
        network.heal("one", "other");
        network.hold("one", "other");
        here.send(b"held").await?;
        assert!(
            timeout(Duration::from_secs(9), there.recv(&mut buf))
                .await
                .is_err()
        );
        network.release("one", "other");
        let (took, count) = timed(there.recv(&mut buf)).await;
        assert_eq!((took, &buf[..count?]), (Duration::ZERO, &b"held"[..]));
        assert!(
            timeout(Duration::from_secs(9), there.recv(&mut buf))
                .await
                .is_err()
        );
        Ok(())
    });
}

#[test]
fn a_peer_without_a_socket_is_learned_of_after_a_round_trip() {
    same_every_time(a_peer_without_a_socket_is_learned_of_after_a_round_trip);
    let network = Network::new().latency(ms(10));
    run(&network, async {
        let (here, there) = pair_between(&network, "one", "other").await?;
        drop(there);
        here.send(b"hello?").await?;
        let (took, error) = timed(here.recv(&mut [0; 8])).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert_eq!(took, ms(20));
        // Where nothing arrives, nothing is answered.
        network.partition("one", "other");
        here.send(b"hello?").await?;
        assert!(
            timeout(Duration::from_secs(9), here.recv(&mut [0; 8]))
                .await
                .is_err()
        );
        Ok(())
    });
}

#[test]
fn what_nobody_receives_in_time_is_lost() {
    same_every_time(what_nobody_receives_in_time_is_lost);
    let network = Network::new();
    run(&network, async {
        let (here, there) = pair_between(&network, "one", "other").await?;
        for nth in 0..100_u8 {
            here.send(&[nth; 10_000]).await?;
        }
        sleep(ms(1)).await;
        let mut buf = [0; 10_000];
        for nth in 0..21_u8 {
            there.recv(&mut buf).await?;
            assert_eq!(buf[0], nth, "the first 212 992 bytes are there");
        }
        assert!(timeout(ms(1), there.recv(&mut buf)).await.is_err());
        here.send(b"room again").await?;
        assert_eq!(there.recv(&mut buf).await?, 10);
        // Nor do empty ones gather without end.
        for _ in 0..10_000 {
            here.send(b"").await?;
        }
        sleep(ms(1)).await;
        let mut count = 0;
        while timeout(ms(1), there.recv(&mut buf)).await.is_ok() {
            count += 1;
        }
        assert_eq!(count, 212_992 / 64);
        Ok(())
    });
}

#[test]
fn one_for_nobody_is_gone_and_several_sockets_share_a_port() {
    same_every_time(one_for_nobody_is_gone_and_several_sockets_share_a_port);
    let network = Network::new();
    let host = network.host("host");
    host.add_ip("10.1.1.1".parse().unwrap());
    run(&network, async {
        let own = UdpSocket::bind("127.0.0.1:0").await?;
        assert_eq!(own.send_to(b"lost", "10.9.9.9:1").await?, 4);
        let here = UdpSocket::bind("0.0.0.0:0").await?;
        let all = host.scope(UdpSocket::bind("10.0.0.2:7")).await?;
        let one = host.scope(UdpSocket::bind("10.1.1.1:7")).await?;
        here.send_to(b"all", "10.0.0.2:7").await?;
        here.send_to(b"one", "host:7").await?;
        here.send_to(b"one", "10.1.1.1:7").await?;
        let mut buf = [0; 8];
        assert_eq!(all.recv(&mut buf).await?, 3);
        assert_eq!(all.recv(&mut buf).await?, 3, "a name's first address");
        let (count, from) = one.recv_from(&mut buf).await?;
        assert_eq!((count, from.ip()), (3, network.host("localhost").ip()));
        // An answer comes from the address that was asked.
        one.send_to(b"back", from).await?;
        assert_eq!(
            here.recv_from(&mut buf).await?,
            (4, "10.1.1.1:7".parse().unwrap())
        );
        Ok(())
    });
}

#[test]
fn what_has_no_meaning_here_says_so() {
    same_every_time(what_has_no_meaning_here_says_so);
    run(&Network::new(), async {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        let group = std::net::Ipv4Addr::new(224, 0, 0, 1);
        let error = socket.join_multicast_v4(&group, &std::net::Ipv4Addr::UNSPECIFIED);
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(
            error.to_string(),
            "this socket is simulated (testing::Network) and has no descriptor"
        );
        socket.set_broadcast(true)?;
        assert!(socket.broadcast()?);
        Ok(())
    });
}
