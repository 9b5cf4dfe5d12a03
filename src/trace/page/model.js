// model.js: what follows from the events: who was in which state, from when to when, and who woke whom.
//
//   Spawned      Polled        Parked            Woken        Polled     Finished
//      │  ready    │  running    │  waits for …    │  ready     │ running    │
//      ●───────────■■■■■■■■■■■■■■▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁────────────■■■■■■■■■■■■■
//
// A *lane* is the life of a task: a row of states without gaps, `starts[k]` being the event with which
// `states[k]` begins; it ends where the next one begins. So the state of a task after any event is a
// binary search, and that of the whole executor is one for each task: the replay can step back as
// easily as forward, and nothing has to be undone.
//
// The children of a scope are lanes as well; their polls lie within those of the task that polls them.
// A task whose birth is lost begins before the first event, in a state that nobody knows.
//
// Read next: `words.js`, which says it in sentences.

/** The states of a task. Those that wait follow, by the kind of the wait. */
const RUNNING = 0, READY = 1, UNKNOWN = 2, WAITING = 3;

/** The kinds of waits, in the order of `WaitKind` in `src/task/waits.rs`. */
const WAIT_NAMES = ["a descriptor", "a thread or a signal", "another task", "the end of a task",
                    "a foreign waker", "a deadline", "its turn", "nothing"];

/** The names of all states. */
const STATE_NAMES = ["is polled", "is ready", "state not recorded",
                     ...WAIT_NAMES.map((name) => `waits for ${name}`)];

/** How a task ends. */
const ENDS = ["returned", "was cancelled", "panicked"];

/** Concludes everything from the log, in one pass. */
function understand(log) {
    const model = {
        lanes: [], byTask: new Map(), wakes: [], births: [], timers: [], sources: [],
        turns: [], sleeps: [], polls: 0, panics: 0, cancels: 0,
        // Whom each event is about, and who has caused it. A number is not enough: a log may be one of
        // several executors, whose tasks have the same.
        laneAt: [], causerAt: [],
        // Who is polled, from each event on that changes it; and how long somebody was, in nanoseconds.
        pollAt: [], pollStack: [], polled: 0,
        // Whether tasks were always polled in the order in which they became ready.
        isFifo: true,
    };
    const stack = [];
    const openTimers = new Map();
    const openSources = new Map();
    // What has come from outside and may wake somebody: the event, by the task that waits for it.
    const come = new Map();
    let sleep = null;

    /** A lane that was there before the first event. */
    const oldLane = (task, state) => {
        const lane = newLane(task, model.lanes.length);
        model.lanes.push(lane);
        model.byTask.set(task, lane);
        begin(lane, -1, state);
        return lane;
    };
    /** The lane of a task; one that is unknown has been there before the first event. */
    const laneOf = (task, state = UNKNOWN) => {
        const known = model.byTask.get(task);
        if (known) return known;
        const found = oldLane(task, state);
        // Then its ancestors, as far as they are known: a loop, as they may be very many.
        for (let lane = found; lane;) {
            const told = log.known.get(lane.task);
            if (!told) break;
            Object.assign(lane, { name: told.name, place: told.place });
            const parent = model.byTask.get(told.parent);
            const older = !parent && log.known.has(told.parent) ? oldLane(told.parent, UNKNOWN) : null;
            lane.parent = parent ?? older;
            lane.parent?.children.push(lane);
            lane = older;
        }
        return found;
    };
    /** Nobody is polled where a turn begins, or a sleep. */
    const leaveAll = () => {
        if (stack.length === 0) return;
        stack.length = 0;
        notePolls(log, model, stack);
    };
    const leave = (lane) => {
        const nth = stack.lastIndexOf(lane);
        if (nth >= 0) stack.length = nth;
        notePolls(log, model, stack);
    };

    for (let i = 0; i < log.count; i++) {
        const [, what, a, b, c, d] = log.rows[i];
        model.now = i;
        switch (what) {
        case TURN:
            leaveAll();
            come.clear();
            model.turns.push(i);
            break;
        case ASLEEP:
            leaveAll();
            if (sleep) sleep.end = i;
            sleep = { start: i, end: log.count, until: a };
            model.sleeps.push(sleep);
            break;
        case AWAKE:
            if (!sleep) model.sleeps.push(sleep = { start: -1, end: i, until: null });
            sleep.end = i;
            sleep = null;
            break;
        case SPAWNED: {
            const parent = b === 0 ? null : laneOf(b);
            // The number may be known already, if the log is one of several executors.
            const lane = model.laneAt[i] = newLane(a, model.lanes.length);
            model.lanes.push(lane);
            model.byTask.set(a, lane);
            Object.assign(lane, { born: i, parent, name: c, place: d });
            if (parent) {
                parent.children.push(lane);
                model.births.push({ at: i, from: parent, to: lane });
            }
            begin(lane, i, READY);
            break;
        }
        case WOKEN: {
            const lane = model.laneAt[i] = laneOf(a);
            const by = model.causerAt[i] = b > 0 ? laneOf(b) : null;
            const wake = { at: i, from: by, to: lane, by: b, cause: b === BY_WORLD ? come.get(lane) ?? -1 : -1 };
            lane.wakes.push(wake);
            by?.woke.push(wake);
            if (b === BY_WORLD || by) model.wakes.push(wake);
            const before = lane.states[lane.states.length - 1];
            if (before === RUNNING) lane.again = true;
            else if (before !== READY) begin(lane, i, READY);
            break;
        }
        case POLLED: {
            const lane = model.laneAt[i] = laneOf(a);
            if (stack.length > 0) lane.within = stack[stack.length - 1];
            stack.push(lane);
            notePolls(log, model, stack);
            lane.polls += 1;
            lane.again = false;
            model.polls += 1;
            begin(lane, i, RUNNING);
            break;
        }
        case PARKED: {
            const lane = model.laneAt[i] = laneOf(a, RUNNING);
            leave(lane);
            begin(lane, i, lane.again ? READY : WAITING + log.waits[b].kind, b, c);
            lane.again = false;
            break;
        }
        case FINISHED: {
            const lane = model.laneAt[i] = laneOf(a, RUNNING);
            leave(lane);
            lane.end = i;
            lane.how = b;
            if (b === 1) model.cancels += 1;
            if (b === 2) model.panics += 1;
            break;
        }
        case CANCEL_ASKED:
            model.causerAt[i] = b === 0 ? null : laneOf(b);
            model.laneAt[i] = laneOf(a);
            model.laneAt[i].asked.push({ at: i, by: model.causerAt[i], place: c });
            break;
        case TIMER_SET: {
            const lane = model.causerAt[i] = b === 0 ? null : laneOf(b);
            const timer = { timer: a, lane, deadline: c, start: i, end: log.count, fired: false };
            openTimers.set(a, timer);
            model.timers.push(timer);
            break;
        }
        case TIMER_UNSET:
        case TIMER_FIRED: {
            const timer = openTimers.get(a) ??
                { timer: a, lane: null, deadline: undefined, start: -1, end: i, fired: false };
            if (!openTimers.delete(a)) model.timers.push(timer);
            timer.end = i;
            timer.fired = what === TIMER_FIRED;
            if (timer.fired && timer.lane) come.set(timer.lane, i);
            break;
        }
        case SOURCE_ADDED:
        case SOURCE_WANTED:
        case SOURCE_REMOVED:
        case SOURCE_READY: {
            let source = openSources.get(a);
            if (what === SOURCE_ADDED || !source) {
                openSources.set(a, source = newSource(model, a, what === SOURCE_ADDED ? i : -1, log.count));
            }
            if (what === SOURCE_ADDED || what === SOURCE_WANTED) {
                const lane = model.causerAt[i] = b === 0 ? null : laneOf(b);
                source.since.push(i);
                source.waiters.push(lane);
            } else if (what === SOURCE_READY) {
                source.ready.push(i);
                const lane = waiterAt(source, i);
                if (lane) come.set(lane, i);
            } else {
                source.end = i;
                openSources.delete(a);
            }
            break;
        }
        }
    }
    for (const lane of model.lanes) if (lane.how === null) lane.end = log.count;
    for (let nth = 0; nth < model.pollAt.length; nth++) {
        const until = Math.min(model.pollAt[nth + 1] ?? log.count, log.count - 1);
        if (model.pollStack[nth]) model.polled += log.time[until] - log.time[model.pollAt[nth]];
    }
    model.isFifo = isFirstInFirstOut(model);
    model.order = familyOrder(model.lanes);
    return model;
}

/** A lane without states. */
function newLane(task, nth) {
    return {
        task, nth, name: -1, place: -1, parent: null, children: [], depth: 0, born: -1, end: 0, how: null,
        starts: [], states: [], waits: [], places: [], wakes: [], woke: [], asked: [], polls: 0, again: false,
        // The task that polls it, if it is a child of a scope.
        within: null,
    };
}

/** A descriptor that is watched from now on; `waiters[k]` has waited for it last, from event `since[k]` on. */
function newSource(model, fd, start, end) {
    const source = { fd, start, end, since: [], waiters: [], ready: [] };
    model.sources.push(source);
    return source;
}

/** Who has waited last for a descriptor, as it is after event `i`; `null` if that is not known. */
function waiterAt(source, i) {
    return source.waiters[countUpTo(source.since, i) - 1] ?? null;
}

/** The lane has another state from event `i` on. */
function begin(lane, i, state, wait = -1, place = -1) {
    lane.starts.push(i);
    lane.states.push(state);
    lane.waits.push(wait);
    lane.places.push(place);
}

/** Notes who is polled after this event. */
function notePolls(log, model, stack) {
    model.pollAt.push(model.now);
    model.pollStack.push(stack.length === 0 ? null : stack.slice());
}

/** Whether no task was polled before another one that had been ready for longer. */
function isFirstInFirstOut({ lanes }) {
    const turns = [];
    for (const lane of lanes) {
        // The queues of scopes are their own.
        if (lane.within) continue;
        for (let nth = 0; nth + 1 < lane.starts.length; nth++) {
            if (lane.states[nth] === READY && lane.states[nth + 1] === RUNNING) {
                turns.push({ since: lane.starts[nth], polled: lane.starts[nth + 1] });
            }
        }
    }
    turns.sort((one, other) => one.since - other.since);
    return turns.every((turn, nth) => nth === 0 || turns[nth - 1].polled < turn.polled);
}

/** The lanes in the order of their numbers, which is that of births, where each is followed by its children. */
function familyOrder(lanes) {
    const order = [];
    const left = lanes.filter((lane) => !lane.parent).sort((one, other) => other.task - one.task);
    while (left.length > 0) {
        const lane = left.pop();
        order.push(lane);
        for (let nth = lane.children.length - 1; nth >= 0; nth--) {
            lane.children[nth].depth = lane.depth + 1;
            left.push(lane.children[nth]);
        }
    }
    return order;
}

/** The state of a lane after event `i`; `nth` is its place in the row, `null` if there is no task. */
function stateAt(lane, i) {
    const nth = countUpTo(lane.starts, i) - 1;
    if (nth < 0 || (lane.how !== null && i >= lane.end)) return { nth, state: null };
    return { nth, state: lane.states[nth] };
}

/** The event with which the `nth` state of a lane ends. */
function endOf(lane, nth) {
    return nth + 1 < lane.starts.length ? lane.starts[nth + 1] : lane.end;
}

/** Who is polled after event `i`, the innermost last. */
function polledAt(model, i) {
    const nth = countUpTo(model.pollAt, i) - 1;
    return (nth < 0 ? null : model.pollStack[nth]) ?? [];
}

/** The whole executor after event `i`. */
function executorAt(log, model, i) {
    const ready = [], children = [], waiting = [], ended = [], unknown = [];
    for (const lane of model.lanes) {
        if (lane.born > i) continue;
        const { nth, state } = stateAt(lane, i);
        if (state === null) ended.push(lane);
        else if (state === READY) (lane.within ? children : ready).push({ lane, since: lane.starts[nth] });
        else if (state === UNKNOWN) unknown.push(lane);
        else if (state >= WAITING) waiting.push({ lane, nth, kind: state - WAITING });
    }
    const bySince = (one, other) => one.since - other.since;
    ready.sort(bySince);
    children.sort(bySince);
    ended.sort((one, other) => other.end - one.end);
    const isOpen = (it) => it.start <= i && it.end > i;
    const timers = model.timers.filter(isOpen);
    timers.sort((one, other) => (one.deadline ?? Infinity) - (other.deadline ?? Infinity));
    const sources = model.sources.filter(isOpen);
    const sleep = model.sleeps.findLast((sleep) => sleep.start <= i);
    const asleep = sleep && sleep.end > i ? sleep : null;
    return { ready, children, waiting, ended, unknown, timers, sources, asleep, turn: turnAt(log, model, i),
             polled: polledAt(model, i) };
}

/** The turn that goes on after event `i`: which one it is, and how many polls of it are left. */
function turnAt(log, model, i) {
    const nth = countUpTo(model.turns, i) - 1;
    if (nth < 0) return null;
    const start = model.turns[nth];
    let left = log.rows[start][2];
    for (let event = start + 1; event <= i; event++) {
        if (log.what[event] === ASLEEP) return null;
        // Children are polled in the turn of the task that polls their scope.
        if (log.what[event] === POLLED && polledAt(model, event).length === 1) left -= 1;
    }
    return { nth: nth + 1, ready: log.rows[start][2], left: Math.max(left, 0) };
}
