--- What is known of a data set: facts of its definition, its files, and what of it is in the data root. ramus datasets SET and
-- docs/reference/datasets.md come from this.
local citation = require "ramus.data.fetch.citation"
local dataset = require "ramus.data.dataset"
local download = require "ramus.data.fetch.download"
local files = require "ramus.base.files"
local options = require "ramus.base.options"
local received = require "ramus.data.fetch.received"

local about = {}

about.CHECKS = { sha256 = "SHA-256 published", md5 = "MD5 published", files = "every file in it has a SHA-256",
  pin = "no checksum published: pinned when it comes first" }

--- "a real download was seen", or that none was.
function about.seen(file)
  if not file.seen then return "no real download was seen yet" end
  return "a real download was seen" .. (type(file.seen) == "string" and ": " .. file.seen or "")
end

--- All files that a set may want: where they depend on an option of a few values, those of each.
local function files_of(def)
  if type(def.files) == "table" then return def.files end
  local _, o = dataset.place(def)
  local list, seen = {}, {}
  local function add(more)
    for _, file in ipairs(more) do
      if not seen[file.name] then list[#list + 1] = file end
      seen[file.name] = true
    end
  end
  for _, name in ipairs(options.names(def.schema or {})) do
    local kept = o[name]
    for _, value in ipairs(def.schema[name].one_of or {}) do
      o[name] = value
      add(def.files(o))
    end
    o[name] = kept
  end
  add(def.files(o))
  return list
end

--- "train 40, test 40", or what the definition says in words.
function about.counts(counts)
  if type(counts) ~= "table" then return counts end
  local parts = {}
  for _, name in ipairs { "train", "val", "test" } do if counts[name] then parts[#parts + 1] = ("%s %d"):format(name, counts[name]) end end
  for _, name in ipairs(options.names(counts)) do
    if name ~= "train" and name ~= "val" and name ~= "test" then parts[#parts + 1] = ("%s %d"):format(name, counts[name]) end
  end
  return table.concat(parts, ", ")
end

--- The prepared folders of a set below a data root: { { folder =, edition = }, .. }, and of a set in place its counts; nil and a message
-- where the folder of such a set does not hold it.
local function prepared_here(def, root)
  local list = {}
  if def.folder then
    local folder, o = dataset.place(def)
    local counts, err = dataset.in_place(dataset.with(def, o), folder, o)
    if not counts then return nil, err end
    return { { folder = folder, edition = "in place" } }, counts
  end
  for _, name in ipairs(files.list(root) or {}) do
    local base = name:match("^(.*)/$")
    local mark = base and (base == def.name or base:sub(1, #def.name + 1) == def.name .. "-") and dataset.mark(root .. "/" .. base)
    if mark and mark.set == def.name then list[#list + 1] = { folder = root .. "/" .. base, edition = mark.edition } end
  end
  return list
end

--- Facts of a set by name or path: those of its definition, and files, options, splits, bibtex, here. data_root nil: nothing of this
-- machine. nil and a message where the set is unknown.
function about.facts(name, data_root)
  local def, err = dataset.find(name)
  if not def then return nil, err end
  local f = { bibtex = citation.bibtex(def), counts = about.counts(def.counts), files = {}, options = {}, splits = { "usual" }, editions = {}, here = {} }
  for _, key in ipairs { "name", "title", "picture", "split_source", "licence", "citation", "sources", "notes", "folder" } do f[key] = def[key] end
  for _, split in ipairs(options.names(def.splits)) do f.splits[#f.splits + 1] = split end
  for i, edition in ipairs(def.editions) do f.editions[i] = edition.name end
  for i, key in ipairs(options.names(def.schema or {})) do f.options[i] = { name = key, default = def.schema[key].default, help = def.schema[key].help } end
  local record = data_root and received.open(def, data_root)
  for i, file in ipairs(files_of(def)) do
    local check = received.check_of(def, file)
    f.files[i] = { name = file.name, urls = file.urls or {}, check = check, sum = file.sha256 or file.md5, bytes = file.bytes, seen = file.seen or false,
      login = file.login, received = record and record.files[file.name] }
  end
  if data_root then
    local here, counts = prepared_here(def, data_root)
    if not here then return nil, counts end
    f.here, f.counts = here, f.counts or about.counts(counts)
  end
  return f
end

local function add(lines, what, text)
  if text and text ~= "" then lines[#lines + 1] = ("%-10s %s"):format(what, text) end
end

local function file_lines(f, file, lines)
  add(lines, "file", ("%s (%s; %s)"):format(file.name, about.CHECKS[file.check], about.seen(file)))
  if file.sum then add(lines, "", ("%s %s"):format(file.check, file.sum)) end
  for _, url in ipairs(file.urls) do add(lines, "", url) end
  if file.login then add(lines, "", download.by_hand({ name = f.name }, file)) end
  local r = file.received
  if r then add(lines, "", ("came here on %s: %d bytes, sha256 %s, from %s"):format(tostring(r.when), r.bytes or 0, tostring(r.sha256), tostring(r.from))) end
end

--- The facts as lines.
function about.lines(f)
  local lines = { ("%s: %s"):format(f.name, f.title) }
  add(lines, "images", f.picture)
  add(lines, "counts", f.counts)
  add(lines, "splits", table.concat(f.splits, ", ") .. (f.split_source and " (" .. f.split_source .. ")" or ""))
  for _, o in ipairs(f.options) do
    add(lines, "option", ("%s%s: %s"):format(o.name, o.default ~= nil and " = " .. tostring(o.default) or "", tostring(o.help)))
  end
  for _, note in ipairs(f.notes or {}) do add(lines, "note", note) end
  add(lines, "terms", f.licence)
  add(lines, "cite", f.citation and f.citation:gsub("\n", "\n" .. (" "):rep(11)))
  for _, source in ipairs(f.sources or {}) do add(lines, "source", source) end
  for _, file in ipairs(f.files) do file_lines(f, file, lines) end
  for _, h in ipairs(f.here) do add(lines, "here", ("%s, edition %s"):format(h.folder, tostring(h.edition))) end
  if #f.here == 0 then add(lines, "here", "no; ramus fetch " .. f.name) end
  return lines
end

return about
