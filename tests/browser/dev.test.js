/* dev.test.js - the page of patchbay dev, while the plugin is edited */
'use strict';

const assert = require('node:assert');
const { after, before, describe, it } = require('node:test');
const { withDev } = require('../e2e/lib/dev.js');
const {
    PHONE, Visitor, appears, assertFits, becomes, click, launch, needChromium,
    takePicture, takePictures,
} = require('./lib/browser.js');

needChromium();

const frames = (page, at) => page.locator('.connection').nth(at)
    .locator('.frames li:not(.note)').evaluateAll((items) =>
        items.map((item) => ['.way', '.data'].map((part) =>
            item.querySelector(part).textContent).join(' ')));

async function openTwo(page) {
    await becomes(() => page.locator('#path').inputValue(), '/dice');
    for (let i = 0; i < 2; i++) {
        await click(page, 'Open a connection');
    }
    await becomes(() => page.locator('.connection.open').count(), 2);
}

async function say(page, at, text, kind) {
    const composer = page.locator('.connection').nth(at).locator('.composer');

    if (kind !== undefined) {
        await composer.locator('select').selectOption(kind);
    }
    await composer.locator('textarea').fill(text);
    await composer.locator('textarea').press('Enter');
}

describe('the page of dev', () => {
    let browser;

    before(async () => {
        browser = await launch();
    });
    after(() => browser?.close());

    /* A plugin that is served, and a page that is open. */
    const test = (title, run) => it(title, () => withDev({}, async (dev) => {
        await dev.start(['dice/dice.c', '--set', 'greeting=hi']);
        const visitor = await Visitor.create(browser, dev.url);

        try {
            const page = await visitor.open('/');

            await openTwo(page);
            await run(page, dev, visitor);
            visitor.assertContent();
        } finally {
            await visitor.close();
        }
    }));

    test('keeps two connections while the plugin is edited',
        async (page, dev) => {
            await say(page, 0, 'one');
            await becomes(() => frames(page, 0),
                ['↓ hi from dice', '↑ one', '↓ 1: one']);
            const saved = dev.edit((text) => text.replace('%u: %s', '%u. %s'));

            await appears(page, 'reloaded, 2 connections kept');
            await takePicture(page, 'dev-reloaded');
            await say(page, 0, 'two');
            await say(page, 1, 'one');
            await becomes(() => frames(page, 0), ['↓ hi from dice', '↑ one',
                '↓ 1: one', '↑ two', '↓ 2. two']);
            await becomes(() => frames(page, 1),
                ['↓ hi from dice', '↑ one', '↓ 1. one']);
            await becomes(() => page.locator('#facts').textContent(),
                '2 open, 1 reload');
            await dev.says(/reloaded, 2 connections kept/, saved);
        });

    test('shows what the compiler says until it is mended',
        async (page, dev) => {
            dev.edit((text) => text.replace('return bay_sendf', 'retur bay_sendf'));
            await appears(page, 'It does not compile: the old code goes on');
            assert.match(await page.locator('#problem mark').first().textContent(),
                /dice\.c:\d+:\d+: error/);
            await takePictures(page, 'dev-errors');
            await say(page, 0, 'one');
            await becomes(() => frames(page, 0),
                ['↓ hi from dice', '↑ one', '↓ 1: one']);
            dev.edit((text) => text.replace('retur bay_sendf', 'return  bay_sendf')
                .replace('%u: %s', '%u. %s'));
            await appears(page, 'reloaded, 2 connections kept');
            await becomes(() => page.locator('#problem').isVisible(), false);
        });

    test('sends binary, shows close codes, and reopens', async (page) => {
        await say(page, 0, '00 zz', 'hex');
        await appears(page, 'not sent: binary is typed in pairs of hex digits');
        await say(page, 0, '00 ff', 'hex');
        await appears(page, 'closed: 1003 unsupported data');
        await becomes(() => frames(page, 0), ['↓ hi from dice', '↑ 00 ff']);
        await page.locator('.again').first().click();
        await becomes(() => page.locator('.connection.open').count(), 2);
        await page.locator('.close').nth(1).click();
        await appears(page, 'closed: 1000 normal');
        await page.locator('.remove').nth(1).click();
        await becomes(() => page.locator('.connection').count(), 1);
    });

    test('keeps nothing of a connection that cannot be', async (page) => {
        await page.locator('#subprotocol').fill('a, a');
        await click(page, 'Open a connection');
        await page.locator('#toast.shown').waitFor();
        assert.strictEqual(await page.locator('.connection').count(), 2);
    });

    test('stands still as long as it is paused', async (page) => {
        await becomes(() => frames(page, 0), ['↓ hi from dice']);
        await page.getByLabel('pause').check();
        await say(page, 0, 'one');
        await appears(page, ', 2 wait');
        assert.deepStrictEqual(await frames(page, 0), ['↓ hi from dice']);
        await page.locator('#pause').uncheck();
        await becomes(() => frames(page, 0),
            ['↓ hi from dice', '↑ one', '↓ 1: one']);
        await becomes(() => page.locator('#held').textContent(), '');
    });

    test('counts a reload once, though its worker crashes after it',
        async (page, dev) => {
            dev.edit((text) => text.replace('    if (msg->kind',
                '    if (*msg->data == \'!\') { __builtin_trap(); }\n' +
                '    if (msg->kind'));
            await becomes(() => page.locator('#facts').textContent(),
                '2 open, 1 reload');
            await say(page, 0, '!');
            await appears(page, 'The plugin crashed, and its worker is back');
            await becomes(() => page.locator('#facts').textContent(),
                '0 open, 1 reload');
            await becomes(() => page.locator('#state').textContent(),
                'serving');
        });

    test('prints JSON with its lines, and text as text', async (page) => {
        await say(page, 0, '{"a":[1,"<b>bold</b>"]}');
        await page.getByLabel('pretty JSON').check();
        await becomes(async () => (await frames(page, 0))[1],
            '↑ {\n  "a": [\n    1,\n    "<b>bold</b>"\n  ]\n}');
        assert.strictEqual(await page.locator('.frames b').count(), 0);
        /* The arrow brings back what was sent; a click does, too. */
        await page.locator('textarea').first().press('ArrowUp');
        assert.match(await page.locator('textarea').first().inputValue(), /bold/);
    });

    test('fits a phone', async (page, dev, visitor) => {
        visitor.expect();
        await page.setViewportSize(PHONE);
        await say(page, 0, 'a long word: '.padEnd(200, 'x'));
        await assertFits(page, PHONE.width);
        await takePictures(page, 'dev-phone');
    });

    it('tells of a crash', () => withDev({}, async (dev) => {
        dev.edit((text) => text.replace('    if (msg->kind',
            '    if (*msg->data == \'!\') { __builtin_trap(); }\n' +
            '    if (msg->kind'));
        await dev.start(['dice/dice.c']);
        const visitor = await Visitor.create(browser, dev.url);
        const page = await visitor.open('/');

        await openTwo(page);
        await say(page, 0, '!');
        await appears(page, 'The plugin crashed, and its worker is back');
        await appears(page, 'the message hook of plugin dice');
        await appears(page, 'closed: 1006 lost, without a Close');
        await visitor.close();
    }));
});
