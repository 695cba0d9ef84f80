--- Citations of data sets. A definition states each work on a line of its own as "AUTHORS: TITLE. VENUE. doi DOI", the venue being
-- "JOURNAL VOLUME(NUMBER):PAGES, YEAR", "JOURNAL YEAR, article N" or "CONFERENCE YEAR"; "This edition: " may stand before it.
-- BibTeX comes from that; of a citation in another form it keeps the text as a note.
local citation = {}

--- Fields of a venue in their order, by the form that fits; nil where none does.
local function venue_of(text)
  local journal, volume, number, pages, year = text:match("^(.-) (%d+)%(?(%d*)%)?:?([%w%-]*), (%d%d%d%d)$")
  if journal then
    return "article", { { "journal", journal }, { "volume", volume }, { "number", number }, { "pages", (pages:gsub("%-", "--")) } }, year
  end
  local name, when, rest = text:match("^(.-) (%d%d%d%d), (.+)$")
  if name then return "article", { { "journal", name }, { "note", rest } }, when end
  when = text:match("^.- (%d%d%d%d)$")
  if when then return "inproceedings", { { "booktitle", text } }, when end
end

--- One line as { kind =, key =, fields = { { name, value }, .. } }; nil where it is in another form.
local function work(line)
  local authors, rest = line:gsub("^This edition: ", ""):match("^(.-): (.+)$")
  if not authors then return nil end
  local doi = rest:match("%. doi (%S+)$")
  local title, venue = rest:gsub("%. doi %S+$", ""):match("^(.-)%. (.+)$")
  if not title then return nil end
  local kind, fields, year = venue_of(venue)
  if not kind then return nil end
  local surname = (authors:match("^([^,]+)") or authors):match("(%S+)$"):lower():gsub("%W", "")
  local people = authors:gsub(" et al%.?$", ", others"):gsub(",%s*", " and ")
  table.insert(fields, 1, { "title", "{" .. title .. "}" })
  table.insert(fields, 1, { "author", people })
  fields[#fields + 1], fields[#fields + 2] = { "year", year }, { "doi", doi or "" }
  return { kind = kind, key = surname .. year, fields = fields }
end

local function escaped(text) return (text:gsub("[&%%#]", "\\%0")) end

local function entry(w)
  local lines = { ("@%s{%s,"):format(w.kind, w.key) }
  for _, f in ipairs(w.fields) do
    if f[2] ~= "" then lines[#lines + 1] = ("  %-9s = {%s},"):format(f[1], escaped(f[2])) end
  end
  return table.concat(lines, "\n") .. "\n}"
end

--- The BibTeX of a definition, an entry a line of its citation; nil where it states none.
function citation.bibtex(def)
  if not def.citation or def.citation:find("^none") then return nil end
  local entries = {}
  for line in def.citation:gmatch("[^\n]+") do
    entries[#entries + 1] = entry(work(line) or { kind = "misc", key = def.name, fields = { { "title", "{" .. def.title .. "}" },
      { "howpublished", (def.sources or {})[1] or "" }, { "note", line } } })
  end
  return table.concat(entries, "\n\n")
end

--- Text and BibTeX of a definition.
function citation.text(def)
  local bibtex = citation.bibtex(def)
  return (def.citation or "no citation is stated") .. (bibtex and "\n\n" .. bibtex or "")
end

return citation
