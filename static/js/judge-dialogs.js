// The dialogs of the page: each is opened by a key or a button and closed by Esc.

import { announce } from "./judge-status.js";

const $ = (id) => document.getElementById(id);

export function isOpen() {
  return document.querySelector("dialog[open]") !== null;
}

/** Open a dialog; resolves with the value of the button that closed it, "" when cancelled. */
export function ask(id) {
  const dialog = $(id);
  dialog.showModal();
  return new Promise((resolve) => {
    const asked = new AbortController();
    const settle = (value) => {
      asked.abort();
      resolve(value);
    };
    // Not from the close event: it comes after the next key of a fast typist.
    const { signal } = asked;
    dialog.addEventListener("submit", (event) => settle(event.submitter.value), { signal });
    // An open dialog: this is the close of an earlier opening, which comes late.
    dialog.addEventListener("close", () => dialog.open || settle(""), { signal });
  });
}

export async function askSkip() {
  $("skip-reason").value = "";
  return (await ask("skip-dialog")) === "skip" ? $("skip-reason").value : null;
}

export function prepareDialogs() {
  document.querySelectorAll("dialog").forEach((dialog) => {
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[data-do=close]")) dialog.close("");
    });
  });
  $("cannot-dialog").addEventListener("keydown", (event) => {
    const button = /^[1-5]$/.test(event.key) && event.currentTarget.querySelectorAll("[value]")[event.key - 1];
    if (!button) return;
    event.stopPropagation(); // with the dialog gone, the digit would choose a response as well
    button.click();
  });
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented) return; // this very key has just opened it
    const key = event.key === "?" ? "help" : event.key;
    const same = { g: "guidelines-dialog", help: "help-dialog" }[key];
    if (same && $(same)?.open) $(same).close("");
  });
}

/** Mark guidelines that this person has not opened in their present version. */
export function watchGuidelines(project, version) {
  const key = `quorum:guidelines:${project}`;
  const badge = $("guidelines-new");
  if (!badge) return () => {};
  badge.hidden = localStorage.getItem(key) === version;
  badge.textContent = localStorage.getItem(key) ? "new version" : "new";
  return () => {
    localStorage.setItem(key, version);
    badge.hidden = true;
  };
}

export function noteNewGuidelines() {
  const badge = $("guidelines-new");
  if (!badge || badge.textContent === "reload") return;
  badge.hidden = false;
  badge.textContent = "reload";
  announce("The guidelines have changed; reload the page to read them.");
}
