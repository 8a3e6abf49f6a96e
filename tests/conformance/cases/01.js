/* 01.js - echoes: all sizes, both kinds, in any writes */
'use strict';

const { OPCODE, closes, echo, frame, gets, message, send, sendChopped } =
    require('../lib/steps.js');
const { binaryOf, textOf } = require('../lib/data.js');

const SIZES = [0, 125, 126, 127, 128, 65535, 65536];
const CHOPS = [1, 997, 1457, 2048];
const KINDS = [
    { name: 'text', opcode: OPCODE.text, make: textOf },
    { name: 'binary', opcode: OPCODE.binary, make: binaryOf },
];
const cases = [];

/* On one connection each size from, from + step, ... to. */
const sweep = ({ opcode, make }, from, to, step) => () => {
    const steps = [];

    for (let size = from; size <= to; size += step) {
        const data = make(size);

        steps.push((run) => send(frame(opcode, data))(run),
            gets(message(opcode, data)));
    }
    return [...steps, closes()];
};

KINDS.forEach((kind, i) => {
    const { name, opcode, make } = kind;

    SIZES.forEach((size, j) => cases.push({
        id: `1.${i + 1}.${j + 1}`,
        says: `A ${name} message of ${size} octets comes back as it is.`,
        steps: () => echo(opcode, make(size)),
    }));
    cases.push({
        id: `1.${i + 1}.8`,
        says: `A ${name} message of 65536 octets, sent in writes of 997 ` +
            'octets, comes back as it is.',
        steps: () => echo(opcode, make(65536),
            (...frames) => sendChopped(997, ...frames)),
    });
});
KINDS.forEach(({ name, opcode, make }, i) => {
    let number = 0;

    for (const octets of CHOPS) {
        for (const size of [...SIZES, 1000, 4096]) {
            if (octets === 1 ? size > 1000 : size < 128) {
                continue;
            }
            cases.push({
                id: `1.${i + 3}.${++number}`,
                says: `A ${name} message of ${size} octets, sent in writes ` +
                    `of ${octets}, comes back as it is.`,
                steps: () => echo(opcode, make(size),
                    (...frames) => sendChopped(octets, ...frames)),
            });
        }
    }
});
KINDS.forEach((kind, i) => {
    const ranges = [[0, 300, 1], [301, 65536, 1597], [65500, 65570, 1],
        [4080, 4112, 1]];

    ranges.forEach(([from, to, step], j) => cases.push({
        id: `1.${i + 5}.${j + 1}`,
        says: `On one connection ${kind.name} messages of ${from} to ${to} ` +
            `octets, ${step === 1 ? 'each size' : `in steps of ${step}`}, ` +
            'come back as they are.',
        steps: sweep(kind, from, to, step),
    }));
});

module.exports = { number: 1, title: 'Echoes', cases };
