//! The client of the echo rows: a bare epoll loop on a thread of its own, on the other core. Each
//! connection sends a message, waits for the whole echo and sends the next.

use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use crate::epoll::{Epoll, room, write_all};
use crate::machine::CpuClock;
use crate::workload::Cost;

struct Connection {
    stream: TcpStream,
    /// How much of the echo has come.
    got: usize,
}

/// Drives the server and gives the CPU time of its thread per request.
pub fn drive(
    port: u16,
    connections: usize,
    bytes: usize,
    server: CpuClock,
    quick: bool,
) -> io::Result<Cost> {
    let epoll = Epoll::new()?;
    let message = vec![b'x'; bytes];
    let mut all = Vec::with_capacity(connections);
    for key in 0..connections {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        epoll.add(stream.as_raw_fd(), key as u64)?;
        write_all(&mut stream, &message)?;
        all.push(Connection { stream, got: 0 });
    }
    // Until every connection has been served at least once, and for a while more.
    let (warm, measured) = if quick { (40, 120) } else { (150, 500) };
    let mut loops = Loop {
        epoll,
        message,
        buf: vec![0; bytes],
        all,
    };
    loops.go(connections as u64 * 2, Duration::from_millis(warm))?;
    let since = server.now();
    let requests = loops.go(1, Duration::from_millis(measured))?;
    Ok(Cost::from((server.now() - since) as f64 / requests as f64))
}

struct Loop {
    epoll: Epoll,
    message: Vec<u8>,
    buf: Vec<u8>,
    all: Vec<Connection>,
}

impl Loop {
    /// Goes on for `time` and at least `least` requests; tells how many there were.
    fn go(&mut self, least: u64, time: Duration) -> io::Result<u64> {
        let start = Instant::now();
        let (mut requests, mut events) = (0, room());
        while requests < least || start.elapsed() < time {
            for key in self.epoll.wait(&mut events)? {
                let connection = &mut self.all[key as usize];
                match connection.stream.read(&mut self.buf) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(n) => connection.got += n,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                    Err(error) => return Err(error),
                }
                if connection.got == self.message.len() {
                    connection.got = 0;
                    requests += 1;
                    write_all(&mut connection.stream, &self.message)?;
                }
            }
        }
        Ok(requests)
    }
}

/// The floor of the echo rows: the least that a server on epoll can do.
pub fn serve_bare(listening: impl FnOnce(u16), buffer: usize) -> io::Result<()> {
    const LISTENER: u64 = u64::MAX;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let (epoll, mut events) = (Epoll::new()?, room());
    epoll.add(listener.as_raw_fd(), LISTENER)?;
    listening(listener.local_addr()?.port());
    let mut clients: Vec<Option<TcpStream>> = Vec::new();
    let mut buf = vec![0; buffer];
    loop {
        for key in epoll.wait(&mut events)? {
            if key == LISTENER {
                while let Ok((client, _)) = listener.accept() {
                    client.set_nodelay(true)?;
                    client.set_nonblocking(true)?;
                    epoll.add(client.as_raw_fd(), clients.len() as u64)?;
                    clients.push(Some(client));
                }
                continue;
            }
            let Some(client) = &mut clients[key as usize] else {
                continue;
            };
            let answered = match client.read(&mut buf) {
                Ok(n) if n > 0 => write_all(client, &buf[..n]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
                _ => Err(io::ErrorKind::UnexpectedEof.into()),
            };
            if answered.is_err() {
                clients[key as usize] = None;
            }
        }
    }
}
