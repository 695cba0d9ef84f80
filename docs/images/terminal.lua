--- Makes repl.svg and watch.svg: the prompt, and `ramus watch` while a training runs, as a terminal of 96 columns shows them. Phantoms only.
--   build/ramus run docs/images/terminal.lua        needs tmux; a minute
local files = require "ramus.base.files"

local here = assert(files.absolute(arg[0]:match "^(.*)/[^/]*$" or "."))
local ramus = here .. "/../../build/ramus"
local COLUMNS, CELL, LINE = 96, 8, 17 -- columns, width and height of a cell
local INK, PAPER = "#d8dee4", "#14181c"
local tmux = "tmux -L ramus-docs -f /dev/null "

local function shell(command)
  local pipe = io.popen(command .. " 2>&1")
  local text = pipe:read "*a"
  pipe:close()
  return text
end

-- ---- a screen with its colours, as SVG --------------------------------------------------

local BASE = { [0] = "#14181c", "#e06c75", "#7ec699", "#e6b800", "#56b4e9", "#c9a0dc", "#5fc9d0", "#d8dee4", "#808890", "#ff8b8b", "#a5e3bd", "#ffe066",
  "#8fd0f5", "#e3c6ef", "#98e4ea", "#ffffff" }

--- Colour N of a terminal's 256.
local function palette(n)
  if n < 16 then return BASE[n] end
  if n >= 232 then return ("#%02x%02x%02x"):format(8 + 10 * (n - 232), 8 + 10 * (n - 232), 8 + 10 * (n - 232)) end
  local function level(v) return v == 0 and 0 or 55 + 40 * v end
  n = n - 16
  return ("#%02x%02x%02x"):format(level(math.floor(n / 36)), level(math.floor(n / 6) % 6), level(n % 6))
end

--- Takes the codes of one ESC [ ... m into the style.
local function restyle(style, codes)
  local list = {}
  for n in (codes == "" and "0" or codes):gmatch "%d+" do list[#list + 1] = tonumber(n) end
  local i = 1
  while list[i] do
    local n = list[i]
    if n == 0 then style.ink, style.paper, style.bold = nil, nil, nil
    elseif n == 1 then style.bold = true
    elseif n == 22 then style.bold = nil
    elseif n == 39 then style.ink = nil
    elseif n == 49 then style.paper = nil
    elseif n == 38 or n == 48 then
      local colour
      if list[i + 1] == 5 then colour, i = palette(list[i + 2]), i + 2
      else colour, i = ("#%02x%02x%02x"):format(list[i + 2], list[i + 3], list[i + 4]), i + 4 end
      style[n == 38 and "ink" or "paper"] = colour
    elseif n >= 30 and n <= 37 then style.ink = BASE[n - 30]
    elseif n >= 40 and n <= 47 then style.paper = BASE[n - 40]
    elseif n >= 90 and n <= 97 then style.ink = BASE[n - 82] end
    i = i + 1
  end
end

local function escape(text) return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })) end

--- The dots of a braille letter, as short strokes of the path of its colour: fonts differ in them, and some have none.
local function braille(dots, letter, column, row, colour)
  local a, b = letter:byte(2, 3)
  local bits = (a - 160) * 64 + b - 128
  local path
  for _, one in ipairs(dots) do if one.colour == colour then path = one end end
  if not path then
    path = { colour = colour }
    dots[#dots + 1] = path
  end
  for i, place in ipairs { { 0, 0 }, { 0, 1 }, { 0, 2 }, { 1, 0 }, { 1, 1 }, { 1, 2 }, { 0, 3 }, { 1, 3 } } do
    if math.floor(bits / 2 ^ (i - 1)) % 2 == 1 then
      path[#path + 1] = ("M%d %gh2"):format(column * CELL + 1 + 4 * place[1], row * LINE + 2 + 4.25 * place[2])
    end
  end
end

--- A colour in steps of 12, so that neighbours are often the same.
local function coarse(colour)
  return (colour:gsub("%x%x", function(hex) return ("%02x"):format(math.min(255, math.floor(tonumber(hex, 16) / 12 + 0.5) * 12)) end))
end

--- Rectangles of one colour are one path; text is cut where its style changes, and each piece has its width, whatever the font.
local function svg(screen, path, label)
  local areas, words, dots, rows, open = {}, {}, {}, 0, {}
  -- half: half cells from the top. A rectangle that goes on to the right is made longer.
  local function area(colour, column, half, height)
    if not colour or colour == PAPER then return end
    colour = coarse(colour)
    local last = open[half]
    if last and last.colour == colour and last.height == height and last.column + last.width == column then
      last.width = last.width + 1
      return
    end
    last = { colour = colour, column = column, half = half, width = 1, height = height }
    open[half] = last
    areas[colour] = areas[colour] or {}
    table.insert(areas[colour], last)
  end
  local style = {} -- tmux carries it from line to line
  for line in screen:gmatch "([^\n]*)\n" do
    local column, piece, from = 0, {}, 0
    local function flush()
      local blank, text = table.concat(piece):match "^( *)(.-) *$"
      if text ~= "" then
        words[#words + 1] = ('<text x="%d" y="%d" textLength="%d"%s%s>%s</text>'):format((from + #blank) * CELL, rows * LINE + 13,
          select(2, text:gsub("[^\128-\191]", "")) * CELL, style.ink and (' fill="%s"'):format(style.ink) or "",
          style.bold and ' font-weight="700"' or "", escape(text))
      end
      piece, from = {}, column
    end
    line = line:gsub("%s+$", "")
    local at = 1
    while at <= #line do
      local codes, after = line:match("^\27%[([%d;]*)m()", at)
      if codes then
        flush()
        restyle(style, codes)
        at = after
      else
        local letter = line:match("^[%z\1-\127\194-\244][\128-\191]*", at)
        at = at + #letter
        if letter == "\226\150\128" or letter == "\226\150\132" then -- upper or lower half block
          local ink, paper = style.ink or INK, style.paper
          if letter == "\226\150\132" then ink, paper = paper, ink end
          area(ink, column, 2 * rows, 1)
          area(paper, column, 2 * rows + 1, 1)
          flush()
          column, from = column + 1, column + 1
        elseif letter:find "^\226[\160-\163]" then
          flush()
          braille(dots, letter, column, rows, style.ink or INK)
          column, from = column + 1, column + 1
        else
          area(style.paper, column, 2 * rows, 2)
          piece[#piece + 1] = letter
          column = column + 1
          if letter == " " and piece[#piece - 1] == " " then flush() end
        end
      end
    end
    flush()
    rows = rows + 1
  end
  local out = { ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 -12 %d %d" role="img" aria-label="%s">'):format(COLUMNS * CELL + 24, rows * LINE + 24,
    label), ('<rect x="-12" y="-12" width="100%%" height="100%%" rx="8" fill="%s"/>'):format(PAPER) }
  local colours = {}
  for colour in pairs(areas) do colours[#colours + 1] = colour end
  table.sort(colours)
  out[#out + 1] = ('<g transform="scale(%d %g)" shape-rendering="crispEdges">'):format(CELL, LINE / 2)
  for _, colour in ipairs(colours) do
    local path_of = {}
    for i, r in ipairs(areas[colour]) do path_of[i] = ("M%d %dh%dv%dh-%d"):format(r.column, r.half, r.width, r.height, r.width) end
    out[#out + 1] = ('<path fill="%s" d="%s"/>'):format(colour, table.concat(path_of))
  end
  out[#out + 1] = "</g>"
  for _, one in ipairs(dots) do out[#out + 1] = ('<path stroke="%s" stroke-width="2" d="%s"/>'):format(one.colour, table.concat(one)) end
  out[#out + 1] = ('<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="13" fill="%s" xml:space="preserve">'):format(INK)
  assert(files.write(path, table.concat(out, "\n") .. "\n" .. table.concat(words, "\n") .. "\n</g>\n</svg>\n"))
  print(("%s: %d bytes"):format(path, files.size(path)))
end

--- Runs a command in a terminal of some lines, gives it to `use`, and returns the screen.
local function terminal(command, lines, use)
  shell(tmux .. "kill-server")
  shell((tmux .. "new-session -d -x %d -y %d \"env TERM=xterm-256color COLORTERM=truecolor %s\""):format(COLUMNS, lines, command))
  local ok, why = pcall(use, function(keys) shell(tmux .. "send-keys " .. keys) end,
    function() return shell(tmux .. "capture-pane -p -e -N") end)
  local screen = shell(tmux .. "capture-pane -p -e -N -S -50") -- with what has left the window above
  shell(tmux .. "kill-server")
  assert(ok, why)
  return screen
end

local function wait_for(screen, pattern)
  for _ = 1, 600 do
    local text = ("\n" .. screen()):gsub("\27%[[%d;]*m", "")
    if text:find(pattern) then return text end
    os.execute "sleep 0.2"
  end
  error("the terminal does not show " .. pattern .. "\n" .. screen())
end

-- ---- the two pictures ---------------------------------------------------------------------

local folder = os.tmpname()
os.remove(folder)
assert(files.make_folder(folder))

local SESSION = {
  [[x, mask = ra.zeros(128, 128), ra.zeros(128, 128); C.ra_phantom(x, mask, 7, 5)]],
  [[v = ra.image.frangi(x, { scales = { 1, 2, 3 } }); ra.metrics(v, mask, { threshold = 0.1 }).dice]],
  [[net = ra.load_model "recipes/models/coronary.safetensors"]],
  [[p = ra.predict.probability(net, x:reshape(1, 128, 128)):reshape(128, 128); ra.metrics(p, mask).dice]],
  [[show(x, p:gt(0.5), mask)]],
}

local function repl_picture()
  local screen = terminal(("sh -c 'cd %s/../.. && XDG_STATE_HOME=%s exec %s'"):format(here, folder, ramus), 44, function(press, screen)
    for _, line in ipairs(SESSION) do
      wait_for(screen, "\n> *\n*$")
      press("-l -- '" .. line:gsub("'", "'\\''") .. "'")
      press "Enter"
      os.execute "sleep 1"
    end
    wait_for(screen, "\n> *\n*$")
  end)
  svg(screen, here .. "/repl.svg", "The prompt of Ramus with a synthetic angiogram and what a model found in it")
end

local RECIPE = [[
local ra = require "ramus"
return { name = "live", data = { set = "phantom", options = { size = 64, train = 16, val = 4, test = 4 }, batch = 4 },
  model = ra.models.unet { depth = 3, width = 8, sides = true }, teacher = { kind = "last_epoch" },
  supervise = { { at = "out", loss = ra.loss.dice() }, { at = "side*", loss = ra.loss.bce(), weight = { 1 / 2, 1 / 4 } },
    { at = "out", loss = ra.loss.soft_target { alpha = ra.ramp(0, 0.5) }, against = "teacher.out", from = 1 } },
  optim = ra.optim.adamw { lr = 2e-3, clip = 1, schedule = ra.cosine {} }, epochs = 40, seed = 42, log = { pictures = 0 } }
]]

local function watch_picture()
  assert(files.write(folder .. "/live.lua", RECIPE))
  local pid = shell(("cd %s && RAMUS_DATA=%s/data %s train live.lua --quiet >train.txt 2>&1 & echo $!"):format(folder, folder, ramus)):match "%d+"
  for _ = 1, 1200 do
    local log = files.read(folder .. "/runs/live/metrics.jsonl") or ""
    if select(2, log:gsub('"epoch"', "")) >= 24 then break end
    os.execute "sleep 0.2"
  end
  local screen = terminal(("sh -c 'cd %s && exec %s watch runs/live'"):format(folder, ramus), 28, function(_, screen)
    wait_for(screen, "epoch")
    os.execute "sleep 3"
  end)
  os.execute("kill " .. pid)
  svg(screen, here .. "/watch.svg", "ramus watch: state, time left, curves and terms of a training that runs")
end

local wanted = arg[1]
if wanted ~= "watch" then repl_picture() end
if wanted ~= "repl" then watch_picture() end
assert(files.remove(folder))
