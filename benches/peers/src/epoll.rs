//! The least of epoll, for the client and for the bare server: level-triggered reading.

use std::io::{self, Write};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

pub struct Epoll(OwnedFd);

/// Room for the events of one wait.
pub fn room() -> Vec<libc::epoll_event> {
    vec![libc::epoll_event { events: 0, u64: 0 }; 1024]
}

impl Epoll {
    pub fn new() -> io::Result<Epoll> {
        // SAFETY: only makes a descriptor.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it is fresh, and nobody else owns it.
        Ok(Epoll(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Watches a descriptor for reading.
    pub fn add(&self, fd: RawFd, key: u64) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: key,
        };
        // SAFETY: `event` is valid, and a wrong descriptor is only an error.
        let result =
            unsafe { libc::epoll_ctl(self.0.as_raw_fd(), libc::EPOLL_CTL_ADD, fd, &mut event) };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// Waits, and gives what can be read.
    pub fn wait<'r>(
        &self,
        room: &'r mut [libc::epoll_event],
    ) -> io::Result<impl Iterator<Item = u64> + use<'r>> {
        let (place, size) = (room.as_mut_ptr(), room.len() as i32);
        // SAFETY: the kernel writes at most `size` events.
        let n = unsafe { libc::epoll_wait(self.0.as_raw_fd(), place, size, -1) };
        let error = io::Error::last_os_error();
        if n < 0 && error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
        Ok(room[..n.max(0) as usize].iter().map(|event| event.u64))
    }
}

/// Writes everything to a socket that does not block; where its buffer is full, waits for room.
pub fn write_all(stream: &mut TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let fd = stream.as_raw_fd();
                let mut room = libc::pollfd {
                    fd,
                    events: libc::POLLOUT,
                    revents: 0,
                };
                // SAFETY: one valid entry.
                unsafe { libc::poll(&mut room, 1, -1) };
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
