//! The wait in milliseconds, which kernels and sandboxes fall back to that refuse nanoseconds.

use super::*;
use std::os::fd::AsFd;

use rustix::event::{EventfdFlags, epoll, eventfd};

use crate::sys::monotonic_nanos;

#[test]
fn the_fallback_in_milliseconds_is_never_early() {
    let poller = polling::Poller::new().unwrap();
    let mut buffer = EventBuffer::new();
    let start = monotonic_nanos();
    let timeout = Duration::from_micros(1_200);
    let count = wait_millis(poller.as_fd(), &mut buffer, Some(timeout)).unwrap();
    assert_eq!(count, 0);
    let took = Duration::from_nanos(monotonic_nanos() - start);
    assert!(took >= timeout);
}

#[test]
fn a_kernel_that_refuses_nanoseconds_is_asked_for_milliseconds() {
    for error in [libc::ENOSYS, libc::EPERM] {
        let asks = move || {
            refuse(libc::SYS_epoll_pwait2, error);
            let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
            let bell = eventfd(7, EventfdFlags::CLOEXEC).unwrap();
            let data = epoll::EventData::new_u64(42);
            epoll::add(&epoll, &bell, data, epoll::EventFlags::IN).unwrap();
            let mut buffer = EventBuffer::new();
            let refusal = wait_nanos(epoll.as_fd(), &mut buffer, None).unwrap_err();
            assert_eq!(refusal.raw_os_error(), Some(error));
            IS_REFUSED.store(false, Ordering::Relaxed);
            for _ in 0..2 {
                wait(epoll.as_fd(), &mut buffer, None).unwrap();
                assert_eq!(buffer.iter().map(|(_, key)| key).collect::<Vec<_>>(), [42]);
                assert!(IS_REFUSED.load(Ordering::Relaxed));
            }
        };
        std::thread::spawn(asks).join().unwrap();
    }
    // The others of this process are not refused anything.
    IS_REFUSED.store(false, Ordering::Relaxed);
}
