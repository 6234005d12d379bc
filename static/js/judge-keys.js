// From a key to an intention. Fields keep their own keys; dialogs keep all of them.

const LETTERS = {
  t: "tie",
  b: "both_bad",
  u: "unsure",
  s: "skip",
  c: "cannot",
  e: "tray",
  g: "guidelines",
  r: "raw",
  z: "undo",
  p: "conversation",
  m: "mark",
  "?": "help",
};
const ARROWS = { ArrowLeft: -1, ArrowRight: 1 };

/** What a key means: `{do, …}`, or null when it is not for the page. */
export function intentionOf(event, { kind, isMarking, isMarkerOpen }) {
  const { key } = event;
  // A dialog that closes keeps the focus until the next frame; a fast typist is ahead of that.
  const target = event.target.closest("dialog") ? document.body : event.target;
  const isSubmit = key === "Enter" && (event.ctrlKey || event.metaKey);
  if (isSubmit) return { do: "submit" };
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  if (isMarkerOpen) {
    if (/^[1-9]$/.test(key)) return { do: "label", number: Number(key) };
    if (key === "Enter") return { do: "offer" };
    if (key === "Escape") return { do: "unselect" };
  }
  if (isMarking && key.startsWith("Arrow")) return { do: "select", key, isExtending: event.shiftKey };
  if (isMarking && key === "Enter") return { do: "offer" };
  if (isMarking && key === "Escape") return { do: "unselect" };
  if (isTextField(target)) return key === "Escape" ? { do: "leave" } : null;
  if (isRadio(target)) {
    if (key.startsWith("Arrow")) return null;
    if (/^[0-9]$/.test(key) && target.dataset.aspect) return { do: "rate", radio: target, number: Number(key) };
  }
  if (/^[1-9]$/.test(key)) return { do: "digit", number: Number(key) };
  if (key in ARROWS) return { do: kind === "pair" ? "side" : "step", by: ARROWS[key] };
  if (key === "Backspace") return { do: kind === "pair" ? "undo" : "back" };
  if (key === "Enter") return target.closest("button, a, summary") && !target.closest("label") ? null : { do: "submit" };
  if (key === "Escape") return { do: "leave" };
  const letter = LETTERS[key.length === 1 ? key.toLowerCase() : key];
  return letter && !(event.repeat && letter !== "tray") ? { do: letter } : null;
}

function isTextField(target) {
  return target.matches("textarea, select, input:not([type=radio], [type=checkbox])");
}

function isRadio(target) {
  return target.matches("input[type=radio]");
}
