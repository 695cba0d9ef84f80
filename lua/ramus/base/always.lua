--- always(f, release): the results of f(); release() is called on every way out, whether f returns, fails or is interrupted.
local function ended(release, ok, ...)
  release()
  if not ok then error((...), 0) end
  return ...
end

return function(f, release) return ended(release, pcall(f)) end
