//! Pointers to a source are sources, pointers to a sink are sinks: `&R`, `&mut R`, `Box<R>`,
//! `Rc<R>`, `Arc<R>`.
//!
//! Every function is handed on, the provided ones too, so that what the pointed-to does better is
//! not lost; no future is wrapped, and `#[track_caller]` comes with the traits.

use std::fmt;
use std::future::Future;
use std::io::{IoSlice, IoSliceMut, Result};
use std::rc::Rc;
use std::sync::Arc;

use super::{Read, Write};

/// Writes the same two impls for each pointer type: the bodies differ in nothing.
macro_rules! delegate {
    ($($pointer:ty),*) => {$(
        impl<T: Read + ?Sized> Read for $pointer {
            fn read(&self, buf: &mut [u8]) -> impl Future<Output = Result<usize>> {
                (**self).read(buf)
            }

            fn read_vectored(
                &self,
                bufs: &mut [IoSliceMut<'_>],
            ) -> impl Future<Output = Result<usize>> {
                (**self).read_vectored(bufs)
            }

            fn read_exact(&self, buf: &mut [u8]) -> impl Future<Output = Result<()>> {
                (**self).read_exact(buf)
            }

            fn read_to_end(&self, buf: &mut Vec<u8>) -> impl Future<Output = Result<usize>> {
                (**self).read_to_end(buf)
            }

            fn read_to_string(&self, buf: &mut String) -> impl Future<Output = Result<usize>> {
                (**self).read_to_string(buf)
            }
        }

        impl<T: Write + ?Sized> Write for $pointer {
            fn write(&self, buf: &[u8]) -> impl Future<Output = Result<usize>> {
                (**self).write(buf)
            }

            fn flush(&self) -> impl Future<Output = Result<()>> {
                (**self).flush()
            }

            fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> impl Future<Output = Result<usize>> {
                (**self).write_vectored(bufs)
            }

            fn write_all(&self, buf: &[u8]) -> impl Future<Output = Result<()>> {
                (**self).write_all(buf)
            }

            fn write_fmt(&self, text: fmt::Arguments<'_>) -> impl Future<Output = Result<()>> {
                (**self).write_fmt(text)
            }
        }
    )*};
}

delegate!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);
