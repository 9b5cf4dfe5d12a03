// words.js: numbers with their units, and each event as a sentence.
//
// The sentences are for somebody who watches an executor for the first time: they say what happens, to
// whom, why, and what follows from it for the queue. `model.js` knows the answers; this file only speaks.
//
// Read next: `scale.js`.

/** The units of time, in nanoseconds. */
const UNITS = [["h", 3600e9], ["min", 60e9], ["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];

/** A length of time with three digits at least where there are some: "1.25 ms", "2 min 5 s". */
function duration(nanos) {
    if (nanos === 0) return "0 ns";
    const nth = UNITS.findIndex(([, unit]) => nanos >= unit);
    const [name, unit] = UNITS[nth < 0 ? UNITS.length - 1 : nth];
    const whole = Math.floor(nanos / unit);
    if (unit >= 60e9) {
        const [smaller, part] = UNITS[nth + 1];
        const rest = Math.floor((nanos - whole * unit) / part);
        return `${grouped(whole)} ${name}` + (rest === 0 ? "" : ` ${rest} ${smaller}`);
    }
    const digits = whole >= 100 ? 0 : whole >= 10 ? 1 : 2;
    // Cut, not rounded: a thousand of a unit is one of the next.
    const power = 10 ** digits;
    return `${Math.floor(nanos / unit * power + 1e-6) / power} ${name}`;
}

/** A number with a thin space after each thousand. */
function grouped(number) {
    return String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** "1 task", "2 000 tasks". */
function plural(number, noun) {
    return `${grouped(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** "1st", "2nd", "11th". */
function ordinal(number) {
    const last = number % 100 >= 11 && number % 100 <= 13 ? 0 : number % 10;
    return `${grouped(number)}${["th", "st", "nd", "rd"][last] ?? "th"}`;
}

/** Makes the sentences of a recording. */
function makeWords(log, model) {
    /** Since the recording began: "+5 ms". */
    const moment = (nanos) => nanos < 0 ? `−${duration(-nanos)}` : `+${duration(nanos)}`;
    /** When the event happened; one before the first counts as the first. */
    const when = (i) => i < 0 || log.count === 0 ? 0 : log.time[Math.min(i, log.count - 1)];
    const between = (from, to) => duration(when(to) - when(from));

    const nameOf = (lane) => lane.name < 0 ? "" : log.names[lane.name];
    const placeOf = (place) => place < 0 ? "" : log.places[place];
    const who = (lane) => `task ${lane.task}` + (lane.name < 0 ? "" : ` “${nameOf(lane)}”`);
    const at = (place) => place < 0 ? "" : `, at ${placeOf(place)}`;
    const by = (lane) => lane ? ` by ${who(lane)}` : "";
    const Who = (lane) => `T${who(lane).slice(1)}`;

    /** What is watched under a number: those of simulated sockets are below zero. */
    const source = (fd) => fd < 0 ? `simulated socket ${-fd}` : `descriptor ${fd}`;
    const Source = (fd) => fd < 0 ? `Simulated socket ${-fd}` : `Descriptor ${fd}`;

    /** What a lane does in its `nth` state. */
    const stateOf = (lane, nth) => {
        const state = lane.states[nth];
        return state >= WAITING && lane.waits[nth] >= 0
            ? `waits for ${log.waits[lane.waits[nth]].text}` : STATE_NAMES[state];
    };
    /** Where in the queue a task is after event `i`, if that is what its turn goes by. */
    const rank = (lane, i) => {
        if (!model.isFifo) return "";
        const now = executorAt(log, model, i);
        const nth = now.ready.findIndex((it) => it.lane === lane);
        return nth < 0 ? "" : nth === 0 ? ", first in the queue" : `, ${ordinal(nth + 1)} in the queue`;
    };
    /** The timer that was known by its number when event `i` ended it. */
    const timerUntil = (i) => model.timers.find((timer) => timer.end === i);
    /** What a wake from outside came by, if that is known. */
    const cause = ({ cause }) => {
        if (cause < 0) return "";
        const number = log.rows[cause][2];
        return log.what[cause] === TIMER_FIRED ? `timer ${number}` : source(number);
    };

    /** The event `i`, for somebody who sees it for the first time. */
    const sentence = (i) => {
        const [, what, a, b, c, d] = log.rows[i];
        const lane = model.laneAt[i], causer = model.causerAt[i];
        switch (what) {
        case TURN:
            if (a === 1) return "A turn begins: the one task that is ready now will be polled.";
            return a === 0 ? "A turn begins, and no task is ready."
                : `A turn begins: the ${plural(a, "task")} that are ready now will be polled, once each.`;
        case ASLEEP:
            if (a === null) return "No task is ready, and no deadline is set: the executor sleeps until something comes from outside.";
            if (a <= when(i)) return "No task is ready, but a deadline has passed: the executor looks outside and does not sleep.";
            return `No task is ready: the executor sleeps until the next deadline, in ${duration(a - when(i))}, or its clock jumps there.`;
        case AWAKE: {
            const sleep = model.sleeps.find((sleep) => sleep.end === i);
            return `The executor is awake again, after ${between(sleep.start, i)}.`;
        }
        case SPAWNED: {
            const parent = lane.parent ? ` by ${who(lane.parent)}` : "";
            return `${Who(lane)} is spawned${parent}${at(d)}: it is ready${rank(lane, i)}.`;
        }
        case WOKEN: {
            const running = stateAt(lane, i).state === RUNNING;
            const then = running ? "it will be ready again when this poll ends"
                : `it is ready${rank(lane, i)}`;
            if (b === BY_ITSELF) return `${Who(lane)} wakes itself: ${then}.`;
            const outside = cause(lane.wakes.find((wake) => wake.at === i));
            const waker = b > 0 ? ` by ${who(causer)}`
                : b === BY_BIRTH ? " by its birth" : ` from outside${outside && `, by ${outside}`}`;
            return `${Who(lane)} is woken${waker}: ${then}.`;
        }
        case POLLED: {
            const nth = countUpTo(lane.starts, i) - 1;
            let count = 0;
            for (let k = 0; k <= nth; k++) if (lane.states[k] === RUNNING) count += 1;
            const known = lane.born >= 0 ? ` for the ${ordinal(count)} time` : "";
            const waited = nth > 0 && lane.states[nth - 1] === READY
                ? `, ${between(lane.starts[nth - 1], i)} after it became ready` : "";
            const stack = polledAt(model, i);
            const outer = stack[stack.length - 2];
            const inside = outer ? `, within the poll of ${who(outer)}, which has its scope` : "";
            return `${Who(lane)} is polled${known}${waited}${inside}.`;
        }
        case PARKED: {
            const nth = countUpTo(lane.starts, i) - 1;
            const took = nth > 0 ? ` after ${between(lane.starts[nth - 1], i)}` : "";
            if (lane.states[nth] === READY) {
                const gaveWay = log.waits[b].kind === 6;
                return `The poll of ${who(lane)} ends${took}; it ${gaveWay ? "has given way" : "was woken meanwhile"}${at(c)}, so it is ready again${rank(lane, i)}.`;
            }
            return `The poll of ${who(lane)} ends${took}: it waits for ${log.waits[b].text}${at(c)}.`;
        }
        case FINISHED: {
            const lived = lane.born >= 0 ? ` ${between(lane.born, i)} after its birth` : "";
            return `${Who(lane)} ${ENDS[b]}, after ${plural(lane.polls, "poll")}${lived && `,${lived}`}.`;
        }
        case CANCEL_ASKED:
            return `${Who(lane)} is to be cancelled: so asked ${causer ? who(causer) : "somebody who is no task"}${at(c)}.`;
        case TIMER_SET: {
            const due = c === null ? "to a moment that never comes"
                : `to ${moment(c)}, in ${duration(Math.max(c - when(i), 0))}`;
            return `Timer ${a} is set${by(causer)} ${due}.`;
        }
        case TIMER_UNSET: {
            const timer = timerUntil(i);
            return `Timer ${a}${timer?.lane ? ` of ${who(timer.lane)}` : ""} is taken back: nobody waits for it any longer.`;
        }
        case TIMER_FIRED: {
            const timer = timerUntil(i);
            return `Timer ${a}${timer?.lane ? ` of ${who(timer.lane)}` : ""} fires: its deadline has passed.`;
        }
        case SOURCE_ADDED:
            return `${Source(a)} is watched from now on${causer ? `, for ${who(causer)}` : ""}.`;
        case SOURCE_WANTED:
            return `${Source(a)} is waited for by ${causer ? who(causer) : "somebody who is no task"} now.`;
        case SOURCE_REMOVED:
            return `${Source(a)} is watched no more.`;
        case SOURCE_READY: {
            const may = ["be looked at", "be written", "be read", "be read or written"][2 * b + c];
            return `Something has come: ${source(a)} may ${may}.`;
        }
        }
        return "Something has happened that this page does not know.";
    };

    /** The event `i` in a few words, as in a log. */
    const line = (i) => {
        const [, what, a, b, c, d] = log.rows[i];
        const byTask = (task) => task > 0 ? ` by task ${task}` : "";
        switch (what) {
        case TURN: return `turn of ${a}`;
        case ASLEEP: return a === null ? "asleep" : `asleep until ${moment(a)}`;
        case AWAKE: return "awake";
        case SPAWNED: return `task ${a}${c < 0 ? "" : ` “${log.names[c]}”`} spawned${byTask(b)}`;
        case WOKEN: return `task ${a} woken by ${b > 0 ? `task ${b}` : b === BY_ITSELF ? "itself" : b === BY_BIRTH ? "its birth" : "the world outside"}`;
        case POLLED: return `task ${a} polled`;
        case PARKED: return `task ${a} waits for ${log.waits[b].text}`;
        case FINISHED: return `task ${a} ${ENDS[b]}`;
        case CANCEL_ASKED: return `task ${a} to be cancelled${b > 0 ? `, asked by task ${b}` : ""}`;
        case TIMER_SET: return `timer ${a} set ${c === null ? "to never" : `to ${moment(c)}`}${byTask(b)}`;
        case TIMER_UNSET: return `timer ${a} unset`;
        case TIMER_FIRED: return `timer ${a} fired`;
        case SOURCE_ADDED: return `${source(a)} watched${byTask(b)}`;
        case SOURCE_WANTED: return `${source(a)} waited for${byTask(b)}`;
        case SOURCE_REMOVED: return `${source(a)} left`;
        case SOURCE_READY: return `${source(a)} may ${["be looked at", "be written", "be read", "be read or written"][2 * b + c]}`;
        }
        return "an unknown event";
    };

    /** What the run was, in a line. */
    const summary = () => {
        const parts = [plural(model.lanes.length, "task"), plural(model.polls, "poll"),
                       plural(log.count, "event"), duration(log.end)];
        if (model.panics > 0) parts.push(plural(model.panics, "panic"));
        return parts.join(" · ");
    };

    return { moment, when, between, nameOf, placeOf, who, stateOf, cause, sentence, line, summary };
}
