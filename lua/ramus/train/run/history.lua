--- ra.open_run: a run, opened for looking at, as ra.open_run "runs/first"; also one whose training goes on.
--   run.history            the epochs' metrics as columns, by name: lists of a number for each epoch, NaN where there was none
--     epoch, loss, rate, gradient_norm, ..       as in metrics.jsonl
--     dice@out, bce@side1, ..                    values of the terms; dice@out.gradient_norm the norm of their gradient
--     val.dice                                   of the validation split
--     out.dice, side1.patch_entropy, out.agreement.teacher, ..   of the outputs, where log.outputs asks for them
--   run.recipe, run.path; run:model "best", run:evaluation(), run:timing(), run:images()       as docs/reference/run.md says
local options = require "ramus.base.options"
local run = require "ramus.train.run"
local show = require "ramus.base.show"

local history = {}

local NONE = 0 / 0

--- Every number of an entry of metrics.jsonl by the name of its column, as put(name, value).
local function each(entry, put)
  local function numbers(t, prefix)
    for key, v in pairs(t) do
      if type(v) == "number" then put(prefix .. key, v)
      elseif type(v) == "table" then numbers(v, prefix .. key .. ".") end
    end
  end
  for key, v in pairs(entry) do
    if key == "terms" then
      for name, term in pairs(v) do
        for what, number in pairs(term) do
          if type(number) == "number" then put(what == "value" and name or name .. "." .. what, number) end
        end
      end
    elseif key == "validation" then numbers({ dice = v.dice, loss = v.loss }, "val.")
    elseif key == "outputs" then numbers(v, "")
    elseif type(v) == "number" then put(key, v)
    elseif type(v) == "table" then numbers(v, key .. ".") end
  end
end

local History = {}

local function number(v) return v == v and ("%.4g"):format(v) or "-" end

--- First, last, least and greatest value of a column; NaN where it has none.
local function ends_of(column)
  local first, last, low, high = NONE, NONE, NONE, NONE
  for _, v in ipairs(column) do
    if v == v then
      first, last = first == first and first or v, v
      low, high = low <= v and low or v, high >= v and high or v
    end
  end
  return first, last, low, high
end

--- A line for each column.
function History.__tostring(columns)
  local n, width = columns.epoch and #columns.epoch or 0, 0
  local names = options.names(columns)
  for _, name in ipairs(names) do width = math.max(width, #name) end
  local form = "%s %10s %10s %10s %10s"
  local lines = { ("history of %d epoch%s"):format(n, n == 1 and "" or "s"), form:format(show.padded("column", width), "first", "last", "least", "greatest") }
  for _, name in ipairs(names) do
    local first, last, low, high = ends_of(columns[name])
    if name ~= "epoch" then lines[#lines + 1] = form:format(show.padded(name, width), number(first), number(last), number(low), number(high)) end
  end
  return table.concat(lines, "\n")
end

--- Entries of metrics.jsonl as columns.
function history.columns(entries)
  local columns = {}
  for i, entry in ipairs(entries) do
    each(entry, function(name, v)
      columns[name] = columns[name] or {}
      for k = #columns[name] + 1, i - 1 do columns[name][k] = NONE end
      columns[name][i] = v
    end)
  end
  for _, list in pairs(columns) do
    for k = #list + 1, #entries do list[k] = NONE end
  end
  return setmetatable(columns, History)
end

--- A run folder, opened for looking at; nil and a message where it is none.
function history.open(path)
  if type(path) ~= "string" then error("open_run: wants the folder of a run, got " .. options.show(path), 2) end
  local reading, err = run.read(path)
  if not reading then return nil, err end
  local columns = history.columns(reading:history())
  return setmetatable({ history = columns }, { __index = reading, __tostring = function()
    return tostring(reading) .. "\n.history, .recipe, :model(), :evaluation(), :timing(), :images()"
  end })
end

return history
