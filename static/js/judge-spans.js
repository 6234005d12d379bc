// Marked passages: made from a selection, drawn over the text, listed as chips.

import { quoteOf, rangesOf, stretchOf, trimmed } from "./text-places.js";

const QUOTE = 60; // characters of a passage shown in its chip

export class Marker {
  /** `onMark(span)` and `announce(sentence)` are the page's. */
  constructor({ popover, onMark, announce }) {
    Object.assign(this, { popover, onMark, announce });
    this.pending = null;
    this.select = popover.querySelector("select");
    popover.addEventListener("pointerdown", (event) => {
      if (event.target.closest("button")) event.preventDefault(); // keep the selection
    });
    popover.addEventListener("click", (event) => {
      const button = event.target.closest("[data-label]");
      if (button) this.pick(button);
    });
  }

  get isOpen() {
    return !this.popover.hidden;
  }

  get labels() {
    return [...this.popover.querySelectorAll("[data-label]")].map((one) => one.dataset.label);
  }

  offerAspects(rows) {
    const options = rows.map(({ key, name }) => new Option(name, key));
    this.select.replaceChildren(new Option("no aspect", ""), ...options);
    this.select.parentElement.hidden = rows.length === 0;
  }

  /** Offer labels for what is selected now; false when nothing of a response is. */
  open() {
    const selection = getSelection();
    if (!this.labels.length || !selection.rangeCount || selection.isCollapsed) return this.close();
    const range = selection.getRangeAt(0);
    const root = textOf(range.startContainer);
    if (!root || root !== textOf(range.endContainer, range)) return this.close();
    const stretch = stretchOf(range, root);
    const kept = stretch && trimmed(root.source, stretch);
    if (!kept) {
      this.close();
      if (!stretch && range.toString().trim()) {
        this.announce("These words cannot be placed for certain here; mark them in the raw view (r).");
      }
      return false;
    }
    this.pending = { response: Number(root.dataset.response), ...kept };
    this.#show(range.getBoundingClientRect());
    return true;
  }

  #show(box) {
    this.popover.hidden = false;
    const own = this.popover.getBoundingClientRect();
    const left = Math.min(Math.max(box.left + box.width / 2 - own.width / 2, 8), innerWidth - own.width - 8);
    const isBelow = box.bottom + own.height + 16 < innerHeight;
    const top = isBelow ? box.bottom + 8 : Math.max(8, box.top - own.height - 8);
    this.popover.style.left = `${left}px`;
    this.popover.style.top = `${top}px`;
    this.announce(`Mark the words as: ${this.labels.map((one, n) => `${n + 1} ${one}`).join(", ")}.`);
  }

  pickNumber(number) {
    const button = this.popover.querySelectorAll("[data-label]")[number - 1];
    if (button) this.pick(button);
  }

  pick(button) {
    if (!this.pending) return;
    this.onMark({ ...this.pending, label: button.dataset.label, criterion: this.select.value });
    getSelection().removeAllRanges();
    this.close();
  }

  close() {
    this.pending = null;
    this.popover.hidden = true;
    return false;
  }
}

function textOf(node, range) {
  const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
  const found = element.closest("quorum-text[data-response]");
  // A triple click ends at the very start of the element after the text.
  if (!found && range?.endOffset === 0) return textOf(range.startContainer);
  return found ?? (range ? textOf(range.startContainer) : null);
}

/** Select by keyboard: begin at the first words of a response, then arrows move, Shift extends. */
export function beginAt(card) {
  const text = card.querySelector("quorum-text[data-response]");
  const first = text.querySelector("[data-o]");
  if (!first) return false;
  const selection = getSelection();
  selection.setBaseAndExtent(first.firstChild, 0, first.firstChild, 0);
  selection.modify("extend", "forward", "word");
  return true;
}

export function moveSelection(key, isExtending) {
  const selection = getSelection();
  const direction = key === "ArrowLeft" || key === "ArrowUp" ? "backward" : "forward";
  const unit = key === "ArrowUp" || key === "ArrowDown" ? "line" : "word";
  if (isExtending) return selection.modify("extend", direction, unit);
  direction === "forward" ? selection.collapseToEnd() : selection.collapseToStart();
  selection.modify("move", direction, unit);
  return selection.modify("extend", "forward", "word");
}

/** Draw every span over its text, one highlight for each label. */
export function drawSpans(panel, spans, labels) {
  if (!CSS.highlights) return;
  labels.forEach((label, index) => {
    const ranges = spans
      .filter((span) => span.label === label)
      .flatMap((span) => {
        const text = panel.querySelector(`quorum-text[data-response="${span.response}"]`);
        return text ? [...rangesOf(span, text)] : [];
      });
    CSS.highlights.set(`span-${index % 6}`, new Highlight(...ranges));
  });
}

export function listSpans(panel, spans, labels) {
  const list = panel.querySelector(".spans");
  list?.replaceChildren(...spans.map((span, index) => spanChip(panel, span, index, labels)));
}

function spanChip(panel, span, index, labels) {
  const text = panel.querySelector(`quorum-text[data-response="${span.response}"]`);
  const card = panel.querySelector(`[data-card="${span.response}"]`);
  const quote = quoteOf(text.source, span).replace(/\s+/g, " ");
  const shown = quote.length > QUOTE ? `${quote.slice(0, QUOTE)}…` : quote;
  const chip = document.createElement("li");
  chip.className = `span-chip span-${labels.indexOf(span.label) % 6}`;
  const where = Object.assign(document.createElement("span"), { className: "label-mark" });
  where.textContent = card.dataset.label;
  const said = document.createElement("q");
  said.textContent = shown;
  const name = document.createElement("strong");
  name.textContent = span.criterion ? `${span.label} · ${span.criterion}` : span.label;
  const remove = document.createElement("button");
  Object.assign(remove, { type: "button", className: "quiet icon", textContent: "×" });
  remove.dataset.do = "unmark";
  remove.dataset.index = index;
  remove.setAttribute("aria-label", `Remove the mark ${span.label} on “${shown}”`);
  chip.append(where, name, said, remove);
  return chip;
}
