--- Further forms of a predicted mask or label map, for other programs: a row each. Classes have the numbers of their values, the background 0.
--
--   nifti  NAME_mask.nii        NIfTI-1, [W,H,1] of 8 bit with the pixels' spacing in mm where the picture's file has one; no orientation
--   rle    NAME_rle.json        a list of COCO's results, one a class that is there: { image, category, category_id, segmentation = { size, counts } }
--   svg    NAME_contours.svg    the outline of every class along the edges of its pixels, to the pixel; pixel (i, j) covers j..j+1, i..i+1
local json = require "ramus.base.json"
local contours = require "ramus.data.contours"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local options = require "ramus.base.options"
local outputs = require "ramus.train.predict.outputs"
local runs = require "ramus.data.runs"

local mask_formats = {}

--- The classes of a mask of 0 and 1.
mask_formats.FOREGROUND = { { name = "background", value = 0, colour = "#000000" }, { name = "foreground", value = 1, colour = "#d55e00" } }

-- ---- NIfTI ----

--- Bytes of numbers of a C type, little-endian.
local function bytes_of(ctype, values) return ffi.string(ffi.new(ctype .. "[?]", #values, values), ffi.sizeof(ctype) * #values) end

--- The file's text: the header of 348 bytes, 4 bytes without extensions, then the numbers row by row.
local function nifti(labels, list, _, header)
  local H, W = labels.dim[0], labels.dim[1]
  local spacing = header and header.spacing or {}
  local mm = spacing[1] ~= nil
  local numbers, data = ffi.new("uint8_t[?]", H * W), ffi.data(labels)
  for i = 0, H * W - 1 do numbers[i] = list[tonumber(data[i]) + 1].value end
  local parts = { bytes_of("int32_t", { 348 }), ("\0"):rep(36), bytes_of("int16_t", { 3, W, H, 1, 1, 1, 1, 1 }), ("\0"):rep(14),
    bytes_of("int16_t", { 2, 8, 0 }), bytes_of("float", { 1, spacing[2] or 1, spacing[1] or 1, 1, 1, 1, 1, 1 }), bytes_of("float", { 352, 1, 0 }),
    "\0\0\0", string.char(mm and 2 or 0), ("\0"):rep(24), "ramus predict", ("\0"):rep(80 - 13), ("\0"):rep(24), ("\0"):rep(4), ("\0"):rep(24),
    ("\0"):rep(48), ("\0"):rep(16), "n+1\0", "\0\0\0\0" }
  return table.concat(parts) .. ffi.string(numbers, H * W)
end

-- ---- COCO ----

local function rle(labels, list, entry)
  local found = {}
  for k = 2, #list do
    local counts = runs.of(labels, k - 1)
    if #counts > 1 then
      found[#found + 1] = ('{"image": %s, "frame": %d, "category": %s, "category_id": %d, "area": %d, "segmentation": {"size": [%d, %d], "counts": %s}}')
        :format(json.encode(entry.source:match "[^/]+$"), entry.frame or 0, json.encode(list[k].name), list[k].value, runs.area(counts), labels.dim[0],
          labels.dim[1], json.encode(runs.encode(counts)))
    end
  end
  return "[" .. table.concat(found, ",\n ") .. "]\n"
end

-- ---- SVG ----

local function escaped(text) return (text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;"):gsub('"', "&quot;")) end

local function svg(labels, list, entry)
  local H, W = labels.dim[0], labels.dim[1]
  local parts = { ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">'):format(W, H, W, H),
    ("<title>%s</title>"):format(escaped(entry.source:match "[^/]+$")) }
  for k = 2, #list do
    local path = contours.path(labels, k - 1)
    if path ~= "" then
      parts[#parts + 1] = ('<path id="class-%d" fill="%s" fill-opacity="0.5" stroke="%s" stroke-width="1" vector-effect="non-scaling-stroke" '
        .. 'fill-rule="evenodd" d="%s"><title>%s</title></path>'):format(list[k].value, list[k].colour, list[k].colour, path, escaped(list[k].name))
    end
  end
  parts[#parts + 1] = "</svg>\n"
  return table.concat(parts, "\n")
end

-- ---- the table ----

local FORMATS = { nifti = { "_mask.nii", nifti }, rle = { "_rle.json", rle }, svg = { "_contours.svg", svg } }

function mask_formats.names() return options.names(FORMATS) end

--- A list of known names; nil and a message.
function mask_formats.check(list)
  for _, name in ipairs(list) do
    if not FORMATS[name] then return nil, options.unknown("form", tostring(name), mask_formats.names()) end
  end
  if #list == 0 then return nil, "wants a list of " .. table.concat(mask_formats.names(), ", ") end
  return list
end

--- Adds the endings of the forms that are asked for.
function mask_formats.endings(as, endings)
  for _, name in ipairs(as or {}) do endings[name] = FORMATS[name][1] end
  return endings
end

--- Adds the paths of the forms to a result.
function mask_formats.paths(as, paths, result)
  for _, name in ipairs(as or {}) do result[name] = paths[name] end
  return result
end

--- Writes the forms of a label map [H,W] and signs them; true, nil and a message. header: of the picture's file.
function mask_formats.write(as, labels, list, entry, header)
  for _, name in ipairs(as or {}) do
    local path = entry.paths[name]
    local ok, err = files.write(path, FORMATS[name][2](labels, list, entry, header))
    if ok then ok, err = outputs.sign(path, entry.mark) end
    if not ok then return nil, err end
  end
  return true
end

return mask_formats
