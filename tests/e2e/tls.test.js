/* tls.test.js - versions, certificates, and what is no TLS at all */
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const https = require('node:https');
const { describe, it } = require('node:test');
const tls = require('node:tls');
const { OPCODE, closePayload } = require('./lib/raw.js');
const { suite, withHost } = require('./lib/suite.js');
const {
    FILES, PEM, SETUP, TLS, TRUST, WSS, assertServes, makeCertificates, only,
} = require('./lib/tls.js');
const { SLOWNESS, until, within } = require('./lib/wait.js');

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

    /* Only by the worker that began it; the other begins anew. */
    it('resumes sessions', async () => {
        for (const version of ['TLSv1.2', 'TLSv1.3']) {
            const agent = new https.Agent({ ...only(version), maxSockets: 1 });
            const resumed = () => new Promise((done, fail) => {
                https.get({ ...host.where(), path: '/-/health', agent,
                    headers: { Connection: 'close' } }, (response) => {
                    const { socket } = response;

                    response.resume().on('end', () =>
                        done(socket.isSessionReused()));
                }).on('error', fail);
            });

            assert.strictEqual(await resumed(), false);
            await until(resumed, `a resumed session of ${version}`);
            agent.destroy();
        }
    });
});

suite('a port of TLS', {
    ...SETUP, limits: { handshake: `${2 * SLOWNESS}s` },
}, ({ host, it }) => {
    it('refuses plain HTTP, and goes on', async () => {
        for (const text of ['GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
            'GET /echo HTTP/1.1\r\nUpgrade: websocket\r\n\r\n',
            '\0\0\0\0', '\x16\x03\x01\xff\xff', crypto.randomBytes(1000)]) {
            const raw = await host.raw();

            raw.write(text);
            const rest = await raw.rest();

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
            fs.readdirSync(`/proc/${pid}/fd`).length);
        const before = files();

        for (let i = 0; i < 50; i++) {
            const raw = await host.raw();

            raw.write([0x16, 3, 1, 2, 0, 1, 0]);
            raw.reset();
        }
        /* Some of those before may have been about to end. */
        await until(() => files().every((count, i) => count <= before[i]),
            'the end of all sockets');
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
        withHost({ ...SETUP, start: false,
            expected: [/worker 0 .* killed by signal 9/],
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

/* The certificate that a client gets now. */
async function shown(host, options = TRUST) {
    const { socket } = await host.raw({ secure: options });
    const { fingerprint256 } = socket.getPeerX509Certificate();

    socket.destroy();
    return fingerprint256;
}

const fingerprint = (pem) => new crypto.X509Certificate(pem).fingerprint256;

/* Of another authority, and with a key of another kind. */
const NEXT = makeCertificates('rsa:2048');

describe('a certificate that is renewed', () => {
    it('is what new clients get; the old ones stay', () =>
        withHost(SETUP, async (host) => {
            const client = await host.connect('/echo', WSS);

            assert.strictEqual(await shown(host), fingerprint(PEM.chain));
            host.writeFile('chain.pem', NEXT.chain);
            host.writeFile('key.pem', NEXT.key);
            assert.strictEqual(await shown(host), fingerprint(PEM.chain));
            const answer = await host.reload();

            assert.strictEqual(answer.workers, 'kept');
            for (let i = 0; i < 8; i++) {
                assert.strictEqual(await shown(host, { ca: NEXT.root }),
                    fingerprint(NEXT.chain));
            }
            /* With its chain, and never the old one beside it. */
            await assert.rejects(shown(host));
            assert.strictEqual(await client.ask('hello'), 'hello');
            host.writeFile('chain.pem', PEM.chain);
            host.writeFile('key.pem', PEM.key);
            await host.reload();
            assert.strictEqual(await shown(host), fingerprint(PEM.chain));
        }));

    it('is refused if it is a bad one, and the old one stays', () =>
        withHost({ ...SETUP, expected: [/\[tls\]/, /reload: refused/,
            /worker 0 .*killed by signal 9/] }, async (host) => {
            const client = await host.connect('/echo', WSS);

            host.writeFile('key.pem', PEM.otherKey);
            assert.match((await host.reloadFails(3)).stderr,
                /\[tls\] key: .*is not the private key of /);
            host.writeFile('chain.pem', 'nonsense');
            assert.match((await host.reloadFails(3)).stderr,
                /\[tls\] cert: .*is no PEM certificate/);
            assert.strictEqual(await shown(host), fingerprint(PEM.chain));
            assert.strictEqual(await client.ask('hello'), 'hello');
            /* Also with one that has not seen the old files. */
            process.kill(host.workers()[0], 'SIGKILL');
            await host.waitLog(/worker 0 is back/);
            for (let i = 0; i < 8; i++) {
                assert.strictEqual(await shown(host), fingerprint(PEM.chain));
            }
        }));

    /* The first of them before there was any renewal. */
    it('comes while a client has not said a word', () => withHost({
        ...SETUP, server: { ...SETUP.server, workers: 1 },
        limits: { handshake: '60s' },
    }, async (host) => {
        const files = () => fs.readdirSync(
            `/proc/${host.workers()[0]}/fd`).length;

        const sockets = (count) => until(async () => (await host
            .json('status')).workers[0].sockets === count, `${count} sockets`);

        /* Now it has all that it opens at its start. */
        await assertServes(host);
        await sockets(0);
        for (const pem of [NEXT, PEM, NEXT]) {
            const before = files();
            const { socket } = await host.raw();

            await sockets(1);
            host.writeFile('chain.pem', pem.chain);
            host.writeFile('key.pem', pem.key);
            assert.strictEqual((await host.reload()).workers, 'kept');
            const secure = tls.connect({ socket, ca: [PEM.root, NEXT.root] });

            await within(once(secure, 'secureConnect'), 'a handshake');
            secure.destroy();
            /* A file of the start or of a reload may have been open before. */
            await until(() => files() <= before, 'the end of its socket');
            await sockets(0);
        }
        assert.strictEqual(await shown(host, { ca: NEXT.root }),
            fingerprint(NEXT.chain));
    }));

    it('comes with another version', () => withHost(SETUP, async (host) => {
        assert.strictEqual(await agreed(host, only('TLSv1.2')), 'TLSv1.2');
        host.setup = { ...SETUP, tls: { ...TLS, min_version: '1.3' } };
        host.writeIni();
        assert.strictEqual((await host.reload()).workers, 'kept');
        await assertRefusesVersion(host, 'TLSv1.2');
        assert.strictEqual(await agreed(host, only('TLSv1.3')), 'TLSv1.3');
        host.setup = SETUP;
        host.writeIni();
        await host.reload();
        assert.strictEqual(await agreed(host, only('TLSv1.2')), 'TLSv1.2');
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
