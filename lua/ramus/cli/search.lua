--- ??word: names, help texts and documents that hold a word (or several), at most a screenful.
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local help = require "ramus.cli.help"
local help_names = require "ramus.cli.help_names"
local show = require "ramus.base.show"

local search = {}

local DOCS = debug.getinfo(1, "S").source:match("^@(.*)lua/ramus/cli/search%.lua$") -- the tree, or share/ramus

local function words_of(text)
  local list = {}
  for w in text:lower():gmatch("%S+") do list[#list + 1] = w end
  return list
end

local function holds(text, words)
  text = text:lower()
  for _, w in ipairs(words) do if not text:find(w, 1, true) then return false end end
  return true
end

--- The line of a help text to show: of a name that was sought what it does, behind the call; else the first that holds the words.
local function telling_line(e, words)
  local lines = {}
  for line in e.text:gmatch("[^\n]+") do lines[#lines + 1] = line end
  for i, line in ipairs(e.named and {} or lines) do if i > 1 and holds(line, words) then return line end end
  return lines[2] or lines[1] or ""
end

local function cut(text, width)
  text = text:gsub("%s+", " "):gsub("^ ", "")
  return #text > width and text:sub(1, math.max(1, width - 3)) .. "..." or text
end

--- Entries of help { name, text }: those whose name holds the words, then those whose text does.
local function in_help(words)
  local named, told, seen = {}, {}, {}
  local function look(name)
    local text = help.find(name)
    if not text or seen[text] then return end
    local list = holds(name, words) and named or holds(text, words) and told
    if list then
      seen[text] = true
      list[#list + 1] = { name = name, text = text, named = list == named }
    end
  end
  for _, name in ipairs(help.names()) do look(name) end
  for _, room in ipairs(help_names.rooms()) do
    for _, name in ipairs(help_names.of(room)) do look(room .. "." .. name) end
  end
  return named, told
end

--- Folders of documents in the order in which they are searched: what is made from the tables last, since help says the same.
local FOLDERS = { "docs/tutorial/", "docs/how-to/", "docs/explanation/", "docs/reference/", "docs/results/" }
local PER_PAGE = 3
local SHOWS_SEARCHES = "docs/tutorial/repl.md" -- would find itself

--- Lines of the documents { page, line, text }, at most a few of a page.
local function in_docs(words)
  local found = {}
  for _, folder in ipairs(FOLDERS) do
    for _, name in ipairs(files.list(DOCS .. folder) or {}) do
      local n, kept = 0, 0
      for line in name:match("%.md$") and folder .. name ~= SHOWS_SEARCHES and io.lines(DOCS .. folder .. name) or function() end do
        n = n + 1
        if kept < PER_PAGE and holds(line, words) then
          kept = kept + 1
          found[#found + 1] = { page = folder .. name, line = n, text = line }
        end
      end
    end
  end
  return found
end

--- At most `most` rows, then how many there are more.
local function add_rows(lines, rows, most, text)
  for i = 1, math.min(#rows, most) do lines[#lines + 1] = text(rows[i]) end
  if #rows > most then lines[#lines + 1] = ("  ... %d more"):format(#rows - most) end
end

--- What ??words shows; nil and a message where nothing holds them.
function search.text(given)
  local words = words_of(given)
  if #words == 0 then return nil, "?? wants a word, as ??dropout" end
  local width = show.width() - 1
  local rows = ffi.is_terminal(1) and select(2, ffi.terminal_size(1)) - 4 or 40
  local named, told = in_help(words)
  local docs = in_docs(words)
  if #named + #told + #docs == 0 then return nil, ("nothing holds '%s'; ? lists topics"):format(given) end
  local lines = {}
  local for_docs = math.min(#docs, math.floor(rows / 2))
  local room = math.max(4, rows - for_docs - 3)
  for _, e in ipairs(told) do named[#named + 1] = e end
  local longest = 0
  for i = 1, math.min(#named, room) do longest = math.max(longest, #named[i].name) end
  add_rows(lines, named, room, function(e)
    return ("?%-" .. longest .. "s  %s"):format(e.name, cut(telling_line(e, words), width - longest - 3))
  end)
  if #docs > 0 then
    lines[#lines + 1] = ("documents in %s"):format(DOCS)
    add_rows(lines, docs, math.max(4, rows - #lines - 1), function(d) return cut(("%s:%d: %s"):format(d.page, d.line, d.text), width) end)
  end
  return table.concat(lines, "\n")
end

return search
