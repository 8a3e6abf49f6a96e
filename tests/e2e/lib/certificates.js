/* certificates.js - keys and certificates, made by the openssl command */
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
    '-nodes'];
const NAMES = 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1';

/*
 * As an authority would make them, in PEM: root, which clients trust; chain,
 * the server's certificate and that of the authority between them; its key;
 * otherKey, which belongs to none of them.
 */
function makeCertificates() {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'patchbay-pem-'));
    const openssl = (...args) => execFileSync('openssl', args,
        { cwd: dir, stdio: 'pipe', timeout: 20000 });
    const read = (name) => fs.readFileSync(path.join(dir, name), 'utf8');
    const request = (name, subject) => openssl('req', '-new', ...NEW_KEY,
        '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
    const sign = (name, by, serial, extensions) => {
        fs.writeFileSync(path.join(dir, `${name}.ext`), extensions);
        openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${by}.pem`,
            '-CAkey', `${by}.key`, '-set_serial', serial, '-days', '2',
            '-extfile', `${name}.ext`, '-out', `${name}.pem`);
    };

    try {
        openssl('req', '-x509', ...NEW_KEY, '-keyout', 'root.key', '-out',
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

module.exports = { makeCertificates };
