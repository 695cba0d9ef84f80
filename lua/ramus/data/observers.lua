--- Further observers of an image: who else drew its mask, to say how far a second person agrees with the first.
--
--   sample.observers = { { name = "second observer", mask = "1_2nd.png" }, .. }     mask: a path or a source, read as the sample's own
--
-- Each is a field "observer NAME" of kind mask. Training never reads it; evaluation adds rows (train/evaluate/observer_rows.lua).
local options = require "ramus.base.options"
local reading = require "ramus.data.reading"

local observers = {}

local schema = {
  name = { type = "string", required = true, check = function(v)
    return v:match("^[^%c]+$") and v or nil, "must be a text without control characters, given " .. options.show(v)
  end },
  mask = { type = "any", required = true, help = "as the sample's mask: a path, a tensor, or a source" },
}

--- The field that holds an observer's mask.
function observers.field(name) return "observer " .. name end

--- True of the name of such a field.
function observers.is_field(name) return name:sub(1, 9) == "observer " end

--- Makes the fields of one sample; nil and a message.
local function attach(s, where)
  if type(s.observers) ~= "table" then return nil, ("%s: observers is a list of { name =, mask = }, given %s"):format(where, options.show(s.observers)) end
  local own = {}
  for name, source in pairs(s.fields or {}) do own[name] = source end
  for i, given in ipairs(s.observers) do
    local entry, err = options.validate(given, schema, ("%s: observer %d"):format(where, i))
    if not entry then return nil, err end
    local mask = type(entry.mask) == "table" and entry.mask or { [type(entry.mask) == "string" and "path" or "tensor"] = entry.mask }
    local source = reading.over(mask, s)
    source.path, source.tensor, source.frame, source.kind = mask.path, mask.tensor, mask.frame, "mask"
    own[observers.field(entry.name)] = source
  end
  s.fields = own
  return true
end

--- Makes the fields of all samples that have observers; nil and a message. classes: of the set, or nil.
function observers.attach(samples, classes, where)
  for _, s in ipairs(samples) do
    if s.observers ~= nil then
      local what = ("%s: image %s"):format(where, s.id)
      if classes then return nil, what .. ": observers are masks of two classes, and the set declares more; leave one of both out" end
      local ok, err = attach(s, what)
      if not ok then return nil, err end
    end
  end
  return true
end

--- Names of the observers of a list of samples, as they come.
function observers.names(samples)
  local names, seen = {}, {}
  for _, s in ipairs(samples) do
    for _, o in ipairs(s.observers or {}) do
      if not seen[o.name] then names[#names + 1], seen[o.name] = o.name, true end
    end
  end
  return names
end

return observers
