/*
 * ws_server.js - WebSocket echo and fan-out on the npm package ws
 *
 *     node ws_server.js PORT
 */
'use strict';

const http = require('node:http');
const { WebSocketServer } = require('ws');

const BODY = Buffer.from('hello from a server\n');

const server = http.createServer((request, response) => {
    response.writeHead(200, {
        'Content-Type': 'text/plain',
        'Content-Length': BODY.length,
    });
    response.end(BODY);
});

const echo = new WebSocketServer({ noServer: true, perMessageDeflate: false });
const fan = new WebSocketServer({ noServer: true, perMessageDeflate: false });

echo.on('connection', (socket) => {
    socket.on('message', (data, binary) => socket.send(data, { binary }));
    socket.on('error', () => {});
});

fan.on('connection', (socket) => {
    socket.on('message', (data, binary) => {
        for (const client of fan.clients) {
            client.send(data, { binary });
        }
    });
    socket.on('error', () => {});
});

server.on('upgrade', (request, socket, head) => {
    const route = request.url === '/fan' ? fan : echo;

    route.handleUpgrade(request, socket, head,
        (client) => route.emit('connection', client, request));
});

server.listen({ port: Number(process.argv[2]), host: '127.0.0.1',
    backlog: 4096 });
