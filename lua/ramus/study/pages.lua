--- The files that a study leaves beside its results: for each table NAME.md, NAME.csv, NAME.json, NAME.svg and
-- NAME-WHAT.svg for each of its figures over the epochs.
--
-- Of a page only what lies between its two marks is made anew, so that words of one's own may stand around it.
local curve_figure = require "ramus.study.curve_figure"
local figure = require "ramus.study.figure"
local files = require "ramus.base.files"
local markdown = require "ramus.study.markdown"
local plain = require "ramus.study.plain"

local pages = {}

local BEGIN, END = "<!-- ramus study: from here -->", "<!-- ramus study: to here -->"

--- The page with its middle replaced; nil and a message where the file is somebody else's.
local function page_of(path, title, middle)
  local made = ("%s\n%s%s"):format(BEGIN, middle, END)
  local before = files.read(path)
  if not before then return ("# %s\n\n%s\n"):format(title, made) end
  local first, last = before:find(BEGIN, 1, true), select(2, before:find(END, 1, true))
  if not first or not last or last < first then
    return nil, ("%s is there and was not made by ramus study; remove it, or put these two lines where the tables belong:\n%s\n%s"):format(path, BEGIN, END)
  end
  return before:sub(1, first - 1) .. made .. before:sub(last + 1)
end

--- The path of a table's files without their endings.
local function base_of(study, t)
  local folder = files.split(study.results)
  return folder == "." and t.name or ("%s/%s"):format(folder, t.name)
end

--- How files that a study wrote begin.
local OURS = { csv = "^table,score,metric,row,", json = "^{\"comparisons\":", svg = "^<svg [^>]*role=\"img\">" }

--- A message where a file that something else wrote has the name of a table's, else nil; asked before anything is trained.
function pages.wrong(study)
  for _, t in ipairs(study.tables) do
    local base = base_of(study, t)
    local page, err = page_of(base .. ".md", t.title or t.name, "")
    if not page then return err end
    for ending, pattern in pairs(files.is_file(base .. ".md") and {} or OURS) do
      local path = ("%s.%s"):format(base, ending)
      if files.is_file(path) and not (files.read(path) or ""):find(pattern) then
        return ("%s is there and was not made by ramus study; remove it, or give the table another name"):format(path)
      end
    end
  end
end

--- Writes the figures over the epochs that a table asks for and has; { { name of the file, caption }, .. }, or nil and a message.
local function write_curves(t, base)
  local list = {}
  for _, what in ipairs(t.figures) do
    local picture = curve_figure.svg(t, what)
    if picture then
      local ending = ("-%s.svg"):format(curve_figure.suffix(what))
      local ok, err = files.write(base .. ending, picture)
      if not ok then return nil, err end
      list[#list + 1] = { t.name .. ending, ("%s: %s"):format(t.title, what) }
    end
  end
  return list
end

--- Writes the files of all tables. list: of summary.of; command: what remakes them. Returns their paths; nil and a message.
function pages.write(study, list, command)
  local written = {}
  for _, t in ipairs(list) do
    local base = base_of(study, t)
    local curves, err = write_curves(t, base)
    if not curves then return nil, err end
    local page
    page, err = page_of(base .. ".md", t.title, markdown.page(t, { command = command, figure = t.name .. ".svg", curves = curves }))
    if not page then return nil, err end
    for ending, text in pairs { md = page, csv = plain.csv(t), json = plain.json(t), svg = figure.svg(t) } do
      local ok
      ok, err = files.write(("%s.%s"):format(base, ending), text)
      if not ok then return nil, err end
    end
    written[#written + 1] = base .. ".md"
  end
  return written
end

return pages
