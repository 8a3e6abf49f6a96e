/* redis.js - a Redis of a test's own: on a free port, with a folder that goes */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { Feed, until, within } = require('./wait.js');

/* Nobody has it now, and few will ask for it in the next moment. */
function freePort() {
    return new Promise((done, fail) => {
        const server = net.createServer();

        server.on('error', fail);
        server.listen(0, '127.0.0.1', () => {
            const { port } = server.address();

            server.close(() => done(port));
        });
    });
}

/* One command on a connection of its own: its answer, as Redis writes it. */
function ask(port, ...args) {
    const answer = new Promise((done, fail) => {
        const socket = net.connect(port, '127.0.0.1');
        let text = '';

        socket.on('error', fail);
        socket.on('close', () => done(text));
        socket.setEncoding('latin1').on('data', (data) => {
            text += data;
        });
        for (const words of [args, ['QUIT']]) {
            socket.write(`*${words.length}\r\n`);
            for (const word of words.map((each) => Buffer.from(each))) {
                socket.write(`$${word.length}\r\n`);
                socket.write(word);
                socket.write('\r\n');
            }
        }
    });

    return within(answer, `an answer of Redis to ${args[0]}`);
}

class Redis {
    /* options: { requirepass: 'x', maxmemory: '2mb' }, as in redis.conf. */
    constructor(options = {}) {
        this.options = options;
        this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'patchbay-redis-'));
        this.socket = path.join(this.dir, 'redis.sock');
    }

    async start() {
        const options = {
            bind: '127.0.0.1', dir: this.dir, save: '""', appendonly: 'yes',
            appendfsync: 'always',
            unixsocket: this.socket, ...this.options,
        };

        this.port ??= await freePort();
        this.lines = new Feed('Redis');
        this.child = spawn('setpriv', ['--pdeathsig', 'KILL', 'redis-server',
            '--port', String(this.port), ...Object.entries(options)
                .flatMap(([key, value]) => [`--${key}`,
                    ...String(value).split(' ').map((word) =>
                        word.replace(/^""$/, ''))])],
        { stdio: ['ignore', 'pipe', 'inherit'] });
        this.ended = new Promise((done) => this.child.on('exit', done));
        this.child.stdout.setEncoding('utf8').on('data', (text) =>
            text.split('\n').forEach((line) => this.lines.push(line)));
        this.child.on('exit', () => this.lines.end('it has ended'));
        await this.lines.find((line) =>
            /Ready to accept connections/.test(line), 'a Redis that is ready');
        return this;
    }

    /* Nothing runs on in it, as if its machine had stopped. */
    pause() {
        this.child.kill('SIGSTOP');
    }

    resume() {
        this.child.kill('SIGCONT');
    }

    async kill() {
        this.child.kill('SIGKILL');
        await within(this.ended, 'the end of a killed Redis');
    }

    async finish() {
        if (this.child && this.child.exitCode === null &&
            this.child.signalCode === null) {
            await this.kill();
        }
        fs.rmSync(this.dir, { recursive: true, force: true });
    }

    ask(...args) {
        return ask(this.port, ...args);
    }

    /* What is published on channels like that from now on: { text(), end() },
     * the text as Redis writes it. */
    async overhear(pattern) {
        const socket = net.connect(this.port, '127.0.0.1');
        let text = '';

        socket.setEncoding('latin1').on('data', (data) => {
            text += data;
        });
        socket.write(`PSUBSCRIBE ${pattern}\r\n`);
        await until(() => text.includes('psubscribe'), 'a subscription');
        return { text: () => text, end: () => socket.destroy() };
    }

    /* A number in INFO or the like: "used_memory:123". */
    async info(section, name) {
        const text = await this.ask('INFO', section);
        const found = new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(text);

        assert.ok(found, `no ${name} in INFO ${section}`);
        return found[1];
    }

    url(db = 0, login = '') {
        return `redis://${login}127.0.0.1:${this.port}/${db}`;
    }
}

module.exports = { Redis, freePort };
