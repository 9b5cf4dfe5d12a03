//! The laboratory itself, `examples/lab`: its workloads show what the textbooks say, its simulated columns
//! are the same again, and it says what is wrong with a command line.

use std::collections::BTreeSet;

use bibelot::time::Duration;

use crate::args::{self, Task};
use crate::experiment::Experiment;
use crate::figures::{Figure, Run};
use crate::policies::Named;
use crate::workloads::Workload;
use crate::{policies, workloads, yours};

/// All policies, and all workloads.
fn all() -> (Vec<Named>, Vec<Workload>) {
    let policies = [policies::POLICIES, yours::POLICIES].concat();
    let workloads = [workloads::WORKLOADS, yours::WORKLOADS].concat();
    (policies, workloads)
}

/// A workload under a policy, by name, simulated.
fn run(workload: &str, policy: &str, seed: u64) -> Run {
    let (policies, workloads) = all();
    let workload = workloads.into_iter().find(|it| it.name == workload);
    let policy = policies.into_iter().find(|it| it.name == policy);
    let (workload, policy) = (workload.expect("a workload"), policy.expect("a policy"));
    let experiment = Experiment {
        workload,
        policy,
        seed,
    };
    experiment.simulate()
}

/// What a figure of it is.
fn figure(figure: Figure, workload: &str, policy: &str) -> f64 {
    figure.of(&run(workload, policy, 1)).expect("a value")
}

/// The names of all policies.
fn names() -> Vec<&'static str> {
    all().0.iter().map(|policy| policy.name).collect()
}

/// What is wrong with this command line.
fn wrong(words: &[&str]) -> String {
    match args::parse(words.iter().map(|word| String::from(*word))) {
        Err(wrong) => wrong,
        Ok(_) => panic!("{words:?} is taken"),
    }
}

/// What a command line asks for: the names of policies and of workloads, and the seed.
fn asked(words: &[&str]) -> (Vec<&'static str>, Vec<&'static str>, u64) {
    match args::parse(words.iter().map(|word| String::from(*word))) {
        Ok(Task::Work(args)) => {
            let policies = args.policies.iter().map(|it| it.name).collect();
            let workloads = args.workloads.iter().map(|it| it.name).collect();
            (policies, workloads, args.seed)
        }
        Ok(Task::Say(text)) => panic!("{words:?} is answered: {text}"),
        Err(wrong) => panic!("{words:?} is refused: {wrong}"),
    }
}

#[test]
fn the_simulated_columns_are_the_same_for_the_same_seed() {
    for workload in all().1 {
        let shown = |seed| {
            let columns = names().into_iter().map(|policy| {
                let run = run(workload.name, policy, seed);
                let values = Figure::ALL.map(|figure| figure.of(&run));
                format!("{policy}: {values:?} {:?}", run.jobs)
            });
            columns.collect::<Vec<_>>()
        };
        let first = shown(7);
        assert_eq!(first, shown(7), "{}", workload.name);
        // Another seed has at least the policy that shuffles choose otherwise.
        assert_ne!(first, shown(8), "{}", workload.name);
    }
}

#[test]
fn a_command_line_chooses_and_what_it_does_not_say_is_all() {
    let (policies, workloads) = all();
    let workloads: Vec<_> = workloads.iter().map(|it| it.name).collect();
    assert_eq!(asked(&[]), (names(), workloads, 1));
    assert_eq!(policies.len(), 9);
    assert_eq!(
        asked(&[
            "--policy",
            "lifo, shy",
            "--workload",
            "rush",
            "--seed",
            "18446744073709551615"
        ]),
        (vec!["lifo", "shy"], vec!["rush"], u64::MAX)
    );
}

#[test]
fn what_is_wrong_with_a_command_line_is_said_with_what_would_be_right() {
    let policies = "fifo, lifo, priority, strict, deadline, fair-share, shortest-job, shuffle, shy";
    assert_eq!(
        wrong(&["--policy", "fifo,best"]),
        format!("there is no policy \"best\"; there are {policies}")
    );
    let workloads = "batch, interactive, periodic, overload, inversion, convoy, herd, rush";
    assert_eq!(
        wrong(&["--workload", ""]),
        format!("there is no workload \"\"; there are {workloads}")
    );
    for seed in ["-1", "x", "", "1.5", "18446744073709551616"] {
        assert_eq!(
            wrong(&["--seed", seed]),
            format!("{seed:?} is no seed: a number from 0 to 18446744073709551615")
        );
    }
    for option in ["--policy", "--workload", "--seed", "--out"] {
        assert_eq!(
            wrong(&["--quick", option]),
            format!("{option} wants a value")
        );
    }
    let what = wrong(&["--polcy", "fifo"]);
    assert!(
        what.starts_with("what is \"--polcy\"?\n\nusage: lab"),
        "{what}"
    );
}

#[test]
fn the_batch_is_done_when_it_is_whoever_comes_first() {
    // A policy that never idles cannot make the whole shorter: it only shares out the waiting.
    let names_of = [
        "batch",
        "interactive",
        "overload",
        "inversion",
        "convoy",
        "rush",
    ];
    for workload in names_of {
        let lengths = names()
            .into_iter()
            .map(|policy| run(workload, policy, 1).length);
        let lengths: BTreeSet<_> = lengths.collect();
        assert_eq!(lengths.len(), 1, "{workload}: {lengths:?}");
    }
    // Short ones first is what the mean turnaround is least by (Smith 1956), and priorities say here who
    // is short.
    let means = names().into_iter();
    let means = means.map(|policy| (figure(Figure::Turnaround, "batch", policy), policy));
    let least = means.min_by(|one, other| one.0.total_cmp(&other.0));
    assert_eq!(least.expect("there are policies").1, "strict");
}

#[test]
fn the_periodic_jobs_are_what_the_earliest_deadline_first_is_for() {
    // Liu and Layland 1973: 97 % of the time is more than 83 %, up to which rates would do.
    assert_eq!(figure(Figure::Deadlines, "periodic", "deadline"), 100.0);
    let run = run("periodic", "strict", 1);
    let late = |kind| {
        let late = run.jobs.iter().filter(|job| job.kind == kind);
        late.filter(|job| Some(job.ended) > job.deadline).count()
    };
    assert_eq!((late("fast"), late("slow")), (0, 4));
}

#[test]
fn the_overload_makes_one_late_after_the_other() {
    // Where not all can be in time, each is served when it is too late.
    let met = |policy| figure(Figure::Deadlines, "overload", policy);
    assert!(met("deadline") < met("fifo") && met("fifo") < met("lifo"));
}

#[test]
fn the_inversion_lasts_as_long_as_those_between_like() {
    // Three times 35 milliseconds, exactly, which who goes by deadlines does not wait for.
    let urgent = |policy| figure(Figure::Turnaround, "inversion", policy);
    assert_eq!(urgent("strict") - urgent("deadline"), 105.0);
    // What is left of the critical section when it comes, but a millisecond, and its own work.
    assert_eq!(urgent("deadline"), 7.0 + 2.0);
}

#[test]
fn the_convoy_is_dissolved_by_no_policy() {
    // Somebody has to wait for as long as the slow one has the lock, whoever comes first otherwise.
    for policy in names() {
        let waited = figure(Figure::WorstWait, "convoy", policy);
        assert!(waited >= 20.0, "{policy}: {waited}");
    }
}

#[test]
fn the_herd_looks_as_often_as_its_size_squared() {
    let look = Duration::from_micros(200);
    let run = run("herd", "fifo", 1);
    let slices = run.jobs.iter().flat_map(|job| &job.slices);
    let looks = slices.filter(|slice| slice.1 - slice.0 == look).count();
    // All look at once at first; then, each time the place is freed, all who are left.
    assert_eq!(looks, 40 + 40 * 39 / 2);
}

#[test]
fn who_types_waits_for_one_slice_of_the_batch_with_priority_and_for_all_without() {
    let waited = |policy| figure(Figure::ResponseP99, "interactive", policy);
    // A slice is 4 milliseconds, and four have one each.
    assert!(waited("strict") <= 4.0, "{}", waited("strict"));
    assert!(waited("fifo") > 16.0, "{}", waited("fifo"));
}
