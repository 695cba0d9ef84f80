--- ramus serve: a page on this machine, where a picture is dropped and the vessels appear.
local command = require "ramus.cli.command"

--- The model that is served, { model, path, boxed, file }; nil, a message and the status.
local function chosen(words)
  local box = require "ramus.train.predict.in_the_box"
  local path, why = words[1], nil
  if not path then path, why = box.path() end
  if not path then return nil, ("serve wants a run or a model file: no model is in the box (%s)"):format(why), 2 end
  if words[1] and require("ramus.base.files").exists(path) and not box.is_model(path) then
    return nil, require "ramus.lang.pickle" (path)
      or ("serve: %s is no model: a model's file is safetensors, a run a folder with %s"):format(path, require("ramus.train.run.names").files.last)
  end
  local model, file = require("ramus.train.checkpoint").load_model(path)
  if not model then return nil, file end
  return { model = model, path = path, boxed = not words[1], file = file }
end

--- What the page shows and how pictures are looked at (serve/look.lua, serve/page.lua); nil, a message and the status.
local function subject_of(words, given)
  local subject, err, status = chosen(words)
  if not subject then return nil, err, status end
  if given.range then subject.range, err = require("ramus.data.scale").parse(given.range) end
  if given.range and not subject.range then return nil, err, 2 end
  if given.threshold and subject.model.output.activation == "softmax" then
    return nil, "serve: --threshold is for a model of the foreground; one with classes decides by the largest probability", 2
  end
  subject.threshold = given.threshold or subject.model.output.threshold
  subject.way, err = require("ramus.train.predict.way").new(subject.model, command.options(command.LOOK, given, { threshold = subject.threshold }))
  if not subject.way then return nil, err end
  return subject
end

local function say(s, subject, given)
  if given.json then
    require("ramus.base.json").print { address = s.address, port = s.port, model = subject.path }
    io.flush()
  else
    print(("model   %s%s"):format(subject.path, subject.boxed and " (the model in the box; name another: ramus serve RUN)" or ""))
    print("page    " .. s.address)
    print "        Open it in a browser on this machine. Pictures stay here, in memory. Ctrl-C ends it."
    io.flush()
  end
end

return {
  name = "serve", order = 7.5, words = "[RUN]", example = "ramus serve runs/first",
  help = "a page on this machine alone (127.0.0.1): a picture is dropped and the vessels appear; a run, a model file, or the model in the box",
  flags = command.flags {
    { name = "port", value = "N", number = true, min = 1, max = 65535, help = "port of 127.0.0.1", unless = "a free one" },
    command.THRESHOLD, command.LOOK,
    { name = "range", value = "LOW,HIGH", wants = "two numbers or auto", unless = "as the model was trained",
      help = "numbers of the files that are black and white, or auto: percentiles "
      .. "0.5 and 99.5 of each picture" },
    { name = "json", help = "print the address and the model as one line of JSON, and nothing else" },
  },
  run = function(words, given)
    if #words > 1 then return false, ("serve wants one run or model file, or none, given %d"):format(#words), 2 end
    if given.port and given.port % 1 ~= 0 then return false, ("--port wants a whole number, given %g"):format(given.port), 2 end
    local subject, err, status = subject_of(words, given)
    if not subject then return false, err, status end
    local s
    s, err = require("ramus.serve.server").open(subject, { port = given.port or 0 })
    if not s then return false, err end
    say(s, subject, given)
    s:run(require("ramus.base.progress").new { quiet = given.json or given.quiet })
    s:close()
    return 130 -- nothing else ends it than a signal
  end,
}
