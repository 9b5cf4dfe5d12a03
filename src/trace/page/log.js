// log.js: the recording, as an observer of the executor was told of it.
//
//   [nanoseconds since the event before, what, …]  ──►  log.time[i], log.what[i], log.rows[i]
//
// `src/trace/page.rs` writes it and says what its numbers mean. Here they get names, and moments instead
// of differences; nothing is concluded yet. An event is known by its index from now on: there are `count`
// of them, and the moment of one never lies before that of another one with a smaller index.
//
// All files of this folder are one script: what one declares, the next may use. Read next: `model.js`.

"use strict";

/** What can happen, by the numbers of `src/trace/page/data.rs`. */
const TURN = 0, ASLEEP = 1, AWAKE = 2, SPAWNED = 3, WOKEN = 4, POLLED = 5, PARKED = 6, FINISHED = 7,
      CANCEL_ASKED = 8, TIMER_SET = 9, TIMER_UNSET = 10, TIMER_FIRED = 11, SOURCE_ADDED = 12,
      SOURCE_REMOVED = 13, SOURCE_READY = 14, SOURCE_WANTED = 15;

/** Who wakes a task, if no task does. */
const BY_WORLD = 0, BY_ITSELF = -1, BY_BIRTH = -2;

/** The form of recordings that this page can read. */
const VERSION = 1;

/** Reads the recording that lies in the page. */
function readLog() {
    const data = JSON.parse(document.getElementById("recording").textContent);
    if (data.version !== VERSION) {
        throw new Error(`this page reads recordings of version ${VERSION}, not ${data.version}`);
    }
    const rows = data.events;
    const count = rows.length;
    const time = new Float64Array(count);
    const what = new Uint8Array(count);
    let now = 0;
    for (let i = 0; i < count; i++) {
        now += rows[i][0];
        time[i] = now;
        what[i] = rows[i][1];
    }
    return {
        // What is known of tasks whose birth may be lost.
        known: new Map(data.tasks.map(([task, parent, name, place]) => [task, { parent, name, place }])),
        title: data.title, lost: data.lost, rows, count, time, what, end: now,
        names: data.names.map(shown), places: data.places.map(shown),
        waits: data.waits.map(([kind, text]) => ({ kind, text: shown(text) })),
    };
}

/** A text of the program, with what cannot be seen in it made visible, as Rust's `{:?}` does. */
function shown(text) {
    return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => {
        // What joins the parts of an emoji may stay.
        return c === "\u200d" ? c : `\\u{${c.codePointAt(0).toString(16)}}`;
    });
}

/** How many of the ascending `numbers` are at most `limit`. */
function countUpTo(numbers, limit, low = 0, high = numbers.length) {
    while (low < high) {
        const middle = (low + high) >>> 1;
        if (numbers[middle] <= limit) low = middle + 1;
        else high = middle;
    }
    return low;
}
