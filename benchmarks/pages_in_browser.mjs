// Opens pages in headless Chromium: at three widths, light and dark, with axe-core, by keyboard, and in print.
// Called by pages_in_browser.py with the folder of node_modules, the browser, the folder of screenshots, and the pages.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, executablePath, screenshots, ...pages] = process.argv.slice(2);
const { chromium } = (await import(`${modules}/playwright-core/index.js`)).default;
const axe = readFileSync(`${modules}/axe-core/axe.min.js`, "utf8");
const WIDTHS = [400, 1000, 1600];
const SERIOUS = ["serious", "critical"];
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
let faults = 0;

function fault(page, text) {
  faults += 1;
  console.log(`${page}: ${text}`);
}

async function opened(path, width, colorScheme) {
  // the policy of the page admits only its own scripts, so axe-core runs outside of it
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
  const page = await context.newPage();
  const name = `${basename(path, ".html")} ${width} ${colorScheme}`;
  page.on("console", (message) => message.type() === "error" && fault(name, `console: ${message.text()}`));
  page.on("pageerror", (error) => fault(name, `script: ${error.message}`));
  page.on("request", (request) => request.url().startsWith("file:") || fault(name, `requests ${request.url()}`));
  await page.goto(pathToFileURL(path).href);
  return { context, page, name };
}

async function inspect(path, width, colorScheme) {
  const { context, page, name } = await opened(path, width, colorScheme);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (wide > 0) fault(name, `is ${wide} pixels wider than the window`);
  await page.evaluate(() => document.querySelectorAll("details:not([name])").forEach((part) => { part.open = true; }));
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, impact, help, nodes } of violations) {
    const text = `axe ${impact} ${id}: ${help} (${nodes.length}, such as ${nodes[0].html.slice(0, 120)})`;
    if (SERIOUS.includes(impact)) fault(name, text);
    else console.log(`${name}: ${text}`);
  }
  await page.evaluate(() => document.querySelectorAll("details:not([name])").forEach((part) => { part.open = false; }));
  await page.screenshot({ path: `${screenshots}/${name.replaceAll(" ", "-")}.png`, fullPage: true });
  await context.close();
}

/** Use the table and the panels of a page of one network by keyboard. */
async function use(path) {
  const { context, page, name } = await opened(path, 1000, "light");
  const shown = () => page.locator("table.layers tbody tr:visible").count();
  const values = (column) => page.locator("table.layers tbody tr:visible").evaluateAll(
    (rows, at) => rows.map((row) => valueOf(row.cells[at])), column);
  const level = page.locator("#level");
  if (await level.count()) {
    await level.focus();
    await page.keyboard.press("End");
  }
  const before = await shown();
  await page.getByRole("button", { name: "params" }).focus();
  await page.keyboard.press("Enter");
  const sorted = await values(3);
  if (sorted.some((value, at) => at && value > sorted[at - 1])) fault(name, "sorting by parameters has another order");
  await page.locator("#filter").fill("conv");
  const filtered = await shown();
  if (filtered > before) fault(name, `the filter shows ${filtered} of ${before} rows`);
  await page.locator("#filter").fill("");
  if (await shown() !== before) fault(name, "an empty filter hides rows");
  const link = page.locator("table.layers tbody tr:visible th a").first();
  if (await link.count()) {
    const layer = await link.textContent();
    await link.focus();
    await page.keyboard.press("Enter");
    const chosen = await page.locator("#derivation-layer option:checked").textContent();
    if (chosen !== layer) fault(name, `the row of ${layer} leads to the derivations of ${chosen}`);
    if (!await page.locator("#derivation-steps math").count()) fault(name, `no derivation of ${layer}`);
  }
  const unit = page.locator("#field-unit input").first();
  if (await unit.count()) {
    await page.locator("#field-before").focus();
    await page.keyboard.press("Enter");
    const sentence = page.locator("#field-sentence");
    const [start] = [await sentence.textContent()];
    await unit.focus();
    await page.keyboard.press("Home");
    if (Number(await unit.getAttribute("max")) > 1 && await sentence.textContent() === start) {
      fault(name, "another unit sees the same");
    }
  }
  await page.pdf({ path: `${screenshots}/${basename(path, ".html")}.pdf`, format: "A4" });
  await context.close();
}

for (const path of pages) {
  for (const width of WIDTHS) for (const scheme of ["light", "dark"]) await inspect(path, width, scheme);
  if (readFileSync(path, "utf8").includes('id="layers"')) await use(path);
}
await browser.close();
console.log(`${pages.length} pages, ${faults} faults`);
process.exitCode = faults ? 1 : 0;
