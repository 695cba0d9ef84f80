--- A session of the REPL: what one line does. Lines are Lua; expressions show their values, `;` at the end keeps silent, ?name explains,
-- ??word searches, `$ command` goes to the shell, `time expression` measures.
local chunk = require "ramus.cli.chunk"
local complaint = require "ramus.cli.complaint"
local ffi = require "ramus.base.ffi"
local guarded = require "ramus.base.guarded"
local help = require "ramus.cli.help"
local late = require "ramus.cli.late"
local options = require "ramus.base.options"
local show = require "ramus.base.show"
local syntax_hints = require "ramus.cli.syntax_hints"

local Session = {}
Session.__index = Session

-- ---- what is at hand --------------------------------------------------------------

--- Names that a session defines, each made from the session. A file has the first four by:
-- local ra = require "ramus"; local F, nn, C = ra.F, ra.nn, require("ramus.base.ffi").C
local at_hand = {
  ra = function() return require "ramus" end,
  F = function() return require "ramus.lang.F" end,
  nn = function() return require "ramus.lang.nn" end,
  C = function() return ffi.C end,
  help = function(self) return function(what) self:help(what) end end,
  who = function(self) return function() self:who() end end,
  timing = function(self)
    return function(on)
      if on == nil then on = not self.times end
      self.times = on
    end
  end,
  script = function(self) return function(path) self:script(path) end end,
}

for _, name in ipairs(late.names) do
  at_hand[name] = function() return late.stand_in(name) end
end

local TALK = { help = true, who = true, timing = true, script = true }

local function globals()
  local names = {}
  for k in pairs(_G) do names[k] = true end
  return names
end

--- given: write(text), complain(text), watch(on) around running code, remember(text) for every input, interactive.
local function new(given)
  local function nothing() end
  local self = setmetatable({ write = given.write, complain = given.complain, watch = given.watch or nothing, remember = given.remember or nothing,
    interactive = given.interactive, unfinished = nil, times = false, inputs = {} }, Session)
  self.own = {}
  for name, make in pairs(at_hand) do
    self.own[name] = make(self)
    rawset(_G, name, self.own[name])
  end
  self.known = globals()
  return self
end

--- Lists the variables that were made in this session, and how much memory the core holds.
function Session:who()
  local names, width = {}, 4
  for k in pairs(_G) do
    if type(k) == "string" and k ~= "_" and (not self.known[k] or self.own[k] ~= nil and _G[k] ~= self.own[k]) then
      names[#names + 1], width = k, math.max(width, #k)
    end
  end
  table.sort(names)
  local lines = {}
  for _, name in ipairs(names) do
    local v = _G[name]
    local own = type(v) == "table" and require("ramus.cli.display").text(v)
    local text = type(v) == "function" and "function" or own and own:match "^[^\n]*" or show.brief(v)
    lines[#lines + 1] = ("  %-" .. width .. "s  %s"):format(name, text)
  end
  if #names == 0 then lines[1] = "  no variables yet" end
  lines[#lines + 1] = ("  tensors and plans hold %.1f MB"):format(ffi.C.ra_mem_live() / 1e6)
  self.write(table.concat(lines, "\n") .. "\n")
end

--- True for an input that calls what only a session has, as who().
function Session:is_talk(input)
  local name = input:match("^%s*([%a_]+)%s*[%(\"'{]")
  return name ~= nil and TALK[name] and rawget(_G, name) == self.own[name]
end

--- script("FILE.lua"): what was typed in this session and did not fail, as a file for `ramus run`. Replaces no file.
function Session:script(path)
  local files = require "ramus.base.files"
  if type(path) ~= "string" then error('script: wants the name of a file, as script("first.lua")', 3) end
  if files.exists(path) then error(("script: %s is there already; choose another name"):format(path), 3) end
  local lines = { 'local ra = require "ramus"', "local F, nn = ra.F, ra.nn" }
  for _, text in ipairs(self.inputs) do
    if text:find("%f[%w_]C%.") and not lines.core then
      lines.core = true
      table.insert(lines, 3, 'local C = require("ramus.base.ffi").C')
    end
    for _, name in ipairs(late.names) do
      if not lines[name] and text:find("%f[%w_.]" .. name .. "%s*[%(\"'{]") and rawget(_G, name) == self.own[name] then
        lines[name] = true
        table.insert(lines, 3, ("local %s = ra.%s"):format(name, name))
      end
    end
    lines[#lines + 1] = text
  end
  local ok, err = files.write(path, table.concat(lines, "\n") .. "\n")
  if not ok then error("script: " .. err, 3) end
end

-- ---- values and errors --------------------------------------------------------------

--- The most lines of a table that has no print of its own.
local MOST = 120

--- The first lines of a long text of a plain table.
local function shortened(text, v)
  if type(v) ~= "table" or (getmetatable(v) or {}).__tostring then return text end
  local at, n = 0, select(2, text:gsub("\n", "\n")) + 1
  if n <= MOST then return text end
  for _ = 1, MOST do at = text:find("\n", at + 1, true) end
  return ("%s\n... %d lines more; a field of it is shorter"):format(text:sub(1, at - 1), n - MOST)
end

--- A function that has no public name: where it is written.
local function function_text(f)
  local info = debug.getinfo(f, "S")
  if info.what == "C" then return "function of Lua's own" end
  return ("function of %s, line %d"):format(info.short_src, info.linedefined)
end

--- A value as text; for ra and its parts, the names in them.
local function text_of(v)
  v = late.real(v)
  if v == require "ramus" then return help.topics() end
  local part = (type(v) == "table" or v == ffi.C) and help.name_of(v)
  if part and not part:find(".", 1, true) then return show.wrapped(help.find(part)) end
  local callable = type(v) == "function" or type(v) == "cdata" and tostring(v):find "^cdata<.*%(%)>" ~= nil
  local name = callable and help.name_of(v)
  if type(v) == "function" and not name then return function_text(v) end
  if name then return show.wrapped(("%s\n  a function; ?%s explains it"):format((help.find(name) or name):match("^[^\n]*"), name)) end
  local meta = type(v) == "table" and getmetatable(v)
  if type(meta) == "table" and meta.__save then return tostring(v) end -- a drawing fits the terminal by itself
  if type(v) == "thread" then return "thread, " .. coroutine.status(v) end
  local text = type(v) == "table" and require("ramus.cli.display").text(v) or shortened(show.value(v), v)
  return type(v) == "table" and show.wrapped(text) or text
end

local function fields_at(path)
  local complete = require "ramus.cli.complete"
  local value = complete.value_of(path)
  return value ~= nil and options.names(complete.fields_of(value)) or nil
end

--- A message: one line; at a terminal in as many as its width needs.
local function fitted(self, text) return self.interactive and show.wrapped(text) or text end

local function report(self, text) self.complain(fitted(self, "error: " .. text) .. "\n") end

--- True for nil and a message: what failed says so by these.
local function failure_of(values) return values.n == 2 and values[1] == nil and type(values[2]) == "string" end

--- What is worth knowing about `x == y` of tensors, which is true or false.
local function note_equality(input, values)
  local path = values.n == 1 and type(values[1]) == "boolean" and input:match("^%s*([%a_][%w_%.%[%]]*)%s*[=~]=[^=]")
  if path and require("ramus.lang.tensor").is(require("ramus.cli.complete").value_of(path)) then
    return ("  (asks whether both are the same tensor; %s:eq(..) and :ne(..) compare element by element)\n"):format(path)
  end
end

local function span(seconds)
  if seconds >= 1 then return ("%.2f s"):format(seconds) end
  return seconds >= 1e-3 and ("%.1f ms"):format(1e3 * seconds) or ("%.1f us"):format(1e6 * seconds)
end

--- Runs an input that was read; true, or false after an error that was reported.
function Session:run(read, input)
  jit.off(read.run, true) -- so that Ctrl-C ends a loop typed here: compiled loops do not look
  local values = { n = 0 }
  local function take(...)
    values = { n = select("#", ...) - 1, select(2, ...) }
  end
  local timed = self.times or self.timed
  local start = ffi.C.ra_clock()
  self.watch(true)
  local ok, err = guarded(function() take(read.run()) end, complaint.caught)
  local seconds = ffi.C.ra_clock() - start
  if ok and read.assign then
    _G[read.assign] = values[1]
    if failure_of(values) then self.complain(fitted(self, ("%s is nil: %s"):format(read.assign, values[2])) .. "\n") end
  end
  if ok and read.shown and values.n > 0 then
    ok, err = guarded(function()
      if failure_of(values) then self.write(fitted(self, "nil: " .. values[2]) .. "\n") return end
      while values.n > 1 and values[values.n] == nil do values.n = values.n - 1 end -- the message that there is none
      for i = 1, values.n do self.write(text_of(values[i]) .. "\n") end
      local note = note_equality(input, values)
      if note then self.write(note) end
    end, complaint.caught)
    if values[1] ~= nil then rawset(_G, "_", values[1]) end
  end
  self.watch(false)
  if not ok then report(self, complaint.line(err, input, fields_at))
  elseif not self:is_talk(input) then self.inputs[#self.inputs + 1] = values.n == 0 and read.plain or read.script end
  if timed and not self:is_talk(input) then self.write(span(seconds) .. "\n") end
  self.timed = nil
  return ok
end

-- ---- lines --------------------------------------------------------------------------

--- A command of the shell; true, or false where it failed.
local function shell(self, command)
  io.flush()
  local status = os.execute(command)
  if status == 0 then return true end
  local code = status >= 256 and "status " .. math.floor(status / 256) or "signal " .. status
  self.complain(("error: $ %s: %s\n"):format(command, code))
  return false
end

local function answer(self, text, err)
  if not text then
    self.complain(err .. "\n")
    return false
  end
  self.write(show.wrapped(text) .. "\n")
  return true
end

--- What begins with a sign or a word of the prompt's own. nil where the line is Lua, which it returns as its second value.
local function special(self, line)
  local word = line:match("^%s*(%S*)%s*$")
  if word == "" then return true end
  if (word == "exit" or word == "quit") and rawget(_G, word) == nil then return "leave" end
  if word == "help" and rawget(_G, word) == self.own.help then return answer(self, help.topics()) end
  local command = line:match("^%s*%$%s*(%S.*)$")
  if command then return shell(self, command) end
  local sought = line:match("^%s*%?%?%s*(.-)%s*$")
  if sought then return answer(self, require("ramus.cli.search").text(sought)) end
  local asked = line:match("^%s*%?(.*)$") or line:match("^%s*(.-)%?%s*$")
  if asked and not line:find("[\"'=%(]") then return answer(self, self:explain(asked)) end
  local timed = rawget(_G, "time") == nil and line:match("^%s*time%s+([^=,%s].*)$")
  self.timed = timed and true
  return nil, timed or (line:gsub("^%s*=", "", 1))
end

--- Runs one line. Returns "more" (the chunk is not complete), "leave", true, or false after an error.
function Session:feed(line)
  local typed = self.unfinished and self.typed .. "\n" .. line or line
  local text = self.unfinished and self.unfinished .. "\n" .. line
  if not text then
    local done
    done, text = special(self, line)
    if done ~= nil then
      self.remember(typed)
      return done
    end
  end
  local read, err = chunk.read(text)
  if err == "more" then
    self.unfinished, self.typed = text, typed
    return "more"
  end
  self.unfinished = nil
  self.remember(typed)
  if read then return self:run(read, text) end
  self.timed = nil
  report(self, err:gsub("^input:(%d+): ", text:find("\n", 1, true) and "line %1: " or "") .. syntax_hints.of_input(text))
  return false
end

--- Forgets an input that is not complete; the history keeps it.
function Session:drop()
  if self.unfinished then self.remember(self.typed) end
  self.unfinished, self.timed = nil, nil
end

-- ---- help ---------------------------------------------------------------------------

--- The topic of help for a value; nil where it has none.
local function topic_of(value)
  if require("ramus.lang.tensor").is(value) then return "tensor" end
  if type(value) ~= "table" then return nil end
  if require("ramus.lang.model").is(value) then return "model" end
  if require("ramus.lang.loss").is(value) then return "loss." .. value.name end
  if require("ramus.lang.schedule").is(value) then return "schedule." .. value.name end
  return require("ramus.lang.optim").is(value) and "optim." .. value.kind or nil
end

--- Help on a name, or on what a variable of the session holds; nil and a message.
function Session:explain(name)
  name = name:match("^%s*(.-)%s*$")
  local value = name:match("^[%a_][%w_]*$") and rawget(_G, name)
  if name == "ra" then return help.topics() end
  if value == nil or self.own[name] ~= nil and value == self.own[name] then return help.find(name) end
  if type(value) == "function" then
    local comment, declared = help.comment_of(value)
    return comment and ("%s\n%s"):format(declared or name, help.joined(comment)) or help.find(name) or ("%s is a function"):format(name)
  end
  local topic = topic_of(value)
  return ("%s = %s"):format(name, show.value(value)) .. (topic and help.find(topic) and ("\n\n" .. help.find(topic)) or "")
end

--- help(), help "conv2d", help(F.conv2d), help(net)
function Session:help(what)
  if what == nil then answer(self, help.topics()) return end
  if type(what) == "string" then answer(self, self:explain(what)) return end
  what = late.real(what)
  local name = topic_of(what) or help.name_of(what)
  if name then answer(self, help.find(name)) return end
  local comment, declared
  if type(what) == "function" then comment, declared = help.comment_of(what) end
  if not comment then error("help: there is no help on " .. options.show(what) .. '; a name goes in quotes, as help "conv2d"', 3) end
  answer(self, ("%s\n%s"):format(declared or "function", help.joined(comment)))
end

return { new = new, at_hand = at_hand }
