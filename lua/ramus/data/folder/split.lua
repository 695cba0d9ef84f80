--- Splits and groups of a folder's samples (folder.lua): by shares, lists, a function, or the folders train, val, test.
local files = require "ramus.base.files"
local mistake = require "ramus.base.mistake"
local options = require "ramus.base.options"
local pairing = require "ramus.data.pairing"
local split = require "ramus.data.split"

local parts = {}

local USUAL = "7:1:2"

--- Gives every sample its group; nil and a message.
local function group(samples, how)
  if how == nil then return true end
  for _, s in ipairs(samples) do
    if how == "folder" then s.group = s.file.dir ~= "" and s.file.dir or nil
    elseif type(how) == "string" then s.group = s.id:match(how) or s.file.stem:match(how)
    elseif type(how) == "table" then s.group = how[s.id] or how[s.file.stem] or how[s.file.name]
    else s.group = how(s.id, s) end
    if s.group ~= nil then s.group = tostring(s.group) end
    if s.group == nil and how ~= "folder" then
      return mistake(("groups: image '%s' has none%s"):format(s.id, type(how) == "string" and (" by the pattern '%s'"):format(how) or ""))
    end
  end
  return true
end

--- The names that a list of a split holds: a table of them, or the path of a text file with one a line. nil and a message.
local function names_of(list, root)
  if type(list) == "table" then
    local names = {}
    for i, name in ipairs(list) do names[i] = type(name) == "number" and ("%.14g"):format(name) or name end
    return names
  end
  if type(list) ~= "string" then
    return nil, ("split: wants a list of names, or the path of a text file with one a line, given %s"):format(options.show(list))
  end
  local path = list:sub(1, 1) == "/" and list or root .. "/" .. list
  local text, err = files.read_text(path)
  if not text then return nil, ("split: cannot read the list: %s"):format(err) end
  local names = {}
  for line in text:gmatch("[^\r\n]+") do
    local name = line:match("^%s*(.-)%s*$")
    if name ~= "" and name:sub(1, 1) ~= "#" then names[#names + 1] = name end
  end
  return names
end

--- Splits by lists of ids, names of files, or paths; samples in no list are left out. Returns the samples that are in one; nil and a message.
local function by_lists(samples, lists, root)
  local known = {}
  for _, s in ipairs(samples) do
    for _, key in ipairs { s.id, s.file.stem, s.file.name, s.file.path, s.file.path:sub(#root + 2) } do known[key] = known[key] or s end
    s.split = nil
  end
  local unknown, kept = {}, {}
  for _, part in ipairs(options.names(lists)) do
    local names, err = names_of(lists[part], root)
    if not names then return mistake(err) end
    for _, name in ipairs(names) do
      local s = known[name] or type(name) == "string" and known[(name:gsub("^%./", ""))]
      if not s then unknown[#unknown + 1] = ("%s of %s"):format(options.show(name), part)
      elseif s.split and s.split ~= part then return mistake(("split: image '%s' is in %s and in %s"):format(s.id, s.split, part))
      else s.split = part end
    end
  end
  if #unknown > 0 then return mistake(("split: no image is called %s; images are called %s, .."):format(pairing.some(unknown), samples[1].id)) end
  for _, s in ipairs(samples) do
    if s.split then kept[#kept + 1] = s else table.insert(samples.unsplit, s.image) end
  end
  kept.unmatched, kept.unsplit, kept.split_source = samples.unmatched, samples.unsplit, "lists of the definition"
  return kept
end

local function by_shares(samples, weights, seed)
  local ok, divided = pcall(split.divide, samples, weights, seed)
  if not ok then return mistake(options.plain(divided)) end
  for name, list in pairs(divided) do for _, s in ipairs(list) do s.split = name end end
  local shares = {}
  for _, name in ipairs(split.order(weights)) do shares[#shares + 1] = ("%s %g"):format(name, weights[name]) end
  samples.split_source = ("%s, %s"):format(table.concat(shares, " : "), split.words(samples, seed))
  return samples
end

--- Splits as `how` says.
local function divide(samples, how, root)
  if type(how) == "string" then
    local weights, seed = split.ratio(how)
    if not weights then return mistake(("split: wants shares as \"7:1:2\" or \"7:1:2 seed 5\", lists, or a function; given '%s'"):format(how)) end
    return by_shares(samples, weights, seed)
  elseif type(how) == "function" then
    for _, s in ipairs(samples) do
      s.split = how(s.id, s)
      if type(s.split) ~= "string" then
        return mistake(("split: the function gave %s for image '%s', not a split's name"):format(options.show(s.split), s.id))
      end
    end
    samples.split_source = "a function of the definition"
    return samples
  end
  local weights, seed, lists = {}, how.seed or 0, false
  for key, v in pairs(how) do
    lists = lists or type(v) ~= "number"
    if key ~= "seed" then weights[key] = v end
  end
  if lists then return by_lists(samples, how, root) end
  return by_shares(samples, weights, seed)
end

--- Gives every sample of a folder its group and its split; returns the samples, or nil and a message. o: split, groups.
function parts.assign(samples, root, o)
  local ok, err = group(samples, o.groups)
  if not ok then return nil, err end
  local from_folders = false
  for _, s in ipairs(samples) do from_folders = from_folders or s.split ~= nil end
  local result
  if o.split then
    result, err = divide(samples, o.split, root)
    if not result then return nil, err end
  elseif from_folders then
    samples.split_source, result = "the names of its folders", samples
  else
    result, err = divide(samples, USUAL, root)
    if not result then return nil, err end
  end
  for _, s in ipairs(result) do s.file = nil end
  return result
end

return parts
