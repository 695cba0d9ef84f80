--- Polygons of annotations: which pixels they cover, COCO's JSON, lines of text, odd and broken files.
local check = require "check"
local cjson = require "cjson"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local polygons = require "ramus.data.polygons"
local tensor = require "ramus.lang.tensor"
local C = ffi.C
local folder = check.folder("polygons")

--- A label map as rows of text, "." for 0.
local function rows(y)
  local list = {}
  for i = 1, y.shape[1] do
    local row = {}
    for j = 1, y.shape[2] do
      local v = y:get(i, j)
      row[j] = v == 0 and "." or ("%d"):format(v)
    end
    list[i] = table.concat(row)
  end
  return table.concat(list, " ")
end

local function sum(y)
  local total = 0
  for i = 0, y.size - 1 do total = total + y.data[i] end
  return total
end

local function drawn(height, width, ...) return rows(assert(polygons.draw({ ... }, height, width))) end

check.case("a pixel is covered where its centre is inside; a centre on an edge belongs to what lies right of it or below", function()
  check.equal(drawn(4, 5, { class = 1, points = { 1, 1, 4, 1, 4, 3, 1, 3 } }), "..... .111. .111. .....") -- whole pixels
  check.equal(drawn(3, 3, { class = 1, points = { 0.5, 0.5, 1.5, 0.5, 1.5, 1.5, 0.5, 1.5 } }), "1.. ... ...") -- edges on centres
  check.equal(drawn(3, 3, { class = 1, points = { 0.51, 0.51, 1.49, 0.51, 1.49, 1.49, 0.51, 1.49 } }), "... ... ...") -- between centres
  check.equal(drawn(4, 4, { class = 1, points = { 0, 0, 4, 0, 0, 4 } }), "111. 11.. 1... ....") -- centres on the slope are at its right
  check.equal(drawn(3, 4, { class = 7, points = { -5, -9, 2, -9, 2, 80, -5, 80 } }), "77.. 77.. 77..") -- beyond the picture
  check.equal(drawn(2, 2, { class = 1, points = { 5, 5, 9, 5, 9, 9 } }), ".. ..")
end)

check.case("even-odd: what a polygon crosses twice is outside, and so is a hole", function()
  local star = { 1, 1, 7, 1, 7, 5, 5, 5, 5, 3, 3, 3, 3, 7, 1, 7, 1, 1, 1, 1 }
  check.equal(drawn(8, 8, { class = 1, points = star }), "........ .111111. .111111. .11..11. .11..11. .11..... .11..... ........")
  local twice = { 0, 0, 3, 0, 3, 3, 0, 3, 0, 0, 2, 0, 2, 2, 0, 2 } -- the inner square is passed twice
  check.equal(drawn(3, 3, { class = 1, points = twice }), "..1 ..1 111")
end)

check.case("polygons with an edge in common neither overlap nor leave a gap, whatever the direction of their points", function()
  local covered, all = 0, 0
  for k = 0, 40 do
    local x, y = 3 + k * 0.137, 29 - k * 0.291
    local left, right = tensor.zeros(32, 32), tensor.zeros(32, 32)
    assert(polygons.fill(left, { 0, 0, x, 0, y, 32, 0, 32 }, 1))
    assert(polygons.fill(right, { y, 32, x, 0, 32, 0, 32, 32 }, 1))
    for i = 1, 32 do
      for j = 1, 32 do
        check.equal(left:get(i, j) + right:get(i, j), 1, ("%d: pixel %d,%d"):format(k, i, j))
        covered, all = covered + left:get(i, j), all + 1
      end
    end
  end
  check.ok(covered > 0.2 * all and covered < 0.8 * all)
end)

check.case("the number of pixels is the area, and a circle's is pi r^2", function()
  local points = {}
  for k = 0, 719 do points[2 * k + 1], points[2 * k + 2] = 50.3 + 40 * math.cos(k * math.pi / 360), 49.6 + 40 * math.sin(k * math.pi / 360) end
  local y = tensor.zeros(100, 100)
  assert(polygons.fill(y, points, 1))
  check.near(polygons.area(points), math.pi * 1600, 1)
  check.near(sum(y), math.pi * 1600, 15)
  check.equal(polygons.area { 0, 0, 3, 0, 0, 4 }, 6)
  check.equal(polygons.area { 0, 4, 3, 0, 0, 0 }, 6)
end)

check.case("where polygons overlap the smaller wins, of equal ones the lower class, in any order", function()
  local big, small = { class = 1, points = { 0, 0, 4, 0, 4, 2, 0, 2 } }, { class = 2, points = { 2, 0, 4, 0, 4, 1, 2, 1 } }
  local same = { class = 3, points = { 2, 0, 4, 0, 4, 1, 2, 1 } }
  for _, order in ipairs { { big, small, same }, { same, small, big }, { small, big, same }, { same, big, small } } do
    check.equal(drawn(2, 4, unpack(order)), "1122 1111")
  end
end)

check.case("fill: wrong calls are refused", function()
  local y = tensor.zeros(4, 4)
  check.fails("wants 3 to", polygons.fill, y, { 1, 1, 2, 2 }, 1)
  check.fails("wants 3 to", polygons.fill, y, {}, 1)
  check.fails("point 2 is at (", polygons.fill, y, { 0, 0, 0 / 0, 1, 2, 2 }, 1)
  check.fails("point 3 is at (2, inf)", polygons.fill, y, { 0, 0, 0, 1, 2, math.huge }, 1)
  check.fails("point 1", polygons.fill, y, { 1e7, 0, 0, 1, 2, 2 }, 1)
  check.fails("one plane", polygons.fill, tensor.zeros(3, 4, 4), { 0, 0, 0, 1, 2, 2 }, 1)
  check.fails("not empty", polygons.fill, tensor.zeros(0, 4), { 0, 0, 0, 1, 2, 2 }, 1)
  check.equal(sum(y), 0)
  assert(polygons.fill(y, { 1e6, -1e6, -1e6, -1e6, -1e6, 1e6 }, 1)) -- the largest
end)

-- ---- files ----

local function write(name, content)
  assert(files.write(folder .. "/" .. name, type(content) == "table" and cjson.encode(content) or content))
  return folder .. "/" .. name
end

local SQUARE = { 0, 0, 2, 0, 2, 2, 0, 2 }
local function coco()
  return { images = { { id = 7, file_name = "1.png", width = 4, height = 4 }, { id = 9, file_name = "2.png", width = 4, height = 4 } },
    categories = { { id = 1, name = "a" }, { id = 2, name = "b" } },
    annotations = { { id = 1, image_id = 7, category_id = 2, segmentation = { SQUARE } },
      { id = 1, image_id = 9, category_id = 1, segmentation = { SQUARE, { 0, 0, 1, 1 }, SQUARE } },
      { id = 2, image_id = 8, category_id = 1, segmentation = { SQUARE } } } }
end

check.case("COCO: by the pictures' ids; double ids of annotations, annotations without pictures and short polygons are said", function()
  local found = assert(polygons.coco(write("a.json", "\239\187\191" .. cjson.encode(coco()))))
  check.equal(#found.pictures, 2)
  check.equal(found.pictures[1].name, "1.png")
  check.equal(#found.pictures[1].polygons, 1)
  check.equal(found.pictures[1].polygons[1].class, 2)
  check.equal(#found.pictures[2].polygons, 2)
  check.equal(found.categories[2], "b")
  check.equal(table.concat(found.notes, "; "), "an annotation belongs to no picture and was left out; "
    .. "an annotation has the id of another; both were kept; a polygon of fewer than three points was left out")
end)

check.case("COCO: ids of annotations that are no numbers matter to nobody", function()
  for _, id in ipairs { "NaN", "1e999", "null", "true", "[1]", "\"x\"" } do
    local path = write("ids.json", (cjson.encode(coco()):gsub('("annotations":.*)$', function(rest) return (rest:gsub('"id":1', '"id":' .. id)) end)))
    check.equal(#assert(polygons.coco(path)).pictures, 2, id)
  end
end)

check.case("COCO: what is wrong is named with the file", function()
  local function wrong(part, change)
    local t = coco()
    local path = write("wrong.json", change(t) or t)
    check.fails(part, polygons.coco, path)
    check.fails(path, polygons.coco, path)
  end
  wrong("is no JSON", function() return "{" end)
  wrong("no list 'images'", function() return "[]" end)
  wrong("no list 'images'", function() return "3" end)
  wrong("no list 'annotations'", function(t) t.annotations = nil end)
  wrong("image 1 lacks", function(t) t.images[1] = 3 end)
  for _, name in ipairs { "../1.png", "/1.png", ".x.png", "", "a\\b.png", 5 } do
    wrong("image 2 lacks", function(t) t.images[2].file_name = name end)
  end
  wrong("two images have the id 7", function(t) t.images[2].id = 7 end)
  wrong("1.png has two ids", function(t) t.images[2].file_name = "1.png" end)
  wrong("annotation 1 lacks", function(t) t.annotations[1].image_id = "7" end)
  wrong("annotation 2 lacks", function(t) t.annotations[2].category_id = 1.5 end)
  wrong("annotation 2 lacks", function(t) t.annotations[2].category_id = 1e300 end)
  wrong("annotation 1, of 1.png: its segmentation is neither a list", function(t) t.annotations[1].segmentation = nil end)
  wrong("run lengths", function(t) t.annotations[1].segmentation = { counts = { 1, 2 }, size = { 4, 4 } } end)
  wrong("a polygon is a list", function(t) t.annotations[1].segmentation = { 1, 2, 3, 4, 5, 6 } end)
  wrong("an odd number", function(t) t.annotations[1].segmentation = { { 1, 2, 3, 4, 5, 6, 7 } } end)
  wrong("coordinate 2 of a polygon is x", function(t) t.annotations[1].segmentation = { { 1, "x", 3, 4, 5, 6 } } end)
  wrong("coordinate 1 of a polygon is 1e+99", function(t) t.annotations[1].segmentation = { { 1e99, 1, 3, 4, 5, 6 } } end)
  check.fails("absent.json", polygons.coco, folder .. "/absent.json")
end)

check.case("COCO: a file cut anywhere is no JSON, never a picture less", function()
  local whole = cjson.encode(coco())
  for n = 0, #whole - 1 do
    local file = assert(io.open(folder .. "/cut.json", "wb"))
    file:write(whole:sub(1, n))
    file:close()
    check.fails("cut.json", polygons.coco, folder .. "/cut.json")
  end
end)

check.case("text: classes and points as parts of width and height", function()
  local list = assert(polygons.text(write("a.txt", "\239\187\1913 0 0 0.5 0 0.5 0.25\r\n\n0 0 0 1 0 1 1 0 1\n  \n2 0 0 1 1\n"), 100, 200))
  check.equal(#list, 2)
  check.equal(list[1].class, 3)
  check.equal(table.concat(list[1].points, " "), "0 0 100 0 100 25")
  check.equal(#assert(polygons.text(write("empty.txt", ""), 4, 4)), 0)
  for _, line in ipairs { "a 0 0 1 1 1 0", "1 0 0 1 1 1 x", "-1 0 0 1 1 1 0", "1.5 0 0 1 1 1 0", "<html>" } do
    check.fails("line 1 is no polygon", polygons.text, write("wrong.txt", line), 4, 4)
  end
  check.fails("line 1: a polygon has 7 coordinates", polygons.text, write("wrong.txt", "1 0 0 1 1 1 0 0"), 4, 4)
  check.fails("coordinate 1", polygons.text, write("wrong.txt", "1 nan 0 1 1 1 0"), 4, 4)
  check.fails("coordinate 2", polygons.text, write("wrong.txt", "1 0 1e300 1 1 1 0"), 4, 4)
end)

check.case("memory that is missing is said", function()
  local y = tensor.zeros(8, 8)
  local testing = ffi.testing()
  testing.ra_mem_fail_after(0)
  local code = C.ra_polygon_fill(y, ffi.new("double[6]", 0, 0, 8, 0, 8, 8), 3, 1)
  testing.ra_mem_fail_after(-1)
  check.ok(code ~= 0)
  check.equal(sum(y), 0)
end)
