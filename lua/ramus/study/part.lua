--- The processes of a study: `ramus study FILE --cell KEY` trains and scores one cell, `--probe KEY` measures how long that takes.
local part = {}

--- Arguments of the process that does a part of a study. what: "--cell" or "--probe".
function part.arguments(program, study, what, key, o)
  local list = { program, "study", study.path, what, key, "--runs", o.runs, "--results", study.results }
  for flag, given in pairs { keep = o.keep, offline = o.offline, ["accept-odd"] = o.accept_odd } do
    if given then list[#list + 1] = "--" .. flag end
  end
  if o.data_root then list[#list + 1] = "--data-root=" .. o.data_root end
  if study.only_seeds then list[#list + 1] = "--seeds=" .. table.concat(study.only_seeds, ",") end
  return list
end

return part
