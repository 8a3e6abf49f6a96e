/* 16.js - beyond the usual: the opening handshake (RFC 6455 4, RFC 9110 7) */
'use strict';

const { KEY, acceptOf, requestText, upgradeHeaders } =
    require('../../e2e/lib/raw.js');
const { OPCODE, T, closes, frame, gets, send, sendChopped, textMessage } =
    require('../lib/steps.js');
const { show } = require('../lib/show.js');

const HELLO = 'Hello, world!';
const cases = [];
const add = (id, says, ...steps) =>
    cases.push({ id, says, steps, handshake: true });

/* A request for the path of the echo, with these headers changed. */
const request = (changed = {}, { method = 'GET', version = 'HTTP/1.1' } = {}) =>
    ({ server }) => requestText(`${method} ${server.path} ${version}`,
        { ...upgradeHeaders('localhost'), ...changed });

const ask = (...how) => (run) => run.peer.write(request(...how)(run));

const answer = async (run) => {
    const event = await run.peer.next();

    if (event?.type === 'end') {
        run.lax('hung up without an answer');
        return null;
    }
    if (event?.type !== 'answer') {
        throw new Error(`an answer was due, ${show(event)} came`);
    }
    return event;
};

/* One of these answers; the server may close the connection behind it. */
const refuses = (...statuses) => async (run) => {
    const event = await answer(run);

    if (event !== null && !statuses.includes(event.status)) {
        throw new Error(`${statuses.join(' or ')} was due, ${
            event.status} came`);
    }
    run.refused = event;
    run.peer.socket.end();
    if (event !== null && (await run.peer.next())?.type !== 'end') {
        throw new Error('the end of TCP was due');
    }
};

/* A handshake that is good: 101, and an echo works. */
const accepts = (check = () => {}) => async (run) => {
    const event = await answer(run);

    if (event === null) {
        throw new Error('hung up on a good handshake');
    }
    run.peer.check(event, 'any');
    check(event);
    for (const step of [send(T(HELLO)), gets(textMessage(HELLO)), closes()]) {
        await step(run);
    }
};

const good = (id, says, changed, how) =>
    add(id, `${says}: 101.`, ask(changed, how), accepts());
const bad = (id, says, statuses, changed, how) =>
    add(id, `${says}: ${statuses.join(' or ')}.`, ask(changed, how),
        refuses(...statuses));

/* ---- what is good ------------------------------------------------------- */

add('16.1.1', 'A plain handshake: 101, with Upgrade, Connection and the ' +
    'Sec-WebSocket-Accept of the key.', ask(), accepts());
add('16.1.2', 'Another key has another Sec-WebSocket-Accept.',
    ask({ 'Sec-WebSocket-Key': 'AAECAwQFBgcICQoLDA0ODw==' }), async (run) => {
        const event = await answer(run);

        if (event?.headers['sec-websocket-accept'] !==
            acceptOf('AAECAwQFBgcICQoLDA0ODw==') ||
            acceptOf('AAECAwQFBgcICQoLDA0ODw==') === acceptOf(KEY)) {
            throw new Error('Sec-WebSocket-Accept is wrong');
        }
        await closes()(run);
    });
add('16.1.3', 'The handshake octet by octet: 101.',
    (run) => sendChopped(1, request()(run))(run), accepts());
add('16.1.4', 'A text in the same write as the handshake: 101 and the echo.',
    (run) => run.peer.write(Buffer.concat([request()(run), T(HELLO)])),
    async (run) => {
        run.peer.check(await answer(run));
    }, gets(textMessage(HELLO)), closes());
add('16.1.5', 'Nothing is agreed that was not offered: neither an extension ' +
    'nor a subprotocol.', ask(), accepts(({ headers }) => {
    if ('sec-websocket-extensions' in headers ||
        'sec-websocket-protocol' in headers) {
        throw new Error('something was agreed');
    }
}));
add('16.1.6', 'An extension nobody knows is not agreed.',
    ask({ 'Sec-WebSocket-Extensions': 'x-unknown; a=1, x-other' }),
    accepts(({ headers }) => {
        if ('sec-websocket-extensions' in headers) {
            throw new Error('an unknown extension was agreed');
        }
    }));
add('16.1.7', 'A subprotocol nobody knows is not agreed.',
    ask({ 'Sec-WebSocket-Protocol': 'x-unknown, x-other' }),
    accepts(({ headers }) => {
        if ('sec-websocket-protocol' in headers) {
            throw new Error('an unknown subprotocol was agreed');
        }
    }));

/* Tokens in any case, in lists, with blanks. */
[
    ['Upgrade in upper case', { Upgrade: 'WEBSOCKET' }],
    ['Upgrade in mixed case', { Upgrade: 'WebSocket' }],
    ['Connection in lower case', { Connection: 'upgrade' }],
    ['Connection in upper case', { Connection: 'UPGRADE' }],
    ['Connection as a list, Upgrade last',
        { Connection: 'keep-alive, Upgrade' }],
    ['Connection as a list, Upgrade first',
        { Connection: 'upgrade, keep-alive' }],
    ['Connection as a list without blanks', { Connection: 'a,uPgRaDe,b' }],
    ['Connection in two lines', { Connection: ['keep-alive', 'Upgrade'] }],
    ['Connection with tabs and blanks',
        { Connection: '\t keep-alive \t,\t Upgrade \t' }],
    ['Connection with empty elements, which a recipient takes (RFC 9110 5.6.1)',
        { Connection: 'keep-alive,, Upgrade' }],
    ['blanks around the version', { 'Sec-WebSocket-Version': '  13  ' }],
    ['blanks around the key', { 'Sec-WebSocket-Key': `  ${KEY}  ` }],
    ['a cookie and an unknown header',
        { 'Cookie': 'a=b; c=d', 'X-Unknown': 'x' }],
    ['no blank behind the colons',
        { 'Upgrade': null, 'Upgrade:websocket\r\nX-Y': 'z' }],
].forEach(([what, changed], i) =>
    good(`16.2.${i + 1}`, `A handshake with ${what}`, changed));
add('16.2.20', 'Names of headers in lower case: 101.', (run) => {
    const lower = Object.fromEntries(Object.entries(
        upgradeHeaders('localhost')).map(([name, value]) =>
        [name.toLowerCase(), value]));

    return run.peer.write(requestText(`GET ${run.server.path} HTTP/1.1`,
        lower));
}, accepts());
add('16.2.21', 'Names of headers in upper case: 101.', (run) => {
    const upper = Object.fromEntries(Object.entries(
        upgradeHeaders('localhost')).map(([name, value]) =>
        [name.toUpperCase(), value]));

    return run.peer.write(requestText(`GET ${run.server.path} HTTP/1.1`,
        upper));
}, accepts());

/* ---- what is not -------------------------------------------------------- */

['12', '14', '0', '8', '7', '013', '13.0', '1 3', '-13', 'x', '', '13, 14',
    '256', '4294967309'].forEach((version, i) => add(`16.3.${i + 1}`,
    `Sec-WebSocket-Version is "${version}": 426 or 400; 426 names version 13.`,
    ask({ 'Sec-WebSocket-Version': version }), refuses(426, 400), (run) => {
        const { status, headers } = run.refused ?? {};

        if (status === 426 && headers['sec-websocket-version'] !== '13') {
            throw new Error('the answer does not name version 13');
        }
    }));
bad('16.3.20', 'Without Sec-WebSocket-Version', [400, 426],
    { 'Sec-WebSocket-Version': null });

['', 'x', 'dGhlIHNhbXBsZSBub25jZQ=', 'dGhlIHNhbXBsZSBub25jZQ',
    'dGhlIHNhbXBsZSBub25jZQ===', 'dGhlIHNhbXBsZSBub25j',
    'dGhlIHNhbXBsZSBub25jZSE=', 'dGhlIHNhbXBsZSBub25j!Q==',
    'dGhlIHNhbXBsZSBub25jZQ==x', 'dGhl IHNhbXBsZSBub25jZQ=',
].forEach((key, i) => bad(`16.4.${i + 1}`,
    `The key is "${key}", which is not 16 octets in base64`, [400],
    { 'Sec-WebSocket-Key': key }));
bad('16.4.20', 'Without a key', [400], { 'Sec-WebSocket-Key': null });
bad('16.4.21', 'With two keys', [400], { 'Sec-WebSocket-Key': [KEY, KEY] });

[
    ['Without Upgrade', { Upgrade: null }, [400, 426]],
    ['Upgrade to something else', { Upgrade: 'websockets' }, [400, 426]],
    ['Upgrade without a value', { Upgrade: '' }, [400, 426]],
    ['Without Connection', { Connection: null }, [400, 426]],
    ['Connection: keep-alive', { Connection: 'keep-alive' }, [400, 426]],
    ['Connection has a longer word', { Connection: 'upgrades' }, [400, 426]],
    ['Connection has it within a word', { Connection: 'x-upgrade' },
        [400, 426]],
    ['Connection has it quoted', { Connection: '"upgrade"' }, [400, 426]],
    ['Without Host', { Host: null }, [400]],
    ['Host twice (RFC 9112 3.2)', { Host: ['localhost', 'localhost'] }, [400]],
].forEach(([what, changed, statuses], i) =>
    bad(`16.5.${i + 1}`, what, statuses, changed));

[['POST', [405, 400]], ['PUT', [405, 400, 501]], ['HEAD', [405, 400]],
    ['OPTIONS', [405, 400]], ['DELETE', [405, 400, 501]],
    ['get', [400, 405, 501]], ['FETCH', [400, 405, 501]],
].forEach(([method, statuses], i) => bad(`16.6.${i + 1}`,
    `The method is ${method}`, statuses, {}, { method }));

[['HTTP/1.0', [400, 426, 505]], ['HTTP/0.9', [400, 426, 505]],
    ['HTTP/2.0', [400, 505]], ['HTTP/9.9', [400, 505]],
    ['http/1.1', [400, 505]], ['HTTP/1.1x', [400, 505]], ['', [400, 505]],
].forEach(([version, statuses], i) => bad(`16.7.${i + 1}`,
    `The version is "${version}"`, statuses, {}, { version }));

/* ---- the syntax of HTTP (RFC 9112 5) ------------------------------------ */

const lines = (...list) => (run) => run.peer.write(
    [`GET ${run.server.path} HTTP/1.1`, 'Host: localhost', ...list, '', '']
        .join('\r\n'));
const REST = ['Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${KEY}`];
const BOTH = ['Upgrade: websocket', 'Connection: Upgrade'];

add('16.8.1', 'A folded header: 400 (or a blank for the fold, RFC 9112 5.2).',
    lines(...BOTH, 'X-Folded: a', ' b', ...REST), refuses(400));
add('16.8.2', 'Connection folded before Upgrade: 400.',
    lines(BOTH[0], 'Connection: keep-alive,', '\tUpgrade', ...REST),
    refuses(400));
add('16.8.3', 'A blank before a colon: 400.',
    lines('Upgrade : websocket', BOTH[1], ...REST), refuses(400));
add('16.8.4', 'A header without a colon: 400.',
    lines(...BOTH, 'X-Nothing', ...REST), refuses(400));
add('16.8.5', 'A header without a name: 400.',
    lines(...BOTH, ': x', ...REST), refuses(400));
add('16.8.6', 'A NUL in a header: 400.',
    lines(...BOTH, 'X-Nul: a\0b', ...REST), refuses(400));
add('16.8.7', 'Frames instead of a handshake: 400.',
    (run) => run.peer.write(Buffer.concat([frame(OPCODE.text, HELLO),
        Buffer.from('\r\n\r\n')])), refuses(400));
add('16.8.8', 'A body announced with the handshake: 400, or 101 with what ' +
    'follows taken as frames never.',
lines(...BOTH, ...REST, 'Content-Length: 4'), refuses(400));
add('16.8.9', 'A chunked body announced with the handshake: 400.',
    lines(...BOTH, ...REST, 'Transfer-Encoding: chunked'), refuses(400, 501));

add('16.9.1', 'A path without a route: 404.', (run) => run.peer.write(
    requestText('GET /nowhere HTTP/1.1', upgradeHeaders('localhost'))),
refuses(404));
add('16.9.2', 'A query in the URL: 101.', (run) => run.peer.write(
    requestText(`GET ${run.server.path}?a=b&c HTTP/1.1`,
        upgradeHeaders('localhost'))), accepts());

module.exports = { number: 16, title: 'Beyond: the handshake', cases };
