/* 13.js - permessage-deflate with all its parameters (RFC 7692 7.1) */
'use strict';

const { OPCODE, T, closes, fails, gets, send, textMessage } =
    require('../lib/steps.js');
const { SIZES, TIMES, deflatedFrames, exchange, getsDeflated, sendDeflated } =
    require('../lib/deflated.js');
const { slice } = require('../lib/data.js');

const mine = { client_max_window_bits: true };
const fresh = { server_no_context_takeover: true };
const bits = (count) => ({ server_max_window_bits: count });

const COMBINATIONS = [
    ['no parameters', [mine]],
    ['server_no_context_takeover', [{ ...mine, ...fresh }]],
    ['server_max_window_bits=9', [{ ...mine, ...bits(9) }]],
    ['server_max_window_bits=15', [{ ...mine, ...bits(15) }]],
    ['server_no_context_takeover and server_max_window_bits=9',
        [{ ...mine, ...fresh, ...bits(9) }]],
    ['server_no_context_takeover and server_max_window_bits=15',
        [{ ...mine, ...fresh, ...bits(15) }]],
    ['three offers, each less strict than the one before',
        [{ ...mine, ...fresh, ...bits(9) }, { ...mine, ...fresh }, mine]],
];

const cases = COMBINATIONS.flatMap(([what, offers], i) =>
    SIZES.map(([octets, part], j) => ({
        id: `13.${i + 1}.${j + 1}`,
        says: `Offered: ${what}. ${TIMES} messages of ${octets} octets of ` +
            `JSON${part ? `, in fragments of ${part},` : ''} go to and fro, ` +
            'compressed as was agreed.',
        needs: 'deflate', offers,
        steps: exchange('json', OPCODE.text, octets, part),
    })));

/* ---- each parameter, each value ----------------------------------------- */

const big = slice('json', 40000, 3);
const rounds = [1, 2, 3].flatMap(() => [
    sendDeflated(OPCODE.text, big), getsDeflated(OPCODE.text, big),
    sendDeflated(OPCODE.text, 'short'), gets(textMessage('short')),
]);
const add = (id, says, offers, steps = rounds, rest = {}) => cases.push({
    id, says, needs: 'deflate', offers, ...rest,
    steps: [...steps, closes()],
});
const OTHERS = [
    ['nothing else', {}],
    ['server_no_context_takeover', fresh],
    ['client_no_context_takeover', { client_no_context_takeover: true }],
    ['both', { ...fresh, client_no_context_takeover: true }],
];

OTHERS.forEach(([what, others], i) => {
    for (let count = 9; count <= 15; count++) {
        add(`13.8.${i * 7 + count - 8}`,
            `Offered: server_max_window_bits=${count} and ${what}. What comes ` +
            `reaches back by 2^${count} octets at most.`,
            [{ ...bits(count), ...others }]);
        add(`13.9.${i * 8 + count - 7}`,
            `Offered: client_max_window_bits=${count} and ${what}. Messages ` +
            'compressed in such a window, or a smaller agreed one, come back.',
            [{ client_max_window_bits: count, ...others }]);
    }
    add(`13.9.${i * 8 + 1}`,
        `Offered: client_max_window_bits=8 and ${what}. Messages compressed ` +
        'in such a window come back.',
        [{ client_max_window_bits: 8, ...others }]);
    add(`13.10.${i + 1}`,
        `Offered: ${what} without client_max_window_bits, which the answer ` +
        'must not have either.', [others]);
});

const EIGHT = { server_max_window_bits: 8 };

cases.push({
    id: '13.11.1', needs: 'deflate', offers: [EIGHT], agreed: 'maybe',
    says: 'Offered: server_max_window_bits=8 alone. Who cannot do it declines, ' +
        'and messages go as they are.',
    steps: [send(T('as it is')), gets(textMessage('as it is')), closes()],
});
add('13.11.2', 'Offered: server_max_window_bits=8, or no limit. One of them ' +
    'is agreed.', [EIGHT, mine]);
add('13.11.3', 'Offered: what nobody knows, or permessage-deflate. The second ' +
    'is agreed.', ['permessage-other; x=1', mine]);
add('13.11.4', 'Offered: permessage-deflate with a parameter nobody knows, or ' +
    'without. The second is agreed.',
['permessage-deflate; no_such_parameter', mine]);
add('13.11.5', 'Values may be quoted: server_max_window_bits="10".',
    ['permessage-deflate; server_max_window_bits="10"'], rounds);
add('13.11.6', 'Blanks around semicolons and equal signs of lists: all the ' +
    'same.', ['permessage-deflate ;  client_max_window_bits ; ' +
        'server_no_context_takeover'], rounds);

/* ---- offers that nobody may accept (RFC 7692 7.1, 5.1) ------------------ */

[
    'server_no_context_takeover=1', 'client_no_context_takeover=true',
    'server_max_window_bits', 'server_max_window_bits=7',
    'server_max_window_bits=16', 'server_max_window_bits=0',
    'server_max_window_bits=010', 'server_max_window_bits=9x',
    'server_max_window_bits=-9', 'server_max_window_bits=1000000000010',
    'client_max_window_bits=7', 'client_max_window_bits=16',
    'client_max_window_bits=08', 'client_max_window_bits=abc',
    'server_no_context_takeover; server_no_context_takeover',
    'client_no_context_takeover; client_no_context_takeover',
    'server_max_window_bits=10; server_max_window_bits=11',
    'client_max_window_bits; client_max_window_bits=10',
    'no_such_parameter', 'no_such_parameter=10',
    'SERVER_no_context_takeover=x', 'x-webkit-deflate-frame',
].forEach((parameters, i) => cases.push({
    id: `13.12.${i + 1}`, needs: 'deflate', agreed: false,
    offers: [`permessage-deflate; ${parameters}`],
    says: `Offered: ${parameters}. It is declined, and messages go as they ` +
        'are.',
    steps: [send(T('as it is')), gets(textMessage('as it is')), closes()],
}, {
    id: `13.13.${i + 1}`, needs: 'deflate',
    offers: [`permessage-deflate; ${parameters}`, mine],
    says: `Offered: ${parameters}, or a good one. The good one is agreed.`,
    steps: [...rounds, closes()],
}, {
    id: `13.14.${i + 1}`, needs: 'deflate', agreed: false,
    offers: [`permessage-deflate; ${parameters}`],
    says: `Offered: ${parameters}. It is declined, so RSV1 is a fault: Close ` +
        '1002.',
    steps: [send(T('compressed?', { rsv: 4 })), fails(1002)],
}));

/* ---- takeover, seen in the data ----------------------------------------- */

add('13.15.1', 'Without client_no_context_takeover a message may refer to the ' +
    'one before; with it, it does not, and comes back all the same.',
[mine], Array.from({ length: 20 }, () => [
    sendDeflated(OPCODE.text, big), getsDeflated(OPCODE.text, big)]).flat());
add('13.15.2', 'Ten compressed messages in one write: ten echoes, in order.',
    [mine], [
        (run) => send(...Array.from({ length: 10 }, (_, i) => deflatedFrames(
            run, OPCODE.text, Buffer.from(`message ${i} `.repeat(100)))).flat()
        )(run),
        gets(...Array.from({ length: 10 }, (_, i) =>
            textMessage(`message ${i} `.repeat(100))))]);
add('13.15.3', 'Compressed and plain messages in turn: both come back.',
    [mine], Array.from({ length: 10 }, (_, i) => [
        sendDeflated(OPCODE.text, `compressed ${i}`),
        gets(textMessage(`compressed ${i}`)),
        send(T(`plain ${i}`)), gets(textMessage(`plain ${i}`))]).flat());

module.exports = { number: 13, title: 'Compression: parameters', cases };
