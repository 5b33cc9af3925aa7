// What has to hold of every page that a test comes by, whatever the test is about: nothing for axe to find in light and
// in dark, nothing that moves by itself, no sideways scrolling on a phone, below 50 KB, no error on the console (a breach
// of the CSP is one), and no request to anywhere else.

import axe from "axe-core";

const MOST_BYTES = 50_000; // a page with sheet and script, without images (issue 6, 7); a crowded one, alone
// The Layout Instability API's score of a shift that no user can see: Chromium counts fractions of a pixel, which
// depend on its version and on the fonts. A line of text that pushes a page down scores more than 0.01.
const UNSEEN_SHIFT = 0.001;
const PHONE = { width: 390, height: 844 };
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

// axe looks at ids only where something refers to them.
function idsThatAreThereTwice() {
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  return ids.filter((id, place) => ids.indexOf(id) !== place);
}

export class Inspector {
  #page;
  #isScripted;
  #isCrowded;
  #found = [];
  // Of the page that is shown: bytes of what was loaded for it, by address. Sheet and script come from the cache later
  // on, and weigh all the same.
  #document = 0;
  #assets = new Map();
  status = 0;

  constructor(page, origin, isScripted, isCrowded) {
    this.#page = page;
    this.#isScripted = isScripted;
    this.#isCrowded = isCrowded;
    page.on("request", (request) => {
      if (!request.url().startsWith(`${origin}/`)) { this.#found.push(`asked elsewhere: ${request.url()}`); }
    });
    page.on("response", (response) => this.#weigh(response).catch(() => {}));
    page.on("pageerror", (error) => this.#found.push(`the script failed: ${error.message}`));
    page.on("console", (message) => this.#hear(message));
  }

  async #weigh(response) {
    const kind = response.request().resourceType();
    if (kind === "document" && response.request().frame() === this.#page.mainFrame()) {
      this.status = response.status();
      // A redirect has no body to weigh.
      this.#document = response.status() < 300 || response.status() >= 400 ? (await response.body()).length : 0;
    } else if (["stylesheet", "script"].includes(kind)) {
      this.#assets.set(response.url(), (await response.body()).length);
    }
  }

  // Chromium tells of every answer from 400 on; a refusal that a test asked for is no fault of the page.
  #hear(message) {
    const isRefusal = message.text().startsWith("Failed to load resource") && this.status >= 400;
    if (["error", "warning"].includes(message.type()) && !isRefusal) { this.#found.push(`console: ${message.text()}`); }
  }

  // Looks at the page as it stands.
  async inspect() {
    // The API's document, or a redirect's end elsewhere than in the console.
    if (!(await this.#page.locator("main#content").count())) { return; }
    // Sheet and script are loaded once and kept: a crowded page has its weight to itself.
    const assets = this.#isCrowded ? [] : [...this.#assets.values()];
    const bytes = assets.reduce((sum, size) => sum + size, this.#document);
    if (bytes >= MOST_BYTES) { this.#found.push(`weighs ${bytes} bytes`); }
    await this.inspectShift();
    await this.#fitsOnPhone();
    const twice = await this.#page.evaluate(idsThatAreThereTwice);
    if (twice.length > 0) { this.#found.push(`ids that are there twice: ${twice}`); }
    if (this.#isScripted) {
      await this.#audit("light", { type: "tag", values: RULES });
      await this.#audit("dark", { type: "rule", values: ["color-contrast"] });
      await this.#page.emulateMedia({ colorScheme: "light" });
    }
  }

  // Finds what has moved without a user since the page was painted first. Without scripts, the browser cannot say.
  async inspectShift() {
    const shift = this.#isScripted ? await this.#shift() : 0;
    if (shift >= UNSEEN_SHIFT) { this.#found.push(`moved without a user: ${shift}`); }
  }

  // The Layout Instability API's score.
  #shift() {
    return this.#page.evaluate(() => new Promise((tell) => {
      let score = 0;
      const count = (entries) => {
        for (const entry of entries) { score += entry.hadRecentInput ? 0 : entry.value; }
      };
      const watcher = new PerformanceObserver((list) => count(list.getEntries()));
      watcher.observe({ type: "layout-shift", buffered: true });
      // What is buffered is told by the next frame, or waits to be taken.
      requestAnimationFrame(() => setTimeout(() => {
        count(watcher.takeRecords());
        watcher.disconnect();
        tell(score);
      }));
    }));
  }

  async #fitsOnPhone() {
    const wide = this.#page.viewportSize();
    await this.#page.setViewportSize(PHONE);
    const width = await this.#page.evaluate("document.documentElement.scrollWidth");
    if (width > PHONE.width) { this.#found.push(`${width} px wide on a phone of ${PHONE.width}`); }
    await this.#page.setViewportSize(wide);
  }

  async #audit(colorScheme, runOnly) {
    await this.#page.emulateMedia({ colorScheme });
    if (!(await this.#page.evaluate("typeof axe === 'object'"))) { await this.#page.evaluate(axe.source); }
    const { violations } = await this.#page.evaluate((options) => globalThis.axe.run(document, options), { runOnly });
    for (const { id, help, nodes } of violations) {
      this.#found.push(`axe, ${colorScheme}: ${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html).join(" ")}`);
    }
  }

  // What was found since the last time.
  complaints() {
    const page = this.#page.url();
    return this.#found.splice(0).map((text) => `${page}: ${text}`);
  }
}
