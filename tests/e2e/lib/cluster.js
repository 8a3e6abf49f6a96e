/* cluster.js - several hosts with one Redis, for one test */
'use strict';

const { describe, it, before, after } = require('node:test');
const { Host } = require('./host.js');
const { Redis } = require('./redis.js');
const { until } = require('./wait.js');

const ROUTES = {
    every: { path: '/every', plugin: 'everything' },
    other: { path: '/other', plugin: 'everything' },
};

/* What a host says when Redis is away, as tests make it be. */
const AWAY = [/cluster: (lost|cannot use) /, /cluster: a message was not sent/];

function clusterHost(redis, node, { cluster, expected = [], ...setup } = {}) {
    return new Host({
        routes: ROUTES,
        cluster: { url: redis.url(), node, ttl: '2s', ...cluster },
        expected: [...AWAY, ...expected],
        ...setup,
    });
}

async function health(host) {
    return JSON.parse((await host.request('/-/health')).text);
}

/* Until all its workers use Redis, and know so many of others. */
function joined(host, peers, ms) {
    return until(async () => {
        const metrics = await host.metrics();
        const workers = metrics.get('patchbay_workers');

        return metrics.get('patchbay_cluster_up') === 1 &&
            metrics.get('patchbay_cluster_peers') === peers * workers;
    }, `a host that is in the cluster with ${peers} others`, ms);
}

/* setup: { redis: options of Redis, hosts: a setup of each, apart: they are not
 * to find each other }. */
function cluster(name, { redis: options, hosts: setups = [{}, {}],
    apart = false }, body) {
    describe(name, { concurrency: false }, () => {
        const redis = new Redis(options);
        const hosts = [];
        const workers = setups.map(({ server }) => server?.workers ?? 1);
        const checked = (title, run) => it(title, async () => {
            try {
                await run();
            } catch (error) {
                hosts.forEach((host) => {
                    host.failed = true;
                });
                throw error;
            }
        });

        before(async () => {
            await redis.start();
            for (const [i, setup] of setups.entries()) {
                hosts.push(clusterHost(redis, i + 1, setup));
                await hosts[i].start();
            }
            const all = workers.reduce((a, b) => a + b, 0);

            for (const [i, host] of hosts.entries()) {
                await joined(host, apart ? 0 : all - workers[i]);
            }
        });
        after(async () => {
            for (const host of hosts) {
                await host.finish();
            }
            await redis.finish();
        });
        body({ redis, hosts, it: checked });
    });
}

module.exports = { AWAY, cluster, clusterHost, health, joined };
