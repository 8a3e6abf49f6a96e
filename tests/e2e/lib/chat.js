/* chat.js - members of a chat, who speak the protocol of plugins/chat */
'use strict';

const assert = require('node:assert');
const { SOON_MS } = require('./wait.js');

/* Who is here: these come at any time. */
const MOVES = ['join', 'leave', 'members'];

const encode = (parameters) => Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');

function chatUrl(path, parameters) {
    const query = encode(parameters);

    return query ? `${path}?${query}` : path;
}

class Member {
    constructor(host, client) {
        Object.assign(this, { host, client, members: new Map() });
    }

    /* path: "/chat", "/rooms/x"; parameters: name, room, key. */
    static async join(host, path, parameters) {
        const client = await host.connect(chatUrl(path, parameters));
        const member = new this(host, client);

        member.welcome = await member.next('welcome');
        member.me = member.welcome.you;
        member.id = member.me.id;
        return member;
    }

    /* The number of the worker that has it: a part of its id. */
    get worker() {
        return Number(BigInt(this.id) >> 48n & 0xffn);
    }

    send(message) {
        this.client.send(JSON.stringify(message));
    }

    say(text, ref) {
        this.send({ type: 'say', text, ref });
    }

    tell(to, text, ref) {
        this.send({ type: 'private', to: to.me?.name ?? to, text, ref });
    }

    async #event(what, ms) {
        const event = JSON.parse(await this.client.text(what, ms));

        if (event.members !== undefined) {
            this.members = new Map(event.members.map(({ id, name }) => [id, name]));
        } else if (event.type === 'join') {
            this.members.set(event.member.id, event.member.name);
        } else if (event.type === 'leave') {
            this.members.delete(event.member.id);
        }
        return event;
    }

    /* The next event, which has to be of that type; but for who comes and
     * goes, which may come before. */
    async next(type, ms) {
        for (;;) {
            const event = await this.#event(`"${type}"`, ms);

            if (event.type === type) {
                return event;
            }
            assert.ok(MOVES.includes(event.type),
                `${JSON.stringify(event)} instead of "${type}"`);
        }
    }

    /* The next event of that type, whatever comes before it. */
    async await(type, wanted = () => true) {
        for (;;) {
            const event = await this.#event(`"${type}"`);

            if (event.type === type && wanted(event)) {
                return event;
            }
        }
    }

    /* The next message, of that person if one is given. */
    async hears(text, from) {
        const event = await this.next('message');

        assert.strictEqual(event.text, text);
        if (from) {
            assert.deepStrictEqual(event.from, from.me);
        }
        return event;
    }

    /* The next error, about that ref. */
    async fails(code, ref) {
        const event = await this.next('error');

        assert.strictEqual(event.code, code, event.text);
        assert.strictEqual(event.ref, ref);
        assert.ok(event.text.length > 5, 'an error without words');
        return event;
    }

    get names() {
        return [...this.members.values()].sort();
    }

    /* Until these and nobody else are here. */
    async sees(...names) {
        const wanted = names.sort().join();

        while (this.names.join() !== wanted) {
            await this.#event(`that ${wanted} are here, not ${this.names}`);
        }
    }

    closed() {
        return this.client.closed();
    }

    leave() {
        return this.client.close(1000);
    }
}

/* The Close that one gets who may not come in. */
async function refused(host, path, parameters) {
    const client = await host.connect(chatUrl(path, parameters));

    return client.closed();
}

/* A time of the protocol that is now. */
function assertNow(time) {
    assert.ok(Number.isInteger(time), `${time}`);
    assert.ok(Math.abs(time - Date.now()) < SOON_MS, `${time}`);
}

/* One in each of two workers; tries until the system has sent one to each. */
async function inEachWorker(host, path, parameters, name = (i) => `n${i}`) {
    const found = new Map();

    for (let tries = 0; found.size < 2; tries++) {
        assert.ok(tries < 200, 'all connections go to one worker');
        const called = name(found.size, tries);
        /* The key: in the place of a former one of that name (see pair). */
        const member = await Member.join(host, path,
            { key: called, ...parameters, name: called });

        if (found.has(member.worker)) {
            await member.leave();
        } else {
            found.set(member.worker, member);
        }
    }
    return [...found.values()];
}

/* The same, named a and b. They see each other, and nothing waits to be
 * read. */
async function pair(host, path, parameters = {}) {
    const first = await Member.join(host, path, { ...parameters, name: 'a' });

    for (let tries = 0; tries < 200; tries++) {
        /* The key: in the place of a former b, if that is still there. */
        const second = await Member.join(host, path,
            { key: 'the second', ...parameters, name: 'b' });

        if (second.worker !== first.worker) {
            await meet([first, second]);
            return [first, second];
        }
        await second.leave();
    }
    throw new Error('all connections go to one worker');
}

/* Each says something that all wait for; nothing older waits to be read
 * then. */
async function meet(members) {
    const names = members.map(({ me }) => me.name);

    for (const member of members) {
        await member.sees(...names);
    }
    for (const speaker of members) {
        const text = `${speaker.me.name} is here`;

        speaker.say(text);
        for (const member of members) {
            await member.await('message', (event) => event.text === text);
        }
    }
}

module.exports = { Member, assertNow, chatUrl, inEachWorker, meet, pair,
    refused };
