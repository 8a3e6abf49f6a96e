/* steps.js - what a case is made of: things to send, and to wait for
 *
 * A step is an async function of the run of a case: its peer, and `lax`, which
 * notes what a lenient reading of the RFCs would let pass.
 */
'use strict';

const { OPCODE, closePayload, frame } = require('../../e2e/lib/raw.js');
const { SLOWNESS } = require('./peer.js');
const { show } = require('./show.js');

/* A Close that is due at once and does not come within this is too late: the
 * rest of the message is sent then. */
const FAST_MS = 2500 * SLOWNESS;

const { continuation, text, binary, close, ping, pong } = OPCODE;

/* ---- frames ------------------------------------------------------------- */

const T = (payload, options) => frame(text, payload, options);
const B = (payload, options) => frame(binary, payload, options);
const C = (payload, options) => frame(continuation, payload, options);
const PING = (payload, options) => frame(ping, payload, options);
const PONG = (payload, options) => frame(pong, payload, options);
const CLOSE = (code, reason, options) => frame(close,
    code === null ? '' : closePayload(code, reason), options);
const PART = { fin: false };

/* One message in fragments of so many octets, as a list of frames. */
function fragments(opcode, data, octets) {
    const frames = [];
    let at = 0;

    do {
        const next = at + octets;

        frames.push(frame(at === 0 ? opcode : continuation,
            data.subarray(at, next), { fin: next >= data.length }));
        at = next;
    } while (at < data.length);
    return frames;
}

/* ---- sending ------------------------------------------------------------ */

/* In writes of so many octets. */
const sendChopped = (octets, ...frames) => async (run) => {
    const bytes = Buffer.concat(frames);

    if (!run.stopped && bytes.length > 0) {
        run.sentClose ||= frames.some((each) => (each[0] & 15) === close);
        await run.peer.chop(bytes, octets);
    }
};

/* All in one write. */
const send = (...frames) => sendChopped(Infinity, ...frames);

/* Each in a write of its own. */
const sendEach = (...frames) => async (run) => {
    for (const each of frames) {
        await send(each)(run);
    }
};

/* The three ways in which cases send the same frames, by name. */
const WAYS = {
    'in one write': send,
    'frame by frame': sendEach,
    'octet by octet': (...frames) => sendChopped(1, ...frames),
};

/* ---- what has to come --------------------------------------------------- */

const data = (bytes) => Buffer.from(bytes);
const message = (kind, bytes) => ({ type: 'message', kind, data: data(bytes) });
const textMessage = (bytes) => message(text, bytes);
const binaryMessage = (bytes) => message(binary, bytes);
const pongOf = (bytes) => ({ type: 'pong', data: data(bytes) });

const matches = (event, wanted) => event !== null &&
    event.type === wanted.type && event.kind === wanted.kind &&
    event.data.equals(wanted.data);

function differ(event, wanted) {
    throw new Error(`${show(wanted)} was due, ${show(event)} came`);
}

/* These, in this order, and nothing between. */
const gets = (...list) => async (run) => {
    for (const wanted of list) {
        const event = await run.peer.next();

        if (!matches(event, wanted)) {
            differ(event, wanted);
        }
    }
};

/* The answer to what came before a fault. Who throws it away with the
 * connection is lenient with himself. */
const getsBeforeFault = (...list) => async (run) => {
    for (const wanted of list) {
        const event = await run.peer.peek();

        if (matches(event, wanted)) {
            await run.peer.next();
        } else if (event?.type === 'close' || event?.type === 'end') {
            run.lax(`${show(wanted)} was due before ${show(event)}`);
        } else {
            differ(event, wanted);
        }
    }
};

/* The server closes TCP, and is the first to do so. */
async function endsTcp(run) {
    const event = await run.peer.next();

    if (event?.type !== 'end') {
        throw new Error(`the end of TCP was due, ${show(event)} came`);
    }
    if (event.how !== 'end') {
        run.lax(`TCP ended with a ${event.how}`);
    }
}

/* The fault has been seen by now, with the message still under way. */
const failsAtOnce = () => async (run) => {
    const event = await run.peer.peek(FAST_MS);

    if (event?.type === 'close' || event?.type === 'end') {
        run.stopped = true; /* what follows need not be sent */
    } else if (event === null) {
        run.lax('the fault is not seen before more is sent');
    } else {
        throw new Error(`a Close was due, ${show(event)} came`);
    }
};

/* Nothing is wrong yet: a ping shows that the server still listens. */
const goesOn = (payload = 'still there?') => async (run) => {
    await send(PING(payload))(run);
    await gets(pongOf(payload))(run);
};

/* Close with this code, from the server; `answer` it; the server ends TCP. */
const failsThen = (answer, codes) => async (run) => {
    const event = await run.peer.next();

    if (event?.type === 'end') {
        run.lax('TCP ended without a Close');
        return;
    }
    if (event?.type !== 'close' || !codes.includes(event.code)) {
        throw new Error(`Close ${codes.join(' or ')} was due, ${
            show(event)} came`);
    }
    await answer(run, event);
    await endsTcp(run);
};

/* It gets its answer, unless we have sent a Close before it. */
const fails = (...codes) => failsThen(async (run, { code }) => {
    if (!run.sentClose) {
        await run.peer.write(CLOSE(code));
    }
}, codes);

/* Within a frame no Close can be sent: we can but end our side of TCP. */
const failsInFrame = (...codes) => failsThen((run) => {
    run.peer.socket.end();
}, codes);

/* The server answers a Close with the same code, and closes TCP. */
const answersClose = (code) => async (run) => {
    const event = await run.peer.next();

    if (event?.type !== 'close' || (event.code !== code &&
        !(code === null && event.code === 1000))) {
        throw new Error(`Close ${code ?? 'without a code'} was due, ${
            show(event)} came`);
    }
    if (event.code !== code) {
        run.lax('a Close without a code was answered with one');
    }
    await endsTcp(run);
};

/* We close, and the server answers that. */
const closes = (code = 1000, reason = '') => async (run) => {
    if (run.stopped) {
        throw new Error('the server has given up a good connection');
    }
    await send(CLOSE(code, reason))(run);
    await answersClose(code)(run);
};

/* ---- whole cases that come again and again ------------------------------ */

/* One message, sent by `way`, and its echo. */
const echo = (kind, bytes, way = send) => [
    way(frame(kind, bytes)), gets(message(kind, bytes)), closes(),
];

module.exports = {
    B, C, CLOSE, OPCODE, PART, PING, PONG, T, WAYS, answersClose, binaryMessage,
    closes, echo, endsTcp, fails, failsAtOnce,
    failsInFrame, fragments, frame, gets,
    getsBeforeFault, goesOn, message, pongOf, send, sendChopped, sendEach,
    textMessage,
};
