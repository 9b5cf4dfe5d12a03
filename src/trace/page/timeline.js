// timeline.js: the whole picture: the lanes, and around them the ruler, the executor's own lane, arrows
// from who wakes to who is woken, the cursor, and the names.
//
// What there may be too many of follows the law of `lanes.js`: what is not in the window is not looked
// at, and of what shares a pixel one is drawn. Arrows are the exception: as many as there are events
// would hide the lanes, so that beyond a number only those of the chosen lane are drawn.
//
// Read next: `overview.js`, the whole run in a strip; `page.js`, which asks for the drawing.

/** More wakes than these are not drawn at once. */
const ARROWS_MAX = 400;

/** Of more, those of the chosen lane are so many pixels apart. */
const ARROW_GAP = 5;

/** The picture on its canvas. */
class Timeline extends Lanes {
    constructor(canvas, page) {
        super(canvas, page);
        const { model } = page;
        this.wakesAt = model.wakes.map((wake) => wake.at);
        this.birthsAt = model.births.map((birth) => birth.at);
        this.sleepsAt = model.sleeps.map((sleep) => sleep.start);
    }

    /** Draws everything. */
    draw() {
        const { context: c, width, height, ratio, colours } = this;
        this.work = { looks: 0, lanes: 0, states: 0, columns: 0, arrows: 0, hidden: 0 };
        c.setTransform(ratio, 0, 0, ratio, 0, 0);
        c.font = this.font;
        c.textBaseline = "middle";
        c.fillStyle = colours.paper;
        c.fillRect(0, 0, width, height);
        this.scroll(0);
        c.save();
        c.beginPath();
        c.rect(this.labels, 0, width - this.labels, height);
        c.clip();
        this.drawSleeps();
        const ticks = this.drawGrid();
        const first = Math.floor(this.top / this.row);
        const last = Math.min(this.lanes.length, Math.ceil((this.top + height - this.lanesTop) / this.row));
        // A canvas is slow to change its colour: the rectangles of a state are drawn together.
        this.heaps = STATE_NAMES.map(() => []);
        this.busyHeap = [];
        this.texts = [];
        for (let row = first; row < last; row++) this.drawLane(this.lanes[row]);
        this.drawHeaps();
        for (let row = first; row < last; row++) this.drawEnds(this.lanes[row]);
        this.drawArrows();
        this.drawExecutor(ticks);
        this.drawCursor();
        c.restore();
        this.drawLabels(first, last);
    }

    /** The time in which the executor sleeps, behind everything. */
    drawSleeps() {
        const { context: c, scale, colours } = this;
        c.fillStyle = colours.sleep;
        this.columns(this.sleepsAt, (nth) => {
            const { start, end } = this.model.sleeps[nth];
            const x = scale.x(start), right = Math.min(scale.x(end), scale.right);
            c.fillRect(x, RULER, Math.max(right - x, 0.5), this.height);
            return right;
        }, (nth) => this.model.sleeps[nth].end);
    }

    /** Calls `draw` for what begins at `starts` and is in the window, once for each pixel. */
    columns(starts, draw, endOf = (nth) => starts[nth] + 1) {
        const { scale } = this;
        const first = scale.firstFrom(scale.low);
        let nth = countUpTo(starts, first - 1);
        if (nth > 0 && endOf(nth - 1) >= first) nth -= 1;
        while (nth < starts.length && scale.x(starts[nth]) <= scale.right) {
            this.work.looks += 1;
            const right = Math.max(draw(nth), scale.x(starts[nth]) + 0.5);
            nth = Math.max(nth + 1, countUpTo(starts, scale.eventAt(scale.positionOf(right) - 1e-9), nth));
        }
    }

    /** Lines at round moments. */
    drawGrid() {
        const { context: c, scale, colours } = this;
        const ticks = this.log.count === 0 ? [] : scale.ticks();
        c.fillStyle = colours.rule;
        for (const { position } of ticks) c.fillRect(Math.round(scale.pixel(position)), RULER, 1, this.height);
        return ticks;
    }

    /** Who woke whom, and who spawned whom. */
    drawArrows() {
        const { at, scale, wakesAt, birthsAt, model } = this;
        if (this.row < 6) return;
        const low = scale.firstFrom(scale.low), high = scale.eventAt(scale.high);
        const between = (starts) => [countUpTo(starts, low - 1), countUpTo(starts, high)];
        const [first, last] = between(wakesAt), [firstBirth, lastBirth] = between(birthsAt);
        const isFull = last - first > ARROWS_MAX;
        const focus = at.lane ?? this.hovered;
        const draw = (arrow, isBirth) => {
            const touches = arrow.from === focus || arrow.to === focus;
            if (isFull && !touches) return;
            if (this.work.arrows < 4 * ARROWS_MAX) this.drawArrow(arrow, isBirth, touches && focus !== null);
        };
        // Those of one lane are found by the lane, where all would be too many.
        if (isFull) {
            this.work.hidden = last - first;
            if (!focus) return;
            for (const wakes of [focus.wakes, focus.woke]) {
                let before = -Infinity;
                for (const wake of wakes) {
                    if (wake.at < low || wake.at > high || wake.by < 0 || scale.x(wake.at) < before + ARROW_GAP) continue;
                    before = scale.x(wake.at);
                    draw(wake, false);
                }
            }
        } else {
            for (let nth = first; nth < last; nth++) draw(model.wakes[nth], false);
        }
        if (lastBirth - firstBirth > ARROWS_MAX) return;
        for (let nth = firstBirth; nth < lastBirth; nth++) draw(model.births[nth], true);
    }

    /** One arrow, from lane to lane, or from the executor. */
    drawArrow({ at, from, to }, isBirth, isFocus) {
        const { context: c, scale, colours, row } = this;
        if (to.row < 0 || (from && from.row < 0)) return;
        const isSeen = (lane) => this.y(lane) + row > this.lanesTop && this.y(lane) < this.height;
        // One that only passes by tells nothing.
        if (!isFocus && !isSeen(to) && !(from && isSeen(from))) return;
        const x = scale.x(at);
        const goesDown = !from || from.row < to.row;
        const edge = (lane, isFoot) => this.band(lane).base - (isFoot ? 0 : this.band(lane).full);
        const start = from ? edge(from, goesDown) : this.lanesTop - 4, end = edge(to, !goesDown);
        this.work.arrows += 1;
        const head = goesDown ? -5 : 5;
        c.strokeStyle = c.fillStyle = colours.ink;
        c.globalAlpha = isFocus ? 1 : this.at.lane ? 0.25 : isBirth ? 0.4 : 0.5;
        c.lineWidth = isFocus ? 1.8 : 1;
        c.beginPath();
        if (isBirth) c.setLineDash([2, 3]);
        c.moveTo(x, start);
        c.lineTo(x, end + head);
        c.stroke();
        c.setLineDash([]);
        c.beginPath();
        c.moveTo(x, end);
        c.lineTo(x - 3, end + head);
        c.lineTo(x + 3, end + head);
        c.fill();
        if (from) {
            c.beginPath();
            c.arc(x, start, 2, 0, 7);
            c.fill();
        }
        c.globalAlpha = 1;
    }

    /** The ruler and the executor's own lane: its turns, its sleeps, and what came from outside. */
    drawExecutor(ticks) {
        const { context: c, scale, colours, width, log, model } = this;
        c.fillStyle = colours.panel;
        c.fillRect(this.labels, 0, width, RULER + EXECUTOR - 1);
        c.fillStyle = colours.muted;
        for (const { position, text } of ticks) {
            const x = Math.round(scale.pixel(position));
            c.fillRect(x, RULER - 5, 1, 5);
            const textWidth = this.widthOf(text);
            if (x + 4 + textWidth < width) c.fillText(text, x + 4, RULER / 2);
        }
        const middle = RULER + EXECUTOR / 2;
        this.columns(this.sleepsAt, (nth) => {
            const sleep = model.sleeps[nth];
            const left = Math.max(scale.x(sleep.start), this.labels), right = Math.min(scale.x(sleep.end), scale.right);
            c.fillStyle = colours.rule;
            c.fillRect(left, RULER + 5, Math.max(right - left - 1, 0.5), EXECUTOR - 11);
            c.fillStyle = colours.muted;
            const text = `asleep ${this.words.between(sleep.start, sleep.end)}`;
            if (right - left > TEXT_MIN) this.text(text, left + 6, middle, right - left - 8, Infinity);
            return right;
        }, (nth) => model.sleeps[nth].end);
        this.columns(model.turns, (nth) => {
            const left = scale.x(model.turns[nth]);
            const next = this.turnEnd(nth), right = Math.min(scale.x(next), scale.right);
            c.fillStyle = colours.faint;
            c.fillRect(Math.max(left, this.labels - 3), RULER + 5, Math.max(right - left - 1, 0.5), EXECUTOR - 11);
            c.fillStyle = colours.ink;
            if (right - left > TEXT_MIN) this.text(`turn of ${log.rows[model.turns[nth]][2]}`, Math.max(left, this.labels) + 6, middle, right - left - 8, Infinity);
            return right;
        }, (nth) => this.turnEnd(nth));
        c.fillStyle = colours.rule;
        c.fillRect(this.labels, RULER + EXECUTOR - 1, width, 1);
    }

    /** The event with which a turn ends. */
    turnEnd(nth) {
        const next = this.model.turns[nth + 1] ?? this.log.count;
        const sleep = countUpTo(this.sleepsAt, this.model.turns[nth]);
        return Math.min(next, this.sleepsAt[sleep] ?? next);
    }

    /** The cursor: what has happened lies left of it. */
    drawCursor() {
        const { context: c, scale, colours } = this;
        const x = Math.round(scale.pixel(scale.cursor(this.at.step)));
        if (this.log.count === 0 || x < scale.left - 1 || x > scale.right + 1) return;
        c.fillStyle = colours.accent;
        c.fillRect(x - 0.5, RULER - 6, 1.5, this.height);
        c.beginPath();
        c.moveTo(x - 5, RULER - 10);
        c.lineTo(x + 5.5, RULER - 10);
        c.lineTo(x + 0.25, RULER - 2);
        c.fill();
    }

    /** The names of the lanes. */
    drawLabels(first, last) {
        const { context: c, colours, labels, height, row } = this;
        c.fillStyle = colours.panel;
        c.fillRect(0, 0, labels, height);
        c.save();
        c.beginPath();
        c.rect(0, this.lanesTop, labels - 6, height);
        c.clip();
        for (let nth = first; nth < last; nth++) {
            const lane = this.lanes[nth], y = this.y(lane), isChosen = lane === this.at.lane;
            if (isChosen) {
                c.fillStyle = colours.accent;
                c.fillRect(0, y, Math.max(3, row / 8), row);
            }
            if (row < 10 && !(isChosen && row > 5)) continue;
            const indent = 10 + 9 * Math.min(lane.depth, 4);
            c.fillStyle = colours.muted;
            c.fillText(lane.task, indent, y + row / 2 + 0.5);
            c.fillStyle = isChosen ? colours.accent : colours.ink;
            const after = indent + this.widthOf(String(lane.task)) + 6;
            const name = this.words.nameOf(lane) || this.words.placeOf(lane.place).replace(/^.*[/\\]/, "").replace(/:\d+$/, "");
            if (lane.name < 0) c.fillStyle = colours.muted;
            this.text(name, after, y + row / 2 + 0.5, labels - after - 8, 12);
        }
        c.restore();
        c.fillStyle = colours.muted;
        c.fillText(this.scale.axis === "time" ? "time" : "step", 10, RULER / 2);
        c.fillStyle = colours.ink;
        c.fillText("executor", 10, RULER + EXECUTOR / 2);
        c.fillStyle = colours.rule;
        c.fillRect(labels - 1, 0, 1, height);
        c.fillRect(0, this.lanesTop - 1, labels, 1);
        this.drawBar();
    }

    /** Where in all lanes one is, if there are more than fit. */
    drawBar() {
        const room = this.height - this.lanesTop, all = this.lanes.length * this.row;
        if (all <= room) return;
        const long = Math.max(room * room / all, 24);
        this.context.fillStyle = this.colours.muted;
        this.context.globalAlpha = 0.5;
        this.context.fillRect(this.width - 6, this.lanesTop + this.top / (all - room) * (room - long), 4, long);
        this.context.globalAlpha = 1;
    }
}
