/* sequences.js - octets that are UTF-8, and that are not, after Markus Kuhn's
 * stress test */
'use strict';

const hex = (digits) => Buffer.from(digits.replaceAll(' ', ''), 'hex');
const range = (from, to) =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i);
const GREEK = Buffer.from('κόσμε');

/* What ends a sequence is missing. */
const CUT = ['c0', 'e0 80', 'f0 80 80', 'f8 80 80 80', 'fc 80 80 80 80', 'df',
    'ef bf', 'f7 bf bf', 'fb bf bf bf', 'fd bf bf bf bf'].map(hex);

const lonely = (from, to) =>
    Buffer.from(range(from, to).flatMap((octet) => [octet, 0x20]));

/* U+FFFE and U+FFFF, U+1FFFE and U+1FFFF, ... U+10FFFF. */
const NO_CHARACTERS = range(0, 16).flatMap((plane) => [0xfffe, 0xffff]
    .map((low) => Buffer.from(String.fromCodePoint(plane * 0x10000 + low))));

const TABLE = [
    [5, 'Valid sequences', ['hello$world', 'hello¢world', 'hello€world',
        'hello𤭢world', 'κόσμε'].map((words) => Buffer.from(words))],
    [6, 'Each beginning of a text', range(1, GREEK.length)
        .map((count) => GREEK.subarray(0, count))],
    [7, 'The first sequence of its length',
        ['00', 'c2 80', 'e0 a0 80', 'f0 90 80 80'].map(hex)],
    [8, 'The first of five and six octets',
        ['f8 88 80 80 80', 'fc 84 80 80 80 80'].map(hex)],
    [9, 'The last sequence of its length',
        ['7f', 'df bf', 'ef bf bf', 'f4 8f bf bf'].map(hex)],
    [10, 'The last of four, five and six octets',
        ['f7 bf bf bf', 'fb bf bf bf bf', 'fd bf bf bf bf bf'].map(hex)],
    [11, 'Other limits', ['ed 9f bf', 'ee 80 80', 'ef bf bd', 'f4 8f bf bf',
        'f4 90 80 80'].map(hex)],
    [12, 'Continuation octets that continue nothing', [
        ...['80', 'bf', '80 bf', '80 bf 80', '80 bf 80 bf', '80 bf 80 bf 80',
            '80 bf 80 bf 80 bf'].map(hex), Buffer.from(range(0x80, 0xbf))]],
    [13, 'Beginnings with a blank behind each', [lonely(0xc0, 0xdf),
        lonely(0xe0, 0xef), lonely(0xf0, 0xf7), lonely(0xf8, 0xfb),
        lonely(0xfc, 0xfd)]],
    [14, 'The last octet is missing', CUT],
    [15, 'Sequences without their last octets', [Buffer.concat(CUT)]],
    [16, 'Octets that never occur', ['fe', 'ff', 'fe fe ff ff'].map(hex)],
    [17, 'Overlong slashes', ['c0 af', 'e0 80 af', 'f0 80 80 af',
        'f8 80 80 80 af', 'fc 80 80 80 80 af'].map(hex)],
    [18, 'The highest overlong sequences', ['c1 bf', 'e0 9f bf', 'f0 8f bf bf',
        'f8 87 bf bf bf', 'fc 83 bf bf bf bf'].map(hex)],
    [19, 'Overlong NULs', ['c0 80', 'e0 80 80', 'f0 80 80 80',
        'f8 80 80 80 80', 'fc 80 80 80 80 80'].map(hex)],
    [20, 'Single surrogates', ['ed a0 80', 'ed ad bf', 'ed ae 80', 'ed af bf',
        'ed b0 80', 'ed be 80', 'ed bf bf'].map(hex)],
    [21, 'Pairs of surrogates', ['ed a0 80 ed b0 80', 'ed a0 80 ed bf bf',
        'ed ad bf ed b0 80', 'ed ad bf ed bf bf', 'ed ae 80 ed b0 80',
        'ed ae 80 ed bf bf', 'ed af bf ed b0 80', 'ed af bf ed bf bf']
        .map(hex)],
    [22, 'Codes that are no characters, and valid', NO_CHARACTERS],
    [23, 'The specials, which are valid', range(0xfff9, 0xffff)
        .map((code) => Buffer.from(String.fromCodePoint(code)))],
].map(([number, what, rows]) => ({ number, what, rows }));

module.exports = { TABLE };
