/* push.test.js - sending at any time: by timer, by id, by topic, by worker */
'use strict';

const assert = require('node:assert');
const { suite } = require('./lib/suite.js');
const { SLOWNESS, SOON_MS, pass, until } = require('./lib/wait.js');

const ROUTES = {
    every: { path: '/every', plugin: 'everything' },
    other: { path: '/other', plugin: 'everything' },
};
const TWO = { server: { workers: 2 }, routes: ROUTES };
const ONE = { routes: ROUTES };

/* Nothing more has come: what was sent before must have arrived by the time
 * this makes its way there and back. */
async function assertQuiet(client) {
    assert.strictEqual(await client.ask('echo quiet'), 'quiet');
}

suite('a timer', ONE, ({ host, it }) => {
    it('sends to everybody without being asked', async () => {
        const clients = [await host.connect('/every'),
            await host.connect('/every')];

        assert.strictEqual(await clients[0].value('timer 7 50'), '0');
        for (const client of clients) {
            assert.strictEqual(await client.text(), 'fired 7');
        }
        clients.forEach((client) => client.terminate());
    });

    it('waits as long as it was told', async () => {
        const client = await host.connect('/every');
        const start = performance.now();

        await client.value('timer 1 300');
        assert.strictEqual(await client.text(), 'fired 1');
        const ms = performance.now() - start;

        assert.ok(ms > 295 && ms < 300 + SOON_MS / 4, `${ms} ms`);
        await client.close(1000);
    });

    it('comes in the order of time', async () => {
        const client = await host.connect('/every');

        for (const [key, ms] of [[1, 300], [2, 100], [3, 200], [4, 0]]) {
            client.send(`timer ${key} ${ms}`);
        }
        const said = [];

        while (said.filter((text) => text.startsWith('fired')).length < 4) {
            said.push(await client.text());
        }
        assert.deepStrictEqual(
            said.filter((text) => text.startsWith('fired')),
            ['fired 4', 'fired 2', 'fired 3', 'fired 1']);
        await client.close(1000);
    });

    it('is moved when it is set again, and cleared', async () => {
        const client = await host.connect('/every');

        for (const [key, ms] of [[1, 500 * SLOWNESS], [2, 60000], [1, 60000],
            [2, 1000 * SLOWNESS]]) {
            client.send(`timer ${key} ${ms}`);
        }
        for (let i = 0; i < 4; i++) {
            assert.match(await client.text(), /^timer \d* ?0$/);
        }
        assert.strictEqual(await client.text(), 'fired 2');
        assert.strictEqual(await client.value('clear 1'), '0');
        assert.strictEqual(await client.value('clear 1'), '-6');
        assert.strictEqual(
            (await host.metrics()).get('patchbay_timers'), 0);
        await client.close(1000);
    });

    it('belongs to one route', async () => {
        const [every, other] = [await host.connect('/every'),
            await host.connect('/other')];

        await every.value('timer 5 10');
        assert.strictEqual(await every.text(), 'fired 5');
        await assertQuiet(other);
        assert.strictEqual(await other.value('clear 5'), '-6');
    });
});

suite('by id', TWO, ({ host, it }) => {
    let here;
    let there;
    let ids;

    it('needs a client in each worker', async () => {
        [here, there] = await host.inEachWorker('/every', 2);
        ids = [await here.value('id'), await there.value('id')];
        assert.notStrictEqual(ids[0], ids[1]);
    });

    it('sends to a connection of another worker', async () => {
        assert.strictEqual(await here.value(`sendto ${ids[1]} hello there`),
            '0');
        assert.strictEqual(await there.text(), 'hello there');
        assert.strictEqual(await there.value(`sendto ${ids[0]} back`), '0');
        assert.strictEqual(await here.text(), 'back');
    });

    it('sends to oneself', async () => {
        here.send(`sendto ${ids[0]} to me`);
        assert.deepStrictEqual([await here.text(), await here.text()].sort(),
            ['sendto 0', 'to me']);
    });

    it('keeps the order', async () => {
        const many = 500;

        for (let i = 0; i < many; i++) {
            here.send(`sendto ${ids[1]} ${i}`);
        }
        for (let i = 0; i < many; i++) {
            assert.strictEqual(await there.text(), `${i}`);
            assert.strictEqual(await here.text(), 'sendto 0');
        }
    });

    it('does not cross routes', async () => {
        const others = await host.inEachWorker('/other', 2);

        for (const other of others) {
            for (const id of ids) {
                assert.match(await other.value(`sendto ${id} wrong`),
                    /^(0|-6)$/);
                assert.match(await other.value(`closeid ${id} 1000`),
                    /^(0|-6)$/);
            }
        }
        /* Of the same worker it is known that there is no such one. */
        assert.strictEqual(await others[0].value(`sendto ${ids[0]} x`), '-6');
        await assertQuiet(here);
        await assertQuiet(there);
    });

    it('refuses what cannot be', async () => {
        assert.strictEqual(await here.value('sendto 0 x'), '-2');
        assert.strictEqual(await here.value('closeid 0 1000'), '-2');
        assert.strictEqual(await here.value(`closeid ${ids[1]} 42`), '-2');
        assert.strictEqual(await here.value(
            `closeid ${ids[1]} 1000 ${'x'.repeat(124)}`), '-2');
        assert.match(await here.value('sendto 18446744073709551615 x'),
            /^(0|-6)$/);
        assert.match(await here.value('sendto 1234567890123456789 x'),
            /^(0|-6)$/);
    });

    it('finds those of its own worker only', async () => {
        assert.strictEqual(await here.value(`find ${ids[0]}`), '127.0.0.1');
        assert.strictEqual(await here.value(`find ${ids[1]}`), '(null)');
        assert.strictEqual(await here.value('find 0'), '(null)');
        assert.strictEqual(await here.value('list'), ids[0]);
        assert.strictEqual(await here.value('count'), '1');
        const more = [];

        for (let i = 0; i < 20; i++) {
            more.push(await host.connect('/every'));
        }
        const mine = [ids[0]];

        for (const client of more) {
            if (await client.value('worker') === '0') {
                mine.push(await client.value('id'));
            }
        }
        assert.deepStrictEqual((await here.value('list')).split(' ').sort(),
            mine.sort());
        assert.strictEqual(await here.value('count'), `${mine.length}`);
        await Promise.all(more.map((client) => client.close(1000)));
    });

    it('closes a connection of another worker', async () => {
        assert.strictEqual(
            await here.value(`closeid ${ids[1]} 4000 from afar`), '0');
        assert.deepStrictEqual(await there.closed(),
            { code: 4000, reason: 'from afar' });
        await host.waitLog(
            new RegExp(`worker 1 .*#${ids[1]} .*: closed 4000 "from afar"`));
    });
});

/*
 * Interest in a topic takes a moment to reach the other workers. Publishes on
 * behalf of `from` until it gets to all others, and takes that away again.
 */
async function settle(from, others, topic) {
    const reached = ({ messages }) => messages.items.slice(messages.taken)
        .some(({ text }) => text === 'probe');

    await until(async () => {
        await from.value(`others ${topic} probe`);
        return others.every(reached);
    }, `interest in ${topic} in all workers`);
    await from.value(`others ${topic} settled`);
    for (const other of others) {
        while (await other.text('settled') !== 'settled') {
            continue;
        }
    }
}

/* What a client gets that publishes itself: the status, and its own copy. */
async function publish(client, command) {
    const name = command.split(' ')[0];
    const said = [];

    client.send(command);
    while (said.length < (name === 'pub' ? 2 : 1)) {
        said.push(await client.text());
    }
    assert.ok(said.includes(`${name} 0`), said.join());
    return said.find((text) => text !== `${name} 0`);
}

suite('a topic', TWO, ({ host, it }) => {
    let a;
    let b;
    let c;

    it('is subscribed to in both workers', async () => {
        [a, b] = await host.inEachWorker('/every', 2);
        do {
            c = await host.connect('/every');
        } while (await c.value('worker') !== '0');
        for (const client of [a, b, c]) {
            assert.strictEqual(await client.value('sub news'), '0');
        }
        await settle(a, [b, c], 'news');
        await settle(b, [a, c], 'news');
    });

    const assertAll = async (clients, text) => {
        for (const client of clients) {
            assert.strictEqual(await client.text(), text);
        }
    };

    it('reaches all that subscribed, in all workers', async () => {
        assert.strictEqual(await publish(a, 'pub news to all'), 'to all');
        await assertAll([b, c], 'to all');
        assert.strictEqual(await publish(b, 'pub news back'), 'back');
        await assertAll([a, c], 'back');
    });

    it('spares one of them', async () => {
        await publish(a, 'others news to others');
        await assertAll([b, c], 'to others');
        await publish(b, 'others news again');
        await assertAll([a, c], 'again');
        await assertQuiet(a);
        await assertQuiet(b);
    });

    it('reaches nobody else', async () => {
        const others = await host.inEachWorker('/other', 2);
        const stranger = await host.connect('/every');

        for (const other of others) {
            assert.strictEqual(await other.value('sub news'), '0');
        }
        await publish(a, 'pub news private');
        await assertAll([b, c], 'private');
        await publish(a, 'others olds nobody');
        for (const client of [...others, stranger, b, c]) {
            await assertQuiet(client);
        }
        stranger.terminate();
    });

    it('keeps the order of each publisher', async () => {
        const many = 1000;
        const from = { a: 0, b: 0 };

        for (let i = 0; i < many; i++) {
            a.send(`others news a ${i}`);
            b.send(`others news b ${i}`);
        }
        for (let i = 0; i < 2 * many; i++) {
            const [who, number] = (await c.text()).split(' ');

            assert.strictEqual(Number(number), from[who]);
            from[who]++;
        }
        for (const [client, other] of [[a, 'b'], [b, 'a']]) {
            let expected = 0;

            for (let i = 0; i < 2 * many; i++) {
                const text = await client.text();

                if (text !== 'others 0') {
                    assert.strictEqual(text, `${other} ${expected}`);
                    expected++;
                }
            }
            assert.strictEqual(expected, many);
        }
    });

    it('carries large messages', async () => {
        /* LONGEST_COMMAND of the plugin is the limit here. */
        const text = 'ä'.repeat(1500);
        const many = 200;

        for (let i = 0; i < many; i++) {
            a.send(`others news ${i} ${text}`);
        }
        for (let i = 0; i < many; i++) {
            for (const client of [b, c]) {
                const got = await client.text();

                assert.ok(got === `${i} ${text}`, `${i}: ${got.length}`);
            }
            assert.strictEqual(await a.text(), 'others 0');
        }
    });

    it('lets go who unsubscribes', async () => {
        assert.strictEqual(await b.value('unsub news'), '0');
        assert.strictEqual(await b.value('unsub news'), '-6');
        assert.strictEqual(await b.value('unsub never'), '-6');
        await publish(a, 'others news without b');
        await assertAll([c], 'without b');
        await assertQuiet(b);
        assert.strictEqual(await b.value('sub news'), '0');
        assert.strictEqual(await b.value('sub news'), '0');
        await settle(a, [b, c], 'news');
    });

    it('lets go who leaves', async () => {
        await c.close(1000);
        assert.strictEqual(await publish(a, 'pub news two left'), 'two left');
        await assertAll([b], 'two left');
    });

    it('has a name of 1 to 64 bytes', async () => {
        assert.strictEqual(await a.value(`sub ${'x'.repeat(64)}`), '0');
        assert.strictEqual(await a.value(`sub ${'x'.repeat(65)}`), '-2');
        assert.strictEqual(await a.value('sub '), '-2');
        assert.strictEqual(await a.value(`pub ${'x'.repeat(65)} y`), '-2');
        assert.strictEqual(await a.value(`listen ${'x'.repeat(65)}`), '-2');
        assert.strictEqual(await a.value(`unlisten ${'x'.repeat(65)}`), '-2');
        assert.strictEqual(await a.value(`unsub ${'x'.repeat(65)}`), '-2');
    });

    it('is counted', async () => {
        const metrics = await host.metrics();

        assert.ok(metrics.get('patchbay_published_total{route="every"}') >
            2000);
        assert.ok(metrics.get('patchbay_bus_sent_total') > 1000);
        assert.ok(metrics.get('patchbay_bus_received_total') > 1000);
        assert.strictEqual(metrics.get('patchbay_bus_dropped_total'), 0);
        assert.strictEqual(metrics.get('patchbay_topics') >= 3, true);
    });
});

suite('a listener', TWO, ({ host, it }) => {
    it('hears what is published, here and elsewhere', async () => {
        const [a, b] = await host.inEachWorker('/every', 2);
        const id = await b.value('id');

        assert.strictEqual(await a.value('listen news'), '0');
        assert.strictEqual(await a.value('listen news'), '0');
        a.send('pub news one');
        assert.deepStrictEqual([await a.text(), await a.text()],
            ['pub 0', 'notice news one local except 0']);
        const heard = `notice news two remote except ${id}`;

        await until(async () => {
            await b.value('others news two');
            return a.messages.items.some(({ text }) => text === heard);
        }, 'the interest of the other worker');
        await b.value('others news three');
        while (await a.text() !== heard.replace('two', 'three')) {
            continue;
        }
        await assertQuiet(b);
        assert.strictEqual(await a.value('unlisten news'), '0');
        assert.strictEqual(await a.value('unlisten news'), '-6');
        await a.value('pub news four');
        await b.value('pub news four');
        await assertQuiet(a);
    });
});

suite('a pause', { ...ONE, concurrency: 2 }, ({ host, it }) => {
    it('holds messages back until it ends', async () => {
        const client = await host.connect('/every');
        const other = await host.connect('/every');

        client.send(`pause ${1500 * SLOWNESS}`); /* in which all this is */
        client.send('echo one');
        client.send('echo two');
        assert.strictEqual(await client.text(), 'pause 0');
        assert.strictEqual(await other.ask('echo meanwhile'), 'meanwhile');
        assert.strictEqual(await other.value(
            `sendto ${(await other.value('list')).split(' ')[0]} push`), '0');
        assert.strictEqual(await client.text(), 'push');
        assert.strictEqual(client.messages.length, 2);
        assert.strictEqual(await client.text(), 'resumed');
        assert.strictEqual(await client.text(), 'one');
        assert.strictEqual(await client.text(), 'two');
    });

    it('ends with the client', async () => {
        const client = await host.connect('/every');
        const id = await client.value('id');

        await client.value('pause 60000');
        client.terminate();
        await host.waitLog(new RegExp(`#${id} .*: closed 1006`));
    });
});

suite('deferred work', ONE, ({ host, it }) => {
    it('runs on another thread, while others are served', async () => {
        const [client, other] = [await host.connect('/every'),
            await host.connect('/every')];
        const start = performance.now();
        const ms = 1500 * SLOWNESS;

        assert.strictEqual(await client.value(`defer ${ms}`), '0');
        for (let i = 0; i < 10; i++) {
            assert.strictEqual(await other.ask('echo free'), 'free');
        }
        assert.ok(performance.now() - start < ms, 'others had to wait');
        assert.strictEqual(await client.text(), 'deferred 0 other-thread');
        await host.waitLog(
            new RegExp(`\\[every/everything\\]: slept ${ms} ms`));
    });

    it('is done after its client is gone, too', async () => {
        const client = await host.connect('/every');

        client.send('defer 1000');
        assert.strictEqual(await client.text(), 'defer 0');
        client.terminate();
        await host.waitLog(/deferred 0, but its connection is gone/);
        assert.strictEqual(
            (await host.metrics()).get('patchbay_deferred_jobs'), 0);
    });

    it('is done for many at once', async () => {
        const clients = await Promise.all(Array.from({ length: 20 }, () =>
            host.connect('/every')));

        clients.forEach((client) => client.send('defer 5'));
        for (const client of clients) {
            assert.strictEqual(await client.text(), 'defer 0');
            assert.strictEqual(await client.text(), 'deferred 0 other-thread');
        }
    });
});

suite('a full queue', {
    limits: { send_queue: '256k' },
    routes: ROUTES,
}, ({ host, it }) => {
    it('says so, and when there is room again', async () => {
        const client = await host.connect('/every');
        const other = await host.connect('/every');

        client.send('fill 16384');
        client.socket.pause();
        assert.strictEqual(await other.ask('echo unharmed'), 'unharmed');
        client.socket.resume();
        let count = 0;
        let next = await client.next();

        for (; next.binary; next = await client.next()) {
            assert.strictEqual(next.data.length, 16384);
            count++;
        }
        /* The socket takes some, the queue 256 KiB. */
        assert.ok(count >= 16, `${count} messages`);
        assert.strictEqual(next.text, `drained ${count}`);
        assert.strictEqual(await client.value('backlog'), '0');
    });

    it('has room for a message of any size when it is empty', async () => {
        const client = await host.connect('/every');

        client.send('binary 3000000');
        const { data } = await client.next();

        assert.strictEqual(data.length, 3000000);
        assert.ok(data.every((byte, i) => byte === (i & 255)));
    });

    it('loses nothing of a flood', async () => {
        const client = await host.connect('/every');

        client.send('flood 100000');
        let expected = 0;
        let text = await client.text();

        for (; text.startsWith('flood'); text = await client.text()) {
            assert.strictEqual(text, `flood ${expected}`);
            expected++;
        }
        assert.strictEqual(text, `drained ${expected}`);
    });
});

suite('a connection', ONE, ({ host, it }) => {
    it('has its facts', async () => {
        const client = await host.connect('/every');
        const facts = async () => Object.fromEntries(
            (await client.value('facts')).split(' ').map((each) => {
                const [name, value] = each.split('=');

                return [name, Number(value)];
            }));
        const first = await facts();
        const now = Number(await client.value('now'));

        assert.ok(first.connected <= now && first.connected > now - 10000);
        assert.ok(first.last >= first.connected && first.last <= now);
        assert.strictEqual(first.in, 1);
        assert.strictEqual(first.bytes_in, 'facts'.length);
        assert.strictEqual(first.out, 0);
        assert.strictEqual(first.bytes_out, 0);
        client.send(Buffer.alloc(1000));
        await client.next();
        await pass(20);
        const second = await facts();

        assert.strictEqual(second.in, 4);
        assert.strictEqual(second.bytes_in,
            2 * 'facts'.length + 'now'.length + 1000);
        assert.strictEqual(second.out, 3);
        assert.ok(second.bytes_out > 1000 && second.bytes_out < 1500);
        assert.ok(second.last >= first.last + 20);
        assert.strictEqual(second.connected, first.connected);
    });

    it('has a block of its own, and its instance one', async () => {
        const clients = [await host.connect('/every'),
            await host.connect('/every')];

        for (let i = 1; i < 4; i++) {
            assert.strictEqual(await clients[0].value('messages'), `${i}`);
        }
        assert.strictEqual(await clients[1].value('messages'), '1');
        const opens = await clients[0].value('opens');

        assert.strictEqual(await clients[1].value('opens'), opens);
        const other = await host.connect('/other');

        assert.strictEqual(await other.value('opens'), '1');
    });

    it('gets texts, binary messages and formatted ones', async () => {
        const client = await host.connect('/every');

        assert.strictEqual(await client.ask('sendf'),
            'sendf 42 -7 2.50 text %');
        client.send('text 70000');
        assert.strictEqual(await client.text(), 'x'.repeat(70000));
        client.send('text 0');
        assert.strictEqual(await client.text(), '');
        client.send('binary 0');
        assert.strictEqual((await client.next()).binary, true);
        client.send('kind 1 as text');
        assert.strictEqual(await client.text(), 'as text');
        assert.strictEqual(await client.text(), 'kind 0');
        client.send('kind 2 as binary');
        assert.deepStrictEqual((await client.next()).data,
            Buffer.from('as binary'));
        assert.strictEqual(await client.text(), 'kind 0');
        for (const kind of [-1, 0, 3, 8, 9]) {
            assert.strictEqual(await client.value(`kind ${kind} x`), '-2');
        }
    });

    it('knows its errors by name', async () => {
        const client = await host.connect('/every');

        assert.strictEqual(await client.value('strerror -5'), 'queue full');
        assert.strictEqual(await client.value('strerror 0'), 'success');
        assert.strictEqual(await client.ask('nonsense'), 'unknown nonsense');
    });
});

suite('options', {
    plugins: { everything: { limit: '-100', verbose: 'yes', wait: '2s' } },
    routes: {
        plain: { path: '/plain', plugin: 'everything' },
        own: { path: '/own', plugin: 'everything',
            'everything.name': '"ä; # %s"', 'everything.limit': 7,
            'everything.verbose': 'off', 'everything.buffer': '2m' },
    },
}, ({ host, it }) => {
    it('come from the plugin, the file, and the route', async () => {
        const expected = {
            '/plain': {
                name: 'nobody 0 no', limit: '-100 -100 yes',
                verbose: 'yes 1 yes', buffer: '64k 65536 yes',
                wait: '2s 2000 yes', unknown: '(null) 0 no',
            },
            '/own': {
                name: 'ä; # %s 0 no', limit: '7 7 yes', verbose: 'off 0 no',
                buffer: '2m 2097152 yes', wait: '2s 2000 yes',
            },
        };

        for (const [path, options] of Object.entries(expected)) {
            const client = await host.connect(path);

            for (const [name, values] of Object.entries(options)) {
                assert.strictEqual(await client.value(`conf ${name}`),
                    values, `${name} of ${path}`);
            }
        }
    });
});

suite('the log', {
    log: { level: 'info' },
    routes: ROUTES,
    expected: [/level [12]$/, /out of range/],
}, ({ host, it }) => {
    it('has lines of a plugin, by level', async () => {
        const client = await host.connect('/every');
        const from = host.mark();

        for (const level of [1, 2, 3, 4]) {
            await client.value(`logroute ${level} level ${level}`);
        }
        await client.value('log of the connection');
        await host.waitLog(/of the connection/, { from });
        const lines = host.lines.items.slice(from);
        const id = await client.value('id');

        assert.deepStrictEqual(lines.map(({ level, who, route, plugin, conn,
            remote, message }) =>
            [level, who, route, plugin, conn, remote, message]), [
            ['error', 'worker 0', 'every', 'everything', undefined, undefined,
                'level 1'],
            ['warn', 'worker 0', 'every', 'everything', undefined, undefined,
                'level 2'],
            ['info', 'worker 0', 'every', 'everything', undefined, undefined,
                'level 3'],
            ['info', 'worker 0', 'every', 'everything', id, '127.0.0.1',
                'of the connection'],
        ]);
    });

    it('cannot be forged by a client', async () => {
        const client = await host.connect('/every');
        const from = host.mark();

        await client.value('log one\n2026-11-22T20:14:41.123Z error master: ' +
            'forged\x1b[31m\x7f\u0085');
        await client.value(`log ${'x'.repeat(3000)}`);
        await host.waitLog(/: xxx/, { from });
        const lines = host.lines.items.slice(from);

        assert.strictEqual(lines.length, 2);
        assert.strictEqual(lines[0].message,
            'one\\n2026-11-22T20:14:41.123Z error master: forged' +
            '\\x1b[31m\\x7f\\x85');
    });
});
