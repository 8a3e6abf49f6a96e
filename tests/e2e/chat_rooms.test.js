/* chat_rooms.test.js - the chat's rooms: who may join, who comes and goes */
'use strict';

const assert = require('node:assert');
const { OPCODE, upgradeHeaders } = require('./lib/raw.js');
const { suite } = require('./lib/suite.js');
const { Member, assertNow, chatUrl, meet, namesOf, pair } =
    require('./lib/chat.js');
const { until } = require('./lib/wait.js');

const FAST = { 'chat.rate': 1000, 'chat.burst': 1000 };

const SETUP = {
    server: { workers: 2 },
    routes: {
        chat: { path: '/chat', plugin: 'chat' },
        rooms: { path: '/rooms/*', plugin: 'chat' },
        fast: { path: '/fast', plugin: 'chat', ...FAST },
        brief: { path: '/brief', plugin: 'chat', 'chat.history': 3, ...FAST },
        bytes: { path: '/bytes', plugin: 'chat', 'chat.history_bytes': 500,
            ...FAST },
        tight: { path: '/tight', plugin: 'chat', 'chat.members': 2,
            'chat.rooms': 2 },
    },
};

/* A room nobody else uses. */
let rooms = 0;
const newRoom = () => `room ${++rooms}`;

const join = (host, path, parameters) => Member.join(host, path, parameters);

/* Asked by plain HTTP: { status, json }. */
async function ask(host, path, parameters) {
    const { status, headers, text } =
        await host.request(chatUrl(path, parameters));

    assert.strictEqual(headers['content-type'], 'application/json');
    assert.strictEqual(headers['cache-control'], 'no-store');
    return { status, json: JSON.parse(text) };
}

/* The handshake is refused, and HTTP says why. */
async function assertRefused(host, path, parameters, status, code) {
    const what = JSON.stringify(parameters);
    const refused = await host.refusal(chatUrl(path, parameters));
    const asked = await ask(host, path, parameters);

    assert.strictEqual(refused.status, status, what);
    assert.strictEqual(asked.status, status, what);
    assert.strictEqual(asked.json.error.code, code, what);
    assert.strictEqual(asked.json.error.type, 'error');
    assert.match(asked.json.error.text, /^[A-Z].*\.$/);
}

suite('joining', SETUP, ({ host, it }) => {
    it('is welcomed', async () => {
        const room = newRoom();
        const a = await join(host, '/chat', { room, name: 'ann' });
        const { you, ...welcome } = a.welcome;

        assert.deepStrictEqual(Object.keys(you), ['id', 'name', 'since']);
        assert.match(you.id, /^[1-9]\d*$/);
        assert.strictEqual(you.name, 'ann');
        assertNow(you.since);
        assert.deepStrictEqual(welcome, {
            type: 'welcome',
            room,
            limits: { text: 2000, rate: 3, burst: 10 },
            members: [you],
            history: [],
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
            '😀'.repeat(24)]) {
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
            ['😀'.repeat(24), '😀'.repeat(24)]]) {
            const member = await join(host, '/chat', { room, name });

            assert.strictEqual(member.me.name, expected);
        }
    });

    it('takes no other names', async () => {
        const bad = ['', '  ', 'x'.repeat(25), 'a\u0001', 'a\u007f',
            'a\u202eb', '\u200b', 'a\ufeff', 'a\u2066'];

        for (const name of bad) {
            await assertRefused(host, '/chat', { name }, 400, 'bad_name');
            await assertRefused(host, '/chat', { room: name, name: 'x' }, 400,
                'bad_room');
        }
        for (const query of ['', '?room=x', '?name', '?name=%ff',
            '?name=a%0ab']) {
            assert.strictEqual((await host.refusal(`/chat${query}`)).status,
                400, query);
        }
    });

    it('takes no name twice, in whatever worker', async () => {
        const room = newRoom();
        const members = await pair(host, '/chat', { room });

        for (const name of ['a', 'A', ' a ', 'B']) {
            /* Both workers are asked, by one or another of these. */
            await Promise.all(Array.from({ length: 8 }, () => assertRefused(
                host, '/chat', { room, name }, 409, 'name_taken')));
        }
        await join(host, '/chat', { room: newRoom(), name: 'a' });
        assert.deepStrictEqual(await members[0].names(), ['a', 'b']);
    });

    it('takes a name again that is free again', async () => {
        const room = newRoom();
        const [a, b] = await pair(host, '/chat', { room });

        await a.leave();
        await b.next('leave');
        assert.strictEqual(
            (await join(host, '/chat', { room, name: 'A' })).me.name, 'A');
    });

    it('stops where a route is full', async () => {
        const room = newRoom();
        const members = [await join(host, '/tight', { room, name: 'a' }),
            await join(host, '/tight', { room, name: 'b' })];

        await meet(members);
        await assertRefused(host, '/tight', { room, name: 'c' }, 503,
            'room_full');
        await join(host, '/tight', { room: 'second', name: 'a' });
        await until(async () =>
            (await ask(host, '/tight', { room: 'third', name: 'a' })).status
            === 503, 'no room for a third room');
        await members[0].leave();
        await members[1].leave();
        /* The empty room makes way. */
        await until(async () =>
            (await ask(host, '/tight', { room: 'third', name: 'a' })).status
            === 200, 'room for a third room');
    });

    it('says by HTTP who is there', async () => {
        const room = newRoom();

        assert.deepStrictEqual(await ask(host, '/chat', { room }),
            { status: 200, json: { room, members: [] } });
        const [a, b] = await pair(host, '/chat', { room });

        for (let i = 0; i < 8; i++) {
            const { status, json } = await ask(host, '/chat',
                { room, name: 'c' });

            assert.strictEqual(status, 200);
            assert.deepStrictEqual(
                json.members.sort((x, y) => x.since - y.since), [a.me, b.me]);
            assert.strictEqual(json.error, undefined);
        }
        const { status, headers } =
            await host.request('/chat', { method: 'POST', body: 'x' });

        assert.strictEqual(status, 405);
        assert.strictEqual(headers.allow, 'GET');
    });
});

/* Comes by a name together with others, and loses: the status of the refusal,
 * or the code of the Close. Does not end for who keeps the name. */
async function losesName(raw) {
    const { status } = await raw.response();

    if (status !== 101) {
        return status;
    }
    const said = [];

    for (;;) {
        const { opcode, payload } = await raw.frame();

        if (opcode === OPCODE.close) {
            assert.strictEqual(said[0].type, 'welcome');
            assert.strictEqual(said.at(-1).code, 'name_taken');
            raw.send(OPCODE.close, payload);
            return payload.readUInt16BE();
        }
        said.push(JSON.parse(payload));
    }
}

suite('coming and going', SETUP, ({ host, it }) => {
    it('is seen by the others', async () => {
        const room = newRoom();
        const [a, b] = await pair(host, '/chat', { room });
        const c = await join(host, '/chat', { room, name: 'c' });

        assert.deepStrictEqual(namesOf(c.welcome), ['a', 'b', 'c']);
        for (const member of [a, b]) {
            const { time, ...rest } = await member.next('join');

            assertNow(time);
            assert.deepStrictEqual(rest, { type: 'join', member: c.me });
        }
        await c.leave();
        for (const member of [a, b]) {
            const { time, ...rest } = await member.next('leave');

            assertNow(time);
            assert.deepStrictEqual(rest, { type: 'leave', member: c.me });
        }
        const d = await join(host, '/chat', { room, name: 'd' });

        await a.next('join');
        await b.next('join');
        d.client.terminate(); /* without a Close */
        for (const member of [a, b]) {
            assert.deepStrictEqual((await member.next('leave')).member, d.me);
            assert.deepStrictEqual(await member.names(), ['a', 'b']);
        }
    });

    it('shows a newcomer what was said, in whatever worker', async () => {
        const room = newRoom();
        const [a, b] = await pair(host, '/fast', { room });
        const heard = [];

        for (const [i, speaker] of [a, b, a, b, b].entries()) {
            speaker.say(`line ${i}`);
            heard.push(await a.hears(`line ${i}`, speaker));
            await b.hears(`line ${i}`, speaker);
        }
        await a.leave();
        await b.leave();
        const newcomers = await pair(host, '/fast', { room });

        for (const { welcome } of newcomers) {
            assert.deepStrictEqual(welcome.history.slice(2, 7), heard);
        }
        assert.deepStrictEqual((await newcomers[0].history()).slice(2, 7),
            heard.map(({ text }) => text));
    });

    it('keeps no more than the route says', async () => {
        const [a, b] = await pair(host, '/brief', { room: newRoom() });

        for (let i = 0; i < 5; i++) {
            a.say(`line ${i}`);
            await a.hears(`line ${i}`);
            await b.hears(`line ${i}`);
        }
        for (const member of [a, b]) {
            assert.deepStrictEqual(await member.history(),
                ['line 2', 'line 3', 'line 4']);
        }
        const c = await join(host, '/bytes', { room: newRoom(), name: 'c' });

        c.say('x'.repeat(200));
        c.say('y'.repeat(200));
        c.say('z'.repeat(1000));
        c.say('last');
        for (let i = 0; i < 4; i++) {
            await c.next('message');
        }
        assert.deepStrictEqual(await c.history(), ['last']);
    });

    it('is a come-back with the same key', async () => {
        const room = newRoom();
        const [a, b] = await pair(host, '/chat', { room, key: undefined });
        const key = 'only I know';
        let me = await join(host, '/chat', { room, name: 'me', key });

        await a.next('join');
        await b.next('join');
        for (let i = 0; i < 6; i++) { /* by one worker or the other */
            const again = await join(host, '/chat',
                { room, name: 'ME', key });

            assert.deepStrictEqual(namesOf(again.welcome), ['ME', 'a', 'b']);
            assert.strictEqual((await me.closed()).code, 4001);
            for (const member of [a, b]) {
                const { replaces, member: who } = await member.next('join');

                assert.strictEqual(replaces, me.id);
                assert.deepStrictEqual(who, again.me);
            }
            me = again;
        }
        /* Nobody was seen to leave, and there is one of them. */
        me.say('it is me');
        for (const member of [a, b]) {
            await member.hears('it is me', me);
            assert.deepStrictEqual(await member.names(), ['ME', 'a', 'b']);
        }
        for (const wrong of ['', 'guess', 'x'.repeat(33), undefined]) {
            await assertRefused(host, '/chat', { room, name: 'me', key: wrong },
                409, 'name_taken');
        }
        const { status } = await ask(host, '/chat', { room, name: 'me', key });

        assert.strictEqual(status, 200);
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
            (how) => lost.push(how), () => {}));
        await until(() => lost.length >= tries.length - 1, 'one winner');
        assert.deepStrictEqual([...new Set(lost)].filter((how) =>
            ![409, 4409].includes(how)), []);
        for (let i = 0; i < 8; i++) { /* both workers */
            await until(async () => namesOf(
                (await ask(host, '/chat', { room })).json).join() === 'ann',
            'one ann in the list');
        }
        assert.strictEqual(lost.length, tries.length - 1);
    });

    it('stays within a room', async () => {
        const one = await pair(host, '/fast', { room: 'one' });
        const two = await pair(host, '/fast', { room: 'two' });

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
            assert.deepStrictEqual(await member.names(), ['a', 'b']);
        }
    });

    it('stays within a route', async () => {
        const chat = await pair(host, '/chat', { room: 'same' });
        const elsewhere = await pair(host, '/rooms/same');

        chat[0].say('in /chat');
        elsewhere[0].say('in /rooms');
        for (const member of chat) {
            await member.hears('in /chat');
            assert.deepStrictEqual(await member.names(), ['a', 'b']);
        }
        for (const member of elsewhere) {
            await member.hears('in /rooms');
            assert.ok(!(await member.history()).includes('in /chat'));
        }
        chat[0].tell(elsewhere[0], 'psst');
        await chat[0].fails('not_here');
    });
});
