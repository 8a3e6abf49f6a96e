// index.js - the start page: an echo tester and the greeter's script

const url = (path) =>
  `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;

const $ = (id) => document.getElementById(id);

function show(element, state, text) {
  element.dataset.state = state;
  element.textContent = text;
}

/* A list of frames, newest last; it follows the end unless scrolled away. */
function frameLog(list) {
  const limit = 200;

  return (kind, body, about = "") => {
    const item = document.createElement("li");
    const now = new Date();
    const cells = [
      ["time", "", now.toLocaleTimeString([], { hour12: false }) + "."
        + String(now.getMilliseconds()).padStart(3, "0")],
      ["span", "arrow", { in: "↓", out: "↑", note: "·" }[kind]],
      ["span", "body", body],
      ["span", "about", about],
    ];
    const atEnd =
      list.scrollHeight - list.scrollTop - list.clientHeight < 24;

    item.className = kind;
    for (const [tag, name, text] of cells) {
      const cell = document.createElement(tag);

      cell.className = name;
      cell.textContent = text;
      item.append(cell);
    }
    list.append(item);
    if (list.children.length > limit) {
      list.firstElementChild.remove();
    }
    if (atEnd) {
      list.scrollTop = list.scrollHeight;
    }
  };
}

const milliseconds = (ms) => `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;

/* ---- echo ---- */

const echo = { socket: null, sent: [], burst: null };
const echoFrame = frameLog($("echo-frames"));

/* Opens the connection if there is none; resolves when it can send. */
function echoReady() {
  if (echo.socket !== null) {
    return echo.ready;
  }
  const socket = new WebSocket(url("/echo"));

  socket.binaryType = "arraybuffer";
  echo.socket = socket;
  echo.sent = [];
  echo.burst = null;
  show($("echo-state"), "connecting", "connecting");
  socket.addEventListener("message", ({ data }) => echoed(data));
  socket.addEventListener("close", ({ code, reason }) => {
    echo.socket = null;
    show($("echo-state"), code === 1000 ? "closed" : "failed",
      `closed (${code})`);
    echoFrame("note", `closed with ${code} ${reason}`.trim());
  });
  echo.ready = new Promise((resolve) => {
    socket.addEventListener("open", () => {
      show($("echo-state"), "open", "open");
      echoFrame("note", `open: ${socket.url}`);
      resolve(socket);
    });
  });
  return echo.ready;
}

const describe = (data) =>
  typeof data === "string"
    ? { body: data === "" ? "(empty)" : data, about: "text" }
    : {
      body: [...new Uint8Array(data)]
        .slice(0, 24)
        .map((byte) => byte.toString(16).padStart(2, "0"))
        .join(" ") || "(empty)",
      about: "binary",
    };

function echoed(data) {
  const { body, about } = describe(data);

  if (echo.burst !== null) {
    echo.burst.left -= 1;
    if (echo.burst.left === 0) {
      const { count, began } = echo.burst;
      const took = performance.now() - began;

      echo.burst = null;
      echoFrame("in", `${count} messages came back in ${milliseconds(took)}`,
        `${milliseconds(took / count)} each`);
    }
    return;
  }
  const began = echo.sent.shift();

  echoFrame("in", body, `${about}, ${milliseconds(performance.now() - began)}`);
}

async function echoSend(data) {
  const socket = await echoReady();
  const { body, about } = describe(data);

  if (echo.burst !== null) {
    return;
  }
  echoFrame("out", body, about);
  echo.sent.push(performance.now());
  socket.send(data);
}

async function echoBurst(count) {
  const socket = await echoReady();
  const text = $("echo-text").value;

  if (echo.burst !== null || echo.sent.length > 0) {
    return;
  }
  echoFrame("out", `${count} messages`);
  echo.burst = { count, left: count, began: performance.now() };
  for (let i = 0; i < count; i++) {
    socket.send(text);
  }
}

$("echo-form").addEventListener("submit", (event) => {
  event.preventDefault();
  echoSend($("echo-text").value);
});
$("echo-binary").addEventListener("click", () => {
  echoSend(new TextEncoder().encode($("echo-text").value).buffer);
});
$("echo-burst").addEventListener("click", () => echoBurst(1000));
echoReady();

/* ---- greeter ---- */

const greeterFrame = frameLog($("greeter-frames"));

$("greeter-script").textContent = `const ws = new WebSocket("${url("")}");
ws.onopen = () => ws.send("client：hello，服务端");
ws.onmessage = (event) => console.log(event.data);
setTimeout(() => ws.close(), 5000);`;

$("greeter-run").addEventListener("click", () => {
  const hello = "client：hello，服务端";
  const state = $("greeter-state");
  const ws = new WebSocket(url(""));

  $("greeter-run").disabled = true;
  show(state, "connecting", "connecting");
  ws.onopen = () => {
    show(state, "open", "open");
    greeterFrame("note", `open: ${ws.url}`);
    greeterFrame("out", hello, "text");
    ws.send(hello);
  };
  ws.onmessage = (event) => greeterFrame("in", event.data, "text");
  ws.onclose = ({ code, wasClean }) => {
    show(state, wasClean ? "closed" : "failed", `closed (${code})`);
    greeterFrame("note", `closed with ${code}`);
    $("greeter-run").disabled = false;
  };
  setTimeout(() => ws.close(), 5000);
});
