// A browser that fails the test where a page is not as it must be.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const flags = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic", "--no-first-run"];

export const wide = { width: 1440, height: 900 };
export const narrow = { width: 390, height: 844 };

export const start = (executablePath) => chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0, args: flags });

/** open is a page with nothing remembered. What it reports as an error is kept in page.errors. */
export async function open(browser, address, { viewport = wide, colorScheme = "light" } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, locale: "en-GB", reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.errors = [];
  page.on("console", (message) => message.type() === "error" && page.errors.push(`${message.text()} (${message.location().url})`));
  page.on("pageerror", (err) => page.errors.push(String(err)));
  page.address = address;
  await page.goto(address);
  return page;
}

export async function signIn(page, key) {
  await page.getByLabel("Admin key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("#page").waitFor();
}

/** check looks for what must be true of every page: nothing serious for axe, nothing that sticks out sideways. */
export async function check(page, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const serious = violations.filter((v) => ["serious", "critical"].includes(v.impact));
  assert.deepEqual(
    serious.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join("; ")}`),
    [],
    `${name}: accessibility`,
  );
  const { scroll, client } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, client: document.documentElement.clientWidth }));
  assert.ok(scroll <= client, `${name}: ${scroll} px wide in a window of ${client} px`);
}

/** until waits for a condition that nothing tells of; what describes it in the failure. */
export async function until(what, condition, limit = 30_000) {
  const deadline = Date.now() + limit;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < deadline, `${what}: not within ${limit / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
