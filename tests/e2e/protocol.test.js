/* protocol.test.js - clients that break RFC 6455, frame by frame
 *
 * Each fault is answered with its close code and the end of that connection;
 * the plugin hears of it; another connection goes on unharmed.
 */
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe } = require('node:test');
const { suite } = require('./lib/suite.js');
const { OPCODE, closePayload, frame } = require('./lib/raw.js');
const { until } = require('./lib/wait.js');

const { text, binary, continuation, close, ping, pong } = OPCODE;
const START = frame(text, 'echo start', { fin: false });

/* Where it stands what libwebsockets hides from the host. */
const documents = ['operate.md', 'design.md'].map((name) =>
    path.join(__dirname, '../../host/doc', name))
    .filter((file) => fs.existsSync(file))
    .map((file) => fs.readFileSync(file, 'utf8')).join('\n');

const hex = (digits) => Buffer.from(digits.replaceAll(' ', ''), 'hex');

/* What is no UTF-8 (RFC 3629), whole and at the end of a message. */
const NOT_UTF8 = {
    'a byte that never occurs': hex('ff'),
    'a lone continuation byte': hex('80'),
    'an overlong slash': hex('c0 af'),
    'an overlong NUL': hex('e0 80 80'),
    'a surrogate': hex('ed a0 80'),
    'a pair of surrogates': hex('ed a0 bd ed b8 80'),
    'beyond U+10FFFF': hex('f4 90 80 80'),
    'five bytes': hex('f8 88 80 80 80'),
    'a character cut by another': hex('e2 82 41'),
    'good text, then bad': Buffer.concat([Buffer.from('äöü'.repeat(5000)),
        hex('ff')]),
};
const CUT_UTF8 = ['c3', 'e2', 'e2 82', 'f0 9f 98'].map(hex);

const FAULTS = [];
const fault = (code, what, ...frames) => FAULTS.push({ code, what, frames });

for (let rsv = 1; rsv < 8; rsv++) {
    fault(1002, `reserved bits ${rsv}`, frame(text, 'x', { rsv }));
}
fault(1002, 'a reserved bit in a ping', frame(ping, 'x', { rsv: 4 }));
fault(1002, 'a reserved bit in a Close',
    frame(close, closePayload(1000), { rsv: 4 }));
fault(1002, 'a reserved bit in a continuation', START,
    frame(continuation, 'x', { rsv: 4 }));
for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
    fault(1002, `opcode ${opcode}`, frame(opcode, 'x'));
    fault(1002, `opcode ${opcode}, empty`, frame(opcode, ''));
}
fault(1002, 'an unknown opcode between fragments', START, frame(3, 'x'));
fault(1002, 'a continuation of nothing', frame(continuation, 'x'));
fault(1002, 'a continuation of nothing that goes on',
    frame(continuation, 'x', { fin: false }));
fault(1002, 'a continuation of a whole message', frame(text, 'messages'),
    frame(continuation, 'x'));
fault(1002, 'a text within a text', START, frame(text, 'x'));
fault(1002, 'a binary message within a text', START,
    frame(binary, 'x', { fin: false }));
fault(1002, 'a ping in fragments', frame(ping, 'x', { fin: false }));
fault(1002, 'a pong in fragments', frame(pong, 'x', { fin: false }));
fault(1002, 'a Close in fragments',
    frame(close, closePayload(1000), { fin: false }));
fault(1002, 'a ping of 126 bytes', frame(ping, 'x'.repeat(126)));
fault(1002, 'a ping of 64 KiB', frame(ping, 'x'.repeat(65536)));
fault(1002, 'a Close of 126 bytes',
    frame(close, closePayload(1000, 'x'.repeat(124))));
fault(1002, 'a length with its top bit set',
    frame(binary, 'x', { length: 2n ** 63n, width: 9 }));
fault(1002, 'the largest length',
    frame(binary, 'x', { length: 2n ** 64n - 1n, width: 9 }));

for (const [what, bytes] of Object.entries(NOT_UTF8)) {
    fault(1007, what, frame(text, bytes));
    fault(1007, `${what}, in fragments`, START, frame(continuation, bytes));
    fault(1007, `${what}, before the end of the message`,
        frame(text, bytes, { fin: false }));
}
fault(1007, 'a bad character, byte by byte',
    ...[...NOT_UTF8['a surrogate']].map((byte, i) =>
        frame(i === 0 ? text : continuation, [byte], { fin: false })));
fault(1007, 'a bad byte at the start of a long frame',
    frame(text, hex('ff'), { length: 60000 }));
for (const bytes of CUT_UTF8) {
    const what = `the character ${bytes.toString('hex')}, cut`;

    fault(1007, `${what} by the end`, frame(text, bytes));
    fault(1007, `${what} by the end of the last fragment`, START,
        frame(continuation, bytes));
    fault(1007, `${what} by an empty last fragment`,
        frame(text, bytes, { fin: false }), frame(continuation, ''));
}

for (const code of [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000,
    2999, 5000, 65535]) {
    fault(1002, `a Close with ${code}`, frame(close, closePayload(code)));
    fault(1002, `a Close with ${code} and a reason`,
        frame(close, closePayload(code, 'reason')));
}
fault(1002, 'a Close with one byte', frame(close, hex('03')));
for (const [what, bytes] of Object.entries(NOT_UTF8).slice(0, -1)) {
    fault(1007, `${what}, as the reason of a Close`,
        frame(close, Buffer.concat([closePayload(1000), bytes])));
}
fault(1007, 'a cut character as the reason of a Close',
    frame(close, Buffer.concat([closePayload(1000), CUT_UTF8[2]])));

fault(1009, 'too many fragments', START,
    ...Array.from({ length: 1100 }, () =>
        frame(continuation, '', { fin: false })));
fault(1009, 'a message over max_message',
    frame(text, 'x'.repeat(64 * 1024 + 1)));
fault(1009, 'fragments over max_message',
    frame(text, 'x'.repeat(40000), { fin: false }),
    frame(continuation, 'x'.repeat(40000), { fin: false }));
fault(1009, 'the announcement of an endless message',
    frame(binary, 'x', { length: 2n ** 62n, width: 9 }));

suite('a peer that breaks the protocol with', {
    routes: {
        every: { path: '/every', plugin: 'everything', max_message: '64k' },
    },
    expected: [/libwebsockets:/],
}, ({ host, it }) => {
    let other;

    it('another that does not', async () => {
        other = await host.connect('/every');
        assert.strictEqual(await other.ask('echo a'), 'a');
    });

    describe('each', { concurrency: 8 }, () => {
        for (const { code, what, frames } of FAULTS) {
            it(`${what}: ${code}`, async () => {
                const raw = await host.rawUpgrade('/every');

                raw.send(text, 'id');
                const id = (await raw.message()).text.slice('id '.length);

                raw.write(...frames);
                let answer = await raw.frame();

                while (answer.opcode === text) { /* to what came before it */
                    answer = await raw.frame();
                }
                assert.strictEqual(answer.opcode, close);
                assert.strictEqual(answer.payload.readUInt16BE(), code);
                /* Nothing is behind a Close; who answers it is let go. */
                raw.write(frame(text, 'echo too late'),
                    frame(close, closePayload(code)));
                assert.strictEqual((await raw.rest()).length, 0);
                await host.waitLog(new RegExp(` #${id} .*: closed ${code} `));
                assert.strictEqual(await other.ask('echo unharmed'),
                    'unharmed');
            });
        }
    });

    it('all of them counted', async () => {
        const name = 'patchbay_protocol_errors_total{route="every"}';

        await until(async () =>
            (await host.metrics()).get(name) >= FAULTS.length,
        'the count of all protocol errors');
        assert.strictEqual((await host.metrics()).get(name), FAULTS.length);
    });

    it('the same process', () => {
        assert.strictEqual(host.logged(/worker 0 .*(killed|exited)/).length,
            0);
    });
});

suite('a peer that keeps to the protocol', {
    routes: { echo: { path: '/echo', plugin: 'echo' } },
}, ({ host, it }) => {
    it('may send many fragments', async () => {
        const raw = await host.rawUpgrade('/echo');
        const many = 1000;

        raw.write(frame(text, 'x', { fin: false }),
            ...Array.from({ length: many - 2 }, () =>
                frame(continuation, 'x', { fin: false })),
            frame(continuation, 'x'));
        assert.strictEqual((await raw.message()).text, 'x'.repeat(many));
    });

    it('may send any bytes in pings and pongs', async () => {
        const raw = await host.rawUpgrade('/echo');

        raw.write(frame(text, 'before'), frame(pong, hex('ff fe')),
            frame(text, hex('e2 82'), { fin: false }),
            frame(pong, hex('80')), frame(continuation, hex('ac')));
        assert.strictEqual((await raw.message()).text, 'before');
        assert.strictEqual((await raw.message()).text, '€');
        for (const length of [0, 1, 124, 125]) {
            const payload = Buffer.alloc(length, 0xff);

            raw.send(ping, payload);
            const answer = await raw.frame();

            assert.strictEqual(answer.opcode, pong);
            assert.deepStrictEqual(answer.payload, payload);
        }
    });

    it('may send pings without waiting for pongs', async () => {
        const raw = await host.rawUpgrade('/echo');

        /* RFC 6455 section 5.5.3: if not all are answered, then the last. It is
         * the first with libwebsockets 4.1.6; then a document has to say so. */
        raw.write(...Array.from({ length: 10 }, (_, i) =>
            frame(ping, `ping ${i}`)), frame(text, 'behind them'));
        const pongs = [];
        let answer = await raw.frame();

        while (answer.opcode === pong) {
            pongs.push(answer.payload.toString());
            answer = await raw.frame();
        }
        assert.strictEqual(answer.payload.toString(), 'behind them');
        if (pongs.length === 0) {
            pongs.push((await raw.frame()).payload.toString());
        }
        if (pongs.at(-1) !== 'ping 9') {
            assert.strictEqual(pongs[0], 'ping 0');
            assert.match(documents, /several pings/, 'no document says so');
        }
        raw.send(ping, 'alone');
        answer = await raw.frame();
        assert.strictEqual(answer.opcode, pong);
        assert.strictEqual(answer.payload.toString(), 'alone');
    });

    it('may let the host know that it is alive', async () => {
        const raw = await host.rawUpgrade('/echo');

        raw.write(frame(pong, ''), frame(pong, 'x'), frame(text, 'hello'));
        assert.strictEqual((await raw.message()).text, 'hello');
    });
});

/* RFC 6455 demands 1002 for both. libwebsockets 4.1.6 hides them from the
 * host; then a document has to say so. */
suite('what the host cannot see', {
    routes: { echo: { path: '/echo', plugin: 'echo' } },
}, ({ host, it }) => {
    for (const [what, bytes, pattern] of [
        ['a frame without a mask', frame(text, 'hello', { mask: false }),
            /unmasked|without a mask|not masked/i],
        ['a length written longer than needed',
            frame(text, 'hello', { width: 9 }),
            /longer than (it )?need|not minimal|non-minimal|minimal/i],
    ]) {
        it(`is refused, or documented: ${what}`, async () => {
            const raw = await host.rawUpgrade('/echo');

            raw.write(bytes);
            const answer = await raw.frame();

            if (answer.opcode === close) {
                assert.strictEqual(answer.payload.readUInt16BE(), 1002);
            } else {
                assert.strictEqual(answer.payload.toString(), 'hello');
                assert.ok(pattern.test(documents), 'no document says so');
            }
        });
    }
});
