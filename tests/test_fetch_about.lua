--- Facts of data sets, how they are cited, and the command that shows them.
local about = require "ramus.data.fetch.about"
local check = require "check"
local citation = require "ramus.data.fetch.citation"
local dataset = require "ramus.data.dataset"
local fetch = require "ramus.data.fetch"
local files = require "ramus.base.files"
local folder = check.folder("about")
local served = folder .. "/served"
os.execute("mkdir -p " .. served)
local toys = require "toy_sets" (folder, served)

local function bibtex(text, more)
  local def = { name = "x", title = "X of all", citation = text, sources = { "https://example.org" } }
  for k, v in pairs(more or {}) do def[k] = v end
  return citation.bibtex(def)
end

check.case("BibTeX: articles, conferences, several works, and what is in no known form", function()
  check.equal(bibtex("A. B. van der Berg-Ruiz, C. Doe et al.: Arteries & veins: a set. J. of X 59(9):25-48, 2012. doi 10.1/a_b"), [[
@article{bergruiz2012,
  author    = {A. B. van der Berg-Ruiz and C. Doe and others},
  title     = {{Arteries \& veins: a set}},
  journal   = {J. of X},
  volume    = {59},
  number    = {9},
  pages     = {25--48},
  year      = {2012},
  doi       = {10.1/a_b},
}]])
  for venue, wanted in pairs { ["J 11, 2024"] = "volume    = {11},\n  year", ["J 11:e7, 2024"] = "pages     = {e7},\n  year",
    ["J 2013, article 5"] = "note      = {article 5},\n  year      = {2013}", ["ICCV 2021"] = "booktitle = {ICCV 2021},\n  year      = {2021}" } do
    local text = bibtex("A. Doe: T. " .. venue)
    check.ok(text:find(wanted, 1, true) and not text:find("doi", 1, true), text)
  end
  local two = bibtex("A. Doe: T. J 1, 2001. doi 10.1/a\nThis edition: B. Roe: U: V. J 2, 2002. doi 10.1/b")
  check.ok(two:find("@article{doe2001,.-\n}\n\n@article{roe2002,\n  author    = {B%. Roe},\n  title     = {{U: V}}"), two)
  for _, odd in ipairs { "see the page", "A. Doe: no venue", "Doe, 2001", "A: B. C" } do
    check.equal(bibtex(odd), ("@misc{x,\n  title     = {{X of all}},\n  howpublished = {https://example.org},\n  note      = {%s},\n}"):format(odd))
  end
  check.equal(bibtex("none needed"), nil)
  check.equal(citation.text { name = "x", title = "x" }, "no citation is stated")
end)

check.case("every known set is cited in the known form, and its facts are whole", function()
  for _, name in ipairs(dataset.names()) do
    local f = assert(about.facts(name))
    check.ok(f.title and f.licence and f.citation and f.counts and f.split_source, name)
    local text = f.bibtex or ""
    local known = text:find("@%l+{%l+%d%d%d%d,") and text:find("doi       = {10.", 1, true) and not text:find("@misc", 1, true)
    check.ok(known or name == "phantom", name .. "\n" .. text)
    check.ok(#f.here == 0 and (#f.files > 0 or name == "phantom"))
    for _, file in ipairs(f.files) do check.ok(about.CHECKS[file.check] and file.received == nil, name) end
  end
  check.equal(#about.facts("dca1_medsegbench").files, 3) -- of all sizes
  check.equal(about.facts("drive").files[1].check, "sha256")
  check.equal(about.facts("chase_db1").files[1].check, "md5")
  check.equal(about.facts("cimat80").files[1].check, "files")
  check.equal(about.facts("xcad").files[1].check, "pin")
  check.fails("unknown data set", about.facts, "nosuch")
  check.equal(about.seen { seen = false }, "no real download was seen yet")
  check.equal(about.seen {}, "no real download was seen yet")
  check.equal(about.seen { seen = "2020-01" }, "a real download was seen: 2020-01")
end)

check.case("what is in the data root, and from where", function()
  local path = toys.pack("k.tar.gz", 10)
  toys.define("k", { urls = { "file://" .. path }, login = nil })
  local root = check.folder("about_root")
  check.ok(table.concat(about.lines(assert(about.facts("k", root))), "\n"):find("here       no; ramus fetch k", 1, true))
  assert(fetch("k", { data_root = root }))
  os.execute(("mkdir -p %s/k-other && echo '{}' > %s/k-other/prepared.json"):format(root, root)) -- no set
  local f = assert(about.facts("k", root))
  check.equal(#f.here, 1)
  check.equal(f.here[1].folder, root .. "/k")
  check.equal(f.files[1].received.sha256, dataset.sha256_file(path))
  local text = table.concat(about.lines(f), "\n")
  check.ok(text:find("came here on 2", 1, true) and text:find(("here       %s/k, edition full"):format(root), 1, true), text)
end)

check.case("ramus datasets SET, --cite, --json", function()
  local binary, out, err = os.getenv("RAMUS_BIN") or (check.root .. "/build/ramus"), folder .. "/out", folder .. "/err"
  local function ramus(arguments)
    local status = os.execute(("%s datasets %s --data-root %s/none >%s 2>%s"):format(binary, arguments, folder, out, err))
    return math.floor(status / 256), files.read(out), files.read(err)
  end
  local _, text = ramus("hrf drive")
  for _, part in ipairs { "hrf: HRF: 45", "splits     usual", "terms      ", "source     https://", "no real download was seen yet",
    "sha256 a914d02cda161b7f33f25d0397c276d50e9a6cbc705e9b364a54f0adafed57e4", "training.zip cannot be fetched by a program" } do
    check.ok(text:find(part, 1, true), ("no '%s' in: %s"):format(part, text))
  end
  _, text = ramus("--cite hrf")
  check.ok(text:find("^A%. Budai.-\n\n@article{budai2013,"), text)
  local decode = require("cjson").decode
  check.equal(decode((select(2, ramus("--cite hrf --json"))))[1].bibtex:sub(1, 8), "@article")
  check.equal(decode((select(2, ramus("hrf --json"))))[1].files[1].check, "sha256")
  check.equal(decode((select(2, ramus("--json"))))[1].here, false)
  for arguments, part in pairs { ["--cite"] = "wants a data set", nosuch = "unknown data set", ["hrf --cite=x"] = "takes no value" } do
    local status, _, said = ramus(arguments)
    check.ok(status == 2 and said:find(part, 1, true), said)
  end
end)
