/* generations.test.js - what cannot change in the workers: others replace them
 */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { describe, it } = require('node:test');
const { withHost } = require('./lib/suite.js');
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

/* Edits sections of the INI file and reloads. */
function change(host, sections) {
    for (const [name, keys] of Object.entries(sections)) {
        host.setup[name] = { ...host.setup[name], ...keys };
    }
    host.writeIni();
    return host.reload();
}

async function gone(host) {
    await until(async () => (await host.json('status')).leaving.length === 0,
        'the end of the old workers');
}

describe('new workers', () => {
    for (const [before, after] of [[1, 3], [3, 1], [2, 2]]) {
        it(`${after} for ${before}, on the same sockets`,
            () => withHost(setup(before), async (host) => {
                const clients = await host.inEachWorker('/one', before);
                const addresses = host.readAddresses();
                const answer = await change(host, before === after
                    ? { limits: { jobs: 2 } } : { server: { workers: after } });

                assert.strictEqual(answer.workers, 'replaced');
                assert.strictEqual(answer.closed, before);
                for (const client of clients) {
                    assert.deepStrictEqual(await client.closed(),
                        { code: 1012, reason: 'service restart' });
                }
                await gone(host);
                assert.deepStrictEqual(host.readAddresses(), addresses);
                await host.inEachWorker('/one', after);
                const status = await host.json('status');

                assert.strictEqual(status.workers.length, after);
                assert.strictEqual(status.state, 'running');
                assert.deepStrictEqual(fs.readdirSync(host.file('run'))
                    .filter((name) => name.startsWith('bus.')), []);
            }));
    }
});
