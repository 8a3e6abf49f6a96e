/* 07.js - the closing handshake (RFC 6455 5.5.1, 7) */
'use strict';

const { C, CLOSE, OPCODE, PART, PING, T, answersClose, closes, endsTcp, fails,
    frame, gets, goesOn, send, sendChopped, textMessage } =
    require('../lib/steps.js');
const { textOf } = require('../lib/data.js');
const { TABLE } = require('../lib/sequences.js');
const { look } = require('../lib/utf8.js');
const { octets: show } = require('../lib/show.js');

const HELLO = 'Hello, world!';
const hello = gets(textMessage(HELLO));
const closed = answersClose(1000);
const code = (octets) => frame(OPCODE.close, Buffer.from(octets));
const raw = (number, reason = '') => code(Buffer.concat(
    [Buffer.from([number >> 8, number & 255]), Buffer.from(reason)]));

const cases = [
    ['7.1.1', 'A text, then Close 1000: the echo, Close 1000, the end of TCP.',
        send(T(HELLO)), hello, closes()],
    ['7.1.2', 'Two Closes: one is answered.',
        send(CLOSE(1000), CLOSE(1000)), closed],
    ['7.1.3', 'A ping behind the Close: no pong.',
        send(CLOSE(1000), PING()), closed],
    ['7.1.4', 'A text behind the Close: no echo.',
        send(CLOSE(1000), T(HELLO)), closed],
    ['7.1.5', 'A text that goes on, the Close, the rest of the text: no echo.',
        send(T('fragment1', PART), CLOSE(1000), C('fragment2')), closed],
    ['7.1.6', 'A text of 256 KiB, a text, the Close, a ping: both echoes, then ' +
        'Close 1000, and no pong.',
    send(T(textOf(256 * 1024)), T(HELLO), CLOSE(1000), PING()),
    gets(textMessage(textOf(256 * 1024))), hello, closed],
    ['7.1.7', 'The Close octet by octet: it is answered.',
        sendChopped(1, CLOSE(1000, 'bye')), closed],
    ['7.1.8', 'A text and the Close in one write: the echo, then Close 1000.',
        send(T(HELLO), CLOSE(1000)), hello, closed],
    ['7.1.9', 'A thousand octets that are no frames behind the Close: they are ' +
        'ignored.', send(CLOSE(1000), Buffer.alloc(1000, 0xff)), closed],
    ['7.3.1', 'A Close without a payload is answered with one without.',
        send(CLOSE(null)), answersClose(null)],
    ['7.3.2', 'A Close with a payload of one octet: Close 1002.',
        send(code([0x03])), fails(1002)],
    ['7.3.3', 'A Close with a code alone is answered with it.', closes(1000)],
    ['7.3.4', 'A Close with a reason is answered with its code.',
        closes(1000, HELLO)],
    ['7.3.5', 'A Close with a reason of 123 octets, the longest there is, is ' +
        'answered with its code.', closes(1000, '*'.repeat(123))],
    ['7.3.6', 'A Close of 126 octets: Close 1002.',
        send(CLOSE(1000, '*'.repeat(124))), fails(1002)],
    ['7.3.7', 'A Close with a reason beyond ASCII is answered with its code.',
        closes(1000, 'κόσμε, 🙂')],
    ['7.5.1', 'A Close with a reason that is not UTF-8: Close 1007.',
        send(raw(1000, Buffer.from('cebae1bdb9cf83cebcceb5eda080656469746564',
            'hex'))), fails(1007)],
].map(([id, says, ...steps]) => ({ id, says, steps }));

/* Each reason that is no text. */
TABLE.flatMap(({ rows }) => rows).filter((bytes) => {
    const { bad, whole } = look(bytes);

    return bytes.length <= 123 && (bad >= 0 || !whole);
}).forEach((bytes, i) => cases.push({
    id: `7.5.${i + 2}`,
    says: `A Close with the reason ${show(bytes)}: Close 1007.`,
    steps: [send(raw(1000, bytes)), fails(1007)],
}));

[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999,
    1012, 1013, 1014].forEach((number, i) => cases.push({
    id: `7.7.${i + 1}`,
    says: `Close ${number} is answered with ${number}.`,
    steps: [closes(number)],
}, {
    id: `7.8.${i + 1}`,
    says: `Close ${number} with a reason is answered with ${number}.`,
    steps: [closes(number, 'a reason')],
}));

const INVALID = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 1, 1015, 1017,
    255, 256, 1999];

INVALID.forEach((number, i) => cases.push({
    id: `7.9.${i + 1}`,
    says: `Close ${number}, which nobody may send: Close 1002.`,
    steps: [send(raw(number)), fails(1002)],
}, {
    id: `7.10.${i + 1}`,
    says: `Close ${number}, which nobody may send, with a reason: Close 1002.`,
    steps: [send(raw(number, 'a reason')), fails(1002)],
}));

cases.push(...[
    ['7.11.1', 'A Close within a fragmented text is answered at once.',
        send(T(HELLO, PART)), goesOn(), closes(1001)],
    ['7.11.2', 'After its Close was answered the server closes TCP, though the ' +
        'client does not.', send(CLOSE(3500, 'x')), answersClose(3500)],
    ['7.12.1', 'The client closes TCP for writing behind its Close: Close ' +
        '1000, and the end of TCP.',
    send(T(HELLO), CLOSE(1000)), (run) => { run.peer.socket.end(); }, hello,
    closed],
    ['7.12.2', 'The client closes TCP for writing without a Close: the server ' +
        'closes it, too, and sends nothing but a Close at most.',
    send(T(HELLO)), hello, (run) => { run.peer.socket.end(); },
    async (run) => {
        if ((await run.peer.peek())?.type === 'close') {
            await run.peer.next();
        }
        await endsTcp(run);
    }],
].map(([id, says, ...steps]) => ({ id, says, steps })));

[5000, 65535, 32768].forEach((number, i) => cases.push({
    id: `7.13.${i + 1}`,
    says: `Close ${number}, beyond all ranges: Close 1002.`,
    steps: [send(raw(number)), fails(1002)],
}));

module.exports = { number: 7, title: 'Closing', cases };
