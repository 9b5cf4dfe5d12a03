// life.js: the panel that tells the life of one task: where it comes from, what it did, how it ended.
//
// Read next: `replay.js`.

/** How many states are told at first, and how many more each time one asks. */
const STATES_TOLD = 150;

/** The panel on its element. `go` takes the page to a step, `choose` to another task. */
class Life {
    constructor(panel, { log, model, words, at, go, choose, zoomTo }) {
        Object.assign(this, { panel, log, model, words, at, go, choose, zoomTo });
        this.told = STATES_TOLD;
        this.lane = null;
    }

    /** Tells of a lane, or closes the panel. */
    show(lane) {
        this.panel.hidden = lane === null;
        if (lane !== this.lane) {
            this.told = STATES_TOLD;
            this.panel.scrollTop = 0;
        }
        this.lane = lane;
        if (lane !== null) this.panel.replaceChildren(...this.tell(lane));
    }

    /** The step has changed: what the task does there, and which row that is. */
    update() {
        const { lane, at, words } = this;
        if (lane === null) return;
        const { nth, state } = stateAt(lane, at.step - 1);
        const now = this.panel.querySelector("#life-now");
        const isBefore = at.step - 1 < lane.born;
        now.textContent = `After step ${grouped(at.step)} it ` + (isBefore ? "is not born yet."
            : state === UNKNOWN ? "is in a state that was not recorded."
            : state === null ? `has ended: it ${ENDS[lane.how]}.` : `${words.stateOf(lane, nth)}.`);
        this.panel.querySelector("tr.now")?.classList.remove("now");
        this.panel.querySelector(`tr[data-nth="${isBefore ? -1 : nth}"]`)?.classList.add("now");
    }

    /** A button that is a link to an event. */
    link(text, i, title = "go there") {
        return element("button", { class: "link", type: "button", title, onclick: () => this.go(i + 1) }, text);
    }

    /** A button that is a link to a task. */
    task(lane) {
        return element("button", { class: "link", type: "button", onclick: () => this.choose(lane) }, this.words.who(lane));
    }

    /** All of it. */
    tell(lane) {
        const { words } = this;
        const close = element("button", { class: "plain close", type: "button", "aria-label": "Close", title: "close (Esc)",
                                          onclick: () => this.choose(null) }, "✕");
        const name = words.nameOf(lane);
        const head = element("header", {}, element("h2", {}, `Task ${lane.task} `, name ? element("span", { class: "name" }, name) : ""), close);
        return [head, element("p", { id: "life-now" }), this.facts(lane), this.shares(lane), this.states(lane)];
    }

    /** Birth, end, parent, children, who asked for its end. */
    facts(lane) {
        const { words, log } = this;
        const list = element("dl");
        const fact = (term, ...what) => list.append(element("dt", {}, term), element("dd", {}, ...what));
        fact("Born", lane.born >= 0 ? this.link(words.moment(words.when(lane.born)), lane.born) : "before the recording begins",
            !lane.parent ? "" : lane.born >= 0 ? " by " : ", by ", lane.parent ? this.task(lane.parent) : "",
            lane.place < 0 ? "" : element("code", {}, words.placeOf(lane.place)));
        if (lane.within) fact("Scope", "polled by ", this.task(lane.within));
        for (const { at, by, place } of lane.asked) {
            fact("Cancel", this.link(words.moment(words.when(at)), at), " asked", by ? " by " : "", by ? this.task(by) : "",
                element("code", {}, words.placeOf(place)));
        }
        if (lane.how === null) fact("End", "none in this recording");
        else fact("End", this.link(words.moment(words.when(lane.end)), lane.end), ` ${ENDS[lane.how]}`);
        if (lane.born >= 0) fact("Lived", words.between(lane.born, Math.min(lane.end, log.count - 1)));
        if (lane.children.length > 0) {
            const few = lane.children.slice(0, 12).flatMap((child, nth) => [nth > 0 ? ", " : "", this.task(child)]);
            const more = lane.children.length - 12;
            fact("Spawned", plural(lane.children.length, "task"), ": ", ...few, more > 0 ? ` and ${grouped(more)} more` : "");
        }
        return element("div", {}, list,
            element("button", { type: "button", class: "small", onclick: () => this.zoomTo(lane) }, "Zoom to its life"));
    }

    /** What its time went into, as a bar and as numbers. */
    shares(lane) {
        const { words } = this;
        const sums = new Map();
        for (let nth = 0; nth < lane.starts.length; nth++) {
            const state = lane.states[nth];
            const sum = sums.get(state) ?? { count: 0, time: 0, steps: 0, most: 0 };
            const start = Math.max(lane.starts[nth], 0), end = Math.min(endOf(lane, nth), this.log.count - 1);
            const time = words.when(end) - words.when(start);
            sum.count += 1;
            sum.time += time;
            sum.steps += end - start;
            sum.most = Math.max(sum.most, time);
            sums.set(state, sum);
        }
        const states = [...sums].sort(([one], [other]) => one - other);
        const all = states.reduce((all, [, sum]) => all + sum.time, 0);
        const bar = element("div", { class: "bar" });
        const table = element("table", { class: "shares" },
            element("thead", {}, element("tr", {}, ...["", "times", "in all", "longest"].map((text) => element("th", {}, text)))));
        const body = element("tbody");
        table.append(body);
        for (const [state, sum] of states) {
            // Where no time passes, steps are all there is to compare.
            const part = element("i", { class: STATE_COLOURS[state] });
            part.style.flexGrow = all > 0 ? sum.time / all : sum.steps;
            bar.append(part);
            body.append(element("tr", {},
                element("th", { scope: "row" }, element("i", { class: `sample ${STATE_COLOURS[state]}` }), STATE_NAMES[state]),
                element("td", {}, grouped(sum.count)), element("td", {}, duration(sum.time)), element("td", {}, duration(sum.most))));
        }
        return element("div", {}, bar, table);
    }

    /** Each of its states. */
    states(lane) {
        const { words, log } = this;
        const body = element("tbody");
        const count = Math.min(lane.starts.length, this.told);
        for (let nth = 0; nth < count; nth++) {
            const start = lane.starts[nth], end = endOf(lane, nth), place = words.placeOf(lane.places[nth]);
            const what = element("td", {}, element("i", { class: `sample ${STATE_COLOURS[lane.states[nth]]}` }), words.stateOf(lane, nth));
            if (lane.states[nth] === READY) what.append(this.becauseOf(lane, start));
            if (place) what.append(element("code", {}, place));
            body.append(element("tr", { "data-nth": nth },
                element("td", {}, this.link(words.moment(words.when(start)), Math.max(start, 0))), what,
                element("td", {}, words.between(start, Math.min(end, log.count - 1)))));
        }
        const table = element("table", { class: "states" },
            element("thead", {}, element("tr", {}, ...["from", "what", "for"].map((text) => element("th", {}, text)))), body);
        const left = lane.starts.length - count;
        const more = element("button", { type: "button", class: "small", onclick: () => {
            this.told += 10 * STATES_TOLD;
            this.show(lane);
            this.update();
        } }, `Show more (${grouped(left)} left)`);
        return element("div", {}, element("h3", {}, "Its life"), table, left > 0 ? more : "");
    }

    /** Why a task became ready with an event: who has woken it. */
    becauseOf(lane, start) {
        const nth = countUpTo(lane.wakes.map((wake) => wake.at), start) - 1;
        const wake = lane.wakes[nth];
        const isHere = wake && (wake.at === start || this.log.what[start] === PARKED);
        if (start < 0 || !isHere) return "";
        if (wake.from) return element("span", {}, ", woken by ", this.task(wake.from));
        if (wake.by === BY_ITSELF) return ", woken by itself";
        return `, woken ${this.words.cause(wake) ? `by ${this.words.cause(wake)}` : "from outside"}`;
    }
}
