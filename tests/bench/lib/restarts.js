/* restarts.js - a host whose only worker is ended again and again */
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { start } = require('./servers.js');

const NEEDS = ['patchbay', 'tests/plugins/crasher.so'];
const LATE_MS = 20000;

/* One worker: a new connection can be answered by no other. A plugin that
 * crashes often is replaced at once, as one is that crashes seldom. */
function iniText(dir, port, reports) {
    return `; made by tests/bench/restart
[server]
listen     = 127.0.0.1:${port}
workers    = 1
plugin_dir = ${dir}/plugins
run_dir    = ${dir}/run

[log]
file          = /dev/null
crash_reports = ${reports}

[limits]
crash_limit  = 100
crash_window = 1s

[route.crasher]
path   = /crasher
plugin = crasher
`;
}

/* Resolves to { port, pid, workers, stop }: workers() are those that run. */
function startHost(build, reports) {
    return start({
        name: 'patchbay', title: 'patchbay', forks: true, needs: NEEDS,
        make: (tree, port) => {
            const dir = fs.mkdtempSync(
                path.join(os.tmpdir(), 'patchbay-restart-'));
            const ini = path.join(dir, 'patchbay.ini');

            fs.mkdirSync(path.join(dir, 'plugins'));
            fs.mkdirSync(path.join(dir, 'run'));
            fs.copyFileSync(path.join(tree, 'tests/plugins/crasher.so'),
                path.join(dir, 'plugins/crasher.so'));
            fs.writeFileSync(ini, iniText(dir, port, reports));
            return { dir,
                command: [path.join(tree, 'patchbay'), 'run', '-c', ini] };
        },
    }, build);
}

/* A frame of a short text, masked with zeros (RFC 6455 5.2). */
const frame = (text) => Buffer.concat([
    Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);

/* What Node's parser of HTTP and a library would add is not the host's. */
class Visitor {
    constructor(port) {
        this.seen = '';
        this.waiting = null;
        this.socket = net.connect(port, '127.0.0.1');
        this.socket.setNoDelay(true);
        this.socket.on('error', () => {}); /* it closes after that */
        this.gone = new Promise((done) => this.socket.once('close', done));
        this.socket.on('data', (data) => {
            this.seen += data.toString('latin1');
            this.look();
        });
        this.socket.once('close', () => this.waiting?.fail(
            new Error('a connection ended before it was answered')));
    }

    look() {
        if (this.waiting && this.seen.includes(this.waiting.what)) {
            clearTimeout(this.waiting.late);
            this.waiting.done();
            this.waiting = null;
        }
    }

    sees(what) {
        return new Promise((done, fail) => {
            const late = setTimeout(() => fail(
                new Error(`no ${JSON.stringify(what)} in ${LATE_MS} ms`)),
            LATE_MS);

            this.waiting = { what, done, late, fail: (error) => {
                clearTimeout(late);
                fail(error);
            } };
            this.look();
        });
    }

    /* Upgrades, and has a message sent back. */
    async serve() {
        this.socket.write('GET /crasher HTTP/1.1\r\nHost: 127.0.0.1\r\n' +
            'Upgrade: websocket\r\nConnection: Upgrade\r\n' +
            'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n' +
            'Sec-WebSocket-Version: 13\r\n\r\n');
        await this.sees('\r\n\r\n');
        if (!this.seen.startsWith('HTTP/1.1 101 ')) {
            throw new Error(this.seen.split('\r\n')[0]);
        }
        this.socket.write(frame('here'));
        await this.sees('here');
        return this;
    }

    say(text) {
        this.socket.write(frame(text));
    }

    end() {
        this.socket.destroy();
        return this.gone;
    }
}

/*
 * end(visitor) ends the worker. Resolves to { gone, back }: ms from then until
 * its connection was seen to end, and until a new one, made at that moment, was
 * upgraded and had a message sent back.
 */
async function restart(host, end) {
    const before = await new Visitor(host.port).serve();
    const begun = performance.now();

    end(before);
    await before.gone;
    const gone = performance.now() - begun;
    const after = await new Visitor(host.port).serve();
    const back = performance.now() - begun;

    await after.end();
    return { gone, back };
}

module.exports = { NEEDS, restart, startHost };
