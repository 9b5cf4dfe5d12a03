//! The report: one file that needs no other, to be opened in a browser.

use std::fmt::Write;

use crate::experiment::Outcome;
use crate::figures::{Figure, Run, turnaround};
use crate::plot::{self, Range};
use crate::timeline;
use crate::workloads::Workload;

/// How it looks, in the light and in the dark.
const STYLE: &str = include_str!("report.css");

/// A workload, and what came of it under each policy.
type Result<'a> = (Workload, &'a [Outcome]);

/// The page.
pub(crate) fn page(results: &[Result<'_>], seed: u64, scale: f64, busy: Option<&str>) -> String {
    let mut html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content='width=device-width,initial-scale=1'>\
         <title>bibelot: the laboratory</title><style>{STYLE}</style><main>\
         <header><h1>The laboratory</h1><p>What becomes of the same work under each policy of a \
         scheduler: simulated on a virtual clock, which is exact and the same every time (seed {seed}), \
         and run for real by this machine, {} of the simulated time long and told in the same \
         milliseconds. A job works in slices and gives way between two; nobody is interrupted.</p><p><b>{}</b></p></header>",
        match scale {
            1.0 => String::from("all"),
            scale => format!("{:.1} %", 100.0 * scale),
        },
        busy.unwrap_or_default(),
    );
    html += &glance(results);
    for (workload, outcomes) in results {
        html += &section(workload, outcomes);
    }
    html + "</main></html>\n"
}

/// The square with a policy's colour, and its name.
fn policy(nth: usize, name: &str) -> String {
    format!(
        "<th scope=row><i class='dot p{}'></i>{name}",
        nth % plot::COLOURS
    )
}

/// A workload a column, a policy a row: what matters there.
fn glance(results: &[Result<'_>]) -> String {
    let mut html = String::from(
        "<section><h2>At a glance</h2><p>Simulated; of each workload the figure that matters there. The \
         fuller the colour, the nearer to the best.</p><div class=wide><table class=glance><tr><td>",
    );
    for (workload, _) in results {
        let _ = write!(
            html,
            "<th scope=col><a href='#{0}'>{0}</a><small>{1} {2}</small>",
            workload.name,
            workload.matters.name(),
            workload.matters.unit(),
        );
    }
    let policies = results.first().map_or(0, |(_, outcomes)| outcomes.len());
    for nth in 0..policies {
        html += "<tr>";
        html += &policy(nth, results[0].1[nth].policy.name);
        for (workload, outcomes) in results {
            let figure = workload.matters;
            let values = outcomes.iter().map(|outcome| figure.of(&outcome.simulated));
            let best = values
                .flatten()
                .reduce(|one, other| figure.better(one, other));
            let (Some(value), Some(best)) = (figure.of(&outcomes[nth].simulated), best) else {
                html += "<td>–";
                continue;
            };
            let (less, more) = (value.min(best), value.max(best));
            let nearness = if more > 0.0 { less / more } else { 1.0 };
            let class = if value == best { " class=best" } else { "" };
            let _ = write!(
                html,
                "<td{class} style='--near:{nearness:.2}'>{}",
                figure.show(value)
            );
        }
    }
    html + "</table></div></section>"
}

/// All about a workload.
fn section(workload: &Workload, outcomes: &[Outcome]) -> String {
    let mut html = format!(
        "<section id={0}><h2>{0}</h2><p>{1}.",
        workload.name,
        capital(workload.about)
    );
    if !workload.of.is_empty() {
        let _ = write!(
            html,
            " The figures are those of the jobs <b>{}</b>; throughput and switches of all.",
            workload.of
        );
    }
    html += "</p>";
    html += &figures(workload, outcomes);
    html += &distributions(outcomes);
    html += &timelines(outcomes);
    html + "</section>"
}

/// A text with a capital at its head.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// The table of the figures, with bars.
fn figures(workload: &Workload, outcomes: &[Outcome]) -> String {
    let mut html = String::from("<div class=wide><table class=figures><tr><td>");
    for figure in Figure::ALL {
        let class = if figure == workload.matters {
            " class=matters"
        } else {
            ""
        };
        let _ = write!(
            html,
            "<th scope=col{class}>{}<small>{}</small>",
            figure.name(),
            figure.unit()
        );
    }
    for (nth, outcome) in outcomes.iter().enumerate() {
        html += "<tr>";
        html += &policy(nth, outcome.policy.name);
        for figure in Figure::ALL {
            html += &cell(figure, outcome, outcomes);
        }
    }
    html + "</table></div><p class=key>In each cell: <b>simulated</b> <i>for real</i>; \
            the best simulated one stands out.</p>"
}

/// One figure of one outcome.
fn cell(figure: Figure, outcome: &Outcome, outcomes: &[Outcome]) -> String {
    let (Some(simulated), Some(real)) = (figure.of(&outcome.simulated), figure.of(&outcome.real))
    else {
        return "<td>–".into();
    };
    let of_all = || {
        let all = outcomes.iter();
        all.filter_map(|other| figure.of(&other.simulated))
    };
    let best = of_all().reduce(|one, other| figure.better(one, other));
    // As far as can be seen; and where all are the best, nobody is.
    let is_best = |value: f64| best.is_some_and(|best| figure.show(value) == figure.show(best));
    let stands_out = is_best(simulated) && !of_all().all(is_best);
    let reals = outcomes.iter().filter_map(|other| figure.of(&other.real));
    let longest = of_all().chain(reals).fold(0.0, f64::max);
    format!(
        "<td{}><b>{}</b> <i>{}</i>{}",
        if stands_out { " class=best" } else { "" },
        figure.show(simulated),
        figure.show(real),
        plot::bars(simulated, real, longest),
    )
}

/// How turnaround is distributed, simulated and for real.
fn distributions(outcomes: &[Outcome]) -> String {
    let curves = |run: fn(&Outcome) -> &Run| -> Vec<(usize, &str, Vec<f64>)> {
        let all = outcomes.iter().enumerate();
        all.map(|(nth, outcome)| (nth, outcome.policy.name, run(outcome).sorted(turnaround)))
            .collect()
    };
    let (simulated, real) = (curves(|of| &of.simulated), curves(|of| &of.real));
    let values = simulated.iter().chain(&real).flat_map(|curve| &curve.2);
    let range = Range::around(values.copied());
    format!(
        "<h3>Which part of the jobs was done after so long</h3><div class=pair>\
         <figure>{}<figcaption>simulated</figcaption></figure>\
         <figure>{}<figcaption>for real</figcaption></figure></div>",
        plot::distribution(&simulated, range),
        plot::distribution(&real, range),
    )
}

/// Who was worked on when, under each policy.
fn timelines(outcomes: &[Outcome]) -> String {
    let mut html = String::from("<h3>Who was worked on, and when</h3><p class=key>");
    let kinds = outcomes
        .first()
        .map(|first| timeline::kinds(&first.simulated));
    for (nth, kind) in kinds.iter().flatten().enumerate() {
        let _ = write!(
            html,
            "<i class='dot k{}'></i>{kind} ",
            nth % timeline::COLOURS
        );
    }
    html += "<span>thin: there, and waiting; red: a deadline that was missed</span></p>";
    html += &lanes(outcomes, |outcome| &outcome.simulated);
    html += "<details><summary>The same for real</summary>";
    html += &lanes(outcomes, |outcome| &outcome.real);
    html + "</details>"
}

/// A timeline for each policy, all as long as the longest run.
fn lanes(outcomes: &[Outcome], run: fn(&Outcome) -> &Run) -> String {
    let span = outcomes.iter().map(|outcome| run(outcome).length).max();
    let mut html = String::from("<div class=lanes>");
    for outcome in outcomes {
        let _ = write!(
            html,
            "<figure><figcaption>{} <small>{}</small></figcaption>{}</figure>",
            outcome.policy.name,
            outcome.policy.about,
            timeline::timeline(run(outcome), span.unwrap_or_default()),
        );
    }
    html + "</div>"
}
