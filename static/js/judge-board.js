// The order of a ranking as a board of tiers: drag responses between them, or move them by button.

import { arrange, shownTiers, tiersOf } from "./judge-answer.js";

let sortable = null;

function loadSortable() {
  sortable ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("../vendor/sortable/Sortable.min.js", import.meta.url).href;
    script.onload = () => resolve(window.Sortable);
    script.onerror = reject;
    document.head.append(script);
  });
  return sortable;
}

/** Let the board be dragged; `onArrange(tiers)` gets the order that was made. */
export async function enableBoard(panel, onArrange) {
  const board = panel.querySelector(".tiers");
  if (!board) return;
  const Sortable = await loadSortable();
  board.enableDrags = () => {
    board.querySelectorAll(".tier, .gap").forEach((tier) => {
      Sortable.create(tier, {
        group: "tiers",
        animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 120,
        onEnd: () => onArrange(read(board)),
      });
    });
  };
  board.enableDrags();
}

function read(board) {
  const tiers = [...board.querySelectorAll(".tier:not(.unplaced), .gap")];
  const ids = tiers.map((tier) => [...tier.querySelectorAll("[data-piece]")].map((one) => Number(one.dataset.piece)));
  return ids.filter((tier) => tier.length);
}

export function drawBoard(panel, answer) {
  const board = panel.querySelector(".tiers");
  const focused = document.activeElement?.closest?.("[data-piece]") && document.activeElement;
  const again = focused && [focused.closest("[data-piece]").dataset.piece, focused.dataset.move];
  const isOther = answer.outcome && answer.outcome !== "ranked";
  const tiers = isOther ? [] : shownTiers(answer);
  const unplaced = answer.responses.filter((one) => !tiers.flat().includes(one));
  const parts = tiers.flatMap((tier, index) => [gap(), tierOf(panel, tier, `place ${index + 1}`, "tier")]);
  if (tiers.length) parts.push(gap());
  if (unplaced.length) parts.push(tierOf(panel, unplaced, "not placed", "tier unplaced"));
  board.replaceChildren(...parts);
  board.enableDrags?.();
  if (again) board.querySelector(`[data-piece="${again[0]}"] [data-move="${again[1]}"]`)?.focus();
}

function gap() {
  return Object.assign(document.createElement("span"), { className: "gap" });
}

function tierOf(panel, ids, name, className) {
  const tier = document.createElement("span");
  tier.className = className;
  tier.setAttribute("role", "group");
  tier.setAttribute("aria-label", name);
  tier.append(...ids.map((id) => piece(panel, id)));
  return tier;
}

function piece(panel, id) {
  const one = document.createElement("span");
  one.className = "piece";
  one.dataset.piece = id;
  const { label } = panel.querySelector(`[data-card="${id}"]`).dataset;
  const name = Object.assign(document.createElement("span"), { className: "piece-name", textContent: label });
  one.append(mover("up", "‹", `Move ${label} up`), name, mover("down", "›", `Move ${label} down`));
  return one;
}

function mover(move, sign, name) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "quiet", textContent: sign, title: name });
  button.dataset.move = move;
  button.setAttribute("aria-label", name);
  return button;
}

/** Move one response up or down: out of a tie, into the next tier, or past it, step by step. */
export function moved(answer, id, move) {
  const tiers = tiersOf(answer.places);
  const index = tiers.findIndex((tier) => tier.includes(id));
  if (index < 0) return arrange(answer, move === "up" ? [[id], ...tiers] : [...tiers, [id]]);
  const rest = tiers[index].filter((one) => one !== id);
  if (rest.length) {
    const split = move === "up" ? [[id], rest] : [rest, [id]];
    return arrange(answer, [...tiers.slice(0, index), ...split, ...tiers.slice(index + 1)]);
  }
  const other = index + (move === "up" ? -1 : 1);
  if (!tiers[other]) return answer;
  const joined = tiers.map((tier, n) => (n === other ? [...tier, id] : tier));
  return arrange(answer, joined.filter((tier, n) => n !== index));
}
