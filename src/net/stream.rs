//! What the two streams have in common: to read, to write, and to be shut down.
//!
//! A TCP stream and a Unix stream read and write alike, but for one thing: on Linux a read of a TCP
//! stream that brings less than there was room for has emptied it, which spares the call that would
//! find that out. A Unix stream stops short where a descriptor was passed (see
//! `reactor/source.rs`).
//!
//! Here are the traits; the functions without them, for which nothing has to be imported, are those of
//! every stream (`io/inherent.rs`).

/// Writes the two traits of a stream, and its functions.
macro_rules! stream {
    ($Stream:ident, short_read_is_the_end: $short_read_is_the_end:literal) => {
        reads!($Stream);
        writes!($Stream);

        impl $Stream {
            /// Reads into several buffers, one after the other.
            ///
            /// # Errors
            ///
            /// Those of [`read`](Self::read).
            ///
            /// # Cancel safety
            ///
            /// No byte is lost.
            #[track_caller]
            pub fn read_vectored(
                &self,
                bufs: &mut [io::IoSliceMut<'_>],
            ) -> impl Future<Output = io::Result<usize>> {
                io::Read::read_vectored(self, bufs)
            }

            /// Writes several buffers, one after the other.
            ///
            /// # Errors
            ///
            /// Those of [`write`](Self::write).
            ///
            /// # Cancel safety
            ///
            /// No byte was written.
            #[track_caller]
            pub fn write_vectored(
                &self,
                bufs: &[io::IoSlice<'_>],
            ) -> impl Future<Output = io::Result<usize>> {
                io::Write::write_vectored(self, bufs)
            }

            same_as_std! {
                /// Ends reading, writing or both, for every handle of this socket. The peer reads to
                /// the end of what was written; tasks that wait here are woken.
                fn shutdown(how: std::net::Shutdown) -> ();
            }
        }

        impl io::Read for $Stream {
            fn read(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
                self.fd.read_on(move |on| match on {
                    On::Kernel(mut socket) => {
                        let count = std::io::Read::read(&mut socket, buf)?;
                        if $short_read_is_the_end {
                            self.fd.note_read(count, buf.len());
                        }
                        Ok(count)
                    }
                    On::Simulated(socket) => socket.read(&mut [io::IoSliceMut::new(buf)]),
                })
            }

            fn read_vectored(
                &self,
                bufs: &mut [io::IoSliceMut<'_>],
            ) -> impl Future<Output = io::Result<usize>> {
                self.fd.read_on(move |on| match on {
                    On::Kernel(mut socket) => {
                        let count = std::io::Read::read_vectored(&mut socket, bufs)?;
                        if $short_read_is_the_end {
                            self.fd
                                .note_read(count, bufs.iter().map(|buf| buf.len()).sum());
                        }
                        Ok(count)
                    }
                    On::Simulated(socket) => socket.read(bufs),
                })
            }
        }

        impl io::Write for $Stream {
            fn write(&self, buf: &[u8]) -> impl Future<Output = io::Result<usize>> {
                self.fd.write_on(move |on| match on {
                    On::Kernel(mut socket) => std::io::Write::write(&mut socket, buf),
                    On::Simulated(socket) => socket.write(&[io::IoSlice::new(buf)]),
                })
            }

            fn write_vectored(
                &self,
                bufs: &[io::IoSlice<'_>],
            ) -> impl Future<Output = io::Result<usize>> {
                self.fd.write_on(move |on| match on {
                    On::Kernel(mut socket) => std::io::Write::write_vectored(&mut socket, bufs),
                    On::Simulated(socket) => socket.write(bufs),
                })
            }

            fn flush(&self) -> impl Future<Output = io::Result<()>> {
                std::future::ready(Ok(()))
            }
        }
    };
}
