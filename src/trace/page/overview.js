// overview.js: the whole run in a strip: how busy it was, how long the queue, and which part is seen.
//
// The strip is computed once for each width and axis, in one pass over the log, and kept as a picture;
// what moves (window and cursor) is drawn over it.
//
// Read next: `life.js`.

/** How near to an edge of the window a pointer takes hold of the edge, in pixels. */
const GRIP = 7;

/** The strip on its canvas. */
class Overview {
    constructor(canvas, { log, model, scale, at }) {
        Object.assign(this, { canvas, log, model, scale, at });
        this.context = canvas.getContext("2d");
        this.kept = null;
    }

    /** Takes the size of the canvas on the page, and its colours. */
    resize(colours) {
        const ratio = window.devicePixelRatio || 1;
        const { clientWidth: width, clientHeight: height } = this.canvas;
        Object.assign(this, { colours, width, height, ratio });
        this.canvas.width = Math.round(width * ratio);
        this.canvas.height = Math.round(height * ratio);
        this.kept = null;
    }

    /** A position on the axis in pixels of the strip, and back. */
    x(position) {
        return position / this.scale.length * this.width;
    }
    positionOf(x) {
        return x / this.width * this.scale.length;
    }

    /** For each pixel: the part of it in which a task was polled, and how many were ready. */
    measure() {
        const { log, model, scale } = this;
        const columns = Math.max(Math.ceil(this.width), 1);
        const busy = new Float64Array(columns), ready = new Float64Array(columns);
        /** Adds `amount` for each pixel between two positions. */
        const add = (sums, from, to, amount) => {
            let left = Math.max(this.x(from), 0);
            const right = Math.min(this.x(to), columns);
            while (left < right) {
                const column = Math.floor(left), next = Math.min(column + 1, right);
                sums[column] += (next - left) * amount;
                left = next;
            }
        };
        const { pollAt, pollStack } = model;
        for (let nth = 0; nth < pollAt.length; nth++) {
            if (pollStack[nth]) add(busy, scale.position(pollAt[nth]), scale.position(pollAt[nth + 1] ?? log.count), 1);
        }
        // How many are ready changes by one at each border of such a state: the changes, in order.
        const changes = new Int32Array(log.count + 2);
        for (const lane of model.lanes) {
            for (let nth = 0; nth < lane.starts.length; nth++) {
                if (lane.states[nth] !== READY) continue;
                changes[lane.starts[nth] + 1] += 1;
                changes[endOf(lane, nth) + 1] -= 1;
            }
        }
        let count = changes[0];
        for (let i = 0; i < log.count; i++) {
            count += changes[i + 1];
            if (count > 0) add(ready, scale.position(i), scale.position(i + 1), count);
        }
        return { busy, ready, most: ready.reduce((most, value) => Math.max(most, value), 0) };
    }

    /** Draws the strip, without what moves. */
    drawKept() {
        const { width, height, ratio, colours } = this;
        const kept = document.createElement("canvas");
        kept.width = this.canvas.width;
        kept.height = this.canvas.height;
        const c = kept.getContext("2d");
        c.scale(ratio, ratio);
        c.fillStyle = colours.panel;
        c.fillRect(0, 0, width, height);
        const { busy, ready, most } = this.measure();
        this.most = most;
        const floor = height - 1, full = height - 6;
        for (let x = 0; x < busy.length; x++) {
            const high = Math.min(busy[x], 1) * full;
            c.fillStyle = colours.running;
            c.globalAlpha = 0.55;
            if (high > 0) c.fillRect(x, floor - Math.max(high, 1), 1, Math.max(high, 1));
        }
        c.globalAlpha = 1;
        c.strokeStyle = colours.ready;
        c.lineWidth = 1.25;
        c.beginPath();
        for (let x = 0; x < ready.length; x++) {
            const y = floor - (most > 0 ? ready[x] / most : 0) * full;
            if (x === 0) c.moveTo(x, y);
            else c.lineTo(x, y);
        }
        c.stroke();
        this.kept = kept;
    }

    /** Draws the strip, the window and the cursor. */
    draw() {
        const { context: c, width, height, ratio, colours, scale } = this;
        if (!this.kept || this.axis !== scale.axis) this.drawKept();
        this.axis = scale.axis;
        c.setTransform(1, 0, 0, 1, 0, 0);
        c.drawImage(this.kept, 0, 0);
        c.setTransform(ratio, 0, 0, ratio, 0, 0);
        const left = this.x(scale.low), right = this.x(scale.high);
        c.fillStyle = colours.paper;
        c.globalAlpha = 0.72;
        c.fillRect(0, 0, left, height);
        c.fillRect(right, 0, width - right, height);
        c.globalAlpha = 1;
        c.strokeStyle = colours.muted;
        c.lineWidth = 1;
        if (right - left < width - 1) {
            c.strokeRect(Math.round(left) + 0.5, 0.5, Math.max(Math.round(right - left) - 1, 3), height - 1);
        }
        c.fillStyle = colours.accent;
        c.fillRect(Math.round(this.x(scale.cursor(this.at.step))) - 0.5, 0, 1.5, height);
    }

    /** What a pointer takes hold of: an edge of the window, the window, or a new place for it. */
    grip(x) {
        const left = this.x(this.scale.low), right = this.x(this.scale.high);
        const isWhole = right - left >= this.width - 1;
        if (!isWhole && Math.abs(x - left) < GRIP) return "low";
        if (!isWhole && Math.abs(x - right) < GRIP) return "high";
        return x > left && x < right && !isWhole ? "window" : "new";
    }

    /** Moves what was taken hold of, from where it was to `x`. */
    drag(grip, x, from) {
        const { scale } = this;
        const position = Math.min(Math.max(this.positionOf(x), 0), scale.length);
        if (grip === "low") scale.show(Math.min(position, from.high), from.high);
        else if (grip === "high") scale.show(from.low, Math.max(position, from.low));
        else if (grip === "window") {
            const by = this.positionOf(x - from.x);
            scale.show(from.low + by, from.high + by);
        } else {
            const start = this.positionOf(from.x);
            scale.show(Math.min(start, position), Math.max(start, position));
        }
    }
}
