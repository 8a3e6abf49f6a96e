/* 02.js - pings and pongs (RFC 6455 5.5.2, 5.5.3) */
'use strict';

const { PING, PONG, closes, fails, gets, pongOf, send, sendChopped, sendEach } =
    require('../lib/steps.js');

const BINARY = Buffer.from('00fffefdfcfb00ff', 'hex');
const LONG = Buffer.alloc(125, 0xfe);
const many = Array.from({ length: 10 }, (_, i) => `payload-${i}`);

const cases = [
    ['2.1', 'A ping without a payload is answered with a pong without one.',
        send(PING()), gets(pongOf('')), closes()],
    ['2.2', 'A ping with text in it is answered with a pong of the same.',
        send(PING('Hello, world!')), gets(pongOf('Hello, world!')), closes()],
    ['2.3', 'A ping with octets that are no text is answered with the same.',
        send(PING(BINARY)), gets(pongOf(BINARY)), closes()],
    ['2.4', 'A ping of 125 octets, the longest there is, is answered.',
        send(PING(LONG)), gets(pongOf(LONG)), closes()],
    ['2.5', 'A ping of 126 octets breaks the protocol: Close 1002.',
        send(PING(Buffer.alloc(126, 0xfe))), fails(1002)],
    ['2.6', 'A ping of 125 octets that comes octet by octet is answered.',
        sendChopped(1, PING(LONG)), gets(pongOf(LONG)), closes()],
    ['2.7', 'A pong without a payload that nobody asked for: nothing comes.',
        send(PONG()), closes()],
    ['2.8', 'A pong with a payload that nobody asked for: nothing comes.',
        send(PONG('unsolicited')), closes()],
    ['2.9', 'A pong that nobody asked for, then a ping: one pong comes, with ' +
        'the payload of the ping.',
    send(PONG('unsolicited'), PING('a ping')), gets(pongOf('a ping')),
    closes()],
    ['2.10', 'Ten pings in one write are answered one by one, in order.',
        send(...many.map((each) => PING(each))), gets(...many.map(pongOf)),
        closes()],
    ['2.11', 'Ten pings octet by octet are answered one by one, in order.',
        sendChopped(1, ...many.map((each) => PING(each))),
        gets(...many.map(pongOf)), closes()],
    ['2.12', 'Ten pings, each in a write of its own, are answered in order.',
        sendEach(...many.map((each) => PING(each))),
        gets(...many.map(pongOf)), closes()],
    ['2.13', 'A pong of octets that are no text: nothing comes.',
        send(PONG(BINARY)), closes()],
    ['2.14', 'A pong of 125 octets that comes octet by octet: nothing comes.',
        sendChopped(1, PONG(LONG)), closes()],
    ['2.15', 'A pong of 126 octets breaks the protocol: Close 1002.',
        send(PONG(Buffer.alloc(126, 0x2a))), fails(1002)],
    ['2.16', 'A ping of 65536 octets breaks the protocol: Close 1002.',
        send(PING(Buffer.alloc(65536, 0x2a))), fails(1002)],
    ['2.17', 'A hundred pings without a payload have a hundred pongs.',
        send(...Array.from({ length: 100 }, () => PING())),
        gets(...Array.from({ length: 100 }, () => pongOf(''))), closes()],
].map(([id, says, ...steps]) => ({ id, says, steps }));

module.exports = { number: 2, title: 'Pings and pongs', cases };
