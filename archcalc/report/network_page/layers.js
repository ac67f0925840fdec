// @ts-check

/**
 * Return the number that a cell is sorted by: its text, unless the cell has another one.
 * @param {HTMLTableCellElement} cell
 */
function valueOf(cell) {
  return Number(cell.dataset.value ?? cell.textContent?.replaceAll(",", ""));
}

/** The table of layers: it can be filtered, sorted, and shown at several levels of detail. */
class LayersTable {
  /** @param {HTMLTableElement} table */
  constructor(table) {
    this.table = table;
    this.body = table.tBodies[0];
    this.rows = [...this.body.rows];
    this.inOrder = [...this.rows];
    this.filter = element("filter", HTMLInputElement);
    this.level = element("level", HTMLSelectElement);
    this.shown = element("shown", HTMLElement);
    this.filter?.addEventListener("input", () => this.show());
    this.level?.addEventListener("change", () => this.show());
    [...(table.tHead?.rows[0].cells ?? [])].forEach((heading, column) => this.makeSortable(heading, column));
    this.show();
  }

  /**
   * Turn a heading into a button that sorts by its column: up, down, and back to the order of the network.
   * @param {HTMLTableCellElement} heading
   * @param {number} column
   */
  makeSortable(heading, column) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const orders = this.hasNumbers(column) ? ["descending", "ascending"] : ["ascending", "descending"];
      const next = orders[orders.indexOf(heading.getAttribute("aria-sort") ?? "") + 1];
      for (const other of this.table.tHead?.rows[0].cells ?? []) other.removeAttribute("aria-sort");
      if (next) heading.setAttribute("aria-sort", next);
      this.sort(column, next);
    });
  }

  /** @param {number} column */
  hasNumbers(column) {
    return this.rows[0]?.cells[column].className.startsWith("bar") ?? false;
  }

  /**
   * @param {number} column
   * @param {string | undefined} order "ascending", "descending", or none for the order of the network
   */
  sort(column, order) {
    const sign = order === "descending" ? -1 : 1;
    /** @param {HTMLTableRowElement} row */
    const text = (row) => row.cells[column].textContent ?? "";
    const isNumber = this.hasNumbers(column);
    const sorted = [...this.inOrder];
    if (order) {
      sorted.sort((a, b) =>
        sign * (isNumber ? valueOf(a.cells[column]) - valueOf(b.cells[column]) : text(a).localeCompare(text(b), "en", { numeric: true })));
    }
    this.body.append(...sorted);
  }

  /** Show the rows of the chosen level that contain the words of the filter. */
  show() {
    const words = (this.filter?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const level = this.level ? Number(this.level.value) : null;
    let shown = 0;
    for (const row of this.rows) {
      const first = Number(row.dataset.first), last = Number(row.dataset.last);
      const atLevel = level === null || (first <= level && level <= last);
      const text = [...row.cells].slice(0, 3).map((cell) => cell.textContent).join(" ").toLowerCase();
      row.hidden = !atLevel || !words.every((word) => text.includes(word));
      if (!row.hidden) shown += 1;
    }
    const scales = this.level?.selectedOptions[0].dataset.scales?.split(" ") ?? [];
    scales.forEach((scale, index) => this.table.style.setProperty(`--scale-${index}`, scale));
    if (this.shown) this.shown.textContent = `${shown} row${shown === 1 ? "" : "s"}`;
  }

  /**
   * Mark the row of a layer, at a level at which it is shown, and scroll to it.
   * @param {string} node the index of the layer
   */
  find(node) {
    const found = this.rows.filter((row) => row.dataset.node === node).at(-1);
    if (!found) return;
    if (found.hidden) {
      if (this.filter) this.filter.value = "";
      if (this.level) this.level.value = found.dataset.last ?? this.level.value;
      this.show();
    }
    for (const row of this.rows) row.classList.toggle("chosen", row === found);
    found.scrollIntoView({ block: "center" });
  }
}
