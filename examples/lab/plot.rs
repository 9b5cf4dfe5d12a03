//! Plots as SVG: bars in a table's cell, and the distribution of a figure over the jobs.

use std::fmt::Write;

/// The size of a plot, without its axes.
const SIZE: (f64, f64) = (420.0, 190.0);

/// Where the plot begins: left of it and below it are the axes.
const ORIGIN: (f64, f64) = (40.0, 8.0);

/// The range of a logarithmic axis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    /// The logarithm of its least value.
    from: f64,
    /// And of its greatest.
    to: f64,
}

impl Range {
    /// The range of these values; what is less than a tenth counts as that.
    pub(crate) fn around(values: impl Iterator<Item = f64>) -> Self {
        let (least, most) = values.fold((f64::INFINITY, 1.0_f64), |(least, most), value| {
            (least.min(value), most.max(value))
        });
        let (from, to) = (least.clamp(0.1, most / 2.0), most * 1.05);
        Self {
            from: from.log10(),
            to: to.log10(),
        }
    }

    /// How far along the axis a value is, from 0 to 1.
    fn part(self, value: f64) -> f64 {
        let part = (value.max(1e-9).log10() - self.from) / (self.to - self.from);
        part.clamp(0.0, 1.0)
    }

    /// 1, 2 and 5 of each power of ten that is in the range.
    fn ticks(self) -> impl Iterator<Item = f64> {
        let powers = self.from.floor() as i32..=self.to.ceil() as i32;
        let ticks = powers.flat_map(|power| [1.0, 2.0, 5.0].map(|tick| tick * 10_f64.powi(power)));
        ticks.filter(move |tick| (self.from..=self.to).contains(&tick.log10()))
    }
}

/// A number with as few digits as a picture needs.
pub(crate) fn short(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), String::from)
}

/// Two bars, simulated and real, each of them a part of the longest one.
pub(crate) fn bars(simulated: f64, real: f64, longest: f64) -> String {
    let width = |value: f64| short(100.0 * value / if longest > 0.0 { longest } else { 1.0 });
    format!(
        "<svg class=bar viewBox='0 0 100 7' preserveAspectRatio=none aria-hidden=true>\
         <rect class=simulated width={} height=4 /><rect class=real y=5 width={} height=2 /></svg>",
        width(simulated),
        width(real),
    )
}

/// For each curve the part of its values (which come sorted) that is at most so large. A curve has the
/// colour of its number.
pub(crate) fn distribution(curves: &[(usize, &str, Vec<f64>)], range: Range) -> String {
    let (width, height) = SIZE;
    let (left, top) = ORIGIN;
    let x = |value: f64| short(left + width * range.part(value));
    let y = |part: f64| short(top + height * (1.0 - part));
    let (right, bottom) = (left + width, top + height);
    let mut svg = format!(
        "<svg class=plot viewBox='0 0 {} {}' role=img>",
        right + 10.0,
        bottom + 34.0
    );
    for percent in [0, 25, 50, 75, 100] {
        let y = y(f64::from(percent) / 100.0);
        let _ = write!(
            svg,
            "<path class=grid d='M{left} {y}H{right}'/><text class=y x={} y={y}>{percent} %</text>",
            left - 6.0,
        );
    }
    for value in range.ticks() {
        let x = x(value);
        let _ = write!(
            svg,
            "<path class=grid d='M{x} {top}V{bottom}'/><text class=x x={x} y={}>{value}</text>",
            bottom + 15.0,
        );
    }
    let _ = write!(
        svg,
        "<text class=x x={} y={}>milliseconds</text>",
        left + width / 2.0,
        bottom + 30.0
    );
    for (colour, name, values) in curves {
        let mut path = format!("M{} {}", x(0.0), y(0.0));
        for (nth, value) in values.iter().enumerate() {
            let part = (nth + 1) as f64 / values.len() as f64;
            let _ = write!(path, "H{}V{}", x(*value), y(part));
        }
        let _ = write!(
            svg,
            "<path class='curve p{}' d='{path}H{right}'><title>{name}</title></path>",
            colour % COLOURS,
        );
    }
    svg + "</svg>"
}

/// How many colours there are for policies.
pub(crate) const COLOURS: usize = 10;
