--- Asks the servers of a data set about its files, by headers alone: is each address alive, how large is the file, has it changed since
-- it was received here?
--
--   probe.set(name, { mirror =, data_root =, options =, seconds = })  nil and a message where the set is unknown, else
--   { set =, state =, files = { { name =, check =, seen =, login =, kept =, state =, sources = { { url =, state =, bytes =, .. }, .. } }, .. } }
--
-- state of a source: "alive", "changed", "page" (a web page came), "refused" (the server is there and will not give it now), "dead", or
-- "unreachable" (nothing answered); of a file the best of its sources' ("login": not asked), of a set the worst of its files'.
local dataset = require "ramus.data.dataset"
local download = require "ramus.data.fetch.download"
local ffi = require "ramus.base.ffi"
local received = require "ramus.data.fetch.received"
local C = ffi.C

local probe = {}

--- From good to bad.
probe.states = { "alive", "login", "changed", "refused", "page", "dead", "unreachable" }
local rank = {}
for i, name in ipairs(probe.states) do rank[name] = i end

local REFUSED = { [401] = true, [403] = true, [408] = true, [425] = true, [429] = true }

--- What the server says of one address: url, bytes, etag, modified, type, status, problem, reached; nil and a message.
local function ask(url, seconds)
  local answer = ffi.new("ra_probe")
  if C.ra_probe_url(url, seconds or 0, answer) ~= 0 then return nil, ffi.message() end
  local said = { url = url, reached = answer.reached, status = answer.status > 0 and answer.status or nil, bytes = answer.bytes > 0 and answer.bytes or nil }
  for _, name in ipairs { "etag", "modified", "type", "problem" } do
    local text = ffi.string(answer[name])
    said[name] = text ~= "" and text or nil
  end
  return said
end

--- What differs from the file as it was received, or as it is declared; the list is nil where nothing could be compared.
local function differences(def, file, kept, said)
  local list, compared = {}, false
  local function compare(what, was, is)
    if was == nil or is == nil then return end
    compared = true
    if was ~= is then list[#list + 1] = ("its %s is %s, was %s"):format(what, tostring(is), tostring(was)) end
  end
  -- an archive that is packed anew for each visitor is checked by the files in it
  if received.check_of(def, file) ~= "files" then compare("size", file.bytes or kept and kept.bytes, said.bytes) end
  if kept and kept.from == said.url then
    if kept.modified and said.modified then compare("date", kept.modified, said.modified)
    else compare("ETag", kept.etag, said.etag) end
  end
  return compared and list or nil
end

local function state_of(file, said)
  if not said.reached then return "unreachable" end
  if said.problem then return (REFUSED[said.status] or (said.status or 0) >= 500) and "refused" or "dead" end
  if (said.type or ""):lower():find("^text/html") and not file.name:find("%.html?$") then return "page" end
  return said.changed and #said.changed > 0 and "changed" or "alive"
end

local function probe_file(def, file, record, o)
  local kept = record.files[file.name]
  local result = { name = file.name, check = received.check_of(def, file), seen = file.seen or false, login = file.login, kept = kept, sources = {} }
  for i, url in ipairs(download.addresses(def, file, o.mirror)) do
    local said, err = ask(url, o.seconds)
    if not said then return nil, err end
    if not said.problem then said.changed = differences(def, file, kept, said) end
    said.state = state_of(file, said)
    if not result.state or rank[said.state] < rank[result.state] then result.state = said.state end
    result.sources[i] = said
    if o.progress then o.progress(said) end
  end
  if file.login and (not result.state or rank[result.state] > rank.login) then result.state = "login" end
  result.state = result.state or "dead" -- without an address
  return result
end

function probe.set(name, given)
  local o = given or {}
  local def, err = dataset.find(name)
  if not def then return nil, err end
  local root = dataset.root(o.data_root)
  local _, set_options = dataset.place(def, root, o.options)
  def = dataset.with(def, set_options)
  local record, damaged = received.open(def, root)
  if not record then return nil, damaged end
  local report = { set = def.name, definition = def, files = {}, state = "alive", downloads = ("%s/downloads/%s"):format(root, def.name) }
  for i, file in ipairs(def.files) do
    report.files[i], err = probe_file(def, file, record, o)
    if not report.files[i] then return nil, err end
    if rank[report.files[i].state] > rank[report.state] then report.state = report.files[i].state end
  end
  return report
end

--- Whether every file can be had as it was, as far as can be asked: a login is no failure.
function probe.good(report) return rank[report.state] <= rank.login end

return probe
