/* clock.fault.js - the time of day jumps */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { BUILD } = require('../e2e/lib/host.js');
const { SOON_MS, pass, until } = require('../e2e/lib/wait.js');
const { NotHere, fault, lapText } = require('./lib/fault.js');

const SHIM = path.join(BUILD, 'tests/faults/clock_shim.so');
const DAY = 86400;

fault('the time of day jumps', {
    limits: { ping: '1s', ping_wait: '10s' }, /* its clients may stand, too */
    start: false,
}, async ({ host, full, row, load }) => {
    if (process.env.PATCHBAY_SANITIZED === '1') {
        throw new NotHere('a sanitizer has to be the first library');
    }
    assert.ok(fs.existsSync(SHIM), `${SHIM} is not built`);
    const file = host.writeFile('offset', Buffer.alloc(8));
    const jump = (seconds) => {
        const bytes = Buffer.alloc(8);

        bytes.writeBigInt64LE(BigInt(seconds));
        const fd = fs.openSync(file, 'r+');

        fs.writeSync(fd, bytes, 0, 8, 0); /* the same file: it is mapped */
        fs.closeSync(fd);
    };

    host.setup.env = { LD_PRELOAD: SHIM, CLOCK_SHIM: file };
    await host.start();
    const pids = host.workers();
    const crowd = await load(20);
    const quiet = await Promise.all(Array.from({ length: 10 }, async () => {
        const one = await host.connect('/every');

        one.send('timer 7 600000');
        await one.text();
        return one;
    }));
    const pings = quiet.map(({ controls }) => controls.length);
    const days = [0];

    for (const to of [DAY, -DAY, 3650 * DAY, -3650 * DAY, 0]) {
        jump(to);
        crowd.lap();
        await crowd.flow(200);
        await pass(full ? 5000 : 700);
        const { code } = await host.command('status');

        assert.strictEqual(code, 0);
        days.push(to / DAY);
        const client = await host.connect('/every');
        const from = host.mark();

        await client.ask('log hello');
        const line = await host.waitLog(/: hello$/, { from });
        const off = (Date.parse(line.time) - Date.now()) / 1000 - to;

        assert.ok(Math.abs(off) < 60, `${line.time} is off by ${off} s`);
        assert.ok(crowd.lap().max < SOON_MS);
    }
    /* Pings went on, and nobody was closed; no timer ran before its time. */
    for (const [i, one] of quiet.entries()) {
        assert.strictEqual(one.error, undefined);
        await until(() => one.controls.length > pings[i] + 1, 'two pings');
        assert.strictEqual(one.messages.length, one.messages.taken);
        assert.strictEqual(await one.ask('echo here'), 'here');
    }
    assert.deepStrictEqual(crowd.broken, []);
    assert.deepStrictEqual(host.workers(), pids);
    row.done = `by ${days.join(', ')} days, for this host only`;
    await crowd.flow(300);
    row.seen = 'pings went on, no timer ran early or twice; log lines have ' +
        `the new time; echoes ${lapText(crowd.lap())}`;
});
