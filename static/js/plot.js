// Draws every .plot[data-spec] with Vega-Lite in the colours of the page, again when they change.
// Expressions are interpreted, never compiled, so the page needs no unsafe-eval.

const PALETTE = {
  light: ["#3b4cca", "#b45f06", "#17693b", "#a3266f", "#0e7490", "#6b6000"],
  dark: ["#9aa7ff", "#f2c173", "#7fd6a0", "#f59ac9", "#6fd3dd", "#d5cc6b"],
};
const HEAT = { light: ["#f3f4fb", "#8f9df5"], dark: ["#232838", "#4454cf"] }; // ink is legible on all

export function themed() {
  const style = getComputedStyle(document.documentElement);
  const token = (name) => style.getPropertyValue(name).trim();
  const root = document.documentElement.dataset.theme;
  const dark = root ? root === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = dark ? "dark" : "light";
  const category = PALETTE[theme];
  const text = { labelColor: token("--q-ink-soft"), titleColor: token("--q-ink-soft") };
  return {
    background: "transparent",
    font: "system-ui, sans-serif",
    view: { stroke: null },
    range: { category, ramp: HEAT[theme], heatmap: HEAT[theme] },
    mark: { color: category[0] },
    rule: { color: category[0] },
    text: { color: token("--q-ink"), fontSize: 12 },
    style: { usual: { color: token("--q-ink-soft") } },
    axis: { ...text, gridColor: token("--q-line"), domainColor: token("--q-line"), tickColor: token("--q-line"), labelFontSize: 12, titleFontSize: 12, titleFontWeight: 500 },
    axisX: { grid: false },
    legend: { ...text, labelFontSize: 12 },
  };
}

async function draw(place) {
  const spec = JSON.parse(place.dataset.spec);
  const options = {
    ast: true,
    actions: false,
    renderer: "canvas",
    defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
    config: themed(),
  };
  place.quorumView?.finalize();
  place.quorumView = await window.vegaEmbed(place, spec, options);
}

function drawAll(within = document) {
  for (const place of within.querySelectorAll(".plot[data-spec]")) draw(place);
}

drawAll();
document.addEventListener("htmx:afterSettle", (event) => drawAll(event.target));
document.addEventListener("quorum:theme", () => drawAll());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll());
