//! Threads and tasks that share the work: a thread walks a folder, tasks have its files read.
//!
//! ```text
//! cargo run --release --example threads              the library's own source
//! cargo run --release --example threads -- FOLDER
//! ```
//!
//! ```text
//!   thread of its own: walk ── universal queue ──► four tasks ── run_in_thread ──► threads of the pool
//!        └─ call(progress): runs as a task, so what tasks share needs no lock
//! ```
//!
//! `std::fs` blocks, so it is used in threads only. The count is a `Cell`: whoever changes it does so
//! on the executor's thread.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs, io};

use bibelot::sync::universal::Queue;
use bibelot::task::TaskGroup;
use bibelot::worker;

thread_local! {
    /// How many folders were seen; of the executor's thread.
    static FOLDERS: Cell<usize> = const { Cell::new(0) };
}

/// Puts all files under `folder`; runs in a thread. Stops when nobody wants them any more.
fn walk(folder: &Path, files: &Queue<PathBuf>) -> io::Result<()> {
    let is_wanted = worker::call(|| async { FOLDERS.set(FOLDERS.get() + 1) });
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if is_wanted.is_err() || files.put_blocking(path).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Counts the lines of the files that come, until no more do.
async fn count(files: Arc<Queue<PathBuf>>) -> io::Result<(usize, usize)> {
    let (mut seen, mut lines) = (0, 0);
    while let Ok(path) = files.get().await {
        let text = worker::run_in_thread(move || fs::read(path)).await?;
        seen += 1;
        lines += text.iter().filter(|&&byte| byte == b'\n').count();
    }
    Ok((seen, lines))
}

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    bibelot::run(async {
        let files = Arc::new(Queue::bounded(16));
        let walker = worker::Builder::new().name("walker").spawn({
            let files = Arc::clone(&files);
            move || {
                let walked = walk(&folder, &files);
                files.close();
                walked
            }
        })?;
        let counters = TaskGroup::new();
        for _ in 0..4 {
            counters.spawn(count(Arc::clone(&files)));
        }
        let counted = counters.join().await;
        // If a counter has failed, nobody takes files any more: the walker is told.
        files.close();
        walker.join().await??;
        let (seen, lines) = counted?
            .into_iter()
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let folders = FOLDERS.get();
        println!("{lines} lines in {seen} files of {folders} folders");
        Ok(())
    })
}
