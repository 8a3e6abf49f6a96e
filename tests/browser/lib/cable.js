/* cable.js - what is between a browser and a host, to be cut and mended */
'use strict';

const net = require('node:net');

class Cable {
    static async create(host) {
        const cable = new this(host);

        await new Promise((done) =>
            cable.server.listen(0, 'localhost', done));
        return cable;
    }

    constructor(host) {
        this.host = host;
        this.pairs = new Set();
        this.loose = new Set(); /* connections of which only the host knows */
        this.isCut = false;
        this.refused = null; /* a pattern of requests that are answered 400 */
        this.server = net.createServer((near) => this.join(near));
    }

    get base() {
        return `http://localhost:${this.server.address().port}`;
    }

    join(near) {
        if (this.isCut) {
            near.destroy();
            return;
        }
        const far = net.connect(this.host.where());
        const pair = { near, far };

        this.pairs.add(pair);
        near.on('error', () => {}).on('close', () => {
            if (this.pairs.has(pair)) {
                far.destroy();
            }
        });
        far.on('error', () => {}).on('close', () => {
            this.pairs.delete(pair);
            near.destroy();
        });
        near.on('data', (data) => {
            if (this.refused?.test(data.toString('latin1'))) {
                near.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n' +
                    'Connection: close\r\n\r\n');
            } else {
                far.write(data);
            }
        });
        far.pipe(near);
    }

    /* silently: the host does not notice. */
    cut({ silently = false } = {}) {
        this.isCut = true;
        for (const pair of [...this.pairs]) {
            const { near, far } = pair;

            if (silently) {
                this.pairs.delete(pair);
                this.loose.add(far.unpipe(near).resume());
            }
            near.destroy();
        }
    }

    mend() {
        this.isCut = false;
    }

    /* Nothing goes through any more, and nobody is told. */
    hush() {
        this.pairs.forEach(({ near, far }) => {
            near.removeAllListeners('data').resume();
            far.unpipe(near).resume();
        });
    }

    /* It comes later. */
    hold() {
        this.pairs.forEach(({ near, far }) => {
            far.unpipe(near);
            far.pause();
        });
    }

    release() {
        this.pairs.forEach(({ near, far }) => far.pipe(near));
    }

    close() {
        this.cut();
        this.loose.forEach((far) => far.destroy());
        this.server.close();
    }
}

module.exports = { Cable };
