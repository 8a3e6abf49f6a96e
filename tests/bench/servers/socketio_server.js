/*
 * socketio_server.js - rooms by command on the npm package socket.io: what hub.c
 * does, as far as there is something like it
 *
 *     node socketio_server.js PORT [REDIS_PORT]
 */
'use strict';

const http = require('node:http');
const { Server } = require('socket.io');

const [port, redisPort] = process.argv.slice(2).map(Number);
const server = http.createServer();
const io = new Server(server, { serveClient: false,
    transports: ['websocket'] });

/* Several processes find each other through its Redis adapter. */
async function cluster() {
    const { createAdapter } = require('@socket.io/redis-adapter');
    const Redis = require('ioredis');
    const publisher = new Redis(redisPort, '127.0.0.1');
    const subscriber = publisher.duplicate();

    io.adapter(createAdapter(publisher, subscriber));
    await Promise.all([publisher.ping(), subscriber.ping()]);
}

io.on('connection', (socket) => {
    const answer = (text = '') => socket.emit('m', `a${text}`);

    socket.on('s', async (topics) => {
        await socket.join(topics.split(' '));
        answer();
    });
    socket.on('p', (topic, text) => {
        io.to(topic).emit('m', text);
    });
    socket.on('j', async (topic, data) => {
        [socket.data.label, socket.data.info] = data.split(' ');
        await socket.join(topic);
        answer();
    });
    socket.on('l', async (topic) => {
        await socket.leave(topic);
        answer();
    });
    socket.on('w', async (topic) => {
        const members = await io.in(topic).fetchSockets();

        answer(members.map(({ data }) => `${data.label} `).join(''));
    });
});

async function main() {
    if (redisPort) {
        await cluster();
    }
    server.listen({ port, host: '127.0.0.1', backlog: 4096 });
}

main();
