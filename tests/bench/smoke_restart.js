/*
 * smoke_restart.js - is the restart bench itself right? Nothing is timed here.
 *
 *     node smoke_restart.js BUILD
 *
 * A short run of it; and one whose limit no host can keep.
 */
'use strict';

const assert = require('node:assert');
const path = require('node:path');
const { spawnSync } = require('node:child_process');

const BUILD = process.argv[2];

function runs(...more) {
    return spawnSync(process.execPath, [path.join(__dirname, 'restart'),
        '--no-build', '--build', BUILD, '--rounds', '3', ...more],
    { encoding: 'utf8' });
}

const good = runs('--limit', '10000');

assert.strictEqual(good.status, 0, good.stdout + good.stderr);
for (const way of ['a plugin\'s crash, with', 'a plugin\'s crash, without',
    'kill -9']) {
    assert.match(good.stdout,
        new RegExp(`^\\| ${way}.*( \\| \\d+\\.\\d){6} \\|$`, 'm'));
}
const slow = runs('--limit', '0.001');

assert.strictEqual(slow.status, 1, slow.stdout + slow.stderr);
assert.match(slow.stderr, /^kill -9: [\d.]+ ms, 0.001 are allowed$/m);
assert.strictEqual(runs('--rounds', '0').status, 2);
