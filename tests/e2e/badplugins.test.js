/* badplugins.test.js - plugins that crash, hang, dawdle, or get in each other's
 * way: named, contained, survived */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { describe, it } = require('node:test');
const { pluginFile } = require('./lib/host.js');
const { suite, withHost } = require('./lib/suite.js');
const { SLOWNESS, stopwatch, until } = require('./lib/wait.js');

/* A real crash, in the trees with sanitizers too. */
const REAL = { ASAN_OPTIONS: 'handle_segv=0:handle_abort=0' };

suite('a plugin that crashes', {
    server: { workers: 2 },
    env: REAL,
    routes: {
        crasher: { path: '/crasher', plugin: 'crasher' },
        every: { path: '/every', plugin: 'everything' },
    },
    expected: [/killed by signal (11|6) /],
}, ({ host, it }) => {
    for (const [word, signal] of [['crash', '11 (Segmentation fault)'],
        ['abort', '6 (Aborted)']]) {
        it(`by ${word} is named, and ends one worker only`, async () => {
            const bystanders = await host.inEachWorker('/every', 2);
            const client = await host.connect('/crasher');

            assert.strictEqual(await client.ask('hello'), 'hello');
            const { conns } = await host.json('conns');
            const { id } = conns.find(({ route }) => route === 'crasher');
            const pids = host.workers();
            const from = host.mark();

            client.send(word);
            assert.strictEqual((await client.closed()).code, 1006);
            const { message } = await host.waitLog(/killed by signal/,
                { from });
            const number = Number(/^worker (\d)/.exec(message)[1]);

            assert.ok(message.startsWith(`worker ${number} (pid ` +
                `${pids[number]}) killed by signal ${signal}`), message);
            assert.ok(message.includes(' in the message hook of plugin ' +
                `crasher 1.2.3, [route.crasher], connection ${id}; restarted`),
            message);
            await host.waitLog(new RegExp(`worker ${number} is back`),
                { from });
            assert.strictEqual(
                (await bystanders[number].closed()).code, 1006);
            assert.strictEqual(
                await bystanders[1 - number].ask('echo unharmed'),
                'unharmed');
            assert.strictEqual(host.workers()[1 - number], pids[1 - number]);
            await host.inEachWorker('/every', 2);
            const next = await host.connect('/crasher');

            assert.strictEqual(await next.ask('again'), 'again');
            await next.close(1000);
            host.disconnect();
        });
    }
});

suite('a plugin that throws messages away', {
    routes: {
        discard: { path: '/discard', plugin: 'discard' },
        echo: { path: '/echo', plugin: 'echo' },
    },
}, ({ host, it }) => {
    it('harms nobody', async () => {
        const client = await host.connect('/discard');
        const other = await host.connect('/echo');
        const many = 5000;

        for (let i = 0; i < many; i++) {
            client.send(`${i} ${'x'.repeat(1000)}`);
        }
        assert.strictEqual(await other.ask('hello'), 'hello');
        await until(async () => (await host.metrics()).get(
            'patchbay_messages_received_total{route="discard"}') === many,
        'all messages');
        assert.strictEqual((await host.metrics()).get(
            'patchbay_messages_sent_total{route="discard"}'), 0);
        assert.strictEqual(client.messages.length, 0);
        assert.deepStrictEqual(await client.close(1000, 'bye'),
            { code: 1000, reason: 'bye' });
    });
});

suite('plugins with functions and variables of one name', {
    routes: {
        a: { path: '/a', plugin: 'twin_a' },
        b: { path: '/b', plugin: 'twin_b' },
    },
}, ({ host, it }) => {
    it('keep to their own', async () => {
        const [a, b] = [await host.connect('/a'), await host.connect('/b')];

        assert.strictEqual(await a.ask('x'), 'twin_a 1');
        assert.strictEqual(await b.ask('x'), 'twin_b 1');
        assert.strictEqual(await a.ask('x'), 'twin_a 2');
        assert.strictEqual(await b.ask('x'), 'twin_b 2');
    });
});

suite('a hook that dawdles', {
    routes: {
        slow: { path: '/slow', plugin: 'slowhook', slow_hook: '100ms' },
        patient: { path: '/patient', plugin: 'slowhook', slow_hook: '1h' },
    },
    expected: [/\[slow\/slowhook\] .*the message hook took \d+ ms/],
}, ({ host, it }) => {
    it('is logged and counted', async () => {
        const client = await host.connect('/slow');
        const from = host.mark();
        const slow = async () => (await host.metrics())
            .get('patchbay_slow_hooks_total{route="slow"}');

        const start = performance.now();

        assert.strictEqual(await client.ask('150'), 'slept 150');
        const took = performance.now() - start;
        const { level, conn, remote, message } =
            await host.waitLog(/the message hook took/, { from });
        const [, ms] = /^the message hook took (\d+) ms; .*bay_defer$/
            .exec(message);

        assert.deepStrictEqual([level, remote], ['warn', '127.0.0.1']);
        assert.match(conn, /^\d+$/);
        /* The clock behind it has a coarse tick. */
        assert.ok(ms >= 140 && ms <= took + 10, `${message} of ${took} ms`);
        assert.strictEqual(await slow(), 1);
    });

    it('is not, within its limit', async () => {
        const client = await host.connect('/patient');
        const from = host.mark();

        assert.strictEqual(await client.ask('150'), 'slept 150');
        assert.strictEqual(host.logged(/hook took/, from).length, 0);
    });
});

describe('a hook that never returns', () => {
    const setup = {
        server: { workers: 2, drain: '100ms' },
        routes: {
            slow: { path: '/slow', plugin: 'slowhook' },
            every: { path: '/every', plugin: 'everything' },
        },
        expected: [
            new RegExp('does not end, being in the message hook of plugin ' +
                'slowhook, \\[route\\.slow\\], connection \\d+: killed'),
            /killed by signal 9/,
        ],
    };

    for (const [signal, ms] of [['SIGTERM', 3100], ['SIGINT', 2000]]) {
        it(`does not keep the host from ending by ${signal}`,
            () => withHost(setup, async (host) => {
                const client = await host.connect('/slow');
                const from = host.mark();

                client.send('600000');
                await until(async () => (await host.json('status'))
                    .workers.some(({ hook }) => hook), 'the hook');
                /* Nobody else is held up by it. */
                const stuck = (await host.json('status')).workers
                    .findIndex(({ hook }) => hook);
                const other = (await host.json('status')).workers
                    .findIndex(({ hook }) => !hook);

                assert.deepStrictEqual([stuck, other].sort(), [0, 1]);
                const took = stopwatch();

                host.signal(signal);
                await host.waitLog(new RegExp(`worker ${stuck} .*being in ` +
                    'the message hook'), { from });
                await host.assertEnded();
                assert.ok(took() < ms + 2000 * SLOWNESS);
            }));
    }
});

describe('the file of a plugin', () => {
    it('may change while it runs', () => withHost({
        server: { workers: 2 },
        routes: { every: { path: '/every', plugin: 'everything' } },
        expected: [/killed by signal 9/],
    }, async (host) => {
        const file = `${host.pluginDir}/everything.so`;
        const clients = await host.inEachWorker('/every', 2);

        /* As cp or a linker would: over the very file. */
        fs.unlinkSync(file);
        fs.copyFileSync(pluginFile('everything'), file);
        await host.stop();
        await host.start();
        for (const change of [() => fs.truncateSync(file),
            () => fs.writeFileSync(file, 'x'.repeat(1 << 20)),
            () => fs.unlinkSync(file)]) {
            change();
            for (const client of await host.inEachWorker('/every', 2)) {
                assert.match(await client.ask('sendf'), /^sendf 42/);
            }
        }
        /* A new worker runs what was checked, not what lies there now. */
        const from = host.mark();

        process.kill(host.workers()[0], 'SIGKILL');
        await host.waitLog(/worker 0 is back/, { from });
        await host.inEachWorker('/every', 2);
        assert.strictEqual(clients.length, 2);
    }));
});
