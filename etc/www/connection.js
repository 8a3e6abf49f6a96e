// connection.js - a WebSocket that comes back: JSON out, JSON in

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15000;

/*
 * Close codes after which coming back by itself would be wrong: 1003 and 1008
 * are the server's verdict on what we sent, 4000 and up are the plugin's own.
 */
const isFinal = (code) => code === 1003 || code === 1008 || code >= 4000;

export class Connection extends EventTarget {
  #url;
  #check;
  #socket = null;
  #timer = 0;
  #failures = 0;

  /*
   * url: of the WebSocket. check: the same by HTTP, where the server says why
   * it would refuse us; a browser hides that of a handshake.
   *
   * Events: "state" {state, delay}: "connecting", "open", "waiting" for delay
   * milliseconds, "closed"; "message" {json}; "end" {code, error}: it will not
   * come back by itself.
   */
  constructor(url, check) {
    super();
    this.#url = url;
    this.#check = check;
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  open() {
    this.#stopWaiting();
    if (this.#socket !== null) {
      return;
    }
    const socket = new WebSocket(this.#url);
    let opened = false;

    this.#socket = socket;
    this.#emit("state", { state: "connecting" });
    socket.addEventListener("open", () => {
      opened = true;
    });
    socket.addEventListener("message", ({ data }) => {
      if (this.#socket === socket) {
        this.#emit("message", JSON.parse(data));
      }
    });
    socket.addEventListener("close", async ({ code }) => {
      if (this.#socket !== socket) {
        return;
      }
      const error = opened ? null : await this.#whyRefused();

      if (this.#socket !== socket) {
        return;
      }
      this.#socket = null;
      if (error !== null || isFinal(code)) {
        this.#emit("state", { state: "closed" });
        this.#emit("end", { code, error });
      } else {
        this.#comeBack();
      }
    });
  }

  /* What we said is of use: the next failure is the first again. */
  settled() {
    this.#failures = 0;
    this.#emit("state", { state: "open" });
  }

  send(json) {
    if (this.#socket?.readyState !== WebSocket.OPEN) {
      return false;
    }
    this.#socket.send(JSON.stringify(json));
    return true;
  }

  /* For good. */
  close() {
    const socket = this.#socket;

    this.#stopWaiting();
    this.#socket = null;
    socket?.close(1000);
  }

  /* Now rather than when the delay is over. */
  hurry() {
    if (this.#timer !== 0) {
      this.open();
    }
  }

  #stopWaiting() {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  #comeBack() {
    const longest =
      Math.min(FIRST_DELAY_MS * 2 ** this.#failures, LONGEST_DELAY_MS);
    /* A server that restarts loses everybody at once: spread them. */
    const delay = longest * (0.5 + Math.random() / 2);

    this.#failures += 1;
    this.#timer = setTimeout(() => this.open(), delay);
    this.#emit("state", { state: "waiting", delay });
  }

  async #whyRefused() {
    try {
      const answer = await fetch(this.#check, { cache: "no-store" });

      return (await answer.json()).error ?? null;
    } catch {
      return null; /* not there at all: it may come back */
    }
  }
}
