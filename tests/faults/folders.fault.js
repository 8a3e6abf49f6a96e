/* folders.fault.js - folders that vanish or are full, and a hanging operator */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { PATCHBAY, SLOWNESS } = require('../e2e/lib/host.js');
const { until } = require('../e2e/lib/wait.js');
const { fault, lapText, ms } = require('./lib/fault.js');
const { needsRoot, needsSmallFiles, withSmall } = require('./lib/small.js');

const KILLED = /worker \d+ \(pid \d+\) killed by signal 9/;

async function killWorker(host, number) {
    const from = host.mark();
    const start = performance.now();

    process.kill(host.workers()[number], 'SIGKILL');
    await host.waitLog(new RegExp(`worker ${number} is back`), { from });
    return performance.now() - start;
}

const chat = async (host) => {
    const client = await host.connect('/every');

    assert.strictEqual(await client.ask('echo hello'), 'hello');
    await client.close(1000);
};

fault('plugin_dir vanishes', { expected: [KILLED, /reload|everything.so/] },
    async ({ host, row, load }) => {
        const crowd = await load(20);

        await crowd.flow(200);
        fs.rmSync(host.pluginDir, { recursive: true });
        const back = await killWorker(host, 0);
        const { stderr } = await host.reloadFails();

        assert.match(stderr, /plugin_dir|every/);
        await chat(host);
        fs.mkdirSync(host.pluginDir);
        host.addPlugin('everything');
        await host.reload();
        await crowd.flow(200);
        await until(() => crowd.broken.length === crowd.in(0).length,
            'the end of its connections');
        row.done = 'plugin_dir removed, then a worker killed';
        row.recovery = ms(back);
        row.seen = 'the new worker has the code that was checked; reload is ' +
            'refused until the folder is back';
    });

fault('run_dir vanishes', {}, async ({ host, row, load }) => {
    const crowd = await load(20);

    await crowd.flow(200);
    fs.rmSync(host.runDir, { recursive: true });
    crowd.lap();
    await crowd.flow(500);
    await chat(host);
    assert.strictEqual((await host.request('/-/health')).status, 200);
    assert.strictEqual((await host.command('status')).code, 4);
    assert.deepStrictEqual(crowd.broken, []);
    row.seen = 'open connections, rooms and new clients go on; commands say ' +
        `that nothing runs; echoes ${lapText(crowd.lap())}`;
    await crowd.finish();
    host.disconnect();
    const start = performance.now();

    host.signal('SIGTERM');
    assert.deepStrictEqual(await host.ended(), { code: 0, signal: null });
    await host.start();
    await chat(host);
    row.done = 'run_dir removed with all that is in it; TERM; started again';
    row.recovery = ms(performance.now() - start);
});

fault('run_dir vanishes, and a worker ends', {
    expected: [KILLED, /run_dir .* has been removed/, /cannot be restarted/,
        /bus: cannot connect/],
}, async ({ host, row, load }) => {
    const crowd = await load(20);

    await crowd.flow(200);
    fs.rmSync(host.runDir, { recursive: true });
    const from = host.mark();
    const start = performance.now();

    process.kill(host.workers()[0], 'SIGKILL');
    await host.waitLog(/the workers that were replaced have gone/, { from });
    row.recovery = ms(performance.now() - start);
    await until(() => crowd.open.length === 0, 'the end of all connections');
    /* All were told to come again. */
    for (const { worker, closed } of crowd.members) {
        assert.strictEqual(closed.code, worker === 0 ? 1006 : 1012);
    }
    const next = await load(20);

    await next.flow(200);
    await host.reload();
    await killWorker(host, 1);
    await until(() => next.broken.length === next.in(1).length,
        'the end of its connections');
    assert.strictEqual((await host.json('status')).workers.length, 2);
    row.done = 'run_dir removed with all that is in it, then a worker killed';
    row.seen = 'the folder is made again, with the control socket; new ' +
        'workers take over and the rest is closed with 1012';
});

fault('run_dir is full, at reload', {
    prefix: withSmall('256k'), server: { run_dir: 'small' }, start: false,
    expected: [/No space left on device/],
}, async ({ host, row, load }) => {
    needsRoot();
    needsSmallFiles();
    host.launch();
    await host.ready();
    const inside = ['-t', `${host.pid}`, '-m'];
    const reload = () => {
        const { status, stdout, stderr } = spawnSync('nsenter', [...inside,
            PATCHBAY, 'reload', '-c', host.ini], { encoding: 'utf8' });

        return { status, text: stdout + stderr };
    };

    host.runDir = `/proc/${host.pid}/root${host.file('small')}`;
    host.addresses = host.readAddresses();
    const crowd = await load(20);
    const pids = host.workers();
    const filler = path.join(host.runDir, 'filler');
    const code = fs.readFileSync(path.join(host.pluginDir, 'everything.so'));

    await crowd.flow(200);
    host.replacePlugin('everything', Buffer.concat([code, Buffer.alloc(1)]));
    assert.throws(() => fs.writeFileSync(filler, Buffer.alloc(1 << 20)),
        { code: 'ENOSPC' });
    for (let i = 0; i < 3; i++) {
        const { status, text } = reload();

        assert.ok(status === 1 || status === 3, `${status}: ${text}`);
        assert.match(text, /No space left on device/);
        await crowd.flow(50);
        await chat(host);
    }
    /* Refused, it leaves nothing behind. */
    fs.rmSync(filler);
    assert.strictEqual(
        fs.readdirSync(path.join(host.runDir, 'images')).length, 1);
    const start = performance.now();

    assert.strictEqual(reload().status, 0);
    row.recovery = ms(performance.now() - start);
    await crowd.flow(200);
    assert.deepStrictEqual(crowd.broken, []);
    assert.deepStrictEqual(host.workers(), pids);
    await crowd.finish();
    host.disconnect();
    host.signal('SIGTERM');
    assert.deepStrictEqual(await host.ended(), { code: 0, signal: null });
    host.checked = true;
    row.done = 'no room for the copy of a new plugin, three times; then there is';
    row.seen = 'reload is refused with the reason and leaves nothing behind; ' +
        'then it is taken up';
});

/* What an operator's tool says, or does not. */
const HANG = {
    'that says nothing': () => {},
    'that says half a line': (socket) => socket.write('{"do":"sta'),
    'that reads no answer': (socket) => {
        socket.pause();
        for (let i = 0; i < 2000; i++) {
            socket.write('{"do":"metrics"}\n{"do":"conns"}\n{"do":"status"}\n');
        }
    },
    'that says garbage without an end': (socket) => {
        socket.write(Buffer.alloc(1 << 20, 'x'));
    },
};

fault('hanging clients of the control socket', {},
    async ({ host, full, row, load }) => {
        /* Sixteen have a place, each for ten seconds. */
        const count = full ? 5 : 3;
        const crowd = await load(20);
        const sockets = [];

        await crowd.flow(200);
        crowd.lap();
        for (const act of Object.values(HANG)) {
            for (let i = 0; i < count; i++) {
                const socket = net.connect(
                    path.join(host.runDir, 'control.sock'));

                socket.on('error', () => {});
                await new Promise((done) => socket.once('connect', done));
                act(socket);
                sockets.push(socket);
            }
        }
        const start = performance.now();
        const { status } = spawnSync(PATCHBAY, ['status', '-c', host.ini],
            { timeout: 30000 });

        assert.strictEqual(status, 0);
        const took = performance.now() - start;

        assert.ok(took < (full ? 14000 : 4000) * SLOWNESS, `${took} ms`);
        await host.reload();
        await crowd.flow(200);
        row.done = `${count} clients each ${Object.keys(HANG).join(', ')}`;
        row.recovery = `status answers after ${ms(took)}`;
        row.seen = `reload works; echoes ${lapText(crowd.lap())}`;
        sockets.forEach((socket) => socket.destroy());
        assert.deepStrictEqual(crowd.broken, []);
    });
