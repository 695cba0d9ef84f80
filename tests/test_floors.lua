--- Arrows point down only, and files never in a circle: see floors.lua.
local check = require "check"
local floors = require "floors"
local files = require "ramus.base.files"

local function lines_of(command)
  local list = {}
  for line in io.popen(command):lines() do list[#list + 1] = line end
  return list
end

local function level_of(half)
  local level = {}
  for i, floor in ipairs(floors[half]) do level[floor[1]] = i end
  return level
end

--- Uses of a file: list of { to =, line = }.
local function uses(path, pattern)
  local found, n = {}, 0
  for line in io.lines(path) do
    n = n + 1
    local code = not line:match("^%s*%-%-") and line or ""
    for to in code:gmatch(pattern) do found[#found + 1] = { to = to, where = path .. ":" .. n } end
  end
  return found
end

--- A circle among files as text, or nil. edges: file -> list of files.
local function circle(edges)
  local state, stack = {}, {}
  local function visit(file)
    state[file] = "open"
    stack[#stack + 1] = file
    for _, to in ipairs(edges[file] or {}) do
      if state[to] == "open" then
        stack[#stack + 1] = to
        return table.concat(stack, " -> ")
      end
      local found = not state[to] and visit(to)
      if found then return found end
    end
    state[file], stack[#stack] = "done", nil
    return nil
  end
  for file in pairs(edges) do
    local found = not state[file] and visit(file)
    if found then return found end
  end
  return nil
end

check.case("floors: every #include of core points down", function()
  local level, seen = level_of "core", 0
  for _, path in ipairs(lines_of("find " .. check.root .. "/core -mindepth 2 -name '*.[ch]'")) do
    local folder = path:match("/core/(%w+)/")
    check.ok(level[folder], ("core/%s is on no floor; add it to tests/floors.lua"):format(folder))
    for _, use in ipairs(uses(path, '#include "%.%./([%w_/.]+)"')) do
      local to = use.to:match("^(%w+)/")
      seen = seen + 1
      if to and to ~= folder then
        check.ok(level[to] and level[to] < level[folder], ("%s: core/%s includes %s, which lies above it"):format(use.where, folder, use.to))
      end
    end
  end
  check.ok(seen > 100, "only " .. seen .. " includes were found")
end)

--- Module name -> path, for every Lua file of the house.
local function modules()
  local list = {}
  for _, path in ipairs(lines_of("find " .. check.root .. "/lua/ramus -name '*.lua'")) do
    list[path:match("lua/(ramus.*)%.lua$"):gsub("/init$", ""):gsub("/", ".")] = path
  end
  return list
end

--- Modules that are not files of lua/ramus: LuaJIT's, lua-cjson's, and the line editor in C.
local FOREIGN = { ffi = true, bit = true, cjson = true, ["jit.profile"] = true, ["jit.util"] = true, ["table.new"] = true, ["ramus.line"] = true }

local function floor_of(module) return module == "ramus" and "ramus" or module:match("^ramus%.(%w+)") end

check.case("floors: every require of lua/ramus points down, and no files require each other", function()
  local level, edges, known, seen = level_of "lua", {}, modules(), 0
  for module, path in pairs(known) do
    local floor = floor_of(module)
    check.ok(level[floor], ("%s is on no floor; add it to tests/floors.lua"):format(path))
    edges[module] = {}
    for _, use in ipairs(uses(path, [=[require%f[^%w_][%s,(]*["']([^"']*)["']]=])) do
      local prefix = use.to:match "^ramus%.(.*%.)$" or use.to == "ramus." -- of a name that is put together
      if known[use.to] or prefix then
        seen = seen + 1
        if not prefix then table.insert(edges[module], use.to) end
        check.ok((level[floor_of(use.to)] or level.ramus) <= level[floor], ("%s: %s requires %s, which lies above it"):format(use.where, module, use.to))
      else
        check.ok(FOREIGN[use.to], ("%s: there is no module %s in lua/ramus"):format(use.where, use.to))
      end
    end
    -- a name in a variable hides what is required: below the public names only a registry of files does that, for its own folder
    for _, use in ipairs(uses(path, [=[require%f[^%w_]%s*[(,]%s*([%a_][%w_.]*)]=])) do
      local prefix = use.to == "PREFIX" and assert(files.read(path)):match('local PREFIX[%w_, ]* = "(ramus%.[%w_.]*)"')
      check.ok(level[floor] >= level.ramus or prefix and level[floor_of(prefix)] <= level[floor],
        ("%s: %s requires a module whose name stands in a variable, %s"):format(use.where, module, use.to))
    end
  end
  check.ok(seen > 100, "only " .. seen .. " requires were found")
  local found = circle(edges)
  check.ok(not found, "a circle of requires: " .. tostring(found))
end)

--- api.h declares every public function, so an arrow up needs no include: the symbols of the objects are looked at as well.
check.case("floors: no folder of core uses a function of a higher one", function()
  local level, home, used, seen = level_of "core", {}, {}, 0
  local build = check.root .. "/build/release/core"
  if #lines_of("command -v nm") == 0 or not files.is_folder(build) then check.skip "no nm, or no objects" return end
  for _, line in ipairs(lines_of("nm -A " .. build .. "/*/*.o")) do
    local source, folder, kind, name = line:match "/(core/(%w+)/[^:]*)%.o:%x*%s+(%a) (ra_[%w_]+)$"
    if source and not files.exists(("%s/%s.c"):format(check.root, source)) then kind = nil end -- left by an earlier build
    if kind == "U" then used[#used + 1] = { folder = folder, name = name, line = line }
    elseif kind == "T" or kind == "D" or kind == "R" or kind == "B" then home[name] = folder end
  end
  for _, use in ipairs(used) do
    local to = home[use.name]
    seen = seen + (to and 1 or 0)
    check.ok(not to or not level[use.folder] or level[to] <= level[use.folder],
      ("core/%s uses %s of core/%s, which lies above it (%s)"):format(use.folder, use.name, to or "", use.line))
  end
  check.ok(seen > 500, "only " .. seen .. " uses of functions were found")
end)

check.case("floors: the test sees an arrow up and a circle", function()
  check.equal(circle { a = { "b" }, b = { "c" }, c = { "b" } } ~= nil, true)
  check.equal(circle { a = { "b", "c" }, b = { "c" } }, nil)
  check.ok(level_of("core").base < level_of("core").graph)
end)

local function rooms_of(floor)
  local names = {}
  for name in pairs(floor[3] or {}) do names[#names + 1] = name end
  table.sort(names)
  return names
end

check.case("floors: every folder below a floor of lua/ramus is a room of the table, and has its door", function()
  local there, listed = lines_of("cd " .. check.root .. "/lua/ramus && find . -mindepth 2 -type d | sed 's,^./,,' | LC_ALL=C sort"), {}
  for _, floor in ipairs(floors.lua) do
    for _, room in ipairs(rooms_of(floor)) do
      listed[#listed + 1] = floor[1] .. "/" .. room
      if room ~= "commands" then check.ok(files.exists(("%s/lua/ramus/%s.lua"):format(check.root, listed[#listed])), listed[#listed] .. " has no door") end
    end
  end
  table.sort(listed)
  check.equal(table.concat(there, " "), table.concat(listed, " "))
end)

--- The table as architecture.md shows it.
local function as_markdown()
  local lines = {}
  for _, half in ipairs { "core", "lua" } do
    lines[#lines + 1] = ("| `%s` | what it holds |\n|---|---|"):format(half == "core" and "core/" or "lua/ramus/")
    for _, floor in ipairs(floors[half]) do
      lines[#lines + 1] = ("| `%s` | %s |"):format(floor[1], floor[2])
      for _, room in ipairs(rooms_of(floor)) do lines[#lines + 1] = ("| `%s/%s` | %s |"):format(floor[1], room, floor[3][room]) end
    end
    lines[#lines + 1] = ""
  end
  return table.concat(lines, "\n")
end

check.case("floors: architecture.md shows this table", function()
  local text = assert(files.read(check.root .. "/docs/explanation/architecture.md"))
  check.ok(text:find(as_markdown(), 1, true), "docs/explanation/architecture.md should hold\n" .. as_markdown())
end)
