// outbox.js - what was written and has not come back from the server yet

const ENTRIES_MAX = 50;

export class Outbox {
  #send;
  #changed;
  #entries = []; /* in their order */
  /* Unique: all drop what they have already, by its writer's name and this. */
  #prefix = crypto.getRandomValues(new Uint32Array(2)).join("-");
  #last = 0;

  /* send(json): false if it cannot go now. changed(): draw it anew. */
  constructor(send, changed) {
    this.#send = send;
    this.#changed = changed;
  }

  get entries() {
    return this.#entries;
  }

  get isFull() {
    return this.#entries.length >= ENTRIES_MAX;
  }

  /* Something was sent. */
  get isAwaited() {
    return this.#entries.some(({ sent }) => sent);
  }

  add(json) {
    const ref = `${this.#prefix}-${++this.#last}`;

    this.#entries.push({ json: { ...json, ref }, sent: false, error: null });
    this.flush();
  }

  /* Sends what is to go, in its order. */
  flush() {
    for (const entry of this.#entries) {
      entry.sent ||= entry.error === null && this.#send(entry.json);
    }
    this.#changed();
  }

  /* The connection is another one: all has to go again. */
  unsend() {
    this.#entries.forEach((entry) => {
      entry.sent = false;
    });
    this.#changed();
  }

  #find(ref) {
    return this.#entries.find(({ json }) => json.ref === ref);
  }

  /* It has come back. */
  remove(ref) {
    const entry = this.#find(ref);

    if (entry !== undefined) {
      this.#entries.splice(this.#entries.indexOf(entry), 1);
      this.#changed();
    }
  }

  /* It was refused. False: it is not ours. */
  fail(ref, error) {
    const entry = this.#find(ref);

    if (entry === undefined) {
      return false;
    }
    Object.assign(entry, { sent: false, error });
    this.#changed();
    return true;
  }

  /* What was refused, once more. */
  retry(ref) {
    Object.assign(this.#find(ref), { error: null });
    this.flush();
  }

  clear() {
    this.#entries = [];
    this.#changed();
  }
}
