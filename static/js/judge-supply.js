// Comparisons for the screen: one claimed ahead or two, so that the next is there at once.

import { rendered } from "./text-renderer.js";
import { Refused, send } from "./judge-net.js";

const AHEAD = 2;
const SAFE_MARGIN = 60_000; // ms of lease that a comparison must have left to be shown unasked

export function parsePanel(html) {
  const panel = document.importNode(new DOMParser().parseFromString(html, "text/html").getElementById("panel"), true);
  const lease = Number(panel.dataset.lease) * 1000;
  return { panel, slot: Number(panel.dataset.slot) || null, endsAt: Date.now() + lease };
}

export class Supply {
  /**
   * `inUse()` names the slots on the desk and in the outbox; it is asked at each claim.
   * `onFilled(n)` is told how many are ahead each time that filling comes to its end.
   */
  constructor({ next, slots, inUse, onFilled }) {
    Object.assign(this, { next, slots, inUse, onFilled });
    this.ahead = [];
    this.filling = null;
  }

  /** The next comparison: `{panel, slot, endsAt}`; its slot is null when there is none. */
  async take() {
    for (let found = this.ahead.shift(); found; found = this.ahead.shift()) {
      if (found.endsAt - Date.now() > SAFE_MARGIN || (await this.#isRenewed(found))) return found;
    }
    await this.filling;
    return this.ahead.shift() ?? this.#claim();
  }

  async #isRenewed(found) {
    try {
      await this.renew(found);
      return true;
    } catch (error) {
      if (error instanceof Refused) return false;
      this.ahead.unshift(found);
      throw error;
    }
  }

  async renew(found) {
    const { lease_seconds: seconds } = await send(`${this.slots}${found.slot}/renew/`);
    found.endsAt = Date.now() + seconds * 1000;
  }

  #known() {
    return [...new Set([...this.ahead.map((one) => one.slot), ...this.inUse()])].filter(Boolean);
  }

  async #claim() {
    const html = await send(this.next, { body: { besides: this.#known().slice(-50) } });
    return parsePanel(html);
  }

  /** Claim ahead, without being waited for; a failure is tried again at the next chance. */
  fill() {
    this.filling ??= this.#fill()
      .catch(() => {})
      .finally(() => {
        this.filling = null;
        this.onFilled(this.ahead.length);
      });
  }

  async #fill() {
    while (this.ahead.length < AHEAD) {
      const found = await this.#claim();
      if (!found.slot || this.#known().includes(found.slot)) return;
      this.ahead.push(found);
      found.panel.querySelectorAll("quorum-text > pre").forEach((pre) => rendered(pre.textContent));
    }
  }

  /** Hand back what was only fetched ahead; called while the page goes away. */
  release() {
    for (const { slot, panel } of this.ahead.splice(0)) {
      const body = { lease_epoch: Number(panel.dataset.epoch) };
      send(`${this.slots}${slot}/release/`, { body, keepalive: true }).catch(() => {});
    }
  }
}
