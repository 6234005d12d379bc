// The map of prompts: Vega draws it and keeps the lasso; what lies inside is listed beneath.

import { themed } from "./plot.js";

const MOST_LISTED = 200;
const LEAST_CORNERS = 3;
const place = document.getElementById("map");
const chosen = document.getElementById("chosen");
const none = document.getElementById("chosen-none");
let view = null;

async function draw() {
  const spec = JSON.parse(place.dataset.map);
  view?.finalize();
  const embedded = await window.vegaEmbed(place, spec, {
    mode: "vega",
    ast: true,
    actions: false,
    renderer: "canvas",
    defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
    config: themed(),
  });
  view = embedded.view;
  view.addEventListener("click", (event, item) => item?.datum?.excerpt !== undefined && list([item.datum]));
  place.dataset.drawn = "";
}

/** The points inside a lasso, a list of corners in pixels. Even-odd rule. */
function inside(corners) {
  const [x, y] = [view.scale("x"), view.scale("y")];
  return view.data("points").filter((row) => {
    const [px, py] = [x(row.x), y(row.y)];
    return corners.reduce((within, [ax, ay], n) => {
      const [bx, by] = corners[(n || corners.length) - 1];
      const crosses = ay > py !== by > py && px < ((bx - ax) * (py - ay)) / (by - ay) + ax;
      return crosses ? !within : within;
    }, false);
  });
}

function list(rows) {
  none.hidden = rows.length > 0;
  chosen.hidden = rows.length === 0;
  const shown = rows.slice(0, MOST_LISTED);
  const rest = rows.length > shown.length ? `; the first ${MOST_LISTED} are listed` : "";
  document.getElementById("chosen-count").textContent = `${rows.length} ${rows.length === 1 ? "prompt" : "prompts"}${rest}.`;
  chosen.querySelector("tbody").replaceChildren(...shown.map(rowOf));
}

function rowOf(row) {
  const line = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  const link = document.createElement("a");
  link.className = "excerpt";
  link.href = `${place.dataset.items}${row.item}/`;
  link.textContent = row.excerpt || "(empty)";
  head.append(link);
  line.append(head, cell(row.topic), cell(row.items, true), cell(told(row.value), true));
  return line;
}

function cell(text, isNumber = false) {
  const made = document.createElement("td");
  if (isNumber) made.className = "number";
  made.textContent = text;
  return made;
}

function told(value) {
  if (value === null) return "–";
  return typeof value === "number" ? String(Math.round(value * 1000) / 1000) : value;
}

function finish() {
  const corners = view?.signal("lasso") ?? [];
  if (corners.length < LEAST_CORNERS) return;
  list(inside(corners));
}

function clear() {
  view.signal("lasso", []).run();
  list([]);
}

if (place) {
  await draw();
  place.addEventListener("pointerdown", () => addEventListener("pointerup", () => setTimeout(finish), { once: true }));
  document.getElementById("chosen-clear").addEventListener("click", clear);
  const byFinger = document.querySelector("[data-map-lasso]");
  byFinger.addEventListener("click", () => {
    const isOn = place.classList.toggle("is-lasso");
    byFinger.setAttribute("aria-pressed", String(isOn));
  });
  document.addEventListener("quorum:theme", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}
document.querySelector(".map-tools select")?.addEventListener("change", (event) => event.target.form.requestSubmit());
