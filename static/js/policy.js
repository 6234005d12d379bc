// The editor of routing policies: after a rule is added, moved or taken out, the focus follows it.

document.addEventListener("htmx:afterSettle", () => {
  const editor = document.getElementById("policy-editor");
  document.getElementById(editor?.dataset.focus)?.focus();
});
