//! Running another program, for a while at most.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

/// Runs a command and gives what it wrote to its output and to its errors. An error is the last
/// line that it wrote to its errors.
pub fn run(command: &mut Command, at_most: Duration) -> Result<(String, String), String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let out = read(child.stdout.take());
    let err = read(child.stderr.take());
    let status = wait(&mut child, at_most);
    let (out, err) = (
        out.join().unwrap_or_default(),
        err.join().unwrap_or_default(),
    );
    match status? {
        status if status.success() => Ok((out, err)),
        status => Err(err
            .trim_end()
            .lines()
            .last()
            .map_or(status.to_string(), String::from)),
    }
}

/// Reads to the end, so that the child never waits for room in the pipe.
fn read(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn wait(child: &mut Child, at_most: Duration) -> Result<ExitStatus, String> {
    let start = Instant::now();
    loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => return Ok(status),
            None if start.elapsed() > at_most => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("took more than {} s", at_most.as_secs()));
            }
            None => sleep(Duration::from_millis(2)),
        }
    }
}
