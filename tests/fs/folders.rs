//! Whole files, names and folders.

use std::collections::BTreeSet;
use std::fs as std_fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use bibelot::fs::{self, DirBuilder};
use bibelot::{Executor, io, run, spawn};

use crate::{Folder, abandon, dropped_at, waits};

#[test]
fn a_whole_file_is_one_job() {
    let folder = Folder::new();
    let path = folder.holding(vec![7; 3_000_000]);
    run(async {
        let (bytes, waited) = waits(fs::read(&path)).await;
        assert_eq!(bytes?.len(), 3_000_000);
        assert!(waited <= 1, "waited {waited} times");
        let (written, waited) = waits(fs::write(&path, vec![7; 2_000_000])).await;
        written?;
        assert!(waited <= 1, "waited {waited} times");
        let (copied, waited) = waits(fs::copy(&path, folder.at("copy"))).await;
        assert_eq!(copied?, 2_000_000);
        assert!(waited <= 1, "waited {waited} times");
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

#[test]
fn whole_files_are_written_read_and_copied() {
    let folder = Folder::new();
    let (one, two) = (folder.at("one"), folder.at("two"));
    run(async {
        fs::write(&one, "näh").await?;
        fs::write(&one, String::from("schön")).await?;
        assert_eq!(fs::read(&one).await?, "schön".as_bytes());
        assert_eq!(fs::read_to_string(&one).await?, "schön");
        fs::write(&two, "much longer than that").await?;
        assert_eq!(fs::copy(&one, &two).await?, 6);
        assert_eq!(fs::read_to_string(&two).await?, "schön");
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

#[test]
fn names_are_changed_linked_and_removed() {
    let folder = Folder::new();
    let path = folder.holding("text");
    let (hard, soft, new) = (folder.at("hard"), folder.at("soft"), folder.at("new"));
    run(async {
        fs::hard_link(&path, &hard).await?;
        assert_eq!(fs::metadata(&hard).await?.nlink(), 2);
        fs::symlink("new", &soft).await?;
        assert_eq!(fs::read_link(&soft).await?, Path::new("new"));
        assert!(!fs::exists(&soft).await?, "it leads nowhere yet");
        fs::rename(&path, &new).await?;
        assert!(fs::exists(&soft).await?);
        assert!(!fs::exists(&path).await?);
        assert!(fs::symlink_metadata(&soft).await?.is_symlink());
        assert!(fs::metadata(&soft).await?.is_file());
        let real = std_fs::canonicalize(&new)?;
        assert_eq!(fs::canonicalize(&soft).await?, real);
        fs::remove_file(&new).await?;
        assert_eq!(fs::read_to_string(&hard).await?, "text");
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

#[test]
fn permissions_are_changed() {
    let folder = Folder::new();
    let path = folder.holding("text");
    run(async {
        let permissions = fs::Permissions::from_mode(0o400);
        fs::set_permissions(&path, permissions).await?;
        let permissions = fs::metadata(&path).await?.permissions();
        assert_eq!(permissions.mode() & 0o777, 0o400);
        assert!(permissions.readonly());
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

#[test]
fn folders_are_made_and_removed() {
    let folder = Folder::new();
    run(async {
        fs::create_dir(folder.at("a")).await?;
        fs::create_dir_all(folder.at("a/b/c")).await?;
        fs::create_dir_all(folder.at("a/b/c")).await?;
        let mut builder = DirBuilder::new();
        builder.mode(0o700).create(folder.at("secret")).await?;
        let mode = fs::metadata(folder.at("secret")).await?.mode();
        assert_eq!(mode & 0o777, 0o700);
        let error = builder.create(folder.at("x/y")).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        builder.recursive(true).create(folder.at("x/y")).await?;
        fs::remove_dir(folder.at("secret")).await?;
        let error = fs::remove_dir(folder.at("a")).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::DirectoryNotEmpty);
        fs::remove_dir_all(folder.at("a")).await?;
        assert!(!fs::exists(folder.at("a")).await?);
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

/// Makes so many files in a folder, and returns their names.
fn fill(folder: &Folder, count: usize) -> BTreeSet<String> {
    let names: BTreeSet<_> = (0..count).map(|nth| format!("file {nth}")).collect();
    for name in &names {
        std_fs::write(folder.at(name), name).unwrap();
    }
    names
}

/// The name of an entry.
fn name_of(entry: &fs::DirEntry) -> String {
    entry.file_name().into_string().unwrap()
}

#[test]
fn every_entry_comes_once_however_many_there_are() {
    for count in [0, 1, 31, 32, 33, 64, 100] {
        let folder = Folder::new();
        let names = fill(&folder, count);
        run(async {
            let mut entries = fs::read_dir(folder.path()).await?;
            let mut seen = BTreeSet::new();
            while let Some(entry) = entries.next().await {
                let entry = entry?;
                assert!(entry.file_type()?.is_file());
                assert_eq!(entry.path(), folder.at(&name_of(&entry)));
                assert!(seen.insert(name_of(&entry)), "once");
            }
            assert!(entries.next().await.is_none(), "and so it stays");
            assert_eq!(seen, names);
            Ok::<_, io::Error>(())
        })
        .unwrap();
    }
}

#[test]
fn entries_come_many_a_job() {
    let folder = Folder::new();
    fill(&folder, 100);
    run(async {
        let walk = async {
            let mut entries = fs::read_dir(folder.path()).await?;
            let mut count = 0;
            while let Some(entry) = entries.next().await {
                entry?;
                count += 1;
            }
            Ok::<_, io::Error>(count)
        };
        let (count, waited) = waits(walk).await;
        assert_eq!(count?, 100);
        assert!(waited <= 4, "100 entries are four jobs, not {waited}");
        Ok::<_, io::Error>(())
    })
    .unwrap();
}

#[test]
fn a_cancelled_walk_misses_no_entry_and_sees_none_twice() {
    let folder = Folder::new();
    let names = fill(&folder, 100);
    crate::cancel::storm(async |storm| {
        let mut entries = fs::read_dir(folder.path()).await.unwrap();
        let mut seen = BTreeSet::new();
        loop {
            match storm.strike(entries.next()).await {
                None => {}
                Some(None) => break,
                Some(Some(entry)) => assert!(seen.insert(name_of(&entry.unwrap()))),
            }
        }
        assert_eq!(seen, names);
    });
}

#[test]
fn a_walk_that_is_dropped_under_way_goes_on() {
    let folder = Folder::new();
    let names = fill(&folder, 50);
    let executor = Executor::builder().thread_limit(1).build().unwrap();
    executor.run(async {
        let mut entries = fs::read_dir(folder.path()).await.unwrap();
        let mut seen = BTreeSet::new();
        for _ in 0..32 {
            let entry = entries.next().await.unwrap().unwrap();
            seen.insert(name_of(&entry));
        }
        // With the only thread taken, each of these waits: first for a permit, then for the job.
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let busy = spawn(bibelot::worker::run_in_thread(move || gate.recv().is_err()));
        bibelot::task::yield_now().await;
        abandon(entries.next()).await;
        drop(open);
        assert!(busy.await.unwrap());
        if let Some(entry) = dropped_at(1, entries.next()).await {
            seen.insert(name_of(&entry.unwrap().unwrap()));
        }
        while let Some(entry) = entries.next().await {
            assert!(seen.insert(name_of(&entry.unwrap())));
        }
        assert_eq!(seen, names);
    });
}

#[test]
fn an_entry_tells_what_it_is() {
    let folder = Folder::new();
    let path = folder.holding("text");
    run(async {
        fs::symlink("anywhere", folder.at("link")).await?;
        fs::create_dir(folder.at("folder")).await?;
        let mut entries = fs::read_dir(folder.path()).await?;
        assert!(format!("{entries:?}").contains("fetched: 3"));
        while let Some(entry) = entries.next().await {
            let entry = entry?;
            let file_type = entry.file_type()?;
            let metadata = entry.metadata().await?;
            assert_eq!(metadata.file_type(), file_type);
            assert_eq!(metadata.ino(), entry.ino());
            match name_of(&entry).as_str() {
                "file" => assert_eq!((file_type.is_file(), metadata.len()), (true, 4)),
                "folder" => assert!(file_type.is_dir()),
                "link" => assert!(file_type.is_symlink(), "not what it leads to"),
                other => panic!("{other} was not put there"),
            }
            if file_type.is_file() {
                fs::remove_file(&path).await?;
                let error = entry.metadata().await.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::NotFound);
            }
        }
        Ok::<_, io::Error>(())
    })
    .unwrap();
}
