// dev.js - the page of patchbay dev: connections, and what becomes of the plugin

import { bytesOf, describe, hexOf, prettyJson, sizeText, stamp }
  from './frames.js';

const MOST_FRAMES = 2000;
const MOST_EVENTS = 8;
const TOAST_MS = 3500;
const RECONNECT_MS = 300;

const $ = (id) => document.getElementById(id);

let reloads = 0;
let opened = 0;
let askedForPath = true;

/* ---- one connection ------------------------------------------------------ */

class Connection {
  #path;
  #subprotocols;
  #socket = null;
  #root;
  #frames;
  #text;
  #kind;
  #sent = [];
  #back = 0;
  #held = []; /* rows that came while the page was to stand still */

  constructor(path, subprotocols) {
    const node = $('connection').content.cloneNode(true);

    this.#path = path;
    this.#subprotocols = subprotocols;
    this.#root = node.querySelector('.connection');
    this.#frames = node.querySelector('.frames');
    this.#text = node.querySelector('textarea');
    this.#kind = node.querySelector('select');
    node.querySelector('.name').textContent = `${++opened} ${path}`;
    node.querySelector('.clear').onclick = () => this.clear();
    node.querySelector('.again').onclick = () => this.open();
    node.querySelector('.close').onclick = () => this.#socket?.close(1000);
    node.querySelector('.remove').onclick = () => this.#remove();
    node.querySelector('form').onsubmit = (event) => {
      event.preventDefault();
      this.#send();
    };
    this.#text.onkeydown = (event) => this.#key(event);
    this.open(); /* throws if there can be no such connection */
    $('connections').append(node);
    this.#text.focus();
  }

  open() {
    this.#socket?.close(1000);
    const socket = new WebSocket(
      new URL(this.#path, location.href.replace(/^http/, 'ws')),
      this.#subprotocols);

    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    this.#show('', 'connecting');
    socket.onopen = () => {
      this.#show('open', socket.protocol);
      this.#note(`open${socket.protocol && `, subprotocol ${socket.protocol}`}`);
    };
    socket.onmessage = ({ data }) => this.#add('in', '↓', data);
    socket.onclose = ({ code, reason }) => {
      if (this.#socket === socket) {
        this.#show('closed', `closed with ${code}`);
      }
      this.#note(`closed: ${describe(code)}${reason && `, “${reason}”`}`,
        code !== 1000 && code !== 1005);
    };
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  clear() {
    this.#frames.replaceChildren();
    this.#held = [];
    showHeld();
  }

  refresh() {
    for (const item of [...this.#frames.children, ...this.#held]) {
      if (item.dataset.raw !== undefined) {
        item.querySelector('.data').textContent = shown(item.dataset.raw);
      }
    }
  }

  get held() {
    return this.#held.length;
  }

  release() {
    this.#append(...this.#held.splice(0));
  }

  #remove() {
    this.#socket?.close(1000);
    this.#root.remove();
    connections.delete(this);
    showCount();
    showHeld();
  }

  #show(state, text) {
    this.#root.classList.remove('open', 'closed');
    if (state) {
      this.#root.classList.add(state);
    }
    this.#root.querySelector('.what').textContent = text;
    this.#root.querySelector('.close').hidden = state === 'closed';
    showCount();
  }

  #key(event) {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#send();
    } else if (event.key === 'ArrowUp' && this.#back < this.#sent.length &&
               (this.#text.value === '' || this.#back > 0)) {
      event.preventDefault();
      this.#bring(this.#sent[this.#sent.length - ++this.#back]);
    }
  }

  #bring({ value, kind }) {
    this.#text.value = value;
    this.#kind.value = kind;
    this.#text.focus();
  }

  #send() {
    const kind = this.#kind.value;
    const value = this.#text.value;
    const data = kind === 'hex' ? bytesOf(value) : value;
    const form = this.#text.form;

    form.classList.toggle('wrong', data === null);
    if (data === null) {
      this.#note('not sent: binary is typed in pairs of hex digits, such as ' +
        '00 ff 7f', true);
      return;
    }
    if (!this.isOpen) {
      this.#note('not sent: the connection is not open', true);
      return;
    }
    this.#socket.send(data);
    this.#sent.push({ value, kind });
    this.#back = 0;
    this.#add('out', '↑', data, { value, kind });
    this.#text.value = '';
  }

  #note(text, bad = false) {
    this.#row(bad ? 'note bad' : 'note', '·', text, '');
  }

  #add(direction, way, data, again) {
    const binary = typeof data !== 'string';
    const text = binary ? hexOf(data) : data;
    const bytes = binary ? data.byteLength
      : new TextEncoder().encode(data).length;
    const item = this.#row(binary ? `${direction} binary` : direction, way,
      binary ? text : shown(text), sizeText(bytes));

    if (!binary) {
      item.dataset.raw = text;
    }
    if (again) {
      item.title = 'Click to send it again';
      item.onclick = () => this.#bring(again);
    }
  }

  #row(classes, way, text, size) {
    const item = document.createElement('li');

    item.className = classes;
    for (const [name, content] of [['time', stamp(new Date())], ['way', way],
      ['data', text], ['size', size]]) {
      const part = document.createElement('span');

      part.className = name;
      part.textContent = content;
      item.append(part);
    }
    if ($('pause').checked) {
      this.#held.push(item);
      this.#held.splice(0, this.#held.length - MOST_FRAMES);
      showHeld();
    } else {
      this.#append(item);
    }
    return item;
  }

  /* Whoever has scrolled back is left where they are. */
  #append(...items) {
    const atEnd = this.#frames.scrollHeight - this.#frames.scrollTop -
      this.#frames.clientHeight < 40;

    this.#frames.append(...items);
    while (this.#frames.childElementCount > MOST_FRAMES) {
      this.#frames.firstElementChild.remove();
    }
    if (atEnd) {
      this.#frames.scrollTop = this.#frames.scrollHeight;
    }
  }
}

const connections = new Set();

function shown(text) {
  return $('pretty').checked ? prettyJson(text) : text;
}

function showHeld() {
  const held = [...connections].reduce((sum, each) => sum + each.held, 0);

  $('held').textContent = held > 0 ? `, ${held} wait` : '';
}

function showCount() {
  const open = [...connections].filter((each) => each.isOpen).length;

  $('empty').hidden = connections.size > 0;
  $('facts').textContent = `${open} open, ` +
    `${reloads} reload${reloads === 1 ? '' : 's'}`;
}

/* ---- what becomes of the plugin ------------------------------------------ */

let toastTimer;

function toast(text) {
  $('toast').textContent = text;
  $('toast').classList.add('shown');
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => $('toast').classList.remove('shown'), TOAST_MS);
}

function problem(title, text, warning = false) {
  $('problem').hidden = title === '';
  $('problem').classList.toggle('warning', warning);
  $('problem-title').textContent = title;
  $('problem-text').replaceChildren(...text.split('\n').map((line) => {
    const node = document.createElement(
      /^[^ ]+:\d+:(\d+:)? *(fatal )?error/.test(line) ? 'mark' : 'span');

    node.textContent = `${line}\n`;
    return node;
  }));
}

let last = null; /* what is shown while the server is there */

function show(text, kind) {
  $('state').textContent = text;
  $('state').className = `pill ${kind}`;
}

function state(text, kind) {
  last = [text, kind];
  show(text, kind);
}

function note({ at, text }) {
  const item = document.createElement('li');
  const time = document.createElement('time');

  time.textContent = stamp(new Date(at));
  item.append(time, text.split('\n')[0]);
  $('events').prepend(item);
  while ($('events').childElementCount > MOST_EVENTS) {
    $('events').lastElementChild.remove();
  }
}

const happenings = {
  begin: () => state('serving', 'good'),
  built: () => problem('', ''),
  warnings: ({ text }) => problem('The compiler warns', text, true),
  errors: (event) => {
    state('does not compile', 'bad');
    problem('It does not compile: the old code goes on', event.text);
    note({ ...event, text: 'it does not compile' });
  },
  refused: (event) => {
    state('not reloaded', 'bad');
    problem('Not reloaded: the old code goes on', event.text);
    note({ ...event, text: 'not reloaded' });
  },
  reloaded: (event, live) => {
    reloads++;
    state('serving', 'good');
    note(event);
    if (!$('problem').classList.contains('warning')) {
      problem('', '');
    }
    if (live) {
      toast(event.text);
    }
    showCount();
  },
  unchanged: (event, live) => {
    state('serving', 'good');
    if (live) {
      toast(event.text);
    }
  },
  log: (event) => {
    note(event);
    if (/killed by signal|exited with status/.test(event.text)) {
      problem('The plugin crashed, and its worker is back', event.text);
    }
  },
};

let lastAt = 0;
const atThatTime = new Set();

/* A feed that was opened again tells all again. */
function isOld(event, line) {
  if (event.at > lastAt) {
    lastAt = event.at;
    atThatTime.clear();
  } else if (event.at < lastAt || atThatTime.has(line)) {
    return true;
  }
  atThatTime.add(line);
  return false;
}

function happened(event, live) {
  if (event.plugin !== $('plugin').textContent) {
    $('plugin').textContent = event.plugin;
    document.title = `${event.plugin} – patchbay dev`;
  }
  if (askedForPath) {
    askedForPath = false;
    $('path').value = event.path;
  }
  happenings[event.event]?.(event, live);
}

/* The feed says what happened before, at once, and then what happens. */
function listen() {
  const feed = new WebSocket(
    new URL('/-/dev/feed', location.href.replace(/^http/, 'ws')));
  const since = Date.now();

  feed.onmessage = ({ data }) => {
    const event = JSON.parse(data);

    if (!isOld(event, data)) {
      happened(event, event.at > since - 2000);
    }
  };
  feed.onopen = () => last !== null && show(...last);
  feed.onclose = () => {
    show('the server is away', 'bad');
    setTimeout(listen, RECONNECT_MS);
  };
}

$('opener').onsubmit = (event) => {
  event.preventDefault();
  const names = $('subprotocol').value.split(/[\s,]+/).filter(Boolean);

  try {
    connections.add(new Connection($('path').value, names));
  } catch (error) {
    toast(error.message);
  }
  showCount();
};
$('clear-all').onclick = () => {
  for (const each of connections) {
    each.clear();
  }
};
$('pause').onchange = () => {
  if (!$('pause').checked) {
    for (const each of connections) {
      each.release();
    }
    showHeld();
  }
};
$('pretty').onchange = () => {
  for (const each of connections) {
    each.refresh();
  }
};

showCount();
listen();
