--- ramus fetch: brings data sets.
local command = require "ramus.cli.command"
local options = require "ramus.base.options"

--- Options of the set itself from a list of KEY=VALUE, checked by its own table; nil and a message where one is wrong.
local function set_options(def, list)
  if not list then return {} end
  local o = {}
  for _, pair in ipairs(list) do
    local k, v = pair:match("^([%w_]+)=(.*)$")
    if not k then return nil, ("--set wants KEY=VALUE, given '%s'"):format(pair) end
    o[k] = command.value(v)
  end
  if not def.schema then return nil, ("--set: data set %s has no options"):format(def.name) end
  local ok, err = options.validate(o, def.schema, "--set")
  if not ok then return nil, err end
  return { options = o }
end

--- The definitions of the words, each once; nil and a message.
local function definitions(words)
  local list, seen = {}, {}
  for _, word in ipairs(words) do
    local def, err = require("ramus.data.dataset").find(word)
    if not def then return nil, err end
    if not seen[def.name] then list[#list + 1] = { word = word, def = def } end
    seen[def.name] = true
  end
  return list
end

local function notes_of(folder) return (require("ramus.data.dataset").mark(folder) or {}).notes or {} end

local function one(job, o)
  local fetch, out = require "ramus.data.fetch", require("ramus.base.progress").new {}
  o.progress = fetch.show(out)
  local folder, err = fetch(job.word, o)
  if not folder then return false, err end
  for _, note in ipairs(notes_of(folder)) do out:line(job.def.name .. ": " .. note) end
  out:line(("%s is in %s"):format(job.def.name, folder))
  return 0
end

--- A line of its own for each set: live at a terminal, else one per stage and whatever the download does besides.
local function shower(out, fetch)
  local last = {}
  return function(i, p)
    if p.stage == "pinned" then return out:line(i, p.note) end
    out:update(i, fetch.describe(p))
    local step = p.stage == "download" and ("download %s from %s%s"):format(p.file, p.url or "?", p.note ~= "downloading" and ": " .. p.note or "")
      or ("%s %s"):format(p.stage, p.file or p.note or "")
    if not out.live and step ~= last[i] then out:line(i, step) end
    last[i] = step
  end
end

local function several(jobs, o, json)
  local fetch, names, words = require "ramus.data.fetch", {}, {}
  for i, job in ipairs(jobs) do names[i], words[i] = job.def.name, job.word end
  local out = require("ramus.base.lines").new(names, { quiet = json })
  o.progress = shower(out, fetch)
  local failed = {}
  local results = fetch.several(words, o, function(i, folder)
    for _, note in ipairs(folder and notes_of(folder) or {}) do out:line(i, note) end
    if not folder then failed[#failed + 1] = names[i] end
    out.text[i] = folder and "is in " .. folder or "failed, see the end"
    if not out.live then out:line(i, out.text[i]) end
  end)
  out:close()
  if json then
    for i, r in ipairs(results) do r.name = names[i] end
    print(require("ramus.base.json").encode(results))
  end
  if #failed == 0 then return 0 end
  for _, r in ipairs(results) do if r.error then command.complain(r.error) end end
  return false, ("%d of %d sets could not be fetched: %s"):format(#failed, #jobs, table.concat(failed, ", "))
end

--- Asks for headers only.
local function ask(jobs, given, set)
  local probe, text, out = require "ramus.data.fetch.probe", require "ramus.data.fetch.probe_text", require("ramus.base.progress").new { quiet = given.json }
  local list, bad = {}, {}
  for i, job in ipairs(jobs) do
    local report, err = probe.set(job.word, { mirror = given.mirror, data_root = given["data-root"], options = set,
      progress = function(said) out:update(("%s: %s %s"):format(job.def.name, said.state, said.url)) end })
    if not report then return false, err end
    list[i] = text.plain(report)
    if not probe.good(report) then bad[#bad + 1] = job.def.name end
    for _, line in ipairs(text.lines(report)) do out:line(line) end
  end
  if given.json then print(require("ramus.base.json").encode(list)) end
  if #bad == 0 then return 0 end
  return false, ("%d of %d sets cannot be had as they were: %s"):format(#bad, #jobs, table.concat(bad, ", "))
end

--- Why these options cannot stand together, or nil.
local function contradiction(jobs, given)
  if #jobs > 1 and (given.from or given.set) then return ("--%s is for one data set, given %d"):format(given.from and "from" or "set", #jobs) end
  for _, name in ipairs(given.probe and { "from", "offline", "again", "accept-changed" } or {}) do
    if given[name] then return ("--probe asks the servers and brings nothing; leave out --%s"):format(name) end
  end
end

return {
  name = "fetch", order = 7, words = "SET...", help = "bring data sets to the data root, checked; several at once",
  example = "ramus fetch phantom --set size=64 --set train=24",
  flags = {
    { name = "from", value = "PATH", wants = "a folder or archive", help = "folder or archive that is used instead of the network",
      unless = "the network" },
    { name = "mirror", value = "URL", wants = "an address", help = "address or folder that is tried before any other", unless = "RAMUS_MIRROR" },
    command.DATA_ROOT,
    { name = "set", value = "K=V", wants = "KEY=VALUE", many = true, unless = "the set's own", help = "option of the set, as train=24 of phantom" },
    { name = "again", help = "prepare the set again even if it exists" },
    { name = "accept-changed", help = "a file without a published checksum may be another one than was pinned: take and pin it" }, command.OFFLINE,
    { name = "probe", help = "only ask the servers (headers): alive, size, changed since it was received; status 1 where one is not to be had" },
    command.JSON,
  },
  run = function(words, given)
    if #words == 0 then return false, "fetch wants at least one data set; ramus datasets lists them", 2 end
    local jobs, err = definitions(words)
    if not jobs then return false, err end
    local wrong = contradiction(jobs, given)
    if wrong then return false, wrong, 2 end
    local o
    o, err = set_options(jobs[1].def, given.set)
    if not o then return false, err, 2 end
    if given.probe then return ask(jobs, given, o.options) end
    o.from, o.mirror, o.data_root, o.offline = given.from, given.mirror, given["data-root"], given.offline
    o.again, o.accept_changed = given.again, given["accept-changed"]
    if #jobs > 1 or given.json then return several(jobs, o, given.json) end
    return one(jobs[1], o)
  end,
}
