/* wss.test.js - what goes over TLS: pages, files, messages of any length */
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const { OPCODE, closePayload, frame } = require('./lib/raw.js');
const { suite } = require('./lib/suite.js');
const {
    FILES, SETUP, TRUST, WSS, assertServes, only,
} = require('./lib/tls.js');

const WWW = path.join(__dirname, '../../etc/www');

/* The demo's pages, and a file that takes many records. */
const PAGES = Object.fromEntries(['index.html', 'chat.html', 'chat.js'].map(
    (name) => [name, fs.readFileSync(path.join(WWW, name))]));
const LARGE = crypto.randomBytes(5 << 20);
const HTTPS = {
    ...SETUP,
    http: { root: 'site' },
    files: {
        ...FILES,
        ...Object.fromEntries(Object.entries({ ...PAGES, 'large.bin': LARGE })
            .map(([name, data]) => [`site/${name}`, data])),
    },
};

suite('https', HTTPS, ({ host, it }) => {
    const get = (name, options) =>
        host.request(name, { secure: true, ...options });

    it('serves the demo page and its files', async () => {
        for (const name of ['', ...Object.keys(PAGES)]) {
            const { status, body } = await get(`/${name}`);

            assert.strictEqual(status, 200);
            assert.ok(body.equals(PAGES[name || 'index.html']), name);
        }
    });

    it('serves a large file', async () => {
        assert.ok((await get('/large.bin')).body.equals(LARGE));
    });

    it('tells of health and metrics', async () => {
        const { status, text } = await get('/-/health');

        assert.strictEqual(status, 200);
        assert.strictEqual(JSON.parse(text).status, 'ok');
        assert.match((await get('/-/metrics')).text, /^patchbay_/m);
    });

    it('refuses as HTTP does', async () => {
        assert.strictEqual((await get('/nothing')).status, 404);
        const { status, text } = await get('/echo');

        assert.strictEqual(status, 426);
        assert.match(text, /\bwss:/);
    });

    it('takes several requests on one connection', async () => {
        const agent = new https.Agent({ keepAlive: true, maxSockets: 1,
            ...TRUST });

        for (let i = 0; i < 20; i++) {
            assert.strictEqual(
                (await get('/', { agent })).status, 200);
        }
        const { sockets, freeSockets } = agent;

        assert.strictEqual([...Object.values(sockets),
            ...Object.values(freeSockets)].flat().length, 1);
        agent.destroy();
    });

    it('takes pages of its own origin', async () => {
        const { port } = host;
        const client = await host.connect('/',
            { ...WSS, origin: `https://127.0.0.1:${port}` });

        assert.strictEqual(await client.ask('hello'), 'this is server');
        for (const origin of ['https://example.org',
            `https://127.0.0.1:${port + 1}`]) {
            await assert.rejects(host.connect('/', { ...WSS, origin }),
                { status: 403 });
        }
    });
});

suite('wss', SETUP, ({ host, it }) => {
    it('carries messages of any length', async () => {
        const client = await host.connect('/echo', WSS);

        for (const length of [0, 1, 125, 126, 4096, 16374, 16383, 16384,
            16385, 32768, 65535, 65536, 65537, 1000000]) {
            const sent = crypto.randomBytes(length);

            client.send(sent);
            const { data, binary } = await client.next();

            assert.ok(binary && data.equals(sent), `${length} bytes`);
        }
    });

    it('carries 16 MiB', async () => {
        for (const version of ['TLSv1.2', 'TLSv1.3']) {
            const client = await host.connect('/echo',
                { scheme: 'wss', ...only(version), maxPayload: 17 << 20 });
            const sent = crypto.randomBytes(16 << 20);

            client.send(sent);
            const { data, binary } = await client.next('16 MiB');

            assert.ok(binary && data.equals(sent));
            await client.close(1000);
        }
    });

    it('carries many that do not wait', async () => {
        const client = await host.connect('/echo', WSS);
        const many = 20000;

        for (let i = 0; i < many; i++) {
            client.send(i % 3 === 0 ? Buffer.from(`${i}`) : `${i}`);
        }
        for (let i = 0; i < many; i++) {
            const { data, binary } = await client.next();

            assert.strictEqual(binary, i % 3 === 0);
            assert.strictEqual(data.toString(), `${i}`);
        }
    });

    it('carries many in one record, and one in many records', async () => {
        const raw = await host.raw({ secure: TRUST });

        await raw.upgrade('/echo');
        raw.write(...Array.from({ length: 700 }, (_, i) =>
            frame(OPCODE.text, `message ${i}`)));
        for (let i = 0; i < 700; i++) {
            assert.strictEqual((await raw.message()).text, `message ${i}`);
        }
        raw.socket.setNoDelay(true);
        for (const byte of frame(OPCODE.text, 'x'.repeat(130))) {
            raw.write([byte]);
        }
        assert.strictEqual((await raw.message()).text, 'x'.repeat(130));
    });

    it('waits for a client that does not read', async () => {
        const client = await host.connect('/echo', WSS);
        const sent = Array.from({ length: 100 }, (_, i) =>
            Buffer.alloc(100000, i));

        client.socket.pause();
        sent.forEach((data) => client.send(data));
        await assertServes(host);
        client.socket.resume();
        for (const data of sent) {
            assert.ok((await client.next()).data.equals(data));
        }
    });

    it('reaches clients of other workers, and plain ones', async () => {
        const clients = await host.inEachWorker('/every', 2, WSS);
        const plain = await host.connect('/every', { index: 2 });

        for (const client of [clients[1], plain]) {
            await client.value('sub news');
        }
        await clients[0].value('pub news hello');
        for (const client of [clients[1], plain]) {
            assert.strictEqual(await client.text(), 'hello');
        }
    });

    it('closes as the client does', async () => {
        for (const [code, reason] of [[1000, ''], [1000, 'bye'],
            [1001, 'x'.repeat(123)], [3000, 'ä'], [4999, '']]) {
            const client = await host.connect('/echo', WSS);

            assert.deepStrictEqual(await client.close(code, reason),
                { code, reason });
        }
        const client = await host.connect('/echo', WSS);

        assert.strictEqual((await client.close()).code, 1005);
    });

    it('closes with what went wrong', async () => {
        const faults = [
            ['/small', 1009, frame(OPCODE.binary, Buffer.alloc(101))],
            ['/echo', 1007, frame(OPCODE.text, Buffer.from([0xff]))],
            ['/echo', 1002, frame(3, 'reserved')],
            ['/echo', 1002, frame(OPCODE.close, closePayload(1005))],
        ];

        for (const [where, code, bytes] of faults) {
            const raw = await host.raw({ secure: TRUST });

            await raw.upgrade(where);
            raw.write(bytes);
            assert.strictEqual((await raw.close()).code, code, where);
            raw.send(OPCODE.close, closePayload(code));
            assert.strictEqual((await raw.rest()).how, 'end');
        }
    });

    it('serves many at once, and mixes nothing up', async () => {
        const clients = await Promise.all(Array.from({ length: 40 }, () =>
            host.connect('/echo', WSS)));

        await Promise.all(clients.map(async (client, number) => {
            for (let i = 0; i < 20; i++) {
                const sent = `${number} ${i} ${'x'.repeat(i * 997)}`;

                assert.strictEqual(await client.ask(sent), sent);
            }
            await client.close(1000);
        }));
    });
});
