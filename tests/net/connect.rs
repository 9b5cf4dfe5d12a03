//! Connecting: who answers, who refuses, and who says nothing. What the next address waits for when one
//! says nothing is a question of time, and so it is asked on the virtual clock (`tests/network/hosts.rs`).

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use bibelot::net::{TcpListener, TcpStream};
use bibelot::time::{Duration, Instant, timeout};
use rustix::net::{AddressFamily, SocketType};

use crate::run;

/// An address where nobody listens.
async fn refusing() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0").await?.local_addr()
}

/// An address that does not answer: its queue of clients is full, so it drops who knocks.
struct Deaf {
    /// What listens there.
    listener: std::net::TcpListener,
    /// Who fill the queue.
    _clients: Vec<TcpStream>,
}

impl Deaf {
    /// Finds one.
    async fn new() -> io::Result<Self> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let socket: OwnedFd = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
        rustix::net::bind(&socket, &any)?;
        rustix::net::listen(&socket, 0)?;
        let listener = std::net::TcpListener::from(socket);
        let mut clients = Vec::new();
        let address = listener.local_addr()?;
        loop {
            let knock = TcpStream::connect_timeout(&address, Duration::from_millis(20));
            match knock.await {
                Ok(client) => clients.push(client),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::TimedOut);
                    break;
                }
            }
        }
        Ok(Self {
            listener,
            _clients: clients,
        })
    }

    /// Where it is.
    fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

#[test]
fn nobody_there_is_connection_refused() {
    run(async {
        let address = refusing().await?;
        for _ in 0..2 {
            let error = TcpStream::connect(address).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        }
        let error = TcpStream::connect_timeout(&address, Duration::from_secs(9));
        assert_eq!(
            error.await.unwrap_err().kind(),
            ErrorKind::ConnectionRefused
        );
        Ok(())
    });
}

#[test]
fn a_port_in_use_is_an_error() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let error = TcpListener::bind(listener.local_addr()?).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        Ok(())
    });
}

#[test]
fn bind_takes_the_first_address_that_can_be_had() {
    run(async {
        let taken = TcpListener::bind("127.0.0.1:0").await?;
        let addresses = [taken.local_addr()?, SocketAddr::from(([127, 0, 0, 1], 0))];
        let listener = TcpListener::bind(&addresses[..]).await?;
        assert_ne!(listener.local_addr()?, addresses[0]);
        Ok(())
    });
}

#[test]
fn a_port_is_bound_again_where_connections_linger() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let client = TcpStream::connect(address).await?;
        let (server, _) = listener.accept().await?;
        drop((server, listener)); // the server closes first, so its side lingers
        client.read_to_end(&mut Vec::new()).await?;
        drop(client);
        TcpListener::bind(address).await?;
        Ok(())
    });
}

#[test]
fn who_does_not_answer_in_time_is_timed_out() {
    run(async {
        let deaf = Deaf::new().await?;
        let error = TcpStream::connect_timeout(&deaf.address()?, Duration::from_millis(10));
        assert_eq!(error.await.unwrap_err().kind(), ErrorKind::TimedOut);
        let outer = timeout(
            Duration::from_millis(10),
            TcpStream::connect(deaf.address()?),
        );
        assert!(outer.await.is_err());
        Ok(())
    });
}

#[test]
fn a_limit_of_zero_is_invalid_input_as_in_std() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let error = TcpStream::connect_timeout(&address, Duration::ZERO).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
        TcpStream::connect_timeout(&address, Duration::MAX).await?;
        Ok(())
    });
}

#[test]
fn the_next_address_is_tried_at_once_when_one_refuses() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let good = listener.local_addr()?;
        let addresses = [refusing().await?, refusing().await?, good];
        let start = Instant::now();
        let stream = TcpStream::connect(&addresses[..]).await?;
        assert_eq!(stream.peer_addr()?, good);
        assert!(start.elapsed() < Duration::from_millis(250));
        Ok(())
    });
}

#[test]
fn the_last_error_is_told_when_all_fail() {
    run(async {
        let addresses = [refusing().await?, refusing().await?];
        let error = TcpStream::connect(&addresses[..]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        Ok(())
    });
}

#[test]
fn an_address_of_no_machine_is_an_error() {
    run(async {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        assert!(TcpStream::connect(nowhere).await.is_err());
        let elsewhere = SocketAddr::from(([192, 0, 2, 1], 0)); // RFC 5737: nobody's
        let error = TcpListener::bind(elsewhere).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
        Ok(())
    });
}
