/* talk.test.js - patchbay talk: lines in, lines out */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { PROGRAM, SANITIZER } = require('./lib/host.js');
const { suite, withHost } = require('./lib/suite.js');
const { SETUP, PEM } = require('./lib/tls.js');
const { until, within } = require('./lib/wait.js');

const ROUTES = {
    echo: { path: '/echo', plugin: 'echo', max_message: '4m' },
    all: { path: '/all', plugin: 'everything' },
};

/* A client, with its input open until end is called. */
class Talk {
    constructor(url, ...args) {
        this.child = spawn('setpriv', ['--pdeathsig', 'KILL', ...PROGRAM,
            'talk', url, ...args]);
        this.out = '';
        this.err = '';
        this.child.stdout.on('data', (data) => { this.out += data; });
        this.child.stderr.on('data', (data) => { this.err += data; });
        this.child.stdin.on('error', () => {});
        this.ended = new Promise((done) =>
            this.child.on('close', (code, signal) => done({ code, signal })));
    }

    say(text) {
        this.child.stdin.write(text);
        return this;
    }

    prints(text) {
        return until(() => this.out.includes(text), `"${text}"`);
    }

    async result() {
        const { code } = await within(this.ended, 'the end of talk');

        assert.doesNotMatch(this.err, SANITIZER);
        return { code, out: this.out, err: this.err };
    }

    end(text = '') {
        this.child.stdin.end(text);
        return this.result();
    }
}

const talk = (host, where, ...args) =>
    new Talk(`ws://127.0.0.1:${host.port}${where}`, ...args);

suite('patchbay talk', { routes: ROUTES, log: { access: 'yes' } }, ({ host, it }) => {
    it('prints the answers to its input, and ends', async () => {
        assert.deepStrictEqual(await talk(host, '/echo').end('hi\n\nho'),
            { code: 0, out: 'hi\n\nho\n', err: '' });
    });

    it('is there while the input is', async () => {
        const client = talk(host, '/echo');

        await client.say('one\n').prints('one\n');
        await client.say('two\n').prints('two\n');
        assert.strictEqual((await client.end()).code, 0);
    });

    it('ends after so many messages', async () => {
        const lines = Array.from({ length: 20000 }, (_, i) => `${i}\n`).join('');
        const { code, out } = await talk(host, '/echo', '--count', '20000')
            .end(lines);

        assert.strictEqual(out, lines);
        assert.strictEqual(code, 0);
        const two = talk(host, '/echo', '--count=2').say('a\nb\n');

        assert.deepStrictEqual(await two.result(),
            { code: 0, out: 'a\nb\n', err: '' });
    });

    it('waits for the count when the input has ended', async () => {
        const { code, out } = await talk(host, '/all', '--count', '2')
            .end('pause 800\n');

        assert.strictEqual(out, 'pause 0\nresumed\n');
        assert.strictEqual(code, 0);
    });

    it('sends headers and subprotocols along', async () => {
        const { out } = await talk(host, '/all', '--header', 'X-Test: a: b',
            '--header', 'Cookie: c=d', '--subprotocol', 'nobodys, v1.everything')
            .end('openheader x-test\nopenheader cookie\nsubprotocol\n');

        assert.match(out, /^openheader a: b\nopenheader c=d\nsubprotocol v1\.everything\n$/);
    });

    it('sends and prints binary', async () => {
        const { code, out } = await talk(host, '/echo', '--binary')
            .end(Buffer.from([0xff, 0, 0x80, 10]));

        assert.strictEqual(out, 'binary: ff 00 80\n');
        assert.strictEqual(code, 0);
    });

    it('does not send text that is none', async () => {
        const { code, out, err } = await talk(host, '/echo')
            .end(Buffer.from('ok\n\xff\nok too\n', 'latin1'));

        assert.strictEqual(out, 'ok\nok too\n');
        assert.match(err, /not UTF-8 and was not sent; --binary/);
        assert.strictEqual(code, 1);
    });

    it('takes large messages', async () => {
        const line = `${'x'.repeat(3 << 20)}\n`;
        const { code, out } = await talk(host, '/echo', '--count', '1')
            .end(line);

        assert.ok(out === line);
        assert.strictEqual(code, 0);
    });

    it('says how the server closed', async () => {
        const { code, err } = await talk(host, '/all').say('close 1008 so it is\n')
            .result();

        assert.strictEqual(err,
            'patchbay: closed by the server: 1008 policy violation: so it is\n');
        assert.strictEqual(code, 1);
        const normal = await talk(host, '/all').say('close 1000 bye\n').result();

        assert.strictEqual(normal.code, 0);
    });

    it('shows control characters that others sent', async () => {
        const { err } = await talk(host, '/all')
            .say('close 1008 a\x1b[2J\x9bb\u009bc\n').result();

        assert.match(err, /: a\\x1b\[2J\\x9bb\\x9bc\n$/);
        /* A pipe gets what came; JSON says so in one line. */
        const text = 'binary: ff\u009b"\x1b';

        assert.strictEqual((await talk(host, '/echo').end(text)).out,
            `${text}\n`);
        const { out } = await talk(host, '/echo', '--json').end(text);

        assert.deepStrictEqual(JSON.parse(out), { text });
        assert.doesNotMatch(out, /[\x1b\x9b]/);
        assert.strictEqual((await talk(host, '/echo', '--json', '--binary')
            .end(Buffer.from([0xff, 0, 0x80, 10]))).out,
        '{"binary":"ff0080"}\n');
    });

    it('shows them on a terminal', async () => {
        const { code, out } = await new Promise((done) => {
            const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'script',
                '-qec', `${PROGRAM.join(' ')} talk ` +
                `ws://127.0.0.1:${host.port}/echo < ${host.writeFile('lines', 'a\tb\x1b[2J\u009b\n')}`,
                '/dev/null'], { stdio: ['ignore', 'pipe', 'inherit'] });
            let out = '';

            child.stdout.on('data', (data) => { out += data; });
            child.on('close', (code) => done({ code, out }));
        });

        assert.strictEqual(out, 'a\tb\\x1b[2J\\x9b\r\n');
        assert.strictEqual(code, 0);
    });

    it('takes no larger messages than it is told to', async () => {
        const limit = (size) => talk(host, '/echo', '--max-message', size);

        assert.deepStrictEqual(await limit('1k').end('x'.repeat(1024)),
            { code: 0, out: `${'x'.repeat(1024)}\n`, err: '' });
        assert.deepStrictEqual(await limit('1k').end('x'.repeat(1025)),
            { code: 1, out: '', err: 'patchbay: closed with 1009 message ' +
                'too big: a message is larger than 1024 bytes\n' });
        await host.waitLog(/close \/echo code 1009/);
        assert.strictEqual((await limit('0').end()).code, 2);
        assert.strictEqual((await limit('much').end()).code, 2);
    });

    it('says why it was refused', async () => {
        const nowhere = await talk(host, '/nowhere').end();

        assert.match(nowhere.err, /refuses the connection: HTTP status 404/);
        assert.strictEqual(nowhere.code, 1);
        const origin = await talk(host, '/echo', '--header',
            'Origin: https://evil.example').end();

        assert.match(origin.err, /HTTP status 403/);
    });

    it('closes when it is interrupted', async () => {
        const client = talk(host, '/all');

        await client.say('id\n').prints('id ');
        client.child.kill('SIGINT');
        assert.deepStrictEqual({ ...await client.result(), out: '' },
            { code: 0, out: '', err: '' });
        await host.waitLog(/close \/all code 1000/);
    });

    it('explains what it cannot do', async () => {
        const wrong = async (code, pattern, ...args) => {
            const result = await new Talk(...args).end();

            assert.match(result.err, pattern);
            assert.strictEqual(result.code, code);
        };
        const taken = net.createServer().listen(0, '127.0.0.1');

        await new Promise((done) => taken.once('listening', done));
        const { port } = taken.address();

        await new Promise((done) => taken.close(done));
        await wrong(2, /only ws:\/\/ and wss:\/\//, 'ftp://a');
        await wrong(2, /--header takes/, 'ws://a', '--header', 'x');
        await wrong(2, /--count/, 'ws://a', '--count', '0');
        await wrong(1, /cannot connect to 127\.0\.0\.1:\d+/,
            `ws://127.0.0.1:${port}/`);
    });
});

suite('patchbay talk over TLS', { ...SETUP, routes: ROUTES }, ({ host, it }) => {
    const secure = (...args) => new Talk(`wss://localhost:${host.port}/echo`,
        ...args);

    it('trusts whom it is told to', async () => {
        const ca = path.join(host.dir, 'ca.pem');

        fs.writeFileSync(ca, PEM.root);
        assert.deepStrictEqual(await secure('--ca', ca).end('hi\n'),
            { code: 0, out: 'hi\n', err: '' });
        assert.strictEqual((await secure('--insecure').end('hi\n')).out, 'hi\n');
    });

    it('trusts nobody else', async () => {
        const { code, out, err } = await secure().end('hi\n');

        assert.match(err, /cannot connect to localhost:\d+: /);
        assert.strictEqual(out, '');
        assert.strictEqual(code, 1);
    });
});

suite('patchbay talk to a host that goes', { start: false, routes: ROUTES },
    ({ it }) => {
        it('says so', () => withHost({ routes: ROUTES }, async (host) => {
            const client = talk(host, '/echo');

            await client.say('a\n').prints('a\n');
            await host.stop();
            const { code, err } = await client.result();

            assert.match(err, /closed by the server: 1001 going away/);
            assert.strictEqual(code, 1);
        }));
    });
