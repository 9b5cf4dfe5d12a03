// scale.js: which part of the run is seen, and where on the screen an event lies.
//
//   event ──► axis (nanoseconds, or steps) ──► pixels
//
// There are two axes. On *time* a poll is as wide as it is long; between two polls that are microseconds
// long there may be a second of sleep. On *steps* each event is as wide as any other: nothing is too
// short to be seen, and on a virtual clock, where polls take no time, it is the only axis that shows
// them. Both ascend with the event's index, so that all searching is done among indices.
//
// Read next: `colours.js`; then `lanes.js`, which draws by it.

/** How many pixels one zoom by key or button is; and by a notch of the wheel. */
const ZOOM_STEP = 1.6;

/** The narrowest window: so many steps, or nanoseconds. */
const NARROWEST = { steps: 6, time: 20 };

/** The part of the run that is seen: `low` to `high` on the axis, `left` to `right` on the screen. */
class Scale {
    constructor(log, model) {
        this.log = log;
        this.left = 0;
        this.right = 1;
        this.setAxis(model.polled > 0 ? "time" : "steps");
    }

    /** Changes the axis, and shows the same events as before. */
    setAxis(axis) {
        const isWhole = this.axis === undefined || this.high - this.low >= this.length;
        const seen = isWhole ? null : [this.firstFrom(this.low), this.eventAt(this.high)];
        this.axis = axis;
        this.length = axis === "steps" ? Math.max(this.log.count, 1) : Math.max(this.log.end, 1);
        if (isWhole) this.fit();
        else this.show(this.position(seen[0]), this.position(seen[1]));
    }

    /** Where on the axis an event lies. */
    position(i) {
        const { log } = this;
        if (i < 0 || log.count === 0) return 0;
        if (this.axis === "steps") return Math.min(i, log.count);
        return i >= log.count ? log.end : log.time[i];
    }

    /** The last event at or before a position of the axis, or -1. */
    eventAt(position) {
        if (this.axis === "steps") return Math.min(Math.floor(position), this.log.count - 1);
        return countUpTo(this.log.time, position) - 1;
    }

    /** The first event at or after a position of the axis, or as many as there are. */
    firstFrom(position) {
        const { log } = this;
        if (this.axis === "steps") return Math.min(Math.max(Math.ceil(position), 0), log.count);
        let low = 0, high = log.count;
        while (low < high) {
            const middle = (low + high) >>> 1;
            if (log.time[middle] < position) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /** A position in pixels. */
    pixel(position) {
        return this.left + (position - this.low) / (this.high - this.low) * (this.right - this.left);
    }

    /** An event in pixels. */
    x(i) {
        return this.pixel(this.position(i));
    }

    /** The position of a pixel. */
    positionOf(x) {
        return this.low + (x - this.left) / (this.right - this.left) * (this.high - this.low);
    }

    /** Where the cursor stands when `step` events have happened: after the last of them. */
    cursor(step) {
        if (this.axis === "time") return this.position(step - 1);
        return Math.max(step - 0.5, 0);
    }

    /** Shows everything. */
    fit() {
        this.low = 0;
        this.high = this.length;
    }

    /** Shows a part, moved and widened to what there is. */
    show(low, high) {
        const width = Math.min(Math.max(high - low, NARROWEST[this.axis]), Math.max(this.length, 1));
        const middle = (low + high) / 2;
        this.low = Math.min(Math.max(middle - width / 2, 0), this.length - width);
        this.high = this.low + width;
    }

    /** Zooms by a factor; the position stays where it is on the screen. */
    zoom(factor, position = (this.low + this.high) / 2) {
        const width = (this.high - this.low) / factor;
        const least = Math.min(NARROWEST[this.axis], this.length);
        const real = Math.min(Math.max(width, least), this.length) / (this.high - this.low);
        this.show(position - (position - this.low) * real, position + (this.high - position) * real);
    }

    /** Moves by so many pixels. */
    pan(pixels) {
        const by = pixels / (this.right - this.left) * (this.high - this.low);
        this.show(this.low + by, this.high + by);
    }

    /** Moves, if need be, so that a position can be seen with some room around it. */
    reveal(position) {
        const room = (this.high - this.low) * 0.1;
        if (position < this.low + room) this.show(position - room, this.high - this.low + position - room);
        else if (position > this.high - room) this.show(this.low - this.high + position + room, position + room);
    }

    /** The positions of round numbers, and their texts. */
    ticks() {
        const wanted = Math.max((this.right - this.left) / 110, 2);
        const raw = (this.high - this.low) / wanted;
        const power = 10 ** Math.floor(Math.log10(raw));
        let step = [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= raw);
        if (this.axis === "steps") step = Math.max(Math.round(step), 1);
        else step = clockStep(step, raw);
        const ticks = [];
        for (let nth = Math.ceil(this.low / step); nth * step <= this.high; nth++) {
            const position = nth * step;
            ticks.push({ position, text: this.axis === "steps" ? grouped(position) : tickText(position, step) });
        }
        return ticks;
    }
}

/** Above a minute, round numbers are those of clocks. */
function clockStep(step, raw) {
    if (raw < 20e9) return step;
    const rounds = [30, 60, 120, 300, 600, 1800, 3600, 7200, 18000, 36000, 86400].map((s) => s * 1e9);
    return rounds.find((round) => round >= raw) ?? Math.ceil(raw / 86400e9) * 86400e9;
}

/** A moment as precise as the distance of two ticks asks for. */
function tickText(position, step) {
    if (position === 0) return "0";
    if (step >= 30e9) return duration(position);
    const [name, unit] = UNITS.find(([name, unit]) => unit <= position && unit <= 1e9 && name !== "min")
        ?? UNITS[UNITS.length - 1];
    const digits = Math.max(0, -Math.floor(Math.log10(step / unit) + 1e-9));
    return `${(position / unit).toFixed(digits)} ${name}`;
}
