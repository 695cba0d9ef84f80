--- make fuzz: every reader against damaged files. First libFuzzer (tests/fuzz/fuzz.c, built with clang), a process a reader, as many at
-- once as there are processors: the committed corpus is read again (corpora.lua), then damaged further. Then what Lua reads, changed in structure, in
-- the sanitized build: templates of models (templates.lua), and states, runs, results and data sets (structures.lua).
--   ramus run tests/fuzz/main.lua [--seconds N | --each N] [--only READER,READER] [--corpus DIR]
-- seconds: for all of libFuzzer's readers together; each: for every one of them. The corpora in build/fuzz/corpus, or below DIR, stay, and the next
-- run goes on from them. An input that breaks a reader is kept in build/fuzz/found.
local here = arg[0]:gsub("[^/]*$", "")
package.path = here .. "?.lua;" .. here .. "../?.lua;" .. package.path
local corpora = require "corpora"
local files = require "ramus.base.files"
local processes = require "processes"
local seeds = require "seeds"

local given = { seconds = 60 }
for i = 1, #arg, 2 do given[arg[i]:match "^%-%-(%a+)$" or error("unknown option " .. arg[i], 0)] = tonumber(arg[i + 1]) or arg[i + 1] end
local root, passed, failed = "build/fuzz/", 0, 0

local function report(name, held, what, log)
  if held then passed = passed + 1 else failed = failed + 1 end
  print(("%-12s %s: %s"):format(name, what, held and "held" or "FAILED"))
  if not held then print(log) end
  io.flush()
end

--- Command of one reader; what it says goes to build/fuzz/log/READER, and of the committed corpus to READER.replay.
local COMMAND = table.concat({
  "build/fuzz/fuzzer --reader={} -runs=0 -timeout=20 -rss_limit_mb=1500 -malloc_limit_mb=300 -artifact_prefix=build/fuzz/found/{}- build/fuzz/committed/{}",
  "> build/fuzz/log/{}.replay 2>&1; echo $? > build/fuzz/log/{}.replayed;",
  "build/fuzz/fuzzer --reader={} -max_total_time=%d -max_len=4096 -timeout=20 -rss_limit_mb=1500 -malloc_limit_mb=300",
  "-print_final_stats=1 -artifact_prefix=build/fuzz/found/{}- %s/{} build/fuzz/seeds/{} build/fuzz/committed/{} tests/reference",
  "> build/fuzz/log/{} 2>&1; echo $? > build/fuzz/log/{}.status" }, " ")

local function fuzz(names)
  local jobs = math.min(tonumber((processes.sh "nproc")) or 1, #names)
  local each = given.each or math.max(1, math.floor(given.seconds * jobs / #names))
  local corpus = given.corpus or root .. "corpus"
  for _, name in ipairs(names) do assert(files.make_folder(corpus .. "/" .. name)) end
  for _, name in ipairs { "found", "log" } do assert(files.make_folder(root .. name)) end
  local kept = {}
  for _, name in ipairs(names) do
    seeds.write(name, root .. "seeds/" .. name)
    kept[name] = corpora.unpack(name, root .. "committed/" .. name)
  end
  processes.sh(("export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1; "
    .. "printf '%%s\\n' %s | xargs -P %d -I{} sh -c '%s'"):format(table.concat(names, " "), jobs, COMMAND:format(each, corpus)))
  for _, name in ipairs(names) do
    local log = files.read(root .. "log/" .. name) or ""
    local again = files.read(root .. "log/" .. name .. ".replay") or ""
    report(name, (files.read(root .. "log/" .. name .. ".replayed") or ""):match "^0\n", kept[name] .. " committed inputs", again:sub(-6000))
    local held = (files.read(root .. "log/" .. name .. ".status") or ""):match "^0\n"
    local inputs, rate = log:match "stat::number_of_executed_units: (%d+)", log:match "stat::average_exec_per_sec: +(%d+)"
    report(name, held, ("%d s, %s inputs (%s a second), %s in the corpus"):format(each, inputs or "?", rate or "?",
      (processes.sh("ls " .. corpus .. "/" .. name .. " | wc -l"):gsub("%s", ""))), log:sub(-6000))
  end
end

local names, wanted = {}, {}
for name in (given.only or ""):gmatch "[^,%s]+" do wanted[name] = true end
for name in (processes.sh "build/fuzz/fuzzer --list"):gmatch "%S+" do
  if not given.only or wanted[name] then names[#names + 1] = name end
  wanted[name] = nil
end
for name in pairs(wanted) do
  if name ~= "templates" and name ~= "structures" then error(("no reader '%s'; build/fuzz/fuzzer --list names them"):format(name), 0) end
end
if #names > 0 then fuzz(names) end
for name, count in pairs { templates = 300, structures = 40 } do
  if not given.only or wanted[name] then
    local text, status = processes.sh(("timeout 300 %s run %s%s.lua 1 %d %s"):format(processes.executable ".", here, name, count, root .. name))
    report(name, status == 0, count .. (name == "templates" and " files" or " files of each kind"), text)
  end
end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and passed > 0 and 0 or 1, true)
