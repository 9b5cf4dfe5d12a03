//! What all six sockets have in common: each is std's own inside an [`AsyncFd`](crate::io::AsyncFd),
//! and gives on to it whatever does not wait.
//!
//! Three macros, since the six types share no trait in std: `wrap_std` for what is the same for all,
//! `same_as_std` for the methods that std has already written, and a simulated socket too
//! (`reactor/simulated.rs`), `only_std` for those that have no meaning in a simulation.

/// Writes the conversions from and to std's socket, and the traits of every descriptor.
macro_rules! wrap_std {
    ($Socket:ident, $Std:ty) => {
        impl $Socket {
            #[doc = concat!("Takes in a [`", stringify!($Std), "`] and makes it non-blocking.")]
            ///
            /// # Errors
            ///
            /// Returns the system's error.
            pub fn from_std(socket: $Std) -> $crate::io::Result<Self> {
                let fd = $crate::io::AsyncFd::new(socket)?;
                Ok(Self { fd })
            }

            #[doc = concat!("Gives a [`", stringify!($Std), "`] back, which blocks again.")]
            ///
            /// Whether a socket blocks is a property it shares with its clones: those of
            /// [`try_clone`](Self::try_clone) would block the thread from then on.
            ///
            /// # Errors
            ///
            /// Returns the system's error; one of kind `Unsupported` if the socket is simulated.
            pub fn into_std(self) -> $crate::io::Result<$Std> {
                if let $crate::reactor::simulated::On::Simulated(_) = self.fd.on() {
                    return Err($crate::reactor::simulated::no_descriptor());
                }
                let socket = self.fd.into_inner();
                socket.set_nonblocking(false)?;
                Ok(socket)
            }

            /// Returns another handle of the same socket.
            ///
            /// # Errors
            ///
            /// Returns the system's error, for want of descriptors say.
            pub fn try_clone(&self) -> $crate::io::Result<Self> {
                if let Some(fd) = self.fd.clone_simulated() {
                    return Ok(Self { fd });
                }
                let socket = self.fd.get_ref().try_clone()?;
                Ok(Self::from_nonblocking(socket))
            }

            same_as_std! {
                /// Takes the error that the system has noted for this socket, if there is one.
                fn take_error() -> Option<$crate::io::Error>;
            }

            /// Takes in a socket that is non-blocking already.
            pub(super) fn from_nonblocking(socket: $Std) -> Self {
                let fd = $crate::io::AsyncFd::from_nonblocking(socket);
                Self { fd }
            }
        }

        /// A simulated socket has no descriptor: then this panics.
        impl ::std::os::fd::AsFd for $Socket {
            #[track_caller]
            fn as_fd(&self) -> ::std::os::fd::BorrowedFd<'_> {
                self.fd.as_fd()
            }
        }

        /// A simulated socket has no descriptor: then this panics.
        impl ::std::os::fd::AsRawFd for $Socket {
            #[track_caller]
            fn as_raw_fd(&self) -> ::std::os::fd::RawFd {
                self.fd.as_raw_fd()
            }
        }

        impl ::std::fmt::Debug for $Socket {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self.fd.on() {
                    $crate::reactor::simulated::On::Kernel(socket) => socket.fmt(f),
                    $crate::reactor::simulated::On::Simulated(socket) => socket.fmt(f),
                }
            }
        }
    };
}

/// Writes methods that call std's of the same name, or a simulated socket's, none of which waits.
macro_rules! same_as_std {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $Type:ty),*) -> $Output:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        ///
        /// Returns the system's error.
        pub fn $name(&self $(, $argument: $Type)*) -> $crate::io::Result<$Output> {
            match self.fd.on() {
                $crate::reactor::simulated::On::Kernel(socket) => socket.$name($($argument),*),
                $crate::reactor::simulated::On::Simulated(socket) => socket.$name($($argument),*),
            }
        }
    )*};
}

/// Writes methods that call std's of the same name, none of which waits, and none of which a simulated
/// socket has.
macro_rules! only_std {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $Type:ty),*) -> $Output:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        ///
        /// Returns the system's error.
        pub fn $name(&self $(, $argument: $Type)*) -> $crate::io::Result<$Output> {
            match self.fd.on() {
                $crate::reactor::simulated::On::Kernel(socket) => socket.$name($($argument),*),
                $crate::reactor::simulated::On::Simulated(_) => {
                    Err($crate::reactor::simulated::no_descriptor())
                }
            }
        }
    )*};
}
