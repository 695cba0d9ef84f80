--- A contact sheet: every image of a set small, beside it the same with its mask (or classes) painted on it and what lies outside its field
-- of view dark; below them split and name, on red where something is wrong with it.
--
--   local shown = sheet.write("sheet.png", report, set, { most = 400, out = })     report: of audit.lua; nil and a message
local class_image = require "ramus.data.image.class_image"
local classes = require "ramus.data.classes"
local fields = require "ramus.data.fields"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local letters = require "ramus.data.image.letters"
local loader = require "ramus.data.loader"
local tensor = require "ramus.lang.tensor"
require "ramus.lang.F" -- operators of tensors

local sheet = {}

local SIDE, GAP, LINE, HEAD = 128, 4, 12, 16 -- pixels: longer side of a picture, between tiles, below a tile for its name, a line above them
local WIDE = 2 * SIDE + GAP
local WHITE, RED, DARK, GREY = { 1, 1, 1 }, { 0.6, 0.1, 0.05 }, { 0.13, 0.13, 0.13 }, { 0.3, 0.3, 0.3 }
local MASK = "#e69f00"
local MARK = "ramus check" -- in the file, so that a sheet replaces a sheet and nothing else

--- True where a sheet may be written: a name that ends in .png, of no file that something else wrote; false and a message.
function sheet.is_free(path)
  if not path:lower():find("%.png$") then return false, ("the contact sheet is a PNG: wants a name that ends in .png, given '%s'"):format(path) end
  if files.exists(path) and image.mark(path) ~= MARK then
    return false, ("%s is there and was not written by ramus check: choose another name"):format(path)
  end
  return true
end

--- The entries of the report that are shown, at most `most`: those with something wrong, then of the rest evenly many, in their order.
local function chosen(report, most)
  local bad, n = {}, 0
  for _, f in ipairs(report.wrong) do for _, id in ipairs(f.images) do bad[id] = true end end
  for _, row in ipairs(report.images) do if bad[row.id] then n = n + 1 end end
  local left, rest, at, list = math.max(0, most - n), #report.images - n, 0, {}
  for i, row in ipairs(report.images) do
    local take = bad[row.id]
    if not take then
      take = rest > 0 and math.floor((at + 1) * left / rest) > math.floor(at * left / rest)
      at = at + 1
    end
    if take and #list < most then list[#list + 1] = { row = row, entry = report.entries[i], bad = bad[row.id] } end
  end
  return list
end

--- Height and width of a picture whose longer side becomes SIDE.
local function small(H, W)
  local scale = SIDE / math.max(H, W)
  return math.max(1, math.floor(H * scale + 0.5)), math.max(1, math.floor(W * scale + 0.5))
end

local function plane(t) return t:reshape(t.dim[2], t.dim[3]) end

--- The image [3,h,w] and the painted one; nil and a message.
local function pictures(sample, set)
  local truth = set.classes and "label" or "mask"
  local has_truth, has_fov = fields.source(sample, truth), fields.source(sample, "fov")
  local names = { "image" }
  if has_truth then names[#names + 1] = truth end
  if has_fov then names[#names + 1] = "fov" end
  local one, err = loader.one(sample, { fields = names, set = set.fields, channels = 3 })
  if not one then return nil, err end
  local x = one.fields.image
  local H, W = x.dim[2], x.dim[3]
  local h, w = small(H, W)
  x = image.resize(x:reshape(3, H, W), { h, w })
  local painted = x
  if has_truth then
    local y = plane(one.fields[truth])
    if truth == "label" then
      painted = class_image.paint(x, image.resize(y, { h, w, method = "nearest" }), set.classes)
    else -- a pixel that holds a third of foreground is painted: thin vessels do not vanish
      local part = image.threshold(image.resize(y, { h, w }), 1 / 3)
      painted = class_image.paint(x, part, { { colour = "#000000" }, { colour = MASK } })
    end
  end
  if has_fov then
    local seen = image.resize(plane(one.fields.fov), { h, w })
    local dim = tensor.zeros(3, h, w)
    for c = 1, 3 do dim:narrow(1, c, 1):copy((seen * 0.6 + 0.4):reshape(1, h, w)) end
    painted = painted * dim
  end
  return x, painted
end

--- A text of at most `width` pixels; its end is what tells names apart.
local function fitted(text, width)
  local room = math.floor(width / letters.ADVANCE)
  return #text <= room and text or ".." .. text:sub(-(room - 2))
end

local function put(target, picture, top, left)
  target:narrow(2, top + 1, picture.dim[1]):narrow(3, left + 1, picture.dim[2]):copy(picture)
end

--- Draws one tile at (top, left), 0-based.
local function draw(target, item, set, top, left)
  letters.fill(target, top, left, SIDE, WIDE, DARK)
  local x, painted = nil, nil
  if not item.row.error then x, painted = pictures(item.entry.sample, set) end
  if x then
    local up, in_ = math.floor((SIDE - x.dim[1]) / 2), math.floor((SIDE - x.dim[2]) / 2)
    put(target, x, top + up, left + in_)
    put(target, painted, top + up, left + SIDE + GAP + in_)
  else letters.draw(target, "cannot be read", top + SIDE / 2, left + 8, { colour = WHITE }) end
  letters.fill(target, top + SIDE, left, LINE, WIDE, item.bad and RED or GREY)
  local name = item.row.id:find(item.row.split, 1, true) == 1 and item.row.id or item.row.split .. " " .. item.row.id
  letters.draw(target, fitted(name, WIDE - 4), top + SIDE + 2, left + 2, { colour = WHITE })
end

--- What the lines above the tiles say, as far as each fits: the set and how many images are shown, then the classes. Returns a list of
-- { text =, top =, left =, colour = of a class }, and the height of the lines.
local function head(report, set, shown, width)
  local list, top, left = {}, 0, GAP
  local function add(text, colour)
    local wide = letters.width(text) + (colour and LINE or 0)
    if left > GAP and left + wide > width - GAP then top, left = top + HEAD, GAP end
    list[#list + 1] = { text = text, top = top, left = left, colour = colour }
    left = left + wide + 10
  end
  add(("%s: %d of %d images"):format(report.set, shown, #report.images))
  for k = 2, set.classes and #set.classes or 1 do
    local r, g, b = classes.rgb(set.classes[k].colour)
    add(letters.readable(set.classes[k].name, k - 1), { r / 255, g / 255, b / 255 })
  end
  return list, top + HEAD
end

local function draw_head(target, list)
  for _, item in ipairs(list) do
    if item.colour then letters.fill(target, item.top + 3, item.left, letters.HEIGHT, LINE - 4, item.colour) end
    letters.draw(target, item.text, item.top + 3, item.left + (item.colour and LINE or 0), { colour = WHITE })
  end
end

--- See the top of the file. given: most, out (progress). Returns the number of images on the sheet.
function sheet.write(path, report, set, given)
  local list = chosen(report, given.most or 400)
  local columns = math.max(1, math.min(#list, math.ceil(math.sqrt(#list * (SIDE + LINE) / WIDE * 1.6))))
  local rows = math.ceil(#list / columns)
  local width = GAP + columns * (WIDE + GAP)
  local said, above = head(report, set, #list, width)
  local target = tensor.zeros(3, above + rows * (SIDE + LINE + GAP), width)
  draw_head(target, said)
  for i, item in ipairs(list) do
    local row, column = math.floor((i - 1) / columns), (i - 1) % columns
    draw(target, item, set, above + row * (SIDE + LINE + GAP), GAP + column * (WIDE + GAP))
    if given.out then given.out:update(("drawing the contact sheet, %d of %d"):format(i, #list)) end
  end
  local ok, err = image.save_all({ { path, target } }, { mark = MARK })
  if not ok then return nil, err end
  return #list
end

return sheet
