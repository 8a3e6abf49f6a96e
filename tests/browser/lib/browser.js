/* browser.js - Chromium, its visitors and what they must not see */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { isDeepStrictEqual } = require('node:util');
const { chromium } = require('playwright-core');
const { BUILD } = require('../../e2e/lib/host.js');
const { pass, within } = require('../../e2e/lib/wait.js');

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic',
    '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'];
const PICTURES = path.join(BUILD, 'screenshots');

const SKIPPED = 77; /* SKIP_RETURN_CODE of CMakeLists.txt */

/* For whatever a page waits for. */
const SOON_MS = 10000;
const POLL_MS = 30;

const WINDOW = { width: 1000, height: 680 };
const PHONE = { width: 320, height: 640 };

/* A test without a browser is skipped, and says so. */
function needChromium() {
    if (!fs.existsSync(CHROMIUM)) {
        console.log(`skipped: there is no ${CHROMIUM}. Install the package ` +
            'chromium, or set CHROMIUM to the path of a browser like it.');
        process.exit(SKIPPED);
    }
}

/* Headless, with a profile of its own that is removed at the end. */
function launch() {
    return chromium.launch({ executablePath: CHROMIUM, headless: true,
        args: ARGS, timeout: 30000 });
}

/*
 * Somebody with tabs of one browser profile. Whatever the pages complain of,
 * and whatever they ask of another host, is a problem unless the test expects
 * it.
 */
class Visitor {
    static async create(browser, base, { viewport = WINDOW, ...rest } = {}) {
        const context = await browser.newContext({ viewport,
            locale: 'en-GB', timezoneId: 'UTC', baseURL: base, ...rest });

        context.setDefaultTimeout(SOON_MS);
        return new this(context, base);
    }

    constructor(context, base) {
        this.context = context;
        this.base = new URL(base);
        this.problems = [];
        this.expected = [];
        context.on('request', (request) => this.visits(request.url()));
        context.on('console', (message) => {
            if (['error', 'warning'].includes(message.type())) {
                this.problems.push(`${message.type()}: ${message.text()} ` +
                    `(${message.location().url})`);
            }
        });
        context.on('weberror', (error) =>
            this.problems.push(`exception: ${error.error().stack}`));
    }

    visits(url) {
        const { protocol, host } = new URL(url);

        if (!['about:', 'data:', 'blob:'].includes(protocol) &&
            host !== this.base.host) {
            this.problems.push(`request: ${url}`);
        }
    }

    /* A new tab. */
    async open(url) {
        const page = await this.context.newPage();

        page.on('websocket', (socket) => this.visits(socket.url()));
        await page.goto(url);
        return page;
    }

    expect(...patterns) {
        this.expected.push(...patterns);
    }

    assertContent() {
        assert.deepStrictEqual(this.problems.filter((problem) =>
            !this.expected.some((pattern) => pattern.test(problem))), []);
    }

    async close({ picture } = {}) {
        if (picture) {
            for (const [i, page] of this.context.pages().entries()) {
                await takePicture(page, `failed-${picture}-${i}`)
                    .catch(() => {});
            }
        }
        await this.context.close();
    }
}

async function takePicture(page, name) {
    fs.mkdirSync(PICTURES, { recursive: true });
    await page.screenshot({ path: path.join(PICTURES, `${name}.png`),
        animations: 'disabled', caret: 'hide' });
}

/* The page in light and in dark. */
async function takePictures(page, name) {
    for (const colorScheme of ['dark', 'light']) {
        await page.emulateMedia({ colorScheme });
        await takePicture(page, `${name}-${colorScheme}`);
    }
}

/* Waits until the value that is read from a page is the one expected, or says
 * which it is instead. */
async function becomes(read, expected, ms = SOON_MS) {
    const end = performance.now() + ms;

    for (;;) {
        const value = await read();

        if (isDeepStrictEqual(value, expected)) {
            return;
        }
        if (performance.now() > end) {
            assert.deepStrictEqual(value, expected);
        }
        await pass(POLL_MS);
    }
}

/*
 * Waits until the page shows the text, be it for a moment. Tabs in the
 * background draw nothing, so what waits for them must not wait for drawing.
 */
function appears(page, text) {
    return within(page.evaluate((wanted) => new Promise((done) => {
        const look = () => document.body.innerText.includes(wanted) && done();

        new MutationObserver(look).observe(document, { attributes: true,
            childList: true, characterData: true, subtree: true });
        look();
    }), text), `"${text}"`, SOON_MS);
}

/* As a person: the tab first, then the button or link in it. */
async function click(page, name, { role = 'button' } = {}) {
    await page.bringToFront();
    await page.getByRole(role, { name, exact: true }).click();
}

/* Nothing is to the right of the window, whatever its width. */
async function assertFits(page, width) {
    const size = page.viewportSize();

    await page.setViewportSize({ ...size, width });
    const { wide, out } = await page.evaluate(() => ({
        wide: document.scrollingElement.scrollWidth,
        out: [...document.querySelectorAll('body *')].filter((element) => {
            const { left, right, width } = element.getBoundingClientRect();

            return width > 0 && (left < -1 || right > innerWidth + 1) &&
                element.closest('pre, .visually-hidden') === null;
        }).map((element) => element.outerHTML.slice(0, 100)),
    }));

    assert.deepStrictEqual({ wide, out }, { wide: width, out: [] },
        `at ${width} px`);
    await page.setViewportSize(size);
}

module.exports = {
    PHONE, SOON_MS, Visitor, appears, assertFits, becomes, click, launch,
    needChromium, takePicture, takePictures,
};
