--- The command line: ramus COMMAND ... Exit status 0 done, 1 the world failed
-- (network, file, diverged), 2 wrong use, 130 interrupted with a checkpoint saved.
local options = require "ramus.base.options"
require "ramus" -- its earlier module names work in every script

local cli = {}

-- ---- arguments ----------------------------------------------------------------

--- Sorts arguments by `flags`: NAME = { value = "WHAT" or nil, many = bool, short = "-o", number = bool, min =, max = }.
-- Returns positional arguments and flags, or nil and a message.
local function parse(args, first, flags)
  local words, given = {}, {}
  local i = first
  local short = {}
  for name, f in pairs(flags) do if f.short then short[f.short] = name end end
  while args[i] do
    local a = args[i]
    local name, inline = a:match("^%-%-([%w%-]+)=(.*)$")
    name = name or a:match("^%-%-([%w%-]+)$") or short[a]
    if a == "--" then
      for k = i + 1, #args do words[#words + 1] = args[k] end
      break
    elseif name then
      local f = flags[name]
      if not f then
        local known = {}
        for k in pairs(flags) do known[#known + 1] = "--" .. k end
        return nil, options.unknown("option", a, known)
      end
      local value = true
      if f.value then
        value = inline
        if not value then
          i = i + 1
          value = args[i]
        end
        if not value then return nil, ("%s wants %s"):format(a, f.value) end
        if f.number then
          value = tonumber(value)
          if not value then return nil, ("%s wants a number, given '%s'"):format(a, inline or args[i]) end
          if value < (f.min or value) or value > (f.max or value) then
            return nil, ("%s wants a number %s, given %g"):format(a, f.max and ("from %g to %g"):format(f.min, f.max) or (">= %g"):format(f.min), value)
          end
        end
      elseif inline then return nil, ("--%s takes no value"):format(name) end
      if f.many then
        given[name] = given[name] or {}
        table.insert(given[name], value)
      else
        given[name] = value
      end
    elseif a:match("^%-.") then
      local known = {}
      for k in pairs(flags) do known[#known + 1] = "--" .. k end
      return nil, options.unknown("option", a, known)
    else
      words[#words + 1] = a
    end
    i = i + 1
  end
  return words, given
end

local function complain(text)
  io.stderr:write("ramus: ", tostring(text), "\n")
end

local function wrong_use(text, command)
  complain(text)
  if command then io.stderr:write("usage: ramus ", cli.commands[command].usage, "\n") end
  return 2
end

local function failed(text)
  complain(text)
  return 1
end

local data_flags = { ["data-root"] = { value = "a folder" }, offline = {} }

local function with(flags)
  local all = {}
  for k, v in pairs(data_flags) do all[k] = v end
  for k, v in pairs(flags) do all[k] = v end
  return all
end

-- ---- commands -----------------------------------------------------------------

local commands = {}
cli.commands = commands

--- Runs a chunk as `lua` would: errors give a traceback and status 1.
local function run_chunk(chunk, ...)
  local args, n = { ... }, select("#", ...)
  local ok, err = xpcall(function() return chunk(unpack(args, 1, n)) end, function(e)
    return type(e) == "string" and debug.traceback(e, 2) or e
  end)
  if ok then return 0 end
  complain(err)
  return 1
end

commands.run = { usage = "run FILE [ARG]...", help = "run a Lua script; arg is set as lua does", call = function(args)
  local file = args[2]
  if not file then return wrong_use("run wants a file", "run") end
  local shifted = { [0] = file }
  for i = 3, #args do shifted[i - 2] = args[i] end
  _G.arg = shifted
  local chunk, message = loadfile(file)
  if not chunk then return failed(message) end
  return run_chunk(chunk, unpack(shifted))
end }

commands["-e"] = { usage = "-e CODE", help = "run Lua code; ra is require \"ramus\"", call = function(args)
  if not args[2] then return wrong_use("-e wants code", "-e") end
  local chunk, message = loadstring(args[2], "=-e")
  if not chunk then return failed(message) end
  setfenv(chunk, setmetatable({}, { __index = function(_, k)
    if k == "ra" then return require "ramus" end
    return _G[k]
  end, __newindex = _G }))
  return run_chunk(chunk)
end }

commands.repl = { usage = "[repl]", help = "explore: tensors, models and pictures as values", call = function()
  return require("ramus.cli.repl").main()
end }

commands.train = {
  usage = "train RECIPE [--run DIR] [--set K=V]... [--seed N] [--epochs N] [--data-root DIR] [--offline] [--quiet] [--json]",
  help = "fetch what is missing, train, evaluate; the same command again resumes",
  call = function(args)
    local words, given = parse(args, 2, with { run = { value = "a folder" }, set = { value = "KEY=VALUE", many = true },
      seed = { value = "a number", number = true }, epochs = { value = "a number", number = true }, quiet = {}, json = {} })
    if not words then return wrong_use(given, "train") end
    if #words ~= 1 then return wrong_use(("train wants one recipe, given %d"):format(#words), "train") end
    local recipe, err = require("ramus.train.recipe").load(words[1], { set = given.set, seed = given.seed, epochs = given.epochs })
    if not recipe then return wrong_use(err) end
    local result, message, kind = require "ramus.train.trainer" (recipe, { run = given.run, quiet = given.quiet or given.json,
      data_root = given["data-root"], offline = given.offline })
    if kind == "interrupted" then return 130 end
    if not result then return failed(message) end
    if given.json and result.evaluation then print(require("ramus.train.evaluate").json(result.evaluation)) end
    if not given.quiet and not given.json then print(("everything is in %s"):format(result.run)) end
    return 0
  end,
}

commands.eval = {
  usage = "eval RUN [--data SET:SPLIT] [--recipe FILE] [--threshold T] [--tune] [--data-root DIR] [--offline] [--json]",
  help = "score a run: per picture and pooled, every output, with its protocol",
  call = function(args)
    local words, given = parse(args, 2, with { data = { value = "SET:SPLIT" }, recipe = { value = "a file" },
      threshold = { value = "a number", number = true, min = 0, max = 1 },
      tune = {}, json = {} })
    if not words then return wrong_use(given, "eval") end
    if #words ~= 1 then return wrong_use(("eval wants one run folder, given %d"):format(#words), "eval") end
    local evaluate = require "ramus.train.evaluate"
    local out = require("ramus.base.progress").new { quiet = given.json }
    local result, err = evaluate(words[1], { data = given.data, recipe = given.recipe, threshold = given.threshold, tune = given.tune,
      data_root = given["data-root"], offline = given.offline, out = out })
    if not result then return failed(err) end
    if given.json then print(evaluate.json(result)) end
    return 0
  end,
}

commands.predict = {
  usage = "predict RUN PICTURE... [-o DIR] [--threshold T] [--tile N] [--json]",
  help = "probability, mask and overlay for files and folders",
  call = function(args)
    local words, given = parse(args, 2, { output = { value = "a folder", short = "-o" }, threshold = { value = "a number", number = true, min = 0, max = 1 },
      tile = { value = "a number", number = true, min = 16 }, json = {} })
    if not words then return wrong_use(given, "predict") end
    if #words < 2 then return wrong_use("predict wants a run (or model file) and pictures", "predict") end
    local results, err = require "ramus.train.predict" (words[1], { unpack(words, 2) }, { output = given.output, threshold = given.threshold,
      tile = given.tile, out = not given.json and require("ramus.base.progress").new {} or nil })
    if not results then return failed(err) end
    if given.json then print(require("cjson").encode(results)) end
    return 0
  end,
}

--- VALUE of a set's option: a number where it is one.
local function set_options(list)
  local o = {}
  for _, pair in ipairs(list or {}) do
    local k, v = pair:match("^([%w_]+)=(.*)$")
    if not k then return nil, ("--set wants KEY=VALUE, given '%s'"):format(pair) end
    o[k] = tonumber(v) or v
  end
  return next(o) and o or nil
end

commands.fetch = {
  usage = "fetch SET [--from PATH] [--mirror URL] [--data-root DIR] [--set K=V]... [--offline]",
  help = "bring a data set to the data root, checked",
  call = function(args)
    local words, given = parse(args, 2, with { from = { value = "a folder or archive" }, mirror = { value = "an address" },
      set = { value = "KEY=VALUE", many = true }, again = {} })
    if not words then return wrong_use(given, "fetch") end
    if #words ~= 1 then return wrong_use(("fetch wants one data set, given %d; ramus datasets lists them"):format(#words), "fetch") end
    local dataset = require "ramus.data.dataset"
    local def, unknown = dataset.find(words[1])
    if not def then return wrong_use(unknown) end
    local o, err = set_options(given.set)
    if err then return wrong_use(err, "fetch") end
    local out = require("ramus.base.progress").new {}
    local folder
    folder, err = require "ramus.data.fetch" (words[1], { from = given.from, mirror = given.mirror, data_root = given["data-root"],
      offline = given.offline, again = given.again, options = o, progress = function(p)
        out:update(("%s %s %s"):format(p.stage, p.file or "",
          p.bytes and ("%.1f%s MB"):format(p.bytes / 1e6, (p.total or 0) > 0 and (" of %.1f"):format(p.total / 1e6) or "") or p.note or ""))
      end })
    if not folder then return failed(err) end
    out:line(("%s is in %s"):format(def.name, folder))
    return 0
  end,
}

commands.datasets = { usage = "datasets [--json]", help = "the data sets that are known, and which are here", call = function(args)
  local words, given = parse(args, 2, with { json = {} })
  if not words then return wrong_use(given, "datasets") end
  local dataset = require "ramus.data.dataset"
  local list = {}
  for i, d in ipairs(dataset()) do
    local here = d.definition and not d.definition.schema and dataset.mark(dataset.folder(d.definition, given["data-root"])) ~= nil
    list[i] = { name = d.name, title = d.title, here = here or false }
  end
  if given.json then print(require("cjson").encode(list)) return 0 end
  for _, d in ipairs(list) do print(("%-12s %-5s %s"):format(d.name, d.here and "here" or "", d.title)) end
  print("data root: " .. dataset.root(given["data-root"]))
  return 0
end }

commands.demo = {
  usage = "demo [--run DIR] [--data-root DIR]", help = "train, evaluate and picture a segmenter on synthetic angiograms in a few minutes",
  call = function(args)
    local words, given = parse(args, 2, { run = { value = "a folder" }, ["data-root"] = { value = "a folder" } })
    if not words then return wrong_use(given, "demo") end
    local ok, err, kind = require "ramus.cli.demo" { run = given.run, data_root = given["data-root"] }
    if kind == "interrupted" then return 130 end
    return ok and 0 or failed(err)
  end,
}

commands.doctor = { usage = "doctor", help = "what this build and machine can do", call = function()
  local ffi = require "ramus.base.ffi"
  local C = ffi.C
  local dataset = require "ramus.data.dataset"
  local function built(key) return ffi.string(C.ra_build_info(key)) end
  print(("ramus %s, commit %s, kernels %s, %s"):format(built "version", built "commit", built "kernels", jit.version))
  print(("kernels %s, %d threads (RAMUS_ISA, RAMUS_THREADS change that)"):format(ffi.string(C.ra_isa()), C.ra_threads()))
  print(("data root %s%s"):format(dataset.root(), require("ramus.base.files").is_folder(dataset.root()) and "" or " (not there yet)"))
  local ra = require "ramus"
  local net = ra.models.unet { depth = 3, width = 8 }
  local start = C.ra_clock()
  net:forward(ra.rand(1, 1, 128, 128))
  print(("a small U-Net on 128x128: %.1f ms"):format(1e3 * (C.ra_clock() - start)))
  return 0
end }

commands.bench = {
  usage = "bench [CASE]... [--width N] [--size N] [--batch N] [--steps N] [--profile] [--json]",
  help = "time a training step (train), one of self-distillation (dsd) and a prediction (infer), on random pictures",
  call = function(args)
    local bench = require "ramus.cli.bench"
    local flags = { profile = {}, json = {} }
    for _, name in ipairs { "width", "size", "batch", "steps" } do
      flags[name] = { value = "a whole number", number = true, min = bench.schema[name].min }
    end
    local words, given = parse(args, 2, flags)
    if not words then return wrong_use(given, "bench") end
    local results = {}
    for i, case in ipairs(#words > 0 and words or bench.cases) do
      local o, err = options.validate({ case = case, width = given.width, size = given.size, batch = given.batch, steps = given.steps,
        profile = given.profile }, bench.schema, "bench")
      if not o then return wrong_use(err, "bench") end
      results[i], err = bench.run(o)
      if not results[i] then return failed(err) end
      if not given.json then
        local r = results[i]
        if i == 1 then print(("%s kernels on %d threads\n%s"):format(r.isa, r.threads, bench.heading)) end
        print(bench.line(r) .. (r.profile and "\n\n" .. r.profile or ""))
      end
    end
    if given.json then print(require("ramus.base.json").encode(results, 6)) end
    return 0
  end,
}

local order = { "repl", "run", "-e", "train", "eval", "predict", "fetch", "datasets", "demo", "bench", "doctor" }

local function usage()
  local lines = { "usage: ramus COMMAND ...", "" }
  for _, name in ipairs(order) do lines[#lines + 1] = ("  ramus %s\n      %s"):format(commands[name].usage, commands[name].help) end
  lines[#lines + 1] = "\nExit status: 0 done, 1 failed (network, file, diverged), 2 wrong use, 130 interrupted and saved."
  return table.concat(lines, "\n")
end

--- Runs the command line; returns the exit status.
function cli.main(args)
  local name = args[1] or "repl"
  if name == "help" or name == "--help" or name == "-h" then
    print(usage())
    return 0
  end
  if name == "--version" or name == "-v" then
    print("ramus " .. require("ramus").version)
    return 0
  end
  local command = commands[name]
  if not command then
    complain(options.unknown("command", name, order))
    io.stderr:write("ramus --help lists them\n")
    return 2
  end
  for _, a in ipairs(args) do
    if (a == "--help" or a == "-h") and name ~= "run" and name ~= "-e" then
      print("usage: ramus " .. command.usage .. "\n" .. command.help)
      return 0
    end
  end
  local status
  local ok, err = xpcall(function() status = command.call(args) end, function(e) return debug.traceback(tostring(e), 2) end)
  if ok then return status or 0 end
  complain(err)
  return 1
end

return cli
