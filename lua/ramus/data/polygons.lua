--- Polygons of annotations, read from COCO's JSON or from lines of text, and filled.
--
-- A polygon is { class =, points = { x1, y1, x2, y2, .. } } in pixels: pixel (i, j), 0-based, covers j <= x < j+1 and i <= y < i+1. It covers a pixel
-- where the even-odd rule puts the pixel's centre inside (core/image/polygon.c). Where polygons overlap, the one with the smaller area
-- wins, of equal ones the lower class: so the order in a file plays no part.
local cjson = require "cjson"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local runs = require "ramus.data.runs"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local polygons = {}

--- The area that a polygon encloses (shoelace formula), in pixels.
function polygons.area(points)
  local sum, n = 0, #points
  for i = 1, n, 2 do
    local x, y = points[i], points[i + 1]
    local u, v = points[(i + 1) % n + 1], points[(i + 2) % n + 1]
    sum = sum + (x * v - u * y)
  end
  return math.abs(sum) / 2
end

--- Fills y [H,W] with `value` where one polygon covers it; nil and a message.
function polygons.fill(y, points, value)
  local xy = ffi.new("double[?]", math.max(1, #points))
  for i, v in ipairs(points) do xy[i - 1] = v end
  if C.ra_polygon_fill(y, xy, #points / 2, value) ~= 0 then return nil, ffi.message() end
  return true
end

--- The area of an entry, a polygon or run lengths.
local function area_of(p) return p.runs and runs.area(p.runs) or polygons.area(p.points) end

--- The label map [H,W] of a list of polygons (or run lengths): their class, 0 where there is none; nil and a message.
function polygons.draw(list, height, width)
  local y, order = tensor.zeros(height, width), {}
  for i, p in ipairs(list) do order[i] = { polygon = p, area = area_of(p) } end
  table.sort(order, function(a, b)
    if a.area ~= b.area then return a.area > b.area end
    return a.polygon.class > b.polygon.class
  end)
  for _, entry in ipairs(order) do
    local p = entry.polygon
    local ok, err
    if p.runs then ok, err = runs.fill(y, p.runs, p.class) else ok, err = polygons.fill(y, p.points, p.class) end
    if not ok then return nil, err end
  end
  return y
end

-- ---- reading ----

local function whole(v) return type(v) == "number" and v == math.floor(v) and math.abs(v) < 2 ^ 53 end

--- A list of coordinates as points; nil and what is wrong. false: fewer than three points, which cover nothing.
local function points_of(list)
  if type(list) ~= "table" then return nil, "a polygon is a list of coordinates x1, y1, x2, y2, .." end
  for i, v in ipairs(list) do
    if type(v) ~= "number" or v ~= v or math.abs(v) > 1e6 then return nil, ("coordinate %d of a polygon is %s"):format(i, tostring(v)) end
  end
  if #list % 2 == 1 then return nil, ("a polygon has %d coordinates, an odd number"):format(#list) end
  return #list >= 6 and list or false
end

local function list_of(t, name)
  if type(t) ~= "table" or type(t[name]) ~= "table" then return nil, ("holds no list '%s', so it is no COCO annotation file"):format(name) end
  return t[name]
end

--- The pictures of a COCO file in its order, and by their id; nil and what is wrong.
local function pictures_of(list)
  local pictures, by_id, by_name = {}, {}, {}
  for i, entry in ipairs(list) do
    local good = type(entry) == "table" and whole(entry.id) and type(entry.file_name) == "string"
    local name = good and entry.file_name:match("^[^/\\%c]+$")
    if not name or name:sub(1, 1) == "." then return nil, ("image %d lacks an id or a plain file_name"):format(i) end
    local p = { name = name, height = entry.height, width = entry.width, polygons = {} }
    local other = by_id[entry.id]
    if other and other.name ~= name then return nil, ("two images have the id %d: %s and %s"):format(entry.id, other.name, name) end
    if by_name[name] and by_name[name] ~= entry.id then return nil, ("%s has two ids, %d and %d"):format(name, by_name[name], entry.id) end
    if not other then pictures[#pictures + 1], by_id[entry.id], by_name[name] = p, p, entry.id end
  end
  return pictures, by_id
end

--- Adds the polygons of one annotation to its picture; nil and what is wrong.
local function add_annotation(a, picture, count)
  if type(a.segmentation) ~= "table" then return nil, "its segmentation is neither a list of polygons nor run lengths" end
  if a.segmentation.counts ~= nil then
    local counts, err = runs.read(a.segmentation, picture.height, picture.width)
    if not counts then return nil, err end
    picture.height, picture.width = unpack(a.segmentation.size) -- where the entry of the picture says none
    table.insert(picture.polygons, { class = a.category_id, runs = counts })
    return true
  end
  for _, given in ipairs(a.segmentation) do
    local points, err = points_of(given)
    if points == nil then return nil, err end
    if points then table.insert(picture.polygons, { class = a.category_id, points = points })
    else count.short = count.short + 1 end
  end
  return true
end

local function sentence(notes, n, one, several)
  if n > 0 then notes[#notes + 1] = n == 1 and one or several:format(n) end
end

--- A COCO file as { pictures = { { name =, height =, width =, polygons = { { class = category id, points = (or runs =) }, .. } }, .. }, categories =
-- { [id] = name }, notes = sentences about what was odd and could be done without }; nil and a message. Annotations go by their picture's id: their
-- own ids are not always different ones.
function polygons.coco(path)
  local text, err = files.read_text(path)
  if not text then return nil, err end
  local ok, json = pcall(cjson.decode, text)
  if not ok then return nil, ("%s: is no JSON: %s"):format(path, tostring(json)) end
  local images, annotations
  images, err = list_of(json, "images")
  if images then annotations, err = list_of(json, "annotations") end
  if not annotations then return nil, ("%s: %s"):format(path, err) end
  local pictures, by_id = pictures_of(images)
  if not pictures then return nil, ("%s: %s"):format(path, by_id) end
  local seen, count, notes, categories = {}, { lonely = 0, double = 0, short = 0 }, {}, {}
  for i, a in ipairs(annotations) do
    if type(a) ~= "table" or not whole(a.image_id) or not whole(a.category_id) then
      return nil, ("%s: annotation %d lacks an image_id or a category_id"):format(path, i)
    end
    local id = whole(a.id) and a.id or type(a.id) == "string" and a.id or nil
    if id and seen[id] then count.double = count.double + 1 end
    if id then seen[id] = true end
    local picture = by_id[a.image_id]
    if picture then ok, err = add_annotation(a, picture, count) else ok, count.lonely = true, count.lonely + 1 end
    if not ok then return nil, ("%s: annotation %d, of %s: %s"):format(path, i, picture.name, err) end
  end
  for _, c in ipairs(type(json.categories) == "table" and json.categories or {}) do
    if type(c) == "table" and whole(c.id) and type(c.name) == "string" then categories[c.id] = c.name end
  end
  sentence(notes, count.lonely, "an annotation belongs to no picture and was left out", "%d annotations belong to no picture and were left out")
  sentence(notes, count.double, "an annotation has the id of another; both were kept", "%d annotations have the id of another; all were kept")
  sentence(notes, count.short, "a polygon of fewer than three points was left out", "%d polygons of fewer than three points were left out")
  return { pictures = pictures, categories = categories, notes = notes }
end

--- The polygons of a text file, one a line: a class number from 0 on, then x1 y1 x2 y2 .. as parts of width and height; nil and a message.
function polygons.text(path, height, width)
  local text, err = files.read_text(path)
  if not text then return nil, err end
  local list, n = {}, 0
  for line in text:gmatch("[^\r\n]+") do
    local values, good = {}, true
    n = n + 1
    for word in line:gmatch("%S+") do
      values[#values + 1] = tonumber(word)
      good = good and tonumber(word) ~= nil
    end
    local class = table.remove(values, 1)
    if good and not class then good = line:match("^%s*$") ~= nil end
    if not good or class and not (whole(class) and class >= 0) then
      return nil, ("%s: line %d is no polygon; wanted: class x1 y1 x2 y2 .., given %.40s"):format(path, n, line)
    end
    for i, v in ipairs(values) do values[i] = v * (i % 2 == 1 and width or height) end
    local points = class and points_of(values)
    if points == nil and class then return nil, ("%s: line %d: %s"):format(path, n, select(2, points_of(values))) end
    if points then list[#list + 1] = { class = class, points = points } end
  end
  return list
end

return polygons
