// <quorum-text><pre>RAW</pre></quorum-text>: a stored text, shown rendered or raw.
// Without JavaScript the raw text is readable; whenever rendering is not safe or not whole, it stays.

import { clean, drawFormulas } from "./text-clean.js";
import { hasHidden, rawView } from "./text-hidden.js";
import { rendered } from "./text-renderer.js";

const LARGEST = 200_000; // characters rendered without being asked
const VIEW_KEY = "quorum:text-view";

export function isRaw() {
  return localStorage.getItem(VIEW_KEY) === "raw";
}

/** Show every text of the page raw or rendered, and remember it. */
export function setRaw(raw) {
  localStorage.setItem(VIEW_KEY, raw ? "raw" : "rendered");
  document.querySelectorAll("quorum-text").forEach((element) => element.show());
  document.dispatchEvent(new CustomEvent("quorum:view", { detail: raw ? "raw" : "rendered" }));
}

class QuorumText extends HTMLElement {
  connectedCallback() {
    if (this.source !== undefined) return;
    this.source = this.querySelector("pre")?.textContent ?? "";
    this.isForced = false;
    this.show();
  }

  /** Bring the view into the state that the page asks for. */
  async show() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    if (isRaw()) return this.#put(rawView(this.source), "");
    if (!this.source.trim()) return this.#put(emptyView(), "");
    if (this.source.length > LARGEST && !this.isForced) {
      return this.#put(rawView(this.source), "Shown as raw text: it is very long.", true);
    }
    const result = await rendered(this.source);
    if (turn !== this.turn) return undefined;
    if (!result) {
      return this.#put(rawView(this.source), "Shown as raw text: rendering took too long.");
    }
    if (!result.isWhole) {
      return this.#put(rawView(this.source), "Shown as raw text: a rendering would leave out a part.");
    }
    const body = document.createElement("div");
    body.className = "q-rendered";
    body.append(clean(result.html));
    body.querySelectorAll("p, li, h4, h5, h6, td, th").forEach((block) => (block.dir = "auto"));
    body.querySelectorAll("pre, table").forEach(makeScrollable);
    this.#put(body, "");
    if (result.hasMaths) {
      await drawFormulas(body);
      this.dispatchEvent(new CustomEvent("quorum:shown", { bubbles: true }));
    }
    return undefined;
  }

  #put(view, note, canForce = false) {
    const parts = [view];
    if (note) parts.unshift(this.#note(note, canForce));
    if (hasHidden(this.source)) parts.unshift(hiddenBadge());
    this.replaceChildren(...parts);
    this.dataset.view = view.className === "q-raw" ? "raw" : "rendered";
    this.dispatchEvent(new CustomEvent("quorum:shown", { bubbles: true }));
  }

  #note(text, canForce) {
    const note = document.createElement("p");
    note.className = "q-note";
    note.textContent = text;
    if (canForce) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "secondary", textContent: "Render anyway" });
      button.addEventListener("click", () => {
        this.isForced = true;
        this.show();
      });
      note.append(" ", button);
    }
    return note;
  }
}

function emptyView() {
  const view = document.createElement("p");
  view.className = "q-empty";
  view.textContent = "(an empty text)";
  return view;
}

function hiddenBadge() {
  const badge = document.createElement("p");
  badge.className = "q-note q-warning";
  badge.textContent = "Holds hidden characters; the raw view shows them.";
  return badge;
}

function makeScrollable(element) {
  const frame = document.createElement("div");
  frame.className = "q-scroll";
  element.replaceWith(frame);
  frame.append(element);
  const settle = () => {
    if (frame.scrollWidth > frame.clientWidth) frame.tabIndex = 0;
    else frame.removeAttribute("tabindex");
  };
  new ResizeObserver(settle).observe(frame);
}

customElements.define("quorum-text", QuorumText);
