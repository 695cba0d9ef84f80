--- make bench: medians, ratios and verdicts from known figures, the table in the page, and a run of a part without peers.
local check = require "check"
local files = require "ramus.base.files"
local json = require "cjson"
local processes = require "processes"
package.path = check.root .. "/tests/bench/?.lua;" .. package.path
local report = require "report"
local rows = require "rows"

local function figures(...) return { ms = { ... }, memory_mb = { 100 } } end

--- Results of all rows: ours in proportion to pixels and batch, peers as given.
local function result(installed, nchw, channels_last, onnx)
  local measured = {}
  for _, row in ipairs(rows) do
    local ms = row.batch * row.size * row.size / 1000 * (row.env == "RAMUS_THREADS=1" and 1.8 or 1)
    measured[row.id] = { ramus = figures(ms, 5 * ms, 0.9 * ms) }
    if type(row.peers) == "table" then
      measured[row.id].torch_installed, measured[row.id].nchw = figures(installed * ms), figures(nchw * ms, 3 * nchw * ms)
      measured[row.id].channels_last, measured[row.id].onnx = figures(channels_last * ms), figures(onnx * ms)
    end
  end
  measured["train-32-4x256"].nchw.memory_mb = { 400 }
  measured["train-32-4x256"].torch_installed.memory_mb = { 300 }
  measured["train-32-4x256"].channels_last.memory_mb = { 500 }
  return report.result(rows, measured, { start = { 7, 5, 9 }, predict = { 200 } }, { rounds = 3, versions = { torch = "1", onnx = "2" } })
end

check.case("bench: medians, the better layout, ratios and verdicts", function()
  check.equal(report.median { 5, 1, 3 }, 3)
  check.equal(report.median { 4, 1 }, 2.5)
  local r = result(9, 4, 5, 2.6)
  local by_id = {}
  for _, row in ipairs(r.rows) do by_id[row.id] = row end
  local train, infer = by_id["train-16-4x256"], by_id["infer-32-1x256"]
  check.near(train.ratio_torch, 1 / 5, 1e-9, "channels_last is the better: the median of NCHW is 8")
  check.equal(train.verdict_torch, "aim")
  check.near(infer.ratio_onnx, 1 / 2.6, 1e-9)
  check.equal(infer.verdict_onnx, "must")
  check.equal(result(9, 2, 2, 1.5).rows[1].verdict_torch, "missed")
  check.near(by_id["avx2-16-4x256"].ratio_torch, 1 / 5, 1e-9, "the peers of another row")
  for _, name in ipairs(require("ramus.lang.models").names()) do
    local net = by_id[("net-%s-4x256"):format(name)]
    check.ok(name == "unet" or net and net.model == name and net.verdict_torch == "must", name .. " has a row")
  end
end)

check.case("bench: threads, memory, slopes and commands are held to their bounds", function()
  local found = {}
  for _, c in ipairs(result(9, 4, 5, 2.6).checks) do found[#found + 1] = ("%s = %s %s"):format(c.text, c.format:format(c.value), c.verdict) end
  local text = table.concat(found, "\n")
  for _, part in ipairs { "training step, width 32, 4x256x256 = 1.80 x must", "at the least = 0.33 x must", "log pixels, training step, width 16 = 1.000 must",
    "log batch, training step, width 16 = 1.000 must", "from start to exit = 7.0 ms aim", "the whole command = 200 ms missed" } do
    check.ok(text:find(part, 1, true), ("wanted '%s' in\n%s"):format(part, text))
  end
end)

check.case("bench: the table goes between its marks, and nowhere else", function()
  local page = check.folder("bench") .. "/page.md"
  assert(files.write(page, "before\n<!-- make bench writes from here -->\nold\n<!-- to here -->\nafter\n"))
  assert(report.write_docs(page, result(9, 4, 5, 2.6)))
  local text = files.read(page)
  check.ok(text:find("^before\n") and text:find("\nafter\n$") and not text:find("\nold\n"), text)
  check.ok(text:find("| training step, width 16, 4x256x256 | 262.1 |", 1, true) and text:find("**0.20** (0.25: yes, and the aim)", 1, true), text)
  assert(files.write(page, "no marks\n"))
  local ok, err = report.write_docs(page, result(9, 4, 5, 2.6))
  check.ok(not ok and err:find("marks", 1, true), tostring(err))
  check.equal(files.read(page), "no marks\n")
end)

check.case("bench: a part without peers", function()
  if os.getenv "RAMUS_SANITIZED" then check.skip("it starts the release build") end
  local said, status = processes.sh(("cd %s && build/ramus run tests/bench/main.lua --no-peers --rounds 2 --only start"):format(check.root))
  check.equal(status, 0, said)
  check.ok(said:find("from start to exit", 1, true) and said:find("round 2 of 2", 1, true), said)
  local saved = json.decode(files.read(check.root .. "/build/bench/part.json"))
  check.ok(#saved.rows == 0 and #saved.checks == 1 and saved.checks[1].value > 0 and saved.machine.peak_gflops > 0, "part.json")
end)
