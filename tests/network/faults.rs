//! Each fault by name: who learns of it, and when.

use std::io::{self, ErrorKind};

use bibelot::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use bibelot::testing::Network;
use bibelot::time::{Duration, Instant, sleep, timeout};

use crate::support::same_every_time;
use crate::{ms, pair_between, run, timed};

/// A network with a client and a server, and the latency of a city.
fn city() -> Network {
    let network = Network::new().latency(ms(10));
    let _ = (network.host("client"), network.host("server"));
    network
}

#[test]
fn a_connect_into_a_partition_times_out_after_all_its_retries() {
    same_every_time(a_connect_into_a_partition_times_out_after_all_its_retries);
    let network = city();
    network.partition("localhost", "server");
    let address = (network.host("server").ip(), 80);
    run(&network, async {
        let (took, error) = timed(TcpStream::connect(address)).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(took, Duration::from_secs(127));
        Ok(())
    });
}

#[test]
fn a_connect_goes_on_with_its_next_retry_after_a_heal() {
    same_every_time(a_connect_goes_on_with_its_next_retry_after_a_heal);
    let network = city();
    run(&network, async {
        let server = network.host("server");
        let listener = server.scope(TcpListener::bind("0.0.0.0:80")).await?;
        network.partition("localhost", "server");
        let connected = bibelot::spawn(timed(TcpStream::connect("server:80")));
        sleep(Duration::from_secs(4)).await;
        network.heal("localhost", "server");
        // It was tried after 0, 1 and 3 seconds.
        let (took, stream) = connected.await?;
        assert_eq!(took, Duration::from_secs(7) + ms(20));
        assert_eq!(listener.accept().await?.1, stream?.local_addr()?);
        Ok(())
    });
}

#[test]
fn a_refusal_that_cannot_come_back_is_none() {
    same_every_time(a_refusal_that_cannot_come_back_is_none);
    let network = city();
    network.half_open("server", "localhost");
    run(&network, async {
        let connecting = TcpStream::connect((network.host("server").ip(), 80));
        let (took, error) = timed(connecting).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(took, Duration::from_secs(127));
        Ok(())
    });
}

#[test]
fn an_answer_that_cannot_come_back_connects_nobody() {
    same_every_time(an_answer_that_cannot_come_back_connects_nobody);
    let network = city();
    network.half_open("server", "localhost");
    run(&network, async {
        let server = network.host("server");
        let listener = server.scope(TcpListener::bind("0.0.0.0:80")).await?;
        let error = TcpStream::connect("server:80").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(
            timeout(Duration::from_secs(1), listener.accept())
                .await
                .is_err()
        );
        // As many as may wait in the queue.
        let connecting: Vec<_> = (0..4096)
            .map(|_| bibelot::spawn(TcpStream::connect("server:80")))
            .collect();
        for connecting in connecting {
            let error = connecting.await?.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
        }
        // What was left of them does not stand in the way of the next.
        network.heal("server", "localhost");
        sleep(Duration::from_secs(1)).await;
        let (took, here) = timed(TcpStream::connect("server:80")).await;
        assert_eq!(took, ms(20));
        assert_eq!(listener.accept().await?.1, here?.local_addr()?);
        Ok(())
    });
}

#[test]
fn a_stream_sends_again_what_a_partition_loses() {
    same_every_time(a_stream_sends_again_what_a_partition_loses);
    let network = city();
    run(&network, async {
        let (here, there) = pair_between(&network, "client", "server").await?;
        network.partition("client", "server");
        let start = Instant::now();
        here.write_all(b"one, ").await?;
        sleep(ms(700)).await;
        here.write_all(b"two").await?;
        network.heal("client", "server");
        // It was sent after 0, 200 and 600 ms; the next is after 1400. The other waits behind it.
        let mut buf = [0; 8];
        there.read_exact(&mut buf).await?;
        assert_eq!(start.elapsed(), ms(1410));
        assert_eq!(&buf, b"one, two");
        Ok(())
    });
}

#[test]
fn a_stream_that_gets_nothing_through_fails_after_a_quarter_of_an_hour() {
    same_every_time(a_stream_that_gets_nothing_through_fails_after_a_quarter_of_an_hour);
    let network = city();
    run(&network, async {
        let (here, there) = pair_between(&network, "client", "server").await?;
        network.partition("client", "server");
        here.write_all(b"anybody?").await?;
        let (took, error) = timed(here.read(&mut [0; 8])).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(took, ms(924_600));
        assert_eq!(
            here.write(b"?").await.unwrap_err().kind(),
            ErrorKind::BrokenPipe
        );
        // The other has sent nothing, so it knows nothing: until it sends.
        network.heal("client", "server");
        let waited = timeout(Duration::from_secs(3600), there.read(&mut [0; 8])).await;
        assert!(waited.is_err(), "half-open");
        there.write_all(b"hello?").await?;
        let error = there.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        Ok(())
    });
}

#[test]
fn one_direction_may_die_alone() {
    same_every_time(one_direction_may_die_alone);
    let network = city();
    run(&network, async {
        let (here, there) = pair_between(&network, "client", "server").await?;
        network.half_open("client", "server");
        here.write_all(b"lost").await?;
        there.write_all(b"heard").await?;
        here.read_exact(&mut [0; 5]).await?;
        let waited = timeout(Duration::from_secs(10), there.read(&mut [0; 4])).await;
        assert!(waited.is_err());
        network.heal("client", "server");
        there.read_exact(&mut [0; 4]).await?;
        Ok(())
    });
}

#[test]
fn what_is_under_way_when_the_link_is_cut_is_lost() {
    same_every_time(what_is_under_way_when_the_link_is_cut_is_lost);
    let network = city();
    run(&network, async {
        let (here, there) = pair_between(&network, "client", "server").await?;
        let start = Instant::now();
        here.write_all(b"almost").await?;
        sleep(ms(9)).await;
        network.partition("client", "server");
        sleep(ms(2)).await;
        network.heal("client", "server");
        there.read_exact(&mut [0; 6]).await?;
        assert_eq!(start.elapsed(), ms(210), "sent again after 200 ms");
        Ok(())
    });
}

#[test]
fn what_is_held_arrives_when_it_is_released() {
    same_every_time(what_is_held_arrives_when_it_is_released);
    let network = city();
    run(&network, async {
        let (here, there) = pair_between(&network, "client", "server").await?;
        network.hold("client", "server");
        let start = Instant::now();
        here.write_all(b"one, ").await?;
        sleep(Duration::from_secs(3600)).await;
        here.write_all(b"two").await?;
        sleep(Duration::from_secs(1)).await;
        network.release("client", "server");
        let mut buf = [0; 8];
        there.read_exact(&mut buf).await?;
        assert_eq!(start.elapsed(), Duration::from_secs(3601));
        assert_eq!(&buf, b"one, two");
        Ok(())
    });
}

#[test]
fn a_connect_may_be_held_too() {
    same_every_time(a_connect_may_be_held_too);
    let network = city();
    run(&network, async {
        let server = network.host("server");
        let _listener = server.scope(TcpListener::bind("0.0.0.0:80")).await?;
        network.hold("localhost", "server");
        let connected = bibelot::spawn(timed(TcpStream::connect("server:80")));
        sleep(Duration::from_secs(60)).await;
        network.release("localhost", "server");
        let (took, stream) = connected.await?;
        stream?;
        assert_eq!(took, Duration::from_secs(60) + ms(10));
        Ok(())
    });
}

#[test]
fn a_reset_is_an_error_at_both_ends_at_once() {
    same_every_time(a_reset_is_an_error_at_both_ends_at_once);
    let network = city();
    run(&network, async {
        let (here, there) = pair_between(&network, "client", "server").await?;
        let (apart, still_there) = pair_between(&network, "localhost", "server").await?;
        here.write_all(b"arrived").await?;
        sleep(ms(20)).await;
        here.write_all(b"under way").await?;
        let reader = bibelot::spawn(async move {
            let error = here.read(&mut [0; 16]).await.unwrap_err();
            (Instant::now(), error.kind(), here)
        });
        sleep(ms(5)).await;
        let reset = Instant::now();
        network.reset("client", "server");
        let (at, kind, here) = reader.await?;
        assert_eq!((at, kind), (reset, ErrorKind::ConnectionReset));
        let mut buf = [0; 16];
        assert_eq!(there.read(&mut buf).await?, 7, "what had arrived");
        let error = there.read(&mut buf).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        // The error is told once. After it there is nothing to read, and nobody to write to.
        for stream in [&here, &there] {
            assert_eq!(stream.read(&mut buf).await?, 0);
            assert_eq!(
                stream.write(b"a").await.unwrap_err().kind(),
                ErrorKind::BrokenPipe
            );
            assert_eq!(
                stream.peer_addr().unwrap_err().kind(),
                ErrorKind::NotConnected
            );
            let error = stream.shutdown(Shutdown::Both).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotConnected);
        }
        // Nothing has become of other connections.
        apart.write_all(b"a").await?;
        still_there.read_exact(&mut [0]).await
    });
}

#[test]
fn a_writer_that_waits_for_room_learns_of_a_reset() {
    same_every_time(a_writer_that_waits_for_room_learns_of_a_reset);
    let network = city();
    run(&network, async {
        let (here, _there) = pair_between(&network, "client", "server").await?;
        let writer = bibelot::spawn(async move { here.write_all(&[7; 100_000]).await });
        sleep(ms(100)).await;
        assert!(!writer.is_finished());
        network.reset("client", "server");
        let error = writer.await?.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        Ok(())
    });
}

#[test]
fn a_connect_that_is_under_way_is_reset_as_well() {
    same_every_time(a_connect_that_is_under_way_is_reset_as_well);
    let network = city();
    run(&network, async {
        let server = network.host("server");
        let listener = server.scope(TcpListener::bind("0.0.0.0:80")).await?;
        for after in [5, 15] {
            let connecting = bibelot::spawn(TcpStream::connect("server:80"));
            sleep(ms(after)).await;
            network.reset("localhost", "server");
            let error = connecting.await?.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "after {after} ms");
        }
        let _here = TcpStream::connect("server:80").await?;
        listener.accept().await?;
        assert!(
            timeout(ms(100), listener.accept()).await.is_err(),
            "no other"
        );
        Ok(())
    });
}

#[test]
fn a_client_that_is_reset_in_the_queue_is_accepted_and_then_fails() {
    same_every_time(a_client_that_is_reset_in_the_queue_is_accepted_and_then_fails);
    let network = city();
    run(&network, async {
        let server = network.host("server");
        let listener = server.scope(TcpListener::bind("0.0.0.0:80")).await?;
        let _here = TcpStream::connect("server:80").await?;
        sleep(ms(50)).await;
        network.reset("localhost", "server");
        let (there, _) = listener.accept().await?;
        let error = there.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        Ok(())
    });
}

#[test]
fn the_peers_of_a_host_that_has_crashed_learn_it_when_they_send() {
    same_every_time(the_peers_of_a_host_that_has_crashed_learn_it_when_they_send);
    let network = city();
    run(&network, async {
        let (here, there) = pair_between(&network, "client", "server").await?;
        let start = Instant::now();
        there.write_all(b"under way").await?;
        network.host("server").crash();
        let error = there.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
        // Whoever only waits, waits.
        let waited = timeout(Duration::from_secs(3600), here.read(&mut [0; 8])).await;
        assert!(waited.is_err(), "half-open");
        here.write_all(b"are you there?").await?;
        let error = here.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert_eq!(start.elapsed(), Duration::from_secs(3600) + ms(20));
        drop(there);
        Ok(())
    });
}

#[test]
fn nothing_is_left_of_connections_however_they_end() {
    same_every_time(nothing_is_left_of_connections_however_they_end);
    let network = city();
    run(&network, async {
        // Closed here, and there it was forgotten: nothing of the other end will ever come.
        let (here, there) = pair_between(&network, "client", "server").await?;
        drop(here);
        sleep(ms(50)).await;
        network.host("server").crash();
        drop(there);
        assert!(format!("{network:?}").contains("streams: 0,"));
        // Reset, given up, dropped in the middle.
        let ends = pair_between(&network, "client", "server").await?;
        network.reset("client", "server");
        drop(ends);
        let (here, there) = pair_between(&network, "client", "server").await?;
        network.partition("client", "server");
        here.write_all(b"lost").await?;
        drop((here, there));
        let connecting = TcpStream::connect((network.host("server").ip(), 80));
        assert!(timeout(ms(5), connecting).await.is_err());
        sleep(Duration::from_secs(3600)).await;
        let left = format!("{network:?}");
        assert!(left.contains("streams: 0, listeners: 0"), "{left}");
        Ok(())
    });
}

#[test]
fn a_host_that_has_crashed_can_be_started_again() {
    same_every_time(a_host_that_has_crashed_can_be_started_again);
    let network = city();
    run(&network, async {
        let server = network.host("server");
        let listener = server.scope(TcpListener::bind("0.0.0.0:80")).await?;
        let socket = server.scope(UdpSocket::bind("0.0.0.0:80")).await?;
        let _waiting = TcpStream::connect("server:80").await?;
        let accepting = bibelot::spawn(async move {
            let _first = listener.accept().await?;
            listener.accept().await.map(drop)
        });
        sleep(ms(50)).await;
        server.crash();
        // As after a shutdown: it is no listener any more, and a server is to see that.
        assert_eq!(
            accepting.await?.unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
        let error = socket.recv(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
        let error = TcpStream::connect("server:80").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);

        let listener = server.scope(TcpListener::bind("0.0.0.0:80")).await?;
        let _socket = server.scope(UdpSocket::bind("0.0.0.0:80")).await?;
        let here = TcpStream::connect("server:80").await?;
        assert_eq!(listener.accept().await?.1, here.local_addr()?);
        Ok(())
    });
}

#[test]
fn a_listener_that_is_dropped_resets_who_waits_in_it() {
    same_every_time(a_listener_that_is_dropped_resets_who_waits_in_it);
    let network = city();
    run(&network, async {
        let server = network.host("server");
        let listener = server.scope(TcpListener::bind("0.0.0.0:80")).await?;
        let accepted = TcpStream::connect("server:80").await?;
        let (there, _) = listener.accept().await?;
        let waiting = TcpStream::connect("server:80").await?;
        let connecting = bibelot::spawn(TcpStream::connect("server:80"));
        sleep(ms(15)).await;
        drop(listener);
        let error = waiting.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        // One whose answer was under way is told when that has come.
        let half = connecting.await??;
        let error = half.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        there.write_all(b"still").await?;
        accepted.read_exact(&mut [0; 5]).await
    });
}

#[test]
fn a_full_backlog_answers_nobody_until_there_is_room() {
    same_every_time(a_full_backlog_answers_nobody_until_there_is_room);
    let network = city();
    run(&network, async {
        let listener = TcpListener::bind("127.0.0.1:80").await?;
        let mut waiting = Vec::new();
        for _ in 0..4096 {
            waiting.push(bibelot::spawn(TcpStream::connect("127.0.0.1:80")));
        }
        sleep(ms(100)).await;
        let one_more = bibelot::spawn(timed(TcpStream::connect("127.0.0.1:80")));
        sleep(ms(100)).await;
        assert!(waiting.iter().all(|connect| connect.is_finished()));
        assert!(!one_more.is_finished());
        listener.accept().await?;
        let (took, stream) = one_more.await?;
        stream?;
        assert_eq!(
            took,
            Duration::from_secs(1) + ms(20),
            "with its first retry"
        );
        io::Result::Ok(())
    });
}
