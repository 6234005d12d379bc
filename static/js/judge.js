// The judging screen: keys, clicks and fields become intentions, intentions change the desk.

import "./app.js";
import * as answers from "./judge-answer.js";
import { moved } from "./judge-board.js";
import { Clock } from "./judge-clock.js";
import { Desk } from "./judge-desk.js";
import * as dialogs from "./judge-dialogs.js";
import { Drafts } from "./judge-drafts.js";
import { intentionOf } from "./judge-keys.js";
import { LoggedOut, Refused } from "./judge-net.js";
import { Outbox } from "./judge-outbox.js";
import { readField } from "./judge-question.js";
import { beginAt, Marker, moveSelection } from "./judge-spans.js";
import { announce, showRefused, showState, Tally } from "./judge-status.js";
import { Supply } from "./judge-supply.js";
import { isRaw, setRaw } from "./text.js";

const stage = document.getElementById("stage");
const { user, project, next, slots, guidelines } = stage.dataset;
const outbox = new Outbox(user);
const drafts = new Drafts(user, slots);
const clock = new Clock();
const tally = new Tally();
const onFilled = (n) => (stage.dataset.ahead = n);
const supply = new Supply({ next, slots, inUse: () => desk.inUse, onFilled });
const marker = new Marker({ popover: document.getElementById("marker"), onMark: addSpan, announce });
const desk = new Desk({ stage, outbox, supply, drafts, clock, marker, tally });
const readGuidelines = dialogs.watchGuidelines(project, guidelines);
let isMarking = false;

function addSpan(span) {
  isMarking = false;
  desk.change({ ...desk.answer, spans: [...desk.answer.spans, span] });
  announce(`Marked as ${span.label}.`);
}

const cards = () => [...desk.panel.querySelectorAll("[data-card]")];
const toggleOutcome = (outcome) =>
  desk.change(desk.answer.outcome === outcome ? answers.say(desk.answer, null) : answers.say(desk.answer, outcome));

/** What each intention does to an open comparison. */
const ON_DESK = {
  choose: ({ of }) => desk.change(answers.choose(desk.answer, Number(of), desk.question.levels)),
  side: ({ by }) => ON_DESK.digit({ number: by < 0 ? 1 : 2 }),
  digit({ number }) {
    const { responses, at } = desk.answer;
    if (number > responses.length) return;
    if (desk.question.isPair) ON_DESK.choose({ of: responses[number - 1] });
    else desk.change(answers.place(desk.answer, responses[at], number));
    if (!desk.question.isPair) showCard(desk.answer.at);
  },
  step({ by }) {
    const { at, responses } = desk.answer;
    desk.answer.at = (at + by + responses.length) % responses.length;
    desk.panel.classList.add("is-stepping");
    desk.redraw();
    showCard(desk.answer.at);
    announce(`Response ${cards()[desk.answer.at].dataset.label}.`);
  },
  back: () => desk.change(answers.stepBack(desk.answer)),
  tie: () => (desk.question.allowsTie && desk.question.isPair ? desk.change(answers.tie(desk.answer)) : null),
  both_bad: () => desk.panel.querySelector("[data-do=both_bad]") && toggleOutcome("both_bad"),
  unsure: () => toggleOutcome("unsure"),
  async cannot() {
    const reason = await dialogs.ask("cannot-dialog");
    if (reason) desk.change(answers.say(desk.answer, "cannot_judge", reason));
  },
  async skip() {
    if (!desk.panel.querySelector("[data-do=skip]")) return;
    const reason = await dialogs.askSkip();
    if (reason !== null) desk.skip(reason);
  },
  submit: () => desk.submit(),
  tray() {
    const isOpen = desk.panel.querySelector("#tray").hidden;
    desk.tray(isOpen);
    localStorage.setItem("quorum:tray", isOpen ? "open" : "closed");
    const { panel } = desk;
    if (isOpen) (panel.querySelector("#why") ?? panel.querySelector("#tray input"))?.focus();
  },
  conversation() {
    const button = desk.panel.querySelector(".conversation-more");
    if (button.hidden) return;
    const isOpen = desk.panel.querySelector(".conversation").classList.toggle("is-whole");
    button.setAttribute("aria-expanded", String(isOpen));
    button.firstChild.data = isOpen ? "Show less " : "Show all ";
  },
  rate({ radio, number }) {
    const found = document.getElementsByName(radio.name);
    [...found].find((one) => one.value === String(number))?.click();
  },
  "clear-aspect": ({ aspect }) => {
    const { [aspect]: gone, ...rest } = desk.answer.aspects;
    desk.change({ ...desk.answer, aspects: rest });
  },
  unmark({ index }) {
    desk.change({ ...desk.answer, spans: desk.answer.spans.filter((one, n) => n !== Number(index)) });
    desk.panel.querySelector(".span-chip button")?.focus();
  },
  mark() {
    if (marker.open()) return;
    isMarking = beginAt(cards()[desk.answer.at]);
    if (isMarking) announce("Marking. Arrows move, Shift with arrows selects more, Enter offers the labels.");
  },
  select({ key, isExtending }) {
    moveSelection(key, isExtending);
    getSelection().focusNode?.parentElement?.scrollIntoView({ block: "nearest" });
  },
  offer: () => marker.open(),
  label: ({ number }) => marker.pickNumber(number),
  unselect() {
    isMarking = false;
    getSelection().removeAllRanges();
    marker.close();
  },
};

const EVERYWHERE = {
  leave() {
    if (document.activeElement !== document.body) document.activeElement.blur();
    else desk.keep();
  },
  raw() {
    setRaw(!isRaw());
    document.querySelector("[data-do=raw]").setAttribute("aria-pressed", String(isRaw()));
    announce(isRaw() ? "Raw text." : "Rendered text.");
  },
  guidelines() {
    if (!document.getElementById("guidelines-dialog")) return;
    readGuidelines();
    dialogs.ask("guidelines-dialog");
  },
  help: () => dialogs.ask("help-dialog"),
  undo: () => canUndo() && desk.undo(),
  keep: () => desk.keep(),
  again: () => desk.next(),
};

function canUndo() {
  return !document.querySelector("[data-do=undo]").disabled;
}

function showCard(index) {
  cards()[index]?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function act(intention) {
  const action = EVERYWHERE[intention.do] ?? (desk.isOpen && ON_DESK[intention.do]);
  if (!action) return false;
  action(intention);
  return true;
}

document.addEventListener("keydown", (event) => {
  if (dialogs.isOpen() || !(event.target instanceof Element)) return;
  const where = { kind: desk.panel?.dataset.kind, isMarking, isMarkerOpen: marker.isOpen };
  const intention = intentionOf(event, where);
  if (intention && act(intention)) event.preventDefault();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) act({ ...button.dataset, do: button.dataset.do });
  if (!desk.isOpen) return;
  const chip = event.target.closest("[data-tag]");
  if (chip) toggleTag(chip.dataset.tag);
  const mover = event.target.closest("[data-move]");
  if (mover) {
    const id = Number(mover.closest("[data-piece]").dataset.piece);
    desk.change(moved(desk.answer, id, mover.dataset.move));
  }
  const jump = event.target.closest("[data-jump]");
  if (jump) {
    event.preventDefault();
    document.getElementById(`response-${jump.dataset.jump}`).scrollIntoView();
  }
});

function toggleTag(tag) {
  const { tags } = desk.answer;
  desk.change({ ...desk.answer, tags: tags.includes(tag) ? tags.filter((one) => one !== tag) : [...tags, tag] });
}

stage.addEventListener("input", (event) => {
  if (desk.isOpen) desk.change(readField(desk.answer, event.target, desk.question, answers));
});

stage.addEventListener("submit", (event) => {
  event.preventDefault();
  desk.submit();
});

// A selection that has come to rest offers the labels; touch has no moment at which it ends.
let rest = null;
document.addEventListener("selectionchange", () => {
  clearTimeout(rest);
  if (desk.isOpen && !isMarking) rest = setTimeout(() => isPointerDown || marker.open(), 250);
});
let isPointerDown = false;
document.addEventListener("pointerdown", () => (isPointerDown = true));
document.addEventListener("pointerup", () => {
  isPointerDown = false;
  if (desk.isOpen && !isMarking) rest = setTimeout(() => marker.open(), 10);
});

// Texts settle after the panel is shown: marks are drawn again, and a long prompt can be folded.
document.addEventListener("quorum:shown", () => {
  if (!desk.isOpen) return;
  desk.redraw();
  foldConversation();
});
stage.addEventListener("shown", foldConversation);

function foldConversation() {
  const box = desk.panel.querySelector(".conversation");
  const isLong = box.scrollHeight > box.clientHeight + 8;
  const button = box.querySelector(".conversation-more");
  button.hidden = !isLong && !box.classList.contains("is-whole");
  box.classList.toggle("is-folded", !button.hidden && !box.classList.contains("is-whole"));
}

outbox.addEventListener("state", ({ detail }) => {
  showState(detail);
  document.querySelector("[data-do=undo]").disabled = !(stage.dataset.canUndo || desk.done);
});
outbox.addEventListener("taken", () => {
  if (!desk.isOpen) desk.next();
  else supply.fill();
});
function listRefused() {
  showRefused(outbox.refused(), {
    reopen: async (entry) => (await desk.reopen(entry)) && listRefused(),
    discard(entry) {
      outbox.remove(entry.key);
      listRefused();
    },
  });
}
outbox.addEventListener("refused", ({ detail: { kind } }) => {
  listRefused();
  if (kind === "judgment") tally.add(-1);
});

addEventListener("online", () => !desk.isOpen && desk.next());
addEventListener("offline", () => showState({ state: "offline", waiting: outbox.waiting().length }));
addEventListener("beforeunload", (event) => outbox.waiting().length && event.preventDefault());
addEventListener("pagehide", () => {
  drafts.flush();
  supply.release();
});

// A lease is renewed while somebody works on its comparison.
setInterval(async () => {
  const { found } = desk;
  if (!desk.isOpen || found.panel.dataset.corrects || !clock.isPresent) return;
  if (found.endsAt - Date.now() > (Number(found.panel.dataset.lease) * 1000) / 2) return;
  found.endsAt = Date.now() + 60_000; // not again at once, whatever comes of it
  try {
    await supply.renew(found);
  } catch (error) {
    if (error instanceof LoggedOut) outbox.flush();
    if (error instanceof Refused) announce("Your time for this comparison ran out. You can still submit.");
  }
}, 5000);

dialogs.prepareDialogs();
document.querySelector("[data-do=raw]").setAttribute("aria-pressed", String(isRaw()));
document.querySelector("[data-do=undo]").disabled = !stage.dataset.canUndo;
listRefused();
outbox.flush();
if (stage.dataset.correct) {
  await desk.correct(`${stage.dataset.judgments}${stage.dataset.correct}/`, "Your answer is open again.");
}
if (!desk.isOpen) desk.next();
