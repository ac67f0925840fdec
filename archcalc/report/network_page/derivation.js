// @ts-check

/** The panel with the derivations of one layer. */
class DerivationPanel {
  /** @param {HTMLSelectElement} layer */
  constructor(layer) {
    this.layer = layer;
    layer.addEventListener("change", () => this.draw());
    this.draw();
  }

  /**
   * @param {string} node the index of a layer
   * @returns {boolean} whether the page has its derivations
   */
  has(node) {
    return this.layer.querySelector(`option[value="${node}"]`) !== null;
  }

  /** @param {string} node the index of a layer */
  show(node) {
    if (!this.has(node)) return;
    this.layer.value = node;
    this.draw();
  }

  draw() {
    const chosen = this.layer.selectedOptions[0];
    const steps = element(`derivation-${chosen.dataset.kind}`, HTMLTemplateElement);
    required("derivation-line", HTMLElement).textContent = chosen.dataset.line ?? "";
    required("derivation-steps", HTMLElement).replaceChildren(...(steps ? [steps.content.cloneNode(true)] : []));
  }
}
