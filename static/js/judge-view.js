// Puts an answer on the page: which controls are on, what is said, where the marks are.

import { shownTiers, tiersOf, winner } from "./judge-answer.js";
import { drawBoard } from "./judge-board.js";
import { drawSpans, listSpans } from "./judge-spans.js";

const WORDS = {
  both_bad: "None is acceptable",
  unsure: "Unsure",
  cannot_judge: "Cannot be judged",
};

export function draw(panel, answer, question, labels) {
  const best = winner(answer);
  const isTie = answer.outcome === "ranked" && best === null && tiersOf(answer.places).length === 1;
  const words = sentenceOf(panel, answer, question);
  panel.dataset.outcome = answer.outcome ?? "";
  panel.querySelector(".said").textContent = words || "\u00a0";
  panel.querySelectorAll("[data-card]").forEach((card, index) => {
    const id = Number(card.dataset.card);
    card.classList.toggle("is-best", id === best);
    card.classList.toggle("is-tied", isTie);
    card.classList.toggle("is-next", !question.isPair && index === answer.at && answer.outcome === null);
    card.querySelector(".choose")?.setAttribute("aria-pressed", String(id === best));
    const mark = panel.querySelector(`[data-mark="${id}"]`);
    mark.textContent = markOf(answer, question, id, best, isTie);
  });
  for (const what of ["both_bad", "unsure"]) press(panel, what, answer.outcome === what);
  press(panel, "cannot", answer.outcome === "cannot_judge");
  check(panel, (radio) => isOn(radio, answer, question, best, isTie));
  drawAspectClears(panel, answer);
  drawWhy(panel, answer, question);
  if (!question.isPair) drawBoard(panel, answer);
  listSpans(panel, answer.spans, labels);
  drawSpans(panel, answer.spans, labels);
}

function press(panel, what, isOn) {
  panel.querySelector(`[data-do="${what}"]`)?.setAttribute("aria-pressed", String(isOn));
}

function check(panel, isOn) {
  panel.querySelectorAll("input[type=radio]").forEach((radio) => (radio.checked = isOn(radio)));
}

function isOn(radio, answer, question, best, isTie) {
  const { name, value, dataset } = radio;
  if (name === "verdict") {
    if (value === "tie") return isTie;
    const [place, strength] = value.split(":").map(Number);
    return answer.responses[place - 1] === best && (question.levels === 1 || answer.strength === strength);
  }
  if (name === "confidence") return answer.confidence === Number(value);
  if (dataset.aspect) {
    const said = answer.aspects[dataset.aspect] ?? {};
    if (dataset.of) return said[dataset.of] === Number(value);
    const tiers = tiersOf(said);
    if (!tiers.length) return false;
    return value === "tie" ? tiers.length === 1 : tiers.length > 1 && tiers[0][0] === Number(value);
  }
  return answer.places[dataset.of] === Number(value);
}

function markOf(answer, question, id, best, isTie) {
  if (answer.outcome && answer.outcome !== "ranked") return "";
  if (!question.isPair) return answer.places[id] ?? "";
  return id === best ? "✓" : isTie ? "=" : "";
}

function labelOf(panel, id) {
  return panel.querySelector(`[data-card="${id}"]`).dataset.label;
}

/** The verdict in words, for the bar and for screen readers. */
export function sentenceOf(panel, answer, question) {
  if (answer.outcome && answer.outcome !== "ranked") {
    return answer.reason ? `${WORDS[answer.outcome]}: ${answer.reason}` : WORDS[answer.outcome];
  }
  const tiers = shownTiers(answer);
  if (!tiers.length) return "";
  if (!question.isPair) {
    return tiers.map((tier) => tier.map((id) => labelOf(panel, id)).join(" = ")).join(" › ");
  }
  if (tiers.length === 1) return "A tie";
  const value = `${answer.responses.indexOf(tiers[0][0]) + 1}:${answer.strength}`;
  const step = panel.querySelector(`input[name=verdict][value="${value}"]`);
  return step?.getAttribute("aria-label") ?? `Response ${labelOf(panel, tiers[0][0])} is better`;
}

function drawAspectClears(panel, answer) {
  let said = 0;
  panel.querySelectorAll("[data-do=clear-aspect]").forEach((button) => {
    const isSaid = Object.keys(answer.aspects[button.dataset.aspect] ?? {}).length > 0;
    button.hidden = !isSaid;
    said += isSaid;
  });
  said += answer.spans.length + answer.tags.length + Boolean(answer.text);
  const count = panel.querySelector(".tray-count");
  count.hidden = said === 0;
  count.textContent = said || "";
}

function drawWhy(panel, answer, question) {
  const field = panel.querySelector("#why");
  if (field && field.value !== answer.text) field.value = answer.text;
  panel.querySelectorAll("[data-tag]").forEach((chip) => {
    chip.setAttribute("aria-pressed", String(answer.tags.includes(chip.dataset.tag)));
  });
  panel.querySelector("[name=is_unsafe]").checked = answer.isUnsafe;
  const count = panel.querySelector("#why-count");
  if (!count) return;
  const written = [...answer.text.replace(/\s/gu, "")].length;
  count.textContent = written < question.fewest ? `${written} of ${question.fewest} characters` : "✓";
}

export function showProblem(panel, sentence) {
  const line = panel.querySelector(".problem");
  line.textContent = sentence;
  line.hidden = !sentence;
}
