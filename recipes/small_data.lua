--- Small data: 5, 10, 20 and 40 training pictures of cimat80, the same ones for every row and seed; baseline, control and full method.
--
--   ramus study recipes/small_data.lua
local ROWS = { { "dice", "U-Net, Dice", "unet_cimat80.lua" }, { "sides", "deep supervision", "dsd_control_cimat80.lua", "dice" },
  { "full", "the paper in its best reading", "dsd_cimat80.lua", "sides" } }

local rows = {}
for _, count in ipairs { 5, 10, 20, 40 } do
  for _, row in ipairs(ROWS) do
    rows[#rows + 1] = { name = ("%d %s"):format(count, row[1]), title = ("%d pictures: %s"):format(count, row[2]), recipe = row[3],
      set = { ["data.split"] = ("usual, train %d"):format(count), ["optim.clip"] = 1, ["log.pictures"] = 0 },
      against = row[4] and ("%d %s"):format(count, row[4]) }
  end
end

return { title = "Small data", results = "../docs/results/small-data.jsonl", score = { "cimat80:test" }, metrics = { "dice", "cldice" }, rows = rows,
  tables = { { name = "small-data" } } }
