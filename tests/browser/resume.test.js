/* resume.test.js - the client of sdk/doc/resume.md in a browser */
'use strict';

const { becomes } = require('./lib/browser.js');
const { browserSuite } = require('./lib/suite.js');
const { documentedClient } = require('../e2e/lib/resumer.js');

const SETUP = {
    routes: { kept: { path: '/kept', plugin: 'keeper', history: 100 } },
    files: { 'www/index.html':
        '<!doctype html><link rel="icon" href="data:,">' },
    http: { root: 'www' },
    expected: [/killed by signal 9/],
};

browserSuite('the client of resume.md', SETUP, ({ host, it }) => {
    it('gets what it missed, binary messages too', async (visit) => {
        const page = await (await visit()).open('/');
        const talker = await host.connect('/kept');
        const say = async (...messages) => {
            for (const message of messages) {
                talker.send(message);
                while (String((await talker.next()).data) !== String(message));
            }
        };
        const got = (...messages) =>
            becomes(() => page.evaluate('got'), messages);

        await page.evaluate(`${documentedClient()}
            var got = [];
            var client = new Resuming('ws://' + location.host + '/kept',
                (data) => got.push(typeof data === 'string' ? data :
                    data.constructor.name + ' ' +
                    new TextDecoder().decode(data)),
                (count) => got.push('missed ' + count));`);
        await got('open');
        await say('one', Buffer.from('\ntwo'));
        await got('open', 'one', 'ArrayBuffer \ntwo');
        await page.evaluate('got = []; client.comeBack = () => {}; ' +
            'client.socket.close()');
        await say('three', Buffer.from('four'));
        await page.evaluate('client.connect()');
        await becomes(async () => (await page.evaluate('got'))
            .filter((text) => text !== 'open'),
        ['three', 'ArrayBuffer four', 'missed 2']);
    });
});
