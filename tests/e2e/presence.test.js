/* presence.test.js - who is in a topic, seen from each worker and each host */
'use strict';

const assert = require('node:assert');
const { cluster } = require('./lib/cluster.js');
const { suite } = require('./lib/suite.js');
const { SLOWNESS, SOON_MS, stopwatch } = require('./lib/wait.js');

const ROUTES = { presence: { path: '/presence', plugin: 'presence' } };
const KILLED = [/worker \d+ \(pid \d+\) killed by signal 9/];
const EEXISTS = '-9';
const ENOTFOUND = '-6';
const WORKERS = 3;

/* What a client was told of changes while it waited for an answer. */
const heard = new WeakMap();

function changes(client) {
    if (!heard.has(client)) {
        heard.set(client, []);
    }
    return heard.get(client);
}

async function value(client, command) {
    const name = command.split(' ')[0];

    client.send(command);
    for (;;) {
        const text = await client.text(`the answer to ${command}`);

        if (text === name || text.startsWith(`${name} `)) {
            return text.slice(name.length + 1);
        }
        changes(client).push(text);
    }
}

/* Waits for a change, and forgets those before it. */
async function hears(client, change, ms = SOON_MS) {
    const before = changes(client);
    const at = before.indexOf(change);

    if (at >= 0) {
        before.splice(0, at + 1);
        return;
    }
    before.length = 0;
    while (await client.text(change, ms) !== change) {
        /* another one */
    }
}

const list = async (client) =>
    (await value(client, 'list')).split(' ').filter(Boolean);

/* Until it has such a list: each change may bring it. */
async function lists(client, wanted, ms = SOON_MS) {
    let members = await list(client);

    while (members.join(' ') !== wanted.join(' ')) {
        changes(client).length = 0;
        await client.text(`[${wanted}] after [${members}]`, ms);
        members = await list(client);
    }
}

const connect = (host) => host.inEachWorker('/presence',
    host.workers().length);

suite('who is in a topic of three workers', {
    server: { workers: WORKERS }, routes: ROUTES, expected: KILLED,
}, ({ host, it }) => {
    let clients;

    it('is the same in each of them', async () => {
        clients = await connect(host);
        assert.strictEqual(clients.length, WORKERS);
        assert.deepStrictEqual(await list(clients[0]), []);
        for (const client of clients) {
            assert.strictEqual(await value(client, 'watch'), '0');
        }
        for (const [i, client] of clients.entries()) {
            assert.strictEqual(await value(client, `join m${i} i${i}`), '0');
            for (const other of clients) {
                await hears(other, `joined m${i}`);
            }
        }
        const [first, ...others] = await Promise.all(clients.map(list));

        assert.deepStrictEqual([...first].sort(), ['m0=i0', 'm1=i1', 'm2=i2']);
        for (const other of others) {
            assert.deepStrictEqual(other, first);
        }
    });

    it('changes for all with what one says of itself', async () => {
        assert.strictEqual(await value(clients[1], 'join m1 busy'), '0');
        for (const client of clients) {
            await hears(client, 'updated m1');
            assert.ok((await list(client)).includes('m1=busy'));
        }
    });

    it('has one of a label that is to be unique', async () => {
        assert.strictEqual(await value(clients[2], 'unique m0'), EEXISTS);
        assert.strictEqual(await value(clients[2], 'unique m1'), EEXISTS);
        assert.strictEqual(await value(clients[2], 'unique m2 own'), '0');
        assert.ok((await list(clients[2])).includes('m2=own'));
        for (const client of clients) {
            await hears(client, 'updated m2');
        }
    });

    it('has those no more who leave', async () => {
        assert.strictEqual(await value(clients[0], 'leave'), '0');
        for (const client of clients) {
            await hears(client, 'left m0');
            assert.deepStrictEqual((await list(client)).sort(),
                ['m1=busy', 'm2=own']);
        }
        assert.strictEqual(await value(clients[0], 'leave'), ENOTFOUND);
        assert.strictEqual(await value(clients[0], 'unique m0'), '0');
        for (const client of clients) {
            await hears(client, 'joined m0');
        }
    });

    it('has those no more who close, or are cut off', async () => {
        for (const end of [(client) => client.close(1000),
            (client) => client.terminate()]) {
            const guest = await host.connect('/presence');

            assert.strictEqual(await value(guest, 'join guest'), '0');
            for (const client of clients) {
                await hears(client, 'joined guest');
            }
            await end(guest);
            for (const client of clients) {
                await hears(client, 'left guest');
                assert.ok(!(await list(client)).includes('guest='));
            }
        }
    });

    it('goes without those of a worker that is killed', async () => {
        const from = host.mark();
        const took = stopwatch();

        process.kill(host.workers()[1], 'SIGKILL');
        for (const client of [clients[0], clients[2]]) {
            await hears(client, 'left m1');
        }
        const ms = took();

        assert.ok(ms < 1000 * SLOWNESS, `${ms} ms`);
        await host.waitLog(/worker 1 is back as pid/, { from });
        /* The one in its place learns of all. */
        const again = await connect(host);

        assert.strictEqual(await value(again[1], 'watch'), '0');
        await lists(again[1], await list(clients[0]));
        assert.deepStrictEqual((await list(again[1])).sort(),
            ['m0=', 'm2=own']);
        assert.strictEqual(await value(again[1], 'unique m2'), EEXISTS);
        assert.strictEqual(await value(again[1], 'unique m1'), '0');
        await hears(clients[0], 'joined m1');
        await hears(clients[2], 'joined m1');
    });
});

cluster('who is in a topic of two hosts', { hosts: [
    { server: { workers: 2 }, routes: ROUTES },
    { routes: ROUTES },
] }, ({ hosts, it }) => {
    let near;
    let far;

    it('is the same on both', async () => {
        near = await connect(hosts[0]);
        [far] = await connect(hosts[1]);
        for (const client of [...near, far]) {
            assert.strictEqual(await value(client, 'watch'), '0');
        }
        assert.strictEqual(await value(near[0], 'join near'), '0');
        assert.strictEqual(await value(far, 'join far away'), '0');
        for (const client of [...near, far]) {
            while ((await list(client)).length < 2) {
                changes(client).length = 0;
                await client.text('both members');
            }
            assert.deepStrictEqual((await list(client)).sort(),
                ['far=away', 'near=']);
        }
        assert.strictEqual(await value(near[1], 'unique far'), EEXISTS);
    });

    it('goes without those of a host that vanishes, after ttl', async () => {
        const [, host] = hosts;

        /* A worker that sees its master die says that it goes. */
        host.workers().forEach((pid) => process.kill(pid, 'SIGSTOP'));
        await host.kill();
        host.checked = true;
        for (const client of near) {
            await lists(client, ['near=']);
        }
    });
});
