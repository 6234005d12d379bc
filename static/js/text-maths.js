// A Markdown rule for maths: $…$ and \(…\) inside a line, $$…$$ and \[…\] inside or across lines.
// The source of a formula stays the text of its element until KaTeX has drawn it.

const PAIRS = [
  { open: "$$", close: "$$", isDisplay: true },
  { open: "\\[", close: "\\]", isDisplay: true },
  { open: "\\(", close: "\\)", isDisplay: false },
];
const LONGEST_BLOCK = 200; // lines

export function maths(md) {
  md.inline.ruler.before("escape", "math_inline", inlineMaths);
  md.block.ruler.before("fence", "math_block", blockMaths, {
    alt: ["paragraph", "reference", "blockquote", "list"],
  });
}

function inlineMaths(state, silent) {
  const first = state.src.charCodeAt(state.pos);
  if (first !== 0x24 && first !== 0x5c) return false;
  const found = delimited(state.src, state.pos, state.posMax) ?? dollars(state.src, state.pos, state.posMax);
  if (!found) return false;
  if (!silent) {
    const token = state.push("math_inline", "span", 0);
    token.content = state.src.slice(found.from, found.to);
    token.markup = state.src.slice(state.pos, found.end);
    token.info = found.isDisplay ? "display" : "";
    token.meta = { to: found.end };
  }
  state.pos = found.end;
  return true;
}

function delimited(src, pos, max) {
  const pair = PAIRS.find(({ open }) => src.startsWith(open, pos));
  if (!pair) return null;
  const from = pos + pair.open.length;
  const to = src.indexOf(pair.close, from);
  if (to < 0 || to + pair.close.length > max || !src.slice(from, to).trim()) return null;
  return { from, to, end: to + pair.close.length, isDisplay: pair.isDisplay };
}

/** As Pandoc reads them: no space inside the dollars, no digit after, so that prices stay prices. */
function dollars(src, pos, max) {
  if (src[pos] !== "$" || src[pos + 1] === "$" || !/\S/.test(src[pos + 1] ?? " ")) return null;
  for (let to = src.indexOf("$", pos + 1); to > 0 && to < max; to = src.indexOf("$", to + 1)) {
    if (src[to - 1] === "\\") continue;
    if (/\s/.test(src[to - 1]) || /\d/.test(src[to + 1] ?? "")) return null;
    return { from: pos + 1, to, end: to + 1, isDisplay: false };
  }
  return null;
}

function blockMaths(state, startLine, endLine, silent) {
  const start = state.bMarks[startLine] + state.tShift[startLine];
  const pair = PAIRS.find(({ open, isDisplay }) => isDisplay && state.src.startsWith(open, start));
  if (!pair || state.sCount[startLine] - state.blkIndent >= 4) return false;
  const last = closingLine(state, pair, startLine, endLine, start);
  if (last < 0) return false;
  if (silent) return true;
  const whole = state.getLines(startLine, last + 1, state.blkIndent, false).trim();
  const token = state.push("math_block", "div", 0);
  token.content = whole.slice(pair.open.length, whole.length - pair.close.length);
  token.markup = whole;
  token.map = [startLine, last + 1];
  state.line = last + 1;
  return true;
}

function closingLine(state, pair, startLine, endLine, start) {
  for (let line = startLine; line < Math.min(endLine, startLine + LONGEST_BLOCK); line++) {
    if (line > startLine && (state.sCount[line] < state.blkIndent || state.isEmpty(line))) return -1;
    const from = line === startLine ? start + pair.open.length : state.bMarks[line];
    const text = state.src.slice(from, state.eMarks[line]);
    const close = text.indexOf(pair.close);
    if (close >= 0) return text.slice(close + pair.close.length).trim() ? -1 : line;
  }
  return -1;
}
