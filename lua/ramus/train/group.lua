--- The processes that train one run together: those that mpirun started, or this one alone.
--
-- A step's micro-batches (optim.accumulate) are computed in rounds, one by each process; what came of a round is exchanged, and every process
-- adds it up in the order of the micro-batches. So all hold the same model after each step, to the bits of one process that computes
-- the micro-batches one after the other. Rank 0 computes the last of a round: what is looked at behind an epoch lies with it. It alone writes.
--
--   group.join()                  the group of this process; nil and a message
--   g.rank, g.size, g.part        part: the part of an epoch's time that exchanges count to (companions/profile.lua)
--   g:divide(training)            this process gets its share of the batches; nil and a message where there are not enough
--   g:place(count)                which of the next `count` micro-batches this process computes, from 0; nil where none
--   g:add(sum, gradient, count, first)   the round's gradients into the sum; first: it begins anew
--   g:gather(numbers, n, count)   n doubles of each of the round's micro-batches, a list of arrays in their order
--   g:any(flag)                   true where it is true anywhere
--   g:share(f)                    the result of f(), plain data, which rank 0 alone computes; nil and a message
--   g:in_turn(f)                  f() on every process, first on rank 0
--   g:agree(facts)                nil and a message where one of { { what, text }, .. } is not the same everywhere
--   g:leave(message)              the end of this process's part; with a message, of a failure, of all processes
local ffi = require "ramus.base.ffi"
local json = require "ramus.base.json"
local talk = require "ramus.base.talk"
local C = ffi.C

local group = {}

-- ---- alone ------------------------------------------------------------------------

local Alone = {}
Alone.__index = Alone

function Alone.divide() return true end
function Alone.place() return 0 end
function Alone.gather(_, numbers) return { numbers } end
function Alone.any(_, flag) return flag end
function Alone.share(_, f) return f() end
function Alone.in_turn(_, f) return f() end
function Alone.agree() return true end
function Alone.leave() end

function Alone.add(_, sum, gradient, _, first)
  if sum == gradient then return end
  if first then sum:copy(gradient)
  elseif C.ra_gradient_add(sum, gradient) ~= 0 then error(ffi.message(), 2) end
end

group.alone = setmetatable({ rank = 0, size = 1, part = "plan" }, Alone)

-- ---- several ----------------------------------------------------------------------

local Many = {}
Many.__index = Many

-- Bytes of a text that is compared; seconds for which a rank waits, when it fails, for rank 0 to say the same.
local LINE, GRACE = 256, 1.5

local function must(code) if code ~= 0 then error(ffi.message(), 0) end end

function Many:divide(training)
  local batches, members = training.batches, training.recipe.optim.accumulate
  if self.size > math.min(members, batches) then
    return nil, ("%d ranks share the micro-batches of a step, of which there are %d (optim.accumulate = %d, %d batches in an epoch): start at most that "
      .. "many, or give the run more, --set optim.accumulate=%d"):format(self.size, math.min(members, batches), members, batches, self.size)
  end
  return training.data.train_loader:share(members, self.size, self.rank)
end

function Many:place(count) return self.rank < count and count - 1 - self.rank or nil end

function Many.add(_, sum, gradient, count, first) must(C.ra_comm_add(sum, gradient, count, first)) end

function Many:gather(numbers, n, count)
  local all, list = ffi.new("double[?]", n * self.size), {}
  must(C.ra_comm_gather(numbers, 8 * n, all))
  for k = 1, count do list[k] = all + n * (count - k) end
  list.held = all
  return list
end

function Many:any(flag)
  local list = self:gather(ffi.new("double[1]", flag and 1 or 0), 1, self.size)
  for k = 1, self.size do if list[k][0] ~= 0 then return true end end
  return false
end

function Many:share(f)
  local text, length, value, more = "", ffi.new "int32_t[1]", nil, nil
  if self.rank == 0 then
    value, more = f()
    if value == nil then return nil, more end
    text = json.encode { value, more }
    length[0] = #text
  end
  must(C.ra_comm_send(length, 4, 0))
  local room = ffi.new("char[?]", length[0] + 1)
  ffi.copy(room, text)
  must(C.ra_comm_send(room, length[0], 0))
  if self.rank == 0 then return value, more end
  return unpack(json.decode(ffi.string(room, length[0])))
end

function Many:in_turn(f)
  if self.rank > 0 then self:any(false) end
  local a, b = f()
  if self.rank == 0 and a ~= nil then self:any(false) end
  return a, b
end

function Many:agree(facts)
  for _, fact in ipairs(facts) do
    local mine, all = ffi.new("char[?]", LINE), ffi.new("char[?]", LINE * self.size)
    ffi.copy(mine, tostring(fact[2]):sub(1, LINE - 1))
    must(C.ra_comm_gather(mine, LINE, all))
    for rank = 1, self.size - 1 do
      local here, there = ffi.string(all), ffi.string(all + LINE * rank)
      if here ~= there then
        return nil, ("%s: rank 0 has %s, rank %d has %s; ranks that differ in it do not give the bits of one process"):format(fact[1], here, rank, there)
      end
    end
  end
  return true
end

--- All ranks end with the first that ends with a message. Where all fail alike, rank 0 says so.
function Many:leave(message)
  if message and self.rank > 0 then C.ra_sleep(GRACE) end
  if message then
    io.stdout:flush()
    io.stderr:write(("ramus: rank %d of %d: %s\n"):format(self.rank, self.size, message))
  end
  C.ra_comm_close(message and 1 or 0)
end

function group.join()
  if not C.ra_comm_started() then return group.alone end
  if C.ra_comm_open() ~= 0 then return nil, ffi.message() end
  local rank = C.ra_comm_rank()
  if rank > 0 then talk.quiet = true end
  return setmetatable({ rank = rank, size = C.ra_comm_size(), part = "exchange" }, Many)
end

return group
