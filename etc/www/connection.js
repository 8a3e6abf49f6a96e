// connection.js - a WebSocket that comes back, and gets what it has missed
//
// JSON out, JSON in. It speaks patchbay.resume.v1 (sdk/doc/resume.md), and
// without it to a server that does not agree.

const RESUME = "patchbay.resume.v1";
const POSITIONS_MAX = 256;

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15000;
const STEADY_MS = 5000; /* who stays so long is in */
const CATCH_UP_MS = 5000;
const SILENCE_MS = 15000; /* when something is to come */
const REFUSALS_MAX = 2;

export class Connection extends EventTarget {
  #url;
  #isFinal;
  #socket = null;
  #opened = 0; /* when; 0: not yet */
  #delay = 0; /* timers */
  #silence = 0;
  #catchUp = 0;
  #failures = 0;

  #id = null; /* of the last connection that could resume */
  #positions = new Map(); /* by topic, the latest last */
  #given = new Map(); /* how far we are in what was before the position */
  #behind = new Set(); /* topics of which it has not got what it missed */
  #refusals = 0;
  #offers = true;
  #doubts = false; /* the server is there: is it what it is asked for? */
  #forgot = false;

  isAwaited = () => false; /* more is to come, after what just came */

  /*
   * url: of the WebSocket. isFinal(code): after that close code, coming back
   * by itself would be wrong.
   *
   * Events: "state" {state, delay}: "connecting", "open", "waiting" for delay
   * milliseconds, "closed"; "message" {json, at, missed}: at names its place
   * among all ("" if it has none), missed: it was said before we came, or null
   * if that cannot be told; "caughtup" {lost}: all that was missed has come,
   * or some is lost; "end" {code, reason}: it will not come back by itself.
   */
  constructor(url, isFinal) {
    super();
    this.#url = url;
    this.#isFinal = isFinal;
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /* All that was missed is here: what has not come back did not arrive. */
  get isCurrent() {
    return this.#behind.size === 0;
  }

  open() {
    this.#stopWaiting();
    if (this.#socket !== null) {
      return;
    }
    const isBare = this.#refusals >= REFUSALS_MAX;
    const socket =
      new WebSocket(this.#target(isBare), this.#offers ? RESUME : []);

    this.#socket = socket;
    this.#opened = 0;
    this.#behind = new Set(this.#offers ? this.#positions.keys() : []);
    this.#emit("state", { state: "connecting" });
    socket.addEventListener("open", () => {
      if (this.#socket !== socket) {
        return;
      }
      this.#refusals = 0;
      this.#doubts = isBare;
      if (isBare) {
        socket.close(1000);
      } else {
        this.#opened = Date.now();
      }
      this.#await();
    });
    socket.addEventListener("message", ({ data }) => {
      if (this.#socket === socket && !isBare) {
        clearTimeout(this.#silence);
        this.#silence = 0;
        this.#take(data);
      }
      if (this.#socket === socket && this.isAwaited()) {
        this.#await();
      }
    });
    socket.addEventListener("close", (how) => {
      if (this.#socket !== socket) {
        return;
      }
      this.#socket = null;
      if (isBare && this.#doubts) { /* once more with them */
        this.open();
      } else {
        this.#ended(how);
      }
    });
  }

  #target(isBare) {
    const url = new URL(this.#url);

    if (this.#offers && this.#id !== null && !isBare) {
      const points = [...this.#positions]
        .map(([key, at]) => `,${key}.${this.#given.get(key) ?? at}`);

      url.search += `&resume=${this.#id}${points.join("")}`;
    }
    return url;
  }

  /* ---- what comes ---- */

  #take(data) {
    if (this.#socket.protocol !== RESUME) {
      this.#emit("message", { json: JSON.parse(data), at: "", missed: null });
      return;
    }
    const end = data.indexOf("\n");
    const [what, key, position] = data.slice(0, end).split(" ");

    if (what === "w") {
      this.#id = key;
    } else if (what === "m") {
      const isNew = position === undefined || this.#passes(key, position);

      this.#emit("message", {
        json: JSON.parse(data.slice(end + 1)),
        at: position === undefined ? "" : `${key} ${position}`,
        missed: !isNew || this.#behind.has(key),
      });
    } else if (position !== undefined) {
      this.#passes(key, position);
      if (what === "r" || what === "x") {
        this.#behind.delete(key);
        this.#emit("caughtup", { lost: what === "x" });
      }
    }
    this.#awaitRest();
  }

  /* Should what we missed never come. */
  #awaitRest() {
    clearTimeout(this.#catchUp);
    if (this.#behind.size > 0) {
      this.#catchUp = setTimeout(() => {
        this.#behind.forEach((key) => this.#positions.delete(key));
        this.#behind.clear();
        this.#emit("caughtup", { lost: true });
      }, CATCH_UP_MS);
    }
  }

  /* Takes note of how far we are. False: we were there before. */
  #passes(key, position) {
    const [epoch, offset] = position.split(".");
    const [known, last] = this.#positions.get(key)?.split(".") ?? [];

    this.#given.delete(key);
    if (epoch === known && BigInt(offset) <= BigInt(last)) {
      if (offset !== last) {
        this.#given.set(key, position); /* the rest is to come */
      }
      return false;
    }
    this.#positions.delete(key);
    this.#positions.set(key, position);
    if (this.#positions.size > POSITIONS_MAX) {
      this.#positions.delete(this.#positions.keys().next().value);
    }
    return true;
  }

  /* What we said is of use. */
  settled() {
    this.#emit("state", { state: "open" });
    if (this.#forgot) {
      this.#forgot = false;
      this.#emit("caughtup", { lost: true });
    }
  }

  /* ---- what goes ---- */

  send(json) {
    const socket = this.#socket;

    if (socket?.readyState !== WebSocket.OPEN) {
      return false;
    }
    socket.send(JSON.stringify(json));
    this.#await();
    return true;
  }

  /* The network may be gone without a word. */
  #await() {
    this.#silence ||= setTimeout(() => this.#drop(), SILENCE_MS);
  }

  #drop() {
    const socket = this.#socket;

    this.#socket = null;
    socket?.close();
    this.#ended({ code: 1006, reason: "" });
  }

  /* For good. */
  close() {
    const socket = this.#socket;

    this.#stopWaiting();
    this.#socket = null;
    socket?.close(1000);
  }

  /* ---- coming back ---- */

  /* Now rather than when the delay is over. */
  hurry() {
    if (this.#delay !== 0) {
      this.open();
    }
  }

  #stopWaiting() {
    for (const timer of [this.#delay, this.#silence, this.#catchUp]) {
      clearTimeout(timer);
    }
    this.#delay = 0;
    this.#silence = 0;
  }

  #ended({ code, reason }) {
    this.#stopWaiting();
    if (this.#isFinal(code)) {
      this.#emit("state", { state: "closed" });
      this.#emit("end", { code, reason });
      return;
    }
    if (this.#opened === 0) {
      this.#askWhy();
    } else {
      this.#offers = true;
      this.#failures =
        Date.now() - this.#opened > STEADY_MS ? 0 : this.#failures;
    }
    const longest =
      Math.min(FIRST_DELAY_MS * 2 ** this.#failures, LONGEST_DELAY_MS);
    /* A server that restarts loses everybody at once: spread them. */
    const delay = longest * (0.5 + Math.random() / 2);

    this.#failures += 1;
    this.#delay = setTimeout(() => this.open(), delay);
    this.#emit("state", { state: "waiting", delay });
  }

  /*
   * A browser hides why a handshake failed. If the server is there for all
   * else, it may be what we asked for: positions that it does not know, or the
   * subprotocol, without which browsers accept no connection.
   */
  async #askWhy() {
    try {
      const page =
        await fetch(location.pathname, { method: "HEAD", cache: "no-store" });

      if (!page.ok) {
        return; /* something in front of it is there */
      }
    } catch {
      return; /* not there at all */
    }
    if (this.#id === null) {
      this.#offers = !this.#offers;
    } else if (this.#doubts) {
      this.#forget();
    } else {
      /* Then it tries without; should that fail, it is for something else. */
      this.#refusals = (this.#refusals + 1) % (REFUSALS_MAX + 1);
    }
  }

  #forget() {
    this.#doubts = false;
    this.#id = null;
    this.#positions.clear();
    this.#given.clear();
    this.#forgot = true;
  }
}
