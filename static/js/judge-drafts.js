// What is entered but not submitted: in the browser at once, on the server two seconds later.

import { send } from "./judge-net.js";

const PAUSE = 2000; // ms

export class Drafts {
  constructor(user, slots) {
    this.prefix = `quorum:draft:${user}:`;
    this.slots = slots;
    this.timer = null;
  }

  save(slot, payload) {
    const draft = { ...payload, saved_at: Date.now() };
    localStorage.setItem(this.prefix + slot, JSON.stringify(draft));
    clearTimeout(this.timer);
    this.unsent = { slot, draft };
    this.timer = setTimeout(() => this.flush(), PAUSE);
  }

  /** Send the draft now, also while the page goes away. */
  flush() {
    if (!this.unsent) return;
    const { slot, draft } = this.unsent;
    this.unsent = null;
    // The browser has it, and the next change sends it again.
    send(`${this.slots}${slot}/draft/`, { body: draft, keepalive: true }).catch(() => {});
  }

  /** The newer of this browser's draft and the server's. */
  load(slot, ofServer) {
    const own = JSON.parse(localStorage.getItem(this.prefix + slot));
    return (own?.saved_at ?? 0) >= (ofServer?.saved_at ?? 0) ? (own ?? ofServer) : ofServer;
  }

  drop(slot) {
    clearTimeout(this.timer);
    this.unsent = null;
    localStorage.removeItem(this.prefix + slot);
  }
}
