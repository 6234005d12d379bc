// Between a selection on the page and a stretch of the stored text, in Unicode code points.

import { pointsIn } from "./text-hidden.js";

const RUNS = "[data-o], [data-from]";

/** The stretch that a range covers: `{start, end}`, or null where a place is not certain. */
export function stretchOf(range, root) {
  const touched = [...root.querySelectorAll(RUNS)].filter((run) => covers(range, run));
  if (!touched.length || touchesUnplaced(range, root)) return null;
  const start = placeOf(touched[0], range.startContainer, range.startOffset, "from");
  const end = placeOf(touched.at(-1), range.endContainer, range.endOffset, "to");
  return start < end ? { start, end } : null;
}

function covers(range, run) {
  const own = document.createRange();
  own.selectNodeContents(run);
  const isBefore = range.compareBoundaryPoints(Range.START_TO_END, own) > 0;
  return isBefore && range.compareBoundaryPoints(Range.END_TO_START, own) < 0;
}

function placeOf(run, container, offset, side) {
  if (run.dataset.from !== undefined) return Number(run.dataset[side]);
  const start = Number(run.dataset.o);
  const text = run.textContent;
  if (container.nodeType === Node.TEXT_NODE && run.contains(container)) {
    return start + pointsIn(text.slice(0, offset));
  }
  return side === "from" ? start : start + pointsIn(text);
}

/** Whether a range begins or ends in text that has no place, as the text of an entity. */
function touchesUnplaced(range, root) {
  return [
    [range.startContainer, (text) => text.slice(range.startOffset)],
    [range.endContainer, (text) => text.slice(0, range.endOffset)],
  ].some(([node, part]) => {
    if (node.nodeType !== Node.TEXT_NODE || !root.contains(node)) return false;
    return !node.parentElement.closest(RUNS) && part(node.data).trim() !== "";
  });
}

/** Ranges on the page that show a stretch of the text. */
export function* rangesOf(stretch, root) {
  for (const run of root.querySelectorAll(RUNS)) {
    const isWhole = run.dataset.from !== undefined;
    const from = Number(isWhole ? run.dataset.from : run.dataset.o);
    const to = isWhole ? Number(run.dataset.to) : from + pointsIn(run.textContent);
    if (to <= stretch.start || from >= stretch.end) continue;
    const range = document.createRange();
    range.selectNodeContents(run);
    if (!isWhole && run.firstChild?.nodeType === Node.TEXT_NODE) {
      range.setStart(run.firstChild, unitsIn(run.textContent, stretch.start - from));
      range.setEnd(run.firstChild, unitsIn(run.textContent, stretch.end - from));
    }
    yield range;
  }
}

function unitsIn(text, points) {
  let at = 0;
  for (let left = points; left > 0 && at < text.length; left--) {
    at += text.codePointAt(at) > 0xffff ? 2 : 1;
  }
  return at;
}

export function quoteOf(text, { start, end }) {
  return text.slice(unitsIn(text, start), unitsIn(text, end));
}

/** The stretch without the white space at its ends; null when nothing is left. */
export function trimmed(text, stretch) {
  const quote = quoteOf(text, stretch);
  const start = stretch.start + pointsIn(quote) - pointsIn(quote.trimStart());
  const end = stretch.end - (pointsIn(quote) - pointsIn(quote.trimEnd()));
  return start < end ? { start, end } : null;
}
