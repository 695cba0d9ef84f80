--- The history of the prompt: $XDG_STATE_HOME/ramus/history, else ~/.local/state/ramus/history. An entry begins at the start of a line; the
-- further lines of a block begin with a tab.
local files = require "ramus.base.files"

local history = {}

local KEPT = 1000

local function path_of()
  local state, home = os.getenv("XDG_STATE_HOME"), os.getenv("HOME")
  if (not state or state == "") and (not home or home == "") then return nil end
  return (state and state ~= "" and state or home .. "/.local/state") .. "/ramus/history"
end

local function encoded(entry) return (entry:gsub("^%s+", ""):gsub("\n", "\n\t")) end

--- The entries of a history file's text.
function history.entries(text)
  local list = {}
  for line in text:gmatch("[^\n]+") do
    if line:sub(1, 1) == "\t" and #list > 0 then list[#list] = list[#list] .. "\n" .. line:sub(2)
    else list[#list + 1] = line end
  end
  return list
end

--- Gives the kept entries to a line editor, the oldest first; a file that has grown long is cut. Returns a function that adds an entry.
function history.open(line)
  local path = path_of()
  local entries = history.entries(path and files.read(path) or "")
  for i = math.max(1, #entries - KEPT + 1), #entries do line.add(entries[i]) end
  local usable = path and files.make_folder((files.split(path)))
  if usable and #entries > 2 * KEPT then
    local kept = {}
    for i = #entries - KEPT + 1, #entries do kept[#kept + 1] = encoded(entries[i]) end
    files.write(path, table.concat(kept, "\n") .. "\n")
  end
  local last = entries[#entries]
  return function(text)
    if text:match("^%s*$") or text == last then return end
    last = text
    line.add(text)
    local file = usable and files.open(path, "a")
    if file then
      file:write(encoded(text), "\n")
      file:close()
    end
  end
end

return history
