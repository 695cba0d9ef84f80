--- ramus fetch: brings a data set.
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

return {
  name = "fetch", order = 7, words = "SET", help = "bring a data set to the data root, checked",
  flags = {
    { name = "from", value = "PATH", wants = "a folder or archive", help = "folder or archive that is used instead of the network" },
    { name = "mirror", value = "URL", wants = "an address", help = "address or folder that is tried before any other" },
    command.DATA_ROOT,
    { name = "set", value = "K=V", wants = "KEY=VALUE", many = true, help = "option of the set, as train=24 of phantom" },
    { name = "again", help = "prepare the set again even if it exists" },
    { name = "accept-changed", help = "a file without a published checksum may be another one than was pinned: take and pin it" }, command.OFFLINE,
  },
  run = function(words, given)
    if #words ~= 1 then return false, ("fetch wants one data set, given %d; ramus datasets lists them"):format(#words), 2 end
    local def, unknown = require("ramus.data.dataset").find(words[1])
    if not def then return false, unknown, 2 end
    local o, err = set_options(def, given.set)
    if not o then return false, err, 2 end
    local out = require("ramus.base.progress").new {}
    local folder
    local fetch = require "ramus.data.fetch"
    folder, err = fetch(words[1], { from = given.from, mirror = given.mirror, data_root = given["data-root"], offline = given.offline,
      again = given.again, accept_changed = given["accept-changed"], options = o.options, progress = fetch.show(out) })
    if not folder then return false, err end
    for _, note in ipairs((require("ramus.data.dataset").mark(folder) or {}).notes or {}) do out:line(def.name .. ": " .. note) end
    out:line(("%s is in %s"):format(def.name, folder))
    return 0
  end,
}
