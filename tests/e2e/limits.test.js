/* limits.test.js - every queue, count and wait has its end */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { suite } = require('./lib/suite.js');
const { OPCODE, closePayload } = require('./lib/raw.js');
const { SLOWNESS, VALGRIND, pass, stopwatch, until } = require('./lib/wait.js');

const CHUNK = 'x'.repeat(4000);

/* Between looks at the metrics; a peer has five seconds to read on. */
const BATCH = VALGRIND ? 10 : 200;

/* A subscriber that does not read, and what was published to it. */
async function choke(host, path) {
    const slow = await host.connect(path);
    const publisher = await host.connect(path);
    const id = await slow.value('id');

    await slow.value('sub news');
    slow.socket.pause();
    return { slow, publisher, id };
}

const metric = async (host, name, route) =>
    (await host.metrics()).get(`patchbay_${name}{route="${route}"}`);

suite('a slow peer', {
    limits: { send_queue: '64k', ping: 0 },
    routes: {
        close: { path: '/close', plugin: 'everything' },
        drop: { path: '/drop', plugin: 'everything', slow_peer: 'drop' },
    },
}, ({ host, it }) => {
    it('is closed with 1013, after what it has coming', async () => {
        const { slow, publisher, id } = await choke(host, '/close');
        let sent = 0;

        await until(async () => {
            for (let i = 0; i < BATCH; i++) {
                publisher.send(`pub news ${sent++} ${CHUNK}`);
                await publisher.text();
            }
            return await metric(host, 'slow_peers_closed_total', 'close') > 0;
        }, 'a peer that is too slow', 60000 * SLOWNESS);
        assert.strictEqual(await publisher.ask('echo unharmed'), 'unharmed');
        slow.socket.resume();
        assert.deepStrictEqual(await slow.closed(),
            { code: 1013, reason: 'too slow' });
        /* All up to the limit, in order, and none behind a gap. */
        slow.messages.items.slice(slow.messages.taken).forEach(({ text }, i) =>
            assert.ok(text.startsWith(`${i} `), `${i}: ${text.slice(0, 9)}`));
        assert.ok(slow.messages.length < sent);
        await host.waitLog(new RegExp(`#${id} .*: closed 1013 "too slow"`));
        assert.strictEqual(
            await metric(host, 'slow_peers_closed_total', 'close'), 1);
    });

    it('loses messages instead, if the file says so', async () => {
        const { slow, publisher } = await choke(host, '/drop');
        let sent = 0;

        await until(async () => {
            for (let i = 0; i < 200; i++) {
                publisher.send(`pub news ${sent++} ${CHUNK}`);
                await publisher.text();
            }
            return await metric(host, 'messages_dropped_total', 'drop') > 100;
        }, 'messages that are dropped', 60000 * SLOWNESS);
        slow.socket.resume();
        const dropped = await metric(host, 'messages_dropped_total', 'drop');

        /* Those that came are in order, and it is still one of us. */
        let before = -1;

        for (let i = 0; i < sent - dropped; i++) {
            const number = Number((await slow.text()).split(' ')[0]);

            assert.ok(number > before, `${number} behind ${before}`);
            before = number;
        }
        assert.strictEqual(await slow.ask('echo here'), 'here');
        publisher.send('pub news the last');
        assert.strictEqual(await slow.text(), 'the last');
        assert.strictEqual(
            await metric(host, 'slow_peers_closed_total', 'drop'), 0);
    });
});

suite('time', {
    limits: { ping: 0 },
    routes: {
        ping: { path: '/ping', plugin: 'everything', ping: '1s',
            ping_wait: '1s' },
        idle: { path: '/idle', plugin: 'everything', idle: '1s' },
        /* For who must not be late, which a machine may make them. */
        talk: { path: '/talk', plugin: 'everything', ping: '4s' },
        busy: { path: '/busy', plugin: 'everything', idle: '4s' },
        plain: { path: '/plain', plugin: 'everything' },
    },
    concurrency: 8,
}, ({ host, it }) => {
    it('runs out for who does not answer a ping', async () => {
        const raw = await host.rawUpgrade('/ping');

        const start = performance.now();
        const took = stopwatch();

        raw.send(OPCODE.text, 'id');
        const [, id] = (await raw.message()).text.split(' ');
        const { opcode, payload } = await raw.frame();
        const pinged = performance.now() - start;

        assert.strictEqual(opcode, OPCODE.ping);
        assert.ok(payload.length <= 125);
        assert.ok(pinged > 900 && took() < 2500 * SLOWNESS, `${pinged} ms`);
        assert.strictEqual((await raw.rest()).length, 0);
        const ended = performance.now() - start;

        assert.ok(ended > 1900 && took() < 4000 * SLOWNESS, `${ended} ms`);
        await host.waitLog(new RegExp(`#${id} .*: closed 1006 "no pong"`));
        assert.ok(await metric(host, 'timeouts_total', 'ping') >= 1);
    });

    it('does not for who answers pings', async () => {
        const client = await host.connect('/ping');

        for (let i = 0; i < 3; i++) {
            const { kind } = await client.controls.next('a ping');

            assert.strictEqual(kind, 'ping');
        }
        assert.strictEqual(await client.ask('echo alive'), 'alive');
    });

    it('does not for who talks', async () => {
        const raw = await host.rawUpgrade('/talk');

        for (let i = 0; i < 6; i++) {
            raw.send(OPCODE.text, `echo ${i}`);
            const { opcode, payload } = await raw.frame();

            assert.strictEqual(opcode, OPCODE.text);
            assert.strictEqual(payload.toString(), `${i}`);
            await pass(1000);
        }
    });

    it('runs out for who says nothing', async () => {
        const client = await host.connect('/idle');
        const start = performance.now();
        const took = stopwatch();
        const id = await client.value('id');

        /* A pong is no message. */
        const timer = setInterval(() => client.socket.pong(), 100).unref();

        assert.deepStrictEqual(await client.closed(),
            { code: 1001, reason: 'idle' });
        clearInterval(timer);
        const ms = performance.now() - start;

        assert.ok(ms > 900 && took() < 3000 * SLOWNESS, `${ms} ms`);
        await host.waitLog(new RegExp(`#${id} .*: closed 1001 "idle"`));
    });

    it('does not for who gets messages, or sends them', async () => {
        const [talker, listener] = [await host.connect('/busy'),
            await host.connect('/busy')];

        await listener.value('sub news');
        for (let i = 0; i < 6; i++) {
            assert.strictEqual(await talker.value(`pub news ${i}`), '0');
            assert.strictEqual(await listener.text(), `${i}`);
            await pass(1000);
        }
        assert.strictEqual(await listener.ask('echo here'), 'here');
    });

    it('runs out for who does not answer a Close', async () => {
        const raw = await host.rawUpgrade('/plain');
        const took = stopwatch();

        raw.send(OPCODE.text, 'close 4000 go');
        assert.deepStrictEqual(await raw.close(),
            { code: 4000, reason: 'go' });
        assert.strictEqual((await raw.rest()).length, 0);
        assert.ok(took() < 7000 * SLOWNESS, `${took()} ms`);
        await host.waitLog(/: closed 4000 "go"/);
    });

    it('does not for who answers it late', async () => {
        const raw = await host.rawUpgrade('/plain');

        raw.send(OPCODE.text, 'close 4001 go');
        await raw.close();
        await pass(1500);
        raw.send(OPCODE.close, closePayload(4001));
        assert.strictEqual(await raw.ended(), 'end');
    });
});

suite('deferred work', {
    limits: { jobs: 1 },
    routes: { every: { path: '/every', plugin: 'everything' } },
}, ({ host, it }) => {
    it('waits for a thread that is free', async () => {
        const clients = [await host.connect('/every'),
            await host.connect('/every')];
        const start = performance.now();

        for (const client of clients) {
            assert.strictEqual(await client.value('defer 1500'), '0');
        }
        assert.strictEqual(
            (await host.metrics()).get('patchbay_deferred_jobs'), 2);
        for (const client of clients) {
            assert.strictEqual(await client.text(), 'deferred 0 other-thread');
        }
        assert.ok(performance.now() - start > 2995);
    });
});

/* Hundredths of a second that a process has worked. */
function ticks(pid) {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');

    return Number(stat[13]) + Number(stat[14]);
}

/* How many a process may have, and how many it could be allowed. */
const openFiles = (pid) => fs.readFileSync(`/proc/${pid}/limits`, 'utf8')
    .match(/^Max open files +(\d+) +(\d+)/m).slice(1).map(Number);

if (!VALGRIND) {
    /* libwebsockets walks a table of that size whenever a connection closes. */
    suite('descriptors of a worker', {
        server: { workers: 2 },
        routes: Object.fromEntries(Array.from({ length: 8 }, (_, i) =>
            [`echo${i}`, { path: `/${i}`, plugin: 'echo' }])),
    }, ({ host, it }) => {
        it('are not as many as all routes together could use', () => {
            for (const pid of host.workers()) {
                const [soft, hard] = openFiles(pid);

                assert.strictEqual(soft, Math.min(13312, hard));
            }
        });
    });

    suite('descriptors', {
        prefix: ['prlimit', '--nofile=48:48'],
        expected: [/this system allows 48 open files/,
            /cannot accept connections: Too many open files/],
        routes: { echo: { path: '/echo', plugin: 'echo' } },
    }, ({ host, it }) => {
        it('that run out make clients wait, not the host spin', async () => {
            const first = await host.connect('/echo');
            const clients = [];

            /* More than there are descriptors; the kernel lets them connect. */
            for (let i = 0; i < 60; i++) {
                clients.push(await host.raw());
            }
            await host.waitLog(/Too many open files/);
            const before = ticks(host.workers()[0]);

            await pass(500);
            assert.ok(ticks(host.workers()[0]) - before < 20,
                'the worker spins');
            /* Tried again five times meanwhile, and said once. */
            assert.strictEqual(
                host.logged(/cannot accept connections/).length, 1);
            assert.strictEqual(await first.ask('still'), 'still');
            for (const client of clients.slice(0, 50)) {
                client.destroy();
            }
            await host.waitLog(/connections are accepted again, after \d+ ms/);
            for (const client of clients.slice(50)) {
                await client.upgrade('/echo');
                client.send(OPCODE.text, 'hello');
                assert.strictEqual((await client.message()).text, 'hello');
            }
            assert.ok((await host.metrics())
                .get('patchbay_accept_paused_total') > 0);
        });
    });

    suite('descriptors', {
        prefix: ['prlimit', '--nofile=48:48'],
        expected: [/this system allows 48 open files/,
            /cannot accept connections: Too many open files/],
        routes: { echo: { path: '/echo', plugin: 'echo' } },
    }, ({ host, it }) => {
        it('that one address keeps by plain HTTP go to others', async () => {
            for (let i = 0; i < 60; i++) {
                const kept = await host.raw();

                kept.write('GET /-/health HTTP/1.1\r\nHost: x\r\n\r\n');
            }
            const late = await host.connect('/echo');

            assert.strictEqual(await late.ask('served'), 'served');
            await host.waitLog(/limit descriptors: \d+ idle HTTP/);
            assert.ok((await host.metrics())
                .get('patchbay_http_idle_ended_total') > 0);
        });
    });
}
