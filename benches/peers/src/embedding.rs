//! What it costs to build a twenty-line TCP echo server into a small program: packages in the tree,
//! a clean release build, the size of the binary, and threads at run time. Each program is a little
//! crate in a temporary folder, built with nothing else in its target folder; it asks for the features
//! that it needs where it can choose, of tokio and of bibelot.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::child;

const TOO_LONG: Duration = Duration::from_secs(600);
const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Name, dependencies, program.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("std", "", include_str!("../embedding/std.rs")),
    (
        "tokio",
        "tokio = { version = \"1\", features = [\"rt\", \"net\", \"io-util\"] }",
        include_str!("../embedding/tokio.rs"),
    ),
    (
        "async-io",
        "async-io = \"2\"\nasync-executor = \"1\"\nfutures-lite = \"2\"",
        include_str!("../embedding/async-io.rs"),
    ),
    ("smol", "smol = \"2\"", include_str!("../embedding/smol.rs")),
    (
        "monoio",
        "monoio = \"0.2\"",
        include_str!("../embedding/monoio.rs"),
    ),
    (
        "bibelot",
        "bibelot = { path = \"REPOSITORY\", default-features = false }",
        include_str!("../embedding/bibelot.rs"),
    ),
];

/// As a program has them that was not tuned, but for the symbols, which say nothing.
const PROFILES: &str = "
[profile.release]
strip = true

[profile.smallest]
inherits = \"release\"
opt-level = \"z\"
lto = \"fat\"
codegen-units = 1
panic = \"abort\"

[workspace]
";

struct Report {
    name: &'static str,
    crates: usize,
    seconds: f64,
    kilobytes: u64,
    smallest: u64,
    threads: u64,
}

/// Builds and prints. `only` names the programs, all by default; a build time is the least of the
/// rounds.
pub fn print(only: Option<&str>, rounds: usize) -> io::Result<()> {
    let root = std::env::temp_dir().join(format!("embedding-{}", std::process::id()));
    println!("| echo server | crates | clean build s | binary KB | smallest KB | threads |");
    println!("| --- | --: | --: | --: | --: | --: |");
    let mut reports = Vec::new();
    for (name, dependencies, program) in PROGRAMS {
        if only.is_some_and(|only| !only.split(',').any(|wanted| wanted == *name)) {
            continue;
        }
        match report(&root.join(name), name, dependencies, program, rounds) {
            Ok(report) => {
                println!(
                    "| {name} | {} | {:.1} | {} | {} | {} |",
                    report.crates,
                    report.seconds,
                    report.kilobytes,
                    report.smallest,
                    report.threads
                );
                reports.push(report);
            }
            Err(why) => {
                eprintln!("{name}: – ({why})");
                println!("| {name} | – | – | – | – | – |");
            }
        }
    }
    let _ = fs::remove_dir_all(&root);
    judge(&reports);
    Ok(())
}

fn judge(reports: &[Report]) {
    let named = |name| reports.iter().find(|report| report.name == name);
    let (Some(ours), Some(peer)) = (named("bibelot"), named("async-io")) else {
        return;
    };
    let met = |met| if met { "yes" } else { "**no**" };
    println!(
        "| goal | 17 | {:.1} (async-io) | 450 | 335 | 1 |",
        peer.seconds
    );
    println!(
        "| met | {} | {} | {} | {} | {} |",
        met(ours.crates <= 17),
        met(ours.seconds <= peer.seconds),
        met(ours.kilobytes <= 450),
        met(ours.smallest <= 335),
        met(ours.threads == 1),
    );
}

fn report(
    folder: &Path,
    name: &'static str,
    dependencies: &str,
    program: &str,
    rounds: usize,
) -> Result<Report, String> {
    let say = |error: io::Error| error.to_string();
    let dependencies = dependencies.replace("REPOSITORY", REPOSITORY);
    let package = "[package]\nname = \"echo-server\"\nversion = \"0.0.0\"\nedition = \"2024\"";
    let manifest = format!("{package}\n\n[dependencies]\n{dependencies}\n{PROFILES}");
    fs::create_dir_all(folder.join("src")).map_err(say)?;
    fs::write(folder.join("Cargo.toml"), manifest).map_err(say)?;
    fs::write(folder.join("src/main.rs"), program).map_err(say)?;
    cargo(folder, &["fetch", "--quiet"])?;
    let tree = cargo(
        folder,
        &[
            "tree",
            "--edges=normal,build",
            "--prefix=none",
            "--format={p}",
        ],
    )?;
    let mut crates: Vec<&str> = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .collect();
    crates.retain(|line| !line.is_empty() && !line.starts_with("echo-server "));
    crates.sort_unstable();
    crates.dedup();

    let mut seconds = f64::INFINITY;
    for round in 1..=rounds {
        let _ = fs::remove_dir_all(folder.join("target"));
        let start = Instant::now();
        cargo(folder, &["build", "--release", "--quiet", "--offline"])?;
        seconds = seconds.min(start.elapsed().as_secs_f64());
        eprintln!("{name} round {round}/{rounds}: built in {seconds:.1} s");
    }
    cargo(
        folder,
        &["build", "--profile=smallest", "--quiet", "--offline"],
    )?;
    let binary = |profile: &str| folder.join("target").join(profile).join("echo-server");
    let size = |path: PathBuf| {
        fs::metadata(path)
            .map(|file| file.len() / 1024)
            .map_err(say)
    };
    Ok(Report {
        name,
        crates: crates.len(),
        seconds,
        kilobytes: size(binary("release"))?,
        smallest: size(binary("smallest"))?,
        threads: threads(&binary("release")).map_err(say)?,
    })
}

fn cargo(folder: &Path, args: &[&str]) -> Result<String, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(args)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"));
    Ok(child::run(&mut command, TOO_LONG)?.0)
}

/// Runs the server, has one message echoed, and counts its threads when the client has gone.
fn threads(program: &Path) -> io::Result<u64> {
    let mut server = Command::new(program).stdout(Stdio::piped()).spawn()?;
    let counted = (|| {
        let mut address = String::new();
        let pipe = server.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        BufReader::new(pipe).read_line(&mut address)?;
        let mut client = TcpStream::connect(address.trim())?;
        client.set_read_timeout(Some(Duration::from_secs(10)))?;
        client.write_all(b"hello")?;
        client.read_exact(&mut [0; 5])?;
        drop(client);
        sleep(Duration::from_millis(200));
        let status = fs::read_to_string(format!("/proc/{}/status", server.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("Threads:"));
        line.and_then(|count| count.trim().parse().ok())
            .ok_or(io::ErrorKind::InvalidData.into())
    })();
    let _ = server.kill();
    let _ = server.wait();
    counted
}
