// run.mjs - does what a document tells its reader to do, in order
//
// usage: node run.mjs DOCUMENT SOURCE_DIR BUILD_DIR
//
// Of the guide's blocks, those that name a file (```c dice.c) are saved; those
// marked sh are run in one shell, each command of which must succeed; those
// marked `sh serve` are run in the background, in place of the server before. A
// block marked text right below an sh block is what that must have printed.
// A comment `open PAGE, PAGE, click, expect: REGEX` opens pages in a browser,
// presses the button of the first, and waits until all show what matches; a
// comment `wait log: REGEX` waits until the server says what matches. The port
// in the document is exchanged for a free one.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const { chromium } = createRequire(import.meta.url)('playwright-core');
const [guide, source, build] = process.argv.slice(2).map((path) =>
  resolve(path));
const START_MS = 20000;
const EXPECT_MS = 30000;

async function free_port() {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

// The steps of the guide: { line, kind: file, sh, serve or open, ... }.
function parse(text) {
  const steps = [];
  const pattern = /^```(\S+) ?(\S*)\n([^]*?)^```$|^<!-- open (.*?)(, click)?, expect: (.*) -->$|^<!-- wait log: (.*) -->$/gm;
  for (const match of text.matchAll(pattern)) {
    const [, language, name, body, pages, click, expected, log] = match;
    const line = text.slice(0, match.index).split('\n').length;
    if (log) {
      steps.push({ line, kind: 'log', expected: new RegExp(log) });
    } else if (pages) {
      steps.push({ line, kind: 'open', pages: pages.split(', '),
        click: Boolean(click), expected: new RegExp(expected) });
    } else if (language === 'sh') {
      steps.push({ line, kind: name || 'sh', body });
    } else if (language === 'text' && steps.at(-1)?.kind === 'sh') {
      steps.push({ line, kind: 'printed', body });
    } else if (name) {
      steps.push({ line, kind: 'file', name, body });
    }
  }
  return steps;
}

// One shell for all commands, as a reader has.
class Shell {
  constructor(cwd, env) {
    this.output = '';
    this.child = spawn('bash', ['-e'], { cwd, env });
    this.ended = once(this.child, 'exit');
    this.child.stdin.on('error', () => {});
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on('data', (data) => {
        this.output += data;
        this.child.emit('more');
      });
    }
  }

  // Runs commands and returns what they print; an error if one fails.
  async run(commands) {
    const from = this.output.length;
    const mark = `done-${Math.random()}`;
    this.child.stdin.write(`${commands}\necho ${mark} "$PWD"\n`);
    for (;;) {
      const end = this.output.indexOf(mark, from);
      const newline = this.output.indexOf('\n', end);
      if (end >= 0 && newline >= 0) {
        this.cwd = this.output.slice(end + mark.length + 1, newline);
        return this.output.slice(from, end);
      }
      const exit = await Promise.race([once(this.child, 'more'),
        this.ended.then(() => null)]);
      if (exit === null) {
        throw new Error(`the shell ended: ${this.output.slice(from)}`);
      }
    }
  }

  async finish() {
    this.child.stdin.end();
    await this.ended;
  }
}

const home = fs.mkdtempSync(join(tmpdir(), 'guide-'));
const clone = join(home, 'patchbay');
fs.mkdirSync(clone);
fs.symlinkSync(build, join(clone, 'build'));
fs.symlinkSync(join(source, 'sdk'), join(clone, 'sdk'));

const port = await free_port();
const env = { PATH: process.env.PATH, HOME: home, LC_ALL: 'C.UTF-8' };
const shell = new Shell(clone, env);
let serving = false;
let browser;
let printed;

async function stop_serving() {
  if (serving) {
    serving = false;
    await shell.run('kill -INT $server; wait $server');
  }
}

async function serve(command) {
  await stop_serving();
  await shell.run(`(exec ${command.trim()}) > ~/server.log 2>&1 &\nserver=$!`);
  serving = true;
  const deadline = Date.now() + START_MS;
  for (;;) {
    const answer = await fetch(`http://localhost:${port}/-/health`)
      .catch(() => null);
    if (answer?.ok) {
      return;
    }
    if (Date.now() > deadline) {
      throw new Error('the server does not answer');
    }
    await new Promise((wake) => setTimeout(wake, 20));
  }
}

async function open_pages({ pages, click, expected }) {
  browser ??= await chromium.launch({ executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox'] });
  const context = await browser.newContext();
  const tabs = [];
  for (const path of pages) {
    const tab = await context.newPage();
    await tab.addInitScript(() => {
      const Native = WebSocket;
      window.sockets = [];
      window.WebSocket = class extends Native {
        constructor(...args) {
          super(...args);
          window.sockets.push(this);
        }
      };
    });
    await tab.goto(`http://localhost:${port}${path}`);
    await tab.waitForFunction(() =>
      window.sockets.every(({ readyState }) => readyState !== 0));
    tabs.push(tab);
  }
  if (click) {
    await tabs[0].click('button');
  }
  for (const tab of tabs) {
    await tab.waitForFunction((regex) =>
      new RegExp(regex).test(document.querySelector('pre').textContent),
    expected.source, { timeout: EXPECT_MS }).catch(async () => {
      throw new Error(`${tab.url()} shows: ${await tab.textContent('pre')}`);
    });
  }
  await context.close();
}

async function wait_log(expected) {
  const deadline = Date.now() + EXPECT_MS;

  while (!expected.test(fs.readFileSync(join(home, 'server.log'), 'utf8'))) {
    if (Date.now() > deadline) {
      throw new Error(`the server does not say ${expected}`);
    }
    await new Promise((wake) => setTimeout(wake, 20));
  }
}

async function take(step) {
  const body = step.body?.replaceAll('9501', port);
  switch (step.kind) {
    case 'file':
      fs.mkdirSync(dirname(join(shell.cwd, step.name)), { recursive: true });
      fs.writeFileSync(join(shell.cwd, step.name), body);
      break;
    case 'sh':
      printed = await shell.run(body);
      break;
    case 'printed':
      if (printed.trim() !== body.trim()) {
        throw new Error(`other than said, this was printed:\n${printed}`);
      }
      break;
    case 'serve':
      await serve(body);
      break;
    case 'log':
      await wait_log(step.expected);
      break;
    case 'open':
      await open_pages(step);
      break;
    default:
      throw new Error(`a block is marked sh ${step.kind}`);
  }
}

let at = 0;
try {
  const steps = parse(fs.readFileSync(guide, 'utf8'));
  for (const step of steps) {
    at = step.line;
    await take(step);
  }
  if (!steps.some(({ kind }) => kind === 'sh')) {
    throw new Error('the document has no steps');
  }
  await stop_serving();
} catch (error) {
  console.error(`${guide}:${at}: ${error.message}`);
  const log = join(home, 'server.log');
  if (fs.existsSync(log)) {
    console.error(fs.readFileSync(log, 'utf8'));
  }
  process.exitCode = 1;
  if (serving) {
    await shell.run('kill $server; wait $server || true').catch(() => {});
  }
} finally {
  await browser?.close();
  await shell.finish();
  fs.rmSync(home, { recursive: true, force: true });
}
