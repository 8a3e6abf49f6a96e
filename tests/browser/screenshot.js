/*
 * screenshot.js - makes the picture of the chat in README.md, host/doc/chat.png
 *
 *     BUILD_DIR=build node tests/browser/screenshot.js [FILE.png]
 */
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { Host } = require('../e2e/lib/host.js');
const { Visitor, launch } = require('./lib/browser.js');
const { join, say, shows, whisperTo } = require('./lib/chat.js');
const { DEMO } = require('./lib/suite.js');

const FILE = process.argv[2] ??
    path.join(__dirname, '../../host/doc/chat.png');

/* Who says what to whom; no "to": to all. */
const LINES = [
    { from: 'Ann', text: 'Morning! The new build of chat.so is in plugins/.' },
    { from: 'Bob', text: 'Two workers here. Does this reach the other one?' },
    { from: '小薇', text: '服务端，收到了！I am on the other one.' },
    { from: 'Ann', text: 'One room, however many workers.' },
    { from: 'Bob', to: 'Ann', text: 'Lunch at one?' },
    { from: 'Ann', to: 'Bob', text: 'Gladly. The usual place.' },
    { from: '小薇', text: 'And whoever joins now can read what was said.' },
];

async function talk(visitor) {
    const pages = {};

    for (const { from } of LINES) {
        pages[from] ??= await join(visitor, 'plugins', from);
    }
    for (const { from, to, text } of LINES) {
        const page = pages[from];
        const whom = to === undefined ? '' : ` only to ${to}`;

        if (to !== undefined) {
            await whisperTo(page, to);
        }
        await say(page, text);
        await shows(page, `You${whom}: ${text}`);
        await page.keyboard.press('Escape');
    }
    return pages;
}

async function main() {
    const host = await new Host(DEMO).start();
    const browser = await launch();

    try {
        const visitor = await Visitor.create(browser,
            `http://localhost:${host.port}`,
            { viewport: { width: 940, height: 770 }, deviceScaleFactor: 1.5 });
        const { Ann } = await talk(visitor);
        const { from, text } = LINES.at(-1);

        await shows(Ann, `${from}: ${text}`);
        await Ann.bringToFront();
        await Ann.locator('#text').blur();
        await Ann.mouse.move(0, 0);
        await Ann.screenshot({ path: FILE, animations: 'disabled' });
        console.log(`${FILE}: ${fs.statSync(FILE).size} bytes`);
    } finally {
        await browser.close();
        await host.finish();
    }
}

main().catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
});
