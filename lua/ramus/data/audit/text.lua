--- The report of audit.lua as one aligned table with what is wrong below it, and as plain data for JSON.
local json = require "ramus.base.json"
local pairing = require "ramus.data.pairing"

local text = {}

local MOST, KINDS = 12, 4 -- findings of one kind that are listed; sizes, or numbers of channels, that have a row

-- ---- numbers of a split ----

--- Images of a split of a report; "all": all of them.
local function images_of(report, part)
  local list = {}
  for _, row in ipairs(report.images) do if part == "all" or row.split == part then list[#list + 1] = row end end
  return list
end

local function number(v)
  if v == math.floor(v) then return ("%d"):format(v) end
  return ("%.4g"):format(v)
end

--- "a to b" of the smallest and largest of two fields.
local function range(rows, low, high, show)
  local a, b
  for _, row in ipairs(rows) do
    local x, y = row[low], row[high or low]
    if x and x == x then a, b = math.min(a or x, x), math.max(b or y, y) end
  end
  if not a then return nil end
  show = show or number
  if show(a) == show(b) then return show(a) end
  return (show(a) .. " to " .. show(b)):gsub(" %% to ", " to ")
end

--- The numbers of masks: both where no mask has more than two, else their range.
local function mask_numbers(rows)
  local text_of = range(rows, "mask_low", "mask_high")
  for _, row in ipairs(rows) do
    if row.mask_values and (row.mask_values > 2 or not row.mask_low) then return text_of and text_of or "many" end
  end
  return text_of and text_of:gsub(" to ", " and ")
end

--- Different values of a key, most frequent first, and how many rows have each.
local function kinds(rows, key)
  local n, list = {}, {}
  for _, row in ipairs(rows) do
    local k = key(row)
    if k and not n[k] then list[#list + 1] = k end
    if k then n[k] = (n[k] or 0) + 1 end
  end
  table.sort(list, function(a, b)
    if n[a] ~= n[b] then return n[a] > n[b] end
    return a < b
  end)
  return list, n
end

local function percent(v)
  local p = 100 * v
  if p == 0 then return "0 %" end
  return p < 0.1 and ("%.2g %%"):format(p) or ("%.1f %%"):format(p)
end

--- Sum over images of a field times pixels, over all pixels of images that have it; nil where none has.
local function share(rows, field)
  local part, whole = 0, 0
  for _, row in ipairs(rows) do
    if row[field] and row.height then part, whole = part + row[field] * row.height * row.width, whole + row.height * row.width end
  end
  return whole > 0 and percent(part / whole) or nil
end

local function count(rows, test)
  local n = 0
  for _, row in ipairs(rows) do if test(row) then n = n + 1 end end
  return n
end

local function groups(rows)
  local seen, n = {}, 0
  for _, row in ipairs(rows) do
    if row.group and not seen[row.group] then seen[row.group], n = true, n + 1 end
  end
  return n > 0 and tostring(n) or nil
end

local function size_of(row) return row.height and ("%dx%d"):format(row.width, row.height) end
local function channels_of(row)
  return row.channels and ("%d%s of %d bit"):format(row.channels, row.channels > 1 and row.grey and " equal" or "", row.bits)
end

--- Rows of the table: name, and the cell of a list of images (nil: none); or kind: what is a cell where all images agree, else a row each.
local ROWS = {
  { "images", function(rows) return tostring(#rows) end },
  { "with mask", function(rows) return tostring(count(rows, function(row) return row.mask_values end)) end },
  { "groups", groups },
  { "width x height", kind = size_of },
  { "channels", kind = channels_of },
  { "values of images", function(rows) return range(rows, "low", "high") end },
  { "values of masks", function(rows) return (mask_numbers(rows)) end },
  { "foreground", function(rows) return share(rows, "foreground") end },
  { "  least to most", function(rows) return range(rows, "foreground", nil, percent) end },
  { "  empty masks", function(rows)
    return share(rows, "foreground") and tostring(count(rows, function(row) return row.foreground == 0 end))
  end },
  { "field of view", function(rows) return share(rows, "fov") end },
  { "void pixels", function(rows)
    local n = 0
    for _, row in ipairs(rows) do n = n + (row.void or 0) end
    return n > 0 and ("%d"):format(n) or nil
  end },
}

--- Pixels and images of a class.
local function class_cell(rows, k)
  local pixels, all, n, any = 0, 0, 0, false
  for _, row in ipairs(rows) do
    if row.classes then
      any = true
      for _, v in pairs(row.classes) do all = all + v end
      pixels = pixels + row.classes[k]
      if row.classes[k] > 0 then n = n + 1 end
    end
  end
  if not any then return nil end
  return ("%s in %d"):format(percent(all > 0 and pixels / all or 0), n)
end

--- Foreground of a second observer's masks.
local function observer_cell(rows, name)
  local list = {}
  for i, row in ipairs(rows) do list[i] = { v = row.observers and row.observers[name], height = row.height, width = row.width } end
  local n = count(list, function(row) return row.v end)
  return n > 0 and ("%s in %d"):format(share(list, "v"), n) or nil
end

-- ---- the table ----

local function columns_of(report)
  local names = {}
  for i, name in ipairs(report.order) do names[i] = name end
  if #names > 1 then names[#names + 1] = "all" end
  return names
end

--- Columns of a terminal that a text takes: Chinese, Japanese and Korean signs take two, accents of their own none.
local function columns(s)
  local n = 0
  for c in s:gmatch("[%z\1-\127\192-\255][\128-\191]*") do
    local lead = c:byte()
    if lead >= 0xe3 and lead <= 0xed or lead >= 0xef then n = n + 2
    elseif lead ~= 0xcc and not (lead == 0xcd and c < "\205\176") then n = n + 1 end
  end
  return n
end
local function padded(s, width, left) return left and s .. (" "):rep(width - columns(s)) or (" "):rep(width - columns(s)) .. s end

--- Lines of the aligned table.
function text.table(report)
  local parts, lists, rows = columns_of(report), {}, {}
  for i, name in ipairs(parts) do lists[i] = images_of(report, name) end
  local function add(name, cell)
    local cells, any = { name }, false
    for i, list in ipairs(lists) do
      local v = cell(list)
      any, cells[i + 1] = any or v ~= nil, v or "-"
    end
    if any then rows[#rows + 1] = cells end
  end
  --- One row where all images are of a kind; else one for each of the most frequent, with how many are of it, so that no cell is wide.
  local function add_kinds(name, key)
    local all = kinds(report.images, key)
    if #all < 2 then return add(name, function(list) return (kinds(list, key)[1]) end) end
    local shown = #all > KINDS + 1 and KINDS or #all
    rows[#rows + 1] = { name }
    for k = 1, shown do add("  " .. all[k], function(list) return tostring(count(list, function(row) return key(row) == all[k] end)) end) end
    if shown == #all then return end
    local named = {}
    for k = 1, shown do named[all[k]] = true end
    add(("  %d others"):format(#all - shown), function(list)
      return tostring(count(list, function(row) return key(row) and not named[key(row)] end))
    end)
  end
  rows[1] = { "", unpack(parts) }
  for _, r in ipairs(ROWS) do
    if r.kind then add_kinds(r[1], r.kind) else add(r[1], r[2]) end
  end
  for k, c in ipairs(report.classes or {}) do add(("class %d %s"):format(k - 1, c.name), function(list) return class_cell(list, k - 1) end) end
  for _, name in ipairs(report.observers or {}) do add("foreground, " .. name, function(list) return observer_cell(list, name) end) end
  local width = {}
  for _, cells in ipairs(rows) do for i, v in ipairs(cells) do width[i] = math.max(width[i] or 0, columns(v)) end end
  local lines = {}
  for r, cells in ipairs(rows) do
    local line = {}
    for i, v in ipairs(cells) do line[i] = padded(v, width[i], i == 1) end
    lines[r] = (table.concat(line, "  "):gsub("%s+$", ""))
  end
  return lines
end

--- Findings as lines, at most MOST of a kind.
local function listed(list, lines)
  local seen, left, order = {}, {}, {}
  for _, f in ipairs(list) do
    seen[f.kind] = (seen[f.kind] or 0) + 1
    if seen[f.kind] <= MOST then lines[#lines + 1] = "- " .. f.text
    else
      if not left[f.kind] then order[#order + 1] = f.kind end
      left[f.kind] = (left[f.kind] or 0) + 1
    end
  end
  for _, kind in ipairs(order) do lines[#lines + 1] = ("- and %d more of this kind (%s); --json lists all"):format(left[kind], kind) end
end

--- The whole report as text.
function text.of(report)
  local lines = { ("data set %s: %s"):format(report.set, report.title),
    ("edition %s, split %s (%s), in %s"):format(report.edition, report.split, report.split_source, report.folder), "" }
  for _, line in ipairs(text.table(report)) do lines[#lines + 1] = line end
  lines[#lines + 1] = ""
  for _, line in ipairs(report.masks) do lines[#lines + 1] = line end
  if #report.wrong > 0 then
    lines[#lines + 1] = "wrong:"
    listed(report.wrong, lines)
  end
  if #report.notes > 0 then
    lines[#lines + 1] = "to know:"
    listed(report.notes, lines)
  end
  if #report.wrong == 0 then lines[#lines + 1] = "nothing is wrong" end
  return table.concat(lines, "\n")
end

--- "2 things are wrong with mine: twice an image in two splits" for the last line of a run that fails.
function text.summary(report)
  local kinds_of, order = {}, {}
  for _, f in ipairs(report.wrong) do
    if not kinds_of[f.kind] then order[#order + 1] = f.kind end
    kinds_of[f.kind] = (kinds_of[f.kind] or 0) + 1
  end
  for i, kind in ipairs(order) do order[i] = ("%s %d"):format(kind, kinds_of[kind]) end
  return ("%d thing%s wrong with %s (%s)"):format(#report.wrong, #report.wrong == 1 and " is" or "s are", report.set, pairing.some(order, 10))
end

--- The report as plain data.
function text.plain(report)
  local copy = {}
  for _, key in ipairs { "set", "title", "folder", "edition", "split", "split_source", "hash" } do copy[key] = report[key] end
  copy.masks = json.list(report.masks)
  for _, key in ipairs { "wrong", "notes" } do
    copy[key] = json.list {}
    for i, f in ipairs(report[key]) do copy[key][i] = { kind = f.kind, text = f.text, images = json.list(f.images) } end
  end
  copy.counts = {}
  for _, part in ipairs(report.order) do copy.counts[part] = #images_of(report, part) end
  copy.images = {}
  for i, row in ipairs(report.images) do
    local plain = {}
    for k, v in pairs(row) do
      if type(v) ~= "number" or (v == v and math.abs(v) < math.huge) then plain[k] = v end
    end
    if row.classes then
      plain.classes = {}
      for k, c in ipairs(report.classes) do plain.classes[c.name] = row.classes[k - 1] end
    end
    copy.images[i] = plain
  end
  return copy
end

return text
