/* deflate.js - permessage-deflate as a client speaks it (RFC 7692) */
'use strict';

const zlib = require('node:zlib');

const TAIL = Buffer.from([0, 0, 0xff, 0xff]);
const SYNC = { finishFlush: zlib.constants.Z_SYNC_FLUSH };

/* ---- the header ------------------------------------------------------- */

/* "permessage-deflate; a; b=1" as { a: true, b: '1' }; throws what is wrong
 * with it as an answer to any offer. */
function parseAnswer(text) {
    const [name, ...rest] = text.split(';').map((part) => part.trim());
    const parameters = {};

    if (text.includes(',') || name !== 'permessage-deflate') {
        throw new Error(`the answer is not one permessage-deflate: ${text}`);
    }
    for (const part of rest) {
        const [, key, value] =
            /^([a-z_]+)(?:=(?:"?)([0-9]+)(?:"?))?$/.exec(part) ?? [];

        if (key in parameters) {
            throw new Error(`the answer has ${key} twice`);
        }
        if (/^(server|client)_no_context_takeover$/.test(key)) {
            if (value !== undefined) {
                throw new Error(`${key} has a value in the answer`);
            }
            parameters[key] = true;
        } else if (/^(server|client)_max_window_bits$/.test(key)) {
            if (!/^([89]|1[0-5])$/.test(value)) {
                throw new Error(`${key} is ${value} in the answer`);
            }
            parameters[key] = Number(value);
        } else {
            throw new Error(`an unknown parameter in the answer: ${part}`);
        }
    }
    return parameters;
}

/* What is wrong with the answer to this one offer, or null. offer: as
 * parameters; client_max_window_bits true: without a value. */
function mismatch(offer, answer) {
    const wanted = offer.server_max_window_bits;
    const mine = offer.client_max_window_bits;

    if (offer.server_no_context_takeover &&
        !answer.server_no_context_takeover) {
        return 'server_no_context_takeover was wanted, and is not agreed';
    }
    if (wanted !== undefined && !(answer.server_max_window_bits <= wanted)) {
        return `server_max_window_bits=${wanted} was wanted, and is not agreed`;
    }
    if (mine === undefined && answer.client_max_window_bits !== undefined) {
        return 'client_max_window_bits was not offered';
    }
    if (typeof mine === 'number' && answer.client_max_window_bits > mine) {
        return `client_max_window_bits is above the ${mine} of the offer`;
    }
    return null;
}

/* The text of an offer. */
function offerText(offer) {
    return ['permessage-deflate', ...Object.entries(offer).map(
        ([key, value]) => value === true ? key : `${key}=${value}`)].join('; ');
}

/* ---- the data --------------------------------------------------------- */

/*
 * One direction. The window of the messages before is handed to zlib as a
 * dictionary, which comes to the same as keeping a stream, without one.
 */
class Direction {
    constructor(takeover, bits) {
        this.takeover = takeover;
        this.bits = bits;
        this.window = Buffer.alloc(0);
    }

    options() {
        return { ...SYNC, windowBits: Math.max(this.bits, 9),
            ...this.window.length > 0 && { dictionary: this.window } };
    }

    remember(data) {
        if (this.takeover) {
            const all = Buffer.concat([this.window, data]);

            this.window = all.subarray(-(2 ** this.bits));
        }
    }

    deflate(data) {
        const out = zlib.deflateRawSync(data, this.options());

        this.remember(data);
        /* zlib is quiet about nothing. */
        return data.length === 0 ? Buffer.from([0]) : out.subarray(0, -4);
    }

    /* Small steps of output make zlib keep to the window that was agreed: it
     * reports what reaches further back. */
    inflate(data) {
        const small = this.bits < 15 && { chunkSize: 64 };
        const out = zlib.inflateRawSync(Buffer.concat([data, TAIL]),
            { ...this.options(), ...small, windowBits: this.bits });

        this.remember(out);
        return out;
    }
}

class Deflate {
    constructor(answer) {
        this.answer = answer;
        this.out = new Direction(!answer.client_no_context_takeover,
            answer.client_max_window_bits ?? 15);
        this.in = new Direction(!answer.server_no_context_takeover,
            answer.server_max_window_bits ?? 15);
    }
}

module.exports = { Deflate, Direction, TAIL, mismatch, offerText, parseAnswer };
