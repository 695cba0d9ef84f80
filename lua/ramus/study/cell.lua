--- One cell of a study, a recipe with a seed: trained in a run folder, scored on every set that is asked for, written as a line of results.
--
-- cell.run(study, cell, options): what `ramus study FILE --cell KEY` does, in a process of its own. Returns "done", "failed" (a line says why)
-- or "interrupted" (the run is saved, the same call goes on); nil and a message where no line could be written.
-- A line: { cell, recipe (hash), study, row, seed, build, isa, compiler, processor, threads, data, weights (hashes), scores, curve, cost } or,
-- of a cell that failed, failed = message.
local always = require "ramus.base.always"
local cjson = require "cjson"
local checkpoint = require "ramus.train.checkpoint"
local curve = require "ramus.study.curve"
local evaluate = require "ramus.train.evaluate"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local groups = require "ramus.data.metrics.groups"
local metrics = require "ramus.data.metrics"
local process = require "ramus.base.process"
local results = require "ramus.study.results"
local run_folder = require "ramus.train.run"
local signs = require "ramus.study.signs"
local scored_set = require "ramus.train.evaluate.scored_set"
local train = require "ramus.train.trainer"
local C = ffi.C

local cell = {}

--- Seconds to wait for a process that still holds a cell, as one that was told to end.
local PATIENCE = 60

-- ---- scores ---------------------------------------------------------------------------

--- A number for JSON, which has none for what is not one.
local function number(v) return v and v == v and math.abs(v) ~= math.huge and v or nil end

--- A score of every picture; null where one has none.
local function column(list, name)
  local values = {}
  for i, m in ipairs(list) do values[i] = number(m[name]) or cjson.null end
  return values
end

--- Dice per picture of each class, by its name.
local function class_columns(list, classes)
  local by_name = {}
  for k, c in ipairs(classes or {}) do
    by_name[c] = {}
    for i, m in ipairs(list) do by_name[c][i] = number(m.of[k - 1].dice) or cjson.null end
  end
  return next(by_name) and by_name or nil
end

--- The scores of signs.lua of every picture; of classes there are none.
local function sign_columns(found, count)
  local by_name = {}
  for _, name in ipairs(signs.names) do
    by_name[name] = {}
    for i = 1, count do by_name[name][i] = number((found[i] or {})[name]) or cjson.null end
  end
  return by_name
end

--- An evaluation for a line: ids, every score of the main output, Dice of the others, protocol.
local function plain_scores(result, found)
  local p, ids, main, outputs = result.protocol, {}, {}, {}
  for i, m in ipairs(result.images) do ids[i] = m.id end
  for _, name in ipairs(metrics.keys) do main[name] = column(result.images, name) end
  for name, list in pairs(sign_columns(found, #ids)) do main[name] = list end
  for name, list in pairs(result.lists) do
    if name ~= p.output then outputs[name] = { dice = column(list, "dice") } end
  end
  outputs[p.output] = main
  local protocol = {}
  for k, v in pairs(p) do
    if type(v) ~= "number" or v == v then protocol[k] = v end
  end
  protocol.kernels, protocol.model, protocol.interval = nil, nil, nil
  local of_pictures = groups.of(result.images, function(m) return m.group end)
  return { pictures = ids, groups = of_pictures, outputs = outputs, protocol = protocol, classes = class_columns(result.images, p.classes) }
end

--- Scores a trained run on everything that the cell is asked for. Returns scores by key and hashes of the weights; nil and a message.
local function score_all(c, folder, o)
  local scores, hashes, models = {}, {}, {}
  for _, s in ipairs(c.scores) do
    local path = run_folder.path_of(folder, s.weights)
    local err
    if not models[s.weights] then
      models[s.weights], err = checkpoint.load_model(path)
      if not models[s.weights] then return nil, err end
      hashes[s.weights], err = checkpoint.hash(path)
      if not hashes[s.weights] then return nil, err end
    end
    local found, result = {}
    result, err = evaluate.of_facts(models[s.weights], s.facts, { threshold = s.threshold, tune = s.tune, data_root = o.data_root, offline = o.offline,
      accept_odd = o.accept_odd, each = function(_, p, truth, native, seen, threshold)
        found[#found + 1] = p.rank == 2 and signs.of(p, truth, native.image, seen, threshold) or {}
      end })
    if not result then return nil, ("%s: %s"):format(s.label, err) end
    scores[s.key] = plain_scores(result, found)
  end
  return scores, hashes
end

-- ---- the line ---------------------------------------------------------------------------

--- What made a result.
function cell.made_by()
  return { build = checkpoint.build(), isa = ffi.string(C.ra_isa()), compiler = ffi.string(C.ra_compiler()), processor = process.processor() }
end

local function new_line(study, c)
  local line = cell.made_by()
  line.cell, line.recipe, line.study, line.row, line.seed, line.threads = c.key, c.hash, study.name, c.rows[1], c.seed, C.ra_threads()
  return line
end

--- Seconds, and seconds of all threads, of the epochs that were trained, and how many optimizer steps that were.
local function training_cost(folder, history)
  local cost = { seconds = 0, cpu_seconds = 0, steps = 0 }
  for _, t in ipairs(run_folder.read(folder):timing()) do
    cost.seconds, cost.cpu_seconds = cost.seconds + t.seconds, cost.cpu_seconds + (t.cpu_seconds or 0)
  end
  for _, h in ipairs(history) do cost.steps = cost.steps + h.steps end
  return cost
end

--- The scores of an earlier line that nobody asks for now, where they are of the same weights.
local function keep_earlier(line, earlier)
  for _, which in ipairs { "last", "best" } do
    if line.weights[which] ~= (earlier.weights or {})[which] then return end
  end
  for name, s in pairs(earlier.scores or {}) do line.scores[name] = line.scores[name] or s end
end

local function finished_line(study, c, trained, o)
  local line = new_line(study, c)
  line.curve = curve.of(trained.history)
  line.cost = training_cost(trained.run, trained.history)
  local began, cpu = C.ra_clock(), os.clock()
  local scores, hashes = score_all(c, trained.run, o)
  if not scores then return nil, hashes end
  line.scores, line.weights, line.blas = scores, hashes, trained.model:blas()
  line.cost.scoring_seconds, line.cost.scoring_cpu_seconds = C.ra_clock() - began, os.clock() - cpu
  line.cost.peak_mb, line.cost.parameters = process.peak_memory(), trained.model:count()
  local kept = checkpoint.open(run_folder.path_of(trained.run, "last"))
  line.data = kept and checkpoint.decode(kept.meta["ramus.data"] or "null", "ramus.data") or nil
  return line
end

-- ---- running ----------------------------------------------------------------------------

--- Names of what a line lacks: scores, and metrics that a table asks for.
function cell.lacking(study, c, line)
  local list = {}
  for _, s in ipairs(c.scores) do
    local kept = line.scores and line.scores[s.key]
    if not kept then list[#list + 1] = s.key end
    for _, name in ipairs(kept and study.all_metrics or {}) do
      if not kept.outputs[kept.protocol.output][name] then list[#list + 1] = ("%s of %s"):format(name, s.key) end
    end
  end
  return list
end

--- The folder of a cell's run, and the file with what its process printed.
function cell.place(runs, key) return runs .. "/" .. key, ("%s/%s.txt"):format(runs, key) end

--- What says that a run is no longer needed once its line is written: without it a run was kept on purpose (--keep).
local DONE = ".done"

--- Removes the run of a cell whose line was written, where its process was killed before it did so.
function cell.clear(runs, key)
  local folder, log = cell.place(runs, key)
  if not files.is_file(folder .. "/" .. DONE) then return end
  C.ra_path_remove(folder)
  C.ra_path_remove(log)
end

--- The lock of a cell, waited for; nil and a message.
local function lock(path)
  local till = C.ra_clock() + PATIENCE
  while true do
    local release, err = files.lock(path)
    if release or C.ra_clock() > till then return release, err end
    C.ra_sleep(0.2)
  end
end

local function write(study, line, earlier)
  if earlier and line.weights then keep_earlier(line, earlier) end
  return results.append(study.results, line)
end

--- Removes a run that this build did not begin, or that began with other pictures: a result is that of one build and one set.
local function remove_foreign(folder)
  local last = run_folder.path_of(folder, "last")
  if not files.is_file(last) then return end
  local file = checkpoint.open(last)
  local build = file and checkpoint.decode(file.meta["ramus.build"] or "null", "ramus.build")
  local state = file and checkpoint.decode(file.meta["ramus.state"] or "null", "ramus.state")
  local ours = type(build) == "table" and build.kernels == checkpoint.build().kernels and type(state) == "table" and state.isa == ffi.string(C.ra_isa())
    and (state.blas == nil or state.blas == ffi.string(C.ra_blas()))
  if not ours then C.ra_path_remove(folder) end
end

--- What the trainer says of a run that cannot go on as it began.
local OTHERS = { "those that this run began with", "was made by another recipe" }

--- Trains in the folder, from where an earlier attempt stopped if that is possible.
local function train_in(c, folder, o)
  remove_foreign(folder)
  local given = { run = folder, quiet = o.quiet, evaluate = false, data_root = o.data_root, offline = o.offline, accept_odd = o.accept_odd }
  local trained, err, kind = train(c.recipe, given)
  for _, text in ipairs(OTHERS) do
    if not trained and not kind and tostring(err):find(text, 1, true) then
      C.ra_path_remove(folder)
      return train(c.recipe, given)
    end
  end
  return trained, err, kind
end

--- A message where a set that the cell is scored on cannot be opened, or lacks the split, else nil.
local function unscorable(c, o)
  for _, s in ipairs(c.scores) do
    local ok, err = scored_set.check(s.facts, o)
    if not ok then return ("%s: %s"):format(s.label, err) end
  end
end

--- Trains and scores; the line of it, or nil and "interrupted".
local function work(study, c, folder, o)
  local trained, kind
  local err = unscorable(c, o)
  if not err then trained, err, kind = train_in(c, folder, o) end
  if kind == "interrupted" then return nil, "interrupted" end
  local line
  if trained then line, err = finished_line(study, c, trained, o) end
  if line then return line end
  line = new_line(study, c)
  line.failed, line.diverged = tostring(err), tostring(err):find("is not finite", 1, true) and true or nil
  return line
end

--- options: runs (folder), keep, data_root, offline, accept_odd, quiet.
function cell.run(study, c, o)
  local folder = cell.place(o.runs, c.key)
  local ok, err = files.make_folder(o.runs)
  if not ok then return nil, err end
  local release
  release, err = lock(folder .. ".lock")
  if not release then return nil, err end
  return always(function()
    local line, why = work(study, c, folder, o)
    if not line then return why end
    local passing = not line.failed and not o.keep
    C.ra_path_remove(folder .. "/" .. DONE)
    if passing then ok, err = files.write(folder .. "/" .. DONE, "") end
    if not ok then return nil, err end
    ok, err = write(study, line, results.read(study.results)[c.key])
    if not ok then return nil, err end
    if passing then C.ra_path_remove(folder) end
    return line.failed and "failed" or "done", line.failed
  end, release)
end

return cell
