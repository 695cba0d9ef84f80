--- Texts of help and of the reference pages: signatures, options with their bounds and defaults, and the comments in the
-- source of Lua functions.
local options = require "ramus.base.options"

local text = {}

-- ---- ops and losses ---------------------------------------------------------

--- 1e-06 -> 1e-6
local function plain(v) return (("%.6g"):format(v):gsub("e([+-])0*", function(sign) return "e" .. (sign == "-" and "-" or "") end)) end

--- A list of names as text, in lines of at most 100 characters.
function text.wrapped(names)
  local lines, line = {}, ""
  for i, name in ipairs(names) do
    if #line + #name > 98 then lines[#lines + 1], line = line:gsub("%s+$", ""), "" end
    line = line .. name .. (i < #names and ", " or "")
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

--- The default of an op's parameter as text; nil where there is none.
function text.default_of(p)
  if p.required or p.default_value ~= p.default_value then return nil end
  if p.kind == "boolean" then return p.default_value ~= 0 and "true" or "false" end
  if p.kind == "choice" then return ('"%s"'):format(p.choices[p.default_value + 1]) end
  if p.kind == "dim" then return plain(p.default_value + 1) end
  if p.kind == "dims" or p.kind == "ints" then return nil end
  return plain(p.default_value)
end

--- The values that an op's parameter accepts, as text.
function text.range_of(p)
  if p.kind == "boolean" then return "true, false" end
  if p.kind == "choice" then return '"' .. table.concat(p.choices, '", "') .. '"' end
  if p.kind == "dim" then return ("dimension %d to %s"):format(p.low + 1, plain(p.high + 1)) end
  if p.kind == "dims" then return "dimension or list of them, counted from 1" end
  if p.kind == "ints" then return "list of whole numbers" end
  local what = p.kind == "pair" and "whole number or {height, width}" or p.kind == "integer" and "whole number" or "number"
  if p.low == -math.huge and p.high == math.huge then return what end
  if p.high >= 2 ^ 31 - 1 then return ("%s >= %s"):format(what, plain(p.low)) end
  return ("%s, %s to %s"):format(what, plain(p.low), plain(p.high))
end

--- "F.conv2d(x, weight, bias?, {stride=1, ...})" of an op, "loss.dice{smooth=1, ...}" of a loss.
function text.signature(spec)
  local given = {}
  for _, p in ipairs(spec.params) do
    local default = text.default_of(p)
    given[#given + 1] = p.name .. "=" .. (default or "")
  end
  local option_text = #given > 0 and "{" .. table.concat(given, ", ") .. "}" or nil
  if spec.is_loss then return ("ra.loss.%s%s"):format(spec.name, option_text or "{}") end
  local args = {}
  for _, input in ipairs(spec.inputs) do args[#args + 1] = input.name .. (input.optional and "?" or "") end
  if spec.variadic then args[#args + 1] = "..." end
  args[#args + 1] = option_text
  return ("ra.F.%s(%s)"):format(spec.name, table.concat(args, ", "))
end

local function rows_text(rows)
  local width = { 0, 0, 0 }
  for _, r in ipairs(rows) do
    for k = 1, 3 do width[k] = math.min(38, math.max(width[k], #r[k])) end
  end
  local lines = {}
  for i, r in ipairs(rows) do
    lines[i] = ("  %-" .. width[1] .. "s  %-" .. width[2] .. "s  %-" .. width[3] .. "s  %s"):format(r[1], r[2], r[3], r[4]):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

--- Everything about an op or loss.
function text.op(spec)
  local lines = { text.signature(spec), spec.help }
  if spec.is_loss then
    lines[#lines + 1] = ("called loss(prediction, mask, teacher); F.%s(prediction, mask, teacher, {options}) is the same"):format(spec.name)
  end
  if #spec.params > 0 then
    local rows = {}
    for i, p in ipairs(spec.params) do
      rows[i] = { p.name, p.required and "required" or text.default_of(p) or "-", text.range_of(p), p.help .. (p.live and " (number or schedule)" or "") }
    end
    lines[#lines + 1] = rows_text(rows)
  end
  if not spec.is_loss and rawget(require "ramus.lang.nn", spec.name) then
    lines[#lines + 1] = ("as a module: ra.nn.%s{...}"):format(spec.name)
  end
  return table.concat(lines, "\n")
end

-- ---- option tables ------------------------------------------------------------

--- The values that an entry of an option table accepts, as text.
function text.entry_range(e)
  if e.one_of then
    local shown = {}
    for i, v in ipairs(e.one_of) do shown[i] = type(v) == "string" and ('"%s"'):format(v) or tostring(v) end
    return table.concat(shown, ", ")
  end
  local parts = {}
  if e.min then parts[#parts + 1] = ">= " .. plain(e.min) end
  if e.above then parts[#parts + 1] = "> " .. plain(e.above) end
  if e.max then parts[#parts + 1] = "<= " .. plain(e.max) end
  if e.below then parts[#parts + 1] = "< " .. plain(e.below) end
  local what = (e.type or "any"):gsub("integer", "whole number"):gsub("|", " or ")
  return what .. (#parts > 0 and ", " .. table.concat(parts, ", ") or "")
end

--- Its default as text; nil where there is none.
function text.entry_default(e)
  if e.required or e.default == nil then return nil end
  if type(e.default) == "string" then return ('"%s"'):format(e.default) end
  if type(e.default) == "table" and getmetatable(e.default) == nil then return options.show(e.default) end
  return tostring(e.default)
end

--- The names of an option table in the order in which they are shown: positional, required, then by name.
function text.entry_order(schema)
  local names = options.names(schema)
  local place = {}
  for i, n in ipairs(names) do place[n] = i end
  table.sort(names, function(a, b)
    local x, y = schema[a].required and 0 or 1, schema[b].required and 0 or 1
    if x ~= y then return x < y end
    return place[a] < place[b]
  end)
  return names
end

--- An option table, a line an option.
function text.schema(schema)
  local rows = {}
  for _, name in ipairs(text.entry_order(schema)) do
    local e = schema[name]
    rows[#rows + 1] = { type(name) == "number" and ("[%d] %s"):format(name, e.name or "") or name,
      e.required and "required" or text.entry_default(e) or "-", text.entry_range(e), e.help or "" }
  end
  return rows_text(rows)
end

--- 34878573 -> "34,878,573"
function text.thousands(n)
  local digits, more = ("%d"):format(n), 1
  while more > 0 do digits, more = digits:gsub("^(%d+)(%d%d%d)", "%1,%2") end
  return digits
end

--- The presets of an architecture, a line each; empty where it has none.
function text.presets(presets)
  local lines = {}
  for _, name in ipairs(options.names(presets)) do
    local p, given = presets[name], {}
    for _, key in ipairs(options.names(p.options)) do given[#given + 1] = ("%s = %s"):format(key, text.entry_default { default = p.options[key] }) end
    lines[#lines + 1] = ("  %-10s %s"):format(name, table.concat(given, ", "))
    if p.parameters then
      lines[#lines + 1] = ("  %-10s %s parameters for %d channel%s and one class: %s"):format("", text.thousands(p.parameters), p.channels or 1,
        p.channels and "s" or "", p.from)
    end
  end
  return #lines > 0 and "\npresets\n" .. table.concat(lines, "\n") or ""
end

-- ---- comments in the source -----------------------------------------------------

local function read_lines(path)
  local file = io.open(path, "r")
  if not file then return nil end
  local lines = {}
  for line in file:lines() do lines[#lines + 1] = line end
  file:close()
  return lines
end

local function comment_text(line) return line:match("^%s*%-%-%-?%s?(.*)$") end

--- The comment above a Lua function and its first line; nil where there is none.
function text.comment_of(f)
  local info = debug.getinfo(f, "S")
  local lines = info.source:sub(1, 1) == "@" and read_lines(info.source:sub(2))
  if not lines then return nil end
  local found, i = {}, info.linedefined - 1
  while i > 0 and lines[i]:match("^%s*%-%-") and not lines[i]:match("^%s*%-%- %-%-%-%-") do
    table.insert(found, 1, comment_text(lines[i]))
    i = i - 1
  end
  local declared = lines[info.linedefined]:match("function%s+([%w_%.:]*%s*%b())")
  return #found > 0 and table.concat(found, "\n") or nil, declared
end

--- The comment at the head of a module's file.
function text.head_of(module)
  local path = package.searchpath(module, package.path)
  local found = {}
  for _, line in ipairs(path and read_lines(path) or {}) do
    if not line:match("^%-%-") then break end
    found[#found + 1] = comment_text(line)
  end
  return #found > 0 and table.concat(found, "\n") or nil
end

--- The width from which a line of a source is full, so that the next goes on with its sentence.
local FULL = 110

--- Whether a line of a comment goes on in the next: it is full, neither is a row of a table, and both begin in the same column.
local function goes_on(line, next_line)
  local before, after = line:match "^ *", next_line:match "^ *"
  local word = next_line:match "%S+"
  return word ~= nil and before == after and #line + #word > FULL and not line:find "[%)}]$" and not next_line:find "%S%s%s+%S"
    and not next_line:find "^ *[%-|*] "
end

--- Lines of comments as paragraphs, for a screen of another width than the source's.
function text.joined(given)
  local lines, last = {}, nil
  for line in (given .. "\n"):gmatch "([^\n]*)\n" do
    if last and goes_on(last, line) then lines[#lines] = lines[#lines] .. " " .. line:match "%S.*" else lines[#lines + 1] = line end
    last = line
  end
  return table.concat(lines, "\n")
end

--- A Lua function by its comment.
function text.of_function(name, f)
  local comment, declared = text.comment_of(f)
  local args = declared and declared:match("%b()")
  if args and args:find("...", 1, true) then args = nil end
  if args and name:find(":", 1, true) and not declared:find(":", 1, true) then args = args:gsub("^%(%s*[%w_]+%s*,?%s*", "(") end
  return ("%s%s\n%s"):format(name, args or "", comment and text.joined(comment) or "(no comment in the source)")
end

return text
