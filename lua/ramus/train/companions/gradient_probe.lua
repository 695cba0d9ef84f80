--- log.grad_params: adds each term's gradient norm at the parameters it names, on the epoch's last batch, to metrics.jsonl.
local Probe = {}
Probe.__index = Probe

local function new(training)
  local o = training.recipe.log.grad_params
  return o and setmetatable({ training = training, every = o.every, at = o.at }, Probe) or nil
end

function Probe:record(entry)
  local training = self.training
  local s, v = training.state, training.variant
  if not v or s.epoch % self.every ~= 0 then return true end
  local norms, err = training.steps:term_gradients(v, self.at, { t = s.epoch + (s.batch - 1) / training.batches,
    t_step = s.optim_steps - 1, steps = training.total_steps, seen = s.followed, seed = training.recipe.seed, epoch = s.epoch, step = s.batch - 1 })
  if not norms then return nil, err end
  for name, norm in pairs(norms) do entry.terms[name].parameter_gradient_norm = norm end
  return true
end

return { new = new }
