// Parts of a page that poll ([data-live]) rest while nobody looks at the page.

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.target.matches("[data-live]")) event.preventDefault();
});
