/* quarantine.test.js - a plugin that ends workers is stopped, others go on */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { describe, it } = require('node:test');
const { pluginFile } = require('./lib/host.js');
const { OPCODE } = require('./lib/raw.js');
const { withHost } = require('./lib/suite.js');
const { Talker } = require('./lib/talker.js');
const { SLOWNESS, stopwatch, until } = require('./lib/wait.js');

/* A real crash, in the trees with sanitizers too. */
const REAL = { ASAN_OPTIONS: 'handle_segv=0:handle_abort=0' };

const CRASH = /killed by signal 11 .* of plugin misdeed/;

function setup(more = {}) {
    return {
        server: { workers: 2 },
        env: REAL,
        routes: {
            bad: { path: '/bad', plugin: 'misdeed' },
            worse: { path: '/worse', plugin: 'misdeed' },
            every: { path: '/every', plugin: 'everything' },
            good: { path: '/good', plugin: 'phase' },
        },
        expected: [CRASH, /quarantined/],
        ...more,
    };
}

/* Which worker a connection has: the number is in its id. */
async function workersOf(host) {
    const { conns } = await host.json('conns');

    return new Map(conns.map(({ id, remote, route }) =>
        [`${route} ${id}`, Number((BigInt(id) >> 48n) & 255n)]));
}

/* A client of that worker. */
async function connectTo(host, urlPath, worker) {
    const route = urlPath.slice(1);

    for (let tries = 0; tries < 100; tries++) {
        const before = await workersOf(host);
        const client = await host.connect(urlPath);
        const after = await workersOf(host);
        const [key] = [...after.keys()].filter((each) =>
            each.startsWith(`${route} `) && !before.has(each));

        if (after.get(key) === worker) {
            return client;
        }
        client.terminate();
        host.clients.delete(client);
        await until(async () => ![...(await workersOf(host)).keys()]
            .includes(key), 'the end of a connection');
    }
    throw new Error(`worker ${worker} is not reached`);
}

/* Each time by another message: the same would not be let in for long. */
let crashes = 0;

async function crash(host, worker, word = `crash ${++crashes}`) {
    const client = await connectTo(host, '/bad', worker);
    const from = host.mark();

    client.send(word);
    assert.strictEqual((await client.closed()).code, 1006);
    return from;
}

/* How long it was away, in milliseconds. */
async function back(host, worker, from) {
    const { message } = await host.waitLog(
        new RegExp(`worker ${worker} is back`), { from });

    return Number(/after (\d+) ms/.exec(message)[1]);
}

describe('a plugin that ends five workers within a minute', () => {
    it('is stopped everywhere; who is elsewhere misses nothing', () =>
        withHost(setup(), async (host) => {
            const talker = new Talker(await connectTo(host, '/good', 0));
            const witness = await connectTo(host, '/worse', 0);

            for (let i = 1; i <= 5; i++) {
                assert.strictEqual(await witness.ask(`${i}`), `${i}`);
                const from = await crash(host, 1);

                await back(host, 1, from);
                assert.deepStrictEqual(host.logged(/restarted in \d+ ms/, from),
                    [], 'it was kept waiting');
            }
            await host.waitLog(/plugin misdeed is quarantined, since it ended 5/);
            const how = await witness.closed();

            assert.deepStrictEqual(how,
                { code: 1011, reason: 'out of service' });
            for (const urlPath of ['/bad', '/worse']) {
                for (let i = 0; i < 10; i++) {
                    const refused = await host.refusal(urlPath);

                    assert.strictEqual(refused.status, 503);
                    assert.strictEqual(refused.headers['retry-after'], '60');
                    assert.match(refused.text, /out of service: try again/);
                }
                const plain = await host.request(urlPath);

                assert.strictEqual(plain.status, 503);
                assert.strictEqual(plain.headers['retry-after'], '60');
            }
            await talker.more(50);
            await told(host);
            const next = await host.connect('/good');

            assert.strictEqual(await next.ask('count'), '1 1');
            await talker.stop();
            assert.deepStrictEqual((await host.json('status')).workers
                .map(({ restarts }) => restarts), [0, 5]);
        }));

    it('comes back with other bytes, and not before', () =>
        withHost(setup({ limits: { crash_limit: 2 } }), async (host) => {
            await crash(host, 0);
            await crash(host, 1);
            await host.waitLog(/misdeed is quarantined/);
            await until(async () => (await host.refusal('/bad')).status === 503,
                'a 503');
            await host.reload();
            assert.strictEqual((await host.refusal('/bad')).status, 503);
            host.replacePlugin('misdeed', Buffer.concat([
                fs.readFileSync(pluginFile('misdeed')), Buffer.from('\n')]));
            await host.reload();
            await expectService(host);
            await crash(host, 0); /* is counted anew */
            await back(host, 0, 0);
            await expectService(host);
        }));

    it('comes back when the operator says so', () =>
        withHost(setup({ limits: { crash_limit: 1 } }), async (host) => {
            await crash(host, 0);
            await host.waitLog(/misdeed is quarantined/);
            await host.waitLog(/worker 0 is back/);
            assert.strictEqual((await host.refusal('/bad')).status, 503);
            const unknown = await host.command('unquarantine', 'phase');

            assert.strictEqual(unknown.code, 1);
            assert.match(unknown.stderr, /plugin phase is not quarantined/);
            await host.json('unquarantine', 'misdeed');
            await host.waitLog(/lifted by the operator/);
            await until(async () => host.logged(/begins anew/).length === 4,
                'two routes in two workers that begin anew');
            await expectService(host);
        }));

    it('goes on crashing if there is no limit', () =>
        withHost(setup({ server: { workers: 1 }, limits: { crash_limit: 0 } }),
            async (host) => {
                for (let i = 0; i < 3; i++) {
                    await back(host, 0, await crash(host, 0));
                }
                assert.strictEqual(await (await host.connect('/bad'))
                    .ask('well'), 'well');
            }));
});

describe('a message that ended two workers', () => {
    it('is refused from then on, and no other', () =>
        withHost(setup({ expected: [CRASH, /a message of 10 bytes/] }),
            async (host) => {
                const talker = new Talker(await connectTo(host, '/good', 0));

                for (let i = 0; i < 2; i++) {
                    await back(host, 1, await crash(host, 1, 'poison one'));
                }
                await host.waitLog(
                    /misdeed: a message of 10 bytes has ended 2 workers/);
                for (const worker of [0, 1]) {
                    const client = await connectTo(host, '/worse', worker);

                    assert.strictEqual(await client.ask('well'), 'well');
                    client.send('poison one');
                    assert.strictEqual((await client.closed()).code, 1011);
                }
                await back(host, 1, await crash(host, 1, 'poison two'));
                await talker.more(50);
                await talker.stop();
                const status = await host.json('status');

                assert.strictEqual(status.refused_messages, 1);
                assert.deepStrictEqual(
                    status.workers.map(({ restarts }) => restarts), [0, 3]);
                assert.strictEqual((await host.metrics()).get(
                    'patchbay_messages_refused_total{route="worse"}'), 2);
                host.replacePlugin('misdeed', Buffer.concat([
                    fs.readFileSync(pluginFile('misdeed')),
                    Buffer.from('\n')]));
                await host.reload();
                await back(host, 1, await crash(host, 1, 'poison one'));
            }));
});

/* Also the short ones, of which the worker had no time to tell. */
describe('a message that makes a plugin end two workers', () => {
    for (const how of ['exit', '_exit']) {
        it(`is refused: ${how}`, () => withHost(
            setup({ server: { workers: 1 },
                expected: [/exit\(7\) was called/, /a message of \d bytes/] }),
            async (host) => {
                for (let i = 0; i < 2; i++) {
                    await back(host, 0, await crash(host, 0, `${how} 7`));
                }
                await host.waitLog(/misdeed: a message of \d bytes has ended 2/);
                const client = await host.connect('/bad');

                client.send(`${how} 7`);
                assert.strictEqual((await client.closed()).code, 1011);
            }));
    }
});

describe('a plugin that', () => {
    const EXIT = /worker 0 \(pid \d+\) ended: exit\(7\) was called in the message hook of plugin misdeed, \[route\.bad\], connection \d+; restarted$/;
    const IN_THREAD = /worker 0 \(pid \d+\) ended: exit\(7\) was called in a thread that a plugin has started; restarted/;
    const IN_WORK = /worker 0 \(pid \d+\) ended: exit\(7\) was called in deferred work of plugin misdeed, \[route\.bad\]; restarted$/;
    const STRAY = /a child that the message hook of plugin misdeed has forked came back into the host, and was ended: a child has to call exec or _exit$/;
    const STRAY_WORK = /a child that deferred work of plugin misdeed has forked came back into the host/;
    const CHANGED = /a plugin has changed what is the host's: (.*): (put right|this worker ends); (.*)$/;
    const MISDEED = 'only plugin misdeed has run since the last look, ' +
        'message being its last hook';
    const GONE = /worker \d \(pid \d+\) (?:exited with status 0|killed by signal 6 \(Aborted\)(?:, core dumped,)?), since descriptors of the host were closed, as it seems in the message hook of plugin misdeed, \[route\.bad\]; restarted$/;

    async function crashes(host) {
        const metrics = await host.metrics();

        return metrics.get('patchbay_crashes_total{route="bad"}');
    }

    async function lastCrash(host, worker) {
        const { workers } = await host.json('status');

        return workers[worker].last_crash.what;
    }

    it('calls exit is named', () => withHost(
        setup({ server: { workers: 1 }, expected: [EXIT] }), async (host) => {
            for (const [i, how] of ['exit', '_exit', 'quick_exit'].entries()) {
                const from = await crash(host, 0, `${how} 7`);
                const { message: said } = await host.waitLog(
                    /the crash report is /, { from });
                const text = fs.readFileSync(
                    /the crash report is (.*)$/.exec(said)[1], 'utf8');
                const known = [/^file +\/.*misdeed\.so, hash [0-9a-f]{16}, build id/m,
                    /^peer +127\.0\.0\.1$/m, /^path +\/bad$/m,
                    /^#\d+ .*\(misdeed\./m];

                assert.match(text, /^file +\/.*misdeed\.so, hash [0-9a-f]{16}/m);
                for (const line of how === '_exit' ? [] : known) {
                    assert.match(text, line);
                }

                await back(host, 0, from);
                await host.waitLog(EXIT, { from });
                assert.strictEqual(await crashes(host), i + 1);
            }
            assert.match(await lastCrash(host, 0), /exit\(7\) .* misdeed/);
        }));

    it('calls exit on a thread is told of, and named if the work was deferred',
        () => withHost(setup({ server: { workers: 1 },
            expected: [IN_THREAD, IN_WORK] }), async (host) => {
            let from = await crash(host, 0, 'thread 7');

            await back(host, 0, from);
            await host.waitLog(IN_THREAD, { from });
            await host.waitLog(/the crash report is/, { from });
            from = await crash(host, 0, 'work');
            await back(host, 0, from);
            await host.waitLog(IN_WORK, { from });
            assert.strictEqual(await crashes(host), 1);
        }));

    it('forks children: one that comes back is ended, and named',
        () => withHost(setup({ server: { workers: 1 }, expected: [STRAY, STRAY_WORK] }),
            async (host) => {
                const client = await host.connect('/bad');

                for (const word of ['fork and exec', 'fork', 'x']) {
                    assert.strictEqual(await client.ask(word), word);
                }
                await host.waitLog(STRAY);
                client.send('fork in work');
                await host.waitLog(STRAY_WORK);
                assert.strictEqual(await client.ask('y'), 'y');
                assert.strictEqual(host.logged(STRAY).length, 1);
                assert.strictEqual((await host.metrics())
                    .get('patchbay_misdeeds_total'), 2);
            }));

    it('changes what belongs to the process is named, and it is put right',
        () => withHost(setup({ server: { workers: 1 }, expected: [CHANGED] }),
            async (host) => {
                const client = await host.connect('/bad');

                for (let times = 1; times <= 2; times++) {
                    const from = host.mark();

                    assert.strictEqual(await client.ask(`mask ${times}`),
                        `mask ${times}`);
                    const { message } = await host.waitLog(CHANGED, { from });
                    const [, what, how, who] = CHANGED.exec(message);

                    assert.strictEqual(what, 'the signal mask, the handler of ' +
                        (times === 1 ? 'SIGPIPE' : 'SIGTERM') +
                        ', the working directory, the umask, the locale');
                    assert.strictEqual(how, 'put right');
                    assert.strictEqual(who, MISDEED);
                    assert.strictEqual((await host.metrics())
                        .get('patchbay_misdeeds_total'), times);
                }
                const { workers } = await host.json('status');

                assert.strictEqual(workers[0].misdeeds, 2);
                assert.match((await host.command('status')).stdout,
                    /misdeeds +2: /);
            }));

    it('sets an alarm is named, and its worker goes on',
        () => withHost(setup({ server: { workers: 1 }, expected: [CHANGED] }),
            async (host) => {
                const client = await host.connect('/bad');

                for (const word of ['alarm 60', 'alarm']) {
                    const from = host.mark();

                    assert.strictEqual(await client.ask(word), word);
                    await until(async () => (await host.metrics()).get(
                        'patchbay_misdeeds_total') ===
                        (word === 'alarm' ? 2 : 1), 'a misdeed');
                    if (word === 'alarm 60') { /* then it is seldom said */
                        const { message } = await host.waitLog(CHANGED, { from });

                        assert.deepStrictEqual(
                            CHANGED.exec(message).slice(1),
                            ['a timer that would end the process (alarm, ' +
                                'setitimer)', 'put right', MISDEED]);
                    }
                }
                assert.strictEqual(await client.ask('x'), 'x');
            }));

    it('ends its worker by SIGTERM is named, and that counts',
        () => withHost(setup({ server: { workers: 1 },
            expected: [/killed by signal 15 .* in the message hook of plugin misdeed/] }),
        async (host) => {
            await back(host, 0, await crash(host, 0, 'term'));
            assert.strictEqual(await crashes(host), 1);
        }));

    it('closes sockets that listen is named, and its worker leaves',
        () => withHost(setup({ expected: [CHANGED, GONE] }), async (host) => {
            const client = await connectTo(host, '/bad', 1);
            const from = host.mark();

            client.send('unlisten');
            assert.strictEqual((await client.closed()).code, 1012);
            const { message } = await host.waitLog(CHANGED, { from });

            assert.deepStrictEqual(CHANGED.exec(message).slice(1),
                ['the bus, a socket that listens', 'this worker ends', MISDEED]);
            await host.waitLog(GONE, { from });
            await back(host, 1, from);
            await connectTo(host, '/bad', 1);
            assert.strictEqual(await crashes(host), 1);
            assert.match(await lastCrash(host, 1), /closed, .* misdeed/);
        }));

    it('leaves nobody waiting for that, whatever `drain` is', () => withHost(
        setup({ server: { workers: 1, drain: '10m' },
            expected: [CHANGED, GONE, /1 connections did not close in time/] }),
        async (host) => {
            const deaf = await host.rawUpgrade('/bad');
            const client = await host.connect('/bad');
            const took = stopwatch();

            client.send('unlisten');
            assert.strictEqual((await client.closed()).code, 1012);
            /* One that goes on as if it had not been told is not waited for. */
            const talk = setInterval(() => deaf.send(OPCODE.pong, ''), 200);

            await host.connect('/bad').finally(() => clearInterval(talk));
            const ms = took();

            assert.strictEqual((await deaf.frame()).opcode, OPCODE.close);
            await deaf.ended();
            assert.ok(ms < 5000 * SLOWNESS, `${ms} ms`);
        }));

    it('closes all descriptors is named', () => withHost(
        setup({ server: { workers: 1 }, expected: [GONE] }), async (host) => {
            const client = await host.connect('/bad');
            const from = host.mark();

            client.send('close 500');
            await client.closed();
            await host.waitLog(GONE, { from });
            await back(host, 0, from);
            assert.strictEqual(await crashes(host), 1);
        }));
});

async function told(host) {
    const status = await host.json('status');
    const [{ plugin, crashes, why }] = status.quarantined;

    assert.strictEqual(status.state, 'degraded');
    assert.deepStrictEqual([plugin, crashes], ['misdeed', 5]);
    assert.match(why, /^it ended 5 workers within 1[mh], the last in the message /);
    assert.match((await host.command('status')).stdout,
        /^quarantined {2}misdeed, for .*: it ended 5 workers/m);
    assert.match((await host.command('routes')).stdout,
        /misdeed \(quarantined\)/);
    const health = JSON.parse((await host.request('/-/health')).text);

    assert.deepStrictEqual([health.status, health.quarantined],
        ['degraded', 1]);
    const metrics = await host.metrics();

    assert.strictEqual(
        metrics.get('patchbay_plugin_quarantined{plugin="misdeed"}'), 1);
    assert.strictEqual(
        metrics.get('patchbay_plugin_quarantined{plugin="phase"}'), 0);
    assert.strictEqual(metrics.get('patchbay_crashes_total{route="bad"}'), 5);
}

async function expectService(host) {
    for (const urlPath of ['/bad', '/worse']) {
        const client = await host.connect(urlPath);

        assert.strictEqual(await client.ask('well'), 'well');
        assert.strictEqual((await host.request('/bad')).text, 'well');
    }
    assert.deepStrictEqual((await host.json('status')).quarantined, []);
}
