--- Reads what strace wrote (-f -y -xx): the calls that change files below a folder, in their order.
--   trace.read(path, folder) -> list of { act =, said =, fd =, path =, to =, flags =, text =, at =, size =, value = }, paths relative to folder
local trace = {}

local function decoded(text) return (text:gsub("\\x(%x%x)", function(h) return string.char(tonumber(h, 16)) end)) end

--- Lines with "unfinished" and "resumed" put together, in the order of their ends: list of "name(arguments) = result".
local function whole(path)
  local waiting, list = {}, {}
  for line in io.lines(path) do
    local thread, rest = line:match "^(%d+) +(.*)$"
    if thread then
      local begun = rest:match "^(.-) *<unfinished %.%.%.>$"
      local ended = rest:match "^<%.%.%. [%w_]+ resumed>(.*)$"
      if begun then waiting[thread] = begun
      elseif ended then
        if waiting[thread] then list[#list + 1] = waiting[thread] .. ended end
        waiting[thread] = nil
      else list[#list + 1] = rest end
    end
  end
  return list
end

--- Arguments of a call, decoded: strings in quotes without them, descriptors as { fd, path }.
local function arguments(text)
  local all, at = {}, 1
  while at <= #text do
    local quoted, after = text:match('^"([^"]*)"()', at)
    if quoted then all[#all + 1] = { text = decoded(quoted) }
    else
      local name, where
      name, where, after = text:match("^([%w_]+)<([^>]*)>()", at)
      if name then all[#all + 1] = { fd = name, path = decoded(where) }
      else
        local word
        word, after = text:match("^([^,]*)()", at)
        all[#all + 1] = { word = word }
      end
    end
    at = text:match("^[^,]*,? *()", after)
  end
  return all
end

--- A path of a call, relative to the folder; nil where it lies elsewhere.
local function below(folder, base, path)
  if path:sub(1, 1) ~= "/" then path = (base or folder) .. "/" .. path end
  path = path:gsub("/%./", "/"):gsub("//+", "/"):gsub("/%.?$", "")
  if path == folder then return "" end
  return path:sub(1, #folder + 1) == folder .. "/" and path:sub(#folder + 2) or nil
end

local function at_path(folder, a, i) return below(folder, a[i].path, a[i + 1].text) end
local function of_fd(folder, a) return { fd = a.fd, path = a.path and below(folder, nil, (a.path:gsub(" %(deleted%)$", ""))) } end

local read = {}
local function opened(folder, a, i, result)
  return { act = "open", path = i > 1 and at_path(folder, a, i - 1) or below(folder, nil, a[i].text), flags = a[i + 1].word, fd = result:match "^%d+" }
end
function read.openat(folder, a, result) return opened(folder, a, 2, result) end
function read.open(folder, a, result) return opened(folder, a, 1, result) end
function read.write(folder, a, result)
  local c = of_fd(folder, a[1])
  c.act, c.text = "write", a[2].text and a[2].text:sub(1, tonumber(result))
  return c
end
function read.pwrite64(folder, a, result)
  local c = read.write(folder, a, result)
  c.at = tonumber(a[4].word)
  return c
end
function read.lseek(_, a, result) return { act = "seek", fd = a[1].fd, value = tonumber(result) } end
function read.close(_, a) return { act = "close", fd = a[1].fd } end
function read.fsync(folder, a)
  local c = of_fd(folder, a[1])
  c.act = "sync"
  return c
end
read.fdatasync = read.fsync
function read.sync() return { act = "sync_all", path = "" } end
read.syncfs = read.sync -- the folder lies on one file system
function read.ftruncate(folder, a)
  local c = of_fd(folder, a[1])
  c.act, c.size = "size", tonumber(a[2].word)
  return c
end
function read.truncate(folder, a) return { act = "size", path = below(folder, nil, a[1].text), size = tonumber(a[2].word) } end
function read.mkdir(folder, a) return { act = "make", path = below(folder, nil, a[1].text) } end
function read.mkdirat(folder, a) return { act = "make", path = at_path(folder, a, 1) } end
function read.unlink(folder, a) return { act = "remove", path = below(folder, nil, a[1].text) } end
read.rmdir = read.unlink
function read.unlinkat(folder, a) return { act = "remove", path = at_path(folder, a, 1) } end
function read.rename(folder, a) return { act = "rename", path = below(folder, nil, a[1].text), to = below(folder, nil, a[2].text) } end
function read.renameat(folder, a) return { act = "rename", path = at_path(folder, a, 1), to = at_path(folder, a, 3) } end
read.renameat2 = read.renameat
function read.link(folder, a) return { act = "link", path = below(folder, nil, a[1].text), to = below(folder, nil, a[2].text) } end
function read.linkat(folder, a) return { act = "link", path = at_path(folder, a, 1), to = at_path(folder, a, 3) } end

--- Whether a call concerns the folder; a rename into it or out of it would be no rename, so that one is refused.
local function concerns(c)
  if c.act == "seek" or c.act == "close" then return true end
  if c.act == "rename" or c.act == "link" then
    assert((c.path ~= nil) == (c.to ~= nil), "a rename between the folder and elsewhere")
  end
  return c.path ~= nil
end

function trace.read(path, folder)
  local list = {}
  for _, line in ipairs(whole(path)) do
    local name, text, result = line:match "^([%w_]+)%((.*)%) += +([^ ]+)"
    if name and result:sub(1, 1) ~= "-" and result ~= "?" then
      assert(read[name], "no rule for the call " .. name)
      local c = read[name](folder, arguments(text), result)
      if concerns(c) then
        c.said = ("%s(%s%s)"):format(name, c.path or "", c.to and " -> " .. c.to or "")
        list[#list + 1] = c
      end
    end
  end
  return list
end

return trace
