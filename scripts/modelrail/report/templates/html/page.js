"use strict";
// Sorting: the buttons are made here, so that without script there is nothing that does nothing.
const said = document.createElement("p");
said.className = "sr";
said.setAttribute("role", "status");
document.body.append(said);

// "+0.011 (+0.006 … +0.016)" and "1,234" and "12.5%" by their number; "–" has none.
const valued = (text) => {
  const found = /^([+\u2212-]?[\d,]*\.?\d+(?:e[+\u2212-]?\d+)?)%?(?: \(.*\))?$/.exec(text);
  return found ? Number(found[1].replaceAll("\u2212", "-").replaceAll(",", "")) : NaN;
};

for (const table of document.querySelectorAll("table[data-sortable]")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  if (body.rows.length < 2) continue;
  heads.forEach((head, column) => {
    if (!("sort" in head.dataset)) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].map((row) => {
        const cell = row.cells[column];
        const said = cell.dataset.value ?? cell.textContent.trim();
        const text = said === "\u2013" ? "" : said;
        return { row, text, number: valued(text) };
      });
      const numeric = rows.every((one) => one.text === "" || !Number.isNaN(one.number));
      rows.sort((one, two) => {
        // What has no value stands last, whatever the direction.
        if (one.text === "" || two.text === "") return (one.text === "") - (two.text === "");
        const order = numeric
          ? one.number - two.number
          : one.text.localeCompare(two.text, "en", { numeric: true });
        return down ? -order : order;
      });
      body.append(...rows.map((one) => one.row));
      said.textContent = `Sorted by ${button.textContent.trim()}, ${down ? "descending" : "ascending"}`;
    });
  });
}

// Paper has no folds.
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")].filter((fold) => !fold.querySelector("pre"));
  for (const fold of opened) fold.open = true;
});
addEventListener("afterprint", () => {
  for (const fold of opened) fold.open = false;
});
