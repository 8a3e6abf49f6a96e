/* tls_names.test.js - a certificate for each name, and those of clients */
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const { describe, it } = require('node:test');
const { Authority } = require('./lib/authority.js');
const { suite, withHost } = require('./lib/suite.js');
const { FILES, PEM, TLS, WSS } = require('./lib/tls.js');
const { until } = require('./lib/wait.js');

const OURS = new Authority('test names');
const THEIRS = new Authority('other authority');
const shop = OURS.issue('/CN=shop',
    'subjectAltName=DNS:shop.example,DNS:www.shop.example');
const wild = OURS.issue('/CN=wild', 'subjectAltName=DNS:*.b.example');
const renewed = OURS.issue('/CN=shop', 'subjectAltName=DNS:shop.example');
const alice = OURS.issue('/O=Example/CN=alice', 'extendedKeyUsage=clientAuth');
const mallory = THEIRS.issue('/CN=alice');
const server = OURS.issue('/CN=server', 'extendedKeyUsage=serverAuth');

const fingerprint = (pem) => new crypto.X509Certificate(pem).fingerprint256;

/* Two certificates besides that of [tls]. */
const NAMES = {
    server: { listen: '127.0.0.1:0', workers: 2 },
    tls: TLS,
    certificates: {
        shop: { names: 'shop.example, www.shop.example', cert: 'shop.pem',
            key: 'shop.key' },
        wild: { names: '*.b.example', cert: 'wild.pem', key: 'wild.key' },
    },
    routes: {
        echo: { path: '/echo', plugin: 'echo' },
        every: { path: '/every', plugin: 'everything' },
    },
    files: {
        ...FILES, 'shop.pem': shop.cert, 'shop.key': shop.key,
        'wild.pem': wild.cert, 'wild.key': wild.key, 'ca.pem': OURS.root,
    },
};

/* Which certificate a client gets that asks for a name. */
async function shown(host, servername) {
    const { socket } = await host.raw(
        { secure: { servername, rejectUnauthorized: false } });
    const { fingerprint256 } = socket.getPeerX509Certificate();

    socket.destroy();
    return fingerprint256;
}

async function assertShown(host, table) {
    for (const [name, cert] of table) {
        assert.strictEqual(await shown(host, name), fingerprint(cert), name);
    }
}

suite('the name that a client asks for', NAMES, ({ host, it }) => {
    it('decides which certificate it gets', () => assertShown(host, [
        ['shop.example', shop.cert],
        ['SHOP.example', shop.cert],
        ['www.shop.example', shop.cert],
        ['a.shop.example', PEM.chain],
        ['x.b.example', wild.cert],
        ['b.example', PEM.chain],
        ['x.y.b.example', PEM.chain],
        ['localhost', PEM.chain],
        ['plain', PEM.chain], /* as a vhost is called, inside */
        ['tls', PEM.chain],
        [undefined, PEM.chain],
    ]));

    it('does not decide what is served', async () => {
        for (const servername of ['shop.example', 'x.b.example']) {
            const client = await host.connect('/echo', { scheme: 'wss',
                servername, ca: OURS.root });

            assert.strictEqual(await client.ask('hello'), 'hello');
        }
        /* Nor does another name in Host. */
        const raw = await host.raw({ secure: {
            servername: 'shop.example', ca: OURS.root } });

        await raw.upgrade('/echo', { Host: 'plain' });
    });
});

describe('certificates for names', () => {
    it('are renewed below open connections', () => withHost(NAMES,
        async (host) => {
            const client = await host.connect('/echo', { scheme: 'wss',
                servername: 'shop.example', ca: OURS.root });

            host.writeFile('shop.pem', renewed.cert);
            host.writeFile('shop.key', renewed.key);
            assert.strictEqual((await host.reload()).workers, 'kept');
            for (let i = 0; i < 4; i++) {
                await assertShown(host, [['shop.example', renewed.cert],
                    ['x.b.example', wild.cert], ['localhost', PEM.chain]]);
            }
            assert.strictEqual(await client.ask('hello'), 'hello');
            /* Other names, and one less. */
            host.setup = { ...NAMES, certificates: { all: {
                ...NAMES.certificates.shop, names: '*.example' } } };
            host.writeIni();
            assert.strictEqual((await host.reload()).workers, 'kept');
            await assertShown(host, [['shop.example', renewed.cert],
                ['x.example', renewed.cert], ['x.b.example', PEM.chain]]);
            assert.strictEqual(await client.ask('hello'), 'hello');
        }));

    it('are refused if one is wrong, and all stay', () => withHost({
        ...NAMES, expected: [/\[certificate\.wild\]/, /reload: refused/],
    }, async (host) => {
        host.writeFile('shop.pem', renewed.cert);
        host.writeFile('shop.key', renewed.key);
        host.writeFile('wild.key', shop.key);
        assert.match((await host.reloadFails(3)).stderr, new RegExp(
            'patchbay\\.ini:\\d+: \\[certificate\\.wild\\] key: ' +
            '.*wild\\.key is not the private key of .*wild\\.pem'));
        await assertShown(host, [['shop.example', shop.cert],
            ['x.b.example', wild.cert]]);
    }));

    it('are taken up by themselves with watch = yes', () => withHost({
        ...NAMES, server: { ...NAMES.server, watch: 'yes' },
        /* Between the two files they do not belong together. */
        expected: [/\[certificate\.shop\]/, /reload: refused/,
            /reload: a reload is under way/],
    }, async (host) => {
        host.writeFile('shop.pem', renewed.cert);
        host.writeFile('shop.key', renewed.key);
        await until(async () => await shown(host, 'shop.example') ===
            fingerprint(renewed.cert), 'the renewed certificate');
        await until(async () => (await host.command('reload')).code === 0,
            'the end of the reloads before');
    }));
});

/* ---- clients ------------------------------------------------------------- */

const MTLS = { ...NAMES, tls: { ...TLS, client_ca: 'ca.pem' } };
const OPTIONAL = { ...NAMES,
    tls: { ...TLS, client_ca: 'ca.pem', client_verify: 'optional' } };

const as = ({ cert, key }) => ({ ...WSS, cert, key });

/* TLS 1.3 lets a client go on before the server has seen its certificate. */
async function assertRefused(host, options) {
    for (const version of ['TLSv1.2', 'TLSv1.3']) {
        await assert.rejects(host.connect('/echo', { ...options,
            minVersion: version, maxVersion: version }),
        /ALERT|alert|ECONNRESET|hang up|EPIPE/, version);
    }
}

suite('a client that has to show a certificate', MTLS, ({ host, it }) => {
    it('is known to the hooks by it', async () => {
        const client = await host.connect('/every?subject=CN%3Dalice%2C' +
            'O%3DExample', as(alice));
        const header = (name) => client.ask(`openheader ${name}`);

        assert.match(await header('tls-client-subject'),
            /CN=alice,O=Example$/);
        assert.match(await header('tls-client-issuer'), /CN=test names$/);
        assert.match(await header('tls-client-verify'), /valid$/);
        assert.match(await header('tls-version'), /TLSv1\.3$/);
        assert.match(await header('tls-client-fingerprint'), new RegExp(
            `${fingerprint(alice.cert).replaceAll(':', '')}$`, 'i'));
        assert.match(await header('tls-client-serial'), new RegExp(
            `${alice.serial.toString(16).padStart(2, '0')}$`));
        /* And the handshake hook refuses who it does not want. */
        await assert.rejects(host.connect('/every?subject=CN%3Dbob',
            as(alice)), /403/);
    });

    it('is refused without one', () => assertRefused(host, WSS));
    it('is refused with that of another authority', () =>
        assertRefused(host, as(mallory)));
    it('is refused with one that signs itself', () => assertRefused(host,
        as({ cert: THEIRS.root, key: THEIRS.read('ca.key') })));
    it('is refused with one that is for servers only', () =>
        assertRefused(host, as(server)));

    it('is known in each version of TLS', async () => { /* resumed: tls_matrix */
        for (const version of ['TLSv1.2', 'TLSv1.3']) {
            const client = await host.connect('/every', { ...as(alice),
                minVersion: version, maxVersion: version });

            assert.match(await client.ask('openheader tls-client-subject'),
                /CN=alice/);
            assert.match(await client.ask('openheader tls-version'),
                new RegExp(`${version}$`));
        }
    });
});

suite('a client that may show a certificate', OPTIONAL, ({ host, it }) => {
    it('is nobody without one, whatever it says', async () => {
        const client = await host.connect('/every', { ...WSS, headers: {
            'TLS-Client-Subject': 'CN=alice,O=Example',
            'tls-client-verify': 'valid', 'tls-version': 'TLSv9',
        } });

        assert.match(await client.ask('openheader tls-client-verify'),
            /none$/);
        assert.doesNotMatch(await client.ask('openheader tls-client-subject'),
            /alice/);
        assert.match(await client.ask('openheader tls-version'), /TLSv1\.3$/);
        await assert.rejects(host.connect(
            '/every?subject=CN%3Dalice%2CO%3DExample', { ...WSS, headers: {
                'TLS-Client-Subject': 'CN=alice,O=Example' } }), /403/);
    });

    it('is somebody with one', async () => {
        const client = await host.connect('/every', as(alice));

        assert.match(await client.ask('openheader tls-client-subject'),
            /CN=alice/);
    });

    it('is refused with a wrong one', () => assertRefused(host, as(mallory)));
});

suite('a client without TLS', {
    server: { listen: '127.0.0.1:0' },
    routes: { every: { path: '/every', plugin: 'everything' } },
}, ({ host, it }) => {
    it('cannot say that it has shown a certificate', async () => {
        const client = await host.connect('/every', { headers: {
            'TLS-Client-Subject': 'CN=alice', 'tls-client-verify': 'valid' } });

        for (const name of ['verify', 'subject']) {
            assert.doesNotMatch(await client.ask(
                `openheader tls-client-${name}`), /alice|valid/);
        }
    });
});

describe('the authorities of clients', () => {
    it('are renewed below open connections', () => withHost(MTLS,
        async (host) => {
            const client = await host.connect('/echo', as(alice));

            host.writeFile('ca.pem', THEIRS.root);
            assert.strictEqual((await host.reload()).workers, 'kept');
            assert.strictEqual(await client.ask('hello'), 'hello');
            for (let i = 0; i < 4; i++) {
                await assertRefused(host, as(alice));
                await host.connect('/echo', as(mallory));
            }
            host.setup = OPTIONAL;
            host.writeIni();
            await host.reload();
            await host.connect('/echo', WSS);
            host.setup = NAMES; /* asked for no more */
            host.writeIni();
            await host.reload();
            await host.connect('/echo', as(alice));
            assert.strictEqual(await client.ask('hello'), 'hello');
        }));

    it('are checked', () => withHost({ ...MTLS, start: false },
        async (host) => {
            host.writeFile('ca.pem', 'nonsense');
            const { code, stderr } = await host.command('check');

            assert.match(stderr, new RegExp('patchbay\\.ini:\\d+: \\[tls\\] ' +
                'client_ca: .*ca\\.pem has no PEM certificates of '));
            assert.strictEqual(code, 3);
        }));
});
