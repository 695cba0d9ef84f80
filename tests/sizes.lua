--- Measures of source files: lines, functions, the longest line. Used by test_sizes.lua.
local util = require "jit.util"

local sizes = {}

local function lines_of(path)
  local list = {}
  for line in io.lines(path) do list[#list + 1] = line end
  return list
end

--- The name that a function is given where it is defined.
local function lua_name(line, n)
  return line:match "function%s+([%w_.:]+)" or line:match "([%w_.]+)%s*=%s*function" or line:match "^%s*([%w_.:]+)%(.*function%(" or ("line " .. n)
end

--- Every function below a prototype or a function of LuaJIT's, as { name, first line, last line }.
local function collect(of, lines, into)
  local info = util.funcinfo(of)
  if info.linedefined and info.linedefined > 0 then
    into[#into + 1] = { name = lua_name(lines[info.linedefined], info.linedefined), first = info.linedefined, last = info.lastlinedefined }
  end
  local i = -1
  while true do
    local constant = util.funck(of, i)
    if constant == nil then return into end
    if type(constant) == "proto" then collect(constant, lines, into) end
    i = i - 1
  end
end

local function lua_functions(path, lines) return collect(assert(loadfile(path)), lines, {}) end

--- Is this text, from the start of a declaration at column 0 to its "{", that of a function?
local function is_function(head)
  return head:find("(", 1, true) and not head:find("=", 1, true) and not head:match "^typedef" and not head:match "^%a+ [%w_]* ?{"
end

--- C as this house writes it: a definition begins and its brace closes at column 0. A macro of several lines counts as one.
local function c_functions(_, lines)
  local list, head, first, open = {}, "", nil, nil
  for n, line in ipairs(lines) do
    local macro = line:match "^#define ([%w_]+).*\\$"
    if open and open.macro then
      if not line:match "\\$" then
        open.last, open = n, nil
      end
    elseif open then
      if line:match "^}" then
        open.last, open = n, nil
      end
    elseif macro then
      open = { name = macro, first = n, macro = true }
      list[#list + 1] = open
    elseif line:match "^[%a_]" or (first and line:match "^%s") then
      if not first then head, first = "", n end
      head = head .. line
      if line:match "{$" and is_function(head) then
        open = { name = head:match "([%w_]+)%(", first = first }
        list[#list + 1] = open
        first = nil
      elseif line:match "[;}]$" or line:match "[;}]%s*/%*.*$" then
        first = nil
      end
    else
      first = nil
    end
  end
  return list
end

--- { lines =, longest =, functions = { { name, first, last }, .. } } of a .lua, .c or .h file.
function sizes.measure(path)
  local lines, longest = lines_of(path), 0
  for _, line in ipairs(lines) do longest = math.max(longest, #line:gsub("[\128-\191]", "")) end -- characters, not bytes of UTF-8
  return { lines = #lines, longest = longest, functions = (path:match "%.lua$" and lua_functions or c_functions)(path, lines) }
end

return sizes
