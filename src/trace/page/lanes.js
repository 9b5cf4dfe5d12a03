// lanes.js: where on the canvas the lanes lie, and how one is drawn.
//
// What is not on the screen is not looked at: a binary search finds the first state in the window, and
// where several states share a pixel they become one column, after which another search finds the next
// one. So a picture costs at most so many looks as there are pixels in the visible lanes, be there ten
// events or a hundred thousand; `work` counts them, and a test holds them down. A column of several
// states has the colour of the wait, and over it a poll as opaque as it is busy.
//
// Read next: `timeline.js`, the whole picture.

/** Heights in pixels: the ruler, the executor's own lane, a lane, one that has much room, and a low one. */
const RULER = 24, EXECUTOR = 34, ROW = 26, ROW_HIGH = 38, ROW_LOW = 12;

/** Below this width in pixels a state has no text. */
const TEXT_MIN = 34;

/** Below this width a text that does not fit is left out; above, its beginning is written. */
const PART_MIN = 64;

/** The lanes on their canvas. `at` is what the page is about: step, chosen lane, search, height of rows. */
class Lanes {
    constructor(canvas, { log, model, words, scale, at }) {
        Object.assign(this, { canvas, log, model, words, scale, at });
        this.context = canvas.getContext("2d");
        this.widths = new Map();
        this.top = 0;
        this.hovered = null;
        this.setLanes(model.order);
        for (const lane of model.lanes) lane.busy = {};
    }

    /** Shows these lanes, in this order. */
    setLanes(lanes) {
        for (const lane of this.model.lanes) lane.row = -1;
        this.lanes = lanes;
        lanes.forEach((lane, row) => lane.row = row);
    }

    /** Takes the size of the canvas on the page, and its colours. */
    resize(colours) {
        const { clientWidth: width, clientHeight: height } = this.canvas;
        const ratio = window.devicePixelRatio || 1;
        Object.assign(this, { width, height, ratio, colours });
        this.canvas.width = Math.round(width * ratio);
        this.canvas.height = Math.round(height * ratio);
        this.labels = Math.min(Math.max(Math.round(width * 0.17), 96), 240);
        this.scale.left = this.labels + 8;
        this.scale.right = Math.max(width - 18, this.labels + 20);
        const style = getComputedStyle(document.body);
        this.font = `11px ${style.fontFamily}`;
        this.widths.clear();
    }

    /** The height of a lane. */
    get row() {
        const room = (this.height - RULER - EXECUTOR) / Math.max(this.lanes.length, 1);
        if (this.at.rows === "all") return Math.min(Math.max(room, 1), ROW);
        return this.at.rows === "low" ? ROW_LOW : Math.min(Math.max(Math.floor(room), ROW), ROW_HIGH);
    }

    /** Where the lanes begin. */
    get lanesTop() {
        return RULER + EXECUTOR;
    }

    /** Moves the lanes up by so many pixels, as far as there are some. */
    scroll(by) {
        const all = this.lanes.length * this.row;
        this.top = Math.max(0, Math.min(this.top + by, all - (this.height - this.lanesTop)));
    }

    /** Moves the lanes, if need be, so that one can be seen. */
    reveal(lane) {
        if (lane.row < 0) return;
        const y = lane.row * this.row, room = this.height - this.lanesTop;
        if (y < this.top) this.scroll(y - this.top - this.row);
        else if (y + this.row > this.top + room) this.scroll(y + 2 * this.row - this.top - room);
    }

    /** Where a lane begins on the screen. */
    y(lane) {
        return this.lanesTop + lane.row * this.row - this.top;
    }

    /** What lies under a point: a lane, and its state there; or the executor, and an event there. */
    hit(x, y) {
        const i = this.scale.eventAt(this.scale.positionOf(x));
        if (y < this.lanesTop) return { lane: null, isLabel: x < this.labels, i };
        const lane = this.lanes[Math.floor((y - this.lanesTop + this.top) / this.row)];
        if (!lane) return null;
        const { nth, state } = stateAt(lane, i);
        return { lane, isLabel: x < this.labels, i, nth, state };
    }

    /** One lane. */
    drawLane(lane) {
        const { context: c, scale, colours, row } = this;
        const y = this.y(lane), { base, full } = this.band(lane);
        // Low lanes need no fine columns.
        const fine = row < 4 ? 2 : 1;
        this.work.lanes += 1;
        if (lane === this.at.lane || lane === this.hovered) {
            c.fillStyle = colours.accent;
            c.globalAlpha = lane === this.at.lane ? 0.13 : 0.06;
            c.fillRect(this.labels, y, this.width, row);
            c.globalAlpha = 1;
        }
        let nth = Math.max(countUpTo(lane.starts, scale.firstFrom(scale.low) - 1) - 1, 0);
        while (nth < lane.starts.length) {
            this.work.looks += 1;
            const left = scale.x(lane.starts[nth]);
            if (left > scale.right) break;
            const right = scale.x(endOf(lane, nth));
            if (right - left >= fine || nth + 1 === lane.starts.length) {
                this.drawState(lane, nth, Math.max(left, this.labels), Math.min(right, scale.right), base, full);
                nth += 1;
                continue;
            }
            // Several in one column, or part of it: all up to the next column become one.
            const column = Math.floor(left / fine) * fine;
            const next = Math.max(nth + 1, Math.min(
                countUpTo(lane.starts, scale.eventAt(scale.positionOf(column + fine) - 1e-9), nth) - 1,
                lane.starts.length - 1));
            this.drawColumn(lane, nth, next, column, fine, base, full);
            nth = next;
        }
    }

    /** Where within its row a lane is drawn: up from `base`, `full` pixels at most. */
    band(lane) {
        const { row } = this;
        const gap = row >= 8 ? Math.round(row * 0.16) : row >= 3 ? 0.5 : 0;
        return { base: this.y(lane) + row - gap, full: row - 2 * gap };
    }

    /** One state that is wide enough to be seen. */
    drawState(lane, nth, left, right, base, full) {
        const state = lane.states[nth];
        const height = Math.max(STATE_HEIGHTS[state] * full, Math.min(full, 1));
        const dash = STATE_DASHES[state], heap = this.heaps[state];
        this.work.states += 1;
        if (dash && right - left > 12) {
            for (let x = left; x < right; x += dash[0] + dash[1]) heap.push(x, base - height, Math.min(dash[0], right - x), height);
        } else {
            // A hair between two polls that follow each other.
            const hair = state === RUNNING && right - left > 4 ? 0.75 : 0;
            heap.push(left, base - height, Math.max(right - left - hair, 0.75), height);
        }
        if (full >= 14 && right - left >= TEXT_MIN) this.texts.push({ lane, nth, left, right, y: base - full / 2 + 0.5, above: base - height - (full - height) / 2 + 1 });
    }

    /** Several states in one column: the wait, and over it the polls, as opaque as they are busy. */
    drawColumn(lane, from, to, x, width, base, full) {
        this.work.columns += 1;
        let state = lane.states[from];
        if (state === RUNNING && from + 1 < to) state = lane.states[from + 1];
        const height = Math.max(STATE_HEIGHTS[state] * full, Math.min(full, 1));
        this.heaps[state].push(x, base - height, width, height);
        const busy = this.busyBetween(lane, from, to);
        if (busy !== null) this.busyHeap.push(x, base - full, width, full, 0.35 + 0.65 * busy);
    }

    /** Draws what the lanes have heaped up, a colour after the other, and the texts over it. */
    drawHeaps() {
        const { context: c, colours, words } = this;
        this.heaps.forEach((heap, state) => {
            c.fillStyle = colours.states[state];
            for (let k = 0; k < heap.length; k += 4) c.fillRect(heap[k], heap[k + 1], heap[k + 2], heap[k + 3]);
        });
        c.fillStyle = colours.states[RUNNING];
        const heap = this.busyHeap;
        for (let k = 0; k < heap.length; k += 5) {
            c.globalAlpha = heap[k + 4];
            c.fillRect(heap[k], heap[k + 1], heap[k + 2], heap[k + 3]);
        }
        c.globalAlpha = 1;
        for (const { lane, nth, left, right, y, above } of this.texts) {
            const state = lane.states[nth], room = right - left - 8;
            c.fillStyle = state === RUNNING ? colours.paper : colours.muted;
            if (state === RUNNING) this.text(words.between(lane.starts[nth], endOf(lane, nth)), left + 5, y, room, Infinity);
            else if (state === READY) this.text("ready", left + 5, above, room, Infinity);
            else this.text(words.stateOf(lane, nth).replace("waits for ", ""), left + 5, above, room);
        }
    }

    /** Which part of some states of a lane is spent in polls; `null` if there is no poll. */
    busyBetween(lane, from, to) {
        const { scale } = this;
        let sums = lane.busy[scale.axis];
        if (!sums) {
            // Sums of what was before, so that any stretch is a difference.
            sums = lane.busy[scale.axis] = { spent: new Float64Array(lane.starts.length + 1), polls: new Uint32Array(lane.starts.length + 1) };
            for (let nth = 0; nth < lane.starts.length; nth++) {
                const isPoll = lane.states[nth] === RUNNING;
                const width = scale.position(endOf(lane, nth)) - scale.position(lane.starts[nth]);
                sums.spent[nth + 1] = sums.spent[nth] + (isPoll ? width : 0);
                sums.polls[nth + 1] = sums.polls[nth] + (isPoll ? 1 : 0);
            }
        }
        if (sums.polls[to] === sums.polls[from]) return null;
        const width = scale.position(endOf(lane, to - 1)) - scale.position(lane.starts[from]);
        return width > 0 ? (sums.spent[to] - sums.spent[from]) / width : 0;
    }

    /** The birth and the end of a lane. */
    drawEnds(lane) {
        const { context: c, scale, colours } = this;
        const { base, full } = this.band(lane);
        if (full < 6) return;
        const middle = base - full / 2;
        if (lane.born >= 0) {
            const x = scale.x(lane.born);
            c.beginPath();
            c.arc(x, middle, Math.min(full / 5, 3.5), 0, 7);
            c.fillStyle = colours.paper;
            c.strokeStyle = colours.ink;
            c.lineWidth = 1.2;
            c.fill();
            c.stroke();
        }
        if (lane.how === null) return;
        const x = scale.x(lane.end);
        if (lane.how === 0) {
            c.fillStyle = colours.ink;
            c.fillRect(x - 0.5, base - full, 1.5, full);
            return;
        }
        c.font = `bold ${Math.min(full, 15)}px ${this.font.slice(5)}`;
        c.fillStyle = lane.how === 2 ? colours.bad : colours.ink;
        c.fillText(lane.how === 2 ? "!" : "×", x + 2, middle + 0.5);
        c.font = this.font;
    }

    /** How wide a text is. */
    widthOf(text) {
        let width = this.widths.get(text);
        if (width === undefined) {
            if (this.widths.size > 5000) this.widths.clear();
            this.widths.set(text, width = this.context.measureText(text).width);
        }
        return width;
    }

    /** Writes a text, or as much of it as there is room for, unless that is less than `least`. */
    text(text, x, y, room, least = PART_MIN) {
        // A part of a state may lie left of the window: its text does not.
        const from = Math.max(x, this.scale.left + 5);
        const width = this.widthOf(text);
        const left = x < this.labels - 5 ? x : from;
        const rest = room - (left - x);
        if (width <= rest) this.context.fillText(text, left, y);
        else if (rest > least) {
            const part = text.slice(0, Math.max(Math.floor(text.length * (rest - 12) / width), 1));
            this.context.fillText(`${part.trimEnd()}…`, left, y);
        }
    }
}
