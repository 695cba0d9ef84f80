--- guarded(f, handler): as xpcall, but what failed is a table, as handlers of the command line and the prompt make one: { text =, places =, status = }.
-- LuaJIT calls no handler where memory runs out, and gives the bare text.
return function(f, handler)
  local ok, err = xpcall(f, handler)
  if not ok and type(err) ~= "table" then err = { is_complaint = true, text = tostring(err), places = {}, status = 1 } end
  return ok, err
end
