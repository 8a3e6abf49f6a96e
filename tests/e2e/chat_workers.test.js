/* chat_workers.test.js - the chat when a worker dies: who is gone, who is back,
 * and what is remembered */
'use strict';

const assert = require('node:assert');
const { suite } = require('./lib/suite.js');
const { Member, meet, namesOf, pair } = require('./lib/chat.js');
const { SOON_MS } = require('./lib/wait.js');

const SETUP = {
    server: { workers: 2 },
    routes: {
        chat: { path: '/chat', plugin: 'chat', 'chat.rate': 1000,
            'chat.burst': 1000 },
    },
    expected: [/worker \d .*killed by signal 9/],
};

/* A worker is taken for dead when nothing was heard of it for 7 s. */
const LOST_MS = SOON_MS + 8000;

/* Kills the worker of that member, and waits for the next one. */
async function killWorkerOf(host, member) {
    const name = await member.worker();
    const number = Number(name.split(' ')[1]);
    const from = host.mark();

    process.kill(host.workers()[number], 'SIGKILL');
    assert.strictEqual((await member.closed()).code, 1006);
    await host.waitLog(new RegExp(`master: ${name} is back`), { from });
}

suite('who was in a worker that dies', SETUP, ({ host, it }) => {
    it('is seen to leave', async () => {
        const [a, b] = await pair(host, '/chat', { room: 'left' });

        await killWorkerOf(host, a);
        /* Until then a seems to be there, and the room goes on. */
        b.say('still here');
        await b.hears('still here');
        assert.deepStrictEqual((await b.next('leave', LOST_MS)).member, a.me);
        assert.deepStrictEqual(await b.names(), ['b']);
        b.tell(a, 'psst', 'm1');
        await b.fails('not_here', 'm1');
    });

    it('is back at once with name and key', async () => {
        const room = 'back';
        const [a, b] = await pair(host, '/chat', { room });
        const lost = [];

        /* Several, to come back by either worker. */
        while (lost.length < 6) {
            const me = await Member.join(host, '/chat',
                { room, name: `me ${lost.length}`, key: `key ${lost.length}` });

            if (await me.worker() === await a.worker()) {
                lost.push(me);
            } else {
                await me.leave();
            }
        }
        await meet([a, b, ...lost]);
        await killWorkerOf(host, a);
        for (const [i, me] of lost.entries()) {
            const again = await Member.join(host, '/chat',
                { room, name: me.me.name, key: `key ${i}` });

            /* b has not seen that it was away. */
            const { replaces, member } = await b.next('join');

            assert.strictEqual(replaces, me.id);
            assert.deepStrictEqual(member, again.me);
            again.say('after');
            await b.hears('after', again);
            b.tell(again, 'welcome back');
            await b.next('private');
            await again.await('private');
        }
    });
});

/* One in each worker: those whom chance sends elsewhere are in the way of
 * nobody. */
async function inEachWorker(host, path, parameters) {
    const found = new Map();

    for (let tries = 0; found.size < 2; tries++) {
        assert.ok(tries < 100, 'all connections go to one worker');
        const member = await Member.join(host, path,
            { ...parameters, name: `newcomer ${tries}` });

        found.set(await member.worker(), member);
    }
    return [...found.values()];
}

suite('a worker that is started again', SETUP, ({ host, it }) => {
    it('learns who is here and what was said', async () => {
        const room = 'again';
        const [a, b] = await pair(host, '/chat', { room });

        a.say('in the worker that dies');
        await b.hears('in the worker that dies');
        b.say('in the other');
        await b.hears('in the other');
        await killWorkerOf(host, a);

        for (const member of await inEachWorker(host, '/chat', { room })) {
            await member.sees(b);
            await b.sees(member);
            member.send({ type: 'history' });
            const { history } = await member.await('history');

            assert.deepStrictEqual(
                history.slice(-2).map(({ text }) => text),
                ['in the worker that dies', 'in the other']);
        }
    });

    it('is heard again', async () => {
        const room = 'heard';
        const [a, b] = await pair(host, '/chat', { room });

        await killWorkerOf(host, a);
        for (const member of await inEachWorker(host, '/chat', { room })) {
            member.say(`I am ${member.id}`);
            await b.await('message', ({ from }) => from.id === member.id);
            b.tell(member, 'hello');
            await member.await('private', ({ from }) => from.id === b.id);
        }
    });

    it('forgets when nobody is left who knows', async () => {
        const room = 'forgotten';
        const members = await pair(host, '/chat', { room });

        members[0].say('soon forgotten');
        await members[1].hears('soon forgotten');
        for (const pid of host.workers()) {
            process.kill(pid, 'SIGKILL');
        }
        for (const member of members) {
            assert.strictEqual((await member.closed()).code, 1006);
        }
        const first = await Member.join(host, '/chat', { room, name: 'a' });

        assert.deepStrictEqual(namesOf(first.welcome), ['a']);
        assert.deepStrictEqual(first.welcome.history, []);
    });
});
