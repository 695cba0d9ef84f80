--- The page's script: takes a picture, sends it to this server, shows what comes back. Threshold, views and files are made here, from the very
-- numbers that the model gave, so that a mask that is saved is the one that ramus predict writes.
return [[
"use strict";
const $ = id => document.getElementById(id);
const main = $("main"), canvas = $("canvas"), MODELS = Number(main.dataset.threshold), MOST = Number(main.dataset.most), FOUND = [230, 158, 0];
const base = location.pathname.replace(/\/?$/, "/"), classes = Array.from(document.querySelectorAll("[data-class]"));
const colours = classes.map(li => li.dataset.rgb.split(",").map(Number));
let shown = null, running = null, threshold = MODELS, waiting = false;

// ---- what comes back ----

function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const r = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const area = r.width * r.height;
  let at = 4 + length;
  const part = (Type, n) => {
    const array = new Type(buffer, at, n);
    at += Math.ceil(array.byteLength / 4) * 4;
    return array;
  };
  r.picture = part(Uint8Array, area * r.channels);
  if (main.dataset.classes) r.labels = part(Uint8Array, area);
  else r.outputs = [{ name: r.main, values: part(Float32Array, area), most: 1 }];
  for (const name of r.levels) r.outputs.push({ name, values: part(Uint8Array, area), most: 255 });
  return r;
}

// The picture as the canvas wants it.
function opaque(r) {
  const area = r.width * r.height, out = new Uint8ClampedArray(4 * area).fill(255), c = r.channels;
  for (let i = 0; i < area; i++) for (let k = 0; k < 3; k++) out[4 * i + k] = r.picture[c * i + (c > 1 ? k : 0)];
  return out;
}

// ---- drawing ----

const percent = share => (100 * share).toFixed(share < 0.1 ? 2 : 1) + " %";

function draw() {
  waiting = false;
  const r = shown, area = r.width * r.height, out = r.image.data, strength = Number($("strength").value) / 100;
  const kind = (document.querySelector("[name=kind]:checked") || {}).value;
  let count = 0;
  out.set(r.base);
  if (r.labels) {
    for (let i = 0; i < area; i++) if (r.labels[i] > 0) blend(out, i, colours[r.labels[i] - 1], strength, count++);
  } else {
    const o = r.outputs[r.chosen], least = threshold * o.most, values = o.values, scale = 255 / o.most;
    for (let i = 0; i < area; i++) {
      const found = values[i] >= least;
      if (found) count++;
      if (kind === "probability") out[4 * i] = out[4 * i + 1] = out[4 * i + 2] = values[i] * scale;
      else if (found) blend(out, i, FOUND, strength);
    }
  }
  canvas.getContext("2d").putImageData(r.image, 0, 0);
  say(r, count / area, kind);
}

function blend(out, i, colour, strength) {
  for (let k = 0; k < 3; k++) out[4 * i + k] += strength * (colour[k] - out[4 * i + k]);
}

function say(r, share, kind) {
  const value = String(Number(threshold.toFixed(3))), own = threshold === MODELS, output = r.outputs ? r.outputs[r.chosen].name : "";
  $("share").replaceChildren(Object.assign(document.createElement("b"), { textContent: percent(share) }), "of the picture's pixels are marked");
  $("strength-value").textContent = $("strength").value + " %";
  $("strength").setAttribute("aria-valuetext", $("strength").value + " percent");
  if (r.outputs) {
    $("threshold-value").textContent = value;
    $("threshold").setAttribute("aria-valuetext", value + (own ? ", the model's" : "") + ", " + percent(share) + " marked");
    $("reset").disabled = own;
  }
  canvas.setAttribute("aria-label", (kind === "probability" ? "Probability of " : "Marks on ") + r.name + (r.outputs ? ", output " + output + ", threshold " +
    value : "") + ": " + percent(share) + " of the pixels are marked");
}

function redraw() {
  if (!shown || waiting) return;
  waiting = true;
  requestAnimationFrame(draw);
}

function thumbs(r) {
  const list = r.outputs || [];
  $("outputs").hidden = list.length < 2;
  $("thumbs").replaceChildren(...list.map((o, k) => {
    const label = document.createElement("label"), radio = document.createElement("input"), small = document.createElement("canvas");
    const side = Math.min(1, 160 / Math.max(r.width, r.height)), w = Math.max(1, Math.round(r.width * side)), h = Math.max(1, Math.round(r.height * side));
    const pixels = new ImageData(w, h);
    for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
      let most = 0; // of the block: thin vessels stay
      for (let j = Math.floor(y / side); j < Math.min(r.height, (y + 1) / side); j++)
        for (let i = Math.floor(x / side); i < Math.min(r.width, (x + 1) / side); i++) most = Math.max(most, o.values[j * r.width + i]);
      pixels.data.set([255 * most / o.most, 255 * most / o.most, 255 * most / o.most, 255], 4 * (y * w + x));
    }
    Object.assign(small, { width: w, height: h }).getContext("2d").putImageData(pixels, 0, 0);
    small.setAttribute("aria-hidden", "true");
    Object.assign(radio, { type: "radio", name: "output", value: k, checked: k === r.chosen });
    radio.addEventListener("change", () => { shown.chosen = k; redraw(); });
    label.className = "thumb";
    label.append(radio, small, Object.assign(document.createElement("span"), { textContent: o.name }));
    return label;
  }));
}

function show(r, began) {
  const again = shown && shown.name === r.name && shown.chosen < (r.outputs || []).length;
  Object.assign(r, { base: opaque(r), image: new ImageData(r.width, r.height), chosen: again ? shown.chosen : 0 });
  shown = r;
  Object.assign(canvas, { width: r.width, height: r.height });
  $("result").hidden = false;
  $("drop").classList.add("small");
  $("result-title").textContent = r.name;
  $("notes").replaceChildren(...r.notes.map(text => Object.assign(document.createElement("li"), { textContent: text })));
  $("film").hidden = r.frames < 2;
  Object.assign($("frame"), { max: r.frames - 1, value: r.frame });
  $("frames").textContent = "of 0 to " + (r.frames - 1) + (r.asked === undefined && r.frames > 1 ? "; chosen for the most contrast agent" : "");
  classes.forEach((li, k) => {
    li.querySelector(".key").style.background = "rgb(" + colours[k] + ")";
    li.querySelector("small").textContent = percent(r.shares[k + 1]);
  });
  thumbs(r);
  draw();
  const seconds = (performance.now() - began) / 1000;
  status(r.width + " x " + r.height + " pixels, done in " + seconds.toFixed(2) + " s.");
  main.dataset.seconds = seconds;
}

// ---- sending ----

function status(text, busy) {
  $("status").textContent = text;
  $("status").className = busy ? "busy" : "";
}

function problem(text) {
  status("");
  $("problem").textContent = text;
}

async function ask(where, body, name, headers, more) {
  if (running) running.abort();
  const own = running = new AbortController(), began = performance.now();
  $("problem").textContent = "";
  status("Looking at " + name + " ...", true);
  try {
    const answer = await fetch(base + where, { method: "POST", body, headers, signal: own.signal, referrerPolicy: "no-referrer" });
    const type = answer.headers.get("Content-Type") || "";
    if (!answer.ok) return problem(name + ": " + (type.startsWith("application/json") ? (await answer.json()).error : (await answer.text()).trim()));
    const r = unpack(await answer.arrayBuffer());
    show(Object.assign(r, { name }, more), began);
  } catch (e) {
    if (e.name === "AbortError") return;
    problem(e instanceof TypeError ? "Ramus does not answer any more. Was it ended? Start ramus serve again and open the address that it prints." :
      name + ": " + e.message);
  } finally {
    if (running === own) running = null;
  }
}

function send(file, frame) {
  if (file.size > MOST) {
    problem(file.name + " has " + (file.size / 2 ** 20).toFixed(1) + " MB; at most " + MOST / 2 ** 20 +
      " MB are taken here, ramus predict takes larger files.");
    return;
  }
  ask("predict", file, file.name, frame === undefined ? {} : { "Ramus-Frame": String(frame) }, { file, asked: frame });
}

function sendFirst(list) {
  if (list && list.length > 0) send(list[0]);
  if (list && list.length > 1) status("Several files came; the first is looked at ...", true);
}

// ---- saving: PNG with the numbers as they are ----

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});

function chunk(kind, data) {
  const out = new Uint8Array(12 + data.length), view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  out.set(new TextEncoder().encode(kind), 4);
  out.set(data, 8);
  let sum = 0xffffffff;
  for (let i = 4; i < 8 + data.length; i++) sum = TABLE[(sum ^ out[i]) & 255] ^ (sum >>> 8);
  view.setUint32(8 + data.length, (sum ^ 0xffffffff) >>> 0);
  return out;
}

// 8 bits a pixel, grey, or entries of a palette (bytes red, green, blue, ..).
async function png(width, height, bytes, palette) {
  const rows = new Uint8Array((width + 1) * height), head = new Uint8Array(13), view = new DataView(head.buffer);
  for (let y = 0; y < height; y++) rows.set(bytes.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head.set([8, palette ? 3 : 0], 8);
  const packed = new Response(new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate")));
  const data = new Uint8Array(await packed.arrayBuffer());
  return new Blob([new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]), chunk("IHDR", head), ...(palette ? [chunk("PLTE", palette)] : []), chunk("IDAT", data),
    chunk("IEND", new Uint8Array(0))], { type: "image/png" });
}

function save(blob, ending) {
  const link = document.createElement("a"), frame = shown.frames > 1 ? "_frame" + String(shown.frame).padStart(3, "0") : "";
  link.href = URL.createObjectURL(blob);
  link.download = shown.name.replace(/(.)\.[^.]*$/, "$1") + frame + ending;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

async function saveMask() {
  const r = shown;
  if (r.labels) return save(await png(r.width, r.height, r.labels, Uint8Array.from([[0, 0, 0], ...colours].flat())), "_labels.png");
  const o = r.outputs[r.chosen], least = threshold * o.most;
  save(await png(r.width, r.height, Uint8Array.from(o.values, v => v >= least ? 255 : 0)), (r.chosen > 0 ? "_" + o.name : "") + "_mask.png");
}

// ---- what is pressed, moved and dropped ----

$("file").addEventListener("change", event => sendFirst(event.target.files));
$("file").addEventListener("click", event => { event.target.value = ""; }); // the same file again is a change
$("example").addEventListener("click", () => ask("example", "", "made-up angiogram", {}, {}));
$("strength").addEventListener("input", redraw);
$("save-mask").addEventListener("click", saveMask);
$("save-overlay").addEventListener("click", () => canvas.toBlob(blob => save(blob, "_overlay.png")));
$("frame").addEventListener("change", event => { if (shown && shown.file && event.target.validity.valid) send(shown.file, Number(event.target.value)); });
for (const radio of document.querySelectorAll("[name=kind]")) radio.addEventListener("change", redraw);
if ($("threshold")) {
  const place = () => { $("threshold").value = Math.round(1000 * threshold); };
  $("threshold").addEventListener("input", event => { threshold = Number(event.target.value) / 1000; redraw(); });
  $("reset").addEventListener("click", () => { threshold = MODELS; place(); redraw(); $("threshold").focus(); });
  place();
}
let dragging = 0; // the timer of a file that is dragged over the page: it says so several times a second, and no end of it is sure to be told
const dark = () => { clearTimeout(dragging); $("drop").classList.remove("over"); };
const lit = event => { event.preventDefault(); clearTimeout(dragging); dragging = setTimeout(dark, 700); $("drop").classList.add("over"); };
addEventListener("dragenter", lit);
addEventListener("dragover", lit);
addEventListener("dragleave", event => { if (!event.relatedTarget) dark(); }); // out of the window, or given up
addEventListener("drop", event => { event.preventDefault(); dark(); sendFirst(event.dataTransfer.files); });
addEventListener("paste", event => sendFirst(event.clipboardData.files));
]]
