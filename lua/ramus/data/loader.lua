--- Batches made ahead by threads of the core; the same bits for any number of threads.
--   local l = loader.new(samples, { batch = 4, seed = 42, steps = 10, augment = program })
--   l:start(epoch, step)                     -- 0-based, both 0 unless given
--   local n, epoch, step, samples = l:next(x, y, fov)   -- n = 0 after the last epoch; nil and a message on failure
-- samples: list of { id =, image =, mask =, fov =, threshold = }.
local ffi = require "ramus.base.ffi"
local options = require "ramus.base.options"
local C = ffi.C

local loader = {}
local methods = {}
methods.__index = methods

loader.schema = {
  batch = { type = "integer", default = 4, min = 1, max = 65536, help = "samples in a batch" },
  channels = { type = "integer", default = 1, one_of = { 1, 3 }, help = "of the batch's pictures" },
  steps = { type = "integer", default = 0, min = 0, help = "batches in an epoch; 0: one pass over the set" },
  epochs = { type = "integer", default = 0, min = 0, help = "stop after this many; 0: never" },
  threads = { type = "integer", default = 1, min = 1, max = 16, help = "that decode and augment" },
  depth = { type = "integer", default = 3, min = 1, max = 64, help = "batches made ahead" },
  shuffle = { type = "boolean", default = true, help = "a new order every pass" },
  drop_last = { type = "boolean", default = false, help = "no partial batch at the end of a pass" },
  seed = { type = "number", default = 0, help = "of order and augmentation" },
  cache = { type = "number", default = 512, min = 0, help = "decoded pictures kept in memory, MB" },
  prepare = { type = "any", help = "image program that runs once per picture" },
  augment = { type = "any", help = "image program that runs every time" },
}

--- A loader over samples; nil and a message where memory fails.
function loader.new(samples, given)
  local o = options.check(given, loader.schema, "loader")
  if type(samples) ~= "table" or #samples == 0 then error("loader: wanted a list of samples, got none", 2) end
  local config = ffi.new("ra_loader_config", {
    batch = o.batch, channels = o.channels, steps = o.steps, epochs = o.epochs, threads = o.threads, depth = o.depth,
    shuffle = o.shuffle, drop_last = o.drop_last, seed = o.seed, cache_bytes = o.cache * 1e6,
  })
  local pointer, err = ffi.own(C.ra_loader_new(config, o.prepare, o.augment), C.ra_loader_release)
  if not pointer then return nil, err end
  for _, s in ipairs(samples) do
    if C.ra_loader_add(pointer, s.id, s.image, s.mask, s.fov, s.threshold or 128) ~= 0 then return nil, ffi.message() end
  end
  -- the programs are kept here, so that they live as long as the loader does
  return setmetatable({ pointer = pointer, samples = samples, options = o, prepare = o.prepare, augment = o.augment,
    index = ffi.new("int32_t[?]", o.batch), shape = ffi.new("int32_t[4]"), number = ffi.new("int32_t[3]") }, methods)
end

--- Batches in an epoch.
function methods.steps(l) return C.ra_loader_steps(l.pointer) end

function methods.start(l, epoch, step)
  if C.ra_loader_start(l.pointer, epoch or 0, step or 0) ~= 0 then return nil, ffi.message() end
  return true
end

--- Waits for the next batch; its shape { B, C, H, W }, epoch and step, or false after the last epoch.
function methods.peek(l)
  if C.ra_loader_peek(l.pointer, l.shape, l.number, l.number + 1) ~= 0 then return nil, ffi.message() end
  if l.shape[0] == 0 then return false end
  return { l.shape[0], l.shape[1], l.shape[2], l.shape[3] }, l.number[0], l.number[1]
end

--- Copies the next batch into x, y and fov (each may be nil; their first dimension at least the batch's). Returns the
-- number of samples (0 after the last epoch), epoch, step, and the list of samples; nil and a message on failure.
function methods.next(l, x, y, fov)
  local shape, epoch, step = l:peek()
  if shape == nil then return nil, epoch end
  if not shape then return 0 end
  if C.ra_loader_next(l.pointer, x, y, fov, l.number + 2, l.index) ~= 0 then return nil, ffi.message() end
  local samples = {}
  for i = 1, l.number[2] do samples[i] = l.samples[l.index[i - 1] + 1] end
  return l.number[2], epoch, step, samples
end

--- Seconds that next and peek waited so far.
function methods.waited(l) return C.ra_loader_waited(l.pointer) end

--- What the mask file of samples[i] held, once it was decoded: a ra_mask_report, else nil.
function methods.mask_report(l, i)
  local report = ffi.new("ra_mask_report")
  if C.ra_loader_mask_report(l.pointer, i - 1, report) then return report end
end

function methods.stop(l) C.ra_loader_stop(l.pointer) end

return loader
