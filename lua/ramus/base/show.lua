--- Values as readable text: numbers, strings, nested tables, and values with
-- a __tostring. Used by the REPL.
local show = {}

local DEPTH, MOST = 5, 60
local WIDEST = 160
local LAST = 24 -- columns that the last column of a table wants at least

--- Columns of the terminal at standard output, nil where it is none. The border is loaded here alone: it is half of what a start takes.
local function columns()
  local ffi = require "ramus.base.ffi"
  if ffi.is_terminal(1) then return (ffi.terminal_size(1)) end
end

--- Columns that text should fit: the terminal's, at most 160; 100 where standard output is none.
function show.width()
  local n = columns()
  return n and math.max(40, math.min(WIDEST, n)) or 100
end

--- Columns that a table may take: those of the terminal; where standard output is none, all that it wants.
function show.room() return columns() and show.width() or math.huge end

--- One line in lines of at most `width` columns, cut at blanks; further lines begin below the last column of a table's row, or two further in.
-- A last column with little room beside the others begins on a line of its own.
local function wrapped_line(line, width, lines)
  local indent, last = #line:match("^%s*") + 2, nil
  for at in line:gmatch("  ()%S") do
    if at <= width - LAST then indent = at - 1 end
    last = at
  end
  if #line > width and last and last > width - LAST then
    wrapped_line((line:sub(1, last - 1):gsub("%s+$", "")), width, lines)
    line = (" "):rep(indent) .. line:sub(last)
  end
  while #line > width do
    local cut = line:sub(1, width + 1):match("^.*() ") or 0
    if cut <= indent + 1 then cut = line:find(" ", width, true) end
    if not cut then break end
    lines[#lines + 1] = line:sub(1, cut - 1):gsub("%s+$", "")
    line = (" "):rep(indent) .. line:sub(cut + 1):gsub("^%s+", "")
  end
  lines[#lines + 1] = line
end

--- True for a line that may be cut: letters beyond ASCII are several bytes each, colours take no room; such lines (drawings) stay.
local function plain(line) return not line:find("[\27\128-\255]") end

--- A text in lines that fit the terminal.
function show.wrapped(text)
  local width, lines = show.width() - 1, {}
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    if plain(line) then wrapped_line(line, width, lines) else lines[#lines + 1] = line end
  end
  return table.concat(lines, "\n")
end

--- "1 epoch", "2 epochs"; many: the plural of words that take more than an s.
function show.count(n, one, many) return ("%d %s"):format(n, n == 1 and one or many or one .. "s") end

--- 145123 -> "145 KB"
function show.bytes(n)
  for _, unit in ipairs { "B", "KB", "MB", "GB" } do
    if n < 999.5 then return (unit ~= "B" and n < 9.95 and "%.1f %s" or "%.0f %s"):format(n, unit) end
    n = n / 1000
  end
  return ("%.1f TB"):format(n)
end

--- "300MB" or "1.5 GB" -> 3e8, 1.5e9; nil and a message for another text.
function show.read_bytes(text)
  local number, unit = tostring(text):match "^%s*([%d.]+)%s*([KMG]?B)%s*$"
  local bytes = tonumber(number) and tonumber(number) * ({ B = 1, KB = 1e3, MB = 1e6, GB = 1e9 })[unit]
  if bytes and bytes > 0 then return bytes end
  return nil, ('wants a size as "300MB" or "1.5GB", given %q'):format(tostring(text))
end

--- A text with blanks behind it, or with `right` before it, to a width of any size: string.format knows none above 99.
function show.padded(text, width, right)
  local blanks = (" "):rep(width - #text)
  return right and blanks .. text or text .. blanks
end

--- Lines of a table whose cells are texts: columns as wide as their widest cell, two blanks between; right[k]: column k is set to the right.
function show.columns(rows, right)
  local widths, lines = {}, {}
  for _, row in ipairs(rows) do
    for k, text in ipairs(row) do widths[k] = math.max(widths[k] or 0, #text) end
  end
  for i, row in ipairs(rows) do
    local cells = {}
    for k, text in ipairs(row) do
      cells[k] = show.padded(text, widths[k], right and right[k])
    end
    lines[i] = table.concat(cells, "  "):gsub("%s+$", "")
  end
  return lines
end

local function key_order(a, b)
  if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then return a < b end
  if type(a) == "number" or type(b) == "number" then return type(a) == "number" end
  return tostring(a) < tostring(b)
end

local escapes = { ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ['"'] = '\\"', ["\\"] = "\\\\" }

local function quoted(s, most)
  if #s > (most or 400) then s = s:sub(1, most or 400) .. "..." end
  return '"' .. s:gsub('[%c"\\]', function(c) return escapes[c] or ("\\%03d"):format(c:byte()) end) .. '"'
end

local function first_line(text)
  local line, rest = text:match("^([^\n]*)(.*)$")
  return rest == "" and line or line .. " ..."
end

local function key_text(k)
  if type(k) == "string" and k:match("^[%a_][%w_]*$") then return k end
  return "[" .. (type(k) == "string" and quoted(k) or tostring(k)) .. "]"
end

local function has_own_text(v)
  local meta = type(v) == "table" and getmetatable(v)
  return type(meta) == "table" and meta.__tostring ~= nil
end

--- What print shows of a value; without its address where that is all it would tell of.
local function text_of(v)
  if type(v) == "table" or type(v) == "string" then return tostring(v) end
  return (tostring(v):gsub("^([%a ]+): 0x%x+$", "%1"):gsub("^(cdata<.*>): 0x%x+$", "%1"):gsub(" %(0x%x+%)$", ""))
end

local nested

--- The entries of a table as texts, list part first; long tables are cut.
local function entries(t, indent, depth, above)
  local parts, n = {}, #t
  for i = 1, math.min(n, MOST) do parts[i] = nested(rawget(t, i), indent .. "  ", depth + 1, above, 1) end
  if n > MOST then parts[#parts + 1] = ("... %d more"):format(n - MOST) end
  local keys = {}
  for k in next, t do
    if not (type(k) == "number" and k >= 1 and k <= n and k % 1 == 0) then keys[#keys + 1] = k end
  end
  table.sort(keys, key_order)
  for i, k in ipairs(keys) do
    if i > MOST then
      parts[#parts + 1] = ("... %d more"):format(#keys - MOST)
      break
    end
    local key = key_text(k) .. " = "
    parts[#parts + 1] = key .. nested(rawget(t, k), indent .. "  ", depth + 1, above, #key + 1)
  end
  return parts, #keys == 0
end

--- A list of short values, several to a line.
local function filled_lines(parts, indent)
  local lines, line = {}, ""
  for _, p in ipairs(parts) do
    if line ~= "" and #indent + #line + #p + 2 >= show.width() then
      lines[#lines + 1], line = line, ""
    end
    line = line .. (line == "" and "" or " ") .. p .. ","
  end
  lines[#lines + 1] = line
  return lines
end

--- beside: columns that stand beside it in its line.
function nested(v, indent, depth, above, beside)
  if type(v) == "string" then return quoted(v, math.max(30, show.width() - #indent - (beside or 0) - 8)) end
  if type(v) == "number" then return ("%.14g"):format(v) end
  if type(v) == "function" then return "function" end
  if type(v) ~= "table" or has_own_text(v) then return first_line(text_of(v)) end
  if above[v] then return "{ itself }" end
  if depth > DEPTH then return "{ ... }" end
  above[v] = true
  local parts, is_list = entries(v, indent, depth, above)
  above[v] = nil
  if #parts == 0 then return "{}" end
  local line = "{ " .. table.concat(parts, ", ") .. " }"
  if #indent + #line + (beside or 0) < show.width() and not line:find("\n", 1, true) then return line end
  local longest = 0
  for _, p in ipairs(parts) do longest = math.max(longest, p:find("\n", 1, true) and math.huge or #p) end
  if is_list and longest <= 24 then
    parts = filled_lines(parts, indent .. "  ")
  else
    for i, p in ipairs(parts) do parts[i] = p .. "," end
  end
  return "{\n" .. indent .. "  " .. table.concat(parts, "\n" .. indent .. "  ") .. "\n" .. indent .. "}"
end

--- Any value as text. Strings of several lines are shown as they are, others with quotes; a table shows its entries,
-- five levels deep and 60 to a level.
function show.value(v)
  if type(v) == "string" then return v:find("\n", 1, true) and v or quoted(v) end
  if type(v) ~= "table" or has_own_text(v) then
    if type(v) == "number" then return ("%.14g"):format(v) end
    return text_of(v)
  end
  return nested(v, "", 1, {})
end

--- One line about a value.
function show.brief(v)
  local bare = type(v) == "table" and not has_own_text(v)
  local text = bare and nested(v, "", DEPTH - 1, {}):gsub("%s*\n%s*", " ") or first_line(show.value(v))
  return #text > 80 and text:sub(1, 77) .. "..." or text
end

local HOUSE = debug.getinfo(1, "S").source:match "^(@.*)base/show%.lua$" -- the folder of Ramus' own files

--- What was raised, in one line: a string as it is; of another value, whose own text may fail too, the place where it was raised and a text. For
-- a handler of xpcall; level: [opt] of the function that raised it, as for debug.getinfo.
function show.raised(e, level)
  if type(e) == "string" then return e end
  local text = "error() was called without a message"
  if e ~= nil then
    local ok, own = pcall(show.brief, e)
    text = ok and own or ("error() was called with a %s, which has no text of its own"):format(type(e))
  end
  local at = debug.getinfo(level or 3, "Sl")
  local placed = at and at.currentline > 0 and at.source:sub(1, #HOUSE) ~= HOUSE
  return placed and ("%s:%d: %s"):format(at.short_src, at.currentline, text) or text
end

return show
