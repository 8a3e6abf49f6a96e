/* utf8.js - what is UTF-8, octet by octet (RFC 3629 section 4), for the table */
'use strict';

/* By the first octet: the ranges of those that have to follow. */
function followers(octet) {
    const any = [0x80, 0xbf];

    if (octet < 0x80) {
        return [];
    }
    if (octet >= 0xc2 && octet <= 0xdf) {
        return [any];
    }
    if (octet >= 0xe0 && octet <= 0xef) {
        return [octet === 0xe0 ? [0xa0, 0xbf]
            : octet === 0xed ? [0x80, 0x9f] : any, any];
    }
    if (octet >= 0xf0 && octet <= 0xf4) {
        return [octet === 0xf0 ? [0x90, 0xbf]
            : octet === 0xf4 ? [0x80, 0x8f] : any, any, any];
    }
    return null;
}

/*
 * bad: the index of the first octet that cannot be, or -1; whole: nothing is
 * missing at the end.
 */
function look(bytes) {
    let wanted = [];

    for (let i = 0; i < bytes.length; i++) {
        if (wanted.length === 0) {
            wanted = followers(bytes[i]);
            if (wanted === null) {
                return { bad: i, whole: false };
            }
            continue;
        }
        const [low, high] = wanted[0];

        if (bytes[i] < low || bytes[i] > high) {
            return { bad: i, whole: false };
        }
        wanted = wanted.slice(1);
    }
    return { bad: -1, whole: wanted.length === 0 };
}

/* For long ones. */
function isUtf8(bytes) {
    try {
        new TextDecoder('utf-8', { fatal: true }).decode(bytes);
        return true;
    } catch {
        return false;
    }
}

module.exports = { isUtf8, look };
