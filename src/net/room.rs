//! The wait for room in a queue of somebody else's, of which there is no event.
//!
//! A Unix socket that connects to a listener whose queue is full, or sends to a receiver that is not
//! its peer and has as many datagrams as it may hold, is told so; but it counts as writable all the
//! while, and Linux has no event for the moment when there is room. A thread would be woken. A task
//! looks again, after a millisecond, then two, then four.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use crate::io::AsyncFd;
use crate::time::sleep;

/// The pause after the first look: far more than a look costs.
const PAUSE_MIN: Duration = Duration::from_millis(1);
/// The longest pause: a receiver that is that slow makes nobody wait much longer by it.
const PAUSE_MAX: Duration = Duration::from_millis(64);

/// Calls `op` until there is room for it.
pub(super) async fn until_room<T: AsFd, R>(
    fd: &AsyncFd<T>,
    mut op: impl FnMut(&T) -> io::Result<R>,
) -> io::Result<R> {
    let mut pause = PAUSE_MIN;
    loop {
        let done = fd.write_with(|socket| match op(socket) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            result => result.map(Some),
        });
        if let Some(done) = done.await? {
            return Ok(done);
        }
        sleep(pause).await;
        pause = PAUSE_MAX.min(pause * 2);
    }
}
