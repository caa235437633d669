// What a person does with a case, done by a browser: with script, and without. Run by ./run.

import assert from "node:assert/strict";
import { test } from "node:test";

import { axe, browser, visit as visited } from "./visit.mjs";

const AT = process.env.DRIPLINE_AT;
const sheet = (name) => `office 1/5/26 case=${name}\nRocephin 1 g IVPB 10:00-? supplied_by=patient\n`;

const visit = (work, options = {}) => visited(AT, work, { refusals: true, ...options });

const status = (page) => page.locator("#status").innerText();
const strip = (page) => page.locator("#answer .strip").innerText().then((t) => t.replace(/\s+/g, " ").trim());

async function entry(page, at, how = {}) {
  const question = page.locator("#question-1");
  await question.locator("input[value=set]").check();
  await question.getByLabel("Stopped").fill(at);
  await question.getByLabel("Who wrote it").fill(how.author ?? "A. Nurse, RN");
  await question.getByLabel("When it was written").fill(how.written ?? "2026-01-05T12:00");
  await question.getByLabel("Original or late").selectOption(how.kind ?? "original");
  await question.getByLabel("Where in the record").fill("MAR, page 2");
}

async function path(page, name) {
  await page.goto(AT);
  await page.locator("#text").fill(sheet(name));
  await page.locator("#keep").click();
  assert.equal(await page.locator("#text").inputValue(), sheet(name));
  await page.getByRole("button", { name: "Keep it" }).click();
  assert.equal(await status(page), "needs an answer");
  assert.match(await page.locator("#question-1").innerText(), /When did it stop\?/);
  assert.equal(await page.getByRole("button", { name: "Release the claim" }).count(), 0);
  // Without its entry an answer does not count, and what was typed stays.
  await page.locator("#question-1 input[value=set]").check();
  await page.locator("#question-1").getByLabel("Stopped").fill("2026-01-05T11:40");
  await page.getByRole("button", { name: "Put the entry into the chart" }).click();
  assert.match(await page.locator(".problem").innerText(), /written/);
  assert.equal(await page.locator("#question-1").getByLabel("Stopped").inputValue(), "2026-01-05T11:40");
  assert.equal(await status(page), "needs an answer");
  // Tried out it changes nothing, and is marked.
  await page.getByRole("button", { name: "Try it out" }).click();
  assert.match(await page.locator(".tried").innerText(), /not kept[\s\S]*96366[\s\S]*Nothing can be released/);
  assert.equal(await status(page), "needs an answer");
  await entry(page, "2026-01-05T11:40");
  await page.getByRole("button", { name: "Put the entry into the chart" }).click();
  assert.equal(await status(page), "ready");
  assert.equal(await strip(page), "96365 ×1 96366 ×1");
  await page.locator("#reason").fill("waits for the pharmacy");
  await page.getByRole("button", { name: "Hold" }).click();
  assert.equal(await status(page), "held");
  await page.locator("#reason").fill("it came");
  await page.getByRole("button", { name: "Reopen" }).click();
  await page.getByRole("button", { name: "Release the claim" }).click();
  assert.equal(await status(page), "released");
  assert.match(await page.locator("main").innerText(), /Claim 1: 96365 ×1, 96366 ×1/);
  const history = await page.locator(".events").innerText();
  for (const word of ["received", "answered", "held", "reopened", "released", "waits for the pharmacy", "A. Nurse, RN"]) {
    assert.ok(history.includes(word), word);
  }
  await page.getByRole("link", { name: "Queue", exact: true }).click();
  await page.getByRole("link", { name: /^released/ }).click();
  assert.match(await page.locator(".cases").innerText(), new RegExp(name));
}

test("from the worksheet to a released claim", () => visit((page) => path(page, "P-1")));
test("the same without script", () => visit((page) => path(page, "P-2"), { javaScriptEnabled: false }));

/** Fills the form that corrects the chart, except for its text. */
async function why(page, how = {}) {
  const form = page.locator("#correct");
  await form.getByLabel("Who wrote it").fill("A. Nurse, RN");
  await form.getByLabel("When it was written").fill(how.written ?? "2026-01-06T08:00");
  await form.getByLabel("Original or late").selectOption(how.kind ?? "late");
  await form.getByLabel("Where in the record").fill("MAR, page 2");
  await form.getByLabel("Why the chart is corrected").fill("two charts were mixed up");
}

async function corrected(page, name) {
  await page.goto(`${AT}/queue/new`);
  await page.locator("#text").fill(sheet(name));
  await page.getByRole("button", { name: "Keep it" }).click();
  const form = page.locator("#correct");
  const send = () => form.getByRole("button", { name: "Correct the chart" }).click();
  const chart = form.getByLabel("The whole chart as it should stand");
  await form.getByText("Correct the chart").first().click();
  // The chart in force is there to be changed; as it is, it is no correction.
  const before = await chart.inputValue();
  assert.match(before, /Rocephin 1 g/);
  await why(page);
  await send();
  assert.match(await form.getByRole("alert").innerText(), /nothing is corrected/);
  // A slip is shown under its place, and nothing typed is lost.
  const slip = before.replace("Rocephin 1 g", "Rocephin 1 gg");
  await chart.fill(slip);
  await send();
  const shown = await form.getByRole("alert").innerText();
  assert.match(shown, /1 gg/);
  assert.match(shown, /\^/);
  assert.equal(await chart.inputValue(), slip);
  assert.equal(await form.getByLabel("Who wrote it").inputValue(), "A. Nurse, RN");
  assert.equal(await form.getByLabel("When it was written").inputValue(), "2026-01-06T08:00");
  assert.equal(await form.getByLabel("Original or late").inputValue(), "late");
  assert.equal(await form.getByLabel("Where in the record").inputValue(), "MAR, page 2");
  assert.equal(await form.getByLabel("Why the chart is corrected").inputValue(), "two charts were mixed up");
  // Without its entry a correction does not count; nor under another id.
  const good = `${before.replace("10:00 supplied", "10:00-11:40 supplied").trimEnd()}\nZofran 4 mg IV push 12:00 supplied_by=patient\n`;
  assert.notEqual(good.indexOf("11:40"), -1, before);
  await chart.fill(good.replace(name, "other"));
  await send();
  assert.match(await form.getByRole("alert").innerText(), /id of a case is never changed/);
  await chart.fill(good);
  await form.getByLabel("Where in the record").fill("");
  await send();
  assert.match(await form.getByRole("alert").innerText(), /entry\.where: nothing is written here/);
  assert.equal(await status(page), "needs an answer");
  await form.getByLabel("Where in the record").fill("MAR, page 2");
  await send();
  assert.equal(await status(page), "ready");
  assert.equal(await strip(page), "96365 ×1 96366 ×1 96375 ×1");
  assert.equal(await form.evaluate((d) => d.open), false);
  const history = await page.locator(".events").innerText();
  for (const word of ["corrected", "two charts were mixed up", "administrations[0].stop", "11:40", "administrations[1]"]) {
    assert.ok(history.includes(word), `${word}: ${history}`);
  }
  assert.match(await page.locator(".chart-side").innerText(), /late entry by A\. Nurse, RN, 2026-01-06T08:00, MAR, page 2/);
  // After the release it leads to a credit and a rebill, and the one that left stays as it was.
  await page.getByRole("button", { name: "Release the claim" }).click();
  await form.getByText("Correct the chart").first().click();
  await chart.fill((await chart.inputValue()).replace("11:40", "10:40"));
  await why(page, { written: new Date(Date.now() - 6e4).toISOString().slice(0, 16) });
  await send();
  assert.equal(await status(page), "ready");
  const text = await page.locator("main").innerText();
  assert.match(text, /The claim that left is out of date[\s\S]*after release/);
  assert.match(text, /Claim 1: 96365 ×1, 96366 ×1, 96375 ×1/);
  await page.getByRole("button", { name: "Release the claim" }).click();
  assert.match(await page.locator("main").innerText(), /Credit of claim 1: 96365 ×1, 96366 ×1, 96375 ×1[\s\S]*in place of claim 1: 96365 ×1, 96375 ×1/);
}

test("a kept chart is corrected", () => visit((page) => corrected(page, "P-5")));
test("it is corrected without script", () => visit((page) => corrected(page, "P-6"), { javaScriptEnabled: false }));

test("a correction of a chart that was changed meanwhile is told so, and keeps what was typed", () => visit(async (page, context) => {
  await page.goto(`${AT}/queue/new`);
  await page.locator("#text").fill(sheet("P-7"));
  await page.getByRole("button", { name: "Keep it" }).click();
  const other = await context.newPage();
  await other.goto(page.url());
  await entry(page, "2026-01-05T11:40");
  await page.getByRole("button", { name: "Put the entry into the chart" }).click();
  const form = other.locator("#correct");
  await form.getByText("Correct the chart").first().click();
  const chart = form.getByLabel("The whole chart as it should stand");
  const typed = (await chart.inputValue()).replace("1 g", "2 g");
  await chart.fill(typed);
  await why(other);
  await form.getByRole("button", { name: "Correct the chart" }).click();
  assert.match(await form.getByRole("alert").innerText(), /changed since it was read[\s\S]*bring the two together/);
  assert.equal(await chart.inputValue(), typed);
  assert.match(await other.locator(".chart-side pre").first().innerText(), /11:40/);
}));

test("whoever looks at an old page is told so, and nothing is changed", () => visit(async (page, context) => {
  await page.goto(`${AT}/queue/new`);
  await page.locator("#text").fill(sheet("P-3"));
  await page.getByRole("button", { name: "Keep it" }).click();
  const other = await context.newPage();
  await other.goto(page.url());
  await page.locator("#reason").fill("one");
  await page.getByRole("button", { name: "Hold" }).click();
  await other.locator("#reason").fill("two");
  await other.getByRole("button", { name: "Reject" }).click();
  assert.match(await other.locator(".problem").innerText(), /changed since it was read/);
  assert.equal(await status(other), "held");
}));

test("money is shown when an administrator wants it, and a case that is not there is told in words", () => visit(async (page) => {
  const money = async (how) => {
    await page.goto(`${AT}/queue`);
    await page.getByText("Settings").click();
    await page.getByLabel("Reason for a change").fill("the audit asks");
    await page.getByRole("button", { name: how }).click();
  };
  await page.goto(`${AT}/queue/new`);
  await page.locator("#text").fill(sheet("P-4"));
  await page.getByRole("button", { name: "Keep it" }).click();
  const at = page.url();
  assert.equal(await page.getByRole("heading", { name: "Money" }).count(), 0);
  await money("Show them");
  await page.goto(at);
  assert.equal(await page.getByRole("heading", { name: "Money" }).count(), 1);
  await money("Do not show them");
  await page.goto(at);
  assert.equal(await page.getByRole("heading", { name: "Money" }).count(), 0);
  const answer = await page.goto(`${AT}/queue/999999`);
  assert.equal(answer.status(), 404);
  assert.match(await page.locator("main").innerText(), /There is no such thing[\s\S]*no case of this number/);
}));

test("markup in a case stays text", () => visit(async (page) => {
  const harm = "<img src=x onerror=alert(1)>";
  await page.goto(`${AT}/queue/new`);
  await page.locator("#text").fill(`office 1/5/26 case="${harm}"\nRocephin 1 g IVPB 10:00-? supplied_by=patient for "${harm}"\n`);
  await page.getByRole("button", { name: "Keep it" }).click();
  await entry(page, "2026-01-05T11:40", { author: harm });
  await page.getByRole("button", { name: "Put the entry into the chart" }).click();
  await page.locator("#reason").fill(harm);
  await page.getByRole("button", { name: "Hold" }).click();
  assert.equal(await page.locator("img").count(), 0);
  const text = await page.locator("main").innerText();
  assert.ok(text.split(harm).length > 4, text);
  await page.goto(`${AT}/queue`);
  assert.equal(await page.locator("img").count(), 0);
}));

test("axe finds nothing serious, and nothing is wider than the screen", async () => {
  const found = [];
  for (const [width, height] of [[320, 700], [1440, 900]]) {
    for (const colorScheme of ["light", "dark"]) {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion: "reduce" });
      await context.addInitScript(axe);
      const page = await context.newPage();
      const look = async (name) => {
        await page.waitForLoadState("load");
        for (const v of await page.evaluate(async () => (await window.axe.run()).violations)) {
          if (["serious", "critical"].includes(v.impact)) found.push(`${name} ${width} ${colorScheme}: ${v.id} ${v.nodes[0].html}`);
        }
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (wide > 0) found.push(`${name} ${width}: ${wide} px too wide`);
        if (process.env.DRIPLINE_LOOK) await page.screenshot({ path: `${process.env.DRIPLINE_LOOK}/${name}-${width}-${colorScheme}.png`, fullPage: true });
      };
      await page.goto(`${AT}/queue/new`);
      await look("new");
      await page.locator("#text").fill(`${sheet(`L-${width}-${colorScheme}`)}Zofran 4 mg IV push 10:05\nNS 1 L hydration 09:00-12:00 for dehydration\n`);
      await page.getByRole("button", { name: "Keep it" }).click();
      await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
      await look("case");
      await page.locator("#c-chart").fill((await page.locator("#c-chart").inputValue()).replace("Rocephin 1 g", "Rocephin 1 gg"));
      await page.locator("#correct").getByRole("button", { name: "Correct the chart" }).click();
      await look("misread");
      await entry(page, "2026-01-05T11:40");
      await page.getByRole("button", { name: "Try it out" }).first().click();
      await look("tried");
      await page.getByRole("button", { name: "Put the entry into the chart" }).first().click();
      await look("answered");
      await page.goto(`${AT}/queue`);
      await look("queue");
      await page.goto(`${AT}/queue?status=released`);
      await page.locator(".case-name").first().click();
      await look("released");
      await context.close();
    }
  }
  assert.deepEqual(found, []);
});
