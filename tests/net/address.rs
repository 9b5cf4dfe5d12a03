//! What stands for an address.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::pin::pin;
use std::task::Poll;

use bibelot::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket, lookup_host};

use crate::{poll_once, run};

/// The addresses, which must be there without a wait.
async fn at_once(address: impl ToSocketAddrs) -> io::Result<Vec<SocketAddr>> {
    match poll_once(pin!(address.to_socket_addrs())).await {
        Poll::Ready(found) => Ok(found?.collect()),
        Poll::Pending => panic!("an address was looked up"),
    }
}

#[test]
fn what_is_an_address_is_never_looked_up() {
    run(async {
        let v4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80);
        let v6 = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, 0);
        let (one, other) = ([SocketAddr::V4(v4)], [SocketAddr::V6(v6)]);
        assert_eq!(at_once(v4).await?, one);
        assert_eq!(at_once(v6).await?, other);
        assert_eq!(at_once(one[0]).await?, one);
        assert_eq!(at_once(&one[0]).await?, one);
        assert_eq!(at_once((Ipv4Addr::LOCALHOST, 80)).await?, one);
        assert_eq!(at_once((Ipv6Addr::LOCALHOST, 80)).await?, other);
        assert_eq!(at_once((IpAddr::from(Ipv4Addr::LOCALHOST), 80)).await?, one);
        assert_eq!(at_once(("127.0.0.1", 80)).await?, one);
        assert_eq!(at_once(("::1", 80)).await?, other);
        assert_eq!(at_once((String::from("::1"), 80)).await?, other);
        assert_eq!(at_once("127.0.0.1:80").await?, one);
        assert_eq!(at_once("[::1]:80").await?, other);
        assert_eq!(at_once(String::from("[::1]:80")).await?, other);
        assert_eq!(at_once(&String::from("[::1]:80")).await?, other);
        assert_eq!(at_once(&[one[0], other[0]][..]).await?, [one[0], other[0]]);
        Ok(())
    });
}

#[test]
fn a_name_is_looked_up_in_a_thread() {
    run(async {
        for address in lookup_host("localhost:80").await? {
            assert!(address.ip().is_loopback());
            assert_eq!(address.port(), 80);
        }
        assert!(lookup_host(("localhost", 1)).await?.count() > 0);
        let listener = TcpListener::bind("localhost:0").await?;
        TcpStream::connect(("localhost", listener.local_addr()?.port())).await?;
        Ok(())
    });
}

#[test]
fn a_look_up_that_is_dropped_leaves_nothing_behind() {
    run(async {
        let mut look_up = Box::pin(lookup_host("localhost:80"));
        let _ = poll_once(look_up.as_mut()).await;
        drop(look_up);
        Ok(())
    });
}

#[test]
fn text_without_a_port_is_invalid_input() {
    run(async {
        for text in [
            "",
            "localhost",
            "127.0.0.1",
            "localhost:",
            "localhost:http",
            "localhost:65536",
        ] {
            let error = TcpStream::connect(text).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}: {error}");
        }
        Ok(())
    });
}

#[test]
fn a_name_that_is_none_is_an_error() {
    run(async {
        for text in ["not an address:80", "a..b:80", "[::1:80"] {
            assert!(TcpStream::connect(text).await.is_err(), "{text}");
            assert!(TcpListener::bind(text).await.is_err(), "{text}");
            assert!(lookup_host(text).await.is_err(), "{text}");
        }
        Ok(())
    });
}

#[test]
fn no_address_at_all_is_invalid_input() {
    run(async {
        let none: &[SocketAddr] = &[];
        let error = TcpStream::connect(none).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let error = TcpListener::bind(none).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        let error = socket.send_to(b"a", none).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        Ok(())
    });
}
