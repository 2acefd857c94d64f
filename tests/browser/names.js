// Faults against the rules that every page keeps: names, captions, scopes, order of headings, focus.
() => {
  const faults = [];
  const text = (ids) => ids.split(/\\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
  const name = (e) => (e.getAttribute("aria-labelledby") ? text(e.getAttribute("aria-labelledby"))
    // The texts inside a picture are not its name.
    : e.getAttribute("aria-label") ?? (e.tagName === "IMG" ? e.alt : e.tagName === "svg" ? "" : e.textContent)).trim();
  const where = (e) => e.outerHTML.slice(0, 120);
  const hidden = (e) => e.closest("[aria-hidden=true]");
  for (const e of document.querySelectorAll("svg, img"))
    if (!hidden(e) && !e.parentElement.closest("svg") && !(e.getAttribute("role") === "img" && name(e)))
      faults.push("picture without a name: " + where(e));
  for (const e of document.querySelectorAll("a, button, summary, [role=region], nav, section, article"))
    if (!hidden(e) && !name(e)) faults.push("no name: " + where(e));
  for (const e of document.querySelectorAll("section, nav, article, [role=region]"))
    if (!e.getAttribute("aria-label") && !e.getAttribute("aria-labelledby")) faults.push("no label: " + where(e));
  for (const e of document.querySelectorAll("table")) {
    if (!e.caption?.textContent.trim()) faults.push("table without a caption: " + where(e));
    for (const th of e.querySelectorAll("th"))
      if (!th.scope) faults.push("header without a scope: " + where(th));
    const columns = e.tHead.rows[0].cells.length;
    for (const row of e.tBodies[0].rows)
      if (row.cells.length !== columns) faults.push("a row with other columns: " + where(row));
  }
  let level = 0;
  for (const e of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const now = Number(e.tagName[1]);
    if (now > level + 1) faults.push(`h${now} after h${level}: ` + where(e));
    level = now;
  }
  if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
  for (const one of ["main", "header", "footer"])
    if (document.querySelectorAll("body > " + one + ", body > div > " + one).length !== 1) faults.push("not one " + one);
  if (!document.documentElement.lang) faults.push("no language");
  if (!document.title.trim()) faults.push("no title");
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  if (new Set(ids).size !== ids.length) faults.push("an id twice");
  for (const e of document.querySelectorAll("[tabindex]"))
    if (e.tabIndex > 0) faults.push("tabindex above 0: " + where(e));
  for (const e of document.querySelectorAll("[style], [onclick], script[src], link[rel=stylesheet]"))
    faults.push("not of this file: " + where(e));
  // What scrolls sideways must be reachable by keyboard.
  for (const e of document.querySelectorAll("*"))
    if (e.scrollWidth > e.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(e).overflowX) && e.tabIndex < 0)
      faults.push("scrolls, and has no focus: " + where(e));
  return faults;
}
