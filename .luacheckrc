-- luacheck: what `make lint` holds the Lua files to.
std = "luajit"
max_line_length = 160
max_code_line_length = 160
codes = true
self = false
