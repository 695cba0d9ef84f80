--- Completions and the manual page: made from the tables of the commands, tried in the shells themselves where they are there.
local check = require "check"
local command = require "ramus.cli.command"
local files = require "ramus.base.files"
local processes = require "processes"
local sh = processes.sh

local folder = check.folder "shells"
local ramus = processes.executable(check.root)
assert(files.make_folder(folder .. "/here/scans"))
assert(files.write(folder .. "/here/recipe.lua", ""))

local function script(shell)
  local text, status = sh(("%s completion %s"):format(ramus, shell))
  check.equal(status, 0, text)
  local path = ("%s/%s%s"):format(folder, shell == "zsh" and "_" or "", shell == "zsh" and "ramus" or shell)
  assert(files.write(path, text))
  return path, text
end

local function has(shell) return select(2, sh("command -v " .. shell)) == 0 end

--- What a shell offers: { [TEXT] = what is offered, one a line }.
local CASES = {
  ["tra"] = { "train" },
  ["export --f"] = { "--fold", "--force" },
  ["train rec"] = { "recipe.lua" },
  ["train --run sc"] = { "scans/" },
  ["models res"] = { "resnet34_unet" },
  ["fetch phan"] = { "phantom" },
  ["predict x.png --flips m"] = { "mirrored" },
  ["ls --sort t"] = { "test" },
  ["new mo"] = { "model" },
}

local function compare(shell, offered)
  for text, wanted in pairs(CASES) do
    local got, list = offered(text), {}
    for word in got:gmatch "[^\n]+" do list[#list + 1] = word end
    table.sort(list)
    check.equal(table.concat(list, " "), table.concat(wanted, " "), ("%s: ramus %s"):format(shell, text))
  end
end

check.case("completion: bash offers commands, options, files, sets and architectures", function()
  if not has "bash" then check.skip "no bash" end
  local path = script "bash"
  compare("bash", function(text)
    local words, n = {}, 0
    for word in text:gmatch "%S+" do words[#words + 1], n = "'" .. word .. "'", n + 1 end
    local said, status = sh(([[cd %s/here && bash --norc -c '
source "%s"; COMP_WORDS=(ramus %s); COMP_CWORD=%d; _ramus 2>/dev/null
for one in "${COMPREPLY[@]}"; do [ -d "$one" ] && one=$one/; printf "%%s\n" "$one"; done']]):format(folder, path, table.concat(words, " "):gsub("'", ""), n))
    check.equal(status, 0, said)
    return said
  end)
end)

check.case("completion: fish offers the same", function()
  if not has "fish" then check.skip "no fish" end
  local path = script "fish"
  compare("fish", function(text)
    local said, status = sh(("cd %s/here && HOME=%s fish --no-config -c 'source %s; complete -C \"ramus %s\"'"):format(folder, folder, path, text))
    check.equal(status, 0, said)
    return (said:gsub("\t[^\n]*", ""))
  end)
end)

check.case("completion: zsh loads it and offers the same", function()
  if not has "zsh" then check.skip "no zsh" end
  local path = script "zsh"
  local text, status = sh("zsh -n " .. path)
  check.equal(status, 0, text)
  if not has "tmux" then check.skip "no tmux" end
  -- a terminal of its own, where Tab is pressed and the line that zsh makes of it is read
  local session = "ramus-zsh-" .. tostring(os.time()) .. math.random(1e6)
  local tmux = ("tmux -L %s "):format(session)
  sh(("%s -f /dev/null new-session -d -x 200 -y 50 'cd %s/here && env HOME=%s zsh -f'"):format(tmux, folder, folder))
  local function keys(what) sh(("%s send-keys -t 0 %s"):format(tmux, what)) end
  --- Waits until the screen holds a line that begins so, for a busy machine long enough.
  local function seen(wanted)
    local screen
    for _ = 1, 80 do
      screen = sh(tmux .. "capture-pane -p -t 0; sleep 0.1")
      if ("\n" .. screen):find("\n" .. wanted, 1, true) then return end
    end
    error(("the line '%s' did not come; the screen:\n%s"):format(wanted, screen), 0)
  end
  local ok, err = pcall(function()
    keys(([['PS1="> "; fpath=(%s $fpath); autoload -Uz compinit; compinit -u -D; clear; print rea""dy' Enter]]):format(folder))
    seen "ready"
    for typed, wanted in pairs { ["ramus tra"] = "ramus train ", ["ramus train rec"] = "ramus train recipe.lua", ["ramus export --fol"] = "ramus export --fold",
      ["ramus models res"] = "ramus models resnet34_unet", ["ramus fetch phan"] = "ramus fetch phantom" } do
      keys(("C-u %q Tab"):format(typed))
      seen("> " .. wanted:gsub(" $", ""))
    end
  end)
  sh(tmux .. "kill-server")
  if not ok then error(err, 0) end
end)

check.case("completion: another shell is refused; the manual page has every command and option and no warning", function()
  local text, status = sh(ramus .. " completion fsh")
  check.equal(status, 2, text)
  check.ok(text:find("did you mean 'fish'", 1, true) or text:find("fish", 1, true), text)
  text, status = sh(ramus .. " completion man")
  check.equal(status, 0)
  assert(files.write(folder .. "/ramus.1", text))
  for _, c in ipairs(command.all()) do
    check.ok(text:find(".SS ramus " .. c.name:gsub("%-", "\\-"), 1, true), c.name)
    for _, f in ipairs(c.flags or {}) do check.ok(text:find("\\-\\-" .. f.name:gsub("%-", "\\-"), 1, true), c.name .. " --" .. f.name) end
  end
  if not has "groff" then check.skip "no groff" end
  local warnings = sh(("groff -man -Tutf8 -ww -z %s/ramus.1"):format(folder))
  check.equal(warnings, "")
  local page = sh(("groff -man -Tascii -P-c %s/ramus.1 | col -b"):format(folder))
  check.ok(page:find("--fold", 1, true) and page:find("EXIT STATUS", 1, true), "the page as text")
end)
