// Gives texts to the worker one at a time, and stops a worker that takes too long.

export const TIME_LIMIT = 1000; // ms for one text
const START_LIMIT = 15_000; // ms for the worker's modules to load
const MOST_KEPT = 200; // renderings kept in memory

const kept = new Map();
const waiting = [];
let worker = null;
let current = null;
let clock = null;

/** Render a text: `{html, isWhole, hasMaths}`, or null when it takes too long. */
export function rendered(text) {
  if (kept.has(text)) return kept.get(text);
  const result = new Promise((resolve) => waiting.push({ text, resolve }));
  kept.set(text, result);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  if (!worker) start();
  else if (worker.isReady && !current) next();
  return result;
}

function start() {
  const mine = new Worker(new URL("./text-worker.js", import.meta.url), { type: "module" });
  worker = mine;
  clock = setTimeout(() => stop(null), START_LIMIT);
  mine.onmessage = ({ data }) => {
    if (mine !== worker) return;
    clearTimeout(clock);
    if (mine.isReady) finish(data);
    mine.isReady = true;
    next();
  };
  mine.onerror = () => mine === worker && stop(null);
}

function next() {
  current = waiting.shift() ?? null;
  if (!current) return;
  clock = setTimeout(() => stop(null), TIME_LIMIT);
  worker.postMessage(current.text);
}

function finish(result) {
  current?.resolve(result);
  current = null;
}

function stop() {
  clearTimeout(clock);
  worker.terminate();
  worker = null;
  current ??= waiting.shift() ?? null;
  finish(null);
  if (waiting.length) start();
}
