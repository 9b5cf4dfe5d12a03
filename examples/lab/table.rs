//! The table: a block for each workload, a line for each policy; simulated, and beside it real.

use std::fmt::Write;

use crate::experiment::Outcome;
use crate::figures::Figure;
use crate::workloads::Workload;

/// How wide a value is.
const WIDTH: usize = 6;

/// The outcomes of a workload as text.
pub(crate) fn table(workload: &Workload, outcomes: &[Outcome]) -> String {
    let mut text = format!("\n{}: {}\n", workload.name, workload.about);
    let mut heads = [format!("{:13}", ""), format!("{:13}", "")];
    for figure in Figure::ALL {
        let mark = if figure == workload.matters {
            "▸"
        } else {
            ""
        };
        let width = 2 * WIDTH + 2;
        let _ = write!(heads[0], "{:>width$}", format!("{mark}{}", figure.name()));
        let _ = write!(heads[1], "{:>width$}", figure.unit());
    }
    for head in heads {
        text += head.trim_end();
        text.push('\n');
    }
    for outcome in outcomes {
        let _ = write!(text, "{:13}", outcome.policy.name);
        for figure in Figure::ALL {
            let [simulated, real] = [&outcome.simulated, &outcome.real].map(|run| {
                figure
                    .of(run)
                    .map_or("–".into(), |value| figure.show(value))
            });
            let _ = write!(text, " {simulated:>WIDTH$} {real:>WIDTH$}");
        }
        text.push('\n');
    }
    text
}
