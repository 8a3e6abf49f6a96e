/* chat.test.js - the chat's protocol: what is said, to whom, and how much */
'use strict';

const assert = require('node:assert');
const { suite } = require('./lib/suite.js');
const { Member, assertNow, meet, pair } = require('./lib/chat.js');
const { pass } = require('./lib/wait.js');

const FAST = { 'chat.rate': 1000, 'chat.burst': 1000 };

const SETUP = {
    server: { workers: 2 },
    routes: {
        chat: { path: '/chat', plugin: 'chat' },
        fast: { path: '/fast', plugin: 'chat', ...FAST },
        brief: { path: '/brief', plugin: 'chat', 'chat.max_text': 10 },
        slow: { path: '/slow', plugin: 'chat', 'chat.rate': 10,
            'chat.burst': 3 },
    },
    expected: [/ floods room /],
};

/* A room nobody else uses. */
let rooms = 0;
const newRoom = () => `room ${++rooms}`;

const join = (host, path, parameters) => Member.join(host, path, parameters);

suite('talking', SETUP, ({ host, it }) => {
    it('reaches all in the room, in every worker', async () => {
        const room = newRoom();
        const [a, b] = await pair(host, '/chat', { room });
        const heard = [];

        a.say('hello, 服务端');
        for (const member of [a, b]) {
            heard.push(await member.hears('hello, 服务端', a));
        }
        assert.deepStrictEqual(heard[0], heard[1]);
        const { id, time, ...rest } = heard[0];

        assert.match(id, /^[0-9a-f]{16}-\d+$/);
        assertNow(time);
        assert.deepStrictEqual(rest,
            { type: 'message', from: a.me, text: 'hello, 服务端' });
        b.say('back');
        for (const member of [a, b]) {
            const { id: other } = await member.hears('back', b);

            assert.notStrictEqual(other, id);
        }
    });

    it('keeps the order of each speaker, and loses nothing', async () => {
        const room = newRoom();
        const members = await pair(host, '/fast', { room });
        const many = 200;

        for (let i = 0; i < many; i++) {
            members.forEach((member) => member.say(`${i}`));
        }
        for (const member of members) {
            const said = { a: [], b: [] };
            const ids = new Set();

            for (let i = 0; i < 2 * many; i++) {
                const { from, text, id } = await member.next('message');

                said[from.name].push(Number(text));
                ids.add(id);
            }
            const inOrder = Array.from({ length: many }, (_, i) => i);

            assert.deepStrictEqual(said, { a: inOrder, b: inOrder });
            assert.strictEqual(ids.size, 2 * many);
        }
    });

    it('tidies texts, and takes what can be seen', async () => {
        const a = await join(host, '/fast',
            { room: newRoom(), name: 'a' });

        for (const [text, expected] of [['  x \n', 'x'],
            ['a\tb\r\nc', 'a\tb\r\nc'], ['😀'.repeat(2000), '😀'.repeat(2000)],
            ['<script>alert(1)</script>', '<script>alert(1)</script>'],
            ['"\\/\u2028', '"\\/\u2028'], ['\ud83d\ude00', '😀']]) {
            a.say(text);
            await a.hears(expected);
        }
    });

    it('says what is wrong, and goes on', async () => {
        const a = await join(host, '/fast', { room: newRoom(), name: 'a' });
        const wrong = [
            ['', 'bad_json'], ['{', 'bad_json'], ['null', 'bad_json'],
            ['[]', 'bad_json'], ['"say"', 'bad_json'], ['{}x', 'bad_json'],
            ['['.repeat(10000), 'bad_json'], ['{"type":"say",}', 'bad_json'],
            ['{"type":"say","text":"\\u0000"}', 'bad_json'],
            ['{"type":"say","text":"\\ud800"}', 'bad_json'],
            ['{}', 'bad_type'], ['{"type":"x"}', 'bad_type'],
            ['{"type":1}', 'bad_type'], ['{"type":"SAY"}', 'bad_type'],
            ['{"type":"say"}', 'bad_text'],
            ['{"type":"say","text":7}', 'bad_text'],
            ['{"type":"say","text":""}', 'bad_text'],
            ['{"type":"say","text":" \\n "}', 'bad_text'],
            ['{"type":"say","text":"a\\u0007"}', 'bad_text'],
            ['{"type":"private","text":"x"}', 'not_here'],
            ['{"type":"private","to":1,"text":"x"}', 'not_here'],
            ['{"type":"private","to":"-1","text":"x"}', 'not_here'],
            ['{"type":"private","to":"99999999999999999999","text":"x"}',
                'not_here'],
            [JSON.stringify({ type: 'say', text: 'x'.repeat(2001) }),
                'too_long'],
            [JSON.stringify({ type: 'say', text: '😀'.repeat(2001) }),
                'too_long'],
            ['x'.repeat(30000), 'too_long'],
        ];

        for (const [text, code] of wrong) {
            a.client.send(text);
            await a.fails(code);
        }
        a.say('still here');
        await a.hears('still here');
    });

    it('repeats the ref of what was wrong', async () => {
        const a = await join(host, '/fast', { room: newRoom(), name: 'a' });

        for (const [ref, expected] of [['m1', 'm1'], [7, 7], ['', ''],
            [2 ** 53 - 1, 2 ** 53 - 1], [1.5], [null], [{}], [['x']]]) {
            a.say('', ref);
            await a.fails('bad_text', expected);
            a.tell('1', 'x', ref);
            await a.fails('not_here', expected);
        }
    });

    it('keeps to the limit of the route', async () => {
        const a = await join(host, '/brief', { room: newRoom(), name: 'a' });

        assert.strictEqual(a.welcome.limits.text, 10);
        a.say('0123456789');
        await a.hears('0123456789');
        a.say('0123456789x', 1);
        await a.fails('too_long', 1);
    });

    it('takes no binary', async () => {
        const room = newRoom();
        const [a, b] = await pair(host, '/chat', { room });

        a.client.send(Buffer.from('{"type":"say","text":"x"}'));
        assert.strictEqual((await a.closed()).code, 1003);
        assert.deepStrictEqual((await b.next('leave')).member, a.me);
    });

    it('hides private messages from all but two', async () => {
        const room = newRoom();
        const [a, b] = await pair(host, '/fast', { room });
        const others = [await join(host, '/fast', { room, name: 'c' }),
            await join(host, '/fast', { room, name: 'd' })];

        await meet([a, b, ...others]);
        for (const [from, to] of [[a, b], [b, a], [a, others[0]],
            [b, others[1]]]) {
            from.tell(to, ' psst ');
            const got = await to.next('private');

            assert.deepStrictEqual(await from.next('private'), got);
            const { id, time, ...rest } = got;

            assert.match(id, /^[0-9a-f]{16}-\d+$/);
            assertNow(time);
            assert.deepStrictEqual(rest, { type: 'private', from: from.me,
                to: to.me, text: 'psst' });
            /* Had anybody else got it, then before this. */
            from.say('aloud');
            for (const member of [a, b, ...others]) {
                await member.hears('aloud', from);
            }
        }
        assert.ok(!(await a.history()).includes('psst'));
        a.tell(a, 'note to self');
        assert.strictEqual((await a.next('private')).text, 'note to self');
        a.say('once only');
        await a.hears('once only');
    });

    it('tells nobody who has left, or is elsewhere', async () => {
        const room = newRoom();
        const [a, b] = await pair(host, '/chat', { room });
        const other = await join(host, '/chat',
            { room: newRoom(), name: 'x' });

        await b.leave();
        await a.next('leave');
        a.tell(b, 'still there?', 'm1');
        await a.fails('not_here', 'm1');
        a.tell(other, 'psst', 'm2');
        await a.fails('not_here', 'm2');
    });
});

suite('the rate', SETUP, ({ host, it }) => {
    it('is a burst at once, then some a second', async () => {
        const room = newRoom();
        const a = await join(host, '/slow', { room, name: 'a' });
        const b = await join(host, '/slow', { room, name: 'b' });

        await a.next('join');
        for (let i = 1; i <= 4; i++) {
            a.say(`${i}`, i);
        }
        for (let i = 1; i <= 3; i++) {
            await a.hears(`${i}`);
            await b.hears(`${i}`);
        }
        await a.fails('rate', 4);
        await pass(350); /* at 10 a second: out of debt, and two more */
        a.say('again');
        await a.hears('again');
        await b.hears('again');
    });

    it('ends for who goes on regardless', async () => {
        const room = newRoom();
        const [a, b] = await pair(host, '/chat', { room });

        const before = a.client.messages.length;

        for (let i = 0; i < 60; i++) {
            a.say(`${i}`);
        }
        const { code, reason } = await a.closed();

        assert.deepStrictEqual({ code, reason },
            { code: 1008, reason: 'too many messages' });
        const said = a.client.messages.items.slice(before)
            .map(({ text }) => JSON.parse(text));
        const passed = said.filter(({ type }) => type === 'message').length;
        const refused = said.filter(({ type }) => type === 'error').length;

        /* One of the burst of 10 went to getting to know b. */
        assert.ok(passed >= 9 && passed <= 11, `${passed} passed`);
        assert.ok(refused >= 9 && refused <= 11, `${refused} refused`);
        assert.strictEqual(said.length, passed + refused);
        for (let i = 0; i < passed; i++) {
            await b.hears(`${i}`);
        }
        assert.deepStrictEqual((await b.next('leave')).member, a.me);
        await host.waitLog(/warn .*\[chat\/chat\] #\d+ .*: a floods room /);
    });

    it('counts what is not said, too', async () => {
        const a = await join(host, '/chat', { room: newRoom(), name: 'a' });

        for (let i = 0; i < 60; i++) {
            a.client.send('x');
        }
        assert.strictEqual((await a.closed()).code, 1008);
    });
});
