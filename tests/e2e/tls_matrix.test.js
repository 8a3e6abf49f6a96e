/* tls_matrix.test.js - what openssl s_client agrees upon with the host, and
 * what it does not get */
'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { Authority } = require('./lib/authority.js');
const { suite } = require('./lib/suite.js');
const { FILES, TLS, makeCertificates } = require('./lib/tls.js');
const { within } = require('./lib/wait.js');

const OURS = new Authority('matrix');
const THEIRS = new Authority('stranger');
const shop = OURS.issue('/CN=shop', 'subjectAltName=DNS:shop.example');
const alice = OURS.issue('/CN=alice');
const mallory = THEIRS.issue('/CN=mallory');
const RSA = makeCertificates('rsa:2048');

const HOST = {
    server: { listen: '127.0.0.1:0' },
    tls: TLS,
    certificates: {
        shop: { names: 'shop.example', cert: 'shop.pem', key: 'shop.key' },
        rsa: { names: 'rsa.example', cert: 'rsa.pem', key: 'rsa.key' },
    },
    routes: { echo: { path: '/echo', plugin: 'echo' } },
    files: {
        ...FILES, 'shop.pem': shop.cert, 'shop.key': shop.key,
        'rsa.pem': RSA.chain, 'rsa.key': RSA.key, 'ca.pem': OURS.root,
        'alice.pem': alice.cert + alice.key,
        'mallory.pem': mallory.cert + mallory.key,
    },
};

const HEALTH = 'GET /-/health HTTP/1.1\r\nHost: localhost\r\n' +
    'Connection: close\r\n\r\n';

/* What it prints, of a connection on which this was said. */
async function client(host, args, said = HEALTH) {
    const { host: address, port } = host.where();
    const child = spawn('openssl', ['s_client', '-connect',
        `${address}:${port}`, '-ign_eof', ...args], { cwd: host.dir });
    let out = '';

    for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text) => {
            out += text;
        });
    }
    child.stdin.on('error', () => {}); /* it has hung up */
    child.stdin.write(said);
    try {
        await within(once(child, 'close'), `s_client ${args.join(' ')}`);
    } finally {
        child.kill();
    }
    return out;
}

async function assertAgrees(host, args, ...patterns) {
    const out = await client(host, args);

    for (const pattern of [/"status":"ok"/, ...patterns]) {
        assert.match(out, pattern, `${args.join(' ')}:\n${out}`);
    }
    return out;
}

/* An alert of the host's, before a byte of HTTP. */
async function assertRefuses(host, args, pattern) {
    const out = await client(host, args);

    assert.match(out, pattern, `${args.join(' ')}:\n${out}`);
    assert.doesNotMatch(out, /HTTP\/1/, args.join(' '));
}

const all = (list, run) => Promise.all(list.map(run));

const ANY = ['-cipher', 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'];
const VERSION_ALERT = /alert protocol version/;
const NO_CIPHER = /alert handshake failure/;
const RSA_NAME = ['-servername', 'rsa.example'];

suite('s_client', HOST, ({ host, it }) => {
    it('agrees on no version but 1.2 and 1.3', async () => {
        await assertAgrees(host, ['-tls1_2'], /New, TLSv1\.2, Cipher is /);
        await assertAgrees(host, ['-tls1_3'], /New, TLSv1\.3, Cipher is /);
        await assertAgrees(host, [], /New, TLSv1\.3, Cipher is /);
        await assertRefuses(host, ['-tls1', ...ANY], VERSION_ALERT);
        await assertRefuses(host, ['-tls1_1', ...ANY], VERSION_ALERT);
    });

    it('agrees on ciphers of 1.2 that are safe, and on no other', async () => {
        await all(['AES128-GCM-SHA256', 'AES256-GCM-SHA384',
            'CHACHA20-POLY1305'], async (cipher) => {
            for (const [kind, args] of [['ECDSA', []], ['RSA', RSA_NAME]]) {
                const name = `ECDHE-${kind}-${cipher}`;

                await assertAgrees(host,
                    ['-tls1_2', '-cipher', name, ...args],
                    new RegExp(`Cipher is ${name}$`, 'm'));
            }
        });
        await all([
            'ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA384',
            'ECDHE-ECDSA-AES128-CCM', 'ECDHE-RSA-AES256-SHA',
            'ECDHE-RSA-CAMELLIA128-SHA256', 'ECDHE-RSA-NULL-SHA',
            'AES128-GCM-SHA256', 'AES256-SHA256', 'AES128-SHA',
            'CAMELLIA256-SHA', 'NULL-SHA256', 'DHE-RSA-AES256-GCM-SHA384',
            'DHE-RSA-CHACHA20-POLY1305', 'DHE-RSA-AES128-SHA',
            'ADH-AES128-GCM-SHA256', 'AECDH-AES128-SHA',
        ], (name) => assertRefuses(host, ['-tls1_2', '-cipher',
            `${name}:@SECLEVEL=0`, ...RSA_NAME], NO_CIPHER));
    });

    it('agrees on the ciphers of 1.3, but for those of small devices',
        async () => {
            await all(['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384',
                'TLS_CHACHA20_POLY1305_SHA256'], (name) => assertAgrees(host,
                ['-ciphersuites', name],
                new RegExp(`Cipher is ${name}$`, 'm')));
            await assertRefuses(host, ['-tls1_3', '-ciphersuites',
                'TLS_AES_128_CCM_SHA256'], NO_CIPHER);
        });

    it('agrees on keys that are thrown away', async () => {
        await all(['X25519', 'P-256', 'P-384'], async (group) => {
            await assertAgrees(host, ['-groups', group], /Server Temp Key: /);
            await assertAgrees(host, ['-tls1_2', '-groups', group, ...RSA_NAME],
                /Server Temp Key: /);
        });
    });

    it('gets neither compression nor another handshake', async () => {
        for (const version of ['-tls1_2', '-tls1_3']) {
            await assertAgrees(host, [version, '-comp'], /Compression: NONE/);
        }
        const { host: address, port } = host.where();
        const child = spawn('openssl', ['s_client', '-tls1_2', '-connect',
            `${address}:${port}`]);
        let out = '';

        for (const stream of [child.stdout, child.stderr]) {
            stream.setEncoding('utf8').on('data', (text) => {
                out += text;
                if (/Verify return code[^]*---/.test(out)) {
                    child.stdin.end('R\n');
                }
            });
        }
        child.stdin.on('error', () => {});
        await within(once(child, 'close'), 's_client and R');
        assert.match(out, /RENEGOTIATING[^]*no renegotiation/);
    });

    it('agrees on HTTP/1.1 only', async () => {
        await assertAgrees(host, ['-alpn', 'http/1.1'],
            /ALPN protocol: http\/1\.1/);
        await assertAgrees(host, ['-alpn', 'h2,http/1.1'],
            /ALPN protocol: http\/1\.1/);
        await assertAgrees(host, [], /No ALPN negotiated/);
    });

    it('is shown the certificate of the name it asks for', async () => {
        await all(['-tls1_2', '-tls1_3'], async (version) => {
            for (const [name, subject] of [['shop.example', 'shop'],
                ['other.example', 'localhost'], ['localhost', 'localhost']]) {
                await assertAgrees(host, [version, '-servername', name],
                    new RegExp(`subject=CN = ${subject}$`, 'm'));
            }
            await assertAgrees(host, [version, '-noservername'],
                /subject=CN = localhost$/m);
        });
    });

    it('resumes sessions', async () => {
        for (const version of ['-tls1_2', '-tls1_3']) {
            await assertAgrees(host,
                [version, '-sess_out', `${version}.session`]);
            await assertAgrees(host,
                [version, '-sess_in', `${version}.session`],
                /^Reused, TLSv1/m);
        }
    });

    it('is asked for no certificate', async () => {
        await assertAgrees(host, ['-cert', 'alice.pem'],
            /No client certificate CA names sent/);
    });
});

suite('s_client, asked for a certificate', {
    ...HOST, tls: { ...TLS, client_ca: 'ca.pem' },
}, ({ host, it }) => {
    it('needs one of the right authority', async () => {
        for (const version of ['-tls1_2', '-tls1_3']) {
            await assertAgrees(host, [version, '-cert', 'alice.pem'],
                /Acceptable client certificate CA names\nCN = matrix$/m);
            await assertRefuses(host, [version],
                /alert (handshake failure|certificate required)/);
            await assertRefuses(host, [version, '-cert', 'mallory.pem'],
                /alert unknown ca/);
        }
    });

    it('does not get around that by a session', async () => {
        for (const version of ['-tls1_2', '-tls1_3']) {
            await assertAgrees(host, [version, '-cert', 'alice.pem',
                '-sess_out', `${version}.session`]);
            await assertAgrees(host, [version, '-cert', 'alice.pem',
                '-sess_in', `${version}.session`], /^Reused, TLSv1/m);
        }
        await host.reload(); /* nothing new, but for the keys of tickets */
        for (const version of ['-tls1_2', '-tls1_3']) {
            await assertRefuses(host,
                [version, '-sess_in', `${version}.session`],
                /alert (handshake failure|certificate required)/);
        }
    });
});

suite('s_client and min_version = 1.3', {
    ...HOST, tls: { ...TLS, min_version: '1.3' },
}, ({ host, it }) => {
    it('agree on nothing else', async () => {
        await assertAgrees(host, [], /New, TLSv1\.3, Cipher is /);
        await assertRefuses(host, ['-tls1_2'], VERSION_ALERT);
        await assertRefuses(host, ['-tls1_1', ...ANY], VERSION_ALERT);
    });
});

suite('s_client and other ciphers', {
    ...HOST, tls: { ...TLS, ciphers: 'ECDHE-ECDSA-AES256-SHA384' },
}, ({ host, it }) => {
    it('agree on those', async () => {
        await assertAgrees(host, ['-tls1_2'],
            /Cipher is ECDHE-ECDSA-AES256-SHA384$/m);
        await assertRefuses(host, ['-tls1_2', '-cipher',
            'ECDHE-ECDSA-AES128-GCM-SHA256'], NO_CIPHER);
        await assertAgrees(host, ['-tls1_3']);
        host.setup = HOST;
        host.writeIni();
        await host.reload();
        await assertAgrees(host, ['-tls1_2', '-cipher',
            'ECDHE-ECDSA-AES128-GCM-SHA256']);
    });

    it('are checked', async () => {
        host.expected.push(/\[tls\] ciphers/, /reload: refused/);
        host.setup = { ...HOST, tls: { ...TLS, ciphers: 'NONSENSE' } };
        host.writeIni();
        assert.match((await host.reloadFails(3)).stderr, new RegExp(
            'patchbay\\.ini:\\d+: \\[tls\\] ciphers: "NONSENSE" is no list of '
            + 'ciphers that OpenSSL knows: no cipher match'));
        host.setup = HOST;
        host.writeIni();
    });
});
