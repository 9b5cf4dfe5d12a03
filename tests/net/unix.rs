//! Unix sockets.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use bibelot::net::unix::SocketAddr;
use bibelot::net::{Shutdown, UnixDatagram, UnixListener, UnixStream};

use crate::{poll_once, run};

/// A path that no other test uses, and that is free again at the end.
struct TempPath(PathBuf);

impl TempPath {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("bibelot-{}-{number}.socket", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl AsRef<Path> for TempPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempPath {
    fn drop(&mut self) {
        let _never_bound = std::fs::remove_file(&self.0);
    }
}

#[test]
fn an_echo_comes_back() {
    run(async {
        let path = TempPath::new();
        let listener = UnixListener::bind(&path)?;
        let echo = bibelot::spawn(async move {
            let (client, from) = listener.accept().await?;
            assert!(from.is_unnamed());
            bibelot::io::copy(&client, &client).await
        });
        let stream = UnixStream::connect(&path).await?;
        assert_eq!(stream.peer_addr()?.as_pathname(), Some(path.as_ref()));
        stream.write_all(b"hello").await?;
        stream.shutdown(Shutdown::Write)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        assert_eq!(answer, "hello");
        assert_eq!(echo.await??, 5);
        Ok(())
    });
}

#[test]
fn incoming_brings_one_client_after_the_other() {
    run(async {
        let path = TempPath::new();
        let listener = UnixListener::bind(&path)?;
        let _clients = [
            UnixStream::connect(&path).await?,
            UnixStream::connect(&path).await?,
        ];
        let mut incoming = listener.incoming();
        for _ in 0..2 {
            incoming.next().await.expect("it never ends")?;
        }
        Ok(())
    });
}

#[test]
fn a_path_with_nobody_behind_it_is_an_error() {
    run(async {
        let path = TempPath::new();
        let error = UnixStream::connect(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        drop(UnixListener::bind(&path)?);
        let error = UnixStream::connect(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let error = UnixListener::bind(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        let too_long = "x".repeat(200);
        assert!(UnixStream::connect(&too_long).await.is_err());
        assert!(UnixListener::bind(&too_long).is_err());
        Ok(())
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_no_path_is_one_too() {
    use std::os::linux::net::SocketAddrExt;

    run(async {
        let name = format!("bibelot-{}-name", std::process::id());
        let address = SocketAddr::from_abstract_name(name)?;
        let listener = UnixListener::bind_addr(&address)?;
        let client = UnixStream::connect_addr(&address).await?;
        let (server, _) = listener.accept().await?;
        client.write_all(b"!").await?;
        server.read_exact(&mut [0; 1]).await?;
        let local = listener.local_addr()?;
        assert_eq!(local.as_abstract_name(), address.as_abstract_name());
        Ok(())
    });
}

#[test]
fn an_address_that_names_nobody_is_invalid_input() {
    run(async {
        let (one, _other) = UnixStream::pair()?;
        let unnamed: SocketAddr = one.local_addr()?;
        let error = UnixStream::connect_addr(&unnamed).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        Ok(())
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_waits_for_room_at_the_listener() {
    run(async {
        let path = TempPath::new();
        let listener = UnixListener::bind(&path)?;
        rustix::net::listen(&listener, 1)?; // room for two
        let mut clients = Vec::new();
        let mut late = loop {
            let mut connect = Box::pin(UnixStream::connect(&path));
            match poll_once(connect.as_mut()).await {
                std::task::Poll::Ready(client) => clients.push(client?),
                std::task::Poll::Pending => break connect,
            }
            assert!(clients.len() < 10);
        };
        assert!(poll_once(late.as_mut()).await.is_pending());
        listener.accept().await?;
        late.await?;
        Ok(())
    });
}

#[test]
fn datagrams_keep_their_order_and_their_bounds() {
    run(async {
        let (here, there) = (TempPath::new(), TempPath::new());
        let (one, other) = (UnixDatagram::bind(&here)?, UnixDatagram::bind(&there)?);
        for text in ["first", "", "third"] {
            let sent = one.send_to(text.as_bytes(), &there).await?;
            assert_eq!(sent, text.len());
        }
        let mut buf = [0; 16];
        for text in ["first", "", "third"] {
            let (count, from) = other.recv_from(&mut buf).await?;
            assert_eq!(&buf[..count], text.as_bytes());
            assert_eq!(from.as_pathname(), Some(here.as_ref()));
        }
        one.connect(&there)?;
        one.send(b"peer").await?;
        assert_eq!(other.recv(&mut buf).await?, 4);
        let unbound = UnixDatagram::unbound()?;
        unbound.connect_addr(&other.local_addr()?)?;
        unbound.send(b"again").await?;
        let (count, from) = other.recv_from(&mut buf).await?;
        assert!(count == 5 && from.is_unnamed());
        Ok(())
    });
}

/// Fills the receiver's queue by `send`, then takes one datagram out, and sees the sender go on.
async fn waits_for_room<F>(receiver: &UnixDatagram, mut send: impl FnMut() -> F) -> io::Result<()>
where
    F: Future<Output = io::Result<usize>>,
{
    let mut sent = 0;
    let mut late = loop {
        let mut next = Box::pin(send());
        match poll_once(next.as_mut()).await {
            std::task::Poll::Ready(done) => sent += done?,
            std::task::Poll::Pending => break next,
        }
        assert!(sent < 1 << 20, "the queue has no end");
    };
    assert!(poll_once(late.as_mut()).await.is_pending());
    receiver.recv(&mut [0; 16]).await?;
    late.await?;
    Ok(())
}

#[test]
fn a_sender_waits_for_room_at_its_peer() {
    run(async {
        let path = TempPath::new();
        let receiver = UnixDatagram::bind(&path)?;
        let sender = UnixDatagram::unbound()?;
        sender.connect(&path)?;
        waits_for_room(&receiver, || sender.send(b"more")).await
    });
}

#[test]
fn a_sender_waits_for_room_at_whomever_it_sends_to() {
    run(async {
        let path = TempPath::new();
        let receiver = UnixDatagram::bind(&path)?;
        let sender = UnixDatagram::unbound()?;
        waits_for_room(&receiver, || sender.send_to(b"more", &path)).await?;
        let address = receiver.local_addr()?;
        waits_for_room(&receiver, || sender.send_to_addr(b"more", &address)).await
    });
}

#[test]
fn a_sender_of_a_pair_waits_for_room() {
    run(async {
        let (one, other) = UnixDatagram::pair()?;
        let block = vec![0; 4096];
        let mut sent = 0;
        loop {
            let mut send = Box::pin(one.send(&block));
            match poll_once(send.as_mut()).await {
                std::task::Poll::Ready(done) => {
                    done?;
                    sent += 1;
                }
                std::task::Poll::Pending => {
                    let drain = async {
                        for _ in 0..sent {
                            other.recv(&mut [0; 16]).await?;
                        }
                        io::Result::Ok(())
                    };
                    drain.await?;
                    send.await?;
                    return Ok(());
                }
            }
        }
    });
}

#[test]
fn std_gets_them_back() {
    run(async {
        let (one, other) = UnixStream::pair()?;
        let one = UnixStream::from_std(one.into_std()?)?;
        one.write_all(b"!").await?;
        other.try_clone()?.read_exact(&mut [0; 1]).await?;
        assert!(one.take_error()?.is_none());
        let (datagram, _other) = UnixDatagram::pair()?;
        let datagram = UnixDatagram::from_std(datagram.into_std()?)?;
        datagram.shutdown(Shutdown::Both)?;
        assert!(datagram.send(b"a").await.is_err());
        let path = TempPath::new();
        let listener = UnixListener::bind(&path)?;
        assert_eq!(
            listener.into_std()?.local_addr()?.as_pathname(),
            Some(path.as_ref())
        );
        Ok(())
    });
}
