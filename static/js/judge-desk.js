// The desk: the comparison on the screen, the answer in the making, and what comes before and after.

import * as answers from "./judge-answer.js";
import { enableBoard } from "./judge-board.js";
import { noteNewGuidelines } from "./judge-dialogs.js";
import { newKey, Refused, send } from "./judge-net.js";
import { questionOf, responsesOf } from "./judge-question.js";
import { announce } from "./judge-status.js";
import { parsePanel } from "./judge-supply.js";
import { draw, sentenceOf, showProblem } from "./judge-view.js";

const LOOK_AGAIN = 20_000; // ms, while the queue is empty

export class Desk {
  constructor({ stage, outbox, supply, drafts, clock, marker, tally }) {
    Object.assign(this, { stage, outbox, supply, drafts, clock, marker, tally });
    this.found = null; // on the screen: {panel, slot, endsAt}
    this.done = null; // the last one submitted: {found, answer, seconds, key}
    this.aside = null; // put aside while the last one is corrected: {found, answer, seconds}
    this.answer = null;
    this.turn = 0;
  }

  get panel() {
    return this.found?.panel;
  }

  get isOpen() {
    return Boolean(this.found?.slot);
  }

  /** Slots that must not be handed out again: on the desk, put aside, or on their way. */
  get inUse() {
    const waiting = this.outbox.waiting().map((entry) => entry.slot);
    return [this.found?.slot, this.aside?.found.slot, ...waiting];
  }

  async next() {
    const turn = ++this.turn;
    clearTimeout(this.timer);
    try {
      const found = await this.supply.take();
      if (turn === this.turn) this.show(found);
    } catch (error) {
      if (turn === this.turn) this.#wait(error);
    }
  }

  show(found, answer = null, seconds = 0) {
    this.turn += 1; // what is on its way must not push this off the desk
    clearTimeout(this.timer);
    this.found = found;
    this.marker.close();
    document.getElementById("panel").replaceWith(found.panel);
    document.getElementById("undo-notice").hidden = !found.panel.dataset.corrects;
    if (!found.slot) return this.#lookAgain();
    const { panel } = found;
    panel.inert = false;
    this.question = questionOf(panel);
    this.marker.offerAspects(this.question.rows);
    const responses = responsesOf(panel);
    const draft = answer ? null : this.#draftOf(found);
    this.answer = answer ?? (draft ? answers.answerFrom(draft, responses) : answers.newAnswer(responses));
    this.clock.begin(seconds || draft?.active_seconds || 0);
    this.tray(this.#wantsTray());
    this.redraw();
    enableBoard(panel, (tiers) => this.change(answers.arrange(this.answer, tiers)));
    scrollTo({ top: 0 });
    if (panel.dataset.guidelines !== this.stage.dataset.guidelines) noteNewGuidelines();
    this.stage.dispatchEvent(new CustomEvent("shown"));
    this.supply.fill();
    return undefined;
  }

  #draftOf({ panel, slot }) {
    const ofServer = JSON.parse(panel.querySelector("#panel-draft")?.textContent ?? "null");
    return panel.dataset.corrects ? ofServer : this.drafts.load(slot, ofServer);
  }

  #wantsTray() {
    const kept = localStorage.getItem("quorum:tray");
    return kept ? kept === "open" : this.question.fewest > 0 && innerHeight > 600;
  }

  tray(isOpen) {
    this.panel.querySelector("#tray").hidden = !isOpen;
    this.panel.querySelector("[data-do=tray]").setAttribute("aria-expanded", String(isOpen));
  }

  change(answer) {
    const before = sentenceOf(this.panel, this.answer, this.question);
    this.answer = answer;
    showProblem(this.panel, "");
    this.redraw();
    const after = sentenceOf(this.panel, answer, this.question);
    if (after !== before) announce(after || "No answer chosen.");
    if (!this.panel.dataset.corrects) this.drafts.save(this.found.slot, this.payload({ places: answer.places }));
  }

  redraw() {
    draw(this.panel, this.answer, this.question, this.marker.labels);
  }

  payload(extras) {
    return answers.payloadOf(this.answer, this.question, { active_seconds: this.clock.read(), ...extras });
  }

  /** Take the answer: write it down first, then show what comes next. */
  submit() {
    if (!this.isOpen) return;
    const problem = answers.lacking(this.answer, this.question);
    if (problem) {
      this.#refuse(problem);
      return;
    }
    const key = newKey();
    const { slot, panel } = this.found;
    const { corrects } = panel.dataset;
    const { slots, judgments } = this.stage.dataset;
    const url = corrects ? `${judgments}${corrects}/correction/` : `${slots}${slot}/judgment/`;
    const body = this.payload({ client_key: key });
    this.done = { found: this.found, answer: this.answer, seconds: body.active_seconds, key };
    this.outbox.put({ key, slot, url, body, kind: corrects ? "correction" : "judgment" });
    this.drafts.drop(slot);
    if (!corrects) this.tally.add(1);
    this.#goOn("Submitted.");
  }

  #refuse({ field, sentence }) {
    showProblem(this.panel, sentence);
    if (field === "verdict") return;
    this.tray(true);
    const key = field.split(":")[1];
    this.panel.querySelector(key ? `[data-aspect-row="${key}"] input` : "#why").focus();
  }

  #goOn(sentence) {
    announce(sentence);
    document.activeElement?.blur?.();
    this.panel.inert = true; // said is said: a second Enter must not say it again
    this.found = null;
    if (this.aside) {
      const { found, answer, seconds } = this.aside;
      this.aside = null;
      this.show(found, answer, seconds);
    } else this.next();
  }

  skip(reason) {
    const { slot } = this.found;
    const url = `${this.stage.dataset.slots}${slot}/skip/`;
    this.outbox.put({ key: newKey(), slot, url, body: { reason }, kind: "skip" });
    this.drafts.drop(slot);
    this.#goOn("Skipped.");
  }

  /** Open the last answer again. While it has not left this browser, it is simply taken back. */
  async undo() {
    if (this.panel?.dataset.corrects) return;
    const { done } = this;
    await this.outbox.settled(done?.key);
    if (this.outbox.waiting().some((entry) => entry.key === done?.key)) {
      this.outbox.remove(done.key);
      if (!done.found.panel.dataset.corrects) this.tally.add(-1);
      this.#putAside();
      this.show(done.found, done.answer, done.seconds);
      this.done = null;
      return;
    }
    await this.correct(this.stage.dataset.last, "Your last answer is open again.");
  }

  /** Open an own answer again, to give another one in its place. */
  async correct(url, sentence) {
    try {
      const found = parsePanel(await send(url, { method: "GET" }));
      this.#putAside();
      this.show(found);
      announce(sentence);
    } catch (error) {
      announce(error instanceof Refused ? error.message : "This needs the network; try again when it is back.");
    }
  }

  #putAside() {
    if (!this.isOpen) return;
    this.aside = { found: this.found, answer: this.answer, seconds: this.clock.read() };
  }

  keep() {
    if (this.panel?.dataset.corrects) this.#goOn("Kept as it was.");
  }

  /** Open a refused answer again: from memory, or from the server. */
  async reopen(entry) {
    const isCorrection = entry.kind === "correction";
    const url = isCorrection ? this.stage.dataset.last : `${this.stage.dataset.slots}${entry.slot}/`;
    try {
      const found = parsePanel(await send(url, { method: "GET" }));
      this.#putAside();
      this.show(found, answers.answerFrom(entry.body, responsesOf(found.panel)));
      this.outbox.remove(entry.key);
      return true;
    } catch (error) {
      announce(error instanceof Refused ? error.message : "This needs the network.");
      return false;
    }
  }

  #lookAgain() {
    const until = Date.parse(this.panel.dataset.until) - Date.now() + 1000;
    this.timer = setTimeout(() => this.next(), Math.max(2000, Math.min(until || LOOK_AGAIN, LOOK_AGAIN)));
  }

  #wait(error) {
    const panel = document.createElement("div");
    panel.id = "panel";
    panel.className = "empty";
    panel.dataset.nothing = "unreachable";
    const line = document.createElement("p");
    line.textContent =
      error instanceof Refused ? error.message : "The next comparison comes when the network is back.";
    panel.append(line);
    this.show({ panel, slot: null });
  }
}
