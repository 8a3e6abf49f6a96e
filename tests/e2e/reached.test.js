/* reached.test.js - each limit: reached, survived, counted and said */
'use strict';

const assert = require('node:assert');
const { suite } = require('./lib/suite.js');
const { OPCODE, frame } = require('./lib/raw.js');
const { until } = require('./lib/wait.js');

const { binary, continuation, text } = OPCODE;

const reached = async (host, limit, route) => (await host.metrics())
    .get(`patchbay_limit_reached_total{route="${route}",limit="${limit}"}`);

/* It was reached once on this route: counted, and said in one line. */
async function told(host, limit, route, what) {
    await until(async () => await reached(host, limit, route) === 1,
        `a ${limit} that was reached`);
    await host.waitLog(
        new RegExp(`\\[${route}/[a-z]+\\].*: limit ${limit}: ${what}`));
    const { routes } = await host.json('routes');

    assert.strictEqual(
        routes.find((each) => each.route === route).limits[limit], 1);
}

/* A binary message of so many bytes in fragments of one size. */
const fragments = (total, size) =>
    Buffer.concat(Array.from({ length: total / size }, (_, i) =>
        frame(i === 0 ? binary : continuation, Buffer.alloc(size, i),
            { fin: (i + 1) * size >= total, mask: true })));

suite('a message', {
    log: { level: 'info' },
    limits: { ping: 0 },
    routes: {
        long: { path: '/long', plugin: 'echo', max_message: '64k' },
        many: { path: '/many', plugin: 'echo', max_message: '16m' },
        few: { path: '/few', plugin: 'echo', fragments: 10 },
    },
}, ({ host, it }) => {
    it('may not be longer than max_message', async () => {
        const raw = await host.rawUpgrade('/long');

        raw.send(text, 'x'.repeat(64 * 1024));
        assert.strictEqual((await raw.message()).text.length, 64 * 1024);
        raw.send(text, 'x'.repeat(64 * 1024 + 1));
        assert.deepStrictEqual(await raw.close(),
            { code: 1009, reason: 'message too big' });
        await told(host, 'max_message', 'long', 'closed with 1009');
    });

    it('may come in any number of fragments that are not small', async () => {
        const raw = await host.rawUpgrade('/many');

        for (const [total, size] of [[5 << 20, 4096], [1 << 17, 64]]) {
            raw.write(fragments(total, size));
            assert.strictEqual((await raw.message()).data.length, total);
        }
        assert.strictEqual(await reached(host, 'fragments', 'many'), 0);
    });

    it('may not come in crumbs', async () => {
        for (const piece of ['', 'x', 'x'.repeat(63)]) {
            const raw = await host.rawUpgrade('/many');
            const crumb = frame(continuation, piece, { fin: false });

            raw.write(frame(text, '', { fin: false }),
                ...Array.from({ length: 1024 }, () => crumb));
            assert.strictEqual((await raw.close()).code, 1009);
        }
        assert.strictEqual(await reached(host, 'fragments', 'many'), 3);
        /* Said once for all three. */
        assert.strictEqual(host.logged(/\[many\/echo\].*: limit fragments: /)
            .length, 1);
        const raw = await host.rawUpgrade('/few');

        raw.write(fragments(10, 1));
        assert.strictEqual((await raw.message()).data.length, 10);
        raw.write(fragments(11, 1));
        assert.deepStrictEqual(await raw.close(),
            { code: 1009, reason: 'too many small fragments' });
        await told(host, 'fragments', 'few', 'closed with 1009');
    });
});

suite('time', {
    limits: { ping: 0 },
    routes: {
        ping: { path: '/ping', plugin: 'echo', ping: '1s', ping_wait: '100ms' },
        idle: { path: '/idle', plugin: 'echo', idle: '1s' },
    },
    concurrency: 2,
}, ({ host, it }) => {
    it('to answer a ping', async () => {
        await (await host.rawUpgrade('/ping')).ended();
        await told(host, 'ping_wait', 'ping', 'no pong');
    });

    it('without a message', async () => {
        assert.deepStrictEqual(await (await host.rawUpgrade('/idle')).close(),
            { code: 1001, reason: 'idle' });
        await told(host, 'idle', 'idle', 'closed with 1001: idle');
    });
});

suite('connections', {
    expected: [/limit connections: the route is full/],
    routes: {
        full: { path: '/full', plugin: 'echo', connections: 2 },
    },
}, ({ host, it }) => {
    it('of a route', async () => {
        const clients = [await host.rawUpgrade('/full'),
            await host.rawUpgrade('/full')];
        const raw = await host.raw();

        assert.strictEqual((await raw.handshake('/full')).status, 503);
        await told(host, 'connections', 'full', 'the route is full, refused');
        clients[0].destroy();
        await until(async () => (await host.metrics())
            .get('patchbay_connections{route="full"}') === 1, 'a place');
        await host.rawUpgrade('/full');
    });
});
