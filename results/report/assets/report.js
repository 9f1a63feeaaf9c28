// Comfort only: everything essential is in the page without this script.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // ?theme=dark or light, for links and screenshots.
  const wanted = new URLSearchParams(location.search).get("theme");
  const radio = wanted && document.getElementById("theme-" + wanted.replace(/[^a-z]/g, ""));
  if (radio) radio.checked = true;

  // A link to something in a closed part opens it.
  const reveal = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = id && document.getElementById(id);
    if (!target) return;
    for (let at = target.closest("details"); at; at = at.parentElement.closest("details")) at.open = true;
    target.scrollIntoView({ block: "center" });
  };
  addEventListener("hashchange", reveal);
  reveal();

  // Sorting: numbers as numbers, the rest as people count (i-2 before i-10).
  const collate = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" }).compare;
  const valueOf = (cell) => (cell.dataset.sort ?? cell.textContent).trim();
  const number = (text) => (/^[×–-]?[\d.,]+\+?\??$/.test(text) ? parseFloat(text.replace(/[×,]/g, "")) : NaN);
  const compare = (a, b) => {
    const x = number(a), y = number(b);
    if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
    return collate(a, b);
  };
  for (const table of all("table.sortable")) {
    const body = table.tBodies[0];
    if (!body || body.rows.length < 2) continue;
    all("thead th", table).forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        all("thead th", table).forEach((other) => other.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const rows = [...body.rows].sort((a, b) => {
          const x = valueOf(a.cells[column]), y = valueOf(b.cells[column]);
          if (!x || !y) return !x - !y; // blanks last, either way
          return (up ? 1 : -1) * compare(x, y);
        });
        body.append(...rows);
      });
    });
  }

  // Filtering long tables.
  for (const table of all("table[data-filter]")) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 8) continue;
    const input = document.createElement("input");
    input.type = "search";
    input.className = "filter";
    input.placeholder = "Filter " + rows.length + " " + table.dataset.filter;
    input.setAttribute("aria-label", "Filter " + table.dataset.filter);
    const shown = document.createElement("span");
    shown.className = "shown";
    shown.setAttribute("role", "status"); // read out as it changes
    let texts;
    input.addEventListener("input", () => {
      texts ??= rows.map((row) => row.textContent.toLowerCase());
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      rows.forEach((row, i) => {
        row.hidden = !words.every((word) => texts[i].includes(word));
        count += !row.hidden;
      });
      shown.textContent = words.length ? count + " of " + rows.length + " shown" : "";
    });
    table.closest(".scroll").before(input, shown);
  }

  // Reading values off a percentile plot.
  for (const svg of all("svg[data-ranks]")) {
    const ranks = svg.dataset.ranks.split(" ");
    const lines = all("path[data-vals]", svg).map((path) => ({ name: path.dataset.name, values: path.dataset.vals.split(" ") }));
    const [x0, x1] = [Number(svg.dataset.x0), Number(svg.dataset.x1)];
    const readout = document.createElement("p");
    readout.className = "readout";
    svg.closest(".scroll").after(readout);
    const cursor = document.createElementNS("http://www.w3.org/2000/svg", "line");
    cursor.setAttribute("class", "cursor");
    cursor.setAttribute("y1", 14);
    cursor.setAttribute("y2", svg.viewBox.baseVal.height - 40);
    const leave = () => { cursor.remove(); readout.replaceChildren(); };
    svg.addEventListener("pointerleave", leave);
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      if (x < x0 || x > x1) return leave();
      const i = Math.round(((x - x0) / (x1 - x0)) * (ranks.length - 1));
      const at = x0 + (i / (ranks.length - 1)) * (x1 - x0);
      cursor.setAttribute("x1", at);
      cursor.setAttribute("x2", at);
      svg.append(cursor);
      const head = document.createElement("b");
      head.textContent = "p" + ranks[i];
      readout.replaceChildren(head, ": " + lines.filter((l) => l.values[i]).map((l) => l.name + " " + l.values[i] + " ms").join(" · "));
    });
  }
})();
