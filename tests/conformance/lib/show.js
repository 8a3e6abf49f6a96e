/* show.js - events and octets in words, for verdicts */
'use strict';

function octets(bytes) {
    const shown = bytes.subarray(0, 24);
    const printable = shown.every((byte) => byte >= 0x20 && byte < 0x7f);
    const text = printable ? JSON.stringify(shown.toString())
        : shown.toString('hex');

    return bytes.length > shown.length ? `${text}... (${bytes.length} octets)`
        : text;
}

function show(event) {
    switch (event?.type) {
    case undefined: return 'nothing';
    case 'message':
        return `${event.kind === 1 ? 'text' : 'binary'} ${octets(event.data)}`;
    case 'ping': return `ping ${octets(event.data)}`;
    case 'pong': return `pong ${octets(event.data)}`;
    case 'close':
        return `Close ${event.code ?? 'without a code'}` +
            (event.reason ? ` (${event.reason})` : '');
    case 'answer': return `the answer ${event.status}`;
    case 'end':
        return `the end of TCP (${event.how}${event.why && `: ${event.why}`})`;
    default: return event.what;
    }
}

module.exports = { octets, show };
