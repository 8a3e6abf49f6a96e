/* small.js - a small file system, which is soon full */
'use strict';

const { NotHere } = require('./fault.js');

/*
 * For the prefix of a host: it sees a file system of that size where its folder
 * `small` is. Nobody else does but through /proc/PID/root, and it is gone when
 * the host is.
 */
const withSmall = (size) => ['unshare', '-m', 'sh', '-c',
    'mkdir -p small && ' +
    `mount -t tmpfs -o size=${size},mode=755 tmpfs "$PWD/small" && ` +
    'exec "$0" "$@"'];

function needsRoot() {
    if (process.getuid() !== 0) {
        throw new NotHere('takes root, for a file system of its own');
    }
}

/* Instrumented plugins are several times as large. */
function needsSmallFiles() {
    if (process.env.PATCHBAY_SANITIZED === '1') {
        throw new NotHere('the files of a sanitizer are too large');
    }
}

module.exports = { needsRoot, needsSmallFiles, withSmall };
