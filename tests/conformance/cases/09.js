/* 09.js - limits and performance: large messages, many messages */
'use strict';

const { OPCODE, closes, fragments, frame, gets, message, send, sendChopped } =
    require('../lib/steps.js');
const { binaryOf, textOf } = require('../lib/data.js');

const KINDS = [
    { name: 'text', opcode: OPCODE.text, make: textOf },
    { name: 'binary', opcode: OPCODE.binary, make: binaryOf },
];
const KIB = 1024, MIB = 1024 * KIB;
const cases = [];

const size = (octets) => octets >= MIB ? `${octets / MIB} MiB`
    : octets >= KIB ? `${octets / KIB} KiB` : `${octets} octets`;

/* What a short run does instead; `full` sends all of it. */
const SHORT = { whole: 4 * MIB, parts: 128 * KIB, chopped: 64 * KIB, times: 60 };

const add = (id, says, steps) => cases.push({
    id, says, alone: true, steps: ({ full }) => [...steps(full), closes()],
});

KINDS.forEach(({ name, opcode, make }, i) => {
    const number = (section, j) => `9.${section + i}.${j + 1}`;
    const most = (full, octets, limit) => full ? octets
        : Math.min(octets, limit);

    [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB].forEach((all, j) =>
        add(number(1, j),
            `A ${name} message of ${size(all)} in one frame comes back.`,
            (full) => {
                const data = make(most(full, all, SHORT.whole));

                return [send(frame(opcode, data)), gets(message(opcode, data))];
            }));
    [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB].forEach(
        (part, j) => add(number(3, j),
            `A ${name} message of 4 MiB in fragments of ${size(part)} comes ` +
            'back.',
            (full) => {
                const data = make(most(full, 4 * MIB,
                    Math.min(part * 1000, SHORT.parts)));

                return [send(...fragments(opcode, data, part)),
                    gets(message(opcode, data))];
            }));
    [64, 128, 256, 512, 1024, 2048].forEach((octets, j) => add(number(5, j),
        `A ${name} message of 1 MiB in writes of ${octets} octets comes back.`,
        (full) => {
            const data = make(most(full, MIB, SHORT.chopped));

            return [sendChopped(octets, frame(opcode, data)),
                gets(message(opcode, data))];
        }));
    [0, 16, 64, 256, KIB, 4 * KIB].forEach((octets, j) => add(number(7, j),
        `1000 ${name} messages of ${size(octets)} go to and fro, one by one.`,
        (full) => Array.from({ length: full ? 1000 : SHORT.times },
            () => [send(frame(opcode, make(octets))),
                gets(message(opcode, make(octets)))]).flat()));
});

/* 9.1, 9.3, 9.5, 9.7 are text, the even ones binary. */
module.exports = { number: 9, title: 'Limits and performance', cases };
