/* pieces.test.js - messages that a plugin takes as they arrive */
'use strict';

const assert = require('node:assert');
const { suite } = require('./lib/suite.js');
const { OPCODE } = require('./lib/raw.js');

const SIZE = 1 << 20;

suite('a message in pieces', {
    routes: {
        pieces: { path: '/pieces', plugin: 'pieces' },
        small: { path: '/small', plugin: 'pieces', max_message: 100 },
    },
}, ({ host, it }) => {
    /* What the hook saw of one frame that is small enough for one piece. */
    async function seen(raw, opcode, payload, fin) {
        raw.send(opcode, payload, { fin });
        return (await raw.message()).text;
    }

    it('is seen before its end', async () => {
        const raw = await host.rawUpgrade('/pieces');

        for (const round of [1, 2]) {
            assert.deepStrictEqual([
                await seen(raw, OPCODE.text, 'one', false),
                await seen(raw, OPCODE.continuation, '', false),
                await seen(raw, OPCODE.continuation, 'two', true),
            ], ['text 3 more one', 'text 0 more ', 'text 3 end two'],
            `round ${round}`);
        }
    });

    it('may be one', async () => {
        const raw = await host.rawUpgrade('/pieces');

        assert.strictEqual(await seen(raw, OPCODE.text, 'all', true),
            'text 3 end all');
        assert.strictEqual(await seen(raw, OPCODE.binary, '', true),
            'binary 0 end ');
    });

    it('may end a piece inside a character', async () => {
        const raw = await host.rawUpgrade('/pieces');
        const [first, ...rest] = Buffer.from('€');

        assert.match(await seen(raw, OPCODE.text, Buffer.from([first]), false),
            /^text 1 more /);
        assert.match(await seen(raw, OPCODE.continuation, Buffer.from(rest),
            true), /^text 2 end /);
    });

    it('is whole in the end, however large', async () => {
        const client = await host.connect('/pieces');
        let sum = 0;
        let count = 0;
        let last;

        client.send(Buffer.alloc(SIZE));
        do {
            const [kind, length, end] = (await client.text()).split(' ');

            assert.strictEqual(kind, 'binary');
            last = end === 'end';
            sum += Number(length);
            count++;
        } while (!last);
        assert.strictEqual(sum, SIZE);
        assert.ok(count > 1, 'it came in one piece');
        client.send('next');
        assert.strictEqual(await client.text(), 'text 4 end next');
    });

    it('is closed with 1009 when the sum is over max_message', async () => {
        const raw = await host.rawUpgrade('/small');

        assert.match(await seen(raw, OPCODE.binary, Buffer.alloc(60), false),
            /^binary 60 more/);
        raw.send(OPCODE.continuation, Buffer.alloc(41), { fin: true });
        assert.strictEqual((await raw.close()).code, 1009);
    });
});
