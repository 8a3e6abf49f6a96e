// screenshot.js - makes the picture of the chat in the README
//
//     scripts/run &
//     node tests/browser/screenshot.js [URL of the server] [FILE.png]

"use strict";

const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { chromium } = require("playwright-core");

const base = process.argv[2] ?? "http://localhost:9501";
const file = process.argv[3] ??
  path.join(__dirname, "..", "..", "host", "doc", "chat.png");

/* Who says what to whom; no "to": to all. */
const lines = [
  { from: "Ann", text: "Morning! The new build of chat.so is in plugins/." },
  { from: "Bob", text: "Two workers here. Does this reach the other one?" },
  { from: "小薇", text: "服务端，收到了！I am on the other one." },
  { from: "Ann", text: "One room, however many workers." },
  { from: "Bob", to: "Ann", text: "Lunch at one?" },
  { from: "Ann", to: "Bob", text: "Gladly. The usual place." },
  { from: "小薇", text: "And whoever joins now can read what was said." },
];

async function join(context, room, name) {
  const page = await context.newPage();

  await page.goto(`${base}/chat.html#${room}`);
  await page.fill("#name", name);
  await page.click("#enter");
  await page.waitForSelector("#chat:not([hidden])");
  return page;
}

async function say(page, { to, text }) {
  if (to !== undefined) {
    await page.click(`#members button:has-text("${to}")`);
  }
  await page.fill("#text", text);
  await page.press("#text", "Enter");
  await page.press("#text", "Escape");
  await page.waitForFunction(
    (said) => document.getElementById("log").textContent.includes(said), text);
}

async function main() {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), "patchbay-shot-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run",
      "--disable-background-networking", "--disable-component-update",
      "--disable-sync"],
    viewport: { width: 940, height: 740 },
    deviceScaleFactor: 1.5,
    locale: "en-GB",
  });

  try {
    const room = `plugins-${Date.now() % 1000}`; /* nobody was there before */
    const people = {};

    for (const { from } of lines) {
      people[from] ??= await join(context, room, from);
    }
    for (const line of lines) {
      await say(people[line.from], line);
    }
    const ann = people.Ann;

    await ann.bringToFront();
    await ann.waitForFunction((last) =>
      document.getElementById("log").textContent.includes(last),
    lines.at(-1).text);
    /* The name without the number that made it ours. */
    await ann.evaluate(() => {
      document.getElementById("title").textContent = "#plugins";
      document.getElementById("text").placeholder = "Message #plugins";
      document.getElementById("text").blur();
    });
    await ann.mouse.move(0, 0);
    await ann.screenshot({ path: file });
    console.log(`${file}: ${fs.statSync(file).size} bytes`);
  } finally {
    await context.close();
    fs.rmSync(profile, { recursive: true });
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
