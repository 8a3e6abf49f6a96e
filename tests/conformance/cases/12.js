/* 12.js - permessage-deflate with payloads of all kinds and sizes (RFC 7692) */
'use strict';

const { OPCODE } = require('../lib/steps.js');
const { SIZES, TIMES, exchange } = require('../lib/deflated.js');

const KINDS = [
    ['json', OPCODE.text, 'JSON'],
    ['pixels', OPCODE.binary, 'pixels'],
    ['prose', OPCODE.text, 'prose in many alphabets'],
    ['html', OPCODE.text, 'HTML'],
    ['noise', OPCODE.binary, 'octets that do not get smaller'],
];

const cases = KINDS.flatMap(([kind, opcode, what], i) =>
    SIZES.map(([octets, part], j) => ({
        id: `12.${i + 1}.${j + 1}`,
        says: `${TIMES} messages of ${octets} octets of ${what}${
            part ? `, compressed and in fragments of ${part},`
                : ', compressed,'} go to and fro.`,
        needs: 'deflate',
        steps: exchange(kind, opcode, octets, part),
    })));

module.exports = { number: 12, title: 'Compression: payloads', cases };
