/* log.fault.js - no room for the log */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { until } = require('../e2e/lib/wait.js');
const { fault, lapText, ms } = require('./lib/fault.js');
const { needsRoot, needsSmallFiles, withSmall } = require('./lib/small.js');

const lostLines = async (host) =>
    (await host.metrics()).get('patchbay_log_lines_lost_total');

fault('the disk for the log is full', {
    prefix: withSmall('64k'), log: { file: 'small/log', access: 'yes' },
    start: false,
}, async ({ host, row, load }) => {
    needsRoot();
    await host.start();
    const crowd = await load(20);
    const file = `/proc/${host.pid}/root${host.file('small/log')}`;

    await crowd.flow(200);
    const before = crowd.lap();
    const start = performance.now();

    await until(async () => {
        const client = await host.connect('/every');

        for (let i = 0; i < 100; i++) {
            client.send(`log ${'x'.repeat(900)}`);
        }
        await client.ask('echo done');
        await client.close(1000);
        return await lostLines(host) > 100;
    }, 'a log that is full');
    await crowd.flow(500);
    const during = crowd.lap();
    const lost = await lostLines(host);

    fs.truncateSync(file);
    const freed = performance.now();

    await until(async () => {
        const client = await host.connect('/every');

        await client.close(1000);
        return / warn +worker \d: lines of this log that were lost here: \d+ \(No space/
            .test(fs.readFileSync(file, 'utf8'));
    }, 'a line that says what is missing');
    row.recovery = `${ms(performance.now() - freed)} after there was room`;
    assert.deepStrictEqual(crowd.broken, []);
    row.done = 'the log on a file system of 64 KiB, filled up; then emptied';
    row.seen = `${lost} lines counted as lost in ${ms(freed - start)}; then ` +
        'a line that says how many; echoes ' +
        `${lapText(before)} before, ${lapText(during)} meanwhile`;
});

fault('the log takes nothing', { log: { file: '/dev/full', access: 'yes' } },
    async ({ host, row, load }) => {
        const crowd = await load(20);

        await crowd.flow(500);
        const from = await lostLines(host);
        const client = await host.connect('/every');

        await client.close(1000);
        await until(async () => await lostLines(host) > from, 'lost lines');
        assert.deepStrictEqual(crowd.broken, []);
        row.done = '`file = /dev/full`';
        row.seen = `served from the start; echoes ${lapText(crowd.lap())}`;
    });

fault('the log may not grow', {
    prefix: ['prlimit', '--fsize=200000'],
    log: { file: 'log', access: 'yes' },
    start: false,
}, async ({ host, row, load }) => {
    needsSmallFiles();
    await host.start();
    const crowd = await load(20);

    await crowd.flow(200);
    await until(async () => {
        const client = await host.connect('/every');

        for (let i = 0; i < 100; i++) {
            client.send(`log ${'x'.repeat(900)}`);
        }
        await client.ask('echo done');
        await client.close(1000);
        return await lostLines(host) > 100;
    }, 'a log that is full');
    await crowd.flow(500);
    assert.deepStrictEqual(crowd.broken, []);
    row.done = '`ulimit -f`: the log at the largest size of a file';
    row.seen = `${await lostLines(host)} lines counted as lost, no process ` +
        `ended; echoes ${lapText(crowd.lap())}`;
});
