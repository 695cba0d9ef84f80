--- What the parts of a recipe must agree on: the model's outputs with its rows, its main output, and the data set's classes.
-- Found by recording the model, without computing and before anything is fetched.
local classes = require "ramus.data.classes"
local dataset = require "ramus.data.dataset"
local loader = require "ramus.data.loader"
local mixing = require "ramus.train.recipe.mixing"
local models = require "ramus.lang.models"
local options = require "ramus.base.options"
local schedule = require "ramus.lang.schedule"
local supervise = require "ramus.train.supervise"
local teacher = require "ramus.train.teacher"

local fit = {}

--- The supervision of a checked recipe, for training; nil and a message. known: the data set's declaration of its fields.
function fit.supervision(r, known)
  return supervise.new(r.supervise, r.model:output_names(), r.epochs, teacher.epochs(r), r.model:output_channels(), known)
end

--- What the schedules of a recipe follow, { key = { source =, smooth = } }; see schedule.follows.
function fit.followed(r, supervision)
  local followed = schedule.follows(r.optim.schedule)
  for key, f in pairs(supervision.followed) do followed[key] = f end
  return followed
end

--- A message if a schedule follows the validation and there is none, else nil.
local function unfollowable(r, supervision)
  for _, f in pairs(fit.followed(r, supervision)) do
    if f.source:match "^val%." and r.data.val == false then
      return ("a schedule follows %s, which needs a validation split, and data.val is false; follow \"loss\", or name a split"):format(f.source)
    end
  end
end

--- A message if the schedule of the rate gives what is no factor of one at the beginning of an epoch, else nil. What follows a score is not known yet.
local function wrong_rate(r)
  local s = r.optim.schedule
  if not s or next(schedule.follows(s)) then return nil end
  for t = 0, math.min(r.epochs, 10000) - 1 do
    local v = schedule.at(s, t, r.epochs, 100 * t, 100 * r.epochs)
    if not (v >= 0 and v < math.huge) then
      return ("optim.schedule: %s gives %g in epoch %d; it multiplies lr, so it must be finite and >= 0"):format(tostring(s), v, t)
    end
  end
end

--- A message if there is nothing that a training could change, else nil.
local function nothing_to_train(r)
  local list, still = r.model.parameter_list, 0
  if #list == 0 then return "recipe.model: has no parameters, so there is nothing to train; ra.nn makes modules that have some" end
  for _, p in ipairs(list) do
    for _, f in ipairs(r.freeze or {}) do
      if not f.till and p.name:find(f.at) then
        still = still + 1
        break
      end
    end
  end
  return still == #list and ("freeze: holds all %d parameters still in every epoch, so there is nothing to train"):format(#list) or nil
end

--- A message if the main output is wrong, else nil.
local function missing_main(r)
  local names = r.model:output_names()
  for _, name in ipairs(names) do if name == r.main then return nil end end
  return ("recipe.main: the model has no output '%s'; its outputs: %s; choose one with main = \"NAME\""):format(r.main, table.concat(names, ", "))
end

--- A message if the model's channels or the sizes of its outputs are wrong, else nil.
local function misfit(r, supervision)
  local channels, allowed = r.model.template.channels, loader.schema.channels.one_of
  local fits = false
  for _, n in ipairs(allowed) do fits = fits or n == channels end
  if not fits then
    return ("recipe.model: accepts images of %d channels; images are loaded with %s"):format(channels, table.concat(allowed, " or "))
  end
  local H, W, shapes = 96, 128, r.model:output_shapes()
  local function wrong(name, what)
    local shape = shapes[name]
    if #shape == 4 and shape[3] == H and shape[4] == W then return nil end
    return ("%s: output '%s' is [%s] for an image of %dx%d; it must have the image's height and width (F.upsample, F.crop_like, pad)")
      :format(what, name, table.concat(shape, ","), H, W)
  end
  for _, term in ipairs(supervision.terms) do
    local err = term.teacher ~= "same" and wrong(term.at, ("supervise row %d"):format(term.row))
    if err then return err end
  end
  return wrong(r.main, "recipe.main")
end

--- The classes that the recipe's data set declares, with the set's options: a list, nil where it declares none; nil and a message.
local function classes_of(r, definition)
  local ok, _, o = pcall(dataset.place, definition, nil, r.data.options)
  if not ok then return nil, "recipe.data: " .. options.plain(_) end
  local list, err = classes.of(definition, o)
  return list, err and "recipe.data: " .. err
end

--- Gives a built-in architecture whose recipe leaves `classes` open those of the data set: one channel each where there are more than two.
local function follow(r, list)
  local m = r.model
  if not (list and #list > 2 and m.options and m.options.classes == nil) then return end
  r.model = models.again(m, { classes = #list }) or m -- an architecture that does not heed the option is judged by its channels
end

--- A message if the classes of the data set and the channels of the main output differ, else nil. One channel is right for any
-- set: foreground (all classes but the first) and background.
local function wrong_classes(r, list, definition)
  local channels = r.model:output_channels()[r.main]
  if channels == 1 or list and #list == channels then return nil end
  local write = r.model.options and "ra.models." .. r.model.builder .. "{ classes = %d }" or "a last layer of %d channels"
  if not list then
    return ("recipe.model: output '%s' has %d channels, one for each class, and data set %s declares no classes; write classes = { { name = "
      .. "\"background\" }, { name = .. }, .. } into its definition, or give the model one channel (%s)"):format(r.main, channels, definition.name,
      write:format(1))
  end
  local names = {}
  for i, c in ipairs(list) do names[i] = c.name end
  return ("recipe.model: output '%s' has %d channels, data set %s has %d classes (%s); write %s, or %s for foreground and background"):format(r.main,
    channels, definition.name, #list, table.concat(names, ", ", 1, math.min(6, #names)) .. (#names > 6 and ", ..." or ""), write:format(#list),
    write:format(1))
end

--- A message if the parts of a checked recipe do not agree, else nil. The model follows the classes of the data set where the recipe
-- leaves them open.
function fit.check(r, definition)
  local err = missing_main(r)
  if err then return err end
  local list
  list, err = classes_of(r, definition)
  if err then return err end
  follow(r, list)
  err = wrong_classes(r, list, definition)
  if err then return err end
  local supervision
  supervision, err = fit.supervision(r, definition.fields)
  if not supervision then return err end
  local ok
  ok, err = supervision:check_fields(definition.fields, definition.name, list)
  if not ok then return err end
  err = unfollowable(r, supervision) or wrong_rate(r) or nothing_to_train(r) or mixing.wrong(r, supervision, definition.fields)
  if err then return err end
  return misfit(r, supervision)
end

return fit
