/* cluster_away.test.js - two hosts whose Redis goes, comes back, hangs, or is
 * none that they can use */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { describe, it } = require('node:test');
const { cluster, clusterHost, health, joined } = require('./lib/cluster.js');
const { Redis } = require('./lib/redis.js');
const { SLOWNESS, stopwatch, until } = require('./lib/wait.js');

/* Until its health page says why. */
function ails(host, why) {
    return until(async () => {
        const { status, cluster: said } = await health(host);

        return status === 'degraded' && said === why;
    }, `a host that says "${why}"`);
}

async function pairOf(hosts) {
    const clients = [];

    for (const host of hosts) {
        clients.push(await host.connect('/every'));
        assert.strictEqual(await clients.at(-1).value('sub room'), '0');
    }
    return clients;
}

/* A client that reads all that comes, its own answers among it. */
async function said(client, command) {
    client.send(command);
    await until(() => client.messages.items.some(({ text }) =>
        text === `${command.split(' ')[0]} 0`), `an answer to ${command}`);
}

async function talks(a, b, text) {
    await until(async () => {
        a.send(`pub room ${text}`);
        await new Promise((done) => setTimeout(done, 20));
        return b.messages.items.some((item) => item.text === text);
    }, `"${text}" to arrive`);
}

cluster('a Redis that is killed', {}, ({ redis, hosts, it: test }) => {
    test('is not needed on one host, and is come back to', async () => {
        const [a, b] = await pairOf(hosts);
        const again = await hosts[0].connect('/every');

        await said(again, 'sub room');
        await talks(a, b, 'before');
        await redis.kill();
        await ails(hosts[0], 'Redis is away');
        await ails(hosts[1], 'Redis is away');
        await talks(a, again, 'at home');
        assert.ok(!b.messages.items.some(({ text }) => text === 'at home'));
        const metrics = await hosts[0].metrics();

        assert.strictEqual(metrics.get('patchbay_cluster_up'), 0);
        assert.ok(metrics.get('patchbay_cluster_not_sent_total') >= 1);
        await redis.start();
        for (const host of hosts) {
            await joined(host, 1);
        }
        await talks(a, b, 'after');
        await talks(b, a, 'and back');
        assert.ok((await hosts[0].metrics())
            .get('patchbay_cluster_reconnects_total') >= 1);
        assert.strictEqual((await health(hosts[0])).status, 'ok');
        [a, b, again].forEach((client) => client.terminate());
    });

    test('hangs, and is found out', async () => {
        const [a, b] = await pairOf(hosts);

        await talks(a, b, 'before the hang');
        redis.pause();
        try {
            a.send('pub room into the dark');
            await ails(hosts[0], 'Redis is away');
            await ails(hosts[1], 'Redis is away');
            await hosts[0].waitLog(/has not answered for 1000 ms/);
        } finally {
            redis.resume();
        }
        await talks(a, b, 'after the hang');
        for (const host of hosts) {
            await joined(host, 1);
        }
        [a, b].forEach((client) => client.terminate());
    });

    test('closes a subscriber that is slow, which comes back', async () => {
        const [a, b] = await pairOf(hosts);

        await talks(a, b, 'before it is closed');
        await redis.ask('CLIENT', 'KILL', 'TYPE', 'pubsub');
        await until(async () => (await hosts[1].metrics())
            .get('patchbay_cluster_reconnects_total') >= 2, 'a reconnect');
        await talks(a, b, 'after it was closed');
        [a, b].forEach((client) => client.terminate());
    });

    test('has no memory left, and passes messages on', async () => {
        const [a, b] = await pairOf(hosts);

        await redis.ask('CONFIG', 'SET', 'maxmemory', '1');
        await talks(a, b, 'without memory');
        await redis.ask('CONFIG', 'SET', 'maxmemory', '0');
        [a, b].forEach((client) => client.terminate());
    });
});

cluster('many topics', { hosts: [{ limits: { slow_hook: '10s',
    max_message: '1m' } }, {}] }, ({ redis, hosts, it: test }) => {
    test('are renewed when Redis was away', async () => {
        const count = Math.floor(20000 / SLOWNESS);
        const clients = [];

        /* A connection may have 4,096. */
        for (let i = 0; i < count; i++) {
            if (i % 4000 === 0) {
                clients.push(await hosts[0].connect('/every'));
            }
            clients.at(-1).send(`sub topic-${i}`);
        }
        const all = async () => Number(await redis.info('stats',
            'pubsub_channels').catch(() => '0'));
        const [last] = clients.slice(-1);

        await until(async () => await all() >= count, 'all subscriptions');
        await redis.kill();
        await ails(hosts[0], 'Redis is away');
        await redis.start();
        const took = stopwatch();

        await until(async () => await all() >= count, 'all of them again');
        assert.ok(took() < 5000 * SLOWNESS);
        const sender = await hosts[1].connect('/every');

        await joined(hosts[1], 1);
        sender.send(`pub topic-${count - 1} hello`);
        await until(() => last.messages.items.some(({ text }) =>
            text === 'hello'), 'a message to the last topic');
        [sender, ...clients].forEach((client) => client.terminate());
    });
});

/* A host with a Redis that it cannot use. */
async function alone(options, setup, run) {
    const redis = new Redis(options);
    let host;

    try {
        await redis.start();
        host = clusterHost(redis, 1, setup(redis));
        await host.start();
        await run(host, redis);
    } catch (error) {
        if (host) {
            host.failed = true;
        }
        throw error;
    } finally {
        await host?.finish();
        await redis.finish();
    }
}

describe('a Redis that cannot be used', () => {
    it('has another password, which is told nowhere', () =>
        alone({ requirepass: 'right' }, (redis) => ({ cluster: {
            url: redis.url(0, ':hush-hush@') } }), async (host, redis) => {
            await ails(host, 'Redis refuses the password');
            const status = await host.command('status');
            const json = await host.command('status', '--json');

            for (const text of [status.stdout, json.stdout,
                (await host.request('/-/health')).text,
                (await host.request('/-/metrics')).text,
                host.lines.items.map((line) => line.text).join('\n')]) {
                assert.doesNotMatch(text, /hush/);
            }
            await host.waitLog(/does not take the user and password/);
            const client = await host.connect('/every');

            assert.strictEqual(await client.ask('echo on'), 'on');
            client.terminate();
            await redis.ask('AUTH', 'right');
        }));

    it('wants a password', () =>
        alone({ requirepass: 'right' }, () => ({}), async (host) => {
            await ails(host, 'Redis refuses the password');
            await host.waitLog(/wants a password/);
        }));

    it('is given the right one, by a Unix socket too', () =>
        alone({ requirepass: 'r@ght' }, (redis) => ({ cluster: {
            url: redis.url(3, 'default:r%40ght@') } }), async (host) => {
            await joined(host, 0);
        }));

    it('is reached by a Unix socket', () =>
        alone({}, (redis) => ({ cluster: { url: `unix:${redis.socket}` } }),
            async (host) => {
                await joined(host, 0);
            }));

    it('is a node of a Redis Cluster', () =>
        alone({ 'cluster-enabled': 'yes' }, () => ({}), async (host) => {
            await ails(host, 'Redis is a Cluster, a Sentinel or a replica');
            await host.waitLog(/is a node of a Redis Cluster/);
        }));

    it('is a replica', () =>
        alone({ replicaof: '127.0.0.1 1' }, () => ({}), async (host) => {
            await ails(host, 'Redis is a Cluster, a Sentinel or a replica');
            await host.waitLog(/it is a replica/);
        }));
});

describe('two hosts with one number', () => {
    it('are told apart, and the second goes on by itself', () =>
        alone({}, () => ({}), async (host, redis) => {
            const second = clusterHost(redis, 1);

            try {
                await joined(host, 0);
                await second.start();
                await ails(second, 'another host has this node\'s number');
                assert.match((await second.waitLog(/cannot use/)).text,
                    /node = 1 is the number of another host \(.*, process \d+\)/);
                const client = await second.connect('/every');

                assert.strictEqual(await client.ask('echo on'), 'on');
                client.terminate();
                assert.strictEqual((await health(host)).status, 'ok');
                /* The first is killed: the second need not wait for long. */
                host.expected.push(/killed/);
                await host.kill();
                host.checked = true;
                await joined(second, 0);
            } finally {
                await second.finish();
            }
        }));
});

cluster('a change of the cluster', { apart: true, hosts: [{}, { cluster: {
    name: 'other' } }] }, ({ hosts, it: test }) => {
    test('brings new workers, which reach the others', async () => {
        const text = fs.readFileSync(hosts[1].ini, 'utf8');
        const client = await hosts[1].connect('/every');

        fs.writeFileSync(hosts[1].ini, text.replace('name = other\n', ''));
        await hosts[1].reload();
        assert.strictEqual((await client.closed()).code, 1012);
        await joined(hosts[1], 1);
        await joined(hosts[0], 1);
        const [a, b] = await pairOf(hosts);

        await talks(a, b, 'hello');
        [a, b].forEach((each) => each.terminate());
    });
});
