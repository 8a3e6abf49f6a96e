/* chat.js - what people do on the chat page */
'use strict';

const { Member } = require('../../e2e/lib/chat.js');
const { SOON_MS, becomes, click } = require('./browser.js');

/* Between two tries to come back: LONGEST_DELAY_MS of etc/www/connection.js. */
const LONGEST_DELAY_MS = 15000;

/* What a browser says of a server that is not there, or refuses. */
const AWAY = [/WebSocket connection .* failed/, /net::ERR_/];

/* The door of a room: the form to join it. */
async function openDoor(visitor, room) {
    return visitor.open(`/chat.html#${encodeURIComponent(room)}`);
}

async function knock(page, name) {
    await page.getByLabel('Your name').fill(name);
    await click(page, 'Join');
}

const isIn = (page, room) => becomes(() => page.locator('#title').innerText(),
    `#${room}`);

async function join(visitor, room, name) {
    const page = await openDoor(visitor, room);

    await knock(page, name);
    await isIn(page, room);
    return page;
}

/* Somebody else in the room, without a page of their own. */
const guest = (host, room, name) => Member.join(host, '/chat', { room, name });

const isText = (wanted) => ({ text }) => text === wanted;

const composer = (page) => page.getByRole('textbox', { name: 'Message' });

async function say(page, text) {
    await composer(page).fill(text);
    await composer(page).press('Enter');
}

/* What the log shows: "ann: hello", "note: bob left", "divider: ...". */
const log = (page) => page.locator('#log').evaluate((list) => {
    let who = '';

    return [...list.children].flatMap((item) => {
        if (item.matches('.day')) {
            return [];
        }
        if (item.matches('.note, .divider')) {
            return [`${item.className}: ${item.textContent}`];
        }
        const name = item.querySelector('.who');

        who = name === null ? who : [...name.children]
            .filter(({ tagName }) => tagName !== 'TIME')
            .map(({ textContent }) => textContent).join(' ');
        return [`${who}: ${item.querySelector('.body').textContent}`];
    });
});

/* What has not come back yet: "hello: sending…". */
const unsent = (page) => page.locator('#unsent').evaluate((list) =>
    [...list.children].map((item) =>
        [...item.children].map(({ textContent }) => textContent).join(': ')));

/* The log ends in these. */
const shows = (page, ...lines) =>
    becomes(async () => (await log(page)).slice(-lines.length), lines);

/* The same of what was said, whoever came and went: notes come in their time,
 * some seconds after somebody was away. */
const showsTalk = (page, ...lines) => becomes(async () => (await log(page))
    .filter((line) => !line.startsWith('note: ')).slice(-lines.length), lines);

/* The list of people: oneself first. */
const people = (page, ...names) =>
    becomes(() => page.locator('#members .person').evaluateAll((all) =>
        all.map((person) => [...person.children].slice(1)
            .map(({ textContent }) => textContent).join(' '))), names);

const isState = (page, state) =>
    becomes(() => page.locator('#state').getAttribute('data-state'), state,
        LONGEST_DELAY_MS + SOON_MS);

/* Resolves when it watches: to a function that waits until the connection was
 * lost since then, be it for a moment. */
async function watchForLoss(page) {
    await page.evaluate(() => {
        const { state } = window;

        window.lost = false;
        new MutationObserver(() => {
            window.lost ||= state.dataset.state === 'waiting';
        }).observe(state, { attributes: true });
    });
    return () => becomes(() => page.evaluate('lost'), true);
}

/* How many messages were not read, where the reader and where the tab shows
 * it. */
async function unread(page, room, count) {
    await becomes(() => page.title(),
        `${count > 0 ? `(${count}) ` : ''}#${room} · patchbay`);
    await becomes(() => page.locator('#unread').evaluate((badge) =>
        badge.hidden ? '0' : badge.textContent), String(count));
}

/* Away from what came last. */
async function scrollUp(page) {
    await page.bringToFront();
    await page.locator('#scroll').evaluate((log) => new Promise((done) => {
        log.addEventListener('scroll', done, { once: true });
        log.scrollTop = 0;
    }));
}

/* As if another tab were in front; without an end, or for good. */
const setHidden = (page, hidden) => page.evaluate((value) => {
    Object.defineProperty(document, 'hidden',
        { value, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
}, hidden);

/* Presses the button in the list of people. */
const whisperTo = (page, name) => click(page, `Write to ${name} only`);

module.exports = {
    AWAY, composer, guest, isIn, isState, isText, join, knock, log, openDoor,
    people, say, scrollUp, setHidden, shows, showsTalk, unread, unsent,
    watchForLoss, whisperTo,
};
