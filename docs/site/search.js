// The search: lunr and the sections' text are loaded, as scripts since a page from a file may not fetch, when the field is first used; and on a
// narrow screen the navigation goes into the fold "Contents".
"use strict";
(() => {
  const input = document.getElementById("words"), found = document.getElementById("found");
  const list = found.querySelector("ol"), count = document.getElementById("count"), up = input.dataset.up;
  const SHOWN = 20, AROUND = 90;
  let index = null, loading = null;

  document.documentElement.classList.add("js");
  const nav = document.querySelector(".columns > nav"), fold = document.querySelector(".contents"), columns = nav.parentNode;
  const narrow = matchMedia("(max-width: 50rem)");
  const settle = () => narrow.matches ? fold.append(nav) : columns.prepend(nav);
  narrow.addEventListener("change", settle);
  settle();

  const script = name => new Promise((done, failed) => {
    const element = document.createElement("script");
    element.src = up + name;
    element.onload = done;
    element.onerror = () => failed(new Error(name + " does not load"));
    document.head.append(element);
  });

  const WORDS = /[^a-z0-9\u00c0-\uffff]+/i; // names as deep_distribution and side* are found by their parts

  function build() {
    lunr.tokenizer.separator = WORDS;
    index = lunr(function () {
      this.ref("at");
      this.field("title", { boost: 3 });
      this.field("heading", { boost: 10 });
      this.field("text");
      window.ramusSections.forEach(([, title, heading, text], at) => this.add({ at, title, heading, text }));
    });
  }

  const load = () => loading ||= script("lunr.js").then(() => script("search-text.js")).then(build);
  const stem = word => lunr.stemmer(new lunr.Token(word, {})).toString();
  const terms_of = words => words.toLowerCase().split(WORDS).filter(word => word && lunr.stopWordFilter(new lunr.Token(word, {})));

  // Every word must be there, the last one, which may not be finished, as a beginning too; else any of them.
  function look(terms) {
    if (!terms.length) return [];
    const { REQUIRED, OPTIONAL } = lunr.Query.presence, last = terms[terms.length - 1];
    const ask = (presence, beginning) => index.query(query => {
      terms.forEach(term => { if (!beginning || term !== last) query.term(stem(term), { presence, usePipeline: false }); });
      if (beginning) query.term(last, { presence, wildcard: lunr.Query.wildcard.TRAILING, usePipeline: false });
    });
    for (const [presence, beginning] of [[REQUIRED, false], [REQUIRED, true], [OPTIONAL, true]]) {
      const results = ask(presence, beginning);
      if (results.length) return results;
    }
    return [];
  }

  // The text around the first word that was asked for, all of them marked.
  function excerpt(text, terms) {
    const words = new RegExp("(?<![a-z0-9])(?:" + terms.map(stem).concat(terms).join("|") + ")[a-z0-9]*", "gi");
    const first = Math.max(0, text.search(words)), from = first < AROUND ? 0 : text.lastIndexOf(" ", first - AROUND) + 1;
    const till = text.length - from < 3 * AROUND ? text.length : text.lastIndexOf(" ", from + 3 * AROUND);
    const p = document.createElement("p"), part = text.slice(from, till);
    let at = 0;
    if (from > 0) p.append("\u2026 ");
    for (const match of part.matchAll(words)) {
      const mark = document.createElement("mark");
      mark.textContent = match[0];
      p.append(part.slice(at, match.index), mark);
      at = match.index + match[0].length;
    }
    p.append(part.slice(at), till < text.length ? " \u2026" : "");
    return p;
  }

  function show(terms) {
    const results = look(terms);
    list.replaceChildren(...results.slice(0, SHOWN).map(result => {
      const [place, title, heading, text] = window.ramusSections[result.ref];
      const item = document.createElement("li"), link = document.createElement("a"), page = document.createElement("small");
      link.href = up + place;
      link.textContent = heading;
      page.textContent = heading === title ? "" : "  in " + title;
      item.append(link, page, excerpt(text, terms));
      return item;
    }));
    count.textContent = results.length === 0 ? "Nothing found." : results.length > SHOWN ? `${results.length} sections, the best ${SHOWN}:`
      : results.length === 1 ? "1 section:" : `${results.length} sections:`;
    found.hidden = false;
  }

  async function search() {
    const words = input.value.trim();
    if (!words) { found.hidden = true; return; }
    try { await load(); } catch (error) { count.textContent = error.message; found.hidden = false; return; }
    if (input.value.trim() === words) show(terms_of(words));
  }

  input.disabled = false;
  input.addEventListener("focus", () => load().catch(() => {}), { once: true });
  input.addEventListener("input", search);
  input.form.addEventListener("submit", event => {
    event.preventDefault();
    const first = list.querySelector("a");
    if (!found.hidden && first) location.href = first.href;
  });
  list.addEventListener("click", () => { found.hidden = true; });
  document.addEventListener("keydown", event => {
    if (event.key === "/" && document.activeElement !== input) { event.preventDefault(); input.focus(); }
    if (event.key === "Escape") { found.hidden = true; input.blur(); }
  });
})();
