// replay.js: the executor at one step: what is in its queue, whom it polls, who waits for what.
//
//   the world outside ──► ready queue ──► polled ──► waiting ──┐
//   timers, descriptors        ▲                               │ woken
//                              └───────────────────────────────┘
//
// Each task is a chip that keeps its identity from step to step: between two steps that follow each
// other it glides from panel to panel, unless motion is not wanted.
//
// Read next: `hands.js`.

/** How many chips a panel shows; of the others it tells the number. */
const CHIPS_MAX = 60;

/** How many events the list shows before and after the step. */
const LINES_BEFORE = 7, LINES_AFTER = 5;

/** How long a chip glides, in milliseconds. */
const GLIDE = 260;

/** The panels on their element. */
class Replay {
    constructor(section, { log, model, words, at, go, choose }) {
        Object.assign(this, { log, model, words, at, go, choose });
        this.part = (name) => section.querySelector(`[data-part="${name}"]`);
        this.chips = new Map();
        this.step = -1;
    }

    /** The chip of a task, made once. */
    chip(lane, isChild = false) {
        let chip = this.chips.get(lane);
        if (!chip) {
            chip = element("button", { class: "chip", type: "button", onclick: () => this.choose(lane) },
                element("b", {}, lane.task), this.words.nameOf(lane) && ` ${this.words.nameOf(lane)}`);
            this.chips.set(lane, chip);
        }
        chip.title = this.words.who(lane) + (lane.place < 0 ? "" : `, spawned at ${this.words.placeOf(lane.place)}`);
        delete chip.dataset.how;
        chip.classList.toggle("chosen", lane === this.at.lane);
        chip.classList.toggle("child", isChild);
        chip.classList.toggle("dim", this.at.query !== "" && lane.row < 0);
        return chip;
    }

    /** Shows the executor at the step. */
    draw() {
        const { at } = this;
        const glides = Math.abs(at.step - this.step) === 1 && at.speed <= 8 &&
            !matchMedia("(prefers-reduced-motion: reduce)").matches;
        const places = new Map();
        if (glides) {
            for (const [lane, chip] of this.chips) {
                if (chip.isConnected) places.set(lane, { box: chip.getBoundingClientRect(), panel: chip.closest("article") });
            }
        }
        const now = executorAt(this.log, this.model, at.step - 1);
        this.drawQueue(now);
        this.drawPolled(now);
        this.drawWaiting(now);
        this.drawTimers(now);
        this.drawSources(now);
        this.drawLog();
        this.step = at.step;
        for (const [lane, place] of places) this.glide(this.chips.get(lane), place);
        // Chips of former steps are made again when they are needed.
        if (this.chips.size > 20 * CHIPS_MAX) {
            for (const [lane, chip] of this.chips) if (!chip.isConnected) this.chips.delete(lane);
        }
    }

    /** Lets a chip come from where it was. Panels hide what leaves them: between two, a copy glides. */
    glide(chip, { box: from, panel }) {
        if (!chip.isConnected) return;
        const to = chip.getBoundingClientRect();
        const x = from.left - to.left, y = from.top - to.top;
        if (Math.abs(x) + Math.abs(y) < 2) return;
        const timing = { duration: GLIDE, easing: "cubic-bezier(.2,.7,.2,1)" };
        const way = [{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }];
        if (chip.closest("article") === panel) {
            chip.animate(way, timing);
            return;
        }
        const copy = chip.cloneNode(true);
        copy.className = "chip gliding";
        copy.inert = true;
        Object.assign(copy.style, { left: `${to.left}px`, top: `${to.top}px`, width: `${to.width}px`, height: `${to.height}px` });
        document.body.append(copy);
        chip.animate([{ opacity: 0 }, { opacity: 0 }], timing);
        copy.animate(way, timing).finished.finally(() => copy.remove());
    }

    /** Puts chips into a part of the page, at most so many. */
    fill(part, lanes, empty, isChild = false) {
        const shown = lanes.slice(0, CHIPS_MAX).map((lane) => this.chip(lane, isChild));
        const more = lanes.length - shown.length;
        if (more > 0) shown.push(element("span", { class: "more" }, `and ${grouped(more)} more`));
        if (lanes.length === 0 && empty) shown.push(element("p", { class: "empty" }, empty));
        part.replaceChildren(...shown);
    }

    /** Sets the number in the head of a panel. */
    count(name, number) {
        this.part(`${name}-count`).textContent = number === 0 ? "" : grouped(number);
    }

    /** The queue: those of this turn, those of the next, and children, whose scopes have queues. */
    drawQueue({ ready, children, turn }) {
        const lanes = ready.map((it) => it.lane);
        // A policy may take them in another order, and whoever comes: then nobody belongs to a turn.
        const { isFifo } = this.model;
        const now = turn && isFifo ? Math.min(turn.left, lanes.length) : 0;
        this.part("policy").hidden = isFifo;
        this.count("ready", lanes.length + children.length);
        this.part("turn").textContent = turn
            ? `Turn ${grouped(turn.nth)}: ${turn.left === 0 ? "no poll" : plural(turn.left, "poll")} left of ${grouped(turn.ready)}.`
            : "Between two turns.";
        this.fill(this.part("ready-now"), lanes.slice(0, now), "");
        this.fill(this.part("ready-next"), lanes.slice(now), lanes.length === 0 && children.length === 0 ? "Nobody is ready." : "");
        this.part("next-label").hidden = now === 0 || lanes.length === now;
        this.fill(this.part("ready-scoped"), children.map((it) => it.lane), "", true);
        this.part("scoped-label").hidden = children.length === 0;
    }

    /** Who is polled, the innermost last; or that the executor sleeps. */
    drawPolled({ polled, asleep }) {
        const { words, at } = this;
        this.part("polled").closest("article").classList.toggle("asleep", asleep !== null);
        const rest = asleep
            ? asleep.until === null || asleep.until === undefined ? "Asleep, until something comes from outside."
                : `Asleep until ${words.moment(asleep.until)}, or until something comes from outside.`
            : "Nobody: the executor is between two polls.";
        this.fill(this.part("polled"), polled, rest);
        const lane = polled[polled.length - 1];
        const note = this.part("polled-note");
        note.textContent = lane ? `for ${words.between(lane.starts[stateAt(lane, at.step - 1).nth], at.step - 1)} so far` : "";
    }

    /** Who waits, by what for; and who has ended. */
    drawWaiting({ waiting, unknown, ended }) {
        this.count("waiting", waiting.length + unknown.length);
        const kinds = new Map();
        for (const it of waiting) {
            const text = this.words.stateOf(it.lane, it.nth).replace("waits for ", "for ");
            if (!kinds.has(text)) kinds.set(text, { state: WAITING + it.kind, lanes: [] });
            kinds.get(text).lanes.push(it.lane);
        }
        if (unknown.length > 0) kinds.set("not recorded", { state: UNKNOWN, lanes: unknown });
        const groups = [...kinds].map(([text, { state, lanes }]) => {
            const chips = element("div", { class: "chips" });
            this.fill(chips, lanes, "");
            return element("div", { class: "group" }, element("h4", {}, element("i", { class: `sample ${STATE_COLOURS[state]}` }), text), chips);
        });
        if (groups.length === 0) groups.push(element("p", { class: "empty" }, "Nobody waits."));
        this.part("waiting").replaceChildren(...groups);
        this.count("ended", ended.length);
        this.fill(this.part("ended"), ended.slice(0, 12), "Nobody yet.");
        if (ended.length > 12) this.part("ended").append(element("span", { class: "more" }, `and ${grouped(ended.length - 12)} before`));
        for (const lane of ended.slice(0, 12)) {
            const chip = this.chip(lane);
            chip.title += `: ${ENDS[lane.how]}`;
            chip.dataset.how = lane.how;
        }
    }

    /** The deadlines, the next one first. */
    drawTimers({ timers }) {
        const { words, at } = this;
        this.count("timers", timers.length);
        const now = words.when(at.step - 1);
        const rows = timers.slice(0, CHIPS_MAX).map(({ timer, lane, deadline, start }) => {
            const due = deadline === undefined ? "not recorded" : deadline === null ? "never"
                : deadline <= now ? "is due" : `in ${duration(deadline - now)}`;
            const isNew = start === at.step - 1;
            return element("li", { class: isNew ? "new" : null }, element("b", {}, due),
                element("span", {}, `timer ${timer}`, lane ? ` of ${words.who(lane)}` : ""));
        });
        this.list("timers", rows, timers.length, "No deadline is set.", at.step - 1, TIMER_FIRED, "fires");
    }

    /** The descriptors and simulated sockets that are watched, each with who has waited for it last. */
    drawSources({ sources }) {
        const { words, at } = this;
        this.count("sources", sources.length);
        const now = at.step - 1;
        const rows = sources.slice(0, CHIPS_MAX).map((source) => {
            const { fd, start, since, ready } = source;
            const last = ready[countUpTo(ready, now) - 1];
            const lane = waiterAt(source, now);
            const what = last === undefined ? "nothing has come yet"
                : ["looked at", "writable", "readable", "readable, writable"][2 * this.log.rows[last][3] + this.log.rows[last][4]];
            const isNew = last === now || start === now || since.includes(now);
            return element("li", { class: isNew ? "new" : null }, element("b", {}, fd < 0 ? `socket ${-fd}` : `fd ${fd}`),
                element("span", {}, lane ? `for task ${lane.task}: ` : "", what));
        });
        this.list("sources", rows, sources.length, "No descriptor is watched.");
    }

    /** Puts rows into a list. An event of this kind, if it is the step's, stands above them. */
    list(name, rows, count, empty, i = -1, what = -1, says = "") {
        if (i >= 0 && this.log.what[i] === what) {
            rows.unshift(element("li", { class: "new" }, element("b", {}, says), element("span", {}, `timer ${this.log.rows[i][2]}`)));
        }
        if (count > CHIPS_MAX) rows.push(element("li", { class: "more" }, `and ${grouped(count - CHIPS_MAX)} more`));
        if (rows.length === 0) rows.push(element("li", { class: "empty" }, empty));
        this.part(name).replaceChildren(...rows);
    }

    /** The events around the step. */
    drawLog() {
        const { log, words, at } = this;
        const last = at.step - 1;
        const first = Math.max(0, Math.min(last - LINES_BEFORE, log.count - LINES_BEFORE - LINES_AFTER - 1));
        const lines = [];
        for (let i = first; i < Math.min(log.count, first + LINES_BEFORE + LINES_AFTER + 1); i++) {
            lines.push(element("li", { class: i === last ? "now" : i > last ? "later" : null },
                element("button", { class: "plain", type: "button", onclick: () => this.go(i + 1), "aria-current": i === last ? "step" : null },
                    element("span", { class: "nth" }, grouped(i + 1)), element("time", {}, words.moment(log.time[i])),
                    element("span", { class: "line" }, words.line(i)))));
        }
        if (lines.length === 0) lines.push(element("li", { class: "empty" }, "Nothing was recorded."));
        const list = this.part("log"), panel = list.closest(".scroll");
        list.replaceChildren(...lines);
        panel.scrollTop = 0;
        const now = list.querySelector(".now");
        if (now) panel.scrollTop = now.getBoundingClientRect().bottom - panel.getBoundingClientRect().bottom;
    }
}
