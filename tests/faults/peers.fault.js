/* peers.fault.js - clients that dawdle, vanish, or never read */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const { OPCODE, frame, requestText, upgradeHeaders } =
    require('../e2e/lib/raw.js');
const { SLOWNESS, pass, until } = require('../e2e/lib/wait.js');
const { fault, lapText, ms } = require('./lib/fault.js');

const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length;

const memory = (pid) => Number(/^Rss:.*?\n(?:.*\n)*?Private_Dirty: +(\d+)/m
    .exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]);

const sum = (list, count) => list.reduce((n, each) => n + count(each), 0);

const request = requestText('GET /every HTTP/1.1', upgradeHeaders('localhost'));

/* A socket that writes a byte at a time. */
class Dawdler {
    constructor(where, bytes, pace) {
        this.start = performance.now();
        this.socket = net.connect(where).on('error', () => {});
        this.ended = new Promise((done) => this.socket.on('close', () => {
            clearInterval(this.timer);
            done(performance.now() - this.start);
        }));
        this.socket.resume();
        let at = 0;

        this.timer = setInterval(() => {
            this.socket.write(bytes.subarray(at, ++at));
            if (at === bytes.length) {
                clearInterval(this.timer);
            }
        }, pace);
    }
}

const longest = (list) => Math.max(...list);

fault('slow loris in the handshake', { limits: { handshake: '2s' } },
    async ({ host, full, row, load }) => {
        const count = full ? 1000 : 300;
        const crowd = await load(20);

        await crowd.flow(500);
        const before = crowd.lap();
        const slow = Array.from({ length: count }, () =>
            new Dawdler(host.where(), request, 100 + Math.random() * 100));

        await crowd.flow(500);
        const during = crowd.lap();
        const start = performance.now();
        const client = await host.connect('/every');
        const entry = performance.now() - start;

        assert.strictEqual(await client.ask('echo hello'), 'hello');
        const cut = longest(await Promise.all(slow.map(({ ended }) => ended)));

        /* Their request takes 17 s at least. */
        assert.ok(cut < 12000 * SLOWNESS, `${cut} ms`);
        assert.deepStrictEqual(crowd.broken, []);
        row.done = `${count} clients that send their request a byte at a ` +
            'time; `handshake = 2s`';
        row.recovery = `the last was cut after ${ms(cut)}`;
        row.seen = `echoes of the others ${lapText(before)} before, ` +
            `${lapText(during)} meanwhile; a new client was served in ` +
            `${ms(entry)}`;
    });

fault('slow loris in a message', {
    routes: {
        every: { path: '/every', plugin: 'everything' },
        slow: { path: '/slow', plugin: 'everything', ping: '1s',
            ping_wait: '1s' },
        idle: { path: '/idle', plugin: 'everything', idle: '2s', ping: 0 },
    },
}, async ({ host, full, row, load }) => {
    const count = full ? 300 : 60;
    const crowd = await load(20);

    await crowd.flow(500);
    const before = crowd.lap();
    const message = frame(OPCODE.binary, Buffer.alloc(100000));
    const timers = [];
    /* Each dawdles from its own beginning, and answers nothing: when it was
     * cut. */
    const dawdle = async (path) => {
        const raw = await host.rawUpgrade(path);
        const start = performance.now();
        let at = 0;

        raw.socket.removeAllListeners('data');
        raw.socket.resume();
        timers.push(setInterval(() => raw.socket.writable &&
            raw.socket.write(message.subarray(at, ++at)), 200));
        await raw.ended('its end', 20000 * SLOWNESS);
        return performance.now() - start;
    };
    const dawdlers = (path) =>
        Promise.all(Array.from({ length: count }, () => dawdle(path)));
    const start = performance.now();
    const slow = { ping: dawdlers('/slow'), idle: dawdlers('/idle') };
    const cut = {};

    try {
        await crowd.flow(500);
        const during = crowd.lap();

        cut.ping = await slow.ping;
        /* These are told first, and have five seconds to answer. */
        await until(async () => (await host.metrics())
            .get('patchbay_limit_reached_total{route="idle",limit="idle"}') ===
                count,
        'the end of the idle');
        cut.idle = performance.now() - start;
        if (full) {
            await slow.idle;
        }
        row.seen = `echoes of the others ${lapText(before)} before, ` +
            `${lapText(during)} meanwhile`;
    } finally {
        slow.ping.catch(() => { /* it has failed already */ });
        slow.idle.catch(() => { /* likewise, or it is cut by the end */ });
        timers.forEach(clearInterval);
    }
    assert.ok(Math.min(...cut.ping) > 900, 'not for what it sent so slowly');
    assert.deepStrictEqual(crowd.broken, []);
    row.done = `${count} clients each that send a message a byte at a time, ` +
        'with `ping = 1s, ping_wait = 1s`, and with `idle = 2s`';
    row.recovery = `cut after ${ms(Math.min(...cut.ping))} to ` +
        `${ms(longest(cut.ping))}; the idle after ${ms(cut.idle)}`;
});

/* Connects, goes so far as step says, and resets the connection. */
function knockAndReset(where, step) {
    return new Promise((done) => {
        const socket = net.connect(where);
        const reset = () => socket.resetAndDestroy();

        socket.on('error', () => {});
        socket.on('close', done);
        socket.once('connect', () => {
            if (step === 0) {
                reset();
            } else if (step === 1) {
                socket.write(request.subarray(0, 40), reset);
            } else {
                socket.write(request);
                socket.once('data', () => {
                    socket.write(frame(OPCODE.text, 'flood 20'), () =>
                        step === 2 ? reset() : socket.once('data', reset));
                });
            }
        });
    });
}

fault('connects and resets', {}, async ({ host, full, row, load }) => {
    const count = full ? 10000 : 1500;
    const pids = host.workers();
    const crowd = await load(20);

    await crowd.flow(500);
    const open = pids.map(descriptors);
    const before = crowd.lap();
    const start = performance.now();
    let left = count;

    await Promise.all(Array.from({ length: 50 }, async () => {
        while (left-- > 0) {
            await knockAndReset(host.where(), left % 4);
        }
    }));
    const took = performance.now() - start;
    const during = crowd.lap();

    await until(() => pids.every((pid, i) => descriptors(pid) === open[i]),
        'as many descriptors as before');
    row.recovery = ms(performance.now() - start - took);
    assert.deepStrictEqual(crowd.broken, []);
    assert.deepStrictEqual(host.workers(), pids);
    await until(async () => (await host.metrics())
        .get('patchbay_connections{route="every"}') === 20, 'the count');
    row.done = `${count} connections reset at once, in the request, in the ` +
        `first message, and with answers on their way; in ${ms(took)}`;
    row.seen = `descriptors level (${open.join(', ')}); echoes of the others ` +
        `${lapText(before)} before, ${lapText(during)} meanwhile`;
});

fault('peers that never read', {
    limits: { send_queue: '256k', ping: 0 },
    routes: {
        every: { path: '/every', plugin: 'everything' },
        drop: { path: '/drop', plugin: 'everything', slow_peer: 'drop' },
    },
}, async ({ host, full, row, load }) => {
    const count = full ? 40 : 20;
    const crowd = await load(20);
    const chunk = 'x'.repeat(16000);
    const seen = [];

    await crowd.flow(200);
    const used = sum(host.workers(), memory);

    for (const [path, metric] of [
        ['/every', 'slow_peers_closed_total{route="every"}'],
        ['/drop', 'messages_dropped_total{route="drop"}']]) {
        const deaf = [];

        for (let i = 0; i < count; i++) {
            const one = await host.connect(path);

            assert.strictEqual(await one.value('sub deaf'), '0');
            one.socket.pause();
            deaf.push(one);
        }
        const publisher = await host.connect(path);
        const reached = async () => (await host.metrics())
            .get(`patchbay_${metric}`) >= (path === '/drop' ? count * 50
            : count);

        crowd.lap();
        const start = performance.now();

        await until(async () => {
            for (let i = 0; i < 100; i++) {
                publisher.send(`pub deaf ${chunk}`);
            }
            for (let i = 0; i < 100; i++) {
                assert.strictEqual(await publisher.text(), 'pub 0');
            }
            return reached();
        }, 'the limit', 60000);
        const took = performance.now() - start;
        const more = sum(host.workers(), memory) - used;

        seen.push(`${path === '/drop' ? '`drop`' : '`close`'}: the limit ` +
            `after ${ms(took)}, ${more} KiB more memory, echoes of the ` +
            `others ${lapText(crowd.lap())}`);
        /* Each queue at its limit, and then some. */
        assert.ok(more < 2 * count * 256 + 16384, `${more} KiB more`);
        for (const one of deaf) {
            one.socket.resume();
        }
        if (path === '/every') {
            for (const one of deaf) {
                assert.strictEqual((await one.closed()).code, 1013);
            }
        } else {
            for (const one of deaf) {
                one.send('echo here');
                await one.messages.find(({ text }) => text === 'here',
                    'a peer that is still one of us');
            }
        }
    }
    assert.deepStrictEqual(crowd.broken, []);
    row.done = `${count} subscribers each that do not read, with ` +
        '`send_queue = 256k` and either `slow_peer`';
    row.seen = seen.join('; ');
});
