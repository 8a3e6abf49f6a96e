/* data.js - payloads of many kinds, the same in each run */
'use strict';

/* A small generator of numbers (xorshift32): 0 to below `below`. */
function numbers(seed) {
    let state = seed >>> 0 || 1;

    return (below) => {
        state ^= state << 13;
        state >>>= 0;
        state ^= state >>> 17;
        state ^= state << 5;
        state >>>= 0;
        return state % below;
    };
}

const WORDS = ('the a of frame peer close ping server route topic message ' +
    'window stream block worker is was has to from with before after because ' +
    'schön größer über κόσμος мир 世界 naïve señor 🙂').split(' ');

/* Bytes from make(pick) until there are enough. */
function repeat(size, seed, make) {
    const pick = numbers(seed);
    const parts = [];
    let have = 0;

    while (have < size) {
        const part = Buffer.from(make(pick));

        parts.push(part);
        have += part.length;
    }
    return Buffer.concat(parts).subarray(0, size);
}

const word = (pick) => WORDS[pick(WORDS.length)];

const MAKERS = {
    json: (pick) => `{"id":${pick(1e9)},"name":"${word(pick)} ${word(pick)}",` +
        `"on":${pick(2) === 0},"at":[${pick(1000)},${pick(1000)}]},\n`,
    /* Rows of grey that changes slowly, as in a photograph. */
    pixels: (pick) => {
        const grey = pick(256);

        return Buffer.from(Array.from({ length: 64 },
            (_, i) => grey + (i >> 3) + pick(4) & 255));
    },
    prose: (pick) => Array.from({ length: 8 + pick(9) },
        () => word(pick)).join(' ') + '.\n',
    html: (pick) => `<li class="c${pick(9)}"><a href="/${word(pick)}/` +
        `${pick(1e4)}">${word(pick)}</a></li>\n`,
    noise: (pick) => Buffer.from(Array.from({ length: 64 }, () => pick(256))),
};

const CORPUS_OCTETS = 256 * 1024;
const corpora = new Map();

function corpus(name) {
    if (!corpora.has(name)) {
        corpora.set(name, repeat(CORPUS_OCTETS, 7, MAKERS[name]));
    }
    return corpora.get(name);
}

/* Characters that the cut has broken become full stops. */
function mend(bytes) {
    const whole = Buffer.from(bytes);
    let start = 0;

    while (start < whole.length && (whole[start] & 0xc0) === 0x80) {
        whole[start++] = 0x2e;
    }
    for (let at = whole.length - 1; at >= 0 && at >= whole.length - 4; at--) {
        if ((whole[at] & 0xc0) === 0xc0) {
            const length = whole[at] >= 0xf0 ? 4 : whole[at] >= 0xe0 ? 3 : 2;

            if (at + length > whole.length) {
                whole.fill(0x2e, at);
            }
            break;
        }
    }
    return whole;
}

/* So many octets of a corpus, from a place that depends on i. */
function slice(name, octets, i) {
    const all = corpus(name);
    const from = i * 7919 % (all.length - octets + 1);
    const part = all.subarray(from, from + octets);

    return name === 'pixels' || name === 'noise' ? Buffer.from(part)
        : mend(part);
}

/* Text and binary payloads for echoes. */
const textOf = (octets) => Buffer.alloc(octets, 'abcdefghijklmnopqrstuvwxyz');
const binaryOf = (octets) => Buffer.alloc(octets, Buffer.from(
    Array.from({ length: 251 }, (_, i) => i * 97 + 254 & 255)));

module.exports = { binaryOf, slice, textOf };
