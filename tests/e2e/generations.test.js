/* generations.test.js - what cannot change in the workers: others replace them
 */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const { describe, it } = require('node:test');
const { Client, Refused } = require('./lib/client.js');
const processes = require('./lib/processes.js');
const { withHost } = require('./lib/suite.js');
const { VALGRIND, until } = require('./lib/wait.js');
const { PEM, FILES, TLS } = require('./lib/tls.js');

function setup(workers, more = {}) {
    return {
        server: { workers },
        routes: {
            one: { path: '/one', plugin: 'phase' },
            other: { path: '/other', plugin: 'echo' },
        },
        ...more,
    };
}

/* Edits sections of the INI file. */
function edit(host, sections) {
    for (const [name, keys] of Object.entries(sections)) {
        host.setup[name] = { ...host.setup[name], ...keys };
    }
    host.writeIni();
}

async function change(host, sections) {
    edit(host, sections);
    const answer = await host.reload();

    assert.strictEqual(answer.workers, 'replaced');
    host.addresses = host.readAddresses();
    return answer;
}

async function oldHaveGone(host) {
    await until(async () => (await host.json('status')).leaving.length === 0,
        'the end of the old workers');
}

const RESTART = { code: 1012, reason: 'service restart' };

/*
 * Connects again and again, without a pause. Each has to be served, or told to
 * come again, if its handshake ran while its worker began to leave.
 */
class Comers {
    constructor(host) {
        this.host = host;
        this.url = host.url('/one');
        this.count = 0;
        this.stopping = false;
        this.done = this.run();
        this.done.catch(() => { /* for who waits for it */ });
    }

    async run() {
        while (!this.stopping) {
            await this.come().catch((error) => {
                if (!(error instanceof Refused && error.status === 503)) {
                    throw error;
                }
            });
            this.count++;
        }
    }

    async come() {
        const client = await Client.connect(this.url);

        client.send('count');
        const [how] = await Promise.all([client.ending,
            client.text('an answer').then(() => client.terminate(),
                () => { /* it is closed by its worker */ })]);

        assert.ok([1006, 1012].includes(how.code), `closed with ${how.code}`);
    }

    async more(count = 20) {
        const wanted = this.count + count;

        await Promise.race([this.done,
            until(() => this.count >= wanted, `${wanted} clients`)]);
    }

    async stop() {
        this.stopping = true;
        await this.done;
    }
}

describe('new workers', () => {
    for (const [before, after] of [[1, 3], [3, 1], [2, 2], [3, 2]]) {
        it(`${after} for ${before}, on the same sockets`,
            () => withHost(setup(before), async (host) => {
                const clients = await host.inEachWorker('/one', before);
                const addresses = host.readAddresses();
                const comers = [new Comers(host), new Comers(host)];

                await comers[0].more();
                const answer = await change(host, before === after
                    ? { limits: { jobs: 2 } }
                    : { server: { workers: after } });

                assert.ok(answer.closed >= before);
                assert.strictEqual(answer.kept, 0);
                for (const client of clients) {
                    assert.deepStrictEqual(await client.closed(), RESTART);
                }
                await oldHaveGone(host);
                for (const each of comers) {
                    await each.more();
                    await each.stop();
                }
                assert.deepStrictEqual(host.readAddresses(), addresses);
                await host.inEachWorker('/one', after);
                const status = await host.json('status');

                assert.strictEqual(status.workers.length, after);
                assert.strictEqual(status.state, 'running');
                assert.ok(status.workers.every(({ restarts }) =>
                    restarts === 0));
                assert.deepStrictEqual(fs.readdirSync(host.runDir)
                    .filter((name) => name.startsWith('bus.')), []);
            }));
    }

    it('leave a handshake that has begun to the old ones',
        () => withHost(setup(1), async (host) => {
            const raw = await host.raw();

            await until(async () => (await host.json('status')).workers[0]
                .sockets === 1, 'a socket that was accepted');
            await change(host, { limits: { jobs: 2 } });
            await raw.upgrade('/one');
            assert.strictEqual((await raw.close()).code, 1012);
        }));

    it('count on, and give no id again', () => withHost(setup(2),
        async (host) => {
            const ids = new Set();

            for (let i = 0; i < 3; i++) {
                const client = (await host.inEachWorker('/one', 2))[0];

                await client.ask('count');
                for (const { id } of (await host.json('conns')).conns) {
                    assert.ok(!ids.has(id), `${id} comes twice`);
                    ids.add(id);
                }
                const before = await host.json('routes');

                await change(host, { limits: { jobs: 2 + i } });
                await oldHaveGone(host);
                const after = await host.json('routes');

                for (const name of ['accepted', 'messages_in', 'bytes_out']) {
                    assert.strictEqual(after.routes[0][name],
                        before.routes[0][name], name);
                }
                assert.strictEqual(after.routes[0].connections, 0);
                assert.strictEqual((await host.metrics())
                    .get('patchbay_connections_total{route="one"}'),
                before.routes[0].accepted);
            }
        }));

    it('share topics with each other, at once', () => withHost(setup(2),
        async (host) => {
            await change(host, { limits: { jobs: 2 } });
            const [a, b] = await host.inEachWorker('/one', 2);

            await a.ask('join t');
            a.send('tell t hello'); /* b may not be known yet */
            assert.strictEqual(await a.text(), 'hello');
            await b.ask('join t');
            await until(async () => {
                a.send('tell t x');
                await a.text();
                return b.messages.items.some(({ text }) => text === 'x');
            }, 'what the other worker published');
        }));

    it('have descriptors for more connections', () => withHost(setup(1),
        async (host) => {
            edit(host, { limits: { connections: 9000 } });
            assert.strictEqual((await host.reload()).workers, 'kept');
            await change(host, { limits: { connections: 15000 } });
            assert.strictEqual((await host.reload()).workers, 'kept');
        }));

    it('take up a plugin, too', () => withHost(setup(1), async (host) => {
        host.replacePlugin('phase', 'phase_2');
        await change(host, { server: { workers: 2 } });
        assert.match(await (await host.connect('/one')).ask('count'), /^2 /);
        await oldHaveGone(host);
        await until(() => fs.readdirSync(host.file('run/images')).length === 2,
            'the end of the old image');
        host.replacePlugin('phase', 'phase');
        assert.strictEqual((await host.reload()).workers, 'kept');
    }));

    it('that cannot start leave the old ones alone', () => withHost(setup(1, {
        expected: [/start hook failed/, /reload: refused/] }),
    async (host) => {
        const client = await host.connect('/one');

        host.setup.routes.one['phase.fail_in'] = 1;
        edit(host, { server: { workers: 2 } });
        const comers = new Comers(host);
        const { stderr } = await host.reloadFails(3);

        assert.match(stderr, /\[route\.one\] plugin phase: its start hook/);
        assert.strictEqual(await client.ask('count'), '1 1');
        await comers.more();
        await comers.stop();
        assert.strictEqual((await host.json('status')).workers.length, 1);
        delete host.setup.routes.one['phase.fail_in'];
        await change(host, {});
        assert.deepStrictEqual(await client.closed(), RESTART);
    }));

    it('come while older ones still leave, which end in time',
        () => withHost(setup(1, {
            server: { workers: 1, drain: VALGRIND ? '30s' : '6s' },
            expected: [/did not close in time/],
        }), async (host) => {
            /* It does not answer a close frame. */
            const deaf = await host.rawUpgrade('/one');

            await change(host, { limits: { jobs: 2 } });
            const status = await host.json('status');

            assert.strictEqual(status.leaving.length, 1);
            assert.strictEqual(status.leaving[0].connections, 1);
            assert.strictEqual(status.connections, 1);
            assert.match((await host.command('status')).stdout, / leaving /);
            await change(host, { server: { workers: 2 } });
            assert.ok((await host.json('status')).leaving.length >= 1);
            await oldHaveGone(host);
            assert.strictEqual((await host.json('status')).connections, 0);
            deaf.destroy();
        }));

    it('are not replaced when they die while they leave',
        () => withHost(setup(1, { expected: [/killed by signal 9/] }),
            async (host) => {
                await host.rawUpgrade('/one');
                const [old] = host.workers();

                await change(host, { server: { workers: 2 } });
                process.kill(old, 'SIGKILL');
                await oldHaveGone(host);
                await until(() => processes.childrenOf(host.pid).length === 2,
                    'two workers');
            }));
});

describe('addresses', () => {
    it('come and go', () => withHost(setup(2, {
        server: { workers: 2, listen: '127.0.0.1:0, unix:a.sock' } }),
    async (host) => {
        const [tcp] = host.addresses;
        const gone = host.where(1).path;

        await change(host, { server: {
            listen: '127.0.0.1:0, 127.0.0.2:0, unix:b.sock' } });
        assert.strictEqual(host.addresses[0], tcp);
        assert.strictEqual(host.addresses.length, 3);
        assert.ok(!fs.existsSync(gone));
        for (const index of [0, 1, 2]) {
            const client = await host.connect('/one', { index });

            assert.strictEqual(await client.ask('count'), '1 1');
        }
        await oldHaveGone(host);
        const second = host.where(1);

        await change(host, { server: { listen: '127.0.0.1:0, unix:b.sock' } });
        assert.strictEqual(host.addresses[0], tcp);
        await oldHaveGone(host);
        await assert.rejects(new Promise((done, fail) => {
            net.connect(second).on('error', fail).on('connect', done);
        }), { code: 'ECONNREFUSED' });
        const client = await host.connect('/one', { index: 1 });

        assert.strictEqual(await client.ask('count'), '1 1');
    }));

    it('that others have change nothing', () => withHost(setup(1, {
        expected: [/already in use/, /reload: refused/] }), async (host) => {
        const other = net.createServer().listen(0, '127.0.0.1');

        await new Promise((done) => other.once('listening', done));
        edit(host, { server: {
            listen: `127.0.0.1:0, 127.0.0.1:${other.address().port}` } });
        const { stderr } = await host.reloadFails(3);

        assert.match(stderr, /cannot listen on 127\.0\.0\.1:\d+: address/);
        other.close();
        assert.strictEqual(host.readAddresses().length, 1);
        await host.connect('/one');
    }));
});

describe('the user', { skip: process.getuid() !== 0 && 'not root' }, () => {
    it('is changed', () => withHost(setup(2, { open: true }),
        async (host) => {
            const owner = () => host.workers().map((pid) =>
                fs.statSync(`/proc/${pid}`).uid);
            const client = await host.connect('/one');

            assert.deepStrictEqual(owner(), [0, 0]);
            await change(host, { server: { user: 'nobody' } });
            assert.deepStrictEqual(await client.closed(), RESTART);
            await oldHaveGone(host);
            assert.ok(owner().every((uid) => uid > 0));
            await host.inEachWorker('/one', 2);
            host.replacePlugin('phase', 'phase_2');
            assert.strictEqual((await host.reload()).workers, 'kept');
        }));
});

describe('TLS', () => {
    it('is switched on and off', () => withHost(setup(2, { files: FILES }),
        async (host) => {
            const secure = { scheme: 'wss', ca: PEM.root };

            host.setup.tls = TLS;
            await change(host, {});
            const client = await host.connect('/one', secure);

            assert.strictEqual(await client.ask('count'), '1 1');
            await oldHaveGone(host);
            delete host.setup.tls;
            await change(host, {});
            assert.deepStrictEqual(await client.closed(), RESTART);
            await host.connect('/one');
        }));
});
