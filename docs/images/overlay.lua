--- Makes overlay.png: a synthetic angiogram, and what a trained model found in it.
--   build/ramus run docs/images/overlay.lua RUN     RUN: a run folder of recipes/dsd_cimat80.lua,
--   trained with --set teacher.kind=last_epoch (the picture in the README)
local ra = require "ramus"
local ffi = require "ramus.base.ffi"

local here = arg[0]:match("^(.*)/[^/]*$") or "."
local model = assert(ra.load_model(assert(arg[1], "wants a run folder")))
local picture, mask = ra.zeros(300, 300), ra.zeros(300, 300)
assert(ffi.C.ra_phantom(picture, mask, 5, 200005) == 0)
local x = picture:reshape(1, 300, 300)
local probability = assert(ra.predict.probability(model, x))
local overlay = ra.image.overlay(x, probability, mask)
local grey = ra.F.concat(x, x, x, { dim = 1 })
assert(ra.image.save(here .. "/overlay.png", ra.F.concat(grey, overlay, { dim = 3 })))
print("dice", ra.metrics(probability, mask).dice)
