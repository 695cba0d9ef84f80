--- always(f, release): the results of f(); release() is called on every way out, whether f returns, fails or is interrupted. An error goes on as
-- what it was: one that was raised by error(), or any other (the command line tells mistakes of the user from defects by this).
local function ended(release, raised, ok, ...)
  release()
  if ok then return ... end
  if raised.by_error ~= false then error((...), 0) end -- nil: memory ran out, and LuaJIT called no handler
  assert(false, (...))
end

return function(f, release)
  local raised = {}
  return ended(release, raised, xpcall(f, function(e)
    local info = debug.getinfo(2, "f")
    raised.by_error = info ~= nil and info.func == error
    return e
  end))
end
