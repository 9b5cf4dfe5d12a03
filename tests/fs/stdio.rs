//! Standard input, output and error of a child, which is this program once more: over pipes, sockets,
//! files, a terminal and nothing.

use std::fs::{File, read_to_string};
use std::io::{BufRead as _, BufReader, PipeReader, Read as _, Write as _, pipe};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::{env, thread};

use bibelot::io::{self, stderr, stdin, stdout};
use bibelot::task::{join, yield_now};
use bibelot::{run, spawn};
use rustix::fs::{OFlags, fcntl_getfl};

use crate::{Folder, dropped_at};

/// Names what a child does.
const ROLE: &str = "BIBELOT_TEST_ROLE";

/// The child. What it writes stands between `<<` and `>>`: around that is what the harness writes.
#[test]
#[ignore = "the tests below run it in a process of its own"]
fn the_other_side() {
    let role = env::var(ROLE).expect("a role");
    let played = run(async {
        stdout().write_all(b"<<").await?;
        match role.as_str() {
            "echo lines" => echo_lines().await,
            "go on while waiting" => go_on_while_waiting().await,
            "drop many reads" => drop_many_reads().await,
            "drop reads" => drop_reads().await,
            "write much" => write_much().await,
            "write in turn" => write_in_turn().await,
            "move nothing" => move_nothing().await,
            "read it all" => read_it_all().await,
            "copy" => io::copy(&stdin(), &stdout()).await.map(drop),
            "have nobody read" => have_nobody_read().await,
            "ask for terminals" => ask_for_terminals().await,
            _ => panic!("nobody knows the role {role}"),
        }?;
        stdout().write_all(b">>").await?;
        stdout().flush().await
    });
    played.expect("no error");
}

/// The child that plays this role.
fn child(role: &str) -> Command {
    let mut child = Command::new(env::current_exe().expect("this program"));
    child
        .args(["--exact", "stdio::the_other_side"])
        .args(["--ignored", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    child
}

/// What a child has written, which must have ended well.
#[track_caller]
fn written(text: &str) -> &str {
    let (_, text) = text.split_once("<<").expect("it has begun");
    text.split_once(">>").expect("it has ended").0
}

/// Waits for a child and returns what it has written.
#[track_caller]
fn output(child: Child) -> String {
    let output = child.wait_with_output().expect("a child");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{text}");
    written(&text).to_owned()
}

/// The role: says each line again.
async fn echo_lines() -> io::Result<()> {
    let mut lines = stdin().lines();
    while let Some(line) = lines.next().await {
        writeln!(stdout(), "[{}]", line?).await?;
    }
    Ok(())
}

#[test]
fn lines_come_and_go_by_pipes() {
    let mut child = child("echo lines").stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"one\ntwo\r\n\nlast").unwrap();
    drop(input);
    assert_eq!(output(child), "[one]\n[two]\n[]\n[last]\n");
}

#[test]
fn lines_come_from_a_file_and_go_to_one() {
    let folder = Folder::new();
    let text: String = (0..5000).map(|nth| format!("line {nth}\n")).collect();
    let path = folder.holding(&text);
    let status = child("echo lines")
        .stdin(File::open(&path).unwrap())
        .stdout(File::create(folder.at("out")).unwrap())
        .status();
    assert!(status.unwrap().success());
    let expected: String = (0..5000).map(|nth| format!("[line {nth}]\n")).collect();
    let out = read_to_string(folder.at("out")).unwrap();
    assert!(written(&out) == expected);
}

#[test]
fn lines_come_and_go_by_a_socket() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let theirs = OwnedFd::from(theirs);
    let mut command = child("echo lines");
    command.stdin(theirs.try_clone().unwrap()).stdout(theirs);
    let mut child = command.spawn().unwrap();
    drop(command);
    (&ours).write_all(b"one\ntwo\n").unwrap();
    ours.shutdown(Shutdown::Write).unwrap();
    let mut text = String::new();
    (&ours).read_to_string(&mut text).unwrap();
    assert_eq!(written(&text), "[one]\n[two]\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn there_may_be_nothing() {
    assert_eq!(output(child("echo lines").spawn().unwrap()), "");
    let nowhere = child("echo lines").stdout(Stdio::null()).status();
    assert!(nowhere.unwrap().success());
}

/// The role: reads from a terminal, if there is one.
async fn ask_for_terminals() -> io::Result<()> {
    let terminals = [
        stdin().is_terminal(),
        stdout().is_terminal(),
        stderr().is_terminal(),
    ];
    writeln!(stdout(), "{terminals:?}").await?;
    echo_lines().await
}

#[cfg(target_os = "linux")]
#[test]
fn lines_come_and_go_by_a_terminal() {
    use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};

    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
    let theirs = File::options().read(true).write(true).open(name).unwrap();
    let mut command = child("ask for terminals");
    command.stdin(theirs.try_clone().unwrap());
    command.stdout(theirs.try_clone().unwrap());
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut ours = BufReader::new(File::from(ours));
    let until = |ours: &mut BufReader<File>, wanted: &str| {
        let mut line = String::new();
        while !line.contains(wanted) {
            line.clear();
            assert!(ours.read_line(&mut line).unwrap() > 0, "no {wanted}");
        }
    };
    until(&mut ours, "[true, true, false]");
    ours.get_mut().write_all(b"one\n").unwrap();
    until(&mut ours, "[one]");
    ours.get_mut().write_all(b"\x04").unwrap(); // Ctrl-D, the end
    until(&mut ours, ">>");
    assert!(child.wait().unwrap().success());
    let flags = fcntl_getfl(&theirs).unwrap();
    assert!(!flags.contains(OFlags::NONBLOCK), "others use it as well");
}

#[test]
fn what_is_shared_with_others_stays_blocking() {
    let (reader, mut writer) = pipe().unwrap();
    let (mut read_out, out) = pipe().unwrap();
    let mut command = child("echo lines");
    command.stdin(reader.try_clone().unwrap());
    command.stdout(out.try_clone().unwrap());
    let mut child = command.spawn().unwrap();
    drop(command);
    let blocks = |fd: &dyn AsFd| !fcntl_getfl(fd.as_fd()).unwrap().contains(OFlags::NONBLOCK);
    writer.write_all(b"line\n").unwrap();
    let mut echo = Vec::new();
    while !echo.ends_with(b"[line]\n") {
        let mut byte = [0];
        read_out.read_exact(&mut byte).unwrap();
        echo.push(byte[0]);
    }
    // Now it waits for the next line.
    assert!(blocks(&reader) && blocks(&out));
    drop(writer);
    assert!(child.wait().unwrap().success());
    assert!(blocks(&reader) && blocks(&out));
}

/// The role: says that it waits, while it waits.
async fn go_on_while_waiting() -> io::Result<()> {
    let mut line = String::new();
    let say = async {
        yield_now().await;
        stdout().write_all(b"waiting\n").await
    };
    let (read, said) = join(stdin().read_line(&mut line), say).await;
    said?;
    assert_eq!(read?, line.len());
    stdout().write_all(line.as_bytes()).await
}

#[test]
fn others_go_on_while_one_waits_for_input() {
    let mut child = child("go on while waiting")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    while !text.ends_with("waiting\n") {
        assert!(out.read_line(&mut text).unwrap() > 0, "{text}");
    }
    input.write_all(b"a line\n").unwrap();
    out.read_to_string(&mut text).unwrap();
    assert_eq!(written(&text), "waiting\na line\n");
    assert!(child.wait().unwrap().success());
}

/// The role: says that it waits, and drops the read that is woken and finds no whole line.
async fn drop_reads() -> io::Result<()> {
    loop {
        let mut line = String::new();
        let input = stdin();
        let reading = dropped_at(2, input.read_line(&mut line));
        let (read, said) = join(reading, stderr().write_all(b"waiting\n")).await;
        said?;
        match read.transpose()? {
            Some(0) => return Ok(()),
            Some(_) => writeln!(stdout(), "{}", line.trim_end()).await?,
            None => stdout().write_all(b"dropped\n").await?,
        }
    }
}

#[test]
fn a_dropped_read_loses_nothing() {
    let mut child = child("drop reads").stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    for piece in ["on", "e\ntw", "o", "\nthree"] {
        let mut line = String::new();
        while line != "waiting\n" {
            line.clear();
            assert!(errors.read_line(&mut line).unwrap() > 0, "it has ended");
        }
        input.write_all(piece.as_bytes()).unwrap();
    }
    drop(input);
    errors.read_to_string(&mut String::new()).unwrap();
    let text = output(child);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines, ["dropped", "one", "dropped", "two", "three"]);
}

/// The role: says each line again, and drops the reads at one wait or another.
async fn drop_many_reads() -> io::Result<()> {
    for nth in (1..=3).cycle() {
        let mut line = String::new();
        match dropped_at(nth, stdin().read_line(&mut line)).await {
            None => assert!(line.is_empty(), "it is not whole"),
            Some(Ok(0)) => break,
            Some(read) => {
                read?;
                stdout().write_all(line.as_bytes()).await?;
            }
        }
    }
    Ok(())
}

#[test]
fn many_dropped_reads_lose_nothing() {
    let folder = Folder::new();
    let text: String = (0..5000).map(|nth| format!("line {nth}\n")).collect();
    let mut command = child("drop many reads");
    command.stdin(File::open(folder.holding(&text)).unwrap());
    assert!(output(command.spawn().unwrap()) == text, "from a file");
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let output = thread::spawn(|| output(child));
    for piece in text.as_bytes().chunks(7) {
        input.write_all(piece).unwrap();
    }
    drop(input);
    assert!(output.join().unwrap() == text, "from a pipe");
}

/// The role: writes more than a pipe holds, and complains meanwhile.
async fn write_much() -> io::Result<()> {
    let writing = spawn(async { stdout().write_all(&[b'x'; 1 << 20]).await });
    yield_now().await;
    assert!(!writing.is_finished());
    stderr().write_all(b"nobody reads\n").await?;
    writing.await.expect("no panic")
}

#[test]
fn others_go_on_while_nobody_reads_the_output() {
    let mut child = child("write much").spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while line != "nobody reads\n" {
        line.clear();
        assert!(errors.read_line(&mut line).unwrap() > 0, "it has ended");
    }
    assert_eq!(output(child).len(), 1 << 20);
}

/// The role: several tasks write more than a pipe holds.
async fn write_in_turn() -> io::Result<()> {
    let writers: Vec<_> = (b'a'..=b'e')
        .map(|letter| spawn(async move { stdout().write_all(&[letter; 100_000]).await }))
        .collect();
    for writer in writers {
        writer.await.expect("no panic")?;
    }
    Ok(())
}

#[test]
fn what_one_call_writes_stands_together() {
    let expected: String = ["a", "b", "c", "d", "e"]
        .map(|letter| letter.repeat(100_000))
        .concat();
    let child = child("write in turn").spawn().unwrap();
    assert!(output(child) == expected);
}

/// The role: writes until that fails.
async fn have_nobody_read() -> io::Result<()> {
    let error = stderr().write_all(&[b'x'; 1 << 20]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    Ok(())
}

#[test]
fn it_is_an_error_that_nobody_reads() {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let child = child("have nobody read").stderr(writer).spawn();
    assert_eq!(output(child.unwrap()), "");
}

/// The role: reads and writes no bytes where any would have to wait.
async fn move_nothing() -> io::Result<()> {
    while let Some(written) = dropped_at(1, stderr().write(&[b'x'; 4096])).await {
        written?;
    }
    let read = dropped_at(1, stdin().read(&mut [])).await.transpose()?;
    let written = dropped_at(1, stderr().write(&[])).await.transpose()?;
    writeln!(stdout(), "{read:?} {written:?}").await
}

#[test]
fn no_bytes_are_moved_without_waiting() {
    let (input, nobody_writes) = pipe().unwrap();
    let (nobody_reads, errors) = pipe().unwrap();
    let mut command = child("move nothing");
    command.stdin(input).stderr(errors);
    let child = command.spawn().unwrap();
    assert_eq!(output(child), "Some(0) Some(0)\n");
    drop((nobody_writes, nobody_reads));
}

#[test]
fn input_is_copied_to_output() {
    let text = "0123456789".repeat(10_000);
    let folder = Folder::new();
    let mut command = child("copy");
    command.stdin(File::open(folder.holding(&text)).unwrap());
    assert!(output(command.spawn().unwrap()) == text, "to a pipe");
    let path = folder.at("copy");
    command.stdin(File::open(folder.at("file")).unwrap());
    command.stdout(File::create(&path).unwrap());
    assert!(command.status().unwrap().success());
    let copy = read_to_string(path).unwrap();
    assert!(written(&copy) == text, "to a file");
}

/// The role: reads everything, by all that reads.
async fn read_it_all() -> io::Result<()> {
    let mut head = [0; 3];
    stdin().read_exact(&mut head).await?;
    let mut more = [0; 2];
    let count = stdin().read(&mut more).await?;
    let mut text = String::new();
    stdin().read_to_string(&mut text).await?;
    let mut rest = Vec::new();
    assert_eq!(stdin().read_to_end(&mut rest).await?, 0);
    stdout().write_all(&head).await?;
    stdout().write_all(&more[..count]).await?;
    stdout().write_all(text.as_bytes()).await
}

#[test]
fn all_handles_read_from_one_buffer() {
    let much = "0123456789".repeat(30_000);
    let folder = Folder::new();
    let path = folder.holding(&much);
    let by_file = child("read it all")
        .stdin(File::open(path).unwrap())
        .spawn();
    let by_file = thread::spawn(|| output(by_file.unwrap()));

    let (reader, mut writer): (PipeReader, _) = pipe().unwrap();
    let by_pipe = child("read it all").stdin(reader).spawn().unwrap();
    let by_pipe = thread::spawn(|| output(by_pipe));
    writer.write_all(much.as_bytes()).unwrap();
    drop(writer);
    assert!(by_pipe.join().unwrap() == much);
    assert!(by_file.join().unwrap() == much);
}
