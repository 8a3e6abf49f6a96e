/* tls.js - hosts that speak TLS, and certificates made by openssl for them */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
const NAMES = 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1';

/*
 * As an authority would make them, in PEM: root, which clients trust; chain,
 * the server's certificate and that of the authority between them; its key;
 * otherKey, which belongs to none of them. kind: of the keys, for openssl.
 */
function makeCertificates(...kind) {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'patchbay-pem-'));
    const openssl = (...args) => execFileSync('openssl', args,
        { cwd: dir, stdio: 'pipe', timeout: 20000 });
    const newKey = ['-nodes', '-newkey', ...kind.length > 0 ? kind : EC];
    const read = (name) => fs.readFileSync(path.join(dir, name), 'utf8');
    const request = (name, subject) => openssl('req', '-new', ...newKey,
        '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
    const sign = (name, by, serial, extensions) => {
        fs.writeFileSync(path.join(dir, `${name}.ext`), extensions);
        openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${by}.pem`,
            '-CAkey', `${by}.key`, '-set_serial', serial, '-days', '2',
            '-extfile', `${name}.ext`, '-out', `${name}.pem`);
    };

    try {
        openssl('req', '-x509', ...newKey, '-keyout', 'root.key', '-out',
            'root.pem', '-days', '2', '-subj', '/CN=patchbay test root');
        request('middle', '/CN=patchbay test authority');
        sign('middle', 'root', '2', 'basicConstraints=critical,CA:true\n');
        request('leaf', '/CN=localhost');
        sign('leaf', 'middle', '3', `${NAMES}\n`);
        return {
            root: read('root.pem'),
            chain: read('leaf.pem') + read('middle.pem'),
            key: read('leaf.key'),
            otherKey: read('middle.key'),
        };
    } finally {
        fs.rmSync(dir, { recursive: true });
    }
}

const PEM = makeCertificates();

/* The files of a host, and its keys that name them. */
const FILES = { 'chain.pem': PEM.chain, 'key.pem': PEM.key };
const TLS = { cert: 'chain.pem', key: 'key.pem' };

const SETUP = {
    server: { listen: '127.0.0.1:0, [::1]:0, unix:web.sock', workers: 2 },
    tls: TLS,
    routes: {
        echo: { path: '/echo', plugin: 'echo', max_message: '16m' },
        small: { path: '/small', plugin: 'echo', max_message: 100 },
        greeter: { path: '/', plugin: 'greeter' },
        every: { path: '/every', plugin: 'everything' },
    },
    files: FILES,
};

/* A client that trusts the root alone, as browsers do. */
const TRUST = { ca: PEM.root };
const WSS = { scheme: 'wss', ...TRUST };

/* A client of one version; OpenSSL 3 does not even offer the old ones unless
 * it is told to. */
const only = (version) => ({
    ...TRUST, minVersion: version, maxVersion: version,
    ...version < 'TLSv1.2' && { ciphers: 'DEFAULT:@SECLEVEL=0' },
});

async function assertServes(host) {
    const client = await host.connect('/echo', WSS);

    assert.strictEqual(await client.ask('hello'), 'hello');
    assert.deepStrictEqual(await client.close(1000, 'bye'),
        { code: 1000, reason: 'bye' });
}

module.exports = {
    FILES, PEM, SETUP, TLS, TRUST, WSS, assertServes, makeCertificates, only,
};
