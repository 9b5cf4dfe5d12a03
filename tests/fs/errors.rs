//! Errors are std's, with the system's code, and nothing was done.

use std::io as std_io;
use std::os::unix::fs::PermissionsExt;

use bibelot::fs::{self, File, Permissions};
use bibelot::io::{self, BufWriter, ErrorKind};
use bibelot::run;

use crate::Folder;

#[test]
fn an_error_is_the_one_that_std_gives() {
    let folder = Folder::new();
    let missing = folder.at("missing");
    /// Fails unless both are the same error.
    macro_rules! same {
        ($($name:ident($($arg:expr),*);)*) => {$(
            let ours: io::Error = fs::$name($($arg),*).await.map(drop).unwrap_err();
            let theirs: std_io::Error = std::fs::$name($($arg),*).map(drop).unwrap_err();
            assert_eq!(ours.kind(), theirs.kind(), stringify!($name));
            assert_eq!(ours.raw_os_error(), theirs.raw_os_error(), stringify!($name));
            assert_eq!(ours.to_string(), theirs.to_string(), stringify!($name));
        )*};
    }
    run(async {
        same! {
            read(&missing);
            read(folder.path());
            read_to_string(&missing);
            write(folder.path(), "");
            copy(&missing, folder.at("copy"));
            copy(folder.path(), folder.at("copy"));
            rename(&missing, folder.at("new"));
            remove_file(&missing);
            remove_file(folder.path());
            remove_dir(&missing);
            remove_dir_all(&missing);
            create_dir(folder.path());
            create_dir(missing.join("below"));
            read_dir(&missing);
            metadata(&missing);
            symlink_metadata(&missing);
            canonicalize(&missing);
            read_link(folder.path());
            hard_link(&missing, folder.at("link"));
            set_permissions(&missing, Permissions::from_mode(0o600));
            exists("a\0b");
        }
    });
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error() {
    let folder = Folder::new();
    run(async {
        let error = File::open(folder.at("missing")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
        let error = File::create(folder.path()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IsADirectory);
        let path = folder.holding("text");
        let error = File::create_new(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    });
}

/// Not even root may do this.
#[cfg(target_os = "linux")]
#[test]
fn what_is_forbidden_is_an_error() {
    run(async {
        let error = fs::remove_file("/proc/version").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    });
}

#[test]
fn a_folder_is_opened_and_not_read() {
    let folder = Folder::new();
    run(async {
        let file = File::open(folder.path()).await.unwrap();
        assert!(file.metadata().await.unwrap().is_dir());
        let error = file.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IsADirectory);
        let error = file.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IsADirectory);
    });
}

#[test]
fn a_file_is_used_as_it_was_opened_and_no_otherwise() {
    let folder = Folder::new();
    let path = folder.holding("text");
    run(async {
        let file = File::open(&path).await.unwrap();
        let error = file.write(b"more").await.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
        let error = file.set_len(1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let mut text = String::new();
        file.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "text", "it can be used after an error");
        let file = File::options().write(true).open(&path).await.unwrap();
        let error = file.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    });
}

#[test]
fn what_is_not_text_is_refused_as_text() {
    let folder = Folder::new();
    let path = folder.holding(b"caf\xe9");
    run(async {
        let error = fs::read_to_string(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        let file = File::open(&path).await.unwrap();
        let mut text = String::from("before");
        let error = file.read_to_string(&mut text).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(text, "before");
    });
}

#[test]
fn a_pipe_has_no_position() {
    let (file, _writer) = crate::slow_to_read();
    run(async {
        let error = file.stream_position().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotSeekable);
    });
}

/// A disk that is full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_of_by_the_write() {
    run(async {
        let full = File::options().write(true).open("/dev/full").await.unwrap();
        for _ in 0..2 {
            let error = full.write_all(b"text").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::StorageFull);
            assert_eq!(error.raw_os_error(), Some(libc::ENOSPC));
        }
        let mut writer = BufWriter::new(full);
        writer.write_all(b"text").await.unwrap();
        let error = writer.flush().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert_eq!(writer.buffer(), b"text", "it can be tried again");
        let (_full, unsent) = writer.into_parts();
        assert_eq!(unsent, b"text");
        let error = fs::write("/dev/full", "text").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
    });
}
