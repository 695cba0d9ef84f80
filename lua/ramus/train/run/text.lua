--- A run as a table: its epochs, the best of them, and the scores of its evaluation. What print shows of ra.train's result and of run.read.
local columns = require "ramus.base.columns"
local score_text = require "ramus.train.evaluate.score_text"

local run_text = {}

local function number(v, form) return type(v) == "number" and (form or "%.4f"):format(v) or "-" end

--- The epochs of a history (entries of metrics.jsonl), the losses of their terms last.
function run_text.history(history)
  local terms, seen = {}, {}
  for _, e in ipairs(history) do
    for name in pairs(e.terms or {}) do
      if not seen[name] then seen[name], terms[#terms + 1] = true, name end
    end
  end
  table.sort(terms)
  local head = { "epoch", "loss", "val dice", "rate", "gradient" }
  for _, name in ipairs(terms) do head[#head + 1] = name end
  local rows = {}
  for i, e in ipairs(history) do
    local row = { ("%d"):format(e.epoch), number(e.loss), number(e.validation and e.validation.dice), number(e.rate, "%.3g"), number(e.gradient_norm, "%.3g") }
    for _, name in ipairs(terms) do row[#row + 1] = number(e.terms and e.terms[name] and e.terms[name].value) end
    rows[i] = row
  end
  return columns.text(head, columns.some(rows, 3, 8))
end

--- The scores of an evaluation; of another version, or of a file that somebody changed, some may be missing.
local function scores_of(scores)
  local ok, text = pcall(score_text.text, scores)
  return ok and text or "scores that this version cannot lay out; show them by their names, as scores.per_image.dice"
end

--- The whole of it. evaluation: [opt] with its scores.
function run_text.of(path, history, evaluation)
  local best
  for _, e in ipairs(history) do
    local dice = e.validation and e.validation.dice
    if type(dice) == "number" and (not best or dice > best.validation.dice) then best = e end
  end
  local lines = { ("run %s: %d epoch%s"):format(path, #history, #history == 1 and "" or "s")
    .. (best and (", best val dice %.4f in epoch %d"):format(best.validation.dice, best.epoch) or "") }
  if #history > 0 then lines[#lines + 1] = run_text.history(history) end
  if evaluation and evaluation.per_image then lines[#lines + 1] = scores_of(evaluation) end
  return table.concat(lines, "\n")
end

--- Of the table that ra.train returns.
run_text.trained = { __tostring = function(r) return run_text.of(r.run, r.history, r.evaluation) end }

--- Of the scores that a run holds.
run_text.scored = { __tostring = scores_of }

return run_text
