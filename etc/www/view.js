// view.js - people and messages as elements; all text goes in as text

const GROUP_MS = 5 * 60 * 1000;

const clock = new Intl.DateTimeFormat([], {
  hour: "2-digit", minute: "2-digit",
});
const fullDate = new Intl.DateTimeFormat([], {
  dateStyle: "full", timeStyle: "medium",
});
const dayName = new Intl.DateTimeFormat([], {
  weekday: "long", day: "numeric", month: "long",
});

export function make(tag, className, ...children) {
  const element = document.createElement(tag);

  element.className = className;
  element.append(...children); /* strings become text nodes */
  return element;
}

/* The same person has the same colour in every room and tab. */
function hue(name) {
  let hash = 0x811c9dc5;

  for (const char of name.toLowerCase()) {
    hash = Math.imul(hash ^ char.codePointAt(0), 0x01000193) >>> 0;
  }
  return hash % 360;
}

/* What a reader sees as the first character, an emoji of several included. */
function initial(name) {
  if (typeof Intl.Segmenter !== "function") {
    return [...name][0].toUpperCase();
  }
  const [first] = new Intl.Segmenter().segment(name);

  return first.segment.toUpperCase();
}

function avatar(name) {
  const element = make("span", "avatar", initial(name));

  element.setAttribute("aria-hidden", "true");
  element.style.setProperty("--hue", hue(name));
  return element;
}

export function person(member, isMe, choose) {
  const name = make("span", "", member.name);

  if (isMe) {
    return make("li", "", make("div", "person", avatar(member.name), name,
      make("small", "", "(you)")));
  }
  const button = make("button", "person", avatar(member.name), name);

  button.type = "button";
  button.title = `Write to ${member.name} only`;
  button.setAttribute("aria-label", button.title);
  button.dataset.name = member.name;
  button.addEventListener("click", () => choose(member.name));
  return make("li", "", button);
}

const sameDay = (a, b) =>
  new Date(a).toDateString() === new Date(b).toDateString();

const sameKind = (a, b) =>
  a?.type === b.type && a.from.name === b.from.name && a.to?.name === b.to?.name
  && b.time - a.time < GROUP_MS;

/*
 * The elements of one item of the log: a message, a private one or a note.
 * before: the item above it, or undefined.
 */
export function item(now, before, me) {
  const elements = [];

  if (before === undefined || !sameDay(before.time, now.time)) {
    const isToday = sameDay(Date.now(), now.time);

    elements.push(
      make("li", "day", isToday ? "Today" : dayName.format(now.time)));
    before = undefined;
  }
  if (now.type === "note" || now.type === "divider") {
    elements.push(make("li", now.type, make("span", "", now.text)));
    return elements;
  }
  const isMine = now.from.name === me.name;
  const follows = sameKind(before, now);
  const element = make("li", "message");

  element.classList.toggle("mine", isMine);
  element.classList.toggle("private", now.type === "private");
  element.classList.toggle("follows", follows);
  element.title = fullDate.format(now.time);
  if (!follows) {
    const who =
      make("div", "who", make("strong", "", isMine ? "You" : now.from.name));
    const time = make("time", "", clock.format(now.time));

    time.dateTime = new Date(now.time).toISOString();
    if (now.type === "private") {
      who.append(make("span", "",
        isMine ? `only to ${now.to.name}` : "only to you"));
    }
    who.append(time);
    element.append(avatar(now.from.name), who);
  }
  element.append(make("div", "body", now.text));
  elements.push(element);
  return elements;
}

function act(text, run) {
  const button = make("button", "quiet", text);

  button.type = "button";
  button.addEventListener("click", run);
  return button;
}

/* One of one's own that has not come back yet, or was refused. */
export function unsent({ json, error, sent }, retry, discard) {
  const element = make("li", "message mine unsent");
  const state = make("div", "unsent-state");

  element.classList.toggle("private", json.type === "private");
  element.classList.toggle("failed", error !== null);
  element.append(make("div", "body", json.text), state);
  if (json.to !== undefined) {
    state.append(make("span", "", `only to ${json.to}`), " · ");
  }
  if (error === null) {
    state.append(sent ? "sending…" : "waiting for the connection…");
  } else {
    state.append(make("span", "warn", `Not sent: ${error}`),
      act("Send again", retry), act("Discard", discard));
  }
  return element;
}
