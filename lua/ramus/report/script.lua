--- The report's script: tabs, sliders, numbers at the pointer. Without it the page shows everything, one below the other.
return [[
"use strict";
for (const box of document.querySelectorAll("[data-tabs]")) {
  const panels = Array.from(box.querySelectorAll(":scope > [data-tab]"));
  if (panels.length < 2) continue;
  const list = document.createElement("div");
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", box.dataset.tabs);
  const tabs = panels.map((panel, i) => {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.id = panel.id + "-tab";
    tab.textContent = panel.dataset.tab;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    panel.tabIndex = 0;
    const title = panel.querySelector(":scope > h3");
    if (title) title.hidden = true;
    tab.addEventListener("click", () => select(i, false));
    list.append(tab);
    return tab;
  });
  const select = (i, focus) => {
    tabs.forEach((tab, k) => {
      tab.setAttribute("aria-selected", k === i);
      tab.tabIndex = k === i ? 0 : -1;
      panels[k].hidden = k !== i;
    });
    if (focus) tabs[i].focus();
  };
  list.addEventListener("keydown", event => {
    const now = tabs.indexOf(document.activeElement), n = tabs.length;
    const to = { ArrowRight: (now + 1) % n, ArrowLeft: (now + n - 1) % n, Home: 0, End: n - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    select(to, true);
  });
  box.prepend(list);
  select(0, false);
}
for (const figure of document.querySelectorAll("[data-slider]")) {
  const input = figure.querySelector("input"), layer = figure.querySelector(".layer"), edge = figure.querySelector(".edge");
  const move = () => {
    layer.style.clipPath = "inset(0 " + (100 - input.value) + "% 0 0)";
    edge.style.left = input.value + "%";
    edge.hidden = input.value === "0" || input.value === "100";
    input.setAttribute("aria-valuetext", "marks on the left " + input.value + " percent");
  };
  input.addEventListener("input", move);
  input.closest(".slide").hidden = false;
  move();
}
for (const plot of document.querySelectorAll(".plot")) {
  const script = plot.querySelector("script"), svg = plot.querySelector("svg");
  if (!script) continue;
  const data = JSON.parse(script.textContent);
  const cross = document.createElementNS("http://www.w3.org/2000/svg", "line");
  cross.setAttribute("class", "cross");
  cross.setAttribute("y1", data.top);
  cross.setAttribute("y2", data.bottom);
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  plot.append(tip);
  plot.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect(), x = (event.clientX - box.left) * data.width / box.width;
    let best = 0;
    data.places.forEach((p, k) => { if (Math.abs(p.x - x) < Math.abs(data.places[best].x - x)) best = k; });
    const place = data.places[best];
    cross.setAttribute("x1", place.x);
    cross.setAttribute("x2", place.x);
    if (!cross.parentNode) svg.append(cross);
    const lines = [];
    for (const l of data.lines) { // a line that has no value here shows its nearest, where that is close
      let near = -1;
      l.values.forEach((v, k) => { if (v !== "" && (near < 0 || Math.abs(data.places[k].x - place.x) < Math.abs(data.places[near].x - place.x))) near = k; });
      if (near >= 0 && Math.abs(data.places[near].x - place.x) <= 14) lines.push(l.name + "  " + l.values[near]);
    }
    tip.textContent = [data.across + " " + Number(place.at.toPrecision(4))].concat(lines).join("\n");
    tip.hidden = false;
    const right = place.x < data.width / 2;
    tip.style.left = right ? (place.x + 8) * 100 / data.width + "%" : "auto";
    tip.style.right = right ? "auto" : (data.width - place.x + 8) * 100 / data.width + "%";
  });
  plot.addEventListener("pointerleave", () => { tip.hidden = true; cross.remove(); });
}
]]
