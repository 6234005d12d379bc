// The one gate through which rendered text enters a page: an allow-list, then formulas.

import DOMPurify from "../vendor/dompurify/purify.es.mjs";

const TAGS =
  "p h4 h5 h6 ul ol li table thead tbody tr th td pre code span em strong s del blockquote a br hr sub sup";
const ATTRIBUTES = ["href", "class", "start", "data-o", "data-from", "data-to", "data-tex"];
const OWN_CLASS = /^(hljs(-[\w-]+)?|language_|function_|class_|inherited__|built_in_|q-(math|display|lang))$/;
const SAFE_LINK = /^(https?|mailto):/i;

const purifier = DOMPurify(window);

purifier.addHook("afterSanitizeAttributes", (node) => {
  if (node.hasAttribute("class")) {
    const own = [...node.classList].filter((name) => OWN_CLASS.test(name));
    node.setAttribute("class", own.join(" "));
  }
  if (node.tagName !== "A") return;
  if (!SAFE_LINK.test(node.getAttribute("href") ?? "")) node.removeAttribute("href");
  node.setAttribute("rel", "noopener noreferrer nofollow ugc");
  node.setAttribute("target", "_blank");
});

export function clean(html) {
  return purifier.sanitize(html, {
    ALLOWED_TAGS: TAGS.split(" "),
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
}

const LONGEST_FORMULA = 4000; // characters
const MATHS_LIMIT = 400; // ms for all formulas of one text
let katex = null;

/** Draw the formulas of a rendering; one that cannot be drawn keeps its source. */
export async function drawFormulas(root) {
  katex ??= loadKatex();
  const { render } = await katex;
  const end = performance.now() + MATHS_LIMIT;
  for (const element of root.querySelectorAll(".q-math[data-tex]")) {
    if (performance.now() > end) return;
    if (element.dataset.tex.length <= LONGEST_FORMULA) drawFormula(render, element);
  }
}

function drawFormula(render, element) {
  const source = element.textContent;
  try {
    render(element.dataset.tex, element, {
      displayMode: element.classList.contains("q-display"),
      trust: false,
      maxExpand: 100,
      maxSize: 20,
      strict: "ignore",
    });
  } catch {
    element.textContent = source; // not TeX, or too much of it: the source says it
  }
}

function loadKatex() {
  const folder = new URL("../vendor/katex/", import.meta.url);
  const style = document.createElement("link");
  Object.assign(style, { rel: "stylesheet", href: new URL("katex.min.css", folder).href });
  const script = document.createElement("script");
  script.src = new URL("katex.min.js", folder).href;
  document.head.append(style, script);
  return new Promise((resolve, reject) => {
    script.onload = () => resolve(window.katex);
    script.onerror = reject;
  });
}
