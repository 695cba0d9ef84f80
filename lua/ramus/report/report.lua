--- ramus report: writes the file and returns what it wrote; nil and a message.
--
--   report.write(paths, { output, pictures = true, signs, data_root })   of runs
--   report.study(path, { output, only, against, metrics })               of a study's file or its results
local files = require "ramus.base.files"
local frame = require "ramus.report.frame"
local gather = require "ramus.report.gather"
local json = require "ramus.base.json"
local mistake = require "ramus.base.mistake"
local page = require "ramus.report.page"
local pictures = require "ramus.report.pictures"

local report = {}

--- Where a report may be written: no folder, and no file that something else wrote; true, or nil and a message.
local function is_free(file)
  if files.is_folder(file) then return mistake(("%s is a folder; name a file with -o"):format(file)) end
  if not files.is_file(file) or (files.read(file) or ""):find(frame.MADE, 1, true) then return true end
  return mistake(("%s is there and was not written by ramus report: choose another name with -o"):format(file))
end

function report.write(paths, o)
  local runs, err = gather.runs(paths)
  if not runs then return nil, err end
  local file = o.output or (#paths == 1 and paths[1]:gsub("/+$", "") .. "/report.html" or "report.html")
  local ok
  ok, err = is_free(file)
  if not ok then return nil, err end
  local shown = o.pictures and pictures.of(runs, { data_root = o.data_root }) or nil
  local signs
  if o.signs then
    signs, err = require("ramus.report.signs").of(runs, { data_root = o.data_root })
    if not signs then return nil, err end
  end
  local text = page.of(runs, shown, { signs = signs })
  ok, err = files.write(file, text)
  if not ok then return nil, err end
  return { file = file, bytes = #text, runs = #runs, pictures = shown and #shown.groups or 0, without = json.list(shown and shown.why or {}) }
end

function report.study(path, o)
  local study_page = require "ramus.report.study_page"
  local file = o.output or "report.html"
  local ok, err = is_free(file)
  if not ok then return nil, err end
  local loaded
  loaded, err = study_page.load(path, o)
  if not loaded then return nil, err end
  local text = study_page.of(loaded)
  ok, err = files.write(file, text)
  if not ok then return nil, err end
  return { file = file, bytes = #text, rows = #loaded.study.rows, trainings = loaded.trainings, results = loaded.results, failed = loaded.failed,
    damaged = loaded.damaged }
end

return report
