--- A recipe that has everything that makes resuming hard, as Lua source; `more` replaces fields (false leaves one out).
-- tests/test_train.lua kills and resumes it, tests/bits holds its results to committed hashes.
return function(more)
  local fields = {
    data = [[{ set = "phantom", options = { size = 64, train = 7, val = 2, test = 2 }, batch = 2,
      augment = { flip = true, rotate = 15, gamma = 1.3, noise = 0.02, elastic = { 2, 8 }, crop = 48 } }]],
    model = "ra.models.unet { depth = 2, width = 3, sides = true, dropout = 0.1 }",
    teacher = '{ kind = "ago", k = 2 }',
    supervise = [[{
      { at = "out", loss = ra.loss.dice {} },
      { at = "out", loss = ra.loss.soft_target { alpha = ra.ramp(0, 0.5) }, against = "teacher.out" },
      { at = "side*", loss = ra.loss.deep_distribution { patches = 16, tau = 0.3, scale = "fraction" }, against = "teacher.same" } }]],
    optim = "ra.optim.adamw { lr = 1e-2, weight_decay = 1e-4, ema = 0.9, accumulate = 2, clip = 1, schedule = ra.cosine {} }",
    epochs = "12", seed = "3",
  }
  for k, v in pairs(more or {}) do fields[k] = v or nil end
  local lines = {}
  for k, v in pairs(fields) do if v then lines[#lines + 1] = k .. " = " .. v end end
  table.sort(lines)
  return 'local ra = require "ramus"\nreturn { name = "tiny",\n' .. table.concat(lines, ",\n") .. "\n}\n"
end
