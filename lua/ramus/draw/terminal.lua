--- What the terminal can show: a view { columns, rows, mode, colours, cell }.
--   mode      "kitty" or "sixel" where the terminal says that it draws pictures; "blocks", half blocks in colour, on other terminals;
--             "characters" with TERM=dumb, with NO_COLOR, or where standard output is no terminal. RAMUS_GRAPHICS names one of them.
--   colours   24 (bits, where COLORTERM says so) or 256, 0 where there are none;  cell   width and height of a character in pixels
-- At the prompt the terminal is asked, once, with a time-out; keys that were typed meanwhile go back to the line editor. A script does not
-- ask, since it could not give keys back: there the environment decides.
local ffi = require "ramus.base.ffi"
local options = require "ramus.base.options"
local show = require "ramus.base.show"

local terminal = { modes = { "kitty", "sixel", "blocks", "characters" } }

local USUAL_CELL = { 10, 20 }

--- Questions: is there kitty's protocol, how large is a cell, and what every terminal answers last: what it is (DA1). tmux and screen would take
-- the first for a title.
local KITTY, CELL, DEVICE = "\27_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\27\\", "\27[16t", "\27[c"

--- What a terminal's answer says, { kitty =, sixel =, cell = }, and the bytes in it that are no answer: keys.
function terminal.understood(bytes)
  local found = { kitty = false, sixel = false }
  local rest = bytes:gsub("\27_G(.-)\27\\", function(text)
    found.kitty = found.kitty or text:find(";OK", 1, true) ~= nil
    return ""
  end)
  rest = rest:gsub("\27%[6;(%d+);(%d+)t", function(h, w)
    if tonumber(h) > 0 and tonumber(w) > 0 then found.cell = { tonumber(w), tonumber(h) } end
    return ""
  end)
  rest = rest:gsub("\27%[%?([%d;]*)c", function(list)
    found.sixel = found.sixel or (";" .. list .. ";"):find(";4;", 1, true) ~= nil
    return ""
  end)
  return found, rest
end

--- Is the terminal one inside tmux or screen, seen from here?
local function multiplexed(get)
  local term = get "TERM" or ""
  return get "TMUX" ~= nil or get "STY" ~= nil or term:find "^tmux" ~= nil or term:find "^screen" ~= nil
end

--- What the environment says of a terminal that was not asked.
local function hinted(get)
  local kitty = get "KITTY_WINDOW_ID" ~= nil or (get "TERM" or ""):find("kitty", 1, true) ~= nil
  return { kitty = kitty and not multiplexed(get), sixel = false }
end

--- The mode and the colours: get(name) gives a variable of the environment; facts: is_terminal, and asked() what the terminal answered or nil.
function terminal.decide(get, facts)
  local forced, term = get "RAMUS_GRAPHICS", get "TERM" or "dumb"
  local colours = (get "COLORTERM" == "truecolor" or get "COLORTERM" == "24bit") and 24 or 256
  if forced == "characters" then colours = 0 end
  if forced and forced ~= "" then return forced, colours end
  if not facts.is_terminal or term == "dumb" or (get "NO_COLOR" or "") ~= "" then return "characters", 0 end
  local can = facts.asked() or hinted(get)
  return can.kitty and "kitty" or can.sixel and "sixel" or "blocks", colours
end

local answer -- of this process's terminal

--- Asks the terminal at the prompt; nil where there is none.
local function asked()
  if answer ~= nil then return answer or nil end
  local ok, line = pcall(require, "ramus.line")
  if not ok or not line.ask or not ffi.is_terminal(0) then return nil end
  local get = os.getenv
  local bytes = line.ask((multiplexed(get) and "" or KITTY) .. CELL .. DEVICE, get "SSH_CONNECTION" and 2 or 1)
  if not bytes then return nil end
  local rest
  answer, rest = terminal.understood(bytes)
  if rest ~= "" then line.push(rest) end
  return answer
end

--- The view of standard output.
function terminal.view()
  local forced = os.getenv "RAMUS_GRAPHICS"
  if forced and forced ~= "" then
    local mode, err = options.value(forced, { one_of = terminal.modes })
    if not mode then error("RAMUS_GRAPHICS " .. err, 0) end
  end
  local is_terminal = ffi.is_terminal(1)
  local mode, colours = terminal.decide(os.getenv, { is_terminal = is_terminal, asked = asked })
  local columns, rows = show.width(), 40
  if is_terminal then columns, rows = ffi.terminal_size(1) end
  local w, h = ffi.terminal_cell(1)
  return { columns = columns - 1, rows = rows, mode = mode, colours = colours, cell = answer and answer.cell or w and { w, h } or USUAL_CELL }
end

return terminal
