/* 03.js - reserved bits that nobody has agreed on (RFC 6455 5.2) */
'use strict';

const { B, C, CLOSE, OPCODE, PART, PING, PONG, T, WAYS, fails, failsInFrame,
    frame, getsBeforeFault, send, sendChopped, sendEach, textMessage } =
    require('../lib/steps.js');

const HELLO = 'Hello, world!';
const bits = (rsv) => ({ rsv });
const before = getsBeforeFault(textMessage(HELLO));
const then = (rsv) => [T(HELLO), T(HELLO, bits(rsv)), PING()];

const cases = [
    ['3.1', 'A text with RSV 1: Close 1002.',
        send(T(HELLO, bits(1))), fails(1002)],
    ['3.2', 'A good text, one with RSV 2, a ping, in one write: the echo of ' +
        'the first, then Close 1002, and no pong.',
    send(...then(2)), before, fails(1002)],
    ['3.3', 'A good text, one with RSV 3, a ping, frame by frame: the echo of ' +
        'the first, then Close 1002, and no pong.',
    sendEach(...then(3)), before, fails(1002)],
    ['3.4', 'A good text, one with RSV 4, a ping, octet by octet: the echo of ' +
        'the first, then Close 1002, and no pong.',
    sendChopped(1, ...then(4)), before, fails(1002)],
    ['3.5', 'A binary message with RSV 5: Close 1002.',
        send(B(Buffer.from('00fffefd', 'hex'), bits(5))), fails(1002)],
    ['3.6', 'A ping with RSV 6: Close 1002.',
        send(PING(HELLO, bits(6))), fails(1002)],
    ['3.7', 'A Close with RSV 7: Close 1002.',
        send(CLOSE(1000, '', bits(7))), fails(1002)],
].map(([id, says, ...steps]) => ({ id, says, steps, deflate: 'never' }));

const KINDS = [
    ['a text', (options) => [T(HELLO, options)]],
    ['an empty text', (options) => [T('', options)]],
    ['a binary message', (options) => [B(HELLO, options)]],
    ['a continuation', (options) => [T(HELLO, PART), C(HELLO, options)]],
    ['a ping', (options) => [PING(HELLO, options)]],
    ['a pong', (options) => [PONG(HELLO, options)]],
    ['a Close', (options) => [CLOSE(1000, '', options)]],
];

/* Each of the bits, wherever they can stand, in each way of sending. */
KINDS.forEach(([what, make], i) => {
    let number = 0;

    for (let rsv = 1; rsv < 8; rsv++) {
        for (const [how, way] of Object.entries(WAYS)) {
            cases.push({
                id: `3.${i + 8}.${++number}`,
                says: `A good text, then ${what} with RSV ${rsv}, ${how}: ` +
                    'the echo, then Close 1002.',
                steps: [way(T(HELLO), ...make(bits(rsv))), before, fails(1002)],
                deflate: 'never',
            });
        }
    }
});
cases.push({
    id: '3.15.1',
    says: 'The first two octets of a text with RSV 2, and no more: Close 1002.',
    steps: [send(frame(OPCODE.text, HELLO, bits(2)).subarray(0, 2)),
        failsInFrame(1002)],
    deflate: 'never',
});

module.exports = { number: 3, title: 'Reserved bits', cases };
