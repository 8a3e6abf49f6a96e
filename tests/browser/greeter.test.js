/* greeter.test.js - the example as it was given, in a real browser */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { within } = require('../e2e/lib/wait.js');
const { SOON_MS } = require('./lib/browser.js');
const { browserSuite } = require('./lib/suite.js');

const WWW = path.join(__dirname, '../../etc/www');

/* The script of the example, in a page of the same host. */
const page = (port) => `<!doctype html>
<meta charset="utf-8">
<title>example</title>
<link rel="icon" href="data:,">
<script>
var ws = new WebSocket("ws://localhost:${port}");
ws.onopen = function () {
    ws.send("client：hello，服务端");
};
ws.onmessage = function (event) {
    console.log(event.data);
};
setTimeout(function () {
    ws.close();
}, 5000);
</script>
`;

/* Beside the demo page, which has the path "/", too. */
const FILES = Object.fromEntries(fs.readdirSync(WWW).map((name) =>
    [`www/${name}`, fs.readFileSync(path.join(WWW, name))]));

const SETUP = {
    files: FILES,
    server: { listen: 'localhost:0', workers: 2 },
    http: { root: 'www' },
    routes: { greeter: { path: '/', plugin: 'greeter' } },
};

browserSuite('the example', SETUP, ({ host, it }) => {
    it('is answered in a browser, and logged', async (visit) => {
        host.writeFile('www/example.html', page(host.port));

        const visitor = await visit();
        const tab = await visitor.open('about:blank');
        const printed = [];
        const frames = [];
        const closed = new Promise((done) => tab.once('websocket', (ws) => {
            frames.push(['open', ws.url()]);
            ws.on('framesent', ({ payload }) =>
                frames.push(['sent', payload]));
            ws.on('framereceived', ({ payload }) =>
                frames.push(['got', payload]));
            ws.on('close', done);
        }));

        tab.on('console', (message) => printed.push(message.text()));
        const start = performance.now();

        await tab.goto('/example.html');
        await within(closed, 'the end of the connection', SOON_MS);
        const ms = performance.now() - start;

        assert.deepStrictEqual(frames, [
            ['open', `ws://localhost:${host.port}/`],
            ['sent', 'client：hello，服务端'],
            ['got', 'this is server'],
        ]);
        assert.deepStrictEqual(printed, ['this is server']);
        /* Not before the script says so, which began after this. */
        assert.ok(ms > 4900, `closed after ${ms} ms`);

        const { conn, remote } = await host.waitLog(/handshake success/);
        const own = await host.waitLog(/client \d+ closed/);

        assert.match(remote, /^(127\.0\.0\.1|::1)$/);
        assert.strictEqual(own.conn, conn);
        assert.deepStrictEqual(
            host.logged(/\[greeter\/greeter\]/).map(({ level, message }) =>
                `${level} ${message}`), [
                `info server: handshake success with fd${conn}`,
                `info receive from ${conn}:client：hello，服务端,` +
                    'opcode:1,fin:1',
                `info client ${conn} closed`,
            ]);
    });
});
