//! When things happen: exact, to the nanosecond, on the virtual clock.

use std::io::{self, ErrorKind};

use bibelot::net::{Shutdown, TcpListener, TcpStream};
use bibelot::testing::Network;
use bibelot::time::{Duration, Instant, sleep};

use crate::support::same_every_time;
use crate::{ms, pair, pair_between, run, timed};

#[test]
fn nothing_takes_time_in_a_perfect_network() {
    same_every_time(nothing_takes_time_in_a_perfect_network);
    run(&Network::new(), async {
        let (took, answer) = timed(async {
            let (here, there) = pair().await?;
            here.write_all(&[7; 1000]).await?;
            here.shutdown(Shutdown::Write)?;
            let mut all = Vec::new();
            there.read_to_end(&mut all).await
        })
        .await;
        assert_eq!((took, answer?), (Duration::ZERO, 1000));
        Ok(())
    });
}

#[test]
fn a_connect_takes_a_round_trip_and_an_accept_half_of_one_more() {
    same_every_time(a_connect_takes_a_round_trip_and_an_accept_half_of_one_more);
    run(&Network::new().latency(ms(10)), async {
        let listener = TcpListener::bind("127.0.0.1:80").await?;
        let start = Instant::now();
        let accepted = bibelot::spawn(async move {
            let (stream, _) = listener.accept().await?;
            io::Result::Ok((start.elapsed(), stream))
        });
        let here = TcpStream::connect("127.0.0.1:80").await?;
        assert_eq!(start.elapsed(), ms(20));
        here.write_all(b"hello").await?;
        let (took, there) = accepted.await??;
        assert_eq!(took, ms(30));
        // What was written at once is there with it.
        there.read_exact(&mut [0; 5]).await?;
        assert_eq!(start.elapsed(), ms(30));
        Ok(())
    });
}

#[test]
fn a_port_where_nobody_listens_refuses_after_a_round_trip() {
    same_every_time(a_port_where_nobody_listens_refuses_after_a_round_trip);
    let network = Network::new().latency(ms(10));
    let (_, server) = (network.host("client"), network.host("server"));
    run(&network, async {
        let (took, error) = timed(TcpStream::connect((server.ip(), 80))).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert_eq!(took, ms(20));
        Ok(())
    });
}

#[test]
fn an_address_that_no_host_has_is_unreachable() {
    same_every_time(an_address_that_no_host_has_is_unreachable);
    run(&Network::new(), async {
        let error = TcpStream::connect("10.9.9.9:80").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostUnreachable);
        let error = TcpStream::connect("[fd00::9]:80").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostUnreachable);
        Ok(())
    });
}

#[test]
fn data_takes_the_latency_each_way() {
    same_every_time(data_takes_the_latency_each_way);
    run(&Network::new().latency(ms(10)), async {
        let (here, there) = pair().await?;
        let echo = bibelot::spawn(async move { bibelot::io::copy(&there, &there).await });
        let (took, ()) = timed(async {
            here.write_all(b"ping").await.unwrap();
            here.read_exact(&mut [0; 4]).await.unwrap();
        })
        .await;
        assert_eq!(took, ms(20));
        let (took, ()) = timed(async {
            here.shutdown(Shutdown::Write).unwrap();
            assert_eq!(here.read(&mut [0; 4]).await.unwrap(), 0);
        })
        .await;
        assert_eq!(took, ms(20));
        assert_eq!(echo.await??, 4);
        Ok(())
    });
}

#[test]
fn a_bandwidth_spreads_bytes_over_time() {
    same_every_time(a_bandwidth_spreads_bytes_over_time);
    run(&Network::new().latency(ms(10)).bandwidth(1000), async {
        let (here, there) = pair().await?;
        let start = Instant::now();
        here.write_all(&[7; 4000]).await?;
        assert_eq!(
            start.elapsed(),
            Duration::ZERO,
            "they have room in the window"
        );
        let mut arrivals = Vec::new();
        let mut buf = [0; 8000];
        let mut left = 4000;
        while left > 0 {
            let count = there.read(&mut buf).await?;
            left -= count;
            arrivals.push((count, start.elapsed()));
        }
        // Two pieces of 1460 bytes and the rest, at a byte a millisecond.
        let expected = [(1460, ms(1470)), (1460, ms(2930)), (1080, ms(4010))];
        assert_eq!(arrivals, expected);
        Ok(())
    });
}

#[test]
fn connections_share_the_bandwidth_of_their_link_and_each_direction_has_its_own() {
    same_every_time(connections_share_the_bandwidth_of_their_link_and_each_direction_has_its_own);
    let network = Network::new();
    run(&network, async {
        let (one, one_there) = pair_between(&network, "client", "server").await?;
        let (two, two_there) = pair_between(&network, "client", "server").await?;
        network.link("client", "server").set_bandwidth(1000);
        let start = Instant::now();
        one.write_all(&[1; 1000]).await?;
        two.write_all(&[2; 1000]).await?;
        two_there.write_all(&[3; 500]).await?;
        let mut buf = [0; 1000];
        two.read_exact(&mut buf[..500]).await?;
        assert_eq!(start.elapsed(), ms(500));
        one_there.read_exact(&mut buf).await?;
        assert_eq!(start.elapsed(), ms(1000));
        two_there.read_exact(&mut buf).await?;
        assert_eq!(start.elapsed(), ms(2000));
        // An idle link has saved up nothing.
        sleep(ms(5000)).await;
        let (took, read) = timed(async {
            one.write_all(&[1; 1000]).await?;
            one_there.read_exact(&mut buf).await
        })
        .await;
        read?;
        assert_eq!(took, ms(1000));
        Ok(())
    });
}

#[test]
fn each_direction_has_its_own_latency() {
    same_every_time(each_direction_has_its_own_latency);
    let network = Network::new();
    run(&network, async {
        let (here, there) = pair_between(&network, "client", "server").await?;
        network.one_way("client", "server").set_latency(ms(3));
        network.one_way("server", "client").set_latency(ms(40));
        let (took, ()) = timed(async {
            here.write_all(b"a").await.unwrap();
            there.read_exact(&mut [0]).await.unwrap();
        })
        .await;
        assert_eq!(took, ms(3));
        let (took, ()) = timed(async {
            there.write_all(b"a").await.unwrap();
            here.read_exact(&mut [0]).await.unwrap();
        })
        .await;
        assert_eq!(took, ms(40));
        Ok(())
    });
}

#[test]
fn a_writer_waits_while_the_window_is_full() {
    same_every_time(a_writer_waits_while_the_window_is_full);
    run(&Network::new().latency(ms(10)), async {
        let (here, there) = pair().await?;
        assert_eq!(
            here.write(&[7; 100_000]).await?,
            65_536,
            "as much as has room"
        );
        let start = Instant::now();
        let writer = bibelot::spawn(async move {
            let count = here.write(&[7; 100_000]).await?;
            io::Result::Ok((start.elapsed(), count, here))
        });
        sleep(ms(50)).await;
        assert!(!writer.is_finished());
        // Less than half a window is not worth the word.
        there.read_exact(&mut [0; 32_767]).await?;
        sleep(ms(50)).await;
        assert!(!writer.is_finished());
        there.read_exact(&mut [0; 1]).await?;
        let (took, count, _here) = writer.await??;
        assert_eq!((took, count), (ms(110), 32_768));
        Ok(())
    });
}

#[test]
fn throughput_is_the_window_a_round_trip() {
    same_every_time(throughput_is_the_window_a_round_trip);
    const BYTES: usize = 1 << 20;
    run(&Network::new().latency(ms(50)), async {
        let (here, there) = pair().await?;
        let sender = bibelot::spawn(async move { here.write_all(&vec![7; BYTES]).await });
        let (took, read) = timed(async { there.read_exact(&mut vec![0; BYTES]).await }).await;
        read?;
        sender.await??;
        // Sixteen windows: the first arrives after half a round trip.
        assert_eq!(took, ms(50) + 15 * ms(100));
        Ok(())
    });
}

#[test]
fn a_thousand_connections_are_no_effort() {
    same_every_time(a_thousand_connections_are_no_effort);
    let network = Network::new().latency(ms(5));
    run(&network, async {
        let listener = TcpListener::bind("127.0.0.1:80").await?;
        let server = bibelot::spawn(async move {
            let mut incoming = listener.incoming();
            while let Some(Ok(client)) = incoming.next().await {
                bibelot::spawn(async move { bibelot::io::copy(&client, &client).await });
            }
        });
        let start = Instant::now();
        let clients: Vec<_> = (0..1000_u32)
            .map(|nth| {
                bibelot::spawn(async move {
                    let server = TcpStream::connect("127.0.0.1:80").await?;
                    for round in 0..20 {
                        let message = (nth * 100 + round).to_be_bytes();
                        server.write_all(&message).await?;
                        let mut answer = [0; 4];
                        server.read_exact(&mut answer).await?;
                        assert_eq!(answer, message);
                    }
                    io::Result::Ok(())
                })
            })
            .collect();
        for client in clients {
            client.await??;
        }
        assert_eq!(start.elapsed(), ms(10) + 20 * ms(10));
        server.cancel();
        Ok(())
    });
}
