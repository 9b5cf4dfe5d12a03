// hands.js: pointers and keys.
//
// The wheel zooms where the pointer is, and scrolls over the names of the lanes; a drag moves the lanes
// along both axes; a drag on the ruler moves the cursor; two fingers zoom. All of it has a key as well,
// and what is needed most a button.
//
// Read next: `page.js`.

/** Listens to everything that the page can be told. */
function listen(page) {
    listenToButtons(page);
    listenToKeys(page);
    listenToLanes(page);
    listenToOverview(page);
    const restyle = () => page.restyle();
    new ResizeObserver(restyle).observe($("lanes"));
    new ResizeObserver(restyle).observe($("overview"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);
    addEventListener("hashchange", () => {
        if (location.hash === page.written) return;
        page.readAddress();
        page.changed();
    });
    // Paper is white.
    let theme = "auto";
    addEventListener("beforeprint", () => {
        theme = page.at.theme;
        page.setTheme("light");
        page.draw();
    });
    addEventListener("afterprint", () => page.setTheme(theme));
}

/** Buttons, fields and the slider. */
function listenToButtons(page) {
    const { at, scale } = page;
    const on = (id, what, act) => $(id).addEventListener(what, (event) => {
        act(event);
        page.changed();
    });
    on("tab-timeline", "click", () => at.view = "timeline");
    on("tab-replay", "click", () => at.view = "replay");
    on("axis-time", "click", () => scale.setAxis("time"));
    on("axis-steps", "click", () => scale.setAxis("steps"));
    on("zoom-in", "click", () => scale.zoom(ZOOM_STEP));
    on("zoom-out", "click", () => scale.zoom(1 / ZOOM_STEP));
    on("zoom-fit", "click", () => scale.fit());
    on("rows", "change", () => at.rows = $("rows").value);
    on("speed", "change", () => at.speed = Number($("speed").value));
    on("scrub", "input", () => page.go(Number($("scrub").value)));
    on("first", "click", () => page.go(0));
    on("back", "click", () => page.go(at.step - 1));
    on("play", "click", () => page.play());
    on("forward", "click", () => page.go(at.step + 1));
    on("last", "click", () => page.go(page.log.count));
    on("find", "input", () => page.find($("find").value));
    on("theme", "click", () => nextTheme(page));
    $("help-open").addEventListener("click", () => $("help").showModal());
    $("find").addEventListener("keydown", (event) => {
        const first = page.timeline.lanes[0];
        if (event.key === "Enter" && first && at.query !== "") {
            page.choose(first);
            page.zoomTo(first);
            $("lanes").focus();
        } else if (event.key === "Escape") {
            $("find").value = "";
            page.find("");
            $("find").blur();
        }
    });
}

/** From the system's colours to light, to dark, and back. */
function nextTheme(page) {
    page.setTheme({ auto: "light", light: "dark", dark: "auto" }[page.at.theme]);
}

/** Keys, wherever the focus is, unless it is where one writes. */
function listenToKeys(page) {
    const { at, scale } = page;
    const move = (part) => scale.pan((scale.right - scale.left) * part);
    const row = (by) => {
        const { lanes } = page.timeline;
        const now = at.lane && at.lane.row >= 0 ? at.lane.row + by : by > 0 ? 0 : lanes.length - 1;
        if (lanes.length > 0) page.choose(lanes[Math.min(Math.max(now, 0), lanes.length - 1)]);
    };
    const speed = (by) => {
        const nth = SPEEDS.indexOf(at.speed) + by;
        at.speed = SPEEDS[Math.min(Math.max(nth, 0), SPEEDS.length - 1)];
    };
    const keys = {
        "ArrowLeft": (event) => event.shiftKey ? page.leap(-1) : page.go(at.step - 1),
        "ArrowRight": (event) => event.shiftKey ? page.leap(1) : page.go(at.step + 1),
        "ArrowUp": () => row(-1), "ArrowDown": () => row(1),
        "PageUp": () => page.timeline.scroll(-page.timeline.height / 2),
        "PageDown": () => page.timeline.scroll(page.timeline.height / 2),
        "Home": () => page.go(0), "End": () => page.go(page.log.count),
        " ": () => page.play(), "<": () => speed(-1), ">": () => speed(1),
        "+": () => scale.zoom(ZOOM_STEP), "=": () => scale.zoom(ZOOM_STEP), "w": () => scale.zoom(ZOOM_STEP),
        "-": () => scale.zoom(1 / ZOOM_STEP), "s": () => scale.zoom(1 / ZOOM_STEP),
        "a": () => move(-0.2), "d": () => move(0.2), "0": () => scale.fit(),
        "z": () => at.lane && page.zoomTo(at.lane),
        "x": () => scale.setAxis(scale.axis === "time" ? "steps" : "time"),
        "l": () => at.rows = { high: "low", low: "all", all: "high" }[at.rows],
        "v": () => at.view = at.view === "timeline" ? "replay" : "timeline",
        "t": () => nextTheme(page), "/": () => $("find").focus(), "?": () => $("help").showModal(),
        "Escape": () => page.choose(null),
    };
    document.addEventListener("keydown", (event) => {
        const target = event.target, isOpen = $("help").open;
        if (event.ctrlKey || event.metaKey || event.altKey || isOpen) return;
        // Fields have their own keys, and a button is pressed by the space bar.
        if (target.matches("input[type=search], select")) return;
        if (target.id === "scrub" && /^(Arrow|Home|End|Page)/.test(event.key)) return;
        if (event.key === " " && target.matches("button")) return;
        if (target.closest("#life") && /^(ArrowUp|ArrowDown|Page)/.test(event.key)) return;
        const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
        if (!act) return;
        event.preventDefault();
        act(event);
        page.changed();
    });
    document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        event.stopPropagation();
        at.view = at.view === "timeline" ? "replay" : "timeline";
        $(`tab-${at.view}`).focus();
        page.changed();
    });
}

/** The lanes: wheel, drag, pinch, click and hover. */
function listenToLanes(page) {
    const canvas = $("lanes"), { scale, timeline, at } = page;
    const pointers = new Map();
    let press = null;
    const pointOf = (event) => {
        const box = canvas.getBoundingClientRect();
        return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const scrub = (x) => page.go(Math.max(scale.eventAt(scale.positionOf(x)) + 1, 0));

    canvas.addEventListener("wheel", (event) => {
        event.preventDefault();
        const { x } = pointOf(event);
        // Lines and pages become pixels.
        const unit = [1, 16, 400][event.deltaMode];
        const down = event.deltaY * unit, along = event.deltaX * unit;
        if (x < timeline.labels) timeline.scroll(down);
        else if (event.shiftKey || Math.abs(along) > Math.abs(down)) scale.pan(along || down);
        else scale.zoom(Math.exp(-down * (event.ctrlKey ? 0.01 : 0.002)), scale.positionOf(x));
        page.changed();
    }, { passive: false });

    canvas.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        canvas.setPointerCapture(event.pointerId);
        const point = pointOf(event);
        pointers.set(event.pointerId, point);
        press = { ...point, isFar: pointers.size > 1, isRuler: point.y < timeline.lanesTop && point.x >= timeline.labels };
        if (press.isRuler) scrub(point.x);
    });

    canvas.addEventListener("pointermove", (event) => {
        const point = pointOf(event), before = pointers.get(event.pointerId);
        if (!before) return hover(page, timeline.hit(point.x, point.y), event);
        pointers.set(event.pointerId, point);
        hover(page, null, event);
        if (pointers.size === 2) {
            const [one, other] = pointers.values();
            const still = one === point ? other : one;
            const wide = (a, b) => Math.max(Math.hypot(a.x - b.x, a.y - b.y), 20);
            scale.zoom(wide(point, still) / wide(before, still), scale.positionOf((point.x + still.x) / 2));
            scale.pan((before.x - point.x) / 2);
        } else if (press?.isRuler) {
            scrub(point.x);
        } else if (press) {
            press.isFar ||= Math.hypot(point.x - press.x, point.y - press.y) > CLICK;
            if (press.isFar) {
                canvas.classList.add("held");
                scale.pan(before.x - point.x);
                timeline.scroll(before.y - point.y);
            }
        }
        page.changed();
    });

    const release = (event) => {
        const wasOne = pointers.size === 1;
        if (!pointers.delete(event.pointerId)) return;
        canvas.classList.remove("held");
        if (event.type === "pointerup" && wasOne && press && !press.isFar && !press.isRuler) {
            const hit = timeline.hit(press.x, press.y);
            page.choose(hit?.lane ?? null);
            if (hit?.lane && !hit.isLabel) page.go(hit.i + 1);
        }
        if (press) press.isFar = true;
        if (pointers.size === 0) press = null;
        page.changed();
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("pointerleave", (event) => hover(page, null, event));
    canvas.addEventListener("dblclick", (event) => {
        const { x, y } = pointOf(event);
        if (x < timeline.labels && at.lane) page.zoomTo(at.lane);
        else if (y >= timeline.lanesTop) scale.zoom(4, scale.positionOf(x));
        page.changed();
    });
}

/** Tells what is under the pointer. */
function hover(page, hit, event) {
    const { timeline, words, log, model } = page;
    const lane = hit?.lane ?? null;
    if (timeline.hovered !== lane) {
        timeline.hovered = lane;
        page.changed();
    }
    const tip = $("tip");
    const lines = !hit || event.pointerType === "touch" ? [] : lane ? tipOfLane(page, hit) : tipOfExecutor(page, hit);
    tip.hidden = lines.length === 0;
    if (tip.hidden) return;
    tip.replaceChildren(...lines);
    const { width, height } = tip.getBoundingClientRect();
    const x = Math.min(event.clientX + 14, innerWidth - width - 8);
    const isBelow = event.clientY + 18 + height < innerHeight;
    tip.style.transform = `translate(${Math.max(x, 4)}px, ${isBelow ? event.clientY + 18 : event.clientY - height - 10}px)`;
}

/** What a lane is, and what it does there. */
function tipOfLane({ words, log }, { lane, isLabel, nth, state }) {
    const name = words.nameOf(lane);
    const lines = [element("b", {}, `task ${lane.task}`, name ? ` ${name}` : "")];
    if (isLabel) {
        if (lane.place >= 0) lines.push(element("div", {}, "spawned at ", element("code", {}, words.placeOf(lane.place))));
        lines.push(element("div", {}, plural(lane.polls, "poll"), lane.how === null ? "" : `, ${ENDS[lane.how]}`));
        return lines;
    }
    if (state === null) {
        if (nth >= 0) lines.push(element("div", {}, `${ENDS[lane.how]} at ${words.moment(words.when(lane.end))}`));
        return lines;
    }
    const start = lane.starts[nth], end = Math.min(endOf(lane, nth), log.count - 1);
    lines.push(element("div", {}, element("i", { class: `sample ${STATE_COLOURS[state]}` }), words.stateOf(lane, nth), `, ${words.between(start, end)}`));
    if (lane.places[nth] >= 0) lines.push(element("code", {}, words.placeOf(lane.places[nth])));
    lines.push(element("small", {}, `from ${words.moment(words.when(start))}, step ${grouped(Math.max(start, 0) + 1)}`));
    return lines;
}

/** What the executor does there. */
function tipOfExecutor({ words, log }, { i, isLabel }) {
    if (isLabel || i < 0 || log.count === 0) return [];
    return [element("b", {}, `step ${grouped(i + 1)}, ${words.moment(log.time[i])}`), element("div", {}, words.line(i))];
}

/** The strip: its window is moved, widened, or drawn anew. */
function listenToOverview(page) {
    const canvas = $("overview"), { overview, scale } = page;
    let held = null;
    const xOf = (event) => event.clientX - canvas.getBoundingClientRect().left;
    canvas.addEventListener("pointerdown", (event) => {
        canvas.setPointerCapture(event.pointerId);
        const x = xOf(event);
        held = { grip: overview.grip(x), x, low: scale.low, high: scale.high, isFar: false };
    });
    canvas.addEventListener("pointermove", (event) => {
        const x = xOf(event);
        if (!held) {
            canvas.style.cursor = { low: "ew-resize", high: "ew-resize", window: "grab", new: "crosshair" }[overview.grip(x)];
            return;
        }
        held.isFar ||= Math.abs(x - held.x) > CLICK;
        if (held.isFar) overview.drag(held.grip, x, held);
        page.changed();
    });
    const release = (event) => {
        // A click asks for the place.
        if (held && !held.isFar && event.type === "pointerup") {
            const half = (scale.high - scale.low) / 2, middle = overview.positionOf(held.x);
            scale.show(middle - half, middle + half);
            page.changed();
        }
        held = null;
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
}
