--- make bench: Ramus, PyTorch and ONNX Runtime in turn, in one run.
--
--   ramus run tests/bench/main.lua [--rounds N] [--only TEXT] [--no-peers]
--
-- A round starts every contender of every row anew, one after the other; figures are medians over the rounds of a process'
-- median step. PyTorch as installed, which takes up to ten times as long as at its best, takes part in every third round.
-- A run of all rows writes build/bench/results.json (one of some rows part.json) and, with all peers and 7 rounds or more,
-- the table in docs/explanation/performance.md.
package.path = (arg[0]:match("^(.*)/[^/]*$") or ".") .. "/?.lua;" .. package.path
local contenders = require "contenders"
local json = require "ramus.base.json"
local files = require "ramus.base.files"
local report = require "report"
local rows = require "rows"

local given = { rounds = 7, peers = true }
for i, a in ipairs(arg) do
  if a == "--rounds" then given.rounds = assert(tonumber(arg[i + 1]), "--rounds wants a number")
  elseif a == "--only" then given.only = assert(arg[i + 1], "--only wants a part of a row's name")
  elseif a == "--no-peers" then given.peers = false end
end

--- Rows whose id holds the text, and those that they are compared with.
local function selected()
  if not given.only then return rows end
  local wanted, list = {}, {}
  for _, row in ipairs(rows) do
    if row.id:find(given.only, 1, true) then
      wanted[row.id] = true
      if type(row.peers) == "string" then wanted[row.peers] = true end
      if row.ours then wanted[row.ours] = true end
    end
  end
  for _, row in ipairs(rows) do if wanted[row.id] then list[#list + 1] = row end end
  return list
end

-- ---- measuring ----------------------------------------------------------------------

--- Figures of a row by contender: lists of ms, one a round, and the peak memory.
local measured, failures = {}, {}

local function note(row, who, result, why)
  if not result then
    failures[#failures + 1] = ("%s, %s: %s"):format(row.id, who, why)
    return
  end
  local of_row = measured[row.id] or {}
  measured[row.id] = of_row
  of_row[who] = of_row[who] or { ms = {}, memory_mb = {} }
  table.insert(of_row[who].ms, result.ms)
  table.insert(of_row[who].memory_mb, result.memory_mb)
end

local STEPS = 7 -- that a process times; peers stop after three seconds
local LAYOUTS = { "nchw", "channels_last" }

--- Both layouts in the first two rounds, then the faster one.
local function layouts_of(row, round)
  if round <= 2 then return LAYOUTS end
  local m = measured[row.id]
  local a, b = m.nchw and report.median(m.nchw.ms), m.channels_last and report.median(m.channels_last.ms)
  return { (not b or (a and a <= b)) and "nchw" or "channels_last" }
end

local function measure(row, round, have)
  note(row, "ramus", contenders.ramus(row, row.steps or STEPS))
  for _, peer in ipairs(type(row.peers) == "table" and row.peers or {}) do
    if peer == "torch" and have.torch then
      if round % 3 == 1 then note(row, "torch_installed", contenders.torch_installed(row, 1)) end
      for _, layout in ipairs(layouts_of(row, round)) do note(row, layout, contenders.torch_kept(row, STEPS, layout)) end
    elseif peer == "onnx" and have.onnx then
      note(row, "onnx", contenders.onnx(row, STEPS))
    end
  end
end

local COMMANDS = { start = contenders.start, predict = contenders.predict, overhead = contenders.overhead }

local list = selected()
local have, skipped = contenders.prepare(given.peers and { torch = true, onnx = true } or {})
for _, line in ipairs(skipped) do print(line) end
local commands = {}
local root = (arg[0]:match("^(.*)/[^/]*$") or ".") .. "/../.."
local whole = not given.only

--- What is known after `rounds`, kept in a file at once: a run that is stopped loses nothing.
local function keep(rounds)
  local result = report.result(list, measured, commands, { rounds = rounds, versions = have })
  assert(files.write(root .. "/build/bench/" .. (whole and "results" or "part") .. ".json", json.encode(result, 6) .. "\n"))
  return result
end

local result
for round = 1, given.rounds do
  for _, row in ipairs(list) do measure(row, round, have) end
  for name, run in pairs(COMMANDS) do
    if whole or name:find(given.only, 1, true) then
      local value, why = run()
      commands[name] = commands[name] or {}
      if value then table.insert(commands[name], value) else failures[#failures + 1] = why end
    end
  end
  result = keep(round)
  io.stderr:write(("round %d of %d\n"):format(round, given.rounds))
end

-- ---- telling ---------------------------------------------------------------------------

print(report.text(result))
for _, text in ipairs(failures) do print("failed: " .. text) end
if whole and given.rounds >= 7 and have.torch and have.onnx and #failures == 0 then
  assert(report.write_docs(root .. "/docs/explanation/performance.md", result))
end
os.exit(#failures == 0 and 0 or 1)
