/* tls.test.js - wss and https: versions, certificates, and all that is sent */
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const { describe, it } = require('node:test');
const { suite, withHost } = require('./lib/suite.js');
const { makeCertificates } = require('./lib/certificates.js');
const { OPCODE, closePayload, frame } = require('./lib/raw.js');
const { SOON_MS, until, within } = require('./lib/wait.js');

const PEM = makeCertificates();
const WWW = path.join(__dirname, '../../etc/www');

const FILES = { 'chain.pem': PEM.chain, 'key.pem': PEM.key };
const TLS = { cert: 'chain.pem', key: 'key.pem' };
const ROUTES = {
    echo: { path: '/echo', plugin: 'echo', max_message: '16m' },
    small: { path: '/small', plugin: 'echo', max_message: 100 },
    greeter: { path: '/', plugin: 'greeter' },
    every: { path: '/every', plugin: 'everything' },
};

/* A client that trusts the root alone, as browsers do. */
const TRUST = { ca: PEM.root };
const WSS = { scheme: 'wss', ...TRUST };

/* Clients of old versions, which OpenSSL 3 does not even offer unless told. */
const only = (version) => ({
    ...TRUST, minVersion: version, maxVersion: version,
    ...version < 'TLSv1.2' && { ciphers: 'DEFAULT:@SECLEVEL=0' },
});

/* A handshake of TLS alone: the version agreed upon; throws if refused. */
async function agreed(host, options) {
    const { socket } = await host.raw({ secure: options });
    const version = socket.getProtocol();

    socket.destroy();
    return version;
}

/* The server's own refusal, an alert, and not the client's. */
async function assertRefusesVersion(host, version) {
    await assert.rejects(agreed(host, only(version)),
        { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' }, version);
}

async function assertServes(host) {
    const client = await host.connect('/echo', WSS);

    assert.strictEqual(await client.ask('hello'), 'hello');
    assert.deepStrictEqual(await client.close(1000, 'bye'),
        { code: 1000, reason: 'bye' });
}

const SETUP = {
    server: { listen: '127.0.0.1:0, [::1]:0, unix:web.sock', workers: 2 },
    tls: TLS,
    http: { root: WWW },
    limits: { handshake: '1s' },
    routes: ROUTES,
    files: FILES,
};

suite('TLS', SETUP, ({ host, it }) => {
    it('is what each TCP address speaks', async () => {
        for (const index of [0, 1]) {
            const client = await host.connect('/echo', { index, ...WSS });

            assert.strictEqual(await client.ask('hello'), 'hello');
            assert.strictEqual(client.socket.protocol, '');
        }
        const { message } = await host.waitLog(/listening on/);

        assert.match(message, /https:\/\/127\.0\.0\.1:\d+/);
    });

    it('shows a certificate that browsers trust', async () => {
        const { socket } = await host.raw(
            { secure: { ...TRUST, servername: 'localhost' } });
        const leaf = socket.getPeerCertificate(true);

        assert.strictEqual(socket.authorized, true);
        assert.strictEqual(leaf.subject.CN, 'localhost');
        assert.strictEqual(leaf.issuerCertificate.subject.CN,
            'patchbay test authority');
        socket.destroy();
        await assert.rejects(host.raw({ secure: {} }),
            { code: /SELF_SIGNED_CERT|UNABLE_TO_(GET|VERIFY)/ });
    });

    it('may be 1.2 or 1.3', async () => {
        for (const version of ['TLSv1.2', 'TLSv1.3']) {
            assert.strictEqual(await agreed(host, only(version)), version);
            const client = await host.connect('/echo',
                { scheme: 'wss', ...only(version) });

            assert.strictEqual(await client.ask(version), version);
        }
        assert.strictEqual(await agreed(host, TRUST), 'TLSv1.3');
    });

    it('may not be 1.0 or 1.1', async () => {
        await assertRefusesVersion(host, 'TLSv1');
        await assertRefusesVersion(host, 'TLSv1.1');
        await assertServes(host);
    });

    it('is not negotiated anew', async () => {
        const { socket } = await host.raw({ secure: only('TLSv1.2') });
        const refused = once(socket, 'error');

        socket.renegotiate({}, () => {});
        const [error] = await within(refused, 'a refusal');

        assert.strictEqual(error.code, 'ERR_SSL_NO_RENEGOTIATION');
        await assertServes(host);
    });

    it('leads to HTTP/1.1, whatever else is offered', async () => {
        for (const protocols of [['http/1.1'], ['h2', 'http/1.1']]) {
            const { socket } = await host.raw(
                { secure: { ...TRUST, ALPNProtocols: protocols } });

            assert.strictEqual(socket.alpnProtocol, 'http/1.1');
            socket.destroy();
        }
        await assert.rejects(async () => {
            const { socket } = await host.raw(
                { secure: { ...TRUST, ALPNProtocols: ['h2'] } });

            assert.strictEqual(socket.alpnProtocol, false);
            throw new Error('no protocol agreed upon');
        }, /no protocol agreed upon|ALERT_NO_APPLICATION_PROTOCOL/);
    });

    it('resumes sessions', async () => {
        for (const version of ['TLSv1.2', 'TLSv1.3']) {
            const agent = new https.Agent({ ...only(version), maxSockets: 1 });
            const reused = [];

            for (let i = 0; i < 2; i++) {
                const answer = new Promise((done, fail) => {
                    https.get({ ...host.where(), path: '/-/health', agent,
                        headers: { Connection: 'close' } }, (response) => {
                        reused.push(response.socket.isSessionReused());
                        response.resume().on('end', done);
                    }).on('error', fail);
                });

                await within(answer, 'the health page');
            }
            assert.deepStrictEqual(reused, [false, true], version);
            agent.destroy();
        }
    });
});

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

suite('a port of TLS', SETUP, ({ host, it }) => {
    it('refuses plain HTTP, and goes on', async () => {
        for (const text of ['GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
            'GET /echo HTTP/1.1\r\nUpgrade: websocket\r\n\r\n',
            '\0\0\0\0', '\x16\x03\x01\xff\xff', crypto.randomBytes(1000)]) {
            const raw = await host.raw();

            raw.write(text);
            const rest = await raw.rest(SOON_MS);

            assert.doesNotMatch(rest.toString('latin1'), /HTTP\/1/);
        }
        await assert.rejects(host.request('/'));
        await assert.rejects(host.connect('/echo'));
        await assertServes(host);
    });

    it('waits for a handshake no longer than its limit', async () => {
        const silent = await host.raw();
        const half = await host.raw();

        half.write([0x16, 3, 1, 2, 0, 1, 0]);
        await silent.ended();
        await half.ended();
        await assertServes(host);
    });

    it('lets go of who hangs up amid the handshake', async () => {
        const files = () => host.workers().map((pid) =>
            fs.readdirSync(`/proc/${pid}/fd`).length).join();
        const before = files();

        for (let i = 0; i < 50; i++) {
            const raw = await host.raw();

            raw.write([0x16, 3, 1, 2, 0, 1, 0]);
            raw.reset();
        }
        await until(() => files() === before, 'the end of all sockets');
        await assertServes(host);
    });
});

suite('a Unix socket beside TLS', SETUP, ({ host, it }) => {
    it('stays plain', async () => {
        const client = await host.connect('/echo', { index: 2 });

        assert.strictEqual(await client.ask('hello'), 'hello');
        assert.strictEqual(
            (await host.request('/-/health', { index: 2 })).status, 200);
        const { text } = await host.request('/echo', { index: 2 });

        assert.match(text, /\bws:/);
        await assert.rejects(host.raw({ index: 2, secure: TRUST }));
    });
});

suite('min_version = 1.3', { ...SETUP, tls: { ...TLS, min_version: '1.3' } },
    ({ host, it: test }) => {
        test('refuses 1.2', async () => {
            await assertRefusesVersion(host, 'TLSv1.2');
            await assertRefusesVersion(host, 'TLSv1.1');
            assert.strictEqual(await agreed(host, TRUST), 'TLSv1.3');
            await assertServes(host);
        });
    });

describe('the host, with TLS,', () => {
    it('says goodbye to each client when it ends', () =>
        withHost(SETUP, async (host) => {
            const clients = [await host.connect('/echo', WSS),
                await host.connect('/echo', WSS)];
            const raw = await host.raw({ secure: TRUST });

            await raw.upgrade('/echo');
            host.signal('SIGTERM');
            for (const client of clients) {
                assert.strictEqual((await client.closed()).code, 1001);
            }
            assert.strictEqual((await raw.close()).code, 1001);
            raw.send(OPCODE.close, closePayload(1001));
            assert.strictEqual((await raw.rest()).how, 'end');
            await host.assertEnded();
        }));

    it('is back after a worker is killed', () =>
        withHost({ ...SETUP, server: { workers: 1 },
            expected: [/worker 0 .* killed by signal 9/] }, async (host) => {
            const client = await host.connect('/echo', WSS);

            process.kill(host.workers()[0], 'SIGKILL');
            assert.strictEqual((await client.closed()).code, 1006);
            await assertServes(host);
        }));

    it('reads a key that its workers may not', { skip: process.getuid() !== 0
        && 'needs root' }, () =>
        withHost({ ...SETUP, start: false, expected: [/worker 0 .* killed by signal 9/],
            server: { workers: 1, user: 'nobody' } }, async (host) => {
            fs.chmodSync(host.dir, 0o755);
            fs.chmodSync(host.file('key.pem'), 0o600);
            await host.start();
            const [pid] = host.workers();

            assert.notStrictEqual(fs.statSync(`/proc/${pid}`).uid, 0);
            await assertServes(host);
            process.kill(pid, 'SIGKILL');
            await until(() => ![undefined, pid].includes(host.workers()[0]),
                'another worker');
            await assertServes(host);
        }));
});

/* What is wrong is said once, with the exit code of a wrong file. */
async function assertWrong(setup, pattern) {
    await withHost({ ...SETUP, start: false, ...setup }, async (host) => {
        const { code, stderr, stdout } = await host.command('check');
        const problems = (stderr + stdout).trim().split('\n');

        assert.match(problems[0], pattern);
        assert.strictEqual(problems.length, 1, problems.join('\n'));
        assert.strictEqual(code, 3);
        assert.deepStrictEqual(await host.startFails(),
            { code: 3, signal: null });
        assert.deepStrictEqual(host.lines.items.map(({ text }) => text),
            problems);
    });
}

describe('a certificate and a key', () => {
    it('of two that do not belong together', () => assertWrong(
        { files: { ...FILES, 'key.pem': PEM.otherKey } },
        /patchbay\.ini:\d+: \[tls\] key: .*key\.pem is not the private key of /
    ));

    it('that are no such things', async () => {
        await assertWrong({ files: { ...FILES, 'key.pem': PEM.chain } },
            /patchbay\.ini:\d+: \[tls\] key: .*key\.pem is not the private key /
        );
        await assertWrong({ files: { ...FILES, 'chain.pem': PEM.key } },
            /patchbay\.ini:\d+: \[tls\] cert: .*chain\.pem is no PEM certif/);
        await assertWrong({ files: { ...FILES, 'chain.pem': '' } },
            /patchbay\.ini:\d+: \[tls\] cert: .*chain\.pem is no PEM certif/);
    });

    it('that are not there', async () => {
        await assertWrong({ tls: { ...TLS, key: 'nothing.pem' } },
            /patchbay\.ini:\d+: \[tls\] key: .*nothing\.pem does not exist$/);
        await assertWrong({ tls: { cert: 'chain.pem' } },
            /patchbay\.ini:\d+: \[tls\] cert: needs the private key, too/);
        await assertWrong({ tls: { key: 'key.pem' } },
            /patchbay\.ini:\d+: \[tls\] key: /);
    });

    it('with a version that is no more', () => assertWrong(
        { tls: { ...TLS, min_version: '1.1' } },
        /patchbay\.ini:\d+: \[tls\] min_version: "1\.1" .*1\.2 or 1\.3/));
});
