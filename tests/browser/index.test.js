/* index.test.js - the start page: the echo, the greeter's button, the links */
'use strict';

const assert = require('node:assert');
const {
    PHONE, appears, assertFits, becomes, click, takePicture, takePictures,
} = require('./lib/browser.js');
const { DEMO, browserSuite } = require('./lib/suite.js');

const SETUP = { ...DEMO, expected: [/killed by signal 9/] };

/* The last rows of a list of frames, such as "↑ text". */
const lastFrames = (page, list, count) => page.locator(`${list} li`)
    .evaluateAll((items, n) => items.slice(-n).map((item) =>
        ['.arrow', '.body'].map((part) =>
            item.querySelector(part).textContent).join(' ')), count);

/* Waits until a list of frames ends in these. */
const assertFrames = (page, list, expected) =>
    becomes(() => lastFrames(page, list, expected.length), expected);

const echoFrames = (page, ...expected) =>
    assertFrames(page, '#echo-frames', expected);

const isState = (page, id, state) =>
    becomes(() => page.locator(id).getAttribute('data-state'), state);

async function openPage(visit, options) {
    const visitor = await visit(options);
    const page = await visitor.open('/');

    await isState(page, '#echo-state', 'open');
    return { visitor, page };
}

browserSuite('the start page', SETUP, ({ host, it }) => {
    it('sends texts to the echo and shows them come back',
        async (visit) => {
            const { page } = await openPage(visit);
            const text = page.getByLabel('Message');

            await echoFrames(page,
                `· open: ws://localhost:${host.port}/echo`);
            await click(page, 'Send');
            await echoFrames(page, '↑ Hello, patchbay', '↓ Hello, patchbay');
            for (const said of ['服务端 <b>not bold</b>', 'x'.repeat(500)]) {
                await text.fill(said);
                await text.press('Enter');
                await echoFrames(page, `↑ ${said}`, `↓ ${said}`);
            }
            await text.fill('');
            await text.press('Enter');
            await echoFrames(page, '↑ (empty)', '↓ (empty)');
            assert.match(await page.locator(
                '#echo-frames li:last-child .about').textContent(),
            /^text, \d+(\.\d\d)? ms$/);
        });

    it('sends the same as binary', async (visit) => {
        const { page } = await openPage(visit);

        await page.getByLabel('Message').fill('hé');
        await click(page, 'Send as binary');
        await echoFrames(page, '↑ 68 c3 a9', '↓ 68 c3 a9');
    });

    it('sends a thousand at once', async (visit) => {
        const { page } = await openPage(visit);
        const burst = page.getByRole('button', { name: 'Send 1000 times' });

        for (let i = 1; i <= 2; i++) {
            await burst.click();
            await page.waitForFunction((n) => [...document.querySelectorAll(
                '#echo-frames .in .body')].filter(({ textContent }) =>
                /^1000 messages came back in /.test(textContent))
                .length === n, i);
        }
        /* And the rows are of one message each again. */
        await page.getByLabel('Message').press('Enter');
        await echoFrames(page, '↑ Hello, patchbay', '↓ Hello, patchbay');
    });

    it('opens the echo again after the server lost it', async (visit) => {
        const { page } = await openPage(visit);

        host.workers().forEach((pid) => process.kill(pid, 'SIGKILL'));
        await isState(page, '#echo-state', 'failed');
        await echoFrames(page, '· closed with 1006');
        await page.getByLabel('Message').press('Enter');
        await echoFrames(page, '↑ Hello, patchbay', '↓ Hello, patchbay');
        await isState(page, '#echo-state', 'open');
    });

    it('shows the script and runs it', async (visit) => {
        const visitor = await visit();
        const page = await visitor.context.newPage();
        const run = page.getByRole('button', { name: 'Run the script' });
        const from = host.mark();

        await page.clock.install({ time: 0 });
        await page.goto('/');
        await page.clock.pauseAt(60000); /* it stands still from here on */
        assert.strictEqual(await page.locator('#greeter-script').textContent(),
            `const ws = new WebSocket("ws://localhost:${host.port}");\n` +
            'ws.onopen = () => ws.send("client：hello，服务端");\n' +
            'ws.onmessage = (event) => console.log(event.data);\n' +
            'setTimeout(() => ws.close(), 5000);');
        await run.click();
        await assertFrames(page, '#greeter-frames', [
            `· open: ws://localhost:${host.port}/`,
            '↑ client：hello，服务端', '↓ this is server']);
        assert.ok(await run.isDisabled());
        await page.clock.runFor(4900);
        await isState(page, '#greeter-state', 'open');
        await page.clock.runFor(200);
        await assertFrames(page, '#greeter-frames', ['· closed with 1005']);
        await isState(page, '#greeter-state', 'closed');
        assert.ok(await run.isEnabled());
        await host.waitLog(/receive from \d+:client：hello，服务端/, { from });
        await host.waitLog(/client \d+ closed/, { from });
    });

    it('leads to the chat', async (visit) => {
        const { page } = await openPage(visit);

        await page.getByRole('link', { name: 'Open the chat' }).click();
        await page.waitForURL('**/chat.html');
        await appears(page, 'Join the chat');
    });

    it('has links that lead somewhere', async (visit) => {
        const { page, visitor } = await openPage(visit);
        const links = await page.locator('a[href]').evaluateAll((all) =>
            all.map(({ href }) => href));

        visitor.expect(/404 .*\/favicon\.ico\)$/); /* of what is no page */
        assert.ok(links.length >= 5, `${links}`);
        for (const link of new Set(links)) {
            const answer = await visitor.context.request.get(link);

            assert.strictEqual(answer.status(), 200, link);
            assert.strictEqual(new URL(link).host, visitor.base.host);
        }
        for (const [name, expected] of [['Health', /"status":"ok"/],
            ['Metrics', /^patchbay_/m]]) {
            await page.getByRole('link', { name }).click();
            assert.match(await page.locator('body').textContent(), expected);
            await page.goBack();
        }
        await page.getByRole('link', { name: 'Chat', exact: true }).click();
        await page.getByRole('heading', { name: 'Join the chat' }).waitFor();
    });

    it('looks well in light, in dark, and on a phone', async (visit) => {
        const { page } = await openPage(visit,
            { viewport: { width: 1000, height: 940 }, deviceScaleFactor: 1.5 });

        for (const said of ['Hello, patchbay', '你好，服务端']) {
            await page.getByLabel('Message').fill(said);
            await page.getByLabel('Message').press('Enter');
            await echoFrames(page, `↑ ${said}`, `↓ ${said}`);
        }
        await page.getByLabel('Message').fill('caf\u00e9');
        await click(page, 'Send as binary');
        await echoFrames(page, '↑ 63 61 66 c3 a9', '↓ 63 61 66 c3 a9');
        await click(page, 'Run the script');
        await assertFrames(page, '#greeter-frames',
            ['↑ client：hello，服务端', '↓ this is server']);
        await page.locator('h1').click();
        await takePictures(page, 'start');
        for (const width of [1400, 1000, 760, 480, 320]) {
            await assertFits(page, width);
        }
        await page.setViewportSize(PHONE);
        await takePicture(page, 'start-phone');
        await page.locator('#echo-frames').scrollIntoViewIfNeeded();
        await takePicture(page, 'start-phone-echo');
    });
});
