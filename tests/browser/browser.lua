--- A headless Chromium with puppeteer-core and axe-core of npm, which make test-all installs below build/bench.
local check = require "check"
local json = require "cjson"
local processes = require "processes"

local browser = {}

local function modules(root) return root .. "/build/bench/browser/node_modules" end

--- Path of the browser's executable, or nil.
function browser.executable()
  for _, name in ipairs { "chromium", "chromium-browser", "google-chrome" } do
    local path, status = processes.sh("command -v " .. name)
    if status == 0 then return (path:gsub("%s+$", "")) end
  end
end

local function install(root)
  os.execute(("mkdir -p %s/build/bench; npm install --silent --no-fund --no-audit --ignore-scripts --prefix %s/build/bench/browser puppeteer-core axe-core "
    .. ">/dev/null 2>&1"):format(root, root))
end

--- True where node finds both packages.
local function has_packages(root)
  return select(2, processes.sh(("NODE_PATH=%s node -e 'require(\"puppeteer-core\"); require.resolve(\"axe-core/axe.min.js\")'"):format(modules(root)))) == 0
end

--- Skips a test where browsers are not to be started, or what it takes is not there and cannot be installed.
function browser.wanted()
  if not os.getenv "RAMUS_TEST_ALL" then check.skip "only with RAMUS_TEST_ALL: it starts a browser" end
  if not browser.executable() then check.skip "no chromium" end
  if not has_packages(check.root) then install(check.root) end
  if not has_packages(check.root) then check.skip "no puppeteer-core, axe-core (npm)" end
end

--- What tests/browser/page.js, or another script there, prints of a file.
function browser.look(root, path, script)
  return processes.sh(("NODE_PATH=%s node %s/tests/browser/%s %s '%s'"):format(modules(root), root, script or "page.js", browser.executable(), path))
end

--- Looks at a report: nothing fails, nothing is fetched, at three sizes and colours it is as wide as the page, the next tab shows, and axe-core finds
-- nothing serious. each(view, where): what else holds of a view.
function browser.report(path, title, each)
  local out, status = browser.look(check.root, path)
  check.equal(status, 0, out)
  local found = json.decode(out:match "{.*}")
  check.equal(table.concat(found.errors, "; "), "")
  check.equal(table.concat(found.requests, "; "), "")
  check.equal(#found.views, 3)
  for _, view in ipairs(found.views) do
    local where = ("%d pixels, %s: "):format(view.width, view.scheme)
    check.equal(view.title, title)
    check.equal(view.across, view.width, where .. "width of the page")
    check.ok(view.tabs.selected == "true" and view.tabs.shown, where .. "the next tab")
    check.equal(table.concat(view.axe, "; "), "", where .. "axe-core")
    each(view, where)
  end
end

--- What tests/browser/serve.js prints of the page of ramus serve at an address; files that are saved go into a folder.
function browser.serve(root, address, picture, broken, folder)
  return processes.sh(("NODE_PATH=%s node %s/tests/browser/serve.js %s '%s' '%s' '%s' '%s'"):format(modules(root), root, browser.executable(), address,
    picture, broken, folder))
end

return browser
