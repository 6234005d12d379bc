// What one panel asks, read from the panel that the server made.

export function questionOf(panel) {
  const rows = [...panel.querySelectorAll("[data-aspect-row]")].map((row) => ({
    key: row.dataset.aspectRow,
    form: row.dataset.form,
    name: row.querySelector("legend").firstChild.data.trim(),
  }));
  const strengths = [...panel.querySelectorAll('input[name=verdict][value^="1:"]')];
  const isPair = panel.dataset.kind === "pair";
  return {
    isPair,
    rows,
    levels: Math.max(1, strengths.length),
    allowsTie: panel.dataset.ties === "yes",
    fewest: Number(panel.querySelector("#why")?.dataset.required) || 0,
    ratings: rows.filter((row) => row.form === "ratings").map((row) => row.key),
    rankings: rows.filter((row) => row.form === "ranking").map((row) => row.key),
  };
}

export function responsesOf(panel) {
  return [...panel.querySelectorAll("[data-card]")].map((card) => Number(card.dataset.card));
}

/** Put what a field of the panel holds into the answer. */
export function readField(answer, field, { levels }, functions) {
  const { name, value, dataset } = field;
  if (name === "verdict") {
    if (value === "tie") return functions.tie(answer);
    const [side, strength] = value.split(":").map(Number);
    return functions.chooseAt(answer, answer.responses[side - 1], Math.min(strength, levels));
  }
  if (name === "confidence") return { ...answer, confidence: Number(value) };
  if (name === "is_unsafe") return { ...answer, isUnsafe: field.checked };
  if (name === "why") return { ...answer, text: value };
  if (dataset.aspect) return { ...answer, aspects: { ...answer.aspects, ...aspectOf(answer, field) } };
  return functions.place(answer, Number(dataset.of), Number(value));
}

function aspectOf(answer, { dataset, value }) {
  const said = answer.aspects[dataset.aspect] ?? {};
  if (dataset.of) return { [dataset.aspect]: { ...said, [dataset.of]: Number(value) } };
  const places = answer.responses.map((one) => [one, value === "tie" || one === Number(value) ? 1 : 2]);
  return { [dataset.aspect]: Object.fromEntries(places) };
}
