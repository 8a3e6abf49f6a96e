/* reload.test.js - new code, options and routes below open connections */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { pluginFile } = require('./lib/host.js');
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

/* What became of a route. */
function find(answer, name) {
    return answer.routes.find(({ route }) => route === name);
}

/*
 * A client that speaks all the time, always having a few messages under way.
 * Its answers are "VERSION N": each has to be the next.
 */
class Talker {
    constructor(client) {
        this.client = client;
        this.sent = 0;
        this.heard = 0;
        this.versions = [];
        this.stopping = false;
        this.done = this.run();
    }

    async run() {
        for (let i = 0; i < 4; i++) {
            this.say();
        }
        while (this.heard < this.sent) {
            const [version, count] = (await this.client.text('an answer'))
                .split(' ').map(Number);

            this.heard++;
            assert.strictEqual(count, this.heard, 'the number of the answer');
            if (this.versions.at(-1) !== version) {
                this.versions.push(version);
            }
            if (!this.stopping) {
                this.say();
            }
        }
    }

    say() {
        this.client.send('count');
        this.sent++;
    }

    async until(heard) {
        await until(() => this.heard >= heard, `${heard} answers`);
    }

    async stop() {
        this.stopping = true;
        await this.done;
    }
}

for (const workers of [1, 2]) {
    describe(`reload with ${workers} worker(s)`, () => {
        it('swaps a plugin below clients that speak all the time',
            () => withHost(setup(workers), async (host) => {
                const clients = await host.inEachWorker('/one', workers);
                const talkers = clients.map((client) => new Talker(client));

                for (const [i, by] of ['phase_2', 'phase', 'phase_2']
                    .entries()) {
                    await Promise.all(talkers.map((talker) =>
                        talker.until(talker.heard + 50)));
                    host.replacePlugin('phase', by);
                    const answer = await host.reload();

                    assert.strictEqual(answer.workers, 'kept');
                    assert.strictEqual(answer.kept, workers);
                    assert.strictEqual(answer.closed, 0);
                    assert.strictEqual(answer.outdated, 0);
                    assert.strictEqual(find(answer, 'one').way, 'swapped');
                    assert.strictEqual(find(answer, 'other').way,
                        'unchanged');
                    assert.strictEqual(host.logged(
                        /reload hook of version/).length, (i + 1) * workers);
                }
                await Promise.all(talkers.map((talker) =>
                    talker.until(talker.heard + 50)));
                for (const talker of talkers) {
                    await talker.stop();
                    assert.deepStrictEqual(talker.versions, [1, 2, 1, 2]);
                }
                assert.deepStrictEqual(
                    (await host.json('status')).workers.map((worker) =>
                        worker.restarts), Array(workers).fill(0));
            }));
    });
}
