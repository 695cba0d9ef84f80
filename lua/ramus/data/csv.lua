--- A list of pairs as a data set: a CSV file with a picture and its mask a line.
--
--   ramus train RECIPE --set data.set=scans/pairs.csv          the file's path is the set's name
--   return ra.datasets.csv { "pairs.csv", groups = "^(p%d+)" }   the same in a definition's file
--
-- The first line may name the columns: image, and of mask, fov, id, split, group those that are there, in any order; others are not read. Without
-- such a line the columns are image and mask. Fields are separated by the one of , ; and tab that the first line has, and may stand in quotes, as
-- spreadsheets write them. Paths are relative to the CSV file; the pictures are read where they are. A line without mask is a picture without truth.
local files = require "ramus.base.files"
local folder = require "ramus.data.folder"
local layout = require "ramus.data.folder.layout"
local mistake = require "ramus.base.mistake"
local options = require "ramus.base.options"
local parts = require "ramus.data.folder.split"
local reading = require "ramus.data.reading"

local csv = { MOST = 200000 } -- lines

local COLUMNS = { "image", "mask", "fov", "id", "split", "group" }
local IS_COLUMN = {}
for _, name in ipairs(COLUMNS) do IS_COLUMN[name] = true end

-- ---- the text ----

--- The fields of the record that begins at a place: list, the place behind it, and how many lines it took; nil and a message.
local function record(text, at, separator)
  local list, lines, plain = {}, 1, "^([^" .. separator .. "\r\n]*)()"
  while true do
    local value, behind
    if text:sub(at, at) == '"' then
      local out, from = {}, at + 1
      while true do
        local close = text:find('"', from, true)
        if not close then return nil, "a quote is not closed" end
        out[#out + 1] = text:sub(from, close - 1)
        if text:sub(close + 1, close + 1) ~= '"' then
          behind = close + 1
          break
        end
        out[#out + 1], from = '"', close + 2
      end
      value = table.concat(out)
      lines = lines + select(2, value:gsub("\n", ""))
    else
      value, behind = text:match(plain, at)
      value = value:match "^%s*(.-)%s*$"
    end
    list[#list + 1] = value
    local next_one = text:sub(behind, behind)
    if next_one == separator then at = behind + 1
    elseif next_one == "" then return list, behind, lines
    elseif next_one:find "[\r\n]" then return list, behind + (text:sub(behind, behind + 1) == "\r\n" and 2 or 1), lines
    else return nil, ("%s stands behind a closed quote"):format(options.show(next_one)) end
  end
end

--- The records of a text that hold anything: { { fields .., line = N }, .. }; nil and a message.
function csv.records(text, where)
  local first = text:match "^[\r\n]*([^\r\n]*)"
  local separator = first:find(",", 1, true) and "," or first:find(";", 1, true) and ";" or first:find("\t", 1, true) and "\t"
  if not separator then return nil, ("%s:1: wants fields separated by commas, semicolons or tabs: image,mask; given %s"):format(where, options.show(first)) end
  if text:find("%z") then return nil, where .. ": is no text" end
  local list, at, line = {}, 1, 1
  while at <= #text do
    local fields, behind, lines = record(text, at, separator)
    if not fields then return nil, ("%s:%d: %s"):format(where, line, behind) end
    fields.line = line
    if #fields > 1 or fields[1] ~= "" then list[#list + 1] = fields end
    if #list > csv.MOST then return nil, ("%s: has more than %d lines"):format(where, csv.MOST) end
    at, line = behind, line + lines
  end
  return list
end

-- ---- columns ----

--- Columns by name from the first record, and whether it is a line of names; nil and a message.
local function columns_of(first, where)
  local by_name, known = {}, 0
  for i, field in ipairs(first) do
    local name = field:lower()
    if IS_COLUMN[name] then
      if by_name[name] then return nil, ("%s:%d: two columns are called %s"):format(where, first.line, name) end
      by_name[name], known = i, known + 1
    end
  end
  if known == 0 then
    if #first ~= 2 then
      return nil, ("%s:%d: has %d fields; without a line of names a line is IMAGE,MASK, with more columns the first line names them: %s"):format(where,
        first.line, #first, table.concat(COLUMNS, ", "))
    end
    return { image = 1, mask = 2 }, false
  end
  if not by_name.image then return nil, ("%s:%d: no column is called image; columns are %s"):format(where, first.line, table.concat(COLUMNS, ", ")) end
  for _, field in ipairs(first) do
    local near = not IS_COLUMN[field:lower()] and options.nearest(field:lower(), COLUMNS)
    if near and not by_name[near] then return nil, ("%s:%d: %s"):format(where, first.line, options.unknown("column", field, COLUMNS)) end
  end
  return by_name, true
end

--- A path without . and .., and without what leads out of a folder: what an id may be.
local function plain_id(path)
  local steps = {}
  for step in path:gmatch "[^/]+" do
    if step == ".." then steps[#steps] = nil elseif step ~= "." then steps[#steps + 1] = step end
  end
  return table.concat(steps, "/")
end

--- The samples of records; nil and a message that names the line. root: the folder of the file.
local function samples_of(records, root, where)
  local by_name, named = columns_of(records[1], where)
  if not by_name then return nil, named end
  local samples, seen, last = {}, {}, 0
  for _, i in pairs(by_name) do last = math.max(last, i) end
  for k = named and 2 or 1, #records do
    local fields = records[k]
    local function wrong(form, ...) return nil, ("%s:%d: %s"):format(where, fields.line, form:format(...)) end
    if #fields < last or not named and #fields > 2 then return wrong("has %d field%s, wanted %d", #fields, #fields == 1 and "" or "s", last) end
    local function value(name) return by_name[name] and fields[by_name[name]] ~= "" and fields[by_name[name]] or nil end
    local s = { split = value "split", group = value "group" }
    for _, role in ipairs { "image", "mask", "fov" } do
      local path = value(role)
      s[role] = path and (path:sub(1, 1) == "/" and path or root .. "/" .. path)
      local none = path and files.no_file(s[role])
      if none then return wrong("%s: %s", role, none) end
    end
    if not s.image then return wrong "names no image" end
    if by_name.split and not s.split then return wrong "names no split, as the column of that name should" end
    if by_name.group and not s.group then return wrong "names no group, as the column of that name should" end
    s.id = plain_id(value "id" or (value "image"):gsub("(.)%.%w+$", "%1"))
    if s.id == "" then return wrong("the id %s is no name", options.show(value "id" or value "image")) end
    if seen[s.id] then return wrong("the image '%s' is in line %d already; a column id tells apart what has one name", s.id, seen[s.id]) end
    seen[s.id] = fields.line
    local above, name = files.split(value "image")
    s.file = { dir = above == "." and "" or above, name = name, stem = layout.stem(name), path = s.image }
    samples[#samples + 1] = s
  end
  if #samples == 0 then return nil, where .. ": names no image" end
  return samples, by_name.split ~= nil
end

-- ---- the definition ----

local schema = { split = folder.schema.split, groups = folder.schema.groups, frame = folder.schema.frame, classes = folder.schema.classes }
local DEFINITION = { [1] = { type = "string", name = "file", required = true, help = "the CSV file, relative to the definition's file" } }
for _, key in ipairs { "name", "title", "licence", "citation", "picture" } do DEFINITION[key] = { type = "string", help = "a fact of the set" } end
for key, entry in pairs(schema) do DEFINITION[key] = entry end
for key, entry in pairs(reading.schema) do DEFINITION[key] = entry end
csv.definition_schema = DEFINITION

--- The samples of a list; nil and a message.
local function open(path, root, o)
  local none = files.no_file(path)
  if none then return nil, none end
  local text, err = files.read_text(path)
  local records
  if text then records, err = csv.records(text, path) end
  if not records then return mistake(err) end
  if #records == 0 then return mistake(path .. ": is empty; wanted lines IMAGE,MASK") end
  local samples, divided = samples_of(records, root, path)
  if not samples then return mistake(divided) end
  for _, s in ipairs(samples) do s.frame = o.frame end
  samples.unmatched, samples.unsplit = {}, {}
  samples, err = parts.assign(samples, root, o)
  if samples and divided and not o.split then samples.split_source = "the column split" end
  return samples, err
end

--- The definition of a set. Its options in a recipe (data.options) are split, groups, frame, classes.
function csv.define(given, level)
  local o = options.check(type(given) == "string" and { given } or given, DEFINITION, "datasets.csv", (level or 1) + 1)
  local above, _, stem = files.split(o[1])
  local def = { kind = "csv", folder = above, name = o.name or stem, title = o.title or ("images listed in " .. o[1]), files = {}, editions = {}, splits = {},
    schema = {} }
  for _, key in ipairs { "licence", "citation", "picture" } do def[key] = o[key] end
  for _, key in ipairs(reading.keys) do def[key] = o[key] end
  for key, entry in pairs(schema) do
    def.schema[key] = options.copy(entry)
    def.schema[key].default = o[key]
  end
  local _, name = files.split(o[1])
  function def.classes(own) return own.classes end
  function def.open(root, own) return open(root .. "/" .. name, root, own) end
  return def
end

return csv
