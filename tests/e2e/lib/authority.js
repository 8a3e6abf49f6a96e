/* authority.js - an authority of a test, and the certificates it signs */
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

/* Certificates in PEM: { cert, key }, each signed by this authority. */
class Authority {
    constructor(name) {
        this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'patchbay-ca-'));
        this.serial = 1;
        process.on('exit', () =>
            fs.rmSync(this.dir, { recursive: true, force: true }));
        this.openssl('req', '-x509', ...this.newKey('ca'), '-out', 'ca.pem',
            '-days', '2', '-subj', `/CN=${name}`);
        this.root = this.read('ca.pem');
    }

    openssl(...args) {
        return execFileSync('openssl', args,
            { cwd: this.dir, stdio: 'pipe', timeout: 20000 });
    }

    newKey(name) {
        return ['-nodes', '-newkey', 'ec', '-pkeyopt',
            'ec_paramgen_curve:prime256v1', '-keyout', `${name}.key`];
    }

    read(name) {
        return fs.readFileSync(path.join(this.dir, name), 'utf8');
    }

    /* extensions as openssl writes them: 'subjectAltName=DNS:a.example'. */
    issue(subject, ...extensions) {
        const name = `n${++this.serial}`;

        fs.writeFileSync(path.join(this.dir, `${name}.ext`),
            `${['basicConstraints=CA:false', ...extensions].join('\n')}\n`);
        this.openssl('req', '-new', ...this.newKey(name), '-out',
            `${name}.csr`, '-subj', subject);
        this.openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem',
            '-CAkey', 'ca.key', '-set_serial', String(this.serial), '-days',
            '2', '-extfile', `${name}.ext`, '-out', `${name}.pem`);
        return { cert: this.read(`${name}.pem`), key: this.read(`${name}.key`),
            serial: this.serial };
    }
}

module.exports = { Authority };
