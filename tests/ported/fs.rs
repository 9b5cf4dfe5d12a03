//! `std::fs`: the functions, `File`, `OpenOptions`, `DirBuilder`, `DirEntry`, `FileExt`.
//!
//! The examples name their files as if they were where the program is, which all tests share. So each
//! gets a folder of its own, and names them in there; what is compared is also what it leaves behind.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, io, process};

use bibelot::testing::Sim;

/// A folder as the examples find it, until it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("bibelot-ported-{}-{nth}", process::id()));
        fs::create_dir_all(path.join("some/dir")).expect("a new folder");
        for (name, text) in [
            ("foo.txt", "Hello, world!"),
            ("a.txt", "a"),
            ("some/file.txt", "b"),
        ] {
            fs::write(path.join(name), text).expect("a new file");
        }
        Self(path)
    }

    /// What is in it: the text of each file, `None` for folders, and whether it may be written.
    fn contents(&self) -> BTreeMap<PathBuf, (Option<Vec<u8>>, bool)> {
        fn visit(folder: &Path, visited: &mut impl FnMut(&Path)) {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                visited(&path);
                if path.is_dir() {
                    visit(&path, visited);
                }
            }
        }
        let mut contents = BTreeMap::new();
        visit(&self.0, &mut |path| {
            let name = path.strip_prefix(&self.0).expect("it is inside");
            let metadata = fs::symlink_metadata(path).expect("it is there");
            let may_be_written = !metadata.permissions().readonly();
            contents.insert(name.to_owned(), (fs::read(path).ok(), may_be_written));
        });
        contents
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs both, each in a folder of its own: they come to the same, and leave the same behind.
#[track_caller]
fn same<T: PartialEq + Debug>(
    original: impl FnOnce(&Path) -> io::Result<T>,
    ported: impl AsyncFnOnce(&Path) -> io::Result<T>,
) {
    let (theirs, ours) = (Folder::new(), Folder::new());
    let expected = original(&theirs.0).map_err(|error| error.kind());
    let came_to = Sim::new().run(ported(&ours.0));
    assert_eq!(came_to.map_err(|error| error.kind()), expected);
    assert_eq!(ours.contents(), theirs.contents());
}

#[test]
fn canonicalize() {
    fn original(dir: &Path) -> io::Result<bool> {
        use std::fs;

        let path = fs::canonicalize(dir.join("some/../foo.txt"))?;
        Ok(path.ends_with("some/../foo.txt"))
    }
    async fn ported(dir: &Path) -> io::Result<bool> {
        use bibelot::fs;

        let path = fs::canonicalize(dir.join("some/../foo.txt")).await?;
        Ok(path.ends_with("some/../foo.txt"))
    }
    same(original, ported);
}

#[test]
fn copy() {
    fn original(dir: &Path) -> io::Result<u64> {
        use std::fs;

        fs::copy(dir.join("foo.txt"), dir.join("bar.txt")) // Copy foo.txt to bar.txt
    }
    async fn ported(dir: &Path) -> io::Result<u64> {
        use bibelot::fs;

        fs::copy(dir.join("foo.txt"), dir.join("bar.txt")).await // Copy foo.txt to bar.txt
    }
    same(original, ported);
}

#[test]
fn create_dir_and_create_dir_all() {
    fn original(dir: &Path) -> io::Result<()> {
        use std::fs;

        fs::create_dir(dir.join("some/other"))?;
        fs::create_dir_all(dir.join("some/more/dirs"))?;
        fs::create_dir(dir.join("some/dir")) // is there already
    }
    async fn ported(dir: &Path) -> io::Result<()> {
        use bibelot::fs;

        fs::create_dir(dir.join("some/other")).await?;
        fs::create_dir_all(dir.join("some/more/dirs")).await?;
        fs::create_dir(dir.join("some/dir")).await // is there already
    }
    same(original, ported);
}

#[test]
fn exists() {
    fn original(dir: &Path) -> io::Result<(bool, bool)> {
        use std::fs;

        let does_not = fs::exists(dir.join("does_not_exist.txt"))?;
        Ok((does_not, fs::exists(dir.join("foo.txt"))?))
    }
    async fn ported(dir: &Path) -> io::Result<(bool, bool)> {
        use bibelot::fs;

        let does_not = fs::exists(dir.join("does_not_exist.txt")).await?;
        Ok((does_not, fs::exists(dir.join("foo.txt")).await?))
    }
    same(original, ported);
}

#[test]
fn hard_link_and_remove_file() {
    fn original(dir: &Path) -> io::Result<()> {
        use std::fs;

        fs::hard_link(dir.join("a.txt"), dir.join("b.txt"))?; // Hard link a.txt to b.txt
        fs::remove_file(dir.join("a.txt"))
    }
    async fn ported(dir: &Path) -> io::Result<()> {
        use bibelot::fs;

        fs::hard_link(dir.join("a.txt"), dir.join("b.txt")).await?; // Hard link a.txt to b.txt
        fs::remove_file(dir.join("a.txt")).await
    }
    same(original, ported);
}

#[test]
fn symlink_read_link_and_symlink_metadata() {
    fn original(dir: &Path) -> io::Result<(PathBuf, bool)> {
        use std::fs;
        use std::os::unix;

        unix::fs::symlink("a.txt", dir.join("b.txt"))?;
        let path = fs::read_link(dir.join("b.txt"))?;
        let metadata = fs::symlink_metadata(dir.join("b.txt"))?;
        Ok((path, metadata.file_type().is_symlink()))
    }
    // std has `symlink` where the system's own things are; here it is with the others.
    async fn ported(dir: &Path) -> io::Result<(PathBuf, bool)> {
        use bibelot::fs;

        fs::symlink("a.txt", dir.join("b.txt")).await?;
        let path = fs::read_link(dir.join("b.txt")).await?;
        let metadata = fs::symlink_metadata(dir.join("b.txt")).await?;
        Ok((path, metadata.file_type().is_symlink()))
    }
    same(original, ported);
}

#[test]
fn metadata() {
    fn original(dir: &Path) -> io::Result<(bool, u64)> {
        use std::fs;

        let attr = fs::metadata(dir.join("some/file.txt"))?;
        Ok((attr.is_dir(), attr.len()))
    }
    async fn ported(dir: &Path) -> io::Result<(bool, u64)> {
        use bibelot::fs;

        let attr = fs::metadata(dir.join("some/file.txt")).await?;
        Ok((attr.is_dir(), attr.len()))
    }
    same(original, ported);
}

#[test]
fn read_read_to_string_and_write() {
    fn original(dir: &Path) -> io::Result<(Vec<u8>, String)> {
        use std::fs;

        fs::write(dir.join("foo.txt"), b"Lorem ipsum")?;
        fs::write(dir.join("bar.txt"), "dolor sit")?;
        let data: Vec<u8> = fs::read(dir.join("foo.txt"))?;
        let message: String = fs::read_to_string(dir.join("bar.txt"))?;
        Ok((data, message))
    }
    async fn ported(dir: &Path) -> io::Result<(Vec<u8>, String)> {
        use bibelot::fs;

        fs::write(dir.join("foo.txt"), b"Lorem ipsum").await?;
        fs::write(dir.join("bar.txt"), "dolor sit").await?;
        let data: Vec<u8> = fs::read(dir.join("foo.txt")).await?;
        let message: String = fs::read_to_string(dir.join("bar.txt")).await?;
        Ok((data, message))
    }
    same(original, ported);
}

#[test]
fn read_dir_one_possible_implementation_of_walking_a_directory() {
    fn original(dir: &Path) -> io::Result<usize> {
        use std::fs::{self, DirEntry};

        // one possible implementation of walking a directory only visiting files
        fn visit_dirs(dir: &Path, cb: &mut dyn FnMut(&DirEntry)) -> io::Result<()> {
            if dir.is_dir() {
                for entry in fs::read_dir(dir)? {
                    let entry = entry?;
                    let path = entry.path();
                    if path.is_dir() {
                        visit_dirs(&path, cb)?;
                    } else {
                        cb(&entry);
                    }
                }
            }
            Ok(())
        }
        let mut files = 0;
        visit_dirs(dir, &mut |_| files += 1)?;
        Ok(files)
    }
    // An `async fn` that calls itself needs a box, and what an iterator is elsewhere is awaited.
    async fn ported(dir: &Path) -> io::Result<usize> {
        use bibelot::fs::{self, DirEntry};

        // one possible implementation of walking a directory only visiting files
        async fn visit_dirs(dir: &Path, cb: &mut dyn FnMut(&DirEntry)) -> io::Result<()> {
            if dir.is_dir() {
                let mut entries = fs::read_dir(dir).await?;
                while let Some(entry) = entries.next().await {
                    let entry = entry?;
                    let path = entry.path();
                    if path.is_dir() {
                        Box::pin(visit_dirs(&path, cb)).await?;
                    } else {
                        cb(&entry);
                    }
                }
            }
            Ok(())
        }
        let mut files = 0;
        visit_dirs(dir, &mut |_| files += 1).await?;
        Ok(files)
    }
    same(original, ported);
}

#[test]
fn read_dir_in_a_reproducible_order() {
    fn original(dir: &Path) -> io::Result<Vec<PathBuf>> {
        use std::fs;

        let mut entries = fs::read_dir(dir)?
            .map(|res| res.map(|e| e.path()))
            .collect::<Result<Vec<_>, io::Error>>()?;
        // The order in which `read_dir` returns entries is not guaranteed. If reproducible
        // ordering is required, the entries should be explicitly sorted.
        entries.sort();
        Ok(names(entries))
    }
    async fn ported(dir: &Path) -> io::Result<Vec<PathBuf>> {
        use bibelot::fs;

        let mut entries = Vec::new();
        let mut folder = fs::read_dir(dir).await?;
        while let Some(res) = folder.next().await {
            entries.push(res?.path());
        }
        // The order in which `read_dir` returns entries is not guaranteed. If reproducible
        // ordering is required, the entries should be explicitly sorted.
        entries.sort();
        Ok(names(entries))
    }
    /// The names alone: the folders are two.
    fn names(paths: Vec<PathBuf>) -> Vec<PathBuf> {
        let name = |path: PathBuf| path.file_name().map(PathBuf::from);
        paths.into_iter().filter_map(name).collect()
    }
    same(original, ported);
}

#[test]
fn remove_dir_and_remove_dir_all() {
    fn original(dir: &Path) -> io::Result<()> {
        use std::fs;

        fs::remove_dir(dir.join("some/dir"))?;
        fs::remove_dir_all(dir.join("some"))?;
        fs::remove_dir(dir.join("some")) // is gone
    }
    async fn ported(dir: &Path) -> io::Result<()> {
        use bibelot::fs;

        fs::remove_dir(dir.join("some/dir")).await?;
        fs::remove_dir_all(dir.join("some")).await?;
        fs::remove_dir(dir.join("some")).await // is gone
    }
    same(original, ported);
}

#[test]
fn rename() {
    fn original(dir: &Path) -> io::Result<()> {
        use std::fs;

        fs::rename(dir.join("a.txt"), dir.join("b.txt")) // Rename a.txt to b.txt
    }
    async fn ported(dir: &Path) -> io::Result<()> {
        use bibelot::fs;

        fs::rename(dir.join("a.txt"), dir.join("b.txt")).await // Rename a.txt to b.txt
    }
    same(original, ported);
}

#[test]
fn set_permissions() {
    fn original(dir: &Path) -> io::Result<()> {
        use std::fs;

        let mut perms = fs::metadata(dir.join("foo.txt"))?.permissions();
        perms.set_readonly(true);
        fs::set_permissions(dir.join("foo.txt"), perms)
    }
    async fn ported(dir: &Path) -> io::Result<()> {
        use bibelot::fs;

        let mut perms = fs::metadata(dir.join("foo.txt")).await?.permissions();
        perms.set_readonly(true);
        fs::set_permissions(dir.join("foo.txt"), perms).await
    }
    same(original, ported);
}

#[test]
fn file_creates_a_new_file_and_write_bytes_to_it() {
    fn original(dir: &Path) -> io::Result<()> {
        use std::fs::File;
        use std::io::prelude::*;

        let mut file = File::create(dir.join("new.txt"))?;
        file.write_all(b"Hello, world!")?;
        Ok(())
    }
    async fn ported(dir: &Path) -> io::Result<()> {
        use bibelot::fs::File;

        let file = File::create(dir.join("new.txt")).await?;
        file.write_all(b"Hello, world!").await?;
        Ok(())
    }
    same(original, ported);
}

#[test]
fn file_reads_the_contents_of_a_file_into_a_string() {
    fn original(dir: &Path) -> io::Result<String> {
        use std::fs::File;
        use std::io::prelude::*;

        let mut file = File::open(dir.join("foo.txt"))?;
        let mut contents = String::new();
        file.read_to_string(&mut contents)?;
        assert_eq!(contents, "Hello, world!");
        Ok(contents)
    }
    async fn ported(dir: &Path) -> io::Result<String> {
        use bibelot::fs::File;

        let file = File::open(dir.join("foo.txt")).await?;
        let mut contents = String::new();
        file.read_to_string(&mut contents).await?;
        assert_eq!(contents, "Hello, world!");
        Ok(contents)
    }
    same(original, ported);
}

#[test]
fn file_reads_through_a_buffered_reader() {
    fn original(dir: &Path) -> io::Result<String> {
        use std::fs::File;
        use std::io::BufReader;
        use std::io::prelude::*;

        let file = File::open(dir.join("foo.txt"))?;
        let mut buf_reader = BufReader::new(file);
        let mut contents = String::new();
        buf_reader.read_to_string(&mut contents)?;
        Ok(contents)
    }
    async fn ported(dir: &Path) -> io::Result<String> {
        use bibelot::fs::File;
        use bibelot::io::BufReader;

        let file = File::open(dir.join("foo.txt")).await?;
        let mut buf_reader = BufReader::new(file);
        let mut contents = String::new();
        buf_reader.read_to_string(&mut contents).await?;
        Ok(contents)
    }
    same(original, ported);
}

#[test]
fn file_create_new_and_options() {
    fn original(dir: &Path) -> io::Result<()> {
        use std::fs::File;
        use std::io::Write;

        let mut f = File::create_new(dir.join("new.txt"))?;
        f.write_all("Hello, world!".as_bytes())?;
        let mut f = File::options().append(true).open(dir.join("new.txt"))?;
        writeln!(&mut f, "new line")?;
        File::create_new(dir.join("foo.txt"))?; // is there already
        Ok(())
    }
    // `writeln!` does not wait: a text is formatted, and then written.
    async fn ported(dir: &Path) -> io::Result<()> {
        use bibelot::fs::File;

        let f = File::create_new(dir.join("new.txt")).await?;
        f.write_all("Hello, world!".as_bytes()).await?;
        let f = File::options()
            .append(true)
            .open(dir.join("new.txt"))
            .await?;
        f.write_all("new line\n".as_bytes()).await?;
        File::create_new(dir.join("foo.txt")).await?; // is there already
        Ok(())
    }
    same(original, ported);
}

#[test]
fn file_sync_all_and_sync_data() {
    fn original(dir: &Path) -> io::Result<()> {
        use std::fs::File;
        use std::io::prelude::*;

        let mut f = File::create(dir.join("foo.txt"))?;
        f.write_all(b"Hello, world!")?;
        f.sync_all()?;
        f.sync_data()?;
        Ok(())
    }
    async fn ported(dir: &Path) -> io::Result<()> {
        use bibelot::fs::File;

        let f = File::create(dir.join("foo.txt")).await?;
        f.write_all(b"Hello, world!").await?;
        f.sync_all().await?;
        f.sync_data().await?;
        Ok(())
    }
    same(original, ported);
}

#[test]
fn file_set_len_metadata_and_set_permissions() {
    fn original(dir: &Path) -> io::Result<u64> {
        use std::fs::File;

        let f = File::create(dir.join("foo.txt"))?;
        f.set_len(10)?;
        let metadata = f.metadata()?;
        let mut perms = metadata.permissions();
        perms.set_readonly(true);
        f.set_permissions(perms)?;
        Ok(metadata.len())
    }
    async fn ported(dir: &Path) -> io::Result<u64> {
        use bibelot::fs::File;

        let f = File::create(dir.join("foo.txt")).await?;
        f.set_len(10).await?;
        let metadata = f.metadata().await?;
        let mut perms = metadata.permissions();
        perms.set_readonly(true);
        f.set_permissions(perms).await?;
        Ok(metadata.len())
    }
    same(original, ported);
}

#[test]
fn file_try_clone_one_cursor_for_two_handles() {
    fn original(dir: &Path) -> io::Result<String> {
        use std::fs::File;
        use std::io::SeekFrom;
        use std::io::prelude::*;

        let mut file = File::open(dir.join("foo.txt"))?;
        let mut file_copy = file.try_clone()?;
        file.seek(SeekFrom::Start(3))?;
        let mut contents = vec![];
        file_copy.read_to_end(&mut contents)?;
        assert_eq!(contents, b"lo, world!");
        Ok(String::from_utf8_lossy(&contents).into_owned())
    }
    async fn ported(dir: &Path) -> io::Result<String> {
        use bibelot::fs::File;
        use bibelot::io::SeekFrom;

        let file = File::open(dir.join("foo.txt")).await?;
        let file_copy = file.try_clone().await?;
        file.seek(SeekFrom::Start(3)).await?;
        let mut contents = vec![];
        file_copy.read_to_end(&mut contents).await?;
        assert_eq!(contents, b"lo, world!");
        Ok(String::from_utf8_lossy(&contents).into_owned())
    }
    same(original, ported);
}

#[test]
fn file_set_times_from_another_file() {
    fn original(dir: &Path) -> io::Result<bool> {
        use std::fs::{self, File, FileTimes};

        let src = fs::metadata(dir.join("a.txt"))?;
        let dest = File::options().write(true).open(dir.join("foo.txt"))?;
        let times = FileTimes::new()
            .set_accessed(src.accessed()?)
            .set_modified(src.modified()?);
        dest.set_times(times)?;
        Ok(dest.metadata()?.modified()? == src.modified()?)
    }
    async fn ported(dir: &Path) -> io::Result<bool> {
        use bibelot::fs::{self, File, FileTimes};

        let src = fs::metadata(dir.join("a.txt")).await?;
        let dest = File::options()
            .write(true)
            .open(dir.join("foo.txt"))
            .await?;
        let times = FileTimes::new()
            .set_accessed(src.accessed()?)
            .set_modified(src.modified()?);
        dest.set_times(times).await?;
        Ok(dest.metadata().await?.modified()? == src.modified()?)
    }
    same(original, ported);
}

#[test]
fn open_options_each_of_them() {
    fn original(dir: &Path) -> io::Result<Vec<bool>> {
        use std::fs::OpenOptions;

        let opened = [
            OpenOptions::new().read(true).open(dir.join("foo.txt")),
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(dir.join("made.txt")),
            OpenOptions::new().write(true).open(dir.join("foo.txt")),
            OpenOptions::new().append(true).open(dir.join("foo.txt")),
            OpenOptions::new()
                .write(true)
                .truncate(true)
                .open(dir.join("a.txt")),
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(dir.join("foo.txt")),
        ];
        Ok(opened.iter().map(Result::is_ok).collect())
    }
    async fn ported(dir: &Path) -> io::Result<Vec<bool>> {
        use bibelot::fs::OpenOptions;

        let opened = [
            OpenOptions::new()
                .read(true)
                .open(dir.join("foo.txt"))
                .await,
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(dir.join("made.txt"))
                .await,
            OpenOptions::new()
                .write(true)
                .open(dir.join("foo.txt"))
                .await,
            OpenOptions::new()
                .append(true)
                .open(dir.join("foo.txt"))
                .await,
            OpenOptions::new()
                .write(true)
                .truncate(true)
                .open(dir.join("a.txt"))
                .await,
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(dir.join("foo.txt"))
                .await,
        ];
        Ok(opened.iter().map(Result::is_ok).collect())
    }
    same(original, ported);
}

#[test]
fn open_options_mode() {
    fn original(dir: &Path) -> io::Result<u32> {
        use std::fs::OpenOptions;
        use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

        let mut options = OpenOptions::new();
        options.mode(0o600); // Give read/write for owner, and nothing for others.
        let file = options
            .write(true)
            .create_new(true)
            .open(dir.join("b.txt"))?;
        Ok(file.metadata()?.mode())
    }
    async fn ported(dir: &Path) -> io::Result<u32> {
        use bibelot::fs::OpenOptions;
        use std::os::unix::fs::MetadataExt;

        let mut options = OpenOptions::new();
        options.mode(0o600); // Give read/write for owner, and nothing for others.
        let options = options.write(true).create_new(true);
        let file = options.open(dir.join("b.txt")).await?;
        Ok(file.metadata().await?.mode())
    }
    same(original, ported);
}

#[test]
fn dir_builder_recursive() {
    fn original(dir: &Path) -> io::Result<bool> {
        use std::fs::{self, DirBuilder};

        let path = dir.join("tmp/foo/bar/baz");
        DirBuilder::new().recursive(true).create(&path)?;
        Ok(fs::metadata(path)?.is_dir())
    }
    async fn ported(dir: &Path) -> io::Result<bool> {
        use bibelot::fs::{self, DirBuilder};

        let path = dir.join("tmp/foo/bar/baz");
        DirBuilder::new().recursive(true).create(&path).await?;
        Ok(fs::metadata(path).await?.is_dir())
    }
    same(original, ported);
}

#[test]
fn dir_entry_path_metadata_file_type_and_file_name() {
    fn original(dir: &Path) -> io::Result<Vec<String>> {
        use std::fs;

        let mut told = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            assert_eq!(entry.path(), dir.join(entry.file_name()));
            let (metadata, file_type) = (entry.metadata()?, entry.file_type()?);
            let is_file = (metadata.is_file(), file_type.is_file());
            told.push(format!("{:?}: {is_file:?}", entry.file_name()));
        }
        told.sort();
        Ok(told)
    }
    async fn ported(dir: &Path) -> io::Result<Vec<String>> {
        use bibelot::fs;

        let mut told = Vec::new();
        let mut entries = fs::read_dir(dir).await?;
        while let Some(entry) = entries.next().await {
            let entry = entry?;
            assert_eq!(entry.path(), dir.join(entry.file_name()));
            let (metadata, file_type) = (entry.metadata().await?, entry.file_type()?);
            let is_file = (metadata.is_file(), file_type.is_file());
            told.push(format!("{:?}: {is_file:?}", entry.file_name()));
        }
        told.sort();
        Ok(told)
    }
    same(original, ported);
}

#[test]
fn file_ext_read_and_write_at() {
    fn original(dir: &Path) -> io::Result<String> {
        use std::fs::File;
        use std::os::unix::prelude::FileExt;

        let file = File::create(dir.join("b.txt"))?;
        // We now write at the offset 10.
        let written = file.write_at(b"sushi", 10)?;
        file.write_all_at(b"more", 15)?;

        let mut buf = [0u8; 8];
        let file = File::open(dir.join("foo.txt"))?;
        // We now read 8 bytes from the offset 10, of which there are 3.
        let num_bytes_read = file.read_at(&mut buf, 10)?;
        let mut exact = [0u8; 5];
        file.read_exact_at(&mut exact, 7)?;
        Ok(format!("{written} {num_bytes_read} {buf:?} {exact:?}"))
    }
    async fn ported(dir: &Path) -> io::Result<String> {
        use bibelot::fs::File;

        let file = File::create(dir.join("b.txt")).await?;
        // We now write at the offset 10.
        let written = file.write_at(b"sushi", 10).await?;
        file.write_all_at(b"more", 15).await?;

        let mut buf = [0u8; 8];
        let file = File::open(dir.join("foo.txt")).await?;
        // We now read 8 bytes from the offset 10, of which there are 3.
        let num_bytes_read = file.read_at(&mut buf, 10).await?;
        let mut exact = [0u8; 5];
        file.read_exact_at(&mut exact, 7).await?;
        Ok(format!("{written} {num_bytes_read} {buf:?} {exact:?}"))
    }
    same(original, ported);
}
