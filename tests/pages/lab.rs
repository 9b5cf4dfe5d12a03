//! The report of the laboratory: `examples/lab`.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::open_written;

/// The report on these policies and workloads, as the laboratory itself writes it, in a file of this name.
fn report(name: &str, policies: &str, workloads: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let done = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--example", "lab", "--"])
        .args(["--policy", policies, "--workload", workloads])
        .args(["--quick", "--seed", "3", "--out"])
        .arg(&file)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    std::fs::read(file).expect("a report")
}

#[test]
fn the_report_compares_policies_in_figures_plots_and_timelines() {
    let write = |mut out: std::io::BufWriter<_>| {
        out.write_all(&report("report.html", "fifo,shy", "periodic,rush"))
    };
    let Some(mut page) = open_written("lab", "", write) else {
        return;
    };
    let heads = page.texts("h1, h2");
    assert_eq!(heads, ["The laboratory", "At a glance", "periodic", "rush"]);
    assert!(page.text("header").contains("(seed 3)"));
    // At a glance: a row a policy, a column a workload.
    assert_eq!(page.texts(".glance th[scope=row]"), ["fifo", "shy"]);
    let glance = page.texts(".glance td[style]");
    assert_eq!(glance.len(), 4);
    assert_eq!(
        glance[0], "100",
        "first come, first served meets all deadlines"
    );
    assert_eq!(page.text(".glance .best"), "100");
    // The workload itself: two values in each cell, two plots of all policies, and a timeline for each,
    // simulated, and for real behind a triangle.
    let figures = page.number("document.querySelectorAll('#periodic .figures td b').length");
    assert_eq!(figures, 16.0);
    let drawn = |what: &str| format!("document.querySelectorAll('#periodic {what}').length");
    assert_eq!(page.number(&drawn(".pair svg")), 2.0);
    assert_eq!(page.number(&drawn(".lanes svg")), 4.0);
    assert_eq!(page.number(&drawn("details .lanes svg")), 2.0);
    // 28 jobs of one kind and 20 of the other, and no deadline is missed in the order of their coming.
    let works = |kind| {
        drawn(&format!(
            ".lanes:not(details *) figure:first-child .k{kind}"
        ))
    };
    assert_eq!(page.number(&works(0)), 28.0);
    assert_eq!(page.number(&works(1)), 20.0);
    let late = "[...document.querySelectorAll('#periodic .lanes:not(details *) .late')].map((it) => it.getAttribute('d') !== '').join(' ')";
    assert_eq!(page.ask(late), "false true");
}

#[test]
fn the_report_fits_a_telephone_and_the_night() {
    let write = |mut out: std::io::BufWriter<_>| {
        out.write_all(&report("report-small.html", "fifo,lifo", "batch"))
    };
    let Some(mut page) = open_written("lab-small", "", write) else {
        return;
    };
    let ground = "getComputedStyle(document.body).backgroundColor";
    let light = page.ask(ground);
    page.prefer("dark");
    page.reopen("");
    assert_ne!(page.ask(ground), light);
    page.resize(390, 844, 3, true);
    page.reopen("");
    // What is wider scrolls by itself.
    assert_eq!(page.number("document.documentElement.scrollWidth"), 390.0);
    let tables = "[...document.querySelectorAll('table')].every((it) => it.closest('.wide'))";
    assert_eq!(page.ask(tables), "true");
}
