--- Augmentation programs: random changes of an image, its mask and its field of view before training, as a list of C steps (no Lua runs inside).
--
--   local p = augment.program { flip = true, rotate = 25, scale = { 0.85, 1.2 }, gamma = { 0.7, 1.4 }, crop = 256 }
--   print(p)
--   local x, y, fov = p:apply(image, mask, nil, { seed = 1, epoch = 0, sample = 7 })
--
-- mixup and cutmix act on the batches of a loader, not in p:apply.
-- Ranges are { low, high }, drawn evenly; a number stands for the range named below. Any of them accepts probability = 0.5
-- (or share = 0.5): the probability that the step acts (1 unless given). Steps act in the order of augment.order.
local ffi = require "ramus.base.ffi"
local options = require "ramus.base.options"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local augment = {}

--- { low, high, probability =, .. } with only those fields, or nil and a message.
local function table_of(v, count, names)
  for key in pairs(v) do
    local known = key == "share" or key == "probability" or names[key] or (type(key) == "number" and key >= 1 and key <= count and key % 1 == 0)
    if not known then
      local all = { "probability", "share" }
      for name in pairs(names) do all[#all + 1] = name end
      return nil, "has an " .. options.unknown("field", key, all)
    end
  end
  local r = { probability = v.probability }
  if r.probability == nil then r.probability = v.share == nil and 1 or v.share end
  for i = 1, count do r[i] = v[i] end
  for name, i in pairs(names) do if v[name] ~= nil then r[i] = v[name] end end
  if type(r.probability) ~= "number" or not (r.probability >= 0 and r.probability <= 1) then
    return nil, "wants a probability of 0 to 1, got " .. options.show(r.probability)
  end
  for i = 1, count do
    if type(r[i]) ~= "number" or r[i] ~= r[i] then
      return nil, ("wants %d numbers, got %s"):format(count, options.show(v))
    end
  end
  return r
end

--- The range that a single number n stands for, by RA_EXPAND_* (nothing: not accepted), and its text in the help.
local expand = {
  [tonumber(C.RA_EXPAND_BOTH)] = { function(n) if n >= 0 then return -n, n end end, "-n to n" },
  [tonumber(C.RA_EXPAND_UP_TO)] = { function(n) if n >= 0 then return 0, n end end, "0 to n" },
  [tonumber(C.RA_EXPAND_FACTOR)] = { function(n) if n >= 1 then return 1 / n, n end end, "1/n to n" },
  [tonumber(C.RA_EXPAND_AROUND_ONE)] = { function(n) if n >= 0 and n <= 1 then return 1 - n, 1 + n end end, "1-n to 1+n" },
}

--- The entry of a step that draws from a range.
local function range(k)
  local numbers, words = unpack(expand[k.expand])
  local low, high = k.low[0], k.high[0]
  return { type = "number|table", help = ("%s; a number n means %s"):format(ffi.string(k.help), words), check = function(v)
    if type(v) == "number" then
      local a, b = numbers(v)
      if not a then return nil, "does not accept the number " .. options.show(v) end
      v = { a, b }
    end
    local r, err = table_of(v, 2, {})
    if not r then return nil, err end
    if r[1] > r[2] then return nil, ("is { low, high }, got low %g above high %g"):format(r[1], r[2]) end
    if r[1] < low or r[2] > high then
      return nil, ("must lie in %g to %g, got %g to %g"):format(low, high, r[1], r[2])
    end
    return r
  end }
end

--- The entry of a step with two settings, which the core checks.
local function pair(k)
  local name, first, second = ffi.string(k.name), ffi.string(k.label[0]), ffi.string(k.label[1])
  local kind, a, b = k.kind, k.preset[0], k.preset[1]
  return { type = "table|boolean", help = ffi.string(k.help), check = function(v)
    if v == false then return false end
    if v == true then
      if a == 0 then return nil, ("wants { %s, %s }, got true"):format(first, second) end
      v = { a, b }
    end
    local r, err = table_of(v, 2, { [first] = 1, [second] = 2 })
    if not r then return nil, err end
    local p = ffi.new("ra_augment", { count = 1 })
    local s = p.step[0]
    s.kind, s.probability, s.a, s.b = kind, r.probability, r[1], r[2]
    if C.ra_augment_check(p) ~= 0 then return nil, (ffi.message():gsub("^augment: " .. name .. " ", "")) end
    return r
  end }
end

local function size_entry(help)
  return { type = "number|table", help = help, check = function(v)
    if type(v) == "number" then v = { v, v } end
    for i = 1, 2 do
      if type(v[i]) ~= "number" or v[i] < 1 or v[i] % 1 ~= 0 or v[i] > 2 ^ 20 then
        return nil, "wants a side or { height, width } in whole pixels, got " .. options.show(v)
      end
    end
    return { v[1], v[2] }
  end }
end

--- The entry of a way to mix the images of a batch.
local function mixing(name, help)
  return { type = "number|table|boolean", default = false, help = help .. "; a number is alpha, or { alpha =, probability = }", check = function(v)
    if not v then return false end
    if v == true then return nil, "wants alpha or { alpha =, probability = }, got true" end
    local r, err = table_of(type(v) == "number" and { v } or v, 1, { alpha = 1 })
    if not r then return nil, err end
    local p = ffi.new("ra_augment", { [name] = { r[1], r.probability } })
    if C.ra_augment_check(p) ~= 0 then return nil, (ffi.message():gsub("^augment: " .. name .. ": ", "")) end
    return r
  end }
end

augment.schema = {
  flip = { type = "boolean|string", default = false, one_of = { true, false, "horizontal", "vertical" },
    help = "mirroring with probability one half: of both axes (true) or one" },
  crop = size_entry "a window at a random place: side, or { height, width }; smaller images are padded by the border",
  foreground_share = { type = "number", default = 0, min = 0, max = 1, help = "probability that the crop must hold foreground pixels" },
  vessel_share = { type = "number", default = 0, min = 0, max = 1, help = "older name of foreground_share" },
  border = { type = "string", default = "edge", one_of = { "edge", "reflect", "constant" },
    help = "values outside the image: its edge repeated, its mirror image, or 0" },
  mixup = mixing("mixup", "images of a batch averaged with each other"),
  cutmix = mixing("cutmix", "windows of a batch's images exchanged"),
}

--- The order in which the steps act; those up to elastic, and the crop, are one interpolation.
augment.order = {}

-- the steps, from the core's rows; flip is one option for two of them
local kinds, names, units, prepares = {}, {}, {}, {}
for i = 0, math.huge do
  local k = C.ra_augment_kind_at(i)
  if k == nil then break end
  local name, kind = ffi.string(k.name), k.kind
  names[kind], units[name] = name, ffi.string(k.unit)
  if name:find "^flip" then
    if kind == C.RA_AUGMENT_FLIP_H then augment.order[#augment.order + 1] = "flip" end
  else
    augment.order[#augment.order + 1], kinds[name] = name, kind
    if name ~= "size" then
      augment.schema[name] = k.form == C.RA_STEP_RANGE and range(k) or k.form == C.RA_STEP_PAIR and pair(k)
        or { type = "boolean", default = false, help = ffi.string(k.help) }
    end
    if k.prepares then prepares[name] = augment.schema[name] or size_entry(ffi.string(k.help)) end
  end
end

--- The steps that run once per image, before any augmentation: augment.prepare{...}
augment.prepare_schema = prepares

local borders = { edge = C.RA_BORDER_EDGE, reflect = C.RA_BORDER_REFLECT, constant = C.RA_BORDER_CONSTANT }

local function add(p, kind, probability, a, b)
  local s = p.step[p.count]
  s.kind, s.probability, s.a, s.b = kind, probability, a, b
  p.count = p.count + 1
end

local Program = {}
Program.__index = Program

--- A program as a Lua value; the core's struct is hidden behind it.
local function value_of(p) return ffi.hide(setmetatable({}, Program), p) end

local function build(o)
  local p = ffi.new("ra_augment")
  for _, name in ipairs(augment.order) do
    local v = o[name]
    if name == "flip" then
      if v == true or v == "horizontal" then add(p, C.RA_AUGMENT_FLIP_H, 0.5, 0, 0) end
      if v == true or v == "vertical" then add(p, C.RA_AUGMENT_FLIP_V, 0.5, 0, 0) end
    elseif v == true then
      add(p, kinds[name], 1, 0, 0)
    elseif v then
      add(p, kinds[name], v.probability or 1, v[1], v[2])
    end
  end
  if o.crop then p.height, p.width = o.crop[1], o.crop[2] end
  p.foreground_share = math.max(o.foreground_share or 0, o.vessel_share or 0)
  p.border = borders[o.border or "edge"]
  for _, name in ipairs { "mixup", "cutmix" } do if o[name] then p[name].alpha, p[name].probability = o[name][1], o[name].probability end end
  return p
end

--- A message where options do not go together, or nil.
local function wrong(o, p)
  if p.foreground_share > 0 and not o.crop then return "augment: foreground_share needs a crop" end
  if C.ra_augment_check(p) ~= 0 then return ffi.message() end
end

--- A program from options; see augment.schema. An error at the caller's line for wrong ones.
function augment.program(given)
  local o = options.check(given, augment.schema, "augment")
  local p = build(o)
  local err = wrong(o, p)
  if err then error(err, 2) end
  return value_of(p)
end

--- The same for options that come from a recipe: nil and a message.
function augment.validate(given)
  local o, err = options.validate(given, augment.schema, "augment")
  if not o then return nil, err end
  local p = build(o)
  err = wrong(o, p)
  if err then return nil, err end
  return value_of(p)
end

--- A program that runs once per image; see augment.prepare_schema.
function augment.prepare(given)
  local o = options.check(given, augment.prepare_schema, "prepare")
  return value_of(build(o))
end

--- The program that runs once per image, or nil: { size =, preprocess = } of a recipe's data or of a protocol.
function augment.preparation(d)
  if not d.size and not next(d.preprocess or {}) then return nil end
  local given = { size = d.size }
  for k, v in pairs(d.preprocess or {}) do given[k] = v end
  return augment.prepare(given)
end

--- A program that prepares, from a list of steps as p:steps() gives it; nil and a message where it is not such a list.
function augment.of_steps(list)
  local p = ffi.new("ra_augment")
  if type(list) ~= "table" or #list > C.RA_AUGMENT_STEPS or (#list == 0 and next(list) ~= nil) then
    return nil, "the preparation is not a list of steps"
  end
  for i, s in ipairs(list) do
    local known = type(s) == "table" and type(s.step) == "string" and augment.prepare_schema[s.step]
    if not known or type(s.a) ~= "number" or type(s.b) ~= "number" then
      return nil, ("step %d of the preparation is none that this build knows: %s"):format(i, options.show(s))
    end
    add(p, kinds[s.step], 1, s.a, s.b)
  end
  if C.ra_augment_check(p) ~= 0 then return nil, ffi.message() end
  return value_of(p)
end

-- ---- a program as a Lua value ----

local methods = Program

--- Height and width of the result for an image of that size.
function methods.size(p, height, width)
  local out = ffi.new("int32_t[2]")
  if C.ra_augment_size(ffi.hidden(p), height, width, out, out + 1) ~= 0 then error(ffi.message(), 2) end
  return out[0], out[1]
end

--- The steps as plain data: a list of { step = NAME, a =, b = }.
function methods.steps(program)
  local p, list = ffi.hidden(program), {}
  for i = 0, p.count - 1 do
    local s = p.step[i]
    list[i + 1] = { step = names[s.kind], a = s.a, b = s.b }
  end
  return list
end

local scratch

local function planes_of(t, what, H, W)
  if t == nil then return nil end
  if not tensor.is(t) then error(("augment: the %s is a tensor, got %s"):format(what, options.show(t)), 3) end
  if t.size ~= H * W or t.dim[t.rank - 1] ~= W then
    error(("augment: the image has %dx%d pixels, the %s is %s"):format(H, W, what, tensor.shape_text(t)), 3)
  end
  return C.ra_tensor_contiguous(t) and t or t:clone()
end

--- Image, mask and field of view as the core's planes, hidden behind a Lua value; any but the first may be nil.
function augment.planes(channels, H, W, x, y, f)
  local p = ffi.new("ra_sample_planes", { count = 3, height = H, width = W, foreground = 1 })
  for i, t in pairs { [0] = x, y or false, f or false } do
    local set = p.set[i]
    set.kind, set.channels = i == 0 and C.RA_FIELD_IMAGE or C.RA_FIELD_MASK, i == 0 and channels or 1
    set.absent, set.outside = i == 2 and 1 or 0, i == 2 and 0 or 0 / 0
    if t then set.data = ffi.data(t) end
  end
  return ffi.hide({ x, y, f }, p)
end

local key_schema = {
  seed = { type = "number", default = 0 }, epoch = { type = "integer", default = 0, min = 0 },
  sample = { type = "integer", default = 0, min = 0 },
}

--- Image [C,H,W] (or [H,W]), mask [H,W] and field of view [H,W] (both may be nil) for one key: new tensors [C,h,w], [h,w]
-- (nil without a mask) and [h,w], 1 where the image is.
function methods.apply(p, picture, mask, fov, given)
  local key = options.check(given, key_schema, "augment")
  if not tensor.is(picture) or picture.rank < 2 or picture.rank > 3 then
    error("augment: the image is a tensor [C,H,W] or [H,W]", 2)
  end
  local channels = picture.rank == 3 and picture.dim[0] or 1
  local H, W = picture.dim[picture.rank - 2], picture.dim[picture.rank - 1]
  local x = C.ra_tensor_contiguous(picture) and picture or picture:clone()
  local y, f = planes_of(mask, "mask", H, W), planes_of(fov, "field of view", H, W)
  local h, w = methods.size(p, H, W)
  local to_x, to_y, to_f = tensor.empty(channels, h, w), y and tensor.empty(h, w) or nil, tensor.empty(h, w)
  scratch = scratch or ffi.own(C.ra_augment_scratch_new(), C.ra_augment_scratch_release) or error(ffi.message(), 2)
  local from = augment.planes(channels, H, W, x, y, f)
  local to = augment.planes(channels, h, w, to_x, to_y, to_f)
  if C.ra_augment_apply(ffi.hidden(p), ffi.hidden(from), ffi.hidden(to), key.seed, key.epoch, key.sample, scratch) ~= 0 then error(ffi.message(), 2) end
  return to_x, to_y, to_f
end

local two_numbers = { size = "to %g x %g", elastic = "alpha %g, sigma %g pixels", clahe = "%g tiles, clip %g" }

function Program.__tostring(program)
  local p, lines = ffi.hidden(program), {}
  for i = 0, p.count - 1 do
    local s = p.step[i]
    local name = names[s.kind] or "?"
    local text = name
    if two_numbers[name] then text = name .. " " .. two_numbers[name]:format(s.a, s.b)
    elseif s.a ~= 0 or s.b ~= 0 then text = ("%s %g to %g%s"):format(name, s.a, s.b, units[name] or "") end
    if s.probability < 1 then text = text .. (", %g %% of the time"):format(100 * s.probability) end
    lines[#lines + 1] = text
  end
  if p.height > 0 then
    lines[#lines + 1] = ("crop to %d x %d%s"):format(p.height, p.width,
      p.foreground_share > 0 and (", %g %% must hold foreground"):format(100 * p.foreground_share) or "")
  end
  for _, name in ipairs { "mixup", "cutmix" } do
    local m = p[name]
    if m.alpha > 0 then lines[#lines + 1] = ("%s of batches, alpha %g, %g %% of the time"):format(name, m.alpha, 100 * m.probability) end
  end
  if #lines == 0 then return "augmentation: none" end
  for name, kind in pairs(borders) do
    if kind == p.border and name ~= "edge" then lines[#lines + 1] = "border " .. name end
  end
  return "augmentation: " .. table.concat(lines, "; ")
end

return augment
