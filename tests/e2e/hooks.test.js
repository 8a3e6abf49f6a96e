/* hooks.test.js - when the hooks of a plugin run, and what they return */
'use strict';

const assert = require('node:assert');
const { suite } = require('./lib/suite.js');
const {
    OPCODE, closePayload, frame, requestText, upgradeHeaders,
} = require('./lib/raw.js');
const { until } = require('./lib/wait.js');

const ROUTES = {
    every: { path: '/every', plugin: 'everything' },
    returns: { path: '/returns', plugin: 'returns' },
    returnsdrop: { path: '/drop', plugin: 'returns', slow_peer: 'drop' },
};

suite('the order of hooks', { routes: ROUTES }, ({ host, it }) => {
    it('is handshake, open, message, close', async () => {
        const raw = await host.raw();

        raw.write(
            requestText('GET /every?hello=1 HTTP/1.1', upgradeHeaders('x')),
            frame(OPCODE.text, 'messages'), frame(OPCODE.text, 'messages'),
            frame(OPCODE.close, closePayload(4321, 'bye')));
        assert.strictEqual((await raw.response()).headers['x-everything'],
            'handshake');
        const [, id] = /^hello (\d+)$/.exec((await raw.message()).text);

        assert.strictEqual((await raw.message()).text, 'messages 1');
        assert.strictEqual((await raw.message()).text, 'messages 2');
        assert.deepStrictEqual(await raw.close(),
            { code: 4321, reason: 'bye' });
        await host.waitLog(new RegExp(`#${id} 127.0.0.1: closed 4321 "bye"`));
    });

    it('has one close for each open', async () => {
        const watcher = await host.connect('/every');

        await watcher.value('sub closes');
        const opens = Number(await watcher.value('opens'));
        const many = 100;

        for (let i = 0; i < many; i++) {
            const client = await host.connect('/every');

            if (i % 2) {
                client.terminate();
            } else {
                client.socket.close(1000);
            }
        }
        const closed = [];

        for (let i = 0; i < many; i++) {
            closed.push((await watcher.text('a close hook')).split(' '));
        }
        assert.strictEqual(Number(await watcher.value('opens')),
            opens + many);
        assert.strictEqual(new Set(closed.map(([id]) => id)).size, many);
        for (const code of ['1000', '1006']) {
            assert.strictEqual(
                closed.filter((each) => each[1] === code).length, many / 2);
        }
        assert.strictEqual(await watcher.value('count'), '1');
    });

    it('has open and close for who is gone before open', async () => {
        const from = host.mark();
        const many = 50;
        const before = await host.metrics();
        const opened = (metrics) =>
            metrics.get('patchbay_connections_total{route="every"}');

        await Promise.all(Array.from({ length: many }, async () => {
            const raw = await host.raw();

            raw.socket.write(requestText('GET /every HTTP/1.1',
                upgradeHeaders('x')), () => raw.reset());
            await raw.ended();
        }));
        /* The host may hear of the reset before it sees the handshake. */
        const after = await until(async () => {
            const now = await host.metrics();

            return now.get('patchbay_sockets') === 2 && now;
        }, 'the end of all of them');

        const closed = () => host.logged(/: closed 1006 ""/, from).length;
        const expected = opened(after) - opened(before);

        await until(() => closed() >= expected, 'the close hooks');
        assert.strictEqual(closed(), expected);
    });
});

suite('a message hook', {
    routes: ROUTES,
    expected: [/the message hook (failed|returned)/],
}, ({ host, it }) => {
    const run = async (result, path = '/returns') => {
        const client = await host.connect(path);

        assert.strictEqual(await client.ask(`${result}`),
            `returning ${result}`);
        return client;
    };

    it('that returns 0 goes on', async () => {
        const client = await run(0);

        assert.strictEqual(await client.ask('0'), 'returning 0');
    });

    it('that returns a close code closes with it', async () => {
        for (const result of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
            1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]) {
            const from = host.mark();

            assert.deepStrictEqual(await (await run(result)).closed(),
                { code: result, reason: '' });
            assert.strictEqual(host.logged(/ error /, from).length, 0);
        }
    });

    it('that fails closes with 1011, and the log says why', async () => {
        for (const [result, text] of [[-1, 'out of memory'],
            [-2, 'invalid argument'], [-3, 'not allowed here'],
            [-6, 'not found'], [-7, 'too big'], [-8, 'canceled'],
            [-99, 'unknown error']]) {
            const from = host.mark();

            assert.strictEqual((await (await run(result)).closed()).code,
                1011);
            await host.waitLog(new RegExp(
                ' error worker 0 \\[returns/returns\\] #\\d+ 127.0.0.1: ' +
                `the message hook failed: ${text} \\(${result}\\)`), { from });
        }
    });

    it('that returns nonsense closes with 1011', async () => {
        for (const result of [1, 42, 200, 404, 999, 1004, 1005, 1006, 1015,
            1016, 2000, 2999, 5000, 65536]) {
            const from = host.mark();

            assert.strictEqual((await (await run(result)).closed()).code,
                1011, `${result}`);
            await host.waitLog(new RegExp(`the message hook returned ` +
                `${result}, which is neither 0, an error nor a close code`),
            { from });
        }
    });

    it('that says "closed" is no news', async () => {
        const client = await run(-4);

        assert.strictEqual(await client.ask('0'), 'returning 0');
    });

    it('that passes "full" on is a slow peer', async () => {
        assert.strictEqual((await (await run(-5)).closed()).code, 1013);
        const client = await run(-5, '/drop');

        assert.strictEqual(await client.ask('0'), 'returning 0');
    });

    it('is counted when it fails', async () => {
        const name = 'patchbay_hook_errors_total{route="returns"}';
        const before = (await host.metrics()).get(name);

        await (await run(-1)).closed();
        await (await run(42)).closed();
        await (await run(1008)).closed();
        assert.strictEqual((await host.metrics()).get(name), before + 2);
    });
});

suite('an open hook', {
    routes: ROUTES,
    expected: [/the open hook (failed|returned)/],
}, ({ host, it }) => {
    for (const [result, code] of [[1008, 1008], [4000, 4000], [-1, 1011],
        [42, 1011], [404, 1011]]) {
        it(`that returns ${result} closes with ${code}`, async () => {
            const client = await host.connect(`/every?open=${result}&hello=1`);

            assert.match(await client.text(), /^hello \d+$/);
            assert.strictEqual((await client.closed()).code, code);
            await host.waitLog(new RegExp(`: closed ${code} `));
        });
    }
});

suite('a close', { routes: ROUTES }, ({ host, it }) => {
    it('tells the client code and reason', async () => {
        for (const [code, reason] of [[1000, ''], [1000, 'the end'],
            [1013, 'ä'.repeat(61)], [4000, 'x'.repeat(123)]]) {
            const client = await host.connect('/every');

            client.send(`close ${code} ${reason}`);
            assert.deepStrictEqual(await client.closed(), { code, reason });
        }
    });

    it('is refused if it makes no sense', async () => {
        const client = await host.connect('/every');

        for (const code of [0, 42, 999, 1004, 1005, 1006, 1015, 2000, 5000]) {
            assert.strictEqual(await client.value(`close ${code} no`), '-2',
                `${code}`);
        }
        assert.strictEqual(await client.value(`close 1000 ${'x'.repeat(124)}`),
            '-2');
        assert.strictEqual(await client.ask('echo open'), 'open');
    });

    it('comes behind what was sent before', async () => {
        const client = await host.connect('/every');

        client.send('binary 300000');
        client.send('text 300000');
        client.send('close 4000 done');
        assert.strictEqual((await client.next()).data.length, 300000);
        assert.strictEqual((await client.next()).data.length, 300000);
        assert.deepStrictEqual(await client.closed(),
            { code: 4000, reason: 'done' });
    });

    it('ends the messages', async () => {
        const raw = await host.rawUpgrade('/every');

        raw.write(frame(OPCODE.text, 'close 4000 first'),
            frame(OPCODE.text, 'echo too late'),
            frame(OPCODE.text, 'close 4001 second'));
        assert.deepStrictEqual(await raw.close(),
            { code: 4000, reason: 'first' });
        raw.send(OPCODE.close, closePayload(4000));
        assert.strictEqual((await raw.rest()).length, 0);
    });

    it('tells the plugin what the client said', async () => {
        for (const [code, reason, heard] of [[1000, 'fine', 1000],
            [4999, 'ünï', 4999], [1001, '', 1001], [undefined, '', 1005]]) {
            const client = await host.connect('/every');
            const id = await client.value('id');

            await client.close(code, reason);
            await host.waitLog(new RegExp(
                `#${id} 127.0.0.1: closed ${heard} "${reason}"`));
        }
    });

    it('tells the plugin what it said itself', async () => {
        const client = await host.connect('/every');
        const id = await client.value('id');

        client.send('close 4000 mine');
        await client.closed();
        await host.waitLog(new RegExp(`#${id} .*: closed 4000 "mine"`));
    });

    it('is 1006 when the client vanishes', async () => {
        for (const leave of ['reset', 'end', 'destroy']) {
            const raw = await host.rawUpgrade('/every');

            raw.send(OPCODE.text, 'id');
            const [, id] = (await raw.message()).text.split(' ');

            raw[leave]();
            await host.waitLog(new RegExp(`#${id} .*: closed 1006 ""`));
        }
    });

    it('is 1006 in the midst of a message, too', async () => {
        const raw = await host.rawUpgrade('/every');

        raw.send(OPCODE.text, 'id');
        const [, id] = (await raw.message()).text.split(' ');

        raw.send(OPCODE.text, 'half of', { fin: false });
        raw.send(OPCODE.continuation, 'a', { length: 100 });
        raw.end();
        await host.waitLog(new RegExp(`#${id} .*: closed 1006 ""`));
    });

    it('leaves nobody behind to send to', async () => {
        const [client, other] = [await host.connect('/every'),
            await host.connect('/every')];
        const id = await client.value('id');

        await other.value('sub closes');
        await client.close(1000);
        assert.strictEqual(await other.text(), `${id} 1000 `);
        assert.strictEqual(await other.value(`find ${id}`), '(null)');
        assert.strictEqual(await other.value(`sendto ${id} hello`), '-6');
        assert.strictEqual(await other.value(`closeid ${id} 1000`), '-6');
    });
});
