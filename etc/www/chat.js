// chat.js - the chat page: joins a room, shows what happens there
//
// The protocol is in plugins/chat/README.md. What comes from others is only
// ever put into text nodes.

import { Connection } from "./connection.js";
import { Log } from "./log.js";
import { person } from "./view.js";

const PATH = "/chat";
const NAME_MAX = 24;

const $ = (id) => document.getElementById(id);
const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;

/*
 * Proves to the server that we are who was here before: after a lost
 * connection we get our name back although the old connection may still seem
 * alive. One for each tab.
 */
function tabKey() {
  let key = sessionStorage.getItem("key");

  if (key === null) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));

    key = [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem("key", key);
  }
  return key;
}

function urls(room, name) {
  const query = new URLSearchParams({ room });

  if (name !== undefined) {
    query.set("name", name);
    query.set("key", tabKey());
  }
  /* Not "+" for a blank: that is for forms. */
  const target =
    `${location.host}${PATH}?${query.toString().replaceAll("+", "%20")}`;

  return {
    socket: `${location.protocol === "https:" ? "wss" : "ws"}://${target}`,
    http: `${location.protocol}//${target}`,
  };
}

const roomOfPage = () =>
  decodeURIComponent(location.hash.slice(1))
  || new URLSearchParams(location.search).get("room") || "";

/* ---- what we know ---- */

let connection = null;
let room = "";
let me = { id: "", name: "" };
let limits = { text: 2000 };
let members = new Map(); /* by id, in the order they came */
let partner = null; /* whom we write to; null: everybody */
let waiting = new Map(); /* texts on their way, by ref */
let lastRef = 0;
let unread = 0;
const log = new Log($("scroll"), $("log"), $("newer"));

function drawTitle() {
  document.title = `${unread > 0 ? `(${unread}) ` : ""}#${room} · patchbay`;
}

function receive(message) {
  if (log.add(message) && document.hidden && message.from.id !== me.id) {
    unread += 1;
    drawTitle();
  }
}

/* ---- people ---- */

function drawMembers() {
  const others = [...members.values()]
    .filter(({ id }) => id !== me.id)
    .sort((a, b) => a.name.localeCompare(b.name));
  const list = [members.get(me.id), ...others].filter(Boolean);

  $("members").replaceChildren(...list.map((member) => {
    const element = person(member, member.id === me.id, choosePartner);

    element.firstElementChild.ariaPressed =
      member.id === me.id ? null : String(member.id === partner?.id);
    return element;
  }));
  $("count").textContent = `· ${members.size}`;
  $("people-toggle").textContent = count(members.size, "person", "people");
}

function setMembers(list) {
  members = new Map(list.map((member) => [member.id, member]));
  if (partner !== null && !members.has(partner.id)) {
    /* The same name may be back with another id. */
    choosePartner(list.find(({ name }) => name === partner.name) ?? null);
  }
  drawMembers();
}

function choosePartner(member) {
  partner = member;
  $("aside").hidden = member === null;
  $("aside-name").textContent = member?.name ?? "";
  $("composer").classList.toggle("aside", member !== null);
  $("text").placeholder =
    member === null ? `Message #${room}` : `Message to ${member.name}`;
  showPeople(false);
  drawMembers();
  $("text").focus();
}

function showPeople(shown) {
  $("people").classList.toggle("shown", shown);
  $("people-toggle").ariaExpanded = String(shown);
}

/* ---- what the server says ---- */

const handlers = {
  welcome(welcome) {
    const again = me.id !== "";

    me = welcome.you;
    room = welcome.room;
    limits = welcome.limits;
    connection.settled();
    setMembers(welcome.members);
    log.me = me;
    log.merge(welcome.history);
    if (!again) {
      sessionStorage.setItem("joined", JSON.stringify({ room, name: me.name }));
      localStorage.setItem("name", me.name);
      showRoom();
    }
  },

  message: receive,
  private: receive,

  join({ member, replaces, time }) {
    const wasHere = members.delete(replaces);

    members.set(member.id, member);
    if (partner !== null && partner.id === replaces) {
      choosePartner(member);
    }
    drawMembers();
    /* Who leaves and is back before anything else has only reloaded. */
    if (!wasHere && !log.unnote(`${member.name} left`, time)) {
      log.note(`${member.name} joined`, time);
    }
  },

  leave({ member, time }) {
    if (members.delete(member.id)) {
      drawMembers();
      log.note(`${member.name} left`, time);
    }
    if (partner?.id === member.id) {
      choosePartner(null);
    }
  },

  members: ({ members: list }) => setMembers(list),
  history: ({ history }) => log.merge(history),

  error({ text, ref }) {
    const unsent = waiting.get(String(ref));

    if (unsent !== undefined && $("text").value === "") {
      $("text").value = unsent;
      fitText();
    }
    hint(text);
  },
};

function showState({ state, delay }) {
  const words = {
    connecting: "connecting…",
    open: "connected",
    waiting: "connection lost",
    closed: "not connected",
  };

  $("state").dataset.state = state;
  $("state").textContent = words[state];
  if (state === "waiting" && me.id !== "") {
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

function ended({ code, error }) {
  if (error !== null || code === 4409) {
    leave();
    problem(error?.text ?? "Somebody in this room has that name.");
    $("name").select();
  } else if (code === 4001) {
    banner("You came back from another window.", "Chat here", rejoin);
  } else if (code === 1008) {
    banner("Too many messages: the server hung up.", "Join again", rejoin);
  } else {
    banner(`The server closed the connection (${code}).`, "Join again", rejoin);
  }
}

const rejoin = () => connection.open();

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
  $("send").disabled =
    length === 0 || left < 0 || $("state").dataset.state !== "open";
}

function submit() {
  const text = $("text").value.trim();
  const ref = String(++lastRef);
  const to = partner === null ? {} : { to: partner.id };
  const type = partner === null ? "say" : "private";

  if ($("send").disabled || !connection.send({ type, text, ref, ...to })) {
    return;
  }
  waiting.set(ref, text);
  waiting.delete(String(lastRef - 20));
  $("text").value = "";
  fitText();
  log.toEnd();
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
  const { socket, http } = urls(newRoom, name);

  room = newRoom;
  me = { id: "", name };
  log.clear();
  connection = new Connection(socket, http);
  connection.addEventListener("state", ({ detail }) => showState(detail));
  connection.addEventListener("end", ({ detail }) => ended(detail));
  connection.addEventListener("message", ({ detail }) => {
    handlers[detail.type]?.(detail); /* unknown types are for later clients */
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
  sessionStorage.removeItem("joined");
  $("chat").hidden = true;
  $("door").hidden = false;
  $("room").value = room;
  document.title = "Chat · patchbay";
  problem(null);
  banner(null);
  showInside();
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

/* Who is in the room that is typed. */
let insideTimer = 0;

async function showInside() {
  const asked = $("room").value.trim() || "lobby";
  let text = "";

  try {
    const answer = await fetch(urls(asked).http, { cache: "no-store" });
    const { members: list } = await answer.json();
    const names = list.slice(0, 3).map(({ name }) => name);

    if (list.length > names.length) {
      names.push(`${list.length - names.length} more`);
    }
    text = list.length === 0 ? "Nobody is there yet."
      : new Intl.ListFormat("en").format(names)
        + ` ${list.length === 1 ? "is" : "are"} there.`;
  } catch {
    /* joining will tell */
  }
  if (asked === ($("room").value.trim() || "lobby")) {
    $("inside").textContent = text;
  }
}

$("room").addEventListener("input", () => {
  clearTimeout(insideTimer);
  insideTimer = setTimeout(showInside, 250);
});

/* Another room in the address bar. */
window.addEventListener("hashchange", () => {
  const wanted = roomOfPage() || "lobby";

  if ($("chat").hidden) {
    $("room").value = wanted;
    showInside();
  } else if (wanted !== room) {
    join(wanted, me.name);
  }
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    unread = 0;
    connection?.hurry();
    if (!$("chat").hidden) {
      drawTitle();
    }
  }
});
window.addEventListener("online", () => connection?.hurry());

/* A reload goes back in. */
function begin() {
  const joined = JSON.parse(sessionStorage.getItem("joined") ?? "null");

  $("name").value = localStorage.getItem("name") ?? "";
  $("room").value = roomOfPage();
  if (joined !== null && joined.room === (roomOfPage() || joined.room)) {
    $("name").value = joined.name;
    $("room").value = joined.room;
    join(joined.room, joined.name);
  } else {
    showInside();
    $($("name").value === "" ? "name" : "enter").focus();
  }
}

begin();
