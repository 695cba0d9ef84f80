--- Scores of a model on a data set: ra.evaluate(run folder, model's file or model, options).
--
-- options: data ("SET:SPLIT"; the run's test split), options and reading (of the set that data names), recipe (a file: of runs of format 1),
-- threshold (the run's), tune (choose the threshold on the validation split, else the training split), levels (true: every output, not only the main
-- one), tile, memory, flips, with, low, smallest (way.lua: how the mask is made), data_root, offline, pictures (how many overlays to write into
-- `folder`), folder, quiet. Returns a table { per_image, pooled, n, outputs = { side1 = ... }, observers = [opt] rows, images, protocol } or nil and
-- a message. Images that were resized are scored at their own size.
local ffi = require "ramus.base.ffi"
local checkpoint = require "ramus.train.checkpoint"
local class_image = require "ramus.data.image.class_image"
local class_scores = require "ramus.data.metrics.class_scores"
local data = require "ramus.data.sets"
local fields = require "ramus.data.fields"
local files = require "ramus.base.files"
local groups = require "ramus.data.metrics.groups"
local image = require "ramus.data.image"
local metrics = require "ramus.data.metrics"
local mistake = require "ramus.base.mistake"
local millimetres = require "ramus.train.evaluate.millimetres"
local model_module = require "ramus.lang.model"
local observer_rows = require "ramus.train.evaluate.observer_rows"
local observers = require "ramus.data.observers"
local notes = require "ramus.data.notes"
local options = require "ramus.base.options"
local outputs_module = require "ramus.train.predict.outputs"
local scale = require "ramus.data.scale"
local scored_set = require "ramus.train.evaluate.scored_set"
local score_text = require "ramus.train.evaluate.score_text"
local reading = require "ramus.data.reading"
local registry = require "ramus.data.registry"
local run = require "ramus.train.run"
local tiles = require "ramus.train.predict.tiles"
local way = require "ramus.train.predict.way"
local witness = require "ramus.train.witness"
local F = require "ramus.lang.F"

local evaluate = {}

local schema = {
  data = { type = "string", help = "SET or SET:SPLIT" },
  options = { type = "table", help = "options of the set that data names" },
  reading = { type = "table", help = "how its masks and images are read: threshold, values, range, .." },
  recipe = { type = "string", help = "the recipe's file, for a run of format 1" },
  threshold = { type = "number", min = 0, max = 1, help = "threshold of the probability; that of the run's validation unless given" },
  tune = { type = "boolean", default = false, help = "choice of the threshold on the validation (else training) split" },
  scores = { type = "boolean", default = true, help = "false: only calls `each`, with the predictions; nothing is scored, the result is true" },
  levels = { type = "boolean", default = true }, data_root = { type = "string" }, offline = { type = "boolean" },
  accept_odd = { type = "boolean", help = "true to read masks of another kind than the rest of the set by themselves" },
  each = { type = "function", help = "called for every image: (sample, probability, truth, fields at the size of their files, seen pixels, threshold, "
    .. "probabilities by output)" },
  opened = { type = "table", help = "what is opened goes in here, for a further model on the same data" },
  only = { type = "table", help = "ids of the images that are scored; all unless given" },
  limit = { type = "integer", min = 1, help = "first so many images only, to time it" },
  pictures = { type = "integer", min = 0, default = 0 }, folder = { type = "string" }, out = { type = "table" },
}

for name, entry in pairs(way.schema) do schema[name] = entry end

--- Probability [H,W] of [1,1,h,w], or probabilities [K,H,W] of [1,K,h,w], brought to H x W where images were resized.
local function native(p, H, W)
  local K = p.dim[1]
  if K == 1 then p = p:reshape(p.dim[2], p.dim[3]) else p = p:reshape(K, p.dim[2], p.dim[3]) end
  if p.dim[p.rank - 2] == H and p.dim[p.rank - 1] == W then return p end
  return (image.resize(p, { H, W, method = "bilinear" }))
end

--- Which pixels of a sample count: those in the field of view that are not void.
local function seen_of(one)
  local H, W = one.native.mask.dim[2], one.native.mask.dim[3]
  local seen = one.native.fov:reshape(H, W)
  return one.native.valid and F.mul(seen, one.native.valid:reshape(H, W)) or seen
end

--- Scores of probabilities p against a sample's truth: of classes where p has several channels. w: the way to the mask.
local function score_output(p, one, threshold, list, w)
  local H, W, seen = one.native.mask.dim[2], one.native.mask.dim[3], seen_of(one)
  if p.rank == 3 then return class_scores.of(p, one.native.label:reshape(H, W), seen, list) end
  return metrics(p, one.native.mask:reshape(H, W), { threshold = threshold, fov = seen, decided = w:decides() and w:mask(p, threshold) or nil })
end

--- Scores one sample for every output and appends to lists. Calls each(sample, probability, truth, one) for the main one. Returns true, or nil
-- and a message.
local function score_one(model, sample, one, lists, threshold, given, each)
  local truth, outputs = one.native.mask, {}
  if not truth then return nil, ("image %s has no mask to score against"):format(sample.id) end
  local H, W = truth.dim[2], truth.dim[3]
  for name in pairs(lists) do outputs[#outputs + 1] = name end
  table.sort(outputs)
  local result, err = given.way:probabilities(one.fields.image, outputs, {})
  if not result then return nil, err end
  local by_output = {}
  for _, name in ipairs(outputs) do
    local p = native(result[name], H, W)
    if given.scores then
      local m = score_output(p, one, threshold, checkpoint.classes(model), given.way)
      m.id, m.group = sample.id, sample.group
      table.insert(lists[name], m)
    end
    by_output[name] = p
  end
  local p = by_output[model.output.main]
  if p and each then each(sample, p, (p.rank == 3 and one.native.label or truth):reshape(H, W), one, by_output) end
  return true
end

--- Scores every sample at its own size; outputs: names. given: prepare, fields (of the set), also (names of further fields to
-- read), way, out. Returns lists of scores by output.
local function score(model, samples, given, outputs, threshold, each)
  local lists, names = {}, data.scored_fields(given.fields, checkpoint.classes(model))
  for _, name in ipairs(outputs) do lists[name] = {} end
  for _, name in ipairs(given.also or {}) do names[#names + 1] = name end
  local ok, err = data.each_sample(samples, { channels = model.template.channels, prepare = given.prepare, set = given.fields, native = true, fields = names },
    function(sample, one) return score_one(model, sample, one, lists, threshold, given, each) end)
  if not ok then return nil, err end
  for _, list in pairs(lists) do
    if list[1] and not list[1].of then metrics.without_foreground(list) end -- scores of classes leave out what an image lacks
  end
  return lists
end

--- The image, the truth and the prediction as an overlay; of classes the prediction and the truth side by side. list: the classes.
local function save_overlay(path, sample, p, truth, threshold, list)
  local shown = assert(scale.picture(sample))
  local rgb
  if p.rank == 3 then rgb = class_image.overlay(shown, class_image.labels(p), list, truth)
  else rgb = image.overlay(shown, p, truth, { threshold = threshold }) end
  return image.save(path, rgb)
end

--- "SET:SPLIT" of the caller as set and split.
local function named_set(text)
  local set, part = text:match("^(.+):([^:/]+)$")
  registry.trust(registry.locate(set or text))
  return set or text, part
end

--- The facts that must agree for two evaluations to be comparable.
local function protocol_of(model, set, facts, samples, threshold, tuned_on, w)
  local size, list = model.input.size, checkpoint.classes(model)
  local names = {}
  for i, c in ipairs(list or {}) do names[i] = c.name end
  local p = {
    decision = list and "the class with the largest probability" or nil, classes = list and names or nil, macro = list and class_scores.MACRO or nil,
    set = set.name, edition = set.edition, split = ("%s (%s), part %s"):format(set.split, set.split_source, facts.part),
    pictures = #samples, data_hash = set.hash,
    output = model.output.main, threshold = not list and threshold or nil, threshold_tuned = not list and tuned_on or nil,
    field_of_view = samples[1].fov and "inside the set's masks" or "the whole picture",
    resize = size and ("to %dx%d, probabilities brought back to the picture's size"):format(size[1], size[2] or size[1]) or "none",
    range = scale.text(fields.source(samples[1], "image").range) or "as the files' types say",
    padding = "edge, cropped back", zero_rule = metrics.ZERO_RULE, interval = groups.interval_text(samples, 2000),
    hd95 = "pixels", numerics = model.output.numerics, kernels = ffi.string(ffi.C.ra_isa()), blas = model:blas(),
  }
  for name, text in pairs(w:facts()) do p[name] = text end
  return p
end

--- The threshold to score with, and a text that says how it was chosen; nil and a message.
local function choose_threshold(model, set, facts, prepare, o)
  if checkpoint.classes(model) and (o.tune or o.threshold) then
    return mistake "a model with classes has no threshold: the class of a pixel is the one with the largest probability"
  end
  if o.tune and o.way:decides() then
    return mistake "tune chooses a threshold for masks of one threshold; give low and smallest together with threshold instead"
  end
  if not o.tune then return o.threshold or model.output.threshold, "not tuned" end
  local part = facts.val and set.splits[facts.val] and #set.splits[facts.val] > 0 and facts.val or facts.train
  if not set.splits[part] or #set.splits[part] == 0 then return nil, ("%s has no split '%s' to tune the threshold on"):format(set.name, part) end
  local main = model.output.main
  local lists, err = score(model, set.splits[part], { prepare = prepare, fields = set.fields, way = o.way, scores = true }, { main }, 0.5)
  if not lists then return nil, err end
  if metrics.without_foreground(lists[main]) then
    return nil, ("no mask of split '%s' has foreground to tune the threshold on; give one, --threshold 0.5"):format(part)
  end
  return metrics.best_threshold(lists[main]), ("tuned on %s for mean Dice per picture"):format(part)
end

--- Calls score, saves the first o.pictures overlays and adds to the rows of observers, if any; its lists, or nil and a message.
local function score_and_draw(model, samples, given, outputs, threshold, o, rows)
  local left, failed, ids = o.pictures, nil, {}
  for i, sample in ipairs(samples) do ids[i] = sample.id end
  local file = outputs_module.names(ids)
  if left > 0 then
    local ok, err = files.make_folder(o.folder)
    if not ok then return nil, err end
  end
  local lists, err = score(model, samples, given, outputs, threshold, function(sample, p, truth, one, by_output)
    if rows then rows:add(sample, o.way:shown(p, threshold), one.native, seen_of(one), threshold) end
    if o.each then o.each(sample, p, truth, one.native, seen_of(one), threshold, by_output) end
    if left <= 0 or failed then return end
    local name = file[o.pictures - left + 1] -- overlays are of the first samples, in their order
    left = left - 1
    local ok, why = save_overlay(("%s/%s.png"):format(o.folder, name), sample, p.rank == 2 and o.way:shown(p, threshold) or p, truth,
      threshold, checkpoint.classes(model))
    if not ok then failed = why end
  end)
  if failed then return nil, failed end
  return lists, err
end

--- The outputs that the truth can score: those of one channel, and those with a channel for each of the model's classes.
local function scored_outputs(model)
  local list, channels, K = {}, model:output_channels(), #(checkpoint.classes(model) or {})
  for _, name in ipairs(model:output_names()) do
    if channels[name] == 1 or channels[name] == K then list[#list + 1] = name end
  end
  return list
end

--- facts: { set, options, split_rule, part, val, train, edition }.
local Result = { __tostring = score_text.text }

local function run_evaluation(model, facts, o)
  if model.input.scale and model.input.scale.range == "auto" then -- part of the model's preparation
    facts.reading = facts.reading or {}
    facts.reading.range = "auto"
  end
  local set, samples, judged = scored_set.open(model, facts, o)
  if not set then return nil, samples end
  local changed = o.run and o.out and witness.changed(o.run, set, facts.part)
  if changed then o.out:warn(changed) end
  local list = checkpoint.classes(model)
  notes.coloured(judged.images, model.template.channels, o.out)
  local all, err = #samples
  samples, err = scored_set.chosen(samples, o.limit, o.only)
  if not samples then return nil, err end
  local main, prepare = model.output.main, checkpoint.preparation(model)
  local outputs = o.levels and scored_outputs(model) or { main }
  o.way, err = way.new(model, o)
  if not o.way then return nil, err end
  err = tiles.too_large_among(judged.images, samples, prepare, o.tile, o.way:refusal(outputs))
  if err then return nil, err end
  local threshold, tuned_on = choose_threshold(model, set, facts, prepare, o)
  if not threshold then return nil, tuned_on end
  local rows, also = o.scores and not list and observer_rows.new(samples) or nil, {}
  for i, name in ipairs(rows and rows.names or {}) do also[i] = observers.field(name) end
  local lists
  lists, err = score_and_draw(model, samples, { prepare = prepare, fields = set.fields, also = also, way = o.way, scores = o.scores }, outputs,
    threshold, o, rows)
  if not lists then return nil, err end
  if not o.scores then return true end
  local function summarize(scores) return scores[1].of and class_scores.summarize(scores, list) or metrics.summarize(scores) end
  local result = summarize(lists[main])
  result.outputs = {}
  for _, name in ipairs(outputs) do
    if name ~= main then result.outputs[name] = summarize(lists[name]) end
  end
  result.images, result.lists = lists[main], lists
  result.observers = rows and rows:summary()
  result.warnings = o.out and #o.out.warnings > 0 and o.out.warnings or nil
  result.protocol, result.of = protocol_of(model, set, facts, samples, threshold, tuned_on, o.way), all
  millimetres.add(result, samples)
  return setmetatable(result, Result)
end

--- The same for a set that the caller describes: facts { set, options, split_rule, part, val, train, test, edition, reading }. The result has
-- also lists, the scores per image of every output.
function evaluate.of_facts(model, facts, given)
  local o = options.check(given, schema, "evaluate")
  return run_evaluation(model, facts, o)
end

--- The part of a recipe's data that evaluation reads; text: "SET:SPLIT" of the caller, or nil.
local function facts_of(d, text, o)
  local facts = { set = d.set, options = d.options, split_rule = d.split, part = d.test, test = d.test, val = d.val, train = d.train,
    edition = d.edition, reading = reading.of(d) }
  if text then
    local set, part = named_set(text)
    if registry.locate(set) == registry.locate(d.set) then set = d.set end -- another name of the same folder
    if set ~= d.set then facts.set, facts.options, facts.split_rule, facts.edition, facts.reading = set, nil, "usual", nil, nil end
    facts.part = part or "test"
    for k, v in pairs(o.options or {}) do
      facts.options = facts.options or {}
      facts.options[k] = v
    end
    facts.reading = o.reading and reading.over(o.reading, facts.reading or {}) or facts.reading
  end
  return facts
end

--- The data section of a run's recipe: of the file that the caller names, else of resolved.json; nil and a message.
local function data_of(path, o)
  if o.recipe then
    local r, err = require("ramus.train.recipe").load(o.recipe)
    return r and r.data, err
  end
  local r, err = run.read(path)
  if not r then return nil, err end
  return r.recipe.data
end

--- The facts of a run's own test split, for evaluate.of_facts; nil and a message.
function evaluate.facts(path)
  local recipe_data, err = data_of(path, {})
  if not recipe_data then return nil, err end
  return facts_of(recipe_data, nil, {})
end

--- Whether `named` is the file of the run's own set: naming it allows it to run (registry.suspect), and asks for no other evaluation.
local function allows_own(named, own)
  if not (named and named:find "%.lua$" and registry.locate(named) == registry.locate(own)) then return false end
  registry.trust(registry.locate(named))
  return true
end

--- ra.evaluate of the run in a folder, with the same options.
function evaluate.of_run(path, given)
  local o = options.check(given, schema, "evaluate")
  local recipe_data, err = data_of(path, o)
  if not recipe_data then return nil, err end
  if allows_own(o.data, recipe_data.set) then o.data = nil end
  local model
  model, err = checkpoint.load_model(path)
  if not model then return nil, err end
  local name = outputs_module.evaluation(o)
  o.folder = o.folder or run.path_of(path, "pictures") .. name:sub(#"eval" + 1)
  local result
  if not o.data then o.run = path end
  result, err = run_evaluation(model, facts_of(recipe_data, o.data, o), o)
  if not result then return nil, err end
  result.protocol.model = path
  local ok
  ok, err = files.write(("%s/%s.json"):format(path, name), evaluate.json(result) .. "\n")
  if ok then ok, err = files.write(("%s/%s.txt"):format(path, name), evaluate.text(result) .. "\n") end
  if not ok then return nil, err end
  if o.out then o.out:answer(evaluate.text(result)) end
  return result
end

evaluate.json, evaluate.text = score_text.json, score_text.text

--- A model on the set that o.data names.
local function of_model(model, o)
  local set, part = named_set(o.data)
  return run_evaluation(model, { set = set, options = o.options, reading = o.reading, split_rule = "usual", part = part or "test", val = "val",
    train = "train" }, o)
end

--- The same of a model's file, which holds no recipe; nothing is written.
local function of_file(path, given)
  local o = options.check(given, schema, "evaluate")
  local model, err = checkpoint.load_model(path)
  if not model then return nil, err end
  if not o.data then return mistake(("%s is a model's file, which has no data of its own: name a set, --data SET:SPLIT"):format(path)) end
  local result
  result, err = of_model(model, o)
  if not result then return nil, err end
  result.protocol.model = path
  if o.out then o.out:answer(evaluate.text(result)) end
  return result
end

--- ra.evaluate(run folder | model's file | model, options)
return setmetatable(evaluate, { __call = function(_, what, given)
  if type(what) == "string" then
    if files.is_folder(what) then return evaluate.of_run(what, given) end
    if files.is_file(what) then return of_file(what, given) end
    return nil, ("%s is neither a run folder nor a model's file: %s"):format(what, files.exists(what) and "it is a pipe, a socket or a device"
      or "there is no such file or folder")
  end
  if not model_module.is(what) then error("evaluate: wants a run folder or a model, given " .. options.show(what), 2) end
  local o = options.check(given, schema, "evaluate")
  if not o.data then error("evaluate: a model needs data = \"SET:SPLIT\"", 2) end
  return of_model(what, o)
end })
