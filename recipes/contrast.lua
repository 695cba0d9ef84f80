--- Table 7's series of falling contrast: baseline, control and full method of recipes/paper.lua, trained on cimat80, on phantoms whose
-- vessels lose contrast while everything else of the pictures, and the masks, stay the same.
--
--   ramus study recipes/contrast.lua --check     what it will cost here
--   ramus study recipes/contrast.lua
--
-- Phantoms are another set than the nets were trained on: what counts is how the rows fall, and how far apart they are.
local here = debug.getinfo(1, "S").source:match "^@(.*/)[^/]*$" or "./"
local paper = assert(loadfile(here .. "paper.lua"))()

local series, names = {}, {}
for _, contrast in ipairs { 1, 0.7, 0.5, 0.35, 0.25 } do
  series[#series + 1] = { set = "phantom", part = "test", name = ("phantom, contrast %g"):format(contrast),
    options = { size = 300, train = 0, test = 24, trees = "full", contrast = contrast } }
  names[#names + 1] = series[#series].name
end

local taken, rows = { dice = true, sides = true, full = true }, {}
for _, row in ipairs(paper.rows) do
  if taken[row.name] then
    rows[#rows + 1] = { name = row.name, title = row.title, recipe = row.recipe, against = row.against, score = series }
  end
end

return { title = "Phantoms of falling contrast", results = "../docs/results/contrast.jsonl", seeds = { 1, 2, 3 }, rows = rows,
  metrics = { "dice", "sensitivity", "precision" }, tables = { { name = "contrast", title = "Phantoms of falling contrast", score = names } } }
