--- What the values of one mask are, by its facts (facts.lua), and the words for them: a histogram, and the line to write into a definition.
local values = {}

local STRAY = 0.01    -- at most this share of the pixels of a grey mask lies far from 0 and from its maximum,
local ONE_VALUE = 0.002 -- and at most this share has one and the same value there: more would be a class
local LABELS = 64     -- whole numbers below this are labels, and not grey
local FEW = 8         -- so many values may be classes whatever they are

local function percent(n, of)
  local p = 100 * n / of
  return (p >= 0.1 or p == 0) and ("%.1f %%"):format(p) or "< 0.1 %"
end

local function colour_text(v) return ("#%06x"):format(v) end

--- Greys whose channels differ a little, as files that are compressed with losses hold them: many colours, none that can be seen.
local function is_grey_noise(f) return f.coloured > 0 and f.tinted == 0 and f.palette == 0 and f.colours > FEW end

--- "0: 2071 pixels (89.9 %), 1: 233 (10.1 %)"
function values.histogram(f)
  local parts = {}
  local function add(what, n) parts[#parts + 1] = ("%s: %d%s (%s)"):format(what, n, #parts == 0 and " pixels" or "", percent(n, f.pixels)) end
  if f.coloured > 0 and f.colours > 0 and f.colours <= #f.colour_list and not is_grey_noise(f) then
    for i = 1, math.min(8, #f.colour_list) do add(colour_text(f.colour_list[i][1]), f.colour_list[i][2]) end
    if #f.colour_list > 8 then parts[#parts + 1] = ("%d more colours"):format(#f.colour_list - 8) end
  elseif f.values <= 14 then
    for _, v in ipairs(f.list) do add(("%.6g"):format(v[2]), v[3]) end
  else
    local low, step = f.low, (f.high - f.low) / 16
    for i, n in ipairs(f.histogram) do
      if n > 0 then add(("%.4g to %.4g"):format(low + (i - 1) * step, low + i * step), n) end
    end
    parts[#parts + 1] = "of 255"
  end
  return #parts > 0 and table.concat(parts, ", ") or "nothing but void"
end

--- Whole numbers below 64, more than two of them.
local function is_small(f)
  local last = f.list[#f.list]
  return f.values <= #f.list and last[2] < LABELS and last[2] > 1 and last[2] % 1 == 0
end

--- Class numbers near 0 and one value far above them, as void is written (0, 1, 255). The greys of a JPEG lie on both sides, and between.
local function has_void(f)
  local list = f.list
  if f.values > #list or f.far > 0 or #list < 3 or list[#list - 1][1] >= f.high / 2 then return false end
  local counts = {}
  for i = 1, #list - 1 do counts[i] = list[i][3] end
  table.sort(counts)
  return counts[#counts - 1] > ONE_VALUE * f.pixels -- the background is the most frequent
end

--- What a mask of which nothing is declared is: "void" everywhere, "two" values, "single", "grey" (to be cut at half its maximum), or why it cannot be
-- read as foreground and background: "alpha", "channels", "colours", "palette", "values".
function values.kind(f)
  if f.values == 0 then return "void" end
  if f.alpha == 2 and f.values == 1 then return "alpha" end
  if f.channels ~= 1 and f.channels ~= 3 then return "channels" end
  if f.coloured > 0 and not is_grey_noise(f) then return f.palette > 0 and "palette" or "colours" end
  if f.values == 1 then return "single" end
  if f.values == 2 then return "two" end
  if is_small(f) or has_void(f) or f.far > STRAY * f.pixels or f.far_most > ONE_VALUE * f.pixels then return "values" end
  return "grey"
end

--- What is wrong with a mask of such a kind, in words.
values.words = {
  alpha = "has its shape in the alpha channel, its colour is the same everywhere",
  channels = "has %d channels, as an array of one plane per class",
  colours = "has colours",
  palette = "has a palette of colours",
  values = "holds %s values",
}

function values.describe(f, kind)
  local text = values.words[kind]
  if kind == "channels" then return text:format(f.channels) end
  if kind == "values" then return text:format(f.values > #f.list and "more than " .. #f.list or tostring(f.values)) end
  return text
end

--- `values = { [0] = "background", { 1, 12, "foreground" } }`; of greys a threshold.
local function range_line(f)
  local list = f.list
  if not (is_small(f) or f.values <= FEW) then return ("threshold = %g"):format(values.threshold(math.max(f.low, 0), f.high)) end
  local void, last = has_void(f), #list
  if void then last = last - 1 end
  local foreground = last == 2 and ("[%.6g] = \"foreground\""):format(list[2][2]) or ("{ %.6g, %.6g, \"foreground\" }"):format(list[2][2], list[last][2])
  return ("values = { [%.6g] = \"background\", %s }"):format(list[1][2], foreground)
    .. (void and (", ignore = %.6g where that is void"):format(list[#list][2]) or "")
end

--- The entry of a list of colours { colour, pixels } that is likely the background: the most frequent one, of a field of view the darkest.
local function background_of(list, is_view)
  local best = 1
  local function light(c) return math.floor(c / 65536) + math.floor(c / 256) % 256 + c % 256 end
  for i, c in ipairs(list) do
    local b = list[best]
    if is_view and light(c[1]) < light(b[1]) or not is_view and c[2] > b[2] then best = i end
  end
  return best
end

local function colour_line(f, is_view)
  if f.colours > #f.colour_list then return "threshold = 128 (of the mean of the channels), or channel = 1" end
  local most, parts = background_of(f.colour_list, is_view), {}
  for i, c in ipairs(f.colour_list) do
    if i <= 8 then parts[#parts + 1] = ("[\"%s\"] = \"%s\""):format(colour_text(c[1]), i == most and "background" or "foreground") end
  end
  return ("colours = { %s%s }"):format(table.concat(parts, ", "), #f.colour_list > 8 and ", .." or "")
end

--- The line that a definition needs for a mask of such a kind, or for a field of view.
function values.line(f, kind, is_view)
  if kind == "alpha" then return "channel = 4" end
  if kind == "channels" then return f.channels == 2 and "channel = 2" or ("channel = 2, or the one of the %d that holds the foreground"):format(f.channels) end
  if kind == "colours" or kind == "palette" then return colour_line(f, is_view) end
  return range_line(f) .. ", or classes = { { name = \"background\" }, { name = .. }, .. } where each value is a class of its own"
end

--- The threshold, in units of 0..255, from which the second value of a mask is foreground: a round number where there is one.
function values.threshold(low, high)
  local whole = math.ceil(high)
  if high >= 128 and low < 128 then return 128 end
  if whole == high and whole > low then return whole end
  return tonumber(("%.3g"):format((low + high) / 2))
end

return values
