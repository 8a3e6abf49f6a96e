/* 05.js - fragments, and what may come between them (RFC 6455 5.4) */
'use strict';

const { B, C, CLOSE, PART, PING, PONG, T, WAYS, answersClose, binaryMessage,
    closes, fails, gets, getsBeforeFault, goesOn, pongOf, send, sendEach,
    textMessage } = require('../lib/steps.js');

const [whole, each, octets] = Object.values(WAYS);
const [ONE, TWO] = ['fragment1', 'fragment2'];
const both = textMessage(ONE + TWO);
const halves = [T(ONE, PART), C(TWO)];
const interleaved = [T(ONE, PART), PING('between'), C(TWO)];
const lonely = (options) =>
    [C('non-continuation', options), T('Hello, world!')];
const five = ['one ', 'two ', 'three ', 'four ', 'five'];

const cases = [
    ['5.1', 'A ping in two fragments: Close 1002.',
        send(PING(ONE, PART), C(TWO)), fails(1002)],
    ['5.2', 'A pong in two fragments: Close 1002.',
        send(PONG(ONE, PART), C(TWO)), fails(1002)],
    ['5.3', 'A text in two fragments, in one write, is one message.',
        whole(...halves), gets(both), closes()],
    ['5.4', 'A text in two fragments, frame by frame, is one message.',
        each(...halves), gets(both), closes()],
    ['5.5', 'A text in two fragments, octet by octet, is one message.',
        octets(...halves), gets(both), closes()],
    ['5.6', 'A ping between two fragments, in one write: the pong, then the ' +
        'message.', whole(...interleaved), gets(pongOf('between'), both),
    closes()],
    ['5.7', 'A ping between two fragments, frame by frame: the pong, then ' +
        'the message.', each(...interleaved), gets(pongOf('between'), both),
    closes()],
    ['5.8', 'A ping between two fragments, octet by octet: the pong, then ' +
        'the message.', octets(...interleaved), gets(pongOf('between'), both),
    closes()],
    ['5.9', 'A last continuation of nothing, then a text, in one write: ' +
        'Close 1002.', whole(...lonely()), fails(1002)],
    ['5.10', 'A last continuation of nothing, then a text, frame by frame: ' +
        'Close 1002.', each(...lonely()), fails(1002)],
    ['5.11', 'A last continuation of nothing, then a text, octet by octet: ' +
        'Close 1002.', octets(...lonely()), fails(1002)],
    ['5.12', 'A continuation of nothing that goes on, then a text, in one ' +
        'write: Close 1002.', whole(...lonely(PART)), fails(1002)],
    ['5.13', 'A continuation of nothing that goes on, then a text, frame by ' +
        'frame: Close 1002.', each(...lonely(PART)), fails(1002)],
    ['5.14', 'A continuation of nothing that goes on, then a text, octet by ' +
        'octet: Close 1002.', octets(...lonely(PART)), fails(1002)],
    ['5.15', 'A text in two fragments, a continuation of nothing, a text: ' +
        'the echo of the first, then Close 1002.',
    send(...halves, ...lonely(PART)), getsBeforeFault(both), fails(1002)],
    ['5.16', 'Twice a continuation of nothing that goes on, a text that goes ' +
        'on, a last continuation: Close 1002 at the first frame.',
    sendEach(...Array(2).fill([C(ONE, PART), T(ONE, PART), C(TWO)]).flat()),
    fails(1002)],
    ['5.17', 'Twice a last continuation of nothing, a text that goes on, a ' +
        'last continuation: Close 1002 at the first frame.',
    sendEach(...Array(2).fill([C(ONE), T(ONE, PART), C(TWO)]).flat()),
    fails(1002)],
    ['5.18', 'A text that goes on, then another text: Close 1002.',
        send(T(ONE, PART), T(TWO)), fails(1002)],
    ['5.19', 'A text in five fragments with two pings; what comes after the ' +
        'first ping waits for its pong: two pongs, then the message.',
    send(T(five[0], PART), C(five[1], PART), PING('pongme 1')),
    gets(pongOf('pongme 1')),
    send(C(five[2], PART), C(five[3], PART), PING('pongme 2'), C(five[4])),
    gets(pongOf('pongme 2'), textMessage(five.join(''))), closes()],
    ['5.20', 'The same in one write.',
        send(T(five[0], PART), C(five[1], PART), PING('pongme 1'),
            C(five[2], PART), C(five[3], PART), PING('pongme 2'), C(five[4])),
        gets(pongOf('pongme 1'), pongOf('pongme 2'),
            textMessage(five.join(''))), closes()],
    ['5.21', 'A text that goes on, then a binary message: Close 1002.',
        send(T(ONE, PART), B(TWO)), fails(1002)],
    ['5.22', 'A binary message that goes on, then a text that goes on: Close ' +
        '1002.', send(B(ONE, PART), T(TWO, PART)), fails(1002)],
    ['5.23', 'A binary message in three fragments, the middle one empty, is ' +
        'one message.',
    send(B(ONE, PART), C('', PART), C(TWO)), gets(binaryMessage(ONE + TWO)),
    closes()],
    ['5.24', 'A Close in two fragments: Close 1002.',
        send(CLOSE(1000, '', PART), C('')), fails(1002)],
    ['5.25', 'A Close between two fragments ends the connection; the message ' +
        'never comes.',
    send(T(ONE, PART), CLOSE(1000), C(TWO)), answersClose(1000)],
    ['5.26', 'A thousand fragments of one octet, a pong between each, are ' +
        'one message.',
    send(T('x', PART), ...Array(998).fill([PONG(), C('x', PART)]).flat(),
        C('x')), gets(textMessage('x'.repeat(1000))), closes()],
    ['5.27', 'A fragment is no message: nothing but pongs before the last.',
        send(T(ONE, PART)), goesOn('1'), send(C(TWO, PART)), goesOn('2'),
        send(C('')), gets(both), closes()],
    ['5.28', 'A text in two fragments three times over: three messages.',
        send(...halves, ...halves, ...halves), gets(both, both, both),
        closes()],
].map(([id, says, ...steps]) => ({ id, says, steps }));

module.exports = { number: 5, title: 'Fragments', cases };
