// Answers on their way. Each is written down before anything else happens, one entry of the
// browser's storage each, and stays there until the server has taken or refused it for good. The
// client key makes sending again harmless. Only ids and answers are kept, never the texts.

import { LoggedOut, Refused, send } from "./judge-net.js";

const FIRST_WAIT = 1000; // ms, doubled after each failure
const LONGEST_WAIT = 15_000;

export class Outbox extends EventTarget {
  constructor(user) {
    super();
    this.prefix = `quorum:outbox:${user}:`;
    this.wait = FIRST_WAIT;
    this.timer = null;
    this.state = "idle";
    addEventListener("online", () => this.flush(true));
    addEventListener("storage", (event) => event.key?.startsWith(this.prefix) && this.#tell(this.state));
    document.addEventListener("visibilitychange", () => document.hidden || this.flush(true));
  }

  /** Entries that the server has not answered for good, oldest first. */
  waiting() {
    return this.entries().filter((entry) => !entry.refusal);
  }

  refused() {
    return this.entries().filter((entry) => entry.refusal);
  }

  entries() {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix));
    const found = keys.map((key) => JSON.parse(localStorage.getItem(key)));
    return found.sort((a, b) => a.at - b.at);
  }

  /** Write an entry down: `{key, slot, url, body, kind}`. */
  put(entry) {
    this.#write({ ...entry, at: Date.now() });
    this.#tell("saving");
    this.flush(true);
  }

  remove(key) {
    localStorage.removeItem(this.prefix + key);
    this.#tell(this.state);
  }

  #write(entry) {
    localStorage.setItem(this.prefix + entry.key, JSON.stringify(entry));
  }

  /** Send what waits, one at a time and in order; on silence, try again later. */
  async flush(isEager = false) {
    if (isEager) this.wait = FIRST_WAIT;
    if (this.isBusy) return;
    this.isBusy = true;
    clearTimeout(this.timer);
    try {
      for (let entry = this.waiting()[0]; entry; entry = this.waiting()[0]) await this.#deliver(entry);
      this.wait = FIRST_WAIT;
      this.#tell("idle");
    } catch (error) {
      this.#tell(error instanceof LoggedOut ? "logged-out" : "offline");
      this.timer = setTimeout(() => this.flush(), this.wait);
      this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
    } finally {
      this.isBusy = false;
    }
  }

  async #deliver(entry) {
    this.sending = entry.key;
    this.#tell("saving");
    try {
      const said = await send(entry.url, { body: entry.body });
      localStorage.removeItem(this.prefix + entry.key);
      this.dispatchEvent(new CustomEvent("taken", { detail: { entry, said } }));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#write({ ...entry, refusal: { status: error.status, code: error.code, detail: error.message } });
      this.dispatchEvent(new CustomEvent("refused", { detail: entry }));
    } finally {
      this.sending = null;
    }
  }

  /** Resolves once an entry is not in the middle of being sent. */
  settled(key) {
    if (!key || this.sending !== key) return Promise.resolve();
    return new Promise((resolve) => {
      const listen = () => {
        if (this.sending === key) return;
        this.removeEventListener("state", listen);
        resolve();
      };
      this.addEventListener("state", listen);
    });
  }

  #tell(state) {
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, waiting: this.waiting().length } }));
  }
}
