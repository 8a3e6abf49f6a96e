/* history.test.js - messages that are kept: newcomers, and clients that come back */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { pluginFile } = require('./lib/host.js');
const { suite } = require('./lib/suite.js');
const { RESUME, Resumer } = require('./lib/resumer.js');
const { until } = require('./lib/wait.js');

const kept = (more) => ({ path: '/kept', plugin: 'keeper', history: 100, ...more });
const ONE = { routes: { kept: kept(),
    few: { ...kept(), path: '/few', history: 3 },
    short: { ...kept(), path: '/short', history_for: '1s' },
    small: { ...kept(), path: '/small', send_queue: '4k' },
    none: { path: '/none', plugin: 'keeper' } } };
const THREE = { server: { workers: 3 }, routes: { kept: kept({ history: 5000,
    on_reload: 'close' }),
    one: { ...kept({ history: 1 }), path: '/one' } } };

async function say(host, path, texts) {
    const client = await host.connect(path);

    assert.strictEqual(await client.text(), 'open');
    for (const text of texts) {
        client.send(text);
        while (await client.text() !== text);
    }
    return client;
}

suite('history', ONE, ({ host, it }) => {
    it('gives a newcomer the last messages, oldest first', async () => {
        await say(host, '/kept', ['a', 'b', 'c']);
        const client = await host.connect('/kept?history=2');

        assert.strictEqual(await client.text(), 'b');
        assert.strictEqual(await client.text(), 'c');
        assert.strictEqual(await client.text(), 'open');
    });

    it('keeps no more than the route says', async () => {
        await say(host, '/few', ['1', '2', '3', '4', '5']);
        const client = await host.connect('/few?history=100');

        for (const text of ['3', '4', '5', 'open']) {
            assert.strictEqual(await client.text(), text);
        }
    });

    it('keeps nothing longer than the route says', async () => {
        await say(host, '/short', ['old']);
        await until(async () => {
            const client = await host.connect('/short?history=9');
            const first = await client.text();

            client.terminate();
            return first === 'open';
        }, 'the message is gone');
    });

    it('has nothing on a route without it', async () => {
        await say(host, '/none', ['a']);
        const client = await host.connect('/none?history=9');

        assert.strictEqual(await client.text(), 'open');
    });

    it('goes out as the client takes it, however long it is', async () => {
        const texts = Array.from({ length: 60 },
            (_, i) => `${i}`.padEnd(1000, '.'));

        await say(host, '/small', texts);
        const client = await host.connect('/small?history=60');
        const got = [];

        while (got.length < 60) {
            const text = await client.text();

            if (text !== 'open') {
                got.push(text);
            }
        }
        assert.deepStrictEqual(got, texts);
    });

    it('lets a client resume with exactly what it missed', async () => {
        const reader = new Resumer(host);
        const writer = await say(host, '/kept', ['before']);

        await reader.connect();
        assert.strictEqual((await reader.next()).what, 'w');
        await reader.until('p');
        writer.send('heard');
        await reader.until('m', 'heard');
        reader.client.terminate();
        await reader.client.ending;
        for (const text of ['one', 'two', 'three']) {
            writer.send(text);
            while (await writer.text() !== text);
        }
        await reader.connect();
        assert.strictEqual((await reader.until('r')).count, '3');
        assert.deepStrictEqual(reader.texts, ['heard', 'one', 'two', 'three']);
        writer.send('live');
        await reader.until('m', 'live');
        assert.strictEqual(reader.texts.length, 5);
    });

    it('gives a client no message of its own that was for others', async () => {
        const reader = new Resumer(host, '/kept?others=1');
        const other = await say(host, '/kept', []);

        await reader.connect();
        await reader.until('p');
        reader.client.send('mine');
        while (await other.text() !== 'mine');
        reader.client.terminate();
        await reader.client.ending;
        await reader.connect();
        assert.strictEqual((await reader.until('r')).count, '0');
        assert.deepStrictEqual(reader.texts, []);
    });

    it('says so if it is too late', async () => {
        const reader = new Resumer(host, '/few?x=1');

        await reader.connect();
        await reader.until('p');
        reader.client.terminate();
        await reader.client.ending;
        await say(host, '/few', ['6', '7', '8', '9']);
        await reader.connect();
        await reader.until('x');
        assert.deepStrictEqual(reader.texts, []);
    });

    it('takes a position of elsewhere for too late', async () => {
        const reader = new Resumer(host);

        await reader.connect();
        await reader.until('p');
        for (const [key, at] of reader.positions) {
            reader.positions.set(key, at.replace(/^[^.]*/, 'abc'));
        }
        reader.client.terminate();
        await reader.connect();
        await reader.until('x');
    });

    for (const bad of ['x', '1,', '1,abc', '1,1.2', '1,g.1.1', '1,1.1.1.1',
        `1${',1.1.1'.repeat(257)}`, '99999999999999999999']) {
        it(`refuses ${bad.slice(0, 24)} with 400`, async () => {
            await assert.rejects(host.connect(`/kept?resume=${bad}`,
                { protocols: [RESUME] }), /400.*resume/);
        });
    }
});

/* However few messages are kept, those who are there get all. */
suite('a burst', THREE, ({ host, it }) => {
    it('reaches every worker whole, in one order', async () => {
        const clients = await Promise.all(Array.from({ length: 12 },
            () => say(host, '/one', [])));
        const count = 250;

        for (let i = 0; i < count; i++) {
            clients.forEach((client, n) => client.send(`${n}:${i}`));
        }
        const all = await Promise.all(clients.map(async (client) => {
            const got = [];

            while (got.length < clients.length * count) {
                got.push(await client.text());
            }
            return got;
        }));

        all.forEach((got) => assert.deepStrictEqual(got, all[0]));
        clients.forEach((client) => client.terminate());
    });
});

suite('a worker that does not know yet who subscribes elsewhere', {
    server: { workers: 2 },
    routes: { every: { path: '/every', plugin: 'everything', history: 10 } },
}, ({ host, it }) => {
    async function connectTo(worker) {
        for (;;) {
            const client = await host.connect('/every');

            if (await client.ask('worker') === `worker ${worker}`) {
                return client;
            }
            client.terminate();
        }
    }

    it('reaches who has subscribed while it stood still', async () => {
        const writer = await connectTo(0);
        const reader = await connectTo(1);
        const [pid] = host.workers();

        process.kill(pid, 'SIGSTOP');
        writer.send('pub t one');
        assert.strictEqual(await reader.ask('sub t'), 'sub 0');
        process.kill(pid, 'SIGCONT');
        assert.strictEqual(await reader.text(), 'one');
    });
});

/* Workers die under load; whoever resumes has every message, once, in one order. */
suite('clients that resume', { ...THREE, expected: [/worker \d+ \(pid \d+\) killed by signal 9/] },
    ({ host, it }) => {
        const KILLS = 6;
        const READERS = 6;

        async function read(reader, over) {
            while (!over.done) {
                try {
                    await reader.connect();
                    for (;;) {
                        const line = await reader.next();

                        assert.notStrictEqual(line.what, 'x', 'too late');
                        if (line.text === 'the end') {
                            return;
                        }
                    }
                } catch (error) {
                    if (error.code === 'ERR_ASSERTION') {
                        throw error;
                    }
                }
            }
        }

        /* Says each text until it has come back. */
        async function write(writer, name, over) {
            for (let i = 0; !over.stop; i++) {
                const text = `${name} ${i}`;

                for (let heard = false; !heard;) {
                    try {
                        if (writer.client === undefined) {
                            await writer.connect();
                            const first = await writer.until(
                                writer.positions.size === 0 ? 'p' : 'r');

                            assert.ok(first);
                        }
                        heard = writer.texts.includes(text);
                        if (!heard) {
                            writer.client.send(text);
                            await writer.until('m', text);
                            heard = true;
                        }
                    } catch (error) {
                        if (error.code === 'ERR_ASSERTION') {
                            throw error;
                        }
                        writer.client = undefined;
                    }
                }
            }
        }

        /* The same code in other bytes: a new version. */
        async function swapPlugin(version) {
            host.replacePlugin('keeper', Buffer.concat([
                fs.readFileSync(pluginFile('keeper')), Buffer.from(version)]));
            await host.reload();
        }

        it('get every message once and in order, whatever is killed or replaced', async () => {
            const over = { stop: false, done: false };
            const readers = Array.from({ length: READERS }, () => new Resumer(host));
            const writers = ['a', 'b'].map(() => new Resumer(host));
            const reading = readers.map((reader) => read(reader, over));
            const writing = writers.map((writer, i) => write(writer, `w${i}`, over));

            await until(() => readers.every((r) => r.texts.length > 20), 'traffic');
            for (let i = 0; i < KILLS; i++) {
                const workers = host.workers();
                const pid = workers[i % workers.length];
                const before = readers.map((r) => r.texts.length);

                if (i % 3 === 2) {
                    await swapPlugin(`version ${i}`); /* closes them all */
                } else {
                    process.kill(pid, 'SIGKILL');
                }
                await until(() => readers.every((r, n) =>
                    r.texts.length > before[n] + 50), 'traffic goes on');
            }
            over.stop = true;
            await Promise.all(writing);
            await until(() => host.workers().filter(Boolean).length === 3, 'three workers');
            const last = new Resumer(host);

            await last.connect();
            await last.until('p');
            last.client.send('the end');
            await Promise.all(reading);
            over.done = true;
            /* All have the same from where they began, to the end. */
            const longest = readers.reduce((a, b) =>
                (a.texts.length > b.texts.length ? a : b)).texts;

            for (const reader of readers) {
                assert.strictEqual(new Set(reader.texts).size, reader.texts.length,
                    'a message came twice');
                assert.deepStrictEqual(reader.texts,
                    longest.slice(longest.length - reader.texts.length));
            }
            for (const [i, writer] of writers.entries()) {
                const own = longest.filter((text) => text.startsWith(`w${i} `));
                const numbers = own.map((text) => Number(text.split(' ')[1]));

                assert.ok(writer.texts.length > 0);
                numbers.forEach((n, at) => assert.strictEqual(n, numbers[0] + at));
            }
        });
    });
