/* recycle.test.js - workers that reach max_memory or max_requests give way */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { describe, it } = require('node:test');
const { Client } = require('./lib/client.js');
const { cluster } = require('./lib/cluster.js');
const { OPCODE } = require('./lib/raw.js');
const { withHost } = require('./lib/suite.js');
const { SLOWNESS, pass, until } = require('./lib/wait.js');

const RESTART = { code: 1012, reason: 'service restart' };
const TAKES_OVER = /worker \d+ \(pid \d+\) serves in the place of worker \d+/;
const HAS_GONE = /worker \d+, which was recycled, has ended/;

/* Longer than a new worker takes to start. */
const INTERVAL_S = Math.max(2, SLOWNESS);

/* Makes the one worker that has this connection reach its limit. */
async function ask(raw, count) {
    for (let i = 0; i < count; i++) {
        raw.request('GET /-/health HTTP/1.1', { host: 'localhost' });
        assert.strictEqual((await raw.response()).status, 200);
    }
}

const recycled = async (host) => (await host.json('status')).recycled;

/* One connection of a member: it publishes numbered texts, and keeps what
 * comes. */
class Life {
    static count = 0;

    constructor(client, again) {
        this.client = client;
        this.again = again; /* not the first of its member */
        this.name = `m${Life.count++}`;
        this.got = [];
        this.said = 0; /* what it was told that it had published */
    }

    /* Takes what comes up to the answer, or the end: null. */
    async read(answer) {
        for (;;) {
            const text = await this.client.text().catch(() => null);

            if (text === null || text === answer) {
                return text;
            }
            assert.match(text, /^m\d+ \d+$/);
            this.got.push(text);
        }
    }

    async publish(isOver) {
        while (!isOver()) {
            this.client.send(`pub room ${this.name} ${this.said}`);
            if (await this.read('pub 0') === null) {
                return;
            }
            this.said++;
            await pass(2);
        }
    }

    /* What the other has said comes in the end. */
    async hear(other) {
        const last = `${other.name} ${other.said - 1}`;

        while (other.said > 0 && !this.got.includes(last)) {
            this.got.push(await this.client.text(`"${last}"`));
        }
    }

    /* Each text that it has from the other came once and in order, up to one. */
    compare(other, { to } = {}) {
        const numbers = this.got.map((text) => text.split(' '))
            .filter(([name]) => name === other.name)
            .map(([, number]) => Number(number));
        const first = other.again && !this.again ? 0 : numbers[0];

        numbers.forEach((number, i) => assert.strictEqual(number, first + i,
            `${this.name} of ${other.name}`));
        if (to > 0) {
            assert.ok(numbers.at(-1) >= to - 1);
        }
    }
}

/* Comes again when its worker leaves. */
class Member {
    constructor(host) {
        this.host = host;
        this.lives = [];
        this.stopping = false;
        this.done = this.run();
        this.done.catch(() => { /* for who waits for it */ });
    }

    async run() {
        while (!this.stopping) {
            const client = await Client.connect(this.host.url('/every'));
            const life = new Life(client, this.lives.length > 0);

            client.send('sub room');
            if (await life.read('sub 0') !== null) {
                this.lives.push(life);
                await life.publish(() => this.stopping);
            }
            if (!this.stopping) {
                assert.deepStrictEqual(await client.closed(), RESTART);
            }
        }
    }

    async stop() {
        this.stopping = true;
        await this.done;
    }

    get stayed() {
        return this.lives.length === 1;
    }
}

const all = (members) => until(() => members.every(({ lives }) =>
    lives[0]?.said > 5), 'all members');

/* One worker of the host gives way while all members talk; those that stay
 * elsewhere hear all, once and in order. */
async function giveWay(host, members) {
    await all(members);
    /* The system may have sent all to one worker. */
    while ((await host.json('status')).workers
        .some(({ connections }) => connections === 0)) {
        members.push(new Member(host));
        await all(members);
    }
    await ask(await host.raw(), 100);
    await host.waitLog(TAKES_OVER);
    await host.waitLog(HAS_GONE);
    const said = new Map(members.flatMap(({ lives }) =>
        lives.map((life) => [life, life.said])));

    /* One whose connection is over says no more on it. */
    await until(() => members.every(({ lives }) => lives.at(-1).said >
        (said.get(lives.at(-1)) ?? 0) + 20), 'all members again');
    await Promise.all(members.map((each) => each.stop()));
    const stayed = members.filter((each) => each.stayed);
    const lives = members.flatMap((each) => each.lives);

    assert.ok(stayed.length > 0 && stayed.length < members.length,
        `${stayed.length} of ${members.length} have stayed`);
    for (const { lives: [life] } of stayed) {
        for (const other of lives) {
            await life.hear(other);
            life.compare(other, { to: other.said });
        }
    }
    for (const life of lives) {
        lives.forEach((other) => life.compare(other));
    }
    members.forEach(({ lives: own }) => own.at(-1).client.terminate());
}

describe('a worker at its limit', () => {
    it('gives way under load, and who stays loses nothing', () => withHost({
        server: { workers: 2, max_requests: 100, recycle_interval: '1s' },
        routes: { every: { path: '/every', plugin: 'everything' } },
        expected: [/worker \d+ \(pid \d+\) has reached .* too low a limit/],
    }, async (host) => {
        const members = Array.from({ length: 10 }, () => new Member(host));
        const { workers } = await host.json('status');

        await giveWay(host, members);
        const after = await host.json('status');

        assert.strictEqual(after.state, 'running');
        assert.deepStrictEqual(after.recycled,
            { max_memory: 0, max_requests: 1 });
        assert.strictEqual(after.workers.length, 2);
        assert.strictEqual(workers.filter(({ pid }) =>
            after.workers.some((each) => each.pid === pid)).length, 1);
        assert.ok(after.workers.every(({ restarts }) => restarts === 0));
        assert.strictEqual((await host.metrics())
            .get('patchbay_workers_recycled_total{limit="max_requests"}'), 1);
    }));

    it('stays until the new one serves, and as long as its clients', () =>
        withHost({
            server: { workers: 1, max_requests: 10, recycle_interval: '1s' },
            routes: { every: { path: '/every', plugin: 'everything' } },
            expected: [/too low a limit/],
        }, async (host) => {
            const old = await host.rawUpgrade('/every');
            const before = host.workers();

            await ask(await host.raw(), 10);
            await host.waitLog(TAKES_OVER);
            const frame = await old.frame();

            assert.strictEqual(frame.opcode, OPCODE.close);
            assert.strictEqual(frame.payload.readUInt16BE(), RESTART.code);
            /* It does not answer, so its worker is still there. */
            const client = await host.connect('/every');

            assert.strictEqual(await client.value('worker'), '0');
            const both = await host.json('status');

            assert.deepStrictEqual(both.workers.map(({ state }) => state),
                ['draining', 'running']);
            assert.strictEqual(both.workers[0].pid, before[0]);
            assert.strictEqual(both.state, 'running');
            old.destroy();
            await host.waitLog(HAS_GONE);
            assert.deepStrictEqual((await host.json('status')).workers
                .map(({ worker, state }) => [worker, state]),
            [[1, 'running']]);
            assert.strictEqual(await client.ask('echo here'), 'here');
            const { stdout } = await host.command('status');

            assert.match(stdout, /recycled +1 workers, 0 for max_memory, 1 for/);
            const { missing } = await host.json('conns');

            assert.deepStrictEqual(missing, []);
        }));

    it('is known by its memory, and the limit may be changed', () => withHost({
        server: { workers: 1, max_memory: '1024g', recycle_interval: '1s' },
        routes: {
            leak: { path: '/leak', plugin: 'leak', 'leak.gate': 'gate' },
        },
        expected: [/too low a limit/],
    }, async (host) => {
        const resident = await until(async () => (await host.metrics())
            .get('patchbay_worker_resident_bytes{worker="0"}'), 'a look');
        const limit = Math.ceil(resident / 1048576) + 8;
        const client = await host.connect('/leak');

        host.writeFile('gate', ''); /* the next one takes its time */
        host.setup.server.max_memory = `${limit}m`;
        host.writeIni();
        assert.strictEqual((await host.reload()).workers, 'kept');
        await client.ask('leak 16384');
        await host.waitLog(new RegExp('worker 0 \\(pid \\d+\\) has reached ' +
            `\\[server\\] max_memory = ${limit}m: it has \\d+k; ` +
            'worker 1 is to take its place'));
        /* So long the old one serves. */
        assert.deepStrictEqual((await host.json('status')).workers
            .map(({ state }) => state), ['running', 'starting']);
        await (await host.connect('/leak')).ask('leak 0');
        await client.ask('leak 0');
        assert.strictEqual(host.logged(TAKES_OVER).length, 0);
        fs.unlinkSync(host.file('gate'));
        await host.waitLog(TAKES_OVER);
        assert.deepStrictEqual(await client.closed(), RESTART);
        await host.waitLog(HAS_GONE);
        assert.deepStrictEqual(await recycled(host),
            { max_memory: 1, max_requests: 0 });
    }));

    it('is not recycled before its time, and that is said once', () =>
        withHost({
            server: { workers: 2, max_requests: 1,
                recycle_interval: `${INTERVAL_S}s` },
            routes: { every: { path: '/every', plugin: 'everything' } },
            expected: [/too low a limit/],
        }, async (host) => {
            const begun = performance.now();

            await until(async () => {
                await host.request('/-/health');
                return (await recycled(host)).max_requests >= 2;
            }, 'two that are recycled');
            assert.ok(performance.now() - begun > INTERVAL_S * 1000 - 100);
            await host.waitLog(/too low a limit/);
            assert.strictEqual(host.logged(/too low a limit/).length, 1);
        }));

    it('gets a place for its successor by a reload', () => withHost({
        server: { workers: 1 },
        routes: { every: { path: '/every', plugin: 'everything' } },
        expected: [/too low a limit/],
    }, async (host) => {
        host.setup.server.max_requests = 5;
        host.setup.server.recycle_interval = '1s';
        host.writeIni();
        assert.strictEqual((await host.reload()).workers, 'replaced');
        await ask(await host.raw(), 5);
        await host.waitLog(HAS_GONE);
        const client = await host.connect('/every');

        /* One that is recycled is no reason to refuse a reload. */
        host.setup.server.max_requests = 1000;
        host.writeIni();
        assert.strictEqual((await host.reload()).workers, 'kept');
        assert.strictEqual(await client.ask('echo here'), 'here');
    }));
});

cluster('a worker of one of two machines, at its limit', {
    hosts: [
        { server: { workers: 2, max_requests: 100, recycle_interval: '1s' },
            expected: [/too low a limit/] },
        {},
    ],
}, ({ hosts, it: test }) => {
    test('gives way, and both machines lose nothing', async () => {
        const members = Array.from({ length: 10 },
            (_, i) => new Member(hosts[i % 2]));

        await giveWay(hosts[0], members);
        assert.deepStrictEqual(await recycled(hosts[0]),
            { max_memory: 0, max_requests: 1 });
        assert.ok(members.every(({ host, stayed }) =>
            host === hosts[0] || stayed));
    });
});
