/* load.js - clients that work while a fault happens, and check every message
 *
 * Each member sends numbered binary messages to a route of the plugin
 * `everything`, which echoes them: small and large, several on their way at a
 * time. Every fifth publishes numbered texts to all of them as well. So what is
 * lost, doubled, out of order or changed is seen, and on whose connection.
 */
'use strict';

const WebSocket = require('ws');
const { SOON_MS, until, within } = require('../../e2e/lib/wait.js');

const HEAD = 8; /* the number of the message, and when it was sent */
const SIZES = [12, 12, 100, 1000, 12, 12, 20000, 12];
const PUBLISHERS = 5; /* one of so many */

let loads = 0;

const sizeOf = (number) => HEAD + SIZES[number % SIZES.length];
const fillOf = (number) => number * 7 + 13 & 255;

/* What has come of a sequence of numbers. */
class Sequence {
    constructor(first = 0) {
        this.next = first;
        this.missing = new Set();
        this.doubled = 0;
        this.reordered = 0;
    }

    take(number) {
        for (; this.next <= number; this.next++) {
            this.missing.add(this.next);
        }
        if (!this.missing.delete(number)) {
            this.doubled++;
        } else if (number !== this.next - 1) {
            this.reordered++;
        }
    }

    /* Of so many that were sent. */
    lost(sent) {
        return this.missing.size + Math.max(0, sent - this.next);
    }
}

class Member {
    constructor(load, name) {
        this.load = load;
        this.name = name;
        this.publishes = name % PUBLISHERS === 0;
        this.late = load.members.length > 0; /* others have spoken before */
        this.sent = 0;
        this.echoes = new Sequence();
        this.published = 0;
        this.accepted = 0; /* of them, those that the plugin has taken */
        this.heard = new Map(); /* from other members, by name: a Sequence */
        this.met = new Set(); /* the publishers it has heard a hello from */
        this.wrong = 0;
        this.closed = null; /* { code, reason, at } */
        this.timers = new Set();
        this.stopped = false;
    }

    async open(url, options) {
        const socket = new WebSocket(url,
            { perMessageDeflate: false, ...options });

        this.socket = socket;
        await within(new Promise((done, fail) => {
            socket.once('open', done);
            socket.on('error', fail);
        }), `a WebSocket at ${url}`);
        socket.on('close', (code, reason) => {
            this.closed = { code, reason: reason.toString(),
                at: performance.now() };
            this.stop();
        });
        socket.on('message', (data, binary) => {
            this.load.messages++;
            if (binary) {
                this.takeEcho(data);
            } else {
                this.takeText(data.toString());
            }
        });
        ['worker', 'id', `sub ${this.load.topic}`].forEach((text) => socket.send(text));
        await until(() => this.subscribed || this.closed, 'a subscription');
    }

    takeEcho(data) {
        const number = data.readUInt32LE(0);

        this.echoes.take(number);
        if (data.length !== sizeOf(number) ||
            !data.subarray(HEAD).every((byte) => byte === fillOf(number))) {
            this.wrong++;
        }
        this.load.times.push(performance.now() - data.readUInt32LE(4) / 10);
        this.later(() => this.echo());
    }

    takeText(text) {
        const [word, rest] = text.split(' ');

        switch (word) {
        case 'worker': this.worker = Number(rest); break;
        case 'id': this.id = rest; break;
        case 'sub': this.subscribed = rest === '0'; break;
        case 'hello': this.met.add(Number(rest)); break;
        case 'pub':
            this.accepted++;
            this.wrong += rest === '0' ? 0 : 1;
            break;
        case 'said': {
            const [name, number] = rest.split('/').map(Number);

            if (!this.heard.has(name)) {
                this.heard.set(name, new Sequence(this.late ? number : 0));
            }
            this.heard.get(name).take(number);
            break;
        }
        default: this.wrong++;
        }
    }

    /* Not all at the same moment, and not faster than the machine allows. */
    later(run) {
        if (this.stopped) {
            return;
        }
        const timer = setTimeout(() => {
            this.timers.delete(timer);
            run();
        }, this.load.pace * (0.5 + Math.random()));

        this.timers.add(timer);
    }

    start() {
        for (let i = 0; i < this.load.window; i++) {
            this.later(() => this.echo());
        }
        if (this.publishes) {
            this.later(() => this.publish());
        }
    }

    stop() {
        this.stopped = true;
        this.timers.forEach(clearTimeout);
        this.timers.clear();
    }

    echo() {
        const data = Buffer.alloc(sizeOf(this.sent), fillOf(this.sent));

        data.writeUInt32LE(this.sent++, 0);
        data.writeUInt32LE(Math.trunc(performance.now() * 10), 4);
        this.socket.send(data);
    }

    hello() {
        this.published++;
        this.socket.send(`pub ${this.load.topic} hello ${this.name}`);
    }

    publish() {
        this.published++;
        this.said = (this.said ?? -1) + 1;
        this.socket.send(`pub ${this.load.topic} said ${this.name}/${this.said}`);
        this.later(() => this.publish());
    }

    get idle() {
        return this.echoes.next === this.sent &&
            this.accepted === this.published;
    }

    /* How many of the messages of that one have not come. */
    missed(other) {
        const sent = (other.said ?? -1) + 1;

        return this.heard.get(other.name)?.lost(sent) ??
            (this.late ? 0 : sent);
    }
}

/*
 * options: path, of a route of `everything`; pace, the milliseconds from an
 * answer to the next message; window, messages on their way at a time; index
 * and scheme as for host.url, and those of ws.
 */
class Load {
    constructor(host, { path = '/every', pace = 20, window = 3, index, scheme,
        ...options } = {}) {
        Object.assign(this, { host, path, pace, window, options });
        this.where = { index, scheme };
        this.topic = `load-${++loads}`;
        this.members = [];
        this.messages = 0;
        this.times = []; /* of echoes, in ms, since the last lap */
    }

    /* So many clients; all of them hear each other when this is done. */
    static async start(host, count, options) {
        const load = new this(host, options);

        host.keep(load);
        await load.add(count);
        return load;
    }

    async add(count) {
        const url = this.host.url(this.path, this.where);
        const added = Array.from({ length: count }, (_, i) =>
            new Member(this, this.members.length + i));

        await Promise.all(added.map((one) => one.open(url, this.options)));
        this.members.push(...added);
        const speakers = this.open.filter(({ publishes }) => publishes);

        /* Workers learn of each other's subscriptions in a while. */
        await until(() => {
            speakers.forEach((one) => one.hello());
            return this.open.every(({ met }) =>
                speakers.every(({ name }) => met.has(name)));
        }, 'members that hear each other');
        added.forEach((one) => one.start());
    }

    get open() {
        return this.members.filter(({ closed }) => closed === null);
    }

    get broken() {
        return this.members.filter(({ closed }) => closed !== null);
    }

    in(worker) {
        return this.members.filter((one) => one.worker === worker);
    }

    /* The times of all echoes since the last lap, in ms. */
    lap() {
        const times = this.times.sort((a, b) => a - b);
        const at = (part) => times[Math.min(times.length - 1,
            Math.trunc(times.length * part))] ?? 0;

        this.times = [];
        return { count: times.length, p50: at(0.5), p99: at(0.99),
            max: times.at(-1) ?? 0 };
    }

    /* So many echoes more, of those that are open. */
    async flow(count = 200, ms = SOON_MS) {
        const before = this.messages;

        await until(() => this.messages >= before + count,
            `${count} messages of the load`, ms);
    }

    /*
     * Speaks no more, waits for what is on its way, and tells what has become
     * of everything on the connections that are open.
     */
    finish(ms = SOON_MS) {
        this.result ??= this.judge(ms);
        return this.result;
    }

    async judge(ms) {
        this.members.forEach((one) => one.stop());
        const open = this.open;
        const speakers = open.filter(({ publishes }) => publishes);
        const all = () => open.every((one) => one.idle &&
            speakers.every((other) => one.missed(other) === 0));

        await until(all, 'the last messages', ms).catch(() => {});
        const sum = (count) => open.reduce((n, one) => n + count(one), 0);
        const heard = (one, what) => [...one.heard.values()]
            .reduce((n, each) => n + each[what], 0);
        const result = {
            connections: this.members.length,
            broken: this.broken.length,
            messages: this.messages,
            lost: sum((one) => one.echoes.lost(one.sent) +
                one.published - one.accepted + this.gaps(one, speakers)),
            doubled: sum((one) => one.echoes.doubled + heard(one, 'doubled')),
            reordered: sum((one) =>
                one.echoes.reordered + heard(one, 'reordered')),
            wrong: sum(({ wrong }) => wrong),
        };

        this.terminate();
        return result;
    }

    /* Of one that is gone it is not known what it last got out. */
    gaps(one, speakers) {
        let lost = 0;

        for (const [name, each] of one.heard) {
            lost += each.missing.size;
            if (speakers.includes(this.members[name])) {
                lost += one.missed(this.members[name]) - each.missing.size;
            }
        }
        return lost;
    }

    terminate() {
        for (const one of this.members) {
            one.stop();
            one.socket?.terminate();
        }
    }
}

module.exports = { Load, Sequence };
