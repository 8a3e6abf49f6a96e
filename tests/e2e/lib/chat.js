/* chat.js - members of a chat, who speak the protocol of plugins/chat */
'use strict';

const assert = require('node:assert');
const { SOON_MS } = require('./wait.js');

/* Sent by the server on its own account, too, when a worker learns something
 * from another one: they replace or repeat what the client knows. */
const SYNC = ['members', 'history'];

const encode = (parameters) => Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');

function chatUrl(path, parameters) {
    const query = encode(parameters);

    return query ? `${path}?${query}` : path;
}

class Member {
    constructor(host, client, welcome) {
        this.host = host;
        this.client = client;
        this.welcome = welcome;
        this.me = welcome.you;
        this.id = welcome.you.id;
    }

    /* path: "/chat", "/rooms/x"; parameters: name, room, key. */
    static async join(host, path, parameters) {
        const client = await host.connect(chatUrl(path, parameters));
        const welcome = await client.json('a welcome');

        assert.strictEqual(welcome.type, 'welcome');
        return new this(host, client, welcome);
    }

    /* "worker 0", from the line that the plugin logs. */
    async worker() {
        const { who } = await this.host.lines.find(({ conn, message }) =>
            conn === this.id && / joined room /.test(message),
        `that #${this.id} joined`);

        return who;
    }

    send(message) {
        this.client.send(JSON.stringify(message));
    }

    say(text, ref) {
        this.send({ type: 'say', text, ref });
    }

    tell(to, text, ref) {
        this.send({ type: 'private', to: to.id ?? to, text, ref });
    }

    /* The next event, which has to be of that type. */
    async next(type, ms) {
        for (;;) {
            const event =
                JSON.parse(await this.client.text(`"${type}"`, ms));

            if (event.type === type) {
                return event;
            }
            assert.ok(SYNC.includes(event.type),
                `${JSON.stringify(event)} instead of "${type}"`);
        }
    }

    /* The next event of that type, whatever comes before it. */
    async await(type, wanted = () => true) {
        for (;;) {
            const event = await this.client.json(`"${type}"`);

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

    /* The names of who is here, asked for now. */
    async names() {
        this.send({ type: 'members' });
        return namesOf(await this.next('members'));
    }

    async history() {
        this.send({ type: 'history' });
        return (await this.next('history')).history.map(({ text }) => text);
    }

    /* That one is here, now or when this worker has learned of it. */
    async sees({ me }) {
        for (;;) {
            this.send({ type: 'members' });
            const { members } = await this.await('members');

            if (members.some(({ id }) => id === me.id)) {
                return;
            }
            await this.client.next(`that ${me.name} is here`);
        }
    }

    closed() {
        return this.client.closed();
    }

    leave() {
        return this.client.close(1000);
    }
}

const namesOf = ({ members }) => members.map(({ name }) => name).sort();

/* A time of the protocol that is now. */
function assertNow(time) {
    assert.ok(Number.isInteger(time), `${time}`);
    assert.ok(Math.abs(time - Date.now()) < SOON_MS, `${time}`);
}

/*
 * One member in each of two workers, named a and b: tries until the system
 * has sent one to each. Both have seen each other, and nothing waits to be
 * read.
 */
async function pair(host, path, parameters = {}) {
    const join = (name) => Member.join(host, path, { ...parameters, name });
    const first = await join('a');
    const where = await first.worker();

    for (let tries = 0; tries < 200; tries++) {
        const second = await join('b').catch(({ status }) => {
            assert.strictEqual(status, 409); /* the last b has just left */
        });

        if (second && await second.worker() !== where) {
            await meet([first, second]);
            return [first, second];
        }
        await second?.leave();
    }
    throw new Error('all connections go to one worker');
}

/* Each says something that all wait for; nothing older waits to be read
 * then. */
async function meet(members) {
    for (const speaker of members) {
        const text = `${speaker.me.name} is here`;

        speaker.say(text);
        for (const member of members) {
            await member.await('message', (event) => event.text === text);
        }
    }
}

module.exports = { Member, assertNow, chatUrl, meet, namesOf, pair };
