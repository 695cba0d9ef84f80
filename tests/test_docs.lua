-- Documents: their Lua blocks run, generated pages are as committed, links lead
-- somewhere, environment variables are all listed.
--
-- The ```lua blocks of a page are one script, in order, run in a scratch folder
-- with a data root of its own. A block that begins with `-- file: NAME` is saved
-- under that name instead; one that begins with `-- not run: WHY` is only compiled.
local check = require "check"
local files = require "ramus.base.files"

local root = check.root
local binary = os.getenv("RAMUS_BIN") or (root .. "/build/ramus")

local function absolute(path)
  if path:sub(1, 1) == "/" then return path end
  local p = io.popen("pwd")
  local here = p:read("*l")
  p:close()
  return here .. "/" .. path
end

local function pages()
  local list = {}
  for _, start in ipairs { root .. "/README.md", root .. "/docs" } do
    if files.exists(start) then
      local p = io.popen(("find %s -name '*.md' | LC_ALL=C sort"):format(start))
      for path in p:lines() do list[#list + 1] = path end
      p:close()
    end
  end
  return list
end

--- The script of a page (lines keep their numbers), its files, and its blocks that are only compiled.
local function read_page(path)
  local script, saved, compiled = {}, {}, {}
  local block, kind, count
  local function finish()
    if kind == "run" then return end
    local text = table.concat(block, "\n") .. "\n"
    if kind == "compile" then compiled[#compiled + 1] = text else saved[kind] = text end
  end
  count = 0
  for line in io.lines(path) do
    local out = ""
    if not block and line:match("^```lua%s*$") then
      block, kind = {}, nil
    elseif block and line:match("^```%s*$") then
      finish()
      block = nil
    elseif block then
      if not kind then
        kind = line:match("^%-%- file: (%S+)") or (line:match("^%-%- not run: %S") and "compile") or "run"
        if kind == "run" then count = count + 1 end
      end
      block[#block + 1] = line
      if kind == "run" then out = line end
    end
    script[#script + 1] = out
  end
  check.ok(not block, path .. ": a block is not closed")
  return table.concat(script, "\n") .. "\n", saved, compiled, count
end

local blocks = 0
for _, path in ipairs(pages()) do
  local name = path:sub(#root + 2)
  local script, saved, compiled, count = read_page(path)
  blocks = blocks + count
  if count > 0 or next(saved) or #compiled > 0 then
    check.case("docs: the Lua blocks of " .. name .. " run", function()
      for _, text in ipairs(compiled) do check.ok(loadstring(text, "=" .. name)) end
      local folder = check.folder("docs_page")
      for file, text in pairs(saved) do assert(files.write(folder .. "/" .. file, text)) end
      assert(files.write(folder .. "/page.lua", script))
      local command = ("cd %s && RAMUS_THREADS=1 RAMUS_DATA=%s/data %s run page.lua > out.txt 2>&1"):format(folder, folder, absolute(binary))
      local status = os.execute(command)
      if status ~= 0 and status ~= true then
        error(("%s (line numbers are the page's):\n%s"):format(name, files.read(folder .. "/out.txt")), 0)
      end
    end)
  end
end

check.case("docs: there are pages with blocks that run", function() check.ok(blocks >= 10, blocks .. " blocks") end)

check.case("docs: generated reference pages are as committed", function()
  local folder = check.folder("docs_reference")
  local status = os.execute(("%s run %s/docs/reference/generate.lua %s > %s/out.txt 2>&1"):format(binary, root, folder, folder))
  check.ok(status == 0 or status == true, files.read(folder .. "/out.txt"))
  local made = 0
  for _, name in ipairs(files.list(folder)) do
    if name:match("%.md$") then
      made = made + 1
      check.ok(files.read(folder .. "/" .. name) == files.read(root .. "/docs/reference/" .. name),
        name .. " differs from what docs/reference/generate.lua makes; run build/ramus run docs/reference/generate.lua")
    end
  end
  check.equal(made, 11, "pages")
end)

check.case("docs: every op, loss, model, module, schedule, optimizer, field, metric, method and command has its entry in the reference", function()
  local ra = require "ramus"
  local help, ops, options = require "ramus.cli.help", require "ramus.lang.ops", require "ramus.base.options"
  local recipe, definition = require "ramus.train.recipe", require "ramus.study.definition"
  local text, missing, count = {}, {}, 0
  local function wanted(page, name, entry)
    text[page] = text[page] or assert(files.read(("%s/docs/reference/%s.md"):format(root, page)))
    count = count + 1
    if not text[page]:find(entry:gsub("NAME", function() return name end), 1, true) then missing[#missing + 1] = page .. ": " .. name end
  end
  local function fields(page, schema)
    for _, name in ipairs(options.names(schema)) do
      local label = type(name) == "number" and schema[name].name or name
      wanted(page, tostring(label), "`NAME` |")
    end
  end
  for _, name in ipairs(ops.names) do wanted(ops.specs[name].is_loss and "losses" or "ops", name, "\n## NAME\n") end
  for _, name in ipairs(ra.models.names()) do wanted("models", name, "\n### NAME\n") end
  for name in pairs(help.modules()) do wanted("models", name, "NAME") end
  for _, name in ipairs(require("ramus.lang.schedule").names()) do wanted("recipe", name, "\n  ra.NAME") end
  for _, name in ipairs(require("ramus.lang.optim").names) do wanted("recipe", name, "\n### ra.optim.NAME\n") end
  for _, name in ipairs(require("ramus.data.metrics").keys) do wanted("metrics", name, "\n## NAME\n") end
  for _, name in ipairs(help.tensor_methods()) do wanted("tensors", name, name) end
  for _, c in ipairs(require("ramus.cli.command").all()) do
    wanted("cli", c.name, "| `ramus NAME")
    for _, f in ipairs(c.flags or {}) do wanted("cli", f.short or "--" .. f.name, "| `NAME") end
  end
  for _, name in ipairs(ra.datasets.names()) do wanted("datasets", name, "\n## NAME\n") end
  for _, schema in ipairs { recipe.schema, recipe.data_schema, recipe.teacher_schema, require("ramus.data.augment").schema } do fields("recipe", schema) end
  for _, schema in ipairs { definition.schema, definition.row_schema } do fields("study", schema) end
  check.equal(table.concat(missing, "\n"), "")
  check.ok(count > 400, count .. " entries")
end)

check.case("docs: links lead somewhere", function()
  local bad = {}
  for _, path in ipairs(pages()) do
    local folder = path:match("^(.*)/")
    local text = files.read(path):gsub("```.-```", "")
    for target in text:gmatch("%]%(([^)%s]+)%)") do
      local file = target:gsub("#.*$", "")
      if file ~= "" and not file:match("^%a+:") and not files.exists(folder .. "/" .. file) then
        bad[#bad + 1] = ("%s: %s"):format(path, target)
      end
    end
  end
  check.equal(#bad, 0, "broken links\n  " .. table.concat(bad, "\n  ") .. "\n")
end)

--- Anchors of a page's headings, as GitHub makes them: lower case, no signs but - and _, blanks as -, a number behind the second of a name.
local function anchors_of(text)
  local set, count = {}, {}
  for line in (text:gsub("```.-```", "") .. "\n"):gmatch "([^\n]*)\n" do
    local title = line:match "^#+ +(.*)$"
    if title then
      title = title:gsub("%[([^%]]*)%]%b()", "%1"):gsub("[`*]", ""):lower():gsub("[^%w%s_%-\128-\255]", ""):gsub("%s", "-")
      local n = count[title] or 0
      count[title] = n + 1
      set[n == 0 and title or ("%s-%d"):format(title, n)] = true
    end
    for id in line:gmatch '<a [%a="]*id="([^"]+)"' do set[id] = true end
  end
  return set
end

check.case("docs: links to a heading lead to one", function()
  local bad, known, count = {}, {}, 0
  for _, path in ipairs(pages()) do
    for target in files.read(path):gsub("```.-```", ""):gmatch("%]%(([^)%s]+)%)") do
      local file, anchor = target:match "^([^#]*)#(.+)$"
      if anchor and not target:match "^%a+:" then
        local at = file == "" and path or path:match "^(.*)/" .. "/" .. file
        known[at] = known[at] or anchors_of(files.read(at) or "")
        count = count + 1
        if not known[at][anchor] then bad[#bad + 1] = ("%s: %s"):format(path, target) end
      end
    end
  end
  check.ok(count > 50, count .. " links to headings")
  check.equal(#bad, 0, "links to headings that are not there\n  " .. table.concat(bad, "\n  ") .. "\n")
end)

check.case("README: every cell of the table beside other tools that is about Ramus links its page", function()
  local rows = 0
  local text = files.read(root .. "/README.md"):match "\n| | Ramus |[^\n]*\n|[-|]+\n(.-)\n\n"
  for name, cell in (text .. "\n"):gmatch "| ([^|]+) | ([^|]+) |[^\n]*\n" do
    rows = rows + 1
    check.ok(cell:find "%]%(docs/[^)]+%)", ("%s: %s"):format(name, cell))
  end
  check.ok(rows >= 8, rows .. " rows")
end)

check.case("README: every cell of that table that is about another tool links its page", function()
  local text, cells = files.read(root .. "/README.md"), 0
  for row in (text:match "\n| | Ramus |[^\n]*\n|[-|]+\n(.-)\n\n" .. "\n"):gmatch "([^\n]+)\n" do
    local others = row:match "^| [^|]+ | [^|]+ (|.*)$"
    for cell in others:gmatch "| ([^|]+)" do
      cells = cells + 1
      local page = cell:match "%]%[([^%]]+)%]"
      check.ok(page and text:find("\n[" .. page .. "]: https://", 1, true), cell)
    end
  end
  check.ok(cells >= 32, cells .. " cells")
end)

check.case("docs: each command has --json, or json.md says why not", function()
  local text = files.read(root .. "/docs/reference/json.md"):match "\n## Commands without %-%-json\n(.*)$"
  for _, c in ipairs(require("ramus.cli.command").all()) do
    local has = false
    for _, f in ipairs(c.flags or {}) do has = has or f.name == "json" end
    check.equal(text:find(("| `ramus %s` |"):format(c.name), 1, true) == nil, has, c.name)
  end
end)

check.case("docs: every environment variable that the code reads is listed", function()
  local listed = files.read(root .. "/docs/reference/environment.md")
  local p = io.popen(("grep -rhoE 'getenv *\\(? *\"[A-Z_]+\"' %s/core %s/lua | sort -u"):format(root, root))
  local n = 0
  for line in p:lines() do
    local name = line:match('"([A-Z_]+)"')
    n = n + 1
    check.ok(listed:find("`" .. name .. "`", 1, true), name .. " is not in docs/reference/environment.md")
  end
  p:close()
  check.ok(n >= 5, n .. " variables found")
end)
