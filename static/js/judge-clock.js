// Time on task: seconds count while the page is in sight and somebody has moved lately.

const ABSENT_AFTER = 30_000; // ms without a sign of life
const TICK = 500; // ms
const SIGNS = ["pointermove", "pointerdown", "keydown", "wheel", "scroll", "touchmove"];

export class Clock {
  constructor() {
    this.seconds = 0;
    this.seenAt = Date.now();
    this.tickedAt = performance.now();
    const seen = () => (this.seenAt = Date.now());
    for (const sign of SIGNS) addEventListener(sign, seen, { passive: true, capture: true });
    setInterval(() => this.#tick(), TICK);
  }

  get isPresent() {
    return !document.hidden && Date.now() - this.seenAt < ABSENT_AFTER;
  }

  begin(seconds = 0) {
    this.seconds = seconds;
    this.seenAt = Date.now();
    this.tickedAt = performance.now();
  }

  read() {
    this.#tick();
    return Math.round(this.seconds * 10) / 10;
  }

  #tick() {
    const now = performance.now();
    // A closed laptop makes one endless tick; that was no work either.
    if (this.isPresent) this.seconds += Math.min(now - this.tickedAt, 2 * TICK) / 1000;
    this.tickedAt = now;
  }
}
