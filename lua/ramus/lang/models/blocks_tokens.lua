--- What the transformers share: tokens [B,N,C] and maps [B,H,W,C] from images and back, linear layers, normalisation, attention, the
-- two halves of a transformer's block, stochastic depth, and options that are lists.
local F = require "ramus.lang.F"
local nn = require "ramus.lang.nn"
local options = require "ramus.base.options"

local tokens = {}

--- [B,C,H,W] to [B,H*W,C], and back at the height and width of the image `like`.
function tokens.of(image) return F.permute(F.reshape(image, { 0, 0, -1 }), { 1, 3, 2 }) end
function tokens.image(x, like) return F.reshape_like(F.permute(x, { 1, 3, 2 }), like) end

--- [B,C,H,W] to [B,H,W,C], and back.
function tokens.map(image) return F.permute(image, { 1, 3, 4, 2 }) end
function tokens.unmap(map) return F.permute(map, { 1, 4, 2, 3 }) end

--- A linear layer whose weights start with standard deviation 1 / sqrt(3 fan_in), as PyTorch's: 0.02 for the 768 channels of the usual
-- transformers, which write 0.02, and more for the few channels of a light net, which hardly learns with 0.02.
function tokens.linear(from, to, name, bias) return nn.linear { from, to, std = 1 / math.sqrt(3 * from), bias = bias, name = name } end

function tokens.norm(C, name, eps) return nn.layer_norm { C, eps = eps or 1e-5, name = name } end

--- Attention of q [..,N,C] over kv [..,M,C]: f(q, kv, bias), bias [opt] as the op takes it. Parameters NAME.query, .key, .value, .out.
function tokens.attention(C, heads, name)
  local query, key, value = tokens.linear(C, C, name .. ".query"), tokens.linear(C, C, name .. ".key"), tokens.linear(C, C, name .. ".value")
  local out = tokens.linear(C, C, name .. ".out")
  return function(q, kv, bias)
    local given = { heads = heads }
    if bias then given.bias = bias end
    return out(F.attention(query(q), key(kv), value(kv), given))
  end
end

--- A dropout module; nothing for p = 0.
function tokens.dropout(p)
  return p and p > 0 and nn.dropout { p = p } or function(x) return x end
end

--- Linear, GELU, linear; dropout [opt] behind both.
function tokens.mlp(C, hidden, name, dropout)
  local first, second, drop = tokens.linear(C, hidden, name .. ".first"), tokens.linear(hidden, C, name .. ".second"), tokens.dropout(dropout)
  return function(x) return drop(second(drop(F.gelu(first(x))))) end
end

--- x + f(norm(x)), where f's part is left out of whole samples with probability p while training.
function tokens.residual(norm, f, p)
  local drop = p > 0 and nn.drop_path { p = p }
  return function(x)
    local y = f(norm(x))
    return F.add(x, drop and drop(y) or y)
  end
end

--- Probabilities of stochastic depth for blocks 1..n: from 0 to `last` in equal steps.
function tokens.drop_rates(last, n)
  local list = {}
  for i = 1, n do list[i] = n > 1 and last * (i - 1) / (n - 1) or last end
  return list
end

--- An option that is a list of `count` whole numbers >= 1.
function tokens.list(count, default, help)
  return { type = "table", wanted = ("a list of %d whole numbers"):format(count), default = default, help = help, check = function(v)
    for i = 1, math.max(count, #v) do
      if type(v[i]) ~= "number" or v[i] % 1 ~= 0 or v[i] < 1 then
        return nil, ("must be a list of %d whole numbers >= 1, given %s"):format(count, options.show(v))
      end
    end
    if #v ~= count then return nil, ("must be a list of %d whole numbers, given %d"):format(count, #v) end
    return v
  end }
end

tokens.drop_path = { type = "number", min = 0, below = 1, default = 0, help = "stochastic depth of the last block, rising evenly from 0 at the first" }

return tokens
