// From a stored text to HTML in which every verbatim run carries its place: <span data-o="17">.
// Raw HTML is never passed through: it is shown as the text that it is.

import hljs from "../vendor/highlight/highlight.mjs";
import MarkdownIt from "../vendor/markdown-it/markdown-it.esm.min.mjs";
import { maths } from "./text-maths.js";
import { runs, Source, weigh } from "./text-source.js";
import { placeInline } from "./text-walk.js";

const LONGEST_HIGHLIGHTED = 50_000; // characters of one code block
const DEEPEST = 40; // levels of lists and quotes; what lies deeper is shown raw

const md = new MarkdownIt("default", { html: false, linkify: false, breaks: true, maxNesting: DEEPEST });
md.core.ruler.disable(["text_join", "strip_references"]);
md.use(maths);
for (const rule of ["link", "image", "autolink", "backticks"]) noteEnd(rule);

/** Have a rule write on its last token where in the content it ended. */
function noteEnd(name) {
  const rule = md.inline.ruler.__rules__.find((one) => one.name === name).fn;
  md.inline.ruler.at(name, (state, silent) => {
    const before = state.tokens.length;
    const labelEnd = name === "link" && !silent ? md.helpers.parseLinkLabel(state, state.pos, true) : -1;
    const found = rule(state, silent);
    if (found && !silent && state.tokens.length > before) {
      const last = state.tokens.at(-1);
      last.meta = { ...last.meta, to: state.pos, tail: state.src.slice(labelEnd, state.pos) };
    }
    return found;
  });
}

/** Render a text; `isWhole` is false where characters of the source would not be seen. */
export function render(raw) {
  const source = new Source(raw);
  const env = { source, shown: 0, explained: 0, hasMaths: false };
  const tokens = md.parse(source.text, env);
  placeBlocks(tokens, env);
  const html = md.renderer.render(tokens, md.options, env);
  const isWhole = env.shown + env.explained >= weigh(source.text);
  return { html, isWhole, hasMaths: env.hasMaths };
}

function placeBlocks(tokens, env) {
  const { source } = env;
  let row = null;
  let heading = null;
  for (const token of tokens) {
    if (token.type === "tr_open") row = { line: token.map?.[0] ?? -1, at: 0 };
    if (token.type === "tr_close") row = null;
    if (token.type === "heading_open") heading = token.markup[0] === "#" ? token : null;
    if (token.type === "heading_close") heading = null;
    if (token.type === "list_item_open") env.explained += weigh(token.info);
    if (token.type === "reference_definition") env.explained += weighLines(source, token.map);
    if (token.type === "fence") env.explained += weigh(token.info);
    if (token.type !== "inline") continue;
    token.meta = { lines: linesOf(token, source, row, heading) };
    placeInline(token.content, token.children);
  }
}

function weighLines(source, [from, to]) {
  let weight = 0;
  for (let line = from; line < to; line++) weight += weigh(source.line(line));
  return weight;
}

function linesOf(token, source, row, heading) {
  if (row) return placeCell(token.content, source, row);
  if (heading) return placeHeading(token.content, source, heading);
  return token.map ? source.placeLines(token.content, token.map[0]) : [];
}

function placeHeading(content, source, heading) {
  if (!content) return [];
  const line = source.line(heading.map[0]);
  for (let at = line.indexOf(content); at >= 0; at = line.indexOf(content, at + 1)) {
    const isAfterMarker = new RegExp(`(^|[^#])${heading.markup}[ \\t]+$`).test(line.slice(0, at));
    const isBeforeEnd = /^[ \t]*(#+[ \t]*)?$/.test(line.slice(at + content.length));
    if (isAfterMarker && isBeforeEnd) return one(content, source.lineStarts[heading.map[0]] + at);
  }
  return [];
}

function placeCell(content, source, row) {
  if (row.line < 0) return [];
  const line = source.line(row.line);
  const gap = line.slice(row.at).match(row.at ? /^[ \t]*\|[ \t]*/ : /^[ \t>]*\|?[ \t]*/);
  const at = gap ? row.at + gap[0].length : -1;
  if (at < 0 || !line.startsWith(content, at)) {
    row.line = -1;
    return [];
  }
  row.at = at + content.length;
  return one(content, source.lineStarts[row.line] + at);
}

function one(content, at) {
  return [{ at: 0, length: content.length, source: at }];
}

const escape = md.utils.escapeHtml;

function run(text, point) {
  return point < 0 ? escape(text) : `<span data-o="${point}">${escape(text)}</span>`;
}

function placed(token, env) {
  env.shown += weigh(token.content);
  const start = token.meta?.at;
  if (start === undefined || !env.lines) return escape(token.content);
  const end = start + token.content.length;
  const stretch = [...runs(env.source, env.lines, start, end, env.content)];
  return stretch.map(([text, point]) => run(text === "\n" ? " " : text, point)).join("");
}

const rules = md.renderer.rules;
const renderInline = md.renderer.renderInline.bind(md.renderer);

// The renderer gives inline rules no way to their block, so the block is left in `env`.
md.renderer.renderInline = (children, options, env) => renderInline(children, options, env);
md.renderer.render = function (tokens, options, env) {
  let html = "";
  tokens.forEach((token, index) => {
    if (token.type === "inline") {
      env.lines = token.meta?.lines.length ? token.meta.lines : null;
      env.content = token.content;
      html += this.renderInline(token.children, options, env);
    } else if (rules[token.type]) html += rules[token.type](tokens, index, options, env, this);
    else html += this.renderToken(tokens, index, options);
  });
  return html;
};

// A text's headings never look like the page's own.
rules.heading_open = rules.heading_close = (tokens, index, options, env, self) => {
  tokens[index].tag = `h${Math.min(6, Number(tokens[index].tag[1]) + 3)}`;
  return self.renderToken(tokens, index, options);
};

rules.text = (tokens, index, options, env) => placed(tokens[index], env);
rules.text_special = (tokens, index, options, env) => {
  const token = tokens[index];
  env.explained += Math.max(0, weigh(token.markup) - weigh(token.content));
  return placed(token, env);
};
rules.code_inline = (tokens, index, options, env) => `<code>${placed(tokens[index], env)}</code>`;
rules.reference_definition = () => "";

rules.link_close = (tokens, index, options, env) => {
  const { meta, markup } = tokens[index];
  if (markup === "autolink") env.explained += Math.max(0, weigh(meta?.tail ?? ""));
  else env.explained += weigh(meta?.tail ?? "");
  return "</a>";
};

// Nothing remote is ever fetched: a picture is shown as a link to it.
rules.image = (tokens, index, options, env) => {
  const token = tokens[index];
  const url = token.attrGet("src");
  env.shown += weigh(token.content);
  env.explained += weigh(url) + weigh(token.attrGet("title") ?? "") + weigh(token.meta?.label ?? "");
  return `<a href="${escape(url)}">[image: ${escape(token.content)} → ${escape(url)}]</a>`;
};

rules.fence = rules.code_block = (tokens, index, options, env) => {
  const token = tokens[index];
  env.shown += weigh(token.content);
  const first = token.map[0] + (token.type === "fence" ? 1 : 0);
  const lines = env.source.placeLines(token.content, first);
  const language = token.info.trim().split(/\s+/, 1)[0].toLowerCase();
  const label = language ? `<span class="q-lang">${escape(language)}</span>` : "";
  return `<pre>${label}<code class="hljs">${highlighted(token.content, language, env, lines)}</code></pre>\n`;
};

function highlighted(code, language, env, lines) {
  const isKnown = hljs.getLanguage(language) && code.length <= LONGEST_HIGHLIGHTED;
  const html = isKnown ? hljs.highlight(code, { language, ignoreIllegals: true }).value : escape(code);
  let at = 0;
  return html.replace(/<[^>]*>|[^<]+/g, (piece) => {
    if (piece[0] === "<") return piece;
    const start = at;
    at += unescape(piece).length;
    return [...runs(env.source, lines, start, at, code)].map(([text, point]) => run(text, point)).join("");
  });
}

const ENTITIES = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#x27;": "'", "&amp;": "&" };

function unescape(html) {
  return html.replace(/&(?:lt|gt|quot|#x27|amp);/g, (entity) => ENTITIES[entity]);
}

function formula(token, env, isDisplay, from, to) {
  env.hasMaths = true;
  env.shown += weigh(token.markup);
  const place = from < 0 ? "" : ` data-from="${env.source.points[from]}" data-to="${env.source.points[to]}"`;
  const kind = isDisplay ? "q-math q-display" : "q-math";
  return `<span class="${kind}" data-tex="${escape(token.content)}"${place}>${escape(token.markup)}</span>`;
}

rules.math_inline = (tokens, index, options, env) => {
  const token = tokens[index];
  const from = sourceOf(env, token.meta.at);
  const to = sourceOf(env, token.meta.to);
  return formula(token, env, token.info === "display", to < 0 ? -1 : from, to);
};

rules.math_block = (tokens, index, options, env) => {
  const token = tokens[index];
  const lines = env.source.placeLines(token.markup, token.map[0]);
  const last = lines.at(-1);
  const isPlaced = lines[0].source >= 0 && last.source >= 0;
  const to = isPlaced ? last.source + last.length : -1;
  return `<p>${formula(token, env, true, isPlaced ? lines[0].source : -1, to)}</p>\n`;
};

function sourceOf(env, at) {
  const line = env.lines?.find((one) => at !== undefined && one.at <= at && at <= one.at + one.length);
  return line && line.source >= 0 ? line.source + at - line.at : -1;
}
