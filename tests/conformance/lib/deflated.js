/* deflated.js - steps for connections that have agreed on compression */
'use strict';

const { OPCODE, closes, frame, message, gets, send } = require('./steps.js');
const { slice } = require('./data.js');

/* A message deflated by what was agreed, in fragments of so many octets. */
function deflatedFrames(run, opcode, data, octets = Infinity) {
    const packed = run.peer.deflate.out.deflate(data);
    const frames = [];
    let at = 0;

    do {
        const next = at + octets;

        frames.push(frame(at === 0 ? opcode : OPCODE.continuation,
            packed.subarray(at, next),
            { fin: next >= packed.length, rsv: at === 0 ? 4 : 0 }));
        at = next;
    } while (at < packed.length);
    return frames;
}

const sendDeflated = (opcode, data, octets) => (run) =>
    send(...deflatedFrames(run, opcode, Buffer.from(data), octets))(run);

/* What 12 and 13 do with each size, after one of the larger suites: whole
 * messages, then messages in fragments. */
const SIZES = [
    [16], [64], [256], [1024], [4096], [8192], [16384], [32768], [65536],
    [131072], [8192, 256], [16384, 256], [32768, 256], [65536, 256],
    [131072, 256], [131072, 1024], [131072, 4096], [131072, 32768],
];

const TIMES = 1000;
const SHORT_TIMES = 4, SHORT_OCTETS = 48 * 1024;

/* Messages of one kind and size go to and fro, each compressed. */
const exchange = (kind, opcode, octets, part) => ({ full }) => {
    const times = full ? TIMES
        : Math.max(2, Math.min(SHORT_TIMES, Math.floor(SHORT_OCTETS / octets)));

    return [async (run) => {
        for (let i = 0; i < times; i++) {
            const data = slice(kind, octets, i);

            await sendDeflated(opcode, data, part)(run);
            await gets(message(opcode, data))(run);
        }
    }, closes()];
};

/* It comes compressed: large enough, and easy to compress. */
const getsDeflated = (opcode, data) => async (run) => {
    const before = run.peer.compressed;

    await gets(message(opcode, data))(run);
    if (run.peer.compressed === before) {
        run.lax('it came as it is, though compression was agreed');
    }
};

module.exports = {
    SIZES, TIMES, deflatedFrames, exchange, getsDeflated, sendDeflated,
};
