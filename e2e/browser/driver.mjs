// A Chromium that does what it is told, for e2e/src/browser.rs: a line of JSON comes in, {"do": …}, and one goes out,
// {"is": …} or {"wrong": "why"}. What is clicked and filled in is found as a reader finds it: by its role and its name.
// Arguments: CHROMIUM ORIGIN, and `plain` for a browser without JavaScript, or `crowded` for one that comes by pages with
// all on them that the rules allow.

import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { Inspector } from "./inspector.mjs";

const PATIENCE = 30_000; // milliseconds, for each thing that a step waits for, on a busy machine
const SLOW = 500; // milliseconds, in which a page is painted that doesn't wait for its script
const WIDE = { width: 1280, height: 900 };

const [executablePath, origin, kind] = process.argv.slice(2);
const isScripted = kind !== "plain";

// No sandbox: root has none, and the only pages are ours. Nothing that Chromium does for itself leaves the machine.
const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--no-first-run",
  ],
});
const context = await browser.newContext({
  baseURL: origin,
  javaScriptEnabled: isScripted,
  locale: "en-GB",
  timezoneId: "Europe/Berlin",
  reducedMotion: "reduce",
  viewport: WIDE,
});
context.setDefaultTimeout(PATIENCE);
await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin });
const page = await context.newPage();
const inspector = new Inspector(page, origin, isScripted, kind === "crowded");

// A dialog hides the page below it from readers, so from these tests too.
async function shown() {
  const dialog = page.locator("dialog[open]");
  return (await dialog.count()) > 0 ? dialog : page.locator("body");
}

// A name, whole; or how it begins, with an ellipsis after that.
function exactly(name) {
  if (!name.endsWith(" …")) { return { name, exact: true }; }
  return { name: new RegExp(`^${name.slice(0, -1).replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`, "u") };
}

// A control by its role and name. A group's name goes before it: "Scope 1 › Push".
async function control(roles, path) {
  const names = path.split(" › ");
  const name = names.pop();
  let scope = await shown();
  for (const group of names) { scope = scope.getByRole("group", exactly(group)); }
  const [first, ...others] = roles.map((role) => scope.getByRole(role, exactly(name)));
  return others.reduce((found, other) => found.or(other), first);
}

const field = (name) => shown().then((scope) => scope.getByLabel(name, { exact: true }));
const row = (name) => page.getByRole("row").filter({ has: page.getByRole("rowheader", { name }) });

// Does something that may lead to another page, and waits until that is there.
async function lead(act) {
  let leaving = false;
  const watch = (request) => { leaving ||= request.isNavigationRequest() && request.frame() === page.mainFrame(); };
  const arrived = page.waitForEvent("domcontentloaded").catch(() => {});
  page.on("request", watch);
  await act();
  // A click sends its request before it returns, or never.
  await page.waitForTimeout(50);
  page.off("request", watch);
  if (leaving) { await arrived; }
  await page.waitForLoadState("load");
  await inspector.inspect();
}

async function follow(link) {
  const asks = isScripted && (await link.getAttribute("data-ask")) !== null;
  await lead(() => link.click());
  if (asks) {
    await page.locator("dialog[open]").waitFor();
    await inspector.inspect();
  }
}

// Polls until it holds: a script may still be at work on the page.
async function until(holds, otherwise) {
  const end = Date.now() + PATIENCE;
  while (!(await holds())) {
    if (Date.now() >= end) { throw new Error(await otherwise()); }
    await page.waitForTimeout(50);
  }
}

const said = async () => (await page.locator("body").innerText()).replace(/\s+/g, " ");

// The name of what has the focus.
const focused = () => page.evaluate(() => {
  const element = document.activeElement;
  return (element?.getAttribute("aria-label") ?? element?.textContent ?? "").trim();
});

const steps = {
  open: ({ path }) => lead(() => page.goto(path)),
  // The same, with a script that takes its time. Of the page, only its shift is inspected.
  open_slowly: async ({ path }) => {
    await page.route("**/console.js", async (route) => {
      await new Promise((pass) => setTimeout(pass, SLOW));
      await route.continue();
    });
    await page.goto(path, { waitUntil: "load" });
    await inspector.inspectShift();
    await page.unroute("**/console.js");
  },
  reload: () => lead(() => page.reload()),
  back: () => lead(() => page.goBack()),
  press: async ({ name }) => { const button = await control(["button"], name); await lead(() => button.click()); },
  // Presses a copy button, which must keep its width when it shows the outcome; the outcome. The button shows it for 2 s
  // only, so an observer takes it: a busy machine may look later.
  copy: async ({ name }) => {
    const button = await (await control(["button"], `Copy ${name}`)).elementHandle();
    const width = await button.evaluate((element) => {
      const before = element.getBoundingClientRect().width;
      globalThis.outcome = new Promise((found) => {
        const observer = new MutationObserver(() => {
          observer.disconnect();
          found({ text: element.textContent, width: element.getBoundingClientRect().width });
        });
        observer.observe(element, { childList: true });
      });
      return before;
    });
    await button.click();
    const outcome = await page.evaluate(() => globalThis.outcome);
    if (Math.abs(outcome.width - width) > 0.5) { throw new Error(`${width} px wide, then ${outcome.width}`); }
    await inspector.inspect();
    return outcome.text;
  },
  follow: async ({ name }) => follow(await control(["link"], name)),
  // Both clicks come before anything is answered; how often it was fetched.
  follow_twice: async ({ name }) => {
    const link = await control(["link"], name);
    const address = new URL(await link.getAttribute("href"), origin).href;
    let fetched = 0;
    const count = (request) => { fetched += Number(request.url() === address); };
    page.on("request", count);
    await link.evaluate((element) => { element.click(); element.click(); });
    await page.locator("dialog[open]").first().waitFor();
    page.off("request", count);
    return fetched;
  },
  // Presses the mouse at one spot of a dialog and lets go at another: its title, its edge, or beside it.
  point: async ({ from, to }) => {
    const dialog = page.locator("dialog[open]");
    const [box, title] = [await dialog.boundingBox(), await dialog.locator("h1").boundingBox()];
    const spots = { title: [title.x + 5, title.y + 5], edge: [box.x + 4, box.y + 4], beside: [box.x - 40, box.y + 40] };
    await page.mouse.move(...spots[from]);
    await page.mouse.down();
    await page.mouse.move(...spots[to]);
    await page.mouse.up();
  },
  is_asked: async () => (await page.locator("dialog[open]").count()) > 0,
  is_asked_no_more: () => page.locator("dialog").waitFor({ state: "detached" }),
  fill: async ({ name, value }) => (await field(name)).fill(value),
  // Key by key, as a script that listens wants it.
  type: async ({ name, value }) => { await (await field(name)).clear(); await (await field(name)).pressSequentially(value); },
  value: async ({ name }) => (await field(name)).inputValue(),
  select: async ({ name, value }) => { await (await control(["combobox"], name)).selectOption({ label: value }); },
  tick: async ({ name }) => (await control(["checkbox", "radio"], name)).check(),
  untick: async ({ name }) => (await control(["checkbox"], name)).uncheck(),
  is_ticked: async ({ name }) => (await control(["checkbox", "radio"], name)).isChecked(),
  is_marked_wrong: async ({ name }) => (await (await field(name)).getAttribute("aria-invalid")) === "true",
  is_refused_by_browser: async ({ name }) => !(await (await field(name)).evaluate((input) => input.checkValidity())),
  is_offered: async ({ name }) => (await field(name)).isEnabled(),
  tick_row: async ({ name }) => row(name).getByRole("checkbox").check(),
  // The ⋮ of a row, or without one the user's own menu; and an entry of it.
  menu: async ({ row: name, entry }) => {
    const menu = (name ? row(name) : page.getByRole("banner")).locator("details.menu");
    await menu.locator("summary").click();
    const link = menu.getByRole("link", exactly(entry));
    if ((await link.count()) > 0) { return follow(link); }
    return lead(() => menu.getByRole("button", exactly(entry)).click());
  },
  row: async ({ name }) => (await row(name).innerText()).replace(/\s+/g, " "),
  rows: () => page.locator("tbody tr").count(),
  sees: ({ text }) => until(async () => (await said()).includes(text), () => `does not say ${JSON.stringify(text)}`),
  sees_not: async ({ text }) => {
    if ((await said()).includes(text)) { throw new Error(`says ${JSON.stringify(text)}`); }
  },
  // What a copy button of this name would copy.
  copied: async ({ name }) => (await shown()).getByRole("group", exactly(name)).textContent(),
  clipboard: () => page.evaluate(() => navigator.clipboard.readText()),
  html: () => page.content(),
  links: () => page.evaluate(() => [...document.querySelectorAll("a[href^='/']")].map((link) => link.getAttribute("href"))),
  path: () => { const url = new URL(page.url()); return url.pathname + url.search; },
  status: () => inspector.status,
  cookie: async () => (await context.cookies())[0]?.value ?? null,
  set_cookie: ({ name, value }) => context.addCookies([{ name, value, url: origin }]),
  key: ({ name }) => lead(() => page.keyboard.press(name)),
  focused,
  has_focus: ({ name }) => until(async () => (await focused()) === name, async () => `${await focused()} has the focus`),
  is_menu_open: async () => (await page.locator("details.menu[open]").count()) > 0,
};

async function answer(line) {
  const { do: step, ...given } = JSON.parse(line);
  try {
    const is = (await steps[step](given)) ?? null;
    const complaints = inspector.complaints();
    return complaints.length > 0 ? { wrong: complaints.join("\n") } : { is };
  } catch (error) {
    const text = await page.locator("body").innerText().catch(() => "");
    return { wrong: `${error.message}\n---- ${page.url()} shows\n${text}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
}
await browser.close();
