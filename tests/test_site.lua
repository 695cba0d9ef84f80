--- make docs: every page of the documents is in the site, every link leads somewhere, and in Chromium, from a file, the search finds what is there.
local check = require "check"
local cjson = require "cjson"
local files = require "ramus.base.files"
local processes = require "processes"
local sh = processes.sh

local folder = check.folder "site"
local site = files.absolute(folder) .. "/site"

local function lines_of(command)
  local list = {}
  for line in sh(command):gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

--- Makes the site once; skips the case where it cannot be made here.
local made
local function need_site()
  if not os.getenv "RAMUS_TEST_ALL" then check.skip "only with RAMUS_TEST_ALL: pandoc takes its time" end
  if select(2, sh "command -v pandoc") ~= 0 then check.skip "no pandoc" end
  if not files.is_file "/usr/share/javascript/lunr/lunr.min.js" then check.skip "no libjs-lunr" end
  made = made or { sh(("%s run %s/docs/site/make.lua %s"):format(processes.executable(check.root), check.root, site)) }
  check.equal(made[2], 0, made[1])
end

check.case("make docs: every page is there, and in the navigation of the first one", function()
  need_site()
  local pages = lines_of(("cd %s && find docs -name '*.md' | sed 's,^docs/,,; s,md$,html,'"):format(check.root))
  check.ok(#pages > 60, #pages .. " pages")
  local first = assert(files.read(site .. "/index.html"))
  for _, place in ipairs(pages) do
    check.ok(files.is_file(site .. "/" .. place), place)
    check.ok(first:find(('<li><a href="%s">'):format(place), 1, true), place .. " is not in the navigation")
  end
  check.equal(#lines_of(("find %s -name '*.html'"):format(site)), #pages + 1)
end)

check.case("make docs: every link and picture leads to a file of the site, and every anchor to a place in it", function()
  need_site()
  local text, bad, count = {}, {}, 0
  local function read(path)
    text[path] = text[path] or files.read(path) or false
    return text[path]
  end
  for _, path in ipairs(lines_of(("find %s -name '*.html'"):format(site))) do
    local above = path:match "^(.*)/"
    for address in read(path):gmatch ' [hs]re?[fc]="([^"]*)"' do
      local file, anchor = address:match "^([^#]*)#?(.*)$"
      local target = file == "" and path or above .. "/" .. file
      count = count + 1
      if not address:find "^%a+:" and (not files.is_file(target) or anchor ~= "" and not read(target):find(('id="%s"'):format(anchor), 1, true)) then
        bad[#bad + 1] = path:sub(#site + 2) .. " -> " .. address
      end
    end
  end
  check.ok(count > 1000, count .. " links")
  check.equal(table.concat(bad, "\n"), "")
end)

check.case("make docs: a link that names no file is refused, with page and link", function()
  need_site()
  local copy = folder .. "/copy"
  assert(files.make_folder(copy .. "/docs/how-to"))
  sh(("cp -r %s/docs/site %s/docs/site"):format(check.root, copy))
  assert(files.write(copy .. "/README.md", "# R\n\n[x](docs/how-to/a.md)\n"))
  assert(files.write(copy .. "/docs/how-to/a.md", "# A\n\n[gone](b.md)\n"))
  local text, status = sh(("%s run %s/docs/site/make.lua %s/out"):format(processes.executable(check.root), copy, folder))
  check.equal(status, 1, text)
  check.ok(text:find("docs/how-to/a.md: the link b.md names no file", 1, true), text)
end)

check.case("make docs: in Chromium nothing fails, pictures load, a phone is wide enough, the search finds pages and goes there", function()
  need_site()
  local browser = dofile(check.root .. "/tests/browser/browser.lua")
  browser.wanted()
  local out, status = browser.look(check.root, site, "site.js")
  check.equal(status, 0, out)
  local found = cjson.decode(out:match "{.*}")
  check.equal(table.concat(found.errors, "; "), "")
  check.equal(table.concat(found.requests, "; "), "")
  check.equal(#found.views, 4)
  for _, view in ipairs(found.views) do
    check.equal(view.across, view.width, view.place .. ": width of the page")
    check.equal(view.contents, view.width < 800, view.place .. ": navigation in the fold")
    for _, loaded in ipairs(view.pictures) do check.ok(loaded, view.place .. ": a picture does not load") end
    check.equal(table.concat(view.axe, "; "), "", view.place .. ": axe-core")
  end
  local first, second, third = found.views[1].search, found.views[2].search, found.views[3].search
  check.equal(first.arrived, "how-to/resume.html#resume-a-training")
  check.ok(first.marks > 0, "no word is marked")
  check.equal(second.arrived, "reference/losses.html#deep_distribution")
  check.ok(#third.hits > 0 and third.hits[1]:find "^%.%./", tostring(third.hits[1]))
end)
