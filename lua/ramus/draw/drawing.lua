--- A drawing: what show, plot and hist return. It prints itself, as large as the terminal allows, and ra.save writes it as .png or .svg:
--   ra.save("maps.png", ra.show(maps))
-- Made of a caption (one line) and functions, of which the last two are called when they are needed:
--   text(view)   the lines below the caption, for a view of terminal.lua      picture()   a tensor [3,H,W]      svg()   text
local terminal = require "ramus.draw.terminal"

local drawing = {}
local Drawing = {}
Drawing.__index = Drawing

--- given: caption, text, picture, svg.
function drawing.new(given) return setmetatable(given, Drawing) end

function drawing.is(v) return getmetatable(v) == Drawing end

--- The caption and the lines below it, for a view.
function drawing.lines(d, view)
  local lines = { d.caption }
  for _, line in ipairs(d.text(view)) do lines[#lines + 1] = line end
  return lines
end

function Drawing.__tostring(d) return table.concat(drawing.lines(d, terminal.view()), "\n") end

--- ra.save calls this: true, or nil and a message.
function Drawing.__save(d, path)
  local ending = (path:match "%.(%w+)$" or ""):lower()
  if ending == "svg" then return require("ramus.base.files").write(path, d.svg()) end
  if ending == "png" then return require("ramus.data.image").save(path, d.picture()) end
  error(("save: a drawing goes into a .png or .svg file, given '%s'"):format(path), 3)
end

return drawing
