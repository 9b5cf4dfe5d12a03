//! What the shell calls `sort | uniq -c`: two children, one hearing what the other says, fed by one
//! task and listened to by another.
//!
//! Nothing stands still, although no pipe holds all of this: whoever finds one full waits, and the
//! others go on. And nothing is left: when the time is up both children are ended.

use std::io;

use bibelot::io::BufReader;
use bibelot::process::{Command, Stdio};
use bibelot::task;
use bibelot::time::{Duration, timeout};

/// How many words are counted.
const WORDS: usize = 20_000;

/// What is counted.
const VOCABULARY: [&str; 5] = ["task", "poll", "waker", "reactor", "deadline"];

/// Counts how often each word is said, by `sort | uniq -c`, and says so.
async fn count() -> io::Result<()> {
    let mut sort = Command::new("sort")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let words = sort.stdin.take().expect("it is piped");
    let sorted = sort.stdout.take().expect("it is piped");
    let mut uniq = Command::new("uniq")
        .arg("-c")
        .stdin(sorted) // the one child's output is the other's input
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut counts = BufReader::new(uniq.stdout.take().expect("it is piped")).lines();

    let feed = async move {
        for word in VOCABULARY.iter().cycle().take(WORDS) {
            writeln!(words, "{word}").await?;
        }
        io::Result::Ok(()) // here `words` is dropped: that is the end of the input
    };
    let listen = async {
        while let Some(line) = counts.next().await {
            println!("{}", line?);
        }
        io::Result::Ok(())
    };
    let (fed, heard) = task::join(feed, listen).await;
    fed.and(heard)?;
    let (sort, uniq) = task::join(sort.wait(), uniq.wait()).await;
    println!("sort: {}, uniq: {}", sort?, uniq?);
    Ok(())
}

fn main() -> io::Result<()> {
    bibelot::run(async { timeout(Duration::from_secs(60), count()).await? })
}
