/* kill.fault.js - kill -9, of workers and of the master */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const processes = require('../e2e/lib/processes.js');
const { SLOWNESS, pass, until } = require('../e2e/lib/wait.js');
const { fault, lapText, ms } = require('./lib/fault.js');

/* A worker that has lived so long is replaced without delay: backoff.h. */
const BACKOFF_GOOD_MS = 60500;

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];

fault('a worker is killed', {
    server: { workers: 3 },
    expected: [/worker \d+ \(pid \d+\) killed by signal 9/],
}, async ({ host, full, row, load }) => {
    const rounds = full ? 9 : 3;
    const back = [];
    let served = 0;

    for (let round = 0; round < rounds; round++) {
        if (round > 0 && round % 3 === 0) {
            await pass(BACKOFF_GOOD_MS);
        }
        const crowd = await load(30);
        const victim = round % 3;
        const from = host.mark();

        await crowd.flow();
        const start = performance.now();

        process.kill(host.workers()[victim], 'SIGKILL');
        await host.waitLog(new RegExp(`worker ${victim} is back`), { from });
        back.push(performance.now() - start);
        await crowd.flow(500);
        /* Its own connections break, and no other. */
        assert.deepStrictEqual(crowd.broken.map(({ id }) => id).sort(),
            crowd.in(victim).map(({ id }) => id).sort());
        for (const { closed } of crowd.broken) {
            assert.strictEqual(closed.code, 1006);
        }
        served = Math.max(served, crowd.lap().max);
        await crowd.finish();
    }
    assert.ok(Math.min(...back) < 500 * SLOWNESS, `${Math.min(...back)} ms`);
    row.done = `kill -9 of each of 3 workers in turn, ${rounds} times`;
    row.recovery = `median ${ms(median([...back]))}, at most ` +
        ms(Math.max(...back));
    row.seen = `longest echo of the others ${ms(served)}`;
});

fault('the master is killed', { start: false },
    async ({ host, full, row, load }) => {
        const rounds = full ? 10 : 2;
        const gone = [];
        const again = [];

        host.setup.server = { workers: 2,
            listen: '127.0.0.1:0, unix:web.sock' };
        host.writeIni();
        await host.start();
        /* The same port from here on. */
        host.setup.server.listen = `127.0.0.1:${host.port}, unix:web.sock`;
        await host.stop();
        host.writeIni();
        await host.start();
        host.expected.push(/the master has gone/);
        for (let round = 0; round < rounds; round++) {
            const crowds = [await load(15), await load(15, { index: 1 })];

            await Promise.all(crowds.map((crowd) => crowd.flow()));
            const session = host.pid;
            const start = performance.now();
            let end = 0;

            host.signal('SIGKILL');
            const left = until(() => processes.inSession(session)
                .every(processes.isZombie), 'the end of its workers')
                .then(() => {
                    end = performance.now();
                });

            await host.exit;
            assert.ok(fs.existsSync(host.file('web.sock')));
            assert.ok(fs.existsSync(host.file('run/patchbay.pid')));
            const next = performance.now();

            await host.start();
            again.push(performance.now() - next);
            await left;
            gone.push(end - start);
            await until(() => crowds.every(({ open }) => open.length === 0),
                'the end of all connections');
            for (const { closed } of crowds.flatMap(({ broken }) => broken)) {
                assert.strictEqual(closed.code, 1006);
            }
        }
        const crowds = [await load(15), await load(15, { index: 1 })];

        for (const crowd of crowds) {
            await crowd.flow(500);
            row.seen = `afterwards: echoes ${lapText(crowd.lap())}`;
        }
        row.done = `kill -9, ${rounds} times; the next host started at once ` +
            'on the same port and socket';
        row.recovery = `workers gone after ${ms(median(gone))}, the next ` +
            `host serves after ${ms(median(again))}`;
    });
