--- ramus diff: what differs between two runs, or two files of one kind.
local command = require "ramus.cli.command"

--- Rows of a section that are printed; --json has all.
local MOST = 30

local function value_text(v)
  if v == nil then return "-" end
  if type(v) == "number" then return ("%.6g"):format(v) end
  local text = tostring(v)
  return #text == 64 and text:match "^%x+$" and text:sub(1, 12) or text
end

local function print_section(section)
  local rows = {}
  for i, row in ipairs(section.rows) do
    if i > MOST then break end
    rows[i] = { "  " .. row[1], value_text(row[2]), value_text(row[3]) }
    if type(row[2]) == "number" and type(row[3]) == "number" then rows[i][4] = ("%+.4g"):format(row[3] - row[2]) end
  end
  print(section.name)
  for _, line in ipairs(require("ramus.base.show").columns(rows)) do print(line) end
  if #section.rows > MOST then print(("  ... %d more; --json lists all"):format(#section.rows - MOST)) end
end

return {
  name = "diff", order = 6.3, words = "A B", example = "ramus diff runs/first runs/second",
  help = "say what differs between two runs, checkpoints, models, data sets, results or scores: recipe, images by SHA-256, code, scores, weights",
  flags = { command.JSON },
  run = function(words, given)
    if #words ~= 2 then return false, ("diff wants two runs or files, given %d"):format(#words), 2 end
    local a, b = words[1]:gsub("(.)/+$", "%1"), words[2]:gsub("(.)/+$", "%1")
    local found, err = require("ramus.study.difference").of(a, b)
    if not found then return false, err end
    if given.json then
      local json, list = require "ramus.base.json", {}
      for i, s in ipairs(found.sections) do
        list[i] = { name = s.name, rows = {} }
        for k, row in ipairs(s.rows) do list[i].rows[k] = { key = row[1], a = row[2], b = row[3] } end
      end
      json.print({ a = a, b = b, kind = found.kind, same = found.same, sections = json.list(list) }, 10)
      return 0
    end
    for i, section in ipairs(found.sections) do
      if i > 1 then print() end
      print_section(section)
    end
    if found.same then print(("%s and %s: nothing differs"):format(a, b)) end
    return 0
  end,
}
