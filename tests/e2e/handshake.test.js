/* handshake.test.js - from an HTTP request to a WebSocket, or to a refusal */
'use strict';

const assert = require('node:assert');
const { suite } = require('./lib/suite.js');
const {
    KEY, OPCODE, acceptOf, frame, requestText, upgradeHeaders,
} = require('./lib/raw.js');
const { pass, stopwatch, until } = require('./lib/wait.js');

const ROUTES = {
    echo: { path: '/echo', plugin: 'echo' },
    every: { path: '/every', plugin: 'everything' },
    rooms: { path: '/rooms/*', plugin: 'everything' },
    deep: { path: '/rooms/deep/*', plugin: 'everything' },
    exact: { path: '/rooms/exact', plugin: 'everything' },
};

/* One handshake on a connection of its own. */
async function handshake(host, path, headers, options) {
    const raw = await host.raw();
    const answer = await raw.handshake(path, headers, options);

    if (answer.status !== 101) {
        assert.strictEqual(await raw.ended('the end after a refusal'), 'end');
    }
    raw.destroy();
    return answer;
}

function assertRefused(answer, status, pattern, what) {
    assert.strictEqual(answer.status, status, what);
    assert.strictEqual(answer.version, 'HTTP/1.1');
    assert.ok(answer.reason, 'a status without its reason');
    assert.match(answer.text, new RegExp(`^${status} [^:]+: .`), what);
    assert.match(answer.text, pattern, what);
    assert.match(answer.headers['content-type'], /^text\/plain/);
    assert.match(answer.headers.connection ?? '', /\bclose\b/);
}

suite('a handshake', { routes: ROUTES }, ({ host, it }) => {
    it('is answered by the rules', async () => {
        const raw = await host.raw();
        const answer = await raw.handshake('/echo');

        assert.strictEqual(answer.status, 101);
        assert.strictEqual(answer.version, 'HTTP/1.1');
        assert.strictEqual(answer.headers.upgrade.toLowerCase(), 'websocket');
        assert.match(answer.headers.connection, /^upgrade$/i);
        assert.strictEqual(answer.headers['sec-websocket-accept'],
            acceptOf(KEY));
        assert.strictEqual(answer.headers['sec-websocket-protocol'],
            undefined);
        assert.strictEqual(answer.headers['sec-websocket-extensions'],
            undefined);
        raw.send(OPCODE.text, 'hello');
        assert.strictEqual((await raw.message()).text, 'hello');
    });

    it('takes its headers as they may be written', async () => {
        for (const headers of [
            { Upgrade: 'WebSocket' },
            { Connection: 'keep-alive, Upgrade' },
            { Connection: 'UPGRADE' },
            { 'Sec-WebSocket-Extensions':
                'permessage-deflate; client_max_window_bits' },
            { Host: null, HOST: 'localhost:9501' },
            { 'User-Agent': 'x'.repeat(5000) },
        ]) {
            const { status } = await handshake(host, '/echo', headers);

            assert.strictEqual(status, 101, JSON.stringify(headers));
        }
    });

    it('may bring messages with it', async () => {
        const raw = await host.raw();

        raw.write(requestText('GET /every HTTP/1.1', upgradeHeaders('x')),
            frame(OPCODE.text, 'echo first'),
            frame(OPCODE.text, 'echo second'));
        assert.strictEqual((await raw.response()).status, 101);
        assert.strictEqual((await raw.message()).text, 'first');
        assert.strictEqual((await raw.message()).text, 'second');
    });

    it('may come byte by byte', async () => {
        const raw = await host.raw();

        raw.socket.setNoDelay(true);
        for (const byte of
            requestText('GET /echo HTTP/1.1', upgradeHeaders('x'))) {
            raw.write([byte]);
            await new Promise(setImmediate);
        }
        assert.strictEqual((await raw.response()).status, 101);
    });

    it('may follow other requests', async () => {
        const raw = await host.raw();

        raw.request('GET /nothing HTTP/1.1', { Host: 'x' });
        assert.strictEqual((await raw.response()).status, 404);
        await raw.upgrade('/echo');
        raw.send(OPCODE.text, 'hello');
        assert.strictEqual((await raw.message()).text, 'hello');
    });

    it('finds its route', async () => {
        for (const [path, name, tail] of [
            ['/every', 'every /every', ''],
            ['/%65very?x=1', 'every /every', ''],
            ['/rooms/', 'rooms /rooms/*', ''],
            ['/rooms/lobby', 'rooms /rooms/*', 'lobby'],
            ['/rooms/a/b%20c', 'rooms /rooms/*', 'a/b c'],
            ['/rooms/exact/', 'rooms /rooms/*', 'exact/'],
            ['/rooms/deep', 'rooms /rooms/*', 'deep'],
            ['/rooms/deep/x', 'deep /rooms/deep/*', 'x'],
            ['/rooms/exact', 'exact /rooms/exact', ''],
        ]) {
            const client = await host.connect(path);

            assert.strictEqual(await client.value('route'), name, path);
            assert.strictEqual(await client.value('tail'), tail, path);
            client.terminate();
        }
    });
});

suite('a refused handshake', { routes: ROUTES }, ({ host, it }) => {
    const refuses = (title, status, pattern, cases, options) => {
        it(title, async () => {
            for (const headers of cases) {
                const what = JSON.stringify(headers);
                const answer = await handshake(host, '/echo', headers,
                    options);

                assertRefused(answer, status, pattern, what);
            }
        });
    };

    it('is not what an offer of HTTP/2 gets: that is plain HTTP', async () => {
        const raw = await host.raw();

        for (const headers of [
            { Upgrade: 'h2c' },
            { 'Upgrade': 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__',
                'Connection': 'Upgrade, HTTP2-Settings' },
        ]) {
            const answer = await raw.handshake('/echo', headers);

            assert.strictEqual(answer.status, 426);
            assert.strictEqual(answer.version, 'HTTP/1.1');
            assert.match(answer.text, /WebSocket endpoint/);
        }
        raw.destroy(); /* one connection for both: it was kept */
    });
    refuses('needs Connection: Upgrade', 400, /Connection/, [
        { Connection: null }, { Connection: 'close' },
        { Connection: 'keep-alive' }, { Connection: 'up' },
        { Connection: 'upgraded' },
    ]);
    refuses('needs a key', 400, /Sec-WebSocket-Key/, [
        { 'Sec-WebSocket-Key': null }, { 'Sec-WebSocket-Key': '' },
        { 'Sec-WebSocket-Key': 'x' }, { 'Sec-WebSocket-Key': KEY + 'x' },
        { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ=' },
        { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ!=' },
        { 'Sec-WebSocket-Key': 'A'.repeat(24) },
    ]);
    refuses('needs a Host', 400, /Host/, [{ Host: null }]);
    refuses('is not too long', 400, /too long/, [
        { 'Sec-WebSocket-Extensions': 'x-'.repeat(140) },
        { 'Sec-WebSocket-Protocol': 'ab, '.repeat(60) },
        { 'Sec-WebSocket-Protocol': 'p'.repeat(64) },
        { 'Sec-WebSocket-Protocol': 'a, ' + 'p'.repeat(70) },
    ]);
    refuses('needs HTTP/1.1', 400, /HTTP\/1\.1/, [{}],
        { version: 'HTTP/1.0' });

    it('is none for any other upgrade: that is plain HTTP', async () => {
        const raw = await host.raw();

        for (const upgrade of ['foo', 'websockets', 'TLS']) {
            const answer = await raw.handshake('/echo', { Upgrade: upgrade });

            assert.strictEqual(answer.status, 426, upgrade);
        }
        await raw.upgrade('/echo', { Upgrade: 'foo, websocket' });
        raw.destroy();
    });

    it('needs the version 13', async () => {
        for (const version of [null, '8', '12', '99', '13, 8', 'x']) {
            const answer = await handshake(host, '/echo',
                { 'Sec-WebSocket-Version': version });

            assertRefused(answer, 426, /Version must be 13/, version);
            assert.strictEqual(answer.headers['sec-websocket-version'], '13');
        }
    });

    it('needs the method GET', async () => {
        for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
            const answer = await handshake(host, '/echo', {}, { method });

            assertRefused(answer, 405, /GET/, method);
            assert.strictEqual(answer.headers.allow, 'GET');
        }
        const raw = await host.raw();

        raw.request('HEAD /echo HTTP/1.1', upgradeHeaders('x'));
        assert.strictEqual((await raw.response({ head: true })).status, 405);
    });

    it('needs a route', async () => {
        for (const path of ['/', '/nothing', '/echo/', '/ECHO', '/ech',
            '/echo2', '/rooms', '/-/health', '/%2fecho/x']) {
            assertRefused(await handshake(host, path), 404, /route/, path);
        }
    });

    it('needs a path that fits', async () => {
        const answer = await handshake(host, `/rooms/${'x'.repeat(3000)}`);

        assertRefused(answer, 400, /path too long/);
    });

    it('harms no other connection', async () => {
        const client = await host.connect('/echo');

        await handshake(host, '/echo', { 'Sec-WebSocket-Key': null });
        assert.strictEqual(await client.ask('still here'), 'still here');
    });
});

suite('the plugin', {
    routes: ROUTES,
    expected: [/the handshake hook (failed|returned)/],
}, ({ host, it }) => {
    it('refuses with a status and headers', async () => {
        for (const status of [400, 401, 403, 404, 429, 503, 599]) {
            const answer = await handshake(host,
                `/every?status=${status}&cookie=a%3Db`);

            assertRefused(answer, status, /the application refused/);
            assert.strictEqual(answer.headers['x-everything'], 'handshake');
            assert.strictEqual(answer.headers['set-cookie'], 'a=b');
        }
    });

    it('fails with 500', async () => {
        for (const [query, pattern] of [
            ['fail=1', new RegExp('\\[every/everything\\] #\\d+ 127.0.0.1: ' +
                'the handshake hook failed: out of memory')],
            ['status=42', /the handshake hook returned 42/],
            ['status=200', /the handshake hook returned 200/],
            ['status=1000', /the handshake hook returned 1000/],
        ]) {
            const from = host.mark();

            assertRefused(await handshake(host, `/every?${query}`), 500,
                /the application failed/, query);
            await host.waitLog(pattern, { from });
        }
    });

    it('adds headers to the 101', async () => {
        const { headers } = await handshake(host, '/every?cookie=k%3Dv');

        assert.strictEqual(headers['set-cookie'], 'k=v');
        assert.strictEqual(headers['x-everything'], 'handshake');
    });

    it('cannot be made to add others', async () => {
        for (const value of ['a%01b', 'a%7fb', 'a%1b']) {
            const { status, headers } = await handshake(host,
                `/every?cookie=${value}`);

            assert.strictEqual(status, 101);
            assert.strictEqual(headers['set-cookie'], undefined, value);
        }
    });

    it('may neither send nor close yet', async () => {
        const client = await host.connect('/every');

        assert.strictEqual(await client.value('early'), '-3 -3 -3');
    });

    it('sees the request', async () => {
        const client = await host.connect('/every?a=1',
            { headers: { 'X-Test': 'some value' } });

        assert.strictEqual(await client.value('handshake'),
            'GET /every 127.0.0.1 some value 0');
        assert.strictEqual(await client.value('path'), '/every');
        assert.strictEqual(await client.value('remote'), '127.0.0.1');
    });

    it('sees its headers in open, and not later', async () => {
        const raw = await host.raw();
        const ask = async (text) => {
            raw.send(OPCODE.text, text);
            return (await raw.message()).text;
        };

        await raw.upgrade('/every', { 'Host': 'example.test:80',
            'Origin': 'http://example.test', 'Cookie': ['a=1; b=2', 'c=3'],
            'X-TEST': '  padded  ' });
        assert.strictEqual(await ask('openheader host'),
            'openheader example.test:80');
        assert.strictEqual(await ask('openheader origin'),
            'openheader http://example.test');
        assert.strictEqual(await ask('openheader cookie'),
            'openheader a=1; b=2; c=3');
        assert.match(await ask('openheader x-test'), /^openheader padded *$/);
        assert.strictEqual(await ask('openheader user-agent'),
            'openheader (null)');
        assert.strictEqual(await ask('header host'), 'header (null)');
    });

    it('sees the query, decoded', async () => {
        const client = await host.connect('/every?name=a%20b%26c%C3%A9' +
            '&plus=1%2B1&empty=&bare&same=first&same=second');
        const query = (name) => client.value(`query ${name}`);

        assert.strictEqual(await query('name'), 'a b&cé');
        assert.strictEqual(await query('plus'), '1+1');
        assert.strictEqual(await query('empty'), '');
        assert.strictEqual(await query('bare'), '');
        assert.strictEqual(await query('same'), 'first');
        assert.strictEqual(await query('nam'), '(null)');
        assert.strictEqual(await query('names'), '(null)');
    });

    it('chooses the subprotocol', async () => {
        for (const [offered, chosen] of [
            [undefined, undefined],
            ['v1.everything', 'v1.everything'],
            ['v1.everything, v2.everything', 'v2.everything'],
            ['v2.everything,v1.everything', 'v2.everything'],
            ['other, v1.everything', 'v1.everything'],
            ['other', undefined],
            ['V1.EVERYTHING', undefined],
            ['v1.everything.more', undefined],
            [['other', 'v1.everything'], 'v1.everything'],
        ]) {
            const raw = await host.raw();
            const { status, headers } = await raw.handshake('/every',
                { 'Sec-WebSocket-Protocol': offered });

            assert.strictEqual(status, 101, offered);
            assert.strictEqual(headers['sec-websocket-protocol'], chosen,
                `for ${offered}`);
            raw.send(OPCODE.text, 'subprotocol');
            assert.strictEqual((await raw.message()).text,
                `subprotocol ${chosen ?? ''}`);
            raw.destroy();
        }
    });

    it('without subprotocols agrees on none', async () => {
        const { status, headers } = await handshake(host, '/echo',
            { 'Sec-WebSocket-Protocol': 'chat' });

        assert.strictEqual(status, 101);
        assert.strictEqual(headers['sec-websocket-protocol'], undefined);
    });

    it('chooses for many at once', async () => {
        const chosen = await Promise.all(Array.from({ length: 60 },
            async (_, i) => {
                const wanted = ['v1.everything', 'v2.everything',
                    'other'][i % 3];
                const { headers } = await handshake(host, '/every',
                    { 'Sec-WebSocket-Protocol': wanted });

                return [headers['sec-websocket-protocol'] ?? 'other', wanted];
            }));

        for (const [got, wanted] of chosen) {
            assert.strictEqual(got, wanted);
        }
    });
});

suite('the origin', {
    routes: {
        same: { path: '/same', plugin: 'echo' },
        list: { path: '/list', plugin: 'echo',
            origins: 'https://example.test, http://other.test:8080' },
        any: { path: '/any', plugin: 'echo', origins: '*' },
    },
}, ({ host, it }) => {
    const check = (title, path, cases) => {
        it(title, async () => {
            for (const [origin, allowed, headers] of cases) {
                const answer = await handshake(host, path,
                    { Origin: origin, ...headers });

                if (allowed) {
                    assert.strictEqual(answer.status, 101, origin);
                } else {
                    assertRefused(answer, 403, /origin/, origin);
                }
            }
        });
    };

    check('is that of the host, unless told otherwise', '/same', [
        [undefined, true],
        ['http://localhost', true],
        ['https://localhost', true],
        ['http://LOCALHOST', true],
        ['http://localhost:80', true],
        ['http://localhost:8080', true, { Host: 'localhost:8080' }],
        ['https://localhost', true, { Host: 'localhost:443' }],
        ['http://[::1]:8080', true, { Host: '[::1]:8080' }],
        ['http://localhost:8080', false],
        ['http://localhost', false, { Host: 'localhost:8080' }],
        ['http://localhost.evil.test', false],
        ['http://evil.test', false],
        ['http://evil.test/localhost', false],
        ['null', false],
        ['localhost', false],
        ['http://', false],
        ['x'.repeat(600), false],
        ['http://localhost.', false],
        ['http://localhost.', true, { Host: 'localhost.' }],
        ['http://127.0.0.1', false],
        ['chrome-extension://localhost', false],
        ['http://user@localhost', false],
        ['http://localhost, http://evil.test', false],
        [['http://localhost', 'http://evil.test'], false],
        /* What a proxy says of the host counts in Host only. */
        ['http://public.test', false, { 'X-Forwarded-Host': 'public.test' }],
        ['http://public.test', false,
            { Forwarded: 'host=public.test;proto=http' }],
        ['https://public.test', true, { Host: 'public.test' }],
    ]);
    check('is one of a list', '/list', [
        [undefined, true],
        ['https://example.test', true],
        ['HTTPS://EXAMPLE.TEST', true],
        ['http://other.test:8080', true],
        ['http://example.test', false],
        ['https://example.test:8443', false],
        ['https://sub.example.test', false],
        ['http://localhost', false],
        ['null', false],
    ]);
    check('is any, if the file says so', '/any', [
        [undefined, true],
        ['https://evil.test', true],
        ['null', true],
    ]);
});

suite('as many connections as the route may have', {
    expected: [/limit connections: the route is full/],
    server: { workers: 2 },
    routes: {
        few: { path: '/few', plugin: 'everything', connections: 6 },
        other: { path: '/other', plugin: 'echo' },
    },
}, ({ host, it }) => {
    it('are counted over all workers', async () => {
        const clients = [];

        for (let i = 0; i < 6; i++) {
            clients.push(await host.connect('/few'));
        }
        for (let i = 0; i < 4; i++) {
            const { status, text } = await host.refusal('/few');

            assert.strictEqual(status, 503);
            assert.match(text, /as many connections as it may have/);
        }
        assert.strictEqual((await handshake(host, '/other')).status, 101);
        await clients[0].close(1000);
        await until(async () => (await handshake(host, '/few')).status === 101,
            'a place');
        const metrics = await host.metrics();

        assert.ok(metrics.get(
            'patchbay_handshakes_refused_total{route="few"}') >= 4);
    });
});

suite('a proxy', {
    server: {
        listen: '127.0.0.1:0, unix:web.sock',
        proxies: '127.0.0.1, 10.0.0.0/8, fd00::/8, unix',
    },
    routes: ROUTES,
}, ({ host, it }) => {
    const CASES = [
        [undefined, '127.0.0.1'],
        ['192.0.2.7', '192.0.2.7'],
        ['192.0.2.7:4711', '192.0.2.7'],
        ['2001:db8::1', '2001:db8::1'],
        ['[2001:db8::1]:4711', '2001:db8::1'],
        ['203.0.113.9, 192.0.2.7', '192.0.2.7'],
        ['192.0.2.7,10.1.2.3', '192.0.2.7'],
        ['192.0.2.7, fd00::5, 10.1.2.3', '192.0.2.7'],
        [['203.0.113.9', '192.0.2.7'], '192.0.2.7'],
        ['10.1.2.3', '10.1.2.3'],
        ['unknown', '127.0.0.1'],
        ['192.0.2.7, unknown', '127.0.0.1'],
        ['', '127.0.0.1'],
    ];

    it('tells who its client is', async () => {
        for (const [forwarded, remote] of CASES) {
            const raw = await host.rawUpgrade('/every',
                { 'X-Forwarded-For': forwarded });

            raw.send(OPCODE.text, 'remote');
            assert.strictEqual((await raw.message()).text,
                `remote ${remote}`, `for ${forwarded}`);
            raw.destroy();
        }
    });

    it('tells it in HTTP requests, too', async () => {
        const { text } = await host.request('/every',
            { headers: { 'X-Forwarded-For': '192.0.2.7' } });

        assert.match(text, /^remote 192\.0\.2\.7$/m);
    });

    it('may use a Unix socket', async () => {
        for (const [headers, remote] of [[{}, 'unix'],
            [{ 'X-Forwarded-For': '192.0.2.7' }, '192.0.2.7']]) {
            const client = await host.connect('/every',
                { index: 1, headers });

            assert.strictEqual(await client.value('remote'), remote);
        }
    });

    it('appears in the log as its client', async () => {
        const client = await host.connect('/every',
            { headers: { 'X-Forwarded-For': '192.0.2.7' } });
        const from = host.mark();

        await client.ask('log who is it');
        await host.waitLog(/ #\d+ 192\.0\.2\.7: who is it$/, { from });
    });
});

suite('somebody who is no proxy', { routes: ROUTES }, ({ host, it }) => {
    it('is not believed', async () => {
        const client = await host.connect('/every',
            { headers: { 'X-Forwarded-For': '192.0.2.7' } });

        assert.strictEqual(await client.value('remote'), '127.0.0.1');
    });
});

suite('a slow handshake', {
    limits: { handshake: '2s' },
    routes: ROUTES,
    concurrency: 4,
}, ({ host, it }) => {
    /* How long the host kept a connection that this was written to. */
    const kept = async (write) => {
        const raw = await host.raw();
        const start = performance.now();
        const took = stopwatch();
        const timer = write(raw);

        await raw.ended();
        clearInterval(timer);
        return { ms: performance.now() - start, took: took() };
    };

    it('is cut off', async () => {
        const text = requestText('GET /echo HTTP/1.1',
            { ...upgradeHeaders('x'), 'X-Long': 'x'.repeat(1000) });
        const times = await Promise.all([
            kept(() => {}),
            kept((raw) => {
                raw.write('GET /echo HTTP/1.1\r\nHost: x\r\n');
            }),
            kept((raw) => {
                let at = 0;

                return setInterval(() => raw.write(
                    text.subarray(at, ++at)), 50).unref();
            }),
        ]);

        for (const { ms, took } of times) {
            assert.ok(ms > 1500 && took < 8000, `after ${ms} ms`);
        }
    });

    it('does not cut off those that are through', async () => {
        const client = await host.connect('/echo');

        await pass(3200);
        assert.strictEqual(await client.ask('still here'), 'still here');
    });

    it('with a body that does not come is cut off, too', async () => {
        const { ms, took } = await kept((raw) => {
            raw.request('POST /every HTTP/1.1',
                { 'Host': 'x', 'Content-Length': 10 }, 'abc');
        });

        assert.ok(ms > 1500 && took < 8000, `after ${ms} ms`);
    });
});

const GARBAGE = {
    'zeros': Buffer.alloc(2000),
    'high bytes': Buffer.alloc(2000, 0xff),
    'a TLS greeting': Buffer.from('16030100fa010000f60303' +
        '00'.repeat(240), 'hex'),
    'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' +
        '\0\0\0\x04\0\0\0\0\0',
    'a method alone': 'GET\r\n\r\n',
    'an unknown method': 'FETCH / HTTP/1.1\r\nHost: x\r\n\r\n',
    'a lower case method': 'get / HTTP/1.1\r\nHost: x\r\n\r\n',
    'no version': 'GET /every\r\n\r\n',
    'another version': 'GET /every HTTP/9.9\r\nHost: x\r\n\r\n',
    'a header without a colon': 'GET / HTTP/1.1\r\nHost\r\n\r\n',
    'a header without a name': 'GET / HTTP/1.1\r\n: x\r\n\r\n',
    'a wrong escape': 'GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n',
    'an escaped end of line':
        'GET /every%0aX-Test:injected HTTP/1.1\r\nHost: x\r\n\r\n',
    'an escaped end of line in the query':
        'GET /every?x=y%0d%0aX-Test:injected HTTP/1.1\r\nHost: x\r\n\r\n',
    'an escaped NUL': 'GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n',
    'a NUL in a header': 'GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n',
    'a folded header': 'GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n',
    'a URL for a path': 'GET http://other.test/ HTTP/1.1\r\nHost: x\r\n\r\n',
    'an asterisk': 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n',
    'many empty lines': '\r\n'.repeat(500),
    'a line without end': 'GET /' + 'x'.repeat(20000),
    'too many headers': 'GET / HTTP/1.1\r\n' +
        'Cookie: a=b\r\n'.repeat(300) + '\r\n',
    'too many arguments': `GET /echo?${'a=b&'.repeat(300)} HTTP/1.1\r\n\r\n`,
    'a CONNECT': 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n' +
        'and then what',
    'a CONNECT with an upgrade': Buffer.concat([
        requestText('CONNECT /echo HTTP/1.1', upgradeHeaders('x')),
        frame(OPCODE.text, 'hello')]),
    'frames instead of a handshake': frame(OPCODE.text, 'hello'),
};

suite('what is no request', {
    limits: { handshake: '1s' },
    routes: ROUTES,
    expected: [/libwebsockets:/],
    concurrency: 8,
}, ({ host, it }) => {
    for (const [what, bytes] of Object.entries(GARBAGE)) {
        it(`is refused or cut off: ${what}`, async () => {
            const [raw, client] = await Promise.all(
                [host.raw(), host.connect('/echo')]);

            raw.write(bytes);
            raw.socket.on('data', () => raw.end());
            const answer = (await raw.rest()).toString('latin1');

            assert.ok(answer === '' || /^HTTP\/1\.[01] [45]\d\d /.test(answer),
                `an answer: ${answer}`);
            assert.strictEqual(await client.ask('unharmed'), 'unharmed');
            client.terminate();
        });
    }
});

suite('long headers', {
    routes: ROUTES,
    expected: [/libwebsockets:/],
}, ({ host, it }) => {
    it('are taken up to 8 KiB, and refused beyond', async () => {
        const answer = await handshake(host, '/echo',
            { 'X-Long': 'x'.repeat(7000) });

        assert.strictEqual(answer.status, 101);
        const raw = await host.raw();

        raw.request('GET /echo HTTP/1.1',
            { ...upgradeHeaders('x'), 'X-Long': 'x'.repeat(9000) });
        const text = (await raw.rest()).toString();

        assert.ok(text === '' || text.startsWith('HTTP/1.1 431 '), text);
        assert.strictEqual((await handshake(host, '/echo')).status, 101);
    });
});
