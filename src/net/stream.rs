//! The methods of the two streams, and the traits behind them.
//!
//! A TCP stream and a Unix stream read and write alike, but for one thing: on Linux a read of a TCP
//! stream that brings less than there was room for has emptied it, which spares the call that would
//! find that out. A Unix stream stops short where a descriptor was passed (see
//! `reactor/source.rs`).
//!
//! The inherent methods are those of [`io::Read`](crate::io::Read) and
//! [`io::Write`](crate::io::Write), so that no trait has to be imported; they are written once, and
//! delegate to them.

/// Writes the methods of a stream and its two traits.
macro_rules! stream {
    ($Stream:ident, short_read_is_the_end: $short_read_is_the_end:literal) => {
        impl $Stream {
            /// Reads some bytes into `buf` and returns how many, waiting until there is at least
            /// one. Zero means that the peer writes no more, or that `buf` is empty.
            ///
            /// # Errors
            ///
            /// Returns the system's error; then no byte was read.
            ///
            /// # Cancel safety
            ///
            /// No byte is lost.
            #[track_caller]
            pub fn read(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
                io::Read::read(self, buf)
            }

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

            /// Reads until `buf` is full.
            ///
            /// # Errors
            ///
            /// `UnexpectedEof` if the peer writes no more before, else those of
            /// [`read`](Self::read). How much was read by then is not known.
            ///
            /// # Cancel safety
            ///
            /// Not cancel safe: what was read is lost.
            /// [`BufReader::read_exact`](crate::io::BufReader::read_exact) loses nothing.
            #[track_caller]
            pub fn read_exact(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<()>> {
                io::Read::read_exact(self, buf)
            }

            /// Reads until the peer writes no more, appends it all to `buf`, and returns how many
            /// bytes that was.
            ///
            /// # Errors
            ///
            /// Those of [`read`](Self::read). What was read by then has been appended.
            ///
            /// # Cancel safety
            ///
            /// No byte is lost: what was read has been appended. Called again, it goes on.
            #[track_caller]
            pub fn read_to_end(
                &self,
                buf: &mut Vec<u8>,
            ) -> impl Future<Output = io::Result<usize>> {
                io::Read::read_to_end(self, buf)
            }

            /// Reads until the peer writes no more, appends it all to `buf` as text, and returns
            /// how many bytes that was.
            ///
            /// # Errors
            ///
            /// `InvalidData` if the bytes are not UTF-8, else those of [`read`](Self::read). In each
            /// case `buf` is as it was, and what was read is lost.
            ///
            /// # Cancel safety
            ///
            /// Not cancel safe: what was read is lost.
            #[track_caller]
            pub fn read_to_string(
                &self,
                buf: &mut String,
            ) -> impl Future<Output = io::Result<usize>> {
                io::Read::read_to_string(self, buf)
            }

            /// Writes some of the bytes and returns how many, waiting until at least one was taken.
            ///
            /// # Errors
            ///
            /// Returns the system's error, of kind `BrokenPipe` if the peer reads no more; then no
            /// byte was written.
            ///
            /// # Cancel safety
            ///
            /// No byte was written.
            #[track_caller]
            pub fn write(&self, buf: &[u8]) -> impl Future<Output = io::Result<usize>> {
                io::Write::write(self, buf)
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

            /// Writes all the bytes.
            ///
            /// # Errors
            ///
            /// Those of [`write`](Self::write). How much was written by then is not known.
            ///
            /// # Cancel safety
            ///
            /// Not cancel safe, as after an error. A loop over `write` knows how far it came.
            #[track_caller]
            pub fn write_all(&self, buf: &[u8]) -> impl Future<Output = io::Result<()>> {
                io::Write::write_all(self, buf)
            }

            /// Writes what `write!` or `writeln!` puts together.
            ///
            /// # Errors
            ///
            /// Those of [`write`](Self::write), and an error of kind `Other` if a value's own
            /// formatting fails.
            ///
            /// # Cancel safety
            ///
            /// Not cancel safe, as [`write_all`](Self::write_all).
            #[track_caller]
            pub fn write_fmt(
                &self,
                text: ::std::fmt::Arguments<'_>,
            ) -> impl Future<Output = io::Result<()>> {
                io::Write::write_fmt(self, text)
            }

            /// Does nothing: a socket keeps no bytes back.
            ///
            /// # Errors
            ///
            /// None.
            #[track_caller]
            pub fn flush(&self) -> impl Future<Output = io::Result<()>> {
                io::Write::flush(self)
            }

            same_as_std! {
                /// Ends reading, writing or both, for every handle of this socket. The peer reads to
                /// the end of what was written; tasks that wait here are woken.
                fn shutdown(how: std::net::Shutdown) -> ();
            }
        }

        impl io::Read for $Stream {
            fn read(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
                self.fd.read_with(move |mut socket| {
                    let count = std::io::Read::read(&mut socket, buf)?;
                    if $short_read_is_the_end {
                        self.fd.note_read(count, buf.len());
                    }
                    Ok(count)
                })
            }

            fn read_vectored(
                &self,
                bufs: &mut [io::IoSliceMut<'_>],
            ) -> impl Future<Output = io::Result<usize>> {
                self.fd.read_with(move |mut socket| {
                    let count = std::io::Read::read_vectored(&mut socket, bufs)?;
                    if $short_read_is_the_end {
                        self.fd
                            .note_read(count, bufs.iter().map(|buf| buf.len()).sum());
                    }
                    Ok(count)
                })
            }
        }

        impl io::Write for $Stream {
            fn write(&self, buf: &[u8]) -> impl Future<Output = io::Result<usize>> {
                self.fd
                    .write_with(move |mut socket| std::io::Write::write(&mut socket, buf))
            }

            fn write_vectored(
                &self,
                bufs: &[io::IoSlice<'_>],
            ) -> impl Future<Output = io::Result<usize>> {
                self.fd
                    .write_with(move |mut socket| std::io::Write::write_vectored(&mut socket, bufs))
            }

            fn flush(&self) -> impl Future<Output = io::Result<()>> {
                std::future::ready(Ok(()))
            }
        }
    };
}
