// page.js: puts the parts together: what the page is about, and how pointers and keys change it.
//
//   wheel, drag, keys, buttons, address ──► at, scale ──► changed() ──► one drawing a frame
//
// Everything that is shown follows from `at` (view, step, chosen task, search, …) and from the scale.
// Whoever changes them calls `changed`; nobody draws by himself. The address keeps them after its `#`, so
// that a link leads to a moment: `#view=replay&step=17&task=2`.

/** How many steps a second, to choose from. */
const SPEEDS = [1, 2, 4, 8, 16, 64, 256, 1024];

/** How far a pointer may move and still be a click, in pixels. */
const CLICK = 5;

/** An element of the page. */
const $ = (id) => document.getElementById(id);

/** The page. */
class Page {
    constructor(log) {
        const model = understand(log);
        const words = makeWords(log, model);
        const scale = new Scale(log, model);
        const at = { view: "timeline", step: Math.min(1, log.count), lane: null, query: "", rows: "high", speed: 4, theme: "auto" };
        const go = (step) => this.go(step), choose = (lane) => this.choose(lane), zoomTo = (lane) => this.zoomTo(lane);
        Object.assign(this, { log, model, words, scale, at, playing: false, drawings: 0 });
        this.timeline = new Timeline($("lanes"), this);
        this.overview = new Overview($("overview"), this);
        this.life = new Life($("life"), { log, model, words, at, go, choose, zoomTo });
        this.replay = new Replay($("replay"), { log, model, words, at, go, choose });
        this.describe();
        this.readAddress();
        listen(this);
        this.restyle();
    }

    /** Says what does not change. */
    describe() {
        const { log, words, model } = this;
        $("title").textContent = document.title = shown(log.title) || "recording";
        $("summary").textContent = words.summary() + (log.lost > 0 ? ` · ${grouped(log.lost)} earlier events were not kept` : "");
        $("legend").replaceChildren(...makeLegend(model));
        $("scrub").max = log.count;
        $("nothing").hidden = log.count > 0;
        $("nothing").textContent = "Nothing was recorded: there is no event in this recording.";
        for (const speed of SPEEDS) $("speed").append(element("option", { value: speed }, `${grouped(speed)} / s`));
    }

    /** Something has changed: draws in the next frame. */
    changed() {
        if (this.frame) return;
        this.frame = requestAnimationFrame(() => {
            this.frame = 0;
            this.draw();
        });
    }

    /** The colours or the size have changed: draws at once, as canvases that are resized are empty. */
    restyle() {
        this.resize();
        this.draw();
    }

    /** Takes sizes and colours as they are now. */
    resize() {
        const colours = readColours();
        if ($("timeline").hidden) return;
        this.timeline.resize(colours);
        this.overview.resize(colours);
    }

    /** Shows everything as it is now. */
    draw() {
        const { at, log, scale, words, timeline } = this;
        this.drawings += 1;
        const isTimeline = at.view === "timeline";
        if ($("timeline").hidden === isTimeline) {
            $("timeline").hidden = !isTimeline;
            $("replay").hidden = isTimeline;
            if (isTimeline) this.resize();
        }
        for (const view of ["timeline", "replay"]) {
            $(`tab-${view}`).setAttribute("aria-selected", at.view === view);
            $(`tab-${view}`).tabIndex = at.view === view ? 0 : -1;
        }
        for (const axis of ["time", "steps"]) $(`axis-${axis}`).setAttribute("aria-pressed", scale.axis === axis);
        $("theme").textContent = { auto: "Auto", light: "Light", dark: "Dark" }[at.theme];
        $("rows").value = at.rows;
        $("speed").value = at.speed;
        $("scrub").value = at.step;
        $("scrub").setAttribute("aria-valuetext", `step ${at.step} of ${log.count}`);
        $("where").textContent = `${grouped(at.step)} / ${grouped(log.count)}` + (log.count > 0 ? ` · ${words.moment(words.when(at.step - 1))}` : "");
        $("caption").textContent = log.count === 0 ? "There is nothing to replay."
            : at.step === 0 ? "Nothing has happened yet." : words.sentence(at.step - 1);
        // Nobody can listen as fast as it plays.
        $("caption").setAttribute("aria-live", this.playing ? "off" : "polite");
        $("play").querySelector("path").setAttribute("d", this.playing ? "M5 2v12M11 2v12" : "M4 2l9 6-9 6z");
        $("play").setAttribute("aria-label", this.playing ? "Pause" : "Play");
        for (const id of ["first", "back"]) $(id).disabled = at.step === 0;
        for (const id of ["forward", "last"]) $(id).disabled = at.step === log.count;
        $("play").disabled = log.count === 0;
        $("found").textContent = at.query === "" ? "" : `${grouped(timeline.lanes.length)} of ${plural(timeline.model.lanes.length, "task")}`;
        if (this.life.lane !== at.lane) this.life.show(at.lane);
        this.life.update();
        if (isTimeline) this.drawTimeline();
        else this.replay.draw();
        this.writeAddress();
    }

    /** The timeline, and in words what it shows. */
    drawTimeline() {
        const { scale, timeline, words, log } = this;
        timeline.draw();
        this.overview.draw();
        $("overview").title = `how busy it was; the line: how many were ready, ${grouped(Math.round(this.overview.most))} at most`;
        const isTime = scale.axis === "time";
        const [low, high] = [scale.low, scale.high].map((edge) => isTime ? words.moment(edge) : grouped(Math.round(edge)));
        $("window").textContent = log.count === 0 ? "" : scale.high - scale.low >= scale.length
            ? isTime ? `all ${duration(scale.length)}` : `all ${plural(log.count, "step")}`
            : isTime ? `${low} to ${high} (${duration(scale.high - scale.low)})` : `steps ${low} to ${high}`;
        const { work } = timeline;
        $("hint").hidden = work.hidden === 0 || this.at.lane !== null;
        $("hint").textContent = `${grouped(work.hidden)} wakes: zoom in, or choose a task, to see them`;
        $("lanes").setAttribute("aria-label", `Timeline: ${plural(timeline.lanes.length, "task")}, ${$("window").textContent}; ` +
            `in view ${plural(work.lanes, "lane")} and ${plural(work.arrows, "arrow")}. Up and down choose a task.`);
        $("nothing").hidden = timeline.lanes.length > 0;
        if (log.count > 0) $("nothing").textContent = "No task is found.";
    }

    /** Goes to a step. */
    go(step) {
        const { at, scale, log } = this;
        at.step = Math.min(Math.max(step, 0), log.count);
        scale.reveal(scale.cursor(at.step));
        this.changed();
    }

    /** Chooses a task, or none. */
    choose(lane) {
        this.at.lane = lane;
        if (lane) this.timeline.reveal(lane);
        this.changed();
    }

    /** Shows the whole life of a task. */
    zoomTo(lane) {
        const { scale, at } = this;
        at.view = "timeline";
        const low = scale.position(lane.born), high = scale.position(lane.end);
        const room = Math.max((high - low) * 0.04, NARROWEST[scale.axis] / 2);
        scale.show(low - room, high + room);
        this.timeline.reveal(lane);
        this.changed();
    }

    /** Shows only tasks whose name, number or place has the text. */
    find(query) {
        const { at, model, words, log, timeline } = this;
        at.query = query.trim();
        const text = at.query.toLowerCase(), number = /^#?\d+$/.test(text) ? Number(text.replace("#", "")) : -1;
        const places = new Set();
        log.places.forEach((place, nth) => place.toLowerCase().includes(text) && places.add(nth));
        const isFound = (lane) => text === "" || lane.task === number || words.nameOf(lane).toLowerCase().includes(text) ||
            (number < 0 && (places.has(lane.place) || (places.size > 0 && lane.places.some((place) => places.has(place)))));
        timeline.setLanes(model.order.filter(isFound));
        timeline.top = 0;
        this.changed();
    }

    /** The next event of the chosen task, or the next poll of any. */
    leap(by) {
        const { at, log, model } = this;
        const isStop = (i) => at.lane ? model.laneAt[i] === at.lane : log.what[i] === POLLED;
        let i = at.step - 1 + by;
        while (i >= 0 && i < log.count && !isStop(i)) i += by;
        if (i >= 0 && i < log.count) this.go(i + 1);
    }

    /** Plays, or pauses. */
    play(isOn = !this.playing) {
        const { at, log } = this;
        if (isOn && at.step === log.count) at.step = 0;
        this.playing = isOn && log.count > 0;
        let last = performance.now(), due = 0;
        const tick = (now) => {
            if (!this.playing) return;
            due += (now - last) / 1000 * at.speed;
            last = now;
            const steps = Math.floor(due);
            due -= steps;
            if (steps > 0) this.go(at.step + steps);
            if (at.step >= log.count) this.playing = false;
            else requestAnimationFrame(tick);
        };
        if (this.playing) requestAnimationFrame(tick);
        this.changed();
    }

    /** Light, dark, or as the system has it. */
    setTheme(theme) {
        this.at.theme = theme;
        document.documentElement.style.colorScheme = theme === "auto" ? "light dark" : theme;
        this.resize();
        this.changed();
    }

    /** Takes from the address what it says. */
    readAddress() {
        const { at, scale, log, model } = this;
        const said = new URLSearchParams(location.hash.slice(1));
        const oneOf = (name, values) => values.includes(said.get(name)) ? said.get(name) : null;
        const number = (name) => said.has(name) && Number.isFinite(Number(said.get(name))) ? Number(said.get(name)) : null;
        at.view = oneOf("view", ["timeline", "replay"]) ?? at.view;
        at.rows = oneOf("rows", ["high", "low", "all"]) ?? at.rows;
        at.speed = SPEEDS.find((speed) => speed === number("speed")) ?? at.speed;
        at.lane = model.byTask.get(number("task")) ?? null;
        this.setTheme(oneOf("theme", ["auto", "light", "dark"]) ?? at.theme);
        $("find").value = said.get("find") ?? "";
        this.find($("find").value);
        scale.setAxis(oneOf("axis", ["time", "steps"]) ?? scale.axis);
        const [from, to] = [number("from"), number("to")];
        if (from !== null && to !== null) scale.show(from, to);
        else scale.fit();
        const step = number("step");
        if (step !== null) at.step = Math.min(Math.max(Math.round(step), 0), log.count);
        this.written = location.hash;
    }

    /** Puts into the address what is shown; not while playing, as browsers allow few changes. */
    writeAddress() {
        clearTimeout(this.writing);
        this.writing = setTimeout(() => {
            const { at, scale } = this;
            const said = new URLSearchParams({ view: at.view, step: at.step });
            if (at.lane) said.set("task", at.lane.task);
            if (at.query) said.set("find", at.query);
            if (at.rows !== "high") said.set("rows", at.rows);
            if (at.theme !== "auto") said.set("theme", at.theme);
            said.set("axis", scale.axis);
            if (scale.high - scale.low < scale.length) {
                said.set("from", Number(scale.low.toPrecision(12)));
                said.set("to", Number(scale.high.toPrecision(12)));
            }
            this.written = `#${said}`;
            history.replaceState(null, "", this.written);
        }, 300);
    }
}

/** Begins; what is wrong with the recording is said on the page. */
try {
    window.page = new Page(readLog());
} catch (error) {
    $("caption").textContent = `The recording cannot be shown: ${error.message}`;
    throw error;
}
