--- ra.show: pictures, masks, overlays, feature maps and kernels as drawings.
--   show(t)                        [H,W], [1,H,W], [3,H,W] a picture or a mask; [N,H,W] or [1,N,H,W] a stack of N feature maps; [B,C,H,W] of
--                                  small planes the weights of a convolution; [B,1,H,W] or [B,3,H,W] B pictures
--   show(image, mask, truth)       the mask painted on the image, a label map in a colour for each class; with the truth: found, missed and
--                                  falsely found in colours of their own
--   show "image.png"               a file; also in the place of image, mask and truth
--   show(table)                    each tensor of a table; what ra.predict returned: the overlays that it wrote
--   show(t, { as = "maps" })       options come last
-- The value prints as a drawing: at the prompt `show(t)` draws; a script writes `print(ra.show(t))`.
local drawing = require "ramus.draw.drawing"
local grid = require "ramus.draw.grid"
local image = require "ramus.data.image"
local options = require "ramus.base.options"
local panels = require "ramus.draw.panels"
local tensor = require "ramus.lang.tensor"

local schema = {
  as = { type = "string", one_of = { "picture", "mask", "maps", "kernels", "pictures" }, help = "what it is; by its shape unless given" },
  range = { type = "table", help = "{ low, high }: the values that are black and white" },
  each = { type = "boolean", default = false, help = "true to scale every panel by its own values" },
  most = { type = "integer", default = 64, min = 1, help = "panels of a stack that are shown" },
  threshold = { type = "number", default = 0.5, help = "of a mask: values at or above it are painted" },
  alpha = { type = "number", default = 0.65, min = 0, max = 1, help = "strength of a mask's colour" },
}

local MOST_SECTIONS = 24

local function number(v) return ("%.4g"):format(v) end

--- The line above a drawing of panels: "feature maps [1,16,32,32], -0.3 to 2.1, 3 not finite, 16 of 64 shown".
local function caption_of(p, what, shape)
  local text = ("%s %s, %s to %s"):format(what, shape, number(p.least), number(p.greatest))
  if p.broken > 0 then text = text .. (", %d not finite"):format(p.broken) end
  if #p < p.total then text = text .. (", %d of %d shown"):format(#p, p.total) end
  return text
end

local NAMES = { picture = "picture", mask = "mask", maps = "feature maps", kernels = "kernels", pictures = "pictures" }

--- note: [opt] what the colours mean; plain: [opt] what the characters mean where there are none.
local function drawn(p, caption, note, plain)
  return drawing.new { caption = caption, picture = function() return grid.picture(p) end,
    text = function(view)
      local lines = grid.lines(p, view)
      lines[#lines + 1] = view.colours > 0 and note or view.colours == 0 and plain or nil
      return lines
    end,
    svg = function() return grid.svg(p, note and caption .. "; " .. note or caption) end }
end

--- A tensor of a tensor or of the name of an image; an error `level` up.
local function read(what, who, level)
  if tensor.is(what) then
    if what.size == 0 then error(("show: %s has no elements, %s"):format(who, tensor.shape_text(what)), level + 1) end
    return what
  end
  if type(what) ~= "string" then error(("show: %s is a tensor or the name of an image, got %s"):format(who, options.show(what)), level + 1) end
  local t, err = image.load(what)
  if not t then error("show: " .. err, level + 1) end
  return t
end

local function of_tensor(t, o, name, level)
  if t.rank < 2 or t.rank > 4 then
    local hint = t.rank == 1 and "; plot draws a list of numbers" or ""
    error(("show: draws [H,W], [C,H,W] and [B,C,H,W], given %s%s"):format(tensor.shape_text(t), hint), level + 1)
  end
  local p = panels.of(t, o)
  return drawn(p, (name and name .. ": " or "") .. caption_of(p, NAMES[p.kind], tensor.shape_text(t)), p.signed and "blue: below 0, orange: above" or nil)
end

local KEY = { [false] = "orange: found", [true] = "yellow: found, blue: missed, vermilion: falsely found" }

local function of_overlay(picture, mask, truth, o, level)
  local ok, p = pcall(panels.overlay, picture, mask, truth, o)
  if not ok then error((options.plain(p):gsub("^image%.overlay", "show")), level + 1) end
  local key = p.classes and ("a colour for each class, 1 to %d"):format(p.classes) or KEY[truth ~= nil]
  return drawn(p, ("overlay %s, mask %s to %s"):format(tensor.shape_text(picture), number(p.least), number(p.greatest)), key, "#: found")
end

-- ---- tables ---------------------------------------------------------------------------------

--- Drawings one below the other.
local function several(caption, list)
  return drawing.new { caption = caption,
    text = function(view)
      local lines = {}
      for _, d in ipairs(list) do
        for _, line in ipairs(drawing.lines(d, view)) do lines[#lines + 1] = line end
      end
      return lines
    end,
    picture = function()
      local pictures = {}
      for i, d in ipairs(list) do pictures[i] = d.picture() end
      return grid.stacked(pictures)
    end,
    svg = function() error("save: a table of drawings goes into a .png file; save one of them as .svg", 0) end }
end

--- The picture of one entry of what ra.predict returned; nil where it is none.
local function predicted(entry)
  return type(entry) == "table" and type(entry.image) == "string" and (entry.overlay or entry.labels or entry.mask) or nil
end

--- A table's parts that can be drawn, { name, tensor or path }, and how many cannot.
local function parts_of(what)
  local found, left = {}, 0
  if predicted(what) then return { { what.image, predicted(what) } }, 0 end
  for _, key in ipairs(options.names(what)) do
    local v = what[key]
    if predicted(v) then found[#found + 1] = { v.image, predicted(v) }
    elseif tensor.is(v) and v.rank >= 2 and v.rank <= 4 and v.size > 0 or type(v) == "string" and image.is_name(v) then
      found[#found + 1] = { type(v) == "string" and v or tostring(key), v }
    else left = left + 1 end
  end
  return found, left
end

local function of_table(what, o, level)
  local found, left = parts_of(what)
  if #found == 0 then error("show: the table holds no tensor of 2 to 4 dimensions and no image: " .. options.show(what), level + 1) end
  local list, total = {}, #found
  for i = 1, math.min(total, MOST_SECTIONS) do list[i] = of_tensor(read(found[i][2], "it", level + 1), o, found[i][1], level + 1) end
  if total == 1 then return list[1] end
  local text = ("%d drawings"):format(#list)
  if total > #list or left > 0 then text = text .. (" of %d entries"):format(total + left) end
  return several(text, list)
end

--- Whether a value is what image.load says of a file, its second result: show(image.load "a.png").
local function is_details(v) return type(v) == "table" and v.height ~= nil and v.width ~= nil and v.channels ~= nil and v.bits ~= nil end

--- A drawing of a tensor, of an image by its name, of an image with a mask on it (and the truth), or of each tensor of a table.
local function show(what, mask, truth, given)
  if is_details(mask) then mask = nil end
  if type(mask) == "table" then mask, given = nil, mask
  elseif type(truth) == "table" then truth, given = nil, truth end
  local o = options.check(given, schema, "show")
  if o.range and not (type(o.range[1]) == "number" and type(o.range[2]) == "number" and o.range[1] < o.range[2]) then
    error("show: range is { low, high }, low less than high; got " .. options.show(o.range), 2)
  end
  local made
  if mask ~= nil then
    local y = truth ~= nil and read(truth, "the truth", 2) or nil
    made = of_overlay(read(what, "the image", 2), read(mask, "the mask", 2), y, o, 2)
  elseif type(what) == "table" then made = of_table(what, o, 2)
  else made = of_tensor(read(what, "the first value", 2), o, type(what) == "string" and what or nil, 2) end
  return made
end

return { show = show, schema = schema }
