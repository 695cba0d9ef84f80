--- The time of a training whose recipe says extend = N: a finished run goes on for N more epochs, by these rules.
--
--   the rate of learning     its schedule begins anew, as long as the N epochs (a warm restart: Loshchilov, Hutter, ICLR 2017)
--   everything else          rows, their weights, options of losses and teachers stay as they were at the end; a value that follows a score goes on
--                            to follow it
-- Nothing before the last epoch of the recipe depends on N, so that extending a run that ended, and one that was planned so, give the same bits.
local schedule = require "ramus.lang.schedule"

local clock = {}

--- Epochs in all.
function clock.length(r) return r.epochs + (r.extend or 0) end

--- The epoch by which rows act.
function clock.row_epoch(r, epoch) return math.min(epoch, r.epochs - 1) end

--- The time of weights and options of losses: the epoch with its fraction, and the optimizer's steps. steps: of the recipe's own epochs.
function clock.loss_time(r, t, t_step, steps)
  if t < r.epochs then return t, t_step end
  return r.epochs, steps
end

--- The factor of the learning rate.
function clock.rate(r, t, t_step, steps, seen)
  local s = r.optim.schedule
  if not s then return 1 end
  if t < r.epochs then return schedule.at(s, t, r.epochs, t_step, steps, seen) end
  return schedule.at(s, t - r.epochs, r.extend, t_step - steps, steps / r.epochs * r.extend, seen)
end

return clock
