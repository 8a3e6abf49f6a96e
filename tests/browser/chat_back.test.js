/* chat_back.test.js - a chat page that loses its connection, and what it shows
 * when it is back */
'use strict';

const assert = require('node:assert');
const { appears, becomes, click } = require('./lib/browser.js');
const {
    AWAY, guest, isIn, isState, isText, join, knock, log, openDoor, people,
    say, setHidden, shows, showsTalk, unread, unsent, watchForLoss,
} = require('./lib/chat.js');
const { DEMO, browserSuite } = require('./lib/suite.js');

const SETUP = { ...DEMO, expected: [/killed by signal 9/] };
const TOO_LONG = 'divider: You were away too long: some messages may be ' +
    'missing here';

/* Presses the button, unless the page has come back by itself. */
const tryAgain = (page) =>
    page.locator('#banner-button').dispatchEvent('click');

async function tryNow(page) {
    await tryAgain(page);
    await isState(page, 'open');
}

/* It is refused, and has asked whether the server is there for all else. */
async function isAsking(page, run) {
    const asked = page.waitForResponse((response) =>
        response.request().method() === 'HEAD');

    await run(page);
    await asked;
    await isState(page, 'waiting');
}

/* Bob tells her something while she is away, of which the host knows nothing;
 * what is refused is so when she tries to come back. */
async function misses(ann, bob, cable, refused = null) {
    cable.refused = refused;
    cable.cut({ silently: true });
    await isState(ann, 'waiting');
    bob.tell('ann', 'psst');
    await bob.await('private');
    cable.mend();
}

const MISSED = ['note: bob joined', 'divider: While you were away: 1 message',
    'bob only to you: psst'];

let rooms = 0;
const newRoom = () => `room-${++rooms}`;

browserSuite('a chat page that comes back', SETUP, ({ host, it }) => {
    it('comes back when workers are killed', async (visit) => {
        const room = newRoom();
        const visitor = await visit();
        const ann = await join(visitor, room, 'ann');
        const bob = await join(visitor, room, 'bob');

        await say(ann, 'before');
        await shows(bob, 'ann: before');
        const lost = await Promise.all([ann, bob].map(watchForLoss));

        host.workers().forEach((pid) => process.kill(pid, 'SIGKILL'));
        await Promise.all(lost.map((isLost) => isLost()));
        for (const page of [ann, bob]) {
            await isState(page, 'open');
            assert.ok(await page.locator('#banner').isHidden());
        }
        await people(ann, 'ann (you)', 'bob');
        await people(bob, 'bob (you)', 'ann');
        await say(ann, 'after');
        await showsTalk(bob, 'ann: before', 'ann: after');
        await say(bob, 'still us');
        await showsTalk(ann, 'You: before', 'You: after', 'bob: still us');
    });

    it('comes back when the server does', async (visit) => {
        const room = newRoom();
        const visitor = await visit();
        const ann = await join(visitor, room, 'ann');
        const bob = await join(visitor, room, 'bob');
        const { port } = host;

        visitor.expect(...AWAY);
        await say(ann, 'before');
        await shows(bob, 'ann: before');
        await host.stop();
        for (const page of [ann, bob]) {
            await appears(page, 'Connection lost.');
            await isState(page, 'waiting');
        }
        await say(ann, 'meanwhile');
        await becomes(() => unsent(ann),
            ['meanwhile: waiting for the connection…']);
        host.setup.ini = () => DEMO.ini().replace('localhost:0',
            `localhost:${port}`);
        host.writeIni();
        await host.start();
        for (const page of [bob, ann]) {
            await tryNow(page);
        }
        /* What the host kept has ended with it. */
        await showsTalk(ann, 'You: before', TOO_LONG, 'You: meanwhile');
        await showsTalk(bob, 'ann: before', TOO_LONG, 'ann: meanwhile');
        assert.deepStrictEqual(await unsent(ann), []);
    });

    it('shows what was missed, once', async (visit, wired) => {
        const room = newRoom();
        const { visitor, cable } = await wired();
        const ann = await join(visitor, room, 'ann');
        const bob = await guest(host, room, 'bob');

        visitor.expect(...AWAY);
        await say(ann, 'before');
        await bob.await('message');
        cable.cut({ silently: true });
        await isState(ann, 'waiting');
        await setHidden(ann, true);
        bob.say('one');
        const { time } = await bob.await('message', isText('one'));

        await becomes(() => Date.now() > time, true);
        bob.tell('ann', 'psst');
        bob.say('two');
        await bob.await('message', isText('two'));
        await say(ann, 'from afar');
        cable.mend();
        await tryNow(ann);
        await bob.await('message', isText('from afar'));
        await becomes(async () => (await log(ann)).filter((line) =>
            !line.startsWith('note')), ['You: before',
            'divider: While you were away: 3 messages', 'bob: one',
            'bob only to you: psst', 'bob: two', 'You: from afar']);
        await unread(ann, room, 3);
        await setHidden(ann, false);
        await unread(ann, room, 0);
        /* Nothing was missed: nothing is said. */
        cable.cut();
        await isState(ann, 'waiting');
        cable.mend();
        await tryNow(ann);
        bob.say('three');
        await shows(ann, 'You: from afar', 'bob: three');
    });

    it('shows where it begins that was missed', async (visit, wired) => {
        const room = newRoom();
        const { visitor, cable } = await wired();
        const ann = await join(visitor, room, 'ann');
        const bob = await guest(host, room, 'bob');

        visitor.expect(...AWAY);
        await shows(ann, 'note: bob joined');
        bob.say('before');
        await shows(ann, 'bob: before');
        await ann.bringToFront();
        cable.cut();
        await isState(ann, 'waiting');
        bob.say('line\n'.repeat(60));
        bob.say('last');
        await bob.await('message', isText('last'));
        cable.mend();
        await tryNow(ann);
        await appears(ann, 'While you were away: 2 messages');
        await ann.locator('.divider').evaluate((divider) => {
            const { top, bottom } = divider.getBoundingClientRect();

            if (top < 0 || bottom > innerHeight) {
                throw new Error(`from ${top} to ${bottom}`);
            }
        });
        await unread(ann, room, 2);
        await click(ann, '↓ 2 new messages');
        await unread(ann, room, 0);
    });

    it('says that what it sent has not come back', async (visit, wired) => {
        const room = newRoom();
        const { visitor, cable } = await wired();
        const page = await visitor.context.newPage();

        visitor.expect(...AWAY);
        await page.clock.install();
        await page.goto(`/chat.html#${room}`);
        await page.clock.pauseAt(Date.now() + 60000); /* it stands still */
        await knock(page, 'ann');
        await isIn(page, room);
        await say(page, 'before');
        await shows(page, 'You: before');
        cable.hold();
        await say(page, 'slowly');
        await becomes(() => unsent(page), ['slowly: sending…']);
        cable.release();
        await shows(page, 'You: before', 'You: slowly');
        assert.deepStrictEqual(await unsent(page), []);
        /* A network that is gone without a word. */
        cable.hush();
        await say(page, 'twice');
        await becomes(() => unsent(page), ['twice: sending…']);
        await page.clock.fastForward(20000);
        await isState(page, 'waiting');
        await page.clock.fastForward(20000);
        await isState(page, 'open');
        await shows(page, 'You: before', 'You: slowly', 'You: twice');
        assert.deepStrictEqual(await unsent(page), []);
        const bob = await join(await visit(), room, 'bob');

        await shows(bob, 'ann: before', 'ann: slowly', 'ann: twice');
        assert.strictEqual((await log(bob)).length, 3);
    });

    it('begins anew when its positions are refused', async (visit, wired) => {
        const room = newRoom();
        const { visitor, cable } = await wired();
        const ann = await join(visitor, room, 'ann');
        const bob = await guest(host, room, 'bob');

        visitor.expect(...AWAY, /status of 400/);
        await say(ann, 'before');
        await shows(ann, 'You: before');
        cable.refused = /[?&]resume=/;
        cable.cut();
        await isState(ann, 'waiting');
        await say(ann, 'meanwhile');
        cable.mend();
        await isState(ann, 'open');
        await shows(ann, 'You: before', TOO_LONG, 'You: meanwhile');
        await say(ann, 'after');
        await shows(ann, TOO_LONG, 'You: meanwhile', 'You: after');
        for (const text of ['before', 'meanwhile', 'after']) {
            assert.strictEqual((await bob.await('message')).text, text);
        }
    });

    it('keeps its positions when all is refused', async (visit, wired) => {
        const room = newRoom();
        const { visitor, cable } = await wired();
        const ann = await join(visitor, room, 'ann');
        const bob = await guest(host, room, 'bob');

        visitor.expect(...AWAY, /status of 400/);
        await shows(ann, 'note: bob joined');
        await misses(ann, bob, cable, /^GET .chat\?/);
        for (let i = 0; i < 4; i++) {
            await isAsking(ann, tryAgain);
        }
        cable.refused = null;
        await tryNow(ann);
        await becomes(() => log(ann), MISSED);
    });

    it('keeps its positions when the server goes as it tries without them',
        async (visit, wired) => {
            const room = newRoom();
            const { visitor, cable } = await wired();
            const ann = await join(visitor, room, 'ann');
            const bob = await guest(host, room, 'bob');

            visitor.expect(...AWAY, /status of 400/);
            await shows(ann, 'note: bob joined');
            await misses(ann, bob, cable, /[?&]resume=/);
            await isAsking(ann, tryAgain);
            await isAsking(ann, tryAgain);
            cable.refused = /[?&]resume=|^HEAD/;
            await isAsking(ann, tryAgain);
            cable.refused = null;
            await tryNow(ann);
            await becomes(() => log(ann), MISSED);
        });

    it('can resume although a proxy refused it at first',
        async (visit, wired) => {
            const room = newRoom();
            const { visitor, cable } = await wired();
            const ann = await openDoor(visitor, room);

            visitor.expect(...AWAY, /status of 400/);
            cable.refused = /^(GET .chat\?|HEAD)/; /* its server is not there */
            await isAsking(ann, (page) => knock(page, 'ann'));
            cable.refused = null;
            await isIn(ann, room);
            const bob = await guest(host, room, 'bob');

            await shows(ann, 'note: bob joined');
            await misses(ann, bob, cable);
            await tryNow(ann);
            await shows(ann, 'bob only to you: psst');
        });

    it('goes to the tab that came last with the same key', async (visit) => {
        const room = newRoom();
        const visitor = await visit();
        const first = await join(visitor, room, 'ann');
        /* A duplicate of the tab, as browsers make it. */
        const [second] = await Promise.all([
            visitor.context.waitForEvent('page'),
            first.evaluate(() => window.open(location.href, '_blank',
                'noopener=no')),
        ]);

        await isIn(second, room);
        await appears(first, 'You came back from another window.');
        await click(first, 'Chat here');
        await appears(second, 'You came back from another window.');
        await people(first, 'ann (you)');
    });
});

browserSuite('the chat page of a route that keeps nothing', {
    ...DEMO, ini: () => DEMO.ini().replaceAll(/^history.*$/gm, ''),
}, ({ host, it }) => {
    it('does without', async (visit, wired) => {
        const { visitor, cable } = await wired();

        visitor.expect(...AWAY);
        const ann = await join(visitor, 'r', 'ann');
        const bob = await guest(host, 'r', 'bob');

        await say(ann, 'hello');
        await bob.await('message');
        bob.say('hello');
        await shows(ann, 'note: bob joined', 'You: hello', 'bob: hello');
        cable.cut();
        await isState(ann, 'waiting');
        await say(ann, 'still here');
        cable.mend();
        await isState(ann, 'open');
        await shows(ann, 'You: hello', 'bob: hello', 'You: still here');
        await people(ann, 'ann (you)', 'bob');
    });
});
