--- Trains a recipe without the evaluation at the end: ramus run tests/bench/train.lua RECIPE RUN
local ra = require "ramus"
local recipe = assert(ra.recipe.load(arg[1]))
assert(ra.train(recipe, { run = arg[2], evaluate = false }))
