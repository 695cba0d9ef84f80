--- What every command prints with --json: the table behind docs/reference/json.md, to which tests/test_json.lua holds real output.
-- A field is { path, type, meaning }. In a path `[]` is any element of a list, `*` any key (a metric, an output, a set, a field). Types: string,
-- number, boolean, object, list, any (whatever is below it is described elsewhere); `?` behind it: it may be missing. goes_on: until it is stopped.
local SCORES = {
  { "n", "number", "images that were scored" },
  { "images[]", "object", "an image, in the order of their ids" },
  { "images[].id", "string", "its id" },
  { "images[].*", "number?", "a metric of it, as `?metrics` names them; absent where it is not defined" },
  { "per_image.*.mean", "number", "mean of a metric over the images where it is defined; with `sd`, and `low` and `high`, its 95 % interval" },
  { "per_image.*.sd", "number?", "" }, { "per_image.*.low", "number?", "" }, { "per_image.*.high", "number?", "" },
  { "per_image.*.n", "number", "on how many images it is defined" },
  { "pooled.*", "number", "a metric of all pixels together, and the counts behind it: `tp`, `fp`, `fn`, `tn`, `skeleton_..`" },
  { "pooled.calibration", "list", "of the probabilities, in bins" },
  { "pooled.calibration[]", "object", "a bin of probabilities, `low` to `high`" },
  { "pooled.calibration[].*", "number?", "`count` of its pixels, their mean `confidence`, and `frequency` of foreground among them" },
  { "outputs.*", "any", "the same of each side output" },
  { "classes", "any?", "of a model with classes: the scores of each" },
  { "protocol.*", "any", "how the scores were computed, as under every table of scores: set, split, threshold, resizing, padding, hashes" },
}

local RUN = {
  { "run", "string", "its folder" }, { "name", "string", "of its recipe" }, { "state", "string", "`done`, `running`, `stopped`, .." },
  { "epochs", "number", "epochs that are done" }, { "of", "number", "epochs of the recipe" },
  { "best_epoch", "number?", "counted from 0" }, { "validation", "number?", "best score on the validation split" },
  { "test", "number?", "mean Dice of `eval.json`" }, { "model", "string", "" }, { "set", "string", "" }, { "seed", "number", "" },
  { "bytes", "number", "of all its files" }, { "changed", "string", "when, in UTC" },
}

local STUDY = {
  { "results", "string", "the file" }, { "name", "string", "" }, { "cells", "number", "lines of it" }, { "failed", "number", "cells without scores" },
  { "damaged", "number", "lines that cannot be read" }, { "bytes", "number", "" }, { "changed", "string", "when, in UTC" },
  { "rows[].row", "string", "" }, { "rows[].cells", "number", "" }, { "rows[].failed", "number", "" },
  { "rows[].dice.*", "number?", "mean Dice over seeds, by score" },
}

--- Fields below a path.
local function below(path, fields)
  local list = {}
  for i, f in ipairs(fields) do list[i] = { path .. f[1], f[2], f[3] } end
  return list
end

local function all(...)
  local list = {}
  for _, fields in ipairs { ... } do for _, f in ipairs(fields) do list[#list + 1] = f end end
  return list
end

--- The scores without those of single images and side outputs.
local function summary(fields)
  local list = {}
  for _, f in ipairs(fields) do if f[1]:find "^per_image" or f[1]:find "^pooled" or f[1]:find "^protocol" then list[#list + 1] = f end end
  return list
end

return {
  { "fetch", "phantom $SMALL", { { "[].name", "string", "a data set" }, { "[].folder", "string", "where it is now" } } },
  { "train", "a.lua", all({}, SCORES) },
  { "train", "a.lua --dry-run", all({
    { "name", "string", "" }, { "epochs", "number", "" }, { "batches", "number", "of an epoch" },
    { "images.*", "number", "by split" }, { "parameters", "number", "of the model" }, { "flops", "number", "of a forward pass of one image" },
    { "bytes", "number", "memory of a step" }, { "scratch_bytes", "number", "the part of it that is scratch memory" },
    { "seconds_per_batch", "number", "measured" }, { "hours", "number", "of the whole training" },
    { "rates[].epoch", "number", "where the learning rate changes" }, { "rates[].rate", "number", "" },
    { "earlier", "object?", "the run that would be resumed, as in `ls`" } }, below("earlier.", RUN)) },
  { "eval", "runs/a", SCORES },
  { "predict", "runs/a pictures/1.png -o out", {
    { "[].image", "string", "" }, { "[].frame", "number", "of a film, from 1; 0: one picture" }, { "[].mask", "string", "the file; so `prob`, `overlay`" },
    { "[].prob", "string?", "" }, { "[].overlay", "string?", "" }, { "[].milliseconds", "number", "" },
    { "[].vessel_share", "number?", "of its pixels, with one foreground class" }, { "[].*", "any?", "other files that `--as` asks for; of a model with "
      .. "classes the share of each" } } },
  { "study", "s.lua --check", {
    { "cells", "number", "that would be trained" }, { "hours", "number", "all together" }, { "jobs", "number", "at a time" },
    { "threads", "number", "of each" },
    { "rows[].row", "string", "" }, { "rows[].cells", "number", "" }, { "rows[].hours", "number", "" }, { "rows[].seconds", "number", "of a cell" },
    { "rows[].step", "number", "seconds of a step" }, { "rows[].steps", "number", "of a cell" }, { "rows[].peak_mb", "number", "" },
    { "rows[].from", "string", "how it is known" }, { "rows[].waited", "number?", "share of the time in which it waited for a processor" } } },
  { "study", "s.lua", {
    { "failed", "number", "cells" }, { "builds[]", "string", "of Ramus, that the cells come from" },
    { "tables[].name", "string", "" }, { "tables[].title", "string", "" }, { "tables[].level", "number", "of significance" },
    { "tables[].comparisons", "number", "that Holm's rule corrects for" }, { "tables[].protocols.*", "any", "by score" },
    { "tables[].rows[].row", "string", "so `table`, `title`, `score`, `metric`" },
    { "tables[].rows[].mean", "number?", "with `low`, `high`, `sd` over seeds, and "
      .. "`seeds` of `wanted`, `failed`, `pictures`" }, { "tables[].rows[].*", "any?", "cost of a cell: `seconds`, `cpu_seconds`, `steps`, `peak_mb`, "
      .. "`parameters`; in compared rows `difference`" } } },
  { "study", "s.lua --verify 1", {
    { "ok", "boolean", "" }, { "cells[].cell", "string", "key" }, { "cells[].row", "string", "" }, { "cells[].seed", "number", "" },
    { "cells[].state", "string", "what came of it" }, { "cells[].text", "string", "the same in words" } } },
  { "tune", "t.lua", {
    { "study", "string", "the file of the trials" }, { "epochs", "number", "of a trial in the last round" },
    { "best", "any?", "the best trial, as in `trials`" },
    { "trials[].name", "string", "" }, { "trials[].epochs", "number", "" }, { "trials[].set.*", "any", "the fields that were tried" },
    { "trials[].dice", "number?", "on the validation split; the metric of the recipe" } } },
  { "ls", "", all({ { "unreadable[]", "string?", "folders that cannot be read" } }, below("runs[].", RUN), below("studies[].", STUDY)) },
  { "watch", "runs/a", all(RUN, { { "seconds_left", "number?", "while it trains" }, { "seconds_an_epoch", "number?", "while it trains" },
    { "loss", "number", "of the last epoch" }, { "rate", "number", "of the last epoch" }, { "why", "string?", "why it failed" },
    { "terms.*", "object", "a term of the loss in the last epoch" }, { "terms.*.value", "number", "" }, { "terms.*.gradient_norm", "number", "" },
    { "last_validation.*", "number?", "of the last epoch that was validated" } }) },
  { "show", "runs/a", all({ { "kind", "string", "`run`, `checkpoint`, `model`, `set`, `results` or `scores`; the rest is what that kind has. Of a run:" },
    { "path", "string", "" }, { "files[].name", "string", "" }, { "files[].bytes", "number", "" }, { "recipe", "any", "`resolved.json`" },
    { "build.*", "string", "`version`, `commit` and `kernels` that trained it" }, { "parameters", "number", "" },
    { "best.weights", "string", "SHA-256 of its arrays" }, { "best.state.*", "any", "of training" }, { "last.weights", "string?", "" },
    { "last.state.*", "any?", "" }, { "samples", "any?", "`samples.json`" } }, RUN, summary(SCORES)) },
  { "diff", "runs/a runs/b", {
    { "a", "string", "" }, { "b", "string", "" }, { "kind", "string", "of both" }, { "same", "boolean", "nothing differs" },
    { "sections[].name", "string", "recipe, images, code, state, scores, weights" }, { "sections[].rows[].key", "string", "what differs" },
    { "sections[].rows[].a", "any?", "its value there" }, { "sections[].rows[].b", "any?", "" } } },
  { "compare", "runs/a runs/b", {
    { "runs[].name", "string", "" }, { "runs[].path", "string", "" }, { "tests", "number?", "that Holm's rule corrects for" },
    { "scores.*[].mean", "number", "of a metric, an entry for each run; with `low`, `high`, its 95 % interval, `n`, and `pooled`" },
    { "scores.*[].low", "number?", "" }, { "scores.*[].high", "number?", "" }, { "scores.*[].n", "number", "" }, { "scores.*[].pooled", "number?", "" },
    { "scores.*[].difference", "object?", "from the first run, image by image: `mean`, `low`, `high`, `n`, `p`, corrected `holm`" },
    { "scores.*[].difference.verdict", "string?", "" }, { "scores.*[].difference.*", "number?", "" } } },
  { "report", "runs/a", {
    { "file", "string", "" }, { "bytes", "number", "" }, { "runs", "number", "" }, { "pictures", "number", "that it embeds" },
    { "without[]", "string?", "runs without a test image here" } } },
  { "report", "s.jsonl", {
    { "file", "string", "" }, { "bytes", "number", "" }, { "rows", "number", "" }, { "trainings", "number", "of all rows" },
    { "results", "number", "trainings with scores" }, { "failed", "number", "trainings without" }, { "damaged", "number", "lines that were left out" } } },
  { "replay", "runs/a --yes", {
    { "run", "string", "" }, { "replay", "string", "the new run" }, { "same", "boolean", "to the bit" }, { "images_changed", "boolean", "" },
    { "weights[].name", "string", "`best` or `last`" }, { "weights[].before", "string", "SHA-256" }, { "weights[].after", "string", "" },
    { "arrays[]", "any?", "that differ" } } },
  { "gc", "", {
    { "entries[].path", "string?", "" }, { "entries[].kind", "string?", "`leftover`, `cache`; with `--all` `download`, `data set`" },
    { "entries[].bytes", "number?", "" }, { "entries[].why", "string?", "" }, { "bytes", "number", "of all" }, { "freed", "number", "with `--yes`" },
    { "failed[]", "any?", "that could not be deleted" } } },
  { "export", "runs/a a.onnx", {
    { "file", "string", "" }, { "bytes", "number", "" }, { "outputs[]", "string", "" }, { "classes[]", "string", "" }, { "threshold", "number?", "" },
    { "folded", "boolean", "" } } },
  { "serve", "runs/a", { { "address", "string", "with its token" }, { "port", "number", "" }, { "model", "string", "the run or file" } }, goes_on = true },
  { "new", "recipe fresh", { { "file", "string", "" }, { "kind", "string", "" }, { "next", "string", "the command to try it with" } } },
  { "datasets", "", { { "[].name", "string", "" }, { "[].title", "string", "" }, { "[].here", "boolean", "in the data root" } } },
  { "datasets", "phantom", {
    { "[].name", "string", "" }, { "[].title", "string", "" }, { "[].picture", "string", "the images in words" }, { "[].counts", "string", "" },
    { "[].licence", "string", "" }, { "[].citation", "string", "" }, { "[].split_source", "string?", "" }, { "[].splits[]", "string", "" },
    { "[].editions[]", "string", "" }, { "[].notes[]", "string?", "" }, { "[].options[].name", "string?", "" }, { "[].options[].help", "string?", "" },
    { "[].options[].default", "any?", "" }, { "[].files", "any", "name, address, sum of each" }, { "[].sources", "any", "" },
    { "[].here[].edition", "string?", "" }, { "[].here[].folder", "string?", "" } } },
  { "check", "phantom $SMALL", {
    { "set", "string", "" }, { "title", "string", "" }, { "edition", "string", "" }, { "folder", "string", "" }, { "hash", "string", "of its files" },
    { "split", "string", "" }, { "split_source", "string", "" }, { "counts.*", "number", "images of a part" }, { "masks[]", "string", "how they are read" },
    { "notes[]", "string?", "" }, { "wrong[]", "any?", "what is; the status is 1 then" }, { "images[].id", "string", "" }, { "images[].*", "any",
      "size, type and range of picture and mask, share of foreground" } } },
  { "plan", "phantom", {
    { "set", "string", "" }, { "depth", "number", "" }, { "width", "number", "" }, { "crop[]", "number", "height, width" }, { "batch", "number", "" },
    { "parameters", "number", "" }, { "gflop", "number", "of a forward pass of the batch" }, { "memory_mb", "number", "of a step" },
    { "why[].what", "string", "" }, { "why[].value", "string", "" }, { "why[].reason", "string", "" } } },
  { "models", "unet", {
    { "isa", "string", "kernel set" }, { "threads", "number", "" }, { "models[].name", "string", "" }, { "models[].preset", "string?", "" },
    { "models[].options.*", "any?", "" }, { "models[].parameters", "number", "" }, { "models[].at[].size", "number", "side of the image" },
    { "models[].at[].gflop", "number", "" }, { "models[].at[].mb", "number", "" }, { "models[].at[].ms", "number", "of a prediction, measured" },
    { "models[].at[].runs", "number", "" } } },
  { "bench", "infer --size 32 --batch 1 --steps 1 --width 2", {
    { "[].case", "string", "" }, { "[].ms", "number", "median; `fastest`, `slowest`" }, { "[].isa", "string", "kernel set" }, { "[].*", "number",
      "`size`, `batch`, `width`, `threads`, `steps`, `images_per_second`, `gflops`, `memory_mb`, `arena_mb`" } } },
  { "doctor", "--offline", {
    { "version", "string", "" }, { "commit", "string", "" }, { "kernels", "string", "hash, which decides the bits" }, { "compiler", "string", "" },
    { "luajit", "string", "" }, { "isa", "string", "kernel set" }, { "blas", "string", "" }, { "processor", "string", "" }, { "processors", "number", "" },
    { "threads", "number", "" }, { "memory_free", "number?", "bytes" }, { "disk_free", "number?", "bytes" },
    { "small_unet_ms", "number", "a prediction, measured" },
    { "data_root", "string", "" }, { "data_root_exists", "boolean", "" }, { "data_root_writable", "boolean", "" }, { "cache", "string?", "" },
    { "terminal.is_terminal", "boolean", "" }, { "terminal.colour", "boolean", "" }, { "terminal.term", "string?", "" }, { "terminal.*", "any?", "" },
    { "network", "any?", "without `--offline`: servers that answer" }, { "advice[]", "string?", "" } } },
}
