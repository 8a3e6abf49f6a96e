/* chat_cluster.test.js - the chat page on two hosts with one Redis */
'use strict';

const assert = require('node:assert');
const { appears, becomes } = require('./lib/browser.js');
const {
    AWAY, isState, join, knock, log, openDoor, people, say, setHidden, shows,
    showsTalk, unread, watchForLoss, whisperTo,
} = require('./lib/chat.js');
const { clusterSuite } = require('./lib/suite.js');

const SETUP = { expected: [/killed by signal 9/] };

clusterSuite('the chat page on two hosts', SETUP, ({ hosts, it }) => {
    /* They are not there yet. */
    const A = () => hosts[0];
    const B = () => hosts[1];

    it('is one room', async (visit) => {
        const ann = await join(await visit({ host: A() }), 'one', 'ann');
        const visitor = await visit({ host: B() });
        const bob = await openDoor(visitor, 'one');

        await knock(bob, 'ANN');
        await appears(bob, 'Somebody in this room has that name.');
        await knock(bob, 'bob');
        await people(bob, 'bob (you)', 'ann');
        await people(ann, 'ann (you)', 'bob');
        await shows(ann, 'note: bob joined');
        await say(ann, 'Hello over there');
        await shows(bob, 'ann: Hello over there');
        await say(bob, 'Hello back');
        await shows(ann, 'You: Hello over there', 'bob: Hello back');
        const cat = await join(await visit({ host: B() }), 'one', 'cat');

        await shows(cat, 'ann: Hello over there', 'bob: Hello back');
        await unread(cat, 'one', 0);
        await whisperTo(ann, 'bob');
        await say(ann, 'psst');
        await shows(bob, 'ann only to you: psst');
        await whisperTo(bob, 'ann');
        await say(bob, 'What?');
        await shows(ann, 'You only to bob: psst', 'bob only to you: What?');
        await bob.getByRole('button', { name: 'Leave' }).click();
        await people(ann, 'ann (you)', 'cat');
        await people(cat, 'cat (you)', 'ann');
        assert.ok(!(await log(ann)).join().includes('ANN'));
        assert.ok(!(await log(cat)).join().includes('psst'));
    });

    it('shows what was missed, once', async (visit, wired) => {
        const { visitor, cable } = await wired({ host: A() });
        const ann = await join(visitor, 'cut', 'ann');
        const bob = await join(await visit({ host: B() }), 'cut', 'bob');

        visitor.expect(...AWAY);
        await whisperTo(bob, 'ann');
        await say(bob, 'psst');
        await bob.keyboard.press('Escape');
        await say(bob, 'before');
        await shows(ann, 'bob only to you: psst', 'bob: before');
        await setHidden(ann, true);
        cable.cut();
        await isState(ann, 'waiting');
        await appears(ann, 'Connection lost.');
        await say(bob, 'one');
        await say(bob, 'two');
        await showsTalk(bob, 'You: one', 'You: two');
        await say(ann, 'three');
        cable.mend();
        await isState(ann, 'open');
        await showsTalk(ann, 'bob: before',
            'divider: While you were away: 2 messages', 'bob: one', 'bob: two',
            'You: three');
        await unread(ann, 'cut', 2);
        await setHidden(ann, false);
        await unread(ann, 'cut', 0);
        await showsTalk(bob, 'You: one', 'You: two', 'ann: three');
        await people(bob, 'bob (you)', 'ann');
    });

    it('survives a worker that is killed', async (visit) => {
        const ann = await join(await visit({ host: A() }), 'kill', 'ann');
        const bob = await join(await visit({ host: B() }), 'kill', 'bob');
        const texts = Array.from({ length: 10 }, (_, i) => `number ${i}`);

        await people(ann, 'ann (you)', 'bob');
        const isLost = await watchForLoss(ann);

        process.kill(A().workers()[0], 'SIGKILL');
        for (const text of texts) {
            await say(bob, text);
        }
        await isLost();
        await isState(ann, 'open');
        await becomes(async () => (await log(ann))
            .filter((line) => !/^(note|divider)/.test(line)),
        texts.map((text) => `bob: ${text}`));
        await say(ann, 'All there.');
        await shows(bob, 'ann: All there.');
        await people(ann, 'ann (you)', 'bob');
        await people(bob, 'bob (you)', 'ann');
    });
});
