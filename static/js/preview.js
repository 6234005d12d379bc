// Shows guidelines as annotators will see them while they are written.

const source = document.querySelector("textarea[name='text']");
const place = document.getElementById("guidelines-preview");
const PAUSE = 250; // ms without a key before the preview follows
let waiting;

source.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(show, PAUSE);
});

function show() {
  const text = document.createElement("pre");
  text.textContent = source.value;
  const fresh = document.createElement("quorum-text");
  fresh.append(text);
  place.replaceChildren(fresh);
}
