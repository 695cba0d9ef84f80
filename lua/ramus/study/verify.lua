--- Are the committed results true? `ramus study FILE --verify N` trains N cells again, drawn at random.
--
-- By the same build (kernels, instruction set, compiler) the hash of the weights must be the same; by another one the score must lie within the
-- spread of the row's seeds: their mean plus or minus two standard deviations.
-- verify.run(study, n, options) returns { cells, ok, interrupted }, a cell { cell, row, seed, state, text }, state being "same", "differs",
-- "within", "outside", "unknown" (one seed has no spread) or "failed"; nil and a message.
local results = require "ramus.study.results"
local runner = require "ramus.study.runner"
local C = require("ramus.base.ffi").C

local verify = {}

--- n cells with a result, drawn at random; all of them where there are fewer.
local function draw(study, known, n)
  local list = {}
  for _, c in ipairs(study.cells) do
    local line = known[c.key]
    if line and not line.failed then list[#list + 1] = c end
  end
  math.randomseed(os.time() + os.clock() * 1e6)
  for i = 1, math.min(n, #list) do
    local k = math.random(i, #list)
    list[i], list[k] = list[k], list[i]
  end
  return { unpack(list, 1, math.min(n, #list)) }
end

local function same_build(a, b)
  return a.build.kernels == b.build.kernels and a.isa == b.isa and a.blas == b.blas and a.compiler == b.compiler
end

--- Mean of a line's score over pictures.
local function mean_of(line, key, metric)
  local s = line.scores and line.scores[key]
  local sum, n = 0, 0
  for _, v in ipairs(s and s.outputs[s.protocol.output][metric] or {}) do
    if type(v) == "number" then sum, n = sum + v, n + 1 end
  end
  return n > 0 and sum / n or nil
end

--- Mean and standard deviation over the seeds of a cell's recipe.
local function spread(study, known, c, key, metric)
  local list, sum = {}, 0
  for _, other in ipairs(study.cells) do
    local line = other.hash == c.hash and known[other.key]
    local m = line and not line.failed and mean_of(line, key, metric)
    if m then list[#list + 1], sum = m, sum + m end
  end
  local mean, squares = sum / #list, 0
  for _, m in ipairs(list) do squares = squares + (m - mean) ^ 2 end
  return mean, #list > 1 and math.sqrt(squares / (#list - 1)) or nil
end

--- State and text of a cell that another build made.
local function compare_scores(study, known, c, now)
  local metric, state, texts = study.metrics[1], "within", {}
  for _, s in ipairs(c.scores) do
    local value, mean, sd = mean_of(now, s.key, metric), spread(study, known, c, s.key, metric)
    if value and sd then
      local inside = math.abs(value - mean) <= 2 * sd
      if not inside then state = "outside" end
      texts[#texts + 1] = ("%s on %s %.4f, %s the seeds' %.4f +- 2 x %.4f"):format(metric, s.label, value, inside and "within" or "outside of", mean, sd)
    elseif value then
      state = state == "within" and "unknown" or state
      texts[#texts + 1] = ("%s on %s %.4f, one seed has no spread"):format(metric, s.label, value)
    end
  end
  return state, "made by another build: " .. table.concat(texts, "; ")
end

local function compare_hashes(before, now)
  for which, hash in pairs(before.weights) do
    if now.weights[which] ~= hash then
      return "differs", ("the weights '%s' are %s.., were %s.., by the same build"):format(which, tostring(now.weights[which]):sub(1, 12), hash:sub(1, 12))
    end
  end
  return "same", "the weights are the same to the bit"
end

--- State and text of one cell. before, now: its lines.
local function judge(study, known, c, now)
  local before = known[c.key]
  if not now or now.failed then return "failed", now and now.failed or "was not run" end
  if before.data and now.data and before.data.hash ~= now.data.hash then
    return "failed", "the data set's files are others than those of the result"
  end
  if same_build(before, now) then return compare_hashes(before, now) end
  return compare_scores(study, known, c, now)
end

--- options: those of runner.run.
function verify.run(study, n, o)
  local known = runner.known(study)
  local cells = draw(study, known, n)
  if #cells == 0 then return nil, ("%s holds no result to verify"):format(study.results) end
  local place = { runs = o.runs .. "/verify", keep = o.keep, jobs = o.jobs, data_root = o.data_root, offline = o.offline, accept_odd = o.accept_odd,
    out = o.out }
  C.ra_path_remove(place.runs)
  local copy = setmetatable({ cells = cells, read = {}, results = place.runs .. "/verify.jsonl" }, { __index = study })
  local ran, err = runner.run(copy, place)
  if not ran then return nil, err end
  local again, result = results.read(copy.results), { cells = {}, ok = true, interrupted = ran.interrupted }
  for i, c in ipairs(cells) do
    local state, text = judge(study, known, c, again[c.key])
    if ran.absent[c.key] then text = ran.absent[c.key] end
    result.cells[i] = { cell = c.key, row = c.rows[1], seed = c.seed, state = state, text = text }
    result.ok = result.ok and (state == "same" or state == "within" or state == "unknown")
  end
  if not o.keep then C.ra_path_remove(place.runs) end
  return result
end

--- The result as lines.
function verify.text(result)
  local lines = {}
  for i, c in ipairs(result.cells) do lines[i] = ("%-8s %s, seed %d: %s"):format(c.state, c.row, c.seed, c.text) end
  return table.concat(lines, "\n") .. "\n"
end

return verify
