"use strict";
// Sorts, filters and opens; what is chosen stands in the address behind #, so that it can be sent to others.
const by = (id) => document.getElementById(id);
const [form, words, target, check, waived, body] = ["filter", "words", "target", "check", "waived"].map(by).concat(by("table").tBodies[0]);
const levels = [...form.querySelectorAll("[name=level]")];
const rows = [...body.rows].map((row, at) => ({
  row, at, level: row.dataset.level, check: row.dataset.check, target: row.dataset.target, waived: "waived" in row.dataset,
  text: row.textContent.toLowerCase(),
  severity: Number(row.dataset.rank), where: row.dataset.file, line: Number(row.dataset.line), what: row.querySelector("summary").textContent.replace(/^↳ so: /, ""),
}));
const order = new Intl.Collator("en", { numeric: true });
let sorted = { column: "", down: false };

function filter() {
  const asked = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = new Set(levels.filter((box) => box.checked).map((box) => box.value));
  let count = 0;
  for (const one of rows) {
    const shown = wanted.has(one.level) && (waived.checked || !one.waived) && (!target || !target.value || one.target === target.value)
      && (!check.value || one.check === check.value) && asked.every((word) => one.text.includes(word));
    one.row.hidden = !shown;
    count += shown;
  }
  by("count").value = `${count} of ${rows.length}`;
  by("none").hidden = count > 0;
}

function sort(column, down) {
  sorted = { column, down };
  const compare = (a, b) => {
    const found = column === "severity" ? a.severity - b.severity : order.compare(a[column] || "", b[column] || "");
    return (down ? -found : found) || (column === "where" ? a.line - b.line : 0) || a.at - b.at;
  };
  body.append(...[...rows].sort(column ? compare : (a, b) => a.at - b.at).map((one) => one.row));
  for (const button of document.querySelectorAll("[data-column]")) {
    button.closest("th").ariaSort = button.dataset.column !== column ? "none" : down ? "descending" : "ascending";
  }
}

function keep() {
  const told = new URLSearchParams();
  if (words.value) told.set("q", words.value);
  if (!levels.every((box) => box.checked)) told.set("level", levels.filter((box) => box.checked).map((box) => box.value).join(","));
  if (!waived.checked) told.set("waived", "no");
  if (target && target.value) told.set("target", target.value);
  if (check.value) told.set("check", check.value);
  if (sorted.column) told.set("sort", (sorted.down ? "-" : "") + sorted.column);
  history.replaceState(null, "", `#${told}`);
}

function recall() {
  const told = new URLSearchParams(location.hash.slice(1));
  words.value = told.get("q") || "";
  if (told.has("level")) for (const box of levels) box.checked = told.get("level").split(",").includes(box.value);
  waived.checked = told.get("waived") !== "no";
  if (target) target.value = told.get("target") || "";
  check.value = told.get("check") || "";
  const column = told.get("sort") || "";
  if (column) sort(column.replace(/^-/, ""), column.startsWith("-"));
  filter();
  if (told.has("open")) unfold(true);
}

function unfold(open) {
  for (const one of rows) if (!one.row.hidden) one.row.querySelector("details").open = open;
  by("unfold").textContent = open ? "Close all" : "Open all";
}

function step(by_) {
  const shown = [...body.rows].filter((row) => !row.hidden).map((row) => row.querySelector("summary"));
  const at = shown.indexOf(document.activeElement);
  const next = shown[at < 0 ? (by_ > 0 ? 0 : shown.length - 1) : Math.min(Math.max(at + by_, 0), shown.length - 1)];
  if (next) next.focus();
}

let later;
form.addEventListener("input", (event) => {
  clearTimeout(later);
  later = setTimeout(() => { filter(); keep(); }, event.target === words ? 120 : 0);
});
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(() => { sort("", false); filter(); keep(); }));
by("unfold").addEventListener("click", (event) => unfold(event.target.textContent === "Open all"));
by("table").tHead.addEventListener("click", (event) => {
  const column = event.target.dataset.column;
  if (column) { sort(column, sorted.column === column && !sorted.down); keep(); }
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
    if (event.key === "Escape" && event.target === words) words.blur();
    return;
  }
  if (event.key === "/") { event.preventDefault(); words.focus(); }
  if (event.key === "j") step(1);
  if (event.key === "k") step(-1);
});
window.addEventListener("hashchange", recall);
recall();
