/* greeter.test.js - the first example: one question, one answer, three lines */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { suite } = require('./lib/suite.js');
const { requestText, upgradeHeaders } = require('./lib/raw.js');

const HELLO = 'client：hello，服务端';
const ANSWER = 'this is server';
const WWW = path.join(__dirname, '../../etc/www');
const INDEX = fs.readFileSync(path.join(WWW, 'index.html'));

const ROUTES = {
    greeter: { path: '/', plugin: 'greeter' },
    echo: { path: '/echo', plugin: 'echo' },
};

const DEMO = { http: { root: WWW }, routes: ROUTES };

/* What the greeter said since mark: the whole lines, without the time. */
function told(host, from = 0) {
    return host.logged(/\[greeter\/greeter\]/, from)
        .filter(({ level }) => level === 'info')
        .map(({ text }) => text.slice(text.indexOf(' ') + 1));
}

const lineOf = (id, message) =>
    `info  worker 0 [greeter/greeter] #${id} 127.0.0.1: ${message}`;

/* The number of the only connection that was opened since mark. */
async function numberOf(host, from) {
    const { conn } = await host.waitLog(/handshake success/, { from });

    return conn;
}

suite('the greeter', DEMO, ({ host, it }) => {
    it('answers, and logs the three lines of the example', async () => {
        const client = await host.connect('/');

        assert.strictEqual(await client.ask(HELLO), ANSWER);
        await client.close(1000);
        await host.waitLog(/ closed$/);
        assert.deepStrictEqual(told(host), [
            lineOf(1, 'server: handshake success with fd1'),
            lineOf(1, `receive from 1:${HELLO},opcode:1,fin:1`),
            lineOf(1, 'client 1 closed'),
        ]);
    });

    it('says nothing unless asked', async () => {
        const client = await host.connect('/');

        assert.strictEqual(await client.ask('one'), ANSWER);
        assert.deepStrictEqual(await client.close(1000, 'bye'),
            { code: 1000, reason: 'bye' });
        assert.strictEqual(client.messages.length, 1);
    });

    it('answers each message, one after another', async () => {
        const client = await host.connect('/');
        const many = 1000;
        const mark = host.mark();

        for (let i = 0; i < many; i++) {
            client.send(`${i}`);
        }
        for (let i = 0; i < many; i++) {
            assert.strictEqual(await client.text(), ANSWER);
        }
        await client.close(1000);
        await host.waitLog(/client \d+ closed/, { from: mark });
        assert.deepStrictEqual(
            told(host, mark).slice(1, -1).map((text) =>
                /:(\d+),opcode:1,fin:1$/.exec(text)?.[1]),
            Array.from({ length: many }, (_, i) => `${i}`));
    });

    it('answers with text to binary, and logs opcode 2', async () => {
        const mark = host.mark();
        const client = await host.connect('/');

        client.send(Buffer.from('abc'));
        assert.strictEqual(await client.text(), ANSWER);
        const id = await numberOf(host, mark);

        await host.waitLog(
            new RegExp(`: receive from ${id}:abc,opcode:2,fin:1$`),
            { from: mark });
    });

    it('has messages whole that came in pieces', async () => {
        const mark = host.mark();
        const raw = await host.rawUpgrade('/');

        raw.send(1, 'client：', { fin: false });
        raw.send(0, 'hello，', { fin: false });
        raw.send(0, '服务端');
        assert.strictEqual((await raw.message()).text, ANSWER);
        await host.waitLog(
            new RegExp(`: receive from \\d+:${HELLO},opcode:1,fin:1$`),
            { from: mark });
    });

    it('logs the first 1000 bytes of a long one', async () => {
        const mark = host.mark();
        const client = await host.connect('/');

        assert.strictEqual(await client.ask('x'.repeat(100000)), ANSWER);
        const { message } =
            await host.waitLog(/receive from/, { from: mark });

        assert.strictEqual(message.replace(/\d+:/, ':'),
            `receive from :${'x'.repeat(1000)},opcode:1,fin:1`);
    });

    it('lets nobody forge a line', async () => {
        const mark = host.mark();
        const client = await host.connect('/');

        assert.strictEqual(
            await client.ask('a\nerror: b\r\x1b[31m\x7fc'), ANSWER);
        const { message } =
            await host.waitLog(/receive from/, { from: mark });

        assert.match(message, /^receive from \d+:a\\n/);
        assert.doesNotMatch(message, /[\0-\x1f\x7f]/);
        assert.match(message, /c,opcode:1,fin:1$/);
    });

    it('logs the end of one that is lost, too', async () => {
        const mark = host.mark();
        const client = await host.connect('/');
        const id = await numberOf(host, mark);

        client.terminate();
        await host.waitLog(new RegExp(`: client ${id} closed$`),
            { from: mark });
    });

    it('gives no number twice', async () => {
        const mark = host.mark();
        const numbers = new Set();

        for (let i = 0; i < 20; i++) {
            await (await host.connect('/')).close(1000);
        }
        await host.waitLog(/client \d+ closed/, { from: mark });
        for (const { conn } of host.logged(/handshake success/)) {
            assert.ok(!numbers.has(conn), `#${conn} twice`);
            numbers.add(conn);
        }
        assert.ok(numbers.size > 20);
    });
});

suite('the path / beside the demo page', DEMO, ({ host, it }) => {
    it('is the page to who asks for no upgrade', async () => {
        for (const name of ['/', '/?from=here', '/index.html']) {
            const answer = await host.request(name);

            assert.strictEqual(answer.status, 200);
            assert.strictEqual(answer.headers['content-type'],
                'text/html; charset=utf-8');
            assert.ok(answer.body.equals(INDEX), name);
        }
    });

    it('is the greeter to who asks for an upgrade', async () => {
        for (const name of ['/', '/?from=here']) {
            const client = await host.connect(name);

            assert.strictEqual(await client.ask(HELLO), ANSWER);
        }
    });

    it('is both on one connection', async () => {
        const raw = await host.raw();

        raw.request('GET / HTTP/1.1', { Host: 'localhost' });
        assert.ok((await raw.response()).body.equals(INDEX));
        await raw.upgrade('/');
        raw.send(1, HELLO);
        assert.strictEqual((await raw.message()).text, ANSWER);
    });

    it('is both on one connection, without a wait in between', async () => {
        const raw = await host.raw();

        raw.write(requestText('GET / HTTP/1.1', { Host: 'localhost' }),
            requestText('GET / HTTP/1.1', upgradeHeaders('localhost')));
        assert.ok((await raw.response()).body.equals(INDEX));
        assert.strictEqual((await raw.response()).status, 101);
        raw.send(1, HELLO);
        assert.strictEqual((await raw.message()).text, ANSWER);
    });

    it('takes no other path', async () => {
        for (const name of ['/index.html', '/x', '/echo/']) {
            assert.strictEqual((await host.refusal(name)).status, 404,
                name);
        }
        const client = await host.connect('/echo');

        assert.strictEqual(await client.ask(HELLO), HELLO);
    });

    it('takes the pages of this host, and no others', async () => {
        const own = `http://127.0.0.1:${host.port}`;
        const client = await host.connect('/', { origin: own });

        assert.strictEqual(await client.ask(HELLO), ANSWER);
        for (const origin of ['http://example.org', 'null',
            `http://127.0.0.1:${host.port + 1}`, `${own}.example.org`]) {
            const { status, text } = await host.refusal('/', { origin });

            assert.strictEqual(status, 403, origin);
            assert.match(text, /origin/i);
        }
    });
});

suite('the greeter without a page', { routes: ROUTES }, ({ host, it }) => {
    it('says what the path is for', async () => {
        const { status, headers, text } = await host.request('/');

        assert.strictEqual(status, 426);
        assert.strictEqual(headers.upgrade, 'websocket');
        assert.match(text, /WebSocket/);
        assert.strictEqual(await (await host.connect('/')).ask(HELLO), ANSWER);
    });
});
