/* 04.js - opcodes that are not given (RFC 6455 5.2) */
'use strict';

const { C, PART, PING, T, WAYS, fails, frame, getsBeforeFault, send,
    sendChopped, sendEach, textMessage } = require('../lib/steps.js');

const HELLO = 'Hello, world!';
const PAYLOAD = 'reserved opcode';
const before = getsBeforeFault(textMessage(HELLO));
const cases = [];

[[3, 'data'], [11, 'control']].forEach(([first, kind], i) => {
    const add = (number, says, ...steps) => cases.push({
        id: `4.${i + 1}.${number}`, says, steps,
    });
    const then = (opcode, payload) =>
        [T(HELLO), frame(opcode, payload), PING()];
    const echoed = 'the echo of the first, then Close 1002, and no pong.';

    add(1, `An empty frame of ${kind} opcode ${first}: Close 1002.`,
        send(frame(first)), fails(1002));
    add(2, `A frame of ${kind} opcode ${first + 1}: Close 1002.`,
        send(frame(first + 1, PAYLOAD)), fails(1002));
    add(3, `A text, an empty frame of ${kind} opcode ${first + 2}, a ping, ` +
        `in one write: ${echoed}`,
    send(...then(first + 2, '')), before, fails(1002));
    add(4, `A text, a frame of ${kind} opcode ${first + 3}, a ping, frame by ` +
        `frame: ${echoed}`,
    sendEach(...then(first + 3, PAYLOAD)), before, fails(1002));
    add(5, `A text, an empty frame of ${kind} opcode ${first + 4}, a ping, ` +
        `octet by octet: ${echoed}`,
    sendChopped(1, ...then(first + 4, '')), before, fails(1002));

    /* Each of them, in each way, alone and in a message. */
    let number = 0;

    for (let opcode = first; opcode < first + 5; opcode++) {
        for (const [how, way] of Object.entries(WAYS)) {
            cases.push({
                id: `4.${i + 3}.${++number}`,
                says: `A text, then opcode ${opcode}, ${how}: the echo, then ` +
                    'Close 1002.',
                steps: [way(T(HELLO), frame(opcode, PAYLOAD)), before,
                    fails(1002)],
            });
        }
        cases.push({
            id: `4.${i + 3}.${++number}`,
            says: `Opcode ${opcode} between the fragments of a text: Close ` +
                '1002.',
            steps: [send(T(HELLO, PART), frame(opcode, PAYLOAD), C(HELLO)),
                fails(1002)],
        });
    }
});

module.exports = { number: 4, title: 'Opcodes', cases };
