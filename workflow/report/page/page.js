// Sortable tables, contents that follow the reader, folded sections that open when something points to them.
"use strict";

(() => {
  const value = (row, column) => {
    const cell = row.cells[column];
    const text = (cell.dataset.value ?? cell.textContent).trim();
    const number = Number.parseFloat(text);
    return { text, number, empty: text === "" };
  };

  const compare = (one, other) =>
    Number.isNaN(one.number) || Number.isNaN(other.number)
      ? one.text.localeCompare(other.text, "en", { numeric: true })
      : one.number - other.number;

  function sort(table, header, ascending) {
    const body = table.tBodies[0];
    const column = header.cellIndex;
    const keyed = [...body.rows].map((row) => ({ row, key: value(row, column) }));
    keyed.sort(({ key: one }, { key: other }) => {
      if (one.empty || other.empty) return one.empty - other.empty; // nothing comes last, either way
      return ascending ? compare(one, other) : compare(other, one);
    });
    body.append(...keyed.map(({ row }) => row));
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    for (const header of table.tHead.rows[0].querySelectorAll("th")) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => {
        const now = header.getAttribute("aria-sort");
        const first = table.tBodies[0].rows[0];
        const isNumber = first && !Number.isNaN(value(first, header.cellIndex).number);
        sort(table, header, now ? now === "descending" : !isNumber);
      });
    }
  }

  function unfold() {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = target && target.closest("details");
    if (folded && !folded.open) {
      folded.open = true;
      target.scrollIntoView();
    }
  }
  addEventListener("hashchange", unfold);
  unfold();

  const closed = [];
  addEventListener("beforeprint", () => {
    closed.push(...document.querySelectorAll("details:not([open])"));
    for (const details of closed) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of closed.splice(0)) details.open = false;
  });

  const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) {
          for (const link of links.values()) link.removeAttribute("aria-current");
          links.get(target.id).setAttribute("aria-current", "true");
        }
      }
    },
    { rootMargin: "-20% 0px -75% 0px" },
  );
  for (const id of links.keys()) seen.observe(document.getElementById(id));
})();
