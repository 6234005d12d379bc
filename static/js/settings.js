// The editor of criteria: rows are added, moved and taken out before anything is saved.

const editor = document.getElementById("criteria-editor");
const rows = editor?.querySelector(".criterion-rows");
const total = editor?.querySelector("[name$='-TOTAL_FORMS']");

function number() {
  rows.querySelectorAll(".criterion-row:not([hidden])").forEach((row, place) => {
    row.querySelector("[name$='-ORDER']").value = place + 1;
    row.querySelector("[data-move='-1']").disabled = place === 0;
  });
  const shown = rows.querySelectorAll(".criterion-row:not([hidden])");
  shown.forEach((row, place) => {
    row.querySelector("[data-move='1']").disabled = place === shown.length - 1;
  });
}

function add() {
  const blank = editor.querySelector("template").innerHTML.replaceAll("__prefix__", total.value);
  rows.insertAdjacentHTML("beforeend", blank);
  total.value = Number(total.value) + 1;
  number();
  rows.lastElementChild.querySelector("input[type='text']").focus();
}

function move(row, step) {
  const shown = [...rows.querySelectorAll(".criterion-row:not([hidden])")];
  const other = shown[shown.indexOf(row) + step];
  if (step < 0) other.before(row);
  else other.after(row);
  number();
  const same = row.querySelector(`[data-move='${step}']`);
  (same.disabled ? row.querySelector("[data-move]:not(:disabled)") : same)?.focus();
}

function take(row) {
  row.querySelector("[name$='-DELETE']").checked = true;
  row.hidden = true;
  number();
  editor.querySelector("[data-add]").focus();
}

if (editor) {
  editor.classList.add("is-live");
  number();
  editor.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const row = button?.closest(".criterion-row");
    if (button?.matches("[data-add]")) add();
    else if (button?.matches("[data-move]")) move(row, Number(button.dataset.move));
    else if (button?.matches("[data-take]")) take(row);
  });
}
