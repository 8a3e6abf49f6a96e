/* 15.js - beyond the usual: compression that is wrong, or too much */
'use strict';

const { promisify } = require('node:util');
const zlib = require('node:zlib');
const { B, C, CLOSE, OPCODE, PART, PING, PONG, T, closes, fails,
    frame, gets, getsBeforeFault, goesOn, message, pongOf, send, sendChopped,
    textMessage } = require('../lib/steps.js');
const { deflatedFrames, getsDeflated, sendDeflated } =
    require('../lib/deflated.js');
const { slice, textOf } = require('../lib/data.js');
const { TABLE } = require('../lib/sequences.js');
const { look } = require('../lib/utf8.js');

const RSV1 = { rsv: 4 };
const HELLO = 'Hello, world!';
const hello = getsBeforeFault(textMessage(HELLO));
const cases = [];
const add = (id, says, ...steps) =>
    cases.push({ id, says, steps, needs: 'deflate' });
const { Z_SYNC_FLUSH, Z_FULL_FLUSH } = zlib.constants;
const hex = (digits) => Buffer.from(digits.replaceAll(' ', ''), 'hex');

/* ---- RSV1 where it may not be (RFC 7692 6) ------------------------------ */

add('15.1.1', 'RSV1 on a ping, though compression was agreed: Close 1002.',
    send(T(HELLO), PING('x', RSV1)), hello, fails(1002));
add('15.1.2', 'RSV1 on a pong: Close 1002.',
    send(T(HELLO), PONG('x', RSV1)), hello, fails(1002));
add('15.1.3', 'RSV1 on a Close: Close 1002.',
    send(T(HELLO), CLOSE(1000, '', RSV1)), hello, fails(1002));
add('15.1.4', 'RSV1 on a continuation of a plain message: Close 1002.',
    send(T(HELLO, PART), C('x', RSV1)), fails(1002));
add('15.1.5', 'RSV1 on a continuation of a compressed message: Close 1002.',
    (run) => {
        const [first, second] = deflatedFrames(run, OPCODE.text,
            Buffer.from(HELLO), 8);

        second[0] |= 0x40;
        return send(first, second)(run);
    }, fails(1002));
[1, 2, 3, 5, 6, 7].forEach((rsv, i) => add(`15.1.${i + 6}`,
    `RSV ${rsv} on a text, though only RSV 4 means something: Close 1002.`,
    send(T(HELLO), T(HELLO, { rsv })), hello, fails(1002)));
cases.push({
    id: '15.1.12', deflate: 'never',
    says: 'RSV1 on a text without compression offered: Close 1002.',
    steps: [send(T(HELLO), T(HELLO, RSV1)), hello, fails(1002)],
}, {
    id: '15.1.13', needs: 'plain', offers: ['permessage-deflate'], agreed: false,
    says: 'A server without compression declines the offer, and RSV1 is a ' +
        'fault: Close 1002.',
    steps: [(run) => {
        if (run.peer.deflate) {
            throw new Error('the offer was accepted');
        }
    }, send(T(HELLO), T(HELLO, RSV1)), hello, fails(1002)],
});

/* ---- compressed data as others make it (RFC 7692 7.2.3) ----------------- */

const raw = (data, options) => zlib.deflateRawSync(Buffer.from(data), options);
const stripped = (data, options) => raw(data,
    { finishFlush: Z_SYNC_FLUSH, ...options }).subarray(0, -4);
const comesBack = (...payloads) => [
    ...payloads.map((payload) => send(T(payload, RSV1))),
    gets(...payloads.map(() => textMessage(HELLO))), closes(),
];

add('15.2.1', 'A block of stored octets comes back.',
    ...comesBack(stripped(HELLO, { level: 0 })));
add('15.2.2', 'A block with fixed Huffman codes comes back.',
    ...comesBack(stripped(HELLO, { strategy: zlib.constants.Z_FIXED })));
add('15.2.3', 'A block with BFINAL, with an octet of zeros behind it, comes ' +
    'back, and so does the next message.',
...comesBack(Buffer.concat([raw(HELLO), Buffer.from([0])]),
    Buffer.concat([raw(HELLO), Buffer.from([0])]), stripped(HELLO)));
add('15.2.4', 'Two blocks in one message come back as one.',
    ...comesBack(Buffer.concat([
        raw('Hello, ', { finishFlush: Z_FULL_FLUSH }), stripped('world!')])));
add('15.2.5', 'An empty message, compressed as one octet 0, comes back empty.',
    send(T([0], RSV1)), gets(textMessage('')), closes());
add('15.2.6', 'An empty message, compressed as a fixed block, comes back empty.',
    send(T([2, 0], RSV1)), gets(textMessage('')), closes());
add('15.2.7', 'A compressed message in fragments of one octet comes back.',
    (run) => send(...deflatedFrames(run, OPCODE.text, Buffer.from(HELLO), 1))(
        run), gets(textMessage(HELLO)), closes());
add('15.2.8', 'A compressed message octet by octet comes back.',
    (run) => sendChopped(1, ...deflatedFrames(run, OPCODE.text,
        Buffer.from(HELLO)))(run), gets(textMessage(HELLO)), closes());
add('15.2.9', 'A compressed message with an empty first fragment comes back.',
    send(T('', { fin: false, rsv: 4 }), C(stripped(HELLO))),
    gets(textMessage(HELLO)), closes());
add('15.2.10', 'A compressed message with an empty last fragment comes back.',
    send(T(stripped(HELLO), { fin: false, rsv: 4 }), C('')),
    gets(textMessage(HELLO)), closes());
add('15.2.11', 'A ping between the fragments of a compressed message: the ' +
    'pong, then the message.',
(run) => {
    const frames = deflatedFrames(run, OPCODE.text, Buffer.from(HELLO), 8);

    return send(frames[0], PING('between'), ...frames.slice(1))(run);
}, gets(pongOf('between'), textMessage(HELLO)), closes());
add('15.2.12', 'A large text is sent back compressed.',
    sendDeflated(OPCODE.text, slice('json', 65536, 1)),
    getsDeflated(OPCODE.text, slice('json', 65536, 1)), closes());
add('15.2.13', 'A large text that came as it is comes back, in either way.',
    send(T(slice('json', 65536, 1))),
    gets(message(OPCODE.text, slice('json', 65536, 1))), closes());

/* ---- garbage ------------------------------------------------------------ */

[
    ['a block of a reserved type', '07'],
    ['a block of a reserved type behind a good one', 'f248cdc9c90700 06'],
    ['a stored block whose length does not fit its complement',
        '00 05 00 00 00 48 65 6c 6c 6f'],
    ['a distance that reaches before the beginning', '4b 04 22 00'],
    ['a table of Huffman codes that cannot be', 'ed ff ff ff ff ff ff ff'],
    ['octets of ones', 'ff ff ff ff ff ff ff ff'],
].forEach(([what, digits], i) => {
    add(`15.3.${2 * i + 1}`, `A text compressed as ${what}: Close 1007.`,
        send(T(hex(digits), RSV1)), fails(1007, 1002));
    add(`15.3.${2 * i + 2}`, `The same in a fragment, with more to come: ` +
        'Close 1007 at once.',
    send(T(Buffer.concat([hex(digits), Buffer.alloc(64, 0xff)]),
        { fin: false, rsv: 4 }), C('')), fails(1007, 1002));
});
add('15.3.13', 'A text compressed as a block that is cut: Close 1007.',
    send(T(stripped(slice('prose', 2000, 1)).subarray(0, 200), RSV1)),
    fails(1007, 1002));

/* ---- what is inside has to be text, too --------------------------------- */

TABLE.flatMap(({ rows }) => rows).filter((bytes) => {
    const { bad, whole } = look(bytes);

    return bad >= 0 || !whole;
}).forEach((bytes, i) => add(`15.4.${i + 1}`,
    `${bytes.toString('hex').slice(0, 40)}, compressed, is no text: Close ` +
    '1007.', send(T(stripped(bytes), RSV1)), fails(1007)));
add('15.5.1', 'A wrong octet in the first fragment of a compressed text: ' +
    'Close 1007 with the last, at the latest.',
send(T(raw(Buffer.concat([textOf(100), hex('ff'), textOf(100)]),
    { finishFlush: Z_FULL_FLUSH }), { fin: false, rsv: 4 }), C(stripped('x'))), fails(1007));
add('15.5.2', 'The same octets in a binary message come back.',
    send(B(stripped(hex('ff fe 80')), RSV1)),
    gets(message(OPCODE.binary, hex('ff fe 80'))), closes());

/* ---- bombs -------------------------------------------------------------- */

const SMALL = 1000; /* octets, of the route that is `small` */
const bomb = (octets) => stripped(Buffer.alloc(octets, 'x'), { level: 9 });

/* 64 MiB, deflated once and on another thread: other cases are in the middle of
 * a handshake, for which the server gives them seconds. */
let huge = null;
const hugeBomb = async () => {
    huge ??= promisify(zlib.deflateRaw)(Buffer.alloc(64 * 1024 * 1024, 'x'),
        { level: 9, finishFlush: Z_SYNC_FLUSH });
    return (await huge).subarray(0, -4);
};
const small = (id, says, ...steps) =>
    cases.push({ id, says, steps, small: true, needs: 'deflate' });

small('15.6.1', 'A compressed text that is as long as the server takes comes ' +
    'back.', send(T(bomb(SMALL), RSV1)),
gets(textMessage(Buffer.alloc(SMALL, 'x'))), closes());
small('15.6.2', 'A compressed text one octet longer: Close 1009.',
    send(T(bomb(SMALL + 1), RSV1)), fails(1009));
small('15.6.3', 'A bomb of 64 MiB in few octets: Close 1009.',
    async (run) => send(T((await hugeBomb()).subarray(0, 900), RSV1))(run),
    fails(1009));
small('15.6.4', 'A bomb in fragments: Close 1009.',
    (run) => send(T(bomb(1024 * 1024).subarray(0, 500),
        { fin: false, rsv: 4 }), C(''))(run), fails(1009));
small('15.6.5', 'A good message, then a bomb: the echo, then Close 1009.',
    send(T(HELLO), T(bomb(100000), RSV1)), hello, fails(1009));
add('15.6.6', 'A bomb of 64 MiB where 16 MiB may come: Close 1009.',
    async (run) => send(T(await hugeBomb(), RSV1))(run), fails(1009));
add('15.6.7', 'Nothing is wrong with a megabyte of the same octet, unless the ' +
    'server minds such a ratio: it comes back, or Close 1009.',
send(T(bomb(1024 * 1024), RSV1)), async (run) => {
    if ((await run.peer.peek())?.type === 'close') {
        await fails(1009)(run);
    } else {
        await gets(textMessage(Buffer.alloc(1024 * 1024, 'x')))(run);
        await closes()(run);
    }
});
add('15.6.8', 'A compressed text that goes on, a ping, the rest: nothing ' +
    'before the last fragment but the pong.',
send(T(stripped('Hello, ', { }), { fin: false, rsv: 4 })),
goesOn(), send(C(Buffer.concat([hex('00 00 ff ff'), stripped('world!')]))),
gets(textMessage(HELLO)), closes());

module.exports = { number: 15, title: 'Beyond: compression', cases };
