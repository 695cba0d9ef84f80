--- What to write instead of Python or torch7 at Lua's prompt: for inputs that are no Lua, and for names that are not there.
local hints = {}

--- { pattern of the input, what to write }, the first that fits.
local written = {
  { "^%s*import%s", "Lua: require gives a module; ra, F and nn are defined" },
  { "^%s*from%s+[%w_%.]+%s+import", "Lua: require gives a module; ra, F and nn are defined" },
  { "^%s*def%s", "Lua: function NAME(x) return x end" },
  { "^%s*for%s+[%w_]+%s+in%s+range", "Lua: for i = 1, 10 do .. end" },
  { "lambda%s", "Lua: function(x) return x end" },
  { "!=", "Lua: a ~= b; of tensors, element by element: a:ne(b)" },
  { "[%w_%]%)]%s*[%+%-%*/]=", "Lua: x = x + 1" },
  { "[%w_%]%)]%s*@", "Lua: F.matmul(a, b)" },
  { "[%w_%)%]]%[[^%[%]{}\"']*:[^%[%]]*%]", "ranges stand in braces: x[{ { 1, 3 }, {} }]" },
  { "[%w_%)%]]%[[^%[%]{}]*,[^%[%]{}]*%]", "several indices stand in braces: x[{ 1, 2 }]" },
  { "%(%s*%[", "Lua: lists stand in braces, as { 1, 2, 3 }" },
  { "=%s*%[[^%[=]", "Lua: lists stand in braces, as { 1, 2, 3 }" },
  { "^%s*#", "Lua: comments begin with --" },
  { "%f[%w_]None%f[^%w_]", "Lua: nil" },
}

--- For an input that could not be read: "; Lua: ..", or "".
function hints.of_input(text)
  for _, h in ipairs(written) do
    if text:find(h[1]) then return "; " .. h[2] end
  end
  return ""
end

--- Names of other places that stand for one here.
hints.names = { torch = "ra", np = "ra", numpy = "ra", tf = "ra", len = "#x", range = "ra.arange", None = "nil", True = "true", False = "false" }

return hints
