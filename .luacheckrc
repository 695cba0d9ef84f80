-- luacheck: what `make lint` holds the Lua files to.
std = "luajit"
max_line_length = 160
max_code_line_length = 160
codes = true
ignore = { "581" } -- not (a <= b) is true for NaN, a > b is not
self = false
