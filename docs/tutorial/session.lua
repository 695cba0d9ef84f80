--- The sessions on a page: in its ```text blocks, what is typed behind "> " and ">> ", and below it what the prompt answers.
--   build/ramus run docs/tutorial/session.lua PAGE.md     writes the answers anew
-- tests/test_prompt.lua holds the committed pages to it.
local files = require "ramus.base.files"
local repl = require "ramus.cli.repl"
local show = require "ramus.base.show"

--- The page with the answers of a session at a width of 100 columns.
local function answered(page)
  local usual, answer = show.width, {}
  show.width = function() return 100 end
  local function note(text) answer[#answer + 1] = text end
  local s = repl.session { write = note, complain = note }
  local lines, inside, typing = {}, false, false
  for line in (page):gmatch("([^\n]*)\n") do
    if line:find "^```" then inside = line == "```text" end
    local input = inside and line:match "^>>? (.*)$"
    if input then typing = true
    elseif not inside or line:find "^```" then typing = false end
    if input or not typing then lines[#lines + 1] = line end
    answer = {}
    local command = input and input:match "^%$ (.*)$"
    if command then
      local pipe = io.popen(command .. " 2>&1")
      note(pipe:read "*a")
      pipe:close()
    elseif input then s:feed(input) end
    for one in table.concat(answer):gmatch "[^\n]+" do lines[#lines + 1] = (one:gsub("^documents in .*$", "documents in ramus/")) end
  end
  show.width = usual
  return table.concat(lines, "\n") .. "\n"
end

if arg and arg[0] and arg[0]:find "session%.lua$" then
  for _, path in ipairs(arg) do assert(files.write(path, answered(assert(files.read(path))))) end
end

return answered
