//! Hosts: their names, addresses and ports, and which code runs on which.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use bibelot::net::{TcpListener, TcpStream, UdpSocket, UnixStream, lookup_host};
use bibelot::testing::{Network, Sim, settle};
use bibelot::time::{Duration, Instant, sleep};

use crate::support::same_every_time;
use crate::{ms, pair, run, timed};

/// What a name stands for.
async fn look_up(name: &str) -> io::Result<Vec<String>> {
    let found = lookup_host((name, 80)).await?;
    Ok(found.map(|address| address.ip().to_string()).collect())
}

#[test]
fn hosts_have_addresses_in_the_order_in_which_they_are_made() {
    same_every_time(hosts_have_addresses_in_the_order_in_which_they_are_made);
    let network = Network::new();
    let (a, b) = (network.host("a"), network.host("b"));
    assert_eq!(network.host("localhost").ip().to_string(), "10.0.0.1");
    assert_eq!(a.ip().to_string(), "10.0.0.2");
    assert_eq!(b.ip().to_string(), "10.0.0.3");
    assert_eq!(network.host("a").ip(), a.ip(), "the same host");
    assert_eq!(
        (a.name(), format!("{b:?}")),
        ("a".into(), "Host(\"b\")".into())
    );
    b.add_ip("fd00::3".parse().unwrap());
    b.add_ip("fd00::3".parse().unwrap());
    run(&network, async {
        assert_eq!(look_up("a").await?, ["10.0.0.2"]);
        assert_eq!(look_up("b").await?, ["10.0.0.3", "fd00::3"]);
        assert_eq!(look_up("localhost").await?, ["127.0.0.1"]);
        assert_eq!(look_up("192.0.2.1").await?, ["192.0.2.1"]);
        let error = look_up("c").await.unwrap_err();
        let text = "failed to look up \"c\": the simulated network has no host of this name";
        assert_eq!(error.to_string(), text);
        Ok(())
    });
}

#[test]
fn an_address_can_be_one_hosts_alone() {
    let network = Network::new();
    let (a, b) = (network.host("a"), network.host("b"));
    let ip: IpAddr = "10.0.0.4".parse().unwrap();
    a.add_ip(ip);
    assert!(catch_unwind(AssertUnwindSafe(|| b.add_ip(ip))).is_err());
    assert_eq!(
        network.host("c").ip().to_string(),
        "10.1.0.4",
        "not one that is taken"
    );
}

#[test]
fn each_host_has_ports_of_its_own() {
    same_every_time(each_host_has_ports_of_its_own);
    let network = Network::new();
    let (a, b) = (network.host("a"), network.host("b"));
    run(&network, async {
        let _a = a.scope(TcpListener::bind("0.0.0.0:80")).await?;
        let b_listens = b.scope(TcpListener::bind("127.0.0.1:80")).await?;
        let error = a.scope(TcpListener::bind("10.0.0.2:80")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        let error = a.scope(TcpListener::bind((b.ip(), 81))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
        TcpStream::connect("a:80").await?;
        // Loopback is the host itself, whoever asks.
        let error = TcpStream::connect("b:80").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        b.scope(TcpStream::connect("localhost:80")).await?;
        b_listens.accept().await?;
        let error = a.scope(TcpStream::connect("[::1]:80")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        Ok(())
    });
}

#[test]
fn tasks_run_on_the_host_of_the_task_that_spawned_them() {
    same_every_time(tasks_run_on_the_host_of_the_task_that_spawned_them);
    async fn here() -> io::Result<IpAddr> {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        socket.connect("10.0.0.2:9").await?;
        Ok(socket.local_addr()?.ip())
    }
    let network = Network::new();
    let (a, b) = (network.host("a"), network.host("b"));
    run(&network, async {
        assert_eq!(here().await?, network.host("localhost").ip());
        assert_eq!(a.spawn(here()).await??, a.ip());
        let nested =
            b.scope(async { bibelot::spawn(async { bibelot::spawn(here()).await? }).await });
        assert_eq!(nested.await??, b.ip());
        assert_eq!(b.scope(a.scope(here())).await?, a.ip(), "the innermost");
        let both = bibelot::task::join(a.scope(here()), b.scope(here())).await;
        assert_eq!((both.0?, both.1?), (a.ip(), b.ip()));
        Ok(())
    });
}

#[test]
fn a_host_of_another_network_is_refused() {
    same_every_time(a_host_of_another_network_is_refused);
    let network = Network::new();
    let stranger = Network::new().host("a");
    let says = |f: &dyn Fn()| {
        let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it should panic");
        (*payload.downcast_ref::<&str>().unwrap()).to_owned()
    };
    let bind = || async { drop(TcpListener::bind("127.0.0.1:0").await) };
    let text = "this host's network is not that of the executor; run it by Sim::network";
    let in_another = || Sim::new().network(&network).run(stranger.scope(bind()));
    assert_eq!(says(&in_another), text);
    assert_eq!(says(&|| Sim::new().run(stranger.scope(bind()))), text);
    assert_eq!(says(&|| bibelot::run(stranger.scope(bind()))), text);
}

#[test]
fn happy_eyeballs_find_the_address_that_answers() {
    same_every_time(happy_eyeballs_find_the_address_that_answers);
    let network = Network::new().latency(ms(10));
    let (six, four) = (network.host("six"), network.host("four"));
    let client = network.host("client");
    let v6: IpAddr = "fd00::1".parse().unwrap();
    six.add_ip(v6);
    client.add_ip("fd00::2".parse().unwrap());
    network.name("www", &[v6, four.ip()]);
    run(&network, async {
        let at_six = six.scope(TcpListener::bind("[::]:80")).await?;
        let at_four = four.scope(TcpListener::bind("0.0.0.0:80")).await?;
        let connect = || client.scope(timed(TcpStream::connect("www:80")));

        let (took, stream) = connect().await;
        assert_eq!((took, stream?.peer_addr()?.ip()), (ms(20), v6));
        at_six.accept().await?;

        // It does not answer: a quarter of a second later the other is asked.
        network.partition("client", "six");
        let (took, stream) = connect().await;
        assert_eq!((took, stream?.peer_addr()?.ip()), (ms(270), four.ip()));
        network.heal("client", "six");

        // It is slow, but faster than the other.
        network.link("client", "six").set_latency(ms(200));
        network.link("client", "four").set_latency(ms(100));
        let (took, stream) = connect().await;
        assert_eq!((took, stream?.peer_addr()?.ip()), (ms(400), v6));

        // It refuses: the other is asked at once.
        network.link("client", "six").set_latency(ms(10));
        drop(at_six);
        let (took, stream) = connect().await;
        assert_eq!((took, stream?.peer_addr()?.ip()), (ms(220), four.ip()));
        drop(at_four);
        let (_, error) = connect().await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        Ok(())
    });
}

#[test]
fn a_host_without_an_address_of_the_family_reaches_nobody_there() {
    same_every_time(a_host_without_an_address_of_the_family_reaches_nobody_there);
    let network = Network::new();
    let six = network.host("six");
    six.add_ip("fd00::1".parse().unwrap());
    run(&network, async {
        let error = TcpStream::connect("[fd00::1]:80").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NetworkUnreachable);
        Ok(())
    });
}

#[test]
fn a_connect_comes_from_a_port_that_is_given_back() {
    same_every_time(a_connect_comes_from_a_port_that_is_given_back);
    let network = Network::new();
    run(&network, async {
        let listener = TcpListener::bind("127.0.0.1:80").await?;
        // More than there are ports, one after the other.
        let mut ports = std::collections::BTreeSet::new();
        for _ in 0..20_000 {
            let stream = TcpStream::connect("127.0.0.1:80").await?;
            ports.insert(stream.local_addr()?.port());
            drop(listener.accept().await?);
        }
        assert_eq!(ports.len(), 16_384);
        drop(listener);
        sleep(ms(1)).await;
        let left = format!("{network:?}");
        assert!(left.contains("streams: 0, listeners: 0"), "{left}");
        Ok(())
    });
}

#[test]
fn what_stands_between_the_simulations_is_what_was_set_before() {
    same_every_time(what_stands_between_the_simulations_is_what_was_set_before);
    let network = Network::new().latency(ms(10));
    let _server = network.host("server");
    let connect = async || -> io::Result<Duration> {
        let server = network.host("server");
        let _listener = server.scope(TcpListener::bind("0.0.0.0:80")).await?;
        let (took, stream) = timed(TcpStream::connect("server:80")).await;
        stream?;
        Ok(took)
    };
    for _ in 0..2 {
        run(&network, async {
            assert_eq!(connect().await?, ms(20));
            network.link("localhost", "server").set_latency(ms(1));
            assert_eq!(connect().await?, ms(2));
            network.partition("localhost", "server");
            let error = connect().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            Ok(())
        });
    }
    // Also what is set before there is any socket.
    run(&network, async {
        network.partition("localhost", "server");
        Ok(())
    });
    network.link("localhost", "server").set_latency(ms(3));
    for _ in 0..2 {
        run(&network, async {
            assert_eq!(connect().await?, ms(6));
            Ok(())
        });
    }
    // Also while a future of the last one is kept.
    let kept = run(&network, async {
        let mut settled = Box::pin(settle());
        let polled = poll_fn(|cx| Poll::Ready(settled.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
        connect().await?;
        Ok(settled)
    });
    network.link("localhost", "server").set_latency(ms(4));
    run(&network, async {
        assert_eq!(connect().await?, ms(8));
        Ok(())
    });
    drop(kept);
}

#[test]
fn a_socket_that_outlives_its_simulation_says_so() {
    same_every_time(a_socket_that_outlives_its_simulation_says_so);
    let network = Network::new();
    let (stream, other) = run(&network, pair());
    let text = "a simulated socket is of no use outside of its simulation, which is over";
    assert_eq!(stream.local_addr().unwrap_err().to_string(), text);
    let read = bibelot::run(async { stream.read(&mut [0; 8]).await });
    assert_eq!(read.unwrap_err().to_string(), text);
    let read = run(&network, async { Ok(stream.read(&mut [0; 8]).await) });
    assert_eq!(read.unwrap_err().to_string(), text);
    // One that was found not to be ready would wait for ever otherwise.
    let waiting = run(&network, async {
        let (here, _there) = pair().await?;
        let timeout = bibelot::time::timeout(ms(1), here.read(&mut [0; 8])).await;
        assert!(timeout.is_err());
        Ok(here)
    });
    let read = bibelot::run(async { waiting.read(&mut [0; 8]).await });
    assert_eq!(read.unwrap_err().to_string(), text);
    drop((stream, other, waiting));
}

#[test]
fn a_real_socket_works_in_a_simulation_as_ever() {
    run(&Network::new().latency(ms(10)), async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let thread = std::thread::spawn(move || {
            use std::io::Write;
            listener.accept()?.0.write_all(b"from outside")
        });
        let stream = std::net::TcpStream::connect(address)?;
        let stream = TcpStream::from_std(stream)?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        assert_eq!(text, "from outside");
        thread.join().expect("no panic")?;
        let (here, there) = UnixStream::pair()?;
        here.write_all(b"a").await?;
        there.read_exact(&mut [0]).await?;
        Ok(())
    });
}

#[test]
fn a_simulation_without_a_network_makes_real_sockets() {
    let (here, _there) = Sim::new().run(pair()).unwrap();
    assert!(here.as_fd().try_clone_to_owned().is_ok());
}

#[test]
fn a_descriptor_is_not_to_be_had() {
    same_every_time(a_descriptor_is_not_to_be_had);
    run(&Network::new(), async {
        let (here, there) = pair().await?;
        let text = "this socket is simulated (testing::Network) and has no descriptor";
        let error = here.into_std().unwrap_err();
        assert_eq!(
            (error.kind(), &*error.to_string()),
            (ErrorKind::Unsupported, text)
        );
        let asks = || drop(there.as_fd().try_clone_to_owned());
        let payload = catch_unwind(AssertUnwindSafe(asks)).unwrap_err();
        assert_eq!(payload.downcast_ref::<String>().unwrap(), text);
        // The one that wanted to be std's is closed.
        assert_eq!(there.read(&mut [0; 8]).await?, 0);
        Ok(())
    });
}

#[test]
fn sockets_show_their_addresses() {
    same_every_time(sockets_show_their_addresses);
    run(&Network::new(), async {
        let listener = TcpListener::bind("127.0.0.1:80").await?;
        let stream = TcpStream::connect("127.0.0.1:80").await?;
        let socket = UdpSocket::bind("127.0.0.1:53").await?;
        assert_eq!(
            format!("{listener:?}"),
            "TcpListener { addr: 127.0.0.1:80, .. }"
        );
        let local: SocketAddr = stream.local_addr()?;
        let text = format!("TcpStream {{ addr: {local}, peer: 127.0.0.1:80, .. }}");
        assert_eq!(format!("{stream:?}"), text);
        assert_eq!(
            format!("{socket:?}"),
            "UdpSocket { addr: 127.0.0.1:53, .. }"
        );
        Ok(())
    });
}

#[test]
fn time_goes_on_as_ever_beside_the_network() {
    same_every_time(time_goes_on_as_ever_beside_the_network);
    run(&Network::new().latency(ms(10)), async {
        let (here, there) = pair().await?;
        let start = Instant::now();
        here.write_all(b"a").await?;
        let sleeper = bibelot::spawn(async move {
            sleep(ms(10)).await;
            start.elapsed()
        });
        there.read_exact(&mut [0]).await?;
        assert_eq!((start.elapsed(), sleeper.await?), (ms(10), ms(10)));
        Ok(())
    });
}
