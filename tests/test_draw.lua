--- What is drawn in the terminal: cells, sixels and kitty's bytes of small pictures, decoded again; what the terminal is taken for; show by shape; at a
-- terminal in tmux, where it is there.
local check = require "check"
local files = require "ramus.base.files"
local processes = require "processes"
local ra = require "ramus"
local cells = require "ramus.draw.cells"
local drawing = require "ramus.draw.drawing"
local graphics = require "ramus.draw.graphics"
local terminal = require "ramus.draw.terminal"

local binary = os.getenv("RAMUS_BIN") or (check.root .. "/build/ramus")

--- A view without a terminal.
local function view(mode, colours, more)
  local v = { columns = 40, rows = 24, mode = mode, colours = colours or 0, cell = { 8, 16 } }
  for k, x in pairs(more or {}) do v[k] = x end
  return v
end

local function lines(d, ...) return drawing.lines(d, view(...)) end

-- ---- the terminal -------------------------------------------------------------------------

local function environment(t) return function(name) return t[name] end end

check.case("draw: what a terminal is taken for", function()
  local function mode(env, answer, is_terminal)
    local asked = false
    local m, colours = terminal.decide(environment(env), { is_terminal = is_terminal ~= false, asked = function()
      asked = true
      return answer
    end })
    return ("%s %d%s"):format(m, colours, asked and " asked" or "")
  end
  check.equal(mode({ TERM = "xterm" }), "blocks 256 asked")
  check.equal(mode({ TERM = "xterm", COLORTERM = "truecolor" }), "blocks 24 asked")
  check.equal(mode({ TERM = "xterm" }, { kitty = true, sixel = true }), "kitty 256 asked")
  check.equal(mode({ TERM = "xterm" }, { kitty = false, sixel = true }), "sixel 256 asked")
  check.equal(mode({ TERM = "xterm-kitty" }), "kitty 256 asked")
  check.equal(mode({ TERM = "tmux-256color", KITTY_WINDOW_ID = "1" }), "blocks 256 asked")
  check.equal(mode({ TERM = "dumb" }, { kitty = true }), "characters 0")
  check.equal(mode({}, { kitty = true }), "characters 0")
  check.equal(mode({ TERM = "xterm", NO_COLOR = "1" }, { kitty = true }), "characters 0")
  check.equal(mode({ TERM = "xterm" }, { kitty = true }, false), "characters 0")
  check.equal(mode({ RAMUS_GRAPHICS = "sixel" }, nil, false), "sixel 256")
end)

check.case("draw: answers are understood, and keys between them are kept", function()
  local function read(bytes)
    local a, rest = terminal.understood(bytes)
    return ("%s %s %s %q"):format(tostring(a.kitty), tostring(a.sixel), a.cell and a.cell[1] .. "x" .. a.cell[2] or "-", rest)
  end
  check.equal(read "\27_Gi=31;OK\27\\\27[6;20;10t\27[?62;4;22c", 'true true 10x20 ""')
  check.equal(read "\27_Gi=31;ENOTSUPPORTED\27\\\27[?64;14c", 'false false - ""')
  check.equal(read "ab\27[6;20;10tc\27[?1;2cd\27[A", 'false false 10x20 "abcd\\27[A"')
  check.equal(read "typed", 'false false - "typed"')
end)

-- ---- cells and graphics -------------------------------------------------------------------

local picture = ra.tensor { { { 1, 0 }, { 0, 1 }, { 0.5, 0 } }, { { 0, 0 }, { 0, 1 }, { 0.5, 1 } }, { { 0, 0 }, { 1, 1 }, { 0.5, 0 } } }

check.case("draw: half blocks", function()
  local got = cells.blocks(picture, 24)
  check.equal(got[1], "\27[38;2;255;0;0;48;2;0;0;255m▀\27[38;2;0;0;0;48;2;255;255;255m▀\27[0m")
  check.equal(got[2], "\27[38;2;128;128;128;49m▀\27[38;2;0;255;0;49m▀\27[0m")
  check.equal(#got, 2)
  check.equal(cells.blocks(ra.ones(3, 2, 3), 256)[1], "\27[38;5;231;48;5;231m▀▀▀\27[0m")
  for _, case in ipairs { { 255, 0, 0, 196 }, { 8, 8, 8, 232 }, { 255, 255, 255, 231 }, { 0, 0, 0, 16 }, { 128, 128, 128, 244 }, { 0, 95, 135, 24 } } do
    check.equal(cells.nearest(case[1], case[2], case[3]), case[4])
  end
end)

check.case("draw: the nearest of 256 colours is near", function()
  for r = 0, 255, 17 do
    for g = 0, 255, 17 do
      for b = 0, 255, 17 do
        local n = cells.nearest(r, g, b) - 16
        local function value(i) return i == 0 and 0 or 55 + 40 * i end
        local x, y, z = value(math.floor(n / 36)), value(math.floor(n / 6) % 6), value(n % 6)
        if n >= 216 then x, y, z = 8 + 10 * (n - 216), 8 + 10 * (n - 216), 8 + 10 * (n - 216) end
        check.ok(math.max(math.abs(r - x), math.abs(g - y), math.abs(b - z)) <= 48, ("%d %d %d is %d"):format(r, g, b, n + 16))
      end
    end
  end
end)

check.case("draw: characters by brightness, the mask as #", function()
  local ramp = ra.linspace(0, 1, 8):reshape(1, 1, 8)
  local got = cells.signs(ra.F.concat(ramp, ramp, ramp, { dim = 1 }))
  check.equal(got[1], " .:-=+*%")
  check.equal(cells.signs(ra.ones(3, 1, 4), ra.tensor { { 0, 1, 1, 0 } })[1], "%##%")
end)

--- The pixels that a terminal makes of sixels: height, width, and percent of red, green, blue by row and column.
local function decoded_sixels(text)
  local W, H = text:match '^\27P0;1;0q"1;1;(%d+);(%d+)'
  local body = text:match '^\27P0;1;0q"1;1;%d+;%d+(.*)\27\\$'
  local palette, pixels, x, top, colour, at = {}, {}, 0, 0, nil, 1
  local function put(sign, times)
    local bits = sign:byte() - 63
    for _ = 1, times do
      for k = 0, 5 do
        if math.floor(bits / 2 ^ k) % 2 == 1 then pixels[(top + k) * W + x] = palette[colour] end
      end
      x = x + 1
    end
  end
  while at <= #body do
    local entry, r, g, b, after = body:match("^#(%d+);2;(%d+);(%d+);(%d+)()", at)
    local number, behind = body:match("^#(%d+)()", at)
    local times, sign, next_ = body:match("^!(%d+)([?-~])()", at)
    local c = body:sub(at, at)
    if entry then palette[entry], at = { tonumber(r), tonumber(g), tonumber(b) }, after
    elseif number then colour, at = number, behind
    elseif times then
      put(sign, tonumber(times))
      at = next_
    else
      if c == "$" then x = 0
      elseif c == "-" then x, top = 0, top + 6
      else put(c, 1) end
      at = at + 1
    end
  end
  return tonumber(H), tonumber(W), pixels
end

check.case("draw: sixels, decoded again", function()
  ra.seed(3)
  local x = ra.rand(3, 13, 17)
  x:narrow(3, 1, 9):fill(0.25) -- long runs of one grey
  local H, W, pixels = decoded_sixels(graphics.sixel(x))
  check.equal(H .. "x" .. W, "13x17")
  local worst = 0
  for i = 0, 12 do
    for j = 0, 16 do
      for c = 1, 3 do worst = math.max(worst, math.abs(pixels[i * 17 + j][c] / 100 - x:get(c, i + 1, j + 1))) end
    end
  end
  check.ok(worst <= 0.131, worst) -- half a step of five levels, and rounding
  check.near(pixels[0][1] / 100, 0.25, 0.013)
end)

check.case("draw: kitty's bytes, decoded again", function()
  ra.seed(4)
  local x = ra.rand(3, 40, 50)
  local bytes, text, pieces = graphics.kitty(x), {}, 0
  local rest = bytes:gsub("\27_G([^;]*);([%w+/=]*)\27\\", function(keys, piece)
    pieces = pieces + 1
    check.equal(keys, (pieces == 1 and "a=T,f=100,q=2," or "") .. (#piece == 4096 and "m=1" or "m=0"))
    text[pieces] = piece
    return ""
  end)
  check.equal(rest, "")
  check.ok(pieces > 1, pieces)
  local signs, png, sum, n = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", {}, 0, 0
  for c in table.concat(text):gmatch "[^=]" do
    sum, n = sum * 64 + signs:find(c, 1, true) - 1, n + 6
    if n >= 8 then
      n = n - 8
      png[#png + 1] = string.char(math.floor(sum / 2 ^ n))
      sum = sum % 2 ^ n
    end
  end
  local y = assert(ra.image.decode(table.concat(png)))
  check.ok((y - x):abs():max() <= 0.5 / 255 + 1e-6, "pixels differ")
  check.equal(require("ramus.base.base64").encode "any carnal pleas", "YW55IGNhcm5hbCBwbGVhcw==")
end)

-- ---- show -----------------------------------------------------------------------------------

check.case("show: what a tensor is, by its shape", function()
  for _, case in ipairs { { ra.rand(20, 30), "picture [20,30]" }, { ra.rand(1, 1, 20, 30), "picture [1,1,20,30]" }, { ra.rand(3, 20, 30), "picture [3,20,30]" },
    { ra.ones(20, 30), "mask [20,30], 1 to 1" }, { ra.rand(8, 20, 30), "feature maps [8,20,30]" }, { ra.rand(1, 8, 20, 30), "feature maps" },
    { ra.rand(8, 4, 3, 3), "kernels [8,4,3,3]" }, { ra.rand(8, 4, 1, 1), "kernels [8,4,1,1]" }, { ra.rand(4, 1, 20, 30), "pictures [4,1,20,30]" },
    { ra.rand(200, 12, 12), "64 of 200 shown" }, { ra.rand(2, 5, 20, 30), "feature maps [2,5,20,30]" } } do
    local d = ra.show(case[1])
    check.ok(d.caption:find(case[2], 1, true), d.caption .. " lacks " .. case[2])
    for _, mode in ipairs { "blocks", "characters", "sixel" } do check.ok(#lines(d, mode, mode == "characters" and 0 or 24) > 1, case[2]) end
  end
  local x = ra.rand(1, 6, 6)
  x[{ 1, 1, 1 }], x[{ 1, 2, 2 }] = 0 / 0, math.huge
  check.ok(ra.show(x).caption:find("2 not finite", 1, true))
end)

check.case("show: lines fit the terminal, a grid has labels, and one scale", function()
  local function width(line) return select(2, line:gsub("\27%[[%d;]*m", ""):gsub("[^\128-\191]", "")) end
  for _, columns in ipairs { 40, 79, 200 } do
    for _, t in ipairs { ra.rand(300, 1000), ra.rand(7, 50, 40), ra.randn(16, 9, 3, 3), ra.rand(5, 3, 64, 64) } do
      for i, line in ipairs(lines(ra.show(t), "blocks", 256, { columns = columns })) do
        check.ok(i == 1 or width(line) <= columns, ("%d columns in %d: %s"):format(width(line), columns, line))
      end
    end
  end
  local maps = ra.zeros(2, 12, 12)
  maps:narrow(1, 2, 1):fill(4)
  maps:narrow(1, 1, 1):fill(2)
  local got = lines(ra.show(maps, { range = { 0, 4 } }), "blocks", 24)
  check.ok(got[2]:find "^1 +2$", got[2])
  check.ok(got[3]:find("38;2;128;128;128;48;2;128;128;128", 1, true) and got[3]:find("38;2;255;255;255", 1, true), got[3])
  local signed = lines(ra.show(ra.tensor { { { -1, 1 }, { 1, -1 } } }, { as = "maps" }), "blocks", 24)
  check.ok(signed[2]:find("38;2;0;114;178", 1, true) and signed[2]:find("38;2;213;94;0", 1, true), signed[2])
  check.equal(signed[#signed], "blue: below 0, orange: above")
end)

check.case("show: a mask on an image, tables, files; saved as PNG and SVG", function()
  local folder = check.folder "show"
  local x, y = ra.full({ 1, 16, 16 }, 0.5), ra.zeros(16, 16)
  y:narrow(2, 1, 8):fill(1)
  local d = ra.show(x, y)
  check.equal(d.caption, "overlay [1,16,16], mask 0 to 1")
  check.equal(lines(d, "characters")[18], "#: found")
  check.ok(lines(d, "characters")[2]:find "^################[-=]+$", lines(d, "characters")[2])
  local judged = lines(ra.show(x, y, y), "blocks", 24)
  check.ok(judged[#judged]:find("blue: missed", 1, true))
  local labels = y * 2
  labels:narrow(1, 1, 4):fill(1)
  local painted = lines(ra.show(ra.ones(16, 16), labels, { alpha = 1 }), "blocks", 24)
  check.ok(painted[2]:find("38;2;230;159;0", 1, true) and painted[#painted - 1]:find("38;2;86;180;233", 1, true), "colours of the classes")
  check.equal(painted[#painted], "a colour for each class, 1 to 2")
  assert(ra.save(folder .. "/a.png", d))
  local back = assert(ra.image.load(folder .. "/a.png"))
  check.equal(table.concat(back.shape, "x"), "3x128x128")
  check.equal(ra.show(folder .. "/a.png").caption, folder .. "/a.png: picture [3,128,128], 0.1765 to 0.7608")
  assert(ra.save(folder .. "/a.svg", ra.show(ra.rand(4, 8, 8))))
  local svg = assert(files.read(folder .. "/a.svg"))
  check.equal(select(2, svg:gsub("data:image/png;base64,iVBOR", "")), 4)
  local net = ra.models.unet { depth = 2, width = 2, sides = true }
  local outputs = ra.show(net:forward(ra.rand(1, 1, 32, 32)))
  check.ok(lines(outputs, "characters")[2]:find("out: picture", 1, true), lines(outputs, "characters")[2])
  assert(ra.save(folder .. "/all.png", outputs))
  check.ok(ra.show(net:activations(ra.rand(1, 1, 32, 32), "encoder2")).caption:find("feature maps [1,4,16,16]", 1, true))
  local predicted = ra.show { { image = "x.png", overlay = folder .. "/a.png", prob = "p.png" } }
  check.ok(predicted.caption:find "^x.png: picture", predicted.caption)
end)

check.case("show: wrong use is refused in one line", function()
  for _, case in ipairs { { "ra.show(ra.ones(3))", "plot draws a list of numbers" }, { "ra.show(3)", "the first value is a tensor or the name of an image" },
    { "ra.show('none.png')", "none.png" }, { "ra.show(ra.ones(4, 4), ra.ones(5, 5))", "show: sizes differ" },
    { "ra.show(ra.ones(4, 4), { az = 1 })", "unknown option" },
    { "ra.show{}", "holds no tensor" }, { "ra.show(ra.ones(0, 4))", "no elements" }, { "ra.show(ra.ones(4, 4), { range = { 1, 1 } })", "low less than high" },
    { "ra.save('x.gif', ra.show(ra.ones(4, 4)))", ".png or .svg" } } do
    local ok, err = pcall(assert(loadstring("local ra = require 'ramus' return nil, " .. case[1], "=input")))
    check.ok(not ok and tostring(err):find(case[2], 1, true) and tostring(err):find "^input:1: ", tostring(err))
  end
end)

-- ---- at a prompt, in a script -----------------------------------------------------------------

check.case("show: a script prints it, without escapes where standard output is no terminal", function()
  local folder = check.folder "show_script"
  assert(files.write(folder .. "/a.lua", "local ra = require 'ramus' print(ra.show(ra.ones(8, 16)))\n"))
  check.equal(os.execute(("%s run %s/a.lua > %s/out"):format(binary, folder, folder)), 0)
  check.equal(files.read(folder .. "/out"), "mask [8,16], 1 to 1\n" .. (("%"):rep(32) .. "\n"):rep(8))
  assert(files.write(folder .. "/in", ("show(ra.ones(8, 16))\nsave('%s/b.png', _)\nscript('%s/c.lua');\n"):format(folder, folder)))
  check.equal(os.execute(("%s < %s/in > %s/out"):format(binary, folder, folder)), 0)
  check.equal(files.read(folder .. "/out"), "mask [8,16], 1 to 1\n" .. (("%"):rep(32) .. "\n"):rep(8) .. "true\n")
  check.ok(files.is_file(folder .. "/b.png"))
  check.ok(files.read(folder .. "/c.lua"):find("local show = ra.show", 1, true), files.read(folder .. "/c.lua"))
end)

check.case("show, plot, hist and save at the prompt: options are completed, help is found", function()
  local repl, text = require "ramus.cli.repl", {}
  local s = repl.session { write = function(t) text[#text + 1] = t end, complain = function(t) text[#text + 1] = t end }
  check.equal(table.concat(repl.candidates "show(t, { a", " "), "alpha as")
  check.ok(table.concat(repl.candidates 'show(t, { as = "', " "):find "kernels")
  check.equal(table.concat(repl.candidates "plot(t, { ep", " "), "epochs")
  check.equal(table.concat(repl.candidates "hist(t, { b", " "), "bins")
  for _, case in ipairs { { "help(hist)", "how the values of a tensor" }, { "?show", "show(image, mask, truth)" }, { "?show", "strength of a mask's colour" },
    { "?plot", "logarithmic" }, { "?open_run", "out.agreement.teacher" }, { "?save", ".svg" } } do
    text = {}
    s:feed(case[1])
    check.ok(table.concat(text):find(case[2], 1, true), case[1] .. table.concat(text))
  end
  text = {}
  s:feed "show"
  check.ok(table.concat(text):find("?show explains it", 1, true), table.concat(text))
  text = {}
  check.equal(s:feed "show(ra.ones(3))", false)
  check.equal(table.concat(text), "error: show: draws [H,W], [C,H,W] and [B,C,H,W], given [3]; plot draws a list of numbers\n")
end)

check.case("show: a terminal that does not answer does not hold the prompt, and keys are kept", function()
  if os.execute "command -v script > /dev/null 2>&1" ~= 0 then check.skip "no script" end
  local folder = check.folder "show_mute"
  local keys = "printf 'show(ra.ones(8, 8))\\n40 + 2\\n'; sleep 2"
  os.execute(("(%s) | env -u SSH_CONNECTION -u TMUX TERM=xterm XDG_STATE_HOME=%s script -qec %s /dev/null > %s/out 2>&1")
    :format(keys, folder, binary, folder))
  local text = files.read(folder .. "/out")
  check.ok(text:find("38;5;231;48;5;231", 1, true), text)
  check.ok(text:find("42", text:find("mask [8,8]", 1, true), true), text)
end)

check.case("show, plot, hist: at a terminal that answers as kitty, one with sixels, one without, and TERM=dumb", function()
  if os.execute "command -v python3 > /dev/null 2>&1" ~= 0 then check.skip "no python3" end
  local folder = check.folder "show_answered"
  assert(files.write(folder .. "/in", "show(ra.rand(1, 20, 30))\nplot(ra.ramp(0, 1))\nhist(ra.rand(100))\n40 + 2\n"))
  --- What the prompt writes at such a terminal.
  local function at(kind, term)
    local command = ("env -u TMUX -u STY -u COLORTERM -u KITTY_WINDOW_ID -u RAMUS_GRAPHICS -u NO_COLOR TERM=%s XDG_STATE_HOME=%s python3 "
      .. "%s/tests/fake_terminal.py %s %s < %s/in 2>&1"):format(term, folder, check.root, kind, binary, folder)
    local text = processes.sh(command)
    for _, wanted in ipairs { "picture [1,20,30]", "histogram [100]", "\r\n42\r\n" } do
      check.ok(text:find(wanted, 1, true), ("%s, TERM=%s: no %q in %s"):format(kind, term, wanted, text))
    end
    return text
  end
  local kitty, sixel, plain, dumb = at("kitty", "xterm"), at("sixel", "xterm"), at("plain", "xterm"), at("kitty", "dumb")
  check.ok(kitty:find("\27_Ga=T,f=100", 1, true) and not kitty:find("\27P", 1, true), "kitty gets its own protocol")
  check.ok(sixel:find("\27P0;1;0q", 1, true) and not sixel:find("\27_Ga=T", 1, true), "sixels")
  check.ok(plain:find("▀", 1, true) and plain:find("\27[38;5;", 1, true) and not plain:find("\27_Ga=T", 1, true), "half blocks in colour")
  check.ok(not dumb:find("\27[_P]", 1) and not dumb:find("\27[38", 1, true) and not dumb:find("▀", 1, true), "characters alone")
  check.equal(select(2, kitty:gsub("\27%[c", "")), 1, "it is asked once")
end)

check.case("show: at a terminal in tmux: asked, drawn in colour, keys typed meanwhile are kept", function()
  if os.execute "command -v tmux > /dev/null 2>&1" ~= 0 then check.skip "no tmux" end
  local folder = check.folder "show_tmux"
  local t = require "terminal"(folder, " -f /dev/null ")
  local run, wait_for = t.run, t.wait_for
  local ok, err = pcall(function()
    run(("new-session -d -x 100 -y 50 'COLORTERM=truecolor XDG_STATE_HOME=%s %s; sleep 60'"):format(folder, binary))
    wait_for "tab completes"
    run "send-keys -l -- 'show(ra.full({ 1, 8, 8 }, 0.5))'"
    run "send-keys Enter 4 0 Space + Space 2 Enter"
    wait_for "picture [1,8,8], 0.5 to 0.5"
    wait_for "\n42\n"
    run "send-keys C-l"
    run "send-keys -l -- 'show(ra.rand(1, 44, 90))'"
    run "send-keys Enter"
    wait_for("picture [1,44,90]")
    wait_for(("\n" .. ("▀"):rep(90)):rep(22) .. "\n>")
    run "send-keys -l -- 'plot({ 1, 2 }, { 2, 1 })'"
    run "send-keys Enter"
    wait_for "━ 1   ━ 2"
    run "send-keys -l -- 'show(ra.full({ 1, 8, 8 }, 0.5))'"
    run "send-keys Enter"
    wait_for("\27[38;2;128;128;128m\27[48;2;128;128;128m▀▀▀", " -e")
  end)
  run "kill-server"
  if not ok then error(err, 0) end
end)
