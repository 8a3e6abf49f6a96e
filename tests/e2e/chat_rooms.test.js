/* chat_rooms.test.js - the chat's rooms: who may join, who comes and goes */
'use strict';

const assert = require('node:assert');
const { OPCODE, upgradeHeaders } = require('./lib/raw.js');
const { suite } = require('./lib/suite.js');
const { Member, assertNow, chatUrl, inEachWorker, pair, refused } =
    require('./lib/chat.js');
const { until } = require('./lib/wait.js');

const SETUP = {
    server: { workers: 2 },
    routes: {
        chat: { path: '/chat', plugin: 'chat', history: 100 },
        rooms: { path: '/rooms/*', plugin: 'chat' },
        brief: { path: '/brief', plugin: 'chat', history: 3 },
        tight: { path: '/tight', plugin: 'chat', 'chat.members': 2 },
    },
};

/* A room nobody else uses. */
let rooms = 0;
const newRoom = () => `room ${++rooms}`;

const join = (host, path, parameters) => Member.join(host, path, parameters);

async function assertRefused(host, path, parameters, code) {
    const { code: got, reason } = await refused(host, path, parameters);

    assert.strictEqual(got, code, JSON.stringify(parameters));
    assert.match(reason, /^[A-Z].*\.$/);
}

suite('joining', SETUP, ({ host, it }) => {
    it('is welcomed', async () => {
        const room = newRoom();
        const a = await join(host, '/chat', { room, name: 'ann' });
        const { you, time, ...welcome } = a.welcome;

        assert.deepStrictEqual(Object.keys(you), ['id', 'name']);
        assert.match(you.id, /^[1-9]\d*$/);
        assert.strictEqual(you.name, 'ann');
        assertNow(time);
        assert.deepStrictEqual(welcome, {
            type: 'welcome',
            room,
            limits: { text: 2000 },
            members: [you],
        });
    });

    it('goes to the room of the query, or the lobby', async () => {
        for (const [path, room, expected] of [
            ['/chat', undefined, 'lobby'], ['/chat', 'x', 'x'],
            ['/chat', ' 服务端 room ', '服务端 room'], ['/chat', 'a+b&c=d%', 'a+b&c=d%'],
            ['/rooms/', undefined, 'lobby'], ['/rooms/', 'y', 'y'],
        ]) {
            const member = await join(host, path, { room, name: newRoom() });

            assert.strictEqual(member.welcome.room, expected);
        }
    });

    it('goes to the room of the path', async () => {
        for (const room of ['x', 'with blanks', '服务端', 'a/b', 'a+b', '50%',
            '😀'.repeat(14)]) {
            const path = `/rooms/${encodeURIComponent(room)}`;
            const member = await join(host, path,
                { room: 'ignored', name: 'ann' });

            assert.strictEqual(member.welcome.room, room);
        }
    });

    it('takes names of all languages', async () => {
        const room = newRoom();

        for (const [name, expected] of [['ann', 'ann'], ['小薇', '小薇'],
            ['  J. R.  "Bob"\u3000', 'J. R.  "Bob"'], ['<b>&amp;', '<b>&amp;'],
            ['x'.repeat(24), 'x'.repeat(24)], ['👩‍💻', '👩‍💻'],
            ['😀'.repeat(16), '😀'.repeat(16)]]) {
            const member = await join(host, '/chat', { room, name });

            assert.strictEqual(member.me.name, expected);
        }
    });

    it('takes no other names', async () => {
        const bad = ['', '  ', 'x'.repeat(25), 'a\u0001', 'a\u007f',
            'a\u202eb', '\u200b', 'a\ufeff', 'a\u2066'];

        for (const name of [...bad, '😀'.repeat(17)]) {
            await assertRefused(host, '/chat', { name }, 4400);
            await assertRefused(host, '/chat', { room: name, name: 'x' }, 4400);
        }
        for (const query of ['', '?room=x', '?name', '?name=%ff',
            '?name=a%07b', '?name=a&room=%ff', '?name=a&key=%ff', '?name=a&key=',
            `?name=a&key=${'x'.repeat(41)}`]) {
            await assertRefused(host, `/chat${query}`, {}, 4400);
        }
    });

    it('takes no name twice, in whatever worker', async () => {
        const room = newRoom();
        const members = await pair(host, '/chat', { room });

        for (const name of ['a', 'A', ' a ', 'B']) {
            /* Both workers are asked, by one or another of these. */
            await Promise.all(Array.from({ length: 8 }, () => assertRefused(
                host, '/chat', { room, name }, 4409)));
        }
        await join(host, '/chat', { room: newRoom(), name: 'a' });
        await members[0].sees('a', 'b');
    });

    it('takes a name again that is free again', async () => {
        const room = newRoom();
        const [a, b] = await pair(host, '/chat', { room });

        await a.leave();
        await b.next('leave');
        assert.strictEqual(
            (await join(host, '/chat', { room, name: 'A' })).me.name, 'A');
    });

    it('stops where a room is full', async () => {
        const room = newRoom();
        const [a] = await pair(host, '/tight', { room });

        await assertRefused(host, '/tight', { room, name: 'c' }, 4503);
        await join(host, '/tight', { room: newRoom(), name: 'c' });
        await a.leave();
        /* It is refused until its worker has heard of that. */
        await until(async () => {
            const client = await host.connect(
                chatUrl('/tight', { room, name: 'c' }));
            const text = await client.text('a welcome').catch(() => null);

            if (text === null) {
                assert.strictEqual((await client.closed()).code, 4503);
                return false;
            }
            return JSON.parse(text).type === 'welcome';
        }, 'room for another');
    });
});

/* Comes by a name together with others, and loses: the code of the Close. Does
 * not end for who keeps the name. */
async function losesName(raw) {
    const { status } = await raw.response();

    assert.strictEqual(status, 101);
    for (;;) {
        const { opcode, payload } = await raw.frame();

        if (opcode === OPCODE.close) {
            raw.send(OPCODE.close, payload);
            return payload.readUInt16BE();
        }
    }
}

suite('coming and going', SETUP, ({ host, it }) => {
    it('is seen by the others', async () => {
        const room = newRoom();
        const [a, b] = await pair(host, '/chat', { room });
        const c = await join(host, '/chat', { room, name: 'c' });

        await c.sees('a', 'b', 'c');
        for (const member of [a, b]) {
            assert.deepStrictEqual(await member.next('join'),
                { type: 'join', member: c.me });
        }
        await c.leave();
        for (const member of [a, b]) {
            assert.deepStrictEqual(await member.next('leave'),
                { type: 'leave', member: c.me });
        }
        const d = await join(host, '/chat', { room, name: 'd' });

        await a.next('join');
        await b.next('join');
        d.client.terminate(); /* without a Close */
        for (const member of [a, b]) {
            assert.deepStrictEqual((await member.next('leave')).member, d.me);
            assert.deepStrictEqual(member.names, ['a', 'b']);
        }
    });

    it('shows a newcomer what was said, in whatever worker', async () => {
        const room = newRoom();
        const [a, b] = await pair(host, '/chat', { room });
        const heard = [];

        for (const [i, speaker] of [a, b, a, b, b].entries()) {
            speaker.say(`line ${i}`);
            heard.push(await a.hears(`line ${i}`, speaker));
            await b.hears(`line ${i}`, speaker);
        }
        a.tell(b, 'psst');
        await b.await('private');
        await a.leave();
        await b.leave();
        for (const member of await inEachWorker(host, '/chat', { room })) {
            await member.hears('a is here');
            await member.hears('b is here');
            for (const line of heard) {
                assert.deepStrictEqual(await member.next('message'), line);
            }
        }
    });

    it('keeps no more than the route says', async () => {
        const room = newRoom();
        const [a, b] = await pair(host, '/brief', { room });

        for (let i = 0; i < 5; i++) {
            a.say(`line ${i}`);
            await a.hears(`line ${i}`);
            await b.hears(`line ${i}`);
        }
        const c = await join(host, '/brief', { room, name: 'c' });

        for (let i = 2; i < 5; i++) {
            await c.hears(`line ${i}`);
        }
        c.say('no more before this');
        await c.hears('no more before this');
    });

    it('is a come-back with the same key', async () => {
        const room = newRoom();
        const [a, b] = await pair(host, '/chat', { room });
        const key = 'only I know';
        let me = await join(host, '/chat', { room, name: 'me', key });

        await a.next('join');
        await b.next('join');
        for (let i = 0; i < 6; i++) { /* by one worker or the other */
            const again = await join(host, '/chat',
                { room, name: 'ME', key });

            assert.strictEqual((await me.closed()).code, 4001);
            for (const member of [a, b]) {
                await member.await('join', (event) => event.member.id === again.id);
            }
            for (const member of [a, b, again]) {
                await member.sees('ME', 'a', 'b');
            }
            me = again;
        }
        me.say('it is me');
        for (const member of [a, b]) {
            await member.hears('it is me', me);
            member.tell('Me', 'psst');
            assert.strictEqual((await me.await('private')).text, 'psst');
        }
        for (const wrong of ['guess', undefined]) {
            await assertRefused(host, '/chat', { room, name: 'me', key: wrong },
                4409);
        }
        assert.ok(!JSON.stringify(a.client.messages.items.map(
            ({ text }) => text)).includes(key), 'the key was told to others');
    });

    it('has one winner when many come by one name', async () => {
        const room = newRoom();
        const url = chatUrl('/chat', { room, name: 'ann' });
        const tries = await Promise.all(Array.from({ length: 20 }, () =>
            host.raw()));
        const workers = host.workers();

        /* Both workers find some at their doors before they can talk to each
         * other. */
        workers.forEach((pid) => process.kill(pid, 'SIGSTOP'));
        for (const raw of tries) {
            raw.request(`GET ${url} HTTP/1.1`, upgradeHeaders('localhost'));
        }
        workers.forEach((pid) => process.kill(pid, 'SIGCONT'));
        const lost = [];

        tries.forEach((raw) => losesName(raw).then(
            (code) => lost.push(code), () => {}));
        await until(() => lost.length >= tries.length - 1, 'one winner');
        assert.deepStrictEqual([...new Set(lost)], [4409]);
        const watchers = await inEachWorker(host, '/chat', { room });

        for (const watcher of watchers) {
            await watcher.sees('ann', ...watchers.map(({ me }) => me.name));
        }
        assert.strictEqual(lost.length, tries.length - 1);
    });

    it('stays within a room', async () => {
        const one = await pair(host, '/chat', { room: 'one' });
        const two = await pair(host, '/chat', { room: 'two' });

        one[0].say('for one');
        two[0].say('for two');
        for (const member of one) {
            await member.hears('for one');
        }
        one[1].say('for one, too');
        for (const member of one) {
            await member.hears('for one, too');
        }
        for (const member of two) {
            await member.hears('for two');
        }
        for (const member of [...one, ...two]) {
            assert.deepStrictEqual(member.names, ['a', 'b']);
        }
    });

    it('stays within a route', async () => {
        const chat = await pair(host, '/chat', { room: 'same' });
        const elsewhere = await pair(host, '/rooms/same');
        const c = await join(host, '/rooms/same', { name: 'c' });

        chat[0].say('in /chat');
        c.say('in /rooms');
        for (const member of chat) {
            await member.hears('in /chat');
            assert.deepStrictEqual(member.names, ['a', 'b']);
        }
        for (const member of elsewhere) {
            await member.hears('in /rooms');
        }
        chat[0].tell('c', 'psst');
        await chat[0].fails('not_here');
    });
});
