//! What the two datagram sockets have in common: to send to a peer that is set, and to receive.

/// Writes the methods of a datagram socket that name no address.
macro_rules! datagrams {
    ($Socket:ident) => {
        impl $Socket {
            /// Sends a datagram to the peer and returns its length.
            ///
            /// # Errors
            ///
            /// Returns the system's error: no peer is set, nobody receives there, or the datagram is
            /// too long.
            ///
            /// # Cancel safety
            ///
            /// Nothing was sent.
            #[track_caller]
            pub fn send(&self, buf: &[u8]) -> impl Future<Output = io::Result<usize>> {
                self.fd.write_on(move |on| match on {
                    On::Kernel(socket) => socket.send(buf),
                    On::Simulated(socket) => socket.send(buf),
                })
            }

            /// Receives a datagram into `buf` and returns its length.
            ///
            /// # Errors
            ///
            /// Returns the system's error: that nobody received what was sent before, say.
            ///
            /// # Cancel safety
            ///
            /// No datagram is lost.
            #[track_caller]
            pub fn recv(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
                self.fd.read_on(move |on| match on {
                    On::Kernel(socket) => socket.recv(buf),
                    On::Simulated(socket) => socket.recv(buf),
                })
            }
        }
    };
}
