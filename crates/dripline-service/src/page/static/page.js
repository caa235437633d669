// Makes the pages live. Everything works without it: it posts the same form that a browser would.

document.documentElement.classList.add("js");

const byId = (id) => document.getElementById(id);
const worksheet = byId("sheet");
if (worksheet instanceof HTMLFormElement) live(worksheet);
const search = byId("q");
if (search) filter(search);
byId("print")?.addEventListener("click", () => window.print());

/** The worksheet page: what is typed is sent, what changed is put in its place. */
function live(form) {
  const text = byId("text");
  const was = byId("was");
  const open = byId("open");
  const answer = byId("answer");
  const drawing = byId("drawing");
  const table = byId("table");
  /** From this many rows on the table follows when the typing rests. */
  const MANY = 40;
  /** How long, in milliseconds, a slip may stand before it is told: most are half a word. */
  const PATIENCE = 700;
  let busy = false;
  let asked = "";
  let next = null;
  let tableTimer = 0;
  let problemTimer = 0;
  let statusTimer = 0;
  let entered = 0;

  const rows = () => table.querySelectorAll(".row").length;

  /** Sends one at a time, and of what came in meanwhile the last. */
  function send(what, extra = {}) {
    // A browser tells a paste of many lines line by line: what is on its way already is not asked again.
    if (busy && !next && asked === String(fields(what, extra))) return;
    entered += 1;
    next = { what, extra, number: entered };
    if (!busy) void go();
  }

  async function go() {
    while (next) {
      const { what, extra, number } = next;
      next = null;
      busy = true;
      const body = fields(what, extra);
      asked = String(body);
      try {
        const reply = await fetch("/page/answer", { method: "POST", body });
        if (reply.status === 401) {
          // What was typed stays: signing in again in another tab is enough.
          byId("problem").innerHTML = '<p class="problem">Your session has ended. <a href="/sign-in" target="_blank" rel="noopener">Sign in again</a> in another tab; what you typed stays here.</p>';
          answer.classList.add("stale");
          busy = false;
          return;
        }
        if (!reply.ok) throw new Error(String(reply.status));
        const parts = await reply.json();
        // What was typed meanwhile is newer than this answer's text; its claim still shows that work goes on.
        show(parts, what, extra, number === entered);
      } catch {
        byId("problem").innerHTML = '<p class="problem">The service does not answer. Is it still running?</p>';
        answer.classList.add("stale");
      }
      busy = false;
    }
  }

  function fields(what, extra) {
    const all = new URLSearchParams();
    if (what === "text") {
      for (const name of ["text", "open", "code", "show"]) {
        const field = form.elements.namedItem(name);
        if (field) all.set(name, field.value);
      }
      all.set("payer", form.elements.namedItem("payer").value);
      if (!extra.table && rows() > MANY) all.set("table", "later");
    } else {
      for (const [name, value] of new FormData(form)) all.append(name, String(value));
      if (what === "cells" && !extra.table) all.set("table", "later");
    }
    for (const [name, value] of Object.entries(extra)) if (name !== "table") all.set(name, value);
    return all;
  }

  function show(parts, what, extra, newest) {
    if (what !== "text" && newest && !parts.refused && text.value !== parts.text) text.value = parts.text;
    if (parts.answer !== null) {
      put(answer, parts.answer);
      put(drawing, parts.drawing || '<p class="faint">No clock times are charted.</p>');
      put(byId("why"), parts.why);
      clearTimeout(statusTimer);
      statusTimer = setTimeout(() => { byId("status").textContent = parts.summary; }, 800);
    }
    put(byId("cases"), parts.cases);
    // A cell that was refused is not in the claim.
    const behind = parts.answer === null || parts.refused;
    answer.classList.toggle("stale", behind);
    drawing.classList.toggle("stale", behind);
    byId("copy").disabled = behind;
    clearTimeout(problemTimer);
    const problem = parts.problem.trim();
    if (problem && what === "text" && !byId("problem").firstElementChild) {
      problemTimer = setTimeout(() => { byId("problem").innerHTML = problem; }, PATIENCE);
    } else {
      byId("problem").innerHTML = problem;
    }
    if (!newest) return;
    if (parts.table !== null && !(parts.refused && what === "cells" && !extra.table)) {
      put(table, parts.table);
      was.value = parts.text;
    } else if (what === "cells" && !parts.refused) {
      was.value = parts.text;
    }
    clearTimeout(tableTimer);
    if (parts.table === null && what === "text") tableTimer = setTimeout(() => send("text", { table: true }), 250);
  }

  /** Replaces a part of the page; where the reader is in it, and what is folded out, stays. */
  function put(part, markup) {
    const focus = part.contains(document.activeElement) ? document.activeElement : null;
    const kept = focus && { id: focus.id, value: focus.value, from: focus.selectionStart, to: focus.selectionEnd };
    const open = new Map([...part.querySelectorAll("details[id]")].map((d) => [d.id, d.open]));
    part.innerHTML = markup;
    for (const d of part.querySelectorAll("details[id]")) if (open.has(d.id)) d.open = open.get(d.id);
    if (!kept) return;
    const again = kept.id && byId(kept.id);
    if (!again) {
      part.closest("section")?.querySelector("[tabindex='-1']")?.focus({ preventScroll: true });
      return;
    }
    again.focus({ preventScroll: true });
    if (typeof kept.from === "number" && again instanceof HTMLInputElement) {
      again.value = kept.value;
      again.setSelectionRange(kept.from, kept.to);
    }
  }

  text.addEventListener("input", () => send("text"));
  // The tab remembers the chart until it is closed, so that a look at a rule, or a slip, loses nothing.
  const TYPED = "dripline.chart";
  window.addEventListener("pagehide", () => {
    try {
      sessionStorage.setItem(TYPED, text.value);
    } catch {
      // Where the browser keeps nothing, links still open beside the page.
    }
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      byId("claim-h").focus();
    }
  });

  table.addEventListener("input", (event) => {
    if (event.target.matches("input:not([type=radio])")) send("cells");
  });
  table.addEventListener("change", () => send("cells", { table: true }));
  form.addEventListener("change", (event) => {
    const name = event.target.name;
    // What was chosen is told as it was: an answer on its way may replace the field before this is sent.
    if (["payer", "show", "reason", "code"].includes(name)) send("form", { [name]: event.target.value });
  });

  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button?.id === "link") {
      event.preventDefault();
      void link();
      return;
    }
    if (button?.hasAttribute("formaction")) return;
    event.preventDefault();
    const what = button?.value ?? "text";
    const row = /^open\.(\d+)$/.exec(what);
    if (row) open.value = open.value === row[1] ? "" : row[1];
    if (what === "open.none" || what.startsWith("remove.")) open.value = "";
    send("form", { do: row ? (open.value === "" ? "open.none" : what) : what });
    if (what === "new") {
      byId("intro")?.remove();
      text.focus();
    }
  });

  /** A link that holds the chart in its fragment. */
  async function link() {
    const body = fields("form", {});
    const reply = await fetch("/page/link", { method: "POST", body, headers: { Accept: "application/json" } });
    const place = byId("linked");
    place.replaceChildren();
    if (!reply.ok || !reply.headers.get("content-type")?.includes("json")) {
      place.textContent = "There is no chart to link to yet.";
      return;
    }
    const { address, same } = await reply.json();
    const label = document.createElement("label");
    label.textContent = "The chart without ids, its dates moved to the first of January";
    label.htmlFor = "linked-address";
    const field = document.createElement("input");
    field.id = "linked-address";
    field.className = "linked";
    field.readOnly = true;
    field.value = address;
    const note = document.createElement("p");
    note.className = same ? "small" : "small alert";
    note.textContent = `${same ? "It gives the same lines." : "On those dates the lines are not the same."} ` +
      "Look through drugs, accesses, reasons and notes before you pass it on: they are as you typed them.";
    place.append(label, field, note);
    field.focus();
    field.select();
  }

  byId("copy").addEventListener("click", async () => {
    const lines = [...answer.querySelectorAll("[data-line]")].map((line) => line.dataset.line).join("\n");
    const button = byId("copy");
    try {
      await navigator.clipboard.writeText(lines);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed to copy";
    }
    setTimeout(() => { button.textContent = "Copy lines"; }, 1500);
  });

  /** Lights the minutes that earned a line: its own where they count, else those that it shares. */
  function light(ids) {
    for (const svg of drawing.querySelectorAll("svg.tl")) {
      svg.classList.toggle("lighting", ids !== null);
      for (const row of svg.querySelectorAll(".tl-row")) {
        const lit = ids !== null && ids.includes(row.dataset.a);
        row.classList.toggle("lit", lit);
        const own = row.querySelector("[data-fate=counted]") ? "counted" : "overlapped";
        for (const bar of row.querySelectorAll(".tl-bar")) bar.classList.toggle("earned", lit && bar.dataset.fate === own);
      }
    }
  }
  const lineOf = (target) => target instanceof Element ? target.closest(".line[data-ids]") : null;
  const lit = (event) => {
    const line = lineOf(event.target);
    if (line) light(JSON.parse(line.dataset.ids));
  };
  const dark = (event) => {
    if (lineOf(event.target) !== lineOf(event.relatedTarget)) light(null);
  };
  answer.addEventListener("pointerover", lit);
  answer.addEventListener("focusin", lit);
  answer.addEventListener("pointerout", dark);
  answer.addEventListener("focusout", dark);
  // And the other way: the lines that an administration stands in.
  drawing.addEventListener("pointerover", (event) => {
    const row = event.target.closest(".tl-row");
    for (const line of answer.querySelectorAll(".line[data-ids]")) {
      line.classList.toggle("lit", row !== null && JSON.parse(line.dataset.ids).includes(row.dataset.a));
    }
  });
  drawing.addEventListener("pointerleave", () => {
    for (const line of answer.querySelectorAll(".line.lit")) line.classList.remove("lit");
  });

  /** A chart that came in the address; it was never sent anywhere on its way. */
  function fromAddress() {
    const held = /^#c=([\w-]+)$/.exec(location.hash);
    if (!held) return;
    try {
      const bytes = Uint8Array.from(atob(held[1].replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
      text.value = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      byId("problem").innerHTML = '<p class="problem">The link is not whole: its chart cannot be read.</p>';
      return;
    }
    byId("intro")?.remove();
    send("text", { table: true });
  }
  window.addEventListener("hashchange", fromAddress);
  fromAddress();
  if (!location.hash) {
    // A browser may put back what was typed before; else the tab does, where the page has nothing but its example.
    if (text.value === was.value && byId("intro")) {
      try {
        text.value = sessionStorage.getItem(TYPED) ?? text.value;
      } catch {
        // It kept nothing.
      }
    }
    if (text.value !== was.value) {
      byId("intro")?.remove();
      send("text", { table: true });
    }
  }
}

/** The rule book: the list narrows as one types. */
function filter(field) {
  const all = [...document.querySelectorAll(".listed")];
  // What the server found stays the ground; with an empty search it is the whole book.
  if (field.value) return;
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const rule of all) {
      const holds = words.every((word) => rule.dataset.words.includes(word));
      rule.hidden = !holds;
      if (holds) found += 1;
    }
    for (const family of document.querySelectorAll(".family")) {
      family.hidden = family.querySelector(".listed:not([hidden])") === null;
    }
    byId("found").textContent = `${found} of ${all.length} rules.`;
  });
}
