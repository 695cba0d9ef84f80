--- Reading what is typed at the prompt: Lua, in which an expression alone is allowed too.
local chunk = {}

local function compile(text) return loadstring(text, "=input") end

--- True if a message says that the input goes on in the next line.
local function goes_on(message) return message:find("near '<eof>'", 1, true) ~= nil and not message:find("unfinished string", 1, true) end

--- A `local` that begins the input is left out: at the prompt every input is a chunk of its own, and the variable would be
-- gone with it.
local function without_local(text)
  local kept = text:gsub("^%s*local%s+function%s+([%a_][%w_]*%s*%()", "function %1", 1)
  if kept == text and text:match("^%s*local%s+([%a_][%w_%s,]*)=[^=]") then kept = text:gsub("^%s*local%s+", "", 1) end
  return kept
end

--- A chunk for `statement; expression`, which returns the expression's values, and the two texts; nil where the text is none.
local function statements_then_expression(text)
  local at = #text
  repeat
    at = text:sub(1, at - 1):match("^.*();")
    local head, tail = text:sub(1, at or 0), text:sub((at or 0) + 1)
    if at and compile("return nil, " .. tail) and compile(head) then return compile(head .. " return nil, " .. tail), head, tail end
  until not at
  return nil
end

--- Reads an input. Returns { run, shown, plain, script, assign }: the function, which returns nil and then the values; whether these are shown;
-- the same as text, and as text for a file, where it prints them; [opt] the global that gets the first value. nil and a message where it is no
-- Lua; the message "more" where it goes on.
function chunk.read(text)
  local stripped, silent = text:gsub("[%s;]*;%s*$", "")
  local shown = silent == 0
  -- nil first: `return f(x)` alone would be a tail call, and errors would not find the caller's line
  local expression, open = compile("return nil, " .. stripped)
  local function printing(value) return (shown and "print(%s)" or "local _ = %s"):format(value:match("^%s*(.-)%s*$")) end
  if expression then return { run = expression, shown = shown, plain = stripped, script = printing(stripped) } end
  if goes_on(open) then return nil, "more" end
  stripped = without_local(stripped)
  local last, head, tail = statements_then_expression(stripped)
  if last then return { run = last, shown = shown, plain = stripped, script = head .. " " .. printing(tail) } end
  local name, value = stripped:match("^%s*([%a_][%w_]*)%s*=%s*([^=].*)$")
  local assigned = name and compile("return nil, " .. value)
  if assigned then return { run = assigned, assign = name, shown = false, plain = stripped, script = stripped } end
  local statements, err = compile(without_local(text))
  if statements then return { run = statements, shown = false, plain = text, script = without_local(text) } end
  if goes_on(err) then return nil, "more" end
  return nil, err
end

return chunk
