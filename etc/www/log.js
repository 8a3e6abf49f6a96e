// log.js - the messages of a room on the page, each once: which are new to the
// reader, and what was missed

import { item } from "./view.js";

const ITEMS_MAX = 1000;
const NEAR_END_PX = 40;

const count = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

/* Places in one topic, "KEY EPOCH.OFFSET", have an order; others a time. */
function isBehind(a, b) {
  const [topicA, offsetA] = a.at.split(".");
  const [topicB, offsetB] = b.at.split(".");

  return a.at !== "" && topicA === topicB
    ? BigInt(offsetA) > BigInt(offsetB) : a.time > b.time;
}

/* By which a message is known when it comes again. */
function signsOf({ from, ref, text, time }, at) {
  const signs = at === "" ? [] : [at];

  if (ref !== undefined) {
    signs.push(`${from.name}\n${ref}`);
  }
  return signs.length > 0 ? signs : [`${from.id} ${time} ${text}`];
}

export class Log {
  #scroll;
  #list;
  #newer;
  #items = [];
  #known = new Set();
  #unread = new Set();
  #atEnd = true;
  #absence = 0; /* how often we came back */

  me = { name: "" }; /* whose messages are shown as one's own */
  isCovered = () => false; /* something is in front of it */
  onUnread = () => {}; /* with their number */

  /* The element that scrolls, the list in it, and a button to the newest. */
  constructor(scroll, list, newer) {
    this.#scroll = scroll;
    this.#list = list;
    this.#newer = newer;
    newer.addEventListener("click", () => this.toEnd());
    scroll.addEventListener("scroll", () => this.#look());
    document.addEventListener("visibilitychange", () => this.look());
    /* A keyboard on the screen, a longer draft: what was last stays in view. */
    const sizes = new ResizeObserver(() => this.#atEnd && this.toEnd());

    sizes.observe(scroll);
    [...scroll.children].forEach((child) => sizes.observe(child));
  }

  clear() {
    this.#items = [];
    this.#known.clear();
    this.#list.replaceChildren();
    this.toEnd();
    this.#setUnread([]);
  }

  toEnd() {
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
    this.#atEnd = true;
    this.look();
  }

  note(text) {
    this.#insert(this.#items.length, { type: "note", text, time: Date.now(),
      at: "", absence: NaN });
  }

  /* It is us again: what was missed comes now; of what was missed before, no
   * more has come than is here. */
  cameBack() {
    this.divide(false);
    this.#absence += 1;
  }

  /*
   * at: its place among all, or "". missed: it was said while we were away;
   * old: it is no news. False: it is here already.
   */
  add(message, { at, missed, old }) {
    const signs = signsOf(message, at);

    if (signs.some((sign) => this.#known.has(sign))) {
      return false;
    }
    signs.forEach((sign) => this.#known.add(sign));
    const isMine = message.from.name === this.me.name;
    const now = { ...message, at, signs,
      absence: missed && !isMine ? this.#absence : -1 };

    if (!isMine && !old && !this.#isSeen) {
      this.#setUnread([...this.#unread, now]);
    }
    this.#insert(missed || old ? this.#place(now) : this.#items.length, now);
    return true;
  }

  /* What was missed is here: says so above it. lost: it is not all. */
  divide(lost) {
    const ours = this.#items.filter(({ absence }) => absence === this.#absence);
    const before = ours.find(({ type }) => type === "divider");
    const missed = ours.filter((now) => now !== before);
    const isAtEnd = this.#atEnd;
    let i = this.#items.findIndex(({ visit }) => visit === this.#absence);

    lost ||= before?.lost ?? false;
    const text = lost
      ? "You were away too long: some messages may be missing here"
      : `While you were away: ${count(missed.length, "message")}`;

    if (text === before?.text) {
      return; /* it was said, and may have been read */
    }
    if (before !== undefined) {
      i = this.#items.indexOf(before);
      this.#remove(i);
    }
    if (missed.length > 0) {
      i = this.#items.indexOf(missed[0]);
    } else if (!lost) {
      return;
    }
    const now = { type: "divider", at: "", absence: this.#absence, lost, text,
      time: missed[0]?.time ?? Date.now() };

    this.#insert(i < 0 ? this.#items.length : i, now);
    if (isAtEnd) {
      this.#scrollTo(now);
    }
    if (!this.#isSeen) {
      this.#setUnread([...this.#unread, ...missed]);
    }
  }

  /* Where one belongs that was said before others came: below the divider,
   * above whom and what we have seen come. */
  #place(now) {
    const isLater = (other) => other?.visit === this.#absence
      && other.type !== "divider"
      && (other.type === "note" || isBehind(other, now));
    let i = this.#items.length;

    while (isLater(this.#items[i - 1])) {
      i -= 1;
    }
    return i;
  }

  #insert(i, now) {
    now.visit = this.#absence;
    this.#items.splice(i, 0, now);
    this.#draw(i);
    this.#draw(i + 1);
    if (this.#items.length > ITEMS_MAX) {
      this.#items.splice(0, ITEMS_MAX / 2).forEach(({ elements, signs }) => {
        elements.forEach((element) => element.remove());
        signs?.forEach((sign) => this.#known.delete(sign));
      });
      this.#draw(0);
    }
    if (this.#atEnd) {
      this.toEnd();
    }
  }

  #remove(i) {
    const [{ elements }] = this.#items.splice(i, 1);

    elements.forEach((element) => element.remove());
    this.#draw(i);
  }

  /* What is before it decides how it looks. */
  #draw(i) {
    const now = this.#items[i];

    if (now === undefined) {
      return;
    }
    const elements = item(now, this.#items[i - 1], this.me);

    now.elements?.forEach((element) => element.remove());
    for (const element of elements) {
      this.#list.insertBefore(element, this.#items[i + 1]?.elements[0] ?? null);
    }
    now.elements = elements;
  }

  /* ---- what was seen ---- */

  get #isSeen() {
    return this.#atEnd && !document.hidden && !this.isCovered();
  }

  #look() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroll;

    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    this.look();
  }

  /* Something may be in view now that was not. */
  look() {
    if (this.#isSeen) {
      this.#setUnread([]);
    }
    this.#newer.hidden = this.#atEnd || this.#unread.size === 0;
  }

  #scrollTo({ elements: [element] }) {
    this.#scroll.scrollTop += element.getBoundingClientRect().top
      - this.#scroll.getBoundingClientRect().top - NEAR_END_PX / 2;
    this.#look();
  }

  #setUnread(items) {
    this.#unread = new Set(items);
    this.#newer.textContent = `↓ ${count(this.#unread.size, "new message")}`;
    this.#newer.hidden = this.#atEnd || this.#unread.size === 0;
    this.onUnread(this.#unread.size);
  }
}
