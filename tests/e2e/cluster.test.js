/* cluster.test.js - two hosts with one Redis: topics, ids, who is there */
'use strict';

const assert = require('node:assert');
const { cluster, clusterHost, health, joined } = require('./lib/cluster.js');
const { SLOWNESS, stopwatch, until } = require('./lib/wait.js');

/* Nothing more has come: what was sent before must have arrived by the time
 * this makes its way there and back. */
async function assertQuiet(client) {
    assert.strictEqual(await client.ask('echo quiet'), 'quiet');
}

/* Subscribes, and waits until Redis knows of it. */
async function subscribe(redis, client, topic, count, name = 'patchbay') {
    assert.strictEqual(await client.value(`sub ${topic}`), '0');
    await until(async () => (await redis.ask('PUBSUB', 'NUMSUB',
        `pb:${name}:t:every:${topic}`)).includes(`\r\n:${count}\r\n`),
    `${count} workers subscribed to ${topic}`);
}

cluster('two hosts and one Redis', { hosts: [{ server: { workers: 2 } },
    { server: { workers: 2 } }] }, ({ redis, hosts, it }) => {
    it('publish to each other, once to each, in order', async () => {
        const near = await hosts[0].inEachWorker('/every', 2);
        const far = await hosts[1].inEachWorker('/every', 2);
        let count = 0;

        for (const client of [...near, ...far]) {
            await subscribe(redis, client, 'room', ++count);
        }
        const heard = await redis.overhear('pb:*');

        for (let i = 0; i < 50; i++) {
            near[0].send(`pub room message ${i}`);
        }
        for (const client of [...near, ...far]) {
            const said = [];

            while (said.length < 50) {
                const text = await client.text();

                if (text !== 'pub 0') {
                    said.push(text);
                }
            }
            assert.deepStrictEqual(said,
                Array.from({ length: 50 }, (unused, i) => `message ${i}`));
        }
        for (const client of far) {
            await assertQuiet(client);
        }
        const published = () => heard.text().match(/message \d+/g) ?? [];

        /* Each message once, on whatever channel. */
        await until(() => published().includes('message 49'), 'the last one');
        assert.deepStrictEqual(published(),
            Array.from({ length: 50 }, (unused, i) => `message ${i}`));
        heard.end();
        [...near, ...far].forEach((client) => client.terminate());
    });

    it('leave out who is excepted, on whatever host', async () => {
        const [a, b] = [await hosts[0].connect('/every'),
            await hosts[1].connect('/every')];

        await subscribe(redis, a, 'others', 1);
        await subscribe(redis, b, 'others', 2);
        a.send('others others hello');
        assert.strictEqual(await b.text(), 'hello');
        assert.strictEqual(await a.text(), 'others 0');
        await assertQuiet(a);
        [a, b].forEach((client) => client.terminate());
    });

    it('send to a connection and close it by its id', async () => {
        const [a, b] = [await hosts[0].connect('/every'),
            await hosts[1].connect('/every')];
        const id = await b.value('id');

        assert.strictEqual(BigInt(id) >> 56n, 2n);
        assert.strictEqual(await a.value(`sendto ${id} over there`), '0');
        assert.strictEqual(await b.text(), 'over there');
        assert.strictEqual(await a.value(`closeid ${id} 4001 enough`), '0');
        assert.deepStrictEqual(await b.closed(),
            { code: 4001, reason: 'enough' });
        /* A worker that there is not. */
        assert.strictEqual(await a.value(`sendto ${(9n << 56n) + 1n} x`), '-6');
        a.terminate();
    });

    it('list and kick each their own', async () => {
        const [a, b] = [await hosts[0].connect('/every'),
            await hosts[1].connect('/every')];
        const id = await b.value('id');

        assert.strictEqual(await a.value('count'), '1');
        assert.strictEqual((await hosts[1].command('kick', id)).code, 0);
        assert.strictEqual((await b.closed()).code, 1008);
        a.terminate();
    });

    it('stop what nobody wants any more', async () => {
        const client = await hosts[0].connect('/every');

        await subscribe(redis, client, 'brief', 1);
        assert.strictEqual(await client.value('unsub brief'), '0');
        await until(async () => (await redis.ask('PUBSUB', 'NUMSUB',
            'pb:patchbay:t:every:brief')).includes('\r\n:0\r\n'),
        'the end of a subscription');
        client.terminate();
    });

    it('are healthy, and say so', async () => {
        assert.strictEqual((await health(hosts[0])).status, 'ok');
        assert.strictEqual((await health(hosts[0])).cluster, 'ok');
        const { stdout } = await hosts[1].command('status');

        assert.match(stdout, /^cluster +node 2 of patchbay at redis:.*: ok$/m);
    });

    it('ignore what is none of theirs on their channels', async () => {
        const client = await hosts[0].connect('/every');

        hosts[0].expected.push(/came on a channel of this cluster/);
        await subscribe(redis, client, 'noise', 1);
        for (const noise of ['', 'hello', 'pb', 'K 1 1\n', 'K 0 x\n',
            `pb\x02${'x'.repeat(60)}`, `pb\x01\x01${'\x00'.repeat(60)}`]) {
            await redis.ask('PUBLISH', 'pb:patchbay:t:every:noise', noise);
        }
        await until(async () => (await hosts[0].metrics())
            .get('patchbay_cluster_broken_total') === 7, 'seven are counted');
        await hosts[0].waitLog(/came on a channel/);
        assert.strictEqual(hosts[0].logged(/came on a channel/).length, 1);
        await assertQuiet(client);
        client.terminate();
    });

    it('see a worker that dies and the one in its place', async () => {
        const from = hosts[0].mark();
        const number = 1;

        hosts[1].expected.push(/killed by signal 9/);
        const took = stopwatch();

        process.kill(hosts[1].workers()[number], 'SIGKILL');
        await hosts[0].waitLog(/worker 1 of node 2 is gone/, { from });
        assert.ok(took() < 1000 * SLOWNESS, `${took()} ms`);
        await hosts[0].waitLog(/worker 1 of node 2 is there/, { from });
        await joined(hosts[0], 2);
    });
});

cluster('two clusters on one Redis', { hosts: [{}, { cluster: {
    node: 255 } }] }, ({ redis, hosts, it }) => {
    it('do not hear each other', async () => {
        const stranger = clusterHost(redis, 1, { cluster: { name: 'another' } });

        try {
            await stranger.start();
            await joined(stranger, 0);
            const [a, b, c] = [await hosts[0].connect('/every'),
                await hosts[1].connect('/every'),
                await stranger.connect('/every')];

            await subscribe(redis, a, 'room', 1);
            await subscribe(redis, b, 'room', 2);
            await subscribe(redis, c, 'room', 1, 'another');
            a.send('pub room hello');
            assert.strictEqual(await b.text(), 'hello');
            await assertQuiet(c);
            /* The largest ids there are. */
            const id = await b.value('id');

            assert.strictEqual((await hosts[1].json('conns')).conns[0].id, id);
            assert.strictEqual((await hosts[1].command('kick', id)).code, 0);
        } finally {
            await stranger.finish();
        }
    });
});
