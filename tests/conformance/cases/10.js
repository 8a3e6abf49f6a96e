/* 10.js - a sender that fragments by itself */
'use strict';

const { OPCODE, closes, fragments, gets, message, send, sendEach } =
    require('../lib/steps.js');
const { binaryOf, textOf } = require('../lib/data.js');

const cases = [
    ['10.1.1', OPCODE.text, textOf(65536), 1300, send],
    ['10.1.2', OPCODE.binary, binaryOf(65536), 1300, send],
    ['10.1.3', OPCODE.text, textOf(65536), 1300, sendEach],
    ['10.1.4', OPCODE.binary, binaryOf(65537), 65536, sendEach],
].map(([id, opcode, data, octets, way]) => ({
    id,
    says: `A ${opcode === OPCODE.text ? 'text' : 'binary'} message of ` +
        `${data.length} octets in fragments of ${octets}${
            way === sendEach ? ', each in a write of its own,' : ''} comes ` +
        'back.',
    steps: () => [way(...fragments(opcode, data, octets)),
        gets(message(opcode, data)), closes()],
}));

module.exports = { number: 10, title: 'Fragments of a sender', cases };
