//! `std::net`: `TcpListener`, `TcpStream`, `UdpSocket`. The ports are the system's choice, as several
//! tests run side by side.

use crate::same;

#[test]
fn tcp_listener_page_incoming() {
    const CLIENTS: usize = 3;
    fn original() -> std::io::Result<Vec<String>> {
        use std::io::{Read, Write};
        use std::net::{TcpListener, TcpStream};
        use std::thread;

        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let server = thread::spawn(move || -> std::io::Result<()> {
            for stream in listener.incoming().take(CLIENTS) {
                stream?.write_all(b"hello")?;
            }
            Ok(())
        });
        let mut heard = Vec::new();
        for _ in 0..CLIENTS {
            let mut greeting = String::new();
            TcpStream::connect(address)?.read_to_string(&mut greeting)?;
            heard.push(greeting);
        }
        server.join().unwrap()?;
        Ok(heard)
    }
    async fn ported() -> std::io::Result<Vec<String>> {
        use bibelot::net::{TcpListener, TcpStream};
        use bibelot::thread;

        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = thread::spawn(async move {
            let mut incoming = listener.incoming();
            for _ in 0..CLIENTS {
                if let Some(stream) = incoming.next().await {
                    stream?.write_all(b"hello").await?;
                }
            }
            std::io::Result::Ok(())
        });
        let mut heard = Vec::new();
        for _ in 0..CLIENTS {
            let mut greeting = String::new();
            let stream = TcpStream::connect(address).await?;
            stream.read_to_string(&mut greeting).await?;
            heard.push(greeting);
        }
        server.join().await??;
        Ok(heard)
    }
    same(|| original().unwrap(), async || ported().await.unwrap());
}

/// The first of the addresses is taken, where the page has one of a port that may be forbidden.
#[test]
fn tcp_listener_bind_to_one_of_several_addresses() {
    fn original() -> std::io::Result<(bool, bool)> {
        use std::net::{SocketAddr, TcpListener};

        let taken = TcpListener::bind("127.0.0.1:0")?;
        let addrs = [taken.local_addr()?, SocketAddr::from(([127, 0, 0, 1], 0))];
        let listener = TcpListener::bind(&addrs[..])?;
        let bound = listener.local_addr()?;
        Ok((bound.ip() == addrs[1].ip(), bound == addrs[0]))
    }
    async fn ported() -> std::io::Result<(bool, bool)> {
        use bibelot::net::{SocketAddr, TcpListener};

        let taken = TcpListener::bind("127.0.0.1:0").await?;
        let addrs = [taken.local_addr()?, SocketAddr::from(([127, 0, 0, 1], 0))];
        let listener = TcpListener::bind(&addrs[..]).await?;
        let bound = listener.local_addr()?;
        Ok((bound.ip() == addrs[1].ip(), bound == addrs[0]))
    }
    same(|| original().unwrap(), async || ported().await.unwrap());
}

/// The first of the addresses is a client's, where nobody listens.
#[test]
fn tcp_stream_connect_to_one_of_several_addresses() {
    fn original() -> std::io::Result<bool> {
        use std::net::{TcpListener, TcpStream};

        let listener = TcpListener::bind("127.0.0.1:0")?;
        let client = TcpStream::connect(listener.local_addr()?)?;
        let addrs = [client.local_addr()?, listener.local_addr()?];
        let stream = TcpStream::connect(&addrs[..])?;
        Ok(stream.peer_addr()? == addrs[1])
    }
    async fn ported() -> std::io::Result<bool> {
        use bibelot::net::{TcpListener, TcpStream};

        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let client = TcpStream::connect(listener.local_addr()?).await?;
        let addrs = [client.local_addr()?, listener.local_addr()?];
        let stream = TcpStream::connect(&addrs[..]).await?;
        Ok(stream.peer_addr()? == addrs[1])
    }
    same(|| original().unwrap(), async || ported().await.unwrap());
}

/// As that of the listener.
#[test]
fn udp_socket_bind_to_one_of_several_addresses() {
    fn original() -> std::io::Result<(bool, bool)> {
        use std::net::{SocketAddr, UdpSocket};

        let taken = UdpSocket::bind("127.0.0.1:0")?;
        let addrs = [taken.local_addr()?, SocketAddr::from(([127, 0, 0, 1], 0))];
        let socket = UdpSocket::bind(&addrs[..])?;
        let bound = socket.local_addr()?;
        Ok((bound.ip() == addrs[1].ip(), bound == addrs[0]))
    }
    async fn ported() -> std::io::Result<(bool, bool)> {
        use bibelot::net::{SocketAddr, UdpSocket};

        let taken = UdpSocket::bind("127.0.0.1:0").await?;
        let addrs = [taken.local_addr()?, SocketAddr::from(([127, 0, 0, 1], 0))];
        let socket = UdpSocket::bind(&addrs[..]).await?;
        let bound = socket.local_addr()?;
        Ok((bound.ip() == addrs[1].ip(), bound == addrs[0]))
    }
    same(|| original().unwrap(), async || ported().await.unwrap());
}

#[test]
fn tcp_listener_accept_local_addr_try_clone_ttl_and_take_error() {
    fn original() -> std::io::Result<(bool, bool, u32, bool)> {
        use std::net::{TcpListener, TcpStream};

        let listener = TcpListener::bind("127.0.0.1:0")?;
        let tcp_listener_clone = listener.try_clone()?;
        let client = TcpStream::connect(listener.local_addr()?)?;
        let (socket, addr) = tcp_listener_clone.accept()?;
        listener.set_ttl(100)?;
        Ok((
            addr == client.local_addr()?,
            socket.local_addr()? == listener.local_addr()?,
            listener.ttl()?,
            listener.take_error()?.is_none(),
        ))
    }
    async fn ported() -> std::io::Result<(bool, bool, u32, bool)> {
        use bibelot::net::{TcpListener, TcpStream};

        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let tcp_listener_clone = listener.try_clone()?;
        let client = TcpStream::connect(listener.local_addr()?).await?;
        let (socket, addr) = tcp_listener_clone.accept().await?;
        listener.set_ttl(100)?;
        Ok((
            addr == client.local_addr()?,
            socket.local_addr()? == listener.local_addr()?,
            listener.ttl()?,
            listener.take_error()?.is_none(),
        ))
    }
    same(|| original().unwrap(), async || ported().await.unwrap());
}

#[test]
fn tcp_stream_page_write_and_read() {
    fn original() -> std::io::Result<([u8; 1], usize, [u8; 1])> {
        use std::io::{Read, Write};
        use std::net::{TcpListener, TcpStream};

        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut stream = TcpStream::connect(listener.local_addr()?)?;
        let (mut peer, _) = listener.accept()?;
        stream.write_all(&[1])?;
        let mut got = [0];
        peer.read_exact(&mut got)?;
        peer.write_all(&[2])?;
        let mut answer = [0; 1];
        let n = stream.read(&mut answer)?;
        Ok((got, n, answer))
    }
    async fn ported() -> std::io::Result<([u8; 1], usize, [u8; 1])> {
        use bibelot::net::{TcpListener, TcpStream};

        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let stream = TcpStream::connect(listener.local_addr()?).await?;
        let (peer, _) = listener.accept().await?;
        stream.write_all(&[1]).await?;
        let mut got = [0];
        peer.read_exact(&mut got).await?;
        peer.write_all(&[2]).await?;
        let mut answer = [0; 1];
        let n = stream.read(&mut answer).await?;
        Ok((got, n, answer))
    }
    same(|| original().unwrap(), async || ported().await.unwrap());
}

#[test]
fn tcp_stream_options_peek_and_shutdown() {
    fn original() -> std::io::Result<(bool, u32, usize, String, bool)> {
        use std::io::{Read, Write};
        use std::net::{Shutdown, TcpListener, TcpStream};
        use std::time::Duration;

        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(10))?;
        stream.set_nodelay(true)?;
        stream.set_ttl(100)?;
        let (mut peer, from) = listener.accept()?;
        stream.write_all(b"hi")?;
        let mut buf = [0; 10];
        let peeked = peer.peek(&mut buf)?;
        stream.try_clone()?.shutdown(Shutdown::Write)?;
        let mut all = String::new();
        peer.read_to_string(&mut all)?;
        let knows = stream.peer_addr()? == address && stream.local_addr()? == from;
        Ok((stream.nodelay()?, stream.ttl()?, peeked, all, knows))
    }
    async fn ported() -> std::io::Result<(bool, u32, usize, String, bool)> {
        use bibelot::net::{Shutdown, TcpListener, TcpStream};
        use bibelot::time::Duration;

        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(10)).await?;
        stream.set_nodelay(true)?;
        stream.set_ttl(100)?;
        let (peer, from) = listener.accept().await?;
        stream.write_all(b"hi").await?;
        let mut buf = [0; 10];
        let peeked = peer.peek(&mut buf).await?;
        stream.try_clone()?.shutdown(Shutdown::Write)?;
        let mut all = String::new();
        peer.read_to_string(&mut all).await?;
        let knows = stream.peer_addr()? == address && stream.local_addr()? == from;
        Ok((stream.nodelay()?, stream.ttl()?, peeked, all, knows))
    }
    same(|| original().unwrap(), async || ported().await.unwrap());
}

/// `set_read_timeout` of the page is `time::timeout`.
#[test]
fn tcp_stream_set_read_timeout() {
    fn original() -> std::io::Result<bool> {
        use std::io::{ErrorKind, Read};
        use std::net::{TcpListener, TcpStream};
        use std::time::Duration;

        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut stream = TcpStream::connect(listener.local_addr()?)?;
        stream.set_read_timeout(Some(Duration::from_millis(1)))?;
        let error = stream.read(&mut [0]).unwrap_err();
        Ok(matches!(
            error.kind(),
            ErrorKind::WouldBlock | ErrorKind::TimedOut
        ))
    }
    async fn ported() -> std::io::Result<bool> {
        use bibelot::net::{TcpListener, TcpStream};
        use bibelot::time::{Duration, timeout};

        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let stream = TcpStream::connect(listener.local_addr()?).await?;
        let read = timeout(Duration::from_millis(1), stream.read(&mut [0])).await;
        Ok(read.is_err())
    }
    same(|| original().unwrap(), async || ported().await.unwrap());
}

#[test]
fn udp_socket_page_reverse() {
    fn original() -> std::io::Result<(usize, Vec<u8>)> {
        use std::net::UdpSocket;

        let client = UdpSocket::bind("127.0.0.1:0")?;
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        client.send_to(b"stressed", socket.local_addr()?)?;

        let mut buf = [0; 10];
        let (amt, src) = socket.recv_from(&mut buf)?;
        let buf = &mut buf[..amt];
        buf.reverse();
        socket.send_to(buf, src)?;

        let mut answer = [0; 10];
        let (n, _) = client.recv_from(&mut answer)?;
        Ok((amt, answer[..n].to_vec()))
    }
    async fn ported() -> std::io::Result<(usize, Vec<u8>)> {
        use bibelot::net::UdpSocket;

        let client = UdpSocket::bind("127.0.0.1:0").await?;
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        client.send_to(b"stressed", socket.local_addr()?).await?;

        let mut buf = [0; 10];
        let (amt, src) = socket.recv_from(&mut buf).await?;
        let buf = &mut buf[..amt];
        buf.reverse();
        socket.send_to(buf, src).await?;

        let mut answer = [0; 10];
        let (n, _) = client.recv_from(&mut answer).await?;
        Ok((amt, answer[..n].to_vec()))
    }
    same(|| original().unwrap(), async || ported().await.unwrap());
}

#[test]
fn udp_socket_connect_send_recv_and_peek() {
    fn original() -> std::io::Result<(usize, usize, bool, Vec<u8>, u32)> {
        use std::net::UdpSocket;

        let one = UdpSocket::bind("127.0.0.1:0")?;
        let other = UdpSocket::bind("127.0.0.1:0")?;
        one.connect(other.local_addr()?)?;
        other.connect(one.local_addr()?)?;
        one.set_ttl(42)?;
        let sent = one.send(&[0, 1, 2])?;
        let mut buf = [0; 10];
        let peeked = other.peek(&mut buf)?;
        let (_, from) = other.peek_from(&mut buf)?;
        let n = other.recv(&mut buf)?;
        let from_one = from == one.local_addr()? && from == other.peer_addr()?;
        Ok((sent, peeked, from_one, buf[..n].to_vec(), one.ttl()?))
    }
    async fn ported() -> std::io::Result<(usize, usize, bool, Vec<u8>, u32)> {
        use bibelot::net::UdpSocket;

        let one = UdpSocket::bind("127.0.0.1:0").await?;
        let other = UdpSocket::bind("127.0.0.1:0").await?;
        one.connect(other.local_addr()?).await?;
        other.connect(one.local_addr()?).await?;
        one.set_ttl(42)?;
        let sent = one.send(&[0, 1, 2]).await?;
        let mut buf = [0; 10];
        let peeked = other.peek(&mut buf).await?;
        let (_, from) = other.peek_from(&mut buf).await?;
        let n = other.recv(&mut buf).await?;
        let from_one = from == one.local_addr()? && from == other.peer_addr()?;
        Ok((sent, peeked, from_one, buf[..n].to_vec(), one.ttl()?))
    }
    same(|| original().unwrap(), async || ported().await.unwrap());
}

#[test]
fn to_socket_addrs_of_a_name() {
    fn original() -> bool {
        use std::net::ToSocketAddrs;

        let mut addrs = "localhost:443".to_socket_addrs().unwrap();
        addrs.all(|addr| addr.port() == 443 && addr.ip().is_loopback())
    }
    async fn ported() -> bool {
        use bibelot::net::lookup_host;

        let addrs = lookup_host("localhost:443").await.unwrap();
        addrs
            .into_iter()
            .all(|addr| addr.port() == 443 && addr.ip().is_loopback())
    }
    same(original, ported);
}
