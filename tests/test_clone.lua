--- A fresh clone builds and ends its demo within two minutes (packages aside): nothing that is needed lies outside the repository.
-- With RAMUS_TEST_ALL, since it builds everything anew.
local check = require "check"
local files = require "ramus.base.files"
local sh = require("processes").sh

local LIMIT = 120 -- seconds

check.case("a clone: make build and the demo within two minutes", function()
  if not os.getenv "RAMUS_TEST_ALL" then check.skip "it builds everything anew; it is for make test-all" end
  if os.getenv "RAMUS_SANITIZED" then check.skip "it builds the release" end
  if select(2, sh(("git -C %s rev-parse"):format(check.root))) ~= 0 then check.skip "no git, or not a repository" end
  local folder = check.folder "clone"
  local text, status, seconds = sh(("cd %s && git clone -q --no-hardlinks . %s/tree && cd %s/tree && unset MAKEFLAGS VARIANT && make -j2 build && "
    .. "RAMUS_DATA=%s/data build/ramus demo"):format(check.root, folder, folder, folder))
  check.equal(status, 0, text)
  check.ok(text:find("U-Net, this run", 1, true), text)
  check.ok(files.is_file(folder .. "/tree/runs/demo/last.safetensors"), "the demo left no model")
  check.ok(seconds < LIMIT, ("%.0f s, wanted at most %d"):format(seconds, LIMIT))
  local status_text = select(1, sh(("git -C %s/tree status --porcelain"):format(folder)))
  check.equal(status_text, "", "the build or the demo leaves files that .gitignore does not name")
end)
