/* stop.fault.js - processes that stand still, and go on */
'use strict';

const assert = require('node:assert');
const { monitorEventLoopDelay } = require('node:perf_hooks');
const { requestText, upgradeHeaders } = require('../e2e/lib/raw.js');
const processes = require('../e2e/lib/processes.js');
const { pass, until, within } = require('../e2e/lib/wait.js');
const { fault, lapText, ms } = require('./lib/fault.js');

const secondsOf = (full) => full ? 20 : 3;

async function halt(pids) {
    pids.forEach((pid) => process.kill(pid, 'SIGSTOP'));
    await until(() => pids.every((pid) =>
        processes.describe(pid).state === 'T'), 'processes that stand still');
}

const proceed = (pids) => pids.forEach((pid) => process.kill(pid, 'SIGCONT'));

/* Clients are asked often, so that a worker that wakes finds them overdue, and
 * their pongs unread: ping_wait is shorter than they stand. It is longer than
 * the clients, on a busy machine, stand themselves: for 4 s, with three of
 * these programs beside twenty others. */
const limits = { ping: '1s',
    ping_wait: process.argv.includes('--full') ? '6s' : '2s', handshake: '2s' };

/* Of this program, which is all the clients: who stands for as long as
 * ping_wait has no claim to be waited for. */
const stalls = monitorEventLoopDelay({ resolution: 10 });

function assertUnbroken(crowd) {
    assert.deepStrictEqual(crowd.broken.map(({ closed }) => closed), [],
        'connections were closed, while their clients stood still for ' +
        `${Math.round(stalls.max / 1e6)} ms at most`);
}

const HANDSHAKE = requestText('GET /every HTTP/1.1',
    upgradeHeaders('localhost'));

/* Clients in the middle of their handshake: the rest of it comes while nobody
 * reads, and they have to be served nevertheless. */
async function entering(host) {
    const raws = await Promise.all(Array.from({ length: 20 }, () =>
        host.raw()));

    raws.forEach((raw) => raw.write(HANDSHAKE.subarray(0, 30)));
    return {
        go: () => raws.forEach((raw) => raw.write(HANDSHAKE.subarray(30))),
        served: async () => {
            for (const raw of raws) {
                assert.strictEqual((await raw.response()).status, 101);
                raw.destroy();
            }
        },
    };
}

/* Clients that say nothing but pongs, and those late: of some of them one is
 * due when the processes stop, and lies in the socket when they go on. */
function sleepers(host) {
    return Promise.all(Array.from({ length: 20 }, async () => {
        const one = await host.connect('/every', { autoPong: false });

        one.socket.on('ping', (data) =>
            setTimeout(() => one.socket.pong(data, true, () => {}), 700));
        return one;
    }));
}

async function assertAwake(list) {
    for (const one of list) {
        assert.strictEqual(await one.ask('echo here'), 'here');
    }
}

fault('a worker stands still', { limits }, async ({ host, full, row, load }) => {
    stalls.reset();
    stalls.enable();
    const crowd = await load(30);
    const asleep = await sleepers(host);
    const pids = host.workers();
    const still = crowd.in(1).length > 0 ? 1 : 0;
    const others = crowd.in(1 - still);

    await crowd.flow();
    await pass(1200);
    await halt([pids[still]]);
    crowd.lap();
    await pass((secondsOf(full) - 2) * 1000);
    const knocks = Array.from({ length: 20 }, () => host.connect('/every'));

    await pass(2000);
    const lap = crowd.lap();
    const start = performance.now();
    const seen = crowd.in(still).map(({ echoes }) => echoes.next);

    proceed([pids[still]]);
    await until(() => crowd.in(still).every(({ echoes, closed }, i) =>
        closed || echoes.next > seen[i] + crowd.window),
    'answers of the one that stood');
    row.recovery = ms(performance.now() - start);
    for (const client of await Promise.all(knocks)) {
        assert.strictEqual(await client.ask('echo hello'), 'hello');
    }
    assertUnbroken(crowd);
    assert.deepStrictEqual(host.workers(), pids);
    await assertAwake(asleep);
    assert.ok(others.length === 0 || lap.count > 100, `${lap.count} echoes`);
    row.done = `SIGSTOP for ${secondsOf(full)} s, pings each second`;
    row.seen = `the others' echoes meanwhile ${lapText(lap)}; clients that ` +
        'came meanwhile waited and were served';
});

fault('the master stands still', {
    limits, expected: [/worker 0 \(pid \d+\) killed by signal 9/],
}, async ({ host, full, row, load }) => {
    const crowd = await load(30);
    const pids = host.workers();
    const from = host.mark();

    await crowd.flow();
    await halt([host.pid]);
    crowd.lap();
    await pass(secondsOf(full) * 500 - (full ? 0 : 700));
    process.kill(pids[0], 'SIGKILL');
    await until(() => crowd.in(0).every(({ closed }) => closed),
        'the end of its connections');
    await pass(secondsOf(full) * 500 - (full ? 0 : 700));
    const start = performance.now();

    proceed([host.pid]);
    await host.waitLog(/worker 0 is back/, { from });
    row.recovery = ms(performance.now() - start);
    row.seen = `echoes ${lapText(crowd.lap())}`;
    assert.strictEqual(host.workers()[1], pids[1]);
    assert.strictEqual(crowd.broken.length, crowd.in(0).length);
    assert.strictEqual((await host.json('status')).workers.length, 2);
    row.done = `SIGSTOP for ${full ? 20 : 2} s; a worker killed meanwhile`;
});

fault('everything stands still', { limits }, async ({ host, full, row, load }) => {
    stalls.reset();
    stalls.enable();
    const crowd = await load(30);
    const asleep = await sleepers(host);
    const pids = host.workers();
    const all = [host.pid, ...pids];

    await crowd.flow();
    await pass(1200);
    const late = await entering(host);

    await pass(100);
    await halt(all);
    late.go();
    await pass(secondsOf(full) * 1000);
    const start = performance.now();
    const before = crowd.members.map(({ echoes }) => echoes.next);

    /* The master first: it sees workers that have not moved for long. */
    proceed([host.pid]);
    await pass(300);
    proceed(pids);
    await until(() => crowd.members.every(({ echoes, closed }, i) =>
        closed || echoes.next > before[i] + crowd.window), 'answers');
    row.recovery = ms(performance.now() - start - 300);
    await crowd.flow(500);
    assertUnbroken(crowd);
    assert.deepStrictEqual(host.workers(), pids);
    await assertAwake(asleep);
    assert.strictEqual((await within(host.request('/-/health'), 'health'))
        .status, 200);
    await late.served();
    row.done = `SIGSTOP of all for ${secondsOf(full)} s, pings each second`;
});
