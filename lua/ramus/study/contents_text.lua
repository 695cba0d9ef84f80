--- What contents.of found, as lines for people.
local files = require "ramus.base.files"
local show = require "ramus.base.show"

local contents_text = {}

--- Arrays that are listed one by one; of more only the first.
local MOST = 40

local function shape_text(shape) return "[" .. table.concat(shape or {}, ",") .. "]" end

--- A value in one line: "{ batch = 2, options = { size = 64 } }".
local function compact(v)
  if type(v) ~= "table" then return type(v) == "number" and ("%.6g"):format(v) or tostring(v) end
  local parts, keys = {}, {}
  for k in pairs(v) do keys[#keys + 1] = k end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, k in ipairs(keys) do parts[i] = (#v == 0 and tostring(k) .. " = " or "") .. compact(v[k]) end
  return #parts > 0 and ("{ %s }"):format(table.concat(parts, ", ")) or "{}"
end
contents_text.compact = compact

--- "name value" with the values below each other; entries without value are left out.
local function pairs_lines(list)
  local rows = {}
  for _, entry in ipairs(list) do
    if entry[2] ~= nil then rows[#rows + 1] = { entry[1], compact(entry[2]) } end
  end
  return show.columns(rows)
end

local function build_text(b) return b and ("Ramus %s, commit %s, kernels %s"):format(tostring(b.version), tostring(b.commit), tostring(b.kernels)) end

--- Mean, spread and pooled value of every score.
local function score_lines(c)
  local keys, rows = {}, { { "score", "mean", "sd", "pooled" } }
  for key in pairs(c.per_image or {}) do keys[#keys + 1] = key end
  table.sort(keys)
  local function text(v) return type(v) == "number" and ("%.4f"):format(v) or "-" end
  for _, key in ipairs(keys) do rows[#rows + 1] = { key, text(c.per_image[key].mean), text(c.per_image[key].sd), text((c.pooled or {})[key]) } end
  return #keys > 0 and show.columns(rows, { [2] = true, [3] = true, [4] = true }) or {}
end

local function array_lines(list)
  local rows = {}
  for i, a in ipairs(list) do
    if i > MOST then break end
    rows[i] = { a.name, a.dtype, shape_text(a.shape) }
  end
  local lines = show.columns(rows)
  if #list > MOST then lines[#lines + 1] = ("... %d more; --json lists all"):format(#list - MOST) end
  return lines
end

local function append(lines, title, more)
  if #more == 0 then return end
  lines[#lines + 1] = ""
  if title then lines[#lines + 1] = title end
  for _, line in ipairs(more) do lines[#lines + 1] = line end
end

local writers = {}

writers["run"] = function(c, lines)
  append(lines, nil, pairs_lines {
    { "state", c.why and c.state .. ": " .. c.why or c.state }, { "epochs", ("%d of %d"):format(c.epochs, c.of) }, { "model", c.model },
    { "parameters", c.parameters }, { "data set", c.set }, { "seed", c.seed },
    { "best val dice", c.validation and ("%.4f, epoch %d"):format(c.validation, c.best_epoch) }, { "best weights", c.best and c.best.weights },
    { "last weights", c.last and c.last.weights }, { "began with", build_text(c.build) }, { "changed", c.changed } })
  local r = c.recipe
  append(lines, "recipe", pairs_lines { { "model", r.model.options }, { "data", r.data }, { "optim", r.optim }, { "teacher", r.teacher } })
  local rows = {}
  for i, row in ipairs(c.recipe.supervise or {}) do
    rows[i] = { tostring(row.at), type(row.loss) == "table" and row.loss.name or tostring(row.loss), tostring(row.against or "mask"),
      row.weight and "weight " .. compact(row.weight) or "" }
  end
  append(lines, "supervision", show.columns(rows))
  append(lines, c.protocol and ("scores on %s, %s images"):format(tostring(c.protocol.set), tostring(c.protocol.pictures)), score_lines(c))
  rows = {}
  for i, f in ipairs(c.files) do rows[i] = { f.name, show.bytes(f.bytes) } end
  append(lines, "files", show.columns(rows, { [2] = true }))
end

local function model_lines(c, lines)
  local s = c.state
  append(lines, nil, pairs_lines {
    { "model", c.model }, { "parameters", c.parameters }, { "outputs", table.concat(c.outputs, ", ") }, { "input", c.input }, { "output", c.output },
    { "state", s and ("epoch %s, batch %s%s"):format(tostring(s.epoch), tostring(s.batch), s.complete and ", complete" or "") },
    { "best val dice", s and s.best }, { "trained on", c.data }, { "protocol", c.protocol }, { "weights", c.weights }, { "format", c.format },
    { "written by", build_text(c.build) } })
  append(lines, ("%d arrays"):format(#c.arrays), array_lines(c.arrays))
end
writers["checkpoint"], writers["model"] = model_lines, model_lines

writers["arrays"] = function(c, lines)
  append(lines, ("%d arrays"):format(#c.arrays), array_lines(c.arrays))
  append(lines, "metadata", pairs_lines { { "", c.metadata and next(c.metadata) and c.metadata or nil } })
end

writers["data set"] = function(c, lines)
  append(lines, nil, pairs_lines { { "set", c.set }, { "edition", c.edition }, { "options", c.options }, { "images", c.counts }, { "files", c.files } })
  append(lines, nil, c.notes or {})
end

writers["scores"] = function(c, lines)
  append(lines, nil, score_lines(c))
  local protocol = {}
  for key, value in pairs(c.protocol) do protocol[#protocol + 1] = { key, value } end
  table.sort(protocol, function(a, b) return a[1] < b[1] end)
  append(lines, "protocol", pairs_lines(protocol))
end

writers["results"] = function(c, lines)
  append(lines, nil, pairs_lines { { "study", c.name }, { "trained", c.cells - c.failed }, { "failed", c.failed },
    { "damaged lines", c.damaged > 0 and c.damaged or nil }, { "changed", c.changed } })
  local rows = { { "row", "trained", "on", "mean dice" } }
  for _, row in ipairs(c.rows) do
    local keys = {}
    for on in pairs(row.dice) do keys[#keys + 1] = on end
    table.sort(keys)
    for k, on in ipairs(keys) do
      local first = k == 1
      rows[#rows + 1] = { first and row.row or "", first and tostring(row.cells - row.failed) or "", on, ("%.4f"):format(row.dice[on]) }
    end
    if #keys == 0 then rows[#rows + 1] = { row.row, "0", "-", "-" } end
  end
  append(lines, nil, show.columns(rows, { [2] = true, [4] = true }))
end

writers["picture"] = function(c, lines)
  local list = {}
  for key, value in pairs(c) do
    if type(value) ~= "table" and key ~= "kind" and key ~= "path" and key ~= "bytes" and value ~= "" then list[#list + 1] = { key, value } end
  end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  append(lines, nil, pairs_lines(list))
end

--- All lines of a table as contents.of makes it.
function contents_text.lines(c)
  local _, name = files.split(c.path)
  local lines = { ("%s: %s, %s"):format(name == "" and c.path or name, c.kind, show.bytes(c.bytes)) }
  writers[c.kind](c, lines)
  return lines
end

return contents_text
