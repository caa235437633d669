// What the browser tests share: one browser for a file, and pages that fail on anything that goes wrong in them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before } from "node:test";

import { chromium } from "playwright-core";

export const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
});
after(() => browser?.close());

/**
 * A page that fails on anything that goes wrong in it, and on anything it asks of anyone but the service at `at`.
 * `refusals`: that the service refuses something is part of the test.
 */
export async function visit(at, work, { refusals = false, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const wrong = [];
  const expected = (text) => refusals && /status of 4\d\d/.test(text);
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("console", (message) => { if (message.type() === "error" && !expected(message.text())) wrong.push(message.text()); });
  page.on("request", (request) => { if (!request.url().startsWith(at)) wrong.push(`asks ${request.url()}`); });
  try {
    await work(page, context);
    assert.deepEqual(wrong, []);
  } finally {
    await context.close();
  }
}
