--- What probe.lua found, as lines for people and as a table for JSON.
local about = require "ramus.data.fetch.about"
local download = require "ramus.data.fetch.download"
local probe = require "ramus.data.fetch.probe"

local probe_text = {}

local WORST = { unreachable = "no address could be reached: is there a network? This says nothing about the set" }

local function size_of(bytes)
  if not bytes then return "size not said" end
  return bytes < 1e5 and ("%d bytes"):format(bytes) or ("%.1f MB"):format(bytes / 1e6)
end

local function of_source(s, kept)
  if s.problem then return s.problem end
  local parts = { size_of(s.bytes) }
  if s.state == "page" then parts[#parts + 1] = "a web page, not the file: it may want a browser or a login" end
  if not s.changed then parts[#parts + 1] = kept and "nothing to compare it by" or "never received here, so whether it changed is not known"
  elseif #s.changed == 0 then parts[#parts + 1] = "unchanged" .. (kept and " since " .. tostring(kept.when) or "")
  else parts[#parts + 1] = table.concat(s.changed, ", ") end
  if s.modified then parts[#parts + 1] = "of " .. s.modified end
  return table.concat(parts, "; ")
end

local function of_file(report, file, lines)
  lines[#lines + 1] = ("  %s: %s (%s; %s)"):format(file.name, file.state, about.CHECKS[file.check], about.seen(file))
  for i, s in ipairs(file.sources) do
    lines[#lines + 1] = ("    %-11s %s"):format(s.state, s.url)
    lines[#lines + 1] = ("    %-11s %s"):format("", of_source(s, file.kept))
    local next_one = file.sources[i + 1]
    if next_one and s.state ~= "alive" then lines[#lines + 1] = ("    %-11s next: %s"):format("", next_one.url) end
  end
  if file.state == "changed" then
    lines[#lines + 1] = file.check == "pin" and ("    a fetch refuses it; ramus fetch %s --accept-changed takes it"):format(report.set)
      or "    a fetch takes it only if its checksum is still the published one"
  end
end

--- How to get the set where its addresses do not give it.
local function other_ways(report, lines)
  local def, said = report.definition, {}
  for i, file in ipairs(report.files) do
    local known = file.login and said[file.login] -- what to do is the same for all files behind one login
    if not known and (file.state == "login" or not probe.good(file)) then
      lines[#lines + 1] = "  " .. download.by_hand(def, def.files[i], report.downloads .. "/" .. file.name)
    end
    if file.login then said[file.login] = true end
  end
  if #(def.sources or {}) > 0 then lines[#lines + 1] = "  described at: " .. table.concat(def.sources, ", ") end
  if def.citation then lines[#lines + 1] = "  cite: " .. def.citation end
end

--- The lines of one report.
function probe_text.lines(report)
  local lines = { ("%s: %s"):format(report.set, #report.files == 0 and "nothing is downloaded for it" or WORST[report.state] or report.state) }
  for _, file in ipairs(report.files) do of_file(report, file, lines) end
  if not probe.good(report) or report.state == "login" then other_ways(report, lines) end
  return lines
end

--- The same for JSON.
function probe_text.plain(report)
  local files = {}
  for i, file in ipairs(report.files) do
    local sources = {}
    for k, s in ipairs(file.sources) do
      sources[k] = { url = s.url, state = s.state, status = s.status, bytes = s.bytes, etag = s.etag, modified = s.modified, type = s.type, problem = s.problem,
        changed = s.changed and #s.changed > 0 and table.concat(s.changed, ", ") or nil, compared = s.changed ~= nil }
    end
    files[i] = { name = file.name, state = file.state, check = file.check, seen = file.seen, login = file.login, received = file.kept, sources = sources }
  end
  return { set = report.set, state = report.state, good = probe.good(report), files = files, sources = report.definition.sources,
    citation = report.definition.citation }
end

return probe_text
