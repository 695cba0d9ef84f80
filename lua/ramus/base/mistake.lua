--- A wrong declaration of the user's, found where data is read: a failure like any other (nil and a message), which the command line
-- ends with status 2 and not 1. Whatever words are put around the message on its way up, it is known again.
--
--   return mistake("labels.png holds 12 values; declare classes")
local mistake = {}
local last

--- True if a message holds that of the last mistake.
function mistake.is(message) return last ~= nil and type(message) == "string" and message:find(last, 1, true) ~= nil end

return setmetatable(mistake, { __call = function(_, text)
  last = text
  return nil, text
end })
