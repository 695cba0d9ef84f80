--- Batches made ahead by threads of the core; the same bits for any number of threads.
--   local l = loader.new(samples, { batch = 4, seed = 42, steps = 10, augment = program, fields = { "image", "mask" } })
--   l:start(epoch, step)                     -- 0-based, both 0 unless given
--   local n, epoch, step, samples = l:next { image = x, mask = y }  -- n = 0 after the last epoch; nil and a message on failure
--   l:close()                                -- frees its threads now, not when it is collected
--   local one = loader.one(sample, { prepare = program })          -- a sample without a loader, by the same code
-- samples: a list as data sets give it (ramus.data.fields): { id =, image =, mask =, fov =, threshold =, fields = { .. } }.
local ffi = require "ramus.base.ffi"
local fields = require "ramus.data.fields"
local options = require "ramus.base.options"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local loader = {}
local methods = {}
methods.__index = methods

loader.threads_max = tonumber(C.RA_LOADER_THREADS)

local DEFAULT = { "image", "mask", "fov" }

loader.schema = {
  fields = { type = "table", help = "names of fields, or { name =, kind =, channels =, absent =, outside = }; image, mask and fov if left out" },
  set = { type = "table", help = "what the data set says of its fields (set.fields)" },
  batch = { type = "integer", default = 4, min = 1, max = 65536, help = "samples in a batch" },
  channels = { type = "integer", default = 1, one_of = { 1, 3 }, help = "of the batch's images" },
  steps = { type = "integer", default = 0, min = 0, help = "batches in an epoch; 0: one pass over the set" },
  epochs = { type = "integer", default = 0, min = 0, help = "stop after this many; 0: never" },
  threads = { type = "integer", default = 1, min = 1, max = loader.threads_max, help = "threads that decode and augment" },
  depth = { type = "integer", default = 3, min = 1, max = tonumber(C.RA_LOADER_DEPTH), help = "batches made ahead" },
  shuffle = { type = "boolean", default = true, help = "a new order every pass" },
  drop_last = { type = "boolean", default = false, help = "no partial batch at the end of a pass" },
  seed = { type = "number", default = 0, help = "random seed of order and augmentation" },
  cache = { type = "number", default = 512, min = 0, help = "decoded samples kept in memory, MB" },
  prepare = { type = "any", help = "augmentation program that runs once per sample" },
  augment = { type = "any", help = "augmentation program that runs every time" },
}

--- The fields that a data set declares, and those that are known.
local function known_fields(o)
  local all = {}
  for name, entry in pairs(o.set or {}) do all[name] = entry end
  return setmetatable(all, { __index = fields.known })
end

--- A loader over samples; nil and a message where memory fails.
function loader.new(samples, given)
  local o = options.check(given, loader.schema, "loader")
  if type(samples) ~= "table" or #samples == 0 then error("loader: wanted a list of samples, got none", 2) end
  local list = fields.list(o.fields or DEFAULT, known_fields(o), o.channels, 2)
  local config = ffi.new("ra_loader_config", {
    batch = o.batch, steps = o.steps, epochs = o.epochs, threads = o.threads, depth = o.depth,
    shuffle = o.shuffle, drop_last = o.drop_last, seed = o.seed, cache_bytes = o.cache * 1e6,
  })
  local pointer, err = ffi.own(C.ra_loader_new(config, #list, fields.array(list), ffi.hidden(o.prepare), ffi.hidden(o.augment)), C.ra_loader_release)
  if not pointer then return nil, err end
  local function failed(message)
    ffi.release(pointer, C.ra_loader_release)
    return nil, message
  end
  for _, s in ipairs(samples) do
    local sources, wrong = fields.sources(s, list)
    if not sources then return failed(wrong) end
    if C.ra_loader_add(pointer, s.id, sources) ~= 0 then return failed(ffi.message()) end
  end
  local position = {}
  for i, f in ipairs(list) do position[f.name] = i - 1 end
  return setmetatable({ pointer = pointer, samples = samples, options = o, fields = list, position = position,
    index = ffi.new("int32_t[?]", o.batch), shape = ffi.new("int32_t[4]"), number = ffi.new("int32_t[3]"),
    target = ffi.new("ra_tensor *[?]", #list) }, methods)
end

--- Batches in an epoch.
function methods.steps(l) return C.ra_loader_steps(l.pointer) end

--- Before the start: only the batches that rank `rank` of `ranks` computes, of groups of so many (see ra_loader_share).
function methods.share(l, group, ranks, rank)
  if C.ra_loader_share(l.pointer, group, ranks, rank) ~= 0 then return nil, ffi.message() end
  return true
end

function methods.start(l, epoch, step)
  if C.ra_loader_start(l.pointer, epoch or 0, step or 0) ~= 0 then return nil, ffi.message() end
  return true
end

--- Waits for the next batch; the shape { B, C, H, W } of its image, epoch and step, or false after the last epoch.
function methods.peek(l)
  if C.ra_loader_peek(l.pointer, l.shape, l.number, l.number + 1) ~= 0 then return nil, ffi.message() end
  if l.shape[0] == 0 then return false end
  return { l.shape[0], l.shape[1], l.shape[2], l.shape[3] }, l.number[0], l.number[1]
end

--- Zero tensors for a batch whose image has that shape, { NAME = tensor [B,C,H,W] }.
function methods.buffers(l, shape)
  local buffers = {}
  for _, f in ipairs(l.fields) do buffers[f.name] = tensor.zeros(shape[1], f.channels, shape[3], shape[4]) end
  return buffers
end

--- Copies the next batch into buffers, { NAME = tensor [B,C,H,W] } (their first dimension at least the batch's; fields that are
-- left out are not copied). Returns the number of samples (0 after the last epoch), epoch, step, and the list of samples; nil
-- and a message on failure.
function methods.next(l, buffers)
  local shape, epoch, step = l:peek()
  if shape == nil then return nil, epoch end
  if not shape then return 0 end
  for i = 0, #l.fields - 1 do l.target[i] = nil end
  for name, t in pairs(buffers or {}) do
    if not l.position[name] then
      local names = {}
      for i, f in ipairs(l.fields) do names[i] = f.name end
      error("loader: " .. options.unknown("field", name, names), 2)
    end
    l.target[l.position[name]] = t
  end
  if C.ra_loader_next(l.pointer, l.target, l.number + 2, l.index) ~= 0 then return nil, ffi.message() end
  local samples = {}
  for i = 1, l.number[2] do samples[i] = l.samples[l.index[i - 1] + 1] end
  return l.number[2], epoch, step, samples
end

--- Seconds that next and peek waited so far.
function methods.waited(l) return C.ra_loader_waited(l.pointer) end

--- What the file of a mask field ("mask" unless given) of samples[i] held, once the file was decoded: a ra_mask_report, else nil.
function methods.mask_report(l, i, name)
  local report, field = ffi.new("ra_mask_report"), l.position[name or "mask"]
  if field and C.ra_loader_mask_report(l.pointer, i - 1, field, report) then return report end
end

--- Ends the threads; start begins anew.
function methods.stop(l) C.ra_loader_stop(l.pointer) end

--- Frees threads and memory now; the loader is of no use afterwards. Twice is fine.
function methods.close(l)
  if l.pointer then ffi.release(l.pointer, C.ra_loader_release) end
  l.pointer = nil
end

-- ---- one sample ----

local one_schema = { fields = loader.schema.fields, set = loader.schema.set, channels = loader.schema.channels, prepare = loader.schema.prepare,
  native = { type = "boolean", default = false, help = "also the fields at the size of their files" } }

--- One sample, decoded and prepared as a loader does it: { fields =, reports = }, fields being { NAME = tensor [1,C,H,W] } of those that
-- it has (and those with a value for absence), reports the ra_mask_report of each mask; native = true: also `native`, the same
-- fields at the size of their files. nil and a message on failure.
function loader.one(sample, given)
  local o = options.check(given, one_schema, "loader.one")
  local list = fields.list(o.fields or DEFAULT, known_fields(o), o.channels, 2)
  local array, n = fields.array(list), #list
  local native = o.native and ffi.new("ra_tensor *[?]", n) or nil
  local prepared, reports = ffi.new("ra_tensor *[?]", n), ffi.new("ra_mask_report[?]", n)
  local sources, rules = fields.sources(sample, list) -- rules: sources points to them
  if not sources then return nil, rules end
  if C.ra_sample_load(n, array, sample.id, sources, ffi.hidden(o.prepare), native, prepared, reports) ~= 0 then return nil, ffi.message() end
  local result = { fields = {}, reports = {}, native = native and {} }
  local function whole(pointer)
    if pointer == nil then return nil end
    local t = tensor.wrap(pointer)
    return t:reshape(1, t.dim[0], t.dim[1], t.dim[2])
  end
  for i, f in ipairs(list) do
    result.fields[f.name] = whole(prepared[i - 1])
    if native then result.native[f.name] = whole(native[i - 1]) end
    if f.kind == "mask" and fields.source(sample, f.name) then
      result.reports[f.name] = ffi.new("ra_mask_report", reports[i - 1])
    end
  end
  return result
end

return loader
