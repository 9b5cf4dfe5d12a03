//! What a deadlock report says of those who wait for the network, and where; and who counts as outside.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bibelot::net::{TcpListener, TcpStream, UdpSocket};
use bibelot::testing::{Network, Sim};
use bibelot::time::{Duration, Instant, timeout};

use crate::support::same_every_time;
use crate::{ms, pair, pair_between};

/// What the report says of the main task of a test that ends in a deadlock.
fn deadlock_of(test: impl AsyncFnOnce(&Network) -> io::Result<()>) -> String {
    let network = Network::new().latency(ms(10));
    let ended = catch_unwind(AssertUnwindSafe(|| {
        Sim::new().network(&network).run(test(&network))
    }));
    let payload = ended.expect_err("it should be a deadlock");
    let text = payload.downcast_ref::<String>().expect("a text").clone();
    assert!(text.starts_with("deadlock"), "{text}");
    let line = text.lines().find(|line| line.contains("main"));
    let line = line.unwrap_or_else(|| panic!("nothing of the main task: {text}"));
    let (_, waits) = line.split_once("waits for ").expect("what for");
    waits.to_owned()
}

/// What the report is to begin with for a wait at this line of this file.
fn expected_at(what: &str, line: u32) -> String {
    format!("{what} at {}:{line}:", file!())
}

#[test]
fn who_waits_for_data_is_named() {
    same_every_time(who_waits_for_data_is_named);
    let mut wanted = String::new();
    let waits = deadlock_of(async |_| {
        let (here, _there) = pair().await?;
        wanted = expected_at("data of a simulated connection", line!() + 1);
        here.read(&mut [0; 8]).await.map(drop)
    });
    assert!(waits.starts_with(&wanted), "{waits}");
}

#[test]
fn who_waits_for_room_is_named() {
    same_every_time(who_waits_for_room_is_named);
    let mut wanted = String::new();
    let waits = deadlock_of(async |_| {
        let (here, _there) = pair().await?;
        wanted = expected_at("room in a simulated connection", line!() + 1);
        here.write_all(&[0; 100_000]).await
    });
    assert!(waits.starts_with(&wanted), "{waits}");
}

#[test]
fn who_waits_for_a_client_is_named() {
    same_every_time(who_waits_for_a_client_is_named);
    let mut wanted = String::new();
    let waits = deadlock_of(async |_| {
        let listener = TcpListener::bind("127.0.0.1:80").await?;
        wanted = expected_at("a client of a simulated listener", line!() + 1);
        listener.accept().await.map(drop)
    });
    assert!(waits.starts_with(&wanted), "{waits}");
}

#[test]
fn who_waits_for_a_datagram_is_named() {
    same_every_time(who_waits_for_a_datagram_is_named);
    let mut wanted = String::new();
    let waits = deadlock_of(async |_| {
        let socket = UdpSocket::bind("127.0.0.1:53").await?;
        wanted = expected_at("a simulated datagram", line!() + 1);
        socket.recv(&mut [0; 8]).await.map(drop)
    });
    assert!(waits.starts_with(&wanted), "{waits}");
}

#[test]
fn a_connect_is_no_deadlock_since_it_ends_by_itself() {
    same_every_time(a_connect_is_no_deadlock_since_it_ends_by_itself);
    let network = Network::new();
    let address = (network.host("server").ip(), 80);
    network.hold("localhost", "server");
    let error = Sim::new()
        .network(&network)
        .run(TcpStream::connect(address));
    assert_eq!(error.unwrap_err().kind(), io::ErrorKind::TimedOut);
}

#[test]
fn a_deadlock_is_seen_at_its_moment() {
    same_every_time(a_deadlock_is_seen_at_its_moment);
    /// Notes when it is dropped.
    struct Dropped<'a>(Instant, &'a Cell<Duration>);
    impl Drop for Dropped<'_> {
        fn drop(&mut self) {
            self.1.set(self.0.elapsed());
        }
    }
    let after = Cell::new(Duration::MAX);
    deadlock_of(async |network| {
        let dropped = Dropped(Instant::now(), &after);
        let (here, _there) = pair().await?;
        let _server = network.host("server");
        network.hold("localhost", "server");
        let connecting = TcpStream::connect("10.0.0.2:80");
        assert!(timeout(ms(5), connecting).await.is_err());
        here.read(&mut [0; 8]).await?;
        drop(dropped);
        Ok(())
    });
    // The last that was sent has arrived by then, and nothing else is left that could come.
    assert_eq!(after.get(), ms(40));
}

#[test]
fn a_simulated_wait_lets_the_clock_jump() {
    same_every_time(a_simulated_wait_lets_the_clock_jump);
    let network = Network::new();
    Sim::new().network(&network).run(async {
        let (here, _there) = pair_between(&network, "client", "server").await.unwrap();
        let start = Instant::now();
        let year = Duration::from_secs(365 * 86_400);
        assert!(timeout(year, here.read(&mut [0])).await.is_err());
        assert_eq!(start.elapsed(), year);
    });
}
