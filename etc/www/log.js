// log.js - the messages of a room on the page, by time, each once

import { item } from "./view.js";

const ITEMS_MAX = 1000;
const NEAR_END_PX = 40;
const SOON_MS = 10000;

export class Log {
  #scroll;
  #list;
  #newer;
  #items = [];
  #known = new Set(); /* ids of messages */
  #atEnd = true;
  #below = 0; /* messages that came while scrolled up */

  me = null; /* whose messages are shown as one's own */

  /* The element that scrolls, the list in it, and a button to the newest. */
  constructor(scroll, list, newer) {
    this.#scroll = scroll;
    this.#list = list;
    this.#newer = newer;
    newer.addEventListener("click", () => this.toEnd());
    scroll.addEventListener("scroll", () => {
      this.#atEnd = scroll.scrollHeight - scroll.scrollTop
        - scroll.clientHeight < NEAR_END_PX;
      if (this.#atEnd) {
        this.#seen();
      }
    });
    /* A keyboard on the screen, a longer draft: what was last stays in view. */
    new ResizeObserver(() => this.#atEnd && this.toEnd()).observe(scroll);
  }

  clear() {
    this.#items = [];
    this.#known.clear();
    this.#draw();
  }

  toEnd() {
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
    this.#atEnd = true;
    this.#seen();
  }

  note(text, time = Date.now()) {
    this.#append({ type: "note", text, time });
  }

  /* Takes the last note back if it says that and is not old. */
  unnote(text, time) {
    const last = this.#items.at(-1);

    if (last?.type !== "note" || last.text !== text
        || time - last.time > SOON_MS) {
      return false;
    }
    this.#items.pop();
    this.#list.lastElementChild.remove();
    if (this.#list.lastElementChild?.className === "day") {
      this.#list.lastElementChild.remove();
    }
    return true;
  }

  /* False if it is no news. */
  add(message) {
    if (this.#known.has(message.id)) {
      return false;
    }
    this.#known.add(message.id);
    this.#append(message);
    return true;
  }

  /* Messages we may have missed, and some we have. */
  merge(messages) {
    const missed = messages.filter(({ id }) => !this.#known.has(id));

    for (const { id } of missed) {
      this.#known.add(id);
    }
    this.#items =
      [...this.#items, ...missed].sort((a, b) => a.time - b.time);
    this.#draw();
  }

  #append(now) {
    const before = this.#items.at(-1);

    this.#items.push(now);
    if (this.#items.length > ITEMS_MAX) {
      this.#items = this.#items.slice(-ITEMS_MAX / 2);
      this.#draw();
      return;
    }
    this.#list.append(...item(now, before, this.me));
    if (this.#atEnd) {
      this.toEnd();
    } else if (now.type !== "note") {
      this.#below += 1;
      this.#newer.textContent =
        `↓ ${this.#below} new message${this.#below === 1 ? "" : "s"}`;
      this.#newer.hidden = false;
    }
  }

  #draw() {
    this.#list.replaceChildren(...this.#items.flatMap(
      (now, i) => item(now, this.#items[i - 1], this.me)));
    this.toEnd();
  }

  #seen() {
    this.#below = 0;
    this.#newer.hidden = true;
  }
}
