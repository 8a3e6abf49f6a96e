/* resumer.js - a client that comes back and gets what it missed */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');

const RESUME = 'patchbay.resume.v1';
const DOCUMENT = path.join(__dirname, '../../../sdk/doc/resume.md');

/* The class Resuming, as it stands in resume.md. */
function documentedClient() {
    return /^```js\n(class .*?)^```$/ms
        .exec(fs.readFileSync(DOCUMENT, 'utf8'))[1];
}

/* The line before a message, and the message. */
function parse(text) {
    const end = text.indexOf('\n');
    const [what, key, position, count] = text.slice(0, end).split(' ');

    return { what, key, position, count, text: text.slice(end + 1) };
}

/* A client that can resume, as sdk/doc/resume.md says. */
class Resumer {
    constructor(host, path = '/kept?x=1') {
        Object.assign(this, { host, path, id: '0', positions: new Map(),
            texts: [], lines: [] });
    }

    async connect() {
        const points = [...this.positions].map(([key, at]) => `,${key}.${at}`);
        const resume = this.id === '0' ? '' : `&resume=${this.id}${points.join('')}`;

        this.client = await this.host.connect(this.path + resume,
            { protocols: [RESUME] });
        assert.strictEqual(this.client.headers['sec-websocket-protocol'], RESUME);
    }

    async next() {
        const line = parse(await this.client.text());

        this.lines.push(line);
        if (line.what === 'w') {
            this.id = line.key;
        } else if (line.position !== undefined) {
            this.positions.set(line.key, line.position);
        }
        if (line.what === 'm' && line.position !== undefined) {
            this.texts.push(line.text);
        }
        return line;
    }

    async until(what, text) {
        for (;;) {
            const line = await this.next();

            if (line.what === what && (text === undefined || line.text === text)) {
                return line;
            }
        }
    }
}

module.exports = { RESUME, Resumer, documentedClient, parse };
