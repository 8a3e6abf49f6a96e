/* play.js - runs one case against a server: a verdict, and why */
'use strict';

const { Peer } = require('./peer.js');
const { mismatch, offerText } = require('./deflate.js');

const VERDICTS = ['OK', 'NON-STRICT', 'FAILED'];

/* What a case with deflate: 'as the server likes' offers. */
const OFFER = 'permessage-deflate; client_max_window_bits';

/* A list of offers, as parameters or as text. */
function offerOf(test, server) {
    if (test.offers) {
        return test.offers.map((offer) => typeof offer === 'string' ? offer
            : offerText(offer)).join(', ');
    }
    return server.compress && test.deflate !== 'never' ? OFFER : undefined;
}

/* The answer has to fit one of the offers, and to be there at all if one of
 * them can be met by anybody. */
function checkAgreed(test, peer) {
    const offers = test.offers?.filter((each) => typeof each !== 'string');

    if (!peer.deflate) {
        if ((test.agreed ?? true) === true) {
            throw new Error('permessage-deflate was offered and not agreed');
        }
        return;
    }
    if (test.agreed === false) {
        throw new Error('an offer was accepted that nobody may accept');
    }
    const wrong = (offers ?? []).map((offer) =>
        mismatch(offer, peer.deflate.answer));

    if (wrong.length > 0 && !wrong.includes(null)) {
        throw new Error(wrong[0]);
    }
}

async function perform(test, run, server) {
    const steps = typeof test.steps === 'function' ? test.steps(server)
        : test.steps;

    run.peer = await Peer.connect(server.where, server.secure,
        server.patience);
    if (!test.handshake) {
        const offer = offerOf(test, server);

        await run.peer.upgrade(test.small ? server.small : server.path, offer);
        if (offer !== undefined && server.compress) {
            checkAgreed(test, run.peer);
        }
    }
    for (const step of steps) {
        await step(run);
    }
    const left = await run.peer.peek(0);

    if (left !== null) {
        throw new Error('something was not expected to come');
    }
}

/*
 * server: where and secure, to connect to; path, and small, one that takes
 * messages of 1000 octets; compress: it does; full: all that a case can do;
 * patience: how long to wait for what is due, in ms.
 */
async function play(test, server) {
    const notes = [];
    const run = { peer: null, stopped: false, sentClose: false, server,
        lax: (what) => notes.push(what) };
    const start = process.hrtime.bigint();
    let failure = null;

    try {
        await perform(test, run, server);
    } catch (error) {
        failure = error;
    } finally {
        run.peer?.destroy();
    }
    return {
        id: test.id, says: test.says,
        verdict: failure ? 'FAILED' : notes.length > 0 ? 'NON-STRICT' : 'OK',
        why: failure ? failure.message : notes.join('; '),
        ms: Number((process.hrtime.bigint() - start) / 1000n) / 1000,
        error: failure,
    };
}

/* All of them, some at a time; those that are `alone` after the others.
 * Results are in the order of the cases. */
async function playAll(tests, server, { jobs = 8, tell = () => {} } = {}) {
    const results = new Array(tests.length);
    const lane = async (queue) => {
        for (let next = queue.shift(); next; next = queue.shift()) {
            const [i, test] = next;

            results[i] = await play(test, server);
            tell(results[i]);
        }
    };
    const all = [...tests.entries()];
    const many = all.filter(([, test]) => !test.alone);
    const alone = all.filter(([, test]) => test.alone);

    await Promise.all(Array.from({ length: jobs }, () => lane(many)));
    await lane(alone);
    return results;
}

module.exports = { VERDICTS, play, playAll };
