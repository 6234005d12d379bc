// What the strip above the comparison says: saved or not, how many today, what was refused.

const $ = (id) => document.getElementById(id);

export function announce(sentence) {
  $("announce").textContent = sentence;
}

/** Say where the answers are: with the server, on their way, or waiting for the network. */
export function showState({ state, waiting }) {
  const line = $("save-state");
  const answers = waiting === 1 ? "1 answer" : `${waiting} answers`;
  const words = {
    idle: waiting ? `${waiting} waiting` : "Saved",
    saving: waiting > 1 ? `Saving ${waiting}…` : "Saving…",
    offline: waiting ? `Offline · ${answers} kept here` : "Offline",
    "logged-out": `Logged out · ${answers} kept here`,
  };
  const text = words[state];
  if (line.textContent === text) return;
  line.dataset.state = state;
  line.textContent = text;
  if (state === "offline") announce(`${text}. You can go on; they are sent when the network is back.`);
  if (state === "logged-out") addLogin(line);
}

function addLogin(line) {
  const link = document.createElement("a");
  link.href = $("stage").dataset.login;
  link.target = "_blank";
  link.textContent = "Log in again";
  line.append(" · ", link);
  announce("You are logged out. Log in again in a new tab; your answers are kept here until then.");
}

export class Tally {
  constructor() {
    this.line = $("judged-today");
    this.today = Number(this.line.dataset.start);
  }

  add(number) {
    this.today += number;
    this.line.textContent = this.today.toLocaleString("en");
  }
}

/** List answers that the server refused for good, with a way back to each. */
export function showRefused(entries, { reopen, discard }) {
  const box = $("refused");
  box.hidden = entries.length === 0;
  box.replaceChildren(...entries.map((entry) => refusedLine(entry, { reopen, discard })));
}

function refusedLine(entry, { reopen, discard }) {
  const line = document.createElement("p");
  line.append(`An answer was not taken: ${entry.refusal.detail} `);
  if (entry.kind !== "skip" && entry.refusal.status !== 404 && entry.refusal.code !== "already_judged") {
    line.append(action("Open it again", () => reopen(entry)), " ");
  }
  line.append(action("Dismiss", () => discard(entry)));
  return line;
}

function action(text, onClick) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "secondary", textContent: text });
  button.addEventListener("click", onClick);
  return button;
}
