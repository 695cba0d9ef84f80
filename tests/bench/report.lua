--- Medians, ratios and verdicts of make bench, as a table for JSON, the terminal and docs/explanation/performance.md.
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local all_rows = require "rows"

local report = {}

function report.median(list)
  local sorted = {}
  for i, v in ipairs(list) do sorted[i] = v end
  table.sort(sorted)
  local n = #sorted
  if n == 0 then return nil end
  return n % 2 == 1 and sorted[(n + 1) / 2] or (sorted[n / 2] + sorted[n / 2 + 1]) / 2
end

local function command(text)
  local pipe = io.popen(text .. " 2>/dev/null")
  local line = pipe:read("*l")
  pipe:close()
  return line
end

local function machine()
  local kb = tonumber((files.read("/proc/meminfo") or ""):match("MemTotal:%s*(%d+)"))
  return { cpu = (files.read("/proc/cpuinfo") or ""):match("model name%s*:%s*([^\n]+)") or "unknown",
    kernels = ffi.string(ffi.C.ra_isa()), threads = ffi.C.ra_threads(), memory_gb = kb and kb / 2 ^ 20,
    system = command "uname -sr", peak_gflops = ffi.C.ra_peak_gflops() }
end

-- ---- rows ---------------------------------------------------------------------------

--- Medians of a row by contender; PyTorch at its best is the faster layout.
local function medians(of_row)
  local m = {}
  for who, v in pairs(of_row or {}) do m[who] = report.median(v.ms) end
  if m.nchw or m.channels_last then m.torch = math.min(m.nchw or math.huge, m.channels_last or math.huge) end
  return m
end

local function verdict(ratio, must, aim)
  if not ratio or not must then return nil end
  return ratio <= must and (aim and ratio <= aim and "aim" or "must") or "missed"
end

local function row_result(row, measured)
  local m = medians(measured[row.id])
  local p = type(row.peers) == "string" and medians(measured[row.peers]) or m
  local r = { id = row.id, text = row.text, case = row.case, width = row.width, model = row.model, size = row.size, batch = row.batch, ramus_ms = m.ramus,
    torch_installed_ms = p.torch_installed, torch_nchw_ms = p.nchw, torch_channels_last_ms = p.channels_last, torch_ms = p.torch,
    onnx_ms = p.onnx, must = row.must, aim = row.aim, rounds = measured[row.id] and measured[row.id].ramus and #measured[row.id].ramus.ms }
  for _, peer in ipairs { "torch", "onnx" } do
    local ratio = m.ramus and p[peer] and m.ramus / p[peer]
    r["ratio_" .. peer] = ratio
    r["verdict_" .. peer] = verdict(ratio, row.must and row.must[peer], row.aim and row.aim[peer])
  end
  return r
end

-- ---- checks that are no comparison of times with a peer ---------------------------------

--- Slope of a line through the points (log x, log y), least squares.
local function slope(points)
  local n, sx, sy, sxx, sxy = #points, 0, 0, 0, 0
  for _, p in ipairs(points) do
    local x, y = math.log(p[1]), math.log(p[2])
    sx, sy, sxx, sxy = sx + x, sy + y, sxx + x * x, sxy + x * y
  end
  return (n * sxy - sx * sy) / (n * sxx - sx * sx)
end

local function slope_check(kind, of, measured)
  local points = {}
  for _, row in ipairs(all_rows) do
    if row.slope == kind or row.id == "train-16-4x256" then
      local m = medians(measured[row.id]).ramus
      if m then points[#points + 1] = { of(row), m } end
    end
  end
  if #points < 3 then return nil end
  return { text = ("slope of log time over log %s, training step, width 16"):format(kind), value = slope(points), format = "%.3f", low = 0.93, high = 1.07 }
end

local function checks_of(measured, commands)
  local list = {}
  local function add(check)
    if not check or not check.value then return end
    check.met = check.value >= (check.low or -math.huge) and check.value <= (check.high or math.huge)
    local aimed = check.aim_low and check.value >= check.aim_low or check.aim_high and check.value <= check.aim_high
    check.verdict = not check.met and "missed" or aimed and "aim" or "must"
    list[#list + 1] = check
  end
  for _, row in ipairs(all_rows) do
    local one, two = medians(measured[row.id]).ramus, row.ours and medians(measured[row.ours]).ramus
    if one and two then
      add { text = ("2 threads against 1: %s"):format(row.text:gsub(" on one thread", "")), value = one / two, format = "%.2f x", low = 1.7, aim_low = 1.9 }
    end
  end
  local big = measured["train-32-4x256"]
  if big and big.ramus and big.nchw then
    local ours, theirs = report.median(big.ramus.memory_mb), math.huge
    for _, who in ipairs { "torch_installed", "nchw", "channels_last" } do
      if big[who] then theirs = math.min(theirs, report.median(big[who].memory_mb)) end
    end
    add { text = ("peak memory of the training step, width 32, 4x256x256: %.0f MB against PyTorch's %.0f MB at the least"):format(ours, theirs),
      value = ours / theirs, format = "%.2f x", high = 0.35, aim_high = 0.25 }
  end
  add(slope_check("pixels", function(row) return row.size * row.size end, measured))
  add(slope_check("batch", function(row) return row.batch end, measured))
  local function of(name, check)
    check.value = commands[name] and report.median(commands[name])
    add(check)
  end
  of("overhead", { text = "data, Lua, logging and saving in a real training, of the epoch", format = "%.1f %%", high = 5, aim_high = 2 })
  of("start", { text = "ramus -e 'print(1)', from start to exit", format = "%.1f ms", high = 30, aim_high = 10 })
  of("predict", { text = "512x512 PNG to mask PNG, width 16, the whole command", format = "%.0f ms", high = 90, aim_high = 60 })
  return list
end

function report.result(rows, measured, commands, given)
  local result = { date = os.date("!%Y-%m-%d"), machine = machine(), rounds = given.rounds, rows = {}, checks = checks_of(measured, commands),
    versions = { ramus = require("ramus").version, commit = command "git rev-parse --short HEAD", torch = given.versions.torch or nil,
      onnxruntime = given.versions.onnx or nil, luajit = jit.version } }
  for i, row in ipairs(rows) do result.rows[i] = row_result(row, measured) end
  return result
end

-- ---- text -------------------------------------------------------------------------------

local WORD = { must = "yes", aim = "yes, and the aim", missed = "**no**" }

local function cell(format, value) return value and format:format(value) or "-" end

--- "0.28 (<= 0.40: yes)"
local function ratio_cell(r, peer)
  local ratio = r["ratio_" .. peer]
  if not ratio then return "-" end
  local must = r.must and r.must[peer]
  return must and ("**%.2f** (%.2f: %s)"):format(ratio, must, WORD[r["verdict_" .. peer]]) or ("%.2f"):format(ratio)
end

local function check_bounds(c)
  if c.low and c.high then return ("%g to %g"):format(c.low, c.high) end
  return c.low and (">= %g"):format(c.low) or ("<= %g"):format(c.high)
end

local function markdown(result)
  local lines = {
    "| work | Ramus ms | PyTorch as installed | PyTorch at its best | ONNX Runtime | of PyTorch (must) | of ONNX Runtime (must) |",
    "|---|---|---|---|---|---|---|",
  }
  for _, r in ipairs(result.rows) do
    lines[#lines + 1] = "| " .. table.concat({ r.text, cell("%.1f", r.ramus_ms), cell("%.0f", r.torch_installed_ms), cell("%.0f", r.torch_ms),
      cell("%.0f", r.onnx_ms), ratio_cell(r, "torch"), ratio_cell(r, "onnx") }, " | ") .. " |"
  end
  lines[#lines + 1] = "\n| besides | measured | must | met |\n|---|---|---|---|"
  for _, c in ipairs(result.checks) do
    lines[#lines + 1] = ("| %s | %s | %s | %s |"):format(c.text, c.format:format(c.value), check_bounds(c), WORD[c.verdict])
  end
  local m, v = result.machine, result.versions
  lines[#lines + 1] = ("\n%s, %d rounds; %s, %d threads, %s kernels, %.0f GFLOP/s at most, %.0f GB; %s. Ramus %s at %s, PyTorch %s, ONNX Runtime %s."):format(
    result.date, result.rounds, m.cpu, m.threads, m.kernels, m.peak_gflops, m.memory_gb or 0, m.system or "", v.ramus, v.commit or "?",
    v.torch or "-", v.onnxruntime or "-")
  return table.concat(lines, "\n")
end

function report.text(result)
  local lines = { ("%-48s %10s %10s %10s %10s %10s %10s"):format("", "Ramus ms", "PyTorch", "its best", "ONNX Rt", "of PyTorch", "of ONNX") }
  for _, r in ipairs(result.rows) do
    lines[#lines + 1] = ("%-48s %10s %10s %10s %10s %10s %10s%s"):format(r.text, cell("%.1f", r.ramus_ms), cell("%.0f", r.torch_installed_ms),
      cell("%.0f", r.torch_ms), cell("%.0f", r.onnx_ms), cell("%.2f", r.ratio_torch), cell("%.2f", r.ratio_onnx),
      (r.verdict_torch == "missed" or r.verdict_onnx == "missed") and "  MISSED" or "")
  end
  for _, c in ipairs(result.checks) do
    lines[#lines + 1] = ("%-99s %12s (%s)%s"):format(c.text, c.format:format(c.value), check_bounds(c), c.met and "" or "  MISSED")
  end
  return table.concat(lines, "\n")
end

local BEGIN, END = "<!-- make bench writes from here -->", "<!-- to here -->"

--- Puts the table between its marks in the page.
function report.write_docs(path, result)
  local text, err = files.read(path)
  if not text then return nil, err end
  local a, b = text:find(BEGIN, 1, true)
  local c = text:find(END, 1, true)
  if not a or not c then return nil, path .. " has lost the marks between which the table goes" end
  return files.write(path, text:sub(1, b) .. "\n" .. markdown(result) .. "\n" .. text:sub(c))
end

return report
