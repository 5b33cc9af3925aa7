// Comfort, nothing else: every page works without it. No data leaves the page, nothing is kept.
"use strict";

document.documentElement.classList.add("scripted");
// Browsers offer no clipboard over plain HTTP, except on the local host.
if (!navigator.clipboard) { document.documentElement.classList.add("without-clipboard"); }

// Copy buttons copy the text of the element that they name. The button shows the outcome, also to screen readers.
async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    showOutcome(button, "Copied");
  } catch {
    // Without a clipboard: select the text, so that one key copies it.
    getSelection().selectAllChildren(source);
    showOutcome(button, "Press Ctrl+C");
  }
}

const showing = new WeakSet();

function showOutcome(button, outcome) {
  if (showing.has(button)) { return; }
  showing.add(button);
  // Nothing may move when the text changes: the sheet reserves the width of a longer outcome, and this keeps that of a
  // longer text.
  button.style.minWidth = `${button.getBoundingClientRect().width}px`;
  const [text, name] = [button.textContent, button.getAttribute("aria-label")];
  button.textContent = outcome;
  button.removeAttribute("aria-label");
  setTimeout(() => {
    button.textContent = text;
    if (name) { button.setAttribute("aria-label", name); }
    button.style.minWidth = "";
    showing.delete(button);
  }, 2000);
}

// Times in the reader's own zone and form; the exact instant stays in the title. A distance ("2 hours ago", form "none")
// is right in every zone.
function localTimes(root) {
  const form = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
  for (const time of root.querySelectorAll("time[datetime]:not([data-form=none])")) {
    const instant = new Date(time.dateTime);
    if (!Number.isNaN(instant.valueOf())) {
      time.textContent = (time.dataset.form === "day" ? day : form).format(instant);
    }
  }
}

// A risky act's page, shown as a dialog over the page that it was asked for on. The form in it is the page's own.
async function askInDialog(link) {
  const answer = await fetch(link.href, { headers: { Accept: "text/html" }, redirect: "error" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const question = page.querySelector("main [data-question]");
  if (!answer.ok || !question) { throw new Error("no question there"); }
  const dialog = document.createElement("dialog");
  // Heard whole before it is answered: the focus is behind the text.
  dialog.setAttribute("role", "alertdialog");
  dialog.setAttribute("aria-labelledby", "dialog-title");
  dialog.setAttribute("aria-describedby", "dialog-text");
  question.querySelector("h1")?.setAttribute("id", "dialog-title");
  question.querySelector("[data-text]")?.setAttribute("id", "dialog-text");
  dialog.append(document.adoptNode(question));
  document.body.append(dialog);
  localTimes(dialog);
  // An entry of a menu is hidden by the time that its question is answered.
  const asker = link.closest("details.menu")?.querySelector("summary") ?? link;
  dialog.addEventListener("close", () => { dialog.remove(); asker.focus(); });
  // Whoever marks a text and lets go beside the dialog has not clicked there.
  let isDownBeside = false;
  dialog.addEventListener("pointerdown", (event) => { isDownBeside = isBeside(dialog, event); });
  dialog.addEventListener("click", (event) => {
    if ((isDownBeside && isBeside(dialog, event)) || event.target.closest("[data-cancel]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  dialog.showModal();
  // Not the act's own button: an Enter that is held down would press it unread.
  (dialog.querySelector("input:is([type=text], [type=password]):not([hidden])") ?? dialog.querySelector("[data-cancel]"))?.focus();
}

// Whether a pointer met what lies behind a dialog: that has no element of its own, and the dialog's edge is not it.
function isBeside(dialog, event) {
  const box = dialog.getBoundingClientRect();
  const isWithin = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  return event.target === dialog && !isWithin;
}

// One question at a time: a second click comes while the first still fetches.
let isAsking = false;

async function ask(link) {
  if (isAsking) { return; }
  isAsking = true;
  try {
    await askInDialog(link);
  } catch {
    location.assign(link.href);
  } finally {
    isAsking = false;
  }
}

// The rule of a field, said while it is typed; the server says it again.
function checkAsTyped(input) {
  const note = document.getElementById(input.dataset.rule);
  const show = () => {
    const isWrong = input.value !== "" && !new RegExp(`^(?:${input.pattern})$`, "u").test(input.value);
    input.setAttribute("aria-invalid", String(isWrong));
    note.classList.toggle("wrong", isWrong);
    note.classList.toggle("hint", !isWrong);
  };
  input.addEventListener("input", show);
}

// What is filled in beside a choice is that choice. It stays there when another is looked at, and is sent with its own.
function choices(fieldset) {
  for (const beside of fieldset.querySelectorAll(".choice > input")) {
    const choice = beside.closest(".choice").querySelector("input[type=radio]");
    beside.addEventListener("input", () => { choice.checked = true; });
    beside.form.addEventListener("formdata", ({ formData }) => { if (!choice.checked) { formData.delete(beside.name); } });
  }
}

// Scope editor: push takes pull; a path's preview lists what it matches among the names that the page brought.
function matches(pattern, name) {
  const parts = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "u").test(name);
}

// What no repository can ever match: the server says it with all of its rules, when the form is sent.
function faultOf(pattern, namespace) {
  if (pattern.includes("**")) { return "** is not allowed: * alone already stands for any run of characters."; }
  if (/[^a-z0-9._/*-]/u.test(pattern)) {
    return "A path is made of lower-case letters, digits, '.', '_', '-', '/' and '*'.";
  }
  const [beginning, ...rest] = pattern.split("*");
  const own = `${namespace}/`;
  const isWithin = beginning.startsWith(own) || (rest.length > 0 ? own.startsWith(beginning) : beginning === namespace);
  return namespace && !isWithin ? `Can never match a repository of ${namespace}.` : "";
}

// The page may not have brought every name; what is said is said of those that it did.
function matchesInWords(pattern) {
  const block = document.getElementById("repositories");
  const names = JSON.parse(block?.textContent ?? "[]");
  const isCut = block?.dataset.more !== undefined;
  const fault = faultOf(pattern, block?.dataset.namespace);
  if (fault) { return fault; }
  const found = names.filter((name) => matches(pattern, name));
  if (found.length === 0) {
    return isCut ? `Matches none of the first ${names.length} repositories.` : "Matches no repository that is there now.";
  }
  const some = found.slice(0, 5).join(", ") + (found.length > 5 ? ` and ${found.length - 5} more` : "");
  return isCut ? `Matches ${some} of the first ${names.length} repositories.` : `Matches ${some}.`;
}

function scopeEditor(row) {
  const push = row.querySelector("[data-action=push]");
  const pull = row.querySelector("[data-action=pull]");
  push?.addEventListener("change", () => { if (push.checked) { pull.checked = true; } });
  pull?.addEventListener("change", () => { if (!pull.checked) { push.checked = false; } });
  const path = row.querySelector("[data-path]");
  // The type whose only action is to list takes neither path nor actions.
  const kind = row.querySelector("select");
  const preview = row.querySelector("[data-preview]");
  const show = () => {
    const isList = kind.value === "registry";
    for (const input of row.querySelectorAll("input")) { input.disabled = isList; }
    preview.textContent = isList || path.value === "" ? "" : matchesInWords(path.value);
  };
  kind.addEventListener("change", show);
  path.addEventListener("input", show);
  show();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-copy]");
  if (button) {
    event.preventDefault();
    copy(button);
    return;
  }
  const link = event.target.closest("a[data-ask]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    link.closest("details")?.removeAttribute("open");
    ask(link);
    return;
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) { menu.removeAttribute("open"); }
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") { return; }
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.removeAttribute("open");
    menu.querySelector("summary").focus();
  }
});

// One box selects all of a table.
document.addEventListener("change", (event) => {
  const all = event.target.closest("input[data-select-all]");
  if (!all) { return; }
  for (const box of all.closest("form").querySelectorAll("input[name=id]")) { box.checked = all.checked; }
});

localTimes(document);
document.querySelectorAll("input[data-rule]").forEach(checkAsTyped);
document.querySelectorAll("[data-scope]").forEach(scopeEditor);
document.querySelectorAll("fieldset:has(.choice > input)").forEach(choices);
