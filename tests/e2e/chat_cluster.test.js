/* chat_cluster.test.js - one chat on two hosts, and what survives their ends */
'use strict';

const assert = require('node:assert');
const { cluster } = require('./lib/cluster.js');
const { Member, chatUrl, meet, refused } = require('./lib/chat.js');
const { RESUME, parse } = require('./lib/resumer.js');
const { SOON_MS, pass, until } = require('./lib/wait.js');

const HOST = {
    server: { workers: 2 },
    routes: { chat: { path: '/chat', plugin: 'chat', history: 10000 } },
    expected: [/killed by signal 9/, /master process \d+ has ended/],
};

/* One in the room on each host, named a and b, who know of each other. */
async function pairOf(hosts, room) {
    const members = [await Member.join(hosts[0], '/chat', { room, name: 'a' }),
        await Member.join(hosts[1], '/chat', { room, name: 'b' })];

    await meet(members);
    return members;
}

cluster('a chat on two hosts', { hosts: [HOST, HOST] }, ({ hosts, it }) => {
    it('is one room, with one history', async () => {
        const [a, b] = await pairOf(hosts, 'one');

        a.say('from host 1');
        b.say('from host 2');
        for (const member of [a, b]) {
            await member.await('message', ({ text }) => text === 'from host 2');
            assert.deepStrictEqual(member.names, ['a', 'b']);
        }
        const c = await Member.join(hosts[1], '/chat', { room: 'one', name: 'c' });

        await c.await('message', ({ text }) => text === 'from host 1');
        await a.sees('a', 'b', 'c');
        await c.leave();
        await a.sees('a', 'b');
    });

    it('passes on what is private', async () => {
        const [a, b] = await pairOf(hosts, 'private');

        a.tell(b, 'psst', 'm1');
        for (const member of [a, b]) {
            const { from, to, text, ref } = await member.next('private');

            assert.deepStrictEqual([from, to, text, ref],
                [a.me, b.me, 'psst', 'm1']);
        }
    });

    it('has each name once', async () => {
        const room = 'names';
        const [a] = await pairOf(hosts, room);

        for (const host of hosts) {
            for (const name of ['a', 'B']) {
                assert.strictEqual(
                    (await refused(host, '/chat', { room, name })).code, 4409);
            }
        }
        await a.sees('a', 'b');
    });

    it('gives one place to who comes back by another host', async () => {
        const who = { room: 'back', name: 'a', key: 'only I know' };
        const first = await Member.join(hosts[0], '/chat', who);
        const again = await Member.join(hosts[1], '/chat', who);

        assert.strictEqual((await first.closed()).code, 4001);
        await again.sees('a');
        again.tell('a', 'note to self');
        await again.await('private');
        assert.strictEqual((await refused(hosts[0], '/chat',
            { room: 'back', name: 'a' })).code, 4409);
    });
});

/*
 * A client as the page is: comes back when its connection ends, by whichever
 * host answers, says again what it did not get back, and does not look at what
 * it has.
 */
class Regular {
    constructor(hosts, room, name) {
        Object.assign(this, { hosts, room, name, positions: new Map(),
            pending: new Map(), heard: [], seen: new Set(), said: 0,
            key: `key of ${name}`, returns: 0, missed: 0 });
    }

    #url() {
        const points = [...this.positions].map(([key, at]) => `,${key}.${at}`);
        const resume = this.id && `${this.id}${points.join('')}`;

        return chatUrl('/chat', { room: this.room, name: this.name,
            key: this.key, resume });
    }

    async begin() {
        await this.#connect();
        this.run = this.#read();
    }

    async #connect() {
        for (let at = 0; ; at++) {
            const host = this.hosts[at % this.hosts.length];

            try {
                this.client = await host.connect(this.#url(),
                    { protocols: [RESUME] });
                return;
            } catch (error) {
                if (this.ending) {
                    throw error;
                }
                await pass(20);
            }
        }
    }

    async #read() {
        while (!this.ending) {
            try {
                for (;;) {
                    this.#take(parse(await this.client.text('more', 60000)));
                }
            } catch {
                if (!this.ending) {
                    this.returns += 1;
                    await this.#connect();
                }
            }
        }
    }

    #take({ what, key, position, count, text }) {
        if (what === 'w') {
            this.id = key;
        } else if (position !== undefined) {
            this.positions.set(key, position);
        }
        if (what === 'x') {
            this.missed += 1;
        }
        /* A new one, if it was lost before it had an id. */
        if (what === 'r' || what === 'x' ||
            (what === 'w' && this.returns > 0)) {
            for (const message of this.pending.values()) {
                this.client.send(message);
            }
        }
        const event = what === 'm' ? JSON.parse(text) : {};

        if (event.type === 'message') {
            const id = `${event.from.name} ${event.ref}`;

            if (event.from.name === this.name) {
                this.pending.delete(event.ref);
            }
            if (!this.seen.has(id)) {
                this.seen.add(id);
                this.heard.push(id);
            }
        }
    }

    say() {
        const ref = String(++this.said);
        const message = JSON.stringify({ type: 'say', text: `text ${ref}`, ref });

        this.pending.set(ref, message);
        if (this.client.socket.readyState === 1) {
            this.client.send(message);
        }
    }

    end() {
        this.ending = true;
        this.client.terminate();
        return this.run;
    }
}

cluster('a room whose processes are killed', { hosts: [HOST, HOST] },
    ({ redis, hosts, it }) => {
        it('loses nothing for clients that resume', async () => {
            const [one, two] = hosts;
            const regulars = [new Regular([one, two], 'room', 'a'),
                new Regular([one, two], 'room', 'b'),
                new Regular([two, one], 'room', 'c'),
                new Regular([two, one], 'room', 'd')];
            const all = () => regulars.flatMap(({ name, said }) =>
                Array.from({ length: said }, (_, i) => `${name} ${i + 1}`));
            const talk = async (rounds) => {
                for (let i = 0; i < rounds; i++) {
                    regulars.forEach((regular) => regular.say());
                    await pass(10);
                }
            };
            const complete = (what) => until(() => regulars.every(
                ({ heard }) => heard.length >= all().length), what,
            2 * SOON_MS).catch((error) => {
                regulars.forEach((regular) => regular.end());
                throw error;
            });

            await Promise.all(regulars.map((regular) => regular.begin()));
            /* In the room, and at its own mailbox: who comes later misses
             * what was said before. */
            await until(() => regulars.every(({ positions }) =>
                positions.size === 2), 'all in the room');
            await talk(20);

            const kills = {
                'a worker of the first': () =>
                    process.kill(one.workers()[0], 'SIGKILL'),
                'a worker of the second': () =>
                    process.kill(two.workers()[1], 'SIGKILL'),
                Redis: () => redis.kill(),
            };

            for (const [what, kill] of Object.entries(kills)) {
                await kill();
                await talk(30);
                if (what === 'Redis') {
                    await redis.start();
                }
                await talk(30);
                await complete(`all messages after the end of ${what}`);
            }
            await two.kill();
            two.checked = true;
            await talk(30);
            await complete('all messages after the end of the second host');

            for (const { name, heard, missed } of regulars) {
                assert.deepStrictEqual([...heard].sort(), all().sort(), name);
                assert.strictEqual(missed, 0);
            }
            assert.ok(regulars.some(({ returns }) => returns > 0));
            await Promise.all(regulars.map((regular) => regular.end()));
        });
    });
