--- The output of a training: the header, the progress line, a line (or two) per epoch; and the entry of metrics.jsonl.
local clock = require "ramus.train.clock"
local ffi = require "ramus.base.ffi"
local progress = require "ramus.base.progress"
local show = require "ramus.base.show"
local teacher = require "ramus.train.teacher"
local C = ffi.C

local report = {}

--- Width of the terms in columns, above which they get lines of their own.
local WIDE = 64

--- The mean of every term so far, rows at several outputs together: "dice@out 0.4123  bce@side* 0.51 0.62 0.70".
function report.terms(training)
  local sums, texts, row = training.state.sums, {}, nil
  for _, term in ipairs(training.supervision.terms) do
    local n = sums.count[term.name]
    if n then
      local value = ("%.4f"):format(sums.value[term.name] / n)
      if term.row == row then
        texts[#texts] = texts[#texts] .. " " .. value
      else
        texts[#texts + 1] = training.supervision.rows[term.row].name .. " " .. value
      end
      row = term.row
    end
  end
  return table.concat(texts, "  ")
end

local function mean_loss(s) return s.sums.total / math.max(1, s.sums.batches) end

--- The terms in lines that fit the terminal, each after a line's end.
local function folded(terms)
  local width, lines, line = show.width() - 1, {}, nil
  for term in (terms .. "  "):gmatch "(.-)  " do
    if line and #line + 2 + #term > width then lines[#lines + 1], line = line, nil end
    line = line and line .. "  " .. term or "  " .. term
  end
  lines[#lines + 1] = line
  return "\n" .. table.concat(lines, "\n")
end

--- The progress line of a running epoch, and lines of its terms where they do not fit in. images: number of images since `started`.
function report.status(training, started, images)
  local s, r = training.state, training.recipe
  local speed = images / math.max(C.ra_clock() - started, 1e-9)
  local left = ((clock.length(r) - s.epoch) * training.batches - s.batch) * r.data.batch
  local terms = report.terms(training)
  local short = #terms <= WIDE
  return ("epoch %d/%d  batch %d/%d  loss %.4f  %srate %.2g  %.1f images/s  ETA %s%s"):format(s.epoch, clock.length(r), s.batch, training.batches,
    mean_loss(s), short and terms .. "  " or "", training.companions.optimizer.rate or r.optim.lr, speed,
    progress.time(left / math.max(speed, 1e-9)), short and "" or folded(terms))
end

--- "  val dice 0.4123", with the images in the mean where some have no score.
local function validation_text(v)
  return "  val dice " .. (v.dice and ("%.4f"):format(v.dice) or "-") .. (v.of and (" (%d of %d)"):format(v.pictures, v.of) or "")
    .. (v.of_classes and (" (%d of %d classes)"):format(v.classes, v.of_classes) or "")
end

--- Prints the epoch that ended.
function report.epoch(training, result)
  local s, v = training.state, result.validation
  local head = ("epoch %3d  loss %.4f"):format(s.epoch, mean_loss(s))
  local terms = report.terms(training)
  local tail = ("%s  rate %.2g  %.1f images/s%s"):format(v and validation_text(v) .. (result.is_best and " *" or "") or "",
    training.companions.optimizer.rate or 0, result.images_per_second,
    s.sums.clipped > 0 and ("  clipped %d/%d"):format(s.sums.clipped, s.sums.steps) or "")
  if #terms <= WIDE then
    training.out:line(head .. "  " .. terms .. tail)
  else
    training.out:line(head .. tail)
    training.out:line((" "):rep(11) .. terms)
  end
end

--- The line of metrics.jsonl for the epoch that ended.
function report.entry(training, result)
  local s, terms = training.state.sums, {}
  for _, term in ipairs(training.supervision.terms) do
    local n = s.count[term.name]
    if n then terms[term.name] = { value = s.value[term.name] / n, gradient_norm = s.gradient[term.name] / n } end
  end
  return { epoch = result.epoch, loss = mean_loss(training.state), terms = terms, rate = training.companions.optimizer.rate,
    gradient_norm = s.norm / math.max(1, s.steps), clipped = s.clipped, steps = s.steps, validation = result.validation }
end

--- Prints the header before the first epoch.
function report.header(training)
  local r, m, shape = training.recipe, training.model, training.shape
  local function line(form, ...) training.out:line(form:format(...)) end
  local cost = m:cost(shape[3], shape[4], { outputs = { r.main } })
  line("recipe %s: %s on %s, %s of %s of %d, seed %d", r.name, m.name or "model", training.data.title, show.count(clock.length(r), "epoch"),
    show.count(training.batches, "batch", "batches"), r.data.batch, r.seed)
  local blas = m:blas()
  line("model  %s parameters, %.2f GFLOP an image of %dx%d; %s kernels%s, %d threads", cost.parameters, cost.flops / 1e9, shape[3], shape[4],
    ffi.string(C.ra_isa()), blas and (", matrix products by " .. (blas == "none" and "our own loops (blas = none)" or blas)) or "", C.ra_threads())
  if training.began then line("%s", training.began) end
  line("optim  %s", tostring(r.optim))
  for _, f in ipairs(r.freeze or {}) do line("freeze %s %s", f.at, f.till and "till epoch " .. f.till or "always") end
  for _, t in ipairs(teacher.of(r)) do line("%s", teacher.text(t)) end
  if r.optim.accumulate > 1 then
    line("accumulation of %d micro-batches: normalisation and reduce = \"batch\" see %d images at a time", r.optim.accumulate, r.data.batch)
  end
  line("supervision\n%s", tostring(training.supervision))
  local bytes, bound = training.steps:memory()
  line("memory %.0f MB of scratch for the step (no packing could do with less than %.0f MB), %.0f MB for weights, optimizer and data so far",
    bytes / 1e6, bound / 1e6, C.ra_mem_live() / 1e6)
end

return report
