--- A headless Chromium with puppeteer-core and axe-core of npm, which make test-all installs below build/bench.
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

function browser.install(root)
  os.execute(("mkdir -p %s/build/bench; npm install --silent --no-fund --no-audit --ignore-scripts --prefix %s/build/bench/browser puppeteer-core axe-core "
    .. ">/dev/null 2>&1"):format(root, root))
end

--- True where node finds both packages.
function browser.has_packages(root)
  return select(2, processes.sh(("NODE_PATH=%s node -e 'require(\"puppeteer-core\"); require.resolve(\"axe-core/axe.min.js\")'"):format(modules(root)))) == 0
end

--- What tests/browser/page.js, or another script there, prints of a file.
function browser.look(root, path, script)
  return processes.sh(("NODE_PATH=%s node %s/tests/browser/%s %s '%s'"):format(modules(root), root, script or "page.js", browser.executable(), path))
end

--- What tests/browser/serve.js prints of the page of ramus serve at an address; files that are saved go into a folder.
function browser.serve(root, address, picture, broken, folder)
  return processes.sh(("NODE_PATH=%s node %s/tests/browser/serve.js %s '%s' '%s' '%s' '%s'"):format(modules(root), root, browser.executable(), address,
    picture, broken, folder))
end

return browser
