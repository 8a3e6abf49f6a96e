/* chat_workers.test.js - the chat when a worker dies: who is gone, who is back,
 * and what is remembered */
'use strict';

const assert = require('node:assert');
const { suite } = require('./lib/suite.js');
const { Member, inEachWorker, meet, pair } = require('./lib/chat.js');

const SETUP = {
    server: { workers: 2 },
    routes: { chat: { path: '/chat', plugin: 'chat', history: 100 } },
    expected: [/worker \d .*killed by signal 9/],
};

/* Kills the worker of that member, and waits for the next one. */
async function killWorkerOf(host, member) {
    const from = host.mark();

    process.kill(host.workers()[member.worker], 'SIGKILL');
    assert.strictEqual((await member.closed()).code, 1006);
    await host.waitLog(
        new RegExp(`master: worker ${member.worker} is back`), { from });
}

suite('who was in a worker that dies', SETUP, ({ host, it }) => {
    it('is seen to leave, whichever worker it is', async () => {
        for (const worker of [0, 1]) {
            const room = `left ${worker}`;
            const members = await pair(host, '/chat', { room });
            const a = members.find((member) => member.worker === worker);
            const b = members.find((member) => member.worker !== worker);

            await killWorkerOf(host, a);
            assert.deepStrictEqual((await b.next('leave')).member, a.me);
            assert.deepStrictEqual(b.names, [b.me.name]);
            b.tell(a, 'psst', 'm1');
            await b.fails('not_here', 'm1');
        }
    });

    it('is back at once with name and key', async () => {
        const room = 'back';
        const [a, b] = await pair(host, '/chat', { room });
        const lost = [];

        /* Several, to come back by either worker. */
        while (lost.length < 4) {
            const me = await Member.join(host, '/chat',
                { room, name: `me ${lost.length}`, key: `key ${lost.length}` });

            if (me.worker === a.worker) {
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

            await b.await('join', ({ member }) => member.id === again.id);
            again.say('after');
            await b.await('message',
                ({ from, text }) => text === 'after' && from.id === again.id);
            b.tell(again, 'welcome back');
            await b.await('private');
            await again.await('private');
        }
    });
});

suite('a worker that is started again', SETUP, ({ host, it }) => {
    it('knows who is here and what was said', async () => {
        const room = 'again';
        const [a, b] = await pair(host, '/chat', { room });

        a.say('in the worker that dies');
        await b.hears('in the worker that dies');
        b.say('in the other');
        await b.hears('in the other');
        await killWorkerOf(host, a);
        const newcomers = await inEachWorker(host, '/chat', { room });

        for (const member of newcomers) {
            await member.await('message',
                ({ text }) => text === 'in the worker that dies');
            await member.hears('in the other');
            await member.sees('b', ...newcomers.map(({ me }) => me.name));
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

    it('remembers when all workers have died', async () => {
        const room = 'kept';
        const members = await pair(host, '/chat', { room });

        members[0].say('not forgotten');
        await members[1].hears('not forgotten');
        for (const pid of host.workers()) {
            process.kill(pid, 'SIGKILL');
        }
        for (const member of members) {
            assert.strictEqual((await member.closed()).code, 1006);
        }
        const first = await Member.join(host, '/chat', { room, name: 'a' });

        assert.deepStrictEqual(first.names, ['a']);
        await first.await('message', ({ text }) => text === 'not forgotten');
    });
});
