// Walks the inline tokens of one block along its content, so that each text knows its place.
//
// Every token says what it consumed: a text itself, an escape or an entity its markup, emphasis its
// delimiters, a link whatever the parser noted in `meta.to`. Where the content does not agree, the
// walk stops and the rest of the block stays without places.

const LINE_BREAK = /[ \t]*\\?\n[ \t]*/y;

/** Set `meta.at` (position in the content) on every text that can be placed for certain. */
export function placeInline(content, children) {
  let at = 0;
  for (const token of children) {
    const next = STEPS[token.type]?.(content, at, token) ?? -1;
    if (next < 0) return false;
    at = next;
  }
  return true;
}

function here(token, at) {
  token.meta = { ...token.meta, at };
}

function text(content, at, token) {
  if (!content.startsWith(token.content, at)) return -1;
  here(token, at);
  return at + token.content.length;
}

function special(content, at, token) {
  if (!content.startsWith(token.markup, at)) return -1;
  if (token.content === token.markup) here(token, at);
  else if (token.info === "escape") here(token, at + 1);
  return at + token.markup.length;
}

function lineBreak(content, at) {
  LINE_BREAK.lastIndex = at;
  return LINE_BREAK.test(content) ? LINE_BREAK.lastIndex : -1;
}

function delimiter(content, at, token) {
  return content.startsWith(token.markup, at) ? at + token.markup.length : -1;
}

function linkOpen(content, at, token) {
  return content[at] === (token.markup === "autolink" ? "<" : "[") ? at + 1 : -1;
}

function noted(content, at, token) {
  return token.meta?.to ?? -1;
}

function code(content, at, token) {
  const end = token.meta?.to ?? -1;
  const inner = content.slice(at + token.markup.length, end - token.markup.length);
  const shift = inner.replaceAll("\n", " ") === token.content ? 0 : 1;
  if (inner.replaceAll("\n", " ").slice(shift, inner.length - shift) !== token.content) return -1;
  here(token, at + token.markup.length + shift);
  return end;
}

function math(content, at, token) {
  here(token, at);
  return token.meta.to;
}

const STEPS = {
  text,
  text_special: special,
  softbreak: lineBreak,
  hardbreak: lineBreak,
  em_open: delimiter,
  em_close: delimiter,
  strong_open: delimiter,
  strong_close: delimiter,
  s_open: delimiter,
  s_close: delimiter,
  link_open: linkOpen,
  link_close: noted,
  image: noted,
  code_inline: code,
  math_inline: math,
};
