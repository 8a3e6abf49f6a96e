/* build.js - builds what is measured */
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');

const ROOT = path.join(__dirname, '../../..');
const BUILD = path.join(ROOT, 'build');

function command(name, ...args) {
    const { status } = spawnSync(name, args,
        { stdio: ['ignore', 2, 2], cwd: ROOT });

    if (status !== 0) {
        throw new Error(`${name} ${args.join(' ')} failed`);
    }
}

/* "Release" for CMAKE_BUILD_TYPE; undefined if there is no tree. */
function cached(dir, name) {
    const cache = path.join(dir, 'CMakeCache.txt');

    return fs.existsSync(cache) ? new RegExp(`^${name}:\\w+=(.*)$`, 'm')
        .exec(fs.readFileSync(cache, 'utf8'))?.[1] : undefined;
}

function build(dir) {
    const fresh = cached(dir, 'CMAKE_GENERATOR') === undefined;

    /* A tree that scripts/run made lacks the tests. */
    if (fresh || cached(dir, 'PATCHBAY_TESTS') === 'OFF') {
        command('cmake', '-S', ROOT, '-B', dir, '-DPATCHBAY_TESTS=ON',
            ...(fresh ? ['-G', 'Ninja'] : []));
    }
    command('cmake', '--build', dir, '--target', 'bench');
    if (!fs.existsSync(path.join(ROOT, 'tests/node_modules'))) {
        command('npm', 'ci', '--prefix', 'tests', '--ignore-scripts');
    }
}

module.exports = { BUILD, build, cached };
