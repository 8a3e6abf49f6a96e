/* 06.js - text is UTF-8, and nothing else is (RFC 6455 8.1, RFC 3629) */
'use strict';

const { C, OPCODE, PART, T, closes, echo, fails, failsAtOnce, failsInFrame,
    frame, fragments, gets, goesOn, send, sendChopped, sendEach, textMessage } =
    require('../lib/steps.js');
const { look } = require('../lib/utf8.js');
const { TABLE } = require('../lib/sequences.js');
const { octets: show } = require('../lib/show.js');

const hex = (digits) => Buffer.from(digits.replaceAll(' ', ''), 'hex');
const text = (words) => Buffer.from(words);
const join = Buffer.concat;

const GREEK = text('κόσμε');
const MIXED = text('Hello-µ@ßöäüàá-UTF-8!!');
const SURROGATE = join([GREEK, hex('ed a0 80'), text('edited')]);
const BEYOND = join([GREEK, hex('f4 90 80 80'), text('edited')]);

const octetwise = (bytes) => fragments(OPCODE.text, bytes, 1);

/* One frame in three writes, parted before these octets of its payload; the
 * second makes it wrong. */
function parted(bytes, second, third) {
    const all = T(bytes);
    const head = all.length - bytes.length;

    return [
        sendEach(all.subarray(0, head + second),
            all.subarray(head + second, head + third)), failsAtOnce(),
        send(all.subarray(head + third)), failsInFrame(1007),
    ];
}

const cases = [
    ['6.1.1', 'An empty text comes back.', ...echo(OPCODE.text, '')],
    ['6.1.2', 'A text of three empty fragments is an empty text.',
        send(T('', PART), C('', PART), C('')), gets(textMessage('')),
        closes()],
    ['6.1.3', 'A text whose first and last fragments are empty comes back.',
        send(T('', PART), C('middle frame payload', PART), C('')),
        gets(textMessage('middle frame payload')), closes()],
    ['6.2.1', 'Valid text in one fragment comes back.',
        ...echo(OPCODE.text, MIXED)],
    ['6.2.2', 'Valid text in two fragments, parted between characters.',
        send(...fragments(OPCODE.text, MIXED, text('Hello-µ@ßöä').length)),
        gets(textMessage(MIXED)), closes()],
    ['6.2.3', 'Valid text in fragments of one octet comes back.',
        send(...octetwise(MIXED)), gets(textMessage(MIXED)), closes()],
    ['6.2.4', 'Valid text of two-octet characters, in fragments of one octet.',
        sendEach(...octetwise(GREEK)), gets(textMessage(GREEK)), closes()],
    ['6.3.1', 'Text with a surrogate in it: Close 1007.',
        send(T(SURROGATE)), fails(1007)],
    ['6.3.2', 'Text with a surrogate in it, in fragments of one octet: Close ' +
        '1007 at the octet that is wrong, before the rest is sent.',
    sendEach(...octetwise(SURROGATE).slice(0, look(SURROGATE).bad + 1)),
    failsAtOnce(), sendEach(...octetwise(SURROGATE)
        .slice(look(SURROGATE).bad + 1)), fails(1007)],
    ['6.4.1', 'Three fragments, the second with a code beyond U+10FFFF: Close ' +
        '1007 at the second.',
    send(T(GREEK, PART)), goesOn(), send(C(hex('f4 90 80 80'), PART)),
    failsAtOnce(), send(C('edited')), fails(1007)],
    ['6.4.2', 'Three fragments, parted within a code beyond U+10FFFF: Close ' +
        '1007 at the second, which makes it wrong.',
    send(T(join([GREEK, hex('f4')]), PART)), goesOn(),
    send(C(hex('90'), PART)), failsAtOnce(),
    send(C(join([hex('80 80'), text('edited')]))), fails(1007)],
    ['6.4.3', 'One frame in three writes, the second with a code beyond ' +
        'U+10FFFF: Close 1007 at the second, within the frame.',
    ...parted(BEYOND, 11, 15)],
    ['6.4.4', 'One frame, parted within a code beyond U+10FFFF: Close 1007 at ' +
        'the octet that makes it wrong.', ...parted(BEYOND, 12, 13)],
].map(([id, says, ...steps]) => ({ id, says, steps }));

/* The table of sequences, each as a message. */
for (const { number, what, rows } of TABLE) {
    rows.forEach((bytes, i) => {
        const { bad, whole } = look(bytes);
        const good = bad < 0 && whole;

        cases.push({
            id: `6.${number}.${i + 1}`,
            says: `${what}: ${show(bytes)} ${
                good ? 'comes back.' : 'is no text: Close 1007.'}`,
            steps: good ? echo(OPCODE.text, bytes)
                : [send(T(bytes)), fails(1007)],
        });
    });
}

/* Fail-fast: each sequence that is wrong, up to the octet that makes it wrong,
 * in a message that has not ended and in a frame that has not. */
const WRONG = TABLE.flatMap(({ rows }) => rows)
    .filter((bytes) => look(bytes).bad >= 0);

WRONG.forEach((bytes, i) => {
    const { bad } = look(bytes);
    const good = join([GREEK, bytes.subarray(0, bad)]);
    const end = bytes.subarray(bad, bad + 1);

    cases.push({
        id: `6.24.${i + 1}`,
        says: `${show(bytes)}, its octet ${bad + 1} in a fragment of its own: ` +
            'all is well before it, and Close 1007 comes at once behind it.',
        steps: [send(T(good, PART)), goesOn(), send(C(end, PART)),
            failsAtOnce(), send(C('rest')), fails(1007)],
    });
    cases.push({
        id: `6.25.${i + 1}`,
        says: `${show(bytes)} in a frame of which more is to come: Close 1007 ` +
            `comes at once behind its octet ${bad + 1}.`,
        steps: () => {
            const all = T(join([good, end, Buffer.alloc(4000, 'x')]));
            const at = all.length - 4000;

            return [send(all.subarray(0, at)), failsAtOnce(),
                send(all.subarray(at)), failsInFrame(1007)];
        },
    });
});

/* Cut characters at the end of a message, in all positions. */
['c3', 'e2', 'e2 82', 'f0', 'f0 9f', 'f0 9f 98'].forEach((digits, i) => {
    const bytes = hex(digits);
    const name = bytes.toString('hex');

    cases.push({
        id: `6.26.${2 * i + 1}`,
        says: `A character cut behind ${name} by the last fragment: Close 1007.`,
        steps: [send(T(GREEK, PART), C(bytes)), fails(1007)],
    }, {
        id: `6.26.${2 * i + 2}`,
        says: `A character cut behind ${name}, then an empty last fragment: ` +
            'Close 1007 at the last.',
        steps: [send(T(bytes, PART)), goesOn(), send(C('')), fails(1007)],
    });
});

/* Large texts, where the fault is far from the beginning. */
[4095, 4096, 65535, 65536, 100000].forEach((size, i) => {
    const long = join([Buffer.alloc(size, 'é'), hex('ff'),
        Buffer.alloc(50000, 'x')]);

    cases.push({
        id: `6.27.${i + 1}`,
        says: `A wrong octet behind ${size} good ones in a long frame: Close ` +
            '1007 before the rest is sent.',
        steps: () => {
            const all = frame(OPCODE.text, long);
            const at = all.length - 50000;

            return [send(all.subarray(0, at)), failsAtOnce(),
                send(all.subarray(at)), failsInFrame(1007)];
        },
    });
});
['é', '€', '🙂'].forEach((character, i) => cases.push({
    id: `6.28.${i + 1}`,
    says: `50000 times ${character}, in writes of 997 octets, comes back.`,
    steps: () => echo(OPCODE.text, text(character.repeat(50000)),
        (...frames) => sendChopped(997, ...frames)),
}));

module.exports = { number: 6, title: 'UTF-8', cases };
