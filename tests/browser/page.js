// Opens the page of a file in headless Chromium and prints as JSON what it did: errors, requests, pictures, sliders, tabs, and axe-core's findings, in
// light and dark, on a desk and on a phone. node page.js CHROMIUM FILE [FOLDER for screenshots]
const puppeteer = require("puppeteer-core");
const axe = require("fs").readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [chromium, file, shots] = process.argv.slice(2);

const pictures = () => Promise.all(Array.from(document.querySelectorAll("img"), img => img.decode().then(() => img.naturalWidth > 0, () => false))
  .concat(Array.from(document.querySelectorAll(".stack"), async stack => {
    const img = new Image();
    img.src = getComputedStyle(stack).backgroundImage.slice(5, -2);
    return img.decode().then(() => img.naturalWidth > 0, () => false);
  })));

async function slider(page) {
  const input = await page.$("[data-slider] input");
  if (!input) return null;
  const clip = () => page.$eval("[data-slider] .layer", layer => layer.style.clipPath);
  const before = await clip();
  await input.focus();
  for (let i = 0; i < 30; i++) await page.keyboard.press("ArrowLeft");
  return { before, after: await clip(), value: await input.evaluate(e => e.value) };
}

async function tabs(page) {
  const first = await page.$("[role=tab][aria-selected=true]");
  if (!first) return null;
  await first.focus();
  await page.keyboard.press("ArrowRight");
  return page.evaluate(() => ({ selected: document.activeElement.getAttribute("aria-selected"),
    shown: !document.getElementById(document.activeElement.getAttribute("aria-controls")).hidden }));
}

async function pointer(page) {
  const plot = await page.$(".plot:has(script)");
  await plot.scrollIntoView();
  const box = await plot.boundingBox();
  await page.mouse.move(box.x + box.width * 0.6, box.y + box.height / 2);
  return plot.$eval(".tip", tip => tip.hidden ? "" : tip.textContent);
}

async function look(browser, width, scheme, found) {
  const page = await browser.newPage();
  page.on("console", m => { if (m.type() === "error" || m.type() === "warning") found.errors.push(m.text()); });
  page.on("pageerror", e => found.errors.push(String(e)));
  page.on("request", r => { if (!/^(file|data):/.test(r.url())) found.requests.push(r.url()); });
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto("file://" + file);
  if (shots) await page.screenshot({ path: `${shots}/${scheme}-${width}.png`, fullPage: true });
  const one = { width, scheme, title: await page.title(), across: await page.evaluate(() => document.documentElement.scrollWidth) };
  one.pictures = await page.evaluate(pictures);
  one.slider = await slider(page);
  one.tabs = await tabs(page);
  one.pointer = await pointer(page);
  await page.evaluate(axe);
  const result = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  one.axe = result.violations.filter(v => v.impact === "serious" || v.impact === "critical")
    .map(v => `${v.id}: ${v.nodes.slice(0, 3).map(n => n.html.slice(0, 120) + " " + (n.failureSummary || "").slice(0, 200)).join(" | ")}`);
  one.minor = result.violations.filter(v => v.impact !== "serious" && v.impact !== "critical").map(v => v.id);
  await page.close();
  found.views.push(one);
}

(async () => {
  const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
  const found = { errors: [], requests: [], views: [] };
  try {
    for (const [width, scheme] of [[1200, "light"], [1200, "dark"], [360, "light"]]) await look(browser, width, scheme, found);
  } finally {
    await browser.close();
  }
  console.log(JSON.stringify(found));
})().catch(e => { console.error(e); process.exit(1); });
