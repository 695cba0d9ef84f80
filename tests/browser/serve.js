// Opens the page of ramus serve in headless Chromium, gives it a picture and a broken file, moves the threshold, saves the mask, and prints as JSON what
// it saw, with axe-core's findings, in light and dark, on a desk and on a phone. node serve.js CHROMIUM ADDRESS PICTURE BROKEN FOLDER [screenshots]
const puppeteer = require("puppeteer-core");
const fs = require("fs");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [chromium, address, picture, broken, folder, shots] = process.argv.slice(2);

const text = (page, id) => page.$eval(id, e => e.textContent);
const marked = page => page.$eval("#canvas", canvas => { // pixels that are no grey
  const p = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let n = 0;
  for (let i = 0; i < p.length; i += 4) if (Math.abs(p[i] - p[i + 2]) > 2) n++;
  return n;
});
const settled = page => page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));

async function give(page, file, wait) {
  const field = await page.$("#file");
  await field.uploadFile(file);
  await page.waitForFunction(wait, { timeout: 30000 });
}

async function saved(page, button, name) {
  const path = folder + "/" + name;
  await page.click(button);
  for (let i = 0; i < 100 && !fs.existsSync(path); i++) await new Promise(done => setTimeout(done, 50));
  return fs.existsSync(path) ? path : null;
}

async function findings(page) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  return result.violations.filter(v => v.impact === "serious" || v.impact === "critical")
    .map(v => `${v.id}: ${v.nodes.slice(0, 3).map(n => n.html.slice(0, 120) + " " + (n.failureSummary || "").slice(0, 200)).join(" | ")}`);
}

async function look(browser, width, scheme, found) {
  const page = await browser.newPage(), one = { width, scheme };
  await page.setBypassCSP(true); // axe-core is a script of ours; that the page's own runs under its policy is tried first, below
  page.on("console", m => { if (m.type() === "error" || m.type() === "warning") found.errors.push(m.text() + " " + m.location().url); });
  page.on("pageerror", e => found.errors.push(String(e)));
  page.on("request", r => { if (!r.url().startsWith(address) && !/^(blob|data):/.test(r.url())) found.requests.push(r.url()); });
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(address);
  if (shots) await page.screenshot({ path: `${shots}/serve-${scheme}-${width}-first.png`, fullPage: true });
  one.axe = await findings(page);
  await give(page, picture, () => !document.getElementById("result").hidden);
  if (shots) await page.screenshot({ path: `${shots}/serve-${scheme}-${width}.png`, fullPage: true });
  one.axe = one.axe.concat(await findings(page));
  one.across = await page.evaluate(() => document.documentElement.scrollWidth);
  await page.close();
  found.views.push(one);
}

// A file that is dragged in by the mouse: the frame shows it, letting go gives the picture.
async function drop(browser, found) {
  const page = await browser.newPage(), client = await page.createCDPSession();
  await page.goto(address);
  const data = { items: [], files: [picture], dragOperationsMask: 1 };
  const drag = (type, x, y) => client.send("Input.dispatchDragEvent", { type, x, y, data });
  const lit = () => page.$eval("#drop", e => e.classList.contains("over"));
  const silence = () => new Promise(done => setTimeout(done, 1000));
  await drag("dragEnter", 300, 200);
  await drag("dragOver", 310, 210);
  const over = await lit();
  await drag("dragCancel", 310, 210);
  await silence();
  const cancelled = await lit();
  const made = (type, id) => page.evaluate((type, id) => { // by the page itself: what browsers send, and leave out, in their own ways
    document.querySelector(id).dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true }));
  }, type, id);
  await made("dragenter", "#drop");
  await made("dragenter", "#drop h2");
  const entered = await lit();
  await silence();
  const silent = await lit();
  await made("dragenter", "#drop");
  await made("dragenter", "#drop h2");
  await made("dragleave", "#drop h2");
  const left = await lit();
  await drag("dragEnter", 300, 200);
  await drag("drop", 310, 210);
  await page.waitForFunction(() => !document.getElementById("result").hidden, { timeout: 30000 });
  found.dropped = { over, cancelled, entered, silent, left, after: await lit(), title: await text(page, "#result-title"), marked: await marked(page), address: page.url() };
  await page.close();
}

// Under the page's own policy, with the keyboard.
async function use(browser, found) {
  const page = await browser.newPage(), client = await page.createCDPSession();
  page.on("console", m => { if (m.type() === "error" || m.type() === "warning") found.used.push(m.text() + " " + m.location().url); });
  page.on("pageerror", e => found.used.push(String(e)));
  await client.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder });
  await page.goto(address);
  await give(page, picture, () => !document.getElementById("result").hidden);
  found.seconds = await page.$eval("#main", e => Number(e.dataset.seconds));
  found.marked = await marked(page);
  found.mask = await saved(page, "#save-mask", "picture_mask.png");
  await page.focus("#threshold");
  for (let i = 0; i < 40; i++) await page.keyboard.press("PageUp");
  await settled(page);
  found.none = await marked(page);
  await page.click("#reset");
  await settled(page);
  found.again = await marked(page);
  found.outputs = await page.$$eval("#thumbs label", list => list.map(l => l.textContent));
  if (found.outputs.length > 1) {
    await page.focus("#thumbs input");
    await page.keyboard.press("ArrowRight");
    await settled(page);
    found.side = await page.$eval("#canvas", e => e.getAttribute("aria-label"));
  }
  await give(page, broken, () => document.getElementById("problem").textContent !== "");
  found.problem = await text(page, "#problem");
  await page.click("#example");
  await page.waitForFunction(() => document.getElementById("result-title").textContent === "made-up angiogram", { timeout: 30000 });
  await page.close();
}

(async () => {
  const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
  const found = { errors: [], used: [], requests: [], views: [] };
  try {
    await use(browser, found);
    await drop(browser, found);
    for (const [width, scheme] of [[1280, "light"], [1280, "dark"], [390, "light"]]) await look(browser, width, scheme, found);
  } finally {
    await browser.close();
  }
  console.log(JSON.stringify(found));
})().catch(e => { console.error(e); process.exit(1); });
