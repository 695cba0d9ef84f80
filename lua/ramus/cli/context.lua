--- Where the cursor stands in Lua that is being typed: in a string, at the name or the value of an option, behind a dot.
local context = {}

--- The path of names that ends a text, as "ra.optim.adamw", "net:forward", "x[1].a"; nil where it ends otherwise.
local function path_at_end(text)
  local rest, path = text:gsub("%s+$", ""), ""
  while true do
    local bracket = rest:match("%[%s*[%w_\"']+%s*%]$")
    if bracket then
      path, rest = bracket .. path, rest:sub(1, -#bracket - 1)
    else
      local name = rest:match("[%a_][%w_]*$")
      if not name then return nil end
      path, rest = name .. path, rest:sub(1, -#name - 1)
      local sign = rest:match("[%.:]$")
      if not sign or rest:match("%.%.$") then return path end
      path, rest = sign .. path, rest:sub(1, -2)
    end
  end
end
context.path_at_end = path_at_end

--- Opens a bracket behind `before`, the text up to it. A table knows whose options it holds: the call that it is an argument of, or the
-- option of the table around it.
local function open(stack, bracket, before, at)
  local frame = { bracket = bracket, from = at + 1, argument = 1 }
  local outer = stack[#stack]
  local item = outer and before:sub(outer.from)
  if bracket == "(" then frame.callee = path_at_end(before)
  elseif bracket == "{" then
    local key = item and item:match("^%s*([%a_][%w_]*)%s*=%s*$")
    if outer and outer.bracket == "{" and key then frame.parent, frame.key = outer, key
    elseif outer and outer.bracket == "{" and item:match("^%s*$") then frame.parent = outer -- an entry of a list
    elseif outer and outer.bracket == "(" and item:match("^%s*$") then frame.callee, frame.argument = outer.callee, outer.argument
    elseif not before:match("[=,]%s*$") then frame.callee = path_at_end(before) end
  end
  stack[#stack + 1] = frame
end

--- The end of a string that begins at i, and nil, or what stands in it where it is not closed.
local function string_from(text, i)
  local quote = text:sub(i, i)
  if quote == "[" then
    local level = text:match("^%[(=*)%[", i)
    local _, last = text:find("]" .. level .. "]", i, true)
    return last, not last and text:sub(i + 2 + #level) or nil
  end
  local k = i + 1
  while k <= #text do
    local c = text:sub(k, k)
    if c == "\\" then k = k + 1
    elseif c == quote or c == "\n" then return k end
    k = k + 1
  end
  return nil, text:sub(i + 1)
end

local CLOSING = { [")"] = true, ["]"] = true, ["}"] = true }

--- Reads the text before the cursor. Returns its innermost open bracket (nil: none), what stands in an open string (nil: none) and where that
-- begins; nothing where a comment is being written.
local function scan(text)
  local stack, i = {}, 1
  while i <= #text do
    local c = text:sub(i, i)
    if c == "-" and text:match("^%-%-", i) then
      local stop = text:find("\n", i, true)
      if not stop then return nil, nil, nil, true end
      i = stop
    elseif c == '"' or c == "'" or text:match("^%[=*%[", i) then
      local last, inside = string_from(text, i)
      if not last then return stack[#stack], inside, i end
      i = last
    elseif c == "(" or c == "{" or c == "[" then open(stack, c, text:sub(1, i - 1), i)
    elseif CLOSING[c] then stack[#stack] = nil
    elseif (c == "," or c == ";") and stack[#stack] then
      local frame = stack[#stack]
      frame.from, frame.argument = i + 1, frame.bracket == "(" and frame.argument + 1 or frame.argument
    end
    i = i + 1
  end
  return stack[#stack]
end

--- { kind, partial, frame, key }. kind: "comment"; "string", with quote = where it begins; "key", the name of an option; "value", of the option
-- key; "field", with path and sign; "name". frame: the open bracket, { bracket, callee, argument } or { bracket, parent, key }.
function context.of(text)
  local frame, inside, quote, comment = scan(text)
  if comment then return { kind = "comment", partial = "" } end
  local item = frame and text:sub(frame.from, quote and quote - 1 or #text)
  local key, value
  if frame and frame.bracket == "{" then
    key, value = item:match("^%s*([%a_][%w_]*)%s*=([^=].*)$")
    if not key then key, value = item:match("^%s*([%a_][%w_]*)%s*=()$") end
  end
  if inside then
    local called = item and item:match("^%s*$") and frame or nil
    local bare = not frame and path_at_end(text:sub(1, quote - 1)) -- help "conv
    return { kind = "string", partial = inside, frame = called or key and frame, key = key, bare = bare }
  end
  local partial = text:match("[%a_]?[%w_]*$")
  local before = text:sub(1, #text - #partial)
  local sign = before:match("[%.:]$")
  if sign and not before:match("%.%.$") then
    local path = path_at_end(before:sub(1, -2))
    return { kind = "field", partial = partial, path = path, sign = sign, call = before:match("%)%s*[%.:]$") ~= nil }
  end
  if key and tostring(value):match("^%s*[%w_]*$") then return { kind = "value", partial = partial, frame = frame, key = key } end
  if item and frame.bracket == "{" and item:match("^%s*[%w_]*$") then return { kind = "key", partial = partial, frame = frame } end
  return { kind = "name", partial = partial }
end

return context
