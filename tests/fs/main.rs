//! What is promised of files: that they are std's, that operations on one come in line, and that a
//! dropped one loses no byte and repeats none. The standard streams are here as well, since they may
//! be files.
//!
//! Where a test needs an operation that does not end by itself, its file is a pipe: a thread that
//! reads from it is blocked until the test writes.
#![cfg(feature = "fs")]

#[path = "../support/mod.rs"]
mod support;

mod cancel;
mod errors;
mod file;
mod folders;
mod line;
mod places;
mod stdio;
mod whole;

use std::cell::Cell;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::{env, fs, future, io, process};

use bibelot::fs::File;

/// A folder that is there until the test ends.
struct Folder(PathBuf);

impl Folder {
    /// A new one.
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("bibelot-test-{}-{nth}", process::id()));
        fs::create_dir(&path).expect("a new folder");
        Self(path)
    }

    /// The folder.
    fn path(&self) -> &Path {
        &self.0
    }

    /// The path of what has this name in it.
    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The path of a file with this in it.
    fn holding(&self, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at("file");
        fs::write(&path, text).expect("a new file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A file that is read when somebody writes to the other end.
fn slow_to_read() -> (File, io::PipeWriter) {
    let (reader, writer) = io::pipe().expect("a pipe");
    (OwnedFd::from(reader).into(), writer)
}

/// A file that is written when somebody reads at the other end, if that is more than a pipe holds.
fn slow_to_write() -> (io::PipeReader, File) {
    let (reader, writer) = io::pipe().expect("a pipe");
    (reader, OwnedFd::from(writer).into())
}

/// Drops a future when it waits for the `nth` time, if it comes to that; its value, otherwise.
async fn dropped_at<F: Future>(nth: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut waited = 0;
    let polled = future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => {
            waited += 1;
            if waited < nth {
                Poll::Pending
            } else {
                Poll::Ready(None)
            }
        }
    });
    polled.await
}

/// Begins what will not end soon, and drops it.
async fn abandon<F: Future>(future: F) {
    assert!(dropped_at(1, future).await.is_none(), "it ends by itself");
}

/// Returns what a future ends with, and how often it has waited before.
async fn waits<F: Future>(future: F) -> (F::Output, usize) {
    let waits = Cell::new(0);
    let mut future = pin!(future);
    let output = future::poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        waits.set(waits.get() + usize::from(polled.is_pending()));
        polled
    });
    (output.await, waits.get())
}
