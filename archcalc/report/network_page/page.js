// @ts-check

for (const part of document.querySelectorAll(".scripted")) part.removeAttribute("hidden");
const table = document.querySelector("table.layers");
const layers = table instanceof HTMLTableElement ? new LayersTable(table) : null;
const fieldData = document.getElementById("field-data")?.textContent;
const fieldPanel = fieldData ? new FieldPanel(JSON.parse(fieldData)) : null;
const derivationLayer = element("derivation-layer", HTMLSelectElement);
const derivationPanel = derivationLayer ? new DerivationPanel(derivationLayer) : null;

// the name of a layer leads to its derivations, and a box of a drawing to its row
for (const row of layers?.rows ?? []) {
  const name = row.cells[0], { node } = row.dataset;
  if (row.classList.contains("group") || !node || !derivationPanel?.has(node)) continue;
  const link = document.createElement("a");
  link.href = "#derivation";
  link.textContent = name.textContent;
  link.addEventListener("click", () => {
    derivationPanel.show(node);
    fieldPanel?.show(node);
  });
  name.replaceChildren(link);
}
document.addEventListener("click", (event) => {
  const box = event.target instanceof Element ? event.target.closest(".drawing [data-node]") : null;
  const node = box instanceof SVGElement ? box.dataset.node : undefined;
  if (!node) return;
  layers?.find(node);
  derivationPanel?.show(node);
  fieldPanel?.show(node);
});
