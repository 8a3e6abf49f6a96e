/* http.test.js - plain HTTP: files, the host's own pages, the http hook */
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const { suite } = require('./lib/suite.js');
const { requestText } = require('./lib/raw.js');
const { VALGRIND, pass, until } = require('./lib/wait.js');

const BIG = crypto.randomBytes(5 << 20);
const SECRET = 'this is outside of the root';
const HOST = { Host: 'localhost' };

const SITE = {
    'www/index.html': '<!doctype html><title>the demo</title>\n',
    'www/empty.txt': '',
    'www/style.css': 'body {}\n',
    'www/big.bin': BIG,
    'www/.hidden': SECRET,
    'www/sub/index.html': 'the index of sub\n',
    'www/sub/page.html': 'a page\n',
    'www/sub/.git/config': SECRET,
    'www/with space/ä.txt': 'a strange name\n',
    'secret.txt': SECRET,
    'secret/index.html': SECRET,
};

const TYPES = {
    'x.html': 'text/html; charset=utf-8',
    'x.css': 'text/css; charset=utf-8',
    'x.js': 'text/javascript; charset=utf-8',
    'x.mjs': 'text/javascript; charset=utf-8',
    'x.json': 'application/json',
    'x.map': 'application/json',
    'x.txt': 'text/plain; charset=utf-8',
    'x.svg': 'image/svg+xml',
    'x.png': 'image/png',
    'x.JPG': 'image/jpeg',
    'x.webp': 'image/webp',
    'x.ico': 'image/x-icon',
    'x.woff2': 'font/woff2',
    'x.wasm': 'application/wasm',
    'x.tar.gz': 'application/gzip',
    'x.unknown': 'application/octet-stream',
    'x': 'application/octet-stream',
};

for (const name of Object.keys(TYPES)) {
    SITE[`www/types/${name}`] = `content of ${name}`;
}

const SETUP = {
    http: { root: 'www' },
    files: SITE,
    routes: {
        echo: { path: '/echo', plugin: 'echo' },
        prefix: { path: '/deep/*', plugin: 'echo' },
        every: { path: '/every', plugin: 'everything', max_message: '64k' },
    },
    expected: [/the http hook (failed|returned)/],
};

/* Several on one connection, sent at once; heads: which are HEAD. */
async function pipeline(host, requests, heads = []) {
    const raw = await host.raw();

    raw.write(...requests.map(([line, headers, body]) =>
        requestText(`${line} HTTP/1.1`, { ...HOST, ...headers }, body)));
    const answers = [];

    for (const i of requests.keys()) {
        answers.push(await raw.response({ head: heads.includes(i) }));
    }
    raw.destroy();
    return answers;
}

suite('files', SETUP, ({ host, it }) => {
    it('serves the demo page for /', async () => {
        const answer = await host.request('/');

        assert.strictEqual(answer.status, 200);
        assert.strictEqual(answer.text, SITE['www/index.html']);
        assert.strictEqual(answer.headers['content-type'],
            'text/html; charset=utf-8');
        assert.strictEqual(answer.headers['content-length'],
            String(answer.body.length));
        assert.ok(Math.abs(Date.parse(answer.headers.date) - Date.now()) <
            60000, answer.headers.date);
        assert.strictEqual(answer.headers['x-content-type-options'],
            'nosniff');
    });

    it('finds a file whatever the query', async () => {
        const answer = await host.request('/style.css?v=1&w=2');

        assert.strictEqual(answer.text, SITE['www/style.css']);
    });

    it('decodes a path', async () => {
        const answer = await host.request('/with%20space/%C3%A4.txt');

        assert.strictEqual(answer.text, 'a strange name\n');
        assert.strictEqual((await host.request('/%73tyle.css')).status, 200);
    });

    it('serves the index of a folder', async () => {
        assert.strictEqual((await host.request('/sub/')).text,
            SITE['www/sub/index.html']);
        assert.strictEqual((await host.request('/types/')).status, 404);
    });

    it('answers 404 for what is not there', async () => {
        for (const name of ['/nothing', '/sub/nothing.html', '/index.htm',
            '/STYLE.CSS', '/style.css/', '/sub//page.html/x', '/www/']) {
            const answer = await host.request(name);

            assert.strictEqual(answer.status, 404, name);
            assert.match(answer.text, /^404 Not Found: \w.*\n$/);
            assert.match(answer.headers['content-type'], /^text\/plain/);
        }
    });

    it('answers HEAD as GET, without the body', async () => {
        const names = ['/', '/big.bin', '/nothing', '/-/health', '/echo'];
        const gets = await Promise.all(names.map((name) =>
            host.request(name)));
        const heads = await pipeline(host,
            names.map((name) => [`HEAD ${name}`]), names.map((_, i) => i));

        heads.forEach((head, i) => {
            assert.strictEqual(head.status, gets[i].status, names[i]);
            for (const key of ['content-type', 'content-length', 'etag']) {
                assert.strictEqual(head.headers[key], gets[i].headers[key],
                    `${key} of ${names[i]}`);
            }
        });
    });

    it('refuses other methods on a file', async () => {
        for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
            const body = /^P/.test(method) ? 'x=1' : undefined;
            const answer = await host.request('/style.css', { method, body });

            assert.strictEqual(answer.status, 405, method);
            assert.strictEqual(answer.headers.allow, 'GET, HEAD');
            assert.match(answer.text, /can only be read/);
        }
        assert.strictEqual(fs.readFileSync(host.file('www/style.css'),
            'utf8'), SITE['www/style.css']);
    });

    it('has the types of its files', async () => {
        for (const [name, type] of Object.entries(TYPES)) {
            const answer = await host.request(`/types/${name}`);

            assert.strictEqual(answer.text, `content of ${name}`);
            assert.strictEqual(answer.headers['content-type'], type, name);
        }
    });

    it('saves a transfer to whom has the file', async () => {
        const first = await host.request('/style.css');
        const { etag } = first.headers;
        const ask = async (tags) => (await host.request('/style.css',
            { headers: { 'If-None-Match': tags } }));

        assert.match(etag, /^"[^"]+"$/);
        assert.match(first.headers['cache-control'], /no-cache/);
        assert.match(first.headers['last-modified'], / GMT$/);
        for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
            const answer = await ask(tags);

            assert.strictEqual(answer.status, 304, tags);
            assert.strictEqual(answer.text, '');
            assert.strictEqual(answer.headers.etag, etag);
        }
        assert.strictEqual((await ask('"other"')).status, 200);
        host.writeFile('www/style.css', 'body { color: red }\n');
        const changed = await ask(etag);

        assert.strictEqual(changed.status, 200);
        assert.strictEqual(changed.text, 'body { color: red }\n');
        assert.notStrictEqual(changed.headers.etag, etag);
        host.writeFile('www/style.css', SITE['www/style.css']);
    });

    it('sends 5 MB, and to several at once', async () => {
        for (const { body } of await Promise.all([1, 2, 3].map(() =>
            host.request('/big.bin')))) {
            assert.ok(body.equals(BIG));
        }
    });

    it('sends 5 MB to a client that takes its time', async () => {
        const raw = await host.raw();

        raw.socket.pause();
        raw.request('GET /big.bin HTTP/1.1', HOST);
        /* Answered while the transfer is stuck: it holds up nobody else. */
        assert.strictEqual((await host.request('/style.css')).status, 200);
        raw.socket.resume();
        const answer = await raw.response();

        assert.ok(answer.body.equals(BIG));
    });

    it('serves an empty file', async () => {
        const answer = await host.request('/empty.txt');

        assert.strictEqual(answer.status, 200);
        assert.strictEqual(answer.headers['content-length'], '0');
    });
});

const TRAVERSALS = [
    '/../secret.txt', '/../../secret.txt', '/sub/../../secret.txt',
    '/./../secret.txt', '/..//secret.txt', '//../secret.txt',
    '/sub/..%2f..%2fsecret.txt', '/%2e%2e/secret.txt',
    '/%2E%2E/secret.txt', '/.%2e/secret.txt', '/%2e%2e%2fsecret.txt',
    '/..%2fsecret.txt', '/%252e%252e/secret.txt', '/..%5csecret.txt',
    '/..\\secret.txt', '/....//secret.txt', '/%c0%ae%c0%ae/secret.txt',
    '/sub/%2e%2e/%2e%2e/secret.txt', '/..;/secret.txt',
    '/..%00/secret.txt', '/secret.txt%00.html', '/style.css%00',
    '../secret.txt', '..%2fsecret.txt', '/sub/../../../../../../etc/passwd',
    '/../secret/', '/link.txt', '/linked/', '/linked/index.html',
    '/absolute.txt', '/.hidden', '/%2ehidden', '/sub/.git/config',
    '/sub/%2egit/config', '/sub/.git/', '/.', '/..', '/...',
    '/proc/self/cmdline', '//etc/passwd', '/fifo', '/sub/..',
];

suite('traversal', SETUP, ({ host, it }) => {
    const site = (name) => host.file(`www/${name}`);

    it('needs links and other things in the root', () => {
        fs.symlinkSync('../secret.txt', site('link.txt'));
        fs.symlinkSync(host.file('secret.txt'), site('absolute.txt'));
        fs.symlinkSync('../secret', site('linked'));
        fs.symlinkSync('sub/page.html', site('inside.html'));
        require('node:child_process').execFileSync('mkfifo', [site('fifo')]);
    });

    for (const name of TRAVERSALS) {
        it(`does not leave the root by ${name}`, async () => {
            const raw = await host.raw();

            raw.request(`GET ${name} HTTP/1.1`,
                { ...HOST, Connection: 'close' });
            const bytes = await raw.rest();

            assert.ok(!bytes.includes(SECRET), 'the secret is out');
            assert.ok(!bytes.includes('root:'), '/etc/passwd is out');
            if (bytes.length > 0) {
                assert.match(bytes.toString(),
                    /^HTTP\/1\.[01] (400|403|404) |^HTTP\/1\.1 200 /);
            }
            /* What is served is the root's own. */
            if (/^HTTP\/1\.1 200 /.test(bytes)) {
                assert.match(bytes.toString(), /the (demo|index of sub)/);
            }
        });
    }

    it('follows a link that stays inside', async () => {
        const answer = await host.request('/inside.html');

        if (VALGRIND) { /* but not without openat2 */
            assert.strictEqual(answer.status, 404);
        } else {
            assert.strictEqual(answer.text, SITE['www/sub/page.html']);
        }
    });
});

suite('connections', SETUP, ({ host, it }) => {
    const names = ['/', '/style.css', '/nothing', '/echo', '/-/health',
        '/every?name=x', '/empty.txt', '/sub/'];
    const statuses = [200, 200, 404, 426, 200, 200, 200, 200];

    it('are kept for the next request', async () => {
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        const ports = new Set();

        agent.on('free', (socket) => ports.add(socket.localPort));
        for (const [i, name] of names.entries()) {
            const answer = await host.request(name, { agent });

            assert.strictEqual(answer.status, statuses[i], name);
            assert.doesNotMatch(answer.headers.connection ?? '', /close/);
        }
        assert.strictEqual(ports.size, 1);
        agent.destroy();
    });

    it('take requests that do not wait for answers', async () => {
        const many = Array.from({ length: 40 }, (_, i) => i % names.length);
        const answers = await pipeline(host,
            many.map((i) => [`GET ${names[i]}`]));

        assert.deepStrictEqual(answers.map(({ status }) => status),
            many.map((i) => statuses[i]));
        assert.ok(answers.every(({ version }) => version === 'HTTP/1.1'));
    });

    it('take a request behind one for a large file', async () => {
        const answers = await pipeline(host,
            [['GET /big.bin'], ['GET /style.css'], ['GET /big.bin']]);

        assert.deepStrictEqual(answers.map(({ status }) => status),
            [200, 200, 200]);
        assert.ok(answers[2].body.equals(BIG));
    });

    it('take a body after the answer to another request', async () => {
        const raw = await host.raw();

        for (const body of ['one', 'and two', '']) {
            raw.request('POST /every HTTP/1.1',
                { ...HOST, 'Content-Length': body.length }, body);
            assert.strictEqual((await raw.response()).text.split('\n')
                .slice(4).join(' '), `body ${body.length} ${body}`);
        }
    });

    it('take a request in pieces', async () => {
        const raw = await host.raw();

        for (const byte of requestText('GET /style.css HTTP/1.1', HOST)) {
            raw.socket.setNoDelay(true);
            raw.write([byte]);
            await new Promise(setImmediate);
        }
        assert.strictEqual((await raw.response()).status, 200);
    });

    it('end when the client says so', async () => {
        for (const name of names) {
            const raw = await host.raw();

            raw.request(`GET ${name} HTTP/1.1`,
                { ...HOST, Connection: 'close' });
            const answer = await raw.response();

            assert.match(answer.headers.connection, /\bclose\b/, name);
            assert.strictEqual(await raw.ended(), 'end');
        }
    });

    it('end after a large file, when the client says so', async () => {
        const raw = await host.raw();

        raw.request('GET /big.bin HTTP/1.1', { ...HOST, Connection: 'close' });
        assert.ok((await raw.response()).body.equals(BIG));
        assert.strictEqual(await raw.ended(), 'end');
    });

    it('of HTTP/1.0 end with the answer', async () => {
        const raw = await host.raw();

        raw.request('GET /style.css HTTP/1.0');
        assert.strictEqual((await raw.response()).text,
            SITE['www/style.css']);
        assert.strictEqual(await raw.ended(), 'end');
    });

    it('of HTTP/1.0 are kept if both say so', async () => {
        const raw = await host.raw();

        raw.request('GET /style.css HTTP/1.0', { Connection: 'keep-alive' });
        const { headers } = await raw.response();

        if (headers.connection === 'keep-alive') {
            raw.request('GET /style.css HTTP/1.0');
            assert.strictEqual((await raw.response()).status, 200);
        } else {
            assert.strictEqual(await raw.ended(), 'end');
        }
    });

    it('that end early harm nobody', async () => {
        for (const text of ['', 'G', 'GET / HTTP/1.1\r\n',
            'GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n',
            'POST /every HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab',
        ]) {
            const raw = await host.raw();

            raw.write(text);
            raw.end();
            await raw.ended();
            const abrupt = await host.raw();

            abrupt.write(text);
            abrupt.reset();
        }
        assert.strictEqual((await host.request('/')).status, 200);
    });
});

suite('a body behind another request', SETUP, ({ host, it }) => {
    /* libwebsockets 4.1.6 cannot take a body from what it has read ahead: then
     * the host may say no, but never take one request for the body of another.
     */
    it('is taken, or refused', async () => {
        const bodies = ['first', 'the second one', ''];
        const requests = bodies.map((body) => requestText(
            'POST /every HTTP/1.1',
            { ...HOST, 'Content-Length': body.length }, body));
        const get = requestText('GET /every HTTP/1.1', HOST);

        for (const before of [[], [get]]) {
            const raw = await host.raw();

            raw.write(...before, ...requests, get);
            for (const expected of [...before.map(() => ''), ...bodies]) {
                const answer = await raw.response();

                if (answer.status !== 200) {
                    assert.strictEqual(answer.status, 400);
                    assert.match(answer.text, /cannot be pipelined/);
                    assert.strictEqual(await raw.ended(), 'end');
                    break;
                }
                assert.strictEqual(
                    answer.text.split('\n').slice(4).join(' '),
                    `body ${expected.length} ${expected}`);
            }
            raw.destroy();
            assert.strictEqual((await host.request('/')).status, 200);
        }
    });
});

suite('paths of plugins', SETUP, ({ host, it }) => {
    it('say what they are for', async () => {
        for (const name of ['/echo', '/deep/down/below']) {
            const answer = await host.request(name);

            assert.strictEqual(answer.status, 426);
            assert.strictEqual(answer.reason, 'Upgrade Required');
            assert.strictEqual(answer.headers.upgrade, 'websocket');
            assert.strictEqual(answer.headers['sec-websocket-version'], '13');
            assert.match(answer.text, /^426 Upgrade Required: /);
            assert.ok(answer.text.includes(name), answer.text);
            assert.match(answer.text, /plugin echo.*new WebSocket\("ws:/);
        }
    });

    it('do so for any method', async () => {
        for (const method of ['POST', 'PUT', 'DELETE']) {
            const answer = await host.request('/echo', { method, body: 'x' });

            assert.strictEqual(answer.status, 426, method);
        }
    });
});

suite('the pages of the host', SETUP, ({ host, it }) => {
    it('tell its health', async () => {
        const client = await host.connect('/echo');
        const answer = await host.request('/-/health');
        const health = JSON.parse(answer.text);

        assert.strictEqual(answer.status, 200);
        assert.strictEqual(answer.headers['content-type'],
            'application/json');
        assert.strictEqual(answer.headers['cache-control'], 'no-store');
        assert.match(health.version, /^\d+\.\d+\.\d+$/);
        assert.ok(Number.isInteger(health.uptime_s));
        delete health.version;
        delete health.uptime_s;
        assert.deepStrictEqual(health,
            { status: 'ok', workers: 1, running: 1, connections: 1,
                quarantined: 0, cluster: 'off' });
        await client.close(1000);
    });

    it('can only be read', async () => {
        for (const name of ['/-/health', '/-/metrics']) {
            const answer = await host.request(name,
                { method: 'POST', body: 'x' });

            assert.strictEqual(answer.status, 405);
            assert.strictEqual(answer.headers.allow, 'GET, HEAD');
        }
    });

    it('are files of Prometheus', async () => {
        const answer = await host.request('/-/metrics');

        assert.strictEqual(answer.headers['content-type'],
            'text/plain; version=0.0.4; charset=utf-8');
        assert.strictEqual((await host.metrics())
            .get('patchbay_worker_up{worker="0"}'), 1);
    });

    it('count what happens', async () => {
        const route = (metrics, name) =>
            metrics.get(`patchbay_${name}{route="echo"}`);
        const before = await host.metrics();
        let asked = 0;
        const clients = [await host.connect('/echo'),
            await host.connect('/echo')];

        for (const client of clients) {
            client.send('12345');
            client.send(Buffer.alloc(1000));
            await client.next();
            await client.next();
        }
        await clients[0].close(1000);
        await host.refusal('/echo', { headers: { Origin: 'http://no.test' } });
        await host.refusal('/nowhere');
        await host.request('/');
        const after = await until(async () => {
            const now = await host.metrics();

            asked++;
            return route(now, 'connections') === 1 && now;
        }, 'the count of one connection');
        const more = (name) => route(after, name) - route(before, name);

        assert.strictEqual(more('connections_total'), 2);
        assert.strictEqual(more('messages_received_total'), 4);
        assert.strictEqual(more('messages_sent_total'), 4);
        assert.strictEqual(more('received_bytes_total'), 2010);
        assert.strictEqual(more('sent_bytes_total'), 2010);
        assert.strictEqual(more('handshakes_refused_total'), 1);
        assert.strictEqual(after.get('patchbay_handshake_errors_total') -
            before.get('patchbay_handshake_errors_total'), 1);
        /* The file, and the pages of metrics. */
        assert.strictEqual(after.get('patchbay_http_requests_total') -
            before.get('patchbay_http_requests_total'), 1 + asked);
        await clients[1].close(1000);
    });
});

suite('other pages', {
    ...SETUP,
    http: { health: '/up', metrics: '' },
}, ({ host, it }) => {
    it('are where the file says, or nowhere', async () => {
        assert.strictEqual((await host.request('/up')).status, 200);
        assert.strictEqual((await host.request('/-/health')).status, 404);
        assert.strictEqual((await host.request('/-/metrics')).status, 404);
    });

    it('without a root there are no files', async () => {
        assert.strictEqual((await host.request('/')).status, 404);
        assert.strictEqual((await host.request('/index.html')).status, 404);
    });
});

suite('the http hook', SETUP, ({ host, it }) => {
    const post = (body, headers, name = '/every') =>
        host.request(name, { method: 'POST', body, headers });

    it('sees the request', async () => {
        const answer = await host.request('/every?x=1&name=a%20b%C3%BC&y',
            { headers: { 'X-Test': 'seen' } });

        assert.strictEqual(answer.status, 200);
        assert.strictEqual(answer.headers['x-everything'], 'http');
        assert.strictEqual(answer.headers['content-type'], 'text/plain');
        assert.strictEqual(answer.text, 'GET /every\nremote 127.0.0.1\n' +
            'query a bü\nheader seen\nbody 0\n');
    });

    it('gets the body, whole', async () => {
        const body = crypto.randomBytes(65536);
        const answer = await post(body);
        const head = Buffer.from('POST /every\nremote 127.0.0.1\n' +
            'query (null)\nheader (null)\nbody 65536\n');

        assert.ok(answer.body.equals(Buffer.concat([head, body])));
    });

    it('gets a body that comes in pieces', async () => {
        const raw = await host.raw();

        raw.request('PUT /every HTTP/1.1', { ...HOST, 'Content-Length': 6 });
        for (const byte of 'pieces') {
            raw.write(byte);
            await pass(5);
        }
        assert.match((await raw.response()).text, /^PUT [^]*body 6\npieces$/);
    });

    it('answers with any status and type', async () => {
        for (const status of [200, 201, 404, 418, 503]) {
            const answer =
                await host.request(`/every?status=${status}&type=a/b`);

            assert.strictEqual(answer.status, status);
            assert.strictEqual(answer.headers['content-type'], 'a/b');
            assert.match(answer.text, /^GET \/every\n/);
        }
        const empty = await host.request('/every?status=204');

        assert.strictEqual(empty.status, 204);
        assert.strictEqual(empty.text, '');
    });

    it('refuses by its result', async () => {
        for (const status of [400, 403, 410, 599]) {
            const answer = await host.request(`/every?fail=${status}`);

            assert.strictEqual(answer.status, status);
            assert.strictEqual(answer.headers['x-everything'], 'http');
            assert.match(answer.text, new RegExp(`^${status} .+: \\w.*\n$`));
        }
    });

    it('fails with 500, and the log says so', async () => {
        for (const [query, pattern] of [
            ['fail=-1', /\[every\/everything\].*the http hook failed: out of/],
            ['fail=42', /the http hook returned 42/],
            ['silent=1', /the http hook returned 0/],
        ]) {
            const from = host.mark();
            const answer = await host.request(`/every?${query}`);

            assert.strictEqual(answer.status, 500, query);
            await host.waitLog(pattern, { from });
        }
    });

    it('answers once', async () => {
        const from = host.mark();
        const answer = await host.request('/every?twice=1');

        assert.match(answer.text, /^GET \/every\n/);
        await host.waitLog(/the second answer: -3/, { from });
    });

    it('answers HEAD without a body', async () => {
        const [answer, next] = await pipeline(host,
            [['HEAD /every'], ['GET /every']], [0]);

        assert.strictEqual(answer.status, 200);
        assert.ok(Number(answer.headers['content-length']) > 0);
        assert.match(next.text, /^GET/);
    });

    it('is spared a body over max_message', async () => {
        const raw = await host.raw();

        raw.request('POST /every HTTP/1.1',
            { ...HOST, 'Content-Length': 65537 });
        const answer = await raw.response();

        assert.strictEqual(answer.status, 413);
        assert.match(answer.text, /max_message/);
        assert.strictEqual(await raw.ended(), 'end');
    });

    it('is spared a body of unknown length', async () => {
        const chunked = await post('x', { 'Transfer-Encoding': 'chunked' });
        const raw = await host.raw();

        assert.strictEqual(chunked.status, 411);
        assert.match(chunked.text, /Content-Length/);
        raw.request('POST /every HTTP/1.1', HOST);
        assert.strictEqual((await raw.response()).status, 411);
    });

    it('is spared a wrong length', async () => {
        for (const length of ['-1', 'abc', '1x', '0x10', '1, 2']) {
            const raw = await host.raw();

            raw.request('POST /every HTTP/1.1',
                { ...HOST, 'Content-Length': length });
            const answer = await raw.response();

            assert.strictEqual(answer.status, 400, length);
            assert.match(answer.text, /Content-Length is not a number/);
        }
        const raw = await host.raw();

        raw.request('POST /every HTTP/1.1',
            { ...HOST, 'Content-Length': '9'.repeat(30) });
        assert.strictEqual((await raw.response()).status, 413);
    });

    it('does not keep who expects a 100 waiting', async () => {
        const raw = await host.raw();

        raw.request('POST /every HTTP/1.1', { ...HOST,
            'Content-Length': 3, 'Expect': '100-continue' });
        const answer = await raw.response();

        if (answer.status === 100) {
            raw.write('abc');
            assert.match((await raw.response()).text, /body 3\nabc$/);
        } else {
            assert.strictEqual(answer.status, 417);
            assert.match(answer.text, /without Expect/);
        }
    });
});
