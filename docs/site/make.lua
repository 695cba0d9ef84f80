--- The documents as a site of plain files: README.md and docs/**/*.md, each a page, with navigation and a search that needs no server.
--
--   build/ramus run docs/site/make.lua [FOLDER]        FOLDER: build/site unless given; make docs calls it
--
-- pandoc makes HTML of each page; here links between pages are turned from .md into .html, files that pages name are copied beside them, and the
-- text of every section goes into search-text.js, from which lunr (Debian's libjs-lunr) makes its index in the browser.
local cjson = require "cjson"
local files = require "ramus.base.files"

local here = arg[0]:match "^(.*)/[^/]*$" or "."
local root = assert(files.absolute(here .. "/../.."))
local out = arg[1] or root .. "/build/site"
local LUNR = "/usr/share/javascript/lunr/lunr.min.js"

local SECTIONS = { { "tutorial", "Tutorials" }, { "how-to", "How to" }, { "reference", "Reference" }, { "explanation", "Explanation" },
  { "results", "Results" }, { "models", "Models" } }

local function fail(message)
  io.stderr:write("make docs: ", message, "\n")
  os.exit(1, true)
end

local function must(value, message)
  if not value then fail(message) end
  return value
end

local function run(command)
  local status = os.execute(command)
  must(status == 0 or status == true, "this failed: " .. command)
end

local function escape(text) return (text:gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" })) end
local function unescape(text) return (text:gsub("&(%w+);", { amp = "&", lt = "<", gt = ">", quot = '"' }):gsub("&#39;", "'")) end

-- ---- paths: all from the root of the repository, and of the site ---------------------------

--- "docs/how-to" and "../images/x.png" -> "docs/images/x.png"; nil where it leads out of the repository.
local function join(folder, path)
  local parts = {}
  for part in (folder .. "/" .. path):gmatch "[^/]+" do
    if part == ".." then
      if not table.remove(parts) then return nil end
    elseif part ~= "." then parts[#parts + 1] = part end
  end
  return table.concat(parts, "/")
end

--- Where a file of the repository lies in the site: docs/ is the site's root, README.md its first page.
local function place_of(path)
  if path == "README.md" then return "index.html" end
  return (path:gsub("^docs/", ""):gsub("%.md$", ".html"))
end

--- "../" for each folder that a place lies in.
local function upward(place) return ("../"):rep(select(2, place:gsub("/", ""))) end

-- ---- pages -------------------------------------------------------------------------------

--- Every page, in the order in which README names them, the others behind by name: { path =, place =, section =, title = }.
local function find_pages()
  local list, seen = {}, {}
  local function add(path)
    if seen[path] or not files.is_file(root .. "/" .. path) then return end
    seen[path] = true
    local text = must(files.read(root .. "/" .. path))
    list[#list + 1] = { path = path, place = place_of(path), section = path:match "^docs/([^/]+)/" or "", title = text:match "#%s+([^\n]+)" or path }
  end
  add "README.md"
  local readme = must(files.read(root .. "/README.md"))
  for target in (readme:match "\n## Documents\n(.-)\n## " or readme):gmatch "%]%((docs/[%w_/%-]+%.md)" do add(target) end
  local pipe = io.popen(("cd '%s' && find docs -name '*.md' | LC_ALL=C sort"):format(root))
  for path in pipe:lines() do add(path) end
  pipe:close()
  return list
end

--- pandoc of every page into a folder, as many at once as there are processors. Every page must come out.
local function render(pages, folder)
  local list = {}
  for i, page in ipairs(pages) do list[#list + 1] = ("%s\0%s/%d.html\0"):format(page.path, folder, i) end
  must(files.write(folder .. "/list", table.concat(list)))
  run(("cd '%s' && xargs -0 -n 2 -P $(nproc) sh -c 'pandoc -f gfm -t html5 --wrap=preserve \"$0\" -o \"$1\"' < '%s/list'"):format(root, folder))
  for i, page in ipairs(pages) do page.html = must(files.read(("%s/%d.html"):format(folder, i))) end
end

--- The page's links as the site has them, and what they name copied into it.
local function mend_links(page, copied)
  local folder = page.path:match "^(.*)/" or ""
  local function target(attribute, address)
    if address:match "^%a[%w+.-]*:" or address:sub(1, 1) == "#" then return end
    local file, anchor = unescape(address):match "^([^#]*)(.*)$"
    local path = must(join(folder, file), ("%s: the link %s leads out of the repository"):format(page.path, address))
    local kept = root .. "/" .. path
    must(files.is_file(kept), ("%s: the link %s names no file"):format(page.path, address))
    local place = place_of(path)
    if not path:match "%.md$" then copied[place] = kept end
    return ('%s="%s"'):format(attribute, escape(upward(page.place) .. place .. anchor))
  end
  page.html = page.html:gsub('(href)="([^"]*)"', target):gsub('(src)="([^"]*)"', target)
  page.html = page.html:gsub("<table.->", '<div class="scroll" tabindex="0">%0'):gsub("</table>", "%0</div>"):gsub("<pre", '<pre tabindex="0"')
end

-- ---- the search's text -----------------------------------------------------------------------

local INLINE = { code = "", a = "", em = "", strong = "", span = "", sub = "", sup = "" }

local function text_of(html)
  html = html:gsub("<!%-%-.-%-%->", " "):gsub("</?(%w+)[^>]*>", function(tag) return INLINE[tag] or " " end)
  return (unescape(html):gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

--- Adds every section of a page, cut at its headings: { place, title of the page, heading, text }.
local function add_sections(page, list)
  local at, place, heading = 1, page.place, page.title
  local function close(last)
    local text = text_of(page.html:sub(at, last))
    if text ~= "" or heading ~= page.title then list[#list + 1] = { place, page.title, heading, text } end
  end
  for first, id, inner, next_at in page.html:gmatch '()<h[1-4] id="([^"]*)">(.-)</h[1-4]>()' do
    close(first - 1)
    at, place, heading = next_at, page.place .. "#" .. id, text_of(inner)
  end
  close(-1)
end

-- ---- a page around the text -------------------------------------------------------------------

local function navigation(pages, page)
  local up, lines = upward(page.place), {}
  local function link(other)
    return ('<li><a href="%s%s"%s>%s</a></li>'):format(up, escape(other.place), other == page and ' aria-current="page"' or "", escape(other.title))
  end
  lines[#lines + 1] = "<ul>"
  for _, other in ipairs(pages) do if other.section == "" then lines[#lines + 1] = link(other) end end
  lines[#lines + 1] = "</ul>"
  for _, section in ipairs(SECTIONS) do
    lines[#lines + 1] = ("<details%s><summary>%s</summary><ul>"):format((page.section == section[1] or page.section == "") and " open" or "", section[2])
    for _, other in ipairs(pages) do if other.section == section[1] then lines[#lines + 1] = link(other) end end
    lines[#lines + 1] = "</ul></details>"
  end
  return table.concat(lines, "\n")
end

local function write(place, text)
  must(files.make_folder((out .. "/" .. place):match "^(.*)/"))
  must(files.write(out .. "/" .. place, text))
end

local function write_pages(pages)
  local frame = must(files.read(here .. "/page.html"))
  for _, page in ipairs(pages) do
    local parts = { title = escape(page.title), up = upward(page.place), navigation = navigation(pages, page), text = page.html, source = escape(page.path),
      place = escape(page.place) }
    write(page.place, (frame:gsub("{(%l+)}", parts)))
  end
end

local function copy(from, place)
  must(files.make_folder((out .. "/" .. place):match "^(.*)/"))
  must(files.copy(from, out .. "/" .. place))
end

-- ---- all of it ---------------------------------------------------------------------------------

must(files.is_file(LUNR), LUNR .. " is not there: please install Debian's libjs-lunr")
must(os.execute "command -v pandoc >/dev/null" == 0, "pandoc is not there: please install it")
local pages, copied, sections = find_pages(), {}, {}
for _, page in ipairs(pages) do
  local known = page.section == ""
  for _, section in ipairs(SECTIONS) do known = known or section[1] == page.section end
  must(known, ("%s is in a folder that the navigation does not have: add it to SECTIONS in docs/site/make.lua"):format(page.path))
end
must(files.remove(out))
must(files.make_folder(out .. "/.parts"))
render(pages, files.absolute(out) .. "/.parts")
must(files.remove(out .. "/.parts"))
for _, page in ipairs(pages) do
  mend_links(page, copied)
  add_sections(page, sections)
end
write_pages(pages)
for place, from in pairs(copied) do copy(from, place) end
copy(here .. "/style.css", "style.css")
copy(here .. "/search.js", "search.js")
copy(LUNR, "lunr.js")
copy("/usr/share/doc/libjs-lunr/copyright", "lunr-licence.txt")
write("search-text.js", "window.ramusSections = " .. cjson.encode(sections) .. ";\n")
print(("%s/index.html: %d pages, %d sections to search"):format(out, #pages, #sections))
