//! Unix addresses, as the call takes them that begins a connect.

use std::io;
use std::os::unix::net::SocketAddr;
use std::path::Path;

use rustix::net::SocketAddrUnix;

/// The address of a path.
pub(super) fn of_path(path: &Path) -> io::Result<SocketAddrUnix> {
    Ok(SocketAddrUnix::new(path)?)
}

/// The address that std has made: of a path, or a name that is none.
pub(super) fn of_std(address: &SocketAddr) -> io::Result<SocketAddrUnix> {
    match address.as_pathname() {
        Some(path) => of_path(path),
        None => of_name(address),
    }
}

/// The address of a name that is no path.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn of_name(address: &SocketAddr) -> io::Result<SocketAddrUnix> {
    #[cfg(target_os = "android")]
    use std::os::android::net::SocketAddrExt;
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt;

    match address.as_abstract_name() {
        Some(name) => Ok(SocketAddrUnix::new_abstract_name(name)?),
        None => Err(no_name()),
    }
}

/// The address of a name that is no path, which this system has not.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn of_name(_: &SocketAddr) -> io::Result<SocketAddrUnix> {
    Err(no_name())
}

/// The error of an address that names nobody.
fn no_name() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "the address is unnamed")
}
