/* reload_hang.test.js - hooks that hang in a reload of a host that serves */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { describe, it } = require('node:test');
const { withHost } = require('./lib/suite.js');

const REAL = { ASAN_OPTIONS: 'handle_segv=0:handle_abort=0' };

const HANGS = (hook) => new RegExp(`worker 0 \\(pid \\d+\\) hangs in the ${hook
} hook of plugin staller(?: 1\\.0)?, \\[route\\.\\w+\\]: the ${hook
} hook has not returned for \\d+ ms \\(hook_timeout is 300 ms\\); ended$`);
const DIED = (hook) => new RegExp('worker 0 \\(pid \\d+\\) killed by signal 6 ' +
    `\\(Aborted\\).* in the ${hook} hook of plugin staller 1\\.0, `);

function setup(hook, more = {}) {
    return {
        env: REAL,
        routes: {
            one: { path: '/one', plugin: 'staller' },
            every: { path: '/every', plugin: 'echo' },
        },
        limits: { hook_timeout: '300ms', ...more },
        expected: [HANGS(hook), DIED(hook), /^reload: |: reload: /],
    };
}

async function serves(host, urlPath) {
    const client = await host.connect(urlPath);

    assert.strictEqual(await client.ask('well'), 'well');
    return client;
}

async function tellsWhere(host, hook) {
    const { message } = await host.waitLog(/the crash report is /);
    const text = fs.readFileSync(
        /the crash report is (.*)$/.exec(message)[1], 'utf8');

    assert.match(text, new RegExp(`^reason +the ${hook} hook has not returned`,
        'm'));
    assert.match(text, new RegExp(`^hook +${hook}$`, 'm'));
    assert.match(text, /^plugin +staller 1\.0$/m);
    const { crashes } = await host.json('status');

    assert.deepStrictEqual(crashes.plugins,
        [{ plugin: 'staller', crashes: 1, hangs: 1 }]);
}

describe('a hook that hangs in a reload', () => {
    it('ends its worker: reload', () => withHost(setup('reload'),
        async (host) => {
            const client = await serves(host, '/one');

            host.setup.routes.one['staller.in'] = 'reload';
            host.setup.routes.new = { path: '/new', plugin: 'echo' };
            host.writeIni();
            const { stderr } = await host.reloadFails(1);

            await host.waitLog(HANGS('reload'));
            assert.match(stderr, DIED('reload'));
            assert.match(stderr, /another worker begins with what is new$/m);
            assert.match(stderr, /^reloaded in part in \d+ ms, /m);
            assert.strictEqual((await client.closed()).code, 1006);
            await host.waitLog(/worker 0 is back/);
            await serves(host, '/one');
            await serves(host, '/new'); /* as was said */
            await tellsWhere(host, 'reload');
        }));

    it('ends its worker: start', () => withHost(setup('start'),
        async (host) => {
            const client = await serves(host, '/every');

            host.setup.routes.two = { path: '/two', plugin: 'staller',
                'staller.in': 'start' };
            host.writeIni();
            const { stderr } = await host.reloadFails(1);

            await host.waitLog(HANGS('start'));
            assert.match(stderr, DIED('start'));
            assert.match(stderr, /everything else goes on as it was$/m);
            assert.strictEqual((await client.closed()).code, 1006);
            await host.waitLog(/worker 0 is back/);
            await serves(host, '/one');
            assert.strictEqual((await host.refusal('/two')).status, 404);
            await tellsWhere(host, 'start');
        }));

    it('is quarantined like any other', () => withHost({
        ...setup('start', { crash_limit: 1 }),
        expected: [...setup('start').expected, /is quarantined/],
    }, async (host) => {
        host.setup.routes.two = { path: '/two', plugin: 'staller',
            'staller.in': 'start' };
        host.writeIni();
        await host.reloadFails(1);
        await host.waitLog(/plugin staller is quarantined/);
        await host.waitLog(/worker 0 is back/);
        assert.strictEqual((await host.refusal('/one')).status, 503);
        await serves(host, '/every');
    }));
});
