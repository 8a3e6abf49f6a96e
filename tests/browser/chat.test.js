/* chat.test.js - two tabs that talk, and whatever can come in between */
'use strict';

const assert = require('node:assert');
const { appears, becomes, click } = require('./lib/browser.js');
const {
    composer, guest, isIn, isState, join, knock, log, openDoor, people, say,
    setHidden, shows, whisperTo,
} = require('./lib/chat.js');
const { DEMO, browserSuite } = require('./lib/suite.js');

const SETUP = { ...DEMO, expected: [/killed by signal 9/, / floods room /] };

/* What a browser says of a handshake that is refused. */
const REFUSED = [/WebSocket connection .* failed/, /status of (400|409)/];

const roomField = (page) => page.getByRole('textbox', { name: 'Room' });

let rooms = 0;
const newRoom = () => `room-${++rooms}`;

browserSuite('the chat page', SETUP, ({ host, it }) => {
    it('lets two tabs talk', async (visit) => {
        const room = newRoom();
        const visitor = await visit();
        const ann = await join(visitor, room, 'ann');
        const bob = await join(visitor, room, 'bob');

        await shows(ann, 'note: bob joined');
        await people(ann, 'ann (you)', 'bob');
        await people(bob, 'bob (you)', 'ann');
        await say(ann, 'Anybody here?');
        await shows(ann, 'You: Anybody here?');
        await shows(bob, 'ann: Anybody here?');
        await say(bob, 'I am. 你好');
        await say(bob, '😀');
        await shows(bob, 'ann: Anybody here?', 'You: I am. 你好', 'You: 😀');
        await shows(ann, 'You: Anybody here?', 'bob: I am. 你好', 'bob: 😀');
        await click(bob, 'Leave');
        await appears(bob, 'Join the chat');
        await shows(ann, 'note: bob left');
        await people(ann, 'ann (you)');
    });

    it('lets two visitors talk in one room, and keeps two rooms apart',
        async (visit) => {
            const [one, two] = [newRoom(), newRoom()];
            const ann = await join(await visit(), one, 'ann');
            const bob = await join(await visit(), one, 'bob');
            const other = await guest(host, two, 'ann');

            other.say('elsewhere');
            await other.hears('elsewhere');
            await say(ann, 'here');
            await shows(bob, 'ann: here');
            assert.deepStrictEqual(await other.history(), ['elsewhere']);
            assert.deepStrictEqual(await log(bob), ['ann: here']);
        });

    it('whispers', async (visit) => {
        const room = newRoom();
        const visitor = await visit();
        const ann = await join(visitor, room, 'ann');
        const bob = await join(visitor, room, 'bob');
        const cat = await guest(host, room, 'cat');

        await people(ann, 'ann (you)', 'bob', 'cat');
        await whisperTo(ann, 'bob');
        await appears(ann, 'Only bob will see this');
        await say(ann, 'psst');
        await shows(ann, 'You only to bob: psst');
        await shows(bob, 'ann only to you: psst');
        await ann.keyboard.press('Escape');
        await say(ann, 'aloud');
        await cat.hears('aloud'); /* and nothing before it */
        /* To whom has left, nobody whispers. */
        await whisperTo(ann, 'cat');
        await cat.leave();
        await shows(ann, 'note: cat left');
        assert.ok(await ann.getByText('will see this').isHidden());
    });

    it('counts what was not read yet', async (visit) => {
        const room = newRoom();
        const ann = await join(await visit(), room, 'ann');
        const bob = await guest(host, room, 'bob');

        await becomes(() => ann.title(), `#${room} · patchbay`);
        await setHidden(ann, true);
        bob.say('one');
        await becomes(() => ann.title(), `(1) #${room} · patchbay`);
        bob.say('two');
        await becomes(() => ann.title(), `(2) #${room} · patchbay`);
        await setHidden(ann, false);
        await becomes(() => ann.title(), `#${room} · patchbay`);
        bob.say('three');
        await shows(ann, 'bob: three');
        assert.strictEqual(await ann.title(), `#${room} · patchbay`);
    });

    it('is the same after a reload', async (visit) => {
        const room = newRoom();
        const visitor = await visit();
        const ann = await join(visitor, room, 'ann');
        const bob = await join(visitor, room, 'bob');

        await say(ann, 'one');
        await say(bob, 'two');
        await shows(ann, 'You: one', 'bob: two');
        await ann.reload();
        await isIn(ann, room);
        await shows(ann, 'You: one', 'bob: two');
        await people(ann, 'ann (you)', 'bob');
        await say(ann, 'three');
        /* Nobody needs to know. */
        await shows(bob, 'ann: one', 'You: two', 'ann: three');
        const { welcome } = await guest(host, room, 'cat');

        assert.deepStrictEqual(welcome.history.map(({ text }) => text),
            ['one', 'two', 'three']);
    });

    it('comes back when workers are killed', async (visit) => {
        const room = newRoom();
        const visitor = await visit();
        const ann = await join(visitor, room, 'ann');
        const bob = await join(visitor, room, 'bob');

        await say(ann, 'before');
        await shows(bob, 'ann: before');
        const lost = [ann, bob].map((page) =>
            appears(page, 'Connection lost.'));

        host.workers().forEach((pid) => process.kill(pid, 'SIGKILL'));
        await Promise.all(lost);
        for (const page of [ann, bob]) {
            await isState(page, 'open');
            assert.ok(await page.locator('#banner').isHidden());
        }
        await people(ann, 'ann (you)', 'bob');
        await people(bob, 'bob (you)', 'ann');
        await say(ann, 'after');
        await shows(bob, 'ann: after');
        assert.ok((await log(bob)).includes('ann: before'));
        await say(bob, 'still us');
        await shows(ann, 'bob: still us');
        assert.strictEqual((await log(ann)).filter((line) =>
            line === 'You: after').length, 1);
    });

    it('comes back when the server does', async (visit) => {
        const room = newRoom();
        const visitor = await visit();
        const ann = await join(visitor, room, 'ann');
        const bob = await join(visitor, room, 'bob');
        const { port } = host;

        visitor.expect(/WebSocket connection .* failed/, /net::ERR_CONN/);
        await say(ann, 'before');
        await shows(bob, 'ann: before');
        await host.stop();
        for (const page of [ann, bob]) {
            await appears(page, 'Connection lost.');
            await isState(page, 'waiting');
            assert.ok(await page.getByRole('button', { name: 'Send' })
                .isDisabled());
        }
        host.setup.ini = () => DEMO.ini().replace('localhost:0',
            `localhost:${port}`);
        host.writeIni();
        await host.start();
        for (const page of [ann, bob]) {
            /* "Try now"; it may have done so by itself. */
            await page.locator('#banner-button').dispatchEvent('click');
            await isState(page, 'open');
        }
        await say(ann, 'after');
        await shows(bob, 'ann: after');
        assert.ok((await log(bob)).includes('ann: before'));
    });

    it('says why one cannot come in', async (visit) => {
        const room = newRoom();
        const visitor = await visit();
        const ann = await guest(host, room, 'ann');
        const page = await openDoor(visitor, room);
        const name = page.getByLabel('Your name');

        visitor.expect(...REFUSED);
        await appears(page, 'ann is there.');
        for (const taken of ['ann', ' ANN ']) {
            await knock(page, taken);
            await appears(page, 'Somebody in this room has that name.');
        }
        await knock(page, 'x'.repeat(25));
        await appears(page, 'A name has at most 24 characters.');
        await knock(page, 'a\u202eb');
        await appears(page, 'A name is 1 to 24 visible characters.');
        await name.fill('');
        await click(page, 'Join');
        assert.ok(await name.evaluate((input) => !input.validity.valid));
        assert.ok(await page.locator('#chat').isHidden());
        await roomField(page).fill('somewhere else');
        await appears(page, 'Nobody is there yet.');
        await knock(page, 'ann');
        await isIn(page, 'somewhere else');
        assert.deepStrictEqual(await ann.names(), ['ann']);
    });

    it('shows markup as it was typed', async (visit) => {
        const room = newRoom();
        const evil = '<img src=x onerror="alert(1)">';
        const ann = await guest(host, room, '<b>ann</b>');
        const bob = await join(await visit(), room, 'bob');

        ann.say(evil);
        await shows(bob, `<b>ann</b>: ${evil}`);
        await people(bob, 'bob (you)', '<b>ann</b>');
        assert.strictEqual(await bob.locator('#chat img, #chat b').count(), 1);
        await whisperTo(bob, '<b>ann</b>');
        await appears(bob, 'Only <b>ann</b> will see this');
    });

    it('writes lines, and sends none that are empty or too long',
        async (visit) => {
            const room = newRoom();
            const ann = await join(await visit(), room, 'ann');
            const send = ann.getByRole('button', { name: 'Send' });

            assert.ok(await send.isDisabled());
            await say(ann, '   ');
            await composer(ann).fill('first');
            await composer(ann).press('Shift+Enter');
            await composer(ann).pressSequentially('second');
            assert.ok(await send.isEnabled());
            await composer(ann).press('Enter');
            await shows(ann, 'You: first\nsecond');
            await composer(ann).fill('x'.repeat(1990));
            await appears(ann, '10 characters left');
            await composer(ann).fill('😀'.repeat(2001));
            await appears(ann, '1 character too long');
            assert.ok(await send.isDisabled());
            await composer(ann).press('Enter');
            await composer(ann).fill('😀'.repeat(2000));
            await send.click();
            await shows(ann, 'You: first\nsecond',
                `You: ${'😀'.repeat(2000)}`);
            assert.strictEqual((await log(ann)).length, 2);
            assert.strictEqual(await composer(ann).inputValue(), '');
        });

    it('slows down who types too fast', async (visit) => {
        const room = newRoom();
        const ann = await join(await visit(), room, 'ann');
        const burst = (count) => ann.evaluate((many) => {
            const text = document.getElementById('text');

            for (let i = 0; i < many; i++) {
                text.value = `line ${i}`;
                text.dispatchEvent(new Event('input'));
                document.getElementById('send').click();
            }
        }, count);

        await burst(11);
        await appears(ann, 'Slow down a little.');
        /* What was refused is not lost. */
        assert.strictEqual(await composer(ann).inputValue(), 'line 10');
        await burst(30);
        await appears(ann, 'Too many messages: the server hung up.');
        await click(ann, 'Join again');
        await isState(ann, 'open');
        assert.ok(await ann.locator('#banner').isHidden());
        await say(ann, 'calm');
        await shows(ann, 'You: calm');
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

    it('offers what is new to who has scrolled up', async (visit) => {
        const room = newRoom();
        const ann = await join(await visit(), room, 'ann');
        const bob = await guest(host, room, 'bob');

        bob.say('line\n'.repeat(60));
        await shows(ann, `bob: ${'line\n'.repeat(60).trim()}`);
        await ann.bringToFront();
        await ann.locator('#scroll').evaluate((log) => new Promise((done) => {
            log.addEventListener('scroll', done, { once: true });
            log.scrollTop = 0;
        }));
        bob.say('below');
        await appears(ann, '1 new message');
        await click(ann, '↓ 1 new message');
        assert.ok(await ann.locator('#newer').isHidden());
        assert.ok(await ann.locator('#scroll').evaluate((log) =>
            log.scrollHeight - log.scrollTop - log.clientHeight < 2));
    });

    it('follows the room in the address', async (visit) => {
        const [one, two] = [newRoom(), newRoom()];
        const visitor = await visit();
        const ann = await join(visitor, one, 'ann');
        const bob = await guest(host, one, 'bob');

        await ann.evaluate((room) => {
            location.hash = room;
        }, two);
        await isIn(ann, two);
        await people(ann, 'ann (you)');
        assert.strictEqual((await bob.next('leave')).member.name, 'ann');
        await visitor.context.grantPermissions(
            ['clipboard-read', 'clipboard-write']);
        await ann.bringToFront();
        await click(ann, 'Copy link');
        await appears(ann, 'Copied');
        const link = await ann.evaluate(() => navigator.clipboard.readText());

        assert.strictEqual(link, `${visitor.base.origin}/chat.html#${two}`);
        const page = await visitor.open(link);

        await appears(page, 'ann is there.');
        assert.strictEqual(await roomField(page).inputValue(), two);
    });
});
