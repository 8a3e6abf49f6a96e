/* 14.js - beyond the usual: masks, lengths, closing under load */
'use strict';

const { B, C, CLOSE, OPCODE, PART, PING, PONG, T, WAYS, answersClose,
    binaryMessage, closes, endsTcp, fails, failsInFrame, frame, gets, getsBeforeFault, goesOn,
    message, pongOf, send, sendChopped, sendEach, textMessage } =
    require('../lib/steps.js');
const { binaryOf, textOf } = require('../lib/data.js');

const HELLO = 'Hello, world!';
const MIB = 1024 * 1024;
const hello = getsBeforeFault(textMessage(HELLO));
const cases = [];
const add = (id, says, ...steps) => cases.push({ id, says, steps });

/* ---- masks (5.1) -------------------------------------------------------- */

const BARE = { mask: false };

[
    ['a text', [T('x', BARE)]], ['an empty text', [T('', BARE)]],
    ['a binary message', [B('x', BARE)]],
    ['a continuation', [T('x', PART), C('x', BARE)]],
    ['a ping', [PING('', BARE)]], ['a pong', [PONG('', BARE)]],
    ['a Close', [CLOSE(1000, '', BARE)]],
    ['a text of 65536 octets', [T(textOf(65536), BARE)]],
].forEach(([what, frames], i) => {
    Object.entries(WAYS).forEach(([how, way], j) => {
        if (frames.at(-1).length < 1000 || j === 0) {
            add(`14.1.${i * 3 + j + 1}`, `A good text, then ${what} without ` +
                `a mask, ${how}: the echo, then Close 1002.`,
            way(T(HELLO), ...frames), hello, fails(1002));
        }
    });
});
add('14.1.23', 'The first two octets of a text without a mask: Close 1002.',
    send(T(HELLO, BARE).subarray(0, 2)), failsInFrame(1002));

/* The mask of zeros is as good as any. */
const zeros = (opcode, payload) => {
    const bare = frame(opcode, payload, BARE);

    bare[1] |= 0x80;
    return Buffer.concat([bare.subarray(0, 2), Buffer.alloc(4),
        bare.subarray(2)]);
};

add('14.1.24', 'A mask of zeros is a mask: the text comes back.',
    send(zeros(OPCODE.text, HELLO)), gets(textMessage(HELLO)), closes());

/* ---- lengths (5.2) ------------------------------------------------------ */

[[0, 3], [1, 3], [125, 3], [0, 9], [125, 9], [126, 9], [65535, 9]].forEach(
    ([length, width], i) => add(`14.2.${i + 1}`,
        `A length of ${length} in ${width - 1} octets, which is not the ` +
        'shortest way: Close 1002.',
        send(T(HELLO), B(binaryOf(length), { width })), hello, fails(1002)));
[[0, 3], [13, 3], [13, 9]].forEach(([length, width], i) => {
    add(`14.2.${i + 8}`, `A ping with its length of ${length} in ` +
        `${width - 1} octets: Close 1002.`,
    send(PING(textOf(length), { width })), fails(1002));
});
[2n ** 63n, 2n ** 64n - 1n, 2n ** 63n + 5n].forEach((length, i) => {
    add(`14.2.${i + 11}`, `A length of ${length}, with its top bit set: ` +
        'Close 1002, before anything of it comes.',
    send(T(HELLO), B('', { length, width: 9 })), hello, failsInFrame(1002));
});
[2n ** 62n, 2n ** 63n - 1n, 2n ** 32n, 2n ** 31n].forEach((length, i) => {
    add(`14.2.${i + 14}`, `A length of ${length} is more than the server ` +
        'takes: Close 1009, before anything of it comes.',
    send(B('', { length, width: 9 })), failsInFrame(1009));
});
[[2, 'a text'], [4, 'the same'], [9, 'the same']].forEach(([octets], i) => {
    add(`14.2.${i + 18}`, 'Lengths of 200 and 70000, their heads in writes ' +
        `of ${octets} octets: both come back.`,
    (run) => sendChopped(octets, T(textOf(200)))(run),
    (run) => {
        const all = B(binaryOf(70000));

        return (async () => {
            await sendChopped(octets, all.subarray(0, 20))(run);
            await send(all.subarray(20))(run);
        })();
    },
    gets(textMessage(textOf(200)), binaryMessage(binaryOf(70000))), closes());
});

/* ---- over the limit ----------------------------------------------------- */

const small = (id, says, ...steps) =>
    cases.push({ id, says, steps, small: true });
const SMALL = 1000; /* octets, of the route that is `small` */

small('14.3.1', 'A message as long as the server takes comes back.',
    send(T(textOf(SMALL))), gets(textMessage(textOf(SMALL))), closes());
small('14.3.2', 'A message one octet longer: Close 1009.',
    send(T(textOf(SMALL + 1))), fails(1009));
small('14.3.3', 'The head of a message one octet longer, alone: Close 1009.',
    send(T('', { length: SMALL + 1, width: 3 })), failsInFrame(1009));
small('14.3.4', 'Fragments that are one octet longer together: Close 1009 at ' +
    'the head of the last.',
send(T(textOf(SMALL), PART)), goesOn(), send(C('', { length: 1 })),
failsInFrame(1009));
small('14.3.5', 'A good message, then one too long: the echo, then Close 1009.',
    send(T(HELLO), T(textOf(5000))), hello, fails(1009));

/* ---- closing with output queued ----------------------------------------- */

const QUEUED = 40;
const chunk = binaryOf(MIB / 8);
const queued = Array.from({ length: QUEUED }, () => message(OPCODE.binary,
    chunk));

/* Nothing is read until all is written; then everything is. */
const sendUnread = (frames, after) => async (run) => {
    const { socket } = run.peer;
    const written = Buffer.concat([...frames, ...after]);

    socket.pause();
    run.sentClose ||= after.some((each) => (each[0] & 15) === OPCODE.close);
    const sent = run.peer.write(written);

    /* The server stops reading when its queue is full: both sides then wait
     * for us, which is seen when nothing more is taken. */
    let left;

    do {
        left = socket.writableLength;
        await Promise.race([sent, new Promise((done) => {
            setTimeout(done, 50);
        })]);
    } while (socket.writableLength !== left);
    socket.resume();
    await sent;
};
const chunks = queued.map(() => B(chunk));

add('14.4.1', 'A Close behind 5 MiB of echoes that nobody reads yet: all of ' +
    'them come, then Close 1000.',
sendUnread(chunks, [CLOSE(1000)]), gets(...queued), answersClose(1000));
add('14.4.2', 'A ping behind as much: all of it comes, then the pong, or the ' +
    'pong between.',
sendUnread(chunks, [PING('late')]), async (run) => {
    let pongs = 0;

    for (let i = 0; i < QUEUED + 1; i++) {
        const event = await run.peer.next();

        if (event?.type === 'pong') {
            pongs += 1;
        } else if (event?.type !== 'message' || !event.data.equals(chunk)) {
            throw new Error(`echo ${i} does not come`);
        }
    }
    if (pongs !== 1) {
        throw new Error(`${pongs} pongs for one ping`);
    }
}, closes());
add('14.4.3', 'A fault behind as much: all of it comes, then Close 1002.',
    sendUnread(chunks, [T('x', { rsv: 1 })]),
    async (run) => {
        for (const each of queued) {
            await getsBeforeFault(each)(run);
        }
    }, fails(1002));
add('14.4.4', 'A Close without a code behind as much: all of it comes, then a ' +
    'Close.', sendUnread(chunks, [CLOSE(null)]), gets(...queued),
answersClose(null));
add('14.4.5', 'A ping between the fragments of a message of 4 MiB: the pong ' +
    'comes before the message is whole.',
send(B(binaryOf(2 * MIB), PART), PING('between')), gets(pongOf('between')),
send(C(binaryOf(2 * MIB))),
gets(binaryMessage(Buffer.concat([binaryOf(2 * MIB), binaryOf(2 * MIB)]))),
closes());

/* ---- after the end ------------------------------------------------------ */

add('14.5.1', 'A good text behind a fault in the same write: no echo.',
    send(T('x', { rsv: 1 }), T(HELLO)), fails(1002));
add('14.5.2', 'Twenty faults in one write: one Close 1002.',
    send(...Array.from({ length: 20 }, () => T('x', { rsv: 1 }))),
    fails(1002));
add('14.5.3', 'A text behind the server\'s Close: no echo.',
    send(T('x', { rsv: 1 })), async (run) => {
        await run.peer.peek();
        await send(T(HELLO))(run);
    }, fails(1002));
add('14.5.4', 'A Close in answer to the server\'s Close with another code ' +
    'ends the connection.', send(frame(3)), async (run) => {
    const event = await run.peer.next();

    if (event?.type !== 'close' || event.code !== 1002) {
        throw new Error('no Close 1002');
    }
    await send(CLOSE(1000, 'as you like'))(run);
    await endsTcp(run);
});
add('14.5.5', 'A megabyte behind the Close is ignored: Close 1000 comes.',
    send(CLOSE(1000), Buffer.alloc(MIB, 0x81)), answersClose(1000));
add('14.5.6', 'A fault behind a hundred good texts: a hundred echoes, then ' +
    'Close 1002.',
send(...Array.from({ length: 100 }, (_, i) => T(`text ${i}`)), frame(11)),
async (run) => {
    for (let i = 0; i < 100; i++) {
        await getsBeforeFault(textMessage(`text ${i}`))(run);
    }
}, fails(1002));
add('14.5.7', 'A Close behind a hundred good texts and pings: all answered.',
    send(...Array.from({ length: 100 }, (_, i) =>
        [T(`text ${i}`), PING(`${i}`)]).flat(), CLOSE(1000)),
    gets(...Array.from({ length: 100 }, (_, i) =>
        [textMessage(`text ${i}`), pongOf(`${i}`)]).flat()),
    answersClose(1000));
add('14.5.8', 'Ten pings, each between two fragments, frame by frame.',
    sendEach(T('x', PART), ...Array.from({ length: 10 }, (_, i) =>
        [PING(`${i}`), C('x', PART)]).flat(), C('x')),
    gets(...Array.from({ length: 10 }, (_, i) => pongOf(`${i}`)),
        textMessage('x'.repeat(12))), closes());

module.exports = { number: 14, title: 'Beyond: frames', cases };
