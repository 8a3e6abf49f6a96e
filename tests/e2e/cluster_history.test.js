/* cluster_history.test.js - messages that are kept in Redis, for clients of any host */
'use strict';

const assert = require('node:assert');
const { cluster, health, joined } = require('./lib/cluster.js');
const { Resumer } = require('./lib/resumer.js');
const { until } = require('./lib/wait.js');

const HOST = { server: { workers: 2 },
    routes: { kept: { path: '/kept', plugin: 'keeper', history: 1000 },
        fresh: { path: '/fresh', plugin: 'keeper', history: 5 } } };

async function heard(client, text) {
    while (await client.text() !== text);
}

cluster('history of two hosts', { hosts: [HOST, HOST] }, ({ redis, hosts, it }) => {
    it('is given to a newcomer of either', async () => {
        const writer = await hosts[0].connect('/kept');

        await heard(writer, 'open');
        for (const text of ['a', 'b', 'c']) {
            writer.send(text);
            await heard(writer, text);
        }
        for (const host of hosts) {
            const client = await host.connect('/kept?history=2');
            const got = [];

            while (got.length < 2) {
                const text = await client.text();

                if (text !== 'open') {
                    got.push(text);
                }
            }
            assert.deepStrictEqual(got, ['b', 'c']);
            client.terminate();
        }
        writer.terminate();
    });

    it('lets a client resume on the other host', async () => {
        const reader = new Resumer(hosts[0]);
        const writer = await hosts[1].connect('/kept');

        await heard(writer, 'open');
        await reader.connect();
        await reader.until('p');
        writer.send('heard');
        await reader.until('m', 'heard');
        reader.client.terminate();
        await reader.client.ending;
        for (const text of ['one', 'two', 'three']) {
            writer.send(text);
            await heard(writer, text);
        }
        reader.host = hosts[1];
        await reader.connect();
        assert.strictEqual((await reader.until('r')).count, '3');
        writer.send('live');
        await reader.until('m', 'live');
        assert.deepStrictEqual(reader.texts,
            ['heard', 'one', 'two', 'three', 'live']);
        writer.terminate();
        reader.client.terminate();
    });

    it('lets a client resume that was there before anything was said', async () => {
        const reader = new Resumer(hosts[0], '/fresh?x=1');
        const again = async (count) => {
            reader.client.terminate();
            await reader.client.ending;
            for (let i = 0; i < count; i++) {
                writer.send('text');
                await heard(writer, 'text');
            }
            await reader.connect();
        };
        const writer = await hosts[1].connect('/fresh');

        await heard(writer, 'open');
        await reader.connect();
        await reader.until('p');
        await again(0);
        assert.strictEqual((await reader.until('r')).count, '0');
        await again(3);
        assert.strictEqual((await reader.until('r')).count, '3');
        assert.deepStrictEqual(reader.texts, ['text', 'text', 'text']);
        /* What was the first is not kept any more. */
        reader.positions.forEach((_, key) => reader.positions.set(key, '0.0'));
        await again(3);
        await reader.until('x');
        writer.terminate();
        reader.client.terminate();
    });

    it('is given in pages to one who was away for long', async () => {
        const reader = new Resumer(hosts[0]);
        const writer = await hosts[1].connect('/kept');
        const all = Array.from({ length: 900 }, (_, i) =>
            `${i}:${'.'.repeat(2000)}`);

        await heard(writer, 'open');
        await reader.connect();
        await reader.until('p');
        reader.client.terminate();
        await reader.client.ending;
        all.forEach((text) => writer.send(text));
        for (const text of all) {
            assert.strictEqual(await writer.text(), text);
        }
        await redis.ask('SCRIPT', 'FLUSH');
        await reader.connect();
        assert.strictEqual((await reader.until('r')).count, '900');
        assert.deepStrictEqual(reader.texts, all);
        writer.terminate();
        reader.client.terminate();
    });

    it('reaches the other host late, not never, when Redis was away', async () => {
        const [near, far] = [await hosts[0].connect('/kept'),
            await hosts[1].connect('/kept')];

        await heard(near, 'open');
        await heard(far, 'open');
        near.send('before');
        await heard(far, 'before');
        await redis.kill();
        await until(async () => (await health(hosts[0])).status === 'degraded',
            'degraded');
        near.send('meanwhile');
        await heard(near, 'meanwhile');
        await redis.start();
        await heard(far, 'meanwhile');
        near.send('after');
        await heard(far, 'after');
        [near, far].forEach((client) => client.terminate());
        for (const host of hosts) {
            await joined(host, 2);
        }
    });

    it('has one order for all who publish at once', async () => {
        const clients = [await hosts[0].connect('/kept'),
            await hosts[1].connect('/kept'), await hosts[0].connect('/kept'),
            await hosts[1].connect('/kept')];

        for (const client of clients) {
            await heard(client, 'open');
        }
        for (let i = 0; i < 100; i++) {
            clients.forEach((client, n) => client.send(`${n}:${i}`));
        }
        const all = await Promise.all(clients.map(async (client) => {
            const got = [];

            while (got.length < 400) {
                got.push(await client.text());
            }
            return got;
        }));

        all.forEach((got) => assert.deepStrictEqual(got, all[0]));
        clients.forEach((client) => client.terminate());
    });
});
