/* chat_looks.test.js - the chat page in light, in dark, on a phone: pictures to
 * look at, and what can be measured of them */
'use strict';

const assert = require('node:assert');
const {
    PHONE, appears, assertFits, click, takePicture, takePictures,
} = require('./lib/browser.js');
const {
    AWAY, composer, guest, isState, join, knock, openDoor, people, say,
    scrollUp, shows, whisperTo,
} = require('./lib/chat.js');
const { DEMO, browserSuite } = require('./lib/suite.js');

const SETUP = { ...DEMO, expected: [/killed by signal 9/] };
const SHARP = { deviceScaleFactor: 1.5 };

/* Some talk in a room, as ann sees it. */
async function talk(host, visit, room) {
    const ann = await join(await visit(SHARP), room, 'Ann');
    const bob = await guest(host, room, 'Bob');
    const wei = await guest(host, room, '小薇');

    await people(ann, 'Ann (you)', 'Bob', '小薇');
    await say(ann, 'Morning! The new build of chat.so is in plugins/.');
    await bob.await('message');
    bob.say('Two workers here.');
    bob.say('Does this reach the other one?');
    await shows(ann, 'Bob: Two workers here.',
        'Bob: Does this reach the other one?');
    wei.say('服务端，收到了！');
    await shows(ann, '小薇: 服务端，收到了！');
    bob.tell('Ann', 'Lunch at one?');
    await shows(ann, 'Bob only to you: Lunch at one?');
    await whisperTo(ann, 'Bob');
    await say(ann, 'Gladly. The usual place.');
    await shows(ann, 'You only to Bob: Gladly. The usual place.');
    return { ann, bob, wei };
}

/* Ends where the text ends, and so do all its parts. */
async function assertWidths(page) {
    for (const width of [1400, 1000, 740, 480, 320]) {
        await assertFits(page, width);
    }
}

browserSuite('how the chat looks', SETUP, ({ host, it }) => {
    it('at the door', async (visit) => {
        const page = await openDoor(await visit(SHARP), 'plugins');

        await guest(host, 'plugins', 'Ann');
        await page.getByLabel('Your name').fill('Ann');
        await takePictures(page, 'door');
        await knock(page, 'Ann');
        await appears(page, 'Somebody in this room has that name.');
        await takePictures(page, 'door-taken');
        await assertWidths(page);
        await page.setViewportSize(PHONE);
        await takePicture(page, 'door-phone');
    });

    it('in a room where nothing was said yet', async (visit) => {
        const page = await join(await visit(SHARP), 'new', 'Ann');

        await takePictures(page, 'chat-empty');
        await assertWidths(page);
    });

    it('in a room', async (visit) => {
        const { ann } = await talk(host, visit, 'design');

        await composer(ann).fill('What I am about to whisper');
        await ann.bringToFront();
        await takePictures(ann, 'chat-whisper');
        await ann.keyboard.press('Escape');
        await composer(ann).fill('');
        await takePictures(ann, 'chat');
        await assertWidths(ann);
    });

    it('on a phone', async (visit) => {
        const { ann, bob } = await talk(host, visit, 'phone');
        const toggle = ann.locator('#people-toggle');

        await ann.setViewportSize(PHONE);
        await ann.keyboard.press('Escape');
        await ann.bringToFront();
        await takePictures(ann, 'phone');
        assert.strictEqual(await toggle.innerText(), '3 people');
        assert.ok(await ann.locator('#people').isHidden());
        await toggle.click();
        assert.strictEqual(await toggle.getAttribute('aria-expanded'), 'true');
        await people(ann, 'Ann (you)', 'Bob', '小薇');
        await takePictures(ann, 'phone-people');
        await click(ann, 'Write to Bob only');
        assert.ok(await ann.locator('#people').isHidden());
        await appears(ann, 'Only Bob will see this');
        await composer(ann).fill('A longer text that takes more than the one ' +
            'line that there is room for on a phone.');
        await takePicture(ann, 'phone-whisper');
        await say(ann, 'psst');
        await bob.await('private', ({ text }) => text === 'psst');
        await assertWidths(ann);
    });

    it('with names and texts that are as long as they may be',
        async (visit) => {
            const long = 'W'.repeat(24);
            const visitor = await visit({ ...SHARP, viewport: PHONE });
            const ann = await join(visitor, `${long.slice(2)}##`, long);
            const bob = await join(visitor, `${long.slice(2)}##`,
                'ｗ'.repeat(21));

            await say(ann, 'x'.repeat(2000));
            await say(bob, `${'y'.repeat(300)}\n\n\nz`);
            await shows(ann, `${'ｗ'.repeat(21)}: ${'y'.repeat(300)}\n\n\nz`);
            await ann.locator('#people-toggle').click();
            await takePicture(ann, 'phone-long-people');
            await click(ann, `Write to ${'ｗ'.repeat(21)} only`);
            await say(ann, 'psst');
            await shows(ann, `You only to ${'ｗ'.repeat(21)}: psst`);
            await takePicture(ann, 'phone-long');
            await takePicture(bob, 'phone-long-other');
            await assertWidths(ann);
            await assertWidths(bob);
        });

    it('when the connection is lost, and when there is news',
        async (visit) => {
            const room = 'lost';
            const ann = await join(await visit(SHARP), room, 'Ann');
            const bob = await guest(host, room, 'Bob');

            await shows(ann, 'note: Bob joined');
            bob.say('A list:\n'.repeat(30));
            await shows(ann, `Bob: ${'A list:\n'.repeat(30).trim()}`);
            await scrollUp(ann);
            bob.say('below');
            await appears(ann, '1 new message');
            await takePictures(ann, 'chat-newer');
            /* Its tries to come back wait for this. */
            await ann.clock.install();
            await ann.clock.pauseAt(Date.now() + 60000);
            host.workers().forEach((pid) => process.kill(pid, 'SIGKILL'));
            await appears(ann, 'Connection lost.');
            await takePictures(ann, 'chat-lost');
            await assertWidths(ann);
            await click(ann, 'Try now');
            await ann.locator('#state[data-state="open"]').waitFor();
        });

    it('when something was missed, and something not sent',
        async (visit, wired) => {
            const { visitor, cable } = await wired(SHARP);

            visitor.expect(...AWAY);
            const { ann, bob, wei } = await talk(host, () => visitor, 'away');

            await ann.keyboard.press('Escape');
            await say(ann, '\u200b');
            await ann.locator('.failed').waitFor();
            await takePictures(ann, 'chat-failed');
            await ann.setViewportSize(PHONE);
            await takePictures(ann, 'phone-failed');
            await assertWidths(ann);
            await click(ann, 'Discard');
            await ann.setViewportSize({ width: 1000, height: 680 });
            await ann.clock.install();
            await ann.clock.pauseAt(Date.now() + 60000);
            cable.cut();
            await isState(ann, 'waiting');
            await say(ann, 'Is anybody there?');
            await ann.locator('.unsent').waitFor();
            await takePictures(ann, 'chat-unsent');
            bob.say('Where has Ann gone?');
            wei.say('She has a train to catch.');
            await wei.await('message', ({ text }) => text.includes('train'));
            cable.mend();
            await click(ann, 'Try now');
            await appears(ann, 'While you were away: 2 messages');
            await shows(ann, 'You: Is anybody there?');
            await takePictures(ann, 'chat-missed');
            await ann.setViewportSize(PHONE);
            await scrollUp(ann);
            bob.say('There she is.');
            await appears(ann, '1 new message');
            await takePictures(ann, 'phone-unread');
            await assertWidths(ann);
            await click(ann, '↓ 1 new message');
            await takePictures(ann, 'phone-missed');
            await assertWidths(ann);
        });
});
