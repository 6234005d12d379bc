// Characters that change how a text looks or reads without being seen.

const HIDDEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{1bca0}-\u{1bca3}\u{e0000}-\u{e0fff}]/u;
const EVERY_HIDDEN = new RegExp(`(${HIDDEN.source}+)`, "gu");
const MOST_NAMED = 12; // characters of one hidden stretch written out

export function hasHidden(text) {
  return HIDDEN.test(text);
}

export function pointsIn(text) {
  let count = 0;
  for (let at = 0; at < text.length; at += text.codePointAt(at) > 0xffff ? 2 : 1) count++;
  return count;
}

/** The raw text as runs with their places, hidden characters written out as their numbers. */
export function rawView(text) {
  const view = document.createElement("pre");
  view.className = "q-raw";
  view.dir = "auto";
  let at = 0;
  text.split(EVERY_HIDDEN).forEach((piece, index) => {
    if (!piece) return;
    const run = document.createElement("span");
    const end = at + pointsIn(piece);
    if (index % 2) nameHidden(run, piece, at, end);
    else {
      run.dataset.o = at;
      run.textContent = piece;
    }
    at = end;
    view.append(run);
  });
  return view;
}

function nameHidden(run, piece, from, to) {
  const names = [...piece].map((one) => `U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`);
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : "";
  run.className = "q-hidden";
  run.dataset.from = from;
  run.dataset.to = to;
  run.textContent = `⟨${names.slice(0, MOST_NAMED).join(" ")}${more}⟩`;
}
