//! The laboratory: what becomes of the same work under each policy, simulated and for real.
//!
//! ```text
//! cargo run --release --example lab                            all of it; ten seconds
//! cargo run --release --example lab -- --workload convoy --policy fifo,fair-share --seed 7
//! cargo run --release --example lab -- --list                  what there is; --help says the rest
//! ```
//!
//! ```text
//!   workload ─► jobs ─► tasks of an executor with the policy ─► records ─► figures ─► table, report
//!                │         once in testing::Sim: exact
//!                │         once on the real clock: what this machine makes of it
//!                └─ task::consume(d): passes virtual time, or burns the processor
//! ```
//!
//! The table has two values for each figure: simulated, and beside it real. In the report, which is one
//! file, there are plots and timelines, too.
//!
//! Read next: `yours.rs`, where a policy and a workload of your own go; `workloads.rs`; `lab.rs`, which
//! runs them; `figures.rs`.

mod args;
mod experiment;
mod figures;
mod lab;
mod plot;
mod policies;
mod progress;
mod report;
mod table;
mod timeline;
mod workloads;
mod yours;

use std::fs;
use std::process::ExitCode;

use bibelot::time::Duration;

use args::{Args, Task};
use experiment::{Experiment, Outcome};
use progress::Progress;
use workloads::Workload;

/// How long all real runs together are to take.
const REAL: Duration = Duration::from_secs(10);

/// The same if it is to be over soon.
const QUICK: Duration = Duration::from_secs(1);

/// Makes all experiments, prints the table and writes the report.
fn work(args: &Args) -> Result<(), String> {
    let all = args.workloads.len() * args.policies.len();
    let mut progress = Progress::new(2 * all);
    let mut simulated = Vec::with_capacity(all);
    for &workload in &args.workloads {
        for &policy in &args.policies {
            progress.begin(&format!(
                "{} under {}, simulated",
                workload.name, policy.name
            ));
            let seed = args.seed;
            let experiment = Experiment {
                workload,
                policy,
                seed,
            };
            simulated.push((experiment, experiment.simulate()));
        }
    }
    let lengths = simulated.iter().map(|(_, run)| run.length);
    let scale = experiment::scale(lengths.sum(), if args.is_quick { QUICK } else { REAL });
    let mut outcomes = Vec::with_capacity(all);
    for (experiment, simulated) in simulated {
        let Experiment {
            workload, policy, ..
        } = experiment;
        progress.begin(&format!(
            "{} under {}, for real",
            workload.name, policy.name
        ));
        outcomes.push(Outcome {
            policy,
            simulated,
            real: (experiment.measure(scale))
                .map_err(|error| format!("cannot make an executor: {error}"))?,
        });
    }
    drop(progress);
    let results: Vec<(Workload, &[Outcome])> = { args.workloads.iter().copied() }
        .zip(outcomes.chunks(args.policies.len()))
        .collect();
    for (workload, outcomes) in &results {
        print!("{}", table::table(workload, outcomes));
    }
    let busy = experiment::busy(&outcomes);
    if let Some(warning) = &busy {
        println!("\n{warning}");
    }
    let page = report::page(&results, args.seed, scale, busy.as_deref());
    let written = match args.out.parent() {
        Some(folder) => fs::create_dir_all(folder).and_then(|()| fs::write(&args.out, page)),
        None => fs::write(&args.out, page),
    };
    written.map_err(|error| format!("cannot write {}: {error}", args.out.display()))?;
    println!("\nplots and timelines: {}", args.out.display());
    Ok(())
}

fn main() -> ExitCode {
    let done = match args::parse(std::env::args().skip(1)) {
        Err(wrong) => {
            eprintln!("lab: {wrong}");
            return ExitCode::from(2);
        }
        Ok(Task::Say(text)) => {
            print!("{text}");
            Ok(())
        }
        Ok(Task::Work(args)) => work(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab: {error}");
            ExitCode::FAILURE
        }
    }
}
