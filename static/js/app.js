// Every page: the theme switch, toasts that leave, menus that close.

const root = document.documentElement;

function shownTheme() {
  return root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

document.getElementById("theme-toggle")?.addEventListener("click", () => {
  const theme = shownTheme() === "dark" ? "light" : "dark";
  root.dataset.theme = theme;
  document.cookie = `theme=${theme};path=/;max-age=31536000;samesite=lax`;
  document.dispatchEvent(new CustomEvent("quorum:theme", { detail: theme }));
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  if (event.target.closest?.("[data-back]") && history.length > 1) {
    event.preventDefault();
    history.back();
  }
  const copy = event.target.closest?.("[data-copy]");
  if (copy) {
    navigator.clipboard.writeText(document.querySelector(copy.dataset.copy).textContent);
    toast("Copied.");
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A form with data-confirm asks before it is sent.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

// A form is sent once: whoever presses again while the answer is on its way changes nothing. Where
// no answer came, as loading was stopped, it can be sent again; files may take longer.
const PATIENCE = 20_000;

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.ariaBusy === "true") return event.preventDefault();
  const busy = [form, event.submitter].filter(Boolean);
  for (const one of busy) one.ariaBusy = "true";
  if (form.enctype === "multipart/form-data") return;
  setTimeout(() => busy.forEach((one) => (one.ariaBusy = null)), PATIENCE);
});

// Back in a page that was left by sending a form, it can be sent again.
addEventListener("pageshow", () => {
  for (const busy of document.querySelectorAll("form[aria-busy], form [aria-busy]")) busy.ariaBusy = null;
});

// On a phone the tabs scroll sideways: the one that one is in is shown.
for (const here of document.querySelectorAll(":is(.tabs, .sections) a[aria-current]")) {
  const tabs = here.closest("nav");
  tabs.scrollLeft = here.offsetLeft - (tabs.clientWidth - here.offsetWidth) / 2;
}

export function toast(text, kind = "success") {
  const note = document.createElement("p");
  note.className = `toast ${kind}`;
  note.textContent = text;
  document.getElementById("toasts").append(note);
}

const TOAST_STAYS = 6000; // ms; errors stay until they are clicked away

new MutationObserver((changes) => {
  for (const change of changes) for (const node of change.addedNodes) expire(node);
}).observe(document.getElementById("toasts"), { childList: true });

function expire(node) {
  if (!(node instanceof HTMLElement)) return;
  node.addEventListener("click", () => node.remove());
  if (!node.classList.contains("error")) setTimeout(() => node.remove(), TOAST_STAYS);
}

document.querySelectorAll("#toasts > *").forEach(expire);

document.addEventListener("htmx:sendError", () => toast("The server cannot be reached.", "error"));

document.querySelector("main [aria-invalid='true']")?.focus();
