--- More than two classes: what a data set declares, models, training, scores, predictions.
local check = require "check"
local classes = require "ramus.data.classes"

check.case("classes: a declaration gets values and colours, a wrong one says what is wrong", function()
  local list = assert(classes.check { { name = "background" }, { name = "stem", value = 80 }, "branch", { name = "catheter", colour = "#AABBCC" } })
  check.equal(#list, 4)
  check.equal(list[2].value, 80)
  check.equal(list[3].value, 2)
  check.equal(list[3].name, "branch")
  check.equal(list[4].colour, "#aabbcc")
  check.equal(list[1].colour, "#000000")
  check.fails("2 to 256", classes.check, { { name = "background" } })
  check.fails("class 1: name is missing", classes.check, { { name = "a" }, { value = 1 } })
  check.fails("class 2 has the value 1 of class 1", classes.check, { "a", "b", { name = "c", value = 1 } })
  check.fails("class 1 has the name 'a' of class 0", classes.check, { "a", "a" })
  check.fails("must be #rrggbb", classes.check, { "a", { name = "b", colour = "red" } })
  check.fails("did you mean 'colour'", classes.check, { "a", { name = "b", color = "#ffffff" } })
end)

check.case("classes: the colours of 256 classes differ", function()
  local seen = {}
  for _, c in ipairs(classes.default(256)) do
    check.ok(not seen[c.colour], c.colour .. " twice")
    seen[c.colour] = true
    local r, g, b = classes.rgb(c.colour)
    check.ok(r and g and b, c.colour)
  end
end)

check.case("classes: a definition declares them as a list or as a function of its options", function()
  check.equal(classes.of({ name = "x" }), nil)
  check.equal(#classes.of { name = "x", classes = { "a", "b", "c" } }, 3)
  local def = { name = "x", classes = function(o) return o.many and { "a", "b", "c" } or nil end }
  check.equal(classes.of(def, {}), nil)
  check.equal(#classes.of(def, { many = true }), 3)
  check.fails("x: classes: class 1", classes.of, { name = "x", classes = { "a", "a" } })
end)
