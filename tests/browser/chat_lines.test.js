/* chat_lines.test.js - what the chat page makes of the lines by which a server
 * says what was missed (sdk/doc/resume.md), in whatever order they come */
'use strict';

const assert = require('node:assert');
const { becomes } = require('./lib/browser.js');
const {
    isIn, isState, knock, log, people, say, setHidden, shows, unread,
} = require('./lib/chat.js');
const { DEMO, browserSuite } = require('./lib/suite.js');

const ROOM = '00000000000000aa';
const MAILBOX = '00000000000000bb';
const TOO_LONG = 'divider: You were away too long: some messages may be ' +
    'missing here';
/* Of etc/www/connection.js. */
const CATCH_UP_MS = 5000;
const SILENCE_MS = 15000;
const AWAY_MS = 5000; /* of etc/www/people.js */

const ANN = { id: '1', name: 'ann' };
const BOB = { id: '2', name: 'bob' };

/* A server that says what the test wants; the page itself is the host's. */
class Server {
    static async behind(page, { mute = false } = {}) {
        const server = new this();

        await page.routeWebSocket(/\/chat\?/, (socket) => {
            server.socket = socket;
            server.heard = [];
            socket.onMessage((data) => server.heard.push(JSON.parse(data)));
            if (!mute) {
                server.say('w 1');
            }
        });
        await page.clock.install();
        await page.goto('/chat.html#r');
        await page.clock.pauseAt(Date.now() + 60000); /* it stands still */
        await knock(page, 'ann');
        await becomes(() => server.socket !== undefined, true);
        return server;
    }

    say(...line) {
        this.socket.send(`${line.join(' ')}\n`);
    }

    sends(what, message) {
        this.socket.send(`${what}\n${JSON.stringify(message)}`);
    }

    welcomes(...members) {
        this.sends('m', { type: 'welcome', time: Date.now(), room: 'r',
            you: ANN, limits: { text: 2000 }, members: [ANN, ...members] });
    }

    /* Breaks the connection; the page comes again after that time. */
    async loses(page, after) {
        const { socket } = this;

        socket.close();
        await isState(page, 'waiting');
        await page.clock.fastForward(after);
        await becomes(() => this.socket !== socket, true);
    }

    hears(text) {
        return becomes(() =>
            this.heard.some((said) => said.text === text), true);
    }

    says(text, position, time = Date.now(), from = BOB) {
        this.sends(`m ${ROOM} ${position}`, { type: 'message', from, text,
            time });
    }

    /* Where the client is in each topic, as it says. */
    resumesFrom() {
        const { searchParams } = new URL(this.socket.url());
        const points = searchParams.get('resume').split(',').slice(1);

        return Object.fromEntries(points.map((point) =>
            [point.slice(0, 16), point.slice(17)]));
    }
}

/* The page of ann, who knocks for the first time. */
async function enter(visitor, options) {
    const page = await visitor.context.newPage();
    const server = await Server.behind(page, options);

    return { page, server };
}

/* She was away: her server has just let her in again. */
async function comeBack(visitor) {
    const { page, server } = await enter(visitor);

    server.welcomes(BOB);
    server.say('p', MAILBOX, 'a.0');
    server.say('p', ROOM, 'a.0');
    await isIn(page, 'r');
    server.says('before', 'a.1');
    await shows(page, 'bob: before');
    await server.loses(page, 1000);
    server.welcomes(BOB);
    await isState(page, 'open');
    return { page, server };
}

browserSuite('what the chat page is told', DEMO, ({ it }) => {
    it('has what the server kept below what is lost', async (visit) => {
        const { page, server } = await comeBack(await visit());
        const earlier = Date.now() - 5000;

        server.say('x', MAILBOX, 'b.0');
        server.say('x', ROOM, 'b.2');
        server.says('one', 'b.1', earlier);
        server.says('two', 'b.2', earlier);
        server.says('three', 'b.3');
        await shows(page, 'bob: before', TOO_LONG, 'bob: one', 'bob: two',
            'bob: three');
    });

    it('has what is lost where it was lost', async (visit) => {
        const { page, server } = await comeBack(await visit());

        server.say('x', ROOM, 'b.0');
        server.says('one', 'b.1');
        await shows(page, 'bob: before', TOO_LONG, 'bob: one');
        server.say('x', MAILBOX, 'b.0');
        server.says('two', 'b.2');
        await shows(page, 'bob: before', TOO_LONG, 'bob: one', 'bob: two');
    });

    it('says nothing when nothing was missed', async (visit) => {
        const { page, server } = await comeBack(await visit());

        await say(page, 'mine');
        server.say('r', MAILBOX, 'a.0', 0);
        server.say('r', ROOM, 'a.1', 0);
        await server.hears('mine'); /* it has all that it missed */
        await page.clock.fastForward(2 * CATCH_UP_MS);
        server.says('after', 'a.2');
        await becomes(() => log(page), ['bob: before', 'bob: after']);
    });

    it('says so when what was missed does not come', async (visit) => {
        const { page, server } = await comeBack(await visit());

        server.say('r', MAILBOX, 'a.0', 0);
        await page.clock.fastForward(2 * CATCH_UP_MS);
        await becomes(() => log(page), ['bob: before', TOO_LONG]);
        server.says('after', 'a.2');
        await becomes(() => log(page), ['bob: before', TOO_LONG, 'bob: after']);
    });

    it('says of nobody that they left while it was away itself',
        async (visit) => {
            const page = await (await visit()).context.newPage();
            const server = await Server.behind(page);
            const bobGoes = async () => {
                server.sends('m', { type: 'leave', member: BOB });
                await people(page, 'ann (you)');
                await server.loses(page, 2 * AWAY_MS);
            };

            server.welcomes(BOB);
            await people(page, 'ann (you)', 'bob');
            await bobGoes();
            server.welcomes(BOB);
            await people(page, 'ann (you)', 'bob');
            await page.clock.fastForward(2 * AWAY_MS);
            assert.deepStrictEqual(await log(page), []);
            await bobGoes();
            server.welcomes();
            await isState(page, 'open');
            assert.deepStrictEqual(await log(page), []);
            await page.clock.fastForward(2 * AWAY_MS);
            await becomes(() => log(page), ['note: bob left']);
        });

    it('has what is lost above what came since', async (visit) => {
        const { page, server } = await comeBack(await visit());

        server.say('r', ROOM, 'a.1', 0);
        server.says('live', 'a.2');
        await shows(page, 'bob: live');
        server.say('x', MAILBOX, 'b.0');
        await shows(page, 'bob: before', TOO_LONG, 'bob: live');
    });

    it('has what was missed among what came since', async (visit) => {
        const { page, server } = await comeBack(await visit());
        const now = Date.now();

        server.says('one', 'a.2', now - 5000);
        server.says('mine', 'a.3', now - 4000, ANN);
        server.says('three', 'a.4', now - 3000);
        server.say('r', ROOM, 'a.4', 3);
        server.says('live', 'a.5');
        server.sends(`m ${MAILBOX} a.1`, { type: 'private', from: BOB, to: ANN,
            text: 'psst', time: now - 3500 });
        server.say('r', MAILBOX, 'a.1', 1);
        await shows(page, 'bob: before',
            'divider: While you were away: 3 messages', 'bob: one',
            'You: mine', 'bob only to you: psst', 'bob: three', 'bob: live');
    });

    it('has what was said before it came above who came since',
        async (visit) => {
            const { page, server } = await enter(await visit());

            server.welcomes(BOB);
            server.sends('m', { type: 'join',
                member: { id: '3', name: 'cat' } });
            await shows(page, 'note: cat joined');
            server.say('p', ROOM, 'a.2');
            server.says('one', 'a.1', Date.now() - 5000);
            server.says('two', 'a.2', Date.now() - 4000);
            await shows(page, 'bob: one', 'bob: two', 'note: cat joined');
        });

    it('counts once what was not read', async (visit) => {
        const { page, server } = await comeBack(await visit());

        await setHidden(page, true);
        server.says('one', 'a.2');
        server.say('r', ROOM, 'a.2', 1);
        await unread(page, 'r', 1);
        await setHidden(page, false);
        await unread(page, 'r', 0);
        await setHidden(page, true);
        server.say('r', MAILBOX, 'a.0', 0);
        server.says('two', 'a.3');
        await shows(page, 'bob: two');
        await unread(page, 'r', 1);
    });

    it('says of all that was missed that it was', async (visit) => {
        const { page, server } = await comeBack(await visit());

        server.say('r', MAILBOX, 'a.0', 0);
        server.says('one', 'a.2');
        await shows(page, 'bob: one');
        await server.loses(page, 1000);
        server.welcomes(BOB);
        server.say('r', MAILBOX, 'a.0', 0);
        server.says('two', 'a.3');
        server.say('r', ROOM, 'a.3', 1);
        await shows(page, 'bob: before',
            'divider: While you were away: 1 message', 'bob: one',
            'divider: While you were away: 1 message', 'bob: two');
    });

    it('notices that nothing comes back, though others spoke',
        async (visit) => {
            const { page, server } = await comeBack(await visit());

            server.say('r', MAILBOX, 'a.0', 0);
            server.say('r', ROOM, 'a.1', 0);
            await say(page, 'mine');
            await server.hears('mine');
            server.says('after', 'a.2');
            await shows(page, 'bob: after');
            await page.clock.fastForward(SILENCE_MS);
            await isState(page, 'waiting');
        });

    it('notices that nobody lets it in', async (visit) => {
        const { page } = await enter(await visit(), { mute: true });

        await page.clock.fastForward(SILENCE_MS);
        await isState(page, 'waiting');
    });

    it('asks for the rest of what was said before it came', async (visit) => {
        const { page, server } = await enter(await visit());

        server.welcomes(BOB);
        server.say('p', MAILBOX, 'a.0');
        server.say('p', ROOM, 'a.3');
        server.says('one', 'a.1');
        await shows(page, 'bob: one');
        await server.loses(page, 1000);
        assert.deepStrictEqual(server.resumesFrom(),
            { [MAILBOX]: 'a.0', [ROOM]: 'a.1' });
        server.welcomes(BOB);
        server.say('r', MAILBOX, 'a.0', 0);
        server.says('two', 'a.2');
        server.says('three', 'a.3');
        server.say('r', ROOM, 'a.3', 2);
        await shows(page, 'bob: two', 'bob: three');
        await server.loses(page, 1000);
        assert.deepStrictEqual(server.resumesFrom(),
            { [MAILBOX]: 'a.0', [ROOM]: 'a.3' });
    });

    it('says that another room cannot be reached', async (visit) => {
        const { page, server } = await comeBack(await visit());
        const { socket } = server;

        await page.evaluate(() => {
            location.hash = 's';
        });
        await becomes(() => server.socket !== socket, true);
        server.socket.close();
        await isState(page, 'waiting');
        await page.getByRole('button', { name: 'Try now' }).click();
        await isState(page, 'connecting');
    });
});
