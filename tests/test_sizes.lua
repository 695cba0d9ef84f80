--- In core/ and lua/ no file has more than 400 lines (api.h aside), no function more than 50, no line more than 140 characters in C
-- and 160 in Lua.
local check = require "check"
local files = require "ramus.base.files"
local sizes = require "sizes"

local FILE, FUNCTION, LINE = 400, 50, { c = 140, h = 140, lua = 160 }
local ANY_LENGTH = { ["core/api.h"] = true } -- the border is one file, since the Lua half reads it as one text

--- What exceeds in one file: "FILE", "FILE: function NAME" or "FILE: line" -> lines or characters.
local function excesses(path, name)
  local m, found = sizes.measure(path), {}
  if m.lines > FILE and not ANY_LENGTH[name] then found[name] = m.lines end
  if m.longest > LINE[name:match "%.(%a+)$"] then found[name .. ": line"] = m.longest end
  for _, f in ipairs(m.functions) do
    check.ok(f.last, ("%s:%d: the end of %s was not found"):format(name, f.first, tostring(f.name)))
    local length = f.last - f.first + 1
    if length > FUNCTION then found[name .. ": function " .. f.name] = length end
  end
  return found, #m.functions
end

check.case("sizes: files, functions and lines of core/ and lua/ stay short", function()
  local functions, wrong = 0, {}
  for path in io.popen(("cd %s && find core lua -name '*.[ch]' -o -name '*.lua'"):format(check.root)):lines() do
    local more, n = excesses(check.root .. "/" .. path, path)
    for key, measure in pairs(more) do wrong[#wrong + 1] = ("%s is too long: %d; please divide it"):format(key, measure) end
    functions = functions + n
  end
  check.ok(functions > 1500, "only " .. functions .. " functions were found")
  table.sort(wrong)
  check.ok(#wrong == 0, table.concat(wrong, "\n"))
end)

check.case("sizes: the measurer sees functions of C and of Lua as they are", function()
  local folder = check.folder "sizes"
  local c, lua = folder .. "/a.c", folder .. "/a.lua"
  assert(files.write(c, [[
#define TWO(name) \
  int name(int a) { return a; } \
  int name##_(int a) { return a; }

static const int list[] = {
  1, 2,
};
typedef struct {
  int (*call)(int);
} object;

/* about it { */
int long_one(const char *text,
             int n) {
  if (n) {
    return 1;
  }
  return 0;
}

void short_one(void) {
}
]]))
  assert(files.write(lua, "local t = {}\n" ..
    "function t.first(a)\n  return function()\n    return a\n  end\nend\nt.second = function() return 'end' end\nreturn t\n"))
  local function show(path)
    local list = {}
    for i, f in ipairs(sizes.measure(path).functions) do list[i] = ("%s %d-%d"):format(f.name, f.first, f.last) end
    table.sort(list)
    return table.concat(list, ", ")
  end
  check.equal(show(c), "TWO 1-3, long_one 13-19, short_one 21-22")
  check.equal(show(lua), "line 3 3-5, t.first 2-6, t.second 7-7")
end)

check.case("sizes: what is too long is found", function()
  local path = check.folder "sizes" .. "/long.lua"
  assert(files.write(path, "local function f()\n" .. ("\n"):rep(FUNCTION - 1) .. "end\nf()\n" .. ("\n"):rep(FILE - FUNCTION) .. "-- " .. ("x"):rep(LINE.lua)))
  local found = excesses(path, "long.lua")
  check.equal(found["long.lua: function f"], FUNCTION + 1)
  check.equal(found["long.lua"], FILE + 3)
  check.equal(found["long.lua: line"], LINE.lua + 3)
end)
