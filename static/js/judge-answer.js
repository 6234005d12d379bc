// The answer in the making: plain data and pure functions, nothing of the page.
//
// A verdict is `outcome` and, when ranked, `places`: response id -> place, 1 the best. Aspects map
// a criterion to response id -> number: places again, or ratings.

export function newAnswer(responses) {
  return {
    responses, // ids in the order shown
    outcome: null,
    places: {},
    strength: null,
    reason: "",
    at: 0, // the response that the next digit of a ranking places
    aspects: {},
    confidence: null,
    isUnsafe: false,
    text: "",
    tags: [],
    spans: [],
  };
}

/** Choose a response of a pair; the same one again is a stronger preference, then weak again. */
export function choose(answer, response, levels) {
  const isAgain = answer.outcome === "ranked" && winner(answer) === response;
  const strength = isAgain ? (answer.strength % levels) + 1 : 1;
  return chooseAt(answer, response, strength);
}

export function chooseAt(answer, response, strength) {
  const places = Object.fromEntries(answer.responses.map((one) => [one, one === response ? 1 : 2]));
  return { ...answer, outcome: "ranked", places, strength, reason: "" };
}

export function tie(answer) {
  const places = Object.fromEntries(answer.responses.map((one) => [one, 1]));
  return { ...answer, outcome: "ranked", places, strength: 0, reason: "" };
}

export function say(answer, outcome, reason = "") {
  return { ...answer, outcome, reason, places: {}, strength: null, at: 0 };
}

/** Give a response of a ranking its place, and move on to the next one without a place. */
export function place(answer, response, number) {
  const places = { ...answer.places, [response]: number };
  const { responses } = answer;
  const from = responses.indexOf(response);
  const later = [...responses.keys()].map((step) => (from + 1 + step) % responses.length);
  const at = later.find((index) => !(responses[index] in places)) ?? from;
  const outcome = responses.every((one) => one in places) ? "ranked" : null;
  return { ...answer, places, at, outcome, reason: "", strength: null };
}

/** Take back the place of the response placed last before the marked one. */
export function stepBack(answer) {
  const { responses, places, at } = answer;
  const isHere = responses[at] in places;
  const index = isHere ? at : [...responses.keys()].filter((n) => n < at && responses[n] in places).at(-1);
  if (index === undefined) return answer;
  const { [responses[index]]: gone, ...rest } = places;
  return { ...answer, places: rest, at: index, outcome: null };
}

export function arrange(answer, tiers) {
  const places = {};
  tiers.forEach((tier, index) => tier.forEach((response) => (places[response] = index + 1)));
  const isWhole = answer.responses.every((one) => one in places);
  return { ...answer, places, outcome: isWhole ? "ranked" : null, reason: "", strength: null };
}

/** Tiers of response ids, best first, from places that may have gaps. */
export function tiersOf(places) {
  const numbers = [...new Set(Object.values(places))].sort((a, b) => a - b);
  return numbers.map((number) => Object.keys(places).filter((one) => places[one] === number).map(Number));
}

/** The tiers as they are shown: equal responses in the order of the page. */
export function shownTiers({ places, responses }) {
  const byPlace = (a, b) => responses.indexOf(a) - responses.indexOf(b);
  return tiersOf(places).map((tier) => tier.sort(byPlace));
}

export function winner(answer) {
  const tiers = tiersOf(answer.places);
  return answer.outcome === "ranked" && tiers.length > 1 && tiers[0].length === 1 ? tiers[0][0] : null;
}

/** What is missing before it can be submitted: `{field, sentence}`, or null. */
export function lacking(answer, question) {
  if (!answer.outcome) {
    const left = answer.responses.length - Object.keys(answer.places).length;
    const sentence = question.isPair ? "Choose an answer first." : `Place every response: ${left} left.`;
    return { field: "verdict", sentence };
  }
  if (!question.allowsTie && tiersOf(answer.places).some((tier) => tier.length > 1)) {
    return { field: "verdict", sentence: "Ties are not offered here; put one above the other." };
  }
  const half = question.rankings.find((key) => {
    const placed = Object.keys(answer.aspects[key] ?? {}).length;
    return placed > 0 && placed < answer.responses.length;
  });
  if (half) return { field: `aspect:${half}`, sentence: "Place every response in this aspect, or clear it." };
  const written = [...answer.text.replace(/\s/gu, "")].length;
  const isWhyNeeded = ["ranked", "both_bad"].includes(answer.outcome) && question.fewest;
  if (isWhyNeeded && written < question.fewest) {
    return { field: "why", sentence: `Say why in at least ${question.fewest} characters.` };
  }
  return null;
}

/** The answer in the form that is sent. */
export function payloadOf(answer, question, extras = {}) {
  const isRanked = answer.outcome === "ranked";
  const ranking = isRanked ? tiersOf(answer.places) : [];
  const isTie = ranking.length === 1;
  return {
    outcome: answer.outcome,
    ranking,
    strength: isTie ? 0 : isRanked && question.isPair && question.levels > 1 ? answer.strength : null,
    criteria: criteriaOf(answer, question),
    confidence: answer.confidence,
    is_unsafe: answer.isUnsafe,
    reason: answer.reason,
    rationale: { text: answer.text, tags: answer.tags, spans: answer.spans },
    shown_order: answer.responses,
    ...extras,
  };
}

function criteriaOf(answer, question) {
  const said = Object.entries(answer.aspects).filter(([, values]) => Object.keys(values).length);
  return Object.fromEntries(
    said.map(([key, values]) => [
      key,
      question.ratings.includes(key) ? { ratings: values } : { ranking: tiersOf(values) },
    ]),
  );
}

/** Begin with what was said before: a draft, or a submitted answer. */
export function answerFrom(payload, responses) {
  const answer = newAnswer(responses);
  const places = {};
  (payload.ranking ?? []).forEach((tier, index) => tier.forEach((one) => (places[one] = index + 1)));
  const aspects = Object.entries(payload.criteria ?? {}).map(([key, said]) => [key, valuesOf(said)]);
  return {
    ...answer,
    places: payload.places ?? places,
    outcome: payload.outcome ?? null,
    strength: payload.strength ?? null,
    reason: payload.reason ?? "",
    aspects: Object.fromEntries(aspects),
    confidence: payload.confidence ?? null,
    isUnsafe: payload.is_unsafe ?? false,
    text: payload.rationale?.text ?? "",
    tags: payload.rationale?.tags ?? [],
    spans: payload.rationale?.spans ?? [],
  };
}

function valuesOf(said) {
  if (said.ratings) return said.ratings;
  const places = {};
  said.ranking.forEach((tier, index) => tier.forEach((one) => (places[one] = index + 1)));
  return places;
}
