// colours.js: what is drawn in which colour.
//
// The colours are those of Okabe and Ito, which can be told apart by the colour-blind; `style.css` has
// them, once for light and once for dark. No colour is the only sign of anything: a poll is high, being
// ready is half as high, a wait is low, and kinds of waits that might be confused have a pattern.
//
// Read next: `lanes.js`.

/** The colours that a canvas needs, by the names of their variables in `style.css`. */
const COLOURS = ["paper", "panel", "ink", "muted", "faint", "rule", "sleep", "accent", "running", "ready",
                 "unknown", "io", "thread", "task", "join", "foreign", "time", "turn", "nothing", "bad"];

/** The variable of each state's colour. */
const STATE_COLOURS = ["running", "ready", "unknown", "io", "thread", "task", "join", "foreign", "time",
                       "turn", "nothing"];

/** How high each state is, of the height of a lane. */
const STATE_HEIGHTS = [1, 0.5, 0.09, ...WAIT_NAMES.map(() => 0.2)];

/** The states that are drawn with gaps: the length of a dash and of a gap, in pixels. */
const STATE_DASHES = { [UNKNOWN]: [2, 3], [WAITING + 1]: [6, 2], [WAITING + 4]: [2, 2], [WAITING + 7]: [10, 3] };

/** Reads the colours as they are now, light or dark. */
function readColours() {
    const probe = document.createElement("span");
    document.body.append(probe);
    const colours = {};
    for (const name of COLOURS) {
        probe.style.color = `var(--${name})`;
        colours[name] = getComputedStyle(probe).color;
    }
    probe.remove();
    colours.states = STATE_COLOURS.map((name) => colours[name]);
    return colours;
}

/** An element, with attributes and children; what is not an element is text. */
function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
        else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child !== null && child !== ""));
    return made;
}

/** The legend: a sample of each state that occurs, in the shape it is drawn in. */
function makeLegend(model) {
    const seen = new Set();
    for (const lane of model.lanes) for (const state of lane.states) seen.add(state);
    const names = ["polled", "ready", "not recorded", "descriptor", "thread or signal",
                   "another task", "a task’s end", "foreign waker", "deadline", "its turn", "nothing: stuck"];
    const items = [];
    for (let state = 0; state < names.length; state++) {
        if (!seen.has(state)) continue;
        items.push(element("li", {},
            element("i", { class: `sample ${STATE_COLOURS[state]}` }), names[state]));
    }
    if (model.wakes.length > 0) {
        items.push(element("li", {}, element("b", { class: "glyph" }, "↓"), "wakes"));
    }
    if (model.births.length > 0) {
        items.push(element("li", {}, element("b", { class: "glyph birth" }, "⇣"), "spawns"));
    }
    if (model.cancels > 0) items.push(element("li", {}, element("b", { class: "glyph" }, "×"), "cancelled"));
    if (model.panics > 0) items.push(element("li", {}, element("b", { class: "glyph bad" }, "!"), "panicked"));
    return items;
}
