// chat.js - the chat page: joins a room, shows what happens there
//
// The protocol is in plugins/chat/README.md. What comes from others is only
// ever put into text nodes.

import { Connection } from "./connection.js";
import { Log } from "./log.js";
import { Outbox } from "./outbox.js";
import { People } from "./people.js";
import { person, unsent } from "./view.js";

const PATH = "/chat";
const NAME_MAX = 24;

/* Close codes after which coming back by itself would be wrong. */
const TAKEN_OVER = 4001;
const REFUSED = {
  4400: "The server does not accept that name or room.",
  4409: "Somebody in this room has that name.",
  4503: "The room is full.",
};
const isFinal = (code) => code === TAKEN_OVER || code in REFUSED;

const $ = (id) => document.getElementById(id);
const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;

/* A browser may store nothing for us: then the page remembers. */
function storage(name) {
  const probe = "probe";

  try {
    window[name].setItem(probe, probe);
    window[name].removeItem(probe);
    return window[name];
  } catch {
    const items = new Map();

    return {
      getItem: (key) => items.get(key) ?? null,
      setItem: (key, value) => items.set(key, value),
      removeItem: (key) => items.delete(key),
    };
  }
}

const ofTab = storage("sessionStorage");
const ofBrowser = storage("localStorage");

/*
 * Proves to the server that we are who was here before: after a lost
 * connection we get our name back although the old connection may still seem
 * alive. One for each tab, room and name.
 */
function keyFor(newRoom, name) {
  const item = `key ${newRoom}\n${name}`;
  let key = ofTab.getItem(item);

  if (key === null) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));

    key = [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
    ofTab.setItem(item, key);
  }
  return key;
}

function urlFor(newRoom, name) {
  const key = keyFor(newRoom, name);
  const query = Object.entries({ room: newRoom, name, key })
    .map((pair) => pair.map(encodeURIComponent).join("=")).join("&");

  return `${location.protocol === "https:" ? "wss" : "ws"}://`
    + `${location.host}${PATH}?${query}`;
}

function ofHash() {
  const hash = location.hash.slice(1);

  try {
    return decodeURIComponent(hash);
  } catch {
    return hash; /* somebody has typed it */
  }
}

const roomOfPage = () =>
  ofHash() || new URLSearchParams(location.search).get("room") || "";

/* ---- what we know ---- */

let connection = null;
let room = "";
let me = { id: "", name: "" };
let since = 0; /* the server's time when this connection began */
let wasAway = false; /* this is not our first connection */
let limits = { text: 2000 };
let partner = null; /* the name of whom we write to; null: everybody */
let unread = 0;
const log = new Log($("scroll"), $("log"), $("newer"));
const people = new People(drawPeople, (text) => log.note(text));
const outbox = new Outbox(
  (json) => isOpen() && connection.isCurrent && connection.send(json),
  drawUnsent);

const isOpen = () => $("state").dataset.state === "open";

log.isCovered = () => $("people-toggle").offsetParent !== null
  && $("people").classList.contains("shown");
log.onUnread = (number) => {
  unread = number;
  $("unread").hidden = number === 0;
  $("unread").textContent = number > 99 ? "99+" : number;
  $("unread").ariaLabel = `${count(number, "message", "messages")} not read`;
  drawTitle();
};

function drawTitle() {
  if (!$("chat").hidden) {
    document.title = `${unread > 0 ? `(${unread}) ` : ""}#${room} · patchbay`;
  }
}

/* ---- people ---- */

function drawPeople() {
  const focused = document.activeElement?.dataset.name;
  const list = people.list(me.name);

  $("members").replaceChildren(...list.map((member) => {
    const element = person(member, member.name === me.name, choosePartner);

    element.firstElementChild.ariaPressed =
      member.name === me.name ? null : String(member.name === partner);
    return element;
  }));
  if (focused !== undefined) {
    [...$("members").querySelectorAll("button")]
      .find((button) => button.dataset.name === focused)?.focus();
  }
  $("count").textContent = `· ${list.length}`;
  $("people-toggle").textContent = count(list.length, "person", "people");
  drawPartner();
}

function drawPartner() {
  const isHere = partner === null || people.has(partner);

  $("aside").hidden = partner === null;
  $("aside").classList.toggle("gone", !isHere);
  $("aside-name").textContent = partner ?? "";
  $("aside-before").hidden = !isHere;
  $("aside-after").textContent = isHere ? "will see this" : "is not here now";
  fitText();
}

function choosePartner(name) {
  partner = name;
  $("composer").classList.toggle("aside", name !== null);
  $("text").placeholder =
    name === null ? `Message #${room}` : `Message to ${name}`;
  showPeople(false);
  drawPeople();
  $("text").focus();
}

function showPeople(shown) {
  $("people").classList.toggle("shown", shown);
  $("people-toggle").ariaExpanded = String(shown);
  log.look();
}

/* ---- what the server says ---- */

function receive(message, { at, missed }) {
  if (message.from.name === me.name) {
    outbox.remove(message.ref);
  }
  const isEarlier = missed ?? message.time < since;

  if (!wasAway) {
    log.add(message, { at, missed: false, old: isEarlier });
  } else if (log.add(message, { at, missed: isEarlier, old: false })
    && isEarlier && missed === null) {
    log.divide(false); /* nobody tells when it is the last */
  }
}

const handlers = {
  welcome(welcome) {
    wasAway = me.id !== "";
    me = welcome.you;
    room = welcome.room;
    since = welcome.time;
    limits = welcome.limits;
    log.me = me;
    if (wasAway) {
      log.cameBack();
    }
    people.set(welcome.members);
    outbox.unsend();
    connection.settled();
    outbox.flush();
    if (!wasAway) {
      ofTab.setItem("joined", JSON.stringify({ room, name: me.name }));
      ofBrowser.setItem("name", me.name);
      showRoom();
    }
  },

  message: receive,
  private: receive,
  join: ({ member }) => people.join(member),
  leave: ({ member }) => people.leave(member),
  members: ({ members }) => people.set(members),

  error({ text, ref }) {
    if (!outbox.fail(ref, text)) {
      hint(text);
    }
  },
};

function caughtUp({ lost }) {
  if (wasAway) {
    log.divide(lost);
  }
  outbox.flush();
}

function showState({ state, delay }) {
  const words = {
    connecting: "connecting…",
    open: "connected",
    waiting: "connection lost",
    closed: "not connected",
  };

  $("state").dataset.state = state;
  $("state").textContent = words[state];
  if (state !== "open") {
    people.hold();
  }
  if (state === "waiting" && !$("chat").hidden) {
    outbox.unsend();
    banner(delay < 2000 ? "Connection lost. Trying again…"
      : `Connection lost. Next try in ${Math.round(delay / 1000)} s.`,
    "Try now", () => connection.hurry());
  } else if (state === "waiting") {
    problem("The server does not answer. Trying again…");
  } else if (state === "open") {
    banner(null);
  }
  fitText();
}

function ended({ code, reason }) {
  outbox.unsend();
  if (code === TAKEN_OVER) {
    banner("You came back from another window.", "Chat here",
      () => connection.open());
  } else {
    leave();
    problem(reason || REFUSED[code]);
    $("name").select();
  }
}

function banner(text, label, act) {
  $("banner").hidden = text === null;
  if (text !== null) {
    $("banner-text").textContent = text;
    $("banner-button").textContent = label;
    $("banner-button").onclick = act;
  }
}

/* ---- writing ---- */

let hintTimer = 0;

function hint(text) {
  $("hint").textContent = text;
  $("hint").classList.add("warn");
  clearTimeout(hintTimer);
  hintTimer = setTimeout(fitText, 4000);
}

/* Grows with the text, and says when it gets long. */
function fitText() {
  const text = $("text");
  const length = [...text.value.trim()].length;
  const left = limits.text - length;

  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + 2}px`;
  $("hint").classList.toggle("warn", left < 0);
  $("hint").textContent =
    left >= 200 ? ""
      : left >= 0 ? `${count(left, "character", "characters")} left`
        : `${count(-left, "character", "characters")} too long`;
  /* Without a connection it waits for one. */
  $("send").disabled = length === 0 || left < 0 || outbox.isFull
    || $("state").dataset.state === "closed"
    || (partner !== null && !people.has(partner));
}

function submit() {
  const text = $("text").value.trim();

  if (!$("send").disabled) {
    $("text").value = "";
    outbox.add(partner === null ? { type: "say", text }
      : { type: "private", to: partner, text });
    log.toEnd();
  }
}

function drawUnsent() {
  $("unsent").replaceChildren(...outbox.entries.map((entry) => {
    const { ref } = entry.json;

    return unsent(entry, () => outbox.retry(ref), () => outbox.remove(ref));
  }));
  fitText();
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
$("text").addEventListener("input", fitText);
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    submit();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !$("chat").hidden) {
    choosePartner(null);
  }
});
$("aside-end").addEventListener("click", () => choosePartner(null));
$("people-toggle").addEventListener("click", () => {
  showPeople(!$("people").classList.contains("shown"));
});
$("invite").addEventListener("click", async () => {
  const link = `${location.origin}${location.pathname}#${encodeURIComponent(room)}`;

  try {
    await navigator.clipboard.writeText(link);
    $("invite").textContent = "Copied";
  } catch {
    window.prompt("The link to this room:", link);
  }
  setTimeout(() => {
    $("invite").textContent = "Copy link";
  }, 2000);
});

/* ---- in and out ---- */

function problem(text) {
  $("problem").hidden = text === null;
  $("problem").textContent = text ?? "";
  $("enter").disabled = false;
}

function join(newRoom, name) {
  connection?.close();
  room = newRoom;
  me = { id: "", name };
  wasAway = false;
  log.clear();
  people.clear();
  outbox.clear();
  connection = new Connection(urlFor(newRoom, name), isFinal);
  connection.isAwaited = () => !isOpen() || outbox.isAwaited;
  connection.addEventListener("state", ({ detail }) => showState(detail));
  connection.addEventListener("caughtup", ({ detail }) => caughtUp(detail));
  connection.addEventListener("end", ({ detail }) => ended(detail));
  connection.addEventListener("message", ({ detail }) => {
    /* Unknown types are for later clients. */
    handlers[detail.json.type]?.(detail.json, detail);
  });
  connection.open();
}

function showRoom() {
  problem(null);
  $("door").hidden = true;
  $("chat").hidden = false;
  $("title").textContent = `#${room}`;
  history.replaceState(null, "", `${location.pathname}#${encodeURIComponent(room)}`);
  drawTitle();
  choosePartner(null);
  fitText();
  log.toEnd();
}

function leave() {
  connection?.close();
  connection = null;
  ofTab.removeItem("joined");
  $("chat").hidden = true;
  $("door").hidden = false;
  $("room").value = room;
  document.title = "Chat · patchbay";
  problem(null);
  banner(null);
  $("name").focus();
}

$("leave").addEventListener("click", leave);

$("join").addEventListener("submit", (event) => {
  const name = $("name").value.trim();

  event.preventDefault();
  if ([...name].length > NAME_MAX) {
    problem(`A name has at most ${NAME_MAX} characters.`);
    return;
  }
  problem(null);
  $("enter").disabled = true;
  join($("room").value.trim() || "lobby", name);
});

/* Another room in the address bar. */
window.addEventListener("hashchange", () => {
  const wanted = roomOfPage() || "lobby";

  if ($("chat").hidden) {
    $("room").value = wanted;
  } else if (wanted !== room) {
    join(wanted, me.name);
  }
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    connection?.hurry();
  }
});
window.addEventListener("online", () => connection?.hurry());

/* A reload goes back in. */
function begin() {
  const joined = JSON.parse(ofTab.getItem("joined") ?? "null");

  $("name").value = ofBrowser.getItem("name") ?? "";
  $("room").value = roomOfPage();
  if (joined !== null && joined.room === (roomOfPage() || joined.room)) {
    $("name").value = joined.name;
    $("room").value = joined.room;
    join(joined.room, joined.name);
  } else {
    $($("name").value === "" ? "name" : "enter").focus();
  }
}

begin();
