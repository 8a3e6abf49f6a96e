/* chat.test.js - the chat's protocol: what is said, to whom, and how much */
'use strict';

const assert = require('node:assert');
const { suite } = require('./lib/suite.js');
const { Member, assertNow, meet, pair } = require('./lib/chat.js');

const SETUP = {
    server: { workers: 2 },
    routes: {
        chat: { path: '/chat', plugin: 'chat' },
        brief: { path: '/brief', plugin: 'chat', 'chat.max_text': 10 },
        kept: { path: '/kept', plugin: 'chat', history: 100 },
    },
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
        const { time, ...rest } = heard[0];

        assertNow(time);
        assert.deepStrictEqual(rest,
            { type: 'message', from: a.me, text: 'hello, 服务端' });
        b.say('back', 'my ref');
        for (const member of [a, b]) {
            assert.strictEqual((await member.hears('back', b)).ref, 'my ref');
        }
    });

    it('keeps the order of each speaker, and loses nothing', async () => {
        const room = newRoom();
        const members = await pair(host, '/chat', { room });
        const many = 200;

        for (let i = 0; i < many; i++) {
            members.forEach((member) => member.say(`${i}`));
        }
        for (const member of members) {
            const said = { a: [], b: [] };

            for (let i = 0; i < 2 * many; i++) {
                const { from, text } = await member.next('message');

                said[from.name].push(Number(text));
            }
            const inOrder = Array.from({ length: many }, (_, i) => i);

            assert.deepStrictEqual(said, { a: inOrder, b: inOrder });
        }
    });

    it('is in one order for all, on a route that keeps it', async () => {
        const members = await pair(host, '/kept', { room: newRoom() });
        const many = 50;
        const said = [];

        for (let i = 0; i < many; i++) {
            members.forEach((member) => member.say(`${i}`));
        }
        for (const [i, member] of members.entries()) {
            said[i] = [];
            while (said[i].length < 2 * many) {
                const { from, text } = await member.next('message');

                said[i].push(`${from.name}${text}`);
            }
        }
        assert.deepStrictEqual(said[0], said[1]);
    });

    it('tidies texts, and takes what can be seen', async () => {
        const a = await join(host, '/chat',
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
        const a = await join(host, '/chat', { room: newRoom(), name: 'a' });
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
            ['{"type":"private","to":"nobody","text":"x"}', 'not_here'],
            [`{"type":"private","to":"${'x'.repeat(1000)}","text":"x"}`,
                'not_here'],
            [JSON.stringify({ type: 'say', text: 'x'.repeat(2001) }),
                'too_long'],
            [JSON.stringify({ type: 'say', text: '😀'.repeat(2001) }),
                'too_long'],
            ['x'.repeat(30000), 'bad_json'],
        ];

        for (const [text, code] of wrong) {
            a.client.send(text);
            await a.fails(code);
        }
        a.say('still here');
        await a.hears('still here');
    });

    it('repeats the ref of what was wrong', async () => {
        const a = await join(host, '/chat', { room: newRoom(), name: 'a' });

        for (const [ref, expected] of [['m1', 'm1'], ['', ''],
            ['x'.repeat(64), 'x'.repeat(64)], ['x'.repeat(65)], [7], [null],
            [{}], [['x']]]) {
            a.say('', ref);
            await a.fails('bad_text', expected);
            a.tell('nobody', 'x', ref);
            await a.fails('not_here', expected);
        }
    });

    it('keeps to the limit of the route', async () => {
        const a = await join(host, '/brief', { room: newRoom(), name: 'a' });

        assert.strictEqual(a.welcome.limits.text, 10);
        a.say('0123456789');
        await a.hears('0123456789');
        a.say('0123456789x', 'm');
        await a.fails('too_long', 'm');
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
        const [a, b] = await pair(host, '/chat', { room });
        const others = [await join(host, '/chat', { room, name: 'c' }),
            await join(host, '/chat', { room, name: 'd' })];

        await meet([a, b, ...others]);
        for (const [from, to] of [[a, b], [b, a], [a, others[0]],
            [b, others[1]]]) {
            from.tell(to, ' psst ');
            const got = await to.next('private');

            assert.deepStrictEqual(await from.next('private'), got);
            const { time, ...rest } = got;

            assertNow(time);
            assert.deepStrictEqual(rest, { type: 'private', from: from.me,
                to: to.me, text: 'psst' });
            /* Had anybody else got it, then before this. */
            from.say('aloud');
            for (const member of [a, b, ...others]) {
                await member.hears('aloud', from);
            }
        }
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
