// people.js - who is in the room, and who has only reconnected

const AWAY_MS = 5000; /* who is back by then needs no word */

export class People {
  #members = new Map(); /* by id */
  #away = new Map(); /* by name: the timer to say that they left, or 0 */
  #changed;
  #note;

  /* changed(): draw them anew; note(text): say so. */
  constructor(changed, note) {
    this.#changed = changed;
    this.#note = note;
  }

  /* Each name once, oneself first. */
  list(myName) {
    const byName =
      new Map([...this.#members.values()].map((one) => [one.name, one]));

    return [...byName.values()].sort((a, b) =>
      (b.name === myName) - (a.name === myName)
      || a.name.localeCompare(b.name));
  }

  has(name) {
    return [...this.#members.values()].some((one) => one.name === name);
  }

  #isBack(name) {
    const wasAway = this.#away.has(name);

    clearTimeout(this.#away.get(name));
    this.#away.delete(name);
    return wasAway;
  }

  /* Who is here no more may only be a little later back than we are. */
  set(members) {
    const before = [...this.#members.values()].map(({ name }) => name);
    const gone = new Set([...before, ...this.#away.keys()]);

    this.#members = new Map(members.map((member) => [member.id, member]));
    members.forEach(({ name }) => this.#isBack(name));
    gone.forEach((name) => this.#mayHaveLeft(name));
    this.#changed();
  }

  /* We hear of nobody: who has gone may be back. Until set(). */
  hold() {
    this.#away.forEach((timer, name) => {
      clearTimeout(timer);
      this.#away.set(name, 0);
    });
  }

  join(member) {
    let isNew = !this.#isBack(member.name);

    for (const { id, name } of this.#members.values()) {
      if (name === member.name) {
        this.#members.delete(id);
        isNew = false;
      }
    }
    this.#members.set(member.id, member);
    this.#changed();
    if (isNew) {
      this.#note(`${member.name} joined`);
    }
  }

  leave({ id, name }) {
    if (this.#members.delete(id)) {
      this.#mayHaveLeft(name);
      this.#changed();
    }
  }

  #mayHaveLeft(name) {
    if (!this.has(name) && !this.#away.get(name)) {
      this.#away.set(name, setTimeout(() => {
        this.#away.delete(name);
        this.#note(`${name} left`);
      }, AWAY_MS));
    }
  }

  clear() {
    this.#away.forEach((timer) => clearTimeout(timer));
    this.#away.clear();
    this.#members.clear();
    this.#changed();
  }
}
