//! A file is read, written and asked as std's is.

use std::fs;
use std::io::Write as _;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use bibelot::fs::{File, FileTimes, OpenOptions, Permissions};
use bibelot::io::{self, BufReader, BufWriter, SeekFrom};
use bibelot::run;

use crate::{Folder, waits};

#[test]
fn what_is_written_is_read() {
    let folder = Folder::new();
    run(async {
        let file = File::create(folder.at("file")).await?;
        file.write_all(b"Hello, ").await?;
        let world = "world";
        writeln!(file, "{world}!").await?;
        drop(file);

        let file = File::open(folder.at("file")).await?;
        let mut text = String::new();
        assert_eq!(file.read_to_string(&mut text).await?, 14);
        assert_eq!(text, "Hello, world!\n");
        assert_eq!(file.read(&mut [0; 8]).await?, 0, "the end");
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

#[test]
fn a_file_is_read_piece_by_piece() {
    let folder = Folder::new();
    let path = folder.holding("line 1\nline 2\nline 3\n");
    run(async {
        let file = File::open(&path).await?;
        let mut buf = [0; 3];
        assert_eq!(file.read(&mut buf).await?, 3);
        assert_eq!(&buf, b"lin");
        file.read_exact(&mut buf).await?;
        assert_eq!(&buf, b"e 1");
        assert_eq!(file.stream_position().await?, 6);
        let mut rest = b"> ".to_vec();
        assert_eq!(file.read_to_end(&mut rest).await?, 15);
        assert_eq!(rest, b"> \nline 2\nline 3\n", "appended");
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

#[test]
fn a_files_lines_come_one_by_one() {
    let folder = Folder::new();
    let path = folder.holding("line 1\nline 2\nline 3\n");
    run(async {
        let mut lines = BufReader::new(File::open(&path).await?).lines();
        for nth in 1..=3 {
            let line = lines.next().await.unwrap()?;
            assert_eq!(line, format!("line {nth}"));
        }
        assert!(lines.next().await.is_none());
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

#[test]
fn a_buffered_writer_writes_it_all() {
    let folder = Folder::new();
    run(async {
        let mut writer = BufWriter::new(File::create(folder.at("file")).await?);
        for nth in 0..10_000 {
            writeln!(writer, "{nth}").await?;
        }
        writer.flush().await
    })
    .unwrap();
    let expected: String = (0..10_000).map(|nth| format!("{nth}\n")).collect();
    assert_eq!(fs::read_to_string(folder.at("file")).unwrap(), expected);
}

#[test]
fn more_than_one_job_can_hold_is_moved_in_several() {
    let folder = Folder::new();
    let bytes: Vec<u8> = (0..1_000_003_u32).map(|n| (n % 251) as u8).collect();
    run(async {
        let file = File::create_new(folder.at("file")).await?;
        assert_eq!(file.write(&bytes).await?, 256 * 1024);
        file.write_all(&bytes[256 * 1024..]).await?;
        file.rewind().await?;
        let mut got = vec![0; bytes.len()];
        assert_eq!(file.read(&mut got).await?, 256 * 1024);
        file.read_exact(&mut got[256 * 1024..]).await?;
        assert!(got == bytes, "the same bytes");
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

#[test]
fn the_position_moves_as_it_is_told() {
    let folder = Folder::new();
    let path = folder.holding("0123456789");
    run(async {
        let file = File::options().read(true).write(true).open(&path).await?;
        assert_eq!(file.seek(SeekFrom::Start(2)).await?, 2);
        assert_eq!(file.seek(SeekFrom::Current(3)).await?, 5);
        assert_eq!(file.seek(SeekFrom::End(-2)).await?, 8);
        file.write_all(b"XY!").await?;
        assert_eq!(file.stream_position().await?, 11);
        file.rewind().await?;
        let mut text = String::new();
        file.read_to_string(&mut text).await?;
        assert_eq!(text, "01234567XY!");
        let error = file.seek(SeekFrom::Current(-12)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert_eq!(file.stream_position().await?, 11, "it has not moved");
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

#[test]
fn a_file_may_be_longer_than_four_gibibytes() {
    const FAR: u64 = (5 << 30) + 1;
    let folder = Folder::new();
    run(async {
        let file = File::create_new(folder.at("sparse")).await?;
        assert_eq!(file.seek(SeekFrom::Start(FAR)).await?, FAR);
        file.write_all(b"far").await?;
        assert_eq!(file.metadata().await?.len(), FAR + 3);
        let mut buf = [1; 4];
        file.read_exact_at(&mut buf, FAR - 1).await?;
        assert_eq!(&buf, b"\0far");
        assert_eq!(file.seek(SeekFrom::End(-3)).await?, FAR);
        file.set_len(FAR + 1).await?;
        let mut rest = Vec::new();
        file.read_to_end(&mut rest).await?;
        assert_eq!(rest, b"f");
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

#[test]
fn a_place_of_ones_own_leaves_the_position_alone() {
    let folder = Folder::new();
    let path = folder.holding("0123456789");
    run(async {
        let file = File::options().read(true).write(true).open(&path).await?;
        let mut buf = [0; 4];
        file.read_exact(&mut buf).await?;
        assert_eq!(file.read_at(&mut buf, 8).await?, 2);
        assert_eq!(&buf[..2], b"89");
        assert_eq!(file.write_at(b"abc", 1).await?, 3);
        file.write_all_at(b"z", 9).await?;
        assert_eq!(file.read_at(&mut buf, 100).await?, 0);
        let error = file.read_exact_at(&mut buf, 8).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(file.stream_position().await?, 4);
        assert_eq!(fs::read(&path)?, b"0abc45678z");
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

#[test]
fn what_is_asked_for_at_a_place_comes_in_pieces_as_elsewhere() {
    const PIECE: usize = 256 * 1024;
    let folder = Folder::new();
    let path = folder.holding("");
    let much = vec![7; PIECE + 1];
    run(async {
        let file = File::options().read(true).write(true).open(&path).await?;
        assert_eq!(file.write_at(&much, 1).await?, PIECE);
        assert_eq!(file.metadata().await?.len(), 1 + PIECE as u64);
        file.write_all_at(&much, 0).await?;
        let mut buf = vec![0; PIECE + 1];
        assert_eq!(file.read_at(&mut buf, 0).await?, PIECE);
        assert_eq!((buf[PIECE - 1], buf[PIECE]), (7, 0));
        file.read_exact_at(&mut buf, 0).await?;
        assert_eq!(buf[PIECE], 7);
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

/// As the docs of `write_at` say.
#[cfg(target_os = "linux")]
#[test]
fn what_appends_has_no_place_of_ones_own_to_write_at() {
    let folder = Folder::new();
    let path = folder.holding("text");
    run(async {
        let file = File::options().append(true).open(&path).await?;
        file.write_all_at(b"more", 0).await?;
        file.write_all_at(b"more", 0).await
    })
    .unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"textmoremore");
}

#[test]
fn the_length_can_be_cut_and_extended() {
    let folder = Folder::new();
    let path = folder.holding("0123456789");
    run(async {
        let file = OpenOptions::new().write(true).open(&path).await?;
        file.set_len(3).await?;
        file.set_len(5).await?;
        file.sync_data().await?;
        file.sync_all().await?;
        assert_eq!(fs::read(&path)?, b"012\0\0");
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

#[test]
fn what_the_system_knows_can_be_asked_and_changed() {
    let folder = Folder::new();
    let path = folder.holding("text");
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let later = then + Duration::from_secs(1);
    run(async {
        let file = File::options().write(true).open(&path).await?;
        file.set_permissions(Permissions::from_mode(0o640)).await?;
        file.set_modified(then).await?;
        let metadata = file.metadata().await?;
        assert!(metadata.is_file());
        assert_eq!(metadata.len(), 4);
        assert_eq!(metadata.permissions().mode() & 0o777, 0o640);
        assert_eq!(metadata.modified()?, then);
        let times = FileTimes::new().set_accessed(then).set_modified(later);
        file.set_times(times).await?;
        let metadata = file.metadata().await?;
        assert_eq!((metadata.accessed()?, metadata.modified()?), (then, later));
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

#[test]
fn options_are_those_of_std() {
    let folder = Folder::new();
    let path = folder.holding("old");
    run(async {
        let log = OpenOptions::new().append(true).open(&path).await?;
        log.rewind().await?;
        log.write_all(b" and new").await?;
        assert_eq!(fs::read(&path)?, b"old and new");

        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let error = options.open(&path).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        let file = options.open(folder.at("secret")).await?;
        assert_eq!(file.metadata().await?.permissions().mode() & 0o777, 0o600);

        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_DIRECTORY);
        let error = options.open(&path).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory);

        let mut options = OpenOptions::from(fs::OpenOptions::new());
        options.write(true).create(true).truncate(true);
        options.open(&path).await?;
        assert_eq!(fs::read(&path)?, b"");
        let error = options
            .clone()
            .truncate(false)
            .write(false)
            .open(&path)
            .await;
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::InvalidInput);
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

#[test]
fn a_file_comes_from_std_and_goes_back_at_the_same_position() {
    let folder = Folder::new();
    let path = folder.holding("0123456789");
    run(async {
        let std = fs::File::options().read(true).write(true).open(&path)?;
        let fd = std.as_raw_fd();
        let file = File::from(std);
        assert_eq!(file.as_raw_fd(), fd);
        assert_eq!(file.as_fd().as_raw_fd(), fd);
        assert!(format!("{file:?}").contains("File"));
        file.read_exact(&mut [0; 4]).await?;
        let mut std = file.into_std().await?;
        assert_eq!(std.as_raw_fd(), fd, "no copy is left");
        std.write_all(b"here")?;
        assert_eq!(fs::read(&path)?, b"0123here89");
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

#[test]
fn a_clone_has_the_position_in_common() {
    let folder = Folder::new();
    let path = folder.holding("0123456789");
    run(async {
        let file = File::open(&path).await?;
        let clone = file.try_clone().await?;
        let mut buf = [0; 4];
        file.read_exact(&mut buf).await?;
        clone.read_exact(&mut buf).await?;
        assert_eq!(&buf, b"4567");
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

#[test]
fn no_bytes_are_moved_without_a_job() {
    let folder = Folder::new();
    let path = folder.holding("text");
    run(async {
        let file = File::options().read(true).write(true).open(&path).await?;
        let (read, waited) = waits(file.read(&mut [])).await;
        assert_eq!((read?, waited), (0, 0));
        let (written, waited) = waits(file.write(&[])).await;
        assert_eq!((written?, waited), (0, 0));
        assert_eq!(file.stream_position().await?, 0);
        Ok::<_, io::Error>(())
    })
    .unwrap();
}
