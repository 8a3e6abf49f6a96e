/* reload.test.js - new code, options and routes below open connections */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { withHost } = require('./lib/suite.js');
const { Talker } = require('./lib/talker.js');
const { until } = require('./lib/wait.js');

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

/* What became of a route. */
function find(answer, name) {
    return answer.routes.find(({ route }) => route === name);
}

function images(host) {
    return fs.readdirSync(path.join(host.runDir, 'images')).sort();
}

async function routeOf(host, name) {
    return find(await host.json('routes'), name);
}

for (const workers of [1, 2]) {
    describe(`code, with ${workers} worker(s)`, () => {
        it('is swapped below clients that speak all the time',
            () => withHost(setup(workers), async (host) => {
                const clients = await host.inEachWorker('/one', workers);
                const talkers = clients.map((client) => new Talker(client));

                for (const [i, by] of ['phase_2', 'phase', 'phase_2']
                    .entries()) {
                    await Promise.all(talkers.map((talker) => talker.more()));
                    host.replacePlugin('phase', by);
                    const answer = await host.reload();

                    assert.strictEqual(answer.workers, 'kept');
                    assert.strictEqual(answer.kept, workers);
                    assert.strictEqual(answer.closed, 0);
                    assert.strictEqual(answer.outdated, 0);
                    assert.strictEqual(find(answer, 'one').way, 'swapped');
                    assert.strictEqual(find(answer, 'other').way,
                        'unchanged');
                    await until(() => host.logged(/reload hook of version/)
                        .length === (i + 1) * workers, 'the reload hooks');
                }
                await Promise.all(talkers.map((talker) => talker.more()));
                for (const talker of talkers) {
                    await talker.stop();
                    assert.deepStrictEqual(talker.versions, [1, 2, 1, 2]);
                }
                assert.deepStrictEqual(
                    (await host.json('status')).workers.map((worker) =>
                        worker.restarts), Array(workers).fill(0));
            }));

        it('is migrated, but for a connection that cannot be',
            () => withHost(setup(workers, { expected: [/migrate_conn/] }),
                async (host) => {
                    const clients = await host.inEachWorker('/one', workers);
                    const unlucky = await host.connect('/one');

                    for (let i = 0; i < 13; i++) {
                        await unlucky.ask('count');
                    }
                    const talkers = clients.map((client) =>
                        new Talker(client));

                    await Promise.all(talkers.map((talker) =>
                        talker.more(20)));
                    host.replacePlugin('phase', 'phase_migrates');
                    const answer = await host.reload();

                    assert.strictEqual(find(answer, 'one').way, 'migrated');
                    assert.strictEqual(find(answer, 'one').kept, workers);
                    assert.strictEqual(find(answer, 'one').closed, 1);
                    assert.strictEqual((await unlucky.closed()).code, 1012);
                    for (const talker of talkers) {
                        await talker.more();
                        await talker.stop();
                        assert.deepStrictEqual(talker.versions, [1, 3]);
                    }
                }));

        it('that cannot take over serves the new ones, beside the old',
            () => withHost(setup(workers), async (host) => {
                const old = (await host.inEachWorker('/one', workers))[0];

                assert.strictEqual(await old.ask('join t'), 'joined');
                host.replacePlugin('phase', 'phase_other');
                const answer = await host.reload();

                assert.strictEqual(find(answer, 'one').way, 'replaced');
                assert.strictEqual(find(answer, 'one').outdated, workers);
                const fresh = (await host.inEachWorker('/one', workers))[0];

                assert.strictEqual(await fresh.ask('join t'), 'joined');
                assert.match(await old.ask('count'), /^1 /);
                assert.match(await fresh.ask('count'), /^4 /);
                old.send('tell t from old');
                assert.strictEqual(await old.text(), 'from old');
                assert.strictEqual(await fresh.text(), 'from old');
                fresh.send('tell t from new');
                assert.strictEqual(await old.text(), 'from new');
                assert.strictEqual(await fresh.text(), 'from new');
                const route = await routeOf(host, 'one');

                assert.strictEqual(route.connections, 2 * workers);
                assert.strictEqual(route.outdated, workers);
                assert.strictEqual((await host.json('status')).workers[0]
                    .outdated, 1);
                assert.match((await host.command('routes')).stdout,
                    /OLD CODE/);
                assert.strictEqual(images(host).length, 3);
                for (const client of [...host.clients].slice(0, workers)) {
                    await client.close(1000);
                }
                await until(async () =>
                    (await routeOf(host, 'one')).outdated === 0,
                'the end of those on old code');
                await until(() => images(host).length === 2,
                    'the end of the old image');
            }));
    });
}

describe('connections of a plugin that cannot take over', () => {
    for (const [way, code] of [['close', 1012], ['drain', undefined]]) {
        it(`on_reload = ${way}`, () => {
            const given = setup(1);

            given.routes.one.on_reload = way;
            return withHost(given, async (host) => {
                const client = await host.connect('/one');

                host.replacePlugin('phase', 'phase_2');
                const answer = find(await host.reload(), 'one');

                assert.strictEqual(answer.way, 'replaced');
                if (code) {
                    assert.strictEqual((await client.closed()).code, code);
                } else {
                    assert.strictEqual(answer.outdated, 1);
                    assert.strictEqual(await client.ask('count'), '1 1');
                }
                assert.strictEqual(
                    await (await host.connect('/one')).ask('count'), '2 1');
            });
        });
    }
});

/* Changes sections and routes of the INI file; null removes a route. */
function edit(host, { routes = {}, ...sections }) {
    for (const [name, keys] of Object.entries(sections)) {
        host.setup[name] = { ...host.setup[name], ...keys };
    }
    for (const [name, keys] of Object.entries(routes)) {
        if (keys === null) {
            delete host.setup.routes[name];
        } else {
            host.setup.routes[name] = keys;
        }
    }
    host.writeIni();
    return host.reload();
}

for (const workers of [1, 2]) {
    describe(`the file, with ${workers} worker(s)`, () => {
        it('brings new options', () => withHost(setup(workers),
            async (host) => {
                const client = await host.connect('/one');

                assert.strictEqual(await client.ask('greeting'), 'hello');
                const answer = await edit(host, { routes: {
                    one: { path: '/one', plugin: 'phase',
                        'phase.greeting': 'good day' },
                } });

                assert.strictEqual(find(answer, 'one').way, 'options');
                assert.strictEqual(await client.ask('greeting'), 'good day');
                await host.waitLog(/reload hook of version 1, greeting good/);
            }));

        it('brings and takes routes', () => withHost(setup(workers),
            async (host) => {
                const client = await host.connect('/other');
                const stays = await host.connect('/one');
                const answer = await edit(host, { routes: {
                    other: null,
                    first: { path: '/first', plugin: 'echo' },
                    moved: { path: '/moved', plugin: 'phase' },
                } });

                assert.strictEqual(answer.workers, 'kept');
                assert.strictEqual(find(answer, 'other').way, 'removed');
                assert.strictEqual(find(answer, 'other').closed, 1);
                assert.strictEqual(find(answer, 'first').way, 'added');
                assert.strictEqual((await client.closed()).code, 1012);
                assert.strictEqual((await host.refusal('/other')).status, 404);
                const first = await host.connect('/first');

                assert.strictEqual(await first.ask('x'), 'x');
                assert.strictEqual(await stays.ask('count'), '1 1');
                const route = await routeOf(host, 'first');

                assert.strictEqual(route.accepted, 1);
                assert.strictEqual(route.messages_in, 1);
                assert.strictEqual((await host.metrics()).get(
                    'patchbay_connections{route="first"}'), 1);
                assert.strictEqual((await routeOf(host, 'one')).messages_in,
                    1);
            }));

        it('brings a second route to the first', () => withHost(
            { ...setup(workers),
                routes: { one: { path: '/one', plugin: 'phase' } } },
            async (host) => {
                const client = await host.connect('/one');
                const answer = await edit(host, { routes: {
                    other: { path: '/other', plugin: 'echo' } } });

                assert.strictEqual(answer.workers, 'kept');
                assert.strictEqual(await client.ask('count'), '1 1');
            }));

        it('gives a route to another plugin', () => withHost(setup(workers),
            async (host) => {
                const old = await host.connect('/one');
                const answer = await edit(host, { routes: {
                    one: { path: '/one', plugin: 'echo' },
                } });

                assert.strictEqual(find(answer, 'one').way, 'replaced');
                assert.strictEqual(await old.ask('count'), '1 1');
                assert.strictEqual(
                    await (await host.connect('/one')).ask('x'), 'x');
            }));

        it('changes limits and origins for new handshakes',
            () => withHost(setup(workers, {
                expected: [/limit connections: the route is full/],
            }), async (host) => {
                const client = await host.connect('/one');
                const origin = 'https://example.org';

                assert.strictEqual(
                    (await host.refusal('/one', { origin })).status, 403);
                await edit(host, { limits: { origins: origin } });
                await host.connect('/one', { origin });
                assert.strictEqual(await client.ask('count'), '1 1');
                await edit(host, { limits: { connections: 2 } });
                assert.strictEqual((await host.refusal('/one')).status, 503);
                await edit(host, { limits: { connections: 3 } });
                await host.connect('/one');
            }));

        it('changes pages and files', () => withHost(setup(workers, {
            files: { 'www/x.txt': 'x', 'new/y.txt': 'y' },
            http: { root: 'www' },
        }), async (host) => {
            assert.strictEqual((await host.request('/x.txt')).text, 'x');
            await edit(host, { http: { root: 'new', health: '/up' } });
            assert.strictEqual((await host.request('/x.txt')).status, 404);
            assert.strictEqual((await host.request('/y.txt')).text, 'y');
            assert.strictEqual((await host.request('/up')).status, 200);
        }));

        it('changes the log', () => withHost(setup(workers),
            async (host) => {
                await edit(host, { log: { access: 'yes' } });
                await (await host.connect('/one')).close(1000);
                await host.waitLog(/ \[one\/phase\] .*\/one/);
                await edit(host, { log: { file: 'new.log' } });
                await (await host.connect('/other')).close(1000);
                await until(() => / \[other\/echo\]/.test(
                    fs.readFileSync(host.file('new.log'), 'utf8')),
                'a line in the new log');
            }));
    });
}

describe('a reload', () => {
    it('comes by HUP, too', () => withHost(setup(2), async (host) => {
        const client = await host.connect('/one');
        const from = host.mark();

        host.replacePlugin('phase', 'phase_2');
        host.signal('SIGHUP');
        await host.waitLog(/master: reloaded in \d+ ms, 1 connection kept/,
            { from });
        await host.waitLog(/master: \[route\.one\] plugin phase: swapped/,
            { from });
        assert.strictEqual(await client.ask('count'), '2 1');
    }));

    it('is what a worker that dies comes back with',
        () => withHost(setup(2, { expected: [/killed by signal 9/] }),
            async (host) => {
                host.replacePlugin('phase', 'phase_2');
                await host.reload();
                const from = host.mark();

                process.kill(host.workers()[0], 'SIGKILL');
                await host.waitLog(/worker 0 is back/, { from });
                for (const client of await host.inEachWorker('/one', 2)) {
                    assert.match(await client.ask('count'), /^2 /);
                }
                const answer = await host.reload();

                assert.strictEqual(find(answer, 'one').way, 'unchanged');
            }));

    it('mends what workers die of, over and over',
        () => withHost(setup(2, { limits: { crash_limit: 0 },
            expected: [/killed by signal/] }),
            async (host) => {
                /* Swapped, it does not start. What is started by it dies. */
                host.replacePlugin('phase', 'phase_crashes');
                await host.reload();
                const client = (await host.inEachWorker('/one', 2))[1];

                process.kill(host.workers()[0], 'SIGKILL');
                await host.waitLog(/start hook of plugin phase.*restarted in/);
                host.replacePlugin('phase', 'phase_2');
                const answer = await host.reload();

                assert.strictEqual(find(answer, 'one').way, 'swapped');
                assert.strictEqual(find(answer, 'one').kept, 1);
                assert.match(await client.ask('count'), /^2 /);
                await host.waitLog(/worker 0 is back/);
                await host.inEachWorker('/one', 2);
            }));

    it('waits for deferred work, and new code finishes it',
        () => withHost(setup(1), async (host) => {
            const client = await host.connect('/one');

            client.send('defer 300');
            assert.strictEqual(await client.ask('count'), '1 1');
            host.replacePlugin('phase', 'phase_2');
            assert.strictEqual(find(await host.reload(), 'one').way,
                'swapped');
            assert.match(await client.text(), /^deferred [12]$/);
            assert.strictEqual(await client.ask('count'), '2 2');
        }));

    it('by one at a time', () => withHost(setup(1), async (host) => {
        const client = await host.connect('/one');

        client.send('defer 3000'); /* which a reload waits for */
        assert.strictEqual(await client.ask('count'), '1 1');
        host.replacePlugin('phase', 'phase_2');
        /* Whoever of the two comes first. */
        const both = await Promise.all([host.command('reload'),
            host.command('reload')]);

        assert.deepStrictEqual(both.map(({ code }) => code).sort(), [0, 1]);
        assert.match(both.find(({ code }) => code === 1).stderr,
            /a reload is under way/);
    }));

    it('as another user', { skip: process.getuid() !== 0 && 'not root' },
        () => withHost(setup(2, { open: true, server: { workers: 2,
            user: 'nobody' } }), async (host) => {
            const client = await host.connect('/one');

            fs.chmodSync(host.ini, 0o600);
            host.replacePlugin('phase', 'phase_2');
            await host.reload();
            assert.strictEqual(await client.ask('count'), '2 1');
        }));
});
