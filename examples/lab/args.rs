//! The command line.

use std::fmt::Write;
use std::path::PathBuf;

use crate::policies::{self, Named};
use crate::workloads::{self, Workload};
use crate::yours;

/// How to use the laboratory.
const USAGE: &str = "\
usage: lab [OPTIONS]

  --policy a,b      only these policies
  --workload x,y    only these workloads
  --seed N          another seed for what is random (1)
  --out FILE        where the report goes (target/lab.html)
  --quick           a second for the real runs, not ten
  --list            what policies and workloads there are
  --help            this
";

/// What is to be done.
pub(crate) enum Task {
    /// Experiments.
    Work(Args),
    /// A text is to be printed.
    Say(String),
}

/// What was asked for.
pub(crate) struct Args {
    /// The policies to compare.
    pub(crate) policies: Vec<Named>,
    /// What they are compared on.
    pub(crate) workloads: Vec<Workload>,
    /// The seed.
    pub(crate) seed: u64,
    /// Where the report goes.
    pub(crate) out: PathBuf,
    /// Whether it is to be over soon.
    pub(crate) is_quick: bool,
}

/// Reads the words of the command line.
///
/// # Errors
///
/// Returns what is wrong with them, and what would be right.
pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Task, String> {
    let policies = [policies::POLICIES, yours::POLICIES].concat();
    let workloads = [workloads::WORKLOADS, yours::WORKLOADS].concat();
    let mut args = Args {
        policies: Vec::new(),
        workloads: Vec::new(),
        seed: 1,
        out: PathBuf::from("target/lab.html"),
        is_quick: false,
    };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value"));
        match word.as_str() {
            "--policy" => {
                let picked = pick(&value()?, "policy", &policies, |known| known.name)?;
                args.policies.extend(picked);
            }
            "--workload" => {
                let picked = pick(&value()?, "workload", &workloads, |known| known.name)?;
                args.workloads.extend(picked);
            }
            "--seed" => {
                let seed = value()?;
                args.seed = { seed.parse() }
                    .map_err(|_| format!("{seed:?} is no seed: a number from 0 to {}", u64::MAX))?;
            }
            "--out" => args.out = PathBuf::from(value()?),
            "--quick" => args.is_quick = true,
            "--list" => return Ok(Task::Say(list(&policies, &workloads))),
            "--help" | "-h" => return Ok(Task::Say(USAGE.into())),
            _ => return Err(format!("what is {word:?}?\n\n{USAGE}")),
        }
    }
    // Of what is not said, all.
    if args.policies.is_empty() {
        args.policies = policies;
    }
    if args.workloads.is_empty() {
        args.workloads = workloads;
    }
    Ok(Task::Work(args))
}

/// Those of the known ones that are named, in the order in which they are.
fn pick<T: Copy>(
    names: &str,
    what: &str,
    known: &[T],
    name_of: fn(&T) -> &'static str,
) -> Result<Vec<T>, String> {
    let find = |name: &str| {
        let found = known.iter().copied().find(|known| name_of(known) == name);
        let all: Vec<&str> = known.iter().map(name_of).collect();
        found.ok_or_else(|| format!("there is no {what} {name:?}; there are {}", all.join(", ")))
    };
    names.split(',').map(|name| find(name.trim())).collect()
}

/// What there is.
fn list(policies: &[Named], workloads: &[Workload]) -> String {
    let mut text = String::from("policies:\n");
    for Named { name, about, .. } in policies {
        let _ = writeln!(text, "  {name:14} {about}");
    }
    text += "\nworkloads:\n";
    for Workload { name, about, .. } in workloads {
        let _ = writeln!(text, "  {name:14} {about}");
    }
    text
}
