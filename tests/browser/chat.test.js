/* chat.test.js - two tabs that talk, and what they show of it */
'use strict';

const assert = require('node:assert');
const { appears, becomes, click } = require('./lib/browser.js');
const {
    composer, guest, isIn, isText, join, knock, log, openDoor, people, say,
    scrollUp, setHidden, shows, unread, unsent, whisperTo,
} = require('./lib/chat.js');
const { DEMO, browserSuite } = require('./lib/suite.js');

const roomField = (page) => page.getByRole('textbox', { name: 'Room' });

let rooms = 0;
const newRoom = () => `room-${++rooms}`;

browserSuite('the chat page', DEMO, ({ host, it }) => {
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
        await people(ann, 'ann (you)');
    });

    it('lets two visitors talk in one room, and keeps two rooms apart',
        async (visit) => {
            const [one, two] = [newRoom(), newRoom()];
            const ann = await join(await visit(), one, 'ann');
            const bob = await join(await visit(), one, 'bob');
            const other = await guest(host, two, 'ann');

            other.say('elsewhere');
            await other.await('message');
            await say(ann, 'here');
            await shows(bob, 'ann: here');
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
        /* To whom has left nobody whispers, nor aloud instead. */
        await whisperTo(ann, 'cat');
        await composer(ann).fill('between us');
        await cat.leave();
        await appears(ann, 'cat is not here now');
        await composer(ann).press('Enter');
        assert.strictEqual(await composer(ann).inputValue(), 'between us');
        const again = await guest(host, room, 'cat');

        await appears(ann, 'Only cat will see this');
        await composer(ann).press('Enter');
        await again.await('private', isText('between us'));
        await shows(ann, 'You only to cat: between us');
    });

    it('counts what was not read yet', async (visit) => {
        const room = newRoom();
        const bob = await guest(host, room, 'bob');

        bob.say('before');
        await bob.await('message');
        const ann = await join(await visit(), room, 'ann');

        await shows(ann, 'bob: before');
        await unread(ann, room, 0); /* it is no news */
        await setHidden(ann, true);
        bob.say('one');
        await unread(ann, room, 1);
        bob.say('two');
        await unread(ann, room, 2);
        await say(ann, 'mine');
        await shows(ann, 'bob: two', 'You: mine');
        await unread(ann, room, 2);
        await setHidden(ann, false);
        await unread(ann, room, 0);
        bob.say('line\n'.repeat(60));
        await shows(ann, `bob: ${'line\n'.repeat(60).trim()}`);
        await unread(ann, room, 0);
        await scrollUp(ann);
        bob.say('three');
        await unread(ann, room, 1);
        await click(ann, '↓ 1 new message');
        await unread(ann, room, 0);
        assert.ok(await ann.locator('#newer').isHidden());
        assert.ok(await ann.locator('#scroll').evaluate((log) =>
            log.scrollHeight - log.scrollTop - log.clientHeight < 2));
    });

    it('shows once what was sent twice', async (visit) => {
        const room = newRoom();
        const ann = await join(await visit(), room, 'ann');
        const bob = await guest(host, room, 'bob');

        await shows(ann, 'note: bob joined');
        for (const ref of ['x-1', 'x-1', 'x-2']) {
            bob.say('hello', ref);
        }
        bob.say('end');
        await shows(ann, 'note: bob joined', 'bob: hello', 'bob: hello',
            'bob: end');
    });

    it('says nothing of who has only reconnected', async (visit) => {
        const room = newRoom();
        const visitor = await visit();
        const page = await visitor.context.newPage();

        await page.clock.install();
        await page.goto(`/chat.html#${room}`);
        await page.clock.pauseAt(Date.now() + 60000);
        await knock(page, 'bob');
        await isIn(page, room);
        const ann = await guest(host, room, 'ann');

        await shows(page, 'note: ann joined');
        await ann.leave();
        await people(page, 'bob (you)');
        await page.clock.runFor(2000);
        const back = await guest(host, room, 'ann');

        await people(page, 'bob (you)', 'ann');
        await page.clock.runFor(10000);
        assert.deepStrictEqual(await log(page), ['note: ann joined']);
        await back.leave();
        await people(page, 'bob (you)');
        await page.clock.runFor(10000);
        await shows(page, 'note: ann joined', 'note: ann left');
    });

    it('is the same after a reload', async (visit) => {
        const room = newRoom();
        const visitor = await visit();
        const ann = await join(visitor, room, 'ann');
        const bob = await join(visitor, room, 'bob');

        await say(ann, 'one');
        await say(bob, 'two');
        await shows(ann, 'You: one', 'bob: two');
        /* However long that takes: it is at once for bob. */
        await bob.clock.install();
        await bob.clock.pauseAt(Date.now() + 60000);
        await ann.reload();
        await isIn(ann, room);
        await shows(ann, 'You: one', 'bob: two');
        await people(ann, 'ann (you)', 'bob');
        await say(ann, 'three');
        /* Nobody needs to know. */
        await people(bob, 'bob (you)', 'ann');
        await bob.clock.runFor(10000);
        await shows(bob, 'ann: one', 'You: two', 'ann: three');
        await unread(ann, room, 0);
    });

    it('sends again what was refused', async (visit) => {
        const room = newRoom();
        const ann = await join(await visit(), room, 'ann');

        for (const text of ['\u200b', '\u200d']) {
            await say(ann, text);
        }
        await becomes(async () => (await unsent(ann)).length, 2);
        await ann.locator('.failed').nth(1).waitFor();
        const [first] = await unsent(ann);

        assert.match(first, /: Not sent: .*Send againDiscard$/);
        await ann.getByRole('button', { name: 'Discard' }).first().click();
        await becomes(async () => (await unsent(ann)).length, 1);
        await ann.getByRole('button', { name: 'Send again' }).click();
        await ann.locator('.failed').waitFor(); /* once more */
        await ann.getByRole('button', { name: 'Discard' }).click();
        await say(ann, 'visible');
        await shows(ann, 'You: visible');
        assert.deepStrictEqual(await unsent(ann), []);
    });

    it('says why one cannot come in', async (visit) => {
        const room = newRoom();
        const visitor = await visit();
        const ann = await guest(host, room, 'ann');
        const page = await openDoor(visitor, room);
        const name = page.getByLabel('Your name');

        for (const taken of ['ann', ' ANN ']) {
            await knock(page, taken);
            await appears(page, 'Somebody in this room has that name.');
        }
        await knock(page, 'x'.repeat(25));
        await appears(page, 'A name has at most 24 characters.');
        await knock(page, 'a\u202eb');
        await appears(page, '1 to 24 visible characters');
        await name.fill('');
        await click(page, 'Join');
        assert.ok(await name.evaluate((input) => !input.validity.valid));
        assert.ok(await page.locator('#chat').isHidden());
        await roomField(page).fill('somewhere else');
        await knock(page, 'ann');
        await isIn(page, 'somewhere else');
        ann.say('still here');
        await ann.await('message');
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

    it('loses nothing of who types too fast', async (visit) => {
        const room = newRoom();
        const ann = await join(await visit(), room, 'ann');
        const lines = Array.from({ length: 25 }, (_, i) => `line ${i}`);

        await ann.evaluate((all) => {
            const text = document.getElementById('text');

            for (const line of all) {
                text.value = line;
                text.dispatchEvent(new Event('input'));
                document.getElementById('send').click();
            }
        }, lines);
        await shows(ann, ...lines.map((line) => `You: ${line}`));
        assert.deepStrictEqual(await unsent(ann), []);
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

        assert.strictEqual(await roomField(page).inputValue(), two);
    });

    it('takes an address as it was typed', async (visit) => {
        const visitor = await visit();
        const page = await visitor.open('/chat.html#100%');

        assert.strictEqual(await roomField(page).inputValue(), '100%');
        await knock(page, 'ann');
        await isIn(page, '100%');
    });

    for (const how of ['denied', 'none', 'full']) {
        it(`does without a place to store anything: ${how}`, async (visit) => {
            const room = newRoom();
            const visitor = await visit();

            await visitor.context.addInitScript((way) => {
                const fail = () => {
                    throw new DOMException(way, 'QuotaExceededError');
                };
                const full = { getItem: () => null, setItem: fail,
                    removeItem: fail };

                for (const name of ['localStorage', 'sessionStorage']) {
                    Object.defineProperty(window, name, { get() {
                        return way === 'denied' ? fail()
                            : way === 'full' ? full : null;
                    } });
                }
            }, how);
            const ann = await join(visitor, room, 'ann');

            await say(ann, 'hello');
            await shows(ann, 'You: hello');
            await click(ann, 'Leave');
            await appears(ann, 'Join the chat');
        });
    }
});
