//! `std::os::unix::net`: `UnixStream`, `UnixListener`, `UnixDatagram`.

use std::path::PathBuf;

use crate::same;

/// A path that nothing is at.
fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("bibelot-{}.{name}", std::process::id()))
}

#[test]
fn unix_stream_and_listener_pages() {
    fn original() -> std::io::Result<String> {
        use std::io::{Read, Write};
        use std::os::unix::net::{UnixListener, UnixStream};
        use std::thread;

        let path = path("original");
        let listener = UnixListener::bind(&path)?;
        let server = thread::spawn(move || -> std::io::Result<()> {
            for stream in listener.incoming().take(1) {
                let mut stream = stream?;
                let mut said = [0; 11];
                stream.read_exact(&mut said)?;
                stream.write_all(&said)?;
            }
            Ok(())
        });
        let mut stream = UnixStream::connect(&path)?;
        stream.write_all(b"hello world")?;
        let mut response = String::new();
        stream.read_to_string(&mut response)?;
        server.join().unwrap()?;
        std::fs::remove_file(path)?;
        Ok(response)
    }
    async fn ported() -> std::io::Result<String> {
        use bibelot::net::{UnixListener, UnixStream};
        use bibelot::thread;

        let path = path("ported");
        let listener = UnixListener::bind(&path)?;
        let server = thread::spawn(async move {
            if let Some(stream) = listener.incoming().next().await {
                let stream = stream?;
                let mut said = [0; 11];
                stream.read_exact(&mut said).await?;
                stream.write_all(&said).await?;
            }
            std::io::Result::Ok(())
        });
        let stream = UnixStream::connect(&path).await?;
        stream.write_all(b"hello world").await?;
        let mut response = String::new();
        stream.read_to_string(&mut response).await?;
        server.join().await??;
        std::fs::remove_file(path)?;
        Ok(response)
    }
    same(|| original().unwrap(), async || ported().await.unwrap());
}

#[test]
fn unix_stream_pair_peer_addr_try_clone_and_shutdown() {
    fn original() -> std::io::Result<(bool, usize, bool)> {
        use std::io::Read;
        use std::net::Shutdown;
        use std::os::unix::net::UnixStream;

        let (sock1, mut sock2) = UnixStream::pair()?;
        let is_unnamed = sock1.peer_addr()?.is_unnamed();
        sock1.try_clone()?.shutdown(Shutdown::Both)?;
        let n = sock2.read(&mut [0; 8])?;
        Ok((is_unnamed, n, sock1.take_error()?.is_none()))
    }
    async fn ported() -> std::io::Result<(bool, usize, bool)> {
        use bibelot::net::{Shutdown, UnixStream};

        let (sock1, sock2) = UnixStream::pair()?;
        let is_unnamed = sock1.peer_addr()?.is_unnamed();
        sock1.try_clone()?.shutdown(Shutdown::Both)?;
        let n = sock2.read(&mut [0; 8]).await?;
        Ok((is_unnamed, n, sock1.take_error()?.is_none()))
    }
    same(|| original().unwrap(), async || ported().await.unwrap());
}

#[test]
fn unix_datagram_page() {
    fn original() -> std::io::Result<(usize, Vec<u8>, bool)> {
        use std::os::unix::net::UnixDatagram;

        let path = path("original-datagram");
        let socket = UnixDatagram::bind(&path)?;
        let client = UnixDatagram::unbound()?;
        let sent = client.send_to(b"hello world", &path)?;
        let mut buf = [0; 100];
        let (count, address) = socket.recv_from(&mut buf)?;
        std::fs::remove_file(path)?;
        Ok((sent, buf[..count].to_vec(), address.is_unnamed()))
    }
    async fn ported() -> std::io::Result<(usize, Vec<u8>, bool)> {
        use bibelot::net::UnixDatagram;

        let path = path("ported-datagram");
        let socket = UnixDatagram::bind(&path)?;
        let client = UnixDatagram::unbound()?;
        let sent = client.send_to(b"hello world", &path).await?;
        let mut buf = [0; 100];
        let (count, address) = socket.recv_from(&mut buf).await?;
        std::fs::remove_file(path)?;
        Ok((sent, buf[..count].to_vec(), address.is_unnamed()))
    }
    same(|| original().unwrap(), async || ported().await.unwrap());
}
