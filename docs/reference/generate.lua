--- Writes the reference pages that come from tables: ops.md, losses.md, models.md, recipe.md, study.md, cli.md, json.md, metrics.md,
-- datasets.md, limits.md, tensors.md.
--   build/ramus run docs/reference/generate.lua [FOLDER]
-- FOLDER: where to write; docs/reference unless given. tests/test_docs.lua fails
-- when a committed page differs from what this makes.
local ra = require "ramus"
local about = require "ramus.data.fetch.about"
local augment = require "ramus.data.augment"
local command = require "ramus.cli.command"
local files = require "ramus.base.files"
local help = require "ramus.cli.help"
local optim = require "ramus.lang.optim"
local options = require "ramus.base.options"
local recipe = require "ramus.train.recipe"

local folder = arg[1] or (arg[0]:match("^(.*)/[^/]*$") or ".")
local specs = require("ramus.lang.ops").specs
local NOTE = "<!-- Made by docs/reference/generate.lua from the tables in the code. Do not edit: change the table, then run it. -->\n"

--- Text in a cell of a table; a wide `|` would end the cell.
local function cell(text) return (tostring(text or ""):gsub("|", "\\|"):gsub("\n", " ")) end
local function code(text) return text and text ~= "" and "`" .. tostring(text):gsub("|", "\\|") .. "`" or "" end

local function write_page(name, lines)
  local path = folder .. "/" .. name
  assert(files.write(path, NOTE .. table.concat(lines, "\n") .. "\n"))
end

-- ---- ops and losses -----------------------------------------------------------------

local function param_table(spec, lines)
  if #spec.params == 0 then return end
  lines[#lines + 1] = "\n| option | default | values | meaning |\n|---|---|---|---|"
  for _, p in ipairs(spec.params) do
    lines[#lines + 1] = ("| %s | %s | %s | %s%s |"):format(code(p.name), p.required and "required" or code(help.default_of(p)),
      cell(help.range_of(p)), cell(p.help), p.live and "; a number or a schedule" or "")
  end
end

local function op_section(spec, lines)
  lines[#lines + 1] = ("\n## %s\n"):format(spec.name)
  lines[#lines + 1] = ("```\n%s\n\n%s\n```"):format(help.signature(spec), spec.help)
  param_table(spec, lines)
end

local function ops_page()
  local lines = { "# Ops\n",
    "`ra.F.NAME(inputs..., {options})`. On tensors an op runs at once and gives a tensor (a number for a full reduction); inside",
    "`ra.model` or `ra.grad` it is recorded. Inputs marked `?` may be left out or `nil`; a number serves where a tensor of one value",
    "would; inputs can also be given by name among the options. Dimensions count from 1. Names, defaults, weight shapes and",
    "semantics are PyTorch's. An op of one input is also a method, `x:relu()`, and a module, `ra.nn.relu{}`.\n",
    "In the REPL `?NAME` shows the same." }
  local names = {}
  for _, n in ipairs(require("ramus.lang.ops").names) do if not specs[n].is_loss then names[#names + 1] = n end end
  table.sort(names)
  for i, n in ipairs(names) do names[i] = ("[%s](#%s)"):format(n, n) end
  lines[#lines + 1] = "\n" .. table.concat(names, ", ")
  for _, n in ipairs(require("ramus.lang.ops").names) do if not specs[n].is_loss then op_section(specs[n], lines) end end
  write_page("ops.md", lines)
end

local function losses_page()
  local lines = { "# Losses\n",
    "`ra.loss.NAME{options}` is a value that is called `loss(prediction, mask, teacher)`; each ignores what it does not need. Predictions",
    "and teachers are logits unless `input = \"prob\"`. The result is a number outside of a recording. Options that say so take a",
    "schedule too. `ra.F.NAME(prediction, mask, teacher, inside, weight, {options})` is the same op. Every loss takes two more inputs, by name:",
    "`loss(prediction, mask, teacher, { inside = fov, weight = w })`, each of the prediction's shape. Pixels whose `inside` is below 0.5 are in",
    "no sum and have no gradient; the others count `weight` times, or once. Means are sum(weight * value) / sum(weight); the sums and areas of",
    "overlap and patch losses are sums of weights; patches of area 0 are left out; where nothing counts the loss is 0.",
    "",
    "The shapes decide what a prediction of K > 1 channels is. Against a label map [B,1,H,W] (class numbers from 0; void pixels are negative and",
    "left out) it is K exclusive classes: probabilities are the softmax over channels, and `inside` and `weight` are [B,1,H,W]. Against planes",
    "[B,K,H,W] of 0 and 1 each channel is a sigmoid of its own. A teacher has the shape of the prediction; which of the two it is, the mask",
    "says. How the losses of the paper are read:",
    "[the method](../explanation/method.md)." }
  for _, n in ipairs(ra.loss.names) do op_section(specs[n], lines) end
  write_page("losses.md", lines)
end

-- ---- tensors ------------------------------------------------------------------------

local function tensors_page()
  local lines = { "# Tensors\n",
    "Numbers of one type with a shape of up to five dimensions; images are [B,C,H,W]. `+ - * / ^` and unary `-` work element by element and",
    "broadcast as NumPy's do, with tensors and numbers; so do `a:gt(b)`, `ge`, `lt`, `le`, `eq` and `ne`, which give 1 or 0 (Lua's own `<` and `>`",
    "are true or false and are refused; `==` asks whether both are the same tensor). Every [op](ops.md) of one input is a method too, `x:relu()`.\n",
    "`print(x)` shows the shape, the type, the smallest, largest and mean value, and the numbers; the middle of what is large is left out:\n",
    "```\n" .. tostring(ra.arange(96):reshape(2, 6, 8)) .. "\n\n" .. tostring(ra.linspace(0, 1, 500)) .. "\n```",
    "\n## Making one\n", "```" }
  for _, name in ipairs { "tensor", "zeros", "ones", "full", "empty", "arange", "linspace", "eye", "rand", "randn", "seed" } do
    lines[#lines + 1] = help.find("public." .. name)
  end
  lines[#lines + 1] = "```\n\n## Parts\n\n```\n" .. help.head_of "ramus.lang.tensor_index" .. "\n```\n\n## Fields\n\n```"
  for _, name in ipairs(options.names(help.tensor_fields)) do lines[#lines + 1] = help.tensor_fields[name] end
  lines[#lines + 1] = "```\n\n## Methods\n\n```"
  for i, name in ipairs(help.tensor_methods()) do lines[#lines + 1] = (i > 1 and "\n" or "") .. help.find("t." .. name) end
  lines[#lines + 1] = "```"
  write_page("tensors.md", lines)
end

-- ---- metrics ------------------------------------------------------------------------

local function metrics_page()
  local metrics = require "ramus.data.metrics"
  local lines = { "# Metrics\n",
    "`ramus eval` computes all of them, per image (mean, deviation, 95 % bootstrap interval over images) and, where it says so, pooled: from all pixels as",
    "if they were one image. tp, fp, fn, tn count pixels inside the field of view. From Lua: `ra.metrics(probability, mask)`.",
    "Of a model with classes each class is scored against the rest. " .. metrics.ZERO_RULE:gsub("^%l", string.upper) .. ".\n",
    "Definitions in full: `core/metric/metric.h`; the numbers are held to those of other programs by `tests/test_metric.lua`.",
    "\n| metric | better | pooled | meaning |\n|---|---|---|---|" }
  for _, name in ipairs(metrics.keys) do
    lines[#lines + 1] = ("| [%s](#%s) | %s | %s | %s |"):format(name, name, metrics.lower_is_better[name] and "smaller" or "larger",
      metrics.is_pooled[name] and "yes" or "no", cell(metrics.help[name]:gsub("; smaller is better$", "")))
  end
  for _, name in ipairs(metrics.keys) do
    lines[#lines + 1] = ("\n## %s\n"):format(name)
    lines[#lines + 1] = metrics.help[name]:gsub("^%l", string.upper) .. "."
  end
  write_page("metrics.md", lines)
end

-- ---- option tables ------------------------------------------------------------------

local function schema_rows(schema, lines, prefix)
  for _, name in ipairs(help.entry_order(schema)) do
    local e = schema[name]
    lines[#lines + 1] = ("| %s | %s | %s | %s |"):format(code(type(name) == "number" and e.name or prefix .. name),
      e.required and "required" or code(help.entry_default(e)), cell(help.entry_range(e)), cell(e.help))
    local inner = lines.nested and e.fields
    if inner then schema_rows(inner, lines, name .. ".") end
  end
end

--- nested: sections of sections are shown too.
local function schema_table(schema, lines, nested)
  lines[#lines + 1] = "\n| field | default | values | meaning |\n|---|---|---|---|"
  lines.nested = nested
  schema_rows(schema, lines, "")
  lines.nested = nil
end

local function text_block(text) return "\n```\n" .. text .. "\n```" end

local function models_page()
  local lines = { "# Models and modules\n",
    "A model is made by `ra.models.NAME{options}` or from your own function by `ra.model(f)` ([tutorial](../tutorial/own-architecture.md)).",
    "Weights start as He et al. (ICCV 2015) say: normal with deviation sqrt(2 / fan_in); biases 0, scales 1.\n",
    "A preset is a set of options under one name: `ra.models.unetpp{ preset = \"published\" }` is the net of the paper, `\"light\"` one of",
    "about 6 GFLOP for a picture of 256x256, for machines without a GPU. Options that are given too win. Side outputs are asked for with",
    "`sides = true` in either; `side1` is the nearest to the output. `ramus models` lists what each costs on a machine.\n", "## Models" }
  for _, name in ipairs(ra.models.names()) do
    local text = assert(help.find("models." .. name))
    lines[#lines + 1] = ("\n### %s"):format(name)
    lines[#lines + 1] = text_block(text)
  end
  lines[#lines + 1] = "\n## Modules\n\nAn op with its parameters and buffers. Options of the op ([ops](ops.md)) are options of the module too.\n"
  lines[#lines + 1] = "```"
  local modules, bare = help.modules(), {}
  for _, name in ipairs(options.names(modules)) do
    local d = modules[name]
    if d.signature:find("{...}", 1, true) then bare[#bare + 1] = name
    else lines[#lines + 1] = ("ra.nn.%s: %s"):format(d.signature, d.help) end
  end
  lines[#lines + 1] = "```\n\nWithout parameters, `ra.nn.NAME{options}`: " .. table.concat(bare, ", ") .. "."
  write_page("models.md", lines)
end

local function recipe_page()
  local lines = { "# Fields of a recipe\n",
    "A recipe is a Lua file that returns a table with these fields. Unknown fields are errors that name the nearest known one. Every field",
    "can be set from the command line: `--set optim.lr=3e-4`, `--set data.augment.rotate=10`, `--set model.width=8`,",
    "`--set \"supervise.2.weight=ramp(0, 1)\"`. The value is a Lua expression, or a string where it is none." }
  schema_table(recipe.schema, lines)
  lines[#lines + 1] = "\n## data"
  schema_table(recipe.data_schema, lines)
  lines[#lines + 1] = "\n`split` may be a name that the set declares, or weights as `\"7:1:2\"` (train, val, test; drawn once, by a fixed seed). "
    .. "Behind\na comma may stand `val 20%` (that share of train is held out for validation), `val fold 2 of 5` (of train), `test fold 2 of 5` (of "
    .. "all)\nand `train 10` (only as many of train), each with "
    .. "`seed N`: `\"usual, val 20%\"`, `\"usual, test fold 1 of 5, val 20% seed 7\"`. Groups (patients) stay on one side."
  lines[#lines + 1] = "\n## data.augment\n\nRanges and order are explained in [images.md](images.md)."
  schema_table(augment.schema, lines)
  lines[#lines + 1] = "\n## teacher"
  schema_table(recipe.teacher_schema, lines)
  lines[#lines + 1] = text_block(help.head_of "ramus.train.teacher")
  for _, name in ipairs { "init", "validate", "early_stop", "log" } do
    lines[#lines + 1] = "\n## " .. name
    schema_table(assert(recipe.schema[name].fields), lines, true)
  end
  lines[#lines + 1] = "\n## supervise\n\nA list of rows."
  lines[#lines + 1] = text_block(help.head_of "ramus.train.supervise")
  lines[#lines + 1] = "\n## optim"
  for _, name in ipairs(optim.names) do
    lines[#lines + 1] = ("\n### ra.optim.%s"):format(name)
    schema_table(optim.schema(name), lines)
  end
  lines[#lines + 1] = "\n## Schedules\n\nFor `weight` of a row, `optim.schedule` (there the value multiplies `lr`) and live options of losses."
    .. " A schedule that follows a score says so before training; the scores that acted in an epoch are `followed` in its line of `metrics.jsonl`."
  lines[#lines + 1] = text_block(help.find "schedule")
  write_page("recipe.md", lines)
end

-- ---- studies -----

local function study_page()
  local definition, score, tables = require "ramus.study.definition", require "ramus.study.score", require "ramus.study.tables"
  local lines = { "# Fields of a study\n",
    "`ramus study FILE.lua` trains rows of recipes with several seeds, scores them and compares them in tables",
    "([tutorial](../tutorial/compare.md)). The file returns a table with these fields. Rows with the same recipe share their trainings, whatever",
    "they are called." }
  schema_table(definition.schema, lines)
  lines[#lines + 1] = "\nValues of `set` are Lua values, as `{ [\"optim.lr\"] = 3e-4, [\"supervise.2.weight\"] = ra.ramp(0, 1) }`. `without` names"
  lines[#lines + 1] = "entries of a list by their places before any is removed. Paths are relative to the study's folder,"
  lines[#lines + 1] = "those inside of a recipe's file to the recipe's."
  lines[#lines + 1] = "\n## Rows"
  schema_table(definition.row_schema, lines)
  lines[#lines + 1] = "\n## Scores\n\n`\"test\"` is a split of the row's own set, `\"cimat80:test\"` one of a set; in full:"
  schema_table(score.schema, lines)
  lines[#lines + 1] = "\n## Tables\n\nEach table is a page `NAME.md` beside the results, with `NAME.csv`, `NAME.json` and the figure `NAME.svg`."
  schema_table(tables.schema, lines)
  for _, text in ipairs {
    "\nMetrics are [those of `ramus eval`](metrics.md), and:\n\n```\n" .. help.head_of "ramus.study.signs" .. "\n```",
    "\nOf a page only what lies between the two comments `ramus study: from here` and `to here` is made anew.\n",
    "## What is compared, and how\n",
    "A mean is that over seeds of the means over pictures; its 95 % interval is a nested bootstrap (10000 resamples): seeds are drawn, and pictures within",
    "each. A row is compared with its control picture by picture under the same seed: the mean of the differences with its interval, and the p value of",
    "Wilcoxon's signed-rank test of the pictures' differences averaged over seeds, corrected by Holm's rule over all comparisons of the table. A row is",
    "better or worse (of patch entropy, which is neither: higher or lower) where the interval leaves out 0 and the corrected p is at most `level`; else",
    "it is not distinguishable. Pictures of one group (the eyes of a patient; a set says which, and `groups` of a folder) are no evidence beside each",
    "other: the bootstrap draws groups, the test takes the mean of a group's differences as one, and a footnote says so. Rows that were scored on other",
    "pictures are never compared; any other difference of their protocols, or of what they were trained on, is a footnote. tests/reference/compare.py holds",
    "the statistics to SciPy and NumPy.\n",
    "## Results\n",
    "`NAME.jsonl` holds a line for each training, its cell, and is meant to be committed: tables are made from it alone. It is written under a lock, a",
    "line at a time, synced; a line that was cut is dropped; of several lines of a cell the newest counts. Fields of a line:\n",
    "| field | meaning |\n|---|---|",
    "| `cell` | 16 digits of the recipe's hash, and the seed |",
    "| `recipe` | SHA-256 of what results depend on but for the seed: the recipe without its name and fields that have their default, files by content |",
    "| `study`, `row`, `seed` | of the study that ran it |",
    "| `build`, `isa`, `compiler`, `processor`, `threads` | what ran it; the first three decide the bits |",
    "| `data` | the set that was trained on: `set`, `edition`, `split`, `hash` of its files |",
    "| `scores` | by score: `pictures` (ids), `outputs` (for each picture every metric of the main output, Dice of the others), `classes`, `protocol` |",
    "| `weights` | SHA-256 of the arrays of the scored weights, as `--verify` compares them |",
    "| `curve` | at most 50 epochs: `epoch`, `loss`, `val` (Dice); `terms`: at most 12, the norms of the terms' gradients |",
    "| `cost` | `seconds`, `cpu_seconds` (all threads) and `steps` of training; `scoring_seconds`, `scoring_cpu_seconds`; `peak_mb`; `parameters` |",
    "| `failed`, `diverged` | why there are no scores; a loss that was not finite is not tried again |",
    "\nA cell is missing, and run by the next call, where it has no line, failed without diverging, lacks a score or metric that is now asked for, or was",
    "trained or scored on other files than the set has here. Its run lies in `--runs` (`runs/NAME`) until it is scored, and stays there where it failed or",
    "with `--keep`.\n",
    "## Running\n",
    "Each cell is a process of its own, `ramus study FILE --cell KEY`; several run at a time where that is measured faster than one with all threads (a few",
    "steps of the first cell both ways, kept below `$XDG_CACHE_HOME/ramus/study`). SIGINT and SIGTERM stop them at the next batch, with a checkpoint,",
    "and the status is 130. If the study itself is killed they end too. The same command goes on; `make test-all` kills a study at ten random",
    "moments and compares its tables with those of an unbroken one.\n",
    "`--check` measures a few steps and a few pictures of each missing recipe and says how long all of it takes. `--verify N` trains N cells again, drawn at",
    "random: by the same build the hash of the weights must be the same, by another one the score must lie within two standard deviations of the",
    "seeds' mean; the status is 1 where one does not.\n",
    "From Lua: `ra.study(FILE, { only =, seeds =, jobs =, runs =, results =, keep =, check =, verify =, quiet = })`." } do lines[#lines + 1] = text end
  write_page("study.md", lines)
end

-- ---- command line ---------------------------------------------------------------------

local function cli_page()
  local lines = { "# Command line\n", "| command | what it does |\n|---|---|" }
  for _, c in ipairs(command.all()) do lines[#lines + 1] = ("| %s | %s |"):format(code("ramus " .. command.usage(c)), cell(c.help)) end
  lines[#lines + 1] = "\n## Options\n\nEvery command has these; `run` and `-e` take them before their first word:\n\n| option | meaning |\n|---|---|"
  for _, f in ipairs(command.EVERY) do lines[#lines + 1] = ("| %s | %s |"):format(code("--" .. f.name), cell(command.meaning(f))) end
  for _, c in ipairs(command.all()) do
    if #(c.flags or {}) > 0 then lines[#lines + 1] = ("\n### ramus %s\n\n| option | meaning |\n|---|---|"):format(c.name) end
    for _, f in ipairs(c.flags or {}) do
      lines[#lines + 1] = ("| %s | %s |"):format(code((f.short or "--" .. f.name) .. (f.value and " " .. f.value or "")), cell(command.meaning(f)))
    end
  end
  for _, text in ipairs {
    "\n`ramus --help` lists the commands, `ramus COMMAND --help` shows one, `ramus --version` the version, commit and the hash",
    "of the kernels, which decides the bits of results.\n",
    "## Exit status\n",
    "| status | meaning |\n|---|---|",
    "| 0 | done |",
    "| 1 | the world failed: network, file, data, a loss that is not finite, a script's error; `check` found something wrong |",
    "| 2 | wrong use: unknown command, option or name of a data set, a recipe or a declaration that does not hold together |",
    "| 130 | interrupted (SIGINT, SIGTERM, SIGHUP, ..) and a checkpoint saved: the same command goes on |",
    "\nIn every command a file, folder, run or image that is named and is not there, or cannot be read, is status 1; a name that is none of those",
    "which a list or a table has is status 2.",
    "\n## Results and messages\n",
    "Results go to standard output, complaints to standard error. With `--json` standard output holds JSON and nothing else. `--quiet` leaves out",
    "progress and notes: answers and errors remain, and nothing where what was asked for is a file. `--verbose` leaves standard output as it is",
    "and says on standard error what is done: every file that is read, written or looked into, samples with their files, each plan with its",
    "memory and its algorithms, the libraries that are open at the end, and seconds since the start. Where standard",
    "output is not a terminal the live line is left out and whole lines remain. Nothing ever asks a question. A standard output that is",
    "full or closed is an error (status 1).\n",
    "A mistake that is found late is one line too, also in a file of yours (`run`, `-e`): its place there, and from where it was called.",
    "`RAMUS_DEBUG=1` shows every frame.\n",
    "## Modules of the current folder\n",
    "`ramus run`, `-e`, `train` and the REPL run code of yours, which may `require` modules of the current folder; those of Ramus, and",
    "lua-cjson, go before them. No other command loads anything from the current folder. Entries of `LUA_PATH` and `LUA_CPATH` stay.\n",
    "Environment variables are in [environment.md](environment.md), files in [formats.md](formats.md)." } do lines[#lines + 1] = text end
  write_page("cli.md", lines)
end

-- ---- --json ---------------------------------------------------------------------------

local function json_page()
  local lines = { "# JSON\n",
    "With `--json` a command prints one JSON value on standard output and nothing else; complaints and progress are on standard error, and the exit",
    "status means what it always does ([command line](cli.md#exit-status)). Where a command fails nothing is printed there.\n",
    "Keys of objects come in the order of the alphabet, so that the same values are the same bytes. Lists keep their brackets where they are empty.",
    "Numbers are finite; what is not defined (Dice of an image without it, a score that was not computed) is absent, never null or NaN. Fields may be",
    "added in a minor version; a field that is here keeps name, type and meaning for as long as the major version lasts.\n",
    "The text is UTF-8, also where names of files are not: a byte b that belongs to no character is the character U+F700 + b of the private use area",
    "(0xFC is U+F7FC), so that different names stay different. The files of a run, of a study and of a",
    "prepared set are written so, and read back byte for byte.\n",
    "In a field's name `[]` stands for any element of a list, `*` for any key: a metric, an output, a set. `?`: it may be absent. `tests/test_json.lua`",
    "runs every command of this page and holds what it prints to it." }
  for _, row in ipairs(dofile((arg[0]:match("^(.*)/[^/]*$") or ".") .. "/json_table.lua")) do
    local words = row[2]:gsub(" ?%$SMALL", "")
    lines[#lines + 1] = ("\n## ramus %s%s --json\n\n| field | type | meaning |\n|---|---|---|"):format(row[1], words ~= "" and " " .. words or "")
    for _, f in ipairs(row[3]) do lines[#lines + 1] = ("| %s | %s | %s |"):format(code(f[1]), f[2], cell(f[3])) end
  end
  lines[#lines + 1] = "\n## Commands without --json\n\n| command | why |\n|---|---|"
  for _, row in ipairs {
    { "repl", "it prints values to people; a program runs a script" },
    { "run", "it prints what the script prints: `require(\"ramus.base.json\").print(value)`" },
    { "-e", "the same" }, { "demo", "a show for people; `ramus train` and `ramus eval` of its run give the numbers" },
    { "completion", "it prints a script for a shell, or a manual page" },
  } do lines[#lines + 1] = ("| `ramus %s` | %s |"):format(row[1], row[2]) end
  write_page("json.md", lines)
end

-- ---- data sets ------------------------------------------------------------------------

local function set_section(f, lines)
  local function add(what, text) if text and text ~= "" then lines[#lines + 1] = ("- %s: %s"):format(what, (text:gsub("\n", "; "))) end end
  lines[#lines + 1] = ("\n## %s\n\n%s.\n"):format(f.name, f.title)
  add("images", f.picture)
  add("counts", f.counts)
  for i, split in ipairs(f.splits) do f.splits[i] = code(split) end
  add("splits", table.concat(f.splits, ", ") .. (f.split_source and "; " .. f.split_source or ""))
  add("terms", f.licence)
  add("cite", f.citation)
  for _, source in ipairs(f.sources or {}) do add("source", source) end
  for _, note in ipairs(f.notes or {}) do add("note", note) end
  for _, o in ipairs(f.options) do
    add("option " .. code(o.name), o.help .. (o.default ~= nil and "; " .. code(tostring(o.default)) .. " unless given" or ""))
  end
  if #f.files == 0 then return end
  lines[#lines + 1] = "\n| file | address | checked by | a real download |\n|---|---|---|---|"
  for _, file in ipairs(f.files) do
    lines[#lines + 1] = ("| %s | %s | %s | %s |"):format(code(file.name), cell(file.login or table.concat(file.urls, " , ")),
      cell(about.CHECKS[file.check]) .. (file.sum and " " .. code(file.sum:sub(1, 12) .. "..") or ""), file.seen and about.seen(file) or "not seen yet")
  end
end

local function datasets_page()
  local lines = { "# The data sets\n",
    "What their definitions (`datasets/NAME.lua`) say. `ramus datasets SET` shows the same, with whole checksums and what is in the data root;",
    "`ramus datasets --cite SET` gives the citation as text and as BibTeX; `ramus fetch SET --probe` asks whether the addresses are alive. How sets are",
    "fetched, checked and divided: [data sets](data.md).\n",
    "*A real download* says whether one was ever seen by those who wrote the definition. Where none was, the set is tested on made-up archives",
    "of the published layout (and `arcade`, `chase_db1`, `cimat80`, `xcad` on real pictures that came another way): `--from` takes what you have.\n",
    "| set | | counts | files: sum, way | a real download |\n|---|---|---|---|---|" }
  local sections = {}
  for _, name in ipairs(ra.datasets.names()) do
    local f = assert(about.facts(name))
    local checks, seen = {}, #f.files > 0 and "seen" or "none needed"
    for _, file in ipairs(f.files) do
      if file.sum or not file.login then checks[file.check] = true end
      if file.login then checks["by hand"] = true end
      if not file.seen then seen = "not seen yet" end
    end
    lines[#lines + 1] = ("| [%s](#%s) | %s | %s | %s | %s |"):format(name, name, cell(f.title), cell(f.counts), table.concat(options.names(checks), ", "), seen)
    sections[#sections + 1] = f
  end
  for _, f in ipairs(sections) do set_section(f, lines) end
  write_page("datasets.md", lines)
end

-- ---- limits -------------------------------------------------------------------------

local function limits_page()
  local lines = { "# Limits on files\n",
    "Files from elsewhere may be damaged or mean harm. A size that a file gives is compared with the file first: a shape with the bytes that are there, an",
    "offset with the end. Where that bounds nothing, as behind compression, these limits do; a file beyond one is refused in one line. They are those of",
    "`core/base/limits.h`." }
  local text = assert(files.read((arg[0]:match("^(.*)/[^/]*$") or ".") .. "/../../core/base/limits.h"))
  for line in text:gmatch "[^\n]+" do
    local heading, name, value, why = line:match "^/%* (%u[%w ,]+) %*/$", line:match "^#define (%S+) (.-) /%* (.-) %*/$"
    if heading then lines[#lines + 1] = ("\n## %s\n\n| limit | value | of what, and why |\n|---|---|---|"):format(heading) end
    if name then lines[#lines + 1] = ("| `%s` | `%s` | %s |"):format(name, value, cell(why)) end
  end
  write_page("limits.md", lines)
end

datasets_page()
limits_page()
ops_page()
metrics_page()
tensors_page()
losses_page()
models_page()
recipe_page()
study_page()
cli_page()
json_page()
