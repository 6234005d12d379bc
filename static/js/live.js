// Parts of a page that poll ([data-live]) rest while nobody looks at the page, and what somebody
// has unfolded there stays so: each summary with an id stands for its details.

let unfolded = [];

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.target.matches("[data-live]")) event.preventDefault();
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const open = event.target.querySelectorAll?.("details[open] > summary[id]") ?? [];
  unfolded = [...open].map((summary) => summary.id);
});

document.addEventListener("htmx:afterSwap", () => {
  for (const id of unfolded) document.getElementById(id)?.parentElement.setAttribute("open", "");
});
