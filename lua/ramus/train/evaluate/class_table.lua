--- The scores of the classes and their confusion as text, below the macro scores of an evaluation.
local class_table = {}

local COLUMNS = { "dice", "iou", "sensitivity", "precision", "roc_auc", "pr_auc", "hd95" }
local MOST = 12 -- classes of a confusion matrix that is printed; larger ones are in the JSON

local function cell(v) return v and v == v and math.abs(v) ~= math.huge and ("%.4f"):format(v) or "-" end

--- Characters of a name that a column has room for.
local function fitted(name, width) return #name <= width and name or name:sub(1, width - 1) .. "~" end

local function add_scores(lines, result)
  lines[#lines + 1] = "the scores above are macro: the mean over the classes that an image holds, the background left out"
  local head = ("%-16s %6s %9s %9s"):format("class", "images", "pixels", "dice")
  for i = 2, #COLUMNS do head = head .. (" %11s"):format(COLUMNS[i]) end
  lines[#lines + 1] = head .. "   pooled dice"
  for _, c in ipairs(result.classes) do
    local line = ("%-16s %6d %9.0f %9s"):format(fitted(c.name, 16), c.n, c.pixels, cell(c.per_image.dice and c.per_image.dice.mean))
    for i = 2, #COLUMNS do
      local s = c.per_image[COLUMNS[i]]
      line = line .. (" %11s"):format(cell(s and s.mean))
    end
    lines[#lines + 1] = line .. ("   %11s"):format(c.pixels > 0 and cell(c.pooled.dice) or "-")
  end
end

--- Rows the truth, in per cent of the class's pixels.
local function add_confusion(lines, result)
  local head = ("%-16s"):format("truth \\ found, %")
  for _, c in ipairs(result.classes) do head = head .. (" %8s"):format(fitted(c.name, 8)) end
  lines[#lines + 1] = head
  for k, c in ipairs(result.classes) do
    local line, sum = ("%-16s"):format(fitted(c.name, 16)), 0
    for _, n in ipairs(result.confusion[k]) do sum = sum + n end
    for _, n in ipairs(result.confusion[k]) do line = line .. (" %8s"):format(sum > 0 and ("%.2f"):format(100 * n / sum) or "-") end
    lines[#lines + 1] = line
  end
end

--- Where a large matrix is not printed: what each class that is often taken for another is taken for.
local function add_errors(lines, result)
  local list = {}
  for k, row in ipairs(result.confusion) do
    local sum = 0
    for _, n in ipairs(row) do sum = sum + n end
    for j, n in ipairs(row) do
      if j ~= k and k > 1 and j > 1 and n > 0.1 * sum then list[#list + 1] = { result.classes[k].name, result.classes[j].name, 100 * n / sum } end
    end
  end
  table.sort(list, function(a, b) return a[3] > b[3] end)
  for i = 1, math.min(#list, 10) do
    lines[#lines + 1] = ("%.0f %% of the pixels of %s are found as %s"):format(list[i][3], list[i][1], list[i][2])
  end
end

function class_table.text(result)
  local lines = {}
  add_scores(lines, result)
  if #result.classes <= MOST then add_confusion(lines, result) else add_errors(lines, result) end
  return table.concat(lines, "\n")
end

return class_table
