// Signing in and out, and what an administrator does, done by a browser: with script, and without. Run by ./run, which
// starts a service with one account.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import { axe, browser, visit as visited } from "./visit.mjs";

const AT = process.env.DRIPLINE_GUARDED;
const PASSWORD = process.env.DRIPLINE_PASSWORD;

const visit = (work, options = {}) => visited(AT, work, { refusals: true, ...options });

async function signIn(page, name, password = PASSWORD) {
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

async function accessible(page, what) {
  for (const width of [1440, 320]) {
    await page.setViewportSize({ width, height: 900 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    assert.equal(wide, false, `${what} is wider than ${width} px`);
    if (process.env.DRIPLINE_PICTURES) await page.screenshot({ path: `${process.env.DRIPLINE_PICTURES}/${what}-${width}.png`, fullPage: true });
  }
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(" ")}`), [], what);
  await page.setViewportSize({ width: 1440, height: 900 });
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with script" : "without script";
  test(`someone is led to sign in, looks where they wanted to, and signs out, ${how}`, () => visit(async (page) => {
    await page.goto(`${AT}/rules/push-definition`);
    assert.match(page.url(), /\/sign-in\?to=/);
    await signIn(page, "anna", "some wrong password");
    assert.match(await page.getByRole("alert").innerText(), /name or the password is wrong/);
    assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "anna");
    await signIn(page, "anna");
    assert.equal(page.url(), `${AT}/rules/push-definition`);
    assert.match(await page.locator(".who").innerText(), /anna\s+coder, administrator/);
    await page.getByRole("button", { name: "Sign out" }).click();
    assert.equal(page.url(), `${AT}/sign-in`);
    await page.goto(`${AT}/`);
    assert.match(page.url(), /\/sign-in/);
  }, { javaScriptEnabled }));
}

test("an administrator makes an account and a token, and ends them", () => visit(async (page, context) => {
  await page.goto(`${AT}/accounts`);
  await accessible(page, "sign-in");
  await signIn(page, "anna");
  const make = page.locator("form", { hasText: "A new account" });
  await make.getByLabel("Name").fill("ben");
  await make.getByLabel("auditor").check();
  await make.getByLabel(/Password/).fill(PASSWORD);
  await make.getByRole("button").click();
  await page.getByRole("heading", { name: "ben" }).waitFor();
  const token = page.locator("form", { hasText: "A new token" });
  await token.getByLabel("Name").fill("ehr");
  await token.getByLabel("code").check();
  await token.getByRole("button").click();
  const secret = await page.locator(".secret").innerText();
  assert.match(secret, /^dripline_[0-9a-f]{64}$/);
  await accessible(page, "accounts");
  const ask = () => fetch(`${AT}/v1/rules`, { headers: { authorization: `Bearer ${secret}` } }).then((r) => r.status);
  assert.equal(await ask(), 200);
  await page.getByRole("button", { name: "End ehr" }).click();
  assert.equal(await page.locator(".secret").count(), 0);
  assert.equal(await ask(), 401);
  await page.getByRole("button", { name: "Disable anna" }).click();
  assert.match(await page.getByRole("alert").innerText(), /no administrator would be left/i);

  const other = await context.browser().newContext();
  const ben = await other.newPage();
  await ben.goto(`${AT}/sign-in`);
  await signIn(ben, "ben");
  await ben.goto(`${AT}/accounts`);
  assert.match(await ben.locator("main").innerText(), /needs the permission `accounts`/);
  await accessible(ben, "refused");
  await page.getByRole("button", { name: "Disable ben" }).click();
  await page.getByRole("button", { name: "Enable ben" }).waitFor();
  await ben.goto(`${AT}/rules`);
  assert.match(ben.url(), /\/sign-in/);
  await other.close();
}));

test("someone sets another password", () => visit(async (page) => {
  await page.goto(`${AT}/account`);
  await signIn(page, "anna");
  await accessible(page, "account");
  const set = async (old, fresh) => {
    await page.getByLabel("Password until now").fill(old);
    await page.getByLabel(/From now on/).fill(fresh);
    await page.getByRole("button", { name: "Set the password" }).click();
  };
  await set("some wrong password", "another long password");
  assert.match(await page.getByRole("alert").innerText(), /until now is wrong/);
  await set(PASSWORD, "another long password");
  assert.match(await page.getByRole("status").innerText(), /is set/);
  await set("another long password", PASSWORD);
  assert.match(await page.getByRole("status").innerText(), /is set/);
}));

test("a session that ends while someone types says so, and what was typed stays", () => visit(async (page, context) => {
  await page.goto(`${AT}/`);
  await signIn(page, "anna");
  await context.clearCookies();
  await page.locator("#text").fill("office 1/5/26\nZofran 4 mg IV push 10:00\n");
  await page.getByRole("link", { name: "Sign in again" }).waitFor();
  assert.match(await page.locator("#text").inputValue(), /^office 1\/5\/26\nZofran/);
}));

test("a browser keeps the session from script and from other sites", () => visit(async (page, context) => {
  await page.goto(`${AT}/`);
  await signIn(page, "anna");
  const [cookie] = await context.cookies();
  assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite, cookie.expires], ["dripline", true, "Strict", -1]);
  assert.equal(await page.evaluate(() => document.cookie), "");
}));

test("a page of another port of this machine signs nobody out, though the cookie goes along", async () => {
  const form = `<form method="post" action="${AT}/sign-out"><button>Win</button></form>`;
  const other = createServer((_, answer) => answer.setHeader("content-type", "text/html").end(form)).listen(0, "127.0.0.1");
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(`${AT}/`);
    await signIn(page, "anna");
    const there = await context.newPage();
    await there.goto(`http://127.0.0.1:${other.address().port}/`);
    const [sent] = await Promise.all([there.waitForRequest(`${AT}/sign-out`), there.getByRole("button").click()]);
    assert.match((await sent.allHeaders()).cookie, /dripline=/, "ports do not keep cookies apart");
    assert.match(await there.locator("h1").innerText(), /does not come from a page of the service/);
    await page.reload();
    assert.match(await page.locator(".who").innerText(), /anna/);
  } finally {
    await context.close();
    other.close();
  }
});
