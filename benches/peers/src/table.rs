//! The parent: starts a child for each row, runtime and round, and prints the table.

use std::io;
use std::process::Command;
use std::time::Duration;

use crate::child;
use crate::rows::{Goal, Row};
use crate::workload::Cost;

/// What to run.
pub struct Plan {
    pub rows: Vec<Row>,
    pub runtimes: Vec<&'static str>,
    pub rounds: Option<usize>,
    pub quick: bool,
}

const BIBELOT: &str = "bibelot";
const RAW: &str = "raw-epoll";
const TOO_LONG: Duration = Duration::from_secs(60);

/// Runs everything and prints the table as the rows come in.
pub fn print(plan: &Plan) -> io::Result<()> {
    println!(
        "| row | {} | best peer | ratio | goal | met |",
        plan.runtimes.join(" | ")
    );
    println!("| --- |{}", " --: |".repeat(plan.runtimes.len() + 4));
    for row in &plan.rows {
        let costs = measure(plan, row)?;
        let cells: Vec<String> = costs
            .iter()
            .map(|cost| cost.map_or("–".into(), show))
            .collect();
        println!(
            "| {} | {} | {} |",
            row.name,
            cells.join(" | "),
            verdict(plan, row, &costs)
        );
    }
    Ok(())
}

/// Runs the rounds of one row, interleaved over the runtimes.
fn measure(plan: &Plan, row: &Row) -> io::Result<Vec<Option<Cost>>> {
    let usual = match (row.has_other_side(), plan.quick) {
        (true, false) => 9,
        (false, true) => 1,
        _ => 3,
    };
    let rounds = plan.rounds.unwrap_or(usual);
    let mut seen = vec![Vec::new(); plan.runtimes.len()];
    for round in 0..rounds {
        for (runtime, seen) in plan.runtimes.iter().zip(&mut seen) {
            if round > seen.len() {
                continue; // it failed before and will again
            }
            let mut args = vec!["--child", row.name, runtime];
            if plan.quick {
                args.push("--quick");
            }
            match cell(&args) {
                Ok(cost) => {
                    eprintln!(
                        "{} {runtime} round {}/{rounds}: {}",
                        row.name,
                        round + 1,
                        show(cost)
                    );
                    seen.push(cost);
                }
                Err(why) => eprintln!("{} {runtime}: – ({why})", row.name),
            }
        }
    }
    Ok(seen.into_iter().map(|costs| choose(row, costs)).collect())
}

/// The least of the rounds; of an echo the median, because it also has to do with the kernel.
fn choose(row: &Row, mut costs: Vec<Cost>) -> Option<Cost> {
    costs.sort_by(|a, b| a.value.total_cmp(&b.value));
    let chosen = *costs.get(if row.is_echo() { costs.len() / 2 } else { 0 })?;
    let lates = || costs.iter().filter_map(|cost| cost.late);
    let mean = lates().map(|late| late.0).min_by(f64::total_cmp);
    let p99 = lates().map(|late| late.1).min_by(f64::total_cmp);
    Some(Cost {
        value: chosen.value,
        late: mean.zip(p99),
    })
}

/// Runs this program again as a child and reads its line.
pub fn cell(args: &[&str]) -> Result<Cost, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let (out, _) = child::run(Command::new(program).args(args), TOO_LONG)?;
    out.lines().find_map(Cost::parse).ok_or("no answer".into())
}

/// Best peer, bibelot's ratio to it, the goal, and whether it is met.
fn verdict(plan: &Plan, row: &Row, costs: &[Option<Cost>]) -> String {
    let of = |name: &str| {
        let index = plan.runtimes.iter().position(|runtime| *runtime == name)?;
        costs[index]
    };
    let best = (plan.runtimes.iter().zip(costs))
        .filter(|(name, _)| ![&BIBELOT, &RAW].contains(name))
        .filter_map(|(name, cost)| Some((name, cost.as_ref()?.value)))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    let (ours, raw) = (of(BIBELOT), of(RAW));
    let ratio = ours.zip(best).map(|(ours, best)| ours.value / best.1);
    let raw = ours.zip(raw).map(|(ours, raw)| ours.value / raw.value);
    let (goal, met) = match row.goal {
        Goal::Best(most) => (format!("{most:.2}"), ratio.map(|ratio| ratio <= most)),
        Goal::BestAndLate(most, late) => {
            let on_time = ours
                .and_then(|cost| cost.late)
                .is_some_and(|(mean, _)| mean < late);
            let met = ratio.map(|ratio| ratio <= most && on_time);
            (format!("{most:.2}, {late} ms late"), met)
        }
        Goal::BestAndRaw(most, floor) => {
            let met = ratio
                .zip(raw)
                .map(|(ratio, raw)| ratio <= most && raw <= floor);
            (format!("{most:.2}, raw {floor:.2}"), met)
        }
        Goal::Absolute(most) => (format!("{most:.0}"), ours.map(|cost| cost.value <= most)),
    };
    let number = |ratio: Option<f64>| ratio.map_or("–".into(), |ratio| format!("{ratio:.2}"));
    let ratios = match row.goal {
        Goal::BestAndRaw(..) => format!("{}, raw {}", number(ratio), number(raw)),
        _ => number(ratio),
    };
    let met = met.map_or("–", |met| if met { "yes" } else { "**no**" });
    format!(
        "{} | {ratios} | {goal} | {met}",
        best.map_or("–", |(name, _)| name)
    )
}

fn show(cost: Cost) -> String {
    let value = match cost.value {
        ..100.0 => format!("{:.1}", cost.value),
        _ => format!("{:.0}", cost.value),
    };
    match cost.late {
        Some((mean, p99)) => format!("{value} ({mean:.2} / {p99:.2} ms)"),
        None => value,
    }
}
