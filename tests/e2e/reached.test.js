/* reached.test.js - each limit: reached, survived, counted and said */
'use strict';

const assert = require('node:assert');
const zlib = require('node:zlib');
const { suite } = require('./lib/suite.js');
const { OPCODE, RawSocket, frame, requestText, upgradeHeaders } =
    require('./lib/raw.js');
const { FILES, TLS } = require('./lib/tls.js');
const { SLOWNESS, stopwatch, until } = require('./lib/wait.js');

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
        dense: { path: '/dense', plugin: 'echo', compress: 'yes' },
        packed: { path: '/packed', plugin: 'echo', compress: 'yes',
            max_message: '64k' },
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

    it('may not inflate to more than compress_ratio allows', async () => {
        const raw = await host.rawUpgrade('/dense',
            { 'Sec-WebSocket-Extensions': 'permessage-deflate' });
        const send = (size) => raw.write(frame(binary,
            zlib.deflateRawSync(Buffer.alloc(size),
                { finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4),
            { rsv: 4 }));

        send(200 * 1024); /* whatever the ratio */
        assert.strictEqual((await raw.frame()).opcode, binary);
        send(600 * 1024);
        assert.deepStrictEqual(await raw.close(),
            { code: 1009, reason: 'message inflates too much' });
        await told(host, 'compress_ratio', 'dense', 'closed with 1009');
    });

    it('may not inflate to more than a message may have', async () => {
        const raw = await host.rawUpgrade('/packed',
            { 'Sec-WebSocket-Extensions': 'permessage-deflate' });

        raw.write(frame(binary, zlib.deflateRawSync(Buffer.alloc(70000),
            { finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4),
        { rsv: 4 }));
        assert.strictEqual((await raw.close()).code, 1009);
        await told(host, 'max_message', 'packed', 'closed with 1009');
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

suite('a client that sends', {
    limits: { ping: 0 },
    routes: {
        wait: { path: '/wait', plugin: 'echo', rate: 20, burst: 5 },
        close: { path: '/close', plugin: 'echo', rate: 20, burst: 5,
            over_rate: 'close' },
        bytes: { path: '/bytes', plugin: 'echo', rate_bytes: '64k',
            burst_bytes: '16k' },
        heavy: { path: '/heavy', plugin: 'echo', rate_bytes: '64k',
            over_rate: 'close' },
        free: { path: '/free', plugin: 'echo' },
    },
}, ({ host, it }) => {
    it('too many messages waits, and loses none', async () => {
        const raw = await host.rawUpgrade('/wait');
        const other = await host.connect('/free');
        const start = performance.now();
        const took = stopwatch();

        for (let i = 0; i < 25; i++) {
            raw.send(text, `${i}`);
        }
        for (let i = 0; i < 25; i++) {
            assert.strictEqual((await raw.message()).text, `${i}`);
            assert.strictEqual(await other.ask(`${i}`), `${i}`);
        }
        /* 5 at once, and one that shows it. */
        const ms = performance.now() - start;

        assert.ok(ms > 900 && took() < 2500 * SLOWNESS, `${ms} ms`);
        await host.waitLog(/\[wait\/echo\].*: limit rate: not read from for/);
        assert.ok(await reached(host, 'rate', 'wait') > 0);
    });

    it('too many messages is closed, if the file says so', async () => {
        const raw = await host.rawUpgrade('/close');

        for (let i = 0; i < 6; i++) {
            raw.send(text, `${i}`);
        }
        for (let i = 0; i < 5; i++) {
            assert.strictEqual((await raw.message()).text, `${i}`);
        }
        assert.deepStrictEqual(await raw.close(),
            { code: 1008, reason: 'too many messages' });
        await told(host, 'rate', 'close', 'closed with 1008');
    });

    it('too many bytes waits, also within a message', async () => {
        const raw = await host.rawUpgrade('/bytes');
        const start = performance.now();
        const took = stopwatch();

        raw.send(binary, Buffer.alloc(80 * 1024));
        raw.send(binary, Buffer.alloc(1));
        assert.strictEqual((await raw.message()).data.length, 80 * 1024);
        assert.strictEqual((await raw.message()).data.length, 1);
        const ms = performance.now() - start;

        assert.ok(ms > 700 && took() < 2500 * SLOWNESS, `${ms} ms`);
        await host.waitLog(
            /\[bytes\/echo\].*: limit rate_bytes: not read from for/);
        assert.ok(await reached(host, 'rate_bytes', 'bytes') > 0);
    });

    it('too many bytes is closed, if the file says so', async () => {
        const raw = await host.rawUpgrade('/heavy');

        raw.send(binary, Buffer.alloc(32 * 1024));
        raw.send(binary, Buffer.alloc(40 * 1024));
        assert.strictEqual((await raw.message()).data.length, 32 * 1024);
        assert.deepStrictEqual(await raw.close(),
            { code: 1008, reason: 'too many bytes' });
        await told(host, 'rate_bytes', 'heavy', 'closed with 1008');
    });
});

suite('a queue that is full', {
    server: { workers: 1 },
    limits: { send_queue: '4m', ping: 0, queue_total: '4m' },
    routes: {
        close: { path: '/close', plugin: 'everything', send_queue: '64k' },
        drop: { path: '/drop', plugin: 'everything', send_queue: '64k',
            slow_peer: 'drop' },
        total: { path: '/total', plugin: 'everything' },
    },
    expected: [/limit queue_total: /],
}, ({ host, it }) => {
    const CHUNK = 'x'.repeat(60000);

    /* Does not read, while so much is published to it. */
    async function choke(path, enough) {
        const raw = await host.rawUpgrade(path);
        const other = await host.connect(path);

        raw.send(text, 'sub news');
        await raw.message();
        raw.socket.pause();
        await until(async () => {
            for (let i = 0; i < 50; i++) {
                other.send(`pub news ${CHUNK}`);
            }
            for (let i = 0; i < 50; i++) {
                await other.text();
            }
            return enough();
        }, 'a queue that is full', 30000 * SLOWNESS);
        assert.strictEqual(await other.ask('echo unharmed'), 'unharmed');
        return raw;
    }

    it('of one client closes it', async () => {
        await choke('/close', () => reached(host, 'send_queue', 'close'));
        await told(host, 'send_queue', 'close', 'closed with 1013: too slow');
    });

    it('of one client drops messages, if the file says so', async () => {
        await choke('/drop', () => reached(host, 'send_queue', 'drop'));
        await host.waitLog(
            /\[drop\/.*: limit send_queue: a message was dropped/);
    });

    it('of all clients closes the longest', async () => {
        const raws = [];
        const reader = await host.connect('/total');

        for (let i = 0; i < 4; i++) {
            const raw = await host.rawUpgrade('/total');

            raw.send(text, 'id');
            const [, id] = (await raw.message()).text.split(' ');

            raw.socket.pause();
            raws.push({ raw, id });
        }
        /* The first gets most; each less than its own queue may hold. */
        await until(async () => {
            const to = Array.from({ length: 10 }, () => [raws[0], ...raws])
                .flat();

            for (const { id } of to) {
                reader.send(`sendto ${id} ${CHUNK}`);
            }
            for (let i = 0; i < to.length; i++) {
                await reader.text();
            }
            return await reached(host, 'queue_total', 'total') > 0;
        }, 'queues that are full', 30000 * SLOWNESS);
        const queued = (await host.metrics()).get('patchbay_queued_bytes');

        assert.ok(queued <= 4 << 20, `${queued} bytes`);
        assert.strictEqual(await reader.ask('echo unharmed'), 'unharmed');
        await host.waitLog(new RegExp('\\[total/everything\\] ' +
            `#${raws[0].id} .*: limit queue_total: closed with 1013`));
    });
});

suite('messages that do not end', {
    server: { workers: 1 },
    limits: { ping: 0, receive_total: '1m' },
    routes: { echo: { path: '/echo', plugin: 'echo' } },
    expected: [/limit receive_total: /],
}, ({ host, it }) => {
    it('give way, the first to begin first', async () => {
        const half = frame(binary, Buffer.alloc(300 * 1024),
            { fin: false, mask: true });
        const raws = [];

        for (let i = 1; i <= 4; i++) {
            const raw = await host.rawUpgrade('/echo');

            raw.write(half);
            raws.push(raw);
            await until(async () => (await host.metrics())
                .get('patchbay_incoming_bytes') === Math.min(i, 3) * 300 * 1024,
            'half a message');
        }
        assert.deepStrictEqual(await raws[0].close(),
            { code: 1013, reason: 'too many messages have come in part' });
        await told(host, 'receive_total', 'echo', 'closed with 1013');
        raws[3].write(frame(continuation, 'end', { mask: true }));
        assert.strictEqual((await raws[3].message()).data.length,
            300 * 1024 + 3);
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

if (SLOWNESS === 1) { /* a sanitizer takes terabytes of address space */
    suite('memory', {
        prefix: ['prlimit', '--as=1000000000'],
        expected: [/limit memory: /],
        routes: { big: { path: '/big', plugin: 'echo', max_message: '1g' } },
    }, ({ host, it }) => {
        it('that is refused costs one connection', async () => {
            const other = await host.connect('/big');
            const pid = host.workers()[0];
            const raw = await host.rawUpgrade('/big');

            raw.send(binary, 'x', { length: 2n ** 30n - 1n, width: 9 });
            assert.deepStrictEqual(await raw.close(),
                { code: 1011, reason: 'out of memory' });
            await told(host, 'memory', 'big', 'closed with 1011');
            assert.strictEqual(await other.ask('unharmed'), 'unharmed');
            assert.strictEqual(host.workers()[0], pid);
        });
    });
}

/* From an address of this machine that is not the usual one. */
async function from(host, localAddress) {
    return host.keep(await RawSocket.connect({ ...host.where(),
        localAddress }));
}

suite('sockets', {
    server: { workers: 2 },
    limits: { connect_rate: 1, connect_burst: 5 },
    routes: { echo: { path: '/echo', plugin: 'echo' } },
}, ({ host, it }) => {
    it('of one address may not come too fast', async () => {
        const start = performance.now();
        const how = await Promise.all(Array.from({ length: 40 }, async () => {
            const raw = await from(host, '127.0.0.2').catch(() => null);

            return await raw?.upgrade('/echo').catch(() => null);
        }));
        const open = how.filter(Boolean);
        /* Over both workers. */
        const most = 5 + Math.ceil((performance.now() - start) / 1000) + 1;

        assert.ok(open.length >= 5 && open.length <= most,
            `${open.length} of 40, not ${most}`);
        await host.waitLog(/127\.0\.0\.2: limit connect_rate: /);
        assert.ok((await host.metrics())
            .get('patchbay_connects_refused_total') >= 40 - most);
        const other = await from(host, '127.0.0.3');

        await other.upgrade('/echo');
        other.send(text, 'x');
        assert.strictEqual((await other.message()).text, 'x');
        open[0].send(text, 'x');
        assert.strictEqual((await open[0].message()).text, 'x');
    });
});

suite('sockets of a proxy', {
    server: { proxies: '127.0.0.2' },
    limits: { connect_rate: 1, connect_burst: 3, per_address: 2 },
    routes: { echo: { path: '/echo', plugin: 'echo' } },
}, ({ host, it }) => {
    const through = async (client) => {
        const raw = await from(host, '127.0.0.2');
        const { status } = await raw.handshake('/echo',
            { 'X-Forwarded-For': client });

        return { raw, status };
    };

    it('may come as fast as they like, and count for whom they speak',
        async () => {
            const statuses = [];
            const kept = [];

            for (let i = 0; i < 5; i++) {
                const { raw, status } = await through('192.0.2.1');

                statuses.push(status);
                kept.push(raw);
            }
            /* Two may be open, and three come at once. */
            assert.deepStrictEqual(statuses, [101, 101, 429, 429, 429]);
            for (let i = 10; i < 20; i++) {
                assert.strictEqual((await through(`192.0.2.${i}`)).status, 101);
            }
            assert.strictEqual(await reached(host, 'per_address', 'echo'), 1);
            await host.waitLog(/192\.0\.2\.1: limit per_address: .* 429/);
            assert.strictEqual((await host.metrics())
                .get('patchbay_connects_refused_total'), 2);
        });
});

suite('connections of an address', {
    server: { workers: 2 },
    routes: {
        three: { path: '/three', plugin: 'echo', per_address: 3 },
        other: { path: '/other', plugin: 'echo', per_address: 3 },
    },
    expected: [/killed by signal 9/],
}, ({ host, it }) => {
    it('are counted over all workers', async () => {
        const raws = [];

        for (let i = 0; i < 3; i++) {
            raws.push(await host.rawUpgrade('/three'));
        }
        for (let i = 0; i < 4; i++) {
            assert.strictEqual(
                (await (await host.raw()).handshake('/three')).status, 429);
        }
        await host.rawUpgrade('/other');
        await (await from(host, '127.0.0.2')).upgrade('/three');
        raws[0].destroy();
        await until(async () => (await (await host.raw())
            .handshake('/three')).status === 101, 'a place');
        assert.ok(await reached(host, 'per_address', 'three') >= 4);
    });

    it('are not counted when their worker has died', async () => {
        host.disconnect();
        for (const pid of host.workers()) {
            process.kill(pid, 'SIGKILL');
        }
        for (let i = 0; i < 3; i++) {
            await until(() => host.rawUpgrade('/three').catch(() => null),
                'a place');
        }
        assert.strictEqual(
            (await (await host.raw()).handshake('/three')).status, 429);
    });
});

suite('a handshake', {
    limits: { handshake: `${2 * Math.ceil(SLOWNESS / 4)}s` },
    tls: TLS,
    files: FILES,
    routes: { echo: { path: '/echo', plugin: 'echo' } },
    expected: [/libwebsockets:/],
}, ({ host, it }) => {
    it('may not take too long', async () => {
        const drip = async (options, bytes) => {
            const start = performance.now();
            const took = stopwatch();
            const raw = await host.raw(options);
            let at = 0;
            const timer = setInterval(() => raw.write(
                bytes.subarray(at, ++at)), 50).unref();

            await raw.ended();
            clearInterval(timer);
            return { ms: performance.now() - start, took: took() };
        };
        const times = await Promise.all([
            drip({}, Buffer.from('16030100fa010000f60303' + /* of TLS */
                '00'.repeat(240), 'hex')),
            drip({ secure: { rejectUnauthorized: false } },
                requestText('GET /echo HTTP/1.1', {
                    ...upgradeHeaders('x'), 'X-Long': 'x'.repeat(1000),
                })),
        ]);

        for (const { ms, took } of times) {
            assert.ok(ms > 1500 && took < 4000 * SLOWNESS, `after ${ms} ms`);
        }
        await host.waitLog(/limit handshake: no whole request came in time/);
        assert.strictEqual((await host.request('/-/metrics',
            { secure: true })).text.match(
            /^patchbay_handshake_timeouts_total (\d+)$/m)[1], '2');
    });

    it('may not be too long', async () => {
        for (const more of [{ 'X-Long': 'x'.repeat(9000) },
            { Cookie: Array(120).fill('a=b') }]) {
            const raw = await host.raw({ secure:
                { rejectUnauthorized: false } });

            raw.request('GET /echo HTTP/1.1',
                { ...upgradeHeaders('x'), ...more });
            assert.match((await raw.rest()).toString('latin1'),
                /^HTTP\/1\.. 431 /);
        }
        await host.waitLog(/limit head: a request has more than 8 KiB/);
        assert.strictEqual((await host.request('/-/metrics',
            { secure: true })).text.match(
            /^patchbay_request_heads_too_long_total (\d+)$/m)[1], '2');
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
