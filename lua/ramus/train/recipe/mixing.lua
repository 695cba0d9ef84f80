--- What mixup and CutMix of a recipe's batches allow: mixed masks are shares of foreground, and class numbers cannot be averaged.
local mixing = {}

--- Losses that take a mask as a set of pixels, not as shares.
local OF_SETS = { lovasz = true, boundary = true, skeleton_recall = true }

--- A message where a recipe mixes what cannot be mixed, else nil. known: the data set's declaration of its fields.
function mixing.wrong(r, supervision, known)
  local mixup, cutmix = r.data.augment.mixup, r.data.augment.cutmix
  if not mixup and not cutmix then return nil end
  if r.data.batch < 2 then return "recipe.data: mixup and cutmix mix the images of a batch, and data.batch is 1" end
  for _, term in ipairs(mixup and supervision.terms or {}) do
    for input, field in pairs(term.fields) do
      if field == "label" or known and known[field] and known[field].kind == "label" then
        return ("supervise row %d: field '%s' holds class numbers, which mixup cannot average; use data.augment.cutmix"):format(term.row, field)
      end
      if input == "mask" and OF_SETS[term.loss.name] then
        return ("supervise row %d: ra.loss.%s wants a mask of 0 and 1, and mixup makes shares of them; use data.augment.cutmix"):format(term.row,
          term.loss.name)
      end
    end
  end
end

return mixing
