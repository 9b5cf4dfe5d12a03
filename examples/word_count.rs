//! The words of a folder, counted by threads: how to give blocking work and long computations away.
//!
//! ```text
//! cargo run --release --example word_count              the library's own source
//! cargo run --release --example word_count -- FOLDER
//! ```
//!
//! ```text
//!   task group ─┬─ count(file) ── run_in_thread ──► read, split, count ─┐
//!               ├─ count(file) ── run_in_thread ──► …                   ├─► merged, in one task: no lock
//!               └─ …                                                    ┘
//! ```
//!
//! One task a file, however many there are: tasks are cheap, and those that are too many for the
//! threads wait in line. What a thread counts is its own, and comes back as its value.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use bibelot::task::TaskGroup;
use bibelot::worker;

/// How often each word was seen.
type Counts = HashMap<String, usize>;

/// How many words the table shows.
const ROWS: usize = 10;

/// All files under a folder; runs in a thread, since `std::fs` blocks.
fn files_under(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files.extend(files_under(&entry.path())?);
        } else {
            files.push(entry.path());
        }
    }
    Ok(files)
}

/// Counts the words of one file; runs in a thread.
fn count(path: &Path) -> io::Result<Counts> {
    let bytes = fs::read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut counts = Counts::new();
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        if !word.is_empty() {
            *counts.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    Ok(counts)
}

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    bibelot::run(async {
        let files = worker::run_in_thread(move || files_under(&folder)).await?;
        let file_count = files.len();

        let counters = TaskGroup::new();
        for path in files {
            counters.spawn(worker::run_in_thread(move || count(&path)));
        }
        // The first error cancels the others, and comes out here.
        let mut total = Counts::new();
        for counts in counters.join().await? {
            for (word, count) in counts {
                *total.entry(word).or_default() += count;
            }
        }

        let words: usize = total.values().sum();
        println!(
            "{words} words in {file_count} files, {} different\n",
            total.len()
        );
        let mut table: Vec<_> = total.into_iter().collect();
        // The most frequent first, and in alphabetical order where there is a tie.
        table.sort_unstable_by(|(a, times_a), (b, times_b)| times_b.cmp(times_a).then(a.cmp(b)));
        for (word, times) in table.into_iter().take(ROWS) {
            println!("{times:>7}  {word}");
        }
        Ok(())
    })
}
