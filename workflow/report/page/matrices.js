// Two confusion matrices side by side. A cell that is pointed at or focused shows its songs, in both of them.
// Names come from strangers: they are only ever set as text.
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("matrices").textContent);
  const { labels, songs, models } = data;
  const places = document.getElementById("places");
  const state = { level: "song", cell: [0, 0], places: [] };
  const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const isLarge = labels.length > data.largestTable;

  function element(name, attributes = {}, ...children) {
    const namespace = ["svg", "rect", "text"].includes(name) ? "http://www.w3.org/2000/svg" : null;
    const node = namespace ? document.createElementNS(namespace, name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }

  const votesOf = (matrix, i, j) => {
    const row = matrix.rows[i];
    for (let at = 0; at < row.length; at += 2) if (row[at] === j) return row[at + 1];
    return 0;
  };
  const shareOf = (matrix, i, j) => (matrix.totals[i] ? votesOf(matrix, i, j) / matrix.totals[i] : 0);
  const percent = (share) => `${Math.round(100 * share)}`;
  const kind = (i, j) => (i === j ? "right" : "wrong");

  function worst(matrix) {
    let found = [0, 0, 0];
    matrix.rows.forEach((row, i) => {
      for (let at = 0; at < row.length; at += 2) {
        if (row[at] !== i && row[at + 1] > found[2]) found = [i, row[at], row[at + 1]];
      }
    });
    return found.slice(0, 2);
  }

  function drawTable(place, matrix) {
    const table = element("table", { class: "matrix", role: "grid", "aria-label": describe(place) });
    const head = element("tr", {}, element("th", { scope: "col" }, "true \\ predicted"));
    for (const label of labels) head.append(element("th", { scope: "col" }, element("span", { title: label }, label)));
    const body = element("tbody");
    labels.forEach((label, i) => {
      const row = element("tr", {}, element("th", { scope: "row" }, label));
      labels.forEach((_, j) => {
        const share = shareOf(matrix, i, j);
        const cell = element("td", { class: kind(i, j), style: `--share:${share.toFixed(3)}`, tabindex: -1 });
        cell.textContent = share ? percent(share) : "";
        row.append(cell);
      });
      body.append(row);
    });
    table.append(element("thead", {}, head), body);
    const at = (target) => {
      const cell = target.closest("td");
      return cell && [cell.parentNode.rowIndex - 1, cell.cellIndex - 1];
    };
    const follow = ({ target }) => at(target) && choose(at(target));
    table.addEventListener("pointerover", follow);
    table.addEventListener("focusin", follow);
    table.addEventListener("click", ({ target }) => target.closest("td")?.focus());
    table.addEventListener("keydown", (event) => {
      if (move(event)) place.cellOf(...state.cell).focus();
    });
    place.cellOf = (i, j) => body.rows[i].cells[j + 1];
    place.mark = (i, j) => {
      for (const old of body.querySelectorAll("[aria-selected]")) {
        old.removeAttribute("aria-selected");
        old.tabIndex = -1;
      }
      place.cellOf(i, j).setAttribute("aria-selected", "true");
      place.cellOf(i, j).tabIndex = 0;
    };
    return table;
  }

  function drawHeatMap(place, matrix) {
    const size = labels.length;
    const svg = element("svg", {
      class: "heat",
      role: "application",
      tabindex: 0,
      viewBox: `0 0 ${size} ${size}`,
      style: `--size:${size}`,
      "aria-label": `${describe(place)}. Heat map: the arrow keys move between cells`,
    });
    svg.append(element("rect", { class: "ground", width: size, height: size }));
    matrix.rows.forEach((row, i) => {
      for (let at = 0; at < row.length; at += 2) {
        const box = { x: row[at], y: i, width: 1, height: 1 };
        const style = `--share:${shareOf(matrix, i, row[at]).toFixed(3)}`;
        svg.append(element("rect", { class: kind(i, row[at]), style, ...box }));
      }
    });
    const cursor = element("rect", { class: "cursor", width: 1, height: 1 });
    svg.append(cursor);
    const clamp = (share) => Math.max(0, Math.min(size - 1, Math.floor(share * size)));
    const follow = (event) => {
      const { left, top, width, height } = svg.getBoundingClientRect();
      choose([clamp((event.clientY - top) / height), clamp((event.clientX - left) / width)]);
    };
    svg.addEventListener("pointermove", follow);
    svg.addEventListener("click", follow);
    svg.addEventListener("keydown", move);
    place.mark = (i, j) => {
      cursor.setAttribute("x", j);
      cursor.setAttribute("y", i);
    };
    return svg;
  }

  const describe = (place) => `Confusion matrix of ${state.level}s of ${place.model.run}`;

  function move(event) {
    const step = MOVES[event.key];
    if (!step) return false;
    event.preventDefault();
    choose(state.cell.map((at, axis) => Math.max(0, Math.min(labels.length - 1, at + step[axis]))));
    return true;
  }

  function choose(cell) {
    state.cell = cell;
    for (const place of state.places) showCell(place);
  }

  function showCell(place) {
    const [i, j] = state.cell;
    const matrix = place.model[state.level];
    place.mark(i, j);
    const title = i === j ? `${labels[i]}, recognised` : `${labels[i]}, taken for ${labels[j]}`;
    const votes = votesOf(matrix, i, j);
    const part = votes || !matrix.least ? ` (${percent(shareOf(matrix, i, j))} %)` : "";
    const of = `${part ? votes : `at most ${matrix.least}`} of ${matrix.totals[i]} ${state.level}s${part}`;
    place.panel.replaceChildren(element("p", {}, element("b", {}, title), `: ${of}`));
    if (i === j) {
      const [precision, recall, f1] = matrix.classes[i];
      place.panel.append(element("p", {}, `precision ${precision} %, recall ${recall} %, F1 ${(f1 / 100).toFixed(2)}`));
    }
    if (state.level === "clip" || !votes) return;
    const found = place.model.cells[i * labels.length + j];
    if (!found) {
      place.panel.append(element("p", { class: "soft" }, "Its songs are in songs.csv."));
      return;
    }
    const [flat, all] = found;
    const list = element("ul");
    for (let at = 0; at < flat.length; at += 2) {
      const [name, tested] = songs[flat[at]];
      const often = flat[at + 1] < tested ? ` (in ${flat[at + 1]} of ${tested} repeats)` : "";
      list.append(element("li", {}, name, element("span", { class: "soft" }, often)));
    }
    if (all > flat.length / 2) list.append(element("li", { class: "soft" }, `and ${all - flat.length / 2} more`));
    place.panel.append(list);
  }

  function draw(place) {
    const matrix = place.model[state.level];
    const box = element("div", { class: "box" }, (isLarge ? drawHeatMap : drawTable)(place, matrix));
    place.box.replaceWith(box);
    place.box = box;
    place.about.textContent = `${place.model[`${state.level}_accuracy`]} of ${state.level}s. ${place.model.title}`;
    place.note.hidden = !matrix.least;
    place.note.textContent = `Mistakes with at most ${matrix.least} ${state.level}s are left out. confusion_${state.level}.csv has them.`;
    showCell(place);
  }

  function addPlace(number) {
    const select = element("select", { "aria-label": number ? "Second model" : "First model" });
    models.forEach((model, index) => {
      select.append(element("option", { value: index }, `${model.place}. ${model.run}, ${model.song_accuracy}`));
    });
    select.value = number;
    const place = {
      model: models[number],
      about: element("p", { class: "which" }),
      box: element("div"),
      note: element("p", { class: "soft small" }),
      panel: element("div", { class: "songs", "aria-live": "polite", role: "region", tabindex: 0 }),
    };
    place.panel.setAttribute("aria-label", `Songs of the cell, ${number ? "second" : "first"} model`);
    select.addEventListener("change", () => {
      place.model = models[select.value];
      draw(place);
    });
    state.places.push(place);
    return element("div", { class: "place" }, select, place.about, place.box, place.note, place.panel);
  }

  state.cell = worst(models[0].song);
  places.replaceChildren(...models.slice(0, 2).map((_, number) => addPlace(number)));
  state.places.forEach(draw);
  const tools = document.getElementById("matrix-tools");
  tools.hidden = false;
  tools.addEventListener("change", ({ target }) => {
    state.level = target.value;
    state.places.forEach(draw);
  });
})();
