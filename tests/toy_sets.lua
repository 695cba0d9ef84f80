--- Small data sets of one archive each, for tests of fetching.
local check = require "check"
local dataset = require "ramus.data.dataset"
local fetch = require "ramus.data.fetch"
local files = require "ramus.base.files"

local function put(path, text) assert(files.write(path, text)) end

return function(folder, served)
  local toys = {}

  --- Packs a set of n pictures, each of the given grey, as served/NAME; how: tar's flags, gzip unless given.
  function toys.pack(name, grey, how)
    local place = folder .. "/source"
    os.execute(("rm -rf %s && mkdir -p %s"):format(place, place))
    for i = 1, 2 do
      put(("%s/%d.pgm"):format(place, i), ("P2\n2 1\n255\n%d %d\n"):format(grey, i))
      put(("%s/%d_gt.pgm"):format(place, i), "P2\n2 1\n255\n0 255\n")
    end
    check.equal(os.execute(("cd %s && tar c%s %s/%s ."):format(place, how or "zf", served, name)), 0)
    return served .. "/" .. name
  end

  --- Registers a set of one archive; file: more fields of its entry.
  function toys.define(name, file)
    file.name, file.unpack = file.name or name .. ".tar.gz", true
    local list = {}
    for i = 1, 2 do
      list[2 * i - 1], list[2 * i] = { path = i .. ".pgm" }, { path = i .. "_gt.pgm" }
    end
    return dataset.register { name = name, files = { file }, editions = { { name = "full", files = list } },
      open = function(where) return dataset.pair(where, { image = "^(%d+)%.pgm$", mask = "^(%d+)_gt%.pgm$" }) end }
  end

  --- Fetches; returns what ra.fetch does, and what was said to be pinned.
  function toys.bring(name, root, o)
    local given, said = { data_root = root, wait = 0.01, tries = 2 }, {}
    for k, v in pairs(o or {}) do given[k] = v end
    given.progress = function(p) said[#said + 1] = p.stage == "pinned" and p.note or nil end
    local where, err = fetch(name, given)
    return where, err, table.concat(said, "\n")
  end

  return toys
end
