/*
 * screenshot.js - makes the picture of the chat in README.md, host/doc/chat.png
 *
 *     BUILD_DIR=build node tests/browser/screenshot.js [FILE.png]
 */
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { Host } = require('../e2e/lib/host.js');
const { Visitor, appears, click, launch } = require('./lib/browser.js');
const { Cable } = require('./lib/cable.js');
const { isState, join, say, shows, whisperTo } = require('./lib/chat.js');
const { DEMO } = require('./lib/suite.js');

const FILE = process.argv[2] ??
    path.join(__dirname, '../../host/doc/chat.png');

/* Who says what to whom; no "to": to all. Ann is away for a while. */
const BEFORE = [
    { from: 'Ann', text: 'Morning! The new build of chat.so is in plugins/.' },
    { from: 'Bob', text: 'Two workers here. Does this reach the other one?' },
    { from: 'Zoë', text: 'It does. I am on the other one.' },
    { from: 'Bob', to: 'Ann', text: 'Lunch at one?' },
    { from: 'Ann', to: 'Bob', text: 'Gladly. The usual place.' },
];
const AWAY = [
    { from: 'Zoë', text: 'Has anybody seen Ann?' },
    { from: 'Bob', text: 'On a train, in a tunnel. She will read this later.' },
];
const AFTER = [{ from: 'Ann', text: 'Back, and nothing lost.' }];

async function talk(pages, lines) {
    for (const { from, to, text } of lines) {
        const page = pages[from];
        const whom = to === undefined ? '' : ` only to ${to}`;

        if (to !== undefined) {
            await whisperTo(page, to);
        }
        await say(page, text);
        await shows(page, `You${whom}: ${text}`);
        await page.keyboard.press('Escape');
    }
}

async function main() {
    const host = await new Host(DEMO).start();
    const cable = await Cable.create(host);
    const browser = await launch();
    const visit = (base) => Visitor.create(browser, base,
        { viewport: { width: 940, height: 860 }, deviceScaleFactor: 1.5 });

    try {
        const others = await visit(`http://localhost:${host.port}`);
        const pages = { Ann: await join(await visit(cable.base), 'plugins',
            'Ann') };

        for (const name of ['Bob', 'Zoë']) {
            pages[name] = await join(others, 'plugins', name);
            await shows(pages.Ann, `note: ${name} joined`);
        }
        await talk(pages, BEFORE);
        cable.cut({ silently: true });
        await isState(pages.Ann, 'waiting');
        await talk(pages, AWAY);
        cable.mend();
        await click(pages.Ann, 'Try now');
        await appears(pages.Ann, `While you were away: ${AWAY.length} messages`);
        await talk(pages, AFTER);
        await pages.Ann.bringToFront();
        await pages.Ann.locator('#text').blur();
        await pages.Ann.mouse.move(0, 0);
        await pages.Ann.screenshot({ path: FILE, animations: 'disabled' });
        console.log(`${FILE}: ${fs.statSync(FILE).size} bytes`);
    } finally {
        await browser.close();
        cable.close();
        await host.finish();
    }
}

main().catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
});
