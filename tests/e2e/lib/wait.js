/* wait.js - waiting for events, and never longer than a deadline */
'use strict';

/* ASan and UBSan make everything several times slower, valgrind even more. */
const SLOWNESS = Number(process.env.PATCHBAY_SLOWNESS ??
    (process.env.PATCHBAY_SANITIZED === '1' ? 4 : 1));

/* It keeps limits of descriptors in a way of its own, knows no openat2, and
 * blocks the signals of whom it watches. */
const VALGRIND = /^valgrind /.test(process.env.PATCHBAY_WRAPPER ?? '');

const SOON_MS = 8000 * SLOWNESS;

/* The promise, or an error that says what did not happen. */
function within(promise, what, ms = SOON_MS) {
    const late = new Error(`${what}: not within ${ms} ms`);
    let timer;

    return Promise.race([promise, new Promise((done, fail) => {
        timer = setTimeout(() => fail(late), ms);
    })]).finally(() => clearTimeout(timer));
}

/* For what no event tells of, such as the state of a process. */
async function until(check, what, ms = SOON_MS) {
    const end = Date.now() + ms;

    for (;;) {
        const value = await check();

        if (value) {
            return value;
        }
        if (Date.now() > end) {
            throw new Error(`${what}: not within ${ms} ms`);
        }
        await new Promise((done) => setTimeout(done, 5));
    }
}

/* Time that has to pass, where a test is about time; not a way to wait. */
function pass(ms) {
    return new Promise((done) => setTimeout(done, ms));
}

/*
 * How long something takes, in ms, of the time in which this process was not
 * kept waiting itself: for upper bounds, which say nothing of a machine that
 * stands still.
 */
function stopwatch() {
    const tick = 20;
    let last = performance.now();
    let ms = 0;
    const look = () => {
        const now = performance.now();

        ms += Math.min(now - last, 2 * tick);
        last = now;
        return ms;
    };

    setInterval(look, tick).unref();
    return look;
}

/*
 * Things that arrive one after another: lines, messages, frames. next takes
 * them in their order; find looks at all of them, come or to come.
 */
class Feed {
    constructor(what) {
        this.what = what;
        this.items = [];
        this.taken = 0;
        this.waiting = new Set();
        this.over = null; /* why nothing more will come */
    }

    push(item) {
        this.items.push(item);
        this.wake();
    }

    end(why) {
        this.over ??= why;
        this.wake();
    }

    wake() {
        for (const look of [...this.waiting]) {
            look();
        }
    }

    get length() {
        return this.items.length;
    }

    /* look returns undefined as long as there is nothing yet. */
    watch(look, what, ms) {
        const found = look();

        if (found !== undefined) {
            return Promise.resolve(found);
        }
        let again;
        const wanted = new Promise((done, fail) => {
            again = () => {
                const item = look();

                if (item !== undefined) {
                    this.waiting.delete(again); /* it would take the next */
                    done(item);
                } else if (this.over !== null) {
                    fail(new Error(`${this.what}: ${this.over}, without ` +
                        what));
                }
            };
            this.waiting.add(again);
            again();
        });
        return within(wanted, `${this.what}: ${what}`, ms)
            .finally(() => this.waiting.delete(again));
    }

    next(what = 'the next one', ms = SOON_MS) {
        return this.watch(() => this.taken < this.items.length
            ? this.items[this.taken++] : undefined, what, ms);
    }

    find(wanted, what, { from = 0, ms = SOON_MS } = {}) {
        return this.watch(() => this.items.slice(from).find(wanted), what, ms);
    }
}

module.exports = { SLOWNESS, SOON_MS, VALGRIND, within, until, pass, stopwatch,
    Feed };
