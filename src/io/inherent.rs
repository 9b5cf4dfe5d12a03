//! The functions of [`Read`](super::Read) and [`Write`](super::Write) without the traits, for streams:
//! so that a program needs to import neither.
//!
//! A macro, since there is no other way to write inherent functions once for several types. What
//! they do is the trait's own; `#[track_caller]` hands the place on.

/// Gives a type that is [`Read`](super::Read) its functions without the trait.
macro_rules! reads {
    ($stream:ty) => {
        impl $stream {
            /// Reads some bytes into `buf` and returns how many, waiting until there is at least one.
            ///
            /// Zero means the end, or that `buf` is empty.
            ///
            /// # Errors
            ///
            /// Those of the stream; then no byte was read.
            ///
            /// # Cancel safety
            ///
            /// No byte is lost.
            #[track_caller]
            pub fn read(&self, buf: &mut [u8]) -> impl Future<Output = std::io::Result<usize>> {
                $crate::io::Read::read(self, buf)
            }

            /// Reads until `buf` is full.
            ///
            /// # Errors
            ///
            /// `UnexpectedEof` when the stream ends before, else those of `read`. What was read by
            /// then lies in `buf`, but how much that is, is not known.
            ///
            /// # Cancel safety
            ///
            /// Not cancel safe: as after an error.
            /// [`BufReader::read_exact`](crate::io::BufReader::read_exact) is, and loses nothing.
            #[track_caller]
            pub fn read_exact(&self, buf: &mut [u8]) -> impl Future<Output = std::io::Result<()>> {
                $crate::io::Read::read_exact(self, buf)
            }

            /// Reads until the end, appends it all to `buf`, and returns how many bytes that was.
            ///
            /// # Errors
            ///
            /// Those of `read`, except `Interrupted`. What was read by then has been appended.
            ///
            /// # Cancel safety
            ///
            /// No byte is lost: what was read has been appended to `buf`. Called again with the same
            /// vector, it goes on.
            #[track_caller]
            pub fn read_to_end(
                &self,
                buf: &mut Vec<u8>,
            ) -> impl Future<Output = std::io::Result<usize>> {
                $crate::io::Read::read_to_end(self, buf)
            }

            /// Reads until the end, appends it all to `buf` as text, and returns how many bytes that
            /// was.
            ///
            /// # Errors
            ///
            /// `InvalidData` when the bytes are not UTF-8, else those of `read`, except
            /// `Interrupted`. In each case `buf` is as it was, and what was read is lost.
            ///
            /// # Cancel safety
            ///
            /// Not cancel safe: what was read is lost.
            /// [`BufReader::read_to_string`](crate::io::BufReader::read_to_string) loses nothing.
            #[track_caller]
            pub fn read_to_string(
                &self,
                buf: &mut String,
            ) -> impl Future<Output = std::io::Result<usize>> {
                $crate::io::Read::read_to_string(self, buf)
            }
        }
    };
}

/// Gives a type that is [`Write`](super::Write) its functions without the trait.
/// One that differs says what becomes of a write that was dropped, what a flush does, and how it fails.
macro_rules! writes {
    ($stream:ty) => {
        $crate::io::inherent::writes!(
            $stream,
            dropped: "No byte was written.",
            flush: "Does nothing: what was written is not held back here.",
            errors: "None."
        );
    };
    ($stream:ty, dropped: $dropped:literal, flush: $flush:literal, errors: $errors:literal) => {
        impl $stream {
            /// Writes some of the bytes and returns how many, waiting until at least one was taken.
            ///
            /// # Errors
            ///
            /// `BrokenPipe` when nobody can read them any more, else those of the stream; then no
            /// byte was written.
            ///
            /// # Cancel safety
            ///
            #[doc = $dropped]
            #[track_caller]
            pub fn write(&self, buf: &[u8]) -> impl Future<Output = std::io::Result<usize>> {
                $crate::io::Write::write(self, buf)
            }

            /// Writes all the bytes.
            ///
            /// # Errors
            ///
            /// Those of `write`, except `Interrupted`. How much was written by then is not known.
            ///
            /// # Cancel safety
            ///
            /// Not cancel safe: as after an error.
            /// [`BufWriter::write_all`](crate::io::BufWriter::write_all) takes all the bytes or none;
            /// a loop over `write` knows how far it came.
            #[track_caller]
            pub fn write_all(&self, buf: &[u8]) -> impl Future<Output = std::io::Result<()>> {
                $crate::io::Write::write_all(self, buf)
            }

            /// Writes what `write!` or `writeln!` puts together.
            ///
            /// # Errors
            ///
            /// As `write_all`, and an error of kind `Other` when a value's own formatting fails; then
            /// nothing was written.
            ///
            /// # Cancel safety
            ///
            /// Not cancel safe, as `write_all`.
            #[track_caller]
            pub fn write_fmt(
                &self,
                text: std::fmt::Arguments<'_>,
            ) -> impl Future<Output = std::io::Result<()>> {
                $crate::io::Write::write_fmt(self, text)
            }

            #[doc = $flush]
            ///
            /// # Errors
            ///
            #[doc = $errors]
            ///
            /// # Cancel safety
            ///
            /// Nothing is lost.
            #[track_caller]
            pub fn flush(&self) -> impl Future<Output = std::io::Result<()>> {
                $crate::io::Write::flush(self)
            }
        }
    };
}

pub(crate) use {reads, writes};
