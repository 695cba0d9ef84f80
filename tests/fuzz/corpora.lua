--- The committed corpora, tests/fuzz/corpus/READER.tar.gz: inputs that reach what neither the seeds nor tests/reference reach.
--
--   corpora.unpack(name, folder)     the committed inputs of a reader; how many
--   ramus run tests/fuzz/corpora.lua [CORPUS]    makes them anew of build/fuzz/corpus (or CORPUS) with build/fuzz/fuzzer, each input a file of at
--                                    most 2 KB, the smallest first, at most LIMIT bytes for a reader
local root = (debug.getinfo(1, "S").source:match "^@(.*/)" or "./") .. "../../"
local is_program = arg and arg[0] and arg[0]:match "corpora%.lua$"
if is_program then package.path = root .. "tests/fuzz/?.lua;" .. root .. "tests/?.lua;" .. package.path end
local files = require "ramus.base.files"
local processes = require "processes"

local corpora = {}
local LIMIT = 55000 -- of the packed inputs of a reader; of all together less than 1 MB

local function place(name) return ("%stests/fuzz/corpus/%s.tar.gz"):format(root, name) end

function corpora.unpack(name, folder)
  processes.sh(("rm -rf %s && mkdir -p %s"):format(folder, folder))
  if not files.is_file(place(name)) then return 0 end
  local said, status = processes.sh(("tar xzf %s -C %s"):format(place(name), folder))
  assert(status == 0, said)
  return #assert(files.list(folder))
end

--- Packs the smallest of the inputs in a folder, so many as LIMIT allows; their number.
local function pack(name, folder)
  local list = {}
  for _, file in ipairs(assert(files.list(folder))) do list[#list + 1] = { file, files.size(folder .. "/" .. file) } end
  table.sort(list, function(a, b) return a[2] < b[2] or a[2] == b[2] and a[1] < b[1] end)
  while #list > 0 do
    local names = {}
    for i, entry in ipairs(list) do names[i] = entry[1] end
    assert(files.write(folder .. ".names", table.concat(names, "\n") .. "\n"))
    local said, status = processes.sh(("tar c --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C %s -T %s.names | gzip -9n > %s"):format(folder,
      folder, place(name)))
    assert(status == 0, said)
    if files.size(place(name)) <= LIMIT then break end
    for _ = 1, math.ceil(#list / 10) do table.remove(list) end
  end
  if #list == 0 then os.remove(place(name)) end
  return #list
end

--- What a reader's corpus adds to seeds and references, minimised by libFuzzer.
local function minimise(name, corpus)
  local base, known = "build/fuzz/merge/" .. name, {}
  require("seeds").write(name, "build/fuzz/seeds/" .. name)
  processes.sh(("rm -rf @ @.new && mkdir -p @ @.new && find tests/reference build/fuzz/seeds/%s -maxdepth 1 -type f -exec cp {} @ \\;"):format(name)
    :gsub("@", base))
  for _, file in ipairs(assert(files.list(base))) do known[file] = true end
  corpora.unpack(name, base .. ".committed")
  local said, status = processes.sh(("ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 build/fuzz/fuzzer --reader=%s -merge=1 -max_len=2048 -timeout=20 "
    .. "%s %s/%s %s.committed"):format(name, base, corpus, name, base))
  assert(status == 0, said)
  for _, file in ipairs(assert(files.list(base))) do
    if not known[file] then assert(files.copy(base .. "/" .. file, base .. ".new/" .. file)) end
  end
  return pack(name, base .. ".new")
end

if is_program then
  assert(files.make_folder(root .. "tests/fuzz/corpus"))
  for name in (processes.sh "build/fuzz/fuzzer --list"):gmatch "%S+" do
    print(("%-12s %d inputs, %d bytes packed"):format(name, minimise(name, arg[1] or "build/fuzz/corpus"), files.size(place(name)) or 0))
  end
end

return corpora
