/* processes.test.js - workers that die, and hosts that end */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const processes = require('./lib/processes.js');
const { OPCODE, closePayload } = require('./lib/raw.js');
const { suite, withHost } = require('./lib/suite.js');
const { SLOWNESS, VALGRIND, stopwatch, until } = require('./lib/wait.js');

const ROUTES = {
    every: { path: '/every', plugin: 'everything' },
    echo: { path: '/echo', plugin: 'echo' },
};
const KILLED = [/worker \d+ \(pid \d+\) killed by signal 9/];
const two = (more) => ({ server: { workers: 2 }, routes: ROUTES, ...more });

/* Kills a worker; its successor serves when this is done. */
async function killWorker(host, number, signal = 'SIGKILL') {
    const from = host.mark();

    process.kill(host.workers()[number], signal);
    return host.waitLog(new RegExp(`worker ${number} is back as pid`),
        { from });
}

suite('a worker that is killed', two({ expected: KILLED }),
    ({ host, it }) => {
        it('is named, and back at once', async () => {
            const [here, there] = await host.inEachWorker('/every', 2);
            const before = host.workers();
            const ids = [await here.value('id'), await there.value('id')];
            const from = host.mark();
            const took = stopwatch();

            process.kill(before[1], 'SIGKILL');
            await host.waitLog(new RegExp(` error master: worker 1 \\(pid ` +
                `${before[1]}\\) killed by signal 9 \\(Killed\\); restarted$`),
            { from });
            const { message } = await host.waitLog(/worker 1 is back as pid/,
                { from });
            const ms = took();
            const after = host.workers();

            assert.ok(ms < 500 * SLOWNESS, `${ms} ms`);
            assert.strictEqual(after[0], before[0]);
            assert.notStrictEqual(after[1], before[1]);
            assert.ok(message.includes(`pid ${after[1]}, after `), message);
            /* Its clients see it; those of the other do not. */
            assert.strictEqual((await there.closed()).code, 1006);
            assert.strictEqual(await here.ask('echo unharmed'), 'unharmed');
            const again = await host.inEachWorker('/every', 2);

            assert.ok(!ids.includes(await again[1].value('id')));
        });

        it('is replaced in the counts, too', async () => {
            const metrics = await host.metrics();

            assert.strictEqual(metrics.get(
                'patchbay_worker_restarts_total{worker="1"}'), 1);
            assert.strictEqual(metrics.get(
                'patchbay_worker_up{worker="1"}'), 1);
            /* here, and again in both workers */
            assert.strictEqual(await until(async () => {
                const now = await host.metrics();

                return now.get('patchbay_connections{route="every"}') === 3 &&
                    3;
            }, 'the count of connections'), 3);
        });

        it('takes part in topics again', async () => {
            const [a, b] = await host.inEachWorker('/every', 2);

            await a.value('sub news');
            await b.value('sub news');
            for (const [from, to] of [[a, b], [b, a]]) {
                await until(async () => {
                    await from.value('others news hello');
                    return to.messages.length > to.messages.taken;
                }, 'news of the other worker');
                await from.value('others news last');
                while (await to.text() !== 'last') {
                    continue;
                }
            }
            assert.strictEqual(
                await a.value(`sendto ${await b.value('id')} direct`), '0');
            assert.strictEqual(await b.text(), 'direct');
        });

        it('is taken up again ever later if it keeps dying', async () => {
            const from = host.mark();

            for (const wait of ['restarted in 100 ms', 'restarted in 200 ms']) {
                await killWorker(host, 1);
                assert.ok(host.logged(new RegExp(wait), from).length > 0,
                    wait);
            }
        });
    });

/* Clients that have connected, which is the kernel's work, and wait for the
 * answer to their handshake. */
async function knock(host, count) {
    const clients = await Promise.all(
        Array.from({ length: count }, () => host.raw()));

    return clients.map((client) =>
        ({ client, answer: client.handshake('/echo') }));
}

async function assertServed(waiting) {
    for (const { client, answer } of waiting) {
        assert.strictEqual((await answer).status, 101);
        client.send(OPCODE.text, 'hello');
        assert.strictEqual((await client.message()).text, 'hello');
        client.destroy();
    }
}

suite('the only worker', { routes: ROUTES, expected: KILLED },
    ({ host, it }) => {
        it('loses no client that comes before the next', async () => {
            await killWorker(host, 0);
            /* Each time it takes longer: in the end there is none for a time
             * in which this, too, gets on. */
            for (let seen = 0, round = 0; seen < 2; round++) {
                assert.ok(round < 6, 'always back before anybody came');
                const from = host.mark();

                process.kill(host.workers()[0], 'SIGKILL');
                await host.waitLog(/; restarted in \d+ ms/, { from });
                const waiting = await knock(host, 50);

                seen += host.workers().length === 0;
                await assertServed(waiting);
            }
        });

        it('loses no client that came before it was dead', async () => {
            const [pid] = host.workers();

            /* It takes no one any more, but is not dead yet. */
            process.kill(pid, 'SIGSTOP');
            await until(() => processes.describe(pid).state === 'T',
                'a stopped worker');
            const clients = await knock(host, 100);

            await killWorker(host, 0);
            await assertServed(clients);
        });

        it('ignores the signals that are meant for the master', async () => {
            const [pid] = host.workers();
            const client = await host.connect('/echo');

            for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1']) {
                process.kill(pid, name);
                assert.strictEqual(await client.ask(name), name);
            }
            assert.deepStrictEqual(host.workers(), [pid]);
        });
    });

describe('TERM', () => {
    it('says goodbye to all, and ends with 0', () => withHost(two(),
        async (host) => {
            const clients = [...await host.inEachWorker('/every', 2)];

            for (let i = 0; i < 20; i++) {
                clients.push(await host.connect('/echo'));
            }
            const took = stopwatch();

            host.signal('SIGTERM');
            for (const client of clients) {
                assert.deepStrictEqual(await client.closed(),
                    { code: 1001, reason: 'going away' });
            }
            await host.assertEnded();
            assert.ok(took() < 3000 * SLOWNESS);
            assert.strictEqual(host.logged(/: closed 1001 "going away"/)
                .length, 2);
            /* Each instance, in each worker. */
            assert.strictEqual(
                host.logged(/\[every\/everything\]: stopped after/).length, 2);
            assert.match(host.lines.items.at(-1).message, /^ended$/);
        }));

    it('lets out what is on its way', () => withHost(
        { routes: ROUTES }, async (host) => {
            const client = await host.connect('/every');

            client.send('text 3000000');
            client.send('echo the last');
            client.socket.pause();
            await host.connect('/every');
            host.signal('SIGTERM');
            await host.waitLog(/ending: clients are told to go/);
            client.socket.resume();
            assert.strictEqual((await client.text()).length, 3000000);
            assert.strictEqual(await client.text(), 'the last');
            assert.strictEqual((await client.closed()).code, 1001);
            await host.assertEnded();
        }));

    it('waits for those that do not go, as long as `drain` says',
        () => withHost({
            server: { drain: '1s' }, routes: ROUTES,
            expected: [/1 connections did not close in time/],
        }, async (host) => {
            const raw = await host.rawUpgrade('/every');
            const start = performance.now();
            const took = stopwatch();

            host.signal('SIGTERM');
            assert.strictEqual((await raw.close()).code, 1001);
            assert.strictEqual((await raw.rest()).length, 0);
            await host.assertEnded();
            const ms = performance.now() - start;

            assert.ok(ms > 900 && took() < 4000 * SLOWNESS, `${ms} ms`);
        }));

    it('does not let new clients hang', () => withHost(
        { routes: ROUTES }, async (host) => {
            const raw = await host.rawUpgrade('/every');
            const idle = await host.raw();

            idle.request('GET /-/health HTTP/1.1', { Host: 'x' });
            assert.strictEqual((await idle.response()).status, 200);
            host.signal('SIGTERM');
            await raw.close();
            assert.strictEqual(await idle.ended(), 'end');
            /* They are refused, or told with a 503. */
            for (const path of ['/-/health', '/echo']) {
                let late;

                try {
                    late = await host.raw();
                } catch (error) {
                    assert.strictEqual(error.code, 'ECONNREFUSED');
                    continue;
                }
                assert.strictEqual((await late.handshake(path,
                    path === '/echo' ? {} : { Upgrade: null })).status, 503);
            }
            raw.send(OPCODE.close, closePayload(1001));
            await host.assertEnded();
        }));

    it('for the second time ends at once', () => withHost(
        { server: { drain: '1h' }, routes: ROUTES }, async (host) => {
            const raw = await host.rawUpgrade('/every');

            host.signal('SIGTERM');
            await raw.close();
            const took = stopwatch();

            host.signal('SIGTERM');
            await raw.rest();
            await host.assertEnded();
            assert.ok(took() < 2000 * SLOWNESS);
        }));

    it('waits for deferred work that runs, and cancels the rest',
        () => withHost({ limits: { jobs: 1 }, routes: ROUTES },
            async (host) => {
                const client = await host.connect('/every');

                /* In which it gets its signal. */
                const ms = 1000 + 300 * SLOWNESS;

                for (let i = 0; i < 3; i++) {
                    assert.strictEqual(await client.value(`defer ${ms}`), '0');
                }
                host.signal('SIGTERM');
                await host.assertEnded();
                assert.strictEqual(host.logged(/slept \d+ ms/).length, 1);
                assert.strictEqual(host.logged(
                    /deferred -8, but its connection is gone/).length, 2);
            }));
});

describe('INT', () => {
    it('ends now', () => withHost(two(), async (host) => {
        const raws = [await host.rawUpgrade('/every'),
            await host.rawUpgrade('/echo'), await host.raw()];
        const took = stopwatch();

        host.signal('SIGINT');
        await host.assertEnded();
        assert.ok(took() < 2000 * SLOWNESS);
        await Promise.all(raws.map((raw) => raw.ended()));
        await host.waitLog(/: closed 1006/);
    }));

    it('cancels deferred work that waits, and stops plugins in order',
        () => withHost({ limits: { jobs: 1 }, routes: ROUTES },
            async (host) => {
                const client = await host.connect('/every');

                for (let i = 0; i < 20; i++) {
                    client.send('defer 1000');
                }
                for (let i = 0; i < 20; i++) {
                    assert.strictEqual(await client.text(), 'defer 0');
                }
                host.signal('SIGINT');
                await host.assertEnded();
                assert.strictEqual(host.logged(/slept 1000 ms/).length, 1);
                assert.strictEqual(host.logged(
                    /deferred -8, but its connection is gone/).length, 19);
                assert.strictEqual(host.logged(
                    /\[every\/everything\]: stopped after/).length, 1);
            }));

    it('from a terminal reaches all processes, and does no harm',
        () => withHost(two(), async (host) => {
            const client = await host.connect('/every');

            assert.strictEqual(await client.ask('echo x'), 'x');
            process.kill(-host.pid, 'SIGINT');
            await host.assertEnded();
        }));
});

describe('a master that is killed', () => {
    it('takes its workers along, and the next host cleans up',
        () => withHost({
            server: { workers: 2, listen: '127.0.0.1:0, unix:web.sock' },
            routes: ROUTES,
            expected: [/the master has gone/],
        }, async (host) => {
            const client = await host.connect('/every');
            const workers = host.workers();

            assert.strictEqual(workers.length, 2);
            host.signal('SIGKILL');
            await client.closed();
            await host.ended();
            await until(() => processes.inSession(host.pid).length === 0,
                'the end of its workers');
            assert.ok(fs.existsSync(host.file('web.sock')));
            assert.ok(fs.existsSync(host.file('run/patchbay.pid')));
            await host.start();
            assert.strictEqual(await (await host.connect('/every',
                { index: 1 })).ask('echo back'), 'back');
            await host.stop();
            assert.ok(!fs.existsSync(host.file('web.sock')));
        }));
});

describe('another user', {
    skip: process.getuid() !== 0 && 'takes root',
}, () => {
    it('is who the workers are', () => withHost({
        server: { user: 'nobody', workers: 2,
            listen: '127.0.0.1:0, unix:run/web.sock' },
        routes: ROUTES,
        open: true,
    }, async (host) => {
        const status = (pid) =>
            fs.readFileSync(`/proc/${pid}/status`, 'utf8');
        const uid = Number(fs.readFileSync('/etc/passwd', 'utf8')
            .match(/^nobody:[^:]*:(\d+):/m)[1]);

        for (const pid of host.workers()) {
            assert.match(status(pid),
                new RegExp(`^Uid:\t${uid}\t${uid}\t${uid}\t${uid}$`, 'm'));
            for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) {
                assert.match(status(pid),
                    new RegExp(`^Cap${set}:\t0+$`, 'm'), set);
            }
            assert.match(status(pid), /^Groups:\t(65534)? *$/m);
            assert.match(status(pid), /^NoNewPrivs:\t1$/m);
        }
        assert.match(status(host.pid), /^Uid:\t0\t/m);
        assert.match(status(host.pid), /^NoNewPrivs:\t0$/m);
        assert.strictEqual(
            fs.statSync(host.file('run/web.sock')).uid, uid);
        assert.strictEqual(fs.statSync(
            path.join(host.runDir, 'control.sock')).mode & 0o777, 0o600);
        const [a, b] = await host.inEachWorker('/every', 2);

        assert.strictEqual(
            await a.value(`sendto ${await b.value('id')} hello`), '0');
        assert.strictEqual(await b.text(), 'hello');
        /* A new worker finds all it needs, too. */
        host.expected.push(...KILLED);
        await killWorker(host, 0);
        await host.inEachWorker('/every', 2);
    }));
});

/* As by systemd's User= and AmbientCapabilities=. */
describe('a right that the master was given', {
    skip: (process.getuid() !== 0 && 'takes root') ||
        (VALGRIND && 'it has no right to write its logs'),
}, () => {
    it('is not the workers\'', () => withHost({
        start: false, open: true, routes: ROUTES,
        server: { listen: '127.0.0.1:0', workers: 1 },
        prefix: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups',
            '--inh-caps=+net_bind_service', '--ambient-caps=+net_bind_service',
            '--'],
    }, async (host) => {
        fs.chownSync(host.dir, 65534, 65534);
        await host.start();
        const status = (pid) =>
            fs.readFileSync(`/proc/${pid}/status`, 'utf8');

        const owner = (pid) => fs.statSync(`/proc/${pid}/mem`).uid;

        assert.match(status(host.pid), /^CapEff:\t0+400$/m);
        assert.strictEqual(owner(host.pid), 0); /* closed to its own user */
        for (const pid of host.workers()) {
            assert.match(status(pid), /^CapEff:\t0+$/m);
            assert.match(status(pid), /^CapPrm:\t0+$/m);
            assert.match(status(pid), /^CapAmb:\t0+$/m);
            assert.match(status(pid), /^NoNewPrivs:\t1$/m);
            assert.strictEqual(owner(pid), 65534); /* for debuggers, and cores */
        }
    }));
});

describe('workers = auto', () => {
    it('is one for each processor', () => withHost({
        server: { workers: 'auto' }, routes: ROUTES,
    }, async (host) => {
        assert.strictEqual(host.workers().length,
            require('node:os').availableParallelism());
    }));

    it('counts those that the host may use', () => withHost({
        server: { workers: 'auto' }, routes: ROUTES,
        prefix: ['taskset', '-c', '0'],
    }, async (host) => {
        assert.strictEqual(host.workers().length, 1);
    }));
});
