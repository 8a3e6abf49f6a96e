/* cluster_user.test.js - a user of Redis that may do no more than operate.md says */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { clusterHost, health, joined } = require('./lib/cluster.js');
const { Redis } = require('./lib/redis.js');
const { Resumer } = require('./lib/resumer.js');
const { until } = require('./lib/wait.js');

const SETUP = { routes: { kept: { path: '/kept', plugin: 'keeper', history: 10 },
    every: { path: '/every', plugin: 'everything' } } };

/* The commands in operate.md, as rules: "+script|load". */
function allowed() {
    const file = path.join(__dirname, '../../host/doc/operate.md');
    const [, text] = /\* \*\*What its user may need\*\*:([^]*?); keys and channels/
        .exec(fs.readFileSync(file, 'utf8'));

    return [...text.matchAll(/`([A-Z ]+)`/g)]
        .map(([, name]) => `+${name.toLowerCase().replace(' ', '|')}`);
}

async function withUser(rules, body, expected = []) {
    const redis = new Redis({ user: `pb on >hush ~pb:patchbay:* &pb:patchbay:* ${
        rules.join(' ')}` });
    const hosts = [];

    await redis.start();
    try {
        for (const node of [1, 2]) {
            hosts.push(clusterHost(redis, node, { ...SETUP, expected,
                cluster: { url: redis.url(0, 'pb:hush@') } }));
            await hosts.at(-1).start();
        }
        await body(hosts, redis);
    } catch (error) {
        hosts.forEach((host) => {
            host.failed = true;
        });
        throw error;
    } finally {
        for (const host of hosts) {
            await host.finish();
        }
        await redis.finish();
    }
}

async function heard(client, text) {
    while (await client.text() !== text);
}

describe('a user of Redis', () => {
    it('needs the commands in operate.md, and no others', () =>
        withUser(allowed(), async (hosts) => {
            await Promise.all(hosts.map((host) => joined(host, 1)));
            const reader = new Resumer(hosts[0]);
            const writer = await hosts[1].connect('/kept');

            await heard(writer, 'open');
            await reader.connect();
            await reader.until('p');
            reader.client.terminate();
            await reader.client.ending;
            writer.send('missed');
            await heard(writer, 'missed');
            await reader.connect();
            await reader.until('r');
            writer.send('live');
            await reader.until('m', 'live');
            assert.deepStrictEqual(reader.texts, ['missed', 'live']);
            const [a, b] = [await hosts[0].connect('/every'),
                await hosts[1].connect('/every')];

            assert.strictEqual(await b.value('sub room'), '0');
            assert.strictEqual(await b.value('unsub room'), '0');
            assert.strictEqual(await b.value('sub other'), '0');
            await until(async () => {
                a.send('pub other hello');
                return b.messages.items.some(({ text }) => text === 'hello');
            }, 'what was published');
            for (const host of hosts) {
                assert.deepStrictEqual(host.logged(/NOPERM|cannot use|refuses/), []);
            }
            [a, b, writer, reader.client].forEach((each) => each.terminate());
        }));

    it('that may not subscribe is named', () =>
        withUser(allowed().filter((rule) => rule !== '+subscribe'),
            async ([host]) => {
                await until(async () =>
                    host.logged(/cannot use .*no permissions/i).length > 0,
                'a sentence');
                assert.strictEqual((await health(host)).status, 'degraded');
            }, [/NOPERM|no permissions/i]));

    it('that may not keep anything is named, and messages go on', () =>
        withUser(allowed().filter((rule) => rule !== '+xadd'),
            async ([host]) => {
                await joined(host, 1);
                const client = await host.connect('/kept');

                await heard(client, 'open');
                client.send('all the same');
                await heard(client, 'all the same');
                await host.waitLog(
                    /not keep a message: .*(user executing the script can.t run|NOPERM)/);
                client.terminate();
            }, [/does not keep a message/]));
});
