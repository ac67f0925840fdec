// @ts-check

for (const part of document.querySelectorAll(".scripted")) part.removeAttribute("hidden");
const table = document.querySelector("table.layers");
const layers = table instanceof HTMLTableElement ? new LayersTable(table) : null;
const fieldData = document.getElementById("field-data")?.textContent;
const fieldPanel = fieldData ? new FieldPanel(JSON.parse(fieldData)) : null;

document.addEventListener("click", (event) => {
  const box = event.target instanceof Element ? event.target.closest(".drawing [data-node]") : null;
  if (box instanceof SVGElement && box.dataset.node) {
    layers?.find(box.dataset.node);
    fieldPanel?.show(box.dataset.node);
  }
});
