// @ts-check

/**
 * What a layer sees along one axis of an input: a word, or paths from its positions to those of the input. A path has
 * the axis of the layer, the distance of its windows over one period, and their first positions and sizes in a period.
 * @typedef {{word?: string, paths?: [number, number, number[], number[]][], start?: boolean, bound?: boolean}} AxisField
 */
/**
 * The field of a layer on one input. If windows leave out positions, `holes` has the regions that remain: intervals per
 * axis, relative to the start of the window.
 * @typedef {{axes: AxisField[], holes?: [number, number][][][]}} Field
 */
/** @typedef {{name: string, positions: number[], fields: Object<string, number>}} FieldLayer */
/**
 * The data of the panel.
 * @typedef {{inputs: Object<string, number[]>, fields: Field[], layers: Object<string, FieldLayer>}} FieldData
 */
/**
 * The first and the last position along an axis.
 * @typedef {[number, number]} Interval
 */

/** How much a number may be off because of floating-point arithmetic. */
const EPSILON = 1e-9;
/** The number of pieces of a window that are drawn one by one; of more, their box is drawn. */
const MAX_PIECES = 4000;
/** The longer side of the picture of the input, in pixels. */
const PICTURE = 520;
/** How far beyond the input windows are drawn, in sizes of the input. */
const MAX_OVERHANG = 1;

/**
 * Return the window of a unit along an axis before clipping; null if it sees everything, or nothing is known.
 * @param {AxisField} axis
 * @param {number[]} unit
 * @returns {Interval | null}
 */
function windowAlong(axis, unit) {
  if (!axis.paths) return null;
  let first = Infinity, last = -Infinity;
  for (const [along, advance, firsts, sizes] of axis.paths) {
    const phase = unit[along] % firsts.length, cycle = (unit[along] - phase) / firsts.length;
    if (sizes[phase] === 0) continue;
    const start = firsts[phase] + cycle * advance;
    first = Math.min(first, Math.ceil(start - EPSILON));
    last = Math.max(last, Math.floor(start + sizes[phase] - 1 + EPSILON));
  }
  return [axis.start ? 0 : first, last];
}

/** The panel that shows what one unit sees of the input. */
class FieldPanel {
  /** @param {FieldData} data */
  constructor(data) {
    this.data = data;
    this.layer = required("field-layer", HTMLSelectElement);
    this.input = required("field-input", HTMLSelectElement);
    this.unit = required("field-unit", HTMLElement);
    this.sentence = required("field-sentence", HTMLElement);
    this.svg = document.getElementById("field-picture");
    this.picture = this.svg?.querySelector("g");
    for (const [node, layer] of Object.entries(data.layers)) this.layer.add(new Option(layer.name, node));
    /** The position of the unit along each axis, between 0 and 1. */
    this.place = [0.5, 0.5, 0.5];
    this.layer.addEventListener("change", () => this.chooseLayer());
    this.input.addEventListener("change", () => this.draw());
    required("field-before", HTMLButtonElement).addEventListener("click", () => this.step(-1));
    required("field-after", HTMLButtonElement).addEventListener("click", () => this.step(1));
    this.layer.value = this.start();
    this.chooseLayer();
  }

  /** Return the last layer whose window is smaller than the input, from which most can be seen. */
  start() {
    const nodes = Object.keys(this.data.layers);
    const isSmaller = (/** @type {string} */ node) => {
      const [name, index] = Object.entries(this.data.layers[node].fields)[0];
      return this.data.fields[index].axes.every((axis, at) => {
        const window = windowAlong(axis, this.data.layers[node].positions.map(() => 0));
        return window !== null && window[1] - window[0] + 1 < this.data.inputs[name][at];
      });
    };
    return nodes.filter(isSmaller).at(-1) ?? nodes[0];
  }

  /** @param {number} by the number of layers */
  step(by) {
    const index = Math.min(Math.max(this.layer.selectedIndex + by, 0), this.layer.options.length - 1);
    this.layer.selectedIndex = index;
    this.chooseLayer();
  }

  /** @param {string} node */
  show(node) {
    if (!(node in this.data.layers)) return;
    this.layer.value = node;
    this.chooseLayer();
  }

  /** Offer the inputs and units of the chosen layer; the unit stays at the same part of the layer. */
  chooseLayer() {
    const layer = this.data.layers[this.layer.value], before = this.input.value;
    this.input.replaceChildren(...Object.keys(layer.fields).map((name) => new Option(name)));
    if (before in layer.fields) this.input.value = before;
    const names = layer.positions.length === 1 ? ["Position"] : ["Depth", "Row", "Column"].slice(-layer.positions.length);
    this.unit.replaceChildren(...layer.positions.map((size, axis) => {
      const label = document.createElement("label"), slider = document.createElement("input");
      const output = document.createElement("output");
      slider.type = "range";
      slider.min = "0";
      slider.max = String(size - 1);
      slider.value = String(Math.round((this.place[axis] ?? 0.5) * (size - 1)));
      output.textContent = slider.value;
      slider.addEventListener("input", () => {
        output.textContent = slider.value;
        if (size > 1) this.place[axis] = Number(slider.value) / (size - 1);
        this.draw();
      });
      label.append(`${names[axis] ?? `Axis ${axis + 1}`} `, slider, " ", output);
      return label;
    }));
    this.draw();
  }

  /** Draw what the chosen unit sees, and describe it in a sentence. */
  draw() {
    const layer = this.data.layers[this.layer.value], name = this.input.value;
    const field = this.data.fields[layer.fields[name]], sizes = this.data.inputs[name];
    const unit = [...this.unit.querySelectorAll("input")].map((slider) => Number(slider.value));
    const windows = field.axes.map((axis) => windowAlong(axis, unit));
    const all = sizes.map((size, axis) => windows[axis] ?? /** @type {Interval} */ ([0, size - 1]));
    const seen = all.map(([first, last], axis) => /** @type {Interval} */ (
      [Math.max(first, 0), Math.min(last, sizes[axis] - 1)]));
    const isUnknown = field.axes.some((axis) => axis.word === "unknown");
    const isEmpty = seen.some(([first, last]) => first > last);
    this.sentence.textContent = this.describe(layer, name, unit, { field, windows, seen, sizes, isUnknown, isEmpty });
    this.drawPlane(sizes, all, isUnknown || isEmpty ? [] : pieces(field, all, seen, sizes));
  }

  /**
   * @param {FieldLayer} layer
   * @param {string} name the name of the input
   * @param {number[]} unit
   * @param {{field: Field, windows: (Interval | null)[], seen: Interval[], sizes: number[], isUnknown: boolean,
   *   isEmpty: boolean}} what
   */
  describe(layer, name, unit, { field, windows, seen, sizes, isUnknown, isEmpty }) {
    const who = `Unit ${unit.length ? `(${unit.join(", ")}) ` : ""}of ${layer.name}`;
    if (isUnknown) return `${who}: the positions cannot be followed, so what it sees of ${name} is not known.`;
    if (isEmpty) return `${who} sees no position of ${name}.`;
    const size = (/** @type {Interval[]} */ box) => box.map(([first, last]) => last - first + 1).join("×");
    const axes = sizes.length === 1 ? ["positions"] : ["depths", "rows", "columns"].slice(-sizes.length);
    const ranges = seen.map(([first, last], axis) => `${axes[axis] ?? `axis ${axis + 1},`} ${first} to ${last}`);
    const parts = [`${who} sees ${size(seen)} of the ${sizes.join("×")} positions of ${name}: ${ranges.join(", ")}.`];
    const beyond = windows.map((window, axis) => window
      ? [Math.max(-window[0], 0), Math.max(window[1] - sizes[axis] + 1, 0)] : [0, 0]);
    if (beyond.flat().some((by) => by > 0)) {
      const numbers = windows.map((window) => window ? String(window[1] - window[0] + 1) : "all");
      const texts = beyond.map(([before, after], axis) => `${before} and ${after} ${axes[axis] ?? "positions"}`);
      parts.push(`Its window of ${numbers.join("×")} extends into padding, by ${texts.join(", ")} `
        + "before and after the input.");
    }
    if (field.holes) parts.push("The window leaves out some of these positions.");
    if (field.axes.some((axis) => axis.bound)) parts.push("The window is an upper bound.");
    return parts.join(" ");
  }

  /**
   * Draw the last two axes of an input, or its only one, as a plane.
   * @param {number[]} sizes
   * @param {Interval[]} window
   * @param {Interval[][]} seen the pieces that the unit depends on
   */
  drawPlane(sizes, window, seen) {
    if (!this.picture || !this.svg) return;
    const strip = sizes.length === 1;
    const [height, width] = strip ? [1, sizes[0]] : sizes.slice(-2);
    const plane = (/** @type {Interval[]} */ box) => strip ? [/** @type {Interval} */ ([0, 0]), box[0]] : box.slice(-2);
    const [rows, columns] = plane(window);
    const top = Math.max(Math.min(rows[0], 0), -MAX_OVERHANG * height);
    const bottom = Math.min(Math.max(rows[1], height - 1), (1 + MAX_OVERHANG) * height - 1);
    const left = Math.max(Math.min(columns[0], 0), -MAX_OVERHANG * width);
    const right = Math.min(Math.max(columns[1], width - 1), (1 + MAX_OVERHANG) * width - 1);
    const scale = PICTURE / Math.max(right - left + 1, strip ? 0 : bottom - top + 1);
    const tall = strip ? 40 : scale;
    const rect = (/** @type {Interval[]} */ [y, x], /** @type {string} */ kind) => {
      const shape = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const box = { top: Math.max(y[0], top), bottom: Math.min(y[1], bottom), left: Math.max(x[0], left),
        right: Math.min(x[1], right) };
      shape.setAttribute("x", String(4 + (box.left - left) * scale));
      shape.setAttribute("y", String(4 + (box.top - top) * tall));
      shape.setAttribute("width", String(Math.max((box.right - box.left + 1) * scale, 1)));
      shape.setAttribute("height", String(Math.max((box.bottom - box.top + 1) * tall, 1)));
      shape.setAttribute("class", kind);
      return shape;
    };
    const own = /** @type {Interval[]} */ ([[0, height - 1], [0, width - 1]]);
    this.picture.replaceChildren(
      rect([rows, columns], "padded"), rect(own, "plane"),
      ...seen.map((piece) => rect(plane(piece), "seen")),
      rect(own, "border"), rect([rows, columns], "window"));
    this.svg.setAttribute("viewBox", `0 0 ${(right - left + 1) * scale + 8} ${(bottom - top + 1) * tall + 8}`);
    this.svg.style.width = `${(right - left + 1) * scale + 8}px`;
  }
}

/**
 * Return the pieces of a window that a unit depends on, clipped to the input.
 * @param {Field} field
 * @param {Interval[]} window
 * @param {Interval[]} seen the clipped window
 * @param {number[]} sizes
 * @returns {Interval[][]}
 */
function pieces(field, window, seen, sizes) {
  if (!field.holes) return [seen];
  /** @type {Interval[][]} */
  const found = [];
  for (const region of field.holes) {
    /** @type {Interval[][]} */
    let boxes = [[]];
    region.forEach((runs, axis) => {
      const moved = runs.map(([first, last]) => /** @type {Interval} */ (
        [Math.max(window[axis][0] + first, 0), Math.min(window[axis][0] + last, sizes[axis] - 1)]));
      const inside = moved.filter(([first, last]) => first <= last);
      boxes = boxes.flatMap((box) => inside.map((run) => [...box, run]));
    });
    found.push(...boxes);
    if (found.length > MAX_PIECES) return [seen];
  }
  return found;
}
