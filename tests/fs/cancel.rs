//! An operation that is dropped runs to its end, and no byte is lost or repeated for it.

use std::fs as std_fs;
use std::io::{Cursor, Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::thread;

use bibelot::fs::File;
use bibelot::io::{self, BufReader, BufWriter, SeekFrom};
use bibelot::run;
use bibelot::testing::{Storm, cancel_storm};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use crate::{Folder, abandon, dropped_at, slow_to_read, slow_to_write};

/// A storm that has struck. A thread may be so fast that nobody ever waits for it, and then nothing
/// was tried: so again, unless it is always as fast as that here.
pub(crate) fn storm(mut scenario: impl AsyncFnMut(&Storm)) {
    let mut tries = 0..1000;
    while cancel_storm(&mut scenario) == 0 && tries.next().is_some() {}
}

#[test]
fn what_a_dropped_read_has_read_is_there_for_the_next() {
    let (file, mut writer) = slow_to_read();
    run(async {
        abandon(file.read(&mut [0; 8])).await;
        writer.write_all(b"text").unwrap();
        let mut buf = [0; 3];
        assert_eq!(file.read(&mut buf).await.unwrap(), 3);
        assert_eq!(&buf, b"tex");
        abandon(async {
            file.read_exact(&mut buf[..1]).await.unwrap();
            file.read(&mut buf).await.unwrap();
        })
        .await;
        writer.write_all(b"more").unwrap();
        drop(writer);
        let mut rest = Vec::new();
        file.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"more");
    });
}

#[test]
fn what_a_dropped_read_to_end_has_read_is_there_for_the_next() {
    let (file, mut writer) = slow_to_read();
    run(async {
        writer.write_all(b"0123").unwrap();
        abandon(file.read_to_end(&mut Vec::new())).await;
        writer.write_all(b"456").unwrap();
        drop(writer);
        let mut buf = [0; 3];
        file.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"012");
        let mut rest = Vec::new();
        assert_eq!(file.read_to_end(&mut rest).await.unwrap(), 4);
        assert_eq!(rest, b"3456");
    });
}

/// So many bytes that a pipe does not hold them.
fn much() -> Vec<u8> {
    (0..250_000_u32).map(|n| (n % 253) as u8).collect()
}

/// A thread that reads all there is.
fn drain(mut reader: std::io::PipeReader) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

#[test]
fn what_a_dropped_write_has_written_counts_when_it_is_written_again() {
    let (reader, file) = slow_to_write();
    let much = much();
    let drained = run(async {
        abandon(file.write(&much)).await;
        let drained = drain(reader);
        assert_eq!(file.write(&much[..100_000]).await.unwrap(), 100_000);
        assert_eq!(file.write(&much[100_000..]).await.unwrap(), 150_000);
        file.write_all(b"once").await.unwrap();
        file.write_all(b"once").await.unwrap();
        drop(file);
        drained
    });
    let mut expected = much;
    expected.extend_from_slice(b"onceonce");
    assert!(drained.join().unwrap() == expected);
}

#[test]
fn something_else_is_written_behind_a_dropped_write() {
    let (reader, file) = slow_to_write();
    let mut much = much();
    let drained = run(async {
        abandon(file.write(&much)).await;
        let drained = drain(reader);
        file.write_all(b"else").await.unwrap();
        file.write_all(&much[..3]).await.unwrap();
        drop(file);
        drained
    });
    let begin = much[..3].to_vec();
    much.extend_from_slice(b"else");
    much.extend(begin);
    assert!(drained.join().unwrap() == much);
}

#[test]
fn what_stands_between_a_dropped_write_and_the_same_again_parts_them() {
    // A pipe has no length to set: the attempt is enough.
    let (reader, file) = slow_to_write();
    let much = much();
    let drained = run(async {
        abandon(file.write(&much)).await;
        let drained = drain(reader);
        file.metadata().await.unwrap(); // only looks
        assert!(file.set_len(0).await.is_err());
        file.write_all(&much).await.unwrap();
        drop(file);
        drained
    });
    assert_eq!(drained.join().unwrap().len(), 2 * much.len());
}

#[test]
fn a_flush_waits_for_a_dropped_write() {
    let (reader, file) = slow_to_write();
    let much = much();
    run(async {
        abandon(file.write(&much)).await;
        abandon(file.flush()).await;
        let mut reader = reader;
        let thread = thread::spawn(move || {
            let mut bytes = vec![0; 250_000];
            reader.read_exact(&mut bytes).unwrap();
            (bytes, reader)
        });
        file.flush().await.unwrap();
        assert!(thread.join().unwrap().0 == much);
    });
}

/// A file of which a write was dropped, and has failed.
async fn failed() -> File {
    let (reader, writer) = std::io::pipe().unwrap();
    let flags = fcntl_getfl(&writer).unwrap();
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).unwrap();
    while (&writer).write(&[0; 4096]).is_ok() {}
    fcntl_setfl(&writer, flags).unwrap();
    let file = File::from(OwnedFd::from(writer));
    abandon(file.write(b"text")).await;
    drop(reader);
    file
}

#[test]
fn the_error_of_a_dropped_write_is_told_by_the_next_flush() {
    run(async {
        let file = failed().await;
        let error = file.flush().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        file.flush().await.expect("it was told");

        let file = failed().await;
        file.metadata().await.unwrap();
        assert!(file.stream_position().await.is_err());
        let error = file.sync_all().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        let error = file.sync_all().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "no disk");
    });
}

#[test]
fn the_error_of_a_dropped_write_is_told_to_the_same_write() {
    run(async {
        let file = failed().await;
        let error = file.write(b"text").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        file.flush().await.expect("it was told");

        let file = failed().await;
        let error = file.write(b"else").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "its own");
        let error = file.flush().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "that of the first");
        file.flush().await.expect("it was told");
    });
}

#[test]
fn a_buffered_writer_under_a_storm_writes_each_byte_once() {
    let folder = Folder::new();
    let mut nth = 0;
    storm(async |storm| {
        nth += 1;
        let path = folder.at(&format!("file {nth}"));
        let file = File::options().append(true).create(true).open(&path).await;
        let mut writer = BufWriter::with_capacity(8, file.unwrap());
        for word in ["one ", "two ", "three ", "and a longer one"] {
            while storm
                .strike(writer.write_all(word.as_bytes()))
                .await
                .is_none()
            {}
        }
        while storm.strike(writer.flush()).await.is_none() {}
        let text = std_fs::read_to_string(&path).unwrap();
        assert_eq!(text, "one two three and a longer one");
    });
}

#[test]
fn buffered_lines_under_a_storm_come_once() {
    let folder = Folder::new();
    let path = folder.holding("one\ntwo\n\nthree");
    storm(async |storm| {
        let file = File::open(&path).await.unwrap();
        let mut lines = BufReader::with_capacity(4, file).lines();
        let mut seen = Vec::new();
        loop {
            match storm.strike(lines.next()).await {
                None => {}
                Some(None) => break,
                Some(Some(line)) => seen.push(line.unwrap()),
            }
        }
        assert_eq!(seen, ["one", "two", "", "three"]);
    });
}

#[test]
fn the_position_is_that_of_what_was_not_dropped() {
    let folder = Folder::new();
    let path = folder.holding("0123456789");
    storm(async |storm| {
        let file = File::options().read(true).write(true).open(&path).await;
        let file = file.unwrap();
        let mut buf = [0; 4];
        let got = storm.strike(file.read(&mut buf)).await;
        let expected = if got.is_some() { 4 } else { 0 };
        assert_eq!(file.stream_position().await.unwrap(), expected);
    });
    storm(async |storm| {
        let file = File::open(&path).await.unwrap();
        let mut all = Vec::new();
        let got = storm.strike(file.read_to_end(&mut all)).await;
        let mut std = file.into_std().await.unwrap();
        let expected = if got.is_some() { 10 } else { 0 };
        assert_eq!(std.stream_position().unwrap(), expected);
    });
}

#[test]
fn a_write_goes_where_the_program_is_although_a_read_was_dropped() {
    let folder = Folder::new();
    let path = folder.holding("0123456789");
    storm(async |storm| {
        std_fs::write(&path, "0123456789").unwrap();
        let file = File::options().read(true).write(true).open(&path).await;
        let file = file.unwrap();
        let got = storm.strike(file.read(&mut [0; 4])).await;
        file.write_all(b"abc").await.unwrap();
        let expected = if got.is_some() {
            "0123abc789"
        } else {
            "abc3456789"
        };
        assert_eq!(std_fs::read_to_string(&path).unwrap(), expected);
    });
}

#[test]
fn what_is_read_between_parts_a_dropped_write_from_the_same_again() {
    let folder = Folder::new();
    let path = folder.holding("");
    storm(async |storm| {
        std_fs::write(&path, "0123456789").unwrap();
        let file = File::options().read(true).write(true).open(&path).await;
        let file = file.unwrap();
        drop(storm.strike(file.write(b"ab")).await);
        file.read_exact(&mut [0; 2]).await.unwrap();
        file.write_all(b"ab").await.unwrap();
        assert_eq!(std_fs::read_to_string(&path).unwrap(), "ab23ab6789");
    });
}

#[test]
fn what_only_looks_changes_nothing_when_it_is_dropped() {
    let folder = Folder::new();
    let path = folder.holding("0123456789");
    /// Drops this operation wherever it waits.
    macro_rules! each {
        ($($name:ident($($arg:expr),*);)*) => {$(
            storm(async |storm| {
                let file = File::open(&path).await.unwrap();
                file.read_exact(&mut [0; 4]).await.unwrap();
                drop(storm.strike(file.$name($($arg),*)).await);
                let mut rest = String::new();
                file.read_to_string(&mut rest).await.unwrap();
                assert_eq!(rest, "456789", stringify!($name));
            });
        )*};
    }
    each! {
        metadata();
        sync_all();
        sync_data();
        stream_position();
        try_clone();
        read_at(&mut [0; 4], 0);
        read_exact_at(&mut [0; 4], 0);
    }
}

/// Numbers that look random; the same for the same seed.
struct Numbers(u64);

impl Numbers {
    /// The next, below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (self.0 >> 33) % end
    }
}

/// Makes a future again and again, and drops it, until it comes to its end.
macro_rules! until_done {
    ($numbers:expr, $make:expr) => {
        loop {
            let nth = 1 + $numbers.below(4) as usize;
            if let Some(done) = dropped_at(nth, $make).await {
                break done;
            }
        }
    };
}

#[test]
fn a_file_whose_operations_are_dropped_and_done_again_is_as_if_none_had_been() {
    for seed in 1..=40 {
        let folder = Folder::new();
        let mut numbers = Numbers(seed);
        let mut model = Cursor::new(Vec::new());
        let done = run(async {
            let file = File::create_new(folder.at("file")).await?;
            for step in 0..40_u8 {
                match numbers.below(5) {
                    0 | 1 => {
                        let len = 1 + numbers.below(9) as usize;
                        let mut got = vec![0; len];
                        let mut expected = vec![0; len];
                        let count = until_done!(numbers, file.read(&mut got))?;
                        assert_eq!(count, model.read(&mut expected)?);
                        assert_eq!(got[..count], expected[..count], "seed {seed}");
                    }
                    2 | 3 => {
                        let bytes = vec![step; 1 + numbers.below(9) as usize];
                        let count = until_done!(numbers, file.write(&bytes))?;
                        assert_eq!(count, model.write(&bytes)?);
                    }
                    _ => {
                        let to = SeekFrom::Start(numbers.below(30));
                        let at = until_done!(numbers, file.seek(to))?;
                        assert_eq!(at, model.seek(to)?);
                    }
                }
                let at = until_done!(numbers, file.stream_position())?;
                assert_eq!(at, model.stream_position()?, "seed {seed}, step {step}");
            }
            file.flush().await
        });
        done.map_err(|error: io::Error| format!("seed {seed}: {error}"))
            .unwrap();
        assert!(std_fs::read(folder.at("file")).unwrap() == model.into_inner());
    }
}
