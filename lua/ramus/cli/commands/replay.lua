--- ramus replay: trains a run again from its stored recipe and compares the weights.
local command = require "ramus.cli.command"

--- Shows the stored recipe and asks whether to run it; true, or nil and a message.
local function agreed(file)
  local files, ffi = require "ramus.base.files", require "ramus.base.ffi"
  if not (ffi.is_terminal(0) and ffi.is_terminal(1)) then
    return nil, ("replay runs %s, which is a program: read it, then say --yes"):format(file)
  end
  print(files.read(file) or "")
  io.write(("%s is a program, and training again runs it. Run it? [y/N] "):format(file))
  io.flush()
  return (io.read "*l" or ""):lower():match "^y" ~= nil, "not run"
end

local function report(path, again, result, other)
  for _, w in ipairs(result.weights) do
    print(("%s weights  %s  %s  %s"):format(w.name, w.before:sub(1, 16), w.after:sub(1, 16), w.before == w.after and "the same bits" or "DIFFER"))
  end
  for i, name in ipairs(result.arrays) do if i <= 5 then print("  first differences: " .. name) end end
  if result.images_changed then print("the images are others than they were: ramus diff " .. path .. " " .. again) end
  if not result.same and other then print("a reason: " .. other) end
end

return {
  name = "replay", order = 6.4, words = "RUN", example = "ramus replay runs/first --yes",
  help = "train a run again from the recipe that it stores, after asking (a stored recipe is a program), and compare the weights; status 1 where they differ",
  flags = {
    { name = "run", value = "DIR", wants = "a folder", help = "folder of the new run", unless = "RUN-replay" },
    { name = "recipe", value = "FILE", wants = "a recipe", unless = "the stored one",
      help = "the recipe, where the stored one needs modules that lie elsewhere" },
    { name = "yes", help = "run the stored recipe without asking" },
    command.DATA_ROOT, command.OFFLINE, command.JSON,
  },
  run = function(words, given)
    if #words ~= 1 then return false, ("replay wants one run, given %d"):format(#words), 2 end
    local replay, files = require "ramus.train.replay", require "ramus.base.files"
    local path = words[1]:gsub("(.)/+$", "%1")
    local again = given.run or path .. "-replay"
    local wrong = replay.wrong(path)
    if wrong then return false, wrong end
    if files.exists(again) and files.absolute(again) == files.absolute(path) then
      return false, ("--run %s: is the run itself, which would be compared with itself; name another folder"):format(again), 2
    end
    if files.exists(again) and not files.is_file(again .. "/resolved.json") then return false, ("--run %s: exists and is no run"):format(again), 2 end
    if not given.yes then
      local ok, why = agreed(given.recipe or replay.files(path)[1])
      if ok == nil then return false, why, 2 end
      if not ok then return false, why end
    end
    local r, err = replay.recipe(path, given.recipe)
    if not r then return false, err end
    local other = replay.other_machine(path)
    if other and not given.quiet then command.complain("the bits may differ: " .. other) end
    local result, message, kind = require "ramus.train.trainer" (r, { run = again, quiet = given.quiet or given.json, data_root = given["data-root"],
      offline = given.offline })
    if kind == "interrupted" then return 130 end
    if not result then return false, message end
    local compared
    compared, err = replay.compare(path, again)
    if not compared then return false, err end
    if given.json then
      local json = require "ramus.base.json"
      json.print { run = path, replay = again, same = compared.same, weights = json.list(compared.weights), arrays = json.list(compared.arrays),
        images_changed = compared.images_changed, reason = other }
    else report(path, again, compared, other) end
    if not compared.same then return false, ("%s: training again gave other weights"):format(path) end
    return 0
  end,
}
