// Opens pages of the documents' site from its folder in headless Chromium and prints as JSON what it did: errors, requests, widths, pictures, what the
// search finds, and axe-core's findings. node site.js CHROMIUM FOLDER [FOLDER for screenshots]
const puppeteer = require("puppeteer-core");
const axe = require("fs").readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [chromium, folder, shots] = process.argv.slice(2);

// Types words into the search of a page and follows the first hit.
async function search(page, words) {
  await page.keyboard.press("/");
  await page.keyboard.type(words);
  await page.waitForFunction(() => !document.getElementById("found").hidden && document.querySelector("#found li a"), { timeout: 60000 });
  const answer = await page.evaluate(words => ({ words, count: document.getElementById("count").textContent,
    hits: Array.from(document.querySelectorAll("#found li a"), a => a.getAttribute("href")), marks: document.querySelectorAll("#found mark").length }), words);
  if (shots) await page.screenshot({ path: `${shots}/search-${words.replace(/\W/g, "_")}.png` });
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  answer.arrived = page.url().replace(/.*\/(?=[^/]*\/[^/]*$)/, "");
  return answer;
}

async function look(browser, [place, width, scheme, words], found) {
  const page = await browser.newPage();
  page.on("console", m => { if (m.type() === "error" || m.type() === "warning") found.errors.push(m.text()); });
  page.on("pageerror", e => found.errors.push(String(e)));
  page.on("request", r => { if (!/^(file|data):/.test(r.url())) found.requests.push(r.url()); });
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(`file://${folder}/${place}`);
  if (shots) await page.screenshot({ path: `${shots}/${place.replace(/\W/g, "_")}-${scheme}-${width}.png` });
  const one = { place, width, scheme, across: await page.evaluate(() => document.documentElement.scrollWidth) };
  one.pictures = await page.evaluate(() => Promise.all(Array.from(document.images, i => i.decode().then(() => true, () => false))));
  one.contents = await page.evaluate(() => document.querySelector(".contents").contains(document.querySelector("nav")));
  await page.evaluate(axe);
  const result = await page.evaluate(() => axe.run(document, { preload: false, resultTypes: ["violations"] }));
  one.axe = result.violations.filter(v => v.impact === "serious" || v.impact === "critical")
    .map(v => `${v.id}: ${v.nodes.slice(0, 3).map(n => n.html.slice(0, 120)).join(" | ")}`);
  if (words) one.search = await search(page, words);
  await page.close();
  found.views.push(one);
}

(async () => {
  const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"], protocolTimeout: 120000 });
  const found = { errors: [], requests: [], views: [] };
  try {
    for (const view of [["index.html", 1200, "light", "resume a training"], ["reference/losses.html", 1200, "dark", "deep_distribution"],
      ["how-to/resume.html", 360, "light", "HD95"], ["tutorial/own-data.html", 360, "dark"]]) await look(browser, view, found);
  } finally {
    await browser.close();
  }
  console.log(JSON.stringify(found));
})().catch(e => { console.error(e); process.exit(1); });
